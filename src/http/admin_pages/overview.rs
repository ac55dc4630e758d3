//! The first page and the list of sources: how it stands, and what waits for whoever looks.

use std::sync::Arc;

use axum::extract::State;
use maud::{Markup, html};
use vouch_index::ledger::{Problem, SourceInfo, SourceState, Stopped};

use super::Frame;
use super::pieces::{
    ago, counted, document, empty, id, meaning, number, say, source, state, told, words_alone,
};
use crate::app::App;
use crate::auth::{AsAnybody, Caller};
use crate::http::approvals::Queue;
use crate::http::sources::answers_for;
use crate::http::{ApiError, health};

/// Problems that the first page lists.
const PROBLEMS: usize = 8;
/// Versions that the first page lists.
const WAITING: usize = 6;

/// How everything stands that this caller answers for.
pub(super) async fn overview(
    State(app): State<Arc<App>>,
    AsAnybody(caller): AsAnybody,
) -> Result<Markup, ApiError> {
    app.blocking(move |app| {
        let frame = Frame::of(app, &caller, "/admin")?;
        let sources = own_sources(app, &caller)?;
        let problems = problems(app, &sources)?;
        let house = caller.actor.administrator.then(|| House::of(app)).transpose()?;
        let body = html! {
            h1 { "Overview" }
            @if let Some(house) = &house { (house.notices()) }
            @if sources.is_empty() {
                @if house.is_some() {
                    (empty("There is no source yet. `vouch source add FILE` adds one."))
                } @else if caller.auditor {
                    (empty("You audit. The audit and the questions are above."))
                } @else {
                    (empty("You own and approve no source, so there is nothing for you here."))
                }
            } @else {
                (numbers(&sources, words_alone(app)))
                div.columns {
                    section { h2 { "Waits for a decision" } (waiting(&frame.queue)) }
                    section { h2 { "Problems" } (problem_list(&problems)) }
                }
                section { h2 { "Sources" } (table(app, &sources)?) }
            }
        };
        Ok(frame.around("Overview", &body))
    })
    .await
}

/// Every source that this caller answers for.
pub(super) async fn sources(
    State(app): State<Arc<App>>,
    AsAnybody(caller): AsAnybody,
) -> Result<Markup, ApiError> {
    app.blocking(move |app| {
        let frame = Frame::of(app, &caller, "/admin/sources")?;
        let sources = own_sources(app, &caller)?;
        let body = html! {
            h1 { "Sources" }
            p.lead { "Where documents come from, who answers for them, and how far they are." }
            @if sources.is_empty() {
                (empty("You own and approve no source."))
            } @else {
                (table(app, &sources)?)
            }
        };
        Ok(frame.around("Sources", &body))
    })
    .await
}

fn own_sources(app: &App, caller: &Caller) -> Result<Vec<SourceInfo>, ApiError> {
    let all = app.ledger.sources()?.into_iter();
    Ok(all.filter(|source| answers_for(caller, source)).collect())
}

fn problems(app: &App, sources: &[SourceInfo]) -> Result<Vec<(String, Problem)>, ApiError> {
    let mut all = Vec::new();
    for source in sources {
        let problems = app.ledger.problems(&source.spec.id)?.into_iter();
        all.extend(problems.map(|problem| (source.spec.id.clone(), problem)));
    }
    Ok(all)
}

/// What concerns the whole house, for administrators.
struct House {
    stopped: Option<Stopped>,
    notes: Vec<String>,
}

impl House {
    fn of(app: &App) -> Result<Self, ApiError> {
        Ok(Self { stopped: app.ledger.stopped()?, notes: health::look(app).1 })
    }

    fn notices(&self) -> Markup {
        html! {
            @if let Some(stopped) = &self.stopped {
                div.notice.bad {
                    p {
                        strong { "The assistant is stopped. " } "Nobody is answered. " (say(&stopped.by))
                        " stopped it " (ago(&stopped.at)) ": " (say(&stopped.why))
                        @if let Some(until) = &stopped.until { " It starts by itself " (ago(until)) "." }
                    }
                    form method="post" action="/admin/start" { button { "Start it again" } }
                }
            }
            @for note in &self.notes { div.notice { p { (told(note)) } } }
        }
    }
}

