//! The vector store of one generation: the exact scan in memory, or a Qdrant server.
//!
//! Both follow the ledger: they take in embeddings by their number and drops by the change log, and
//! are asked under a clearance. It is an enum and not a trait, because the set is closed.

mod exact;
mod qdrant;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::ledger::{Change, ChangeAct, Clearance, Ledger, Place, StoredEmbedding};
use crate::search::Hit;
use crate::words::VersionNo;

pub use exact::{Exact, Quantized};
pub use qdrant::{Look, Qdrant, QdrantSettings};

/// How many rows are read or sent at once.
const BATCH: usize = 512;
/// How often what a Qdrant server holds is counted.
const COUNT_AGAIN: Duration = Duration::from_secs(600);

/// The vectors of one generation.
pub struct Vectors {
    generation: u32,
    store: Store,
    /// Held by whoever brings the store up to the ledger.
    following: Mutex<()>,
    /// None for a Qdrant collection that this ledger has never written to.
    position: Mutex<Option<Position>>,
    /// When it last held all that it took in.
    counted: Mutex<Option<Instant>>,
}

/// Where the vectors are.
pub enum Store {
    /// In memory, read from the ledger at start.
    Embedded(RwLock<Exact>),
    /// On a Qdrant server.
    Qdrant(Qdrant),
}

/// How far a store follows the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Position {
    change: i64,
    embedding: i64,
}

