//! Signing in through an identity provider, in a browser: there, back, and what is left after signing out.
//!
//! The provider is another site than Vouch, and asks on a page of its own who signs in.

use serde_json::json;

use super::Browser;
use crate::idp::{CLIENT, Idp};
use crate::model::{Gate, Kind, Model, Part, Reply};
use crate::tokens::company;
use crate::world::World;

const QUESTION: &str = "When does the heliotrope open?";
const ANSWER: &str = "opens at nine";

async fn provider() -> Idp {
    let idp = Idp::called("localhost").await;
    idp.behaviour().asks = true;
    idp
}

async fn world(idp: &Idp) -> World {
    company(idp, &format!("client_id = {CLIENT:?}")).await
}

impl Browser {
    /// Says on the provider's page who it is.
    async fn tells_the_provider(&self, idp: &Idp, name: &str) {
        self.says("h1", "The provider").await;
        let at = self.client.current_url().await.expect("an address");
        assert!(at.as_str().starts_with(&format!("{}/authorize?", idp.issuer)), "{at}");
        self.shown("input[name='name']").await.send_keys(name).await.expect("a name");
        self.click("button").await;
    }

    /// Signs in from the widget.
    async fn signs_in(&self, idp: &Idp, name: &str) {
        self.says(".notices", "You are signed out").await;
        self.click(".notices .plain-button").await;
        self.tells_the_provider(idp, name).await;
        let ready = format!("chat?.server?.user === 'user:{name}@example.com'");
        self.holds(&format!("{ready} && chat.state === 'ready'")).await;
        self.says("#signed-in", &format!("{name}@example.com")).await;
    }

    /// Signs out as people do: by the link, and by the button on the page behind it.
    async fn signs_out(&self) {
        self.click("#signed-in a").await;
        self.click("form button").await;
        self.says("h1", "You are signed out").await;
    }
}

#[tokio::test]
async fn promise_3_after_a_sign_out_nothing_comes_back_and_the_next_person_finds_nothing() {
    let name = "promise_3_after_a_sign_out_nothing_comes_back_and_the_next_person_finds_nothing";
    let Some(browser) = Browser::start(name).await else { return };
    let idp = provider().await;
    let world = world(&idp).await;
    browser.goto(&format!("{}/?here=1", world.base)).await;
    browser.signs_in(&idp, "bob").await;
    let at = browser.client.current_url().await.expect("an address");
    assert_eq!(at.as_str(), format!("{}/?here=1", world.base), "back where it began");
    browser.ask(QUESTION).await;
    browser.says(".sentences", ANSWER).await;
    let document = browser.js("return $('.mark').click() ?? $('.card .view').href;").await;
    browser.js("chat.card.close();").await;

    browser.signs_out().await;
    // Back over the page with the button, to the page that held the answer.
    for _ in 0..2 {
        browser.client.back().await.expect("a page before");
    }
    browser.says(".notices", "You are signed out").await;
    let everything = browser.everything().await;
    assert!(!everything.contains(ANSWER) && !everything.contains("heliotrope"), "{everything}");

    browser.signs_in(&idp, "carla").await;
    assert_eq!(browser.count(".turn").await, 0);
    browser.click("[aria-label='Earlier conversations']").await;
    browser.says(".shelf", "no earlier conversations").await;
    assert!(!browser.everything().await.contains(ANSWER));

    // The same for a document.
    browser.goto(document.as_str().expect("an address")).await;
    browser.says("article", ANSWER).await;
    browser.goto(&world.base).await;
    browser.signs_out().await;
    for _ in 0..3 {
        browser.client.back().await.expect("a page before");
    }
    browser.says("h1", "The provider").await;
    browser.only_called(&[&world.base, &idp.issuer]).await;
}

#[tokio::test]
async fn an_owner_reaches_the_admin_pages_through_the_provider_and_sees_their_part() {
    let name = "an_owner_reaches_the_admin_pages_through_the_provider_and_sees_their_part";
    let Some(browser) = Browser::start(name).await else { return };
    let idp = provider().await;
    let world = world(&idp).await;
    browser.goto(&format!("{}/admin/sources/hr", world.base)).await;
    browser.tells_the_provider(&idp, "olga").await;
    browser.says("h1", "hr").await;
    browser.says(".who", "olga@example.com").await;
    let places = browser.text("header nav").await;
    assert!(places.contains("Sources") && !places.contains("People"), "{places}");
    // A form with the session's cookie.
    browser.click("details.act summary").await;
    let why = browser.shown("form[action$='/pause'] input[name='why']").await;
    why.send_keys("A look at it").await.expect("a reason");
    browser.click("form[action$='/pause'] button").await;
    browser.says(".notice:not(.good)", "A look at it").await;
    browser.goto(&format!("{}/admin/people", world.base)).await;
    browser.says("h1", "administrators").await;
    browser.only_called(&[&world.base, &idp.issuer]).await;
}

