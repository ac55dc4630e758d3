//! The page at `/` and the viewer, in a real Chromium through chromedriver.
//!
//! Where either program is missing these tests say so loudly and pass: `.ci/run` installs both.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;

use crate::world::{Company, World, loudly, until};

const QUESTION: &str = "How many days of paid vacation do I have per year?";

/// A chromedriver of the test's own, with one browser.
struct Browser {
    driver: Child,
    client: Client,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts both, or says loudly that they aren't there.
    async fn start(test: &str) -> Option<Self> {
        let chromium = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| {
            Command::new(name)
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok()
        });
        let driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn();
        let (Some(chromium), Ok(mut driver)) = (chromium, driver) else {
            loudly(&format!(
                "`{test}` DID NOT RUN: chromium and chromedriver are not both installed"
            ));
            return None;
        };
        let mut lines = BufReader::new(driver.stdout.take().expect("a pipe")).lines();
        let port = lines.find_map(|line| {
            let line = line.expect("it speaks");
            let (_, port) = line.split_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        std::thread::spawn(move || lines.count());
        let profile = tempfile::tempdir().expect("a temporary folder");
        let flags = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--window-size=1200,900",
        ];
        let mut flags: Vec<String> = flags.map(str::to_owned).to_vec();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        let binary = Command::new("which").arg(chromium).output().expect("which runs").stdout;
        let options = json!({"args": flags, "binary": String::from_utf8_lossy(&binary).trim()});
        let wishes = json!({"goog:chromeOptions": options});
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(wishes.as_object().expect("an object").clone())
            .connect(&format!("http://127.0.0.1:{}", port.expect("a port")))
            .await
            .expect("a browser");
        Some(Self { driver, client, _profile: profile })
    }

    /// The first element that fits, as soon as it is there and can be seen.
    async fn shown(&self, css: &str) -> Element {
        until(&format!("`{css}` is shown"), async || {
            let element = self.client.find(Locator::Css(css)).await.ok()?;
            element.is_displayed().await.unwrap_or(false).then_some(element)
        })
        .await
    }

    async fn text(&self, css: &str) -> String {
        self.shown(css).await.text().await.expect("a text")
    }

    async fn count(&self, css: &str) -> usize {
        self.client.find_all(Locator::Css(css)).await.expect("a count").len()
    }

    /// Chooses who asks.
    async fn become_person(&self, user: &str) {
        self.shown("#person").await.select_by_value(user).await.expect("a person");
        until("the page knows who asks", async || {
            let cookies = self.client.get_all_cookies().await.ok()?;
            cookies.iter().any(|cookie| cookie.value() == user).then_some(())
        })
        .await;
    }

    async fn ask(&self, question: &str) {
        let form = self.shown("#question").await;
        form.clear().await.expect("an empty field");
        form.send_keys(question).await.expect("a question");
        self.shown("#ask").await.click().await.expect("a click");
        self.shown(".searched").await;
    }

    /// Waits until an element says this. Sentences fade in, and what can't be seen yet has no text.
    async fn says(&self, css: &str, words: &str) -> String {
        until(&format!("`{css}` says `{words}`"), async || {
            let element = self.client.find(Locator::Css(css)).await.ok()?;
            element.text().await.ok().filter(|text| text.contains(words))
        })
        .await
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver leads a group of its own, with the browser and all of its processes in it.
        let group = format!("-{}", self.driver.id());
        let ended = Command::new("kill").args(["-KILL", "--", &group]).status();
        drop((ended, self.driver.wait()));
    }
}

async fn company() -> World {
    Company::holding(&[
        ("hr/staff/.access.toml", "deny = [\"group:contractors\"]\n"),
        (
            "hr/staff/leave.md",
            "# Leave\n\n## Vacation\n\nEmployees have 28 days of paid vacation per year.\n",
        ),
        (
            "hr/guide.md",
            "# Contractor guide\n\nContractors have no days of paid vacation per year.\n",
        ),
    ])
    .open()
    .await
}

#[tokio::test]
async fn a_reader_asks_opens_a_citation_and_sees_the_quote_in_its_document() {
    let name = "a_reader_asks_opens_a_citation_and_sees_the_quote_in_its_document";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.client.goto(&world.base).await.unwrap();
    browser.become_person("bob").await;
    browser.ask(QUESTION).await;
    browser.says(".sentences", "28 days").await;
    assert!(browser.count(".sentence .mark").await > 0, "every sentence has a mark");
    browser.shown(".sentence .mark").await.click().await.unwrap();
    let quote = browser.text(".source-body .quote").await;
    assert!(quote.contains("paid vacation"), "{quote}");
    let link = browser.shown(".source-body .open-link").await;
    let address = link.attr("href").await.unwrap().unwrap();
    browser.client.goto(&format!("{}{address}", world.base)).await.unwrap();
    assert_eq!(browser.text("mark#quote").await, quote);
}

#[tokio::test]
async fn promise_3_another_person_sees_nothing_of_the_answer_before() {
    let name = "promise_3_another_person_sees_nothing_of_the_answer_before";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.client.goto(&world.base).await.unwrap();
    browser.become_person("bob").await;
    browser.ask(QUESTION).await;
    browser.says(".sentences", "28 days").await;
    browser.become_person("carla").await;
    until("the answer is gone", async || (browser.count(".answer").await == 0).then_some(())).await;
    assert!(!browser.client.source().await.unwrap().contains("28 days"));
    browser.ask(QUESTION).await;
    browser.says(".sentences", "Contractors").await;
    assert!(!browser.client.source().await.unwrap().contains("28 days"));
}

#[tokio::test]
async fn a_reader_for_whom_nothing_is_found_is_told_whom_to_ask() {
    let name = "a_reader_for_whom_nothing_is_found_is_told_whom_to_ask";
    let Some(browser) = Browser::start(name).await else { return };
    let world = World::holding(&[("hr/guide.md", "# Guide\n\nThe office opens at nine.\n")]).await;
    browser.client.goto(&world.base).await.unwrap();
    browser.become_person("carla").await;
    browser.ask("Does the office have a swimming pool in Lisbon?").await;
    let said = browser.text(".nothing").await;
    assert!(said.contains("Nothing was found") && said.contains("Alice"), "{said}");
    assert_eq!(browser.count(".sentence").await, 0);
}

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
    browser.client.goto(&world.base).await.unwrap();
    browser.become_person("bob").await;
    let address = format!("{}/view/hr/leave.md?start={start}&end={end}#quote", world.base);
    browser.client.goto(&address).await.unwrap();
    assert_eq!(browser.text("h1").await, "Leave");
    assert_eq!(browser.text("article h3").await, "Asking");
    assert_eq!(browser.text("strong mark").await, "Portal > My HR");
    assert_eq!(browser.text("article code").await, "Ask");
    let in_view = "const place = document.getElementById('quote').getBoundingClientRect();
        return place.top > 0 && place.bottom < innerHeight && scrollY > 500;";
    until("the quote is in view", async || {
        let seen = browser.client.execute(in_view, vec![]).await.ok()?;
        seen.as_bool().unwrap_or(false).then_some(())
    })
    .await;
    let facts = browser.text(".facts").await;
    assert!(facts.contains("Alice") && !facts.contains("user:"), "{facts}");
}
