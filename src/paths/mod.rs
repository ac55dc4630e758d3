//! The two paths through Vouch, each as flat functions that can be read from top to bottom:
//! a document's (from its source to the indexes) and a question's (from the reader to the answer).

pub mod ask;
pub mod conversation;
mod follow_up;
pub mod indexing;
pub mod intake;
mod write;
