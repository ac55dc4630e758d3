//! How text is read: its language, and the sentences of a passage with the bytes that they came from.

mod language;
mod sentences;

pub(crate) use language::{ENGLISH_STOP, GERMAN_STOP, Language, among};
pub(crate) use sentences::{Kind, Unit, sentences, units};
