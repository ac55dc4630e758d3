//! What a follow-up asks: "And for contractors?", "How long is it?", "Und in Teilzeit?", "Why?".
//!
//! The question before it is taken, and what the follow-up says is put in the place of what it
//! replaces. No model has part in this: each rule below is a look into a list of words (`lists.rs`),
//! so that anybody can see why something was searched. Only the reader's own questions are read, and
//! nothing of an answer, so nothing hidden can get into a search by this.
//!
//! In order: more of the same ("tell me more"), something else instead ("what about …"), an asking word
//! alone ("why?"), a word that points back ("it", "davon"), a piece without a verb ("in Germany?"), and
//! a question that lacks what it is about ("who decides?"). What is none of these stands by itself and
//! is left alone, word for word.

use crate::generate::extractive::language;

mod lists;
mod sentence;

use sentence::{Sentence, among, capital};

/// A question with more words stands by itself.
const LONGEST: usize = 24;
/// So many earlier questions are read.
const READ: usize = 12;

/// The question as it stands by itself, after these of the same reader; `None` where it is left alone.
pub(super) fn complete(earlier: &[&str], question: &str) -> Option<String> {
    let mut before: Option<String> = None;
    for asked in &earlier[earlier.len().saturating_sub(READ)..] {
        let completed = before.and_then(|before| follow(&before, asked));
        before = Some(completed.unwrap_or_else(|| (*asked).to_owned()));
    }
    follow(&before?, question)
}

/// One step: a question after another one that stands by itself.
fn follow(before: &str, asked: &str) -> Option<String> {
    let (before, whole) = (Sentence::read(before), Sentence::read(asked));
    if whole.len() == 0 || whole.len() > LONGEST || before.len() == 0 {
        return None;
    }
    let connected = whole.leading(|word| among(lists::CONNECTIVES, word));
    let asked = whole.from(connected);
    if asked.len() == 0 || lists::MORE.iter().any(|more| asked.is(more)) {
        return Some(before.text());
    }
    if let Some(rest) = lists::INSTEAD.iter().find_map(|pattern| asked.after(pattern))
        && stands_for_something(&rest)
    {
        return Some(before.with(&rest, true));
    }
    if asked.all(|word| among(lists::ASKING, word) || among(lists::MEASURES, word))
        && asked.any(|word| among(lists::ASKING, word))
    {
        return Some(with_asking_word(&asked, &before));
    }
    if let Some(text) = pointing_back(&asked, &before) {
        return Some(text);
    }
    if is_a_piece(&asked, connected > 0) {
        return Some(before.with(&asked, connected > 0));
    }
    lacks_its_object(&asked).then(|| format!("{} {}?", asked.bare(), before.topic()))
}

/// Whether what follows "what about" names something, and is no sentence with its own verb.
fn stands_for_something(rest: &Sentence) -> bool {
    let sentence = rest.any(|word| among(lists::AUXILIARIES, word) || among(lists::ASKING, word));
    rest.any(|word| !among(lists::EMPTY, word)) && !sentence && !lacks_its_object(rest)
}

/// "Why?" after "Are dogs allowed?" asks why dogs are allowed.
fn with_asking_word(asked: &Sentence, before: &Sentence) -> String {
    let asking: Vec<_> =
        asked.words().filter(|word| !among("not nicht", &word.to_lowercase())).collect();
    let asking = asking.join(" ");
    if among(lists::AUXILIARIES, &before.lower(0)) {
        return format!("{asking} {}", sentence::uncapitalised(&before.text()));
    }
    format!("{asking} {}?", before.topic())
}

/// Whether there is no verb in it, and so no sentence.
fn is_a_piece(asked: &Sentence, connected: bool) -> bool {
    if asked.any(|word| among(lists::AUXILIARIES, word) || among(lists::ASKING, word)) {
        return false;
    }
    let german_verb = asked.len() > 1
        && (asked.lower(0).ends_with("en") || asked.lower(0).ends_with('t'))
        && capital(asked.word(1))
        && !among(lists::PEOPLE[1], &asked.lower(0));
    if sentence::preposition(&asked.lower(0)).is_some() {
        return asked.len() <= 8;
    }
    !german_verb && (connected && asked.len() <= 5 || asked.asks && asked.len() <= 3)
}

/// Whether everything that it says needs something that it does not say.
fn lacks_its_object(asked: &Sentence) -> bool {
    let says = |word: &str| {
        ![lists::EMPTY, lists::ASKING, lists::AUXILIARIES, lists::MEASURES]
            .iter()
            .any(|list| among(list, word))
    };
    asked.any(says) && asked.all(|word| !says(word) || among(lists::NEEDS, word))
}

