//! Signing in and out: with the identity provider, with an API key, and as a person of the demo.
//!
//! These routes answer browsers, so what goes wrong is said on a page, with the same code and status
//! that a program gets.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ApiError;
use super::extract::{Form, Json, Query};
use super::pages::{FIRST_PAGE, page, problem_page, said_on};
use super::policy::{Policy, Routes};
use crate::app::App;
use crate::auth::signin::{self, CALLBACK, Going, Returned};
use crate::auth::{AsAnybody, DEMO_COOKIE, is_private, same_origin};

/// Adds signing in and out.
pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .page(Policy::SignIn, "/signin", begin)
        .page(Policy::SignIn, CALLBACK, finish)
        .page(Policy::SignIn, "/signin/who", who)
        .page(Policy::SignIn, "/signin/key", ask_for_key)
        .form(Policy::SignIn, "/signin/key", take_key)
        .form(Policy::Demo, "/signin", play)
        .page(Policy::Open, "/signout", ask_to_sign_out)
        .form(Policy::Open, "/signout", sign_out)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Back {
    back: Option<String>,
}

/// Sends the browser to the identity provider; where there is none, asks for an API key.
async fn begin(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(query): Query<Back>,
) -> Result<Response, ApiError> {
    offered(&app)?;
    if !signin::by_provider(&app) {
        return Ok(key_page(&app, query.back.as_deref(), None).into_response());
    }
    Ok(go(signin::begin(&app, &headers, query.back.as_deref()).await))
}

/// Where the identity provider sends the browser back to.
async fn finish(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(returned): Query<Returned>,
) -> Result<Response, ApiError> {
    if !signin::by_provider(&app) {
        return Err(ApiError::not_found());
    }
    Ok(go(signin::finish(&app, &headers, returned).await))
}

/// A field for an API key, also where there is a provider.
async fn ask_for_key(
    State(app): State<Arc<App>>,
    Query(query): Query<Back>,
) -> Result<Markup, ApiError> {
    offered(&app)?;
    Ok(key_page(&app, query.back.as_deref(), None))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    key: String,
    back: Option<String>,
}

/// Signs in with an API key.
async fn take_key(
    State(app): State<Arc<App>>,
    parts: Parts,
    form: Result<Form<Key>, ApiError>,
) -> Result<Response, ApiError> {
    same_origin(&parts.method, &parts.headers, &app.config.public_url())?;
    offered(&app)?;
    let Form(Key { key, back }) = form?;
    let back = back.as_deref();
    let opened = match may_try(&app, &parts) {
        Ok(()) => signin::by_key(&app, &key, back).await,
        Err(error) => Err(error),
    };
    Ok(match opened {
        Err(error) => said_on(key_page(&app, back, Some(&error)), &error),
        opened => go(opened),
    })
}

/// Whether a key may be tried: not too often from one address, and over a connection whose cookies a
/// browser keeps.
fn may_try(app: &App, parts: &Parts) -> Result<(), ApiError> {
    let origin = parts.headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let page = origin.and_then(|origin| origin.parse().ok());
    if page.is_some_and(|page| !is_private(&page)) {
        return Err(ApiError::invalid(
            "not_private",
            "this page did not come over https",
            "browsers keep nobody signed in over plain http, except on the server itself",
        ));
    }
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    app.limits.sign_in(peer.map(|ConnectInfo(peer)| peer.ip()))
}

/// The page with the field for a key, and why the one before was refused.
fn key_page(app: &App, back: Option<&str>, error: Option<&ApiError>) -> Markup {
    let refused = error.map(|error| match error.is_unauthorized() {
        true => ("This key can't sign in here", "Check it, or ask an administrator for another."),
        false => (error.title.as_str(), error.hint.as_str()),
    });
    let body = html! {
        main.document {
            header { h1 { "Sign in with an API key" } }
            article {
                @if let Some((title, hint)) = refused {
                    p.notice role="alert" { strong { (title) "." } " " (hint) }
                }
                form.key method="post" action="/signin/key" {
                    @if let Some(back) = back { input type="hidden" name="back" value=(back); }
                    label for="key" { "API key" }
                    input #key type="password" name="key" required autofocus autocomplete="off"
                        spellcheck="false" aria-describedby="about";
                    button { "Sign in" }
                }
                p.small #about {
                    "You can do here what the key can, for eight hours at most. The key itself is not kept."
                }
                @if signin::by_provider(app) {
                    p { a href=(signin::address(back.unwrap_or("/"))) { "Sign in with your account instead" } }
                }
            }
        }
    };
    page("Sign in", &body)
}

/// In the demo these routes are missing like any other.
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
                p { "This ends your session in this browser, in all of its tabs." }
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
            article {
                @if signin::is_offered(&app) {
                    p { a href="/signin" { "Sign in again" } }
                    @if signin::by_provider(&app) { p { a href="/signin/key" { "Sign in with an API key" } } }
                } @else {
                    p { a href="/" { "Choose who you are" } }
                }
            }
        }
    };
    Ok((cookies, page("Signed out", &done)).into_response())
}
