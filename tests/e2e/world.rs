//! A company in a temporary folder, with a server of its own inside the test's process.
//!
//! [`Company`] says what there is before the server starts, [`World`] is the running server, and
//! [`Person`] is somebody who calls it. Every byte of every answer is kept in the [`Reply`], so that
//! a test can look for what must not be in any of them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use vouch::app::App;
use vouch::config::Config;

/// The longest that anything may take. Only a broken test waits so long.
const DEADLINE: Duration = Duration::from_secs(90);

/// Who there is, unless a test says otherwise.
pub(crate) const PEOPLE: &[(&str, &[&str], &[&str])] = &[
    ("alice", &["employees", "hr"], &["administrator"]),
    ("bob", &["employees", "engineering"], &[]),
    ("carla", &["contractors"], &[]),
    ("dana", &["employees"], &[]),
    ("ines", &[], &["auditor"]),
];

/// Asks again and again until there is an answer. `what` is for whoever reads the failure.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}

/// Says something that the test harness must not swallow.
pub(crate) fn loudly(text: &str) {
    use std::io::Write as _;
    let line = format!("\n!!! {text}\n\n");
    std::io::stderr().write_all(line.as_bytes()).expect("a standard error");
}

/// The files of the embedding model, or a loud word that a test did not run without them.
pub(crate) fn model_files(test: &str) -> Option<(PathBuf, PathBuf)> {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let (model, runtime) = (models.join("all-minilm-l6-v2"), models.join("libonnxruntime.so"));
    if model.join("tokenizer.json").exists() && runtime.exists() {
        return Some((model, runtime));
    }
    loudly(&format!(
        "`{test}` DID NOT RUN: the model files are missing; `make models` brings them"
    ));
    None
}

/// A source that Alice adds and approves, for everybody, whatever it holds; and what is changed of it.
pub(crate) fn source(id: &str, change: &Value) -> Value {
    let mut source = json!({
        "id": id, "kind": "folder", "path": id, "owner": "user:alice", "purpose": "A test.",
        "approvers": ["user:alice", "user:dana"], "approval": "source",
        "access": {"allow": ["everyone"]},
    });
    for (key, value) in change.as_object().expect("changes are an object") {
        source[key] = value.clone();
    }
    if source["kind"] == "push" {
        source.as_object_mut().expect("a source is an object").remove("path");
    }
    source
}

/// What there is before the server starts.
pub(crate) struct Company {
    folder: TempDir,
    sources: Vec<Value>,
    settings: String,
    keys: Option<String>,
    origins: Vec<String>,
    worker: PathBuf,
    mode: &'static str,
    listen: String,
}

impl Company {
    /// A company with these files. Each folder at the top becomes a source that everybody may read.
    pub(crate) fn holding(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir_all(folder.path().join("documents")).expect("a folder for documents");
        let worker = PathBuf::from(env!("CARGO_BIN_EXE_vouch"));
        let mut company = Self {
            folder,
            sources: Vec::new(),
            settings: String::new(),
            keys: None,
            origins: Vec::new(),
            worker,
            mode: "demo",
            listen: "127.0.0.1:0".to_owned(),
        };
        company.people(PEOPLE);
        for (path, text) in files {
            company.write(path, text.as_bytes());
            let (id, _) = path.split_once('/').expect("a file lies in a source's folder");
            if company.sources.iter().all(|source| source["id"] != id) {
                company.sources.push(source(id, &json!({})));
            }
        }
        company
    }

    /// Changes a source, or adds one.
    pub(crate) fn with_source(mut self, id: &str, change: &Value) -> Self {
        self.sources.retain(|source| source["id"] != id);
        std::fs::create_dir_all(self.documents().join(id)).expect("a source's folder");
        self.sources.push(source(id, change));
        self
    }

    /// Adds lines to `vouch.toml`, with the section above them.
    pub(crate) fn with_settings(mut self, lines: &str) -> Self {
        writeln!(self.settings, "{lines}").expect("text can be written");
        self
    }

    /// Searches with the real embedding model.
    pub(crate) fn with_model(self, (model, runtime): &(PathBuf, PathBuf)) -> Self {
        let lines = format!("[embedding]\nmodel = {model:?}\nruntime = {runtime:?}\nthreads = 1");
        self.with_settings(&lines)
    }

