//! `vouch doctor`: looks for what would keep Vouch from working, on this machine.
//!
//! It reads, connects and binds; it repairs nothing, and leaves nothing behind. Each finding says
//! what to do. A warning is something that works worse, a failure something that doesn't work.

mod language_models;
mod provider;
mod slack;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use vouch_index::vectors::{Look, Qdrant};
use vouch_ingest::worker::sandbox_gaps;

use super::client::Client;
use super::output::{self, cell, items, safe_lines};
use super::{ConfigFile, Connection};
use crate::config::{AuthMode, Config, People};

/// `vouch doctor`
#[derive(Debug, Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    settings: ConfigFile,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Ok,
    Warn,
    Fail,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug)]
struct Finding {
    level: Level,
    what: &'static str,
    detail: String,
    remedy: Option<String>,
}

fn ok(what: &'static str, detail: impl Into<String>) -> Finding {
    Finding { level: Level::Ok, what, detail: detail.into(), remedy: None }
}

fn warn(what: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding { level: Level::Warn, what, detail: detail.into(), remedy: Some(remedy.into()) }
}

fn fail(what: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding { level: Level::Fail, what, detail: detail.into(), remedy: Some(remedy.into()) }
}

impl Doctor {
    pub(super) async fn run(self, connection: Connection) -> Result<ExitCode> {
        let json = connection.json;
        let findings = self.examine(connection).await;
        output::print(&if json { output::json(&as_json(&findings)) } else { as_text(&findings) })?;
        let failed = findings.iter().any(|finding| finding.level == Level::Fail);
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    async fn examine(self, connection: Connection) -> Vec<Finding> {
        let config = match Config::load(self.settings.config.as_deref()) {
            Ok(config) => config,
            // Nothing else can be judged without settings.
            Err(error) => {
                return vec![fail(
                    "settings",
                    format!("{error:#}"),
                    "mend the file; config/default.toml explains every key",
                )];
            }
        };
        let name = config
            .file
            .as_ref()
            .map_or("the built-in ones".to_owned(), |file| file.display().to_string());
        let mut findings = vec![ok("settings", name), data_dir(&config.data_dir)];
        findings.push(sign_in(&config));
        findings.extend(provider::findings(&config).await);
        findings.extend(slack::findings(&config).await);
        findings.extend(roots(&config));
        let model = model(&config);
        let words_alone = model.iter().any(|finding| finding.level != Level::Ok);
        findings.extend(model);
        findings.extend(vectors(&config).await);
        findings.extend(language_models::findings(&config).await);
        findings.push(sandbox().await);
        findings.extend(server(&config, connection, words_alone).await);
        findings
    }
}

fn data_dir(folder: &Path) -> Finding {
    let name = folder.display();
    if !folder.exists() {
        // It is made at the first start, if the folder above allows it.
        let above = folder.ancestors().skip(1).find(|above| above.exists());
        return match above.map(writable) {
            Some(Ok(())) => ok("data_dir", format!("{name}, to be made at the first start")),
            Some(Err(error)) => fail(
                "data_dir",
                format!("{name} can't be made: {error}"),
                "make it, and give it to the user that runs Vouch",
            ),
            None => fail(
                "data_dir",
                format!("{name} can't be made"),
                "name a folder on this machine as `data_dir`",
            ),
        };
    }
    match writable(folder) {
        Ok(()) => ok("data_dir", name.to_string()),
        Err(error) => fail(
            "data_dir",
            format!("{name} can't be written: {error}"),
            "give it to the user that runs Vouch, or name another `data_dir`",
        ),
    }
}

/// Writes a file and takes it away again: permissions alone don't show a full or read-only disk.
fn writable(folder: &Path) -> std::io::Result<()> {
    let probe = folder.join(format!(".vouch-doctor-{}", std::process::id()));
    std::fs::write(&probe, b"probe")?;
    std::fs::remove_file(&probe)
}

fn sign_in(config: &Config) -> Finding {
    match config.auth.mode {
        AuthMode::Demo => match People::read(&config.auth.demo.people) {
            Ok(people) => ok("sign-in", format!("demo, {} people", people.people.len())),
            Err(error) => fail(
                "sign-in",
                format!("{error:#}"),
                "mend the file, or name another as `auth.demo.people`",
            ),
        },
        mode @ (AuthMode::Keys | AuthMode::Oidc) => match std::env::var("VOUCH_ADMIN_KEY") {
            Ok(key) if key.len() < 32 => fail(
                "sign-in",
                "VOUCH_ADMIN_KEY is shorter than 32 characters",
                "make a longer one, as with `openssl rand -hex 32`",
            ),
            Ok(_) => ok("sign-in", format!("{}, and VOUCH_ADMIN_KEY is set here", by(mode))),
            // Where an identity provider signs people in, the settings may name administrators.
            Err(_) if !config.auth.roles.administrators.is_empty() => ok("sign-in", by(mode)),
            Err(_) => ok(
                "sign-in",
                format!(
                    "{}; VOUCH_ADMIN_KEY is not set here, the first administrator needs it",
                    by(mode)
                ),
            ),
        },
    }
}

fn by(mode: AuthMode) -> &'static str {
    match mode {
        AuthMode::Demo => "demo",
        AuthMode::Keys => "keys",
        AuthMode::Oidc => "an identity provider, and keys",
    }
}

