//! What speaks for a unit, and how much.
//!
//! Each unit gets a row of numbers, its signs. One weighted sum of them orders the units (`fit`),
//! another says how likely it is that the question is answered at all (`confidence`).
//!
//! The weights were fitted on public questions (SQuAD 2, one half by the hash of the question's id):
//! `fit` as the choice of the sentence that holds the answer among the sixteen best of eight
//! passages; `confidence` as the answerable questions against the near misses that people wrote on
//! purpose, and, with a third of the weight, against the same questions with their paragraph taken
//! out. Both are plain logistic regressions with a little shrinkage. There is nothing in them that
//! knows a company, a topic or a phrase. One weight was set by hand: `elsewhere`, since the paragraphs of
//! that set have no titles that would tell. Fitted again on one half of the articles instead of the
//! questions, and tried on the other half, the weights and the curve came out the same.
//!
//! The other half, with a model, by the confidence that is asked for: questions answered of those that
//! have an answer, answers that hold the right words, right paragraph cited of what is answered, near
//! misses answered, questions answered whose paragraph was taken out.
//!
//! | confidence | answered | right words | right paragraph | near misses | taken out |
//! |--:|--:|--:|--:|--:|--:|
//! | .30 | .82 | .73 | .94 | .53 | .34 |
//! | .42 | .61 | .56 | .96 | .32 | .12 |
//! | .50 | .46 | .43 | .97 | .21 | .06 |
//!
//! A near miss has the question's words around another fact, so signs made of words tell it apart only
//! a little (area under the curve .71). That, and not finding the sentence, is the limit: the right one
//! is among the first three in .88 of the answerable questions.

use std::collections::{HashMap, HashSet};

use super::amounts::Amount;
use super::question::{Asks, Question, Reader, Word, negates};
use super::words;
use crate::generate::{Evidence, Sentence, Support};
use crate::text::{Kind, Language, Unit, among, units};

/// The signs of a unit, in the order of [`TABLE`].
pub(super) type Signs = [f32; SIGNS];
const SIGNS: usize = 18;

/// A unit leans on the one before, when that adds this share of the question.
const LEANS: f32 = 0.3;

/// The place of the one sign that takes a model: how near question and unit are in meaning.
pub(super) const MEANING: usize = 0;

/// Sign, its weight in `fit` with and without a model, and in `confidence` with and without.
const TABLE: [(&str, f32, f32, f32, f32); SIGNS + 1] = [
    ("meaning", 7.75, 0.00, 3.37, 0.00), // how near question and unit are in meaning
    ("search", 4.85, 7.45, 0.00, 0.00),  // the passage's score, as a share of the best passage's
    ("said", 2.11, 4.04, 0.00, 0.00), // share of the question's words in the unit, the rarer the heavier
    ("near", 4.49, 4.12, 1.50, 1.58), // the same, with headings, title and the unit before
    ("page", -1.16, -2.52, 0.00, 0.00), // the same, in the whole passage
    ("pairs", 1.27, 1.55, -0.04, 0.23), // neighbours of the question that stand together
    ("subject", 0.59, 0.46, 0.00, 0.00), // the thing asked for: "which *country*"
    ("kind_missing", -2.62, -2.25, -0.20, -0.49), // 1 when nothing is of the kind asked for: a person, a time, a number
    ("kind_near", 0.00, 0.00, 1.26, 1.02), // how near such a thing stands to the question's words
    ("starts", 0.41, 0.56, 0.00, 0.00),    // first unit of its block
    ("names_elsewhere", 0.69, 0.27, 0.00, 0.00), // names of the question that the unit lacks
    ("names_missing", -1.01, -0.61, 0.00, 0.00), // names that the whole passage lacks
    ("numbers_missing", -1.18, -1.46, -0.74, -0.59), // numbers that neither unit nor its headings have
    ("sharp_missing", 0.00, 0.00, -0.34, -0.47), // the same for names, numbers and words like "second", "only"
    ("words_missing", -0.28, -0.35, 0.00, 0.00), // words that the whole passage lacks
    ("opposite", 0.00, 0.00, -1.50, -1.20),      // words whose opposite the passage has instead
    ("negated", 0.00, 0.00, -3.16, -2.94), // 1 when the question says "not" and the unit does not
    ("elsewhere", 0.00, 0.00, -4.00, -4.00), // words that another document is about, and this one lacks
    ("", 0.00, 0.00, -3.21, -1.37),          // added to the sum
];

/// How well a unit fits. Comparable for one question only.
pub(super) fn fit(signs: &Signs, with_meaning: bool) -> f32 {
    weigh(signs, |row| if with_meaning { row.1 } else { row.2 })
}

