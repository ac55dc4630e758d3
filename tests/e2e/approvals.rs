//! Promise 6: only approved versions are found, and the approved one goes on answering until
//! another one is approved.

use serde_json::{Value, json};

use crate::world::{Company, Person, World};

const FIRST: &str = "# Leave\n\nParental leave is 16 weeks.\n";
const SECOND: &str = "# Leave\n\nParental leave is 20 weeks.\n";
const LEAVE: &str = "hr/leave.md";

/// One document whose first version was approved, in a source where each version waits.
async fn company() -> World {
    let world = Company::holding(&[(LEAVE, FIRST)])
        .with_source("hr", &json!({"approval": "each-version"}))
        .open()
        .await;
    assert!(world.bob().finds("parental").await.is_empty(), "it waits");
    world.alice().approve(LEAVE).await;
    world.settled().await;
    world
}

async fn seen(person: &Person) -> String {
    let passages = person.search("parental").await;
    passages.iter().map(|passage| passage["text"].as_str().unwrap_or_default()).collect()
}

async fn waiting(world: &World) -> Vec<Value> {
    let reply = world.alice().get("/v1/admin/approvals").await;
    reply.json()["approvals"].as_array().expect("approvals").clone()
}

#[tokio::test]
async fn promise_6_a_changed_document_goes_on_answering_until_its_new_version_is_approved() {
    let world = company().await;
    let first = world.bob().get("/v1/documents/hr/leave.md").await.json();
    world.write(LEAVE, SECOND);
    world.sync("hr").await;
    assert!(seen(&world.bob()).await.contains("16 weeks"));
    let waits = waiting(&world).await;
    assert_eq!((waits.len(), &waits[0]["replaces"]), (1, &first["version"]), "{waits:?}");
    // The version that waits is found by nobody, and opens for nobody.
    let new = waits[0]["version"].as_str().unwrap();
    assert_eq!(
        world.bob().get(&format!("/v1/documents/hr/leave.md?version={new}")).await.status,
        404
    );
    world.alice().approve(LEAVE).await;
    assert!(!seen(&world.bob()).await.contains("16 weeks"), "from the next query on");
    world.settled().await;
    assert!(seen(&world.bob()).await.contains("20 weeks"));
    assert!(waiting(&world).await.is_empty());
}

#[tokio::test]
async fn promise_6_yesterdays_citation_opens_and_says_that_there_is_a_newer_version() {
    let world = company().await;
    let first = world.bob().get("/v1/documents/hr/leave.md").await.json();
    world.write(LEAVE, SECOND);
    world.sync("hr").await;
    world.alice().approve(LEAVE).await;
    let hash = first["version"].as_str().unwrap();
    let old = format!("hr/leave.md?version={hash}");
    let opened = world.bob().get(&format!("/v1/documents/{old}")).await.json();
    let now = world.bob().get("/v1/documents/hr/leave.md").await.json();
    assert_eq!(opened["text"], first["text"]);
    assert_eq!((&opened["newer"], &opened["live"]), (&now["version"], &json!(false)));
    assert_eq!((&now["newer"], &now["live"]), (&json!(null), &json!(true)));
    let page = world.bob().get(&format!("/view/{old}&start=9&end=36")).await;
    assert!(page.body.contains("There is a newer version"), "{}", page.body);
    assert!(
        page.body.contains("<mark id=\"quote\">Parental leave is 16 weeks.</mark>"),
        "{}",
        page.body
    );
    // Today's rule counts for yesterday's citation.
    world.write("hr/.access.toml", "deny = [\"user:bob\"]");
    world.sync("hr").await;
    assert_eq!(world.bob().get(&format!("/v1/documents/{old}")).await.status, 404);
    assert_eq!(world.carla().get(&format!("/v1/documents/{old}")).await.status, 200);
}

