//! Vouch in Slack, against a made-up Slack that speaks its protocol.

mod cases;
mod channels;
mod fake;
mod follow_ups;
mod killed;
mod load;
mod once;
mod requests;
mod scenes;
mod sender;

pub(crate) use fake::Fake;

use std::path::Path;

use crate::world::{World, until};

/// Everything that Slack sent is over.
async fn over(world: &World) {
    over_in(&world.data().join("ledger.sqlite")).await;
}

/// The same, by the ledger's file.
async fn over_in(ledger: &Path) {
    until("everything that Slack sent is over", async || {
        let ledger = rusqlite::Connection::open(ledger).expect("the ledger");
        let open = "SELECT count(*) FROM slack_event WHERE state <> 'done'";
        (ledger.query_row(open, [], |row| row.get::<_, i64>(0)) == Ok(0)).then_some(())
    })
    .await;
}