/// How likely it is, 0 to 1, that the question is answered, if this unit is the best one.
pub(super) fn confidence(signs: &Signs, with_meaning: bool) -> f32 {
    let sum = weigh(signs, |row| if with_meaning { row.3 } else { row.4 });
    1.0 / (1.0 + (-sum).exp())
}

/// The weighted sum; the last row of the table is what is added to it.
fn weigh(signs: &Signs, weight: impl Fn(&(&str, f32, f32, f32, f32)) -> f32) -> f32 {
    let values = signs.iter().copied().chain([1.0]);
    TABLE.iter().zip(values).map(|(row, value)| weight(row) * value).sum()
}

/// A passage, cut and read.
pub(super) struct Page {
    pub(super) language: Language,
    pub(super) units: Vec<Unit>,
    pub(super) words: Vec<Vec<Word>>,
    /// For each unit, the words of its headings and of the document's title.
    pub(super) around: Vec<Vec<Word>>,
    /// The words of the title and of the headings above the passage.
    title: Vec<Word>,
    /// The amounts of each unit.
    pub(super) amounts: Vec<Vec<Amount>>,
    /// Every stem of the passage, its headings and its title.
    stems: HashSet<String>,
}

impl Page {
    pub(super) fn read(passage: &Evidence<'_>, reader: &Reader) -> Self {
        let units = units(passage.text, reader.language);
        let words: Vec<Vec<Word>> = units.iter().map(|unit| reader.words(&unit.text)).collect();
        let title = reader.words(&format!("{} {}", passage.title, passage.heading));
        let mut headings: HashMap<&str, Vec<Word>> = HashMap::new();
        let mut around = Vec::with_capacity(units.len());
        for unit in &units {
            let heading = &unit.heading;
            let heading = headings.entry(heading).or_insert_with(|| reader.words(heading));
            around.push(title.iter().chain(&*heading).cloned().collect());
        }
        let all = words.iter().chain(&around).flatten().chain(&title);
        let stems = all.map(|word| word.stem.clone()).collect();
        let amounts = words.iter().map(|words| Amount::all(words)).collect();
        Self { language: reader.language, units, words, around, title, amounts, stems }
    }

    /// The bytes of a unit.
    pub(super) fn support(&self, passage: usize, unit: usize) -> Support {
        let source = &self.units[unit].source;
        Support { passage, start: source.start, end: source.end }
    }

    /// One sentence out of units that belong together: a list's introduction and its items.
    pub(super) fn sentence(&self, passage: usize, parts: &[usize]) -> Sentence {
        let mut text = String::new();
        for &part in parts {
            let item = self.units[part].text.as_str();
            let joint = match text.chars().last() {
                None => "",
                Some(':' | ';' | ',' | '.') => " ",
                Some(_) => "; ",
            };
            text.push_str(joint);
            text.push_str(item);
        }
        let support = parts.iter().map(|&part| self.support(passage, part)).collect();
        Sentence { text, support }
    }

    /// The line that introduces this unit, if it ends in a colon or a question mark.
    fn introduction(&self, unit: usize) -> Option<usize> {
        self.units[unit].lead.filter(|&lead| self.units[lead].text.ends_with([':', '?']))
    }

    /// The unit with its introduction, which it is often not understood without.
    pub(super) fn in_full(&self, unit: usize) -> String {
        let text = &self.units[unit].text;
        match self.introduction(unit) {
            Some(lead) => format!("{} {text}", self.units[lead].text),
            None => text.clone(),
        }
    }

    /// Whether a unit starts with a pronoun, whose meaning is in the unit before.
    fn starts_with_pronoun(&self, unit: usize) -> bool {
        let first = self.words[unit].first();
        let pronoun = first.is_some_and(|first| among(words::PRONOUNS, &first.lower));
        pronoun && self.units[unit].kind != Kind::Row
    }

    /// The words of the unit's own headings.
    pub(super) fn heading_words(&self, unit: usize) -> &[Word] {
        self.around[unit].get(self.title.len()..).unwrap_or_default()
    }

    /// The words of the unit that this one continues.
    pub(super) fn lead_words(&self, unit: usize) -> &[Word] {
        self.units[unit].lead.map_or(&[], |lead| &self.words[lead])
    }

