//! Who is calling. One function turns any credential into a [`Caller`]; handlers take as an argument
//! the kind of caller that they serve, so a route can't forget to ask.
//!
//! A reader's groups are looked up again for every clearance; nothing here is remembered between
//! requests.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use vouch_index::ledger::{KeyInfo, KeyRole};
use vouch_index::{Actor, Principal, Reader};

use crate::app::App;
use crate::config::Role;
use crate::demo;
use crate::http::ApiError;

/// The cookie of the person switch in demo mode.
pub const COOKIE: &str = "vouch_demo";

/// Somebody whose credential was checked, with what it allows.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The name and principals for approvals and the audit.
    pub actor: Actor,
    /// The person, where the credential stands for one.
    pub reader: Option<Reader>,
    /// Whether the audit may be read with questions and sentences.
    pub auditor: bool,
    /// The sources that may be pushed to; none: all.
    pushes_to: Option<Vec<String>>,
}

/// Somebody who may ask and read.
pub struct AsReader(pub Reader);

/// Somebody who administers.
pub struct AsAdministrator(pub Actor);

/// Somebody who may read the audit.
pub struct AsAuditor {
    /// Whether questions and sentences are for this caller: for auditors they are, for an
    /// administrator who is none they are not.
    pub sees_text: bool,
}

/// Anybody with a valid credential. What a route with this does is decided by sources: approvers and
/// owners.
pub struct AsAnybody(pub Caller);

impl Caller {
    /// The person.
    ///
    /// # Errors
    /// 403 for a credential that stands for nobody.
    pub fn reader(self) -> Result<Reader, ApiError> {
        self.reader.ok_or_else(|| {
            ApiError::forbidden(
                "this key stands for no person, and only people can read",
                "use a key that was made with --user",
            )
        })
    }

    /// The actor, if an administrator.
    ///
    /// # Errors
    /// 403 for everybody else.
    pub fn administrator(self) -> Result<Actor, ApiError> {
        if self.actor.administrator {
            return Ok(self.actor);
        }
        Err(ApiError::forbidden("this is for administrators", "ask an administrator"))
    }

    /// The actor, if this source may be pushed to.
    ///
    /// # Errors
    /// 403 for everybody else.
    pub fn pusher(self, source: &str) -> Result<Actor, ApiError> {
        let named =
            self.pushes_to.as_ref().is_some_and(|named| named.iter().any(|id| id == source));
        if named || self.actor.administrator {
            return Ok(self.actor);
        }
        Err(ApiError::forbidden(
            "this credential may not push to this source",
            "use a key of role pusher that names the source, or an administrator's",
        ))
    }
}

impl FromRequestParts<Arc<App>> for AsAnybody {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let credential = Credential::of(parts, app)?;
        Ok(Self(app.blocking(move |app| identify(app, &credential)).await?))
    }
}

impl FromRequestParts<Arc<App>> for AsReader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let AsAnybody(caller) = AsAnybody::from_request_parts(parts, app).await?;
        Ok(Self(caller.reader()?))
    }
}

impl FromRequestParts<Arc<App>> for AsAdministrator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let AsAnybody(caller) = AsAnybody::from_request_parts(parts, app).await?;
        Ok(Self(caller.administrator()?))
    }
}

impl FromRequestParts<Arc<App>> for AsAuditor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let AsAnybody(caller) = AsAnybody::from_request_parts(parts, app).await?;
        if caller.auditor || caller.actor.administrator {
            return Ok(Self { sees_text: caller.auditor });
        }
        Err(ApiError::forbidden("this is for auditors", "ask an auditor or an administrator"))
    }
}

/// What a request brings along.
enum Credential {
    Bearer(String),
    Demo(String),
}

impl Credential {
    fn of(parts: &Parts, app: &App) -> Result<Self, ApiError> {
        if let Some(bearer) = bearer(&parts.headers) {
            return match bearer.strip_prefix("demo:") {
                Some(user) if app.directory.is_some() => {
                    on_loopback(parts)?;
                    Ok(Self::Demo(user.to_owned()))
                }
                _ => Ok(Self::Bearer(bearer.to_owned())),
            };
        }
        let cookie = cookie(&parts.headers).filter(|_| app.directory.is_some());
        let Some(user) = cookie else { return Err(ApiError::unauthorized()) };
        on_loopback(parts)?;
        same_origin(&parts.method, &parts.headers, &app.config.public_url())?;
        Ok(Self::Demo(user))
    }
}

/// Turns a credential into a caller.
fn identify(app: &App, credential: &Credential) -> Result<Caller, ApiError> {
    match credential {
        Credential::Demo(user) => {
            let directory = app.directory.as_ref().ok_or_else(ApiError::unauthorized)?;
            let person = directory.find(&app.ledger, user)?.ok_or_else(ApiError::unauthorized)?;
            let reader = app.ledger.reader(&person.user, &[])?;
            let administrator = demo::has(&person, Role::Administrator);
            Ok(Caller {
                actor: actor(reader.principal().to_string(), Some(&reader), administrator),
                auditor: demo::has(&person, Role::Auditor),
                reader: Some(reader),
                pushes_to: None,
            })
        }
        Credential::Bearer(token) => {
            let bootstrap = app.bootstrap_key.as_ref();
            if bootstrap.is_some_and(|key| key.as_bytes().ct_eq(token.as_bytes()).into()) {
                return Ok(Caller {
                    actor: actor("key:bootstrap".to_owned(), None, true),
                    reader: None,
                    auditor: true,
                    pushes_to: None,
                });
            }
            let key = app.ledger.use_key(&hash_of_key(token))?;
            by_key(app, key.ok_or_else(ApiError::unauthorized)?)
        }
    }
}

fn by_key(app: &App, key: KeyInfo) -> Result<Caller, ApiError> {
    let reader = match &key.user {
        Some(user) if key.role != KeyRole::Pusher => Some(app.ledger.reader(user, &[])?),
        Some(_) | None => None,
    };
    // The person behind a pusher's key gets no principal from it, only the blame: what they pushed
    // they don't approve.
    let name = match &key.user {
        Some(user) => Principal::User(user.clone()).to_string(),
        None => format!("key:{}", key.name),
    };
    Ok(Caller {
        actor: actor(name, reader.as_ref(), key.role == KeyRole::Administrator),
        auditor: key.role == KeyRole::Auditor,
        pushes_to: (key.role == KeyRole::Pusher).then_some(key.sources),
        reader,
    })
}

fn actor(name: String, reader: Option<&Reader>, administrator: bool) -> Actor {
    let principals = reader.map_or_else(BTreeSet::new, |reader| reader.principals().clone());
    Actor { name, principals, administrator }
}

/// The form in which a key is stored. Keys are random and long, so one round of a hash suffices.
#[must_use]
pub fn hash_of_key(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

pub(crate) fn cookie(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == COOKIE && !value.is_empty())
        .map(|(_, value)| value.to_owned())
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
