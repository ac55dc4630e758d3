//! An answer while it is written: each sentence is checked, recorded and sent, in that order.
//!
//! What a generator drafts is not believed. A claim goes out with the quotes that support it, or not
//! at all; and nothing goes out, nor stays in the whole answer, that rests on a passage which its
//! reader may no longer see.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::time::Instant;

use serde_json::{Value, json};
use vouch_index::ledger::{NewCitation, NewSentence, NewTurn, ShownPassage};
use vouch_index::{Clearance, Passage};

use super::ask::Question;
use super::conversation::Conversation;
use crate::answer::{Answer, Citation, Event, Searched, Sentence};
use crate::app::App;
use crate::check::{self, Doubt};
use crate::generate::{self, Brief, Claim, Draft, Generator, Support, Usage};
use crate::http::ApiError;

/// An answer that is being written.
pub(super) struct Writing<'a> {
    app: &'a App,
    clearance: &'a Clearance,
    /// What entered the prompt; `brief` says the same to the generators.
    passages: &'a [Passage],
    brief: &'a Brief<'a>,
    question: &'a Question,
    answer: Answer,
    /// Citations by passage and quote.
    numbers: BTreeMap<(usize, usize, usize), usize>,
    /// Claims that the passages do not support.
    left_out: usize,
    /// How many of the passages the generator was told that wrote last.
    told: usize,
    /// Passages of the prompt that the reader may no longer see.
    lost: BTreeSet<usize>,
    /// Whether somebody listened until now.
    listened: bool,
    /// What went wrong on Vouch's side; then there is no answer.
    failed: Option<ApiError>,
}

impl<'a> Writing<'a> {
    pub(super) fn new(
        app: &'a App,
        question: &'a Question,
        (clearance, passages, brief): (&'a Clearance, &'a [Passage], &'a Brief<'a>),
        (id, generation): (String, u32),
    ) -> Self {
        let answer = Answer {
            id,
            conversation: None,
            outcome: "not_found",
            sentences: Vec::new(),
            citations: Vec::new(),
            searched: Searched { passages: passages.len(), sources: clearance.sources() },
            contact: None,
            generator: String::new(),
            generation,
            took_ms: 0,
            usage: Usage::default(),
            prompt: question.prompt.then_some(None),
            notes: Vec::new(),
        };
        Self {
            app,
            clearance,
            passages,
            brief,
            question,
            answer,
            numbers: BTreeMap::new(),
            left_out: 0,
            told: 0,
            lost: BTreeSet::new(),
            listened: true,
            failed: None,
        }
    }

    /// Lets the generators write, each where the one before gave nothing.
    pub(super) fn fill(&mut self, generators: &[Box<dyn Generator>]) -> Result<(), ApiError> {
        let filled = self.ask_each(generators);
        // What was spent was spent, however it went.
        let spent = self.answer.usage.input.saturating_add(self.answer.usage.output);
        if spent > 0 {
            self.app.ledger.spend_tokens(&self.user(), spent)?;
        }
        filled
    }

    fn ask_each(&mut self, generators: &[Box<dyn Generator>]) -> Result<(), ApiError> {
        let used_up = self.tokens_used_up()?;
        if used_up && generators.iter().any(|generator| generator.spends()) {
            self.note("your language model tokens for today are used up; this is quoted instead");
        }
        for generator in generators.iter().filter(|generator| !(used_up && generator.spends())) {
            generator.name().clone_into(&mut self.answer.generator);
            let room = generator.room(self.brief);
            if room == 0 && !self.passages.is_empty() {
                self.note(&format!(
                    "{} has no room for the question and a passage",
                    generator.name()
                ));
                continue;
            }
            let brief = self.brief.with(room);
            self.told = room;
            if let Some(prompt) = &mut self.answer.prompt {
                *prompt = generator.prompt(&brief);
            }
            let written = generator.write(&brief, &mut |draft| self.take(draft));
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            let usage = match &written {
                Ok(usage) => usage,
                Err(failed) => &failed.usage,
            };
            self.answer.usage.input += usage.input;
            self.answer.usage.output += usage.output;
            let Err(failed) = written else { return Ok(()) };
            tracing::warn!(generator = generator.name(), "wrote no whole answer: {failed}");
            if !self.listened || !self.lost.is_empty() {
                return Ok(());
            }
            if !self.answer.sentences.is_empty() {
                self.note("the language model broke off, so the answer may not be complete");
                return Ok(());
            }
            self.note(&format!("{} did not answer", generator.name()));
        }
        Ok(())
    }

