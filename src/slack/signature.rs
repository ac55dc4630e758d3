//! Whether a request is Slack's: its signature over the raw body, in constant time, not older or newer
//! than five minutes. Nothing of a body is parsed before this, and whoever fails learns nothing of why.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The header with the time of signing, in seconds since 1970.
pub(crate) const TIMESTAMP: &str = "x-slack-request-timestamp";
/// The header with the signature.
pub(crate) const SIGNATURE: &str = "x-slack-signature";

/// How far the time of signing may lie from now, in seconds.
const WINDOW: u64 = 5 * 60;

/// Whether this body was signed with this secret at about this time.
pub(crate) fn is_sound(
    secret: &str,
    (timestamp, signature): (&str, &str),
    body: &[u8],
    now: i64,
) -> bool {
    let plain = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let Some(at) = timestamp.parse::<i64>().ok().filter(|_| plain) else { return false };
    let Some(given) = signature.strip_prefix("v0=").and_then(|text| hex::decode(text).ok()) else {
        return false;
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
    mac.update(b"v0:");
    mac.update(timestamp.as_bytes());
    mac.update(b":");
    mac.update(body);
    mac.verify_slice(&given).is_ok() && now.abs_diff(at) <= WINDOW
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example in Slack's documentation of its signatures.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const AT: i64 = 1_531_420_618;
    const BODY: &[u8] = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SIGNED: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    #[test]
    fn only_what_slack_signed_within_five_minutes_is_sound() {
        let sound = |at: &str, signature: &str, body: &[u8], now: i64| {
            is_sound(SECRET, (at, signature), body, now)
        };
        let at = AT.to_string();
        assert!(sound(&at, SIGNED, BODY, AT));
        assert!(sound(&at, SIGNED, BODY, AT + 300) && sound(&at, SIGNED, BODY, AT - 300));
        assert!(!sound(&at, SIGNED, BODY, AT + 301) && !sound(&at, SIGNED, BODY, AT - 301));
        let re_encoded = String::from_utf8_lossy(BODY).replace("%2F", "%2f");
        assert!(!sound(&at, SIGNED, re_encoded.as_bytes(), AT));
        assert!(!sound(&at, SIGNED, &[BODY, b" "].concat(), AT));
        let short = &SIGNED[..SIGNED.len() - 2];
        for forged in ["", "v0=", "v0=zz", short, &SIGNED[3..], &SIGNED.replace("v0", "v1")] {
            assert!(!sound(&at, forged, BODY, AT), "{forged}");
        }
        for time in ["", " 1531420618", "+1531420618", "1531420618.0", "99999999999999999999"] {
            assert!(!sound(time, SIGNED, BODY, AT), "{time}");
        }
    }
}
