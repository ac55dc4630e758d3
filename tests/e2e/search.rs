//! Searching: what narrows it, what is found exactly, and that the same question gives the same order.

use serde_json::{Value, json};

use crate::world::{Company, Person, World, model_files};

async fn company() -> World {
    World::holding(&[
        ("it/inc.md", "# INC-4711\n\nThe log partition was full. See also INC-4698.\n"),
        ("it/other.md", "# INC-4712\n\nA full log of another incident, number 4711 of the year.\n"),
        ("hr/urlaub.md", "---\nlang: de\nlastmod: 2026-02-01\n---\n# Urlaub\n\nBeschäftigte haben 30 Urlaubstage.\n"),
        ("hr/holidays.md", "---\nlastmod: 2024-02-01\n---\n# Holidays\n\nEmployees were granted days of holiday.\n"),
        ("hr/tokyo.md", "# 東京事務所\n\n東京事務所の休日は土曜日と日曜日です。\n"),
    ])
    .await
}

async fn found(person: &Person, body: &Value) -> Vec<String> {
    let reply = person.post("/v1/search", body).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let passages = reply.json()["passages"].as_array().expect("passages").clone();
    passages.iter().map(|one| one["document"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn identifiers_word_forms_and_scripts_without_spaces_are_found() {
    let world = company().await;
    let first =
        async |query: &str| found(&world.bob(), &json!({ "query": query })).await.first().cloned();
    let cases = [
        ("INC-4711", "it/inc.md"),
        ("inc-4712", "it/other.md"),
        ("granting holidays to an employee", "hr/holidays.md"),
        ("Wie viele Urlaubstage?", "hr/urlaub.md"),
        ("beschäftigter", "hr/urlaub.md"),
        ("休日", "hr/tokyo.md"),
    ];
    for (query, document) in cases {
        assert_eq!(first(query).await.as_deref(), Some(document), "{query}");
    }
}

#[tokio::test]
async fn a_search_is_narrowed_by_sources_time_and_number() {
    let world = company().await;
    let bob = world.bob();
    let query = "full log holidays Urlaubstage";
    let all = found(&bob, &json!({ "query": query })).await;
    assert_eq!(all.len(), 4, "{all:?}");
    let hr = found(&bob, &json!({"query": query, "sources": ["hr"]})).await;
    assert!(hr.len() == 2 && hr.iter().all(|id| id.starts_with("hr/")), "{hr:?}");
    assert!(found(&bob, &json!({"query": query, "sources": []})).await.is_empty());
    let new = json!({"query": query, "modified_after": "2026-01-01T00:00:00Z"});
    assert_eq!(found(&bob, &new).await, ["hr/urlaub.md"]);
    assert_eq!(found(&bob, &json!({"query": query, "limit": 1})).await, all[..1]);
    for _ in 0..5 {
        assert_eq!(found(&bob, &json!({ "query": query })).await, all, "the same order, always");
    }
}

#[tokio::test]
async fn meaning_finds_what_shares_no_word() {
    let Some(model) = model_files("meaning_finds_what_shares_no_word") else { return };
    let world = Company::holding(&[
        ("hr/leave.md", "# Parental leave\n\nMothers and fathers may stay at home for 16 weeks after a birth.\n"),
        ("it/vpn.md", "# VPN\n\nConnect to the gateway before you open the intranet.\n"),
    ])
    .with_model(&model)
    .open()
    .await;
    let query = "time off for a new baby";
    assert!(found(&world.bob(), &json!({"query": query, "mode": "words"})).await.is_empty());
    for mode in ["meaning", "fused"] {
        let found = found(&world.bob(), &json!({"query": query, "mode": mode})).await;
        assert_eq!(found.first().map(String::as_str), Some("hr/leave.md"), "{mode}");
    }
    let ready = world.stranger().get("/readyz").await.json();
    assert_eq!(ready["search"], "words and meaning");
}
