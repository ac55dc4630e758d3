//! PDF: the words of each page, with line wraps and hyphens mended so that sentences read as such.
//!
//! A page that makes the first reader panic is read by the second; a page that neither can read
//! stays blank, and the others are kept. Page offsets are exact: page 3 begins where they say.

use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use pdf_extract::{
    ConvertToFmt, Document, MediaBox, Object, OutputDev, OutputError, PlainTextOutput, Transform,
    decode_text_string, output_doc, output_doc_page,
};
use vouch_index::Extracted;

use super::wraps;
use crate::extract::ExtractError;
use crate::{front_matter, normalise};

const KIND: &str = "PDF";
/// More pages than any document for people has.
const PAGES: usize = 10_000;
/// How far into a file its first line may be.
const HEAD: usize = 1024;

/// Reads a PDF file, up to so many bytes of text.
pub(crate) fn read(content: &[u8], text_bytes: u64) -> Result<Extracted, ExtractError> {
    if !content[..content.len().min(HEAD)].windows(5).any(|bytes| bytes == b"%PDF-") {
        return Err(ExtractError::unreadable(
            KIND,
            "it doesn't begin like one; is its ending right?",
        ));
    }
    let doc = open(content)?;
    let count = doc.page_iter().take(PAGES + 1).count();
    match count {
        0 => return Err(ExtractError::unreadable(KIND, "it has no pages")),
        1..=PAGES => {}
        _ => {
            return Err(ExtractError::unreadable(
                KIND,
                format!("it has more than {PAGES} pages; split it"),
            ));
        }
    }
    let limit = usize::try_from(text_bytes).unwrap_or(usize::MAX);
    let raw = pages(&doc, count, limit);
    if raw.iter().map(String::len).sum::<usize>() > limit {
        return Err(ExtractError::TooMuchText { limit: text_bytes });
    }
    let (text, pages) = wraps::join(&raw);
    if text.trim().is_empty() {
        return Err(ExtractError::empty(
            "the PDF holds pictures of pages or nothing at all; run it through OCR (for example `ocrmypdf`) first",
        ));
    }
    let info = |key| info(&doc, key);
    Ok(Extracted {
        text,
        title: info(b"Title").map(|title| real_title(&title)).unwrap_or_default(),
        modified_at: info(b"ModDate")
            .or_else(|| info(b"CreationDate"))
            .and_then(|date| moment(&date)),
        pages,
        ..Extracted::default()
    })
}

/// Opens a file, with the empty password where it wants one: such files open for everybody.
fn open(content: &[u8]) -> Result<Document, ExtractError> {
    let mut doc = Document::load_mem(content).map_err(|error| {
        let words = error.to_string();
        if words.contains("password") {
            ExtractError::Encrypted
        } else {
            ExtractError::unreadable(KIND, words)
        }
    })?;
    if doc.is_encrypted() && doc.decrypt("").is_err() {
        return Err(ExtractError::Encrypted);
    }
    Ok(doc)
}

/// The raw words of each page.
fn pages(doc: &Document, count: usize, limit: usize) -> Vec<String> {
    let mut seen = Pages { limit, ..Pages::default() };
    // One pass reads them all. What ends it early (a panic in the third page) costs that page, and
    // those after it are read one by one, which is slower.
    let _ = catch_unwind(AssertUnwindSafe(|| output_doc(doc, &mut seen)));
    let mut pages = seen.take();
    if pages.len() < count {
        pages.pop();
    }
    while pages.len() < count && pages.iter().map(String::len).sum::<usize>() <= limit {
        let mut one = Pages { limit, ..Pages::default() };
        let number = u32::try_from(pages.len() + 1).unwrap_or(u32::MAX);
        let read = catch_unwind(AssertUnwindSafe(|| output_doc_page(doc, &mut one, number)));
        let page = one.take().pop().filter(|_| matches!(read, Ok(Ok(()))));
        pages.push(page.unwrap_or_default());
    }
    for (page, number) in pages.iter_mut().zip(1..) {
        if page.trim().is_empty() {
            let second = catch_unwind(AssertUnwindSafe(|| doc.extract_text(&[number])));
            if let Ok(Ok(text)) = second {
                *page = text;
            }
        }
    }
    pages
}

