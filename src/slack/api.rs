//! Slack's Web API, as far as Vouch calls it.
//!
//! Slack says how long to wait where it is asked too often, and it is waited so long. What was refused
//! is told from what may or may not have been done: whoever sends something has to look, before it is
//! sent again.

use std::time::Duration;

use anyhow::Context as _;
use reqwest::{RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::blocks::Message;
use crate::outbound;

/// The most that is read of one answer.
const ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// How often a call is made again because it came too soon.
const TOO_SOON: usize = 5;
/// The longest that Slack may let a call wait.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// What is asked for at once, where there are pages. Slack takes less than 1,000.
const PAGE: &str = "999";
/// The most pages of messages that are read.
const PAGES: usize = 10;
/// The name of the metadata by which Vouch knows its own messages.
const METADATA: &str = "vouch_answer";

/// Why a call did not give what was wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    /// Slack says no, and why: `channel_not_found` and the like.
    #[error("Slack refuses: {0}")]
    Refused(String),
    /// It was not done: Slack was not reached, or let nobody in.
    #[error("Slack is not reached: {0}")]
    Unsent(String),
    /// No answer that can be understood: nobody knows whether it was done.
    #[error("Slack does not answer: {0}")]
    Silent(String),
}

/// Where a message stands, or is to stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) channel: &'a str,
    /// The thread, or nothing.
    pub(crate) thread: &'a str,
}

/// Slack's Web API with the bot's token.
pub(crate) struct Api {
    http: reqwest::Client,
    base: Url,
    token: String,
}

/// What the bot's token must be allowed. `config/slack-manifest.yaml` asks for it, and says what for.
const SCOPES: [&str; 12] = [
    "app_mentions:read",
    "im:history",
    "channels:history",
    "groups:history",
    "mpim:history",
    "channels:read",
    "groups:read",
    "mpim:read",
    "users:read",
    "users:read.email",
    "chat:write",
    "commands",
];

/// What `auth.test` says.
#[derive(Deserialize)]
pub(crate) struct Itself {
    pub(crate) team_id: String,
    #[serde(default)]
    pub(crate) user: String,
    /// What the token must be allowed and is not, as far as Slack says what it is allowed.
    #[serde(skip)]
    pub(crate) missing: Vec<&'static str>,
}

/// A person, as `users.info` and `users.list` give one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) team_id: String,
    pub(crate) deleted: bool,
    pub(crate) is_bot: bool,
    pub(crate) is_restricted: bool,
    pub(crate) is_ultra_restricted: bool,
    pub(crate) is_stranger: bool,
    pub(crate) is_email_confirmed: bool,
    pub(crate) profile: Profile,
    pub(crate) enterprise_user: Enterprise,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Profile {
    pub(crate) email: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Enterprise {
    pub(crate) teams: Vec<String>,
}

#[derive(Deserialize)]
struct OneUser {
    user: User,
}

/// A page of a list.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    members: Vec<Value>,
    #[serde(default)]
    messages: Vec<Value>,
    #[serde(default)]
    response_metadata: Option<Cursor>,
}

#[derive(Deserialize)]
struct Cursor {
    #[serde(default)]
    next_cursor: String,
}

impl Api {
    /// The API at this address. A call that takes longer has failed.
    pub(crate) fn new(base: Url, token: String, longest: Duration) -> anyhow::Result<Self> {
        let http = outbound::client(&base).timeout(longest);
        let http = http.build().context("can't set up the HTTP client")?;
        Ok(Self { http, base, token })
    }

    /// Whether the token counts, and where.
    pub(crate) async fn itself(&self) -> Result<Itself, Trouble> {
        let url = self.url("auth.test")?;
        let reply = self.patiently(|| self.http.post(url.clone()).bearer_auth(&self.token)).await?;
        let mut itself: Itself = reply.read()?;
        if let Some(scopes) = reply.scopes {
            let allowed: Vec<_> = scopes.split(',').map(str::trim).collect();
            itself.missing = SCOPES.into_iter().filter(|one| !allowed.contains(one)).collect();
        }
        Ok(itself)
    }

    /// One person.
    pub(crate) async fn user(&self, id: &str) -> Result<User, Trouble> {
        let one: OneUser = self.read("users.info", &[("user", id)]).await?;
        Ok(one.user)
    }

