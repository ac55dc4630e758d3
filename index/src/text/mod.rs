//! The text index: tantivy holds the postings, and this file counts and scores them under a
//! clearance.
//!
//! Promise 13 decides the form. Documents, tokens and frequencies are counted over the visible chunks
//! alone, every visible posting is scored (block-max pruning goes by statistics of whole segments),
//! terms are added in one fixed order, and ties break on a stable hash of document, version and
//! place. So the score of a chunk has the same bits whether hidden chunks exist or not. Reading each
//! posting list once, with the frequencies kept, gives counts and scores in one pass; tantivy's own
//! scorers would need one pass for the counts and another for the scores.
//!
//! tantivy never decides what is deleted: see [`TextIndex::open`].

mod analysis;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use fixedbitset::FixedBitSet;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::Postings;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{PreTokenizedString, Token};
use tantivy::{
    DocId, DocSet, Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, SegmentReader,
    TERMINATED, TantivyDocument, Term,
};

use crate::error::Result;
use crate::ledger::{Clearance, Place, VersionContent};
use crate::search::{Hit, stable_key};
use crate::words::{Span, VersionNo};

use analysis::Analysis;

/// BM25's saturation and length parameters, as in Robertson and Zaragoza, "The Probabilistic
/// Relevance Framework" (2009).
const K1: f32 = 1.2;
const B: f32 = 0.75;
/// Memory for documents that are not committed yet.
const WRITER_BYTES: usize = 50_000_000;
/// Views of clearances that are kept.
const VIEWS: usize = 64;
/// Seeking costs about this many times what going on to the next posting costs.
const SEEK_COST: usize = 8;

/// The text index of one generation.
pub struct TextIndex {
    reader: IndexReader,
    writer: Mutex<IndexWriter>,
    fields: Fields,
    analysis: Analysis,
    views: Mutex<VecDeque<View>>,
}

#[derive(Clone, Copy)]
struct Fields {
    words: Field,
    version: Field,
    place: Field,
    stable: Field,
}

/// What one clearance sees of one state of the index.
#[derive(Clone)]
struct View {
    clearance: u64,
    searcher: u64,
    segments: Arc<Vec<FixedBitSet>>,
    chunks: u64,
    tokens: u64,
}

/// The best chunks by words.
#[derive(Default)]
pub(crate) struct WordHits {
    /// The best ones, best first.
    pub(crate) best: Vec<Hit>,
    /// The scores of chunks that were asked for by name and hold one of the words.
    pub(crate) named: Vec<Hit>,
}

