//! A sentence as the words that can be compared: content in order, and what stands between.

use std::collections::{HashMap, HashSet};

use frostem::{Algorithm, Stemmer};

use super::lexicon::Lexicon;
use super::numbers::Date;
use super::scan::{Raw, scan};
use super::signs::Sign;
use super::{Grammar, words};
use crate::text::among;

/// What a content word is compared by.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Key {
    /// A word, by its stem.
    Word,
    /// A number in one writing.
    Number(String),
    /// A unit, by its place in [`words::UNITS`].
    Unit(usize),
    Date(Date),
    /// Minutes since midnight.
    Time(u32),
    /// A weekday or a season, by its place in [`words::DAYS`].
    Day(usize),
    /// A place in an order.
    Ordinal(usize),
    /// Equal to itself alone.
    Code,
}

/// A preposition that says who does what to whom, or which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preposition {
    Of,
    To,
    From,
    By,
    With,
    Over,
    Under,
    /// In, on, at, for and the like.
    Place,
}

/// What stands between a content word and the one before it.
#[derive(Clone, Debug, Default)]
pub(super) struct Lead {
    /// A comma, a bracket, a conjunction.
    pub(super) boundary: bool,
    /// The sentence starts here.
    pub(super) sentence: bool,
    /// A conjunction, or a semicolon.
    pub(super) joins: bool,
    pub(super) preposition: Option<Preposition>,
    /// The preposition itself.
    pub(super) by_word: String,
    /// The word before is in the genitive.
    pub(super) possessive: bool,
    pub(super) article: bool,
    /// A form of "be": the mark of a passive.
    pub(super) be: bool,
    /// A pronoun that stands for something said before.
    pub(super) pronoun: bool,
    pub(super) small: bool,
}

/// A content word.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) key: Key,
    pub(super) lower: String,
    pub(super) stem: String,
    /// The groups of synonyms that it belongs to.
    pub(super) groups: Vec<usize>,
    /// A name, or another word that no other word can stand for.
    pub(super) sharp: bool,
    /// May be left out or put in.
    pub(super) weak: bool,
    /// Starts with a small letter.
    pub(super) small: bool,
    /// The piece of the sentence that it is in.
    pub(super) segment: usize,
    /// Where it stands in a table row, if it does.
    pub(super) cell: Option<Cell>,
    pub(super) lead: Lead,
}

/// A part of a table row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// The header of the column with this number.
    Header(usize),
    /// What the column says.
    Value(usize),
}

/// A sign and where it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub(super) sign: Sign,
    /// The content word that follows is this one; the one before it precedes.
    pub(super) before: usize,
    pub(super) segment: usize,
}

/// A sentence that was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    pub(super) tokens: Vec<Token>,
    pub(super) signs: Vec<Placed>,
    /// `he` or `she`, where the sentence says so.
    pub(super) genders: Vec<&'static str>,
    pub(super) segments: usize,
}

impl Reading {
    /// Marks a row, `Header: cell; Header: cell`, as one.
    pub(super) fn mark_cells(&mut self, row: &str, reader: &Reader) {
        let mut at = 0;
        for (column, part) in row.split("; ").enumerate() {
            let (header, value) = part.split_once(": ").unwrap_or(("", part));
            let headers = reader.read(header).tokens.len();
            let values = reader.read(value).tokens.len();
            let marks = std::iter::repeat_n(Cell::Header(column), headers)
                .chain(std::iter::repeat_n(Cell::Value(column), values));
            for (token, mark) in self.tokens.iter_mut().skip(at).zip(marks) {
                token.cell = Some(mark);
            }
            at += headers + values;
        }
    }

    /// Puts another sentence behind this one.
    pub(super) fn append(&mut self, other: &Reading) {
        let (words, segments) = (self.tokens.len(), self.segments);
        self.tokens.extend(other.tokens.iter().cloned().map(|mut token| {
            token.segment += segments;
            token
        }));
        self.signs.extend(other.signs.iter().map(|placed| Placed {
            sign: placed.sign,
            before: placed.before + words,
            segment: placed.segment + segments,
        }));
        self.genders.extend(&other.genders);
        self.segments += other.segments;
    }
}

