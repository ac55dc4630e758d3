//! The named things of a language, by their names: numbers, units, months, weekdays, ordinals.

use std::collections::HashMap;

use super::{Grammar, words};

/// Looks names up; made once for a check, since every word of a passage is asked about.
pub(super) struct Lexicon {
    pub(super) grammar: Grammar,
    numbers: HashMap<&'static str, u64>,
    units: HashMap<&'static str, usize>,
    months: HashMap<&'static str, usize>,
    days: HashMap<&'static str, usize>,
    ordinals: HashMap<&'static str, usize>,
}

impl Lexicon {
    pub(super) fn new(grammar: Grammar) -> Self {
        let numbers = match grammar {
            Grammar::English => words::ENGLISH_NUMBERS,
            Grammar::German => words::GERMAN_NUMBERS,
            Grammar::Unknown => "",
        };
        let pairs = numbers.split_whitespace().filter_map(|pair| pair.split_once('='));
        let numbers = pairs.filter_map(|(name, value)| Some((name, value.parse().ok()?)));
        Self {
            grammar,
            numbers: numbers.collect(),
            units: places(words::UNITS),
            months: places(words::MONTHS),
            days: places(words::DAYS),
            ordinals: places(words::ORDINALS),
        }
    }

    /// The value of a number that is written out: `sixteen`, `zwölf`, `fünfundzwanzig`.
    pub(super) fn number(&self, lower: &str) -> Option<u64> {
        let known = |word: &str| self.numbers.get(word).copied();
        known(lower).or_else(|| {
            let (ones, tens) =
                lower.split_once("und").filter(|_| self.grammar == Grammar::German)?;
            let ones = if ones == "ein" { 1 } else { known(ones)? };
            let round = |tens: &u64| tens.is_multiple_of(10) && *tens < 100 && ones < 10;
            known(tens).filter(round).map(|tens| tens + ones)
        })
    }

    /// The number of a month, by its name or its short form.
    pub(super) fn month(&self, lower: &str) -> Option<u32> {
        let place = self.months.get(lower.trim_end_matches('.'))?;
        u32::try_from(place + 1).ok()
    }

    /// The place of a unit in [`words::UNITS`].
    pub(super) fn unit(&self, name: &str) -> Option<usize> {
        self.units.get(name).copied()
    }

    /// The place of a weekday or a season in [`words::DAYS`].
    pub(super) fn day(&self, lower: &str) -> Option<usize> {
        self.days.get(lower).copied()
    }

    /// The place of an ordinal in [`words::ORDINALS`].
    pub(super) fn ordinal(&self, lower: &str) -> Option<usize> {
        self.ordinals.get(lower).copied()
    }
}

/// Every name with the place of its entry; the first entry that has a name keeps it.
fn places(list: &'static str) -> HashMap<&'static str, usize> {
    let mut places = HashMap::new();
    for (place, names) in list.split_whitespace().enumerate() {
        for name in names.split('/') {
            places.entry(name).or_insert(place);
        }
    }
    places
}
