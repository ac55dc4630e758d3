//! The audit: what was shown to whom and why, and what was done by whom and why.
//!
//! Records are chained: each holds the hash of everything before it. What belongs to a person
//! (name, question, sentences) stands beside the chain, which holds only a salted commitment to it;
//! so one person can be erased and the chain still verifies. The newest hash is also kept in a
//! second file, so that a cut-off end is noticed; that this file was gone is noticed as well, and kept
//! in the chain. Whoever can write ledger and file both is found against a head kept elsewhere.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{OptionalExtension, Transaction, params, params_from_iter};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Actor, Ledger};
use crate::access::Hearers;
use crate::error::Result;

/// A passage that entered an answer, a search result or a page, as the audit keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShownPassage {
    /// The document's id.
    pub document: String,
    /// The version's hash.
    pub version: String,
    /// First byte in the version's text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// The record that is on disk before the first byte of document text leaves.
pub struct Opening<'a> {
    /// `answer`, `search`, `document` or `conversation`.
    pub kind: &'a str,
    /// The answer's id, for answers.
    pub answer: Option<&'a str>,
    /// Who asked, with the principals and the epoch of the clearance.
    pub clearance: &'a super::Clearance,
    /// The question or query, or the document or conversation that was opened.
    pub question: &'a str,
    /// What was searched for, where that are not the reader's own words.
    pub searched: Option<&'a str>,
    /// What may be shown.
    pub passages: &'a [ShownPassage],
    /// Generator, generation and surface.
    pub details: Value,
}

/// One record as it is listed and exported.
#[derive(Clone, Debug, Serialize)]
pub struct AuditRecord {
    /// Its place in the chain, from 1.
    pub seq: i64,
    /// When, RFC 3339.
    pub at: String,
    /// What kind of record.
    pub kind: String,
    /// The answer that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The part that the chain holds.
    pub body: Value,
    /// The person's part; absent once it was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<Value>,
    /// Whether questions and sentences were taken out of the person's part for this caller.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
    /// The salted commitment to the person's part.
    pub commitment: String,
    /// The chain's hash up to here.
    pub hash: String,
}

/// What of a person's part is no text: who it was.
const IDENTIFIERS: [&str; 4] = ["user", "principals", "actor", "erased"];

impl AuditRecord {
    /// The record for somebody who may see identifiers, counts and reasons, and no text: of the
    /// person's part only who it was stays. What is added to that part later is withheld as well.
    #[must_use]
    pub fn without_text(mut self) -> Self {
        if let Some(Value::Object(person)) = &mut self.person {
            let whole = person.len();
            person.retain(|key, _| IDENTIFIERS.contains(&key.as_str()));
            self.withheld = person.len() < whole;
        }
        self
    }
}

/// Which records to list; everything that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Records of this user (`user:…`) or actor.
    pub user: Option<String>,
    /// Records in which this document was shown or changed.
    pub document: Option<String>,
    /// Records of this answer.
    pub answer: Option<String>,
    /// Records of this kind, such as `source.pause`, or of all kinds that begin so, such as `source`.
    pub kind: Option<String>,
    /// Records from this time on.
    pub since: Option<jiff::Timestamp>,
    /// Records before this time.
    pub until: Option<jiff::Timestamp>,
    /// Records before this one, by number.
    pub before: Option<i64>,
    /// The newest so many; none: all.
    pub limit: Option<u32>,
}

/// What checking the whole chain found.
#[derive(Clone, Debug, Serialize)]
pub struct Verified {
    /// Whether chain, commitments and kept heads agree.
    pub ok: bool,
    /// How many records there are.
    pub records: i64,
    /// The newest hash.
    pub head: String,
    /// The first thing that does not agree.
    pub problem: Option<String>,
    /// What can't be told from here: times at which the head file was gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A record to be written.
pub(super) struct Entry<'a> {
    pub(super) kind: &'a str,
    pub(super) answer: Option<&'a str>,
    /// The part that the chain holds.
    pub(super) body: Value,
    /// Whose record it is.
    pub(super) user: &'a str,
    /// The part that can be erased.
    pub(super) person: Value,
    pub(super) documents: Vec<String>,
}