/// The question with what a word of it points back to.
fn pointing_back(asked: &Sentence, before: &Sentence) -> Option<String> {
    let german = language(&format!("{} {}", before.text(), asked.text())) == "de";
    let points = |at: &usize| {
        if german { points_in_german(asked, *at) } else { points_in_english(asked, *at) }
    };
    let at = (0..asked.len()).find(points)?;
    let word = asked.lower(at);
    let people = before.people();
    if among("they them their he she him her sie ihnen ihr ihre ihren", &word)
        && let Some(people) = people
    {
        let personal = asked.any(|word| among(lists::PERSONAL, word));
        if among("their his her ihr ihre ihren", &word) {
            return Some(format!(
                "{} {} {people}?",
                asked.without(at),
                if german { "für" } else { "of" }
            ));
        }
        if personal || !among("they them sie ihnen", &word) {
            return Some(asked.replaced(at, &people));
        }
    }
    let topic = before.topic();
    if topic.is_empty() {
        return None;
    }
    if !german && among("its their his", &word) {
        return Some(format!("{} of {topic}?", asked.without(at)));
    }
    let replaced = "it this that they them these those one he she him er sie es das dies ihn ihm";
    let names = |at: usize| {
        let next = asked.get(at).unwrap_or_default();
        if german { capital(asked.word(at)) } else { !among(lists::EMPTY, &next) && !verb(&next) }
    };
    let demonstrative = among("this that these those diese dieser dieses", &word)
        && at + 1 < asked.len()
        && names(at + 1);
    if among(replaced, &word) && !demonstrative {
        return Some(asked.replaced(at, &topic));
    }
    Some(format!("{} {topic}?", asked.bare()))
}

fn verb(word: &str) -> bool {
    [lists::AUXILIARIES, lists::LIGHT, lists::NEEDS, lists::PERSONAL]
        .iter()
        .any(|list| among(list, word))
}

/// Whether an earlier word of the same question is what a later "it" means.
fn has_its_own(asked: &Sentence, at: usize, pronoun: &str) -> bool {
    let names = |word: &String| {
        !verb(word)
            && ![lists::EMPTY, lists::ASKING, lists::MEASURES].iter().any(|list| among(list, word))
    };
    let before: Vec<_> = (0..at).map(|place| asked.lower(place)).filter(names).collect();
    let people = before.iter().any(|word| lists::PEOPLE.iter().any(|list| among(list, word)));
    let about_people =
        among("they them their he she him her his sie ihnen ihr ihre ihren", pronoun);
    before.len() >= 2 || about_people && people
}

fn points_in_english(asked: &Sentence, at: usize) -> bool {
    let word = asked.lower(at);
    let last = at.checked_sub(1).map(|last| asked.lower(last)).unwrap_or_default();
    let next = asked.get(at + 1).unwrap_or_default();
    let is = |word: &str| among("is are was were be been isn't aren't", word);
    let pointing = match word.as_str() {
        // The department is no pronoun.
        "it" => asked.word(at) != "IT" && !begins_a_question_of_its_own(asked, at),
        "its" | "they" | "them" | "their" | "he" | "she" | "him" | "her" | "his" => true,
        "there" => !is(&last) && !is(&next),
        "one" => {
            at > 0
                && (next.is_empty() || sentence::preposition(&next).is_some())
                && !among("which no any each per", &last)
        }
        "that" | "this" | "these" | "those" => {
            let after = [lists::AUXILIARIES, lists::LIGHT, lists::PERSONAL, lists::ASKING];
            let free = at == 0
                || after.iter().any(|list| among(list, &last))
                || sentence::preposition(&last).is_some()
                || next.is_empty();
            free && !among(lists::TIMES, &next) && !among("week day quarter time morning", &next)
        }
        _ => false,
    };
    pointing && !has_its_own(asked, at, &word)
}

fn points_in_german(asked: &Sentence, at: usize) -> bool {
    let word = asked.lower(at);
    let last = at.checked_sub(1).map(|last| asked.lower(last)).unwrap_or_default();
    let next = asked.get(at + 1).unwrap_or_default();
    // Nouns have a capital, so an article is told by what comes after it.
    let article = [at + 1, at + 2].iter().any(|at| *at < asked.len() && capital(asked.word(*at)));
    let pointing = match word.as_str() {
        // The polite form has a capital.
        "er" | "ihn" | "ihm" => true,
        "sie" | "ihnen" => at == 0 || !capital(asked.word(at)),
        "es" => {
            !among("gibt geht", &last) && next != "gibt" && !begins_a_question_of_its_own(asked, at)
        }
        "das" | "dies" | "diese" | "dieser" | "dieses" => {
            !article
                || among(lists::AUXILIARIES, &last)
                    && !capital(asked.word((at + 1).min(asked.len() - 1)))
        }
        pointing => among(lists::POINTING, pointing) && !capital(asked.word(at)),
    };
    pointing && !has_its_own(asked, at, &word)
}

/// "Is it possible to …", "how long does it take to …": this "it" stands for nothing.
fn begins_a_question_of_its_own(asked: &Sentence, at: usize) -> bool {
    let next = asked.get(at + 1).unwrap_or_default();
    let more =
        (at + 2..asked.len()).any(|at| among("to that if when for zu dass wenn", &asked.lower(at)));
    among(lists::JUDGES, &next) && more
}

#[cfg(test)]
mod tests;
