//! What a question asks for, and the words that sentences are compared by.
//!
//! Words are lower-cased and stemmed per language; numbers written out become digits. English and
//! German are known; any other language is read by the English rules, which do little harm there.

use std::collections::{HashMap, HashSet};

use frostem::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;

use super::amounts::Amount;
use super::words;
use crate::text::{ENGLISH_STOP, GERMAN_STOP, Language, among};

/// A word of a text.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) stem: String,
    pub(super) lower: String,
    /// Starts with a capital, and not because a sentence starts there.
    pub(super) name: bool,
    pub(super) number: bool,
    pub(super) stop: bool,
}

/// Reads words with the stemmer and the lists of one language.
pub(super) struct Reader {
    pub(super) language: Language,
    stemmer: Stemmer,
    stop: HashSet<&'static str>,
    numbers: HashMap<&'static str, &'static str>,
}

impl Reader {
    pub(super) fn new(language: Language) -> Self {
        let (algorithm, stop, numbers) = match language {
            Language::English => (Algorithm::English, ENGLISH_STOP, words::ENGLISH_NUMBERS),
            Language::German => (Algorithm::German, GERMAN_STOP, words::GERMAN_NUMBERS),
        };
        let stop = stop.split(' ').collect();
        let numbers = numbers.split(' ').filter_map(|pair| pair.split_once('=')).collect();
        Self { language, stemmer: Stemmer::new(algorithm), stop, numbers }
    }

    /// The words of a sentence or a question, in order.
    pub(super) fn words(&self, text: &str) -> Vec<Word> {
        let words = text.unicode_words().enumerate();
        words.map(|(place, raw)| self.word(raw, place == 0)).collect()
    }

    fn word(&self, raw: &str, first: bool) -> Word {
        let mut lower = raw.to_lowercase().replace('’', "'");
        if let Some(bare) = lower.strip_suffix("'s") {
            lower = bare.to_owned();
        }
        let spelled = self.numbers.get(lower.as_str());
        let number = spelled.is_some() || lower.starts_with(|c: char| c.is_numeric());
        let stem = match spelled {
            Some(digits) => (*digits).to_owned(),
            None if number => digits(lower.trim_end_matches("th")),
            None if matches!(lower.as_str(), "euro" | "euros") => "eur".to_owned(),
            None => self.stem(&lower),
        };
        let stop = self.stop.contains(lower.as_str());
        let name = !first && !number && !stop && raw.starts_with(char::is_uppercase);
        Word { stem, lower, name, number, stop }
    }

    fn stem(&self, lower: &str) -> String {
        self.stemmer.stem(lower).into_owned()
    }

    /// A word without the syllable that denies it, or with one: "civilized" for "uncivilized".
    fn negations(&self, lower: &str) -> Vec<String> {
        let denying = words::DENYING.split(' ');
        let with = denying.clone().map(|syllable| format!("{syllable}{lower}"));
        let without = denying.filter_map(|syllable| lower.strip_prefix(syllable));
        let long = without.map(str::to_owned).chain(with).filter(|word| word.chars().count() > 5);
        long.map(|word| self.stem(&word)).collect()
    }

    /// Pairs of stems that mean opposite things.
    fn opposites(&self) -> Vec<(String, String)> {
        let pairs = words::OPPOSITES.split(' ').filter_map(|pair| pair.split_once('/'));
        pairs.map(|(one, other)| (self.stem(one), self.stem(other))).collect()
    }
}

/// A number as it is compared: without the marks between thousands, with a point before decimals.
/// English and German write the two the other way round; a mark before exactly three digits is taken
/// to stand between thousands.
fn digits(written: &str) -> String {
    let mut plain = String::new();
    let mut rest = written;
    while let Some(at) = rest.find([',', '.', '\'']) {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        let run = after.bytes().take_while(u8::is_ascii_digit).count();
        plain.push_str(before);
        if run != 3 || before == "0" {
            plain.push('.');
        }
        rest = after;
    }
    plain + rest
}

/// The kind of thing that answers a question, where the question says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    Person,
    Time,
    /// A number, an amount or a length of time.
    Quantity,
    Place,
    Reason,
    /// Anything else: "what", "how", "which".
    Thing,
}

/// A word that an answer should be about.
pub(super) struct Term {
    pub(super) word: Word,
    /// A name, a number, or a word that nothing else can stand for: "second", "north", "only".
    pub(super) sharp: bool,
    pub(super) opposites: Vec<String>,
}

