//! One source: its description, its documents, what went wrong, and what its owner can do to it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Redirect;
use maud::{Markup, html};
use serde::Deserialize;
use vouch_index::ledger::{
    ApprovalPolicy, DocumentInfo, Job, JobKind, JobState, Problem, SourceInfo, SourceKind,
    SourceState,
};

use super::overview::source_state;
use super::pieces::{
    address, ago, counted, document, empty, filled, finder, fits, id, layer, meaning, number,
    progress, say, state, told, when, words_alone,
};
use super::{After, Done, Frame, then};
use crate::app::App;
use crate::auth::AsAnybody;
use crate::http::ApiError;
use crate::http::extract::{Form, Json, Path, Query};
use crate::http::sources::{self, JOBS, PauseBody, Why, controls, own_source};

/// Documents that the page lists.
const DOCUMENTS: usize = 500;
/// Problems that the page lists.
const PROBLEMS: usize = 100;

/// The page of a source.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    AsAnybody(caller): AsAnybody,
    Path(name): Path<String>,
    Query(after): Query<After>,
) -> Result<Markup, ApiError> {
    app.blocking(move |app| {
        let source = own_source(app, &caller, &name)?;
        let frame = Frame::of(app, &caller, "/admin/sources")?.after(&after);
        let jobs = app.ledger.jobs(Some(&name), JOBS)?;
        let documents = app.ledger.documents(&name)?;
        let oldest = app.ledger.oldest_permission(&name)?;
        let problems = app.ledger.problems(&name)?;
        let words_alone = words_alone(app);
        let body = html! {
            p.crumbs { a href="/admin/sources" { "Sources" } " / " (say(&name)) }
            h1 { (say(&name)) " " (source_state(&source)) }
            @if !source.spec.purpose.is_empty() { p.lead { (say(&source.spec.purpose)) } }
            (notices(&source))
            (numbers(&source, words_alone))
            div.columns {
                section { h2 { "Description" } (description(&source, oldest.as_deref())) }
                section {
                    h2 { "What you can do" }
                    @if controls(&caller, &source) { (acts(&source)) }
                    @else { (empty("You approve here. Pausing and revoking are for the owner.")) }
                }
            }
            @if !problems.is_empty() { section { h2 { "Problems" } (problem_list(&problems, &documents)) } }
            section { h2 { "Documents" } (document_table(&name, &documents, &after.find, words_alone)) }
            section { h2 { "Work" } (job_table(&jobs)) }
        };
        Ok(frame.around(&name, &body))
    })
    .await
}

fn notices(source: &SourceInfo) -> Markup {
    html! {
        @if let Some(why) = &source.why {
            @if matches!(source.state, SourceState::Paused | SourceState::Revoked) {
                div.notice {
                    p {
                        @if source.state == SourceState::Paused { strong { "Paused: " } } @else { strong { "Revoked: " } }
                        (say(why))
                        @if let Some(until) = &source.until { " It answers again by itself " (ago(until)) "." }
                    }
                }
            }
        }
        @if let Some(held) = &source.held {
            div.notice {
                p { strong { "Waits for a second person: " } (say(held)) }
                p { a href="/admin/approvals" { "Decide in the queue" } }
            }
        }
        @if source.state == SourceState::Proposed {
            div.notice { p { "One of its approvers has to approve this source. " a href="/admin/approvals" { "Open the queue" } } }
        }
    }
}

fn numbers(source: &SourceInfo, words_alone: bool) -> Markup {
    let moving = source.syncing || (!words_alone && source.embedded < source.chunks);
    html! {
        dl.tiles #numbers data-live[moving] {
            div { dt { "Documents" } dd { (number(source.documents)) } }
            div { dt { "Approved" } dd { (number(source.live)) } }
            div { dt { "Wait" } dd.attention[source.waiting > 0] { (number(source.waiting)) } }
            div { dt { "Failed" } dd.attention[source.failed > 0] { (number(source.failed)) } }
            div { dt { "Chunks" } dd { (number(source.chunks)) } }
            div { dt { "Found by meaning" } dd { (meaning(words_alone, source.embedded, source.chunks)) } }
        }
    }
}