    /// Signs people in by keys, with this one for the first administrator.
    pub(crate) fn with_keys(mut self, first: &str) -> Self {
        self.keys = Some(first.to_owned());
        self.mode = "keys";
        self
    }

    /// Lets the pages of these sites call.
    pub(crate) fn with_origins(mut self, origins: &[&str]) -> Self {
        self.origins = origins.iter().map(|&origin| origin.to_owned()).collect();
        self
    }

    /// Runs its extraction workers from this file in the company's folder, which may not be there yet.
    pub(crate) fn with_worker(mut self, name: &str) -> Self {
        self.worker = self.folder.path().join(name);
        self
    }

    /// Listens where a server of this company listened before.
    pub(crate) fn listening_at(mut self, address: &str) -> Self {
        address.clone_into(&mut self.listen);
        self
    }

    /// Signs people in through this identity provider, with more lines for its section, and the
    /// administrator by this key.
    pub(crate) fn with_provider(mut self, first: &str, issuer: &str, lines: &str) -> Self {
        self.keys = Some(first.to_owned());
        self.mode = "oidc";
        self.with_settings(&format!(
            "[auth.oidc]\nissuer = {issuer:?}\naudience = \"vouch\"\n{lines}"
        ))
    }

    /// Writes a file below `documents`, always with the same date.
    pub(crate) fn write(&self, path: &str, content: &[u8]) {
        write(&self.documents().join(path), content);
    }

    pub(crate) fn documents(&self) -> PathBuf {
        self.folder.path().join("documents")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn sources(&self) -> &[Value] {
        &self.sources
    }

    fn people(&self, people: &[(&str, &[&str], &[&str])]) {
        write_people(self.folder.path(), people);
    }

    /// The settings as a file would hold them.
    pub(crate) fn toml(&self) -> String {
        let folder = self.folder.path();
        let mode = self.mode;
        let model =
            if self.settings.contains("[embedding]") { "" } else { "[embedding]\nmodel = \"\"" };
        // No test is about these unless it says so.
        let limits = if self.settings.contains("[limits]") {
            ""
        } else {
            "[limits]\nrequests_per_minute = 1_000_000\nat_once = 400\nat_once_in_all = 400"
        };
        format!(
            "data_dir = {:?}\n[server]\nlisten = {:?}\norigins = {:?}\n[auth]\nmode = \"{mode}\"\n\
             [auth.demo]\npeople = {:?}\n[sources]\nroots = [{:?}]\nsync_every = \"0s\"\n{model}\n{limits}\n{}",
            folder.join("data"),
            self.listen,
            self.origins,
            folder.join("people.toml"),
            self.documents(),
            self.settings,
        )
    }

    /// Starts the server, adds the sources, and waits until all they hold is found.
    pub(crate) async fn open(self) -> World {
        let mut config = Config::parse(&self.toml()).expect("the test's settings are sound");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        config.listen_at(address).expect("loopback");
        let program = self.worker;
        let opened = tokio::task::spawn_blocking(move || App::open(config, program)).await;
        let mut app = opened.expect("no panic").expect("the server opens");
        if let Some(key) = &self.keys {
            // The environment belongs to all tests of this process; the key is this one's.
            Arc::get_mut(&mut app).expect("nobody else has it yet").bootstrap_key =
                Some(key.clone());
        }
        let served = Arc::clone(&app);
        tokio::spawn(async move {
            vouch::server::run(listener, served, std::future::pending()).await.expect("it serves");
        });
        let base = format!("http://{address}");
        let world = World { base, folder: self.folder, keys: self.keys };
        for source in &self.sources {
            world.alice().add(source).await;
        }
        world.settled().await;
        world
    }
}

/// Writes a file with a date that is the same in every world.
fn write(path: &Path, content: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
    std::fs::write(path, content).expect("a file");
    let file = std::fs::File::options().write(true).open(path).expect("the file");
    file.set_modified(UNIX_EPOCH + Duration::from_secs(1_760_000_000)).expect("a date");
}

fn write_people(folder: &Path, people: &[(&str, &[&str], &[&str])]) {
    let mut text = String::new();
    for (user, groups, roles) in people {
        writeln!(
            text,
            "[[person]]\nuser = \"{user}\"\nemail = \"{user}@example.com\"\nname = \"{}{}\"\ngroups = {groups:?}\nroles = {roles:?}",
            user[..1].to_uppercase(),
            &user[1..],
        )
        .expect("text can be written");
    }
    // Under another name first: the server may read at any moment.
    let (file, beside) = (folder.join("people.toml"), folder.join("people.new"));
    std::fs::write(&beside, text).expect("a people file");
    std::fs::rename(beside, file).expect("a people file");
}

/// A running server with its folder.
pub(crate) struct World {
    pub(crate) base: String,
    folder: TempDir,
    keys: Option<String>,
}

impl World {
    /// A server that has read these files.
    pub(crate) async fn holding(files: &[(&str, &str)]) -> Self {
        Company::holding(files).open().await
    }

