//! The widget as people use it: with the keyboard alone, on a phone, in the dark, in German, while an
//! answer is on its way, and when something goes wrong.

use serde_json::json;

use super::{Browser, QUESTION, company};

const TAB: char = '\u{e004}';
const ENTER: char = '\u{e007}';
const ESCAPE: char = '\u{e00c}';

#[tokio::test]
async fn everything_can_be_done_with_the_keyboard_alone() {
    let name = "everything_can_be_done_with_the_keyboard_alone";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.home_as(&world, "bob").await;
    let focused = |css: &str| format!("root.activeElement?.matches({css:?})");
    // From the page's head past the earlier conversations into the field.
    browser.js("$('#person').focus();").await;
    browser.press(&[TAB, TAB]).await;
    browser.holds(&focused(".composer textarea")).await;
    let keys: Vec<char> = QUESTION.chars().chain([ENTER]).collect();
    browser.press(&keys).await;
    browser.says(".sentences", "28 days").await;
    browser.holds("!chat.underWay").await;
    browser.holds(&focused(".composer textarea")).await;
    assert_eq!(browser.js("return $('.sentences').hasAttribute('aria-live');").await, false);

    browser.js("$('.mark').focus();").await;
    browser.press(&[ENTER]).await;
    browser.shown(".card blockquote").await;
    browser.holds(&focused(".card")).await;
    browser.press(&[TAB, TAB]).await;
    browser.holds(&focused(".view")).await;
    browser.press(&[ESCAPE]).await;
    browser.holds("!chat.card.isOpen()").await;
    browser.holds(&focused(".mark")).await;

    browser.js("$('#launch').focus();").await;
    browser.press(&[ENTER]).await;
    browser.holds(&focused(".composer textarea")).await;
    browser.press(&[ESCAPE]).await;
    browser.holds(&format!("!chat.panel.open && {}", focused(".launcher"))).await;
    browser.press(&[ENTER]).await;
    browser.holds(&format!("chat.panel.open && {}", focused(".composer textarea"))).await;
    browser.says(".sentences", "28 days").await;
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn in_the_launcher_escape_closes_the_innermost_thing_and_the_focus_returns() {
    let name = "in_the_launcher_escape_closes_the_innermost_thing_and_the_focus_returns";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    let focused = |css: &str| format!("root.activeElement?.matches({css:?})");
    for phone in [false, true] {
        if phone {
            let phone =
                json!({"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": true});
            browser.devtools("Emulation.setDeviceMetricsOverride", phone).await;
        }
        browser.home_as(&world, "bob").await;
        browser.js("chat.setAttribute('mode', 'launcher'); $('.launcher').focus();").await;
        browser.press(&[ENTER]).await;
        browser.holds(&format!("$('.panel').matches(':modal') === {phone}")).await;
        browser.holds(&focused(".composer textarea")).await;
        let keys: Vec<char> = QUESTION.chars().chain([ENTER]).collect();
        browser.press(&keys).await;
        browser.says(".sentences", "28 days").await;
        browser.holds("!chat.underWay").await;

        browser.tab_back_to(".mark").await;
        browser.press(&[ENTER]).await;
        browser.holds(&focused(".card")).await;
        browser.press(&[ESCAPE]).await;
        browser.holds(&format!("!chat.card.isOpen() && {}", focused(".mark"))).await;
        browser.holds("chat.panel.open").await;

        let earlier = "[aria-label='Earlier conversations']";
        browser.tab_back_to(&format!("button{earlier}")).await;
        browser.press(&[ENTER]).await;
        browser.shown(".past").await;
        browser.press(&[ESCAPE]).await;
        browser.holds(&format!("$('.shelf').hidden && {}", focused(earlier))).await;
        browser.holds("chat.panel.open").await;
        browser.press(&[ESCAPE]).await;
        browser.holds(&format!("!chat.panel.open && {}", focused(".launcher"))).await;
    }
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn on_a_phone_and_in_the_dark_everything_fits_and_can_be_read() {
    let name = "on_a_phone_and_in_the_dark_everything_fits_and_can_be_read";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    let phone = json!({"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": true});
    browser.devtools("Emulation.setDeviceMetricsOverride", phone).await;
    let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
    browser.devtools("Emulation.setEmulatedMedia", dark).await;
    browser.home_as(&world, "bob").await;
    let fits = "document.documentElement.scrollWidth <= innerWidth";
    browser.holds(fits).await;
    browser.ask(QUESTION).await;
    browser.holds(fits).await;
    let light = "const [r, g, b] = getComputedStyle($('.sentences')).color.match(/[\\d.]+/g);
        return r > 180 && g > 180 && b > 180;";
    assert_eq!(browser.js(light).await, true, "dark mode has light letters");
    browser.click(".mark").await;
    let card = "$('.card').getBoundingClientRect()";
    // A source is a sheet at the window's end.
    browser.holds(&format!("{card}.width === innerWidth && {card}.bottom === innerHeight")).await;
    browser.press(&[ESCAPE]).await;

    browser.click("#launch").await;
    browser.holds("$('.panel').matches(':modal')").await;
    let panel = "$('.panel').getBoundingClientRect()";
    browser.holds(&format!("{panel}.top === 0 && {panel}.width === innerWidth")).await;
    browser.holds(&format!("{panel}.height === innerHeight")).await;
    browser.click(".bar .icon:last-child").await;
    browser.shown(".launcher").await;
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn an_answer_on_its_way_can_be_stopped() {
    let name = "an_answer_on_its_way_can_be_stopped";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.home_as(&world, "bob").await;
    let network = |latency: u32| json!({"offline": false, "latency": latency, "downloadThroughput": -1, "uploadThroughput": -1});
    browser.devtools("Network.enable", json!({})).await;
    browser.devtools("Network.emulateNetworkConditions", network(60_000)).await;
    browser.send(QUESTION).await;
    browser.says(".status.busy", "Searching").await;
    assert_eq!(browser.shown(".send").await.attr("aria-label").await.unwrap().unwrap(), "Stop");
    browser.click(".send").await;
    browser.says(".turn .note", "You stopped the answer here").await;
    assert_eq!(browser.shown(".send").await.attr("aria-label").await.unwrap().unwrap(), "Send");
    browser.devtools("Network.emulateNetworkConditions", network(0)).await;
    browser.ask(QUESTION).await;
    browser.says(".turn:last-child .sentences", "28 days").await;
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn every_failure_is_said_in_plain_words() {
    let name = "every_failure_is_said_in_plain_words";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.home_as(&world, "bob").await;
    // What the server answers is put in here: most of it can't be had on demand.
    browser
        .js("const real = fetch; window.next = null;
            window.fetch = (address, options) => String(address).endsWith('/v1/ask') && window.next
                ? Promise.resolve(new Response(next.body, {status: next.status, headers: next.headers}))
                : real(address, options);")
        .await;
    let begun = "event: citation\ndata: {\"number\":1,\"document\":\"hr/a.md\",\"title\":\"A\",\"version\":\"sha256:0\",\"quote\":\"q\",\"start\":0,\"end\":1,\"heading\":\"\"}\n\nevent: sentence\ndata: {\"text\":\"It began.\",\"citations\":[1]}\n\n";
    let failed = format!(
        "{begun}event: error\ndata: {}\n\n",
        json!({"status": 503, "code": "unavailable", "title": "t", "hint": "h"})
    );
    for (status, headers, body, said) in [
        (429, json!({"Retry-After": "7"}), "{}", "Try again in 7 seconds"),
        (429, json!({}), "{}", "Wait a moment"),
        (413, json!({}), "{}", "too long"),
        (422, json!({}), "{}", "other words"),
        (503, json!({}), "{\"code\":\"stopped\"}", "The assistant is stopped"),
        (503, json!({"Retry-After": "1"}), "{\"code\":\"busy\"}", "Try again in 1 second."),
        (500, json!({}), "no JSON", "Something went wrong on the server"),
        (403, json!({}), "{\"code\":\"forbidden\"}", "You may not ask questions here"),
        (200, json!({}), begun, "The answer broke off"),
        (200, json!({}), failed.as_str(), "not available right now"),
        (200, json!({}), "event: sentence\ndata: {no JSON\n\n", "can't be reached"),
    ] {
        let next = json!({"status": status, "headers": headers, "body": body});
        browser.js(&format!("window.next = {next};")).await;
        browser.send(QUESTION).await;
        browser.says(".turn:last-child .problem", said).await;
        browser.holds("!chat.underWay").await;
        assert_eq!(browser.count(".turn:last-child .problem").await, 1, "{said}");
    }
    browser.js("window.next = null;").await;
    browser.click(".turn:last-child .tool").await;
    browser.says(".turn:last-child .sentences", "28 days").await;
    // Blocked meanwhile: everything goes, and the reason stands there.
    let block = json!({"user": "bob", "act": "block", "why": "a test"});
    assert_eq!(world.alice().post("/v1/admin/users", &block).await.status, 200);
    browser.send(QUESTION).await;
    browser.says(".notices", "Your access is blocked").await;
    assert_eq!(browser.count(".turn").await, 0);
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn a_check_that_fails_takes_away_neither_the_answer_nor_what_is_typed() {
    let name = "a_check_that_fails_takes_away_neither_the_answer_nor_what_is_typed";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.home_as(&world, "bob").await;
    browser.ask(QUESTION).await;
    let draft = "And how many days";
    browser.shown(".composer textarea").await.send_keys(draft).await.unwrap();
    browser
        .js("const real = fetch; window.next = null;
            window.fetch = (address, options) => String(address).endsWith('/v1/me') && window.next
                ? Promise.resolve(new Response(next.body, {status: next.status}))
                : real(address, options);")
        .await;
    // It asks again by itself.
    browser.js("window.next = {status: 502}; dispatchEvent(new Event('focus'));").await;
    browser.says(".notices", "Something went wrong on the server").await;
    browser.js("window.next = null;").await;
    browser.holds("$('.notices').textContent === ''").await;
    for (status, body, said) in [
        (502, "<h1>bad gateway</h1>", "Something went wrong on the server"),
        (500, "{}", "Something went wrong on the server"),
        (429, "{}", "Too many questions at once"),
        (503, "{\"code\":\"stopped\"}", "The assistant is stopped"),
        (200, "no JSON", "can't be reached"),
    ] {
        let next = json!({"status": status, "body": body});
        browser.js(&format!("window.next = {next}; dispatchEvent(new Event('focus'));")).await;
        browser.says(".notices", said).await;
        browser.says(".sentences", "28 days").await;
        browser.holds(&format!("chat.field.value === '{draft}'")).await;
    }
    browser.js("window.next = null;").await;
    browser.click(".notices .plain-button").await;
    browser.holds("$('.notices').textContent === ''").await;
    browser.holds(&format!("chat.field.value === '{draft}'")).await;

    // Whoever is nobody keeps what they typed, and asks it when they are somebody.
    browser.goto(&world.base).await;
    browser.shown("#person").await.select_by_value("").await.unwrap();
    browser.says(".notices", "Nobody is signed in").await;
    browser.send(QUESTION).await;
    browser.holds(&format!("chat.field.value === '{QUESTION}' && chat.turns.length === 0")).await;
    browser.become_person("carla").await;
    browser.says(".sentences", "Contractors").await;
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn a_session_that_ends_by_itself_keeps_the_conversation_for_its_person_alone() {
    let name = "a_session_that_ends_by_itself_keeps_the_conversation_for_its_person_alone";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.goto(&world.base).await;
    browser
        .js("const real = fetch; window.ended = false;
            window.fetch = (address, options) => window.ended && String(address).includes('/v1/')
                ? Promise.resolve(new Response('{}', {status: 401}))
                : real(address, options);")
        .await;
    let look = "dispatchEvent(new Event('focus'));";
    for next in ["bob", "carla"] {
        browser.become_person("bob").await;
        browser.ask(QUESTION).await;
        browser.js("window.ended = true;").await;
        browser.send("And next year?").await;
        browser.says(".notices", "Nobody is signed in").await;
        assert!(!browser.everything().await.contains("28 days"));
        browser.holds("chat.field.value === ''").await;
        let sign_in = format!(
            "fetch('/signin', {{method: 'POST', headers: {{'Content-Type': 'application/json'}},
                body: JSON.stringify({{user: '{next}'}})}}).then(() => {{ window.ended = false; {look} }});"
        );
        browser.js(&sign_in).await;
        browser.holds(&format!("chat.server.user === 'user:{next}'")).await;
        if next == "bob" {
            browser.says(".sentences", "28 days").await;
            browser
                .holds("chat.field.value === 'And next year?' && chat.conversation !== null")
                .await;
        } else {
            browser.says(".notices", "Somebody else is signed in").await;
            browser.holds("chat.field.value === '' && chat.turns.length === 0").await;
        }
    }
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn no_answer_appears_behind_the_field() {
    let Some(browser) = Browser::start("no_answer_appears_behind_the_field").await else { return };
    let world = company().await;
    for (width, height, launcher) in [
        (1280, 800, false),
        (390, 844, false),
        (320, 256, false),
        (1280, 800, true),
        (390, 844, true),
        (320, 256, true),
    ] {
        let state = format!("{width}x{height}, launcher: {launcher}");
        let window =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        browser.devtools("Emulation.setDeviceMetricsOverride", window).await;
        browser.home_as(&world, "bob").await;
        if launcher {
            browser.js("$('#launch').click();").await;
        }
        for asked in 1..=5 {
            browser.js(&format!("chat.field.focus(); chat.ask({QUESTION:?});")).await;
            browser.holds(&format!("chat.turns.length === {asked} && !chat.underWay")).await;
            let seen = "const answer = $('.turn:last-child .sentences').getBoundingClientRect();
                const question = $('.turn:last-child .question').getBoundingClientRect();
                const field = $('.dock').getBoundingClientRect();
                const covered = field.top < answer.bottom && field.bottom > answer.top;
                const low = innerHeight < 480;
                return [question.top >= 0, !covered, low || answer.bottom <= innerHeight, answer.height > 0];";
            assert_eq!(
                browser.js(seen).await,
                json!([true, true, true, true]),
                "{state}, question {asked}"
            );
        }
    }
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn the_widget_takes_the_focus_from_nothing_in_the_page() {
    let name = "the_widget_takes_the_focus_from_nothing_in_the_page";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.home_as(&world, "bob").await;
    browser.ask(QUESTION).await;
    browser.js("const field = document.createElement('input'); field.id = 'own'; $('.lead').append(field);").await;
    let focused =
        |css: &str| format!("(root.activeElement ?? document.activeElement).matches({css:?})");

    // A press into a field of the page, and the Tab key, close the card and keep the focus where it went.
    browser.click(".mark").await;
    browser.shown(".card blockquote").await;
    browser.click("#own").await;
    browser.holds("!chat.card.isOpen()").await;
    browser.press(&['h', 'i']).await;
    browser.holds("$('#own').value === 'hi'").await;
    browser.js("$('.mark').focus();").await;
    browser.press(&[ENTER]).await;
    browser.holds(&focused(".card")).await;
    browser.press(&[TAB, TAB, TAB]).await;
    let after = focused(".answer :is(.mark, .row)");
    browser
        .holds(&format!("!chat.card.isOpen() && {after} && root.activeElement !== $('.mark')"))
        .await;
    // Pressing its mark again closes it.
    browser.click(".mark").await;
    browser.holds("chat.card.isOpen()").await;
    browser.click(".mark").await;
    browser.holds(&format!("!chat.card.isOpen() && {}", focused(".mark"))).await;

    // The panel of the launcher may cover what has the focus: Escape closes it from there.
    browser.click("#launch").await;
    browser.holds("chat.panel.open").await;
    browser.js("$('#compare-people button')?.focus() ?? $('#person').focus();").await;
    browser.press(&[ESCAPE]).await;
    browser.holds("!chat.panel.open && document.activeElement !== chat").await;
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn of_what_an_answer_lacks_readers_hear_in_plain_words() {
    let name = "of_what_an_answer_lacks_readers_hear_in_plain_words";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.home_as(&world, "bob").await;
    browser.js("chat.setAttribute('lang', 'de');").await;
    let citation = json!({"number": 1, "document": "hr/a.md", "title": "A", "version": "sha256:0",
        "quote": "q", "start": 0, "end": 1, "heading": ""});
    let done = json!({
        "id": "ans_1", "outcome": "answered", "took_ms": 36, "generator": "extractive",
        "sentences": [{"text": "Es sind 28 Tage.", "citations": [1]}], "citations": [citation],
        "searched": {"passages": 3, "sources": 1},
        "notes": [
            "searched by words alone: no embedding model is loaded; `make models` brings one",
            "used 3 of 8 passages",
            "2 sentences were left out, because the documents do not support them",
            "no language model wrote this, so there is no prompt",
            "a-model did not answer",
        ],
    });
    let reply = json!(format!("event: done\ndata: {done}\n\n"));
    browser
        .js(&format!(
            "const real = fetch; window.fetch = (address, options) =>
                String(address).endsWith('/v1/ask') ? Promise.resolve(new Response({reply})) : real(address, options);"
        ))
        .await;
    browser.ask(QUESTION).await;
    let said = browser.text(".remarks").await;
    assert!(said.contains("nach den Wörtern") && said.contains("belegen ihn nicht"), "{said}");
    let turn = browser.text(".turn").await;
    for operators in
        ["embedding", "make models", "passages", "prompt", "a-model", " ms", "extractive"]
    {
        assert!(!turn.contains(operators), "{operators}: {turn}");
    }
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn the_widget_speaks_the_pages_language() {
    let name = "the_widget_speaks_the_pages_language";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.home_as(&world, "carla").await;
    browser.js("chat.setAttribute('lang', 'de');").await;
    browser.says(".intro", "freigegebenen Dokumenten").await;
    browser.ask("Gibt es in Lissabon ein Schwimmbad?").await;
    browser.says(".nothing", "nichts gefunden").await;
    browser.js("chat.setAttribute('lang', 'fr');").await;
    browser.holds("$('.send').title === 'Send'").await;
    // Every text has a German one, with the same places to fill in.
    let missing = browser.js("return import('/widget.js').then((all) => all.missing('de'));").await;
    assert_eq!(missing, json!([]));
    browser.only_called(&[&world.base]).await;
}