/// A question, read for the language of the passages that it is held against.
pub(super) struct Question {
    pub(super) asks: Asks,
    /// The words to look for, without stop words, each once, in order.
    pub(super) terms: Vec<Term>,
    /// The stem of what is asked for, as in "which *country*".
    pub(super) subject: Option<String>,
    pub(super) negated: bool,
    /// The amounts in it.
    pub(super) amounts: Vec<Amount>,
    /// Whether it is answered by yes or no.
    pub(super) whether: bool,
    /// The groups of people in it, each with all its names.
    pub(super) groups: Vec<&'static str>,
    /// Whether it speaks of children or their parents.
    pub(super) children: bool,
    /// Whether the reader wants something to type.
    pub(super) wants_code: bool,
}

/// More words than this are a pasted text and not a question; the rest is ignored.
const LONGEST: usize = 48;

impl Question {
    pub(super) fn read(text: &str, reader: &Reader) -> Self {
        let mut asked = reader.words(text);
        asked.truncate(LONGEST);
        let empty = |word: &Word| {
            let lists = [words::ASKING, words::COMMANDS];
            word.stop || lists.iter().any(|list| among(list, &word.lower))
        };
        let measure = |place: usize| {
            among(words::MEASURES, &asked[place].lower)
                && place.checked_sub(1).is_some_and(|how| among("how wie", &asked[how].lower))
        };
        // What is said of a number's side is compared with the number.
        let bound = |place: usize| {
            among(words::BOUNDING, &asked[place].lower)
                && asked[place + 1..].iter().take(3).any(|word| word.number)
        };
        let opposites = reader.opposites();
        let mut terms: Vec<Term> = Vec::new();
        for (place, word) in asked.iter().enumerate() {
            let known = terms.iter().any(|term| term.word.stem == word.stem);
            if known || empty(word) || measure(place) || bound(place) {
                continue;
            }
            // In German every noun has a capital, so a capital says nothing there.
            let name = word.name && reader.language == Language::English;
            let sharp = name || word.number || among(words::SHARP, &word.lower);
            let turned = opposites.iter().filter_map(|(one, other)| match &word.stem {
                stem if stem == one => Some(other.clone()),
                stem if stem == other => Some(one.clone()),
                _ => None,
            });
            let opposites = turned.chain(reader.negations(&word.lower)).collect();
            terms.push(Term { word: word.clone(), sharp, opposites });
        }
        let names = |list: &str| asked.iter().any(|word| among(list, &word.lower));
        let groups = words::GROUPS.iter().copied().filter(|group| names(group)).collect();
        let children = names(words::CHILDREN);
        let which = asked.iter().position(|word| among(words::WHICH, &word.lower));
        let subject = which.and_then(|place| asked.get(place + 1)).filter(|word| !empty(word));
        Self {
            asks: Asks::of(&asked),
            terms,
            subject: subject.map(|word| word.stem.clone()),
            negated: asked.iter().any(negates),
            amounts: Amount::all(&asked),
            whether: asked.first().is_some_and(|first| among(words::WHETHER, &first.lower)),
            groups,
            children,
            wants_code: asked.iter().any(|word| among(words::COMMANDS, &word.lower)),
        }
    }
}

/// Whether a word turns a sentence around.
pub(super) fn negates(word: &Word) -> bool {
    word.lower.ends_with("n't") || among(words::NEGATIONS, &word.lower)
}

impl Asks {
    fn of(words: &[Word]) -> Asks {
        let next = |place: usize| words.get(place + 1).map_or("", |word| word.lower.as_str());
        for (place, word) in words.iter().enumerate() {
            match word.lower.as_str() {
                "who" | "whom" | "whose" | "wer" | "wem" | "wen" | "wessen" => return Asks::Person,
                "when" | "wann" => return Asks::Time,
                "where" | "wo" | "wohin" | "woher" => return Asks::Place,
                "why" | "warum" | "wieso" | "weshalb" => return Asks::Reason,
                "wieviel" | "wieviele" | "percentage" | "amount" => return Asks::Quantity,
                "how" | "wie" if among(words::MEASURES, next(place)) => return Asks::Quantity,
                which if among(words::WHICH, which) && among(words::TIMES, next(place)) => {
                    return Asks::Time;
                }
                _ => {}
            }
        }
        Asks::Thing
    }

    /// Whether a word of a sentence can be part of what is asked for. `before` is the word before it.
    pub(super) fn accepts(self, word: &Word, before: Option<&Word>) -> bool {
        match self {
            Asks::Person => word.name || among(words::PEOPLE, &word.lower),
            Asks::Time => word.number || among(words::DATES, &word.lower),
            Asks::Quantity => word.number || among(words::AMOUNTS, &word.lower),
            Asks::Place => {
                word.name || before.is_some_and(|before| among(words::PLACES, &before.lower))
            }
            Asks::Reason => among(words::REASONS, &word.lower),
            Asks::Thing => false,
        }
    }
}
