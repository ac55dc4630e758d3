//! What one person may not decide alone: rules and nested groups that let more people see more than
//! the limit. While a change is held, nobody sees more than before.

use std::collections::{BTreeMap, BTreeSet};

use vouch_index::ledger::{ApprovalPolicy, Seen, SourceInfo, SourceKind, SourceSpec, Widening};
use vouch_index::{Actor, Extracted, Layer, Principal, Rule};

use crate::company::Company;

const NOBODY: &[&str] = &[];

struct Scene {
    company: Company,
    sources: BTreeMap<String, SourceSpec>,
}

impl Scene {
    /// Sources with so many live documents each; nobody else may read the first ones' neighbours.
    fn of(sources: &[(&str, usize, &[&str], &[&str])]) -> Self {
        let mut scene = Self { company: Company::new(), sources: BTreeMap::new() };
        for (id, documents, allow, deny) in sources {
            let spec = spec(id, layer(allow, deny));
            scene.company.ledger.add_source(&spec, &olga()).unwrap();
            scene.sources.insert((*id).to_owned(), spec);
            for number in 0..*documents {
                scene.document(id, number, Rule::default());
            }
        }
        scene
    }

    fn document(&self, source: &str, number: usize, place: Rule) {
        let extracted = Extracted { text: format!("text {number}"), ..Extracted::default() };
        let seen = Seen {
            path: &format!("{number}.md"),
            hash: &format!("sha256:{source}{number}"),
            extractor: 1,
            extracted: &extracted,
            place: &place,
            uri: None,
            modified_at: 1,
            push: None,
        };
        self.company.ledger.bring(source, &seen).unwrap();
    }

    fn update(&self, id: &str, allow: &[&str], deny: &[&str]) -> SourceInfo {
        let spec = SourceSpec { access: layer(allow, deny), ..self.sources[id].clone() };
        self.company.ledger.update_source(&spec, &olga()).unwrap()
    }

    fn put_in(&self, group: &str, member: &str) -> Option<String> {
        let add = [member.parse().unwrap()];
        self.company.ledger.change_group(group, &add, &[], &olga()).unwrap().held
    }

    fn sees(&self, user: &str, token_groups: &[&str]) -> usize {
        let groups: Vec<String> = token_groups.iter().map(|it| (*it).to_owned()).collect();
        let reader = self.company.ledger.reader(user, &groups).unwrap();
        self.company.ledger.clearance(&reader).unwrap().len()
    }

    fn waiting(&self) -> Vec<Widening> {
        self.company.ledger.held(&olga(), None).unwrap()
    }

    fn decide(&self, approve: bool, actor: &Actor) -> vouch_index::Result<Widening> {
        let id = self.waiting()[0].id;
        self.company.ledger.decide_held(id, approve, actor, Some("a test"))
    }
}

fn layer(allow: &[&str], deny: &[&str]) -> Layer {
    let set = |who: &[&str]| who.iter().map(|it| it.parse().unwrap()).collect::<BTreeSet<_>>();
    Layer { allow: Some(set(allow)), deny: set(deny), unreadable: None }
}

fn spec(id: &str, access: Layer) -> SourceSpec {
    SourceSpec {
        id: id.to_owned(),
        kind: SourceKind::Folder,
        path: Some("nowhere".to_owned()),
        owner: Some("user:owner".parse().unwrap()),
        purpose: "tests".to_owned(),
        approvers: vec!["user:olga".parse().unwrap()],
        approval: ApprovalPolicy::Source,
        self_approval: false,
        review_every: None,
        expire_after: None,
        authority: 0,
        access,
    }
}

fn person(name: &str, administrator: bool) -> Actor {
    let principals = BTreeSet::from([Principal::User(name.to_owned()), Principal::Everyone]);
    Actor { name: format!("user:{name}"), principals, administrator }
}

fn olga() -> Actor {
    person("olga", true)
}

fn refused<T: std::fmt::Debug>(result: vouch_index::Result<T>) -> &'static str {
    let error = result.unwrap_err();
    let vouch_index::Error::Refused(refusal) = error else { panic!("{error}") };
    refusal.code
}

#[test]
fn exactly_the_limit_is_not_held_and_one_more_document_is() {
    let scene =
        Scene::of(&[("few", 5, &["user:ann"], NOBODY), ("rest", 95, &["user:ann"], NOBODY)]);
    assert_eq!(scene.update("few", &["user:ann", "group:bobs"], NOBODY).held, None);
    assert_eq!(scene.sees("bob", &["bobs"]), 5);
    // Six of 101 are more than five of a hundred.
    scene.document("few", 5, Rule::default());
    let held = scene.update("few", &["user:ann", "group:bobs", "group:cems"], NOBODY).held.unwrap();
    assert!(held.contains("6 of 101 documents (5.9 %)"), "{held}");
    assert_eq!(scene.sees("cem", &["cems"]), 0);
}

