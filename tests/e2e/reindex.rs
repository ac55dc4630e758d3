//! A reindex builds beside the live generation and swaps; a rollback swaps back at once. Questions are
//! answered all the while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::process::run;
use crate::world::{Company, World, model_files, source, until};

async fn generation(world: &World) -> u64 {
    let status = world.alice().get("/v1/admin/status").await.json();
    status["generation"].as_u64().expect("a number")
}

async fn reindex(world: &World) {
    let before = generation(world).await;
    let reply = world.alice().post("/v1/admin/reindex", &json!({})).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    until("another generation answers and the job is done", async || {
        let status = world.alice().get("/v1/admin/status").await.json();
        let jobs = status["jobs"].as_array().expect("jobs");
        let done = jobs.iter().all(|job| job["state"] == "done");
        (done && status["generation"].as_u64() > Some(before)).then_some(())
    })
    .await;
    world.settled().await;
}

async fn states(world: &World) -> Vec<(u64, String)> {
    let listed = world.alice().get("/v1/admin/generations").await.json();
    let of = |one: &Value| {
        (
            one["generation"].as_u64().expect("a number"),
            one["state"].as_str().unwrap_or("").to_owned(),
        )
    };
    listed["generations"].as_array().expect("generations").iter().map(of).collect()
}

#[tokio::test]
async fn answers_keep_coming_while_a_generation_is_built() {
    let Some(model) = model_files("answers_keep_coming_while_a_generation_is_built") else {
        return;
    };
    let company = Company::holding(&[]).with_source("wiki", &json!({})).with_model(&model);
    for number in 0..60 {
        let text = format!(
            "# Page {number}\n\nThe heliotrope on page {number} blooms in week {number}.\n"
        );
        company.write(&format!("wiki/page-{number}.md"), text.as_bytes());
    }
    let world = company.open().await;
    let expected = world.bob().search("heliotrope week 7").await;
    let done = Arc::new(AtomicBool::new(false));
    let asking = tokio::spawn({
        let (bob, done, expected) = (world.bob(), Arc::clone(&done), expected.clone());
        async move {
            let mut asked = 0;
            while !done.load(Ordering::Relaxed) {
                assert_eq!(
                    bob.search("heliotrope week 7").await,
                    expected,
                    "the same settings, the same order"
                );
                asked += 1;
            }
            asked
        }
    });
    reindex(&world).await;
    done.store(true, Ordering::Relaxed);
    let asked = asking.await.unwrap();
    assert!(asked > 5, "it was too fast to see anything: {asked}");
    assert_eq!(states(&world).await, [(2, "live".to_owned()), (1, "old".to_owned())]);
}

#[tokio::test]
async fn a_rollback_swaps_at_once_and_catches_up() {
    let world = World::holding(&[("wiki/a.md", "# A\n\nThe heliotrope is old.\n")]).await;
    reindex(&world).await;
    world.write("wiki/b.md", "# B\n\nThe heliotrope is new.\n");
    world.sync("wiki").await;
    world.write("wiki/.access.toml", "deny = [\"user:carla\"]");
    world.sync("wiki").await;
    let reply = world.alice().post("/v1/admin/rollback", &json!({})).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let back = reply.json();
    assert_eq!((&back["generation"], &back["previous"]), (&json!(1), &json!(2)));
    assert_eq!(generation(&world).await, 1);
    assert!(world.carla().finds("heliotrope").await.is_empty(), "today's rules count at once");
    assert!(world.bob().finds("heliotrope").await.contains(&"wiki/a.md".to_owned()));
    world.settled().await;
    assert_eq!(world.bob().finds("heliotrope").await, ["wiki/a.md", "wiki/b.md"]);
    let again = world.alice().post("/v1/admin/rollback", &json!({"generation": 2})).await;
    assert_eq!(again.json()["generation"], 2, "{}", again.body);
    let unknown = world.alice().post("/v1/admin/rollback", &json!({"generation": 9})).await;
    assert_eq!(unknown.problem(), (409, "no_generation".to_owned()));
}

