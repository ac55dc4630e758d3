//! `vouch ask` and `vouch search`.
//!
//! For people an answer is printed sentence by sentence, as the server sends it; a sentence was
//! recorded in the audit before it left the server. With `--json` it is the whole answer at once.

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::Session;
use super::client::Client;
use super::failure::Failure;
use super::output::{cell, items, print, print_piece, safe, safe_lines};

/// `vouch ask`
#[derive(Debug, Args)]
pub(super) struct Ask {
    /// The question
    question: String,
    /// Look in this source alone; can be given again
    #[arg(long = "source", value_name = "ID")]
    sources: Vec<String>,
    /// Print what the language model was told, below the answer
    #[arg(long)]
    show_prompt: bool,
    #[command(flatten)]
    conversation: Conversation,
}

/// Which conversation a question belongs to; none unless one is asked for.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct Conversation {
    /// Begin a conversation
    #[arg(long)]
    new: bool,
    /// Go on with your last conversation
    #[arg(long = "continue")]
    last: bool,
    /// Go on with this conversation
    #[arg(long = "conversation", value_name = "ID")]
    id: Option<String>,
}

impl Conversation {
    /// What the server is to be told.
    async fn name(self, session: &Session) -> Result<Option<String>> {
        if self.new {
            return Ok(Some("new".to_owned()));
        }
        if !self.last {
            return Ok(self.id);
        }
        let all = session.client.get(&["v1", "conversations"]).await?;
        let last = items(&all, "conversations").first().and_then(|one| one["id"].as_str());
        let hint = Some("begin one with --new");
        match last {
            Some(id) => Ok(Some(id.to_owned())),
            None => Err(Failure::new("no_conversation", "you have no conversation", hint).into()),
        }
    }
}

impl Ask {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let mut content = json!({ "question": self.question, "stream": !session.json });
        if !self.sources.is_empty() {
            content["sources"] = self.sources.into();
        }
        if self.show_prompt {
            content["prompt"] = true.into();
        }
        if let Some(conversation) = self.conversation.name(session).await? {
            content["conversation"] = conversation.into();
        }
        if session.json {
            let answer = session.client.post(&["v1", "ask"], &content).await?;
            return session.show(&answer, |_| String::new());
        }
        let response =
            session.client.stream(Method::POST, &["v1", "ask"], &[], Some(&content)).await?;
        let answer = read_aloud(response).await?;
        print(&ending(&session.client, &answer))?;
        if self.show_prompt { print(&prompt(&answer)) } else { Ok(()) }
    }
}

/// Prints each sentence when it comes, and returns the whole answer.
async fn read_aloud(mut response: Response) -> Result<Value> {
    let mut events = Events::default();
    let mut printed = false;
    while let Some(bytes) = response.chunk().await? {
        for (event, data) in events.feed(&bytes) {
            match event.as_str() {
                "sentence" => {
                    print_piece(&format!("{}{}", if printed { " " } else { "" }, sentence(&data)))?;
                    printed = true;
                }
                "done" => {
                    if printed {
                        print_piece("\n")?;
                    }
                    return Ok(data);
                }
                "error" => {
                    if printed {
                        print_piece("\n")?;
                    }
                    match Failure::stated(data) {
                        Some(failure) => return Err(failure.into()),
                        None => bail!("the server reported an error without saying which"),
                    }
                }
                _ => {}
            }
        }
    }
    if printed {
        print_piece("\n")?;
    }
    let hint = "what is printed is not the whole answer; ask again";
    Err(Failure::new("cut_off", "the connection ended before the answer did", Some(hint)).into())
}

/// A sentence with the numbers of its citations: `Parental leave is 16 weeks. [1][3]`
fn sentence(data: &Value) -> String {
    let marks: String =
        items(data, "citations").iter().map(|number| format!("[{number}]")).collect();
    let text = safe(data["text"].as_str().unwrap_or_default());
    if marks.is_empty() { text } else { format!("{text} {marks}") }
}

/// What comes below the sentences: citations, or whom to ask.
fn ending(client: &Client, answer: &Value) -> String {
    let mut text = String::new();
    match answer["outcome"].as_str() {
        Some("answered") => {
            for citation in items(answer, "citations") {
                text.push('\n');
                text.push_str(&reference(client, citation));
            }
        }
        Some("held") => text.push_str("A reviewer looks at this answer before you see it.\n"),
        Some(_) | None => {
            text.push_str("Nothing that you may read answers this.\n");
            let contact = cell(answer, "contact");
            if contact != "-" {
                text.push_str(&format!("You could ask {contact}.\n"));
            }
        }
    }
    text
}

/// What the language model was told, or that there was none.
fn prompt(answer: &Value) -> String {
    match answer["prompt"].as_str() {
        Some(told) => {
            format!("\n{} was told:\n\n{}\n", cell(answer, "generator"), safe_lines(told))
        }
        None => "\nNo language model wrote this, so there is no prompt.\n".to_owned(),
    }
}