#[tokio::test]
async fn promise_6_a_withdrawn_version_does_not_open_and_none_comes_back_by_itself() {
    let world = company().await;
    let first = world.bob().get("/v1/documents/hr/leave.md").await.json();
    world.write(LEAVE, SECOND);
    world.sync("hr").await;
    world.alice().approve(LEAVE).await;
    assert_eq!(world.alice().decide(LEAVE, "withdraw").await.status, 200);
    world.settled().await;
    assert_eq!(seen(&world.bob()).await, "", "the first version does not come back");
    let hash = first["version"].as_str().unwrap();
    let old = world.bob().get(&format!("/v1/documents/hr/leave.md?version={hash}")).await;
    assert_eq!(old.status, 404, "without a live version nothing of the document opens");
}

#[tokio::test]
async fn promise_6_a_rejected_version_changes_nothing_and_is_not_asked_about_again() {
    let world = company().await;
    world.write(LEAVE, SECOND);
    world.sync("hr").await;
    assert_eq!(world.alice().decide(LEAVE, "reject").await.status, 200);
    world.sync("hr").await;
    assert!(seen(&world.bob()).await.contains("16 weeks"));
    assert!(waiting(&world).await.is_empty());
    assert_eq!(world.alice().decide(LEAVE, "reject").await.problem().0, 409);
}

#[tokio::test]
async fn promise_6_what_is_rejected_by_name_is_that_version_and_no_other() {
    let world = company().await;
    world.write(LEAVE, SECOND);
    world.sync("hr").await;
    let live = world.bob().get("/v1/documents/hr/leave.md").await.json()["version"].clone();
    let reject = async |version: &Value| {
        let body = json!({"target": LEAVE, "act": "reject", "version": version, "why": "a test"});
        world.alice().post("/v1/admin/approvals", &body).await
    };
    assert_eq!(reject(&live).await.problem(), (409, "nothing_waiting".to_owned()));
    assert_eq!(reject(&json!("sha256:0")).await.problem().0, 404);
    let waits = waiting(&world).await;
    assert_eq!(waits.len(), 1, "the one that waits still waits");
    assert_eq!(reject(&waits[0]["version"]).await.status, 200);
    assert!(waiting(&world).await.is_empty());
}

#[tokio::test]
async fn promise_6_a_withdrawn_hash_is_never_approved_again_by_a_sync() {
    // Here whoever approved the source approved what it holds.
    let world = World::holding(&[(LEAVE, FIRST)]).await;
    assert_eq!(world.alice().decide(LEAVE, "withdraw").await.status, 200);
    world.sync("hr").await;
    world.write(LEAVE, SECOND);
    world.sync("hr").await;
    assert!(seen(&world.bob()).await.contains("20 weeks"), "another content is another matter");
    world.write(LEAVE, FIRST);
    world.sync("hr").await;
    assert!(!seen(&world.bob()).await.contains("16 weeks"));
    // Deleting the file and bringing it back does not help.
    std::fs::remove_file(world.documents().join(LEAVE)).unwrap();
    world.sync("hr").await;
    world.write(LEAVE, FIRST);
    world.sync("hr").await;
    assert_eq!(seen(&world.bob()).await, "");
    world.alice().approve(LEAVE).await;
    world.settled().await;
    assert!(seen(&world.bob()).await.contains("16 weeks"), "a person can");
}

#[tokio::test]
async fn promise_6_drafts_and_what_is_not_to_be_published_are_never_found() {
    let draft =
        |flag: &str| format!("---\n{flag}\n---\n# Sabbatical\n\nParental sabbaticals exist.\n");
    let (draft, unpublished) = (draft("draft: true"), draft("publish: false"));
    let world = World::holding(&[
        (LEAVE, FIRST),
        ("hr/draft.md", &draft),
        ("hr/unpublished.md", &unpublished),
    ])
    .await;
    assert_eq!(world.bob().finds("parental").await, [LEAVE]);
    for path in ["hr/draft.md", "hr/unpublished.md"] {
        assert_eq!(world.bob().get(&format!("/v1/documents/{path}")).await.status, 404);
        assert_eq!(world.alice().decide(path, "approve").await.problem().0, 409);
    }
    // A document that becomes a draft is hidden from the sync that saw it.
    world.write(LEAVE, &draft);
    world.sync("hr").await;
    assert!(world.bob().finds("parental").await.is_empty());
    world.write("hr/draft.md", "# Sabbatical\n\nParental sabbaticals exist.\n");
    world.sync("hr").await;
    assert_eq!(world.bob().finds("parental").await, ["hr/draft.md"]);
}

