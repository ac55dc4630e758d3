//! The command line against a running server: what it prints for programs and for people, and how it
//! ends.

use std::path::Path;

use serde_json::Value;

use crate::process::run;
use crate::world::{Company, World, source};

/// A command's end and what it printed, on both outputs.
pub(crate) async fn vouch(world: &World, who: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let mut all =
        vec!["--url".to_owned(), world.base.clone(), "--token".to_owned(), format!("demo:{who}")];
    all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
    let folder = world.documents();
    // The server lives in this thread; waiting for the command must not stop it.
    let done = tokio::task::spawn_blocking(move || {
        let all: Vec<_> = all.iter().map(String::as_str).collect();
        run(Path::new(&folder), &all)
    });
    done.await.expect("the command ends")
}

/// A command that succeeds and prints one JSON document.
async fn json(world: &World, who: &str, arguments: &[&str]) -> Value {
    let (code, said) = vouch(world, who, &[arguments, &["--json"]].concat()).await;
    assert_eq!(code, Some(0), "{arguments:?}: {said}");
    serde_json::from_str(&said).unwrap_or_else(|_| panic!("{arguments:?} printed no JSON: {said}"))
}

async fn company() -> World {
    World::holding(&[("hr/leave.md", "# Leave\n\nParental leave is 16 weeks.\n")]).await
}

