//! Promise 7: no audit record, no answer; and the audit shows what was changed in it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::commands::vouch;
use crate::world::{Reply, World};

const CANARY: &str = "heliotrope";
const QUESTION: &str = "How many weeks is heliotrope leave?";

async fn company() -> World {
    World::holding(&[("hr/leave.md", "# Leave\n\nThe heliotrope leave is 16 weeks.\n")]).await
}

async fn records(world: &World, query: &str) -> Vec<Value> {
    let reply = world.ines().get(&format!("/v1/admin/audit?{query}")).await;
    reply.json()["records"].as_array().expect("records").clone()
}

async fn verified(world: &World, query: &str) -> Value {
    world.ines().get(&format!("/v1/admin/audit/verify{query}")).await.json()
}

#[tokio::test]
async fn promise_7_an_answer_has_an_opening_a_record_of_each_sentence_and_a_closing_one() {
    let world = company().await;
    let answer = world.bob().ask(QUESTION).await;
    assert_eq!(answer["outcome"], "answered");
    let id = answer["id"].as_str().unwrap();
    let records = records(&world, &format!("answer={id}")).await;
    let kinds: Vec<_> = records.iter().map(|record| record["kind"].as_str().unwrap()).collect();
    let sentences = answer["sentences"].as_array().unwrap();
    assert_eq!(kinds.len(), sentences.len() + 2);
    assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("answer", "closed"));
    assert!(kinds[1..kinds.len() - 1].iter().all(|kind| *kind == "sentence"));
    // Who, what, under which clearance, from which versions, by what.
    let opening = &records[0];
    assert_eq!(opening["person"]["user"], "user:bob");
    assert_eq!(opening["person"]["question"], QUESTION);
    assert!(
        opening["person"]["principals"].as_array().unwrap().contains(&json!("group:engineering"))
    );
    assert!(opening["body"]["epoch"].is_i64());
    assert_eq!(opening["body"]["passages"][0]["document"], "hr/leave.md");
    assert_eq!(opening["body"]["passages"][0]["version"], answer["citations"][0]["version"]);
    assert_eq!(opening["body"]["details"]["generator"], "extractive");
    assert_eq!(records[1]["person"]["sentence"], sentences[0]["text"]);
    assert_eq!(records[1]["body"]["citations"][0]["start"], answer["citations"][0]["start"]);
    assert_eq!(verified(&world, "").await["ok"], true);
}

