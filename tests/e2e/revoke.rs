//! What a revoked source leaves behind: nothing that anybody finds from the next query on, and soon
//! nothing on the disk, in whatever generation. Identifiers, decisions and the audit stay.

use std::path::Path;

use serde_json::{Value, json};

use crate::world::{Company, World, model_files, until};

const TEXT: &str = "# Sepiafarben\n\nThe heliotrope leave is 16 weeks for amaranthine parents.\n";
const OTHER: &str = "# VPN\n\nThe vermilion gateway is new.\n";

/// The files below the data folder that hold these bytes. What was searched for is in the audit, so
/// that is another word.
fn holding(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else if let Ok(bytes) = std::fs::read(&path) {
            let lower = bytes.to_ascii_lowercase();
            if lower.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

/// The chunks that lie in the files of each generation's text index, whether deleted or not; nothing
/// while there are files that belong to no segment.
fn chunks_on_disk(data: &Path) -> Option<Vec<u64>> {
    let mut all = Vec::new();
    for folder in std::fs::read_dir(data.join("index")).ok()?.flatten() {
        let meta = std::fs::read_to_string(folder.path().join("meta.json")).ok()?;
        let meta: Value = serde_json::from_str(&meta).ok()?;
        let segments = meta["segments"].as_array()?;
        let name = |segment: &Value| segment["segment_id"].as_str().unwrap_or("?").replace('-', "");
        let names: Vec<String> = segments.iter().map(name).collect();
        for file in std::fs::read_dir(folder.path()).ok()?.flatten() {
            let file = file.file_name().to_string_lossy().into_owned();
            let owned = names.iter().any(|name| file.starts_with(name.as_str()));
            if !owned && !file.starts_with('.') && file != "meta.json" {
                return None;
            }
        }
        all.push(segments.iter().filter_map(|segment| segment["max_doc"].as_u64()).sum());
    }
    Some(all)
}

async fn cleaned(world: &World, source: &str) -> Value {
    until("nothing is left", async || {
        let shown = world.alice().get(&format!("/v1/admin/sources/{source}")).await.json();
        let left = json!({"texts": 0, "chunks": 0, "vectors": 0, "indexes": 0});
        (shown["derived"] == left).then_some(shown)
    })
    .await
}

async fn reindexed(world: &World) {
    assert_eq!(world.alice().post("/v1/admin/reindex", &json!({})).await.status, 202);
    until("another generation answers", async || {
        let status = world.alice().get("/v1/admin/status").await.json();
        (status["generation"] == 2).then_some(())
    })
    .await;
    world.settled().await;
}

async fn revoke(world: &World, source: &str) -> Value {
    let route = format!("/v1/admin/sources/{source}/revoke");
    let reply = world.alice().post(&route, &json!({"why": "the contract ended"})).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

#[tokio::test]
async fn promise_4_a_revoked_source_is_found_by_nobody_and_leaves_nothing_on_the_disk() {
    let world = World::holding(&[("hr/leave.md", TEXT), ("it/vpn.md", OTHER)]).await;
    reindexed(&world).await;
    let data = world.data();
    for word in ["amaranthin", "sepiafarb"] {
        let there = holding(&data, word);
        assert!(there.iter().any(|file| file.contains("ledger")), "{there:?}");
    }
    let of_both = until("both generations lie there", async || chunks_on_disk(&data)).await;
    assert_eq!(of_both.len(), 2, "the live generation and the old one");
    let revoked = revoke(&world, "hr").await;
    assert!(world.bob().finds("heliotrope").await.is_empty(), "from the next query on");
    assert_eq!(
        revoked["purged"],
        json!({"documents": 1, "versions": 1, "texts": 1, "chunks": 2, "vectors": 0})
    );
    let shown = cleaned(&world, "hr").await;
    assert_eq!((&shown["purged"], &shown["state"]), (&revoked["purged"], &json!("revoked")));
    until("no file holds it", async || holding(&data, "amaranthin").is_empty().then_some(())).await;
    assert_eq!(holding(&data, "sepiafarb"), Vec::<String>::new());
    let left = until("no index keeps old files", async || chunks_on_disk(&data)).await;
    assert_eq!(left.len(), 2);
    assert!(left.iter().zip(&of_both).all(|(left, both)| left < both), "{left:?} of {of_both:?}");
    assert_eq!(world.bob().finds("vermilion").await, ["it/vpn.md"], "nothing else is gone");
    // The old generation can answer still, without it.
    assert_eq!(world.alice().post("/v1/admin/rollback", &json!({})).await.status, 200);
    world.settled().await;
    assert_eq!(world.bob().finds("vermilion").await, ["it/vpn.md"]);
    assert!(world.bob().finds("heliotrope").await.is_empty());
    let records = world.ines().get("/v1/admin/audit?kind=source.revoke").await.json();
    let subject = &records["records"][0]["body"]["subject"];
    assert_eq!((&subject["before"], &subject["after"]), (&json!("active"), &json!("revoked")));
    assert_eq!(subject["purged"], revoked["purged"]);
}

#[tokio::test]
async fn promise_4_a_removed_source_leaves_no_pushed_file_and_no_title() {
    let world = Company::holding(&[("it/vpn.md", OTHER)])
        .with_source("news", &json!({"kind": "push"}))
        .open()
        .await;
    let said = json!({"title": "Sepiafarben"});
    assert_eq!(
        world
            .alice()
            .push("news/a.md", &said, "The heliotrope news are amaranthine.\n")
            .await
            .status,
        202
    );
    world.settled().await;
    assert_eq!(world.bob().finds("heliotrope").await, ["news/a.md"]);
    assert_eq!(world.alice().delete("/v1/admin/sources/news").await.status, 200);
    assert!(world.bob().finds("heliotrope").await.is_empty());
    let data = world.data();
    for word in ["amaranthin", "sepiafarb"] {
        until("no file holds it", async || holding(&data, word).is_empty().then_some(())).await;
    }
}

#[tokio::test]
async fn promise_4_a_revoked_sources_vectors_are_gone_as_well() {
    let Some(model) = model_files("a_revoked_sources_vectors_are_gone_as_well") else { return };
    let world = Company::holding(&[("hr/leave.md", TEXT)]).with_model(&model).open().await;
    let revoked = revoke(&world, "hr").await;
    assert_eq!(revoked["purged"]["vectors"], 1, "{revoked}");
    cleaned(&world, "hr").await;
    let left: i64 = world
        .ledger()
        .query_row("SELECT count(*) FROM embedding", [], |row| row.get(0))
        .expect("a count");
    assert_eq!(left, 0);
}
