//! A question as words, and what can be put into it.

use super::lists;

/// Topics are no longer than this.
const TOPIC: usize = 14;

/// A question, cut into words without the marks around them.
pub(super) struct Sentence {
    words: Vec<String>,
    /// Whether it ends with a question mark.
    pub(super) asks: bool,
}

/// Whether a list holds a word.
pub(super) fn among(list: &str, word: &str) -> bool {
    !word.is_empty() && list.split(' ').any(|entry| entry == word)
}

/// Whether a word begins with a capital.
pub(super) fn capital(word: &str) -> bool {
    word.starts_with(char::is_uppercase)
}

/// The line of [`lists::PREPOSITIONS`] that a word is in.
pub(super) fn preposition(word: &str) -> Option<usize> {
    lists::PREPOSITIONS.iter().position(|line| among(line, word))
}

/// A text that goes on after another one.
pub(super) fn uncapitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_lowercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}

/// What kind of thing stands after a preposition: only like replaces like.
#[derive(PartialEq, Eq)]
enum Kind {
    Time,
    State,
    Other,
}

fn kind(words: &[String]) -> Kind {
    let any = |list: &str| words.iter().any(|word| among(list, &word.to_lowercase()));
    if any(lists::STATES) {
        Kind::State
    } else if any(lists::TIMES) || words.iter().any(|word| number(word)) {
        Kind::Time
    } else {
        Kind::Other
    }
}

fn number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
}

fn is_people(word: &str) -> bool {
    lists::PEOPLE.iter().any(|list| among(list, &word.to_lowercase()))
}

impl Sentence {
    pub(super) fn read(text: &str) -> Self {
        let text = text.replace('’', "'");
        let around = |c: char| !c.is_alphanumeric();
        let words = text.split_whitespace().map(|word| word.trim_matches(around));
        let words = words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
        Self { words, asks: text.trim_end().ends_with('?') }
    }

