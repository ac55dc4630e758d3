//! From characters to words, numbers, dates and breaks.

use super::lexicon::Lexicon;
use super::numbers::{self, Date, Figure};
use super::signs::Sign;
use super::words;
use crate::text::among;

/// A piece of a sentence, before it is known which pieces carry content.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    Word {
        lower: String,
        capital: bool,
        possessive: bool,
    },
    Number(String),
    /// A unit behind a number.
    Unit(usize),
    Date(Date),
    Time(u32),
    Code(String),
    Sign(Sign),
    /// A comma, a bracket, a colon.
    Break,
    Semicolon,
}

impl Raw {
    pub(super) fn word(lower: &str) -> Self {
        Self::Word { lower: lower.to_owned(), capital: false, possessive: false }
    }

    fn lower(&self) -> &str {
        match self {
            Raw::Word { lower, .. } => lower,
            Raw::Number(_)
            | Raw::Unit(_)
            | Raw::Date(_)
            | Raw::Time(_)
            | Raw::Code(_)
            | Raw::Sign(_)
            | Raw::Break
            | Raw::Semicolon => "",
        }
    }
}

/// Cuts a sentence; numbers and dates come out in one writing.
pub(super) fn scan(text: &str, lexicon: &Lexicon) -> Vec<Raw> {
    let mut scanner = Scanner { lexicon, raws: Vec::new() };
    for chunk in joined_thousands(text) {
        scanner.chunk(&chunk);
    }
    let raws = dates(times(multiples(scanner.raws)), lexicon);
    units_behind(raws, lexicon)
}

/// The text at its spaces, where `1 000` is one piece.
fn joined_thousands(text: &str) -> Vec<String> {
    let mut chunks: Vec<String> = Vec::new();
    let mut open = false;
    for chunk in text.split_whitespace() {
        let digits = chunk.bytes().take_while(u8::is_ascii_digit).count();
        let behind = &chunk[digits..];
        let group = digits == 3
            && !behind.starts_with(|c: char| c.is_alphanumeric() || c == '-' || c == ':');
        match chunks.last_mut().filter(|_| open && group) {
            Some(last) => last.push_str(chunk),
            None => chunks.push(chunk.to_owned()),
        }
        let bare = chunk.trim_start_matches(['€', '$', '£', '(']);
        open = (behind.is_empty() && group && open)
            || ((1..=3).contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_digit()));
    }
    chunks
}

struct Scanner<'a> {
    lexicon: &'a Lexicon,
    raws: Vec<Raw>,
}

