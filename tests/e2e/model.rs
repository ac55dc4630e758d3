//! A made-up language model on a free port, which says what its test tells it to.
//!
//! It speaks chat completions and Anthropic's messages over plain TCP, so that every byte, every border
//! between two pieces and every end of a connection is the test's. It keeps what it was asked, and it
//! notices when somebody hangs up.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::world::until;

/// What a model speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    OpenAi,
    Anthropic,
}

/// Both of them.
pub(crate) const KINDS: [Kind; 2] = [Kind::OpenAi, Kind::Anthropic];

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    kind: Kind,
    /// Method and path.
    pub(crate) line: String,
    /// By lower-case name.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

/// A part of a reply.
#[derive(Clone)]
pub(crate) enum Part {
    /// Text as the model writes it. `[@words]` cites the passage that holds these words.
    Text(String),
    /// Bytes as they stand.
    Raw(Vec<u8>),
    /// Goes on when the gate is opened.
    Gate(Gate),
    /// Nothing more comes, and nothing ends.
    Stall,
    /// The connection breaks.
    Cut,
    /// Why the text ends, in place of the usual reason.
    Reason(&'static str),
}

/// Where a reply waits for its test.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Semaphore>);

impl Gate {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets replies pass from now on.
    pub(crate) fn open(&self) {
        self.0.add_permits(1_000);
    }
}

/// What a model replies.
#[derive(Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    parts: Vec<Part>,
    /// The bytes that go out at once.
    piece: usize,
    /// Whether the frame of the protocol is put around the parts.
    framed: bool,
}

impl Reply {
    /// A sound reply.
    pub(crate) fn says(text: &str) -> Self {
        Self::of(vec![Part::Text(text.to_owned())])
    }

    /// A reply of these parts.
    pub(crate) fn of(parts: Vec<Part>) -> Self {
        let headers = vec![("content-type", "text/event-stream; charset=utf-8".to_owned())];
        Self { status: 200, headers, parts, piece: 48, framed: true }
    }

    /// These bytes, with this status and content type.
    pub(crate) fn raw(status: u16, kind: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type", kind.to_owned())];
        Self { status, headers, parts: vec![Part::Raw(bytes.into())], piece: 4096, framed: false }
    }

