//! What administrators change and are told: groups, decisions, and what is refused before it can hurt.

use serde_json::json;

use crate::process::{Server, run, vouch};
use crate::world::{Company, World};

#[tokio::test]
async fn promise_4_a_removal_makes_no_group_that_would_empty_a_tokens_one() {
    let world = World::holding(&[]).await;
    let change = async |body| world.alice().post("/v1/admin/groups", &body).await;
    let refused = change(json!({"group": "nosuch", "remove": ["user:bob"]})).await;
    assert_eq!(refused.problem(), (404, "no_group".to_owned()));
    assert_eq!(change(json!({"group": "nosuch"})).await.problem().0, 404);
    let listed = world.alice().get("/v1/admin/groups").await.body;
    assert!(!listed.contains("nosuch"), "{listed}");
    assert_eq!(change(json!({"group": "crew", "add": ["user:bob"]})).await.status, 200);
    let emptied = change(json!({"group": "group:crew", "remove": ["user:bob"]})).await.json();
    assert_eq!(emptied, json!({"group": "crew", "members": []}), "one prefix means the group");
}

#[tokio::test]
async fn a_group_has_no_name_that_reads_as_somebody_else() {
    let world = World::holding(&[]).await;
    for name in ["everyone", "group:everyone", "group:group:x", "user:bob", "group:user:bob", " "] {
        let body = json!({"group": name, "add": ["user:bob"]});
        let refused = world.alice().post("/v1/admin/groups", &body).await;
        assert_eq!(refused.problem(), (422, "bad_group".to_owned()), "{name}");
    }
    let body = json!({"group": "a:b", "add": ["user:bob"]});
    assert_eq!(world.alice().post("/v1/admin/groups", &body).await.json()["group"], "a:b");
}

#[tokio::test]
async fn a_decision_answers_with_the_state_that_it_made() {
    let world = Company::holding(&[("wiki/a.md", "# A\n\nOld.\n")])
        .with_source("wiki", &json!({"approval": "each-version"}))
        .open()
        .await;
    let state = async |act| world.alice().decide("wiki/a.md", act).await.json()["state"].clone();
    assert_eq!(state("approve").await, "live");
    assert_eq!(state("withdraw").await, "withdrawn");
    world.write("wiki/a.md", "# A\n\nNew.\n");
    world.sync("wiki").await;
    assert_eq!(state("reject").await, "rejected");
}

#[test]
fn a_short_first_key_is_refused_before_anything_is_made() {
    let company = Company::holding(&[]).with_keys("short");
    let file = company.folder().join("vouch.toml");
    std::fs::write(&file, company.toml()).expect("a settings file");
    let mut serve = vouch(&["serve", "--config"]);
    let ended = serve.arg(&file).env("VOUCH_ADMIN_KEY", "short").output().expect("it runs");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("fewer than 32 characters"), "{said}");
    assert!(!company.folder().join("data").exists(), "no folder, no ledger");
}

#[test]
fn doctor_says_once_that_there_is_no_model() {
    let nowhere = "[embedding]\nmodel = \"nowhere\"\nruntime = \"nowhere.so\"";
    let company = Company::holding(&[]).with_settings(nowhere);
    let server = Server::start(&company, &[]);
    let all = ["doctor", "--config", "vouch.toml", "--url", &server.base, "--token", "demo:alice"];
    let (code, said) = run(company.folder(), &all);
    assert_eq!(code, Some(0), "{said}");
    let warned: Vec<&str> = said.lines().filter(|line| line.starts_with("warn")).collect();
    assert_eq!(warned.len(), 1, "{said}");
    assert!(warned[0].contains("nowhere") && said.contains("make models"), "{said}");
}
