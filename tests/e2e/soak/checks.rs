//! What is looked at after each act: every byte that anybody gets, over every route that gives some.
//!
//! A leak is a canary that this reader may not meet. A false denial is a document that this reader may
//! see and does not find, or can't open. One check is one decision about one reader and one document:
//! a search for the word that all pages share decides about every document that is there, any other
//! response counts once.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use vouch::app::{App, Live};
use vouch_index::search::{Mode, Query, search};
use vouch_index::{Clearance, DocumentId, Reader};

use super::Soak;
use super::acts::SOURCES;
use super::house::{READERS, STAFF, canaries, logged};
use super::oracle::{Id, Names};
use crate::world::Reply;

/// The word that every page holds.
const COMMON: &str = "heliotrope";
/// What lies in folders was changed before this time, what was pushed after it.
const BETWEEN: &str = "2025-12-01T00:00:00Z";

/// Readers who got their clearance before something changed, and use it afterwards.
pub(crate) struct Overtaken {
    app: Arc<App>,
    live: Arc<Live>,
    readers: Vec<(&'static str, Reader, Clearance)>,
}

/// Everybody who may read something.
fn everybody() -> impl Iterator<Item = &'static str> {
    READERS.into_iter().chain(STAFF)
}

fn query(app: &App, live: &Live, clearance: &Clearance) -> Vec<String> {
    let query =
        Query { text: COMMON, vector: None, mode: Mode::Words, limit: 200, meaning_weight: 0.5 };
    let found = search(&app.ledger, &live.generation, clearance, &query).expect("a search");
    let said = |passage: &vouch_index::Passage| {
        format!("{} {} {} {}", passage.document, passage.title, passage.heading, passage.text)
    };
    found.passages.iter().map(said).collect()
}

impl Overtaken {
    /// Clearances as they are now.
    pub(crate) async fn of(app: &Arc<App>) -> Self {
        let app = Arc::clone(app);
        let made = tokio::task::spawn_blocking(move || {
            let readers = everybody().map(|user| {
                let reader = app.ledger.reader(user, &[]).expect("a reader");
                let clearance = app.ledger.clearance(&reader).expect("a clearance");
                (user, reader, clearance)
            });
            let readers = readers.collect();
            Self { live: app.live(), app, readers }
        });
        made.await.expect("no panic")
    }
}

impl Soak {
    /// What must hold as soon as a call has returned, before any index has followed: nobody finds what
    /// they may no longer see, not even who began before the call.
    pub(crate) async fn at_once(&mut self) {
        let body = json!({"query": COMMON, "mode": "words", "limit": 200});
        for (user, reply) in self.all_search(&body).await {
            let permitted = self.oracle.permitted(user);
            self.no_leak(user, "/v1/search", &reply.bytes(), &permitted);
            self.decided_about_all();
        }
    }

    /// Readers who were overtaken by the last act.
    pub(crate) async fn overtaken(&mut self, overtaken: Overtaken) {
        let done = tokio::task::spawn_blocking(move || {
            let Overtaken { app, live, readers } = overtaken;
            let mut found = Vec::new();
            for (user, reader, clearance) in readers {
                found.push((user, "search with an old clearance", query(&app, &live, &clearance)));
                let fresh = app.ledger.clearance(&reader).expect("a clearance");
                found.push((user, "clearance of an old reader", query(&app, &live, &fresh)));
            }
            found
        });
        for (user, how, texts) in done.await.expect("no panic") {
            let permitted = self.oracle.permitted(user);
            self.no_leak(user, how, &texts.join("\n"), &permitted);
            self.decided_about_all();
        }
    }

