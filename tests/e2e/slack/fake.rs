//! A made-up Slack on a free port: its Web API with the shapes that Slack documents, people, channels,
//! and what was posted. It counts what it is asked, and it can be told to misbehave.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::stream;
use serde_json::{Value, json};
use vouch_index::ledger::now;

use super::sender::Sender;
use crate::world::{Company, World, until};

/// The workspace.
pub(crate) const TEAM: &str = "T0VOUCH";
/// The signing secret. The environment belongs to all tests of this process, so it is a variable that
/// cargo itself sets.
pub(crate) const SECRET: &str = env!("CARGO_MANIFEST_DIR");
/// The bot's token, from another such variable.
pub(crate) const TOKEN: &str = env!("CARGO_PKG_NAME");

/// How one call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Whether what was wanted is done all the same.
    done: bool,
    says: Says,
}

/// What the caller hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// That it came too soon: 429, with the seconds to wait.
    TooSoon(u32),
    /// This status.
    Status(u16),
    /// That it is refused, with this error.
    Refused(&'static str),
    /// A page for people.
    Html,
    /// The beginning of JSON.
    Broken,
    /// Byte after byte, without an end.
    Drips,
    /// Nothing; the connection stays.
    Nothing,
}

impl Fault {
    const fn of(says: Says) -> Self {
        Self { done: false, says }
    }
    pub(crate) const NOT_DONE: Self = Self::of(Says::Status(500));
    pub(crate) const HTML: Self = Self::of(Says::Html);
    pub(crate) const BROKEN: Self = Self::of(Says::Broken);
    pub(crate) const DRIPS: Self = Self::of(Says::Drips);
    pub(crate) const HANGS: Self = Self::of(Says::Nothing);
    pub(crate) const AWAY: Self = Self::of(Says::Status(503));

    pub(crate) const fn too_soon(seconds: u32) -> Self {
        Self::of(Says::TooSoon(seconds))
    }

    pub(crate) const fn refused(error: &'static str) -> Self {
        Self::of(Says::Refused(error))
    }

    /// What was wanted is done, and then it goes wrong.
    pub(crate) const fn but_done(self) -> Self {
        Self { done: true, ..self }
    }

    async fn answer(self) -> Response {
        match self.says {
            Says::TooSoon(seconds) => {
                let wait = [(header::RETRY_AFTER, seconds.to_string())];
                let refusal = Json(refuse("ratelimited"));
                (StatusCode::TOO_MANY_REQUESTS, wait, refusal).into_response()
            }
            Says::Status(status) => StatusCode::from_u16(status).expect("a status").into_response(),
            Says::Refused(error) => Json(refuse(error)).into_response(),
            Says::Html => Html("<html><body>Please sign in</body></html>").into_response(),
            Says::Broken => "{\"ok\": tr".into_response(),
            Says::Drips => Body::from_stream(stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Ok::<_, std::io::Error>(" "), ()))
            }))
            .into_response(),
            Says::Nothing => std::future::pending().await,
        }
    }
}

/// Something that was posted.
#[derive(Clone, Debug)]
pub(crate) struct Posted {
    /// `message`, `ephemeral` or `response`.
    pub(crate) how: &'static str,
    /// Where: a channel, a person, or the address of a response.
    pub(crate) to: String,
    /// For whom alone, where it is for one.
    pub(crate) user: String,
    pub(crate) body: Value,
    ts: String,
}

impl Posted {
    /// Everything that is shown, as one text.
    pub(crate) fn shown(&self) -> String {
        self.body["blocks"].to_string()
    }

    pub(crate) fn event(&self) -> &str {
        self.body["metadata"]["event_payload"]["event_id"].as_str().unwrap_or_default()
    }
}

/// What there is, and what has happened.
#[derive(Default)]
pub(crate) struct Inside {
    pub(crate) users: BTreeMap<String, Value>,
    pub(crate) channels: BTreeMap<String, BTreeSet<String>>,
    /// Who will be in a channel once its members were read.
    later: BTreeMap<String, BTreeSet<String>>,
    pub(crate) posted: Vec<Posted>,
    /// What people wrote, as far as a test let it be kept.
    pub(crate) written: Vec<Value>,
    /// What the token is allowed, where that is said.
    pub(crate) scopes: Option<String>,
    pub(crate) calls: HashMap<String, usize>,
    pub(crate) faults: HashMap<&'static str, VecDeque<Fault>>,
    at: u64,
}

/// The running workspace.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) base: String,
    inside: Arc<Mutex<Inside>>,
}

