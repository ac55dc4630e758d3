//! How long a reader waits for the first sentence, with 100,000 chunks and 8 readers at once, over HTTP.
//!
//! The chunks are paragraphs of the handbooks in `../shared/data` (or `VOUCH_DATA`), drawn at random, with
//! random vectors, so that they are there within a minute; the questions are headings of those handbooks and
//! are embedded by the real model, as are the sentences. `min_confidence` is 0, so that every question has a
//! first sentence. Printed are the times until Vouch begins to read (search done, opening record on disk)
//! and until the first sentence, beside the bare embedding of the same questions by as many threads.
//! `VOUCH_BENCH_CHUNKS` sets another size.

#[path = "parts/company.rs"]
mod company;
#[path = "parts/dice.rs"]
mod dice;
#[path = "parts/server.rs"]
mod server;

use std::fs::read_to_string;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use company::{bring, olga, source};
use dice::Dice;
use eventsource_stream::Eventsource;
use futures_util::StreamExt;
use serde_json::{Value, json};
use server::{Server, configure};
use vouch::app::App;
use vouch::config::Config;
use vouch_index::embed::Embedder;
use vouch_index::vectors::Quantized;
use vouch_index::{Place, Rule, Span};

const READERS: usize = 8;
/// Questions of each reader.
const QUESTIONS: usize = 50;
/// Those of them that are not counted.
const WARM_UP: usize = 5;
const CHARACTERS: usize = 1600;
/// Windows of a chunk of that size.
const WINDOWS: usize = 2;
const CHUNKS_OF_A_DOCUMENT: usize = 12;
/// Documents between two commits.
const BATCH: usize = 512;

#[tokio::main]
async fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data = std::env::var("VOUCH_DATA").map(PathBuf::from);
    let data = data.unwrap_or_else(|_| root.join("../shared/data"));
    if !data.is_dir() {
        println!("the first sentence is not measured: {} is not there", data.display());
        return Ok(());
    }
    let wanted = std::env::var("VOUCH_BENCH_CHUNKS").ok().and_then(|count| count.parse().ok());
    let questions = questions(&data)?;
    let folder = tempfile::tempdir()?;
    let configured = configure(folder.path(), "[answer]\nmin_confidence = 0.0\n")?;
    let begun = Instant::now();
    let chunks =
        fill(&configured.0, &paragraphs(&data.join("handbooks"))?, wanted.unwrap_or(100_000))?;
    println!("{chunks} chunks, built in {:.0?}; {READERS} readers at once", begun.elapsed());
    let model = root.join("models/all-minilm-l6-v2");
    let embedder = Embedder::load(&model, &root.join("models/libonnxruntime.so"), 1)?;
    report("the question's embedding alone", embed(&Arc::new(embedder), &questions)?);
    let server = Server::start(&configured).await?;
    let readers = (0..READERS).map(|reader| {
        let url = format!("{}/v1/ask", server.url);
        let own = questions.iter().skip(reader).step_by(READERS).take(QUESTIONS).cloned();
        tokio::spawn(read(server.client.clone(), url, own.collect()))
    });
    let (mut reading, mut sentence) = (Vec::new(), Vec::new());
    for reader in readers.collect::<Vec<_>>() {
        for (began, first) in reader.await??.into_iter().skip(WARM_UP) {
            reading.push(began);
            sentence.push(first);
        }
    }
    report("until the generator is called", reading);
    report("until the first sentence", sentence);
    Ok(())
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1000.0;
    println!("{what:<32} median {:>6.1} ms   95th percentile {:>6.1} ms", at(50), at(95));
}

/// Asks one question after another; for each, when reading began and when the first sentence came.
async fn read(
    client: reqwest::Client,
    url: String,
    questions: Vec<String>,
) -> Result<Vec<(Duration, Duration)>> {
    let mut times = Vec::new();
    for question in questions {
        let asked = Instant::now();
        let body = json!({ "question": question, "stream": true });
        let reply = client.post(&url).bearer_auth("demo:olga").json(&body).send().await?;
        let mut events = reply.error_for_status()?.bytes_stream().eventsource();
        let (mut reading, mut sentence) = (None, None);
        while let Some(event) = events.next().await {
            let event = event?;
            ensure!(event.event != "error", "{}", event.data);
            if event.event == "status" && event.data.contains("reading") {
                reading = Some(asked.elapsed());
            }
            if event.event == "sentence" {
                sentence.get_or_insert(asked.elapsed());
            }
        }
        times.push((reading.context("nothing was read")?, sentence.context("no sentence")?));
    }
    Ok(times)
}

