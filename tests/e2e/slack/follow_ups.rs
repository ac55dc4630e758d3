//! Questions that go on from earlier ones: in a thread, and in a direct conversation.

use serde_json::{Value, json};

use super::fake::{Fake, Fault, Posted, open};
use super::sender::{Sender, mention};
use crate::model::{Kind, Model, Reply};
use crate::world::{Company, World};

const LEAVE: &str = "How many weeks is parental leave?";

/// Two kinds of leave, and one that only HR may read of.
fn company() -> Company {
    Company::holding(&[
        ("hr/leave.md", "# Parental leave\n\nParental leave is 16 weeks.\n"),
        ("hr/care.md", "# Care leave\n\nCare leave is 3 weeks.\n"),
        ("pay/secret.md", "# Secret leave\n\nSecret leave is 40 weeks.\n"),
    ])
    .with_source("pay", &json!({"access": {"allow": ["group:hr"]}}))
}

async fn world() -> (World, Fake, Sender) {
    let (world, fake, slack) = open(company(), "").await;
    fake.channel("C1", &["alice", "bob"]);
    (world, fake, slack)
}

/// A message of somebody in C1's thread.
fn reply(id: &str, user: &str, text: &str) -> Value {
    json!({
        "type": "app_mention", "channel": "C1", "user": user, "text": format!("<@UBOT> {text}"),
         "ts": format!("5.{id}"), "thread_ts": "1.1",
    })
}

async fn told(fake: &Fake, slack: &Sender, (id, event): (&str, &Value)) -> Posted {
    fake.holds(event);
    slack.event(id, event).await;
    fake.next().await
}

#[tokio::test]
async fn a_question_in_a_thread_goes_on_from_the_one_above_it() {
    let (world, fake, slack) = world().await;
    let first = told(&fake, &slack, ("1", &mention("1", "bob", "C1", LEAVE))).await;
    assert!(first.shown().contains("16 weeks"), "{first:?}");
    let second = told(&fake, &slack, ("2", &reply("2", "UBOB", "And care leave?"))).await;
    assert_eq!((second.how, &second.body["thread_ts"]), ("message", &json!("1.1")));
    assert!(second.shown().contains("3 weeks"), "{second:?}");
    // Somebody else goes on from it.
    let event = reply("3", "UALICE", "And parental leave?");
    let third = told(&fake, &slack, ("3", &event)).await;
    assert!(third.shown().contains("16 weeks"), "{third:?}");
    // What was searched is on record.
    let records = world.ines().get("/v1/admin/audit?user=user:bob").await.json();
    assert!(records.to_string().contains("How many weeks is care leave?"), "{records}");
    // The same words in a new thread stand by themselves.
    let alone = told(&fake, &slack, ("4", &mention("4", "bob", "C1", "And care leave?"))).await;
    assert_eq!(alone.body["thread_ts"], "1.4");
    let asked = fake.inside().calls.get("conversations.replies").copied();
    assert_eq!(asked, Some(2), "Slack is asked where something was asked before, and nowhere else");
}

#[tokio::test]
async fn a_direct_conversation_goes_on_for_a_while() {
    let (world, fake, slack) = world().await;
    let direct = |id: &str, text: &str| {
        json!({
            "type": "message", "channel_type": "im", "channel": "DBOB", "user": "UBOB",
            "text": text, "ts": format!("2.{id}"),
        })
    };
    assert!(told(&fake, &slack, ("1", &direct("1", LEAVE))).await.shown().contains("16 weeks"));
    let second = told(&fake, &slack, ("2", &direct("2", "And care leave?"))).await;
    assert!(second.shown().contains("3 weeks"), "{second:?}");
    // Hours later it is another one.
    world.ledger().execute("UPDATE slack_event SET at = at - 7200", []).unwrap();
    let calls = fake.inside().calls.get("conversations.history").copied();
    told(&fake, &slack, ("3", &direct("3", "And care leave?"))).await;
    assert_eq!(fake.inside().calls.get("conversations.history").copied(), calls);
}

#[tokio::test]
async fn what_was_deleted_in_slack_or_is_hidden_from_vouch_has_no_part_in_anything() {
    let (world, fake, slack) = world().await;
    told(&fake, &slack, ("1", &mention("1", "bob", "C1", LEAVE))).await;
    let searched = "SELECT count(*) FROM slack_event WHERE task IS NOT NULL";
    super::over(&world).await;
    assert_eq!(world.ledger().query_row(searched, [], |row| row.get(0)), Ok(0), "none is kept");
    fake.fails("conversations.replies", &[Fault::refused("missing_scope")]);
    told(&fake, &slack, ("2", &reply("2", "UBOB", "And care leave?"))).await;
    fake.inside().written.clear();
    told(&fake, &slack, ("3", &reply("3", "UBOB", "And care leave?"))).await;
    let records = world.ines().get("/v1/admin/audit?user=user:bob").await.json();
    assert!(!records.to_string().contains("How many weeks is care leave?"), "{records}");
    // Where Slack does not answer, it is asked again.
    fake.holds(&mention("1", "bob", "C1", LEAVE));
    fake.fails("conversations.replies", &[Fault::NOT_DONE]);
    let last = told(&fake, &slack, ("4", &reply("4", "UBOB", "And care leave?"))).await;
    assert!(last.shown().contains("3 weeks"), "{last:?}");
}

#[tokio::test]
async fn promise_3_an_earlier_answer_for_one_alone_has_no_part_in_what_all_hear() {
    let model = Model::speaking(Kind::Anthropic, |asked, _| {
        let told: String = asked.passages().into_iter().map(|(_, text)| text).collect();
        let line = match asked.body.to_string().contains("And parental leave?") {
            true => "Parental leave is 16 weeks",
            false => "Secret leave is 40 weeks",
        };
        match told.contains(line) {
            true => Reply::says(&format!("{line} [@{line}].")),
            false => Reply::says("I can't tell."),
        }
    })
    .await;
    let (_world, fake, slack) = open(company().with_settings(&model.settings()), "").await;
    fake.channel("C1", &["alice", "bob"]);
    let question = "How many weeks is secret leave?";
    let first = told(&fake, &slack, ("1", &mention("1", "alice", "C1", question))).await;
    assert_eq!((first.how, first.shown().contains("40 weeks")), ("ephemeral", true), "{first:?}");
    let before = model.asked().len();
    let next = told(&fake, &slack, ("2", &reply("2", "UALICE", "And parental leave?"))).await;
    assert!(next.how == "message" && next.shown().contains("16 weeks"), "{next:?}");
    let asked = model.asked().into_iter().skip(before);
    let all: String = asked.map(|asked| asked.body.to_string()).collect();
    assert!(all.contains("secret leave") && !all.contains("40 weeks"), "{all}");
    assert!(!next.body.to_string().contains("40 weeks"));
}

#[tokio::test]
async fn promise_10_what_a_guest_asked_has_no_part_in_a_readers_answer() {
    let (world, fake, slack) = world().await;
    fake.add("gus", json!({"is_restricted": true}));
    fake.channel("C1", &["bob", "gus"]);
    told(&fake, &slack, ("1", &mention("1", "gus", "C1", LEAVE))).await;
    let event = reply("2", "UBOB", "And care leave?");
    assert_eq!(told(&fake, &slack, ("2", &event)).await.how, "ephemeral");
    let records = world.ines().get("/v1/admin/audit?user=user:bob").await.json();
    assert!(!records.to_string().contains("How many weeks"), "{records}");
}
