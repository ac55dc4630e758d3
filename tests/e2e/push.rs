//! Pushing: documents with an access rule each, over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Company, World};

const TEXT: &str = "# Closure\n\nThe heliotrope hall is closed on Friday.\n";

async fn company() -> World {
    Company::holding(&[("hr/leave.md", "# Leave\n\nParental leave is 16 weeks.\n")])
        .with_source("news", &json!({"kind": "push"}))
        .with_source("board", &json!({"kind": "push"}))
        .with_settings("[limits]\nupload_bytes = \"100KB\"")
        .open()
        .await
}

#[tokio::test]
async fn promise_8_a_push_is_acknowledged_with_its_version_and_then_found() {
    let world = company().await;
    let metadata = json!({
        "title": "Hall closed", "uri": "https://news.example/1", "owner": "user:dana",
        "modified_at": "2026-03-01T08:00:00Z", "language": "en",
    });
    let reply = world.alice().push("news/2026/hall.md", &metadata, TEXT).await;
    assert_eq!((reply.status, &reply.json()["state"]), (202, &json!("queued")), "{}", reply.body);
    world.settled().await;
    let found = &world.bob().search("heliotrope").await[0];
    assert_eq!(found["version"], reply.json()["version"]);
    assert_eq!(
        (&found["title"], &found["document"]),
        (&json!("Hall closed"), &json!("news/2026/hall.md"))
    );
    assert_eq!(found["modified_at"], "2026-03-01T08:00:00Z");
    let document = world.bob().get("/v1/documents/news/2026/hall.md").await.json();
    assert_eq!((&document["uri"], &document["owner"]), (&metadata["uri"], &metadata["owner"]));
    assert_eq!(document["text"], TEXT);
    // The same again changes nothing.
    let before = world.derived();
    assert_eq!(world.alice().push("news/2026/hall.md", &metadata, TEXT).await.status, 202);
    world.settled().await;
    assert_eq!(world.derived(), before);
}

#[tokio::test]
async fn promise_4_a_push_that_changes_the_rule_alone_extracts_and_embeds_nothing() {
    let world = company().await;
    let access = |layer: Value| json!({ "access": layer });
    let push = async |metadata: Value| {
        assert_eq!(world.alice().push("news/hall.md", &metadata, TEXT).await.status, 202);
        world.settled().await;
    };
    push(json!({})).await;
    assert_eq!(world.carla().finds("heliotrope").await, ["news/hall.md"]);
    let before = world.derived();
    push(access(json!({"allow": ["group:employees"]}))).await;
    assert!(world.carla().finds("heliotrope").await.is_empty());
    assert_eq!(world.bob().finds("heliotrope").await, ["news/hall.md"]);
    push(access(json!({"deny": ["user:bob"]}))).await;
    assert!(world.bob().finds("heliotrope").await.is_empty());
    assert_eq!(world.carla().finds("heliotrope").await, ["news/hall.md"]);
    push(access(json!({"allow": []}))).await;
    assert!(world.carla().finds("heliotrope").await.is_empty());
    push(json!({})).await;
    assert_eq!(world.bob().finds("heliotrope").await, ["news/hall.md"]);
    assert_eq!(world.derived(), before);
}

#[tokio::test]
async fn promise_4_a_deleted_document_is_gone_from_the_next_query() {
    let world = company().await;
    world.alice().push("news/hall.md", &json!({}), TEXT).await;
    world.settled().await;
    let at = "/v1/admin/sources/news/documents/hall.md";
    let deleted = world.alice().delete(at).await;
    assert_eq!((deleted.status, &deleted.json()["state"]), (200, &json!("deleted")));
    assert!(world.bob().finds("heliotrope").await.is_empty());
    assert_eq!(world.alice().delete(at).await.problem().0, 404);
    // Deleted while it is under way, it does not come back.
    world.alice().push("news/hall.md", &json!({}), TEXT).await;
    assert_eq!(world.alice().delete(at).await.status, 200);
    world.settled().await;
    assert!(world.bob().finds("heliotrope").await.is_empty());
}

