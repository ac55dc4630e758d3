//! What is looked at once the words of a claim are found: signs, units, persons, and, where a word is
//! missing, whether the one in its place means the same.

use super::align::{Alignment, Ground, Pairs};
use super::read::{Cell, Key, Placed, Preposition, Reading, Token};
use super::words::{DOCUMENTS, REPORTING};
use super::{Doubt, Grammar, Nearly};
use crate::generate::Meaning;
use crate::generate::extractive::OPPOSITES;
use crate::text::among;

/// What speaks against a claim whose words were all found.
pub(super) fn doubt(claim: &Reading, ground: &Ground<'_>, found: &Alignment) -> Option<Doubt> {
    enough(claim, found)
        .or_else(|| used_twice(ground.window, found))
        .or_else(|| units(claim, ground.window, found))
        .or_else(|| signs(claim, ground.window, found))
        .or_else(|| headers(ground.window, found))
        .or_else(|| persons(claim, ground.window))
        .or_else(|| reported(ground.window, found))
        .or_else(|| german_roles(claim, ground, found))
}

/// A claim must rest on the passage: on two words at least, or on all that its sentence has.
fn enough(claim: &Reading, found: &Alignment) -> Option<Doubt> {
    let matched = claim.tokens.iter().zip(&found.places).filter(|(_, place)| place.is_some());
    let telling = matched.filter(|(token, _)| !token.weak).count();
    (telling < 2).then_some(Doubt::Empty)
}

/// A date that is said once can't be taken apart for two places of the claim.
fn used_twice(text: &Reading, found: &Alignment) -> Option<Doubt> {
    let mut figures: Vec<usize> = found.places.iter().flatten().copied().collect();
    figures.retain(|&at| matches!(text.tokens[at].key, Key::Number(_) | Key::Date(_)));
    figures.sort_unstable();
    figures.windows(2).any(|pair| pair[0] == pair[1]).then_some(Doubt::Date)
}

/// A number keeps the unit that it has.
fn units(claim: &Reading, text: &Reading, found: &Alignment) -> Option<Doubt> {
    let unit = |tokens: &[Token], at: usize| {
        tokens.get(at).is_some_and(|token| matches!(token.key, Key::Unit(_)))
    };
    for (place, at) in found.places.iter().enumerate() {
        let Some(at) = *at else { continue };
        if !matches!(text.tokens[at].key, Key::Number(_)) {
            continue;
        }
        let has = |n: usize| found.places.get(place + n).copied().flatten() == Some(at + 1);
        let own = unit(&claim.tokens, place + 1);
        let adjoins =
            unit(&text.tokens, at + 1) && text.tokens[at + 1].segment == text.tokens[at].segment;
        if adjoins && !(has(1) || has(2)) {
            return Some(Doubt::Unit);
        }
        let adjective = found.places.get(place + 1).copied().flatten() == Some(at + 2);
        if own && !adjoins && !adjective && !range_ends_in_unit(text, at) {
            return Some(Doubt::Unit);
        }
    }
    None
}

/// A column's name is worth nothing without what the row has in it.
fn headers(text: &Reading, found: &Alignment) -> Option<Doubt> {
    let used =
        |cell: Cell| found.places.iter().flatten().any(|&at| text.tokens[at].cell == Some(cell));
    let empty = text.tokens.iter().any(|token| match token.cell {
        Some(Cell::Header(column)) => used(Cell::Header(column)) && !used(Cell::Value(column)),
        Some(Cell::Value(_)) | None => false,
    });
    empty.then_some(Doubt::Mixed)
}

/// `5 to 10 days`: the first number has the unit of the second.
fn range_ends_in_unit(text: &Reading, at: usize) -> bool {
    let key = |n: usize| text.tokens.get(at + n).map(|token| &token.key);
    matches!((key(1), key(2)), (Some(Key::Number(_)), Some(Key::Unit(_))))
}

/// Every sign of the claim must be in the text at the same words, and the other way round.
fn signs(claim: &Reading, text: &Reading, found: &Alignment) -> Option<Doubt> {
    let place = |at: Option<usize>| at.and_then(|at| found.places.get(at).copied().flatten());
    let mut open: Vec<&Placed> = text.signs.iter().collect();
    for own in &claim.signs {
        let next = place(Some(own.before));
        let last = place(own.before.checked_sub(1));
        let same = |seen: &&Placed| {
            let segment =
                |at: Option<usize>| at.is_some_and(|at| text.tokens[at].segment == seen.segment);
            seen.sign == own.sign
                && (next == Some(seen.before)
                    || (last.is_some() && last == seen.before.checked_sub(1))
                    || segment(next)
                    || segment(last))
        };
        // The nearest one first, so that two alike in a sentence are not exchanged.
        let exact = open.iter().position(|seen| same(seen) && next == Some(seen.before));
        let Some(at) = exact.or_else(|| open.iter().position(same)) else {
            return Some(own.sign.doubt());
        };
        open.remove(at);
    }
    let used = |at: usize| found.places.contains(&Some(at));
    let lost = open.iter().find(|seen| {
        let next = used(seen.before);
        let before =
            seen.before.checked_sub(1).filter(|&at| text.tokens[at].segment == seen.segment);
        let same_segment = text
            .tokens
            .iter()
            .enumerate()
            .any(|(at, token)| token.segment == seen.segment && used(at));
        let governs =
            seen.sign.rules_the_sentence() || next || before.is_some_and(used) || same_segment;
        governs && !seen.sign.may_be_dropped()
    });
    lost.map(|seen| seen.sign.doubt())
}

