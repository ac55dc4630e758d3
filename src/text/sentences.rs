//! A passage of Markdown as the sentences that an answer may quote.
//!
//! Each unit is one line of plain text together with the exact bytes that it came from. Paragraphs
//! are cut into sentences, a list item and a table row stay whole, code is cut into lines, and
//! headings are context for what follows, never a unit. Markup, link targets, images, raw HTML and
//! control characters don't reach the plain text. Nothing here fails: odd Markdown is just text.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use unicode_segmentation::UnicodeSegmentation;

use super::{Language, among};

/// Words before a full stop that does not end the sentence. Single letters and German ordinals are
/// handled by rule.
const ABBREVIATIONS: &str = "dr mr mrs ms prof st no nos vs cf approx fig inc ltd co corp \
    dept ext jan feb mar apr jun jul aug sep sept oct nov dec sen gov gen rev jr sr vol pp bzw ca \
    evtl ggf inkl exkl max min mind nr abs art str tel vgl zzgl bspw sog einschl geb gem std tsd mio \
    mrd jh jhd";

/// What a unit was in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A sentence of a paragraph.
    Prose,
    /// A sentence of a list item.
    Item,
    /// A table row, as `Header: cell; Header: cell`.
    Row,
    /// A line of a code block.
    Code,
}

/// A sentence, a list item, a table row or a line of code.
#[derive(Debug)]
pub(crate) struct Unit {
    /// Free of markup, one line, never empty.
    pub(crate) text: String,
    /// The bytes of the passage that say it.
    pub(crate) source: Range<usize>,
    pub(crate) kind: Kind,
    /// The headings above it inside the passage.
    pub(crate) heading: String,
    /// The unit that it continues: the sentence before it, or the line that introduces its list.
    pub(crate) lead: Option<usize>,
}

/// Cuts a passage into units, in document order.
pub(crate) fn units(passage: &str, language: Language) -> Vec<Unit> {
    let mut reading = Reading::new(passage, language);
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    for (event, range) in Parser::new_ext(passage, options).into_offset_iter() {
        reading.event(event, range);
    }
    reading.close();
    reading.units
}

/// A piece of plain text and where it came from. `exact` pieces are copies of their source, so that
/// a place inside one can be named; others (entities, inline code, line ends) count as a whole.
struct Piece {
    plain: usize,
    source: Range<usize>,
    exact: bool,
}

struct Reading<'a> {
    passage: &'a str,
    language: Language,
    units: Vec<Unit>,
    /// The block being read: its plain text, its pieces, and its bytes with the markup around them.
    plain: String,
    pieces: Vec<Piece>,
    block: Option<Range<usize>>,
    headings: Vec<(HeadingLevel, String)>,
    in_heading: bool,
    /// Depth of images, whose texts are not sentences.
    images: usize,
    /// Inside a code block: the unit that introduces it, if any does.
    code: Option<Option<usize>>,
    /// For each list that is open, the unit that introduces it.
    lists: Vec<Option<usize>>,
    table: Option<Table>,
}

#[derive(Default)]
struct Table {
    headers: Vec<String>,
    cells: Vec<String>,
    in_head: bool,
    lead: Option<usize>,
}

