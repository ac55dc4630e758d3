//! Why somebody sees a document, or does not: what is said, to whom, and that nothing of the document
//! is in it.

use serde_json::{Value, json};

use crate::commands::vouch;
use crate::world::{Company, Person, World};

const BANDS: &str = "hr/pay/bands.md";

/// A folder for those who lead, in a source for all but contractors.
async fn company() -> World {
    Company::holding(&[
        ("hr/leave.md", "# Heliotrope leave\n\nThe heliotrope leave is 16 weeks.\n"),
        (BANDS, "# Heliotrope bands\n\nThe heliotrope band is B.\n"),
        ("hr/pay/.access.toml", "allow = [\"group:hr\"]\n"),
        ("it/vpn.md", "# VPN\n\nThe heliotrope gateway is new.\n"),
    ])
    .with_source("hr", &json!({"access": {"allow": ["everyone"], "deny": ["group:contractors"]}}))
    .with_source("it", &json!({"owner": "user:bob", "approval": "each-version"}))
    .with_settings("[access]\nwidening_limit = 1.0")
    .open()
    .await
}

async fn explained(person: &Person, user: &str, document: &str) -> Value {
    let path = format!("/v1/admin/access/explain?user={user}&document={document}");
    let reply = person.get(&path).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(!reply.body.to_lowercase().contains("heliotrope"), "content or title: {}", reply.body);
    reply.json()
}

/// The conditions of a kind.
fn of_kind<'a>(explained: &'a Value, kind: &str) -> Vec<&'a Value> {
    let checks = explained["checks"].as_array().expect("checks");
    checks.iter().filter(|check| check["check"] == kind).collect()
}

/// The kinds of the conditions that fail.
fn failing(explained: &Value) -> Vec<&str> {
    let checks = explained["checks"].as_array().expect("checks").iter();
    checks
        .filter(|check| check["passes"] == false)
        .filter_map(|one| one["check"].as_str())
        .collect()
}

#[tokio::test]
async fn promise_2_an_explanation_names_the_layer_the_group_and_the_way_into_it() {
    let world = company().await;
    let alice = world.alice();
    let nest = json!({"group": "hr", "add": ["group:hr-leads"]});
    assert_eq!(alice.post("/v1/admin/groups", &nest).await.status, 200);
    let lead = json!({"group": "hr-leads", "add": ["user:dana"]});
    let before = explained(&alice, "user:dana", BANDS).await;
    assert_eq!((&before["sees"], failing(&before)), (&json!(false), vec!["folder_layer"]));
    let change = of_kind(&before, "folder_layer")[0]["change"].as_str().unwrap_or_default();
    assert_eq!(change, "add user:dana to group:hr: `vouch group add hr user:dana`");
    assert_eq!(alice.post("/v1/admin/groups", &lead).await.status, 200);
    let after = explained(&alice, "dana", BANDS).await;
    assert_eq!((&after["sees"], failing(&after)), (&json!(true), vec![]));
    let way = json!([["user:dana", "group:hr-leads", "group:hr"]]);
    assert_eq!(of_kind(&after, "folder_layer")[0]["through"], way);
    assert!(world.dana().finds("heliotrope").await.contains(&BANDS.to_owned()), "and it is so");

    let carla = explained(&alice, "carla", "hr/leave.md").await;
    assert_eq!(failing(&carla), ["source_layer"]);
    let denied = of_kind(&carla, "source_layer")[0];
    assert_eq!(denied["through"], json!([["user:carla", "group:contractors"]]));
    // Groups that only a token names are told to it.
    let path = format!("/v1/admin/access/explain?user=zoe&group=night&group=hr&document={BANDS}");
    let token = alice.get(&path).await.json();
    assert_eq!(token["sees"], false, "`hr` is kept here, so a token can't give it: {token}");
}

