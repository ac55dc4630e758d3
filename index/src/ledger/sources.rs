//! Sources: what they are for, who answers for them, and the states they pass through.
//!
//! `proposed` -> `active` <-> `paused`; any -> `revoked`, which is final. Every change counts from the
//! next query, because a clearance is computed from these rows.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::control::in_future;
use super::{Actor, Ledger, audit, bump_epoch, held, now, rfc3339};
use crate::access::{Layer, Principal};
use crate::error::{Error, Refusal, Result};

/// Where a source's documents come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// A folder on the server.
    Folder,
    /// Programs push documents with their access rules.
    Push,
}

/// What an approval covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalPolicy {
    /// Each version waits until somebody approves it.
    EachVersion,
    /// Whoever approved the source approved what it holds.
    Source,
}

/// The states of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceState {
    /// Waits for one of its approvers.
    Proposed,
    /// Answers.
    Active,
    /// Hidden for now; its files and rules are still followed.
    Paused,
    /// Hidden for ever.
    Revoked,
}

impl SourceState {
    fn name(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Revoked => "revoked",
        }
    }

    pub(super) fn from_name(name: &str) -> Self {
        match name {
            "active" => Self::Active,
            "paused" => Self::Paused,
            "proposed" => Self::Proposed,
            // The schema allows these four alone; whatever else it might be, it does not answer.
            _ => Self::Revoked,
        }
    }
}

/// A source as its owner describes it: the source file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSpec {
    /// Short name; the first part of every document id.
    pub id: String,
    /// Where documents come from.
    pub kind: SourceKind,
    /// The folder, for `folder`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Who answers for the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Principal>,
    /// What the source is for.
    #[serde(default)]
    pub purpose: String,
    /// Who may approve the source and its versions.
    #[serde(default)]
    pub approvers: Vec<Principal>,
    /// What an approval covers.
    #[serde(default = "each_version")]
    pub approval: ApprovalPolicy,
    /// Whether an approver may approve what they pushed themselves.
    #[serde(default)]
    pub self_approval: bool,
    /// After how long a document counts as stale, such as `180d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_every: Option<String>,
    /// After how long a document is no longer shown, such as `730d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_after: Option<String>,
    /// The higher one wins where two sources disagree.
    #[serde(default)]
    pub authority: i64,
    /// Who may read; a source must give `allow`.
    #[serde(default, deserialize_with = "crate::access::given")]
    pub access: Layer,
}

fn each_version() -> ApprovalPolicy {
    ApprovalPolicy::EachVersion
}

/// A source with its state and counts. It holds no titles and no text.
#[derive(Clone, Debug, Serialize)]
pub struct SourceInfo {
    /// The source as it was described.
    #[serde(flatten)]
    pub spec: SourceSpec,
    /// Its state.
    pub state: SourceState,
    /// Documents it holds, whether shown or not.
    pub documents: i64,
    /// Documents with a version that may answer.
    pub live: i64,
    /// Versions that wait for approval.
    pub waiting: i64,
    /// Files that could not be read.
    pub failed: i64,
    /// Chunks in the live generation.
    pub chunks: i64,
    /// Those of them that have vectors.
    pub embedded: i64,
    /// Whether work on it is queued or running.
    pub syncing: bool,
    /// The end of the last sync, RFC 3339.
    pub last_sync: Option<String>,
    /// Who added it.
    pub added_by: String,
    /// Who made it active.
    pub approved_by: Option<String>,
    /// Why it is paused or revoked.
    pub why: Option<String>,
    /// When its pause ends by itself.
    pub until: Option<String>,
    /// What its revocation took away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purged: Option<Purged>,
    /// The changes of its rules that wait for a second person.
    pub held: Option<String>,
}

/// A file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The path inside the source.
    pub path: String,
    /// What was wrong, and what to do.
    pub reason: String,
    /// When it was seen, RFC 3339.
    pub seen_at: String,
}

