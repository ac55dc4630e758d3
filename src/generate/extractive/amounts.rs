//! Amounts, and the side that they are open on: "up to 5,000 EUR", "more than six weeks".
//!
//! A row for amounts up to a limit says nothing of those above it, whatever words the two share. Amounts are
//! only compared where they count the same thing; where that is unclear, nothing is excluded.

use super::question::Word;

/// The numbers from one to another, of one unit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Amount {
    from: f64,
    to: f64,
    /// What is counted, as a stem; empty where no word follows the number.
    unit: String,
    /// The number as it stands among the words.
    pub(super) stem: String,
}

/// What is said before a number about the side that it bounds. The longer ones come first.
const BOUNDS: &[(&str, Side)] = &[
    (" no more than", Side::AtMost),
    (" not more than", Side::AtMost),
    (" nicht mehr als", Side::AtMost),
    (" no less than", Side::AtLeast),
    (" not less than", Side::AtLeast),
    (" maximum of", Side::AtMost),
    (" minimum of", Side::AtLeast),
    (" up to", Side::AtMost),
    (" at most", Side::AtMost),
    (" at least", Side::AtLeast),
    (" bis zu", Side::AtMost),
    (" less than", Side::Below),
    (" fewer than", Side::Below),
    (" weniger als", Side::Below),
    (" more than", Side::Above),
    (" mehr als", Side::Above),
    (" höchstens", Side::AtMost),
    (" maximal", Side::AtMost),
    (" bis", Side::AtMost),
    (" mindestens", Side::AtLeast),
    (" from", Side::AtLeast),
    (" ab", Side::AtLeast),
    (" under", Side::Below),
    (" below", Side::Below),
    (" unter", Side::Below),
    (" over", Side::Above),
    (" above", Side::Above),
    (" exceeding", Side::Above),
    (" exceeds", Side::Above),
    (" über", Side::Above),
    (" between", Side::Between),
    (" zwischen", Side::Between),
    (" von", Side::Between),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    AtMost,
    Below,
    AtLeast,
    Above,
    /// The next amount is its other end.
    Between,
}

impl Amount {
    /// The amounts of a text, in order.
    pub(super) fn all(words: &[Word]) -> Vec<Self> {
        let mut amounts: Vec<Self> = Vec::new();
        // Whether the amount before is open towards this one.
        let mut open = false;
        for (place, word) in words.iter().enumerate().filter(|(_, word)| word.number) {
            let Ok(value) = word.stem.parse() else { continue };
            let unit = words.get(place + 1).filter(|next| !next.number && !next.stop);
            let unit = unit.map_or_else(String::new, |next| next.stem.clone());
            let lower = |back: usize| place.checked_sub(back).map_or("", |at| &words[at].lower);
            if open
                && matches!(lower(1), "to" | "and" | "bis" | "und")
                && let Some(start) = amounts.last_mut()
            {
                start.to = value;
                if start.unit.is_empty() {
                    start.unit = unit;
                }
                open = false;
                continue;
            }
            let before = format!(" {} {} {}", lower(3), lower(2), lower(1));
            let side = BOUNDS.iter().find(|(said, _)| before.ends_with(said));
            let side = side.map(|(_, side)| *side);
            open = matches!(side, Some(Side::Between | Side::AtLeast));
            let (from, to) = match side {
                None | Some(Side::Between) => (value, value),
                Some(Side::AtMost) => (f64::NEG_INFINITY, value),
                Some(Side::Below) => (f64::NEG_INFINITY, value.next_down()),
                Some(Side::AtLeast) => (value, f64::INFINITY),
                Some(Side::Above) => (value.next_up(), f64::INFINITY),
            };
            amounts.push(Self { from, to, unit, stem: word.stem.clone() });
        }
        amounts
    }

    /// Whether it is open on a side, or has two ends.
    pub(super) fn bounded(&self) -> bool {
        self.from < self.to
    }

    /// Whether both count the same thing, as far as they say. A bare number is compared only where
    /// both say it: "2026" is no amount of anything.
    pub(super) fn comparable(&self, other: &Self) -> bool {
        let known = !self.unit.is_empty() && !other.unit.is_empty();
        if known { self.unit == other.unit } else { self.bounded() && other.bounded() }
    }

    /// Whether it holds for the other. One that is open on a side stands for its end: what holds above
    /// 40,000 alone does not answer for what is above 5,000, and what holds from 5,000 to 40,000 does.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let (from, to) = match (other.from.is_finite(), other.to.is_finite()) {
            (true, false) => (other.from, other.from),
            (false, true) => (other.to, other.to),
            _ => (other.from, other.to),
        };
        self.from <= from && to <= self.to
    }

    /// Whether this is the narrower one of two bands that both begin with the smallest amounts.
    pub(super) fn tighter(&self, other: &Self) -> bool {
        self.from == other.from && self.to < other.to
    }
}