impl Vectors {
    /// The vectors of a generation in this store. The embedded store begins empty and is filled by
    /// [`Vectors::follow`]; Qdrant goes on from where it stood.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn open(ledger: &Ledger, generation: u32, store: Store) -> Result<Self> {
        let position = match &store {
            Store::Embedded(_) => Some(Position::beginning(ledger)?),
            Store::Qdrant(qdrant) => match ledger.setting(&qdrant.position_key())? {
                Some(text) => Some(serde_json::from_str(&text)?),
                None => None,
            },
        };
        Ok(Self {
            generation,
            store,
            following: Mutex::default(),
            position: Mutex::new(position),
            counted: Mutex::default(),
        })
    }

    /// Brings the store up to the ledger. Returns how many chunks' vectors were taken in.
    ///
    /// A Qdrant server that lost the collection is filled again from the beginning; so is one that
    /// lost a part of it, which is looked for at the first call and then every ten minutes.
    ///
    /// # Errors
    /// The ledger or the store failed; the next call goes on from the same place.
    pub fn follow(&self, ledger: &Ledger) -> Result<usize> {
        let _following = self.following.lock().unwrap_or_else(PoisonError::into_inner);
        let mut position = self.begin(ledger)?;
        let mut taken = self.catch_up(ledger, &mut position)?;
        if let Some(lost) = self.lost_some(ledger, position)? {
            if lost {
                tracing::warn!("the vector store lost points; it is filled again");
                // Kept only as it goes on, so that what is there is found meanwhile.
                position.embedding = 0;
                taken += self.catch_up(ledger, &mut position)?;
            }
            *self.counted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        Ok(taken)
    }

    /// Takes in everything after a position.
    fn catch_up(&self, ledger: &Ledger, position: &mut Position) -> Result<usize> {
        let mut taken = 0;
        loop {
            let changes = ledger.changes_after(position.change, BATCH)?;
            let Some(last) = changes.last().map(|change| change.seq) else {
                break;
            };
            taken += self.apply(ledger, &changes, *position)?;
            position.change = last;
            self.keep(ledger, *position)?;
        }
        loop {
            let stored = ledger.embeddings_after(self.generation, position.embedding, BATCH)?;
            let Some(last) = stored.last().map(|embedding| embedding.no) else {
                break;
            };
            taken += self.add(stored)?;
            position.embedding = last;
            self.keep(ledger, *position)?;
        }
        Ok(taken)
    }

    /// Whether the store holds less than it took in, as when somebody deleted points. It is looked at
    /// now and then, and only while the ledger stands still, or the two could not be compared; `None`
    /// otherwise.
    fn lost_some(&self, ledger: &Ledger, position: Position) -> Result<Option<bool>> {
        let Store::Qdrant(qdrant) = &self.store else { return Ok(None) };
        let counted = *self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.is_some_and(|counted| counted.elapsed() < COUNT_AGAIN) {
            return Ok(None);
        }
        let (change, bytes) = ledger.embedded_bytes(self.generation, position.embedding)?;
        if change != position.change {
            return Ok(None);
        }
        // A window is a scale of four bytes and a byte for each dimension, and becomes one point.
        let windows = bytes / (4 + qdrant.dimensions() as u64);
        Ok(Some(qdrant.count()? < windows))
    }

    /// Where to go on from, with the store in order.
    fn begin(&self, ledger: &Ledger) -> Result<Position> {
        let (Store::Qdrant(qdrant), known) = (&self.store, self.position()) else {
            return Ok(self.position().unwrap_or_default());
        };
        match (qdrant.prepare()?, known) {
            (None, Some(position)) => Ok(position),
            (Some(0), Some(position)) if position.embedding == 0 => Ok(position),
            (Some(0), _) => {
                let position = Position::beginning(ledger)?;
                self.keep(ledger, position)?;
                Ok(position)
            }
            (Some(_), Some(position)) => Ok(position),
            // Somebody else who follows the same ledger may have made it in the meantime.
            (Some(_) | None, None) => match ledger.setting(&qdrant.position_key())? {
                Some(text) => Ok(serde_json::from_str(&text)?),
                None => Err(qdrant.not_ours()),
            },
        }
    }

    /// Carries out changes. Each version ends as the ledger has it now, so they may come in any
    /// order and twice. Returns how many chunks' vectors came back with a version.
    fn apply(&self, ledger: &Ledger, changes: &[Change], position: Position) -> Result<usize> {
        let mut gone = BTreeSet::new();
        let mut there = BTreeSet::new();
        let mut rules: BTreeMap<i64, BTreeSet<VersionNo>> = BTreeMap::new();
        for change in changes {
            match (change.act, ledger.rule_of(change.version)?) {
                (ChangeAct::Rule, Some(rule)) => {
                    rules.entry(rule).or_default().insert(change.version);
                }
                // One that was dropped and approved again may have kept its chunks: then its
                // vectors are not among those that are still to come.
                (ChangeAct::Add | ChangeAct::Drop, Some(_)) => {
                    there.insert(change.version);
                }
                (_, None) => {
                    gone.insert(change.version);
                }
            }
        }
        match &self.store {
            Store::Embedded(exact) => gone.iter().for_each(|version| write(exact).remove(*version)),
            Store::Qdrant(qdrant) => {
                if !gone.is_empty() {
                    qdrant.remove(&Vec::from_iter(gone))?;
                }
                for (rule, versions) in rules {
                    qdrant.set_rule(&Vec::from_iter(versions), rule)?;
                }
            }
        }
        let mut taken = 0;
        for version in there {
            let mut stored = ledger.embeddings_of_version(self.generation, version)?;
            stored.retain(|embedding| embedding.no <= position.embedding);
            if !stored.is_empty() {
                taken += self.add(stored)?;
            }
        }
        Ok(taken)
    }

    /// Lets the store take in the vectors of versions that answer.
    fn add(&self, mut stored: Vec<StoredEmbedding>) -> Result<usize> {
        stored.retain(|embedding| embedding.rule.is_some());
        match &self.store {
            Store::Embedded(exact) => write(exact).add(&stored),
            Store::Qdrant(qdrant) => qdrant.add(&stored)?,
        }
        Ok(stored.len())
    }

    /// The visible chunks nearest to a question.
    pub(crate) fn nearest(
        &self,
        clearance: &Clearance,
        question: &[f32],
        limit: usize,
    ) -> Result<Vec<Hit>> {
        match &self.store {
            Store::Embedded(exact) => {
                read(exact).nearest(clearance, &Quantized::from_vector(question), limit)
            }
            // Nothing of this ledger is there yet; but that the server is gone must be said.
            Store::Qdrant(qdrant) if self.position().is_none_or(|at| at.embedding == 0) => {
                qdrant.check()?;
                Ok(Vec::new())
            }
            Store::Qdrant(qdrant) => qdrant.nearest(clearance, question, limit),
        }
    }

    /// The scores of single chunks, from the rows that the ledger keeps whatever the store is.
    pub(crate) fn scores(
        &self,
        ledger: &Ledger,
        question: &[f32],
        places: &[Place],
    ) -> Result<Vec<Hit>> {
        let question = Quantized::from_vector(question);
        match &self.store {
            Store::Embedded(exact) => read(exact).scores(&question, places),
            Store::Qdrant(qdrant) => {
                let mut exact = Exact::new(qdrant.dimensions());
                exact.add(&ledger.embeddings_of(self.generation, places)?);
                exact.scores(&question, places)
            }
        }
    }

    /// Which store it is, for people.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match &self.store {
            Store::Embedded(_) => "embedded",
            Store::Qdrant(_) => "qdrant",
        }
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// Why it does not.
    pub fn check(&self) -> Result<()> {
        match &self.store {
            Store::Embedded(_) => Ok(()),
            Store::Qdrant(qdrant) => qdrant.check(),
        }
    }

    /// Whether there are embeddings that the store has not taken in yet.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn behind(&self, ledger: &Ledger) -> Result<bool> {
        let position = self.position().unwrap_or_default();
        Ok(!ledger.embeddings_after(self.generation, position.embedding, 1)?.is_empty())
    }

    /// Deletes the collections of generations that the ledger no longer has. Returns how many. Only
    /// those that this ledger filled are touched; it remembers them until they are deleted, so that a
    /// server that is gone can be asked again later.
    ///
    /// # Errors
    /// The ledger failed, or the server does not answer.
    pub fn clear_away(ledger: &Ledger, settings: &QdrantSettings) -> Result<usize> {
        let beginning = qdrant::position_key(&format!("{}-", settings.collection));
        let filled = ledger.setting_keys(&beginning)?;
        let kept: BTreeSet<u32> =
            ledger.generations()?.into_iter().map(|about| about.generation).collect();
        let mut deleted = 0;
        for key in filled {
            // The rest is the number, or this is a collection with a longer name.
            let number = key.strip_prefix(&beginning).and_then(|number| number.parse().ok());
            if let Some(number) = number.filter(|number| !kept.contains(number)) {
                Qdrant::new(settings, number, 0)?.drop_collection()?;
                ledger.forget_setting(&key)?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    fn position(&self) -> Option<Position> {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, ledger: &Ledger, position: Position) -> Result<()> {
        if let Store::Qdrant(qdrant) = &self.store {
            ledger.set_setting(&qdrant.position_key(), &serde_json::to_string(&position)?)?;
        }
        *self.position.lock().unwrap_or_else(PoisonError::into_inner) = Some(position);
        Ok(())
    }
}

impl Position {
    /// Where an empty store begins: every embedding, and the changes from now on. What was dropped
    /// before now has no rule when it is read, and is left out.
    fn beginning(ledger: &Ledger) -> Result<Self> {
        Ok(Self { change: ledger.last_change()?, embedding: 0 })
    }
}

fn read(exact: &RwLock<Exact>) -> std::sync::RwLockReadGuard<'_, Exact> {
    exact.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(exact: &RwLock<Exact>) -> std::sync::RwLockWriteGuard<'_, Exact> {
    exact.write().unwrap_or_else(PoisonError::into_inner)
}
