//! The first half of a document's path: source -> extraction worker -> version in the ledger.
//!
//! Jobs are on disk before they are acknowledged and are taken up again after a crash. Each file is a
//! transaction of its own, so a sync that was cut off has lost nothing and goes on where it stood.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, stream};
use vouch_index::ledger::{
    Brought, FoldersFollowed, FoldersSeen, Job, JobKind, Known, Push, Pushed, Seen, SourceKind,
    SourceState,
};
use vouch_index::{Actor, DocumentId, Extracted, FileKind, Rule};
use vouch_ingest::folder::ACCESS_FILE;
use vouch_ingest::{EXTRACTOR, ExtractError, Found, Walk, inside_roots, walk, worker};

use crate::app::App;

/// How often the queue is looked at.
const PAUSE: Duration = Duration::from_millis(100);
/// A sync notes its progress after this many files.
const PROGRESS_EVERY: usize = 16;

/// Works through the queue until the task is dropped.
pub async fn run(app: Arc<App>, kind: JobKind) {
    loop {
        let taken = app.blocking(move |app| Ok(app.ledger.take_job(&[kind])?)).await;
        let job: Option<Job> = taken.unwrap_or_else(|error: anyhow::Error| {
            tracing::error!(%error, "the queue can't be read");
            None
        });
        let Some(job) = job else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let outcome = match job.kind {
            JobKind::Sync => sync(&app, &job).await,
            JobKind::Extract => extract_pushed(&app, &job).await,
            JobKind::Reindex => super::indexing::reindex(&app, &job).await,
        };
        end(&app, &job, Arc::new(outcome)).await;
    }
}

/// Writes down what became of a job; while the ledger can't be written, that is tried again.
async fn end(app: &Arc<App>, job: &Job, outcome: Arc<Result<String>>) {
    if let Err(error) = &*outcome {
        let reason = format!("{error:#}");
        tracing::warn!(job = job.id, kind = ?job.kind, source = job.source, reason, "a job failed");
    }
    let again = job.kind == JobKind::Extract && (*outcome).as_ref().is_err_and(passing);
    let id = job.id;
    loop {
        let outcome = Arc::clone(&outcome);
        let kept = app.blocking(move |app| {
            let outcome = (*outcome).as_ref().map_err(|error| format!("{error:#}"));
            match outcome {
                Err(reason) if again => {
                    app.ledger.postpone_job(id, &format!("will be tried again: {reason}"))?;
                }
                outcome => app.ledger.finish_job(id, &outcome.cloned())?,
            }
            anyhow::Ok(())
        });
        let Err(error) = kept.await else { return };
        tracing::error!(%error, job = id, "a job's end can't be written");
        tokio::time::sleep(PAUSE * 10).await;
    }
}

/// Whether the same push may well succeed later: neither its file nor its source is to blame.
fn passing(error: &anyhow::Error) -> bool {
    if let Some(error) = error.downcast_ref::<ExtractError>() {
        return error.worth_retrying();
    }
    let refused = matches!(error.downcast_ref(), Some(vouch_index::Error::Refused(_)));
    !refused && !error.is::<Gone>()
}

/// The bytes of a push are not what they were. Trying again would not bring them back.
#[derive(Debug, thiserror::Error)]
#[error("the pushed bytes are gone or damaged; push the document again")]
struct Gone;

/// Removes incoming files that no job waits for: what a killed server was just receiving, and what a
/// removed source left. Called at start, while nothing comes in.
///
/// # Errors
/// The ledger or the folder can't be read.
pub fn sweep(app: &App) -> Result<()> {
    let awaited = app.ledger.awaited_files()?;
    for entry in std::fs::read_dir(app.incoming())? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| awaited.contains(name)) {
            continue;
        }
        if let Err(error) = std::fs::remove_file(entry.path()) {
            tracing::warn!(%error, file = %entry.path().display(), "a stray file can't be removed");
        }
    }
    Ok(())
}

/// Queues a sync of every folder source that follows its folder, again and again.
pub async fn schedule(app: Arc<App>) {
    let every = app.config.sources.sync_every;
    if every.is_zero() {
        return;
    }
    loop {
        tokio::time::sleep(every).await;
        let queued = app
            .blocking(|app| {
                for source in app.ledger.sources()? {
                    let follows = matches!(source.state, SourceState::Active | SourceState::Paused);
                    if follows && source.spec.kind == SourceKind::Folder {
                        let payload = serde_json::Value::Null;
                        app.ledger.queue_job(
                            JobKind::Sync,
                            Some(&source.spec.id),
                            &payload,
                            "schedule",
                        )?;
                    }
                }
                anyhow::Ok(())
            })
            .await;
        if let Err(error) = queued {
            tracing::error!(%error, "syncs can't be queued");
        }
    }
}