    /// Somebody of the people file, or a key's holder.
    pub(crate) fn person(&self, name: &str) -> Person {
        Person::new(&self.base, Some(format!("demo:{name}")))
    }

    /// The administrator: Alice, or whoever holds the first key.
    pub(crate) fn alice(&self) -> Person {
        match &self.keys {
            Some(key) => Person::new(&self.base, Some(key.clone())),
            None => self.person("alice"),
        }
    }

    pub(crate) fn bob(&self) -> Person {
        self.person("bob")
    }

    pub(crate) fn carla(&self) -> Person {
        self.person("carla")
    }

    pub(crate) fn dana(&self) -> Person {
        self.person("dana")
    }

    /// The auditor, who sees in the audit what an administrator does not.
    pub(crate) fn ines(&self) -> Person {
        self.person("ines")
    }

    /// Somebody without a credential.
    pub(crate) fn stranger(&self) -> Person {
        Person::new(&self.base, None)
    }

    /// Waits until no work is left and everything is found.
    pub(crate) async fn settled(&self) {
        settled(&self.alice()).await;
    }

    /// Writes a file below `documents`.
    pub(crate) fn write(&self, path: &str, text: &str) {
        write(&self.documents().join(path), text.as_bytes());
    }

    pub(crate) fn documents(&self) -> PathBuf {
        self.folder.path().join("documents")
    }

    /// Replaces the people.
    pub(crate) fn people(&self, people: &[(&str, &[&str], &[&str])]) {
        write_people(self.folder.path(), people);
    }

    /// Brings a source up to date and waits until that is done.
    pub(crate) async fn sync(&self, id: &str) {
        let reply = self.alice().post(&format!("/v1/admin/sources/{id}/sync"), &json!({})).await;
        assert_eq!(reply.status, 202, "{}", reply.body);
        self.settled().await;
    }

    /// The ledger as a file, for a look at rows that no route shows and for damage.
    pub(crate) fn ledger(&self) -> rusqlite::Connection {
        let file = self.folder.path().join("data/ledger.sqlite");
        let connection = rusqlite::Connection::open(file).expect("the ledger's file");
        connection.busy_timeout(DEADLINE).expect("a timeout");
        connection
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Everything that was derived from documents, in a few numbers: what is written anew shows.
    pub(crate) fn derived(&self) -> Vec<Option<i64>> {
        const NUMBERS: &str = "SELECT
            (SELECT count(*) FROM version), (SELECT max(no) FROM version),
            (SELECT count(*) FROM version_text),
            (SELECT count(*) FROM chunk), (SELECT max(no) FROM chunk), (SELECT sum(embedded) FROM chunk),
            (SELECT count(*) FROM embedding), (SELECT max(no) FROM embedding),
            (SELECT count(*) FROM change WHERE act <> 'rule')";
        let ledger = self.ledger();
        let row = ledger.query_row(NUMBERS, [], |row| (0..9).map(|at| row.get(at)).collect());
        row.expect("the ledger can be read")
    }
}

/// Waits until no work is left and everything is found.
pub(crate) async fn settled(administrator: &Person) {
    until("everything is found", async || {
        let status = administrator.get("/v1/admin/status").await.json();
        let busy = |source: &Value| source["syncing"] == true;
        let sources = status["sources"].as_array().expect("sources");
        let words_alone = status["vectors"]["state"] != "ready";
        let idle = !sources.iter().any(busy)
            && status["generation_behind"] == 0
            && (words_alone || status["chunks"] == status["embedded"]);
        idle.then_some(())
    })
    .await;
}

/// Somebody with a credential, or without one.
#[derive(Clone)]
pub(crate) struct Person {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// What came back, to the byte.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Headers by name, without the date.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    /// The problem's code. The form of every problem is checked here.
    pub(crate) fn problem(&self) -> (u16, String) {
        if let Some(error) = self.json().get("error") {
            // The routes in OpenAI's shapes have problems in OpenAI's shape.
            let text = |key: &str| error[key].as_str().filter(|text| !text.is_empty());
            assert!(text("message").is_some() && text("type").is_some(), "{self:?}");
            return (self.status, text("code").expect("a code").to_owned());
        }
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{problem}");
        for key in ["code", "title", "hint"] {
            assert!(problem[key].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
        }
        (self.status, problem["code"].as_str().unwrap_or_default().to_owned())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// Everything, as it would be compared byte by byte.
    pub(crate) fn bytes(&self) -> String {
        format!("{} {:?}\n{}", self.status, self.headers, self.body)
    }
}

impl Person {
    pub(crate) fn new(base: &str, token: Option<String>) -> Self {
        let _already_chosen = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]);
        let http = http.redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { http, base: base.to_owned(), token }
    }