#[tokio::test]
async fn a_dry_run_builds_nothing_and_old_generations_are_cleared_away() {
    let world = World::holding(&[("wiki/a.md", "# A\n\nThe heliotrope is old.\n")]).await;
    let planned = world.alice().post("/v1/admin/reindex", &json!({"dry_run": true})).await;
    assert_eq!((planned.status, &planned.json()["versions"]), (200, &json!(1)), "{}", planned.body);
    assert_eq!(states(&world).await.len(), 1);
    for _ in 0..3 {
        reindex(&world).await;
    }
    assert_eq!(states(&world).await, [(4, "live".to_owned()), (3, "old".to_owned())]);
    until("the folders of dropped generations are gone", async || {
        let folders = std::fs::read_dir(world.data().join("index")).ok()?.count();
        (folders == 2).then_some(())
    })
    .await;
    let bad = world.alice().post("/v1/admin/reindex", &json!({"model": "/nowhere"})).await;
    assert_eq!(bad.problem(), (422, "bad_model".to_owned()));
    assert_eq!(world.bob().finds("heliotrope").await, ["wiki/a.md"]);
}

#[tokio::test]
async fn a_reindex_that_fails_says_why_and_the_next_one_starts_clean() {
    let world = World::holding(&[("wiki/a.md", "# A\n\nThe heliotrope is old.\n")]).await;
    // Where the index of the next generation would lie, there is a file.
    let in_the_way = world.data().join("index/generation-2");
    std::fs::write(&in_the_way, "in the way").unwrap();
    let (folder, base) = (world.documents(), world.base.clone());
    let waited = tokio::task::spawn_blocking(move || {
        run(&folder, &["reindex", "--url", &base, "--token", "demo:alice"])
    });
    let (code, said) = waited.await.unwrap();
    assert_eq!(code, Some(1), "it does not wait for ever: {said}");
    assert!(said.contains("generation 2 could not be built"), "{said}");
    let status = world.alice().get("/v1/admin/status").await.json();
    let failed: Vec<&Value> = status["jobs"]
        .as_array()
        .expect("jobs")
        .iter()
        .filter(|job| job["kind"] == "reindex")
        .collect();
    assert_eq!((failed.len(), &failed[0]["state"]), (1, &json!("failed")));
    assert!(failed[0]["detail"].as_str().is_some_and(|why| !why.is_empty()), "{status}");
    assert_eq!(states(&world).await, [(1, "live".to_owned())]);
    assert_eq!(world.bob().finds("heliotrope").await, ["wiki/a.md"]);

    let (reply, before) = (world.alice().post("/v1/admin/reindex", &json!({})).await, 1);
    assert_eq!(reply.status, 202, "{}", reply.body);
    until("the next generation answers", async || {
        (generation(&world).await > before).then_some(())
    })
    .await;
    assert_eq!(states(&world).await[0], (3, "live".to_owned()));
    assert_eq!(world.bob().finds("heliotrope").await, ["wiki/a.md"]);
}

#[tokio::test]
async fn a_generation_that_nobody_will_finish_is_in_nobodys_way() {
    let world = World::holding(&[("wiki/a.md", "# A\n\nThe heliotrope is old.\n")]).await;
    // As after a crash between the beginning and its job.
    let begun = "INSERT INTO generation (settings, state, created_at)
        SELECT settings, 'building', 0 FROM generation";
    world.ledger().execute(begun, []).unwrap();
    reindex(&world).await;
    assert_eq!(states(&world).await, [(3, "live".to_owned()), (1, "old".to_owned())]);
}

