//! What waits for an approver, and the approver's decisions.

use std::sync::Arc;

use axum::Json as Out;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use vouch_index::ledger::{About, SourceInfo, Waiting, WaitingText, Widening};
use vouch_index::{Actor, DocumentId};

use super::ApiError;
use super::extract::{Json, Path, Query};
use super::sources::reason;
use crate::app::App;
use crate::auth::{AsAnybody, Caller};

/// Which source.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct OfSource {
    /// Only this one.
    source: Option<String>,
    /// 1: the decisions that were made as well, newest first.
    history: Option<u8>,
}

/// Versions, sources and held changes that wait, among those that the caller approves or administers;
/// held ones for a source's owner, too.
#[utoipa::path(get, path = "/v1/admin/approvals", params(OfSource),
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    AsAnybody(caller): AsAnybody,
    Query(query): Query<OfSource>,
) -> Result<Out<Value>, ApiError> {
    let waiting = app
        .blocking(move |app| {
            let Queue { mine, versions, sources, held } =
                queue(app, &caller, query.source.as_deref())?;
            let mut answer = json!({"approvals": versions, "sources": sources, "held": held});
            if query.history == Some(1) {
                let mut decisions = app.ledger.decisions(query.source.as_deref())?;
                decisions.retain(|decision| mine.contains(&decision.source));
                answer["history"] = json!(decisions);
            }
            Ok::<_, ApiError>(answer)
        })
        .await?;
    Ok(Out(waiting))
}

/// What waits among the sources that somebody approves or administers.
pub(super) struct Queue {
    /// Those sources.
    pub(super) mine: Vec<String>,
    /// Versions that wait.
    pub(super) versions: Vec<Waiting>,
    /// Sources that are proposed.
    pub(super) sources: Vec<String>,
    /// Changes that wait for a second person.
    pub(super) held: Vec<Widening>,
}

impl Queue {
    /// How many decisions wait.
    pub(super) fn len(&self) -> usize {
        self.versions.len() + self.sources.len() + self.held.len()
    }
}

/// What waits for this caller.
pub(super) fn queue(app: &App, caller: &Caller, only: Option<&str>) -> Result<Queue, ApiError> {
    let sources = app.ledger.sources()?.into_iter();
    let mine =
        |source: &SourceInfo| caller.actor.administrator || source.spec.approved_by(&caller.actor);
    let mine: Vec<String> = sources.filter(mine).map(|source| source.spec.id).collect();
    let (mut versions, mut sources) = app.ledger.waiting(only)?;
    versions.retain(|waiting| mine.contains(&waiting.source));
    sources.retain(|source| mine.contains(source));
    let held = app.ledger.held(&caller.actor, only)?;
    Ok(Queue { mine, versions, sources, held })
}

/// Which version.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct OfVersion {
    /// `sha256:…`; without it the newest.
    pub(super) version: Option<String>,
}

/// Text and metadata of a version that waits or was approved, beside the approved one that it would
/// replace: for the approvers of the source alone. Each opening is in the audit.
#[utoipa::path(get, path = "/v1/admin/approvals/{source}/{*path}",
    params(("source" = String, Path), ("path" = String, Path), OfVersion),
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn open(
    State(app): State<Arc<App>>,
    AsAnybody(caller): AsAnybody,
    Path((source, path)): Path<(String, String)>,
    Query(query): Query<OfVersion>,
) -> Result<Out<WaitingText>, ApiError> {
    let id = DocumentId { source, path };
    let opened = move |app: &App| opened(app, &caller, &id, query.version.as_deref());
    Ok(Out(app.blocking(opened).await?))
}

/// Opens a version for an approver of its source.
pub(super) fn opened(
    app: &App,
    caller: &Caller,
    id: &DocumentId,
    version: Option<&str>,
) -> Result<WaitingText, ApiError> {
    let approval = app.ledger.approval(&id.source, &caller.actor)?;
    let approval = approval.ok_or_else(ApiError::not_found)?;
    let opened = app.ledger.waiting_text(&approval, &id.path, version)?;
    opened.ok_or_else(ApiError::not_found)
}