/// What revoking or removing a source took away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purged {
    /// Documents.
    pub documents: i64,
    /// Versions.
    pub versions: i64,
    /// Texts of versions.
    #[serde(default)]
    pub texts: i64,
    /// Chunks, over all generations.
    pub chunks: i64,
    /// Embedded chunks, over all generations.
    pub vectors: i64,
}

/// What is derived from a source at this moment; nothing, once it was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Derived {
    /// Texts of versions.
    pub texts: i64,
    /// Chunks, over all generations.
    pub chunks: i64,
    /// Embedded chunks, over all generations.
    pub vectors: i64,
    /// For a revoked source, generations whose indexes have to be cleaned yet: of it, or of another
    /// source that was revoked or removed.
    pub indexes: i64,
}

/// Reads a span such as `180d` or `12h` as seconds; a day has 24 hours.
///
/// # Errors
/// Text that is not a span, or months and years, whose length is not fixed.
pub fn seconds_of(span: &str) -> Result<i64> {
    let wrong = |why: String| {
        Refusal::invalid(
            "bad_span",
            format!("`{span}` is not a span of time: {why}"),
            "write a number and a unit, such as 12h, 180d or 26w",
        )
    };
    let parsed: jiff::Span = span.parse().map_err(|error: jiff::Error| wrong(error.to_string()))?;
    let length = parsed
        .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .map_err(|error| wrong(error.to_string()))?;
    if length.as_secs() <= 0 {
        return Err(wrong("it must be longer than nothing".to_owned()));
    }
    Ok(length.as_secs())
}

impl SourceSpec {
    /// Refuses what may not become a source, naming everything that is missing at once.
    ///
    /// # Errors
    /// A [`Refusal`] that says what to add.
    pub fn check(&self) -> Result<()> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if self.id.is_empty() || self.id.len() > 64 || !self.id.chars().all(plain) {
            return Err(Refusal::invalid(
                "bad_source_id",
                format!("`{}` can't be the id of a source", self.id),
                "use 1 to 64 lower-case letters, digits, `-` and `_`",
            ));
        }
        let mut missing = Vec::new();
        missing.extend(self.owner.is_none().then_some("`owner` (who answers for it)"));
        missing.extend(self.purpose.trim().is_empty().then_some("`purpose` (what it is for)"));
        missing.extend(self.approvers.is_empty().then_some("`approvers` (who may approve)"));
        missing.extend(self.access.allow.is_none().then_some("`access.allow` (who may read)"));
        let folder = self.kind == SourceKind::Folder;
        missing.extend((folder && self.path.is_none()).then_some("`path` (the folder)"));
        if !missing.is_empty() {
            return Err(Refusal::invalid(
                "source_incomplete",
                format!("source `{}` has no {}", self.id, missing.join(", no ")),
                "add it to the source file: without these nobody could answer for the source",
            ));
        }
        for span in [&self.review_every, &self.expire_after].into_iter().flatten() {
            seconds_of(span)?;
        }
        Ok(())
    }

    fn seconds(span: Option<&String>) -> Result<Option<i64>> {
        span.map(|span| seconds_of(span)).transpose()
    }

    /// Whether one of these principals is among the approvers.
    #[must_use]
    pub fn approved_by(&self, actor: &Actor) -> bool {
        self.approvers.iter().any(|approver| actor.principals.contains(approver))
    }
}

