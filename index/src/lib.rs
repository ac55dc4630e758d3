//! The ledger, both indexes, and the check that decides who may see what.
//!
//! The ledger (SQLite) is the truth; the text index (tantivy) and the vector store are views of it
//! that can be rebuilt. A [`Clearance`] is the only key that opens a search.

pub mod access;
pub mod embed;
mod error;
pub mod instructions;
pub mod ledger;
pub mod search;
pub mod text;
pub mod vectors;
mod words;

pub use access::{GivenLayer, Hearers, Layer, Principal, Reader, Rule};
pub use error::{Error, Refusal, RefusalKind, Result};
pub use ledger::{Actor, Clearance, Ledger, Passage, Place};
pub use words::{DocumentId, Extracted, FileKind, Section, Span, VersionNo};
