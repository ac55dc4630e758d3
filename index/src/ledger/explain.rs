//! Why somebody may see a document, or may not: every condition on the way, how it ends, and what
//! would change it.
//!
//! The verdict is the gate's own; the conditions beside it are read from the same rows in the same
//! transaction, and a reader sees exactly when all of them hold. An explanation holds principals,
//! states, times and hashes, and no title and no text.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;
use serde_json::json;

use super::circle::Circle;
use super::gate::{Gate, compute, expires, source_layer};
use super::people::{Lineage, lineage, reader_of};
use super::{Actor, Ledger, SourceState, Stopped, audit, control, documents, now, rfc3339};
use crate::access::{Layer, Principal, Reader, Rule};
use crate::error::{Refusal, Result};
use crate::words::{DocumentId, VersionNo};

/// Why a user may see one document, or may not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The user.
    pub user: Principal,
    /// The document's id.
    pub document: String,
    /// The gate's verdict.
    pub sees: bool,
    /// Every condition, from the outside in. The user sees the document when all of them hold.
    pub checks: Vec<Check>,
    /// What waits for a second person and would change a rule here.
    pub held: Vec<HeldChange>,
}

/// One condition for seeing a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What is asked.
    pub check: CheckKind,
    /// Whether it holds.
    pub passes: bool,
    /// How it is, in a sentence.
    pub says: String,
    /// For each principal that decided a layer, how the user comes to be it: the user, then each group
    /// inside the next.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<Vec<Principal>>,
    /// What would change it, where it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
}

/// What a condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// The whole assistant answers.
    Stop,
    /// The user is not shut out.
    Block,
    /// The source is active.
    Source,
    /// A version is approved.
    Version,
    /// The document is no draft.
    Draft,
    /// The document is not too old.
    Expiry,
    /// The source's layer.
    SourceLayer,
    /// A folder's layer.
    FolderLayer,
    /// A layer that a version itself brings.
    OwnLayer,
}

/// A change that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldChange {
    /// Its number.
    pub id: i64,
    /// The change, in a sentence.
    pub what: String,
}

/// What a user may see, by source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// The user.
    pub user: Principal,
    /// How the user comes to be each group they are in; where not all sources were asked about, only the
    /// groups that a rule of these names.
    pub groups: Vec<Vec<Principal>>,
    /// Why the user is shut out, if they are. Whoever asks about some sources alone learns that it is so.
    pub blocked: Option<Stopped>,
    /// Why the assistant is stopped, if it is.
    pub stopped: Option<Stopped>,
    /// The sources.
    pub sources: Vec<SourceSeen>,
}

/// How much of a source a user may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceSeen {
    /// The source's id.
    pub source: String,
    /// Its state.
    pub state: SourceState,
    /// Documents with an approved version that this user may see.
    pub sees: usize,
    /// Documents with an approved version.
    pub live: usize,
}

impl Ledger {
    /// Why this user may see a document, or may not. `token_groups` are groups that only their token
    /// would name. It leaves an audit record.
    ///
    /// # Errors
    /// There is no such document.
    pub fn explain(
        &self,
        (user, token_groups): (&str, &[String]),
        document: &DocumentId,
        actor: &Actor,
    ) -> Result<Explanation> {
        let reader = nobody_yet(user, token_groups);
        let explained = self.read(|tx| explain(tx, &reader, document))?;
        self.write(|tx| {
            let subject = json!({
                "user": explained.user, "document": explained.document, "sees": explained.sees,
                "groups": token_groups,
            });
            audit::act(tx, actor, "access.explain", subject, None)
        })?;
        Ok(explained)
    }

    /// How much this user may see of these sources (none: of all). It leaves an audit record.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn explain_all(
        &self,
        (user, token_groups): (&str, &[String]),
        sources: Option<&BTreeSet<String>>,
        actor: &Actor,
    ) -> Result<Overview> {
        let reader = nobody_yet(user, token_groups);
        let overview = self.read(|tx| overview(tx, &reader, sources))?;
        self.write(|tx| {
            let subject = json!({
                "user": overview.user, "sources": overview.sources.len(), "groups": token_groups,
            });
            audit::act(tx, actor, "access.explain", subject, None)
        })?;
        Ok(overview)
    }
}

