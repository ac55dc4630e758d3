//! A language model on some server: asked over HTTP, heard piece by piece, and never trusted.
//!
//! It promises an end: everything that is waited for has a limit in time and in bytes. It tries again
//! only before it handed over anything, and drops the connection at once when nobody waits for the
//! answer any more. It follows no redirect, so nothing goes anywhere but to the configured address.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use eventsource_stream::{EventStreamError, Eventsource as _};
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url};
use serde_json::Value;
use tokio::runtime::Handle;

use super::prompt::{Template, Told, tokens};
use super::sentences::{Said, Sentences};
use super::{Brief, Claim, Draft, Failed, Generator, Usage, anthropic, openai};
use crate::config::{GeneratorKind, Model as Configured};
use crate::outbound;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the counts are waited for after the last word.
const AFTERWARDS: Duration = Duration::from_secs(2);
/// The first pause before another try; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(250);
/// The most that is read of one answer: so much for each token, which comes with some JSON around it.
const BYTES_PER_TOKEN: usize = 1024;
const BYTES: usize = 256 * 1024;
/// The most that is read of a list of models.
const LIST: usize = 4 << 20;
/// The most that is read of a refusal.
const REFUSAL: usize = 16 * 1024;
/// The most characters of text for each token that was asked for.
const TEXT_PER_TOKEN: usize = 12;

pub(super) type Settings = Configured;

/// A language model as a generator.
pub struct LanguageModel {
    name: String,
    settings: Settings,
    protocol: Protocol,
    template: Template,
    key: Option<(HeaderName, HeaderValue)>,
    http: reqwest::Client,
}

/// What a look at a model's server shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// It has the model.
    Known,
    /// It does not have the model; some of those that it has.
    Unknown(String),
    /// It does not say which models it has.
    Unlisted,
    /// It does not take the key, with this status.
    Unauthorised(u16),
    /// It can't be used, and why.
    Unusable(String),
}

enum Protocol {
    OpenAi(openai::Refused),
    Anthropic,
}

/// What was heard of one answer so far.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Text that was not looked at yet.
    pub(super) said: Vec<Said>,
    /// Tokens that were read, as the server counts.
    pub(super) input: Option<u64>,
    /// Tokens that were written, as the server counts.
    pub(super) output: Option<u64>,
    /// How the text ended.
    pub(super) end: Option<End>,
    /// Whether nothing comes after this.
    pub(super) over: bool,
}

impl Heard {
    /// Hears text that no server cites for.
    pub(super) fn say(&mut self, text: String) {
        self.said.push(Said { text, cited: Vec::new() });
    }
}

/// How a model's text ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It said all.
    Whole,
    /// It ran out of room.
    Length,
    /// It, or a filter of its server, does not want to.
    Refused,
}

/// Why a try came to nothing, without any text.
#[derive(Clone, Debug)]
pub(super) struct Broken {
    why: String,
    /// Whether another try may help.
    again: bool,
    /// How long the server wants to be left alone.
    after: Option<Duration>,
}

impl Broken {
    /// Another try may help.
    pub(super) fn again(why: &str) -> Self {
        Self { why: why.to_owned(), again: true, after: None }
    }

    /// Another try does not help.
    fn for_good(why: &str) -> Self {
        Self { why: why.to_owned(), again: false, after: None }
    }
}

/// What was waited for.
enum Waited<T> {
    Came(T),
    /// Nobody waits for the answer any more.
    Gone,
}

/// One answer that is asked for.
struct Call<'a> {
    model: &'a LanguageModel,
    brief: &'a Brief<'a>,
    told: Told,
    until: Instant,
    /// Whether a sentence was handed over.
    handed: bool,
    /// Whether the server took the request, in this try.
    asked: bool,
    /// How much text was heard, in bytes, in this try.
    written: usize,
    heard: Heard,
}