fn roots(config: &Config) -> Vec<Finding> {
    let wrong = config.unreadable_roots();
    if config.sources.roots.is_empty() {
        return vec![warn(
            "source roots",
            "none, so folder sources can't be added",
            "name the folders with documents as `sources.roots`",
        )];
    }
    if wrong.is_empty() {
        let names: Vec<String> =
            config.sources.roots.iter().map(|root| root.display().to_string()).collect();
        return vec![ok("source roots", names.join(", "))];
    }
    let finding = |(root, reason): (std::path::PathBuf, String)| {
        fail(
            "source roots",
            format!("{} {reason}", root.display()),
            "the server doesn't start before this is mended",
        )
    };
    wrong.into_iter().map(finding).collect()
}

fn model(config: &Config) -> Vec<Finding> {
    const REMEDY: &str = "run `make models`, or name another as `embedding.model`; until then \
                          search is by words alone";
    let mut findings = Vec::new();
    let Some(folder) = &config.embedding.model else {
        return vec![warn(
            "model",
            "none is set, so search is by words alone",
            "name one as `embedding.model`",
        )];
    };
    let name = folder.display();
    if let Some(library) = &config.embedding.runtime
        && !folder.exists()
        && !library.exists()
    {
        let neither = format!("neither {name} nor {} is there", library.display());
        return vec![warn("model", neither, REMEDY)];
    }
    let files: Vec<String> = std::fs::read_dir(folder)
        .map(|entries| {
            entries
                .flatten()
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect()
        })
        .unwrap_or_default();
    let network = files.iter().any(|file| file.ends_with(".onnx"));
    let tokenizer = files.iter().any(|file| file == "tokenizer.json");
    findings.push(match (folder.is_dir(), network, tokenizer) {
        (false, _, _) => warn("model", format!("{name} is not there"), REMEDY),
        (true, false, _) => warn("model", format!("{name} holds no .onnx file"), REMEDY),
        (true, true, false) => warn("model", format!("{name} holds no tokenizer.json"), REMEDY),
        (true, true, true) => ok("model", name.to_string()),
    });
    findings.push(match &config.embedding.runtime {
        Some(library) if library.is_file() => ok("runtime", library.display().to_string()),
        Some(library) => warn(
            "runtime",
            format!("{} is not there", library.display()),
            "run `make models`, or name ONNX Runtime's library as `embedding.runtime`",
        ),
        None => warn(
            "runtime",
            "none is set, so search is by words alone",
            "name ONNX Runtime's library as `embedding.runtime`",
        ),
    });
    findings
}

/// The first version that answers the queries that Vouch asks.
const OLDEST_QDRANT: (u64, u64) = (1, 10);

