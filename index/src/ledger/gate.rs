//! The gate: what a reader may see right now, and the only place where a [`Passage`] is made.
//!
//! A [`Clearance`] is a set of version numbers computed from the ledger under one access epoch. The
//! indexes filter by it while they search. Afterwards every hit comes here once more and is decided
//! again from the ledger's rows and the reader's present groups; what has changed since is dropped.
//!
//! What is absent: a search without a clearance, a clearance without a reader, a passage without
//! this check.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use fixedbitset::FixedBitSet;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::Serialize;

use super::people::principals;
use super::{Ledger, SourceState, epoch, lock, now, rfc3339};
use crate::access::{Layer, Principal, Reader, Rule};
use crate::error::Result;
use crate::words::{DocumentId, Section, VersionNo};

/// What one reader may see right now; the only key that opens a search.
#[derive(Clone)]
pub struct Clearance {
    reader: Reader,
    epoch: i64,
    seen: Arc<Visible>,
}

/// The part of a clearance that readers with equal principals share.
pub(crate) struct Visible {
    /// Names this set among all that this process made.
    pub(crate) id: u64,
    pub(crate) versions: FixedBitSet,
    /// The rules that pass: a coarse filter for a store that can't take the set itself.
    pub(crate) rules: Vec<i64>,
    /// When the first of the versions expires.
    until: i64,
    sources: usize,
}

impl Clearance {
    /// For whom it was made.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The access epoch it was computed under.
    #[must_use]
    pub fn epoch(&self) -> i64 {
        self.epoch
    }

    /// How many sources hold something that this reader may see.
    #[must_use]
    pub fn sources(&self) -> usize {
        self.seen.sources
    }

    /// How many versions it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.versions.count_ones(..)
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.versions.is_clear()
    }

    /// Whether it holds this version.
    #[must_use]
    pub fn holds(&self, version: VersionNo) -> bool {
        self.seen.versions.contains(version.0 as usize)
    }

    pub(crate) fn visible(&self) -> &Arc<Visible> {
        &self.seen
    }
}

/// Where a hit points: a chunk of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The version.
    pub version: VersionNo,
    /// The chunk's place in it, from 0.
    pub chunk: u32,
}

/// A chunk that a search returned under a clearance, checked and with its text.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Passage {
    /// The chunk.
    pub place: Place,
    /// The document's id.
    pub document: DocumentId,
    /// Its title.
    pub title: String,
    /// The version's hash.
    pub version: String,
    /// Its language, or empty.
    pub language: String,
    /// The chunk's text.
    pub text: String,
    /// First byte in the version's text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// The page it begins on.
    pub page: Option<u32>,
    /// Byte offsets in the version's text at which its pages begin.
    pub pages: Vec<u32>,
    /// Headings above it, joined by ` > `.
    pub heading: String,
    /// Headings that begin inside it.
    sections: Vec<Section>,
    /// The search's score.
    pub score: f32,
    /// Dates, approval and owner of the version.
    pub facts: Facts,
}

impl Passage {
    /// The heading path that a byte of the version's text stands under.
    #[must_use]
    pub fn heading_at(&self, at: u32) -> &str {
        let above = self.sections.iter().rev().find(|section| section.start <= at);
        above.map_or(&self.heading, |section| &section.heading)
    }
}

/// What a citation says about a version besides its place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Facts {
    /// The address of the original.
    pub uri: Option<String>,
    /// When the content was changed last, RFC 3339.
    pub modified_at: String,
    /// When it was approved.
    pub approved_at: Option<String>,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// When it should be looked at again.
    pub review_due: Option<String>,
    /// Whether that time has passed.
    pub stale: bool,
    /// Who answers: the document's owner, else the source's.
    pub owner: String,
    /// The source's authority.
    pub authority: i64,
}

