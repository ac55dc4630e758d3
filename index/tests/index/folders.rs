//! Folders whose `.access.toml` lets in more people than one person may decide: until a second one
//! agrees, nobody sees through them what they did not see before, whatever is written meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use tempfile::TempDir;
use vouch_index::ledger::{
    ApprovalPolicy, FoldersFollowed, FoldersSeen, Seen, SourceKind, SourceSpec, Widening,
};
use vouch_index::{Actor, DocumentId, Extracted, Layer, Ledger, Principal, Rule, VersionNo};

use crate::company::Dice;

/// The groups that a token may name; a reader has any of them.
const GROUPS: [&str; 3] = ["a", "b", "c"];

/// One source with its folder, and the files that were synced.
struct Disk {
    ledger: Ledger,
    _folder: TempDir,
    rules: BTreeMap<String, Layer>,
    files: BTreeSet<String>,
    synced: BTreeMap<String, VersionNo>,
    unread: Vec<String>,
}

impl Disk {
    /// A source for everybody, with these files.
    fn holding(files: &[&str], limit: f64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let head = folder.path().join("audit.head");
        let ledger = Ledger::open(folder.path(), &head).unwrap().with_widening_limit(limit);
        let spec = SourceSpec {
            id: "hr".to_owned(),
            kind: SourceKind::Folder,
            path: Some("hr".to_owned()),
            owner: Some("user:owner".parse().unwrap()),
            purpose: "tests".to_owned(),
            approvers: vec!["user:olga".parse().unwrap()],
            approval: ApprovalPolicy::Source,
            self_approval: false,
            review_every: None,
            expire_after: None,
            authority: 0,
            access: layer(Some(&["everyone"]), &[]),
        };
        ledger.add_source(&spec, &person("olga")).unwrap();
        Self {
            ledger,
            _folder: folder,
            rules: BTreeMap::new(),
            files: files.iter().map(|path| (*path).to_owned()).collect(),
            synced: BTreeMap::new(),
            unread: Vec::new(),
        }
    }

    fn say(&mut self, folder: &str, layer: Option<Layer>) -> FoldersFollowed {
        match layer {
            Some(layer) => self.rules.insert(folder.to_owned(), layer),
            None => self.rules.remove(folder),
        };
        self.sync()
    }

    fn unread(&self, path: &str) -> bool {
        self.unread.iter().any(|folder| path.starts_with(&format!("{folder}/")))
    }

    /// What a sync does: rules first, then what is new, then what is gone.
    fn sync(&mut self) -> FoldersFollowed {
        let folders: BTreeSet<String> = self
            .files
            .iter()
            .filter(|path| !self.unread(path))
            .flat_map(|path| above(path))
            .chain(self.unread.iter().cloned())
            .collect();
        let said = folders.iter().map(|path| (path.clone(), self.rules.get(path).cloned()));
        let gone =
            self.synced.keys().filter(|path| !self.files.contains(*path) && !self.unread(path));
        let gone: BTreeSet<String> = gone.cloned().collect();
        let seen =
            FoldersSeen { said: said.collect(), unread: self.unread.clone(), gone: gone.clone() };
        let followed = self.ledger.follow_folders("hr", &seen, &person("olga")).unwrap();
        let new: Vec<String> = self
            .files
            .iter()
            .filter(|path| !self.unread(path) && !self.synced.contains_key(*path))
            .cloned()
            .collect();
        for path in new {
            let version = bring(&self.ledger, &path, &followed.rules[&folder_of(&path)]);
            self.synced.insert(path, version);
        }
        for path in gone {
            let id = DocumentId { source: "hr".to_owned(), path: path.clone() };
            self.ledger.delete_document(&id, &person("sync")).unwrap();
            self.synced.remove(&path);
        }
        followed
    }

