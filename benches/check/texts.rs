//! The public texts as passages, and the plain sentences in them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;
use vouch::generate::Evidence;

/// A passage of a public text.
pub(crate) struct Passage {
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) language: &'static str,
}

/// About the length of a chunk.
const LENGTH: usize = 1_600;
/// Files of each handbook that are read, spread over all of them.
const FILES: usize = 150;

impl Passage {
    pub(crate) fn evidence(&self) -> Evidence<'_> {
        Evidence {
            text: &self.text,
            title: &self.title,
            heading: "",
            language: self.language,
            score: 1.0,
            authority: 0,
        }
    }

    /// The half that it is in; all passages of a title are in the same one.
    pub(crate) fn for_tuning(&self) -> bool {
        let name = if self.title.is_empty() { &self.text } else { &self.title };
        hash(name).is_multiple_of(2)
    }

    /// Its sentences of 6 to 40 words that are free of markup.
    pub(crate) fn sentences(&self) -> Vec<String> {
        let mut found = Vec::new();
        for line in self.text.split("\n\n").flat_map(prose) {
            let mut rest = line.as_str();
            while let Some(end) = end_of_sentence(rest) {
                let (sentence, after) = rest.split_at(end);
                let words = sentence.split_whitespace().count();
                let plain = !sentence.contains([
                    '|', '#', '`', '[', ']', '<', '>', '*', '_', '{', '\\', '"', '“', ':', '!', '?',
                ]);
                let one = !sentence.trim_end_matches('.').contains(". ");
                if (6..=40).contains(&words)
                    && one
                    && plain
                    && sentence.starts_with(char::is_uppercase)
                {
                    found.push(sentence.trim().to_owned());
                }
                rest = after.trim_start();
            }
        }
        found
    }
}

/// A paragraph as one line, if it is prose.
fn prose(paragraph: &str) -> Option<String> {
    let marked = paragraph.trim_start().starts_with(['#', '-', '*', '|', '>', '`', '+', '<'])
        || paragraph.trim_start().starts_with(|c: char| c.is_ascii_digit())
        || paragraph.starts_with("    ");
    // Verses, and headings that run into the text.
    let lines: Vec<&str> = paragraph.trim().lines().collect();
    let broken = lines.iter().rev().skip(1).any(|line| line.trim().chars().count() < 50);
    (!marked && !broken).then(|| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Where the first sentence ends: a full stop behind a longer word, before a capital or the end.
fn end_of_sentence(text: &str) -> Option<usize> {
    text.match_indices('.').map(|(at, _)| at + 1).find(|&end| {
        let word = text[..end - 1].rsplit(' ').next().unwrap_or_default();
        let long = word.chars().count() > 3
            && !word.contains('.')
            && !word.ends_with(|c: char| c.is_ascii_digit());
        let after = &text[end..];
        long && (after.is_empty()
            || (after.starts_with(' ') && after.trim_start().starts_with(char::is_uppercase)))
    })
}

/// The texts by name.
pub(crate) fn sets(data: &Path) -> Result<Vec<(&'static str, Vec<Passage>)>> {
    let mut handbooks = Vec::new();
    for name in ["18f", "sourcegraph", "govuk", "k8s"] {
        handbooks.extend(folder(&data.join("handbooks").join(name), ".md")?);
    }
    Ok(vec![
        ("handbooks", handbooks),
        ("squad2", corpus(&data.join("retrieval/squad2"), "en")?),
        ("anthropic_docs", corpus(&data.join("retrieval/anthropic_docs"), "en")?),
        ("files", folder(&data.join("files"), ".expected.md")?),
        ("xquad_de", corpus(&data.join("retrieval/xquad_de"), "de")?),
    ])
}

fn corpus(folder: &Path, language: &'static str) -> Result<Vec<Passage>> {
    let file = folder.join("corpus.jsonl");
    let lines = fs::read_to_string(&file).with_context(|| format!("{}", file.display()))?;
    let mut passages = Vec::new();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line)?;
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let title = text("title");
        passages.extend(cut(&text("text")).into_iter().map(|text| Passage {
            title: title.clone(),
            text,
            language,
        }));
    }
    Ok(passages)
}

fn folder(root: &Path, ending: &str) -> Result<Vec<Passage>> {
    let mut files = Vec::new();
    walk(root, ending, &mut files)?;
    files.sort();
    let every = files.len().div_ceil(FILES).max(1);
    let mut passages = Vec::new();
    for file in files.into_iter().step_by(every) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let text = text
            .strip_prefix("---\n")
            .and_then(|rest| rest.split_once("\n---"))
            .map_or(text.as_str(), |(_, body)| body);
        let title = text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or_default();
        passages.extend(cut(text).into_iter().map(|part| Passage {
            title: title.to_owned(),
            text: part,
            language: "en",
        }));
    }
    Ok(passages)
}

fn walk(folder: &Path, ending: &str, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, ending, files)?;
        } else if path.to_string_lossy().ends_with(ending) {
            files.push(path);
        }
    }
    Ok(())
}

/// Paragraphs put together up to the length of a chunk.
fn cut(text: &str) -> Vec<String> {
    let mut passages = vec![String::new()];
    for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        if let Some(last) = passages.last_mut()
            && last.len() + paragraph.len() < LENGTH
        {
            last.push_str(paragraph);
            last.push_str("\n\n");
        } else {
            passages.push(format!("{paragraph}\n\n"));
        }
    }
    passages.retain(|passage| !passage.trim().is_empty());
    passages
}

/// FNV-1a.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