#[tokio::test]
async fn a_push_says_what_is_wrong_with_it() {
    let world = company().await;
    let alice = world.alice();
    let problem = async |document: &str, metadata: Value, text: &str| {
        alice.push(document, &metadata, text).await.problem()
    };
    let cases = [
        ("news/a.md", json!({"titel": "x"}), (422, "bad_metadata")),
        ("news/a.md", json!({"access": {"alow": []}}), (422, "bad_metadata")),
        ("news/a.md", json!({"access": {"allow": ["bob"]}}), (422, "bad_metadata")),
        ("news/a.md", json!({"modified_at": "yesterday"}), (422, "bad_metadata")),
        ("news/a.xyz", json!({}), (422, "unknown_format")),
        ("hr/a.md", json!({}), (409, "not_a_push_source")),
        ("nowhere/a.md", json!({}), (404, "no_such_source")),
    ];
    for (document, metadata, (status, code)) in cases {
        assert_eq!(
            problem(document, metadata.clone(), TEXT).await,
            (status, code.to_owned()),
            "{metadata}"
        );
    }
    let long = "heliotrope ".repeat(10_000);
    assert_eq!(problem("news/a.md", json!({}), &long).await, (413, "file_too_large".to_owned()));
    let at = "/v1/admin/sources/news/documents/a.md";
    let no_form = alice.send(alice.request(Method::PUT, at).body("heliotrope")).await;
    assert_eq!(no_form.problem(), (400, "bad_form".to_owned()));
    let form = reqwest::multipart::Form::new().text("metadata", "{}");
    let no_file = alice.send(alice.request(Method::PUT, at).multipart(form)).await;
    assert_eq!(no_file.problem(), (400, "bad_form".to_owned()));
    world.settled().await;
    assert!(world.bob().finds("heliotrope").await.is_empty());
    let left = std::fs::read_dir(world.data().join("incoming")).unwrap().count();
    assert_eq!(left, 0, "what was refused leaves no file behind");
}

#[tokio::test]
async fn a_pushed_file_that_can_not_be_read_is_listed_with_its_reason() {
    let world = company().await;
    world.alice().push("news/broken.pdf", &json!({}), "no PDF at all").await;
    world.settled().await;
    let source = world.alice().get("/v1/admin/sources/news").await.json();
    assert_eq!(source["problems"][0]["path"], "broken.pdf", "{source}");
    assert!(source["problems"][0]["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
    // Pushed again in order, it is no longer a problem.
    world.alice().push("news/broken.pdf.md", &json!({}), TEXT).await;
    assert_eq!(
        world.alice().delete("/v1/admin/sources/news/documents/broken.pdf").await.status,
        200
    );
    world.settled().await;
    let source = world.alice().get("/v1/admin/sources/news").await.json();
    assert_eq!(source["problems"], json!([]), "{source}");
}

#[tokio::test]
async fn promise_6_nobody_approves_what_they_pushed_themselves() {
    let waits = json!({"kind": "push", "approval": "each-version"});
    let mut trusting = waits.clone();
    trusting["self_approval"] = json!(true);
    let world = Company::holding(&[])
        .with_source("strict", &waits)
        .with_source("trusting", &trusting)
        .open()
        .await;
    for source in ["strict", "trusting"] {
        world.alice().push(&format!("{source}/hall.md"), &json!({}), TEXT).await;
    }
    world.settled().await;
    assert!(world.bob().finds("heliotrope").await.is_empty(), "both wait");
    assert_eq!(
        world.alice().decide("strict/hall.md", "approve").await.problem(),
        (403, "own_push".to_owned())
    );
    world.dana().approve("strict/hall.md").await;
    world.alice().approve("trusting/hall.md").await;
    world.settled().await;
    assert_eq!(world.bob().finds("heliotrope").await, ["strict/hall.md", "trusting/hall.md"]);
}

#[tokio::test]
async fn with_the_sources_approval_what_a_push_says_of_the_same_bytes_counts_at_once() {
    let world = company().await;
    let push = async |metadata: &Value| {
        assert_eq!(world.alice().push("news/hall.md", metadata, TEXT).await.status, 202);
        world.settled().await;
        world.bob().get("/v1/documents/news/hall.md").await.json()
    };
    push(&json!({"owner": "user:dana", "modified_at": "2026-03-01T08:00:00Z"})).await;
    let said = json!({
        "uri": "https://news.example/2", "owner": "user:bob", "modified_at": "2026-04-01T08:00:00Z",
    });
    let shown = push(&said).await;
    for key in ["uri", "owner", "modified_at"] {
        assert_eq!(shown[key], said[key], "{key}");
    }
    let shown = push(&json!({})).await;
    assert_eq!((&shown["uri"], &shown["owner"]), (&json!(null), &json!("user:alice")));
}
