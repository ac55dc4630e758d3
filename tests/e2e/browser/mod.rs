//! What people see: the page at `/` with the widget, and the viewer, in a real Chromium through
//! chromedriver.
//!
//! Every address that the browser asks for is recorded, and each test ends by looking at all of them
//! ([`Browser::only_called`]). Where either program is missing these tests say so loudly and pass:
//! `.ci/run` installs both.

mod accessible;
mod admin;
mod admin_keyboard;
mod admin_states;
mod asking;
mod host;
mod hostile;
mod keys;
mod people;
mod provider;
mod states;
mod streaming;
mod viewer;

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use fantoccini::elements::{Element, ElementRef};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::world::{Company, World, loudly, until};

const QUESTION: &str = "How many days of paid vacation do I have per year?";

/// Under which name WebDriver gives an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// What every script can use: the widget, and elements in it or else in the page.
const PRELUDE: &str = "
    const chat = document.querySelector('vouch-chat'), root = chat?.shadowRoot;
    const $$ = (css) => [...(root?.querySelectorAll(css) ?? []), ...document.querySelectorAll(css)];
    const $ = (css) => $$(css)[0] ?? null;
";

/// A chromedriver of the test's own, with one browser.
struct Browser {
    driver: Child,
    address: String,
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
        let wishes =
            json!({"goog:chromeOptions": options, "goog:loggingPrefs": {"performance": "ALL"}});
        let address = format!("http://127.0.0.1:{}", port.expect("a port"));
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(wishes.as_object().expect("an object").clone())
            .connect(&address)
            .await
            .expect("a browser");
        Some(Self { driver, address, client, _profile: profile })
    }

    /// Opens a page.
    async fn goto(&self, address: &str) {
        self.client.goto(address).await.expect("a page");
    }

    /// What a script returns; it can use what [`PRELUDE`] has.
    async fn js(&self, script: &str) -> Value {
        let script = format!("{PRELUDE} {script}");
        self.client
            .execute(&script, vec![])
            .await
            .unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits until a script returns true.
    async fn holds(&self, script: &str) {
        let script = format!("{PRELUDE} return {script};");
        until(&format!("`{script}` holds"), async || {
            let held = self.client.execute(&script, vec![]).await.ok()?;
            (held == true).then_some(())
        })
        .await;
    }

    /// The first element that fits, as soon as it is there and can be seen.
    async fn shown(&self, css: &str) -> Element {
        let script = format!("{PRELUDE} return $({css:?});");
        until(&format!("`{css}` is shown"), async || {
            let found = self.client.execute(&script, vec![]).await.ok()?;
            let reference = found.get(ELEMENT)?.as_str()?.to_owned();
            let element =
                Element::from_element_id(self.client.clone(), ElementRef::from(reference));
            element.is_displayed().await.unwrap_or(false).then_some(element)
        })
        .await
    }

    async fn text(&self, css: &str) -> String {
        self.shown(css).await.text().await.expect("a text")
    }

    async fn click(&self, css: &str) {
        self.shown(css).await.click().await.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    async fn count(&self, css: &str) -> u64 {
        self.js(&format!("return $$({css:?}).length;")).await.as_u64().expect("a count")
    }

    /// Everything that the page and the widget hold, seen or not.
    async fn everything(&self) -> String {
        let script = "return document.documentElement.outerHTML + (root?.innerHTML ?? '');";
        self.js(script).await.as_str().expect("a text").to_owned()
    }

    /// Chooses who asks.
    async fn become_person(&self, user: &str) {
        self.shown("#person").await.select_by_value(user).await.expect("a person");
        self.holds(&format!("chat.server?.user === 'user:{user}' && chat.state === 'ready'")).await;
    }

    /// Opens the first page and chooses who asks.
    async fn home_as(&self, world: &World, user: &str) {
        self.goto(&world.base).await;
        self.become_person(user).await;
    }

    /// Types a question and sends it.
    async fn send(&self, question: &str) {
        let field = self.shown(".composer textarea").await;
        field.clear().await.expect("an empty field");
        field.send_keys(question).await.expect("a question");
        self.click(".send").await;
    }

    /// Asks, and waits for the whole answer.
    async fn ask(&self, question: &str) {
        self.send(question).await;
        self.holds("chat.turns.length > 0 && !chat.underWay").await;
        self.shown(".turn:last-child .searched").await;
    }

    /// Waits until an element says this. Sentences fade in, and what can't be seen yet has no text.
    async fn says(&self, css: &str, words: &str) -> String {
        let script = format!("{PRELUDE} return $({css:?})?.innerText ?? '';");
        until(&format!("`{css}` says `{words}`"), async || {
            let text = self.client.execute(&script, vec![]).await.ok()?;
            text.as_str().filter(|text| text.contains(words)).map(str::to_owned)
        })
        .await
    }

    /// Presses keys, wherever the focus is.
    async fn press(&self, keys: &[char]) {
        let mut pressed = Vec::new();
        for key in keys {
            pressed.push(json!({"type": "keyDown", "value": key}));
            pressed.push(json!({"type": "keyUp", "value": key}));
        }
        let actions = json!({"actions": [{"type": "key", "id": "keys", "actions": pressed}]});
        self.command("actions", &actions).await;
    }

    /// Goes back with the tabulator until this has the focus.
    async fn tab_back_to(&self, css: &str) {
        let (shift, tab) = ('\u{e008}', '\u{e004}');
        let key = |kind: &str, key: char| json!({"type": kind, "value": key});
        let pressed =
            [key("keyDown", shift), key("keyDown", tab), key("keyUp", tab), key("keyUp", shift)];
        let actions = json!({"actions": [{"type": "key", "id": "keys", "actions": pressed}]});
        for _ in 0..40 {
            self.command("actions", &actions).await;
            let focused = format!("return root?.activeElement?.matches({css:?}) === true;");
            if self.js(&focused).await == true {
                return;
            }
        }
        panic!("`{css}` can't be reached with the keyboard");
    }

    /// A command of chromedriver's own, below its session.
    async fn command(&self, path: &str, body: &Value) -> Value {
        let session = self.client.session_id().await.expect("a session").expect("a session");
        let url = format!("{}/session/{session}/{path}", self.address);
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let reply = http.post(url).json(body).send().await.expect("an answer");
        let reply: Value = reply.json().await.expect("JSON");
        assert!(reply["value"]["error"].is_null(), "{path}: {reply}");
        reply["value"].clone()
    }

    /// A command to the browser itself.
    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.command("goog/cdp/execute", &json!({"cmd": command, "params": parameters})).await
    }

    /// Checks that nothing but these places was ever called.
    async fn only_called(&self, places: &[&str]) {
        let log = self.command("se/log", &json!({"type": "performance"})).await;
        let mut calls = 0;
        for entry in log.as_array().expect("a log") {
            let entry = entry["message"].as_str().expect("a message");
            let entry: Value = serde_json::from_str(entry).expect("JSON");
            let message = &entry["message"];
            if message["method"] != "Network.requestWillBeSent" {
                continue;
            }
            let url = message["params"]["request"]["url"].as_str().expect("an address");
            let own =
                ["data:", "blob:", "chrome:", "about:"].iter().any(|kind| url.starts_with(kind));
            assert!(own || places.iter().any(|place| url.starts_with(place)), "{url} was called");
            calls += 1;
        }
        assert!(calls > 0, "the recording is empty");
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