/// The numbers that people look at first.
fn numbers(sources: &[SourceInfo], words_alone: bool) -> Markup {
    let active = sources.iter().filter(|source| source.state == SourceState::Active);
    let live: i64 = active.map(|source| source.live).sum();
    let sum = |of: fn(&SourceInfo) -> i64| sources.iter().map(of).sum::<i64>();
    let (waiting, failed) = (sum(|one| one.waiting), sum(|one| one.failed));
    let (chunks, embedded) = (sum(|one| one.chunks), sum(|one| one.embedded));
    html! {
        dl.tiles #numbers data-live[moving(sources, words_alone)] {
            div { dt { "Documents that answer" } dd { (number(live)) } }
            div { dt { "Versions that wait" } dd.attention[waiting > 0] { (number(waiting)) } }
            div { dt { "Files that failed" } dd.attention[failed > 0] { (number(failed)) } }
            div { dt { "Chunks" } dd { (number(chunks)) } }
            div { dt { "Found by meaning" } dd { (meaning(words_alone, embedded, chunks)) } }
        }
    }
}

/// Whether something goes on that the page should follow.
fn moving(sources: &[SourceInfo], words_alone: bool) -> bool {
    let embedding = |source: &SourceInfo| !words_alone && source.embedded < source.chunks;
    sources.iter().any(|source| source.syncing || embedding(source))
}

fn waiting(queue: &Queue) -> Markup {
    let all = queue.len();
    html! {
        @if all == 0 { (empty("Nothing waits.")) }
        @else {
            ul.rows {
                @for held in &queue.held {
                    li { (state("held")) " " (say(&held.what)) }
                }
                @for name in &queue.sources { li { (state("proposed")) " the source " (source(name)) } }
                @for version in queue.versions.iter().take(WAITING) {
                    li { (document(&version.document)) " " span.soft { "seen " (ago(&version.seen_at)) } }
                }
            }
            p { a.button href="/admin/approvals" { "Open the queue" } " " span.soft { (counted(all, "decision", "decisions")) } }
        }
    }
}

fn problem_list(problems: &[(String, Problem)]) -> Markup {
    html! {
        @if problems.is_empty() { (empty("Every file could be read.")) }
        @else {
            ul.rows {
                @for (name, problem) in problems.iter().take(PROBLEMS) {
                    li {
                        (source(name)) " / " (id(&problem.path))
                        br; span.soft { (told(&problem.reason)) }
                    }
                }
            }
            @if problems.len() > PROBLEMS {
                p.soft { "And " (number((problems.len() - PROBLEMS) as u64)) " more, on the sources’ pages." }
            }
        }
    }
}

fn table(app: &App, sources: &[SourceInfo]) -> Result<Markup, ApiError> {
    let words_alone = words_alone(app);
    Ok(html! {
        div.wide tabindex="0" role="region" aria-label="Sources" {
            table #sources data-live[moving(sources, words_alone)] {
                thead {
                    tr {
                        th scope="col" { "Source" } th scope="col" { "State" } th scope="col" { "Owner" }
                        th.n scope="col" { "Answer" } th.n scope="col" { "Wait" } th.n scope="col" { "Failed" }
                        th scope="col" { "Found by meaning" } th scope="col" { "Last sync" }
                        th scope="col" { "Oldest permission" }
                    }
                }
                tbody {
                    @for one in sources {
                        tr {
                            th scope="row" { (source(&one.spec.id)) }
                            td { (source_state(one)) }
                            td { @if let Some(owner) = &one.spec.owner { (id(&owner.to_string())) } }
                            td.n { (number(one.live)) }
                            td.n { @if one.waiting > 0 { strong { (number(one.waiting)) } } @else { "0" } }
                            td.n { @if one.failed > 0 { strong.bad { (number(one.failed)) } } @else { "0" } }
                            td { (meaning(words_alone, one.embedded, one.chunks)) }
                            td { @match &one.last_sync { Some(at) => (ago(at)), None => span.soft { "–" } } }
                            td { @match app.ledger.oldest_permission(&one.spec.id)? { Some(at) => (ago(&at)), None => span.soft { "–" } } }
                        }
                    }
                }
            }
        }
    })
}

/// A source's state, and whether work on it goes on.
pub(super) fn source_state(source: &SourceInfo) -> Markup {
    html! {
        (state(named(source.state)))
        @if source.syncing { " " span.busy { "reading" } }
    }
}

fn named(state: SourceState) -> &'static str {
    match state {
        SourceState::Proposed => "proposed",
        SourceState::Active => "active",
        SourceState::Paused => "paused",
        SourceState::Revoked => "revoked",
    }
}
