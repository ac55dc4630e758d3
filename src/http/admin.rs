//! Groups, generations, audit and status.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json as Out;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use vouch_index::Principal;
use vouch_index::ledger::{AuditQuery, AuditRecord, GenerationState, GroupInfo, JobKind, Verified};

use super::ApiError;
use super::control::bare_user;
use super::extract::{Json, Query};
use super::health;
use super::sources::{folder_source, queue_sync};
use crate::app::App;
use crate::auth::{AsAdministrator, AsAuditor};
use crate::paths::indexing;

/// Records that an audit listing holds unless told otherwise.
const RECORDS: u32 = 100;
/// Jobs that the status lists.
const JOBS: u32 = 20;

/// Groups that Vouch keeps.
#[utoipa::path(get, path = "/v1/admin/groups",
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn groups(
    State(app): State<Arc<App>>,
    _administrator: AsAdministrator,
) -> Result<Out<Value>, ApiError> {
    let groups = app.blocking(|app| app.ledger.groups()).await?;
    Ok(Out(json!({ "groups": groups })))
}

/// Members to add to and to take out of a group.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupChange {
    /// The group's name, with or without `group:`.
    group: String,
    /// Principals to add.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    add: Vec<Principal>,
    /// Principals to take out.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    remove: Vec<Principal>,
}

/// Change a group. It counts from the next query. Adding makes a group that is not kept yet; taking
/// somebody out of one is a 404. A group inside a group that lets in too many waits for a second
/// person; `held` says so.
#[utoipa::path(post, path = "/v1/admin/groups", request_body = GroupChange,
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn change_group(
    State(app): State<Arc<App>>,
    AsAdministrator(actor): AsAdministrator,
    Json(change): Json<GroupChange>,
) -> Result<Out<GroupInfo>, ApiError> {
    let changed = app.blocking(move |app| {
        let name = bare(&change.group);
        app.ledger.change_group(name, &change.add, &change.remove, &actor)
    });
    Ok(Out(changed.await?))
}

/// Groups with all of their members.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupLoad {
    groups: Vec<GroupMembers>,
}

/// One group with all of its members.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GroupMembers {
    group: String,
    #[schema(value_type = Vec<String>)]
    members: Vec<Principal>,
}

/// The longest directory that is loaded at once, in bytes: a million lines of a usual length.
const DIRECTORY_BYTES: usize = 128 * 1024 * 1024;

/// A directory may be longer than other bodies. It takes an administrator to send one.
pub(super) fn directory() -> DefaultBodyLimit {
    DefaultBodyLimit::max(DIRECTORY_BYTES)
}

/// Replace the members of many groups at once. `held` lists what waits for a second person.
#[utoipa::path(post, path = "/v1/admin/groups/load", request_body = GroupLoad,
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn load_groups(
    State(app): State<Arc<App>>,
    AsAdministrator(actor): AsAdministrator,
    Json(load): Json<GroupLoad>,
) -> Result<Out<Value>, ApiError> {
    let mut groups: BTreeMap<String, Vec<Principal>> = BTreeMap::new();
    for one in load.groups {
        groups.entry(bare(&one.group).to_owned()).or_default().extend(one.members);
    }
    let members: usize = groups.values().map(Vec::len).sum();
    let count = groups.len();
    let held = app.blocking(move |app| app.ledger.load_groups(&groups, &actor)).await?;
    Ok(Out(json!({"groups": count, "members": members, "held": held})))
}

fn bare(group: &str) -> &str {
    group.strip_prefix("group:").unwrap_or(group)
}

/// What to build anew.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ReindexBody {
    /// Extract this source's files again, instead of building a generation.
    pub(super) source: Option<String>,
    /// A model directory on the server.
    pub(super) model: Option<String>,
    /// Only say what would be done.
    pub(super) dry_run: bool,
}

