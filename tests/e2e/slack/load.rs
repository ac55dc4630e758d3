//! Much at once, a slow model, and `kill -9`.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
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

/// What a test knows of the time that acknowledgements took.
#[derive(Default)]
struct Clock(Vec<Duration>);

impl Clock {
    async fn measure<T>(&mut self, what: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let done = what.await;
        self.0.push(began.elapsed());
        done
    }

    /// The time within which so many of a thousand were acknowledged: the exact one, of all measured.
    fn within(&mut self, of_a_thousand: usize) -> Duration {
        self.0.sort();
        let rank = (self.0.len() * of_a_thousand).div_ceil(1_000).max(1);
        self.0[rank - 1]
    }
}

/// Sends events and commands one after the other, and measures each.
async fn measured(fake: Fake, slack: Sender, (lane, until): (usize, Instant)) -> Clock {
    let mut clock = Clock::default();
    for number in 0.. {
        if number >= AT_LEAST && Instant::now() >= until {
            break;
        }
        let number = (number + 1) * LANES + lane;
        if number.is_multiple_of(10) {
            let id = format!("t{number}");
            let told = clock.measure(slack.command(&fake, &id, "bob", QUESTION)).await;
            assert_eq!(told.status, 200);
        } else {
            let (_, body) = direct(number);
            let sent = slack.send("/slack/events", "application/json", &body);
            // One for which there is no room is told so, as fast.
            let told = clock.measure(sent).await.status;
            assert!(told == 200 || told == 503, "{told}");
        }
        if until > Instant::now() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    clock
}

/// From so many sides requests come at once.
const LANES: usize = 8;
/// So many requests come from each side at least.
const AT_LEAST: usize = 60;

/// The model holds its answers until everything was sent. In the long run, that is a minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_model_takes_its_time_everything_is_acknowledged_within_a_second() {
    let long = std::env::var("VOUCH_SOAK").is_ok();
    let takes = Duration::from_secs(if long { 60 } else { 0 });
    let gate = Gate::new();
    let held = gate.clone();
    let model = Model::speaking(Kind::OpenAi, move |_, _| {
        let text = "Parental leave is 16 weeks [@16 weeks].".to_owned();
        Reply::of(vec![Part::Gate(held.clone()), Part::Text(text)])
    })
    .await;
    let patient = model.settings().replace("\"30s\"", "\"120s\"").replace("\"20s\"", "\"120s\"");
    let company = company().with_settings(&patient);
    let (world, fake, slack) = open(company, "workers = 2\nqueue = 50").await;
    for number in 0..2 {
        slack.send("/slack/events", "application/json", &direct(number).1).await;
    }
    until("the model is asked by all workers", async || (model.asked().len() == 2).then_some(()))
        .await;
    let end = Instant::now() + takes;
    let lanes: Vec<_> = (0..LANES)
        .map(|lane| tokio::spawn(measured(fake.clone(), slack.clone(), (lane, end))))
        .collect();
    let mut clock = Clock::default();
    for lane in lanes {
        clock.0.extend(lane.await.expect("no panic").0);
    }
    assert_eq!(model.asked().len(), 2, "the model takes its time");
    let (half, most, all) = (clock.within(500), clock.within(990), clock.within(1_000));
    println!(
        "{} requests of Slack, of them half acknowledged within {half:.1?}, 99 % within {most:.1?}, \
         all within {all:.1?}",
        clock.0.len()
    );
    assert!(most < Duration::from_secs(1), "{most:?}");
    let full = slack.command(&fake, "full", "bob", QUESTION).await;
    assert!(full.body.contains("busy"), "{}", full.body);
    gate.open();
    super::over(&world).await;
    let answers = answered(&fake);
    let kept = "SELECT count(*) FROM slack_event";
    let kept = world.ledger().query_row(kept, [], |row| row.get::<_, usize>(0)).expect("a number");
    assert_eq!(fake.inside().posted.len(), kept, "each that was taken is told something, once");
    assert!(answers.iter().all(|(id, times)| *times == 1 || id.is_empty()), "{answers:?}");
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
