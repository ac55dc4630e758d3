//! Signing in with a browser, through the provider and back, as a browser would: step by step.

use reqwest::{Method, RequestBuilder, Url};
use serde_json::{Value, json};

use crate::idp::{CLIENT, Idp};
use crate::tokens::company;
use crate::world::{Company, Person, Reply, World};

/// A browser: it keeps cookies and goes where it is sent, one step at a time.
struct Browser {
    person: Person,
    cookies: Vec<(String, String)>,
}

impl Browser {
    fn at(world: &World) -> Self {
        Self { person: world.stranger(), cookies: Vec::new() }
    }

    async fn send(&mut self, method: Method, path: &str, origin: Option<&str>) -> Reply {
        let request = self.person.request(method, path);
        self.sends(request, origin).await
    }

    async fn send_form(&mut self, path: &str, form: String, origin: Option<&str>) -> Reply {
        let request = self.person.request(Method::POST, path).body(form);
        let kind = "application/x-www-form-urlencoded";
        self.sends(request.header("content-type", kind), origin).await
    }

    async fn sends(&mut self, mut request: RequestBuilder, origin: Option<&str>) -> Reply {
        let cookies: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request = request.header("cookie", cookies.join("; "));
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let reply = self.person.send(request).await;
        for set in reply.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = set
                .1
                .split(';')
                .next()
                .expect("a sound test")
                .split_once('=')
                .expect("a sound test");
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        reply
    }

    /// Sends the form with a key, as the page does.
    async fn with_key(&mut self, key: &str, back: &str, origin: Option<&str>) -> Reply {
        let mut form = Url::parse("form:?").expect("a sound test");
        form.query_pairs_mut().append_pair("key", key).append_pair("back", back);
        let form = form.query().expect("a sound test").to_owned();
        self.send_form("/signin/key", form, origin).await
    }

    async fn get(&mut self, path: &str) -> Reply {
        self.send(Method::GET, path, None).await
    }

    fn holds(&self, name: &str) -> bool {
        self.cookies.iter().any(|(known, _)| known == name)
    }

    /// Begins to sign in, goes through the provider, and gives the address to come back to.
    async fn through(&mut self, idp: &Idp, path: &str) -> String {
        let begun = self.get(path).await;
        assert_eq!(begun.status, 303, "{begun:?}");
        let to = begun.header("location").expect("a sound test");
        assert!(to.starts_with(&format!("{}/authorize?", idp.issuer)), "{to}");
        let provider = Person::new(&idp.issuer, None);
        let sent = provider.get(to.strip_prefix(&idp.issuer).expect("a sound test")).await;
        assert_eq!(sent.status, 303, "{sent:?}");
        let back: Url =
            sent.header("location").expect("a sound test").parse().expect("a sound test");
        assert_eq!(back.path(), "/signin/callback");
        format!("{}?{}", back.path(), back.query().expect("a sound test"))
    }
}

async fn world(idp: &Idp) -> World {
    company(idp, &format!("client_id = {CLIENT:?}")).await
}

fn is(idp: &Idp, name: &str, groups: &[&str]) {
    let claims = idp.claims(name);
    idp.behaviour().person =
        json!({"sub": claims["sub"], "email": claims["email"], "groups": groups});
}

