//! What only browsers send: cookies, and the page that a call came from.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};

use crate::http::ApiError;

/// The cookie of the person switch in demo mode.
pub(crate) const DEMO_COOKIE: &str = "vouch_demo";
/// The cookie of a browser that signed in. Browsers take a name that begins so only from this host,
/// for all of its paths, and over TLS (or on this machine).
pub(crate) const SESSION_COOKIE: &str = "__Host-vouch";

/// The value of a cookie.
pub(crate) fn cookie(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == wanted && !value.is_empty())
        .map(|(_, value)| value.to_owned())
}

/// A `Set-Cookie` that scripts can't read and other sites' calls don't carry. An age of zero takes
/// the cookie away.
pub(crate) fn set_cookie(name: &str, value: &str, seconds: i64) -> String {
    format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}")
}

/// Demo mode believes anybody, so it answers only to this machine: to its addresses, and under its
/// names, so that no page from elsewhere can borrow a visitor's browser.
pub(crate) fn on_loopback(parts: &Parts) -> Result<(), ApiError> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("");
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
    });
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    let local_name = name == "localhost" || address.is_ok_and(|address| address.is_loopback());
    if local_name && peer.is_none_or(|ConnectInfo(peer)| peer.ip().is_loopback()) {
        return Ok(());
    }
    Err(ApiError::unauthorized())
}

/// A call with a cookie that may change something must come from Vouch's own pages.
pub(crate) fn same_origin(
    method: &Method,
    headers: &HeaderMap,
    public_url: &str,
) -> Result<(), ApiError> {
    if method.is_safe() {
        return Ok(());
    }
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let own = match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), host) => {
            let own = host.is_some_and(|host| {
                origin == format!("http://{host}") || origin == format!("https://{host}")
            });
            own || origin == public_url.trim_end_matches('/')
        }
        (None, _) => text(header::HeaderName::from_static("sec-fetch-site")) == Some("same-origin"),
    };
    if own {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "this call came from another site",
        "call from Vouch's own pages, or send `Authorization: Bearer …`",
    ))
}