    fn of(words: Vec<String>) -> Self {
        Self { words, asks: true }
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    pub(super) fn word(&self, at: usize) -> &str {
        &self.words[at]
    }

    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    pub(super) fn lower(&self, at: usize) -> String {
        self.words[at].to_lowercase()
    }

    pub(super) fn get(&self, at: usize) -> Option<String> {
        self.words.get(at).map(|word| word.to_lowercase())
    }

    pub(super) fn any(&self, holds: impl Fn(&str) -> bool) -> bool {
        self.words.iter().any(|word| holds(&word.to_lowercase()))
    }

    pub(super) fn all(&self, holds: impl Fn(&str) -> bool) -> bool {
        self.words.iter().all(|word| holds(&word.to_lowercase()))
    }

    /// How many words at the beginning are so.
    pub(super) fn leading(&self, holds: impl Fn(&str) -> bool) -> usize {
        self.words.iter().take_while(|word| holds(&word.to_lowercase())).count()
    }

    pub(super) fn from(&self, at: usize) -> Self {
        Self { words: self.words[at..].to_vec(), asks: self.asks }
    }

    /// Whether it consists of these words.
    pub(super) fn is(&self, words: &str) -> bool {
        self.words.iter().map(|word| word.to_lowercase()).eq(words.split(' '))
    }

    /// What comes after a pattern of [`lists::INSTEAD`]; a last "aus" or "too" belongs to the pattern.
    pub(super) fn after(&self, pattern: &str) -> Option<Self> {
        let mut at = 0;
        for part in pattern.split(' ') {
            if part == "+" {
                self.get(at).as_deref().and_then(preposition)?;
                break;
            }
            let (part, optional) =
                part.strip_suffix('?').map_or((part, false), |part| (part, true));
            let found = self.get(at).is_some_and(|word| part.split('|').any(|one| one == word));
            match (found, optional) {
                (true, _) => at += 1,
                (false, true) => {}
                (false, false) => return None,
            }
        }
        let mut words = self.words[at..].to_vec();
        if words.last().is_some_and(|last| among("aus too then auch", &last.to_lowercase())) {
            words.pop();
        }
        Some(Self::of(words)).filter(|rest| rest.len() > 0)
    }

    /// The words without a mark at the end.
    pub(super) fn bare(&self) -> String {
        self.words.join(" ")
    }

    pub(super) fn text(&self) -> String {
        format!("{}?", self.bare())
    }

    pub(super) fn without(&self, at: usize) -> String {
        let mut words = self.words.clone();
        words.remove(at);
        words.join(" ")
    }

    pub(super) fn replaced(&self, at: usize, by: &str) -> String {
        let mut words = self.words.clone();
        by.clone_into(&mut words[at]);
        Self::of(words).text()
    }

    /// The same with a piece of it replaced.
    fn spliced(&self, from: usize, to: usize, by: &[String]) -> String {
        let mut words = self.words.clone();
        words.splice(from..to, by.iter().cloned());
        Self::of(words).text()
    }

    /// Where the first group of people stands.
    fn people_at(&self) -> Option<(usize, usize)> {
        let at = self.words.iter().position(|word| is_people(word))?;
        let part = |from: &usize| among(lists::OF_PEOPLE, &self.lower(*from));
        let from = (0..at).rev().take_while(part).last().unwrap_or(at);
        Some((from, at + 1))
    }

    /// The group of people that it is about, unless it is everybody.
    pub(super) fn people(&self) -> Option<String> {
        let (from, to) = self.people_at()?;
        let everybody = to - from == 1 && among(lists::PEOPLE[0], &self.lower(from));
        (!everybody).then(|| self.words[from..to].join(" "))
    }

    /// What it is about: its words without those that ask, help or stand for persons, with the group of
    /// people at the end.
    pub(super) fn topic(&self) -> String {
        let group = self.people_at();
        let dropped = |at: usize| {
            let word = self.lower(at);
            let asking = among(lists::ASKING, &word)
                || at > 0
                    && among(lists::ASKING, &self.lower(at - 1))
                    && among(lists::MEASURES, &word);
            asking
                || [lists::AUXILIARIES, lists::LIGHT].iter().any(|list| among(list, &word))
                || among("i we you me us there ich wir man du es", &word)
                || group.is_some_and(|(from, to)| (from..to).contains(&at))
        };
        let mut kept: Vec<&str> =
            (0..self.len()).filter(|at| !dropped(*at)).map(|at| self.word(at)).collect();
        let empty = |word: &&str| {
            let word = word.to_lowercase();
            among(lists::EMPTY, &word) && !capital(&word)
        };
        let begins = kept.iter().take_while(|word| empty(word)).count();
        kept.drain(..begins);
        let ends = kept.iter().rev().take_while(|word| empty(word)).count();
        kept.truncate((kept.len() - ends).min(TOPIC));
        let mut topic = kept.join(" ");
        if let Some(people) = self.people() {
            let german = super::language(&self.text()) == "de";
            topic = format!("{topic} {} {people}", if german { "für" } else { "for" });
        }
        topic.trim().to_owned()
    }

    /// The same question about something else: the piece takes the place of its like, or comes at the
    /// end where there is none. `named`: capitals in the piece are there for a name.
    pub(super) fn with(&self, piece: &Sentence, named: bool) -> String {
        let first = preposition(&piece.lower(0)).filter(|_| piece.len() > 1);
        let body = &piece.words[usize::from(first.is_some())..];
        let place = self
            .place_of_people(first, body)
            .or_else(|| self.place_of_phrase(first, body))
            .or_else(|| self.place_of_number(body))
            .or_else(|| self.place_of_same_noun(body))
            .or_else(|| if named { self.place_of_name(body) } else { None })
            .or_else(|| if first.is_none() { self.place_of_topic(body, named) } else { None });
        let article = |at: Option<usize>| {
            at.and_then(|at| self.get(at)).is_some_and(|word| among(lists::ARTICLES, &word))
        };
        match place {
            Some((from, to))
                if article(from.checked_sub(1))
                    && among(lists::ARTICLES, &body[0].to_lowercase()) =>
            {
                self.spliced(from - 1, to, body)
            }
            Some((from, to)) => self.spliced(from, to, body),
            None => self.spliced(self.len(), self.len(), &piece.words),
        }
    }

    /// A group takes the place of a group, or of "I".
    fn place_of_people(&self, first: Option<usize>, body: &[String]) -> Option<(usize, usize)> {
        if first.is_some_and(|line| {
            ![preposition("for"), preposition("at"), preposition("as")].contains(&Some(line))
        }) || !body.iter().any(|word| is_people(word))
        {
            return None;
        }
        let own = || {
            let at = (0..self.len()).find(|at| among("i we you ich wir man", &self.lower(*at)))?;
            Some((at, at + 1))
        };
        self.people_at().or_else(own)
    }

    /// What stands after the same preposition, where it is a thing of the same kind.
    fn place_of_phrase(&self, first: Option<usize>, body: &[String]) -> Option<(usize, usize)> {
        let line = first?;
        let at = (0..self.len()).rev().find(|at| preposition(&self.lower(*at)) == Some(line))?;
        let from = at + 1;
        let name =
            from < self.len() && capital(self.word(from)) && super::language(&self.text()) == "en";
        let goes_on = |at: &usize| {
            let word = self.lower(*at);
            let ends = preposition(&word).is_some()
                || [lists::AUXILIARIES, lists::LIGHT, lists::ASKING]
                    .iter()
                    .any(|list| among(list, &word))
                || name && !capital(self.word(*at));
            !ends
        };
        let to = (from..self.len()).take_while(goes_on).last()? + 1;
        (kind(&self.words[from..to]) == kind(body)).then_some((from, to))
    }

    /// A thing takes the place of the thing that is asked about: of what comes after an article where
    /// both have one, else of the longest run of words that say something.
    fn place_of_topic(&self, body: &[String], named: bool) -> Option<(usize, usize)> {
        let name =
            named && body.iter().all(|word| capital(word)) && super::language(&self.text()) == "en";
        if name || kind(body) != Kind::Other || body.iter().any(|word| is_people(word)) {
            return None;
        }
        let says = |at: &usize| {
            let word = self.lower(*at);
            !is_people(&word) && preposition(&word).is_none() && self.carries(*at)
        };
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for at in (0..self.len()).filter(says) {
            match runs.last_mut() {
                Some(run) if run.1 == at => run.1 = at + 1,
                _ => runs.push((at, at + 1)),
            }
        }
        let after =
            |run: &&(usize, usize), list: &str| run.0 > 0 && among(list, &self.lower(run.0 - 1));
        let first = body[0].to_lowercase();
        let same_article = among(lists::ARTICLES, &first);
        let beside = runs.iter().find(|run| same_article && after(run, lists::ARTICLES));
        beside.or_else(|| runs.iter().max_by_key(|run| run.1 - run.0)).copied()
    }

    /// Whether a word is part of what a question is about.
    fn carries(&self, at: usize) -> bool {
        let word = self.lower(at);
        let empty = [
            lists::EMPTY,
            lists::ASKING,
            lists::AUXILIARIES,
            lists::LIGHT,
            lists::MEASURES,
            lists::NEEDS,
        ];
        !empty.iter().any(|list| among(list, &word))
    }

    fn place_of_number(&self, body: &[String]) -> Option<(usize, usize)> {
        body.iter().find(|word| number(word))?;
        let at = self.words.iter().position(|word| number(word))?;
        (body.len() == 1).then_some((at, at + 1))
    }

    /// "Sick leave" takes the place of "parental leave".
    fn place_of_same_noun(&self, body: &[String]) -> Option<(usize, usize)> {
        let noun = body.last()?.to_lowercase();
        let at = (0..self.len()).rev().find(|at| self.lower(*at) == noun)?;
        let from = (0..at).rev().take_while(|at| self.carries(*at)).last().unwrap_or(at);
        Some((from, at + 1))
    }

    /// A name takes the place of the last name. In German everything has a capital, so this is English.
    fn place_of_name(&self, body: &[String]) -> Option<(usize, usize)> {
        if !body.iter().all(|word| capital(word)) || super::language(&self.text()) != "en" {
            return None;
        }
        let name = |at: &usize| capital(self.word(*at)) && self.word(*at) != "I";
        let at = (1..self.len()).rev().find(name)?;
        let from = (1..at).rev().take_while(name).last().unwrap_or(at);
        Some((from, at + 1))
    }
}
