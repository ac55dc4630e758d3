//! Pages for people: the sample intranet page and the viewer.

use std::io::Read as _;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, FromRequestParts as _, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use flate2::Compression;
use flate2::read::GzEncoder;
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use vouch_index::ledger::DocumentText;

use super::extract::{Path, Query};
use super::policy::{Policy, Routes};
use super::reading::open;
use super::viewer::{self, Rendered};
use super::{ApiError, Surface};
use crate::answer::called;
use crate::app::App;
use crate::auth::{Admitted, AsReader, DEMO_COOKIE, cookie, on_loopback, signin};

/// The widget's script.
const WIDGET: &str = include_str!("../web/widget.js");

/// Vouch's own static files, compiled in.
const FILES: &[(&str, &str, &str)] = &[
    ("/widget.js", "text/javascript", WIDGET),
    ("/static/intranet.css", "text/css", include_str!("../web/intranet.css")),
    ("/static/intranet.js", "text/javascript", include_str!("../web/intranet.js")),
    ("/static/view.css", "text/css", include_str!("../web/view.css")),
    ("/static/view.js", "text/javascript", include_str!("../web/view.js")),
    ("/static/admin.css", "text/css", include_str!("../web/admin.css")),
    ("/static/admin.js", "text/javascript", include_str!("../web/admin.js")),
    ("/static/favicon.svg", "image/svg+xml", include_str!("../web/favicon.svg")),
];

/// Where readers go on.
pub(super) const FIRST_PAGE: (&str, &str) = ("/", "Ask our documents");

/// Adds the pages.
pub(super) fn routes(routes: Routes) -> Routes {
    let mut routes = routes
        .page(Policy::Open, "/", || async {
            axum::response::Html(include_str!("../web/intranet.html"))
        })
        .page(Policy::Demo, "/demo/people", people)
        .page(Policy::ItsReader, "/view/{source}/{*path}", view)
        .form(Policy::ItsReader, "/view/{source}/{*path}", view_with_token);
    for (path, kind, text) in FILES {
        let file = File::new(kind, text);
        let send = move |headers: HeaderMap| async move { file.sent(&headers) };
        routes = routes.page(Policy::Open, path, send);
    }
    routes
}

/// One of Vouch's own files, which are the same for everybody. Nothing else is ever packed: how long an answer
/// is when it is packed could say what is in it.
#[derive(Clone)]
struct File {
    kind: &'static str,
    text: &'static str,
    packed: Bytes,
    tag: String,
}

impl File {
    fn new(kind: &'static str, text: &'static str) -> Self {
        let mut packed = Vec::new();
        let read = GzEncoder::new(text.as_bytes(), Compression::best()).read_to_end(&mut packed);
        read.expect("a text in memory can be read");
        // The same for both forms, so a weak one.
        let tag = format!("W/\"{}\"", &hex::encode(Sha256::digest(text))[..32]);
        Self { kind, text, packed: packed.into(), tag }
    }

    /// Browsers keep it and ask each time whether it has changed.
    fn sent(self, headers: &HeaderMap) -> Response {
        let Self { kind, text, packed, tag } = self;
        let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == tag.as_str());
        // Any site may load the widget's script, so that the widget can say there that the site is not listed.
        let script = text == WIDGET;
        let open = script.then_some([(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")]);
        let kept = [(header::CACHE_CONTROL, "no-cache"), (header::VARY, "accept-encoding")];
        let head = (kept, open, [(header::ETAG, tag)]);
        if known {
            return (StatusCode::NOT_MODIFIED, head).into_response();
        }
        let kind = [(header::CONTENT_TYPE, kind)];
        if takes_gzip(headers) {
            return (head, kind, [(header::CONTENT_ENCODING, "gzip")], packed).into_response();
        }
        (head, kind, text).into_response()
    }
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let all = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|one| one.to_str().ok());
    all.flat_map(|list| list.split(',')).any(|one| {
        let mut parts = one.split(';').map(str::trim);
        parts.next() == Some("gzip") && !parts.any(|weight| weight == "q=0")
    })
}

/// The people who can be played, for the person switch. There is nobody to play outside of demo mode.
async fn people(State(app): State<Arc<App>>, parts: Parts) -> Result<axum::Json<Value>, ApiError> {
    on_loopback(&parts).map_err(|_| ApiError::not_found())?;
    let current = cookie(&parts.headers, DEMO_COOKIE);
    app.blocking(move |app| {
        let directory = app.directory.as_ref().ok_or_else(ApiError::not_found)?;
        let people = directory.people(&app.ledger)?;
        let list: Vec<_> = people
            .people
            .iter()
            .map(|one| {
                let administers = !one.roles.is_empty();
                json!({"user": one.user, "name": one.name, "groups": one.groups, "administers": administers})
            })
            .collect();
        let demo = &app.config.auth.demo;
        let current = current.filter(|user| people.find(user).is_some());
        Ok(axum::Json(json!({
            "company": demo.company, "people": list, "current": current, "questions": demo.questions,
            "compare": demo.compare, "notices": demo.notices,
        })))
    })
    .await
}

/// Which version, and which bytes are quoted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ViewQuery {
    version: Option<String>,
    start: Option<usize>,
    end: Option<usize>,
}