#[tokio::test]
async fn a_reader_asks_and_searches_from_the_command_line() {
    let world = company().await;
    let answer = json(&world, "bob", &["ask", "How many weeks is parental leave?"]).await;
    assert_eq!(answer["outcome"], "answered");
    let (code, said) = vouch(&world, "bob", &["ask", "How many weeks is parental leave?"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("16 weeks") && said.contains("/view/hr/leave.md?version="), "{said}");
    let shown = ["ask", "--show-prompt", "How many weeks is parental leave?"];
    let (code, said) = vouch(&world, "bob", &shown).await;
    assert!(code == Some(0) && said.contains("there is no prompt"), "{said}");
    let found =
        json(&world, "bob", &["search", "parental", "--limit", "1", "--mode", "words"]).await;
    assert_eq!(found["passages"][0]["document"], "hr/leave.md");
    let (code, said) = vouch(&world, "bob", &["search", "parental"]).await;
    assert!(code == Some(0) && said.contains("hr/leave.md"), "{said}");
}

#[tokio::test]
async fn an_administrator_looks_after_a_source_from_the_command_line() {
    let world = company().await;
    let file = world.documents().join("it.toml");
    std::fs::create_dir_all(world.documents().join("it")).unwrap();
    world.write("it/vpn.md", "# VPN\n\nThe heliotrope gateway is new.\n");
    let described = source("it", &serde_json::json!({"approval": "each-version"}));
    std::fs::write(&file, toml::to_string(&described).unwrap()).unwrap();
    let (code, said) = vouch(&world, "alice", &["source", "add", "it.toml"]).await;
    assert_eq!(code, Some(0), "{said}");
    world.settled().await;
    assert!(vouch(&world, "alice", &["source", "list"]).await.1.contains("it"));
    let waits = json(&world, "alice", &["approvals", "--source", "it"]).await;
    assert_eq!(waits["approvals"][0]["document"], "it/vpn.md");
    json(&world, "alice", &["approve", "it/vpn.md"]).await;
    world.settled().await;
    assert_eq!(world.bob().finds("heliotrope").await, ["it/vpn.md"]);
    json(&world, "alice", &["source", "pause", "it", "--why", "a look", "--until", "2h"]).await;
    assert!(world.bob().finds("heliotrope").await.is_empty());
    json(&world, "alice", &["source", "resume", "it"]).await;
    let (code, said) = vouch(&world, "alice", &["source", "sync", "it"]).await;
    assert_eq!(code, Some(0), "{said}");
    let documents = json(&world, "alice", &["source", "documents", "it"]).await;
    assert_eq!(documents["documents"][0]["state"], "live");
    let done = json(&world, "alice", &["withdraw", "it/vpn.md", "--why", "wrong"]).await;
    assert_eq!(done["state"], "withdrawn");
    assert!(world.bob().finds("heliotrope").await.is_empty());
    assert!(vouch(&world, "alice", &["source", "show", "it"]).await.1.contains("A test."));
    json(&world, "alice", &["source", "remove", "it"]).await;
    assert_eq!(vouch(&world, "alice", &["source", "show", "it"]).await.0, Some(1));
}

#[tokio::test]
async fn groups_keys_generations_status_and_audit_have_their_commands() {
    let world = company().await;
    let group = json(&world, "alice", &["group", "add", "readers", "user:bob", "group:hr"]).await;
    assert_eq!(group["members"], serde_json::json!(["group:hr", "user:bob"]));
    json(&world, "alice", &["group", "remove", "readers", "user:bob"]).await;
    assert!(vouch(&world, "alice", &["group", "list"]).await.1.contains("readers"));
    let file = world.documents().join("groups.jsonl");
    std::fs::write(file, "{\"group\": \"loaded\", \"members\": [\"user:bob\"]}\n").unwrap();
    json(&world, "alice", &["access", "load", "groups.jsonl"]).await;
    let key =
        ["key", "create", "--name", "ci", "--role", "reader", "--user", "bob", "--expires", "90d"];
    let key = json(&world, "alice", &key).await;
    assert!(key["key"].as_str().is_some_and(|key| key.starts_with("vk_")), "{key}");
    json(&world, "alice", &["key", "revoke", key["id"].as_str().unwrap()]).await;
    assert_eq!(json(&world, "alice", &["key", "list"]).await["keys"][0]["revoked"], true);
    assert_eq!(json(&world, "alice", &["status"]).await["documents"]["live"], 1);
    let (code, said) = vouch(&world, "alice", &["reindex"]).await;
    assert_eq!(code, Some(0), "it waits until the generation answers: {said}");
    assert_eq!(json(&world, "alice", &["generations"]).await["generations"][0]["state"], "live");
    assert_eq!(json(&world, "alice", &["rollback"]).await["generation"], 1);
    world.bob().ask("How many weeks is parental leave?").await;
    let records = json(&world, "alice", &["audit", "--user", "bob"]).await;
    assert!(records["records"].as_array().is_some_and(|records| records.len() >= 3), "{records}");
    assert_eq!(vouch(&world, "alice", &["audit", "--export"]).await.0, Some(0));
    let exported = json(&world, "alice", &["audit", "--export", "--kind", "answer"]).await;
    assert_eq!(exported["records"].as_array().map(Vec::len), Some(1), "one document: {exported}");
    assert_eq!(json(&world, "alice", &["audit", "verify"]).await["ok"], true);
    world.ledger().execute("UPDATE audit SET kind = 'x' WHERE seq = 2", []).unwrap();
    let (code, said) = vouch(&world, "alice", &["audit", "verify"]).await;
    assert!(code == Some(1) && said.contains("record 2"), "{said}");
}

#[tokio::test]
async fn failures_end_with_1_wrong_usage_with_2_and_both_say_what_to_do() {
    let world = company().await;
    let cases: [(&str, &[&str], i32, &str); 7] = [
        ("nobody", &["ask", "why?"], 1, "credential"),
        ("bob", &["status"], 1, "administrator"),
        ("alice", &["source", "show", "nowhere"], 1, "source list"),
        ("alice", &["source", "add", "nowhere.toml"], 1, "nowhere.toml"),
        ("alice", &["approve", "hr/nothing.md"], 1, "hr/nothing.md"),
        ("alice", &["source", "pause", "hr"], 2, "--why"),
        ("alice", &["serch", "x"], 2, "search"),
    ];
    for (who, arguments, code, word) in cases {
        let (ended, said) = vouch(&world, who, arguments).await;
        assert_eq!(ended, Some(code), "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?}: {said}");
    }
    let (code, said) =
        run(&world.documents(), &["status", "--url", "http://127.0.0.1:9", "--json"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("no_server") && said.contains("vouch serve"), "{said}");
}

#[test]
fn completions_need_no_server() {
    let company = Company::holding(&[]);
    for shell in ["bash", "zsh", "fish"] {
        let (code, said) = run(company.folder(), &["completions", shell]);
        assert!(code == Some(0) && said.contains("vouch"), "{shell}: {said}");
    }
}

#[tokio::test]
async fn an_administrator_shuts_out_and_stops_from_the_command_line() {
    let world = company().await;
    let (code, said) =
        vouch(&world, "alice", &["user", "block", "user:bob", "--why", "left", "--until", "2h"])
            .await;
    assert!(code == Some(0) && said.contains("user:bob is blocked: left"), "{said}");
    assert!(vouch(&world, "alice", &["user", "list"]).await.1.contains("left (by user:alice"));
    let (_, said) = vouch(&world, "bob", &["ask", "How many weeks is parental leave?"]).await;
    assert!(!said.contains("16 weeks"), "{said}");
    json(&world, "alice", &["user", "unblock", "bob"]).await;
    json(&world, "alice", &["stop", "--why", "wrong answers"]).await;
    let (code, said) = vouch(&world, "alice", &["status"]).await;
    assert!(code == Some(0) && said.contains("STOPPED: wrong answers"), "{said}");
    json(&world, "alice", &["start"]).await;
    let key = ["key", "create", "--name", "x", "--role", "reader", "--user", "user:bob"];
    let key = json(&world, "alice", &key).await;
    json(&world, "alice", &["key", "revoke", key["id"].as_str().unwrap(), "--why", "leaked"]).await;
    let records = json(&world, "alice", &["audit", "--kind", "key.revoke"]).await;
    assert_eq!(records["records"][0]["body"]["why"], "leaked");
}

#[tokio::test]
async fn a_long_directory_is_loaded_whole_or_not_at_all() {
    let world = company().await;
    let load = async |text: &str| {
        std::fs::write(world.documents().join("groups.jsonl"), text).unwrap();
        vouch(&world, "alice", &["access", "load", "groups.jsonl"]).await
    };
    let groups = async || world.alice().get("/v1/admin/groups").await.body;
    let before = groups().await;
    let line = |at: usize| {
        format!("{{\"group\": \"team-{at}\", \"members\": [\"user:somebody-{at}@example.com\"]}}\n")
    };
    let long: String = (0..20_000).map(line).collect();
    let (code, said) = load(&format!("{long}{}", line(7))).await;
    assert_eq!(code, Some(1));
    assert!(said.contains("line 20001 of groups.jsonl: the group `team-7` has line 8"), "{said}");
    assert_eq!(groups().await, before, "nothing was loaded");
    let (code, said) = load(&long).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("20000 groups with 20000 members"), "{said}");
}
