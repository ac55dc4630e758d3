//! A question's path: clearance -> search -> check -> audit -> generate -> cite -> audit -> reader.
//!
//! Nothing leaves before its record is on disk: the opening record before the first sentence, each
//! sentence's own before that sentence, the closing one before the end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use vouch_index::ledger::{Opening, ShownPassage};
use vouch_index::search::{self, Found, Mode, Query};
use vouch_index::{Clearance, Passage, Reader};

use crate::app::{App, Live};
use crate::generate::extractive::{self, Evidence, Sentence as Drafted, Support};
use crate::http::ApiError;

/// Passages of one document that may go into an answer.
const PER_DOCUMENT: usize = 4;
/// Passages looked at before the cap above, as a multiple of those that are used.
const LOOKED_AT: usize = 4;

/// A question with what narrows it.
#[derive(Clone, Debug)]
pub struct Question {
    /// The reader's words.
    pub text: String,
    /// Only these sources; unknown and hidden ids are ignored alike.
    pub sources: Option<Vec<String>>,
    /// Where the answer appears.
    pub surface: &'static str,
}

/// An answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Answer {
    /// `ans_` and a sortable id.
    pub id: String,
    /// `answered` or `not_found`.
    pub outcome: &'static str,
    /// The sentences, in reading order; each names its citations.
    pub sentences: Vec<Sentence>,
    /// The citations, by number.
    pub citations: Vec<Citation>,
    /// What was looked through.
    pub searched: Searched,
    /// Whom to ask, where nothing was found.
    pub contact: Option<String>,
    /// What wrote the sentences.
    pub generator: &'static str,
    /// The generation of the indexes.
    pub generation: u32,
    /// Milliseconds from the question to here.
    pub took_ms: u64,
    /// What the reader should know of how this came about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A sentence of an answer, free of markup.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Sentence {
    /// The sentence.
    pub text: String,
    /// The numbers of its citations; never empty.
    pub citations: Vec<usize>,
}

/// A quote from a passage, with its place and dates.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Citation {
    /// Its number in this answer, from 1.
    pub number: usize,
    /// The document's id.
    pub document: String,
    /// Its title.
    pub title: String,
    /// The version's hash.
    pub version: String,
    /// Exactly the version's text from `start` to `end`.
    pub quote: String,
    /// First byte in the version's text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// The page, for formats that have pages.
    pub page: Option<u32>,
    /// Headings above it, joined by ` > `.
    pub heading: String,
    /// The address of the original.
    pub uri: Option<String>,
    /// When the content was changed last.
    pub modified_at: String,
    /// When the version was approved.
    pub approved_at: Option<String>,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// When it should be looked at again.
    pub review_due: Option<String>,
    /// Whether that time has passed.
    pub stale: bool,
}

/// What was looked through for an answer.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Searched {
    /// Passages that the answer could be made from.
    pub passages: usize,
    /// Sources that hold something this reader may see.
    pub sources: usize,
}

