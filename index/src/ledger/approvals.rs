//! Who lets a version answer, who takes it back, and how an approver sees what waits.

use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;
use serde_json::{Value, json};

use super::documents::{
    Flag, document_no, flags, log_change, make_live, no_such_document, refresh_rule,
};
use super::sources::source;
use super::{Actor, Ledger, ShownPassage, audit, bump_epoch, now, rfc3339};
use crate::access::Rule;
use crate::error::{Error, Refusal, Result};
use crate::words::{DocumentId, VersionNo};

/// A version that waits for approval. It holds no title and no text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// The document's id.
    pub document: String,
    /// The version's hash.
    pub version: String,
    /// The source's id.
    pub source: String,
    /// When it was seen first, RFC 3339.
    pub seen_at: String,
    /// Who pushed it.
    pub brought_by: Option<String>,
    /// The approved version that answers until then.
    pub replaces: Option<String>,
    /// Its places that look like instructions to a language model.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
}

/// The right to open what waits in one source: for its approvers, and for nobody else.
///
/// It opens waiting and approved text of that source alone, and each opening is on record before it
/// returns. It opens no search, and a clearance opens nothing that waits.
#[derive(Clone, Debug)]
pub struct Approval {
    source: String,
    actor: Actor,
}

/// A version that waits, for whoever decides about it, beside the one that it would replace.
#[derive(Clone, Debug, Serialize)]
pub struct WaitingText {
    /// The document's id.
    pub document: String,
    /// The version that was asked for.
    #[serde(flatten)]
    pub opened: OpenedVersion,
    /// The hash of the version that answers now.
    pub answers: Option<String>,
    /// That version, if it is another one.
    pub replaces: Option<OpenedVersion>,
}

/// A version with its text, as an approver sees it.
#[derive(Clone, Debug, Serialize)]
pub struct OpenedVersion {
    /// The version's hash.
    pub version: String,
    /// `waiting` or `approved`.
    pub state: String,
    /// Its title.
    pub title: String,
    /// Its language.
    pub language: String,
    /// The address of the original.
    pub uri: Option<String>,
    /// Who looks after the document, as the version says it.
    pub owner: Option<String>,
    /// The layers of the access rule that the version brings along.
    pub access: Option<Rule>,
    /// When its content was changed last, RFC 3339.
    pub modified_at: String,
    /// When it was seen first.
    pub seen_at: String,
    /// Who pushed it.
    pub brought_by: Option<String>,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// When it was approved.
    pub approved_at: Option<String>,
    /// Its places that look like instructions to a language model.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
    /// Its text.
    pub text: String,
}

/// A decision about a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The document's id.
    pub document: String,
    /// The version's hash.
    pub version: String,
    /// The source's id.
    pub source: String,
    /// `approve`, `reject` or `withdraw`.
    pub act: String,
    /// Who decided.
    pub by: String,
    /// When, RFC 3339.
    pub at: String,
    /// The note, or the reason.
    pub note: Option<String>,
}

/// What a decision did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// The document's id.
    pub document: String,
    /// The versions that it was about.
    pub versions: Vec<String>,
}

/// The version that a decision is about, and what its decider had before their eyes.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// The version's hash; without it the newest that was seen.
    pub version: Option<&'a str>,
    /// The version that answered when they looked, empty where none did. Where another one answers by
    /// now, or somebody refused this version meanwhile, nothing is decided.
    pub answered: Option<&'a str>,
}

struct Candidate {
    no: VersionNo,
    hash: String,
    state: String,
    brought_by: Option<String>,
    /// The version that answers.
    live: Option<String>,
    answers: bool,
}

