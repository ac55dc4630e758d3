//! Generations of the indexes, and what they follow: the change log, chunks and embeddings.

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Actor, Ledger, Place, audit, now, rfc3339};
use crate::error::{Refusal, Result};
use crate::words::{Span, VersionNo};

/// Within so many seconds of its beginning a generation has the job that builds it.
const QUEUED_WITHIN: i64 = 60;

/// What is fixed for one generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The size that chunks aim at, in characters.
    pub chunk_characters: usize,
    /// The chunker's number.
    pub chunker: u32,
    /// The languages whose words are stemmed.
    pub languages: Vec<String>,
    /// The embedding model's name and the hash of its files; none: words alone.
    pub model: Option<String>,
    /// The folder that the model was loaded from.
    pub model_dir: Option<String>,
    /// How many numbers a vector has; 0 without a model.
    pub dimensions: usize,
}

/// The states of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GenerationState {
    /// Is being built beside the live one.
    Building,
    /// Answers.
    Live,
    /// Answered before; a rollback brings it back.
    Old,
}

/// A generation with its counts.
#[derive(Clone, Debug, Serialize)]
pub struct GenerationInfo {
    /// Its number.
    pub generation: u32,
    /// Its state.
    pub state: GenerationState,
    /// What is fixed for it.
    pub settings: Settings,
    /// When it was begun, RFC 3339.
    pub created_at: String,
    /// Its chunks.
    pub chunks: i64,
    /// Those that have vectors.
    pub embedded: i64,
}

/// Something that an index follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its place in the log.
    pub seq: i64,
    /// The version that it is about.
    pub version: VersionNo,
    /// What happened.
    pub act: ChangeAct,
}

/// What happened to a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeAct {
    /// It answers.
    Add,
    /// It no longer answers.
    Drop,
    /// Its document has another rule.
    Rule,
}

/// What chunking and the text index need of a version.
#[derive(Clone, Debug)]
pub struct VersionContent {
    /// The version.
    pub version: VersionNo,
    /// The document's id.
    pub document: String,
    /// The version's hash.
    pub hash: String,
    /// Its title.
    pub title: String,
    /// Its language, or empty.
    pub language: String,
    /// Its text.
    pub text: String,
    /// Byte offsets at which pages begin.
    pub pages: Vec<u32>,
}

/// A chunk that has no vectors yet.
#[derive(Clone, Debug)]
pub struct ChunkToEmbed {
    /// Where it is.
    pub place: Place,
    /// The document's title.
    pub title: String,
    /// The heading path.
    pub heading: String,
    /// The document's language, or empty.
    pub language: String,
    /// Its text.
    pub text: String,
    /// The vectors of the same text under the same title and heading, where another version has
    /// them already.
    pub known: Option<Vec<u8>>,
}

/// The stored vectors of one chunk.
#[derive(Clone, Debug)]
pub struct StoredEmbedding {
    /// Its number, which goes up.
    pub no: i64,
    /// The chunk.
    pub place: Place,
    /// What breaks ties: the same for the same chunk whatever else there is.
    pub stable: u64,
    /// The rule of its document now; none where the version no longer answers.
    pub rule: Option<i64>,
    /// Each window: a little-endian `f32` scale, then one signed byte for each dimension.
    pub windows: Vec<u8>,
}

impl Ledger {
    /// The live generation, made where there is none.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn live_generation(&self, settings: &Settings) -> Result<(u32, Settings)> {
        self.write(|tx| {
            let live: Option<(u32, String)> = tx
                .query_row("SELECT no, settings FROM generation WHERE state = 'live'", [], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()?;
            if let Some((no, stored)) = live {
                return Ok((no, serde_json::from_str(&stored)?));
            }
            let no = tx.query_row(
                "INSERT INTO generation (settings, state, created_at, live_at)
                 VALUES (?1, 'live', ?2, ?2) RETURNING no",
                params![serde_json::to_string(settings)?, now()],
                |row| row.get(0),
            )?;
            Ok((no, settings.clone()))
        })
    }

