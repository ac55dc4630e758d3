//! A question's path: clearance -> search -> check -> audit -> generate -> check -> cite -> audit -> reader.
//!
//! Nothing leaves before its record is on disk: the opening record before the first sentence, each
//! sentence's own before that sentence, the closing one before the end. And nothing leaves that the
//! reader may no longer see: who loses a passage while the answer is made loses what rests on it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::json;
use vouch_index::ledger::{Opening, ShownPassage};
use vouch_index::search::{self, Found, Mode, Query};
use vouch_index::{Clearance, Passage, Reader};

use super::conversation::{Conversation, Earlier};
use super::write::Writing;
use crate::answer::{Answer, Audience, Event};
use crate::app::{App, Live};
use crate::generate::prompt::Marks;
use crate::generate::{Brief, Evidence, Meaning, extractive};
use crate::http::ApiError;

/// Passages of one document that may go into an answer.
const PER_DOCUMENT: usize = 4;
/// Passages looked at before the cap above, as a multiple of those that are used.
const LOOKED_AT: usize = 4;

/// What a reader is told where meaning could not count.
const WORDS_ALONE: &str =
    "searched by words alone, so what stands there in other words may be missing";

/// A question with what narrows it.
#[derive(Clone, Debug)]
pub struct Question {
    /// The reader's words.
    pub text: String,
    /// Only these sources; unknown and hidden ids are ignored alike.
    pub sources: Option<Vec<String>>,
    /// What it goes on with or begins; none where it stands by itself and is kept nowhere but in the
    /// audit.
    pub conversation: Option<Conversation>,
    /// Where the answer appears.
    pub surface: &'static str,
    /// Whether what the language model was told is wanted as well.
    pub prompt: bool,
}

/// Answers a question. It blocks, and tells the audience as things become ready.
///
/// # Errors
/// The ledger or an index failed, or a record could not be written: then there is no answer.
pub fn ask(
    app: &App,
    reader: &Reader,
    question: &Question,
    audience: &Audience,
) -> Result<Answer, ApiError> {
    let started = Instant::now();
    let id = format!("ans_{}", ulid::Ulid::generate());
    let live = app.live();
    // Whether anybody listens is asked when there is something to say.
    let _ = audience.tell(Event::Status("searching"));
    let clearance = app.ledger.clearance(reader)?;
    let clearance = app.ledger.narrow(&clearance, question.sources.as_deref(), None)?;
    let earlier = match &question.conversation {
        Some(conversation) => conversation.earlier(&question.text, &clearance),
        None => Earlier::default(),
    };
    let searched = earlier.searched.as_deref().unwrap_or(&question.text);
    let looked_at = app.config.answer.passages * LOOKED_AT;
    let asked = Asked::new(&live, searched, Mode::Fused)?;
    let found = look(app, &live, &clearance, (&asked, looked_at))?;
    let passages = choose(found.passages, app.config.answer.passages);
    let evidence: Vec<_> = passages.iter().map(evidence).collect();
    let embed = meaning(&live, &asked);
    let brief = Brief {
        question: &question.text,
        searched,
        earlier: &earlier.exchanges,
        evidence: &evidence,
        meaning: reads(&live, searched).then_some(&embed as Meaning<'_>),
        marks: Marks::new()?,
        audience,
    };
    // On record is what the one with the most room may be told; the others are told a part of it.
    let rooms = app.generators.iter().map(|generator| generator.room(&brief));
    let room = rooms.max().unwrap_or(0);
    let brief = brief.with(room);
    let mut told: Vec<_> = passages[..room].iter().map(shown).collect();
    told.extend(earlier.shown);
    app.ledger.audit_open(&Opening {
        kind: "answer",
        answer: Some(&id),
        clearance: &clearance,
        question: &question.text,
        searched: earlier.searched.as_deref(),
        passages: &told,
        details: json!({
            "generator": app.generators.first().map(|first| first.name()),
            "generation": live.generation.number, "surface": question.surface,
            "conversation": question.conversation.as_ref().and_then(Conversation::id),
        }),
    })?;
    let _ = audience.tell(Event::Status("reading"));
    let material = (&clearance, &passages[..room], &brief);
    let mut writing = Writing::new(app, question, material, (id, live.generation.number));
    if let Some(why) = &found.words_only {
        writing.note(why);
    }
    writing.fill(&app.generators)?;
    writing.close(started)
}

/// What is looked for, embedded where that counts.
struct Asked<'a> {
    text: &'a str,
    mode: Mode,
    vector: Option<Vec<f32>>,
}

impl<'a> Asked<'a> {
    /// Embeds the text, unless it is looked for by words alone.
    fn new(live: &Live, text: &'a str, mode: Mode) -> Result<Self, ApiError> {
        let vector = match &live.embedder {
            Some(embedder) if mode != Mode::Words => Some(embedder.question(text)?),
            Some(_) | None => None,
        };
        Ok(Self { text, mode, vector })
    }
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
    look(app, live, clearance, (&Asked::new(live, text, mode)?, limit))
}

fn look(
    app: &App,
    live: &Live,
    clearance: &Clearance,
    (asked, limit): (&Asked<'_>, usize),
) -> Result<Found, ApiError> {
    let query = Query {
        text: asked.text,
        vector: asked.vector.as_deref(),
        mode: asked.mode,
        limit,
        meaning_weight: app.config.search.meaning_weight as f32,
    };
    let mut found = search::search(&app.ledger, &live.generation, clearance, &query)?;
    if let Some(why) = found.words_only.take() {
        // Why is for those who run this server; `status`, `doctor` and `/readyz` say it, too.
        tracing::debug!("searched by words alone: {why}");
        found.words_only = Some(WORDS_ALONE.to_owned());
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

/// A passage as a generator is told of it.
fn evidence(passage: &Passage) -> Evidence<'_> {
    Evidence {
        text: &passage.text,
        title: &passage.title,
        heading: &passage.heading,
        language: &passage.language,
        score: passage.score,
        authority: passage.facts.authority,
    }
}

/// The embedding model as generators and checks call it. The question has its vector already.
fn meaning<'a>(
    live: &'a Live,
    asked: &'a Asked<'_>,
) -> impl Fn(&[&str]) -> Option<Vec<Vec<f32>>> + 'a {
    |texts: &[&str]| {
        let embedder = live.embedder.as_ref()?;
        let embed = |text: &&str| match &asked.vector {
            Some(vector) if *text == asked.text => Ok(vector.clone()),
            Some(_) | None => embedder.sentence(text),
        };
        let vectors: Result<Vec<_>, _> = texts.iter().map(embed).collect();
        vectors.inspect_err(|error| tracing::warn!("sentences can't be embedded: {error:#}")).ok()
    }
}

/// Whether the model reads the question's language. One that does not orders sentences worse than
/// words do.
fn reads(live: &Live, question: &str) -> bool {
    let language = extractive::language(question);
    live.embedder.as_ref().is_some_and(|embedder| embedder.reads(language))
}
