//! Vouch in Slack: questions in channels, in direct messages and by command.
//!
//! A request is checked (`signature`), understood (`events`), written down and acknowledged; no
//! model and no call to Slack comes before that (`queue`). Later somebody answers it (`answering`):
//! who asks (`people`) and who hears (`channel`) decide what may be said, and where.
//!
//! What is promised: an event is answered at most once, whatever Slack repeats and whenever Vouch
//! crashes. In a channel nothing is said aloud that one of its members may not see.

mod answering;
mod api;
mod blocks;
mod channel;
mod earlier;
pub(crate) mod events;
mod lately;
mod people;
mod queue;
mod signature;
mod text;
pub(crate) mod words;

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use axum::http::HeaderMap;
use tokio::sync::mpsc;
use vouch_index::ledger::now;

use crate::config::{self, Config};
use crate::http::ApiError;
use api::{Api, Itself, Trouble};
use channel::Channels;
use people::People;
use queue::Arrival;

pub(crate) use queue::run;

/// Requests that may wait to be written down, which takes milliseconds.
const ARRIVALS: usize = 4_096;

/// The workspace in Slack.
pub struct Slack {
    team: String,
    signing_secret: String,
    settings: config::Slack,
    api: Api,
    people: People,
    channels: Channels,
    arrivals: mpsc::Sender<Arrival>,
    /// Where they arrive, until somebody takes them up.
    arriving: Mutex<Option<mpsc::Receiver<Arrival>>>,
}

/// Why a job was not done.
#[derive(Debug)]
enum Failure {
    /// On Slack's side.
    Slack(Trouble),
    /// On Vouch's side.
    Vouch(ApiError),
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::Slack(trouble)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Vouch(error)
    }
}

impl Slack {
    /// The workspace of the settings, if there is one. Slack is not asked anything yet.
    ///
    /// # Errors
    /// The token or the signing secret is not set.
    pub fn open(config: &Config) -> Result<Option<Arc<Self>>> {
        let settings = &config.slack;
        let Some(team) = settings.team.clone() else { return Ok(None) };
        let base = settings.api.clone().context("slack.api is not set")?;
        let (arrivals, arriving) = mpsc::channel(ARRIVALS);
        Ok(Some(Arc::new(Self {
            signing_secret: settings.signing_secret()?,
            api: Api::new(base, settings.bot_token()?, settings.timeout)?,
            people: People::new(team.clone(), settings.members_for),
            channels: Channels::new(settings.channel_limit, settings.members_for),
            settings: settings.clone(),
            team,
            arrivals,
            arriving: Mutex::new(Some(arriving)),
        })))
    }

    /// The workspace's id.
    pub(crate) fn team(&self) -> &str {
        &self.team
    }

    /// Whether Slack signed this request, a moment ago.
    pub(crate) fn signed(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        let given = (text(signature::TIMESTAMP), text(signature::SIGNATURE));
        signature::is_sound(&self.signing_secret, given, body, now())
    }

    /// Somebody joined this channel, or left it.
    pub(crate) fn members_changed(&self, channel: &str) {
        self.channels.forget(channel);
    }

    /// Something about this person changed.
    pub(crate) fn person_changed(&self, user: &str) {
        self.people.forget(user);
    }

    /// Whether the token counts, and for what.
    pub(crate) async fn look(&self) -> Result<Itself, String> {
        self.api.itself().await.map_err(|trouble| trouble.to_string())
    }

    fn arriving(&self) -> Option<mpsc::Receiver<Arrival>> {
        self.arriving.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