impl<'a> Reading<'a> {
    fn new(passage: &'a str, language: Language) -> Self {
        Self {
            passage,
            language,
            units: Vec::new(),
            plain: String::new(),
            pieces: Vec::new(),
            block: None,
            headings: Vec::new(),
            in_heading: false,
            images: 0,
            code: None,
            lists: Vec::new(),
            table: None,
        }
    }

    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag, range),
            Event::Text(text) if self.code.is_some() => self.code_lines(&text, range),
            Event::Text(text) | Event::Code(text) => self.push(&text, range),
            Event::SoftBreak => {
                let mark = if self.line_ends_here(&range) { "\n" } else { " " };
                self.push(mark, range);
            }
            Event::HardBreak => self.push("\n", range),
            Event::InlineHtml(_) => self.push(" ", range),
            Event::Rule => self.close(),
            Event::Html(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. } => {
                self.widen(&range);
            }
            Tag::Image { .. } => self.images += 1,
            Tag::Heading { level, .. } => {
                self.close();
                self.headings.retain(|(above, _)| *above < level);
                self.headings.push((level, String::new()));
                self.in_heading = true;
            }
            Tag::List(_) => {
                self.close();
                let intro = self.units.len().checked_sub(1);
                self.lists.push(intro.filter(|&last| self.units[last].text.ends_with(':')));
            }
            Tag::CodeBlock(_) => {
                self.close();
                self.code = Some(self.introduction());
            }
            Tag::Table(_) => {
                self.close();
                let lead = self.introduction();
                self.table = Some(Table { lead, ..Table::default() });
            }
            Tag::TableHead => self.table.iter_mut().for_each(|table| table.in_head = true),
            Tag::TableRow => self.table.iter_mut().for_each(|table| table.cells.clear()),
            Tag::TableCell => self.clear(),
            Tag::Paragraph
            | Tag::BlockQuote(_)
            | Tag::HtmlBlock
            | Tag::Item
            | Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => self.close(),
        }
    }

    fn end(&mut self, tag: TagEnd, range: Range<usize>) {
        match tag {
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link => {}
            TagEnd::Image => self.images = self.images.saturating_sub(1),
            TagEnd::Heading(_) => {
                let text = one_line(&self.plain);
                if let Some(last) = self.headings.last_mut() {
                    last.1 = text;
                }
                self.in_heading = false;
                self.clear();
            }
            TagEnd::List(_) => {
                self.close();
                self.lists.pop();
            }
            TagEnd::CodeBlock => self.code = None,
            TagEnd::Table => {
                self.table = None;
                self.clear();
            }
            TagEnd::TableCell => {
                let text = one_line(&self.plain);
                self.clear();
                if let Some(table) = &mut self.table {
                    let cells = if table.in_head { &mut table.headers } else { &mut table.cells };
                    cells.push(text);
                }
            }
            TagEnd::TableHead => self.table.iter_mut().for_each(|table| table.in_head = false),
            TagEnd::TableRow => self.row(range),
            TagEnd::Paragraph
            | TagEnd::BlockQuote(_)
            | TagEnd::HtmlBlock
            | TagEnd::Item
            | TagEnd::FootnoteDefinition
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::MetadataBlock(_) => self.close(),
        }
    }

    fn push(&mut self, text: &str, range: Range<usize>) {
        if self.images > 0 {
            return;
        }
        self.widen(&range);
        let exact = self.passage.get(range.clone()) == Some(text);
        self.pieces.push(Piece { plain: self.plain.len(), source: range, exact });
        self.plain.push_str(text);
    }

    fn widen(&mut self, range: &Range<usize>) {
        let block = self.block.get_or_insert_with(|| range.clone());
        block.start = block.start.min(range.start);
        block.end = block.end.max(range.end);
    }

    fn clear(&mut self) {
        self.plain.clear();
        self.pieces.clear();
        self.block = None;
    }

    /// Whether a line end inside a paragraph ends a sentence too. In wrapped prose it doesn't; in
    /// text without markup, short lines that start with a capital or a digit stand for themselves.
    fn line_ends_here(&self, range: &Range<usize>) -> bool {
        let line = self.plain.rsplit('\n').next().unwrap_or_default();
        let next = self.passage[range.end..].trim_start().chars().next();
        next.is_some_and(|c| {
            c == '|' || (line.chars().count() < 50 && (c.is_uppercase() || c.is_numeric()))
        })
    }

    /// Ends the block being read and turns it into units.
    fn close(&mut self) {
        let Some(block) = self.block.take() else {
            return self.clear();
        };
        if self.in_heading || self.table.is_some() {
            return self.clear();
        }
        let plain = std::mem::take(&mut self.plain);
        let mut cuts: Vec<(Range<usize>, Range<usize>)> = sentences(&plain, self.language)
            .into_iter()
            .map(|part| (self.source(&part), part))
            .collect();
        self.share_gaps(&block, &mut cuts);
        let kind = if self.lists.is_empty() { Kind::Prose } else { Kind::Item };
        for (first, (source, part)) in cuts.into_iter().enumerate().map(|(n, cut)| (n == 0, cut)) {
            let lead = match self.lists.last() {
                Some(intro) if first => *intro,
                _ if first => self.introduction(),
                _ => self.units.len().checked_sub(1),
            };
            let raw = plain[part].trim();
            if raw.starts_with('|') {
                let cells = raw.split('|').map(one_line).filter(|cell| !cell.is_empty());
                let text = cells.collect::<Vec<_>>().join("; ");
                self.unit(text, source, Kind::Row, None);
            } else {
                self.unit(one_line(raw), source, kind, lead);
            }
        }
        self.clear();
    }

    /// The last unit, when it announces what comes next: "You need:", a question, or a line
    /// without an end that serves as a heading.
    fn introduction(&self) -> Option<usize> {
        let last = self.units.len().checked_sub(1)?;
        let text = &self.units[last].text;
        let open = text.ends_with([':', '?']);
        let like_a_heading = text.len() < 80 && !text.ends_with(['.', '!', ';']);
        (open || (like_a_heading && self.units[last].kind == Kind::Prose)).then_some(last)
    }

    /// The bytes that a part of the plain text came from.
    fn source(&self, part: &Range<usize>) -> Range<usize> {
        let from = self.pieces.partition_point(|piece| piece.plain <= part.start) - 1;
        let to = self.pieces.partition_point(|piece| piece.plain < part.end) - 1;
        let (first, last) = (&self.pieces[from], &self.pieces[to]);
        let start = first.source.start + if first.exact { part.start - first.plain } else { 0 };
        let end =
            if last.exact { last.source.start + part.end - last.plain } else { last.source.end };
        start..end
    }

    /// Gives the markup around and between sentences to one of them, so that a quote of
    /// `**Leave.** It is …` starts with its stars.
    fn share_gaps(&self, block: &Range<usize>, cuts: &mut [(Range<usize>, Range<usize>)]) {
        for n in 1..cuts.len() {
            let gap = cuts[n - 1].0.end..cuts[n].0.start;
            let Some(between) = self.passage.get(gap.clone()) else { continue };
            if let Some(space) = between.rfind(char::is_whitespace) {
                let before = between[..space].trim_end().len();
                let after = between[space..].trim_start().len();
                cuts[n - 1].0.end = gap.start + before;
                cuts[n].0.start = gap.end - after;
            }
        }
        if let Some(first) = cuts.first_mut() {
            first.0.start = block.start;
        }
        if let Some(last) = cuts.last_mut() {
            last.0.end = block.end;
        }
    }

    fn row(&mut self, range: Range<usize>) {
        let Some(table) = &self.table else { return };
        let named = table.cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty());
        let cells = named.map(|(n, cell)| match table.headers.get(n).map(String::as_str) {
            None | Some("") => cell.clone(),
            Some(header) => format!("{header}: {cell}"),
        });
        let text = cells.collect::<Vec<_>>().join("; ");
        let lead = table.lead;
        self.unit(text, range, Kind::Row, lead);
    }

    fn code_lines(&mut self, text: &str, range: Range<usize>) {
        if self.passage.get(range.clone()) != Some(text) {
            return;
        }
        let mut at = range.start;
        for line in text.split_inclusive('\n') {
            self.unit(one_line(line), at..at + line.len(), Kind::Code, self.code.flatten());
            at += line.len();
        }
    }

    fn unit(&mut self, text: String, source: Range<usize>, kind: Kind, lead: Option<usize>) {
        let quote = self.passage.get(source.clone()).unwrap_or_default();
        let start = source.start + quote.len() - quote.trim_start().len();
        let source = start..start + quote.trim().len();
        if source.is_empty() || !text.chars().any(char::is_alphanumeric) {
            return;
        }
        let path: Vec<&str> = self.headings.iter().map(|(_, text)| text.as_str()).collect();
        self.units.push(Unit { text, source, kind, heading: path.join(" > "), lead });
    }
}

