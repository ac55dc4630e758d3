//! Numbers, dates and times of day, however they are written, brought to one form.
//!
//! `1,000`, `1 000` and `1000` are one number; `1.000` is a thousand in German and one in English.
//! `1 March 2026`, `March 1st, 2026`, `01.03.2026` and `2026-03-01` are one date. What could be read
//! in two ways (`3/4/2026`) is left as it stands, so that it equals itself alone.

use super::{Grammar, words};
use crate::text::among;

/// A calendar date of which parts may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: Option<u32>,
    pub(super) month: Option<u32>,
    pub(super) day: Option<u32>,
}

impl Date {
    /// Whether this date says nothing that the other does not say.
    pub(super) fn within(&self, other: &Date) -> bool {
        let fits = |own: Option<u32>, other: Option<u32>| own.is_none() || own == other;
        fits(self.year, other.year) && fits(self.month, other.month) && fits(self.day, other.day)
    }

    fn new(year: &str, month: &str, day: &str) -> Option<Self> {
        let year = if year.len() == 2 { format!("20{year}") } else { year.to_owned() };
        let (year, month, day) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
        let real = (1..=12).contains(&month) && (1..=31).contains(&day);
        real.then_some(Self { year: Some(year), month: Some(month), day: Some(day) })
    }
}

/// What a piece of text with a digit in it stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Figure {
    /// A number, what stood right before it (`€`, `>`) and right behind it (`%`, `GB`, `th`).
    Number { value: String, before: String, behind: String },
    /// From one number to another.
    Range(Box<Figure>, Box<Figure>),
    /// A date.
    Date(Date),
    /// Minutes since midnight, and what stood behind (`am`).
    Time(u32, String),
    /// A part number, a version, an address: equal to itself alone.
    Code,
}

/// Reads a piece of text without spaces that holds a digit.
pub(super) fn read(core: &str, grammar: Grammar) -> Figure {
    let begin = core.find(|c: char| c.is_ascii_digit() || "½¼¾⅓⅔".contains(c)).unwrap_or(0);
    let (before, rest) = core.split_at(begin);
    if before.chars().any(char::is_alphabetic) && !among(words::CURRENCIES, &before.to_lowercase())
    {
        return Figure::Code;
    }
    let inside = |c: char| c.is_ascii_digit() || ".,:/'’½¼¾⅓⅔-–".contains(c);
    let end = rest.find(|c| !inside(c)).unwrap_or(rest.len());
    let (digits, behind) = rest.split_at(end);
    let (digits, behind) = match digits.strip_suffix(['-', '–', '.', '/', '\'', '’']) {
        Some(bare) if !behind.is_empty() => (bare, behind),
        _ => (digits, behind),
    };
    let behind = behind.to_lowercase();
    if behind.contains(|c: char| c.is_ascii_digit()) {
        return range_with_units(core, grammar).unwrap_or(Figure::Code);
    }
    if let Some(date) = date(digits) {
        return Figure::Date(date);
    }
    if let Some(minutes) = time(digits) {
        return Figure::Time(minutes, behind);
    }
    if let Some((from, to)) = digits.split_once(['-', '–']).filter(|(from, _)| !from.is_empty()) {
        return range(from, &format!("{to}{behind}"), grammar);
    }
    let negative = before.ends_with(['-', '−']);
    let before = before.trim_end_matches(['-', '−']).to_lowercase();
    match canonical(digits, grammar) {
        Some(value) => {
            let value = if negative { format!("-{value}") } else { value };
            Figure::Number { value, before, behind }
        }
        None => Figure::Code,
    }
}

/// `10%-20%`, `5GB–10GB`.
fn range_with_units(core: &str, grammar: Grammar) -> Option<Figure> {
    let (from, to) = core.split_once(['-', '–'])?;
    let digit = |side: &str| side.contains(|c: char| c.is_ascii_digit());
    (digit(from) && digit(to)).then(|| range(from, to, grammar))
}

fn range(from: &str, to: &str, grammar: Grammar) -> Figure {
    match (read(from, grammar), read(to, grammar)) {
        (Figure::Code, _) | (_, Figure::Code) => Figure::Code,
        (from, to) => Figure::Range(Box::new(from), Box::new(to)),
    }
}

fn date(digits: &str) -> Option<Date> {
    let parts = |mark: char| {
        let parts: Vec<&str> = digits.split(mark).collect();
        let whole = parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        <[&str; 3]>::try_from(parts).ok().filter(|_| whole)
    };
    if let Some([year, month, day]) = parts('-').filter(|[year, ..]| year.len() == 4) {
        return Date::new(year, month, day);
    }
    if let Some([day, month, year]) = parts('.').filter(|[.., year]| year.len() == 4) {
        return Date::new(year, month, day);
    }
    let [one, other, year] = parts('/').filter(|[.., year]| year.len() == 4)?;
    // Only where one of the two can't be a month is it clear which is which.
    match (one.parse::<u32>(), other.parse::<u32>()) {
        (Ok(day), Ok(_)) if day > 12 => Date::new(year, other, one),
        (Ok(_), Ok(day)) if day > 12 => Date::new(year, one, other),
        _ => None,
    }
}

fn time(digits: &str) -> Option<u32> {
    let (hours, minutes) = digits.split_once(':')?;
    let (hours, minutes): (u32, u32) =
        (hours.parse().ok()?, minutes.parse().ok().filter(|_| minutes.len() == 2)?);
    (hours <= 24 && minutes < 60).then_some(hours * 60 + minutes)
}

/// The number without separators and needless zeros.
fn canonical(digits: &str, grammar: Grammar) -> Option<String> {
    let mut fraction = None;
    let mut plain = digits.replace(['\'', '’'], "");
    for (mark, value) in [('½', "5"), ('¼', "25"), ('¾', "75"), ('⅓', "333"), ('⅔', "667")] {
        if let Some(bare) = plain.strip_suffix(mark) {
            (plain, fraction) = (bare.to_owned(), Some(value.to_owned()));
            break;
        }
    }
    let (whole, decimals) = match decimal_mark(&plain, grammar)? {
        None => (plain.replace([',', '.'], ""), String::new()),
        Some(place) => (plain[..place].replace([',', '.'], ""), plain[place + 1..].to_owned()),
    };
    let decimals = fraction.unwrap_or(decimals);
    if !whole.bytes().chain(decimals.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let decimals = decimals.trim_end_matches('0');
    Some(if decimals.is_empty() { whole.to_owned() } else { format!("{whole}.{decimals}") })
}

/// Where the decimals begin, if there are any; outside `None` when this is no number.
fn decimal_mark(plain: &str, grammar: Grammar) -> Option<Option<usize>> {
    let last = plain.rfind([',', '.']);
    let Some(place) = last else { return Some(None) };
    let mark = if plain[place..].starts_with(',') { ',' } else { '.' };
    let other = if mark == ',' { '.' } else { ',' };
    let groups = |text: &str, mark: char| text.split(mark).skip(1).all(|group| group.len() == 3);
    if plain.matches(mark).count() > 1 {
        return (groups(plain, mark) && !plain.contains(other)).then_some(None);
    }
    if plain.contains(other) {
        return groups(&plain[..place], other).then_some(Some(place));
    }
    let thousands = match grammar {
        Grammar::German => mark == '.',
        Grammar::English | Grammar::Unknown => mark == ',',
    };
    let grouped = groups(plain, mark) && place <= 3 && !plain.starts_with('0');
    Some((!(thousands && grouped)).then_some(place))
}
