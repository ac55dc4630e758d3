//! Cuts a version's text into chunks along the document's own structure.
//!
//! Pure: the same text gives the same chunks, so a reindex needs no files. Chunks are in order,
//! don't overlap, begin and end at characters, and hold every word of the text. A heading goes with
//! what follows it.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use text_splitter::MarkdownSplitter;
use vouch_index::{Section, Span};

/// Texts above this many bytes are cut roughly before they are cut well: the splitter's time per
/// byte grows with the text.
const PIECE: usize = 128 * 1024;
/// How much of a text is searched for its first heading.
const HEAD: usize = 64 * 1024;
/// A heading in a path is cut to this many characters.
const HEADING: usize = 160;
/// A chunk may be a quarter longer than the target where that saves a scrap.
const SLACK: usize = 4;
/// Below this part of the target a chunk is a scrap.
const SCRAP: usize = 8;

/// A heading of the document itself, not one inside a quote or a list.
struct Heading {
    range: Range<usize>,
    level: HeadingLevel,
    title: String,
}

/// The chunks of a Markdown text, each of about `target` characters. `pages` are the byte offsets at
/// which pages begin; none for formats without pages.
#[must_use]
pub fn chunks(text: &str, pages: &[u32], target: usize) -> Vec<Span> {
    let target = target.max(1);
    let headings = headings(text);
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let splitter = MarkdownSplitter::new(target);
    for piece in pieces(text) {
        let found = splitter.chunk_indices(&text[piece.clone()]);
        ranges.extend(found.map(|(at, chunk)| piece.start + at..piece.start + at + chunk.len()));
    }
    ranges.retain(|range| !text[range.clone()].trim().is_empty());
    let outline = Outline { text, headings: &headings };
    outline.move_headings_down(&mut ranges, target + target / SLACK);
    let ranges = outline.join_scraps(ranges, target);
    outline.spans(&ranges, pages)
}

/// The first of the highest headings of a text, free of markup.
pub(crate) fn first_heading(text: &str) -> Option<String> {
    let head = &text[..text.floor_char_boundary(HEAD)];
    let named = headings(head).into_iter().filter(|heading| !heading.title.is_empty());
    named.min_by_key(|heading| heading.level).map(|heading| heading.title)
}

/// All headings of a text, by a Markdown parser, so that a `#` in a code block is none.
fn headings(text: &str) -> Vec<Heading> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES;
    let mut found = Vec::new();
    let mut inside = 0_usize;
    let mut current: Option<Heading> = None;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) if inside == 0 => {
                current = Some(Heading { range, level, title: String::new() });
            }
            Event::End(TagEnd::Heading(_)) => found.extend(current.take().map(Heading::tidy)),
            Event::Start(Tag::BlockQuote(_) | Tag::List(_)) => inside += 1,
            Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_)) => {
                inside = inside.saturating_sub(1)
            }
            Event::Text(words) | Event::Code(words) => {
                if let Some(heading) = &mut current {
                    heading.title.push_str(&words);
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some(heading) = &mut current {
                    heading.title.push(' ');
                }
            }
            Event::Start(_)
            | Event::End(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::Html(_)
            | Event::InlineHtml(_)
            | Event::FootnoteReference(_)
            | Event::Rule
            | Event::TaskListMarker(_) => {}
        }
    }
    found
}

impl Heading {
    fn tidy(mut self) -> Self {
        let words: Vec<_> = self.title.split_whitespace().collect();
        self.title = words.join(" ").chars().take(HEADING).collect();
        self
    }
}

/// Cuts a huge text at the best place near the end of each piece: before a heading, between
/// paragraphs, lines, words; else between two characters.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    while text.len() - start > PIECE {
        let end = text.floor_char_boundary(start + PIECE);
        let from = text.floor_char_boundary(start + PIECE / 2);
        let window = &text[from..end];
        let cut = ["\n#", "\n\n", "\n", " "]
            .iter()
            .find_map(|mark| window.rfind(mark))
            .map_or(end, |at| from + at + 1);
        found.push(start..cut);
        start = cut;
    }
    found.push(start..text.len());
    found
}

/// A text with its headings.
struct Outline<'a> {
    text: &'a str,
    headings: &'a [Heading],
}

