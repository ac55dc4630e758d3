//! The approver's queue, and a version that waits beside the one that answers.
//!
//! The queue names documents and versions and shows no text. The page of one version is for the approvers
//! of its source alone, and opening it is on record, as over the API.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Redirect;
use maud::{Markup, html};
use serde::Deserialize;
use vouch_index::ledger::{OpenedVersion, Waiting, WaitingText, Widening};
use vouch_index::{DocumentId, Layer, Rule};

use super::difference::difference;
use super::pieces::{
    address, ago, counted, document, empty, filled, finder, fits, flag, id, layer, query, say,
    source, state, version, when,
};
use super::{After, Done, Frame, then};
use crate::app::App;
use crate::auth::{AsAnybody, Caller};
use crate::http::ApiError;
use crate::http::approvals::{self, Act, Decision, OfVersion, Queue};
use crate::http::extract::{Form, Json, Path, Query};
use crate::http::viewer::readable;

/// Versions that the queue lists.
const LISTED: usize = 200;

/// What waits for this caller.
pub(super) async fn queue(
    State(app): State<Arc<App>>,
    AsAnybody(caller): AsAnybody,
    Query(after): Query<After>,
) -> Result<Markup, ApiError> {
    app.blocking(move |app| {
        let frame = Frame::of(app, &caller, "/admin/approvals")?.after(&after);
        let queue = &frame.queue;
        let approved = approved_by(app, &caller, queue)?;
        let body = html! {
            h1 { "Approvals" }
            p.lead { "Until somebody decides, the version that was approved before goes on answering." }
            @if queue.len() == 0 {
                (empty("Nothing waits for you."))
            }
            @if !queue.held.is_empty() {
                section {
                    h2 { "Wider access, for a second person" }
                    @for held in &queue.held { (widening(held, &caller)) }
                }
            }
            @if !queue.sources.is_empty() {
                section {
                    h2 { "Proposed sources" }
                    @for name in &queue.sources { (proposed(name, approved.contains(name))) }
                }
            }
            @if !queue.versions.is_empty() {
                section {
                    h2 { "Versions" }
                    (versions(&queue.versions, &approved, &after.find))
                }
            }
        };
        Ok(frame.around("Approvals", &body))
    })
    .await
}

/// The sources whose text this caller may open.
fn approved_by(app: &App, caller: &Caller, queue: &Queue) -> Result<Vec<String>, ApiError> {
    let mut approved = Vec::new();
    for name in &queue.mine {
        if app.ledger.approval(name, &caller.actor)?.is_some() {
            approved.push(name.clone());
        }
    }
    Ok(approved)
}

fn widening(held: &Widening, caller: &Caller) -> Markup {
    html! {
        article.card {
            p { (state("held")) " " (say(&held.what)) }
            @for rule in &held.rules {
                dl.facts {
                    dt { @if rule.of == "source" { "Now" } @else { (id(&rule.of)) " now" } }
                    dd { (layers(&rule.before)) }
                    dt { "Then" } dd { (layers(&rule.after)) }
                }
            }
            p.soft { "Asked for by " (id(&held.by)) ", " (ago(&held.at)) }
            @if held.by == caller.actor.name {
                p.soft { "You asked for it, so somebody else decides." }
            } @else {
                (decision(&html! { input type="hidden" name="target" value={ "held:" (held.id) }; }))
            }
        }
    }
}

fn proposed(name: &str, approves: bool) -> Markup {
    html! {
        article.card {
            p { (state("proposed")) " " (source(name)) }
            @if approves {
                form method="post" action="/admin/approvals" {
                    input type="hidden" name="target" value=(name);
                    button.main name="act" value="approve" { "Approve the source" }
                }
            } @else {
                p.soft { "One of its approvers decides." }
            }
        }
    }
}

