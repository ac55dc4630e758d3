//! `vouch access`: why somebody sees a document or does not, and groups from a file.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::Session;
use super::group;
use super::output::{aligned, cell, items, safe};

/// `vouch access`
#[derive(Debug, Subcommand)]
pub(super) enum AccessCommand {
    /// Say why a user sees a document, or why not, and what would change it
    Explain(Explain),
    /// Load groups and members from JSON lines: {"group": "hr", "members": ["user:a@example.com"]}
    Load {
        /// The file; each group in it gets exactly the members that it lists
        file: PathBuf,
    },
}

/// `vouch access explain`
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The user, as `vouch user list` shows it
    #[arg(long)]
    user: String,
    /// The document, as SOURCE/PATH [default: how much of each source the user may see]
    #[arg(long)]
    document: Option<String>,
    /// A group that only the user's token names; may be given several times
    #[arg(long = "group", value_name = "G")]
    groups: Vec<String>,
}

impl AccessCommand {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        match self {
            Self::Explain(explain) => explain.run(session).await,
            Self::Load { file } => group::load(session, &file).await,
        }
    }
}

impl Explain {
    async fn run(self, session: &Session) -> Result<()> {
        let people = if self.document.is_some() { explained } else { overview };
        let mut query = vec![("user", Some(self.user)), ("document", self.document)];
        query.extend(self.groups.into_iter().map(|group| ("group", Some(group))));
        let body = session.client.get_with(&["v1", "admin", "access", "explain"], &query).await?;
        session.show(&body, people)
    }
}

/// Every condition on a line, with the way to its group and what would change it below.
fn explained(body: &Value) -> String {
    let verdict = if body["sees"] == true { "sees" } else { "does not see" };
    let mut text = format!("{} {verdict} {}\n", cell(body, "user"), cell(body, "document"));
    for check in items(body, "checks") {
        let mark = if check["passes"] == true { "yes" } else { "NO " };
        text.push_str(&format!("  {mark}  {}\n", cell(check, "says")));
        for way in items(check, "through") {
            text.push_str(&format!("         {}\n", chain(way)));
        }
        if let Some(change) = check["change"].as_str() {
            text.push_str(&format!("         to change it: {}\n", safe(change)));
        }
    }
    for held in items(body, "held") {
        let (what, id) = (cell(held, "what"), cell(held, "id"));
        text.push_str(&format!(
            "  waits for a second person: {what} (`vouch approve held:{id}`)\n"
        ));
    }
    text
}

/// `user:ann -> group:hr-leads -> group:hr`
fn chain(way: &Value) -> String {
    let names = way.as_array().map_or(&[][..], Vec::as_slice);
    names.iter().filter_map(Value::as_str).map(safe).collect::<Vec<_>>().join(" -> ")
}

fn overview(body: &Value) -> String {
    let mut text =
        format!("{} sees, of the approved documents of each source:\n", cell(body, "user"));
    for (what, key) in [("the user is blocked", "blocked"), ("the assistant is stopped", "stopped")]
    {
        if !body[key].is_null() {
            text = format!("{what}: {}\n{text}", super::control::stopped(&body[key]));
        }
    }
    if body["known"] == false {
        text.insert_str(0, "nobody is known under this name; `vouch user list` lists who is\n");
    }
    let heads = ["SOURCE", "STATE", "SEES", "OF"].map(str::to_owned).to_vec();
    let row = |one: &Value| ["source", "state", "sees", "live"].map(|key| cell(one, key)).to_vec();
    let rows = std::iter::once(heads).chain(items(body, "sources").iter().map(row));
    text.push_str(&aligned(&rows.collect::<Vec<_>>()));
    let groups = items(body, "groups");
    if !groups.is_empty() {
        text.push_str("\nin the groups:\n");
    }
    for way in groups {
        text.push_str(&format!("  {}\n", chain(way)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_explanation_reads_as_lines_and_names_the_way_and_the_change() {
        let body = json!({
            "user": "user:ann", "document": "hr/pay.md", "sees": false,
            "checks": [
                {"passes": true, "says": "the source allows group:hr",
                 "through": [["user:ann", "group:hr-leads", "group:hr"]]},
                {"passes": false, "says": "it is\u{1b} late", "change": "be earlier"},
            ],
            "held": [{"id": 7, "what": "everyone"}],
        });
        assert_eq!(
            explained(&body),
            "user:ann does not see hr/pay.md\n  yes  the source allows group:hr\n         \
             user:ann -> group:hr-leads -> group:hr\n  NO   it is  late\n         to change it: be \
             earlier\n  waits for a second person: everyone (`vouch approve held:7`)\n"
        );
    }
}