/// A document as a page, with the quote highlighted.
async fn view(
    State(app): State<Arc<App>>,
    reader: Result<AsReader, ApiError>,
    uri: Uri,
    path: Result<Path<(String, String)>, ApiError>,
    query: Result<Query<ViewQuery>, ApiError>,
) -> Response {
    let shown = async {
        let (AsReader(reader), Path(place)) = (reader?, path?);
        let Query(query) = query.map_err(|_| no_whole_link())?;
        show(&app, reader, place, query).await
    };
    match shown.await {
        Ok(page) => page.into_response(),
        Err(error) if error.is_unauthorized() && signin::is_offered(&app) => {
            let here = uri.path_and_query().map_or("/", |here| here.as_str());
            Redirect::to(&signin::address(here)).into_response()
        }
        Err(error) => problem_page(&error, FIRST_PAGE),
    }
}

/// A token that a form of the widget carries: a link can't send one, and an address must not.
#[derive(Deserialize)]
struct Carried {
    token: Option<String>,
}

/// The same page for whoever has a token and no cookie.
async fn view_with_token(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String)>, ApiError>,
    query: Result<Query<ViewQuery>, ApiError>,
    mut parts: Parts,
    form: Result<Form<Carried>, FormRejection>,
) -> Result<Response, ApiError> {
    let carried = form.ok().and_then(|Form(carried)| carried.token);
    let bearer = carried.and_then(|token| format!("Bearer {token}").parse().ok());
    let by_form =
        bearer.map(|bearer| parts.headers.insert(header::AUTHORIZATION, bearer)).is_some();
    let shown = async {
        let AsReader(reader) = AsReader::from_request_parts(&mut parts, &app).await?;
        let (Path(place), Query(query)) = (path?, query.map_err(|_| no_whole_link())?);
        show(&app, reader, place, query).await
    };
    match shown.await {
        Ok(page) => Ok(page.into_response()),
        Err(error) if by_form => Ok(problem_page(&error, FIRST_PAGE)),
        Err(error) => Err(error),
    }
}

/// For whoever follows a link that somebody cut or changed.
fn no_whole_link() -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "bad_query",
        "this link is not whole",
        "open the document from the answer that named it, or without what follows the `?`",
    )
}

/// The same answer as a program gets, in words on a page, with the way on from there.
pub(super) fn problem_page(error: &ApiError, (place, name): (&str, &str)) -> Response {
    let status = error.status();
    let mut said = error.clone();
    if error.is_unauthorized() {
        // Pages say so to those alone who can't sign in: in the demo they choose who they are.
        "nobody is signed in".clone_into(&mut said.title);
        "choose on the first page who you are; then come back here".clone_into(&mut said.hint);
    }
    let words = html! {
        main.document.problem {
            header {
                p.crumbs { (status) }
                h1 { (told(&said.title)) }
            }
            article {
                p { (told(&said.hint)) }
                p { a href=(place) { (name) } }
            }
        }
    };
    let title = viewer::readable(&said.title);
    said_on(page(&title, &words), error)
}

/// A page with the status and the headers of a problem.
pub(super) fn said_on(page: Markup, error: &ApiError) -> Response {
    let mut response = error.clone().into_response();
    let (head, body) = page.into_response().into_parts();
    response.headers_mut().extend(head.headers);
    *response.body_mut() = body;
    response
}

