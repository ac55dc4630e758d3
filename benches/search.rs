//! Search speed at 100,000 chunks, beside what it could cost at the least: exhaustive tantivy over an
//! equivalent index plus a bare scan over the same vectors, in the same run.
//!
//! `cargo bench --bench search` prints medians under a clearance that holds everything, a tenth and a
//! hundredth. The question's vector is ready; the gate and the passages' text are part of the time.
//! `VOUCH_BENCH_CHUNKS` sets another size.

#[path = "parts/company.rs"]
mod company;
#[path = "parts/dice.rs"]
mod dice;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::RwLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use company::{olga, source};
use dice::Dice;
use simsimd::SpatialSimilarity;
use tantivy::collector::TopDocs;
use tantivy::collector::sort_key::{SortBySimilarityScore, SortByStaticFastValue};
use tantivy::query::{BooleanQuery, Occur, Query as TantivyQuery, TermQuery};
use tantivy::schema::{FAST, Field, IndexRecordOption, Schema, TEXT};
use tantivy::{Index, IndexReader, IndexWriter, Order, TantivyDocument, Term};
use vouch_index::ledger::Settings;
use vouch_index::search::{Generation, Mode, Query, search};
use vouch_index::text::TextIndex;
use vouch_index::vectors::{Exact, Quantized, Store, Vectors};
use vouch_index::{Clearance, Layer, Ledger, Place, Rule, Span};

const DIMENSIONS: usize = 384;
/// Windows of a chunk of 1,600 characters.
const WINDOWS: usize = 2;
/// Words of a chunk.
const WORDS: usize = 250;
const VOCABULARY: f64 = 40_000.0;
/// Documents between two commits, as when a server follows its ledger.
const BATCH: usize = 256;
const QUESTIONS: usize = 200;
/// Readers, by the group that lets them see this part of the documents.
const READERS: [(&str, usize); 3] = [("everything", 1), ("a tenth", 10), ("a hundredth", 100)];
/// What a search asks for, and what an answer is made from.
const LIMITS: [usize; 2] = [10, 32];

fn main() -> Result<()> {
    let wanted = std::env::var("VOUCH_BENCH_CHUNKS").ok().and_then(|count| count.parse().ok());
    let folder = tempfile::tempdir()?;
    let before = Instant::now();
    let company = Company::build(folder.path(), wanted.unwrap_or(100_000))?;
    println!(
        "{} chunks of {} documents, {} vectors of {DIMENSIONS} numbers; built in {:.0?}",
        company.chunks,
        company.documents,
        company.chunks * WINDOWS,
        before.elapsed()
    );
    for limit in LIMITS {
        compare(&company, limit)?;
    }
    Ok(())
}

/// Asks every question in every way, one after the other, so that all see the same machine.
fn compare(company: &Company, limit: usize) -> Result<()> {
    let clearances: Vec<Clearance> =
        READERS.iter().map(|(_, part)| company.clearance(*part)).collect::<Result<_>>()?;
    let mut dice = Dice(7);
    let (mut tantivy, mut scan) = (Vec::new(), Vec::new());
    let mut vouch = vec![Vec::new(); READERS.len()];
    for _ in 0..QUESTIONS {
        let (words, vector) = (question(&mut dice), dice.direction(DIMENSIONS));
        tantivy.push(timed(|| company.plain.search(&words, limit))?);
        scan.push(timed(|| company.scan(&Quantized::from_vector(&vector), limit))?);
        let query = Query {
            text: &words.join(" "),
            vector: Some(&vector),
            mode: Mode::Fused,
            limit,
            meaning_weight: 0.5,
        };
        for (clearance, times) in clearances.iter().zip(&mut vouch) {
            times.push(timed(|| {
                let found = search(&company.ledger, &company.generation, clearance, &query)?;
                Ok(found.passages.len())
            })?);
        }
    }
    let (tantivy, scan) = (median(tantivy), median(scan));
    let least = tantivy + scan;
    println!("\n{limit} passages; medians of {QUESTIONS} questions");
    println!("  exhaustive tantivy           {}", milliseconds(tantivy));
    println!("  bare scan                    {}", milliseconds(scan));
    println!("  both                         {}", milliseconds(least));
    for ((name, _), times) in READERS.iter().zip(vouch) {
        let time = median(times);
        let ratio = time.as_secs_f64() / least.as_secs_f64();
        println!("  vouch, who sees {name:<12} {}   {ratio:.2} of both", milliseconds(time));
    }
    Ok(())
}

