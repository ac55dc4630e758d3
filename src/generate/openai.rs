//! The chat completions that OpenAI began and that vLLM, Ollama, llama.cpp, LM Studio and Azure speak.
//!
//! Servers differ in what they take. What one of them refuses by name is left out from then on
//! ([`Refused`]); a server that does not stream is understood as well.

use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderName};
use serde::Deserialize;
use serde_json::{Value, json};

use super::model::{Broken, End, Heard, Settings};
use super::prompt::Told;

/// What the server said that it does not take.
#[derive(Debug, Default)]
pub(super) struct Refused {
    stream_options: AtomicBool,
    max_tokens: AtomicBool,
    temperature: AtomicBool,
}

impl Refused {
    /// Whether a refusal names something that can be left out, and was not left out yet.
    pub(super) fn learn(&self, refusal: &str) -> bool {
        let new = |what: &AtomicBool| !what.swap(true, Ordering::Relaxed);
        // OpenAI's own newer models name the other key when they refuse this one.
        if refusal.contains("max_completion_tokens") {
            return new(&self.max_tokens);
        }
        (refusal.contains("stream_options") && new(&self.stream_options))
            || (refusal.contains("temperature") && new(&self.temperature))
    }
}

/// Where completions are made, below the configured address.
pub(super) fn address(base: &Url) -> Url {
    super::model::below(base, "chat/completions")
}

/// The header with the key. Azure, whose addresses give a version, has one of its own.
pub(super) fn key(base: &Url, key: &str) -> (HeaderName, String) {
    if base.query_pairs().any(|(name, _)| name == "api-version") {
        (HeaderName::from_static("api-key"), key.to_owned())
    } else {
        (AUTHORIZATION, format!("Bearer {key}"))
    }
}

/// The body of a request. No tools are offered.
pub(super) fn request(settings: &Settings, told: &Told, refused: &Refused) -> Value {
    let left_out = |what: &AtomicBool| what.load(Ordering::Relaxed);
    let mut body = json!({
        "model": settings.model,
        "messages": [
            {"role": "system", "content": told.system},
            {"role": "user", "content": told.user},
        ],
        "stream": true,
    });
    let most = if left_out(&refused.max_tokens) { "max_completion_tokens" } else { "max_tokens" };
    body[most] = json!(settings.answer_tokens);
    if !left_out(&refused.stream_options) {
        body["stream_options"] = json!({"include_usage": true});
    }
    if let Some(temperature) = settings.temperature
        && !left_out(&refused.temperature)
    {
        body["temperature"] = json!(temperature);
    }
    body
}

/// A piece of a stream, or a whole completion: they differ in `delta` and `message` alone.
#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Counted>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u64,
    #[serde(alias = "message")]
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct Counted {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

/// Takes in one event, or a whole completion.
pub(super) fn hear(data: &str, heard: &mut Heard) -> Result<(), Broken> {
    if data.trim() == "[DONE]" {
        heard.over = true;
        return Ok(());
    }
    let piece: Completion =
        serde_json::from_str(data).map_err(|_| Broken::again("what came is no completion"))?;
    if let Some(error) = piece.error {
        return Err(Broken::again(&format!("it reported an error{}", named(&error))));
    }
    if let Some(counted) = piece.usage {
        heard.input = counted.prompt_tokens.or(heard.input);
        heard.output = counted.completion_tokens.or(heard.output);
    }
    let Some(choice) = piece.choices.into_iter().find(|choice| choice.index == 0) else {
        return Ok(());
    };
    if let Some(delta) = choice.delta {
        if delta.refusal.is_some_and(|refusal| !refusal.is_empty()) {
            heard.end = Some(End::Refused);
        }
        heard.say(delta.content.unwrap_or_default());
    }
    match choice.finish_reason.as_deref() {
        None | Some("") => {}
        Some("length") => heard.end = Some(End::Length),
        Some("content_filter") => heard.end = Some(End::Refused),
        Some(_) => heard.end = heard.end.or(Some(End::Whole)),
    }
    Ok(())
}

/// The short name of an error, where it has one. Its message may hold text and is not kept.
pub(super) fn named(error: &Value) -> String {
    let name = error["code"].as_str().or(error["type"].as_str()).unwrap_or_default();
    let short = name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if short && !name.is_empty() { format!(" ({name})") } else { String::new() }
}
