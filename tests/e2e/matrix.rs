//! Every route that the running router has, called by every kind of caller: each gets what the route's
//! declared policy says, and nothing else. `snapshots/e2e__matrix__callers.snap` is the table to read.
//!
//! A route without a row in [`rows`] fails. So does a declared route that the router does not serve,
//! and a method that it serves without a declaration.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};
use vouch::http::{Declared, Policy, declared};

use crate::world::{Company, Person, Reply, World, source, until};

/// Stands in the documents, which the reader alone may see, and in no question.
const CANARY: &str = "heliotrope";
const MISSING_ANSWER: &str = "ans_01J00000000000000000000000";
const MISSING_KEY: &str = "k_00000000000000000000000000";

/// A kind of caller. Those whose credential does not count come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Nobody,
    ExpiredKey,
    WrongAudience,
    RevokedKey,
    Reader,
    OtherReader,
    Approver,
    Owner,
    Auditor,
    Administrator,
    AdministratorsKey,
    PushersKey,
}

use Kind::{
    Administrator, AdministratorsKey, Approver, Auditor, ExpiredKey, Nobody, OtherReader, Owner,
    PushersKey, Reader, RevokedKey, WrongAudience,
};

const KINDS: [Kind; 12] = [
    Nobody,
    ExpiredKey,
    WrongAudience,
    RevokedKey,
    Reader,
    OtherReader,
    Approver,
    Owner,
    Auditor,
    Administrator,
    AdministratorsKey,
    PushersKey,
];

impl Kind {
    fn heading(self) -> &'static str {
        match self {
            Nobody => "none",
            ExpiredKey => "expired",
            WrongAudience => "wrong-aud",
            RevokedKey => "revoked",
            Reader => "reader",
            OtherReader => "other",
            Approver => "approver",
            Owner => "owner",
            Auditor => "auditor",
            Administrator => "admin",
            AdministratorsKey => "admin-key",
            PushersKey => "pusher-key",
        }
    }

    /// A letter for the things that this caller's calls are about: what one call changes must not
    /// decide how the next one ends.
    fn letter(self) -> char {
        char::from(b'a' + self as u8)
    }

    fn administers(self) -> bool {
        matches!(self, Administrator | AdministratorsKey)
    }

    fn counts(self) -> bool {
        !matches!(self, Nobody | ExpiredKey | WrongAudience | RevokedKey)
    }

    fn is_a_person(self) -> bool {
        self.counts() && !matches!(self, AdministratorsKey | PushersKey)
    }
}

/// What a policy promises a caller, written down once more and without a look at the product.
fn promised(policy: Policy, kind: Kind) -> Result<(), u16> {
    let allowed = |yes: bool, else_status: u16| if yes { Ok(()) } else { Err(else_status) };
    if matches!(policy, Policy::Open | Policy::Demo | Policy::SignIn) {
        return Ok(());
    }
    if !kind.counts() {
        return Err(401);
    }
    match policy {
        Policy::Open | Policy::Demo | Policy::SignIn | Policy::Anybody => Ok(()),
        Policy::Reader => allowed(kind.is_a_person(), 403),
        Policy::ItsReader => allowed(kind == Reader, if kind.is_a_person() { 404 } else { 403 }),
        Policy::ItsKeepers => allowed(kind.administers() || matches!(kind, Owner | Approver), 404),
        Policy::ItsOverseers => {
            allowed(kind.administers() || matches!(kind, Owner | Approver | Auditor), 404)
        }
        Policy::ItsOwner => {
            let status = if kind == Approver { 403 } else { 404 };
            allowed(kind.administers() || kind == Owner, status)
        }
        Policy::ItsApprover => {
            allowed(kind == Approver, if kind.administers() { 403 } else { 404 })
        }
        Policy::ItsApproverAlone => allowed(kind == Approver, 404),
        Policy::ItsPusher => allowed(kind.administers() || kind == PushersKey, 403),
        Policy::Auditor => allowed(kind.administers() || kind == Auditor, 403),
        Policy::Administrator => allowed(kind.administers(), 403),
    }
}

/// What a call sends.
enum Body {
    Nothing,
    Json(Value),
    File,
}

/// How a route is called, so that whoever may call it succeeds. `{f}` is a folder source, `{p}` a push
/// source, `{key}` a key and `{answer}` the reader's answer; `{x}` is the caller's letter.
struct Row {
    method: Method,
    pattern: &'static str,
    path: String,
    body: Body,
    /// The status for those who may.
    ok: u16,
    /// Who may this besides those whom the policy names.
    also: &'static [Kind],
}

fn row(method: Method, pattern: &'static str, path: &str, ok: u16) -> Row {
    Row { method, pattern, path: path.to_owned(), body: Body::Nothing, ok, also: &[] }
}

fn get(pattern: &'static str, path: &str) -> Row {
    row(Method::GET, pattern, path, 200)
}

