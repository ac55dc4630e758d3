//! The server and the command line of Vouch.
//!
//! Two paths go through it, both in [`paths`]: a document's, from its source to the indexes, and a
//! question's, from the reader to the answer. [`http`] and [`cli`] are how people reach them.

pub mod answer;
pub mod app;
pub mod auth;
pub mod check;
pub mod cli;
pub mod config;
pub mod demo;
pub mod generate;
pub mod http;
pub mod limits;
mod outbound;
pub mod paths;
pub mod server;
pub mod slack;
mod text;