/// The reader as whom the gate is asked. It stays in here: whoever asks gets a verdict and nothing
/// that opens a search.
fn nobody_yet(user: &str, token_groups: &[String]) -> Reader {
    let token_groups = token_groups.iter().cloned().collect();
    reader_of(user, token_groups, Arc::default())
}

fn overview(
    tx: &Transaction<'_>,
    reader: &Reader,
    wanted: Option<&BTreeSet<String>>,
) -> Result<Overview> {
    let seen = compute(tx, &Circle::now(tx, reader)?)?;
    let mut sources: BTreeMap<String, SourceSeen> = BTreeMap::new();
    let mut statement = tx.prepare_cached(
        "SELECT s.id, s.state, d.live FROM source s
         LEFT JOIN document d ON d.source = s.id AND d.live IS NOT NULL",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let source: String = row.get(0)?;
        if wanted.is_some_and(|wanted| !wanted.contains(&source)) {
            continue;
        }
        let state = SourceState::from_name(&row.get::<_, String>(1)?);
        let entry =
            sources.entry(source.clone()).or_insert(SourceSeen { source, state, sees: 0, live: 0 });
        if let Some(live) = row.get::<_, Option<u32>>(2)? {
            entry.live += 1;
            entry.sees += usize::from(seen.versions.contains(live as usize));
        }
    }
    let lineage = lineage(tx, &reader.user, &reader.token_groups)?;
    let named = wanted.map(|wanted| named_by(tx, wanted)).transpose()?;
    let groups = lineage.keys().filter(|one| matches!(one, Principal::Group(_)));
    let groups = groups.filter(|group| named.as_ref().is_none_or(|named| named.contains(group)));
    // Why somebody is shut out is told to those who look after everything.
    let told = |stopped: Option<Stopped>| match wanted {
        None => stopped,
        Some(_) => stopped.map(Stopped::without_reason),
    };
    Ok(Overview {
        user: reader.principal(),
        groups: groups.map(|group| chain(&lineage, group)).collect(),
        blocked: told(control::blocked(tx, &reader.user)?),
        stopped: told(control::stopped(tx)?),
        sources: sources.into_values().collect(),
    })
}

/// The principals that the rules of these sources name.
fn named_by(tx: &Transaction<'_>, sources: &BTreeSet<String>) -> Result<BTreeSet<Principal>> {
    let mut named = BTreeSet::new();
    for source in sources {
        let layer: String =
            tx.query_row("SELECT layer FROM source WHERE id = ?1", [source], |row| row.get(0))?;
        named.extend(source_layer(&layer).named().cloned());
        let mut rules = tx.prepare_cached("SELECT layers FROM rule WHERE source = ?1")?;
        let mut rows = rules.query([source])?;
        while let Some(row) = rows.next()? {
            let rule = Rule::from_stored(&row.get::<_, String>(0)?);
            named.extend(rule.0.iter().flat_map(Layer::named).cloned());
        }
    }
    Ok(named)
}

fn explain(tx: &Transaction<'_>, reader: &Reader, id: &DocumentId) -> Result<Explanation> {
    let document = Document::read(tx, id)?;
    let mut gate = Gate::open(tx, reader)?;
    let sees = match document.live {
        Some(live) => gate.live(live)?.is_some(),
        None => false,
    };
    // What the user is when nobody is shut out: else each layer would only repeat that.
    let lineage = lineage(tx, &reader.user, &reader.token_groups)?;
    let mut checks =
        vec![stop(control::stopped(tx)?), block(&reader.user, control::blocked(tx, &reader.user)?)];
    checks.extend(document.checks(id));
    let layers = document.layers(tx, id)?;
    let judge = Judge { lineage: &lineage, principals: lineage.keys().cloned().collect() };
    checks.extend(layers.iter().map(|named| judge.check(&reader.principal(), named)));
    let groups = layers.iter().flat_map(|named| named.layer.allow.iter().flatten());
    let held = held(tx, &id.source, &groups.cloned().collect())?;
    Ok(Explanation { user: reader.principal(), document: id.to_string(), sees, checks, held })
}

/// Every layer of a document's rule with its name, from the outside in.
pub(super) fn layers_of(tx: &Transaction<'_>, id: &DocumentId) -> Result<Vec<(String, Layer)>> {
    let named = Document::read(tx, id)?.layers(tx, id)?;
    Ok(named.into_iter().map(|named| (named.name, named.layer)).collect())
}