impl LanguageModel {
    /// A model that was not asked yet: Vouch starts also while it is down.
    ///
    /// # Errors
    /// Its key or its prompt is not there, or the HTTP client can't be set up.
    pub fn new(settings: &Configured, template: Template) -> Result<Self> {
        let key = settings.api_key()?;
        let (kind, protocol) = match settings.kind {
            GeneratorKind::Anthropic => ("anthropic", Protocol::Anthropic),
            GeneratorKind::OpenAi | GeneratorKind::Extractive => {
                ("openai", Protocol::OpenAi(openai::Refused::default()))
            }
        };
        let key = key.map(|key| match protocol {
            Protocol::OpenAi(_) => openai::key(&settings.url, &key),
            Protocol::Anthropic => anthropic::key(&key),
        });
        let key = key.map(|(name, value)| {
            let mut value = HeaderValue::from_str(&value)
                .context("a model's key holds characters that no header can")?;
            value.set_sensitive(true);
            anyhow::Ok((name, value))
        });
        let http = outbound::client(&settings.url).connect_timeout(CONNECT).build();
        Ok(Self {
            name: format!("{kind}:{}", settings.model),
            settings: settings.clone(),
            protocol,
            template,
            key: key.transpose()?,
            http: http.context("can't set up the HTTP client")?,
        })
    }

    /// Looks whether the server answers, takes the key and knows the model. It is told nothing.
    pub async fn look(&self) -> Look {
        let list = below(&self.settings.url, "models");
        let address = match self.protocol {
            Protocol::OpenAi(_) => list,
            Protocol::Anthropic => below(&list, &self.settings.model),
        };
        let sent = self.http.get(address).headers(self.headers()).timeout(CONNECT).send().await;
        let response = match sent {
            Ok(response) => response,
            Err(error) => return Look::Unusable(unsent(&error).to_owned()),
        };
        match (response.status().as_u16(), &self.protocol) {
            (200, Protocol::Anthropic) => Look::Known,
            (200, Protocol::OpenAi(_)) => {
                let names = listed(bounded(response, LIST)).await;
                match names {
                    Some(names) if self.is_among(&names) => Look::Known,
                    Some(names) => Look::Unknown(names[..names.len().min(5)].join(", ")),
                    None => Look::Unlisted,
                }
            }
            (404, Protocol::Anthropic) => Look::Unknown(String::new()),
            (404 | 405, Protocol::OpenAi(_)) => Look::Unlisted,
            (status @ (401 | 403), _) => Look::Unauthorised(status),
            (status, _) => Look::Unusable(format!("the server answers {status}")),
        }
    }

    /// Ollama lists a model without a tag as `:latest`.
    fn is_among(&self, names: &[String]) -> bool {
        let model = &self.settings.model;
        names.iter().any(|name| name == model || name.strip_suffix(":latest") == Some(model))
    }

    /// The key, and what else belongs to every request.
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.extend(self.key.clone());
        if let Protocol::Anthropic = self.protocol {
            let (name, version) = anthropic::VERSION;
            headers.insert(name, HeaderValue::from_static(version));
        }
        headers
    }

    /// The tokens that instructions, question, earlier turns and passages may have together.
    fn input_tokens(&self) -> usize {
        self.settings.context_tokens.saturating_sub(self.settings.answer_tokens)
    }

    fn told(&self, brief: &Brief<'_>) -> Told {
        self.template.fill(brief, self.input_tokens())
    }

    fn request(&self, told: &Told, brief: &Brief<'_>) -> (Url, Value) {
        match &self.protocol {
            Protocol::OpenAi(refused) => (
                openai::address(&self.settings.url),
                openai::request(&self.settings, told, refused),
            ),
            Protocol::Anthropic => (
                anthropic::address(&self.settings.url),
                anthropic::request(&self.settings, told, brief),
            ),
        }
    }
}

impl Generator for LanguageModel {
    fn name(&self) -> &str {
        &self.name
    }

    fn room(&self, brief: &Brief<'_>) -> usize {
        self.template.room(brief, self.input_tokens())
    }

    fn spends(&self) -> bool {
        true
    }

