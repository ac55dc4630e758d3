//! Who gets which answer, and who hears it.

use serde_json::json;

use super::fake::{Fake, Posted, open};
use super::sender::Sender;
use crate::world::{Company, World};

const LEAVE: &str = "How many weeks is parental leave?";
const BONUS: &str = "How high is the bonus of engineering?";

/// What everybody may read, and what only HR may, and nobody but contractors.
fn company() -> Company {
    Company::holding(&[
        ("hr/leave.md", "# Leave\n\nParental leave is 16 weeks.\n"),
        ("pay/bonus.md", "# Bonus\n\nThe bonus of engineering is 12 percent.\n"),
    ])
    .with_source("pay", &json!({"access": {"allow": ["group:hr", "user:dana"]}}))
}

async fn world() -> (World, Fake, Sender) {
    open(company(), "").await
}

fn is(posted: &Posted, how: &str, to: &str) {
    assert_eq!((posted.how, posted.to.as_str()), (how, to), "{posted:?}");
    if how != "response" {
        assert_eq!(posted.body["unfurl_links"], false);
        assert_eq!(posted.body["unfurl_media"], false);
    }
}

#[tokio::test]
async fn a_mention_is_answered_in_its_thread_with_numbered_sources() {
    let (world, fake, slack) = world().await;
    fake.channel("C1", &["alice", "bob"]);
    slack.mention("1", "bob", "C1", LEAVE).await;
    let answer = fake.next().await;
    is(&answer, "message", "C1");
    assert_eq!(answer.body["thread_ts"], "1.1");
    assert_eq!(answer.event(), "1");
    let blocks = answer.body["blocks"].as_array().unwrap();
    assert_eq!(blocks[0]["text"]["text"], "Parental leave is 16 weeks. [1]");
    let link = &blocks[1]["elements"][0]["elements"][1];
    assert_eq!(link["text"], "Leave");
    let url = link["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{}/view/hr/leave.md?version=sha256:", world.base)), "{url}");
    // The link opens, for those who hear.
    let path = url.strip_prefix(&world.base).unwrap();
    assert_eq!(world.bob().get(path).await.status, 200);
    let records = world.ines().get("/v1/admin/audit?user=user:alice").await.json();
    let kinds: Vec<_> =
        records["records"].as_array().unwrap().iter().map(|one| one["kind"].clone()).collect();
    assert!(kinds.contains(&json!("heard")), "who heard it is on record: {kinds:?}");
    let opening = world.ines().get("/v1/admin/audit?user=user:bob").await.json();
    let opening = opening["records"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["kind"] == "answer")
        .unwrap()
        .clone();
    assert_eq!(opening["body"]["details"]["surface"], "slack");
    assert_eq!(opening["body"]["details"]["heard_by"], 2);
    assert_eq!(world.alice().get("/v1/admin/audit/verify").await.json()["ok"], true);
}

#[tokio::test]
async fn promise_3_what_not_everybody_there_may_see_goes_to_the_asker_alone() {
    let (_world, fake, slack) = world().await;
    fake.channel("C1", &["alice", "bob"]);
    slack.mention("1", "alice", "C1", BONUS).await;
    let answer = fake.next().await;
    is(&answer, "ephemeral", "C1");
    assert_eq!(answer.user, "UALICE");
    assert!(
        answer.shown().contains("12 percent") && answer.shown().contains("Only you can see this")
    );
    // Who may not see it learns what those learn for whom there is nothing.
    slack.mention("2", "bob", "C1", BONUS).await;
    let nothing = fake.next().await;
    is(&nothing, "message", "C1");
    assert!(nothing.shown().contains("found nothing that everybody"), "{nothing:?}");
    assert!(!nothing.shown().contains("percent"));
    // Among those who may see it, it is said aloud.
    fake.channel("C2", &["alice", "dana"]);
    slack.mention("3", "alice", "C2", BONUS).await;
    let answer = fake.next().await;
    is(&answer, "message", "C2");
    assert!(answer.shown().contains("12 percent"));
}

