//! Signing in with a browser: OpenID Connect's authorization code flow with PKCE, and by an API key.
//!
//! What must come back to the same browser (state, nonce, verifier, and where to go) waits in a cookie
//! of ten minutes that scripts can't read, so the server remembers nothing for strangers. What is kept
//! after that is a session under the hash of a random cookie, never a token.
//!
//! A session ends with the groups that came with it. Then the page goes through the provider once
//! more, where the person is still signed in, and comes back with the groups of that moment. A session
//! that a key opened is that key, looked up anew for each call: it has its role, and ends with it.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use vouch_index::ledger::{Session, now};

use super::browser::{SESSION_COOKIE, cookie, set_cookie};
use super::provider::{Provider, is_private};
use super::token::{self, BadToken};
use super::{Credential, blocked, hash_of_key, identify, is_first_key, random};
use crate::app::App;
use crate::http::ApiError;

/// The cookie of a sign-in that has begun.
const PENDING_COOKIE: &str = "__Host-vouch-signin";
/// Stands for this server where a path is looked at.
const HERE: &str = "http://here.invalid";
/// How long the provider may take, in seconds.
const PENDING: i64 = 600;
/// How long a session lasts that a key opened, in seconds, if the key does.
const BY_KEY: i64 = 8 * 3600;
/// The longest address to come back to: it must fit into a cookie.
const BACK_BYTES: usize = 1_000;
/// Where the provider sends the browser.
pub(crate) const CALLBACK: &str = "/signin/callback";

/// Where the browser goes next, and the cookies that it takes along.
pub(crate) struct Going {
    /// The address.
    pub(crate) to: String,
    /// `Set-Cookie` headers.
    pub(crate) cookies: Vec<String>,
}

/// What the provider sends back.
#[derive(Deserialize)]
pub(crate) struct Returned {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// What waits in the browser while the person is at the provider.
struct Pending {
    state: String,
    nonce: String,
    verifier: String,
    back: String,
}

/// Whether browsers can sign in here: everywhere but in the demo, where people are played.
pub(crate) fn is_offered(app: &App) -> bool {
    app.directory.is_none()
}

/// Whether they can through an identity provider.
pub(crate) fn by_provider(app: &App) -> bool {
    app.provider.as_ref().is_some_and(|provider| !provider.settings.client_id.is_empty())
}

/// Where a browser signs in that is to come back to this page.
pub(crate) fn address(back: &str) -> String {
    let mut url = Url::parse(HERE).expect("a fixed address");
    url.set_path("/signin");
    url.query_pairs_mut().append_pair("back", back);
    url.as_str().strip_prefix(HERE).unwrap_or("/signin").to_owned()
}

/// Sends a browser to the provider. It will come back to `back`, if that is a page of this server.
pub(crate) async fn begin(
    app: &App,
    headers: &HeaderMap,
    back: Option<&str>,
) -> Result<Going, ApiError> {
    let provider = offered(app)?;
    let back = local(back.unwrap_or("/"));
    if let Some(name) = other_name(app, headers) {
        return Ok(Going { to: format!("{name}{}", address(&back)), cookies: Vec::new() });
    }
    let metadata = provider.metadata().await?;
    let mut to = metadata.authorization_endpoint.ok_or_else(no_browsers)?;
    let pending = Pending { state: random()?, nonce: random()?, verifier: random()?, back };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(pending.verifier.as_bytes()));
    to.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &provider.settings.client_id)
        .append_pair("redirect_uri", &redirect_uri(app))
        .append_pair("scope", &provider.settings.scopes.join(" "))
        .append_pair("state", &pending.state)
        .append_pair("nonce", &pending.nonce)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256");
    let cookies = vec![set_cookie(PENDING_COOKIE, &pending.written(), PENDING)];
    Ok(Going { to: to.into(), cookies })
}

