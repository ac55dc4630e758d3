//! What Slack sends. Nothing is parsed before its signature was checked, and every request is
//! acknowledged before anything is done for it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use vouch_index::ledger::SlackTaken;

use super::ApiError;
use super::policy::{Policy, Routes};
use crate::app::App;
use crate::slack::events::{Click, Command, Envelope, Heard, Interaction, Job};
use crate::slack::{Slack, words};

/// Adds Slack's routes.
pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .form(Policy::Slack, "/slack/events", events)
        .form(Policy::Slack, "/slack/commands", commands)
        .form(Policy::Slack, "/slack/interactivity", interactivity)
}

/// Messages, and who joins and leaves.
async fn events(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let (slack, body) = signed(&app, &headers, body)?;
    let envelope: Envelope = serde_json::from_slice(&body).map_err(|_| unreadable())?;
    if !envelope.is_of(slack.team()) {
        return Ok(StatusCode::OK.into_response());
    }
    match envelope.heard() {
        Heard::Challenge(challenge) => {
            return Ok(axum::Json(json!({ "challenge": challenge })).into_response());
        }
        Heard::Asked(job) => return acknowledge(slack, job).await,
        Heard::MembersChanged(channel) => slack.members_changed(&channel),
        Heard::PersonChanged(user) => slack.person_changed(&user),
        Heard::Notice(what) => tracing::warn!("{what}"),
        Heard::Nothing => {}
    }
    Ok(StatusCode::OK.into_response())
}

/// `/ask`.
async fn commands(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let (slack, body) = signed(&app, &headers, body)?;
    let command: Command = serde_urlencoded::from_bytes(&body).map_err(|_| unreadable())?;
    if command.ssl_check.is_some() {
        return Ok(StatusCode::OK.into_response());
    }
    if command.team_id != slack.team() {
        return Ok(to_the_asker(words::ELSEWHERE));
    }
    let job = command.job();
    if words::asks_for_help(job.task.question()) {
        return Ok(to_the_asker(words::HELP));
    }
    Ok(to_the_asker(match slack.take(job).await? {
        SlackTaken::New | SlackTaken::Known => words::LOOKING,
        SlackTaken::Busy | SlackTaken::Full => words::BUSY,
    }))
}

/// Clicks on the buttons below an answer.
async fn interactivity(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let (slack, body) = signed(&app, &headers, body)?;
    let form: Interaction = serde_urlencoded::from_bytes(&body).map_err(|_| unreadable())?;
    let click: Click = serde_json::from_str(&form.payload).map_err(|_| unreadable())?;
    match click.job() {
        Some(job) => acknowledge(slack, job).await,
        None => Ok(StatusCode::OK.into_response()),
    }
}

/// The body, if Slack signed it. Where Vouch is not in Slack the route is missing like any other.
fn signed<'a>(
    app: &'a App,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(&'a Slack, Bytes), ApiError> {
    let slack = app.slack.as_ref().ok_or_else(ApiError::not_found)?;
    let body = body?;
    if slack.signed(headers, &body) {
        return Ok((slack, body));
    }
    Err(ApiError::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "this needs a valid signature",
        "only Slack calls this; docs/slack.md says how it is set up",
    ))
}

/// Acknowledges a job that is written down. One for which there was no room Slack sends again.
async fn acknowledge(slack: &Slack, job: Job) -> Result<Response, ApiError> {
    match slack.take(job).await? {
        SlackTaken::New | SlackTaken::Busy | SlackTaken::Known => {
            Ok(StatusCode::OK.into_response())
        }
        SlackTaken::Full => Err(ApiError::unavailable(
            "busy",
            "there is no room for this now",
            "send it again later",
        )),
    }
}

/// Words for whoever gave the command.
fn to_the_asker(text: &str) -> Response {
    axum::Json(json!({ "response_type": "ephemeral", "text": text })).into_response()
}

fn unreadable() -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "bad_body",
        "this can't be understood",
        "send what Slack's documentation says",
    )
}
