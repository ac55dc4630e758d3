//! What language models counted for each reader today. Yesterday's numbers are of no use and not kept.

use rusqlite::{OptionalExtension, params};

use super::{Ledger, now};
use crate::error::Result;

const SECONDS_OF_A_DAY: i64 = 86_400;

impl Ledger {
    /// The tokens that were counted for this reader since midnight, UTC.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn tokens_spent(&self, user: &str) -> Result<u64> {
        self.read(|tx| {
            let spent: Option<i64> = tx
                .query_row(
                    "SELECT tokens FROM spending WHERE user = ?1 AND day = ?2",
                    params![user, today()],
                    |row| row.get(0),
                )
                .optional()?;
            Ok(spent.and_then(|spent| u64::try_from(spent).ok()).unwrap_or(0))
        })
    }

    /// Adds to what was counted for this reader today.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn spend_tokens(&self, user: &str, tokens: u64) -> Result<()> {
        self.write(|tx| {
            // A server that counts wildly must not bring the sum out of its range.
            let tokens = i64::try_from(tokens).unwrap_or(i64::MAX).min(1 << 40);
            tx.execute("DELETE FROM spending WHERE day < ?1", [today()])?;
            tx.execute(
                "INSERT INTO spending (user, day, tokens) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET tokens = min(tokens + excluded.tokens, 1 << 50)",
                params![user, today(), tokens],
            )?;
            Ok(())
        })
    }
}

fn today() -> i64 {
    now() / SECONDS_OF_A_DAY
}
