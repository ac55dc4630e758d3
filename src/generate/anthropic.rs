//! Anthropic's Messages API. Passages are search results that the model's server cites itself; what it
//! cites is checked like everything else.
//!
//! A citation names a search result by its place, and counts for every sentence of the block of text
//! that carries it.

use reqwest::Url;
use reqwest::header::HeaderName;
use serde::Deserialize;
use serde_json::{Value, json};

use super::model::{Broken, End, Heard, Settings};
use super::openai::named;
use super::prompt::Told;
use super::sentences::Said;
use super::{Brief, Evidence};

/// The version of the interface.
pub(super) const VERSION: (HeaderName, &str) =
    (HeaderName::from_static("anthropic-version"), "2023-06-01");

/// Where messages are made, below the configured address.
pub(super) fn address(base: &Url) -> Url {
    super::model::below(base, "messages")
}

/// The header with the key.
pub(super) fn key(key: &str) -> (HeaderName, String) {
    (HeaderName::from_static("x-api-key"), key.to_owned())
}

/// The body of a request. No tools are offered.
pub(super) fn request(settings: &Settings, told: &Told, brief: &Brief<'_>) -> Value {
    let mut content: Vec<Value> = brief.evidence.iter().zip(&told.handles).map(result).collect();
    content.push(json!({"type": "text", "text": told.user}));
    let mut body = json!({
        "model": settings.model,
        "max_tokens": settings.answer_tokens,
        "system": told.system,
        "messages": [{"role": "user", "content": content}],
        "stream": true,
    });
    if let Some(temperature) = settings.temperature {
        body["temperature"] = json!(temperature);
    }
    body
}

/// A passage as a search result.
pub(super) fn result((passage, handle): (&Evidence<'_>, &String)) -> Value {
    let title = match (passage.title, passage.heading) {
        ("", "") => "Untitled".to_owned(),
        (title, "") => title.to_owned(),
        (title, heading) => format!("{title}: {heading}"),
    };
    json!({
        "type": "search_result",
        "source": handle,
        "title": title,
        "content": [{"type": "text", "text": passage.text}],
        "citations": {"enabled": true},
    })
}

/// The block of text that is being heard: it is taken in when it is whole, since its citations may
/// come before its text, between, and after.
#[derive(Debug, Default)]
pub(super) struct Block {
    text: String,
    cited: Vec<usize>,
}

#[derive(Deserialize)]
struct Happened {
    #[serde(rename = "type")]
    kind: String,
    message: Option<Message>,
    content_block: Option<Content>,
    delta: Option<Delta>,
    usage: Option<Counted>,
    error: Option<Value>,
    // A message that was not streamed has these itself.
    #[serde(default)]
    content: Vec<Content>,
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    usage: Option<Counted>,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    text: String,
    citations: Option<Vec<Citation>>,
}

#[derive(Deserialize)]
struct Delta {
    text: Option<String>,
    citation: Option<Citation>,
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
struct Citation {
    search_result_index: Option<usize>,
}

#[derive(Deserialize)]
struct Counted {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

impl Block {
    /// Takes in one event, or a whole message.
    pub(super) fn hear(&mut self, data: &str, heard: &mut Heard) -> Result<(), Broken> {
        let event: Happened =
            serde_json::from_str(data).map_err(|_| Broken::again("what came is no message"))?;
        count(event.usage, heard);
        match event.kind.as_str() {
            "message_start" => count(event.message.and_then(|message| message.usage), heard),
            "content_block_start" => self.open(event.content_block),
            "content_block_delta" => self.grow(event.delta),
            "content_block_stop" => self.close(heard),
            "message_delta" => end(event.delta.and_then(|delta| delta.stop_reason), heard),
            "message_stop" => heard.over = true,
            "message" => {
                for content in event.content {
                    self.open(Some(content));
                    self.close(heard);
                }
                end(event.stop_reason, heard);
                heard.over = true;
            }
            "error" => {
                let name = event.error.as_ref().map(named).unwrap_or_default();
                return Err(Broken::again(&format!("it reported an error{name}")));
            }
            // `ping`, and what may be added to the interface.
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, content: Option<Content>) {
        *self = Self::default();
        if let Some(content) = content {
            self.text = content.text;
            self.cited = content.citations.into_iter().flatten().map(Citation::place).collect();
        }
    }

    fn grow(&mut self, delta: Option<Delta>) {
        if let Some(delta) = delta {
            self.text.push_str(&delta.text.unwrap_or_default());
            self.cited.extend(delta.citation.map(Citation::place));
        }
    }

    /// Hands on the text with what it cites.
    fn close(&mut self, heard: &mut Heard) {
        let Self { text, cited } = std::mem::take(self);
        heard.said.push(Said { text, cited });
    }
}

impl Citation {
    /// Citations of other kinds name nothing that was given.
    fn place(self) -> usize {
        self.search_result_index.unwrap_or(usize::MAX)
    }
}

fn count(counted: Option<Counted>, heard: &mut Heard) {
    let Some(counted) = counted else { return };
    let cached = [counted.cache_creation_input_tokens, counted.cache_read_input_tokens];
    if let Some(input) = counted.input_tokens {
        heard.input = Some(input + cached.into_iter().flatten().sum::<u64>());
    }
    heard.output = counted.output_tokens.or(heard.output);
}

fn end(reason: Option<String>, heard: &mut Heard) {
    heard.end = match reason.as_deref() {
        None => return,
        Some("max_tokens" | "model_context_window_exceeded") => Some(End::Length),
        Some("refusal") => Some(End::Refused),
        Some(_) => Some(End::Whole),
    };
}
