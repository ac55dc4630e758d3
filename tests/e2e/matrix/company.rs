//! The company of the matrix: for each kind of caller a credential, and two sources, a key and an
//! answer that this caller's calls are about.

use serde_json::{Value, json};
use vouch_index::ledger::now;

use super::callers::{KINDS, Kind};
use super::{Body, Row};
use crate::idp::{CLIENT, Idp};
use crate::world::{Company, Person, Reply, World, until};

use Kind::{
    Administrator, AdministratorsKey, Approver, Auditor, Blocked, Expired, Lent, Nobody,
    OtherReader, Owner, PushersKey, Reader, RevokedKey, Stopped, WidgetsKey, WrongAudience,
};

/// Stands in the documents, which the reader alone may see, and in no question.
pub(super) const CANARY: &str = "heliotrope";
const MISSING_ANSWER: &str = "ans_01J00000000000000000000000";
const MISSING_CONVERSATION: &str = "conv_01J00000000000000000000000";
const MISSING_KEY: &str = "k_00000000000000000000000000";
const FIRST: &str = "the-first-administrators-key-0123456789";

/// What the sources of the matrix have in common: Bob reads, Dana approves, Olga owns. Ben may all of
/// that, and is blocked.
fn access() -> Value {
    json!({
        "owner": "user:olga", "approvers": ["user:dana", "user:ben"],
        "access": {"allow": ["user:bob", "user:ben"]},
    })
}

pub(super) fn folder() -> Value {
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
pub(super) struct Matrix {
    pub(super) world: World,
    credentials: Vec<(Kind, String)>,
    answer: String,
    /// Conversations that may be erased, one for each kind.
    conversations: Vec<String>,
    /// Keys that may be revoked, one for each kind.
    spare: Vec<String>,
}

impl Matrix {
    /// People of demo mode. What expired is a key; what was made for another audience is garbled.
    pub(super) async fn of_a_demo() -> Self {
        let world = company().open().await;
        world.people(&[
            ("alice", &[], &["administrator"]),
            ("ben", &[], &["administrator", "auditor"]),
            ("bob", &[], &[]),
            ("carla", &[], &[]),
            ("dana", &[], &[]),
            ("olga", &[], &[]),
            ("ines", &[], &["auditor"]),
        ]);
        let mut credentials = everybody(|name, _| format!("demo:{name}"));
        let ended = json!({
            "name": "expired", "role": "administrator", "user": "bob", "expires": "1d",
        });
        let (id, expired) = key(&world, ended).await;
        let past = "UPDATE api_key SET expires_at = 1 WHERE id = ?1";
        assert_eq!(world.ledger().execute(past, [id]).expect("the ledger"), 1);
        credentials.push((Expired, expired));
        // {"alg":"RS256"} . {"sub":"bob","aud":"somebody-else","exp":4102444800} . nothing that was signed
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJib2IiLCJhdWQiOiJzb21lYm9keS1lbHNlIiwiZXhwIjo0MTAyNDQ0ODAwfQ.c2lnbmVk";
        credentials.push((WrongAudience, token.to_owned()));
        Self::of(world, credentials).await
    }

    /// People of an identity provider, which signs every token.
    pub(super) async fn of_a_provider() -> Self {
        let idp = Idp::start().await;
        let roles = "[auth.roles]\nadministrators = [\"user:alice\", \"user:ben\"]\n\
                     auditors = [\"group:auditors\", \"user:ben\"]";
        let lines = format!("client_id = {CLIENT:?}\nuser_claim = \"preferred_username\"");
        let company = company().with_settings(roles);
        let world = company.with_provider(FIRST, &idp.issuer, &lines).open().await;
        let token = |name: &str, changes: &Value| {
            let mut claims = idp.claims_but(name, &json!({"preferred_username": name}));
            for (claim, value) in changes.as_object().expect("changes are an object") {
                claims[claim] = value.clone();
            }
            idp.rsa.token(&claims)
        };
        let mut credentials = everybody(|name, groups| token(name, &json!({ "groups": groups })));
        // Nothing else is wrong with these two.
        let expired = json!({"iat": now() - 300, "exp": now() - 1});
        credentials.push((Expired, token("alice", &expired)));
        credentials.push((WrongAudience, token("alice", &json!({"aud": "somebody-else"}))));
        Self::of(world, credentials).await
    }

    async fn of(world: World, mut credentials: Vec<(Kind, String)>) -> Self {
        let (keys, spare) = keys(&world).await;
        credentials.extend(keys);
        let held = |kind: Kind| {
            let (_, held) = credentials.iter().find(|(of, _)| *of == kind).expect("a credential");
            world.stranger().holding(held)
        };
        let (approver, reader) = (held(Approver), held(Reader));
        for letter in KINDS.map(Kind::letter) {
            approver.approve(&format!("f-{letter}")).await;
            approver.approve(&format!("p-{letter}")).await;
            let document = format!("p-{letter}/leave.md");
            let reply = world.alice().push(&document, &json!({}), &leave()).await;
            assert_eq!(reply.status, 202, "{}", reply.body);
        }
        second_generation(&world).await;
        let asked = until("the reader is answered", async || {
            let answer = reader.ask("How many weeks is parental leave?").await;
            (answer["outcome"] == "answered").then_some(answer)
        });
        let answer = asked.await["id"].as_str().expect("an id").to_owned();
        let mut conversations = Vec::new();
        for _ in KINDS {
            let body = json!({"question": "How long is parental leave?", "conversation": "new"});
            let begun = reader.post("/v1/ask", &body).await.json();
            conversations.push(begun["conversation"].as_str().expect("an id").to_owned());
        }
        let block = json!({"user": "ben", "act": "block", "why": "a test"});
        assert_eq!(world.alice().post("/v1/admin/users", &block).await.status, 200);
        Self { world, credentials, answer, conversations, spare }
    }

    fn caller(&self, kind: Kind) -> Person {
        let held = self.credentials.iter().find(|(of, _)| *of == kind);
        match (kind, held) {
            (Nobody, _) => self.world.stranger(),
            (_, Some((_, credential))) => self.world.stranger().holding(credential),
            (_, None) => panic!("no credential for {kind:?}"),
        }
    }

    /// A row's text with the things of this caller in it, or with things that are nowhere.
    pub(super) fn filled(&self, text: &str, kind: Kind, there: bool) -> String {
        let letter = kind.letter();
        let (folder, pushed, revoked) = if there { ("f", "p", "r") } else { ("u", "v", "q") };
        let generation = if kind == AdministratorsKey { "2" } else { "1" };
        let spare = &self.spare[kind as usize];
        let (key, answer, conversation) = if there {
            (spare.as_str(), self.answer.as_str(), self.conversations[kind as usize].as_str())
        } else {
            (MISSING_KEY, MISSING_ANSWER, MISSING_CONVERSATION)
        };
        text.replace("{f}", &format!("{folder}-{letter}"))
            .replace("{p}", &format!("{pushed}-{letter}"))
            .replace("{r}", &format!("{revoked}-{letter}"))
            .replace("{key}", key)
            .replace("{answer}", answer)
            .replace("{conversation}", conversation)
            .replace("{x}", &letter.to_string())
            .replace("\"{generation}\"", generation)
            .replace("{generation}", generation)
    }

    pub(super) async fn call(&self, row: &Row, kind: Kind, there: bool) -> Reply {
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
            Body::Form(body) => caller
                .request(row.method.clone(), &path)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(self.filled(body, kind, there)),
            Body::File => {
                let document = path.replace("/v1/admin/sources/", "").replace("/documents", "");
                caller.pushing(&document, &json!({}), b"# New\n\nNothing.\n".to_vec())
            }
        };
        if kind == Stopped {
            self.stop(true).await;
        }
        let reply = caller.send(request.header("origin", &self.world.base)).await;
        if kind == Stopped {
            self.stop(false).await;
        }
        reply
    }

    /// Stops the assistant for everybody, or lets it go on.
    pub(super) async fn stop(&self, stop: bool) {
        let (route, body) = if stop {
            ("/v1/admin/stop", json!({"why": "a test"}))
        } else {
            ("/v1/admin/start", json!({}))
        };
        assert_eq!(self.world.alice().post(route, &body).await.status, 200);
    }
}

