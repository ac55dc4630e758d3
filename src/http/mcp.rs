//! The Model Context Protocol over HTTP: `/mcp`, and how a client learns whose tokens count there.
//!
//! Every request stands for itself: no sessions, one JSON answer. It brings its own credential, which
//! is resolved by the same function as on every other route, and a request that comes from another
//! site's page, or under a name that is not this server's, is refused before the protocol is looked
//! at. Without a credential the answer says where one is to be had (RFC 9728).

mod tools;

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use reqwest::Url;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};

use super::{ApiError, JSON_BYTES};
use crate::app::App;
use crate::auth::AsReader;
use crate::config::{AuthMode, Config};
use tools::Tools;
pub(crate) use tools::introduction;

/// Where clients look for the metadata of the server, and what they append for that of `/mcp`.
pub(super) const METADATA: &str = "/.well-known/oauth-protected-resource";
pub(super) const METADATA_OF_MCP: &str = "/.well-known/oauth-protected-resource/mcp";

/// The protocol's own library, set up for this server.
#[derive(Clone)]
pub(super) struct Door(StreamableHttpService<Tools, NeverSessionManager>);

impl Door {
    pub(super) fn new(app: &Arc<App>) -> Self {
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_max_request_body_bytes(JSON_BYTES)
            .with_allowed_hosts(hosts(&app.config))
            .with_allowed_origins(origins(&app.config))
            .enforce_origin_validation();
        let app = Arc::clone(app);
        let tools = move || Ok(Tools::new(Arc::clone(&app)));
        Self(StreamableHttpService::new(tools, Arc::new(NeverSessionManager::default()), config))
    }
}

/// The names under which this server may be called: its public one, and those of this machine.
fn hosts(config: &Config) -> Vec<String> {
    let mut hosts = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    hosts.extend(config.public_url().parse::<Url>().ok().and_then(|url| host_of(&url)));
    let listen = config.server.listen.ip();
    if !listen.is_unspecified() {
        hosts.push(listen.to_string());
    }
    hosts
}

fn host_of(url: &Url) -> Option<String> {
    url.host_str().map(|host| host.trim_matches(['[', ']']).to_owned())
}

/// The sites whose pages may call: this server's own, and those of the settings. Each with its port,
/// because one without would stand for every port.
fn origins(config: &Config) -> Vec<String> {
    let port = config.server.listen.port();
    let own = [
        config.public_url(),
        format!("http://localhost:{port}"),
        format!("http://127.0.0.1:{port}"),
        format!("http://[::1]:{port}"),
    ];
    let all = own.iter().chain(&config.server.origins);
    all.filter_map(|origin| {
        let url: Url = origin.parse().ok()?;
        let port = url.port_or_known_default()?;
        Some(format!("{}://{}:{port}", url.scheme(), url.host_str()?))
    })
    .collect()
}

/// The Model Context Protocol: the tools `search`, `fetch` and `ask`, all of which only read.
#[utoipa::path(post, path = "/mcp", request_body = Object,
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn call(
    State(app): State<Arc<App>>,
    reader: Result<AsReader, ApiError>,
    Extension(Door(service)): Extension<Door>,
    mut request: Request,
) -> Response {
    let AsReader(reader) = match reader {
        Ok(reader) => reader,
        Err(error) => return refused(&app.config, error),
    };
    request.extensions_mut().insert(reader);
    // The protocol wants clients to take events as well. They never get any, so they needn't.
    let taken = HeaderValue::from_static("application/json, text/event-stream");
    request.headers_mut().insert(header::ACCEPT, taken);
    service.handle(request).await.map(Body::new)
}

/// A refusal that says where a credential is to be had.
fn refused(config: &Config, error: ApiError) -> Response {
    let wanted = error.is_unauthorized();
    let mut response = error.into_response();
    let place = format!("Bearer resource_metadata=\"{}{METADATA_OF_MCP}\"", config.public_url());
    if let (true, Ok(value)) = (wanted, HeaderValue::from_str(&place)) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}

/// Whose tokens count at this server.
pub(super) async fn metadata(State(app): State<Arc<App>>) -> axum::Json<Value> {
    axum::Json(described(&app.config, &app.config.public_url()))
}

/// Whose tokens count at `/mcp`.
pub(super) async fn metadata_of_mcp(State(app): State<Arc<App>>) -> axum::Json<Value> {
    axum::Json(described(&app.config, &format!("{}/mcp", app.config.public_url())))
}

/// RFC 9728. Where no identity provider gives tokens out, there is no authorization server to name, and
/// the standard wants the empty list left out: an administrator gives out keys.
fn described(config: &Config, resource: &str) -> Value {
    let mut described = json!({
        "resource": resource, "resource_name": "Vouch", "bearer_methods_supported": ["header"],
    });
    if config.auth.mode == AuthMode::Oidc {
        described["authorization_servers"] = json!([config.auth.oidc.issuer]);
        described["scopes_supported"] = json!(config.auth.oidc.scopes);
    }
    described
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_servers_names_and_listed_sites_count_each_with_its_port() {
        let text = "[server]\nlisten = \"127.0.0.1:8080\"\npublic_url = \"https://ask.example.com\"\n\
            origins = [\"https://intranet.example.com\"]";
        let config = Config::parse(text).unwrap();
        assert!(hosts(&config).contains(&"ask.example.com".to_owned()));
        let origins = origins(&config);
        for origin in ["https://ask.example.com:443", "https://intranet.example.com:443"] {
            assert!(origins.contains(&origin.to_owned()), "{origins:?}");
        }
        assert!(
            origins.iter().all(|origin| origin.rsplit(':').next().unwrap().parse::<u16>().is_ok())
        );
    }
}
