//! The identity provider: its addresses and its keys, found by OpenID Connect discovery.
//!
//! Keys are kept in memory and fetched again when they grow old, or when a token names one that is
//! not among them. Whatever callers send, there is at most one fetch in each cool-down, all who wait
//! share it, and an id that a fetch did not bring is not asked for again for a while. While the
//! provider is down the keys go on, until they are too old; then no token counts.
//!
//! A key is pinned to one algorithm when it is read. A token never chooses how it is checked.

mod look;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use reqwest::Url;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use self::look::Look;
use super::token::BadToken;
use crate::config::{Oidc, read_url_if_set};
use crate::http::ApiError;
use crate::outbound;

/// How long one request to the provider may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most that is read of one answer.
const ANSWER_BYTES: usize = 1024 * 1024;
/// The most keys that are taken from one answer.
const KEYS: usize = 100;
/// Keys of this age are fetched again, while they go on counting.
const REFRESH: Duration = Duration::from_secs(600);
/// How long an id that the provider does not have is remembered, and how many.
const ABSENT: Duration = Duration::from_secs(300);
const ABSENT_IDS: usize = 1_000;
/// The shortest RSA modulus, in bytes.
const RSA_BYTES: usize = 256;

/// What discovery says of the provider.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    #[serde(deserialize_with = "read_url_if_set")]
    jwks_uri: Option<Url>,
    /// Where a browser signs in.
    #[serde(default, deserialize_with = "read_url_if_set")]
    pub(super) authorization_endpoint: Option<Url>,
    /// Where a code becomes a token.
    #[serde(default, deserialize_with = "read_url_if_set")]
    pub(super) token_endpoint: Option<Url>,
}

/// One key with the one algorithm that it is used with.
pub(super) struct Key {
    id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
}

/// What was fetched together.
pub(super) struct Seen {
    pub(super) metadata: Metadata,
    keys: Vec<Arc<Key>>,
    at: Instant,
}

/// The provider of the settings.
pub struct Provider {
    pub(super) settings: Oidc,
    http: reqwest::Client,
    seen: RwLock<Option<Arc<Seen>>>,
    attempts: tokio::sync::Mutex<Attempts>,
}

/// When the provider was asked last, and the ids that it did not have.
#[derive(Default)]
struct Attempts {
    last: Option<Instant>,
    absent: HashMap<String, Instant>,
}

impl Provider {
    /// A provider that was not asked yet: Vouch starts also while it is down.
    ///
    /// # Errors
    /// The HTTP client can't be set up.
    pub fn new(settings: &Oidc) -> Result<Arc<Self>> {
        let issuer = settings.issuer().context("the identity provider has no address")?;
        let http = outbound::client(&issuer).timeout(PATIENCE);
        Ok(Arc::new(Self {
            settings: settings.clone(),
            http: http.build().context("can't set up the HTTP client")?,
            seen: RwLock::default(),
            attempts: tokio::sync::Mutex::default(),
        }))
    }

    /// The key for a token that names this id and this algorithm.
    pub(super) async fn key(
        self: &Arc<Self>,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Arc<Key>, ApiError> {
        if let Some(seen) = self.seen() {
            match seen.choose(id, algorithm) {
                Err(BadToken::UnknownKey) => {}
                chosen => {
                    if seen.at.elapsed() > REFRESH.min(self.settings.keys_max_age / 2) {
                        // Nobody waits for it, and a failure is in the log.
                        drop(self.refresh(None));
                    }
                    return Ok(chosen?);
                }
            }
        }
        self.refreshed(id).await?;
        Ok(self.seen().ok_or_else(unavailable)?.choose(id, algorithm)?)
    }

    /// The provider's addresses.
    pub(super) async fn metadata(self: &Arc<Self>) -> Result<Metadata, ApiError> {
        if self.seen().is_none() {
            self.refreshed(None).await?;
        }
        Ok(self.seen().ok_or_else(unavailable)?.metadata.clone())
    }

    /// Sends a form and reads the JSON answer.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        to: &Url,
        form: &[(&str, &str)],
        secret: Option<&str>,
    ) -> Result<T> {
        let mut request = self.http.post(to.clone()).form(form);
        if let Some(secret) = secret {
            request = request.basic_auth(encoded(&self.settings.client_id), Some(encoded(secret)));
        }
        read(request.send().await?).await
    }

