//! Every route that the running router has, called by every kind of caller: each gets what the route's
//! declared policy says, and nothing else. People sign in as in a demo, and again with an identity
//! provider; `snapshots/e2e__matrix__callers.snap` and `…_of_a_provider.snap` are the tables to read.
//!
//! A route without a row in [`rows`] fails. So does a declared route that the router does not serve,
//! and a method that it serves without a declaration.

mod callers;
mod company;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};
use vouch::http::{Declared, Policy, declared};

use crate::world::{Company, Reply, World, source};
use callers::Kind::{
    Administrator, AdministratorsKey, Approver, Blocked, Expired, Owner, Reader, WrongAudience,
};
use callers::{KINDS, Kind, promised};
use company::{CANARY, Matrix, folder};

/// What a call sends.
enum Body {
    Nothing,
    Json(Value),
    Form(&'static str),
    File,
}

/// How a route is called, so that whoever may call it succeeds. `{f}` is a folder source, `{p}` a push
/// source, `{key}` a key, `{answer}` the reader's answer and `{conversation}` one of the reader's
/// conversations; `{x}` is the caller's letter.
struct Row {
    method: Method,
    pattern: &'static str,
    path: String,
    body: Body,
    /// The status for those who may.
    ok: u16,
    /// Who may this besides those whom the policy names.
    also: &'static [Kind],
    /// The status for those whose credential does not count.
    turned_away: u16,
}

fn row(method: Method, pattern: &'static str, path: &str, ok: u16) -> Row {
    let path = path.to_owned();
    Row { method, pattern, path, body: Body::Nothing, ok, also: &[], turned_away: 401 }
}

fn get(pattern: &'static str, path: &str) -> Row {
    row(Method::GET, pattern, path, 200)
}

fn post(pattern: &'static str, path: &str, body: Value) -> Row {
    row(Method::POST, pattern, path, 200).sending(Body::Json(body))
}

/// What a form on a page sends: the browser is sent on to a page afterwards.
fn form(pattern: &'static str, path: &str, body: &'static str) -> Row {
    row(Method::POST, pattern, path, 303).sending(Body::Form(body))
}

impl Row {
    fn sending(self, body: Body) -> Self {
        Self { body, ..self }
    }

    fn answering(self, ok: u16) -> Self {
        Self { ok, ..self }
    }

    fn also(self, also: &'static [Kind]) -> Self {
        Self { also, ..self }
    }

    fn text(&self) -> String {
        let body = match &self.body {
            Body::Json(body) => body.to_string(),
            Body::Form(body) => (*body).to_owned(),
            Body::Nothing | Body::File => String::new(),
        };
        format!("{} {body}", self.path)
    }

    fn is_of(&self, route: &Declared) -> bool {
        self.method == route.method && self.pattern == route.path
    }

    /// What this caller is promised here.
    fn promised(&self, policy: Policy, kind: Kind) -> Result<(), u16> {
        match promised(policy, kind) {
            Err(_) if self.also.contains(&kind) => Ok(()),
            Err(401) => Err(self.turned_away),
            promised => promised,
        }
    }

