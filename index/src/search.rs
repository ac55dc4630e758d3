//! Search: both indexes under one clearance, one list of passages.
//!
//! Each leg gives its best visible chunks. What only one of them found gets its score from the other
//! as well, then both scores are normalised over these candidates and weighed. Order is total: score,
//! then a stable hash of document, version and place; the same question always gives the same order.
//! At the end every hit goes through the ledger's gate.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;

use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::ledger::{Clearance, Ledger, Passage, Place, Settings};
use crate::text::TextIndex;
use crate::vectors::Vectors;

/// Chunks that each leg offers.
const DEPTH: usize = 200;

/// One generation, open for searching.
pub struct Generation {
    /// Its number.
    pub number: u32,
    /// What is fixed for it.
    pub settings: Settings,
    /// Its words.
    pub text: TextIndex,
    /// Its vectors; none where there is no model for it.
    pub vectors: Option<Vectors>,
}

/// Which scores count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Words and meaning.
    #[default]
    Fused,
    /// Words alone.
    Words,
    /// Meaning alone.
    Meaning,
}

/// What is looked for.
pub struct Query<'a> {
    /// The reader's text.
    pub text: &'a str,
    /// Its vector; none where there is no model.
    pub vector: Option<&'a [f32]>,
    /// Which scores count.
    pub mode: Mode,
    /// How many passages at most.
    pub limit: usize,
    /// What meaning weighs against words, from 0 to 1.
    pub meaning_weight: f32,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Passages, best first.
    pub passages: Vec<Passage>,
    /// Why meaning did not count, where it should have.
    pub words_only: Option<String>,
}

/// A chunk with a score, before the gate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Hit {
    pub(crate) place: Place,
    pub(crate) stable: u64,
    pub(crate) score: f32,
}

impl Hit {
    /// Best first; equal scores by the stable hash.
    pub(crate) fn order(a: &Self, b: &Self) -> Ordering {
        b.score.total_cmp(&a.score).then(a.stable.cmp(&b.stable))
    }
}

/// Keeps the best of many without keeping the many. All that tie with the last of them stay, so what
/// is kept does not depend on the order in which it came.
pub(crate) struct Best<T> {
    limit: usize,
    /// So many are taken in before the worst are dropped.
    room: usize,
    /// Lower scores are no longer among the best.
    pub(crate) threshold: f32,
    items: Vec<(f32, T)>,
}

impl<T> Best<T> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, room: limit * 4 + 64, threshold: f32::NEG_INFINITY, items: Vec::new() }
    }

    pub(crate) fn offer(&mut self, score: f32, item: T) {
        if score >= self.threshold && self.limit > 0 {
            self.items.push((score, item));
            if self.items.len() > self.room {
                self.drop_worst();
                self.room = self.room.max(self.items.len() * 2);
            }
        }
    }

    fn drop_worst(&mut self) {
        if self.items.len() > self.limit {
            let (_, (last, _), _) =
                self.items.select_nth_unstable_by(self.limit - 1, |a, b| b.0.total_cmp(&a.0));
            let threshold = *last;
            self.items.retain(|(score, _)| *score >= threshold);
            self.threshold = threshold;
        }
    }

    /// The best ones, in no order.
    pub(crate) fn into_items(mut self) -> Vec<T> {
        self.drop_worst();
        self.items.into_iter().map(|(_, item)| item).collect()
    }
}

/// What breaks ties: the same for the same chunk whatever else the index holds.
pub(crate) fn stable_key(document: &str, hash: &str, place: u32) -> u64 {
    let mut digest = Sha256::new();
    digest.update(document.as_bytes());
    digest.update([0]);
    digest.update(hash.as_bytes());
    digest.update(place.to_le_bytes());
    let bytes = digest.finalize();
    u64::from_be_bytes([
        bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
    ])
}

