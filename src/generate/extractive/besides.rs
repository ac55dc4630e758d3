//! What can't be the answer, whatever words it shares with the question.
//!
//! A sentence for employees says nothing of contractors, a section on sick children nothing of sick days, and
//! a row for amounts up to 5,000 nothing of those above. No other sign makes up for that, so such units
//! are not weighed at all.

use super::amounts::Amount;
use super::question::Word;
use super::signs::Match;
use super::words;
use crate::text::{Kind, among};

impl Match<'_> {
    /// Whether a unit can't be the answer, whatever words it shares with the question: it speaks of amounts
    /// that are not asked about, or not of the group of people that is.
    pub(super) fn besides(&self, unit: usize) -> bool {
        self.of_others(unit) || self.of_other_amounts(unit)
    }

    fn of_others(&self, unit: usize) -> bool {
        let named = |group: &&str| self.named(unit, group);
        let everybody = names(&self.page.words[unit], words::EVERYBODY);
        let children = names(self.page.heading_words(unit), words::CHILDREN);
        (children && !self.question.children)
            || (!everybody && !self.question.groups.iter().all(named))
    }

    /// Whether the unit, what introduces it or a heading above it names a group.
    fn named(&self, unit: usize, group: &str) -> bool {
        let near = [&self.page.words[unit], &self.page.around[unit], self.page.lead_words(unit)];
        near.iter().any(|words| names(words, group))
    }

    fn of_other_amounts(&self, unit: usize) -> bool {
        let band = matches!(self.page.units[unit].kind, Kind::Row | Kind::Item);
        self.question.amounts.iter().any(|asked| {
            // "May I spend more than 100 EUR?" is answered by "up to 100 EUR".
            let counts = band || (asked.bounded() && !self.question.whether);
            let mut said = self.bands(unit, asked).peekable();
            let any = counts && said.peek().is_some();
            any && (!said.any(|said| said.covers(asked))
                || (band && self.narrower_band(unit, asked)))
        })
    }

    /// The amounts of a unit that a question's amount may lie in.
    fn bands(&self, unit: usize, asked: &Amount) -> impl Iterator<Item = &Amount> {
        let said = self.page.amounts[unit].iter();
        said.filter(|said| said.bounded() && said.comparable(asked))
    }

    /// Whether a neighbour in the same table or list is for smaller amounts, the one asked about included:
    /// of "up to 500" and "up to 5,000" the first holds for 300.
    fn narrower_band(&self, unit: usize, asked: &Amount) -> bool {
        let this = &self.page.units[unit];
        let Some(band) = self.bands(unit, asked).find(|band| band.covers(asked)) else {
            return false;
        };
        (0..self.page.units.len()).any(|other| {
            let beside = &self.page.units[other];
            beside.kind == this.kind
                && beside.heading == this.heading
                && self.bands(other, asked).any(|near| near.covers(asked) && near.tighter(band))
        })
    }

    /// Whether a unit says a term in other words: an amount that its number lies in, or another name of
    /// the same group.
    pub(super) fn said_otherwise(&self, unit: usize, term: usize) -> bool {
        let word = &self.question.terms[term].word;
        let mut amounts = self.question.amounts.iter().filter(|asked| asked.stem == word.stem);
        let mut groups = self.question.groups.iter().filter(|group| among(group, &word.lower));
        amounts.any(|asked| self.bands(unit, asked).any(|said| said.covers(asked)))
            || groups.any(|group| self.named(unit, group))
    }
}

/// Whether any of the words is on the list.
fn names(words: &[Word], list: &str) -> bool {
    words.iter().any(|word| among(list, &word.lower))
}
