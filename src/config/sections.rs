//! The settings as types, one struct for each section of `config/default.toml`.
//!
//! No field has a default of its own: the file gives all of them, and a test holds the two together.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use serde::{Deserialize, Serialize};
use vouch_index::Principal;

use super::units::{
    read_listen, read_number_if_set, read_path, read_path_if_set, read_paths, read_size, read_span,
    read_span_if_given, read_text_if_set, read_url_if_set,
};

/// Everything that can be set. Paths are absolute.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the ledger, the text index and the audit live.
    #[serde(deserialize_with = "read_path")]
    pub data_dir: PathBuf,
    /// `[server]`
    pub server: Server,
    /// `[auth]`
    pub auth: Auth,
    /// `[sources]`
    pub sources: Sources,
    /// `[access]`
    pub access: Access,
    /// `[extraction]`
    pub extraction: Extraction,
    /// `[chunking]`
    pub chunking: Chunking,
    /// `[search]`
    pub search: Search,
    /// `[embedding]`
    pub embedding: Embedding,
    /// `[vectors]`
    pub vectors: Vectors,
    /// `[generator]`
    pub generator: GeneratorSettings,
    /// `[answer]`
    pub answer: Answer,
    /// `[conversations]`
    pub conversations: Conversations,
    /// `[limits]`
    pub limits: Limits,
    /// `[slack]`
    pub slack: Slack,
    /// `[audit]`
    pub audit: Audit,
    /// `[log]`
    pub log: Log,
    /// The file that was read; none when these are the defaults alone.
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

/// Where the server listens and who may call it from a browser.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address and port.
    #[serde(deserialize_with = "read_listen")]
    pub listen: SocketAddr,
    /// The address that people use; see [`Config::public_url`].
    #[serde(deserialize_with = "read_url_if_set")]
    pub public_url: Option<Url>,
    /// Sites whose pages may call the readers' routes.
    pub origins: Vec<String>,
}

/// How people prove who they are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// The way of signing in.
    pub mode: AuthMode,
    /// `[auth.roles]`
    pub roles: Roles,
    /// `[auth.demo]`
    pub demo: Demo,
    /// `[auth.oidc]`
    pub oidc: Oidc,
}

/// The ways of signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    /// API keys alone.
    Keys,
    /// Anybody can be anybody, on loopback.
    Demo,
    /// An identity provider.
    Oidc,
}

/// The sample company.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demo {
    /// The people file; see [`super::People`].
    #[serde(deserialize_with = "read_path")]
    pub people: PathBuf,
    /// The name on the sample page.
    pub company: String,
    /// Questions that the sample page suggests.
    pub questions: Vec<String>,
    /// Users as whom the sample page offers to ask the first of these questions.
    pub compare: Vec<String>,
    /// What the sample page tells everybody.
    pub notices: Vec<Notice>,
}

/// A notice on the sample page.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// What it is about.
    pub title: String,
    /// A sentence or two.
    pub text: String,
}

/// What people may do besides reading who sign in with the identity provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// Who adds, pauses, revokes and reindexes.
    pub administrators: BTreeSet<Principal>,
    /// Who reads the audit.
    pub auditors: BTreeSet<Principal>,
}

/// The identity provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// `iss` of its tokens, byte for byte: an address is not the same with a slash at its end.
    pub issuer: String,
    /// `aud` of the tokens that are made for Vouch.
    pub audience: String,
    /// Vouch's name at the provider, for sign-in with a browser; empty offers none.
    pub client_id: String,
    /// The environment variable with the client's secret; see [`Oidc::client_secret`].
    #[serde(deserialize_with = "read_text_if_set")]
    pub client_secret_env: Option<String>,
    /// What a browser's sign-in asks the provider for.
    pub scopes: Vec<String>,
    /// The claim that names the user.
    pub user_claim: String,
    /// The claim that lists the groups.
    pub groups_claim: String,
    /// How long a token's groups count.
    #[serde(deserialize_with = "read_span")]
    pub max_token_age: Duration,
    /// The time between two fetches of the provider's keys, at least.
    #[serde(deserialize_with = "read_span")]
    pub keys_cooldown: Duration,
    /// How long keys count while the provider can't be reached.
    #[serde(deserialize_with = "read_span")]
    pub keys_max_age: Duration,
}

