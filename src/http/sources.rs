//! Sources: describe, list, follow, pause, revoke. Identifiers, counts and reasons; no text.

use std::sync::Arc;

use axum::Json as Out;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use vouch_index::Actor;
use vouch_index::ledger::{Ledger, SourceInfo, SourceKind, SourceSpec};

use super::ApiError;
use super::extract::{Json, Path, moment};
use crate::app::App;
use crate::auth::{AsAdministrator, AsAnybody, Caller};

/// Jobs that `show` lists.
pub(super) const JOBS: u32 = 20;

/// Why a source is hidden, and how long.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PauseBody {
    /// The reason, for the audit and for those who wonder.
    pub(super) why: String,
    /// When it ends by itself: RFC 3339, or a span such as `2h`.
    pub(super) until: Option<String>,
}

/// Why somebody does it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Why {
    /// The reason, for the audit and for those who wonder.
    pub(super) why: String,
}

/// Sources that the caller administers, owns or approves.
#[utoipa::path(get, path = "/v1/admin/sources",
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    AsAnybody(caller): AsAnybody,
) -> Result<Out<Value>, ApiError> {
    let sources = app.blocking(|app| app.ledger.sources()).await?;
    let own: Vec<_> = sources.into_iter().filter(|source| answers_for(&caller, source)).collect();
    Ok(Out(json!({ "sources": own })))
}

/// Add a source from its description.
#[utoipa::path(post, path = "/v1/admin/sources", request_body = Object,
    responses((status = 201, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn add(
    State(app): State<Arc<App>>,
    AsAdministrator(actor): AsAdministrator,
    Json(spec): Json<Value>,
) -> Result<(StatusCode, Out<SourceInfo>), ApiError> {
    let spec = described(&app, spec)?;
    let info = app.blocking(move |app| app.ledger.add_source(&spec, &actor)).await?;
    Ok((StatusCode::CREATED, Out(info)))
}

/// One source with its problems and newest jobs.
#[utoipa::path(get, path = "/v1/admin/sources/{id}", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    AsAnybody(caller): AsAnybody,
    Path(id): Path<String>,
) -> Result<Out<Value>, ApiError> {
    let shown = app
        .blocking(move |app| {
            let source = own_source(app, &caller, &id)?;
            let mut shown = serde_json::to_value(source).map_err(anyhow::Error::from)?;
            shown["derived"] = json!(app.ledger.derived(&id)?);
            shown["problems"] = json!(app.ledger.problems(&id)?);
            shown["jobs"] = json!(app.ledger.jobs(Some(&id), JOBS)?);
            Ok::<_, ApiError>(shown)
        })
        .await?;
    Ok(Out(shown))
}

/// Change a source's description. Where it lets in too many, nothing is changed until a second person
/// agrees; `held` says so.
#[utoipa::path(put, path = "/v1/admin/sources/{id}", params(("id" = String, Path)), request_body = Object,
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn update(
    State(app): State<Arc<App>>,
    AsAdministrator(actor): AsAdministrator,
    Path(id): Path<String>,
    Json(spec): Json<Value>,
) -> Result<Out<SourceInfo>, ApiError> {
    let spec = described(&app, spec)?;
    if spec.id != id {
        return Err(ApiError::invalid(
            "other_id",
            format!("the description is of source `{}`, the address of `{id}`", spec.id),
            "a source keeps its id; add a new source instead",
        ));
    }
    Ok(Out(app.blocking(move |app| app.ledger.update_source(&spec, &actor)).await?))
}

/// Delete a source and all that was derived from it; the audit stays.
#[utoipa::path(delete, path = "/v1/admin/sources/{id}", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    AsAdministrator(actor): AsAdministrator,
    Path(id): Path<String>,
) -> Result<Out<Value>, ApiError> {
    let removed = app.blocking(move |app| app.ledger.remove_source(&id, &actor)).await?;
    Ok(Out(json!({ "removed": removed })))
}

/// The documents of a source: ids, states and counts.
#[utoipa::path(get, path = "/v1/admin/sources/{id}/documents", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn documents(
    State(app): State<Arc<App>>,
    AsAnybody(caller): AsAnybody,
    Path(id): Path<String>,
) -> Result<Out<Value>, ApiError> {
    let documents = app
        .blocking(move |app| {
            own_source(app, &caller, &id)?;
            Ok::<_, ApiError>(app.ledger.documents(&id)?)
        })
        .await?;
    Ok(Out(json!({ "documents": documents })))
}

