//! What is posted: answers and plain words as blocks.
//!
//! Text of documents, models and people goes into fields that Slack shows as they stand: plain text and
//! rich text, in which nothing is a link, a mention or markup. The only links are those of the
//! citations, to this server. Characters that control or reorder what is around them are taken out, and
//! everything is cut to the lengths that Slack takes.

use serde_json::{Value, json};

use super::events::{RIGHT, WRONG};
use crate::answer::{Answer, Citation};
use crate::http::link;

/// The most characters of one text object. Slack takes 3,000.
const TEXT: usize = 2_900;
/// The most characters of all sentences together.
const SENTENCES: usize = 10_000;
/// The most sources that are listed.
const SOURCES: usize = 20;
/// The most characters of a title, a heading or a note.
const LINE: usize = 200;
/// The most notes.
const NOTES: usize = 5;
/// The longest address that is made a link of.
const ADDRESS: usize = 2_900;

/// Something to post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// What notifications show.
    text: String,
    blocks: Vec<Value>,
}

impl Message {
    /// A few words.
    pub(crate) fn words(text: &str) -> Self {
        Self { text: readable(text), blocks: vec![section(&readable(text))] }
    }

    /// An answer with its sources. `aside` is said above it.
    pub(crate) fn answer(answer: &Answer, public_url: &str, aside: Option<&str>) -> Self {
        let mut blocks: Vec<Value> = aside.map(small).into_iter().collect();
        let (said, shortened) = said(answer);
        blocks.extend(said.iter().map(|part| section(part)));
        blocks.push(sources(answer, public_url));
        if shortened {
            blocks.push(small("This is only the beginning of the answer; the sources hold more."));
        }
        blocks.extend(answer.notes.iter().take(NOTES).map(|note| small(note)));
        blocks.push(buttons(&answer.id));
        Self { text: said.join(" "), blocks }
    }

    /// The fields that every way of posting takes.
    pub(crate) fn body(&self) -> Value {
        json!({
            "text": cut(&escaped(&self.text), TEXT), "blocks": self.blocks,
            "unfurl_links": false, "unfurl_media": false,
            "parse": "none", "link_names": false, "mrkdwn": false,
        })
    }
}

/// The sentences with their marks in pieces that one block holds, and whether some were left out.
fn said(answer: &Answer) -> (Vec<String>, bool) {
    let mut pieces: Vec<String> = Vec::new();
    let mut length = 0;
    for sentence in &answer.sentences {
        let marks: String = sentence.citations.iter().map(|number| format!("[{number}]")).collect();
        let marks = cut(&marks, LINE);
        let text = cut(&readable(&sentence.text), TEXT - LINE - 2);
        if text.is_empty() {
            continue;
        }
        let text = format!("{text} {marks}");
        length += units(&text);
        if length > SENTENCES {
            return (pieces, true);
        }
        match pieces.last_mut() {
            Some(last) if units(last) + 1 + units(&text) <= TEXT => {
                last.push(' ');
                last.push_str(&text);
            }
            _ => pieces.push(text),
        }
    }
    (pieces, false)
}

/// The sources by number, each on a line of its own.
fn sources(answer: &Answer, public_url: &str) -> Value {
    let mut elements = Vec::new();
    for (place, citation) in answer.citations.iter().take(SOURCES).enumerate() {
        if place > 0 {
            elements.push(text("\n"));
        }
        elements.extend(source(citation, public_url));
    }
    if let Some(more) = answer.citations.len().checked_sub(SOURCES).filter(|more| *more > 0) {
        elements.push(text(&format!("\nand {more} more")));
    }
    if elements.is_empty() {
        elements.push(text("no sources"));
    }
    let section = json!({"type": "rich_text_section", "elements": elements});
    json!({"type": "rich_text", "elements": [section]})
}

