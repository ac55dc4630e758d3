//! What Slack sends: events, commands and clicks, as far as they ask for something.
//!
//! Most of what a workspace does is none of Vouch's business. What is: a mention of the bot, a direct
//! message to it, `/ask`, a click on one of its own buttons, and who joins or leaves a channel. What
//! people say to each other in a thread is not, whoever asked there before. Messages of bots are never
//! answered, its own least of all, and neither are changes of a message.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::text::question;

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
    /// Somebody joined a channel, or left it.
    MembersChanged(String),
    /// Something about a person changed.
    PersonChanged(String),
    /// What an administrator should know.
    Notice(&'static str),
    /// Nothing that concerns Vouch.
    Nothing,
}

/// A request to `/slack/events`. Slack leaves out what there is none of, or says `null`.
#[derive(Deserialize)]
pub(crate) struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    challenge: Option<String>,
    team_id: Option<String>,
    event_id: Option<String>,
    /// Of many kinds; one that can't be understood is none of Vouch's business.
    #[serde(default)]
    event: Value,
    authorizations: Option<Vec<Authorization>>,
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
    text: Option<String>,
    #[serde(default)]
    channel: Value,
    channel_type: Option<String>,
    ts: Option<String>,
    thread_ts: Option<String>,
}

impl Envelope {
    /// Whether it comes through this workspace.
    pub(crate) fn is_of(&self, team: &str) -> bool {
        let installed = self.authorized().filter_map(|one| one.team_id.as_deref());
        self.kind == "url_verification"
            || installed.chain(self.team_id.as_deref()).any(|one| one == team)
    }

    fn authorized(&self) -> impl Iterator<Item = &Authorization> {
        self.authorizations.iter().flatten()
    }

    /// What it says.
    pub(crate) fn heard(self) -> Heard {
        match self.kind.as_str() {
            "url_verification" => return Heard::Challenge(self.challenge.unwrap_or_default()),
            "app_rate_limited" => {
                return Heard::Notice("Slack holds back events: there were too many in an hour");
            }
            "event_callback" => {}
            _ => return Heard::Nothing,
        }
        let Ok(event) = Event::deserialize(&self.event) else { return Heard::Nothing };
        let by_itself = self
            .authorized()
            .filter_map(|one| one.user_id.as_deref())
            .any(|own| event.user.as_str() == Some(own));
        match event.kind.as_str() {
            "member_joined_channel" | "member_left_channel" => {
                Heard::MembersChanged(event.channel.as_str().unwrap_or_default().to_owned())
            }
            "user_change" => {
                Heard::PersonChanged(event.user["id"].as_str().unwrap_or_default().to_owned())
            }
            "tokens_revoked" | "app_uninstalled" => {
                Heard::Notice("Slack takes no calls from Vouch any more: its app was taken away")
            }
            "app_mention" | "message" if !by_itself => {
                event.message(self.event_id.unwrap_or_default())
            }
            _ => Heard::Nothing,
        }
    }
}

impl Event {
    fn message(self, id: String) -> Heard {
        let by_a_person = self.bot_id.is_none()
            && matches!(self.subtype.as_deref(), None | Some("file_share" | "thread_broadcast"));
        let (user, channel) = (self.user.as_str(), self.channel.as_str());
        let (Some(user), Some(channel), Some(ts)) = (user, channel, self.ts) else {
            return Heard::Nothing;
        };
        if !by_a_person || user.is_empty() || channel.is_empty() || ts.is_empty() {
            return Heard::Nothing;
        }
        let id = if id.is_empty() { format!("message {channel} {ts}") } else { id };
        let (user, channel) = (user.to_owned(), channel.to_owned());
        let text = self.text.unwrap_or_default();
        let (asked, thread) = (question(&text), self.thread_ts.clone());
        if self.channel_type.as_deref() == Some("im") {
            let task = Task::Direct { question: asked, thread };
            return Heard::Asked(Job { id, user, channel, ts, task });
        }
        if self.kind != "app_mention" {
            return Heard::Nothing;
        }
        let thread = thread.unwrap_or_else(|| ts.clone());
        let task = Task::InChannel { question: asked, thread };
        Heard::Asked(Job { id, user, channel, ts, task })
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
        let (question, response_url) = (question(&self.text), self.response_url);
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
    trigger_id: Option<String>,
    response_url: Option<String>,
    user: Option<Named>,
    channel: Option<Named>,
    actions: Option<Vec<Action>>,
}

#[derive(Deserialize)]
struct Named {
    id: Option<String>,
}

#[derive(Deserialize)]
struct Action {
    action_id: Option<String>,
    value: Option<String>,
}

/// The button of an answer that helped.
pub(crate) const RIGHT: &str = "vouch_right";
/// The button of an answer that did not.
pub(crate) const WRONG: &str = "vouch_wrong";

impl Click {
    /// What is to be done for it, where it was on one of Vouch's buttons.
    pub(crate) fn job(self) -> Option<Job> {
        let actions = self.actions.filter(|_| self.kind == "block_actions")?;
        let action = actions.into_iter().next()?;
        let right = match action.action_id.as_deref() {
            Some(RIGHT) => true,
            Some(WRONG) => false,
            _ => return None,
        };
        let id = |named: Option<Named>| named.and_then(|named| named.id).unwrap_or_default();
        let user = id(self.user);
        let (answer, response_url) = (action.value?, self.response_url.unwrap_or_default());
        (!user.is_empty()).then_some(Job {
            id: named("click", self.trigger_id.unwrap_or_default()),
            user,
            channel: id(self.channel),
            ts: String::new(),
            task: Task::Verdict { answer, right, response_url },
        })
    }
}

/// The name of something by what triggered it. What has no name can't be told from its repetition.
fn named(kind: &str, trigger: String) -> String {
    let trigger = if trigger.is_empty() { ulid::Ulid::generate().to_string() } else { trigger };
    format!("{kind} {trigger}")
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
        for nothing in [
            json!({}),
            json!({"thread_ts": null}),
            json!({"text": "<@U2> what do you think?"}),
            json!({"text": "That is for <@U2>, isn't it?"}),
            json!({"text": "", "subtype": "file_share"}),
            json!({"text": null}),
            json!({"ts": null, "channel_type": "im"}),
            json!({"channel": {"id": "C1"}}),
            json!({"thread_ts": 7}),
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
        assert!(matches!(heard(message(json!({"type": "tokens_revoked"}))), Heard::Notice(_)));
        let joined = json!({"type": "member_joined_channel", "user": "U2", "channel": "C1"});
        assert_eq!(heard(joined), Heard::MembersChanged("C1".into()));
        let changed = json!({"type": "user_change", "user": {"id": "U2"}});
        assert_eq!(heard(changed), Heard::PersonChanged("U2".into()));
    }
}
