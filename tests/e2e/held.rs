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
