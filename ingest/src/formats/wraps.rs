//! Mends what page layout did to text: wrapped lines, hyphens at line ends, and the header and
//! footer that each page repeats.
//!
//! Modest on purpose. Where it can't tell whether two lines belong together it keeps them apart;
//! it never reorders, and never drops a line that doesn't recur.

use std::collections::HashMap;

use crate::normalise;

/// From this many pages on, a line on most of them is a header or footer.
const RECURRING: usize = 3;
/// How many lines at each end of a page may be header or footer.
const EDGE: usize = 2;
/// A line is full, so that the next one goes on with it, from this share of the page's wide ones.
const FULL_PERCENT: usize = 70;

/// The text of all pages, and where each begins in it.
pub(crate) fn join(raw: &[String]) -> (String, Vec<u32>) {
    let mut pages: Vec<Vec<String>> = raw.iter().map(|page| lines(page)).collect();
    drop_recurring(&mut pages);
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

/// The lines of one page, plain and trimmed; an empty one where there was a gap.
fn lines(page: &str) -> Vec<String> {
    normalise::text(page)
        .lines()
        .map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            unligated(&words.join(" "))
        })
        .collect()
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

/// Blanks the header and footer lines: those near a page's edge that most pages share, numbers aside.
fn drop_recurring(pages: &mut [Vec<String>]) {
    if pages.len() < RECURRING {
        return;
    }
    let mask = |line: &str| {
        line.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>()
    };
    let edges = |page: &[String]| {
        let filled: Vec<usize> = (0..page.len()).filter(|at| !page[*at].is_empty()).collect();
        let mut edges: Vec<usize> =
            filled.iter().take(EDGE).chain(filled.iter().rev().take(EDGE)).copied().collect();
        edges.sort_unstable();
        edges.dedup();
        edges
    };
    let mut seen: HashMap<String, usize> = HashMap::new();
    for page in pages.iter() {
        let mut masks: Vec<String> = edges(page).into_iter().map(|at| mask(&page[at])).collect();
        masks.sort_unstable();
        masks.dedup();
        for line in masks {
            *seen.entry(line).or_default() += 1;
        }
    }
    let most = pages.len() / 2 + 1;
    for page in pages.iter_mut() {
        for at in edges(page) {
            if seen.get(&mask(&page[at])).is_some_and(|count| *count >= most.max(RECURRING)) {
                page[at].clear();
            }
        }
    }
}

/// One page's lines as paragraphs.
fn paragraphs(lines: &[String]) -> String {
    let wide = wide(lines);
    let mut out = String::new();
    let (mut gap, mut before) = (false, 0);
    for line in lines {
        if line.is_empty() {
            gap = !out.is_empty();
            continue;
        }
        let width = line.chars().count();
        if !out.is_empty() {
            let full = before * 100 >= wide * FULL_PERCENT;
            match seam(last_line(&out), line, gap) {
                Seam::Hyphen => drop(out.pop()),
                Seam::Blank if full => out.push(' '),
                Seam::Blank | Seam::Apart if item(line) && !gap => out.push('\n'),
                Seam::Blank | Seam::Apart => out.push_str("\n\n"),
            }
        }
        push_line(&mut out, line);
        (gap, before) = (false, width);
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
fn wide(lines: &[String]) -> usize {
    let mut widths: Vec<usize> =
        lines.iter().map(|line| line.chars().count()).filter(|width| *width > 0).collect();
    widths.sort_unstable();
    widths.get(widths.len() * 8 / 10).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(lines: &[&str]) -> String {
        lines.join("\n")
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
    fn headers_and_footers_go_and_sentences_cross_pages() {
        let words = ["", "one", "two", "three", "four"];
        let mut pages: Vec<String> = (1..=4)
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
