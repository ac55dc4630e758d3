//! The vector store of one generation: the exact scan in memory, or a Qdrant server.
//!
//! Both follow the ledger: they take in embeddings by their number and drops by the change log, and
//! are asked under a clearance. It is an enum and not a trait, because the set is closed.

mod exact;
mod qdrant;

use std::sync::{Mutex, PoisonError, RwLock};

use crate::error::Result;
use crate::ledger::{ChangeAct, Clearance, Ledger, Place};
use crate::search::Hit;

pub use exact::{Exact, Quantized};
pub use qdrant::{Qdrant, QdrantSettings};

/// How many rows are read or sent at once.
const BATCH: usize = 512;

/// The vectors of one generation.
pub struct Vectors {
    generation: u32,
    store: Store,
    position: Mutex<Position>,
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
            // Nothing that was dropped before now can be among the embeddings that are read next.
            Store::Embedded(_) => Position {
                change: ledger.last_change()?,
                embedding: 0,
            },
            Store::Qdrant(qdrant) => match ledger.setting(&qdrant.position_key())? {
                Some(text) => serde_json::from_str(&text)?,
                None => Position::default(),
            },
        };
        Ok(Self {
            generation,
            store,
            position: Mutex::new(position),
        })
    }

    /// Brings the store up to the ledger. Returns how many chunks' vectors were taken in.
    ///
    /// # Errors
    /// The ledger or the store failed; the next call goes on from the same place.
    pub fn follow(&self, ledger: &Ledger) -> Result<usize> {
        let mut position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = 0;
        loop {
            let changes = ledger.changes_after(position.change, BATCH)?;
            let Some(last) = changes.last().map(|change| change.seq) else {
                break;
            };
            for change in changes {
                let rule = ledger.rule_of(change.version)?;
                match (&self.store, change.act, rule) {
                    (Store::Embedded(exact), ChangeAct::Drop, None) => {
                        write(exact).remove(change.version);
                    }
                    (Store::Qdrant(qdrant), ChangeAct::Drop, None) => {
                        qdrant.remove(change.version)?;
                    }
                    (Store::Qdrant(qdrant), ChangeAct::Rule, Some(rule)) => {
                        qdrant.set_rule(change.version, rule)?;
                    }
                    (_, ChangeAct::Add | ChangeAct::Rule | ChangeAct::Drop, _) => {}
                }
            }
            position.change = last;
            self.keep(ledger, *position)?;
        }
        loop {
            let stored = ledger.embeddings_after(self.generation, position.embedding, BATCH)?;
            let Some(last) = stored.last().map(|embedding| embedding.no) else {
                break;
            };
            match &self.store {
                Store::Embedded(exact) => write(exact).add(&stored),
                Store::Qdrant(qdrant) => qdrant.add(&stored)?,
            }
            taken += stored.len();
            position.embedding = last;
            self.keep(ledger, *position)?;
        }
        Ok(taken)
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

    /// How many embeddings the store has not taken in yet; 0 for none.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn behind(&self, ledger: &Ledger) -> Result<bool> {
        let position = *self.position.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(!ledger
            .embeddings_after(self.generation, position.embedding, 1)?
            .is_empty())
    }

    fn keep(&self, ledger: &Ledger, position: Position) -> Result<()> {
        match &self.store {
            Store::Embedded(_) => Ok(()),
            Store::Qdrant(qdrant) => {
                ledger.set_setting(&qdrant.position_key(), &serde_json::to_string(&position)?)
            }
        }
    }
}

fn read(exact: &RwLock<Exact>) -> std::sync::RwLockReadGuard<'_, Exact> {
    exact.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(exact: &RwLock<Exact>) -> std::sync::RwLockWriteGuard<'_, Exact> {
    exact.write().unwrap_or_else(PoisonError::into_inner)
}