fn post(pattern: &'static str, path: &str, body: Value) -> Row {
    row(Method::POST, pattern, path, 200).sending(Body::Json(body))
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
            Body::Nothing | Body::File => String::new(),
        };
        format!("{} {body}", self.path)
    }

    fn is_of(&self, route: &Declared) -> bool {
        self.method == route.method && self.pattern == route.path
    }

    /// What this caller is promised here.
    fn promised(&self, policy: Policy, kind: Kind) -> Result<(), u16> {
        if self.also.contains(&kind) { Ok(()) } else { promised(policy, kind) }
    }
}

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
        post("/v1/feedback", "/v1/feedback", json!({"answer": "{answer}", "verdict": "right"})),
        get("/demo/people", "/demo/people"),
        post("/signin", "/signin", json!({"user": "bob"})),
        // In demo mode no identity provider signs browsers in.
        get("/signin", "/signin").answering(404),
        get("/signin/callback", "/signin/callback?code=1&state=2").answering(404),
        get("/signin/who", "/signin/who").answering(404),
        post("/signout", "/signout", json!({})),
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
    let written = [readers_rows(), sources_rows(), administrators_rows()];
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
        let row =
            Row { method: Method::GET, pattern: "", path, body: Body::Nothing, ok: 200, also: &[] };
        all.push((route, row));
    }
    all
}

/// What the sources of the matrix have in common: Bob reads, Dana approves, Olga owns.
fn access() -> Value {
    json!({
        "owner": "user:olga", "approvers": ["user:dana"], "access": {"allow": ["user:bob"]},
    })
}

fn folder() -> Value {
    let mut change = access();
    change["approval"] = json!("each-version");
    change
}

fn pushed() -> Value {
    let mut change = access();
    change["kind"] = json!("push");
    change
}

/// A running company with a credential for each kind of caller.
struct Matrix {
    world: World,
    keys: Vec<(Kind, String)>,
    answer: String,
    /// Keys that may be revoked, one for each kind.
    spare: Vec<String>,
}

impl Matrix {
    async fn new() -> Self {
        let text = format!("# Leave\n\nParental leave is 16 weeks of {CANARY}.\n");
        let mut company = Company::holding(&[]);
        for kind in KINDS {
            let letter = kind.letter();
            company.write(&format!("f-{letter}/leave.md"), text.as_bytes());
            company = company
                .with_source(&format!("f-{letter}"), &folder())
                .with_source(&format!("p-{letter}"), &pushed());
        }
        let world = company.open().await;
        world.people(&[
            ("alice", &[], &["administrator"]),
            ("bob", &[], &[]),
            ("carla", &[], &[]),
            ("dana", &[], &[]),
            ("olga", &[], &[]),
            ("ines", &[], &["auditor"]),
        ]);
        for letter in KINDS.map(Kind::letter) {
            world.dana().approve(&format!("f-{letter}")).await;
            world.dana().approve(&format!("p-{letter}")).await;
            let reply =
                world.alice().push(&format!("p-{letter}/leave.md"), &json!({}), &text).await;
            assert_eq!(reply.status, 202, "{}", reply.body);
        }
        second_generation(&world).await;
        let (keys, spare) = credentials(&world).await;
        let asked = until("Bob is answered", async || {
            let answer = world.bob().ask("How many weeks is parental leave?").await;
            (answer["outcome"] == "answered").then_some(answer)
        });
        let answer = asked.await["id"].as_str().expect("an id").to_owned();
        Self { world, keys, answer, spare }
    }

    fn caller(&self, kind: Kind) -> Person {
        let held = self.keys.iter().find(|(of, _)| *of == kind).map(|(_, key)| key);
        match (kind, held) {
            (Nobody, _) => self.world.stranger(),
            (_, Some(key)) => self.world.bob().holding(key),
            (Reader, None) => self.world.bob(),
            (OtherReader, None) => self.world.carla(),
            (Approver, None) => self.world.dana(),
            (Owner, None) => self.world.person("olga"),
            (Auditor, None) => self.world.person("ines"),
            (Administrator, None) => self.world.alice(),
            (ExpiredKey | WrongAudience | RevokedKey | AdministratorsKey | PushersKey, None) => {
                panic!("no credential for {kind:?}")
            }
        }
    }

    /// A row's text with the things of this caller in it, or with things that are nowhere.
    fn filled(&self, text: &str, kind: Kind, there: bool) -> String {
        let letter = kind.letter();
        let (folder, pushed) = if there { ("f", "p") } else { ("u", "v") };
        let spare = &self.spare[kind as usize];
        let (key, answer) = if there {
            (spare.as_str(), self.answer.as_str())
        } else {
            (MISSING_KEY, MISSING_ANSWER)
        };
        text.replace("{f}", &format!("{folder}-{letter}"))
            .replace("{p}", &format!("{pushed}-{letter}"))
            .replace("{key}", key)
            .replace("{answer}", answer)
            .replace("{x}", &letter.to_string())
            .replace("\"{generation}\"", if kind == AdministratorsKey { "2" } else { "1" })
    }