#[tokio::test]
async fn promise_6_an_unapproved_change_narrows_at_once_and_widens_never() {
    let with = |allow: &str, text: &str| format!("---\naccess:\n  allow: [{allow}]\n---\n{text}");
    let world = Company::holding(&[(LEAVE, &with("\"user:bob\", \"user:dana\"", FIRST))])
        .with_source("hr", &json!({"approval": "each-version"}))
        .open()
        .await;
    world.alice().approve(LEAVE).await;
    world.settled().await;
    assert!(seen(&world.bob()).await.contains("16 weeks"));
    world.write(LEAVE, &with("\"user:carla\", \"user:dana\"", SECOND));
    world.sync("hr").await;
    assert_eq!(seen(&world.bob()).await, "", "narrowed at once");
    assert_eq!(seen(&world.carla()).await, "", "not widened");
    assert!(seen(&world.dana()).await.contains("16 weeks"), "she passes both");
    world.alice().approve(LEAVE).await;
    world.settled().await;
    assert!(seen(&world.carla()).await.contains("20 weeks"));
    assert_eq!(seen(&world.bob()).await, "");
}

#[tokio::test]
async fn promise_6_a_pushed_change_narrows_at_once_and_widens_never() {
    let world = Company::holding(&[])
        .with_source("news", &json!({"kind": "push", "approval": "each-version"}))
        .open()
        .await;
    let access = |who: &[&str]| json!({"access": {"allow": who}});
    let push = async |who: &[&str], text: &str| {
        assert_eq!(world.alice().push("news/leave.md", &access(who), text).await.status, 202);
        world.settled().await;
    };
    push(&["user:bob", "user:dana"], FIRST).await;
    world.dana().approve("news/leave.md").await;
    world.settled().await;
    assert!(seen(&world.bob()).await.contains("16 weeks"));
    push(&["user:carla", "user:dana"], SECOND).await;
    assert_eq!(seen(&world.bob()).await, "", "narrowed at once");
    assert_eq!(seen(&world.carla()).await, "", "not widened");
    assert!(seen(&world.dana()).await.contains("16 weeks"), "she passes both");
    world.dana().approve("news/leave.md").await;
    world.settled().await;
    assert!(seen(&world.carla()).await.contains("20 weeks"));
    assert_eq!(seen(&world.bob()).await, "");
}

/// A push source where each version waits, its first document pushed by Alice and approved by Dana.
async fn pushed_by_alice(metadata: &Value) -> World {
    let world = Company::holding(&[])
        .with_source("news", &json!({"kind": "push", "approval": "each-version"}))
        .open()
        .await;
    push(&world, metadata, FIRST).await;
    world.dana().approve("news/leave.md").await;
    world.settled().await;
    world
}

async fn push(world: &World, metadata: &Value, text: &str) -> String {
    let reply = world.alice().push("news/leave.md", metadata, text).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    world.settled().await;
    reply.json()["version"].as_str().expect("a hash").to_owned()
}

