//! Who finds what in a company of 400 people, 211 groups and 2,476 documents, over HTTP: `../shared/data`
//! (or `VOUCH_DATA`) says who may read each document, and asks 300 questions as people who may and as
//! people who may not.
//!
//! Groups are loaded by `vouch access load`, documents are pushed with their rules. It fails on the first
//! kind of leak: a passage of any document that its reader may not read, a document that opens, a ranking
//! that is another one when hidden documents are gone; and on a permitted document that is not found.
//! It searches by words; `VOUCH_BENCH_MODEL=1` adds meaning, which takes long to build.

#[path = "parts/lines.rs"]
mod lines;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::read_to_string;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use lines::{lines, text};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Url};
use serde_json::{Value, json};

/// Hidden documents that are taken away for the comparison of rankings.
const TAKEN: usize = 40;
/// Somebody of no group, who administers.
const OLGA: &str = "olga";

#[tokio::main]
async fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data = std::env::var("VOUCH_DATA").map(PathBuf::from);
    let data = data.unwrap_or_else(|_| root.join("../shared/data"));
    if !data.join("access").is_dir() {
        println!(
            "!!! who finds what IS NOT CHECKED: {} is not there",
            data.join("access").display()
        );
        return Ok(());
    }
    let company = Company::read(&data)?;
    let begun = Instant::now();
    let server = Server::start(&company).await?;
    server.load(&company, &data).await?;
    println!(
        "{} people, {} groups, {} documents loaded in {:.0} s",
        company.groups_of.len(),
        company.members.len(),
        company.readers.len(),
        begun.elapsed().as_secs_f64()
    );
    let begun = Instant::now();
    let before = server.probe(&company).await?;
    println!("{before}, in {:.1} s", begun.elapsed().as_secs_f64());
    let same = server.without_hidden(&company, &before).await?;
    println!("{same} results of people who see none of {TAKEN} documents: the same without them");
    ensure!(before.leaks == 0 && before.missed == 0, "somebody sees too much or too little");
    Ok(())
}

/// The company as its files describe it: the oracle.
struct Company {
    /// The principals of each person.
    groups_of: BTreeMap<String, BTreeSet<String>>,
    members: BTreeMap<String, Vec<String>>,
    /// Who may read each document: one of these suffices.
    readers: BTreeMap<String, BTreeSet<String>>,
    probes: Vec<Probe>,
}

struct Probe {
    document: String,
    query: String,
    allowed: Vec<String>,
    denied: Vec<String>,
}

impl Company {
    fn read(data: &Path) -> Result<Self> {
        let access = data.join("access");
        let directory: Value =
            serde_json::from_str(&read_to_string(access.join("directory.json"))?)?;
        let mut groups_of = BTreeMap::new();
        let mut members: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (user, groups) in directory["members"].as_object().context("no members")? {
            let mut own = BTreeSet::from([format!("user:{user}"), "everyone".to_owned()]);
            for group in texts(groups)? {
                if group != "everyone" {
                    members.entry(group.clone()).or_default().push(format!("user:{user}"));
                    own.insert(format!("group:{group}"));
                }
            }
            groups_of.insert(user.clone(), own);
        }
        // A group without a member is one all the same.
        for group in directory["groups"].as_object().context("no groups")?.keys() {
            if group != "everyone" {
                members.entry(group.clone()).or_default();
            }
        }
        let mut readers = BTreeMap::new();
        for line in lines(&access.join("acl.jsonl"))? {
            let entries = line["acl"].as_array().context("no list")?;
            let principal = |entry: &Value| match (entry["group"].as_str(), entry["user"].as_str())
            {
                (Some("everyone"), _) => Ok("everyone".to_owned()),
                (Some(group), _) => Ok(format!("group:{group}")),
                (None, Some(user)) => Ok(format!("user:{user}")),
                (None, None) => anyhow::bail!("neither a group nor a user: {entry}"),
            };
            readers
                .insert(text(&line, "_id")?, entries.iter().map(principal).collect::<Result<_>>()?);
        }
        let mut probes = Vec::new();
        for line in lines(&access.join("probes.jsonl"))? {
            let (document, query) = (text(&line, "doc")?, text(&line, "query")?);
            let (allowed, denied) = (texts(&line["allowed"])?, texts(&line["denied"])?);
            probes.push(Probe { document, query, allowed, denied });
        }
        Ok(Self { groups_of, members, readers, probes })
    }

