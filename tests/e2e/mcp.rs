//! MCP at `/mcp`, message by message; `clients.rs` lets the official client drive it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::idp::Idp;
use crate::world::{Company, Person, Reply, World};

const QUESTION: &str = "How many weeks is parental leave?";

async fn company() -> World {
    Company::holding(&[
        ("hr/leave.md", "# Leave policy\n\n## Parents\n\nParental leave is 16 weeks.\n"),
        ("board/plan.md", "# Plan\n\nThe heliotrope merger is in May.\n"),
    ])
    .with_source("board", &json!({"access": {"allow": ["group:hr"]}}))
    .open()
    .await
}

/// Sends one message.
async fn send(person: &Person, message: &Value) -> Reply {
    person.post("/mcp", message).await
}

async fn call(person: &Person, tool: &str, arguments: Value) -> Value {
    let params = json!({"name": tool, "arguments": arguments});
    let reply =
        send(person, &json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}))
            .await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("mcp-session-id"), None, "there are no sessions");
    reply.json()["result"].clone()
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn the_tools_say_that_they_only_read() {
    let world = company().await;
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "a test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }}});
    let bob = world.bob();
    let request = bob
        .request(Method::POST, "/mcp")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/list")
        .json(&list);
    let listed = bob.send(request).await.json();
    assert_eq!(listed["result"]["cacheScope"], "private", "{listed}");
    let tools = listed["result"]["tools"].as_array().expect("tools");
    let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["ask", "fetch", "search"]);
    for tool in tools {
        let hints = &tool["annotations"];
        assert_eq!(
            (&hints["readOnlyHint"], &hints["openWorldHint"]),
            (&json!(true), &json!(false))
        );
        assert_eq!(
            (&hints["destructiveHint"], &hints["idempotentHint"]),
            (&json!(false), &json!(true))
        );
        assert!(tool["description"].as_str().is_some_and(|text| text.len() > 40), "{tool}");
        assert_eq!(tool["outputSchema"]["type"], "object", "{tool}");
    }
}

#[tokio::test]
async fn what_is_searched_can_be_fetched_and_what_is_asked_is_cited() {
    let world = company().await;
    let bob = world.bob();
    let found = call(&bob, "search", json!({"query": "parental leave"})).await;
    let first = &found["structuredContent"]["results"][0];
    assert_eq!(first["title"], "Leave policy", "{found}");
    let as_text: Value = serde_json::from_str(text(&found)).expect("JSON for older clients");
    assert_eq!(as_text, found["structuredContent"]);
    for id in [first["id"].as_str().unwrap(), "hr/leave.md"] {
        let fetched = call(&bob, "fetch", json!({"id": id})).await;
        let document = &fetched["structuredContent"];
        assert_eq!((&document["id"], &document["title"]), (&json!(id), &json!("Leave policy")));
        assert!(document["text"].as_str().unwrap().contains("16 weeks"), "{fetched}");
        let url = document["url"].as_str().unwrap().strip_prefix(&world.base).expect("it is ours");
        assert_eq!(bob.get(url).await.status, 200);
    }
    let answer = call(&bob, "ask", json!({"question": QUESTION})).await;
    assert!(
        text(&answer).starts_with("Parental leave is 16 weeks. [1]\n\nSources:\n- [1] ["),
        "{answer}"
    );
    let answer = &answer["structuredContent"];
    assert_eq!(answer["outcome"], "answered");
    assert_eq!(answer["citations"][0]["quote"], "Parental leave is 16 weeks.");
    let records = world.ines().get("/v1/admin/audit?user=user:bob").await.json();
    for kind in ["search", "document", "answer"] {
        let record = records["records"].as_array().unwrap().iter().find(|one| one["kind"] == kind);
        let record = record.unwrap_or_else(|| panic!("no {kind} in {records}"));
        assert!(record.to_string().contains("\"surface\":\"mcp\""), "{record}");
    }
}