#[tokio::test]
async fn promise_6_another_access_of_the_same_bytes_narrows_at_once_and_widens_after_an_approval() {
    let access = |who: &[&str]| json!({"access": {"allow": who}});
    let world = pushed_by_alice(&access(&["user:carla", "user:dana"])).await;
    assert_eq!(seen(&world.bob()).await, "");
    // Wider: it waits, and whoever pushed it does not approve it.
    push(&world, &json!({}), FIRST).await;
    assert_eq!(seen(&world.bob()).await, "", "not widened");
    assert!(seen(&world.carla()).await.contains("16 weeks"));
    let waits = waiting(&world).await;
    assert_eq!((waits.len(), &waits[0]["version"]), (1, &waits[0]["replaces"]), "{waits:?}");
    assert_eq!(world.alice().decide("news/leave.md", "approve").await.problem().1, "own_push");
    world.dana().approve("news/leave.md").await;
    world.settled().await;
    assert!(seen(&world.bob()).await.contains("16 weeks"));
    // Narrower: at once, and it waits until it may let go of the old one.
    push(&world, &access(&["user:bob"]), FIRST).await;
    assert_eq!(seen(&world.carla()).await, "", "narrowed at once");
    assert!(seen(&world.bob()).await.contains("16 weeks"));
    assert_eq!(waiting(&world).await.len(), 1);
    // What is approved is back as it was, and asks nobody.
    push(&world, &json!({}), FIRST).await;
    assert!(seen(&world.carla()).await.contains("16 weeks"));
    assert!(waiting(&world).await.is_empty());
}

#[tokio::test]
async fn promise_6_an_access_that_was_rejected_lets_nobody_in() {
    let world = pushed_by_alice(&json!({"access": {"allow": ["user:dana"]}})).await;
    push(&world, &json!({}), FIRST).await;
    assert_eq!(world.dana().decide("news/leave.md", "reject").await.status, 200);
    push(&world, &json!({}), FIRST).await;
    assert_eq!(seen(&world.bob()).await, "");
    assert!(seen(&world.dana()).await.contains("16 weeks"));
    assert!(waiting(&world).await.is_empty());
}

#[tokio::test]
async fn promise_6_what_a_push_says_of_the_same_bytes_waits_like_their_text() {
    let first = json!({
        "uri": "https://news.example/1", "owner": "user:dana", "modified_at": "2026-03-01T08:00:00Z",
    });
    let world = pushed_by_alice(&first).await;
    let mut now = first.clone();
    for (key, value) in [
        ("uri", "https://news.example/2"),
        ("owner", "user:bob"),
        ("modified_at", "2026-04-01T08:00:00Z"),
    ] {
        let before = now.clone();
        now[key] = json!(value);
        push(&world, &now, FIRST).await;
        let shown = world.bob().get("/v1/documents/news/leave.md").await.json();
        assert_eq!(shown[key], before[key], "nobody approved it yet");
        assert_eq!(waiting(&world).await.len(), 1, "{key}");
        world.dana().approve("news/leave.md").await;
        world.settled().await;
        let shown = world.bob().get("/v1/documents/news/leave.md").await.json();
        assert_eq!(shown[key], now[key]);
    }
    // The date that nobody says stays that of the bytes.
    let dateless = json!({"uri": now["uri"], "owner": now["owner"]});
    push(&world, &dateless, FIRST).await;
    assert!(waiting(&world).await.is_empty());
}

#[tokio::test]
async fn promise_6_an_address_that_waits_with_its_text_is_on_no_citation() {
    let world = pushed_by_alice(&json!({"uri": "https://news.example/1"})).await;
    push(&world, &json!({"uri": "https://elsewhere.example/"}), SECOND).await;
    let answer = world.bob().ask("How many weeks is parental leave?").await;
    assert_eq!(answer["citations"][0]["uri"], "https://news.example/1", "{answer}");
    let document = world.bob().get("/v1/documents/news/leave.md").await.json();
    assert_eq!(document["uri"], "https://news.example/1", "{document}");
}

#[tokio::test]
async fn promise_6_bytes_that_were_withdrawn_open_under_none_of_their_titles() {
    let world = pushed_by_alice(&json!({"title": "One"})).await;
    let hash = push(&world, &json!({"title": "Two"}), FIRST).await;
    world.dana().approve("news/leave.md").await;
    assert_eq!(world.dana().decide("news/leave.md", "withdraw").await.status, 200);
    push(&world, &json!({}), SECOND).await;
    world.dana().approve("news/leave.md").await;
    let old = format!("/v1/documents/news/leave.md?version={hash}");
    assert_eq!(world.bob().get(&old).await.status, 404, "withdrawn as Two, and so as One");
    // Approved once more and replaced, they open as what was approved last.
    push(&world, &json!({"title": "One"}), FIRST).await;
    world.dana().approve("news/leave.md").await;
    assert_eq!(world.bob().get(&old).await.json()["title"], "One");
    push(&world, &json!({}), SECOND).await;
    world.dana().approve("news/leave.md").await;
    assert_eq!(world.bob().get(&old).await.json()["title"], "One");
}

