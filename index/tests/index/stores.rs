//! What every vector store must do, run over each of them through the public search.
//!
//! The stores are the embedded one, Qdrant's client against the server in `fake_qdrant.rs`, and a
//! real Qdrant. Tests over that one are ignored, visibly, unless they are asked for: `make test
//! QDRANT_URL=…` names the server (and `QDRANT_API_KEY` its key, if it wants one). There the
//! collections have names of their own and are deleted afterwards.

use std::collections::BTreeSet;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use vouch_index::Actor;
use vouch_index::search::{Generation, Mode, Query, search};
use vouch_index::vectors::{Exact, Qdrant, QdrantSettings, Store, Vectors};

use crate::company::{
    Ask, Company, DIMENSIONS, Piece, direction, meaning, piece, places, scattered,
};
use crate::fake_qdrant::{FakeQdrant, Mood, integer};

/// A company and where its vectors are kept.
struct World {
    company: Company,
    server: Server,
}

enum Server {
    Embedded,
    Fake(FakeQdrant),
    Real(QdrantSettings),
}

impl World {
    fn embedded() -> Self {
        Self::with(Server::Embedded)
    }

    fn qdrant() -> Self {
        Self::with(Server::Fake(FakeQdrant::start()))
    }

    fn real_qdrant() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let url = std::env::var("QDRANT_URL").ok().filter(|url| !url.is_empty());
        let url = url.expect("QDRANT_URL names a real Qdrant server");
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let started = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        Self::with(Server::Real(QdrantSettings {
            url,
            api_key: std::env::var("QDRANT_API_KEY").ok(),
            collection: format!("vouch-test-{started}-{}-{next}", std::process::id()),
        }))
    }

    fn with(server: Server) -> Self {
        Self { company: Company::new(), server }
    }

    /// Opens the indexes, as a start of the server does, and brings them up to the ledger.
    fn open(&self) -> Generation {
        let generation = self.company.open(self.store(DIMENSIONS));
        self.company.follow(&generation);
        generation
    }

    fn store(&self, dimensions: usize) -> Store {
        let settings = match &self.server {
            Server::Embedded => return Store::Embedded(RwLock::new(Exact::new(dimensions))),
            Server::Fake(server) => settings(server),
            Server::Real(settings) => settings.clone(),
        };
        let qdrant = Qdrant::new(&settings, self.company.generation, dimensions).unwrap();
        Store::Qdrant(qdrant)
    }

    /// What somebody finds by meaning, nearest first.
    fn near(&self, generation: &Generation, user: &str) -> Vec<String> {
        let found = self.company.ask(generation, user, meaning(10));
        assert_eq!(found.words_only, None);
        places(&found)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Server::Real(settings) = &self.server {
            let qdrant = Qdrant::new(settings, self.company.generation, DIMENSIONS).unwrap();
            qdrant.drop_collection().unwrap();
        }
    }
}

fn settings(server: &FakeQdrant) -> QdrantSettings {
    QdrantSettings { url: server.url(), api_key: None, collection: "vouch".to_owned() }
}