impl Fake {
    #[expect(clippy::disallowed_methods, reason = "Slack's routes are none of Vouch's")]
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("a bound port"));
        let fake = Self { base, inside: Arc::default() };
        for name in ["alice", "bob", "carla", "dana"] {
            fake.add(name, json!({}));
        }
        fake.inside().users.insert("UBOT".to_owned(), bot("UBOT"));
        let routes = Router::new()
            .route("/api/{method}", post(call).get(call))
            .route("/respond/{id}", post(respond))
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.expect("it serves") });
        fake
    }

    pub(crate) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().expect("no panic")
    }

    /// Adds a full member with a confirmed e-mail, changed so. Their id is `U` and the name.
    pub(crate) fn add(&self, name: &str, changes: Value) -> String {
        let id = format!("U{}", name.to_uppercase());
        let mut user = json!({
            "id": id, "team_id": TEAM, "name": name, "deleted": false, "is_bot": false,
            "is_restricted": false, "is_ultra_restricted": false, "is_email_confirmed": true,
            "profile": {"email": format!("{}@Example.com", name.to_uppercase())},
        });
        for (key, value) in changes.as_object().expect("changes are an object") {
            user[key] = value.clone();
        }
        self.inside().users.insert(id.clone(), user);
        id
    }

    /// Sets who is in a channel, besides the bot.
    pub(crate) fn channel(&self, id: &str, names: &[&str]) {
        self.inside().channels.insert(id.to_owned(), members(names));
    }

    /// Sets who will be in a channel once its members were read.
    pub(crate) fn changes(&self, id: &str, names: &[&str]) {
        self.inside().later.insert(id.to_owned(), members(names));
    }

    /// Somebody wrote this, for all in its channel to read.
    pub(crate) fn holds(&self, message: &Value) {
        self.inside().written.push(message.clone());
    }

    /// The next calls of this method go wrong so.
    pub(crate) fn fails(&self, method: &'static str, faults: &[Fault]) {
        self.inside().faults.entry(method).or_default().extend(faults);
    }

    /// Counts a call, and says how it goes wrong.
    fn called(&self, method: &str) -> Option<Fault> {
        let mut inside = self.inside();
        *inside.calls.entry(method.to_owned()).or_default() += 1;
        inside.faults.get_mut(method)?.pop_front()
    }

    /// The settings of a company in this workspace.
    pub(crate) fn settings(&self, lines: &str) -> String {
        format!(
            "[slack]\nteam = \"{TEAM}\"\napi = \"{}/api\"\nbot_token_env = \"CARGO_PKG_NAME\"\n\
             signing_secret_env = \"CARGO_MANIFEST_DIR\"\n{lines}",
            self.base
        )
    }

    /// What was posted, once there are so many.
    pub(crate) async fn posted(&self, many: usize) -> Vec<Posted> {
        let found = until("enough is posted", async || {
            let posted = self.inside().posted.clone();
            (posted.len() >= many).then_some(posted)
        });
        let found = found.await;
        assert_eq!(found.len(), many, "{found:?}");
        found
    }

    /// The one thing that was posted since this was asked last.
    pub(crate) async fn next(&self) -> Posted {
        let found = until("something is posted", async || {
            let posted = std::mem::take(&mut self.inside().posted);
            (!posted.is_empty()).then_some(posted)
        });
        let [posted] = found.await.try_into().unwrap_or_else(|all| panic!("{all:?}"));
        posted
    }
}

fn members(names: &[&str]) -> BTreeSet<String> {
    let named = names.iter().map(|name| format!("U{}", name.to_uppercase()));
    named.chain(["UBOT".to_owned()]).collect()
}

fn bot(id: &str) -> Value {
    json!({"id": id, "team_id": TEAM, "is_bot": true, "profile": {}})
}

fn refuse(error: &str) -> Value {
    json!({"ok": false, "error": error})
}

async fn call(
    State(fake): State<Fake>,
    Path(method): Path<String>,
    (RawQuery(query), headers, body): (RawQuery, HeaderMap, Bytes),
) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let (form, json): (HashMap<String, String>, Value) =
        if kind.starts_with("application/json") && !body.is_empty() {
            (HashMap::new(), serde_json::from_slice(&body).expect("JSON"))
        } else {
            let form = query.map_or(body, Bytes::from);
            (serde_urlencoded::from_bytes(&form).expect("a form"), Value::Null)
        };
    let fault = fake.called(&method);
    if let Some(fault) = fault.filter(|fault| !fault.done) {
        return fault.answer().await;
    }
    if headers.get(header::AUTHORIZATION).is_none_or(|given| given != &format!("Bearer {TOKEN}")) {
        return Json(refuse("invalid_auth")).into_response();
    }
    let said = done(&mut fake.inside(), &method, &form, &json);
    match fault {
        Some(fault) => fault.answer().await,
        None => {
            let scopes = fake.inside().scopes.clone().map(|scopes| [("x-oauth-scopes", scopes)]);
            (scopes, Json(said)).into_response()
        }
    }
}

