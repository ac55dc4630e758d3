//! What else comes from Slack: questions in strange shapes, what is none, people and channels of every
//! kind, and what changes while an answer is written.

use serde_json::{Value, json};

use super::fake::{Fake, Posted, TEAM, open};
use super::sender::{Sender, envelope, mention};
use crate::model::{Gate, Kind, Model, Part, Reply};
use crate::world::{Company, World, until};

const QUESTION: &str = "How many weeks is parental leave?";

fn company() -> Company {
    Company::holding(&[("hr/leave.md", "# Leave\n\nParental leave is 16 weeks.\n")])
}

async fn world() -> (World, Fake, Sender) {
    let (world, fake, slack) = open(company(), "").await;
    fake.channel("C1", &["alice", "bob"]);
    (world, fake, slack)
}

fn changed(mut event: Value, changes: Value) -> Value {
    for (key, value) in changes.as_object().expect("an object") {
        event[key] = value.clone();
    }
    event
}

fn events(world: &World) -> i64 {
    let count = "SELECT count(*) FROM slack_event";
    world.ledger().query_row(count, [], |row| row.get(0)).expect("a number")
}

#[tokio::test]
async fn a_command_without_a_question_is_told_at_once_what_can_be_asked() {
    let (world, fake, slack) = world().await;
    for (id, text) in ["", "   ", "help", " HELP ", "<@UBOT>"].into_iter().enumerate() {
        let said = slack.command(&fake, &format!("{id}"), "bob", text).await.json();
        assert_eq!(said["response_type"], "ephemeral");
        assert!(said["text"].as_str().unwrap().contains("Ask me a question"), "{text:?}: {said}");
    }
    assert_eq!((events(&world), fake.inside().calls.len()), (0, 0), "nothing is done for it");
    for (id, text) in ["<@UBOT>", "<@UBOT>  ", " help"].into_iter().enumerate() {
        let event = changed(mention(&format!("{id}"), "bob", "C1", ""), json!({ "text": text }));
        slack.event(&format!("Ev{id}"), &event).await;
        let told = fake.next().await;
        assert_eq!((told.how, told.user.as_str()), ("ephemeral", "UBOB"));
        assert!(told.shown().contains("Ask me a question"), "{told:?}");
    }
}

#[tokio::test]
async fn a_mention_counts_wherever_it_stands_and_whatever_comes_with_it() {
    let (_world, fake, slack) = world().await;
    for (id, changes) in [
        json!({"text": "How many weeks, <@UBOT>, is <!date^0^{date}|parental> leave?"}),
        json!({"text": "Hello <@UBOT>, how many weeks is parental leave?"}),
        json!({"text": "hi <@UBOT> How many weeks is parental leave?"}),
        json!({"text": "How many weeks is parental leave, <@UBOT>?"}),
        json!({"text": "<@UBOT|vouch> *How many weeks* is _parental_ leave?"}),
        json!({"subtype": "file_share", "files": [{"id": "F1", "name": "x"}]}),
        json!({"subtype": "thread_broadcast", "thread_ts": "0.9"}),
        json!({"edited": {"user": "UBOB", "ts": "9.9"}}),
        json!({"channel_type": null, "bot_id": null, "thread_ts": null, "subtype": null}),
        json!({"channel_type": "mpim"}),
        json!({"channel_type": "group", "blocks": [{"type": "rich_text"}]}),
    ]
    .into_iter()
    .enumerate()
    {
        let event = changed(mention(&format!("{id}"), "bob", "C1", QUESTION), changes);
        slack.event(&format!("Ev{id}"), &event).await;
        let answer = fake.next().await;
        assert_eq!(answer.how, "message", "{event}");
        assert!(answer.shown().contains("16 weeks"), "{event}: {answer:?}");
    }
}

#[tokio::test]
async fn the_longest_message_that_slack_takes_is_told_that_it_is_too_long() {
    let (_world, fake, slack) = world().await;
    let text = "\u{1f600}".repeat(20_000);
    let blocks = json!([{"type": "section", "text": {"type": "mrkdwn", "text": text}}]);
    let event = changed(mention("1", "bob", "C1", &text), json!({ "blocks": blocks }));
    slack.event("1", &event).await;
    assert!(fake.next().await.shown().contains("too long"));
    assert_eq!(slack.command(&fake, "2", "bob", &text).await.status, 200);
    assert!(fake.next().await.shown().contains("too long"));
}

