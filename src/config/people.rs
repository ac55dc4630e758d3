//! The people of demo mode: who can be played, in which groups, with which roles.
//!
//! A file with a mistake is refused as a whole. Half a list of people would quietly be a different
//! company.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use vouch_index::ledger::can_name_a_group;

use super::{did_you_mean, unknown_keys};

/// The people file, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct People {
    /// Everybody, in the file's order.
    #[serde(rename = "person", default)]
    pub people: Vec<Person>,
}

/// One person of demo mode.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Person {
    /// The name in `user:NAME` and in `Bearer demo:NAME`.
    pub user: String,
    /// The name to show, such as `Alice Moreau, HR`.
    pub name: String,
    /// The person's address.
    #[serde(default)]
    pub email: String,
    /// The names of the person's groups, without `group:`.
    #[serde(default)]
    pub groups: BTreeSet<String>,
    /// What the person may do besides reading.
    #[serde(default)]
    pub roles: BTreeSet<Role>,
}

/// What somebody may do. Approvers and owners are named by the sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Asks and reads; implied.
    Reader,
    /// Reads the audit, with its texts.
    Auditor,
    /// Adds, pauses, revokes, reindexes.
    Administrator,
}

const KEYS: [&str; 6] = ["person", "user", "name", "email", "groups", "roles"];
const ROLES: [&str; 3] = ["reader", "auditor", "administrator"];

impl People {
    /// Reads and checks the people file.
    ///
    /// # Errors
    /// Names the file, the person and what is wrong.
    pub fn read(file: &Path) -> Result<Self> {
        Self::parse(&Self::text(file)?, &file.display().to_string())
    }

    /// The file's content.
    ///
    /// # Errors
    /// It can't be read.
    pub(crate) fn text(file: &Path) -> Result<String> {
        std::fs::read_to_string(file).with_context(|| {
            let name = file.display();
            format!("can't read the people of demo mode, {name} (`auth.demo.people`)")
        })
    }

    /// Checks people that were read already; `file` is the name for messages.
    ///
    /// # Errors
    /// As [`People::read`].
    pub fn parse(text: &str, file: &str) -> Result<Self> {
        let table: toml::Table =
            text.parse().map_err(|error| anyhow::anyhow!("{file} is not valid TOML\n{error}"))?;
        refuse_unknown(&table, file)?;
        let people: Self = table
            .try_into()
            .map_err(|error: toml::de::Error| anyhow::anyhow!("{file}: {}", error.message()))?;
        if people.people.is_empty() {
            bail!("{file} names nobody; add a [[person]] with `user` and `name`");
        }
        let mut seen = BTreeSet::new();
        for person in &people.people {
            let user = &person.user;
            if user.is_empty() || user.chars().any(|c| c.is_whitespace() || c.is_control()) {
                bail!(
                    "{file}: `{user}` can't be a user; write a name without spaces, such as \"alice\""
                );
            }
            if !seen.insert(user) {
                bail!("{file}: the user `{user}` is there twice; give each person another name");
            }
            if let Some(group) = person.groups.iter().find(|group| !can_name_a_group(group)) {
                bail!(
                    "{file}: `{group}` of `{user}` is not a group's name; write it without `group:`"
                );
            }
        }
        Ok(people)
    }

    /// The person of that name.
    #[must_use]
    pub fn find(&self, user: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.user == user)
    }
}

/// Refuses unknown keys and roles, with the nearest known one.
fn refuse_unknown(table: &toml::Table, file: &str) -> Result<()> {
    let persons = table.get("person").and_then(toml::Value::as_array);
    let tables = persons.into_iter().flatten().filter_map(toml::Value::as_table);
    let given: Vec<String> =
        table.keys().chain(tables.clone().flat_map(|person| person.keys())).cloned().collect();
    let unknown = unknown_keys(&given, &KEYS.map(str::to_owned), file);
    if !unknown.is_empty() {
        bail!("{}", unknown.join("\n"));
    }
    let roles = tables.filter_map(|person| person.get("roles")?.as_array()).flatten();
    for role in roles.filter_map(toml::Value::as_str) {
        if !ROLES.contains(&role) {
            bail!(
                "{file}: unknown role `{role}`{}; the roles are {}",
                did_you_mean(role, &ROLES),
                ROLES.join(", ")
            );
        }
    }
    Ok(())
}
