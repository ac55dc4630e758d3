//! API keys, stored as hashes.
//!
//! The audit names a key's holder by its user, else by the key's name: so a user is one that could
//! sign in, and no two keys that work have one name.

use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Actor, Ledger, audit, now, rfc3339};
use crate::error::{Refusal, Result};

/// What a key may do; it has this and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyRole {
    /// Asks as the named user.
    Reader,
    /// Pushes documents to the named sources.
    Pusher,
    /// Reads the audit, with its texts.
    Auditor,
    /// Administers; may push too.
    Administrator,
    /// Has tokens made for the people of a site, each for one of them; reads nothing itself.
    Widget,
}

impl KeyRole {
    fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Pusher => "pusher",
            Self::Auditor => "auditor",
            Self::Administrator => "administrator",
            Self::Widget => "widget",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Reader, Self::Pusher, Self::Auditor, Self::Administrator, Self::Widget]
            .into_iter()
            .find(|role| role.name() == name)
    }
}

/// A key to make.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// A name for people, of which no other key that works may have the same.
    pub name: String,
    /// What it may do.
    pub role: KeyRole,
    /// The user it stands for, without `user:`. A pusher's key pushes in their name and reads nothing.
    pub user: Option<String>,
    /// The sources it may push to.
    pub sources: Vec<String>,
    /// When it stops working.
    pub expires_at: Option<i64>,
}

/// A key as it is listed; the key itself is never stored.
#[derive(Clone, Debug, Serialize)]
pub struct KeyInfo {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub role: KeyRole,
    /// The user it stands for.
    pub user: Option<String>,
    /// The sources it may push to.
    pub sources: Vec<String>,
    /// When it was made.
    pub created_at: String,
    /// When it stops working.
    pub expires: Option<String>,
    /// When it was used last, to the minute.
    pub last_used: Option<String>,
    /// Whether it was revoked.
    pub revoked: bool,
}

const COLUMNS: &str =
    "id, name, role, user, sources, created_at, expires_at, last_used, revoked_at";

impl Ledger {
    /// Makes a key from its hash.
    ///
    /// # Errors
    /// A reader's key without a user, a pusher's without a source, something that is no user, or a name
    /// that is taken.
    pub fn create_key(&self, id: &str, hash: &str, new: &NewKey, actor: &Actor) -> Result<KeyInfo> {
        let lacks = match new.role {
            KeyRole::Reader if new.user.is_none() => Some("a reader's key needs a user"),
            KeyRole::Pusher if new.sources.is_empty() => Some("a pusher's key needs a source"),
            KeyRole::Widget if new.user.is_some() => Some("a widget's key stands for nobody"),
            KeyRole::Reader
            | KeyRole::Pusher
            | KeyRole::Auditor
            | KeyRole::Administrator
            | KeyRole::Widget => None,
        };
        if let Some(lacks) = lacks {
            return Err(Refusal::invalid(
                "key_incomplete",
                lacks,
                "name a user for a reader's key, the sources for a pusher's, and no user for a widget's",
            ));
        }
        if let Some(user) = &new.user {
            check_user(user)?;
        }
        self.write(|tx| {
            name_is_free(tx, &new.name)?;
            for source in &new.sources {
                super::sources::source(tx, source)?;
            }
            tx.execute(
                "INSERT INTO api_key VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL, NULL)",
                params![
                    id,
                    new.name,
                    new.role.name(),
                    new.user,
                    serde_json::to_string(&new.sources)?,
                    hash,
                    actor.name,
                    now(),
                    new.expires_at,
                ],
            )?;
            let made =
                key_of(tx, id)?.ok_or_else(|| anyhow::anyhow!("the key {id} was not written"))?;
            let subject = json!({"key": id, "before": null, "after": made});
            audit::act(tx, actor, "key.create", subject, None)?;
            Ok(made)
        })
    }

