//! The second half of a document's path: ledger -> chunks -> text index -> vectors.
//!
//! The indexes follow the ledger's change log from where they stand. Text is found within a second
//! of an approval; embedding is by far the slowest step and follows in the background, newest first.
//! A reindex is the same work on another generation, beside the one that answers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use vouch_index::embed::Embedder;
use vouch_index::ledger::{ChunkToEmbed, GenerationState, Job, Ledger};
use vouch_index::search::Generation;
use vouch_index::text::TextIndex;
use vouch_index::vectors::{Qdrant, Store, Vectors};
use vouch_index::{Actor, Place};

use crate::app::{App, INDEX_FOLDER, Live, index_folder, index_folders, qdrant};

/// Changes that become one commit of the text index.
const CHANGES: usize = 256;
/// Chunks that are embedded between two writes.
const CHUNKS: usize = 256;
/// How often the ledger is looked at for changes.
const PAUSE: Duration = Duration::from_millis(50);
/// How often what dropped generations left behind is looked for.
const CLEAR_AGAIN: Duration = Duration::from_secs(60);
/// How often what was revoked is looked for in the files of indexes.
const CLEAN_AGAIN: Duration = Duration::from_millis(500);
/// Generations that are kept for a rollback, besides the live one.
const KEPT: usize = 1;

