//! Work that outlives a request: syncs, extraction of pushed files, reindexing.
//!
//! A job is on disk before it is acknowledged, and is started again where the process died: each
//! kind of job may run twice with the same result.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Actor, Ledger, audit, now, rfc3339};
use crate::error::{Refusal, Result};
use crate::words::DocumentId;

/// The kinds of job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// Brings a folder source up to date.
    Sync,
    /// Extracts one pushed file.
    Extract,
    /// Builds a generation.
    Reindex,
}

impl JobKind {
    fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Extract => "extract",
            Self::Reindex => "reindex",
        }
    }

    fn from_name(name: &str) -> Self {
        match name {
            "sync" => Self::Sync,
            "reindex" => Self::Reindex,
            _ => Self::Extract,
        }
    }
}

/// The states of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Waits for its turn.
    Queued,
    /// Is being done.
    Running,
    /// Was done.
    Done,
    /// Could not be done.
    Failed,
}

impl JobState {
    fn from_name(name: &str) -> Self {
        match name {
            "queued" => Self::Queued,
            "running" => Self::Running,
            "done" => Self::Done,
            _ => Self::Failed,
        }
    }
}

/// One job.
#[derive(Clone, Debug, Serialize)]
pub struct Job {
    /// Its number.
    pub id: i64,
    /// What kind of work.
    pub kind: JobKind,
    /// The source it is about.
    pub source: Option<String>,
    /// What the kind needs to know.
    #[serde(skip)]
    pub payload: Value,
    /// Who asked for it.
    pub actor: String,
    /// Where it stands.
    pub state: JobState,
    /// Steps that are done.
    pub done: i64,
    /// Steps in all, once that is known.
    pub total: i64,
    /// What came of it, or why it failed.
    pub detail: Option<String>,
    /// When it began.
    pub started_at: Option<String>,
    /// When it ended.
    pub finished_at: Option<String>,
}

/// The longest pause between two tries of a job, in seconds.
const LONGEST_PAUSE: i64 = 300;
/// How many ended syncs of a source are kept, and how many ended reindexes.
const KEPT: u32 = 20;

const COLUMNS: &str =
    "id, kind, source, payload, actor, state, done, total, detail, started_at, finished_at";

