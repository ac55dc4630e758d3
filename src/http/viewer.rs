//! The text of a version as HTML, with a quote highlighted.
//!
//! A version's text is Markdown that somebody else wrote. Here it becomes a fixed set of elements without
//! attributes of the author's choosing. Refused: raw HTML (shown as the text that it is), images (their
//! alternative text is shown), addresses that are not plainly `https:` or `mailto:` (the words stay, the
//! link goes), and characters that turn the reading direction of other text around. Whatever the text
//! holds, nothing is loaded, nothing runs, and nothing fails.
//!
//! A quote is a range of bytes in the raw text. It is marked where those bytes are visible: one pass over
//! the parser's events, which know where in the text they came from, does both. A mark ends before every
//! tag, so that it never reaches across two elements.

use std::ops::Range;

use maud::{Markup, PreEscaped};
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use vouch_index::FileKind;
use vouch_index::ledger::DocumentText;

/// Elements nested deeper than this are left out; their text stays.
const DEPTH: usize = 24;

/// A table that is wider than its place scrolls there, also with the keyboard.
const WIDE: &str =
    "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table>";

/// A document's text for its page.
pub(super) struct Rendered {
    /// The heading that says the title, where the text has one. It stands in the page's head instead.
    pub(super) title: Option<Markup>,
    /// All the rest.
    pub(super) body: Markup,
}

/// Renders a version. `quote` is highlighted if it is a piece of the text.
pub(super) fn render(document: &DocumentText, quote: Option<Range<usize>>) -> Rendered {
    let quote = quote.filter(|range| document.text.get(range.clone()).is_some()).unwrap_or(0..0);
    let mut page = Page::new(document, quote);
    match FileKind::of(&document.document) {
        Some(FileKind::Text) => page.plain(),
        Some(FileKind::Markdown | FileKind::Html | FileKind::Pdf | FileKind::Docx) | None => {
            page.markdown();
        }
    }
    Rendered { title: page.said_title.map(PreEscaped), body: PreEscaped(page.html) }
}

/// Whether a character is shown. What is not: characters that reorder the text around them, and control
/// characters other than the white space.
fn visible(c: char) -> bool {
    match c {
        '\n' | '\t' => true,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => false,
        c => !c.is_control(),
    }
}

/// A text with what [`visible`] refuses left out.
pub(super) fn readable(text: &str) -> String {
    text.chars().filter(|&c| visible(c)).collect()
}

/// A page as far as it is written.
struct Page<'a> {
    source: &'a str,
    quote: Range<usize>,
    title: &'a str,
    /// Where pages begin, and how many of them have begun.
    pages: &'a [u32],
    page: usize,
    said_title: Option<String>,
    html: String,
    /// How each element that is open ends. Empty: its tag was left out.
    open: Vec<String>,
    /// Whether a mark is open, and whether one was before.
    marking: bool,
    marked: bool,
    /// The first heading, while it is read: where it and its content begin in `html`, and its words.
    heading: Option<(Range<usize>, String)>,
    headings: usize,
    /// Whether the cells are those of a table's head.
    in_head: bool,
}

impl<'a> Page<'a> {
    fn new(document: &'a DocumentText, quote: Range<usize>) -> Self {
        let source = document.text.as_str();
        Self {
            source,
            quote,
            title: &document.title,
            pages: &document.pages,
            page: 0,
            said_title: None,
            html: String::with_capacity(source.len() * 5 / 4),
            open: Vec::new(),
            marking: false,
            marked: false,
            heading: None,
            headings: 0,
            in_head: false,
        }
    }

    /// Text as it is. A first line that says the title moves to the page's head.
    fn plain(&mut self) {
        let rest = &self.source[self.plain_title()..];
        let text = rest.trim_start_matches('\n');
        self.tag("<div class=\"plain\">");
        self.piece(text.trim_end(), self.source.len() - text.len());
        self.tag("</div>");
    }

    /// Where the text goes on after a first line that says the title.
    fn plain_title(&mut self) -> usize {
        let start = self.source.len() - self.source.trim_start().len();
        let line = self.source[start..].lines().next().unwrap_or_default();
        if line.is_empty() || !same_words(line, self.title) {
            return 0;
        }
        self.piece(line, start);
        self.tag("");
        self.said_title = Some(std::mem::take(&mut self.html));
        start + line.len()
    }