    /// A refusal.
    pub(crate) fn refuses(status: u16) -> Self {
        let body = json!({"error": {"message": "no", "type": "made_up", "code": "made_up"}});
        Self::raw(status, "application/json", body.to_string())
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Sends so many bytes at once.
    pub(crate) fn in_pieces_of(mut self, bytes: usize) -> Self {
        self.piece = bytes;
        self
    }
}

type Script = dyn Fn(&Asked, usize) -> Reply + Send + Sync;

/// A running model.
#[derive(Clone)]
pub(crate) struct Model {
    kind: Kind,
    address: String,
    state: Arc<State>,
}

struct State {
    script: Box<Script>,
    asked: Mutex<Vec<Asked>>,
    hung_up: AtomicUsize,
}

impl Model {
    /// A model that replies as the script says: it gets the request and how many came before it.
    pub(crate) async fn speaking(
        kind: Kind,
        script: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}/v1", listener.local_addr().expect("a bound port"));
        let asked = Mutex::default();
        let state =
            Arc::new(State { script: Box::new(script), asked, hung_up: AtomicUsize::new(0) });
        let model = Self { kind, address, state };
        let served = model.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let model = served.clone();
                tokio::spawn(async move { model.serve(stream).await });
            }
        });
        model
    }

    /// A model that always says this.
    pub(crate) async fn saying(kind: Kind, text: &str) -> Self {
        let reply = Reply::says(text);
        Self::speaking(kind, move |_, _| reply.clone()).await
    }

    /// The settings of a server that asks this model, with short times.
    pub(crate) fn settings(&self) -> String {
        format!("[generator]\n{}", self.table())
    }

    /// The same as a further model.
    pub(crate) fn fallback(&self) -> String {
        format!("[[generator.fallback]]\n{}", self.table())
    }

    fn table(&self) -> String {
        let kind = if self.kind == Kind::OpenAi { "openai" } else { "anthropic" };
        format!(
            "kind = \"{kind}\"\nurl = {:?}\nmodel = \"made-up\"\ntimeout = \"30s\"\n\
             first_token_timeout = \"20s\"\nretries = 1\n",
            self.address
        )
    }

    /// The name that it has in answers.
    pub(crate) fn name(&self) -> String {
        let kind = if self.kind == Kind::OpenAi { "openai" } else { "anthropic" };
        format!("{kind}:made-up")
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What it was asked.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().expect("no panic while it was held").clone()
    }

    /// Waits until somebody hung up who was not finished with.
    pub(crate) async fn hung_up(&self) {
        until("the model's connection is closed", async || {
            (self.state.hung_up.load(Ordering::Relaxed) > 0).then_some(())
        })
        .await;
    }

    /// What it replies to those who ask for its models: whoever asks so is told of itself alone.
    fn list(&self, asked: &Asked) -> Option<Reply> {
        let one = json!({"id": "made-up", "type": "model", "object": "model"});
        let body = match asked.line.as_str() {
            "GET /v1/models" => json!({"object": "list", "data": [one]}),
            "GET /v1/models/made-up" => one,
            _ => return None,
        };
        let known = asked.header("authorization").or(asked.header("x-api-key")).is_some();
        let reply = Reply::raw(200, "application/json", body.to_string());
        Some(if known { reply } else { Reply::refuses(401) })
    }

    async fn serve(&self, mut stream: TcpStream) {
        let Some(asked) = read(self.kind, &mut stream).await else { return };
        if asked.line.starts_with("GET ") {
            let reply = self.list(&asked).unwrap_or(Reply::refuses(404));
            send(&asked, &reply, &mut stream).await;
            return;
        }
        let before = {
            let mut all = self.state.asked.lock().expect("no panic while it was held");
            all.push(asked.clone());
            all.len() - 1
        };
        let reply = (self.state.script)(&asked, before);
        if !send(&asked, &reply, &mut stream).await {
            self.state.hung_up.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Asked {
    /// The passages that it was told, by handle.
    pub(crate) fn passages(&self) -> Vec<(String, String)> {
        match self.kind {
            Kind::OpenAi => {
                let message = self.body["messages"][1]["content"].as_str().unwrap_or_default();
                let mark = message.split_whitespace().nth(1).unwrap_or_default();
                let begin = format!("=== {mark} [");
                let passage = |piece: &str| {
                    let (handle, text) = piece.split_once("] ===\n")?;
                    let (text, _) = text.split_once(&format!("\n=== {mark} end ==="))?;
                    Some((handle.to_owned(), text.to_owned()))
                };
                message.split(&begin).skip(1).filter_map(passage).collect()
            }
            Kind::Anthropic => {
                let content = self.body["messages"][0]["content"].as_array().expect("content");
                let results = content.iter().filter(|block| block["type"] == "search_result");
                let text = |block: &Value, at: &str| {
                    block.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned()
                };
                results
                    .map(|block| (text(block, "/source"), text(block, "/content/0/text")))
                    .collect()
            }
        }
    }

    /// The place of the passage that holds these words, and its handle. Words that are nowhere, such as
    /// a handle itself, stand for themselves.
    pub(crate) fn cited(&self, words: &str) -> (usize, String) {
        let passages = self.passages();
        let place = passages.iter().position(|(_, text)| text.contains(words));
        place.map_or((99, words.to_owned()), |place| (place, passages[place].0.clone()))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// Everything that it was told, as one text.
    pub(crate) fn all(&self) -> String {
        self.body.to_string()
    }
}

/// Reads one request; none where nobody asks.
async fn read(kind: Kind, stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut piece = [0; 8192];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines();
            let line = lines.next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
            let header = |line: &str| {
                let (name, value) = line.split_once(':')?;
                Some((name.to_lowercase(), value.trim().to_owned()))
            };
            let headers: Vec<_> = lines.filter_map(header).collect();
            let length = headers.iter().find(|(name, _)| name == "content-length");
            let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
            let body = &bytes[head.len() + 4..];
            if body.len() >= length {
                let body = serde_json::from_slice(body).unwrap_or_default();
                return Some(Asked { kind, line, headers, body });
            }
        }
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
        }
    }
}

