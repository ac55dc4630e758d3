//! Pushes that go wrong: by their names, their metadata, their forms, and by a machine that is short of
//! something for a while. Nothing acknowledged is lost, and nothing refused is left behind.

use std::path::Path;

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::process::Server;
use crate::world::{Company, Person, Reply, World, until};

const TEXT: &str = "# Closure\n\nThe heliotrope hall is closed on Friday.\n";

async fn company() -> World {
    Company::holding(&[]).with_source("news", &json!({"kind": "push"})).open().await
}

fn part(text: impl Into<String>) -> Part {
    Part::text(text.into()).file_name("upload.md")
}

async fn put(person: &Person, form: Form) -> Reply {
    let at = "/v1/admin/sources/news/documents/hall.md";
    person.send(person.request(Method::PUT, at).multipart(form)).await
}

/// The files that wait for their extraction.
fn waiting(world: &World) -> usize {
    std::fs::read_dir(world.data().join("incoming")).expect("the folder").count()
}

#[tokio::test]
async fn promise_8_a_push_outlives_a_shortage_that_passes() {
    let world = Company::holding(&[])
        .with_source("news", &json!({"kind": "push"}))
        .with_worker("worker-that-is-not-there-yet")
        .open()
        .await;
    let alice = world.alice();
    assert_eq!(alice.push("news/hall.md", &json!({"title": "One"}), TEXT).await.status, 202);
    let job = until("it was tried once", async || {
        let shown = alice.get("/v1/admin/sources/news").await.json();
        shown["jobs"][0]["detail"].is_string().then_some(shown)
    })
    .await;
    assert_eq!(job["jobs"][0]["state"], "queued", "{job}");
    let detail = job["jobs"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("tried again") && detail.contains("worker"), "{detail}");
    assert_eq!(job["problems"][0]["path"], "hall.md", "{job}");
    assert_eq!(waiting(&world), 1, "the bytes stay");
    // A newer push of the document waits for the older one.
    assert_eq!(alice.push("news/hall.md", &json!({"title": "Two"}), TEXT).await.status, 202);
    let worker = world.data().parent().unwrap().join("worker-that-is-not-there-yet");
    std::os::unix::fs::symlink(Path::new(env!("CARGO_BIN_EXE_vouch")), worker).unwrap();
    world.settled().await;
    assert_eq!(world.bob().search("heliotrope").await[0]["title"], "Two");
    let shown = alice.get("/v1/admin/sources/news").await.json();
    assert_eq!(shown["problems"], json!([]), "{shown}");
    assert_eq!(waiting(&world), 0);
}

#[tokio::test]
async fn promise_8_a_file_that_met_a_shortage_is_read_at_the_next_sync() {
    let world = Company::holding(&[("hr/hall.md", TEXT)]).with_worker("later").open().await;
    assert!(world.bob().finds("heliotrope").await.is_empty());
    let shown = world.alice().get("/v1/admin/sources/hr").await.json();
    assert_eq!(shown["problems"][0]["path"], "hall.md", "{shown}");
    let worker = world.data().parent().unwrap().join("later");
    std::os::unix::fs::symlink(Path::new(env!("CARGO_BIN_EXE_vouch")), worker).unwrap();
    world.sync("hr").await;
    assert_eq!(world.bob().finds("heliotrope").await, ["hr/hall.md"]);
}

#[tokio::test]
async fn promise_8_a_push_whose_bytes_are_gone_says_so_once() {
    let world = Company::holding(&[])
        .with_source("news", &json!({"kind": "push"}))
        .with_worker("never")
        .open()
        .await;
    world.alice().push("news/hall.md", &json!({}), TEXT).await;
    for file in std::fs::read_dir(world.data().join("incoming")).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    world.settled().await;
    let shown = world.alice().get("/v1/admin/sources/news").await.json();
    assert_eq!(shown["jobs"][0]["state"], "failed", "{shown}");
    let reason = shown["problems"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("push the document again"), "{reason}");
}

#[tokio::test]
async fn promise_9_what_comes_beside_the_file_can_not_fill_the_memory() {
    let world = company().await;
    let alice = world.alice();
    let spaces = " ".repeat(1_000_000);
    let cases = [
        (Form::new().text("metadata", spaces.clone()), (413, "metadata_too_large")),
        (
            Form::new().part("file", part(TEXT)).text("metadata", spaces.clone()),
            (413, "metadata_too_large"),
        ),
        (Form::new().text("other", spaces), (400, "bad_form")),
        (Form::new().part("file", part(TEXT)).text("other", "x"), (400, "bad_form")),
        (Form::new().part("file", part(TEXT)).part("file", part(TEXT)), (400, "bad_form")),
        (Form::new().text("metadata", "{}").text("metadata", "{}"), (400, "bad_form")),
        (Form::new().part("file", part(TEXT)).text("metadata", "{"), (422, "bad_metadata")),
    ];
    for (form, (status, code)) in cases {
        assert_eq!(put(&alice, form).await.problem(), (status, code.to_owned()));
        assert_eq!(waiting(&world), 0, "what was refused leaves no file behind");
    }
    // The order of the parts does not matter.
    let form = Form::new().part("file", part(TEXT)).text("metadata", "{\"title\":\"Last\"}");
    assert_eq!(put(&alice, form).await.status, 202);
    world.settled().await;
    assert_eq!(world.bob().search("heliotrope").await[0]["title"], "Last");
}