    fn markdown(&mut self) {
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_HEADING_ATTRIBUTES;
        for (event, range) in Parser::new_ext(self.source, options).into_offset_iter() {
            self.event(event, range);
        }
        self.tag("");
    }

    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        if self.open.is_empty() {
            self.turn_page(range.start);
        }
        match event {
            Event::Start(Tag::Heading { level, .. }) => self.start_heading(level),
            Event::Start(tag) => self.start(tag),
            Event::End(TagEnd::Heading(_)) => self.end_heading(),
            Event::End(tag) => {
                self.in_head &= tag != TagEnd::TableHead;
                self.end();
            }
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                self.text(&text, range);
            }
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.tag("<code>");
                self.code(&text, range);
                self.tag("</code>");
            }
            Event::FootnoteReference(text) => self.text(&text, range),
            Event::SoftBreak => self.text("\n", range),
            Event::HardBreak => {
                self.text("\n", range);
                self.html.push_str("<br>");
            }
            Event::Rule => self.tag("<hr>"),
            Event::TaskListMarker(done) => self.text(if done { "[x] " } else { "[ ] " }, range),
        }
    }

    /// Says which page begins, before the first block that is on it.
    fn turn_page(&mut self, at: usize) {
        let before = self.page;
        while self.pages.get(self.page).is_some_and(|&start| start as usize <= at) {
            self.page += 1;
        }
        if self.page > before.max(1) {
            self.tag(&format!("<p class=\"page\">Page {}</p>", self.page));
        }
    }

    /// Opens an element and remembers how it ends.
    fn start(&mut self, tag: Tag<'_>) {
        self.in_head |= matches!(tag, Tag::TableHead);
        let (start, end) = if let Tag::Link { dest_url, .. } = &tag {
            link(dest_url)
        } else if let Tag::List(Some(first)) = tag {
            (format!("<ol start=\"{first}\">"), "</ol>".to_owned())
        } else if self.in_head && tag == Tag::TableCell {
            ("<th>".to_owned(), "</th>".to_owned())
        } else {
            let (start, end) = element(&tag);
            (start.to_owned(), end.to_owned())
        };
        self.open(start, end);
    }

    fn open(&mut self, start: String, end: String) {
        let kept = self.open.len() < DEPTH;
        self.tag(if kept { &start } else { "" });
        self.open.push(if kept { end } else { String::new() });
    }

    /// Ends the innermost element.
    fn end(&mut self) {
        let end = self.open.pop().unwrap_or_default();
        self.tag(&end);
    }

    /// A heading stands one level below the page's own.
    fn start_heading(&mut self, level: HeadingLevel) {
        self.tag("");
        let (start, end) = match level {
            HeadingLevel::H1 => ("<h2>", "</h2>"),
            HeadingLevel::H2 => ("<h3>", "</h3>"),
            HeadingLevel::H3 => ("<h4>", "</h4>"),
            HeadingLevel::H4 => ("<h5>", "</h5>"),
            HeadingLevel::H5 | HeadingLevel::H6 => ("<h6>", "</h6>"),
        };
        let (outermost, from) = (self.open.is_empty(), self.html.len());
        self.open(start.to_owned(), end.to_owned());
        if self.headings == 0 && outermost {
            self.heading = Some((from..self.html.len(), String::new()));
        }
        self.headings += 1;
    }

    /// A first heading that says the title is taken out of the body.
    fn end_heading(&mut self) {
        self.tag("");
        let said = self.heading.take().filter(|(_, words)| same_words(words, self.title));
        if let Some((place, _)) = said {
            self.said_title = Some(self.html.split_off(place.end));
            self.html.truncate(place.start);
            self.open.pop();
        } else {
            self.end();
        }
    }

    /// Text that came from these bytes, or a text that stands for them.
    fn text(&mut self, text: &str, range: Range<usize>) {
        if self.source.get(range.clone()) == Some(text) {
            self.piece(text, range.start);
        } else {
            self.whole(text, &range);
        }
    }

    /// Code between backticks; the range holds them too. A line end within is shown as a space.
    fn code(&mut self, text: &str, range: Range<usize>) {
        let raw = self.source.get(range.clone()).unwrap_or_default();
        let ticks = raw.len() - raw.trim_start_matches('`').len();
        let inner = raw.len().saturating_sub(2 * ticks);
        match inner.checked_sub(text.len()) {
            Some(padding @ (0 | 2)) if ticks > 0 => {
                self.piece(text, range.start + ticks + padding / 2);
            }
            Some(_) | None => self.whole(text, &range),
        }
    }

    /// Text whose bytes are those of the source from `start` on: just the quoted ones are marked.
    fn piece(&mut self, text: &str, start: usize) {
        let from = self.quote.start.clamp(start, start + text.len()) - start;
        let to = self.quote.end.clamp(start + from, start + text.len()) - start;
        match (text.get(..from), text.get(from..to), text.get(to..)) {
            (Some(before), Some(quoted), Some(after)) => {
                self.put(before, false);
                self.put(quoted, true);
                self.put(after, false);
            }
            _ => self.whole(text, &(start..start + text.len())),
        }
    }

    /// Text that is marked as a whole or not at all, such as the character of an entity.
    fn whole(&mut self, text: &str, range: &Range<usize>) {
        self.put(text, self.quote.start < range.end && range.start < self.quote.end);
    }

    /// Writes text, and a mark's tags where the highlighting begins or ends.
    fn put(&mut self, text: &str, quoted: bool) {
        if text.is_empty() {
            return;
        }
        if quoted != self.marking {
            self.tag("");
            if quoted {
                self.html.push_str(if self.marked { "<mark>" } else { "<mark id=\"quote\">" });
                self.marking = true;
                self.marked = true;
            }
        }
        if let Some((_, words)) = &mut self.heading {
            words.push_str(text);
        }
        for c in text.chars().filter(|&c| visible(c)) {
            match c {
                '<' => self.html.push_str("&lt;"),
                '>' => self.html.push_str("&gt;"),
                '&' => self.html.push_str("&amp;"),
                '"' => self.html.push_str("&quot;"),
                '\'' => self.html.push_str("&#39;"),
                c => self.html.push(c),
            }
        }
    }

    /// Writes a tag of this file's own, after the end of a mark.
    fn tag(&mut self, tag: &str) {
        if self.marking {
            self.html.push_str("</mark>");
            self.marking = false;
        }
        self.html.push_str(tag);
    }
}

