//! `vouch group` and the file of `vouch access load`: who belongs where.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result};
use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vouch_index::Principal;
use vouch_index::ledger::can_name_a_group;

use super::Session;
use super::failure::Failure;
use super::output::{cell, count, items, safe};

const GROUPS: [&str; 3] = ["v1", "admin", "groups"];

/// `vouch group`
#[derive(Debug, Subcommand)]
pub(super) enum GroupCommand {
    /// List the groups that Vouch keeps
    List,
    /// Add members to a group
    Add(Members),
    /// Take members out of a group; counts from the next question
    Remove(Members),
}

/// A group and some principals.
#[derive(Debug, clap::Args)]
pub(super) struct Members {
    /// The group's name
    group: String,
    /// `user:NAME` or `group:NAME`
    #[arg(required = true, value_name = "PRINCIPAL", value_parser = principal)]
    members: Vec<Principal>,
}

fn principal(text: &str) -> Result<Principal, vouch_index::access::NotAPrincipal> {
    text.parse()
}

impl GroupCommand {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let (group, content) = match self {
            Self::List => {
                let body = session.client.get(&GROUPS).await?;
                return session.show(&body, list);
            }
            Self::Add(Members { group, members }) => {
                let content = json!({ "group": group, "add": members, "remove": [] });
                (group, content)
            }
            Self::Remove(Members { group, members }) => {
                let content = json!({ "group": group, "add": [], "remove": members });
                (group, content)
            }
        };
        let body = session.client.post(&GROUPS, &content).await?;
        session.show(&body, |body| match body["held"].as_str() {
            Some(held) => format!(
                "{}: {}\nwaits for a second person: {}\n",
                safe(&group),
                cell(body, "members"),
                safe(held)
            ),
            None => format!("{}: {}\n", safe(&group), cell(body, "members")),
        })
    }
}

fn list(body: &Value) -> String {
    let groups = items(body, "groups");
    if groups.is_empty() {
        return "Vouch keeps no group; `vouch group add GROUP user:NAME` makes one.\n".to_owned();
    }
    super::output::table(groups, &[("GROUP", "group"), ("MEMBERS", "members")])
}

/// One line of the file.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Group {
    group: String,
    members: Vec<Principal>,
}

/// `vouch access load`
pub(super) async fn load(session: &Session, file: &Path) -> Result<()> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| format!("can't read {name}"))?;
    let groups = read(&text, &name)?;
    let content = json!({ "groups": groups });
    let body = session.client.post(&["v1", "admin", "groups", "load"], &content).await?;
    session.show(&body, loaded)
}

fn loaded(body: &Value) -> String {
    let number = |key: &str, noun: &str| count(body[key].as_u64().unwrap_or(0), noun);
    let mut text =
        format!("{} with {} loaded\n", number("groups", "group"), number("members", "member"));
    for held in items(body, "held").iter().filter_map(Value::as_str) {
        text.push_str(&format!("waits for a second person: {}\n", safe(held)));
    }
    text
}

/// All lines, or the first that is wrong: half a file would be other rights than anybody meant.
fn read(text: &str, name: &str) -> Result<Vec<Group>> {
    let mut lines_of: HashMap<String, usize> = HashMap::new();
    let mut groups = Vec::new();
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (at, line) in lines {
        let wrong = |why: String| {
            let title = format!("line {} of {name}: {why}", at + 1);
            let hint = "nothing was loaded; write each group on one line, like \
                        {\"group\": \"hr\", \"members\": [\"user:a@example.com\"]}";
            Failure::new("bad_line", title, Some(hint))
        };
        let group: Group =
            serde_json::from_str(line).map_err(|error| wrong(format!("can't be read: {error}")))?;
        let bare = group.group.strip_prefix("group:").unwrap_or(&group.group);
        if !can_name_a_group(bare) {
            return Err(wrong(format!("`{}` can't be the name of a group", safe(bare))).into());
        }
        if group.members.contains(&Principal::Everyone) {
            return Err(wrong("`everyone` can't be a member of a group".to_owned()).into());
        }
        // The last one would win, or both together: nobody could say which was meant.
        if let Some(before) = lines_of.insert(bare.to_owned(), at + 1) {
            let why = format!("the group `{}` has line {before} already", safe(bare));
            return Err(wrong(why).into());
        }
        groups.push(group);
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_line_is_named_and_nothing_is_loaded() {
        let good = "{\"group\": \"hr\", \"members\": [\"user:a\", \"group:b\"]}";
        let other = "{\"group\": \"b\", \"members\": [\"group:hr\"]}";
        assert_eq!(
            read(&format!("{good}\n\n{other}\n"), "f").unwrap().len(),
            2,
            "a cycle is harmless"
        );
        for bad in [
            "{\"group\": \"x\", \"members\": [\"ann\"]}",
            "{\"group\": \"x\"}",
            "{\"group\": \"x\", \"members\": [], \"member\": []}",
            "{\"group\": \"everyone\", \"members\": []}",
            "{\"group\": \" \", \"members\": []}",
            "{\"group\": \"x\", \"members\": [\"everyone\"]}",
            "{\"group\": \"group:hr\", \"members\": []}",
            "hr",
        ] {
            let message = read(&format!("{good}\n{bad}"), "f").unwrap_err().to_string();
            assert!(message.starts_with("line 2 of f"), "{message}");
        }
    }
}
