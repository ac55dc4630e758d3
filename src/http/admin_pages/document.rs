//! One document for those who keep its source: versions, chunks, rule and clocks; no title, no text.
//!
//! The text is one link away, for whoever may: readers open the viewer, approvers the approval's page.

use std::sync::Arc;

use axum::extract::State;
use maud::{Markup, html};
use vouch_index::DocumentId;
use vouch_index::ledger::{AuditRecord, DocumentInfo, Inspection};

use super::Frame;
use super::pieces::{
    address, ago, counted, empty, id, layer, number, progress, query, say, source, state, version,
    when,
};
use crate::app::App;
use crate::auth::{AsAnybody, AsAuditor, Caller};
use crate::http::ApiError;
use crate::http::admin::{self, AuditParams};
use crate::http::extract::Path;
use crate::http::sources::own_source;

/// Answers that the page lists.
const ANSWERS: u32 = 20;

/// What there is to know about a document.
pub(super) async fn inspect(
    State(app): State<Arc<App>>,
    AsAnybody(caller): AsAnybody,
    Path((of, path)): Path<(String, String)>,
) -> Result<Markup, ApiError> {
    app.blocking(move |app| {
        let about = own_source(app, &caller, &of)?;
        let name = DocumentId { source: of.clone(), path };
        let inspected = app.ledger.inspect(&name)?.ok_or_else(ApiError::not_found)?;
        let mut listed = app.ledger.documents(&of)?.into_iter();
        let info = listed.rfind(|one| one.document == inspected.document);
        let answers = answers(app, &caller, &inspected.document)?;
        let approves = about.spec.approved_by(&caller.actor);
        let frame = Frame::of(app, &caller, "/admin/sources")?;
        let body = html! {
            p.crumbs { a href="/admin/sources" { "Sources" } " / " (source(&of)) }
            h1.id { (say(&name.path)) " " @if let Some(info) = &info { (state(&info.state)) } }
            (links(&inspected.document, approves))
            @if let Some(reason) = info.as_ref().and_then(|info| info.reason.as_ref()) {
                div.notice { p { strong { "Its file could not be read: " } (say(reason)) } }
            }
            div.columns {
                section { h2 { "Clocks" } (clocks(&inspected, info.as_ref())) }
                section { h2 { "Who may read it" } (rule(&inspected)) }
            }
            section { h2 { "Versions" } (versions(&inspected)) }
            section { h2 { "Chunks of the version that answers" } (chunks(&inspected)) }
            @if let Some(answers) = &answers {
                section { h2 { "Answers that were given it" } (answer_list(answers, &inspected.document)) }
            }
        };
        Ok(frame.around(&inspected.document, &body))
    })
    .await
}

/// The answers in which this document was shown, for those who may read the audit.
fn answers(app: &App, caller: &Caller, name: &str) -> Result<Option<Vec<AuditRecord>>, ApiError> {
    if !caller.auditor && !caller.actor.administrator {
        return Ok(None);
    }
    let params = AuditParams {
        document: Some(name.to_owned()),
        kind: Some("answer".to_owned()),
        limit: Some(ANSWERS),
        ..AuditParams::default()
    };
    admin::records(app, &AsAuditor { sees_text: false }, params).map(Some)
}

fn links(name: &str, approves: bool) -> Markup {
    html! {
        p.links {
            a href=(address("/view", name)) { "Open it as a reader" }
            @if approves { a href=(address("/admin/approvals", name)) { "Open its text as an approver" } }
            a href={ "/admin/access?document=" (query(name)) } { "Who sees it, and why" }
        }
    }
}

fn clocks(inspected: &Inspection, info: Option<&DocumentInfo>) -> Markup {
    let live = inspected.versions.iter().find(|version| version.answers);
    html! {
        dl.facts {
            dt { "Changed" } dd { @match live { Some(live) => (when(&live.modified_at)), None => "no version answers" } }
            @if let Some(at) = live.and_then(|live| live.approved_at.as_ref()) { dt { "Approved" } dd { (when(at)) } }
            dt { "Review due" } dd { @match &inspected.review_due { Some(at) => (when(at)), None => "not asked for" } }
            dt { "Expires" } dd { @match &inspected.expires { Some(at) => (when(at)), None => "never" } }
            @if inspected.hidden { dt { "Hidden" } dd { "its newest version is a draft, or not to be published" } }
            @if let Some(info) = info {
                dt { "Found by meaning" } dd { (progress("chunks found by meaning", info.embedded, info.chunks)) " of its chunks" }
            }
        }
    }
}

fn rule(inspected: &Inspection) -> Markup {
    html! {
        p.soft { "Every layer has to let somebody in, and a denial always wins." }
        ol.rows {
            @for (name, one) in &inspected.layers {
                li { span.soft { (say(name)) } br; (layer(one)) }
            }
        }
    }
}

fn versions(inspected: &Inspection) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label="Versions" {
            table {
                thead { tr {
                    th scope="col" { "Version" } th scope="col" { "State" } th.n scope="col" { "Bytes of text" }
                    th scope="col" { "Language" } th scope="col" { "Changed" } th scope="col" { "Seen" }
                    th scope="col" { "Brought by" } th scope="col" { "Approved" }
                } }
                tbody {
                    @for one in &inspected.versions {
                        tr {
                            th scope="row" { (version(&one.version)) }
                            td { (state(&one.state)) @if one.answers { " " strong { "answers" } } }
                            td.n { @match one.bytes { Some(bytes) => (number(bytes)), None => "gone" } }
                            td { (say(&one.language)) }
                            td { (ago(&one.modified_at)) }
                            td { (ago(&one.seen_at)) }
                            td { @match &one.brought_by { Some(by) => (id(by)), None => "the folder" } }
                            td {
                                @if let (Some(at), Some(by)) = (&one.approved_at, &one.approved_by) { (ago(at)) " by " (id(by)) }
                                @else { span.soft { "–" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn chunks(inspected: &Inspection) -> Markup {
    html! {
        @if inspected.chunks.is_empty() { (empty("None: no version answers, or it is being cut right now.")) }
        @else {
            details {
                summary { (counted(inspected.chunks.len(), "chunk", "chunks")) }
                div.wide tabindex="0" role="region" aria-label="Chunks" {
                    table {
                        thead { tr {
                            th.n scope="col" { "Chunk" } th.n scope="col" { "From byte" } th.n scope="col" { "To byte" }
                            th.n scope="col" { "Page" } th scope="col" { "Found by meaning" }
                        } }
                        tbody {
                            @for one in &inspected.chunks {
                                tr {
                                    th.n scope="row" { (one.place) }
                                    td.n { (number(one.start)) } td.n { (number(one.end)) }
                                    td.n { @match one.page { Some(page) => (page), None => "–" } }
                                    td { @if one.embedded { "yes" } @else { "not yet" } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn answer_list(answers: &[AuditRecord], name: &str) -> Markup {
    html! {
        @if answers.is_empty() { (empty("None so far.")) }
        @else {
            ul.rows {
                @for one in answers.iter().rev() {
                    @if let Some(answer) = &one.answer {
                        li { a.id href={ "/admin/audit?answer=" (query(answer)) } { (say(answer)) } " " span.soft { (ago(&one.at)) } }
                    }
                }
            }
            p { a href={ "/admin/audit?document=" (query(name)) } { "All records about this document" } }
        }
    }
}
