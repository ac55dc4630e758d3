//! Conversations: what a reader asked, and of the answers what this reader may see now.
//!
//! A turn is read through the gate, each time. A sentence comes back only if the reader may open
//! every version that it cites, by the rule that opens a document at an earlier version; of any other
//! nothing comes back, neither its text nor what it cited. Only how many sentences there were stays
//! known, and what the reader asked, in the reader's own words.
//!
//! There is no way to a conversation but with its reader. A foreign one is like one that never was.

use std::collections::BTreeMap;

use rusqlite::{Transaction, params};
use serde_json::Value;

use super::gate::{Facts, Gate, Opened};
use super::{Ledger, audit, now, rfc3339};
use crate::access::Reader;
use crate::error::{Refusal, Result};
use crate::words::VersionNo;

/// The most of what one reader may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConversationLimits {
    /// Conversations of one reader.
    pub conversations: u32,
    /// Turns of one conversation.
    pub turns: u32,
}

/// A conversation in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationInfo {
    /// `conv_` and a sortable id.
    pub id: String,
    /// The first question.
    pub title: String,
    /// When it began, RFC 3339.
    pub begun_at: String,
    /// When it went on last.
    pub last_at: String,
    /// How many turns it has.
    pub turns: u32,
}

/// A question and what may be seen of its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// The answer's id.
    pub answer: String,
    /// When it was answered, RFC 3339.
    pub at: String,
    /// The reader's own words.
    pub question: String,
    /// `answered` or `not_found`.
    pub outcome: String,
    /// The sentences that this reader may see now.
    pub sentences: Vec<TurnSentence>,
    /// How many sentences there were besides.
    pub left_out: u32,
}

/// A sentence of an earlier answer.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnSentence {
    /// Plain text.
    pub text: String,
    /// What it rests on; never empty.
    pub citations: Vec<TurnCitation>,
}

/// A citation of an earlier answer, read anew from its version.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnCitation {
    /// Its number in that answer, from 1.
    pub number: u32,
    /// The version's number.
    pub no: VersionNo,
    /// The document's id.
    pub document: String,
    /// The version's title.
    pub title: String,
    /// The version's hash.
    pub version: String,
    /// Exactly the version's text from `start` to `end`.
    pub quote: String,
    /// First byte in the version's text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// The page, for formats that have pages.
    pub page: Option<u32>,
    /// Headings above it.
    pub heading: String,
    /// Whether this is the version that answers now.
    pub live: bool,
    /// Dates and approval.
    pub facts: Facts,
}

/// A turn as it is to be kept.
#[derive(Debug)]
pub struct NewTurn<'a> {
    /// The conversation that it belongs to.
    pub conversation: &'a str,
    /// Whether it is the first one.
    pub first: bool,
    /// The reader's own words.
    pub question: &'a str,
    /// `answered` or `not_found`.
    pub outcome: &'a str,
    /// How many sentences were let out, with those that were taken back.
    pub said: usize,
    /// The sentences that were let out and stayed.
    pub sentences: Vec<NewSentence>,
}

/// A sentence as it is to be kept.
#[derive(Debug)]
pub struct NewSentence {
    /// Plain text.
    pub text: String,
    /// What it rests on; never empty.
    pub citations: Vec<NewCitation>,
}

/// A citation as it is to be kept: where the quote stands, and no text of it.
#[derive(Debug)]
pub struct NewCitation {
    /// Its number in the answer.
    pub number: usize,
    /// The version.
    pub version: VersionNo,
    /// First byte in the version's text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// The page.
    pub page: Option<u32>,
    /// Headings above it.
    pub heading: String,
}

impl Ledger {
    /// Refuses a new conversation where the reader has as many as there may be.
    ///
    /// # Errors
    /// There are too many, or the ledger failed.
    pub fn room_for_conversation(&self, reader: &Reader, limits: ConversationLimits) -> Result<()> {
        let count: u32 = self.read(|tx| {
            let sql = "SELECT count(*) FROM conversation WHERE user = ?1";
            let user = reader.principal().to_string();
            Ok(tx.prepare_cached(sql)?.query_row([user], |row| row.get(0))?)
        })?;
        if count < limits.conversations {
            return Ok(());
        }
        Err(Refusal::conflict(
            "too_many_conversations",
            format!("you keep {count} conversations, and {} are the most", limits.conversations),
            "erase one with DELETE /v1/conversations/{id}, or ask without `conversation`",
        ))
    }

