//! Documents and their versions, as sources bring them in.
//!
//! A version is named by the hash of the file's bytes; whatever else a reader sees of it (title,
//! language, owner, date, address) makes a new one too when it changes, and so does its own access
//! where each version waits: nothing of it counts before somebody approved it. Bytes that somebody
//! refused are approved by themselves nowhere in their source. What a document's own rule says is that of its approved version **and** that of its newest
//! seen version until that one is approved: an unapproved change can narrow at once and widen never.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::sources::{Held, source};
use super::{Actor, ApprovalPolicy, Ledger, SourceState, audit, bump_epoch, now};
use crate::access::{Layer, Rule};
use crate::error::{Error, Refusal, Result};
use crate::instructions;
use crate::words::{DocumentId, Extracted, VersionNo};

/// A file as a source showed it, already extracted.
pub struct Seen<'a> {
    /// The path inside the source.
    pub path: &'a str,
    /// `sha256:…` of the file's bytes.
    pub hash: &'a str,
    /// The extractor's number.
    pub extractor: u32,
    /// What extraction made of it.
    pub extracted: &'a Extracted,
    /// The layers of the folders, or of the push.
    pub place: &'a Rule,
    /// Where people open the original, if it has an address.
    pub uri: Option<&'a str>,
    /// When the file was changed last, for documents that don't say so themselves.
    pub modified_at: i64,
    /// For a push: who pushed it, what the push said, and the job that does it.
    pub push: Option<Push<'a>>,
}

/// What a push adds to what is seen; nobody pushes a folder's files.
#[derive(Clone, Copy)]
pub struct Push<'a> {
    /// Who pushed it.
    pub by: &'a str,
    /// [`Pushed::said`]
    pub said: &'a str,
    /// Who may read, as the push says it: part of the version's own layers.
    pub access: Option<&'a Layer>,
    /// The job; where it was called off meanwhile, nothing is taken in.
    pub job: i64,
}

/// What came of a seen file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brought {
    /// Its version answers now.
    Live,
    /// Its version waits for approval; an approved one goes on answering.
    Waiting,
    /// A draft, or not to be published: hidden.
    Hidden,
}

/// What the ledger knows of a source's file, to tell what changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The newest version's hash.
    pub hash: String,
    /// The extractor that read it.
    pub extractor: u32,
    /// The layers of its folders, or of its push.
    pub place: Rule,
    /// What its push said besides the bytes and the access.
    pub said: Option<String>,
}

/// A pushed file that waits for extraction, with what the push said of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Pushed {
    /// The path inside the source.
    pub path: String,
    /// `sha256:…` of the bytes.
    pub hash: String,
    /// The format's name as [`crate::FileKind`] writes it.
    pub kind: Option<crate::FileKind>,
    /// A title that replaces the file's own.
    pub title: Option<String>,
    /// Where people open the original.
    pub uri: Option<String>,
    /// Who looks after the document.
    pub owner: Option<String>,
    /// When it was changed last, RFC 3339.
    pub modified_at: Option<String>,
    /// Its language.
    pub language: Option<String>,
    /// Who may read it; absent adds no layer.
    pub access: Option<Layer>,
    /// Who pushed it.
    pub brought_by: String,
    /// The file's name in the folder of incoming files.
    pub incoming: String,
}

impl Pushed {
    /// What the push says of the version besides its bytes and who may read it.
    #[must_use]
    pub fn said(&self) -> String {
        serde_json::json!([self.title, self.language, self.owner, self.modified_at, self.uri])
            .to_string()
    }
}

/// A place of a version that looks like instructions to a language model, without its text. It is for
/// those who look after the source; no search and no answer knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// What it looks like.
    pub reason: String,
    /// First byte in the version's text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// The flags of a version as they are stored.
