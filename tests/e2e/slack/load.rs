//! Much at once, a slow model, and `kill -9`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::fake::{Fake, open};
use super::sender::{Sender, envelope};
use crate::model::{Gate, Kind, Model, Part, Reply};
use crate::process::Server;
use crate::world::{Company, Person, until};

const QUESTION: &str = "How many weeks is parental leave?";

fn company() -> Company {
    Company::holding(&[("hr/leave.md", "# Leave\n\nParental leave is 16 weeks.\n")])
}

/// A direct message of somebody.
fn direct(number: usize) -> (String, String) {
    let id = format!("Ev{number}");
    let name = ["alice", "bob", "carla", "dana"][number % 4];
    let event = json!({
        "type": "message", "channel_type": "im", "user": format!("U{}", name.to_uppercase()),
        "channel": format!("D{name}"), "text": QUESTION, "ts": format!("1.{number}"),
    });
    (id.clone(), envelope(&id, &event))
}

/// How often each event was answered.
fn answered(fake: &Fake) -> BTreeMap<String, usize> {
    let mut answered = BTreeMap::new();
    for posted in &fake.inside().posted {
        let shown = posted.shown();
        assert!(shown.contains("16 weeks") || shown.contains("I am busy"), "{shown}");
        *answered.entry(posted.event().to_owned()).or_default() += 1;
    }
    answered
}

/// Which events are sent, of so many different ones: three in ten of all are repetitions.
fn with_repeats(all: usize) -> Vec<usize> {
    let different = all * 7 / 10;
    (0..all).map(|at| if at < different { at } else { (at * 7) % different }).collect()
}

/// Sends everything from many sides at once, and again what was not acknowledged.
async fn send_all(sender: &Sender, events: &[usize], at_once: usize) {
    let next = Arc::new(AtomicUsize::new(0));
    let events: Arc<Vec<usize>> = Arc::new(events.to_vec());
    let lanes: Vec<_> = (0..at_once)
        .map(|_| {
            let (sender, next, events) = (sender.clone(), Arc::clone(&next), Arc::clone(&events));
            tokio::spawn(async move {
                while let Some(number) = events.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (_, body) = direct(*number);
                    // Slack, too, sends again what was not acknowledged.
                    loop {
                        let sent = sender.send("/slack/events", "application/json", &body).await;
                        assert!(sent.status == 200 || sent.status == 503, "{}", sent.body);
                        if sent.status == 200 {
                            break;
                        }
                        tokio::time::sleep(Duration::from_millis(15)).await;
                    }
                }
            })
        })
        .collect();
    for lane in lanes {
        lane.await.expect("no panic");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_thousand_events_each_is_answered_once_or_told_that_vouch_is_busy() {
    let (world, fake, slack) = open(company(), "workers = 2\nqueue = 100").await;
    let events = with_repeats(10_000);
    send_all(&slack, &events, 64).await;
    super::over(&world).await;
    let answered = answered(&fake);
    let different: BTreeSet<_> = events.iter().map(|number| direct(*number).0).collect();
    assert_eq!((different.len(), answered.len()), (7_000, 7_000));
    assert!(answered.values().all(|times| *times == 1), "some were answered twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_model_takes_its_time_everything_is_acknowledged_within_a_second() {
    let gate = Gate::new();
    let held = gate.clone();
    let model = Model::speaking(Kind::OpenAi, move |_, _| {
        let text = "Parental leave is 16 weeks [@16 weeks].".to_owned();
        Reply::of(vec![Part::Gate(held.clone()), Part::Text(text)])
    })
    .await;
    let company = company().with_settings(&model.settings());
    let (world, fake, slack) = open(company, "workers = 2\nqueue = 5").await;
    for number in 0..2 {
        slack.send("/slack/events", "application/json", &direct(number).1).await;
    }
    until("the model is asked by all workers", async || (model.asked().len() == 2).then_some(()))
        .await;
    let mut took = Vec::new();
    for number in 2..25 {
        let began = Instant::now();
        slack.send("/slack/events", "application/json", &direct(number).1).await;
        took.push(began.elapsed());
        let began = Instant::now();
        slack.command(&fake, &format!("t{number}"), "bob", QUESTION).await;
        took.push(began.elapsed());
    }
    took.sort();
    let slowest = took[took.len() * 99 / 100];
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    let full = slack.command(&fake, "full", "bob", QUESTION).await;
    assert!(full.body.contains("busy"), "{}", full.body);
    gate.open();
    super::over(&world).await;
    let all = fake.inside().posted.clone();
    assert!(all.iter().filter(|one| one.how == "message").count() == 25, "{}", all.len());
}

/// Sends until the server is gone; what was acknowledged counts.
async fn until_gone(sender: Sender, numbers: Vec<usize>) -> BTreeSet<String> {
    let mut acknowledged = BTreeSet::new();
    for number in numbers {
        let (id, body) = direct(number);
        let signed = sender.signed("/slack/events", "application/json", &body);
        match Person::attempt(signed).await {
            Ok(reply) if reply.status == 200 => {
                acknowledged.insert(id);
            }
            Ok(_) => {}
            Err(_gone) => break,
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_8_what_was_acknowledged_is_answered_once_although_vouch_is_killed() {
    let fake = Fake::start().await;
    let company = company().with_settings(&fake.settings("workers = 2\nqueue = 30"));
    let mut server = Server::start(&company, &[]);
    server.person("alice").add(&company.sources()[0]).await;
    crate::world::settled(&server.person("alice")).await;
    let mut acknowledged = BTreeSet::new();
    for life in 0..3 {
        let sender = Sender::to(&server.base);
        let lanes: Vec<_> = (0..4)
            .map(|lane| {
                let numbers = (0..60).map(|at| life * 100 + (at * 4 + lane) % 150).collect();
                tokio::spawn(until_gone(sender.clone(), numbers))
            })
            .collect();
        let before = fake.inside().posted.len();
        until("some are answered", async || {
            (fake.inside().posted.len() >= before + 10).then_some(())
        })
        .await;
        server.kill();
        for lane in lanes {
            acknowledged.extend(lane.await.expect("no panic"));
        }
        server = Server::start(&company, &[]);
    }
    let ledger = company.folder().join("data/ledger.sqlite");
    super::over_in(&ledger).await;
    let answered = answered(&fake);
    assert!(acknowledged.len() > 20, "{}", acknowledged.len());
    for id in &acknowledged {
        assert_eq!(answered.get(id), Some(&1), "{id} was acknowledged");
    }
    assert!(answered.values().all(|times| *times == 1), "{answered:?}");
}