/// The tags of an element. Empty: its text stands without.
fn element(tag: &Tag<'_>) -> (&'static str, &'static str) {
    match tag {
        Tag::Paragraph => ("<p>", "</p>"),
        Tag::BlockQuote(_) => ("<blockquote>", "</blockquote>"),
        Tag::CodeBlock(_) => ("<pre><code>", "</code></pre>"),
        Tag::HtmlBlock => ("<div class=\"plain raw\">", "</div>"),
        Tag::List(_) => ("<ul>", "</ul>"),
        Tag::Item => ("<li>", "</li>"),
        Tag::Table(_) => (WIDE, "</table></div>"),
        Tag::TableHead => ("<thead><tr>", "</tr></thead>"),
        Tag::TableRow => ("<tr>", "</tr>"),
        Tag::TableCell => ("<td>", "</td>"),
        Tag::Emphasis => ("<em>", "</em>"),
        Tag::Strong => ("<strong>", "</strong>"),
        Tag::Strikethrough => ("<del>", "</del>"),
        Tag::Heading { .. }
        | Tag::Link { .. }
        | Tag::Image { .. }
        | Tag::Superscript
        | Tag::Subscript
        | Tag::FootnoteDefinition(_)
        | Tag::DefinitionList
        | Tag::DefinitionListTitle
        | Tag::DefinitionListDefinition
        | Tag::MetadataBlock(_) => ("", ""),
    }
}

/// The tags of a link. After its words stands where it leads, so that the words can't pretend otherwise.
fn link(address: &CowStr<'_>) -> (String, String) {
    match destination(address) {
        Some(place) => (
            format!("<a href=\"{}\" rel=\"noreferrer\">", address.replace('&', "&amp;")),
            format!("</a> <span class=\"address\">({place})</span>"),
        ),
        None => (String::new(), String::new()),
    }
}

/// The host or the mailbox that an address leads to. `None` for every address that is not plainly one.
fn destination(address: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if let Some(mailbox) = address.strip_prefix("mailto:") {
        let (name, host) = mailbox.split_once('@')?;
        let fits = !name.is_empty() && name.chars().all(|c| plain(c) || c == '+');
        return (fits && !host.is_empty() && host.chars().all(plain)).then_some(mailbox);
    }
    let rest = address.strip_prefix("https://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    let printable = rest.chars().all(|c| c.is_ascii_graphic() && !"\"'<>\\`".contains(c));
    let fits = !host.is_empty() && host.chars().all(|c| plain(c) || c == ':');
    (fits && printable).then_some(host)
}

/// Whether two lines say the same, however they are spaced.
fn same_words(one: &str, other: &str) -> bool {
    one.split_whitespace().eq(other.split_whitespace())
}

#[cfg(test)]
mod tests;
