//! The embedding model: text to unit vectors, with fastembed on ONNX Runtime.
//!
//! A text longer than the model reads is cut into windows at word pieces, and the chunk's score is
//! later that of its best window. One text is embedded per call: int8 quantization depends on what
//! shares a batch, and a text must always get the same vector. Background work has lanes of its own,
//! one thread each; questions have others, so that they never wait for a document.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use anyhow::{Context, Result, bail};
use fastembed::{
    InitOptionsUserDefined, Pooling, TextEmbedding, TokenizerFiles, UserDefinedEmbeddingModel,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokenizers::Tokenizer;

use crate::vectors::Quantized;

/// What a model directory says of itself, in `vouch-model.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelCard {
    /// A name for people.
    pub name: String,
    /// The ONNX file's name in the directory.
    #[serde(default = "onnx_file")]
    pub onnx: String,
    /// How many numbers a vector has.
    pub dimensions: usize,
    /// How token vectors become one: `mean` or `cls`.
    pub pooling: PoolingName,
    /// How many word pieces the model reads, its two marks included.
    pub max_tokens: usize,
    /// Put in front of every question.
    #[serde(default)]
    pub query_prefix: String,
    /// Put in front of every passage.
    #[serde(default)]
    pub passage_prefix: String,
    /// The languages for which its vectors count; empty: all.
    #[serde(default)]
    pub languages: Vec<String>,
}

fn onnx_file() -> String {
    "model.onnx".to_owned()
}

/// How token vectors become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PoolingName {
    /// Their mean.
    Mean,
    /// The first one.
    Cls,
}

/// A loaded model.
pub struct Embedder {
    card: ModelCard,
    folder: PathBuf,
    fingerprint: String,
    pieces: Tokenizer,
    question_lanes: Lanes,
    lanes: Vec<Mutex<TextEmbedding>>,
}

/// Title and heading path take at most this many word pieces of a window.
const CONTEXT_PIECES: usize = 48;
/// Word pieces that neighbouring windows share, so that no sentence is cut in both.
const OVERLAP_PIECES: usize = 32;

/// Questions are short: more lanes than this cost memory (about 45 MB each) and are seldom all taken.
const MOST_QUESTION_LANES: usize = 4;

/// ONNX Runtime allows one environment in a process; this is the only place that knows it.
static RUNTIME: OnceLock<(PathBuf, ort::environment::Environment)> = OnceLock::new();
static STARTING: Mutex<()> = Mutex::new(());

/// Copies of the model, one text in each at a time.
struct Lanes {
    all: Vec<Mutex<TextEmbedding>>,
    /// Counts those who had to wait, so that they wait in turns.
    waits: AtomicUsize,
}

impl Lanes {
    fn new(lane: &impl Fn() -> Result<TextEmbedding>, count: usize) -> Result<Self> {
        let all = (0..count).map(|_| lane().map(Mutex::new)).collect::<Result<_>>()?;
        Ok(Self { all, waits: AtomicUsize::new(0) })
    }

