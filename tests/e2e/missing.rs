//! Promise 5: what is missing and what is forbidden look the same, byte for byte, on every route.

use serde_json::{Value, json};

use crate::world::{Company, Person, Reply, World, comparable};

/// The hidden document, and one that was never there; their names have the same length.
const HIDDEN: &str = "secret/plan.md";
const ABSENT: &str = "absent/plan.md";

async fn company() -> World {
    Company::holding(&[
        ("secret/plan.md", "# Plan\n\nThe heliotrope plan is secret.\n"),
        ("hr/leave.md", "# Leave\n\nParental leave is 16 weeks.\n"),
    ])
    .with_source("secret", &json!({"access": {"allow": ["user:dana"]}}))
    .open()
    .await
}

/// The reply, with the name that was asked for taken out.
fn without(reply: &Reply, name: &str) -> String {
    let source = name.split_once('/').map_or(name, |(source, _)| source);
    reply.bytes().replace(name, "NAME").replace(source, "SOURCE")
}

#[tokio::test]
async fn promise_5_missing_and_forbidden_documents_give_the_same_bytes() {
    let world = company().await;
    let hash = world.dana().get(&format!("/v1/documents/{HIDDEN}")).await.json()["version"].clone();
    let hash = hash.as_str().expect("a version");
    let other = format!("sha256:{}", "0".repeat(64));
    for route in ["/v1/documents", "/view"] {
        for query in [
            "",
            &format!("?version={hash}"),
            &format!("?version={other}"),
            "?version=x",
            "?versio=x",
        ] {
            let forbidden = world.bob().get(&format!("{route}/{HIDDEN}{query}")).await;
            let missing = world.bob().get(&format!("{route}/{ABSENT}{query}")).await;
            assert_eq!(forbidden.status, if query.starts_with("?versio=") { 400 } else { 404 });
            assert_eq!(forbidden.bytes(), missing.bytes(), "{route} {query}");
        }
    }
    // The viewer knows the place of a quote as well.
    let place = "?version=x&start=1&end=5";
    let forbidden = world.bob().get(&format!("/view/{HIDDEN}{place}")).await;
    let missing = world.bob().get(&format!("/view/{ABSENT}{place}")).await;
    assert_eq!((forbidden.status, forbidden.bytes()), (404, missing.bytes()));
    // Addresses that can't name anything name nothing.
    for strange in [
        "/%ff/a.md",
        "/hr/%ff",
        "/hr/..%2Fleave.md",
        "/hr//leave.md",
        "/hr/leave.md%2F",
        "/hr/a%00b",
    ] {
        for route in ["/v1/documents", "/view"] {
            let strange = world.bob().get(&format!("{route}{strange}")).await;
            let missing = world.bob().get(&format!("{route}/{ABSENT}")).await;
            assert_eq!(strange.bytes(), missing.bytes(), "{route}");
        }
    }
    // A version that a visible document never had is missing in the same way.
    let forbidden = world.bob().get(&format!("/v1/documents/{HIDDEN}")).await;
    let missing = world.bob().get(&format!("/v1/documents/hr/leave.md?version={other}")).await;
    assert_eq!(forbidden.bytes(), missing.bytes());
}

#[tokio::test]
async fn promise_5_feedback_on_an_answer_of_somebody_else_is_feedback_on_nothing() {
    let world = company().await;
    let answer = world.dana().ask("What is the heliotrope plan?").await;
    let say = |id: &Value| json!({"answer": id, "verdict": "right"});
    let forbidden = world.bob().post("/v1/feedback", &say(&answer["id"])).await;
    let missing =
        world.bob().post("/v1/feedback", &say(&json!("ans_01J00000000000000000000000"))).await;
    assert_eq!(forbidden.status, 404);
    assert_eq!(forbidden.bytes(), missing.bytes());
    assert_eq!(world.dana().post("/v1/feedback", &say(&answer["id"])).await.status, 200);
}

#[tokio::test]
async fn promise_5_a_hidden_source_in_a_request_is_ignored_like_an_unknown_one() {
    let world = company().await;
    for (route, key) in [("/v1/ask", "question"), ("/v1/search", "query")] {
        for others in [json!([]), json!(["hr"])] {
            let ask = async |name: &str| {
                let mut sources = others.clone();
                sources.as_array_mut().expect("a list").push(json!(name));
                let body = json!({key: "heliotrope plan leave", "sources": sources});
                let reply = world.bob().post(route, &body).await;
                assert_eq!(reply.status, 200);
                comparable(&reply)
            };
            assert_eq!(ask("secret").await, ask("absent").await, "{route}");
        }
    }
}

#[tokio::test]
async fn promise_5_administrative_routes_tell_outsiders_nothing_either() {
    let world = company().await;
    let bob = world.bob();
    for name in [HIDDEN, ABSENT] {
        assert!(bob.get("/v1/admin/approvals").await.json()["approvals"] == json!([]), "{name}");
    }
    let replies = async |bob: &Person, name: &str| {
        let source = name.split_once('/').expect("a document").0;
        let at = format!("/v1/admin/sources/{source}");
        let mut all = vec![
            bob.get(&at).await,
            bob.get(&format!("{at}/documents")).await,
            bob.put(&at, &json!({})).await,
            bob.delete(&at).await,
            bob.push(name, &json!({}), "text").await,
            bob.delete(&format!("{at}/documents/plan.md")).await,
            bob.get(&format!("/v1/admin/approvals?source={source}")).await,
            bob.get(&format!("/v1/admin/audit?document={name}")).await,
        ];
        for act in ["sync", "pause", "resume", "revoke"] {
            all.push(bob.post(&format!("{at}/{act}"), &json!({"why": "x"})).await);
        }
        for act in ["approve", "reject", "withdraw"] {
            all.push(bob.decide(name, act).await);
            all.push(bob.decide(source, act).await);
        }
        all.iter().map(|reply| without(reply, name)).collect::<Vec<_>>()
    };
    let (forbidden, missing) = (replies(&bob, HIDDEN).await, replies(&bob, ABSENT).await);
    for (forbidden, missing) in forbidden.iter().zip(&missing) {
        assert_eq!(forbidden, missing);
    }
}