#[tokio::test]
async fn a_browser_signs_in_reads_and_signs_out() {
    let idp = Idp::start().await;
    let world = world(&idp).await;
    is(&idp, "bob", &["hr"]);
    let mut browser = Browser::at(&world);
    let wanted = "/view/hr/pay.md?start=0&end=4";
    let sent = browser.get(wanted).await;
    assert_eq!(sent.status, 303, "a page asks to sign in first: {sent:?}");
    let signin = sent.header("location").unwrap().to_owned();
    let callback = browser.through(&idp, &signin).await;
    let done = browser.get(&callback).await;
    assert_eq!((done.status, done.header("location")), (303, Some(wanted)), "{done:?}");
    let session =
        done.headers.iter().find(|(_, value)| value.starts_with("__Host-vouch=")).unwrap();
    for attribute in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age="] {
        assert!(session.1.split("; ").any(|part| part.starts_with(attribute)), "{session:?}");
    }
    assert!(!session.1.contains("Domain"), "{session:?}");
    assert!(!browser.holds("__Host-vouch-signin"));
    assert_eq!(browser.get(wanted).await.status, 200);
    let who = browser.get("/signin/who").await;
    assert_eq!(who.json(), json!({"user": "user:bob@example.com"}));

    let own = world.base.clone();
    for (origin, status) in
        [(Some("https://evil.example"), 403), (None, 403), (Some(own.as_str()), 200)]
    {
        let reply = browser.send(Method::DELETE, "/v1/admin/keys/none", origin).await;
        assert_eq!(reply.problem().0, 403);
        let crossed = reply.body.contains("another site");
        assert_eq!(crossed, status == 403, "{origin:?}: {}", reply.body);
    }
    let hash = browser.cookies.iter().find(|(name, _)| name == "__Host-vouch").unwrap().1.clone();
    let stored: String =
        world.ledger().query_row("SELECT hash FROM session", [], |row| row.get(0)).unwrap();
    assert_ne!(stored, hash, "the cookie itself is not stored");

    assert_eq!(browser.get("/signout").await.status, 200);
    assert_eq!(browser.get("/signin/who").await.status, 200, "a link signs nobody out");
    let foreign = browser.send(Method::POST, "/signout", Some("https://evil.example")).await;
    assert_eq!(foreign.problem().0, 403);
    let kept = browser.cookies.clone();
    assert_eq!(browser.send(Method::POST, "/signout", Some(&own)).await.status, 200);
    assert!(!browser.holds("__Host-vouch"));
    browser.cookies = kept;
    assert_eq!(browser.get("/signin/who").await.problem().0, 401, "a kept cookie is of no use");
}

#[tokio::test]
async fn a_sign_in_counts_once_and_only_in_the_browser_that_began_it() {
    let idp = Idp::start().await;
    let world = world(&idp).await;
    is(&idp, "bob", &[]);
    let refused = async |browser: &mut Browser, callback: &str, code: &str| {
        let reply = browser.get(callback).await;
        assert!(reply.status == 401 || reply.status == 422, "{code}: {reply:?}");
        assert!(!browser.holds("__Host-vouch"), "{code}");
        assert!(reply.body.contains("<h1>"), "said on a page: {}", reply.body);
    };
    let mut victim = Browser::at(&world);
    let mut attacker = Browser::at(&world);
    let callback = attacker.through(&idp, "/signin").await;
    refused(&mut victim, &callback, "no sign-in begun here").await;
    drop(victim.get("/signin").await);
    refused(&mut victim, &callback, "another state").await;
    let stateless = callback.replace("state=", "nostate=");
    refused(&mut attacker, &stateless, "no state").await;
    let elsewhere =
        format!("{}&iss=https%3A%2F%2Fevil.example", callback.split("&iss=").next().unwrap());
    refused(&mut attacker, &elsewhere, "another issuer").await;
    let stolen = callback.replace("code-1", "code-2");
    refused(&mut attacker, &stolen, "a code that was never issued").await;
    let failed = callback.replace("code=code-1", "error=access_denied");
    refused(&mut attacker, &failed, "the person said no").await;

    let pending = attacker.cookies.clone();
    assert_eq!(attacker.get(&callback).await.status, 303);
    attacker.cookies = pending;
    refused(&mut attacker, &callback, "a code twice").await;

    let mut other = Browser::at(&world);
    let callback = other.through(&idp, "/signin").await;
    // The verifier is the third part of what waits; another one is not what the code was asked with.
    let (_, value) =
        other.cookies.iter_mut().find(|(name, _)| name == "__Host-vouch-signin").unwrap();
    let mut parts: Vec<_> = value.split('.').map(str::to_owned).collect();
    parts[2] = "0".repeat(64);
    *value = parts.join(".");
    refused(&mut other, &callback, "another verifier").await;
}

