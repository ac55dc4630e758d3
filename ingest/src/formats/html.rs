//! HTML as Markdown: the main part of a page, with its headings and tables, without what surrounds
//! it on every page of a site.
//!
//! Where the author marked the main part (`<main>`), that is it. Else a reader mode looks for an
//! article; it was made for newspapers and drops much of an intranet page, so it is believed only
//! where it keeps most of the words, and the whole body is taken otherwise.

use std::borrow::Cow;

use dom_smoothie::Readability;
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use htmd::HtmlToMarkdown;
use htmd::options::{BulletListMarker, Options};
use vouch_index::Extracted;

use crate::extract::ExtractError;
use crate::{language, normalise};

/// What never holds a document's words.
const NOISE: &str = "script, style, noscript, template, svg, iframe, object, embed, nav, form button, select, [hidden], [aria-hidden=true], [role=navigation]";
/// What surrounds the words on each page of a site.
const AROUND: &str = "body > header, body > footer, body > aside, [role=banner], [role=contentinfo], [role=complementary]";
/// The share of the body's words that reader mode has to keep, in percent, to be believed.
const KEEP: usize = 70;
/// The deepest nesting at which reader mode is tried.
const DEPTH: usize = 200;
/// How far a page is searched for its charset.
const HEAD: usize = 2048;

/// Reads an HTML page.
pub(crate) fn read(content: &[u8]) -> Result<Extracted, ExtractError> {
    let page = decode(content);
    let readability = Readability::from(page.as_ref());
    let title = normalise::line(&readability.doc.select("title").first().text());
    let declared =
        readability.doc.select("html").attr("lang").and_then(|code| language::declared(&code));
    let text = normalise::text(&to_markdown(&main_part(readability))?);
    if text.trim().is_empty() {
        return Err(ExtractError::empty("the page holds no words; it may be filled by a script"));
    }
    Ok(Extracted { text, title, language: declared.unwrap_or_default(), ..Extracted::default() })
}

/// The HTML of the part that is worth reading.
fn main_part(mut readability: Readability) -> String {
    let doc = &readability.doc;
    doc.select(NOISE).remove();
    // Addresses inside a site lead nowhere from here, and their words are found by mistake.
    doc.select("a[title]").remove_attr("title");
    doc.select("a:not([href^='http']):not([href^='mailto:'])").remove_attr("href");
    for marked in ["main, [role=main]", "article"] {
        let parts = doc.select(marked);
        if parts.length() == 1 && !parts.text().trim().is_empty() {
            return parts.html().to_string();
        }
    }
    doc.select(AROUND).remove();
    let body = doc.select("body");
    let (whole, words) = (body.html().to_string(), letters(&body.text()));
    if too_deep(&readability) {
        return whole;
    }
    match readability.parse() {
        Ok(article)
            if letters(&article.text_content) * 100 >= words * KEEP
                && keeps_headings(&whole, &article.content) =>
        {
            article.content.to_string()
        }
        Ok(_) | Err(_) => whole,
    }
}

/// Reader mode takes minutes for what nests thousands deep; no page for people does.
fn too_deep(readability: &Readability) -> bool {
    let mut waiting = vec![(readability.doc.root(), 0)];
    while let Some((node, depth)) = waiting.pop() {
        if depth > DEPTH {
            return true;
        }
        waiting.extend(node.children_it(false).map(|child| (child, depth + 1)));
    }
    false
}

/// Reader mode drops a heading that repeats the title and moves others; the outline has to stay.
fn keeps_headings(whole: &str, article: &str) -> bool {
    ["<h1", "<h2", "<h3", "<h4"]
        .iter()
        .all(|tag| article.matches(tag).count() == whole.matches(tag).count())
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphanumeric()).count()
}

fn to_markdown(html: &str) -> Result<String, ExtractError> {
    HtmlToMarkdown::builder()
        .skip_tags(vec!["head", "script", "style", "noscript", "img", "svg", "iframe"])
        .options(Options {
            bullet_list_marker: BulletListMarker::Dash,
            ul_bullet_spacing: 1,
            ol_number_spacing: 1,
            ..Options::default()
        })
        .build()
        .convert(html)
        .map_err(|error| ExtractError::unreadable("HTML", error))
}

/// Bytes as text: by the byte order mark, the page's own `charset`, UTF-8, else Windows-1252.
fn decode(content: &[u8]) -> Cow<'_, str> {
    let utf8 = std::str::from_utf8(content).is_ok();
    let encoding = match Encoding::for_bom(content) {
        Some((encoding, _)) => encoding,
        // A page that says otherwise but is valid UTF-8 was saved again by an editor.
        None if utf8 => UTF_8,
        None => charset(&content[..content.len().min(HEAD)]).unwrap_or(WINDOWS_1252),
    };
    encoding.decode(content).0
}

/// The `charset` of a page's head.
fn charset(head: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let (_, rest) = head.split_once("charset=")?;
    let label = rest.trim_start_matches(['"', '\'', ' ']);
    let end = label.find(|c: char| !c.is_ascii_alphanumeric() && !"-_:".contains(c))?;
    Encoding::for_label(&label.as_bytes()[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_and_tables_stay_and_what_surrounds_them_goes() {
        let page = b"<html lang=en><head><title>Travel &amp; costs</title><script>evil()</script></head><body><nav>Home | News</nav><h1>Travel</h1><p>Trains first.</p><h2>Rates</h2><table><tr><th>Town</th><th>Rate</th></tr><tr><td>Bern</td><td>140</td></tr></table><ul><li>one</li><li>two</li></ul><footer>Imprint</footer></body></html>";
        let read = read(page).unwrap();
        assert_eq!(read.title, "Travel & costs");
        assert_eq!(read.language, "en");
        assert!(read.text.starts_with("# Travel\n"), "{}", read.text);
        assert!(
            read.text.contains("## Rates") && read.text.contains("| Bern | 140"),
            "{}",
            read.text
        );
        assert!(read.text.contains("- one\n- two"), "{}", read.text);
        for gone in ["Home", "Imprint", "evil"] {
            assert!(!read.text.contains(gone), "{gone}");
        }
    }

    #[test]
    fn the_main_part_is_taken_where_it_is_marked() {
        let read = read(b"<body><div>Menu</div><main><h1>A</h1><p>B</p></main></body>").unwrap();
        assert_eq!(read.text.trim(), "# A\n\nB");
    }

    #[test]
    fn a_page_may_name_its_charset() {
        let page = b"<meta charset='iso-8859-2'><body><p>\xa3\xf3d\xbc</p></body>";
        assert_eq!(read(page).unwrap().text.trim(), "Łódź");
        let plain = b"<body><p>Gr\xfc\xdfe</p></body>";
        assert_eq!(read(plain).unwrap().text.trim(), "Grüße");
    }

    #[test]
    fn a_page_without_words_says_so() {
        assert!(matches!(read(b"<script>render()</script>"), Err(ExtractError::Empty { .. })));
    }
}
