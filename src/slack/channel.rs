//! Who hears what is said in a channel.
//!
//! The members of a channel are read from Slack and kept for a moment. Where one of them is no reader,
//! nothing of the documents may be said aloud.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use vouch_index::{Hearers, Reader};

use super::Failure;
use super::api::Api;
use super::lately::Lately;
use super::people::{People, Standing, standings};
use crate::app::App;

/// The pages of a channel's members that are read, of almost 1,000 each. A larger one hears nothing.
const PAGES: usize = 11;
/// How often members are read anew because somebody joined or left meanwhile.
const ATTEMPTS: usize = 5;
/// More channels than this are forgotten rather than kept.
const KEPT: usize = 1_000;

/// Who hears what is said aloud.
pub(crate) enum Hearing {
    /// These readers and nobody else.
    Readers(Hearers),
    /// Somebody who is no reader.
    Others,
    /// Nobody can tell.
    Unknown,
}

/// The members of channels as Slack gave them lately.
pub(crate) struct Channels {
    limit: usize,
    kept: Lately<Arc<BTreeSet<String>>>,
}

impl Channels {
    pub(crate) fn new(limit: usize, kept_for: Duration) -> Self {
        Self { limit, kept: Lately::new(kept_for, KEPT) }
    }

    /// Asks anew for this channel the next time.
    pub(crate) fn forget(&self, channel: &str) {
        self.kept.forget(channel);
    }

    /// Who hears what is said in this channel now.
    pub(crate) async fn hearing(
        &self,
        app: &Arc<App>,
        (api, people): (&Api, &People),
        channel: &str,
    ) -> Result<Hearing, Failure> {
        let Some(members) = self.members(api, channel).await? else {
            return Ok(Hearing::Unknown);
        };
        let known = people.all_known(api, &members).await?;
        let mut readers: Vec<Reader> = Vec::new();
        for standing in standings(app, known).await? {
            match standing {
                Standing::Reader(reader) => readers.push(reader),
                Standing::Nobody => {}
                Standing::Outsider(_) | Standing::Stopped => return Ok(Hearing::Others),
            }
        }
        // A channel without anybody is one that was not read right.
        if readers.is_empty() {
            return Ok(Hearing::Unknown);
        }
        Ok(Hearing::Readers(if readers.len() > self.limit {
            Hearers::Crowd(readers.len())
        } else {
            Hearers::Each(readers.into())
        }))
    }

    async fn members(
        &self,
        api: &Api,
        channel: &str,
    ) -> Result<Option<Arc<BTreeSet<String>>>, Failure> {
        for _ in 0..ATTEMPTS {
            if let Some(members) = self.kept.get(channel) {
                return Ok(Some(members));
            }
            let began = self.kept.begin();
            let Some(members) = api.members(channel, PAGES).await? else { return Ok(None) };
            let members = Arc::new(members.into_iter().collect::<BTreeSet<_>>());
            if self.kept.keep(began, channel, Arc::clone(&members)) {
                return Ok(Some(members));
            }
        }
        // Who comes and goes so fast that it can't be read is not known.
        Ok(None)
    }
}