    /// What was fetched last, unless it is too old to count.
    fn seen(&self) -> Option<Arc<Seen>> {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner).clone();
        seen.filter(|seen| seen.at.elapsed() <= self.settings.keys_max_age)
    }

    async fn refreshed(self: &Arc<Self>, id: Option<&str>) -> Result<(), ApiError> {
        let done = self.refresh(id.map(str::to_owned)).await;
        done.map_err(|error| ApiError::from(anyhow::Error::new(error)))
    }

    /// Asks the provider in a task of its own: a caller who hangs up in the middle of it must not
    /// use up the cool-down for everybody else.
    fn refresh(self: &Arc<Self>, id: Option<String>) -> tokio::task::JoinHandle<()> {
        let provider = Arc::clone(self);
        let before = self.seen().map(|seen| seen.at);
        tokio::spawn(async move { provider.ask(id, before).await })
    }

    async fn ask(&self, id: Option<String>, before: Option<Instant>) {
        let mut attempts = self.attempts.lock().await;
        // Whoever held the lock before may have brought what is wanted, or have just failed.
        let newer = self.seen().map(|seen| seen.at) != before;
        let cooling =
            attempts.last.is_some_and(|last| last.elapsed() < self.settings.keys_cooldown);
        attempts.absent.retain(|_, at| at.elapsed() < ABSENT);
        let absent = id.as_ref().is_some_and(|id| attempts.absent.contains_key(id));
        if newer || cooling || absent {
            return;
        }
        attempts.last = Some(Instant::now());
        match self.fetch().await {
            Ok(seen) => {
                if let Some(id) = id
                    && !seen.keys.iter().any(|key| key.id.as_ref() == Some(&id))
                    && attempts.absent.len() < ABSENT_IDS
                {
                    attempts.absent.insert(id, Instant::now());
                }
                *self.seen.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(seen));
            }
            Err(error) => tracing::warn!("the identity provider's keys can't be had: {error:#}"),
        }
    }

    async fn fetch(&self) -> Result<Seen, Unusable> {
        self.seen_from(self.discover().await?).await
    }

    /// Asks for the provider's description.
    async fn discover(&self) -> Result<reqwest::Response, Unusable> {
        let issuer = self.settings.issuer.trim_end_matches('/');
        let address = format!("{issuer}/.well-known/openid-configuration");
        let asked = self.http.get(&address).send().await;
        asked.map_err(|error| Unusable::Discovery(address, error.into()))
    }

    /// Reads the provider's description and fetches the keys that it names.
    async fn seen_from(&self, described: reqwest::Response) -> Result<Seen, Unusable> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let address = described.url().to_string();
        let metadata: Metadata =
            read(described).await.map_err(|error| Unusable::Discovery(address, error))?;
        if metadata.issuer != self.settings.issuer {
            return Err(Unusable::Issuer(metadata.issuer));
        }
        let (signs, tokens) = (&metadata.authorization_endpoint, &metadata.token_endpoint);
        let addresses = [&metadata.jwks_uri, signs, tokens];
        if let Some(open) = addresses.into_iter().flatten().find(|url| !is_private(url)) {
            return Err(Unusable::Open(open.clone()));
        }
        let at = metadata.jwks_uri.clone().ok_or(Unusable::NoKeySet)?;
        let unread = |error| Unusable::KeySet(at.clone(), error);
        let asked = self.http.get(at.clone()).send().await.map_err(|error| unread(error.into()))?;
        let set: Set = read(asked).await.map_err(unread)?;
        let keys: Vec<_> =
            set.keys.iter().take(KEYS).filter_map(Key::pinned).map(Arc::new).collect();
        if keys.is_empty() {
            return Err(Unusable::NoKey(at));
        }
        Ok(Seen { metadata, keys, at: Instant::now() })
    }
}

/// Why the provider's addresses and keys can't be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("discovery at {0} failed: {1:#}")]
    Discovery(String, anyhow::Error),
    #[error("discovery names another issuer: {0}")]
    Issuer(String),
    #[error("discovery names {0}, which is not https")]
    Open(Url),
    #[error("discovery names no key set")]
    NoKeySet,
    #[error("the key set at {0} can't be had: {1:#}")]
    KeySet(Url, anyhow::Error),
    #[error("the key set at {0} holds no key that can check a signature")]
    NoKey(Url),
}

