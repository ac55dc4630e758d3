//! `vouch source`: adding sources and looking after them.
//!
//! A source file is sent to the server as it is, which alone decides whether it can be. Only its keys
//! are looked at here, since here is the file's name and the person who can mend it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::control::Reason;
use super::failure::Failure;
use super::output::{aligned, cell, count, fields, items, safe, table};
use super::{Session, watch};
use crate::config::unknown_keys;

/// The keys of a source file.
const KEYS: [&str; 13] = [
    "id",
    "kind",
    "path",
    "owner",
    "purpose",
    "approvers",
    "approval",
    "review_every",
    "expire_after",
    "authority",
    "self_approval",
    "access.allow",
    "access.deny",
];

/// `vouch source`
#[derive(Debug, Subcommand)]
pub(super) enum SourceCommand {
    /// Add a source; active at once when you are one of its approvers
    Add(Given),
    /// Change a source to what the file says
    Update(Given),
    /// List all sources
    List,
    /// Show one source, its last syncs, and the files to look at: those that failed, with their reasons,
    /// and those that look like instructions to a language model
    Show(Named),
    /// List the documents of a source
    Documents(Named),
    /// Bring a folder source up to date
    Sync(Synced),
    /// Stop using a source for a while; counts from the next question
    Pause(Paused),
    /// Use a paused source again
    Resume(Named),
    /// Stop using a source for ever; counts from the next question
    Revoke(NamedWithReason),
    /// Delete what was made of a source; the audit stays
    Remove(Named),
}

/// A source file.
#[derive(Debug, Args)]
pub(super) struct Given {
    /// The source file (TOML)
    file: PathBuf,
    /// Don't wait until its documents are read
    #[arg(long)]
    no_wait: bool,
}

/// A source.
#[derive(Debug, Args)]
pub(super) struct Named {
    /// The source's id
    #[arg(value_parser = source_id)]
    id: String,
}

/// A source to bring up to date.
#[derive(Debug, Args)]
pub(super) struct Synced {
    /// The source's id
    #[arg(value_parser = source_id)]
    id: String,
    /// Don't wait until it is done
    #[arg(long)]
    no_wait: bool,
}

/// A source, and why something is done to it.
#[derive(Debug, Args)]
pub(super) struct NamedWithReason {
    /// The source's id
    #[arg(value_parser = source_id)]
    id: String,
    /// Why; goes to the audit
    #[arg(long)]
    why: String,
}

/// A source to pause, why, and how long.
#[derive(Debug, Args)]
pub(super) struct Paused {
    /// The source's id
    #[arg(value_parser = source_id)]
    id: String,
    #[command(flatten)]
    reason: Reason,
}

/// An id that can't be one would make another route of the address.
fn source_id(text: &str) -> Result<String, &'static str> {
    let sound = !text.is_empty() && !text.contains('/') && !text.starts_with('.');
    if sound { Ok(text.to_owned()) } else { Err("a source's id has no slash and no dot in front") }
}

const SOURCES: [&str; 3] = ["v1", "admin", "sources"];

fn route<'a>(id: &'a str, act: &'a [&'a str]) -> Vec<&'a str> {
    [&SOURCES[..], &[id], act].concat()
}

impl SourceCommand {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let client = &session.client;
        match self {
            Self::Add(given) => given.add(session).await,
            Self::Update(given) => given.update(session).await,
            Self::List => {
                let body = client.get(&SOURCES).await?;
                session.show(&body, list)
            }
            Self::Show(Named { id }) => {
                let body = client.get(&route(&id, &[])).await?;
                session.show(&body, details)
            }
            Self::Documents(Named { id }) => {
                let body = client.get(&route(&id, &["documents"])).await?;
                session.show(&body, documents)
            }
            Self::Sync(synced) => synced.run(session).await,
            Self::Pause(Paused { id, reason }) => {
                let body = client.post(&route(&id, &["pause"]), &reason.content()).await?;
                session.show(&body, |body| {
                    let until = match body["until"].as_str() {
                        Some(until) => format!(" until {}", safe(until)),
                        None => String::new(),
                    };
                    format!("{} is paused{until}; nothing of it is found any more\n", safe(&id))
                })
            }
            Self::Resume(Named { id }) => {
                let body = client.post(&route(&id, &["resume"]), &json!({})).await?;
                session.show(&body, |body| format!("{} is {}\n", safe(&id), cell(body, "state")))
            }
            Self::Revoke(NamedWithReason { id, why }) => {
                let body = client.post(&route(&id, &["revoke"]), &json!({ "why": why })).await?;
                session.show(&body, |body| {
                    format!(
                        "{id} is revoked for good; nothing of it is found any more\n  taken away: \
                         {}\n  `vouch source show {id}` counts what is left\n",
                        counts(&body["purged"]),
                        id = safe(&id)
                    )
                })
            }
            Self::Remove(Named { id }) => {
                let body = client.delete(&route(&id, &[])).await?;
                session.show(&body, |body| removed(&id, &body["removed"]))
            }
        }
    }
}