fn versions(versions: &[Waiting], approved: &[String], find: &str) -> Markup {
    let found: Vec<_> = versions.iter().filter(|one| fits(&one.document, find)).collect();
    html! {
        (finder("/admin/approvals", "Part of a document’s name", find, versions.len() > LISTED))
        @if found.is_empty() { (empty("No document that waits is called so.")) }
        div.wide tabindex="0" role="region" aria-label="Versions that wait" {
            table {
                thead { tr {
                    th scope="col" { "Document" } th scope="col" { "Decide" } th scope="col" { "Seen" }
                    th scope="col" { "Brought by" } th scope="col" { "Version" } th scope="col" { "Replaces" }
                } }
                tbody {
                    @for one in found.iter().take(LISTED) {
                        tr {
                            th scope="row" {
                                (document(&one.document))
                                @if !one.flags.is_empty() { " " (state("look at it")) }
                            }
                            td {
                                @if approved.contains(&one.source) {
                                    a.button href={ (address("/admin/approvals", &one.document)) "?version=" (query(&one.version)) } {
                                        @if one.replaces.is_some() { "Compare" } @else { "Read" }
                                        span.unseen { " " (readable(&one.document)) }
                                    }
                                } @else { span.soft { "its approvers" } }
                            }
                            td { (ago(&one.seen_at)) }
                            td { @match &one.brought_by { Some(by) => (id(by)), None => span.soft { "the folder" } } }
                            td { (version(&one.version)) }
                            td { @match &one.replaces { Some(old) => (version(old)), None => span.soft { "new" } } }
                        }
                    }
                }
            }
        }
        @if found.len() > LISTED { p.soft { "The first " (LISTED) " of " (counted(found.len(), "version", "versions")) "." } }
    }
}

/// A version beside the one that it would replace.
pub(super) async fn open(
    State(app): State<Arc<App>>,
    AsAnybody(caller): AsAnybody,
    Path((of, path)): Path<(String, String)>,
    Query(which): Query<OfVersion>,
) -> Result<Markup, ApiError> {
    app.blocking(move |app| {
        let name = DocumentId { source: of, path };
        let opened = approvals::opened(app, &caller, &name, which.version.as_deref())?;
        let frame = Frame::of(app, &caller, "/admin/approvals")?;
        let title = opened.opened.title.clone();
        Ok(frame.around(&title, &side_by_side(&opened)))
    })
    .await
}

fn side_by_side(text: &WaitingText) -> Markup {
    let opened = &text.opened;
    let answers = text.answers.as_ref() == Some(&opened.version) && text.replaces.is_none();
    html! {
        p.crumbs { a href="/admin/approvals" { "Approvals" } " / " (document(&text.document)) }
        h1 { (say(&opened.title)) " " (state(&opened.state)) }
        p.soft { "That you opened this is in the audit." }
        @if !opened.flags.is_empty() {
            div.notice {
                div {
                    p { strong { "Looks like instructions to a language model" } }
                    ul.plain { @for one in &opened.flags { li { (flag(one)) } } }
                }
                p { a href="#flag" { "Go to the place" } }
            }
        }
        div.columns.decide {
            section { h2 { "This version" } (facts(opened, text.replaces.as_ref())) }
            section {
                @if opened.state == "waiting" { h2 { "Decide" } (decision(&hidden(text))) }
                @else if answers { h2 { "Take it back" } (withdrawal(text)) }
                @else { h2 { "An earlier version" } (again(text)) (withdrawal(text)) }
            }
        }
        @match &text.replaces {
            Some(before) => {
                section {
                    @if opened.state == "waiting" {
                        h2 { "What is different" }
                        p.soft { "From " (version(&before.version)) ", which answers now, to " (version(&opened.version)) "." }
                        div.difference { (difference(&before.text, &opened.text)) }
                    } @else {
                        h2 { "What has changed since" }
                        p.soft { "From " (version(&opened.version)) " to " (version(&before.version)) ", which answers now." }
                        div.difference { (difference(&opened.text, &before.text)) }
                    }
                }
                section { details open[!opened.flags.is_empty()] { summary { "The whole text" } (whole(opened)) } }
            }
            None => {
                section {
                    h2 { "The text" }
                    @if opened.text.trim().is_empty() { (empty("This version has a title and no text.")) }
                    @else { (whole(opened)) }
                }
            }
        }
    }
}

/// A version's text, with what looks like instructions marked.
fn whole(opened: &OpenedVersion) -> Markup {
    let (mut parts, mut rest) = (Vec::new(), 0);
    for flag in &opened.flags {
        let before = opened.text.get(rest..flag.start);
        let Some((before, place)) = before.zip(opened.text.get(flag.start..flag.end)) else {
            continue;
        };
        parts.push((before, place));
        rest = flag.end;
    }
    html! {
        pre.text {
            @for (at, (before, place)) in parts.iter().enumerate() {
                (readable(before)) mark id=[(at == 0).then_some("flag")] { (readable(place)) }
            }
            (readable(&opened.text[rest..]))
        }
    }
}

