//! What was asked before where a question goes on: in a thread, or in a direct conversation.
//!
//! Vouch keeps no question of Slack's. It keeps for two days which messages were questions, and reads
//! their text from Slack, as it stands there now: what was deleted there has no part in anything. Only
//! questions are read and no answer, so nothing that was shown to one comes to another by this.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use vouch_index::ledger::now;

use super::api::{Api, Place, Trouble};
use super::events::{Job, Task};
use super::text;
use super::{Failure, words};
use crate::app::App;
use crate::http::ApiError;
use crate::paths::conversation::Conversation;

/// The last questions that are read.
const MOST: usize = 6;
/// How long a direct conversation goes on where nobody opened a thread, in seconds.
const TALK: i64 = 3_600;

/// Whose questions count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Those of the asker.
    Askers,
    /// Those of everybody in the channel, where all of them are readers.
    Everybodys,
}

/// The questions before this one, where there are any.
pub(super) async fn earlier(
    app: &Arc<App>,
    api: &Api,
    (job, whose): (&Job, Whose),
) -> Result<Option<Conversation>, Failure> {
    if matches!(job.task, Task::Command { .. } | Task::Verdict { .. }) {
        return Ok(None);
    }
    let asked = asked(app, job, whose).await?;
    let Some(first) = asked.keys().next() else { return Ok(None) };
    let place = Place { channel: &job.channel, thread: job.task.thread() };
    let said = match api.said(place, (first, &job.ts)).await {
        Ok(said) => said,
        Err(Trouble::Refused(why)) => {
            tracing::warn!(why, "Slack does not tell what was asked before");
            return Ok(None);
        }
        Err(trouble) => return Err(trouble.into()),
    };
    let most = usize::try_from(app.config.limits.question_bytes).unwrap_or(usize::MAX);
    let mut questions: Vec<(&str, String)> = said
        .iter()
        .filter_map(|message| question(&asked, message))
        .filter(|(_, text)| text.len() <= most && !words::asks_for_help(text))
        .collect();
    questions.sort();
    questions.dedup();
    let last = questions.len().saturating_sub(MOST);
    let questions: Vec<_> = questions.drain(..).skip(last).map(|(_, text)| text).collect();
    Ok((!questions.is_empty()).then(|| Conversation::told(questions)))
}

/// Which messages were questions, by time, and whose.
async fn asked(
    app: &Arc<App>,
    job: &Job,
    whose: Whose,
) -> Result<BTreeMap<String, String>, ApiError> {
    let Job { channel, ts, user, task, .. } = job.clone();
    let since = if task.thread().is_empty() { now() - TALK } else { 0 };
    app.blocking(move |app| {
        let asked = app.ledger.slack_asked_before((&channel, task.thread()), &ts, since)?;
        let counts = |by: &String| whose == Whose::Everybodys || *by == user;
        Ok(asked.into_iter().filter(|(_, by)| counts(by)).collect())
    })
    .await
}

/// A message's time and text, if it is one of these questions and of the one who asked it.
fn question<'a>(asked: &BTreeMap<String, String>, message: &'a Value) -> Option<(&'a str, String)> {
    let (ts, said) = (message["ts"].as_str()?, message["text"].as_str()?);
    let by_asker = asked.get(ts).is_some_and(|user| message["user"].as_str() == Some(user));
    by_asker.then(|| (ts, text::question(said)))
}
