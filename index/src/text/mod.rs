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
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use fixedbitset::FixedBitSet;
use tantivy::columnar::Column;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::Postings;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{PreTokenizedString, Token};
use tantivy::{
    DocId, DocSet, Index, IndexReader, IndexWriter, InvertedIndexReader, ReloadPolicy, Searcher,
    SegmentReader, TantivyDocument, TantivyError, Term,
};

use crate::error::Result;
use crate::ledger::{Clearance, Place, VersionContent};
use crate::search::{Best, Hit, stable_key};
use crate::words::{Span, VersionNo};

use analysis::Analysis;

/// BM25's saturation and length parameters, as in Robertson and Zaragoza, "The Probabilistic
/// Relevance Framework" (2009).
const K1: f32 = 1.2;
const B: f32 = 0.75;
/// Memory for documents that are not committed yet.
const WRITER_BYTES: usize = 50_000_000;
/// The longest that the writer of a generation that was just left is waited for.
const LEAVING: Duration = Duration::from_secs(5);
/// Views of clearances that are kept: those used last.
const VIEWS: usize = 64;
/// Scores that are looked at together.
const BLOCK: usize = 64;
/// Seeking costs about this many times what going on to the next posting costs.
const SEEK_COST: usize = 8;

/// The text index of one generation.
pub struct TextIndex {
    reader: IndexReader,
    writer: Mutex<IndexWriter>,
    fields: Fields,
    analysis: Analysis,
    /// Where searches stand in the change log.
    seq: AtomicI64,
    state: Mutex<Option<Arc<State>>>,
    views: Mutex<VecDeque<View>>,
}

#[derive(Clone, Copy)]
struct Fields {
    words: Field,
    version: Field,
    place: Field,
    stable: Field,
}

/// One state of the index, laid out once for everybody who searches it. It says nothing about who may
/// see what.
struct State {
    searcher: Searcher,
    segments: Vec<Segment>,
    /// Where the chunks of each version lie, by version and chunk.
    runs: Vec<Run>,
}

/// What scoring needs of one segment.
struct Segment {
    words: Arc<InvertedIndexReader>,
    norms: FieldNormReader,
    stable: Column<u64>,
    version: Column<u64>,
    place: Column<u64>,
}

/// Chunks of one version, side by side in a segment.
struct Run {
    version: VersionNo,
    /// The place of the first one.
    chunk: u32,
    segment: usize,
    docs: Range<DocId>,
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

/// The scores of all visible chunks for one question.
pub(crate) struct Scored {
    state: Arc<State>,
    /// By segment and document; 0 where no word of the question is.
    scores: Vec<Vec<f32>>,
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
        let writer = only_writer(&index)?;
        // In tantivy 0.27 a delete that is the first operation of a writer is lost if a merge runs
        // before the next commit. The first one is therefore one that deletes nothing.
        writer.delete_term(Term::from_field_u64(fields.version, u64::MAX));
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let payload = index.load_metas()?.payload;
        let seq = payload.and_then(|payload| payload.parse().ok()).unwrap_or(0);
        Ok(Self {
            reader,
            writer: Mutex::new(writer),
            fields,
            analysis,
            seq: AtomicI64::new(seq),
            state: Mutex::default(),
            views: Mutex::default(),
        })
    }

    /// The sequence number of the change log up to which a search that starts now finds everything.
    #[must_use]
    pub fn seq(&self) -> i64 {
        self.seq.load(Ordering::Acquire)
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
        // After the reload: a commit alone is seen by nobody.
        self.seq.store(seq, Ordering::Release);
        Ok(())
    }

    /// Writes anew what holds words of versions that were taken out, so that nothing of them is left in
    /// the index's files. A search that is under way keeps what it reads until it ends.
    ///
    /// # Errors
    /// The index can't be written, or is being merged at this moment; the next call goes on.
    pub fn clean(&self) -> Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        for segment in writer.index().searchable_segment_metas()? {
            if segment.has_deletes() {
                writer.merge(&[segment.id()]).wait()?;
            }
        }
        self.reader.reload()?;
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = None;
        writer.garbage_collect_files().wait()?;
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

    /// Scores every chunk that this clearance holds.
    pub(crate) fn search(&self, clearance: &Clearance, question: &str) -> Result<Scored> {
        let state = self.state()?;
        let view = self.view(&state, clearance);
        let scores = self.score(&state, &view, &self.words_of(question))?;
        Ok(Scored { state, scores })
    }