    fn prompt(&self, brief: &Brief<'_>) -> Option<String> {
        let told = self.told(brief);
        let results = match self.protocol {
            Protocol::OpenAi(_) => String::new(),
            Protocol::Anthropic => {
                let results = brief.evidence.iter().zip(&told.handles).map(anthropic::result);
                results.map(|result| format!("{result:#}\n\n")).collect()
            }
        };
        Some(format!("{}\n\n{results}{}", told.system, told.user))
    }

    fn write(
        &self,
        brief: &Brief<'_>,
        take: &mut dyn FnMut(Draft) -> ControlFlow<()>,
    ) -> Result<Usage, Failed> {
        if brief.evidence.is_empty() {
            return Ok(Usage::default());
        }
        let mut call = Call {
            model: self,
            brief,
            told: self.told(brief),
            until: Instant::now() + self.settings.timeout,
            handed: false,
            asked: false,
            written: 0,
            heard: Heard::default(),
        };
        let mut spent = Usage::default();
        let mut tries = 0;
        loop {
            let tried = call.attempt(take);
            let usage = call.usage();
            spent.input += usage.input;
            spent.output += usage.output;
            let Err(broken) = tried else { return Ok(spent) };
            let failed = |why: String| Failed { why, usage: spent };
            if !broken.again || call.handed || tries == self.settings.retries {
                return Err(failed(broken.why));
            }
            let pause = broken.after.unwrap_or(jittered(PAUSE * 2_u32.saturating_pow(tries)));
            tries += 1;
            if pause >= call.until.saturating_duration_since(Instant::now()) {
                return Err(failed(format!("{}, and there is no time to try again", broken.why)));
            }
            tracing::debug!(model = self.name, "trying again: {}", broken.why);
            let Waited::Came(()) = call.wait(tokio::time::sleep(pause)) else { return Ok(spent) };
        }
    }
}