/// Sends a reply. False where the other side hung up before its end.
async fn send(asked: &Asked, reply: &Reply, stream: &mut TcpStream) -> bool {
    let mut head = format!("HTTP/1.1 {} made up\r\ntransfer-encoding: chunked\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("connection: close\r\n\r\n");
    if stream.write_all(head.as_bytes()).await.is_err() {
        return false;
    }
    let mut reason = None;
    let mut chunks = vec![];
    if reply.framed {
        chunks.push(Part::Raw(begin(asked.kind)));
    }
    chunks.extend(reply.parts.iter().cloned());
    let mut block = 0;
    for part in chunks {
        let bytes = match part {
            Part::Text(text) => events(asked, &text, &mut block),
            Part::Raw(bytes) => bytes,
            Part::Gate(Gate(gate)) => {
                let passed = tokio::select! {
                    permit = gate.acquire() => permit.is_ok_and(|permit| { permit.forget(); true }),
                    () = closed(stream) => false,
                };
                if !passed {
                    return false;
                }
                continue;
            }
            Part::Stall => {
                closed(stream).await;
                return false;
            }
            Part::Cut => return true,
            Part::Reason(given) => {
                reason = Some(given);
                continue;
            }
        };
        if !chunked(stream, &bytes, reply.piece).await {
            return false;
        }
    }
    let last = if reply.framed { end(asked.kind, reason) } else { Vec::new() };
    chunked(stream, &last, reply.piece).await && stream.write_all(b"0\r\n\r\n").await.is_ok()
}

async fn chunked(stream: &mut TcpStream, bytes: &[u8], piece: usize) -> bool {
    for piece in bytes.chunks(piece) {
        let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
        chunk.extend_from_slice(piece);
        chunk.extend_from_slice(b"\r\n");
        if stream.write_all(&chunk).await.is_err() || stream.flush().await.is_err() {
            return false;
        }
    }
    true
}

/// Returns when the other side hangs up.
async fn closed(stream: &mut TcpStream) {
    let mut piece = [0; 64];
    while !matches!(stream.read(&mut piece).await, Ok(0) | Err(_)) {}
}

fn event(kind: Kind, data: &Value) -> Vec<u8> {
    match kind {
        Kind::OpenAi => format!("data: {data}\n\n").into_bytes(),
        Kind::Anthropic => {
            let name = data["type"].as_str().unwrap_or_default();
            format!("event: {name}\ndata: {data}\n\n").into_bytes()
        }
    }
}

fn delta(delta: &Value, reason: Option<&str>) -> Vec<u8> {
    let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
    let chunk = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "made-up",
        "choices": [choice],
    });
    event(Kind::OpenAi, &chunk)
}

fn begin(kind: Kind) -> Vec<u8> {
    match kind {
        Kind::OpenAi => delta(&json!({"role": "assistant", "content": ""}), None),
        Kind::Anthropic => {
            let usage = json!({"input_tokens": 321, "output_tokens": 1});
            let message = json!({
                "id": "msg_1", "type": "message", "role": "assistant", "model": "made-up",
                "content": [], "stop_reason": null, "usage": usage,
            });
            let mut bytes = event(kind, &json!({"type": "message_start", "message": message}));
            bytes.extend(event(kind, &json!({"type": "ping"})));
            bytes
        }
    }
}

fn end(kind: Kind, reason: Option<&str>) -> Vec<u8> {
    match kind {
        Kind::OpenAi => {
            let mut bytes = delta(&json!({}), Some(reason.unwrap_or("stop")));
            let usage = json!({"prompt_tokens": 321, "completion_tokens": 45, "total_tokens": 366});
            let counts = json!({"object": "chat.completion.chunk", "choices": [], "usage": usage});
            bytes.extend(event(kind, &counts));
            bytes.extend(b"data: [DONE]\n\n");
            bytes
        }
        Kind::Anthropic => {
            let delta = json!({"stop_reason": reason.unwrap_or("end_turn"), "stop_sequence": null});
            let last =
                json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 45}});
            let mut bytes = event(kind, &last);
            bytes.extend(event(kind, &json!({"type": "message_stop"})));
            bytes
        }
    }
}

/// A text as events: a few characters each, and what it cites in the form of the protocol.
fn events(asked: &Asked, text: &str, block: &mut usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (said, after) = rest.split_once("[@").unwrap_or((rest, ""));
        let (words, after) = after.split_once(']').unwrap_or(("", after));
        let cited = (rest.len() > said.len()).then(|| asked.cited(words));
        rest = after;
        let characters: Vec<char> = said.chars().collect();
        let pieces = characters.chunks(7).map(|piece| piece.iter().collect::<String>());
        match asked.kind {
            Kind::OpenAi => {
                let mark = cited.map(|(_, handle)| format!("[{handle}]"));
                for piece in pieces.chain(mark) {
                    bytes.extend(delta(&json!({"content": piece}), None));
                }
            }
            Kind::Anthropic => {
                let mut say = |mut data: Value| {
                    data["index"] = json!(*block);
                    bytes.extend(event(asked.kind, &data));
                };
                say(json!({"type": "content_block_start",
                    "content_block": {"type": "text", "text": ""}}));
                let delta = |delta: Value| json!({"type": "content_block_delta", "delta": delta});
                for piece in pieces {
                    say(delta(json!({"type": "text_delta", "text": piece})));
                }
                if let Some((place, source)) = cited {
                    say(delta(json!({"type": "citations_delta", "citation": {
                        "type": "search_result_location", "search_result_index": place,
                        "source": source, "title": "", "cited_text": "whatever",
                        "start_block_index": 0, "end_block_index": 1,
                    }})));
                }
                say(json!({"type": "content_block_stop"}));
                *block += 1;
            }
        }
    }
    bytes
}
