//! What a running Vouch holds: settings, the ledger, the live generation, the embedding model.
//!
//! One value, made once and shared; there are no globals. Everything that blocks (the ledger, a
//! search, the model) is called through [`App::blocking`].

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use vouch_index::embed::Embedder;
use vouch_index::ledger::{Ledger, Settings};
use vouch_index::search::Generation;
use vouch_index::text::TextIndex;
use vouch_index::vectors::{Exact, Qdrant, QdrantSettings, Store, Vectors};

use crate::auth::Provider;
use crate::config::{AuthMode, Config, GeneratorKind, VectorStore};
use crate::demo::Directory;
use crate::generate::Generator;
use crate::generate::extractive::Extractive;
use crate::generate::model::LanguageModel;
use crate::generate::prompt::Template;
use crate::limits::Limits;
use crate::slack::Slack;

/// The chunker's number: another one means that a reindex cuts anew.
pub const CHUNKER: u32 = 2;
/// What the name of a generation's folder begins with; its number follows.
pub const INDEX_FOLDER: &str = "generation-";

/// How long a claimed data folder is asked for again.
const CLAIM_PATIENCE: Duration = Duration::from_secs(2);

/// Everything that a request or a background task needs.
pub struct App {
    /// The settings.
    pub config: Config,
    /// The ledger.
    pub ledger: Arc<Ledger>,
    /// The program that runs the extraction worker: this one.
    pub program: PathBuf,
    /// The people of demo mode.
    pub directory: Option<Directory>,
    /// The identity provider, where people sign in with one.
    pub provider: Option<Arc<Provider>>,
    /// The workspace in Slack, where people ask there.
    pub slack: Option<Arc<Slack>>,
    /// What writes answers, each where the one before gave nothing.
    pub generators: Vec<Box<dyn Generator>>,
    /// What readers take up at this moment.
    pub limits: Arc<Limits>,
    /// When the server started.
    pub started: Instant,
    /// The first administrator's key, where there is one.
    pub bootstrap_key: Option<String>,
    live: RwLock<Arc<Live>>,
    configured: Option<Arc<Embedder>>,
    model_note: Option<String>,
    /// Held as long as this lives; the system takes it back however the process ends.
    _claim: File,
}

/// The generation that answers, with the model that embeds its questions.
pub struct Live {
    /// The indexes.
    pub generation: Generation,
    /// The model; none where words alone are searched.
    pub embedder: Option<Arc<Embedder>>,
    /// Why words alone are searched.
    pub note: Option<String>,
}

