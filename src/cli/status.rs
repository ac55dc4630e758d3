//! `vouch status`: how the server is doing.

use anyhow::Result;
use serde_json::Value;

use super::Session;
use super::control::stopped;
use super::output::{aligned, cell, items, safe, table};

/// `vouch status`
pub(super) async fn run(session: &Session) -> Result<()> {
    let body = session.client.get(&["v1", "admin", "status"]).await?;
    session.show(&body, people)
}

pub(super) fn people(status: &Value) -> String {
    let documents = &status["documents"];
    let vectors = &status["vectors"];
    let mut rows = vec![
        ["version", &cell(status, "version")].map(str::to_owned).to_vec(),
        vec!["up".to_owned(), uptime(status["uptime_s"].as_u64().unwrap_or(0))],
        vec![
            "documents".to_owned(),
            format!(
                "{} live, {} waiting, {} failed",
                cell(documents, "live"),
                cell(documents, "waiting"),
                cell(documents, "failed")
            ),
        ],
        vec![
            "chunks".to_owned(),
            format!("{}, {} embedded", cell(status, "chunks"), cell(status, "embedded")),
        ],
        vec!["generation".to_owned(), generation(status)],
    ];
    if !vectors.is_null() {
        rows.push(vec![
            "vectors".to_owned(),
            format!("{}, {}", cell(vectors, "store"), cell(vectors, "state")),
        ]);
    }
    rows.push(vec!["audit head".to_owned(), cell(status, "head")]);
    let mut text = aligned(&rows);
    if !status["stopped"].is_null() {
        text.push_str(&format!("STOPPED: {}\n", stopped(&status["stopped"])));
    }
    for alarm in items(status, "alarms").iter().filter_map(Value::as_str) {
        text.push_str(&format!("ALARM: {}\n", safe(alarm)));
    }
    let sources = items(status, "sources");
    if !sources.is_empty() {
        let columns = [
            ("SOURCE", "id"),
            ("STATE", "state"),
            ("DOCUMENTS", "documents"),
            ("LIVE", "live"),
            ("WAITING", "waiting"),
            ("FAILED", "failed"),
            ("SYNCING", "syncing"),
        ];
        text.push_str(&format!("\n{}", table(sources, &columns)));
    }
    text
}

fn generation(status: &Value) -> String {
    match status["generation_behind"].as_u64() {
        Some(behind) if behind > 0 => {
            format!("{}, {behind} changes behind", cell(status, "generation"))
        }
        Some(_) | None => cell(status, "generation"),
    }
}

fn uptime(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}
