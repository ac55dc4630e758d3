//! Which requests are taken for Slack's, and what is said to all others: nothing.

use reqwest::Method;
use serde_json::json;
use vouch_index::ledger::now;

use super::fake::{Fake, SECRET, TOKEN, open};
use super::sender::{Sender, envelope, mention, signature};
use crate::clients;
use crate::world::{Company, Person, Reply};

const FORM: &str = "application/x-www-form-urlencoded";
const QUESTION: &str = "How many weeks is parental leave?";

fn company() -> Company {
    Company::holding(&[("hr/leave.md", "# Leave\n\nParental leave is 16 weeks.\n")])
}

async fn send(person: &Person, path: &str, (at, signature): (&str, &str), body: &str) -> Reply {
    let request = person
        .request(Method::POST, path)
        .header("content-type", "application/json")
        .header("x-slack-request-timestamp", at)
        .header("x-slack-signature", signature)
        .body(body.to_owned());
    person.send(request).await
}

#[tokio::test]
async fn forged_old_future_and_re_encoded_requests_are_refused_and_told_nothing() {
    let (world, fake, _) = open(company(), "").await;
    fake.channel("C1", &["bob"]);
    let stranger = world.stranger();
    let body = envelope("Ev1", &mention("1", "bob", "C1", QUESTION));
    let at = now();
    let sound = signature(SECRET, at, body.as_bytes());
    let re_encoded = body.replace("weeks", "w\\u0065eks");
    let old = at - 301;
    let future = at + 330;
    let mut said = Vec::new();
    for (time, signature, sent) in [
        (at, signature("another secret", at, body.as_bytes()), body.as_str()),
        (at, sound.replace("v0=", "v1="), &body),
        (at, String::new(), &body),
        (at, sound[..sound.len() - 2].to_owned(), &body),
        (old, signature(SECRET, old, body.as_bytes()), &body),
        (future, signature(SECRET, future, body.as_bytes()), &body),
        (at - 1, sound.clone(), &body),
        (at, sound.clone(), &re_encoded),
        (at, sound.clone(), &format!("{body} ")),
        (at, sound.clone(), "{"),
    ] {
        for path in ["/slack/events", "/slack/commands", "/slack/interactivity"] {
            let reply = send(&stranger, path, (&time.to_string(), &signature), sent).await;
            assert_eq!(reply.problem(), (401, "unauthorized".to_owned()), "{sent}");
            said.push(reply.bytes());
        }
    }
    // An administrator's credential makes no signature.
    let reply = send(&world.alice(), "/slack/events", ("1", "v0=00"), &body).await;
    said.push(reply.bytes());
    said.dedup();
    assert_eq!(said.len(), 1, "all hear the same: {said:?}");
    assert!(fake.inside().calls.is_empty() && fake.inside().posted.is_empty());
    let taken = send(&stranger, "/slack/events", (&at.to_string(), &sound), &body).await;
    assert_eq!(taken.status, 200);
    assert!(fake.next().await.shown().contains("16 weeks"));
}

#[tokio::test]
async fn a_replayed_request_is_acknowledged_and_does_nothing_again() {
    let (world, fake, slack) = open(company(), "").await;
    fake.channel("C1", &["bob"]);
    let event = mention("1", "bob", "C1", QUESTION);
    slack.event("Ev1", &event).await;
    fake.posted(1).await;
    for _ in 0..3 {
        slack.event("Ev1", &event).await;
        // The same message as another event, as where a mention is a message in a thread as well.
        slack.event("Ev2", &event).await;
    }
    for _ in 0..2 {
        assert!(slack.command(&fake, "t1", "bob", QUESTION).await.body.contains("looking it up"));
    }
    slack.direct("9", "bob", QUESTION).await;
    let posted = fake.posted(3).await;
    assert_eq!(posted.iter().filter(|one| one.how == "message").count(), 2);
    assert_eq!(
        world.ledger().query_row("SELECT count(*) FROM slack_event", [], |row| row.get(0)),
        Ok(3)
    );
    let kept = "SELECT count(*) FROM slack_event WHERE task IS NOT NULL AND state = 'done'";
    assert_eq!(world.ledger().query_row(kept, [], |row| row.get(0)), Ok(0), "questions go");
}