    /// The documents that somebody sees whose token names these groups.
    fn sees(&self, groups: &[&str]) -> BTreeSet<String> {
        let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
        let reader = self.ledger.reader("ann", &groups).unwrap();
        let clearance = self.ledger.clearance(&reader).unwrap();
        let seen = self.synced.iter().filter(|(_, version)| clearance.holds(**version));
        seen.map(|(path, _)| path.clone()).collect()
    }

    fn waiting(&self) -> Vec<Widening> {
        self.ledger.held(&person("olga"), Some("hr")).unwrap()
    }

    fn decide(&self, approve: bool) {
        let id = self.waiting()[0].id;
        self.ledger.decide_held(id, approve, &person("second"), Some("a test")).unwrap();
    }
}

fn bring(ledger: &Ledger, path: &str, place: &Rule) -> VersionNo {
    let extracted = Extracted { text: format!("text of {path}"), ..Extracted::default() };
    let seen = Seen {
        path,
        hash: &format!("sha256:{path}"),
        extractor: 1,
        extracted: &extracted,
        place,
        uri: None,
        modified_at: 1,
        push: None,
    };
    ledger.bring("hr", &seen).unwrap().0
}

fn folder_of(path: &str) -> String {
    path.rsplit_once('/').map_or_else(String::new, |(folder, _)| folder.to_owned())
}

/// The folders that a path lies in.
fn above(path: &str) -> Vec<String> {
    let ends = path.match_indices('/').map(|(at, _)| path[..at].to_owned());
    std::iter::once(String::new()).chain(ends).collect()
}

fn layer(allow: Option<&[&str]>, deny: &[&str]) -> Layer {
    let set = |who: &[&str]| who.iter().map(|it| it.parse().unwrap()).collect::<BTreeSet<_>>();
    Layer { allow: allow.map(set), deny: set(deny), unreadable: None }
}

fn only(who: &[&str]) -> Option<Layer> {
    Some(layer(Some(who), &[]))
}

fn person(name: &str) -> Actor {
    let principals = BTreeSet::from([Principal::User(name.to_owned()), Principal::Everyone]);
    Actor { name: format!("user:{name}"), principals, administrator: true }
}

#[test]
fn promise_4_a_wider_folder_waits_and_what_was_in_force_counts_beside_it() {
    let mut disk = Disk::holding(&["a.md", "in/b.md", "in/deep/c.md"], 0.05);
    disk.say("in", Some(layer(Some(&["group:a"]), &["group:c"])));
    assert_eq!(disk.sees(&["a"]).len(), 3, "what narrows is not asked for");
    let followed = disk.say("in", Some(layer(Some(&["group:a", "group:b"]), &["group:c"])));
    let held = followed.held.unwrap();
    assert_eq!(
        held.what,
        "the new rule of folder hr/in: more people would see 2 of 3 documents (66.7 %)"
    );
    assert_eq!((held.kind.as_str(), held.by.as_str()), ("folder", "user:olga"));
    assert_eq!((disk.sees(&["a"]).len(), disk.sees(&["b"]).len()), (3, 1));
    // What comes below is under the same rules, and so is a change that narrows as well.
    disk.files.extend(["in/new.md".to_owned(), "in/new/d.md".to_owned()]);
    assert_eq!(disk.sync().held, Some(held));
    assert_eq!((disk.sees(&["a"]).len(), disk.sees(&["b"]).len()), (5, 1));
    disk.say("in", only(&["group:b"]));
    assert_eq!((disk.sees(&["a"]).len(), disk.sees(&["a", "b"]).len()), (1, 5));
    assert_eq!(disk.sees(&["a", "b", "c"]).len(), 1, "who was denied stays denied");
    disk.decide(true);
    assert_eq!((disk.sees(&["a"]).len(), disk.sees(&["b", "c"]).len()), (1, 5));
    assert!(disk.waiting().is_empty() && disk.sync().held.is_none());
}

