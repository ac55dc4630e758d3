//! Broken input: each gets an error that says what is wrong and how to mend it, at the right status or
//! exit code.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};

use crate::process::{Server, run};
use crate::world::{Company, Person, World, loudly, source};

async fn company() -> World {
    World::holding(&[("hr/leave.md", "# Leave\n\nParental leave is 16 weeks.\n")]).await
}

/// The title and hint of a problem, for its words.
fn words(problem: &Value) -> String {
    format!("{} | {}", problem["title"], problem["hint"])
}

#[test]
fn an_unknown_key_in_the_settings_is_refused_with_the_nearest_known_one() {
    let company = Company::holding(&[]).with_settings("[search]\nlanguagse = [\"en\"]");
    std::fs::write(company.folder().join("vouch.toml"), company.toml()).unwrap();
    for arguments in [&["serve"][..], &["serve", "--config", "vouch.toml"]] {
        let (code, said) = run(company.folder(), arguments);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("search.languagse") && said.contains("search.languages"), "{said}");
    }
    let (code, said) = run(company.folder(), &["serve", "--config", "nowhere.toml"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("nowhere.toml"), "{said}");
    assert_eq!(run(company.folder(), &["serve", "--port", "1"]).0, Some(2), "wrong usage");
}

#[tokio::test]
async fn a_port_in_use_is_said_with_what_to_do() {
    let company = Company::holding(&[]);
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap();
    std::fs::write(company.folder().join("vouch.toml"), company.toml()).unwrap();
    let (code, said) = run(company.folder(), &["serve", "--listen", &port.to_string()]);
    assert_eq!(code, Some(1));
    assert!(said.contains(&port.to_string()) && said.contains("server.listen"), "{said}");
    assert!(!company.folder().join("data").exists(), "the ledger was not touched");
}

#[tokio::test]
async fn a_source_that_lacks_something_is_refused_with_all_that_it_lacks() {
    let world = company().await;
    std::fs::create_dir_all(world.documents().join("it")).unwrap();
    let without = |keys: &[&str]| {
        let mut source = source("it", &json!({}));
        for key in keys {
            source.as_object_mut().unwrap().remove(*key);
        }
        source
    };
    let cases = [
        (without(&["owner"]), "source_incomplete", "owner"),
        (without(&["purpose"]), "source_incomplete", "purpose"),
        (without(&["approvers"]), "source_incomplete", "approvers"),
        (without(&["access", "owner"]), "source_incomplete", "access.allow"),
        (without(&["path"]), "source_incomplete", "path"),
        (without(&["kind"]), "bad_source", "kind"),
        (source("it", &json!({"ownr": "user:x"})), "bad_source", "ownr"),
        (source("it", &json!({"owner": "dana"})), "bad_source", "principal"),
        (source("it", &json!({"review_every": "soon"})), "bad_span", "soon"),
        (source("it", &json!({"path": "/etc"})), "bad_path", "roots"),
        (source("it", &json!({"path": "../.."})), "bad_path", "roots"),
        (
            source("it", &json!({"access": {"allow": ["everyone"], "unreadable": "x"}})),
            "bad_source",
            "`allow` or `deny`",
        ),
        (source("it", &json!({"access": [["everyone"]]})), "bad_source", "keys"),
        (json!(["it", "folder"]), "bad_source", "keys"),
        (source("I T", &json!({"path": "it"})), "bad_source_id", "lower-case"),
    ];
    for (source, code, named) in cases {
        let reply = world.alice().post("/v1/admin/sources", &source).await;
        assert_eq!(reply.problem(), (422, code.to_owned()), "{source}: {}", reply.body);
        assert!(words(&reply.json()).contains(named), "{}", reply.body);
    }
    let twice = world.alice().post("/v1/admin/sources", &source("hr", &json!({}))).await;
    assert_eq!(twice.problem(), (409, "source_exists".to_owned()));
    let listed = world.alice().get("/v1/admin/sources").await.json();
    assert_eq!(listed["sources"].as_array().unwrap().len(), 1, "nothing of it was kept");
}

#[tokio::test]
async fn a_folder_that_is_gone_fails_its_sync_with_a_reason_and_deletes_nothing() {
    let world = company().await;
    let (folder, away) = (world.documents().join("hr"), world.documents().join("away"));
    std::fs::rename(&folder, &away).unwrap();
    world.sync("hr").await;
    let shown = world.alice().get("/v1/admin/sources/hr").await.json();
    assert_eq!(shown["jobs"][0]["state"], "failed", "{shown}");
    let detail = shown["jobs"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("documents/hr") && detail.contains("can't be opened"), "{detail}");
    assert_eq!(world.bob().finds("parental").await, ["hr/leave.md"]);
    std::fs::rename(&away, &folder).unwrap();
    world.sync("hr").await;
    let shown = world.alice().get("/v1/admin/sources/hr").await.json();
    assert_eq!(shown["jobs"][0]["state"], "done", "{shown}");
}

