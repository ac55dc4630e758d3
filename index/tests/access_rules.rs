//! Promises 2, 4 and 6 against an oracle: whatever happens in whatever order, each reader may see
//! exactly what a few plain lines over plain data say.
//!
//! The oracle knows no SQL, no epochs, no caches and no interned rules. It shares no code with the
//! ledger but the words in which the steps are told.

#![expect(clippy::unwrap_used, reason = "a step that fails has failed the test")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use vouch_index::ledger::{About, ApprovalPolicy, Seen, Settings, SourceKind, SourceSpec};
use vouch_index::{Actor, DocumentId, Extracted, Layer, Ledger, Rule, VersionNo};

const USERS: [&str; 3] = ["user:ann", "user:bob", "user:cem"];
const GROUPS: [&str; 4] = ["group:a", "group:b", "group:b:c", "group:d"];
const SOURCES: usize = 2;
const DOCUMENTS: usize = 5;
/// What a file may hold; the last one is a draft.
const CONTENTS: usize = 3;
const DRAFT: usize = CONTENTS - 1;

/// A layer as the oracle has it: who is let in (none: not said), and who is out.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    allow: Option<BTreeSet<String>>,
    deny: BTreeSet<String>,
}

impl Said {
    fn lets_in(&self, who: &BTreeSet<String>) -> bool {
        let denied = who.iter().any(|one| self.deny.contains(one));
        let allowed = match &self.allow {
            None => true,
            Some(allow) => who.iter().any(|one| allow.contains(one)),
        };
        allowed && !denied
    }

