//! What writes the sentences of an answer.

pub mod extractive;