async fn vectors(config: &Config) -> Vec<Finding> {
    let settings = match crate::app::qdrant(config) {
        Ok(None) => return vec![ok("vectors", "embedded")],
        Ok(Some(settings)) => settings,
        Err(error) => {
            return vec![fail(
                "vectors",
                format!("{error:#}"),
                "set it where the server is started; it doesn't start before",
            )];
        }
    };
    let url = settings.url.clone();
    let looked = tokio::task::spawn_blocking(move || Qdrant::look(&settings)).await;
    let mut findings = match looked.map_err(anyhow::Error::from).and_then(|look| Ok(look?)) {
        Ok(look) => found_on_qdrant(&url, &look),
        Err(error) => vec![warn(
            "vectors",
            format!("Qdrant at {url} does not answer as it should: {error:#}"),
            "start it, or check `vectors.url` and the key; until then search is by words alone",
        )],
    };
    findings.push(ok(
        "vectors",
        "promise 13 (what you may not see does not change what you see) holds on Qdrant with exact = \
         true only, which is how Vouch always asks",
    ));
    findings
}

fn found_on_qdrant(url: &str, look: &Look) -> Vec<Finding> {
    let Look { version, collections } = look;
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    let old = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < OLDEST_QDRANT;
    let detail = format!("Qdrant {version} at {url}");
    let (major, minor) = OLDEST_QDRANT;
    let server = if old {
        fail("vectors", detail, format!("Vouch needs Qdrant {major}.{minor} or newer"))
    } else {
        ok("vectors", detail)
    };
    if collections.is_empty() {
        let detail = "no collection is there yet";
        return vec![
            server,
            warn("vectors", detail, "the server makes it at its first start with a model"),
        ];
    }
    let held: Vec<String> = collections
        .iter()
        .map(|(name, points)| format!("{name} (about {})", output::count(*points, "point")))
        .collect();
    vec![server, ok("vectors", format!("collections: {}", held.join(", ")))]
}