    /// A free lane, or the next one in turn when it is free.
    fn take(&self) -> MutexGuard<'_, TextEmbedding> {
        if let Some(free) = self.all.iter().find_map(|lane| lane.try_lock().ok()) {
            return free;
        }
        let turn = self.waits.fetch_add(1, Ordering::Relaxed) % self.all.len();
        self.all[turn].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Embedder {
    /// Loads the model in this folder with ONNX Runtime's library, and `lanes` background lanes.
    ///
    /// # Errors
    /// A file that is missing or is not what it should be, named with what to do.
    pub fn load(folder: &Path, runtime: &Path, lanes: usize) -> Result<Self> {
        let environment = environment(runtime)?;
        let card = card(folder)?;
        let files = ModelFiles::read(folder, &card)?;
        let fingerprint = files.fingerprint(&card);
        let mut pieces = Tokenizer::from_bytes(&files.tokenizer.tokenizer_file)
            .map_err(|error| anyhow::anyhow!("tokenizer.json of {}: {error}", folder.display()))?;
        pieces.with_padding(None);
        pieces
            .with_truncation(None)
            .map_err(|error| anyhow::anyhow!("the tokenizer can't be set up: {error}"))?;
        let lane = || files.lane(&card, &environment);
        let embedder = Self {
            question_lanes: Lanes::new(&lane, lanes.clamp(1, MOST_QUESTION_LANES))?,
            lanes: (0..lanes.max(1)).map(|_| lane().map(Mutex::new)).collect::<Result<_>>()?,
            card,
            folder: folder.to_owned(),
            fingerprint,
            pieces,
        };
        let probe = embedder.question("a test")?;
        if probe.len() != embedder.card.dimensions {
            bail!(
                "the model in {} gives {} numbers and vouch-model.toml says dimensions = {}",
                folder.display(),
                probe.len(),
                embedder.card.dimensions
            );
        }
        Ok(embedder)
    }

    /// What the directory says of the model.
    #[must_use]
    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// The folder it was loaded from.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The model's name with a hash of its files and settings: equal ones give equal vectors.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// How many background lanes there are.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Whether vectors count for text of this language.
    #[must_use]
    pub fn reads(&self, language: &str) -> bool {
        language.is_empty()
            || self.card.languages.is_empty()
            || self.card.languages.iter().any(|known| known == language)
    }

    /// The vector of a question.
    ///
    /// # Errors
    /// ONNX Runtime failed.
    pub fn question(&self, text: &str) -> Result<Vec<f32>> {
        one(&mut self.question_lanes.take(), &format!("{}{text}", self.card.query_prefix))
    }

    /// The vector of a short text that is held against a question, on the questions' lanes.
    ///
    /// # Errors
    /// ONNX Runtime failed.
    pub fn sentence(&self, text: &str) -> Result<Vec<f32>> {
        one(&mut self.question_lanes.take(), &format!("{}{text}", self.card.passage_prefix))
    }

    /// The windows of one chunk as the ledger stores them, computed on one of the background lanes.
    ///
    /// # Errors
    /// ONNX Runtime failed.
    pub fn chunk(&self, lane: usize, title: &str, heading: &str, text: &str) -> Result<Vec<u8>> {
        let windows = self.windows(title, heading, text)?;
        let mut lane =
            self.lanes[lane % self.lanes.len()].lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = Vec::with_capacity(windows.len() * (self.card.dimensions + 4));
        for window in &windows {
            bytes.extend(Quantized::from_vector(&one(&mut lane, window)?).to_bytes());
        }
        Ok(bytes)
    }

    /// Cuts a chunk into texts that the model reads whole, each with title and heading in front.
    ///
    /// # Errors
    /// The tokenizer failed.
    pub fn windows(&self, title: &str, heading: &str, text: &str) -> Result<Vec<String>> {
        let context = self.context(title, heading)?;
        let front = self.pieces_of(&format!("{}{context}", self.card.passage_prefix))?.len();
        let room = self.card.max_tokens.saturating_sub(2 + front).max(OVERLAP_PIECES * 2);
        let pieces = self.pieces_of(text)?;
        let mut windows = Vec::new();
        let mut first = 0;
        loop {
            let last = pieces.len().min(first + room);
            let from = pieces.get(first).map_or(0, |piece| piece.0);
            let to = if last == pieces.len() { text.len() } else { pieces[last - 1].1 };
            windows.push(format!("{}{context}{}", self.card.passage_prefix, &text[from..to]));
            if last == pieces.len() {
                return Ok(windows);
            }
            // The last window is filled from the end rather than left with a few words.
            first = (last - OVERLAP_PIECES).min(pieces.len().saturating_sub(room)).max(first + 1);
        }
    }

    /// How many word pieces a text has.
    ///
    /// # Errors
    /// The tokenizer failed.
    pub fn count(&self, text: &str) -> Result<usize> {
        Ok(self.pieces_of(text)?.len())
    }

    /// Title and heading path, not longer than their share of a window.
    fn context(&self, title: &str, heading: &str) -> Result<String> {
        let context = match (title.is_empty(), heading.is_empty() || heading == title) {
            (true, true) => return Ok(String::new()),
            (false, true) => title.to_owned(),
            (true, false) => heading.to_owned(),
            (false, false) => format!("{title} > {heading}"),
        };
        let pieces = self.pieces_of(&context)?;
        let end = pieces.get(CONTEXT_PIECES).map_or(context.len(), |piece| piece.0);
        Ok(format!("{}\n", &context[..end]))
    }

    /// Byte ranges of the word pieces.
    fn pieces_of(&self, text: &str) -> Result<Vec<(usize, usize)>> {
        let encoding = self
            .pieces
            .encode(text, false)
            .map_err(|error| anyhow::anyhow!("the tokenizer failed: {error}"))?;
        Ok(encoding.get_offsets().to_vec())
    }
}

/// Reads a model directory's card.
///
/// # Errors
/// There is none, or it can't be read.
pub fn card(folder: &Path) -> Result<ModelCard> {
    let file = folder.join("vouch-model.toml");
    let text = std::fs::read_to_string(&file).with_context(|| {
        format!(
            "there is no model at {} (no vouch-model.toml); run `make models`, or see docs/models.md \
             for a directory of your own",
            folder.display()
        )
    })?;
    toml::from_str(&text).with_context(|| format!("{} can't be read", file.display()))
}

struct ModelFiles {
    onnx: Vec<u8>,
    tokenizer: TokenizerFiles,
}

impl ModelFiles {
    fn read(folder: &Path, card: &ModelCard) -> Result<Self> {
        let read = |name: &str| {
            std::fs::read(folder.join(name))
                .with_context(|| format!("the model in {} lacks {name}", folder.display()))
        };
        Ok(Self {
            onnx: read(&card.onnx)?,
            tokenizer: TokenizerFiles {
                tokenizer_file: read("tokenizer.json")?,
                config_file: read("config.json")?,
                special_tokens_map_file: read("special_tokens_map.json")?,
                tokenizer_config_file: read("tokenizer_config.json")?,
            },
        })
    }

