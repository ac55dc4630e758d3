//! Races of revoke against query: one hand takes access away and gives it back, again and again, while
//! others search and open without a pause. Whatever begins after the revoking call has returned shows
//! nothing of it.
//!
//! A check is a query that began after the return and ended before access was given back. The number
//! of the round tells: it is odd while access is away, and a query counts where it was the same odd
//! number before and after.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};

use super::house::{House, canaries};
use super::{Dice, report, seed, wanted};
use crate::world::{Company, Person, Reply, source, until};

/// Checks of the short run.
const SHORT: u64 = 300;
/// Who asks, all at once.
const ASKERS: [&str; 6] = ["ada", "ben", "cleo", "ada", "ben", "cleo"];
/// What is taken away and given back.
const SECRET: &str = "zqbbbbbbx";
/// What everybody may see all the time.
const OPEN: &str = "zqcccccccx";

/// How access goes away and comes back: two calls.
struct Way {
    name: &'static str,
    away: Call,
    back: Call,
}

struct Call(&'static str, Method, String, Value);

fn ways() -> Vec<Way> {
    let post = |who, path: &str, body: Value| Call(who, Method::POST, path.to_owned(), body);
    let approvals = |act: &str| {
        let body = json!({"target": "vault/secret.md", "act": act, "why": "a race"});
        post("alice", "/v1/admin/approvals", body)
    };
    let rule = |deny: Value| {
        let access = json!({"allow": ["group:askers"], "deny": deny});
        let spec = source("vault", &json!({"kind": "push", "access": access}));
        Call("alice", Method::PUT, "/v1/admin/sources/vault".to_owned(), spec)
    };
    let group = |key: &str| {
        let body = json!({"group": "inner", key: ["user:ada", "user:ben", "user:cleo"]});
        post("alice", "/v1/admin/groups", body)
    };
    let why = json!({"why": "a race"});
    vec![
        Way {
            name: "pause and resume",
            away: post("alice", "/v1/admin/sources/vault/pause", why.clone()),
            back: post("alice", "/v1/admin/sources/vault/resume", json!({})),
        },
        Way {
            name: "withdraw and approve",
            away: approvals("withdraw"),
            back: approvals("approve"),
        },
        Way { name: "deny and allow", away: rule(json!(["group:askers"])), back: rule(json!([])) },
        Way { name: "leave and join a group", away: group("remove"), back: group("add") },
        Way {
            name: "stop and start",
            away: post("alice", "/v1/admin/stop", why),
            back: post("alice", "/v1/admin/start", json!({})),
        },
    ]
}

/// What the askers and the one who revokes share.
#[derive(Default)]
struct Race {
    round: AtomicU64,
    over: AtomicBool,
    /// Queries that counted, and that saw the secret while they might.
    checks: AtomicU64,
    seen: AtomicU64,
    /// Queries that counted in this round.
    of_round: AtomicU64,
}

impl Race {
    /// One asker, until the race is over.
    async fn ask(self: Arc<Self>, person: Person, seed: u64) {
        let mut dice = Dice::new(seed);
        while !self.over.load(Ordering::SeqCst) {
            let before = self.round.load(Ordering::SeqCst);
            let reply = look(&person, dice.roll(4)).await;
            let after = self.round.load(Ordering::SeqCst);
            let seen = canaries(&reply.body).contains(SECRET);
            if before == after && before % 2 == 1 {
                assert!(!seen, "LEAK: after the revoke had returned: {}", reply.body);
                self.checks.fetch_add(1, Ordering::SeqCst);
                self.of_round.fetch_add(1, Ordering::SeqCst);
            } else if seen {
                self.seen.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

async fn look(person: &Person, way: usize) -> Reply {
    let body = json!({"query": "heliotrope", "limit": 50});
    let question = json!({"question": "What is the code word of the vault?"});
    match way {
        0 => person.get("/v1/documents/vault/secret.md").await,
        1 => person.post("/v1/ask", &question).await,
        _ => person.post("/v1/search", &body).await,
    }
}

async fn done(house: &House, Call(who, how, path, body): &Call) {
    let reply = house.send(who, (how.clone(), path), body).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.body);
}

/// A company with one secret and one open page.
async fn company() -> House {
    // What is given back counts at once, too: no second person is asked.
    let company = Company::holding(&[]).with_settings("[access]\nwidening_limit = 1.0");
    let house = House::open(company, &BTreeMap::new()).await;
    let members = json!({"group": "askers", "add": ["group:inner"]});
    let askers = json!({"group": "inner", "add": ["user:ada", "user:ben", "user:cleo"]});
    for change in [members, askers] {
        assert_eq!(house.alice().post("/v1/admin/groups", &change).await.status, 200);
    }
    let access = json!({"access": {"allow": ["group:askers"]}, "kind": "push"});
    house.alice().add(&source("vault", &access)).await;
    house.alice().add(&source("hall", &json!({"kind": "push"}))).await;
    for (name, word) in [("vault/secret.md", SECRET), ("hall/open.md", OPEN)] {
        let text = format!("# Heliotrope\n\nThe code word of the vault is {word}.\n");
        assert_eq!(house.person("root").push(name, &json!({}), &text).await.status, 202);
    }
    house.settled().await;
    house
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_4_no_query_that_begins_after_a_revoke_returned_shows_anything_of_it() {
    let begun = Instant::now();
    let mut dice = Dice::new(seed("races"));
    let house = company().await;
    let ways = ways();
    let race = Arc::new(Race::default());
    let asker = |name: &&str| {
        let person = house.person(name).clone();
        tokio::spawn(Arc::clone(&race).ask(person, dice.roll(usize::MAX) as u64))
    };
    let askers: Vec<_> = ASKERS.iter().map(asker).collect();
    let wanted = wanted(10 * SHORT) / 10;
    let mut rounds = BTreeMap::new();
    while race.checks.load(Ordering::SeqCst) < wanted && !askers.iter().any(|it| it.is_finished()) {
        let way = dice.pick(&ways);
        *rounds.entry(way.name).or_insert(0) += 1;
        let seen = race.seen.load(Ordering::SeqCst);
        // There is a race only where there is something to lose.
        until("somebody sees the secret", async || {
            let sees = race.seen.load(Ordering::SeqCst) > seen;
            (sees || askers.iter().any(|it| it.is_finished())).then_some(())
        })
        .await;
        done(&house, &way.away).await;
        race.of_round.store(0, Ordering::SeqCst);
        race.round.fetch_add(1, Ordering::SeqCst);
        let most = 1 + dice.roll(24) as u64;
        until("some queries have begun and ended", async || {
            let enough = race.of_round.load(Ordering::SeqCst) >= most;
            (enough || askers.iter().any(|it| it.is_finished())).then_some(())
        })
        .await;
        race.round.fetch_add(1, Ordering::SeqCst);
        done(&house, &way.back).await;
    }
    race.over.store(true, Ordering::SeqCst);
    for asker in askers {
        asker.await.expect("no asker saw what was taken away");
    }
    let (checks, seen) = (race.checks.load(Ordering::SeqCst), race.seen.load(Ordering::SeqCst));
    let said = format!(
        "{checks} queries after a revoke, {seen} saw the secret before, rounds {rounds:?}, {:?}",
        begun.elapsed()
    );
    report(&said);
}