#[tokio::test]
async fn an_id_token_that_is_not_for_this_sign_in_is_refused() {
    let idp = Idp::start().await;
    let world = world(&idp).await;
    is(&idp, "bob", &[]);
    for (case, twist) in [
        ("another nonce", json!({"nonce": "0"})),
        ("no nonce", json!({"nonce": null})),
        ("another client", json!({"aud": "wiki"})),
        ("made for the API", json!({"aud": "vouch"})),
        ("for several, and another asked", json!({"aud": [CLIENT, "wiki"], "azp": "wiki"})),
        ("another issuer", json!({"iss": "https://idp.example.com"})),
        ("expired", json!({"exp": 1})),
        ("too old", json!({"iat": 1})),
        ("issued nobody knows when", json!({"iat": null})),
        ("not verified", json!({"email_verified": false})),
        ("of another subject", json!({"sub": "subject-of-another", "email": "dana@example.com"})),
    ] {
        let mut browser = Browser::at(&world);
        idp.behaviour().twist = twist;
        let callback = browser.through(&idp, "/signin").await;
        let reply = browser.get(&callback).await;
        assert!(matches!(reply.status, 401 | 403), "{case}: {reply:?}");
        assert!(!browser.holds("__Host-vouch"), "{case}");
    }
}

#[tokio::test]
async fn nobody_is_sent_to_another_site() {
    let idp = Idp::start().await;
    let world = world(&idp).await;
    is(&idp, "bob", &[]);
    for back in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/%09/evil.example",
        "/.//evil.example",
        "javascript:alert(1)",
        "",
    ] {
        let mut browser = Browser::at(&world);
        let mut address = Url::parse("http://x/signin").unwrap();
        address.query_pairs_mut().append_pair("back", back);
        let path = format!("/signin?{}", address.query().unwrap());
        let callback = browser.through(&idp, &path).await;
        let done = browser.get(&callback).await;
        let to = done.header("location").unwrap();
        assert!(to == "/" || to.starts_with("/%09"), "{back}: {to}");
    }
}

#[tokio::test]
async fn a_block_ends_the_session_and_the_session_ends_with_the_groups() {
    let idp = Idp::start().await;
    let world = world(&idp).await;
    is(&idp, "bob", &["hr"]);
    let mut browser = Browser::at(&world);
    let callback = browser.through(&idp, "/signin").await;
    assert_eq!(browser.get(&callback).await.status, 303);
    let left: i64 = world
        .ledger()
        .query_row("SELECT expires_at - created_at FROM session", [], |row| row.get(0))
        .unwrap();
    assert!(left <= 300, "no longer than the token: {left}");
    let ledger = world.ledger();
    ledger
        .execute("INSERT INTO block VALUES ('bob@example.com', 'user:x', 'why', 0, NULL)", [])
        .unwrap();
    assert_eq!(browser.get("/view/news/office.md").await.status, 403);
    let callback = browser.through(&idp, "/signin").await;
    let reply = browser.get(&callback).await;
    assert_eq!(reply.status, 403, "a blocked person can't sign in again: {reply:?}");
    ledger.execute("DELETE FROM block", []).unwrap();
    ledger.execute("UPDATE session SET expires_at = 1", []).unwrap();
    assert_eq!(browser.get("/signin/who").await.problem().0, 401);
    assert_eq!(browser.get("/view/news/office.md").await.status, 303, "it is renewed");
}

#[tokio::test]
async fn without_a_client_browsers_sign_in_with_keys_alone() {
    let idp = Idp::start().await;
    let world = company(&idp, "").await;
    let mut browser = Browser::at(&world);
    let asked = browser.get("/signin").await;
    assert!(asked.status == 200 && asked.body.contains("API key"), "{asked:?}");
    assert_eq!(browser.get("/signin/callback?code=1&state=2").await.problem().0, 404);
    assert_eq!(browser.get("/signin/who").await.problem().0, 401);
    let sent = browser.get("/view/news/office.md").await;
    assert_eq!(sent.header("location"), Some("/signin?back=%2Fview%2Fnews%2Foffice.md"));
}

const FIRST: &str = "the-first-administrators-key-0123456789";

