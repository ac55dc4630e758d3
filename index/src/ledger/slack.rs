//! What Slack sent, and what became of it.
//!
//! Slack delivers an event again whenever it is not sure, and Vouch may crash at any moment. A row here
//! is on disk before Slack is told that the event arrived; so the event is known when it comes again,
//! and gone on with when Vouch comes again.

use rusqlite::{Transaction, params};
use serde_json::json;

use super::audit::{self, Entry};
use super::gate::seen_by_all;
use super::{Ledger, now};
use crate::access::{Hearers, Reader};
use crate::error::Result;
use crate::words::DocumentId;

/// The messages before another one that are looked for.
const ASKED_BEFORE: u32 = 20;

/// Something that Slack sent and that needs an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlackEvent {
    /// Its id, unique for ever.
    pub id: String,
    /// The channel.
    pub channel: String,
    /// The thread that it is answered in, or empty.
    pub thread: String,
    /// The message's time, which names it in its channel; empty where it is no message.
    pub ts: String,
    /// Who sent it, as Slack names them.
    pub user: String,
    /// What is to be done, in the words of whoever does it.
    pub task: String,
    /// Whether somebody can be told later that there was no room. Else they are told at once.
    pub told_later: bool,
}

/// How far an event has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlackState {
    /// It waits for an answer, or one is being made.
    Waiting,
    /// There was no room for it, and that has not been said yet.
    Busy,
    /// Something that can't be looked for afterwards is being sent.
    Sending,
    /// It is over.
    Done,
}

impl SlackState {
    const ALL: [Self; 4] = [Self::Waiting, Self::Busy, Self::Sending, Self::Done];

    fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Busy => "busy",
            Self::Sending => "sending",
            Self::Done => "done",
        }
    }
}

/// What was done with an event that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlackTaken {
    /// It is kept, and is to be answered.
    New,
    /// It is kept, and whoever sent it is to be told that there is no room.
    Busy,
    /// It was here before.
    Known,
    /// It is not kept: there is no room at all.
    Full,
}

/// How many events there is room for.
#[derive(Clone, Copy, Debug)]
pub struct SlackRoom {
    /// To be answered.
    pub answers: usize,
    /// To be told that there is no room.
    pub busy: usize,
}

impl Ledger {
    /// Keeps the events that are new, as far as there is room, all in one transaction.
    ///
    /// # Errors
    /// The ledger failed; then none is kept.
    pub fn slack_take(
        &self,
        events: &[SlackEvent],
        mut room: SlackRoom,
    ) -> Result<Vec<SlackTaken>> {
        self.write(|tx| events.iter().map(|event| take(tx, event, &mut room)).collect())
    }

    /// Notes how far an event has come.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn slack_set(&self, id: &str, state: SlackState) -> Result<()> {
        self.write(|tx| {
            tx.prepare_cached(
                "UPDATE slack_event SET state = ?2, task = CASE ?2 WHEN 'done' THEN NULL ELSE task END
                 WHERE id = ?1",
            )?
            .execute(params![id, state.name()])?;
            Ok(())
        })
    }

    /// What is not over yet, oldest first.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn slack_unfinished(&self) -> Result<Vec<(SlackEvent, SlackState)>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT id, channel, thread, ts, user, task, state FROM slack_event
                 WHERE state <> 'done' ORDER BY at, id",
            )?;
            let rows = statement.query_map([], |row| {
                let state: String = row.get(6)?;
                let known = SlackState::ALL.into_iter().find(|one| one.name() == state);
                let event = SlackEvent {
                    id: row.get(0)?,
                    channel: row.get(1)?,
                    thread: row.get(2)?,
                    ts: row.get(3)?,
                    user: row.get(4)?,
                    task: row.get::<_, Option<String>>(5)?.unwrap_or_default(),
                    told_later: true,
                };
                Ok((event, known.unwrap_or(SlackState::Sending)))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Which messages in this channel and thread came before this one and since that time, and whose
    /// they are; the last of them.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn slack_asked_before(
        &self,
        (channel, thread): (&str, &str),
        ts: &str,
        since: i64,
    ) -> Result<Vec<(String, String)>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT ts, user FROM slack_event
                 WHERE channel = ?1 AND thread = ?2 AND ts <> '' AND at >= ?4
                   AND CAST(ts AS REAL) < CAST(?3 AS REAL)
                 ORDER BY CAST(ts AS REAL) DESC LIMIT ?5",
            )?;
            let rows = statement
                .query_map(params![channel, thread, ts, since, ASKED_BEFORE], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Forgets what is over and came before this time.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn slack_forget(&self, before: i64) -> Result<usize> {
        self.write(|tx| {
            let sql = "DELETE FROM slack_event WHERE state = 'done' AND at < ?1";
            Ok(tx.execute(sql, [before])?)
        })
    }

    /// Decides at the last moment whether an answer may be shown to its reader and to all who hear it,
    /// and records each of those in the same transaction. `false`: it may not, and nothing is written.
    ///
    /// # Errors
    /// The ledger failed; then nothing may be shown.
    pub fn show_to_all(
        &self,
        answer: &str,
        reader: &Reader,
        documents: &[DocumentId],
    ) -> Result<bool> {
        self.write(|tx| {
            if !seen_by_all(tx, reader, documents)? {
                return Ok(false);
            }
            let heard = |one: &Reader, body: serde_json::Value| {
                let user = one.principal().to_string();
                let person = json!({ "user": user });
                let (answer, documents) = (Some(answer), Vec::new());
                audit::append(
                    tx,
                    &Entry { kind: "heard", answer, body, user: &user, person, documents },
                )
            };
            match reader.hearers() {
                Hearers::Nobody => {}
                Hearers::Crowd(people) => heard(reader, json!({ "crowd": people }))?,
                Hearers::Each(others) => {
                    for one in others.iter().filter(|one| one.user != reader.user) {
                        heard(one, json!({}))?;
                    }
                }
            }
            Ok(true)
        })
    }
}

