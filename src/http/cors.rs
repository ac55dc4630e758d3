//! Which other sites' pages may call from a browser: exactly those of `server.origins`, and only the
//! readers' routes. Never `*`, and never with cookies: such a page brings its own credential in
//! `Authorization`. Every other site gets no word of CORS, so its visitors' browsers refuse; it can load
//! the widget's script (`pages.rs`), which then says so.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::map_response;
use axum::response::Response;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::SURFACE;
use crate::app::App;
use crate::auth::READER;

/// How long a browser may keep the answer to its preflight.
const KEPT: Duration = Duration::from_secs(60 * 60);

/// Lets the pages of these origins call the readers' routes.
pub(super) fn open_to(origins: &[String], routes: Router<Arc<App>>) -> Router<Arc<App>> {
    if origins.is_empty() {
        return routes;
    }
    let listed: Vec<HeaderValue> = origins.iter().filter_map(|one| one.parse().ok()).collect();
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, request| {
            listed.contains(origin) && for_readers(request.uri.path())
        }))
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static(SURFACE),
            HeaderName::from_static(READER),
            // What MCP's clients say of the protocol.
            HeaderName::from_static("mcp-protocol-version"),
            HeaderName::from_static("mcp-method"),
            HeaderName::from_static("mcp-name"),
        ])
        .expose_headers([header::RETRY_AFTER])
        .max_age(KEPT);
    routes.layer(cors).layer(map_response(say_nothing_to_others))
}

/// The readers' routes. Tokens are made by servers: a key that may is never in a page.
fn for_readers(path: &str) -> bool {
    let no_page = path.starts_with("/v1/admin/") || path == "/v1/widget-token";
    let api = path.starts_with("/v1/") && !no_page;
    api || path == "/mcp" || path.starts_with("/.well-known/")
}

/// The layer names methods and headers to everybody, although they count for nothing without an
/// origin; who is not listed learns nothing.
async fn say_nothing_to_others(mut response: Response) -> Response {
    let headers = response.headers_mut();
    if !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        headers.remove(header::ACCESS_CONTROL_ALLOW_METHODS);
        headers.remove(header::ACCESS_CONTROL_ALLOW_HEADERS);
        headers.remove(header::ACCESS_CONTROL_EXPOSE_HEADERS);
        headers.remove(header::ACCESS_CONTROL_MAX_AGE);
    }
    response
}
