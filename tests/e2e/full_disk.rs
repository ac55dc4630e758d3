//! Promise 7 on a disk that is really full: the write itself fails, in the system.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::process::Server;
use crate::world::{Company, Person, Reply, settled};

const CANARY: &str = "heliotrope";
const QUESTION: &str = "How many weeks is parental leave?";
/// One or two megabytes: more than the ledger of this company has, and less than the write-ahead log
/// may grow to before SQLite begins it anew. So it only fills.
const BLOCKS: u32 = 2048;
/// The log is full long before.
const ROUNDS: usize = 500;

/// What readers read, one of each kind.
async fn read(bob: &Person) -> Vec<Reply> {
    let mut replies = Vec::new();
    for (method, path, body) in [
        (Method::POST, "/v1/ask", json!({"question": QUESTION})),
        (Method::POST, "/v1/ask", json!({"question": QUESTION, "stream": true})),
        (Method::POST, "/v1/search", json!({"query": "parental leave"})),
        (Method::GET, "/v1/documents/hr/leave.md", json!({})),
        (Method::GET, "/view/hr/leave.md", json!({})),
    ] {
        replies.push(bob.send(bob.request(method, path).json(&body)).await);
    }
    replies
}

/// The kinds of the opening records, in order.
async fn recorded(ines: &Person) -> Vec<Value> {
    let export = ines.get("/v1/admin/audit?export=1").await;
    assert_eq!(export.status, 200, "{}", export.body);
    let records = export.body.lines().map(|line| serde_json::from_str(line).expect("a record"));
    records.collect()
}

fn shows(reply: &Reply) -> bool {
    reply.body.contains(CANARY)
}

#[tokio::test]
async fn promise_7_on_a_full_disk_there_is_no_record_and_no_answer() {
    let text = format!("# Leave\n\nParental leave is 16 weeks of {CANARY}.\n");
    let company = Company::holding(&[("hr/leave.md", &text)]);
    let server = Server::start(&company, &[]);
    server.person("alice").add(&company.sources()[0]).await;
    settled(&server.person("alice")).await;
    server.kill();
    let ledger = rusqlite::Connection::open(company.folder().join("data/ledger.sqlite")).unwrap();
    ledger.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("an empty log");
    drop(ledger);

    let server = Server::start_on_a_small_disk(&company, BLOCKS);
    let bob = server.person("bob");
    let mut shown = [0; 5];
    let mut answers = BTreeSet::new();
    let mut full = false;
    for _ in 0..ROUNDS {
        let replies = read(&bob).await;
        if replies[0].status == 200 {
            answers.insert(replies[0].json()["id"].as_str().expect("an id").to_owned());
        }
        for (count, reply) in shown.iter_mut().zip(&replies) {
            *count += usize::from(shows(reply));
        }
        if !replies.iter().any(shows) {
            for (at, reply) in replies.iter().enumerate() {
                let broken_off = reply.body.contains("event: error");
                assert!(reply.status >= 500 || (at == 1 && broken_off), "{reply:?}");
            }
            full = true;
            break;
        }
    }
    assert!(full, "something goes on being shown, whether or not it can be recorded: {shown:?}");
    assert!(shown.iter().all(|count| *count > 0), "it was full from the beginning: {shown:?}");
    server.kill();

    let server = Server::start(&company, &[]);
    let ines = server.person("ines");
    let verified = ines.get("/v1/admin/audit/verify").await.json();
    assert_eq!(verified["ok"], true, "{verified}");
    let records = recorded(&ines).await;
    let of_kind = |kind: &str| records.iter().filter(|record| record["kind"] == kind).count();
    assert!(of_kind("answer") >= shown[0] + shown[1], "{shown:?}");
    assert!(of_kind("search") >= shown[2], "{shown:?}");
    assert!(of_kind("document") >= shown[3] + shown[4], "{shown:?}");
    let closed: BTreeSet<_> = records
        .iter()
        .filter(|record| record["kind"] == "closed")
        .filter_map(|record| record["answer"].as_str().map(str::to_owned))
        .collect();
    assert!(answers.is_subset(&closed), "each answer is on record to its end");
    assert!(read(&server.person("bob")).await.iter().all(shows), "and then it goes on");
}
