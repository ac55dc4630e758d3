//! Signing in and out: with the identity provider, and as a person of the demo.
//!
//! These routes answer browsers, so what goes wrong is said on a page, with the same code and status
//! that a program gets.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use maud::html;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ApiError;
use super::extract::{Json, Query};
use super::pages::{FIRST_PAGE, page, problem_page};
use super::policy::{Policy, Routes};
use crate::app::App;
use crate::auth::signin::{self, CALLBACK, Going, Returned};
use crate::auth::{AsAnybody, DEMO_COOKIE, same_origin};

/// Adds signing in and out.
pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .page(Policy::SignIn, "/signin", begin)
        .page(Policy::SignIn, CALLBACK, finish)
        .page(Policy::SignIn, "/signin/who", who)
        .form(Policy::Demo, "/signin", play)
        .page(Policy::Open, "/signout", ask_to_sign_out)
        .form(Policy::Open, "/signout", sign_out)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Back {
    back: Option<String>,
}

/// Sends the browser to the identity provider.
async fn begin(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(query): Query<Back>,
) -> Result<Response, ApiError> {
    offered(&app)?;
    Ok(go(signin::begin(&app, &headers, query.back.as_deref()).await))
}

/// Where the identity provider sends the browser back to.
async fn finish(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(returned): Query<Returned>,
) -> Result<Response, ApiError> {
    offered(&app)?;
    Ok(go(signin::finish(&app, &headers, returned).await))
}

/// Elsewhere these routes are missing like any other.
fn offered(app: &App) -> Result<(), ApiError> {
    if signin::is_offered(app) { Ok(()) } else { Err(ApiError::not_found()) }
}

fn go(going: Result<Going, ApiError>) -> Response {
    match going {
        Ok(Going { to, cookies }) => {
            let cookies = cookies.into_iter().map(|cookie| (header::SET_COOKIE, cookie));
            let headers = AppendHeaders(cookies.collect::<Vec<(HeaderName, String)>>());
            (StatusCode::SEE_OTHER, headers, [(header::LOCATION, to)]).into_response()
        }
        Err(error) => problem_page(&error, FIRST_PAGE),
    }
}

/// Who is signed in. A page learns here whether it has to sign in first.
async fn who(
    State(app): State<Arc<App>>,
    caller: Result<AsAnybody, ApiError>,
) -> Result<axum::Json<Value>, ApiError> {
    offered(&app)?;
    let AsAnybody(caller) = caller?;
    Ok(axum::Json(json!({ "user": caller.actor.name })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Play {
    user: String,
}

/// Becomes a person of the demo.
async fn play(
    State(app): State<Arc<App>>,
    method: Method,
    headers: HeaderMap,
    Json(body): Json<Play>,
) -> Result<Response, ApiError> {
    same_origin(&method, &headers, &app.config.public_url())?;
    let known = app
        .blocking(move |app| {
            let directory = app.directory.as_ref().ok_or_else(ApiError::not_found)?;
            Ok::<_, ApiError>(directory.find(&app.ledger, &body.user)?.map(|person| person.user))
        })
        .await?;
    let user = known.ok_or_else(ApiError::not_found)?;
    let cookie = format!("{DEMO_COOKIE}={user}; Path=/; HttpOnly; SameSite=Strict");
    Ok(([(header::SET_COOKIE, cookie)], axum::Json(json!({ "user": user }))).into_response())
}

/// A link can't sign anybody out: it leads to a button.
async fn ask_to_sign_out() -> Response {
    let button = html! {
        main.document {
            header { h1 { "Sign out" } }
            article {
                form method="post" action="/signout" { button { "Sign out of Vouch" } }
            }
        }
    };
    page("Sign out", &button).into_response()
}

/// Signs out of Vouch, and not of the identity provider.
async fn sign_out(
    State(app): State<Arc<App>>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    same_origin(&method, &headers, &app.config.public_url())?;
    let session = signin::end(&app, &headers).await?;
    let played = format!("{DEMO_COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    let cookies = AppendHeaders([(header::SET_COOKIE, session), (header::SET_COOKIE, played)]);
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if kind.is_some_and(|kind| kind.starts_with("application/json")) {
        return Ok((cookies, axum::Json(json!({}))).into_response());
    }
    let done = html! {
        main.document data-signed-out {
            header { h1 { "You are signed out of Vouch" } }
            article { p { a href="/signin" { "Sign in again" } } }
        }
    };
    Ok((cookies, page("Signed out", &done)).into_response())
}
