//! Promises 2 and 4: what takes access away or gives it counts from the next query, in both
//! directions, and nothing is extracted, cut, embedded or indexed anew for it.

use serde_json::json;

use crate::world::{Company, PEOPLE, World};

const HANDBOOK: &[(&str, &str)] = &[
    ("hr/handbook/leave.md", "# Leave\n\nEvery parent may take 16 weeks of parental leave.\n"),
    ("hr/handbook/bonus.md", "# Bonus\n\nThe bonus for parental advice is 100 EUR.\n"),
    ("it/vpn.md", "# VPN\n\nParental controls are off in the VPN.\n"),
];

const BOTH: [&str; 2] = ["hr/handbook/bonus.md", "hr/handbook/leave.md"];

#[tokio::test]
async fn promise_4_taking_a_person_out_of_a_group_counts_from_the_next_query() {
    let world = Company::holding(HANDBOOK)
        .with_source("hr", &json!({"access": {"allow": ["group:readers"]}}))
        .open()
        .await;
    let before = world.derived();
    let change = |key: &str| json!({"group": "readers", key: ["user:bob"]});
    for _ in 0..3 {
        assert_eq!(world.bob().finds("parental").await, ["it/vpn.md"]);
        assert_eq!(world.alice().post("/v1/admin/groups", &change("add")).await.status, 200);
        assert_eq!(world.bob().finds("parental").await, [BOTH[0], BOTH[1], "it/vpn.md"]);
        assert_eq!(world.bob().get("/v1/documents/hr/handbook/leave.md").await.status, 200);
        assert_eq!(world.alice().post("/v1/admin/groups", &change("remove")).await.status, 200);
        assert_eq!(world.bob().get("/v1/documents/hr/handbook/leave.md").await.status, 404);
    }
    assert_eq!(world.derived(), before);
}

#[tokio::test]
async fn promise_4_an_edit_of_the_people_file_counts_from_the_next_query() {
    let world = Company::holding(HANDBOOK)
        .with_source("hr", &json!({"access": {"allow": ["group:employees"]}}))
        .open()
        .await;
    let before = world.derived();
    assert_eq!(world.bob().finds("weeks").await, ["hr/handbook/leave.md"]);
    let moved: Vec<_> = PEOPLE
        .iter()
        .map(|(user, groups, roles)| match *user {
            "bob" => (*user, &["contractors"][..], *roles),
            "carla" => (*user, &["contractors", "employees"][..], *roles),
            _ => (*user, *groups, *roles),
        })
        .collect();
    world.people(&moved);
    assert!(world.bob().finds("weeks").await.is_empty());
    assert_eq!(world.carla().finds("weeks").await, ["hr/handbook/leave.md"]);
    world.people(PEOPLE);
    assert_eq!(world.bob().finds("weeks").await, ["hr/handbook/leave.md"]);
    assert!(world.carla().finds("weeks").await.is_empty());
    assert_eq!(world.derived(), before);
}

#[tokio::test]
async fn promise_4_a_denial_in_a_folders_rule_counts_after_its_sync_and_rewrites_nothing() {
    let world = World::holding(HANDBOOK).await;
    let before = world.derived();
    for _ in 0..2 {
        assert_eq!(world.bob().finds("parental").await, [BOTH[0], BOTH[1], "it/vpn.md"]);
        world.write("hr/handbook/.access.toml", "deny = [\"user:bob\"]\n");
        world.sync("hr").await;
        assert_eq!(world.bob().finds("parental").await, ["it/vpn.md"]);
        assert_eq!(world.carla().finds("parental").await, [BOTH[0], BOTH[1], "it/vpn.md"]);
        std::fs::remove_file(world.documents().join("hr/handbook/.access.toml")).unwrap();
        world.sync("hr").await;
    }
    assert_eq!(world.bob().finds("parental").await, [BOTH[0], BOTH[1], "it/vpn.md"]);
    assert_eq!(world.derived(), before);
}