#[test]
fn a_refused_folder_stays_as_it_was_until_it_says_something_else() {
    let mut disk = Disk::holding(&["in/b.md", "out/c.md"], 0.05);
    disk.say("in", only(&["group:a"]));
    disk.say("in", None);
    disk.decide(false);
    let followed = disk.sync();
    assert_eq!((followed.held, followed.refused), (None, vec!["in".to_owned()]));
    disk.files.insert("in/new.md".to_owned());
    disk.say("out", only(&["group:a"]));
    assert!(disk.waiting().is_empty() && disk.sees(&["b"]).is_empty(), "it is not asked for again");
    // The old rule needs nobody, and after it the wide one is asked for anew.
    assert!(disk.say("in", only(&["group:a"])).refused.is_empty());
    assert!(disk.say("in", None).held.is_some());
    disk.decide(true);
    assert_eq!(disk.sees(&["b"]), BTreeSet::from(["in/b.md".to_owned(), "in/new.md".to_owned()]));
}

#[test]
fn going_back_takes_back_what_waits_and_one_person_never_waits() {
    let mut disk = Disk::holding(&["in/b.md"], 0.05);
    disk.say("in", Some(layer(Some(&["group:a"]), &["user:ann"])));
    assert!(disk.sees(&["a"]).is_empty());
    assert!(disk.say("in", only(&["everyone"])).held.is_some());
    assert!(disk.say("in", Some(layer(Some(&["group:a"]), &["user:ann"]))).held.is_none());
    assert!(disk.waiting().is_empty());
    assert!(disk.say("in", only(&["group:a"])).held.is_none());
    assert_eq!(disk.sees(&["a"]).len(), 1);
    assert!(disk.say("in", only(&["group:a", "user:ann"])).held.is_none());
    assert_eq!(disk.sees(&[]).len(), 1);
    assert!(disk.say("in", only(&["group:a", "user:ann", "group:b"])).held.is_some());
}

#[test]
fn promise_2_an_unreadable_rule_hides_and_the_one_before_it_is_what_counts_next() {
    let mut disk = Disk::holding(&["in/b.md", "in/deep/c.md"], 0.05);
    disk.say("in", only(&["group:a"]));
    disk.say("in/deep", only(&["group:a"]));
    disk.say("in", Some(Layer::unreadable("garbled")));
    assert!(disk.sees(&["a"]).is_empty());
    // While nobody sees anything, nothing else may be opened for later.
    assert!(disk.say("in/deep", only(&["group:a", "group:b"])).held.is_none(), "in keeps b out");
    assert!(disk.say("in", only(&["everyone"])).held.is_some());
    assert_eq!((disk.sees(&["a"]).len(), disk.sees(&["b"]).len()), (2, 0));
    assert!(disk.say("in", only(&["group:a"])).held.is_none(), "mended to what it was");
    assert_eq!(disk.sees(&["a"]).len(), 2);
}

#[test]
fn a_folder_that_cannot_be_listed_keeps_the_rules_below_it() {
    let mut disk = Disk::holding(&["in/b.md", "in/deep/c.md"], 0.05);
    disk.say("in/deep", only(&["group:a"]));
    disk.unread.push("in".to_owned());
    disk.sync();
    assert_eq!((disk.sees(&[]).len(), disk.sees(&["a"]).len()), (1, 2));
    disk.say("in", only(&["group:b"]));
    assert_eq!((disk.sees(&["a"]).len(), disk.sees(&["a", "b"]).len()), (0, 2));
    disk.unread.clear();
    disk.rules.remove("in/deep");
    assert!(disk.sync().held.is_some());
    assert_eq!((disk.sees(&["b"]).len(), disk.sees(&["a", "b"]).len()), (1, 2));
}

