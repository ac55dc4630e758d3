//! The places of a passage that may support a claim, smallest first.

use std::collections::HashSet;
use std::ops::Range;

use super::align::{Alignment, Pairs, stands_for};
use super::read::{Key, Reader, Reading, Token};
use super::{Grammar, stems};
use crate::generate::{Evidence, Support};
use crate::text::{Kind, Language, Unit, units};

/// Units that are read as one text, in order.
#[derive(Clone, Debug)]
pub(super) struct Window {
    units: Vec<usize>,
}

impl Window {
    /// The same without units that nothing was matched in, apart from introductions.
    pub(super) fn used(&self, alignment: &Alignment, page: &Page) -> Window {
        let mut begin = 0;
        let mut units = Vec::new();
        for &unit in &self.units {
            let end = begin + page.readings[unit].tokens.len();
            if alignment.places.iter().flatten().any(|at| (begin..end).contains(at)) {
                units.push(unit);
            }
            begin = end;
        }
        Window { units }
    }
}

/// A passage, cut and read.
pub(super) struct Page {
    units: Vec<Unit>,
    readings: Vec<Reading>,
    /// The stems of title and headings.
    pub(super) context: HashSet<String>,
    /// The stems of the headings above each unit.
    headings: Vec<HashSet<String>>,
    /// Long forms and what they are shortened to.
    short_forms: Vec<(Vec<String>, Token)>,
}

/// Introductions are read with at most this many items of their list.
const ITEMS: usize = 12;
/// Adjoining sentences that are read as one text.
const ADJOINING: usize = 3;

impl Page {
    pub(super) fn read(passage: &Evidence<'_>, reader: &Reader) -> Self {
        let language = match reader.grammar {
            Grammar::German => Language::German,
            Grammar::English | Grammar::Unknown => Language::English,
        };
        let units = units(passage.text, language);
        let mut readings: Vec<Reading> = units.iter().map(|unit| reader.read(&unit.text)).collect();
        let short_forms = short_forms(&units, &readings, reader);
        for (unit, reading) in units.iter().zip(&mut readings) {
            if unit.kind == Kind::Row {
                reading.mark_cells(&unit.text, reader);
            }
            shorten(reading, &short_forms);
            // An item or a row goes on where its introduction ends.
            if unit.kind != Kind::Prose
                && let Some(first) = reading.tokens.first_mut()
            {
                first.lead.pronoun |= unit.lead.is_some_and(|lead| units[lead].text.ends_with(':'));
            }
        }
        let context = stems(reader, &format!("{} {}", passage.title, passage.heading));
        let headings = units.iter().map(|unit| stems(reader, &unit.heading)).collect();
        Self { units, readings, context, headings, short_forms }
    }

    /// A claim with the short forms of this passage in the place of the long ones.
    pub(super) fn shortened(&self, mut claim: Reading) -> Reading {
        shorten(&mut claim, &self.short_forms);
        claim
    }

    /// The window whose plain text is the claim, but for case and marks.
    pub(super) fn word_for_word(&self, claim: &str) -> Option<Window> {
        let wanted = letters(claim);
        if wanted.is_empty() {
            return None;
        }
        (0..self.units.len()).find_map(|first| {
            let mut said = String::new();
            for (count, unit) in self.units[first..].iter().take(ADJOINING).enumerate() {
                said.push_str(&letters(&unit.text));
                if said == wanted {
                    return Some(Window { units: (first..=first + count).collect() });
                }
            }
            None
        })
    }

    /// The unit that has exactly these words in this order.
    pub(super) fn same_words(&self, claim: &Reading) -> Option<Window> {
        let none = Pairs::new();
        let same = |reading: &Reading| {
            reading.tokens.len() == claim.tokens.len()
                && claim.tokens.iter().zip(&reading.tokens).all(|(claim, text)| {
                    claim.lower == text.lower && stands_for(claim, text, &none).is_some()
                })
        };
        let unit = self.readings.iter().position(same)?;
        Some(Window { units: vec![unit] })
    }

    /// The windows that have most words of the claim, the smallest first.
    pub(super) fn windows(&self, claim: &Reading, pairs: &Pairs) -> Vec<Window> {
        let has: Vec<u128> =
            self.readings.iter().map(|reading| mask(claim, reading, pairs)).collect();
        let excused = claim.tokens.iter().enumerate().filter(|(_, token)| {
            token.key == Key::Word
                && (token.weak
                    || self.context.contains(&token.stem)
                    || self.headings.iter().any(|heading| heading.contains(&token.stem)))
        });
        let excused = excused.fold(0u128, |mask, (place, _)| mask | 1 << place);
        let all = if claim.tokens.len() == 128 { u128::MAX } else { (1 << claim.tokens.len()) - 1 };
        let mut windows: Vec<(u32, Window)> = Vec::new();
        for units in self.groups() {
            let found = units.iter().fold(0, |mask, &unit| mask | has[unit]);
            // Every unit must add something, or a smaller window has the same.
            let needed = units.iter().all(|&unit| {
                let others = units.iter().filter(|&&other| other != unit);
                found & !others.fold(0, |mask, &other| mask | has[other]) != 0 || units.len() == 1
            });
            let missing = (all & !(found | excused)).count_ones();
            if found != 0 && (needed || units.len() <= 2) && missing <= 3 {
                windows.push((missing, Window { units }));
            }
        }
        windows.sort_by_key(|(missing, window)| (*missing, window.units.len()));
        windows.into_iter().take(24).map(|(_, window)| window).collect()
    }