pub(super) fn flags(stored: Option<String>) -> Vec<Flag> {
    stored.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// A document as an administrator sees it: no title, no text.
#[derive(Clone, Debug, Serialize)]
pub struct DocumentInfo {
    /// The document's id.
    pub document: String,
    /// `live`, `waiting`, `hidden`, `expired`, `withdrawn` or `failed`.
    pub state: String,
    /// The version that answers.
    pub live_version: Option<String>,
    /// The version that was seen last.
    pub newest_version: Option<String>,
    /// Chunks in the live generation.
    pub chunks: i64,
    /// Those that have vectors.
    pub embedded: i64,
    /// When the live version's content was changed last.
    pub modified_at: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Places of the version that was seen last that look like instructions to a language model.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
}

impl Ledger {
    /// What is known of a source's documents, by path.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn known(&self, source: &str) -> Result<BTreeMap<String, Known>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT d.path, v.hash, v.extractor, d.place_layers, d.said FROM document d
                 JOIN version v ON v.no = d.newest WHERE d.source = ?1",
            )?;
            let rows = statement.query_map([source], |row| {
                let place: String = row.get(3)?;
                Ok((
                    row.get(0)?,
                    Known {
                        hash: row.get(1)?,
                        extractor: row.get(2)?,
                        place: Rule::from_stored(&place),
                        said: row.get(4)?,
                    },
                ))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Takes in a file that a source showed: a new version where there is one, its rule, and its
    /// approval where the source's policy gives it.
    ///
    /// # Errors
    /// No such source, or one that takes nothing in.
    pub fn bring(&self, source_id: &str, seen: &Seen<'_>) -> Result<(VersionNo, Brought)> {
        self.write(|tx| {
            let held = source(tx, source_id)?;
            held.takes_documents()?;
            if let Some(push) = seen.push {
                super::jobs::still_running(tx, push.job)?;
            }
            let document = document_row(tx, source_id, seen)?;
            let version = version_row(tx, &held, document, seen)?;
            tx.prepare_cached(
                "UPDATE document SET newest = ?2, hidden = ?3, said = ?4 WHERE no = ?1",
            )?
            .execute(params![
                document,
                version.0,
                seen.extracted.hidden,
                seen.push.map(|push| push.said),
            ])?;
            solved(tx, source_id, seen.path)?;
            let brought = settle(tx, &held, document, version, seen.extracted.hidden)?;
            refresh_rule(tx, document)?;
            bump_epoch(tx)?;
            Ok((version, brought))
        })
    }

    /// Takes note of a pushed file whose bytes are on disk: queues its extraction and records who
    /// pushed it. It is durable when this returns.
    ///
    /// # Errors
    /// No such source, not one that is pushed to, or one that takes nothing in.
    pub fn push(&self, source_id: &str, pushed: &Pushed, actor: &Actor) -> Result<i64> {
        self.write(|tx| {
            let held = source(tx, source_id)?;
            held.takes_documents()?;
            held.is_pushed_to()?;
            let document = format!("{source_id}/{}", pushed.path);
            let newest = "SELECT v.hash FROM document d JOIN version v ON v.no = d.newest
                WHERE d.source = ?1 AND d.path = ?2";
            let before: Option<String> = tx
                .prepare_cached(newest)?
                .query_row([source_id, &pushed.path], |row| row.get(0))
                .optional()?;
            let subject = serde_json::json!({
                "document": document, "version": pushed.hash, "access": pushed.access,
                "before": before, "after": pushed.hash,
            });
            audit::act(tx, actor, "document.push", subject, None)?;
            let payload = serde_json::to_value(pushed)?;
            super::jobs::insert(tx, super::JobKind::Extract, Some(source_id), &payload, &actor.name)
        })
    }

    /// Gives a document other folder layers. Nothing is extracted, chunked or embedded again.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn set_place(&self, source: &str, path: &str, place: &Rule) -> Result<()> {
        self.write(|tx| {
            let document: Option<i64> = tx
                .prepare_cached(
                    "UPDATE document SET place_layers = ?3 WHERE source = ?1 AND path = ?2 RETURNING no",
                )?
                .query_row(params![source, path, place.canonical()], |row| row.get(0))
                .optional()?;
            if let Some(document) = document {
                refresh_rule(tx, document)?;
            }
            bump_epoch(tx)
        })
    }

    /// Takes in a push that says the same of the same bytes as the one before, where at most the
    /// access is new: with the source's approval the version that answers gets the new layer, and
    /// nothing is extracted, chunked or embedded again. `false`: nothing was done, because the change
    /// waits for somebody and needs a version of its own ([`Ledger::bring`]).
    ///
    /// # Errors
    /// No such document.
    pub fn push_again(&self, id: &DocumentId, access: Option<&Layer>) -> Result<bool> {
        self.write(|tx| {
            let held = source(tx, &id.source)?;
            let (document, newest, live, stored): (i64, u32, Option<u32>, Option<String>) = tx
                .prepare_cached(
                    "SELECT d.no, v.no, d.live, v.access FROM document d
                     JOIN version v ON v.no = d.newest WHERE d.source = ?1 AND d.path = ?2",
                )?
                .query_row(params![id.source, id.path], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                })?;
            let said =
                stored.as_deref().and_then(|text| Rule::from_stored(text).0.into_iter().next());
            let own = own_layers(said.as_ref(), access);
            let approved = held.spec.approval == ApprovalPolicy::Source && live == Some(newest);
            if own != stored && !approved {
                return Ok(false);
            }
            set_own_layers(tx, VersionNo(newest), own.as_deref())?;
            // A push that failed in between may have narrowed the place.
            tx.prepare_cached("UPDATE document SET place_layers = '[]' WHERE no = ?1")?
                .execute([document])?;
            solved(tx, &id.source, &id.path)?;
            refresh_rule(tx, document)?;
            bump_epoch(tx)?;
            Ok(true)
        })
    }

    /// Deletes a document: it is gone from the next query on. Its versions stay for the audit.
    /// `false`: there was none.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn delete_document(&self, id: &DocumentId, actor: &Actor) -> Result<bool> {
        self.write(|tx| delete(tx, id, actor))
    }

    /// Deletes a pushed document, and calls off pushes of it that are under way.
    ///
    /// # Errors
    /// No such source, or a folder: what lies in it is deleted there.
    pub fn delete_pushed(&self, id: &DocumentId, actor: &Actor) -> Result<bool> {
        self.write(|tx| {
            source(tx, &id.source)?.is_pushed_to()?;
            let called_off = super::jobs::call_off(tx, id)?;
            // A file that never became a document is deleted as well: nobody has to look at it.
            let failed = tx
                .prepare_cached("DELETE FROM problem WHERE source = ?1 AND path = ?2")?
                .execute(params![id.source, id.path])?;
            Ok(delete(tx, id, actor)? || called_off || failed > 0)
        })
    }

    /// Carries an approval over to a file that moved: `to` holds the same bytes under the same rule
    /// as the deleted `from`, whose approval was not taken back; nor was that of any file of this
    /// source with these bytes.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn carry_approval(&self, from: &DocumentId, to: &DocumentId) -> Result<bool> {
        const FIND: &str = "SELECT d.no, v.no, v.approved_by, r.layers, v.state, d.hidden
            FROM document d JOIN version v ON v.document = d.no JOIN rule r ON r.no = d.rule
            WHERE d.source = ?1 AND d.path = ?2 AND v.hash = ?3 ORDER BY v.no DESC";
        self.write(|tx| {
            let hash: Option<String> = tx
                .prepare_cached(
                    "SELECT v.hash FROM document d JOIN version v ON v.no = d.newest
                     WHERE d.source = ?1 AND d.path = ?2 AND v.state = 'waiting'",
                )?
                .query_row(params![to.source, to.path], |row| row.get(0))
                .optional()?;
            let Some(hash) = hash else { return Ok(false) };
            let find = |id: &DocumentId| {
                tx.prepare_cached(FIND)?
                    .query_row(params![id.source, id.path, hash], |row| {
                        let found: (i64, u32, Option<String>, String, String, bool) = (
                            row.get(0)?,
                            row.get(1)?,
                            row.get(2)?,
                            row.get(3)?,
                            row.get(4)?,
                            row.get(5)?,
                        );
                        Ok(found)
                    })
                    .optional()
            };
            let (Some(old), Some(new)) = (find(from)?, find(to)?) else {
                return Ok(false);
            };
            let (Some(by), true, true, false) = (old.2, old.4 == "approved", old.3 == new.3, new.5)
            else {
                return Ok(false);
            };
            if was_refused(tx, VersionNo(new.1))? {
                return Ok(false);
            }
            make_live(tx, new.0, VersionNo(new.1), &by, Some("moved without a change"))?;
            refresh_rule(tx, new.0)?;
            bump_epoch(tx)?;
            Ok(true)
        })
    }

    /// The documents of a source, by path: ids, states and counts, no titles.
    ///
    /// # Errors
    /// No such source.
    pub fn documents(&self, source_id: &str) -> Result<Vec<DocumentInfo>> {
        self.read(|tx| {
            source(tx, source_id)?;
            let mut all = listed(tx, source_id)?;
            let mut failed = tx.prepare_cached(
                "SELECT p.path, p.reason FROM problem p WHERE p.source = ?1 AND NOT EXISTS
                 (SELECT 1 FROM document d WHERE d.source = p.source AND d.path = p.path
                    AND d.newest IS NOT NULL)",
            )?;
            let rows = failed.query_map([source_id], |row| {
                let path: String = row.get(0)?;
                Ok(DocumentInfo {
                    document: format!("{source_id}/{path}"),
                    state: "failed".to_owned(),
                    live_version: None,
                    newest_version: None,
                    chunks: 0,
                    embedded: 0,
                    modified_at: None,
                    reason: row.get(1)?,
                    flags: Vec::new(),
                })
            })?;
            for row in rows {
                all.push(row?);
            }
            all.sort_by(|a, b| a.document.cmp(&b.document));
            Ok(all)
        })
    }
}