impl Scanner<'_> {
    fn chunk(&mut self, chunk: &str) {
        let marks = |c: char| "\"'“”„‘’«»‹›([{<>*_`#|…".contains(c);
        let core = chunk.trim_start_matches(|c: char| marks(c) && !(c == '<' || c == '>'));
        if chunk.starts_with(['(', '[', '{', '|']) {
            self.raws.push(Raw::Break);
        }
        let bare = core.trim_end_matches(|c: char| marks(c) || ".,;:!?)]}".contains(c));
        let end = &core[bare.len()..];
        self.core(bare);
        let stop = end.contains('.') && bare.chars().count() > 3;
        if end.contains(';') {
            self.raws.push(Raw::Semicolon);
        } else if end.contains([',', ':', ')', ']', '}', '|', '!', '?']) || stop {
            self.raws.push(Raw::Break);
        }
    }

    fn core(&mut self, core: &str) {
        match core {
            "" => return,
            "-" | "–" | "—" | "/" => return self.raws.push(Raw::Break),
            "&" | "+" => return self.raws.push(Raw::word("and")),
            "%" => return self.raws.extend(self.lexicon.unit("%").map(Raw::Unit)),
            _ => {}
        }
        let address =
            core.contains(['@', '_', '\\', '=']) || core.contains("://") || core.starts_with("--");
        if address {
            return self.raws.push(Raw::Code(core.to_lowercase()));
        }
        if core.contains(|c: char| c.is_ascii_digit() || "½¼¾".contains(c)) {
            return self.figure(core);
        }
        if among(words::CURRENCIES, &core.to_lowercase()) {
            return self.raws.extend(self.lexicon.unit(&core.to_lowercase()).map(Raw::Unit));
        }
        let inner_dot = core.contains('.') && !core.ends_with('.');
        if inner_dot {
            return self.raws.push(Raw::Code(core.to_lowercase()));
        }
        for (n, part) in core.split(['-', '‑']).filter(|part| !part.is_empty()).enumerate() {
            for (m, word) in part.split(['/', '–', '—', '(', ')']).enumerate() {
                if m > 0 {
                    self.raws.push(Raw::Break);
                }
                self.word(word, n > 0);
            }
        }
    }

    /// A word without marks around it; `inside` a compound a capital says nothing new.
    fn word(&mut self, word: &str, inside: bool) {
        let mut lower = word.to_lowercase().replace(['’', 'ʼ'], "'");
        let capital = word.starts_with(char::is_uppercase);
        if let Some(verb) = lower.strip_suffix("n't") {
            let verb = match verb {
                "ca" => "can",
                "wo" => "will",
                "sha" => "shall",
                verb => verb,
            };
            self.raws.extend([Raw::word(verb), Raw::word("not")]);
            return;
        }
        let mut possessive = lower.ends_with("s'");
        let pronoun = |bare: &str| among("it that what there here he she who where how let", bare);
        for ending in ["'s", "'re", "'ve", "'ll", "'d", "'m", "'"] {
            if let Some(bare) = lower.strip_suffix(ending) {
                possessive |= ending == "'s" && !pronoun(bare);
                lower = bare.to_owned();
                break;
            }
        }
        if lower.is_empty() {
            return;
        }
        if let Some(value) = self.lexicon.number(&lower) {
            return self.raws.push(Raw::Number(value.to_string()));
        }
        self.raws.push(Raw::Word { lower, capital: capital && !inside, possessive });
    }

    fn figure(&mut self, core: &str) {
        let figure = numbers::read(core, self.lexicon.grammar);
        if figure == Figure::Code { self.compound(core) } else { self.plain_figure(figure, core) }
    }

    /// `16-week`, `TR-0318`, `3.4.1`, `1/2`: words beside numbers where they are apart, else a code.
    fn compound(&mut self, core: &str) {
        let parts: Vec<&str> = core.split(['-', '‑']).collect();
        let words = |part: &&str| {
            part.chars().all(char::is_alphabetic) && part.chars().any(char::is_lowercase)
        };
        let number = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
        let apart = parts.len() > 1
            && parts.iter().all(|part| !part.is_empty() && (words(part) || number(part)));
        if apart {
            for part in parts {
                self.core(part);
            }
        } else {
            self.raws.push(Raw::Code(core.to_lowercase()));
        }
    }

    fn plain_figure(&mut self, figure: Figure, core: &str) {
        match figure {
            Figure::Number { value, before, behind } => self.number(value, &before, &behind, core),
            Figure::Range(from, to) => {
                self.plain_figure(*from, core);
                self.raws.push(Raw::word("to"));
                self.plain_figure(*to, core);
            }
            Figure::Date(date) => self.raws.push(Raw::Date(date)),
            Figure::Time(minutes, behind) => {
                self.raws.push(Raw::Time(minutes));
                if !behind.is_empty() {
                    self.raws.push(Raw::word(&behind));
                }
            }
            Figure::Code => self.raws.push(Raw::Code(core.to_lowercase())),
        }
    }

    fn number(&mut self, value: String, before: &str, behind: &str, core: &str) {
        let sign = match before.chars().next() {
            Some('<') => Some(Sign::Less),
            Some('>') => Some(Sign::More),
            Some('≤') => Some(Sign::AtMost),
            Some('≥') => Some(Sign::AtLeast),
            Some('~' | '≈') => Some(Sign::About),
            Some(_) | None => None,
        };
        self.raws.extend(sign.map(Raw::Sign));
        let ordinal = format!("{value}{behind}");
        if among("st nd rd th", behind) {
            return self.raws.push(Raw::word(&ordinal));
        }
        let multiple = words::MULTIPLES.split_whitespace().filter_map(|pair| pair.split_once('='));
        let multiple =
            multiple.into_iter().find(|(name, _)| *name == behind).map(|(_, value)| value);
        let behind_is_unit =
            self.lexicon.unit(behind).or_else(|| self.lexicon.unit(behind.trim_start_matches('-')));
        if behind == "+" {
            return self.raws.extend([Raw::Sign(Sign::AtLeast), Raw::Number(value)]);
        }
        let known = behind.is_empty() || multiple.is_some() || behind_is_unit.is_some();
        if !known && !among("am pm a.m p.m uhr", behind) {
            return self.raws.push(Raw::Code(core.to_lowercase()));
        }
        let currency = before.trim_start_matches(['<', '>', '≤', '≥', '~', '≈', '+', '±']);
        self.raws.push(Raw::Number(value));
        if let Some(multiple) = multiple {
            self.raws.push(Raw::Number(multiple.to_owned()));
        } else if let Some(unit) = behind_is_unit {
            self.raws.push(Raw::Unit(unit));
        } else if !behind.is_empty() {
            self.raws.push(Raw::word(behind));
        }
        self.raws.extend(self.lexicon.unit(currency).map(Raw::Unit));
    }
}

