//! `vouch audit`: what was shown to whom, and whether the record of it is whole.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::Session;
use super::key::{Ago, moment};
use super::output::{self, cell, items, safe};

const AUDIT: [&str; 3] = ["v1", "admin", "audit"];

/// `vouch audit`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Audit {
    #[command(subcommand)]
    act: Option<Act>,
    /// What this user was shown, as `user:NAME`
    #[arg(long)]
    user: Option<String>,
    /// To whom this document was shown, as `source/path`
    #[arg(long)]
    document: Option<String>,
    /// One answer, by its id
    #[arg(long)]
    answer: Option<String>,
    /// Records of one kind, such as `answer` or `source.pause`
    #[arg(long)]
    kind: Option<String>,
    /// Since then: 2025-03-01, 2025-03-01T12:00:00Z, or a span such as 7d
    #[arg(long, value_name = "T", value_parser = past)]
    since: Option<Timestamp>,
    /// Before then, in the same forms
    #[arg(long, value_name = "T", value_parser = past)]
    until: Option<Timestamp>,
    /// How many records, at most
    #[arg(long)]
    limit: Option<u64>,
    /// Print every record as a line of JSON; with --json as one document
    #[arg(long)]
    export: bool,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Check that no record was changed, taken out or cut off
    Verify {
        /// A hash kept elsewhere that the chain must reach, from `vouch status` or an export
        #[arg(long)]
        head: Option<String>,
    },
    /// Take out what a person asked and was shown; the chain of records still verifies
    Erase {
        /// The person, as `user:NAME`
        #[arg(long)]
        user: String,
        /// Why; goes to the audit
        #[arg(long)]
        why: Option<String>,
    },
}

fn past(text: &str) -> Result<Timestamp, String> {
    moment(text, Ago::Past)
}

impl Audit {
    pub(super) async fn run(self, session: &Session) -> Result<ExitCode> {
        match self.act {
            Some(Act::Verify { head }) => return verify(session, head).await,
            Some(Act::Erase { user, why }) => return erase(session, &user, why).await,
            None => {}
        }
        let query = [
            ("user", self.user),
            ("document", self.document),
            ("answer", self.answer),
            ("kind", self.kind),
            ("since", self.since.map(|since| since.to_string())),
            ("until", self.until.map(|until| until.to_string())),
            ("limit", self.limit.map(|limit| limit.to_string())),
            ("export", self.export.then(|| "1".to_owned())),
        ];
        if self.export {
            let mut lines = session.client.stream(Method::GET, &AUDIT, &query, None).await?;
            if session.json {
                return one_document(&lines.text().await?);
            }
            while let Some(bytes) = lines.chunk().await? {
                export(&bytes)?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        let body = session.client.get_with(&AUDIT, &query).await?;
        session.show(&body, |body| {
            let records = items(body, "records");
            if records.is_empty() {
                "No record fits.\n".to_owned()
            } else {
                records.iter().map(line).collect()
            }
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Passes an export on byte for byte: its hash may be compared.
fn export(bytes: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    std::io::Write::write_all(&mut out, bytes)?;
    Ok(())
}

/// An export as the one JSON document that `--json` promises.
fn one_document(lines: &str) -> Result<ExitCode> {
    let records: Vec<Value> = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    output::print(&output::json(&json!({ "records": records })))?;
    Ok(ExitCode::SUCCESS)
}

/// One record on one line: number, time, what happened, for which answer, and all the rest by name.
fn line(record: &Value) -> String {
    let first = ["seq", "at", "kind", "answer"];
    let mut parts: Vec<String> =
        first.iter().filter(|key| !record[**key].is_null()).map(|key| cell(record, key)).collect();
    // The person's part is gone where somebody was erased.
    for part in ["person", "body"] {
        for (key, value) in record[part].as_object().into_iter().flatten() {
            let text = value.as_str().map_or_else(|| value.to_string(), |text| format!("{text:?}"));
            parts.push(format!("{key}={}", safe(&text)));
        }
    }
    if record["withheld"] == true {
        parts.push("(the text is for auditors)".to_owned());
    }
    parts.join("  ") + "\n"
}

async fn erase(session: &Session, user: &str, why: Option<String>) -> Result<ExitCode> {
    let mut content = json!({ "user": user });
    if let Some(why) = why {
        content["why"] = why.into();
    }
    let body = session.client.post(&[&AUDIT[..], &["erase"]].concat(), &content).await?;
    session.show(&body, |body| {
        let records = output::count(body["records"].as_u64().unwrap_or(0), "record");
        format!("what {} asked and was shown is out of {records}\n", cell(body, "user"))
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn verify(session: &Session, head: Option<String>) -> Result<ExitCode> {
    let body =
        session.client.get_with(&["v1", "admin", "audit", "verify"], &[("head", head)]).await?;
    let whole = body["ok"] == true;
    session.show(&body, |body| {
        let (records, head) = (cell(body, "records"), cell(body, "head"));
        let mut text = if whole {
            format!("ok: {records} records, unchanged and complete\nhead: {head}\n")
        } else {
            format!("NOT WHOLE: {}\nrecords: {records}\nhead: {head}\n", cell(body, "problem"))
        };
        for note in items(body, "notes").iter().filter_map(Value::as_str) {
            text.push_str(&format!("NOTE: {}\n", safe(note)));
        }
        text
    })?;
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