#[tokio::test]
async fn promise_4_an_explanation_names_every_state_that_hides_a_document() {
    let world = company().await;
    let alice = world.alice();
    let reasons = async |document: &str| {
        let explained = explained(&alice, "bob", document).await;
        failing(&explained).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(reasons("it/vpn.md").await, ["version"], "it waits for an approval");
    world.alice().approve("it/vpn.md").await;
    assert_eq!(reasons("it/vpn.md").await, Vec::<String>::new());
    assert_eq!(alice.decide("it/vpn.md", "withdraw").await.status, 200);
    assert_eq!(reasons("it/vpn.md").await, ["version"]);
    let why = json!({"why": "a test"});
    assert_eq!(alice.post("/v1/admin/sources/hr/pause", &why).await.status, 200);
    let block = json!({"user": "bob", "act": "block", "why": "a secret reason"});
    assert_eq!(alice.post("/v1/admin/users", &block).await.status, 200);
    assert_eq!(alice.post("/v1/admin/stop", &why).await.status, 200);
    assert_eq!(reasons("hr/leave.md").await, ["stop", "block", "source"]);
    let said = explained(&alice, "bob", "hr/leave.md").await.to_string();
    assert!(!said.contains("a secret reason"), "an approver has no need to know it");
    assert_eq!(alice.post("/v1/admin/start", &json!({})).await.status, 200);
    let missing = alice.get("/v1/admin/access/explain?user=bob&document=hr/nothing.md").await;
    assert_eq!(missing.problem(), (404, "no_such_document".to_owned()));
    std::fs::remove_file(world.documents().join("hr/leave.md")).unwrap();
    let resumed = alice.post("/v1/admin/sources/hr/resume", &json!({})).await;
    assert_eq!(resumed.status, 200);
    world.sync("hr").await;
    assert_eq!(reasons("hr/leave.md").await, ["block", "version"]);
}

#[tokio::test]
async fn promise_5_only_those_who_answer_for_a_source_are_told() {
    let world = company().await;
    let of = |document: &str| format!("/v1/admin/access/explain?user=carla&document={document}");
    for person in [world.alice(), world.ines(), world.dana(), world.bob()] {
        assert_eq!(person.get(&of("it/vpn.md")).await.status, 200, "all answer for `it`");
    }
    let hidden = world.bob().get(&of("hr/leave.md")).await;
    assert_eq!(hidden.problem(), (404, "not_found".to_owned()), "Bob owns another source");
    assert_eq!(hidden.bytes(), world.bob().get(&of("nowhere/leave.md")).await.bytes());
    let reader = world.carla().get(&of("it/vpn.md")).await;
    assert_eq!(reader.bytes(), world.carla().get(&of("nowhere/x.md")).await.bytes());
    assert_eq!(reader.problem(), (404, "not_found".to_owned()));
    assert_eq!(world.carla().get("/v1/admin/access/explain?user=bob").await.status, 404);
    for wrong in ["", "?document=it/vpn.md", "?user=bob&user=carla", "?user=bob&x=1"] {
        let reply = world.alice().get(&format!("/v1/admin/access/explain{wrong}")).await;
        assert_eq!(reply.problem(), (400, "bad_query".to_owned()), "{wrong}");
    }
    let records = world.ines().get("/v1/admin/audit?kind=access.explain").await.json();
    let records = records["records"].as_array().expect("records");
    assert_eq!(records.len(), 4, "every answer left a record");
    let asked = |record: &Value| record["body"]["subject"]["user"] == "user:carla";
    assert!(records.iter().all(asked), "{records:?}");
}

#[tokio::test]
async fn what_a_user_sees_is_counted_by_source_for_those_who_answer_for_it() {
    let world = company().await;
    let overview = async |person: &Person| {
        let reply = person.get("/v1/admin/access/explain?user=bob").await.json();
        let counted = |one: &Value| format!("{} {} {}", one["source"], one["sees"], one["live"]);
        reply["sources"].as_array().expect("sources").iter().map(counted).collect::<Vec<_>>()
    };
    assert_eq!(overview(&world.alice()).await, ["\"hr\" 1 2", "\"it\" 0 0"]);
    assert_eq!(overview(&world.bob()).await, ["\"it\" 0 0"]);
    let arguments = ["access", "explain", "--user", "bob", "--document", BANDS];
    let (code, said) = vouch(&world, "alice", &arguments).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("user:bob does not see hr/pay/bands.md\n"), "{said}");
    let files = "folder layer 1 of 1 (from `.access.toml` or `pay/.access.toml`)";
    assert!(said.contains(&format!("{files} allows group:hr alone")), "{said}");
    let (code, said) = vouch(&world, "alice", &["access", "explain", "--user", "bob"]).await;
    assert!(code == Some(0) && said.contains("user:bob -> group:engineering"), "{said}");
}

#[tokio::test]
async fn promise_5_who_answers_for_one_source_learns_no_reason_and_no_other_groups() {
    let world = company().await;
    let alice = world.alice();
    let council = json!({"group": "works-council", "add": ["user:carla"]});
    assert_eq!(alice.post("/v1/admin/groups", &council).await.status, 200);
    let block = json!({"user": "carla", "act": "block", "why": "suspected theft"});
    assert_eq!(alice.post("/v1/admin/users", &block).await.status, 200);
    let of = async |who: &Person, user: &str| {
        who.get(&format!("/v1/admin/access/explain?user={user}")).await.json()
    };
    // Bob owns `it`, whose rule names no group; dana approves `hr`, which shuts contractors out.
    for (who, groups) in
        [(world.bob(), json!([])), (world.dana(), json!([["user:carla", "group:contractors"]]))]
    {
        let said = of(&who, "carla").await;
        assert_eq!(said["groups"], groups, "{said}");
        assert_eq!((&said["blocked"]["why"], &said["blocked"]["by"]), (&json!(""), &json!("")));
        let page = who.page("/admin/access?user=carla").await.body;
        assert!(page.contains("Blocked") && !page.contains("theft"), "{page}");
        assert!(!page.contains("works-council"), "{page}");
    }
    let said = of(&alice, "carla").await;
    assert_eq!(said["blocked"]["why"], "suspected theft");
    assert!(said["groups"].to_string().contains("works-council"), "{said}");
    // A name that nobody has is no person who may see everything.
    assert_eq!(
        (of(&alice, "carla").await["known"].clone(), of(&alice, "caral").await["known"].clone()),
        (json!(true), json!(false))
    );
    let page = alice.page("/admin/access?user=caral").await.body;
    assert!(page.contains("Nobody is known under this name"), "{page}");
}
