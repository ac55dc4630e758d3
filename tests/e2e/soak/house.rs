//! A server that can be started again on the same data, with a look at what it logs.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use reqwest::Method;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use vouch::app::App;
use vouch::config::Config;

use super::oracle::Names;
use crate::world::{Company, Person, Reply, settled};

/// Everybody who calls: administrators, an auditor, an approver, an owner, and readers.
pub(crate) const STAFF: [&str; 5] = ["alice", "root", "audra", "pia", "olga"];
pub(crate) const READERS: [&str; 6] = ["ada", "ben", "cleo", "dag", "eve", "flo"];

fn roles(user: &str) -> &'static [&'static str] {
    match user {
        "alice" | "root" => &["administrator"],
        "audra" => &["auditor"],
        _ => &[],
    }
}

/// A company with its server.
pub(crate) struct House {
    pub(crate) company: Company,
    running: Option<Running>,
}

struct Running {
    app: Arc<App>,
    people: BTreeMap<String, Person>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl House {
    pub(crate) async fn open(company: Company, people: &BTreeMap<String, Names>) -> Self {
        watch_the_log();
        let mut house = Self { company, running: None };
        house.employ(people);
        house.start().await;
        house
    }

    /// Writes who there is, and in which groups.
    pub(crate) fn employ(&self, people: &BTreeMap<String, Names>) {
        let one = |user: &&str| {
            let groups: Vec<_> = people.get(*user).into_iter().flatten().collect();
            format!(
                "[[person]]\nuser = \"{user}\"\nname = \"N.\"\ngroups = {groups:?}\nroles = {:?}\n",
                roles(user)
            )
        };
        let text: String = STAFF.iter().chain(&READERS).map(one).collect();
        let (file, beside) = (self.folder("people.toml"), self.folder("people.new"));
        std::fs::write(&beside, text).expect("a people file");
        std::fs::rename(beside, file).expect("a people file");
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.company.folder().join(name)
    }

    async fn start(&mut self) {
        let config = Config::parse(&self.company.toml()).expect("the test's settings are sound");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("a bound port"));
        let program = PathBuf::from(env!("CARGO_BIN_EXE_vouch"));
        let opened = tokio::task::spawn_blocking(move || App::open(config, program)).await;
        let app = opened.expect("no panic").expect("the server opens");
        let (stop, stopped) = oneshot::channel::<()>();
        let served = Arc::clone(&app);
        let task = tokio::spawn(async move {
            let ended = async { drop(stopped.await) };
            vouch::server::run(listener, served, ended).await.expect("it serves");
        });
        let person =
            |user: &&str| ((*user).to_owned(), Person::new(&base, Some(format!("demo:{user}"))));
        let mut people: BTreeMap<_, _> = STAFF.iter().chain(&READERS).map(person).collect();
        people.insert("nobody".to_owned(), Person::new(&base, None));
        self.running = Some(Running { app, people, stop, task });
    }

    /// Ends the server and starts it on the same data.
    pub(crate) async fn restart(&mut self) {
        let Running { app, people, stop, task } = self.running.take().expect("it runs");
        drop((app, people));
        stop.send(()).expect("it listens");
        task.await.expect("it ended in peace");
        self.start().await;
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("it runs")
    }

    pub(crate) fn app(&self) -> &Arc<App> {
        &self.running().app
    }

    pub(crate) fn person(&self, name: &str) -> &Person {
        &self.running().people[name]
    }

    pub(crate) fn alice(&self) -> &Person {
        self.person("alice")
    }

    /// Waits until nothing is left to do.
    pub(crate) async fn settled(&self) {
        settled(self.alice()).await;
    }

    /// Sends JSON as somebody.
    pub(crate) async fn send(
        &self,
        who: &str,
        (method, path): (Method, &str),
        body: &serde_json::Value,
    ) -> Reply {
        let person = self.person(who);
        person.send(person.request(method, path).json(body)).await
    }

    /// Brings a source up to date.
    pub(crate) async fn sync(&self, source: &str) {
        let path = format!("/v1/admin/sources/{source}/sync");
        let reply = self.alice().post(&path, &json!({})).await;
        assert_eq!(reply.status, 202, "{}", reply.body);
    }
}

/// Whatever looks like a canary in what the process logs: nothing ever should.
pub(crate) fn logged() -> Names {
    LOG.get().map(|log| lock(log).canaries.clone()).unwrap_or_default()
}

/// How many lines were looked at.
pub(crate) fn log_lines() -> usize {
    LOG.get().map_or(0, |log| lock(log).lines)
}

/// A process has one log, so all tests of this binary share it; only the soak's have canaries.
static LOG: OnceLock<Mutex<Log>> = OnceLock::new();

#[derive(Default)]
struct Log {
    lines: usize,
    canaries: Names,
}

struct Lines;

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = lock(LOG.get_or_init(Mutex::default));
        log.lines += 1;
        log.canaries.extend(canaries(&String::from_utf8_lossy(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lock(log: &Mutex<Log>) -> std::sync::MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes in everything that the product would log at its most talkative level.
fn watch_the_log() {
    LOG.get_or_init(|| {
        let filter = "vouch=trace,vouch_index=trace,vouch_ingest=trace,tower_http=trace,axum=trace";
        let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
        lines.with_writer(|| Lines).try_init().expect("nobody else listens to the log");
        Mutex::default()
    });
}

/// The letters of a canary: `z`, its kind, six letters that count, and `x`.
pub(crate) fn canary(kind: char, number: usize) -> String {
    const LETTERS: &[u8; 16] = b"bcdfghjklmnprstv";
    let letter = |at: u32| char::from(LETTERS[(number >> (4 * at)) & 15]);
    format!("z{kind}{}x", (0..6).map(letter).collect::<String>())
}

/// Everything in a text that has the form of a canary.
pub(crate) fn canaries(text: &str) -> Names {
    let bytes = text.as_bytes();
    let is_one = |word: &[u8]| {
        word[0] == b'z'
            && matches!(word[1], b'q' | b'p')
            && word[8] == b'x'
            && word[2..8].iter().all(u8::is_ascii_lowercase)
    };
    let found = bytes.windows(9).filter(|word| is_one(word));
    found.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}
