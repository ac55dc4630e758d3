//! `vouch reindex`, `generations` and `rollback`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};

use super::output::{cell, count, items, safe, table};
use super::source::state_of_documents;
use super::{Session, watch};

/// `vouch reindex`
#[derive(Debug, Args)]
pub(super) struct Reindex {
    /// Read this source's files again, instead of building a generation
    #[arg(long, value_name = "ID")]
    source: Option<String>,
    /// With the embedding model in this folder of the server's machine
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Only say what there would be to do
    #[arg(long)]
    dry_run: bool,
    /// Don't wait until the new generation answers
    #[arg(long)]
    no_wait: bool,
}

impl Reindex {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let mut content = json!({ "dry_run": self.dry_run });
        if let Some(model) = &self.model {
            // The server may have been started in another folder.
            let model =
                std::path::absolute(model).context("the model's path can't be made absolute")?;
            content["model"] = model.display().to_string().into();
        }
        if let Some(source) = &self.source {
            content["source"] = source.as_str().into();
            return self.extract_again(session, source, &content).await;
        }
        let begun = session.client.post(&["v1", "admin", "reindex"], &content).await?;
        let number = |key: &str| begun[key].as_u64().unwrap_or(0);
        let work = format!(
            "{}, about {}",
            count(number("versions"), "version"),
            count(number("chunks_estimate"), "chunk")
        );
        if self.dry_run {
            return session
                .show(&begun, |_| format!("a reindex would build a generation of {work}\n"));
        }
        let generation = number("generation");
        if self.no_wait {
            return session
                .show(&begun, |_| format!("generation {generation} is being built: {work}\n"));
        }
        let built = watch::generation(session, &begun).await?;
        session.show(&built, |built| {
            let chunks = count(built["chunks"].as_u64().unwrap_or(0), "chunk");
            format!(
                "generation {generation} is {}: {chunks}, {} embedded\n",
                cell(built, "state"),
                cell(built, "embedded")
            )
        })
    }

    /// Lets the server read a source's files again; no generation is built.
    async fn extract_again(&self, session: &Session, id: &str, content: &Value) -> Result<()> {
        let begun = session.client.post(&["v1", "admin", "reindex"], content).await?;
        let work = count(begun["versions"].as_u64().unwrap_or(0), "document");
        if self.dry_run {
            return session.show(&begun, |_| {
                format!("a reindex would read the files of {} again: {work}\n", safe(id))
            });
        }
        match begun["job"].as_u64() {
            Some(job) if !self.no_wait => {
                let source = watch::job(session, id, job).await?;
                session.show(&source, |source| state_of_documents(id, source))
            }
            Some(_) | None => session.show(&begun, |_| {
                format!("the files of {} are being read again: {work}\n", safe(id))
            }),
        }
    }
}

/// `vouch generations`
pub(super) async fn list(session: &Session) -> Result<()> {
    let body = session.client.get(&["v1", "admin", "generations"]).await?;
    session.show(&body, |body| {
        let columns = [
            ("GENERATION", "generation"),
            ("STATE", "state"),
            ("CREATED", "created_at"),
            ("CHUNKS", "chunks"),
            ("EMBEDDED", "embedded"),
            ("BEHIND", "behind"),
            ("SETTINGS", "settings_text"),
        ];
        let rows: Vec<Value> =
            items(body, "generations").iter().cloned().map(with_settings).collect();
        table(&rows, &columns)
    })
}

/// Adds the settings as `characters=1600 model=all-minilm-l6-v2`.
fn with_settings(mut generation: Value) -> Value {
    let settings = generation["settings"].as_object().map(|settings| {
        settings
            .keys()
            .map(|key| format!("{key}={}", cell(&generation["settings"], key)))
            .collect::<Vec<_>>()
            .join(" ")
    });
    generation["settings_text"] = settings.into();
    generation
}

/// `vouch rollback`
#[derive(Debug, Args)]
pub(super) struct Rollback {
    /// The generation to go back to [default: the one before the live one]
    generation: Option<u64>,
}

impl Rollback {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let content = match self.generation {
            Some(generation) => json!({ "generation": generation }),
            None => json!({}),
        };
        let body = session.client.post(&["v1", "admin", "rollback"], &content).await?;
        session.show(&body, |body| {
            let behind = match body["behind"].as_u64() {
                Some(behind) if behind > 0 => {
                    format!("; it catches up with {}", count(behind, "change"))
                }
                Some(_) | None => String::new(),
            };
            format!(
                "generation {} answers now instead of {}{behind}\n",
                cell(body, "generation"),
                cell(body, "previous")
            )
        })
    }
}