    /// The same call where an identity provider signs people in: there browsers are sent to it, nobody
    /// can be played, and who somebody is needs a credential.
    fn with_a_provider(self, policy: Policy) -> (Policy, Self) {
        match (self.pattern, policy) {
            ("/signin/who", _) => (Policy::Anybody, self.answering(200)),
            ("/signin/callback", _) => (policy, self.answering(422)),
            ("/signin/key", _) if self.method == Method::GET => (policy, self.answering(200)),
            (_, Policy::SignIn) => (policy, self.answering(303)),
            (_, Policy::Demo) => (policy, self.answering(404)),
            ("/view/{source}/{*path}", _) if self.method == Method::GET => {
                (policy, Self { turned_away: 303, ..self })
            }
            _ => (policy, self),
        }
    }
}

const CONVERSATION: &str = "/v1/conversations/{id}";
const SOURCE: &str = "/v1/admin/sources/{id}";
const PUSHED: &str = "/v1/admin/sources/{id}/documents/{*path}";

/// The routes of readers and pages.
fn readers_rows() -> Vec<Row> {
    let document = |pattern, at: &str| get(pattern, &format!("{at}/{{p}}/leave.md"));
    vec![
        post("/v1/ask", "/v1/ask", json!({"question": "How many weeks is parental leave?"})),
        post("/v1/search", "/v1/search", json!({"query": "parental leave"})),
        document("/v1/documents/{source}/{*path}", "/v1/documents"),
        document("/view/{source}/{*path}", "/view"),
        row(Method::POST, "/view/{source}/{*path}", "/view/{p}/leave.md", 200),
        post("/v1/feedback", "/v1/feedback", json!({"answer": "{answer}", "verdict": "right"})),
        get("/v1/conversations", "/v1/conversations"),
        get(CONVERSATION, "/v1/conversations/{conversation}"),
        row(Method::DELETE, CONVERSATION, "/v1/conversations/{conversation}", 200),
        get("/v1/models", "/v1/models"),
        get("/v1/models/{id}", "/v1/models/vouch"),
        post(
            "/v1/chat/completions",
            "/v1/chat/completions",
            json!({"messages": [{"role": "user", "content": "How many weeks is parental leave?"}]}),
        ),
        get("/v1/me", "/v1/me"),
        post("/mcp", "/mcp", json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})),
        post("/v1/widget-token", "/v1/widget-token", json!({"user": "bob"})),
        get("/demo/people", "/demo/people"),
        post("/signin", "/signin", json!({"user": "bob"})),
        // In demo mode no identity provider signs browsers in.
        get("/signin", "/signin").answering(404),
        get("/signin/callback", "/signin/callback?code=1&state=2").answering(404),
        get("/signin/who", "/signin/who").answering(404),
        get("/signin/key", "/signin/key").answering(404),
        // The key that the provider's company has.
        form("/signin/key", "/signin/key", "key=the-first-administrators-key-0123456789")
            .answering(404),
        post("/signout", "/signout", json!({})),
        // Nobody here is in Slack.
        post("/slack/events", "/slack/events", json!({})).answering(404),
        post("/slack/commands", "/slack/commands", json!({})).answering(404),
        post("/slack/interactivity", "/slack/interactivity", json!({})).answering(404),
    ]
}

/// The admin pages of those who look after sources. Their forms come before the API's calls, which can do
/// each of it once more.
fn pages_rows() -> Vec<Row> {
    let of_source =
        |pattern, act: &str, body| form(pattern, &format!("/admin/sources/{{f}}/{act}"), body);
    vec![
        get("/admin", "/admin"),
        get("/admin/sources", "/admin/sources"),
        get("/admin/sources/{id}", "/admin/sources/{f}"),
        get("/admin/documents/{source}/{*path}", "/admin/documents/{f}/leave.md"),
        get("/admin/approvals", "/admin/approvals"),
        get("/admin/approvals/{source}/{*path}", "/admin/approvals/{f}/leave.md"),
        form("/admin/approvals", "/admin/approvals", "target={f}/leave.md&act=approve"),
        get("/admin/access", "/admin/access?user=user:bob&document={f}/leave.md"),
        of_source("/admin/sources/{id}/sync", "sync", ""),
        of_source("/admin/sources/{id}/pause", "pause", "why=a+test"),
        of_source("/admin/sources/{id}/resume", "resume", ""),
        form("/admin/sources/{id}/revoke", "/admin/sources/{r}/revoke", "why=a+test"),
    ]
}

/// The admin pages of administrators and auditors.
fn house_rows() -> Vec<Row> {
    vec![
        get("/admin/audit", "/admin/audit?document={p}/leave.md"),
        get("/admin/audit/verify", "/admin/audit/verify"),
        get("/admin/questions", "/admin/questions"),
        get("/admin/generations", "/admin/generations"),
        form("/admin/reindex", "/admin/reindex", "dry_run=1").answering(200),
        form("/admin/rollback", "/admin/rollback", "generation={generation}"),
        get("/admin/people", "/admin/people"),
        form("/admin/users", "/admin/users", "user=nobody-{x}&act=block&why=a+test"),
        form("/admin/stop", "/admin/stop", "why=a+test"),
        form("/admin/start", "/admin/start", ""),
    ]
}

