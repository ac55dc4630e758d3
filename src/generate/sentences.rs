//! The text that a language model writes, piece by piece, as claims: one sentence each, plain, with the
//! passages that it cites.
//!
//! It promises that no markup, no image, no link, no HTML and no hidden character is left in a claim,
//! and no address but one that a passage holds word for word. A sentence is handed over when it is
//! whole, that is, when something else has begun after it. Marks of citations belong to the sentence
//! before them; a mark that was never given makes the sentence an invention.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use vouch_ingest::normalise;

use super::{Claim, Evidence};
use crate::text::{Language, sentences};

/// What a model writes where the passages do not say what was asked.
const NOT_FOUND: &str = "NOT_FOUND";
/// The longest mark, in bytes: a list of handles.
const MARK: usize = 120;
/// The longest address of a link, in bytes.
const ADDRESS: usize = 2_000;
/// The longest sentence, in bytes. Whatever is longer is none.
const SENTENCE: usize = 4_000;
/// What marks stand in.
const OPEN: [char; 3] = ['[', '【', '［'];
const CLOSE: [char; 3] = [']', '】', '］'];
/// What models that think aloud put around their thoughts.
const THOUGHTS: (&str, &str) = ("<think>", "</think>");

/// A piece of text as it comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// The text.
    pub(super) text: String,
    /// What its server says that all of it rests on: places of passages, there or not.
    pub(super) cited: Vec<usize>,
}

/// A sentence that never ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Endless;

/// What was heard of one model for one answer.
pub(super) struct Sentences<'a> {
    evidence: &'a [Evidence<'a>],
    handles: &'a [String],
    /// What was not looked at yet: it may begin with half a mark.
    raw: String,
    /// What was looked at and is not handed over yet, without marks.
    text: String,
    /// The marks of `text`, by what they stand for: a place for one behind a sentence, a range where a
    /// server cites for a whole block.
    marks: Vec<(Range<usize>, Mark)>,
    /// Whether `text` begins where a line does.
    line: bool,
    /// Whether the model may be thinking aloud.
    thinking: bool,
    /// Whether nothing was said yet but thoughts.
    nothing: bool,
}

/// A mark of a citation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Mark {
    cited: Vec<usize>,
    invented: bool,
}

