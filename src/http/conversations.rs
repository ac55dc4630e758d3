//! A reader's own conversations: list, open, erase.
//!
//! What comes back of an earlier answer is what the reader may see now, decided anew for each request
//! (`vouch_index::ledger`'s `conversations.rs` says how). A foreign conversation, an expired one and one
//! that never was look the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use vouch_index::Reader;
use vouch_index::ledger::{ConversationInfo, Opening, Turn, TurnCitation};

use super::extract::Path;
use super::{ApiError, Surface};
use crate::answer::{Citation, Sentence};
use crate::app::App;
use crate::auth::AsReader;
use crate::paths::conversation;

/// The reader's conversations.
#[derive(Serialize, ToSchema)]
pub(super) struct Conversations {
    /// The last one first.
    conversations: Vec<Listed>,
}

/// A conversation in the list.
#[derive(Serialize, ToSchema)]
pub(super) struct Listed {
    id: String,
    /// The first question.
    title: String,
    begun_at: String,
    /// When it went on last. It is erased when nothing was asked in it for as long as the server
    /// keeps conversations.
    last_at: String,
    /// How many questions it has.
    turns: u32,
}

/// A conversation.
#[derive(Serialize, ToSchema)]
pub(super) struct Opened {
    id: String,
    /// Oldest first.
    turns: Vec<TurnBody>,
}

/// A question with what the reader may see of its answer now.
#[derive(Serialize, ToSchema)]
pub(super) struct TurnBody {
    /// The answer's id.
    answer: String,
    at: String,
    /// The reader's own words.
    question: String,
    /// `answered` or `not_found`, as it was then.
    outcome: String,
    /// The sentences that this reader may still see.
    sentences: Vec<Sentence>,
    /// What they cite, read from the versions they cite.
    citations: Vec<EarlierCitation>,
    /// Whether something was left out that this reader may no longer see.
    left_out: bool,
}

/// A citation of an earlier answer.
#[derive(Serialize, ToSchema)]
pub(super) struct EarlierCitation {
    #[serde(flatten)]
    citation: Citation,
    /// Whether this version still answers; else there is a newer one.
    current: bool,
}

impl From<ConversationInfo> for Listed {
    fn from(info: ConversationInfo) -> Self {
        let ConversationInfo { id, title, begun_at, last_at, turns } = info;
        Self { id, title, begun_at, last_at, turns }
    }
}

impl From<Turn> for TurnBody {
    fn from(turn: Turn) -> Self {
        let mut citations = BTreeMap::new();
        let sentence = |sentence: vouch_index::ledger::TurnSentence| {
            let mut numbers = Vec::new();
            for cited in sentence.citations {
                numbers.push(cited.number as usize);
                citations.entry(cited.number).or_insert_with(|| EarlierCitation::from(cited));
            }
            Sentence { text: sentence.text, citations: numbers }
        };
        let sentences = turn.sentences.into_iter().map(sentence).collect();
        Self {
            answer: turn.answer,
            at: turn.at,
            question: turn.question,
            outcome: turn.outcome,
            sentences,
            citations: citations.into_values().collect(),
            left_out: turn.left_out > 0,
        }
    }
}

impl From<TurnCitation> for EarlierCitation {
    fn from(cited: TurnCitation) -> Self {
        let citation = Citation {
            number: cited.number as usize,
            document: cited.document,
            title: cited.title,
            version: cited.version,
            quote: cited.quote,
            start: cited.start,
            end: cited.end,
            page: cited.page,
            heading: cited.heading,
            uri: cited.facts.uri,
            modified_at: cited.facts.modified_at,
            approved_at: cited.facts.approved_at,
            approved_by: cited.facts.approved_by,
            review_due: cited.facts.review_due,
            stale: cited.facts.stale,
        };
        Self { citation, current: cited.live }
    }
}

/// List your own conversations, the last one first.
#[utoipa::path(get, path = "/v1/conversations",
    responses((status = 200, body = Conversations), (status = "default", body = ApiError)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    AsReader(reader): AsReader,
) -> Result<axum::Json<Conversations>, ApiError> {
    let all = app.blocking(move |app| app.ledger.conversations(&reader)).await?;
    let conversations = all.into_iter().map(Listed::from).collect();
    Ok(axum::Json(Conversations { conversations }))
}

/// Open one of your own conversations. Of its answers you get what you may see now.
#[utoipa::path(get, path = "/v1/conversations/{id}", params(("id" = String, Path), Surface),
    responses((status = 200, body = Opened), (status = "default", body = ApiError)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    AsReader(reader): AsReader,
    surface: Surface,
    Path(id): Path<String>,
) -> Result<axum::Json<Opened>, ApiError> {
    let asked = id.clone();
    let turns = app.blocking(move |app| open(app, &reader, &asked, surface)).await?;
    Ok(axum::Json(Opened { id, turns: turns.into_iter().map(TurnBody::from).collect() }))
}

/// Reads a conversation and records what is shown of it.
fn open(app: &App, reader: &Reader, id: &str, surface: Surface) -> Result<Vec<Turn>, ApiError> {
    // The clearance first: what is recorded is never newer than what is shown.
    let clearance = app.ledger.clearance(reader)?;
    let turns = app.ledger.conversation(reader, id)?.ok_or_else(ApiError::not_found)?;
    let sentences = turns.iter().flat_map(|turn| &turn.sentences);
    let passages: Vec<_> = sentences.flat_map(conversation::shown).collect();
    app.ledger.audit_open(&Opening {
        kind: "conversation",
        answer: None,
        clearance: &clearance,
        question: id,
        searched: None,
        passages: &passages,
        details: json!({"conversation": id, "surface": surface.name()}),
    })?;
    Ok(turns)
}

/// Erase one of your own conversations. The audit keeps its own record of the answers.
#[utoipa::path(delete, path = "/v1/conversations/{id}", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn erase(
    State(app): State<Arc<App>>,
    AsReader(reader): AsReader,
    Path(id): Path<String>,
) -> Result<axum::Json<serde_json::Value>, ApiError> {
    let asked = id.clone();
    let gone = app.blocking(move |app| app.ledger.forget_conversation(&reader, &asked)).await?;
    if !gone {
        return Err(ApiError::not_found());
    }
    Ok(axum::Json(json!({"conversation": id, "erased": true})))
}