/// Words that a question is about: not the commonest ones.
fn question(dice: &mut Dice) -> Vec<String> {
    let count = 3 + dice.below(5);
    let all: BTreeSet<String> =
        (0..count).map(|_| word(30.0 * (20_000f64 / 30.0).powf(dice.part()))).collect();
    all.into_iter().collect()
}

fn timed(work: impl FnOnce() -> Result<usize>) -> Result<Duration> {
    let before = Instant::now();
    let found = work()?;
    let took = before.elapsed();
    anyhow::ensure!(found > 0, "a question found nothing");
    Ok(took)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn milliseconds(time: Duration) -> String {
    format!("{:>7.2} ms", time.as_secs_f64() * 1000.0)
}

/// A ledger with documents that read like noise, its live generation, and both calibrations.
struct Company {
    ledger: Ledger,
    generation: Generation,
    plain: Plain,
    /// Rows of all windows, one after the other, and their scales.
    rows: (Vec<i8>, Vec<f32>),
    chunks: usize,
    documents: usize,
}

impl Company {
    fn build(folder: &Path, chunks: usize) -> Result<Self> {
        let ledger = Ledger::open(&folder.join("ledger"), &folder.join("audit.head"))?;
        let settings = Settings {
            chunk_characters: 1600,
            chunker: 1,
            languages: vec!["en".to_owned(), "de".to_owned()],
            model: Some("random".to_owned()),
            model_dir: None,
            dimensions: DIMENSIONS,
        };
        let (number, settings) = ledger.live_generation(&settings)?;
        ledger.add_source(&source()?, &olga()?)?;
        let text = TextIndex::open(&folder.join("text"), &settings.languages)?;
        let store = Store::Embedded(RwLock::new(Exact::new(DIMENSIONS)));
        let vectors = Some(Vectors::open(&ledger, number, store)?);
        let generation = Generation { number, settings, text, vectors };
        let plain = Plain::new(&folder.join("plain"))?;
        let rows = (Vec::new(), Vec::new());
        let mut company = Self { ledger, generation, plain, rows, chunks: 0, documents: 0 };
        let mut dice = Dice(1);
        while company.chunks < chunks {
            company.add_batch(&mut dice, chunks)?;
        }
        company.plain.reader.reload()?;
        Ok(company)
    }

    /// Brings documents in as the server does: to the ledger, then to both indexes.
    fn add_batch(&mut self, dice: &mut Dice, chunks: usize) -> Result<()> {
        let (mut cut, mut embedded) = (Vec::new(), Vec::new());
        for _ in 0..BATCH {
            let count = (1 + dice.below(24)).min(chunks - self.chunks);
            if count == 0 {
                break;
            }
            let (text, spans) = self.write_document(dice, count)?;
            let version = self.bring(text)?;
            for chunk in 0..u32::try_from(count)? {
                embedded.push((Place { version, chunk }, self.embed(dice)));
            }
            cut.push((version, spans));
            self.chunks += count;
        }
        let Generation { number, text, vectors, .. } = &self.generation;
        self.ledger.put_chunks(*number, &cut)?;
        let mut add = Vec::new();
        for (version, spans) in cut {
            let content = self.ledger.live_content(version)?.context("nothing is live")?;
            add.push((content, spans));
        }
        text.apply(&add, &[], self.ledger.last_change()?)?;
        self.ledger.put_embeddings(*number, &embedded)?;
        vectors.as_ref().context("there is a store")?.follow(&self.ledger)?;
        self.plain.writer.commit()?;
        Ok(())
    }

    /// A document of so many chunks, which the plain index takes in as well.
    fn write_document(&mut self, dice: &mut Dice, count: usize) -> Result<(String, Vec<Span>)> {
        let (mut text, mut spans) = (String::new(), Vec::new());
        for _ in 0..count {
            let words: Vec<String> =
                (0..WORDS).map(|_| word(VOCABULARY.powf(dice.part()))).collect();
            let body = words.join(" ");
            self.plain.add(&body, dice.next())?;
            let start = u32::try_from(text.len())?;
            text.push_str(&body);
            let end = u32::try_from(text.len())?;
            spans.push(Span {
                start,
                end,
                page: None,
                heading: String::new(),
                sections: Vec::new(),
            });
            text.push_str("\n\n");
        }
        Ok((text, spans))
    }

    fn bring(&mut self, text: String) -> Result<vouch_index::VersionNo> {
        let number = self.documents;
        self.documents += 1;
        let groups = READERS.iter().filter(|(_, part)| number.is_multiple_of(*part));
        let who = groups.map(|(_, part)| principal(*part).parse()).collect::<Result<_, _>>();
        let who = Layer { allow: Some(who.map_err(anyhow::Error::msg)?), ..Layer::default() };
        company::bring(&self.ledger, (number, &Rule(vec![who])), text)
    }

    /// Windows of a chunk as the ledger keeps them; the bare scan goes over the same numbers.
    fn embed(&mut self, dice: &mut Dice) -> Vec<u8> {
        let mut windows = Vec::new();
        for _ in 0..WINDOWS {
            let bytes = Quantized::from_vector(&dice.direction(DIMENSIONS)).to_bytes();
            let (scale, numbers) = bytes.split_at(4);
            self.rows.0.extend(numbers.iter().map(|byte| byte.cast_signed()));
            self.rows.1.push(f32::from_le_bytes([scale[0], scale[1], scale[2], scale[3]]));
            windows.extend(bytes);
        }
        windows
    }

    /// Who is only in the group that sees every so many-th document.
    fn clearance(&self, part: usize) -> Result<Clearance> {
        let user = format!("user:reader-{part}").parse().map_err(anyhow::Error::msg)?;
        let group = principal(part);
        let name = group.strip_prefix("group:").context("it is a group")?;
        self.ledger.change_group(name, &[user], &[], &olga()?)?;
        let reader = self.ledger.reader(&format!("reader-{part}"), &[])?;
        Ok(self.ledger.clearance(&reader)?)
    }

    /// Every row's inner product with the question, and the best ones.
    fn scan(&self, question: &Quantized, limit: usize) -> Result<usize> {
        let question: Vec<i8> =
            question.to_bytes()[4..].iter().map(|byte| byte.cast_signed()).collect();
        let mut scores = Vec::with_capacity(self.rows.1.len());
        for (row, scale) in self.rows.0.chunks_exact(DIMENSIONS).zip(&self.rows.1) {
            let product = i8::dot(&question, row).context("rows and question differ in length")?;
            scores.push(product as f32 * scale);
        }
        scores.select_nth_unstable_by(limit, |a, b| b.total_cmp(a));
        scores[..limit].sort_unstable_by(|a, b| b.total_cmp(a));
        Ok(std::hint::black_box(&scores[..limit]).len())
    }
}

/// What an equivalent index costs with tantivy's own scorers when nothing is pruned.
struct Plain {
    writer: IndexWriter,
    reader: IndexReader,
    words: Field,
    stable: Field,
}

impl Plain {
    fn new(folder: &Path) -> Result<Self> {
        let mut schema = Schema::builder();
        let (words, stable) =
            (schema.add_text_field("words", TEXT), schema.add_u64_field("stable", FAST));
        std::fs::create_dir_all(folder)?;
        let index = Index::create_in_dir(folder, schema.build())?;
        let writer = index.writer_with_num_threads(1, 50_000_000)?;
        Ok(Self { writer, reader: index.reader()?, words, stable })
    }

    fn add(&self, text: &str, stable: u64) -> Result<()> {
        let mut document = TantivyDocument::default();
        document.add_text(self.words, text);
        document.add_u64(self.stable, stable);
        self.writer.add_document(document)?;
        Ok(())
    }

    /// Ordering by a second key makes tantivy score every posting.
    fn search(&self, words: &[String], limit: usize) -> Result<usize> {
        let clauses = words.iter().map(|word| {
            let term = Term::from_field_text(self.words, word);
            let query = TermQuery::new(term, IndexRecordOption::WithFreqs);
            (Occur::Should, Box::new(query) as Box<dyn TantivyQuery>)
        });
        let best = TopDocs::with_limit(limit).order_by((
            (SortBySimilarityScore, Order::Desc),
            (SortByStaticFastValue::<u64>::for_field("stable"), Order::Asc),
        ));
        Ok(self.reader.searcher().search(&BooleanQuery::new(clauses.collect()), &best)?.len())
    }
}

fn principal(part: usize) -> String {
    format!("group:sees-{part}")
}

/// The word of a rank; ranks drawn evenly by their logarithm follow Zipf's law.
fn word(rank: f64) -> String {
    format!("w{:05}", rank as u32)
}
