//! Search quality over HTTP, on the public sets in `../shared/data`: documents are pushed to a server of
//! this build, and what `/v1/search` gives is compared with the judgements.
//!
//! `cargo bench --bench retrieval` takes the small sets; `VOUCH_BENCH_SETS=all`, or names joined by commas,
//! takes others. nDCG@10 counts each document once, at its best passage. Span recall is the share of the
//! characters asked for that the first five passages hold, averaged over the questions.

#[path = "parts/lines.rs"]
mod lines;
#[path = "parts/pushing.rs"]
mod pushing;
#[path = "parts/server.rs"]
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::read_to_string;
use std::path::Path;

use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, stream};
use lines::{lines, text};
use pushing::Pushed;
use serde_json::{Value, json};
use server::{Server, configure};

const SMALL: &[&str] = &["anthropic_docs", "xquad_en", "squad2", "chunking"];
const ALL: &[&str] = &[
    "anthropic_docs",
    "xquad_en",
    "xquad_de",
    "squad2",
    "chunking",
    "handbook_headings",
    "scifact",
];
const MODES: [&str; 3] = ["words", "meaning", "fused"];
/// Questions that are asked of a set; larger sets are thinned out evenly.
const QUESTIONS: usize = 400;
/// Passages asked for, so that ten different documents are among them.
const PASSAGES: usize = 100;

#[tokio::main]
async fn main() -> Result<()> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    if !data.is_dir() {
        println!("retrieval is not measured: {} is not there", data.display());
        return Ok(());
    }
    let wanted = std::env::var("VOUCH_BENCH_SETS").unwrap_or_default();
    let sets: Vec<&str> = match wanted.as_str() {
        "" => SMALL.to_vec(),
        "all" => ALL.to_vec(),
        names => names.split(',').collect(),
    };
    let folder = tempfile::tempdir()?;
    let server = Server::start(&configure(folder.path(), "")?).await?;
    println!("{:<18} {:>8} {:>8} {:>8}   fused above words", "set", MODES[0], MODES[1], MODES[2]);
    for name in sets {
        let set = if name == "chunking" {
            Set::spans(&data.join("chunking"))?
        } else {
            Set::ranked(&data.join("retrieval").join(name))?
        };
        server.push(name, &set.documents).await?;
        let mut means = Vec::new();
        for mode in MODES {
            means.push(server.mean(name, &set, mode).await?);
        }
        let (words, meaning, fused) = (means[0], means[1], means[2]);
        println!("{name:<18} {words:>8.4} {meaning:>8.4} {fused:>8.4}   {:+.4}", fused - words);
    }
    Ok(())
}

/// Documents, and questions with what each should find.
struct Set {
    documents: Vec<Pushed>,
    questions: Vec<(String, Wanted)>,
}

enum Wanted {
    /// These documents, best ranked first.
    Documents(BTreeSet<String>),
    /// These bytes of one document.
    Spans(String, Vec<(u64, u64)>),
}

impl Set {
    /// A set in BEIR's layout.
    fn ranked(folder: &Path) -> Result<Self> {
        let mut paths = BTreeMap::new();
        let mut documents = Vec::new();
        for (number, line) in lines(&folder.join("corpus.jsonl"))?.iter().enumerate() {
            let path = format!("d{number}.md");
            paths.insert(text(line, "_id")?, path.clone());
            let title = Some(text(line, "title")?);
            documents.push(Pushed { path, title, body: text(line, "text")? });
        }
        let mut judged: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in read_to_string(folder.join("qrels.tsv"))?.lines().skip(1) {
            let parts: Vec<_> = line.split('\t').collect();
            if let [question, document, score] = parts[..]
                && score != "0"
            {
                let path = paths.get(document).context("a judgement names no document")?;
                judged.entry(question.to_owned()).or_default().insert(path.clone());
            }
        }
        let mut questions = Vec::new();
        for line in lines(&folder.join("queries.jsonl"))? {
            if let Some(found) = judged.remove(&text(&line, "_id")?) {
                questions.push((text(&line, "text")?, Wanted::Documents(found)));
            }
        }
        let every = questions.len().div_ceil(QUESTIONS);
        let questions = questions.into_iter().step_by(every.max(1)).collect();
        Ok(Self { documents, questions })
    }

