//! The gate: what a reader may see right now, and the only place where a [`Passage`] is made.
//!
//! A [`Clearance`] is a set of version numbers computed from the ledger under one access epoch. The
//! indexes filter by it while they search. Afterwards every hit comes here once more and is decided
//! again from the ledger's rows and the reader's present groups; what has changed since is dropped.
//!
//! What is absent: a search without a clearance, a clearance without a reader, a passage without
//! this check.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use fixedbitset::FixedBitSet;
use rusqlite::blob::Blob;
use rusqlite::{MAIN_DB, OptionalExtension, Row, Transaction, params};
use serde::Serialize;

use super::circle::Circle;
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
    /// The sources that hold one of the versions.
    sources: BTreeSet<Arc<str>>,
    /// What was made of it by narrowing it. It goes when this goes, so with the epoch.
    narrowed: Mutex<HashMap<Narrowing, Arc<Visible>>>,
}

/// What a clearance is narrowed to.
#[derive(PartialEq, Eq, Hash)]
struct Narrowing {
    /// Of the sources that were asked for, those that the clearance has something of.
    sources: Option<BTreeSet<Arc<str>>>,
    modified_after: Option<i64>,
}

impl Visible {
    fn new(
        versions: FixedBitSet,
        rules: Vec<i64>,
        until: i64,
        sources: BTreeSet<Arc<str>>,
    ) -> Self {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { id, versions, rules, until, sources, narrowed: Mutex::default() }
    }

    /// Keeps what was made by narrowing this. A set that is there already keeps its name, whatever
    /// it was asked for by, so that what is counted for it counts again.
    fn keep(self: &Arc<Self>, narrowing: Narrowing, made: Visible) -> Arc<Self> {
        let mut kept = lock(&self.narrowed);
        let same = kept.values().find(|seen| seen.versions == made.versions).cloned();
        let same = same.unwrap_or_else(|| Arc::new(made));
        if kept.len() >= KEPT_NARROWED {
            kept.clear();
        }
        kept.insert(narrowing, Arc::clone(&same));
        same
    }
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
        self.seen.sources.len()
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

/// Readers' principals, and clearances by them, all of one epoch.
#[derive(Default)]
pub(super) struct ClearanceCache(Mutex<Cached>);

#[derive(Default)]
struct Cached {
    epoch: i64,
    /// By the user and the groups of their token.
    by_reader: HashMap<(String, BTreeSet<String>), Arc<BTreeSet<Principal>>>,
    by_circle: HashMap<Circle, Arc<Visible>>,
}

/// More readers than this are computed again rather than kept.
const KEPT: usize = 4096;
/// More ways than this to narrow one clearance are computed again.
const KEPT_NARROWED: usize = 64;

static NEXT: AtomicU64 = AtomicU64::new(1);

impl Ledger {
    /// What this reader may see right now, with groups as they are now.
    ///
    /// # Errors
    /// The ledger failed; then there is no clearance and no search.
    pub fn clearance(&self, reader: &Reader) -> Result<Clearance> {
        self.read(|tx| {
            let epoch = epoch(tx)?;
            let principals = self.principals(tx, &reader.user, &reader.token_groups)?;
            let reader = Reader { principals, ..reader.clone() };
            let circle =
                Circle::of(tx, &reader, |one| self.principals(tx, &one.user, &one.token_groups))?;
            let kept = self.kept(epoch, |cached| cached.by_circle.get(&circle).cloned());
            if let Some(seen) = kept.filter(|seen| seen.until > now()) {
                return Ok(Clearance { reader, epoch, seen });
            }
            let seen = Arc::new(compute(tx, &circle)?);
            self.keep(epoch, |cached| {
                cached.by_circle.insert(circle, Arc::clone(&seen));
            });
            Ok(Clearance { reader, epoch, seen })
        })
    }

    /// Every principal of a person as they are in this transaction. The check after a search does not
    /// ask here: it looks them up once more.
    pub(super) fn principals(
        &self,
        tx: &Transaction<'_>,
        user: &str,
        token_groups: &BTreeSet<String>,
    ) -> Result<Arc<BTreeSet<Principal>>> {
        let epoch = epoch(tx)?;
        let asked = (user.to_owned(), token_groups.clone());
        if let Some(known) = self.kept(epoch, |cached| cached.by_reader.get(&asked).cloned()) {
            return Ok(known);
        }
        let found = Arc::new(principals(tx, user, token_groups)?);
        self.keep(epoch, |cached| {
            cached.by_reader.insert(asked, Arc::clone(&found));
        });
        Ok(found)
    }