impl Given {
    async fn add(&self, session: &Session) -> Result<()> {
        let content = read(&self.file)?;
        let mut body = session.client.post(&SOURCES, &content).await?;
        if let Some(id) = body["id"].as_str().map(str::to_owned)
            && !self.no_wait
        {
            // An active folder is synced at once by the server; there is nothing to wait for otherwise.
            let seen = session.client.get(&route(&id, &[])).await?;
            if let Some(job) = watch::unfinished(&seen) {
                watch::job(session, &id, job).await?;
            }
            body = session.client.get(&route(&id, &[])).await?;
        }
        session.show(&body, added)
    }

    async fn update(&self, session: &Session) -> Result<()> {
        let content = read(&self.file)?;
        let Some(id) = content["id"].as_str() else {
            let title = format!("{} has no `id`", self.file.display());
            return Err(Failure::new(
                "bad_source",
                title,
                Some("write `id = \"…\"` as in `vouch source list`"),
            )
            .into());
        };
        let body = session.client.put(&route(id, &[]), &content).await?;
        session.show(&body, |body| match body["held"].as_str() {
            Some(held) => format!(
                "{} stays as it is until a second person decides: {}\n",
                safe(id),
                safe(held)
            ),
            None => format!("{} is changed\n", safe(id)),
        })
    }
}

impl Synced {
    async fn run(&self, session: &Session) -> Result<()> {
        let id = &self.id;
        let begun = session.client.post(&route(id, &["sync"]), &json!({})).await?;
        match begun["job"].as_u64() {
            Some(job) if !self.no_wait => {
                let body = watch::job(session, id, job).await?;
                session.show(&body, |body| state_of_documents(id, body))
            }
            Some(_) | None => session.show(&begun, |_| format!("{} is being synced\n", safe(id))),
        }
    }
}

/// Reads a source file and turns it into the JSON that the server expects.
fn read(file: &Path) -> Result<Value> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("can't read the source file {name}"))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        anyhow!("{name} is not valid TOML\n{}", error.to_string().trim_end())
    })?;
    let access = table.get("access").and_then(toml::Value::as_table);
    let below =
        access.into_iter().flat_map(|access| access.keys()).map(|key| format!("access.{key}"));
    let given: Vec<String> =
        table.keys().filter(|key| *key != "access").cloned().chain(below).collect();
    let unknown = unknown_keys(&given, &KEYS.map(str::to_owned), &name);
    if !unknown.is_empty() {
        return Err(Failure::new("bad_source", unknown.join("\n"), None).into());
    }
    serde_json::to_value(table)
        .with_context(|| format!("{name} holds a value that a source can't have"))
}

fn added(source: &Value) -> String {
    let id = cell(source, "id");
    match source["state"].as_str() {
        Some("proposed") => format!(
            "{id} is proposed; one of its approvers activates it with `vouch approve {id}`\napprovers: {}\n",
            cell(source, "approvers")
        ),
        Some(_) | None => state_of_documents(&id, source),
    }
}

/// `hr is active: 12 documents, 10 live, 2 waiting`, and what to do about the rest.
pub(super) fn state_of_documents(id: &str, source: &Value) -> String {
    let number = |key: &str| source[key].as_u64().unwrap_or(0);
    let mut parts =
        vec![count(number("documents"), "document"), format!("{} live", number("live"))];
    let mut hints = String::new();
    let id = safe(id);
    if number("waiting") > 0 {
        parts.push(format!("{} waiting", number("waiting")));
        hints.push_str(&format!(
            "  `vouch approvals --source {id}` lists what waits for an approval\n"
        ));
    }
    if number("failed") > 0 {
        parts.push(format!("{} failed", number("failed")));
        hints.push_str(&format!("  `vouch source show {id}` says why\n"));
    }
    if number("embedded") < number("chunks") {
        let left = number("chunks") - number("embedded");
        hints.push_str(&format!(
            "  found by words now; {} still to be embedded\n",
            count(left, "chunk")
        ));
    }
    format!("{id} is {}: {}\n{hints}", cell(source, "state"), parts.join(", "))
}

fn list(body: &Value) -> String {
    let sources = items(body, "sources");
    if sources.is_empty() {
        return "There is no source yet; `vouch source add FILE` adds one.\n".to_owned();
    }
    let columns = [
        ("ID", "id"),
        ("KIND", "kind"),
        ("STATE", "state"),
        ("DOCUMENTS", "documents"),
        ("LIVE", "live"),
        ("WAITING", "waiting"),
        ("FAILED", "failed"),
        ("SYNCING", "syncing"),
        ("LAST SYNC", "last_sync"),
        ("OWNER", "owner"),
    ];
    table(sources, &columns)
}

