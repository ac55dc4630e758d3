//! Who is calling. One function turns any credential into a [`Caller`]; handlers take as an argument
//! the kind of caller that they serve, so a route can't forget to ask.
//!
//! How a person stands is looked up for every request: a block, a stop, a group or a role counts from
//! the next one. Who reads takes a turn with it ([`crate::limits`]), so no route of readers can forget
//! its limits. A blocked person gets the same 403 everywhere, whatever they may do otherwise.

mod browser;
mod provider;
pub(crate) mod signin;
mod token;

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use percent_encoding::percent_decode;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use vouch_index::ledger::{KeyInfo, KeyRole, Standing};
use vouch_index::{Actor, Principal, Reader};

use crate::app::App;
use crate::config::Role;
use crate::demo;
use crate::http::ApiError;
use crate::limits::Turn;

pub(crate) use browser::{DEMO_COOKIE, SESSION_COOKIE, cookie, on_loopback, same_origin};
pub use provider::Provider;
pub(crate) use provider::{Look, Unusable, is_private};
use token::Verified;

/// What every API key begins with.
pub(crate) const KEY_PREFIX: &str = "vk_";
/// What every token for the widget begins with. Cookies never do.
pub(crate) const LENT_PREFIX: &str = "vw_";

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
    /// The key with which tokens for people may be made.
    lends: Option<String>,
    /// Whether the assistant is stopped, and whom to ask about it.
    stopped: Option<String>,
}

/// Somebody who may ask and read, and whose turn it is.
pub struct AsReader(pub Admitted);

/// A reader with their turn. The work that is done for them takes this along, so that the turn lasts as
/// long as the work.
#[derive(Clone)]
pub struct Admitted {
    reader: Reader,
    _turn: Arc<Turn>,
}

impl Deref for Admitted {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

/// Somebody who administers.
pub struct AsAdministrator(pub Actor);

/// Somebody who may read the audit.
pub struct AsAuditor {
    /// Whether questions and sentences are for this caller: for auditors they are, for an
    /// administrator who is none they are not.
    pub sees_text: bool,
}

/// The holder of a key that may have tokens made for people.
pub struct AsLender {
    /// The key's id.
    pub key: String,
    /// Who is named in the audit.
    pub actor: Actor,
}

/// Anybody with a valid credential. What a route with this does is decided by sources: approvers and
/// owners.
pub struct AsAnybody(pub Caller);

impl Caller {
    /// The person, who may ask and read now.
    ///
    /// # Errors
    /// 403 for a credential that stands for nobody, 503 while the assistant is stopped.
    pub fn reader(self) -> Result<Reader, ApiError> {
        let reader = self.reader.ok_or_else(|| {
            ApiError::forbidden(
                "this key stands for no person, and only people can read",
                "use a key that was made with --user",
            )
        })?;
        match self.stopped {
            None => Ok(reader),
            Some(hint) => Err(ApiError::unavailable("stopped", "the assistant is stopped", hint)),
        }
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
        let credential = Credential::of(parts, app)?.verified(app).await?;
        let caller = app.blocking(move |app| identify(app, credential)).await?;
        is_meant(parts, &caller.actor.name)?;
        Ok(Self(caller))
    }
}

impl FromRequestParts<Arc<App>> for AsReader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let AsAnybody(caller) = AsAnybody::from_request_parts(parts, app).await?;
        let reader = caller.reader()?;
        let turn = app.limits.turn(&reader.principal().to_string())?;
        Ok(Self(Admitted { reader, _turn: Arc::new(turn) }))
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

impl FromRequestParts<Arc<App>> for AsLender {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let AsAnybody(caller) = AsAnybody::from_request_parts(parts, app).await?;
        match caller.lends {
            Some(key) => Ok(Self { key, actor: caller.actor }),
            None => Err(ApiError::forbidden(
                "this credential may not have tokens made",
                "use a key of role widget; it belongs on a server, never into a page",
            )),
        }
    }
}

/// What a request brings along.
enum Credential {
    /// The first administrator's key.
    Bootstrap,
    /// An API key.
    Key(String),
    /// A token of the identity provider that nobody has looked at.
    Token(String),
    /// A token that was checked.
    Verified { issuer: String, person: Verified },
    /// The cookie of a browser that signed in.
    Session(String),
    /// A token that a key's holder had made for a person.
    Lent(String),
    /// A person of the demo.
    Demo(String),
}

