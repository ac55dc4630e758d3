//! Who asks: what is on the screen belongs to one person, and goes when somebody else comes.

use fantoccini::wd::WindowHandle;
use reqwest::Method;

use super::{Browser, QUESTION, company};

/// What the network does: `slow` and `broken` say which replies wait or fail; `held` are those that wait.
const NETWORK: &str = "const real = fetch; Object.assign(window, {slow: '', broken: '', held: []});
    window.fetch = async (address, options) => {
        const path = new URL(address, location).pathname, slow = window.slow && path.includes(window.slow);
        if (window.broken && path.includes(window.broken)) throw new TypeError('no network');
        const reply = await real(address, options);
        if (!slow) return reply;
        const copy = new Response(await reply.text(), reply);
        return new Promise((give) => held.push(() => give(copy)));
    };";

#[tokio::test]
async fn promise_3_another_person_sees_nothing_of_the_answer_before() {
    let name = "promise_3_another_person_sees_nothing_of_the_answer_before";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.home_as(&world, "bob").await;
    browser.ask(QUESTION).await;
    browser.says(".sentences", "28 days").await;
    browser.click(".mark").await;
    browser.become_person("carla").await;
    assert_eq!(browser.count(".turn").await, 0);
    assert!(!browser.everything().await.contains("28 days"));
    browser.ask(QUESTION).await;
    browser.says(".sentences", "Contractors").await;
    assert!(!browser.everything().await.contains("28 days"));
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn promise_3_a_sign_in_in_another_tab_clears_this_one() {
    let name = "promise_3_a_sign_in_in_another_tab_clears_this_one";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.home_as(&world, "bob").await;
    browser.ask(QUESTION).await;
    // The other tab's sign-in, of which this page hears nothing: the next call is refused, since it is
    // made for Bob, and all that was Bob's goes.
    let sign_in = "fetch('/signin', {method: 'POST', headers: {'Content-Type': 'application/json'}, \
                   body: JSON.stringify({user: 'carla'})}).then(() => { window.other = true; });";
    browser.js(sign_in).await;
    browser.holds("window.other === true").await;
    browser.send("And how many days of vacation may I carry over?").await;
    browser.says(".notices", "Somebody else is signed in").await;
    assert_eq!(browser.count(".turn").await, 0);
    let everything = browser.everything().await;
    assert!(!everything.contains("28 days") && !everything.contains("carry over"), "{everything}");
    browser.ask(QUESTION).await;
    browser.says(".sentences", "Contractors").await;

    // Signed out elsewhere: nothing of Carla's stays when somebody looks again.
    browser.js("fetch('/signout', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{}'})
        .then(() => window.dispatchEvent(new Event('focus')));").await;
    browser.says(".notices", "Nobody is signed in").await;
    assert_eq!(browser.count(".turn").await, 0);
    assert!(!browser.everything().await.contains("no days of paid vacation"));
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn promise_3_two_windows_of_one_browser_show_the_same_person_or_nobody() {
    let name = "promise_3_two_windows_of_one_browser_show_the_same_person_or_nobody";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.home_as(&world, "bob").await;
    browser.ask(QUESTION).await;
    browser.says(".sentences", "28 days").await;
    let first = browser.client.window().await.expect("a window");
    let second = browser.client.new_window(false).await.expect("another window").handle;
    let look_at = async |window: &WindowHandle| {
        browser.client.switch_to_window(window.clone()).await.expect("the window");
    };

    look_at(&second).await;
    browser.home_as(&world, "carla").await;
    look_at(&first).await;
    browser.holds("chat.server.user === 'user:carla'").await;
    browser.says(".notices", "Somebody else is signed in").await;
    assert!(!browser.everything().await.contains("28 days"));
    browser.says("#greeting", "Carla").await;
    browser.ask(QUESTION).await;
    browser.says(".sentences", "Contractors").await;

    // Signed out on a page that has no widget.
    look_at(&second).await;
    browser.goto(&format!("{}/signout", world.base)).await;
    browser.click("form button").await;
    browser.says("h1", "You are signed out").await;
    look_at(&first).await;
    browser.says(".notices", "Nobody is signed in").await;
    assert_eq!(browser.count(".turn").await, 0);
    assert!(!browser.everything().await.contains("no days of paid vacation"));
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn promise_3_a_reply_that_comes_late_or_not_at_all_shows_nobody_what_another_asked() {
    let name = "promise_3_a_reply_that_comes_late_or_not_at_all_shows_nobody_what_another_asked";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    let seen =
        "[...$$('.thread *')].some((one) => one.checkVisibility({visibilityProperty: true}))";
    let switch_to = async |user: &str| {
        let person = browser.shown("#person").await;
        person.select_by_value(user).await.expect("a person");
    };
    browser.home_as(&world, "bob").await;
    browser.ask(QUESTION).await;

    // An earlier conversation, a list, and the end of one: asked for by Bob, here when Carla is.
    for late in ["/v1/conversations/", "/v1/conversations", "/v1/ask"] {
        browser.home_as(&world, "bob").await;
        browser.holds("chat.conversations?.length > 0").await;
        browser.js(&format!("{NETWORK} slow = '{late}';")).await;
        match late {
            "/v1/ask" => browser.send(QUESTION).await,
            _ => browser.click("[aria-label='Earlier conversations']").await,
        }
        if late.ends_with('/') {
            browser.click(".past").await;
        }
        browser.holds("held.length === 1").await;
        switch_to("carla").await;
        browser.holds("chat.server.user === 'user:carla'").await;
        browser.js("slow = ''; held.forEach((give) => give());").await;
        browser.ask(QUESTION).await;
        browser.says(".sentences", "Contractors").await;
        assert!(!browser.everything().await.contains("28 days"), "{late}");
    }

    // Two checks at once: the first says that it is Carla, and the second fails.
    browser.home_as(&world, "bob").await;
    browser.ask(QUESTION).await;
    browser.js(&format!("{NETWORK} slow = '/v1/me';")).await;
    browser.js("fetch('/signin', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({user: 'carla'})})
        .then(() => dispatchEvent(new Event('focus')));").await;
    browser.holds("held.length === 1").await;
    browser.js("dispatchEvent(new Event('focus')); broken = '/v1/me'; held[0]();").await;
    browser.holds("chat.server.user === 'user:carla' && chat.turns.length === 0").await;
    assert!(!browser.everything().await.contains("28 days"));

    // The page switched, and nobody can say who is there: nothing is seen until somebody can.
    for other in ["carla", ""] {
        browser.home_as(&world, "bob").await;
        browser.ask(QUESTION).await;
        browser.js(&format!("{NETWORK} broken = '/v1/me';")).await;
        switch_to(other).await;
        browser.says(".notices", "can't be reached").await;
        assert_eq!(browser.js(&format!("return {seen};")).await, false, "{other}");
        browser.js("broken = '';").await;
        browser.click(".notices .plain-button").await;
        browser.holds("chat.turns.length === 0").await;
        assert!(!browser.everything().await.contains("28 days"), "{other}");
    }
    // The same person again: it is all still there.
    browser.become_person("bob").await;
    browser.ask(QUESTION).await;
    browser.js(&format!("{NETWORK} broken = '/v1/me'; chat.refresh();")).await;
    browser.says(".notices", "can't be reached").await;
    browser.js("broken = '';").await;
    browser.click(".notices .plain-button").await;
    browser.says(".sentences", "28 days").await;
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn a_link_asks_nothing_in_the_name_of_who_follows_it() {
    let name = "a_link_asks_nothing_in_the_name_of_who_follows_it";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.home_as(&world, "bob").await;
    browser.goto(&format!("{}/?q=How+many+days+of+paid+vacation+do+I+have%3F", world.base)).await;
    browser.holds("chat.field?.value === 'How many days of paid vacation do I have?'").await;
    browser.holds("chat.state === 'ready'").await;
    assert_eq!(browser.count(".turn").await, 0);
    browser.click(".send").await;
    browser.says(".sentences", "28 days").await;
    let asked =
        world.ledger().query_row("SELECT count(*) FROM audit WHERE kind = 'answer'", [], |row| {
            row.get::<_, i64>(0)
        });
    assert_eq!(asked.expect("the audit"), 1);
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn whoever_asks_first_is_asked_who_they_are_and_then_it_is_asked() {
    let name = "whoever_asks_first_is_asked_who_they_are_and_then_it_is_asked";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.goto(&world.base).await;
    browser.says(".notices", "Nobody is signed in").await;
    assert_eq!(browser.count(".problem").await, 0, "that is no problem here");
    browser.send(QUESTION).await;
    browser.says("#groups", QUESTION).await;
    browser.holds("document.activeElement === $('#choose button')").await;
    browser
        .js("[...$$('#choose button')].find((one) => one.innerText.includes('Bob')).click();")
        .await;
    browser.says(".sentences", "28 days").await;
    browser.holds("chat.field.value === '' && $('#choose').hidden").await;
    // What Bob asked is no suggestion for Carla.
    browser.become_person("carla").await;
    assert!(!browser.everything().await.contains(QUESTION));
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn whoever_presses_the_button_is_signed_out() {
    let Some(browser) = Browser::start("whoever_presses_the_button_is_signed_out").await else {
        return;
    };
    let world = company().await;
    browser.home_as(&world, "bob").await;
    browser.goto(&format!("{}/signout", world.base)).await;
    browser.click("form button").await;
    browser.says("h1", "You are signed out").await;
    browser.goto(&format!("{}/view/hr/guide.md", world.base)).await;
    assert!(!browser.everything().await.contains("Contractors"));
}

#[tokio::test]
async fn promise_3_a_call_that_is_made_for_one_person_is_refused_for_another() {
    let world = company().await;
    let bob = world.bob();
    let me = bob.get("/v1/me").await;
    assert_eq!((me.status, me.body.as_str()), (200, "{\"user\":\"user:bob\"}"));
    let call = async |meant: &str| {
        let request = bob.request(Method::POST, "/v1/ask").header("vouch-reader", meant);
        bob.send(request.json(&serde_json::json!({"question": QUESTION}))).await
    };
    assert_eq!(call("user%3Abob").await.status, 200);
    assert_eq!(call("user:bob").await.status, 200);
    for other in ["user%3Acarla", "bob", "", "group:hr", "%FF"] {
        assert_eq!(call(other).await.problem(), (409, "another_person".to_owned()), "{other}");
    }
}
