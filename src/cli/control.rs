//! `vouch user`, `vouch stop` and `vouch start`: who is shut out, and whether anybody is answered.

use anyhow::Result;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Session;
use super::key::{Ago, moment};
use super::output::{aligned, cell, items};

const USERS: [&str; 3] = ["v1", "admin", "users"];

/// `vouch user`
#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// List the people whom Vouch knows, their groups, and who is blocked
    List,
    /// Shut a user out; counts from the next question
    Block(Block),
    /// Let a blocked user in again
    Unblock {
        /// The user, as `vouch user list` shows it
        user: String,
    },
    /// Let another account of the identity provider become this user; see docs/sign-in.md
    Release {
        /// The user, as `vouch user list` shows it
        user: String,
        /// Why; goes to the audit
        #[arg(long)]
        why: String,
    },
}

/// `vouch user block`
#[derive(Debug, Args)]
pub(super) struct Block {
    /// The user, as `vouch user list` shows it
    user: String,
    #[command(flatten)]
    reason: Reason,
}

/// Why something is stopped, and how long.
#[derive(Debug, Args)]
pub(super) struct Reason {
    /// Why; goes to the audit
    #[arg(long)]
    why: String,
    /// Until when: 2026-01-01, 2026-01-01T12:00:00Z, or a span such as 2h [default: until it is undone]
    #[arg(long, value_name = "T", value_parser = to_come)]
    until: Option<Timestamp>,
}

fn to_come(text: &str) -> Result<Timestamp, String> {
    let moment = moment(text, Ago::Future)?;
    if moment <= Timestamp::now() { Err(format!("`{text}` is in the past")) } else { Ok(moment) }
}

impl Reason {
    /// The reason as the routes take it, to be added to.
    pub(super) fn content(&self) -> Value {
        let mut content = json!({ "why": self.why });
        if let Some(until) = self.until {
            content["until"] = until.to_string().into();
        }
        content
    }
}

impl UserCommand {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let client = &session.client;
        match self {
            Self::List => {
                let body = client.get(&USERS).await?;
                session.show(&body, list)
            }
            Self::Block(Block { user, reason }) => {
                let mut content = reason.content();
                content["user"] = user.into();
                content["act"] = "block".into();
                let body = client.post(&USERS, &content).await?;
                session.show(&body, |body| {
                    let unknown = if body["known"] == false {
                        "  nobody is known under this name yet; `vouch user list` lists who is\n"
                    } else {
                        ""
                    };
                    let blocked = stopped(&body["blocked"]);
                    format!("{} is blocked: {blocked}\n{unknown}", cell(body, "user"))
                })
            }
            Self::Unblock { user } => {
                let content = json!({ "user": user, "act": "unblock" });
                let body = client.post(&USERS, &content).await?;
                session.show(&body, |body| format!("{} is let in again\n", cell(body, "user")))
            }
            Self::Release { user, why } => {
                let content = json!({ "user": user, "act": "release", "why": why });
                let body = client.post(&USERS, &content).await?;
                session.show(&body, |body| {
                    format!("whoever signs in next as {} is bound to it\n", cell(body, "user"))
                })
            }
        }
    }
}

fn list(body: &Value) -> String {
    let row = |user: &Value| {
        let since = cell(user, "signed_in_since");
        vec![cell(user, "user"), cell(user, "groups"), since, stopped(&user["blocked"])]
    };
    let heads = ["USER", "GROUPS", "SIGNED IN SINCE", "BLOCKED"].map(str::to_owned).to_vec();
    let rows = std::iter::once(heads).chain(items(body, "users").iter().map(row));
    aligned(&rows.collect::<Vec<_>>())
}

/// `a reason (by user:alice, since …, until …)`, or `-`.
pub(super) fn stopped(stopped: &Value) -> String {
    if stopped.is_null() {
        return "-".to_owned();
    }
    let until = match stopped["until"].is_null() {
        true => String::new(),
        false => format!(", until {}", cell(stopped, "until")),
    };
    let named = |key| cell(stopped, key);
    if stopped["why"] == "" {
        return format!("since {}{until}", named("at"));
    }
    format!("{} (by {}, since {}{until})", named("why"), named("by"), named("at"))
}

/// `vouch stop`
#[derive(Debug, Args)]
pub(super) struct Stop {
    #[command(flatten)]
    reason: Reason,
}

impl Stop {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let body = session.client.post(&["v1", "admin", "stop"], &self.reason.content()).await?;
        session.show(&body, |body| {
            format!("the assistant is stopped: {}\n", stopped(&body["stopped"]))
        })
    }
}

/// `vouch start`
pub(super) async fn start(session: &Session) -> Result<()> {
    let body = session.client.post(&["v1", "admin", "start"], &json!({})).await?;
    session.show(&body, |_| "the assistant answers again\n".to_owned())
}
