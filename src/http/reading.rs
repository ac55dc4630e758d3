//! What readers call: ask, search, documents, feedback.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_stream::wrappers::ReceiverStream;
use tracing::Instrument as _;
use utoipa::{IntoParams, ToSchema};
use vouch_index::ledger::{DocumentText, Opening, ShownPassage};
use vouch_index::search::{Found, Mode};
use vouch_index::{DocumentId, Passage};

use super::extract::{Json, Path, Query};
use super::{ApiError, Surface};
use crate::answer::{Answer, Audience, Event};
use crate::app::App;
use crate::auth::{Admitted, AsReader};
use crate::paths::ask::{self, Question};
use crate::paths::conversation;

/// Passages that a search returns unless told otherwise, and at most.
const LIMIT: usize = 10;
const MOST: usize = 200;

/// A question.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AskBody {
    /// The question, 8 KB at most.
    question: String,
    /// Only these sources.
    sources: Option<Vec<String>>,
    /// Server-sent events instead of one JSON object.
    stream: Option<bool>,
    /// Whether what the language model was told is wanted as well, as `prompt` of the answer.
    prompt: Option<bool>,
    /// `new` begins a conversation, and the answer carries its id; an id goes on with that one.
    /// Without it the question stands by itself and is kept nowhere but in the audit.
    conversation: Option<String>,
}

/// Answer a question from what the reader may see.
#[utoipa::path(post, path = "/v1/ask", request_body = AskBody, params(Surface),
    responses((status = 200, body = Answer), (status = "default", body = ApiError)))]
pub(super) async fn ask(
    State(app): State<Arc<App>>,
    AsReader(reader): AsReader,
    surface: Surface,
    Json(body): Json<AskBody>,
) -> Result<Response, ApiError> {
    let text = checked(&app, &body.question, "question")?;
    let prompt = body.prompt.unwrap_or_default();
    let (asker, named) = (reader.clone(), body.conversation);
    let conversation =
        app.blocking(move |app| conversation::open(app, &asker, named.as_deref())).await?;
    let question =
        Question { text, sources: body.sources, conversation, surface: surface.name(), prompt };
    if body.stream.unwrap_or_default() {
        let events = events(app, reader, question);
        return Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response());
    }
    Ok(axum::Json(answered(app, reader, question).await?).into_response())
}

/// An answer, once it is whole.
pub(super) async fn answered(
    app: Arc<App>,
    reader: Admitted,
    question: Question,
) -> Result<Answer, ApiError> {
    let (heard, whole) = answering(app, reader, question);
    heard.for_each(|_| std::future::ready(())).await;
    whole.await
}

/// An answer that is being made: what is heard meanwhile, and then the whole. Whoever drops the first
/// is gone, and the answer ends early.
pub(super) fn answering(
    app: Arc<App>,
    reader: Admitted,
    question: Question,
) -> (ReceiverStream<Event>, impl Future<Output = Result<Answer, ApiError>>) {
    let (audience, heard) = Audience::new();
    let span = tracing::Span::current();
    let made =
        async move { app.blocking(move |app| ask::ask(app, &reader, &question, &audience)).await };
    let made = tokio::spawn(made.instrument(span));
    let whole =
        async move { made.await.unwrap_or_else(|error| Err(anyhow::Error::new(error).into())) };
    (ReceiverStream::new(heard), whole)
}

/// The answer as events.
fn events(
    app: Arc<App>,
    reader: Admitted,
    question: Question,
) -> impl Stream<Item = Result<SseEvent, Infallible>> {
    let (heard, whole) = answering(app, reader, question);
    let last = async move {
        match whole.await {
            Ok(answer) => named("done", &answer),
            Err(error) => named("error", &error),
        }
    };
    heard.map(|event| sse(&event)).chain(last.into_stream()).map(Ok)
}

fn sse(event: &Event) -> SseEvent {
    match event {
        Event::Status(stage) => named("status", &json!({ "stage": stage })),
        Event::Citation(citation) => named("citation", citation),
        Event::Sentence(sentence) => named("sentence", sentence),
    }
}

fn named(name: &str, data: &impl Serialize) -> SseEvent {
    SseEvent::default().event(name).data(serde_json::to_string(data).unwrap_or_default())
}

/// A search.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchBody {
    /// What to look for, 8 KB at most.
    pub(super) query: String,
    /// How many passages: 10 unless said, 200 at most.
    pub(super) limit: Option<usize>,
    /// `fused`, `words` or `meaning`.
    #[schema(value_type = Option<String>)]
    pub(super) mode: Option<Mode>,
    /// Only these sources.
    pub(super) sources: Option<Vec<String>>,
    /// Only what was changed at this time or later, RFC 3339.
    pub(super) modified_after: Option<String>,
}

/// Passages, best first.
#[derive(Serialize, ToSchema)]
pub(super) struct SearchAnswer {
    passages: Vec<PassageBody>,
    /// Why words alone counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// A passage.
#[derive(Serialize, ToSchema)]
pub(super) struct PassageBody {
    document: String,
    title: String,
    version: String,
    text: String,
    start: u32,
    end: u32,
    page: Option<u32>,
    heading: String,
    score: f32,
    modified_at: String,
}

impl From<Passage> for PassageBody {
    fn from(passage: Passage) -> Self {
        Self {
            document: passage.document.to_string(),
            title: passage.title,
            version: passage.version,
            text: passage.text,
            start: passage.start,
            end: passage.end,
            page: passage.page,
            heading: passage.heading,
            score: passage.score,
            modified_at: passage.facts.modified_at,
        }
    }
}

/// Find passages among what the reader may see.
#[utoipa::path(post, path = "/v1/search", request_body = SearchBody, params(Surface),
    responses((status = 200, body = SearchAnswer), (status = "default", body = ApiError)))]
