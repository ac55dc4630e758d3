//! Text that waits opens for the approvers of its source and for nobody else, and each opening is on
//! record. Promise 5: for everybody else it is missing, administrators too.

use serde_json::{Value, json};

use crate::world::{Company, Person, Reply, World};

const LEAVE: &str = "hr/leave.md";
const FIRST: &str = "# Leave\n\nThe heliotrope leave is 16 weeks.\n";
const SECOND: &str = "# New leave\n\nThe vermilion leave is 20 weeks.\n";

/// Dana alone approves; what was approved first answers, and a change waits.
async fn company() -> World {
    let hers = json!({"approval": "each-version", "approvers": ["user:dana"]});
    let world = Company::holding(&[(LEAVE, FIRST), ("it/vpn.md", "# VPN\n\nA gateway.\n")])
        .with_source("hr", &hers)
        .open()
        .await;
    world.dana().approve("hr").await;
    world.settled().await;
    world.dana().approve(LEAVE).await;
    world.write(LEAVE, SECOND);
    world.sync("hr").await;
    world
}

async fn open(person: &Person, document: &str) -> Reply {
    person.get(&format!("/v1/admin/approvals/{document}")).await
}

async fn openings(world: &World) -> Vec<Value> {
    let reply = world.ines().get("/v1/admin/audit?kind=approval.open").await;
    reply.json()["records"].as_array().expect("records").clone()
}

#[tokio::test]
async fn promise_6_an_approver_sees_what_waits_beside_what_it_would_replace() {
    let world = company().await;
    let waits = open(&world.dana(), LEAVE).await.json();
    assert_eq!((&waits["state"], &waits["title"]), (&json!("waiting"), &json!("New leave")));
    assert!(waits["text"].as_str().unwrap().contains("vermilion"), "{waits}");
    assert!(waits["replaces"]["text"].as_str().unwrap().contains("heliotrope"), "{waits}");
    assert_eq!(waits["replaces"]["approved_by"], "user:dana");
    // By name she opens the approved one as well, which replaces nothing.
    let first = waits["replaces"]["version"].as_str().unwrap();
    let approved = open(&world.dana(), &format!("{LEAVE}?version={first}")).await.json();
    assert_eq!((&approved["state"], &approved["replaces"]), (&json!("approved"), &Value::Null));
    let records = openings(&world).await;
    assert_eq!(records.len(), 2);
    assert_eq!(records[0]["person"]["actor"], "user:dana");
    let passages = records[0]["body"]["subject"]["passages"].as_array().unwrap();
    assert_eq!((passages.len(), &passages[0]["version"]), (2, &waits["version"]));
    assert_eq!(passages[0]["end"], waits["text"].as_str().unwrap().len());
    let of_document = world.ines().get("/v1/admin/audit?document=hr/leave.md").await.body;
    assert!(of_document.contains("approval.open"), "{of_document}");
}

#[tokio::test]
async fn promise_5_for_everybody_else_what_waits_is_missing_and_so_is_everything_else() {
    let world = company().await;
    let missing = open(&world.bob(), "hr/none.md").await.bytes();
    assert!(missing.starts_with("404"), "{missing}");
    for person in [world.alice(), world.bob(), world.carla(), world.ines()] {
        for document in [LEAVE, "hr/none.md", "none/none.md"] {
            assert_eq!(open(&person, document).await.bytes(), missing, "{document}");
        }
    }
    // She approves nothing else, and there is no version but what waits or was approved.
    for document in ["hr/none.md", "hr/leave.md?version=sha256:0", "none/none.md"] {
        assert_eq!(open(&world.dana(), document).await.bytes(), missing, "{document}");
    }
    world.dana().decide(LEAVE, "reject").await;
    assert_eq!(open(&world.dana(), LEAVE).await.bytes(), missing, "rejected");
    assert!(openings(&world).await.is_empty(), "nothing was opened");
    assert_eq!(world.stranger().get("/v1/admin/approvals/hr/leave.md").await.status, 401);
}

#[tokio::test]
async fn promise_6_the_right_to_open_ends_with_the_source_that_gave_it() {
    let world = company().await;
    assert_eq!(open(&world.dana(), LEAVE).await.status, 200);
    let others = crate::world::source(
        "hr",
        &json!({
            "approval": "each-version", "approvers": ["user:bob"],
        }),
    );
    assert_eq!(world.alice().put("/v1/admin/sources/hr", &others).await.status, 200);
    assert_eq!(open(&world.dana(), LEAVE).await.status, 404);
    assert_eq!(open(&world.bob(), LEAVE).await.status, 200);
    let why = json!({"why": "old"});
    assert_eq!(world.alice().post("/v1/admin/sources/hr/revoke", &why).await.status, 200);
    assert_eq!(open(&world.bob(), LEAVE).await.status, 404);
}

#[tokio::test]
async fn promise_7_without_a_record_nothing_that_waits_is_opened() {
    let world = company().await;
    let refuse =
        "CREATE TRIGGER no_audit BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END";
    world.ledger().execute_batch(refuse).unwrap();
    let reply = open(&world.dana(), LEAVE).await;
    assert_eq!(reply.problem(), (500, "internal".to_owned()));
    assert!(
        !reply.body.contains("vermilion") && !reply.body.contains("heliotrope"),
        "{}",
        reply.body
    );
}

#[tokio::test]
async fn promise_6_the_history_names_version_person_time_and_note() {
    let world = company().await;
    let note = json!({"target": LEAVE, "act": "approve", "note": "checked with the works council"});
    assert_eq!(world.dana().post("/v1/admin/approvals", &note).await.status, 200);
    let version = open(&world.dana(), LEAVE).await.json()["version"].clone();
    let history = async |person: &Person| {
        let reply = person.get("/v1/admin/approvals?history=1&source=hr").await;
        reply.json()["history"].as_array().expect("a history").clone()
    };
    let decisions = history(&world.dana()).await;
    assert_eq!(decisions.len(), 2);
    assert_eq!((&decisions[0]["version"], &decisions[0]["by"]), (&version, &json!("user:dana")));
    assert_eq!(decisions[0]["note"], "checked with the works council");
    assert!(decisions[0]["at"].is_string() && decisions[0]["act"] == "approve", "{decisions:?}");
    assert_eq!(history(&world.alice()).await, decisions, "identifiers and reasons are for her too");
    assert!(history(&world.bob()).await.is_empty());
    assert!(world.alice().get("/v1/admin/approvals").await.json()["history"].is_null());
}
