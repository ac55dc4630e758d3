//! Promise 13 over the routes: a company with hidden documents and one without them give a reader the
//! same bytes, on the embedded store and with the real embedding model.
//!
//! The engines' own test (`index/tests/index/two_worlds.rs`) goes through thousands of searches with
//! made-up vectors. This one asks whether anything between them and the reader adds a difference.

use std::time::Instant;

use serde_json::{Value, json};

use crate::soak::{Dice, report, seed, wanted};
use crate::world::{Company, Person, Reply, World, comparable, model_files};

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
fn timeless(reply: &Reply) -> String {
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

/// Pairs of a question and a reader in the short run; `make soak` asks for 10,000.
const PAIRS: u64 = 60;
const READERS: [&str; 4] = ["alice", "bob", "carla", "dana"];
/// Pages in each folder, and pages that are pushed.
const PAGES: usize = 12;

/// A company that its readers see differently, and in the second world as much again that none of them
/// may see: other sources, folders, drafts, versions that wait or were replaced, deleted documents. What
/// is pushed comes in another order.
async fn crowd(model: Option<&(std::path::PathBuf, std::path::PathBuf)>, hidden: bool) -> World {
    let company = Company::holding(&[]);
    let company = match model {
        Some(model) => company.with_model(model),
        None => company,
    };
    let rules = [
        ("all", "deny = [\"user:nobody\"]"),
        ("staff", "allow = [\"group:employees\"]"),
        ("lab", "allow = [\"group:engineering\", \"user:carla\"]"),
    ];
    for (at, (folder, rule)) in rules.into_iter().enumerate() {
        company.write(&format!("handbook/{folder}/.access.toml"), rule.as_bytes());
        for number in 0..PAGES {
            // Some pages are there twice, for different readers.
            let text = page(number * 2 + at);
            company.write(&format!("handbook/{folder}/page-{number}.md"), text.as_bytes());
        }
    }
    if hidden {
        company.write("handbook/board/.access.toml", b"allow = [\"user:zoe\"]");
        for number in 0..2 * PAGES {
            let text = page(number);
            company.write(&format!("handbook/board/page-{number}.md"), text.as_bytes());
            company.write(&format!("archive/page-{number}.md"), page(number * 3).as_bytes());
            let draft = format!("---\ndraft: true\n---\n{text}");
            company.write(&format!("handbook/all/draft-{number}.md"), draft.as_bytes());
        }
    }
    let company = match hidden {
        true => company.with_source("archive", &json!({"access": {"allow": ["user:zoe"]}})),
        false => company,
    };
    let company = company.with_source("handbook", &json!({}));
    let each = json!({"kind": "push", "approval": "each-version"});
    let world = company.with_source("notes", &each).open().await;
    pushes(&world, hidden).await;
    world.settled().await;
    world
}

async fn push(world: &World, number: usize, text: &str) {
    let metadata =
        json!({"title": format!("Note {number}"), "modified_at": "2025-11-01T00:00:00Z"});
    let reply = world.alice().push(&format!("notes/{number}.md"), &metadata, text).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
}

/// Notes, pushed and approved one after the other; in the second world backwards, and with more.
async fn pushes(world: &World, hidden: bool) {
    let mut numbers: Vec<usize> = (0..PAGES).collect();
    if hidden {
        numbers.reverse();
        for number in &numbers {
            // Earlier versions, and documents that go again.
            push(world, *number, &page(number + 40)).await;
            push(world, number + 100, &page(*number)).await;
        }
        world.settled().await;
        for number in &numbers {
            world.dana().approve(&format!("notes/{number}.md")).await;
            world.dana().approve(&format!("notes/{}.md", number + 100)).await;
        }
        world.settled().await;
        for number in numbers.iter().map(|number| number + 100).filter(|number| number % 2 == 0) {
            let path = format!("/v1/admin/sources/notes/documents/{number}.md");
            assert_eq!(world.alice().delete(&path).await.status, 200);
        }
        for number in numbers.iter().map(|number| number + 100).filter(|number| number % 2 == 1) {
            let reply = world.dana().decide(&format!("notes/{number}.md"), "withdraw").await;
            assert_eq!(reply.status, 200, "{}", reply.body);
        }
    }
    for number in &numbers {
        push(world, *number, &page(number * 5 + 1)).await;
    }
    world.settled().await;
    for number in &numbers {
        world.dana().approve(&format!("notes/{number}.md")).await;
    }
    if hidden {
        for number in &numbers {
            // Changes that wait for somebody.
            push(world, *number, &page(number + 60)).await;
            push(world, number + 200, &page(*number)).await;
        }
    }
}

/// What somebody asks: words of the pages, or a question about one of their topics.
fn question(dice: &mut Dice) -> String {
    const WORDS: [&str; 9] =
        ["days", "rule", "office", "changed", "year", "2004", "writes", "zebra", "within"];
    if dice.roll(3) == 0 {
        return format!("What is the rule for {}?", dice.pick(TOPICS));
    }
    let word = |dice: &mut Dice| match dice.roll(2) {
        0 => *dice.pick(&WORDS),
        _ => dice.pick(TOPICS).split(' ').next().unwrap_or_default(),
    };
    (0..1 + dice.roll(5)).map(|_| word(dice)).collect::<Vec<_>>().join(" ")
}

/// A document's name: one that this reader may see, one that is hidden, or one that is not there.
fn name(dice: &mut Dice) -> String {
    let number = dice.roll(PAGES);
    match dice.roll(7) {
        0 => format!("handbook/all/page-{number}.md"),
        1 => format!("handbook/lab/page-{number}.md"),
        2 => format!("notes/{number}.md"),
        3 => format!("notes/{}.md", number + 100 + 100 * dice.roll(2)),
        4 => format!("archive/page-{number}.md"),
        5 => format!("handbook/board/page-{number}.md"),
        _ => format!("handbook/all/draft-{number}.md"),
    }
}

/// The same without the times of approval and what is an answer's own.
fn plain(reply: &Reply) -> String {
    let own = ["id", "generation", "took_ms", "approved_at"];
    let line = |line: &str| match serde_json::from_str(line.strip_prefix("data: ").unwrap_or(line))
    {
        Ok(mut value) => {
            without(&mut value, &own);
            value.to_string()
        }
        Err(_) => line.to_owned(),
    };
    let body: Vec<_> = reply.body.lines().map(line).collect();
    let length = |(name, _): &&(String, String)| name != "content-length";
    let headers: Vec<_> = reply.headers.iter().filter(length).collect();
    format!("{} {headers:?} {}", reply.status, body.join("\n"))
}

fn without(value: &mut Value, keys: &[&str]) {
    match value {
        Value::Object(object) => {
            keys.iter().for_each(|key| drop(object.remove(*key)));
            object.values_mut().for_each(|value| without(value, keys));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| without(value, keys)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Everything that one pair of question and reader gets.
async fn answers(person: &Person, question: &str, (limit, name): (usize, &str)) -> Vec<String> {
    let mut all = Vec::new();
    for mode in ["words", "meaning", "fused"] {
        let body = json!({"query": question, "mode": mode, "limit": limit});
        let reply = person.post("/v1/search", &body).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        all.push(plain(&reply));
    }
    for stream in [false, true] {
        let body = json!({"question": question, "stream": stream});
        all.push(plain(&person.post("/v1/ask", &body).await));
    }
    for route in ["/v1/documents", "/view"] {
        all.push(plain(&person.get(&format!("{route}/{name}")).await));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promise_13_whoever_asks_whatever_hidden_documents_change_no_byte() {
    let begun = Instant::now();
    let mut dice = Dice::new(seed("two worlds"));
    let model = model_files("promise_13_whoever_asks_whatever (its part by meaning)");
    let (without, with) = (crowd(model.as_ref(), false).await, crowd(model.as_ref(), true).await);
    let (pairs, mut compared, mut opened) = (wanted(100 * PAIRS) / 100, 0, 0);
    for pair in 0..pairs {
        let (reader, question, name) = (*dice.pick(&READERS), question(&mut dice), name(&mut dice));
        let limit = [1, 5, 20, 200][dice.roll(4)];
        let (one, other) = (without.person(reader), with.person(reader));
        let about = (limit, name.as_str());
        let (plain, beside) =
            tokio::join!(answers(&one, &question, about), answers(&other, &question, about));
        for (plain, beside) in plain.iter().zip(&beside) {
            assert_eq!(plain, beside, "pair {pair}: {reader} asks `{question}`, opens {name}");
        }
        compared += plain[2].matches("\"document\"").count();
        opened += usize::from(plain[5].starts_with("200"));
    }
    assert!(compared as u64 > pairs && opened as u64 > pairs / 5, "{compared}, {opened}");
    let time = begun.elapsed();
    report(&format!("two worlds: {pairs} pairs, {compared} passages, {opened} opened, {time:?}"));
}
