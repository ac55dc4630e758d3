//! What the audit forgets: one person's part on request, and old parts by age. The chain verifies
//! without them, and nothing of them is left in the ledger's files.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use vouch_index::Actor;
use vouch_index::ledger::{Ledger, Retention};

use crate::world::{Person, World};

const QUESTION: &str = "How many weeks is heliotrope leave?";
const COMMENT: &str = "vermilion remark";

async fn company() -> World {
    World::holding(&[("hr/leave.md", "# Leave\n\nThe heliotrope leave is 16 weeks.\n")]).await
}

async fn verified(world: &World) -> Value {
    world.ines().get("/v1/admin/audit/verify").await.json()
}

async fn export(world: &World) -> String {
    world.ines().get("/v1/admin/audit?export=1").await.body
}

/// Everything that lies in the ledger's files and nowhere else.
fn on_disk(data: &Path) -> String {
    let mut all = Vec::new();
    for name in ["ledger.sqlite", "ledger.sqlite-wal"] {
        all.extend(std::fs::read(data.join(name)).unwrap_or_default());
    }
    String::from_utf8_lossy(&all).into_owned()
}

async fn asks(person: &Person, question: &str) {
    let answer = person.ask(question).await;
    let said = json!({"answer": answer["id"], "verdict": "wrong", "comment": COMMENT});
    assert_eq!(person.post("/v1/feedback", &said).await.status, 200);
    person.search("heliotrope weeks").await;
    person.get("/v1/documents/hr/leave.md").await;
}

#[tokio::test]
async fn promise_7_an_erased_persons_text_is_gone_and_the_chain_still_verifies() {
    let world = company().await;
    asks(&world.bob(), "Bob wonders how many weeks heliotrope leave is?").await;
    asks(&world.carla(), QUESTION).await;
    assert!(export(&world).await.contains("Bob wonders"));
    assert!(
        on_disk(&world.data()).contains("Bob wonders"),
        "or the look below would prove nothing"
    );
    let erase = json!({"user": "user:bob", "why": "he asked for it"});
    for person in [world.bob(), world.ines()] {
        assert_eq!(person.post("/v1/admin/audit/erase", &erase).await.problem().0, 403);
    }
    let erased = world.alice().post("/v1/admin/audit/erase", &erase).await.json();
    assert_eq!(erased["user"], "user:bob");
    assert!(erased["records"].as_i64().unwrap() >= 4, "{erased}");
    let left = export(&world).await;
    assert!(!left.contains("Bob wonders"), "{left}");
    assert!(left.contains(QUESTION), "nobody else's");
    let records: Vec<Value> =
        left.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_bob = |record: &&Value| record["person"]["user"] == "user:bob";
    assert_eq!(records.iter().filter(of_bob).count(), 0);
    // What was shown is still there, without whom it was shown to.
    let anonymous = records.iter().find(|record| record["kind"] == "answer").unwrap();
    assert!(anonymous["person"].is_null(), "{anonymous}");
    assert_eq!(anonymous["body"]["passages"][0]["document"], "hr/leave.md");
    let last = records.last().unwrap();
    assert_eq!(
        (&last["kind"], &last["body"]["why"]),
        (&json!("audit.erase"), &json!("he asked for it"))
    );
    assert_eq!(last["person"]["erased"], "user:bob");
    assert!(!last["body"].to_string().contains("bob"), "the chain can't forget: {last}");
    assert_eq!(verified(&world).await["ok"], true);
    let comments: i64 = world
        .ledger()
        .query_row("SELECT count(*) FROM feedback WHERE user = 'user:bob'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(comments, 0);
    assert!(!on_disk(&world.data()).contains("Bob wonders"), "nor in the file's free pages");
    assert!(on_disk(&world.data()).contains(QUESTION));
}

#[tokio::test]
async fn promise_7_nobody_erases_themselves_and_acts_are_kept() {
    let world = company().await;
    let erase = async |user: &str| {
        world.alice().post("/v1/admin/audit/erase", &json!({ "user": user })).await
    };
    assert_eq!(erase("alice").await.problem(), (409, "yourself".to_owned()));
    assert_eq!(erase("group:hr").await.problem(), (422, "bad_user".to_owned()));
    let pause = json!({"why": "a look"});
    assert_eq!(world.alice().post("/v1/admin/sources/hr/pause", &pause).await.status, 200);
    assert_eq!(erase("nobody").await.json()["records"], 0);
    assert!(export(&world).await.contains("\"actor\":\"user:alice\""));
}

#[tokio::test]
async fn promise_7_what_is_older_than_its_kind_is_kept_goes() {
    let world = company().await;
    asks(&world.bob(), QUESTION).await;
    let old = "2020-01-01T00:00:00Z";
    world.ledger().execute("UPDATE audit SET at = ?1 WHERE kind <> 'search'", [old]).unwrap();
    let data = world.data();
    let clock =
        Actor { name: "clock".to_owned(), principals: BTreeSet::new(), administrator: true };
    let expired = tokio::task::spawn_blocking(move || {
        let ledger = Ledger::open(&data, &data.join("audit.head")).unwrap();
        let day = Some(86_400);
        let none = ledger.audit_expire(&Retention::default(), &clock).unwrap();
        let searches = Retention { searches: day, ..Retention::default() };
        let young = ledger.audit_expire(&searches, &clock).unwrap();
        let answers = Retention { answers: day, ..Retention::default() };
        (none, young, ledger.audit_expire(&answers, &clock).unwrap())
    });
    let (none, young, answers) = expired.await.unwrap();
    assert_eq!((none, young), (0, 0), "for ever, and not yet");
    assert!(answers >= 3, "an answer, its sentences, its end: {answers}");
    let left = export(&world).await;
    assert!(!left.contains(QUESTION) && left.contains("heliotrope weeks"), "{left}");
    assert!(left.contains("audit.expire"), "{left}");
}