    /// Everybody in the workspace, as far as so many pages go.
    pub(crate) async fn users(&self, pages: usize) -> Result<Vec<User>, Trouble> {
        let all = self.pages("users.list", &[], pages).await?;
        Ok(all.members.into_iter().filter_map(|one| serde_json::from_value(one).ok()).collect())
    }

    /// The members of a channel; none where there are more than so many pages of them.
    pub(crate) async fn members(
        &self,
        channel: &str,
        pages: usize,
    ) -> Result<Option<Vec<String>>, Trouble> {
        let all = self.pages("conversations.members", &[("channel", channel)], pages).await?;
        if all.response_metadata.is_some() {
            return Ok(None);
        }
        let id = |one: Value| one.as_str().map(str::to_owned);
        // One that can't be read would be somebody whom nobody looks at.
        Ok(all.members.into_iter().map(id).collect())
    }

    /// Whether Vouch said something there for this event, since the event.
    pub(crate) async fn has_said(
        &self,
        place: Place<'_>,
        since: &str,
        event: &str,
    ) -> Result<bool, Trouble> {
        let with_metadata = [("oldest", since), ("include_all_metadata", "true")];
        let said = self.messages(place, &with_metadata).await?;
        Ok(said.iter().any(|message| {
            let metadata = &message["metadata"];
            metadata["event_type"] == METADATA && metadata["event_payload"]["event_id"] == event
        }))
    }

    /// What was said there between two messages, by anybody.
    pub(crate) async fn said(
        &self,
        place: Place<'_>,
        (oldest, latest): (&str, &str),
    ) -> Result<Vec<Value>, Trouble> {
        self.messages(place, &[("oldest", oldest), ("latest", latest)]).await
    }

    async fn messages(
        &self,
        place: Place<'_>,
        which: &[(&str, &str)],
    ) -> Result<Vec<Value>, Trouble> {
        let mut form = vec![("channel", place.channel), ("inclusive", "true")];
        form.extend(which);
        let method = if place.thread.is_empty() {
            "conversations.history"
        } else {
            form.push(("ts", place.thread));
            "conversations.replies"
        };
        Ok(self.pages(method, &form, PAGES).await?.messages)
    }

    /// Says something for all in a channel to read, marked with the event that it answers.
    pub(crate) async fn say(
        &self,
        place: Place<'_>,
        message: &Message,
        event: &str,
    ) -> Result<(), Trouble> {
        let mut body = message.body();
        body["channel"] = json!(place.channel);
        body["metadata"] = json!({"event_type": METADATA, "event_payload": {"event_id": event}});
        if !place.thread.is_empty() {
            body["thread_ts"] = json!(place.thread);
        }
        self.send("chat.postMessage", &body).await
    }

    /// Says something to one person in a channel, for nobody else to read.
    pub(crate) async fn whisper(
        &self,
        place: Place<'_>,
        user: &str,
        message: &Message,
    ) -> Result<(), Trouble> {
        let mut body = message.body();
        body["channel"] = json!(place.channel);
        body["user"] = json!(user);
        if !place.thread.is_empty() {
            body["thread_ts"] = json!(place.thread);
        }
        self.send("chat.postEphemeral", &body).await
    }

    /// Answers a command or a click, to whoever it was alone. Only Slack's own addresses are answered.
    pub(crate) async fn respond(&self, to: &str, message: &Message) -> Result<(), Trouble> {
        let Some(url) = to.parse::<Url>().ok().filter(|url| self.is_own(url)) else {
            return Err(Trouble::Refused("not an address of Slack's".to_owned()));
        };
        let mut body = message.body();
        body["response_type"] = json!("ephemeral");
        body["replace_original"] = json!(false);
        let Reply { status, bytes, .. } =
            self.patiently(|| self.http.post(url.clone()).json(&body)).await?;
        match status {
            _ if status.is_success() => Ok(()),
            _ if status.is_server_error() => Err(Trouble::Silent(status.to_string())),
            _ => Err(Trouble::Refused(String::from_utf8_lossy(&bytes).chars().take(80).collect())),
        }
    }

    /// Whether an address is on the API's own host, or over https on one below it, as hooks.slack.com
    /// is below slack.com.
    fn is_own(&self, url: &Url) -> bool {
        let below = format!(".{}", self.base.host_str().unwrap_or_default());
        url.origin() == self.base.origin()
            || (url.scheme() == "https"
                && url.port().is_none()
                && url.host_str().is_some_and(|host| host.ends_with(&below)))
    }

