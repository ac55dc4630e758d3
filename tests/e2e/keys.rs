//! Signing in by keys: what each may do, how they end, and that the ledger holds hashes alone.

use serde_json::{Value, json};

use crate::process::{Server, run};
use crate::world::{Company, Person, World, until};

const FIRST: &str = "the-first-administrators-key-0123456789";

async fn company() -> World {
    Company::holding(&[("hr/leave.md", "# Leave\n\nParental leave is 16 weeks.\n")])
        .with_source("news", &json!({"kind": "push", "approvers": ["user:dana"]}))
        .with_source("board", &json!({"kind": "push"}))
        .with_source("hr", &json!({"access": {"allow": ["user:bob", "group:readers"]}}))
        .with_keys(FIRST)
        .open()
        .await
}

async fn key(world: &World, body: &Value) -> (Person, Value) {
    let reply = world.alice().post("/v1/admin/keys", body).await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    let made = reply.json();
    (world.alice().holding(made["key"].as_str().expect("the key, once")), made)
}

/// The sources are proposed: the first key stands for no approver. Dana's key approves them.
async fn activated(world: &World) -> Person {
    let (dana, _) = key(world, &json!({"name": "dana", "role": "reader", "user": "dana"})).await;
    for source in ["hr", "news", "board"] {
        dana.approve(source).await;
    }
    world.settled().await;
    dana
}

#[tokio::test]
async fn a_readers_key_asks_as_its_user_and_does_nothing_else() {
    let world = company().await;
    activated(&world).await;
    let (bob, _) = key(&world, &json!({"name": "bob", "role": "reader", "user": "user:bob"})).await;
    let (carla, _) =
        key(&world, &json!({"name": "carla", "role": "reader", "user": "carla"})).await;
    assert_eq!(bob.finds("parental").await, ["hr/leave.md"]);
    assert!(carla.finds("parental").await.is_empty());
    let group = json!({"group": "readers", "add": ["user:carla"]});
    assert_eq!(world.alice().post("/v1/admin/groups", &group).await.status, 200);
    assert_eq!(
        carla.finds("parental").await,
        ["hr/leave.md"],
        "a kept group counts for a key's user"
    );
    for route in ["status", "keys", "groups", "users", "audit", "generations"] {
        assert_eq!(bob.get(&format!("/v1/admin/{route}")).await.problem().0, 403, "{route}");
    }
    assert_eq!(bob.push("news/a.md", &json!({}), "text").await.problem().0, 403);
}

#[tokio::test]
async fn promise_2_a_key_without_a_user_reads_nothing_not_even_what_everyone_may() {
    let world = company().await;
    activated(&world).await;
    let (auditor, _) = key(&world, &json!({"name": "auditor", "role": "auditor"})).await;
    let (pusher, _) = key(&world, &json!({"name": "ci", "role": "pusher", "source": "news"})).await;
    let (admin, _) = key(&world, &json!({"name": "ops", "role": "administrator"})).await;
    for person in [&auditor, &pusher, &admin, &world.alice()] {
        assert_eq!(person.post("/v1/ask", &json!({"question": "leave?"})).await.problem().0, 403);
        assert_eq!(person.post("/v1/search", &json!({"query": "leave"})).await.problem().0, 403);
        assert_eq!(person.get("/v1/documents/hr/leave.md").await.problem().0, 403);
        assert_eq!(person.get("/view/hr/leave.md").await.status, 403);
    }
    assert_eq!(auditor.get("/v1/admin/audit").await.status, 200);
    assert_eq!(auditor.get("/v1/admin/status").await.problem().0, 403);
    assert_eq!(admin.get("/v1/admin/status").await.status, 200);
}

