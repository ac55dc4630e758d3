//! Changes that wait for a second person, because they let more people see more than one person may
//! decide. While one waits, what was in force before stays in force.
//!
//! Held: a wider rule of a source or of its folders, and a group inside another group. Never held: one
//! person's membership, one person let in by a rule, a narrowing, a source's first activation.

use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::folders::{self, Wider, WiderFolders};
use super::sources::{self, source};
use super::widening::{Compared, Groups, gain, narrows, one_person, rules_in_force};
use super::{Actor, Ledger, SourceSpec, SourceState, audit, bump_epoch, now, people, rfc3339};
use crate::access::{Layer, Principal, Rule};
use crate::error::{Error, Refusal, Result};

/// A change that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Widening {
    /// Its number: `held:7` is decided about as that.
    pub id: i64,
    /// `source`, `folder` or `nesting`.
    pub kind: String,
    /// The source, or the group.
    pub subject: String,
    /// The change in a sentence, without titles.
    pub what: String,
    /// The rules that would change.
    pub rules: Vec<RuleChange>,
    /// Who asked for it.
    pub by: String,
    /// When, RFC 3339.
    pub at: String,
}

/// A rule as it is in force, and as it would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleChange {
    /// `source`, or the folder's path.
    pub of: String,
    /// What whoever reads passes now, all of it.
    pub before: Vec<Layer>,
    /// What they would pass instead.
    pub after: Vec<Layer>,
}

impl Widening {
    /// What whoever asked is told.
    #[must_use]
    pub fn notice(&self) -> String {
        format!("held:{}: {}", self.id, self.what)
    }
}

/// What is done once a second person agrees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum Change {
    /// A source is described anew.
    Source { before: Box<SourceSpec>, after: Box<SourceSpec> },
    /// Groups become members of a group.
    Nesting { group: String, add: Vec<Principal> },
    /// Folders of a source say something else.
    Folder { source: String, folders: WiderFolders },
}

impl Change {
    fn kind(&self) -> &'static str {
        match self {
            Self::Source { .. } => "source",
            Self::Nesting { .. } => "nesting",
            Self::Folder { .. } => "folder",
        }
    }

    fn rules(self) -> Vec<RuleChange> {
        match self {
            Self::Source { before, after } => vec![RuleChange {
                of: "source".to_owned(),
                before: vec![before.access],
                after: vec![after.access],
            }],
            Self::Nesting { .. } => Vec::new(),
            Self::Folder { folders, .. } => {
                let change = |(of, wider): (String, Wider)| RuleChange {
                    of,
                    before: wider.before,
                    after: wider.after.into_iter().collect(),
                };
                folders.into_iter().map(change).collect()
            }
        }
    }

    fn subject(&self) -> &str {
        match self {
            Self::Source { before, .. } => &before.id,
            Self::Nesting { group, .. } => group,
            Self::Folder { source, .. } => source,
        }
    }
}

const COLUMNS: &str = "id, kind, subject, what, by, at, change";