#[tokio::test]
async fn promise_5_missing_and_forbidden_are_the_same_words_to_a_tool() {
    let world = company().await;
    let seen = call(&world.alice(), "fetch", json!({"id": "board/plan.md"})).await;
    assert!(text(&seen).contains("heliotrope"), "{seen}");
    let mut refusals = Vec::new();
    for id in ["board/plan.md", "board/none.md", "none/plan.md", "board/plan.md#0-9", "x", ""] {
        let refused = call(&world.bob(), "fetch", json!({"id": id})).await;
        assert_eq!(refused["isError"], true, "{refused}");
        refusals.push(refused.to_string());
    }
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    let found = call(&world.bob(), "search", json!({"query": "heliotrope merger"})).await;
    let asked =
        call(&world.bob(), "ask", json!({"question": "When is the heliotrope merger?"})).await;
    for result in [found, asked] {
        assert!(!result.to_string().contains("May"), "{result}");
        assert_eq!(result["isError"], false, "{result}");
    }
}

#[tokio::test]
async fn what_a_tool_can_not_do_it_says() {
    let world = company().await;
    for (tool, arguments) in [
        ("search", json!({"query": " "})),
        ("search", json!({"query": "x", "limit": 900})),
        ("ask", json!({"question": "x".repeat(9000)})),
    ] {
        let result = call(&world.bob(), tool, arguments).await;
        assert!(result["isError"] == true && text(&result).contains("; "), "{result}");
    }
}

#[tokio::test]
async fn promise_10_no_page_of_another_site_and_no_name_of_another_host_gets_through() {
    let world = company().await;
    let bob = world.bob();
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let status = async |name: &'static str, value: &str| {
        let request = bob.request(Method::POST, "/mcp").header(name, value).json(&list);
        bob.send(request).await.status
    };
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"] {
        assert_eq!(status("origin", origin).await, 403, "{origin}");
    }
    assert_eq!(status("origin", &world.base).await, 200);
    // In demo mode a foreign name is refused as early as the credential.
    assert_eq!(status("host", "evil.example").await, 401);
    let first = "the-first-administrators-key-0123456789";
    let world = Company::holding(&[]).with_keys(first).open().await;
    let made = json!({"name": "bob", "role": "reader", "user": "bob"});
    let key = world.alice().post("/v1/admin/keys", &made).await.json();
    let bob = world.alice().holding(key["key"].as_str().unwrap());
    for (host, expected) in [("evil.example", 403), ("localhost", 200)] {
        let request = bob.request(Method::POST, "/mcp").header("host", host).json(&list);
        assert_eq!(bob.send(request).await.status, expected, "{host}");
    }
}

#[tokio::test]
async fn a_stranger_is_told_where_a_credential_is_to_be_had() {
    let world = company().await;
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let refused = send(&world.stranger(), &message).await;
    assert_eq!(refused.problem(), (401, "unauthorized".to_owned()));
    let place = format!("{}/.well-known/oauth-protected-resource/mcp", world.base);
    let expected = format!("Bearer resource_metadata=\"{place}\"");
    assert_eq!(refused.header("www-authenticate"), Some(expected.as_str()));
    let described = world.stranger().get("/.well-known/oauth-protected-resource/mcp").await.json();
    assert_eq!(described["resource"], format!("{}/mcp", world.base));
    assert_eq!(described["authorization_servers"], Value::Null, "nobody gives out tokens here");
}

#[tokio::test]
async fn with_an_identity_provider_the_metadata_names_it() {
    let provider = Idp::start().await;
    let first = "the-first-administrators-key-0123456789";
    let world = Company::holding(&[]).with_provider(first, &provider.issuer, "").open().await;
    let described = world.stranger().get("/.well-known/oauth-protected-resource").await.json();
    assert_eq!(described["resource"], world.base);
    assert_eq!(described["authorization_servers"], json!([provider.issuer]));
    assert!(described["scopes_supported"].as_array().unwrap().contains(&json!("openid")));
}
