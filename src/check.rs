//! Whether passages support what a language model says of them.
//!
//! A claim is believed when every content word of it stands in one place of a cited passage (a
//! sentence, a list item with its introduction, a table row, a few adjoining sentences), in an order
//! that keeps who does what, with the same numbers, units, dates and names, and with the same small
//! words that turn a sentence around (`signs.rs`). Other writings of a number or a date, inflection,
//! a list of synonyms, clauses in another order, a passive are allowed. What a passage does not say is
//! refused even where it is true; of two mistakes, dropping a true sentence is the smaller one.
//!
//! The checks are rules that can be named: each refusal has a [`Doubt`]. The embedding model is asked
//! for one thing alone, whether two words in the same place of the sentence mean the same.

mod align;
mod claim;
mod lexicon;
mod numbers;
mod read;
mod scan;
mod signs;
#[cfg(test)]
mod tests;
mod verdict;
mod windows;
mod words;

use std::collections::HashSet;

use crate::generate::{Evidence, Meaning, Support};
use crate::text::Language;
use align::{Alignment, Ground, Pairs, align};
use read::{Reader, Reading};
use windows::{Page, Window};

/// Why a sentence is not let out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Doubt {
    /// It cites nothing, or nothing that it was given.
    #[error("it cites nothing that it was given")]
    Uncited,
    /// It says nothing that could be looked up.
    #[error("it says nothing that could be looked up")]
    Empty,
    /// A number that the passages do not have there.
    #[error("a number is not in the passages, or not there")]
    Number,
    /// A number with another unit.
    #[error("a number has another unit")]
    Unit,
    /// A date, a weekday or a time that the passages do not have there.
    #[error("a date or a time is not in the passages, or not there")]
    Date,
    /// A name, a place or a code that the passages do not have.
    #[error("a name is not in the passages")]
    Name,
    /// A negation or an exception more or less.
    #[error("a negation or an exception is added or left out")]
    Negation,
    /// "All", "only", "at least", "more than" and the like, more or less.
    #[error("a quantity or a bound is added, changed or left out")]
    Quantity,
    /// "Must", "may", "should", "probably", more or less.
    #[error("a duty, a permission or a caution is added, changed or left out")]
    Modality,
    /// "Before", "after", "until" and the like, more or less.
    #[error("a relation in time is added, changed or left out")]
    Time,
    /// A condition more or less.
    #[error("a condition is added or left out")]
    Condition,
    /// Who does what to whom is another way round.
    #[error("the words are there in another order")]
    Roles,
    /// What somebody is said to say, think or ask, as if it were so.
    #[error("the passages only report it")]
    Reported,
    /// Parts of two statements in one.
    #[error("it joins what the passages do not join")]
    Mixed,
    /// Words that the passages do not have, or not there.
    #[error("the passages do not say it")]
    Words,
}

/// The language whose grammar the rules follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grammar {
    English,
    German,
    /// Any other: only the passage's own words in their order are believed.
    Unknown,
}

impl Grammar {
    fn of(passage: &Evidence<'_>, claim: &str) -> Self {
        match passage.language.get(..2) {
            Some("en") => Self::English,
            Some("de") => Self::German,
            Some(_) => Self::Unknown,
            None => match Language::detect(&format!("{claim} {}", passage.text)) {
                Language::English => Self::English,
                Language::German => Self::German,
            },
        }
    }
}

/// More words than this are not one sentence.
const LONGEST: usize = 120;

/// The quotes that support a sentence: of the first cited passage that does.
///
/// # Errors
/// The passages do not support it, and why: the reason of the one that came nearest.
pub fn support(
    claim: &str,
    cited: &[(usize, Evidence<'_>)],
    meaning: Option<Meaning<'_>>,
) -> Result<Vec<Support>, Doubt> {
    if cited.is_empty() {
        return Err(Doubt::Uncited);
    }
    let mut nearest = (f32::INFINITY, Doubt::Words);
    let mut readers: Vec<Reader> = Vec::new();
    for (place, passage) in cited {
        let grammar = Grammar::of(passage, claim);
        if !readers.iter().any(|reader| reader.grammar == grammar) {
            readers.push(Reader::new(grammar));
        }
        let Some(reader) = readers.iter().find(|reader| reader.grammar == grammar) else {
            continue;
        };
        let page = Page::read(passage, reader);
        match judge(claim, &page, reader, meaning) {
            Ok(window) => return Ok(page.quotes(*place, &window)),
            Err((cost, doubt)) if cost < nearest.0 => nearest = (cost, doubt),
            Err(_) => {}
        }
    }
    Err(nearest.1)
}

/// The first window of a page that supports a claim, the smallest ones tried first; or how near the
/// best one came, and what spoke against it.
fn judge(
    claim: &str,
    page: &Page,
    reader: &Reader,
    meaning: Option<Meaning<'_>>,
) -> Result<Window, (f32, Doubt)> {
    if let Some(window) = page.word_for_word(claim) {
        return Ok(window);
    }
    let read = page.shortened(reader.read(&claim::bare(claim, &page.context, reader)));
    let refuse = |doubt: Doubt| Err((0.0, doubt));
    match read.tokens.len() {
        0 => return refuse(Doubt::Empty),
        1..=LONGEST => {}
        _ => return refuse(Doubt::Mixed),
    }
    if reader.grammar == Grammar::Unknown {
        return page.same_words(&read).ok_or((0.0, Doubt::Words));
    }
    let mut pairs = Pairs::new();
    let mut tried = try_windows(&read, page, reader, &pairs);
    if let (Err(nearly), Some(meaning)) = (&tried, meaning) {
        pairs = verdict::pairs_alike(&read, nearly, meaning);
        if !pairs.is_empty() {
            tried = try_windows(&read, page, reader, &pairs);
        }
    }
    tried.map_err(|nearly| {
        nearly.first().map_or((f32::INFINITY, Doubt::Words), |near| (near.cost, near.doubt))
    })
}

/// A window that does not support the claim, and why.
struct Nearly {
    cost: f32,
    doubt: Doubt,
    alignment: Alignment,
    text: Reading,
}

/// Lays the claim beside each window; the failures come back best first.
fn try_windows(
    claim: &Reading,
    page: &Page,
    reader: &Reader,
    pairs: &Pairs,
) -> Result<Window, Vec<Nearly>> {
    let mut nearly = Vec::new();
    for window in page.windows(claim, pairs) {
        let text = page.reading(&window);
        let context = page.around(&window);
        let ground = Ground { grammar: reader.grammar, window: &text, context: &context, pairs };
        let alignment = align(claim, &ground);
        let doubt = alignment.doubts.first().copied();
        let doubt = doubt.or_else(|| verdict::doubt(claim, &ground, &alignment));
        match doubt {
            None => return Ok(window.used(&alignment, page)),
            Some(doubt) => {
                nearly.push(Nearly { cost: alignment.cost, doubt, alignment, text });
            }
        }
    }
    nearly.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    nearly.truncate(3);
    Err(nearly)
}

/// The stems of a text.
fn stems(reader: &Reader, text: &str) -> HashSet<String> {
    reader.read(text).tokens.into_iter().map(|token| token.stem).collect()
}