/// Where documents may come from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sources {
    /// The folders that folder sources may lie in.
    #[serde(deserialize_with = "read_paths")]
    pub roots: Vec<PathBuf>,
    /// Whom to ask when nothing else fits: a principal.
    #[serde(deserialize_with = "read_text_if_set")]
    pub contact: Option<String>,
    /// The time between two syncs; zero is only by command.
    #[serde(deserialize_with = "read_span")]
    pub sync_every: Duration,
}

/// What one person may not decide alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// The share of all documents, from 0 to 1, that a change may let more people see before it is
    /// held for a second person: of a source's rule, of its folders', or of nested groups.
    pub widening_limit: f64,
}

/// The limits of the worker processes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extraction {
    /// The largest file, in bytes.
    #[serde(deserialize_with = "read_size")]
    pub file_limit: u64,
    /// The most text from one file, in bytes.
    #[serde(deserialize_with = "read_size")]
    pub text_limit: u64,
    /// The memory of one worker, in bytes.
    #[serde(deserialize_with = "read_size")]
    pub memory_limit: u64,
    /// The seconds for one file.
    pub seconds: u64,
    /// Workers at the same time.
    pub workers: usize,
}

/// How text is cut.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chunking {
    /// The length of a chunk to aim for.
    pub characters: usize,
}

/// How words and meaning are searched.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Two-letter codes of the languages whose words are analysed.
    pub languages: Vec<String>,
    /// The share of meaning in a fused score, from 0 to 1.
    pub meaning_weight: f64,
}

/// The embedding model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedding {
    /// The model's folder; none searches by words alone.
    #[serde(deserialize_with = "read_path_if_set")]
    pub model: Option<PathBuf>,
    /// ONNX Runtime's library.
    #[serde(deserialize_with = "read_path_if_set")]
    pub runtime: Option<PathBuf>,
    /// Threads that embed; 0 is as many as there are cores.
    pub threads: usize,
}

/// Where vectors lie.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vectors {
    /// The store.
    pub store: VectorStore,
    /// Qdrant's gRPC address.
    #[serde(deserialize_with = "read_url_if_set")]
    pub url: Option<Url>,
    /// The environment variable with Qdrant's key; see [`Vectors::api_key`].
    #[serde(deserialize_with = "read_text_if_set")]
    pub api_key_env: Option<String>,
    /// What the names of collections begin with.
    pub collection: String,
}

/// The two vector stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VectorStore {
    /// Rows of the ledger, scanned exactly.
    Embedded,
    /// A Qdrant server or cluster.
    Qdrant,
}

/// What writes the sentences of an answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorSettings {
    /// The generator that is asked first.
    pub kind: GeneratorKind,
    /// Where a language model is asked.
    #[serde(deserialize_with = "read_url_if_set")]
    pub url: Option<Url>,
    /// The model's name at that address.
    pub model: String,
    /// The environment variable with the key.
    #[serde(deserialize_with = "read_text_if_set")]
    pub api_key_env: Option<String>,
    /// Tokens that the model takes in all, question, passages and answer together.
    pub context_tokens: usize,
    /// Tokens that an answer may have.
    pub answer_tokens: usize,
    /// How long an answer may take, tries and pauses included.
    #[serde(deserialize_with = "read_span")]
    pub timeout: Duration,
    /// How long a model may be silent.
    #[serde(deserialize_with = "read_span")]
    pub first_token_timeout: Duration,
    /// How often a request is repeated.
    pub retries: u32,
    /// How freely the model chooses its words; none leaves it to the server.
    #[serde(deserialize_with = "read_number_if_set")]
    pub temperature: Option<f64>,
    /// A folder with prompts in place of the built-in ones.
    #[serde(deserialize_with = "read_path_if_set")]
    pub prompts: Option<PathBuf>,
    /// The models that are asked next, each where the one before gave nothing.
    pub fallback: Vec<Fallback>,
}

