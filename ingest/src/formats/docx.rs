//! DOCX as Markdown: headings, lists and tables stay what they are, tracked changes are accepted.

use undoc::render::{RenderOptions, to_markdown};
use undoc::{Error, FormatType, detect_format_from_bytes, parse_bytes};
use vouch_index::Extracted;

use crate::extract::ExtractError;
use crate::{front_matter, normalise};

const KIND: &str = "DOCX";
/// The date in the empty document that python-docx starts from; it says nothing about a file.
const TEMPLATE_DATE: &str = "2013-12-23T23:15:00Z";

/// Reads a DOCX file. Its title and date of change come from its properties.
pub(crate) fn read(content: &[u8]) -> Result<Extracted, ExtractError> {
    // The library reads spreadsheets and slides too, which somebody may have renamed.
    match detect_format_from_bytes(content) {
        Ok(FormatType::Docx) => {}
        Ok(other) => return Err(ExtractError::unreadable(KIND, format!("it is {other:?}"))),
        Err(error) => return Err(refused(&error)),
    }
    let document = parse_bytes(content).map_err(|error| refused(&error))?;
    let options = RenderOptions {
        max_heading_level: 6,
        include_images: false,
        escape_special_chars: false,
        ..RenderOptions::default()
    };
    let text = to_markdown(&document, &options).map_err(|error| refused(&error))?;
    let text = normalise::text(&text);
    if text.trim().is_empty() {
        return Err(ExtractError::empty("the document holds no words; pictures are not read"));
    }
    Ok(Extracted {
        text,
        title: document.metadata.title.as_deref().map(normalise::line).unwrap_or_default(),
        modified_at: document
            .metadata
            .modified
            .filter(|date| date != TEMPLATE_DATE)
            .and_then(|date| front_matter::moment(&date)),
        ..Extracted::default()
    })
}

fn refused(error: &Error) -> ExtractError {
    if matches!(error, Error::Encrypted) {
        return ExtractError::Encrypted;
    }
    ExtractError::unreadable(KIND, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_lists_and_tables_stay_what_they_are() {
        let read = read(include_bytes!("../../tests/fixtures/leave.docx")).unwrap();
        assert_eq!(read.title, "Leave policy");
        assert_eq!(read.modified_at.as_deref(), Some("2024-03-01T11:00:00Z"));
        let expected = [
            "# Leave\n\nEvery parent may take sixteen weeks.\n\n## How to apply\n",
            "- in writing\n- four weeks before\n",
            "| Country | Weeks |\n| --- | --- |\n| Germany | 16 |",
        ];
        for part in expected {
            assert!(read.text.contains(part), "{part:?} in {:?}", read.text);
        }
    }

    #[test]
    fn what_is_no_docx_is_refused() {
        for bytes in [&b""[..], b"PK\x03\x04", b"text"] {
            assert!(matches!(read(bytes), Err(ExtractError::Unreadable { .. })));
        }
    }
}