    /// Every visible chunk's score, by segment and document; 0 where no word is.
    fn score(&self, state: &State, view: &View, words: &[String]) -> Result<Vec<Vec<f32>>> {
        let mut scores: Vec<Vec<f32>> = view
            .segments
            .iter()
            .map(|visible| vec![0.0; if words.is_empty() { 0 } else { visible.len() }])
            .collect();
        let lengths = length_factors(view);
        for word in words {
            let term = Term::from_field_text(self.fields.words, word);
            let mut found = Vec::with_capacity(state.segments.len());
            for (segment, visible) in state.segments.iter().zip(view.segments.iter()) {
                found.push(visible_postings(segment, visible, &term)?);
            }
            let frequency = found.iter().map(Vec::len).sum::<usize>() as f32;
            let rarity = (1.0 + (view.chunks as f32 - frequency + 0.5) / (frequency + 0.5)).ln();
            for ((scores, segment), found) in scores.iter_mut().zip(&state.segments).zip(found) {
                for (doc, count) in found {
                    let length = lengths[usize::from(segment.norms.fieldnorm_id(doc))];
                    let count = count as f32;
                    scores[doc as usize] += rarity * count * (K1 + 1.0) / (count + length);
                }
            }
        }
        Ok(scores)
    }

    /// The index as the last commit left it.
    fn state(&self) -> Result<Arc<State>> {
        let searcher = self.reader.searcher();
        let mut kept = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = kept.as_ref().filter(|state| state.id() == id(&searcher)) {
            return Ok(Arc::clone(state));
        }
        let state = Arc::new(State::of(searcher, self.fields)?);
        *kept = Some(Arc::clone(&state));
        Ok(state)
    }

    /// What the clearance sees of this state of the index, counted once and kept.
    fn view(&self, state: &State, clearance: &Clearance) -> View {
        let key = (clearance.visible().id, state.id());
        if let Some(view) = self.kept_view(key) {
            return view;
        }
        let (mut chunks, mut tokens) = (0, 0);
        let readers = state.searcher.segment_readers().iter();
        let mut segments: Vec<FixedBitSet> =
            readers.map(|reader| FixedBitSet::with_capacity(reader.max_doc() as usize)).collect();
        for run in state.runs.iter().filter(|run| clearance.holds(run.version)) {
            let norms = &state.segments[run.segment].norms;
            segments[run.segment].insert_range(run.docs.start as usize..run.docs.end as usize);
            chunks += run.docs.len() as u64;
            tokens += run.docs.clone().map(|doc| u64::from(norms.fieldnorm(doc))).sum::<u64>();
        }
        let (clearance, searcher) = key;
        let view = View { clearance, searcher, segments: Arc::new(segments), chunks, tokens };
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        views.push_back(view.clone());
        if views.len() > VIEWS {
            views.pop_front();
        }
        view
    }

    /// A view that was counted before. The one used last goes last.
    fn kept_view(&self, key: (u64, u64)) -> Option<View> {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        let at = views.iter().position(|view| (view.clearance, view.searcher) == key)?;
        let view = views.remove(at)?;
        views.push_back(view.clone());
        Some(view)
    }
}

impl Scored {
    /// The chunks that hold most of the question's words, best first.
    pub(crate) fn best(&self, limit: usize) -> Vec<Hit> {
        let mut hits: Vec<Hit> = best(&self.scores, limit)
            .into_iter()
            .filter_map(|(segment, doc)| self.hit(segment, doc))
            .collect();
        hits.sort_unstable_by(Hit::order);
        hits.truncate(limit);
        hits
    }

    /// Those of these chunks that hold one of the words.
    pub(crate) fn of(&self, places: impl IntoIterator<Item = Place>) -> Vec<Hit> {
        let found = places.into_iter().filter_map(|place| self.state.find(place));
        found.filter_map(|(segment, doc)| self.hit(segment, doc)).collect()
    }

    fn hit(&self, segment: usize, doc: DocId) -> Option<Hit> {
        let score = *self.scores[segment].get(doc as usize)?;
        (score > 0.0).then(|| self.state.segments[segment].hit(doc, score))
    }
}

impl State {
    fn of(searcher: Searcher, fields: Fields) -> Result<Self> {
        let mut segments = Vec::new();
        let mut runs: Vec<Run> = Vec::new();
        for (number, reader) in searcher.segment_readers().iter().enumerate() {
            let segment = Segment::open(reader, fields)?;
            for doc in reader.doc_ids_alive() {
                let Place { version, chunk } = segment.place(doc);
                match runs.last_mut() {
                    Some(run) if run.goes_on(number, doc, version, chunk) => run.docs.end += 1,
                    _ => runs.push(Run { version, chunk, segment: number, docs: doc..doc + 1 }),
                }
            }
            segments.push(segment);
        }
        runs.sort_unstable_by_key(|run| (run.version, run.chunk));
        Ok(Self { searcher, segments, runs })
    }