impl Ledger {
    /// Queues a job; it is on disk when this returns. A sync that is queued already is not queued
    /// twice; one that extracts again is another one.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn queue_job(
        &self,
        kind: JobKind,
        source: Option<&str>,
        payload: &Value,
        actor: &str,
    ) -> Result<i64> {
        self.write(|tx| queue(tx, kind, source, payload, actor))
    }

    /// Queues a sync that somebody asked for, and records that they did.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn request_sync(&self, source: &str, payload: &Value, actor: &Actor) -> Result<i64> {
        self.write(|tx| {
            let job = queue(tx, JobKind::Sync, Some(source), payload, &actor.name)?;
            let subject = json!({"source": source, "job": job, "asked": payload});
            audit::act(tx, actor, "source.sync", subject, None)?;
            Ok(job)
        })
    }

    /// Puts back what was running when the process ended, and lets what paused begin at once. Called
    /// once, at start.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn requeue_jobs(&self) -> Result<usize> {
        self.write(|tx| {
            tx.execute("UPDATE job SET not_before = NULL WHERE state = 'queued'", [])?;
            Ok(tx.execute("UPDATE job SET state = 'queued' WHERE state = 'running'", [])?)
        })
    }

    /// Takes the oldest queued job of one of these kinds: one at a time for each source, and of
    /// pushes one for each document, the oldest first, so that the newest push of a document is taken
    /// in last.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn take_job(&self, kinds: &[JobKind]) -> Result<Option<Job>> {
        let names: Vec<_> = kinds.iter().map(|kind| format!("'{}'", kind.name())).collect();
        let sql = format!(
            "SELECT {COLUMNS} FROM job j WHERE state = 'queued' AND kind IN ({})
             AND coalesce(not_before, 0) <= ?1
             AND NOT EXISTS (SELECT 1 FROM job r WHERE r.state IN ('queued', 'running')
               AND r.kind = j.kind AND r.source IS j.source
               AND CASE r.kind
                 WHEN 'extract' THEN (r.state = 'running' OR r.id < j.id)
                   AND r.payload ->> 'path' = j.payload ->> 'path'
                 ELSE r.state = 'running' END)
             ORDER BY id LIMIT 1",
            names.join(", ")
        );
        if self
            .read(|tx| Ok(tx.prepare_cached(&sql)?.query_row([now()], job).optional()?))?
            .is_none()
        {
            return Ok(None);
        }
        self.write(|tx| {
            let found = tx.prepare_cached(&sql)?.query_row([now()], job).optional()?;
            if let Some(job) = &found {
                tx.prepare_cached(
                    "UPDATE job SET state = 'running', started_at = ?2 WHERE id = ?1",
                )?
                .execute(params![job.id, now()])?;
            }
            Ok(found)
        })
    }

    /// Notes how far a job is.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn job_progress(&self, id: i64, done: usize, total: usize) -> Result<()> {
        self.write(|tx| {
            tx.prepare_cached("UPDATE job SET done = ?2, total = ?3 WHERE id = ?1")?
                .execute(params![id, done, total])?;
            Ok(())
        })
    }

    /// Puts a job back that met a passing shortage: it is tried again after a pause, twice as long
    /// each time, up to five minutes.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn postpone_job(&self, id: i64, reason: &str) -> Result<()> {
        self.write(|tx| {
            tx.prepare_cached(
                "UPDATE job SET state = 'queued', detail = ?2, tries = tries + 1,
                   not_before = ?3 + min(?4, 1 << min(tries, 20)) WHERE id = ?1 AND state = 'running'",
            )?
            .execute(params![id, reason, now(), LONGEST_PAUSE])?;
            Ok(())
        })
    }

    /// The incoming files that pushes wait for.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn awaited_files(&self) -> Result<BTreeSet<String>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT payload ->> 'incoming' FROM job
                 WHERE kind = 'extract' AND state IN ('queued', 'running')",
            )?;
            let names = statement.query_map([], |row| row.get(0))?;
            Ok(names.collect::<Result<_, _>>()?)
        })
    }

    /// The incoming files of a document's pushes that failed or were called off: nobody needs them.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn forsaken_files(&self, id: &DocumentId) -> Result<BTreeSet<String>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT payload ->> 'incoming' FROM job WHERE kind = 'extract' AND state = 'failed'
                   AND source = ?1 AND payload ->> 'path' = ?2",
            )?;
            let names = statement.query_map(params![id.source, id.path], |row| row.get(0))?;
            Ok(names.collect::<Result<_, _>>()?)
        })
    }

    /// Ends a job that was not ended otherwise.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn finish_job(&self, id: i64, outcome: &std::result::Result<String, String>) -> Result<()> {
        let (state, detail) = match outcome {
            Ok(detail) => ("done", detail),
            Err(reason) => ("failed", reason),
        };
        self.write(|tx| {
            tx.prepare_cached(
                "UPDATE job SET state = ?2, detail = ?3, finished_at = ?4
                 WHERE id = ?1 AND state = 'running'",
            )?
            .execute(params![id, state, detail, now()])?;
            // Pushes come by the thousand; the audit keeps who pushed what, so a done one may go.
            tx.prepare_cached(
                "DELETE FROM job WHERE kind = 'extract' AND state IN ('done', 'failed') AND id < ?1 - 1000",
            )?
            .execute([id])?;
            // Syncs come for ever, one source's every few minutes: the newest tell enough.
            tx.prepare_cached(
                "DELETE FROM job WHERE state IN ('done', 'failed') AND id IN (
                   SELECT o.id FROM job o JOIN job n ON n.id = ?1 AND n.kind <> 'extract'
                     AND o.kind = n.kind AND o.source IS n.source
                   WHERE o.state IN ('done', 'failed') ORDER BY o.id DESC LIMIT -1 OFFSET ?2)",
            )?
            .execute(params![id, KEPT])?;
            Ok(())
        })
    }

    /// The newest jobs of a source, or of all.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn jobs(&self, source: Option<&str>, limit: u32) -> Result<Vec<Job>> {
        self.read(|tx| {
            let sql = format!(
                "SELECT {COLUMNS} FROM job WHERE ?1 IS NULL OR source = ?1
                 ORDER BY state IN ('queued', 'running') DESC, id DESC LIMIT ?2"
            );
            let mut statement = tx.prepare_cached(&sql)?;
            Ok(statement.query_map(params![source, limit], job)?.collect::<Result<_, _>>()?)
        })
    }
}