    /// Long texts with questions whose answers are spans of them, in characters.
    fn spans(folder: &Path) -> Result<Self> {
        let mut offsets: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        let mut documents = Vec::new();
        let mut questions = Vec::new();
        for line in lines(&folder.join("questions.jsonl"))? {
            let name = text(&line, "corpus")?;
            if !offsets.contains_key(&name) {
                let whole = read_to_string(folder.join(format!("{name}.md")))?;
                let starts = whole.char_indices().map(|(at, _)| at as u64);
                offsets.insert(name.clone(), starts.chain([whole.len() as u64]).collect());
                let path = format!("{name}.md");
                documents.push(Pushed { path, title: None, body: whole });
            }
            let mut spans = Vec::new();
            for span in line["references"].as_array().context("a question without spans")? {
                let byte = |key: &str| -> Result<u64> {
                    let at = span[key].as_u64().context("a span without an end")?;
                    offsets[&name].get(at as usize).copied().context("a span beyond the text")
                };
                spans.push((byte("start_index")?, byte("end_index")?));
            }
            questions.push((text(&line, "text")?, Wanted::Spans(format!("{name}.md"), spans)));
        }
        Ok(Self { documents, questions })
    }
}

impl Wanted {
    fn passages(&self) -> usize {
        match self {
            Self::Documents(_) => PASSAGES,
            Self::Spans(..) => 5,
        }
    }

    /// How good these passages are, from 0 to 1.
    fn score(&self, set: &str, passages: &[Value]) -> Result<f64> {
        let path = |passage: &Value| -> Result<String> {
            let id = text(passage, "document")?;
            Ok(id.strip_prefix(&format!("{set}/")).context("a document of another set")?.to_owned())
        };
        match self {
            Self::Documents(wanted) => {
                let mut ranked: Vec<String> = Vec::new();
                for passage in passages {
                    let path = path(passage)?;
                    if !ranked.contains(&path) {
                        ranked.push(path);
                    }
                }
                let gain = |place: usize| 1.0 / (place as f64 + 2.0).log2();
                let places = ranked.iter().take(10).enumerate();
                let found: f64 =
                    places.filter(|(_, path)| wanted.contains(*path)).map(|(at, _)| gain(at)).sum();
                Ok(found / (0..wanted.len().min(10)).map(gain).sum::<f64>())
            }
            Self::Spans(document, spans) => {
                let mut covered = 0;
                for passage in passages {
                    if path(passage)? == *document {
                        let start = passage["start"].as_u64().context("no start")?;
                        let end = passage["end"].as_u64().context("no end")?;
                        let shared = spans
                            .iter()
                            .map(|(from, to)| end.min(*to).saturating_sub(start.max(*from)));
                        covered += shared.sum::<u64>();
                    }
                }
                let all: u64 = spans.iter().map(|(from, to)| to - from).sum();
                Ok(covered as f64 / all.max(1) as f64)
            }
        }
    }
}

impl Server {
    /// The mean score of a set's questions.
    async fn mean(&self, name: &str, set: &Set, mode: &str) -> Result<f64> {
        let scores = set.questions.iter().map(|(question, wanted)| async move {
            let body = json!({
                "query": question, "mode": mode, "limit": wanted.passages(), "sources": [name],
            });
            let url = format!("{}/v1/search", self.url);
            let found = self.call(self.client.post(url).json(&body)).await?;
            wanted.score(name, found["passages"].as_array().context("no passages")?)
        });
        let scores: Vec<f64> = stream::iter(scores).buffered(2).try_collect().await?;
        Ok(scores.iter().sum::<f64>() / scores.len().max(1) as f64)
    }
}
