//! Lays a claim beside the text that should support it, word by word.
//!
//! Each content word of the claim must stand in the text, and in an order that keeps who does what to
//! whom. Words may be left out; what follows a gap must go on where the text goes on, at the start of
//! a piece between commas and conjunctions, so that the head of one clause can't take the tail of
//! another. Moving back is allowed for whole pieces, phrases with a preposition, a passive, a genitive.
//!
//! The cheapest way to lay them is found by dynamic programming; what it can't avoid are the doubts.

use std::collections::HashSet;

use super::read::{Key, Preposition, Reading, Token};
use super::{Doubt, Grammar};

/// Pairs of words, claim first, that were found to mean the same.
pub(super) type Pairs = HashSet<(String, String)>;

/// What a claim is laid beside.
pub(super) struct Ground<'a> {
    pub(super) grammar: Grammar,
    pub(super) window: &'a Reading,
    /// The stems of title and headings.
    pub(super) context: &'a HashSet<String>,
    pub(super) pairs: &'a Pairs,
}

/// How a claim lies.
#[derive(Clone, Debug, Default)]
pub(super) struct Alignment {
    /// For each word of the claim, the word of the text that stands for it.
    pub(super) places: Vec<Option<usize>>,
    /// What is wrong; empty when nothing is.
    pub(super) doubts: Vec<Doubt>,
    pub(super) cost: f32,
}

/// A doubt costs more than any way around it.
const DOUBT: f32 = 100.0;
/// A word that only the heading has, or that says little.
const BESIDE: f32 = 0.3;
const SYNONYM: f32 = 0.2;
const LEFT_OUT: f32 = 0.02;
const ACROSS: f32 = 0.2;
const BACK: f32 = 0.5;

/// Whether one word stands for another, and what that costs.
pub(super) fn stands_for(claim: &Token, text: &Token, pairs: &Pairs) -> Option<f32> {
    let same = match (&claim.key, &text.key) {
        (Key::Date(claim), Key::Date(text)) => claim.within(text),
        (Key::Number(number), Key::Date(date)) => {
            date.year.is_some_and(|year| year.to_string() == *number)
        }
        (Key::Word, Key::Word) => return same_word(claim, text, pairs),
        (Key::Word, Key::Code) | (Key::Code, Key::Word | Key::Code) => claim.lower == text.lower,
        (claim, text) => claim == text,
    };
    same.then_some(0.0)
}

fn same_word(claim: &Token, text: &Token, pairs: &Pairs) -> Option<f32> {
    if claim.stem == text.stem {
        return Some(0.0);
    }
    let named = claim.sharp || text.sharp;
    let group = claim.groups.iter().any(|group| text.groups.contains(group));
    if group && !named {
        return Some(SYNONYM);
    }
    let pair = || pairs.contains(&(claim.lower.clone(), text.lower.clone()));
    (!pairs.is_empty() && !named && pair()).then_some(2.0 * SYNONYM)
}

/// One way to lay the first words of a claim.
#[derive(Clone)]
struct Way {
    cost: f32,
    doubts: Vec<Doubt>,
    /// The word of the claim and of the text that was matched before.
    before: Option<(usize, usize)>,
}

/// Finds the best way to lay a claim.
pub(super) fn align(claim: &Reading, ground: &Ground<'_>) -> Alignment {
    let lay = Lay { claim: &claim.tokens, text: &ground.window.tokens, ground };
    let mut ways: Vec<Vec<(usize, Way)>> = Vec::with_capacity(claim.tokens.len());
    for (place, token) in claim.tokens.iter().enumerate() {
        let mut here = Vec::new();
        for (at, seen) in lay.text.iter().enumerate() {
            let Some(cost) = stands_for(token, seen, ground.pairs) else { continue };
            let mut best = lay.go(None, place, at);
            for (earlier, known) in ways.iter().enumerate() {
                for (from, way) in known {
                    if *from == at {
                        continue;
                    }
                    let mut step = lay.go(Some((earlier, *from)), place, at);
                    let came_back = way.before.is_some_and(|(_, before)| before > *from);
                    if came_back && at < *from && !lay.free_move(earlier, place, *from, at) {
                        step.cost += DOUBT;
                        step.doubts.push(Doubt::Roles);
                    }
                    if way.cost + step.cost < best.cost {
                        best = step;
                        best.cost += way.cost;
                    }
                }
            }
            best.cost += cost;
            here.push((at, best));
        }
        ways.push(here);
    }
    lay.finish(&ways)
}

