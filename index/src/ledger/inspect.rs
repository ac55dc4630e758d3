//! What there is to know about one document and about what readers missed, for those who look after it.
//!
//! A document is told by identifiers, sizes, dates and rules: no title, no heading, no text. Questions
//! and comments are text; whoever shows them asks first whether the caller may read the audit's text.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;

use super::documents::{Flag, flags};
use super::explain::layers_of;
use super::{Ledger, rfc3339};
use crate::access::Layer;
use crate::error::Result;
use crate::words::DocumentId;

/// Versions that an inspection lists.
const VERSIONS: u32 = 50;
/// Unanswered questions that are looked at, the newest ones.
const QUESTIONS: u32 = 5000;

/// One document, without its title and its text.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// The document's id.
    pub document: String,
    /// Whether its newest version says that it is a draft, or not to be published.
    pub hidden: bool,
    /// Its versions, newest first.
    pub versions: Vec<InspectedVersion>,
    /// The chunks of the version that answers, in the live generation.
    pub chunks: Vec<InspectedChunk>,
    /// Every layer of its access rule, from the outside in.
    pub layers: Vec<(String, Layer)>,
    /// When it should be looked at again, RFC 3339.
    pub review_due: Option<String>,
    /// When it is no longer shown.
    pub expires: Option<String>,
}

/// A version of a document.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedVersion {
    /// Its hash.
    pub version: String,
    /// `waiting`, `approved`, `rejected`, `withdrawn` or `draft`.
    pub state: String,
    /// Whether it answers.
    pub answers: bool,
    /// Its language.
    pub language: String,
    /// The bytes of its text; none once that is gone.
    pub bytes: Option<i64>,
    /// When its content was changed last.
    pub modified_at: String,
    /// When it was seen first.
    pub seen_at: String,
    /// Who pushed it.
    pub brought_by: Option<String>,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// When it was approved.
    pub approved_at: Option<String>,
    /// Its places that look like instructions to a language model.
    pub flags: Vec<Flag>,
}

/// A chunk, by its place.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedChunk {
    /// Its number in the version, from 0.
    pub place: u32,
    /// First byte in the version's text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// The page it begins on.
    pub page: Option<u32>,
    /// Whether it has its vectors.
    pub embedded: bool,
}

/// Questions that say the same and were not answered.
#[derive(Clone, Debug, Serialize)]
pub struct Unanswered {
    /// The question as it was put last.
    pub question: String,
    /// How often it was put.
    pub times: usize,
    /// By how many people.
    pub people: usize,
    /// The newest answer that found nothing.
    pub answer: String,
    /// When that was, RFC 3339.
    pub last: String,
}

/// What somebody said of an answer that they got.
#[derive(Clone, Debug, Serialize)]
pub struct Feedback {
    /// The answer.
    pub answer: String,
    /// Who said it.
    pub user: String,
    /// `right` or `wrong`.
    pub verdict: String,
    /// Their words.
    pub comment: Option<String>,
    /// When, RFC 3339.
    pub at: String,
}