    /// Whether this reader may ask no language model today any more.
    fn tokens_used_up(&self) -> Result<bool, ApiError> {
        let most = self.app.config.limits.tokens_per_day;
        Ok(most > 0 && self.app.ledger.tokens_spent(&self.user())? >= most)
    }

    /// The answer as it stands, after its last record.
    pub(super) fn close(mut self, started: Instant) -> Result<Answer, ApiError> {
        self.look_again()?;
        let said = self.answer.sentences.len();
        self.cut();
        let answered = !self.answer.sentences.is_empty();
        self.answer.outcome = if answered { "answered" } else { "not_found" };
        if !answered {
            self.answer.contact = self.contact()?;
        }
        self.say_what_was_told();
        match self.left_out {
            0 => {}
            1 => self.note("one sentence was left out, because the documents do not support it"),
            many => self.note(&format!(
                "{many} sentences were left out, because the documents do not support them"
            )),
        }
        let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.answer.took_ms = took;
        let closing = json!({
            "outcome": self.answer.outcome, "took_ms": took, "listened": self.listened,
            "sentences": self.answer.sentences.len(), "left_out": self.left_out,
            "passages": self.told,
            "generator": self.answer.generator,
            "tokens": {"input": self.answer.usage.input, "output": self.answer.usage.output},
        });
        self.record(closing, said)?;
        Ok(self.answer)
    }

    /// Writes the last record, and with it the turn where there is a conversation.
    fn record(&mut self, closing: Value, said: usize) -> Result<(), ApiError> {
        let id = &self.answer.id;
        let Some(kept) = self.question.conversation.as_ref().and_then(Conversation::kept) else {
            return Ok(self.app.ledger.audit_close(id, &self.user(), closing)?);
        };
        let turn = NewTurn {
            conversation: &kept.id,
            first: kept.first,
            question: &self.question.text,
            outcome: self.answer.outcome,
            said,
            sentences: self.answer.sentences.iter().map(|said| self.to_keep(said)).collect(),
        };
        let reader = self.clearance.reader();
        if self.app.ledger.close_turn(id, reader, closing, &turn)? {
            self.answer.conversation = Some(kept.id.clone());
        } else {
            self.note("the conversation was erased meanwhile, so this answer is not kept in it");
        }
        Ok(())
    }

    /// A sentence as a conversation keeps it: with the places of its quotes.
    fn to_keep(&self, sentence: &Sentence) -> NewSentence {
        let cited = |((passage, start, end), number): (&(usize, usize, usize), &usize)| {
            let support = Support { passage: *passage, start: *start, end: *end };
            let passage = &self.passages[*passage];
            let Citation { start, end, page, heading, .. } = cite(*number, passage, support);
            NewCitation {
                number: *number,
                version: passage.place.version,
                start,
                end,
                page,
                heading,
            }
        };
        let of_it = |entry: &(&(usize, usize, usize), &usize)| sentence.citations.contains(entry.1);
        let citations = self.numbers.iter().filter(of_it).map(cited).collect();
        NewSentence { text: sentence.text.clone(), citations }
    }

    /// Adds to what the reader should know of how this came about.
    pub(super) fn note(&mut self, note: &str) {
        self.answer.notes.push(note.to_owned());
    }

    fn say_what_was_told(&mut self) {
        if self.told < self.passages.len() {
            self.note(&format!("used {} of {} passages", self.told, self.passages.len()));
        }
        if self.answer.prompt == Some(None) && self.lost.is_empty() {
            self.note("no language model wrote this, so there is no prompt");
        }
    }

    /// What a generator hands over. It breaks where nothing more is wanted.
    fn take(&mut self, draft: Draft) -> ControlFlow<()> {
        self.let_out(draft).unwrap_or_else(|error| {
            self.failed = Some(error);
            ControlFlow::Break(())
        })
    }