#[tokio::test]
async fn a_pushers_key_pushes_to_its_own_sources_alone() {
    let world = company().await;
    let dana = activated(&world).await;
    let (pusher, _) =
        key(&world, &json!({"name": "ci", "role": "pusher", "source": ["news"]})).await;
    assert_eq!(pusher.push("news/a.md", &json!({}), "# A\n\nThe heliotrope.").await.status, 202);
    assert_eq!(
        pusher.push("board/a.md", &json!({}), "# A\n\nThe heliotrope.").await.problem().0,
        403
    );
    assert_eq!(pusher.delete("/v1/admin/sources/board/documents/a.md").await.problem().0, 403);
    assert_eq!(pusher.get("/v1/admin/sources/news").await.problem().0, 404);
    world.settled().await;
    assert_eq!(dana.finds("heliotrope").await, ["news/a.md"]);
    let both = json!({"name": "none", "role": "pusher"});
    assert_eq!(
        world.alice().post("/v1/admin/keys", &both).await.problem(),
        (422, "key_incomplete".to_owned())
    );
    let unknown = json!({"name": "x", "role": "pusher", "source": "nowhere"});
    assert_eq!(world.alice().post("/v1/admin/keys", &unknown).await.problem().0, 404);
}

#[tokio::test]
async fn promise_6_nobody_approves_what_was_pushed_with_a_key_in_their_name() {
    let waits = json!({"kind": "push", "approval": "each-version", "approvers": ["user:dana", "user:nadia"]});
    let world = Company::holding(&[]).with_source("news", &waits).with_keys(FIRST).open().await;
    let reader = |name: &str| json!({"name": name, "role": "reader", "user": name});
    let (dana, _) = key(&world, &reader("dana")).await;
    let (nadia, _) = key(&world, &reader("nadia")).await;
    dana.approve("news").await;
    let pushes = json!({"name": "ci", "role": "pusher", "source": "news", "user": "nadia"});
    let (pusher, _) = key(&world, &pushes).await;
    assert_eq!(pusher.push("news/a.md", &json!({}), "# A\n\nThe heliotrope.").await.status, 202);
    world.settled().await;
    let waiting = dana.get("/v1/admin/approvals").await.json();
    assert_eq!(waiting["approvals"][0]["brought_by"], "user:nadia", "{waiting}");
    assert_eq!(nadia.decide("news/a.md", "approve").await.problem().1, "own_push");
    // The name gives the key no right of that person.
    assert_eq!(pusher.post("/v1/search", &json!({"query": "x"})).await.problem().0, 403);
    assert!([403, 404].contains(&pusher.decide("news/a.md", "approve").await.status));
    dana.approve("news/a.md").await;
    world.settled().await;
    assert_eq!(nadia.finds("heliotrope").await, ["news/a.md"]);
}

#[tokio::test]
async fn no_two_keys_that_work_share_a_name_and_none_is_called_like_the_first() {
    let world = company().await;
    let named = |name: &str| json!({"name": name, "role": "administrator"});
    let make = async |name: &str| world.alice().post("/v1/admin/keys", &named(name)).await;
    for name in ["bootstrap", " Bootstrap "] {
        assert_eq!(make(name).await.problem(), (422, "reserved_name".to_owned()));
    }
    let (_, made) = key(&world, &named("ops")).await;
    assert_eq!(make("ops").await.problem(), (409, "key_exists".to_owned()));
    let id = made["id"].as_str().unwrap();
    assert_eq!(world.alice().delete(&format!("/v1/admin/keys/{id}")).await.status, 200);
    assert_eq!(make("ops").await.status, 201, "a revoked key's name is free again");
}

#[tokio::test]
async fn a_key_stands_for_one_person_and_for_nothing_else() {
    let world = company().await;
    for user in
        ["", "user:", " ", "everyone", "group:hr", "user:user:bob", "user:group:hr", "b\nob"]
    {
        for role in ["reader", "administrator"] {
            let body = json!({"name": "odd", "role": role, "user": user});
            let reply = world.alice().post("/v1/admin/keys", &body).await;
            assert_eq!(reply.problem(), (422, "bad_user".to_owned()), "{user:?}");
        }
    }
    assert_eq!(world.alice().get("/v1/admin/keys").await.json()["keys"], json!([]));
}