impl Ledger {
    /// What there is to know about a document, without its title and its text. `None` where there is
    /// none.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn inspect(&self, id: &DocumentId) -> Result<Option<Inspection>> {
        self.read(|tx| inspect(tx, id))
    }

    /// Since when the oldest permission that is in force in a source was not looked at again: the last
    /// sync of a folder, the oldest push of other sources. RFC 3339.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn oldest_permission(&self, source: &str) -> Result<Option<String>> {
        self.read(|tx| {
            let oldest: Option<Option<i64>> = tx
                .prepare_cached(
                    "SELECT CASE WHEN s.spec ->> 'kind' = 'folder' THEN s.last_sync ELSE
                       (SELECT min(v.seen_at) FROM document d JOIN version v ON v.no = d.newest
                        WHERE d.source = s.id) END
                     FROM source s WHERE s.id = ?1",
                )?
                .query_row([source], |row| row.get(0))
                .optional()?;
            Ok(oldest.flatten().map(rfc3339))
        })
    }

    /// The questions that found nothing, those that say the same together, the most frequent first.
    /// Questions of people who were erased are gone from here.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn unanswered(&self) -> Result<Vec<Unanswered>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT p.text ->> 'question', p.user, c.answer, c.at
                 FROM audit c JOIN audit o ON o.answer = c.answer AND o.kind = 'answer'
                 JOIN audit_person p ON p.seq = o.seq
                 WHERE c.kind = 'closed' AND c.body ->> 'outcome' = 'not_found'
                   AND p.text ->> 'question' IS NOT NULL
                 ORDER BY c.seq DESC LIMIT ?1",
            )?;
            let mut rows = statement.query([QUESTIONS])?;
            let mut groups: BTreeMap<String, (Unanswered, BTreeSet<String>)> = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let (question, user): (String, String) = (row.get(0)?, row.get(1)?);
                let (answer, last): (String, String) = (row.get(2)?, row.get(3)?);
                let (group, people) = groups.entry(same_words(&question)).or_insert_with(|| {
                    let group = Unanswered { question, times: 0, people: 0, answer, last };
                    (group, BTreeSet::new())
                });
                people.insert(user);
                group.times += 1;
                group.people = people.len();
            }
            let mut all: Vec<Unanswered> = groups.into_values().map(|(group, _)| group).collect();
            all.sort_by(|a, b| b.times.cmp(&a.times).then_with(|| b.last.cmp(&a.last)));
            Ok(all)
        })
    }

    /// How many answers readers called right, and how many wrong.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn verdicts(&self) -> Result<(u64, u64)> {
        const SQL: &str = "SELECT count(*) FILTER (WHERE verdict = 'right'),
            count(*) FILTER (WHERE verdict = 'wrong') FROM feedback";
        self.read(|tx| Ok(tx.query_row(SQL, [], |row| Ok((row.get(0)?, row.get(1)?)))?))
    }

    /// The kinds of records that there are.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn audit_kinds(&self) -> Result<Vec<String>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT DISTINCT kind FROM audit ORDER BY 1")?;
            Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
        })
    }

    /// What readers said of their answers, newest first.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn feedback_given(&self, limit: u32) -> Result<Vec<Feedback>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT answer, user, verdict, comment, at FROM feedback
                 ORDER BY at DESC, answer LIMIT ?1",
            )?;
            let rows = statement.query_map([limit], |row| {
                Ok(Feedback {
                    answer: row.get(0)?,
                    user: row.get(1)?,
                    verdict: row.get(2)?,
                    comment: row.get(3)?,
                    at: rfc3339(row.get(4)?),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// The words of a question, whatever stands between them and however they are written.
fn same_words(question: &str) -> String {
    let words = question.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

fn inspect(tx: &Transaction<'_>, id: &DocumentId) -> Result<Option<Inspection>> {
    type Row = (i64, bool, Option<i64>, Option<u32>, Option<i64>, Option<i64>);
    let row: Option<Row> = tx
        .prepare_cached(
            "SELECT d.no, d.hidden, d.live_modified, d.live, s.review_s, s.expire_s
             FROM document d JOIN source s ON s.id = d.source WHERE d.source = ?1 AND d.path = ?2",
        )?
        .query_row(params![id.source, id.path], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
        })
        .optional()?;
    let Some((no, hidden, modified, live, review, expire)) = row else { return Ok(None) };
    let after = |span: Option<i64>| Some(rfc3339(modified?.checked_add(span?)?));
    Ok(Some(Inspection {
        document: id.to_string(),
        hidden,
        versions: versions(tx, no, live)?,
        chunks: chunks(tx, live)?,
        layers: layers_of(tx, id)?,
        review_due: after(review),
        expires: after(expire),
    }))
}

fn versions(
    tx: &Transaction<'_>,
    document: i64,
    live: Option<u32>,
) -> Result<Vec<InspectedVersion>> {
    let mut statement = tx.prepare_cached(
        "SELECT v.hash, v.state, v.no, v.language, octet_length(t.text), v.modified_at, v.seen_at,
           v.brought_by, v.approved_by, v.approved_at, v.flags
         FROM version v LEFT JOIN version_text t ON t.version = v.no
         WHERE v.document = ?1 ORDER BY v.no DESC LIMIT ?2",
    )?;
    let rows = statement.query_map(params![document, VERSIONS], |row| {
        Ok(InspectedVersion {
            version: row.get(0)?,
            state: row.get(1)?,
            answers: live == Some(row.get(2)?),
            language: row.get(3)?,
            bytes: row.get(4)?,
            modified_at: rfc3339(row.get(5)?),
            seen_at: rfc3339(row.get(6)?),
            brought_by: row.get(7)?,
            approved_by: row.get(8)?,
            approved_at: row.get::<_, Option<i64>>(9)?.map(rfc3339),
            flags: flags(row.get(10)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn chunks(tx: &Transaction<'_>, live: Option<u32>) -> Result<Vec<InspectedChunk>> {
    let mut statement = tx.prepare_cached(
        "SELECT c.place, c.start, c.stop, c.page, c.embedded
         FROM chunk c JOIN generation g ON g.no = c.generation
         WHERE g.state = 'live' AND c.version = ?1 ORDER BY c.place",
    )?;
    let rows = statement.query_map([live], |row| {
        Ok(InspectedChunk {
            place: row.get(0)?,
            start: row.get(1)?,
            end: row.get(2)?,
            page: row.get(3)?,
            embedded: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
