//! What is forgotten: one person's part of the audit on request, and old parts by age.
//!
//! The chain holds commitments and never what it commits to, so it verifies without the part that
//! went. What a person asked and was shown goes; what somebody did as an administrator, owner or
//! approver stays until its own time is over, for it is others who have to answer for it.

use rusqlite::{Transaction, params};
use serde_json::json;

use super::audit::{self, Entry};
use super::{Actor, Ledger, conversations, now, rfc3339};
use crate::access::Principal;
use crate::error::Result;

/// Records of what somebody did have a dot in their kind; those of what somebody read have none.
const READING: &str = "kind NOT LIKE '%.%'";

/// How many seconds the person's part of a record is kept; none is for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Of answers with their sentences, and what the asker said of them.
    pub answers: Option<i64>,
    /// Of searches.
    pub searches: Option<i64>,
    /// Of opened documents.
    pub documents: Option<i64>,
    /// Of what administrators, owners and approvers did.
    pub acts: Option<i64>,
}

impl Ledger {
    /// Takes out what a user asked and was shown, with their feedback, sign-ins and
    /// conversations. Returns how many
    /// records lost their person's part.
    ///
    /// # Errors
    /// The ledger failed; then nothing is gone.
    pub fn audit_erase(&self, user: &str, actor: &Actor, why: Option<&str>) -> Result<usize> {
        let principal = Principal::User(user.to_owned());
        let named = principal.to_string();
        let records = self.write(|tx| {
            let records = tx.execute(
                &format!(
                    "DELETE FROM audit_person WHERE user = ?1
                     AND seq IN (SELECT seq FROM audit WHERE {READING})"
                ),
                [&named],
            )?;
            let feedback = tx.execute("DELETE FROM feedback WHERE user = ?1", [&named])?;
            let sessions = tx.execute("DELETE FROM session WHERE user = ?1", [user])?;
            tx.execute("DELETE FROM spending WHERE user = ?1", [&named])?;
            let conversations = conversations::erase(tx, &named)?;
            let subject = json!({
                "records": records, "feedback": feedback, "sessions": sessions,
                "conversations": conversations,
            });
            audit::append(
                tx,
                &Entry {
                    kind: "audit.erase",
                    answer: None,
                    body: json!({"subject": subject, "why": why}),
                    user: &actor.name,
                    // Whose it was can be taken out later as well, so it is no part of the chain.
                    person: json!({"actor": actor.name, "erased": principal}),
                    documents: vec![],
                },
            )?;
            Ok(records)
        })?;
        self.overwrite_deleted()?;
        Ok(records)
    }

    /// Takes out the person's part of every record that is older than its kind is kept. Returns how
    /// many.
    ///
    /// # Errors
    /// The ledger failed; then nothing is gone.
    pub fn audit_expire(&self, retention: &Retention, actor: &Actor) -> Result<usize> {
        let kinds = [
            (
                "answers",
                retention.answers,
                "kind IN ('answer', 'sentence', 'closed', 'conversation', 'heard')",
            ),
            ("searches", retention.searches, "kind = 'search'"),
            ("documents", retention.documents, "kind = 'document'"),
            ("acts", retention.acts, "kind LIKE '%.%'"),
        ];
        if kinds.iter().all(|(_, kept, _)| kept.is_none()) {
            return Ok(0);
        }
        let expired = self.write(|tx| {
            let (mut gone, mut all) = (serde_json::Map::new(), 0);
            for (name, kept, condition) in kinds {
                let Some(kept) = kept else { continue };
                let records = expire(tx, condition, now() - kept)?;
                all += records;
                gone.insert(name.to_owned(), json!(records));
            }
            if let Some(kept) = retention.answers {
                tx.execute("DELETE FROM feedback WHERE at < ?1", [now() - kept])?;
            }
            if all > 0 {
                audit::act(tx, actor, "audit.expire", gone.into(), None)?;
            }
            Ok(all)
        })?;
        if expired > 0 {
            self.overwrite_deleted()?;
        }
        Ok(expired)
    }
}

fn expire(tx: &Transaction<'_>, condition: &str, before: i64) -> Result<usize> {
    let sql = format!(
        "DELETE FROM audit_person WHERE seq IN (SELECT a.seq FROM audit_person p
         JOIN audit a ON a.seq = p.seq WHERE {condition} AND rtrim(a.at, 'Z') < ?1)"
    );
    // Without its `Z` the text of a time sorts as the time does.
    let before = rfc3339(before).replace('Z', "");
    Ok(tx.execute(&sql, params![before])?)
}