/// What the system can't forbid the worker that reads files.
async fn sandbox() -> Finding {
    const WHAT: &str = "sandbox";
    let gaps = match std::env::current_exe() {
        Ok(program) => sandbox_gaps(&program).await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match gaps {
        Ok(gaps) if gaps.is_empty() => ok(WHAT, "the worker that reads files is shut in"),
        Ok(gaps) => warn(
            WHAT,
            format!("the worker that reads files is not shut in fully: {}", gaps.join("; ")),
            "use Linux 5.13 or newer with Landlock, in a container that allows seccomp; until then \
             add only sources whose files you trust",
        ),
        Err(error) => fail(
            WHAT,
            format!("the worker that reads files can't be started: {error}"),
            "no document can be read before this is mended",
        ),
    }
}

/// The address: free, or Vouch itself, or somebody else's. Why it searches by words alone is not said
/// again where a finding has said it already.
async fn server(config: &Config, connection: Connection, words_alone: bool) -> Vec<Finding> {
    let listen = config.server.listen;
    if connection.url.is_none() {
        match TcpListener::bind(listen) {
            Ok(_) => return vec![ok("address", format!("{listen} is free; no server runs there"))],
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {}
            Err(error) => {
                return vec![fail(
                    "address",
                    format!("{listen} can't be listened on: {error}"),
                    "name an address of this machine, and a port above 1023, as `server.listen`",
                )];
            }
        }
    }
    let url = connection.url.unwrap_or_else(|| format!("http://{}", reachable(listen)));
    let answer = match Client::new(Some(&url), connection.token.clone()) {
        Ok(client) => client.look(&["readyz"]).await.map(|answer| (client, answer)),
        Err(error) => Err(error),
    };
    let (client, (status, body)) = match answer {
        Ok(answer) => answer,
        Err(error) => {
            return vec![fail(
                "server",
                format!("{error:#}"),
                "name its address with --url, or free the port",
            )];
        }
    };
    if body["ready"].as_bool().is_none() {
        return vec![fail(
            "server",
            format!("{url} answers with {status}, but not as Vouch"),
            "another program has the port: stop it, or change `server.listen`",
        )];
    }
    let mut findings = vec![readiness(&url, &body)];
    let notes = items(&body, "notes");
    let unsaid = notes.iter().filter_map(Value::as_str).filter(|_| !words_alone);
    findings.extend(unsaid.map(|note| warn("server", note, "`vouch status` says more")));
    if connection.token.is_some() {
        findings.extend(health(&client, notes).await);
    }
    findings
}

fn readiness(url: &str, body: &Value) -> Finding {
    if body["ready"] == true {
        return ok("server", format!("{url} is ready, search by {}", cell(body, "search")));
    }
    fail(
        "server",
        format!("{url} runs but is not ready"),
        "wait a moment; if it stays so, read the server's log",
    )
}

/// What an administrator is told besides, without what is said already.
async fn health(client: &Client, said: &[Value]) -> Vec<Finding> {
    let status = match client.get(&["v1", "admin", "status"]).await {
        Ok(status) => status,
        Err(error) => {
            return vec![warn(
                "status",
                format!("{error:#}"),
                "an administrator's key shows more; give it with --token or VOUCH_TOKEN",
            )];
        }
    };
    let alarms = items(&status, "alarms").iter().filter(|alarm| !said.contains(alarm));
    let alarms = alarms.filter_map(Value::as_str);
    let mut findings: Vec<Finding> = alarms
        .map(|alarm| warn("alarm", alarm, "`vouch status` and `vouch source show` say more"))
        .collect();
    let failed = status["documents"]["failed"].as_u64().unwrap_or(0);
    if failed > 0 {
        findings.push(warn(
            "documents",
            format!("{} could not be read", output::count(failed, "file")),
            "`vouch source show ID` says why",
        ));
    }
    findings.push(ok(
        "status",
        format!(
            "{} live documents, {} chunks, {} embedded",
            cell(&status["documents"], "live"),
            cell(&status, "chunks"),
            cell(&status, "embedded")
        ),
    ));
    findings
}

/// Nobody can connect to "every address"; this machine's own will do.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let mut address = listen;
    if listen.ip().is_unspecified() {
        address.set_ip(if listen.is_ipv4() {
            std::net::Ipv4Addr::LOCALHOST.into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}

fn as_text(findings: &[Finding]) -> String {
    let widest = findings.iter().map(|finding| finding.what.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Finding { level, what, detail, remedy } in findings {
        // A detail of several lines stays in its column.
        let detail = safe_lines(detail).replace('\n', &format!("\n{:1$}", "", widest + 8));
        text.push_str(&format!("{:<4}  {what:<widest$}  {detail}\n", level.name()));
        if let Some(remedy) = remedy {
            text.push_str(&format!("      {:widest$}  -> {remedy}\n", ""));
        }
    }
    text
}

fn as_json(findings: &[Finding]) -> Value {
    let healthy = findings.iter().all(|finding| finding.level != Level::Fail);
    let listed: Vec<Value> = findings
        .iter()
        .map(|Finding { level, what, detail, remedy }| {
            json!({ "level": level.name(), "what": what, "detail": detail, "remedy": remedy })
        })
        .collect();
    json!({ "ok": healthy, "findings": listed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_a_qdrant_server_is_told() {
        let told = |version: &str, collections: &[(&str, u64)]| {
            let collections =
                collections.iter().map(|(name, points)| ((*name).to_owned(), *points)).collect();
            let look = Look { version: version.to_owned(), collections };
            found_on_qdrant("http://localhost:6334", &look)
        };
        let well = told("1.15.0", &[("vouch-1", 1), ("vouch-2", 7)]);
        assert!(well.iter().all(|finding| finding.level == Level::Ok), "{well:?}");
        assert!(well[0].detail.contains("1.15.0"), "{well:?}");
        assert!(well[1].detail.contains("vouch-1 (about 1 point)"), "{well:?}");
        assert!(well[1].detail.contains("vouch-2 (about 7 points)"), "{well:?}");
        assert_eq!(told("1.9.4", &[("vouch-1", 1)])[0].level, Level::Fail);
        assert_eq!(told("1.15.0", &[])[1].level, Level::Warn);
    }

    #[test]
    fn a_folder_is_probed_and_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(data_dir(folder.path()).level, Level::Ok);
        assert_eq!(data_dir(&folder.path().join("new/below")).level, Level::Ok);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        assert_eq!(data_dir(&file).level, Level::Fail);
    }
}