#[tokio::test]
async fn an_unreadable_folder_is_listed_and_what_was_read_from_it_stays() {
    let world = World::holding(&[
        ("hr/leave.md", "# Leave\n\nParental leave is 16 weeks.\n"),
        ("hr/more/note.md", "# Note\n\nParental notes are here.\n"),
    ])
    .await;
    let folder = world.documents().join("hr/more");
    let allow = |mode| std::fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
    allow(0o000);
    if std::fs::read_dir(&folder).is_ok() {
        loudly("the test of an unreadable folder DID NOT RUN: this user may read everything");
        return allow(0o755);
    }
    world.sync("hr").await;
    assert_eq!(world.bob().finds("parental").await, ["hr/leave.md", "hr/more/note.md"]);
    let shown = world.alice().get("/v1/admin/sources/hr").await.json();
    assert_eq!(shown["problems"][0]["path"], "more", "{shown}");
    allow(0o755);
}

#[tokio::test]
async fn promise_2_a_rule_that_is_no_text_hides_its_folder_and_is_listed() {
    let world = company().await;
    std::fs::write(world.documents().join("hr/.access.toml"), [0xff, 0xfe, 0x00]).unwrap();
    world.sync("hr").await;
    assert!(world.bob().finds("parental").await.is_empty());
    let shown = world.alice().get("/v1/admin/sources/hr").await.json();
    assert_eq!(shown["problems"][0]["path"], ".access.toml", "{shown}");
}

#[tokio::test]
async fn requests_that_can_not_be_understood_get_a_problem_at_the_right_status() {
    let world = company().await;
    let bob = world.bob();
    let long = "why ".repeat(25_000);
    let post = async |route: &str, body: Value| bob.post(route, &body).await.problem();
    let cases = [
        ("/v1/ask", json!({"question": long}), (413, "too_long")),
        ("/v1/search", json!({"query": long}), (413, "too_long")),
        ("/v1/ask", json!({"question": "x".repeat(2_000_000)}), (413, "too_large")),
        ("/v1/ask", json!({"question": "  "}), (422, "empty")),
        ("/v1/ask", json!({"query": "leave"}), (422, "bad_json")),
        ("/v1/ask", json!({"question": 7}), (422, "bad_json")),
        ("/v1/ask", json!({"question": "a", "conversation": "c"}), (404, "not_found")),
        ("/v1/search", json!({"query": "a", "limit": 201}), (422, "bad_limit")),
        ("/v1/search", json!({"query": "a", "limit": 0}), (422, "bad_limit")),
        ("/v1/search", json!({"query": "a", "mode": "best"}), (422, "bad_json")),
        ("/v1/search", json!({"query": "a", "modified_after": "monday"}), (422, "bad_time")),
        ("/v1/nowhere", json!({}), (404, "not_found")),
    ];
    for (route, body, (status, code)) in cases {
        assert_eq!(
            post(route, body.clone()).await,
            (status, code.to_owned()),
            "{route} {:.60}",
            body.to_string()
        );
    }
    let raw = |method: Method, route: &str, kind: &str, body: &'static str| {
        bob.request(method, route).header("content-type", kind).body(body)
    };
    let json_kind = "application/json";
    let cases = [
        (raw(Method::POST, "/v1/ask", json_kind, "{\"question\":"), (400, "bad_json")),
        (raw(Method::POST, "/v1/ask", "text/plain", "{}"), (415, "bad_json")),
        (raw(Method::POST, "/v1/ask", json_kind, ""), (400, "bad_json")),
        (raw(Method::GET, "/v1/ask", json_kind, ""), (405, "method_not_allowed")),
        (
            raw(Method::DELETE, "/v1/documents/hr/leave.md", json_kind, ""),
            (405, "method_not_allowed"),
        ),
    ];
    for (request, (status, code)) in cases {
        assert_eq!(bob.send(request).await.problem(), (status, code.to_owned()));
    }
    let bad = world.alice().get("/v1/admin/audit?limit=many").await;
    assert_eq!(bad.problem(), (400, "bad_query".to_owned()));
    let bad = world.alice().get("/v1/admin/audit?since=monday").await;
    assert_eq!(bad.problem(), (422, "bad_time".to_owned()));
    assert_eq!(world.alice().decide("hr/nothing.md", "approve").await.problem().0, 404);
    let why = json!({"why": "a test", "wy": 1});
    let why = world.alice().post("/v1/admin/sources/hr/pause", &why).await;
    assert_eq!(why.problem(), (422, "bad_json".to_owned()));
    let why = world.alice().post("/v1/admin/sources/hr/pause", &json!({"why": " "})).await;
    assert_eq!(why.problem(), (422, "no_reason".to_owned()));
}

