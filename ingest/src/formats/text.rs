//! Plain text in UTF-8, UTF-16 or Windows-1252, with front matter where there is some.

use std::borrow::Cow;

use encoding_rs::{Encoding, WINDOWS_1252};
use vouch_index::Extracted;

use crate::extract::ExtractError;
use crate::{front_matter, normalise};

/// Reads a text file.
pub(crate) fn read(content: &[u8]) -> Result<Extracted, ExtractError> {
    let extracted = front_matter::split(&normalise::text(&decode(content, "text")?));
    if extracted.text.trim().is_empty() && !extracted.hidden {
        return Err(ExtractError::empty("the file is blank"));
    }
    Ok(extracted)
}

/// Bytes as text: by their byte order mark, else UTF-8, else Windows-1252, in which every sequence
/// of bytes means something. So what is no text at all is refused by its control characters.
pub(crate) fn decode<'a>(content: &'a [u8], kind: &str) -> Result<Cow<'a, str>, ExtractError> {
    let text = if let Some((encoding, mark)) = Encoding::for_bom(content) {
        encoding.decode_without_bom_handling(&content[mark..]).0
    } else if let Ok(text) = std::str::from_utf8(content) {
        Cow::Borrowed(text)
    } else {
        WINDOWS_1252.decode_without_bom_handling(content).0
    };
    // NUL aside, which is half of UTF-16 without a byte order mark and is removed later.
    let (mut some, mut controls) = (0, 0);
    for byte in text.bytes().filter(|byte| *byte != 0) {
        some += 1;
        controls += usize::from(matches!(byte, 1..=8 | 14..=26 | 28..=31));
    }
    if controls > some / 25 {
        return Err(ExtractError::unreadable(kind, "it holds binary data; is its ending right?"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_apart() {
        let utf16: Vec<u8> = "\u{feff}Grüße".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let cases: [&[u8]; 4] =
            ["Grüße".as_bytes(), b"\xef\xbb\xbfGr\xc3\xbc\xc3\x9fe", b"Gr\xfc\xdfe", &utf16];
        for bytes in cases {
            assert_eq!(read(bytes).unwrap().text, "Grüße");
        }
    }

    #[test]
    fn binary_data_is_refused_and_a_few_nuls_are_not() {
        let noise: Vec<u8> =
            (0..4000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert!(matches!(read(&noise), Err(ExtractError::Unreadable { .. })));
        assert_eq!(read(b"a\0b\0c\0").unwrap().text, "abc");
    }
}
