//! Mends what page layout did to text: wrapped lines, hyphens at line ends, headings that only the
//! size of their letters tells, and the header and footer that each page repeats.
//!
//! Modest on purpose. Where it can't tell whether two lines belong together it keeps them apart;
//! it never reorders, and never drops a line that doesn't recur.

use std::collections::{BTreeMap, HashMap};

use crate::normalise;

/// From this many pages on, a line on most of them is a header or footer.
const RECURRING: usize = 3;
/// How many lines at each end of a page may be header or footer.
const EDGE: usize = 2;
/// A line is full, so that the next one goes on with it, from this share of the page's wide ones.
const FULL_PERCENT: usize = 70;

/// What stands for a row of dots.
const LEADER: char = '…';

/// A line of letters this much larger than most, in percent, is a heading.
const LARGE_PERCENT: usize = 115;
/// How many levels of headings are told apart.
const LEVELS: usize = 4;
/// The longest heading, in characters.
const HEADING: usize = 120;

/// One page as it was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    /// Its words, with `\n` between lines.
    pub(crate) text: String,
    /// How large the letters of each line are. Empty: not known.
    pub(crate) sizes: Vec<f64>,
}

/// A line, plain and trimmed; empty where there was a gap.
#[derive(Default)]
struct Line {
    text: String,
    /// In quarters of a point, so that equal sizes are equal. 0: not known.
    size: usize,
    /// The level of a heading, from 1. 0: it is none.
    level: usize,
}

/// The text of all pages, and where each begins in it.
pub(crate) fn join(raw: &[Page]) -> (String, Vec<u32>) {
    let mut pages: Vec<Vec<Line>> = raw.iter().map(lines).collect();
    drop_recurring(&mut pages);
    find_headings(&mut pages);
    let mut text = String::new();
    let mut offsets = Vec::with_capacity(pages.len());
    for page in &pages {
        let page = paragraphs(page);
        if !page.is_empty() && !text.is_empty() {
            match seam(last_line(&text), &page, true) {
                Seam::Hyphen => drop(text.pop()),
                // Full or not can't be told across pages, so a small letter has to do.
                Seam::Blank => text.push(' '),
                Seam::Apart => text.push_str("\n\n"),
            }
        }
        offsets.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        text.push_str(&page);
    }
    (text, offsets)
}

fn lines(page: &Page) -> Vec<Line> {
    let sizes = page.sizes.iter().copied().chain(std::iter::repeat(0.0));
    let line = |(text, size): (&str, f64)| Line {
        text: without_leaders(&unligated(&normalise::line(text))),
        // What no page can show is not known. The cast cuts what is left to a whole number.
        size: if (1.0..1000.0).contains(&size) { (size * 4.0).round() as usize } else { 0 },
        level: 0,
    };
    page.text.split('\n').zip(sizes).map(line).collect()
}

/// Marks the lines whose letters are clearly larger than those of most of the text. A document in
/// which many are has another way of showing its structure, and none is marked.
fn find_headings(pages: &mut [Vec<Line>]) {
    let mut letters: BTreeMap<usize, usize> = BTreeMap::new();
    for line in pages.iter().flatten().filter(|line| line.size > 0) {
        *letters.entry(line.size).or_default() += line.text.len();
    }
    let Some((&usual, _)) = letters.iter().max_by_key(|(_, count)| **count) else { return };
    let large = |line: &Line| {
        line.size * 100 >= usual * LARGE_PERCENT
            && line.text.chars().count() <= HEADING
            && line.text.chars().filter(|c| c.is_alphabetic()).count() > 2
            && !line.text.contains(LEADER)
    };
    let filled = pages.iter().flatten().filter(|line| !line.text.is_empty()).count();
    let found: Vec<usize> =
        pages.iter().flatten().filter(|line| large(line)).map(|line| line.size).collect();
    if found.len() * 3 > filled {
        return;
    }
    let mut sizes = found;
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes.dedup();
    for line in pages.iter_mut().flatten().filter(|line| large(line)) {
        let rank = sizes.iter().position(|size| *size == line.size).unwrap_or(0);
        line.level = (rank + 1).min(LEVELS);
    }
}