/// What a sync did, for its report.
#[derive(Default)]
struct Tally {
    new: usize,
    changed: usize,
    moved_rule: usize,
    deleted: usize,
    unchanged: usize,
}

/// Brings a folder source up to date: new, changed, moved and deleted files, and changed rules.
async fn sync(app: &Arc<App>, job: &Job) -> Result<String> {
    let id = job.source.clone().context("a sync needs a source")?;
    let again = job.payload["extract_again"].as_bool().unwrap_or(false);
    let Look { walk, known, moved, folders } = look(app, &id, &job.actor).await?;
    let mut problems: BTreeMap<String, String> = walk
        .problems
        .iter()
        .map(|problem| (problem.path.clone(), problem.reason.clone()))
        .collect();
    problems.extend(folders.refused.iter().map(|folder| refused(folder)));
    let total = walk.files.len();
    let mut done = 0;
    let mut tally = Tally::default();
    let known = Arc::new(known);
    let steps = walk.files.clone().into_iter().map(|file| {
        let (app, id, known) = (Arc::clone(app), id.clone(), Arc::clone(&known));
        async move {
            let known = known.get(&file.path).filter(|_| !again);
            let step = step(&app, &id, &file, known).await;
            (file.path, step)
        }
    });
    let mut steps = stream::iter(steps).buffer_unordered(app.config.extraction.workers.max(1));
    while let Some((path, step)) = steps.next().await {
        match step? {
            Step::Unchanged if moved.contains(&path) => tally.moved_rule += 1,
            Step::Unchanged => tally.unchanged += 1,
            Step::Rule => tally.moved_rule += 1,
            Step::Brought if known.contains_key(&path) => tally.changed += 1,
            Step::Brought => tally.new += 1,
            Step::Failed(reason) => {
                problems.insert(path, reason);
            }
        }
        done += 1;
        if done % PROGRESS_EVERY == 0 || done == total {
            let job = job.id;
            app.blocking(move |app| anyhow::Ok(app.ledger.job_progress(job, done, total)?)).await?;
        }
    }
    tally.deleted = forget(app, &id, &walk, &known).await?;
    let (failed, skipped) = (problems.len(), walk.skipped.values().sum::<u64>());
    let source = id.clone();
    app.blocking(move |app| anyhow::Ok(app.ledger.finish_sync(&source, &problems)?)).await?;
    let held = folders.held.map(|held| format!("; waits for a second person: {}", held.notice()));
    Ok(format!(
        "{} new, {} changed, {} with another rule, {} deleted, {} unchanged, {failed} with problems, \
         {skipped} of other formats{}",
        tally.new,
        tally.changed,
        tally.moved_rule,
        tally.deleted,
        tally.unchanged,
        held.unwrap_or_default()
    ))
}

/// What a refused rule is listed as, for as long as its folder says it.
fn refused(folder: &str) -> (String, String) {
    let between = if folder.is_empty() { "" } else { "/" };
    let reason = "a second person refused to let in more people, so the rule before it counts as well; \
                  put that one back (what is written after the next sync is asked for anew)";
    (format!("{folder}{between}{ACCESS_FILE}"), reason.to_owned())
}

/// What a sync begins with.
struct Look {
    walk: Walk,
    known: BTreeMap<String, Known>,
    /// Known documents that got other layers of their folders.
    moved: BTreeSet<String>,
    folders: FoldersFollowed,
}

/// Walks the folder, reads what is known of it, and lets its rules count as far as they may: the files
/// of the walk get the layers that are in force.
async fn look(app: &Arc<App>, id: &str, asked: &str) -> Result<Look> {
    let (id, asked) = (id.to_owned(), program(asked));
    app.blocking(move |app| {
        let source = app.ledger.source(&id)?;
        if !matches!(source.state, SourceState::Active | SourceState::Paused) {
            bail!("source `{id}` is not active");
        }
        let path = source.spec.path.as_deref().context("a push source has no folder to sync")?;
        let root = inside_roots(Path::new(path), &app.config.sources.roots)?;
        let mut walk = walk(&root, &app.extraction_limits())?;
        let before = app.ledger.known(&id)?;
        let seen = FoldersSeen {
            said: walk.folders.clone(),
            unread: walk.unread.clone(),
            gone: gone(&walk, &before).cloned().collect(),
        };
        let folders = app.ledger.follow_folders(&id, &seen, &asked)?;
        for file in &mut walk.files {
            let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let rule = folders.rules.get(folder).context("a file lies in a folder")?;
            file.rule.clone_from(rule);
        }
        let known = app.ledger.known(&id)?;
        let moved = known.iter().filter(|(path, now)| {
            before.get(*path).is_some_and(|before| before.place != now.place)
        });
        let moved = moved.map(|(path, _)| path.clone()).collect();
        Ok(Look { walk, known, moved, folders })
    })
    .await
}