impl Seen {
    /// The one key that a token's header can mean.
    fn choose(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Arc<Key>, BadToken> {
        let mut named = self.keys.iter().filter(|key| match id {
            Some(id) => key.id.as_deref() == Some(id),
            // Without an id only a provider with a single key is clear.
            None => self.keys.len() == 1,
        });
        let Some(first) = named.next() else {
            return Err(if id.is_some() { BadToken::UnknownKey } else { BadToken::NoKeyNamed });
        };
        let fitting = std::iter::once(first).chain(named).find(|key| key.algorithm == algorithm);
        fitting.cloned().ok_or(BadToken::Algorithm)
    }
}

impl Key {
    /// A key of the set with the algorithm that it is used with; none where it is for something else,
    /// symmetric, too weak, or not understood.
    fn pinned(value: &Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
        let about = &jwk.common;
        let signs = about.public_key_use.as_ref().is_none_or(|u| *u == PublicKeyUse::Signature);
        let operations = about.key_operations.as_ref();
        if !signs || operations.is_some_and(|all| !all.contains(&KeyOperations::Verify)) {
            return None;
        }
        let named = about.key_algorithm;
        let algorithm = if let AlgorithmParameters::RSA(rsa) = &jwk.algorithm {
            let modulus = URL_SAFE_NO_PAD.decode(&rsa.n).ok()?;
            let bytes = modulus.len() - modulus.iter().take_while(|byte| **byte == 0).count();
            (bytes >= RSA_BYTES).then(|| rsa_algorithm(named)).flatten()?
        } else if let AlgorithmParameters::EllipticCurve(curve) = &jwk.algorithm {
            pinned_to(named, curve_algorithm(&curve.curve)?)?
        } else if let AlgorithmParameters::OctetKeyPair(pair) = &jwk.algorithm {
            // The library takes the first 32 bytes, and panics where there are fewer.
            (URL_SAFE_NO_PAD.decode(&pair.x).ok()?.len() == 32).then_some(())?;
            pinned_to(named, curve_algorithm(&pair.curve)?)?
        } else {
            return None;
        };
        let decoding = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self { id: about.key_id.clone(), algorithm, decoding })
    }
}

/// An RSA key can serve several algorithms; where the set does not say which, it is RS256.
fn rsa_algorithm(named: Option<KeyAlgorithm>) -> Option<Algorithm> {
    const KNOWN: [Algorithm; 6] = [
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
    ];
    let Some(named) = named else { return Some(Algorithm::RS256) };
    KNOWN.into_iter().find(|known| KeyAlgorithm::from(*known) == named)
}

/// A curve has one algorithm.
fn curve_algorithm(curve: &EllipticCurve) -> Option<Algorithm> {
    let known = [
        (EllipticCurve::P256, Algorithm::ES256),
        (EllipticCurve::P384, Algorithm::ES384),
        (EllipticCurve::Ed25519, Algorithm::EdDSA),
    ];
    known.into_iter().find(|(known, _)| known == curve).map(|(_, algorithm)| algorithm)
}

fn pinned_to(named: Option<KeyAlgorithm>, only: Algorithm) -> Option<Algorithm> {
    named.is_none_or(|named| named == KeyAlgorithm::from(only)).then_some(only)
}

/// Whether nobody else can read or change what goes there: https, or this machine.
pub(crate) fn is_private(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    url.scheme() == "https" || (url.scheme() == "http" && here)
}

/// The JSON of a successful answer of bounded length.
async fn read<T: DeserializeOwned>(response: reqwest::Response) -> Result<T> {
    let status = response.status();
    let bytes = outbound::bytes(response, ANSWER_BYTES).await?;
    if status != reqwest::StatusCode::OK {
        bail!("the answer is {status}");
    }
    serde_json::from_slice(&bytes).context("the answer is not what it should be")
}

/// Client id and secret are form-encoded before they become a user and a password (RFC 6749, 2.3.1).
fn encoded(text: &str) -> String {
    let mut url = Url::parse("form:").expect("a scheme alone is an address");
    url.query_pairs_mut().append_key_only(text);
    url.query().unwrap_or_default().to_owned()
}

fn unavailable() -> ApiError {
    ApiError::unavailable(
        "no_identity_provider",
        "the identity provider can't be reached, so nobody can be recognised",
        "try again in a moment; if it stays so, tell an administrator",
    )
}