    fn may_read(&self, user: &str, document: &str) -> bool {
        let (own, readers) = (self.groups_of.get(user), self.readers.get(document));
        own.zip(readers).is_some_and(|(own, readers)| !own.is_disjoint(readers))
    }
}

/// What came of the probes.
#[derive(Default)]
struct Probed {
    searches: usize,
    passages: usize,
    leaks: usize,
    found: usize,
    missed: usize,
    /// What each person who may not read the document got instead, by probe.
    denied: BTreeMap<(usize, String), String>,
}

impl std::fmt::Display for Probed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} searches, {} passages: {} leaks; {} permitted documents found, {} missed",
            self.searches, self.passages, self.leaks, self.found, self.missed
        )
    }
}

/// A server of this build with a folder of its own; both go when it is dropped.
struct Server {
    process: Child,
    url: Url,
    client: reqwest::Client,
    folder: tempfile::TempDir,
    mode: &'static str,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It holds nothing that anybody needs.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Server {
    async fn start(company: &Company) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = tempfile::tempdir()?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut people =
            format!("[[person]]\nuser = {OLGA:?}\nname = {OLGA:?}\nroles = [\"administrator\"]\n");
        for user in company.groups_of.keys() {
            people.push_str(&format!("[[person]]\nuser = {user:?}\nname = {user:?}\n"));
        }
        std::fs::write(folder.path().join("people.toml"), people)?;
        let with_model = std::env::var("VOUCH_BENCH_MODEL").is_ok();
        let (model, runtime) =
            (root.join("models/all-minilm-l6-v2"), root.join("models/libonnxruntime.so"));
        let model = if with_model { model } else { PathBuf::new() };
        let config = format!(
            "data_dir = \"data\"\n[server]\nlisten = \"{address}\"\n[auth]\nmode = \"demo\"\n\
             [auth.demo]\npeople = \"people.toml\"\n[embedding]\nmodel = {model:?}\n\
             runtime = {runtime:?}\n[log]\nlevel = \"warn\"\n"
        );
        let file = folder.path().join("vouch.toml");
        std::fs::write(&file, config)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_vouch"));
        let process = command.args(["serve", "--config"]).arg(&file).spawn();
        let process = process.context("the server can't be started")?;
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder().no_proxy().build()?;
        let url: Url = format!("http://{address}").parse()?;
        let mode = if with_model { "fused" } else { "words" };
        let server = Self { process, url, client, folder, mode };
        for _ in 0..600 {
            if server.client.get(server.route(&["healthz"])).send().await.is_ok() {
                return Ok(server);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("the server did not answer within a minute")
    }

    fn route(&self, segments: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(segments);
        }
        url
    }

    async fn call(&self, who: &str, request: RequestBuilder) -> Result<String> {
        let response = request.bearer_auth(format!("demo:{who}")).send().await?;
        let status = response.status();
        let body = response.text().await?;
        ensure!(status.is_success(), "{status}: {body}");
        Ok(body)
    }

    /// A document's address for those who push.
    fn pushed(&self, document: &str) -> Result<Url> {
        let (source, path) = document.split_once('/').context("a document without a source")?;
        let mut segments = vec!["v1", "admin", "sources", source, "documents"];
        segments.extend(path.split('/'));
        Ok(self.route(&segments))
    }

    /// Loads the groups by command and pushes the documents with their rules.
    async fn load(&self, company: &Company, data: &Path) -> Result<()> {
        let file = self.folder.path().join("groups.jsonl");
        let line = |(group, members): (&String, &Vec<String>)| {
            format!("{}\n", json!({ "group": group, "members": members }))
        };
        std::fs::write(&file, company.members.iter().map(line).collect::<String>())?;
        let loaded = Command::new(env!("CARGO_BIN_EXE_vouch"))
            .args(["access", "load", "--token", "demo:olga", "--url", self.url.as_str()])
            .arg(&file)
            .status()?;
        ensure!(loaded.success(), "the groups were not loaded");
        let sources: BTreeSet<&str> =
            company.readers.keys().filter_map(|id| Some(id.split_once('/')?.0)).collect();
        for source in sources {
            let source = json!({
                "id": source, "kind": "push", "owner": "user:olga", "purpose": "a benchmark",
                "approvers": ["user:olga"], "approval": "source", "access": {"allow": ["everyone"]},
            });
            let request = self.client.post(self.route(&["v1", "admin", "sources"]));
            self.call(OLGA, request.json(&source)).await?;
        }
        let pushes = company.readers.iter().map(|(id, readers)| async move {
            let body =
                std::fs::read(data.join("handbooks").join(id)).with_context(|| id.clone())?;
            let metadata = json!({"access": {"allow": readers}}).to_string();
            let file = Part::bytes(body).file_name("file.md");
            let form = Form::new().text("metadata", metadata).part("file", file);
            self.call(OLGA, self.client.put(self.pushed(id)?).multipart(form)).await
        });
        stream::iter(pushes).buffer_unordered(4).try_collect::<Vec<_>>().await?;
        self.settled().await
    }