impl<'a> Sentences<'a> {
    pub(super) fn new(evidence: &'a [Evidence<'a>], handles: &'a [String]) -> Self {
        Self {
            evidence,
            handles,
            raw: String::new(),
            text: String::new(),
            marks: Vec::new(),
            line: true,
            thinking: true,
            nothing: true,
        }
    }

    /// Takes what came, and gives what is whole by now.
    pub(super) fn feed(&mut self, said: &Said) -> Result<Vec<Claim>, Endless> {
        self.raw.push_str(&said.text.replace('\r', "\n"));
        if self.thoughts() {
            // Thoughts may be long; of them only the end matters.
            return Ok(Vec::new());
        }
        let begin = self.text.len();
        // A block that its server cites for is whole.
        self.digest(!said.cited.is_empty());
        self.cite(begin, &said.cited);
        let claims = self.cut(false);
        if self.text.len() > SENTENCE { Err(Endless) } else { Ok(claims) }
    }

    /// Keeps what all text from here on rests on.
    fn cite(&mut self, begin: usize, cited: &[usize]) {
        if cited.is_empty() {
            return;
        }
        let end = self.text.trim_end().len();
        let new = self.text.get(begin..end).unwrap_or_default();
        // Without text of its own it belongs to what stands before it.
        let begin = end - new.trim_start().len();
        let (cited, invented): (Vec<usize>, Vec<usize>) =
            cited.iter().partition(|place| **place < self.evidence.len());
        self.marks.push((begin..end, Mark { cited, invented: !invented.is_empty() }));
    }

    /// Gives the rest, after the model said that it is done.
    pub(super) fn finish(&mut self) -> Vec<Claim> {
        if self.thoughts() {
            return Vec::new();
        }
        self.digest(true);
        self.cut(true)
    }

    /// Whether nothing was said.
    pub(super) fn nothing(&self) -> bool {
        self.nothing
    }

    /// Drops what a model thinks aloud before it answers. True while that goes on.
    fn thoughts(&mut self) -> bool {
        if !self.thinking {
            return false;
        }
        let (begin, end) = THOUGHTS;
        let said = self.raw.trim_start();
        if said.is_empty() || (said.len() < begin.len() && begin.starts_with(said)) {
            return true;
        }
        if said.starts_with(begin) {
            let Some((_, after)) = said.split_once(end) else {
                let kept = said.len().saturating_sub(end.len()).max(begin.len());
                let kept = (kept..=said.len()).find(|at| said.is_char_boundary(*at));
                let kept = said[kept.unwrap_or(said.len())..].to_owned();
                self.raw = format!("{begin}{kept}");
                return true;
            };
            self.raw = after.to_owned();
        }
        self.thinking = false;
        false
    }

    /// Moves text over, taking out the marks. What may still become a mark waits.
    fn digest(&mut self, last: bool) {
        self.nothing &= self.raw.trim().is_empty();
        let raw = std::mem::take(&mut self.raw);
        let mut rest = raw.as_str();
        while let Some(at) = rest.find(OPEN) {
            self.text.push_str(&rest[..at]);
            rest = &rest[at..];
            let after_open = rest.chars().next().map_or(0, char::len_utf8);
            let end = match rest[after_open..].find([']', '】', '］', '[', '【', '［', '\n']) {
                Some(end) => after_open + end,
                None if rest.len() <= MARK && !last => break,
                None => MARK + 1,
            };
            let close = rest.get(end..).and_then(|rest| rest.chars().next()).unwrap_or('\n');
            let after = rest.get(end + close.len_utf8()..).unwrap_or_default();
            if end > MARK || !CLOSE.contains(&close) {
                self.text.push_str(&rest[..after_open]);
                rest = &rest[after_open..];
                continue;
            }
            let address = address(after);
            let open = after.is_empty() || (after.starts_with('(') && after.len() <= ADDRESS);
            if address.is_none() && open && !last {
                // Whether an address follows can't be known yet.
                break;
            }
            let brackets = &rest[..end + close.len_utf8()];
            rest = &after[address.unwrap_or(0)..];
            if let Some(mark) = self.mark(brackets) {
                rest = self.take_mark(mark, rest);
            } else if address.is_none() {
                self.text.push_str(brackets);
            } else if self.text.ends_with('!') {
                // An image says nothing.
                self.text.pop();
            } else {
                self.text.push_str(&brackets[after_open..end]);
            }
        }
        if rest.find(OPEN).is_none() {
            self.text.push_str(rest);
            rest = "";
        }
        self.raw = rest.to_owned();
    }

    /// Keeps a mark, and gives what comes after it.
    fn take_mark<'t>(&mut self, mark: Mark, after: &'t str) -> &'t str {
        let doubled = self.text.ends_with(OPEN) && after.starts_with(CLOSE);
        if doubled {
            self.text.pop();
        }
        // A mark after a line's end belongs to what stands before it.
        let place = self.text.trim_end().len();
        self.marks.push((place..place, mark));
        if doubled { &after[after.chars().next().map_or(0, char::len_utf8)..] } else { after }
    }

    /// What stands in brackets, if it is a mark.
    fn mark(&self, brackets: &str) -> Option<Mark> {
        let inner = brackets.trim_matches(['[', ']', '【', '】', '［', '］']);
        let tokens: Vec<String> = inner
            .split(|c: char| !c.is_alphanumeric())
            .filter(|token| !token.is_empty())
            .map(str::to_lowercase)
            .collect();
        const LEADS: &str = "source passage document citation ref handle result";
        let mut mark = Mark::default();
        let mut words = false;
        for token in &tokens {
            match self.handles.iter().position(|handle| handle == token) {
                Some(place) if !mark.cited.contains(&place) => mark.cited.push(place),
                Some(_) => {}
                None if like_a_handle(token) || number(token) => mark.invented = true,
                None => words |= !LEADS.split(' ').any(|lead| lead == token),
            }
        }
        let said = || self.evidence.iter().any(|passage| passage.text.contains(brackets));
        let marks = !mark.cited.is_empty() || (mark.invented && !words && !said());
        // Words around a known handle are how some models write: `[passage b2c3]`, `[^b2c3]`.
        marks.then_some(mark)
    }

    /// Takes out every sentence that is whole.
    fn cut(&mut self, last: bool) -> Vec<Claim> {
        let mut claims = Vec::new();
        while let Some((end, next, line)) = self.whole(last) {
            let raw: String = self.text.drain(..next).collect();
            let mut mark = Mark::default();
            self.marks.retain_mut(|(range, found)| {
                if range.start < end || (range.start == range.end && range.start <= end) {
                    mark.invented |= found.invented;
                    mark.cited.extend(&found.cited);
                }
                let goes_on = range.end > next;
                *range = range.start.saturating_sub(next)..range.end.saturating_sub(next);
                goes_on
            });
            mark.cited.sort_unstable();
            mark.cited.dedup();
            claims.extend(self.claim(&raw[..end], mark));
            self.line = line;
        }
        claims
    }

    /// The first sentence of the text: its end, where the next one begins, and whether that is a line.
    fn whole(&self, last: bool) -> Option<(usize, usize, bool)> {
        let text = &self.text;
        let begin = text.len() - text.trim_start().len();
        if begin == text.len() {
            return None;
        }
        let (line, ended) = self.line_from(begin, last)?;
        let marker = if self.line { list_mark(&text[begin..line]) } else { 0 };
        let body = &text[begin + marker..line];
        let parts = sentences(&body.replace('\n', " "), Language::detect(body));
        let at = begin + marker;
        match parts.as_slice() {
            [] if ended => Some((line, line, true)),
            [only] if ended => Some((at + only.end, line, true)),
            [] | [_] => None,
            [first, second, ..] => {
                // The beginning of a mark is not yet the next sentence.
                let begun = last || body[second.start..].contains(char::is_alphanumeric);
                begun.then_some((at + first.end, at + second.start, false))
            }
        }
    }

    /// Where the line ends that begins here, and whether it is known to end there. A line that goes on
    /// in small letters is the same line.
    fn line_from(&self, begin: usize, last: bool) -> Option<(usize, bool)> {
        let mut from = begin;
        loop {
            let Some(at) = self.text[from..].find('\n') else {
                return Some((self.text.len(), last));
            };
            let at = from + at;
            let after = &self.text[at..];
            let next = after.trim_start();
            let blank = after.len() - next.len() > 1
                && after[..after.len() - next.len()].matches('\n').count() > 1;
            let marked = self
                .marks
                .last()
                .is_some_and(|(range, _)| range.end >= self.text[..at].trim_end().len());
            match next.chars().next() {
                _ if blank => return Some((at, true)),
                Some(c) if c.is_lowercase() && list_mark(next) == 0 => from = at + 1,
                Some(_) => return Some((at, true)),
                None => return Some((at, last || marked)),
            }
        }
    }

    /// A sentence as a claim; none where it says nothing.
    fn claim(&self, raw: &str, mark: Mark) -> Option<Claim> {
        let raw = raw.trim();
        let fence = raw.starts_with("```") || raw.starts_with("~~~");
        if fence || raw.contains(NOT_FOUND) {
            return None;
        }
        let (text, foreign) = self.without_addresses(&plain(raw), &mark.cited);
        let says = text.chars().any(char::is_alphanumeric);
        says.then_some(Claim { text, cited: mark.cited, invented: mark.invented || foreign })
    }

    /// Addresses stay only where a cited passage holds them word for word. A sentence that needs
    /// another one is not the same without it, and counts as an invention.
    fn without_addresses(&self, text: &str, cited: &[usize]) -> (String, bool) {
        let kept = |word: &&str| {
            let address = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '/');
            let held = |place: &usize| holds_whole(self.evidence[*place].text, address);
            !like_an_address(word) || cited.iter().any(held)
        };
        let words = text.split(' ').count();
        let kept: Vec<&str> = text.split(' ').filter(kept).collect();
        (kept.join(" "), kept.len() < words)
    }
}

