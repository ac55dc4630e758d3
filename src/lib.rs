//! The server and the command line of Vouch.

pub mod cli;
pub mod config;
