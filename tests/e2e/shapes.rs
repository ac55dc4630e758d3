//! The shapes on the wire, as snapshots: who changes one sees it in review. And what holds for every
//! route: a credential is needed, and nothing may be kept or put into a frame.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Company, World};

async fn company() -> World {
    Company::holding(&[
        ("hr/leave.md", "---\nlastmod: 2026-01-05\n---\n# Leave\n\n## Parental leave\n\nParental leave is 16 weeks.\n"),
        ("hr/broken.pdf", "not a PDF"),
    ])
    .with_source("hr", &json!({"review_every": "5000d"}))
    .open()
    .await
}

/// Replaces what differs from run to run: ids, hashes, times, durations.
fn redacted(value: &Value) -> Value {
    const TIMES: &[&str] = &[
        "approved_at",
        "modified_at",
        "seen_at",
        "last_sync",
        "started_at",
        "finished_at",
        "review_due",
        "created_at",
    ];
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| {
                let shown = match key.as_str() {
                    "version" if value.as_str().is_some_and(|text| text.starts_with("sha256:")) => {
                        json!("[hash]")
                    }
                    "version" => json!("[version]"),
                    "live_version" | "newest_version" | "head" => json!("[hash]"),
                    "id" if value.as_str().is_some_and(|text| text.starts_with("ans_")) => {
                        json!("[id]")
                    }
                    "took_ms" | "uptime_s" => json!("[number]"),
                    "score" => json!("[score]"),
                    key if TIMES.contains(&key) && value.is_string() => json!("[time]"),
                    _ => redacted(value),
                };
                (key.clone(), shown)
            })
            .collect(),
        Value::Array(list) => list.iter().map(redacted).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[tokio::test]
async fn the_shapes_on_the_wire_are_the_contracts() {
    let world = company().await;
    let (alice, bob) = (world.alice(), world.bob());
    insta::assert_json_snapshot!(
        "answer",
        redacted(&bob.ask("How many weeks is parental leave?").await)
    );
    let missing = bob.ask("Who won the football match on Saturday?").await;
    insta::assert_json_snapshot!("answer_not_found", redacted(&missing));
    let body = json!({"query": "parental"});
    insta::assert_json_snapshot!("search", redacted(&bob.post("/v1/search", &body).await.json()));
    let document = bob.get("/v1/documents/hr/leave.md").await.json();
    insta::assert_json_snapshot!("document", redacted(&document));
    insta::assert_json_snapshot!("status", redacted(&alice.get("/v1/admin/status").await.json()));
    insta::assert_json_snapshot!(
        "source",
        redacted(&alice.get("/v1/admin/sources/hr").await.json())
    );
    let documents = alice.get("/v1/admin/sources/hr/documents").await.json();
    insta::assert_json_snapshot!("source_documents", redacted(&documents));
    insta::assert_json_snapshot!("readyz", world.stranger().get("/readyz").await.json());
    let problems = [
        world.stranger().get("/v1/documents/hr/leave.md").await.json(),
        bob.get("/v1/documents/hr/nothing.md").await.json(),
        bob.get("/v1/admin/status").await.json(),
        bob.post("/v1/ask", &json!({"question": ""})).await.json(),
    ];
    insta::assert_json_snapshot!("problems", problems);
}

/// Every route of the description, with its methods.
async fn routes(world: &World) -> Vec<(String, String)> {
    let described = world.stranger().get("/openapi.json").await.json();
    let paths = described["paths"].as_object().expect("paths");
    let mut all = Vec::new();
    for (path, operations) in paths {
        for method in operations.as_object().expect("operations").keys() {
            all.push((method.to_uppercase(), path.clone()));
        }
    }
    all
}

#[tokio::test]
async fn the_description_lists_every_route() {
    let world = company().await;
    insta::assert_json_snapshot!("routes", routes(&world).await);
}

#[tokio::test]
async fn promise_1_every_route_but_the_open_ones_needs_a_credential() {
    let world = company().await;
    let mut all = routes(&world).await;
    assert!(all.len() > 25, "{all:?}");
    all.extend([("GET".to_owned(), "/view/hr/leave.md".to_owned())]);
    for (method, path) in all {
        let open = ["/healthz", "/readyz"].contains(&path.as_str());
        let path =
            path.replace("{source}", "hr").replace("{id}", "hr").replace("{path}", "leave.md");
        let method: Method = method.parse().unwrap();
        for person in
            [world.stranger(), world.bob().holding("demo:nobody"), world.bob().holding("vk_wrong")]
        {
            let request = person.request(method.clone(), &path);
            let request = if method == Method::GET { request } else { request.json(&json!({})) };
            let reply = person.send(request).await;
            assert_eq!(
                reply.status,
                if open { 200 } else { 401 },
                "{method} {path}: {}",
                reply.body
            );
            assert!(!reply.body.contains("16 weeks"));
            assert_eq!(open, reply.header("www-authenticate").is_none(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn promise_10_pages_load_nothing_from_elsewhere_and_markup_in_documents_is_text() {
    let hostile = "# <script>alert(1)</script>\n\nThe <img src=https://evil.example/x> heliotrope [link](javascript:alert(1)).\n";
    let world = World::holding(&[("hr/hostile.md", hostile)]).await;
    let page = world.bob().get("/view/hr/hostile.md?start=0&end=20").await;
    assert_eq!(page.status, 200);
    assert!(!page.body.contains("<script>alert") && !page.body.contains("<img"), "{}", page.body);
    assert!(
        !page.body.contains("href=\"javascript") && !page.body.contains("href=\"https"),
        "{}",
        page.body
    );
    for path in ["/", "/view/hr/hostile.md", "/v1/documents/hr/hostile.md", "/static/intranet.js"] {
        let reply = world.bob().get(path).await;
        assert_eq!(reply.status, 200, "{path}");
        let policy = reply.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        // A file is the same for everybody; what is shown of documents is kept nowhere.
        let kept = if path.starts_with("/static") { "no-cache" } else { "no-store" };
        assert_eq!(reply.header("cache-control"), Some(kept), "{path}");
        assert_eq!(reply.header("referrer-policy"), Some("same-origin"));
    }
    // Quotes that are no piece of the text highlight nothing and break nothing.
    for place in ["start=5&end=2", "start=0&end=999999", "start=999999&end=9999999", "start=1"] {
        assert_eq!(
            world.bob().get(&format!("/view/hr/hostile.md?{place}")).await.status,
            200,
            "{place}"
        );
    }
}

#[tokio::test]
async fn promise_10_a_change_with_the_switchs_cookie_must_come_from_vouchs_own_page() {
    let world = company().await;
    let ask = |origin: Option<&str>| {
        let stranger = world.stranger();
        let request = stranger.request(Method::POST, "/v1/ask").header("cookie", "vouch_demo=bob");
        let request = match origin {
            Some(origin) => request.header("origin", origin),
            None => request,
        };
        request.json(&json!({"question": "How many weeks is parental leave?"}))
    };
    let stranger = world.stranger();
    assert_eq!(stranger.send(ask(Some("https://evil.example"))).await.problem().0, 403);
    assert_eq!(stranger.send(ask(None)).await.problem().0, 403);
    assert_eq!(stranger.send(ask(Some(&world.base))).await.status, 200);
    let signin = stranger.request(Method::POST, "/signin").header("origin", &world.base);
    let reply = stranger.send(signin.json(&json!({"user": "bob"}))).await;
    let cookie = reply.header("set-cookie").expect("a cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
}
