//! The shapes of OpenAI's chat completions, so that programs made for them need another base URL and
//! nothing else.
//!
//! The last message of the user is the question. Messages of the system are ignored, and so are
//! temperatures, tools and formats: what an answer may say is decided by the documents. Citations are
//! marks in the text, annotations of type `url_citation`, and a list of sources at its end. Errors
//! have OpenAI's shape, with the same codes as everywhere.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt as _, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;
use vouch_index::ledger::now;

use super::extract::{Json, Path};
use super::prose::{Mark, Prose};
use super::reading::{answered, answering, checked};
use super::{ApiError, Surface};
use crate::answer::{Answer, Event};
use crate::app::App;
use crate::auth::AsReader;
use crate::generate::Usage;
use crate::paths::ask::Question;
use crate::paths::conversation::Conversation;

/// The only model there is. What writes the answers is a matter of the settings.
const MODEL: &str = "vouch";
/// When it was made; programs want a number.
const MADE: i64 = 1_767_225_600;

/// A chat, as OpenAI's libraries send it. Whatever else they send is ignored.
#[derive(Deserialize, ToSchema)]
pub(super) struct ChatBody {
    /// `vouch`.
    model: Option<String>,
    /// The last one of role `user` is the question.
    messages: Vec<Message>,
    /// Chunks as server-sent events instead of one JSON object.
    stream: Option<bool>,
    /// `include_usage` adds a last chunk with the numbers of tokens.
    stream_options: Option<StreamOptions>,
}

/// What more is wanted of a stream.
#[derive(Deserialize, ToSchema)]
pub(super) struct StreamOptions {
    include_usage: Option<bool>,
}

/// A message of a chat.
#[derive(Deserialize, ToSchema)]
pub(super) struct Message {
    /// `user`, `assistant`, `system` or any other.
    role: String,
    /// A text, or a list of parts.
    content: Option<Content>,
}

/// What a message says.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub(super) enum Content {
    /// All of it.
    Text(String),
    /// In parts.
    Parts(Vec<Part>),
}

/// A part of a message. Vouch reads text alone.
#[derive(Deserialize, ToSchema)]
pub(super) struct Part {
    /// `text`; every other one is refused.
    #[serde(rename = "type")]
    kind: String,
    /// The text.
    text: Option<String>,
}

impl Content {
    /// The text of it.
    fn text(&self) -> Result<String, ApiError> {
        let parts = match self {
            Self::Text(text) => return Ok(text.clone()),
            Self::Parts(parts) => parts,
        };
        let mut texts = Vec::new();
        for part in parts {
            match (part.kind.as_str(), &part.text) {
                ("text", Some(text)) => texts.push(text.as_str()),
                (kind, _) => {
                    return Err(bad_request(
                        "unsupported_content",
                        &format!("a message holds a part of type `{kind}`"),
                        "send text alone; Vouch looks at no images, sounds or files",
                    ));
                }
            }
        }
        Ok(texts.join("\n"))
    }
}

impl ChatBody {
    /// The question: what the user said last.
    fn question(&self) -> Result<String, ApiError> {
        let said = self.messages.iter().rev().filter(|message| message.role == "user");
        match said.filter_map(|message| message.content.as_ref()).next() {
            Some(content) => content.text(),
            None => Err(bad_request(
                "no_question",
                "no message of role `user` says anything",
                "send the question as the last message, with the role `user`",
            )),
        }
    }
}

impl ChatBody {
    /// The questions before the last one. The answers that a client sends along are not read: they may
    /// hold what the reader may no longer see, or what nobody said.
    fn asked_before(&self, app: &App) -> Result<Vec<String>, ApiError> {
        let said = self.messages.iter().filter(|message| message.role == "user");
        let mut texts: Vec<_> = said
            .filter_map(|message| message.content.as_ref())
            .map(Content::text)
            .collect::<Result<_, _>>()?;
        texts.pop();
        texts.retain(|text| text.len() as u64 <= app.config.limits.question_bytes);
        Ok(texts)
    }
}

/// Answer the last message of a chat, in OpenAI's shape. A follow-up is understood by the questions
/// before it.
#[utoipa::path(post, path = "/v1/chat/completions", request_body = ChatBody,
    responses((status = 200, body = Object), (status = "default", body = Object)))]
pub(super) async fn chat(
    State(app): State<Arc<App>>,
    AsReader(reader): AsReader,
    Json(body): Json<ChatBody>,
) -> Result<Response, ApiError> {
    known(body.model.as_deref().unwrap_or(MODEL))?;
    let text = checked(&app, &body.question()?, "question")?;
    let conversation = Some(Conversation::told(body.asked_before(&app)?));
    let surface = Surface::Api.name();
    let question = Question { text, sources: None, conversation, surface, prompt: false };
    let public_url = app.config.public_url();
    if body.stream.unwrap_or_default() {
        let (heard, whole) = answering(app, reader, question);
        let usage = body.stream_options.and_then(|options| options.include_usage);
        let chunks = Chunks::new(public_url, usage.unwrap_or_default());
        let events = streamed(chunks, heard, Box::pin(whole));
        return Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response());
    }
    let answer = answered(app, reader, question).await?;
    let (text, marks) = Prose::whole(public_url, &answer);
    let annotations: Vec<_> = marks.iter().map(annotation).collect();
    Ok(axum::Json(json!({
        "id": format!("chatcmpl-{}", answer.id), "object": "chat.completion", "created": now(),
        "model": MODEL,
        "choices": [{
            "index": 0, "finish_reason": "stop", "logprobs": null,
            "message": {
                "role": "assistant", "content": text, "refusal": null, "annotations": annotations,
            },
        }],
        "usage": usage(answer.usage),
    }))
    .into_response())
}