#[test]
fn while_a_rule_is_held_the_old_one_is_in_force_and_a_second_person_lets_it_count() {
    let scene = Scene::of(&[("hr", 10, &["group:hr"], NOBODY)]);
    scene.put_in("hr", "user:ann");
    let info = scene.update("hr", &["everyone"], NOBODY);
    assert!(info.held.as_ref().unwrap().contains("everyone would be let in"), "{info:?}");
    assert_eq!(info.spec.access, layer(&["group:hr"], NOBODY));
    assert_eq!((scene.sees("ann", &[]), scene.sees("bob", &[])), (10, 0));
    assert!(scene.company.ledger.source("hr").unwrap().held.is_some());
    // The same wish again waits once.
    assert_eq!(scene.update("hr", &["everyone"], NOBODY).held, info.held);
    assert_eq!(scene.waiting().len(), 1);
    assert_eq!(refused(scene.decide(true, &olga())), "second_person");
    assert_eq!(refused(scene.decide(true, &person("stranger", false))), "no_such_change");
    assert_eq!(scene.sees("bob", &[]), 0);
    scene.decide(true, &person("owner", false)).unwrap();
    assert_eq!(scene.sees("bob", &[]), 10);
    assert!(scene.waiting().is_empty());
    assert_eq!(scene.company.ledger.source("hr").unwrap().held, None);
}

#[test]
fn a_rejected_change_never_counts_and_another_description_takes_its_place() {
    let scene = Scene::of(&[("hr", 10, &["user:ann"], NOBODY)]);
    scene.update("hr", &["everyone"], NOBODY);
    let first = scene.waiting()[0].id;
    scene.update("hr", &["group:all"], NOBODY);
    let second = scene.waiting();
    assert_eq!((second.len(), second[0].id > first), (1, true));
    let late = scene.company.ledger.decide_held(first, true, &person("owner", false), None);
    assert_eq!(refused(late), "already_decided");
    scene.decide(false, &person("owner", false)).unwrap();
    assert_eq!((scene.waiting().len(), scene.sees("bob", &["all"])), (0, 0));
    // A description that holds nothing takes back what waits.
    scene.update("hr", &["everyone"], NOBODY);
    assert_eq!(scene.update("hr", &["user:ann"], NOBODY).held, None);
    assert!(scene.waiting().is_empty());
}

#[test]
fn nothing_that_narrows_is_held() {
    let scene = Scene::of(&[("hr", 10, &["everyone"], NOBODY)]);
    assert_eq!(scene.update("hr", &["everyone"], &["group:out"]).held, None);
    assert_eq!(scene.update("hr", &["group:hr", "user:ann"], &["group:out"]).held, None);
    assert_eq!(scene.update("hr", &["user:ann"], &["group:out", "user:bob"]).held, None);
    assert_eq!(scene.update("hr", NOBODY, &["group:out", "user:bob"]).held, None);
    assert!(scene.waiting().is_empty());
}

#[test]
fn one_person_let_in_by_name_is_not_held_and_a_group_or_two_people_are() {
    let scene = Scene::of(&[("hr", 10, &["user:ann", "user:bob"], &["user:bob", "user:cem"])]);
    let ann = ["user:ann", "user:bob"];
    assert_eq!(scene.update("hr", &ann, &["user:cem"]).held, None);
    assert_eq!(scene.sees("bob", &[]), 10);
    for wide in ["group:staff", "everyone"] {
        assert!(scene.update("hr", &[&ann[..], &[wide]].concat(), &["user:cem"]).held.is_some());
    }
    let more = ["user:ann", "user:bob", "user:dan", "user:eve"];
    assert!(scene.update("hr", &more, &["user:cem"]).held.is_some());
    assert!(
        scene.update("hr", &more[..3], NOBODY).held.is_some(),
        "one is let in, and one undenied"
    );
    assert_eq!(scene.update("hr", &more[..3], &["user:cem"]).held, None);
    assert_eq!(scene.sees("dan", &[]), 10);
}

#[test]
fn a_denial_that_is_taken_out_counts_for_people_whom_only_a_token_names() {
    let scene = Scene::of(&[("hr", 10, &["group:staff"], &["group:out"])]);
    assert!(scene.update("hr", &["group:staff"], NOBODY).held.is_some());
    assert_eq!((scene.sees("x", &["staff", "out"]), scene.sees("x", &["staff"])), (0, 10));
    // Whom the new rule still denies, it does not let in.
    let held = scene.update("hr", &["group:staff"], &["group:out", "user:x"]).held;
    assert_eq!(held, None);
}

#[test]
fn groups_of_tokens_are_put_together_over_all_layers() {
    let scene = Scene::of(&[("hr", 0, &["group:a"], NOBODY)]);
    for number in 0..10 {
        scene.document("hr", number, Rule(vec![layer(&["group:b"], &["group:c"])]));
    }
    // Only somebody with two groups newly sees them.
    assert!(scene.update("hr", &["group:a", "group:d"], NOBODY).held.is_some());
    // Everybody with this group is kept out by each document.
    assert_eq!(scene.update("hr", &["group:a", "group:c"], NOBODY).held, None);
}

