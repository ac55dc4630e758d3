//! Promise 8: what was acknowledged is durable. The server is a process that is killed with
//! `kill -9`, and started again on the same folder.

use std::collections::BTreeSet;

use serde_json::json;

use crate::process::{Server, run};
use crate::world::{Company, Person, settled, until};

const FILES: usize = 250;

async fn documents(alice: &Person) -> i64 {
    let status = alice.get("/v1/admin/status").await.json();
    status["documents"]["live"].as_i64().expect("a number")
}

/// A company with a folder of many files, as a second process will read it.
fn company() -> Company {
    let company = Company::holding(&[]).with_source("wiki", &json!({}));
    for number in 0..FILES {
        let text =
            format!("# Page {number}\n\nThe heliotrope on page {number} is unique{number}.\n");
        company.write(&format!("wiki/page-{number}.md"), text.as_bytes());
    }
    company
}

#[tokio::test]
async fn promise_8_a_sync_that_was_killed_goes_on_by_itself() {
    let company = company();
    let mut server = Server::start(&company, &[]);
    server.person("alice").add(&company.sources()[0]).await;
    let mut killed_at = Vec::new();
    for least in [10, 60, 150] {
        let alice = server.person("alice");
        let live = until("some files are in", async || {
            let live = documents(&alice).await;
            (live >= least).then_some(live)
        })
        .await;
        server.kill();
        killed_at.push(live);
        server = Server::start(&company, &[]);
    }
    assert!(killed_at[0] < FILES as i64, "it was killed too late to show anything: {killed_at:?}");
    let alice = server.person("alice");
    settled(&alice).await;
    assert_eq!(documents(&alice).await, FILES as i64);
    assert_eq!(
        server.person("bob").finds("heliotrope").await.len(),
        200,
        "the most that a search gives"
    );
    for number in (0..FILES).step_by(17) {
        let found = server.person("bob").search(&format!("unique{number}")).await;
        assert_eq!(found.len(), 1, "each is there once: {found:?}");
    }
    let source = alice.get("/v1/admin/sources/wiki").await.json();
    assert_eq!((&source["problems"], &source["chunks"]), (&json!([]), &json!(FILES)));
    assert_eq!(alice.get("/v1/admin/audit/verify").await.json()["ok"], true);
}

#[tokio::test]
async fn promise_8_every_acknowledged_push_is_there_after_a_kill() {
    let company = Company::holding(&[]).with_source("news", &json!({"kind": "push"}));
    let mut server = Server::start(&company, &[]);
    server.person("alice").add(&company.sources()[0]).await;
    let mut acknowledged = BTreeSet::new();
    for round in 0..3 {
        // Pushes from several sides at once, until the server is gone.
        let lanes = (0..4).map(|lane| {
            let alice = server.person("alice");
            tokio::spawn(async move {
                let mut mine = Vec::new();
                for number in 0.. {
                    let name = format!("note-{round}-{lane}-{number}");
                    let text = format!("# Note\n\nThe text of {} is here.", name.replace('-', "x"));
                    let push = alice.pushing(&format!("news/{name}.md"), &json!({}), text.into());
                    match Person::attempt(push).await {
                        Ok(reply) if reply.status == 202 => mine.push(name),
                        Ok(reply) => panic!("{}", reply.body),
                        Err(_gone) => break,
                    }
                }
                mine
            })
        });
        let lanes: Vec<_> = lanes.collect();
        let alice = server.person("alice");
        until("some pushes were read", async || {
            (documents(&alice).await >= 15 * (round + 1)).then_some(())
        })
        .await;
        server.kill();
        for lane in lanes {
            acknowledged.extend(lane.await.unwrap());
        }
        server = Server::start(&company, &[]);
    }
    let alice = server.person("alice");
    settled(&alice).await;
    assert!(acknowledged.len() >= 40, "{}", acknowledged.len());
    let listed = alice.get("/v1/admin/sources/news/documents").await.json();
    let live: BTreeSet<_> = listed["documents"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|document| document["state"] == "live")
        .map(|document| document["document"].as_str().unwrap().to_owned())
        .collect();
    for name in &acknowledged {
        assert!(live.contains(&format!("news/{name}.md")), "{name} was acknowledged and is lost");
    }
    for name in acknowledged.iter().step_by(9) {
        assert_eq!(
            server.person("bob").finds(&name.replace('-', "x")).await,
            [format!("news/{name}.md")]
        );
    }
    assert_eq!(alice.get("/v1/admin/audit/verify").await.json()["ok"], true);
    let left = std::fs::read_dir(company.folder().join("data/incoming")).unwrap().count();
    assert!(
        left <= 12,
        "{left} files are left over: one of each lane may be, that never was acknowledged"
    );
}

#[tokio::test]
async fn promise_8_a_change_of_permission_survives_a_kill() {
    let company = company();
    let server = Server::start(&company, &[]);
    server.person("alice").add(&company.sources()[0]).await;
    settled(&server.person("alice")).await;
    assert_eq!(server.person("bob").finds("unique7").await, ["wiki/page-7.md"]);
    assert_eq!(server.person("alice").decide("wiki/page-7.md", "withdraw").await.status, 200);
    server.kill();
    let server = Server::start(&company, &[]);
    assert!(server.person("bob").finds("unique7").await.is_empty());
    let why = json!({"why": "a look"});
    assert_eq!(server.person("alice").post("/v1/admin/sources/wiki/pause", &why).await.status, 200);
    server.kill();
    let server = Server::start(&company, &[]);
    assert!(server.person("bob").finds("unique8").await.is_empty());
}

#[tokio::test]
async fn promise_8_an_acknowledged_reindex_is_finished_after_a_kill() {
    let company = company();
    let server = Server::start(&company, &[]);
    let alice = server.person("alice");
    alice.add(&company.sources()[0]).await;
    settled(&alice).await;
    let before = server.person("bob").search("heliotrope").await;
    let reply = alice.post("/v1/admin/reindex", &json!({})).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    server.kill();
    let server = Server::start(&company, &[]);
    let alice = server.person("alice");
    until("the new generation answers", async || {
        let status = alice.get("/v1/admin/status").await.json();
        (status["generation"] == reply.json()["generation"]).then_some(())
    })
    .await;
    settled(&alice).await;
    assert_eq!(server.person("bob").search("heliotrope").await, before);
}

#[tokio::test]
async fn promise_8_a_second_server_on_the_same_folder_is_refused() {
    let company = company();
    let server = Server::start(&company, &[]);
    let (code, said) = run(company.folder(), &["serve", "--config", "vouch.toml"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("data") && said.contains("another"), "{said}");
    assert_eq!(server.person("alice").get("/v1/admin/status").await.status, 200);
}