    /// Gives a generation without vectors the model that is there now.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn adopt_model(&self, no: u32, settings: &Settings) -> Result<()> {
        self.write(|tx| {
            tx.execute(
                "UPDATE generation SET settings = ?2 WHERE no = ?1
                 AND NOT EXISTS (SELECT 1 FROM embedding WHERE generation = ?1)",
                params![no, serde_json::to_string(settings)?],
            )?;
            Ok(())
        })
    }

    /// Begins a generation beside the live one. One that was begun and that no job will finish, as
    /// after a crash in between, is dropped first.
    ///
    /// # Errors
    /// One is being built already.
    pub fn begin_generation(&self, settings: &Settings, actor: &Actor) -> Result<u32> {
        self.write(|tx| {
            tx.execute(
                "DELETE FROM generation WHERE state = 'building' AND created_at < ?1
                 AND NOT EXISTS (SELECT 1 FROM job WHERE kind = 'reindex'
                   AND state IN ('queued', 'running') AND payload ->> 'generation' = no)",
                [now() - QUEUED_WITHIN],
            )?;
            if tx.prepare_cached("SELECT 1 FROM generation WHERE state = 'building'")?.exists([])? {
                return Err(Refusal::conflict(
                    "reindex_running",
                    "a generation is being built already",
                    "`vouch generations` shows how far it is",
                ));
            }
            let no = tx.query_row(
                "INSERT INTO generation (settings, state, created_at) VALUES (?1, 'building', ?2)
                 RETURNING no",
                params![serde_json::to_string(settings)?, now()],
                |row| row.get(0),
            )?;
            audit::act(
                tx,
                actor,
                "generation.begin",
                json!({"generation": no, "before": null, "after": settings}),
                None,
            )?;
            Ok(no)
        })
    }

    /// Makes a generation the live one; the live one becomes old. Returns the number before.
    ///
    /// # Errors
    /// No such generation.
    pub fn swap_generation(&self, no: u32, kind: &str, actor: &Actor) -> Result<u32> {
        self.write(|tx| {
            let before: u32 =
                tx.query_row("SELECT no FROM generation WHERE state = 'live'", [], |row| {
                    row.get(0)
                })?;
            tx.execute("UPDATE generation SET state = 'old' WHERE state = 'live'", [])?;
            let changed = tx.execute(
                "UPDATE generation SET state = 'live', live_at = ?2 WHERE no = ?1",
                params![no, now()],
            )?;
            if changed == 0 {
                return Err(no_such_generation(no));
            }
            audit::act(tx, actor, kind, json!({"before": before, "after": no}), None)?;
            Ok(before)
        })
    }

    /// Deletes a generation that is not live.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn drop_generation(&self, no: u32) -> Result<()> {
        self.write(|tx| {
            tx.execute("DELETE FROM generation WHERE no = ?1 AND state <> 'live'", [no])?;
            Ok(())
        })
    }

    /// Every generation, newest first.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn generations(&self) -> Result<Vec<GenerationInfo>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT no, state, settings, created_at,
                   (SELECT count(*) FROM chunk c WHERE c.generation = g.no),
                   (SELECT count(*) FROM chunk c WHERE c.generation = g.no AND c.embedded = 1)
                 FROM generation g ORDER BY no DESC",
            )?;
            let mut rows = statement.query([])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                let state: String = row.get(1)?;
                all.push(GenerationInfo {
                    generation: row.get(0)?,
                    state: match state.as_str() {
                        "live" => GenerationState::Live,
                        "building" => GenerationState::Building,
                        _ => GenerationState::Old,
                    },
                    settings: serde_json::from_str(&row.get::<_, String>(2)?)?,
                    created_at: rfc3339(row.get(3)?),
                    chunks: row.get(4)?,
                    embedded: row.get(5)?,
                });
            }
            Ok(all)
        })
    }

    /// The settings of one generation.
    ///
    /// # Errors
    /// No such generation.
    pub fn generation_settings(&self, no: u32) -> Result<Settings> {
        self.read(|tx| {
            let stored: Option<String> = tx
                .prepare_cached("SELECT settings FROM generation WHERE no = ?1")?
                .query_row([no], |row| row.get(0))
                .optional()?;
            let stored = stored.ok_or_else(|| no_such_generation(no))?;
            Ok(serde_json::from_str(&stored)?)
        })
    }

    /// The end of the change log.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn last_change(&self) -> Result<i64> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT coalesce(max(seq), 0) FROM change")?;
            Ok(statement.query_row([], |row| row.get(0))?)
        })
    }

    /// The next changes after a sequence number.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn changes_after(&self, seq: i64, limit: usize) -> Result<Vec<Change>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT seq, version, act FROM change WHERE seq > ?1 ORDER BY seq LIMIT ?2",
            )?;
            let rows = statement.query_map(params![seq, limit], |row| {
                let act: String = row.get(2)?;
                Ok(Change {
                    seq: row.get(0)?,
                    version: VersionNo(row.get(1)?),
                    act: match act.as_str() {
                        "add" => ChangeAct::Add,
                        "rule" => ChangeAct::Rule,
                        _ => ChangeAct::Drop,
                    },
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The content of a version that answers; `None` for any other. An index takes in nothing else.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn live_content(&self, version: VersionNo) -> Result<Option<VersionContent>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT d.source || '/' || d.path, v.hash, v.title, v.language, t.text, v.pages
                 FROM document d JOIN version v ON v.no = d.live JOIN version_text t ON t.version = v.no
                 WHERE d.live = ?1",
            )?;
            let mut rows = statement.query([version.0])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            Ok(Some(VersionContent {
                version,
                document: row.get(0)?,
                hash: row.get(1)?,
                title: row.get(2)?,
                language: row.get(3)?,
                text: row.get(4)?,
                pages: serde_json::from_str(&row.get::<_, String>(5)?)?,
            }))
        })
    }

    /// Writes down how versions were cut in a generation, in one transaction.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn put_chunks(&self, generation: u32, cut: &[(VersionNo, Vec<Span>)]) -> Result<()> {
        self.write(|tx| {
            let mut insert = tx.prepare_cached(
                "INSERT OR IGNORE INTO chunk (generation, version, place, start, stop, page, heading, sections)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?;
            for (version, spans) in cut {
                for (place, span) in spans.iter().enumerate() {
                    insert.execute(params![
                        generation,
                        version.0,
                        place,
                        span.start,
                        span.end,
                        span.page,
                        span.heading,
                        serde_json::to_string(&span.sections)?
                    ])?;
                }
            }
            Ok(())
        })
    }

    /// Forgets the chunks and vectors of versions in a generation.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn drop_chunks(&self, generation: u32, versions: &[VersionNo]) -> Result<()> {
        self.write(|tx| {
            for version in versions {
                for table in ["chunk", "embedding"] {
                    tx.prepare_cached(&format!(
                        "DELETE FROM {table} WHERE generation = ?1 AND version = ?2"
                    ))?
                    .execute(params![generation, version.0])?;
                }
            }
            Ok(())
        })
    }

    /// Chunks of a generation without vectors, newest version first.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn chunks_to_embed(&self, generation: u32, limit: usize) -> Result<Vec<ChunkToEmbed>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT c.version, c.place, v.title, c.heading, v.language,
                   substr(CAST(t.text AS BLOB), c.start + 1, c.stop - c.start),
                   (SELECT e.windows FROM version o
                      JOIN chunk k ON k.generation = c.generation AND k.version = o.no
                        AND k.start = c.start AND k.stop = c.stop AND k.heading = c.heading
                      JOIN embedding e ON e.generation = k.generation AND e.version = k.version
                        AND e.place = k.place
                      JOIN version_text u ON u.version = o.no AND u.text = t.text
                    WHERE o.document = v.document AND o.no <> v.no AND o.title = v.title LIMIT 1)
                 FROM chunk c INDEXED BY chunk_unembedded
                 JOIN version v ON v.no = c.version JOIN version_text t ON t.version = c.version
                 WHERE c.generation = ?1 AND c.embedded = 0
                 ORDER BY c.version DESC LIMIT ?2",
            )?;
            let rows = statement.query_map(params![generation, limit], |row| {
                Ok(ChunkToEmbed {
                    place: Place { version: VersionNo(row.get(0)?), chunk: row.get(1)? },
                    title: row.get(2)?,
                    heading: row.get(3)?,
                    language: row.get(4)?,
                    text: String::from_utf8_lossy(&row.get::<_, Vec<u8>>(5)?).into_owned(),
                    known: row.get(6)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Keeps the vectors of chunks. Those whose chunk is gone by now are left out; a chunk without
    /// windows (in a language that the model does not read) only counts as done.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn put_embeddings(&self, generation: u32, embedded: &[(Place, Vec<u8>)]) -> Result<()> {
        self.write(|tx| {
            for (place, windows) in embedded {
                let key = params![generation, place.version.0, place.chunk];
                let there = tx
                    .prepare_cached(
                        "UPDATE chunk SET embedded = 1
                         WHERE generation = ?1 AND version = ?2 AND place = ?3",
                    )?
                    .execute(key)?;
                if there > 0 && !windows.is_empty() {
                    tx.prepare_cached(
                        "INSERT OR REPLACE INTO embedding (generation, version, place, windows)
                         VALUES (?1, ?2, ?3, ?4)",
                    )?
                    .execute(params![
                        generation,
                        place.version.0,
                        place.chunk,
                        windows
                    ])?;
                }
            }
            Ok(())
        })
    }

    /// How many bytes of vectors the versions that answer have in a generation, up to a number, and
    /// the end of the change log at that moment.
    ///
    /// # Errors
    /// The ledger failed.
    pub(crate) fn embedded_bytes(&self, generation: u32, no: i64) -> Result<(i64, u64)> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT (SELECT coalesce(max(seq), 0) FROM change),
                   coalesce(sum(length(e.windows)), 0)
                 FROM embedding e JOIN document d ON d.live = e.version
                 WHERE e.generation = ?1 AND e.no <= ?2",
            )?;
            Ok(statement
                .query_row(params![generation, no], |row| Ok((row.get(0)?, row.get(1)?)))?)
        })
    }

    /// The stored vectors of a generation after a number, in order.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn embeddings_after(
        &self,
        generation: u32,
        no: i64,
        limit: usize,
    ) -> Result<Vec<StoredEmbedding>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(&format!(
                "{STORED} WHERE e.no > ?2 AND e.generation = ?1 ORDER BY e.no LIMIT ?3"
            ))?;
            let rows = statement.query_map(params![generation, no, limit], stored)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The stored vectors of single chunks; what is missing is left out.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn embeddings_of(&self, generation: u32, places: &[Place]) -> Result<Vec<StoredEmbedding>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(&format!(
                "{STORED} WHERE e.generation = ?1 AND e.version = ?2 AND e.place = ?3"
            ))?;
            let mut found = Vec::with_capacity(places.len());
            for place in places {
                let key = params![generation, place.version.0, place.chunk];
                found.extend(statement.query_row(key, stored).optional()?);
            }
            Ok(found)
        })
    }

    /// The stored vectors of one version, in the order of its chunks.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn embeddings_of_version(
        &self,
        generation: u32,
        version: VersionNo,
    ) -> Result<Vec<StoredEmbedding>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached(&format!(
                "{STORED} WHERE e.generation = ?1 AND e.version = ?2 ORDER BY e.place"
            ))?;
            let rows = statement.query_map(params![generation, version.0], stored)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The rule of the document that a version answers for; none where it no longer does.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn rule_of(&self, version: VersionNo) -> Result<Option<i64>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT rule FROM document WHERE live = ?1")?;
            Ok(statement.query_row([version.0], |row| row.get(0)).optional()?)
        })
    }

    /// Documents that answer, versions that wait, files that failed; over all sources.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn totals(&self) -> Result<(i64, i64, i64)> {
        self.read(|tx| {
            let count = |sql: &str| -> Result<i64> {
                Ok(tx.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
            };
            Ok((
                count(
                    "SELECT count(*) FROM document d JOIN source s ON s.id = d.source
                     WHERE d.live IS NOT NULL AND d.hidden = 0 AND s.state = 'active'",
                )?,
                count(
                    "SELECT count(*) FROM document d JOIN version v ON v.no = d.newest
                     WHERE v.state = 'waiting'",
                )?,
                count("SELECT count(*) FROM problem")?,
            ))
        })
    }
}

const STORED: &str =
    "SELECT e.no, e.version, e.place, CASE WHEN d.live = e.version THEN d.rule END,
    e.windows, d.source || '/' || d.path, v.hash
    FROM embedding e JOIN version v ON v.no = e.version JOIN document d ON d.no = v.document";

fn stored(row: &rusqlite::Row<'_>) -> rusqlite::Result<StoredEmbedding> {
    let place = Place { version: VersionNo(row.get(1)?), chunk: row.get(2)? };
    let (document, hash): (String, String) = (row.get(5)?, row.get(6)?);
    Ok(StoredEmbedding {
        no: row.get(0)?,
        place,
        stable: crate::search::stable_key(&document, &hash, place.chunk),
        rule: row.get(3)?,
        windows: row.get(4)?,
    })
}

fn no_such_generation(no: u32) -> crate::error::Error {
    Refusal::missing(
        "no_such_generation",
        format!("there is no generation {no}"),
        "`vouch generations` lists them",
    )
}
