//! What the folders of a source say about who may read, and what of it is in force.
//!
//! A folder that says less than before narrows at once. One that lets in more people than one person
//! may decide waits for a second one: until then, and after a refusal, what was agreed to before stays
//! in force **beside** what the folder says now, and whoever reads must pass both. That holds for
//! documents that come later, too. A folder whose `.access.toml` can't be read lets nobody in; what is
//! written there next is compared with what could be read last.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::documents::refresh_rule;
use super::held::{self, Change, Widening};
use super::sources::source;
use super::widening::{Compared, Gain, Groups, gain, narrows, one_person};
use super::{Actor, Ledger, audit, bump_epoch};
use crate::access::{Layer, Rule};
use crate::error::Result;

/// What a walk found of a source's folders.
#[derive(Clone, Debug, Default)]
pub struct FoldersSeen {
    /// Every folder that was entered, by its path inside the source (the source's own is empty), with
    /// the layer of its `.access.toml`, if it has one.
    pub said: BTreeMap<String, Option<Layer>>,
    /// What is there and could not be read. Folders at or below these paths are as they were.
    pub unread: Vec<String>,
    /// Paths of known documents that are no longer there. Nothing is opened before they are deleted.
    pub gone: BTreeSet<String>,
}

/// What is in force after a walk.
#[derive(Clone, Debug, Default)]
pub struct FoldersFollowed {
    /// The layers that documents in a folder get, for every folder that was entered.
    pub rules: BTreeMap<String, Rule>,
    /// What waits for a second person.
    pub held: Option<Widening>,
    /// Folders whose wider rule was refused, and that still say the same.
    pub refused: Vec<String>,
}

/// A folder's rule that lets in more people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wider {
    pub(super) before: Vec<Layer>,
    pub(super) after: Option<Layer>,
}

pub(super) type WiderFolders = BTreeMap<String, Wider>;

/// What is known of one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Folder {
    /// What its `.access.toml` says; the outer `None` where no sync has looked yet.
    said: Option<Option<Layer>>,
    /// What stays in force beside it.
    agreed: Option<Vec<Layer>>,
}

impl Folder {
    /// A folder that was never seen, or never said anything.
    const SILENT: Self = Self { said: Some(None), agreed: None };

    fn said(&self) -> impl Iterator<Item = &Layer> {
        self.said.iter().flatten()
    }

    /// What somebody agreed to, or nobody had to.
    fn agreed(&self) -> Vec<Layer> {
        self.agreed.clone().unwrap_or_else(|| self.said().cloned().collect())
    }

    fn in_force(&self) -> Vec<Layer> {
        let mut layers = self.agreed();
        layers
            .extend(self.said().filter(|said| !layers.contains(said)).cloned().collect::<Vec<_>>());
        layers
    }

    /// Takes in what the folder says now. `Some`: it says more than was agreed to.
    fn follow(&mut self, said: &Option<Layer>) -> Option<Wider> {
        let before = self.agreed();
        let after = said.clone().unwrap_or_default();
        let unreadable = after.unreadable.is_some();
        let harmless = before.iter().all(|before| narrows(&after, before))
            || matches!(&*before, [before] if *before == after || one_person(before, &after));
        self.said = Some(said.clone());
        self.agreed = (unreadable || !harmless).then(|| before.clone());
        (!harmless).then(|| Wider { before, after: said.clone() })
    }
}

/// The folders of a source of which there is something to say.
#[derive(Clone, PartialEq, Eq)]
struct Folders(BTreeMap<String, Folder>);

impl Folders {
    fn read(tx: &Transaction<'_>, source: &str) -> Result<Self> {
        let mut statement =
            tx.prepare_cached("SELECT path, said, agreed FROM folder WHERE source = ?1")?;
        let mut rows = statement.query([source])?;
        let mut folders = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let said = row.get::<_, Option<String>>(1)?;
            let said = said.map(|text| serde_json::from_str(&text)).transpose()?;
            let agreed = row.get::<_, Option<String>>(2)?.map(|text| Rule::from_stored(&text).0);
            folders.insert(row.get(0)?, Folder { said, agreed });
        }
        Ok(Self(folders))
    }

    fn write(&self, tx: &Transaction<'_>, source: &str) -> Result<()> {
        tx.prepare_cached("DELETE FROM folder WHERE source = ?1")?.execute([source])?;
        let mut insert = tx.prepare_cached("INSERT INTO folder VALUES (?1, ?2, ?3, ?4)")?;
        for (path, folder) in self.0.iter().filter(|(_, folder)| **folder != Folder::SILENT) {
            let said = folder.said.as_ref().map(serde_json::to_string).transpose()?;
            let agreed = folder.agreed.clone().map(|layers| Rule(layers).canonical());
            insert.execute(params![source, path, said, agreed])?;
        }
        Ok(())
    }

    /// The layers of a folder and of those above it, outermost first.
    fn rule(&self, path: &str, of: impl Fn(&str, &Folder) -> Vec<Layer>) -> Rule {
        let ends = path.match_indices('/').map(|(at, _)| &path[..at]);
        let above = std::iter::once("").chain(ends).chain((!path.is_empty()).then_some(path));
        let known = above.filter_map(|path| self.0.get(path).map(|folder| of(path, folder)));
        Rule(known.flatten().collect())
    }

    fn in_force(&self, path: &str) -> Rule {
        self.rule(path, |_, folder| folder.in_force())
    }

    /// Lets count what these folders say.
    fn agree(&mut self, to: &WiderFolders) {
        for path in to.keys() {
            if let Some(folder) = self.0.get_mut(path) {
                folder.agreed = None;
            }
        }
    }

    /// Whether a folder still says what somebody was asked about.
    fn stands(&self, path: &str, asked: &Wider) -> bool {
        self.0.get(path).is_some_and(|folder| {
            folder.agreed.as_ref() == Some(&asked.before)
                && folder.said.as_ref() == Some(&asked.after)
        })
    }
}