/// What a phrase is read as.
#[derive(Clone, Debug)]
enum Target {
    Sign(Sign),
    Words(Vec<&'static str>),
}

/// Reads sentences with the lists of one language.
pub(super) struct Reader {
    pub(super) grammar: Grammar,
    lexicon: Lexicon,
    stemmer: Option<Stemmer>,
    small: HashSet<&'static str>,
    weak: HashSet<String>,
    forms: HashMap<&'static str, &'static str>,
    groups: HashMap<String, Vec<usize>>,
    /// By the first word, the longest first.
    phrases: HashMap<&'static str, Vec<(Vec<&'static str>, Target)>>,
}

impl Reader {
    pub(super) fn new(grammar: Grammar) -> Self {
        let (algorithm, small, synonyms) = match grammar {
            Grammar::English => {
                (Some(Algorithm::English), words::ENGLISH_SMALL, words::ENGLISH_SYNONYMS)
            }
            Grammar::German => {
                (Some(Algorithm::German), words::GERMAN_SMALL, words::GERMAN_SYNONYMS)
            }
            Grammar::Unknown => (None, "", ""),
        };
        let mut reader = Self {
            grammar,
            lexicon: Lexicon::new(grammar),
            stemmer: algorithm.map(Stemmer::new),
            small: small.split_whitespace().collect(),
            weak: HashSet::new(),
            forms: words::FORMS
                .split_whitespace()
                .filter_map(|pair| pair.split_once('='))
                .collect(),
            groups: HashMap::new(),
            phrases: phrases(grammar),
        };
        if grammar != Grammar::Unknown {
            reader.weak = words::WEAK.split_whitespace().map(|word| reader.stem(word)).collect();
        }
        for (group, members) in synonyms.split(';').enumerate() {
            for word in members.split_whitespace() {
                let groups = reader.groups.entry(reader.stem(word)).or_default();
                if !groups.contains(&group) {
                    groups.push(group);
                }
            }
        }
        reader
    }

    pub(super) fn stem(&self, lower: &str) -> String {
        let lower = self.forms.get(lower).copied().unwrap_or(lower);
        match &self.stemmer {
            Some(stemmer) => stemmer.stem(lower).into_owned(),
            None => lower.to_owned(),
        }
    }

    /// Reads one sentence, free of markup.
    pub(super) fn read(&self, text: &str) -> Reading {
        let raws = self.with_phrases(scan(text, &self.lexicon));
        let mut writer =
            Writer { reader: self, reading: Reading::default(), lead: Lead::default() };
        writer.lead.boundary = true;
        writer.lead.sentence = true;
        for (place, raw) in raws.iter().enumerate() {
            writer.take(raw, place, raws.get(place + 1));
        }
        writer.reading.segments += 1;
        writer.reading
    }

    /// Replaces phrases by what they are read as; signs among them come out as [`Raw::Sign`].
    fn with_phrases(&self, raws: Vec<Raw>) -> Vec<Raw> {
        let lower = |raw: Option<&Raw>| match raw {
            Some(Raw::Word { lower, .. }) => lower.clone(),
            _ => String::new(),
        };
        let mut out = Vec::with_capacity(raws.len());
        let mut at = 0;
        while at < raws.len() {
            let first = lower(raws.get(at));
            let known = self.phrases.get(first.as_str()).and_then(|phrases| {
                phrases.iter().find(|(phrase, _)| {
                    let same = |(n, word): (usize, &&str)| lower(raws.get(at + n)) == **word;
                    let number = raws.get(at + 1).is_some_and(|raw| figure(raw, &self.lexicon));
                    phrase.iter().enumerate().all(same)
                        && (phrase.len() > 1 || number || !Sign::needs_number(&first))
                })
            });
            match known {
                Some((phrase, Target::Sign(sign))) => {
                    out.push(Raw::Sign(*sign));
                    at += phrase.len();
                }
                Some((phrase, Target::Words(words))) => {
                    let read =
                        words.iter().flat_map(|word| self.with_phrases(vec![Raw::word(word)]));
                    // A phrase that stands for itself would be replaced for ever.
                    match words.as_slice() == phrase.as_slice() {
                        true => out.extend(words.iter().map(|word| Raw::word(word))),
                        false => out.extend(read),
                    }
                    at += phrase.len();
                }
                None => {
                    out.push(raws[at].clone());
                    at += 1;
                }
            }
        }
        out
    }
}