    /// Something that was computed under this epoch.
    fn kept<T>(&self, epoch: i64, get: impl FnOnce(&Cached) -> Option<T>) -> Option<T> {
        let cache = lock(&self.clearances.0);
        if cache.epoch != epoch {
            return None;
        }
        get(&cache)
    }

    /// Keeps what was computed under this epoch, and forgets what belongs to another.
    fn keep(&self, epoch: i64, put: impl FnOnce(&mut Cached)) {
        let mut cache = lock(&self.clearances.0);
        if cache.epoch != epoch || cache.by_reader.len().max(cache.by_circle.len()) >= KEPT {
            *cache = Cached { epoch, ..Cached::default() };
        }
        put(&mut cache);
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
        let base = &clearance.seen;
        let asked = |wanted: &[String]| {
            wanted.iter().filter_map(|id| base.sources.get(id.as_str()).cloned()).collect()
        };
        let narrowing = Narrowing { sources: sources.map(asked), modified_after };
        if let Some(seen) = lock(&base.narrowed).get(&narrowing).cloned() {
            return Ok(Clearance { seen, ..clearance.clone() });
        }
        self.read(|tx| {
            let made = compute_narrow(tx, base, &narrowing)?;
            // A set of a later state of the ledger is right for this search, but not for all that
            // began before it.
            let seen = if epoch(tx)? == clearance.epoch {
                base.keep(narrowing, made)
            } else {
                Arc::new(made)
            };
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
            let mut texts = Texts { tx, open: None };
            let mut passages = Vec::with_capacity(hits.len());
            for (place, score) in hits {
                if !clearance.holds(place.version) {
                    continue;
                }
                if let Some(live) = gate.live(place.version)? {
                    passages.extend(passage(&mut texts, generation, (*place, *score), live)?);
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
            if gate.live(live)?.is_none() {
                return Ok(None);
            }
            let wanted: Option<u32> = match version {
                None => Some(live.0),
                Some(hash) => tx
                    .prepare_cached(&format!(
                        "SELECT v.no FROM version v JOIN document d ON d.no = v.document
                         WHERE d.live = ?1 AND v.hash = ?2 AND {STILL_APPROVED}
                         ORDER BY v.no = d.live DESC, v.approved_at DESC, v.no DESC LIMIT 1",
                    ))?
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
            document_text(&mut gate, id, wanted, live)
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

/// Of a version `v` of a document `d`: it was once approved, and not withdrawn since. One hash may name
/// several versions, of other titles: what was withdrawn under one of them opens under none, until
/// somebody approves those bytes again.
const STILL_APPROVED: &str = "v.approved_at IS NOT NULL
    AND v.state NOT IN ('withdrawn', 'rejected', 'draft')
    AND 'approve' IS (SELECT c.act FROM decision c JOIN version o ON o.no = c.version
      WHERE o.document = d.no AND o.hash = v.hash AND c.act <> 'reject'
      ORDER BY c.no DESC LIMIT 1)";

/// Whether the reader, and all who hear, may see every one of these documents now.
pub(super) fn seen_by_all(
    tx: &Transaction<'_>,
    reader: &Reader,
    documents: &[DocumentId],
) -> Result<bool> {
    let mut gate = Gate::open(tx, reader)?;
    let mut statement =
        tx.prepare_cached("SELECT live FROM document WHERE source = ?1 AND path = ?2")?;
    for id in documents {
        let live: Option<u32> = statement
            .query_row(params![id.source, id.path], |row| row.get(0))
            .optional()?
            .flatten();
        let Some(live) = live else { return Ok(false) };
        if gate.live(VersionNo(live))?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The decision about single versions, from the ledger's rows as they are in one transaction. So what
/// was decided once stays decided for as long as this lives.
pub(super) struct Gate<'tx> {
    tx: &'tx Transaction<'tx>,
    circle: Circle,
    rules: HashMap<i64, bool>,
    sources: HashMap<String, Rc<SourceNow>>,
    versions: HashMap<VersionNo, Option<Live>>,
}

/// A version that the gate let through, with what its passages say of it.
pub(super) struct Live {
    document: DocumentId,
    title: String,
    hash: String,
    language: String,
    pages: Vec<u32>,
    facts: Facts,
}

/// A version that a reader may open now, whether it answers or an earlier one.
pub(super) struct Opened {
    pub(super) document: DocumentId,
    pub(super) title: String,
    pub(super) hash: String,
    /// Whether it is the one that answers.
    pub(super) live: bool,
    pub(super) facts: Facts,
}

/// What the gate needs of a source.
struct SourceNow {
    state: SourceState,
    review: Option<i64>,
    expire: Option<i64>,
    owner: Option<String>,
    authority: i64,
}

impl<'tx> Gate<'tx> {
    pub(super) fn open(tx: &'tx Transaction<'tx>, reader: &Reader) -> Result<Self> {
        let circle = Circle::now(tx, reader)?;
        let (rules, sources, versions) = Default::default();
        Ok(Self { tx, circle, rules, sources, versions })
    }

    /// This version, if it is the live one of its document and the reader may see it.
    pub(super) fn live(&mut self, version: VersionNo) -> Result<Option<&Live>> {
        if !self.versions.contains_key(&version) {
            let decided = self.decide(version)?;
            self.versions.insert(version, decided);
        }
        Ok(self.versions.get(&version).and_then(Option::as_ref))
    }

    fn decide(&mut self, version: VersionNo) -> Result<Option<Live>> {
        let mut statement = self.tx.prepare_cached(&format!(
            "SELECT d.source, d.rule, d.live_modified, d.path, v.title, v.hash, v.language, v.pages,
               {FACTS}
             FROM document d JOIN version v ON v.no = d.live
             WHERE d.live = ?1 AND d.hidden = 0 AND v.state = 'approved'"
        ))?;
        let mut rows = statement.query([version.0])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let id: String = row.get(0)?;
        let source = self.source(&id)?;
        if source.state != SourceState::Active
            || expires(row.get(2)?, source.expire) <= now()
            || !self.rule(row.get(1)?)?
        {
            return Ok(None);
        }
        Ok(Some(Live {
            document: DocumentId { source: id, path: row.get(3)? },
            title: row.get(4)?,
            hash: row.get(5)?,
            language: row.get(6)?,
            pages: serde_json::from_str(&row.get::<_, String>(7)?)?,
            facts: facts(row, 8, &source)?,
        }))
    }

    /// This version, if the reader may open it: its document is one that they may see now, and it is
    /// the one that answers or was once approved and not withdrawn.
    pub(super) fn opens(&mut self, version: VersionNo) -> Result<Option<Opened>> {
        let mut statement = self.tx.prepare_cached(&format!(
            "SELECT d.live, v.title, v.hash, {FACTS}, {STILL_APPROVED}
             FROM version v JOIN document d ON d.no = v.document
             WHERE v.no = ?1 AND d.live IS NOT NULL"
        ))?;
        let mut rows = statement.query([version.0])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let live = VersionNo(row.get(0)?);
        let Some(document) = self.live(live)?.map(|live| live.document.clone()) else {
            return Ok(None);
        };
        // An earlier version answers to the rule it carried itself, as well as to today's.
        if version != live && !(row.get(8)? && self.own_layers(version)?) {
            return Ok(None);
        }
        let source = self.source(&document.source)?;
        Ok(Some(Opened {
            document,
            title: row.get(1)?,
            hash: row.get(2)?,
            live: version == live,
            facts: facts(row, 3, &source)?,
        }))
    }

    fn source(&mut self, id: &str) -> Result<Rc<SourceNow>> {
        if let Some(source) = self.sources.get(id) {
            return Ok(Rc::clone(source));
        }
        let mut statement = self
            .tx
            .prepare_cached("SELECT state, review_s, expire_s, spec FROM source WHERE id = ?1")?;
        let source = statement.query_row([id], |row| {
            let state = SourceState::from_name(row.get_ref(0)?.as_str()?);
            Ok((state, row.get(1)?, row.get(2)?, row.get::<_, String>(3)?))
        })?;
        let (state, review, expire, spec) = source;
        let spec: super::SourceSpec = serde_json::from_str(&spec)?;
        let owner = spec.owner.map(|owner| owner.to_string());
        let source = SourceNow { state, review, expire, owner, authority: spec.authority };
        let source = Rc::new(source);
        self.sources.insert(id.to_owned(), Rc::clone(&source));
        Ok(source)
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
        let passes = self.circle.passes(&source_layer(&layer))
            && self.circle.passes_all(&Rule::from_stored(&layers));
        self.rules.insert(no, passes);
        Ok(passes)
    }

    fn own_layers(&self, version: VersionNo) -> Result<bool> {
        let own: Option<String> = self
            .tx
            .prepare_cached("SELECT access FROM version WHERE no = ?1")?
            .query_row([version.0], |row| row.get(0))?;
        Ok(own.is_none_or(|text| self.circle.passes_all(&Rule::from_stored(&text))))
    }
}

/// A source's layer as it is stored. One that can't be read, or gives no `allow`, lets nobody in.
pub(super) fn source_layer(text: &str) -> Layer {
    match serde_json::from_str::<Layer>(text) {
        Ok(layer) if layer.allow.is_some() => layer,
        Ok(_) => Layer::unreadable("the source gives no allow"),
        Err(error) => Layer::unreadable(error.to_string()),
    }
}

pub(super) fn expires(modified: Option<i64>, expire: Option<i64>) -> i64 {
    match (modified, expire) {
        (Some(modified), Some(after)) => modified.saturating_add(after),
        (_, None) => i64::MAX,
        (None, Some(_)) => i64::MIN,
    }
}

/// Computes the set of versions that all of these may see, reading one table row per document.
pub(super) fn compute(tx: &Transaction<'_>, circle: &Circle) -> Result<Visible> {
    let rules = passing_rules(tx, circle)?;
    let mut statement = tx.prepare_cached(
        "SELECT live, rule, live_modified FROM document WHERE live IS NOT NULL AND hidden = 0",
    )?;
    let mut rows = statement.query([])?;
    let mut versions = FixedBitSet::new();
    let mut sources: BTreeSet<Arc<str>> = BTreeSet::new();
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
            if !sources.contains(&passing.source) {
                sources.insert(Arc::clone(&passing.source));
            }
        }
    }
    let mut rules: Vec<i64> = rules.into_keys().collect();
    rules.sort_unstable();
    Ok(Visible::new(versions, rules, until, sources))
}

/// Computes the part of a set of versions that lies in these sources and is not older.
fn compute_narrow(tx: &Transaction<'_>, base: &Visible, narrowing: &Narrowing) -> Result<Visible> {
    let mut versions = FixedBitSet::with_capacity(base.versions.len());
    let mut found: BTreeSet<Arc<str>> = BTreeSet::new();
    let mut statement = tx.prepare_cached(
        "SELECT live, source, live_modified FROM document WHERE live IS NOT NULL",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (no, source): (u32, Arc<str>) = (row.get(0)?, row.get(1)?);
        let modified: Option<i64> = row.get(2)?;
        let wanted = narrowing.sources.as_ref().is_none_or(|wanted| wanted.contains(&source))
            && narrowing.modified_after.is_none_or(|after| modified.is_some_and(|at| at >= after));
        if wanted && base.versions.contains(no as usize) {
            versions.insert(no as usize);
            found.insert(source);
        }
    }
    Ok(Visible::new(versions, base.rules.clone(), base.until, found))
}

struct Passing {
    expire: Option<i64>,
    source: Arc<str>,
}

/// The rules of active sources that all of these pass, with their source's layer.
fn passing_rules(tx: &Transaction<'_>, circle: &Circle) -> Result<HashMap<i64, Passing>> {
    let mut statement = tx.prepare_cached(
        "SELECT r.no, r.layers, s.layer, s.expire_s, s.id FROM rule r JOIN source s ON s.id = r.source
         WHERE s.state = 'active' ORDER BY s.id",
    )?;
    let mut rows = statement.query([])?;
    let mut passing = HashMap::new();
    let mut current: Option<(Arc<str>, bool)> = None;
    while let Some(row) = rows.next()? {
        let id: Arc<str> = row.get(4)?;
        let (source, admitted) = match current.take() {
            Some((known, admitted)) if known == id => (known, admitted),
            _ => (id, circle.passes(&source_layer(&row.get::<_, String>(2)?))),
        };
        if admitted && circle.passes_all(&Rule::from_stored(&row.get::<_, String>(1)?)) {
            let source = Arc::clone(&source);
            passing.insert(row.get(0)?, Passing { expire: row.get(3)?, source });
        }
        current = Some((source, admitted));
    }
    Ok(passing)
}

/// What a version and its document say of [`Facts`].
const FACTS: &str = "v.uri, v.modified_at, v.approved_at, v.approved_by, v.owner";

/// Reads the columns of [`FACTS`], which begin at `first`, and adds what the source says.
fn facts(row: &Row<'_>, first: usize, source: &SourceNow) -> Result<Facts> {
    let modified: i64 = row.get(first + 1)?;
    let approved: Option<i64> = row.get(first + 2)?;
    let owner: Option<String> = row.get(first + 4)?;
    let due = source.review.map(|after| modified.saturating_add(after));
    Ok(Facts {
        uri: row.get(first)?,
        modified_at: rfc3339(modified),
        approved_at: approved.map(rfc3339),
        approved_by: row.get(first + 3)?,
        review_due: due.map(rfc3339),
        stale: due.is_some_and(|due| due < now()),
        owner: owner.or_else(|| source.owner.clone()).unwrap_or_default(),
        authority: source.authority,
    })
}

/// Makes a passage of a hit whose version the gate has let through.
fn passage(
    texts: &mut Texts<'_>,
    generation: u32,
    (place, score): (Place, f32),
    live: &Live,
) -> Result<Option<Passage>> {
    let mut statement = texts.tx.prepare_cached(
        "SELECT start, stop, page, heading, sections FROM chunk
         WHERE generation = ?1 AND version = ?2 AND place = ?3",
    )?;
    let mut rows = statement.query(params![generation, place.version.0, place.chunk])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let (start, end) = (row.get(0)?, row.get(1)?);
    Ok(Some(Passage {
        place,
        document: live.document.clone(),
        title: live.title.clone(),
        version: live.hash.clone(),
        language: live.language.clone(),
        text: texts.slice(place.version, start, end)?,
        start,
        end,
        page: row.get(2)?,
        pages: live.pages.clone(),
        heading: row.get(3)?,
        sections: serde_json::from_str(&row.get::<_, String>(4)?)?,
        score,
        facts: live.facts.clone(),
    }))
}

/// Slices of stored texts. Only the pages that a slice lies on are copied; a statement would copy the
/// whole text first. It reads the same state of the ledger as the transaction's statements.
struct Texts<'tx> {
    tx: &'tx Transaction<'tx>,
    /// Opened once, then moved from text to text.
    open: Option<Blob<'tx>>,
}

impl Texts<'_> {
    fn slice(&mut self, version: VersionNo, start: u32, end: u32) -> Result<String> {
        let row = i64::from(version.0);
        let text = match &mut self.open {
            Some(text) => {
                text.reopen(row)?;
                text
            }
            none => none.insert(self.tx.blob_open(MAIN_DB, c"version_text", c"text", row, true)?),
        };
        let mut bytes = vec![0; end.saturating_sub(start) as usize];
        text.read_at_exact(&mut bytes, start as usize)?;
        Ok(String::from_utf8(bytes)
            .map_err(|_| anyhow::anyhow!("a chunk of version {} splits a character", version.0))?)
    }
}

/// A part of the stored text of a version that the gate has opened.
pub(super) fn slice(
    tx: &Transaction<'_>,
    version: VersionNo,
    start: u32,
    end: u32,
) -> Result<String> {
    Texts { tx, open: None }.slice(version, start, end)
}

fn document_text(
    gate: &mut Gate<'_>,
    id: &DocumentId,
    wanted: VersionNo,
    live: VersionNo,
) -> Result<Option<DocumentText>> {
    let source = gate.source(&id.source)?;
    let mut statement = gate.tx.prepare_cached(&format!(
        "SELECT v.title, v.hash, v.language, t.text, v.pages,
           (SELECT hash FROM version WHERE no = ?2), {FACTS}
         FROM version v JOIN document d ON d.no = v.document
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
        facts: facts(row, 6, &source)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_set_keeps_its_name_whatever_it_was_narrowed_by() {
        let visible = |versions: &[usize]| {
            let versions = versions.iter().copied().collect();
            Visible::new(versions, Vec::new(), i64::MAX, BTreeSet::new())
        };
        let after = |at| Narrowing { sources: None, modified_after: Some(at) };
        let base = Arc::new(visible(&[1, 2, 3]));
        let first = base.keep(after(10), visible(&[2, 3]));
        let same = base.keep(after(11), visible(&[2, 3]));
        let other = base.keep(after(12), visible(&[3]));
        assert!(Arc::ptr_eq(&first, &same) && first.id != other.id);
        for at in 0..1000 {
            base.keep(after(at), visible(&[3]));
        }
        assert!(lock(&base.narrowed).len() <= KEPT_NARROWED);
    }
}