/// Searches one generation under a clearance.
///
/// # Errors
/// The ledger or the text index failed. A vector store that does not answer is no error: the result
/// says that words alone counted.
pub fn search(
    ledger: &Ledger,
    generation: &Generation,
    clearance: &Clearance,
    query: &Query<'_>,
) -> Result<Found> {
    let depth = DEPTH.max(query.limit);
    let by_words = || generation.text.search(clearance, query.text);
    // Where both legs count, they run side by side.
    let ((meaning, words_only), words) = std::thread::scope(|legs| {
        let words = (query.mode == Mode::Fused).then(|| legs.spawn(by_words));
        let meaning = meaning_leg(generation, clearance, query, depth);
        let words = words.map(|leg| leg.join().unwrap_or_else(|panic| resume_unwind(panic)));
        (meaning, words)
    });
    let mut hits = match (meaning, words) {
        (Some(meaning), None) => meaning,
        (None, words) => words.unwrap_or_else(by_words)?.best(depth),
        (Some(mut meaning), Some(words)) => {
            let words = words?;
            let best = words.best(depth);
            let named = words.of(meaning.iter().map(|hit| hit.place));
            if let (Some(vectors), Some(vector)) = (&generation.vectors, query.vector) {
                let missing = missing(&best, &meaning);
                meaning.extend(vectors.scores(ledger, vector, &missing)?);
            }
            let words: Vec<Hit> = best.into_iter().chain(named).collect();
            fuse(&words, &meaning, query.meaning_weight)
        }
    };
    hits.sort_unstable_by(Hit::order);
    let places: Vec<_> = hits.iter().take(query.limit).map(|hit| (hit.place, hit.score)).collect();
    let passages = ledger.passages(clearance, generation.number, &places)?;
    Ok(Found { passages, words_only })
}

/// The best chunks by meaning, or the reason why there are none.
fn meaning_leg(
    generation: &Generation,
    clearance: &Clearance,
    query: &Query<'_>,
    depth: usize,
) -> (Option<Vec<Hit>>, Option<String>) {
    if query.mode == Mode::Words {
        return (None, None);
    }
    let (Some(vectors), Some(vector)) = (&generation.vectors, query.vector) else {
        return (None, Some("no embedding model is loaded".to_owned()));
    };
    match vectors.nearest(clearance, vector, depth) {
        Ok(mut hits) => {
            // A store with a coarse filter may offer what the clearance does not hold.
            hits.retain(|hit| clearance.holds(hit.place.version));
            (Some(hits), None)
        }
        Err(error) => {
            tracing::warn!(%error, store = vectors.name(), "searching by words alone");
            (None, Some(format!("the {} vector store does not answer", vectors.name())))
        }
    }
}

fn missing(words: &[Hit], meaning: &[Hit]) -> Vec<Place> {
    let known: BTreeSet<Place> = meaning.iter().map(|hit| hit.place).collect();
    words.iter().map(|hit| hit.place).filter(|place| !known.contains(place)).collect()
}

/// Weighs normalised scores. A chunk without a word of the question has 0 by words; one without
/// vectors (they come in the background) has the average by meaning.
fn fuse(words: &[Hit], meaning: &[Hit], meaning_weight: f32) -> Vec<Hit> {
    let mut candidates: BTreeMap<u64, (Place, Option<f32>, Option<f32>)> = BTreeMap::new();
    for hit in words {
        candidates.entry(hit.stable).or_insert((hit.place, None, None)).1 = Some(hit.score);
    }
    for hit in meaning {
        candidates.entry(hit.stable).or_insert((hit.place, None, None)).2 = Some(hit.score);
    }
    let by_words = Scale::of(candidates.values().map(|candidate| candidate.1.unwrap_or(0.0)));
    let by_meaning = Scale::of(candidates.values().filter_map(|candidate| candidate.2));
    candidates
        .into_iter()
        .map(|(stable, (place, word, near))| {
            let word = by_words.normal(word.unwrap_or(0.0));
            let near = near.map_or(by_meaning.middle, |score| by_meaning.normal(score));
            let score = (1.0 - meaning_weight) * word + meaning_weight * near;
            Hit { place, stable, score }
        })
        .collect()
}

/// The range of the candidates' scores; candidates come in stable order, so that sums always have
/// the same bits.
struct Scale {
    least: f32,
    width: f32,
    middle: f32,
}

impl Scale {
    fn of(scores: impl Iterator<Item = f32>) -> Self {
        let scores: Vec<f32> = scores.collect();
        let least = scores.iter().copied().fold(f32::INFINITY, f32::min);
        let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if scores.is_empty() || most <= least {
            return Self { least: 0.0, width: 0.0, middle: 0.0 };
        }
        let mut scale = Self { least, width: most - least, middle: 0.0 };
        scale.middle =
            scores.iter().map(|score| scale.normal(*score)).sum::<f32>() / scores.len() as f32;
        scale
    }

    fn normal(&self, score: f32) -> f32 {
        if self.width > 0.0 { (score - self.least) / self.width } else { 0.0 }
    }
}