fn description(source: &SourceInfo, oldest: Option<&str>) -> Markup {
    let spec = &source.spec;
    html! {
        dl.facts {
            dt { "Kind" }
            dd { @match spec.kind { SourceKind::Folder => { "folder " } SourceKind::Push => { "push" } }
                @if let Some(path) = &spec.path { (id(path)) } }
            dt { "Owner" } dd { @if let Some(owner) = &spec.owner { (id(&owner.to_string())) } }
            dt { "Approvers" } dd { @for one in &spec.approvers { (id(&one.to_string())) " " } }
            dt { "Approval" }
            dd { @match spec.approval { ApprovalPolicy::EachVersion => "of each version", ApprovalPolicy::Source => "of the source as a whole" } }
            dt { "Access" } dd { (layer(&spec.access)) }
            @if let Some(span) = &spec.review_every { dt { "Review" } dd { "every " (say(span)) } }
            @if let Some(span) = &spec.expire_after { dt { "Expires" } dd { "after " (say(span)) } }
            dt { "Authority" } dd { (number(spec.authority)) }
            dt { "Added by" } dd { (id(&source.added_by)) }
            @if let Some(by) = &source.approved_by { dt { "Approved by" } dd { (id(by)) } }
            dt { "Last sync" } dd { @match &source.last_sync { Some(at) => (when(at)), None => "never" } }
            dt { "Oldest permission" } dd { @match oldest { Some(at) => (when(at)), None => "none" } }
        }
    }
}

fn acts(source: &SourceInfo) -> Markup {
    let base = address("/admin/sources", &source.spec.id);
    let follows = source.spec.kind == SourceKind::Folder;
    html! {
        @match source.state {
            SourceState::Revoked => (empty("It was revoked, and that is final. Add a new source instead.")),
            SourceState::Proposed => (revoking(&base)),
            SourceState::Active | SourceState::Paused => {
                @if follows {
                    form.act method="post" action={ (base) "/sync" } {
                        button { "Read the folder now" }
                    }
                }
                @if source.state == SourceState::Paused {
                    form.act method="post" action={ (base) "/resume" } {
                        button.main { "Let it answer again" }
                    }
                } @else {
                    details.act {
                        summary { "Pause" }
                        form method="post" action={ (base) "/pause" } {
                            p.soft { "Hidden from the next question on. Nothing is deleted." }
                            label { "Why" input name="why" required maxlength="500"; }
                            label { "Until, if it ends by itself" input name="until" placeholder="2h, 7d or empty" maxlength="40"; }
                            button { "Pause the source" }
                        }
                    }
                }
                (revoking(&base))
            }
        }
    }
}

fn revoking(base: &str) -> Markup {
    html! {
        details.act {
            summary { "Revoke" }
            form method="post" action={ (base) "/revoke" } {
                p.soft { "Hidden for ever, and its text, chunks and vectors are deleted. The audit stays." }
                label { "Why" input name="why" required maxlength="500"; }
                label.check { input type="checkbox" required; " This can’t be taken back." }
                button.danger { "Revoke the source" }
            }
        }
    }
}

/// Files that could not be read, and texts that look like instructions.
fn problem_list(problems: &[Problem], documents: &[DocumentInfo]) -> Markup {
    let known = |problem: &Problem| {
        let of = |one: &&DocumentInfo| {
            one.newest_version.is_some()
                && one.document.split_once('/').is_some_and(|(_, path)| path == problem.path)
        };
        documents.iter().find(of)
    };
    html! {
        ul.rows {
            @for problem in problems.iter().take(PROBLEMS) {
                li {
                    @match known(problem) { Some(one) => (document(&one.document)), None => (id(&problem.path)) }
                    " " span.soft { (ago(&problem.seen_at)) }
                    br; span.reason { (told(&problem.reason)) }
                }
            }
        }
        @if problems.len() > PROBLEMS {
            p.soft { "The first " (PROBLEMS) " of " (number(problems.len() as u64)) "; " code { "vouch source show" } " lists all." }
        }
    }
}