#[test]
fn new_folders_and_small_changes_are_not_held_and_what_else_is_asked_at_once_is_one_question() {
    let files: Vec<String> = (0..40).map(|number| format!("all/{number}.md")).collect();
    let mut disk = Disk::holding(&files.iter().map(String::as_str).collect::<Vec<_>>(), 0.05);
    disk.files.insert("one/a.md".to_owned());
    disk.rules.extend([("one".to_owned(), layer(Some(&["group:a"]), &[]))]);
    assert!(disk.say("all", only(&["group:a"])).held.is_none());
    assert!(disk.say("one", only(&["group:a", "group:b"])).held.is_none(), "1 of 41");
    disk.rules.remove("one");
    let held = disk.say("all", only(&["group:a", "group:b"])).held.unwrap();
    assert!(held.what.starts_with("the new rule of folders hr/all, hr/one: everyone"), "{held:?}");
    // One of the two goes back: the other one is asked for anew.
    let next = disk.say("one", only(&["group:a", "group:b"])).held.unwrap();
    assert!(next.id > held.id && next.what.starts_with("the new rule of folder hr/all: more"));
    assert_eq!(disk.waiting().len(), 1);
    // What is left may be small.
    disk.say("one", None);
    disk.say("all", only(&["group:a"]));
    assert!(disk.waiting()[0].what.contains("hr/one: everyone"), "{:?}", disk.waiting());
}

/// Every set of groups that a reader may have.
fn readers() -> Vec<Vec<&'static str>> {
    let has = |set: usize, at: usize| set & (1 << at) != 0;
    let one = |set: usize| GROUPS.iter().enumerate().filter(move |(at, _)| has(set, *at));
    (0..1 << GROUPS.len()).map(|set| one(set).map(|(_, group)| *group).collect()).collect()
}

type Who = BTreeSet<Vec<&'static str>>;

/// Who passes a layer: worked out from the words of the rule.
fn passes(layer: &Layer) -> Who {
    let is = |groups: &[&str], who: &Principal| match who {
        Principal::Everyone => true,
        Principal::User(name) => name == "ann",
        Principal::Group(name) => groups.contains(&name.as_str()),
    };
    let passes = |groups: &Vec<&str>| {
        let any = |of: &BTreeSet<Principal>| of.iter().any(|who| is(groups, who));
        layer.unreadable.is_none() && !any(&layer.deny) && layer.allow.as_ref().is_none_or(any)
    };
    readers().into_iter().filter(passes).collect()
}

/// What was agreed to: for each folder, who passed when nothing waited.
#[derive(Default)]
struct Agreed(BTreeMap<String, Who>);

impl Agreed {
    /// Who passes all folders above a path.
    fn above(path: &str, of: impl Fn(&str) -> Option<Who>) -> Who {
        let all = readers().into_iter().collect();
        above(path).iter().filter_map(|folder| of(folder)).fold(all, |all: Who, who| &all & &who)
    }

    /// Holds a look at everything against what was agreed to, and against what the folders say.
    fn check(&mut self, disk: &Disk, followed: &FoldersFollowed, story: &str) {
        let said = |folder: &str| disk.rules.get(folder).map(passes);
        let broken = disk.rules.values().any(|layer| layer.unreadable.is_some());
        let settled = disk.waiting().is_empty() && followed.refused.is_empty() && !broken;
        let mut seen: BTreeMap<&String, Who> =
            disk.synced.keys().map(|path| (path, Who::new())).collect();
        for reader in readers() {
            for path in disk.sees(&reader) {
                let (path, _) = disk.synced.get_key_value(&path).unwrap();
                seen.get_mut(path).unwrap().insert(reader.clone());
            }
        }
        for (path, who) in seen {
            let agreed = Self::above(path, |folder| self.0.get(folder).cloned());
            let says = Self::above(path, said);
            assert!(
                who.is_subset(&(&agreed & &says)),
                "{path}: {who:?} {agreed:?} {says:?}{story}"
            );
            if settled {
                assert_eq!(who, says, "{path}{story}");
            } else {
                let both = &agreed & &says;
                assert!(!both.is_empty() || who.is_empty(), "{path}{story}");
            }
        }
        if settled {
            self.0 =
                disk.rules.iter().map(|(folder, layer)| (folder.clone(), passes(layer))).collect();
        }
        // What is no longer there was never agreed to.
        let here: BTreeSet<String> = disk.synced.keys().flat_map(|path| above(path)).collect();
        self.0.retain(|folder, _| here.contains(folder));
    }

