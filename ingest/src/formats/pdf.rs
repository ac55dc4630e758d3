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

use super::pdf_mend;
use super::wraps::{self, Page};
use crate::extract::{ExtractError, last_words};
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
        0 => {
            return Err(ExtractError::unreadable(
                KIND,
                "it has no pages, or is damaged; print it to a new PDF",
            ));
        }
        1..=PAGES => {}
        _ => {
            return Err(ExtractError::unreadable(
                KIND,
                format!("it has more than {PAGES} pages; split it"),
            ));
        }
    }
    let limit = usize::try_from(text_bytes).unwrap_or(usize::MAX);
    let Some((raw, failed)) = pages(&doc, count, limit) else {
        return Err(ExtractError::TooMuchText { limit: text_bytes });
    };
    let (text, pages) = wraps::join(&raw);
    if text.trim().is_empty() {
        if let Some(reason) = failed {
            return Err(ExtractError::unreadable(
                KIND,
                format!("not one of its pages ({reason}); print it to a new PDF"),
            ));
        }
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
            ExtractError::unreadable(KIND, format!("{words}; print it to a new PDF"))
        }
    })?;
    if doc.is_encrypted() && doc.decrypt("").is_err() {
        return Err(ExtractError::Encrypted);
    }
    pdf_mend::mend(&mut doc);
    Ok(doc)
}

/// The raw words of each page, and why the last page that failed did so. `None`: they are more
/// than the limit.
fn pages(doc: &Document, count: usize, limit: usize) -> Option<(Vec<Page>, Option<String>)> {
    let mut failed = None;
    // One pass reads them all. What ends it early (a panic in the third page) costs that page, and
    // those after it are read one by one, which is slower.
    let (mut pages, end) = attempt(limit, |pages| output_doc(doc, pages))?;
    if end.is_some() {
        pages.pop();
        failed = end;
    }
    while pages.len() < count && bytes(&pages) <= limit {
        let number = u32::try_from(pages.len() + 1).unwrap_or(u32::MAX);
        let (mut one, end) = attempt(limit, |pages| output_doc_page(doc, pages, number))?;
        pages.push(one.pop().filter(|_| end.is_none()).unwrap_or_default());
        failed = end.or(failed);
    }
    for (page, number) in pages.iter_mut().zip(1..) {
        if page.text.trim().is_empty() {
            let second = catch_unwind(AssertUnwindSafe(|| doc.extract_text(&[number])));
            if let Ok(Ok(text)) = second {
                *page = Page { text, sizes: Vec::new() };
            }
        }
    }
    (bytes(&pages) <= limit).then_some((pages, failed))
}

fn bytes(pages: &[Page]) -> usize {
    pages.iter().map(|page| page.text.len()).sum()
}

/// Runs the first reader: the pages it began, and what ended it before its time. `None`: there was
/// no end of words.
fn attempt(
    limit: usize,
    read: impl FnOnce(&mut Pages) -> Result<(), OutputError>,
) -> Option<(Vec<Page>, Option<String>)> {
    let mut pages = Pages { limit, ..Pages::default() };
    let end = match catch_unwind(AssertUnwindSafe(|| read(&mut pages))) {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(panic) => Some(last_words(panic.as_ref())),
    };
    pages.finish();
    (pages.bytes <= limit).then_some((pages.done, end))
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

/// Takes the words of one page after another, until there are too many; and how large the letters
/// of each line are, by which headings are told.
#[derive(Default)]
struct Pages {
    done: Vec<Page>,
    current: Option<(PlainTextOutput<Shared>, Shared)>,
    sizes: Vec<f64>,
    bytes: usize,
    limit: usize,
}

impl Pages {
    fn finish(&mut self) {
        if let Some((_, text)) = self.current.take() {
            self.done.push(Page { text: text.0.take(), sizes: std::mem::take(&mut self.sizes) });
        }
    }

    fn write(
        &mut self,
        step: impl FnOnce(&mut PlainTextOutput<Shared>) -> Result<(), OutputError>,
    ) -> Result<(), OutputError> {
        self.current.as_mut().map_or(Ok(()), |(writer, _)| step(writer))
    }

    fn length(&self) -> usize {
        self.current.as_ref().map_or(0, |(_, text)| text.0.borrow().len())
    }

    /// Notes the size of a character, after it was written from this byte on.
    fn note(&mut self, from: usize, size: f64) {
        let Some((_, text)) = &self.current else { return };
        let lines = text.0.borrow()[from..].bytes().filter(|byte| *byte == b'\n').count();
        self.sizes.resize(self.sizes.len() + lines, 0.0);
        if let Some(line) = self.sizes.last_mut() {
            *line = line.max(size);
        }
    }
}

impl OutputDev for Pages {
    fn begin_page(
        &mut self,
        number: u32,
        media_box: &MediaBox,
        art_box: Option<(f64, f64, f64, f64)>,
    ) -> Result<(), OutputError> {
        self.finish();
        let page = Shared::default();
        self.sizes = vec![0.0];
        self.current = Some((PlainTextOutput::new(page.clone()), page));
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
        let before = self.length();
        self.write(|writer| writer.output_character(place, width, spacing, font_size, char))?;
        let scale = (place.m11 + place.m21) * (place.m12 + place.m22);
        self.note(before, font_size * scale.abs().sqrt());
        Ok(())
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
    let made = ["untitled", "unknown", "document", "title", "powerpoint presentation"]
        .iter()
        .any(|name| low.starts_with(name) && low.len() < name.len() + 4)
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
                .map(|(at, line)| {
                    let size = if line.starts_with(char::is_uppercase)
                        && !line.ends_with('.')
                        && line.len() < 20
                    {
                        18
                    } else {
                        12
                    };
                    format!("BT /F1 {size} Tf 72 {} Td ({line}) Tj ET\n", 700 - 14 * at)
                })
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