/// Keeps the live generation's text index up to the ledger until the task is dropped.
pub async fn follow(app: Arc<App>) {
    loop {
        let followed = app.blocking(|app| follow_text(&app.ledger, &app.live().generation)).await;
        match followed {
            Ok(changes) if changes > 0 => {}
            Ok(_) => tokio::time::sleep(PAUSE).await,
            Err(error) => {
                tracing::error!("the text index can't follow the ledger: {error:#}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Keeps the vector stores up to the ledger until the task is dropped: the live generation's filled,
/// those of dropped ones cleared away. It is a task of its own, so that a Qdrant server that is gone
/// never delays words.
pub async fn follow_vectors(app: Arc<App>) {
    tokio::join!(fill(&app), clear(&app));
}

/// Takes what was revoked or removed out of the files of every generation's indexes, until the task is
/// dropped. Nobody is shown it any more by then; this is about what lies on the disk.
pub async fn clean(app: Arc<App>) {
    loop {
        if let Err(error) = app.blocking(clean_some).await {
            tracing::warn!("what was revoked is not out of every index yet: {error:#}");
        }
        tokio::time::sleep(CLEAN_AGAIN).await;
    }
}

fn clean_some(app: &App) -> Result<()> {
    for (job, file) in app.ledger.pushes_to_clean()? {
        let file = std::path::Path::new(&file).file_name().map(|name| app.incoming().join(name));
        match file.map(std::fs::remove_file) {
            Some(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).context("a pushed file can't be removed");
            }
            Some(_) | None => app.ledger.push_cleaned(job)?,
        }
    }
    for (number, change) in app.ledger.indexes_to_clean()? {
        if clean_generation(app, number, change)? {
            app.ledger.index_cleaned(number, change)?;
        }
    }
    Ok(())
}

/// Cleans one generation's indexes. `false`: it has to follow the ledger first.
fn clean_generation(app: &App, number: u32, change: i64) -> Result<bool> {
    let live = app.live();
    if live.generation.number == number {
        let behind = match &live.generation.vectors {
            Some(vectors) => vectors.behind(&app.ledger)?,
            None => false,
        };
        if behind || live.generation.text.seq() < change {
            return Ok(false);
        }
        live.generation.text.clean()?;
        return Ok(true);
    }
    let state = app.ledger.generations()?.into_iter().find(|about| about.generation == number);
    match state.map(|about| about.state) {
        // Who builds it holds its index. It follows the ledger, and is cleaned once it is complete.
        Some(GenerationState::Building | GenerationState::Live) => Ok(false),
        None => Ok(true),
        Some(GenerationState::Old) => clean_old(app, number).map(|()| true),
    }
}

/// An old generation takes no new documents, but what is revoked leaves it as well. It stays at its
/// own place in the change log, and catches up from there should it ever answer again.
fn clean_old(app: &App, number: u32) -> Result<()> {
    let ledger = &app.ledger;
    let settings = ledger.generation_settings(number)?;
    let text = TextIndex::open(&index_folder(&app.config, number), &settings.languages)?;
    let mut after = text.seq();
    loop {
        let changes = ledger.changes_after(after, CHANGES)?;
        let Some(last) = changes.last() else { break };
        after = last.seq;
        let mut gone = BTreeSet::new();
        for change in changes {
            if ledger.live_content(change.version)?.is_none() {
                gone.insert(change.version);
            }
        }
        text.apply(&[], &Vec::from_iter(gone), text.seq())?;
    }
    text.clean()?;
    if let (Some(qdrant), Some(_)) = (qdrant(&app.config)?, &settings.model) {
        let store = Store::Qdrant(Qdrant::new(&qdrant, number, settings.dimensions)?);
        Vectors::open(ledger, number, store)?.follow(ledger)?;
    }
    Ok(())
}

async fn clear(app: &Arc<App>) {
    loop {
        if let Err(error) = app.blocking(clear_away).await {
            tracing::warn!("what dropped generations left behind stays for now: {error:#}");
        }
        tokio::time::sleep(CLEAR_AGAIN).await;
    }
}

async fn fill(app: &Arc<App>) {
    loop {
        let followed = app
            .blocking(|app| match &app.live().generation.vectors {
                Some(vectors) => anyhow::Ok(vectors.follow(&app.ledger)?),
                None => Ok(0),
            })
            .await;
        match followed {
            Ok(taken) if taken > 0 => {}
            Ok(_) => tokio::time::sleep(PAUSE).await,
            Err(error) => {
                tracing::warn!("the vector store can't follow the ledger: {error:#}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Embeds what the live generation still lacks, until the task is dropped.
pub async fn embed(app: Arc<App>) {
    loop {
        let embedded = app.blocking(|app| embed_some(&app.ledger, &app.live())).await;
        match embedded {
            Ok(chunks) if chunks > 0 => {}
            Ok(_) => tokio::time::sleep(PAUSE).await,
            Err(error) => {
                tracing::error!("embedding failed: {error:#}");
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        }
    }
}

/// Takes the next changes into the text index. Returns how many there were.
///
/// A version that is named several times ends as the ledger has it now, so a replay does no harm.
///
/// # Errors
/// The ledger or the index failed; the next call goes on from the same place.
pub fn follow_text(ledger: &Ledger, generation: &Generation) -> Result<usize> {
    let changes = ledger.changes_after(generation.text.seq(), CHANGES)?;
    let Some(last) = changes.last() else { return Ok(0) };
    let versions: BTreeSet<_> = changes.iter().map(|change| change.version).collect();
    let (mut add, mut drop) = (Vec::new(), Vec::new());
    for version in versions {
        match ledger.live_content(version)? {
            Some(content) => {
                let target = generation.settings.chunk_characters;
                let spans = vouch_ingest::chunks(&content.text, &content.pages, target);
                add.push((content, spans));
            }
            None => drop.push(version),
        }
    }
    let cut: Vec<_> = add.iter().map(|(content, spans)| (content.version, spans.clone())).collect();
    ledger.put_chunks(generation.number, &cut)?;
    generation.text.apply(&add, &drop, last.seq)?;
    ledger.drop_chunks(generation.number, &drop)?;
    Ok(changes.len())
}

/// Embeds the next chunks of a generation and lets its store take them in. Returns how many.
///
/// # Errors
/// The model or the ledger failed.
pub fn embed_some(ledger: &Ledger, live: &Live) -> Result<usize> {
    let generation = &live.generation;
    let (Some(embedder), Some(vectors)) = (&live.embedder, &generation.vectors) else {
        return Ok(0);
    };
    let chunks = ledger.chunks_to_embed(generation.number, CHUNKS)?;
    let embedded = embed_all(embedder, &chunks)?;
    ledger.put_embeddings(generation.number, &embedded)?;
    if !chunks.is_empty() {
        take_in(ledger, vectors);
    }
    Ok(chunks.len())
}

/// Lets a store take in what is embedded. Returns how many chunks it was. A store that can't has not
/// lost them: they are in the ledger, and whoever follows the live generation tries again.
fn take_in(ledger: &Ledger, vectors: &Vectors) -> usize {
    vectors.follow(ledger).unwrap_or_else(|error| {
        tracing::warn!("the vector store can't take in what is embedded: {error:#}");
        0
    })
}

/// Embeds chunks on every lane at once; each lane takes the next one when it is free.
fn embed_all(embedder: &Embedder, chunks: &[ChunkToEmbed]) -> Result<Vec<(Place, Vec<u8>)>> {
    let next = AtomicUsize::new(0);
    let lane = |lane: usize| -> Result<Vec<(Place, Vec<u8>)>> {
        let mut done = Vec::new();
        while let Some(chunk) = chunks.get(next.fetch_add(1, Ordering::Relaxed)) {
            let windows = match &chunk.known {
                Some(known) => known.clone(),
                None if embedder.reads(&chunk.language) => {
                    embedder.chunk(lane, &chunk.title, &chunk.heading, &chunk.text)?
                }
                None => Vec::new(),
            };
            done.push((chunk.place, windows));
        }
        Ok(done)
    };
    let lanes = std::thread::scope(|scope| {
        let running: Vec<_> =
            (0..embedder.lanes()).map(|number| scope.spawn(move || lane(number))).collect();
        running.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let mut all = Vec::with_capacity(chunks.len());
    for done in lanes {
        all.extend(done.map_err(|_| anyhow::anyhow!("an embedding lane panicked"))??);
    }
    Ok(all)
}

/// Builds a generation beside the live one and swaps when it is complete.
///
/// # Errors
/// The generation can't be built. It is dropped, and the live one goes on answering.
pub async fn reindex(app: &Arc<App>, job: &Job) -> Result<String> {
    let number = job.payload["generation"].as_u64().context("a reindex needs a generation")?;
    let number = u32::try_from(number)?;
    let built = build(app, job, number).await;
    let failed = built.is_err();
    let cleared = app.blocking(move |app| {
        if failed {
            drop_unfinished(app, number)?;
        } else {
            drop_old(app)?;
        }
        clear_away(app)
    });
    if let Err(error) = cleared.await {
        // Neither changes what became of the reindex, and both are tried again.
        tracing::warn!("what the reindex left behind stays for now: {error:#}");
    }
    built
}

async fn build(app: &Arc<App>, job: &Job, number: u32) -> Result<String> {
    let live = Arc::new(app.blocking(move |app| app.open_generation(number)).await?);
    let (id, actor) = (job.id, job.actor.clone());
    loop {
        let building = Arc::clone(&live);
        let worked = app.blocking(move |app| build_some(app, &building, id)).await?;
        if worked == 0 {
            break;
        }
    }
    app.blocking(move |app| {
        let before = app.ledger.swap_generation(number, "generation.swap", &actor_named(&actor))?;
        app.set_live(live);
        Ok(format!("generation {number} answers in place of {before}"))
    })
    .await
}

/// One round of building; 0 when the generation has everything that the ledger has.
fn build_some(app: &App, building: &Live, job: i64) -> Result<usize> {
    let ledger = &app.ledger;
    let mut worked = follow_text(ledger, &building.generation)?;
    if worked == 0 {
        worked = embed_some(ledger, building)?;
    }
    if let (0, Some(vectors)) = (worked, &building.generation.vectors) {
        worked = take_in(ledger, vectors);
    }
    let number = building.generation.number;
    let about = ledger.generations()?.into_iter().find(|about| about.generation == number);
    let about = about.context("the generation was dropped while it was built")?;
    let count = |count: i64| usize::try_from(count).unwrap_or(0);
    ledger.job_progress(job, count(about.embedded), count(about.chunks))?;
    Ok(worked)
}

/// Lets an earlier generation answer again, at once. It then catches up with the ledger.
///
/// # Errors
/// There is no such generation, or it can't be opened.
pub fn rollback(
    app: &App,
    wanted: Option<u32>,
    actor: &Actor,
) -> Result<(u32, u32), crate::http::ApiError> {
    let live = app.live().generation.number;
    let mut old = app.ledger.generations()?;
    old.retain(|about| about.state == GenerationState::Old);
    let found = old.iter().find(|about| match wanted {
        Some(wanted) => about.generation == wanted,
        None => about.generation < live,
    });
    let Some(old) = found else { return Err(nothing_to_go_back_to(wanted, &old)) };
    let live = Arc::new(app.open_generation(old.generation)?);
    let before = app.ledger.swap_generation(old.generation, "generation.rollback", actor)?;
    app.set_live(live);
    Ok((old.generation, before))
}

fn nothing_to_go_back_to(
    wanted: Option<u32>,
    old: &[vouch_index::ledger::GenerationInfo],
) -> crate::http::ApiError {
    let title = match wanted {
        Some(wanted) => format!("there is no generation {wanted} to go back to"),
        None => "there is no earlier generation to go back to".to_owned(),
    };
    let names: Vec<_> = old.iter().map(|about| about.generation.to_string()).collect();
    let hint = if names.is_empty() {
        "`vouch generations` lists them; a reindex keeps the one before".to_owned()
    } else {
        format!("kept besides the live one: {}; name one of them", names.join(", "))
    };
    crate::http::ApiError::conflict("no_generation", title, hint)
}

/// Drops all but the newest old generations.
fn drop_old(app: &App) -> Result<()> {
    let old = app
        .ledger
        .generations()?
        .into_iter()
        .filter(|about| about.state == GenerationState::Old)
        .skip(KEPT);
    for about in old {
        app.ledger.drop_generation(about.generation)?;
    }
    Ok(())
}

/// Drops a generation that can't be completed, and nothing else under its number.
fn drop_unfinished(app: &App, number: u32) -> Result<()> {
    let unfinished = app
        .ledger
        .generations()?
        .into_iter()
        .any(|about| about.generation == number && about.state == GenerationState::Building);
    if unfinished {
        app.ledger.drop_generation(number)?;
    }
    Ok(())
}

/// Deletes the folders and the Qdrant collections of generations that are dropped. What can't be
/// deleted now stays until the next time; it takes room and is never read.
fn clear_away(app: &App) -> Result<()> {
    // The folders first: a generation that is begun in between is in the ledger before its folder is.
    let mut folders = folders(app)?;
    for about in app.ledger.generations()? {
        folders.remove(&about.generation);
    }
    for folder in folders.values() {
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(%error, folder = %folder.display(), "an old index can't be removed");
            }
            Ok(()) | Err(_) => {}
        }
    }
    if let Some(settings) = qdrant(&app.config)? {
        Vectors::clear_away(&app.ledger, &settings)
            .context("the Qdrant collections of dropped generations")?;
    }
    Ok(())
}

/// The folders of generations, by their numbers. Anything else beside them is somebody else's.
fn folders(app: &App) -> Result<BTreeMap<u32, PathBuf>> {
    let above = index_folders(&app.config);
    if !above.exists() {
        return Ok(BTreeMap::new());
    }
    let named = || format!("{} can't be listed", above.display());
    let mut folders = BTreeMap::new();
    for entry in std::fs::read_dir(&above).with_context(named)? {
        let entry = entry.with_context(named)?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(INDEX_FOLDER)?.parse().ok());
        if let Some(number) = number {
            folders.insert(number, entry.path());
        }
    }
    Ok(folders)
}

fn actor_named(name: &str) -> Actor {
    Actor { name: name.to_owned(), principals: BTreeSet::new(), administrator: true }
}