#[tokio::test]
async fn promise_4_pausing_a_source_hides_it_and_resuming_shows_it_at_once() {
    let world = World::holding(HANDBOOK).await;
    let before = world.derived();
    let alice = world.alice();
    let why = json!({"why": "a look at it"});
    for _ in 0..2 {
        assert_eq!(alice.post("/v1/admin/sources/hr/pause", &why).await.status, 200);
        assert_eq!(world.bob().finds("parental").await, ["it/vpn.md"]);
        assert_eq!(world.bob().get("/v1/documents/hr/handbook/leave.md").await.status, 404);
        assert_eq!(alice.post("/v1/admin/sources/hr/resume", &json!({})).await.status, 200);
        assert_eq!(world.bob().finds("parental").await, [BOTH[0], BOTH[1], "it/vpn.md"]);
    }
    assert_eq!(world.derived(), before);
}

#[tokio::test]
async fn promise_4_a_paused_source_still_follows_its_rules() {
    let world = World::holding(HANDBOOK).await;
    world.alice().post("/v1/admin/sources/hr/pause", &json!({"why": "a look"})).await;
    world.write("hr/handbook/.access.toml", "deny = [\"user:bob\"]\n");
    world.sync("hr").await;
    world.alice().post("/v1/admin/sources/hr/resume", &json!({})).await;
    assert_eq!(world.bob().finds("parental").await, ["it/vpn.md"]);
}

#[tokio::test]
async fn promise_4_a_withdrawn_version_is_gone_at_once_and_an_approved_one_back() {
    let world = World::holding(HANDBOOK).await;
    let version = world.bob().search("weeks").await[0]["version"].clone();
    for _ in 0..2 {
        let reply = world.alice().decide("hr/handbook/leave.md", "withdraw").await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert!(world.bob().finds("weeks").await.is_empty());
        assert_eq!(world.bob().get("/v1/documents/hr/handbook/leave.md").await.status, 404);
        world.alice().approve("hr/handbook/leave.md").await;
        assert_eq!(world.bob().get("/v1/documents/hr/handbook/leave.md").await.status, 200);
        world.settled().await;
        assert_eq!(world.bob().search("weeks").await[0]["version"], version);
    }
    assert_eq!(world.derived()[0], Some(3), "an approval again makes no new version");
}

