//! The HTTP surface: which routes there are, and what holds for all of them.
//!
//! A handler converts in, makes one call, converts out. Who may call it is its argument.

mod admin;
mod approvals;
mod error;
mod extract;
mod health;
mod keys;
mod pages;
mod push;
mod reading;
mod sources;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use error::ApiError;

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

/// The router with every route.
pub fn router(app: Arc<App>) -> Router {
    let (routes, described) = OpenApiRouter::with_openapi(Described::openapi())
        .routes(routes!(reading::ask))
        .routes(routes!(reading::search))
        .routes(routes!(reading::document))
        .routes(routes!(reading::feedback))
        .routes(routes!(sources::list, sources::add))
        .routes(routes!(sources::show, sources::update, sources::remove))
        .routes(routes!(sources::documents))
        .routes(routes!(sources::sync))
        .routes(routes!(sources::pause))
        .routes(routes!(sources::resume))
        .routes(routes!(sources::revoke))
        .routes(routes!(approvals::list, approvals::decide))
        .routes(routes!(admin::groups, admin::change_group))
        .routes(routes!(admin::load_groups))
        .routes(routes!(admin::users))
        .routes(routes!(admin::reindex))
        .routes(routes!(admin::generations))
        .routes(routes!(admin::rollback))
        .routes(routes!(admin::audit))
        .routes(routes!(admin::audit_verify))
        .routes(routes!(admin::status))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .layer(DefaultBodyLimit::max(JSON_BYTES))
        .merge(
            OpenApiRouter::new().routes(routes!(push::put, push::delete)).layer(push::unlimited()),
        )
        .split_for_parts();
    let described = described.to_pretty_json().unwrap_or_default();
    routes
        .route("/openapi.json", axum::routing::get(move || openapi(described.clone())))
        .merge(pages::routes())
        .fallback(|| async { ApiError::not_found() })
        .method_not_allowed_fallback(|| async {
            ApiError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "this address takes another method",
                "/openapi.json lists the routes with their methods",
            )
        })
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            tracing::error!("a handler panicked");
            ApiError::from(anyhow::anyhow!("a handler panicked")).into_response()
        }))
        .layer(fixed(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed(header::REFERRER_POLICY, "no-referrer"))
        .layer(fixed(header::CACHE_CONTROL, "no-store"))
        // Paths alone: a question in a link's query string does not belong into a log.
        .layer(TraceLayer::new_for_http().make_span_with(
            |request: &axum::http::Request<axum::body::Body>| {
                tracing::info_span!("request", method = %request.method(), route = route_of(request))
            },
        ).on_response(|response: &axum::http::Response<_>, took: Duration, _: &tracing::Span| {
            tracing::debug!(status = response.status().as_u16(), ms = took.as_millis(), "answered");
        }))
        .with_state(app)
}

/// The route's pattern: a path names documents, and names do not go to logs.
fn route_of(request: &axum::http::Request<axum::body::Body>) -> String {
    request
        .extensions()
        .get::<axum::extract::MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned())
}

async fn openapi(described: String) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], described)
}

fn fixed(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
