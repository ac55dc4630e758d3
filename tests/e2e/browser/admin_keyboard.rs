//! The admin pages without a mouse: everything is reached with Tab, the focus can always be seen, and
//! what a form did is said where the focus then stands.

use serde_json::json;

use super::Browser;
use crate::world::{Company, World};

const TAB: char = '\u{e004}';
const ENTER: char = '\u{e007}';
const SPACE: char = ' ';
const TEXT: &str = "# Leave\n\nEmployees have 28 days of paid vacation per year.\n";

impl Browser {
    /// Goes on with Tab until the focus is on an element, and sees the focus at every step.
    async fn tab_to(&self, css: &str) {
        for _ in 0..60 {
            self.press(&[TAB]).await;
            let look = format!(
                "const one = document.activeElement, seen = getComputedStyle(one);
                return [one.matches({css:?}), one === document.body || (seen.outlineStyle !== 'none'
                    && parseFloat(seen.outlineWidth) >= 2), one.outerHTML.slice(0, 120)];"
            );
            let found = self.js(&look).await;
            assert_eq!(found[1], true, "the focus can't be seen on {}", found[2]);
            if found[0] == true {
                return;
            }
        }
        panic!("Tab does not lead to `{css}`");
    }

    /// Checks that what was done is said, where the focus is.
    async fn is_told(&self, words: &str) {
        self.says("#done[role='status']", words).await;
        self.holds("document.activeElement?.id === 'done'").await;
        // Loaded anew, the page does not say it once more.
        self.holds("location.search === ''").await;
    }
}

async fn company() -> World {
    let each = json!({"approval": "each-version"});
    let world = Company::holding(&[("hr/leave.md", TEXT)]).with_source("hr", &each).open().await;
    world.dana().approve("hr/leave.md").await;
    world.write("hr/leave.md", &TEXT.replace("28", "31"));
    world.sync("hr").await;
    world
}

#[tokio::test]
async fn promise_6_a_changed_version_is_approved_with_the_keyboard_alone() {
    let name = "promise_6_a_changed_version_is_approved_with_the_keyboard_alone";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.home_as(&world, "dana").await;
    browser.goto(&format!("{}/admin", world.base)).await;
    browser.press(&[TAB]).await;
    browser.holds("document.activeElement.matches('.skip') && document.activeElement.getBoundingClientRect().top >= 0").await;
    browser.press(&[ENTER]).await;
    browser.holds("document.activeElement.id === 'main'").await;
    browser.tab_to("a.button[href='/admin/approvals']").await;
    browser.press(&[ENTER]).await;
    browser.says("h1", "Approvals").await;
    browser.tab_to("td .button").await;
    browser.press(&[ENTER]).await;
    browser.says(".changed ins", "31").await;
    browser.tab_to("input[name='note']").await;
    browser.press(&['R', 'e', 'a', 'd']).await;
    browser.tab_to("button[value='approve']").await;
    browser.press(&[SPACE]).await;
    browser.is_told("Approved").await;
    browser.says(".empty", "Nothing waits for you.").await;
    world.settled().await;
    let answer = world.bob().ask("How many days of paid vacation per year?").await;
    assert!(answer.to_string().contains("31 days"), "{answer}");
    browser.only_called(&[&world.base]).await;
}

#[tokio::test]
async fn promise_4_a_source_is_paused_and_resumed_with_the_keyboard_alone() {
    let name = "promise_4_a_source_is_paused_and_resumed_with_the_keyboard_alone";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.home_as(&world, "alice").await;
    browser.goto(&format!("{}/admin", world.base)).await;
    browser.tab_to("#sources a[href='/admin/sources/hr']").await;
    browser.press(&[ENTER]).await;
    browser.says("h1", "hr").await;
    browser.tab_to("details.act summary").await;
    browser.press(&[ENTER]).await;
    browser.tab_to("form[action$='/pause'] input[name='why']").await;
    browser.press(&['W', 'r', 'o', 'n', 'g']).await;
    browser.tab_to("form[action$='/pause'] button").await;
    browser.press(&[SPACE]).await;
    browser.is_told("Paused").await;
    assert!(world.bob().finds("vacation").await.is_empty());
    browser.tab_to("form[action$='/resume'] button").await;
    browser.press(&[ENTER]).await;
    browser.is_told("It answers again").await;
    assert_eq!(world.bob().finds("vacation").await, ["hr/leave.md"]);
    browser.only_called(&[&world.base]).await;
}