impl App {
    /// Opens the ledger and the live generation, and loads the model where there is one. It blocks.
    ///
    /// # Errors
    /// The data folder or the ledger can't be used. A missing model is no error.
    pub fn open(config: Config, program: PathBuf) -> Result<Arc<Self>> {
        let bootstrap_key = bootstrap_key()?;
        let claim = claim(&config.data_dir)?;
        let ledger = Ledger::open(&config.data_dir, &config.head_file())?;
        let ledger = Arc::new(ledger.with_widening_limit(config.access.widening_limit));
        let (configured, model_note) = match load_model(&config) {
            Ok(embedder) => (embedder, None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        let settings = settings(&config, configured.as_deref());
        let (number, mut stored) = ledger.live_generation(&settings)?;
        if stored.model.is_none() && settings.model.is_some() {
            stored = Settings {
                model: settings.model,
                model_dir: settings.model_dir,
                dimensions: settings.dimensions,
                ..stored
            };
            ledger.adopt_model(number, &stored)?;
        }
        let live = open_live(&config, &ledger, configured.as_ref(), (number, stored))?;
        let directory = Directory::open(&config, &ledger)?;
        let oidc = config.auth.mode == AuthMode::Oidc;
        let provider = oidc.then(|| Provider::new(&config.auth.oidc)).transpose()?;
        let generators = generators(&config)?;
        let slack = Slack::open(&config)?;
        Ok(Arc::new(Self {
            limits: Limits::new(&config.limits),
            slack,
            config,
            ledger,
            program,
            directory,
            provider,
            generators,
            started: Instant::now(),
            bootstrap_key,
            live: RwLock::new(Arc::new(live)),
            configured,
            model_note,
            _claim: claim,
        }))
    }

    /// The generation that answers now.
    #[must_use]
    pub fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets another generation answer from the next question on.
    pub fn set_live(&self, live: Arc<Live>) {
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = live;
    }

    /// Why the configured model is not loaded.
    #[must_use]
    pub fn model_note(&self) -> Option<&str> {
        self.model_note.as_deref()
    }

    /// What a generation that is begun now would be built with.
    ///
    /// # Errors
    /// `model` names a directory that can't be loaded.
    pub fn next_settings(&self, model: Option<&str>) -> Result<Settings> {
        let Some(folder) = model else {
            return Ok(settings(&self.config, self.configured.as_deref()));
        };
        let embedder = self.embedder_at(folder)?;
        Ok(settings(&self.config, Some(&embedder)))
    }

    /// Opens a generation that the ledger knows.
    ///
    /// # Errors
    /// Its index can't be opened.
    pub fn open_generation(&self, number: u32) -> Result<Live> {
        let settings = self.ledger.generation_settings(number)?;
        let same = self
            .configured
            .as_ref()
            .filter(|model| settings.model.as_deref() == Some(model.fingerprint()));
        let embedder = match (&settings.model_dir, same) {
            (_, Some(same)) => Some(Arc::clone(same)),
            (Some(folder), None) => Some(Arc::new(self.embedder_at(folder)?)),
            (None, None) => None,
        };
        open_live(&self.config, &self.ledger, embedder.as_ref(), (number, settings))
    }

    fn embedder_at(&self, folder: &str) -> Result<Embedder> {
        let runtime = self
            .config
            .embedding
            .runtime
            .as_ref()
            .context("embedding.runtime is not set; name ONNX Runtime's library")?;
        Embedder::load(folder.as_ref(), runtime, lanes(&self.config))
    }

    /// Runs blocking work off the async threads, inside the caller's span.
    ///
    /// # Errors
    /// Those of the work; a panic in it becomes an error as well.
    pub async fn blocking<T, E>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<anyhow::Error> + Send + 'static,
    {
        let app = Arc::clone(self);
        let span = tracing::Span::current();
        let done = tokio::task::spawn_blocking(move || span.in_scope(|| work(&app))).await;
        done.unwrap_or_else(|error| Err(anyhow::Error::new(error).into()))
    }

    /// The limits of extraction as the settings give them.
    #[must_use]
    pub fn extraction_limits(&self) -> vouch_ingest::Limits {
        let extraction = &self.config.extraction;
        vouch_ingest::Limits {
            file_bytes: extraction.file_limit,
            text_bytes: extraction.text_limit,
            memory_bytes: extraction.memory_limit,
            seconds: extraction.seconds,
        }
    }

    /// Where pushed files wait for their extraction.
    #[must_use]
    pub fn incoming(&self) -> PathBuf {
        self.config.data_dir.join("incoming")
    }
}

/// The first administrator's key, if there is one. Looked at before anything is made.
fn bootstrap_key() -> Result<Option<String>> {
    let key = std::env::var("VOUCH_ADMIN_KEY").ok().filter(|key| !key.is_empty());
    if key.as_ref().is_some_and(|key| key.len() < 32) {
        anyhow::bail!(
            "VOUCH_ADMIN_KEY has fewer than 32 characters; set a longer one, or unset it"
        );
    }
    Ok(key)
}

/// Makes the data folder this server's own. Two servers on one would each think themselves alone.
///
/// A server that was killed while it started a worker may hold the claim for a moment longer: until
/// the worker's `exec` closes the copy. So a claim that is taken is asked for again before it counts.
fn claim(data_dir: &Path) -> Result<File> {
    let named = || format!("the data folder {} can't be used", data_dir.display());
    std::fs::create_dir_all(data_dir).with_context(named)?;
    let claim = File::create(data_dir.join("lock")).with_context(named)?;
    let patience = Instant::now() + CLAIM_PATIENCE;
    loop {
        match claim.try_lock() {
            Ok(()) => return Ok(claim),
            Err(TryLockError::WouldBlock) if Instant::now() < patience => {
                std::thread::sleep(CLAIM_PATIENCE / 20);
            }
            Err(TryLockError::WouldBlock) => anyhow::bail!(
                "another vouch is running on the data folder {}; stop it, or set data_dir to another folder",
                data_dir.display()
            ),
            Err(TryLockError::Error(error)) => return Err(error).with_context(named),
        }
    }
}

/// The generators in the order in which they are asked. The last one needs nothing and never fails.
fn generators(config: &Config) -> Result<Vec<Box<dyn Generator>>> {
    let mut generators: Vec<Box<dyn Generator>> = Vec::new();
    let prompts = config.generator.prompts.as_deref();
    for model in config.generator.models() {
        let template = match model.kind {
            GeneratorKind::Anthropic => Template::search_results(prompts)?,
            GeneratorKind::OpenAi | GeneratorKind::Extractive => Template::answer(prompts)?,
        };
        generators.push(Box::new(LanguageModel::new(&model, template)?));
    }
    generators.push(Box::new(Extractive { min_confidence: config.answer.min_confidence }));
    Ok(generators)
}

fn lanes(config: &Config) -> usize {
    match config.embedding.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}

fn load_model(config: &Config) -> Result<Option<Arc<Embedder>>> {
    let (Some(model), Some(runtime)) = (&config.embedding.model, &config.embedding.runtime) else {
        return Ok(None);
    };
    Ok(Some(Arc::new(Embedder::load(model, runtime, lanes(config))?)))
}

fn settings(config: &Config, embedder: Option<&Embedder>) -> Settings {
    Settings {
        chunk_characters: config.chunking.characters,
        chunker: CHUNKER,
        languages: config.search.languages.clone(),
        model: embedder.map(|embedder| embedder.fingerprint().to_owned()),
        model_dir: embedder.map(|embedder| embedder.folder().display().to_string()),
        dimensions: embedder.map_or(0, |embedder| embedder.card().dimensions),
    }
}

fn open_live(
    config: &Config,
    ledger: &Ledger,
    embedder: Option<&Arc<Embedder>>,
    (number, settings): (u32, Settings),
) -> Result<Live> {
    let text = TextIndex::open(&index_folder(config, number), &settings.languages)?;
    let fits =
        embedder.filter(|embedder| settings.model.as_deref() == Some(embedder.fingerprint()));
    let note = match (fits, &settings.model, embedder) {
        (Some(_), _, _) => None,
        (None, None, _) => {
            Some("no embedding model is loaded; `make models` brings one".to_owned())
        }
        (None, Some(_), None) => Some(
            "the embedding model of this generation is not there; `make models` brings one"
                .to_owned(),
        ),
        (None, Some(_), Some(_)) => Some(
            "the configured embedding model is not the one of this generation; run `vouch reindex`"
                .to_owned(),
        ),
    };
    let vectors = match fits {
        None => None,
        Some(_) => {
            let store = store(config, number, settings.dimensions)?;
            let vectors = Vectors::open(ledger, number, store)?;
            if let Err(error) = vectors.follow(ledger) {
                tracing::warn!(%error, "the vector store is behind; searching by words until it answers");
            }
            Some(vectors)
        }
    };
    let generation = Generation { number, settings, text, vectors };
    Ok(Live { generation, embedder: fits.cloned(), note })
}

/// Where a generation's text index lies.
#[must_use]
pub fn index_folder(config: &Config, number: u32) -> PathBuf {
    index_folders(config).join(format!("{INDEX_FOLDER}{number}"))
}

/// Where the folders of all generations lie.
#[must_use]
pub fn index_folders(config: &Config) -> PathBuf {
    config.data_dir.join("index")
}

fn store(config: &Config, number: u32, dimensions: usize) -> Result<Store> {
    match qdrant(config)? {
        None => Ok(Store::Embedded(RwLock::new(Exact::new(dimensions)))),
        Some(settings) => Ok(Store::Qdrant(Qdrant::new(&settings, number, dimensions)?)),
    }
}

/// Where Qdrant is, if the vectors are kept there.
///
/// # Errors
/// Its address or its key is not set.
pub fn qdrant(config: &Config) -> Result<Option<QdrantSettings>> {
    match config.vectors.store {
        VectorStore::Embedded => Ok(None),
        VectorStore::Qdrant => Ok(Some(QdrantSettings {
            url: config.vectors.url.as_ref().context("vectors.url is not set")?.to_string(),
            api_key: config.vectors.api_key()?,
            collection: config.vectors.collection.clone(),
        })),
    }
}