#[tokio::test]
async fn guests_strangers_and_the_unknown_are_refused_and_told_whom_to_ask() {
    let (_world, fake, slack) = world().await;
    fake.add("gus", json!({"is_restricted": true, "profile": {"email": "bob@example.com"}}));
    fake.add("gia", json!({"is_ultra_restricted": true, "profile": {"email": "bob@example.com"}}));
    fake.add("sam", json!({"team_id": "T0OTHER", "profile": {"email": "bob@example.com"}}));
    fake.add("sue", json!({"is_stranger": true, "profile": {"email": "bob@example.com"}}));
    fake.add("una", json!({"profile": {"email": "una@example.com"}}));
    fake.add("ned", json!({"profile": {}}));
    fake.add("max", json!({"is_email_confirmed": false, "profile": {"email": "bob@example.com"}}));
    let all = ["gus", "gia", "sam", "sue", "una", "ned", "max", "bob"];
    fake.channel("C1", &all);
    for (id, name) in all[..7].iter().enumerate() {
        slack.mention(&format!("1{id}"), name, "C1", LEAVE).await;
        let refusal = fake.next().await;
        is(&refusal, "ephemeral", "C1");
        assert!(refusal.shown().contains("Please ask"), "{name}: {refusal:?}");
        slack.direct(&format!("2{id}"), name, LEAVE).await;
        let refusal = fake.next().await;
        assert!(
            refusal.shown().contains("Please ask") && !refusal.shown().contains("16"),
            "{refusal:?}"
        );
        assert_eq!(slack.command(&fake, &format!("3{id}"), name, LEAVE).await.status, 200);
        let refusal = fake.next().await;
        is(&refusal, "response", &format!("3{id}"));
        assert!(refusal.shown().contains("Please ask") && !refusal.shown().contains("16"));
    }
    // With such people around, a reader is answered alone.
    for other in all[..7].iter() {
        fake.channel("C2", &["bob", other]);
        slack.event("joined", &json!({"type": "member_joined_channel", "channel": "C2"})).await;
        slack.mention(&format!("4{other}"), "bob", "C2", LEAVE).await;
        let answer = fake.next().await;
        is(&answer, "ephemeral", "C2");
        assert_eq!(answer.user, "UBOB");
        assert!(answer.shown().contains("16 weeks") && answer.shown().contains("may not read"));
    }
}

#[tokio::test]
async fn promise_4_a_block_and_a_stop_count_at_once_and_are_said() {
    let (world, fake, slack) = world().await;
    fake.channel("C1", &["bob", "carla"]);
    slack.mention("1", "bob", "C1", LEAVE).await;
    is(&fake.next().await, "message", "C1");
    let block = json!({"user": "carla", "act": "block", "why": "a test"});
    assert_eq!(world.alice().post("/v1/admin/users", &block).await.status, 200);
    slack.mention("2", "bob", "C1", LEAVE).await;
    is(&fake.next().await, "ephemeral", "C1");
    slack.mention("3", "carla", "C1", LEAVE).await;
    let refusal = fake.next().await;
    is(&refusal, "ephemeral", "C1");
    assert!(refusal.shown().contains("blocked"), "{refusal:?}");
    assert_eq!(world.alice().post("/v1/admin/stop", &json!({"why": "a test"})).await.status, 200);
    slack.direct("4", "bob", LEAVE).await;
    assert!(fake.next().await.shown().contains("stopped"));
}

#[tokio::test]
async fn direct_messages_commands_and_threads_are_answered_where_they_were_asked() {
    let (_world, fake, slack) = world().await;
    fake.channel("C1", &["alice", "bob"]);
    slack.direct("1", "alice", BONUS).await;
    let answer = fake.next().await;
    is(&answer, "message", "Dalice");
    assert!(answer.shown().contains("12 percent") && answer.body["thread_ts"].is_null());
    assert!(slack.command(&fake, "t1", "alice", BONUS).await.body.contains("looking"));
    let answer = fake.next().await;
    is(&answer, "response", "t1");
    assert_eq!(answer.body["response_type"], "ephemeral");
    assert!(answer.shown().contains("12 percent"));
    slack.mention("2", "bob", "C1", "").await;
    assert!(fake.next().await.shown().contains("Ask me a question"));
    // In the thread where bob asked, people talk among themselves, bob as well.
    let reply = |kind: &str, id: &str, user: &str| {
        json!({
            "type": kind, "channel_type": "channel", "channel": "C1", "user": user,
            "text": LEAVE, "ts": format!("5.{id}"), "thread_ts": "1.2",
        })
    };
    slack.event("3", &reply("message", "3", "UALICE")).await;
    slack.event("3b", &reply("message", "3b", "UBOB")).await;
    slack.event("4", &reply("app_mention", "4", "UBOB")).await;
    let answer = fake.next().await;
    is(&answer, "message", "C1");
    assert_eq!((answer.event(), &answer.body["thread_ts"]), ("4", &json!("1.2")));
    let long = "x".repeat(9_000);
    slack.direct("5", "bob", &long).await;
    assert!(fake.next().await.shown().contains("too long"));
    // Where a channel takes no whisper, it becomes a direct message.
    slack.mention("6", "dana", "C1", "").await;
    is(&fake.next().await, "message", "UDANA");
}