#[tokio::test]
async fn what_is_no_question_is_acknowledged_and_left_alone() {
    let (world, fake, slack) = world().await;
    let direct = |changes| {
        let event = changed(mention("1", "bob", "DBOB", QUESTION), json!({"type": "message"}));
        changed(changed(event, json!({"channel_type": "im"})), changes)
    };
    for (id, event) in [
        direct(json!({"subtype": "message_changed", "message": {"text": QUESTION}})),
        direct(json!({"subtype": "message_deleted", "deleted_ts": "1.1"})),
        direct(json!({"subtype": "bot_message", "bot_id": "B1", "user": null})),
        direct(json!({"bot_id": "B9", "app_id": "A9"})),
        direct(json!({"user": "UBOT"})),
        direct(json!({"subtype": "channel_topic"})),
        direct(json!({"subtype": "reminder_add"})),
        direct(json!({"text": ["not", "a", "text"]})),
        direct(json!({"user": {"id": "UBOB"}})),
        json!({"type": "channel_created", "channel": {"id": "C9"}}),
        json!({"type": "app_uninstalled"}),
        json!({"type": "tokens_revoked", "tokens": {"bot": ["UBOT"]}}),
        json!({"type": 7}),
        json!("no event"),
        Value::Null,
    ]
    .into_iter()
    .enumerate()
    {
        slack.event(&format!("Ev{id}"), &event).await;
    }
    let bare = json!({
        "type": "app_rate_limited", "team_id": TEAM, "minute_rate_limited": 1_518_467_820,
        "api_app_id": "A1", "token": "x",
    });
    let sparse = json!({"type": "event_callback", "team_id": TEAM, "authorizations": null});
    for body in [bare, sparse] {
        let reply = slack.send("/slack/events", "application/json", &body.to_string()).await;
        assert_eq!(reply.status, 200, "{body}");
    }
    assert_eq!((events(&world), fake.inside().calls.len()), (0, 0));
}

#[tokio::test]
async fn clicks_that_are_not_on_an_answers_buttons_do_nothing() {
    let (world, fake, slack) = world().await;
    let click = async |payload: Value| {
        let form = serde_urlencoded::to_string([("payload", payload.to_string())]).unwrap();
        let kind = "application/x-www-form-urlencoded";
        assert_eq!(slack.send("/slack/interactivity", kind, &form).await.status, 200, "{payload}");
    };
    let user = json!({"id": "UBOB", "team_id": TEAM});
    for payload in [
        json!({"type": "block_actions", "user": user, "actions": []}),
        json!({"type": "block_actions", "user": user, "actions": null, "channel": null}),
        json!({"type": "block_actions", "user": user, "actions": [{"action_id": "other", "value": "x"}]}),
        json!({"type": "block_actions", "user": user, "actions": [{"action_id": "vouch_right"}]}),
        json!({"type": "block_actions", "actions": [{"action_id": "vouch_right", "value": "x"}]}),
        json!({"type": "message_action", "user": user, "callback_id": "x"}),
        json!({"type": "shortcut", "user": user}),
        json!({"type": "view_closed", "user": user, "response_url": null, "trigger_id": null}),
    ] {
        click(payload).await;
    }
    assert_eq!(events(&world), 0);
    // A button below something that Vouch never said, or said long ago.
    let action = |value: &str| json!([{"action_id": "vouch_wrong", "value": value}]);
    let url = format!("{}/respond/x", fake.base);
    for value in ["ans_01J00000000000000000000000", "", "'; DROP TABLE feedback"] {
        click(json!({"type": "block_actions", "user": user, "response_url": url, "actions": action(value)}))
            .await;
        assert!(fake.next().await.shown().contains("Only whoever asked"));
    }
    // Nowhere but to Slack is anything said; then the person is told directly.
    for url in ["https://evil.example/respond", "http://127.0.0.1:1/x", "file:///etc/passwd", ""] {
        click(json!({"type": "block_actions", "user": user, "response_url": url, "actions": action("x")}))
            .await;
        let told = fake.next().await;
        assert_eq!((told.how, told.to.as_str()), ("message", "UBOB"), "{url}");
    }
}

#[tokio::test]
async fn one_message_that_comes_as_two_events_is_answered_once() {
    let (world, fake, slack) = world().await;
    slack.mention("1", "bob", "C1", QUESTION).await;
    fake.next().await;
    let text = "And now, <@UBOT>: how many weeks is parental leave?";
    let reply = changed(
        mention("2", "bob", "C1", ""),
        json!({"type": "message", "channel_type": "channel", "thread_ts": "1.1", "text": text}),
    );
    slack.event("Ev2", &reply).await;
    let again = changed(reply, json!({"type": "app_mention"}));
    let body = envelope("Ev3", &again);
    for number in 0..3 {
        let signed = slack.signed("/slack/events", "application/json", &body);
        let signed = signed
            .header("x-slack-retry-num", number.to_string())
            .header("x-slack-retry-reason", "http_timeout");
        assert_eq!(slack.0.send(signed).await.status, 200);
    }
    fake.next().await;
    super::over(&world).await;
    assert!(fake.inside().posted.is_empty());
}