impl Ledger {
    /// The changes that wait and that this actor may decide about or has an interest in: all for an
    /// administrator, those of their sources for owners and approvers.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn held(&self, actor: &Actor, only: Option<&str>) -> Result<Vec<Widening>> {
        self.read(|tx| {
            let sql = format!(
                "SELECT {COLUMNS} FROM held WHERE decision IS NULL
                   AND (?1 IS NULL OR (kind <> 'nesting' AND subject = ?1)) ORDER BY id"
            );
            let mut statement = tx.prepare_cached(&sql)?;
            let all: Vec<Widening> = statement.query_map([only], row)?.collect::<Result<_, _>>()?;
            let mut theirs = Vec::new();
            for held in all {
                if decides(tx, &held, actor)? {
                    theirs.push(held);
                }
            }
            Ok(theirs)
        })
    }

    /// Lets a held change count, or turns it down. Whoever asked for it does not decide, nor does a
    /// key that they made.
    ///
    /// # Errors
    /// Nothing of that number that this actor may know of, decided already, the same person, or
    /// something that changed meanwhile.
    pub fn decide_held(
        &self,
        id: i64,
        approve: bool,
        actor: &Actor,
        why: Option<&str>,
    ) -> Result<Widening> {
        self.write(|tx| {
            let (held, change, decision) = find(tx, id)?.ok_or_else(|| no_such(id))?;
            if !decides(tx, &held, actor)? {
                return Err(no_such(id));
            }
            if let Some(decision) = decision {
                return Err(Refusal::conflict(
                    "already_decided",
                    format!("held:{id} is {decision}"),
                    "`vouch approvals` lists what still waits",
                ));
            }
            if same_hand(tx, &held.by, &actor.name)? {
                return Err(Refusal::forbidden(
                    "second_person",
                    format!("{} asked for this change", held.by),
                    "somebody else decides, with a credential that is not from the one who asked",
                ));
            }
            let change: Change = serde_json::from_str(&change)?;
            if approve {
                apply(tx, &change)?;
                bump_epoch(tx)?;
            }
            let (decision, kind) = if approve {
                ("approved", "widening.approve")
            } else {
                ("rejected", "widening.reject")
            };
            decided(tx, id, decision, &actor.name)?;
            audit::act(tx, actor, kind, record(&held, &change), why)?;
            Ok(held)
        })
    }
}

/// The held change of a source's description, where it lets in too many; then the old one stays.
pub(super) fn source_update(
    tx: &Transaction<'_>,
    limit: f64,
    (before, state): (&SourceSpec, SourceState),
    (after, actor): (&SourceSpec, &Actor),
) -> Result<Option<Widening>> {
    // Nobody saw anything of a source that was never active; its activation is somebody's decision.
    let seen = matches!(state, SourceState::Active | SourceState::Paused);
    let (old, new) = (&before.access, &after.access);
    if !seen || narrows(new, old) || one_person(old, new) {
        return Ok(None);
    }
    let mut rules = rules_in_force(tx, Some(&before.id))?;
    for rule in &mut rules {
        rule.before.0[0] = before.access.clone();
        rule.after.0[0] = after.access.clone();
    }
    // What the source says counts for documents that are still to come, too.
    rules.push(Compared {
        before: Rule(vec![before.access.clone()]),
        after: Rule(vec![after.access.clone()]),
        documents: 0,
    });
    let groups = Groups::read(tx)?;
    let gain = gain(tx, &rules, (&groups, &groups))?;
    if !gain.exceeds(limit) {
        return Ok(None);
    }
    let change =
        Change::Source { before: Box::new(before.clone()), after: Box::new(after.clone()) };
    let what = format!("the new rule of source {}: {}", before.id, gain.in_words());
    hold(tx, actor, &change, &what).map(Some)
}

/// The held nesting of groups in a group, where it lets in too many. `start` is the state that the gain
/// is counted from; what is not held is added to `groups`.
pub(super) fn nesting(
    tx: &Transaction<'_>,
    limit: f64,
    (start, groups): (&Groups, &mut Groups),
    (group, add, actor): (&str, &[Principal], &Actor),
) -> Result<Option<Widening>> {
    if add.is_empty() {
        return Ok(None);
    }
    let mut after = groups.clone();
    after.add(group, add);
    let gain = gain(tx, &rules_in_force(tx, None)?, (start, &after))?;
    if !gain.exceeds(limit) {
        *groups = after;
        return Ok(None);
    }
    let names: Vec<String> = add.iter().map(ToString::to_string).collect();
    let change = Change::Nesting { group: group.to_owned(), add: add.to_vec() };
    let what = format!("{} inside group:{group}: {}", names.join(", "), gain.in_words());
    hold(tx, actor, &change, &what).map(Some)
}

