//! Tokens for the widget: one person each, for a quarter of an hour, for readers' routes and for the
//! pages of listed sites alone.

use std::io::Read as _;

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Company, Person, World};

const FIRST: &str = "the-first-administrators-key-0123456789";
const LISTED: &str = "https://intranet.example.com";
const QUESTION: &str = "How many weeks is parental leave?";

/// The source is proposed: the first key stands for no approver. Dana's key approves it.
pub(crate) async fn activated(world: &World) {
    let body = json!({"name": "dana", "role": "reader", "user": "dana"});
    let made = world.alice().post("/v1/admin/keys", &body).await.json();
    let dana = world.stranger().holding(made["key"].as_str().expect("it is there"));
    dana.approve("hr").await;
    world.settled().await;
}

/// A company whose intranet's server holds a key: the world, the key's id, and its holder.
async fn company() -> (World, String, Person) {
    let company = Company::holding(&[
        ("hr/leave.md", "# Leave\n\nParental leave is 16 weeks.\n"),
        ("hr/secret/.access.toml", "allow = [\"user:dana\"]\n"),
        ("hr/secret/pay.md", "# Pay\n\nThe heliotrope bonus is 5 percent.\n"),
    ]);
    let world = company.with_keys(FIRST).with_origins(&[LISTED]).open().await;
    activated(&world).await;
    let body = json!({"name": "intranet", "role": "widget"});
    let made = world.alice().post("/v1/admin/keys", &body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let made = made.json();
    let intranet = world.stranger().holding(made["key"].as_str().expect("it is there"));
    (world, made["id"].as_str().expect("it is there").to_owned(), intranet)
}

async fn lent(intranet: &Person, user: &str) -> Value {
    let reply = intranet.post("/v1/widget-token", &json!({ "user": user })).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

async fn holder(intranet: &Person, user: &str) -> Person {
    intranet.holding(lent(intranet, user).await["token"].as_str().expect("it is there"))
}

#[tokio::test]
async fn promise_3_a_token_reads_as_its_one_person_and_does_nothing_else() {
    let (world, _, intranet) = company().await;
    let made = lent(&intranet, "user:dana").await;
    assert_eq!(made["user"], "user:dana");
    let ends: jiff::Timestamp =
        made["expires_at"].as_str().expect("it is there").parse().expect("it is there");
    let minutes = (ends - jiff::Timestamp::now()).total(jiff::Unit::Minute).expect("it is there");
    assert!((14.0..=15.1).contains(&minutes), "{minutes}");

    let (dana, bob) = (holder(&intranet, "dana").await, holder(&intranet, "bob").await);
    assert_eq!(dana.get("/v1/me").await.json(), json!({"user": "user:dana"}));
    assert!(dana.finds("heliotrope bonus").await.contains(&"hr/secret/pay.md".to_owned()));
    assert!(!bob.finds("heliotrope bonus").await.contains(&"hr/secret/pay.md".to_owned()));
    // Dana approves the source; a page that she looks at does not.
    assert_eq!(dana.decide("hr/leave.md", "withdraw").await.status, 404);
    assert_eq!(dana.get("/v1/admin/status").await.status, 403);
    // The key itself reads nothing, and a token makes no tokens.
    let ask = json!({ "question": QUESTION });
    assert_eq!(intranet.post("/v1/ask", &ask).await.problem().0, 403);
    let more = dana.post("/v1/widget-token", &json!({"user": "bob"})).await;
    assert_eq!(more.problem(), (403, "forbidden".to_owned()));
    // Each is recorded, with who had it made and for whom.
    let audit = world.alice().get("/v1/admin/audit").await.body;
    assert!(audit.contains("token.lend") && audit.contains("key:intranet"), "{audit}");
}

#[tokio::test]
async fn promise_4_a_token_ends_with_its_time_its_key_and_its_persons_access() {
    let (world, key, intranet) = company().await;
    let [dana, bob, late] = [
        holder(&intranet, "dana").await,
        holder(&intranet, "bob").await,
        holder(&intranet, "late").await,
    ];
    assert_eq!(late.get("/v1/me").await.status, 200);
    let past = "UPDATE session SET expires_at = 1 WHERE user = 'late'";
    assert_eq!(world.ledger().execute(past, []).expect("it is there"), 1);
    assert_eq!(late.get("/v1/me").await.problem(), (401, "unauthorized".to_owned()));

    let block = json!({"user": "bob", "act": "block", "why": "a test"});
    assert_eq!(world.alice().post("/v1/admin/users", &block).await.status, 200);
    assert_eq!(bob.get("/v1/me").await.problem(), (401, "unauthorized".to_owned()));
    let another = holder(&intranet, "bob").await;
    assert_eq!(another.get("/v1/me").await.problem(), (403, "blocked".to_owned()));

    world.alice().post("/v1/admin/stop", &json!({"why": "a test"})).await;
    assert_eq!(dana.get("/v1/me").await.problem(), (503, "stopped".to_owned()));
    world.alice().post("/v1/admin/start", &json!({})).await;
    assert_eq!(dana.get("/v1/me").await.status, 200);

    assert_eq!(world.alice().delete(&format!("/v1/admin/keys/{key}")).await.status, 200);
    assert_eq!(dana.get("/v1/me").await.problem(), (401, "unauthorized".to_owned()));
}

#[tokio::test]
async fn promise_10_a_token_counts_on_the_pages_of_listed_sites_alone() {
    let (world, _, intranet) = company().await;
    let made = lent(&intranet, "dana").await;
    let dana = intranet.holding(made["token"].as_str().expect("it is there"));
    let from = async |origin: &str| {
        let request = dana.request(Method::POST, "/v1/ask").header("origin", origin);
        dana.send(request.json(&json!({ "question": QUESTION }))).await
    };
    assert_eq!(from(LISTED).await.status, 200);
    assert_eq!(from(&world.base).await.status, 200);
    for origin in ["https://evil.example", "null", "http://intranet.example.com"] {
        assert_eq!(from(origin).await.problem(), (403, "forbidden".to_owned()), "{origin}");
    }
    // A page can't have one made either, wherever it is: that is for servers.
    let preflight = dana
        .request(Method::OPTIONS, "/v1/widget-token")
        .header("origin", LISTED)
        .header("access-control-request-method", "POST");
    let preflight = dana.send(preflight).await;
    assert_eq!(preflight.header("access-control-allow-origin"), None);
    // Only the script loads everywhere, so that the widget can say that a site is not listed.
    for origin in [LISTED, "https://evil.example"] {
        let from = |path| world.stranger().request(Method::GET, path).header("origin", origin);
        let script = world.stranger().send(from("/widget.js")).await;
        assert_eq!(script.header("access-control-allow-origin"), Some("*"));
        let other = world.stranger().send(from("/static/intranet.js")).await;
        assert_eq!(other.header("access-control-allow-origin"), None);
    }
}

#[tokio::test]
async fn a_widgets_key_stands_for_nobody_and_lends_to_people_alone() {
    let (world, _, intranet) = company().await;
    let named = json!({"name": "two", "role": "widget", "user": "dana"});
    let refused = world.alice().post("/v1/admin/keys", &named).await;
    assert_eq!(refused.problem(), (422, "key_incomplete".to_owned()));
    for user in ["", "everyone", "group:hr", "user:group:hr", " dana"] {
        let refused = intranet.post("/v1/widget-token", &json!({ "user": user })).await;
        assert_eq!(refused.problem(), (422, "bad_user".to_owned()), "{user}");
    }
}

#[tokio::test]
async fn the_script_is_small_and_kept_by_browsers_until_it_changes() {
    let world = Company::holding(&[]).open().await;
    let script = world.stranger().get("/widget.js").await;
    assert_eq!(script.header("content-type"), Some("text/javascript"));
    let packed = async |accepted: &str| {
        let request = world.stranger().request(Method::GET, "/widget.js");
        let request = request.header("accept-encoding", accepted);
        let reply = request.send().await.expect("an answer");
        let gzip = reply.headers().get("content-encoding").is_some_and(|coding| coding == "gzip");
        assert_eq!(reply.headers()["vary"], "accept-encoding");
        (gzip, reply.bytes().await.expect("a body"))
    };
    let (gzip, small) = packed("br, gzip;q=0.9, deflate").await;
    assert!(gzip && (1000..40_000).contains(&small.len()), "{} bytes", small.len());
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(&small[..]).read_to_string(&mut unpacked).expect("a text");
    assert_eq!(unpacked, script.body);
    for other in ["identity", "br", "gzip;q=0", ""] {
        assert_eq!(packed(other).await, (false, script.body.clone().into()), "{other}");
    }
    // What is said to one person alone is never packed.
    let request = world.bob().request(Method::GET, "/v1/me").header("accept-encoding", "gzip");
    assert_eq!(world.bob().send(request).await.header("content-encoding"), None);
    let known = script.header("etag").expect("it is there");
    let request = world.stranger().request(Method::GET, "/widget.js");
    let again = world.stranger().send(request.header("if-none-match", known)).await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
}
