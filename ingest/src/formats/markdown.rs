//! Markdown: the text is the file after its front matter, as its author wrote it.

use vouch_index::Extracted;

use super::text::decode;
use crate::extract::ExtractError;
use crate::{front_matter, normalise};

/// Reads a Markdown file. A page that has a title and nothing else yet is a document without text.
pub(crate) fn read(content: &[u8]) -> Result<Extracted, ExtractError> {
    let extracted = front_matter::split(&normalise::text(&decode(content, "Markdown")?));
    let speaks = !extracted.title.is_empty() || extracted.hidden || extracted.access.is_some();
    if extracted.text.trim().is_empty() && !speaks {
        return Err(ExtractError::empty("the file is blank"));
    }
    Ok(extracted)
}

#[cfg(test)]
mod tests {
    use vouch_index::FileKind;

    use super::*;
    use crate::Limits;

    #[test]
    fn the_title_comes_from_front_matter_then_from_the_first_heading() {
        let title = |text: &str| {
            crate::extract::read(FileKind::Markdown, text.as_bytes(), &Limits::default())
                .unwrap()
                .title
        };
        assert_eq!(title("---\ntitle: Front\n---\n# Heading\n"), "Front");
        assert_eq!(title("\u{feff}---\ntitle: Front\n---\n"), "Front");
        assert_eq!(title("```\n# code\n```\n# The *real* `heading` #\n"), "The real heading");
        assert_eq!(title("no heading"), "");
    }

    #[test]
    fn a_blank_file_fails_with_a_reason() {
        assert!(matches!(read(b" \n\n"), Err(ExtractError::Empty { .. })));
    }
}
