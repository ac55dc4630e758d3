//! The ledger: one SQLite database that is the truth about sources, documents, versions, access,
//! approvals, jobs and the audit. The indexes are views of it.
//!
//! A write returns when it is on disk (`synchronous = FULL`, checked at start). All SQL of Vouch
//! lives in this folder. There is one connection that writes and a few that read; SQLite's
//! write-ahead log lets them work side by side, and a reader's transaction sees one state.

mod approvals;
mod audit;
mod circle;
mod control;
mod conversations;
mod documents;
mod erasure;
mod explain;
mod folders;
mod gate;
mod generations;
mod held;
mod inspect;
mod jobs;
mod keys;
mod people;
mod sessions;
mod slack;
mod sources;
mod spending;
mod widening;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, params};
use rusqlite_migration::{M, Migrations};

use crate::error::Result;

pub use approvals::{About, Approval, Decided, Decision, OpenedVersion, Waiting, WaitingText};
pub use audit::{AuditQuery, AuditRecord, Opening, ShownPassage, Verified};
pub use control::Stopped;
pub use conversations::{
    ConversationInfo, ConversationLimits, NewCitation, NewSentence, NewTurn, Turn, TurnCitation,
    TurnSentence,
};
pub use documents::{Brought, DocumentInfo, Flag, Known, Push, Pushed, Seen};
pub use erasure::Retention;
pub use explain::{Check, CheckKind, Explanation, HeldChange, Overview, SourceSeen};
pub use folders::{FoldersFollowed, FoldersSeen};
pub use gate::{Clearance, DocumentText, Facts, Passage, Place};
pub use generations::{
    Change, ChangeAct, ChunkToEmbed, GenerationInfo, GenerationState, Settings, StoredEmbedding,
    VersionContent,
};
pub use held::{RuleChange, Widening};
pub use inspect::{Feedback, InspectedChunk, InspectedVersion, Inspection, Unanswered};
pub use jobs::{Job, JobKind, JobState};
pub use keys::{KeyInfo, KeyRole, NewKey};
pub use people::{GroupInfo, Standing, UserInfo, can_name_a_group};
pub use sessions::Session;
pub use slack::{SlackEvent, SlackRoom, SlackState, SlackTaken};
pub use sources::{
    ApprovalPolicy, Derived, Problem, Purged, SourceInfo, SourceKind, SourceSpec, SourceState,
    seconds_of,
};

/// Every form that the ledger had, in order. What was released is never edited, only followed.
fn migrations() -> Migrations<'static> {
    Migrations::new(vec![
        M::up(include_str!("schema.sql")),
        M::up(include_str!("control.sql")),
        M::up(include_str!("versions.sql")).foreign_key_check(),
        M::up(include_str!("jobs.sql")),
        M::up(include_str!("folders.sql")),
        M::up(include_str!("conversations.sql")),
        M::up(include_str!("spending.sql")),
        M::up(include_str!("slack.sql")),
        M::up(include_str!("flags.sql")),
        M::up(include_str!("lent.sql")),
        M::up(include_str!("signed.sql")),
    ])
}

/// Who does something, and why: what every administrative act leaves in the audit.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The principal, or `key:NAME` for a key without a person.
    pub name: String,
    /// Every principal of the actor: an approver may be named through a group.
    pub principals: std::collections::BTreeSet<crate::Principal>,
    /// Whether the actor administers Vouch.
    pub administrator: bool,
}

/// The ledger. Cheap to share; every method blocks.
pub struct Ledger {
    path: PathBuf,
    write: Mutex<Writer>,
    readers: Mutex<Vec<Connection>>,
    clearances: gate::ClearanceCache,
    head_file: PathBuf,
    widening_limit: f64,
}

/// The share of all documents that more people may newly see without a second person.
const WIDENING_LIMIT: f64 = 0.05;

/// The one connection that writes, and the newest audit hash that the head file holds.
struct Writer {
    connection: Connection,
    head: String,
}

/// The seconds since 1970.
#[must_use]
pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// A time of the ledger as RFC 3339.
#[must_use]
pub fn rfc3339(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| String::new(), |time| time.to_string())
}

