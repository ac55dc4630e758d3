//! The HTTP surface: which routes there are, and what holds for all of them.
//!
//! A handler converts in, makes one call, converts out. Who may call it is its argument; who it is
//! that may is declared here, beside the route, and tested for every route there is.

mod access;
mod admin;
mod admin_pages;
mod approvals;
mod control;
mod conversations;
mod cors;
mod error;
mod extract;
mod health;
mod keys;
mod mcp;
mod metadata;
mod openai;
mod pages;
mod policy;
mod prose;
mod push;
mod reading;
mod signin;
mod slack;
mod sources;
mod surface;
mod viewer;
mod widget;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::IntoResponse;
use axum::{Extension, Router};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;
use utoipa::OpenApi;
use utoipa_axum::router::UtoipaMethodRouterExt;
use utoipa_axum::routes;

pub use error::ApiError;
pub(crate) use mcp::introduction;
use policy::Routes;
pub use policy::{Declared, Policy};
pub(crate) use prose::link;
pub(crate) use surface::SURFACE;
pub use surface::Surface;

use crate::app::App;

/// The longest body of a route that takes JSON.
const JSON_BYTES: usize = 1024 * 1024;

/// Pages load nothing but Vouch's own files, and nobody may put them into a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[derive(OpenApi)]
#[openapi(info(
    title = "Vouch",
    description = "Answers questions from a company's own approved documents, under the reader's \
        rights, citing every sentence. Every route but the open ones needs `Authorization: Bearer`."
))]
struct Described;

/// Every route that the server has, with who may call it, sorted by path.
#[must_use]
pub fn declared() -> Vec<Declared> {
    routes().declared()
}

/// Every route with its policy.
fn routes() -> Routes {
    let api = Routes::new(Described::openapi())
        .api(Policy::Reader, routes!(reading::ask))
        .api(Policy::Reader, routes!(reading::search))
        .api(Policy::ItsReader, routes!(reading::document))
        .api(Policy::ItsReader, routes!(reading::feedback))
        .api(Policy::Reader, routes!(conversations::list))
        .api(Policy::ItsReader, routes!(conversations::show, conversations::erase))
        .api(Policy::Reader, routes!(openai::models).layer(map_response(openai::shaped)))
        .api(Policy::Reader, routes!(openai::model).layer(map_response(openai::shaped)))
        .api(Policy::Reader, routes!(openai::chat).layer(map_response(openai::shaped)))
        .api(Policy::Reader, routes!(widget::me))
        .api(Policy::Reader, routes!(mcp::call))
        .page(Policy::Open, mcp::METADATA, mcp::metadata)
        .page(Policy::Open, mcp::METADATA_OF_MCP, mcp::metadata_of_mcp)
        .api(Policy::Lender, routes!(widget::token))
        .api(Policy::Anybody, routes!(sources::list))
        .api(Policy::Administrator, routes!(sources::add))
        .api(Policy::ItsKeepers, routes!(sources::show))
        .api(Policy::Administrator, routes!(sources::update, sources::remove))
        .api(Policy::ItsKeepers, routes!(sources::documents))
        .api(Policy::ItsOwner, routes!(sources::sync))
        .api(Policy::ItsOwner, routes!(sources::pause))
        .api(Policy::ItsOwner, routes!(sources::resume))
        .api(Policy::ItsOwner, routes!(sources::revoke))
        .api(Policy::Anybody, routes!(approvals::list))
        .api(Policy::ItsApprover, routes!(approvals::decide))
        .api(Policy::ItsApproverAlone, routes!(approvals::open))
        .api(Policy::Administrator, routes!(admin::groups, admin::change_group))
        .api(Policy::Administrator, routes!(admin::load_groups).layer(admin::directory()))
        .api(Policy::ItsOverseers, routes!(access::explain))
        .api(Policy::Administrator, routes!(control::users, control::change_user))
        .api(Policy::Administrator, routes!(control::stop))
        .api(Policy::Administrator, routes!(control::start))
        .api(Policy::Administrator, routes!(admin::reindex))
        .api(Policy::Administrator, routes!(admin::generations))
        .api(Policy::Administrator, routes!(admin::rollback))
        .api(Policy::Auditor, routes!(admin::audit))
        .api(Policy::Auditor, routes!(admin::audit_verify))
        .api(Policy::Administrator, routes!(admin::audit_erase))
        .api(Policy::Administrator, routes!(admin::status))
        .api(Policy::Administrator, routes!(keys::list, keys::create))
        .api(Policy::Administrator, routes!(keys::revoke))
        .api(Policy::ItsPusher, routes!(push::put, push::delete).layer(push::unlimited()))
        .api(Policy::Open, routes!(health::healthz))
        .api(Policy::Open, routes!(health::readyz));
    let pages = admin_pages::routes(signin::routes(pages::routes(api)));
    slack::routes(pages).page(Policy::Open, "/openapi.json", openapi)
}

/// The router with every route.
///
/// # Errors
/// `/openapi.json` would say something else of a route than is declared.
pub fn router(app: Arc<App>) -> anyhow::Result<Router> {
    let (routes, described) = routes().split()?;
    let described = Description(described.to_pretty_json()?.into());
    let routes = routes
        .layer(DefaultBodyLimit::max(JSON_BYTES))
        .layer(Extension(described))
        .layer(Extension(mcp::Door::new(&app)))
        .fallback(|| async { ApiError::not_found() })
        .method_not_allowed_fallback(|| async {
            ApiError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "this address takes another method",
                "/openapi.json lists the routes with their methods",
            )
        });
    let routes = routes.layer(from_fn_with_state(Arc::clone(&app), admin_pages::in_words));
    Ok(cors::open_to(&app.config.server.origins, routes)
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            tracing::error!("a handler panicked");
            ApiError::from(anyhow::anyhow!("a handler panicked")).into_response()
        }))
        .layer(fixed(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // Other sites learn nothing. Under `no-referrer` a browser would send Vouch's own forms with
        // `Origin: null`, and they would be refused.
        .layer(fixed(header::REFERRER_POLICY, "same-origin"))
        .layer(fixed(header::CACHE_CONTROL, "no-store"))
        // Paths alone: a question in a link's query string does not belong into a log.
        .layer(TraceLayer::new_for_http().make_span_with(
            |request: &axum::http::Request<axum::body::Body>| {
                tracing::info_span!("request", method = %request.method(), route = route_of(request))
            },
        ).on_response(|response: &axum::http::Response<_>, took: Duration, _: &tracing::Span| {
            tracing::debug!(status = response.status().as_u16(), ms = took.as_millis(), "answered");
        }))
        .with_state(app))
}

/// The route's pattern: a path names documents, and names do not go to logs.
fn route_of(request: &axum::http::Request<axum::body::Body>) -> String {
    request
        .extensions()
        .get::<axum::extract::MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned())
}

/// The text of `/openapi.json`.
#[derive(Clone)]
struct Description(Arc<str>);

async fn openapi(Extension(described): Extension<Description>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], described.0.to_string())
}

fn fixed(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
