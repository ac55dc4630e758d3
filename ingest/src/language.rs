//! The language of a text, as a two-letter code, or nothing where it can't be told.

use whatlang::{Lang, detect};

/// How many characters of prose are looked at.
const SAMPLE: usize = 4_000;
/// Below this many letters a guess is worth nothing.
const LEAST: usize = 60;

/// The language that a text is written in, where the guess is reliable.
pub(crate) fn of(text: &str) -> Option<&'static str> {
    let sample = prose(text);
    if sample.chars().filter(|c| c.is_alphabetic()).count() < LEAST {
        return None;
    }
    let info = detect(&sample)?;
    info.is_reliable().then(|| two_letters(info.lang()))
}

/// The code that somebody wrote (`de`, `de-AT`, `EN_us`), if it is one of two letters.
pub(crate) fn declared(value: &str) -> Option<String> {
    let code = value.trim().split(['-', '_']).next()?.to_ascii_lowercase();
    let known = code.len() == 2 && code.bytes().all(|b| b.is_ascii_lowercase());
    known.then_some(code)
}

/// The first prose of a text: no code blocks, no addresses, no tags.
fn prose(text: &str) -> String {
    let mut sample = String::new();
    let mut taken = 0;
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
            continue;
        }
        if in_code || line.trim_start().starts_with(['<', '|']) {
            continue;
        }
        for word in line.split_whitespace() {
            if !word.contains(['/', '`', '=', '<', '_', '@']) {
                sample.push_str(word);
                sample.push(' ');
                taken += word.len() + 1;
            }
        }
        if taken > SAMPLE {
            break;
        }
    }
    // One endless line is cut as well.
    sample.truncate(sample.floor_char_boundary(4 * SAMPLE));
    sample
}

/// ISO 639-1 for whatlang's ISO 639-3. Most codes follow no rule, so they are spelt out.
const CODES: &str = "\
    afr:af aka:ak amh:am ara:ar aze:az bel:be ben:bn bul:bg cat:ca ces:cs \
    cmn:zh cym:cy dan:da deu:de ell:el eng:en epo:eo est:et fin:fi fra:fr \
    guj:gu heb:he hin:hi hrv:hr hun:hu hye:hy ind:id ita:it jav:jv jpn:ja \
    kan:kn kat:ka khm:km kor:ko lat:la lav:lv lit:lt mal:ml mar:mr mkd:mk \
    mya:my nep:ne nld:nl nob:nb ori:or pan:pa pes:fa pol:pl por:pt ron:ro \
    rus:ru sin:si slk:sk slv:sl sna:sn spa:es srp:sr swe:sv tam:ta tel:te \
    tgl:tl tha:th tuk:tk tur:tr ukr:uk urd:ur uzb:uz vie:vi yid:yi zul:zu";

fn two_letters(lang: Lang) -> &'static str {
    let pair = CODES
        .split_whitespace()
        .find_map(|pair| pair.split_once(':').filter(|(three, _)| *three == lang.code()));
    pair.map_or("", |(_, two)| two)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_recognised_and_scraps_are_not() {
        let german = "Der Urlaubsantrag muss spätestens vier Wochen vor dem ersten Urlaubstag bei der Personalabteilung eingehen.";
        let english = "Every parent may take sixteen weeks of leave in the first year after the birth of the child.";
        assert_eq!(of(german), Some("de"));
        assert_eq!(of(english), Some("en"));
        assert_eq!(of("INC-4711"), None);
        assert_eq!(of("```\nlet x = 1;\n```"), None);
    }

    #[test]
    fn every_language_has_a_code_and_declared_ones_are_cut() {
        for lang in Lang::all() {
            assert_eq!(two_letters(*lang).len(), 2, "{lang:?}");
        }
        assert_eq!(declared("de-AT").as_deref(), Some("de"));
        assert_eq!(declared("german"), None);
    }
}