#[tokio::test]
async fn apps_and_accounts_that_are_switched_off_neither_hear_nor_ask() {
    let (world, fake, slack) = world().await;
    fake.add("off", json!({"deleted": true, "profile": {}}));
    fake.add("app", json!({"is_bot": true, "profile": {}}));
    fake.channel("C2", &["bob", "off", "app", "slackbot"]);
    slack.mention("1", "bob", "C2", QUESTION).await;
    assert_eq!(fake.next().await.how, "message");
    slack.mention("2", "off", "C2", QUESTION).await;
    slack.mention("3", "app", "C2", QUESTION).await;
    super::over(&world).await;
    assert!(fake.inside().posted.is_empty());
}

#[tokio::test]
async fn people_of_a_company_with_many_workspaces_and_of_shared_channels_are_told_apart() {
    let (_world, fake, slack) = world().await;
    let grid = json!({"team_id": "E0GRID", "enterprise_user": {"enterprise_id": "E0GRID", "teams": ["T9", TEAM]}});
    fake.add("bob", grid);
    let elsewhere = json!({"team_id": "E0GRID", "enterprise_user": {"enterprise_id": "E0GRID", "teams": ["T9"]}});
    fake.add("carla", elsewhere);
    fake.channel("C1", &["alice", "bob"]);
    let send = async |id: &str, name: &str, envelope: Value| {
        let mut body = json!({
            "type": "event_callback", "event_id": id, "event": mention(id, name, "C1", QUESTION),
        });
        for (key, value) in envelope.as_object().unwrap() {
            body[key] = value.clone();
        }
        let reply = slack.send("/slack/events", "application/json", &body.to_string()).await;
        assert_eq!(reply.status, 200);
    };
    let here = json!([{"enterprise_id": "E0GRID", "team_id": TEAM, "user_id": "UBOT"}]);
    send("1", "bob", json!({"team_id": TEAM, "enterprise_id": "E0GRID", "authorizations": here}))
        .await;
    assert_eq!(fake.next().await.how, "message");
    send("2", "carla", json!({"team_id": TEAM, "authorizations": here})).await;
    assert!(fake.next().await.shown().contains("belong to another one"));
    // In a shared channel an event may come from the other side.
    let shared =
        json!({"team_id": "T0OTHER", "is_ext_shared_channel": true, "authorizations": here});
    fake.add("sam", json!({"team_id": "T0OTHER", "profile": {"email": "bob@example.com"}}));
    fake.channel("C1", &["alice", "bob", "sam"]);
    slack.event("joined", &json!({"type": "member_joined_channel", "channel": "C1"})).await;
    send("3", "sam", shared.clone()).await;
    let told = fake.next().await;
    assert!(told.how == "ephemeral" && told.shown().contains("belong to another one"), "{told:?}");
    send("4", "bob", shared).await;
    let told = fake.next().await;
    assert!(told.how == "ephemeral" && told.shown().contains("16 weeks"), "{told:?}");
    // Somebody of whom Slack says nothing.
    fake.channel("C1", &["alice", "bob"]);
    fake.inside().channels.get_mut("C1").unwrap().insert("U0HIDDEN".to_owned());
    slack.event("left", &json!({"type": "member_left_channel", "channel": "C1"})).await;
    send("5", "bob", json!({"team_id": TEAM, "authorizations": here})).await;
    assert_eq!(fake.next().await.how, "ephemeral");
}

#[tokio::test]
async fn promise_4_an_e_mail_that_changed_makes_another_reader() {
    let company = company().with_source("hr", &json!({"access": {"allow": ["user:bob"]}}));
    let (_world, fake, slack) = open(company, "").await;
    slack.direct("1", "bob", QUESTION).await;
    assert!(fake.next().await.shown().contains("16 weeks"));
    let changes = |changes: Value, name: &str| {
        let id = fake.add(name, changes);
        json!({"type": "user_change", "user": {"id": id}})
    };
    // Bob goes, and Carla gets his address: whoever has it is that reader.
    for (id, name, profile, answered) in [
        ("2", "bob", json!({"email": "somebody.else@example.com"}), false),
        ("3", "carla", json!({"email": "bob@example.com"}), true),
        ("4", "carla", json!({"email": "carla@example.com"}), false),
    ] {
        slack.event(&format!("u{id}"), &changes(json!({ "profile": profile }), name)).await;
        slack.direct(id, name, QUESTION).await;
        let told = fake.next().await;
        assert_eq!(told.shown().contains("16 weeks"), answered, "{id}: {told:?}");
    }
}

