//! What one person does not decide alone: changes that let in everyone, or more people than the limit.

use serde_json::{Value, json};

use crate::world::{Company, PEOPLE, Person, World, source};

const FILES: &[(&str, &str)] = &[("hr/leave.md", "# Leave\n\nThe heliotrope leave is 16 weeks.\n")];

/// A company whose `hr` is for Alice and Dana, with Erik as a second administrator.
async fn company() -> World {
    let world = Company::holding(FILES).with_source("hr", &narrow()).open().await;
    let mut people = PEOPLE.to_vec();
    people.push(("erik", &[], &["administrator"]));
    world.people(&people);
    world
}

fn narrow() -> Value {
    json!({"access": {"allow": ["user:alice", "user:dana", "group:readers"]}})
}

async fn update(person: &Person, access: Value) -> Value {
    let wish = source("hr", &json!({ "access": access }));
    let reply = person.put("/v1/admin/sources/hr", &wish).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

async fn held(person: &Person) -> Vec<Value> {
    let body = person.get("/v1/admin/approvals").await.json();
    body["held"].as_array().expect("held changes").clone()
}

async fn sees(person: &Person) -> bool {
    !person.finds("heliotrope").await.is_empty()
}

#[tokio::test]
async fn promise_4_a_wider_rule_waits_for_a_second_person_and_counts_from_the_next_query() {
    let world = company().await;
    let info = update(&world.alice(), json!({"allow": ["everyone"]})).await;
    let notice = info["held"].as_str().unwrap().to_owned();
    assert!(notice.contains("everyone would be let in"), "{info}");
    assert_eq!(info["access"], narrow()["access"], "{info}");
    let shown = world.alice().get("/v1/admin/sources/hr").await.json();
    assert_eq!(shown["held"], notice.as_str());
    assert!(!sees(&world.carla()).await && sees(&world.dana()).await);
    let waiting = held(&world.dana()).await;
    let target = format!("held:{}", waiting[0]["id"]);
    assert_eq!((waiting.len(), &waiting[0]["by"]), (1, &json!("user:alice")));
    let everybody = json!({"allow": ["everyone"]});
    let rules = &waiting[0]["rules"];
    assert_eq!((&rules[0]["of"], &rules[0]["after"]), (&json!("source"), &json!([everybody])));
    assert_eq!(rules[0]["before"][0]["allow"], narrow()["access"]["allow"], "{rules}");
    let page = world.dana().page("/admin/approvals").await.body;
    assert!(page.contains("group:readers") && page.contains("everyone"), "{page}");
    assert!(held(&world.bob()).await.is_empty(), "it is not for everybody to know");
    let refused = world.alice().decide(&target, "approve").await.problem();
    assert_eq!(refused, (403, "second_person".to_owned()));
    let bob = world.bob();
    let [one, none] =
        [bob.decide(&target, "approve").await, bob.decide("held:99", "approve").await];
    assert_eq!((one.status, none.status), (404, 404));
    assert_eq!(one.body.replace(&target, "held:99"), none.body);
    assert_eq!(world.dana().decide(&target, "withdraw").await.status, 422);
    assert!(!sees(&world.carla()).await);
    world.dana().approve(&target).await;
    assert!(sees(&world.carla()).await);
    assert_eq!(world.dana().decide(&target, "reject").await.problem().0, 409);
    let record = async |kind: &str| {
        let records = world.ines().get(&format!("/v1/admin/audit?kind={kind}")).await.json();
        records["records"][0].clone()
    };
    let (asked, agreed) = (record("widening.hold").await, record("widening.approve").await);
    assert_eq!(asked["person"]["actor"], "user:alice");
    assert_eq!(agreed["person"]["actor"], "user:dana");
    let subject = &agreed["body"]["subject"];
    assert_eq!(subject["before"]["access"], narrow()["access"]);
    assert_eq!(subject["after"]["access"]["allow"], json!(["everyone"]));
}

#[tokio::test]
async fn a_rejected_change_leaves_the_old_rule_and_a_change_in_between_makes_it_stale() {
    let world = company().await;
    update(&world.alice(), json!({"allow": ["everyone"]})).await;
    let target = format!("held:{}", held(&world.alice()).await[0]["id"]);
    let silent = json!({"target": target, "act": "reject"});
    assert_eq!(world.dana().post("/v1/admin/approvals", &silent).await.problem().1, "no_reason");
    assert_eq!(world.dana().decide(&target, "reject").await.json()["state"], "rejected");
    assert!(!sees(&world.carla()).await && held(&world.alice()).await.is_empty());
    update(&world.alice(), json!({"allow": ["everyone"]})).await;
    let info = update(&world.alice(), json!({"allow": ["user:dana"]})).await;
    assert_eq!(info["held"], Value::Null, "what narrows counts at once");
    assert!(held(&world.alice()).await.is_empty(), "and takes the place of what waited");
    assert!(!sees(&world.alice()).await && sees(&world.dana()).await);
}

#[tokio::test]
async fn promise_4_a_group_inside_a_group_waits_and_a_persons_membership_counts_at_once() {
    let world = company().await;
    let add = |member: &str| json!({"group": "readers", "add": [member, "user:carla"]});
    let reply = world.alice().post("/v1/admin/groups", &add("group:engineering")).await.json();
    assert_eq!(reply["members"], json!(["user:carla"]), "{reply}");
    assert!(reply["held"].as_str().is_some_and(|held| held.contains("group:engineering")));
    assert!(sees(&world.carla()).await && !sees(&world.bob()).await);
    assert!(held(&world.dana()).await.is_empty(), "groups are for administrators");
    let target = format!("held:{}", held(&world.alice()).await[0]["id"]);
    world.person("erik").approve(&target).await;
    assert!(sees(&world.bob()).await);
}

/// The company with a folder in `hr` that Dana alone may read.
async fn with_a_folder() -> World {
    let world = company().await;
    world.write("hr/in/pay.md", "# Pay\n\nThe vermilion pay is paid monthly.\n");
    says(&world, Some(r#"allow = ["user:dana"]"#)).await;
    assert_eq!(vermilion(&world).await, [0, 1]);
    world
}

/// What the folder says from this sync on.
async fn says(world: &World, rule: Option<&str>) {
    match rule {
        Some(rule) => world.write("hr/in/.access.toml", rule),
        None => {
            let file = world.documents().join("hr/in/.access.toml");
            std::fs::remove_file(file).expect("the folder had a rule");
        }
    }
    world.sync("hr").await;
}

/// How many documents of the folder Alice finds, and Dana.
async fn vermilion(world: &World) -> [usize; 2] {
    [world.alice().finds("vermilion").await.len(), world.dana().finds("vermilion").await.len()]
}

#[tokio::test]
async fn promise_4_a_wider_folder_waits_for_a_second_person_while_both_rules_count() {
    let world = with_a_folder().await;
    says(&world, Some(r#"allow = ["user:dana", "user:alice", "group:readers"]"#)).await;
    assert_eq!(vermilion(&world).await, [0, 1]);
    let shown = world.alice().get("/v1/admin/sources/hr").await.json();
    let notice = shown["held"].as_str().expect("it waits").to_owned();
    assert!(notice.contains("the new rule of folder hr/in: more people"), "{notice}");
    let jobs = shown["jobs"].to_string();
    assert!(jobs.contains(&format!("waits for a second person: {notice}")), "{jobs}");
    // A new file below is under both rules, and what narrows as well counts at once.
    world.write("hr/in/new/bonus.md", "# Bonus\n\nThe vermilion bonus is rare.\n");
    world.sync("hr").await;
    assert_eq!(vermilion(&world).await, [0, 2]);
    says(&world, Some(r#"allow = ["user:alice", "group:readers"]"#)).await;
    assert_eq!(vermilion(&world).await, [0, 0]);
    let waiting = held(&world.dana()).await;
    assert_eq!((waiting.len(), &waiting[0]["kind"]), (1, &json!("folder")));
    assert_eq!(waiting[0]["by"], "user:alice", "she asked for the sync");
    let target = format!("held:{}", waiting[0]["id"]);
    let refused = world.alice().decide(&target, "approve").await.problem();
    assert_eq!(refused, (403, "second_person".to_owned()));
    assert_eq!(world.bob().decide(&target, "approve").await.status, 404);
    assert_eq!(vermilion(&world).await, [0, 0]);
    world.dana().approve(&target).await;
    assert_eq!(vermilion(&world).await, [2, 0]);
    let path = "/v1/admin/audit?kind=widening.approve";
    let records = world.ines().get(path).await.json();
    let subject = &records["records"][0]["body"]["subject"];
    assert_eq!(subject["before"]["in"], json!([{"allow": ["user:dana"]}]), "{subject}");
    assert_eq!(subject["after"]["in"], json!({"allow": ["user:alice", "group:readers"]}));
    let records = world.ines().get("/v1/admin/audit?kind=source.folders").await.json();
    let record = &records["records"][0];
    assert_eq!(record["person"]["actor"], "user:alice", "{record}");
    assert!(record["body"]["subject"]["after"]["in"]["in_force"].is_array(), "{record}");
}

#[tokio::test]
async fn a_refused_folder_stays_as_it_was_and_the_source_says_so_until_it_is_put_back() {
    let world = with_a_folder().await;
    says(&world, None).await;
    let target = format!("held:{}", held(&world.dana()).await[0]["id"]);
    assert_eq!(world.dana().decide(&target, "reject").await.json()["state"], "rejected");
    world.sync("hr").await;
    assert!(held(&world.alice()).await.is_empty() && vermilion(&world).await == [0, 1]);
    let problems = async || {
        let shown = world.alice().get("/v1/admin/sources/hr").await.json();
        shown["problems"].as_array().unwrap().clone()
    };
    let listed = problems().await;
    assert_eq!(listed[0]["path"], "in/.access.toml", "{listed:?}");
    assert!(listed[0]["reason"].as_str().unwrap().contains("refused"), "{listed:?}");
    says(&world, Some(r#"allow = ["user:dana"]"#)).await;
    assert!(problems().await.is_empty() && held(&world.alice()).await.is_empty());
    // One person, named, is one person's membership.
    says(&world, Some(r#"allow = ["user:dana", "user:alice"]"#)).await;
    assert!(held(&world.alice()).await.is_empty());
    assert_eq!(vermilion(&world).await, [1, 1]);
}

#[tokio::test]
async fn promise_2_a_rule_that_was_broken_and_is_mended_waits_for_nobody_and_a_wider_one_does() {
    let world = with_a_folder().await;
    says(&world, Some("allow = [")).await;
    assert_eq!(vermilion(&world).await, [0, 0]);
    says(&world, Some(r#"allow = ["user:dana"]"#)).await;
    assert_eq!(vermilion(&world).await, [0, 1]);
    says(&world, Some("allow = [")).await;
    says(&world, Some(r#"allow = ["everyone"]"#)).await;
    assert_eq!((vermilion(&world).await, held(&world.alice()).await.len()), ([0, 1], 1));
}