/// Text that a page's writer and its owner both hold.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<String>>);

impl fmt::Write for Shared {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.borrow_mut().push_str(text);
        Ok(())
    }
}

impl ConvertToFmt for Shared {
    type Writer = Self;
    fn convert(self) -> Self {
        self
    }
}

/// Takes the words of one page after another, until there are too many.
#[derive(Default)]
struct Pages {
    begun: Vec<Shared>,
    writer: Option<PlainTextOutput<Shared>>,
    bytes: usize,
    limit: usize,
}

impl Pages {
    fn take(&mut self) -> Vec<String> {
        self.writer = None;
        self.begun.drain(..).map(|page| page.0.take()).collect()
    }

    fn write(
        &mut self,
        step: impl FnOnce(&mut PlainTextOutput<Shared>) -> Result<(), OutputError>,
    ) -> Result<(), OutputError> {
        self.writer.as_mut().map_or(Ok(()), step)
    }
}

impl OutputDev for Pages {
    fn begin_page(
        &mut self,
        number: u32,
        media_box: &MediaBox,
        art_box: Option<(f64, f64, f64, f64)>,
    ) -> Result<(), OutputError> {
        let page = Shared::default();
        self.begun.push(page.clone());
        self.writer = Some(PlainTextOutput::new(page));
        self.write(|writer| writer.begin_page(number, media_box, art_box))
    }

    fn end_page(&mut self) -> Result<(), OutputError> {
        self.write(OutputDev::end_page)
    }

    fn output_character(
        &mut self,
        place: &Transform,
        width: f64,
        spacing: f64,
        font_size: f64,
        char: &str,
    ) -> Result<(), OutputError> {
        self.bytes += char.len();
        if self.bytes > self.limit {
            return Err(fmt::Error.into());
        }
        self.write(|writer| writer.output_character(place, width, spacing, font_size, char))
    }

    fn begin_word(&mut self) -> Result<(), OutputError> {
        self.write(OutputDev::begin_word)
    }

    fn end_word(&mut self) -> Result<(), OutputError> {
        self.write(OutputDev::end_word)
    }

    fn end_line(&mut self) -> Result<(), OutputError> {
        self.write(OutputDev::end_line)
    }
}

/// An entry of the document's information dictionary.
fn info(doc: &Document, key: &[u8]) -> Option<String> {
    let entry = doc.trailer.get(b"Info").ok()?;
    let info =
        if let Object::Reference(id) = entry { doc.get_dictionary(*id) } else { entry.as_dict() };
    let info = info.ok()?;
    let (_, value) = doc.dereference(info.get(key).ok()?).ok()?;
    let text = decode_text_string(value).ok()?;
    Some(text).filter(|text| !text.trim().is_empty())
}

/// A title that a person gave, not the one that a program made from a file's name.
fn real_title(raw: &str) -> String {
    let title = normalise::line(raw);
    let title = title.strip_prefix("Microsoft Word - ").unwrap_or(&title);
    let low = title.to_lowercase();
    let made = ["untitled", "unknown", "document", "title"]
        .iter()
        .any(|name| low.starts_with(name) && low.len() < 12)
        || low.rsplit_once('.').is_some_and(|(_, end)| {
            matches!(
                end,
                "doc"
                    | "docx"
                    | "indd"
                    | "tex"
                    | "dvi"
                    | "pdf"
                    | "ppt"
                    | "pptx"
                    | "xls"
                    | "xlsx"
                    | "odt"
                    | "rtf"
                    | "qxd"
                    | "fm"
            )
        });
    if made { String::new() } else { title.to_owned() }
}