/// A version's text with what a page shows of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DocumentText {
    /// The document's id.
    pub document: String,
    /// Its title.
    pub title: String,
    /// The version's hash.
    pub version: String,
    /// Its language, or empty.
    pub language: String,
    /// The text that every offset counts in.
    pub text: String,
    /// Byte offsets at which pages begin.
    pub pages: Vec<u32>,
    /// Whether this is the version that answers now.
    pub live: bool,
    /// The hash of the version that answers now, where it is another one.
    pub newer: Option<String>,
    /// Dates, approval and owner.
    #[serde(flatten)]
    pub facts: Facts,
}

/// Clearances by the reader's principals, all of one epoch.
#[derive(Default)]
pub(super) struct ClearanceCache(Mutex<Cached>);

#[derive(Default)]
struct Cached {
    epoch: i64,
    by_principals: HashMap<BTreeSet<Principal>, Arc<Visible>>,
}

/// More readers than this are computed again rather than kept.
const KEPT: usize = 4096;

static NEXT: AtomicU64 = AtomicU64::new(1);

impl Ledger {
    /// What this reader may see right now, with groups as they are now.
    ///
    /// # Errors
    /// The ledger failed; then there is no clearance and no search.
    pub fn clearance(&self, reader: &Reader) -> Result<Clearance> {
        self.read(|tx| {
            let epoch = epoch(tx)?;
            let reader = Reader {
                principals: principals(tx, &reader.user, &reader.token_groups)?,
                ..reader.clone()
            };
            if let Some(seen) = self.cached(epoch, &reader.principals) {
                return Ok(Clearance { reader, epoch, seen });
            }
            let seen = Arc::new(compute(tx, &reader.principals)?);
            let mut cache = lock(&self.clearances.0);
            if cache.epoch != epoch || cache.by_principals.len() >= KEPT {
                cache.by_principals.clear();
                cache.epoch = epoch;
            }
            cache.by_principals.insert(reader.principals.clone(), Arc::clone(&seen));
            Ok(Clearance { reader, epoch, seen })
        })
    }

    fn cached(&self, epoch: i64, principals: &BTreeSet<Principal>) -> Option<Arc<Visible>> {
        let cache = lock(&self.clearances.0);
        if cache.epoch != epoch {
            return None;
        }
        cache.by_principals.get(principals).filter(|seen| seen.until > now()).cloned()
    }