/// The known documents that a folder no longer holds.
fn gone<'a>(
    walk: &'a Walk,
    known: &'a BTreeMap<String, Known>,
) -> impl Iterator<Item = &'a String> {
    let here: BTreeSet<&str> = walk.files.iter().map(|file| file.path.as_str()).collect();
    known.keys().filter(move |path| !here.contains(path.as_str()) && !walk.unread_above(path))
}

enum Step {
    Unchanged,
    Rule,
    Brought,
    Failed(String),
}

/// One file of a sync.
async fn step(app: &Arc<App>, id: &str, file: &Found, known: Option<&Known>) -> Result<Step> {
    let same = known.filter(|known| known.hash == file.sha256 && known.extractor == EXTRACTOR);
    let rule_changed = known.is_some_and(|known| known.place != file.rule);
    if same.is_some() && !rule_changed {
        return Ok(Step::Unchanged);
    }
    // The ledger has given known documents the rule of their folders already, before the slow work
    // begins; what came in while a second person agreed to a wider one gets it here.
    if rule_changed {
        set_place(app, id, &file.path, &file.rule).await?;
    }
    if same.is_some() {
        return Ok(Step::Rule);
    }
    let input = worker::Input {
        kind: file.kind,
        name: &file.path,
        file: &file.file,
        sha256: Some(&file.sha256),
    };
    match worker::extract(&app.program, &input, &app.extraction_limits()).await {
        Err(error) => Ok(Step::Failed(error.to_string())),
        Ok(extracted) => {
            let (id, file) = (id.to_owned(), file.clone());
            app.blocking(move |app| bring(app, &id, &file, &extracted)).await?;
            Ok(Step::Brought)
        }
    }
}

fn bring(app: &App, id: &str, file: &Found, extracted: &Extracted) -> Result<Brought> {
    let seen = Seen {
        path: &file.path,
        hash: &file.sha256,
        extractor: EXTRACTOR,
        extracted,
        place: &file.rule,
        uri: None,
        modified_at: seconds(&file.modified_at).unwrap_or_else(vouch_index::ledger::now),
        push: None,
    };
    Ok(app.ledger.bring(id, &seen)?.1)
}

async fn set_place(app: &Arc<App>, id: &str, path: &str, place: &Rule) -> Result<()> {
    let (id, path, place) = (id.to_owned(), path.to_owned(), place.clone());
    app.blocking(move |app| Ok(app.ledger.set_place(&id, &path, &place)?)).await
}

/// Deletes what the folder no longer holds, and carries approvals over to files that only moved.
async fn forget(
    app: &Arc<App>,
    id: &str,
    walk: &Walk,
    known: &BTreeMap<String, Known>,
) -> Result<usize> {
    let gone: Vec<&String> = gone(walk, known).collect();
    let mut moves = Vec::new();
    for path in &gone {
        let hash = &known[*path].hash;
        let new = walk.files.iter().filter(|file| !known.contains_key(&file.path));
        moves.extend(new.filter(|file| file.sha256 == *hash).map(|file| {
            let of = |path: &str| DocumentId { source: id.to_owned(), path: path.to_owned() };
            (of(path), of(&file.path))
        }));
    }
    let gone: Vec<DocumentId> = gone
        .into_iter()
        .map(|path| DocumentId { source: id.to_owned(), path: path.clone() })
        .collect();
    app.blocking(move |app| {
        for (from, to) in &moves {
            app.ledger.carry_approval(from, to)?;
        }
        for document in &gone {
            app.ledger.delete_document(document, &program("sync"))?;
        }
        Ok(gone.len())
    })
    .await
}