/// A decision about a source, a document or a held change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Decision {
    /// A source's id, a document's, or `held:` and the number of a held change.
    pub(super) target: String,
    /// What is decided.
    pub(super) act: Act,
    /// The version. Without it the newest is approved or rejected, and the one that answers withdrawn.
    pub(super) version: Option<String>,
    /// The version that answered when it was looked at, as `answers` said; empty where none did. Where
    /// another one answers by now, nothing is decided.
    pub(super) answered: Option<String>,
    /// Why; needed to reject and withdraw.
    pub(super) why: Option<String>,
    /// A note beside an approval.
    pub(super) note: Option<String>,
}

/// What an approver can do.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Act {
    /// Let it answer.
    Approve,
    /// Refuse a version that waits.
    Reject,
    /// Take back the version that answers.
    Withdraw,
}

/// Approve, reject or withdraw. A held change is decided by somebody other than the one who asked.
#[utoipa::path(post, path = "/v1/admin/approvals", request_body = Decision,
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn decide(
    State(app): State<Arc<App>>,
    AsAnybody(caller): AsAnybody,
    Json(decision): Json<Decision>,
) -> Result<Out<Value>, ApiError> {
    let decided = app.blocking(move |app| carry_out(app, &decision, &caller.actor)).await?;
    Ok(Out(decided))
}

/// For those who neither administer nor approve a source, it and its documents are not there.
fn answers_for(app: &App, target: &str, actor: &Actor) -> Result<(), ApiError> {
    let source = target.split_once('/').map_or(target, |(source, _)| source);
    let approves = || app.ledger.source(source).is_ok_and(|source| source.spec.approved_by(actor));
    if actor.administrator || approves() { Ok(()) } else { Err(ApiError::not_found()) }
}

fn carry_out(app: &App, decision: &Decision, actor: &Actor) -> Result<Value, ApiError> {
    let target = &decision.target;
    if let Some(number) = target.strip_prefix("held:") {
        return second_person(app, number, decision, actor);
    }
    answers_for(app, target, actor)?;
    let why = || reason(decision.why.as_deref().unwrap_or_default());
    let about =
        About { version: decision.version.as_deref(), answered: decision.answered.as_deref() };
    let (act, decided) = match (decision.act, DocumentId::parse(target)) {
        (Act::Approve, None) => {
            let source = app.ledger.approve_source(target, actor)?;
            return Ok(
                json!({"target": target, "act": "approve", "versions": [], "state": source.state}),
            );
        }
        (Act::Reject | Act::Withdraw, None) => {
            return Err(ApiError::invalid(
                "not_a_document",
                format!("`{target}` names no document"),
                "a document is SOURCE/PATH; to take back a whole source, pause or revoke it",
            ));
        }
        (Act::Approve, Some(id)) => {
            ("approve", app.ledger.approve(&id, about, actor, decision.note.as_deref())?)
        }
        (Act::Reject, Some(id)) => ("reject", app.ledger.reject(&id, about, actor, &why()?)?),
        (Act::Withdraw, Some(id)) => ("withdraw", app.ledger.withdraw(&id, about, actor, &why()?)?),
    };
    let state = match decision.act {
        Act::Approve => "live",
        Act::Reject => "rejected",
        Act::Withdraw => "withdrawn",
    };
    Ok(json!({"target": target, "act": act, "versions": decided.versions, "state": state}))
}

/// Decides about a change that waits for a second person.
fn second_person(
    app: &App,
    number: &str,
    decision: &Decision,
    actor: &Actor,
) -> Result<Value, ApiError> {
    let id: i64 = number.parse().map_err(|_| ApiError::not_found())?;
    let (approve, act, state) = match decision.act {
        Act::Approve => (true, "approve", "approved"),
        Act::Reject => (false, "reject", "rejected"),
        Act::Withdraw => {
            return Err(ApiError::invalid(
                "not_a_document",
                format!("held:{id} is a change that waits"),
                "approve or reject it; what counts already is changed back where it was changed",
            ));
        }
    };
    let note = decision.note.clone();
    let why = match decision.act {
        Act::Reject => Some(reason(decision.why.as_deref().unwrap_or_default())?),
        Act::Approve | Act::Withdraw => note.or_else(|| decision.why.clone()),
    };
    let held = app.ledger.decide_held(id, approve, actor, why.as_deref())?;
    Ok(json!({
        "target": decision.target, "act": act, "versions": [], "state": state, "held": held,
    }))
}
