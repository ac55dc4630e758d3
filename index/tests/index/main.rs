//! The tests of the crate as others use it: through the ledger and [`vouch_index::search::search`].
//!
//! One binary, so that the engines are linked once. Each module is one subject.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod company;
mod fake_qdrant;
mod folders;
mod gate;
mod held;
mod jobs;
mod lost_delete;
mod only_writer;
mod stores;
mod two_worlds;
