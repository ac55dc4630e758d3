//! The embedded vector store: int8 rows in memory, scanned exactly.
//!
//! All rows lie in one piece of memory, those of one version side by side. A scan goes through it from
//! front to back and passes over the versions that the clearance does not hold: who sees less waits
//! less, recall is 1 under every permission, and a hidden vector has no way to change a result. Rows
//! in a piece of memory of their own for each version take three times as long: the processor no
//! longer knows what to fetch next.

use std::ops::Range;

use simsimd::SpatialSimilarity;

use crate::error::Result;
use crate::ledger::{Clearance, Place, StoredEmbedding};
use crate::search::{Best, Hit};
use crate::words::VersionNo;

/// Every vector of one generation.
pub struct Exact {
    dimensions: usize,
    /// `dimensions` numbers for each row.
    numbers: Vec<i8>,
    /// What a hit needs beside them.
    about: Vec<About>,
    /// Whose rows these are, in the rows' order.
    runs: Vec<Run>,
    /// The runs of each version, by its number, which is dense.
    by_version: Vec<Vec<usize>>,
    chunks: usize,
    /// Rows that nobody owns any more.
    dead: usize,
}

/// Rows side by side that belong to one version.
struct Run {
    version: VersionNo,
    rows: Range<usize>,
}

struct About {
    scale: f32,
    chunk: u32,
    stable: u64,
}

impl Exact {
    /// A store without vectors.
    #[must_use]
    pub fn new(dimensions: usize) -> Self {
        Self {
            dimensions,
            numbers: Vec::new(),
            about: Vec::new(),
            runs: Vec::new(),
            by_version: Vec::new(),
            chunks: 0,
            dead: 0,
        }
    }

    /// Takes in the stored windows of chunks; those that are there already stay as they are.
    pub fn add(&mut self, stored: &[StoredEmbedding]) {
        for embedding in stored {
            let Place { version, chunk } = embedding.place;
            if self.rows_of(version).any(|row| self.about[row].chunk == chunk) {
                continue;
            }
            self.chunks += 1;
            let before = self.about.len();
            for window in embedding.windows.chunks_exact(4 + self.dimensions) {
                let (scale, numbers) = window.split_at(4);
                self.numbers.extend(numbers.iter().map(|byte| byte.cast_signed()));
                let scale = f32::from_le_bytes([scale[0], scale[1], scale[2], scale[3]]);
                self.about.push(About { scale, chunk, stable: embedding.stable });
            }
            self.own(version, before..self.about.len());
        }
    }

    /// Notes whose the newest rows are.
    fn own(&mut self, version: VersionNo, rows: Range<usize>) {
        match self.runs.last_mut() {
            Some(run) if run.version == version && run.rows.end == rows.start => {
                run.rows.end = rows.end;
            }
            _ => {
                let at = version.0 as usize;
                if self.by_version.len() <= at {
                    self.by_version.resize_with(at + 1, Vec::new);
                }
                self.by_version[at].push(self.runs.len());
                self.runs.push(Run { version, rows });
            }
        }
    }

    /// Forgets a version.
    pub fn remove(&mut self, version: VersionNo) {
        self.chunks -= self.chunks_of(version);
        let Some(runs) = self.by_version.get_mut(version.0 as usize) else { return };
        for run in std::mem::take(runs) {
            let rows = &mut self.runs[run].rows;
            self.dead += rows.len();
            rows.end = rows.start;
        }
        if self.dead > self.about.len() / 2 {
            self.close_gaps();
        }
    }

    /// Moves the rows that are left together.
    fn close_gaps(&mut self) {
        let mut old = std::mem::replace(self, Self::new(self.dimensions));
        self.chunks = old.chunks;
        let mut about = old.about.drain(..);
        let mut next = 0;
        for run in old.runs.into_iter().filter(|run| !run.rows.is_empty()) {
            let Range { start, end } = run.rows;
            let before = self.about.len();
            self.about.extend(about.by_ref().skip(start - next).take(end - start));
            let numbers = start * self.dimensions..end * self.dimensions;
            self.numbers.extend_from_slice(&old.numbers[numbers]);
            self.own(run.version, before..self.about.len());
            next = end;
        }
    }

