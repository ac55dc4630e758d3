//! An answer as server-sent events: the same answer, in an order in which every mark can be followed.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::{World, until};

const QUESTION: &str = "How many weeks of parental leave are there?";

async fn company() -> World {
    World::holding(&[
        ("hr/leave.md", "# Leave\n\nParental leave is 16 weeks. It may be taken in two parts.\n"),
        ("hr/fathers.md", "# Fathers\n\nFathers have 16 weeks of parental leave as well.\n"),
    ])
    .await
}

/// The events of a stream, by name.
pub(crate) fn parsed(body: &str) -> Vec<(String, Value)> {
    let event = |block: &str| {
        let name = block.lines().find_map(|line| line.strip_prefix("event: "))?;
        let data = block.lines().find_map(|line| line.strip_prefix("data: "))?;
        Some((name.to_owned(), serde_json::from_str(data).expect("JSON")))
    };
    body.split("\n\n").filter_map(event).collect()
}

#[tokio::test]
async fn a_citation_comes_before_the_sentence_that_names_it_and_done_is_the_whole_answer() {
    let world = company().await;
    let reply = world.bob().events(QUESTION).await;
    assert!(reply.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream")));
    let events = parsed(&reply.body);
    assert_eq!(events.first().map(|(name, _)| name.as_str()), Some("status"));
    let mut numbers = BTreeSet::new();
    let (mut citations, mut sentences) = (Vec::new(), Vec::new());
    for (name, data) in &events {
        match name.as_str() {
            "citation" => {
                assert!(numbers.insert(data["number"].as_u64()), "a citation comes once");
                citations.push(data.clone());
            }
            "sentence" => {
                for number in data["citations"].as_array().unwrap() {
                    assert!(numbers.contains(&number.as_u64()), "{data} before its citation");
                }
                sentences.push(data.clone());
            }
            "status" | "done" => {}
            other => panic!("an event `{other}` in {}", reply.body),
        }
    }
    let (last, done) = events.last().unwrap();
    assert_eq!(last, "done");
    assert_eq!(events.iter().filter(|(name, _)| name == "done").count(), 1);
    assert_eq!((&done["citations"], &done["sentences"]), (&json!(citations), &json!(sentences)));
    assert_eq!(done["outcome"], "answered");
    let mut plain = world.bob().ask(QUESTION).await;
    let mut done = done.clone();
    for answer in [&mut plain, &mut done] {
        for key in ["id", "took_ms"] {
            assert!(answer.as_object_mut().unwrap().remove(key).is_some());
        }
    }
    assert_eq!(plain, done);
}

#[tokio::test]
async fn every_quote_is_exactly_the_slice_that_it_names() {
    let world = company().await;
    let answer = world.bob().ask(QUESTION).await;
    assert!(!answer["citations"].as_array().unwrap().is_empty(), "{answer}");
    for citation in answer["citations"].as_array().unwrap() {
        let at = |key: &str| usize::try_from(citation[key].as_u64().unwrap()).unwrap();
        let (document, version) =
            (citation["document"].as_str().unwrap(), citation["version"].as_str().unwrap());
        let opened =
            world.bob().get(&format!("/v1/documents/{document}?version={version}")).await.json();
        assert_eq!(
            opened["text"].as_str().unwrap()[at("start")..at("end")],
            *citation["quote"].as_str().unwrap()
        );
    }
    for sentence in answer["sentences"].as_array().unwrap() {
        assert!(
            !sentence["citations"].as_array().unwrap().is_empty(),
            "every sentence has a citation"
        );
        assert!(
            !sentence["text"].as_str().unwrap().contains(['#', '*', '`']),
            "free of markup: {sentence}"
        );
    }
}

#[tokio::test]
async fn nothing_found_is_said_plainly_with_somebody_to_ask() {
    let world = company().await;
    let answer = world.bob().ask("Who won the football match on Saturday?").await;
    assert_eq!(answer["outcome"], "not_found", "{answer}");
    assert_eq!((&answer["sentences"], &answer["citations"]), (&json!([]), &json!([])));
    let events = parsed(&world.bob().events("Who won the football match on Saturday?").await.body);
    assert!(events.iter().all(|(name, _)| name == "status" || name == "done"), "{events:?}");
    // The owner of the best matching source, where something visible matched.
    let near = world.bob().ask("Is parental leave possible on the moon base?").await;
    assert!(near["outcome"] == "answered" || near["contact"] == "user:alice", "{near}");
}

#[tokio::test]
async fn promise_7_a_client_that_goes_away_leaves_a_complete_audit_and_a_server_that_answers() {
    let world = company().await;
    for _ in 0..5 {
        let body = json!({"question": QUESTION, "stream": true});
        let request = world.bob().request(reqwest::Method::POST, "/v1/ask").json(&body);
        let mut response = request.send().await.unwrap();
        response.chunk().await.unwrap().expect("a first event");
        drop(response);
    }
    assert_eq!(world.bob().ask(QUESTION).await["outcome"], "answered");
    until("every answer is closed", async || {
        let records = world.alice().get("/v1/admin/audit?limit=1000").await.json();
        let count = |kind: &str| {
            records["records"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|record| record["kind"] == kind)
                .count()
        };
        (count("answer") == 6 && count("closed") == 6).then_some(())
    })
    .await;
}
