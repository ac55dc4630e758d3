//! Vouch in Slack, against a made-up Slack that speaks its protocol.

mod channels;
mod fake;
mod load;
mod once;
mod requests;
mod scenes;

pub(crate) use fake::Fake;
