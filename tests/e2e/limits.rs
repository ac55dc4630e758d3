//! What one reader may take up: beyond it they are refused at once, with the time after which to come
//! back, and nobody else is harmed.

use reqwest::Method;
use serde_json::json;

use crate::model::{KINDS, Model};
use crate::process::Server;
use crate::world::{Company, Reply, World, settled, until};

const QUESTION: &str = "How many weeks is parental leave?";

async fn company(limits: &str) -> World {
    Company::holding(&[("hr/leave.md", "# Leave\n\nParental leave is 16 weeks.\n")])
        .with_settings(&format!("[limits]\n{limits}"))
        .open()
        .await
}

/// The seconds after which a refused reader may come back.
fn wait(reply: &Reply) -> u64 {
    let wait = reply.header("retry-after").unwrap_or_else(|| panic!("no Retry-After: {reply:?}"));
    wait.parse().expect("seconds")
}

#[tokio::test]
async fn whoever_floods_is_refused_on_every_route_for_readers_and_others_are_not() {
    let world = company("requests_per_minute = 5").await;
    let bob = world.bob();
    for _ in 0..5 {
        bob.ask(QUESTION).await;
    }
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let chat = json!({"messages": [{"role": "user", "content": QUESTION}]});
    for refused in [
        bob.post("/v1/ask", &json!({"question": QUESTION})).await,
        bob.events(QUESTION).await,
        bob.post("/v1/search", &json!({"query": "leave"})).await,
        bob.get("/v1/documents/hr/leave.md").await,
        bob.post("/v1/chat/completions", &chat).await,
        bob.get("/v1/models").await,
        bob.post("/mcp", &message).await,
    ] {
        assert_eq!(refused.problem(), (429, "too_many_requests".to_owned()));
        assert!((1..=60).contains(&wait(&refused)), "{refused:?}");
        assert!(!refused.body.contains("16 weeks"), "{refused:?}");
    }
    assert_eq!(bob.get("/view/hr/leave.md").await.status, 429);
    assert_eq!(world.carla().ask(QUESTION).await["outcome"], "answered");
    for _ in 0..20 {
        assert_eq!(
            world.alice().get("/v1/admin/status").await.status,
            200,
            "an administrator's act"
        );
    }
}

#[tokio::test]
async fn what_is_worked_on_counts_until_it_is_done_even_where_nobody_waits_for_it() {
    let world = company("at_once = 1\nat_once_in_all = 2").await;
    // Nothing is answered without a record, and no record can be written now.
    let ledger = world.ledger();
    ledger.execute_batch("BEGIN IMMEDIATE").expect("the only writer");
    let bob = world.bob();
    let bobs =
        tokio::spawn(async move { bob.post("/v1/ask", &json!({"question": QUESTION})).await });
    let taken = async |name: &str, status: u16| {
        until("somebody is refused", async || {
            let reply = world.person(name).get("/v1/models").await;
            (reply.status == status).then_some(reply)
        })
        .await
    };
    let body = json!({"question": QUESTION, "stream": true});
    let carlas = world.person("carla").request(Method::POST, "/v1/ask").json(&body).send().await;
    let mut carlas = carlas.expect("a stream");
    // The first event says that her answer is worked on.
    assert!(carlas.chunk().await.expect("an event").is_some());
    let refused = taken("dana", 503).await;
    assert_eq!(refused.problem().1, "busy");
    assert!((1..=60).contains(&wait(&refused)));
    // Gone, and still worked for: a turn comes back with the work's end and not before.
    drop(carlas);
    assert_eq!(world.dana().get("/v1/models").await.status, 503);
    assert_eq!(world.alice().get("/v1/admin/status").await.status, 200, "an administrator's act");
    ledger.execute_batch("ROLLBACK").expect("the ledger");
    assert_eq!(bobs.await.expect("no panic").status, 200);
    taken("dana", 200).await;
    assert_eq!(world.bob().ask(QUESTION).await["outcome"], "answered");
}

#[tokio::test]
async fn one_reader_at_the_limit_leaves_room_for_the_others() {
    let world = company("at_once = 1").await;
    let ledger = world.ledger();
    ledger.execute_batch("BEGIN IMMEDIATE").expect("the only writer");
    let bob = world.bob();
    let asked = tokio::spawn(async move { bob.ask(QUESTION).await });
    let refused = until("the second one is refused", async || {
        let reply = world.bob().get("/v1/models").await;
        (reply.status == 429).then_some(reply)
    });
    assert!(wait(&refused.await) >= 1);
    assert_eq!(world.carla().get("/v1/models").await.status, 200);
    ledger.execute_batch("ROLLBACK").expect("the ledger");
    assert_eq!(asked.await.expect("no panic")["outcome"], "answered");
}

#[tokio::test]
async fn tokens_that_are_used_up_stay_so_over_a_restart_and_sentences_are_quoted_instead() {
    let model = Model::saying(KINDS[0], "Parental leave is 16 weeks. [@16 weeks]").await;
    let company = Company::holding(&[("hr/leave.md", "# Leave\n\nParental leave is 16 weeks.\n")])
        .with_settings(&format!("{}\n[limits]\ntokens_per_day = 1", model.settings()));
    let server = Server::start(&company, &[]);
    let alice = server.person("alice");
    alice.add(&company.sources()[0]).await;
    settled(&alice).await;
    let answer = server.person("bob").ask(QUESTION).await;
    assert_ne!(answer["generator"], "extractive", "{answer}");
    let used_up = async |server: &Server| {
        let answer = server.person("bob").ask(QUESTION).await;
        assert_eq!(
            (&answer["generator"], &answer["outcome"]),
            (&json!("extractive"), &json!("answered"))
        );
        assert!(answer["notes"].to_string().contains("used up"), "{answer}");
    };
    used_up(&server).await;
    server.kill();
    let server = Server::start(&company, &[]);
    used_up(&server).await;
    assert_eq!(model.asked().len(), 1);
    let others = server.person("carla").ask(QUESTION).await;
    assert_ne!(others["generator"], "extractive", "each reader has their own: {others}");
}