    /// The units that make a sentence with this one: an item and the line that introduces it, or
    /// such a line and its items, as long as they fit into `limit` characters.
    pub(super) fn with_list(&self, unit: usize, limit: usize) -> Vec<usize> {
        if !self.units[unit].text.ends_with(':') {
            let colon = |lead: &usize| self.units[*lead].text.ends_with(':');
            let lead = self.introduction(unit).filter(colon);
            return lead.into_iter().chain([unit]).collect();
        }
        let mut parts = vec![unit];
        let mut length = self.units[unit].text.len();
        for (place, item) in self.units.iter().enumerate().skip(unit + 1) {
            length += item.text.len() + 2;
            if item.lead != Some(unit) || length > limit {
                break;
            }
            parts.push(place);
        }
        parts
    }
}

/// How much each stem says: the rarer among the units at hand, the more.
pub(super) struct Weights {
    units: f32,
    seen: HashMap<String, f32>,
    /// The stems of titles and headings.
    topics: HashSet<String>,
}

impl Weights {
    pub(super) fn count(pages: &[Page]) -> Self {
        let mut counted = Self { units: 0.0, seen: HashMap::new(), topics: HashSet::new() };
        let topics = pages.iter().flat_map(|page| page.around.iter().flatten().chain(&page.title));
        counted.topics.extend(topics.map(|word| word.stem.clone()));
        for words in pages.iter().flat_map(|page| &page.words) {
            counted.units += 1.0;
            let stems: HashSet<&str> = words.iter().map(|word| word.stem.as_str()).collect();
            for stem in stems {
                *counted.seen.entry(stem.to_owned()).or_default() += 1.0;
            }
        }
        counted
    }

    fn of(&self, stem: &str) -> f32 {
        let seen = self.seen.get(stem).copied().unwrap_or_default();
        (1.0 + (self.units - seen + 0.5) / (seen + 0.5)).ln()
    }
}

/// How well a stem of the passage stands for one of the question: entirely, or nearly when one
/// continues the other or ends it, as "Urlaubstag" for "Urlaub" or "Nachtschicht" for "Schicht". When
/// the question says much more ("Weihnachten" for "Weihnachtsgeld"), it is the topic at best.
fn alike(seen: &str, asked: &str) -> f32 {
    if seen == asked {
        return 1.0;
    }
    let (short, long) = if seen.len() < asked.len() { (seen, asked) } else { (asked, seen) };
    let common = seen.bytes().zip(asked.bytes()).take_while(|(x, y)| x == y).count();
    let same_start = common >= 5 && common + 2 >= short.len();
    let same_end = short.len() >= 6 && long.ends_with(short);
    match same_start || same_end {
        true if asked.len() > seen.len() + 3 => 0.3,
        true => 0.7,
        false => 0.0,
    }
}

fn best_match(words: &[Word], stem: &str) -> f32 {
    words.iter().map(|word| alike(&word.stem, stem)).fold(0.0, f32::max)
}

/// A question held against one passage.
pub(super) struct Match<'a> {
    pub(super) question: &'a Question,
    pub(super) page: &'a Page,
    /// The weight of each term of the question; they add up to one.
    weights: Vec<f32>,
    /// How well the passage has each term.
    in_page: Vec<f32>,
    /// 1 for each term that the passage lacks and a document is about.
    elsewhere: Vec<f32>,
    search: f32,
}

impl<'a> Match<'a> {
    pub(super) fn new(
        question: &'a Question,
        weights: &Weights,
        page: &'a Page,
        search: f32,
    ) -> Self {
        let topics = &weights.topics;
        let terms = question.terms.iter().map(|term| term.word.stem.as_str());
        let weights: Vec<f32> = terms.clone().map(|stem| weights.of(stem)).collect();
        let total = weights.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        let in_page = |stem: &str| match page.stems.contains(stem) {
            true => 1.0,
            false => page.stems.iter().map(|seen| alike(seen, stem)).fold(0.0, f32::max),
        };
        let in_page: Vec<f32> = terms.clone().map(in_page).collect();
        let elsewhere = terms.zip(&in_page);
        let elsewhere =
            elsewhere.map(|(stem, held)| f32::from(*held == 0.0 && topics.contains(stem)));
        Self {
            question,
            page,
            elsewhere: elsewhere.collect(),
            in_page,
            weights: weights.iter().map(|weight| weight / total).collect(),
            search,
        }
    }

    /// How well each word of the question is held by these words.
    fn held(&self, words: &[Word]) -> Vec<f32> {
        let terms = self.question.terms.iter();
        terms.map(|term| best_match(words, &term.word.stem)).collect()
    }