#[test]
fn a_nested_group_is_held_and_one_persons_membership_never_is() {
    let scene = Scene::of(&[("hr", 10, &["group:hr"], NOBODY)]);
    for user in ["user:ann", "user:bob", "user:cem"] {
        assert_eq!(scene.put_in("hr", user), None);
        assert_eq!(scene.put_in("staff", &user.replace("user:", "user:x")), None);
    }
    let held = scene.put_in("hr", "group:staff").unwrap();
    assert!(held.contains("group:staff inside group:hr"), "{held}");
    assert_eq!(scene.put_in("hr", "group:staff").as_ref(), Some(&held));
    assert_eq!((scene.waiting().len(), scene.sees("xann", &[])), (1, 0));
    // Sources' owners have no say in groups.
    assert_eq!(refused(scene.decide(true, &person("owner", false))), "no_such_change");
    scene.decide(true, &person("second", true)).unwrap();
    assert_eq!(scene.sees("xann", &[]), 10);
    // A circle opens nothing that is not open.
    assert_eq!(scene.put_in("staff", "group:hr"), None);
}

#[test]
fn a_nesting_is_held_through_other_groups_and_for_groups_of_tokens() {
    let scene = Scene::of(&[("hr", 10, &["group:hr"], NOBODY)]);
    assert_eq!(scene.put_in("middle", "group:abroad"), None, "no rule is about that group");
    assert!(scene.put_in("hr", "group:middle").is_some());
    assert_eq!(scene.sees("x", &["abroad"]), 0);
    // The group is not kept yet: with a token's group of that name it is as before.
    assert_eq!(scene.sees("x", &["hr"]), 10);
    let remove = ["group:middle".parse().unwrap()];
    scene.put_in("hr", "user:ann");
    scene.company.ledger.change_group("hr", &[], &remove, &olga()).unwrap();
    assert!(scene.waiting().is_empty(), "what is no longer wished for does not wait");
}

#[test]
fn a_load_holds_what_is_nested_in_groups_that_were_there_and_applies_the_rest() {
    let scene = Scene::of(&[("hr", 10, &["group:hr"], NOBODY), ("it", 10, &["group:it"], NOBODY)]);
    scene.put_in("hr", "user:ann");
    let all = |names: &[&str]| names.iter().map(|it| it.parse().unwrap()).collect::<Vec<_>>();
    let load = BTreeMap::from([
        ("hr".to_owned(), all(&["user:bob", "group:staff"])),
        ("it".to_owned(), all(&["group:staff"])),
        ("staff".to_owned(), all(&["user:cem"])),
    ]);
    let held = scene.company.ledger.load_groups(&load, &olga()).unwrap();
    assert_eq!(held.len(), 1, "{held:?}");
    let seen = ["ann", "bob", "cem"].map(|user| scene.sees(user, &[]));
    assert_eq!(seen, [0, 10, 10], "cem sees what is first loaded: it");
    assert_eq!(scene.company.ledger.load_groups(&load, &olga()).unwrap(), held);
    scene.decide(true, &person("second", true)).unwrap();
    assert_eq!(scene.sees("cem", &[]), 20);
    assert!(scene.company.ledger.load_groups(&load, &olga()).unwrap().is_empty());
}

#[test]
fn a_key_that_the_asking_person_made_is_no_second_person() {
    use vouch_index::ledger::{KeyRole, NewKey};
    let scene = Scene::of(&[("hr", 10, &["user:ann"], NOBODY)]);
    let key = |name: &str, user: Option<&str>, hash: &str, by: &Actor| {
        let new = NewKey {
            name: name.to_owned(),
            role: KeyRole::Administrator,
            user: user.map(str::to_owned),
            sources: Vec::new(),
            expires_at: None,
        };
        scene.company.ledger.create_key(name, hash, &new, by).unwrap();
    };
    key("robot", None, "1", &olga());
    key("zoe", Some("zoe"), "2", &olga());
    scene.update("hr", &["everyone"], NOBODY);
    let robot = Actor { name: "key:robot".to_owned(), ..person("robot", true) };
    for own in [&robot, &person("zoe", true)] {
        assert_eq!(refused(scene.decide(true, own)), "second_person");
    }
    scene.decide(false, &person("yan", true)).unwrap();
    let wish = SourceSpec { access: layer(&["everyone"], NOBODY), ..scene.sources["hr"].clone() };
    scene.company.ledger.update_source(&wish, &robot).unwrap();
    assert_eq!(refused(scene.decide(true, &olga())), "second_person");
    scene.decide(true, &person("yan", true)).unwrap();
}

#[test]
fn the_first_activation_is_never_held_and_a_pause_hides_nothing_from_the_count() {
    let scene = Scene::of(&[("hr", 10, &["user:ann"], NOBODY)]);
    let ledger = &scene.company.ledger;
    ledger.add_source(&spec("new", layer(&["user:ann"], NOBODY)), &person("other", true)).unwrap();
    let wide = spec("new", layer(&["everyone"], NOBODY));
    assert_eq!(ledger.update_source(&wide, &person("other", true)).unwrap().held, None);
    ledger.approve_source("new", &olga()).unwrap();
    ledger.pause_source("hr", &olga(), "a test", None).unwrap();
    assert!(scene.update("hr", &["user:ann", "group:bobs"], NOBODY).held.is_some());
}
