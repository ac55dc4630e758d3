//! Who lets a version answer, and who takes it back.

use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;
use serde_json::json;

use super::documents::{document_no, log_change, make_live, no_such_document, refresh_rule};
use super::sources::source;
use super::{Actor, Ledger, audit, bump_epoch, now, rfc3339};
use crate::error::{Refusal, Result};
use crate::words::{DocumentId, VersionNo};

/// A version that waits for approval. It holds no title and no text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// The document's id.
    pub document: String,
    /// The version's hash.
    pub version: String,
    /// The source's id.
    pub source: String,
    /// When it was seen first, RFC 3339.
    pub seen_at: String,
    /// Who pushed it.
    pub brought_by: Option<String>,
    /// The approved version that answers until then.
    pub replaces: Option<String>,
}

/// What a decision did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// The document's id.
    pub document: String,
    /// The versions that it was about.
    pub versions: Vec<String>,
}

struct Candidate {
    no: VersionNo,
    hash: String,
    state: String,
    brought_by: Option<String>,
}

impl Ledger {
    /// The versions that wait, and the sources that are proposed.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn waiting(&self, only: Option<&str>) -> Result<(Vec<Waiting>, Vec<String>)> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT d.source || '/' || d.path, v.hash, d.source, v.seen_at, v.brought_by, l.hash
                 FROM document d JOIN version v ON v.no = d.newest JOIN source s ON s.id = d.source
                 LEFT JOIN version l ON l.no = d.live
                 WHERE v.state = 'waiting' AND s.state IN ('active', 'paused')
                   AND (?1 IS NULL OR d.source = ?1) ORDER BY 1",
            )?;
            let rows = statement.query_map([only], |row| {
                Ok(Waiting {
                    document: row.get(0)?,
                    version: row.get(1)?,
                    source: row.get(2)?,
                    seen_at: rfc3339(row.get(3)?),
                    brought_by: row.get(4)?,
                    replaces: row.get(5)?,
                })
            })?;
            let versions = rows.collect::<Result<_, _>>()?;
            let mut proposed = tx.prepare_cached(
                "SELECT id FROM source WHERE state = 'proposed' AND (?1 IS NULL OR id = ?1) ORDER BY id",
            )?;
            let sources = proposed.query_map([only], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok((versions, sources))
        })
    }

    /// Lets a version answer: the named one, else the newest that was seen.
    ///
    /// # Errors
    /// Not an approver of the source, one's own push, nothing that waits, or no such version.
    pub fn approve(
        &self,
        id: &DocumentId,
        version: Option<&str>,
        actor: &Actor,
        note: Option<&str>,
    ) -> Result<Decided> {
        self.write(|tx| {
            let document = document_no(tx, id)?;
            let held = source(tx, &id.source)?;
            held.approver(actor)?;
            let candidate = candidate(tx, document, id, version)?;
            if candidate.state == "draft" {
                return Err(Refusal::conflict(
                    "draft",
                    format!("`{id}` is a draft"),
                    "its author takes `draft: true` out first",
                ));
            }
            let own = candidate.brought_by.as_deref() == Some(actor.name.as_str());
            if own && !held.spec.self_approval {
                return Err(Refusal::forbidden(
                    "own_push",
                    format!("{} pushed this version of `{id}`", actor.name),
                    "another approver decides, or the source sets self_approval = true",
                ));
            }
            make_live(tx, document, candidate.no, &actor.name, note)?;
            refresh_rule(tx, document)?;
            bump_epoch(tx)?;
            let subject = json!({"document": id.to_string(), "version": candidate.hash});
            audit::act(tx, actor, "version.approve", subject, note)?;
            Ok(Decided { document: id.to_string(), versions: vec![candidate.hash] })
        })
    }

    /// Refuses a version that waits: the named one, else the newest. The approved one goes on
    /// answering.
    ///
    /// # Errors
    /// Not an approver of the source, or nothing that waits.
    pub fn reject(
        &self,
        id: &DocumentId,
        version: Option<&str>,
        actor: &Actor,
        why: &str,
    ) -> Result<Decided> {
        self.write(|tx| {
            let document = document_no(tx, id)?;
            source(tx, &id.source)?.approver(actor)?;
            let candidate = candidate(tx, document, id, version)?;
            if candidate.state != "waiting" {
                return Err(Refusal::conflict(
                    "nothing_waiting",
                    format!("that version of `{id}` does not wait for approval"),
                    "use `vouch withdraw` to take back an approved version",
                ));
            }
            decide(tx, candidate.no, "reject", actor, why)?;
            let subject = json!({"document": id.to_string(), "version": candidate.hash});
            audit::act(tx, actor, "version.reject", subject, Some(why))?;
            Ok(Decided { document: id.to_string(), versions: vec![candidate.hash] })
        })
    }

    /// Takes back the version that answers. No earlier version comes back by itself.
    ///
    /// # Errors
    /// Neither an approver nor an administrator, or no version that answers.
    pub fn withdraw(&self, id: &DocumentId, actor: &Actor, why: &str) -> Result<Decided> {
        self.write(|tx| {
            let document = document_no(tx, id)?;
            let held = source(tx, &id.source)?;
            if !actor.administrator {
                held.approver(actor)?;
            }
            let live: Option<(u32, String)> = tx
                .prepare_cached(
                    "SELECT v.no, v.hash FROM document d JOIN version v ON v.no = d.live WHERE d.no = ?1",
                )?
                .query_row([document], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((no, hash)) = live else {
                return Err(Refusal::conflict(
                    "nothing_live",
                    format!("no version of `{id}` answers"),
                    "`vouch source documents SOURCE` shows each document's state",
                ));
            };
            decide(tx, VersionNo(no), "withdraw", actor, why)?;
            tx.execute(
                "UPDATE document SET live = NULL, live_modified = NULL WHERE no = ?1",
                [document],
            )?;
            log_change(tx, VersionNo(no), "drop")?;
            refresh_rule(tx, document)?;
            bump_epoch(tx)?;
            let subject = json!({"document": id.to_string(), "version": hash});
            audit::act(tx, actor, "version.withdraw", subject, Some(why))?;
            Ok(Decided { document: id.to_string(), versions: vec![hash] })
        })
    }
}

