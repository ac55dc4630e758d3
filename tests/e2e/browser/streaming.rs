//! An answer while it is being written: a made-up model writes it, slowly, and stops where a test wants.

use serde_json::json;

use super::{Browser, company};
use crate::model::{Gate, Kind, Model, Part, Reply};
use crate::process::Server;
use crate::world::{Company, World, settled};

const QUESTION: &str = "What are the rules of the house?";

/// The rules of a house, one a line.
fn rules() -> Vec<String> {
    let topics = ["kitchen", "garden", "cellar", "workshop", "library", "roof", "garage", "hall"];
    let all = topics.iter().enumerate();
    all.map(|(at, topic)| format!("The {topic} of the house opens at {} in the morning.", at + 3))
        .collect()
}

fn document() -> String {
    format!("# Rules of the house\n\n{}\n", rules().join("\n\n"))
}

/// What a model says first: each rule begins so.
fn begins() -> Part {
    Part::Text("The".to_owned())
}

/// A rule and the first word of the next one: a sentence is whole when something else has begun.
fn says(rule: &str) -> Part {
    let rest = rule.trim_start_matches("The");
    Part::Text(format!("{rest} [@{rule}]\nThe"))
}

/// The last rule.
fn ends(rule: &str) -> Part {
    Part::Text(format!("{} [@{rule}]", rule.trim_start_matches("The")))
}

async fn world(model: &Model) -> World {
    Company::holding(&[("hr/house.md", &document())]).with_settings(&model.settings()).open().await
}