/// Whether a preposition before it speaks of an amount or a time.
fn figure(raw: &Raw, lexicon: &Lexicon) -> bool {
    match raw {
        Raw::Number(_) | Raw::Unit(_) | Raw::Date(_) | Raw::Time(_) => true,
        Raw::Word { lower, capital, .. } => {
            let named = lexicon.month(lower).is_some() || lexicon.day(lower).is_some();
            *capital && named
        }
        Raw::Code(_) | Raw::Sign(_) | Raw::Break | Raw::Semicolon => false,
    }
}

fn phrases(grammar: Grammar) -> HashMap<&'static str, Vec<(Vec<&'static str>, Target)>> {
    let mut phrases: HashMap<&str, Vec<(Vec<&str>, Target)>> = HashMap::new();
    let mut add = |phrase: &'static str, target: Target| {
        let words: Vec<&str> = phrase.split_whitespace().collect();
        if let Some(first) = words.first() {
            phrases.entry(first).or_default().push((words, target));
        }
    };
    for (sign, english, german) in words::SIGNS {
        let list = match grammar {
            Grammar::English => english,
            Grammar::German => german,
            Grammar::Unknown => "",
        };
        list.split(';').for_each(|phrase| add(phrase, Target::Sign(*sign)));
    }
    if grammar != Grammar::Unknown {
        for (phrase, read) in words::PHRASES.split(';').filter_map(|pair| pair.split_once('=')) {
            add(phrase, Target::Words(read.split_whitespace().collect()));
        }
    }
    phrases
        .values_mut()
        .for_each(|list| list.sort_by_key(|(words, _)| std::cmp::Reverse(words.len())));
    phrases
}

/// Puts a reading together.
struct Writer<'a> {
    reader: &'a Reader,
    reading: Reading,
    lead: Lead,
}

