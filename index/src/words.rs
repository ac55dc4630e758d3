//! The nouns that every crate shares: document ids, version numbers and hashes, chunks, passages.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The dense number of one version. A clearance is a set of these; a chunk knows nothing else
/// about where it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionNo(pub u32);

/// The longest path of a pushed document, in bytes.
const LONGEST_PATH: usize = 1024;

/// The stable id of a document: `source/path`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentId {
    /// The source's id; it holds no slash.
    pub source: String,
    /// The path inside the source, with `/` between its parts.
    pub path: String,
}

impl DocumentId {
    /// Splits `source/path` at the first slash. `None` where either part is empty.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (source, path) = text.split_once('/')?;
        let whole = !source.is_empty() && !path.is_empty();
        whole.then(|| Self { source: source.to_owned(), path: path.to_owned() })
    }

    /// What is wrong with a path as a name for a new document; nothing where every browser and every
    /// client can open it. They rewrite some paths on their own (`a/../b`, `a//b`), so a document
    /// under such a name could be listed and never opened.
    #[must_use]
    pub fn wrong_with(path: &str) -> Option<String> {
        if path.len() > LONGEST_PATH {
            let bytes = path.len();
            return Some(format!("the path has {bytes} bytes, and {LONGEST_PATH} are the most"));
        }
        if path.chars().any(unseen) {
            return Some("the path holds characters that nobody sees".to_owned());
        }
        path.split('/').find_map(|part| match part {
            "" => Some("the path has an empty part: two slashes, or one at an end".to_owned()),
            "." | ".." => Some(format!("the path has a part `{part}`")),
            _ if part.trim() != part => Some(format!("`{part}` begins or ends with a blank")),
            _ => None,
        })
    }
}

/// Controls, zero-width characters and marks of direction.
fn unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source, self.path)
    }
}

/// The formats that Vouch reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// Markdown, with or without front matter.
    Markdown,
    /// Plain text.
    Text,
    /// HTML.
    Html,
    /// PDF.
    Pdf,
    /// Office Open XML text.
    Docx,
}

impl FileKind {
    /// The format that a file's name says. `None`: not one that Vouch reads. `page.md.erb`, as site
    /// generators name their templates, is Markdown.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        let path = path.strip_suffix(".erb").unwrap_or(path);
        let (_, ending) = path.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            "md" | "markdown" | "mdx" => Some(Self::Markdown),
            "txt" | "text" => Some(Self::Text),
            "html" | "htm" | "xhtml" => Some(Self::Html),
            "pdf" => Some(Self::Pdf),
            "docx" => Some(Self::Docx),
            _ => None,
        }
    }
}

/// What extraction made of one file: the text that is stored, cited and never changed, and what the
/// file says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extracted {
    /// UTF-8 Markdown, normalised.
    pub text: String,
    /// The title: front matter, else the format's own, else the first heading. Empty: none was found.
    pub title: String,
    /// Two-letter language code; empty where the text is too short to tell.
    pub language: String,
    /// Byte offsets into `text` at which page 1, 2, … begin. Empty for formats without pages.
    pub pages: Vec<u32>,
    /// Who looks after the document, if it says so.
    pub owner: Option<String>,
    /// The document's own date of change, RFC 3339, if it says so.
    pub modified_at: Option<String>,
    /// `draft: true` or `publish: false`: never indexed.
    pub hidden: bool,
    /// The document's own access layer.
    pub access: Option<crate::access::Layer>,
}

/// One piece of a version's text, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// The page it begins on, counted from 1; none for formats without pages.
    pub page: Option<u32>,
    /// Headings above it, outermost first, joined by ` > `.
    pub heading: String,
    /// Headings that begin inside it, in order.
    pub sections: Vec<Section>,
}

/// A heading inside a span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Its first byte in the version's text.
    pub start: u32,
    /// Its path, as a span's `heading`.
    pub heading: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_a_browser_would_rewrite_or_nobody_can_read_is_wrong() {
        for path in ["a.md", "2026/a b.md", "…/élan.md", "a..b/..c.md", ".hidden", "a:b?c#d%2f.md"]
        {
            assert_eq!(DocumentId::wrong_with(path), None, "{path}");
        }
        let long = "x".repeat(1025);
        for path in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "../a",
            "a/./b",
            "a/..",
            "a\nb",
            "a\u{202e}b",
            " a",
            "a /b",
            &long,
        ] {
            assert!(DocumentId::wrong_with(path).is_some(), "{path:?}");
        }
    }
}
