//! A Qdrant server as the vector store, for those who outgrow one machine.

use crate::error::Result;
use crate::ledger::{Clearance, StoredEmbedding};
use crate::search::Hit;
use crate::words::VersionNo;

/// Where the server is.
#[derive(Clone, Debug)]
pub struct QdrantSettings {
    /// Its gRPC address.
    pub url: String,
    /// Its key.
    pub api_key: Option<String>,
    /// The first part of the collections' names.
    pub collection: String,
}

/// A collection on a Qdrant server.
pub struct Qdrant {
    dimensions: usize,
    collection: String,
}

impl Qdrant {
    /// Connects lazily; nothing is sent before the first use.
    pub fn new(_settings: &QdrantSettings, _generation: u32, _dimensions: usize) -> Result<Self> {
        Err(anyhow::anyhow!("being written").into())
    }
    pub(crate) fn dimensions(&self) -> usize {
        self.dimensions
    }
    pub(crate) fn position_key(&self) -> String {
        format!("qdrant:{}", self.collection)
    }
    pub(crate) fn check(&self) -> Result<()> {
        Ok(())
    }
    pub(crate) fn add(&self, _stored: &[StoredEmbedding]) -> Result<()> {
        Ok(())
    }
    pub(crate) fn remove(&self, _version: VersionNo) -> Result<()> {
        Ok(())
    }
    pub(crate) fn set_rule(&self, _version: VersionNo, _rule: i64) -> Result<()> {
        Ok(())
    }
    pub(crate) fn nearest(&self, _c: &Clearance, _q: &[f32], _limit: usize) -> Result<Vec<Hit>> {
        Ok(vec![])
    }
}
