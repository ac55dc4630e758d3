//! What Slack sends: events, commands and clicks, as far as they ask for something.
//!
//! Most of what a workspace does is none of Vouch's business. What is: a mention of the bot, a direct
//! message to it, a message in a thread by somebody who asked there before, `/ask`, a click on one of
//! its own buttons, and who joins or leaves a channel. Messages of bots are never answered, its own
//! least of all, and neither are changes of a message.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is to be done for somebody. It is kept in the ledger until it is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    /// Names it for ever.
    pub(crate) id: String,
    /// Who wants it, as Slack names them.
    pub(crate) user: String,
    /// The channel that it was asked in.
    pub(crate) channel: String,
    /// The message's time, which names it in its channel; empty where there is no message.
    pub(crate) ts: String,
    /// What it is.
    pub(crate) task: Task,
}

/// The kinds of jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Task {
    /// A question in a channel, answered in a thread there.
    InChannel { question: String, thread: String },
    /// A question in a direct message, answered beside it.
    Direct { question: String, thread: Option<String> },
    /// A command, answered to the asker alone.
    Command { question: String, response_url: String },
    /// What the asker says of an answer.
    Verdict { answer: String, right: bool, response_url: String },
}

impl Task {
    /// What is asked; nothing where it is no question.
    pub(crate) fn question(&self) -> &str {
        match self {
            Self::InChannel { question, .. }
            | Self::Direct { question, .. }
            | Self::Command { question, .. } => question,
            Self::Verdict { .. } => "",
        }
    }

    /// The thread that the answer goes to, or nothing.
    pub(crate) fn thread(&self) -> &str {
        match self {
            Self::InChannel { thread, .. } => thread,
            Self::Direct { thread, .. } => thread.as_deref().unwrap_or_default(),
            Self::Command { .. } | Self::Verdict { .. } => "",
        }
    }
}

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Slack looks whether this is the right address.
    Challenge(String),
    /// Somebody asks.
    Asked(Job),
    /// Somebody goes on in a thread; it is a question if they asked there before.
    GoesOn(Job),
    /// Somebody joined a channel, or left it.
    MembersChanged(String),
    /// Something about a person changed.
    PersonChanged(String),
    /// Nothing that concerns Vouch.
    Nothing,
}

/// A request to `/slack/events`.
#[derive(Deserialize)]
pub(crate) struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    challenge: String,
    team_id: Option<String>,
    #[serde(default)]
    event_id: String,
    event: Option<Event>,
    #[serde(default)]
    authorizations: Vec<Authorization>,
}

#[derive(Deserialize)]
struct Authorization {
    team_id: Option<String>,
    user_id: Option<String>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    subtype: Option<String>,
    /// A person's id; in some events an object.
    #[serde(default)]
    user: Value,
    bot_id: Option<String>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    channel: Value,
    #[serde(default)]
    channel_type: String,
    #[serde(default)]
    ts: String,
    thread_ts: Option<String>,
}

impl Envelope {
    /// Whether it comes through this workspace.
    pub(crate) fn is_of(&self, team: &str) -> bool {
        let installed = self.authorizations.iter().filter_map(|one| one.team_id.as_deref());
        self.kind == "url_verification"
            || installed.chain(self.team_id.as_deref()).any(|one| one == team)
    }

    /// What it says.
    pub(crate) fn heard(self) -> Heard {
        let Some(event) = self.event.filter(|_| self.kind == "event_callback") else {
            return match self.kind.as_str() {
                "url_verification" => Heard::Challenge(self.challenge),
                _ => Heard::Nothing,
            };
        };
        let own = self.authorizations.iter().filter_map(|one| one.user_id.as_deref());
        let by_itself = own.into_iter().any(|own| event.user.as_str() == Some(own));
        match event.kind.as_str() {
            "member_joined_channel" | "member_left_channel" => {
                Heard::MembersChanged(event.channel.as_str().unwrap_or_default().to_owned())
            }
            "user_change" => {
                Heard::PersonChanged(event.user["id"].as_str().unwrap_or_default().to_owned())
            }
            "app_mention" | "message" if !by_itself => event.message(self.event_id),
            _ => Heard::Nothing,
        }
    }
}

impl Event {
    fn message(self, id: String) -> Heard {
        let by_a_person = self.bot_id.is_none()
            && matches!(self.subtype.as_deref(), None | Some("file_share" | "thread_broadcast"));
        let (Some(user), Some(channel)) = (self.user.as_str(), self.channel.as_str()) else {
            return Heard::Nothing;
        };
        if !by_a_person || user.is_empty() || channel.is_empty() || self.ts.is_empty() {
            return Heard::Nothing;
        }
        let id = if id.is_empty() { format!("message {channel} {}", self.ts) } else { id };
        let job = |task| Job {
            id,
            user: user.to_owned(),
            channel: channel.to_owned(),
            ts: self.ts.clone(),
            task,
        };
        let question = plain(&self.text);
        if self.channel_type == "im" {
            return Heard::Asked(job(Task::Direct { question, thread: self.thread_ts }));
        }
        let thread = self.thread_ts.clone().unwrap_or_else(|| self.ts.clone());
        let task = Task::InChannel { question, thread };
        if self.kind == "app_mention" {
            return Heard::Asked(job(task));
        }
        // Who begins with somebody's name speaks to that one.
        let to_somebody = self.text.trim_start().starts_with("<@");
        match self.thread_ts.is_some() && !to_somebody {
            true => Heard::GoesOn(job(task)),
            false => Heard::Nothing,
        }
    }
}

