//! API keys: made, listed, revoked. A key is shown once and stored as a hash.

use std::sync::Arc;

use axum::Json as Out;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use vouch_index::ledger::{KeyRole, NewKey};

use super::ApiError;
use super::extract::{Json, Path, Query, moment};
use crate::app::App;
use crate::auth::{AsAdministrator, KEY_PREFIX, hash_of_key, random};

/// A key to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyBody {
    /// A name for people; no two keys that work may share one.
    name: String,
    /// `reader`, `pusher`, `auditor`, `administrator` or `widget`.
    #[schema(value_type = String)]
    role: KeyRole,
    /// The person that it stands for, with or without `user:`. A pusher's key pushes in their name.
    user: Option<String>,
    /// The sources that it may push to: one id, or a list.
    #[schema(value_type = Option<String>)]
    source: Option<OneOrMany>,
    /// When it stops working: RFC 3339, or a span such as `90d`.
    expires: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Every key, newest first; never the key itself.
#[utoipa::path(get, path = "/v1/admin/keys",
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    _administrator: AsAdministrator,
) -> Result<Out<Value>, ApiError> {
    let keys = app.blocking(|app| app.ledger.keys()).await?;
    Ok(Out(json!({ "keys": keys })))
}

/// Make a key. The answer is the only place where it is ever shown.
#[utoipa::path(post, path = "/v1/admin/keys", request_body = KeyBody,
    responses((status = 201, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    AsAdministrator(actor): AsAdministrator,
    Json(body): Json<KeyBody>,
) -> Result<(StatusCode, Out<Value>), ApiError> {
    let new = NewKey {
        name: named(&body.name)?,
        role: body.role,
        user: body.user.map(|user| user.strip_prefix("user:").unwrap_or(&user).to_owned()),
        sources: match body.source {
            None => Vec::new(),
            Some(OneOrMany::One(id)) => vec![id],
            Some(OneOrMany::Many(ids)) => ids,
        },
        expires_at: body.expires.as_deref().map(expiry).transpose()?,
    };
    let key = format!("{KEY_PREFIX}{}", random()?);
    let hash = hash_of_key(&key);
    let id = format!("k_{}", ulid::Ulid::generate().to_string().to_lowercase());
    let info = app.blocking(move |app| app.ledger.create_key(&id, &hash, &new, &actor)).await?;
    let mut shown = serde_json::to_value(info).map_err(anyhow::Error::from)?;
    shown["key"] = json!(key);
    Ok((StatusCode::CREATED, Out(shown)))
}

/// Why a key is ended.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct RevokeParams {
    /// The reason, for the audit.
    why: Option<String>,
}

/// End a key at once.
#[utoipa::path(delete, path = "/v1/admin/keys/{id}", params(("id" = String, Path), RevokeParams),
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    AsAdministrator(actor): AsAdministrator,
    Path(id): Path<String>,
    Query(query): Query<RevokeParams>,
) -> Result<Out<Value>, ApiError> {
    let key = id.clone();
    app.blocking(move |app| app.ledger.revoke_key(&key, &actor, query.why.as_deref())).await?;
    Ok(Out(json!({"id": id, "revoked": true})))
}

fn named(name: &str) -> Result<String, ApiError> {
    let name = name.trim();
    if name.is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
        return Err(ApiError::invalid(
            "bad_name",
            "the key's name is empty, too long or holds control characters",
            "use 1 to 100 characters that say what the key is for",
        ));
    }
    Ok(name.to_owned())
}

fn expiry(text: &str) -> Result<i64, ApiError> {
    let at = moment("expires", text)?;
    if at <= vouch_index::ledger::now() {
        return Err(ApiError::invalid(
            "expired_already",
            format!("`{text}` is not in the future"),
            "give a time to come, or a span such as 90d",
        ));
    }
    Ok(at)
}