    fn let_out(&mut self, draft: Draft) -> Result<ControlFlow<()>, ApiError> {
        let checked = match draft {
            Draft::Quoted(sentence) => Ok(sentence),
            Draft::Claimed(claim) => self.check(claim),
        };
        let sentence = match checked {
            Ok(sentence) => sentence,
            Err(doubt) => {
                tracing::debug!(%doubt, "a sentence is left out");
                self.left_out += 1;
                return Ok(ControlFlow::Continue(()));
            }
        };
        if self.answer.sentences.iter().any(|said| said.text == sentence.text) {
            return Ok(ControlFlow::Continue(()));
        }
        self.look_again()?;
        if !self.lost.is_empty() {
            return Ok(ControlFlow::Break(()));
        }
        self.send(sentence)
    }

    /// The claim with its quotes, where its passages support it.
    fn check(&self, claim: Claim) -> Result<generate::Sentence, Doubt> {
        if claim.invented || claim.cited.is_empty() {
            return Err(Doubt::Uncited);
        }
        let cited: Vec<_> =
            claim.cited.iter().map(|place| (*place, self.brief.evidence[*place])).collect();
        let support = check::support(&claim.text, &cited, self.brief.meaning)?;
        Ok(generate::Sentence { text: claim.text, support })
    }

    /// Notices what the reader lost since the answer was begun.
    fn look_again(&mut self) -> Result<(), ApiError> {
        let now = self.app.ledger.clearance(self.clearance.reader())?;
        let gone = |place: &usize| !now.holds(self.passages[*place].place.version);
        self.lost.extend((0..self.passages.len()).filter(gone));
        Ok(())
    }

    /// Takes out of the whole answer what rests on a lost passage.
    fn cut(&mut self) {
        if self.lost.is_empty() {
            return;
        }
        let lost: BTreeSet<usize> = self
            .numbers
            .iter()
            .filter(|((passage, ..), _)| self.lost.contains(passage))
            .map(|(_, number)| *number)
            .collect();
        // The prompt holds the passages themselves.
        if let Some(prompt) = &mut self.answer.prompt {
            *prompt = None;
        }
        let rests = |citations: &[usize]| citations.iter().any(|number| lost.contains(number));
        self.answer.sentences.retain(|sentence| !rests(&sentence.citations));
        self.answer.citations.retain(|citation| !lost.contains(&citation.number));
        self.note("what you may see has changed while this was written; ask again");
    }

    /// Sends a sentence after its record and its citations.
    fn send(&mut self, draft: generate::Sentence) -> Result<ControlFlow<()>, ApiError> {
        let mut sentence = Sentence { text: draft.text, citations: Vec::new() };
        let mut cited = Vec::new();
        let mut new = Vec::new();
        for support in draft.support {
            let citation = cite(self.numbers.len() + 1, &self.passages[support.passage], support);
            let key = (support.passage, support.start, support.end);
            let number = *self.numbers.entry(key).or_insert_with(|| {
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
        let user = self.user();
        self.app.ledger.audit_sentence(&self.answer.id, &user, &sentence.text, &cited)?;
        self.answer.citations.extend(new.iter().cloned());
        self.answer.sentences.push(sentence.clone());
        let citations = new.into_iter().map(|citation| Event::Citation(Box::new(citation)));
        let mut events = citations.chain([Event::Sentence(sentence)]);
        let told = events.try_for_each(|event| self.brief.audience.tell(event));
        self.listened = told.is_continue();
        Ok(told)
    }

    /// The owner of the best matching source that is visible now, else the configured contact.
    fn contact(&self) -> Result<Option<String>, ApiError> {
        let seen = (0..self.passages.len()).find(|place| !self.lost.contains(place));
        if let Some(best) = seen
            && let Some(owner) = self.app.ledger.owner_of(&self.passages[best].document.source)?
        {
            return Ok(Some(owner.to_string()));
        }
        Ok(self.app.config.sources.contact.clone())
    }

    fn user(&self) -> String {
        self.clearance.reader().principal().to_string()
    }
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