fn document_table(name: &str, documents: &[DocumentInfo], find: &str, words_alone: bool) -> Markup {
    let place = address("/admin/sources", name);
    let found: Vec<_> = documents.iter().filter(|one| fits(&one.document, find)).collect();
    html! {
        (finder(&place, "Part of a document’s path", find, documents.len() > DOCUMENTS))
        @if documents.is_empty() { (empty("It holds no document yet.")) }
        @else if found.is_empty() { (empty("No path holds that.")) }
        @else {
            div.wide tabindex="0" role="region" aria-label="Documents" {
                table {
                    thead { tr {
                        th scope="col" { "Document" } th scope="col" { "State" } th.n scope="col" { "Chunks" }
                        th scope="col" { "Found by meaning" } th scope="col" { "Changed" }
                    } }
                    tbody {
                        @for one in found.iter().take(DOCUMENTS) {
                            tr {
                                th scope="row" {
                                    @if one.newest_version.is_some() { (document(&one.document)) } @else { (id(&one.document)) }
                                    @if !one.flags.is_empty() { " " (state("look at it")) }
                                }
                                td { (state(&one.state)) }
                                td.n { (number(one.chunks)) }
                                td { (meaning(words_alone, one.embedded, one.chunks)) }
                                td { @if let Some(at) = &one.modified_at { (ago(at)) } @else { span.soft { "–" } } }
                            }
                        }
                    }
                }
            }
            @if found.len() > DOCUMENTS {
                p.soft { "The first " (DOCUMENTS) " of " (counted(found.len(), "document", "documents"))
                    "; " code { "vouch source documents" } " lists all." }
            }
        }
    }
}

fn job_table(jobs: &[Job]) -> Markup {
    let moving = jobs.iter().any(|job| matches!(job.state, JobState::Queued | JobState::Running));
    html! {
        @if jobs.is_empty() { (empty("No work was done on it yet.")) }
        @else {
            div.wide tabindex="0" role="region" aria-label="Work" {
                table #work data-live[moving] {
                    thead { tr {
                        th scope="col" { "Work" } th scope="col" { "State" } th scope="col" { "Steps" }
                        th scope="col" { "Asked for by" } th scope="col" { "Ended" } th scope="col" { "What came of it" }
                    } }
                    tbody { @for job in jobs { (job_row(job)) } }
                }
            }
        }
    }
}

fn job_row(job: &Job) -> Markup {
    let kind = match job.kind {
        JobKind::Sync => "sync",
        JobKind::Extract => "file",
        JobKind::Reindex => "reindex",
    };
    let at = match job.state {
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::Done => "done",
        JobState::Failed => "failed",
    };
    html! {
        tr {
            th scope="row" { (kind) " " (job.id) }
            td { (state(at)) }
            td { (progress("steps", job.done, job.total)) }
            td { (id(&job.actor)) }
            td { @if let Some(at) = &job.finished_at { (ago(at)) } @else { span.soft { "–" } } }
            td { @if let Some(detail) = &job.detail { (outcome(detail)) } }
        }
    }
}

/// What came of some work, without the counts of what did not happen.
fn outcome(detail: &str) -> Markup {
    let counts: Vec<_> = detail.split(", ").filter(|part| !part.starts_with("0 ")).collect();
    html! { @if counts.is_empty() { span.soft { "nothing new" } } @else { (say(&counts.join(", "))) } }
}

/// A reason, and an end where one is given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    why: String,
    until: Option<String>,
}

type Answer = Result<Redirect, ApiError>;

fn page_of(name: &str) -> String {
    address("/admin/sources", name)
}

/// Reads the folder now.
pub(super) async fn sync(
    app: State<Arc<App>>,
    caller: AsAnybody,
    Path(name): Path<String>,
) -> Answer {
    then(sources::sync(app, caller, Path(name.clone())).await, &page_of(&name), Done::Reading)
}

/// Hides the source for now.
pub(super) async fn pause(
    app: State<Arc<App>>,
    caller: AsAnybody,
    Path(name): Path<String>,
    Form(reason): Form<Reason>,
) -> Answer {
    let body = PauseBody { why: reason.why, until: filled(reason.until) };
    then(
        sources::pause(app, caller, Path(name.clone()), Json(body)).await,
        &page_of(&name),
        Done::Paused,
    )
}

/// Lets it answer again.
pub(super) async fn resume(
    app: State<Arc<App>>,
    caller: AsAnybody,
    Path(name): Path<String>,
) -> Answer {
    then(sources::resume(app, caller, Path(name.clone())).await, &page_of(&name), Done::Resumed)
}

/// Hides it for ever.
pub(super) async fn revoke(
    app: State<Arc<App>>,
    caller: AsAnybody,
    Path(name): Path<String>,
    Form(reason): Form<Reason>,
) -> Answer {
    let body = Why { why: reason.why };
    then(
        sources::revoke(app, caller, Path(name.clone()), Json(body)).await,
        &page_of(&name),
        Done::Revoked,
    )
}
