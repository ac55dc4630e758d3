//! How far the extractive answers can be trusted, over HTTP: `squad2` of `../shared/data` (or `VOUCH_DATA`)
//! is pushed to a server of this build, and its questions are asked through `/v1/ask`, together with those
//! that people wrote so that nothing answers them.
//!
//! The articles are halved by turns: the first half chose the threshold, the second judges it.
//! The server is started again with one `min_confidence` after another; what one refuses, a higher one
//! refuses too and is not asked again. An answer is wrong when nothing answers its question, or when none of
//! the right answers stands in its sentences.

use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::RequestBuilder;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

/// Values of `min_confidence`, rising; the default is among them.
const THRESHOLDS: [f64; 9] = [0.0, 0.2, 0.3, 0.36, 0.42, 0.48, 0.54, 0.6, 0.7];
const HALVES: [&str; 2] = ["the half that chose", "the half that judges"];

#[tokio::main]
async fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data = std::env::var("VOUCH_DATA").map(PathBuf::from);
    let data = data.unwrap_or_else(|_| root.join("../shared/data")).join("retrieval/squad2");
    if !data.is_dir() {
        println!("answers are not measured: {} is not there", data.display());
        return Ok(());
    }
    let set = Set::read(&data)?;
    let folder = tempfile::tempdir()?;
    let mut asked: Vec<&Question> = set.questions.iter().collect();
    let mut curve = Vec::new();
    for threshold in THRESHOLDS {
        let server = Server::start(folder.path(), threshold).await?;
        if threshold == THRESHOLDS[0] {
            server.load(&set).await?;
        }
        let answers = server.ask(&asked).await?;
        asked = answers.iter().map(|(question, _)| *question).collect();
        curve.push((threshold, answers));
    }
    for (half, name) in HALVES.iter().enumerate() {
        let count = |answerable| {
            let all = set.questions.iter().filter(|question| question.half == half);
            all.filter(|question| question.answerable() == answerable).count()
        };
        let of = [count(true), count(false)];
        println!("\n{name}: {} answerable, {} unanswerable", of[0], of[1]);
        println!(
            "min_confidence  answered  wrong  | answerable  gold span  right paragraph | near misses"
        );
        for (threshold, answers) in &curve {
            let row = answers.iter().filter(|(question, _)| question.half == half);
            Tally::of(row.map(|(question, answer)| (*question, answer))).print(*threshold, of);
        }
    }
    Ok(())
}

/// Paragraphs, and what is asked of them.
struct Set {
    /// Path, title and text.
    documents: Vec<(String, String, String)>,
    questions: Vec<Question>,
}

struct Question {
    text: String,
    /// The paragraph that it was written for.
    paragraph: String,
    /// Spans of that paragraph that answer it; none where nothing does.
    answers: Vec<String>,
    /// By the paragraph's article. Every other article has questions; of those, by turns.
    half: usize,
}

impl Question {
    fn answerable(&self) -> bool {
        !self.answers.is_empty()
    }
}

impl Set {
    fn read(folder: &Path) -> Result<Self> {
        let mut paths = BTreeMap::new();
        let mut documents = Vec::new();
        for (number, line) in lines(&folder.join("corpus.jsonl"))?.iter().enumerate() {
            let id = text(line, "_id")?;
            let article = id.split('-').nth(1).context("a paragraph of no article")?;
            let path = format!("d{number}.md");
            paths.insert(id.clone(), (path.clone(), article.parse::<usize>()? / 2 % 2));
            documents.push((path, text(line, "title")?, text(line, "text")?));
        }
        let judgements = read_to_string(folder.join("qrels.tsv"))?;
        let judged: BTreeMap<&str, &str> = judgements
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once('\t'))
            .filter_map(|(question, rest)| Some((question, rest.split_once('\t')?.0)))
            .collect();
        let mut questions = Vec::new();
        let mut add = |line: &Value, paragraph: &str, answers: Vec<String>| -> Result<()> {
            let (path, half) = paths.get(paragraph).context("a question of no paragraph")?.clone();
            questions.push(Question { text: text(line, "text")?, paragraph: path, answers, half });
            Ok(())
        };
        for line in lines(&folder.join("queries.jsonl"))? {
            let paragraph =
                judged.get(text(&line, "_id")?.as_str()).context("a question unjudged")?;
            let spans = line["answers"].as_array().context("a question without answers")?;
            let spans = spans.iter().filter_map(|span| Some(span.as_str()?.to_owned())).collect();
            add(&line, paragraph, spans)?;
        }
        for line in lines(&folder.join("unanswerable.jsonl"))? {
            add(&line, &text(&line, "paragraph")?, Vec::new())?;
        }
        Ok(Self { documents, questions })
    }
}

/// What an answer said and cited.
struct Said {
    text: String,
    documents: Vec<String>,
}

/// Counts over the answers of one threshold.
#[derive(Default)]
struct Tally {
    /// Answers to questions that have one, and to those that have none.
    answered: [usize; 2],
    gold: usize,
    right_paragraph: usize,
}