fn facts(opened: &OpenedVersion, before: Option<&OpenedVersion>) -> Markup {
    html! {
        dl.facts {
            @if let Some(before) = before.filter(|before| before.title != opened.title) {
                dt { "Title" } dd { del { (say(&before.title)) } " " ins { (say(&opened.title)) } }
            }
            @if let Some(before) = before.filter(|before| before.language != opened.language) {
                dt { "Language" } dd { del { (say(&before.language)) } " " ins { (say(&opened.language)) } }
            }
            dt { "Changed" } dd { (when(&opened.modified_at)) }
            dt { "Seen" } dd { (when(&opened.seen_at)) }
            dt { "Brought by" } dd { @match &opened.brought_by { Some(by) => (id(by)), None => "the folder" } }
            @if let Some(owner) = &opened.owner { dt { "Owner" } dd { (id(owner)) } }
            @if let Some(uri) = &opened.uri { dt { "Original" } dd { (id(uri)) } }
            @if let (Some(by), Some(at)) = (&opened.approved_by, &opened.approved_at) {
                dt { "Approved" } dd { (when(at)) " by " (id(by)) }
            }
            @if let Some(before) = before.filter(|before| before.access != opened.access) {
                dt { "Its own rule was" } dd { (rule(before.access.as_ref())) }
            }
            dt { "Its own rule" } dd { (rule(opened.access.as_ref())) }
        }
    }
}

fn rule(rule: Option<&Rule>) -> Markup {
    match rule {
        Some(rule) if !rule.0.is_empty() => layers(&rule.0),
        Some(_) | None => html! { "none: its source and folders decide" },
    }
}

/// Layers that whoever reads has to pass, one after the other.
fn layers(layers: &[Layer]) -> Markup {
    html! {
        @if layers.is_empty() { "restricts nobody" }
        @for one in layers { div { (layer(one)) } }
    }
}

/// What a form about a version carries: which one it is, and which one answered when this page was
/// made. Whoever else decides meanwhile is not overruled unseen.
fn hidden(text: &WaitingText) -> Markup {
    html! {
        input type="hidden" name="target" value=(text.document);
        input type="hidden" name="version" value=(text.opened.version);
        input type="hidden" name="answered" value=(text.answers.as_deref().unwrap_or_default());
    }
}

/// The forms that approve and reject what they carry.
fn decision(hidden: &Markup) -> Markup {
    html! {
        div.decisions {
            form method="post" action="/admin/approvals" {
                (hidden)
                label { "Note, if there is something to say" input name="note" maxlength="500"; }
                button.main name="act" value="approve" { "Approve" }
            }
            form method="post" action="/admin/approvals" {
                (hidden)
                label { "Why not" input name="why" required maxlength="500"; }
                button name="act" value="reject" { "Reject" }
            }
        }
    }
}

/// The form that goes back to an earlier version.
fn again(text: &WaitingText) -> Markup {
    html! {
        form method="post" action="/admin/approvals" {
            (hidden(text))
            p.soft {
                "It was approved once, and citations of that time still open it. "
                @if text.answers.is_some() { "Another version answers now." } @else { "No version answers now." }
            }
            label { "Note, if there is something to say" input name="note" maxlength="500"; }
            button name="act" value="approve" { "Let it answer again" }
        }
    }
}

fn withdrawal(text: &WaitingText) -> Markup {
    let answers = text.answers.as_ref() == Some(&text.opened.version);
    html! {
        form method="post" action="/admin/approvals" {
            (hidden(text))
            p.soft {
                @if answers { "From the next question on it is not found any more, and opens nowhere. No earlier version comes back by itself." }
                @else { "Withdrawn, it opens nowhere any more." }
            }
            label { "Why" input name="why" required maxlength="500"; }
            button.danger name="act" value="withdraw" { "Withdraw" }
        }
    }
}

/// A decision, as a form sends it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Decided {
    target: String,
    act: Act,
    version: Option<String>,
    answered: Option<String>,
    why: Option<String>,
    note: Option<String>,
}

/// Carries a decision out.
pub(super) async fn decide(
    app: State<Arc<App>>,
    caller: AsAnybody,
    Form(decided): Form<Decided>,
) -> Result<Redirect, ApiError> {
    let Decided { target, act, version, answered, why, note } = decided;
    let (version, why, note) = (filled(version), filled(why), filled(note));
    let decision = Json(Decision { target, act, version, answered, why, note });
    let done = match act {
        Act::Approve => Done::Approved,
        Act::Reject => Done::Rejected,
        Act::Withdraw => Done::Withdrawn,
    };
    then(approvals::decide(app, caller, decision).await, "/admin/approvals", done)
}