#[tokio::test]
async fn a_deleted_push_takes_its_file_along() {
    let world = Company::holding(&[])
        .with_source("news", &json!({"kind": "push"}))
        .with_worker("never")
        .open()
        .await;
    let alice = world.alice();
    for _ in 0..3 {
        assert_eq!(alice.push("news/hall.md", &json!({}), TEXT).await.status, 202);
    }
    assert_eq!(waiting(&world), 3);
    assert_eq!(alice.delete("/v1/admin/sources/news/documents/hall.md").await.status, 200);
    assert_eq!(waiting(&world), 0);
}

#[tokio::test]
async fn promise_8_files_that_nothing_waits_for_are_removed_at_start() {
    let company = Company::holding(&[]);
    let incoming = company.folder().join("data/incoming");
    std::fs::create_dir_all(&incoming).unwrap();
    std::fs::write(incoming.join("half"), "cut off").unwrap();
    let server = Server::start(&company, &[]);
    assert_eq!(server.person("alice").get("/v1/admin/status").await.status, 200);
    assert_eq!(std::fs::read_dir(incoming).unwrap().count(), 0);
}

#[tokio::test]
async fn a_name_that_nobody_could_open_is_refused() {
    let world = company().await;
    let alice = world.alice();
    let long = format!("{}.md", "x".repeat(1100));
    let names = [
        ("..%2Fx.md", "`..`"),
        ("..%2F..%2Fetc.md", "`..`"),
        ("a%2F.%2Fx.md", "`.`"),
        ("x//y.md", "empty"),
        ("%2Fabs.md", "empty"),
        ("x.md%2F", "empty"),
        ("a%0Ab.md", "nobody sees"),
        ("a%E2%80%AEb.md", "nobody sees"),
        ("a%20%2Fb.md", "blank"),
        ("%ff.md", "UTF-8"),
        (long.as_str(), "1103 bytes"),
    ];
    for (name, said) in names {
        let at = format!("/v1/admin/sources/news/documents/{name}");
        let form = Form::new().part("file", part(TEXT));
        let reply = alice.send(alice.request(Method::PUT, &at).multipart(form)).await;
        assert_eq!(reply.problem(), (422, "bad_path".to_owned()), "{name}");
        assert!(reply.json()["title"].as_str().unwrap().contains(said), "{}", reply.body);
        assert_eq!(alice.delete(&at).await.problem().0, 404, "{name}");
    }
    world.settled().await;
    assert!(world.bob().finds("heliotrope").await.is_empty());
}

#[tokio::test]
async fn metadata_that_a_reader_would_see_wrongly_is_refused() {
    let world = company().await;
    let alice = world.alice();
    let long = "x".repeat(301);
    let cases: Vec<(Value, &str)> = vec![
        (json!([]), "objects"),
        (json!({"access": [["everyone"]]}), "objects"),
        (json!({"title": ""}), "title"),
        (json!({"title": " \u{202e}\u{200b}\n"}), "title"),
        (json!({"title": long}), "301"),
        (json!({"language": "german"}), "language"),
        (json!({"language": "d"}), "language"),
        (json!({"language": "de-"}), "language"),
        (json!({"language": "de--AT"}), "language"),
        (json!({"owner": "maria"}), "principal"),
        (json!({"modified_at": "-000001-01-01T00:00:00Z"}), "years"),
        (json!({"modified_at": "soon"}), "modified_at"),
        (json!({"uri": "javascript:alert(1)"}), "uri"),
        (json!({"uri": ""}), "uri"),
        (json!({"access": {"unreadable": "x"}}), "`allow` or `deny`"),
    ];
    for (metadata, said) in cases {
        let reply = alice.push("news/hall.md", &metadata, TEXT).await;
        assert_eq!(reply.problem(), (422, "bad_metadata".to_owned()), "{metadata}");
        assert!(reply.json()["title"].as_str().unwrap().contains(said), "{}", reply.body);
        let all = reply.body.replace(&metadata.to_string(), "");
        assert!(
            !all.contains("expected `unreadable`") && !all.contains("or `unreadable`"),
            "{all}"
        );
    }
    assert_eq!(waiting(&world), 0);
    // What is only untidy is tidied, and null is nothing.
    let untidy = json!({"title": " Hall\u{202e}\n closed ", "language": "de-AT", "owner": null});
    assert_eq!(alice.push("news/hall.md", &untidy, TEXT).await.status, 202);
    world.settled().await;
    let document = world.bob().get("/v1/documents/news/hall.md").await.json();
    assert_eq!((&document["title"], &document["language"]), (&json!("Hall closed"), &json!("de")));
}

#[tokio::test]
async fn the_newest_syncs_of_a_source_are_kept() {
    let world = Company::holding(&[("hr/hall.md", TEXT)]).open().await;
    let insert = "INSERT INTO job (kind, source, payload, actor, state, created_at)
        SELECT 'sync', 'hr', 'null', 'schedule', 'done', value FROM generate_series(1, 50)";
    let series = "WITH RECURSIVE generate_series(value) AS
        (SELECT 1 UNION ALL SELECT value + 1 FROM generate_series WHERE value < 50) ";
    let insert = insert.replace("SELECT 'sync'", &format!("{series} SELECT 'sync'"));
    world.ledger().execute(&insert.replace("(1, 50)", ""), []).unwrap();
    world.sync("hr").await;
    let count = "SELECT count(*) FROM job WHERE kind = 'sync' AND source = 'hr'";
    let kept: i64 = world.ledger().query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 20);
}