/// Opens a document for a reader and makes its page.
async fn show(
    app: &Arc<App>,
    reader: Admitted,
    place: (String, String),
    query: ViewQuery,
) -> Result<Markup, ApiError> {
    let document = open(app, (reader, Surface::Viewer), place, query.version).await?;
    app.blocking(move |app| {
        let quote = query.start.zip(query.end).map(|(start, end)| start..end);
        let rendered = viewer::render(&document, quote);
        let people = People {
            owner: name(app, &document.facts.owner)?,
            approver: document.facts.approved_by.as_ref().map(|by| name(app, by)).transpose()?,
        };
        let title = viewer::readable(&document.title);
        Ok(page(&title, &document_page(&document, &people, &rendered)))
    })
    .await
}

/// The people of a document, by names that readers know.
struct People {
    owner: String,
    approver: Option<String>,
}

/// A principal for people, with the name where demo mode knows one.
pub(super) fn name(app: &App, principal: &str) -> Result<String, ApiError> {
    let user = principal.strip_prefix("user:").unwrap_or(principal);
    let person = match &app.directory {
        Some(directory) => directory.find(&app.ledger, user)?,
        None => None,
    };
    Ok(person.map_or_else(|| called(principal), |person| person.name))
}

pub(super) fn page(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title, "view"))
            body { (body) }
        }
    }
}

/// The head of a page, with the style and the script of its kind.
pub(super) fn head(title: &str, kind: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · Vouch" }
            link rel="icon" href="/static/favicon.svg" type="image/svg+xml";
            link rel="stylesheet" href={ "/static/" (kind) ".css" };
            script type="module" src={ "/static/" (kind) ".js" } {}
        }
    }
}

fn document_page(document: &DocumentText, people: &People, rendered: &Rendered) -> Markup {
    let facts = &document.facts;
    html! {
        main.document {
            header {
                p.crumbs { (document.document.replace('/', " / ")) }
                h1 {
                    @if let Some(title) = &rendered.title { (title) }
                    @else { (viewer::readable(&document.title)) }
                }
                @if document.newer.is_some() {
                    p.notice { "There is a newer version of this document. You see an earlier one." }
                }
                @if facts.stale {
                    p.notice {
                        strong { "This may be out of date. " }
                        "It has not been reviewed in time. Whether it still holds, ask " (people.owner) "."
                    }
                }
                (facts_of(document, people))
            }
            article dir="auto" lang=[Some(&document.language).filter(|language| !language.is_empty())] {
                (rendered.body)
                @if rendered.body.0.trim().is_empty() {
                    p.empty { "This version has a title and no text." }
                }
            }
        }
    }
}

fn facts_of(document: &DocumentText, people: &People) -> Markup {
    let facts = &document.facts;
    html! {
        dl.facts {
            dt { "Changed" } dd { (day(&facts.modified_at)) }
            @if let Some(at) = &facts.approved_at {
                dt { "Approved" }
                dd { (day(at)) @if let Some(by) = &people.approver { ", by " (by) } }
            }
            dt { "Owner" } dd { (people.owner) }
            @if let Some(due) = &facts.review_due {
                dt { @if facts.stale { "Review was due" } @else { "Next review" } } dd { (day(due)) }
            }
            dt { "Version" } dd title=(document.version) { code { (short(&document.version)) } }
        }
    }
}

/// A time's day for people, such as `3 May 2026`; a time that can't be read stays as it is.
fn day(time: &str) -> String {
    let read = time.parse::<jiff::Timestamp>();
    read.map_or_else(|_| time.to_owned(), |time| time.strftime("%-d %B %Y").to_string())
}

/// Vouch's own words, in which names and commands stand between backticks.
pub(super) fn told(text: &str) -> Markup {
    let parts: Vec<_> = text.split('`').map(viewer::readable).collect();
    html! {
        @if parts.len() % 2 == 0 { (viewer::readable(text)) }
        @else {
            @for (at, part) in parts.iter().enumerate() {
                @if at % 2 == 1 { code { (part) } } @else { (part) }
            }
        }
    }
}

pub(super) fn short(version: &str) -> &str {
    let hash = version.strip_prefix("sha256:").unwrap_or(version);
    hash.get(..12).unwrap_or(hash)
}