impl Ledger {
    /// Adds a source. It becomes active at once where the actor is one of its approvers, else it
    /// waits for one.
    ///
    /// # Errors
    /// An incomplete description, or an id that is taken.
    pub fn add_source(&self, spec: &SourceSpec, actor: &Actor) -> Result<SourceInfo> {
        spec.check()?;
        self.write(|tx| {
            if tx.prepare_cached("SELECT 1 FROM source WHERE id = ?1")?.exists([&spec.id])? {
                return Err(Refusal::conflict(
                    "source_exists",
                    format!("there is a source `{}` already", spec.id),
                    "use `vouch source update` to change it, or choose another id",
                ));
            }
            let approver = spec.approved_by(actor).then_some(actor.name.as_str());
            let state =
                if approver.is_some() { SourceState::Active } else { SourceState::Proposed };
            tx.execute(
                "INSERT INTO source (id, spec, layer, state, review_s, expire_s, added_by, added_at,
                   approved_by, approved_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    spec.id,
                    serde_json::to_string(spec)?,
                    serde_json::to_string(&spec.access)?,
                    state.name(),
                    SourceSpec::seconds(spec.review_every.as_ref())?,
                    SourceSpec::seconds(spec.expire_after.as_ref())?,
                    actor.name,
                    now(),
                    approver,
                    approver.map(|_| now()),
                ],
            )?;
            bump_epoch(tx)?;
            audit::act(
                tx,
                actor,
                "source.add",
                json!({"source": spec.id, "before": null, "after": spec, "state": state}),
                None,
            )?;
            if approver.is_some() {
                first_sync(tx, spec, actor)?;
            }
            info(tx, &spec.id)
        })
    }

    /// Changes what may change of a source: everything but its id and kind. A rule that lets in too
    /// many is held for a second person with all that came with it; then `held` says so, and the
    /// source stays as it is.
    ///
    /// # Errors
    /// No such source, an incomplete description, or another kind.
    pub fn update_source(&self, spec: &SourceSpec, actor: &Actor) -> Result<SourceInfo> {
        spec.check()?;
        self.write(|tx| {
            let before = source(tx, &spec.id)?;
            if before.spec.kind != spec.kind {
                return Err(Refusal::conflict(
                    "source_kind",
                    format!("source `{}` can't change its kind", spec.id),
                    "add a new source, then remove this one",
                ));
            }
            before.not_revoked()?;
            let present = (&before.spec, before.state);
            let held = held::source_update(tx, self.widening_limit, present, (spec, actor))?;
            if held.is_none() {
                held::replace_source(tx, actor, &spec.id)?;
                write_spec(tx, spec)?;
                bump_epoch(tx)?;
                let subject = json!({"source": spec.id, "before": before.spec, "after": spec});
                audit::act(tx, actor, "source.update", subject, None)?;
            }
            Ok(SourceInfo { held: held.map(|held| held.notice()), ..info(tx, &spec.id)? })
        })
    }

    /// Makes a proposed source active. The actor must be one of its approvers.
    ///
    /// # Errors
    /// No such source, not proposed, or not an approver.
    pub fn approve_source(&self, id: &str, actor: &Actor) -> Result<SourceInfo> {
        self.write(|tx| {
            let held = source(tx, id)?;
            held.approver(actor)?;
            if held.state != SourceState::Proposed {
                return Err(held.wrong_state("approved"));
            }
            tx.execute(
                "UPDATE source SET state = 'active', approved_by = ?2, approved_at = ?3 WHERE id = ?1",
                params![id, actor.name, now()],
            )?;
            bump_epoch(tx)?;
            let subject = json!({"source": id, "before": "proposed", "after": "active"});
            audit::act(tx, actor, "source.approve", subject, None)?;
            first_sync(tx, &held.spec, actor)?;
            info(tx, id)
        })
    }

    /// Hides a source from the next query on, until the end, if there is one.
    ///
    /// # Errors
    /// No such source, or not active.
    pub fn pause_source(
        &self,
        id: &str,
        actor: &Actor,
        why: &str,
        until: Option<i64>,
    ) -> Result<SourceInfo> {
        in_future(until)?;
        self.write(|tx| {
            let held = source(tx, id)?;
            if held.state != SourceState::Active {
                return Err(held.wrong_state("paused"));
            }
            set_state(tx, id, SourceState::Paused, Some(why))?;
            tx.execute("UPDATE source SET until = ?2 WHERE id = ?1", params![id, until])?;
            let subject = json!({"source": id, "before": "active", "after": "paused",
                "until": until.map(rfc3339)});
            audit::act(tx, actor, "source.pause", subject, Some(why))?;
            info(tx, id)
        })
    }

    /// Lets a paused source answer again.
    ///
    /// # Errors
    /// No such source, or not paused.
    pub fn resume_source(&self, id: &str, actor: &Actor) -> Result<SourceInfo> {
        self.write(|tx| {
            let held = source(tx, id)?;
            if held.state != SourceState::Paused {
                return Err(held.wrong_state("resumed"));
            }
            set_state(tx, id, SourceState::Active, None)?;
            let subject = json!({"source": id, "before": "paused", "after": "active"});
            audit::act(tx, actor, "source.resume", subject, None)?;
            info(tx, id)
        })
    }

    /// Hides a source for ever, and takes away the text, chunks and vectors that came from it.
    ///
    /// # Errors
    /// No such source, or revoked already.
    pub fn revoke_source(&self, id: &str, actor: &Actor, why: &str) -> Result<SourceInfo> {
        let revoked = self.write(|tx| {
            let held = source(tx, id)?;
            held.not_revoked()?;
            set_state(tx, id, SourceState::Revoked, Some(why))?;
            held::replace_source(tx, actor, id)?;
            held::replace_folders(tx, actor, id)?;
            let purged = purge(tx, id)?;
            tx.execute(
                "UPDATE source SET purged = ?2 WHERE id = ?1",
                params![id, serde_json::to_string(&purged)?],
            )?;
            let subject = json!({"source": id, "before": held.state, "after": "revoked",
                "purged": purged});
            audit::act(tx, actor, "source.revoke", subject, Some(why))?;
            info(tx, id)
        })?;
        self.overwrite_deleted()?;
        Ok(revoked)
    }

    /// What is derived from a source at this moment.
    ///
    /// # Errors
    /// No such source.
    pub fn derived(&self, id: &str) -> Result<Derived> {
        self.read(|tx| {
            let revoked = source(tx, id)?.state == SourceState::Revoked;
            let count = |sql: &str| -> Result<i64> {
                Ok(tx.prepare_cached(sql)?.query_row([id], |row| row.get(0))?)
            };
            Ok(Derived {
                texts: count(&of_versions("version_text"))?,
                chunks: count(&of_versions("chunk"))?,
                vectors: count(&of_versions("embedding"))?,
                indexes: if revoked { i64::try_from(to_clean(tx)?.len()).unwrap_or(0) } else { 0 },
            })
        })
    }

    /// The generations whose indexes still hold words or vectors of what was revoked or removed, with
    /// the change up to which they have to follow first.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn indexes_to_clean(&self) -> Result<Vec<(u32, i64)>> {
        self.read(to_clean)
    }

    /// Notes that a generation's indexes are clean up to that change, or that there is no such
    /// generation any more.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn index_cleaned(&self, generation: u32, change: i64) -> Result<()> {
        self.write(|tx| {
            tx.execute(
                "DELETE FROM setting WHERE key = ?1 AND CAST(value AS INTEGER) <= ?2",
                params![format!("{TO_CLEAN}{generation}"), change],
            )?;
            Ok(())
        })
    }

    /// Pushed files of sources that were revoked or removed, by job: nobody extracts them any more.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn pushes_to_clean(&self) -> Result<Vec<(i64, String)>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT id, coalesce(payload ->> 'incoming', '') FROM job
                 WHERE kind = 'extract' AND payload <> '{}' AND state IN ('done', 'failed')
                   AND source NOT IN (SELECT id FROM source WHERE state <> 'revoked')",
            )?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Forgets what a push said, once its file is gone.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn push_cleaned(&self, job: i64) -> Result<()> {
        self.write(|tx| {
            tx.execute("UPDATE job SET payload = '{}' WHERE id = ?1", [job])?;
            Ok(())
        })?;
        self.overwrite_deleted()
    }

    /// Deletes a source with all that was derived from it. The audit stays.
    ///
    /// # Errors
    /// No such source.
    pub fn remove_source(&self, id: &str, actor: &Actor) -> Result<Purged> {
        let removed = self.write(|tx| {
            let held = source(tx, id)?;
            held::replace_source(tx, actor, id)?;
            held::replace_folders(tx, actor, id)?;
            let purged = purge(tx, id)?;
            tx.execute("DELETE FROM document WHERE source = ?1", [id])?;
            tx.execute("DELETE FROM rule WHERE source = ?1", [id])?;
            tx.execute("DELETE FROM source WHERE id = ?1", [id])?;
            bump_epoch(tx)?;
            let subject = json!({"source": id, "before": held.spec, "state": held.state,
                "after": null, "purged": purged});
            audit::act(tx, actor, "source.remove", subject, None)?;
            Ok(purged)
        })?;
        self.overwrite_deleted()?;
        Ok(removed)
    }

    /// One source with its counts.
    ///
    /// # Errors
    /// No such source.
    pub fn source(&self, id: &str) -> Result<SourceInfo> {
        self.read(|tx| info(tx, id))
    }

    /// All sources with their counts, by id.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn sources(&self) -> Result<Vec<SourceInfo>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT id FROM source ORDER BY id")?;
            let ids: Vec<String> =
                statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            ids.iter().map(|id| info(tx, id)).collect()
        })
    }

    /// Files of a source that could not be read.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn problems(&self, source: &str) -> Result<Vec<Problem>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT path, reason, seen_at FROM problem WHERE source = ?1
                 UNION ALL
                 SELECT d.path, 'looks like instructions to a language model: '
                     || (SELECT group_concat(value ->> 'reason' || ' (byte ' || (value ->> 'start') || ')', ', ')
                           FROM json_each(n.flags))
                     || '; look at it. It changes no answer', n.seen_at
                   FROM document d JOIN version n ON n.no = d.newest
                   WHERE d.source = ?1 AND n.flags IS NOT NULL ORDER BY path",
            )?;
            let rows = statement.query_map([source], |row| {
                Ok(Problem {
                    path: row.get(0)?,
                    reason: row.get(1)?,
                    seen_at: super::rfc3339(row.get(2)?),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Notes that a pushed file could not be read, unless the job was called off meanwhile. The
    /// document's approved version goes on answering.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn note_problem(&self, job: i64, source: &str, path: &str, reason: &str) -> Result<()> {
        self.write(|tx| {
            tx.prepare_cached(
                "INSERT INTO problem SELECT ?1, ?2, ?3, ?4
                 WHERE EXISTS (SELECT 1 FROM job WHERE id = ?5 AND state = 'running')
                 ON CONFLICT DO UPDATE SET reason = excluded.reason, seen_at = excluded.seen_at",
            )?
            .execute(params![source, path, reason, now(), job])?;
            Ok(())
        })
    }

    /// Ends a sync: forgets problems that this sync did not see again, and notes the time.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn finish_sync(&self, source: &str, problems: &BTreeMap<String, String>) -> Result<()> {
        self.write(|tx| {
            tx.execute("DELETE FROM problem WHERE source = ?1", [source])?;
            for (path, reason) in problems {
                tx.prepare_cached("INSERT INTO problem VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![source, path, reason, now()])?;
            }
            tx.execute("UPDATE source SET last_sync = ?2 WHERE id = ?1", params![source, now()])?;
            Ok(())
        })
    }
}

/// What a transaction needs to know of a source.
pub(super) struct Held {
    pub(super) spec: SourceSpec,
    pub(super) state: SourceState,
    pub(super) approved_by: Option<String>,
}

impl Held {
    fn not_revoked(&self) -> Result<()> {
        match self.state {
            SourceState::Revoked => Err(self.wrong_state("changed")),
            SourceState::Proposed | SourceState::Active | SourceState::Paused => Ok(()),
        }
    }

    pub(super) fn approver(&self, actor: &Actor) -> Result<()> {
        if self.spec.approved_by(actor) {
            return Ok(());
        }
        let approvers: Vec<_> = self.spec.approvers.iter().map(ToString::to_string).collect();
        Err(Refusal::forbidden(
            "not_an_approver",
            format!("{} is not an approver of source `{}`", actor.name, self.spec.id),
            format!("ask one of {}", approvers.join(", ")),
        ))
    }

    fn wrong_state(&self, wish: &str) -> Error {
        Refusal::conflict(
            "source_state",
            format!("source `{}` is {} and can't be {wish}", self.spec.id, self.state.name()),
            "see `vouch source show` for its state",
        )
    }
}

/// Reads one source.
pub(super) fn source(tx: &Transaction<'_>, id: &str) -> Result<Held> {
    let row = tx
        .prepare_cached("SELECT spec, state, approved_by FROM source WHERE id = ?1")?
        .query_row([id], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((spec, state, approved_by)) = row else {
        return Err(Refusal::missing(
            "no_such_source",
            format!("there is no source `{id}`"),
            "`vouch source list` shows the sources",
        ));
    };
    Ok(Held {
        spec: serde_json::from_str(&spec)?,
        state: SourceState::from_name(&state),
        approved_by,
    })
}

/// Writes another description of a source.
pub(super) fn write_spec(tx: &Transaction<'_>, spec: &SourceSpec) -> Result<()> {
    tx.execute(
        "UPDATE source SET spec = ?2, layer = ?3, review_s = ?4, expire_s = ?5 WHERE id = ?1",
        params![
            spec.id,
            serde_json::to_string(spec)?,
            serde_json::to_string(&spec.access)?,
            SourceSpec::seconds(spec.review_every.as_ref())?,
            SourceSpec::seconds(spec.expire_after.as_ref())?,
        ],
    )?;
    Ok(())
}

/// Queues the first sync of a folder with its activation, so that nobody has to remember it.
fn first_sync(tx: &Transaction<'_>, spec: &SourceSpec, actor: &Actor) -> Result<()> {
    if spec.kind == SourceKind::Folder {
        let payload = serde_json::Value::Null;
        super::jobs::insert(tx, super::JobKind::Sync, Some(&spec.id), &payload, &actor.name)?;
    }
    Ok(())
}

fn set_state(tx: &Transaction<'_>, id: &str, state: SourceState, why: Option<&str>) -> Result<()> {
    tx.execute(
        "UPDATE source SET state = ?2, why = ?3, until = NULL WHERE id = ?1",
        params![id, state.name(), why],
    )?;
    bump_epoch(tx)
}

/// The settings that name generations whose indexes have to be cleaned, up to a change.
const TO_CLEAN: &str = "clean_index:";

fn to_clean(tx: &Transaction<'_>) -> Result<Vec<(u32, i64)>> {
    let mut statement = tx.prepare_cached(
        "SELECT CAST(substr(key, length(?1) + 1) AS INTEGER), CAST(value AS INTEGER) FROM setting
         WHERE substr(key, 1, length(?1)) = ?1 ORDER BY 1",
    )?;
    let rows = statement.query_map([TO_CLEAN], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Counts the rows of a table that belong to a source's versions.
fn of_versions(table: &str) -> String {
    format!(
        "SELECT count(*) FROM {table} WHERE version IN
         (SELECT v.no FROM version v JOIN document d ON d.no = v.document WHERE d.source = ?1)"
    )
}

/// Takes away what was derived from a source: text, titles, chunks, vectors. The indexes follow by the
/// change log, and are written anew afterwards.
fn purge(tx: &Transaction<'_>, id: &str) -> Result<Purged> {
    const OF: &str =
        "SELECT v.no FROM version v JOIN document d ON d.no = v.document WHERE d.source = ?1";
    let count = |sql: &str| -> Result<i64> { Ok(tx.query_row(sql, [id], |row| row.get(0))?) };
    let purged = Purged {
        documents: count("SELECT count(*) FROM document WHERE source = ?1")?,
        versions: count(&format!("SELECT count(*) FROM ({OF})"))?,
        texts: count(&of_versions("version_text"))?,
        chunks: count(&of_versions("chunk"))?,
        vectors: count(&of_versions("embedding"))?,
    };
    tx.execute(&format!("INSERT INTO change (version, act) SELECT no, 'drop' FROM ({OF})"), [id])?;
    for table in ["chunk", "embedding", "version_text"] {
        tx.execute(&format!("DELETE FROM {table} WHERE version IN ({OF})"), [id])?;
    }
    super::conversations::purge(tx, id)?;
    // Titles are text as well.
    tx.execute(
        &format!("UPDATE version SET title = '', owner = NULL, uri = NULL, pages = '[]', flags = NULL WHERE no IN ({OF})"),
        [id],
    )?;
    tx.execute(
        "UPDATE document SET live = NULL, live_modified = NULL, newest = NULL, said = NULL
         WHERE source = ?1",
        [id],
    )?;
    tx.execute(
        "INSERT OR REPLACE INTO setting SELECT ?1 || no, (SELECT max(seq) FROM change) FROM generation
         WHERE EXISTS (SELECT 1 FROM change)",
        [TO_CLEAN],
    )?;
    tx.execute("DELETE FROM problem WHERE source = ?1", [id])?;
    tx.execute(
        "UPDATE job SET state = 'failed', detail = 'the source was revoked or removed'
         WHERE source = ?1 AND state IN ('queued', 'running')",
        [id],
    )?;
    Ok(purged)
}

fn info(tx: &Transaction<'_>, id: &str) -> Result<SourceInfo> {
    let held = source(tx, id)?;
    let count = |sql: &str| -> Result<i64> {
        Ok(tx.prepare_cached(sql)?.query_row([id], |row| row.get(0))?)
    };
    const CHUNKS: &str = "SELECT count(*) FROM document d
        JOIN generation g ON g.state = 'live'
        JOIN chunk c ON c.generation = g.no AND c.version = d.live
        WHERE d.source = ?1";
    let read = |row: &Row<'_>| {
        let time =
            |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(rfc3339));
        Ok((row.get(0)?, row.get(1)?, time(2)?, time(3)?))
    };
    let (added_by, why, last_sync, until) = tx
        .prepare_cached("SELECT added_by, why, last_sync, until FROM source WHERE id = ?1")?
        .query_row([id], read)?;
    let purged: Option<String> = tx
        .prepare_cached("SELECT purged FROM source WHERE id = ?1")?
        .query_row([id], |row| row.get(0))?;
    Ok(SourceInfo {
        state: held.state,
        documents: count("SELECT count(*) FROM document WHERE source = ?1 AND newest IS NOT NULL")?,
        live: count(
            "SELECT count(*) FROM document WHERE source = ?1 AND live IS NOT NULL AND hidden = 0",
        )?,
        waiting: count(
            "SELECT count(*) FROM document d JOIN version v ON v.no = d.newest
             WHERE d.source = ?1 AND v.state = 'waiting'",
        )?,
        failed: count("SELECT count(*) FROM problem WHERE source = ?1")?,
        chunks: count(CHUNKS)?,
        embedded: count(&format!("{CHUNKS} AND c.embedded = 1"))?,
        syncing: count(
            "SELECT count(*) FROM job WHERE source = ?1 AND state IN ('queued', 'running')",
        )? > 0,
        last_sync,
        added_by,
        approved_by: held.approved_by,
        why,
        until,
        purged: purged.map(|text| serde_json::from_str(&text)).transpose()?,
        held: held::of_source(tx, id)?,
        spec: held.spec,
    })
}
