//! The small words that decide what a sentence claims: negations, quantifiers, bounds, duties.
//!
//! A claim must have the same ones as its evidence, at the same words. Leaving one out or adding one
//! makes another claim, even when every other word agrees.

use super::Doubt;

/// What a small word does to the words beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Sign {
    Not,
    Only,
    All,
    Some,
    Most,
    Many,
    Few,
    AtLeast,
    AtMost,
    More,
    Less,
    About,
    Exactly,
    Must,
    May,
    Should,
    Perhaps,
    Always,
    Often,
    Sometimes,
    Seldom,
    Except,
    Unless,
    If,
    Before,
    After,
    Until,
    Since,
    Within,
    During,
    Instead,
}

impl Sign {
    /// What is wrong when this sign is missing on one side.
    pub(super) fn doubt(self) -> Doubt {
        match self {
            Sign::Not | Sign::Except | Sign::Instead => Doubt::Negation,
            Sign::Before
            | Sign::After
            | Sign::Until
            | Sign::Since
            | Sign::Within
            | Sign::During => Doubt::Time,
            Sign::Must | Sign::May | Sign::Should | Sign::Perhaps => Doubt::Modality,
            Sign::If | Sign::Unless => Doubt::Condition,
            Sign::Only
            | Sign::All
            | Sign::Some
            | Sign::Most
            | Sign::Many
            | Sign::Few
            | Sign::AtLeast
            | Sign::AtMost
            | Sign::More
            | Sign::Less
            | Sign::About
            | Sign::Exactly
            | Sign::Always
            | Sign::Often
            | Sign::Sometimes
            | Sign::Seldom => Doubt::Quantity,
        }
    }

    /// A word that also joins phrases, and is this sign only before a number.
    pub(super) fn needs_number(word: &str) -> bool {
        crate::text::among(
            "about around over above under below since über unter etwa rund ca circa fast seit ab",
            word,
        )
    }

    /// Whether the evidence may have it and the claim not: what holds for all holds.
    pub(super) fn may_be_dropped(self) -> bool {
        matches!(self, Sign::All | Sign::Exactly)
    }

    /// Whether it stands before a noun as a preposition does.
    pub(super) fn leads_a_phrase(self) -> bool {
        let phrase =
            [Sign::Before, Sign::After, Sign::Until, Sign::Since, Sign::Within, Sign::During];
        phrase.contains(&self)
    }

    /// Whether a whole sentence depends on it, not the words beside it alone.
    pub(super) fn rules_the_sentence(self) -> bool {
        matches!(self, Sign::Except | Sign::Unless)
    }
}