#[tokio::test]
async fn slack_learns_that_the_address_is_right_and_gets_an_answer_to_what_is_no_question() {
    let (world, fake, slack) = open(company(), "").await;
    let challenge = json!({"type": "url_verification", "challenge": "3eZbrw1a", "token": "x"});
    let reply = slack.send("/slack/events", "application/json", &challenge.to_string()).await;
    assert_eq!((reply.status, reply.json()), (200, json!({"challenge": "3eZbrw1a"})));
    for (event, text) in [
        (json!({"type": "app_home_opened", "user": "UBOB"}), "of no interest"),
        (json!({"type": "message", "channel_type": "im", "bot_id": "B1", "text": "x"}), "a bot's"),
        (
            json!({"type": "message", "user": "UBOT", "channel": "DX", "channel_type": "im", "ts": "1.1"}),
            "its own",
        ),
    ] {
        let reply = slack.send("/slack/events", "application/json", &envelope("E", &event)).await;
        assert_eq!(reply.status, 200, "{text}");
    }
    let elsewhere =
        envelope("E", &mention("1", "bob", "C1", QUESTION)).replace("T0VOUCH", "T0OTHER");
    assert_eq!(slack.send("/slack/events", "application/json", &elsewhere).await.status, 200);
    assert_eq!(slack.send("/slack/commands", FORM, "ssl_check=1&token=x").await.status, 200);
    let other = slack.send("/slack/commands", FORM, "team_id=T0OTHER&text=x&user_id=U1").await;
    assert!(other.body.contains("another workspace"), "{}", other.body);
    let click =
        serde_urlencoded::to_string([("payload", "{\"type\":\"view_submission\"}")]).unwrap();
    assert_eq!(slack.send("/slack/interactivity", FORM, &click).await.status, 200);
    for (path, body) in [("/slack/events", "{"), ("/slack/interactivity", "payload=%7B")] {
        assert_eq!(slack.send(path, FORM, body).await.problem().0, 400, "{path}");
    }
    assert!(fake.inside().posted.is_empty());
    let kept = world.ledger().query_row("SELECT count(*) FROM slack_event", [], |row| row.get(0));
    assert_eq!(kept, Ok(0));
}

#[tokio::test]
async fn promise_5_where_vouch_is_not_in_slack_its_routes_are_missing() {
    let world = company().open().await;
    let (slack, stranger) = (Sender::to(&world.base), world.stranger());
    let nowhere = stranger.post("/nowhere", &json!({})).await;
    for path in ["/slack/events", "/slack/commands", "/slack/interactivity"] {
        let reply = slack.send(path, "application/json", "{}").await;
        assert_eq!(reply.bytes(), nowhere.bytes(), "{path}");
    }
}

#[tokio::test]
async fn settings_that_can_not_work_are_refused_with_what_is_wrong() {
    let fake = Fake::start().await;
    let sound = fake.settings("");
    for (from, to, said) in [
        ("CARGO_PKG_NAME", "VOUCH_NO_SUCH_VARIABLE", "VOUCH_NO_SUCH_VARIABLE"),
        ("CARGO_MANIFEST_DIR", "", "slack.signing_secret_env"),
        ("http://127.0.0.1", "http://slack.example", "slack.api"),
    ] {
        let error = vouch::config::Config::parse(&sound.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let claim = "[auth]\nmode = \"oidc\"\n[auth.oidc]\nissuer = \"https://id.example\"\naudience = \"v\"\nuser_claim = \"sub\"\n";
    let error = vouch::config::Config::parse(&format!("{claim}{sound}")).unwrap_err().to_string();
    assert!(error.contains("user_claim"), "{error}");
    let domain = format!("{sound}domains = [\"@example.com\"]");
    let error = vouch::config::Config::parse(&domain).unwrap_err().to_string();
    assert!(error.contains("slack.domains"), "{error}");
}

#[tokio::test]
async fn what_slacks_own_library_signs_is_taken_and_nothing_else() {
    let Some(python) = clients::python("what_slacks_own_library_signs_is_taken") else { return };
    let (world, _fake, _) = open(company(), "").await;
    let arguments = vec![world.base.clone(), SECRET.to_owned()];
    clients::drive(python, "slack_client.py", arguments).await;
}

#[tokio::test]
async fn slacks_own_library_reads_what_is_posted_and_would_post_the_same() {
    let Some(python) = clients::python("slacks_own_library_reads_what_is_posted") else { return };
    let (world, fake, slack) = open(company(), "").await;
    fake.channel("C1", &["bob"]);
    fake.add("gus", json!({"is_restricted": true}));
    fake.channel("C2", &["bob", "gus"]);
    slack.mention("1", "bob", "C1", QUESTION).await;
    fake.posted(1).await;
    slack.mention("2", "bob", "C1", "Who was the first on the moon?").await;
    fake.posted(2).await;
    slack.mention("3", "bob", "C2", QUESTION).await;
    slack.mention("4", "gus", "C2", QUESTION).await;
    fake.posted(4).await;
    slack.command(&fake, "5", "bob", QUESTION).await;
    slack.click(&fake, "bob", ("vouch_right", "ans_none")).await;
    let posted = fake.posted(6).await;
    let lines: Vec<_> = posted.iter().map(|one| json!([one.how, one.body]).to_string()).collect();
    let file = world.data().join("posted");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let arguments = [&fake.base, TOKEN, file.to_str().unwrap()].map(str::to_owned);
    clients::drive(python, "slack_reader.py", arguments.to_vec()).await;
    let all = fake.posted(12).await;
    for (ours, theirs) in all[..6].iter().zip(&all[6..]) {
        assert_eq!((ours.how, &ours.body), (theirs.how, &theirs.body));
    }
}