#[tokio::test]
async fn promise_4_a_revoked_or_removed_source_is_gone_with_what_was_derived_from_it() {
    let world = World::holding(HANDBOOK).await;
    let why = json!({"why": "the contract ended"});
    assert_eq!(world.alice().post("/v1/admin/sources/hr/revoke", &why).await.status, 200);
    assert_eq!(world.bob().finds("parental").await, ["it/vpn.md"]);
    let resumed = world.alice().post("/v1/admin/sources/hr/resume", &json!({})).await;
    assert_eq!(resumed.problem(), (409, "source_state".to_owned()));
    assert_eq!(world.alice().delete("/v1/admin/sources/it").await.status, 200);
    assert!(world.bob().finds("parental").await.is_empty());
    world.settled().await;
    let left = "SELECT (SELECT count(*) FROM version_text) + (SELECT count(*) FROM chunk)";
    let left: i64 = world.ledger().query_row(left, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn promise_4_a_file_that_is_deleted_is_gone_after_its_sync() {
    let world = World::holding(HANDBOOK).await;
    std::fs::remove_file(world.documents().join("hr/handbook/leave.md")).unwrap();
    world.sync("hr").await;
    assert!(world.bob().finds("weeks").await.is_empty());
    assert_eq!(world.bob().get("/v1/documents/hr/handbook/leave.md").await.status, 404);
    world.write("hr/handbook/leave.md", HANDBOOK[0].1);
    world.sync("hr").await;
    assert_eq!(world.bob().finds("weeks").await, ["hr/handbook/leave.md"]);
}

#[tokio::test]
async fn promise_2_deny_wins_empty_means_nobody_and_unknown_means_nobody() {
    let rules = [
        ("deny-wins", "allow = [\"user:bob\"]\ndeny = [\"group:engineering\"]"),
        ("nobody", "allow = []"),
        ("misspelt", "alow = [\"everyone\"]"),
        ("not-a-principal", "allow = [\"bob\"]"),
        ("broken", "allow = [\"everyone\""),
        ("other-group", "allow = [\"group:engineering:core\"]"),
        ("other-case", "allow = [\"user:Bob\"]"),
        ("open", "allow = [\"user:bob\"]"),
        ("silent", ""),
    ];
    let mut files = Vec::new();
    for (name, rule) in rules {
        files.push((format!("hr/{name}/.access.toml"), rule));
        files
            .push((format!("hr/{name}/below/text.md"), "# Text\n\nOne common word: heliotrope.\n"));
    }
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let world = World::holding(&files).await;
    let seen = world.bob().finds("heliotrope").await;
    assert_eq!(seen, ["hr/open/below/text.md", "hr/silent/below/text.md"]);
    // What can't be read raises an alarm as well.
    let shown = world.alice().get("/v1/admin/sources/hr").await.json();
    let named: Vec<_> =
        shown["problems"].as_array().unwrap().iter().map(|one| &one["path"]).collect();
    let broken = ["broken", "misspelt", "not-a-principal"];
    assert_eq!(
        named,
        broken
            .map(|name| format!("hr/{name}/.access.toml")[3..].to_owned())
            .iter()
            .collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn promise_2_all_layers_must_pass_the_sources_the_folders_and_the_documents() {
    let world = Company::holding(&[
        ("hr/inner/.access.toml", "allow = [\"group:employees\"]"),
        (
            "hr/inner/a.md",
            "---\naccess:\n  deny: [\"user:dana\"]\n---\n# A\n\nThe heliotrope is here.\n",
        ),
        ("hr/inner/b.md", "# B\n\nThe heliotrope is there.\n"),
    ])
    .with_source("hr", &json!({"access": {"allow": ["everyone"], "deny": ["user:alice"]}}))
    .open()
    .await;
    assert_eq!(world.bob().finds("heliotrope").await, ["hr/inner/a.md", "hr/inner/b.md"]);
    assert_eq!(world.dana().finds("heliotrope").await, ["hr/inner/b.md"]);
    assert!(world.alice().finds("heliotrope").await.is_empty(), "the source denies her");
    assert!(world.carla().finds("heliotrope").await.is_empty(), "the folder lets employees in");
}

#[tokio::test]
async fn promise_2_groups_hold_groups_and_a_cycle_does_no_harm() {
    let world = Company::holding(HANDBOOK)
        .with_source("hr", &json!({"access": {"allow": ["group:all"]}}))
        .with_settings("[access]\nwidening_limit = 1.0")
        .open()
        .await;
    let add = |group: &str, member: &str| json!({"group": group, "add": [member]});
    for (group, member) in [("all", "group:team"), ("team", "group:all"), ("team", "user:bob")] {
        assert_eq!(world.alice().post("/v1/admin/groups", &add(group, member)).await.status, 200);
    }
    assert_eq!(world.bob().finds("weeks").await, ["hr/handbook/leave.md"]);
    assert!(world.carla().finds("weeks").await.is_empty());
    let refused = world.alice().post("/v1/admin/groups", &add("team", "everyone")).await;
    assert_eq!(refused.problem(), (422, "bad_member".to_owned()));
}

#[tokio::test]
async fn promise_4_an_expired_document_is_no_longer_shown() {
    let world = Company::holding(HANDBOOK)
        // The files' date is in October 2025.
        .with_source("hr", &json!({"expire_after": "1d"}))
        .with_source("it", &json!({"review_every": "1d"}))
        .open()
        .await;
    assert_eq!(world.bob().finds("parental").await, ["it/vpn.md"]);
    assert_eq!(world.bob().get("/v1/documents/hr/handbook/leave.md").await.status, 404);
    let vpn = world.bob().get("/v1/documents/it/vpn.md").await.json();
    assert_eq!(vpn["stale"], true, "{vpn}");
}
