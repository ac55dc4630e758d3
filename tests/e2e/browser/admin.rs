//! The admin pages as people use them: an approver compares and approves, an administrator pauses, and
//! the answers on the first page follow.

use serde_json::json;

use super::{Browser, QUESTION};
use crate::world::{Company, World, model_files, source};

const TEXT: &str = "# Leave\n\nEmployees have 28 days of paid vacation per year.\n";

/// A source of which each version waits for Alice or Dana.
async fn company() -> World {
    let change = json!({"approval": "each-version"});
    let world = Company::holding(&[("hr/leave.md", TEXT)]).with_source("hr", &change).open().await;
    world.dana().approve("hr/leave.md").await;
    world.settled().await;
    world
}

#[tokio::test]
async fn promise_6_an_approver_compares_and_approves_and_the_answer_changes() {
    let name = "promise_6_an_approver_compares_and_approves_and_the_answer_changes";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    world.write("hr/leave.md", &TEXT.replace("28", "31"));
    world.sync("hr").await;
    browser.home_as(&world, "dana").await;
    browser.ask(QUESTION).await;
    browser.says(".turn:last-child", "28 days").await;
    browser.goto(&format!("{}/admin", world.base)).await;
    browser.click("nav a[href='/admin/approvals']").await;
    browser.click("td .button").await;
    browser.says(".changed ins", "31").await;
    browser.click("button[value='approve']").await;
    browser.says(".empty", "Nothing waits for you.").await;
    world.settled().await;
    browser.home_as(&world, "dana").await;
    browser.ask(QUESTION).await;
    browser.says(".turn:last-child", "31 days").await;
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn promise_4_a_source_that_is_paused_with_a_reason_vanishes_from_the_answers() {
    let name = "promise_4_a_source_that_is_paused_with_a_reason_vanishes_from_the_answers";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.home_as(&world, "alice").await;
    browser.goto(&format!("{}/admin/sources/hr", world.base)).await;
    browser.click("details.act summary").await;
    let why = browser.shown("form[action$='/pause'] input[name='why']").await;
    why.send_keys("A mistake in <b>it</b>").await.expect("a reason");
    browser.click("form[action$='/pause'] button").await;
    browser.says(".notice:not(.good)", "A mistake in <b>it</b>").await;
    browser.home_as(&world, "bob").await;
    browser.ask(QUESTION).await;
    let page = browser.everything().await;
    assert!(!page.contains("28 days"), "{page}");
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn a_bar_moves_by_itself_while_chunks_get_their_vectors() {
    let name = "a_bar_moves_by_itself_while_chunks_get_their_vectors";
    let Some(model) = model_files(name) else { return };
    let Some(browser) = Browser::start(name).await else { return };
    let world = Company::holding(&[]).with_model(&model).open().await;
    for number in 0..40 {
        let line = format!("On page {number} the heliotrope blooms, and somebody waters it. ");
        world.write(&format!("wiki/{number}.md"), &format!("# {number}\n\n{}", line.repeat(100)));
    }
    browser.home_as(&world, "alice").await;
    world.alice().add(&source("wiki", &json!({}))).await;
    browser.goto(&format!("{}/admin/sources/wiki", world.base)).await;
    // The page is never loaded again: what is kept in it stays.
    let bar = "$('#numbers progress')";
    browser.holds(&format!("{bar} !== null && (window.first = {bar}.value) >= 0")).await;
    browser.holds(&format!("({bar}?.value ?? Infinity) > first")).await;
    browser.holds(&format!("first >= 0 && {bar} === null")).await;
    assert_eq!(browser.text("#numbers div:last-child dd").await, "all");
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn promise_5_a_page_decides_nothing_in_the_name_of_whoever_signed_in_meanwhile() {
    let name = "promise_5_a_page_decides_nothing_in_the_name_of_whoever_signed_in_meanwhile";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    world.write("hr/leave.md", &TEXT.replace("28", "31"));
    world.sync("hr").await;
    browser.home_as(&world, "dana").await;
    browser.goto(&format!("{}/admin/approvals/hr/leave.md", world.base)).await;
    browser.says(".who", "Dana").await;
    // In another window of this browser somebody else takes over, unseen by this page.
    let become_alice = "return fetch('/signin', {method: 'POST', headers: {'content-type': \
        'application/json'}, body: '{\"user\":\"alice\"}'}).then(answer => answer.status)";
    let and_approve = format!(
        "{become_alice}.then(() => document.querySelector(\"button[value='approve']\").click())"
    );
    browser.js(&and_approve).await;
    browser.says("h1", "else is signed in now").await;
    let history = world.alice().get("/v1/admin/approvals?history=1").await.json();
    assert!(!history.to_string().contains("user:alice"), "{history}");
    // A page that is looked at again is that of whoever is there now.
    browser.goto(&format!("{}/admin", world.base)).await;
    browser.says(".who", "Alice").await;
    assert_eq!(browser.js(&become_alice.replace("alice", "bob")).await, json!(200));
    browser.js("dispatchEvent(new Event('focus'))").await;
    browser.says(".who", "Bob").await;
    browser.only_called(&[&world.base]).await;
}