/// The routes about sources, in an order in which each can succeed.
fn sources_rows() -> Vec<Row> {
    let of_source = |pattern, act: &str| {
        post(pattern, &format!("/v1/admin/sources/{{f}}/{act}"), json!({"why": "a test"}))
    };
    let decide = |target: &str, act: &str| {
        let body = json!({"target": target, "act": act, "why": "a test"});
        post("/v1/admin/approvals", "/v1/admin/approvals", body)
    };
    let pushed = "/v1/admin/sources/{p}/documents";
    vec![
        get("/v1/admin/sources", "/v1/admin/sources"),
        post("/v1/admin/sources", "/v1/admin/sources", source("n-{x}", &json!({"kind": "push"})))
            .answering(201),
        get(SOURCE, "/v1/admin/sources/{f}"),
        get("/v1/admin/sources/{id}/documents", "/v1/admin/sources/{f}/documents"),
        get(
            "/v1/admin/access/explain",
            "/v1/admin/access/explain?user=user:bob&document={f}/leave.md",
        ),
        row(Method::PUT, SOURCE, "/v1/admin/sources/{f}", 200)
            .sending(Body::Json(source("{f}", &folder()))),
        of_source("/v1/admin/sources/{id}/sync", "sync").answering(202),
        get("/v1/admin/approvals", "/v1/admin/approvals?source={f}"),
        get("/v1/admin/approvals/{source}/{*path}", "/v1/admin/approvals/{f}/leave.md"),
        decide("{f}/leave.md", "approve"),
        decide("{p}/leave.md", "withdraw").also(&[Administrator, AdministratorsKey]),
        row(Method::PUT, PUSHED, &format!("{pushed}/new.md"), 202).sending(Body::File),
        row(Method::DELETE, PUSHED, &format!("{pushed}/leave.md"), 200),
        of_source("/v1/admin/sources/{id}/pause", "pause"),
        of_source("/v1/admin/sources/{id}/resume", "resume"),
        of_source("/v1/admin/sources/{id}/revoke", "revoke"),
        row(Method::DELETE, SOURCE, "/v1/admin/sources/{f}", 200),
    ]
}

/// The other routes of administrators and auditors.
fn administrators_rows() -> Vec<Row> {
    let named = |pattern: &'static str| get(pattern, pattern);
    let group = json!({"group": "g-{x}", "add": ["user:bob"]});
    let groups = json!({"groups": [{"group": "l-{x}", "members": ["user:bob"]}]});
    let key = json!({"name": "another-{x}", "role": "auditor"});
    let block = json!({"user": "nobody-{x}", "act": "block", "why": "a test"});
    let stop = json!({"why": "a test"});
    vec![
        named("/v1/admin/groups"),
        post("/v1/admin/groups", "/v1/admin/groups", group),
        post("/v1/admin/groups/load", "/v1/admin/groups/load", groups),
        named("/v1/admin/users"),
        post("/v1/admin/users", "/v1/admin/users", block),
        post("/v1/admin/reindex", "/v1/admin/reindex", json!({"dry_run": true})),
        named("/v1/admin/generations"),
        // One administrator goes back to the first generation, and one forward again.
        post("/v1/admin/rollback", "/v1/admin/rollback", json!({"generation": "{generation}"})),
        get("/v1/admin/audit", "/v1/admin/audit?document={p}/leave.md"),
        named("/v1/admin/audit/verify"),
        post("/v1/admin/audit/erase", "/v1/admin/audit/erase", json!({"user": "nobody-{x}"})),
        named("/v1/admin/status"),
        named("/v1/admin/keys"),
        post("/v1/admin/keys", "/v1/admin/keys", key).answering(201),
        row(Method::DELETE, "/v1/admin/keys/{id}", "/v1/admin/keys/{key}", 200),
        // Last, since it is for everybody.
        post("/v1/admin/stop", "/v1/admin/stop", stop),
        post("/v1/admin/start", "/v1/admin/start", json!({})),
    ]
}

/// Every call, in order. What is open to all and names nothing needs no row.
fn rows() -> Vec<(Declared, Row)> {
    let written =
        [readers_rows(), pages_rows(), sources_rows(), house_rows(), administrators_rows()];
    let mut rows: Vec<Row> = written.into_iter().flatten().collect();
    let mut all = Vec::new();
    let routes = declared();
    for row in rows.drain(..) {
        let route = routes.iter().find(|route| row.is_of(route)).cloned();
        let gone = || panic!("{} {} is in the matrix and nowhere else", row.method, row.pattern);
        all.push((route.unwrap_or_else(gone), row));
    }
    let seen: BTreeSet<Declared> = all.iter().map(|(route, _)| route.clone()).collect();
    for route in routes.into_iter().filter(|route| !seen.contains(route)) {
        let plain = route.policy == Policy::Open && !route.path.contains('{');
        assert!(
            plain && route.method == Method::GET,
            "{} {} has no row: say in tests/e2e/matrix.rs how it is called",
            route.method,
            route.path
        );
        let path = route.path.clone();
        all.push((route, Row { path, ..get("", "") }));
    }
    all
}

#[tokio::test]
async fn promise_1_every_route_answers_every_kind_of_caller_as_its_policy_says() {
    insta::assert_snapshot!("callers", table(&Matrix::of_a_demo().await, rows()).await);
}

