//! One document for those who keep its source: versions, chunks, rule and clocks; no title, no text.
//!
//! The text is one link away, for whoever may: readers open the viewer, approvers the approval's page.
//! Where a text looks like instructions, everybody here sees the place, and nobody the words.

use std::sync::Arc;

use axum::extract::State;
use maud::{Markup, html};
use vouch_index::DocumentId;
use vouch_index::ledger::{AuditRecord, DocumentInfo, InspectedVersion, Inspection};

use super::Frame;
use super::pieces::{
    address, ago, counted, empty, flag, id, layer, meaning, number, query, say, source, state,
    told, version, when, words_alone,
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
        own_source(app, &caller, &of)?;
        let name = DocumentId { source: of.clone(), path };
        let inspected = app.ledger.inspect(&name)?.ok_or_else(ApiError::not_found)?;
        let mut listed = app.ledger.documents(&of)?.into_iter();
        let info = listed.rfind(|one| one.document == inspected.document);
        let answers = answers(app, &caller, &inspected.document)?;
        let approves = app.ledger.approval(&of, &caller.actor)?.is_some();
        let frame = Frame::of(app, &caller, "/admin/sources")?;
        let body = html! {
            p.crumbs { a href="/admin/sources" { "Sources" } " / " (source(&of)) }
            h1.id { (say(&name.path)) " " @if let Some(info) = &info { (state(&info.state)) } }
            (links(&inspected, &of, approves))
            @if let Some(reason) = info.as_ref().and_then(|info| info.reason.as_ref()) {
                div.notice { p { strong { "Its file could not be read: " } (told(reason)) } }
            }
            @for (at, one) in inspected.versions.iter().enumerate() {
                @if at == 0 || one.answers { (flags(one, &inspected.document, approves)) }
            }
            div.columns {
                section { h2 { "Clocks" } (clocks(app, &inspected, info.as_ref())) }
                section { h2 { "Who may read it" } (rule(&inspected)) }
            }
            section { h2 { "Versions" } (versions(&inspected, approves)) }
            section { h2 { "Chunks of the version that answers" } (chunks(app, &inspected)) }
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

/// The address of a version's text for the approvers of its source.
fn as_approver(name: &str, version: &InspectedVersion) -> String {
    let base = address("/admin/approvals", name);
    format!("{base}?version={}", query(&version.version))
}

/// Whether an approver may open this version's text.
fn opens(version: &InspectedVersion) -> bool {
    version.bytes.is_some() && matches!(version.state.as_str(), "waiting" | "approved")
}

fn links(inspected: &Inspection, of: &str, approves: bool) -> Markup {
    let name = &inspected.document;
    let newest = inspected.versions.iter().find(|one| approves && opens(one));
    html! {
        p.buttons.links {
            @if let Some(newest) = newest { a.button href=(as_approver(name, newest)) { "Read its extracted text" } }
            a.button href=(address("/view", name)) { "Open it as a reader" }
            a.button href={ "/admin/access?document=" (query(name)) } { "Who sees it, and why" }
        }
        p.soft {
            @if newest.is_some() { "You approve for " (source(of)) ": that you open its text is in the audit." }
            @else { "Its extracted text is for the approvers of " (source(of)) ", and for readers whom its rule lets in." }
        }
    }
}

/// What looks like instructions in a version, by its place alone.
fn flags(version: &InspectedVersion, name: &str, approves: bool) -> Markup {
    html! {
        @if !version.flags.is_empty() {
            div.notice {
                div {
                    p { strong { "Looks like instructions to a language model, in " (self::version(&version.version)) } }
                    ul.plain { @for one in &version.flags { li { (flag(one)) } } }
                    p { "It changes no answer. Somebody should look at what it is there for." }
                }
                @if approves && opens(version) { p { a href={ (as_approver(name, version)) "#flag" } { "Read the place" } } }
            }
        }
    }
}

fn clocks(app: &App, inspected: &Inspection, info: Option<&DocumentInfo>) -> Markup {
    let live = inspected.versions.iter().find(|version| version.answers);
    html! {
        dl.facts {
            dt { "Changed" } dd { @match live { Some(live) => (when(&live.modified_at)), None => "no version answers" } }
            @if let Some(at) = live.and_then(|live| live.approved_at.as_ref()) { dt { "Approved" } dd { (when(at)) } }
            dt { "Review due" } dd { @match &inspected.review_due { Some(at) => (when(at)), None => "not asked for" } }
            dt { "Expires" } dd { @match &inspected.expires { Some(at) => (when(at)), None => "never" } }
            @if inspected.hidden { dt { "Hidden" } dd { "its newest version is a draft, or not to be published" } }
            @if let Some(info) = info {
                dt { "Found by meaning" } dd { (meaning(words_alone(app), info.embedded, info.chunks)) }
            }
        }
    }
}

fn rule(inspected: &Inspection) -> Markup {
    html! {
        p.soft { "Every layer has to let somebody in, and a denial always wins." }
        ol.rows {
            @for (name, one) in &inspected.layers {
                li { span.soft { (told(name)) } br; (layer(one)) }
            }
        }
    }
}

fn versions(inspected: &Inspection, approves: bool) -> Markup {
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
                            th scope="row" {
                                @if approves && opens(one) { a href=(as_approver(&inspected.document, one)) { (version(&one.version)) } }
                                @else { (version(&one.version)) }
                            }
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

fn chunks(app: &App, inspected: &Inspection) -> Markup {
    let live = inspected.versions.iter().find(|version| version.answers);
    let viewer = address("/view", &inspected.document);
    let words_alone = words_alone(app);
    html! {
        @if inspected.chunks.is_empty() { (empty("None: no version answers, or it is being cut right now.")) }
        @else {
            details {
                summary { (counted(inspected.chunks.len(), "chunk", "chunks")) }
                div.wide tabindex="0" role="region" aria-label="Chunks" {
                    table {
                        thead { tr {
                            th scope="col" { "Chunk" } th.n scope="col" { "From byte" } th.n scope="col" { "To byte" }
                            th.n scope="col" { "Page" } th scope="col" { "Found by meaning" } th scope="col" { "Its place" }
                        } }
                        tbody {
                            @for one in &inspected.chunks {
                                tr {
                                    th scope="row" { (one.place) }
                                    td.n { (number(one.start)) } td.n { (number(one.end)) }
                                    td.n { @match one.page { Some(page) => (page), None => span.soft { "–" } } }
                                    td {
                                        @if one.embedded { "yes" }
                                        @else if words_alone { span.soft { "words alone" } }
                                        @else { "not yet" }
                                    }
                                    td {
                                        @if let Some(live) = live {
                                            a href={ (viewer) "?version=" (query(&live.version)) "&start=" (one.start) "&end=" (one.end) "#quote" } {
                                                "As a reader" span.unseen { ", chunk " (one.place) }
                                            }
                                        }
                                    }
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
                        @let who = one.person.as_ref().and_then(|person| person["user"].as_str());
                        li {
                            a.id href={ "/admin/audit?answer=" (query(answer)) } { (say(answer)) } " "
                            span.soft { @if let Some(who) = who { "to " (id(who)) ", " } (ago(&one.at)) }
                        }
                    }
                }
            }
            p { a href={ "/admin/audit?document=" (query(name)) } { "All records about this document" } }
        }
    }
}
