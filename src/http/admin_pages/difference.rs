//! What is different in a waiting version, for the eye: lines around each change, and within changed
//! lines the words.

use std::time::Duration;

use maud::{Markup, html};
use similar::{ChangeTag, DiffOp, TextDiff, TextDiffConfig};

use crate::http::viewer::readable;

/// Lines that are shown around a change.
const AROUND: usize = 2;
/// Changed lines that are longer together stand beside each other whole: nobody reads thousands of marked
/// words, and the page would be many times its text.
const LONG: usize = 64 * 1024;
/// After so long the difference is as good as it is: a file of an unlucky form must not hold a page up.
const PATIENCE: Duration = Duration::from_millis(400);

/// What two texts differ in.
pub(super) fn difference(before: &str, after: &str) -> Markup {
    let lines = patient().diff_lines(before, after);
    let hunks = lines.grouped_ops(AROUND);
    html! {
        @if hunks.is_empty() { p.empty { "The text is the same." } }
        @for hunk in &hunks {
            div.hunk {
                @if let Some(first) = hunk.first() {
                    p.hunk-place { "Line " (first.new_range().start + 1) }
                }
                @for op in hunk { (change(&lines, *op)) }
            }
        }
    }
}

fn patient() -> TextDiffConfig {
    let mut config = TextDiff::configure();
    config.timeout(PATIENCE);
    config
}

fn change<'t>(lines: &TextDiff<'t, 't, 't, str>, op: DiffOp) -> Markup {
    let old = lines.old_slices()[op.old_range()].concat();
    let new = lines.new_slices()[op.new_range()].concat();
    match op {
        DiffOp::Equal { .. } => html! { div.same { (readable(&new)) } },
        DiffOp::Delete { .. } => html! { del.block { (readable(&old)) } },
        DiffOp::Insert { .. } => html! { ins.block { (readable(&new)) } },
        DiffOp::Replace { .. } if old.len() + new.len() > LONG => html! {
            del.block { (readable(&old)) } ins.block { (readable(&new)) }
        },
        DiffOp::Replace { .. } => words(&old, &new),
    }
}

/// Lines that were changed, with the words that went and came.
fn words(old: &str, new: &str) -> Markup {
    let words = patient().diff_words(old, new);
    html! {
        div.changed {
            @for change in words.iter_all_changes() {
                @let text = readable(change.value());
                @match change.tag() {
                    ChangeTag::Equal => (text),
                    ChangeTag::Delete => del { (text) },
                    ChangeTag::Insert => ins { (text) },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_word_is_marked_and_the_rest_of_its_line_is_not() {
        let shown =
            difference("A\n\nYou have 28 days.\n", "A\n\nYou have 30 days.\n").into_string();
        assert!(shown.contains("You have <del>28</del><ins>30</ins> days."), "{shown}");
    }

    #[test]
    fn markup_and_reordering_characters_of_a_text_stay_text() {
        let hostile = "<script>alert(1)</script>\u{202e}\n";
        for (before, after) in [("", hostile), (hostile, ""), (hostile, "<b>\n"), ("x\n", hostile)]
        {
            let shown = difference(before, after).into_string();
            assert!(!shown.contains("<script") && !shown.contains("<b>"), "{shown}");
            assert!(!shown.contains('\u{202e}'), "{shown}");
        }
    }

    #[test]
    fn a_text_that_is_long_and_all_new_makes_no_page_many_times_its_size() {
        let text = |word: &str| format!("| {word} | of a row |\n").repeat(20_000);
        let (before, after) = (text("before"), text("after"));
        let shown = difference(&before, &after).into_string();
        assert!(shown.len() < 2 * (before.len() + after.len()), "{}", shown.len());
        assert!(shown.contains("<del") && shown.contains("<ins"));
    }

    #[test]
    fn equal_texts_say_so() {
        assert!(difference("A\n", "A\n").into_string().contains("The text is the same."));
    }
}