#[tokio::test]
async fn whoever_comes_under_another_name_of_this_machine_signs_in_as_well() {
    let name = "whoever_comes_under_another_name_of_this_machine_signs_in_as_well";
    let Some(browser) = Browser::start(name).await else { return };
    let idp = provider().await;
    let world = world(&idp).await;
    let other = world.base.replace("127.0.0.1", "localhost");
    browser.goto(&other).await;
    browser.signs_in(&idp, "bob").await;
    let at = browser.client.current_url().await.expect("an address");
    assert!(at.as_str().starts_with(&world.base), "{at}");
    browser.only_called(&[&world.base, &other, &idp.issuer]).await;
}

#[tokio::test]
async fn promise_3_a_session_that_ends_takes_everything_with_it_between_questions_and_in_an_answer()
{
    let name =
        "promise_3_a_session_that_ends_takes_everything_with_it_between_questions_and_in_an_answer";
    let Some(browser) = Browser::start(name).await else { return };
    let idp = provider().await;
    let gates = [Gate::new(), Gate::new(), Gate::new()];
    let waits = gates.clone();
    let model = Model::speaking(Kind::OpenAi, move |_, before| {
        let gate = waits.get(before).map(|gate| Part::Gate(gate.clone()));
        let first = Part::Text("The heliotrope opens at nine. [@heliotrope opens]\nIt".to_owned());
        let second = Part::Text(" opens at nine. [@heliotrope opens]".to_owned());
        Reply::of([Some(first), gate, Some(second)].into_iter().flatten().collect())
    })
    .await;
    let lines = format!("client_id = {CLIENT:?}\n{}", model.settings());
    let world = company(&idp, &lines).await;
    let nothing_is_left = async || {
        assert_eq!(browser.count(".turn").await, 0);
        assert!(!browser.everything().await.contains(ANSWER));
    };
    browser.goto(&world.base).await;
    browser.signs_in(&idp, "bob").await;

    // Expired while an answer is on its way: what began in time comes to its end, and is gone with the next
    // look.
    browser.send(QUESTION).await;
    browser.says(".sentences", ANSWER).await;
    let expire = || world.ledger().execute("UPDATE session SET expires_at = 1", []);
    expire().expect("the ledger");
    gates[0].open();
    browser.holds("!chat.underWay").await;
    browser.js("dispatchEvent(new Event('focus'));").await;
    browser.says(".notices", "You are signed out").await;
    nothing_is_left().await;

    // Between questions.
    browser.signs_in(&idp, "bob").await;
    gates[1].open();
    browser.ask(QUESTION).await;
    expire().expect("the ledger");
    browser.send("And on Sundays?").await;
    browser.says(".notices", "You are signed out").await;
    nothing_is_left().await;

    // Blocked while an answer is on its way.
    browser.signs_in(&idp, "bob").await;
    browser.send(QUESTION).await;
    browser.says(".sentences", ANSWER).await;
    let block = json!({"user": "bob@example.com", "act": "block", "why": "a test"});
    assert_eq!(world.alice().post("/v1/admin/users", &block).await.status, 200);
    gates[2].open();
    browser.holds("!chat.underWay").await;
    browser.js("dispatchEvent(new Event('focus'));").await;
    browser.says(".notices", "You are signed out").await;
    nothing_is_left().await;
    browser.click(".notices .plain-button").await;
    browser.tells_the_provider(&idp, "bob").await;
    browser.says("h1", "You are blocked").await;
    browser.goto(&world.base).await;

    // Stopped for everybody: what is on the screen stays theirs, and the next question is refused in words.
    let unblock = json!({"user": "bob@example.com", "act": "unblock", "why": "a test"});
    assert_eq!(world.alice().post("/v1/admin/users", &unblock).await.status, 200);
    browser.signs_in(&idp, "bob").await;
    browser.ask(QUESTION).await;
    assert_eq!(world.alice().post("/v1/admin/stop", &json!({"why": "a test"})).await.status, 200);
    browser.send(QUESTION).await;
    browser.says(".problem", "The assistant is stopped").await;
    browser.only_called(&[&world.base, &idp.issuer]).await;
}