#[tokio::test]
async fn promise_4_who_joined_while_the_answer_was_written_keeps_it_from_all() {
    let (world, fake, slack) = open(company(), "members_for = \"0s\"").await;
    fake.channel("C1", &["alice", "dana"]);
    fake.changes("C1", &["alice", "dana", "bob"]);
    slack.mention("1", "alice", "C1", BONUS).await;
    let told = fake.next().await;
    is(&told, "ephemeral", "C1");
    assert!(told.shown().contains("has changed") && !told.shown().contains("percent"), "{told:?}");
    // Whoever comes and may see it hears it, and that is on record.
    fake.channel("C2", &["alice"]);
    fake.changes("C2", &["alice", "dana"]);
    slack.mention("2", "alice", "C2", BONUS).await;
    is(&fake.next().await, "message", "C2");
    let records = world.ines().get("/v1/admin/audit?user=user:dana").await.json();
    assert_eq!(records["records"].as_array().unwrap().len(), 1, "{records}");
}

#[tokio::test]
async fn promise_2_a_large_channel_hears_only_what_is_for_everyone_and_kept_from_nobody() {
    let company = company()
        .with_source("memo", &json!({"access": {"allow": ["everyone"], "deny": ["user:nobody"]}}));
    company.write("memo/canteen.md", b"# Canteen\n\nThe canteen opens at 11 o'clock.\n");
    let (_world, fake, slack) = open(company, "channel_limit = 2").await;
    let when = "When does the canteen open?";
    fake.channel("C1", &["alice", "bob"]);
    fake.channel("C2", &["alice", "bob", "dana"]);
    slack.mention("1", "bob", "C1", when).await;
    is(&fake.next().await, "message", "C1");
    slack.mention("2", "bob", "C2", when).await;
    let answer = fake.next().await;
    is(&answer, "ephemeral", "C2");
    assert!(answer.shown().contains("11 o'clock"));
    slack.mention("3", "bob", "C2", LEAVE).await;
    is(&fake.next().await, "message", "C2");
    // A guest in it changes that, too.
    fake.add("gus", json!({"is_restricted": true}));
    fake.channel("C2", &["alice", "bob", "dana", "gus"]);
    slack.event("joined", &json!({"type": "member_joined_channel", "channel": "C2"})).await;
    slack.mention("4", "bob", "C2", LEAVE).await;
    is(&fake.next().await, "ephemeral", "C2");
}

#[tokio::test]
async fn feedback_is_the_askers_alone() {
    let (world, fake, slack) = world().await;
    fake.channel("C1", &["alice", "bob"]);
    slack.mention("1", "bob", "C1", LEAVE).await;
    let answer = fake.next().await;
    let blocks = answer.body["blocks"].as_array().unwrap();
    let button = &blocks.iter().find(|block| block["type"] == "actions").unwrap()["elements"][1];
    let clicked = (button["action_id"].as_str().unwrap(), button["value"].as_str().unwrap());
    slack.click(&fake, "alice", clicked).await;
    let told = fake.next().await;
    is(&told, "response", "alice");
    assert!(told.shown().contains("Only whoever asked"));
    slack.click(&fake, "bob", clicked).await;
    assert!(fake.next().await.shown().contains("Thank you"));
    let kept: (String, String) = world
        .ledger()
        .query_row("SELECT user, verdict FROM feedback", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!(kept, ("user:bob".to_owned(), "wrong".to_owned()));
}

#[tokio::test]
async fn people_of_a_listed_domain_are_readers_before_vouch_knows_them() {
    let first = "the-first-administrators-key-0123456789";
    let company = company().with_keys(first);
    let (world, fake, slack) = open(company, "domains = [\"corp.example\"]").await;
    let key = json!({"name": "alice", "role": "reader", "user": "alice"});
    let key = world.alice().post("/v1/admin/keys", &key).await.json();
    world.stranger().holding(key["key"].as_str().unwrap()).approve("hr").await;
    world.settled().await;
    fake.add("una", json!({"profile": {"email": "Una@Corp.Example"}}));
    fake.add("eve", json!({"profile": {"email": "eve@evil.example@corp.example"}}));
    fake.add("sub", json!({"profile": {"email": "sub@x.corp.example"}}));
    slack.direct("1", "una", LEAVE).await;
    assert!(fake.next().await.shown().contains("16 weeks"));
    for (id, name) in ["eve", "sub", "bob"].iter().enumerate() {
        slack.direct(&format!("2{id}"), name, LEAVE).await;
        assert!(fake.next().await.shown().contains("Please ask"), "{name}");
    }
    // Known by a group that Vouch keeps.
    let group = json!({"group": "all", "add": ["user:bob@example.com"]});
    assert_eq!(world.alice().post("/v1/admin/groups", &group).await.status, 200);
    slack.direct("3", "bob", LEAVE).await;
    assert!(fake.next().await.shown().contains("16 weeks"));
}