fn take(tx: &Transaction<'_>, event: &SlackEvent, room: &mut SlackRoom) -> Result<SlackTaken> {
    let known = tx
        .prepare_cached(
            "SELECT 1 FROM slack_event WHERE id = ?1 OR (channel = ?2 AND ts = ?3 AND ts <> '')",
        )?
        .exists([&event.id, &event.channel, &event.ts])?;
    if known {
        return Ok(SlackTaken::Known);
    }
    let (taken, state) = if room.answers > 0 {
        room.answers -= 1;
        (SlackTaken::New, SlackState::Waiting)
    } else if event.told_later && room.busy > 0 {
        room.busy -= 1;
        (SlackTaken::Busy, SlackState::Busy)
    } else {
        return Ok(SlackTaken::Full);
    };
    tx.prepare_cached("INSERT INTO slack_event VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?.execute(
        params![
            event.id,
            event.channel,
            event.thread,
            event.ts,
            event.user,
            state.name(),
            event.task,
            now()
        ],
    )?;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, ts: &str) -> SlackEvent {
        SlackEvent {
            id: id.to_owned(),
            channel: "C1".to_owned(),
            thread: "1.1".to_owned(),
            ts: ts.to_owned(),
            user: "U1".to_owned(),
            task: "task".to_owned(),
            told_later: true,
        }
    }

    #[test]
    fn promise_8_an_event_is_taken_once_and_kept_until_it_is_over() {
        use SlackTaken::{Busy, Full, Known, New};
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path(), &folder.path().join("head")).unwrap();
        let come =
            [event("a", "1"), event("a", "1"), event("b", "1"), event("c", ""), event("d", "")];
        let room = SlackRoom { answers: 1, busy: 1 };
        assert_eq!(ledger.slack_take(&come, room).unwrap(), [New, Known, Known, Busy, Full]);
        assert_eq!(ledger.slack_take(&come, room).unwrap(), [Known, Known, Known, Known, New]);
        let states = |ledger: &Ledger| -> Vec<_> {
            let open = ledger.slack_unfinished().unwrap();
            open.into_iter().map(|(event, state)| (event.id, event.task, state)).collect()
        };
        let before = |place, ts: &str, since| ledger.slack_asked_before(place, ts, since).unwrap();
        let first = [("1".to_owned(), "U1".to_owned())];
        assert_eq!(before(("C1", "1.1"), "2.5", 0), first);
        assert!(before(("C1", "1.1"), "1", 0).is_empty(), "not the message itself");
        assert!(before(("C1", "1.1"), "2.5", now() + 9).is_empty());
        assert!(
            before(("C1", ""), "2.5", 0).is_empty() && before(("C2", "1.1"), "9", 0).is_empty()
        );
        ledger.slack_set("a", SlackState::Sending).unwrap();
        ledger.slack_set("d", SlackState::Done).unwrap();
        let open = |id: &str, state| (id.to_owned(), "task".to_owned(), state);
        assert_eq!(states(&ledger), [open("a", SlackState::Sending), open("c", SlackState::Busy)]);
        assert_eq!(ledger.slack_forget(now() + 1).unwrap(), 1);
        assert_eq!(states(&ledger).len(), 2);
    }
}