/// Build a generation beside the live one; it answers once it is complete. With `source`, extract
/// that source's files again instead. A dry run refuses what the real one would refuse.
#[utoipa::path(post, path = "/v1/admin/reindex", request_body = ReindexBody,
    responses((status = 202, body = Object), (status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn reindex(
    State(app): State<Arc<App>>,
    AsAdministrator(actor): AsAdministrator,
    Json(body): Json<ReindexBody>,
) -> Result<(StatusCode, Out<Value>), ApiError> {
    app.blocking(move |app| {
        let status = if body.dry_run { StatusCode::OK } else { StatusCode::ACCEPTED };
        if let Some(source) = &body.source {
            if body.model.is_some() {
                return Err(ApiError::invalid(
                    "source_and_model",
                    "a source's files are read again without building anything, so no model counts",
                    "give `source` or `model`; a generation holds all sources",
                ));
            }
            let documents = folder_source(app, source)?.documents;
            let mut answer = json!({"source": source, "versions": documents});
            if !body.dry_run {
                let again = json!({"extract_again": true});
                answer["job"] = json!(queue_sync(app, source, &actor, &again)?);
            }
            return Ok((status, Out(answer)));
        }
        let settings = app.next_settings(body.model.as_deref()).map_err(|error| {
            ApiError::invalid("bad_model", format!("{error:#}"), "see docs/models.md")
        })?;
        let live = app.live().generation.number;
        let generations = app.ledger.generations()?;
        let chunks = generations.iter().find(|about| about.generation == live);
        let mut answer = json!({
            "versions": app.ledger.totals()?.0,
            "chunks_estimate": chunks.map_or(0, |about| about.chunks),
            "settings": settings,
        });
        if !body.dry_run {
            let number = app.ledger.begin_generation(&settings, &actor)?;
            answer["generation"] = json!(number);
            let payload = json!({ "generation": number });
            let job = app.ledger.queue_job(JobKind::Reindex, None, &payload, &actor.name)?;
            answer["job"] = json!(job);
        }
        Ok((status, Out(answer)))
    })
    .await
}

/// Every generation, newest first, with how far it is.
#[utoipa::path(get, path = "/v1/admin/generations",
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn generations(
    State(app): State<Arc<App>>,
    _administrator: AsAdministrator,
) -> Result<Out<Value>, ApiError> {
    let generations = app.blocking(|app| app.ledger.generations()).await?;
    Ok(Out(json!({ "generations": generations })))
}

/// Where to go back to.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RollbackBody {
    /// The generation; without it the one before.
    pub(super) generation: Option<u32>,
}

/// Let an earlier generation answer again, at once.
#[utoipa::path(post, path = "/v1/admin/rollback", request_body = RollbackBody,
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn rollback(
    State(app): State<Arc<App>>,
    AsAdministrator(actor): AsAdministrator,
    Json(body): Json<RollbackBody>,
) -> Result<Out<Value>, ApiError> {
    app.blocking(move |app| {
        let (now, before) = indexing::rollback(app, body.generation, &actor)?;
        Ok(Out(json!({"generation": now, "previous": before, "behind": behind(app)?})))
    })
    .await
}

/// How many changes the live text index has not followed yet.
fn behind(app: &App) -> Result<i64, ApiError> {
    Ok(app.ledger.last_change()? - app.live().generation.text.seq())
}

/// Which records.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditParams {
    /// Of this person or actor.
    pub(super) user: Option<String>,
    /// In which this document was shown or changed.
    pub(super) document: Option<String>,
    /// Of this answer.
    pub(super) answer: Option<String>,
    /// Of this kind, such as `source.pause`, or of all that begin so, such as `source`.
    pub(super) kind: Option<String>,
    /// From this time on, RFC 3339.
    pub(super) since: Option<String>,
    /// Before this time, RFC 3339.
    pub(super) until: Option<String>,
    /// Before this record, by its `seq`.
    pub(super) before: Option<i64>,
    /// The newest so many.
    pub(super) limit: Option<u32>,
    /// 1: every record as JSON lines.
    pub(super) export: Option<u8>,
}

/// Records of the audit, oldest first. Questions and sentences are for auditors: an administrator
/// who is none gets such a record with `"withheld": true` in their place.
#[utoipa::path(get, path = "/v1/admin/audit", params(AuditParams),
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn audit(
    State(app): State<Arc<App>>,
    auditor: AsAuditor,
    Query(params): Query<AuditParams>,
) -> Result<Response, ApiError> {
    let export = params.export == Some(1);
    let records = app.blocking(move |app| records(app, &auditor, params)).await?;
    if !export {
        return Ok(Out(json!({ "records": records })).into_response());
    }
    let mut lines = String::new();
    for record in &records {
        lines.push_str(&serde_json::to_string(record).map_err(anyhow::Error::from)?);
        lines.push('\n');
    }
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], lines).into_response())
}