struct Lay<'a> {
    claim: &'a [Token],
    text: &'a [Token],
    ground: &'a Ground<'a>,
}

impl Lay<'_> {
    /// Takes the cheapest way to the end and follows it back.
    fn finish(&self, ways: &[Vec<(usize, Way)>]) -> Alignment {
        let mut best = self.unmatched(0, self.claim.len());
        best.before = None;
        for (place, known) in ways.iter().enumerate() {
            for (at, way) in known {
                let mut end = self.unmatched(place + 1, self.claim.len());
                if let Some(doubt) = self.replaced_at_the_end(place, *at) {
                    end.cost += DOUBT;
                    end.doubts.push(doubt);
                }
                end.cost += way.cost;
                if end.cost < best.cost {
                    best = Way { before: Some((place, *at)), ..end };
                }
            }
        }
        let mut places = vec![None; self.claim.len()];
        let mut doubts = best.doubts;
        let mut before = best.before;
        while let Some((place, at)) = before {
            places[place] = Some(at);
            let way = ways[place].iter().find(|(known, _)| *known == at).map(|(_, way)| way);
            let Some(way) = way else { break };
            doubts.extend(way.doubts.iter().copied());
            before = way.before;
        }
        doubts.reverse();
        Alignment { places, doubts, cost: best.cost }
    }

    /// From the word matched before to this one.
    fn go(&self, before: Option<(usize, usize)>, place: usize, at: usize) -> Way {
        let first = before.map_or(0, |(earlier, _)| earlier + 1);
        let mut way = self.unmatched(first, place);
        way.before = before;
        match self.step(before, place, at) {
            Ok(cost) => way.cost += cost,
            Err(doubt) => {
                way.cost += DOUBT;
                way.doubts.push(doubt);
            }
        }
        if place > first && self.replaces(before.map(|(_, from)| from), at) {
            way.cost += DOUBT;
            way.doubts.push(Doubt::Words);
        }
        way
    }

    /// Words of the claim that the text lacks: the context has them, or they say little, or they are
    /// a doubt.
    fn unmatched(&self, from: usize, to: usize) -> Way {
        let mut way = Way { cost: 0.0, doubts: Vec::new(), before: None };
        for token in &self.claim[from..to] {
            if self.excused(token) {
                way.cost += BESIDE;
            } else {
                way.cost += DOUBT;
                way.doubts.push(missing(token));
            }
        }
        way
    }

    /// A word that the text has must be found there; a heading can't lend it to another place.
    fn excused(&self, token: &Token) -> bool {
        let above = || {
            self.ground.context.contains(&token.stem)
                && !self.text.iter().any(|seen| seen.stem == token.stem)
        };
        token.key == Key::Word && (token.weak || above())
    }

    /// Whether words that the text has between two places make room for others: then what the claim
    /// put there replaces them. Whole pieces in between are merely left out.
    fn replaces(&self, from: Option<usize>, to: usize) -> bool {
        if self.text[to].cell.is_some() {
            return false;
        }
        let from = from.filter(|&from| from < to);
        let begin = self.start_of_segment(to).max(from.map_or(0, |from| from + 1));
        let rest = from.map_or(&[][..], |from| {
            let segment = self.text[from].segment;
            let end =
                self.text[from..to].iter().take_while(|token| token.segment == segment).count();
            &self.text[from + 1..from + end]
        });
        rest.iter().chain(&self.text[begin..to]).any(|token| !token.weak)
    }

    /// The same behind the last match: a phrase with a preposition in the place of another one.
    fn replaced_at_the_end(&self, place: usize, at: usize) -> Option<Doubt> {
        let added = self.claim.get(place + 1)?;
        let left_out =
            self.text.get(at + 1).filter(|left| left.segment == self.text[at].segment)?;
        let alike = added.lead.preposition == left_out.lead.preposition;
        (alike && !left_out.weak).then_some(Doubt::Words)
    }

    fn start_of_segment(&self, at: usize) -> usize {
        let segment = self.text[at].segment;
        self.text[..at]
            .iter()
            .rposition(|token| token.segment != segment)
            .map_or(0, |last| last + 1)
    }

    fn opens(&self, at: usize) -> bool {
        at == 0 || self.text[at - 1].segment != self.text[at].segment
    }

    /// Whether the claim has a break between two of its words.
    fn breaks(&self, from: usize, to: usize) -> bool {
        self.claim[from + 1..=to].iter().any(|token| token.lead.boundary)
    }

    /// What it costs to go on in the text at this word, or why the claim may not.
    fn step(&self, before: Option<(usize, usize)>, place: usize, at: usize) -> Result<f32, Doubt> {
        let (word, seen) = (&self.claim[place], &self.text[at]);
        if opposed(word.lead.preposition, seen.lead.preposition) {
            return Err(Doubt::Roles);
        }
        let Some((earlier, from)) = before else { return self.begin(word, at) };
        // A row says one thing; its cells have no order.
        if self.text[from].cell.is_some() && seen.cell.is_some() {
            return Ok(LEFT_OUT);
        }
        if at < from {
            return if self.may_go_back(earlier, place, from, at) {
                Ok(BACK)
            } else {
                Err(Doubt::Roles)
            };
        }
        let by = |token: &Token| token.lead.preposition == Some(Preposition::By);
        if self.text[from].segment == seen.segment {
            if by(word) != by(seen) && (word.key == Key::Word) {
                return Err(Doubt::Roles);
            }
            return match self.jumps_over_its_like(from, at, word) {
                Some(doubt) => Err(doubt),
                None => Ok(LEFT_OUT * (at - from - 1) as f32),
            };
        }
        let skipped = LEFT_OUT * (at - from - 1) as f32;
        if let Some(doubt) = self.jumps_over_its_like(from, at, word) {
            return Err(doubt);
        }
        let joined = self.claim[earlier + 1..=place].iter().any(|token| token.lead.joins);
        let goes_on = seen.lead.sentence && (seen.lead.pronoun || joined);
        let whole = !self.leaves_sentence(from, at) || goes_on;
        match self.opens(at) && whole {
            true => Ok(ACROSS + skipped),
            false => Err(Doubt::Mixed),
        }
    }

    /// Whether a new sentence that stands for itself begins between two words of the text.
    fn leaves_sentence(&self, from: usize, at: usize) -> bool {
        self.text[from + 1..=at].iter().any(|token| token.lead.sentence)
    }

    /// The first match: a claim starts where a piece starts, or drops what only describes.
    fn begin(&self, word: &Token, at: usize) -> Result<f32, Doubt> {
        let seen = &self.text[at];
        let (own, other) = (word.lead.preposition, seen.lead.preposition);
        if (self.opens(at) && !figure(seen)) || own == other || other == Some(Preposition::By) {
            return Ok(0.0);
        }
        match other {
            None | Some(Preposition::Place) => Ok(BACK),
            Some(_) => Err(Doubt::Words),
        }
    }

    /// `5 euros for members and 3 for guests`: a number may not jump over its like into its place.
    fn jumps_over_its_like(&self, from: usize, at: usize, word: &Token) -> Option<Doubt> {
        let seen = &self.text[at];
        let alike = (from + 1..at).any(|left_out| {
            let token = &self.text[left_out];
            let here = token.segment == seen.segment && seen.segment == self.text[from].segment;
            figure(token)
                && token.lead.preposition == seen.lead.preposition
                && (here || (self.opens(left_out) && self.opens(at)))
        });
        (alike && figure(word)).then_some(Doubt::Number)
    }

    /// Moves of whole pieces, and passives: they can follow each other.
    fn free_move(&self, earlier: usize, place: usize, from: usize, at: usize) -> bool {
        let (word, seen) = (&self.claim[place], &self.text[at]);
        let same = seen.lead.preposition == word.lead.preposition
            && seen.lead.by_word == word.lead.by_word;
        let same_phrase = seen.lead.preposition.is_some() && same;
        let moved = self.opens(at) && (!figure(seen) || same);
        let fronted = self.claim[0].lead.preposition.is_some() && earlier < 6 && seen.lead.sentence;
        (self.breaks(earlier, place) && (moved || same_phrase))
            || (self.opens(at) && same_phrase)
            || fronted
            || self.turned(earlier, place, from, at)
    }

    /// Whether the claim may go on at an earlier word of the text: a piece was moved, or two
    /// neighbours changed places, `owner of the policy` for `policy owner`.
    fn may_go_back(&self, earlier: usize, place: usize, from: usize, at: usize) -> bool {
        let (last, word) = (&self.claim[earlier], &self.claim[place]);
        let (left, seen) = (&self.text[from], &self.text[at]);
        let number = |token: &Token| matches!(token.key, Key::Number(_));
        if number(last) && number(word) {
            return false;
        }
        let near = from - at == 1 && left.segment == seen.segment;
        let beside = |token: &Token| {
            matches!(token.lead.preposition, Some(Preposition::Of | Preposition::Place))
        };
        let genitive = near && beside(word) && left.lead.preposition.is_none();
        let compound = near && beside(left) && word.lead.preposition.is_none();
        let adverb = near && (last.lower.ends_with("ly") || word.lower.ends_with("ly"));
        let german = self.ground.grammar == Grammar::German
            && left.segment == seen.segment
            && (last.small || word.small);
        self.free_move(earlier, place, from, at) || genitive || compound || adverb || german
    }

    /// `B is approved by A` for `A approves B`, and the other way round.
    fn turned(&self, earlier: usize, place: usize, from: usize, at: usize) -> bool {
        let german = self.ground.grammar == Grammar::German;
        let by = |token: &Token| match token.lead.preposition {
            Some(Preposition::By) => true,
            Some(Preposition::Of) => german,
            _ => false,
        };
        let (word, left, seen) = (&self.claim[place], &self.text[from], &self.text[at]);
        let into_passive = (word.lead.be && !seen.lead.be) || (by(word) && !by(seen));
        let last = &self.claim[earlier];
        let out_of_passive =
            (by(left) && !by(last) && seen.lead.be) || (left.lead.be && !last.lead.be);
        into_passive || out_of_passive
    }
}

fn figure(token: &Token) -> bool {
    matches!(token.key, Key::Number(_) | Key::Date(_) | Key::Time(_))
}

/// Prepositions that turn a sentence around when they are exchanged.
fn opposed(one: Option<Preposition>, other: Option<Preposition>) -> bool {
    use Preposition::{From, Over, To, Under};
    matches!(
        (one, other),
        (Some(To), Some(From))
            | (Some(From), Some(To))
            | (Some(Over), Some(Under))
            | (Some(Under), Some(Over))
    )
}

/// The doubt about a word that the text does not have.
fn missing(token: &Token) -> Doubt {
    match token.key {
        Key::Number(_) | Key::Ordinal(_) => Doubt::Number,
        Key::Unit(_) => Doubt::Unit,
        Key::Date(_) | Key::Time(_) | Key::Day(_) => Doubt::Date,
        Key::Code => Doubt::Name,
        Key::Word if token.sharp => Doubt::Name,
        Key::Word => Doubt::Words,
    }
}