    async fn send(&self, method: &str, body: &Value) -> Result<(), Trouble> {
        let url = self.url(method)?;
        let request = || self.http.post(url.clone()).bearer_auth(&self.token).json(body);
        let _said: Value = self.call(request).await?;
        Ok(())
    }

    async fn read<T: DeserializeOwned>(
        &self,
        method: &str,
        form: &[(&str, &str)],
    ) -> Result<T, Trouble> {
        let url = self.url(method)?;
        self.call(|| self.http.post(url.clone()).bearer_auth(&self.token).form(form)).await
    }

    /// Everything of a list, as far as so many pages go. A cursor is left where there is more.
    async fn pages(
        &self,
        method: &str,
        form: &[(&str, &str)],
        most: usize,
    ) -> Result<Page, Trouble> {
        let mut all = Page { members: Vec::new(), messages: Vec::new(), response_metadata: None };
        let mut cursor = String::new();
        for _ in 0..most {
            let mut form = [form, &[("limit", PAGE)]].concat();
            if !cursor.is_empty() {
                form.push(("cursor", &cursor));
            }
            let page: Page = self.read(method, &form).await?;
            all.members.extend(page.members);
            all.messages.extend(page.messages);
            cursor = page.response_metadata.map(|more| more.next_cursor).unwrap_or_default();
            if cursor.is_empty() {
                return Ok(all);
            }
        }
        all.response_metadata = Some(Cursor { next_cursor: cursor });
        Ok(all)
    }

    fn url(&self, method: &str) -> Result<Url, Trouble> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(method);
        }
        Ok(url)
    }

    async fn call<T: DeserializeOwned>(
        &self,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<T, Trouble> {
        self.patiently(request).await?.read()
    }

    /// Makes a call, again where it came too soon.
    async fn patiently(&self, request: impl Fn() -> RequestBuilder) -> Result<Reply, Trouble> {
        let silent = |error: reqwest::Error| Trouble::Silent(error.without_url().to_string());
        for _ in 0..TOO_SOON {
            let sent = request().send().await;
            let response = sent.map_err(|error| match error.is_connect() {
                true => Trouble::Unsent(error.without_url().to_string()),
                false => silent(error),
            })?;
            let status = response.status();
            if status == StatusCode::TOO_MANY_REQUESTS {
                let wait = response.headers().get(reqwest::header::RETRY_AFTER);
                let wait = wait.and_then(|wait| wait.to_str().ok()?.parse().ok()).unwrap_or(1);
                tokio::time::sleep(Duration::from_secs(wait).min(LONGEST_WAIT)).await;
                continue;
            }
            let scopes = response.headers().get("x-oauth-scopes");
            let scopes = scopes.and_then(|scopes| scopes.to_str().ok()).map(str::to_owned);
            let bytes = outbound::bytes(response, ANSWER_BYTES).await;
            let bytes = bytes.map_err(|error| Trouble::Silent(error.to_string()))?;
            return Ok(Reply { status, scopes, bytes });
        }
        Err(Trouble::Unsent("asked too often".to_owned()))
    }
}

/// What came back.
struct Reply {
    status: StatusCode,
    /// What the token is allowed, where Slack says so.
    scopes: Option<String>,
    bytes: Vec<u8>,
}

impl Reply {
    /// What Slack says, if it says yes.
    fn read<T: DeserializeOwned>(&self) -> Result<T, Trouble> {
        if !self.status.is_success() {
            return Err(Trouble::Silent(self.status.to_string()));
        }
        let unreadable = |error: serde_json::Error| Trouble::Silent(format!("no JSON: {error}"));
        let said: Value = serde_json::from_slice(&self.bytes).map_err(unreadable)?;
        if said["ok"] == true {
            return serde_json::from_value(said).map_err(unreadable);
        }
        let why = said["error"].as_str().unwrap_or("it does not say why");
        Err(match why {
            "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" => {
                Trouble::Silent(why.to_owned())
            }
            _ => Trouble::Refused(why.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_asks_for_what_the_token_must_be_allowed() {
        let manifest = include_str!("../../config/slack-manifest.yaml");
        let (_, scopes) = manifest.split_once("    bot:\n").expect("the bot's scopes");
        let (scopes, _) = scopes.split_once("settings:").expect("what comes after them");
        let asked: Vec<_> = scopes
            .lines()
            .filter_map(|line| line.trim().strip_prefix("- ")?.split_whitespace().next())
            .collect();
        assert_eq!(asked, SCOPES);
    }
}