/// The length of the address in parentheses that makes a link of what stands before it.
fn address(after: &str) -> Option<usize> {
    let inner = after.strip_prefix('(')?;
    let end = inner.find([')', '\n']).filter(|end| inner[*end..].starts_with(')'))?;
    Some(end + 2)
}

/// Four letters and digits in turn, as handles are made; or nearly so.
fn like_a_handle(token: &str) -> bool {
    let digits = token.bytes().filter(u8::is_ascii_digit).count();
    (3..=6).contains(&token.len()) && digits > 0 && digits < token.len() && token.is_ascii()
}

/// The marks of models that number their sources.
fn number(token: &str) -> bool {
    token.len() <= 3 && token.bytes().all(|byte| byte.is_ascii_digit())
}

/// The length of what begins a list item, a heading or a quotation.
fn list_mark(line: &str) -> usize {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let after = &line[digits..];
    let sign = match after.chars().next() {
        Some('.' | ')') if (1..=3).contains(&digits) => 1,
        Some('-' | '*' | '+' | '>') if digits == 0 => 1,
        Some(c @ ('•' | '–' | '·')) if digits == 0 => c.len_utf8(),
        Some('#') if digits == 0 => after.bytes().take_while(|byte| *byte == b'#').count(),
        _ => return 0,
    };
    let length = digits + sign;
    let spaces = line[length..].len() - line[length..].trim_start_matches([' ', '\t']).len();
    if spaces == 0 {
        return 0;
    }
    let length = length + spaces;
    // A list item in a quotation, a bold number in a list.
    length + list_mark(&line[length..])
}