impl Writer<'_> {
    fn take(&mut self, raw: &Raw, place: usize, next: Option<&Raw>) {
        match raw {
            Raw::Word { lower, capital, possessive } => {
                let followed = matches!(next, Some(Raw::Number(_)));
                self.word(lower, *capital && place > 0, *capital, followed);
                self.lead.possessive |= *possessive;
            }
            Raw::Sign(sign) => self.sign(*sign),
            Raw::Number(value) => self.content(Key::Number(value.clone()), value.clone()),
            Raw::Unit(unit) => self.content(Key::Unit(*unit), String::new()),
            Raw::Date(date) => self.content(Key::Date(*date), String::new()),
            Raw::Time(minutes) => self.content(Key::Time(*minutes), String::new()),
            Raw::Code(code) => self.content(Key::Code, code.clone()),
            Raw::Break => self.boundary(),
            Raw::Semicolon => {
                self.boundary();
                self.lead.joins = true;
            }
        }
    }

    fn boundary(&mut self) {
        if !self.lead.boundary {
            self.lead.boundary = true;
            self.reading.segments += 1;
        }
        self.lead.preposition = None;
    }

    fn sign(&mut self, sign: Sign) {
        if sign.rules_the_sentence()
            || matches!(sign, Sign::If | Sign::Before | Sign::After | Sign::Until)
        {
            self.boundary();
        }
        if sign.leads_a_phrase() {
            self.lead.preposition = Some(Preposition::Place);
        }
        let (before, segment) = (self.reading.tokens.len(), self.reading.segments);
        self.reading.signs.push(Placed { sign, before, segment });
    }

    fn content(&mut self, key: Key, lower: String) {
        let (segment, lead) = (self.reading.segments, std::mem::take(&mut self.lead));
        let stem = lower.clone();
        let (groups, sharp, weak, small) = (Vec::new(), true, false, true);
        let cell = None;
        let token = Token { key, lower, stem, groups, sharp, weak, small, segment, cell, lead };
        self.reading.tokens.push(token);
    }

    fn word(&mut self, lower: &str, name: bool, capital: bool, before_number: bool) {
        let lexicon = &self.reader.lexicon;
        if let Some(key) = lexicon.ordinal(lower).map(Key::Ordinal) {
            return self.content(key, lower.to_owned());
        }
        let short = lower.len() <= 3;
        if let Some(key) = lexicon.day(lower).filter(|_| capital || !short).map(Key::Day) {
            return self.content(key, lower.to_owned());
        }
        if let Some(month) = lexicon.month(lower).filter(|_| capital && (name || !short)) {
            let month = Date { month: Some(month), ..Date::default() };
            return self.content(Key::Date(month), lower.to_owned());
        }
        if let Some(unit) = lexicon.unit(lower).filter(|_| lower.chars().count() > 2) {
            return self.content(Key::Unit(unit), lower.to_owned());
        }
        if self.reader.small.contains(lower) && !(before_number && lower == "no") {
            return self.small(lower);
        }
        let stem = self.reader.stem(lower);
        let weak = self.reader.weak.contains(&stem);
        let groups = self.reader.groups.get(&stem).cloned().unwrap_or_default();
        let name = name && self.reader.grammar != Grammar::German;
        self.content(Key::Word, lower.to_owned());
        if let Some(token) = self.reading.tokens.last_mut() {
            token.sharp = name || among(words::SHARP, lower);
            token.weak = weak && !name;
            (token.stem, token.groups, token.small) = (stem, groups, !capital);
        }
    }

    fn small(&mut self, lower: &str) {
        let german = self.reader.grammar == Grammar::German;
        if among(words::JOINING, lower) && !(german && among("der die das", lower)) {
            self.boundary();
            self.lead.joins = true;
        }
        self.lead.small = true;
        match lower {
            "a" | "an" | "ein" | "eine" | "einen" | "einem" | "einer" | "one" => {
                self.lead.article = true
            }
            "is" | "are" | "was" | "were" | "be" | "been" | "being" | "wird" | "werden"
            | "wurde" | "wurden" | "worden" | "ist" | "sind" => self.lead.be = true,
            "he" | "him" | "his" | "himself" => self.reading.genders.push("he"),
            "she" | "her" | "hers" | "herself" => self.reading.genders.push("she"),
            _ => {}
        }
        self.lead.pronoun |= among(
            "it they them this these those that he she its their his her er sie es dies diese dieser \
            dieses ihr ihre sein seine which who",
            lower,
        );
        if let Some(preposition) = preposition(lower, self.reader.grammar) {
            self.lead.preposition = Some(preposition);
            lower.clone_into(&mut self.lead.by_word);
        }
    }
}

fn preposition(lower: &str, grammar: Grammar) -> Option<Preposition> {
    use Preposition::{By, From, Of, Over, Place, To, Under, With};
    let found = match lower {
        "of" | "von" | "vom" => Of,
        "to" | "into" | "onto" | "zu" | "zum" | "zur" => To,
        "from" | "aus" => From,
        "by" | "durch" => By,
        "with" | "mit" => With,
        "over" | "above" | "über" => Over,
        "under" | "below" | "unter" => Under,
        "an" if grammar == Grammar::German => Place,
        "in" | "on" | "at" | "for" | "im" | "ins" | "am" | "auf" | "bei" | "beim" | "für"
        | "via" | "per" | "about" | "during" | "among" | "between" | "against" | "through"
        | "across" | "um" | "gegen" | "zwischen" => Place,
        _ => return None,
    };
    Some(found)
}