impl Ledger {
    /// Writes the record without which nothing may leave.
    ///
    /// # Errors
    /// The record is not on disk; nothing may be shown.
    pub fn audit_open(&self, opening: &Opening<'_>) -> Result<()> {
        let reader = opening.clearance.reader();
        let mut documents: Vec<_> =
            opening.passages.iter().map(|passage| passage.document.clone()).collect();
        documents.sort_unstable();
        documents.dedup();
        let mut person = json!({
            "user": reader.principal(),
            "principals": reader.principals(),
            "question": opening.question,
        });
        if let Some(searched) = opening.searched {
            person["searched"] = searched.into();
        }
        let mut details = opening.details.clone();
        match reader.hearers() {
            Hearers::Nobody => {}
            Hearers::Each(others) => details["heard_by"] = json!(others.len()),
            Hearers::Crowd(people) => details["heard_by"] = json!(people),
        }
        self.write(|tx| {
            append(
                tx,
                &Entry {
                    kind: opening.kind,
                    answer: opening.answer,
                    body: json!({
                        "epoch": opening.clearance.epoch(),
                        "passages": opening.passages,
                        "details": details,
                    }),
                    user: &reader.principal().to_string(),
                    person,
                    documents,
                },
            )
        })
    }

    /// Writes the record of one sentence, before that sentence leaves.
    ///
    /// # Errors
    /// The record is not on disk; the sentence may not be shown.
    pub fn audit_sentence(
        &self,
        answer: &str,
        user: &str,
        text: &str,
        citations: &[ShownPassage],
    ) -> Result<()> {
        let body = json!({ "citations": citations });
        let person = json!({ "user": user, "sentence": text });
        self.write(|tx| {
            let answer = Some(answer);
            append(tx, &Entry { kind: "sentence", answer, body, user, person, documents: vec![] })
        })
    }

    /// Writes the closing record of an answer, before `done` leaves.
    ///
    /// # Errors
    /// The record is not on disk.
    pub fn audit_close(&self, answer: &str, user: &str, body: Value) -> Result<()> {
        self.write(|tx| close(tx, answer, user, body))
    }

    /// Lists records, oldest first.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn audit_records(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>> {
        let mut sql = String::from(
            "SELECT a.seq, a.at, a.kind, a.answer, a.body, p.text, a.commitment, a.hash
             FROM audit a LEFT JOIN audit_person p ON p.seq = a.seq WHERE true",
        );
        let mut values = Vec::new();
        let mut narrow = |condition: &str, value: &Option<String>| {
            if let Some(value) = value {
                values.push(value.clone());
                sql.push_str(&condition.replace('?', &format!("?{}", values.len())));
            }
        };
        narrow(" AND p.user = ?", &query.user);
        narrow(
            " AND a.seq IN (SELECT seq FROM audit_document WHERE document = ?)",
            &query.document,
        );
        narrow(" AND a.answer = ?", &query.answer);
        narrow(" AND (a.kind = ? OR substr(a.kind, 1, length(?) + 1) = ? || '.')", &query.kind);
        // Without its `Z` the text of a time sorts as the time does, with and without a fraction.
        let text = |time: Option<jiff::Timestamp>| Some(time?.to_string().replace('Z', ""));
        narrow(" AND rtrim(a.at, 'Z') >= ?", &text(query.since));
        narrow(" AND rtrim(a.at, 'Z') < ?", &text(query.until));
        if let Some(before) = query.before {
            sql.push_str(&format!(" AND a.seq < {before}"));
        }
        let limit = query.limit.map_or(-1, i64::from);
        sql.push_str(&format!(" ORDER BY a.seq DESC LIMIT {limit}"));
        self.read(|tx| {
            let mut statement = tx.prepare(&sql)?;
            let mut rows = statement.query(params_from_iter(values))?;
            let mut records = Vec::new();
            while let Some(row) = rows.next()? {
                let person: Option<String> = row.get(5)?;
                records.push(AuditRecord {
                    seq: row.get(0)?,
                    at: row.get(1)?,
                    kind: row.get(2)?,
                    answer: row.get(3)?,
                    body: serde_json::from_str(&row.get::<_, String>(4)?)?,
                    person: person.map(|text| serde_json::from_str(&text)).transpose()?,
                    withheld: false,
                    commitment: row.get(6)?,
                    hash: row.get(7)?,
                });
            }
            records.reverse();
            Ok(records)
        })
    }

    /// The newest hash of the chain.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn audit_head(&self) -> Result<String> {
        self.read(head)
    }

    /// Checks every record against the chain, and the chain against the head file and `kept`, a head
    /// that somebody wrote down earlier.
    ///
    /// # Errors
    /// The ledger failed. A broken chain is not an error but a finding.
    pub fn audit_verify(&self, kept: Option<&str>) -> Result<Verified> {
        let mut wanted: Vec<(&str, String)> = Vec::new();
        wanted.extend(kept.map(|head| ("the given head", head.trim().to_owned())));
        let filed = std::fs::read_to_string(&self.head_file).unwrap_or_default();
        let missing = filed.trim().is_empty();
        if !missing {
            wanted.push(("the head file", filed.trim().to_owned()));
        }
        self.read(|tx| {
            let (records, head, mut problem) = walk_chain(tx, &mut wanted)?;
            if problem.is_none() && missing && records > 0 {
                problem = Some(format!(
                    "the head file {} is missing or empty, so a cut-off end would not show; compare \
                     with a head that was kept elsewhere",
                    self.head_file.display()
                ));
            }
            if let (None, Some((name, hash))) = (&problem, wanted.first()) {
                problem = Some(format!(
                    "{name} holds {hash}, which is not in the chain: its end was cut off"
                ));
            }
            let (cut_off, notes) = lost_heads(tx)?;
            let problem = problem.or(cut_off);
            Ok(Verified { ok: problem.is_none(), records, head, problem, notes })
        })
    }

    /// Whether this answer was given to this user.
    fn asked(tx: &Transaction<'_>, answer: &str, user: &str) -> Result<bool> {
        let mut statement = tx.prepare_cached(
            "SELECT 1 FROM audit a JOIN audit_person p ON p.seq = a.seq
             WHERE a.answer = ?1 AND a.kind = 'answer' AND p.user = ?2",
        )?;
        Ok(statement.exists(params![answer, user])?)
    }

    /// Keeps what the asker says of an answer. `false`: there is no such answer of this user.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn feedback(
        &self,
        answer: &str,
        user: &str,
        verdict: &str,
        comment: Option<&str>,
    ) -> Result<bool> {
        self.write(|tx| {
            if !Self::asked(tx, answer, user)? {
                return Ok(false);
            }
            tx.execute(
                "INSERT INTO feedback VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET verdict = excluded.verdict,
                   comment = excluded.comment, at = excluded.at",
                params![answer, user, verdict, comment, super::now()],
            )?;
            Ok(true)
        })
    }
}