/// A company that knows keys alone, with a document for Bob.
async fn company_of_keys() -> World {
    let change = json!({"access": {"allow": ["user:bob"]}, "approvers": ["user:dana"]});
    let company = Company::holding(&[("hr/pay.md", "# Pay\n\nThe heliotrope is paid monthly.\n")]);
    let world = company.with_source("hr", &change).with_keys(FIRST).open().await;
    let dana = key(&world, json!({"name": "dana", "role": "reader", "user": "dana"})).await;
    world.alice().holding(&dana.1).approve("hr").await;
    world.settled().await;
    world
}

/// Makes a key: its id, and the key.
async fn key(world: &World, body: Value) -> (String, String) {
    let made = world.alice().post("/v1/admin/keys", &body).await.json();
    let text = |name: &str| made[name].as_str().expect("a text").to_owned();
    (text("id"), text("key"))
}

#[tokio::test]
async fn a_key_opens_a_session_with_what_the_key_may_and_nothing_more() {
    let world = company_of_keys().await;
    let own = world.base.clone();
    let keys = [
        (FIRST.to_owned(), "key:bootstrap", "/admin", [200, 200, 403]),
        (
            key(&world, json!({"name": "ops", "role": "administrator"})).await.1,
            "key:ops",
            "/admin",
            [200, 200, 403],
        ),
        (
            key(&world, json!({"name": "eye", "role": "auditor"})).await.1,
            "key:eye",
            "/admin",
            [403, 200, 403],
        ),
        (
            key(&world, json!({"name": "bob", "role": "reader", "user": "bob"})).await.1,
            "user:bob",
            "/",
            [403, 403, 200],
        ),
    ];
    for (key, who, start, statuses) in &keys {
        let mut browser = Browser::at(&world);
        let sent = browser.get("/admin/people").await;
        assert_eq!(sent.status, 401, "a program is not sent anywhere");
        let done = browser.with_key(&format!(" {key}\n"), "/", Some(&own)).await;
        assert_eq!((done.status, done.header("location")), (303, Some(*start)), "{done:?}");
        let cookie = done.header("set-cookie").expect("a cookie");
        for attribute in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=28800"] {
            assert!(cookie.split("; ").any(|part| part == attribute), "{cookie}");
        }
        assert!(!done.bytes().contains(key.as_str()), "the key comes back nowhere");
        assert_eq!(browser.get("/signin/who").await.json(), json!({ "user": who }));
        let places = ["/v1/admin/users", "/v1/admin/audit", "/view/hr/pay.md"];
        for (place, status) in places.into_iter().zip(statuses) {
            assert_eq!(browser.get(place).await.status, *status, "{who} at {place}");
        }
        let foreign = browser.send(Method::POST, "/v1/admin/stop", Some("https://evil.example"));
        assert!(foreign.await.body.contains("another site"), "{who}");
        assert_eq!(browser.send(Method::POST, "/signout", Some(&own)).await.status, 200);
        assert_eq!(browser.get("/signin/who").await.problem().0, 401, "{who}");
    }
    // Who opened a session is in the audit; what it was opened with is nowhere in the ledger's file.
    let audit = world.alice().get("/v1/admin/audit?limit=200").await.body;
    for (key, who, _, _) in keys {
        assert!(audit.contains(who) && audit.contains("session.open"), "{who}: {audit}");
        for file in ["ledger.sqlite", "ledger.sqlite-wal"] {
            let bytes = std::fs::read(world.data().join(file)).unwrap_or_default();
            let held = bytes.windows(key.len()).any(|part| part == key.as_bytes());
            assert!(!held, "{who}'s key stands in {file}");
        }
    }
}