/// Extracts one pushed file and takes it in. Its bytes stay until the ledger holds the text, or it is
/// certain that they can't be read.
async fn extract_pushed(app: &Arc<App>, job: &Job) -> Result<String> {
    let id = job.source.clone().context("a push needs a source")?;
    let Ok(pushed) = serde_json::from_value::<Pushed>(job.payload.clone()) else {
        return Err(Gone.into());
    };
    let file = app.incoming().join(&pushed.incoming);
    let mut outcome = take_pushed(app, &id, &pushed, (&file, job.id)).await;
    if let Err(error) = &outcome {
        let changed = matches!(error.downcast_ref(), Some(ExtractError::Changed));
        let opened = !matches!(error.downcast_ref(), Some(ExtractError::NotOpened(_)));
        // A file that is there and can't be opened, for want of descriptors, is opened later.
        if changed || (!opened && matches!(tokio::fs::try_exists(&file).await, Ok(false))) {
            outcome = Err(Gone.into());
        }
    }
    if let Err(error) = &outcome {
        let (id, path, reason) = (id.clone(), pushed.path.clone(), format!("{error:#}"));
        let job = job.id;
        app.blocking(move |app| anyhow::Ok(app.ledger.note_problem(job, &id, &path, &reason)?))
            .await?;
        if passing(error) {
            return outcome;
        }
    }
    // The bytes are no longer needed: the ledger holds the text. After a crash between the two the
    // job runs again and finds the same version.
    match tokio::fs::remove_file(&file).await {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            tracing::warn!(%error, file = %file.display(), "a taken file can't be removed");
        }
        Ok(()) | Err(_) => {}
    }
    outcome
}

async fn take_pushed(
    app: &Arc<App>,
    id: &str,
    pushed: &Pushed,
    (file, job): (&Path, i64),
) -> Result<String> {
    let known = app.blocking({
        let id = id.to_owned();
        let path = pushed.path.clone();
        move |app| anyhow::Ok(app.ledger.known(&id)?.remove(&path))
    });
    let same = known.await?.is_some_and(|known| {
        known.hash == pushed.hash
            && known.extractor == EXTRACTOR
            && known.said.as_deref() == Some(&pushed.said())
    });
    if same {
        let document = DocumentId { source: id.to_owned(), path: pushed.path.clone() };
        let access = pushed.access.clone();
        let again = app.blocking(move |app| app.ledger.push_again(&document, access.as_ref()));
        if again.await? {
            return Ok("at most the rule was new".to_owned());
        }
    }
    // Whom this push leaves out is out before the slow work begins, and also where that work fails.
    // Whom it lets in waits for an approval, were it of the same bytes: the layers of the versions
    // that were brought before stay as they are, and the place adds one to them.
    let narrower = Rule(pushed.access.iter().cloned().collect());
    set_place(app, id, &pushed.path, &narrower).await?;
    let kind = pushed.kind.unwrap_or(FileKind::Text);
    let input = worker::Input { kind, name: &pushed.path, file, sha256: Some(&pushed.hash) };
    let mut extracted = worker::extract(&app.program, &input, &app.extraction_limits()).await?;
    say(&mut extracted, pushed);
    let (id, pushed) = (id.to_owned(), pushed.clone());
    app.blocking(move |app| {
        let said = pushed.said();
        let seen = Seen {
            path: &pushed.path,
            hash: &pushed.hash,
            extractor: EXTRACTOR,
            extracted: &extracted,
            place: &Rule::default(),
            uri: pushed.uri.as_deref(),
            modified_at: vouch_index::ledger::now(),
            push: Some(Push {
                by: &pushed.brought_by,
                said: &said,
                access: pushed.access.as_ref(),
                job,
            }),
        };
        let (_, brought) = app.ledger.bring(&id, &seen)?;
        Ok(format!("{brought:?}").to_lowercase())
    })
    .await
}

/// What a push says takes the place of what the file says.
fn say(extracted: &mut Extracted, pushed: &Pushed) {
    if let Some(title) = &pushed.title {
        extracted.title.clone_from(title);
    }
    if let Some(language) = &pushed.language {
        extracted.language.clone_from(language);
    }
    if pushed.owner.is_some() {
        extracted.owner.clone_from(&pushed.owner);
    }
    if pushed.modified_at.is_some() {
        extracted.modified_at.clone_from(&pushed.modified_at);
    }
}

fn program(name: &str) -> Actor {
    Actor { name: name.to_owned(), principals: BTreeSet::new(), administrator: false }
}

fn seconds(rfc3339: &str) -> Option<i64> {
    rfc3339.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}
