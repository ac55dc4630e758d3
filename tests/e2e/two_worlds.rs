//! Promise 13 over the routes: a company with hidden documents and one without them give a reader the
//! same bytes, on the embedded store and with the real embedding model.
//!
//! The engines' own test (`index/tests/index/two_worlds.rs`) goes through thousands of searches with
//! made-up vectors. This one asks whether anything between them and the reader adds a difference.

use serde_json::{Value, json};

use crate::world::{Company, Person, World, comparable, model_files};

const TOPICS: &[&str] = &[
    "parental leave",
    "travel expenses",
    "remote work",
    "laptop backup",
    "password length",
    "hotel rates",
    "sick leave",
    "training budget",
    "company bicycle",
    "visitor badges",
];

/// A page about two topics; small numbers make pages that share most of their words.
fn page(number: usize) -> String {
    let (first, second) = (TOPICS[number % TOPICS.len()], TOPICS[(number * 7 + 3) % TOPICS.len()]);
    let days = number % 5 + 2;
    format!(
        "# About {first}\n\nThe rule for {first} is {days} days. Ask about {second} as well: it was \
         changed in the year {}.\n\n## More on {second}\n\nWhoever needs {second} writes to the office, \
         which answers within {days} days.\n",
        2000 + number
    )
}

/// The visible pages, and with `hidden` as many again that Bob may not see, some of them with the
/// very text of a visible one. What is hidden comes in first, so that all numbers differ.
async fn world(model: &(std::path::PathBuf, std::path::PathBuf), hidden: bool) -> World {
    let company = Company::holding(&[]).with_model(model);
    if hidden {
        for number in 0..30 {
            company.write(&format!("archive/page-{number}.md"), page(number * 3).as_bytes());
            company.write(&format!("handbook/board/page-{number}.md"), page(number).as_bytes());
        }
        company.write("handbook/board/.access.toml", b"allow = [\"user:dana\"]");
    }
    for number in 0..30 {
        company.write(&format!("handbook/staff/page-{number}.md"), page(number).as_bytes());
    }
    let company = match hidden {
        true => company.with_source("archive", &json!({"access": {"allow": ["user:dana"]}})),
        false => company,
    };
    company.with_source("handbook", &json!({})).open().await
}

fn questions() -> Vec<String> {
    let mut questions: Vec<_> =
        TOPICS.iter().map(|topic| format!("What is the rule for {topic}?")).collect();
    questions.extend(TOPICS.iter().map(|topic| format!("{topic} office days")));
    questions.extend(
        ["days", "who answers", "2004", "zebra", "Was ist mit dem Laptop?"].map(str::to_owned),
    );
    questions
}

/// An answer without the times of approval, which are those of the test's run.
fn timeless(reply: &crate::world::Reply) -> String {
    let mut answer: Value = serde_json::from_str(&comparable(reply)).expect("JSON");
    for citation in answer["citations"].as_array_mut().into_iter().flatten() {
        citation["approved_at"] = Value::Null;
    }
    answer.to_string()
}

async fn everything(bob: &Person, question: &str) -> Vec<String> {
    let mut all = Vec::new();
    for mode in ["words", "meaning", "fused"] {
        let body = json!({"query": question, "mode": mode, "limit": 50});
        let reply = bob.post("/v1/search", &body).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        all.push(format!("{mode}: {}", reply.body));
    }
    let reply = bob.post("/v1/ask", &json!({ "question": question })).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    all.push(timeless(&reply));
    all
}

#[tokio::test]
async fn promise_13_hidden_documents_change_no_byte_of_what_a_reader_gets() {
    let name = "promise_13_hidden_documents_change_no_byte_of_what_a_reader_gets";
    let Some(model) = model_files(name) else { return };
    let (without, with) = (world(&model, false).await, world(&model, true).await);
    assert!(
        with.dana().finds("archive page rule").await.iter().any(|id| id.starts_with("archive"))
    );
    let mut passages = 0;
    for question in questions() {
        let (plain, beside) =
            (everything(&without.bob(), &question).await, everything(&with.bob(), &question).await);
        assert_eq!(plain, beside, "{question}");
        passages += plain[2].matches("\"document\"").count();
    }
    assert!(passages > 500, "there was something to compare: {passages}");
}