    /// The reader's conversations, the last one first.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn conversations(&self, reader: &Reader) -> Result<Vec<ConversationInfo>> {
        const ALL: &str = "SELECT c.id, c.begun, c.last, count(t.no),
              (SELECT question FROM turn WHERE conversation = c.id ORDER BY no LIMIT 1)
            FROM conversation c JOIN turn t ON t.conversation = c.id
            WHERE c.user = ?1 GROUP BY c.id ORDER BY c.last DESC, c.id DESC";
        self.read(|tx| {
            let mut statement = tx.prepare_cached(ALL)?;
            let rows = statement.query_map([reader.principal().to_string()], |row| {
                Ok(ConversationInfo {
                    id: row.get(0)?,
                    begun_at: rfc3339(row.get(1)?),
                    last_at: rfc3339(row.get(2)?),
                    turns: row.get(3)?,
                    title: row.get(4)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The turns of one of the reader's conversations, oldest first, with what the reader may see of
    /// them now. `None` where there is no such conversation of this reader.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn conversation(&self, reader: &Reader, id: &str) -> Result<Option<Vec<Turn>>> {
        self.read(|tx| {
            if !belongs(tx, id, reader)? {
                return Ok(None);
            }
            let mut gate = Gate::open(tx, reader)?;
            let mut statement = tx.prepare_cached(
                "SELECT no, answer, at, question, outcome, said FROM turn
                 WHERE conversation = ?1 ORDER BY no",
            )?;
            let mut rows = statement.query([id])?;
            let mut turns = Vec::new();
            while let Some(row) = rows.next()? {
                let sentences = sentences(tx, &mut gate, row.get(0)?)?;
                let said: u32 = row.get(5)?;
                turns.push(Turn {
                    answer: row.get(1)?,
                    at: rfc3339(row.get(2)?),
                    question: row.get(3)?,
                    outcome: row.get(4)?,
                    left_out: said.saturating_sub(u32::try_from(sentences.len()).unwrap_or(said)),
                    sentences,
                });
            }
            Ok(Some(turns))
        })
    }

    /// Erases one of the reader's conversations. `false`: there is no such one. What the audit holds
    /// stays.
    ///
    /// # Errors
    /// The ledger failed; then nothing is gone.
    pub fn forget_conversation(&self, reader: &Reader, id: &str) -> Result<bool> {
        let user = reader.principal().to_string();
        let gone = self.write(|tx| {
            let sql = "DELETE FROM conversation WHERE id = ?1 AND user = ?2";
            Ok(tx.execute(sql, params![id, user])? > 0)
        })?;
        if gone {
            self.overwrite_deleted()?;
        }
        Ok(gone)
    }

    /// Writes the closing record of an answer and keeps it as a turn, in one step. `false`: the
    /// conversation was erased meanwhile, and the turn is not kept.
    ///
    /// # Errors
    /// Neither is on disk.
    pub fn close_turn(
        &self,
        answer: &str,
        reader: &Reader,
        closing: Value,
        turn: &NewTurn<'_>,
    ) -> Result<bool> {
        let user = reader.principal().to_string();
        self.write(|tx| {
            audit::close(tx, answer, &user, closing)?;
            if turn.first {
                tx.prepare_cached("INSERT INTO conversation VALUES (?1, ?2, ?3, ?3)")?
                    .execute(params![turn.conversation, user, now()])?;
            } else {
                let went_on = tx
                    .prepare_cached(
                        "UPDATE conversation SET last = ?3 WHERE id = ?1 AND user = ?2",
                    )?
                    .execute(params![turn.conversation, user, now()])?;
                if went_on == 0 {
                    return Ok(false);
                }
            }
            keep(tx, answer, turn)?;
            Ok(true)
        })
    }

    /// Erases the conversations that did not go on for so many seconds. Returns how many.
    ///
    /// # Errors
    /// The ledger failed; then nothing is gone.
    pub fn expire_conversations(&self, keep: i64) -> Result<usize> {
        let before = now().saturating_sub(keep);
        let any = self.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT 1 FROM conversation WHERE last < ?1")?;
            Ok(statement.exists([before])?)
        })?;
        if !any {
            return Ok(0);
        }
        let sql = "DELETE FROM conversation WHERE last < ?1";
        let gone = self.write(|tx| Ok(tx.execute(sql, [before])?))?;
        self.overwrite_deleted()?;
        Ok(gone)
    }
}

/// Erases the conversations of a user. Returns how many.
pub(super) fn erase(tx: &Transaction<'_>, user: &str) -> Result<usize> {
    Ok(tx.execute("DELETE FROM conversation WHERE user = ?1", [user])?)
}

/// Erases every sentence that cites a version of this source: what is derived from it goes.
pub(super) fn purge(tx: &Transaction<'_>, source: &str) -> Result<usize> {
    Ok(tx.execute(
        "DELETE FROM turn_sentence WHERE (turn, place) IN (
           SELECT c.turn, c.place FROM turn_citation c JOIN version v ON v.no = c.version
           JOIN document d ON d.no = v.document WHERE d.source = ?1)",
        [source],
    )?)
}

fn belongs(tx: &Transaction<'_>, id: &str, reader: &Reader) -> Result<bool> {
    let mut statement =
        tx.prepare_cached("SELECT 1 FROM conversation WHERE id = ?1 AND user = ?2")?;
    Ok(statement.exists(params![id, reader.principal().to_string()])?)
}

fn keep(tx: &Transaction<'_>, answer: &str, turn: &NewTurn<'_>) -> Result<()> {
    let no: i64 = tx
        .prepare_cached(
            "INSERT INTO turn (conversation, answer, at, question, outcome, said)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING no",
        )?
        .query_row(
            params![turn.conversation, answer, now(), turn.question, turn.outcome, turn.said],
            |row| row.get(0),
        )?;
    for (place, sentence) in turn.sentences.iter().enumerate() {
        tx.prepare_cached("INSERT INTO turn_sentence VALUES (?1, ?2, ?3)")?.execute(params![
            no,
            place,
            sentence.text
        ])?;
        for cited in &sentence.citations {
            tx.prepare_cached(
                "INSERT OR IGNORE INTO turn_citation VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                no,
                place,
                cited.number,
                cited.version.0,
                cited.start,
                cited.end,
                cited.page,
                cited.heading
            ])?;
        }
    }
    Ok(())
}

/// The sentences of a turn of which the gate opens every version.
fn sentences(tx: &Transaction<'_>, gate: &mut Gate<'_>, turn: i64) -> Result<Vec<TurnSentence>> {
    let mut statement = tx.prepare_cached(
        "SELECT s.place, s.text, c.number, c.version, c.start, c.stop, c.page, c.heading
         FROM turn_sentence s JOIN turn_citation c ON c.turn = s.turn AND c.place = s.place
         WHERE s.turn = ?1 ORDER BY s.place, c.number",
    )?;
    let mut rows = statement.query([turn])?;
    let mut sentences: BTreeMap<u32, Option<TurnSentence>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let text: String = row.get(1)?;
        let sentence = sentences
            .entry(row.get(0)?)
            .or_insert_with(|| Some(TurnSentence { text, citations: Vec::new() }));
        let (no, start, end) = (VersionNo(row.get(3)?), row.get(4)?, row.get(5)?);
        let opened = match sentence {
            Some(_) => gate.opens(no)?,
            None => continue,
        };
        let quoted = opened.map(|opened| quoted(tx, opened, (no, start, end))).transpose()?;
        match (quoted, sentence.as_mut()) {
            (Some(cited), Some(kept)) => kept.citations.push(TurnCitation {
                number: row.get(2)?,
                page: row.get(6)?,
                heading: row.get(7)?,
                ..cited
            }),
            _ => *sentence = None,
        }
    }
    Ok(sentences.into_values().flatten().collect())
}

/// A citation without what only its turn knows.
fn quoted(
    tx: &Transaction<'_>,
    opened: Opened,
    (no, start, end): (VersionNo, u32, u32),
) -> Result<TurnCitation> {
    let quote = super::gate::slice(tx, no, start, end)?;
    Ok(TurnCitation {
        number: 0,
        no,
        document: opened.document.to_string(),
        title: opened.title,
        version: opened.hash,
        quote,
        start,
        end,
        page: None,
        heading: String::new(),
        live: opened.live,
        facts: opened.facts,
    })
}