impl Credential {
    fn of(parts: &Parts, app: &App) -> Result<Self, ApiError> {
        if let Some(bearer) = bearer(&parts.headers) {
            return Self::borne(bearer, parts, app);
        }
        let demo = app.directory.is_some();
        let name = if demo { DEMO_COOKIE } else { SESSION_COOKIE };
        let value = cookie(&parts.headers, name).ok_or_else(ApiError::unauthorized)?;
        if demo {
            on_loopback(parts)?;
        }
        same_origin(&parts.method, &parts.headers, &app.config.public_url())?;
        Ok(if demo { Self::Demo(value) } else { Self::Session(value) })
    }

    fn borne(bearer: &str, parts: &Parts, app: &App) -> Result<Self, ApiError> {
        if let Some(user) = bearer.strip_prefix("demo:").filter(|_| app.directory.is_some()) {
            on_loopback(parts)?;
            return Ok(Self::Demo(user.to_owned()));
        }
        if bearer.starts_with(LENT_PREFIX) {
            from_a_listed_site(&parts.headers, app)?;
            return Ok(Self::Lent(bearer.to_owned()));
        }
        if is_first_key(app, bearer) {
            return Ok(Self::Bootstrap);
        }
        let token = app.provider.is_some() && !bearer.starts_with(KEY_PREFIX);
        Ok(if token { Self::Token(bearer.to_owned()) } else { Self::Key(bearer.to_owned()) })
    }

    /// Asks the provider's keys about a token; everything else is a matter of the ledger alone.
    async fn verified(self, app: &App) -> Result<Self, ApiError> {
        match (self, &app.provider) {
            (Self::Token(token), Some(provider)) => {
                let settings = &provider.settings;
                let person = token::verify(provider, &token, &settings.audience).await?;
                Ok(Self::Verified { issuer: settings.issuer.clone(), person })
            }
            (other, _) => Ok(other),
        }
    }
}

/// Turns a credential into a caller, as they stand at this moment.
fn identify(app: &App, credential: Credential) -> Result<Caller, ApiError> {
    match credential {
        Credential::Bootstrap => Ok(Caller {
            actor: nobody("key:bootstrap".to_owned(), true),
            reader: None,
            auditor: true,
            pushes_to: None,
            lends: None,
            stopped: None,
        }),
        Credential::Key(key) => by_key(app, key_with(app, &hash_of_key(&key))?),
        Credential::Token(_) => Err(ApiError::unauthorized()),
        Credential::Verified { issuer, person } => {
            app.ledger.recognise(&issuer, &person.subject, &person.user)?;
            signed_in(app, &person.user, &person.groups)
        }
        Credential::Session(value) => {
            let session = app.ledger.session(&hash_of_key(&value))?;
            let session = session.ok_or_else(ApiError::unauthorized)?;
            match session.proof {
                None => signed_in(app, &session.user, &session.groups),
                Some(proof) if signin::is_by_first_key(app, &value, &proof) => {
                    identify(app, Credential::Bootstrap)
                }
                Some(hash) => by_key(app, key_with(app, &hash)?),
            }
        }
        Credential::Lent(token) => {
            let user = app.ledger.lent(&hash_of_key(&token))?.ok_or_else(ApiError::unauthorized)?;
            let mut caller = person_with(app, standing(app, &user, &[])?, [false, false]);
            // Whoever holds it reads as this person, and decides nothing in their name.
            caller.actor.principals.clear();
            Ok(caller)
        }
        Credential::Demo(user) => {
            let directory = app.directory.as_ref().ok_or_else(ApiError::unauthorized)?;
            let person = directory.find(&app.ledger, &user)?.ok_or_else(ApiError::unauthorized)?;
            let standing = standing(app, &person.user, &[])?;
            let roles = [Role::Administrator, Role::Auditor].map(|role| demo::has(&person, role));
            Ok(person_with(app, standing, roles))
        }
    }
}

/// Somebody whom the identity provider knows. Their roles come from the settings.
fn signed_in(app: &App, user: &str, groups: &[String]) -> Result<Caller, ApiError> {
    let standing = standing(app, user, groups)?;
    let roles = &app.config.auth.roles;
    let is = |named: &BTreeSet<Principal>| !named.is_disjoint(&standing.principals);
    let roles = [is(&roles.administrators), is(&roles.auditors)];
    Ok(person_with(app, standing, roles))
}

fn person_with(app: &App, standing: Standing, [administrator, auditor]: [bool; 2]) -> Caller {
    let name = standing.reader.principal().to_string();
    Caller {
        actor: Actor { name, principals: standing.principals, administrator },
        stopped: standing.stopped.then(|| whom_to_ask(app)),
        reader: Some(standing.reader),
        auditor,
        pushes_to: None,
        lends: None,
    }
}

