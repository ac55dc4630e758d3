//! Which of the languages whose words are known a text is in.

use unicode_segmentation::UnicodeSegmentation;

/// The language whose stems, stop words and question words apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    German,
}

impl Language {
    /// Reads a language tag; a passage without one is taken to be in the question's language.
    pub(crate) fn of(tag: &str, question: Language) -> Language {
        match tag {
            "" => question,
            tag if tag.starts_with("de") => Language::German,
            _ => Language::English,
        }
    }

    /// Tells German from English by the small words, which every question has.
    pub(crate) fn detect(text: &str) -> Language {
        let lower = text.to_lowercase();
        let count = |list: &str| lower.unicode_words().filter(|word| among(list, word)).count();
        let umlauts = usize::from(lower.contains(['ä', 'ö', 'ü', 'ß']));
        if count(GERMAN_STOP) + umlauts > count(ENGLISH_STOP) {
            Language::German
        } else {
            Language::English
        }
    }
}

/// Whether a list of words, separated by single spaces, holds a word.
pub(crate) fn among(list: &str, word: &str) -> bool {
    list.split(' ').any(|entry| entry == word)
}

/// Words that carry no topic.
pub(crate) const ENGLISH_STOP: &str = "a about after all also an and any are as at be been before \
    being but by can could did do does done for from get had has have he her him his how i if in \
    into is it its may me my no not of on or our she should so some such than that the their them \
    then there these they this those to us was we were what when where which who whom whose why \
    will with would you your";
/// The same in German.
pub(crate) const GERMAN_STOP: &str = "aber alle als am an auch auf aus bei beim bin da dann das \
    dass dem den der des die dies diese dieser dieses doch dort durch ein eine einem einen einer \
    eines er es für gab gibt habe haben hat hatte hatten ich ihr ihre im in ist kann kein keine man \
    mein meine meinen mich mir mit muss nach nicht noch nur ob oder sein seine seit sich sie sind so \
    über um und uns unser unter viel viele vom von vor wann war waren warum was welche welchem \
    welchen welcher welches wem wen wenn wer werden wessen wie wieso wieviel wir wird wo woher wohin \
    wurde wurden zu zum zur";