fn source(citation: &Citation, public_url: &str) -> Vec<Value> {
    let title = cut(&readable(&citation.title), LINE);
    let title = if title.is_empty() { cut(&readable(&citation.document), LINE) } else { title };
    let url = link(public_url, citation);
    let linked = url.len() <= ADDRESS && !url.is_empty();
    let name =
        if linked { json!({"type": "link", "url": url, "text": title}) } else { text(&title) };
    let mut after = place(citation, &title);
    after.push_str(&format!(" · {}", dated("changed ", &citation.modified_at)));
    if citation.stale {
        let due = citation.review_due.as_deref().map(|due| dated("its review was due ", due));
        let due = due.unwrap_or_else(|| "its review is overdue".to_owned());
        after.push_str(&format!(" · may be out of date: {due}"));
    }
    vec![text(&format!("[{}] ", citation.number)), name, text(&after)]
}

/// Where in its document a quote stands: the heading, without the title that stands before it, and the
/// page.
fn place(citation: &Citation, title: &str) -> String {
    let heading = readable(&citation.heading);
    let below =
        heading.strip_prefix(title).filter(|rest| rest.is_empty() || rest.starts_with(" >"));
    let below = below.unwrap_or(&heading);
    let below = cut(below.trim_start_matches([' ', '>']), LINE);
    let mut place = String::new();
    if !below.is_empty() {
        place.push_str(&format!(" · {below}"));
    }
    if let Some(page) = citation.page {
        place.push_str(&format!(" · page {page}"));
    }
    place
}

fn buttons(answer: &str) -> Value {
    let button = |label: &str, action: &str| {
        let label = json!({"type": "plain_text", "text": label, "emoji": false});
        json!({"type": "button", "text": label, "action_id": action, "value": answer})
    };
    let elements = [button("This is right", RIGHT), button("This is wrong", WRONG)];
    json!({"type": "actions", "block_id": "vouch_feedback", "elements": elements})
}

fn section(text: &str) -> Value {
    let text = cut(text, TEXT);
    let text = if text.is_empty() { "…" } else { &text };
    json!({"type": "section", "text": {"type": "plain_text", "text": text, "emoji": false}})
}

fn small(text: &str) -> Value {
    let text = cut(&readable(text), LINE);
    let text = if text.is_empty() { "…" } else { &text };
    let element = json!({"type": "plain_text", "text": text, "emoji": false});
    json!({"type": "context", "elements": [element]})
}

/// Rich text: shown as it stands.
fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

/// A time's day for people.
fn dated(what: &str, time: &str) -> String {
    let read = time.parse::<jiff::Timestamp>();
    let day = read.map(|time| time.strftime("%-d %B %Y").to_string());
    day.map_or_else(|_| "undated".to_owned(), |day| format!("{what}{day}"))
}