impl Tally {
    fn of<'a>(answers: impl Iterator<Item = (&'a Question, &'a Said)>) -> Self {
        let mut tally = Self::default();
        for (question, said) in answers {
            tally.answered[usize::from(!question.answerable())] += 1;
            let gold = question.answers.iter().any(|span| said.text.contains(span.as_str()));
            tally.gold += usize::from(gold);
            let cited = said.documents.contains(&question.paragraph);
            tally.right_paragraph += usize::from(question.answerable() && cited);
        }
        tally
    }

    fn print(&self, threshold: f64, [answerable, unanswerable]: [usize; 2]) {
        let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
        let [right, near] = self.answered;
        println!(
            "{threshold:>14.2}  {:>8.3}  {:>5.3}  | {:>10.3}  {:>9.3}  {:>15.3} | {:>11.3}",
            share(right + near, answerable + unanswerable),
            share(right + near - self.gold, right + near),
            share(right, answerable),
            share(self.gold, answerable),
            share(self.right_paragraph, right),
            share(near, unanswerable),
        );
    }
}

/// A server of this build; its process ends when it is dropped.
struct Server {
    process: Child,
    url: String,
    client: reqwest::Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        // What it acknowledged is on disk.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Server {
    async fn start(folder: &Path, threshold: f64) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let person = "[[person]]\nuser = \"olga\"\nname = \"Olga\"\nroles = [\"administrator\"]\n";
        std::fs::write(folder.join("people.toml"), person)?;
        let model = root.join("models/all-minilm-l6-v2");
        let runtime = root.join("models/libonnxruntime.so");
        let config = format!(
            "data_dir = \"data\"\n[server]\nlisten = \"{address}\"\n[auth]\nmode = \"demo\"\n\
             [auth.demo]\npeople = \"people.toml\"\n[embedding]\nmodel = {model:?}\n\
             runtime = {runtime:?}\n[answer]\nmin_confidence = {threshold:?}\n[log]\nlevel = \"warn\"\n"
        );
        let file = folder.join("vouch.toml");
        std::fs::write(&file, config)?;
        let process = Command::new(env!("CARGO_BIN_EXE_vouch"))
            .args(["serve", "--config"])
            .arg(&file)
            .spawn()
            .context("the server can't be started")?;
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder().no_proxy().build()?;
        let server = Self { process, url: format!("http://{address}"), client };
        for _ in 0..600 {
            let ready = server.client.get(format!("{}/readyz", server.url)).send().await;
            if ready.is_ok_and(|ready| ready.status().is_success()) {
                return Ok(server);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("the server was not ready within a minute")
    }

    /// One request as the only person there is.
    async fn call(&self, request: RequestBuilder) -> Result<Value> {
        let response = request.bearer_auth("demo:olga").send().await?;
        let status = response.status();
        let body: Value = response.json().await?;
        ensure!(status.is_success(), "{status}: {body}");
        Ok(body)
    }

    /// Pushes the paragraphs and waits until words and vectors have caught up.
    async fn load(&self, set: &Set) -> Result<()> {
        let source = json!({
            "id": "squad2", "kind": "push", "owner": "user:olga", "purpose": "a benchmark",
            "approvers": ["user:olga"], "approval": "source", "access": {"allow": ["everyone"]},
        });
        let sources = format!("{}/v1/admin/sources", self.url);
        self.call(self.client.post(&sources).json(&source)).await?;
        let pushes = set.documents.iter().map(|(path, title, body)| {
            let file = Part::text(body.clone()).file_name(path.clone());
            let metadata = json!({ "title": title }).to_string();
            let form = Form::new().text("metadata", metadata).part("file", file);
            self.call(self.client.put(format!("{sources}/squad2/documents/{path}")).multipart(form))
        });
        stream::iter(pushes).buffer_unordered(2).try_collect::<Vec<_>>().await?;
        loop {
            let status = self.client.get(format!("{}/v1/admin/status", self.url));
            let status = self.call(status).await?;
            let all = status["documents"]["live"] == set.documents.len();
            let followed = status["generation_behind"] == 0;
            if all && followed && status["embedded"] == status["chunks"] {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Those questions that get an answer, with what it says.
    async fn ask<'a>(&self, questions: &[&'a Question]) -> Result<Vec<(&'a Question, Said)>> {
        let answers = questions.iter().map(|question| async move {
            let body = json!({ "question": question.text });
            let answer = self.call(self.client.post(format!("{}/v1/ask", self.url)).json(&body));
            Ok::<_, anyhow::Error>((*question, answer.await?))
        });
        let answers: Vec<_> = stream::iter(answers).buffered(2).try_collect().await?;
        let answered = answers.into_iter().filter(|(_, answer)| answer["outcome"] == "answered");
        answered.map(|(question, answer)| Ok((question, Said::read(&answer)?))).collect()
    }
}

impl Said {
    fn read(answer: &Value) -> Result<Self> {
        let sentences = answer["sentences"].as_array().context("no sentences")?;
        let sentences = sentences.iter().map(|sentence| text(sentence, "text"));
        let citations = answer["citations"].as_array().context("no citations")?;
        let path = |citation: &Value| -> Result<String> {
            let document = text(citation, "document")?;
            Ok(document.trim_start_matches("squad2/").to_owned())
        };
        Ok(Self {
            text: sentences.collect::<Result<Vec<_>>>()?.join(" "),
            documents: citations.iter().map(path).collect::<Result<_>>()?,
        })
    }
}

fn lines(path: &Path) -> Result<Vec<Value>> {
    let text = read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?;
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

fn text(value: &Value, key: &str) -> Result<String> {
    Ok(value[key].as_str().with_context(|| format!("there is no `{key}`"))?.to_owned())
}