/// Whether this is the first administrator's key.
fn is_first_key(app: &App, text: &str) -> bool {
    let first = app.bootstrap_key.as_ref();
    first.is_some_and(|key| key.as_bytes().ct_eq(text.as_bytes()).into())
}

/// The key with this hash, if it counts now.
fn key_with(app: &App, hash: &str) -> Result<KeyInfo, ApiError> {
    app.ledger.use_key(hash)?.ok_or_else(ApiError::unauthorized)
}

/// Somebody with a key, who has what the key was given and nothing else.
fn by_key(app: &App, key: KeyInfo) -> Result<Caller, ApiError> {
    let standing = key.user.as_ref().map(|user| standing(app, user, &[])).transpose()?;
    let administrator = key.role == KeyRole::Administrator;
    let mut caller = match standing {
        Some(standing) => person_with(app, standing, [administrator, false]),
        None => Caller {
            actor: nobody(format!("key:{}", key.name), administrator),
            reader: None,
            auditor: false,
            pushes_to: None,
            lends: None,
            stopped: None,
        },
    };
    if key.role == KeyRole::Pusher {
        // The person behind a pusher's key gets no principal from it, only the blame: what they
        // pushed they don't approve.
        caller.reader = None;
        caller.actor.principals.clear();
    }
    caller.lends = (key.role == KeyRole::Widget).then_some(key.id);
    caller.auditor = key.role == KeyRole::Auditor;
    caller.pushes_to = (key.role == KeyRole::Pusher).then_some(key.sources);
    Ok(caller)
}

/// How a person stands, unless they are blocked.
fn standing(app: &App, user: &str, groups: &[String]) -> Result<Standing, ApiError> {
    let standing = app.ledger.standing(user, groups)?;
    if standing.blocked { Err(blocked()) } else { Ok(standing) }
}

/// The one answer to a blocked person. Why is for those who administer.
fn blocked() -> ApiError {
    let mut error = ApiError::forbidden("you are blocked", "ask an administrator");
    "blocked".clone_into(&mut error.code);
    error
}

fn whom_to_ask(app: &App) -> String {
    match &app.config.sources.contact {
        Some(contact) => format!("try again later, or ask {contact}"),
        None => "try again later, or ask an administrator".to_owned(),
    }
}

fn nobody(name: String, administrator: bool) -> Actor {
    Actor { name, principals: BTreeSet::new(), administrator }
}

/// Whom a call is meant for, percent-encoded, where whoever sends it says so: a header, or for a form,
/// which can send none, the parameter `as` of its address.
pub(crate) const READER: &str = "vouch-reader";

/// A page says with each call for whom it shows the answer, or in whose name it acts. When somebody else
/// has signed in meanwhile with the same browser, the call is refused: nothing of theirs gets onto the
/// first one's screen, and nothing is done in their name.
fn is_meant(parts: &Parts, caller: &str) -> Result<(), ApiError> {
    let query = parts.uri.query().filter(|_| parts.method == Method::POST).unwrap_or_default();
    let acts = query.split('&').find_map(|pair| pair.strip_prefix("as=")).map(str::as_bytes);
    let Some(meant) = parts.headers.get(READER).map(HeaderValue::as_bytes).or(acts) else {
        return Ok(());
    };
    if percent_decode(meant).decode_utf8_lossy() == caller {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::CONFLICT,
        "another_person",
        "somebody else is signed in now",
        "load the page anew; a program asks `GET /v1/me` who it is, and shows nothing of the person before",
    ))
}

/// A token for the widget counts on Vouch's own pages and on those of listed sites. Browsers name the
/// page that calls; what names none is no page of another site.
fn from_a_listed_site(headers: &HeaderMap, app: &App) -> Result<(), ApiError> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let listed = app.config.server.origins.iter().any(|one| origin == one.as_str());
    if listed { Ok(()) } else { same_origin(&Method::POST, headers, &app.config.public_url()) }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The form in which a key or a session's cookie is stored. Both are random and long, so one round of a
/// hash suffices.
#[must_use]
pub fn hash_of_key(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()))
}

/// 256 random bits, for keys and cookies.
///
/// # Errors
/// The system has no randomness to give.
pub(crate) fn random() -> Result<String, ApiError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the system gave no random bytes: {error}"))?;
    Ok(hex::encode(bytes))
}
