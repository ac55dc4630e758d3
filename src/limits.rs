//! What one reader may take up, and what all of them may together.
//!
//! Every request of a reader takes a [`Turn`] before anything is done for it, and keeps the turn until
//! its work has ended, also where nobody waits for it any more. There is no queue: whoever gets no turn
//! learns it at once, with the time after which to come back.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::config;
use crate::http::ApiError;

/// How often a key may be tried from one address in a minute.
const SIGN_INS: NonZeroU32 = NonZeroU32::new(30).expect("more than none");
/// When to come back where it depends on how soon others are done.
const SOON: Duration = Duration::from_secs(2);

/// Who takes up how much at this moment.
pub struct Limits {
    /// Requests by reader. It holds whoever asked lately; see [`Limits::tidy`].
    requests: DefaultKeyedRateLimiter<String>,
    /// Keys that browsers tried, by the address that they came from.
    sign_ins: DefaultKeyedRateLimiter<Option<IpAddr>>,
    clock: DefaultClock,
    at_once: usize,
    at_once_in_all: usize,
    /// Turns by reader: no more entries than there are turns.
    turns: Mutex<HashMap<String, usize>>,
}

/// Leave to do the work of one request. Dropping it gives it back.
pub struct Turn {
    limits: Arc<Limits>,
    reader: String,
}

impl Limits {
    /// Nobody does anything yet.
    #[must_use]
    pub fn new(settings: &config::Limits) -> Arc<Self> {
        let a_minute = NonZeroU32::new(settings.requests_per_minute).unwrap_or(NonZeroU32::MAX);
        Arc::new(Self {
            requests: RateLimiter::keyed(Quota::per_minute(a_minute)),
            sign_ins: RateLimiter::keyed(Quota::per_minute(SIGN_INS)),
            clock: DefaultClock::default(),
            at_once: settings.at_once,
            at_once_in_all: settings.at_once_in_all,
            turns: Mutex::default(),
        })
    }

    /// A turn for this reader.
    ///
    /// # Errors
    /// 429 where the reader takes up too much, 503 where all together do. Both say when to come back.
    pub fn turn(self: &Arc<Self>, reader: &str) -> Result<Turn, ApiError> {
        let reader = reader.to_owned();
        if let Err(until) = self.requests.check_key(&reader) {
            return Err(too_many(
                "you have asked too often in the last minute",
                until.wait_time_from(self.clock.now()),
            ));
        }
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.values().sum::<usize>() >= self.at_once_in_all {
            return Err(ApiError::unavailable(
                "busy",
                "too many readers are asking at this moment",
                "try again in a few seconds",
            )
            .retry_after(SOON));
        }
        let own = turns.entry(reader.clone()).or_default();
        if *own >= self.at_once {
            return Err(too_many("you are asking too much at the same time", SOON));
        }
        *own += 1;
        Ok(Turn { limits: Arc::clone(self), reader })
    }

    /// Leave to try a key from this address. Keys can't be guessed; who tries many is kept from the ledger.
    ///
    /// # Errors
    /// 429 where too many came from there, right or wrong.
    pub fn sign_in(&self, address: Option<IpAddr>) -> Result<(), ApiError> {
        self.sign_ins.check_key(&address).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            let title = "too many keys were tried from your address";
            let hint = "wait a minute, then try again";
            ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", title, hint)
                .retry_after(wait)
        })
    }

    /// Forgets whoever has not asked lately, so that what is held does not grow with time.
    pub fn tidy(&self) {
        self.requests.retain_recent();
        self.requests.shrink_to_fit();
        self.sign_ins.retain_recent();
        self.sign_ins.shrink_to_fit();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut turns = self.limits.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = turns.get_mut(&self.reader) {
            *own -= 1;
            if *own == 0 {
                turns.remove(&self.reader);
            }
        }
    }
}

fn too_many(title: &str, wait: Duration) -> ApiError {
    let hint =
        "wait as long as `Retry-After` says; `[limits]` in the settings says how much is allowed";
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", title, hint).retry_after(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(requests_per_minute: u32, at_once: usize, at_once_in_all: usize) -> Arc<Limits> {
        let defaults = config::Config::parse("").unwrap().limits;
        Limits::new(&config::Limits { requests_per_minute, at_once, at_once_in_all, ..defaults })
    }

    fn refused(turn: Result<Turn, ApiError>) -> u16 {
        turn.err().map_or(200, |error| error.status())
    }

    #[test]
    fn a_reader_who_asks_too_often_is_refused_and_others_are_not() {
        let limits = limits(3, 9, 9);
        for _ in 0..3 {
            assert!(limits.turn("user:a").is_ok());
        }
        assert_eq!(refused(limits.turn("user:a")), 429);
        assert!(limits.turn("user:b").is_ok());
    }

    #[test]
    fn a_turn_is_held_until_it_is_dropped_and_nothing_is_left_of_it() {
        let limits = limits(99, 2, 3);
        let (first, second) = (limits.turn("user:a").unwrap(), limits.turn("user:a").unwrap());
        assert_eq!(refused(limits.turn("user:a")), 429);
        let third = limits.turn("user:b").unwrap();
        assert_eq!(refused(limits.turn("user:c")), 503);
        drop(first);
        drop(limits.turn("user:a").unwrap());
        drop((second, third));
        assert!(limits.turns.lock().unwrap().is_empty());
    }
}