/// How a user comes to be a principal, from the user on.
fn chain(lineage: &Lineage, principal: &Principal) -> Vec<Principal> {
    let mut chain = vec![principal.clone()];
    let mut at = principal;
    while let Some(Some(through)) = lineage.get(at) {
        chain.push(through.clone());
        at = through;
    }
    chain.reverse();
    chain
}

fn stop(stopped: Option<control::Stopped>) -> Check {
    let (says, change) = match &stopped {
        None => ("the assistant is not stopped".to_owned(), None),
        Some(stopped) => (
            format!("the assistant is stopped since {}{}", stopped.at, end(stopped)),
            Some("an administrator runs `vouch start`".to_owned()),
        ),
    };
    Check { check: CheckKind::Stop, passes: stopped.is_none(), says, through: vec![], change }
}

fn block(user: &str, blocked: Option<control::Stopped>) -> Check {
    let (says, change) = match &blocked {
        None => ("the user is not blocked".to_owned(), None),
        Some(blocked) => (
            format!("the user is blocked since {}{}", blocked.at, end(blocked)),
            Some(format!("an administrator runs `vouch user unblock {user}`")),
        ),
    };
    Check { check: CheckKind::Block, passes: blocked.is_none(), says, through: vec![], change }
}

fn end(stopped: &control::Stopped) -> String {
    stopped.until.as_ref().map_or_else(String::new, |until| format!(", until {until}"))
}

/// A document's row with what decides besides principals.
struct Document {
    live: Option<VersionNo>,
    live_approved: bool,
    live_modified: Option<i64>,
    newest: Option<Newest>,
    hidden: bool,
    state: SourceState,
    expire: Option<i64>,
    rule: i64,
    /// How many layers come from where it lies.
    place: usize,
    pushed: bool,
    own: [Option<Rule>; 2],
}

/// The version that was seen last.
struct Newest {
    hash: String,
    state: String,
    answers: bool,
}

impl Document {
    fn read(tx: &Transaction<'_>, id: &DocumentId) -> Result<Self> {
        const ROW: &str = "SELECT d.live, l.state, d.live_modified, n.hash, n.state,
              n.no IS d.live, d.hidden, s.state, s.expire_s, d.rule, d.place_layers, l.access, n.access,
              s.spec ->> 'kind' = 'push'
            FROM document d JOIN source s ON s.id = d.source
            LEFT JOIN version l ON l.no = d.live LEFT JOIN version n ON n.no = d.newest
            WHERE d.source = ?1 AND d.path = ?2";
        let mut statement = tx.prepare_cached(ROW)?;
        let mut rows = statement.query(params![id.source, id.path])?;
        let Some(row) = rows.next()? else {
            return Err(missing(tx, id)?);
        };
        let newest = match (row.get(3)?, row.get(4)?) {
            (Some(hash), Some(state)) => Some(Newest { hash, state, answers: row.get(5)? }),
            _ => None,
        };
        let rule = |text: Option<String>| text.map(|text| Rule::from_stored(&text));
        Ok(Self {
            live: row.get::<_, Option<u32>>(0)?.map(VersionNo),
            live_approved: row.get::<_, Option<String>>(1)?.as_deref() == Some("approved"),
            live_modified: row.get(2)?,
            newest,
            hidden: row.get(6)?,
            state: SourceState::from_name(&row.get::<_, String>(7)?),
            expire: row.get(8)?,
            rule: row.get(9)?,
            place: Rule::from_stored(&row.get::<_, String>(10)?).0.len(),
            own: [rule(row.get(11)?), rule(row.get(12)?)],
            pushed: row.get(13)?,
        })
    }

    /// The conditions that ask nothing about the user.
    fn checks(&self, id: &DocumentId) -> [Check; 4] {
        [self.source(id), self.version(id), self.draft(), self.age()]
    }

    fn source(&self, id: &DocumentId) -> Check {
        let name = &id.source;
        let (says, change) = match self.state {
            SourceState::Active => (format!("the source `{name}` is active"), None),
            SourceState::Proposed => (
                format!("the source `{name}` is not approved yet"),
                Some(format!("one of its approvers runs `vouch approve {name}`")),
            ),
            SourceState::Paused => (
                format!("the source `{name}` is paused"),
                Some(format!("its owner runs `vouch source resume {name}`")),
            ),
            SourceState::Revoked => (
                format!("the source `{name}` was revoked, for good"),
                Some("only a new source can bring these documents back".to_owned()),
            ),
        };
        let passes = self.state == SourceState::Active;
        Check { check: CheckKind::Source, passes, says, through: vec![], change }
    }

