//! Ingest speed: tokens per second of the background embedding, beside the bare embedding model on
//! the same windows with the same number of lanes.
//!
//! `cargo bench --bench ingest` runs both in turns, so that they share the machine's moods. It reads
//! `../shared/data/handbooks` where that is there, else it embeds text of its own. The model comes from
//! `make models`.

#[path = "parts/company.rs"]
mod company;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Instant;

use anyhow::{Context, Result};
use company::{bring, olga, source};
use vouch::app::Live;
use vouch::paths::indexing::{embed_some, follow_text};
use vouch_index::embed::Embedder;
use vouch_index::ledger::Settings;
use vouch_index::search::Generation;
use vouch_index::text::TextIndex;
use vouch_index::vectors::{Exact, Store, Vectors};
use vouch_index::{Ledger, Rule};

/// Rounds; in each one ingest embeds a batch of chunks and the bare model the same windows.
const ROUNDS: usize = 8;
/// Characters of text for each round, about what one batch takes in.
const CHARACTERS: usize = 350_000;
/// More chunks than there are.
const EVERY: usize = 1_000_000;

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lanes = std::thread::available_parallelism().map_or(1, usize::from);
    let (model, runtime) =
        (root.join("models/all-minilm-l6-v2"), root.join("models/libonnxruntime.so"));
    let embedder = match Embedder::load(&model, &runtime, lanes) {
        Ok(embedder) => Arc::new(embedder),
        Err(error) => {
            println!("ingest is not measured: {error:#}");
            return Ok(());
        }
    };
    let bare = (0..lanes).map(|_| Embedder::load(&model, &runtime, 1)).collect::<Result<_>>()?;
    let texts = texts(&root.join("../shared/data/handbooks"))?;
    let folder = tempfile::tempdir()?;
    let (ledger, live) = company(folder.path(), &embedder, &texts)?;
    measure(&ledger, &live, &Bare(bare))
}

/// Lets both work in turns, and compares their sums.
fn measure(ledger: &Ledger, live: &Live, bare: &Bare) -> Result<()> {
    let number = live.generation.number;
    let embedder = live.embedder.as_ref().context("the model is loaded")?;
    let (mut tokens, mut ingest, mut alone) = (0, 0.0, 0.0);
    for round in 1.. {
        let chunks = ledger.chunks_to_embed(number, EVERY)?;
        let before = Instant::now();
        let count = embed_some(ledger, live)?;
        let took = before.elapsed().as_secs_f64();
        if count == 0 || round > ROUNDS {
            break;
        }
        let left: BTreeSet<_> =
            ledger.chunks_to_embed(number, EVERY)?.iter().map(|chunk| chunk.place).collect();
        let mut windows = Vec::new();
        for chunk in chunks.iter().filter(|chunk| !left.contains(&chunk.place)) {
            windows.extend(embedder.windows(&chunk.title, &chunk.heading, &chunk.text)?);
        }
        let round_tokens =
            windows.iter().map(|text| embedder.count(text)).sum::<Result<usize>>()?;
        let before = Instant::now();
        bare.embed(&windows)?;
        let bare_took = before.elapsed().as_secs_f64();
        println!(
            "round {round}: {count} chunks, {} windows, {round_tokens} tokens; ingest {took:.2} s, bare model {bare_took:.2} s",
            windows.len()
        );
        (tokens, ingest, alone) = (tokens + round_tokens, ingest + took, alone + bare_took);
    }
    anyhow::ensure!(tokens > 0, "there was nothing to embed");
    let speed = |seconds: f64| tokens as f64 / seconds;
    println!(
        "ingest {:.0} tokens/s, bare model {:.0} tokens/s with {} lanes each; ingest is at {:.3} of the bare model",
        speed(ingest),
        speed(alone),
        bare.0.len(),
        alone / ingest
    );
    Ok(())
}

/// The embedding model and nothing else: no ledger, no store, no cutting. One model for each lane.
struct Bare(Vec<Embedder>);

impl Bare {
    fn embed(&self, windows: &[String]) -> Result<()> {
        let next = AtomicUsize::new(0);
        let lane = |model: &Embedder| -> Result<()> {
            while let Some(window) = windows.get(next.fetch_add(1, Ordering::Relaxed)) {
                model.sentence(window)?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let running: Vec<_> =
                self.0.iter().map(|model| scope.spawn(move || lane(model))).collect();
            running.into_iter().try_for_each(|lane| lane.join().expect("no lane panics"))
        })
    }
}

/// Real Markdown where it is there, in pieces of a file's size.
fn texts(handbooks: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    let mut folders = vec![handbooks.to_owned()];
    let mut size = 0;
    while let Some(folder) = folders.pop().filter(|folder| folder.is_dir()) {
        let mut entries: Vec<PathBuf> =
            std::fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        entries.sort();
        for path in entries {
            if path.is_dir() {
                folders.push(path);
            } else if size < CHARACTERS * ROUNDS && path.extension().is_some_and(|it| it == "md") {
                let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
                size += text.len();
                texts.push(text);
            }
        }
    }
    if texts.is_empty() {
        println!("{} is not there; embedding text made up here", handbooks.display());
        let sentence = "Whoever travels for the company books through the travel desk. ";
        texts = (0..CHARACTERS * ROUNDS / 6400)
            .map(|number| format!("# Rule {number}\n\n{}", sentence.repeat(100)))
            .collect();
    }
    Ok(texts)
}

/// A ledger that holds these texts, cut and found by words, and nothing embedded yet.
fn company(folder: &Path, embedder: &Arc<Embedder>, texts: &[String]) -> Result<(Ledger, Live)> {
    let ledger = Ledger::open(&folder.join("ledger"), &folder.join("audit.head"))?;
    let settings = Settings {
        chunk_characters: 1600,
        chunker: 1,
        languages: vec!["en".to_owned(), "de".to_owned()],
        model: Some(embedder.fingerprint().to_owned()),
        model_dir: None,
        dimensions: embedder.card().dimensions,
    };
    let (number, settings) = ledger.live_generation(&settings)?;
    ledger.add_source(&source()?, &olga()?)?;
    for (number, text) in texts.iter().enumerate() {
        bring(&ledger, (number, &Rule(Vec::new())), text.clone())?;
    }
    let text = TextIndex::open(&folder.join("text"), &settings.languages)?;
    let store = Store::Embedded(RwLock::new(Exact::new(settings.dimensions)));
    let vectors = Some(Vectors::open(&ledger, number, store)?);
    let generation = Generation { number, settings, text, vectors };
    while follow_text(&ledger, &generation)? > 0 {}
    let live = Live { generation, embedder: Some(Arc::clone(embedder)), note: None };
    Ok((ledger, live))
}