/// `1.5 million` and `two hundred and fifty` become one number.
fn multiples(raws: Vec<Raw>) -> Vec<Raw> {
    let value = |raw: &Raw| match raw {
        Raw::Number(value) => value.parse::<f64>().ok(),
        Raw::Word { .. }
        | Raw::Unit(_)
        | Raw::Date(_)
        | Raw::Time(_)
        | Raw::Code(_)
        | Raw::Sign(_)
        | Raw::Break
        | Raw::Semicolon => None,
    };
    let round = |number: f64| [100.0, 1e3, 1e6, 1e9].contains(&number);
    let mut out: Vec<Raw> = Vec::with_capacity(raws.len());
    let mut at = 0;
    while at < raws.len() {
        let Some(number) = value(&raws[at]) else {
            out.push(raws[at].clone());
            at += 1;
            continue;
        };
        let (mut total, mut group, mut written) = (0.0, number, number);
        at += 1;
        while let Some(raw) = raws.get(at) {
            let and = raw.lower() == "and" && written == 100.0;
            let Some(next) = raws.get(at + usize::from(and)).and_then(value) else { break };
            let joins = if round(next) && !and {
                group *= next;
                true
            } else if (written >= 100.0 && round(written) && next < written)
                || ((20.0..100.0).contains(&written)
                    && written % 10.0 == 0.0
                    && (1.0..10.0).contains(&next))
            {
                if written >= 1e3 {
                    (total, group) = (total + group, next);
                } else {
                    group += next;
                }
                true
            } else {
                false
            };
            if !joins {
                break;
            }
            written = next;
            at += 1 + usize::from(and);
        }
        out.push(Raw::Number(format!("{}", total + group)));
    }
    out
}

/// `9 am`, `5:30 pm`, `17 Uhr`.
fn times(raws: Vec<Raw>) -> Vec<Raw> {
    let mut out: Vec<Raw> = Vec::with_capacity(raws.len());
    for raw in raws {
        let half = match &raw {
            Raw::Word { lower: mark, .. } | Raw::Code(mark)
                if among("am a.m pm p.m uhr o'clock oclock", mark) =>
            {
                mark.replace('.', "")
            }
            Raw::Word { .. }
            | Raw::Number(_)
            | Raw::Unit(_)
            | Raw::Date(_)
            | Raw::Time(_)
            | Raw::Code(_)
            | Raw::Sign(_)
            | Raw::Break
            | Raw::Semicolon => String::new(),
        };
        let minutes = out.last().filter(|_| !half.is_empty()).and_then(minutes);
        let Some(minutes) = minutes else {
            out.push(raw);
            continue;
        };
        out.pop();
        out.push(Raw::Time(match half.as_str() {
            "pm" if minutes < 720 => minutes + 720,
            "am" if minutes >= 720 => minutes - 720,
            _ => minutes,
        }));
    }
    out
}

