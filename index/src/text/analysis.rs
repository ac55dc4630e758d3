//! From text to search words: lower case, stop words out, stems; bigrams for scripts that write no
//! spaces; and identifiers such as `INC-4711` whole.
//!
//! A chunk is analysed in its own language. A question is analysed in every configured language and
//! the words are united, because the language of a few words is easily misjudged. A reader's text is
//! never read as query syntax.

use std::collections::BTreeSet;

use tantivy::tokenizer::{
    Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, StopWordFilter, TextAnalyzer,
};
use unicode_normalization::UnicodeNormalization;

use crate::error::{Refusal, Result};

/// Words longer than this are not words.
const LONGEST: usize = 60;

/// Words that make a question a question. They are dropped from questions, not from documents.
const ASKING: &[&str] = &[
    // English
    "what", "which", "who", "whom", "whose", "when", "where", "why", "how", "do", "does", "did",
    "can", "could", "should", "would", "may", "must", "shall", "i", "me", "my", "we", "us", "our",
    "you", "your", "he", "she", "its", "have", "has", "had", "am", "been", "being", "were", "from",
    "about", "than", "there", "any", "some", "so", "get", "tell", "please", "s", "t",
    // German, beyond the stemmer's own stop list
    "wer", "wen", "wem", "wessen", "wo", "wohin", "woher", "wann", "warum", "wieso", "weshalb",
    "wieviel", "wieviele", "bitte", "gibt", "kann", "darf", "muss", "soll",
];

/// The configured languages with their analyzers.
pub(crate) struct Analysis {
    languages: Vec<(String, TextAnalyzer)>,
    /// Every stop word of every configured language.
    stops: BTreeSet<String>,
}

impl Analysis {
    /// Analyzers for these two-letter codes; the first serves text whose language is unknown.
    pub(crate) fn new(codes: &[String]) -> Result<Self> {
        let mut languages = Vec::new();
        for code in codes {
            languages.push((code.clone(), analyzer(language(code)?)));
        }
        if languages.is_empty() {
            return Err(Refusal::invalid(
                "no_language",
                "search.languages is empty",
                "name at least one language, such as [\"en\"]",
            ));
        }
        let stops = ASKING.iter().map(|word| (*word).to_owned()).collect();
        Ok(Self { languages, stops })
    }

    /// The words of a piece of a document, in order and with repetitions.
    pub(crate) fn of_chunk(&self, text: &str, code: &str) -> Vec<String> {
        let known = self.languages.iter().find(|(language, _)| language == code);
        let (_, analyzer) = known.unwrap_or(&self.languages[0]);
        let text: String = text.nfc().collect();
        let mut words = words(analyzer, &text);
        words.extend(identifiers(&text));
        words
    }

    /// The different words of a question, in a fixed order. Asking words and words that one of the
    /// languages passes over are left out unless nothing else is there.
    pub(crate) fn of_question(&self, text: &str) -> Vec<String> {
        let text: String = text.nfc().collect();
        let without_asking: String = text
            .split_inclusive(|c: char| !c.is_alphanumeric())
            .filter(|piece| {
                let word = piece.trim_end_matches(|c: char| !c.is_alphanumeric());
                !self.stops.contains(&word.to_lowercase()) && !self.passed_over(word)
            })
            .collect();
        let mut found = self.united(&without_asking);
        if found.is_empty() {
            found = self.united(&text);
        }
        found.extend(identifiers(&text));
        found.into_iter().collect()
    }

    fn united(&self, text: &str) -> BTreeSet<String> {
        self.languages.iter().flat_map(|(_, analyzer)| words(analyzer, text)).collect()
    }

    /// Whether one of the languages has this among its stop words: `the` is no German word, and must
    /// not become a rare one for it.
    fn passed_over(&self, word: &str) -> bool {
        !word.is_empty()
            && word.len() <= LONGEST
            && self.languages.iter().any(|(_, analyzer)| words(analyzer, word).is_empty())
    }
}

fn analyzer(language: Language) -> TextAnalyzer {
    let plain = TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(LONGEST))
        .filter(LowerCaser);
    match StopWordFilter::new(language) {
        Some(stops) => plain.filter(stops).filter(Stemmer::new(language)).build(),
        None => plain.filter(Stemmer::new(language)).build(),
    }
}