/// Bring a folder source up to date.
#[utoipa::path(post, path = "/v1/admin/sources/{id}/sync", params(("id" = String, Path)),
    responses((status = 202, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn sync(
    State(app): State<Arc<App>>,
    AsAnybody(caller): AsAnybody,
    Path(id): Path<String>,
) -> Result<(StatusCode, Out<Value>), ApiError> {
    let job = app
        .blocking(move |app| {
            let actor = owner(app, caller, &id)?;
            queue_sync(app, &id, &actor, &Value::Null)
        })
        .await?;
    Ok((StatusCode::ACCEPTED, Out(json!({ "job": job }))))
}

/// Queues a sync of a folder source.
pub(super) fn queue_sync(
    app: &App,
    id: &str,
    actor: &Actor,
    payload: &Value,
) -> Result<i64, ApiError> {
    folder_source(app, id)?;
    Ok(app.ledger.request_sync(id, payload, actor)?)
}

/// A source whose files can be read again.
pub(super) fn folder_source(app: &App, id: &str) -> Result<SourceInfo, ApiError> {
    let source = app.ledger.source(id)?;
    if source.spec.kind != SourceKind::Folder {
        return Err(ApiError::conflict(
            "nothing_to_sync",
            format!("source `{id}` has no folder: its documents are pushed"),
            "push the documents again",
        ));
    }
    Ok(source)
}

/// Hide a source from the next query on, until the end, if there is one. Its files and its rules are
/// followed meanwhile.
#[utoipa::path(post, path = "/v1/admin/sources/{id}/pause", params(("id" = String, Path)), request_body = PauseBody,
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn pause(
    State(app): State<Arc<App>>,
    AsAnybody(caller): AsAnybody,
    Path(id): Path<String>,
    Json(body): Json<PauseBody>,
) -> Result<Out<SourceInfo>, ApiError> {
    let why = reason(&body.why)?;
    let until = body.until.as_deref().map(|text| moment("until", text)).transpose()?;
    as_owner(&app, caller, id, move |ledger, id, actor| ledger.pause_source(id, actor, &why, until))
        .await
}

/// Let a paused source answer again.
#[utoipa::path(post, path = "/v1/admin/sources/{id}/resume", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn resume(
    State(app): State<Arc<App>>,
    AsAnybody(caller): AsAnybody,
    Path(id): Path<String>,
) -> Result<Out<SourceInfo>, ApiError> {
    as_owner(&app, caller, id, move |ledger, id, actor| ledger.resume_source(id, actor)).await
}

/// Hide a source for ever and take away what was derived from it.
#[utoipa::path(post, path = "/v1/admin/sources/{id}/revoke", params(("id" = String, Path)), request_body = Why,
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    AsAnybody(caller): AsAnybody,
    Path(id): Path<String>,
    Json(body): Json<Why>,
) -> Result<Out<SourceInfo>, ApiError> {
    let why = reason(&body.why)?;
    as_owner(&app, caller, id, move |ledger, id, actor| ledger.revoke_source(id, actor, &why)).await
}

/// Does to a source what its owner may do to it.
async fn as_owner(
    app: &Arc<App>,
    caller: Caller,
    id: String,
    act: impl FnOnce(&Ledger, &str, &Actor) -> vouch_index::Result<SourceInfo> + Send + 'static,
) -> Result<Out<SourceInfo>, ApiError> {
    let done = app.blocking(move |app| {
        let actor = owner(app, caller, &id)?;
        Ok::<_, ApiError>(act(&app.ledger, &id, &actor)?)
    });
    Ok(Out(done.await?))
}

/// Reads a description; a folder must lie inside the configured roots before anybody can approve it.
fn described(app: &App, spec: Value) -> Result<SourceSpec, ApiError> {
    // serde would take lists for structs, by position: nobody means that.
    if !spec.is_object() || spec["access"].is_array() {
        return Err(ApiError::invalid(
            "bad_source",
            "the source can't be read: it and its `access` are written with keys",
            "config/demo/sources holds complete examples",
        ));
    }
    let spec: SourceSpec = serde_json::from_value(spec).map_err(|error| {
        ApiError::invalid(
            "bad_source",
            format!("the source can't be read: {error}"),
            "config/demo/sources holds complete examples",
        )
    })?;
    spec.check()?;
    if let Some(path) = spec.path.as_deref().filter(|_| spec.kind == SourceKind::Folder) {
        vouch_ingest::inside_roots(path.as_ref(), &app.config.sources.roots).map_err(|error| {
            ApiError::invalid(
                "bad_path",
                format!("{error:#}"),
                "name a folder inside one of the configured `[sources] roots`",
            )
        })?;
    }
    Ok(spec)
}

/// Whether the caller administers, owns or approves the source.
pub(super) fn answers_for(caller: &Caller, source: &SourceInfo) -> bool {
    controls(caller, source) || source.spec.approved_by(&caller.actor)
}

/// Whether the caller is an administrator or the source's owner.
pub(super) fn controls(caller: &Caller, source: &SourceInfo) -> bool {
    let owns = source.spec.owner.as_ref();
    caller.actor.administrator || owns.is_some_and(|owner| caller.actor.principals.contains(owner))
}

/// The source, for those who answer for it; for everybody else it is not there.
pub(super) fn own_source(app: &App, caller: &Caller, id: &str) -> Result<SourceInfo, ApiError> {
    match app.ledger.source(id) {
        Ok(source) if answers_for(caller, &source) => Ok(source),
        Err(error) if caller.actor.administrator => Err(error.into()),
        Ok(_) | Err(_) => Err(ApiError::not_found()),
    }
}

/// The actor, if an administrator or the source's owner.
fn owner(app: &App, caller: Caller, id: &str) -> Result<Actor, ApiError> {
    let source = own_source(app, &caller, id)?;
    if controls(&caller, &source) {
        return Ok(caller.actor);
    }
    Err(ApiError::forbidden("this is for the source's owner", "ask the owner or an administrator"))
}

/// A reason that says something.
pub(super) fn reason(why: &str) -> Result<String, ApiError> {
    if why.trim().is_empty() {
        return Err(ApiError::invalid(
            "no_reason",
            "the reason is empty",
            "say why; it is kept in the audit and shown to those who wonder",
        ));
    }
    Ok(why.to_owned())
}
