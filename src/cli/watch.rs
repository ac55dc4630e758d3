//! Waiting for long work: a progress bar on a terminal, silence elsewhere.
//!
//! The work runs in the server and goes on when the command is stopped.

use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::Session;
use super::failure::Failure;
use super::output::{cell, items};

const PAUSE: Duration = Duration::from_millis(200);

/// The jobs that are not over yet.
pub(super) fn unfinished(source: &Value) -> Option<u64> {
    let open = |job: &&Value| !matches!(job["state"].as_str(), Some("done" | "failed") | None);
    items(source, "jobs").iter().find(open).and_then(|job| job["id"].as_u64())
}

/// Waits until a job of a source is over, and returns the source as it is then.
pub(super) async fn job(session: &Session, source: &str, job: u64) -> Result<Value> {
    let bar = bar(session, source);
    loop {
        let body = session.client.get(&["v1", "admin", "sources", source]).await?;
        let found = items(&body, "jobs").iter().find(|candidate| candidate["id"] == job);
        let state = found.and_then(|job| job["state"].as_str()).unwrap_or("done");
        if let Some(job) = found {
            step(&bar, job["done"].as_u64(), job["total"].as_u64());
        }
        match state {
            "done" => {
                bar.finish_and_clear();
                return Ok(body);
            }
            "failed" => {
                bar.finish_and_clear();
                let detail = found.map(|job| cell(job, "detail")).unwrap_or_default();
                let hint = format!("`vouch source show {source}` lists what went wrong");
                let title = format!("the sync of {source} failed: {detail}");
                return Err(Failure::new("job_failed", title, Some(&hint)).into());
            }
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Waits until the generation of a reindex that was begun answers, and returns it.
pub(super) async fn generation(session: &Session, begun: &Value) -> Result<Value> {
    let number = begun["generation"].as_u64().unwrap_or(0);
    let estimate = begun["chunks_estimate"].as_u64().unwrap_or(0);
    let bar = bar(session, "words");
    loop {
        let body = session.client.get(&["v1", "admin", "generations"]).await?;
        let found =
            items(&body, "generations").iter().find(|candidate| candidate["generation"] == number);
        let Some(generation) = found else {
            bar.finish_and_clear();
            return Err(why_gone(session, number, &begun["job"]).await?.into());
        };
        let (chunks, embedded) = (generation["chunks"].as_u64(), generation["embedded"].as_u64());
        // Words come first; once they are there, the bar goes on with the vectors.
        if chunks.unwrap_or(0) < estimate {
            step(&bar, chunks, Some(estimate));
        } else {
            bar.set_prefix("meaning");
            step(&bar, embedded, chunks);
        }
        match generation["state"].as_str() {
            Some("building") => tokio::time::sleep(PAUSE).await,
            _ => {
                bar.finish_and_clear();
                return Ok(generation.clone());
            }
        }
    }
}

/// Why a generation that was being built is gone: its job says so once it has ended.
async fn why_gone(session: &Session, number: u64, job: &Value) -> Result<Failure> {
    loop {
        let status = session.client.get(&["v1", "admin", "status"]).await?;
        let found = items(&status, "jobs").iter().find(|candidate| candidate["id"] == *job);
        match found.and_then(|job| job["state"].as_str()) {
            Some("queued" | "running") => tokio::time::sleep(PAUSE).await,
            Some("failed") => {
                let reason = found.map(|job| cell(job, "detail")).unwrap_or_default();
                let title = format!("generation {number} could not be built: {reason}");
                let hint = "the generation before it still answers";
                return Ok(Failure::new("job_failed", title, Some(hint)));
            }
            Some(_) | None => {
                let title = format!(
                    "generation {number} is gone; another reindex may have taken its place"
                );
                let hint = "see `vouch generations`";
                return Ok(Failure::new("generation_gone", title, Some(hint)));
            }
        }
    }
}

fn bar(session: &Session, prefix: &str) -> ProgressBar {
    if !session.watched() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {elapsed}");
    let bar = ProgressBar::new(0).with_prefix(prefix.to_owned());
    match style {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

fn step(bar: &ProgressBar, done: Option<u64>, total: Option<u64>) {
    bar.set_length(total.unwrap_or(0));
    bar.set_position(done.unwrap_or(0));
}
