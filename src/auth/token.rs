//! One token of the identity provider, checked.
//!
//! The order is that of trust: first the header, which only chooses a key; then the signature; and
//! only then is anything that the token says believed. Issuer, audience, expiry and subject must be
//! there with the right JSON types. A claim of another type than it should have is no claim.

use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Header, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};
use vouch_index::ledger::now;

use super::provider::Provider;
use crate::config::Oidc;
use crate::http::ApiError;

/// The longest token. One with a thousand groups still fits.
const TOKEN_BYTES: usize = 64 * 1024;
/// How far the provider's clock may be ahead of ours, in seconds.
pub(super) const LEEWAY: i64 = 60;
/// A token that lives longer than a week is no sign-in, and one that lives for ever is a mistake.
const LONGEST_LIFE: i64 = 7 * 24 * 3600;
/// The longest name of a user, and the longest subject.
const NAME_BYTES: usize = 320;
/// What a token may call itself (RFC 7519, RFC 9068).
const KINDS: [&str; 4] = ["jwt", "at+jwt", "application/jwt", "application/at+jwt"];

/// Why a token does not count. No message holds anything out of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadToken {
    #[error("it is too long")]
    TooLong,
    #[error("it is not a signed token of three parts")]
    Malformed,
    #[error("its header asks for something that is not supported")]
    Header,
    #[error("its key is not one of the provider's")]
    UnknownKey,
    #[error("it names no key, and the provider has several")]
    NoKeyNamed,
    #[error("its algorithm is not that of its key")]
    Algorithm,
    #[error("its signature is not that of its key")]
    Signature,
    #[error("a claim is missing, or of another type than it should be")]
    Claims,
    #[error("another issuer made it")]
    Issuer,
    #[error("it was made for another audience")]
    Audience,
    #[error("it has expired")]
    Expired,
    #[error("its time has not come yet")]
    TooEarly,
    #[error("it would count for too long")]
    TooLate,
    #[error("the e-mail in it is not verified")]
    Unverified,
    #[error("it names no user")]
    User,
    #[error("it answers another sign-in")]
    Nonce,
}

impl BadToken {
    fn code(self) -> &'static str {
        if self == Self::Expired {
            "token_expired"
        } else if self == Self::Unverified {
            "email_unverified"
        } else {
            "bad_token"
        }
    }
}

impl From<BadToken> for ApiError {
    fn from(bad: BadToken) -> Self {
        let hint = "sign in again; if it stays so, show this to an administrator";
        let mut error = Self::unauthorized();
        bad.code().clone_into(&mut error.code);
        error.title = format!("this token does not count: {bad}");
        hint.clone_into(&mut error.hint);
        error
    }
}

