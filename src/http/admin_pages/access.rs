//! Why somebody sees a document, or does not: every condition, with what would change it.

use std::sync::Arc;

use axum::extract::State;
use maud::{Markup, html};
use vouch_index::Principal;
use vouch_index::ledger::{Explanation, Overview, SourceState, Stopped};

use super::Frame;
use super::pieces::{ago, empty, id, number, say, state, told};
use crate::app::App;
use crate::auth::AsAnybody;
use crate::http::ApiError;
use crate::http::access::{Explained, explained, overseen};
use crate::http::extract::Query;
use crate::http::viewer::readable;

/// The form, and what it asked. What is explained is audited.
pub(super) async fn explain(
    State(app): State<Arc<App>>,
    AsAnybody(caller): AsAnybody,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Markup, ApiError> {
    app.blocking(move |app| {
        overseen(app, &caller)?;
        let given = |key: &str| {
            let found = pairs.iter().find(|(name, _)| name == key);
            readable(found.map_or("", |(_, value)| value.trim()))
        };
        let (user, name, group) = (given("user"), given("document"), given("group"));
        let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect();
        let said = if user.is_empty() { None } else { Some(explained(app, &caller, pairs)?) };
        let frame = Frame::of(app, &caller, "/admin/access")?;
        let body = html! {
            h1 { "Access" }
            p.lead { "Say who, and you are told how much they see. Say which document as well, and you are told why." }
            form.filters method="get" action="/admin/access" {
                label { "User" input name="user" value=(user) placeholder="user:maria@example.com" required; }
                label { "Document, or empty for all sources" input name="document" value=(name) placeholder="hr/leave.md"; }
                label { "Group that only their token names" input name="group" value=(group); }
                button.main { "Explain" }
            }
            @match &said {
                None => p.soft { "Each explanation leaves a record in the audit." },
                Some(Explained::Document(explanation)) => (why(explanation)),
                Some(Explained::Overview { overview, known }) => (how_much(overview, *known)),
            }
        };
        Ok(frame.around("Access", &body))
    })
    .await
}

fn why(said: &Explanation) -> Markup {
    html! {
        section {
            h2 { (id(&said.user.to_string())) @if said.sees { " sees " } @else { " does not see " } (id(&said.document)) }
            ol.checks {
                @for check in &said.checks {
                    li.fails[!check.passes] {
                        (state(if check.passes { "passes" } else { "fails" })) " " (told(&check.says))
                        @for chain in &check.through { br; span.soft { "through " (path(chain)) } }
                        @if let Some(change) = &check.change { br; span.soft { "To change it: " (told(change)) } }
                    }
                }
            }
            @if !said.held.is_empty() {
                h3 { "Waits for a second person" }
                ul.rows { @for held in &said.held { li { (state("held")) " " (say(&held.what)) } } }
            }
        }
    }
}

fn how_much(said: &Overview, known: bool) -> Markup {
    html! {
        section {
            h2 { "What " (id(&said.user.to_string())) " sees" }
            @if !known {
                div.notice { p { "Nobody is known under this name. It may be misspelt, or they have not signed in yet." } }
            }
            (shut_out("Blocked", said.blocked.as_ref()))
            (shut_out("The assistant is stopped", said.stopped.as_ref()))
            @if said.sources.is_empty() { (empty("There is no source.")) }
            @else {
                div.wide tabindex="0" role="region" aria-label="Sources" {
                    table {
                        thead { tr {
                            th scope="col" { "Source" } th scope="col" { "State" }
                            th.n scope="col" { "Sees" } th.n scope="col" { "Of" }
                        } }
                        tbody {
                            @for one in &said.sources {
                                tr {
                                    th scope="row" { (id(&one.source)) }
                                    td { (state(match one.state {
                                        SourceState::Proposed => "proposed", SourceState::Active => "active",
                                        SourceState::Paused => "paused", SourceState::Revoked => "revoked",
                                    })) }
                                    td.n { (number(one.sees as u64)) } td.n { (number(one.live as u64)) }
                                }
                            }
                        }
                    }
                }
            }
            h3 { "Groups" }
            @if said.groups.is_empty() { (empty("None that Vouch keeps.")) }
            @else { ul.rows { @for chain in &said.groups { li { (path(chain)) } } } }
        }
    }
}

fn shut_out(what: &str, stopped: Option<&Stopped>) -> Markup {
    html! {
        @if let Some(stopped) = stopped {
            div.notice.bad { p {
                strong { (what) } @if !stopped.why.is_empty() { ": " (say(&stopped.why)) }
                " " span.soft { @if !stopped.by.is_empty() { "by " (id(&stopped.by)) ", " } (ago(&stopped.at)) }
            } }
        }
    }
}

/// How somebody comes to be a principal.
fn path(chain: &[Principal]) -> Markup {
    html! {
        @for (at, one) in chain.iter().enumerate() {
            @if at > 0 { " › " }
            (id(&one.to_string()))
        }
    }
}