    fn version(&self, id: &DocumentId) -> Check {
        let passes = self.live.is_some() && self.live_approved;
        let approve = Some(format!("ask an approver: `vouch approve {id}`"));
        let (says, change) = match (&self.newest, passes) {
            (None, _) => (
                "the document was deleted from its source".to_owned(),
                Some("it comes back when the source brings it again".to_owned()),
            ),
            (Some(newest), true) if newest.answers => {
                (format!("the newest version, {}, is approved", newest.hash), None)
            }
            (Some(newest), true) => (
                format!(
                    "an approved version answers; the newest one, {}, is {}",
                    newest.hash, newest.state
                ),
                None,
            ),
            (Some(newest), false) => {
                let says =
                    format!("no version answers; the newest, {}, is {}", newest.hash, newest.state);
                (says, approve)
            }
        };
        Check { check: CheckKind::Version, passes, says, through: vec![], change }
    }

    fn draft(&self) -> Check {
        let (says, change) = if self.hidden {
            let change = "take `draft: true` or `publish: false` out of the file, and sync";
            ("the newest file calls itself a draft", Some(change.to_owned()))
        } else {
            ("the document is no draft", None)
        };
        let (check, says) = (CheckKind::Draft, says.to_owned());
        Check { check, passes: !self.hidden, says, through: vec![], change }
    }

    fn age(&self) -> Check {
        let ends = expires(self.live_modified, self.expire);
        // Where no version answers there is nothing that could be too old.
        let passes = self.live.is_none() || ends > now();
        let says = match (self.live, self.expire) {
            (_, None) => "documents of this source do not expire".to_owned(),
            (None, Some(_)) => "there is no approved version to expire".to_owned(),
            (Some(_), Some(_)) if passes => format!("it expires at {}", rfc3339(ends)),
            (Some(_), Some(_)) => format!("it expired at {}", rfc3339(ends)),
        };
        let change = "bring a newer version, or change the source's `expire_after`";
        let change = (!passes).then(|| change.to_owned());
        Check { check: CheckKind::Expiry, passes, says, through: vec![], change }
    }

    /// The layers that the gate asks, with names. They are the interned ones, not a second reading of
    /// where they came from; only the names are.
    fn layers(&self, tx: &Transaction<'_>, id: &DocumentId) -> Result<Vec<Named>> {
        let (layers, source): (String, String) = tx
            .prepare_cached(
                "SELECT r.layers, s.layer FROM rule r JOIN source s ON s.id = r.source WHERE r.no = ?1",
            )?
            .query_row([self.rule], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let name = format!("the source `{}`", id.source);
        let mut named =
            vec![Named { check: CheckKind::SourceLayer, name, layer: source_layer(&source) }];
        for (at, layer) in Rule::from_stored(&layers).0.into_iter().enumerate() {
            let (check, name) = if at < self.place && self.pushed {
                // Only a push that could not be read leaves a layer at the place.
                (CheckKind::OwnLayer, "the document's last push".to_owned())
            } else if at < self.place {
                let which = format!("folder layer {} of {}", at + 1, self.place);
                (CheckKind::FolderLayer, format!("{which} ({})", access_files(&id.path)))
            } else {
                (CheckKind::OwnLayer, self.own_name(&layer).to_owned())
            };
            named.push(Named { check, name, layer });
        }
        Ok(named)
    }

    fn own_name(&self, layer: &Layer) -> &'static str {
        let holds = |rule: &Option<Rule>| rule.as_ref().is_some_and(|rule| rule.0.contains(layer));
        match (holds(&self.own[0]), holds(&self.own[1])) {
            (true, true) => "the document itself",
            (true, false) => "the document's approved version",
            (false, true) => "the document's newest version, which is not approved yet",
            (false, false) => "a version of the document",
        }
    }
}

