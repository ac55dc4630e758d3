//! The one way in which commands talk to a server.
//!
//! An answer that is not a success becomes a [`Failure`] here, so that no command can take an error
//! for a result. Nothing is retried: a command says what happened and the person decides.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;

use super::failure::Failure;
use crate::http::{SURFACE, Surface};

const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// A server's address and a token for it.
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<String>,
}

impl Client {
    pub(super) fn new(url: Option<&str>, token: Option<String>) -> Result<Self> {
        let text = url.unwrap_or(DEFAULT_URL);
        let usable = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        let base: Url = text.parse().ok().filter(usable).ok_or_else(|| {
            Failure::new(
                "bad_url",
                format!("`{text}` is not a server's address"),
                Some("write --url (or VOUCH_URL) like http://127.0.0.1:8080"),
            )
        })?;
        let surface =
            (HeaderName::from_static(SURFACE), HeaderValue::from_static(Surface::Cli.name()));
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("vouch/", env!("CARGO_PKG_VERSION")))
            .default_headers(HeaderMap::from_iter([surface]))
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(300));
        if base.scheme() == "http" {
            // No certificate will be looked at, and a machine without any must still work.
            http = http.tls_certs_only([]);
        }
        if on_this_machine(&base) {
            // A company's proxy can't reach our loopback.
            http = http.no_proxy();
        }
        let http = http.build().context("can't set up the HTTP client")?;
        let token = token.filter(|token| !token.is_empty());
        Ok(Self { http, base, token })
    }

    /// The address of a route. Whatever a segment holds, it stays one segment.
    pub(super) fn route(&self, segments: &[&str], query: &[(&str, Option<String>)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        for (key, value) in query {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(key, value);
            }
        }
        url
    }

    /// The address under which people open the place that a citation names.
    pub(super) fn view(&self, citation: &Value) -> String {
        let document = citation["document"].as_str().unwrap_or_default();
        let segments: Vec<&str> = std::iter::once("view").chain(document.split('/')).collect();
        let mut url = self.route(&segments, &[]);
        let version = citation["version"].as_str().unwrap_or_default();
        let place =
            format!("version={version}&start={}&end={}", citation["start"], citation["end"]);
        // A version's name needs no escaping, and its colon is easier to read as it is.
        url.set_query(Some(&place));
        url.into()
    }

    pub(super) async fn get(&self, segments: &[&str]) -> Result<Value> {
        self.get_with(segments, &[]).await
    }

    pub(super) async fn get_with(
        &self,
        segments: &[&str],
        query: &[(&str, Option<String>)],
    ) -> Result<Value> {
        body(self.send(Method::GET, self.route(segments, query), None).await?).await
    }

    pub(super) async fn post(&self, segments: &[&str], content: &Value) -> Result<Value> {
        body(self.send(Method::POST, self.route(segments, &[]), Some(content)).await?).await
    }

    pub(super) async fn put(&self, segments: &[&str], content: &Value) -> Result<Value> {
        body(self.send(Method::PUT, self.route(segments, &[]), Some(content)).await?).await
    }

    pub(super) async fn delete(&self, segments: &[&str]) -> Result<Value> {
        self.delete_with(segments, &[]).await
    }

    pub(super) async fn delete_with(
        &self,
        segments: &[&str],
        query: &[(&str, Option<String>)],
    ) -> Result<Value> {
        body(self.send(Method::DELETE, self.route(segments, query), None).await?).await
    }

    /// An answer whatever its status: `/readyz` says what is missing with a 503.
    pub(super) async fn look(&self, segments: &[&str]) -> Result<(StatusCode, Value)> {
        let request = self.http.get(self.route(segments, &[])).timeout(Duration::from_secs(10));
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let text = response.text().await.unwrap_or_default();
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// A request whose answer is read piece by piece. It has succeeded as far as its status says.
    pub(super) async fn stream(
        &self,
        method: Method,
        segments: &[&str],
        query: &[(&str, Option<String>)],
        content: Option<&Value>,
    ) -> Result<Response> {
        self.send(method, self.route(segments, query), content).await
    }

    async fn send(&self, method: Method, url: Url, content: Option<&Value>) -> Result<Response> {
        let mut request: RequestBuilder = self.http.request(method, url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(content) = content {
            request = request.json(content);
        }
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.problem(response).await)
    }

    fn unreachable(&self, error: &reqwest::Error) -> anyhow::Error {
        let url = self.base.as_str().trim_end_matches('/');
        if error.is_connect() {
            let hint = if on_this_machine(&self.base) {
                "start one with `vouch serve`, or name another with --url or VOUCH_URL"
            } else {
                "check --url or VOUCH_URL, and that the server runs and can be reached from here"
            };
            return Failure::new("no_server", format!("no server answers at {url}"), Some(hint))
                .into();
        }
        if error.is_timeout() {
            return Failure::new(
                "timeout",
                format!("the server at {url} did not answer in time"),
                None,
            )
            .into();
        }
        // The innermost cause says what happened; the layers above only say "error sending request".
        let cause =
            std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source())
                .last();
        let cause = cause.map(ToString::to_string).unwrap_or_default();
        anyhow!("the connection to {url} broke: {cause}")
    }

    async fn problem(&self, response: Response) -> anyhow::Error {
        let status = response.status();
        if status == StatusCode::UNAUTHORIZED && self.token.is_none() {
            let hint =
                "give your key with --token or VOUCH_TOKEN; in demo mode it is like demo:alice";
            return Failure::new(
                "unauthenticated",
                "the server wants to know who you are",
                Some(hint),
            )
            .into();
        }
        let text = response.text().await.unwrap_or_default();
        if let Some(failure) = serde_json::from_str(&text).ok().and_then(Failure::stated) {
            return failure.into();
        }
        let title = format!("{} answered {status}", self.base.as_str().trim_end_matches('/'));
        let hint = "what answers there may not be Vouch; check --url or VOUCH_URL";
        Failure::new("unexpected_answer", title, Some(hint)).into()
    }
}

/// Whether the address is this machine's own.
fn on_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

async fn body(response: Response) -> Result<Value> {
    let url = response.url().clone();
    let text = response.text().await.context("the connection broke in the middle of an answer")?;
    if text.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&text).map_err(|_| {
        let hint = "what answers there may not be Vouch; check --url or VOUCH_URL";
        Failure::new("unexpected_answer", format!("{url} did not answer with JSON"), Some(hint))
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_citation_is_a_link_and_a_name_stays_in_its_segment() {
        let _already_chosen = rustls::crypto::ring::default_provider().install_default();
        let client = Client::new(Some("http://127.0.0.1:1/below/"), None).unwrap();
        let citation = serde_json::json!({
            "document": "hr/leave & more/a?.md", "version": "sha256:0", "start": 1, "end": 2
        });
        let link = "http://127.0.0.1:1/below/view/hr/leave%20&%20more/a%3F.md?version=sha256:0&start=1&end=2";
        assert_eq!(client.view(&citation), link);
        assert_eq!(client.route(&["keys", "a/b"], &[]).path(), "/below/keys/a%2Fb");
        assert!(Client::new(Some("127.0.0.1:8080"), None).is_err());
    }
}