impl Outline<'_> {
    /// Headings at a chunk's end belong to the next one.
    fn move_headings_down(&self, ranges: &mut [Range<usize>], most: usize) {
        for at in 1..ranges.len() {
            let Some(cut) = self.trailing_headings(&ranges[at - 1]) else { continue };
            let before = self.text[ranges[at - 1].start..cut].trim_end().len();
            let fits = chars(&self.text[cut..ranges[at].end], most) <= most;
            // A chunk of headings alone stays; it is joined to the next one later.
            if fits && before > 0 {
                ranges[at - 1].end = ranges[at - 1].start + before;
                ranges[at].start = cut;
            }
        }
    }

    /// Where the headings at the end of a chunk begin, if nothing comes after them.
    fn trailing_headings(&self, range: &Range<usize>) -> Option<usize> {
        let first = self.headings.partition_point(|heading| heading.range.start < range.start);
        let last = self.headings.partition_point(|heading| heading.range.start < range.end);
        let mut cut = None;
        let mut end = range.end;
        for heading in self.headings[first..last].iter().rev() {
            let after = heading.range.end.min(end);
            if !self.text[after..end].trim().is_empty() {
                break;
            }
            end = heading.range.start;
            cut = Some(end);
        }
        cut
    }

    fn begins_with_heading(&self, start: usize) -> bool {
        self.headings.binary_search_by_key(&start, |heading| heading.range.start).is_ok()
    }

    /// Joins a chunk of headings alone, and scraps of a few words, to a neighbour.
    fn join_scraps(&self, ranges: Vec<Range<usize>>, target: usize) -> Vec<Range<usize>> {
        let most = target + target / SLACK;
        let mut joined: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            let Some(before) = joined.last_mut() else {
                joined.push(range);
                continue;
            };
            let fits = chars(&self.text[before.start..range.end], most) <= most;
            let scrap =
                |range: &Range<usize>| chars(&self.text[range.clone()], target) < target / SCRAP;
            let headings_alone = self
                .trailing_headings(before)
                .is_some_and(|cut| self.text[before.start..cut].trim().is_empty());
            // A section that is short is still a section: its words belong under its heading.
            let goes_on = !self.begins_with_heading(range.start);
            if fits && (headings_alone || (goes_on && (scrap(before) || scrap(&range)))) {
                before.end = range.end;
            } else {
                joined.push(range);
            }
        }
        joined
    }

    /// Adds to each range its page and the headings above it.
    fn spans(&self, ranges: &[Range<usize>], pages: &[u32]) -> Vec<Span> {
        let mut path: Vec<&Heading> = Vec::new();
        let mut next = self.headings.iter().peekable();
        let mut spans = Vec::with_capacity(ranges.len());
        for range in ranges {
            while let Some(heading) = next.next_if(|heading| heading.range.start <= range.start) {
                path.retain(|above| above.level < heading.level);
                path.push(heading);
            }
            let heading = joined(&path);
            let mut sections = Vec::new();
            while let Some(inside) = next.next_if(|heading| heading.range.start < range.end) {
                path.retain(|above| above.level < inside.level);
                path.push(inside);
                sections
                    .push(Section { start: offset(inside.range.start), heading: joined(&path) });
            }
            let start = offset(range.start);
            let page = pages.partition_point(|page| *page <= start);
            spans.push(Span {
                start,
                end: offset(range.end),
                page: u32::try_from(page).ok().filter(|page| *page > 0),
                heading,
                sections,
            });
        }
        spans
    }
}

/// A heading path as people read it.
fn joined(path: &[&Heading]) -> String {
    let titles: Vec<_> =
        path.iter().map(|heading| &*heading.title).filter(|title| !title.is_empty()).collect();
    titles.join(" > ")
}

/// How many characters a text has, counted to just past `most`.
fn chars(text: &str, most: usize) -> usize {
    text.chars().take(most + 1).count()
}