/// Text on one line, without what is not seen or changes what is around it.
fn readable(text: &str) -> String {
    let seen = |c: char| match c {
        '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => None,
        c if c.is_control() => Some(' '),
        c => Some(c),
    };
    let text: String = text.chars().filter_map(seen).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// For the one field that Slack reads as its own markup: the three characters that begin any of it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Slack counts as JavaScript does.
fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The beginning that fits, and a sign where there was more. What was escaped is not cut in two.
fn cut(text: &str, most: usize) -> String {
    if units(text) <= most {
        return text.to_owned();
    }
    let mut length = 1;
    let fits = |c: &char| {
        length += c.len_utf16();
        length <= most
    };
    let mut kept: String = text.chars().take_while(fits).collect();
    if let Some(open) = kept.rfind('&').filter(|open| !kept[*open..].contains(';')) {
        kept.truncate(open);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{Searched, Sentence};
    use crate::generate::Usage;

    fn citation(number: usize, text: &str) -> Citation {
        Citation {
            number,
            document: format!("hr/{text}.md"),
            title: text.to_owned(),
            version: "sha256:00".to_owned(),
            quote: text.to_owned(),
            start: 0,
            end: 1,
            page: None,
            heading: format!("{text} > {text}"),
            uri: Some(text.to_owned()),
            modified_at: text.to_owned(),
            approved_at: None,
            approved_by: None,
            review_due: None,
            stale: true,
        }
    }

    fn answer(texts: &[String]) -> Answer {
        let citations: Vec<_> = texts.iter().enumerate().map(|(n, t)| citation(n + 1, t)).collect();
        let sentence = |text: &String| Sentence {
            text: text.clone(),
            citations: (1..=citations.len().min(99)).collect(),
        };
        Answer {
            id: "ans_1".to_owned(),
            conversation: None,
            outcome: "answered",
            sentences: texts.iter().map(sentence).collect(),
            citations,
            searched: Searched { passages: 1, sources: 1 },
            contact: None,
            generator: "scripted".to_owned(),
            generation: 1,
            took_ms: 1,
            prompt: None,
            usage: Usage::default(),
            notes: texts.to_vec(),
        }
    }

    /// At least 500 texts that somebody could wish to smuggle in.
    fn hostile() -> Vec<String> {
        let signs = [
            "<!channel>",
            "<!here|here>",
            "<@U123>",
            "<#C1|general>",
            "<https://evil.example|click>",
            "&lt;!channel&gt;",
            "*bold* _it_ ~s~ `code`",
            "```\ncode\n```",
            ":tada:",
            "@here @channel",
            "> quote",
            "https://evil.example/x.png",
            "<mailto:x@evil.example|mail>",
            "\u{202e}txt.exe",
            "\u{2066}isolate\u{2069}",
            "\u{0}\u{7}\u{1b}[31m",
            "\u{200b}\u{feff}zero",
            "\u{e0041}tag",
            "{\"type\":\"actions\"}",
            "\",\"blocks\":[]",
            "<script>alert(1)</script>",
            "![x](https://evil.example)",
            "<!date^1^{date}^https://evil.example|x>",
            "\u{1f600}",
            "\r\n\t",
            "&amp;amp;",
            "<",
            ">",
            "&",
        ];
        let shapes: [fn(&str) -> String; 18] = [
            str::to_owned,
            |sign| format!("a{sign}b"),
            |sign| sign.repeat(2),
            |sign| sign.repeat(400),
            |sign| sign.repeat(4_000),
            |sign| format!("{}{sign}", "x".repeat(2_895)),
            |sign| format!("{}{sign}", "x".repeat(2_690)),
            |sign| format!("{}{sign}", "\u{1f600}".repeat(1_449)),
            |sign| format!("{sign}{}", "y".repeat(9_000)),
            |sign| format!("{sign}\n{sign}\u{2028}{sign}"),
            |sign| format!("<{sign}>"),
            |sign| format!("<<{sign}|{sign}>>"),
            |sign| format!("&{sign};"),
            |sign| format!(" {sign} "),
            |sign| sign.chars().rev().collect(),
            |sign| sign.chars().flat_map(|c| [c, '\u{200d}']).collect(),
            |sign| format!("\u{202e}{sign}\u{202c}"),
            |sign| format!("[1] {sign} [99]"),
        ];
        signs.iter().flat_map(|sign| shapes.iter().map(move |shape| shape(sign))).collect()
    }

    /// Checks what Slack checks, and that nothing in it is markup.
    fn check(message: &Message) {
        let body = message.body();
        for off in ["unfurl_links", "unfurl_media", "link_names", "mrkdwn"] {
            assert_eq!(body[off], false, "{off}");
        }
        let fallback = body["text"].as_str().unwrap();
        assert!(!fallback.contains(['<', '>']) && units(fallback) <= 3_000, "{fallback}");
        for (at, _) in fallback.match_indices('&') {
            let known = ["&amp;", "&lt;", "&gt;"].iter().any(|one| fallback[at..].starts_with(one));
            assert!(known, "{fallback}");
        }
        let blocks = body["blocks"].as_array().unwrap();
        assert!((1..=50).contains(&blocks.len()), "{}", blocks.len());
        blocks.iter().for_each(check_block);
        let bare =
            |c: char| (c.is_control() || ('\u{202a}'..='\u{2069}').contains(&c)) && c != '\n';
        let mut all = Vec::new();
        strings(&body, &mut all);
        assert!(!all.iter().any(|text| text.contains(bare)), "{body}");
    }

    fn check_block(block: &Value) {
        let plain = |text: &Value, most: usize| {
            assert_eq!(text["type"], "plain_text", "{text}");
            assert_eq!(text["emoji"], false, "{text}");
            let length = units(text["text"].as_str().unwrap());
            assert!((1..=most).contains(&length), "{length}");
        };
        let elements = || block["elements"].as_array().unwrap();
        match block["type"].as_str().unwrap() {
            "section" => plain(&block["text"], 3_000),
            "context" => {
                assert!(elements().len() <= 10);
                elements().iter().for_each(|element| plain(element, 3_000));
            }
            "actions" => {
                for element in elements() {
                    plain(&element["text"], 75);
                    assert!(element["value"].as_str().unwrap().len() <= 2_000);
                }
            }
            "rich_text" => {
                for element in elements()[0]["elements"].as_array().unwrap() {
                    let length = units(element["text"].as_str().unwrap());
                    assert!((1..=3_000).contains(&length), "{element}");
                    if element["type"] == "link" {
                        let url = element["url"].as_str().unwrap();
                        assert!(url.starts_with("https://ask.example.com/view/hr/"), "{url}");
                        assert!(
                            url.len() <= 3_000 && !url.contains(['<', '>', ' ', '\n']),
                            "{url}"
                        );
                    } else {
                        assert_eq!(element["type"], "text");
                    }
                }
            }
            other => panic!("{other}"),
        }
    }

    fn strings(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::String(text) => found.push(text.clone()),
            Value::Array(all) => all.iter().for_each(|one| strings(one, found)),
            Value::Object(all) => all.values().for_each(|one| strings(one, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    #[test]
    fn promise_10_nothing_that_a_document_holds_becomes_markup_in_slack() {
        let hostile = hostile();
        assert!(hostile.len() >= 500, "{}", hostile.len());
        let url = "https://ask.example.com";
        for text in &hostile {
            check(&Message::answer(&answer(std::slice::from_ref(text)), url, Some(text)));
            check(&Message::words(text));
        }
        for many in hostile.chunks(60) {
            check(&Message::answer(&answer(many), url, None));
        }
    }

    #[test]
    fn an_answer_shows_its_sources_with_place_and_date() {
        let mut answer = answer(&["Leave".to_owned()]);
        answer.sentences[0].text = "It is 16 weeks.".to_owned();
        answer.citations[0].modified_at = "2026-05-03T00:00:00Z".to_owned();
        answer.citations[0].review_due = Some("2026-06-01T00:00:00Z".to_owned());
        answer.citations[0].heading = "Leave > Parental leave".to_owned();
        answer.citations[0].page = Some(4);
        answer.notes.clear();
        let body = Message::answer(&answer, "https://ask.example.com", None).body();
        assert_eq!(body["blocks"][0]["text"]["text"], "It is 16 weeks. [1]");
        let source = &body["blocks"][1]["elements"][0]["elements"];
        assert_eq!(source[1]["text"], "Leave");
        assert_eq!(
            source[1]["url"],
            "https://ask.example.com/view/hr/Leave.md?version=sha256:00&start=0&end=1"
        );
        assert_eq!(
            source[2]["text"],
            " · Parental leave · page 4 · changed 3 May 2026 · may be out of date: its review was due 1 June 2026"
        );
        assert_eq!(body["blocks"][2]["elements"][0]["value"], "ans_1");
    }
}