/// Ligatures as letters, or `ﬁnance` is not found as `finance`.
fn unligated(line: &str) -> String {
    const LIGATURES: [(char, &str); 7] = [
        ('ﬀ', "ff"),
        ('ﬁ', "fi"),
        ('ﬂ', "fl"),
        ('ﬃ', "ffi"),
        ('ﬄ', "ffl"),
        ('ﬅ', "st"),
        ('ﬆ', "st"),
    ];
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        match LIGATURES.iter().find(|(ligature, _)| *ligature == c) {
            Some((_, letters)) => out.push_str(letters),
            None => out.push(c),
        }
    }
    out
}

/// A table of contents without its rows of dots.
fn without_leaders(line: &str) -> String {
    let Some(start) = [". . . .", "....."].iter().filter_map(|dots| line.find(dots)).min() else {
        return line.to_owned();
    };
    let rest = line[start..].trim_start_matches(['.', ' ']);
    format!("{} {LEADER} {}", line[..start].trim_end(), without_leaders(rest)).trim_end().to_owned()
}

/// Blanks the header and footer lines: those near a page's edge that most pages share, numbers aside.
fn drop_recurring(pages: &mut [Vec<Line>]) {
    if pages.len() < RECURRING {
        return;
    }
    let mask = |line: &str| {
        line.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>()
    };
    let edges = |page: &[Line]| {
        let filled: Vec<usize> = (0..page.len()).filter(|at| !page[*at].text.is_empty()).collect();
        let mut edges: Vec<usize> =
            filled.iter().take(EDGE).chain(filled.iter().rev().take(EDGE)).copied().collect();
        edges.sort_unstable();
        edges.dedup();
        edges
    };
    let mut seen: HashMap<String, usize> = HashMap::new();
    for page in pages.iter() {
        let mut masks: Vec<String> =
            edges(page).into_iter().map(|at| mask(&page[at].text)).collect();
        masks.sort_unstable();
        masks.dedup();
        for line in masks {
            *seen.entry(line).or_default() += 1;
        }
    }
    let most = pages.len() / 2 + 1;
    for page in pages.iter_mut() {
        for at in edges(page) {
            if seen.get(&mask(&page[at].text)).is_some_and(|count| *count >= most.max(RECURRING)) {
                page[at].text.clear();
            }
        }
    }
}

/// One page's lines as paragraphs.
fn paragraphs(lines: &[Line]) -> String {
    let wide = wide(lines);
    let mut out = String::new();
    let (mut gap, mut before, mut above) = (false, 0, 0);
    for line in lines {
        if line.text.is_empty() {
            gap = !out.is_empty();
            continue;
        }
        let full = before * 100 >= wide * FULL_PERCENT;
        let wrapped = line.level > 0 && above == line.level && !gap;
        if wrapped {
            // A heading goes on in its second line.
            out.push(' ');
            out.push_str(&line.text);
            continue;
        }
        let apart = line.level > 0 || above > 0;
        match seam(last_line(&out), &line.text, gap) {
            _ if out.is_empty() => {}
            _ if apart => out.push_str("\n\n"),
            Seam::Hyphen => drop(out.pop()),
            Seam::Blank if full => out.push(' '),
            Seam::Blank | Seam::Apart
                if !gap && (item(&line.text) || line.text.contains(LEADER)) =>
            {
                out.push('\n');
            }
            Seam::Blank | Seam::Apart => out.push_str("\n\n"),
        }
        if line.level > 0 {
            out.push_str(&"#".repeat(line.level));
            out.push(' ');
        }
        push_line(&mut out, &line.text);
        (gap, before, above) = (false, line.text.chars().count(), line.level);
    }
    out
}

/// How two lines go together.
#[derive(PartialEq, Eq)]
enum Seam {
    /// The first ends in the middle of a word.
    Hyphen,
    /// The second may go on with the first.
    Blank,
    Apart,
}

fn seam(first: &str, second: &str, gap: bool) -> Seam {
    let small = second.chars().next().is_some_and(char::is_lowercase);
    let mut ends = first.chars().rev();
    let (last, inner) = (ends.next().unwrap_or(' '), ends.next().unwrap_or(' '));
    if matches!(last, '-' | '\u{2010}') && inner.is_lowercase() && small {
        return Seam::Hyphen;
    }
    if first.contains(LEADER) || second.contains(LEADER) {
        return Seam::Apart;
    }
    let stops = matches!(last, '.' | '!' | '?' | ':');
    let goes_on = if gap { small && !stops } else { !item(second) };
    if goes_on { Seam::Blank } else { Seam::Apart }
}