impl Held {
    fn is_pushed_to(&self) -> Result<()> {
        let name = &self.spec.id;
        match self.spec.kind {
            super::SourceKind::Push => Ok(()),
            super::SourceKind::Folder => Err(Refusal::conflict(
                "not_a_push_source",
                format!("source `{name}` is a folder, and Vouch only reads it"),
                "change the folder itself and run `vouch source sync`, or use a source of kind push",
            )),
        }
    }

    fn takes_documents(&self) -> Result<()> {
        let name = &self.spec.id;
        match self.state {
            SourceState::Active | SourceState::Paused => Ok(()),
            SourceState::Proposed => Err(Refusal::conflict(
                "source_proposed",
                format!("source `{name}` is not approved yet"),
                format!("one of its approvers runs `vouch approve {name}`"),
            )),
            SourceState::Revoked => Err(Refusal::conflict(
                "source_revoked",
                format!("source `{name}` was revoked"),
                "add a new source",
            )),
        }
    }
}

fn delete(tx: &Transaction<'_>, id: &DocumentId, actor: &Actor) -> Result<bool> {
    let row: Option<(i64, Option<u32>)> = tx
        .prepare_cached(
            "SELECT no, live FROM document WHERE source = ?1 AND path = ?2 AND newest IS NOT NULL",
        )?
        .query_row(params![id.source, id.path], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((document, live)) = row else { return Ok(false) };
    let hash = "SELECT hash FROM version WHERE no = ?1";
    let before: Option<String> =
        tx.prepare_cached(hash)?.query_row([live], |row| row.get(0)).optional()?;
    if let Some(live) = live {
        log_change(tx, VersionNo(live), "drop")?;
    }
    tx.prepare_cached(
        "UPDATE document SET live = NULL, live_modified = NULL, newest = NULL WHERE no = ?1",
    )?
    .execute([document])?;
    bump_epoch(tx)?;
    let subject = serde_json::json!({
        "document": id.to_string(), "before": {"answers": before}, "after": null,
    });
    audit::act(tx, actor, "document.delete", subject, None)?;
    Ok(true)
}

fn listed(tx: &Transaction<'_>, source_id: &str) -> Result<Vec<DocumentInfo>> {
    let mut statement = tx.prepare_cached(
        "SELECT d.path, d.hidden, l.hash, n.hash, n.state, d.live_modified, s.expire_s,
           (SELECT count(*) FROM chunk c JOIN generation g ON g.no = c.generation
              WHERE g.state = 'live' AND c.version = d.live),
           (SELECT count(*) FROM chunk c JOIN generation g ON g.no = c.generation
              WHERE g.state = 'live' AND c.version = d.live AND c.embedded = 1),
           p.reason, n.flags
         FROM document d JOIN source s ON s.id = d.source
         JOIN version n ON n.no = d.newest
         LEFT JOIN version l ON l.no = d.live
         LEFT JOIN problem p ON p.source = d.source AND p.path = d.path
         WHERE d.source = ?1 ORDER BY d.path",
    )?;
    let rows = statement.query_map([source_id], |row| {
        let path: String = row.get(0)?;
        let hidden: bool = row.get(1)?;
        let live: Option<String> = row.get(2)?;
        let newest_state: String = row.get(4)?;
        let modified: Option<i64> = row.get(5)?;
        let expire: Option<i64> = row.get(6)?;
        let expired = modified.zip(expire).is_some_and(|(at, after)| at + after < now());
        let state = match (hidden, &live, expired) {
            (true, _, _) => "hidden",
            (false, Some(_), true) => "expired",
            (false, Some(_), false) => "live",
            (false, None, _) => newest_state.as_str(),
        };
        Ok(DocumentInfo {
            document: format!("{source_id}/{path}"),
            state: state.to_owned(),
            live_version: live,
            newest_version: row.get(3)?,
            chunks: row.get(7)?,
            embedded: row.get(8)?,
            modified_at: modified.map(super::rfc3339),
            reason: row.get(9)?,
            flags: flags(row.get(10)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The document's row, made where there is none; its rule is set by [`refresh_rule`] afterwards.
fn document_row(tx: &Transaction<'_>, source_id: &str, seen: &Seen<'_>) -> Result<i64> {
    let place = seen.place.canonical();
    let rule = intern(tx, source_id, seen.place)?;
    Ok(tx
        .prepare_cached(
            "INSERT INTO document (source, path, place_layers, rule) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET place_layers = excluded.place_layers RETURNING no",
        )?
        .query_row(params![source_id, seen.path, place, rule], |row| row.get(0))?)
}

/// The version that a file is: a known one where nothing is new that a reader sees, else a new one.
///
/// A date that nobody says is the one known of these bytes. Its own access makes another version where
/// each version waits for approval; elsewhere the access was approved with the source and is changed
/// in place.
fn version_row(
    tx: &Transaction<'_>,
    held: &Held,
    document: i64,
    seen: &Seen<'_>,
) -> Result<VersionNo> {
    let extracted = seen.extracted;
    let access = own_layers(extracted.access.as_ref(), seen.push.and_then(|push| push.access));
    let known: Option<u32> = tx
        .prepare_cached(
            "SELECT no FROM version WHERE document = ?1 AND hash = ?2 AND title = ?3
               AND language = ?4 AND extractor = ?5 AND owner IS ?6 AND uri IS ?7
               AND (?8 IS NULL OR modified_at = ?8) AND (?9 OR access IS ?10)
             ORDER BY no DESC LIMIT 1",
        )?
        .query_row(
            params![
                document,
                seen.hash,
                extracted.title,
                extracted.language,
                seen.extractor,
                extracted.owner,
                seen.uri,
                extracted.modified_at.as_deref().and_then(seconds),
                held.spec.approval == ApprovalPolicy::Source,
                access,
            ],
            |row| row.get(0),
        )
        .optional()?;
    let version = match known.map(VersionNo) {
        Some(version) => brought_again(tx, version, seen)?,
        None => insert_version(tx, document, seen)?,
    };
    set_own_layers(tx, version, access.as_deref())?;
    Ok(version)
}

/// Whoever brings back what was replaced meanwhile has brought it: they don't approve it themselves.
fn brought_again(tx: &Transaction<'_>, version: VersionNo, seen: &Seen<'_>) -> Result<VersionNo> {
    tx.prepare_cached(
        "UPDATE version SET brought_by = ?2 WHERE no = ?1 AND NOT EXISTS
           (SELECT 1 FROM document d WHERE d.no = version.document AND ?1 IN (d.live, d.newest))",
    )?
    .execute(params![version.0, seen.push.map(|push| push.by)])?;
    Ok(version)
}

fn insert_version(tx: &Transaction<'_>, document: i64, seen: &Seen<'_>) -> Result<VersionNo> {
    let extracted = seen.extracted;
    let no: i64 = tx
        .prepare_cached(
            "INSERT INTO version (document, hash, title, language, extractor, owner, uri, pages,
               modified_at, seen_at, brought_by, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,
               coalesce(?9, (SELECT modified_at FROM version WHERE document = ?1 AND hash = ?2
                             ORDER BY no DESC LIMIT 1), ?10),
               ?11, ?12, 'waiting') RETURNING no",
        )?
        .query_row(
            params![
                document,
                seen.hash,
                extracted.title,
                extracted.language,
                seen.extractor,
                extracted.owner,
                seen.uri,
                serde_json::to_string(&extracted.pages)?,
                extracted.modified_at.as_deref().and_then(seconds),
                seen.modified_at,
                now(),
                seen.push.map(|push| push.by),
            ],
            |row| row.get(0),
        )?;
    let no = u32::try_from(no).map_err(|_| anyhow::anyhow!("version numbers are used up"))?;
    tx.prepare_cached("INSERT INTO version_text VALUES (?1, ?2)")?
        .execute(params![no, extracted.text])?;
    flag(tx, VersionNo(no), &extracted.text)?;
    Ok(VersionNo(no))
}

/// Notes what looks like instructions to a language model, for those who look after the source.
fn flag(tx: &Transaction<'_>, version: VersionNo, text: &str) -> Result<()> {
    let found: Vec<_> = instructions::look(text)
        .into_iter()
        .map(|found| Flag { reason: found.reason.to_owned(), start: found.start, end: found.end })
        .collect();
    if found.is_empty() {
        return Ok(());
    }
    tx.prepare_cached("UPDATE version SET flags = ?2 WHERE no = ?1")?
        .execute(params![version.0, serde_json::to_string(&found)?])?;
    let (document, hash): (String, String) = tx
        .prepare_cached(
            "SELECT d.source || '/' || d.path, v.hash FROM version v
             JOIN document d ON d.no = v.document WHERE v.no = ?1",
        )?
        .query_row([version.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let vouch =
        Actor { name: "vouch".to_owned(), principals: BTreeSet::new(), administrator: true };
    let subject = serde_json::json!({"document": document, "version": hash, "flags": found});
    audit::act(tx, &vouch, "version.flag", subject, Some("it looks like instructions to a model"))
}

/// Who may read a version by its own word: first the layer that stands in the file, then the one that
/// its push gave. None where neither says anything.
fn own_layers(said: Option<&Layer>, pushed: Option<&Layer>) -> Option<String> {
    let layers = [said, pushed].map(|layer| layer.cloned().unwrap_or_default());
    let silent = layers.iter().all(|layer| *layer == Layer::default());
    (!silent).then(|| Rule(layers.into()).canonical())
}

fn set_own_layers(tx: &Transaction<'_>, version: VersionNo, own: Option<&str>) -> Result<()> {
    tx.prepare_cached("UPDATE version SET access = ?2 WHERE no = ?1")?
        .execute(params![version.0, own])?;
    Ok(())
}

/// A file that could be read is no longer a problem.
fn solved(tx: &Transaction<'_>, source: &str, path: &str) -> Result<()> {
    tx.prepare_cached("DELETE FROM problem WHERE source = ?1 AND path = ?2")?
        .execute(params![source, path])?;
    Ok(())
}

/// Decides what a version that was just seen becomes.
fn settle(
    tx: &Transaction<'_>,
    held: &Held,
    document: i64,
    version: VersionNo,
    hidden: bool,
) -> Result<Brought> {
    let (state, live): (String, Option<u32>) = tx
        .prepare_cached(
            "SELECT v.state, d.live FROM version v JOIN document d ON d.no = v.document WHERE v.no = ?1",
        )?
        .query_row([version.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if hidden {
        set_version_state(tx, version, "draft")?;
        return Ok(Brought::Hidden);
    }
    if live == Some(version.0) {
        return Ok(Brought::Live);
    }
    // A withdrawn or rejected version is never approved by itself again.
    if matches!(state.as_str(), "rejected" | "withdrawn") {
        return Ok(Brought::Waiting);
    }
    set_version_state(tx, version, "waiting")?;
    match (held.spec.approval, &held.approved_by) {
        (ApprovalPolicy::Source, Some(by)) if !was_refused(tx, version)? => {
            make_live(tx, document, version, by, Some("with the source"))?;
            Ok(Brought::Live)
        }
        (ApprovalPolicy::Source | ApprovalPolicy::EachVersion, _) => Ok(Brought::Waiting),
    }
}

/// Whether the same bytes were withdrawn or rejected anywhere in this source before, under whatever
/// path and title.
fn was_refused(tx: &Transaction<'_>, version: VersionNo) -> Result<bool> {
    let mut statement = tx.prepare_cached(
        "SELECT 1 FROM version v JOIN document d ON d.no = v.document
         JOIN version o ON o.hash = v.hash AND o.state IN ('rejected', 'withdrawn')
         JOIN document e ON e.no = o.document AND e.source = d.source
         WHERE v.no = ?1",
    )?;
    Ok(statement.exists([version.0])?)
}

fn set_version_state(tx: &Transaction<'_>, version: VersionNo, state: &str) -> Result<()> {
    tx.prepare_cached("UPDATE version SET state = ?2 WHERE no = ?1")?
        .execute(params![version.0, state])?;
    Ok(())
}

/// Makes a version the one that answers, in place of the one before.
pub(super) fn make_live(
    tx: &Transaction<'_>,
    document: i64,
    version: VersionNo,
    by: &str,
    note: Option<&str>,
) -> Result<()> {
    let before: Option<u32> = tx
        .prepare_cached("SELECT live FROM document WHERE no = ?1")?
        .query_row([document], |row| row.get(0))?;
    tx.prepare_cached(
        "UPDATE version SET state = 'approved', approved_by = ?2, approved_at = ?3 WHERE no = ?1",
    )?
    .execute(params![version.0, by, now()])?;
    tx.prepare_cached(
        "UPDATE document SET live = ?2,
           live_modified = (SELECT modified_at FROM version WHERE no = ?2) WHERE no = ?1",
    )?
    .execute(params![document, version.0])?;
    tx.prepare_cached(
        "INSERT INTO decision (version, act, by, at, note) VALUES (?1, 'approve', ?2, ?3, ?4)",
    )?
    .execute(params![version.0, by, now(), note])?;
    if let Some(before) = before.filter(|before| *before != version.0) {
        log_change(tx, VersionNo(before), "drop")?;
    }
    log_change(tx, version, "add")
}

/// Tells the indexes that a version came or went.
pub(super) fn log_change(tx: &Transaction<'_>, version: VersionNo, act: &str) -> Result<()> {
    tx.prepare_cached("INSERT INTO change (version, act) VALUES (?1, ?2)")?
        .execute(params![version.0, act])?;
    Ok(())
}

/// Works out a document's rule anew: its folders' layers, then the own layers of its approved and of
/// its newest version.
pub(super) fn refresh_rule(tx: &Transaction<'_>, document: i64) -> Result<()> {
    let (source, place, before, live): (String, String, i64, Option<u32>) = tx
        .prepare_cached("SELECT source, place_layers, rule, live FROM document WHERE no = ?1")?
        .query_row([document], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let mut rule = Rule::from_stored(&place);
    let mut statement = tx.prepare_cached(
        "SELECT DISTINCT v.access FROM document d JOIN version v ON v.no IN (d.live, d.newest)
         WHERE d.no = ?1 AND v.access IS NOT NULL ORDER BY v.no",
    )?;
    for access in statement.query_map([document], |row| row.get::<_, String>(0))? {
        let own = Rule::from_stored(&access?).0.into_iter();
        rule.0.extend(own.filter(|layer| *layer != Layer::default()));
    }
    let after = intern(tx, &source, &rule)?;
    if after != before {
        tx.prepare_cached("UPDATE document SET rule = ?2 WHERE no = ?1")?
            .execute(params![document, after])?;
        if let Some(live) = live {
            log_change(tx, VersionNo(live), "rule")?;
        }
    }
    Ok(())
}

fn intern(tx: &Transaction<'_>, source: &str, rule: &Rule) -> Result<i64> {
    let layers = rule.canonical();
    tx.prepare_cached("INSERT OR IGNORE INTO rule (source, layers) VALUES (?1, ?2)")?
        .execute(params![source, layers])?;
    Ok(tx
        .prepare_cached("SELECT no FROM rule WHERE source = ?1 AND layers = ?2")?
        .query_row(params![source, layers], |row| row.get(0))?)
}

/// A document's number and source, or the refusal that it isn't there.
pub(super) fn document_no(tx: &Transaction<'_>, id: &DocumentId) -> Result<i64> {
    tx.prepare_cached("SELECT no FROM document WHERE source = ?1 AND path = ?2")?
        .query_row(params![id.source, id.path], |row| row.get(0))
        .optional()?
        .ok_or_else(|| no_such_document(id))
}

pub(super) fn no_such_document(id: &DocumentId) -> Error {
    Refusal::missing(
        "no_such_document",
        format!("there is no document `{id}`"),
        "`vouch source documents SOURCE` lists a source's documents",
    )
}

fn seconds(rfc3339: &str) -> Option<i64> {
    rfc3339.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}
