//! An answer as text, for programs that know nothing of citations: a mark such as `[1]` behind each
//! sentence, and the sources below.
//!
//! Most of them show it as Markdown, so it is Markdown. What comes from documents is escaped: no text of
//! theirs becomes a link, an image or HTML in somebody's chat window. The only links are those of the
//! citations, and they lead to this server.

use std::collections::BTreeMap;

use reqwest::Url;

use crate::answer::{Answer, Citation, Sentence, called};

/// An answer that is being written out.
pub(super) struct Prose {
    public_url: String,
    /// Characters until now.
    length: usize,
    citations: BTreeMap<usize, Citation>,
}

/// A citation's mark in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Its first character in the whole text.
    pub(super) start: usize,
    /// One past its last character.
    pub(super) end: usize,
    /// Where people open the quote.
    pub(super) url: String,
    /// The document's title.
    pub(super) title: String,
}

impl Prose {
    /// Nothing yet, with links below this address.
    pub(super) fn new(public_url: String) -> Self {
        Self { public_url, length: 0, citations: BTreeMap::new() }
    }

    /// Takes note of a citation, before the sentences that name it.
    pub(super) fn cite(&mut self, citation: Citation) {
        self.citations.insert(citation.number, citation);
    }

    /// The next sentence with its marks.
    pub(super) fn sentence(&mut self, sentence: &Sentence) -> (String, Vec<Mark>) {
        let mut text = if self.length == 0 { String::new() } else { " ".to_owned() };
        text.push_str(&escaped(&sentence.text));
        text.push(' ');
        let mut marks = Vec::new();
        for number in &sentence.citations {
            let start = self.length + text.chars().count();
            text.push_str(&format!("[{number}]"));
            if let Some(citation) = self.citations.get(number) {
                marks.push(Mark {
                    start,
                    end: self.length + text.chars().count(),
                    url: link(&self.public_url, citation),
                    title: citation.title.clone(),
                });
            }
        }
        self.length += text.chars().count();
        (text, marks)
    }

    /// What comes after the sentences: the sources, or whom to ask, and what should be known.
    pub(super) fn ending(&self, answer: &Answer) -> String {
        let mut text = String::new();
        match answer.outcome {
            "answered" => text.push_str("\n\nSources:\n"),
            _ => text.push_str(&nothing(answer.contact.as_deref())),
        }
        for citation in &answer.citations {
            let place = if citation.heading.is_empty() || citation.heading == citation.title {
                citation.title.clone()
            } else {
                format!("{}, {}", citation.title, citation.heading)
            };
            let link = link(&self.public_url, citation);
            let stale = if citation.stale { " (its review is overdue)" } else { "" };
            text.push_str(&format!(
                "- [{}] [{}]({link}){stale}\n",
                citation.number,
                escaped(&place)
            ));
        }
        for note in &answer.notes {
            text.push_str(&format!("\n\nNote: {}", escaped(note)));
        }
        text.trim_end().to_owned()
    }

    /// A whole answer.
    pub(super) fn whole(public_url: String, answer: &Answer) -> (String, Vec<Mark>) {
        let mut prose = Self::new(public_url);
        answer.citations.iter().cloned().for_each(|citation| prose.cite(citation));
        let (mut text, mut marks) = (String::new(), Vec::new());
        for sentence in &answer.sentences {
            let (next, found) = prose.sentence(sentence);
            text.push_str(&next);
            marks.extend(found);
        }
        text.push_str(&prose.ending(answer));
        (text, marks)
    }
}

/// That nothing was found, and whom to ask.
fn nothing(contact: Option<&str>) -> String {
    let ask = contact.map(|contact| format!(" You could ask {}.", escaped(&called(contact))));
    format!("Nothing that you may read answers this.{}", ask.unwrap_or_default())
}

/// Where people open the place that a citation names.
pub(crate) fn link(public_url: &str, citation: &Citation) -> String {
    let place =
        format!("version={}&start={}&end={}", citation.version, citation.start, citation.end);
    address(public_url, "view", &citation.document, &place)
}

/// A document's address below one of the routes that show documents.
pub(super) fn address(public_url: &str, route: &str, document: &str, query: &str) -> String {
    let Ok(mut url) = public_url.parse::<Url>() else { return String::new() };
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(route).extend(document.split('/'));
    }
    url.set_query(Some(query).filter(|query| !query.is_empty()));
    // Markdown ends a link at its first closing bracket.
    String::from(url).replace('(', "%28").replace(')', "%29")
}

/// The text as Markdown that shows nothing but this text.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut after = text.chars();
    while let Some(c) = after.next() {
        let next = after.clone().next();
        let tag = c == '<' && next.is_some_and(|next| next.is_alphabetic() || "/!?".contains(next));
        if matches!(c, '\\' | '[' | ']') || tag {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}

#[cfg(test)]
mod tests {
    use pulldown_cmark::{Event, Parser, Tag, TagEnd};

    use super::*;

    #[test]
    fn promise_10_text_of_a_document_becomes_no_image_no_link_and_no_html() {
        for text in [
            "See ![x](https://evil.example/p.png) now",
            r"See !\[x](https://evil.example/p.png) now",
            r"See !\\[x\](https://evil.example/p.png) now",
            "Use [x][1] and [2] and [y]: https://evil.example",
            "An <img src=https://evil.example/p.png> and <!-- this --> and </p> and <?x?>",
            "`[x](https://evil.example)` and ` ![x](https://evil.example)",
            "5 < 6 and 7 > 6, a<b",
        ] {
            let markdown = escaped(text);
            let mut shown = String::new();
            for event in Parser::new(&markdown) {
                if let Event::Text(piece) | Event::Code(piece) = &event {
                    shown.push_str(piece);
                } else {
                    let start = event == Event::Start(Tag::Paragraph);
                    let paragraph = start || event == Event::End(TagEnd::Paragraph);
                    assert!(paragraph, "{text} became {event:?}");
                }
            }
            assert!(text.contains('`') || shown == text, "{text} reads {shown}");
        }
    }

    #[test]
    fn an_address_keeps_every_name_in_its_place() {
        let url = address("https://ask.example.com/below/", "view", "hr/a (1)/b?c.md", "start=1");
        assert_eq!(url, "https://ask.example.com/below/view/hr/a%20%281%29/b%3Fc.md?start=1");
        assert_eq!(address("nowhere", "view", "hr/a.md", ""), "");
    }
}
