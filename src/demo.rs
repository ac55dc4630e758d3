//! Demo mode: the people of a file can be played by anybody on this machine.
//!
//! The file is a directory that Vouch follows: what changes in it is applied to the kept groups, so
//! that `vouch group` and an edit of the file both count, and the later one wins. It is read again
//! when it changes, at the next request. What it holds is compared, and not its date: two changes
//! within one tick of the clock leave the same date, and the file is small.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

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
    /// The file's content, or why it could not be read.
    text: Result<String, String>,
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
        let text = People::text(&file)?;
        let people = People::parse(&text, &file.display().to_string())?;
        apply(ledger, &people)?;
        let read = Read { text: Ok(text), people: Arc::new(people) };
        Ok(Some(Self { file, read: Mutex::new(read) }))
    }

    /// The people as the file says now. A file with a mistake leaves them as they were.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn people(&self, ledger: &Ledger) -> Result<Arc<People>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let now = People::text(&self.file).map_err(|error| format!("{error:#}"));
        if now != read.text {
            let name = self.file.display().to_string();
            let text = now.clone().map_err(anyhow::Error::msg);
            match text.and_then(|text| People::parse(&text, &name)) {
                Ok(people) => {
                    apply(ledger, &people)?;
                    read.people = Arc::new(people);
                }
                Err(error) => {
                    tracing::error!("the people file was changed and not taken: {error:#}")
                }
            }
            // Not before it was applied: where that failed, the next request tries again.
            read.text = now;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_within_one_tick_of_the_clock_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("people.toml");
        let date = std::time::UNIX_EPOCH;
        // The same length, and the same date.
        let write = |groups: &str| {
            let text = format!("[[person]]\nuser = \"ann\"\nname = \"Ann\"\ngroups = {groups}\n");
            std::fs::write(&file, text).unwrap();
            std::fs::File::options().write(true).open(&file).unwrap().set_modified(date).unwrap();
        };
        let settings = format!("[auth]\nmode = \"demo\"\n[auth.demo]\npeople = {file:?}");
        let config = Config::parse(&settings).unwrap();
        let ledger = Ledger::open(folder.path(), &folder.path().join("head")).unwrap();
        write("[\"hr\"]");
        let directory = Directory::open(&config, &ledger).unwrap().unwrap();
        let is_in = |group: &str| {
            let ann = directory.find(&ledger, "ann").unwrap().unwrap();
            let kept = ledger.standing("ann", &[]).unwrap().principals;
            let named = ann.groups.contains(group);
            assert_eq!(kept.contains(&Principal::Group(group.to_owned())), named, "{kept:?}");
            named
        };
        assert!(is_in("hr"));
        write("[\"it\"]");
        assert!(is_in("it") && !is_in("hr"));
        write("[\"it\", ");
        assert!(is_in("it"), "a mistake changes nothing");
        std::fs::remove_file(&file).unwrap();
        assert!(is_in("it"), "nor does a missing file");
        write("[\"hr\"]");
        assert!(is_in("hr") && !is_in("it"));
    }
}
