//! `kill -9` at each step of a question: after the next start there is exactly one answer, or, where
//! nobody can look whether it arrived, a word that says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::fake::{Fake, Fault};
use super::sender::Sender;
use crate::model::{Kind, Model, Part, Reply};
use crate::process::Server;
use crate::world::{Company, until};

const QUESTION: &str = "How many weeks is parental leave?";
const SAID: &str = "Parental leave is 16 weeks [@16 weeks].";

/// Where it is killed.
struct Step {
    /// The call during which it happens; `model` is the model's.
    during: &'static str,
    /// Whether the call was done.
    done: bool,
    /// How it was asked.
    asked: Asked,
    /// The answers in the end, and the words that one may be missing.
    answers: usize,
    interrupted: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    InChannel,
    AmongGuests,
    Directly,
    ByCommand,
}

fn steps() -> Vec<Step> {
    use Asked::{AmongGuests, ByCommand, Directly, InChannel};
    let step = |asked, during, done, (answers, interrupted)| Step {
        during,
        done,
        asked,
        answers,
        interrupted,
    };
    vec![
        step(InChannel, "users.info", false, (1, 0)),
        step(InChannel, "conversations.members", false, (1, 0)),
        step(InChannel, "model", false, (1, 0)),
        step(InChannel, "chat.postMessage", false, (1, 0)),
        step(InChannel, "chat.postMessage", true, (1, 0)),
        step(Directly, "chat.postMessage", false, (1, 0)),
        step(Directly, "chat.postMessage", true, (1, 0)),
        step(AmongGuests, "model", false, (1, 0)),
        step(AmongGuests, "chat.postEphemeral", false, (0, 1)),
        step(AmongGuests, "chat.postEphemeral", true, (1, 1)),
        step(ByCommand, "model", false, (1, 0)),
        step(ByCommand, "respond", false, (0, 1)),
        step(ByCommand, "respond", true, (1, 1)),
    ]
}

/// A model that says nothing as long as it is told to.
async fn model(silent: &Arc<AtomicBool>) -> Model {
    let silent = Arc::clone(silent);
    let reply = move || match silent.load(Ordering::SeqCst) {
        true => Part::Stall,
        false => Part::Text(SAID.to_owned()),
    };
    Model::speaking(Kind::OpenAi, move |_, _| Reply::of(vec![reply()])).await
}

async fn ask(slack: &Sender, fake: &Fake, asked: Asked, id: &str) {
    match asked {
        Asked::InChannel => slack.mention(id, "bob", "C1", QUESTION).await,
        Asked::AmongGuests => slack.mention(id, "bob", "C2", QUESTION).await,
        Asked::Directly => slack.direct(id, "bob", QUESTION).await,
        Asked::ByCommand => drop(slack.command(fake, id, "bob", QUESTION).await),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_8_killed_at_any_step_vouch_answers_once_when_it_is_back() {
    let fake = Fake::start().await;
    fake.add("gus", json!({"is_restricted": true}));
    fake.channel("C1", &["bob"]);
    fake.channel("C2", &["bob", "gus"]);
    let silent = Arc::new(AtomicBool::new(false));
    let model = model(&silent).await;
    let company = Company::holding(&[("hr/leave.md", "# Leave\n\nParental leave is 16 weeks.\n")])
        .with_settings(&model.settings())
        .with_settings(&fake.settings("members_for = \"0s\""));
    let mut server = Server::start(&company, &[]);
    server.person("alice").add(&company.sources()[0]).await;
    crate::world::settled(&server.person("alice")).await;
    let ledger = company.folder().join("data/ledger.sqlite");
    for (number, step) in steps().iter().enumerate() {
        let what = format!("{:?}, killed during {} ({})", step.asked, step.during, step.done);
        let before = model.asked().len();
        fake.inside().calls.clear();
        if step.during == "model" {
            silent.store(true, Ordering::SeqCst);
        } else {
            let hangs = if step.done { Fault::HANGS.but_done() } else { Fault::HANGS };
            fake.fails(step.during, &[hangs]);
        }
        ask(&Sender::to(&server.base), &fake, step.asked, &format!("{number}")).await;
        until(&what, async || {
            let called = fake.inside().calls.contains_key(step.during);
            (called || step.during == "model" && model.asked().len() > before).then_some(())
        })
        .await;
        server.kill();
        silent.store(false, Ordering::SeqCst);
        server = Server::start(&company, &[]);
        super::over_in(&ledger).await;
        let posted = std::mem::take(&mut fake.inside().posted);
        let holding = |text: &str| posted.iter().filter(|one| one.shown().contains(text)).count();
        let found = (posted.len(), holding("16 weeks"), holding("interrupted"));
        let expected = (step.answers + step.interrupted, step.answers, step.interrupted);
        assert_eq!(found, expected, "{what}: {posted:?}");
    }
}