#[tokio::test]
async fn promise_7_searches_documents_and_pages_are_recorded_too() {
    let world = company().await;
    world.bob().search(CANARY).await;
    world.bob().get("/v1/documents/hr/leave.md").await;
    world.carla().get("/view/hr/leave.md").await;
    let kinds = async |query: &str| {
        let records = records(&world, query).await;
        let kind = |record: &Value| record["kind"].as_str().unwrap_or_default().to_owned();
        records.iter().map(kind).filter(|kind| !kind.contains('.')).collect::<Vec<_>>()
    };
    assert_eq!(kinds("user=bob").await, ["search", "document"]);
    assert_eq!(kinds("user=user:carla").await, ["document"]);
    assert_eq!(kinds("document=hr/leave.md").await, ["search", "document", "document"]);
    let export = world.ines().get("/v1/admin/audit?export=1").await;
    assert_eq!(export.header("content-type"), Some("application/x-ndjson"));
    assert!(export.body.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
}

#[tokio::test]
async fn promise_7_a_record_says_on_which_surface_something_was_shown() {
    let world = company().await;
    let bob = world.bob();
    let mut expected = Vec::new();
    for (said, surface) in [
        (None, "api"),
        (Some("widget"), "widget"),
        (Some("cli"), "cli"),
        (Some("anything"), "api"),
        // What has a route of its own is known by it.
        (Some("mcp"), "api"),
        (Some("slack"), "api"),
        (Some("viewer"), "api"),
    ] {
        for (method, path, body) in [
            (Method::POST, "/v1/ask", json!({"question": QUESTION})),
            (Method::POST, "/v1/ask", json!({"question": QUESTION, "stream": true})),
            (Method::POST, "/v1/search", json!({"query": CANARY})),
            (Method::GET, "/v1/documents/hr/leave.md", json!({})),
            (Method::GET, "/view/hr/leave.md", json!({})),
        ] {
            let mut request = bob.request(method, path).json(&body);
            if let Some(said) = said {
                request = request.header("vouch-surface", said);
            }
            assert_eq!(bob.send(request).await.status, 200, "{path}");
            expected.push(if path.starts_with("/view") { "viewer" } else { surface });
        }
    }
    for command in [["ask", QUESTION], ["search", CANARY]] {
        assert_eq!(vouch(&world, "bob", &command).await.0, Some(0));
        expected.push("cli");
    }
    let shown = records(&world, "user=bob&limit=200").await;
    let surfaces: Vec<_> =
        shown.iter().filter_map(|record| record["body"]["details"]["surface"].as_str()).collect();
    assert_eq!(surfaces, expected);
}

#[tokio::test]
async fn promise_7_the_audit_is_for_auditors_and_administrators() {
    let world = company().await;
    for route in ["/v1/admin/audit", "/v1/admin/audit/verify"] {
        assert_eq!(world.bob().get(route).await.problem().0, 403);
    }
}

#[tokio::test]
async fn promise_7_an_administrator_reads_no_question_and_no_sentence_in_the_audit() {
    let world = company().await;
    let answer = world.bob().ask(QUESTION).await;
    world.bob().search(CANARY).await;
    let query = format!("answer={}", answer["id"].as_str().unwrap());
    let seen = world.alice().get(&format!("/v1/admin/audit?{query}")).await.json();
    let seen = seen["records"].as_array().expect("records");
    assert_eq!(seen[0]["person"]["user"], "user:bob");
    assert!(seen[0]["person"]["principals"].is_array(), "{seen:?}");
    assert_eq!((&seen[0]["withheld"], &seen[1]["withheld"]), (&json!(true), &json!(true)));
    assert!(seen.last().unwrap()["withheld"].is_null(), "a closing record holds no text");
    for route in [format!("audit?{query}"), "audit".to_owned(), "audit?export=1".to_owned()] {
        let route = format!("/v1/admin/{route}");
        let all = world.alice().get(&route).await.body;
        assert!(all.contains("user:bob") && !all.contains(CANARY), "{route}: {all}");
        assert!(world.ines().get(&route).await.body.contains(CANARY), "{route}");
    }
}

#[tokio::test]
async fn promise_7_since_and_until_are_exact_and_kinds_can_be_asked_for() {
    let world = company().await;
    world.bob().search(CANARY).await;
    // Times with and without a fraction, as the system's clock gives them.
    let times = ["12:00:00Z", "12:00:00.5Z", "12:00:00.25Z", "12:00:01Z"];
    for (at, seq) in times.iter().zip(1..) {
        let at = format!("2025-03-01T{at}");
        world.ledger().execute("UPDATE audit SET at = ?1 WHERE seq = ?2", (at, seq)).unwrap();
    }
    let numbers = async |query: &str| {
        let found = records(&world, query).await;
        found.iter().map(|record| record["seq"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    let day = "2025-03-01T";
    assert_eq!(numbers(&format!("until={day}12:00:02Z")).await, [1, 2, 3, 4]);
    assert_eq!(numbers(&format!("since={day}12:00:00Z&until={day}12:00:01Z")).await, [1, 2, 3]);
    assert_eq!(numbers(&format!("since={day}12:00:00.3Z&until={day}12:00:02Z")).await, [2, 4]);
    assert_eq!(numbers(&format!("since={day}12:00:00.50Z&until={day}12:00:01Z")).await, [2]);
    assert_eq!(numbers("kind=search").await.len(), 1);
    let bad = world.ines().get("/v1/admin/audit?until=yesterday").await;
    assert_eq!(bad.problem(), (422, "bad_time".to_owned()));
}

#[tokio::test]
async fn promise_7_a_head_file_that_is_gone_is_found() {
    let world = company().await;
    assert_eq!(verified(&world, "").await["ok"], true);
    std::fs::remove_file(world.data().join("audit.head")).unwrap();
    let found = verified(&world, "").await;
    assert_eq!(found["ok"], false);
    assert!(found["problem"].as_str().unwrap().contains("audit.head is missing"), "{found}");
    // The next record writes it again, and the chain keeps that it was gone.
    world.bob().ask(QUESTION).await;
    let found = verified(&world, "").await;
    assert_eq!(found["ok"], true);
    assert_eq!(found["notes"].as_array().unwrap().len(), 1, "{found}");
    assert!(found["notes"][0].as_str().unwrap().contains("was gone and begun anew"), "{found}");
    world.bob().ask(QUESTION).await;
    assert_eq!(verified(&world, "").await["notes"], found["notes"], "once");
}

#[tokio::test]
async fn promise_7_a_cut_off_end_is_still_found_when_the_next_record_has_written_the_head_file() {
    let world = company().await;
    world.bob().ask(QUESTION).await;
    let cut = "DELETE FROM audit_person WHERE seq > ?1 - 2; DELETE FROM audit_document WHERE seq > ?1 - 2;
        DELETE FROM audit WHERE seq > ?1 - 2;";
    let last: i64 =
        world.ledger().query_row("SELECT max(seq) FROM audit", [], |row| row.get(0)).unwrap();
    world.ledger().execute_batch(&cut.replace("?1", &last.to_string())).unwrap();
    world.bob().search(CANARY).await;
    let found = verified(&world, "").await;
    assert_eq!(found["ok"], false, "{found}");
    assert!(found["problem"].as_str().unwrap().contains("cut off before record"), "{found}");
}

#[tokio::test]
async fn promise_7_a_changed_record_is_found() {
    let world = company().await;
    world.bob().ask(QUESTION).await;
    let damages = [
        "UPDATE audit SET body = replace(body, 'hr/leave.md', 'hr/other.md') WHERE kind = 'answer'",
        "UPDATE audit_person SET text = replace(text, 'bob', 'dan') WHERE text LIKE '%user:bob%'",
        "UPDATE audit SET at = '2020-01-01T00:00:00Z' WHERE seq = 2",
        "UPDATE audit SET kind = 'search' WHERE kind = 'answer'",
    ];
    let mut problems = Vec::new();
    for damage in damages {
        let ledger = world.ledger();
        let undo = "CREATE TEMP TABLE a AS SELECT * FROM audit; CREATE TEMP TABLE p AS SELECT * FROM audit_person;";
        ledger.execute_batch(undo).unwrap();
        assert!(ledger.execute(damage, []).unwrap() > 0, "{damage}");
        let found = verified(&world, "").await;
        assert_eq!(found["ok"], false, "{damage}");
        problems.push(found["problem"].as_str().unwrap().to_owned());
        let undo = "UPDATE audit SET (at, kind, body) = (SELECT at, kind, body FROM a WHERE a.seq = audit.seq);
            UPDATE audit_person SET text = (SELECT text FROM p WHERE p.seq = audit_person.seq);";
        ledger.execute_batch(undo).unwrap();
        assert_eq!(verified(&world, "").await["ok"], true);
    }
    assert!(problems[1].contains("the person's part"), "{problems:?}");
}

#[tokio::test]
async fn promise_7_a_missing_record_and_a_cut_off_end_are_found() {
    let world = company().await;
    world.bob().ask(QUESTION).await;
    let head = verified(&world, "").await["head"].as_str().unwrap().to_owned();
    let status = world.alice().get("/v1/admin/status").await.json();
    assert_eq!(status["head"], head, "the status shows the newest hash");
    let cut = "DELETE FROM audit_person WHERE seq > ?1 - 2; DELETE FROM audit_document WHERE seq > ?1 - 2;
        DELETE FROM audit WHERE seq > ?1 - 2;";
    let ledger = world.ledger();
    let last: i64 = ledger.query_row("SELECT max(seq) FROM audit", [], |row| row.get(0)).unwrap();
    ledger.execute_batch(&cut.replace("?1", &last.to_string())).unwrap();
    let found = verified(&world, "").await;
    assert_eq!(found["ok"], false, "the head file knows");
    // Somebody who can write the head file as well is found against a head that was kept elsewhere.
    std::fs::write(world.data().join("audit.head"), found["head"].as_str().unwrap()).unwrap();
    assert_eq!(verified(&world, "").await["ok"], true);
    let found = verified(&world, &format!("?head={head}")).await;
    assert_eq!(found["ok"], false);
    assert!(found["problem"].as_str().unwrap().contains("cut off"), "{found}");
}

/// Makes the audit refuse records.
fn break_audit(world: &World, condition: &str) {
    let trigger = format!(
        "CREATE TRIGGER no_audit BEFORE INSERT ON audit WHEN {condition}
         BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
    );
    world.ledger().execute_batch(&trigger).expect("a trigger");
}

fn tells_nothing(reply: &Reply) {
    assert!(
        !reply.body.contains("16 weeks") && !reply.body.contains("hr/leave.md"),
        "{}",
        reply.body
    );
}

#[tokio::test]
async fn promise_7_without_a_record_there_is_an_error_and_no_answer() {
    let world = company().await;
    break_audit(&world, "true");
    let bob = world.bob();
    let replies = [
        bob.post("/v1/ask", &json!({ "question": QUESTION })).await,
        bob.post("/v1/search", &json!({ "query": CANARY })).await,
        bob.get("/v1/documents/hr/leave.md").await,
    ];
    for reply in replies {
        assert_eq!(reply.problem(), (500, "internal".to_owned()));
        assert!(!reply.body.contains("disk is full"), "the cause is for the log");
        tells_nothing(&reply);
    }
    let page = bob.get("/view/hr/leave.md").await;
    assert_eq!(page.status, 500);
    tells_nothing(&page);
    let events = bob.events(QUESTION).await;
    assert!(events.body.contains("event: error"), "{}", events.body);
    tells_nothing(&events);
    world.ledger().execute_batch("DROP TRIGGER no_audit").unwrap();
    assert_eq!(world.bob().ask(QUESTION).await["outcome"], "answered");
    assert_eq!(verified(&world, "").await["ok"], true);
}

#[tokio::test]
async fn promise_7_a_sentence_without_a_record_does_not_leave() {
    let world = company().await;
    break_audit(&world, "NEW.kind = 'sentence'");
    let reply = world.bob().post("/v1/ask", &json!({ "question": QUESTION })).await;
    assert_eq!(reply.problem().0, 500);
    tells_nothing(&reply);
    let events = world.bob().events(QUESTION).await;
    assert!(events.body.contains("event: error") && !events.body.contains("event: sentence"));
    tells_nothing(&events);
}