#[tokio::test]
async fn promise_2_the_last_of_many_pages_of_members_counts_like_the_first() {
    let (world, fake, slack) = open(company(), "channel_limit = 1000").await;
    let names: Vec<String> = (0..40).map(|number| format!("p{number:02}")).collect();
    let none: &[&str] = &[];
    let people: Vec<(&str, &[&str], &[&str])> =
        names.iter().map(|name| (name.as_str(), none, none)).collect();
    world.people(&people);
    for name in &names {
        fake.add(name, json!({}));
    }
    let mut members: Vec<&str> = names.iter().map(String::as_str).collect();
    fake.channel("C1", &members);
    slack.mention("1", "p00", "C1", QUESTION).await;
    assert_eq!(fake.next().await.how, "message");
    assert!(fake.inside().calls["conversations.members"] >= 6, "there are pages");
    assert!(fake.inside().calls["users.info"] < 5, "many people are read together");
    fake.add("zoe", json!({"is_ultra_restricted": true}));
    members.push("zoe");
    fake.channel("C1", &members);
    slack.event("joined", &json!({"type": "member_joined_channel", "channel": "C1"})).await;
    slack.mention("2", "p00", "C1", QUESTION).await;
    assert_eq!(fake.next().await.how, "ephemeral");
}

/// Something that an administrator does.
async fn act(world: &World, path: &str, body: Value) {
    assert_eq!(world.alice().post(path, &body).await.status, 200, "{path}");
}

/// A world whose model waits at a gate, and what was posted after something happened meanwhile.
async fn meanwhile(direct: bool, happens: impl AsyncFn(&World, &Fake, &Sender)) -> Posted {
    let gate = Gate::new();
    let held = gate.clone();
    let model = Model::speaking(Kind::OpenAi, move |_, _| {
        let text = "Parental leave is 16 weeks [@16 weeks].".to_owned();
        Reply::of(vec![Part::Gate(held.clone()), Part::Text(text)])
    })
    .await;
    let (world, fake, slack) = open(company().with_settings(&model.settings()), "").await;
    fake.channel("C1", &["bob", "carla"]);
    match direct {
        true => slack.direct("1", "bob", QUESTION).await,
        false => slack.mention("1", "bob", "C1", QUESTION).await,
    }
    until("the model is asked", async || (!model.asked().is_empty()).then_some(())).await;
    happens(&world, &fake, &slack).await;
    gate.open();
    fake.next().await
}

#[tokio::test]
async fn promise_4_what_changes_while_the_model_writes_counts_before_anything_is_said() {
    let block = |user: &str| json!({"user": user, "act": "block", "why": "a test"});
    for direct in [false, true] {
        let told = [
            meanwhile(direct, async |world, _, _| {
                act(world, "/v1/admin/sources/hr/pause", json!({"why": "x"})).await;
            })
            .await,
            meanwhile(direct, async |world, _, _| {
                act(world, "/v1/admin/users", block("bob")).await;
            })
            .await,
            meanwhile(direct, async |world, _, _| {
                act(world, "/v1/admin/stop", json!({"why": "x"})).await;
            })
            .await,
            meanwhile(direct, async |_, fake, slack| {
                let id = fake.add("bob", json!({"profile": {"email": "carla@example.com"}}));
                slack.event("u", &json!({"type": "user_change", "user": {"id": id}})).await;
            })
            .await,
            meanwhile(direct, async |_, fake, slack| {
                let id = fake.add("bob", json!({"is_restricted": true}));
                slack.event("u", &json!({"type": "user_change", "user": {"id": id}})).await;
            })
            .await,
        ];
        for (which, told) in told.iter().enumerate() {
            assert!(!told.body.to_string().contains("16 weeks"), "{which}: {told:?}");
            let how = if direct { "message" } else { "ephemeral" };
            assert!(told.how == how || which == 0, "{which}: {told:?}");
        }
    }
    let told = meanwhile(false, async |world, _, _| {
        act(world, "/v1/admin/users", block("carla")).await;
    })
    .await;
    assert!(told.how == "ephemeral" && told.shown().contains("Only you can see this"), "{told:?}");
    let told = meanwhile(false, async |_, fake, slack| {
        fake.add("gus", json!({"is_restricted": true}));
        fake.channel("C1", &["bob", "carla", "gus"]);
        slack.event("j", &json!({"type": "member_joined_channel", "channel": "C1"})).await;
    })
    .await;
    assert!(told.how == "ephemeral" && told.shown().contains("has changed"), "{told:?}");
}
