//! Turns sources into versions and chunks: walks folders, runs the extraction worker, cuts text.
//!
//! Knows the words of `vouch-index` and writes nothing: no source, no ledger, no index. No parser
//! runs in the process that calls this crate; [`worker::extract`] starts another one for each file,
//! and the formats can't be reached from outside in any other way.

pub mod chunk;
mod extract;
pub mod folder;
mod formats;
mod front_matter;
mod language;
pub mod limits;
pub mod normalise;
mod sandbox;
pub mod worker;

pub use chunk::chunks;
pub use extract::{EXTRACTOR, ExtractError};
pub use folder::{Found, Problem, Walk, inside_roots, walk};
pub use limits::Limits;
