//! Promise 4 for what administrators stop: users, sources, keys, the whole assistant. Each counts from
//! the next query, has an actor and a reason, may end by itself, and leaves a record.

use serde_json::{Value, json};

use crate::world::{Person, World, until};

const LEAVE: &str = "hr/leave.md";

async fn company() -> World {
    World::holding(&[
        (LEAVE, "# Leave\n\nThe heliotrope leave is 16 weeks.\n"),
        ("it/vpn.md", "# VPN\n\nThe heliotrope gateway is new.\n"),
    ])
    .await
}

/// What is shown to somebody, or nothing.
async fn found(person: &Person) -> Vec<Value> {
    let body = json!({"query": "heliotrope", "limit": 200});
    let reply = person.post("/v1/search", &body).await;
    if reply.status != 200 {
        assert!(!reply.body.contains("heliotrope"), "{}", reply.body);
        return Vec::new();
    }
    reply.json()["passages"].as_array().expect("passages").clone()
}

async fn user(world: &World, body: &Value) -> Value {
    let reply = world.alice().post("/v1/admin/users", body).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

async fn records(world: &World, kind: &str) -> Vec<Value> {
    let reply = world.ines().get(&format!("/v1/admin/audit?kind={kind}")).await;
    reply.json()["records"].as_array().expect("records").clone()
}

#[tokio::test]
async fn promise_4_a_blocked_user_is_shut_out_from_the_next_query_and_let_in_again() {
    let world = company().await;
    assert_eq!(found(&world.bob()).await.len(), 2);
    let blocked = user(&world, &json!({"user": "user:bob", "act": "block", "why": "left"})).await;
    assert_eq!((&blocked["user"], &blocked["known"]), (&json!("user:bob"), &json!(true)));
    assert_eq!(
        (&blocked["blocked"]["why"], &blocked["blocked"]["until"]),
        (&json!("left"), &Value::Null)
    );
    assert!(found(&world.bob()).await.is_empty());
    assert_ne!(world.bob().get("/v1/documents/hr/leave.md").await.status, 200);
    assert_eq!(found(&world.carla()).await.len(), 2, "nobody else is");
    let users = world.alice().get("/v1/admin/users").await.json()["users"].clone();
    let bob = users.as_array().unwrap().iter().find(|user| user["user"] == "user:bob").unwrap();
    assert_eq!(
        (&bob["blocked"]["by"], &bob["groups"]),
        (&json!("user:alice"), &json!(["employees", "engineering"]))
    );
    user(&world, &json!({"user": "bob", "act": "unblock"})).await;
    assert_eq!(found(&world.bob()).await.len(), 2);
    let record = &records(&world, "user.block").await[0];
    assert_eq!(record["person"]["actor"], "user:alice");
    assert_eq!(record["body"]["why"], "left");
    assert_eq!(record["body"]["subject"]["before"], Value::Null);
    assert_eq!(record["body"]["subject"]["after"]["why"], "left");
    assert_eq!(records(&world, "user.unblock").await[0]["body"]["subject"]["after"], Value::Null);
}

#[tokio::test]
async fn promise_4_a_block_can_be_for_somebody_who_was_never_here_and_never_for_oneself() {
    let world = company().await;
    let blocked = user(&world, &json!({"user": "eve", "act": "block", "why": "x"})).await;
    assert_eq!(blocked["known"], false);
    let users = world.alice().get("/v1/admin/users").await.body;
    assert!(users.contains("user:eve"), "{users}");
    let refused = async |body: Value| world.alice().post("/v1/admin/users", &body).await.problem();
    let block = |user: &str| json!({"user": user, "act": "block", "why": "x"});
    assert_eq!(refused(block("alice")).await, (409, "yourself".to_owned()));
    assert_eq!(refused(block("group:hr")).await, (422, "bad_user".to_owned()));
    assert_eq!(
        refused(json!({"user": "bob", "act": "block"})).await,
        (422, "no_reason".to_owned())
    );
    let past = json!({"user": "bob", "act": "block", "why": "x", "until": "2020-01-01T00:00:00Z"});
    assert_eq!(refused(past).await, (422, "bad_until".to_owned()));
    let never = json!({"user": "bob", "act": "block", "why": "x", "until": "soon"});
    assert_eq!(refused(never).await, (422, "bad_time".to_owned()));
    let unblock = json!({"user": "bob", "act": "unblock"});
    assert_eq!(refused(unblock).await, (409, "not_blocked".to_owned()));
    assert_eq!(found(&world.bob()).await.len(), 2, "nothing of it counted");
}

#[tokio::test]
async fn promise_4_a_stopped_assistant_shows_nobody_anything_until_it_is_started() {
    let world = company().await;
    let reply = world.alice().post("/v1/admin/stop", &json!({"why": "wrong answers"})).await;
    assert_eq!(reply.json()["stopped"]["why"], "wrong answers");
    for person in [world.alice(), world.bob(), world.carla()] {
        assert!(found(&person).await.is_empty());
        assert_ne!(person.get("/v1/documents/hr/leave.md").await.status, 200);
    }
    let status = world.alice().get("/v1/admin/status").await.json();
    assert_eq!(status["stopped"]["by"], "user:alice");
    let ready = world.stranger().get("/readyz").await;
    assert_eq!((ready.status, &ready.json()["stopped"]), (200, &json!(true)));
    assert!(!ready.body.contains("wrong answers"), "why is not for everybody");
    assert_eq!(world.alice().post("/v1/admin/start", &json!({})).await.status, 200);
    assert_eq!(found(&world.bob()).await.len(), 2);
    let again = world.alice().post("/v1/admin/start", &json!({})).await;
    assert_eq!(again.problem(), (409, "not_stopped".to_owned()));
    assert_eq!(records(&world, "assistant.stop").await[0]["body"]["why"], "wrong answers");
    assert_eq!(records(&world, "assistant.start").await.len(), 1);
}

#[tokio::test]
async fn promise_4_only_administrators_block_and_stop() {
    let world = company().await;
    let block = json!({"user": "carla", "act": "block", "why": "x"});
    for person in [world.bob(), world.dana(), world.ines()] {
        assert_eq!(person.post("/v1/admin/users", &block).await.problem().0, 403);
        assert_eq!(person.get("/v1/admin/users").await.problem().0, 403);
        assert_eq!(person.post("/v1/admin/stop", &json!({"why": "x"})).await.problem().0, 403);
        assert_eq!(person.post("/v1/admin/start", &json!({})).await.problem().0, 403);
    }
}

/// Moves an end into the past, as if the time had gone by.
fn let_time_pass(world: &World, table: &str) {
    let moved = world.ledger().execute(&format!("UPDATE {table} SET until = 1"), []);
    assert_eq!(moved, Ok(1), "{table}");
}

#[tokio::test]
async fn promise_4_what_has_an_end_holds_until_then_and_ends_by_itself() {
    let world = company().await;
    let (alice, bob) = (world.alice(), world.bob());
    let shown =
        user(&world, &json!({"user": "bob", "act": "block", "why": "x", "until": "2h"})).await;
    assert!(shown["blocked"]["until"].is_string(), "{shown}");
    assert!(found(&bob).await.is_empty());
    let_time_pass(&world, "block");
    until("the block is over", async || (found(&bob).await.len() == 2).then_some(())).await;
    alice.post("/v1/admin/stop", &json!({"why": "x", "until": "2h"})).await;
    assert!(found(&bob).await.is_empty());
    let_time_pass(&world, "stop");
    until("the stop is over", async || (found(&bob).await.len() == 2).then_some(())).await;
    let pause = json!({"why": "x", "until": "2099-01-01T00:00:00Z"});
    let paused = alice.post("/v1/admin/sources/hr/pause", &pause).await.json();
    assert_eq!(paused["until"], "2099-01-01T00:00:00Z");
    assert_eq!(found(&bob).await.len(), 1);
    world.ledger().execute("UPDATE source SET until = 1 WHERE id = 'hr'", []).unwrap();
    until("the pause is over", async || (found(&bob).await.len() == 2).then_some(())).await;
    for kind in ["user.unblock", "assistant.start", "source.resume"] {
        assert_eq!(records(&world, kind).await[0]["person"]["actor"], "clock", "{kind}");
    }
}

#[tokio::test]
async fn promise_4_while_a_source_is_paused_its_rules_and_deletions_are_followed() {
    let world = World::holding(&[
        (LEAVE, "# Leave\n\nThe heliotrope leave is 16 weeks.\n"),
        ("hr/old.md", "# Old\n\nThe heliotrope rule of old.\n"),
        ("hr/closed/pay.md", "# Pay\n\nThe heliotrope pay is high.\n"),
    ])
    .await;
    assert_eq!(world.carla().finds("heliotrope").await.len(), 3);
    let pause = json!({"why": "a look", "until": "2h"});
    assert_eq!(world.alice().post("/v1/admin/sources/hr/pause", &pause).await.status, 200);
    assert!(world.carla().finds("heliotrope").await.is_empty());
    std::fs::remove_file(world.documents().join("hr/old.md")).unwrap();
    world.write("hr/closed/.access.toml", "deny = [\"user:carla\"]");
    world.write(LEAVE, "# Leave\n\nThe heliotrope leave is 20 weeks.\n");
    world.sync("hr").await;
    assert!(world.carla().finds("heliotrope").await.is_empty(), "nothing of it is shown yet");
    world.ledger().execute("UPDATE source SET until = 1", []).unwrap();
    until("the pause is over", async || {
        (!world.carla().finds("heliotrope").await.is_empty()).then_some(())
    })
    .await;
    // The first query that sees the source again sees it as it is now.
    assert_eq!(world.carla().finds("heliotrope").await, [LEAVE]);
    assert_eq!(world.bob().finds("heliotrope").await, ["hr/closed/pay.md", LEAVE]);
    let passage = &world.carla().search("heliotrope").await[0];
    assert!(passage["text"].as_str().unwrap().contains("20 weeks"), "{passage}");
}
