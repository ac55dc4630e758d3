//! The identity provider, as `vouch doctor` finds it: whether it answers, is the one of the settings,
//! has keys to check tokens with, and tells the same time.

use super::{Finding, fail, ok, warn};
use crate::auth::{Look, Provider, Unusable};
use crate::config::{AuthMode, Config, Oidc};

const WHAT: &str = "provider";

/// What was found, where people sign in with a provider.
pub(super) async fn findings(config: &Config) -> Vec<Finding> {
    if config.auth.mode != AuthMode::Oidc {
        return Vec::new();
    }
    let settings = &config.auth.oidc;
    let provider = match Provider::new(settings) {
        Ok(provider) => provider,
        Err(error) => {
            let remedy = "the server doesn't start before this is mended";
            return vec![fail(WHAT, format!("{error:#}"), remedy)];
        }
    };
    match provider.look().await {
        Ok(look) => well(settings, &look),
        Err(error) => vec![fail(WHAT, error.to_string(), remedy(&error, settings))],
    }
}

/// What to do about a provider that nobody can sign in with.
fn remedy(error: &Unusable, settings: &Oidc) -> String {
    match error {
        Unusable::Discovery(..) => "check `auth.oidc.issuer`, and that this machine reaches the \
            provider: name, port, certificate, proxy; nobody can sign in before"
            .to_owned(),
        Unusable::Issuer(_) => format!(
            "tokens give the issuer as the provider does: write it into `auth.oidc.issuer` in place \
             of {}, byte for byte, if you trust it",
            settings.issuer
        ),
        Unusable::Open(_) => {
            "let the provider name https addresses: what goes there over http can be \
            read and changed on the way"
                .to_owned()
        }
        Unusable::NoKeySet => "a provider of OpenID Connect names `jwks_uri`; check that \
            `auth.oidc.issuer` is one"
            .to_owned(),
        Unusable::KeySet(..) => {
            "let this machine reach the provider's keys; no token counts before".to_owned()
        }
        Unusable::NoKey(_) => {
            "let the provider sign tokens with RSA (2048 bits or more), ES256, ES384 \
            or EdDSA, and publish the key for signatures"
                .to_owned()
        }
    }
}

/// What there is to say of one that answers as it should.
fn well(settings: &Oidc, look: &Look) -> Vec<Finding> {
    let mut algorithms = look.algorithms.clone();
    algorithms.sort();
    algorithms.dedup();
    let keys = super::output::count(look.algorithms.len() as u64, "key");
    let detail = format!("{}, {keys} ({})", settings.issuer, algorithms.join(", "));
    let mut findings = vec![ok(WHAT, detail), clock(look.ahead)];
    if !settings.client_id.is_empty() && !look.signs_browsers_in {
        findings.push(fail(
            WHAT,
            "it names no addresses for a sign-in with a browser",
            "switch the authorization code flow on at the provider, or unset `auth.oidc.client_id`",
        ));
    }
    findings
}

/// The provider dates its tokens by its own clock.
fn clock(ahead: Option<i64>) -> Finding {
    const CLOCK: &str = "clock";
    const REMEDY: &str =
        "set this machine's clock by the network (NTP), and look at the provider's";
    let Some(ahead) = ahead else {
        return ok(CLOCK, "the provider does not say the time");
    };
    let apart = super::output::count(ahead.unsigned_abs(), "second");
    let side = if ahead > 0 { "behind" } else { "ahead of" };
    let detail = format!("this machine is {apart} {side} the provider");
    match ahead.abs() {
        0 => ok(CLOCK, "this machine and the provider tell the same time"),
        apart if apart > Look::LEEWAY => {
            fail(CLOCK, format!("{detail}, so tokens are refused or count too long"), REMEDY)
        }
        apart if apart > Look::LEEWAY / 2 => warn(CLOCK, detail, REMEDY),
        _ => ok(CLOCK, detail),
    }
}