    /// The same person with another credential.
    pub(crate) fn holding(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request; an error where the server is gone.
    pub(crate) async fn attempt(request: RequestBuilder) -> Result<Reply, reqwest::Error> {
        let response = request.send().await?;
        let status = response.status().as_u16();
        let plain = |value: &reqwest::header::HeaderValue| {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        let mut headers: Vec<_> = response
            .headers()
            .iter()
            .filter(|(name, _)| *name != "date")
            .map(|(name, value)| (name.to_string(), plain(value)))
            .collect();
        headers.sort();
        Ok(Reply { status, headers, body: response.text().await? })
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Reply {
        Self::attempt(request).await.unwrap_or_else(|error| panic!("no answer: {error:?}"))
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Asks, and gets an answer.
    pub(crate) async fn ask(&self, question: &str) -> Value {
        let reply = self.post("/v1/ask", &json!({ "question": question })).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()
    }

    /// Asks for events.
    pub(crate) async fn events(&self, question: &str) -> Reply {
        self.post("/v1/ask", &json!({"question": question, "stream": true})).await
    }

    /// The passages of a search.
    pub(crate) async fn search(&self, query: &str) -> Vec<Value> {
        let reply = self.post("/v1/search", &json!({"query": query, "limit": 200})).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()["passages"].as_array().expect("passages").clone()
    }

    /// The documents that a search finds, by name.
    pub(crate) async fn finds(&self, query: &str) -> Vec<String> {
        let passages = self.search(query).await;
        let name = |passage: &Value| passage["document"].as_str().unwrap_or_default().to_owned();
        let mut documents: Vec<_> = passages.iter().map(name).collect();
        documents.sort();
        documents.dedup();
        documents
    }

    /// Adds a source.
    pub(crate) async fn add(&self, source: &Value) {
        let reply = self.post("/v1/admin/sources", source).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
    }

    /// Decides about a document or a source.
    pub(crate) async fn decide(&self, target: &str, act: &str) -> Reply {
        let body = json!({"target": target, "act": act, "why": "a test"});
        self.post("/v1/admin/approvals", &body).await
    }

    /// Approves, successfully.
    pub(crate) async fn approve(&self, target: &str) {
        let reply = self.decide(target, "approve").await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }

    /// The form of a push, to be sent.
    pub(crate) fn pushing(
        &self,
        document: &str,
        metadata: &Value,
        file: Vec<u8>,
    ) -> RequestBuilder {
        let (source, path) = document.split_once('/').expect("a document lies in a source");
        let part = reqwest::multipart::Part::bytes(file).file_name("upload");
        let form = reqwest::multipart::Form::new().text("metadata", metadata.to_string());
        self.request(Method::PUT, &format!("/v1/admin/sources/{source}/documents/{path}"))
            .multipart(form.part("file", part))
    }

    /// Pushes a document.
    pub(crate) async fn push(&self, document: &str, metadata: &Value, text: &str) -> Reply {
        self.send(self.pushing(document, metadata, text.as_bytes().to_vec())).await
    }
}

/// An answer without what may differ between two askings of the same question: id, generation and
/// timings, and in search results nothing.
pub(crate) fn comparable(reply: &Reply) -> String {
    let mut body = reply.json();
    if let Some(answer) = body.as_object_mut() {
        for key in ["id", "generation", "took_ms"] {
            answer.remove(key);
        }
    }
    body.to_string()
}