#[tokio::test]
async fn promise_1_every_route_does_so_where_an_identity_provider_signs_people_in() {
    let rows = rows().into_iter().map(|(route, row)| {
        let (policy, row) = row.with_a_provider(route.policy);
        (Declared { policy, ..route }, row)
    });
    let matrix = Matrix::of_a_provider().await;
    insta::assert_snapshot!("callers_of_a_provider", table(&matrix, rows.collect()).await);
}

/// Makes every call, and the table of how they ended.
async fn table(matrix: &Matrix, rows: Vec<(Declared, Row)>) -> String {
    let mut table = line("method", "route", "policy");
    for kind in KINDS {
        write!(table, "{:>11}", kind.heading()).expect("text can be written");
    }
    table.push('\n');
    let mut wrong = Vec::new();
    for (route, row) in &rows {
        let act = match &row.body {
            Body::Json(body) => body["act"].as_str().unwrap_or_default(),
            Body::Nothing | Body::Form(_) | Body::File => "",
        };
        let called = format!("{} {act}", route.path);
        table.push_str(&line(route.method.as_str(), &called, route.policy.name()));
        for kind in KINDS {
            if route.path.ends_with("/admin/start") && row.promised(route.policy, kind).is_ok() {
                matrix.stop(true).await;
            }
            let reply = matrix.call(row, kind, true).await;
            write!(table, "{:>11}", reply.status).expect("text can be written");
            if let Err(why) = as_promised(route, row, kind, &reply) {
                let body = reply.body.chars().take(300).collect::<String>();
                wrong.push(format!(
                    "{} {} as {kind:?}: {why}\n    {body}",
                    route.method,
                    row.text()
                ));
            }
        }
        table.push('\n');
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    table
}

/// The head of a line of the table.
fn line(method: &str, route: &str, policy: &str) -> String {
    format!("{method:<8}{route:<49}{policy:<14}")
}

/// Whether a reply is what the route's policy says.
fn as_promised(route: &Declared, row: &Row, kind: Kind, reply: &Reply) -> Result<(), String> {
    let promised = row.promised(route.policy, kind);
    let expected = promised.err().unwrap_or(row.ok);
    if reply.status != expected {
        return Err(format!("{} instead of {expected}", reply.status));
    }
    if promised.is_err() && route.described {
        let (_, code) = reply.problem();
        let named = match expected {
            401 if code == "token_expired" => kind == Expired,
            401 if code == "bad_token" => kind == WrongAudience,
            401 => code == "unauthorized",
            403 if kind == Blocked => code == "blocked",
            404 => code == "not_found",
            503 => code == "stopped",
            _ => true,
        };
        if !named {
            return Err(format!("the code {code}"));
        }
    }
    if (expected == 401) != reply.header("www-authenticate").is_some() {
        return Err("`WWW-Authenticate` belongs to 401, and to nothing else".to_owned());
    }
    // An auditor reads what was shown to others, and an approver what waits: that is what these
    // routes are for.
    let shows_text = matches!(route.policy, Policy::Auditor | Policy::ItsApproverAlone);
    let may_read = kind == Reader || (shows_text && promised.is_ok());
    if reply.body.contains(CANARY) && !may_read {
        return Err("it holds what this caller may not see".to_owned());
    }
    Ok(())
}

#[tokio::test]
async fn promise_5_missing_and_forbidden_give_the_same_bytes_on_every_route() {
    let matrix = Matrix::of_a_demo().await;
    let mut compared = 0;
    for (route, row) in &rows() {
        let names = ["{f}", "{p}", "{r}", "{key}", "{answer}", "{conversation}"];
        if !names.iter().any(|name| row.text().contains(name)) {
            continue;
        }
        for kind in KINDS {
            // Whoever keeps the source knows that it is there: a 403, or a list with it, tells
            // them nothing new.
            let promised = row.promised(route.policy, kind);
            let keeps = kind.administers() || matches!(kind, Approver | Owner);
            let by_source =
                matches!(route.policy, Policy::Anybody | Policy::ItsOwner | Policy::ItsApprover);
            let knows = keeps && by_source && promised != Err(404);
            if knows || (promised.is_ok() && route.policy != Policy::Anybody) {
                continue;
            }
            let forbidden = matrix.call(row, kind, true).await;
            let missing = matrix.call(row, kind, false).await;
            let nameless = |reply: &Reply, there| {
                // A source is called `r-p`, and so is a part of this header.
                let bytes = reply.bytes().replace("referrer-policy", "referrer");
                names.iter().fold(bytes, |bytes, name| {
                    bytes.replace(&matrix.filled(name, kind, there), "NAME")
                })
            };
            assert_eq!(
                nameless(&forbidden, true),
                nameless(&missing, false),
                "{} {} as {kind:?}",
                route.method,
                row.text()
            );
            compared += 1;
        }
    }
    assert!(compared > 100, "only {compared} pairs were compared");
}

/// A pattern with something in the place of each parameter.
fn concrete(pattern: &str) -> String {
    let some = |part: &str| if part.starts_with('{') { "some".to_owned() } else { part.to_owned() };
    pattern.split('/').map(some).collect::<Vec<_>>().join("/")
}

async fn small_company() -> World {
    Company::holding(&[("hr/leave.md", "# Leave\n\nParental leave is 16 weeks.\n")]).open().await
}

#[tokio::test]
async fn promise_10_no_other_site_can_change_anything_with_a_visitors_cookie() {
    let world = small_company().await;
    let stranger = world.stranger();
    let mut tried = 0;
    for route in declared() {
        // No cookie counts for Slack; its routes are missing here.
        if route.method == Method::GET || route.policy == Policy::Slack {
            continue;
        }
        let send = async |name: &'static str, value: &str| {
            let request = stranger
                .request(route.method.clone(), &concrete(&route.path))
                .header("cookie", "vouch_demo=alice")
                .header(name, value)
                .json(&json!({"user": "bob"}));
            stranger.send(request).await
        };
        let elsewhere = world.base.replace("127.0.0.1", "localhost");
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", elsewhere.as_str()),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("x-nothing", "at all"),
        ] {
            let reply = send(name, value).await;
            let said = format!("{} {} with {name}: {value}", route.method, route.path);
            assert_eq!(reply.problem().0, 403, "{said}");
            assert!(reply.body.contains("another site"), "{said}: {}", reply.body);
            assert_eq!(reply.header("set-cookie"), None, "{said}");
        }
        let own = send("origin", &world.base).await;
        assert!(!own.body.contains("another site"), "{}: {}", route.path, own.body);
        tried += 1;
    }
    assert!(tried > 15, "{tried}");
}