    /// The key with this hash, if it works now. Notes the use, at most once a minute.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn use_key(&self, hash: &str) -> Result<Option<KeyInfo>> {
        let found = self.read(|tx| {
            let sql = format!(
                "SELECT {COLUMNS} FROM api_key WHERE hash = ?1 AND revoked_at IS NULL
                 AND (expires_at IS NULL OR expires_at > ?2)"
            );
            let mut statement = tx.prepare_cached(&sql)?;
            Ok(statement
                .query_row(params![hash, now()], |row| {
                    let last: Option<i64> = row.get(7)?;
                    Ok((key(row)?, last))
                })
                .optional()?)
        })?;
        let Some((info, last)) = found else {
            return Ok(None);
        };
        if last.is_none_or(|last| last + 60 <= now()) {
            self.write(|tx| {
                tx.execute(
                    "UPDATE api_key SET last_used = ?2 WHERE id = ?1",
                    params![info.id, now()],
                )?;
                Ok(())
            })?;
        }
        Ok(Some(info))
    }

    /// Every key, newest first.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn keys(&self) -> Result<Vec<KeyInfo>> {
        self.read(|tx| {
            let sql = format!("SELECT {COLUMNS} FROM api_key ORDER BY created_at DESC, id");
            let mut statement = tx.prepare_cached(&sql)?;
            Ok(statement.query_map([], key)?.collect::<Result<_, _>>()?)
        })
    }

    /// Ends a key at once. Ending one again changes nothing but is recorded.
    ///
    /// # Errors
    /// No such key.
    pub fn revoke_key(&self, id: &str, actor: &Actor, why: Option<&str>) -> Result<()> {
        self.write(|tx| {
            let before = key_of(tx, id)?.ok_or_else(|| {
                Refusal::missing(
                    "no_such_key",
                    format!("there is no key `{id}`"),
                    "`vouch key list` shows the keys",
                )
            })?;
            tx.execute(
                "UPDATE api_key SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1",
                params![id, now()],
            )?;
            let subject = json!({"key": id, "before": before, "after": key_of(tx, id)?});
            audit::act(tx, actor, "key.revoke", subject, why)
        })
    }
}

/// What is not one person is refused: such a key would read as nobody whom a rule can name.
pub(super) fn check_user(user: &str) -> Result<()> {
    let principal = ["user:", "group:"].iter().any(|kind| user.starts_with(kind));
    let odd = user.trim() != user || user.chars().any(char::is_control);
    if user.is_empty() || user == "everyone" || principal || odd {
        return Err(Refusal::invalid(
            "bad_user",
            format!("`{user}` is no person that a key can stand for"),
            "name one person as rules name them, such as `bob` or `user:bob`; no group, and not everyone",
        ));
    }
    Ok(())
}

/// The first administrator is audited as `key:bootstrap`; nobody else may look like them.
fn name_is_free(tx: &Transaction<'_>, name: &str) -> Result<()> {
    if name.eq_ignore_ascii_case("bootstrap") {
        return Err(Refusal::invalid(
            "reserved_name",
            "`bootstrap` is the name of the first administrator's key",
            "give the key another name",
        ));
    }
    let taken = tx
        .prepare_cached(
            "SELECT 1 FROM api_key WHERE name = ?1 COLLATE NOCASE AND revoked_at IS NULL",
        )?
        .exists([name])?;
    if taken {
        return Err(Refusal::conflict(
            "key_exists",
            format!("there is a key with the name `{name}`"),
            "give this one another name, or revoke the other first; `vouch key list` shows them",
        ));
    }
    Ok(())
}

fn key_of(tx: &Transaction<'_>, id: &str) -> Result<Option<KeyInfo>> {
    let sql = format!("SELECT {COLUMNS} FROM api_key WHERE id = ?1");
    Ok(tx.prepare_cached(&sql)?.query_row([id], key).optional()?)
}

fn key(row: &Row<'_>) -> rusqlite::Result<KeyInfo> {
    let role: String = row.get(2)?;
    let sources: String = row.get(4)?;
    let expires: Option<i64> = row.get(6)?;
    let last_used: Option<i64> = row.get(7)?;
    let revoked: Option<i64> = row.get(8)?;
    Ok(KeyInfo {
        id: row.get(0)?,
        name: row.get(1)?,
        // A role that this program does not know may do the least: nothing but ask as its user.
        role: KeyRole::from_name(&role).unwrap_or(KeyRole::Reader),
        user: row.get(3)?,
        sources: serde_json::from_str(&sources).unwrap_or_default(),
        created_at: rfc3339(row.get(5)?),
        expires: expires.map(rfc3339),
        last_used: last_used.map(rfc3339),
        revoked: revoked.is_some(),
    })
}
