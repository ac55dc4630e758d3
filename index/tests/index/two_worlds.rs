//! Promise 13: what you may not see does not change what you see.
//!
//! The same documents are indexed in companies that differ in everything a reader can't see: hidden
//! documents with the same words and even the same text, old versions, other numbers, other commits,
//! other segments, deletes at other times. Every search must give the same bits.

use std::sync::RwLock;

use vouch_index::search::{Generation, Mode, Query, search};
use vouch_index::vectors::{Exact, Store};

use crate::company::{Company, DIMENSIONS, Dice, Piece, scattered};

const DOCUMENTS: u64 = 130;
const QUESTIONS: u64 = 200;

/// Which documents a company has.
#[derive(Clone, Copy, PartialEq)]
enum Holds {
    /// Those that Tim sees: a tenth of what Ann sees.
    Tims,
    /// Those that Ann sees.
    Anns,
    /// Those, and as many that only Zoe sees.
    All,
}

/// A word; small numbers are frequent, as in a language.
fn word(dice: &mut Dice) -> String {
    let most = 1 + dice.roll(400);
    format!("word{}", dice.roll(most))
}

/// The chunks of one document. Some documents have the text of another one, so that scores tie.
fn pieces(seed: u64, no: u64) -> Vec<Piece> {
    let no = if no % 6 == 5 { no - 5 } else { no };
    let mut dice = Dice::new(seed * 10_000 + no);
    (0..1 + dice.roll(4))
        .map(|chunk| {
            let words = 3 + dice.roll(60);
            let text: Vec<String> = (0..words).map(|_| word(&mut dice)).collect();
            let windows = 1 + dice.roll(3);
            Piece {
                text: text.join(" "),
                windows: (0..windows)
                    .map(|window| scattered(seed + no * 100 + chunk * 10 + window))
                    .collect(),
            }
        })
        .collect()
}

struct World {
    company: Company,
    generation: Generation,
}

/// Builds a company. `way` decides about everything that must not count.
fn build(seed: u64, holds: Holds, way: u64) -> World {
    let company = Company::new();
    company.source("archive");
    let store = Store::Embedded(RwLock::new(Exact::new(DIMENSIONS)));
    let generation = company.open(store);
    let mut dice = Dice::new(way);
    for no in 0..DOCUMENTS {
        if holds == Holds::All {
            hidden(&company, &mut dice, seed, no);
        }
        if holds == Holds::Tims && no % 10 != 0 {
            continue;
        }
        let id = format!("handbook/{no}");
        let who: &[&str] = match no % 10 {
            0 => &["user:ann", "user:tim"],
            _ => &["user:ann"],
        };
        if holds == Holds::All && dice.roll(3) == 0 {
            // An earlier version that nobody sees any more.
            company.document(&id, who, &pieces(seed, no + 5_000));
            if dice.roll(2) == 0 {
                company.follow(&generation);
            }
        }
        let version = company.words(&id, who, &pieces(seed, no));
        if dice.roll(2) == 0 {
            company.follow(&generation);
        }
        company.embed(version, &pieces(seed, no));
        if dice.roll(8) == 0 {
            company.follow_words(&generation, 1 + dice.roll(5) as usize);
        }
    }
    if holds == Holds::All {
        for no in (0..DOCUMENTS).filter(|no| no % 7 == 0) {
            company.delete(&format!("archive/{no}"));
        }
        // Hidden by their rule alone: they were everybody's when they were indexed.
        for no in 0..10 {
            let id = format!("handbook/once-open-{no}");
            company.document(&id, &["everyone"], &pieces(seed, no));
            company.follow(&generation);
            company.allow(&id, &["user:zoe"]);
        }
    }
    company.follow(&generation);
    World { company, generation }
}

/// A document that only Zoe sees: with words of its own order, or the very text of a visible one.
fn hidden(company: &Company, dice: &mut Dice, seed: u64, no: u64) {
    let like = if dice.roll(3) == 0 { no } else { no + 20_000 };
    company.document(&format!("archive/{no}"), &["user:zoe"], &pieces(seed, like));
}

struct Question {
    text: String,
    vector: Vec<f32>,
    limit: usize,
}

fn question(seed: u64, no: u64) -> Question {
    let mut dice = Dice::new(seed * 77_777 + no);
    let words: Vec<String> = (0..1 + dice.roll(6)).map(|_| word(&mut dice)).collect();
    Question {
        text: words.join(" "),
        // Every other question lies where a chunk lies, so that chunks of equal text come first.
        vector: match no % 2 {
            0 => scattered(seed + dice.roll(DOCUMENTS) * 100),
            _ => scattered(no + 999_999),
        },
        limit: [1, 5, 20, 300][dice.roll(4) as usize],
    }
}

/// Everything that a reader gets, to the bit.
fn found(world: &World, user: &str, question: &Question, mode: Mode) -> Vec<String> {
    let query = Query {
        text: &question.text,
        vector: Some(&question.vector),
        mode,
        limit: question.limit,
        meaning_weight: 0.4,
    };
    let clearance = world.company.clearance(user);
    let found = search(&world.company.ledger, &world.generation, &clearance, &query).unwrap();
    assert_eq!(found.words_only, None);
    found
        .passages
        .iter()
        .map(|passage| {
            let bits = passage.score.to_bits();
            let chunk = passage.place.chunk;
            format!("{bits:08x} {}#{chunk} {}", passage.document, passage.text)
        })
        .collect()
}

/// Asks everything in every mode; returns how many passages were compared.
fn compare(user: &str, seed: u64, worlds: &[&World]) -> usize {
    let mut passages = 0;
    for no in 0..QUESTIONS {
        let question = question(seed, no);
        for mode in [Mode::Words, Mode::Meaning, Mode::Fused] {
            let expected = found(worlds[0], user, &question, mode);
            for world in &worlds[1..] {
                let got = found(world, user, &question, mode);
                assert!(
                    expected == got,
                    "seed {seed}, question {no} of {user}, {mode:?}:\n{expected:#?}\n{got:#?}"
                );
            }
            // The same question always gives the same order.
            assert_eq!(found(worlds[0], user, &question, mode), expected);
            passages += expected.len();
        }
    }
    passages
}

#[test]
fn promise_13_hidden_documents_change_no_bit() {
    for seed in [3, 11] {
        let tims = build(seed, Holds::Tims, seed);
        let anns = build(seed, Holds::Anns, seed + 1);
        let all = build(seed, Holds::All, seed + 2);
        assert!(all.company.clearance("zoe").len() > 100, "there is something to hide");
        let compared = compare("ann", seed, &[&anns, &all]);
        assert!(compared > 10_000, "{compared} passages are too few to mean anything");
        let compared = compare("tim", seed, &[&tims, &anns, &all]);
        assert!(compared > 2_000, "{compared} passages are too few to mean anything");
    }
}

/// The test would notice: a reader who sees more gets other scores.
#[test]
fn the_two_worlds_differ_for_who_sees_the_difference() {
    let anns = build(3, Holds::Anns, 1);
    let all = build(3, Holds::All, 2);
    let differ = (0..QUESTIONS)
        .map(|no| question(3, no))
        .filter(|question| {
            found(&anns, "ann", question, Mode::Words) != found(&all, "zoe", question, Mode::Words)
        })
        .count();
    assert!(differ > 100, "{differ} of {QUESTIONS}");
}
