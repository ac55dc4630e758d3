//! What Slack sends to Vouch: signed events, commands and clicks.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use vouch_index::ledger::now;

use super::fake::{Fake, SECRET, TEAM};
use crate::world::{Person, Reply};

/// A signature as Slack makes it.
pub(crate) fn signature(secret: &str, at: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(format!("v0:{at}:").as_bytes());
    mac.update(body);
    format!("v0={}", hex::encode(mac.finalize().into_bytes()))
}

/// What Slack sends to Vouch.
#[derive(Clone)]
pub(crate) struct Sender(pub(crate) Person);

impl Sender {
    /// To a server at this address.
    pub(crate) fn to(base: &str) -> Self {
        Self(Person::new(base, None))
    }

    /// Sends a signed body.
    pub(crate) async fn send(&self, path: &str, kind: &str, body: &str) -> Reply {
        let signed = self.signed(path, kind, body);
        self.0.send(signed).await
    }

    pub(crate) fn signed(&self, path: &str, kind: &str, body: &str) -> reqwest::RequestBuilder {
        let at = now();
        self.0
            .request(reqwest::Method::POST, path)
            .header("content-type", kind)
            .header("x-slack-request-timestamp", at.to_string())
            .header("x-slack-signature", signature(SECRET, at, body.as_bytes()))
            .body(body.to_owned())
    }

    /// Sends an event, which is acknowledged.
    pub(crate) async fn event(&self, id: &str, event: &Value) {
        let reply = self.send("/slack/events", "application/json", &envelope(id, event)).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, ""));
    }

    /// Somebody mentions the bot in a channel.
    pub(crate) async fn mention(&self, id: &str, name: &str, channel: &str, question: &str) {
        self.event(id, &mention(id, name, channel, question)).await;
    }

    /// Somebody writes to the bot.
    pub(crate) async fn direct(&self, id: &str, name: &str, question: &str) {
        let mut event = mention(id, name, &format!("D{name}"), question);
        event["type"] = json!("message");
        event["channel_type"] = json!("im");
        self.event(id, &event).await;
    }

    /// `/ask`: what is said at once.
    pub(crate) async fn command(&self, fake: &Fake, id: &str, name: &str, text: &str) -> Reply {
        let form = [
            ("team_id", TEAM),
            ("channel_id", "C1"),
            ("user_id", &format!("U{}", name.to_uppercase())),
            ("command", "/ask"),
            ("text", text),
            ("trigger_id", id),
            ("response_url", &format!("{}/respond/{id}", fake.base)),
        ];
        let body = serde_urlencoded::to_string(form).expect("a form");
        self.send("/slack/commands", "application/x-www-form-urlencoded", &body).await
    }

    /// A click on one of an answer's buttons.
    pub(crate) async fn click(&self, fake: &Fake, name: &str, (action, answer): (&str, &str)) {
        let payload = json!({
            "type": "block_actions", "trigger_id": format!("{name}{action}"),
            "user": {"id": format!("U{}", name.to_uppercase())}, "channel": {"id": "C1"},
            "response_url": format!("{}/respond/{name}", fake.base),
            "actions": [{"type": "button", "action_id": action, "value": answer}],
        });
        let body = serde_urlencoded::to_string([("payload", payload.to_string())]).expect("a form");
        let kind = "application/x-www-form-urlencoded";
        assert_eq!(self.send("/slack/interactivity", kind, &body).await.status, 200);
    }
}

/// A mention. Its time names it in the channel.
pub(crate) fn mention(id: &str, name: &str, channel: &str, question: &str) -> Value {
    json!({
        "type": "app_mention", "user": format!("U{}", name.to_uppercase()), "channel": channel,
        "text": format!("<@UBOT> {question}"), "ts": format!("1.{id}"),
    })
}

/// An event in its envelope.
pub(crate) fn envelope(id: &str, event: &Value) -> String {
    json!({
        "type": "event_callback", "team_id": TEAM, "api_app_id": "A1", "event_id": id,
        "event": event, "authorizations": [{"team_id": TEAM, "user_id": "UBOT", "is_bot": true}],
    })
    .to_string()
}
