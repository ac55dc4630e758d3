//! Signing in with an API key, in a browser: the way to the admin pages where no provider signs people in.

use serde_json::json;

use super::Browser;
use super::accessible::{LEVELS, axe};
use crate::world::Company;

const FIRST: &str = "the-first-administrators-key-0123456789";

#[tokio::test]
async fn an_administrator_signs_in_with_the_first_key_looks_around_and_signs_out() {
    let name = "an_administrator_signs_in_with_the_first_key_looks_around_and_signs_out";
    let Some(browser) = Browser::start(name).await else { return };
    let text = "# Leave\n\nParental leave is 16 weeks.\n";
    let world = Company::holding(&[("hr/leave.md", text)]).with_keys(FIRST).open().await;
    browser.goto(&format!("{}/admin/sources", world.base)).await;
    browser.says("h1", "Sign in with an API key").await;
    browser.holds("document.activeElement.name === 'key'").await;
    let enters = async |key: &str| {
        browser.shown("input[name='key']").await.send_keys(key).await.expect("a key");
        browser.click("form button").await;
    };
    enters("vk_no_such_key").await;
    browser.says(".notice", "This key can't sign in here").await;
    assert!(!browser.everything().await.contains("vk_no_such_key"));
    enters(FIRST).await;
    // Back where it wanted to go, and from there on as ever.
    browser.says("h1", "Sources").await;
    browser.says(".who", "key:bootstrap").await;
    browser.click("nav a[href='/admin']").await;
    browser.says("h1", "Overview").await;
    let at = browser.client.current_url().await.expect("an address");
    assert_eq!(at.as_str(), format!("{}/admin", world.base));
    assert!(!browser.everything().await.contains(FIRST));
    assert_eq!(browser.js("return document.cookie;").await, "", "no script sees the session");

    browser.goto(&world.base).await;
    browser.says("#signed-in", "the key bootstrap").await;
    browser.says(".notices", "You may not ask questions here").await;
    browser.click("#signed-in a").await;
    browser.click("form button").await;
    browser.says("h1", "You are signed out").await;
    browser.client.back().await.expect("a page before");
    browser.client.back().await.expect("a page before");
    browser.says(".notices", "You are signed out").await;
    browser.goto(&format!("{}/admin", world.base)).await;
    browser.says("h1", "Sign in with an API key").await;
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn the_pages_of_signing_in_and_out_are_accessible_in_light_and_dark() {
    let name = "the_pages_of_signing_in_and_out_are_accessible_in_light_and_dark";
    let Some(axe) = axe(name) else { return };
    let Some(browser) = Browser::start(name).await else { return };
    let world = Company::holding(&[]).with_keys(FIRST).open().await;
    for scheme in ["light", "dark"] {
        let media = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        browser.devtools("Emulation.setEmulatedMedia", media).await;
        let look = async |state: &str| {
            browser.is_accessible(&axe, LEVELS, &format!("{state}, {scheme}")).await;
        };
        browser.goto(&world.base).await;
        browser.says(".notices", "You are signed out").await;
        look("signed out, in the widget").await;
        browser.click(".notices .plain-button").await;
        browser.says("h1", "Sign in with an API key").await;
        look("a field for a key").await;
        browser.shown("input[name='key']").await.send_keys("vk_wrong").await.expect("a key");
        browser.click("form button").await;
        browser.says(".notice", "This key can't sign in here").await;
        look("a wrong key").await;
        browser.goto(&format!("{}/signout", world.base)).await;
        browser.click("form button").await;
        browser.says("h1", "You are signed out").await;
        look("signed out").await;
    }
    browser.only_called(&[&world.base]).await;
}
