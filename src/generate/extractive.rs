//! Answers a question without a language model, in sentences that the passages already hold.
//!
//! It promises that every sentence is a quote with its place, free of markup, and that it stays quiet
//! unless a sentence looks like it answers: a passage about the topic that does not state the fact
//! should give nothing. It writes nothing of its own, so it can't invent; and it can't read, so it is
//! fooled where a sentence has the question's words and another meaning.
//!
//! Passages are cut into units (`text/sentences.rs`), each unit is held against the question (`signs.rs`),
//! and the best one decides whether there is an answer at all.

mod amounts;
mod besides;
mod question;
mod signs;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::text::{Kind, Language};
pub(crate) use words::OPPOSITES;

use super::{Brief, Draft, Evidence, Failed, Generator, Meaning, Sentence, Usage};
use question::{Question, Reader};
use signs::{MEANING, Match, Page, Signs, Weights};

/// Only the best units by words are embedded, at a few milliseconds each, and readers wait for it. With
/// eight the right one came first in .741 of the questions, with four in .737, with three in .738.
const EMBEDDED: usize = 4;
/// An answer quotes at most this many units, besides those that they lean on.
const QUOTED: usize = 3;
/// A further unit is quoted, and authority decides, when it fits nearly as well as the best.
const CLOSE: f32 = 1.0;
/// A list is quoted in full up to this many characters.
const LIST: usize = 600;

/// The generator that needs no language model.
#[derive(Clone, Copy, Debug)]
pub struct Extractive {
    /// How sure it must be that a sentence answers the question, from 0 to 1.
    pub min_confidence: f32,
}

impl Generator for Extractive {
    fn name(&self) -> &str {
        "extractive"
    }

    fn room(&self, brief: &Brief<'_>) -> usize {
        brief.evidence.len()
    }

    fn spends(&self) -> bool {
        false
    }

    fn prompt(&self, _: &Brief<'_>) -> Option<String> {
        None
    }

    fn write(
        &self,
        brief: &Brief<'_>,
        take: &mut dyn FnMut(Draft) -> ControlFlow<()>,
    ) -> Result<Usage, Failed> {
        let sentences = answer(brief.searched, brief.evidence, brief.meaning, self.min_confidence);
        // Whoever breaks off knows why.
        let _: ControlFlow<()> = sentences.into_iter().map(Draft::Quoted).try_for_each(take);
        Ok(Usage::default())
    }
}

/// The language of a question as a tag: `de` or `en`.
#[must_use]
pub fn language(question: &str) -> &'static str {
    match Language::detect(question) {
        Language::English => "en",
        Language::German => "de",
    }
}