#[tokio::test]
async fn promise_4_a_session_ends_with_the_key_that_opened_it() {
    let world = company_of_keys().await;
    let own = world.base.clone();
    let signed_in = async |key: &str| {
        let mut browser = Browser::at(&world);
        assert_eq!(browser.with_key(key, "/admin", Some(&own)).await.status, 303);
        assert_eq!(browser.get("/signin/who").await.status, 200);
        browser
    };
    let bobs = json!({"name": "bob", "role": "reader", "user": "bob"});
    let (id, revoked) = key(&world, bobs).await;
    let mut browser = signed_in(&revoked).await;
    assert_eq!(world.alice().delete(&format!("/v1/admin/keys/{id}")).await.status, 200);
    assert_eq!(browser.get("/view/hr/pay.md").await.status, 303, "it has to sign in again");

    let soon = json!({"name": "soon", "role": "administrator", "expires": "1d"});
    let (id, expired) = key(&world, soon).await;
    let mut browser = signed_in(&expired).await;
    let past = "UPDATE api_key SET expires_at = 1 WHERE id = ?1";
    assert_eq!(world.ledger().execute(past, [id]).expect("the ledger"), 1);
    assert_eq!(browser.get("/signin/who").await.problem().0, 401);

    let (_, blocked) = key(&world, json!({"name": "b", "role": "reader", "user": "bob"})).await;
    let mut browser = signed_in(&blocked).await;
    let mut other = Browser::at(&world);
    let block = json!({"user": "bob", "act": "block", "why": "a test"});
    assert_eq!(world.alice().post("/v1/admin/users", &block).await.status, 200);
    assert_ne!(browser.get("/view/hr/pay.md").await.status, 200);
    let refused = other.with_key(&blocked, "/", Some(&own)).await;
    assert!(refused.status == 403 && refused.header("set-cookie").is_none(), "{refused:?}");

    // Another first key than the one that opened it: here the proof in the ledger no longer fits.
    let mut browser = signed_in(FIRST).await;
    world.ledger().execute("UPDATE session SET proof = 'another'", []).expect("the ledger");
    assert_eq!(browser.get("/signin/who").await.problem().0, 401);
}

#[tokio::test]
async fn promise_10_what_is_no_key_of_a_person_who_may_look_opens_nothing_and_says_nothing() {
    let world = company_of_keys().await;
    let own = world.base.clone();
    let pusher = json!({"name": "ci", "role": "pusher", "source": "hr"});
    let (_, pusher) = key(&world, pusher).await;
    let (_, widget) = key(&world, json!({"name": "site", "role": "widget"})).await;
    let site = world.alice().holding(&widget);
    let lent = site.post("/v1/widget-token", &json!({"user": "bob"})).await.json();
    let lent = lent["token"].as_str().expect("a token").to_owned();
    let (id, revoked) = key(&world, json!({"name": "old", "role": "auditor"})).await;
    assert_eq!(world.alice().delete(&format!("/v1/admin/keys/{id}")).await.status, 200);
    let mut browser = Browser::at(&world);
    let mut said = Vec::new();
    for wrong in ["vk_nothing", "", "demo:alice", &pusher, &widget, &lent, &revoked] {
        let reply = browser.with_key(wrong, "/", Some(&own)).await;
        assert_eq!((reply.status, reply.header("set-cookie")), (401, None), "{wrong}: {reply:?}");
        said.push(reply.bytes());
    }
    said.dedup();
    assert_eq!(said.len(), 1, "all are refused in the same words: {said:?}");

    for origin in [None, Some("https://evil.example"), Some("null")] {
        let reply = browser.with_key(FIRST, "/", origin).await;
        assert!(reply.problem().0 == 403 && !browser.holds("__Host-vouch"), "{origin:?}");
    }
    for back in ["https://evil.example/", "//evil.example", "/\\evil.example"] {
        let reply = browser.with_key(FIRST, back, Some(&own)).await;
        assert_eq!(reply.header("location"), Some("/"), "{back}");
    }
    // A browser would not keep this session, so the page says why.
    let plain = Browser::at(&world).with_key(FIRST, "/", Some("http://vouch.example")).await;
    assert_eq!(plain.status, 403, "it is another site's, unless a proxy passes the name on");

    // The cookie of one kind does not pass for the bearer of another.
    let (_, value) = browser.cookies.iter().find(|(name, _)| name == "__Host-vouch").unwrap();
    let bearer = world.alice().holding(value);
    assert_eq!(bearer.get("/v1/admin/status").await.problem().0, 401);

    let mut last = 0;
    for _ in 0..40 {
        last = browser.with_key("vk_nothing", "/", Some(&own)).await.status;
    }
    assert_eq!(last, 429, "who tries many has to wait");
}