/// `D:20240301120000+01'00'` as RFC 3339.
fn moment(date: &str) -> Option<String> {
    let date = date.trim().trim_start_matches("D:");
    let digits = date.bytes().take_while(u8::is_ascii_digit).count();
    let zone = date[digits..].replace('\'', "");
    match digits {
        14 if zone.len() == 5 => {
            jiff::Timestamp::strptime("%Y%m%d%H%M%S%z", format!("{}{zone}", &date[..14]))
                .ok()
                .map(|at| at.to_string())
        }
        14 => front_matter::moment(&format!("{}T{}Z", &date[..8], &date[8..14])),
        8.. => front_matter::moment(&date[..8]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PDF with these lines on its pages.
    pub(crate) fn pdf(pages: &[&[&str]]) -> Vec<u8> {
        let kids: String = (0..pages.len()).map(|page| format!("{} 0 R ", 4 + 2 * page)).collect();
        let mut objects = vec![
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", pages.len()),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
        ];
        for (page, lines) in pages.iter().enumerate() {
            let shown: String = lines
                .iter()
                .enumerate()
                .map(|(at, line)| format!("BT /F1 12 Tf 72 {} Td ({line}) Tj ET\n", 700 - 14 * at))
                .collect();
            objects.push(format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R /Resources << /Font << /F1 3 0 R >> >> >>", 5 + 2 * page));
            objects.push(format!("<< /Length {} >>\nstream\n{shown}\nendstream", shown.len()));
        }
        let info = objects.len() + 1;
        objects.push("<< /Title (Leave policy) /ModDate (D:20240301120000+01'00') >>".to_owned());
        let mut out = "%PDF-1.7\n".to_owned();
        let mut offsets = Vec::new();
        for (object, number) in objects.iter().zip(1..) {
            offsets.push(out.len());
            out += &format!("{number} 0 obj\n{object}\nendobj\n");
        }
        let table = out.len();
        out += &format!("xref\n0 {}\n0000000000 65535 f \n", offsets.len() + 1);
        for offset in &offsets {
            out += &format!("{offset:010} 00000 n \n");
        }
        out += &format!(
            "trailer\n<< /Size {} /Root 1 0 R /Info {info} 0 R >>\nstartxref\n{table}\n%%EOF\n",
            offsets.len() + 1
        );
        out.into_bytes()
    }

    #[test]
    fn pages_begin_where_their_offsets_say() {
        let file = pdf(&[
            &["Every parent may take sixteen weeks of paren-", "tal leave in the first year."],
            &[],
            &["Ask your manager."],
        ]);
        let read = read(&file, 1 << 20).unwrap();
        assert_eq!(
            read.text,
            "Every parent may take sixteen weeks of parental leave in the first year.\n\nAsk your manager."
        );
        assert_eq!(read.pages.len(), 3);
        assert_eq!(read.pages[0], 0);
        assert!(read.text[read.pages[2] as usize..].starts_with("Ask your"));
        assert_eq!(read.title, "Leave policy");
        assert_eq!(read.modified_at.as_deref(), Some("2024-03-01T11:00:00Z"));
    }

    #[test]
    fn a_pdf_without_words_says_what_to_do() {
        let error = read(&pdf(&[&[]]), 1 << 20).unwrap_err();
        assert!(error.to_string().contains("OCR"), "{error}");
        assert!(matches!(read(b"", 1 << 20), Err(ExtractError::Unreadable { .. })));
        assert!(matches!(
            read(&pdf(&[&["longer than allowed"]]), 5),
            Err(ExtractError::TooMuchText { .. })
        ));
    }

    #[test]
    fn titles_made_from_file_names_are_none() {
        assert_eq!(real_title("Microsoft Word - Travel policy"), "Travel policy");
        assert_eq!(real_title("Microsoft Word - final_v3.doc"), "");
        assert_eq!(real_title("untitled"), "");
        assert_eq!(real_title("Document retention policy"), "Document retention policy");
    }
}