fn decide(
    tx: &Transaction<'_>,
    version: VersionNo,
    act: &str,
    actor: &Actor,
    why: &str,
) -> Result<()> {
    let state = if act == "reject" { "rejected" } else { "withdrawn" };
    tx.execute("UPDATE version SET state = ?2 WHERE no = ?1", params![version.0, state])?;
    tx.execute(
        "INSERT INTO decision (version, act, by, at, note) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![version.0, act, actor.name, now(), why],
    )?;
    Ok(())
}

/// The version that a decision is about: the newest that was seen; or, of those with the named hash,
/// the newest that was seen, else one that waits, else the youngest.
fn candidate(
    tx: &Transaction<'_>,
    document: i64,
    id: &DocumentId,
    version: Option<&str>,
) -> Result<Candidate> {
    let row = tx
        .prepare_cached(
            "SELECT v.no, v.hash, v.state, v.brought_by FROM version v JOIN document d ON d.no = v.document
             JOIN version_text t ON t.version = v.no
             WHERE d.no = ?1 AND d.newest IS NOT NULL
               AND CASE WHEN ?2 IS NULL THEN v.no = d.newest ELSE v.hash = ?2 END
             ORDER BY v.no = d.newest DESC, v.state = 'waiting' DESC, v.no DESC LIMIT 1",
        )?
        .query_row(params![document, version], |row| {
            Ok(Candidate {
                no: VersionNo(row.get(0)?),
                hash: row.get(1)?,
                state: row.get(2)?,
                brought_by: row.get(3)?,
            })
        })
        .optional()?;
    match (row, version) {
        (Some(candidate), _) => Ok(candidate),
        (None, Some(version)) => Err(Refusal::missing(
            "no_such_version",
            format!("`{id}` has no version {version}"),
            "`vouch approvals` lists the versions that wait",
        )),
        (None, None) => Err(no_such_document(id)),
    }
}