/// The records that somebody asks for, with the text or without it.
pub(super) fn records(
    app: &App,
    auditor: &AsAuditor,
    params: AuditParams,
) -> Result<Vec<AuditRecord>, ApiError> {
    let export = params.export == Some(1);
    let user = params.user.map(|user| {
        let whole = user.contains(':') || user.contains(' ');
        if whole { user } else { format!("user:{user}") }
    });
    let time = |name, text: Option<&str>| text.map(|text| rfc3339(name, text)).transpose();
    let query = AuditQuery {
        user,
        document: params.document,
        answer: params.answer,
        kind: params.kind,
        since: time("since", params.since.as_deref())?,
        until: time("until", params.until.as_deref())?,
        before: params.before,
        limit: if export { None } else { Some(params.limit.unwrap_or(RECORDS)) },
    };
    let mut records = app.ledger.audit_records(&query)?;
    if !auditor.sees_text {
        records = records.into_iter().map(AuditRecord::without_text).collect();
    }
    Ok(records)
}

fn rfc3339(name: &str, text: &str) -> Result<jiff::Timestamp, ApiError> {
    text.parse().map_err(|error| {
        ApiError::invalid(
            "bad_time",
            format!("`{name}` is not a time: {error}"),
            "write it as RFC 3339, such as 2026-01-31T00:00:00Z",
        )
    })
}

/// A head that was kept.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    /// A hash that was written down earlier.
    pub(super) head: Option<String>,
}

/// Check the whole chain of the audit.
#[utoipa::path(get, path = "/v1/admin/audit/verify", params(Head),
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn audit_verify(
    State(app): State<Arc<App>>,
    _auditor: AsAuditor,
    Query(query): Query<Head>,
) -> Result<Out<Verified>, ApiError> {
    Ok(Out(app.blocking(move |app| app.ledger.audit_verify(query.head.as_deref())).await?))
}

/// Whose part of the audit goes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EraseBody {
    /// The user, with or without `user:`.
    user: String,
    /// Why, for the audit.
    why: Option<String>,
}

/// Take out of the audit what a person asked and was shown; the chain still verifies. What they did
/// as an administrator, owner or approver stays.
#[utoipa::path(post, path = "/v1/admin/audit/erase", request_body = EraseBody,
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn audit_erase(
    State(app): State<Arc<App>>,
    AsAdministrator(actor): AsAdministrator,
    Json(body): Json<EraseBody>,
) -> Result<Out<Value>, ApiError> {
    let user = bare_user(&body.user)?;
    let principal = Principal::User(user.clone());
    if principal.to_string() == actor.name {
        return Err(ApiError::conflict(
            "yourself",
            "nobody takes out what they were shown themselves",
            "another administrator can do it",
        ));
    }
    let erase = move |app: &App| app.ledger.audit_erase(&user, &actor, body.why.as_deref());
    Ok(Out(json!({"user": principal, "records": app.blocking(erase).await?})))
}

/// How Vouch is: documents, chunks, sources, jobs, alarms.
#[utoipa::path(get, path = "/v1/admin/status",
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn status(
    State(app): State<Arc<App>>,
    _administrator: AsAdministrator,
) -> Result<Out<Value>, ApiError> {
    Ok(Out(app.blocking(describe).await?))
}

/// The status, in numbers.
pub(super) fn describe(app: &App) -> Result<Value, ApiError> {
    let live = app.live();
    let number = live.generation.number;
    let (documents, waiting, failed) = app.ledger.totals()?;
    let generations = app.ledger.generations()?;
    let about = generations.iter().find(|about| about.generation == number);
    let (chunks, embedded) = about.map_or((0, 0), |about| (about.chunks, about.embedded));
    let (_, notes) = health::look(app);
    let sources = app.ledger.sources()?.into_iter().map(|source| {
        json!({
            "id": source.spec.id, "state": source.state, "documents": source.documents,
            "live": source.live, "waiting": source.waiting, "failed": source.failed,
            "syncing": source.syncing,
        })
    });
    let building = generations.iter().find(|about| about.state == GenerationState::Building);
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_s": app.started.elapsed().as_secs(),
        "documents": {"live": documents, "waiting": waiting, "failed": failed},
        "chunks": chunks,
        "embedded": embedded,
        "generation": number,
        "generation_behind": behind(app)?,
        "building": building,
        "vectors": {
            "store": live.generation.vectors.as_ref().map_or("none", |vectors| vectors.name()),
            "state": if notes.is_empty() { "ready" } else { "words alone" },
            "embedded": embedded,
            "pending": chunks - embedded,
        },
        "sources": sources.collect::<Vec<_>>(),
        "jobs": app.ledger.jobs(None, JOBS)?,
        "alarms": notes,
        "stopped": app.ledger.stopped()?,
        "head": app.ledger.audit_head()?,
    }))
}