/// "He" for "she" is another person.
fn persons(claim: &Reading, text: &Reading) -> Option<Doubt> {
    let other = claim
        .genders
        .iter()
        .any(|gender| !text.genders.contains(gender) && !text.genders.is_empty());
    other.then_some(Doubt::Name)
}

/// A claim may hold a report whole. It may not take what is reported out of it: "Some believe that",
/// "Say that". A document that speaks of itself reports what it says.
fn reported(text: &Reading, found: &Alignment) -> Option<Doubt> {
    let used = |at: usize| found.places.contains(&Some(at));
    let first = found.places.iter().flatten().min().copied()?;
    let begin = text.tokens[..=first].iter().rposition(|token| token.lead.sentence).unwrap_or(0);
    let mut before = (begin..first).filter(|&at| !used(at));
    let reports = before.any(|at| {
        let word = |at: usize| text.tokens.get(at).map_or("", |token| token.lower.as_str());
        let document = at > begin && among(DOCUMENTS, word(at - 1));
        among(REPORTING, word(at)) && !document
    });
    reports.then_some(Doubt::Reported)
}

/// German verbs move freely, so the order that counts is that of the nouns.
fn german_roles(claim: &Reading, ground: &Ground<'_>, found: &Alignment) -> Option<Doubt> {
    if ground.grammar != Grammar::German {
        return None;
    }
    let nouns = claim.tokens.iter().zip(&found.places).filter(|(token, _)| !token.small);
    let nouns: Vec<(&Token, usize)> =
        nouns.filter_map(|(token, at)| at.map(|at| (token, at))).collect();
    let text = &ground.window.tokens;
    let turned = nouns.windows(2).any(|pair| {
        let [(before, last), (word, at)] = pair else { return false };
        let phrase = |claim: &Token, text: &Token| {
            claim.lead.preposition.is_some() && claim.lead.by_word == text.lead.by_word
        };
        let agent = |token: &Token| {
            matches!(token.lead.preposition, Some(Preposition::By | Preposition::Of))
        };
        let passive = agent(word) != agent(&text[*at]) || agent(before) != agent(&text[*last]);
        let free = word.lead.boundary
            || phrase(word, &text[*at])
            || phrase(before, &text[*last])
            || passive;
        at < last && text[*at].segment == text[*last].segment && !free
    });
    turned.then_some(Doubt::Roles)
}

/// How alike the vectors of two words must be, to be taken for one another.
const ALIKE: f32 = 0.72;

/// Pairs of words, one that the claim has alone and one that the text has in its place, which the
/// model takes for the same. Opposites and names are never asked about.
pub(super) fn pairs_alike(claim: &Reading, nearly: &[Nearly], meaning: Meaning<'_>) -> Pairs {
    let mut asked: Vec<(String, String)> = Vec::new();
    for near in nearly {
        let words_alone = near.alignment.doubts.iter().all(|doubt| *doubt == Doubt::Words);
        if !words_alone || near.alignment.doubts.is_empty() || near.alignment.doubts.len() > 3 {
            continue;
        }
        asked.extend(in_its_place(claim, near));
    }
    asked.sort();
    asked.dedup();
    asked.truncate(8);
    let texts: Vec<&str> =
        asked.iter().flat_map(|(own, seen)| [own.as_str(), seen.as_str()]).collect();
    let Some(vectors) = (!texts.is_empty()).then(|| meaning(&texts)).flatten() else {
        return Pairs::new();
    };
    let alike = |pair: &[Vec<f32>]| match pair {
        [one, other] => one.iter().zip(other).map(|(a, b)| a * b).sum::<f32>() >= ALIKE,
        _ => false,
    };
    let judged = asked.into_iter().zip(vectors.chunks(2));
    judged.filter(|(_, vectors)| alike(vectors)).map(|(pair, _)| pair).collect()
}

/// Words of the claim that were not found, each with the words of the text between the same two
/// neighbours.
fn in_its_place(claim: &Reading, near: &Nearly) -> Vec<(String, String)> {
    let places = &near.alignment.places;
    let mut pairs = Vec::new();
    for (place, token) in claim.tokens.iter().enumerate() {
        let plain = token.key == Key::Word && !token.sharp;
        if places[place].is_some() || !plain {
            continue;
        }
        let before = places[..place].iter().rev().flatten().next().copied();
        let after = places[place..].iter().flatten().next().copied();
        let from = before.map_or(0, |at| at + 1);
        let to = after.unwrap_or(near.text.tokens.len()).min(from + 4);
        for seen in near.text.tokens.get(from..to).unwrap_or_default() {
            let free = seen.key == Key::Word && !seen.sharp && !opposite(&token.lower, &seen.lower);
            if free {
                pairs.push((token.lower.clone(), seen.lower.clone()));
            }
        }
    }
    pairs
}

/// Whether two words are known to be opposites, or one is the other with a prefix that turns it.
fn opposite(one: &str, other: &str) -> bool {
    let listed = OPPOSITES.split(' ').filter_map(|pair| pair.split_once('/'));
    let starts = |word: &str, known: &str| word.starts_with(known) && word.len() <= known.len() + 3;
    let mut listed = listed.filter(|(a, b)| {
        (starts(one, a) && starts(other, b)) || (starts(one, b) && starts(other, a))
    });
    let turned = |long: &str, short: &str| {
        ["un", "in", "im", "ir", "il", "dis", "non", "mis", "de"]
            .iter()
            .any(|prefix| long.strip_prefix(prefix) == Some(short))
    };
    listed.next().is_some() || turned(one, other) || turned(other, one)
}