/// What a reader sees while an answer is made.
#[derive(Clone, Debug)]
pub enum Event {
    /// What is being done.
    Status(&'static str),
    /// A citation, before the first sentence that names it.
    Citation(Box<Citation>),
    /// A sentence.
    Sentence(Sentence),
}

/// Answers a question. It blocks; `send` is called as things become ready, and returns whether
/// somebody still listens.
///
/// # Errors
/// The ledger or an index failed, or a record could not be written: then there is no answer.
pub fn ask(
    app: &App,
    reader: &Reader,
    question: &Question,
    send: &mut dyn FnMut(Event) -> bool,
) -> Result<Answer, ApiError> {
    let started = Instant::now();
    let id = format!("ans_{}", ulid::Ulid::generate());
    let live = app.live();
    send(Event::Status("searching"));
    let clearance = app.ledger.clearance(reader)?;
    let clearance = app.ledger.narrow(&clearance, question.sources.as_deref(), None)?;
    let looked_at = app.config.answer.passages * LOOKED_AT;
    let found = find(app, &live, &clearance, (&question.text, Mode::Fused, looked_at))?;
    let passages = choose(found.passages, app.config.answer.passages);
    app.ledger.audit_open(&Opening {
        kind: "answer",
        answer: Some(&id),
        clearance: &clearance,
        question: &question.text,
        passages: &passages.iter().map(shown).collect::<Vec<_>>(),
        details: json!({
            "generator": "extractive", "generation": live.generation.number,
            "surface": question.surface,
        }),
    })?;
    send(Event::Status("reading"));
    let drafted = generate(app, &live, &question.text, &passages);
    let mut answer = Answer {
        outcome: if drafted.is_empty() { "not_found" } else { "answered" },
        contact: if drafted.is_empty() { contact(app, &passages)? } else { None },
        searched: Searched { passages: passages.len(), sources: clearance.sources() },
        notes: found.words_only.into_iter().collect(),
        generation: live.generation.number,
        generator: "extractive",
        sentences: Vec::new(),
        citations: Vec::new(),
        took_ms: 0,
        id,
    };
    let listened = write(app, reader, (&passages, drafted), &mut answer, send)?;
    answer.took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let user = reader.principal().to_string();
    let closing = json!({
        "outcome": answer.outcome, "took_ms": answer.took_ms, "sentences": answer.sentences.len(),
        "listened": listened,
    });
    app.ledger.audit_close(&answer.id, &user, closing)?;
    Ok(answer)
}

/// Searches the live generation, embedding the question where that counts.
///
/// # Errors
/// The ledger or an index failed.
pub fn find(
    app: &App,
    live: &Live,
    clearance: &Clearance,
    (text, mode, limit): (&str, Mode, usize),
) -> Result<Found, ApiError> {
    let vector = match &live.embedder {
        Some(embedder) if mode != Mode::Words => Some(embedder.question(text)?),
        Some(_) | None => None,
    };
    let query = Query {
        text,
        vector: vector.as_deref(),
        mode,
        limit,
        meaning_weight: app.config.search.meaning_weight as f32,
    };
    let mut found = search::search(&app.ledger, &live.generation, clearance, &query)?;
    if found.words_only.is_some() {
        let why = live.note.clone().or(found.words_only);
        found.words_only = why.map(|why| format!("searched by words alone: {why}"));
    }
    Ok(found)
}

/// A passage as the audit keeps it.
#[must_use]
pub fn shown(passage: &Passage) -> ShownPassage {
    ShownPassage {
        document: passage.document.to_string(),
        version: passage.version.clone(),
        start: passage.start,
        end: passage.end,
    }
}

/// The best passages, without repeated text and with at most a few of one document.
fn choose(passages: Vec<Passage>, wanted: usize) -> Vec<Passage> {
    let mut texts = BTreeSet::new();
    let mut of_document: BTreeMap<String, usize> = BTreeMap::new();
    let mut chosen = Vec::new();
    for passage in passages {
        let count = of_document.entry(passage.document.to_string()).or_default();
        if chosen.len() < wanted && *count < PER_DOCUMENT && texts.insert(passage.text.clone()) {
            *count += 1;
            chosen.push(passage);
        }
    }
    chosen
}

fn generate(app: &App, live: &Live, question: &str, passages: &[Passage]) -> Vec<Drafted> {
    let evidence: Vec<_> = passages
        .iter()
        .map(|passage| Evidence {
            text: &passage.text,
            title: &passage.title,
            heading: &passage.heading,
            language: &passage.language,
            score: passage.score,
            authority: passage.facts.authority,
        })
        .collect();
    let embed = |texts: &[&str]| {
        let embedder = live.embedder.as_ref()?;
        embedder
            .sentences(texts)
            .inspect_err(|error| tracing::warn!("sentences can't be embedded: {error:#}"))
            .ok()
    };
    // A model that does not read the question's language orders its sentences worse than words do.
    let language = extractive::language(question);
    let reads = live.embedder.as_ref().is_some_and(|embedder| embedder.reads(language));
    let meaning: Option<extractive::Meaning<'_>> = if reads { Some(&embed) } else { None };
    extractive::answer(question, &evidence, meaning, app.config.answer.min_confidence)
}

/// The owner of the best matching visible source, else the configured contact.
fn contact(app: &App, passages: &[Passage]) -> Result<Option<String>, ApiError> {
    if let Some(best) = passages.first()
        && let Some(owner) = app.ledger.owner_of(&best.document.source)?
    {
        return Ok(Some(owner.to_string()));
    }
    Ok(app.config.sources.contact.clone())
}

/// Sends the sentences one by one, each after its citations and its record. Stops where nobody
/// listens any more; returns whether somebody did to the end.
fn write(
    app: &App,
    reader: &Reader,
    (passages, drafted): (&[Passage], Vec<Drafted>),
    answer: &mut Answer,
    send: &mut dyn FnMut(Event) -> bool,
) -> Result<bool, ApiError> {
    let user = reader.principal().to_string();
    let mut numbers: BTreeMap<(usize, usize, usize), usize> = BTreeMap::new();
    for draft in drafted {
        let mut sentence = Sentence { text: draft.text, citations: Vec::new() };
        let mut cited = Vec::new();
        let mut new = Vec::new();
        for support in draft.support {
            let passage = &passages[support.passage];
            let citation = cite(numbers.len() + 1, passage, support);
            let key = (support.passage, support.start, support.end);
            let number = *numbers.entry(key).or_insert_with(|| {
                new.push(citation.clone());
                citation.number
            });
            sentence.citations.push(number);
            cited.push(ShownPassage {
                document: citation.document,
                version: citation.version,
                start: citation.start,
                end: citation.end,
            });
        }
        app.ledger.audit_sentence(&answer.id, &user, &sentence.text, &cited)?;
        for citation in new {
            answer.citations.push(citation.clone());
            if !send(Event::Citation(Box::new(citation))) {
                return Ok(false);
            }
        }
        answer.sentences.push(sentence.clone());
        if !send(Event::Sentence(sentence)) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn cite(number: usize, passage: &Passage, support: Support) -> Citation {
    let offset = |at: usize| passage.start + u32::try_from(at).unwrap_or(0);
    let facts = passage.facts.clone();
    Citation {
        number,
        document: passage.document.to_string(),
        title: passage.title.clone(),
        version: passage.version.clone(),
        quote: passage.text[support.start..support.end].to_owned(),
        start: offset(support.start),
        end: offset(support.end),
        page: page_of(&passage.pages, offset(support.start)),
        heading: passage.heading_at(offset(support.start)).to_owned(),
        uri: facts.uri,
        modified_at: facts.modified_at,
        approved_at: facts.approved_at,
        approved_by: facts.approved_by,
        review_due: facts.review_due,
        stale: facts.stale,
    }
}

/// The page that a byte lies on, counted from 1.
fn page_of(pages: &[u32], at: u32) -> Option<u32> {
    let before = pages.iter().filter(|begin| **begin <= at).count();
    u32::try_from(before).ok().filter(|page| *page > 0)
}
