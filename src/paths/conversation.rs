//! A conversation on the question's path: what was said before, cut to what the reader may see now.
//!
//! An earlier sentence stays in the reader's history as long as the reader may open the versions that
//! it cites. A generator is told less: only sentences that rest on versions that answer now, for what
//! was replaced since is no longer what the company says.

use vouch_index::ledger::{ConversationLimits, ShownPassage, Turn, TurnSentence};
use vouch_index::{Clearance, Reader};

use super::follow_up;
use crate::app::App;
use crate::generate::Exchange;
use crate::http::ApiError;

/// What a request says to begin a conversation, besides nothing at all.
const NEW: &str = "new";
/// The last turns that a generator is told.
const TOLD: usize = 6;

/// A conversation that a question belongs to.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// Where it is kept; none where its caller keeps it.
    kept: Option<Kept>,
    turns: Vec<Turn>,
}

/// Where turns are kept.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) id: String,
    /// Whether this question begins it.
    pub(super) first: bool,
}

/// What was said before, as it is for one question under one clearance.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// What a generator is told, oldest first.
    pub(super) exchanges: Vec<Exchange>,
    /// The quotes that it is told of by that.
    pub(super) shown: Vec<ShownPassage>,
    /// The question as it stands by itself, where that differs from the reader's words.
    pub(super) searched: Option<String>,
}

/// The conversation that a request names: none, a new one, or one of the reader's.
///
/// # Errors
/// There is no such one of this reader, or the reader keeps as much as there may be.
pub fn open(
    app: &App,
    reader: &Reader,
    asked: Option<&str>,
) -> Result<Option<Conversation>, ApiError> {
    let settings = &app.config.conversations;
    let limits = ConversationLimits { conversations: settings.most, turns: settings.turns };
    match asked {
        None => Ok(None),
        Some("" | NEW) => {
            app.ledger.room_for_conversation(reader, limits)?;
            let id = format!("conv_{}", ulid::Ulid::generate());
            Ok(Some(Conversation { kept: Some(Kept { id, first: true }), turns: Vec::new() }))
        }
        Some(id) => {
            let turns = app.ledger.conversation(reader, id)?.ok_or_else(ApiError::not_found)?;
            if turns.len() >= limits.turns as usize {
                return Err(ApiError::conflict(
                    "too_many_turns",
                    format!(
                        "this conversation has {} questions, and more are not kept",
                        turns.len()
                    ),
                    "begin another one with \"conversation\": \"new\"",
                ));
            }
            let kept = Kept { id: id.to_owned(), first: false };
            Ok(Some(Conversation { kept: Some(kept), turns }))
        }
    }
}

impl Conversation {
    /// A conversation that the caller keeps: what was asked before. Answers are not taken from a caller,
    /// for nobody could say which of them the reader may still see.
    #[must_use]
    pub fn told(asked: Vec<String>) -> Self {
        let turn = |question| Turn {
            answer: String::new(),
            at: String::new(),
            question,
            outcome: String::new(),
            sentences: Vec::new(),
            left_out: 0,
        };
        Self { kept: None, turns: asked.into_iter().map(turn).collect() }
    }

    /// Where this turn is to be kept.
    pub(super) fn kept(&self) -> Option<&Kept> {
        self.kept.as_ref()
    }

    /// Its id, where it has one.
    pub(super) fn id(&self) -> Option<&str> {
        self.kept.as_ref().map(|kept| kept.id.as_str())
    }

    /// What was said before, for this question and under this clearance.
    pub(super) fn earlier(&self, question: &str, clearance: &Clearance) -> Earlier {
        // The reader's own words: what is hidden now can't have part in what is searched.
        let asked: Vec<_> = self.turns.iter().map(|turn| turn.question.as_str()).collect();
        let mut earlier =
            Earlier { searched: follow_up::complete(&asked, question), ..Earlier::default() };
        for turn in &self.turns[self.turns.len().saturating_sub(TOLD)..] {
            let counts = |sentence: &&TurnSentence| {
                sentence.citations.iter().all(|cited| clearance.holds(cited.no))
            };
            let said: Vec<_> = turn.sentences.iter().filter(counts).collect();
            earlier.shown.extend(said.iter().flat_map(|sentence| shown(sentence)));
            let texts: Vec<_> = said.iter().map(|sentence| sentence.text.as_str()).collect();
            let question = turn.question.clone();
            earlier.exchanges.push(Exchange { question, answer: texts.join(" ") });
        }
        earlier
    }
}

/// The citations of a sentence as the audit keeps them.
pub fn shown(sentence: &TurnSentence) -> impl Iterator<Item = ShownPassage> {
    sentence.citations.iter().map(|cited| ShownPassage {
        document: cited.document.clone(),
        version: cited.version.clone(),
        start: cited.start,
        end: cited.end,
    })
}
