//! `vouch key`: API keys. The key itself is shown once, when it is made.

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Session;
use super::output::{cell, items, safe, table};
use crate::config::span;

const KEYS: [&str; 3] = ["v1", "admin", "keys"];

/// `vouch key`
#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make a key and show it, once
    Create(Create),
    /// List the keys, without the keys themselves
    List,
    /// Make a key useless, at once
    Revoke {
        /// The key's id, as `vouch key list` shows it
        id: String,
        /// Why; goes to the audit
        #[arg(long)]
        why: Option<String>,
    },
}

/// `vouch key create`
#[derive(Debug, Args)]
pub(super) struct Create {
    /// What the key is for; no two keys that work share a name
    #[arg(long)]
    name: String,
    /// What it may do
    #[arg(long, value_enum)]
    role: KeyRole,
    /// The person it reads as (for readers), or who answers for what it pushes (for pushers)
    #[arg(long, required_if_eq("role", "reader"))]
    user: Option<String>,
    /// The source it may push to; can be given again (for pushers)
    #[arg(long = "source", value_name = "ID", required_if_eq("role", "pusher"))]
    sources: Vec<String>,
    /// Until when: 2026-01-01, 2026-01-01T12:00:00Z, or a span such as 90d [default: until revoked]
    #[arg(long, value_name = "T", value_parser = expires)]
    expires: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KeyRole {
    /// Asks and reads as one user
    Reader,
    /// Pushes documents to sources
    Pusher,
    /// Reads the audit, with questions and sentences
    Auditor,
    /// Administers, and reads the audit without its texts
    Administrator,
    /// Has short-lived tokens made for the readers of a site with the chat widget
    Widget,
}

/// Which way a span counts from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ago {
    Past,
    Future,
}

/// A point in time: a date (at midnight, UTC), a time, or a span from now.
pub(super) fn moment(text: &str, ago: Ago) -> Result<Timestamp, String> {
    let wrong = |_| {
        format!("`{text}` is not a date (2025-03-01), a time (2025-03-01T12:00:00Z) or a span (7d)")
    };
    if let Ok(span) = span(text) {
        let span = SignedDuration::try_from(span).map_err(wrong)?;
        let now = Timestamp::from_second(Timestamp::now().as_second())
            .map_err(|error| error.to_string())?;
        let moment = if ago == Ago::Past { now.checked_sub(span) } else { now.checked_add(span) };
        return moment.map_err(wrong);
    }
    let utc = |civil: DateTime| civil.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    let as_time = text.parse::<Timestamp>();
    as_time
        .or_else(|_| {
            text.parse::<Date>()
                .and_then(|date| utc(date.to_datetime(jiff::civil::Time::midnight())))
        })
        .map_err(wrong)
}

fn expires(text: &str) -> Result<Timestamp, String> {
    let moment = moment(text, Ago::Future)?;
    if moment <= Timestamp::now() { Err(format!("`{text}` is in the past")) } else { Ok(moment) }
}

impl KeyCommand {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        match self {
            Self::Create(create) => create.run(session).await,
            Self::List => {
                let body = session.client.get(&KEYS).await?;
                session.show(&body, list)
            }
            Self::Revoke { id, why } => {
                let route = [&KEYS[..], &[&id]].concat();
                let body = session.client.delete_with(&route, &[("why", why)]).await?;
                session.show(&body, |_| format!("the key {} is revoked\n", safe(&id)))
            }
        }
    }
}

impl Create {
    async fn run(self, session: &Session) -> Result<()> {
        let role = match self.role {
            KeyRole::Reader => "reader",
            KeyRole::Pusher => "pusher",
            KeyRole::Auditor => "auditor",
            KeyRole::Administrator => "administrator",
            KeyRole::Widget => "widget",
        };
        let mut content = json!({ "name": self.name, "role": role });
        if let Some(user) = self.user {
            content["user"] = user.into();
        }
        // One source is the usual case and is sent as itself.
        match self.sources.as_slice() {
            [] => {}
            [one] => content["source"] = one.as_str().into(),
            several => content["source"] = several.into(),
        }
        if let Some(expires) = self.expires {
            content["expires"] = expires.to_string().into();
        }
        let body = session.client.post(&KEYS, &content).await?;
        session.show(&body, |body| {
            format!(
                "{}\n\nThis is the key {} ({}). It is shown this once; keep it where secrets are kept.\n",
                cell(body, "key"), cell(body, "id"), cell(body, "role")
            )
        })
    }
}

fn list(body: &Value) -> String {
    let keys = items(body, "keys");
    if keys.is_empty() {
        return "There is no key; `vouch key create` makes one.\n".to_owned();
    }
    let columns = [
        ("ID", "id"),
        ("NAME", "name"),
        ("ROLE", "role"),
        ("USER", "user"),
        ("SOURCE", "source"),
        ("CREATED", "created_at"),
        ("EXPIRES", "expires"),
        ("LAST USED", "last_used"),
        ("REVOKED", "revoked"),
    ];
    table(keys, &columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        let text = |text| moment(text, Ago::Past).map(|moment| moment.to_string());
        assert_eq!(text("2025-03-01"), Ok("2025-03-01T00:00:00Z".to_owned()));
        assert_eq!(text("2025-03-01T12:00:00+02:00"), Ok("2025-03-01T10:00:00Z".to_owned()));
        assert!(moment("7d", Ago::Past).unwrap() < Timestamp::now());
        assert!(moment("7d", Ago::Future).unwrap() > Timestamp::now());
        assert!(text("last week").is_err());
        assert!(expires("2001-01-01").is_err());
    }
}