/// Turns what the provider sent back into a session.
pub(crate) async fn finish(
    app: &Arc<App>,
    headers: &HeaderMap,
    returned: Returned,
) -> Result<Going, ApiError> {
    let provider = offered(app)?;
    let pending = cookie(headers, PENDING_COOKIE).and_then(|text| Pending::read(&text));
    let pending = pending.ok_or_else(stale)?;
    let state = returned.state.unwrap_or_default();
    if !same(&state, &pending.state) {
        return Err(stale());
    }
    if returned.iss.is_some_and(|issuer| issuer != provider.settings.issuer) {
        return Err(BadToken::Issuer.into());
    }
    let code = match (returned.code, returned.error) {
        (Some(code), None) => code,
        _ => return Err(not_signed_in()),
    };
    let id_token = exchange(app, provider, &code, &pending.verifier).await?;
    let client = provider.settings.client_id.clone();
    let person = token::verify(provider, &id_token, &client).await?;
    if !person.nonce.as_ref().is_some_and(|nonce| same(nonce, &pending.nonce)) {
        return Err(BadToken::Nonce.into());
    }
    let seconds = person.groups_until - now();
    if seconds <= 0 {
        return Err(BadToken::Expired.into());
    }
    let value = random()?;
    let hash = hash_of_key(&value);
    let issuer = provider.settings.issuer.clone();
    app.blocking(move |app| {
        app.ledger.recognise(&issuer, &person.subject, &person.user)?;
        if app.ledger.blocked(&person.user)?.is_some() {
            return Err(blocked());
        }
        let session = Session {
            user: person.user,
            groups: person.groups,
            expires_at: person.groups_until,
            proof: None,
        };
        Ok(app.ledger.open_session(&hash, &session)?)
    })
    .await?;
    let cookies =
        vec![set_cookie(SESSION_COOKIE, &value, seconds), set_cookie(PENDING_COOKIE, "", 0)];
    Ok(Going { to: pending.back, cookies })
}

/// Opens a session by an API key. Keys of programs, which push or lend, open none. Why something opens none
/// is not said, except to whom it concerns: somebody who is blocked.
pub(crate) async fn by_key(
    app: &Arc<App>,
    key: &str,
    back: Option<&str>,
) -> Result<Going, ApiError> {
    let value = random()?;
    let (key, cookie) = (key.trim().to_owned(), value.clone());
    let reads = app
        .blocking(move |app| {
            let (proof, credential) = if is_first_key(app, &key) {
                (proof_of_first_key(&cookie, &key), Credential::Bootstrap)
            } else {
                (hash_of_key(&key), Credential::Key(key))
            };
            let caller = identify(app, credential)?;
            if caller.pushes_to.is_some() || caller.lends.is_some() {
                return Err(ApiError::unauthorized());
            }
            let person = caller.reader.map(|reader| reader.principal().to_string());
            let user = person.as_ref().and_then(|person| person.strip_prefix("user:"));
            let session = Session {
                user: user.unwrap_or_default().to_owned(),
                groups: Vec::new(),
                expires_at: now() + BY_KEY,
                proof: Some(proof),
            };
            app.ledger.open_session_by_key(&hash_of_key(&cookie), &session, &caller.actor)?;
            Ok::<_, ApiError>(person.is_some())
        })
        .await?;
    // Who is no reader begins where there is something to do.
    let start = if reads { "/" } else { "/admin" };
    let to = local(back.filter(|back| *back != "/").unwrap_or(start));
    Ok(Going { to, cookies: vec![set_cookie(SESSION_COOKIE, &value, BY_KEY)] })
}

/// Whether a session was opened by the first administrator's key as it is now. The ledger holds nothing from
/// which that key could be guessed without the browser's cookie: a person may have chosen it.
pub(super) fn is_by_first_key(app: &App, cookie: &str, proof: &str) -> bool {
    let key = app.bootstrap_key.as_ref();
    key.is_some_and(|key| same(proof, &proof_of_first_key(cookie, key)))
}

fn proof_of_first_key(cookie: &str, key: &str) -> String {
    hash_of_key(&format!("{cookie} {key}"))
}

/// Ends the browser's session. The provider's own goes on.
pub(crate) async fn end(app: &Arc<App>, headers: &HeaderMap) -> Result<String, ApiError> {
    if let Some(value) = cookie(headers, SESSION_COOKIE) {
        app.blocking(move |app| app.ledger.close_session(&hash_of_key(&value))).await?;
    }
    Ok(set_cookie(SESSION_COOKIE, "", 0))
}

/// Under which name the provider will send the browser back, where a browser on this machine uses another
/// one, such as `localhost` for `127.0.0.1`: a cookie belongs to one of them alone.
fn other_name(app: &App, headers: &HeaderMap) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let (used, known) = (format!("http://{host}"), app.config.public_url());
    let (used, public) = (used.parse::<Url>().ok()?, known.parse::<Url>().ok()?);
    let both_here = [&used, &public].iter().all(|url| url.scheme() == "http" && is_private(url));
    let other = used.host() != public.host() && used.port() == public.port();
    (both_here && other).then_some(known)
}