#[tokio::test]
async fn a_qdrant_server_that_is_gone_stops_neither_embedding_nor_a_reindex() {
    let test = "a_qdrant_server_that_is_gone_stops_neither_embedding_nor_a_reindex";
    let Some(model) = model_files(test) else {
        return;
    };
    let world = Company::holding(&[("wiki/a.md", "# A\n\nThe heliotrope is old.\n")])
        .with_model(&model)
        .with_settings("[vectors]\nstore = \"qdrant\"\nurl = \"http://127.0.0.1:9\"")
        .open()
        .await;
    let embedded = async |number: u64| {
        until("everything is embedded", async || {
            let listed = world.alice().get("/v1/admin/generations").await.json();
            let newest = &listed["generations"][0];
            assert_eq!(newest["generation"], number);
            (newest["embedded"] == newest["chunks"] && newest["chunks"] == 1).then_some(())
        })
        .await;
    };
    embedded(1).await;
    reindex(&world).await;
    embedded(2).await;
    assert_eq!(world.bob().finds("heliotrope").await, ["wiki/a.md"]);
    let (folder, base) = (world.data(), world.base.clone());
    let settings = "data_dir = \".\"\n[vectors]\nstore = \"qdrant\"\nurl = \"http://127.0.0.1:9\"";
    std::fs::write(folder.join("vouch.toml"), settings).unwrap();
    let asked = tokio::task::spawn_blocking(move || {
        run(&folder, &["doctor", "--config", "vouch.toml", "--url", &base])
    });
    let (_, said) = asked.await.unwrap();
    for expected in ["Qdrant at http://127.0.0.1:9", "exact = true", "sandbox"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[tokio::test]
async fn extracting_a_source_again_keeps_its_versions_where_nothing_changed() {
    let world = World::holding(&[("wiki/a.md", "# A\n\nThe heliotrope is old.\n")]).await;
    let before = world.derived();
    let reply = world.alice().post("/v1/admin/reindex", &json!({"source": "wiki"})).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    world.settled().await;
    assert_eq!(world.bob().finds("heliotrope").await, ["wiki/a.md"]);
    assert_eq!(world.derived(), before);
}

#[tokio::test]
async fn a_source_is_extracted_again_from_the_command_line() {
    let world = World::holding(&[("wiki/a.md", "# A\n\nThe heliotrope is old.\n")]).await;
    world.alice().add(&source("pushed", &json!({"kind": "push"}))).await;
    let vouch = async |arguments: &[&str]| {
        let (folder, base) = (world.documents(), world.base.clone());
        let more: Vec<String> = arguments.iter().map(|&one| one.to_owned()).collect();
        let ended = tokio::task::spawn_blocking(move || {
            let mut all = vec!["reindex", "--url", &base, "--token", "demo:alice", "--source"];
            all.extend(more.iter().map(String::as_str));
            run(&folder, &all)
        });
        ended.await.unwrap()
    };
    let (code, said) = vouch(&["wiki", "--dry-run"]).await;
    assert!(code == Some(0) && said.contains("read the files of wiki again: 1 document"), "{said}");
    let (code, said) = vouch(&["wiki"]).await;
    assert!(code == Some(0) && said.contains("1 live"), "{said}");
    assert_eq!(states(&world).await.len(), 1, "no generation is built");
    let (code, said) = vouch(&["wiki", "--model", "models/x"]).await;
    assert!(code == Some(1) && said.contains("`source` or `model`"), "{said}");
    for arguments in [&["pushed"][..], &["pushed", "--dry-run"]] {
        let (code, said) = vouch(arguments).await;
        assert!(code == Some(1) && said.contains("its documents are pushed"), "{said}");
    }
}

#[tokio::test]
async fn a_rollback_goes_back_and_never_forward_by_itself() {
    let world = World::holding(&[("wiki/a.md", "# A\n\nThe heliotrope is old.\n")]).await;
    reindex(&world).await;
    let back = async |body: &Value| world.alice().post("/v1/admin/rollback", body).await;
    let none = back(&json!({"generation": 99})).await;
    assert_eq!(none.problem(), (409, "no_generation".to_owned()));
    assert!(
        none.body.contains("no generation 99") && none.body.contains("live one: 1"),
        "{none:?}"
    );
    assert_eq!(back(&json!({})).await.json()["generation"], 1);
    let none = back(&json!({})).await;
    assert_eq!(none.problem(), (409, "no_generation".to_owned()));
    assert!(none.body.contains("live one: 2"), "where to go is said: {none:?}");
    assert_eq!(generation(&world).await, 1);
    assert_eq!(
        back(&json!({"generation": 2})).await.json()["generation"],
        2,
        "by name, forward too"
    );
}