    fn id(&self) -> u64 {
        id(&self.searcher)
    }

    /// The segment and the document of a chunk.
    fn find(&self, place: Place) -> Option<(usize, DocId)> {
        let after = |run: &Run| (run.version, run.chunk) <= (place.version, place.chunk);
        let run = &self.runs[self.runs.partition_point(after).checked_sub(1)?];
        let doc = run.docs.start + (place.chunk - run.chunk);
        (run.version == place.version && doc < run.docs.end).then_some((run.segment, doc))
    }
}

impl Run {
    fn goes_on(&self, segment: usize, doc: DocId, version: VersionNo, chunk: u32) -> bool {
        self.segment == segment
            && self.docs.end == doc
            && self.version == version
            && u64::from(self.chunk) + self.docs.len() as u64 == u64::from(chunk)
    }
}

impl Segment {
    fn open(reader: &SegmentReader, fields: Fields) -> Result<Self> {
        let fast = reader.fast_fields();
        Ok(Self {
            words: reader.inverted_index(fields.words)?,
            norms: reader.get_fieldnorms_reader(fields.words)?,
            stable: fast.u64("stable")?,
            version: fast.u64("version")?,
            place: fast.u64("place")?,
        })
    }

    /// Where a chunk belongs; one that does not say so belongs to no clearance.
    fn place(&self, doc: DocId) -> Place {
        let number = |column: &Column<u64>| {
            column.first(doc).and_then(|number| u32::try_from(number).ok()).unwrap_or(u32::MAX)
        };
        Place { version: VersionNo(number(&self.version)), chunk: number(&self.place) }
    }

    fn hit(&self, doc: DocId, score: f32) -> Hit {
        let stable = self.stable.first(doc).unwrap_or(u64::MAX);
        Hit { place: self.place(doc), stable, score }
    }
}

fn id(searcher: &Searcher) -> u64 {
    searcher.generation().generation_id()
}

/// The postings of a word in visible chunks. Whoever sees little pays little: then the visible
/// chunks are looked up in the list, else the list is read through, block by block.
fn visible_postings(
    segment: &Segment,
    visible: &FixedBitSet,
    term: &Term,
) -> Result<Vec<(DocId, u32)>> {
    let words = &segment.words;
    let Some(info) = words.get_term_info(term).context("the text index can't be read")? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    if visible.count_ones(..) * SEEK_COST < info.doc_freq as usize {
        let postings = words.read_postings_from_terminfo(&info, IndexRecordOption::WithFreqs);
        let mut postings = postings.context("the text index can't be read")?;
        for doc in visible.ones().map(|doc| doc as DocId) {
            if postings.doc() < doc {
                postings.seek(doc);
            }
            if postings.doc() == doc {
                found.push((doc, postings.term_freq()));
            }
        }
    } else {
        let blocks = words.read_block_postings_from_terminfo(&info, IndexRecordOption::WithFreqs);
        let mut blocks = blocks.context("the text index can't be read")?;
        found.reserve(info.doc_freq as usize);
        while blocks.block_len() > 0 {
            let postings = blocks.docs().iter().copied().zip(blocks.freqs().iter().copied());
            found.extend(postings.filter(|(doc, _)| visible.contains(*doc as usize)));
            blocks.advance();
        }
    }
    Ok(found)
}

/// The index's one writer. Nobody else opens this data folder, so a writer that is there already
/// belongs to a generation that was left a moment ago (a rollback right after a swap), and goes with
/// the last search that still reads it.
fn only_writer(index: &Index) -> Result<IndexWriter> {
    let begun = Instant::now();
    loop {
        match index.writer_with_num_threads(1, WRITER_BYTES) {
            Err(TantivyError::LockFailure(..)) if begun.elapsed() < LEAVING => {
                std::thread::sleep(LEAVING / 500);
            }
            Ok(writer) => return Ok(writer),
            Err(error) => return Err(error.into()),
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

/// Where the best scores are, with all that tie with the last of them. Most blocks hold none, which
/// the processor sees at one glance.
fn best(scores: &[Vec<f32>], limit: usize) -> Vec<(usize, DocId)> {
    let mut best = Best::new(limit);
    for (segment, scores) in scores.iter().enumerate() {
        for (block, first) in scores.chunks(BLOCK).zip((0..).step_by(BLOCK)) {
            let most =
                block.iter().fold(0.0, |most, score| if *score > most { *score } else { most });
            if most > 0.0 && most >= best.threshold {
                for (score, doc) in block.iter().zip(first..).filter(|(score, _)| **score > 0.0) {
                    best.offer(*score, (segment, doc));
                }
            }
        }
    }
    best.into_items()
}
