//! Who is shut out, and whether anybody is answered: users, stop and start. For administrators; each
//! counts from the next query and can end by itself.

use std::sync::Arc;

use axum::Json as Out;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use vouch_index::Principal;
use vouch_index::ledger::UserInfo;

use super::ApiError;
use super::extract::{Json, moment};
use super::sources::reason;
use crate::app::App;
use crate::auth::AsAdministrator;

/// The people whom Vouch knows: those whom a group names, who signed in, for whom a key stands, who
/// are blocked, and in demo mode those of the people file.
#[utoipa::path(get, path = "/v1/admin/users",
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn users(
    State(app): State<Arc<App>>,
    _administrator: AsAdministrator,
) -> Result<Out<Value>, ApiError> {
    let users = app.blocking(known).await?;
    Ok(Out(json!({ "users": users })))
}

/// Everybody whom Vouch knows.
pub(super) fn known(app: &App) -> Result<Vec<UserInfo>, ApiError> {
    let mut others = Vec::new();
    if let Some(directory) = &app.directory {
        let people = directory.people(&app.ledger)?;
        others.extend(people.people.iter().map(|person| person.user.clone()));
    }
    Ok(app.ledger.users(&others)?)
}

/// Whom to shut out or to let in again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserBody {
    /// The user, with or without `user:`. Nobody has to be known under this name yet.
    pub(super) user: String,
    /// What to do.
    pub(super) act: UserAct,
    /// Why; needed to block and to release.
    pub(super) why: Option<String>,
    /// When a block ends by itself: RFC 3339, or a span such as `2h`.
    pub(super) until: Option<String>,
}

/// What can be done to a user.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum UserAct {
    /// Shut out of everything, whatever the credential.
    Block,
    /// Let in again.
    Unblock,
    /// Forget which account of the identity provider this user is; the next sign-in says it anew.
    Release,
}

/// Block, unblock or release a user. It counts from the next query; `known` says whether anybody is known
/// under that name.
#[utoipa::path(post, path = "/v1/admin/users", request_body = UserBody,
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn change_user(
    State(app): State<Arc<App>>,
    AsAdministrator(actor): AsAdministrator,
    Json(body): Json<UserBody>,
) -> Result<Out<Value>, ApiError> {
    let user = bare_user(&body.user)?;
    let until = body.until.as_deref().map(|text| moment("until", text)).transpose()?;
    let changed = app.blocking(move |app| {
        let principal = Principal::User(user.clone());
        let known = known(app)?.iter().any(|info| info.user == principal);
        let blocked = match body.act {
            UserAct::Block if principal.to_string() == actor.name => {
                return Err(ApiError::conflict(
                    "yourself",
                    "you would shut out yourself",
                    "another administrator can block you",
                ));
            }
            UserAct::Block => {
                let why = reason(body.why.as_deref().unwrap_or_default())?;
                Some(app.ledger.block_user(&user, &actor, &why, until)?)
            }
            UserAct::Unblock => {
                app.ledger.unblock_user(&user, &actor)?;
                None
            }
            UserAct::Release => {
                let why = reason(body.why.as_deref().unwrap_or_default())?;
                app.ledger.release_user(&user, &actor, &why)?;
                app.ledger.blocked(&user)?
            }
        };
        Ok(json!({"user": principal, "known": known, "blocked": blocked}))
    });
    Ok(Out(changed.await?))
}

/// A user's name from `user:NAME` or `NAME`.
pub(super) fn bare_user(text: &str) -> Result<String, ApiError> {
    let name = text.strip_prefix("user:").unwrap_or(text);
    let other = ["group:", "key:"].iter().any(|kind| name.starts_with(kind)) || name == "everyone";
    if name.trim().is_empty() || other || name.chars().any(char::is_control) {
        return Err(ApiError::invalid(
            "bad_user",
            format!("`{text}` names no user"),
            "write a user as user:NAME; a key is ended with `vouch key revoke`",
        ));
    }
    Ok(name.to_owned())
}

/// Why nobody is to be answered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StopBody {
    /// The reason, for the audit and for those who wonder.
    pub(super) why: String,
    /// When it ends by itself: RFC 3339, or a span such as `2h`.
    pub(super) until: Option<String>,
}

/// Stop the whole assistant: from the next query on nobody is shown anything. Sources are followed
/// meanwhile.
#[utoipa::path(post, path = "/v1/admin/stop", request_body = StopBody,
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn stop(
    State(app): State<Arc<App>>,
    AsAdministrator(actor): AsAdministrator,
    Json(body): Json<StopBody>,
) -> Result<Out<Value>, ApiError> {
    let why = reason(&body.why)?;
    let until = body.until.as_deref().map(|text| moment("until", text)).transpose()?;
    let stopped = app.blocking(move |app| app.ledger.stop(&actor, &why, until)).await?;
    Ok(Out(json!({ "stopped": stopped })))
}

/// Start the assistant again.
#[utoipa::path(post, path = "/v1/admin/start",
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn start(
    State(app): State<Arc<App>>,
    AsAdministrator(actor): AsAdministrator,
) -> Result<Out<Value>, ApiError> {
    app.blocking(move |app| app.ledger.start(&actor)).await?;
    Ok(Out(json!({ "stopped": null })))
}
