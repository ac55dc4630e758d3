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
//! knows a company, a topic or a phrase.

use std::collections::{HashMap, HashSet};

use super::question::{Asks, Language, Question, Reader, Word, among, negates};
use super::sentences::{Kind, Unit, units};
use super::{Evidence, Sentence, Support, words};

/// The signs of a unit, in the order of [`TABLE`].
pub(crate) type Signs = [f32; 17];

/// The place of the one sign that takes a model: how near question and unit are in meaning.
pub(crate) const MEANING: usize = 0;

/// Sign, its weight in `fit` with and without a model, and in `confidence` with and without.
pub(crate) const TABLE: [(&str, f32, f32, f32, f32); 17 + 1] = [
    ("meaning", 7.75, 0.00, 3.03, 0.00),
    ("search", 4.85, 7.45, 0.00, 0.00),
    ("said", 2.11, 4.04, 0.00, 0.00),
    ("near", 4.49, 4.12, 1.32, 1.35),
    ("page", -1.16, -2.52, 0.00, 0.00),
    ("pairs", 1.27, 1.55, -0.22, 0.03),
    ("subject", 0.59, 0.46, 0.00, 0.00),
    ("kind_missing", -2.62, -2.25, -0.17, -0.50),
    ("kind_near", 0.00, 0.00, 1.33, 1.17),
    ("starts", 0.41, 0.56, 0.00, 0.00),
    ("names_elsewhere", 0.69, 0.27, 0.00, 0.00),
    ("names_missing", -1.01, -0.61, 0.00, 0.00),
    ("numbers_missing", -1.18, -1.46, -0.79, -0.68),
    ("sharp_missing", 0.00, 0.00, -0.35, -0.47),
    ("words_missing", -0.28, -0.35, 0.00, 0.00),
    ("opposite", 0.00, 0.00, -1.63, -1.35),
    ("negated", 0.00, 0.00, -3.28, -3.09),
    ("", 0.00, 0.00, -2.68, -0.99),
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
pub(crate) struct Page {
    pub(crate) language: Language,
    pub(crate) units: Vec<Unit>,
    words: Vec<Vec<Word>>,
    /// For each unit, the words of its headings, the document's title, and the unit it continues.
    around: Vec<Vec<Word>>,
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
            let lead = unit.lead.map_or(&[][..], |lead| &words[lead]);
            around.push(title.iter().chain(&*heading).chain(lead).cloned().collect());
        }
        let all = words.iter().chain(&around).flatten().chain(&title);
        let stems = all.map(|word| word.stem.clone()).collect();
        Self { language: reader.language, units, words, around, stems }
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

    /// The sentence before, when a unit starts with a pronoun.
    pub(super) fn antecedent(&self, unit: usize) -> Option<usize> {
        let first = self.words[unit].first()?;
        let needed = self.units[unit].kind != Kind::Row && among(words::PRONOUNS, &first.lower);
        self.units[unit].lead.filter(|_| needed)
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
}

impl Weights {
    pub(super) fn count(pages: &[Page]) -> Self {
        let mut counted = Self { units: 0.0, seen: HashMap::new() };
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
    question: &'a Question,
    page: &'a Page,
    /// The weight of each term of the question; they add up to one.
    weights: Vec<f32>,
    /// How well the passage has each term.
    in_page: Vec<f32>,
    search: f32,
}

impl<'a> Match<'a> {
    pub(super) fn new(
        question: &'a Question,
        weights: &Weights,
        page: &'a Page,
        search: f32,
    ) -> Self {
        let terms = question.terms.iter().map(|term| term.word.stem.as_str());
        let weights: Vec<f32> = terms.clone().map(|stem| weights.of(stem)).collect();
        let total = weights.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        let in_page = |stem: &str| match page.stems.contains(stem) {
            true => 1.0,
            false => page.stems.iter().map(|seen| alike(seen, stem)).fold(0.0, f32::max),
        };
        Self {
            question,
            page,
            in_page: terms.map(in_page).collect(),
            weights: weights.iter().map(|weight| weight / total).collect(),
            search,
        }
    }

    /// The signs of a unit; its meaning is left at 0.
    pub(super) fn signs(&self, unit: usize) -> Signs {
        let words = &self.page.words[unit];
        let terms = &self.question.terms;
        let in_unit: Vec<f32> =
            terms.iter().map(|term| best_match(words, &term.word.stem)).collect();
        let around = &self.page.around[unit];
        let near: Vec<f32> = terms
            .iter()
            .zip(&in_unit)
            .map(|(term, inside)| inside.max(best_match(around, &term.word.stem)))
            .collect();
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