/// A command, as its form gives it.
#[derive(Deserialize)]
pub(crate) struct Command {
    #[serde(default)]
    pub(crate) team_id: String,
    #[serde(default)]
    pub(crate) channel_id: String,
    #[serde(default)]
    pub(crate) user_id: String,
    #[serde(default)]
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) response_url: String,
    #[serde(default)]
    pub(crate) trigger_id: String,
    /// Set where Slack only looks whether somebody is there.
    pub(crate) ssl_check: Option<String>,
}

impl Command {
    /// What is to be done for it.
    pub(crate) fn job(self) -> Job {
        let (question, response_url) = (plain(&self.text), self.response_url);
        Job {
            id: named("command", self.trigger_id),
            user: self.user_id,
            channel: self.channel_id,
            ts: String::new(),
            task: Task::Command { question, response_url },
        }
    }
}

/// A form of `/slack/interactivity`.
#[derive(Deserialize)]
pub(crate) struct Interaction {
    pub(crate) payload: String,
}

/// A click.
#[derive(Deserialize)]
pub(crate) struct Click {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    trigger_id: String,
    #[serde(default)]
    response_url: String,
    user: Option<Named>,
    channel: Option<Named>,
    #[serde(default)]
    actions: Vec<Action>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    id: String,
}

#[derive(Deserialize)]
struct Action {
    #[serde(default)]
    action_id: String,
    #[serde(default)]
    value: String,
}

/// The button of an answer that helped.
pub(crate) const RIGHT: &str = "vouch_right";
/// The button of an answer that did not.
pub(crate) const WRONG: &str = "vouch_wrong";

impl Click {
    /// What is to be done for it, where it was on one of Vouch's buttons.
    pub(crate) fn job(self) -> Option<Job> {
        let action = self.actions.into_iter().next().filter(|_| self.kind == "block_actions")?;
        let right = match action.action_id.as_str() {
            RIGHT => true,
            WRONG => false,
            _ => return None,
        };
        let id = |named: Option<Named>| named.map(|named| named.id).unwrap_or_default();
        let user = id(self.user);
        (!user.is_empty()).then_some(Job {
            id: named("click", self.trigger_id),
            user,
            channel: id(self.channel),
            ts: String::new(),
            task: Task::Verdict { answer: action.value, right, response_url: self.response_url },
        })
    }
}

/// The name of something by what triggered it. What has no name can't be told from its repetition.
fn named(kind: &str, trigger: String) -> String {
    let trigger = if trigger.is_empty() { ulid::Ulid::generate().to_string() } else { trigger };
    format!("{kind} {trigger}")
}

/// A message's text without Slack's own signs: mentions go, links and channels become what people read.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let Some(end) = rest[start..].find('>') else { break };
        plain.push_str(&rest[..start]);
        let sign = &rest[start + 1..start + end];
        let (what, label) = match sign.split_once('|') {
            Some((what, label)) => (what, Some(label)),
            None => (sign, None),
        };
        match what.chars().next() {
            Some('@') => {}
            Some('#' | '!') => plain.push_str(label.unwrap_or_default()),
            _ => plain.push_str(label.unwrap_or(what)),
        }
        rest = &rest[start + end + 1..];
    }
    plain.push_str(rest);
    let plain = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn heard(event: Value) -> Heard {
        let envelope = json!({
            "type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": event,
            "authorizations": [{"team_id": "T1", "user_id": "UBOT", "is_bot": true}],
        });
        serde_json::from_value::<Envelope>(envelope).unwrap().heard()
    }

    fn message(changes: Value) -> Value {
        let mut event = json!({
            "type": "message", "user": "U1", "text": "How many weeks?", "channel": "C1",
            "channel_type": "channel", "ts": "2.0", "thread_ts": "1.0",
        });
        for (key, value) in changes.as_object().unwrap() {
            event[key] = value.clone();
        }
        event
    }

    #[test]
    fn what_is_said_to_the_bot_is_heard_and_nothing_else() {
        let mention = json!({"type": "app_mention", "text": "<@UBOT> How many &lt;weeks&gt;?"});
        let Heard::Asked(job) = heard(message(mention)) else { panic!("not heard") };
        let thread = "1.0".to_owned();
        assert_eq!(job.task, Task::InChannel { question: "How many <weeks>?".into(), thread });
        assert!(matches!(heard(message(json!({"channel_type": "im"}))), Heard::Asked(_)));
        assert!(matches!(heard(message(json!({}))), Heard::GoesOn(_)));
        for nothing in [
            json!({"thread_ts": null}),
            json!({"text": "<@U2> what do you think?"}),
            json!({"bot_id": "B1", "channel_type": "im"}),
            json!({"user": "UBOT", "channel_type": "im"}),
            json!({"user": null, "channel_type": "im"}),
            json!({"subtype": "message_changed", "channel_type": "im"}),
            json!({"subtype": "message_deleted", "channel_type": "im"}),
            json!({"subtype": "channel_join", "channel_type": "im"}),
            json!({"type": "reaction_added"}),
        ] {
            assert_eq!(heard(message(nothing.clone())), Heard::Nothing, "{nothing}");
        }
        let joined = json!({"type": "member_joined_channel", "user": "U2", "channel": "C1"});
        assert_eq!(heard(joined), Heard::MembersChanged("C1".into()));
        let changed = json!({"type": "user_change", "user": {"id": "U2"}});
        assert_eq!(heard(changed), Heard::PersonChanged("U2".into()));
    }

    #[test]
    fn slacks_signs_become_what_people_read() {
        for (text, read) in [
            (
                "<@U1> see <https://a.example/x?a=1&amp;b=2|the page> in <#C1|general>",
                "see the page in general",
            ),
            ("<!here> <!subteam^S1|@team> a &amp;lt; b", "@team a &lt; b"),
            ("<https://a.example>", "https://a.example"),
            ("a < b", "a < b"),
            ("  \n ", ""),
        ] {
            assert_eq!(plain(text), read, "{text}");
        }
    }
}
