//! A made-up identity provider on a free port, with keys that are made when the tests run.
//!
//! It speaks what Vouch needs of OpenID Connect: discovery, keys, the authorization code flow with
//! PKCE. It counts what it is asked, and it can be told to misbehave.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::rand_core::OsRng;
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use vouch_index::ledger::now;

/// The client's name at the provider.
pub(crate) const CLIENT: &str = "vouch-web";

pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key with which tokens are signed.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) algorithm: Algorithm,
    encoding: EncodingKey,
    /// The private key, for signatures in other forms.
    pub(crate) der: Vec<u8>,
    /// The public key as a member of the key set.
    pub(crate) public: Value,
}

impl Key {
    pub(crate) fn rsa(id: &str, bits: usize) -> Self {
        let private = RsaPrivateKey::new(&mut OsRng, bits).expect("an RSA key");
        let der = private.to_pkcs1_der().expect("a form").as_bytes().to_vec();
        let (n, e) = (base64url(private.n().to_bytes_be()), base64url(private.e().to_bytes_be()));
        let public = json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": id, "n": n, "e": e});
        let encoding = EncodingKey::from_rsa_der(&der);
        Self { id: id.to_owned(), algorithm: Algorithm::RS256, encoding, der, public }
    }

    pub(crate) fn ec(id: &str) -> Self {
        let random = SystemRandom::new();
        let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let der = EcdsaKeyPair::generate_pkcs8(kind, &random).expect("a P-256 key");
        let der = der.as_ref().to_vec();
        let pair = EcdsaKeyPair::from_pkcs8(kind, &der, &random).expect("the same key");
        let point = pair.public_key().as_ref();
        let (x, y) = (base64url(&point[1..33]), base64url(&point[33..]));
        let public =
            json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": id, "x": x, "y": y});
        let encoding = EncodingKey::from_ec_der(&der);
        Self { id: id.to_owned(), algorithm: Algorithm::ES256, encoding, der, public }
    }

    pub(crate) fn ed(id: &str) -> Self {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("an Ed25519 key");
        let der = der.as_ref().to_vec();
        let pair = Ed25519KeyPair::from_pkcs8(&der).expect("the same key");
        let x = base64url(pair.public_key().as_ref());
        let public = json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": id, "x": x});
        let encoding = EncodingKey::from_ed_der(&der);
        Self { id: id.to_owned(), algorithm: Algorithm::EdDSA, encoding, der, public }
    }

    /// The same key under another name, described otherwise.
    pub(crate) fn described(&self, id: &str, changes: &Value) -> Self {
        let mut key = self.clone();
        id.clone_into(&mut key.id);
        key.public["kid"] = json!(id);
        for (name, value) in changes.as_object().expect("changes are an object") {
            key.public[name] = value.clone();
        }
        key
    }

    pub(crate) fn header(&self) -> Value {
        json!({"typ": "at+jwt", "alg": format!("{:?}", self.algorithm), "kid": self.id})
    }

    /// Signs exactly these texts with this algorithm of the key.
    pub(crate) fn sign_as(&self, algorithm: Algorithm, header: &str, claims: &[u8]) -> String {
        let message = format!("{}.{}", base64url(header), base64url(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.encoding, algorithm);
        format!("{message}.{}", signature.expect("a signature"))
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_as(self.algorithm, &header.to_string(), claims.to_string().as_bytes())
    }

    /// A sound token with these claims.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.sign(&self.header(), claims)
    }
}

/// One key of each kind for all tests of this process: RSA keys take a moment to find.
static KEYS: LazyLock<[Key; 3]> =
    LazyLock::new(|| [Key::rsa("rsa", 2048), Key::ec("ec"), Key::ed("ed")]);

/// What the provider does and has seen.
pub(crate) struct Behaviour {
    /// Its keys, as the set lists them.
    pub(crate) keys: Vec<Value>,
    /// The issuer that discovery names.
    pub(crate) named: String,
    /// Whether it answers with errors alone.
    pub(crate) down: bool,
    /// How many seconds its clock is ahead.
    pub(crate) ahead: i64,
    /// Spaces that follow the key set.
    pub(crate) padding: usize,
    /// How often the key set was asked for.
    pub(crate) fetches: usize,
    /// The claims of whoever signs in, besides those that belong to the flow.
    pub(crate) person: Value,
    /// What replaces claims of the next ID token.
    pub(crate) twist: Value,
    /// Whether it asks on a page of its own who signs in, as providers do.
    pub(crate) asks: bool,
    codes: HashMap<String, HashMap<String, String>>,
    issued: usize,
}

/// The running provider.
#[derive(Clone)]
pub(crate) struct Idp {
    pub(crate) issuer: String,
    pub(crate) rsa: Key,
    pub(crate) ec: Key,
    pub(crate) ed: Key,
    behaviour: Arc<Mutex<Behaviour>>,
    /// Holds the key set back while somebody has it.
    pub(crate) gate: Arc<tokio::sync::Mutex<()>>,
}

impl Idp {
    pub(crate) async fn start() -> Self {
        Self::called("127.0.0.1").await
    }

