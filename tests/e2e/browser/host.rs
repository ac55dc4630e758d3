//! The widget on a page of another site, under that site's strict policy, with a token that the site's
//! server had made.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::{Browser, QUESTION};
use crate::widget::activated;
use crate::world::{Company, Person, World};

const FIRST: &str = "the-first-administrators-key-0123456789";

/// Another site: its server knows who is signed in there, and holds a key.
struct Host {
    origin: String,
    knows: Arc<Mutex<Knows>>,
}

#[derive(Default)]
struct Knows {
    vouch: String,
    intranet: Option<Person>,
    person: Option<&'static str>,
    /// How often a token was asked for.
    asked: usize,
    /// Further attributes of the tag.
    further: &'static str,
}

impl Host {
    /// Starts it; where Vouch is it learns in [`Host::uses`].
    async fn start() -> Self {
        let knows = Arc::new(Mutex::new(Knows::default()));
        #[expect(clippy::disallowed_methods, reason = "this is another server than Vouch")]
        let routes = axum::Router::new()
            .route("/", get(page))
            .route("/token", get(token))
            .route("/texts.json", get(texts))
            .with_state(Arc::clone(&knows));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, routes).await.expect("a host") });
        Self { origin, knows }
    }

    async fn uses(&self, world: &World) {
        let body = json!({"name": "intranet", "role": "widget"});
        let key = world.alice().post("/v1/admin/keys", &body).await.json();
        let mut knows = self.knows.lock().expect("no panic");
        knows.intranet = Some(world.stranger().holding(key["key"].as_str().expect("a key")));
        knows.vouch = world.base.clone();
    }

    fn signs_in(&self, person: Option<&'static str>) {
        self.knows.lock().expect("no panic").person = person;
    }
}