/// Keeps a change for a second person. The same change is kept once; another description of the same
/// source, or of its folders, takes the place of the one before.
pub(super) fn hold(
    tx: &Transaction<'_>,
    actor: &Actor,
    change: &Change,
    what: &str,
) -> Result<Widening> {
    let (kind, subject) = (change.kind(), change.subject());
    for (held, stored) in waiting(tx, kind, subject)? {
        // What opens more than was said when it was asked for is asked for anew.
        if stored == *change && (kind != "folder" || held.what == what) {
            return Ok(held);
        }
        if kind != "nesting" {
            replace(tx, actor, &held, &stored)?;
        }
    }
    tx.execute(
        "INSERT INTO held (kind, subject, what, change, by, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![kind, subject, what, serde_json::to_string(change)?, actor.name, now()],
    )?;
    let sql = format!("SELECT {COLUMNS} FROM held WHERE id = ?1");
    let held = tx.query_row(&sql, [tx.last_insert_rowid()], row)?;
    audit::act(tx, actor, "widening.hold", record(&held, change), None)?;
    Ok(held)
}

/// Takes back what waits for a source that was described otherwise.
pub(super) fn replace_source(tx: &Transaction<'_>, actor: &Actor, source: &str) -> Result<()> {
    replace_all(tx, actor, "source", source)
}

/// Takes back what waits for the folders of a source.
pub(super) fn replace_folders(tx: &Transaction<'_>, actor: &Actor, source: &str) -> Result<()> {
    replace_all(tx, actor, "folder", source)
}

fn replace_all(tx: &Transaction<'_>, actor: &Actor, kind: &str, subject: &str) -> Result<()> {
    for (held, change) in waiting(tx, kind, subject)? {
        replace(tx, actor, &held, &change)?;
    }
    Ok(())
}

/// The change of a source's folders that waits: there is one at most.
pub(super) fn of_folders(
    tx: &Transaction<'_>,
    source: &str,
) -> Result<Option<(Widening, WiderFolders)>> {
    let folders = |(held, change)| match change {
        Change::Folder { folders, .. } => Some((held, folders)),
        Change::Source { .. } | Change::Nesting { .. } => None,
    };
    Ok(waiting(tx, "folder", source)?.into_iter().find_map(folders))
}

/// Takes back the nestings in a group that are no longer wished for.
pub(super) fn replace_nestings(
    tx: &Transaction<'_>,
    actor: &Actor,
    group: &str,
    unwished: impl Fn(&Principal) -> bool,
) -> Result<()> {
    for (held, change) in waiting(tx, "nesting", group)? {
        match &change {
            Change::Nesting { add, .. } if add.iter().any(&unwished) => {
                replace(tx, actor, &held, &change)?;
            }
            Change::Nesting { .. } | Change::Source { .. } | Change::Folder { .. } => {}
        }
    }
    Ok(())
}

