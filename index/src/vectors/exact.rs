//! The embedded vector store: int8 rows in memory, scanned exactly.
//!
//! Rows lie together by version, so a scan goes through the versions that the clearance holds and
//! touches nothing else: who sees less waits less, recall is 1 under every permission, and a hidden
//! vector has no way to change a result.

use simsimd::SpatialSimilarity;

use crate::error::Result;
use crate::ledger::{Clearance, Place, StoredEmbedding};
use crate::search::Hit;
use crate::words::VersionNo;

/// Every vector of one generation.
pub struct Exact {
    dimensions: usize,
    /// By version number, which is dense.
    versions: Vec<Rows>,
    chunks: usize,
}

/// The rows of one version: `dimensions` numbers each, and beside them what a hit needs.
#[derive(Default)]
struct Rows {
    numbers: Vec<i8>,
    about: Vec<About>,
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
        Self { dimensions, versions: Vec::new(), chunks: 0 }
    }

    /// Takes in the stored windows of chunks; those that are there already stay as they are.
    pub fn add(&mut self, stored: &[StoredEmbedding]) {
        for embedding in stored {
            let at = embedding.place.version.0 as usize;
            if self.versions.len() <= at {
                self.versions.resize_with(at + 1, Rows::default);
            }
            let rows = &mut self.versions[at];
            if rows.about.iter().any(|about| about.chunk == embedding.place.chunk) {
                continue;
            }
            self.chunks += 1;
            for window in embedding.windows.chunks_exact(4 + self.dimensions) {
                let (scale, numbers) = window.split_at(4);
                rows.numbers.extend(numbers.iter().map(|byte| byte.cast_signed()));
                rows.about.push(About {
                    scale: f32::from_le_bytes([scale[0], scale[1], scale[2], scale[3]]),
                    chunk: embedding.place.chunk,
                    stable: embedding.stable,
                });
            }
        }
    }

    /// Forgets a version.
    pub fn remove(&mut self, version: VersionNo) {
        if let Some(rows) = self.versions.get_mut(version.0 as usize) {
            let before = rows.chunk_count();
            *rows = Rows::default();
            self.chunks -= before;
        }
    }

    /// How many chunks have vectors here.
    #[must_use]
    pub fn chunks(&self) -> usize {
        self.chunks
    }

    /// The visible chunks nearest to a question, each by its best window; all that tie with the last
    /// one are among them.
    pub(crate) fn nearest(
        &self,
        clearance: &Clearance,
        question: &Quantized,
        limit: usize,
    ) -> Result<Vec<Hit>> {
        let mut hits = Vec::new();
        for version in clearance.visible().versions.ones() {
            if let Some(rows) = self.versions.get(version) {
                rows.score(VersionNo(version as u32), question, self.dimensions, &mut hits)?;
            }
        }
        Ok(best(hits, limit))
    }

    /// The scores of single chunks; those without vectors are left out.
    pub(crate) fn scores(&self, question: &Quantized, places: &[Place]) -> Result<Vec<Hit>> {
        let mut found = Vec::with_capacity(places.len());
        for place in places {
            let Some(rows) = self.versions.get(place.version.0 as usize) else {
                continue;
            };
            let mut hits = Vec::new();
            rows.score(place.version, question, self.dimensions, &mut hits)?;
            found.extend(hits.into_iter().filter(|hit| hit.place == *place));
        }
        Ok(found)
    }
}

impl Rows {
    fn chunk_count(&self) -> usize {
        self.about.chunk_by(|a, b| a.chunk == b.chunk).count()
    }

    /// Adds a hit for each chunk, with the score of its best window.
    fn score(
        &self,
        version: VersionNo,
        question: &Quantized,
        dimensions: usize,
        hits: &mut Vec<Hit>,
    ) -> Result<()> {
        let rows = self.numbers.chunks_exact(dimensions).zip(&self.about);
        let mut last: Option<u32> = None;
        for (numbers, about) in rows {
            let score = question.cosine(numbers, about.scale)?;
            match hits.last_mut() {
                Some(hit) if last == Some(about.chunk) => hit.score = hit.score.max(score),
                _ => {
                    let place = Place { version, chunk: about.chunk };
                    hits.push(Hit { place, stable: about.stable, score });
                }
            }
            last = Some(about.chunk);
        }
        Ok(())
    }
}

/// The best `limit` of these, with all that tie with the last one, best first.
pub(crate) fn best(mut hits: Vec<Hit>, limit: usize) -> Vec<Hit> {
    if limit == 0 {
        return Vec::new();
    }
    if hits.len() > limit {
        let (_, last, _) =
            hits.select_nth_unstable_by(limit - 1, |a, b| b.score.total_cmp(&a.score));
        let threshold = last.score;
        hits.retain(|hit| hit.score >= threshold);
    }
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
}
