//! A claim without what says nothing: marks, "Yes,", "According to the policy,".

use std::collections::HashSet;

use super::read::Reader;
use super::words;
use crate::text::among;

/// The claim without markup and without an opening that only says where it has it from. An opening
/// that names something else than the cited document stays, and will be missed in the passage.
pub(super) fn bare(claim: &str, context: &HashSet<String>, reader: &Reader) -> String {
    let plain = claim.replace(['*', '`', '#'], "");
    let mut text = plain.trim().trim_start_matches(['-', '>', '•']).trim();
    for _ in 0..3 {
        let shorter = without_opener(text)
            .or_else(|| without_source(text, context, reader))
            .or_else(|| without_saying(text, context, reader));
        match shorter {
            Some(shorter) => text = shorter,
            None => break,
        }
    }
    text.to_owned()
}

/// `Yes, …`; a "No," goes only where the claim says "not" once more.
fn without_opener(text: &str) -> Option<&str> {
    let (first, rest) =
        text.split_once([',', '.', ':', '!']).filter(|(first, _)| !first.contains(' '))?;
    let first = first.to_lowercase();
    let negated = rest.to_lowercase().split_whitespace().any(|word| {
        word.ends_with("n't")
            || among("not no never cannot nicht kein keine keinen nie ohne without", word)
    });
    let empty = among(words::OPENERS, &first) || (among("no nein", &first) && negated);
    (empty && !rest.trim().is_empty()).then(|| rest.trim())
}

/// `According to the leave policy, …`
fn without_source<'a>(
    text: &'a str,
    context: &HashSet<String>,
    reader: &Reader,
) -> Option<&'a str> {
    let (opening, rest) = text.split_once(',')?;
    let lower = opening.to_lowercase();
    let mut named = words::ACCORDING
        .split(';')
        .filter_map(|start| lower.strip_prefix(start).filter(|source| source.starts_with(' ')));
    named.any(|source| names_the_document(source, context, reader)).then(|| rest.trim())
}

/// `The leave policy says that …`
fn without_saying<'a>(
    text: &'a str,
    context: &HashSet<String>,
    reader: &Reader,
) -> Option<&'a str> {
    let mut at = 0;
    let mut source = String::new();
    for word in text.split_whitespace().take(10) {
        let end = at + text[at..].find(word)? + word.len();
        let lower = word.trim_end_matches(',').to_lowercase();
        if among(words::SAYING, &lower) && !source.is_empty() {
            let rest = text[end..].trim_start();
            let rest = rest.strip_prefix("that ").or_else(|| rest.strip_prefix("dass "))?;
            return names_the_document(&source, context, reader).then_some(rest);
        }
        source.push_str(&lower);
        source.push(' ');
        at = end;
    }
    None
}

/// Whether these words name the cited document, and nothing else: a word for a document is among
/// them, and the others are of its title or its headings.
fn names_the_document(words: &str, context: &HashSet<String>, reader: &Reader) -> bool {
    let document = words.split_whitespace().any(|word| among(words::DOCUMENTS, word));
    let read = reader.read(words);
    let known = read
        .tokens
        .iter()
        .all(|token| among(words::DOCUMENTS, &token.lower) || context.contains(&token.stem));
    let all =
        !read.tokens.is_empty() && read.tokens.iter().all(|token| context.contains(&token.stem));
    known && (document || all) && read.signs.is_empty()
}