    /// The unit before, if this one can't be understood without it: it starts with a pronoun, or the
    /// words of the question that it lacks stand there, and not in a heading.
    pub(super) fn antecedent(&self, unit: usize) -> Option<usize> {
        let (inside, around) =
            (self.held(&self.page.words[unit]), self.held(&self.page.around[unit]));
        let before = self.held(self.page.lead_words(unit));
        let known = inside.iter().zip(&around).map(|(inside, around)| inside.max(*around));
        let more = known.zip(&before).map(|(known, before)| (before - known).max(0.0));
        let leans = self.share(&more.collect::<Vec<_>>()) >= LEANS;
        let told = |lead: &usize| !self.page.units[*lead].text.ends_with([':', '?']);
        let needed = leans || self.page.starts_with_pronoun(unit);
        self.page.units[unit].lead.filter(told).filter(|_| needed)
    }

    /// The signs of a unit; its meaning is left at 0.
    pub(super) fn signs(&self, unit: usize) -> Signs {
        let words = &self.page.words[unit];
        let terms = &self.question.terms;
        let in_unit = self.held(words);
        let (around, before) =
            (self.held(&self.page.around[unit]), self.held(self.page.lead_words(unit)));
        let outside = around.iter().zip(&before).map(|(around, before)| around.max(*before));
        let mut near: Vec<f32> =
            in_unit.iter().zip(outside).map(|(unit, outside)| unit.max(outside)).collect();
        for (term, held) in near.iter_mut().enumerate().filter(|(_, held)| **held == 0.0) {
            *held = f32::from(self.said_otherwise(unit, term));
        }
        let places: Vec<Option<usize>> = terms
            .iter()
            .map(|term| words.iter().position(|word| alike(&word.stem, &term.word.stem) > 0.0))
            .collect();
        let english = self.page.language == Language::English;
        let lacks = |held: &[f32], counts: &dyn Fn(usize) -> bool| {
            (0..terms.len()).filter(|&term| held[term] == 0.0 && counts(term)).count() as f32
        };
        let name = |term: usize| english && terms[term].word.name;
        let number = |term: usize| terms[term].word.number;
        let sharp = |term: usize| terms[term].sharp;
        let (kind_missing, kind_near) = self.kind(words, &places);
        let negated = self.question.negated && !words.iter().any(negates);
        let starts = self.page.units[unit].lead.is_none();
        [
            0.0,
            self.search,
            self.share(&in_unit),
            self.share(&near),
            self.share(&self.in_page),
            pairs(&places),
            self.question.subject.as_ref().map_or(0.0, |stem| best_match(words, stem)),
            kind_missing,
            kind_near,
            f32::from(starts),
            lacks(&in_unit, &name),
            lacks(&self.in_page, &name),
            lacks(&near, &number),
            lacks(&near, &sharp),
            lacks(&self.in_page, &|_| true),
            self.opposites(),
            f32::from(negated),
            self.share(&self.elsewhere),
        ]
    }

    /// The share of the question that is covered, by weight.
    fn share(&self, held: &[f32]) -> f32 {
        held.iter().zip(&self.weights).map(|(held, weight)| held * weight).sum()
    }

    /// Whether the unit lacks anything of the kind that is asked for, apart from the question's own
    /// words; and how near such a thing stands to the question's words.
    fn kind(&self, words: &[Word], places: &[Option<usize>]) -> (f32, f32) {
        if self.question.asks == Asks::Thing {
            return (0.0, 0.0);
        }
        let terms = &self.question.terms;
        let own = |word: &Word| terms.iter().any(|term| alike(&word.stem, &term.word.stem) > 0.0);
        let mut best: Option<f32> = None;
        for (place, word) in words.iter().enumerate() {
            let before = place.checked_sub(1).map(|before| &words[before]);
            if !self.question.asks.accepts(word, before) || own(word) {
                continue;
            }
            let near = places.iter().zip(&self.weights).filter_map(|(term, weight)| {
                term.map(|term| weight / (1.0 + term.abs_diff(place) as f32))
            });
            best = Some(near.sum::<f32>().max(best.unwrap_or_default()));
        }
        (f32::from(best.is_none()), best.unwrap_or_default())
    }

    /// How many words of the question stand in the passage as their opposites.
    fn opposites(&self) -> f32 {
        let terms = self.question.terms.iter().zip(&self.in_page);
        let turned = terms.filter(|(term, held)| {
            **held < 1.0 && term.opposites.iter().any(|stem| self.page.stems.contains(stem))
        });
        turned.count() as f32
    }
}

/// The share of the question's neighbouring words that stand together in the unit, in that order.
fn pairs(places: &[Option<usize>]) -> f32 {
    let together = places.windows(2).filter(|pair| match pair {
        [Some(a), Some(b)] => b > a && b - a <= 3,
        _ => false,
    });
    together.count() as f32 / places.len().saturating_sub(1).max(1) as f32
}