impl Call<'_> {
    /// Asks once, and hands over what comes. That nobody waits any more is no failure.
    fn attempt(&mut self, take: &mut dyn FnMut(Draft) -> ControlFlow<()>) -> Result<(), Broken> {
        self.heard = Heard::default();
        self.written = 0;
        self.asked = false;
        let handles = self.told.handles.clone();
        let mut sentences = Sentences::new(self.brief.evidence, &handles);
        let mut block = anthropic::Block::default();
        let opened = open(self.model, &self.told, self.brief);
        let Waited::Came(pieces) = self.wait_at_most(self.patience(), opened) else {
            return Ok(());
        };
        let mut pieces = pieces??;
        self.asked = true;
        while !self.heard.over {
            let ended = self.heard.end.is_some();
            let patience = if ended { AFTERWARDS } else { self.patience() };
            let next = match self.wait_at_most(patience, pieces.next()) {
                Waited::Gone => return Ok(()),
                // All was said; what is missing are counts.
                Waited::Came(Err(_) | Ok(Some(Err(_)))) if ended => break,
                Waited::Came(next) => next?.transpose()?,
            };
            let Some(piece) = next else { break };
            self.hear(&piece, &mut block)?;
            if self.take_in(&mut sentences, take)?.is_break() {
                return Ok(());
            }
            let end = self.heard.end.or(self.heard.over.then_some(End::Whole));
            if end == Some(End::Whole) && !ended && self.hand(sentences.finish(), take).is_break() {
                return Ok(());
            }
        }
        self.ended(&sentences)
    }

    /// Hands over what became whole with what was heard last.
    fn take_in(
        &mut self,
        sentences: &mut Sentences<'_>,
        take: &mut dyn FnMut(Draft) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Broken> {
        for said in std::mem::take(&mut self.heard.said) {
            self.written += said.text.len();
            if self.written > self.model.settings.answer_tokens * TEXT_PER_TOKEN {
                return Err(Broken::for_good("it wrote more than it was asked for"));
            }
            let claims = sentences.feed(&said);
            let claims =
                claims.map_err(|_| Broken::for_good("it wrote a sentence without an end"))?;
            if self.hand(claims, take).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn ended(&self, sentences: &Sentences<'_>) -> Result<(), Broken> {
        match self.heard.end.or(self.heard.over.then_some(End::Whole)) {
            None => Err(Broken::again("it broke off")),
            Some(End::Refused) => Err(Broken::for_good("it refuses to answer")),
            Some(End::Length) => Err(Broken::for_good("it ran into `answer_tokens`")),
            Some(End::Whole) if sentences.nothing() => Err(Broken::again("it said nothing")),
            Some(End::Whole) => Ok(()),
        }
    }

    fn hear(&mut self, piece: &Piece, block: &mut anthropic::Block) -> Result<(), Broken> {
        match &self.model.protocol {
            Protocol::OpenAi(_) => openai::hear(&piece.data, &mut self.heard)?,
            Protocol::Anthropic => block.hear(&piece.data, &mut self.heard)?,
        }
        self.heard.over |= piece.whole;
        Ok(())
    }

    fn hand(
        &mut self,
        claims: Vec<Claim>,
        take: &mut dyn FnMut(Draft) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        claims.into_iter().try_for_each(|claim| {
            self.handed = true;
            take(Draft::Claimed(claim))
        })
    }

    /// The longest silence.
    fn patience(&self) -> Duration {
        self.model.settings.first_token_timeout
    }

    /// Waits, but not when nobody does any more.
    fn wait<T>(&self, work: impl Future<Output = T>) -> Waited<T> {
        Handle::current().block_on(async {
            tokio::select! {
                biased;
                () = self.brief.audience.gone() => Waited::Gone,
                came = work => Waited::Came(came),
            }
        })
    }

    fn wait_at_most<T>(
        &self,
        patience: Duration,
        work: impl Future<Output = T>,
    ) -> Waited<Result<T, Broken>> {
        let left = self.until.saturating_duration_since(Instant::now());
        let slow = || {
            let why =
                if left < patience { "it took longer than `timeout`" } else { "it fell silent" };
            Broken::for_good(why)
        };
        self.wait(async {
            tokio::time::timeout(patience.min(left), work).await.map_err(|_| slow())
        })
    }

    /// What this try took, as the server counts or else by a guess.
    fn usage(&self) -> Usage {
        if !self.asked {
            return Usage::default();
        }
        let guess = |text: &str| tokens(text) as u64;
        let passages =
            || self.brief.evidence.iter().map(|passage| guess(passage.text)).sum::<u64>();
        let input = || guess(&self.told.system) + passages() + guess(self.brief.question);
        Usage {
            input: self.heard.input.unwrap_or_else(input),
            output: self.heard.output.unwrap_or_else(|| (self.written as u64).div_ceil(3)),
        }
    }
}

/// One event of a stream, or all of an answer that was not streamed.
struct Piece {
    data: String,
    whole: bool,
}

type Pieces = BoxStream<'static, Result<Piece, Broken>>;

/// Sends the request, and once more without what the server does not take.
async fn open(model: &LanguageModel, told: &Told, brief: &Brief<'_>) -> Result<Pieces, Broken> {
    loop {
        let (address, body) = model.request(told, brief);
        let request = model.http.post(address).headers(model.headers()).json(&body);
        let response = request.send().await.map_err(|error| Broken::again(unsent(&error)))?;
        if response.status().is_success() {
            return pieces(response, BYTES + model.settings.answer_tokens * BYTES_PER_TOKEN).await;
        }
        let (status, after) = (response.status(), retry_after(&response));
        let refusal = text_of(response).await;
        if let Protocol::OpenAi(refused) = &model.protocol
            && status.is_client_error()
            && refused.learn(&refusal)
        {
            continue;
        }
        let error: Value = serde_json::from_str(&refusal).unwrap_or_default();
        let again = status.is_server_error()
            || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status);
        let why = format!("it answers {}{}", status.as_u16(), openai::named(&error["error"]));
        return Err(Broken { why, again, after });
    }
}

/// The answer as it comes: events, or one JSON object from servers that do not stream.
async fn pieces(response: Response, most: usize) -> Result<Pieces, Broken> {
    const FIELDS: [&str; 5] = ["data", "event", "id", "retry", ":"];
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if kind.is_some_and(|kind| kind.starts_with("text/html")) {
        return Err(Broken::for_good("it answers with a page"));
    }
    let mut bytes = bounded(response, most);
    let mut first = Vec::new();
    while first.trim_ascii().is_empty() {
        let Some(more) = bytes.try_next().await? else { return Err(Broken::again("it broke off")) };
        first.extend(more);
    }
    let begin = String::from_utf8_lossy(first.trim_ascii_start()).into_owned();
    let known = |field: &&str| field.starts_with(&begin) || begin.starts_with(*field);
    let mut bytes = stream::iter([Ok(first)]).chain(bytes);
    if begin.starts_with('{') {
        let mut all = Vec::new();
        while let Some(more) = bytes.try_next().await? {
            all.extend(more);
        }
        let data = String::from_utf8(all).map_err(|_| Broken::again("what came is no text"))?;
        return Ok(stream::iter([Ok(Piece { data, whole: true })]).boxed());
    }
    if !FIELDS.iter().any(known) {
        return Err(Broken::for_good("it answers with neither events nor JSON"));
    }
    let events = bytes.eventsource().map(|event| match event {
        Ok(event) => Ok(Piece { data: event.data, whole: false }),
        Err(EventStreamError::Transport(broken)) => Err(broken),
        Err(EventStreamError::Utf8(_) | EventStreamError::Parser(_)) => {
            Err(Broken::again("what came is no text"))
        }
    });
    Ok(events.boxed())
}

/// The bytes of an answer, and an error in place of too many of them.
fn bounded(response: Response, most: usize) -> BoxStream<'static, Result<Vec<u8>, Broken>> {
    let mut read = 0;
    let bytes = response.bytes_stream().map(move |piece| {
        let piece = piece.map_err(|_| Broken::again("the connection broke"))?;
        read += piece.len();
        if read > most { Err(Broken::for_good("it sent too much")) } else { Ok(piece.to_vec()) }
    });
    bytes.boxed()
}