pub(super) async fn search(
    State(app): State<Arc<App>>,
    AsReader(reader): AsReader,
    surface: Surface,
    Json(body): Json<SearchBody>,
) -> Result<axum::Json<SearchAnswer>, ApiError> {
    let found = look_up(&app, (reader, surface), body).await?;
    let passages = found.passages.into_iter().map(PassageBody::from).collect();
    Ok(axum::Json(SearchAnswer { passages, note: found.words_only }))
}

/// Searches for a reader and records what was shown, and where.
pub(super) async fn look_up(
    app: &Arc<App>,
    (reader, surface): (Admitted, Surface),
    body: SearchBody,
) -> Result<Found, ApiError> {
    let text = checked(app, &body.query, "query")?;
    let limit = body.limit.unwrap_or(LIMIT);
    if !(1..=MOST).contains(&limit) {
        return Err(ApiError::invalid(
            "bad_limit",
            format!("`limit` is {limit}"),
            format!("ask for 1 to {MOST} passages"),
        ));
    }
    let after = body.modified_after.as_deref().map(time).transpose()?;
    app.blocking(move |app| {
        let live = app.live();
        let clearance = app.ledger.clearance(&reader)?;
        let clearance = app.ledger.narrow(&clearance, body.sources.as_deref(), after)?;
        let found =
            ask::find(app, &live, &clearance, (&text, body.mode.unwrap_or_default(), limit))?;
        app.ledger.audit_open(&Opening {
            kind: "search",
            answer: None,
            clearance: &clearance,
            question: &text,
            searched: None,
            passages: &found.passages.iter().map(ask::shown).collect::<Vec<_>>(),
            details: json!({
                "generation": live.generation.number, "surface": surface.name(),
            }),
        })?;
        Ok(found)
    })
    .await
}

/// Which version of a document.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct VersionQuery {
    /// `sha256:…`; without it the version that answers now.
    version: Option<String>,
}

/// Metadata and text of a document's approved version, or of an earlier one.
#[utoipa::path(get, path = "/v1/documents/{source}/{*path}",
    params(("source" = String, Path), ("path" = String, Path), VersionQuery, Surface),
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn document(
    State(app): State<Arc<App>>,
    AsReader(reader): AsReader,
    surface: Surface,
    Path(place): Path<(String, String)>,
    Query(query): Query<VersionQuery>,
) -> Result<axum::Json<DocumentText>, ApiError> {
    Ok(axum::Json(open(&app, (reader, surface), place, query.version).await?))
}

/// Opens a document for a reader and records that it was shown, and where.
pub(super) async fn open(
    app: &Arc<App>,
    (reader, surface): (Admitted, Surface),
    (source, path): (String, String),
    version: Option<String>,
) -> Result<DocumentText, ApiError> {
    let id = DocumentId { source, path };
    app.blocking(move |app| {
        let clearance = app.ledger.clearance(&reader)?;
        let found = app.ledger.document_text(&reader, &id, version.as_deref())?;
        let document = found.ok_or_else(ApiError::not_found)?;
        app.ledger.audit_open(&Opening {
            kind: "document",
            answer: None,
            clearance: &clearance,
            question: &id.to_string(),
            searched: None,
            passages: &[ShownPassage {
                document: document.document.clone(),
                version: document.version.clone(),
                start: 0,
                end: u32::try_from(document.text.len()).unwrap_or(u32::MAX),
            }],
            details: json!({ "surface": surface.name() }),
        })?;
        Ok(document)
    })
    .await
}

/// What the asker says of an answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FeedbackBody {
    /// The answer's id.
    answer: String,
    /// Whether it was right.
    verdict: Verdict,
    /// Why.
    comment: Option<String>,
}

/// Whether an answer was right.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// It was.
    Right,
    /// It was not.
    Wrong,
}

/// Say whether an answer was right. Only the asker may.
#[utoipa::path(post, path = "/v1/feedback", request_body = FeedbackBody,
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn feedback(
    State(app): State<Arc<App>>,
    AsReader(reader): AsReader,
    Json(body): Json<FeedbackBody>,
) -> Result<axum::Json<serde_json::Value>, ApiError> {
    let comment = body.comment.as_deref().map(|text| checked(&app, text, "comment")).transpose()?;
    let verdict = match body.verdict {
        Verdict::Right => "right",
        Verdict::Wrong => "wrong",
    };
    let answer = body.answer.clone();
    let kept = app
        .blocking(move |app| {
            let user = reader.principal().to_string();
            app.ledger.feedback(&answer, &user, verdict, comment.as_deref())
        })
        .await?;
    if !kept {
        return Err(ApiError::not_found());
    }
    Ok(axum::Json(json!({"answer": body.answer, "verdict": body.verdict})))
}

/// Refuses what is empty or too long.
pub(super) fn checked(app: &App, text: &str, name: &str) -> Result<String, ApiError> {
    let limit = app.config.limits.question_bytes;
    if text.len() as u64 > limit {
        return Err(ApiError::too_large(
            "too_long",
            format!("the {name} has {} bytes", text.len()),
            format!("{limit} bytes are the most; ask in fewer words"),
        ));
    }
    if text.trim().is_empty() {
        return Err(ApiError::invalid("empty", format!("the {name} is empty"), "write something"));
    }
    Ok(text.to_owned())
}

fn time(text: &str) -> Result<i64, ApiError> {
    text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_second).map_err(|error| {
        ApiError::invalid(
            "bad_time",
            format!("`modified_after` is not a time: {error}"),
            "write it as RFC 3339, such as 2026-01-31T00:00:00Z",
        )
    })
}