    fn layer(&self) -> Layer {
        let set =
            |names: &BTreeSet<String>| names.iter().map(|name| name.parse().unwrap()).collect();
        Layer { allow: self.allow.as_ref().map(set), deny: set(&self.deny), unreadable: None }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Join { group: usize, member: usize, joins: bool },
    Rule { source: usize, said: Said },
    Pause { source: usize },
    Place { document: usize, said: Vec<Said> },
    Bring { document: usize, content: usize, own: Option<Said> },
    Approve { document: usize },
    Reject { document: usize },
    Withdraw { document: usize },
    Delete { document: usize },
}

fn said() -> impl Strategy<Value = Said> {
    let names: Vec<String> =
        USERS.iter().chain(&GROUPS).chain(&["everyone"]).map(|name| (*name).to_owned()).collect();
    let some = proptest::collection::btree_set(proptest::sample::select(names), 0..4);
    // Most layers let many in, or nobody would ever see anything.
    let allow = prop_oneof![
        2 => Just(None),
        2 => Just(Some(BTreeSet::from(["everyone".to_owned()]))),
        3 => some.clone().prop_map(Some),
    ];
    let deny = prop_oneof![3 => Just(BTreeSet::new()), 1 => some];
    (allow, deny).prop_map(|(allow, deny)| Said { allow, deny })
}

fn step() -> impl Strategy<Value = Step> {
    let document = 0..DOCUMENTS;
    prop_oneof![
        3 => (0..GROUPS.len(), 0..USERS.len() + GROUPS.len(), any::<bool>())
            .prop_map(|(group, member, joins)| Step::Join { group, member, joins }),
        1 => (0..SOURCES, said()).prop_map(|(source, said)| Step::Rule { source, said }),
        1 => (0..SOURCES).prop_map(|source| Step::Pause { source }),
        2 => (document.clone(), vec(said(), 0..3))
            .prop_map(|(document, said)| Step::Place { document, said }),
        6 => (document.clone(), 0..CONTENTS, proptest::option::of(said()))
            .prop_map(|(document, content, own)| Step::Bring { document, content, own }),
        3 => document.clone().prop_map(|document| Step::Approve { document }),
        1 => document.clone().prop_map(|document| Step::Reject { document }),
        1 => document.clone().prop_map(|document| Step::Withdraw { document }),
        1 => document.prop_map(|document| Step::Delete { document }),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Waiting,
    Approved,
    Refused,
    Draft,
}

#[derive(Clone, Debug)]
struct Version {
    no: VersionNo,
    state: State,
    own: Said,
}

/// What makes a version: the content, and where each version waits, also who may read it.
type Key = (usize, Option<Said>);

#[derive(Clone, Debug, Default)]
struct Document {
    versions: BTreeMap<Key, Version>,
    newest: Option<Key>,
    live: Option<Key>,
    place: Vec<Said>,
}

/// What the oracle remembers.
#[derive(Default)]
struct Oracle {
    members: BTreeSet<(usize, String)>,
    rules: [Said; SOURCES],
    paused: [bool; SOURCES],
    documents: [Document; DOCUMENTS],
}

/// Documents are dealt out to the sources in turn. In the second one each version waits.
fn source_of(document: usize) -> usize {
    document % SOURCES
}

impl Oracle {
    /// Everything that somebody is.
    fn principals(&self, user: &str) -> BTreeSet<String> {
        let mut all = BTreeSet::from([user.to_owned(), "everyone".to_owned()]);
        loop {
            let through = self.members.iter().filter(|(_, member)| all.contains(member));
            let more: Vec<_> = through.map(|(group, _)| GROUPS[*group].to_owned()).collect();
            let before = all.len();
            all.extend(more);
            if all.len() == before {
                return all;
            }
        }
    }

    /// Whether somebody refused this content in any document of the source.
    fn refused(&self, source: usize, content: usize) -> bool {
        let documents = (0..DOCUMENTS).filter(|number| source_of(*number) == source);
        let mut versions = documents.flat_map(|number| &self.documents[number].versions);
        versions.any(|(key, version)| key.0 == content && version.state == State::Refused)
    }

    /// Who sees which documents.
    fn seen(&self) -> BTreeSet<(&'static str, usize)> {
        let all = USERS.iter().flat_map(|user| (0..DOCUMENTS).map(|number| (*user, number)));
        all.filter(|(user, number)| self.sees(user, *number).is_some()).collect()
    }

    fn sees(&self, user: &str, number: usize) -> Option<VersionNo> {
        let document = &self.documents[number];
        let (live, newest) = (document.live.as_ref()?, document.newest.as_ref()?);
        let who = self.principals(user);
        let source = source_of(number);
        let own = [live, newest].map(|content| &document.versions[content].own);
        let passes = !self.paused[source]
            && newest.0 != DRAFT
            && self.rules[source].lets_in(&who)
            && document.place.iter().chain(own).all(|said| said.lets_in(&who));
        passes.then(|| document.versions[live].no)
    }
}

struct World {
    ledger: Ledger,
    oracle: Oracle,
    actor: Actor,
    _folder: tempfile::TempDir,
}

fn id(document: usize) -> DocumentId {
    DocumentId { source: format!("s{}", source_of(document)), path: format!("{document}.md") }
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path(), &folder.path().join("head")).unwrap();
        let settings = Settings {
            chunk_characters: 1600,
            chunker: 1,
            languages: vec!["en".to_owned()],
            model: None,
            model_dir: None,
            dimensions: 0,
        };
        ledger.live_generation(&settings).unwrap();
        let principals = BTreeSet::from(["user:olga".parse().unwrap()]);
        let actor = Actor { name: "user:olga".to_owned(), principals, administrator: true };
        let open = Said { allow: Some(BTreeSet::from(["everyone".to_owned()])), ..Said::default() };
        for source in 0..SOURCES {
            ledger.add_source(&spec(source, &open), &actor).unwrap();
        }
        let oracle = Oracle { rules: [open.clone(), open], ..Oracle::default() };
        Self { ledger, oracle, actor, _folder: folder }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Join { group, member, joins } => self.join(*group, *member, *joins),
            Step::Rule { source, said } => {
                // A source must say who may read.
                let allow = said.allow.clone().unwrap_or_default();
                let said = Said { allow: Some(allow), deny: said.deny.clone() };
                let info = self.ledger.update_source(&spec(*source, &said), &self.actor).unwrap();
                let agrees = said.deny.is_empty();
                self.decided(info.held.as_deref(), agrees, |oracle| oracle.rules[*source] = said);
            }
            Step::Pause { source } => {
                let (name, paused) = (format!("s{source}"), &mut self.oracle.paused[*source]);
                match *paused {
                    true => self.ledger.resume_source(&name, &self.actor).unwrap(),
                    false => self.ledger.pause_source(&name, &self.actor, "a test", None).unwrap(),
                };
                *paused = !*paused;
            }
            Step::Place { document, said } => {
                let place = Rule(said.iter().map(Said::layer).collect());
                let DocumentId { source, path } = id(*document);
                self.ledger.set_place(&source, &path, &place).unwrap();
                if !self.oracle.documents[*document].versions.is_empty() {
                    self.oracle.documents[*document].place.clone_from(said);
                }
            }
            Step::Bring { document, content, own } => self.bring(*document, *content, own.as_ref()),
            Step::Approve { document } => self.approve(*document),
            Step::Reject { document } => self.reject(*document),
            Step::Withdraw { document } => self.withdraw(*document),
            Step::Delete { document } => {
                let there = self.oracle.documents[*document].newest.is_some();
                let deleted = self.ledger.delete_document(&id(*document), &self.actor).unwrap();
                assert_eq!(deleted, there);
                let document = &mut self.oracle.documents[*document];
                (document.live, document.newest) = (None, None);
            }
        }
    }

    fn join(&mut self, group: usize, member: usize, joins: bool) {
        let member = *USERS.iter().chain(&GROUPS).nth(member).unwrap();
        let name = GROUPS[group].strip_prefix("group:").unwrap();
        let one = [member.parse().unwrap()];
        let (add, remove) = if joins { (&one[..], &[][..]) } else { (&[][..], &one[..]) };
        let kept = self.ledger.groups().unwrap().iter().any(|group| group.group == name);
        let changed = self.ledger.change_group(name, add, remove, &self.actor);
        assert_eq!(changed.is_ok(), joins || kept, "only an addition makes a group: {changed:?}");
        let held = changed.ok().and_then(|changed| changed.held);
        let entry = (group, member.to_owned());
        match (joins, member.starts_with("user:")) {
            (true, true) => {
                assert_eq!(held, None, "one person's membership");
                self.oracle.members.insert(entry);
            }
            (true, false) => {
                let agrees = group > 0;
                self.decided(held.as_deref(), agrees, |oracle| {
                    oracle.members.insert(entry);
                });
            }
            (false, _) => {
                assert_eq!(held, None, "a narrowing");
                self.oracle.members.remove(&entry);
            }
        }
    }

    /// Every document is more than the limit here. What is not held lets nobody see more; what is held
    /// changes nothing until a second person agrees.
    fn decided(&mut self, held: Option<&str>, agrees: bool, change: impl FnOnce(&mut Oracle)) {
        let before = self.oracle.seen();
        let Some(held) = held else {
            change(&mut self.oracle);
            let after = self.oracle.seen();
            assert!(after.is_subset(&before), "{before:?} became {after:?} and was not held");
            return;
        };
        self.compare("it was held");
        let id = held.split(':').nth(1).unwrap().parse().unwrap();
        let second = Actor { name: "user:second".to_owned(), ..self.actor.clone() };
        self.ledger.decide_held(id, agrees, &self.actor, None).unwrap_err();
        self.ledger.decide_held(id, agrees, &second, None).unwrap();
        if agrees {
            change(&mut self.oracle);
        }
    }

    fn bring(&mut self, number: usize, content: usize, own: Option<&Said>) {
        let DocumentId { source, path } = id(number);
        let refused = self.oracle.refused(source_of(number), content);
        let document = &mut self.oracle.documents[number];
        let extracted = Extracted {
            title: "T".to_owned(),
            text: format!("content {content}"),
            access: own.map(Said::layer),
            hidden: content == DRAFT,
            ..Extracted::default()
        };
        let seen = Seen {
            path: &path,
            hash: &format!("sha256:{content}"),
            extractor: 1,
            extracted: &extracted,
            place: &Rule(document.place.iter().map(Said::layer).collect()),
            uri: None,
            modified_at: 1,
            push: None,
        };
        let (no, _) = self.ledger.bring(&source, &seen).unwrap();
        let own = own.cloned().unwrap_or_default();
        let by_source = source_of(number) == 0;
        let key = (content, (!by_source).then(|| own.clone()));
        let fresh = Version { no, state: State::Waiting, own: own.clone() };
        let version = document.versions.entry(key.clone()).or_insert(fresh);
        assert_eq!(version.no, no, "the same content is the same version");
        version.own = own;
        document.newest = Some(key.clone());
        if content == DRAFT {
            version.state = State::Draft;
        } else if document.live.as_ref() != Some(&key) && version.state != State::Refused {
            let approved = by_source && !refused;
            version.state = if approved { State::Approved } else { State::Waiting };
            if approved {
                document.live = Some(key);
            }
        }
    }

    /// The newest version's state, with the document; decisions are about that one.
    fn newest(&mut self, number: usize) -> Option<(&mut Document, Key)> {
        let document = &mut self.oracle.documents[number];
        let newest = document.newest.clone()?;
        Some((document, newest))
    }

    fn approve(&mut self, number: usize) {
        let done = self.ledger.approve(&id(number), About::default(), &self.actor, None).is_ok();
        let may = self.newest(number).is_some_and(|(_, newest)| newest.0 != DRAFT);
        assert_eq!(done, may);
        if let (true, Some((document, newest))) = (done, self.newest(number)) {
            document.versions.get_mut(&newest).unwrap().state = State::Approved;
            document.live = Some(newest);
        }
    }

    fn reject(&mut self, number: usize) {
        let done = self.ledger.reject(&id(number), About::default(), &self.actor, "a test").is_ok();
        let may = self
            .newest(number)
            .is_some_and(|(document, newest)| document.versions[&newest].state == State::Waiting);
        assert_eq!(done, may);
        if let (true, Some((document, newest))) = (done, self.newest(number)) {
            document.versions.get_mut(&newest).unwrap().state = State::Refused;
        }
    }

    fn withdraw(&mut self, number: usize) {
        let done =
            self.ledger.withdraw(&id(number), About::default(), &self.actor, "a test").is_ok();
        let document = &mut self.oracle.documents[number];
        assert_eq!(done, document.live.is_some());
        if let Some(live) = document.live.take() {
            document.versions.get_mut(&live).unwrap().state = State::Refused;
        }
    }

    /// Every reader, every document, every version: the set, and the gate behind it.
    fn compare(&self, step: &str) {
        for user in USERS {
            let reader = self.ledger.reader(user.strip_prefix("user:").unwrap(), &[]).unwrap();
            let clearance = self.ledger.clearance(&reader).unwrap();
            let mut count = 0;
            for number in 0..DOCUMENTS {
                let seen = self.oracle.sees(user, number);
                count += usize::from(seen.is_some());
                for version in self.oracle.documents[number].versions.values() {
                    let holds = clearance.holds(version.no);
                    assert_eq!(
                        holds,
                        seen == Some(version.no),
                        "{user} {number} {version:?} after {step}"
                    );
                }
                let opened = self.ledger.document_text(&reader, &id(number), None).unwrap();
                assert_eq!(opened.is_some(), seen.is_some(), "{user} {number} after {step}");
            }
            assert_eq!(clearance.len(), count);
        }
    }
}