    /// A second person agreed: whatever was not refused counts.
    fn second_person(&mut self, disk: &Disk, refused: &[String]) {
        for (folder, _) in self.0.clone() {
            if !refused.contains(&folder) && !disk.rules.contains_key(&folder) {
                self.0.remove(&folder);
            }
        }
        for (folder, layer) in &disk.rules {
            if !refused.contains(folder) && layer.unreadable.is_none() {
                self.0.insert(folder.clone(), passes(layer));
            }
        }
    }
}

/// A folder's rule by the dice.
fn any_layer(dice: &mut Dice) -> Option<Layer> {
    let group = |dice: &mut Dice| -> Principal {
        Principal::Group(GROUPS[dice.roll(3) as usize].to_owned())
    };
    let some = |dice: &mut Dice| -> BTreeSet<Principal> {
        (0..dice.roll(3)).map(|_| group(dice)).collect()
    };
    match dice.roll(12) {
        0..=2 => None,
        3 => Some(Layer::unreadable("garbled")),
        4..=5 => only(&["everyone"]),
        6..=7 => Some(Layer { deny: some(dice), ..Layer::default() }),
        _ => Some(Layer { allow: Some(some(dice)), deny: some(dice), ..Layer::default() }),
    }
}

/// With a limit of nothing, every gain is held: what is seen never grows but by a second person.
#[test]
fn promise_4_whatever_folders_say_nobody_sees_more_than_was_agreed_to() {
    const FOLDERS: [&str; 4] = ["", "in", "in/deep", "out"];
    for seed in 1..=12 {
        let mut dice = Dice::new(seed);
        let mut disk = Disk::holding(&["0.md", "in/1.md", "in/deep/2.md", "out/3.md"], 0.0);
        let (mut agreed, mut story) = (Agreed::default(), format!("\nseed {seed}"));
        let mut followed = disk.sync();
        agreed.check(&disk, &followed, &story);
        for step in 0..60 {
            let folder = FOLDERS[dice.roll(4) as usize];
            match dice.roll(10) {
                0 if !disk.waiting().is_empty() => {
                    disk.decide(true);
                    agreed.second_person(&disk, &followed.refused);
                    story.push_str("\napproved");
                }
                1 if !disk.waiting().is_empty() => {
                    disk.decide(false);
                    story.push_str("\nrefused");
                    followed = disk.sync();
                }
                0..=1 => {
                    let between = if folder.is_empty() { "" } else { "/" };
                    disk.files.insert(format!("{folder}{between}{}.md", step + 10));
                    story.push_str(&format!("\na file in {folder}"));
                    followed = disk.sync();
                }
                2 => {
                    // A folder goes with all that is in it, or a file.
                    disk.files.retain(|path| path.len() < 3 || !path.starts_with(folder));
                    disk.files.insert("0.md".to_owned());
                    story.push_str(&format!("\nnothing in {folder}"));
                    followed = disk.sync();
                }
                _ => {
                    // Several folders may change before somebody looks.
                    for _ in 0..=dice.roll(2) {
                        let folder = FOLDERS[dice.roll(4) as usize];
                        let layer = any_layer(&mut dice);
                        story.push_str(&format!("\n{folder}: {layer:?}"));
                        match layer {
                            Some(layer) => disk.rules.insert(folder.to_owned(), layer),
                            None => disk.rules.remove(folder),
                        };
                    }
                    followed = disk.sync();
                }
            }
            agreed.check(&disk, &followed, &story);
        }
    }
}