/// Writes the closing record of an answer.
pub(super) fn close(tx: &Transaction<'_>, answer: &str, user: &str, body: Value) -> Result<()> {
    let (answer, person) = (Some(answer), json!({ "user": user }));
    append(tx, &Entry { kind: "closed", answer, body, user, person, documents: vec![] })
}

/// Records an administrative act in the transaction that does it.
pub(super) fn act(
    tx: &Transaction<'_>,
    actor: &Actor,
    kind: &str,
    subject: Value,
    why: Option<&str>,
) -> Result<()> {
    let documents = subject.get("document").and_then(Value::as_str).map(str::to_owned);
    append(
        tx,
        &Entry {
            kind,
            answer: None,
            body: json!({ "subject": subject, "why": why }),
            user: &actor.name,
            person: json!({ "actor": actor.name }),
            documents: documents.into_iter().collect(),
        },
    )
}

/// Writes a record at the end of the chain.
pub(super) fn append(tx: &Transaction<'_>, entry: &Entry<'_>) -> Result<()> {
    let at = jiff::Timestamp::now().to_string();
    let body = entry.body.to_string();
    let person = entry.person.to_string();
    let salt = salt()?;
    let commitment = commit(&salt, &person);
    let (seq, previous): (i64, String) = tx
        .prepare_cached("SELECT seq + 1, hash FROM audit ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .unwrap_or((1, String::new()));
    let link = [at.as_str(), entry.kind, entry.answer.unwrap_or(""), &body, &commitment];
    let hash = chain(&previous, seq, &link);
    tx.prepare_cached("INSERT INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute(params![seq, at, entry.kind, entry.answer, body, commitment, hash])?;
    tx.prepare_cached("INSERT INTO audit_person VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![seq, entry.user, salt, person])?;
    for document in &entry.documents {
        tx.prepare_cached("INSERT INTO audit_document VALUES (?1, ?2)")?
            .execute(params![seq, document])?;
    }
    Ok(())
}

/// The newest hash; empty for an empty audit.
pub(super) fn head(tx: &Transaction<'_>) -> Result<String> {
    let mut statement = tx.prepare_cached("SELECT hash FROM audit ORDER BY seq DESC LIMIT 1")?;
    Ok(statement.query_row([], |row| row.get(0)).optional()?.unwrap_or_default())
}

/// Writes the newest hash to the second file. A failure is logged and not more: the chain itself is
/// on disk, and `audit verify` then finds an older head, which is in the chain as well.
pub(super) fn keep_head(file: &Path, head: &str) {
    let beside = file.with_extension("head.new");
    let written = std::fs::write(&beside, head).and_then(|()| std::fs::rename(&beside, file));
    if let Err(error) = written {
        tracing::error!(%error, file = %file.display(), "the audit's head file can't be written");
    }
}

/// The setting that says that the head file was there, so that one that is gone can be told from one
/// that was never written.
const HEAD_SEEN: &str = "audit_head_seen";
const HEAD_LOST: &str = "audit.head_lost";

/// Looks at the head file before it is written anew. Where it is gone, or holds a hash that is not in
/// the chain, the chain itself keeps that from then on: with the file goes what it would have proven.
pub(super) fn watch_head_file(tx: &Transaction<'_>, file: &Path) -> Result<()> {
    let filed = std::fs::read_to_string(file).unwrap_or_default().trim().to_owned();
    // From the newest back, where it all but always is.
    let in_chain = || -> Result<bool> {
        let sql = "SELECT 1 FROM audit WHERE hash = ?1 ORDER BY seq DESC LIMIT 1";
        Ok(tx.prepare_cached(sql)?.exists([&filed])?)
    };
    if !filed.is_empty() && in_chain()? {
        tx.prepare_cached("INSERT OR IGNORE INTO setting VALUES (?1, 'yes')")?
            .execute([HEAD_SEEN])?;
        return Ok(());
    }
    let seen = tx.execute("DELETE FROM setting WHERE key = ?1", [HEAD_SEEN])? > 0;
    if filed.is_empty() && !seen {
        return Ok(());
    }
    let held = Some(filed).filter(|filed| !filed.is_empty());
    let vouch =
        Actor { name: "vouch".to_owned(), principals: BTreeSet::new(), administrator: true };
    let why = "the head file was gone, or held a hash that is not in the chain";
    act(tx, &vouch, HEAD_LOST, json!({ "held": held }), Some(why))
}

/// What became of the head file earlier: a hash that was not in the chain, which is a finding, and
/// times at which the file was gone, which may be one.
fn lost_heads(tx: &Transaction<'_>) -> Result<(Option<String>, Vec<String>)> {
    let mut statement =
        tx.prepare("SELECT seq, at, body FROM audit WHERE kind = ?1 ORDER BY seq")?;
    let mut rows = statement.query([HEAD_LOST])?;
    let (mut cut_off, mut notes) = (None, Vec::new());
    while let Some(row) = rows.next()? {
        let (seq, at): (i64, String) = (row.get(0)?, row.get(1)?);
        let body: Value = serde_json::from_str(&row.get::<_, String>(2)?)?;
        match body["subject"]["held"].as_str() {
            Some(held) if cut_off.is_none() => {
                cut_off = Some(format!(
                    "at {at} the head file held {held}, which was not in the chain: its end was cut \
                     off before record {seq}"
                ));
            }
            Some(_) => {}
            None => notes.push(format!(
                "at {at} the head file was gone and begun anew: whether records were cut off before \
                 record {seq} shows only against a head that was kept elsewhere (--head)"
            )),
        }
    }
    Ok((cut_off, notes))
}

/// Walks the chain from its beginning; takes out of `wanted` each head that it meets.
fn walk_chain(
    tx: &Transaction<'_>,
    wanted: &mut Vec<(&str, String)>,
) -> Result<(i64, String, Option<String>)> {
    let mut statement = tx.prepare(
        "SELECT a.seq, a.at, a.kind, coalesce(a.answer, ''), a.body, a.commitment, a.hash, p.salt, p.text
         FROM audit a LEFT JOIN audit_person p ON p.seq = a.seq ORDER BY a.seq",
    )?;
    let mut rows = statement.query([])?;
    let (mut records, mut previous) = (0, String::new());
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        let texts: Vec<String> =
            (1..=6).map(|column| row.get(column)).collect::<Result<_, rusqlite::Error>>()?;
        let link = [&*texts[0], &*texts[1], &*texts[2], &*texts[3], &*texts[4]];
        let person: Option<(String, String)> = row.get::<_, Option<String>>(7)?.zip(row.get(8)?);
        let found = if seq != records + 1 {
            Some(format!("record {} is missing", records + 1))
        } else if chain(&previous, seq, &link) != texts[5] {
            Some(format!("record {seq} was changed, or one before it"))
        } else if person.is_some_and(|(salt, text)| commit(&salt, &text) != texts[4]) {
            Some(format!("the person's part of record {seq} was changed"))
        } else {
            None
        };
        if found.is_some() {
            return Ok((records, previous, found));
        }
        records = seq;
        previous.clone_from(&texts[5]);
        wanted.retain(|(_, head)| *head != previous);
    }
    Ok((records, previous, None))
}

/// The hash of one record and everything before it. Each part is preceded by its length, so that no
/// two different records give the same bytes.
fn chain(previous: &str, seq: i64, link: &[&str; 5]) -> String {
    let mut hash = Sha256::new();
    hash.update(previous.as_bytes());
    hash.update(seq.to_le_bytes());
    for part in link {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(hash.finalize())
}

fn commit(salt: &str, text: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(salt.as_bytes());
    hash.update(text.as_bytes());
    hex::encode(hash.finalize())
}

fn salt() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the system gave no random bytes: {error}"))?;
    Ok(hex::encode(bytes))
}