impl World {
    /// For every reader and every document, also while somebody or everything is stopped and when
    /// documents are too old: an explanation's verdict is what happens, and its conditions give it.
    fn explained(&self) {
        self.explanations_agree();
        self.ledger.block_user("ann", &self.actor, "a test", None).unwrap();
        self.explanations_agree();
        let mut old = spec(0, &self.oracle.rules[0]);
        old.expire_after = Some("1d".to_owned());
        self.ledger.update_source(&old, &self.actor).unwrap();
        self.explanations_agree();
        self.ledger.stop(&self.actor, "a test", None).unwrap();
        self.explanations_agree();
    }

    fn explanations_agree(&self) {
        for user in USERS {
            let name = user.strip_prefix("user:").unwrap();
            let reader = self.ledger.reader(name, &[]).unwrap();
            let mut seen = [0; SOURCES];
            for number in 0..DOCUMENTS {
                let opened = self.ledger.document_text(&reader, &id(number), None).unwrap();
                seen[source_of(number)] += usize::from(opened.is_some());
                let asked = self.ledger.explain((name, &[]), &id(number), &self.actor);
                let Ok(explained) = asked else {
                    assert!(self.oracle.documents[number].versions.is_empty());
                    continue;
                };
                assert_eq!(explained.sees, opened.is_some(), "{explained:?}");
                let holds = explained.checks.iter().all(|check| check.passes);
                assert_eq!(holds, explained.sees, "{explained:?}");
                let failed = explained.checks.iter().filter(|check| !check.passes);
                assert!(failed.clone().all(|check| check.change.is_some()), "{explained:?}");
            }
            let overview = self.ledger.explain_all((name, &[]), None, &self.actor).unwrap();
            let counted: Vec<usize> = overview.sources.iter().map(|source| source.sees).collect();
            assert_eq!(counted, seen, "{overview:?}");
        }
    }
}

fn spec(source: usize, said: &Said) -> SourceSpec {
    SourceSpec {
        id: format!("s{source}"),
        kind: SourceKind::Folder,
        path: Some("nowhere".to_owned()),
        owner: Some("user:olga".parse().unwrap()),
        purpose: "tests".to_owned(),
        approvers: vec!["user:olga".parse().unwrap()],
        approval: if source == 0 { ApprovalPolicy::Source } else { ApprovalPolicy::EachVersion },
        self_approval: false,
        review_every: None,
        expire_after: None,
        authority: 0,
        access: said.layer(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn promise_2_each_reader_sees_exactly_what_the_rules_say(steps in vec(step(), 1..60)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
            world.compare(&format!("{step:?}"));
        }
        world.explained();
    }
}