impl Ledger {
    /// Takes in what the folders of a source say, before its files are looked at. What narrows counts
    /// at once; what lets in too many is held, asked for by `actor`.
    ///
    /// # Errors
    /// No such source.
    pub fn follow_folders(
        &self,
        source_id: &str,
        seen: &FoldersSeen,
        actor: &Actor,
    ) -> Result<FoldersFollowed> {
        self.write(|tx| {
            let before = Folders::read(tx, source_id)?;
            let mut now = before.clone();
            now.0.retain(|path, _| seen.said.contains_key(path) || unread(seen, path));
            let mut wider = WiderFolders::new();
            for (path, said) in &seen.said {
                let folder = now.0.entry(path.clone()).or_insert(Folder::SILENT);
                if folder.said.as_ref() != Some(said) {
                    wider.extend(folder.follow(said).map(|found| (path.clone(), found)));
                }
            }
            now.0.retain(|_, folder| *folder != Folder::SILENT);
            let mut held = held::of_folders(tx, source_id)?;
            if now != before {
                let limit = self.widening_limit;
                held = decide(tx, limit, (source_id, seen, actor), (&mut now, wider), held)?;
                now.write(tx, source_id)?;
                place(tx, source_id, &now, &seen.gone)?;
                bump_epoch(tx)?;
                audit::act(tx, actor, "source.folders", record(source_id, &before, &now), None)?;
            }
            let rules = seen.said.keys().map(|path| (path.clone(), now.in_force(path))).collect();
            let waits = |path: &String| held.iter().any(|(_, asked)| asked.contains_key(path));
            let refused = now.0.iter().filter(|(path, folder)| {
                let unreadable = folder.said().any(|said| said.unreadable.is_some());
                folder.agreed.is_some() && !unreadable && !waits(path) && !unread(seen, path)
            });
            let refused = refused.map(|(path, _)| path.clone()).collect();
            Ok(FoldersFollowed { rules, held: held.map(|(held, _)| held), refused })
        })
    }
}