#[tokio::test]
async fn promise_6_a_decision_by_hash_is_about_the_version_that_was_seen_last() {
    let world = pushed_by_alice(&json!({"title": "One"})).await;
    let hash = push(&world, &json!({"title": "Two"}), FIRST).await;
    push(&world, &json!({"title": "One"}), FIRST).await;
    let decide = async |act: &str| {
        let body = json!({"target": "news/leave.md", "act": act, "version": hash, "why": "a test"});
        world.dana().post("/v1/admin/approvals", &body).await
    };
    assert_eq!(decide("reject").await.problem().1, "nothing_waiting", "One answers already");
    push(&world, &json!({"title": "Three"}), SECOND).await;
    assert_eq!(decide("approve").await.status, 200);
    world.settled().await;
    let shown = world.bob().get("/v1/documents/news/leave.md").await.json();
    assert_eq!(shown["title"], "Two", "of these bytes it is the one that waits");
}

#[tokio::test]
async fn promise_6_withdrawn_bytes_wait_under_whatever_name_they_come_back() {
    // Here whoever approved the source approved what it holds.
    let world = World::holding(&[(LEAVE, FIRST), ("hr/copy.md", FIRST)]).await;
    assert_eq!(world.alice().decide(LEAVE, "withdraw").await.status, 200);
    let at = |path: &str| world.documents().join("hr").join(path);
    std::fs::rename(at("leave.md"), at("parents.md")).unwrap();
    world.sync("hr").await;
    assert_eq!(world.bob().finds("parental").await, ["hr/copy.md"], "it is approved by itself");
    // Nor does the approval of a copy wander on.
    std::fs::rename(at("copy.md"), at("another.md")).unwrap();
    world.sync("hr").await;
    assert!(world.bob().finds("parental").await.is_empty());
    assert_eq!(waiting(&world).await.len(), 2);
    world.alice().approve("hr/parents.md").await;
    world.settled().await;
    assert_eq!(world.bob().finds("parental").await, ["hr/parents.md"], "a person can");
}

#[tokio::test]
async fn promise_6_a_moved_file_keeps_its_approval_when_its_rule_is_the_same() {
    let world = company().await;
    std::fs::create_dir_all(world.documents().join("hr/closed")).unwrap();
    world.write("hr/closed/.access.toml", "deny = [\"user:carla\"]");
    let at = |path: &str| world.documents().join("hr").join(path);
    std::fs::rename(at("leave.md"), at("parents.md")).unwrap();
    world.sync("hr").await;
    assert_eq!(world.bob().finds("parental").await, ["hr/parents.md"]);
    std::fs::rename(at("parents.md"), at("closed/parents.md")).unwrap();
    world.sync("hr").await;
    assert!(world.bob().finds("parental").await.is_empty(), "under another rule it waits");
    assert_eq!(waiting(&world).await.len(), 1);
}

#[tokio::test]
async fn promise_6_only_an_approver_decides() {
    let world = company().await;
    world.write(LEAVE, SECOND);
    world.sync("hr").await;
    for act in ["approve", "reject", "withdraw"] {
        let reply = world.bob().decide(LEAVE, act).await;
        assert!([403, 404].contains(&reply.problem().0), "{act}: {}", reply.body);
    }
    assert_eq!(world.dana().decide(LEAVE, "approve").await.status, 200);
}

