//! Demo mode: the people of a file can be played by anybody on this machine.
//!
//! The file is a directory that Vouch follows: what changes in it is applied to the kept groups, so
//! that `vouch group` and an edit of the file both count, and the later one wins. It is read again
//! when it changes, at the next request.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::Result;
use vouch_index::ledger::Ledger;
use vouch_index::{Actor, Principal};

use crate::config::{AuthMode, Config, People, Person, Role};

/// The people file with the state in which it was read last.
pub struct Directory {
    file: PathBuf,
    read: Mutex<Read>,
}

struct Read {
    modified: Option<SystemTime>,
    people: Arc<People>,
}

/// The setting that holds the memberships of the file as they were applied last.
const APPLIED: &str = "demo_people";

impl Directory {
    /// Reads the people, in demo mode.
    ///
    /// # Errors
    /// The file has a mistake.
    pub fn open(config: &Config, ledger: &Ledger) -> Result<Option<Self>> {
        if config.auth.mode != AuthMode::Demo {
            return Ok(None);
        }
        let file = config.auth.demo.people.clone();
        let people = People::read(&file)?;
        apply(ledger, &people)?;
        let read = Read { modified: modified(&file), people: Arc::new(people) };
        Ok(Some(Self { file, read: Mutex::new(read) }))
    }

    /// The people as the file says now. A file with a mistake leaves them as they were.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn people(&self, ledger: &Ledger) -> Result<Arc<People>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let now = modified(&self.file);
        if now != read.modified {
            read.modified = now;
            match People::read(&self.file) {
                Ok(people) => {
                    apply(ledger, &people)?;
                    read.people = Arc::new(people);
                }
                Err(error) => {
                    tracing::error!("the people file was changed and not taken: {error:#}")
                }
            }
        }
        Ok(Arc::clone(&read.people))
    }

    /// One person.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn find(&self, ledger: &Ledger, user: &str) -> Result<Option<Person>> {
        Ok(self.people(ledger)?.find(user).cloned())
    }
}

/// Whether a person has a role.
#[must_use]
pub fn has(person: &Person, role: Role) -> bool {
    person.roles.contains(&role)
}

/// Applies what changed in the file since it was applied last.
fn apply(ledger: &Ledger, people: &People) -> Result<()> {
    let mut after: BTreeMap<String, BTreeSet<Principal>> = BTreeMap::new();
    for person in &people.people {
        for group in &person.groups {
            after.entry(group.clone()).or_default().insert(Principal::User(person.user.clone()));
        }
    }
    let before: BTreeMap<String, BTreeSet<Principal>> = match ledger.setting(APPLIED)? {
        Some(text) => serde_json::from_str(&text)?,
        None => BTreeMap::new(),
    };
    let actor =
        Actor { name: "people file".to_owned(), principals: BTreeSet::new(), administrator: true };
    let none = BTreeSet::new();
    for group in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let (old, new) = (before.get(group).unwrap_or(&none), after.get(group).unwrap_or(&none));
        let add: Vec<_> = new.difference(old).cloned().collect();
        let remove: Vec<_> = old.difference(new).cloned().collect();
        if !add.is_empty() || !remove.is_empty() {
            ledger.change_group(group, &add, &remove, &actor)?;
        }
    }
    ledger.set_setting(APPLIED, &serde_json::to_string(&after)?)?;
    Ok(())
}

fn modified(file: &std::path::Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|about| about.modified()).ok()
}