/// A further model. What it does not give is as for the first one, but never address, name or key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fallback {
    /// What it speaks.
    pub kind: GeneratorKind,
    /// Where it is asked.
    #[serde(deserialize_with = "read_url_if_set")]
    pub url: Option<Url>,
    /// Its name there.
    pub model: String,
    /// The environment variable with its key.
    pub api_key_env: Option<String>,
    /// Tokens that it takes in all.
    pub context_tokens: Option<usize>,
    /// Tokens that an answer may have.
    pub answer_tokens: Option<usize>,
    /// How long an answer may take.
    #[serde(default, deserialize_with = "read_span_if_given")]
    pub timeout: Option<Duration>,
    /// How long it may be silent.
    #[serde(default, deserialize_with = "read_span_if_given")]
    pub first_token_timeout: Option<Duration>,
    /// How often a request is repeated.
    pub retries: Option<u32>,
    /// How freely it chooses its words.
    pub temperature: Option<f64>,
}

/// The generators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GeneratorKind {
    /// Sentences taken from the passages.
    Extractive,
    /// A language model behind chat completions as OpenAI began them.
    OpenAi,
    /// A language model behind Anthropic's Messages API.
    Anthropic,
}

/// How an answer is made.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Passages that an answer is made from, at most.
    pub passages: usize,
    /// How sure the extractive generator must be, from 0 to 1.
    pub min_confidence: f32,
}

/// What is kept of conversations.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversations {
    /// How long one is kept after its last question; zero is until its reader erases it.
    #[serde(deserialize_with = "read_span")]
    pub keep: Duration,
    /// Conversations of one reader.
    pub most: u32,
    /// Questions of one conversation.
    pub turns: u32,
}

/// What is refused for its size, and how much one reader may take up.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The longest question, in bytes.
    #[serde(deserialize_with = "read_size")]
    pub question_bytes: u64,
    /// The largest pushed file, in bytes.
    #[serde(deserialize_with = "read_size")]
    pub upload_bytes: u64,
    /// The requests of one reader in a minute.
    pub requests_per_minute: u32,
    /// The requests of one reader that are worked on at the same time.
    pub at_once: usize,
    /// The requests of all readers that are worked on at the same time.
    pub at_once_in_all: usize,
    /// The tokens that language models may count for one reader in a day; zero is no limit.
    pub tokens_per_day: u64,
}

/// The workspace in Slack where people ask.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// The workspace's id; none: Vouch is not in Slack.
    #[serde(deserialize_with = "read_text_if_set")]
    pub team: Option<String>,
    /// The address of Slack's Web API.
    #[serde(deserialize_with = "read_url_if_set")]
    pub api: Option<Url>,
    /// The environment variable with the bot's token; see [`Slack::bot_token`].
    #[serde(deserialize_with = "read_text_if_set")]
    pub bot_token_env: Option<String>,
    /// The environment variable with the signing secret; see [`Slack::signing_secret`].
    #[serde(deserialize_with = "read_text_if_set")]
    pub signing_secret_env: Option<String>,
    /// Mail domains whose people are readers although Vouch has not seen them yet.
    pub domains: BTreeSet<String>,
    /// Above so many people in a channel they are not looked up one by one.
    pub channel_limit: usize,
    /// How long members of channels and people count without being asked for again.
    #[serde(deserialize_with = "read_span")]
    pub members_for: Duration,
    /// How long one call of Slack's Web API may take.
    #[serde(deserialize_with = "read_span")]
    pub timeout: Duration,
    /// Answers that are made at the same time.
    pub workers: usize,
    /// Questions that may wait for one of them.
    pub queue: usize,
}

/// The audit's second file, and what it forgets.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// Where the newest hash is kept; see [`Config::head_file`].
    #[serde(deserialize_with = "read_path_if_set")]
    pub head_file: Option<PathBuf>,
    /// `[audit.retention]`
    pub retention: Retention,
}

/// How long the audit keeps what belongs to a person; zero is for ever.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Questions and answers, and what the asker said of them.
    #[serde(deserialize_with = "read_span")]
    pub answers: Duration,
    /// Searches.
    #[serde(deserialize_with = "read_span")]
    pub searches: Duration,
    /// Opened documents.
    #[serde(deserialize_with = "read_span")]
    pub documents: Duration,
    /// What administrators, owners and approvers did.
    #[serde(deserialize_with = "read_span")]
    pub acts: Duration,
}

/// What is logged, and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// A level, or levels by part.
    pub level: String,
    /// One line of text, or one JSON object, for each event.
    pub format: LogFormat,
}

/// The forms of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}