/// The models of a list, as far as it is one.
async fn listed(bytes: BoxStream<'static, Result<Vec<u8>, Broken>>) -> Option<Vec<String>> {
    let bytes = bytes.try_concat().await.ok()?;
    let list: Value = serde_json::from_slice(&bytes).ok()?;
    let name = |model: &Value| model["id"].as_str().map(str::to_owned);
    Some(list["data"].as_array()?.iter().filter_map(name).collect())
}

/// Why a request did not get through, without its address.
fn unsent(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "it does not answer in time"
    } else if error.is_connect() {
        "it can't be reached"
    } else {
        "the connection broke"
    }
}

/// The beginning of a refusal.
async fn text_of(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await
        && bytes.len() < REFUSAL
    {
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How long the server wants to be left alone: in seconds, in milliseconds, or until a time.
fn retry_after(response: &Response) -> Option<Duration> {
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(millis) = header("retry-after-ms").and_then(|text| text.parse().ok()) {
        return Some(Duration::from_millis(millis));
    }
    let text = header(RETRY_AFTER.as_str())?.trim();
    let seconds = text.parse().ok().map(Duration::from_secs);
    seconds.or_else(|| {
        let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        Duration::try_from(until.duration_since(jiff::Timestamp::now())).ok()
    })
}

/// Half of the pause up to all of it, so that those who were refused together do not come back together.
fn jittered(pause: Duration) -> Duration {
    let mut byte = [0];
    // Without random numbers the pause is whole.
    let part = getrandom::fill(&mut byte).map_or(255, |()| byte[0]);
    pause.mul_f64(0.5 + f64::from(part) / 510.0)
}

/// An address below another one, with what that one asks for behind its `?`.
pub(super) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let above = base.path().trim_end_matches('/');
    if !above.ends_with(path) {
        url.set_path(&format!("{above}/{path}"));
    }
    url
}
