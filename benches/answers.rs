//! How far the extractive answers can be trusted, over HTTP: `squad2` of `../shared/data` (or `VOUCH_DATA`)
//! is pushed to a server of this build, and its questions are asked through `/v1/ask`, together with those
//! that people wrote so that nothing answers them.
//!
//! The articles are halved by turns: the first half chose the threshold, the second judges it.
//! The server is started again with one `min_confidence` after another; what one refuses, a higher one
//! refuses too and is not asked again. An answer is wrong when nothing answers its question, or when none of
//! the right answers stands in its sentences.

#[path = "parts/lines.rs"]
mod lines;
#[path = "parts/pushing.rs"]
mod pushing;
#[path = "parts/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, stream};
use lines::{lines, text};
use pushing::Pushed;
use serde_json::{Value, json};
use server::{Server, configure};

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
        let settings = format!("[answer]\nmin_confidence = {threshold:?}\n");
        let server = Server::start(&configure(folder.path(), &settings)?).await?;
        if threshold == THRESHOLDS[0] {
            server.push("squad2", &set.documents).await?;
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
    documents: Vec<Pushed>,
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
            let title = Some(text(line, "title")?);
            documents.push(Pushed { path, title, body: text(line, "text")? });
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

impl Server {
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
