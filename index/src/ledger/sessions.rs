//! Whom an identity provider's subject stands for, and who is signed in in a browser.
//!
//! A subject and a user are bound to each other when they are first seen together. From then on
//! neither counts with another partner: an address that was given to a new colleague does not open
//! what the old one could read, until an administrator releases it.
//!
//! A session is stored by the hash of its cookie and never outlives the groups that came with it, or the
//! key that opened it. A token that an API key had made for a person lies beside it, and ends with that
//! key at the latest; neither passes for the other.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, Transaction, params};
use serde_json::json;

use super::keys::check_user;
use super::{Actor, Ledger, audit, now, rfc3339};
use crate::error::{Refusal, Result};

/// Who is signed in in a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The user, without `user:`.
    pub user: String,
    /// The groups that the provider named.
    pub groups: Vec<String>,
    /// When it ends, in seconds since 1970.
    pub expires_at: i64,
    /// What proves the key that opened it, where one did: then user and groups say nothing of what it
    /// may do, but the key as it is now does.
    pub proof: Option<String>,
}

impl Ledger {
    /// Checks that this subject of this issuer is this user, and binds the two when both are new.
    ///
    /// # Errors
    /// One of them is bound to another.
    pub fn recognise(&self, issuer: &str, subject: &str, user: &str) -> Result<()> {
        if self.read(|tx| bound(tx, issuer, subject, user))? {
            return Ok(());
        }
        self.write(|tx| {
            // Somebody may have come first between the two transactions.
            if bound(tx, issuer, subject, user)? {
                return Ok(());
            }
            tx.execute(
                "INSERT INTO identity (issuer, subject, user, first_seen) VALUES (?1, ?2, ?3, ?4)",
                params![issuer, subject, user, now()],
            )?;
            let principal = format!("user:{user}");
            let facts = json!({"user": principal, "before": null, "after": {"issuer": issuer}});
            let own = Actor { name: principal, principals: BTreeSet::new(), administrator: false };
            audit::act(tx, &own, "user.recognise", facts, None)
        })
    }

    /// Forgets whom a user was bound to, and ends their sessions: the next subject that brings this
    /// user is bound anew.
    ///
    /// # Errors
    /// The user is bound to nobody.
    pub fn release_user(&self, user: &str, actor: &Actor, why: &str) -> Result<()> {
        self.write(|tx| {
            let issuer: Option<String> = tx
                .query_row("SELECT issuer FROM identity WHERE user = ?1", [user], |row| row.get(0))
                .optional()?;
            let Some(issuer) = issuer else {
                return Err(Refusal::conflict(
                    "not_bound",
                    format!("user:{user} is bound to no account of an identity provider"),
                    "there is nothing to release; check how the user is written",
                ));
            };
            tx.execute("DELETE FROM identity WHERE user = ?1", [user])?;
            tx.execute("DELETE FROM session WHERE user = ?1", [user])?;
            let principal = format!("user:{user}");
            let facts = json!({"user": principal, "before": {"issuer": issuer}, "after": null});
            audit::act(tx, actor, "user.release", facts, Some(why))
        })
    }

    /// Keeps a session under the hash of its cookie, and forgets those that are over.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn open_session(&self, hash: &str, session: &Session) -> Result<()> {
        self.write(|tx| keep(tx, hash, session, None))
    }

    /// Keeps the session that a key opened.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn open_session_by_key(&self, hash: &str, session: &Session, key: &Actor) -> Result<()> {
        self.write(|tx| {
            keep(tx, hash, session, None)?;
            let until = rfc3339(session.expires_at);
            let facts = json!({"before": null, "after": {"until": until}});
            audit::act(tx, key, "session.open", facts, None)
        })
    }

    /// The session with this hash, if it has not ended.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn session(&self, hash: &str) -> Result<Option<Session>> {
        const ONE: &str = "SELECT user, groups, expires_at, proof FROM session
             WHERE hash = ?1 AND expires_at > ?2 AND key IS NULL";
        let row = self.read(|tx| {
            let mut statement = tx.prepare_cached(ONE)?;
            let row = statement.query_row(params![hash, now()], |row| {
                Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get(3)?))
            });
            Ok(row.optional()?)
        })?;
        let Some((user, groups, expires_at, proof)) = row else { return Ok(None) };
        Ok(Some(Session { user, groups: serde_json::from_str(&groups)?, expires_at, proof }))
    }

    /// Keeps a token for a person under its hash, which the holder of this key vouches for.
    ///
    /// # Errors
    /// Something that is no person.
    pub fn lend(&self, hash: &str, lent: &Session, (key, actor): (&str, &Actor)) -> Result<()> {
        check_user(&lent.user)?;
        self.write(|tx| {
            keep(tx, hash, lent, Some(key))?;
            let user = format!("user:{}", lent.user);
            let until = rfc3339(lent.expires_at);
            let facts =
                json!({"key": key, "user": user, "before": null, "after": {"until": until}});
            audit::act(tx, actor, "token.lend", facts, None)
        })
    }

    /// The user of the token with this hash, if neither it nor its key has ended.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn lent(&self, hash: &str) -> Result<Option<String>> {
        const ONE: &str = "SELECT session.user FROM session
             JOIN api_key ON api_key.id = session.key AND api_key.revoked_at IS NULL
             WHERE session.hash = ?1 AND session.expires_at > ?2
             AND (api_key.expires_at IS NULL OR api_key.expires_at > ?2)";
        self.read(|tx| {
            let mut statement = tx.prepare_cached(ONE)?;
            Ok(statement.query_row(params![hash, now()], |row| row.get(0)).optional()?)
        })
    }

    /// Ends a session; one that is not there is no error.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn close_session(&self, hash: &str) -> Result<()> {
        self.write(|tx| {
            tx.execute("DELETE FROM session WHERE hash = ?1", [hash])?;
            Ok(())
        })
    }
}

/// Stores a session, or with a key's id what that key had lent, and forgets those that are over.
fn keep(tx: &Transaction<'_>, hash: &str, session: &Session, key: Option<&str>) -> Result<()> {
    tx.execute("DELETE FROM session WHERE expires_at <= ?1", [now()])?;
    let groups = serde_json::to_string(&session.groups)?;
    let Session { user, expires_at, proof, .. } = session;
    tx.execute(
        "INSERT INTO session (hash, user, groups, created_at, expires_at, key, proof)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![hash, user, groups, now(), expires_at, key, proof],
    )?;
    Ok(())
}

/// Whether the two are bound to each other. An error where one is bound to another.
fn bound(tx: &Transaction<'_>, issuer: &str, subject: &str, user: &str) -> Result<bool> {
    let known: Option<String> = tx
        .prepare_cached("SELECT user FROM identity WHERE issuer = ?1 AND subject = ?2")?
        .query_row([issuer, subject], |row| row.get(0))
        .optional()?;
    if let Some(known) = known {
        if known == user {
            return Ok(true);
        }
        return Err(Refusal::forbidden(
            "identity_changed",
            "this account was known under another name",
            format!("ask an administrator to check it and to run `vouch user release {known}`"),
        ));
    }
    let taken = tx.prepare_cached("SELECT 1 FROM identity WHERE user = ?1")?.exists([user])?;
    if taken {
        return Err(Refusal::forbidden(
            "identity_taken",
            format!("user:{user} belongs to another account of the identity provider"),
            format!("ask an administrator to check it and to run `vouch user release {user}`"),
        ));
    }
    Ok(false)
}
