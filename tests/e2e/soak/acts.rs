//! The acts: chosen by the dice, done to the server over its routes, and to the oracle.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::house::{READERS, STAFF, canary};
use super::oracle::{ADDED_BY, Document, Id, Names, Oracle, Page, Said, Source};
use super::{Dice, Soak};
use crate::world::{Reply, source, until};

/// Group names; a colon in one must not split it.
const GROUPS: [&str; 5] = ["crew", "desk", "desk:night", "guild", "loft"];
/// Folders inside a source.
const FOLDERS: [&str; 4] = ["", "in", "in/deep", "out"];
/// Files that a source holds at most.
const FILES: usize = 16;
/// The sources: their name, whether documents are pushed, whether each version waits.
pub(crate) const SOURCES: [(&str, bool, bool); 4] =
    [("north", false, false), ("south", false, true), ("east", true, false), ("west", true, true)];

/// One thing that somebody does.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Member { group: &'static str, member: String, joins: bool },
    Load { groups: BTreeMap<&'static str, Names> },
    Employ { user: &'static str, groups: Names },
    Rule { source: &'static str, said: Said, expires: bool },
    Pause { source: &'static str },
    Renew { source: &'static str },
    Files { source: &'static str, changes: Vec<Change> },
    Extract { source: &'static str },
    Push { id: Id, page: usize, said: Said },
    Unpush { id: Id },
    Approve { id: Id, page: Option<usize>, by: &'static str },
    Reject { id: Id },
    Withdraw { id: Id },
    Block { user: &'static str },
    Stop,
    Reindex,
    Rollback,
    Restart,
    Meddle { by: &'static str },
}

/// One change in a folder. Files are pages under a path; no page: the file goes.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    File(Id, Option<usize>),
    Rule(Id, Said),
}

/// Some principals, at most so many.
fn some(dice: &mut Dice, most: usize) -> Names {
    let one = |dice: &mut Dice| match dice.roll(10) {
        0 => "everyone".to_owned(),
        1..=4 => format!("user:{}", dice.pick(&READERS)),
        5 => format!("user:{}", dice.pick(&STAFF)),
        _ => format!("group:{}", dice.pick(&GROUPS)),
    };
    (0..dice.roll(most + 1)).map(|_| one(dice)).collect()
}

/// A layer. Most let many in, or nobody would ever see anything.
fn said(dice: &mut Dice) -> Said {
    let allow = match dice.roll(8) {
        0..=2 => None,
        3..=4 => Some(Names::from(["everyone".to_owned()])),
        _ => Some(some(dice, 4)),
    };
    let deny = if dice.roll(3) == 0 { some(dice, 2) } else { Names::new() };
    Said { allow, deny, broken: dice.roll(40) == 0 }
}

/// A layer that lets many in.
fn wide(dice: &mut Dice) -> Said {
    let mut layer = said(dice);
    if dice.roll(2) == 0 {
        layer.allow.get_or_insert_default().insert("everyone".to_owned());
    }
    layer
}

/// A layer where most places say nothing.
fn perhaps(dice: &mut Dice) -> Said {
    if dice.roll(5) < 3 { Said::default() } else { said(dice) }
}

impl Said {
    fn json(&self) -> Value {
        if self.broken {
            return json!(7);
        }
        let mut layer = json!({});
        if let Some(allow) = &self.allow {
            layer["allow"] = json!(allow);
        }
        if !self.deny.is_empty() {
            layer["deny"] = json!(self.deny);
        }
        layer
    }

    /// As a folder's file says it.
    fn toml(&self) -> String {
        let allow = self.allow.as_ref().map(|allow| format!("allow = {:?}\n", list(allow)));
        let end = if self.broken { "allow" } else { "" };
        format!("{}deny = {:?}\n{end}", allow.unwrap_or_default(), list(&self.deny))
    }
}

fn list(names: &Names) -> Vec<&String> {
    names.iter().collect()
}

impl Page {
    /// The bytes of a file that holds this page.
    pub(crate) fn text(&self) -> String {
        let mut head = String::new();
        if self.draft {
            head.push_str("draft: true\n");
        }
        if !self.own.is_silent() {
            head.push_str(&format!("access: {}\n", self.own.json()));
        }
        let head = if head.is_empty() { head } else { format!("---\n{head}---\n") };
        let word = &self.canary;
        format!(
            "{head}# About {word}\n\nThe heliotrope is the common word. The code word of the {word} \
             project is {word}.\n"
        )
    }

    /// The version's name.
    pub(crate) fn hash(&self) -> String {
        format!("sha256:{}", hex::encode(Sha256::digest(self.text())))
    }
}

impl Oracle {
    /// A page that nobody has seen.
    pub(crate) fn new_page(&mut self, dice: &mut Dice) -> usize {
        let number = self.pages.len();
        let (own, draft) = (perhaps(dice), dice.roll(14) == 0);
        self.pages.push(Page { canary: canary('q', number), own, draft });
        number
    }

    /// A path that nobody has seen.
    fn new_path(&mut self, dice: &mut Dice) -> String {
        self.paths += 1;
        let folder = *dice.pick(&FOLDERS);
        let between = if folder.is_empty() { "" } else { "/" };
        format!("{folder}{between}{}.md", canary('p', self.paths))
    }

    /// A new path, or one that was there and is gone.
    fn new_or_gone(&mut self, dice: &mut Dice, source: &str) -> Id {
        let seen = self.documents.iter().filter(|(id, _)| id.0 == source);
        let gone = seen.filter(|(id, it)| it.newest.is_none() && !self.files.contains_key(*id));
        let gone: Vec<Id> = gone.map(|(id, _)| id.clone()).collect();
        match gone.is_empty() || dice.roll(3) > 0 {
            true => (source.to_owned(), self.new_path(dice)),
            false => dice.pick(&gone).clone(),
        }
    }

    fn files_of(&self, source: &str) -> Vec<Id> {
        self.files.keys().filter(|id| id.0 == source).cloned().collect()
    }

    /// Documents that are there, of sources that fit.
    fn there(&self, fits: impl Fn(&str) -> bool) -> Vec<Id> {
        let there = self.documents.iter().filter(|(_, document)| document.newest.is_some());
        there.map(|(id, _)| id.clone()).filter(|id| fits(&id.0)).collect()
    }

    /// A page that a document held before, or a new one.
    fn another_page(&mut self, dice: &mut Dice, id: &Id) -> usize {
        let old = self.documents.get(id).map(Document::pages).unwrap_or_default();
        if !old.is_empty() && dice.roll(3) == 0 {
            return *dice.pick(&old);
        }
        self.new_page(dice)
    }
}

/// What is done next.
pub(crate) fn choose(dice: &mut Dice, oracle: &mut Oracle) -> Act {
    let (source, folder) = (*dice.pick(&SOURCES), SOURCES[dice.roll(2)].0);
    let reader = *dice.pick(&READERS);
    match dice.roll(100) {
        0..=13 => {
            let member = match dice.roll(3) {
                0 => format!("group:{}", dice.pick(&GROUPS)),
                _ => format!("user:{reader}"),
            };
            let (group, joins) = (*dice.pick(&GROUPS), dice.roll(5) < 3);
            Act::Member { group, member, joins }
        }
        14..=15 => {
            let group = |dice: &mut Dice| {
                let mut members = some(dice, 3);
                members.remove("everyone");
                (*dice.pick(&GROUPS), members)
            };
            Act::Load { groups: (0..2).map(|_| group(dice)).collect() }
        }
        16..=20 => {
            let groups = (0..dice.roll(3)).map(|_| (*dice.pick(&GROUPS)).to_owned()).collect();
            Act::Employ { user: reader, groups }
        }
        21..=28 => Act::Rule { source: source.0, said: wide(dice), expires: dice.roll(12) == 0 },
        29..=34 => {
            let paused = SOURCES.iter().find(|(name, ..)| oracle.sources[*name].paused);
            let resumed = paused.filter(|_| dice.roll(5) > 0).map(|(name, ..)| *name);
            Act::Pause { source: resumed.unwrap_or(source.0) }
        }
        35 => Act::Renew { source: source.0 },
        36..=53 => files(dice, oracle, folder),
        54 => Act::Extract { source: folder },
        55..=84 => documents(dice, oracle),
        85..=89 => {
            let blocked = READERS.into_iter().find(|user| oracle.blocked.contains(*user));
            Act::Block { user: blocked.filter(|_| dice.roll(5) > 0).unwrap_or(reader) }
        }
        90 => Act::Stop,
        91 => Act::Reindex,
        92 => Act::Rollback,
        93 => Act::Restart,
        _ => Act::Meddle { by: if dice.roll(2) == 0 { reader } else { "audra" } },
    }
}

/// Some changes in a folder, for one sync.
fn files(dice: &mut Dice, oracle: &mut Oracle, source: &'static str) -> Act {
    let mut changes = Vec::new();
    let mut free = oracle.files_of(source);
    for _ in 0..=dice.roll(3) {
        let wish = if free.is_empty() { 0 } else { dice.roll(10) };
        let taken = if free.is_empty() { 0 } else { dice.roll(free.len()) };
        match wish {
            0..=1 if oracle.files_of(source).len() < FILES => {
                let id = oracle.new_or_gone(dice, source);
                let page = oracle.another_page(dice, &id);
                changes.push(Change::File(id, Some(page)));
            }
            2..=5 => {
                let id = free.swap_remove(taken);
                let page = oracle.another_page(dice, &id);
                changes.push(Change::File(id, Some(page)));
            }
            6 => changes.push(Change::File(free.swap_remove(taken), None)),
            7..=8 => {
                let id = free.swap_remove(taken);
                let page = oracle.files[&id];
                let to = (source.to_owned(), oracle.new_path(dice));
                changes.push(Change::File(id, None));
                changes.push(Change::File(to, Some(page)));
            }
            _ => {
                let folder = (source.to_owned(), (*dice.pick(&FOLDERS)).to_owned());
                changes.push(Change::Rule(folder, perhaps(dice)));
            }
        }
    }
    Act::Files { source, changes }
}

/// Something with one document.
fn documents(dice: &mut Dice, oracle: &mut Oracle) -> Act {
    let all = oracle.there(|_| true);
    let pushed = oracle.there(|source| oracle.sources[source].pushed);
    let (wish, source) = (dice.roll(30), SOURCES[2 + dice.roll(2)].0);
    if wish < 4 && pushed.len() < 2 * FILES || all.is_empty() || pushed.is_empty() {
        let id = oracle.new_or_gone(dice, source);
        let page = oracle.another_page(dice, &id);
        return Act::Push { id, page, said: perhaps(dice) };
    }
    match wish {
        0..=10 => {
            let id = dice.pick(&pushed).clone();
            let newest = oracle.documents[&id].newest_page();
            let same = newest.filter(|_| dice.roll(2) == 0);
            let page = same.unwrap_or_else(|| oracle.another_page(dice, &id));
            Act::Push { id, page, said: perhaps(dice) }
        }
        11..=12 => Act::Unpush { id: dice.pick(&pushed).clone() },
        13..=22 => {
            let waiting: Vec<_> = all.iter().filter(|id| oracle.waits(id)).collect();
            let any = waiting.is_empty() || dice.roll(4) == 0;
            let id = if any { dice.pick(&all) } else { dice.pick(&waiting) }.clone();
            let versions = oracle.documents[&id].pages();
            let page = (dice.roll(4) == 0).then(|| *dice.pick(&versions));
            let by = if dice.roll(4) == 0 { "alice" } else { "pia" };
            Act::Approve { id, page, by }
        }
        23..=25 => Act::Reject { id: dice.pick(&all).clone() },
        _ => Act::Withdraw { id: dice.pick(&all).clone() },
    }
}

impl Soak {
    /// The sources with what they hold at first.
    pub(crate) async fn furnish(&mut self) {
        // A group that was never kept counts from tokens, and can't be changed.
        self.load(GROUPS.iter().map(|group| (*group, Names::new())).collect()).await;
        for (name, pushed, each) in SOURCES {
            let everyone = Some(Names::from(["everyone".to_owned()]));
            let open = Said { allow: everyone, ..Said::default() };
            let made = Source { pushed, each, said: open, paused: false, expires: false };
            self.oracle.sources.insert(name.to_owned(), made);
            for _ in 0..FILES - 4 {
                let id = (name.to_owned(), self.oracle.new_path(&mut self.dice));
                let page = self.oracle.new_page(&mut self.dice);
                match pushed {
                    true => self.first.push((id, page)),
                    false => self.put(&Change::File(id, Some(page))),
                }
            }
            std::fs::create_dir_all(self.house.company.documents().join(name)).expect("a folder");
            self.add(name).await;
        }
        for (id, page) in std::mem::take(&mut self.first) {
            let said = perhaps(&mut self.dice);
            self.push(&id, page, said).await;
        }
        self.house.settled().await;
        // Half of what waits at first is approved, or there would be little to see.
        for id in self.oracle.there(|source| source == "south" || source == "west") {
            if self.dice.roll(3) > 0 {
                self.approve(&id, None, "pia").await;
            }
        }
    }

    /// Does one thing. `true`: what it began may go on after its call returned.
    pub(crate) async fn act(&mut self, act: Act) -> bool {
        match act {
            Act::Member { group, member, joins } => self.member(group, member, joins).await,
            Act::Load { groups } => self.load(groups).await,
            Act::Employ { user, groups } => self.employ(user, groups).await,
            Act::Rule { source, said, expires } => self.rule(source, said, expires).await,
            Act::Pause { source } => self.pause(source).await,
            Act::Renew { source } => self.renew(source).await,
            Act::Files { source, changes } => {
                changes.iter().for_each(|change| self.put(change));
                self.sync(source).await;
            }
            Act::Extract { source } => {
                let body = json!({ "source": source });
                self.does("alice", Method::POST, "/v1/admin/reindex", &body).await;
                self.oracle.sync(source, true);
                return true;
            }
            Act::Push { id, page, said } => {
                self.push(&id, page, said).await;
                return true;
            }
            Act::Unpush { id } => {
                let path = format!("/v1/admin/sources/{}/documents/{}", id.0, id.1);
                self.does("root", Method::DELETE, &path, &json!({})).await;
                self.oracle.delete(&id);
            }
            Act::Approve { id, page, by } => self.approve(&id, page, by).await,
            Act::Reject { id } => self.reject(&id).await,
            Act::Withdraw { id } => self.withdraw(&id).await,
            Act::Block { user } => self.block(user).await,
            Act::Stop => self.stop().await,
            Act::Reindex => self.reindex().await,
            Act::Rollback => self.rollback().await,
            Act::Restart => self.house.restart().await,
            Act::Meddle { by } => self.meddle(by).await,
        }
        false
    }

    /// A call by one of the staff, with its status; even that may hold no text.
    async fn does(&mut self, who: &str, how: Method, path: &str, body: &Value) -> Reply {
        let reply = self.house.send(who, (how, path), body).await;
        let done = matches!(reply.status, 200..=202);
        assert!(done, "{path} {body} by {who}: {} {}", reply.body, self.story());
        self.holds_no_text(who, path, &reply);
        reply
    }

    /// Lets a second person agree to whatever waits for one.
    async fn agreed(&mut self) {
        let waiting = self.house.alice().get("/v1/admin/approvals").await.json();
        for held in waiting["held"].as_array().into_iter().flatten() {
            let target = format!("held:{}", held["id"]);
            let body = json!({"target": target, "act": "approve", "why": "a test"});
            self.does("root", Method::POST, "/v1/admin/approvals", &body).await;
            self.agreements += 1;
        }
    }

    async fn member(&mut self, group: &str, member: String, joins: bool) {
        let key = if joins { "add" } else { "remove" };
        let body = json!({"group": group, key: [&member]});
        self.does("alice", Method::POST, "/v1/admin/groups", &body).await;
        self.agreed().await;
        let entry = (group.to_owned(), member);
        match joins {
            true => self.oracle.members.insert(entry),
            false => self.oracle.members.remove(&entry),
        };
    }

    async fn load(&mut self, groups: BTreeMap<&'static str, Names>) {
        let list: Vec<_> = groups
            .iter()
            .map(|(group, members)| json!({"group": group, "members": members}))
            .collect();
        let body = json!({ "groups": list });
        self.does("alice", Method::POST, "/v1/admin/groups/load", &body).await;
        self.agreed().await;
        for (group, members) in groups {
            self.oracle.members.retain(|(known, _)| known != group);
            let entries = members.into_iter().map(|member| (group.to_owned(), member));
            self.oracle.members.extend(entries);
        }
    }

    /// The people file is applied by what changes in it.
    async fn employ(&mut self, user: &str, groups: Names) {
        let before = self.oracle.people.insert(user.to_owned(), groups.clone()).unwrap_or_default();
        let entry = |group: &String| (group.clone(), format!("user:{user}"));
        for left in before.difference(&groups) {
            self.oracle.members.remove(&entry(left));
        }
        self.oracle.members.extend(groups.difference(&before).map(entry));
        self.house.employ(&self.oracle.people);
        // The file counts from the next request on.
        self.does("alice", Method::GET, "/v1/admin/status", &json!({})).await;
    }

    /// A source as its file says it.
    fn spec(&self, name: &str) -> Value {
        let about = &self.oracle.sources[name];
        let allow = about.said.allow.clone().unwrap_or_default();
        source(
            name,
            &json!({
                "kind": if about.pushed { "push" } else { "folder" },
                "owner": "user:olga",
                "approvers": [ADDED_BY, "user:pia"],
                "approval": if about.each { "each-version" } else { "source" },
                "expire_after": about.expires.then_some("1d"),
                "access": {"allow": allow, "deny": about.said.deny},
            }),
        )
    }

    /// Adds a source, with the first sync where it is a folder.
    async fn add(&mut self, name: &str) {
        let spec = self.spec(name);
        self.does("alice", Method::POST, "/v1/admin/sources", &spec).await;
        self.oracle.sync(name, false);
    }

    async fn rule(&mut self, name: &str, said: Said, expires: bool) {
        let about = self.oracle.sources.get_mut(name).expect("it is there");
        let allow = Some(said.allow.unwrap_or_default());
        (about.said, about.expires) = (Said { allow, broken: false, ..said }, expires);
        let (spec, path) = (self.spec(name), format!("/v1/admin/sources/{name}"));
        self.does("alice", Method::PUT, &path, &spec).await;
        self.agreed().await;
    }

    async fn pause(&mut self, name: &str) {
        let about = self.oracle.sources.get_mut(name).expect("it is there");
        about.paused = !about.paused;
        let act = if about.paused { "pause" } else { "resume" };
        let (path, why) = (format!("/v1/admin/sources/{name}/{act}"), json!({"why": "a test"}));
        self.does("olga", Method::POST, &path, &why).await;
    }

    /// Revokes a source and removes it, and adds it anew; what lies in its folder comes back.
    async fn renew(&mut self, name: &str) {
        let why = json!({"why": "a test"});
        let path = format!("/v1/admin/sources/{name}");
        self.does("olga", Method::POST, &format!("{path}/revoke"), &why).await;
        self.oracle.documents.retain(|id, _| id.0 != name);
        self.at_once().await;
        self.does("alice", Method::DELETE, &path, &json!({})).await;
        self.at_once().await;
        self.oracle.sources.get_mut(name).expect("it is there").paused = false;
        self.add(name).await;
        self.house.settled().await;
    }

    /// Changes something on the disk. It counts from the next sync on.
    fn put(&mut self, change: &Change) {
        let file = |(source, path): &Id| format!("{source}/{path}");
        let (name, content) = match change {
            Change::File(id, page) => {
                match page {
                    Some(page) => self.oracle.files.insert(id.clone(), *page),
                    None => self.oracle.files.remove(id),
                };
                (file(id), page.map(|page| self.oracle.pages[page].text()))
            }
            Change::Rule(folder, said) => {
                let between = if folder.1.is_empty() { "" } else { "/" };
                let name = format!("{}{between}.access.toml", file(folder));
                match said.is_silent() {
                    true => self.oracle.rules.remove(folder),
                    false => self.oracle.rules.insert(folder.clone(), said.clone()),
                };
                (name, (!said.is_silent()).then(|| said.toml()))
            }
        };
        match content {
            Some(content) => self.house.company.write(&name, content.as_bytes()),
            // A rule may not have been there.
            None => drop(std::fs::remove_file(self.house.company.documents().join(name))),
        }
    }

    async fn sync(&mut self, name: &str) {
        self.house.sync(name).await;
        self.house.settled().await;
        self.agreed().await;
        self.house.settled().await;
        self.oracle.sync(name, false);
    }

    async fn push(&mut self, id: &Id, page: usize, said: Said) {
        let said = Said { broken: false, ..said };
        let metadata = match said.is_silent() {
            true => json!({}),
            false => json!({"access": said.json()}),
        };
        let (name, text) = (format!("{}/{}", id.0, id.1), self.oracle.pages[page].text());
        let by = if self.dice.roll(4) == 0 { "alice" } else { "root" };
        let reply = self.house.person(by).push(&name, &metadata, &text).await;
        assert_eq!(reply.status, 202, "{} {}", reply.body, self.story());
        self.oracle.push(id, page, &format!("user:{by}"), said);
    }

    async fn decide(&mut self, by: &str, act: &str, id: &Id, page: Option<usize>) -> bool {
        let mut body = json!({"target": format!("{}/{}", id.0, id.1), "act": act, "why": "a test"});
        if let Some(page) = page {
            body["version"] = json!(self.oracle.pages[page].hash());
        }
        let reply = self.house.send(by, (Method::POST, "/v1/admin/approvals"), &body).await;
        self.holds_no_text(by, "/v1/admin/approvals", &reply);
        assert!(matches!(reply.status, 200 | 403 | 404 | 409), "{}", reply.body);
        reply.status == 200
    }

    async fn approve(&mut self, id: &Id, page: Option<usize>, by: &str) {
        let done = self.decide(by, "approve", id, page).await;
        let may = self.oracle.approve(id, page, &format!("user:{by}"));
        assert_eq!(done, may, "approve {id:?} by {by} {}", self.story());
    }

    async fn reject(&mut self, id: &Id) {
        let done = self.decide("pia", "reject", id, None).await;
        let may = self.oracle.reject(id);
        assert_eq!(done, may, "reject {id:?} {}", self.story());
    }

    async fn withdraw(&mut self, id: &Id) {
        let done = self.decide("root", "withdraw", id, None).await;
        let may = self.oracle.withdraw(id);
        assert_eq!(done, may, "withdraw {id:?} {}", self.story());
    }

    async fn block(&mut self, user: &str) {
        let blocked = !self.oracle.blocked.remove(user);
        let act = if blocked { "block" } else { "unblock" };
        let body = json!({"user": user, "act": act, "why": "a test"});
        self.does("root", Method::POST, "/v1/admin/users", &body).await;
        if blocked {
            self.oracle.blocked.insert(user.to_owned());
        }
    }

    /// Stops everything, looks, and starts it again.
    async fn stop(&mut self) {
        let why = json!({"why": "a test"});
        self.does("root", Method::POST, "/v1/admin/stop", &why).await;
        self.oracle.stopped = true;
        self.at_once().await;
        self.does("root", Method::POST, "/v1/admin/start", &json!({})).await;
        self.oracle.stopped = false;
    }

    async fn reindex(&mut self) {
        let body = json!({});
        let reply = self.does("root", Method::POST, "/v1/admin/reindex", &body).await;
        let number = reply.json()["generation"].clone();
        until("the new generation answers", async || {
            let status = self.house.alice().get("/v1/admin/status").await.json();
            (status["generation"] == number).then_some(())
        })
        .await;
    }

    async fn rollback(&mut self) {
        let path = (Method::POST, "/v1/admin/rollback");
        let reply = self.house.send("root", path, &json!({})).await;
        // There may be no earlier generation.
        assert!(matches!(reply.status, 200 | 409), "{}", reply.body);
        self.holds_no_text("root", "/v1/admin/rollback", &reply);
    }

    /// Somebody tries what is not theirs to do.
    async fn meddle(&mut self, by: &'static str) {
        let source = self.dice.pick(&SOURCES).0;
        let ids: Vec<Id> = self.oracle.documents.keys().cloned().collect();
        let (group, target) = (*self.dice.pick(&GROUPS), self.dice.pick(&ids).clone());
        let target = format!("{}/{}", target.0, target.1);
        let sources = format!("/v1/admin/sources/{source}");
        let (how, path, body) = match self.dice.roll(8) {
            0 => (
                Method::POST,
                "/v1/admin/groups".to_owned(),
                json!({"group": group, "add": [format!("user:{by}")]}),
            ),
            1 => (Method::PUT, sources, self.spec(source)),
            2 => (Method::POST, format!("{sources}/resume"), json!({})),
            3 => (Method::DELETE, sources, json!({})),
            4 => (
                Method::POST,
                "/v1/admin/approvals".to_owned(),
                json!({"target": target, "act": "approve"}),
            ),
            5 => (Method::DELETE, format!("/v1/admin/sources/{source}/documents/x.md"), json!({})),
            6 => (Method::POST, "/v1/admin/rollback".to_owned(), json!({})),
            _ => (
                Method::POST,
                "/v1/admin/keys".to_owned(),
                json!({"name": "mine", "role": "administrator"}),
            ),
        };
        let reply = self.house.send(by, (how, &path), &body).await;
        assert!(
            matches!(reply.status, 403 | 404),
            "{path} by {by}: {} {} {}",
            reply.status,
            reply.body,
            self.story()
        );
        self.holds_no_text(by, &path, &reply);
    }
}