fn unread(seen: &FoldersSeen, path: &str) -> bool {
    seen.unread.iter().any(|unread| {
        let rest = path.strip_prefix(unread.as_str());
        unread.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Decides what of the wider rules counts, and what waits together with what waits already.
fn decide(
    tx: &Transaction<'_>,
    limit: f64,
    (source, seen, actor): (&str, &FoldersSeen, &Actor),
    (now, mut wider): (&mut Folders, WiderFolders),
    held: Option<(Widening, WiderFolders)>,
) -> Result<Option<(Widening, WiderFolders)>> {
    let gain = |now: &Folders, wider: &WiderFolders| opened(tx, (source, &seen.gone), now, wider);
    let small = |now: &Folders, wider: &WiderFolders| -> Result<bool> {
        Ok(wider.is_empty() || !gain(now, wider)?.exceeds(limit))
    };
    let mut wish = held.map(|(_, asked)| asked).unwrap_or_default();
    wish.retain(|path, asked| now.stands(path, asked));
    if small(now, &wider)? {
        now.agree(&wider);
        wider.clear();
        // What waited, or is left of it, may be small by now.
        if small(now, &wish)? {
            now.agree(&wish);
            wish.clear();
        }
    }
    wish.extend(wider);
    if wish.is_empty() {
        held::replace_folders(tx, actor, source)?;
        return Ok(None);
    }
    let gain = gain(now, &wish)?;
    let what = format!("{}: {}", in_words(source, &wish), gain.in_words());
    let change = Change::Folder { source: source.to_owned(), folders: wish.clone() };
    Ok(Some((held::hold(tx, actor, &change, &what)?, wish)))
}

/// Lets a held change of folders count, if they still say the same.
pub(super) fn agree(tx: &Transaction<'_>, source: &str, to: &WiderFolders) -> Result<()> {
    let mut folders = Folders::read(tx, source)?;
    if !to.iter().all(|(path, asked)| folders.stands(path, asked)) {
        return Err(held::changed_meanwhile(&format!("a folder of source `{source}`")));
    }
    folders.agree(to);
    folders.write(tx, source)?;
    place(tx, source, &folders, &BTreeSet::new())?;
    // A sync that runs began with what was in force before.
    super::jobs::sync_again(tx, source)
}

/// What these folders would open, if what they say counted. Other folders are taken as they were agreed
/// to: what one says or can't say for now must not hide what another one opens.
fn opened(
    tx: &Transaction<'_>,
    (source_id, gone): (&str, &BTreeSet<String>),
    folders: &Folders,
    wider: &WiderFolders,
) -> Result<Gain> {
    let first = source(tx, source_id)?.spec.access;
    let compared = |path: &str, own: &[Layer], documents: i64| {
        let side = |of: &dyn Fn(&Wider) -> Vec<Layer>| {
            let folders = folders
                .rule(path, |path, folder| wider.get(path).map_or_else(|| folder.agreed(), of));
            Rule([std::slice::from_ref(&first), &folders.0, own].concat())
        };
        let before = side(&|wider| wider.before.clone());
        let after = side(&|wider| wider.after.iter().cloned().collect());
        Compared { before, after, documents }
    };
    // What a folder says counts for documents that are still to come, too.
    let mut rules: Vec<Compared> = wider.keys().map(|path| compared(path, &[], 0)).collect();
    for ((path, own), documents) in live(tx, source_id, gone)? {
        rules.push(compared(&path, &Rule::from_stored(&own).0, documents));
    }
    rules.retain(|rule| !rule.before.0.iter().all(|layer| rule.after.0.contains(layer)));
    let groups = Groups::read(tx)?;
    gain(tx, &rules, (&groups, &groups))
}

/// How many documents that answer have the same folder and the same layers of their own.
fn live(
    tx: &Transaction<'_>,
    source: &str,
    gone: &BTreeSet<String>,
) -> Result<HashMap<(String, String), i64>> {
    let mut statement = tx.prepare_cached(
        "SELECT d.path, d.place_layers, r.layers FROM document d JOIN rule r ON r.no = d.rule
         WHERE d.source = ?1 AND d.live IS NOT NULL AND d.hidden = 0",
    )?;
    let mut rows = statement.query([source])?;
    let mut live = HashMap::new();
    while let Some(row) = rows.next()? {
        let (path, place, all): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if gone.contains(&path) {
            continue;
        }
        let own = Rule::from_stored(&all).0.split_off(Rule::from_stored(&place).0.len());
        *live.entry((folder_of(&path).to_owned(), Rule(own).canonical())).or_default() += 1;
    }
    Ok(live)
}

/// Gives every document of a source the layers of its folders that are in force.
fn place(
    tx: &Transaction<'_>,
    source: &str,
    folders: &Folders,
    gone: &BTreeSet<String>,
) -> Result<()> {
    let mut statement = tx.prepare_cached(
        "SELECT no, path, place_layers FROM document WHERE source = ?1 AND newest IS NOT NULL",
    )?;
    let mut rows = statement.query([source])?;
    let mut rules: HashMap<String, String> = HashMap::new();
    let mut moved = Vec::new();
    while let Some(row) = rows.next()? {
        let (no, path, before): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let folder = folder_of(&path);
        let after = match rules.get(folder) {
            Some(after) => after,
            None => rules
                .entry(folder.to_owned())
                .or_insert_with(|| folders.in_force(folder).canonical()),
        };
        if before != *after && !gone.contains(&path) {
            moved.push((no, after.clone()));
        }
    }
    let mut update = tx.prepare_cached("UPDATE document SET place_layers = ?2 WHERE no = ?1")?;
    for (document, place) in moved {
        update.execute(params![document, place])?;
        refresh_rule(tx, document)?;
    }
    Ok(())
}

/// The folder that a path lies in.
fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The folders of a change in words. A source may have very many.
fn in_words(source: &str, wider: &WiderFolders) -> String {
    const NAMED: usize = 3;
    let name = |path: &String| match path.as_str() {
        "" => source.to_owned(),
        path => format!("{source}/{path}"),
    };
    let names: Vec<_> = wider.keys().take(NAMED).map(name).collect();
    let more = match wider.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let kind = if wider.len() == 1 { "folder" } else { "folders" };
    format!("the new rule of {kind} {}{more}", names.join(", "))
}

/// What changed in the folders, for the audit: what each says, and what stays in force beside it.
fn record(source: &str, before: &Folders, after: &Folders) -> Value {
    let side = |of: &Folders, other: &Folders| -> Value {
        let changed = of.0.iter().filter(|(path, folder)| other.0.get(*path) != Some(*folder));
        changed
            .map(|(path, folder)| {
                let said = folder.said.as_ref().map_or(Value::Null, |said| json!(said));
                (path.clone(), json!({ "says": said, "in_force": folder.in_force() }))
            })
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    json!({"source": source, "before": side(before, after), "after": side(after, before)})
}