#[tokio::test]
async fn an_answer_appears_sentence_by_sentence_and_stop_ends_the_models_work() {
    let name = "an_answer_appears_sentence_by_sentence_and_stop_ends_the_models_work";
    let Some(browser) = Browser::start(name).await else { return };
    let gates = [Gate::new(), Gate::new()];
    let waits = gates.clone();
    let model = Model::speaking(Kind::OpenAi, move |_, before| {
        let [first, second] = waits.clone().map(Part::Gate);
        let rules = rules();
        Reply::of(match before {
            0 => vec![begins(), says(&rules[0]), first, says(&rules[1]), second, ends(&rules[2])],
            _ => vec![begins(), says(&rules[0]), Part::Stall],
        })
    })
    .await;
    let world = world(&model).await;
    let still = json!({"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]});
    browser.devtools("Emulation.setEmulatedMedia", still).await;
    browser.home_as(&world, "bob").await;
    browser.send(QUESTION).await;
    let rules = rules();
    for (at, gate) in [(1, Some(&gates[0])), (2, Some(&gates[1])), (3, None)] {
        browser.says(".sentences", &rules[at - 1]).await;
        assert_eq!(browser.count(".sentence").await, at as u64, "only what was said");
        let Some(gate) = gate else { break };
        // A screen reader is told of each whole sentence, and nothing moves for those who want it so.
        assert_eq!(browser.js("return $('.sentences').ariaLive;").await, "polite");
        let moves = "getComputedStyle($('.status'), '::before').animationName";
        assert_eq!(browser.js(&format!("return {moves};")).await, "none");
        assert_eq!(browser.shown(".send").await.attr("title").await.unwrap().unwrap(), "Stop");
        gate.open();
    }
    browser.holds("$('.searched') && !chat.underWay").await;

    browser.click("[aria-label='New conversation']").await;
    browser.send(QUESTION).await;
    browser.says(".sentences", &rules[0]).await;
    browser.click(".send").await;
    browser.says(".turn .note", "You stopped the answer here").await;
    browser.says(".sentences", &rules[0]).await;
    model.hung_up().await;
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn a_long_answer_stays_in_view_until_the_reader_scrolls_away() {
    let name = "a_long_answer_stays_in_view_until_the_reader_scrolls_away";
    let Some(browser) = Browser::start(name).await else { return };
    let gate = Gate::new();
    let waits = gate.clone();
    let model = Model::speaking(Kind::OpenAi, move |_, _| {
        let rules = rules();
        let mut parts = vec![begins()];
        parts.extend(rules[..5].iter().map(|rule| says(rule)));
        parts.push(Part::Gate(waits.clone()));
        parts.extend(rules[5..7].iter().map(|rule| says(rule)));
        parts.push(ends(&rules[7]));
        Reply::of(parts)
    })
    .await;
    let world = world(&model).await;
    let phone = json!({"width": 360, "height": 560, "deviceScaleFactor": 1, "mobile": true});
    browser.devtools("Emulation.setDeviceMetricsOverride", phone).await;
    browser.home_as(&world, "bob").await;
    browser.click("#launch").await;
    browser.send(QUESTION).await;
    let rules = rules();
    browser.says(".sentences", &rules[4]).await;
    // The question stands at the top; whoever scrolls up there is left alone by what follows.
    let middle = "$('.middle')";
    browser.js(&format!("{middle}.scrollTop = 0;")).await;
    gate.open();
    browser.says(".sentences", rules.last().expect("a rule")).await;
    browser.shown(".searched").await;
    assert_eq!(browser.count(".sentence").await, rules.len() as u64);
    let top = browser.js(&format!("return {middle}.scrollTop;")).await.as_f64().expect("a number");
    let below = browser.js(&format!("return {middle}.scrollHeight - {middle}.clientHeight;")).await;
    let below = below.as_f64().expect("a number");
    assert!(below > 130.0 && top < below - 100.0, "{top} of {below}");
    browser.holds("document.documentElement.scrollWidth <= innerWidth").await;
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn when_the_server_dies_in_an_answer_it_is_said_and_asking_again_works_once_it_is_back() {
    let name =
        "when_the_server_dies_in_an_answer_it_is_said_and_asking_again_works_once_it_is_back";
    let Some(browser) = Browser::start(name).await else { return };
    let model = Model::speaking(Kind::OpenAi, |_, before| {
        let rules = rules();
        Reply::of(match before {
            0 => vec![begins(), says(&rules[0]), Part::Stall],
            _ => vec![begins(), says(&rules[0]), ends(&rules[1])],
        })
    })
    .await;
    let company = Company::holding(&[("hr/house.md", &document())]);
    let company = company.with_settings(&model.settings());
    let server = Server::start(&company, &[]);
    let base = server.base.clone();
    server.person("alice").add(&company.sources()[0]).await;
    settled(&server.person("alice")).await;
    browser.goto(&base).await;
    browser.become_person("bob").await;
    browser.send(QUESTION).await;
    let rules = rules();
    browser.says(".sentences", &rules[0]).await;
    server.kill();
    browser.says(".problem", "The answer broke off").await;
    browser.says(".sentences", &rules[0]).await;
    // A look in between finds nobody there, and takes nothing away.
    browser.js("dispatchEvent(new Event('focus'));").await;
    browser.click(".turn .tool").await;
    browser.says(".turn:last-child .problem", "The server can't be reached").await;
    browser.says(".sentences", &rules[0]).await;

    let company = company.listening_at(base.strip_prefix("http://").expect("an address"));
    let server = Server::start(&company, &[]);
    browser.click(".turn:last-child .tool").await;
    browser.says(".turn:last-child .sentences", &rules[1]).await;
    drop(server);
    browser.only_called(&[&base]).await;
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_when_to_come_back_and_loses_nothing() {
    let name = "whoever_asks_too_often_is_told_when_to_come_back_and_loses_nothing";
    let Some(browser) = Browser::start(name).await else { return };
    let limits = "[limits]\nrequests_per_minute = 12\nat_once = 4\nat_once_in_all = 4";
    let text = document();
    let world = Company::holding(&[("hr/house.md", text.as_str())]).with_settings(limits);
    let world = world.open().await;
    browser.home_as(&world, "bob").await;
    browser.ask("When does the kitchen of the house open?").await;
    browser.says(".sentences", "kitchen").await;
    // Bob's other programs take what is left.
    while world.bob().get("/v1/me").await.status == 200 {}
    browser.send("And the garden?").await;
    let said = browser.says(".turn:last-child .problem", "Too many questions at once").await;
    assert!(said.contains("Try again in"), "{said}");
    // Who is there can't be asked now either.
    while world.bob().get("/v1/me").await.status == 200 {}
    browser.js("dispatchEvent(new Event('focus'));").await;
    browser.says(".notices", "Too many questions at once").await;
    assert_eq!(browser.count(".turn").await, 2);
    browser.holds("$('.notices').textContent === ''").await;
    browser.says(".sentences", "kitchen").await;
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn a_stop_of_the_assistant_is_said_and_takes_nothing_away() {
    let name = "a_stop_of_the_assistant_is_said_and_takes_nothing_away";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.home_as(&world, "bob").await;
    browser.ask(super::QUESTION).await;
    let stop = world.alice().post("/v1/admin/stop", &json!({"why": "a test"})).await;
    assert_eq!(stop.status, 200);
    browser.js("dispatchEvent(new Event('focus'));").await;
    browser.says(".notices", "The assistant is stopped").await;
    assert_eq!(world.alice().post("/v1/admin/start", &json!({})).await.status, 200);
    browser.click(".notices button").await;
    browser.holds("$('.notices').textContent === ''").await;
    browser.says(".sentences", "28 days").await;
    browser.only_called(&[&world.base]).await;
}