/// Whom a token stands for.
#[derive(Clone, Debug)]
pub(super) struct Verified {
    /// The provider's own name for the account.
    pub(super) subject: String,
    /// The user, without `user:`.
    pub(super) user: String,
    /// The groups that count now.
    pub(super) groups: Vec<String>,
    /// Until when the groups count, in seconds since 1970.
    pub(super) groups_until: i64,
    /// What ties the token to one sign-in.
    pub(super) nonce: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    iat: Option<i64>,
    nbf: Option<i64>,
    azp: Option<String>,
    nonce: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Checks a token that was made for this audience.
pub(super) async fn verify(
    provider: &Arc<Provider>,
    token: &str,
    audience: &str,
) -> Result<Verified, ApiError> {
    if token.len() > TOKEN_BYTES {
        return Err(BadToken::TooLong.into());
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| BadToken::Malformed)?;
    check_header(&header)?;
    let key = provider.key(header.kid.as_deref(), header.alg).await?;
    let mut validation = Validation::new(key.algorithm);
    validation.set_issuer(&[&provider.settings.issuer]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.validate_nbf = true;
    validation.leeway = LEEWAY.unsigned_abs();
    let claims = jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation)
        .map_err(|error| reason(error.kind()))?
        .claims;
    let settings = &provider.settings;
    check_times(&claims)?;
    if claims.iss != settings.issuer {
        return Err(BadToken::Issuer.into());
    }
    check_audience(&claims, audience)?;
    if !is_name(&claims.sub) {
        return Err(BadToken::Claims.into());
    }
    let user = user(&claims, settings)?;
    // Without a date of issue nobody can tell how old the groups are.
    let age = i64::try_from(settings.max_token_age.as_secs()).unwrap_or(i64::MAX);
    let groups_until = claims.iat.map_or(0, |iat| iat.saturating_add(age).min(claims.exp));
    let groups = if groups_until > now() { groups(&claims, settings) } else { Vec::new() };
    Ok(Verified { subject: claims.sub, user, groups, groups_until, nonce: claims.nonce })
}

/// Refuses a header that changes what the rest means. Keys and addresses of keys in it are ignored.
fn check_header(header: &Header) -> Result<(), BadToken> {
    let kind = header.typ.as_ref().map(|kind| kind.to_ascii_lowercase());
    let known = kind.is_none_or(|kind| KINDS.contains(&kind.as_str()));
    let encrypted = header.enc.is_some() || header.zip.is_some() || header.cty.is_some();
    let plain = header.extras.inner().get("b64").is_none();
    // No extension is supported, so none can be critical, not even in an empty list.
    if known && !encrypted && plain && header.crit.is_none() {
        return Ok(());
    }
    Err(BadToken::Header)
}

fn check_times(claims: &Claims) -> Result<(), BadToken> {
    let now = now();
    if claims.exp <= now {
        return Err(BadToken::Expired);
    }
    if claims.nbf.is_some_and(|nbf| nbf > now.saturating_add(LEEWAY))
        || claims.iat.is_some_and(|iat| iat > now.saturating_add(LEEWAY))
    {
        return Err(BadToken::TooEarly);
    }
    if claims.exp > now.saturating_add(LONGEST_LIFE) {
        return Err(BadToken::TooLate);
    }
    Ok(())
}

/// The library looked already whether the audience is among those named; a party that is named as
/// the one a token of several was made for must be this one too, where we are the client.
fn check_audience(claims: &Claims, audience: &str) -> Result<(), BadToken> {
    let (named, several) = match &claims.aud {
        Audience::One(one) => (one == audience, false),
        Audience::Many(many) => (many.iter().any(|one| one == audience), many.len() > 1),
    };
    let for_another = several
        && claims.nonce.is_some()
        && claims.azp.as_ref().is_some_and(|party| party != audience);
    if named && !for_another { Ok(()) } else { Err(BadToken::Audience) }
}

fn user(claims: &Claims, settings: &Oidc) -> Result<String, BadToken> {
    let claim = settings.user_claim.as_str();
    let named = match claim {
        "sub" => Some(claims.sub.as_str()),
        other => claims.others.get(other).and_then(Value::as_str),
    };
    let user = named.filter(|name| is_name(name)).ok_or(BadToken::User)?;
    if claim != "email" {
        return Ok(user.to_owned());
    }
    let parts = user.split_once('@');
    if parts.is_none_or(|(local, domain)| local.is_empty() || domain.is_empty()) {
        return Err(BadToken::User);
    }
    if claims.others.get("email_verified") != Some(&Value::Bool(true)) {
        return Err(BadToken::Unverified);
    }
    // ASCII alone: some letters of other alphabets become an ASCII letter in lower case, such as the
    // Kelvin sign, and two people must not become one.
    Ok(user.to_ascii_lowercase())
}

/// The groups of a list, or of a single text. Anything else is no groups, never some of them.
fn groups(claims: &Claims, settings: &Oidc) -> Vec<String> {
    let read = match claims.others.get(&settings.groups_claim) {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::String(one)) => Some(vec![one.clone()]),
        Some(Value::Array(many)) => {
            many.iter().map(|one| one.as_str().map(str::to_owned)).collect()
        }
        Some(Value::Bool(_) | Value::Number(_) | Value::Object(_)) => None,
    };
    let sound = |groups: &Vec<String>| groups.iter().all(|group| is_name(group));
    read.filter(sound).unwrap_or_else(|| {
        tracing::warn!(
            claim = settings.groups_claim,
            "the groups of a token are not a list of names, so none of them count"
        );
        Vec::new()
    })
}

/// Something that can be a name: not empty, not endless, without what can't be seen.
fn is_name(text: &str) -> bool {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    !text.is_empty() && text.len() <= NAME_BYTES && text.trim() == text && !text.chars().any(hidden)
}

/// The library's reasons as ours. What is not named is about form: base64, UTF-8, lengths.
fn reason(kind: &ErrorKind) -> BadToken {
    let known = [
        (matches!(kind, ErrorKind::InvalidSignature), BadToken::Signature),
        (matches!(kind, ErrorKind::InvalidAlgorithm), BadToken::Algorithm),
        (matches!(kind, ErrorKind::ExpiredSignature), BadToken::Expired),
        (matches!(kind, ErrorKind::ImmatureSignature), BadToken::TooEarly),
        (matches!(kind, ErrorKind::InvalidIssuer), BadToken::Issuer),
        (matches!(kind, ErrorKind::InvalidAudience), BadToken::Audience),
        (matches!(kind, ErrorKind::Json(_)), BadToken::Claims),
        (matches!(kind, ErrorKind::MissingRequiredClaim(_)), BadToken::Claims),
        (matches!(kind, ErrorKind::InvalidClaimFormat(_)), BadToken::Claims),
    ];
    known.into_iter().find(|(is, _)| *is).map_or(BadToken::Malformed, |(_, reason)| reason)
}