/// Whether a line begins an item of a list.
fn item(line: &str) -> bool {
    let Some((mark, _)) = line.split_once(' ') else { return false };
    let number = mark.trim_end_matches(['.', ')']);
    let counted =
        (1..4).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    let lettered = number.len() == 1 && mark.ends_with(')');
    matches!(mark, "•" | "◦" | "▪" | "-" | "–" | "*" | "·")
        || (number.len() < mark.len() && (counted || lettered))
}

/// Adds a line so that Markdown reads nothing into it but a list.
fn push_line(out: &mut String, line: &str) {
    match line.chars().next() {
        Some('•' | '◦' | '▪' | '·') if item(line) => {
            out.push('-');
            out.push_str(line.trim_start_matches(['•', '◦', '▪', '·']));
        }
        Some('#' | '>') => {
            out.push('\\');
            out.push_str(line);
        }
        _ => out.push_str(line),
    }
}

fn last_line(text: &str) -> &str {
    text.rsplit('\n').next().unwrap_or(text)
}

/// The width of the page's wide lines, in characters.
fn wide(lines: &[Line]) -> usize {
    let widths = lines.iter().filter(|line| line.level == 0).map(|line| line.text.chars().count());
    let mut widths: Vec<usize> = widths.filter(|width| *width > 0).collect();
    widths.sort_unstable();
    widths.get(widths.len() * 8 / 10).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(lines: &[&str]) -> Page {
        Page { text: lines.join("\n"), sizes: Vec::new() }
    }

    #[test]
    fn large_letters_make_headings() {
        let text = "Leave\npolicy\nEvery parent may take sixteen weeks of leave in the first year.\nTravel\nThe train comes first, then the car, and last of all the plane.";
        let sizes = vec![24.0, 24.0, 11.0, 14.1, 11.0];
        let (text, _) = join(&[
            Page { text: text.to_owned(), sizes: sizes.clone() },
            page(&["x"]),
            page(&["y"]),
            page(&["z"]),
            page(&["w"]),
        ]);
        assert!(text.starts_with("# Leave policy\n\nEvery parent may take sixteen weeks of leave in the first year.\n\n## Travel\n\nThe train"), "{text}");
    }

    #[test]
    fn wrapped_lines_and_hyphens_are_mended() {
        let (text, _) = join(&[page(&[
            "Parental leave",
            "",
            "Every parent may take up to sixteen weeks of paren-",
            "tal leave, of which four are taken around the birth and",
            "the rest at any time. A ﬁrst request goes to HR.",
            "",
            "• in writing",
            "• four weeks before",
            "",
            "# not a heading",
        ])]);
        assert_eq!(
            text,
            "Parental leave\n\nEvery parent may take up to sixteen weeks of parental leave, of which four are taken around the birth and the rest at any time. A first request goes to HR.\n\n- in writing\n- four weeks before\n\n\\# not a heading"
        );
    }

    #[test]
    fn rows_of_dots_go() {
        let (text, _) = join(&[page(&["1 Leave . . . . . . . 3", "2 Travel ......... 14"])]);
        assert_eq!(text, "1 Leave … 3\n2 Travel … 14");
    }

    #[test]
    fn headers_and_footers_go_and_sentences_cross_pages() {
        let words = ["", "one", "two", "three", "four"];
        let mut pages: Vec<Page> = (1..=4)
            .map(|number| {
                page(&[
                    "ACME handbook",
                    "",
                    &format!("Part {} says something that goes on", words[number]),
                    "",
                    &format!("Page {number} of 4"),
                ])
            })
            .collect();
        pages[1] =
            page(&["ACME handbook", "", "here in the middle of a sentence.", "", "Page 2 of 4"]);
        let (text, offsets) = join(&pages);
        assert!(!text.contains("ACME") && !text.contains("Page"), "{text}");
        assert!(text.starts_with("Part one says something that goes on here in the middle of a sentence.\n\nPart three"), "{text}");
        assert!(text[offsets[1] as usize..].starts_with("here in"));
        assert!(text[offsets[3] as usize..].starts_with("Part four"));
    }
}
