//! `vouch approvals`, `approve`, `reject` and `withdraw`.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Session;
use super::output::{cell, fields, items, safe_lines, table};

const APPROVALS: [&str; 3] = ["v1", "admin", "approvals"];

/// `vouch approvals`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Approvals {
    #[command(subcommand)]
    act: Option<Act>,
    /// Of this source alone
    #[arg(long, value_name = "ID")]
    source: Option<String>,
    /// The decisions that were made as well, newest first
    #[arg(long)]
    history: bool,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Show the text of a version that waits or was approved; for its source's approvers, and audited
    Show {
        /// The document, as `source/path`
        document: String,
        /// The version, as `vouch approvals` lists it [default: the newest]
        #[arg(long, value_name = "V")]
        version: Option<String>,
    },
}

/// `vouch approve`
#[derive(Debug, Args)]
pub(super) struct Approve {
    /// A source's id, a document as `source/path`, or a held change as `held:7`
    target: String,
    /// The version, as `vouch approvals` lists it [default: the newest that waits]
    #[arg(long, value_name = "V")]
    version: Option<String>,
    /// A remark for the audit
    #[arg(long)]
    note: Option<String>,
}

/// `vouch reject`
#[derive(Debug, Args)]
pub(super) struct Reject {
    /// The document, as `source/path`, or a held change as `held:7`
    document: String,
    /// Why; goes to the audit
    #[arg(long)]
    why: String,
    /// The version [default: the newest that waits]
    #[arg(long, value_name = "V")]
    version: Option<String>,
}

/// `vouch withdraw`
#[derive(Debug, Args)]
pub(super) struct Withdraw {
    /// The document, as `source/path`
    document: String,
    /// Why; goes to the audit
    #[arg(long)]
    why: String,
    /// The version [default: the one that answers]
    #[arg(long, value_name = "V")]
    version: Option<String>,
}

impl Approvals {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        if let Some(Act::Show { document, version }) = self.act {
            return show(session, &document, version).await;
        }
        let history = self.history.then(|| "1".to_owned());
        let query = [("source", self.source), ("history", history)];
        let body = session.client.get_with(&APPROVALS, &query).await?;
        session.show(&body, |body| waiting(body) + &decisions(body))
    }
}

async fn show(session: &Session, document: &str, version: Option<String>) -> Result<()> {
    let segments: Vec<&str> = APPROVALS.into_iter().chain(document.split('/')).collect();
    let body = session.client.get_with(&segments, &[("version", version)]).await?;
    session.show(&body, |body| {
        let named = [
            ("document", "document"),
            ("version", "version"),
            ("state", "state"),
            ("title", "title"),
            ("language", "language"),
            ("original", "uri"),
            ("modified", "modified_at"),
            ("seen", "seen_at"),
            ("brought by", "brought_by"),
            ("approved by", "approved_by"),
            ("owner", "owner"),
            ("its own rule", "access"),
        ];
        let mut text = fields(body, &named);
        if !body["replaces"].is_null() {
            text.push_str(&fields(&body["replaces"], &[("would replace", "version")]));
        }
        format!("{text}\n{}", safe_lines(body["text"].as_str().unwrap_or_default()))
    })
}

fn decisions(body: &Value) -> String {
    let decisions = items(body, "history");
    if decisions.is_empty() {
        return String::new();
    }
    let columns = [
        ("DECIDED", "at"),
        ("ACT", "act"),
        ("BY", "by"),
        ("DOCUMENT", "document"),
        ("VERSION", "version"),
        ("NOTE", "note"),
    ];
    format!("\n{}", table(decisions, &columns))
}

impl Approve {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let content = json!({
            "target": self.target, "act": "approve", "version": self.version, "note": self.note
        });
        decide(session, content).await
    }
}

impl Reject {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let content = json!({
            "target": self.document, "act": "reject", "version": self.version, "why": self.why
        });
        decide(session, content).await
    }
}

impl Withdraw {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let content = json!({
            "target": self.document, "act": "withdraw", "version": self.version, "why": self.why
        });
        decide(session, content).await
    }
}

/// Sends a decision. What was not given is left out, and the server takes its own default.
async fn decide(session: &Session, mut content: Value) -> Result<()> {
    if let Some(fields) = content.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    let body = session.client.post(&APPROVALS, &content).await?;
    session.show(&body, |body| {
        let mut text = format!("{} is {} now\n", cell(body, "target"), cell(body, "state"));
        for version in items(body, "versions").iter().filter_map(Value::as_str) {
            text.push_str(&format!("  {}\n", super::output::safe(version)));
        }
        text
    })
}

fn waiting(body: &Value) -> String {
    let mut parts = Vec::new();
    for source in items(body, "sources").iter().filter_map(Value::as_str) {
        let id = super::output::safe(source);
        parts.push(format!("The source {id} is proposed: `vouch approve {id}` activates it.\n"));
    }
    for held in items(body, "held") {
        parts.push(format!(
            "held:{} waits for a second person: {} (by {}, {})\n",
            cell(held, "id"),
            cell(held, "what"),
            cell(held, "by"),
            cell(held, "at")
        ));
    }
    let documents = items(body, "approvals");
    if !documents.is_empty() {
        let columns = [
            ("DOCUMENT", "document"),
            ("SEEN", "seen_at"),
            ("BROUGHT BY", "brought_by"),
            ("VERSION", "version"),
        ];
        parts.push(table(documents, &columns));
    }
    for document in documents {
        if let Some(flag) = items(document, "flags").first() {
            parts.push(format!(
                "{} looks like instructions to a language model: it {} (byte {}).\n",
                cell(document, "document"),
                cell(flag, "reason"),
                cell(flag, "start")
            ));
        }
    }
    if parts.is_empty() { "Nothing waits for an approval.\n".to_owned() } else { parts.concat() }
}