#[tokio::test]
async fn a_key_ends_when_it_is_revoked_and_when_its_time_is_up() {
    let world = company().await;
    let (bob, made) = key(&world, &json!({"name": "bob", "role": "reader", "user": "bob"})).await;
    assert!(bob.finds("parental").await.is_empty());
    let id = made["id"].as_str().unwrap();
    assert_eq!(world.alice().delete(&format!("/v1/admin/keys/{id}")).await.status, 200);
    assert_eq!(bob.post("/v1/search", &json!({"query": "x"})).await.problem().0, 401);
    let short = json!({"name": "short", "role": "reader", "user": "bob", "expires": "1s"});
    let (short, _) = key(&world, &short).await;
    until("the key has expired", async || {
        let reply = short.post("/v1/search", &json!({"query": "x"})).await;
        (reply.status == 401).then_some(())
    })
    .await;
    let past =
        json!({"name": "past", "role": "reader", "user": "bob", "expires": "2020-01-01T00:00:00Z"});
    assert_eq!(
        world.alice().post("/v1/admin/keys", &past).await.problem(),
        (422, "expired_already".to_owned())
    );
    let listed = world.alice().get("/v1/admin/keys").await.json();
    let keys = listed["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    assert!(keys.iter().any(|key| key["revoked"] == true && key["id"] == id));
}

#[tokio::test]
async fn a_key_is_shown_once_and_kept_as_a_hash() {
    let world = company().await;
    let (_, made) = key(&world, &json!({"name": "bob", "role": "reader", "user": "bob"})).await;
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("vk_") && key.len() >= 40, "{key}");
    assert!(!world.alice().get("/v1/admin/keys").await.body.contains(key));
    assert!(!world.alice().get("/v1/admin/audit?export=1").await.body.contains(key));
    for entry in std::fs::read_dir(world.data()).unwrap().flatten() {
        if entry.path().is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            let held = bytes.windows(key.len()).any(|window| window == key.as_bytes());
            assert!(!held, "the key stands in {}", entry.path().display());
        }
    }
}

#[tokio::test]
async fn without_a_credential_that_counts_there_is_a_401_that_says_what_is_wanted() {
    let world = company().await;
    let strangers = [
        world.stranger(),
        world.alice().holding("vk_0123456789012345678901234567890123456789"),
        world.alice().holding("demo:alice"),
        world.alice().holding(&FIRST[1..]),
        world.alice().holding(""),
    ];
    for stranger in strangers {
        let reply = stranger.post("/v1/search", &json!({"query": "leave"})).await;
        assert_eq!(reply.problem(), (401, "unauthorized".to_owned()));
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    }
    assert_eq!(world.stranger().get("/demo/people").await.status, 404, "nobody can be played here");
}

#[tokio::test]
async fn the_first_key_comes_from_the_environment_and_is_retired_by_unsetting_it() {
    let company = Company::holding(&[]).with_keys(FIRST);
    let server = Server::start(&company, &[("VOUCH_ADMIN_KEY", FIRST)]);
    let admin = Person::new(&server.base, Some(FIRST.to_owned()));
    assert_eq!(admin.get("/v1/admin/status").await.status, 200);
    let records =
        admin.post("/v1/admin/keys", &json!({"name": "ops", "role": "administrator"})).await;
    let ops = records.json()["key"].as_str().unwrap().to_owned();
    let audit = admin.get("/v1/admin/audit?user=key:bootstrap").await.json();
    assert_eq!(audit["records"][0]["kind"], "key.create", "{audit}");
    server.kill();
    let server = Server::start(&company, &[]);
    let admin = Person::new(&server.base, Some(FIRST.to_owned()));
    assert_eq!(admin.get("/v1/admin/status").await.problem().0, 401);
    assert_eq!(admin.holding(&ops).get("/v1/admin/status").await.status, 200);
}

#[tokio::test]
async fn a_short_first_key_is_refused_at_start() {
    let company = Company::holding(&[]).with_keys(FIRST);
    std::fs::write(company.folder().join("vouch.toml"), company.toml()).unwrap();
    let mut command = crate::process::vouch(&["serve"]);
    let ended =
        command.current_dir(company.folder()).env("VOUCH_ADMIN_KEY", "short").output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("VOUCH_ADMIN_KEY") && said.contains("32"), "{said}");
    let (code, said) = run(company.folder(), &["status", "--url", "http://127.0.0.1:9"]);
    assert_eq!(code, Some(1), "{said}");
}