fn words(analyzer: &TextAnalyzer, text: &str) -> Vec<String> {
    let mut analyzer = analyzer.clone();
    let mut stream = analyzer.token_stream(text);
    let mut all = Vec::new();
    while let Some(token) = stream.next() {
        if token.text.chars().any(writes_no_spaces) {
            all.extend(bigrams(&token.text));
        } else {
            all.push(token.text.clone());
        }
    }
    all
}

/// Han, kana, Hangul, Thai, Lao, Khmer, Myanmar: a run of characters is not one word.
fn writes_no_spaces(c: char) -> bool {
    matches!(c, '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}'
        | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{AC00}'..='\u{D7AF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

fn bigrams(run: &str) -> Vec<String> {
    let characters: Vec<char> = run.chars().collect();
    if characters.len() < 2 {
        return vec![run.to_owned()];
    }
    characters.windows(2).map(|pair| pair.iter().collect()).collect()
}

/// Names made of several parts of which one holds a digit, whole: `INC-4711`, `F-12`, `2.3.1`. They
/// are marked with `=`, so that no stem can be mistaken for one.
fn identifiers(text: &str) -> impl Iterator<Item = String> {
    let joins = |c: char| matches!(c, '-' | '_' | '.' | '/' | ':');
    text.split(move |c: char| !c.is_alphanumeric() && !joins(c))
        .map(move |piece| piece.trim_matches(joins))
        .filter(move |piece| {
            piece.len() <= LONGEST
                && piece.contains(joins)
                && piece.chars().any(|c| c.is_ascii_digit())
        })
        .map(|piece| format!("={}", piece.to_lowercase()))
}

fn language(code: &str) -> Result<Language> {
    Ok(match code {
        "ar" => Language::Arabic,
        "da" => Language::Danish,
        "de" => Language::German,
        "el" => Language::Greek,
        "en" => Language::English,
        "es" => Language::Spanish,
        "fi" => Language::Finnish,
        "fr" => Language::French,
        "hu" => Language::Hungarian,
        "it" => Language::Italian,
        "nl" => Language::Dutch,
        "no" => Language::Norwegian,
        "pt" => Language::Portuguese,
        "ro" => Language::Romanian,
        "ru" => Language::Russian,
        "sv" => Language::Swedish,
        "ta" => Language::Tamil,
        "tr" => Language::Turkish,
        other => {
            return Err(Refusal::invalid(
                "unknown_language",
                format!("search.languages names `{other}`, which has no stemmer"),
                "use two-letter codes among ar da de el en es fi fr hu it nl no pt ro ru sv ta tr",
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both() -> Analysis {
        Analysis::new(&["en".to_owned(), "de".to_owned()]).unwrap()
    }

    #[test]
    fn a_question_keeps_what_it_is_about() {
        let words = both().of_question("How many days of parental leave do I get?");
        assert!(words.contains(&"leav".to_owned()) && words.contains(&"parental".to_owned()));
        assert!(!words.iter().any(|word| ["how", "do", "of", "get", "i"].contains(&word.as_str())));
    }

    #[test]
    fn a_question_of_stop_words_is_still_a_question() {
        assert!(!both().of_question("who is who?").is_empty());
    }

    #[test]
    fn identifiers_are_found_whole() {
        let words = both().of_chunk("See INC-4711 (form F-12), v2.3.1.", "en");
        for whole in ["=inc-4711", "=f-12", "=v2.3.1"] {
            assert!(words.contains(&whole.to_owned()), "{whole} in {words:?}");
        }
        assert!(both().of_question("what was inc-4711?").contains(&"=inc-4711".to_owned()));
    }

    #[test]
    fn scripts_without_spaces_become_bigrams() {
        assert_eq!(both().of_chunk("東京都", "ja"), ["東京", "京都"]);
    }

    #[test]
    fn query_syntax_is_only_text() {
        let words = both().of_question("title:\"a\" AND (b OR *) -c ~2 \\");
        assert!(
            words
                .iter()
                .all(|word| { word.chars().all(|c| c.is_alphanumeric() || "=:-._/".contains(c)) })
        );
    }

    #[test]
    fn an_unknown_language_is_refused_with_the_known_ones() {
        let error = Analysis::new(&["xx".to_owned()]).err().unwrap();
        assert!(error.to_string().contains("`xx`"));
    }
}