/// The minutes since midnight that a time, or a number before "am" or "Uhr", stands for.
fn minutes(raw: &Raw) -> Option<u32> {
    match raw {
        Raw::Time(minutes) => Some(*minutes),
        Raw::Number(value) => {
            let (hours, rest) = value.split_once('.').unwrap_or((value, "0"));
            let (hours, rest): (u32, u32) =
                (hours.parse().ok()?, format!("{rest:0<2}").parse().ok()?);
            (hours <= 24 && rest < 60).then_some(hours * 60 + rest)
        }
        Raw::Word { .. }
        | Raw::Unit(_)
        | Raw::Date(_)
        | Raw::Code(_)
        | Raw::Sign(_)
        | Raw::Break
        | Raw::Semicolon => None,
    }
}

/// `1 March 2026`, `March 1st, 2026`, `March 2026`, `5. Mai`.
fn dates(raws: Vec<Raw>, lexicon: &Lexicon) -> Vec<Raw> {
    let month = |at: usize| match raws.get(at) {
        Some(Raw::Word { lower, capital: true, .. }) => lexicon.month(lower),
        _ => None,
    };
    let number = |at: usize| match raws.get(at) {
        Some(Raw::Number(value)) => value.parse::<u32>().ok(),
        Some(Raw::Word { lower, .. }) => {
            let digits = lower.trim_end_matches(|c: char| c.is_alphabetic());
            let ordinal = digits.len() + 2 == lower.len();
            ordinal.then(|| digits.parse::<u32>().ok()).flatten()
        }
        _ => None,
    };
    let day = |at: usize| number(at).filter(|day| (1..=31).contains(day));
    let year = |at: usize| number(at).filter(|year| (1000..3000).contains(year));
    let skip = |at: usize| at + usize::from(matches!(raws.get(at), Some(Raw::Break)));
    let mut out = Vec::with_capacity(raws.len());
    let mut at = 0;
    while at < raws.len() {
        let of = at + 1 + usize::from(raws.get(at + 1).is_some_and(|raw| raw.lower() == "of"));
        if let (Some(day), Some(month)) = (day(at), month(of)) {
            let year_at = skip(of + 1);
            let year = year(year_at);
            out.push(Raw::Date(Date { year, month: Some(month), day: Some(day) }));
            at = if year.is_some() { year_at + 1 } else { of + 1 };
        } else if let Some(month) =
            month(at).filter(|_| day(at + 1).or(year(skip(at + 1))).is_some())
        {
            let day = day(at + 1);
            let year_at = skip(at + 1 + usize::from(day.is_some()));
            let year = year(year_at);
            out.push(Raw::Date(Date { year, month: Some(month), day }));
            at = if year.is_some() { year_at + 1 } else { at + 2 };
        } else {
            out.push(raws[at].clone());
            at += 1;
        }
    }
    out
}

/// A short unit (`h`, `m`, `GB`) is one only behind a number; `EUR 5` becomes `5 EUR`.
fn units_behind(raws: Vec<Raw>, lexicon: &Lexicon) -> Vec<Raw> {
    let mut out: Vec<Raw> = Vec::with_capacity(raws.len());
    let mut at = 0;
    while at < raws.len() {
        let behind_number = matches!(out.last(), Some(Raw::Number(_)));
        let lower = raws[at].lower();
        match (&raws[at], raws.get(at + 1)) {
            (Raw::Word { .. }, _) if behind_number && lexicon.unit(lower).is_some() => {
                out.extend(lexicon.unit(lower).map(Raw::Unit));
            }
            (Raw::Unit(unit), Some(Raw::Number(value))) if !behind_number => {
                out.extend([Raw::Number(value.clone()), Raw::Unit(*unit)]);
                at += 1;
            }
            (raw, _) => out.push(raw.clone()),
        }
        at += 1;
    }
    out
}
