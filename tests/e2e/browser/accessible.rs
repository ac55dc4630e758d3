//! Every page and state, light and dark, looked at by axe-core: no violation of WCAG 2.2 at levels A
//! and AA.

use serde_json::{Value, json};

use super::{Browser, QUESTION, company};
use crate::world::loudly;

/// The rules of WCAG 2.2 at levels A and AA.
pub(super) const LEVELS: &[&str] = &["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/// The script of axe-core, or a loud word that a test did not run without it.
pub(super) fn axe(test: &str) -> Option<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/target/axe");
    let versions = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let found =
        versions.map(|version| version.path().join("axe.min.js")).find(|file| file.exists());
    let Some(file) = found else {
        loudly(&format!("`{test}` DID NOT RUN: axe-core is missing; scripts/fetch-axe brings it"));
        return None;
    };
    Some(std::fs::read_to_string(file).expect("axe-core can be read"))
}

impl Browser {
    /// Checks the page as it is now by these rules, or all rules with these tags.
    pub(super) async fn is_accessible(&self, axe: &str, rules: &[&str], state: &str) {
        if self.js("return typeof axe;").await == "undefined" {
            self.js(&format!("window.eval = null; {axe}; window.axe = axe;")).await;
        }
        let look = format!(
            "return axe.run(document, {{ runOnly: {} }})
            .then((found) => ({{ passes: found.passes.length, wrong: found.violations.map((one) =>
                `${{one.id}}: ${{one.nodes.map((node) => `${{node.target}} ${{node.failureSummary}}`).join('; ')}}`) }}));",
            json!(rules)
        );
        let found: Value = self.js(&look).await;
        assert_eq!(found["wrong"], json!([]), "{state}");
        let least = if rules == LEVELS { 5 } else { 0 };
        assert!(found["passes"].as_u64().is_some_and(|passes| passes > least), "{state}: {found}");
    }
}

#[tokio::test]
async fn every_page_and_state_is_accessible_in_light_and_dark() {
    let name = "every_page_and_state_is_accessible_in_light_and_dark";
    let Some(axe) = axe(name) else { return };
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    let row = |cell: &str| format!("|{}\n", format!(" {cell} |").repeat(30));
    let table = format!("# Table\n\n{}{}{}", row("a_long_head"), row("---"), row("a_long_cell"));
    world.write("hr/table.md", &table);
    world.sync("hr").await;
    for scheme in ["light", "dark"] {
        let media = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        browser.devtools("Emulation.setEmulatedMedia", media).await;
        let look = async |state: &str| {
            browser.is_accessible(&axe, LEVELS, &format!("{state}, {scheme}")).await
        };
        browser.goto(&world.base).await;
        browser.shown("#person").await.select_by_value("").await.unwrap();
        browser.says(".notices", "Nobody is signed in").await;
        look("nobody is signed in").await;
        browser.become_person("bob").await;
        look("nothing asked yet").await;
        browser.ask(QUESTION).await;
        look("an answer").await;
        browser.click(".mark").await;
        let address = browser.shown(".card .view").await.attr("href").await.unwrap().unwrap();
        look("a source").await;
        browser.js("chat.card.close();").await;
        browser.click(".verdicts button:last-child").await;
        browser.says(".said", "noted").await;
        look("what is wrong").await;
        browser.ask(&"Is there a swimming pool in Lisbon? ".repeat(60)).await;
        browser.shown(".nothing").await;
        browser.holds("$('.turn:last-child .question').tabIndex === 0").await;
        look("nothing found, after a long question").await;
        let long = "const [citation] = chat.turns[0].citations.values();
            chat.card.open({...citation, quote: 'A long line of a quote.\\n'.repeat(60)}, $('.mark'), '');";
        browser.js(long).await;
        browser.holds("$('.card blockquote').tabIndex === 0").await;
        look("a source with a long quote").await;
        browser.js("chat.card.close();").await;
        browser.click("[aria-label='Earlier conversations']").await;
        browser.shown(".past").await;
        look("earlier conversations").await;
        browser.click(".shelf li .icon").await;
        look("deleting a conversation").await;
        browser.click("[aria-label='Back']").await;
        browser.click("#launch").await;
        browser.holds("chat.panel.open").await;
        look("the launcher's panel").await;
        for page in [address.as_str(), "/view/hr/table.md", "/view/hr/nothing.md", "/signout"] {
            let page = if page.starts_with('/') {
                format!("{}{page}", world.base)
            } else {
                page.to_owned()
            };
            browser.goto(&page).await;
            look(&page).await;
        }
    }
    browser.only_called(&[&world.base]).await;
}
