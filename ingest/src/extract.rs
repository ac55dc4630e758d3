//! One file's bytes in, its text and what it says about itself out; or the reason why not.
//!
//! Runs inside the worker process alone, which is why nothing here is public but the words.

use serde::{Deserialize, Serialize};
use vouch_index::{Extracted, FileKind};

use crate::formats::{docx, html, markdown, pdf, text};
use crate::limits::{Limits, bytes};
use crate::{chunk, language, normalise};

/// The version of what extraction makes of a file. It goes up when the same bytes would yield
/// another text; stored versions keep theirs until they are extracted again on purpose.
pub const EXTRACTOR: u32 = 1;

/// Why a file yielded no text. Each reason says what somebody can do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum ExtractError {
    /// The file is larger than the limit.
    #[error("the file has {} and the limit is {}; split it, or raise `file_bytes`", bytes(*size), bytes(*limit))]
    TooLarge {
        /// The file's size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The text is longer than the limit.
    #[error("the file holds more than {} of text; split it, or raise `text_bytes`", bytes(*limit))]
    TooMuchText {
        /// The limit in bytes.
        limit: u64,
    },
    /// It took too long.
    #[error(
        "reading the file took more than {seconds} seconds; save it again in a simpler form, or raise `seconds`"
    )]
    Timeout {
        /// The limit in seconds.
        seconds: u64,
    },
    /// It needed too much memory.
    #[error("reading the file needed more than {} of memory; split it, save it again in a simpler form, or raise `memory_bytes`", bytes(*limit))]
    Memory {
        /// The limit in bytes.
        limit: u64,
    },
    /// The parser died.
    #[error("the parser died ({how}); the file is damaged or unusual: open it and save it again")]
    Crashed {
        /// What is known about the end.
        how: String,
    },
    /// There is no text in the file.
    #[error("no text was found: {advice}")]
    Empty {
        /// What this usually means for the format, and what helps.
        advice: String,
    },
    /// The file can be opened with a password alone.
    #[error("the file is protected by a password; save it without one")]
    Encrypted,
    /// The parser gave up, for this reason.
    #[error("the file can't be read as {kind}: {reason}")]
    Unreadable {
        /// The format as people call it.
        kind: String,
        /// The parser's own words, shortened.
        reason: String,
    },
    /// The bytes are no longer those that were announced.
    #[error("the file changed while it was read; the next sync takes it up again")]
    Changed,
    /// The file could not be opened.
    #[error("the file can't be opened: {0}")]
    NotOpened(String),
    /// The worker itself could not be run; the file is not to blame.
    #[error("the extraction worker could not run: {0}")]
    NoWorker(String),
}

impl ExtractError {
    /// Whether the same file may well succeed later, without anybody touching it.
    #[must_use]
    pub fn worth_retrying(&self) -> bool {
        matches!(self, Self::Changed | Self::NotOpened(_) | Self::NoWorker(_))
    }

    /// What a parser said, cut to a length that fits a list.
    pub(crate) fn unreadable(kind: &str, reason: impl std::fmt::Display) -> Self {
        let reason: String = reason.to_string().chars().take(300).collect();
        Self::Unreadable { kind: kind.to_owned(), reason: reason.replace('\n', " ") }
    }

    pub(crate) fn empty(advice: &str) -> Self {
        Self::Empty { advice: advice.to_owned() }
    }
}

/// What a parser said when it panicked.
pub(crate) fn last_words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given").to_owned()
}

/// Reads one file of a known format. The title stays empty where neither the file's own words nor
/// a heading give one.
pub(crate) fn read(
    kind: FileKind,
    content: &[u8],
    limits: &Limits,
) -> Result<Extracted, ExtractError> {
    let mut extracted = match kind {
        FileKind::Markdown => markdown::read(content),
        FileKind::Text => text::read(content),
        FileKind::Html => html::read(content),
        FileKind::Pdf => pdf::read(content, limits.text_bytes),
        FileKind::Docx => docx::read(content),
    }?;
    if extracted.text.len() as u64 > limits.text_bytes.min(u64::from(u32::MAX)) {
        return Err(ExtractError::TooMuchText { limit: limits.text_bytes });
    }
    if extracted.title.is_empty() {
        extracted.title = chunk::first_heading(&extracted.text).unwrap_or_default();
    }
    extracted.title = normalise::title(&extracted.title);
    if let Some(found) = language::of(&extracted.text) {
        let said_by_author = matches!(kind, FileKind::Markdown | FileKind::Text);
        if extracted.language.is_empty() || !said_by_author {
            extracted.language = found.to_owned();
        }
    }
    Ok(extracted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_plain_line_of_a_sane_length() {
        let long = "x ".repeat(5_000);
        for file in [
            format!("---\ntitle: \"{long}\"\n---\nText.\n"),
            format!("# {long}\n\nText.\n"),
            format!("<title>{long}</title><p>Text.</p>"),
        ] {
            let kind = if file.starts_with('<') { FileKind::Html } else { FileKind::Markdown };
            let read = read(kind, file.as_bytes(), &Limits::default()).unwrap();
            assert!((150..=300).contains(&read.title.chars().count()), "{}", read.title.len());
        }
        let bent = b"<title>Pay\xe2\x80\xae\n  slip</title><p>Text.</p>";
        assert_eq!(read(FileKind::Html, bent, &Limits::default()).unwrap().title, "Pay slip");
    }
}