/// A sentence without markup, on one line.
fn plain(raw: &str) -> String {
    let clean = normalise::line(raw);
    let mut text = String::new();
    let mut images = 0;
    for event in Parser::new_ext(&clean[list_mark(&clean)..], Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::Image { .. }) => images += 1,
            Event::End(TagEnd::Image) => images -= 1,
            Event::Text(piece) | Event::Code(piece) if images == 0 => text.push_str(&piece),
            Event::SoftBreak | Event::HardBreak | Event::InlineHtml(_) => text.push(' '),
            Event::Start(_)
            | Event::End(_)
            | Event::Text(_)
            | Event::Code(_)
            | Event::Html(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::Rule
            | Event::TaskListMarker(_) => {}
        }
    }
    // Entities may have become tags and hidden characters.
    let text = normalise::line(&without_tags(&text));
    // What is left where marks were.
    let loose = [("[]", ""), ("[ ]", ""), (" .", "."), (" ,", ","), (" ;", ";"), (" !", "!")];
    let text = loose.iter().fold(text, |text, (apart, joined)| text.replace(apart, joined));
    text.trim().to_owned()
}

/// Drops what a browser could take for a tag.
fn without_tags(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        kept.push_str(before);
        let tag = after.starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c));
        if tag {
            rest = after.split_once('>').map_or("", |(_, after)| after);
            kept.push(' ');
        } else {
            kept.push('<');
            rest = after;
        }
    }
    kept + rest
}

/// Whether a word is an address, or would be taken for one by whatever shows it.
fn like_an_address(word: &str) -> bool {
    const SCHEMES: [&str; 6] = ["javascript:", "data:", "vbscript:", "file:", "mailto:", "blob:"];
    let lower = word.to_lowercase();
    let bare = lower.trim_matches(|c: char| !c.is_alphanumeric() && c != '/');
    let scheme = SCHEMES.iter().any(|scheme| {
        lower.split_once(scheme).is_some_and(|(_, after)| after.starts_with(char::is_alphanumeric))
    });
    scheme || lower.contains("://") || bare.starts_with("//") || like_a_host(bare)
}

/// `intranet.example.com/leave`, `www.example`, `ann@example.com`; not `16.5` and not `e.g`.
fn like_a_host(word: &str) -> bool {
    let host = word.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let labels: Vec<&str> = host.split('.').collect();
    let last = labels.last().copied().unwrap_or_default();
    labels.len() > 1
        && last.chars().count() > 1
        && last.chars().all(char::is_alphabetic)
        && labels.iter().all(|label| !label.is_empty())
}