/// A page that trusts nothing but itself and Vouch's script.
async fn page(State(knows): State<Arc<Mutex<Knows>>>) -> Response {
    let (vouch, further) = {
        let knows = knows.lock().expect("no panic");
        (knows.vouch.clone(), knows.further)
    };
    let policy = format!(
        "default-src 'none'; script-src {vouch}; connect-src 'self' {vouch}; base-uri 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    );
    let mut page =
        String::from("<!doctype html><html lang=de><title>Elsewhere</title><h1>Werkzeuge</h1>");
    write!(
        page,
        "<script type=module src={vouch}/widget.js data-mode=launcher data-token-url=/token {further}></script>"
    )
    .expect("a text takes all");
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response()
}

async fn token(State(knows): State<Arc<Mutex<Knows>>>) -> Result<axum::Json<Value>, StatusCode> {
    let (intranet, person) = {
        let mut knows = knows.lock().expect("no panic");
        knows.asked += 1;
        (knows.intranet.clone(), knows.person)
    };
    let (intranet, person) = (intranet.expect("a key"), person.ok_or(StatusCode::UNAUTHORIZED)?);
    let reply = intranet.post("/v1/widget-token", &json!({ "user": person })).await;
    Ok(axum::Json(reply.json()))
}

/// Some of the widget's texts, in a language that it does not have.
async fn texts() -> axum::Json<Value> {
    axum::Json(json!({"lang": "fr", "placeholder": "Posez une question…", "open": "Demander"}))
}

async fn company(origins: &[&str]) -> World {
    let company = Company::holding(&[
        ("hr/staff/.access.toml", "deny = [\"user:carla\"]\n"),
        ("hr/staff/leave.md", "# Leave\n\nEmployees have 28 days of paid vacation per year.\n"),
        ("hr/guide.md", "# Guide\n\nContractors have no days of paid vacation per year.\n"),
    ]);
    let world = company.with_keys(FIRST).with_origins(origins).open().await;
    activated(&world).await;
    world
}

#[tokio::test]
async fn promise_3_on_another_site_each_visitor_asks_as_themselves() {
    let name = "promise_3_on_another_site_each_visitor_asks_as_themselves";
    let Some(browser) = Browser::start(name).await else { return };
    let host = Host::start().await;
    let world = company(&[&host.origin]).await;
    host.uses(&world).await;
    host.signs_in(Some("bob"));
    browser.goto(&host.origin).await;
    browser.click(".launcher").await;
    browser.holds("chat.state === 'ready'").await;
    browser.ask(QUESTION).await;
    browser.says(".sentences", "28 days").await;
    assert_eq!(
        browser
            .shown(".send")
            .await
            .attr("aria-label")
            .await
            .expect("it is there")
            .expect("it is there"),
        "Senden"
    );

    // The document opens in a tab of its own, with the token in a form and in no address.
    browser.click(".mark").await;
    let quote = browser.text(".card blockquote").await;
    let before = browser.client.window().await.expect("it is there");
    browser.click(".card .view").await;
    let opened = crate::world::until("a tab opens", async || {
        let all = browser.client.windows().await.ok()?;
        all.into_iter().find(|one| *one != before)
    });
    browser.client.switch_to_window(opened.await).await.expect("it is there");
    assert_eq!(browser.text("mark#quote").await, quote);
    assert!(!browser.client.current_url().await.expect("it is there").as_str().contains("vw_"));
    browser.client.close_window().await.expect("it is there");
    browser.client.switch_to_window(before).await.expect("it is there");

    // Somebody else signs in on the host's site, and then nobody is.
    host.signs_in(Some("carla"));
    browser.js("dispatchEvent(new Event('focus'));").await;
    browser.holds("chat.server.user === 'user:carla' && chat.state === 'ready'").await;
    assert!(!browser.everything().await.contains("28 days"));
    browser.ask(QUESTION).await;
    browser.says(".sentences", "Contractors").await;
    host.signs_in(None);
    browser.js("dispatchEvent(new Event('focus'));").await;
    browser.says(".notices", "niemand angemeldet").await;
    assert!(!browser.everything().await.contains("Contractors"));
    browser.only_called(&[&world.base, &host.origin]).await;
}

#[tokio::test]
async fn a_token_that_ended_is_renewed_once_and_no_key_is_ever_in_the_page() {
    let name = "a_token_that_ended_is_renewed_once_and_no_key_is_ever_in_the_page";
    let Some(browser) = Browser::start(name).await else { return };
    let host = Host::start().await;
    let world = company(&[&host.origin]).await;
    host.uses(&world).await;
    host.signs_in(Some("bob"));
    host.knows.lock().expect("no panic").further = "data-texts=/texts.json lang=en";
    browser.goto(&host.origin).await;
    browser.click(".launcher").await;
    browser.holds("chat.state === 'ready'").await;
    // The host's own words, and English where they have none.
    browser.holds("$('.composer textarea').placeholder === 'Posez une question…'").await;
    browser.says(".intro", "Every sentence names its source").await;
    let asked = || host.knows.lock().expect("no panic").asked;
    let before = asked();
    let ended = "UPDATE session SET expires_at = 1 WHERE key IS NOT NULL";
    assert!(world.ledger().execute(ended, []).expect("the ledger") > 0);
    browser.ask(QUESTION).await;
    browser.says(".sentences", "28 days").await;
    assert_eq!(asked(), before + 1, "one new token");
    let page = browser.everything().await;
    assert!(!page.contains("vk_") && !page.contains("vw_"), "{page}");

    // The key was revoked: a new token can't be had, and that is said once and not asked for ever.
    let keys = world.alice().get("/v1/admin/keys").await.json();
    let keys = keys["keys"].as_array().expect("keys");
    let widgets = keys.iter().find(|key| key["role"] == "widget").expect("the host's key");
    let id = widgets["id"].as_str().expect("an id");
    assert_eq!(world.alice().delete(&format!("/v1/admin/keys/{id}")).await.status, 200);
    let before = asked();
    browser.send(QUESTION).await;
    browser.says(".notices", "Nobody is signed in here").await;
    assert!(asked() <= before + 3, "{} times", asked() - before);
    assert!(!browser.everything().await.contains("28 days"));
    browser.only_called(&[&world.base, &host.origin]).await;
}

#[tokio::test]
async fn promise_10_on_a_site_that_is_not_listed_the_widget_gets_nothing_and_says_so() {
    let name = "promise_10_on_a_site_that_is_not_listed_the_widget_gets_nothing_and_says_so";
    let Some(browser) = Browser::start(name).await else { return };
    let mut places = Vec::new();
    for origins in [&["https://intranet.example.com"][..], &[]] {
        let host = Host::start().await;
        let world = company(origins).await;
        host.uses(&world).await;
        host.signs_in(Some("bob"));
        browser.goto(&host.origin).await;
        browser.click(".launcher").await;
        let said = browser.says(".notices", "antwortet der Assistent nicht").await;
        assert!(said.contains(&host.origin), "{said}");
        browser.shown(".composer textarea").await.send_keys(QUESTION).await.expect("a question");
        browser.click(".send").await;
        browser.holds("chat.state !== 'ready' && chat.turns.length === 0").await;
        places.extend([world.base.clone(), host.origin.clone()]);
    }
    browser.only_called(&places.iter().map(String::as_str).collect::<Vec<_>>()).await;
}