fn details(source: &Value) -> String {
    let named = [
        ("id", "id"),
        ("state", "state"),
        ("why", "why"),
        ("until", "until"),
        ("held", "held"),
        ("kind", "kind"),
        ("path", "path"),
        ("purpose", "purpose"),
        ("owner", "owner"),
        ("approvers", "approvers"),
        ("approval", "approval"),
        ("added by", "added_by"),
        ("approved by", "approved_by"),
        ("authority", "authority"),
        ("review every", "review_every"),
        ("expire after", "expire_after"),
        ("documents", "documents"),
        ("live", "live"),
        ("waiting", "waiting"),
        ("failed", "failed"),
        ("chunks", "chunks"),
        ("embedded", "embedded"),
        ("last sync", "last_sync"),
        ("may read", "allow"),
        ("may not", "deny"),
    ];
    let mut source = source.clone();
    for key in ["allow", "deny"] {
        source[key] = source["access"][key].take();
    }
    let source = &source;
    let mut text = fields(source, &named);
    if !source["purged"].is_null() {
        let left = &source["derived"];
        text.push_str(&format!(
            "\ntaken away: {}\nleft: {}, {} to be cleaned yet\n",
            counts(&source["purged"]),
            counts(left),
            count(left["indexes"].as_u64().unwrap_or(0), "index")
        ));
    }
    let jobs = items(source, "jobs");
    if !jobs.is_empty() {
        let columns = [
            ("JOB", "id"),
            ("KIND", "kind"),
            ("STATE", "state"),
            ("DONE", "done"),
            ("OF", "total"),
            ("STARTED", "started_at"),
            ("FINISHED", "finished_at"),
            ("DETAIL", "detail"),
        ];
        text.push_str(&format!("\n{}", table(jobs, &columns)));
    }
    let problems = items(source, "problems");
    if !problems.is_empty() {
        text.push_str(&format!("\n{} to look at:\n", count(problems.len() as u64, "file")));
        let line = |problem: &Value| {
            vec![format!("  {}:", cell(problem, "path")), cell(problem, "reason")]
        };
        text.push_str(&aligned(&problems.iter().map(line).collect::<Vec<_>>()));
    }
    text
}

/// `2 texts, 5 chunks, 5 vectors`
fn counts(of: &Value) -> String {
    let number = |key: &str, noun: &str| count(of[key].as_u64().unwrap_or(0), noun);
    [number("texts", "text"), number("chunks", "chunk"), number("vectors", "vector")].join(", ")
}

fn documents(body: &Value) -> String {
    let documents = items(body, "documents");
    if documents.is_empty() {
        return "The source holds no document.\n".to_owned();
    }
    let mut columns = vec![
        ("DOCUMENT", "document"),
        ("STATE", "state"),
        ("CHUNKS", "chunks"),
        ("EMBEDDED", "embedded"),
        ("MODIFIED", "modified_at"),
        ("NEWEST VERSION", "newest_version"),
        ("REASON", "reason"),
    ];
    let mut documents = documents.to_vec();
    for document in &mut documents {
        let place =
            |flag: &Value| format!("{} (byte {})", cell(flag, "reason"), cell(flag, "start"));
        let flags: Vec<_> = items(document, "flags").iter().map(place).collect();
        document["flags"] = flags.into();
    }
    if documents.iter().any(|document| !items(document, "flags").is_empty()) {
        columns.push(("LOOKS LIKE INSTRUCTIONS", "flags"));
    }
    table(&documents, &columns)
}

fn removed(id: &str, removed: &Value) -> String {
    let number = |key: &str, noun: &str| count(removed[key].as_u64().unwrap_or(0), noun);
    format!(
        "{} is removed: {}, {}, {} and {} deleted; the audit stays\n",
        safe(id),
        number("documents", "document"),
        number("versions", "version"),
        number("chunks", "chunk"),
        number("vectors", "vector")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_file_is_sent_as_it_is_and_a_misspelt_key_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hr.toml");
        std::fs::write(&file, "id = 'hr'\nauthority = 10\n[access]\nallow = ['everyone']").unwrap();
        assert_eq!(
            read(&file).unwrap(),
            json!({"id": "hr", "authority": 10, "access": {"allow": ["everyone"]}})
        );
        std::fs::write(&file, "id = 'hr'\nonwer = 'x'\n[access]\nalow = ['everyone']").unwrap();
        let message = read(&file).unwrap_err().to_string();
        assert!(
            message.contains("unknown key `onwer`") && message.contains("did you mean `owner`?"),
            "{message}"
        );
        assert!(
            message.contains("unknown key `access.alow`") && message.contains("`access.allow`?"),
            "{message}"
        );
    }
}