    /// The same clearance without what lies outside of these sources or was changed before that
    /// time. Ids of unknown and of hidden sources are ignored alike.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn narrow(
        &self,
        clearance: &Clearance,
        sources: Option<&[String]>,
        modified_after: Option<i64>,
    ) -> Result<Clearance> {
        if sources.is_none() && modified_after.is_none() {
            return Ok(clearance.clone());
        }
        self.read(|tx| {
            let mut versions = FixedBitSet::with_capacity(clearance.seen.versions.len());
            let mut statement = tx.prepare_cached(
                "SELECT live, source, live_modified FROM document WHERE live IS NOT NULL",
            )?;
            let mut rows = statement.query([])?;
            let mut found = BTreeSet::new();
            while let Some(row) = rows.next()? {
                let (no, source): (u32, String) = (row.get(0)?, row.get(1)?);
                let wanted = sources.is_none_or(|wanted| wanted.contains(&source))
                    && modified_after
                        .is_none_or(|after| row.get(2).is_ok_and(|at: i64| at >= after));
                if wanted && clearance.holds(VersionNo(no)) {
                    versions.insert(no as usize);
                    found.insert(source);
                }
            }
            let seen = Arc::new(Visible {
                id: NEXT.fetch_add(1, Ordering::Relaxed),
                versions,
                rules: clearance.seen.rules.clone(),
                until: clearance.seen.until,
                sources: found.len(),
            });
            Ok(Clearance { seen, ..clearance.clone() })
        })
    }

    /// Decides every hit again and reads the text of those that pass, in the order given.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn passages(
        &self,
        clearance: &Clearance,
        generation: u32,
        hits: &[(Place, f32)],
    ) -> Result<Vec<Passage>> {
        self.read(|tx| {
            let mut gate = Gate::open(tx, clearance.reader())?;
            let mut passages = Vec::with_capacity(hits.len());
            for (place, score) in hits {
                if clearance.holds(place.version) && gate.live(place.version)? {
                    passages.extend(passage(tx, generation, *place, *score)?);
                }
            }
            Ok(passages)
        })
    }

    /// The text of a document: of the version that answers, or of an earlier one that was once
    /// approved and not withdrawn. `None` where it is missing or this reader may not see it.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn document_text(
        &self,
        reader: &Reader,
        id: &DocumentId,
        version: Option<&str>,
    ) -> Result<Option<DocumentText>> {
        self.read(|tx| {
            let mut gate = Gate::open(tx, reader)?;
            let live: Option<u32> = tx
                .prepare_cached("SELECT live FROM document WHERE source = ?1 AND path = ?2")?
                .query_row(params![id.source, id.path], |row| row.get(0))
                .optional()?
                .flatten();
            let Some(live) = live.map(VersionNo) else {
                return Ok(None);
            };
            if !gate.live(live)? {
                return Ok(None);
            }
            // One hash may name several versions, of other titles: what was withdrawn under one of
            // them opens under none, until somebody approves those bytes again.
            let wanted: Option<u32> = match version {
                None => Some(live.0),
                Some(hash) => tx
                    .prepare_cached(
                        "SELECT v.no FROM version v JOIN document d ON d.no = v.document
                         WHERE d.live = ?1 AND v.hash = ?2 AND v.approved_at IS NOT NULL
                           AND v.state NOT IN ('withdrawn', 'rejected', 'draft')
                           AND 'approve' IS (SELECT c.act FROM decision c
                             JOIN version o ON o.no = c.version
                             WHERE o.document = d.no AND o.hash = ?2 AND c.act <> 'reject'
                             ORDER BY c.no DESC LIMIT 1)
                         ORDER BY v.no = d.live DESC, v.approved_at DESC, v.no DESC LIMIT 1",
                    )?
                    .query_row(params![live.0, hash], |row| row.get(0))
                    .optional()?,
            };
            let Some(wanted) = wanted.map(VersionNo) else {
                return Ok(None);
            };
            // An earlier version answers to the rule it carried itself, as well as to today's.
            if wanted != live && !gate.own_layers(wanted)? {
                return Ok(None);
            }
            document_text(tx, id, wanted, live)
        })
    }

    /// The owner to ask when nothing was found: that of the best matching source among these, which
    /// the caller found under a clearance.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn owner_of(&self, source: &str) -> Result<Option<Principal>> {
        self.read(|tx| Ok(super::sources::source(tx, source)?.spec.owner))
    }
}

/// The decision about single versions, from the ledger's rows as they are in one transaction.
struct Gate<'tx> {
    tx: &'tx Transaction<'tx>,
    principals: BTreeSet<Principal>,
    rules: HashMap<i64, bool>,
}

impl<'tx> Gate<'tx> {
    fn open(tx: &'tx Transaction<'tx>, reader: &Reader) -> Result<Self> {
        let principals = principals(tx, &reader.user, &reader.token_groups)?;
        Ok(Self { tx, principals, rules: HashMap::new() })
    }

