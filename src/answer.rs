//! An answer as a reader gets it: sentences, citations, and the events of one that is being made.
//!
//! An [`Audience`] is whoever waits for it. When nobody does any more, everything on the way to the
//! answer learns it here and stops.

use std::ops::ControlFlow;
use std::time::Duration;

use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use utoipa::ToSchema;

use crate::generate::Usage;

/// Events that may wait for a slow reader.
const WAITING: usize = 16;
/// How long a reader may take nothing before they count as gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Answer {
    /// `ans_` and a sortable id.
    pub id: String,
    /// The conversation that it belongs to, where it belongs to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// `answered` or `not_found`.
    pub outcome: &'static str,
    /// The sentences, in reading order; each names its citations.
    pub sentences: Vec<Sentence>,
    /// The citations, by number.
    pub citations: Vec<Citation>,
    /// What was looked through.
    pub searched: Searched,
    /// Whom to ask, where nothing was found.
    pub contact: Option<String>,
    /// What wrote the sentences: `extractive`, or the kind and name of a language model.
    pub generator: String,
    /// The generation of the indexes.
    pub generation: u32,
    /// Milliseconds from the question to here.
    pub took_ms: u64,
    /// What language models counted for it.
    #[serde(skip)]
    pub usage: Usage,
    /// What the language model was told, where that was asked for; null where none was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Option<String>>,
    /// What the reader should know of how this came about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A sentence of an answer, free of markup.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Sentence {
    /// The sentence.
    pub text: String,
    /// The numbers of its citations; never empty.
    pub citations: Vec<usize>,
}

/// A quote from a passage, with its place and dates.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Citation {
    /// Its number in this answer, from 1.
    pub number: usize,
    /// The document's id.
    pub document: String,
    /// Its title.
    pub title: String,
    /// The version's hash.
    pub version: String,
    /// Exactly the version's text from `start` to `end`.
    pub quote: String,
    /// First byte in the version's text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// The page, for formats that have pages.
    pub page: Option<u32>,
    /// Headings above it, joined by ` > `.
    pub heading: String,
    /// The address of the original.
    pub uri: Option<String>,
    /// When the content was changed last.
    pub modified_at: String,
    /// When the version was approved.
    pub approved_at: Option<String>,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// When it should be looked at again.
    pub review_due: Option<String>,
    /// Whether that time has passed.
    pub stale: bool,
}

/// What was looked through for an answer.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Searched {
    /// Passages that the answer could be made from.
    pub passages: usize,
    /// Sources that hold something this reader may see.
    pub sources: usize,
}

/// What a reader sees while an answer is made.
#[derive(Clone, Debug)]
pub enum Event {
    /// What is being done.
    Status(&'static str),
    /// A citation, before the first sentence that names it.
    Citation(Box<Citation>),
    /// A sentence.
    Sentence(Sentence),
}

/// A principal's name for people, such as whom to ask.
#[must_use]
pub fn called(principal: &str) -> String {
    match principal.split_once(':') {
        Some(("group", name)) => format!("the group {name}"),
        Some(("user", name)) => name.to_owned(),
        Some(_) | None => principal.to_owned(),
    }
}

/// Whoever waits for an answer.
#[derive(Clone, Debug)]
pub struct Audience(mpsc::Sender<Event>);

impl Audience {
    /// An audience, and what it hears. Dropping the receiver is going away.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Event>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), receiver)
    }

    /// Tells the audience, from a blocking thread. It breaks where nobody listens any more.
    pub fn tell(&self, event: Event) -> ControlFlow<()> {
        match Handle::current().block_on(self.0.send_timeout(event, PATIENCE)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    /// Returns when nobody listens any more.
    pub async fn gone(&self) {
        self.0.closed().await;
    }
}
