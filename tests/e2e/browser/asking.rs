//! Asking in the widget: an answer with its sources, what can be done with it, and what is said where
//! there is none.

use serde_json::json;

use super::{Browser, QUESTION, company};
use crate::world::World;

#[tokio::test]
async fn a_reader_asks_opens_a_citation_and_sees_the_quote_in_its_document() {
    let name = "a_reader_asks_opens_a_citation_and_sees_the_quote_in_its_document";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.home_as(&world, "bob").await;
    browser.ask(QUESTION).await;
    browser.says(".sentences", "28 days").await;
    assert!(browser.count(".sentence .mark").await > 0, "every sentence has a mark");
    browser.click(".sentence .mark").await;
    let card = browser.text(".card").await;
    for part in ["Leave", "Vacation", "hr/staff/leave.md", "Approved", "by Alice"] {
        assert!(card.contains(part), "{part} is missing: {card}");
    }
    let quote = browser.text(".card blockquote").await;
    assert!(quote.contains("paid vacation"), "{quote}");
    let address = browser.shown(".card .view").await.attr("href").await.unwrap().unwrap();
    browser.goto(&address).await;
    assert_eq!(browser.text("mark#quote").await, quote);
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn a_quote_is_shown_as_it_stands_in_its_document() {
    let Some(browser) = Browser::start("a_quote_is_shown_as_it_stands_in_its_document").await
    else {
        return;
    };
    let line = "The heliotrope is loaded from __init__.py with **kwargs** and matches [a-z](x).";
    let world = World::holding(&[("hr/a.txt", line)]).await;
    browser.home_as(&world, "bob").await;
    browser.ask("What is the heliotrope loaded from?").await;
    browser.click(".mark").await;
    assert_eq!(browser.text(".card blockquote").await, line);
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn a_reader_for_whom_nothing_is_found_is_told_whom_to_ask() {
    let name = "a_reader_for_whom_nothing_is_found_is_told_whom_to_ask";
    let Some(browser) = Browser::start(name).await else { return };
    let world = World::holding(&[("hr/guide.md", "# Guide\n\nThe office opens at nine.\n")]).await;
    browser.home_as(&world, "carla").await;
    browser.ask("Does the office have a swimming pool in Lisbon?").await;
    let said = browser.text(".nothing").await;
    assert!(said.contains("Nothing was found") && said.contains("Alice"), "{said}");
    assert_eq!(browser.count(".sentence").await, 0);
    assert_eq!(browser.count(".row").await, 0);
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn an_answer_can_be_judged_copied_and_asked_again() {
    let name = "an_answer_can_be_judged_copied_and_asked_again";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.home_as(&world, "bob").await;
    browser.ask(QUESTION).await;

    browser.click(".verdicts button:last-child").await;
    browser.shown(".why textarea").await.send_keys("It is 30 in Leipzig.").await.unwrap();
    browser.click(".why .plain-button").await;
    browser.holds("$('.why').hidden").await;
    browser.says(".said", "noted").await;
    let said: (String, String) = world
        .ledger()
        .query_row("SELECT verdict, comment FROM feedback", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(said, ("wrong".to_owned(), "It is 30 in Leipzig.".to_owned()));

    let access = json!({"origin": world.base, "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]});
    browser.devtools("Browser.grantPermissions", access).await;
    browser.click(".tool:first-child").await;
    browser.says(".status", "Copied").await;
    let text = browser.js("return chat.turns[0].markdown();").await;
    let text = text.as_str().unwrap();
    assert!(text.contains("28 days of paid vacation per year.[^1]"), "{text}");
    assert!(text.contains("[^1]: [Leave](") && text.contains("/view/hr/staff/leave.md?"), "{text}");

    browser.click(".tool:nth-child(2)").await;
    browser.holds("chat.turns.length === 2 && !chat.underWay").await;
    browser.says(".turn:last-child .sentences", "28 days").await;
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn without_a_network_the_widget_says_so_and_goes_on_when_it_is_back() {
    let name = "without_a_network_the_widget_says_so_and_goes_on_when_it_is_back";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.home_as(&world, "bob").await;
    let network = |offline: bool| json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
    browser.devtools("Network.enable", json!({})).await;
    browser.devtools("Network.emulateNetworkConditions", network(true)).await;
    browser.send(QUESTION).await;
    let said = browser.says(".problem", "can't be reached").await;
    assert!(said.contains("connection"), "{said}");
    browser.devtools("Network.emulateNetworkConditions", network(false)).await;
    browser.click(".turn .tool").await;
    browser.says(".turn:last-child .sentences", "28 days").await;
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn a_conversation_goes_on_is_found_again_and_can_be_deleted() {
    let name = "a_conversation_goes_on_is_found_again_and_can_be_deleted";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.home_as(&world, "bob").await;
    browser.ask(QUESTION).await;
    browser.ask("And for contractors?").await;
    browser
        .holds("chat.conversations.length === 1 && chat.conversations[0].id === chat.conversation")
        .await;
    browser.click("[aria-label='New conversation']").await;
    assert_eq!(browser.count(".turn").await, 0);

    browser.click("[aria-label='Earlier conversations']").await;
    let listed = browser.text(".past").await;
    assert!(listed.contains(QUESTION) && listed.contains("2 questions"), "{listed}");
    browser.click(".past").await;
    browser.says(".turn:first-child .sentences", "28 days").await;
    assert_eq!(browser.count(".turn").await, 2);
    browser.ask("And for contractors?").await;
    assert_eq!(browser.count(".turn").await, 3);

    // What Bob may no longer see is gone from what he asked, and it says so.
    let people = [("alice", &["hr"][..], &["administrator"][..]), ("bob", &["contractors"], &[])];
    world.people(&people);
    browser.click("[aria-label='Earlier conversations']").await;
    browser.click(".past").await;
    browser.says(".turn:first-child .remark", "no longer read").await;
    assert!(!browser.everything().await.contains("28 days"));

    browser.click("[aria-label='Earlier conversations']").await;
    browser.click(".shelf li .icon").await;
    browser.click(".shelf .danger").await;
    browser.says(".shelf", "no earlier conversations").await;
    assert_eq!(world.bob().get("/v1/conversations").await.json()["conversations"], json!([]));
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn a_list_that_fails_ends_no_conversation_and_hides_none() {
    let name = "a_list_that_fails_ends_no_conversation_and_hides_none";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.home_as(&world, "bob").await;
    browser
        .js("const real = fetch; Object.assign(window, {failing: true, sent: null});
            window.fetch = (address, options) => {
                if (String(address).endsWith('/v1/ask')) window.sent = JSON.parse(options.body);
                return window.failing && String(address).endsWith('/v1/conversations')
                    ? Promise.resolve(new Response('{}', {status: 503}))
                    : real(address, options);
            };")
        .await;
    browser.ask(QUESTION).await;
    browser.click("[aria-label='Earlier conversations']").await;
    let said = browser.says(".shelf", "can't be loaded").await;
    assert!(!said.contains("no earlier"), "{said}");
    browser.click("[aria-label='Back']").await;
    browser.ask("And for contractors?").await;
    browser.holds("sent.conversation === chat.conversation && sent.conversation !== 'new'").await;
    browser.click("[aria-label='Earlier conversations']").await;
    browser.says(".shelf", "can't be loaded").await;
    browser.js("window.failing = false;").await;
    browser.click(".shelf .plain-button").await;
    browser.says(".past", "2 questions").await;
    browser.only_called(&[&world.base]).await;
}