impl TextIndex {
    /// Opens the index in this folder, or makes it. One that can't be opened is begun anew: it is a
    /// view of the ledger.
    ///
    /// # Errors
    /// The folder can't be written, or a language has no stemmer.
    pub fn open(folder: &Path, languages: &[String]) -> Result<Self> {
        let analysis = Analysis::new(languages)?;
        std::fs::create_dir_all(folder)
            .with_context(|| format!("the index folder {} can't be made", folder.display()))?;
        let (schema, fields) = schema();
        let directory = tantivy::directory::MmapDirectory::open(folder)
            .with_context(|| format!("the index folder {} can't be opened", folder.display()))?;
        let index = match Index::open_or_create(directory, schema.clone()) {
            Ok(index) => index,
            Err(error) => {
                tracing::warn!(%error, folder = %folder.display(), "the text index is begun anew");
                std::fs::remove_dir_all(folder).context("the old index can't be removed")?;
                std::fs::create_dir_all(folder).context("the index folder can't be made")?;
                Index::create_in_dir(folder, schema)?
            }
        };
        let writer: IndexWriter = index.writer_with_num_threads(1, WRITER_BYTES)?;
        // In tantivy 0.27 a delete that is the first operation of a writer is lost if a merge runs
        // before the next commit. The first one is therefore one that deletes nothing.
        writer.delete_term(Term::from_field_u64(fields.version, u64::MAX));
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self { reader, writer: Mutex::new(writer), fields, analysis, views: Mutex::default() })
    }

    /// The sequence number of the change log that the index stands at.
    ///
    /// # Errors
    /// The index can't be read.
    pub fn seq(&self) -> Result<i64> {
        let metas = self.reader.searcher().index().load_metas()?;
        Ok(metas.payload.and_then(|payload| payload.parse().ok()).unwrap_or(0))
    }

    /// Takes versions in and out, and commits with the sequence number up to which the index now
    /// follows the ledger. A search that starts after this sees it.
    ///
    /// # Errors
    /// The index can't be written; the ledger still knows what is missing.
    pub fn apply(
        &self,
        add: &[(VersionContent, Vec<Span>)],
        remove: &[VersionNo],
        seq: i64,
    ) -> Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let written = self.write(&mut writer, add, remove, seq);
        if written.is_err() {
            // What was half written must not be part of a later commit.
            writer.rollback()?;
            writer.delete_term(Term::from_field_u64(self.fields.version, u64::MAX));
        }
        written?;
        self.reader.reload()?;
        Ok(())
    }

    fn write(
        &self,
        writer: &mut IndexWriter,
        add: &[(VersionContent, Vec<Span>)],
        remove: &[VersionNo],
        seq: i64,
    ) -> Result<()> {
        let all = remove.iter().copied().chain(add.iter().map(|(content, _)| content.version));
        for version in all {
            writer.delete_term(Term::from_field_u64(self.fields.version, u64::from(version.0)));
        }
        for (content, spans) in add {
            for (place, span) in (0u32..).zip(spans) {
                writer.add_document(self.document(content, place, span))?;
            }
        }
        let mut commit = writer.prepare_commit()?;
        commit.set_payload(&seq.to_string());
        commit.commit()?;
        Ok(())
    }

    /// A chunk's words with those of its title and heading path, and nothing about permission.
    fn document(&self, content: &VersionContent, place: u32, span: &Span) -> TantivyDocument {
        let body = &content.text[span.start as usize..span.end as usize];
        let text = format!("{}\n{}\n{body}", content.title, span.heading);
        let tokens = (0..)
            .zip(self.analysis.of_chunk(&text, &content.language))
            .map(|(position, text)| Token { position, text, ..Token::default() })
            .collect();
        let Fields { words, version, place: at, stable } = self.fields;
        let mut document = TantivyDocument::default();
        document.add_pre_tokenized_text(words, PreTokenizedString { text: String::new(), tokens });
        document.add_u64(version, u64::from(content.version.0));
        document.add_u64(at, u64::from(place));
        document.add_u64(stable, stable_key(&content.document, &content.hash, place));
        document
    }

    /// The words that a question is searched by.
    #[must_use]
    pub fn words_of(&self, question: &str) -> Vec<String> {
        self.analysis.of_question(question)
    }

    /// The chunks that this clearance holds and that hold most of the question's words, and the
    /// scores of `named` ones.
    pub(crate) fn search(
        &self,
        clearance: &Clearance,
        question: &str,
        limit: usize,
        named: &[Place],
    ) -> Result<WordHits> {
        let searcher = self.reader.searcher();
        let view = self.view(&searcher, clearance)?;
        let scores = self.score(&searcher, &view, &self.words_of(question))?;
        let mut wanted = FixedBitSet::new();
        for place in named {
            wanted.grow_and_insert(place.version.0 as usize);
        }
        let threshold = threshold(&scores, limit);
        let mut hits = WordHits::default();
        for (reader, scores) in searcher.segment_readers().iter().zip(&scores) {
            let columns = Columns::open(reader)?;
            for (doc, score) in scored(scores) {
                let is_best = score >= threshold;
                if is_best || wanted.contains(columns.version(doc) as usize) {
                    let hit = columns.hit(doc, score);
                    hits.named.extend(named.contains(&hit.place).then_some(hit));
                    hits.best.extend(is_best.then_some(hit));
                }
            }
        }
        hits.best.sort_unstable_by(Hit::order);
        hits.best.truncate(limit);
        Ok(hits)
    }

    /// Every visible chunk's score, by segment and document; 0 where no word is.
    fn score(&self, searcher: &Searcher, view: &View, words: &[String]) -> Result<Vec<Vec<f32>>> {
        let segments = searcher.segment_readers();
        let mut scores: Vec<Vec<f32>> = view
            .segments
            .iter()
            .map(|visible| vec![0.0; if words.is_empty() { 0 } else { visible.len() }])
            .collect();
        let lengths = length_factors(view);
        let norms: Vec<FieldNormReader> = segments
            .iter()
            .map(|reader| reader.get_fieldnorms_reader(self.fields.words))
            .collect::<tantivy::Result<_>>()?;
        for word in words {
            let term = Term::from_field_text(self.fields.words, word);
            let mut found = Vec::with_capacity(segments.len());
            for (reader, visible) in segments.iter().zip(view.segments.iter()) {
                found.push(self.visible_postings(reader, visible, &term)?);
            }
            let frequency = found.iter().map(Vec::len).sum::<usize>() as f32;
            let rarity = (1.0 + (view.chunks as f32 - frequency + 0.5) / (frequency + 0.5)).ln();
            for ((scores, norms), found) in scores.iter_mut().zip(&norms).zip(found) {
                for (doc, count) in found {
                    let length = lengths[usize::from(norms.fieldnorm_id(doc))];
                    let count = count as f32;
                    scores[doc as usize] += rarity * count * (K1 + 1.0) / (count + length);
                }
            }
        }
        Ok(scores)
    }

    /// The postings of a word in visible chunks. Whoever sees little pays little: then the visible
    /// chunks are looked up in the list, else the list is read through.
    fn visible_postings(
        &self,
        reader: &SegmentReader,
        visible: &FixedBitSet,
        term: &Term,
    ) -> Result<Vec<(DocId, u32)>> {
        let inverted = reader.inverted_index(self.fields.words)?;
        let postings = inverted
            .read_postings(term, IndexRecordOption::WithFreqs)
            .context("the text index can't be read")?;
        let Some(mut postings) = postings else {
            return Ok(Vec::new());
        };
        let few = visible.count_ones(..);
        let mut found = Vec::new();
        if few * SEEK_COST < postings.doc_freq() as usize {
            for doc in visible.ones().map(|doc| doc as DocId) {
                if postings.doc() < doc {
                    postings.seek(doc);
                }
                if postings.doc() == doc {
                    found.push((doc, postings.term_freq()));
                }
            }
        } else {
            while postings.doc() != TERMINATED {
                if visible.contains(postings.doc() as usize) {
                    found.push((postings.doc(), postings.term_freq()));
                }
                postings.advance();
            }
        }
        Ok(found)
    }

    /// What the clearance sees of this state of the index, counted once and kept.
    fn view(&self, searcher: &Searcher, clearance: &Clearance) -> Result<View> {
        let key = (clearance.visible().id, searcher.generation().generation_id());
        let kept = |views: &VecDeque<View>| {
            views.iter().find(|view| (view.clearance, view.searcher) == key).cloned()
        };
        if let Some(view) = kept(&self.views.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(view);
        }
        let (mut segments, mut chunks, mut tokens) = (Vec::new(), 0, 0);
        for reader in searcher.segment_readers() {
            let columns = Columns::open(reader)?;
            let norms = reader.get_fieldnorms_reader(self.fields.words)?;
            let mut visible = FixedBitSet::with_capacity(reader.max_doc() as usize);
            for doc in 0..reader.max_doc() {
                let version = VersionNo(columns.version(doc));
                if clearance.holds(version) && !reader.is_deleted(doc) {
                    visible.insert(doc as usize);
                    chunks += 1;
                    tokens += u64::from(norms.fieldnorm(doc));
                }
            }
            segments.push(visible);
        }
        let (clearance, searcher) = key;
        let view = View { clearance, searcher, segments: Arc::new(segments), chunks, tokens };
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        views.push_back(view.clone());
        if views.len() > VIEWS {
            views.pop_front();
        }
        Ok(view)
    }
}