    async fn settled(&self) -> Result<()> {
        loop {
            let request = self.client.get(self.route(&["v1", "admin", "status"]));
            let status: Value = serde_json::from_str(&self.call(OLGA, request).await?)?;
            let sources = status["sources"].as_array().context("no sources")?;
            let embedded = self.mode == "words" || status["embedded"] == status["chunks"];
            let idle = sources.iter().all(|source| source["syncing"] == false);
            if idle && embedded && status["generation_behind"] == 0 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn search(&self, user: &str, query: &str) -> Result<String> {
        let body = json!({"query": query, "mode": self.mode, "limit": 200});
        let request = self.client.post(self.route(&["v1", "search"])).json(&body);
        self.call(user, request).await
    }

    async fn probe(&self, company: &Company) -> Result<Probed> {
        let mut probed = Probed::default();
        let users = |probe: &Probe| [probe.allowed.clone(), probe.denied.clone()].concat();
        for (number, probe) in company.probes.iter().enumerate() {
            for user in users(probe) {
                let reply = self.search(&user, &probe.query).await?;
                let documents = documents(&reply)?;
                probed.searches += 1;
                probed.passages += documents.len();
                // Not the probe's document alone: everything that anybody gets.
                let hidden = documents.iter().filter(|one| !company.may_read(&user, one));
                for leak in hidden.collect::<BTreeSet<_>>() {
                    println!("LEAK: {user} got {leak} for probe {number}");
                    probed.leaks += 1;
                }
                let finds = documents.contains(&probe.document);
                let opens = self.opens(&user, &probe.document).await?;
                if probe.denied.contains(&user) {
                    let leaked = opens || reply.contains(&probe.document);
                    probed.leaks += usize::from(leaked);
                    probed.denied.insert((number, user), reply);
                } else if finds && opens {
                    probed.found += 1;
                } else {
                    println!("MISSED: {user}, {}: found {finds}, opens {opens}", probe.document);
                    probed.missed += 1;
                }
            }
        }
        Ok(probed)
    }

    async fn opens(&self, user: &str, document: &str) -> Result<bool> {
        let segments: Vec<&str> =
            ["v1", "documents"].into_iter().chain(document.split('/')).collect();
        let request = self.client.get(self.route(&segments)).bearer_auth(format!("demo:{user}"));
        let status = request.send().await?.status();
        ensure!(status.is_success() || status == 404, "{status} for {document}");
        Ok(status.is_success())
    }

    /// Takes documents away and asks again as those who could see none of them: nothing may differ.
    async fn without_hidden(&self, company: &Company, before: &Probed) -> Result<usize> {
        let all: BTreeSet<&str> = company.probes.iter().map(|one| one.document.as_str()).collect();
        let every = all.len().div_ceil(TAKEN).max(1);
        let taken: Vec<&str> = all.into_iter().step_by(every).collect();
        for document in &taken {
            let request = self.client.request(Method::DELETE, self.pushed(document)?);
            self.call(OLGA, request).await?;
        }
        self.settled().await?;
        let mut same = 0;
        for ((number, user), reply) in &before.denied {
            if taken.iter().any(|document| company.may_read(user, document)) {
                continue;
            }
            let now = self.search(user, &company.probes[*number].query).await?;
            ensure!(now == *reply, "probe {number}: what {user} may not see changes what they see");
            same += 1;
        }
        Ok(same)
    }
}

/// The documents of the passages, in their order.
fn documents(reply: &str) -> Result<Vec<String>> {
    let reply: Value = serde_json::from_str(reply)?;
    let passages = reply["passages"].as_array().context("no passages")?;
    passages.iter().map(|passage| text(passage, "document")).collect()
}

fn texts(value: &Value) -> Result<Vec<String>> {
    let all = value.as_array().context("no list")?.iter();
    all.map(|one| Ok(one.as_str().context("no text")?.to_owned())).collect()
}