/// One citation: what it is and how old, the words themselves, and where to open them.
fn reference(client: &Client, citation: &Value) -> String {
    let mut place = vec![cell(citation, "title")];
    let heading = cell(citation, "heading");
    // A heading path often begins with the title.
    if heading != "-" && heading != place[0] {
        place.push(heading);
    }
    if let Some(page) = citation["page"].as_u64() {
        place.push(format!("page {page}"));
    }
    if let Some(day) = day(citation, "modified_at") {
        place.push(format!("changed {day}"));
    }
    if citation["stale"] == true {
        let due =
            day(citation, "review_due").map(|day| format!(" since {day}")).unwrap_or_default();
        place.push(format!("STALE: its review is due{due}"));
    }
    format!(
        "[{}] {}\n    \"{}\"\n    {}\n",
        cell(citation, "number"),
        place.join("; "),
        excerpt(citation, "quote", 200),
        client.view(citation)
    )
}

/// The day of a moment: `2025-03-01`.
fn day(object: &Value, key: &str) -> Option<String> {
    object[key].as_str().and_then(|moment| moment.get(..10)).map(safe)
}

/// The beginning of a text, on one line.
fn excerpt(object: &Value, key: &str, most: usize) -> String {
    let words: Vec<&str> = object[key].as_str().unwrap_or_default().split_whitespace().collect();
    let line = safe(&words.join(" "));
    match line.char_indices().nth(most) {
        Some((cut, _)) => {
            let words = line[..cut].rsplit_once(' ').map_or(&line[..cut], |(words, _)| words);
            format!("{words} …")
        }
        None => line,
    }
}

/// Server-sent events, from bytes that are cut anywhere.
#[derive(Default)]
struct Events {
    buffer: Vec<u8>,
    event: String,
    data: String,
}

impl Events {
    /// The events that these bytes complete: the name and the JSON of each.
    fn feed(&mut self, bytes: &[u8]) -> Vec<(String, Value)> {
        self.buffer.extend_from_slice(bytes);
        let mut complete = Vec::new();
        while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.buffer.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\n', '\r']);
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut self.event),
                "data" => {
                    if !self.data.is_empty() {
                        self.data.push('\n');
                    }
                    self.data.push_str(value);
                }
                // An empty line ends the event. One without JSON is not ours.
                "" if line.is_empty() => {
                    let (event, data) =
                        (std::mem::take(&mut self.event), std::mem::take(&mut self.data));
                    if let Ok(data) = serde_json::from_str(&data) {
                        complete.push((event, data));
                    }
                }
                _ => {}
            }
        }
        complete
    }
}

/// `vouch search`
#[derive(Debug, Args)]
pub(super) struct Search {
    /// What to look for
    query: String,
    /// How many passages, at most
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// By words, by meaning, or both
    #[arg(long, value_enum, default_value_t = Mode::Fused)]
    mode: Mode,
    /// Look in this source alone; can be given again
    #[arg(long = "source", value_name = "ID")]
    sources: Vec<String>,
}

/// The ways to search.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    /// Words and meaning together
    Fused,
    /// Words alone
    Words,
    /// Meaning alone
    Meaning,
}

impl Search {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let mode = match self.mode {
            Mode::Fused => "fused",
            Mode::Words => "words",
            Mode::Meaning => "meaning",
        };
        let mut content = json!({ "query": self.query, "limit": self.limit, "mode": mode });
        if !self.sources.is_empty() {
            content["sources"] = self.sources.into();
        }
        let body = session.client.post(&["v1", "search"], &content).await?;
        session.show(&body, |body| {
            let passages = items(body, "passages");
            if passages.is_empty() {
                return "Nothing that you may read was found.\n".to_owned();
            }
            let numbered = passages.iter().enumerate();
            numbered
                .map(|(at, passage)| found(&session.client, at + 1, passage))
                .collect::<Vec<_>>()
                .join("\n")
        })
    }
}

/// One passage: where it stands, how well it fits, how it begins.
fn found(client: &Client, number: usize, passage: &Value) -> String {
    let mut place = vec![cell(passage, "title")];
    let heading = cell(passage, "heading");
    if heading != "-" && heading != place[0] {
        place.push(heading);
    }
    if let Some(page) = passage["page"].as_u64() {
        place.push(format!("page {page}"));
    }
    let score = passage["score"].as_f64().map(|score| format!("{score:.3}")).unwrap_or_default();
    format!(
        "{number}. {}  ({score})\n   {}\n   {}\n",
        place.join("; "),
        excerpt(passage, "text", 240),
        client.view(passage)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_wherever_the_bytes_are_cut() {
        let stream = concat!(
            "event: status\r\ndata: {\"stage\":\"search\"}\r\n\r\n",
            ": keep alive\n\n",
            "event:sentence\ndata:{\"text\":\"É.\",\ndata: \"citations\":[1,2]}\n\n",
            "event: done\ndata: {}\n",
        );
        let expect = [
            ("status".to_owned(), json!({"stage": "search"})),
            ("sentence".to_owned(), json!({"text": "É.", "citations": [1, 2]})),
        ];
        for cut in 1..stream.len() {
            let mut events = Events::default();
            let mut all = events.feed(&stream.as_bytes()[..cut]);
            all.extend(events.feed(&stream.as_bytes()[cut..]));
            assert_eq!(all, expect, "cut at {cut}");
        }
        assert_eq!(sentence(&expect[1].1), "É. [1][2]");
    }
}
