//! Signing in with a browser, through the provider and back, as a browser would: step by step.

use reqwest::{Method, Url};
use serde_json::json;

use crate::idp::{CLIENT, Idp};
use crate::tokens::company;
use crate::world::{Person, Reply, World};

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
        let cookies: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self.person.request(method, path).header("cookie", cookies.join("; "));
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
async fn without_a_client_there_is_no_sign_in_for_browsers() {
    let idp = Idp::start().await;
    let world = company(&idp, "").await;
    let mut browser = Browser::at(&world);
    for path in ["/signin", "/signin/callback?code=1&state=2", "/signin/who"] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
    assert_eq!(browser.get("/view/news/office.md").await.status, 401);
}