/// Hands the code in and gets the token that says who signed in.
async fn exchange(
    app: &App,
    provider: &Arc<Provider>,
    code: &str,
    verifier: &str,
) -> Result<String, ApiError> {
    #[derive(Deserialize)]
    struct Tokens {
        id_token: String,
    }
    let to = provider.metadata().await?.token_endpoint.ok_or_else(no_browsers)?;
    let settings = &provider.settings;
    let secret = settings.client_secret()?;
    let redirect_uri = redirect_uri(app);
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri.as_str()),
        ("code_verifier", verifier),
    ];
    if secret.is_none() {
        form.push(("client_id", settings.client_id.as_str()));
    }
    let tokens: Tokens = provider.post(&to, &form, secret.as_deref()).await.map_err(|error| {
        tracing::warn!("the identity provider gave no token for a code: {error:#}");
        not_signed_in()
    })?;
    Ok(tokens.id_token)
}

impl Pending {
    fn written(&self) -> String {
        let back = hex::encode(&self.back);
        [&self.state, &self.nonce, &self.verifier, &back].map(String::as_str).join(".")
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(str::to_owned);
        let (state, nonce, verifier) = (parts.next()?, parts.next()?, parts.next()?);
        let back = String::from_utf8(hex::decode(parts.next()?).ok()?).ok()?;
        let whole = [&state, &nonce, &verifier].iter().all(|part| part.len() == 64);
        (whole && parts.next().is_none()).then(|| Self {
            state,
            nonce,
            verifier,
            back: local(&back),
        })
    }
}

/// A path of this server, or the start page. Whatever a browser could take for another host is none.
fn local(back: &str) -> String {
    let base = Url::parse(HERE).expect("a fixed address");
    let plain = back.starts_with('/')
        && back.len() <= BACK_BYTES
        && !back.contains(|c: char| c == '\\' || c.is_control());
    let joined = base.join(back).ok().filter(|url| plain && url.origin() == base.origin());
    // As it was parsed, so that what is sent is what was looked at.
    let path = joined.as_ref().and_then(|url| url.as_str().strip_prefix(HERE));
    path.filter(|path| !path.starts_with("//")).unwrap_or("/").to_owned()
}

fn redirect_uri(app: &App) -> String {
    format!("{}{CALLBACK}", app.config.public_url())
}

fn offered(app: &App) -> Result<&Arc<Provider>, ApiError> {
    let provider = app.provider.as_ref().filter(|_| by_provider(app));
    provider.ok_or_else(ApiError::not_found)
}

fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

fn stale() -> ApiError {
    ApiError::invalid(
        "signin_stale",
        "this sign-in was not begun in this browser, or too long ago",
        "go to /signin and begin again",
    )
}

fn not_signed_in() -> ApiError {
    let mut error = ApiError::unauthorized();
    "not_signed_in".clone_into(&mut error.code);
    "the identity provider did not sign you in".clone_into(&mut error.title);
    "go to /signin and try again; if it stays so, tell an administrator"
        .clone_into(&mut error.hint);
    error
}

fn no_browsers() -> ApiError {
    ApiError::unavailable(
        "no_browser_signin",
        "the identity provider offers no sign-in for browsers",
        "use a token or an API key; an administrator finds more in docs/sign-in.md",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_this_server_is_gone_back_to() {
        for (back, expected) in [
            ("/", "/"),
            (
                "/view/hr/leave.md?version=1&start=2#quote",
                "/view/hr/leave.md?version=1&start=2#quote",
            ),
            ("/?q=how+many", "/?q=how+many"),
            ("/a/../../b", "/b"),
            ("", "/"),
            ("view", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/\t/evil.example", "/"),
            ("/%2f/evil.example", "/%2f/evil.example"),
            ("/.//evil.example", "/"),
            ("/a/..//evil.example", "/"),
            ("https://evil.example/", "/"),
            ("javascript:alert(1)", "/"),
            ("/x\r\nSet-Cookie: a=b", "/"),
        ] {
            assert_eq!(local(back), expected, "{back:?}");
        }
        assert_eq!(local(&format!("/{}", "a".repeat(BACK_BYTES))), "/");
    }
}