    fn fingerprint(&self, card: &ModelCard) -> String {
        let mut hash = Sha256::new();
        hash.update(&self.onnx);
        hash.update(&self.tokenizer.tokenizer_file);
        let rest = (&card.pooling, card.max_tokens, &card.query_prefix, &card.passage_prefix);
        hash.update(format!("{rest:?}"));
        format!("{} {}", card.name, &hex::encode(hash.finalize())[..16])
    }

    fn lane(
        &self,
        card: &ModelCard,
        environment: &ort::environment::Environment,
    ) -> Result<TextEmbedding> {
        let pooling = match card.pooling {
            PoolingName::Mean => Pooling::Mean,
            PoolingName::Cls => Pooling::Cls,
        };
        let model = UserDefinedEmbeddingModel::new(self.onnx.clone(), self.tokenizer.clone())
            .with_pooling(pooling);
        let options = InitOptionsUserDefined::new()
            .with_environment(environment.clone())
            .with_max_length(card.max_tokens)
            .with_intra_threads(1);
        TextEmbedding::try_new_from_user_defined(model, options)
            .with_context(|| format!("the model {} can't be loaded", card.name))
    }
}

fn one(lane: &mut TextEmbedding, text: &str) -> Result<Vec<f32>> {
    let vectors = lane.embed([text], Some(1)).context("the embedding model failed")?;
    vectors.into_iter().next().context("the embedding model gave no vector")
}

fn environment(runtime: &Path) -> Result<ort::environment::Environment> {
    let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let path = std::path::absolute(runtime).context("the runtime's path can't be made absolute")?;
    if let Some((loaded, environment)) = RUNTIME.get() {
        if *loaded != path {
            bail!("ONNX Runtime was loaded from {} before", loaded.display());
        }
        return Ok(environment.clone());
    }
    if !path.is_file() {
        bail!("there is no ONNX Runtime library at {}; run `make models`", path.display());
    }
    let environment = ort::environment::init_from(&path)
        .with_context(|| format!("{} is no ONNX Runtime library", path.display()))?
        .with_telemetry(false)
        .build()
        .context("ONNX Runtime can't be started")?;
    Ok(RUNTIME.get_or_init(|| (path, environment)).1.clone())
}