/// What waits for a source, in a sentence.
pub(super) fn of_source(tx: &Transaction<'_>, source: &str) -> Result<Option<String>> {
    let mut statement = tx.prepare_cached(
        "SELECT 'held:' || id || ': ' || what FROM held
         WHERE decision IS NULL AND kind <> 'nesting' AND subject = ?1 ORDER BY id",
    )?;
    let all: Vec<String> =
        statement.query_map([source], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok((!all.is_empty()).then(|| all.join("; ")))
}

fn waiting(tx: &Transaction<'_>, kind: &str, subject: &str) -> Result<Vec<(Widening, Change)>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM held
         WHERE decision IS NULL AND kind = ?1 AND subject = ?2 ORDER BY id"
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let mut rows = statement.query([kind, subject])?;
    let mut all = Vec::new();
    while let Some(found) = rows.next()? {
        all.push((row(found)?, serde_json::from_str(&found.get::<_, String>(6)?)?));
    }
    Ok(all)
}

fn replace(tx: &Transaction<'_>, actor: &Actor, held: &Widening, change: &Change) -> Result<()> {
    decided(tx, held.id, "replaced", &actor.name)?;
    audit::act(tx, actor, "widening.replace", record(held, change), None)
}

fn decided(tx: &Transaction<'_>, id: i64, decision: &str, by: &str) -> Result<()> {
    tx.execute(
        "UPDATE held SET decision = ?2, decided_by = ?3, decided_at = ?4 WHERE id = ?1",
        params![id, decision, by, now()],
    )?;
    Ok(())
}

fn record(held: &Widening, change: &Change) -> Value {
    let (before, after) = match change {
        Change::Source { before, after } => (json!(before), json!(after)),
        Change::Nesting { add, .. } => (Value::Null, json!({ "add": add })),
        Change::Folder { folders, .. } => {
            let side = |of: fn(&folders::Wider) -> Value| {
                let sides = folders.iter().map(|(path, wider)| (path.clone(), of(wider)));
                Value::Object(sides.collect())
            };
            (side(|it| json!(it.before)), side(|it| json!(it.after)))
        }
    };
    json!({
        "held": held.id, "kind": held.kind, "subject": held.subject, "what": held.what,
        "asked_by": held.by, "before": before, "after": after,
    })
}

/// Does what was held, if it still fits.
fn apply(tx: &Transaction<'_>, change: &Change) -> Result<()> {
    match change {
        Change::Source { before, after } => {
            if source(tx, &before.id)?.spec != **before {
                return Err(changed_meanwhile(&format!("source `{}`", before.id)));
            }
            sources::write_spec(tx, after)
        }
        Change::Nesting { group, add } => people::nest(tx, group, add),
        Change::Folder { source, folders } => folders::agree(tx, source, folders),
    }
}

/// Whether this actor may decide about such a change: an administrator; of a source, its approvers and
/// its owner as well.
fn decides(tx: &Transaction<'_>, held: &Widening, actor: &Actor) -> Result<bool> {
    if actor.administrator {
        return Ok(true);
    }
    if held.kind == "nesting" {
        return Ok(false);
    }
    let spec = source(tx, &held.subject)?.spec;
    let owns = spec.owner.as_ref().is_some_and(|owner| actor.principals.contains(owner));
    Ok(owns || spec.approved_by(actor))
}

/// Whether two actors may be one person: the same name, or one of them holds a key that the other one
/// made.
fn same_hand(tx: &Transaction<'_>, asked: &str, decides: &str) -> Result<bool> {
    const MADE: &str = "SELECT 1 FROM api_key WHERE created_by = ?1
        AND ?2 = CASE WHEN user IS NULL THEN 'key:' || name ELSE 'user:' || user END
        AND (revoked_at IS NULL OR ?3)";
    let mut made = tx.prepare_cached(MADE)?;
    // Whoever decides holds a key that is valid now; the one that asked may be gone.
    Ok(asked == decides
        || made.exists(params![asked, decides, false])?
        || made.exists(params![decides, asked, true])?)
}

fn find(tx: &Transaction<'_>, id: i64) -> Result<Option<(Widening, String, Option<String>)>> {
    let sql = format!("SELECT {COLUMNS}, decision FROM held WHERE id = ?1");
    let found = tx
        .prepare_cached(&sql)?
        .query_row([id], |found| Ok((row(found)?, found.get(6)?, found.get(7)?)));
    Ok(found.optional()?)
}

fn row(row: &Row<'_>) -> rusqlite::Result<Widening> {
    let change: String = row.get(6)?;
    Ok(Widening {
        id: row.get(0)?,
        kind: row.get(1)?,
        subject: row.get(2)?,
        what: row.get(3)?,
        rules: serde_json::from_str(&change).map(Change::rules).unwrap_or_default(),
        by: row.get(4)?,
        at: rfc3339(row.get(5)?),
    })
}

fn no_such(id: i64) -> Error {
    Refusal::missing(
        "no_such_change",
        format!("no change held:{id} waits for you"),
        "`vouch approvals` lists what waits",
    )
}

pub(super) fn changed_meanwhile(what: &str) -> Error {
    Refusal::conflict(
        "changed_meanwhile",
        format!("{what} was changed since this was asked for"),
        "reject it, and ask for the change again",
    )
}