impl Ledger {
    /// Opens the ledger in this folder, makes it where there is none, and brings its schema up to
    /// date. `head_file` is where the audit's newest hash is kept a second time. Fails where the disk
    /// promises of SQLite can't be had.
    ///
    /// # Errors
    /// The folder can't be written, or the file is not a ledger.
    pub fn open(folder: &Path, head_file: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("the data folder {} can't be made", folder.display()))?;
        let path = folder.join("ledger.sqlite");
        let mut write = Connection::open(&path)
            .with_context(|| format!("the ledger {} can't be opened", path.display()))?;
        prepare(&write)?;
        assert_durable(&write)?;
        // A table that is made anew must not take along what refers to it.
        write.pragma_update(None, "foreign_keys", false)?;
        migrations().to_latest(&mut write).with_context(|| {
            format!("the ledger {} can't be brought up to date", path.display())
        })?;
        write.pragma_update(None, "foreign_keys", true)?;
        Ok(Self {
            head_file: head_file.to_owned(),
            path,
            write: Mutex::new(Writer { connection: write, head: String::new() }),
            readers: Mutex::default(),
            clearances: gate::ClearanceCache::default(),
            widening_limit: WIDENING_LIMIT,
        })
    }

    /// Sets the share of all documents, from 0 to 1, that a change may let more people see before it
    /// is held for a second person. What lets `everyone` in is held whatever the share.
    #[must_use]
    pub fn with_widening_limit(mut self, share: f64) -> Self {
        self.widening_limit = share;
        self
    }

    /// Runs `work` in one transaction that is on disk when this returns.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        // A panic inside a transaction rolled it back; the connection itself is sound.
        let mut writer = lock(&self.write);
        let Writer { connection, head: kept } = &mut *writer;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&transaction)?;
        let mut head = audit::head(&transaction)?;
        if *kept != head {
            audit::watch_head_file(&transaction, &self.head_file)?;
            head = audit::head(&transaction)?;
        }
        transaction.commit()?;
        if *kept != head {
            audit::keep_head(&self.head_file, &head);
            *kept = head;
        }
        Ok(value)
    }

    /// Sees to it that nothing that was deleted is left in the ledger's files. Deleted rows are
    /// overwritten where they stood; the write-ahead log, which may hold them still, is emptied.
    fn overwrite_deleted(&self) -> Result<()> {
        let writer = lock(&self.write);
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let busy: bool = writer.connection.query_row(sql, [], |row| row.get(0))?;
        if busy {
            tracing::warn!("the write-ahead log is in use; it is emptied with the next checkpoint");
        }
        Ok(())
    }

    /// Runs `work` on one state of the ledger that no writer disturbs.
    fn read<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let pooled = lock(&self.readers).pop();
        let mut connection = match pooled {
            Some(connection) => connection,
            None => self.open_reader()?,
        };
        let value = {
            let transaction = connection.transaction()?;
            work(&transaction)?
        };
        lock(&self.readers).push(connection);
        Ok(value)
    }

    fn open_reader(&self) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        prepare(&connection)?;
        Ok(connection)
    }

    /// A kept value, such as the people file as it was read last.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn setting(&self, key: &str) -> Result<Option<String>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT value FROM setting WHERE key = ?1")?;
            let mut rows = statement.query([key])?;
            Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
        })
    }

    /// The keys that begin so.
    ///
    /// # Errors
    /// The ledger failed.
    pub(crate) fn setting_keys(&self, beginning: &str) -> Result<Vec<String>> {
        self.read(|tx| {
            let mut statement =
                tx.prepare_cached("SELECT key FROM setting WHERE substr(key, 1, length(?1)) = ?1")?;
            Ok(statement.query_map([beginning], |row| row.get(0))?.collect::<Result<_, _>>()?)
        })
    }

    /// Forgets a value; one that is not there is no error.
    ///
    /// # Errors
    /// The ledger failed.
    pub(crate) fn forget_setting(&self, key: &str) -> Result<()> {
        self.write(|tx| {
            tx.execute("DELETE FROM setting WHERE key = ?1", [key])?;
            Ok(())
        })
    }

    /// Keeps a value.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn set_setting(&self, key: &str, value: &str) -> Result<()> {
        self.write(|tx| {
            tx.execute(
                "INSERT INTO setting VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
                params![key, value],
            )?;
            Ok(())
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn prepare(connection: &Connection) -> Result<()> {
    connection.busy_timeout(std::time::Duration::from_secs(30))?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    if !connection.is_readonly(rusqlite::MAIN_DB)? {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // What is deleted is overwritten: a revoked source and an erased person leave no text behind.
        connection.pragma_update(None, "secure_delete", true)?;
    }
    Ok(())
}

/// Promise 8 rests on these two; a file system that refuses them is found at start, not in a crash.
fn assert_durable(connection: &Connection) -> Result<()> {
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    let full: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    if mode != "wal" || full != 2 {
        return Err(anyhow::anyhow!(
            "the ledger needs journal_mode=WAL and synchronous=FULL, and got {mode} and {full}; \
             put data_dir on a local disk"
        )
        .into());
    }
    Ok(())
}

/// Marks that what somebody may see has changed.
fn bump_epoch(tx: &Transaction<'_>) -> Result<()> {
    tx.prepare_cached("UPDATE setting SET value = value + 1 WHERE key = 'access_epoch'")?
        .execute([])?;
    Ok(())
}

fn epoch(tx: &Transaction<'_>) -> Result<i64> {
    let mut statement =
        tx.prepare_cached("SELECT CAST(value AS INTEGER) FROM setting WHERE key = 'access_epoch'")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_8_an_older_ledger_keeps_its_texts_and_gives_no_number_twice() {
        let folder = tempfile::tempdir().unwrap();
        let mut old = Connection::open(folder.path().join("ledger.sqlite")).unwrap();
        prepare(&old).unwrap();
        migrations().to_version(&mut old, 2).unwrap();
        old.execute_batch(
            "INSERT INTO source (id, spec, layer, state, added_by, added_at)
               VALUES ('news', '{}', '{}', 'active', 'x', 1);
             INSERT INTO rule VALUES (1, 'news', '[]');
             INSERT INTO document (no, source, path, place_layers, rule, uri)
               VALUES (1, 'news', 'a.md', '[]', 1, 'https://news.example/1');
             INSERT INTO version (no, document, hash, title, language, extractor, pages, modified_at,
               seen_at, state) VALUES (1, 1, 'h', 'T', '', 1, '[]', 1, 1, 'approved'),
               (7, 1, 'gone', 'T', '', 1, '[]', 1, 1, 'approved');
             INSERT INTO version_text VALUES (1, 'text');
             DELETE FROM version WHERE no = 7;",
        )
        .unwrap();
        drop(old);
        let ledger = Ledger::open(folder.path(), &folder.path().join("head")).unwrap();
        let writer = lock(&ledger.write);
        let kept: (String, String) = writer
            .connection
            .query_row(
                "SELECT v.uri, t.text FROM version v JOIN version_text t ON t.version = v.no",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .unwrap();
        assert_eq!(kept, ("https://news.example/1".to_owned(), "text".to_owned()));
        let next: i64 = writer
            .connection
            .query_row(
                "INSERT INTO version (document, hash, title, language, extractor, pages, modified_at,
                   seen_at, state) VALUES (1, 'n', 'T', '', 1, '[]', 1, 1, 'waiting') RETURNING no",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(next, 8);
        let gone = writer.connection.execute("DELETE FROM document", []).unwrap();
        let left: i64 = writer
            .connection
            .query_row("SELECT count(*) FROM version_text", [], |row| row.get(0))
            .unwrap();
        assert_eq!((gone, left), (1, 0), "what hangs on a document still goes with it");
    }

    #[test]
    fn promise_4_an_older_ledgers_folders_are_compared_with_what_was_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let mut old = Connection::open(folder.path().join("ledger.sqlite")).unwrap();
        prepare(&old).unwrap();
        migrations().to_version(&mut old, 4).unwrap();
        let spec = r#"{"id":"hr","kind":"folder","access":{"allow":["everyone"]}}"#;
        let rule = r#"[{"allow":["group:hr"]}]"#;
        old.execute(
            "INSERT INTO source (id, spec, layer, state, added_by, added_at)
               VALUES ('hr', ?1, '{}', 'active', 'x', 1)",
            [spec],
        )
        .unwrap();
        old.execute("INSERT INTO rule VALUES (1, 'hr', ?1)", [rule]).unwrap();
        old.execute(
            "INSERT INTO document (no, source, path, place_layers, rule, newest)
               VALUES (1, 'hr', 'in/deep/a.md', ?1, 1, 1)",
            [rule],
        )
        .unwrap();
        drop(old);
        let ledger = Ledger::open(folder.path(), &folder.path().join("head")).unwrap();
        let actor = Actor {
            name: "user:olga".to_owned(),
            principals: std::collections::BTreeSet::new(),
            administrator: true,
        };
        let hr: crate::Layer = serde_json::from_str(r#"{"allow":["group:hr"]}"#).unwrap();
        let said = |layer: Option<crate::Layer>| FoldersSeen {
            said: [("", None), ("in", layer), ("in/deep", None)]
                .map(|(path, layer)| (path.to_owned(), layer))
                .into(),
            ..FoldersSeen::default()
        };
        let followed = ledger.follow_folders("hr", &said(None), &actor).unwrap();
        assert!(followed.held.unwrap().what.contains("hr/in/deep: everyone"), "it was narrower");
        assert_eq!(followed.rules["in/deep"].0, std::slice::from_ref(&hr));
        let followed = ledger.follow_folders("hr", &said(Some(hr.clone())), &actor).unwrap();
        assert_eq!((followed.held, followed.refused), (None, vec![]));
        assert_eq!(followed.rules["in/deep"].0, [hr]);
    }
}
