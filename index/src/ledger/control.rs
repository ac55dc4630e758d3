//! Who and what is stopped: blocked users, the whole assistant, and ends that come by themselves.
//!
//! Each has an actor, a reason and an optional end, and counts from the next query: a blocked user,
//! and anybody while the assistant is stopped, has no principals, not even `everyone`, so no layer
//! of any rule lets them pass.

use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;
use serde_json::json;

use super::{Actor, Ledger, audit, bump_epoch, now, rfc3339};
use crate::error::{Refusal, Result};

/// Why somebody, or everything, is stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stopped {
    /// Why.
    pub why: String,
    /// Who decided it.
    pub by: String,
    /// Since when, RFC 3339.
    pub at: String,
    /// When it ends by itself.
    pub until: Option<String>,
}

impl Stopped {
    /// The same for whoever may know that it is so, and not why.
    #[must_use]
    pub fn without_reason(self) -> Self {
        Self { why: String::new(), by: String::new(), ..self }
    }
}

const COLUMNS: &str = "why, by, at, until";

impl Ledger {
    /// Shuts a user out until the end, if there is one. Blocking again replaces reason and end.
    ///
    /// # Errors
    /// An end that has passed.
    pub fn block_user(
        &self,
        user: &str,
        actor: &Actor,
        why: &str,
        until: Option<i64>,
    ) -> Result<Stopped> {
        in_future(until)?;
        self.write(|tx| {
            let before = blocked(tx, user)?;
            tx.execute(
                "INSERT OR REPLACE INTO block (user, by, why, at, until) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![user, actor.name, why, now(), until],
            )?;
            tx.execute("DELETE FROM session WHERE user = ?1", [user])?;
            bump_epoch(tx)?;
            let after = blocked(tx, user)?;
            let subject = json!({"user": user_principal(user), "before": before, "after": after});
            audit::act(tx, actor, "user.block", subject, Some(why))?;
            after.ok_or_else(|| anyhow::anyhow!("the block was not written").into())
        })
    }

    /// Lets a blocked user in again.
    ///
    /// # Errors
    /// The user is not blocked.
    pub fn unblock_user(&self, user: &str, actor: &Actor) -> Result<()> {
        self.write(|tx| {
            let before = blocked(tx, user)?.ok_or_else(|| {
                Refusal::conflict(
                    "not_blocked",
                    format!("user:{user} is not blocked"),
                    "`vouch user list` shows who is",
                )
            })?;
            tx.execute("DELETE FROM block WHERE user = ?1", [user])?;
            bump_epoch(tx)?;
            let subject = json!({"user": user_principal(user), "before": before, "after": null});
            audit::act(tx, actor, "user.unblock", subject, None)
        })
    }

    /// Why this user is blocked, if they are.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn blocked(&self, user: &str) -> Result<Option<Stopped>> {
        self.read(|tx| blocked(tx, user))
    }

    /// Stops the whole assistant: nobody sees anything until it is started again.
    ///
    /// # Errors
    /// An end that has passed.
    pub fn stop(&self, actor: &Actor, why: &str, until: Option<i64>) -> Result<Stopped> {
        in_future(until)?;
        self.write(|tx| {
            let before = stopped(tx)?;
            tx.execute(
                "INSERT OR REPLACE INTO stop (one, by, why, at, until) VALUES (1, ?1, ?2, ?3, ?4)",
                params![actor.name, why, now(), until],
            )?;
            bump_epoch(tx)?;
            let after = stopped(tx)?;
            let subject = json!({"before": before, "after": after});
            audit::act(tx, actor, "assistant.stop", subject, Some(why))?;
            after.ok_or_else(|| anyhow::anyhow!("the stop was not written").into())
        })
    }

    /// Starts the assistant again.
    ///
    /// # Errors
    /// It is not stopped.
    pub fn start(&self, actor: &Actor) -> Result<()> {
        self.write(|tx| {
            let before = stopped(tx)?.ok_or_else(|| {
                Refusal::conflict(
                    "not_stopped",
                    "the assistant is not stopped",
                    "`vouch status` shows what is",
                )
            })?;
            tx.execute("DELETE FROM stop", [])?;
            bump_epoch(tx)?;
            audit::act(tx, actor, "assistant.start", json!({"before": before, "after": null}), None)
        })
    }

    /// Why the assistant is stopped, if it is.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn stopped(&self) -> Result<Option<Stopped>> {
        self.read(stopped)
    }

    /// Ends every block, stop and pause whose time has come, as the actor. Until this is called they
    /// hold: an end that comes late shows too little, never too much.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn end_what_is_over(&self, clock: &Actor) -> Result<usize> {
        const OVER: [&str; 3] = [
            "SELECT user FROM block WHERE until <= ?1",
            "SELECT one FROM stop WHERE until <= ?1",
            "SELECT id FROM source WHERE state = 'paused' AND until <= ?1",
        ];
        let users: Vec<String> = self.over(OVER[0])?;
        let stops: Vec<i64> = self.over(OVER[1])?;
        let sources: Vec<String> = self.over(OVER[2])?;
        for user in &users {
            self.unblock_user(user, clock)?;
        }
        if !stops.is_empty() {
            self.start(clock)?;
        }
        for source in &sources {
            self.resume_source(source, clock)?;
        }
        Ok(users.len() + stops.len() + sources.len())
    }

    fn over<T: rusqlite::types::FromSql>(&self, sql: &str) -> Result<Vec<T>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(sql)?;
            Ok(statement.query_map([now()], |row| row.get(0))?.collect::<Result<_, _>>()?)
        })
    }
}

/// Why this user is blocked, if they are.
pub(super) fn blocked(tx: &Transaction<'_>, user: &str) -> Result<Option<Stopped>> {
    let sql = format!("SELECT {COLUMNS} FROM block WHERE user = ?1");
    Ok(tx.prepare_cached(&sql)?.query_row([user], row).optional()?)
}

/// Why the assistant is stopped, if it is.
pub(super) fn stopped(tx: &Transaction<'_>) -> Result<Option<Stopped>> {
    let sql = format!("SELECT {COLUMNS} FROM stop");
    Ok(tx.prepare_cached(&sql)?.query_row([], row).optional()?)
}

/// Refuses an end that has passed.
pub(super) fn in_future(until: Option<i64>) -> Result<()> {
    if until.is_some_and(|until| until <= now()) {
        return Err(Refusal::invalid(
            "bad_until",
            "the end lies in the past",
            "give a time that is still to come, or none",
        ));
    }
    Ok(())
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Stopped> {
    Ok(Stopped {
        why: row.get(0)?,
        by: row.get(1)?,
        at: rfc3339(row.get(2)?),
        until: row.get::<_, Option<i64>>(3)?.map(rfc3339),
    })
}

fn user_principal(user: &str) -> String {
    format!("user:{user}")
}