impl Ledger {
    /// The versions that wait, and the sources that are proposed.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn waiting(&self, only: Option<&str>) -> Result<(Vec<Waiting>, Vec<String>)> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT d.source || '/' || d.path, v.hash, d.source, v.seen_at, v.brought_by, l.hash,
                   v.flags
                 FROM document d JOIN version v ON v.no = d.newest JOIN source s ON s.id = d.source
                 LEFT JOIN version l ON l.no = d.live
                 WHERE v.state = 'waiting' AND s.state IN ('active', 'paused')
                   AND (?1 IS NULL OR d.source = ?1) ORDER BY 1",
            )?;
            let rows = statement.query_map([only], |row| {
                Ok(Waiting {
                    document: row.get(0)?,
                    version: row.get(1)?,
                    source: row.get(2)?,
                    seen_at: rfc3339(row.get(3)?),
                    brought_by: row.get(4)?,
                    replaces: row.get(5)?,
                    flags: flags(row.get(6)?),
                })
            })?;
            let versions = rows.collect::<Result<_, _>>()?;
            let mut proposed = tx.prepare_cached(
                "SELECT id FROM source WHERE state = 'proposed' AND (?1 IS NULL OR id = ?1) ORDER BY id",
            )?;
            let sources = proposed.query_map([only], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok((versions, sources))
        })
    }

    /// The decisions about versions of a source, or of all, newest first.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn decisions(&self, only: Option<&str>) -> Result<Vec<Decision>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT d.source || '/' || d.path, v.hash, d.source, c.act, c.by, c.at, c.note
                 FROM decision c JOIN version v ON v.no = c.version
                 JOIN document d ON d.no = v.document
                 WHERE ?1 IS NULL OR d.source = ?1 ORDER BY c.no DESC",
            )?;
            let rows = statement.query_map([only], |row| {
                Ok(Decision {
                    document: row.get(0)?,
                    version: row.get(1)?,
                    source: row.get(2)?,
                    act: row.get(3)?,
                    by: row.get(4)?,
                    at: rfc3339(row.get(5)?),
                    note: row.get(6)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The right to open what waits in a source; none where the actor is no approver of it, or where
    /// there is no such source.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn approval(&self, source_id: &str, actor: &Actor) -> Result<Option<Approval>> {
        let approval = Approval { source: source_id.to_owned(), actor: actor.clone() };
        self.read(|tx| Ok(approval.holds(tx)?.then_some(approval)))
    }

    /// Opens a version that waits or was approved, the named one or else the newest, with the one that
    /// it would replace. The record of it is on disk when this returns. `None` where there is none.
    ///
    /// # Errors
    /// The ledger failed; then nothing may be shown.
    pub fn waiting_text(
        &self,
        approval: &Approval,
        path: &str,
        version: Option<&str>,
    ) -> Result<Option<WaitingText>> {
        self.write(|tx| {
            if !approval.holds(tx)? {
                return Ok(None);
            }
            let named = params![approval.source, path, version];
            let Some(opened) = open(tx, NAMED, named)? else { return Ok(None) };
            let live = open(tx, LIVE, params![approval.source, path])?;
            let answers = live.as_ref().map(|(_, live)| live.version.clone());
            let replaces = live.filter(|live| live.0 != opened.0).map(|(_, live)| live);
            let (_, opened) = opened;
            let document = format!("{}/{path}", approval.source);
            let shown = |opened: &OpenedVersion| ShownPassage {
                document: document.clone(),
                version: opened.version.clone(),
                start: 0,
                end: u32::try_from(opened.text.len()).unwrap_or(u32::MAX),
            };
            let passages: Vec<_> = std::iter::once(&opened).chain(&replaces).map(shown).collect();
            let subject =
                json!({"document": document, "version": opened.version, "passages": passages});
            audit::act(tx, &approval.actor, "approval.open", subject, None)?;
            Ok(Some(WaitingText { document, opened, answers, replaces }))
        })
    }

    /// Lets a version answer: one that waits, or an earlier one again. For one that answers already
    /// nothing changes.
    ///
    /// # Errors
    /// Not an approver of the source, one's own push, no such version, or another one answers than the
    /// decider saw.
    pub fn approve(
        &self,
        id: &DocumentId,
        about: About<'_>,
        actor: &Actor,
        note: Option<&str>,
    ) -> Result<Decided> {
        self.write(|tx| {
            let document = document_no(tx, id)?;
            let held = source(tx, &id.source)?;
            held.approver(actor)?;
            let candidate = candidate(tx, document, id, about)?;
            if candidate.answers {
                if about.answered.is_some() {
                    return Err(Refusal::conflict(
                        "already_approved",
                        format!("that version of `{id}` is approved and answers already"),
                        "nothing is left to do; `vouch approvals --history` says who approved it",
                    ));
                }
                // It stays with whoever approved it.
                return Ok(Decided { document: id.to_string(), versions: vec![candidate.hash] });
            }
            if candidate.state == "draft" {
                return Err(Refusal::conflict(
                    "draft",
                    format!("`{id}` is a draft"),
                    "its author takes `draft: true` out first",
                ));
            }
            let own = candidate.brought_by.as_deref() == Some(actor.name.as_str());
            if own && !held.spec.self_approval {
                return Err(Refusal::forbidden(
                    "own_push",
                    format!("{} pushed this version of `{id}`", actor.name),
                    "another approver decides, or the source sets self_approval = true",
                ));
            }
            candidate.on_record(tx, (id, document), (actor, "version.approve", note), |version| {
                make_live(tx, document, version, &actor.name, note)?;
                refresh_rule(tx, document)?;
                bump_epoch(tx)
            })
        })
    }

    /// Refuses a version that waits: the named one, else the newest. The approved one goes on
    /// answering.
    ///
    /// # Errors
    /// Not an approver of the source, or nothing that waits.
    pub fn reject(
        &self,
        id: &DocumentId,
        about: About<'_>,
        actor: &Actor,
        why: &str,
    ) -> Result<Decided> {
        self.write(|tx| {
            let document = document_no(tx, id)?;
            source(tx, &id.source)?.approver(actor)?;
            let candidate = candidate(tx, document, id, about)?;
            if candidate.state != "waiting" {
                return Err(Refusal::conflict(
                    "nothing_waiting",
                    format!("that version of `{id}` does not wait for approval"),
                    "use `vouch withdraw` to take back an approved version",
                ));
            }
            let act = (actor, "version.reject", Some(why));
            candidate.on_record(tx, (id, document), act, |version| {
                decide(tx, version, "reject", actor, why)
            })
        })
    }

    /// Takes back a version: the named one, else the one that answers. It opens nowhere any more, and
    /// no earlier version comes back by itself.
    ///
    /// # Errors
    /// Neither an approver nor an administrator, no such version that was approved, or another one
    /// answers than the decider saw.
    pub fn withdraw(
        &self,
        id: &DocumentId,
        about: About<'_>,
        actor: &Actor,
        why: &str,
    ) -> Result<Decided> {
        self.write(|tx| {
            let document = document_no(tx, id)?;
            let held = source(tx, &id.source)?;
            if !actor.administrator {
                held.approver(actor)?;
            }
            let Some(candidate) = find(tx, ANSWERING, document, about.version)? else {
                return Err(Refusal::conflict(
                    "nothing_live",
                    format!("no such version of `{id}` answers or did so once"),
                    "`vouch source documents SOURCE` shows each document's state",
                ));
            };
            candidate.as_seen(id, about)?;
            let (answers, act) = (candidate.answers, (actor, "version.withdraw", Some(why)));
            candidate.on_record(tx, (id, document), act, |version| {
                decide(tx, version, "withdraw", actor, why)?;
                if answers {
                    tx.execute(
                        "UPDATE document SET live = NULL, live_modified = NULL WHERE no = ?1",
                        [document],
                    )?;
                    log_change(tx, version, "drop")?;
                }
                refresh_rule(tx, document)?;
                bump_epoch(tx)
            })
        })
    }
}

impl Approval {
    /// Whether the actor approves for the source at this moment: its file may have changed.
    fn holds(&self, tx: &Transaction<'_>) -> Result<bool> {
        match source(tx, &self.source) {
            Ok(held) => Ok(held.spec.approved_by(&self.actor)),
            Err(Error::Refused(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

const NAMED: &str = "d.source = ?1 AND d.path = ?2 AND d.newest IS NOT NULL
    AND CASE WHEN ?3 IS NULL THEN v.no = d.newest ELSE v.hash = ?3 END";
const LIVE: &str = "d.source = ?1 AND d.path = ?2 AND v.no = d.live";

/// Reads the newest version that fits and that waits or was approved, with its number.
fn open(
    tx: &Transaction<'_>,
    condition: &str,
    values: impl rusqlite::Params,
) -> Result<Option<(u32, OpenedVersion)>> {
    let sql = format!(
        "SELECT v.no, v.hash, v.state, v.title, v.language, v.owner, v.access, v.modified_at,
           v.seen_at, v.brought_by, v.approved_by, v.approved_at, t.text, v.uri,
           v.flags
         FROM version v JOIN document d ON d.no = v.document JOIN version_text t ON t.version = v.no
         WHERE {condition} AND v.state IN ('waiting', 'approved') ORDER BY v.no DESC LIMIT 1"
    );
    let read = |row: &rusqlite::Row<'_>| {
        let access: Option<String> = row.get(6)?;
        let opened = OpenedVersion {
            version: row.get(1)?,
            state: row.get(2)?,
            title: row.get(3)?,
            language: row.get(4)?,
            owner: row.get(5)?,
            access: access.map(|text| Rule::from_stored(&text)),
            modified_at: rfc3339(row.get(7)?),
            seen_at: rfc3339(row.get(8)?),
            brought_by: row.get(9)?,
            approved_by: row.get(10)?,
            approved_at: row.get::<_, Option<i64>>(11)?.map(rfc3339),
            text: row.get(12)?,
            uri: row.get(13)?,
            flags: flags(row.get(14)?),
        };
        Ok((row.get(0)?, opened))
    };
    Ok(tx.prepare_cached(&sql)?.query_row(values, read).optional()?)
}

/// How a version stands, and which one answers, for the audit.
fn standing(tx: &Transaction<'_>, document: i64, version: VersionNo) -> Result<Value> {
    const SQL: &str = "SELECT v.state, l.hash FROM version v JOIN document d ON d.no = ?1
        LEFT JOIN version l ON l.no = d.live WHERE v.no = ?2";
    let read = |row: &rusqlite::Row<'_>| {
        let (state, live): (String, Option<String>) = (row.get(0)?, row.get(1)?);
        Ok(json!({"state": state, "answers": live}))
    };
    Ok(tx.prepare_cached(SQL)?.query_row(params![document, version.0], read)?)
}

fn decide(
    tx: &Transaction<'_>,
    version: VersionNo,
    act: &str,
    actor: &Actor,
    why: &str,
) -> Result<()> {
    let state = if act == "reject" { "rejected" } else { "withdrawn" };
    tx.execute("UPDATE version SET state = ?2 WHERE no = ?1", params![version.0, state])?;
    tx.execute(
        "INSERT INTO decision (version, act, by, at, note) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![version.0, act, actor.name, now(), why],
    )?;
    Ok(())
}

/// Of the versions that fit: the newest that was seen, else one that waits, else the youngest.
const DECIDABLE: &str = "d.newest IS NOT NULL AND IFNULL(v.hash = ?2, v.no = d.newest)
    ORDER BY v.no = d.newest DESC, v.state = 'waiting' DESC, v.no DESC";
/// Of those that answer or did so once: the one that answers, else the youngest.
const ANSWERING: &str = "v.state = 'approved' AND IFNULL(v.hash = ?2, v.no IS d.live)
    ORDER BY v.no IS d.live DESC, v.no DESC";

/// A version of a document, the named one where one is named.
fn find(
    tx: &Transaction<'_>,
    which: &str,
    document: i64,
    version: Option<&str>,
) -> Result<Option<Candidate>> {
    let sql = format!(
        "SELECT v.no, v.hash, v.state, v.brought_by, l.hash, v.no IS d.live
         FROM version v JOIN document d ON d.no = v.document
         JOIN version_text t ON t.version = v.no LEFT JOIN version l ON l.no = d.live
         WHERE d.no = ?1 AND {which} LIMIT 1"
    );
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Candidate {
            no: VersionNo(row.get(0)?),
            hash: row.get(1)?,
            state: row.get(2)?,
            brought_by: row.get(3)?,
            live: row.get(4)?,
            answers: row.get(5)?,
        })
    };
    Ok(tx.prepare_cached(&sql)?.query_row(params![document, version], read).optional()?)
}

/// The version that somebody approves or rejects.
fn candidate(
    tx: &Transaction<'_>,
    document: i64,
    id: &DocumentId,
    about: About<'_>,
) -> Result<Candidate> {
    match (find(tx, DECIDABLE, document, about.version)?, about.version) {
        (Some(candidate), _) => candidate.as_seen(id, about).map(|()| candidate),
        (None, Some(version)) => Err(Refusal::missing(
            "no_such_version",
            format!("`{id}` has no version {version}"),
            "`vouch approvals` lists the versions that wait",
        )),
        (None, None) => Err(no_such_document(id)),
    }
}

impl Candidate {
    /// Does what was decided about it, and records how it stood before and after.
    fn on_record(
        self,
        tx: &Transaction<'_>,
        (id, document): (&DocumentId, i64),
        (actor, kind, note): (&Actor, &str, Option<&str>),
        carry_out: impl FnOnce(VersionNo) -> Result<()>,
    ) -> Result<Decided> {
        let before = standing(tx, document, self.no)?;
        carry_out(self.no)?;
        let after = standing(tx, document, self.no)?;
        let subject = json!({"document": id.to_string(), "version": self.hash,
            "before": before, "after": after});
        audit::act(tx, actor, kind, subject, note)?;
        Ok(Decided { document: id.to_string(), versions: vec![self.hash] })
    }

    /// Refuses a decision by somebody who saw another version answer, or this one undecided.
    fn as_seen(&self, id: &DocumentId, about: About<'_>) -> Result<()> {
        let live = self.live.as_deref().unwrap_or_default();
        let refused = matches!(self.state.as_str(), "rejected" | "withdrawn");
        if about.answered.is_none_or(|answered| answered == live && !refused) {
            return Ok(());
        }
        Err(Refusal::conflict(
            "decided_meanwhile",
            format!("somebody decided about `{id}` while you looked at it"),
            "open the document again and look at what answers now",
        ))
    }
}
