//! A look at the provider from outside of any sign-in, for `vouch doctor`: what a sign-in will need is
//! fetched once, and nothing of it is kept.

use reqwest::header::DATE;
use vouch_index::ledger::now;

use super::{Provider, Seen, Unusable};
use crate::auth::token::LEEWAY;

/// A provider that answers as it should.
#[derive(Debug)]
pub(crate) struct Look {
    /// The algorithms of its keys, with repetitions.
    pub(crate) algorithms: Vec<String>,
    /// Whether it names the addresses that a browser's sign-in needs.
    pub(crate) signs_browsers_in: bool,
    /// How many seconds its clock is ahead of this machine's, at least; negative: behind it. None where
    /// it does not say the time.
    pub(crate) ahead: Option<i64>,
}

impl Look {
    /// How far apart the clocks may be.
    pub(crate) const LEEWAY: i64 = LEEWAY;
}

impl Provider {
    /// Fetches what the server would fetch.
    ///
    /// # Errors
    /// What the server could not use.
    pub(crate) async fn look(&self) -> Result<Look, Unusable> {
        let before = now();
        let described = self.discover().await?;
        let said = described.headers().get(DATE).and_then(|date| date.to_str().ok());
        let ahead = said.and_then(|said| ahead(said, before, now()));
        let Seen { metadata, keys, .. } = self.seen_from(described).await?;
        let endpoints = (metadata.authorization_endpoint, metadata.token_endpoint);
        Ok(Look {
            algorithms: keys.iter().map(|key| format!("{:?}", key.algorithm)).collect(),
            signs_browsers_in: matches!(endpoints, (Some(_), Some(_))),
            ahead,
        })
    }
}

/// How far a clock is ahead that said this at some moment between two of ours.
fn ahead(said: &str, before: i64, after: i64) -> Option<i64> {
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(said).ok()?.as_second();
    // A date has whole seconds alone, so the moment may be almost one later.
    Some(if date > after { date - after } else { (date + 1 - before).min(0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_ahead_or_behind_or_neither_as_far_as_can_be_told() {
        let said = "Sun, 06 Nov 1994 08:49:37 GMT";
        let date = 784_111_777;
        assert_eq!(ahead(said, date, date), Some(0));
        assert_eq!(ahead(said, date + 1, date + 1), Some(0), "a second has a thousand parts");
        assert_eq!(ahead(said, date - 5, date + 5), Some(0), "the answer took ten seconds");
        assert_eq!(ahead(said, date - 95, date - 90), Some(90));
        assert_eq!(ahead(said, date + 91, date + 95), Some(-90));
        assert_eq!(ahead("yesterday", date, date), None);
    }
}
