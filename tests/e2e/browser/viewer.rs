//! The viewer: a document as a page, at the place that was quoted.

use super::Browser;
use crate::world::World;

#[tokio::test]
async fn the_viewer_shows_markdown_as_a_page_and_scrolls_to_the_quote() {
    let name = "the_viewer_shows_markdown_as_a_page_and_scrolls_to_the_quote";
    let Some(browser) = Browser::start(name).await else { return };
    let filler = "Another paragraph that says nothing of the matter.\n\n".repeat(80);
    let text = format!(
        "# Leave\n\n{filler}## Asking\n\nOpen **Portal > My HR** and press `Ask`.\n\n{filler}"
    );
    let world = World::holding(&[("hr/leave.md", &text)]).await;
    let start = text.find("Open **").unwrap();
    let end = text.find(" and press").unwrap();
    browser.home_as(&world, "bob").await;
    let address = format!("{}/view/hr/leave.md?start={start}&end={end}#quote", world.base);
    browser.goto(&address).await;
    assert_eq!(browser.text("h1").await, "Leave");
    assert_eq!(browser.text("article h3").await, "Asking");
    assert_eq!(browser.text("strong mark").await, "Portal > My HR");
    assert_eq!(browser.text("article code").await, "Ask");
    let place = "document.getElementById('quote').getBoundingClientRect()";
    let in_view = format!("{place}.top > 0 && {place}.bottom < innerHeight && scrollY > 500");
    browser.holds(&in_view).await;
    let facts = browser.text(".facts").await;
    assert!(facts.contains("Alice") && !facts.contains("user:"), "{facts}");
    browser.only_called(&[&world.base]).await;
}