/// Whether the text holds the address, and not only as a part of a longer one.
fn holds_whole(text: &str, address: &str) -> bool {
    let edge = |c: char| c.is_whitespace() || "()[]{}<>\"'`*_|,;!".contains(c);
    let whole = |at: usize| {
        let before = text[..at].chars().next_back();
        let after = text[at + address.len()..].trim_start_matches(['.', ':', '?']);
        before.is_none_or(edge) && after.chars().next().is_none_or(edge)
    };
    !address.is_empty() && text.match_indices(address).any(|(at, _)| whole(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAVE: &str = "# Leave\n\nParental leave is 16 weeks. See https://hr.example/leave for \
                         more, or example[0], or ask ann@hr.example.";

    fn evidence() -> [Evidence<'static>; 2] {
        [LEAVE, "Sick leave is 6 weeks."].map(|text| Evidence {
            text,
            title: "Leave",
            heading: "",
            language: "en",
            score: 1.0,
            authority: 0,
        })
    }

    fn claim(text: &str, cited: &[usize], invented: bool) -> Claim {
        Claim { text: text.to_owned(), cited: cited.to_vec(), invented }
    }

    fn said(text: &str) -> Said {
        Said { text: text.to_owned(), cited: Vec::new() }
    }

    /// The claims of a text that comes in pieces of so many bytes, cut at characters.
    fn in_pieces(text: &str, size: usize) -> Vec<Claim> {
        let evidence = evidence();
        let handles = ["b2c3".to_owned(), "d4f5".to_owned()];
        let mut sentences = Sentences::new(&evidence, &handles);
        let mut claims = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let cut = (size..rest.len()).find(|at| rest.is_char_boundary(*at));
            let (piece, after) = rest.split_at(cut.unwrap_or(rest.len()));
            claims.extend(sentences.feed(&said(piece)).expect("an end"));
            rest = after;
        }
        claims.extend(sentences.finish());
        claims
    }

    /// The same however the text is cut.
    fn claims(text: &str) -> Vec<Claim> {
        let whole = in_pieces(text, text.len().max(1));
        for size in [1, 2, 3, 7, 20] {
            assert_eq!(in_pieces(text, size), whole, "in pieces of {size}: {text}");
        }
        whole
    }

    #[test]
    fn handles_count_in_every_form() {
        let expect =
            [claim("Parental leave is 16 weeks.", &[0], false), claim("It is long.", &[1], false)];
        for text in [
            "Parental leave is 16 weeks. [b2c3] It is long. [d4f5]",
            "Parental leave is 16 weeks [b2c3]. It is long [d4f5].",
            "Parental leave is 16 weeks.[B2C3] It is long.[D4F5]\n",
            "Parental leave is 16 weeks.\n[b2c3]\n\nIt is long.\n[d4f5]\n",
            "Parental leave is 16 weeks【b2c3】. It is long【d4f5】.",
            "Parental leave is 16 weeks. [^b2c3] It is long. [passage d4f5]",
            "Parental leave is 16 weeks. [[b2c3]] It is long. [d4f5](https://evil.example/d4f5)",
            "- Parental leave is 16 weeks. [b2c3]\n- It is long. [d4f5]\n",
            "1. **Parental leave** is 16 weeks. [b2c3]\n2. It is *long*. [d4f5]",
            "## Parental leave is 16 weeks. [b2c3]\n> It is `long`. [d4f5]",
            "<think>Hm, [d4f5] says. Let me see.</think>\n\nParental leave is 16 weeks. [b2c3] It is long. [d4f5]",
        ] {
            assert_eq!(claims(text), expect, "{text}");
        }
        let both = [claim("It is long.", &[0, 1], false)];
        for text in [
            "It is long. [b2c3, d4f5]",
            "It is long [b2c3][d4f5].",
            "It is long. [b2c3] [d4f5]",
            "It is [d4f5] long [b2c3; D4F5].",
        ] {
            assert_eq!(claims(text), both, "{text}");
        }
    }

    #[test]
    fn what_was_never_given_is_an_invention() {
        for text in
            ["It is long. [x9x9]", "It is long. [1]", "It is long [12].", "It is long. [x9x9, 7]"]
        {
            assert_eq!(claims(text), [claim("It is long.", &[], true)], "{text}");
        }
        assert_eq!(claims("It is long. [b2c3, x9x9]"), [claim("It is long.", &[0], true)]);
        // What a passage has in brackets is no mark, and neither are words.
        assert_eq!(claims("Use example[0]. [b2c3]"), [claim("Use example[0].", &[0], false)]);
        assert_eq!(claims("It is [very] long."), [claim("It is [very] long.", &[], false)]);
    }

    #[test]
    fn nothing_is_said_where_nothing_was_found() {
        for text in
            ["NOT_FOUND", " NOT_FOUND.\n", "**NOT_FOUND**", "", "\n\n", "---", "```\n```", "[b2c3]"]
        {
            assert_eq!(claims(text), [], "{text}");
        }
    }

    #[test]
    fn no_markup_no_address_and_nothing_hidden_is_left() {
        for text in [
            "**Parental** _leave_ is [16 weeks](https://evil.example/a). [b2c3]",
            "Parental leave is ![x](https://evil.example/p.png)16 weeks. [b2c3]",
            "Parental leave <b>is</b> 16 weeks.<img src=x onerror=alert()> [b2c3]",
            "Parental leave is 16 weeks &lt;script src=//evil.example&gt;. [b2c3]",
            "Parental\u{200b} leave\u{202e} is\u{0} 16 weeks\u{e0041}. [b2c3]",
            "Parental leave is 16 weeks &#8238;&#0;. [b2c3]",
        ] {
            let said = claims(text);
            assert_eq!(said.len(), 1, "{text}: {said:?}");
            let plain: String = said[0].text.replace('\u{fffd}', "");
            let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(plain.trim_end_matches([' ', '.']), "Parental leave is 16 weeks", "{text}");
            assert_eq!((&said[0].cited[..], said[0].invented), (&[0][..], false), "{text}");
        }
        // An address stays where a passage holds it, whole.
        let stays = "See https://hr.example/leave or ask ann@hr.example.";
        assert_eq!(claims(&format!("{stays} [b2c3]")), [claim(stays, &[0], false)]);
        for address in [
            "https://evil.example/q=1",
            "<https://evil.example>",
            "www.evil.example evil.example/x",
            "javascript:alert(1)",
            "bob@evil.example",
            "//evil.example/x",
            "https://hr.example/leave/../evil",
        ] {
            let said = claims(&format!("Parental leave is {address} 16 weeks. [b2c3]"));
            assert_eq!(said, [claim("Parental leave is 16 weeks.", &[0], true)], "{address}");
        }
        assert!(claims(&format!("{stays} [d4f5]"))[0].invented, "another passage holds it");
    }

    #[test]
    fn a_block_that_is_cited_counts_for_each_of_its_sentences() {
        let (evidence, handles) = (evidence(), ["b2c3".to_owned(), "d4f5".to_owned()]);
        let mut sentences = Sentences::new(&evidence, &handles);
        let blocks: [(&str, &[usize]); 6] = [
            ("First, ", &[]),
            ("leave is long. It is paid! See [this](https://evil.example/?a=b. C)", &[1]),
            (". It ends", &[]),
            (" some day", &[0, 1]),
            (". Nobody knows. ", &[]),
            ("Who asks is told.", &[7]),
        ];
        let mut all = Vec::new();
        for (text, cited) in blocks {
            let said = Said { text: text.to_owned(), cited: cited.to_vec() };
            all.extend(sentences.feed(&said).unwrap());
        }
        all.extend(sentences.finish());
        let expect = [
            claim("First, leave is long.", &[1], false),
            claim("It is paid!", &[1], false),
            claim("See this.", &[1], false),
            claim("It ends some day.", &[0, 1], false),
            claim("Nobody knows.", &[], false),
            claim("Who asks is told.", &[], true),
        ];
        assert_eq!(all, expect);
    }

    #[test]
    fn what_is_left_of_tricks_are_their_words() {
        let tricks = "- It may ![i](https://evil.example/p.png) be <b onclick=\"x()\">in</b> two \
                      parts\u{202e}\u{200b}\u{7}. [b2c3]\n[x]: https://evil.example/ref\n\
                      <script src=\"https://evil.example/s.js\"></script> [b2c3]\n\
                      <https://evil.example> [b2c3]\n";
        assert_eq!(claims(tricks), [claim("It may be in two parts.", &[0], false)]);
    }

    #[test]
    fn a_sentence_is_handed_over_as_soon_as_it_is_whole() {
        let (evidence, handles) = (evidence(), ["b2c3".to_owned(), "d4f5".to_owned()]);
        let mut sentences = Sentences::new(&evidence, &handles);
        assert_eq!(sentences.feed(&said("Parental leave is 16 weeks. [b2")), Ok(Vec::new()));
        assert_eq!(sentences.feed(&said("c3]")), Ok(Vec::new()));
        let first = claim("Parental leave is 16 weeks.", &[0], false);
        assert_eq!(sentences.feed(&said("\n")), Ok(vec![first]));
        assert_eq!(sentences.feed(&said("Dr. Smith has 3.5 days. ")), Ok(Vec::new()));
        let second = claim("Dr. Smith has 3.5 days.", &[], false);
        assert_eq!(sentences.feed(&said("A")), Ok(vec![second]));
        assert_eq!(sentences.feed(&said(&"and on ".repeat(1_000))), Err(Endless));
    }

    #[test]
    fn a_wrapped_line_is_one_sentence() {
        assert_eq!(
            claims("Parental leave is\n16 weeks\nlong. [b2c3]"),
            [claim("Parental leave is", &[], false), claim("16 weeks long.", &[0], false)]
        );
        assert_eq!(
            claims("Parental leave\nis long. [b2c3]\n\nwhich is good"),
            [claim("Parental leave is long.", &[0], false), claim("which is good", &[], false)]
        );
    }
}