/// The fast fields of one segment.
struct Columns {
    version: tantivy::columnar::Column<u64>,
    place: tantivy::columnar::Column<u64>,
    stable: tantivy::columnar::Column<u64>,
}

impl Columns {
    fn open(reader: &SegmentReader) -> Result<Self> {
        let fast = reader.fast_fields();
        Ok(Self {
            version: fast.u64("version")?,
            place: fast.u64("place")?,
            stable: fast.u64("stable")?,
        })
    }

    /// The version of a chunk; a chunk without one belongs to no clearance.
    fn version(&self, doc: DocId) -> u32 {
        self.version.first(doc).and_then(|no| u32::try_from(no).ok()).unwrap_or(u32::MAX)
    }

    fn hit(&self, doc: DocId, score: f32) -> Hit {
        let chunk = self.place.first(doc).and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX);
        Hit {
            place: Place { version: VersionNo(self.version(doc)), chunk },
            stable: self.stable.first(doc).unwrap_or(u64::MAX),
            score,
        }
    }
}

fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let counted = TextFieldIndexing::default()
        .set_tokenizer("raw")
        .set_index_option(IndexRecordOption::WithFreqs);
    let fields = Fields {
        words: schema.add_text_field("words", TextOptions::default().set_indexing_options(counted)),
        version: schema.add_u64_field("version", FAST | INDEXED),
        place: schema.add_u64_field("place", FAST),
        stable: schema.add_u64_field("stable", FAST),
    };
    (schema.build(), fields)
}

/// What a chunk's length does to its score, for each of the 256 lengths that tantivy tells apart.
fn length_factors(view: &View) -> Vec<f32> {
    let average = view.tokens as f32 / (view.chunks.max(1)) as f32;
    (0..=u8::MAX)
        .map(|id| {
            let length = FieldNormReader::id_to_fieldnorm(id) as f32;
            K1 * (1.0 - B + B * length / average.max(1.0))
        })
        .collect()
}

fn scored(scores: &[f32]) -> impl Iterator<Item = (DocId, f32)> + '_ {
    (0..).zip(scores.iter().copied()).filter(|(_, score)| *score > 0.0)
}

/// The score of the `limit`-th best chunk; all that tie with it are looked at.
fn threshold(scores: &[Vec<f32>], limit: usize) -> f32 {
    let mut all: Vec<f32> =
        scores.iter().flat_map(|scores| scored(scores)).map(|(_, score)| score).collect();
    if all.len() <= limit || limit == 0 {
        return if limit == 0 { f32::INFINITY } else { f32::MIN_POSITIVE };
    }
    *all.select_nth_unstable_by(limit - 1, |a, b| b.total_cmp(a)).1
}