    /// Single units, units with their introduction, whole lists, adjoining units.
    fn groups(&self) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (place, unit) in self.units.iter().enumerate() {
            groups.push(vec![place]);
            let introduced = unit.lead.filter(|&lead| self.units[lead].text.ends_with(':'));
            groups.extend(introduced.map(|lead| vec![lead, place]));
            if unit.text.ends_with(':') {
                let items = (place + 1..self.units.len())
                    .take_while(|&item| self.units[item].lead == Some(place))
                    .take(ITEMS);
                groups.push([place].into_iter().chain(items).collect());
            }
            for count in 2..=ADJOINING {
                if place + count <= self.units.len() {
                    groups.push((place..place + count).collect());
                }
            }
        }
        // Two rows of a table are two things.
        let rows = |units: &[usize]| {
            units.iter().filter(|&&unit| self.units[unit].kind == Kind::Row).count()
        };
        groups.retain(|units| rows(units) < 2);
        groups
    }

    /// The words of a window as one text.
    pub(super) fn reading(&self, window: &Window) -> Reading {
        let mut whole = Reading::default();
        for &unit in &window.units {
            whole.append(&self.readings[unit]);
        }
        whole
    }

    /// The stems that stand above a window: title, headings, its own headings.
    pub(super) fn around(&self, window: &Window) -> HashSet<String> {
        let mut around = self.context.clone();
        for &unit in &window.units {
            around.extend(self.headings[unit].iter().cloned());
        }
        around
    }

    /// The bytes of a window; adjoining units are one quote.
    pub(super) fn quotes(&self, passage: usize, window: &Window) -> Vec<Support> {
        let mut quotes: Vec<(usize, Range<usize>)> = Vec::new();
        for &unit in &window.units {
            let source = self.units[unit].source.clone();
            match quotes.last_mut() {
                Some((last, quote)) if *last + 1 == unit && quote.end <= source.start => {
                    (*last, quote.end) = (unit, source.end);
                }
                _ => quotes.push((unit, source)),
            }
        }
        quotes
            .into_iter()
            .map(|(_, quote)| Support { passage, start: quote.start, end: quote.end })
            .collect()
    }
}

/// Which words of a claim a text has.
fn mask(claim: &Reading, text: &Reading, pairs: &Pairs) -> u128 {
    let has =
        |token: &Token| text.tokens.iter().any(|seen| stands_for(token, seen, pairs).is_some());
    let places = claim.tokens.iter().enumerate().filter(|(_, token)| has(token));
    places.fold(0, |mask, (place, _)| mask | 1 << place)
}

/// Letters and digits alone, in lower case; the other characters as far as they count in numbers.
fn letters(text: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || "%€$£<>+=/".contains(*c);
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    let mut last = ' ';
    while let Some(c) = chars.next() {
        let inside_number = ".,:-".contains(c)
            && last.is_ascii_digit()
            && chars.peek().is_some_and(char::is_ascii_digit);
        let minus =
            c == '-' && !last.is_alphanumeric() && chars.peek().is_some_and(char::is_ascii_digit);
        if kept(&c) || inside_number || minus {
            out.extend(c.to_lowercase());
        } else if c.is_whitespace() && last.is_ascii_digit() {
            out.push(' ');
        }
        last = c;
    }
    out.trim_end().to_owned()
}

/// `Key Performance Indicator (KPI)`: what was written out once, and its short form.
fn short_forms(units: &[Unit], readings: &[Reading], reader: &Reader) -> Vec<(Vec<String>, Token)> {
    let mut forms = Vec::new();
    for (unit, reading) in units.iter().zip(readings) {
        for piece in unit.text.split('(').skip(1) {
            let Some((short, _)) = piece.split_once(')') else { continue };
            let letters: Vec<char> = short.to_lowercase().chars().collect();
            let capitals = short.chars().filter(|c| c.is_uppercase()).count();
            if !(2..=6).contains(&letters.len()) || capitals * 2 <= letters.len() {
                continue;
            }
            let lower = short.to_lowercase();
            let Some(at) = reading.tokens.iter().position(|token| token.lower == lower) else {
                continue;
            };
            let Some(begin) = at.checked_sub(letters.len()) else { continue };
            let words = &reading.tokens[begin..at];
            let initials = words.iter().map(|token| token.lower.chars().next());
            if initials.eq(letters.iter().copied().map(Some)) {
                let long = words.iter().map(|token| token.stem.clone()).collect();
                let token = reader.read(&format!("the {short}")).tokens.into_iter().next();
                forms.extend(token.map(|token| (long, token)));
            }
        }
    }
    forms
}

/// Puts the short form in the place of the long one, and once where both stand together.
fn shorten(reading: &mut Reading, forms: &[(Vec<String>, Token)]) {
    for (long, short) in forms {
        let mut at = 0;
        while at + long.len() <= reading.tokens.len() {
            let here = &reading.tokens[at..at + long.len()];
            if !here.iter().map(|token| &token.stem).eq(long) {
                at += 1;
                continue;
            }
            let both =
                reading.tokens.get(at + long.len()).is_some_and(|next| next.stem == short.stem);
            let gone = long.len() - 1 + usize::from(both);
            let first = &reading.tokens[at];
            let token = Token { segment: first.segment, lead: first.lead.clone(), ..short.clone() };
            reading.tokens[at] = token;
            reading.tokens.drain(at + 1..=at + gone);
            for placed in &mut reading.signs {
                if placed.before > at {
                    placed.before = placed.before.saturating_sub(gone).max(at + 1);
                }
            }
            at += 1;
        }
    }
}