/// As many threads as there are readers, each with questions of its own.
fn embed(embedder: &Arc<Embedder>, questions: &[String]) -> Result<Vec<Duration>> {
    let threads = (0..READERS).map(|reader| {
        let embedder = Arc::clone(embedder);
        let own = questions.iter().skip(reader).step_by(READERS).take(QUESTIONS).cloned();
        let own: Vec<String> = own.collect();
        std::thread::spawn(move || -> Result<Vec<Duration>> {
            let timed = own.iter().map(|question| {
                let begun = Instant::now();
                embedder.question(question)?;
                Ok(begun.elapsed())
            });
            timed.collect()
        })
    });
    let mut times = Vec::new();
    for thread in threads.collect::<Vec<_>>() {
        let own = thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        times.extend(own.into_iter().skip(WARM_UP));
    }
    Ok(times)
}

fn questions(data: &Path) -> Result<Vec<String>> {
    let text = read_to_string(data.join("retrieval/handbook_headings/queries.jsonl"))?;
    let heading = |line: &str| -> Result<String> {
        let line: Value = serde_json::from_str(line)?;
        Ok(line["text"].as_str().context("a question without text")?.to_owned())
    };
    let questions: Vec<String> = text.lines().map(heading).collect::<Result<_>>()?;
    ensure!(questions.len() >= READERS * QUESTIONS, "there are too few questions");
    Ok(questions)
}

/// The paragraphs of every Markdown file below a folder.
fn paragraphs(folder: &Path) -> Result<Vec<String>> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                // Some files are in no encoding that anybody declares.
                let bytes = std::fs::read(path)?;
                let text = String::from_utf8_lossy(&bytes);
                let prose = text.split("\n\n").map(str::trim);
                found.extend(prose.filter(|one| (80..900).contains(&one.len())).map(str::to_owned));
            }
        }
    }
    ensure!(!found.is_empty(), "there are no paragraphs");
    // The order of a folder's entries is the machine's.
    found.sort_unstable();
    Ok(found)
}

/// Brings so many chunks into the ledger and the indexes, as a server of this configuration would.
fn fill(config: &Path, paragraphs: &[String], chunks: usize) -> Result<usize> {
    let app = App::open(Config::load(Some(config))?, PathBuf::new())?;
    let live = app.live();
    let (generation, embedder) = (&live.generation, live.embedder.as_ref().context("no model")?);
    app.ledger.add_source(&source()?, &olga()?)?;
    let dimensions = embedder.card().dimensions;
    let mut dice = Dice(1);
    let (mut made, mut documents) = (0, 0);
    while made < chunks {
        let (mut cut, mut embedded) = (Vec::new(), Vec::new());
        for _ in 0..BATCH.min((chunks - made).div_ceil(CHUNKS_OF_A_DOCUMENT)) {
            let count = CHUNKS_OF_A_DOCUMENT.min(chunks - made);
            let (text, spans) = document(&mut dice, paragraphs, count)?;
            let version = bring(&app.ledger, (documents, &Rule(Vec::new())), text)?;
            for chunk in 0..u32::try_from(count)? {
                let windows = (0..WINDOWS)
                    .flat_map(|_| Quantized::from_vector(&dice.direction(dimensions)).to_bytes());
                embedded.push((Place { version, chunk }, windows.collect()));
            }
            cut.push((version, spans));
            made += count;
            documents += 1;
        }
        app.ledger.put_chunks(generation.number, &cut)?;
        let mut add = Vec::new();
        for (version, spans) in cut {
            add.push((app.ledger.live_content(version)?.context("nothing is live")?, spans));
        }
        generation.text.apply(&add, &[], app.ledger.last_change()?)?;
        app.ledger.put_embeddings(generation.number, &embedded)?;
    }
    Ok(made)
}

/// A text of so many chunks, each of a few paragraphs.
fn document(dice: &mut Dice, paragraphs: &[String], count: usize) -> Result<(String, Vec<Span>)> {
    let (mut text, mut spans) = (String::new(), Vec::new());
    for _ in 0..count {
        let start = text.len();
        while text.len() < start + CHARACTERS * 3 / 4 {
            text.push_str(&paragraphs[dice.below(paragraphs.len())]);
            text.push_str("\n\n");
        }
        spans.push(Span {
            start: u32::try_from(start)?,
            end: u32::try_from(text.len())?,
            page: None,
            heading: String::new(),
            sections: Vec::new(),
        });
    }
    Ok((text, spans))
}