#[tokio::test]
async fn a_method_that_is_not_declared_is_refused_with_those_that_are_and_echoes_nothing() {
    let world = small_company().await;
    let all = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
        Method::TRACE,
    ];
    let routes = declared();
    let paths: BTreeSet<&str> = routes.iter().map(|route| route.path.as_str()).collect();
    for path in paths {
        let of_path = |method: &Method| {
            routes.iter().any(|route| route.path == path && route.method == *method)
        };
        for caller in [world.stranger(), world.alice()] {
            for method in all.iter().filter(|method| !of_path(method)) {
                let request = caller
                    .request(method.clone(), &concrete(path))
                    .header("x-echo", "an-echo-of-the-request");
                let reply = caller.send(request).await;
                let said = format!("{method} {path}");
                assert_eq!(reply.problem(), (405, "method_not_allowed".to_owned()), "{said}");
                assert!(!reply.bytes().contains("an-echo-of-the-request"), "{said}");
                let allow = reply.header("allow").unwrap_or_default();
                let declared = all.iter().filter(|method| of_path(method));
                for method in declared {
                    assert!(allow.contains(method.as_str()), "{said}: allow is `{allow}`");
                }
            }
            // HEAD is GET without the content, for the same callers.
            if of_path(&Method::GET) {
                let get = caller.get(&concrete(path)).await;
                let head = caller.send(caller.request(Method::HEAD, &concrete(path))).await;
                assert_eq!(head.status, get.status, "HEAD {path}");
                assert_eq!(head.body, "", "HEAD {path}");
            }
        }
    }
}

#[tokio::test]
async fn what_belongs_to_demo_mode_to_a_provider_or_to_slack_is_missing_elsewhere() {
    let first = "the-first-administrators-key-0123456789";
    let world = Company::holding(&[]).with_keys(first).open().await;
    let mut tried = 0;
    let special = |route: &Declared| {
        let of_a_mode = matches!(route.policy, Policy::Demo | Policy::Slack);
        of_a_mode || route.path == "/signin/callback"
    };
    for route in declared().into_iter().filter(special) {
        for caller in [world.stranger(), world.alice()] {
            let request = caller
                .request(route.method.clone(), &concrete(&route.path))
                .header("origin", &world.base);
            let request = if route.method == Method::GET {
                request
            } else {
                request.json(&json!({"user": "bob"}))
            };
            let reply = caller.send(request).await;
            let nowhere = caller.get("/nowhere").await;
            assert_eq!(reply.bytes(), nowhere.bytes(), "{} {}", route.method, route.path);
            tried += 1;
        }
    }
    assert!(tried > 0);
}