    async fn call(&self, row: &Row, kind: Kind, there: bool) -> Reply {
        let caller = self.caller(kind);
        let path = self.filled(&row.path, kind, there);
        let request = match &row.body {
            Body::Nothing => caller.request(row.method.clone(), &path),
            Body::Json(body) => {
                let body = self.filled(&body.to_string(), kind, there);
                caller
                    .request(row.method.clone(), &path)
                    .header("content-type", "application/json")
                    .body(body)
            }
            Body::File => {
                let document = path.replace("/v1/admin/sources/", "").replace("/documents", "");
                caller.pushing(&document, &json!({}), b"# New\n\nNothing.\n".to_vec())
            }
        };
        caller.send(request.header("origin", &self.world.base)).await
    }
}

/// Builds another generation, so that there is one to go back to.
async fn second_generation(world: &World) {
    world.settled().await;
    let reply = world.alice().post("/v1/admin/reindex", &json!({})).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    until("another generation answers", async || {
        let status = world.alice().get("/v1/admin/status").await.json();
        (status["generation"] == 2).then_some(())
    })
    .await;
    world.settled().await;
}

/// The keys of the kinds of callers that hold one, and a key for each kind to revoke.
async fn credentials(world: &World) -> (Vec<(Kind, String)>, Vec<String>) {
    let make = async |body: Value| {
        let reply = world.alice().post("/v1/admin/keys", &body).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
        let made = reply.json();
        let text = |name: &str| made[name].as_str().expect("text").to_owned();
        (text("id"), text("key"))
    };
    let source = format!("p-{}", PushersKey.letter());
    let (_, pusher) = make(json!({"name": "ci", "role": "pusher", "source": source})).await;
    let (_, ops) = make(json!({"name": "ops", "role": "administrator"})).await;
    let ended =
        |name| json!({"name": name, "role": "administrator", "user": "bob", "expires": "1d"});
    let (expired_id, expired) = make(ended("expired")).await;
    let past = "UPDATE api_key SET expires_at = 1 WHERE id = ?1";
    assert_eq!(world.ledger().execute(past, [expired_id]).expect("the ledger"), 1);
    let (revoked_id, revoked) = make(ended("revoked")).await;
    let reply = world.alice().delete(&format!("/v1/admin/keys/{revoked_id}")).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let mut spare = Vec::new();
    for kind in KINDS {
        let name = format!("spare-{}", kind.letter());
        spare.push(make(json!({"name": name, "role": "auditor"})).await.0);
    }
    // {"alg":"RS256"} . {"sub":"bob","aud":"somebody-else","exp":4102444800} . nothing that was signed
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJib2IiLCJhdWQiOiJzb21lYm9keS1lbHNlIiwiZXhwIjo0MTAyNDQ0ODAwfQ.c2lnbmVk";
    let keys = vec![
        (PushersKey, pusher),
        (AdministratorsKey, ops),
        (ExpiredKey, expired),
        (RevokedKey, revoked),
        (WrongAudience, token.to_owned()),
    ];
    (keys, spare)
}

#[tokio::test]
async fn promise_1_every_route_answers_every_kind_of_caller_as_its_policy_says() {
    let matrix = Matrix::new().await;
    let mut table = line("method", "route", "policy");
    for kind in KINDS {
        write!(table, "{:>11}", kind.heading()).expect("text can be written");
    }
    table.push('\n');
    let mut wrong = Vec::new();
    for (route, row) in &rows() {
        let act = match &row.body {
            Body::Json(body) => body["act"].as_str().unwrap_or_default(),
            Body::Nothing | Body::File => "",
        };
        let called = format!("{} {act}", route.path);
        table.push_str(&line(route.method.as_str(), &called, route.policy.name()));
        for kind in KINDS {
            if route.path == "/v1/admin/start" && row.promised(route.policy, kind).is_ok() {
                let why = json!({"why": "so that it can be started"});
                assert_eq!(matrix.world.alice().post("/v1/admin/stop", &why).await.status, 200);
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
    insta::assert_snapshot!("callers", table);
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
            401 => code == "unauthorized",
            404 => code == "not_found",
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
    let matrix = Matrix::new().await;
    let mut compared = 0;
    for (route, row) in &rows() {
        let names = ["{f}", "{p}", "{key}", "{answer}"];
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
                names.iter().fold(reply.bytes(), |bytes, name| {
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
        if route.method == Method::GET {
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
async fn what_belongs_to_demo_mode_or_to_a_provider_is_missing_in_every_other_mode() {
    let first = "the-first-administrators-key-0123456789";
    let world = Company::holding(&[]).with_keys(first).open().await;
    let mut tried = 0;
    let special = |route: &Declared| matches!(route.policy, Policy::Demo | Policy::SignIn);
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