    /// Whether this version is the live one of its document and the reader may see it.
    fn live(&mut self, version: VersionNo) -> Result<bool> {
        let row = self
            .tx
            .prepare_cached(
                "SELECT d.rule, d.live_modified, s.state, s.expire_s FROM document d
                 JOIN version v ON v.no = d.live JOIN source s ON s.id = d.source
                 WHERE d.live = ?1 AND d.hidden = 0 AND v.state = 'approved'",
            )?
            .query_row([version.0], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get(3)?))
            })
            .optional()?;
        let Some((rule, modified, state, expire)) = row else {
            return Ok(false);
        };
        Ok(SourceState::from_name(&state) == SourceState::Active
            && expires(modified, expire) > now()
            && self.rule(rule)?)
    }

    /// Whether the reader passes a rule and its source's layer.
    fn rule(&mut self, no: i64) -> Result<bool> {
        if let Some(passes) = self.rules.get(&no) {
            return Ok(*passes);
        }
        let (layers, layer): (String, String) = self
            .tx
            .prepare_cached(
                "SELECT r.layers, s.layer FROM rule r JOIN source s ON s.id = r.source WHERE r.no = ?1",
            )?
            .query_row([no], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let passes = source_layer(&layer).admits(&self.principals)
            && Rule::from_stored(&layers).admits(&self.principals);
        self.rules.insert(no, passes);
        Ok(passes)
    }

    fn own_layers(&self, version: VersionNo) -> Result<bool> {
        let own: Option<String> = self
            .tx
            .prepare_cached("SELECT access FROM version WHERE no = ?1")?
            .query_row([version.0], |row| row.get(0))?;
        Ok(own.is_none_or(|text| Rule::from_stored(&text).admits(&self.principals)))
    }
}

/// A source's layer as it is stored. One that can't be read, or gives no `allow`, lets nobody in.
fn source_layer(text: &str) -> Layer {
    match serde_json::from_str::<Layer>(text) {
        Ok(layer) if layer.allow.is_some() => layer,
        Ok(_) => Layer::unreadable("the source gives no allow"),
        Err(error) => Layer::unreadable(error.to_string()),
    }
}

fn expires(modified: Option<i64>, expire: Option<i64>) -> i64 {
    match (modified, expire) {
        (Some(modified), Some(after)) => modified.saturating_add(after),
        (_, None) => i64::MAX,
        (None, Some(_)) => i64::MIN,
    }
}

/// Computes the set of versions that these principals may see, reading one table row per document.
fn compute(tx: &Transaction<'_>, principals: &BTreeSet<Principal>) -> Result<Visible> {
    let rules = passing_rules(tx, principals)?;
    let mut statement = tx.prepare_cached(
        "SELECT live, rule, live_modified, source FROM document WHERE live IS NOT NULL AND hidden = 0",
    )?;
    let mut rows = statement.query([])?;
    let mut versions = FixedBitSet::new();
    let mut sources: BTreeSet<i64> = BTreeSet::new();
    let (mut until, at) = (i64::MAX, now());
    while let Some(row) = rows.next()? {
        let rule: i64 = row.get(1)?;
        let Some(passing) = rules.get(&rule) else {
            continue;
        };
        let expires = expires(row.get(2)?, passing.expire);
        if expires > at {
            versions.grow_and_insert(row.get::<_, u32>(0)? as usize);
            until = until.min(expires);
            sources.insert(passing.source);
        }
    }
    let mut rules: Vec<i64> = rules.into_keys().collect();
    rules.sort_unstable();
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    Ok(Visible { id, versions, rules, until, sources: sources.len() })
}

struct Passing {
    expire: Option<i64>,
    source: i64,
}

/// The rules of active sources that these principals pass, with their source's layer.
fn passing_rules(
    tx: &Transaction<'_>,
    principals: &BTreeSet<Principal>,
) -> Result<HashMap<i64, Passing>> {
    let mut statement = tx.prepare_cached(
        "SELECT r.no, r.layers, s.layer, s.expire_s, s.rowid FROM rule r JOIN source s ON s.id = r.source
         WHERE s.state = 'active' ORDER BY s.id",
    )?;
    let mut rows = statement.query([])?;
    let mut passing = HashMap::new();
    let mut source: Option<(i64, bool)> = None;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(4)?;
        let admitted = match source {
            Some((known, admitted)) if known == id => admitted,
            _ => source_layer(&row.get::<_, String>(2)?).admits(principals),
        };
        source = Some((id, admitted));
        if admitted && Rule::from_stored(&row.get::<_, String>(1)?).admits(principals) {
            passing.insert(row.get(0)?, Passing { expire: row.get(3)?, source: id });
        }
    }
    Ok(passing)
}

