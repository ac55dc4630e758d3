//! What writes the sentences of an answer, and what is asked of every writer.
//!
//! A [`Generator`] drafts; it decides nothing. Whether a draft reaches the reader is decided after it,
//! by [`crate::check`] and by the audit, for every generator alike.

mod anthropic;
pub mod extractive;
pub mod model;
mod openai;
pub mod prompt;
mod sentences;

use std::ops::ControlFlow;

use crate::answer::Audience;
use prompt::Marks;

/// Something that writes answers from passages.
pub trait Generator: Send + Sync {
    /// The name in answers and in the audit: `extractive`, or kind and model such as `openai:gpt-5`.
    fn name(&self) -> &str;

    /// How many of the passages, best first, it has room for with everything else it must be told.
    fn room(&self, brief: &Brief<'_>) -> usize;

    /// Whether a language model is asked, and so tokens are spent.
    fn spends(&self) -> bool;

    /// What a language model would be told, for people to read; none where no model is asked.
    fn prompt(&self, brief: &Brief<'_>) -> Option<String>;

    /// Drafts the sentences of an answer, in order, and hands each over as soon as it is whole. It
    /// blocks, ends early where `take` breaks, and stops waiting when the audience is gone.
    ///
    /// # Errors
    /// Nothing more can be had from it. What it handed over before stays.
    fn write(
        &self,
        brief: &Brief<'_>,
        take: &mut dyn FnMut(Draft) -> ControlFlow<()>,
    ) -> Result<Usage, Failed>;
}

/// All that a generator is told.
pub struct Brief<'a> {
    /// The reader's question, in the reader's words.
    pub question: &'a str,
    /// The question as it stands by itself: what was searched. It differs for a follow-up alone.
    pub searched: &'a str,
    /// What was said before, oldest first, without what this reader may no longer see.
    pub earlier: &'a [Exchange],
    /// The passages that the answer may be made from, best first.
    pub evidence: &'a [Evidence<'a>],
    /// The embedding model, where it reads the question's language.
    pub meaning: Option<Meaning<'a>>,
    /// The random marks of this answer.
    pub marks: Marks,
    /// Whoever waits.
    pub audience: &'a Audience,
}

impl Brief<'_> {
    /// The same with the first so many passages alone.
    #[must_use]
    pub fn with(&self, passages: usize) -> Brief<'_> {
        let evidence = &self.evidence[..passages.min(self.evidence.len())];
        Brief { evidence, ..*self }
    }
}

/// A question and its answer, earlier in the same conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What the reader asked.
    pub question: String,
    /// The sentences of the answer that the reader may still see.
    pub answer: String,
}

/// A passage that may hold the answer.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The passage: Markdown, usually about 1,600 characters.
    pub text: &'a str,
    /// The document's title.
    pub title: &'a str,
    /// The headings above the passage, as `A > B`.
    pub heading: &'a str,
    /// The passage's language as a tag: `en`, `de`, or empty when unknown.
    pub language: &'a str,
    /// The search's score, 0 to 1.
    pub score: f32,
    /// The source's authority; the higher one wins where two answer alike.
    pub authority: i64,
}

/// Turns texts into unit vectors whose products say how alike they are; `None` without a model. A
/// model that does not know the question's language (see [`extractive::language`]) should not be
/// given.
pub type Meaning<'a> = &'a dyn Fn(&[&str]) -> Option<Vec<Vec<f32>>>;

/// A sentence of an answer before it is let out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Draft {
    /// Taken from the passages word for word; there is nothing to check.
    Quoted(Sentence),
    /// Written by a language model, and believed in nothing.
    Claimed(Claim),
}

/// A sentence with its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Plain text on one line.
    pub text: String,
    /// What it was taken from; never empty.
    pub support: Vec<Support>,
}

/// What a language model says, and where it says that it has it from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Plain text on one line, without the marks of citations.
    pub text: String,
    /// The passages that it cites, by their place in the evidence.
    pub cited: Vec<usize>,
    /// Whether it cites something that it was never given.
    pub invented: bool,
}

/// A quote: `evidence[passage].text[start..end]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Support {
    /// The place of the passage in the evidence.
    pub passage: usize,
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// What a language model counted for an answer, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Read.
    pub input: u64,
    /// Written.
    pub output: u64,
}

/// Why there is nothing more to be had from a generator.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct Failed {
    /// Without any text of a question, a document or an answer.
    pub why: String,
    /// What was counted until then.
    pub usage: Usage,
}