#[tokio::test]
async fn promise_6_a_source_that_no_approver_added_is_proposed_and_holds_nothing() {
    let mine = json!({"approvers": ["user:dana"]});
    let world = Company::holding(&[(LEAVE, FIRST)]).with_source("hr", &mine).open().await;
    let source = world.alice().get("/v1/admin/sources/hr").await.json();
    assert_eq!((&source["state"], &source["documents"]), (&json!("proposed"), &json!(0)));
    assert!(world.bob().finds("parental").await.is_empty());
    let refused = world.alice().decide("hr", "approve").await;
    assert_eq!(refused.problem(), (403, "not_an_approver".to_owned()));
    world.dana().approve("hr").await;
    world.settled().await;
    assert_eq!(world.bob().finds("parental").await, [LEAVE]);
}

#[tokio::test]
async fn promise_6_nobody_overrules_unseen_what_somebody_decided_meanwhile() {
    let world = company().await;
    let open = "/v1/admin/approvals/hr/leave.md";
    let first = world.alice().get(open).await.json()["version"].clone();
    world.write(LEAVE, SECOND);
    world.sync("hr").await;
    let looked = world.alice().get(open).await.json();
    let (second, answered) = (&looked["version"], &looked["answers"]);
    assert_eq!(answered, &first);
    // Another version comes, and somebody else approves it.
    world.write(LEAVE, "# Leave\n\nParental leave is 24 weeks.\n");
    world.sync("hr").await;
    world.alice().approve(LEAVE).await;
    let decide = async |act: &str, version: &Value, answered: &Value| {
        let body = json!({"target": LEAVE, "act": act, "version": version, "answered": answered,
            "why": "a test"});
        let reply = world.alice().post("/v1/admin/approvals", &body).await;
        (reply.status, reply.json()["code"].as_str().unwrap_or_default().to_owned())
    };
    let meanwhile = (409, "decided_meanwhile".to_owned());
    for act in ["approve", "reject", "withdraw"] {
        assert_eq!(
            decide(act, if act == "withdraw" { &first } else { second }, answered).await,
            meanwhile
        );
    }
    world.settled().await;
    assert!(seen(&world.bob()).await.contains("24 weeks"));
    let now = world.alice().get(open).await.json();
    assert_eq!(decide("approve", &now["version"], &now["answers"]).await.1, "already_approved");
    // Approved again by somebody else it stays with whoever approved it.
    let approver =
        async || world.bob().get("/v1/documents/hr/leave.md").await.json()["approved_by"].clone();
    let before = approver().await;
    world.dana().approve(LEAVE).await;
    assert_eq!((approver().await, &before), (json!("user:alice"), &json!("user:alice")));
    // Who rejected a version is not overruled by a page that was open before.
    assert_eq!(decide("reject", second, &now["answers"]).await.0, 200);
    assert_eq!(decide("approve", second, &now["answers"]).await, meanwhile);
    // Whoever names the version and says nothing of what they saw goes back on purpose.
    let body = json!({"target": LEAVE, "act": "approve", "version": first});
    assert_eq!(world.alice().post("/v1/admin/approvals", &body).await.status, 200);
    world.settled().await;
    assert!(seen(&world.bob()).await.contains("16 weeks"));
}

#[tokio::test]
async fn promise_6_an_earlier_version_is_withdrawn_without_the_one_that_answers() {
    let world = company().await;
    let first =
        world.alice().get("/v1/admin/approvals/hr/leave.md").await.json()["version"].clone();
    world.write(LEAVE, SECOND);
    world.sync("hr").await;
    world.alice().approve(LEAVE).await;
    world.settled().await;
    let old = format!("/v1/documents/hr/leave.md?version={}", first.as_str().unwrap());
    assert_eq!(world.bob().get(&old).await.status, 200);
    let body = json!({"target": LEAVE, "act": "withdraw", "version": first, "why": "a test"});
    assert_eq!(world.alice().post("/v1/admin/approvals", &body).await.json()["state"], "withdrawn");
    assert_eq!(world.bob().get(&old).await.status, 404);
    assert!(seen(&world.bob()).await.contains("20 weeks"));
}