/// One line of plain text: white space runs become one space, and characters that show nothing or
/// turn the direction of what follows are dropped.
fn one_line(text: &str) -> String {
    let seen: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    let hidden = |c: &char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let words: Vec<&str> = seen.split(' ').filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().filter(|c| !hidden(c)).collect()
}

/// Where the sentences of a plain text lie: Unicode's rules, less the breaks after abbreviations.
pub(crate) fn sentences(plain: &str, language: Language) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    for line in plain.split_inclusive('\n') {
        let mut open = false;
        for (offset, piece) in line.split_sentence_bound_indices() {
            let start = at + offset;
            let end = start + piece.trim_end().len();
            match parts.last_mut() {
                Some(last) if open => last.end = end,
                _ if piece.trim().is_empty() => continue,
                _ => parts.push(start..end),
            }
            open = goes_on(piece.trim_end(), language);
        }
        at += line.len();
    }
    parts
}

/// Whether a piece that ends in a full stop is not yet a whole sentence.
fn goes_on(piece: &str, language: Language) -> bool {
    let Some(body) = piece.strip_suffix('.') else { return false };
    let word = body.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    let mut letters = word.rsplit('.').next().unwrap_or_default().chars();
    let single = letters.next().is_some_and(char::is_alphabetic) && letters.next().is_none();
    let ordinal = language == Language::German
        && word.len() <= 2
        && !word.is_empty()
        && word.bytes().all(|byte| byte.is_ascii_digit());
    let word = word.to_lowercase();
    single || ordinal || among(ABBREVIATIONS, &word)
}
