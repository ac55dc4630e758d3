//! The generations of the index: how far the one that answers is, building another, and going back.

use std::sync::Arc;

use axum::Json as Out;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};
use vouch_index::ledger::{GenerationInfo, GenerationState};

use super::pieces::{ago, filled, meaning, number, say, state, words_alone};
use super::{After, Done, Frame, then};
use crate::app::App;
use crate::auth::{AsAdministrator, AsAnybody, Caller};
use crate::http::ApiError;
use crate::http::admin::{self, ReindexBody, RollbackBody};
use crate::http::extract::{Form, Json, Query};

/// Every generation.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    _administrator: AsAdministrator,
    AsAnybody(caller): AsAnybody,
    Query(after): Query<After>,
) -> Result<Markup, ApiError> {
    app.blocking(move |app| page(app, &caller, &after, None)).await
}

/// The page, with what a dry run said.
fn page(
    app: &App,
    caller: &Caller,
    after: &After,
    tried: Option<&Value>,
) -> Result<Markup, ApiError> {
    let generations = app.ledger.generations()?;
    let status = admin::describe(app)?;
    let behind = status["generation_behind"].as_i64().unwrap_or_default();
    let frame = Frame::of(app, caller, "/admin/generations")?.after(after);
    let building = generations.iter().any(|one| one.state == GenerationState::Building);
    let embedding = generations
        .iter()
        .any(|one| one.state == GenerationState::Live && one.embedded < one.chunks)
        && !words_alone(app);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let body = html! {
        h1 { "Index" }
        p.lead { "A generation is one complete build with fixed settings. One answers; another is built beside it and takes over when it is complete." }
        dl.tiles #numbers data-live[building || behind > 0 || embedding] {
            div { dt { "Answers" } dd { "Generation " (number(status["generation"].as_i64().unwrap_or_default())) } }
            div { dt { "Chunks" } dd { (number(status["chunks"].as_i64().unwrap_or_default())) } }
            div { dt { "Changes to follow" } dd { (number(behind)) } }
            div { dt { "Vectors" } dd { (say(&text(&status["vectors"]["store"]))) ", " (say(&text(&status["vectors"]["state"]))) } }
        }
        @if let Some(tried) = tried { (dry(tried)) }
        section { h2 { "Generations" } (table(&generations, building || embedding)) }
        section {
            h2 { "Build another" }
            form.act method="post" action="/admin/reindex" {
                label { "Model directory on the server, or empty for the configured one" input name="model" placeholder="models/all-minilm-l6-v2"; }
                p.buttons {
                    button name="dry_run" value="1" { "Say what it would take" }
                    button.main name="dry_run" value="" { "Build it" }
                }
            }
        }
    };
    Ok(frame.around("Index", &body))
}

fn dry(tried: &Value) -> Markup {
    html! {
        div.notice #done role="status" tabindex="-1" autofocus {
            p {
                strong { "It would cut " (number(tried["versions"].as_i64().unwrap_or_default())) " versions" }
                " into about " (number(tried["chunks_estimate"].as_i64().unwrap_or_default())) " chunks"
                @if let Some(model) = tried["settings"]["model"].as_str() { ", with the model " (say(model)) }
                @else { ", for words alone" }
                ". Nothing was begun."
            }
        }
    }
}

fn table(generations: &[GenerationInfo], moving: bool) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label="Generations" {
            table #generations data-live[moving] {
                thead { tr {
                    th scope="col" { "Generation" } th scope="col" { "State" } th.n scope="col" { "Chunks" }
                    th scope="col" { "Found by meaning" } th scope="col" { "Model" } th scope="col" { "Begun" } th scope="col" { "Go back" }
                } }
                tbody {
                    @for one in generations {
                        tr {
                            th scope="row" { (one.generation) }
                            td { (state(match one.state {
                                GenerationState::Building => "building",
                                GenerationState::Live => "live",
                                GenerationState::Old => "old",
                            })) }
                            td.n { (number(one.chunks)) }
                            td { (meaning(one.settings.model.is_none(), one.embedded, one.chunks)) }
                            td.narrow { @match &one.settings.model { Some(model) => (say(model)), None => "words alone" } }
                            td { (ago(&one.created_at)) }
                            td {
                                @if one.state == GenerationState::Old {
                                    form method="post" action="/admin/rollback" {
                                        input type="hidden" name="generation" value=(one.generation);
                                        button { "Let " (one.generation) " answer" }
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

/// What the form says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Build {
    model: Option<String>,
    dry_run: Option<String>,
}

/// Builds another generation, or says what it would take.
pub(super) async fn reindex(
    State(app): State<Arc<App>>,
    AsAdministrator(actor): AsAdministrator,
    AsAnybody(caller): AsAnybody,
    Form(build): Form<Build>,
) -> Result<Response, ApiError> {
    let dry_run = filled(build.dry_run).is_some();
    let body = ReindexBody { source: None, model: filled(build.model), dry_run };
    let begun = admin::reindex(State(Arc::clone(&app)), AsAdministrator(actor), Json(body)).await?;
    if !dry_run {
        return Ok(then(Ok(begun), "/admin/generations", Done::Building)?.into_response());
    }
    let (_, Out(said)) = begun;
    let said = json!(said);
    let page = app.blocking(move |app| page(app, &caller, &After::default(), Some(&said))).await?;
    Ok(page.into_response())
}

/// Which generation is to answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Back {
    generation: u32,
}

/// Lets an earlier generation answer again.
pub(super) async fn rollback(
    app: State<Arc<App>>,
    administrator: AsAdministrator,
    Form(back): Form<Back>,
) -> Result<Redirect, ApiError> {
    let body = RollbackBody { generation: Some(back.generation) };
    then(admin::rollback(app, administrator, Json(body)).await, "/admin/generations", Done::Back)
}