/// The files that a document's folder layers can come from, from the outside in.
fn access_files(path: &str) -> String {
    let folders = path.match_indices('/').map(|(end, _)| &path[..=end]);
    let files: Vec<String> = std::iter::once("")
        .chain(folders)
        .map(|folder| format!("`{folder}.access.toml`"))
        .collect();
    match files.split_last() {
        Some((last, [])) => format!("from {last}"),
        Some((last, others)) => format!("from {} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// The refusal for a document that is not there, with the reason where its file could not be read.
fn missing(tx: &Transaction<'_>, id: &DocumentId) -> Result<crate::error::Error> {
    let problem: Option<String> = tx
        .prepare_cached("SELECT reason FROM problem WHERE source = ?1 AND path = ?2")?
        .query_row(params![id.source, id.path], |row| row.get(0))
        .optional()?;
    Ok(match problem {
        None => documents::no_such_document(id),
        Some(reason) => Refusal::missing(
            "no_such_document",
            format!("the file of `{id}` could never be read: {reason}"),
            format!("`vouch source show {}` lists what could not be read", id.source),
        ),
    })
}

/// A layer with where it stands.
struct Named {
    check: CheckKind,
    name: String,
    layer: Layer,
}

/// Decides layers for one user.
struct Judge<'a> {
    lineage: &'a Lineage,
    principals: BTreeSet<Principal>,
}

impl Judge<'_> {
    fn check(&self, user: &Principal, named: &Named) -> Check {
        let Named { check, name, layer } = named;
        let passes = layer.admits(&self.principals);
        let denied: Vec<&Principal> = layer.deny.intersection(&self.principals).collect();
        let nobody = BTreeSet::new();
        let allow = layer.allow.as_ref().unwrap_or(&nobody);
        let allowed: Vec<&Principal> = allow.intersection(&self.principals).collect();
        let (says, deciding, change) = if let Some(reason) = &layer.unreadable {
            let change = "correct the rule; one that can't be read lets nobody in";
            (format!("{name}: its rule can't be read: {reason}"), vec![], change.to_owned())
        } else if !denied.is_empty() {
            let says = format!("{name} denies {}", list(&denied));
            let change = format!(
                "take {user} out of {}, or change the rule; deny wins over allow",
                list(&denied)
            );
            (says, denied, change)
        } else if layer.allow.is_none() {
            (format!("{name} lets everybody in"), vec![], String::new())
        } else if !allowed.is_empty() {
            (format!("{name} allows {}", list(&allowed)), allowed, String::new())
        } else {
            let says = format!("{name} allows {} alone", list(&allow.iter().collect::<Vec<_>>()));
            (says, vec![], to_get_in(user, allow))
        };
        let through = deciding.iter().map(|one| chain(self.lineage, one)).collect();
        Check { check: *check, passes, says, through, change: (!passes).then_some(change) }
    }
}

/// What would let a user into a layer that lists these.
fn to_get_in(user: &Principal, allow: &BTreeSet<Principal>) -> String {
    let groups: Vec<&Principal> =
        allow.iter().filter(|one| matches!(one, Principal::Group(_))).collect();
    match groups.as_slice() {
        [] => format!("add {user} to the rule's `allow`"),
        [Principal::Group(one)] => {
            format!("add {user} to group:{one}: `vouch group add {one} {user}`")
        }
        _ => format!("add {user} to one of {}", list(&groups)),
    }
}

fn list(principals: &[&Principal]) -> String {
    if principals.is_empty() {
        return "nobody".to_owned();
    }
    principals.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What waits for a second person about this source, or about one of these groups.
fn held(
    tx: &Transaction<'_>,
    source: &str,
    groups: &BTreeSet<Principal>,
) -> Result<Vec<HeldChange>> {
    let mut statement = tx.prepare_cached(
        "SELECT id, kind, subject, what FROM held WHERE decision IS NULL ORDER BY id",
    )?;
    let mut rows = statement.query([])?;
    let mut held = Vec::new();
    while let Some(row) = rows.next()? {
        let (kind, subject): (String, String) = (row.get(1)?, row.get(2)?);
        let about = match kind.as_str() {
            "nesting" => {
                let name = subject.strip_prefix("group:").unwrap_or(&subject);
                groups.contains(&Principal::Group(name.to_owned()))
            }
            _ => subject.split('/').next() == Some(source),
        };
        if about {
            held.push(HeldChange { id: row.get(0)?, what: row.get(3)? });
        }
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::access_files;

    #[test]
    fn the_files_of_a_documents_folder_layers_are_named_from_the_outside() {
        assert_eq!(access_files("a.md"), "from `.access.toml`");
        assert_eq!(access_files("pay/a.md"), "from `.access.toml` or `pay/.access.toml`");
        assert_eq!(
            access_files("pay/2026/a.md"),
            "from `.access.toml`, `pay/.access.toml` or `pay/2026/.access.toml`"
        );
    }
}