/// The models: one.
#[utoipa::path(get, path = "/v1/models",
    responses((status = 200, body = Object), (status = "default", body = Object)))]
pub(super) async fn models(_: AsReader) -> axum::Json<Value> {
    axum::Json(json!({"object": "list", "data": [described()]}))
}

/// One model.
#[utoipa::path(get, path = "/v1/models/{id}", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = "default", body = Object)))]
pub(super) async fn model(
    _: AsReader,
    Path(id): Path<String>,
) -> Result<axum::Json<Value>, ApiError> {
    known(&id)?;
    Ok(axum::Json(described()))
}

fn described() -> Value {
    json!({"id": MODEL, "object": "model", "created": MADE, "owned_by": "vouch"})
}

fn known(model: &str) -> Result<(), ApiError> {
    if model == MODEL {
        return Ok(());
    }
    Err(ApiError::new(
        axum::http::StatusCode::NOT_FOUND,
        "model_not_found",
        "there is no such model here",
        format!("ask for the model `{MODEL}`; GET /v1/models lists it"),
    ))
}

/// An answer as chunks.
struct Chunks {
    id: String,
    created: i64,
    prose: Prose,
    include_usage: bool,
}

/// An answer while it is streamed.
struct Streaming<W> {
    chunks: Chunks,
    heard: ReceiverStream<Event>,
    whole: Pin<Box<W>>,
}

/// The chunks of an answer, as it is made.
fn streamed<W>(
    chunks: Chunks,
    heard: ReceiverStream<Event>,
    whole: Pin<Box<W>>,
) -> impl Stream<Item = Result<SseEvent, Infallible>>
where
    W: Future<Output = Result<Answer, ApiError>>,
{
    let first = vec![chunks.chunk(&json!({"role": "assistant", "content": ""}), None)];
    let all = stream::unfold(Some(Streaming { chunks, heard, whole }), async |streaming| {
        let mut streaming = streaming?;
        match streaming.heard.next().await {
            Some(event) => Some((streaming.chunks.heard(event), Some(streaming))),
            None => Some((streaming.chunks.last(streaming.whole.await), None)),
        }
    });
    stream::iter([first]).chain(all).flat_map(stream::iter).map(Ok)
}

impl Chunks {
    fn new(public_url: String, include_usage: bool) -> Self {
        let id = format!("chatcmpl-{}", ulid::Ulid::generate());
        Self { id, created: now(), prose: Prose::new(public_url), include_usage }
    }

    /// What is sent for something that is heard.
    fn heard(&mut self, event: Event) -> Vec<SseEvent> {
        match event {
            Event::Status(_) => Vec::new(),
            Event::Citation(citation) => {
                self.prose.cite(*citation);
                Vec::new()
            }
            Event::Sentence(sentence) => {
                let (text, marks) = self.prose.sentence(&sentence);
                let annotations: Vec<_> = marks.iter().map(annotation).collect();
                vec![self.chunk(&json!({"content": text, "annotations": annotations}), None)]
            }
        }
    }

    /// What is sent at the end.
    fn last(&mut self, answer: Result<Answer, ApiError>) -> Vec<SseEvent> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return vec![SseEvent::default().data(error_of(&error).to_string())],
        };
        let mut events = vec![
            self.chunk(&json!({"content": self.prose.ending(&answer)}), None),
            self.chunk(&json!({}), Some("stop")),
        ];
        if self.include_usage {
            let mut last = self.head();
            last["choices"] = json!([]);
            last["usage"] = usage(answer.usage);
            events.push(SseEvent::default().data(last.to_string()));
        }
        events.push(SseEvent::default().data("[DONE]"));
        events
    }

    fn chunk(&self, delta: &Value, finish_reason: Option<&str>) -> SseEvent {
        let mut chunk = self.head();
        chunk["choices"] = json!([{
            "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason,
        }]);
        if self.include_usage {
            chunk["usage"] = Value::Null;
        }
        SseEvent::default().data(chunk.to_string())
    }

    fn head(&self) -> Value {
        json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": MODEL,
        })
    }
}

fn annotation(mark: &Mark) -> Value {
    json!({"type": "url_citation", "url_citation": {
        "start_index": mark.start, "end_index": mark.end, "url": mark.url, "title": mark.title,
    }})
}

/// What a language model counted; nothing where none was asked.
fn usage(counted: Usage) -> Value {
    json!({
        "prompt_tokens": counted.input, "completion_tokens": counted.output,
        "total_tokens": counted.input + counted.output,
    })
}

fn bad_request(code: &str, title: &str, hint: &str) -> ApiError {
    ApiError::new(axum::http::StatusCode::BAD_REQUEST, code, title, hint)
}

/// A problem in OpenAI's shape.
fn error_of(error: &ApiError) -> Value {
    let kind = match error.status() {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        500.. => "server_error",
        _ => "invalid_request_error",
    };
    json!({"error": {"message": error.to_string(), "type": kind, "param": null, "code": error.code}})
}

/// Gives the problems of these routes OpenAI's shape, wherever they come from.
pub(super) async fn shaped(mut response: Response) -> Response {
    let Some(error) = response.extensions_mut().remove::<ApiError>() else { return response };
    let (head, body) = axum::Json(error_of(&error)).into_response().into_parts();
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().extend(head.headers);
    *response.body_mut() = body;
    response
}