    /// The same for opening documents.
    pub(crate) async fn overtaken_open(&mut self, overtaken: &Overtaken) {
        let ids: Vec<Id> = self.oracle.documents.keys().cloned().collect();
        for (user, reader, _) in &overtaken.readers {
            let id = self.looks.pick(&ids).clone();
            let name = DocumentId { source: id.0.clone(), path: id.1.clone() };
            let (app, reader) = (Arc::clone(&overtaken.app), reader.clone());
            let opened = tokio::task::spawn_blocking(move || {
                app.ledger.document_text(&reader, &name, None).expect("the ledger")
            });
            let text = opened.await.expect("no panic").map(|it| it.text).unwrap_or_default();
            let permitted = self.oracle.permitted(user);
            self.no_leak(user, "an old reader opens a document", &text, &permitted);
        }
    }

    /// What must hold once everything has settled, in both directions.
    pub(crate) async fn fully(&mut self) {
        self.house.settled().await;
        let everything = json!({"query": COMMON, "mode": "words", "limit": 200});
        self.exactly(&everything, |_| true).await;
        let (source, pushed, _) = *self.looks.pick(&SOURCES);
        match self.looks.roll(4) {
            0 => {
                let narrow = json!({"query": COMMON, "limit": 200, "sources": [source, "none"]});
                self.exactly(&narrow, |id| id.0 == source).await;
            }
            1 => {
                let late = json!({"query": COMMON, "limit": 200, "modified_after": BETWEEN});
                let pushes =
                    |id: &Id| SOURCES.iter().any(|(name, pushed, _)| *pushed && id.0 == *name);
                self.exactly(&late, pushes).await;
                let _either = pushed;
            }
            2 => self.exactly(&json!({"query": COMMON, "limit": 200}), |_| true).await,
            _ => self.none_squeezed_out().await,
        }
        for _ in 0..4 {
            self.open_one().await;
        }
        self.ask_one().await;
        for _ in 0..3 {
            self.pry().await;
        }
        let logged = logged();
        assert!(logged.is_empty(), "LEAK: {logged:?} in the log {}", self.story());
    }