const FACTS: &str =
    "v.uri, v.modified_at, v.approved_at, v.approved_by, s.review_s, v.owner, s.spec";

/// Reads the columns of [`FACTS`], which begin at `first`.
fn facts(row: &Row<'_>, first: usize) -> Result<Facts> {
    let modified: i64 = row.get(first + 1)?;
    let approved: Option<i64> = row.get(first + 2)?;
    let review: Option<i64> = row.get(first + 4)?;
    let due = review.map(|after| modified.saturating_add(after));
    let spec: super::SourceSpec = serde_json::from_str(&row.get::<_, String>(first + 6)?)?;
    let owner: Option<String> = row.get(first + 5)?;
    Ok(Facts {
        uri: row.get(first)?,
        modified_at: rfc3339(modified),
        approved_at: approved.map(rfc3339),
        approved_by: row.get(first + 3)?,
        review_due: due.map(rfc3339),
        stale: due.is_some_and(|due| due < now()),
        owner: owner.or_else(|| spec.owner.map(|owner| owner.to_string())).unwrap_or_default(),
        authority: spec.authority,
    })
}

/// Makes a passage of a place that the gate has let through.
fn passage(
    tx: &Transaction<'_>,
    generation: u32,
    place: Place,
    score: f32,
) -> Result<Option<Passage>> {
    let mut statement = tx.prepare_cached(&format!(
        "SELECT d.source, d.path, v.title, v.hash, v.language, c.start, c.stop, c.page, c.heading, c.sections,
           substr(CAST(t.text AS BLOB), c.start + 1, c.stop - c.start), v.pages, {FACTS}
         FROM chunk c JOIN version v ON v.no = c.version JOIN document d ON d.no = v.document
         JOIN source s ON s.id = d.source JOIN version_text t ON t.version = v.no
         WHERE c.generation = ?1 AND c.version = ?2 AND c.place = ?3"
    ))?;
    let mut rows = statement.query(params![generation, place.version.0, place.chunk])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let text = String::from_utf8(row.get(10)?).map_err(|_| {
        anyhow::anyhow!("a chunk of version {} splits a character", place.version.0)
    })?;
    Ok(Some(Passage {
        place,
        document: DocumentId { source: row.get(0)?, path: row.get(1)? },
        title: row.get(2)?,
        version: row.get(3)?,
        language: row.get(4)?,
        text,
        sections: serde_json::from_str(&row.get::<_, String>(9)?)?,
        start: row.get(5)?,
        end: row.get(6)?,
        page: row.get(7)?,
        heading: row.get(8)?,
        pages: serde_json::from_str(&row.get::<_, String>(11)?)?,
        score,
        facts: facts(row, 12)?,
    }))
}

fn document_text(
    tx: &Transaction<'_>,
    id: &DocumentId,
    wanted: VersionNo,
    live: VersionNo,
) -> Result<Option<DocumentText>> {
    let mut statement = tx.prepare_cached(&format!(
        "SELECT v.title, v.hash, v.language, t.text, v.pages,
           (SELECT hash FROM version WHERE no = ?2), {FACTS}
         FROM version v JOIN document d ON d.no = v.document JOIN source s ON s.id = d.source
         JOIN version_text t ON t.version = v.no WHERE v.no = ?1"
    ))?;
    let mut rows = statement.query([wanted.0, live.0])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let newer: String = row.get(5)?;
    Ok(Some(DocumentText {
        document: id.to_string(),
        title: row.get(0)?,
        version: row.get(1)?,
        language: row.get(2)?,
        text: row.get(3)?,
        pages: serde_json::from_str(&row.get::<_, String>(4)?)?,
        live: wanted == live,
        newer: (wanted != live).then_some(newer),
        facts: facts(row, 6)?,
    }))
}