    /// How many chunks have vectors here.
    #[must_use]
    pub fn chunks(&self) -> usize {
        self.chunks
    }

    fn rows_of(&self, version: VersionNo) -> impl Iterator<Item = usize> + '_ {
        let runs = self.by_version.get(version.0 as usize).into_iter().flatten();
        runs.flat_map(|run| self.runs[*run].rows.clone())
    }

    fn chunks_of(&self, version: VersionNo) -> usize {
        let rows: Vec<_> = self.rows_of(version).map(|row| self.about[row].chunk).collect();
        rows.chunk_by(|a, b| a == b).count()
    }

    /// The visible chunks nearest to a question, each by its best window; all that tie with the last
    /// one are among them.
    pub(crate) fn nearest(
        &self,
        clearance: &Clearance,
        question: &Quantized,
        limit: usize,
    ) -> Result<Vec<Hit>> {
        let mut best = Best::new(limit);
        for run in self.runs.iter().filter(|run| clearance.holds(run.version)) {
            self.score(run, question, |hit| best.offer(hit.score, hit))?;
        }
        Ok(in_order(best))
    }

    /// The scores of single chunks; those without vectors are left out.
    pub(crate) fn scores(&self, question: &Quantized, places: &[Place]) -> Result<Vec<Hit>> {
        let mut found = Vec::with_capacity(places.len());
        for place in places {
            let mut rows = self.rows_of(place.version);
            let Some(first) = rows.find(|row| self.about[*row].chunk == place.chunk) else {
                continue;
            };
            let windows = self.about[first..].iter().take_while(|about| {
                about.chunk == place.chunk && about.stable == self.about[first].stable
            });
            let rows = first..first + windows.count();
            let keep = |hit| found.push(hit);
            self.score(&Run { version: place.version, rows }, question, keep)?;
        }
        Ok(found)
    }

    /// Gives each chunk of a run with the score of its best window.
    fn score(&self, run: &Run, question: &Quantized, mut give: impl FnMut(Hit)) -> Result<()> {
        let numbers = &self.numbers[run.rows.start * self.dimensions..];
        let rows = numbers.chunks_exact(self.dimensions).zip(&self.about[run.rows.clone()]);
        let mut current: Option<Hit> = None;
        for (numbers, about) in rows {
            let score = question.cosine(numbers, about.scale)?;
            match &mut current {
                Some(hit) if hit.place.chunk == about.chunk => hit.score = hit.score.max(score),
                _ => {
                    let place = Place { version: run.version, chunk: about.chunk };
                    let next = Hit { place, stable: about.stable, score };
                    current.replace(next).into_iter().for_each(&mut give);
                }
            }
        }
        current.into_iter().for_each(give);
        Ok(())
    }
}

/// The best `limit` of these, with all that tie with the last one, best first.
pub(crate) fn best(hits: impl IntoIterator<Item = Hit>, limit: usize) -> Vec<Hit> {
    let mut best = Best::new(limit);
    hits.into_iter().for_each(|hit| best.offer(hit.score, hit));
    in_order(best)
}

fn in_order(best: Best<Hit>) -> Vec<Hit> {
    let mut hits = best.into_items();
    hits.sort_unstable_by(Hit::order);
    hits
}

/// A unit vector as int8 with a scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantized {
    scale: f32,
    numbers: Vec<i8>,
}

impl Quantized {
    /// Rounds a vector so that its largest number becomes 127.
    #[must_use]
    pub fn from_vector(vector: &[f32]) -> Self {
        let largest = vector.iter().fold(0.0f32, |most, number| most.max(number.abs()));
        let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
        let numbers = vector.iter().map(|number| (number / scale).round() as i8).collect();
        Self { scale, numbers }
    }