fn leave() -> String {
    format!("# Leave\n\nParental leave is 16 weeks of {CANARY}.\n")
}

/// A folder source, a push source and one to revoke for each kind of caller.
fn company() -> Company {
    let mut company = Company::holding(&[]);
    for letter in KINDS.map(Kind::letter) {
        company.write(&format!("f-{letter}/leave.md"), leave().as_bytes());
        company = company
            .with_source(&format!("f-{letter}"), &folder())
            .with_source(&format!("p-{letter}"), &pushed())
            .with_source(&format!("r-{letter}"), &pushed());
    }
    company
}

/// Who is who, by a credential for a name and groups.
fn everybody(credential: impl Fn(&str, &[&str]) -> String) -> Vec<(Kind, String)> {
    let people: [(Kind, &str, &[&str]); 8] = [
        (Reader, "bob", &[]),
        (OtherReader, "carla", &[]),
        (Approver, "dana", &[]),
        (Owner, "olga", &[]),
        (Auditor, "ines", &["auditors"]),
        (Administrator, "alice", &[]),
        (Blocked, "ben", &[]),
        (Stopped, "bob", &[]),
    ];
    people.map(|(kind, name, groups)| (kind, credential(name, groups))).to_vec()
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

/// Makes a key: its id, and the key itself.
async fn key(world: &World, body: Value) -> (String, String) {
    let reply = world.alice().post("/v1/admin/keys", &body).await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    let made = reply.json();
    let text = |name: &str| made[name].as_str().expect("text").to_owned();
    (text("id"), text("key"))
}

/// The keys of the kinds of callers that hold one, and a key for each kind to revoke.
async fn keys(world: &World) -> (Vec<(Kind, String)>, Vec<String>) {
    let source = format!("p-{}", PushersKey.letter());
    let (_, pusher) = key(world, json!({"name": "ci", "role": "pusher", "source": source})).await;
    let (_, ops) = key(world, json!({"name": "ops", "role": "administrator"})).await;
    let ended = json!({"name": "revoked", "role": "administrator", "user": "bob", "expires": "1d"});
    let (id, revoked) = key(world, ended).await;
    let reply = world.alice().delete(&format!("/v1/admin/keys/{id}")).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let mut spare = Vec::new();
    for kind in KINDS {
        let name = format!("spare-{}", kind.letter());
        spare.push(key(world, json!({"name": name, "role": "auditor"})).await.0);
    }
    let (_, widget) = key(world, json!({"name": "intranet", "role": "widget"})).await;
    let intranet = world.stranger().holding(&widget);
    let lent = intranet.post("/v1/widget-token", &json!({"user": "dana"})).await.json();
    let lent = lent["token"].as_str().expect("a token").to_owned();
    let keys = vec![
        (PushersKey, pusher),
        (AdministratorsKey, ops),
        (RevokedKey, revoked),
        (WidgetsKey, widget),
        (Lent, lent),
    ];
    (keys, spare)
}