/// Makes each of these functions a test over each store.
macro_rules! over_every_store {
    ($($test:ident)*) => {
        over_every_store! { @store embedded #[test]: $($test)* }
        over_every_store! { @store qdrant #[test]: $($test)* }
        over_every_store! { @store real_qdrant #[test] #[ignore = "needs QDRANT_URL"]: $($test)* }
    };
    // A macro can't give one list of attributes to each of a list of tests, so it takes them apart.
    (@store $store:ident $(#[$how:meta])*: $($test:ident)*) => {
        mod $store {
            over_every_store! { @tests $store [$(#[$how])*] $($test)* }
        }
    };
    (@tests $store:ident $how:tt $($test:ident)*) => {
        $(over_every_store! { @test $store $how $test })*
    };
    (@test $store:ident [$(#[$how:meta])*] $test:ident) => {
        $(#[$how])*
        fn $test() {
            super::$test(&super::World::$store());
        }
    };
}

over_every_store! {
    a_question_finds_by_meaning_by_words_and_by_both
    each_reader_finds_only_theirs
    promise_4_a_membership_counts_from_the_next_query_without_following
    promise_4_a_changed_rule_counts_before_and_after_following
    what_no_longer_answers_is_gone
    a_new_version_takes_the_place_of_the_old_one
    one_that_is_approved_again_has_its_vectors_again
    the_best_window_of_a_chunk_counts
    many_windows_do_not_push_other_chunks_out
    a_narrow_clearance_finds_what_is_far_away
    words_come_at_once_and_vectors_later
    opening_again_finds_the_same
    more_chunks_than_a_batch
}

const ALL: &[&str] = &["everyone"];

fn a_question_finds_by_meaning_by_words_and_by_both(world: &World) {
    let company = &world.company;
    company.document("handbook/near", ALL, &[piece("about holidays", &[10.0])]);
    company.document("handbook/middle", ALL, &[piece("travel expenses", &[40.0])]);
    company.document(
        "handbook/far",
        ALL,
        &[piece("expenses expenses travel", &[80.0]), piece("nothing of it", &[60.0])],
    );
    let generation = world.open();
    let ask = |mode| {
        let text = "travel expenses";
        let limit = 10;
        places(&company.ask(&generation, "ann", Ask { text, mode, limit }))
    };
    assert_eq!(ask(Mode::Meaning), ["near#0", "middle#0", "far#1", "far#0"]);
    assert_eq!(ask(Mode::Words).len(), 2);
    let fused = ask(Mode::Fused);
    assert_eq!(fused[0], "middle#0", "good in both: {fused:?}");
    assert_eq!(fused.len(), 4);
    let two = company.ask(&generation, "ann", meaning(2));
    assert_eq!(places(&two), ["near#0", "middle#0"]);
    let scores: Vec<f32> = two.passages.iter().map(|passage| passage.score).collect();
    for (score, degrees) in scores.iter().zip([10.0f32, 40.0]) {
        assert!((score - degrees.to_radians().cos()).abs() < 1e-2, "{score} at {degrees}°");
    }
}

fn each_reader_finds_only_theirs(world: &World) {
    let company = &world.company;
    company.document("handbook/hr", &["user:ann"], &[piece("salaries", &[5.0])]);
    company.document("handbook/it", &["user:bob"], &[piece("passwords", &[10.0])]);
    company.document("handbook/all", ALL, &[piece("lunch", &[20.0])]);
    company.document("handbook/nobody", &[], &[piece("ghosts", &[1.0])]);
    let generation = world.open();
    assert_eq!(world.near(&generation, "ann"), ["hr#0", "all#0"]);
    assert_eq!(world.near(&generation, "bob"), ["it#0", "all#0"]);
    assert_eq!(world.near(&generation, "eve"), ["all#0"]);
}

fn promise_4_a_membership_counts_from_the_next_query_without_following(world: &World) {
    let company = &world.company;
    company.document("handbook/hr", &["group:hr"], &[piece("salaries", &[5.0])]);
    company.document("handbook/all", ALL, &[piece("lunch", &[20.0])]);
    let generation = world.open();
    assert_eq!(world.near(&generation, "ann"), ["all#0"]);
    company.join("hr", "user:ann");
    assert_eq!(world.near(&generation, "ann"), ["hr#0", "all#0"]);
    company.leave("hr", "user:ann");
    assert_eq!(world.near(&generation, "ann"), ["all#0"]);
}

fn promise_4_a_changed_rule_counts_before_and_after_following(world: &World) {
    let company = &world.company;
    // Equal rules share a number, so a document whose rule changes must not take others along.
    company.document("handbook/other", &["user:ann"], &[piece("salaries", &[5.0])]);
    let moved = company.document("handbook/moved", &["user:ann"], &[piece("plans", &[10.0])]);
    let generation = world.open();
    assert_eq!(world.near(&generation, "ann"), ["other#0", "moved#0"]);

    company.allow("handbook/moved", &["user:bob"]);
    assert_eq!(world.near(&generation, "ann"), ["other#0"], "before following");
    company.follow(&generation);
    assert_eq!(world.near(&generation, "ann"), ["other#0"]);
    assert_eq!(world.near(&generation, "bob"), ["moved#0"]);
    if let Server::Fake(server) = &world.server {
        let rule = company.ledger.rule_of(moved).unwrap();
        let state = server.state();
        let of_moved: Vec<_> = state.collections["vouch-1"]
            .points
            .values()
            .filter(|point| integer(&point.payload, "version") == Some(i64::from(moved.0)))
            .map(|point| integer(&point.payload, "rule"))
            .collect();
        assert_eq!(of_moved, [rule], "the payload follows the rule");
        assert_eq!(state.upserts.iter().sum::<usize>(), 2, "no vector is sent again");
    }
}

fn what_no_longer_answers_is_gone(world: &World) {
    let company = &world.company;
    company.document("handbook/deleted", ALL, &[piece("old", &[5.0, 6.0])]);
    company.document("handbook/withdrawn", ALL, &[piece("wrong", &[10.0])]);
    company.document("handbook/kept", ALL, &[piece("good", &[20.0])]);
    let generation = world.open();
    assert_eq!(world.near(&generation, "ann").len(), 3);
    company.delete("handbook/deleted");
    company.withdraw("handbook/withdrawn");
    assert_eq!(world.near(&generation, "ann"), ["kept#0"], "before following");
    company.follow(&generation);
    assert_eq!(world.near(&generation, "ann"), ["kept#0"]);
    if let Server::Fake(server) = &world.server {
        assert_eq!(server.points(), 1);
    }
}

fn a_new_version_takes_the_place_of_the_old_one(world: &World) {
    let company = &world.company;
    company.document("handbook/plan", ALL, &[piece("the old plan", &[5.0]), piece("more", &[6.0])]);
    company.document("handbook/other", ALL, &[piece("other", &[30.0])]);
    let generation = world.open();
    company.document("handbook/plan", ALL, &[piece("the new plan", &[50.0])]);
    company.follow(&generation);
    assert_eq!(world.near(&generation, "ann"), ["other#0", "plan#0"]);
    let found = company.ask(&generation, "ann", meaning(10));
    assert_eq!(found.passages[1].text, "the new plan");
}

/// The stores follow beside the text index, which is what forgets chunks; so a version may be
/// dropped from a store and come back with the vectors that it had.
fn one_that_is_approved_again_has_its_vectors_again(world: &World) {
    let company = &world.company;
    company.document("handbook/plan", ALL, &[piece("the plan", &[5.0])]);
    let generation = world.open();
    let found = company.ask(&generation, "ann", meaning(1));
    let vectors = generation.vectors.as_ref().unwrap();
    company.withdraw("handbook/plan");
    vectors.follow(&company.ledger).unwrap();
    company.approve("handbook/plan", &found.passages[0].version);
    company.follow(&generation);
    assert_eq!(world.near(&generation, "ann"), ["plan#0"]);
}

fn the_best_window_of_a_chunk_counts(world: &World) {
    let company = &world.company;
    company.document("handbook/long", ALL, &[piece("long", &[85.0, 10.0, 70.0])]);
    company.document("handbook/short", ALL, &[piece("short", &[30.0])]);
    let generation = world.open();
    assert_eq!(world.near(&generation, "ann"), ["long#0", "short#0"]);
}

fn many_windows_do_not_push_other_chunks_out(world: &World) {
    let company = &world.company;
    let windows: Vec<f32> = (0..40).map(|at| at as f32 / 4.0).collect();
    company.document("handbook/long", ALL, &[piece("long", &windows)]);
    company.document("handbook/second", ALL, &[piece("second", &[50.0])]);
    company.document("handbook/third", ALL, &[piece("third", &[70.0])]);
    let generation = world.open();
    let vector = direction(0.0);
    let nearest = |limit| {
        let query = Query {
            text: "",
            vector: Some(&vector),
            mode: Mode::Meaning,
            limit,
            meaning_weight: 1.0,
        };
        let clearance = company.clearance("ann");
        places(&search(&company.ledger, &generation, &clearance, &query).unwrap())
    };
    assert_eq!(nearest(2), ["long#0", "second#0"]);
    assert_eq!(nearest(3), ["long#0", "second#0", "third#0"]);
    assert_eq!(nearest(0), [""; 0]);
}

fn a_narrow_clearance_finds_what_is_far_away(world: &World) {
    let company = &world.company;
    company.source("archive");
    let crowd: Vec<Piece> =
        (0..700).map(|no| piece(&format!("crowd {no}"), &[1.0 + no as f32 / 100.0])).collect();
    company.document("handbook/crowd", ALL, &crowd);
    company.document("archive/far", ALL, &[piece("far", &[80.0])]);
    let generation = world.open();
    let clearance = company.clearance("ann");
    let sources = ["archive".to_owned(), "unknown".to_owned()];
    let narrow = company.ledger.narrow(&clearance, Some(&sources), None).unwrap();
    let vector = direction(0.0);
    let query = Query {
        text: "",
        vector: Some(&vector),
        mode: Mode::Meaning,
        limit: 5,
        meaning_weight: 1.0,
    };
    let found = search(&company.ledger, &generation, &narrow, &query).unwrap();
    assert_eq!(places(&found), ["far#0"]);
}

fn words_come_at_once_and_vectors_later(world: &World) {
    let company = &world.company;
    company.document("handbook/first", ALL, &[piece("travel expenses", &[30.0])]);
    let generation = world.open();
    let pieces = [piece("travel by train", &[10.0])];
    let version = company.words("handbook/second", ALL, &pieces);
    assert_eq!(company.follow(&generation), 0);
    let text = "travel";
    let ask = Ask { text, mode: Mode::Fused, limit: 10 };
    assert_eq!(company.ask(&generation, "ann", ask).passages.len(), 2);
    assert_eq!(world.near(&generation, "ann"), ["first#0"]);
    company.embed(version, &pieces);
    assert!(generation.vectors.as_ref().unwrap().behind(&company.ledger).unwrap());
    assert_eq!(company.follow(&generation), 1);
    assert!(!generation.vectors.as_ref().unwrap().behind(&company.ledger).unwrap());
    assert_eq!(world.near(&generation, "ann"), ["second#0", "first#0"]);
}

fn opening_again_finds_the_same(world: &World) {
    let company = &world.company;
    company.document("handbook/one", ALL, &[piece("one", &[10.0]), piece("two", &[20.0])]);
    company.document("handbook/gone", ALL, &[piece("gone", &[5.0])]);
    let generation = world.open();
    let before = company.ask(&generation, "ann", meaning(10));
    assert_eq!(company.follow(&generation), 0, "nothing is left to do");
    drop(generation);

    let generation = company.open(world.store(DIMENSIONS));
    let taken = company.follow(&generation);
    match &world.server {
        Server::Embedded => assert_eq!(taken, 3, "memory is filled anew"),
        Server::Fake(_) | Server::Real(_) => assert_eq!(taken, 0, "nothing is sent twice"),
    }
    assert_eq!(company.ask(&generation, "ann", meaning(10)), before);
    drop(generation);

    // What happened while nothing ran is caught up with.
    company.delete("handbook/gone");
    company.document("handbook/new", ALL, &[piece("new", &[15.0])]);
    let generation = world.open();
    assert_eq!(world.near(&generation, "ann"), ["one#0", "new#0", "one#1"]);
}

fn more_chunks_than_a_batch(world: &World) {
    let company = &world.company;
    let pieces: Vec<Piece> =
        (0..1300).map(|no| piece(&format!("chunk {no}"), &[60.0 + no as f32 / 100.0])).collect();
    company.document("handbook/large", ALL, &pieces);
    company.document("handbook/last", ALL, &[piece("last", &[5.0])]);
    let generation = company.open(world.store(DIMENSIONS));
    assert_eq!(company.follow(&generation), 1301);
    assert_eq!(world.near(&generation, "ann")[0], "last#0");
    if let Server::Fake(server) = &world.server {
        assert_eq!(server.points(), 1301);
        assert!(server.state().upserts.iter().all(|points| *points <= 256));
    }
}

#[test]
fn both_stores_give_the_same_order_and_nearly_the_same_scores() {
    let worlds = [World::embedded(), World::qdrant()];
    let generations = worlds.each_ref().map(|world| {
        for no in 0..300u64 {
            let who = if no % 3 == 0 { &["user:bob"][..] } else { ALL };
            let piece = Piece {
                text: format!("word{} word{} and more", no % 7, no % 11),
                windows: (0..=no % 3).map(|at| scattered(no * 10 + at)).collect(),
            };
            world.company.document(&format!("handbook/{no}"), who, &[piece]);
        }
        world.open()
    });
    for (user, mode) in [("ann", Mode::Meaning), ("bob", Mode::Meaning), ("ann", Mode::Fused)] {
        for asked in 0..50 {
            let vector = scattered(1_000_000 + asked);
            let text = format!("word{} word{}", asked % 7, asked % 5);
            let query =
                Query { text: &text, vector: Some(&vector), mode, limit: 20, meaning_weight: 0.5 };
            let [embedded, qdrant] = [0, 1].map(|at| {
                let company = &worlds[at].company;
                let clearance = company.clearance(user);
                search(&company.ledger, &generations[at], &clearance, &query).unwrap()
            });
            assert_eq!(places(&embedded), places(&qdrant));
            for (one, other) in embedded.passages.iter().zip(&qdrant.passages) {
                assert!((one.score - other.score).abs() < 1e-4, "{one:?} {other:?}");
            }
        }
    }
}

/// A company on the server of this process, with one document that everybody may read.
fn with_one_document() -> (World, Generation) {
    let world = World::qdrant();
    let pieces = [piece("travel expenses", &[10.0])];
    world.company.document("handbook/one", ALL, &pieces);
    let generation = world.open();
    (world, generation)
}

impl World {
    fn server(&mut self) -> &mut FakeQdrant {
        match &mut self.server {
            Server::Fake(server) => server,
            Server::Embedded | Server::Real(_) => panic!("not on the server of this process"),
        }
    }

    fn collections(&mut self) -> Vec<String> {
        self.server().state().collections.keys().cloned().collect()
    }

    /// Begins another generation, with a collection of its own.
    fn second_generation(&self) -> u32 {
        let ledger = &self.company.ledger;
        let settings = ledger.generation_settings(self.company.generation).unwrap();
        let olga = Actor {
            name: "user:olga".to_owned(),
            principals: BTreeSet::new(),
            administrator: true,
        };
        let number = ledger.begin_generation(&settings, &olga).unwrap();
        let Server::Fake(server) = &self.server else {
            panic!("not on the server of this process")
        };
        let qdrant = Qdrant::new(&self::settings(server), number, DIMENSIONS).unwrap();
        let store = Store::Qdrant(qdrant);
        let vectors = Vectors::open(ledger, number, store).unwrap();
        vectors.follow(ledger).unwrap();
        number
    }

    /// A fused search that must fall back on words.
    fn by_words_alone(&self, generation: &Generation) -> Duration {
        let ask = Ask { text: "travel", mode: Mode::Fused, limit: 10 };
        let started = Instant::now();
        let found = self.company.ask(generation, "ann", ask);
        assert!(found.words_only.is_some_and(|why| why.contains("qdrant")));
        assert_eq!(found.passages.len(), 1);
        started.elapsed()
    }
}

#[test]
fn while_qdrant_is_gone_words_answer_and_afterwards_it_catches_up() {
    let (mut world, generation) = with_one_document();
    world.server().stop();
    assert!(world.by_words_alone(&generation) < Duration::from_secs(3));
    let vectors = generation.vectors.as_ref().unwrap();
    assert!(vectors.check().is_err());
    world.company.document("handbook/two", ALL, &[piece("lunch", &[20.0])]);
    assert!(vectors.follow(&world.company.ledger).is_err());

    world.server().restart();
    vectors.check().unwrap();
    assert_eq!(world.company.follow(&generation), 1);
    assert_eq!(world.near(&generation, "ann"), ["one#0", "two#0"]);
}

#[test]
fn a_server_that_is_there_and_says_no_is_gone_too() {
    let (mut world, generation) = with_one_document();
    world.server().state().mood = Mood::Unavailable;
    assert!(world.by_words_alone(&generation) < Duration::from_secs(1));
    world.server().state().mood = Mood::Well;
    assert_eq!(world.near(&generation, "ann"), ["one#0"]);
}

#[test]
fn a_search_does_not_wait_for_a_silent_server() {
    let (mut world, generation) = with_one_document();
    world.server().state().mood = Mood::Silent;
    assert!(world.by_words_alone(&generation) < Duration::from_millis(3500));
    assert!(world.by_words_alone(&generation) < Duration::from_millis(200), "the second time");
    world.server().state().mood = Mood::Well;
    generation.vectors.as_ref().unwrap().check().unwrap();
    assert_eq!(world.near(&generation, "ann"), ["one#0"]);
}

#[test]
fn what_fails_for_a_moment_is_tried_again() {
    let (mut world, generation) = with_one_document();
    world.company.document("handbook/two", ALL, &[piece("lunch", &[20.0])]);
    world.server().state().fail = 3;
    assert_eq!(world.company.follow(&generation), 1);
    assert_eq!(world.near(&generation, "ann"), ["one#0", "two#0"]);
}

#[test]
fn a_batch_that_fails_half_way_is_gone_on_with_later() {
    let (mut world, generation) = with_one_document();
    let pieces: Vec<Piece> = (0..600).map(|no| piece(&format!("{no}"), &[50.0])).collect();
    world.company.document("handbook/large", ALL, &pieces);
    world.server().state().fail = 100;
    let vectors = generation.vectors.as_ref().unwrap();
    assert!(vectors.follow(&world.company.ledger).is_err());
    assert!(vectors.behind(&world.company.ledger).unwrap());
    world.server().state().fail = 0;
    vectors.follow(&world.company.ledger).unwrap();
    assert_eq!(world.server().points(), 601);
}

#[test]
fn a_server_that_lost_its_data_is_filled_again() {
    let (mut world, generation) = with_one_document();
    world.company.document("handbook/gone", ALL, &[piece("gone", &[1.0])]);
    world.company.follow(&generation);
    world.company.delete("handbook/gone");
    world.company.follow(&generation);
    world.server().state().collections.clear();
    world.by_words_alone(&generation);
    assert_eq!(world.company.follow(&generation), 1);
    assert_eq!(world.near(&generation, "ann"), ["one#0"]);

    // The same when it was noticed by nobody before the next start.
    drop(generation);
    world.server().state().collections.clear();
    let generation = world.open();
    assert_eq!(world.near(&generation, "ann"), ["one#0"]);

    // And when the collection is there, but empty.
    drop(generation);
    world.server().state().collections.get_mut("vouch-1").unwrap().points.clear();
    let generation = world.open();
    assert_eq!(world.near(&generation, "ann"), ["one#0"]);
}

#[test]
fn every_query_is_exact_and_carries_the_coarse_filter() {
    let (mut world, generation) = with_one_document();
    for mode in [Mode::Meaning, Mode::Fused] {
        let ask = Ask { text: "travel", mode, limit: 10 };
        world.company.ask(&generation, "ann", ask);
    }
    let state = world.server().state();
    assert!(state.collections["vouch-1"].indexes.iter().eq(["rule", "version"]));
    assert_eq!(state.queries.len(), 2);
    for query in &state.queries {
        assert!(query.prefetch.is_empty(), "there is no other part");
        assert_eq!(query.params.as_ref().unwrap().exact, Some(true));
        let filter = format!("{:?}", query.filter.as_ref().unwrap().must);
        assert!(filter.contains("\"rule\"") && filter.contains("Integers"), "{filter}");
    }
}

#[test]
fn who_may_see_nothing_asks_nothing() {
    let world = World::qdrant();
    world.company.document("handbook/hr", &["user:ann"], &[piece("salaries", &[5.0])]);
    let generation = world.open();
    assert_eq!(world.near(&generation, "eve"), [""; 0]);
    let Server::Fake(server) = &world.server else { unreachable!("that is where it was made") };
    assert!(server.state().queries.is_empty());
}

#[test]
fn a_collection_of_another_size_is_refused_plainly() {
    let (world, generation) = with_one_document();
    drop(generation);
    let generation = world.company.open(world.store(DIMENSIONS * 2));
    let vectors = generation.vectors.as_ref().unwrap();
    let error = vectors.follow(&world.company.ledger).unwrap_err().to_string();
    assert!(error.contains("32") && error.contains("64"), "{error}");
    assert!(error.contains("delete the collection"), "{error}");
}

#[test]
fn a_collection_of_another_ledger_is_left_alone() {
    let (world, generation) = with_one_document();
    let mut stranger = World::with(Server::Embedded);
    std::mem::swap(&mut stranger.server, &mut { world }.server);
    drop(generation);
    stranger.company.document("handbook/other", ALL, &[piece("travel", &[70.0])]);
    let generation = stranger.company.open(stranger.store(DIMENSIONS));
    stranger.company.follow_words(&generation, 10);
    let vectors = generation.vectors.as_ref().unwrap();
    let error = vectors.follow(&stranger.company.ledger).unwrap_err().to_string();
    assert!(error.contains("another ledger"), "{error}");
    assert_eq!(stranger.near(&generation, "ann"), [""; 0], "nothing of it is read");
}

#[test]
fn the_key_is_sent_and_never_told() {
    let mut world = World::qdrant();
    world.company.document("handbook/one", ALL, &[piece("travel", &[10.0])]);
    world.server().state().key = Some("right-key".to_owned());
    let open = |key: &str| {
        let Server::Fake(server) = &world.server else { unreachable!("that is where it was made") };
        let settings = QdrantSettings { api_key: Some(key.to_owned()), ..settings(server) };
        let qdrant = Qdrant::new(&settings, world.company.generation, DIMENSIONS).unwrap();
        world.company.open(Store::Qdrant(qdrant))
    };
    let started = Instant::now();
    let wrong = open("wrong-key");
    let error = wrong.vectors.as_ref().unwrap().follow(&world.company.ledger).unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(1), "a wrong key is not tried again");
    assert!(error.to_string().contains("Unauthenticated"), "{error}");
    assert!(!format!("{error:?}").contains("wrong-key"), "{error:?}");
    drop(wrong);
    assert_eq!(world.company.follow(&open("right-key")), 1);
}

#[test]
fn it_works_from_blocking_and_from_async_threads() {
    let (world, generation) = with_one_document();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let generation = runtime.block_on(async {
        let generation = tokio::task::spawn_blocking(move || {
            generation.vectors.as_ref().unwrap().check().unwrap();
            generation
        })
        .await
        .unwrap();
        generation.vectors.as_ref().unwrap().check().unwrap();
        generation
    });
    assert_eq!(world.near(&generation, "ann"), ["one#0"]);
    // A store may be dropped anywhere, as when a generation is swapped.
    runtime.block_on(async move { drop(generation) });
}

#[test]
fn two_that_start_at_once_make_one_collection() {
    let world = World::qdrant();
    world.company.document("handbook/one", ALL, &[piece("travel", &[10.0])]);
    let stores = [0; 4].map(|_| {
        let store = world.store(DIMENSIONS);
        Vectors::open(&world.company.ledger, 1, store).unwrap()
    });
    std::thread::scope(|scope| {
        for vectors in &stores {
            scope.spawn(|| vectors.follow(&world.company.ledger).unwrap());
        }
    });
    let Server::Fake(server) = &world.server else { unreachable!("that is where it was made") };
    assert_eq!(server.points(), 1);
}

#[test]
fn a_dropped_generation_leaves_nothing_behind() {
    let (mut world, generation) = with_one_document();
    let building = world.second_generation();
    assert_eq!(world.collections(), ["vouch-1", "vouch-2"]);
    let settings = settings(world.server());
    let clear_away = |world: &World| Vectors::clear_away(&world.company.ledger, &settings);
    assert_eq!(clear_away(&world).unwrap(), 0, "both generations are there");

    // A server that is gone just then is asked again later.
    world.company.ledger.drop_generation(building).unwrap();
    world.server().stop();
    assert!(clear_away(&world).is_err());
    world.server().restart();
    assert_eq!(clear_away(&world).unwrap(), 1);
    assert_eq!(world.collections(), ["vouch-1"]);
    assert_eq!(clear_away(&world).unwrap(), 0);
    assert_eq!(world.near(&generation, "ann"), ["one#0"]);
}

#[test]
fn only_collections_that_this_ledger_filled_are_cleared_away() {
    let (mut world, _generation) = with_one_document();
    let mut stranger = World::with(Server::Embedded);
    std::mem::swap(&mut stranger.server, &mut world.server);
    let settings = settings(stranger.server());
    let deleted = Vectors::clear_away(&stranger.company.ledger, &settings).unwrap();
    assert_eq!((deleted, stranger.collections()), (0, vec!["vouch-1".to_owned()]));
}

#[test]
fn a_server_that_lost_single_points_is_filled_again_at_the_next_start() {
    let (mut world, generation) = with_one_document();
    world.company.document("handbook/two", ALL, &[piece("lunch", &[20.0, 30.0])]);
    world.company.document("handbook/gone", ALL, &[piece("gone", &[1.0])]);
    world.company.follow(&generation);
    world.company.delete("handbook/gone");
    world.company.follow(&generation);
    drop(generation);
    let lost = world.server().state().collections.get_mut("vouch-1").unwrap().points.pop_first();
    assert!(lost.is_some());
    let generation = world.open();
    assert_eq!(world.near(&generation, "ann"), ["one#0", "two#0"]);
    assert_eq!(world.server().points(), 3);
    assert_eq!(world.company.follow(&generation), 0, "once is enough");

    // Filling again that is cut off is gone on with.
    drop(generation);
    world.server().state().collections.get_mut("vouch-1").unwrap().points.pop_first();
    let generation = world.company.open(world.store(DIMENSIONS));
    world.server().state().full = true;
    assert!(generation.vectors.as_ref().unwrap().follow(&world.company.ledger).is_err());
    world.server().state().full = false;
    world.company.follow(&generation);
    assert_eq!(world.server().points(), 3);
}

#[test]
fn a_look_tells_the_version_and_the_collections() {
    let (mut world, _generation) = with_one_document();
    let look = Qdrant::look(&settings(world.server())).unwrap();
    assert_eq!(look.version, "1.15.0");
    assert_eq!(look.collections, [("vouch-1".to_owned(), 1)]);
    let other = QdrantSettings { collection: "vou".to_owned(), ..settings(world.server()) };
    assert!(Qdrant::look(&other).unwrap().collections.is_empty(), "not its own");
    world.server().state().key = Some("right-key".to_owned());
    let error = Qdrant::look(&settings(world.server())).unwrap_err().to_string();
    assert!(error.contains("Unauthenticated"), "{error}");
    world.server().stop();
    assert!(Qdrant::look(&settings(world.server())).is_err());
}