/// The sentences that answer the question; none when the evidence does not seem to hold an answer,
/// that is, when the best unit's confidence is below `min_confidence` (`signs.rs` says what to expect).
#[must_use]
pub fn answer(
    question: &str,
    evidence: &[Evidence<'_>],
    meaning: Option<Meaning<'_>>,
    min_confidence: f32,
) -> Vec<Sentence> {
    let (pages, candidates) = weigh(question, evidence, meaning);
    match candidates.first() {
        Some(best) if best.confidence >= min_confidence => compose(&pages, &candidates),
        _ => Vec::new(),
    }
}

/// A unit of a passage that may be part of the answer.
#[derive(Debug)]
struct Candidate {
    passage: usize,
    unit: usize,
    /// The unit that it can't be understood without.
    before: Option<usize>,
    signs: Signs,
    /// How well it fits, compared with the others.
    fit: f32,
    /// How likely it is that the question is answered, if this is the best there is.
    confidence: f32,
}

/// Holds every unit of the evidence against the question: the best ones, best first.
fn weigh(
    question: &str,
    evidence: &[Evidence<'_>],
    meaning: Option<Meaning<'_>>,
) -> (Vec<Page>, Vec<Candidate>) {
    let asked = Language::detect(question);
    let readers = [Reader::new(Language::English), Reader::new(Language::German)];
    let questions = readers.each_ref().map(|reader| Question::read(question, reader));
    let pages: Vec<Page> = evidence
        .iter()
        .map(|passage| {
            Page::read(passage, &readers[Language::of(passage.language, asked) as usize])
        })
        .collect();
    let weights = Weights::count(&pages);
    let best = evidence.iter().map(|passage| passage.score).fold(0.0, f32::max);
    let mut candidates = Vec::new();
    for (passage, page) in pages.iter().enumerate() {
        let question = &questions[page.language as usize];
        let search = if best > 0.0 { evidence[passage].score / best } else { 1.0 };
        let matching = Match::new(question, &weights, page, search);
        let units = page.units.iter().enumerate().filter(|(place, unit)| {
            !unit.text.ends_with('?')
                && (unit.kind != Kind::Code || question.wants_code)
                && !matching.besides(*place)
        });
        for (unit, _) in units {
            let signs = matching.signs(unit);
            let (fit, confidence) = (signs::fit(&signs, false), signs::confidence(&signs, false));
            let before = matching.antecedent(unit);
            candidates.push(Candidate { passage, unit, before, signs, fit, confidence });
        }
    }
    candidates.sort_by(|a, b| b.fit.total_cmp(&a.fit));
    candidates.truncate(EMBEDDED);
    if let Some(meaning) = meaning {
        compare_meaning(question, &pages, &mut candidates, meaning);
    }
    prefer_authority(evidence, &mut candidates);
    (pages, candidates)
}

/// Weighs the candidates again with the meaning of their texts.
fn compare_meaning(
    question: &str,
    pages: &[Page],
    candidates: &mut [Candidate],
    meaning: Meaning<'_>,
) {
    let texts: Vec<String> =
        candidates.iter().map(|found| pages[found.passage].in_full(found.unit)).collect();
    let asked = std::iter::once(question).chain(texts.iter().map(String::as_str));
    let Some(vectors) = meaning(&asked.collect::<Vec<_>>()) else { return };
    let Some((asked, vectors)) = vectors.split_first() else { return };
    for (found, vector) in candidates.iter_mut().zip(vectors) {
        found.signs[MEANING] = asked.iter().zip(vector).map(|(a, b)| a * b).sum();
        found.fit = signs::fit(&found.signs, true);
        found.confidence = signs::confidence(&found.signs, true);
    }
    candidates.sort_by(|a, b| b.fit.total_cmp(&a.fit));
}

/// Puts the unit of the highest authority first, among those that fit nearly as well as the best.
fn prefer_authority(evidence: &[Evidence<'_>], candidates: &mut [Candidate]) {
    let Some(best) = candidates.first().map(|found| found.fit) else { return };
    let close = candidates.iter().take_while(|found| found.fit > best - CLOSE);
    let authority = |found: &Candidate| evidence[found.passage].authority;
    // `max_by_key` takes the last of equals, so look from the end to keep the best fit.
    let places: Vec<i64> = close.map(authority).collect();
    let first = places.iter().enumerate().rev().max_by_key(|(_, authority)| **authority);
    if let Some((place, _)) = first {
        candidates[..=place].rotate_right(1);
    }
}

/// Quotes the best units and what they lean on: the passage of the best one first, and each passage
/// in its own order.
fn compose(pages: &[Page], candidates: &[Candidate]) -> Vec<Sentence> {
    let mut passages: Vec<usize> = Vec::new();
    let mut chosen: BTreeMap<(usize, usize), Sentence> = BTreeMap::new();
    let mut quoted: Vec<String> = Vec::new();
    let best = candidates.first().map_or(0.0, |found| found.fit);
    for found in candidates.iter().take_while(|found| found.fit > best - CLOSE) {
        let page = &pages[found.passage];
        let text = &page.units[found.unit].text;
        if let Some(same) = chosen.values_mut().find(|sentence| sentence.text == *text) {
            same.support.push(page.support(found.passage, found.unit));
            continue;
        }
        if quoted.len() == QUOTED || quoted.contains(text) {
            continue;
        }
        quoted.push(text.clone());
        let rank = passages.iter().position(|passage| *passage == found.passage);
        let rank = rank.unwrap_or_else(|| {
            passages.push(found.passage);
            passages.len() - 1
        });
        if let Some(before) = found.before {
            let sentence = page.sentence(found.passage, &[before]);
            chosen.entry((rank, before)).or_insert(sentence);
        }
        let parts = page.with_list(found.unit, LIST);
        chosen.insert((rank, found.unit), page.sentence(found.passage, &parts));
    }
    chosen.into_values().collect()
}