/// Queues a job; a sync that is waiting already is not queued twice.
fn queue(
    tx: &Transaction<'_>,
    kind: JobKind,
    source: Option<&str>,
    payload: &Value,
    actor: &str,
) -> Result<i64> {
    if kind == JobKind::Sync {
        let waiting: Option<i64> = tx
            .prepare_cached(
                "SELECT id FROM job WHERE kind = 'sync' AND source IS ?1 AND payload = ?2
                   AND state = 'queued'",
            )?
            .query_row(params![source, payload.to_string()], |row| row.get(0))
            .optional()?;
        if let Some(id) = waiting {
            return Ok(id);
        }
    }
    insert(tx, kind, source, payload, actor)
}

/// Lets the sync of a source that runs now be followed by another one.
pub(super) fn sync_again(tx: &Transaction<'_>, source: &str) -> Result<()> {
    let running = "SELECT 1 FROM job WHERE kind = 'sync' AND source = ?1 AND state = 'running'";
    if tx.prepare_cached(running)?.exists([source])? {
        queue(tx, JobKind::Sync, Some(source), &Value::Null, "schedule")?;
    }
    Ok(())
}

/// Queues a job in a transaction that does more.
pub(super) fn insert(
    tx: &Transaction<'_>,
    kind: JobKind,
    source: Option<&str>,
    payload: &Value,
    actor: &str,
) -> Result<i64> {
    let sql = "INSERT INTO job (kind, source, payload, actor, state, created_at)
        VALUES (?1, ?2, ?3, ?4, 'queued', ?5) RETURNING id";
    let values = params![kind.name(), source, payload.to_string(), actor, now()];
    Ok(tx.prepare_cached(sql)?.query_row(values, |row| row.get(0))?)
}

/// Calls off the pushes of a document that are under way: it was deleted after them.
pub(super) fn call_off(tx: &Transaction<'_>, id: &DocumentId) -> Result<bool> {
    let called_off = tx
        .prepare_cached(
            "UPDATE job SET state = 'failed', detail = 'the document was deleted', finished_at = ?3
         WHERE kind = 'extract' AND state IN ('queued', 'running') AND source = ?1
           AND payload ->> 'path' = ?2",
        )?
        .execute(params![id.source, id.path, now()])?;
    Ok(called_off > 0)
}

/// Refuses to go on with a job that was called off.
pub(super) fn still_running(tx: &Transaction<'_>, job: i64) -> Result<()> {
    let running = tx
        .prepare_cached("SELECT 1 FROM job WHERE id = ?1 AND state = 'running'")?
        .exists([job])?;
    if running {
        return Ok(());
    }
    Err(Refusal::conflict(
        "called_off",
        "the document was deleted after this push",
        "push it again",
    ))
}

fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let kind: String = row.get(1)?;
    let payload: String = row.get(3)?;
    let state: String = row.get(5)?;
    let started: Option<i64> = row.get(9)?;
    let finished: Option<i64> = row.get(10)?;
    Ok(Job {
        id: row.get(0)?,
        kind: JobKind::from_name(&kind),
        source: row.get(2)?,
        payload: serde_json::from_str(&payload).unwrap_or_default(),
        actor: row.get(4)?,
        state: JobState::from_name(&state),
        done: row.get(6)?,
        total: row.get(7)?,
        detail: row.get(8)?,
        started_at: started.map(rfc3339),
        finished_at: finished.map(rfc3339),
    })
}