    /// A provider under this name of this machine. As `localhost` it is another site than Vouch.
    #[expect(clippy::disallowed_methods, reason = "a provider's routes are none of Vouch's")]
    pub(crate) async fn called(name: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let issuer = format!("http://{name}:{port}");
        let [rsa, ec, ed] = KEYS.clone();
        let behaviour = Behaviour {
            keys: [&rsa, &ec, &ed].map(|key| key.public.clone()).to_vec(),
            named: issuer.clone(),
            down: false,
            ahead: 0,
            padding: 0,
            fetches: 0,
            person: json!({}),
            twist: json!({}),
            asks: false,
            codes: HashMap::new(),
            issued: 0,
        };
        let behaviour = Arc::new(Mutex::new(behaviour));
        let idp = Self { issuer, rsa, ec, ed, behaviour, gate: Arc::default() };
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize).post(told_who))
            .route("/token", post(token))
            .with_state(idp.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.expect("it serves") });
        idp
    }

    pub(crate) fn behaviour(&self) -> MutexGuard<'_, Behaviour> {
        self.behaviour.lock().expect("no panic")
    }

    /// The claims of a sound token for `NAME@example.com`.
    pub(crate) fn claims(&self, name: &str) -> Value {
        json!({
            "iss": self.issuer, "sub": format!("subject-{name}"), "aud": "vouch",
            "iat": now(), "exp": now() + 300,
            "email": format!("{name}@example.com"), "email_verified": true,
        })
    }

    /// The claims of a sound token with changes; null takes one away.
    pub(crate) fn claims_but(&self, name: &str, changes: &Value) -> Value {
        let mut claims = self.claims(name);
        for (claim, value) in changes.as_object().expect("changes are an object") {
            claims[claim] = value.clone();
        }
        claims.as_object_mut().expect("claims are an object").retain(|_, value| !value.is_null());
        claims
    }

    /// A sound token of `NAME@example.com`.
    pub(crate) fn token(&self, name: &str) -> String {
        self.rsa.token(&self.claims(name))
    }
}

async fn discovery(State(idp): State<Idp>) -> Response {
    let (down, named, ahead) = {
        let behaviour = idp.behaviour();
        (behaviour.down, behaviour.named.clone(), behaviour.ahead)
    };
    if down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let at = |path: &str| format!("{}{path}", idp.issuer);
    let described = json!({
        "issuer": named, "jwks_uri": at("/keys"), "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
    });
    let date = jiff::Timestamp::from_second(now() + ahead).expect("a time");
    let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    ([(header::DATE, date)], Json(described)).into_response()
}

async fn keys(State(idp): State<Idp>) -> Response {
    idp.behaviour().fetches += 1;
    drop(idp.gate.lock().await);
    let behaviour = idp.behaviour();
    if behaviour.down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let padding = " ".repeat(behaviour.padding);
    let text = format!("{}{padding}", json!({ "keys": behaviour.keys }));
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// The person signs in at once, and the browser goes back with a code; or is asked first who it is.
async fn authorize(
    State(idp): State<Idp>,
    Query(asked): Query<HashMap<String, String>>,
) -> Result<Response, (StatusCode, String)> {
    const PAGE: &str = "<!doctype html><title>Sign in</title><h1>The provider</h1>\
        <form method=post><label>Name <input name=name></label> <button>Sign in</button></form>";
    if idp.behaviour().asks {
        return Ok(Html(PAGE).into_response());
    }
    Ok(sent_back(&idp, asked)?.into_response())
}

/// Somebody says on the provider's page who they are.
async fn told_who(
    State(idp): State<Idp>,
    Query(asked): Query<HashMap<String, String>>,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Redirect, (StatusCode, String)> {
    let claims = idp.claims(form.get("name").map_or("nobody", String::as_str));
    for claim in ["sub", "email"] {
        idp.behaviour().person[claim] = claims[claim].clone();
    }
    sent_back(&idp, asked)
}

fn sent_back(idp: &Idp, asked: HashMap<String, String>) -> Result<Redirect, (StatusCode, String)> {
    let refuse = |why: &str| (StatusCode::BAD_REQUEST, why.to_owned());
    let expected =
        [("response_type", "code"), ("client_id", CLIENT), ("code_challenge_method", "S256")];
    for (name, value) in expected {
        if asked.get(name).is_none_or(|given| given != value) {
            return Err(refuse(name));
        }
    }
    if !asked.get("scope").is_some_and(|scope| scope.split(' ').any(|one| one == "openid")) {
        return Err(refuse("scope"));
    }
    let back = asked.get("redirect_uri").ok_or_else(|| refuse("redirect_uri"))?;
    let mut back: reqwest::Url = back.parse().map_err(|_| refuse("redirect_uri"))?;
    let mut behaviour = idp.behaviour();
    behaviour.issued += 1;
    let code = format!("code-{}", behaviour.issued);
    back.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", asked.get("state").map_or("", String::as_str))
        .append_pair("iss", &idp.issuer);
    behaviour.codes.insert(code, asked);
    Ok(Redirect::to(back.as_str()))
}

/// A code becomes a token once, for whoever knows the verifier.
async fn token(
    State(idp): State<Idp>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Json<Value>, (StatusCode, Json<Value>)> {
    let refuse = |why: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": why})));
    let mut behaviour = idp.behaviour();
    let text = |name: &str| form.get(name).cloned().unwrap_or_default();
    let asked = behaviour.codes.remove(&text("code")).ok_or_else(|| refuse("invalid_grant"))?;
    let client = text("client_id") == CLIENT || headers.contains_key(header::AUTHORIZATION);
    if text("grant_type") != "authorization_code" || !client {
        return Err(refuse("invalid_request"));
    }
    let challenge = base64url(Sha256::digest(text("code_verifier")));
    if challenge != asked["code_challenge"] || text("redirect_uri") != asked["redirect_uri"] {
        return Err(refuse("invalid_grant"));
    }
    let mut claims = idp.claims("nobody");
    claims["aud"] = json!(CLIENT);
    claims["nonce"] = json!(asked["nonce"]);
    for changes in [&behaviour.person, &behaviour.twist] {
        for (claim, value) in changes.as_object().expect("claims are an object") {
            claims[claim] = value.clone();
        }
    }
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": idp.rsa.id});
    let token = idp.rsa.sign(&header, &claims);
    Ok(Json(json!({"token_type": "Bearer", "access_token": "opaque", "id_token": token})))
}