    /// The form in which the ledger keeps it: a little-endian `f32` scale, then the numbers.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.scale.to_le_bytes().to_vec();
        bytes.extend(self.numbers.iter().map(|number| number.cast_unsigned()));
        bytes
    }

    /// Reads the form in which the ledger keeps it.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let (scale, numbers) = bytes.split_at(4);
        Self {
            scale: f32::from_le_bytes([scale[0], scale[1], scale[2], scale[3]]),
            numbers: numbers.iter().map(|byte| byte.cast_signed()).collect(),
        }
    }

    /// The vector that is really compared.
    pub(crate) fn to_vector(&self) -> Vec<f32> {
        self.numbers.iter().map(|number| f32::from(*number) * self.scale).collect()
    }

    /// The inner product with a stored row; for unit vectors, the cosine.
    pub(crate) fn cosine(&self, numbers: &[i8], scale: f32) -> Result<f32> {
        let product = i8::dot(&self.numbers, numbers).ok_or_else(|| {
            anyhow::anyhow!(
                "a question of {} numbers was compared with a vector of {}; run `vouch reindex`",
                self.numbers.len(),
                numbers.len()
            )
        })?;
        Ok(product as f32 * self.scale * scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantized_vector_keeps_its_cosine_to_two_digits() {
        let vector: Vec<f32> = (0..384).map(|i| ((i * 37 % 101) as f32 - 50.0) / 600.0).collect();
        let length = vector.iter().map(|number| number * number).sum::<f32>();
        let quantized = Quantized::from_vector(&vector);
        let bytes = quantized.to_bytes();
        let numbers: Vec<i8> = bytes[4..].iter().map(|byte| byte.cast_signed()).collect();
        let cosine = quantized.cosine(&numbers, quantized.scale).unwrap();
        assert!((cosine / length - 1.0).abs() < 0.01, "{cosine} for {length}");
    }

    #[test]
    fn the_last_place_is_shared_by_all_that_tie() {
        let hit = |stable, score| Hit {
            place: Place { version: VersionNo(stable as u32), chunk: 0 },
            stable,
            score,
        };
        let found = best(vec![hit(3, 0.5), hit(1, 0.9), hit(2, 0.5), hit(4, 0.1)], 2);
        assert_eq!(found.iter().map(|hit| hit.stable).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn versions_that_come_in_pieces_and_go_leave_the_others_as_they_were() {
        let embedding = |version, chunk, number: u8| StoredEmbedding {
            no: 0,
            place: Place { version: VersionNo(version), chunk },
            stable: u64::from(version * 10 + chunk),
            rule: None,
            windows: [1.0f32.to_le_bytes().as_slice(), &[number, 0]].concat().repeat(2),
        };
        let mut exact = Exact::new(2);
        exact.add(&[embedding(1, 0, 10), embedding(2, 0, 20), embedding(1, 1, 30)]);
        exact.add(&[embedding(1, 0, 99), embedding(3, 0, 40), embedding(2, 1, 50)]);
        let question = Quantized { scale: 1.0, numbers: vec![1, 0] };
        let score = |exact: &Exact, version, chunk| {
            let place = Place { version: VersionNo(version), chunk };
            exact.scores(&question, &[place]).unwrap().first().map(|hit| hit.score)
        };
        assert_eq!(exact.chunks(), 5);
        assert_eq!((score(&exact, 1, 0), score(&exact, 2, 1)), (Some(10.0), Some(50.0)));
        exact.remove(VersionNo(1));
        exact.remove(VersionNo(3));
        assert_eq!((exact.chunks(), exact.about.len()), (2, 4));
        assert_eq!((score(&exact, 1, 0), score(&exact, 3, 0)), (None, None));
        assert_eq!((score(&exact, 2, 0), score(&exact, 2, 1)), (Some(20.0), Some(50.0)));
    }
}
