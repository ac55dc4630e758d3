//! What the widget needs besides asking: who is there, and a token where no cookie can say it.
//!
//! A page of another site gets its token from its own server, which knows who is signed in there and
//! asks here with a key. The token reads as that one person, for a quarter of an hour, and nothing more.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vouch_index::ledger::{Session, now, rfc3339};

use super::ApiError;
use super::extract::Json;
use crate::app::App;
use crate::auth::{AsLender, AsReader, LENT_PREFIX, hash_of_key, random};

/// How long a token counts, in seconds.
const LENT_FOR: i64 = 15 * 60;

/// The person that a credential stands for.
#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    /// The principal, such as `user:ann@example.com`.
    user: String,
}

/// Say who is asking. A page that names this person in the header `Vouch-Reader`, percent-encoded,
/// gets 409 `another_person` instead of anything that belongs to somebody else.
#[utoipa::path(get, path = "/v1/me",
    responses((status = 200, body = Me), (status = "default", body = ApiError)))]
pub(super) async fn me(AsReader(reader): AsReader) -> axum::Json<Me> {
    axum::Json(Me { user: reader.principal().to_string() })
}

/// For whom a token is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenBody {
    /// The person, with or without `user:`, as Vouch knows them.
    user: String,
}

/// A token, which is shown once.
#[derive(Serialize, ToSchema)]
pub(super) struct Token {
    /// The bearer for the readers' routes.
    token: String,
    /// Whom it stands for.
    user: String,
    /// When it ends, RFC 3339.
    expires_at: String,
}

/// Make a token with which the widget asks for one person, for 15 minutes. For servers: call it with
/// a key of role `widget`, for whoever is signed in on your site, and give the answer to your page.
#[utoipa::path(post, path = "/v1/widget-token", request_body = TokenBody,
    responses((status = 200, body = Token), (status = "default", body = ApiError)))]
pub(super) async fn token(
    State(app): State<Arc<App>>,
    AsLender { key, actor }: AsLender,
    Json(body): Json<TokenBody>,
) -> Result<axum::Json<Token>, ApiError> {
    let user = body.user.strip_prefix("user:").unwrap_or(&body.user).to_owned();
    let token = format!("{LENT_PREFIX}{}", random()?);
    let hash = hash_of_key(&token);
    let expires_at = now() + LENT_FOR;
    let lent = Session { user: user.clone(), groups: Vec::new(), expires_at, proof: None };
    let expires_at = rfc3339(lent.expires_at);
    app.blocking(move |app| app.ledger.lend(&hash, &lent, (&key, &actor))).await?;
    Ok(axum::Json(Token { token, user: format!("user:{user}"), expires_at }))
}
