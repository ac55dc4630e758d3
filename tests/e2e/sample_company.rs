//! The sample company, loaded by the script that `make demo` runs, and every entry of its
//! `questions.toml`: outcome, cited document, words that must and must not be there.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::world::{Person, model_files};

/// The demo, started as a person would start it.
struct Demo {
    script: Child,
    base: String,
    /// Holds the copy of the company's files, the data, and the log.
    folder: tempfile::TempDir,
}

impl Demo {
    /// Runs `scripts/demo` on a free port, in a copy of the repository's files that it needs.
    fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let copy = |part: &str| {
            let to = folder.path().join(part);
            std::fs::create_dir_all(to.parent().expect("a parent")).expect("a folder");
            let done = Command::new("cp").arg("-r").arg(root.join(part)).arg(to).status();
            assert!(done.expect("cp runs").success(), "{part} can't be copied");
        };
        copy("config/demo");
        copy("scripts/demo");
        let models = folder.path().join("models");
        std::os::unix::fs::symlink(root.join("models"), models).expect("a link");
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("a port").port();
        drop(free);
        let mut script = Command::new("python3")
            .arg(folder.path().join("scripts/demo"))
            .args([env!("CARGO_BIN_EXE_vouch"), &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(folder.path().join("log")).expect("a log"))
            .spawn()
            .expect("python3 runs");
        let mut said = String::new();
        let mut lines = BufReader::new(script.stdout.take().expect("a pipe"));
        // Its last line says how it ends.
        while !said.contains("Control-C ends it") {
            let read = lines.read_line(&mut said).expect("it speaks");
            assert!(read > 0, "the demo ended: {said}");
        }
        // Somebody must go on reading, or its last words would break it.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        assert!(said.contains("curl -s"), "it prints what to try: {said}");
        Self { script, base: format!("http://127.0.0.1:{port}"), folder }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            eprintln!("the demo's log:\n{log}");
        }
        // The script ends its server when it is asked to end itself.
        let asked = Command::new("kill").arg(self.script.id().to_string()).status();
        drop((asked, self.script.wait()));
    }
}

/// What an entry says and the answer doesn't.
fn wrong(entry: &toml::Table, answer: &Value) -> Vec<String> {
    let text = |key: &str| entry.get(key).and_then(toml::Value::as_str);
    let sentences = answer["sentences"].as_array().expect("sentences");
    let said: Vec<_> = sentences.iter().filter_map(|sentence| sentence["text"].as_str()).collect();
    let said = said.join(" ");
    let citations = answer["citations"].as_array().expect("citations");
    let mut wrong = Vec::new();
    if answer["outcome"].as_str() != text("expect") {
        wrong.push(format!("outcome {}", answer["outcome"]));
    }
    if let Some(document) = text("document") {
        let cited: Vec<_> =
            citations.iter().filter_map(|citation| citation["document"].as_str()).collect();
        if !cited.contains(&document) {
            wrong.push(format!("cites {cited:?} and not {document}"));
        }
    }
    if let Some(words) = text("contains").filter(|words| !said.contains(words)) {
        wrong.push(format!("does not say `{words}`"));
    }
    if let Some(words) = text("lacks").filter(|words| said.contains(words)) {
        wrong.push(format!("says `{words}`"));
    }
    let stale = entry.get("stale").and_then(toml::Value::as_bool).unwrap_or(false);
    if stale && !citations.iter().any(|citation| citation["stale"] == true) {
        wrong.push("no citation is stale".to_owned());
    }
    if !wrong.is_empty() && !said.is_empty() {
        wrong.push(format!("said: {said}"));
    }
    wrong
}

#[tokio::test]
async fn the_sample_company_answers_every_question_of_its_list() {
    if model_files("the_sample_company_answers_every_question_of_its_list").is_none() {
        return;
    }
    let demo = tokio::task::spawn_blocking(Demo::start).await.unwrap();
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo/questions.toml");
    let list: toml::Table = std::fs::read_to_string(list).unwrap().parse().unwrap();
    let entries = list["question"].as_array().unwrap();
    let mut failures = Vec::new();
    for entry in entries {
        let entry = entry.as_table().unwrap();
        let (user, question) = (entry["as"].as_str().unwrap(), entry["question"].as_str().unwrap());
        let answer = Person::new(&demo.base, Some(format!("demo:{user}"))).ask(question).await;
        let wrong = wrong(entry, &answer);
        if !wrong.is_empty() {
            failures.push(format!("{user}: {question}\n    {}", wrong.join("\n    ")));
        }
    }
    let (count, all) = (failures.len(), entries.len());
    assert!(failures.is_empty(), "{count} of {all} fail:\n{}", failures.join("\n"));
}