/// Texts are far below 4 GiB: extraction refuses them long before.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// In order, on characters, nothing lost, nothing twice.
    fn check(text: &str, target: usize) -> Vec<Span> {
        let spans = chunks(text, &[], target);
        let mut at = 0;
        for span in &spans {
            let (start, end) = (span.start as usize, span.end as usize);
            assert!(at <= start && start < end, "{at} {start} {end}");
            assert!(text[at..start].trim().is_empty(), "lost {:?}", &text[at..start]);
            assert!(!text[start..end].trim().is_empty());
            assert!(text[start..end].chars().count() <= target + target / SLACK);
            at = end;
        }
        assert!(text[at..].trim().is_empty(), "lost {:?}", &text[at..]);
        spans
    }

    /// Small numbers that are the same in every run.
    fn dice(seed: &mut u64) -> usize {
        *seed =
            seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) as usize
    }

    #[test]
    fn every_word_is_in_exactly_one_chunk() {
        let parts = [
            "# Title\n\n",
            "## Über uns\n\n",
            "Some words here. ",
            "```\n# code\n\n```\n",
            "- item\n",
            "| a | b |\n|---|---|\n| 1 | 2 |\n",
            "\n\n",
            "日本語のテキスト。",
            "> quote\n> # no path\n",
            "Setext\n===\n",
            "x".repeat(90).leak(),
            "🧑‍🚀 ",
            "\t\n",
            "<div>html</div>\n",
        ];
        let mut seed = 7;
        for _ in 0..300 {
            let count = dice(&mut seed) % 60;
            let text: String = (0..count).map(|_| parts[dice(&mut seed) % parts.len()]).collect();
            check(&text, 20 + dice(&mut seed) % 300);
        }
        assert!(chunks("", &[], 1600).is_empty());
        assert!(chunks(" \n\n ", &[], 1600).is_empty());
    }

    #[test]
    fn chunks_know_their_headings_and_pages() {
        let filler = "These words fill the section up to its size. ".repeat(8);
        let text = format!(
            "Intro.\n\n# Leave\n\n{filler}\n\n```\n# not a heading\n```\n\n## Parental *leave* {{#id}}\n\n{filler}\n\n# Travel\n\n{filler}"
        );
        let page_two = u32::try_from(text.find("## Parental").unwrap()).unwrap();
        let spans = chunks(&text, &[0, page_two], 450);
        let seen: Vec<_> = spans.iter().map(|span| (span.heading.as_str(), span.page)).collect();
        assert_eq!(
            seen.iter().map(|(heading, _)| *heading).collect::<Vec<_>>().iter().fold(
                Vec::new(),
                |mut paths: Vec<&str>, path| {
                    if paths.last() != Some(path) {
                        paths.push(path);
                    }
                    paths
                }
            ),
            ["", "Leave", "Leave > Parental leave", "Travel"]
        );
        assert!(
            seen.contains(&("Leave", Some(1)))
                && seen.contains(&("Leave > Parental leave", Some(2)))
        );
    }

    #[test]
    fn a_chunk_knows_the_headings_inside_it() {
        let text =
            "# Leave\n\nIntro.\n\n## Parental\n\n16 weeks.\n\n## Sick\n\nA note after day 3.";
        let spans = chunks(text, &[], 1600);
        assert_eq!(spans.len(), 1);
        assert_eq!(spans[0].heading, "Leave");
        let at = |word: &str| u32::try_from(text.find(word).unwrap()).unwrap();
        let inside = |word, heading: &str| Section { start: at(word), heading: heading.to_owned() };
        assert_eq!(
            spans[0].sections,
            [inside("## Parental", "Leave > Parental"), inside("## Sick", "Leave > Sick")]
        );
    }

    #[test]
    fn a_heading_goes_with_what_follows() {
        let words = "A sentence that says something about the matter. ".repeat(30);
        let text = format!(
            "# A\n\n## B\n\n{words}\n\n## C\n\n{words}\n\n## D\n\nShort.\n\n### E\n\n{words}"
        );
        for span in check(&text, 400) {
            let chunk = &text[span.start as usize..span.end as usize];
            let last = chunk.lines().last().unwrap();
            assert!(!last.starts_with('#'), "{chunk}");
        }
    }

    #[test]
    fn huge_texts_take_time_in_proportion() {
        let line = "word ".repeat(1_000_000);
        let flat = "Some plain words without any heading at all.\n".repeat(460_000);
        let solid = "x".repeat(2_000_000);
        for text in [&line, &flat, &solid] {
            let before = Instant::now();
            assert!(chunks(text, &[], 1600).len() > 1000);
            let took = before.elapsed();
            assert!(took.as_secs() < 20, "{took:?} for {} bytes", text.len());
        }
    }
}
