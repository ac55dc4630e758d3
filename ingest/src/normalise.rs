//! Text is made plain once, before anything counts bytes in it: NFC, `\n` alone between lines, and
//! none of the characters that nobody sees.
//!
//! What is removed could hide words from a reader, from a search, or from a person who approves:
//! NUL and other controls, zero-width and soft-hyphen characters, bidi controls, tag characters.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// The plain form of a text. Doing it twice changes nothing.
pub(crate) fn text(raw: &str) -> String {
    let visible = without_hidden(raw);
    if is_nfc_quick(visible.chars()) == IsNormalized::Yes {
        visible.into_owned()
    } else {
        visible.nfc().collect()
    }
}

/// The longest title, in characters.
pub const TITLE: usize = 300;

/// A document's title: one plain line, cut where it is too long for a list.
pub(crate) fn title(raw: &str) -> String {
    line(raw).chars().take(TITLE).collect::<String>().trim_end().to_owned()
}

/// One line for titles and names: plain, without line ends or runs of blanks.
#[must_use]
pub fn line(raw: &str) -> String {
    text(raw).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn without_hidden(raw: &str) -> Cow<'_, str> {
    let clean = |c: char| (c == '\n' || c == '\t' || c >= ' ') && !hidden(c) && !line_end(c);
    if raw.chars().all(clean) {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\r' {
            chars.next_if_eq(&'\n');
            out.push('\n');
        } else if line_end(c) {
            out.push('\n');
        } else if c == '\n' || c == '\t' || !hidden(c) {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Line and page ends that Unicode knows besides `\n`.
fn line_end(c: char) -> bool {
    matches!(c, '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn hidden(c: char) -> bool {
    matches!(c,
        '\0'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' // controls
        | '\u{ad}' | '\u{34f}' | '\u{180e}'                            // soft hyphen, joiners
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}' // bidi
        | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{feff}' // zero width
        | '\u{fff9}'..='\u{fffb}'                                      // annotations
        | '\u{e0000}'..='\u{e007f}' // tags
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nfc_line_ends_and_nothing_hidden() {
        assert_eq!(text("Cafe\u{301}\r\nb\rc\u{2028}d"), "Café\nb\nc\nd");
        assert_eq!(text("a\u{200b}b\u{202e}c\0d\u{e0041}e\u{feff}\u{ad}f"), "abcdef");
        // Removal first, then composition: what stood between the two parts is gone.
        assert_eq!(text("e\u{200d}\u{301}"), "é");
        assert_eq!(text("tab\tstays\n"), "tab\tstays\n");
        assert_eq!(line(" a\n  b\t"), "a b");
    }

    #[test]
    fn twice_is_once() {
        for raw in
            ["\r\r\n\n", "\u{1e9b}\u{323}\u{200d}", "한국어 e\u{200b}\u{301}\u{ad}", "\u{85}"]
        {
            let once = text(raw);
            assert_eq!(text(&once), once);
        }
    }
}
