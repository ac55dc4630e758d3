//! `vouch approvals`, `approve`, `reject` and `withdraw`.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::Session;
use super::output::{cell, items, table};

const APPROVALS: [&str; 3] = ["v1", "admin", "approvals"];

/// `vouch approvals`
#[derive(Debug, Args)]
pub(super) struct Approvals {
    /// Of this source alone
    #[arg(long, value_name = "ID")]
    source: Option<String>,
}

/// `vouch approve`
#[derive(Debug, Args)]
pub(super) struct Approve {
    /// A source's id, or a document as `source/path`
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
    /// The document, as `source/path`
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
}

impl Approvals {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let body = session.client.get_with(&APPROVALS, &[("source", self.source)]).await?;
        session.show(&body, waiting)
    }
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
        decide(session, json!({ "target": self.document, "act": "withdraw", "why": self.why }))
            .await
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
            "Held for a second person: {} (by {}, {})\n",
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
    if parts.is_empty() { "Nothing waits for an approval.\n".to_owned() } else { parts.concat() }
}