#[tokio::test]
async fn addresses_and_keys_that_mean_nothing_are_refused_and_null_is_nothing() {
    let world = company().await;
    let bob = world.bob();
    for route in [
        "/v1/documents/hr/leave.md?versio=1",
        "/v1/admin/audit?usr=bob",
        "/v1/admin/approvals?s=hr",
    ] {
        assert_eq!(
            world.alice().get(route).await.problem(),
            (400, "bad_query".to_owned()),
            "{route}"
        );
    }
    let page = world.bob().get("/view/hr/leave.md?start=x").await;
    assert_eq!(page.status, 400);
    assert!(
        page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")),
        "{page:?}"
    );
    for route in ["/v1/admin/sources/%ff", "/v1/admin/sources/%ff/documents"] {
        assert_eq!(world.alice().get(route).await.problem(), (404, "not_found".to_owned()));
    }
    let key = world.alice().delete("/v1/admin/keys/%ff").await;
    assert_eq!(key.problem(), (404, "not_found".to_owned()));
    let nulls = json!({"question": "How long is leave?", "stream": null, "sources": null});
    assert_eq!(bob.post("/v1/ask", &nulls).await.status, 200);
    let nulls = json!({"query": "leave", "limit": null, "mode": null, "modified_after": null});
    assert_eq!(bob.post("/v1/search", &nulls).await.status, 200);
}

#[tokio::test]
async fn promise_3_a_readers_words_are_never_taken_for_query_syntax() {
    let world = company().await;
    for question in [
        "leave AND",
        "title:leave",
        "\"parental",
        "leave) OR (",
        "*",
        "a:b:c [x TO y]",
        "-leave",
        "\u{0}\u{202e}",
        "🦀",
    ] {
        let reply = world.bob().post("/v1/search", &json!({ "query": question })).await;
        assert_eq!(reply.status, 200, "{question}: {}", reply.body);
        world.bob().ask(question).await;
    }
}

#[tokio::test]
async fn without_its_model_vouch_searches_by_words_and_says_so() {
    let missing = PathBuf::from("/nowhere/model");
    let company = Company::holding(&[("hr/leave.md", "# Leave\n\nParental leave is 16 weeks.\n")])
        .with_model(&(missing.clone(), missing));
    let server = Server::start(&company, &[]);
    let alice = server.person("alice");
    alice.add(&company.sources()[0]).await;
    crate::world::settled(&alice).await;
    let ready = Person::new(&server.base, None).get("/readyz").await;
    assert_eq!(
        (ready.status, &ready.json()["search"]),
        (200, &json!("words alone")),
        "{}",
        ready.body
    );
    assert!(ready.body.contains("make models"), "{}", ready.body);
    let found = server.person("bob").post("/v1/search", &json!({"query": "parental"})).await.json();
    assert_eq!(found["passages"][0]["document"], "hr/leave.md");
    assert!(found["note"].as_str().is_some_and(|note| note.contains("words alone")), "{found}");
    let answer = server.person("bob").ask("How many weeks is parental leave?").await;
    assert!(
        answer["notes"][0].as_str().is_some_and(|note| note.contains("words alone")),
        "{answer}"
    );
    let (code, said) = run(
        company.folder(),
        &["doctor", "--config", "vouch.toml", "--url", &server.base, "--token", "demo:alice"],
    );
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("/nowhere/model") && said.contains("words alone"), "{said}");
}

#[tokio::test]
async fn promise_11_demo_mode_stays_on_this_machine() {
    let company = Company::holding(&[]);
    let open = company.toml().replace("127.0.0.1:0", "0.0.0.0:0");
    std::fs::write(company.folder().join("vouch.toml"), open).unwrap();
    let (code, said) = run(company.folder(), &["serve"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("demo") && said.contains("127.0.0.1"), "{said}");
    let world = company.open().await;
    // A page elsewhere whose name was bent to this machine gets nothing.
    let bent = world
        .bob()
        .request(Method::GET, "/v1/documents/hr/leave.md")
        .header("host", "evil.example");
    assert_eq!(world.bob().send(bent).await.problem().0, 401);
}