    async fn all_search(&self, body: &Value) -> Vec<(&'static str, Reply)> {
        let one = async |user: &'static str| {
            (user, self.house.send(user, (Method::POST, "/v1/search"), body).await)
        };
        join_all(everybody().map(one)).await
    }

    /// A search whose answer must hold what each may see of these documents, all and nothing else.
    async fn exactly(&mut self, body: &Value, among: impl Fn(&Id) -> bool) {
        for (user, reply) in self.all_search(body).await {
            let mut visible = self.oracle.visible(user);
            visible.retain(|id, _| among(id));
            let expected: Names =
                visible.iter().flat_map(|(id, page)| self.oracle.canaries(id, *page)).collect();
            self.no_leak(user, &format!("/v1/search {body}"), &reply.bytes(), &expected);
            let found = canaries(&reply.body);
            let lacking: Vec<_> = expected.difference(&found).collect();
            assert!(
                lacking.is_empty(),
                "FALSE DENIAL: {user} does not find {lacking:?} by {body}: {} {}",
                reply.status,
                self.story()
            );
            self.decided_about_all();
            self.tally.found += visible.len() as u64;
        }
    }

    /// What is hidden takes no place in a short list.
    async fn none_squeezed_out(&mut self) {
        let limit = 1 + self.looks.roll(20);
        let body = json!({"query": COMMON, "mode": "words", "limit": limit});
        for (user, reply) in self.all_search(&body).await {
            let (permitted, visible) =
                (self.oracle.permitted(user), self.oracle.visible(user).len());
            self.no_leak(user, "/v1/search", &reply.bytes(), &permitted);
            let given = match reply.status {
                200 => reply.json()["passages"].as_array().map_or(0, Vec::len),
                _ => 0,
            };
            let (least, story) = (limit.min(visible), self.story());
            assert_eq!(given, least, "FALSE DENIAL: passages for {user} of {limit} {story}");
        }
    }

    /// Somebody opens some version of some document.
    async fn open_one(&mut self) {
        let user = *self.looks.pick(&everybody().collect::<Vec<_>>());
        let ids: Vec<Id> = self.oracle.documents.keys().cloned().collect();
        let id = self.looks.pick(&ids).clone();
        let page = *self.looks.pick(&self.oracle.documents[&id].pages());
        let who = self.oracle.principals(user);
        let live = self.oracle.sees(&who, &id);
        let (opens, page, version) = match self.looks.roll(3) {
            0 => (live.is_some(), live.unwrap_or(page), String::new()),
            _ => {
                let hash = self.oracle.pages[page].hash();
                let Some(opens) = self.oracle.opens(&who, &id, page) else { return };
                (opens, page, format!("?version={hash}"))
            }
        };
        let route = if self.looks.roll(2) == 0 { "/v1/documents" } else { "/view" };
        let path = format!("{route}/{}/{}{version}", id.0, id.1);
        let reply = self.house.person(user).get(&path).await;
        if opens {
            let allowed = Names::from(self.oracle.canaries(&id, page));
            self.no_leak(user, &path, &reply.bytes(), &allowed);
            let there = reply.status == 200 && reply.body.contains(&self.oracle.pages[page].canary);
            assert!(
                there,
                "FALSE DENIAL: {user} can't open {path}: {} {}",
                reply.body,
                self.story()
            );
            self.tally.opened += 1;
            return;
        }
        let missing = self.house.person(user).get(&format!("{route}/none/none.md")).await;
        let (got, missing) = (reply.bytes(), missing.bytes());
        assert_eq!(got, missing, "LEAK: {path} for {user} is not as if missing {}", self.story());
        self.tally.checks += 1;
    }

    /// Somebody asks for a code word, which they may see or not.
    async fn ask_one(&mut self) {
        let all: Vec<&str> = everybody().collect();
        let (user, other) = (*self.looks.pick(&all), *self.looks.pick(&all));
        let live: Vec<(Id, usize)> = self
            .oracle
            .documents
            .iter()
            .filter_map(|(id, it)| Some((id.clone(), it.versions[it.live?].page)))
            .collect();
        if live.is_empty() {
            return;
        }
        let (id, page) = self.looks.pick(&live).clone();
        let word = self.oracle.pages[page].canary.clone();
        let visible = self.oracle.visible(user);
        let permitted = self.oracle.permitted(user);
        let stream = self.looks.roll(2) == 0;
        let question = format!("What is the code word of the {word} project?");
        let body = json!({"question": question, "stream": stream});
        let reply = self.house.send(user, (Method::POST, "/v1/ask"), &body).await;
        self.typed.insert(word);
        self.no_leak(user, "/v1/ask", &reply.bytes(), &permitted);
        if reply.status != 200 || reply.body.contains("event: error") {
            assert!(visible.is_empty(), "FALSE DENIAL: {user}: {} {}", reply.body, self.story());
            return;
        }
        let answer: Value = match stream {
            false => reply.json(),
            true => {
                let done = reply.body.split("event: done").nth(1).expect("an end");
                let data = done.split_once("data: ").expect("data").1.lines().next();
                serde_json::from_str(data.unwrap_or_default()).expect("JSON")
            }
        };
        let sources: BTreeSet<_> = visible.keys().map(|id| &id.0).collect();
        assert_eq!(answer["searched"]["sources"], sources.len(), "LEAK or FALSE DENIAL: {answer}");
        let sees = visible.get(&id) == Some(&page);
        self.in_the_prompt(user, &answer, sees.then_some(page)).await;
        let verdict = json!({"answer": answer["id"], "verdict": "right"});
        let theirs = self.house.send(other, (Method::POST, "/v1/feedback"), &verdict).await;
        let expected = if other == user { 200 } else { 404 };
        let shut_out = self.oracle.principals(other).is_empty();
        assert!(shut_out || theirs.status == expected, "LEAK: {other}: {}", theirs.body);
    }

    /// What went to whatever writes the answer, as the audit has it.
    async fn in_the_prompt(&mut self, user: &str, answer: &Value, wanted: Option<usize>) {
        let id = answer["id"].as_str().expect("an id");
        let path = format!("/v1/admin/audit?answer={id}");
        let records = self.house.person("audra").get(&path).await.json();
        let opening = &records["records"][0];
        let who = self.oracle.principals(user);
        let mut prompted = BTreeSet::new();
        for passage in opening["body"]["passages"].as_array().expect("passages") {
            let name = passage["document"].as_str().expect("a name");
            let (source, path) = name.split_once('/').expect("a name");
            let id = (source.to_owned(), path.to_owned());
            let sees = self.oracle.sees(&who, &id).map(|page| self.oracle.pages[page].hash());
            let version = passage["version"].as_str().map(str::to_owned);
            assert!(sees.is_some() && sees == version, "LEAK: {name} in a prompt {}", self.story());
            prompted.extend(version);
            self.tally.checks += 1;
        }
        // The same page may lie under several names; repeated text goes into a prompt once.
        if let Some(wanted) = wanted.map(|page| self.oracle.pages[page].clone()) {
            let there = prompted.contains(&wanted.hash());
            assert!(there, "FALSE DENIAL: {user} asks for {wanted:?}: {opening} {}", self.story());
        }
    }

    /// Somebody calls any route there is that takes GET.
    async fn pry(&mut self) {
        let all: Vec<&str> = everybody().chain(["nobody"]).collect();
        let (user, route) = (*self.looks.pick(&all), self.looks.pick(&self.gets.clone()).clone());
        let ids: Vec<Id> = self.oracle.documents.keys().cloned().collect();
        let (source, document) = self.looks.pick(&ids).clone();
        let asked = *self.looks.pick(&READERS);
        let mut path = route.clone();
        for (name, value) in [("{source}", &source), ("{*path}", &document), ("{path}", &document)]
        {
            path = path.replace(name, value);
        }
        path = path.replace("{id}", &source);
        if path.contains("explain") {
            path = format!("{path}?user={asked}&document={source}/{document}");
        } else if self.looks.roll(2) == 0 {
            path = format!("{path}?user={asked}&source={source}&document={source}/{document}");
        }
        let reply = self.house.person(user).get(&path).await;
        let mut allowed = self.oracle.permitted(user);
        if STAFF.contains(&user) {
            // Identifiers are for those who administer; text is not.
            allowed.extend(self.oracle.all_names());
        }
        // What an auditor may read is the same on a page.
        let audits = ["/v1/admin/audit", "/admin/audit", "/admin/questions"];
        if audits.iter().any(|audit| path.starts_with(audit)) && user == "audra" {
            allowed.extend(self.typed.iter().chain(&self.shown).cloned());
        }
        let approves = matches!(user, "alice" | "pia");
        let opens = ["/v1/admin/approvals/", "/admin/approvals/"];
        if approves && opens.iter().any(|opens| path.starts_with(opens)) {
            let pages = self.oracle.documents[&(source, document)].pages();
            allowed.extend(pages.iter().map(|page| self.oracle.pages[*page].canary.clone()));
        }
        self.no_leak(user, &path, &reply.bytes(), &allowed);
        assert!(reply.status < 500 || reply.status == 503, "{path}: {}", reply.body);
        *self.tally.pried.entry(route).or_default() += 1;
    }

    /// An answer to one of the staff that is about names and counts, and holds no page.
    pub(crate) fn holds_no_text(&mut self, who: &str, path: &str, reply: &Reply) {
        let names = self.oracle.all_names();
        self.no_leak(who, path, &reply.bytes(), &names);
    }

    /// The check itself: every canary in these bytes is one that this reader may meet.
    fn no_leak(&mut self, user: &str, what: &str, bytes: &str, allowed: &Names) {
        let found = canaries(bytes);
        let leaked: Vec<_> = found.difference(allowed).collect();
        assert!(leaked.is_empty(), "LEAK: {user} gets {leaked:?} by {what} {}", self.story());
        self.shown.extend(found);
        self.tally.checks += 1;
        self.tally.responses += 1;
    }

    /// A search for the word that all share has decided about every document that is there.
    fn decided_about_all(&mut self) {
        let there = self.oracle.documents.values().filter(|it| it.newest.is_some());
        self.tally.checks += there.count() as u64;
    }
}
