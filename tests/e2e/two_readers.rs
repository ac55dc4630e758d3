//! Two people ask the same and see different things, and nothing shows what the other one sees.

use serde_json::{Value, json};

use crate::world::{Person, Reply, World};

/// A word that stands in every hidden document, in its text, its title and its path.
const CANARY: &str = "zanzibar";

const FILES: &[(&str, &str)] = &[
    ("hr/staff/.access.toml", "deny = [\"group:contractors\"]\n"),
    (
        "hr/staff/zanzibar-leave.md",
        "# Zanzibar leave\n\nEmployees have 28 days of paid vacation per year. Zanzibar rules apply.\n",
    ),
    (
        "hr/guide.md",
        "# Contractor guide\n\nContractors have no paid vacation. They invoice the days that they work.\n",
    ),
    (
        "zanzibar/deal.md",
        "# Zanzibar deal\n\nThe price for zanzibar is 12 million, paid in vacation days.\n",
    ),
];

const QUESTION: &str = "How many days of paid vacation are there per year?";

async fn company() -> World {
    let world = crate::world::Company::holding(FILES)
        .with_source("zanzibar", &json!({"access": {"allow": ["user:dana"]}, "owner": "user:dana"}))
        .open()
        .await;
    assert_eq!(
        world.dana().finds(CANARY).await,
        ["hr/staff/zanzibar-leave.md", "zanzibar/deal.md"]
    );
    world
}

#[tokio::test]
async fn promise_3_the_same_question_gets_each_reader_their_own_answer() {
    let world = company().await;
    let (bobs, carlas) = (world.bob().ask(QUESTION).await, world.carla().ask(QUESTION).await);
    assert!(cited(&bobs).contains(&"hr/staff/zanzibar-leave.md".to_owned()), "{bobs}");
    assert!(!cited(&carlas).contains(&"hr/staff/zanzibar-leave.md".to_owned()), "{carlas}");
    let bobs = world.bob().finds("paid vacation").await;
    assert_eq!(bobs, ["hr/guide.md", "hr/staff/zanzibar-leave.md"]);
    assert_eq!(world.carla().finds("paid vacation").await, ["hr/guide.md"]);
}

#[tokio::test]
async fn promise_3_no_byte_of_any_answer_tells_of_a_hidden_document() {
    let world = company().await;
    let hash = version_of(&world.dana(), "zanzibar/deal.md").await;
    for reply in everything_that_carla_can_ask(&world.carla(), &hash).await {
        // The question itself may come back in an error; the hidden text may not.
        for hidden in ["12 million", "28 days", "Zanzibar", "zanzibar-leave", "user:dana"] {
            assert!(!reply.bytes().contains(hidden), "`{hidden}` in {}", reply.bytes());
        }
    }
}

#[tokio::test]
async fn promise_3_counts_are_those_of_what_the_reader_may_see() {
    let world = company().await;
    let answer = world.carla().ask(QUESTION).await;
    assert_eq!(answer["searched"], json!({"passages": 1, "sources": 1}));
    let answer = world.dana().ask(QUESTION).await;
    assert_eq!(answer["searched"]["sources"], 2);
}

#[tokio::test]
async fn promise_1_an_administrator_is_not_a_reader_of_everything() {
    let world = company().await;
    assert_eq!(world.alice().finds(CANARY).await, ["hr/staff/zanzibar-leave.md"]);
    assert_eq!(world.alice().get("/v1/documents/zanzibar/deal.md").await.status, 404);
    let listed = world.alice().get("/v1/admin/sources/zanzibar/documents").await;
    assert!(
        listed.body.contains("zanzibar/deal.md") && !listed.body.contains("Zanzibar"),
        "{listed:?}"
    );
    let status = world.alice().get("/v1/admin/status").await;
    assert!(!status.body.contains("million"), "{status:?}");
}

/// Every way in which a reader gets something from the server.
async fn everything_that_carla_can_ask(carla: &Person, hash: &str) -> Vec<Reply> {
    let mut all = Vec::new();
    let questions = [
        QUESTION,
        "zanzibar",
        "What is the price for zanzibar?",
        "deal",
        "paid in vacation days",
        "\"zanzibar deal\" OR title:zanzibar",
    ];
    for question in questions {
        all.push(carla.post("/v1/ask", &json!({ "question": question })).await);
        all.push(carla.events(question).await);
        for sources in [json!(null), json!(["zanzibar"]), json!(["hr", "zanzibar"])] {
            all.push(
                carla.post("/v1/ask", &json!({"question": question, "sources": sources})).await,
            );
            for mode in ["fused", "words", "meaning"] {
                let body =
                    json!({"query": question, "mode": mode, "sources": sources, "limit": 200});
                all.push(carla.post("/v1/search", &body).await);
            }
        }
    }
    for path in ["zanzibar/deal.md", "hr/staff/zanzibar-leave.md"] {
        for route in ["/v1/documents", "/view"] {
            all.push(carla.get(&format!("{route}/{path}")).await);
            all.push(carla.get(&format!("{route}/{path}?version={hash}&start=0&end=9")).await);
        }
    }
    for route in
        ["sources", "sources/zanzibar", "sources/zanzibar/documents", "approvals", "status"]
    {
        all.push(carla.get(&format!("/v1/admin/{route}")).await);
    }
    all.push(carla.get("/v1/admin/audit").await);
    all.push(carla.get("/readyz").await);
    all
}

async fn version_of(person: &Person, document: &str) -> String {
    let reply = person.get(&format!("/v1/documents/{document}")).await;
    reply.json()["version"].as_str().expect("a version").to_owned()
}

/// The documents that an answer cites.
pub(crate) fn cited(answer: &Value) -> Vec<String> {
    let citations = answer["citations"].as_array().expect("citations");
    let name = |citation: &Value| citation["document"].as_str().unwrap_or_default().to_owned();
    citations.iter().map(name).collect()
}