/// What a call does. Methods that read take forms, as Slack's do.
fn done(inside: &mut Inside, method: &str, form: &HashMap<String, String>, json: &Value) -> Value {
    let given = |name: &str| form.get(name).map_or("", String::as_str);
    match method {
        "auth.test" => json!({"ok": true, "team_id": TEAM, "user_id": "UBOT", "user": "vouch"}),
        "users.info" => match inside.users.get(given("user")) {
            Some(user) => json!({"ok": true, "user": user}),
            None => refuse("user_not_found"),
        },
        "users.list" => page("members", inside.users.values().cloned().collect(), form),
        "conversations.members" => {
            let Some(members) = inside.channels.get(given("channel")) else {
                return refuse("channel_not_found");
            };
            let page = page("members", members.iter().map(|id| json!(id)).collect(), form);
            if page["response_metadata"]["next_cursor"] == ""
                && let Some(later) = inside.later.remove(given("channel"))
            {
                inside.channels.insert(given("channel").to_owned(), later);
            }
            page
        }
        "conversations.history" | "conversations.replies" => {
            let messages = inside.posted.iter().filter(|one| one.how == "message").map(|one| {
                let thread = &one.body["thread_ts"];
                json!({"ts": one.ts, "channel": one.to, "thread_ts": thread, "bot_id": "BBOT",
                    "text": one.body["text"], "metadata": one.body["metadata"]})
            });
            let all = messages.chain(inside.written.iter().cloned());
            let there = all.filter(|message| stands(message, form)).collect();
            page("messages", there, form)
        }
        "chat.postMessage" => {
            let to = json["channel"].as_str().unwrap_or_default();
            let known = inside.channels.contains_key(to)
                || inside.users.contains_key(to)
                || to.starts_with('D');
            if known { keep(inside, "message", to, "", json) } else { refuse("channel_not_found") }
        }
        "chat.postEphemeral" => {
            let (to, user) = (json["channel"].as_str(), json["user"].as_str());
            let (to, user) = (to.unwrap_or_default(), user.unwrap_or_default());
            match inside.channels.get(to) {
                None => refuse("channel_not_found"),
                Some(members) if !members.contains(user) => refuse("user_not_in_channel"),
                Some(_) => keep(inside, "ephemeral", to, user, json),
            }
        }
        _ => refuse("unknown_method"),
    }
}

/// Whether a message stands in the channel and the thread that are asked for, and between the times.
fn stands(message: &Value, form: &HashMap<String, String>) -> bool {
    let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
    let given = |name: &str| form.get(name).map(String::as_str);
    let time = |text: &str| text.parse::<f64>().expect("a time");
    let at = time(&text("ts"));
    let in_thread = match given("ts") {
        Some(thread) => text("ts") == thread || text("thread_ts") == thread,
        None => text("thread_ts").is_empty(),
    };
    Some(text("channel").as_str()) == given("channel")
        && in_thread
        && given("oldest").is_none_or(|oldest| at >= time(oldest))
        && given("latest").is_none_or(|latest| at <= time(latest))
}

fn keep(inside: &mut Inside, how: &'static str, to: &str, user: &str, body: &Value) -> Value {
    inside.at += 1;
    let ts = format!("{}.{:06}", now(), inside.at);
    inside.posted.push(Posted {
        how,
        to: to.to_owned(),
        user: user.to_owned(),
        body: body.clone(),
        ts: ts.clone(),
    });
    json!({"ok": true, "channel": to, "ts": ts})
}

/// A page of a list, with the cursor of the next.
fn page(name: &str, all: Vec<Value>, form: &HashMap<String, String>) -> Value {
    let number = |key: &str| form.get(key).and_then(|text| text.parse::<usize>().ok());
    let (start, limit) = (number("cursor").unwrap_or(0), number("limit").unwrap_or(100).min(7));
    let end = (start + limit).min(all.len());
    let next = if end < all.len() { end.to_string() } else { String::new() };
    json!({"ok": true, name: all[start..end], "response_metadata": {"next_cursor": next}})
}

/// What is answered to a command or a click.
async fn respond(
    State(fake): State<Fake>,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    let fault = fake.called("respond");
    if fault.is_none_or(|fault| fault.done) {
        keep(&mut fake.inside(), "response", &id, "", &body);
    }
    match fault {
        Some(fault) => fault.answer().await,
        None => "ok".into_response(),
    }
}

/// A company that is in Slack.
pub(crate) async fn open(company: Company, lines: &str) -> (World, Fake, Sender) {
    let fake = Fake::start().await;
    let world = company.with_settings(&fake.settings(lines)).open().await;
    let sender = Sender::to(&world.base);
    (world, fake, sender)
}
