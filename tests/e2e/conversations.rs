//! Conversations: they belong to their reader, and what the reader may no longer see is gone from them,
//! from the history, from the next answer and from what is searched for it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::model::{KINDS, Model};
use crate::world::{Company, PEOPLE, Person, Reply, World, until};

/// Stands in the text, the title, the heading and the path of what is taken away.
const CANARY: &str = "heliotrope";
const QUESTION: &str = "How many weeks of parental leave are there?";

const FILES: &[(&str, &str)] = &[
    (
        "hr/heliotrope.md",
        "# Heliotrope policy\n\n## Heliotrope rules\n\nParental leave is 16 heliotrope weeks.\n",
    ),
    ("news/office.md", "# Office\n\nThe office opens at 8 o'clock.\n"),
];

/// Asks in a conversation, or begins one.
async fn ask_in(person: &Person, conversation: &str, question: &str) -> Value {
    let body = json!({"question": question, "conversation": conversation});
    let reply = person.post("/v1/ask", &body).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

/// The id of an answer's conversation.
fn id(answer: &Value) -> String {
    answer["conversation"]
        .as_str()
        .unwrap_or_else(|| panic!("no conversation: {answer}"))
        .to_owned()
}

async fn opened(person: &Person, id: &str) -> Reply {
    person.get(&format!("/v1/conversations/{id}")).await
}

async fn listed(person: &Person) -> Vec<Value> {
    let list = person.get("/v1/conversations").await.json();
    list["conversations"].as_array().expect("conversations").clone()
}

/// A server on which Bob has begun a conversation about what will be taken away.
async fn begun(company: Company) -> (World, String) {
    let world = company.open().await;
    let answer = ask_in(&world.bob(), "new", QUESTION).await;
    assert_eq!(answer["outcome"], "answered", "{answer}");
    let id = id(&answer);
    assert!(opened(&world.bob(), &id).await.body.contains(CANARY), "or nothing is proven below");
    (world, id)
}

#[tokio::test]
async fn a_conversation_is_listed_opened_and_erased_by_its_reader() {
    let (world, id) = begun(Company::holding(FILES)).await;
    let bob = world.bob();
    assert!(bob.ask(QUESTION).await.get("conversation").is_none(), "not unless it is asked for");
    let second = ask_in(&bob, &id, "When does the office open?").await;
    assert_eq!(second["conversation"], id.as_str());
    let all = listed(&bob).await;
    assert_eq!((all.len(), &all[0]["id"], &all[0]["turns"]), (1, &json!(id), &json!(2)));
    assert_eq!(all[0]["title"], QUESTION);
    let history = opened(&bob, &id).await.json();
    let turns = history["turns"].as_array().expect("turns");
    assert_eq!(turns[1]["answer"], second["id"]);
    assert_eq!(turns[1]["sentences"], second["sentences"]);
    let mut cited = turns[1]["citations"].clone();
    for citation in cited.as_array_mut().expect("citations") {
        assert_eq!(citation.as_object_mut().expect("one").remove("current"), Some(json!(true)));
    }
    assert_eq!(cited, second["citations"], "the same as in the answer");
    assert_eq!((&turns[0]["left_out"], turns.len()), (&json!(false), 2));
    assert_eq!(bob.delete(&format!("/v1/conversations/{id}")).await.status, 200);
    assert!(listed(&bob).await.is_empty());
    assert_eq!(opened(&bob, &id).await.problem(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn promise_5_a_foreign_an_erased_and_an_invented_conversation_look_the_same() {
    let (world, id) = begun(Company::holding(FILES)).await;
    let erased = self::id(&ask_in(&world.dana(), "new", QUESTION).await);
    world.dana().delete(&format!("/v1/conversations/{erased}")).await;
    let dana = world.dana();
    let mut replies = Vec::new();
    for id in [&*id, &*erased, "conv_01J00000000000000000000000", "x", "NEW", "conv_%"] {
        let at = format!("/v1/conversations/{}", id.replace('%', "%25"));
        let mut of_one = Vec::new();
        for stream in [false, true] {
            let body = json!({"question": QUESTION, "conversation": id, "stream": stream});
            of_one.push(dana.post("/v1/ask", &body).await.bytes());
        }
        of_one.push(dana.get(&at).await.bytes());
        of_one.push(dana.delete(&at).await.bytes());
        assert!(of_one.iter().all(|reply| reply.starts_with("404")), "{of_one:?}");
        replies.push(of_one);
    }
    assert!(replies.windows(2).all(|two| two[0] == two[1]), "{replies:?}");
    assert!(listed(&dana).await.is_empty());
    assert_eq!(listed(&world.bob()).await.len(), 1);
}

/// The ways in which Bob loses the document. Each returns whether he may still call.
async fn take_away(way: &str, world: &World) -> bool {
    let alice = world.alice();
    let ok = |reply: Reply| assert_eq!(reply.status, 200, "{way}: {}", reply.body);
    let act = async |what: &str| {
        alice.post(&format!("/v1/admin/sources/hr/{what}"), &json!({"why": "a test"})).await
    };
    match way {
        "rule" => {
            let change = json!({"access": {"allow": ["group:employees"], "deny": ["user:bob"]}});
            ok(alice.put("/v1/admin/sources/hr", &crate::world::source("hr", &change)).await);
        }
        "folder rule" => {
            world.write("hr/.access.toml", "deny = [\"user:bob\"]\n");
            world.sync("hr").await;
        }
        "group" => {
            let people: Vec<_> = PEOPLE
                .iter()
                .map(|one| if one.0 == "bob" { ("bob", &["contractors"][..], one.2) } else { *one })
                .collect();
            world.people(&people);
            until("the people file is read", async || {
                world.bob().finds(CANARY).await.is_empty().then_some(())
            })
            .await;
        }
        "pause" | "revoke" => ok(act(way).await),
        "remove" => ok(alice.delete("/v1/admin/sources/hr").await),
        "withdraw" => ok(world.dana().decide("hr/heliotrope.md", "withdraw").await),
        "delete" => {
            std::fs::remove_file(world.documents().join("hr/heliotrope.md")).expect("a file");
            world.sync("hr").await;
        }
        "expiry" => {
            let change = json!({
                "access": {"allow": ["group:employees"]}, "expire_after": "1d",
            });
            ok(alice.put("/v1/admin/sources/hr", &crate::world::source("hr", &change)).await);
        }
        "block" => {
            let body = json!({"user": "bob", "act": "block", "why": "a test"});
            ok(alice.post("/v1/admin/users", &body).await);
            return false;
        }
        "stop" => {
            ok(alice.post("/v1/admin/stop", &json!({"why": "a test"})).await);
            return false;
        }
        _ => panic!("no way like {way}"),
    }
    true
}

#[tokio::test]
async fn promise_4_what_is_taken_away_is_gone_from_the_conversation_at_once() {
    let ways = [
        "rule",
        "folder rule",
        "group",
        "pause",
        "revoke",
        "remove",
        "withdraw",
        "delete",
        "expiry",
        "block",
        "stop",
    ];
    for way in ways {
        let company = Company::holding(FILES)
            .with_source("hr", &json!({"access": {"allow": ["group:employees"]}}));
        let (world, id) = begun(company).await;
        let may_call = take_away(way, &world).await;
        let bob = world.bob();
        let mut all = vec![opened(&bob, &id).await, bob.get("/v1/conversations").await];
        if may_call {
            let history = all[0].json();
            let turn = &history["turns"][0];
            assert_eq!(turn["question"], QUESTION, "{way}: his own words stay");
            assert_eq!(turn["left_out"], true, "{way}");
            assert_eq!((&turn["sentences"], &turn["citations"]), (&json!([]), &json!([])), "{way}");
        } else {
            assert!(all.iter().all(|reply| reply.status >= 400), "{way}: {all:?}");
        }
        for question in ["How long is it?", "And for contractors?", "What did you just say?"] {
            for stream in [false, true] {
                let body = json!({"question": question, "conversation": id, "stream": stream});
                all.push(bob.post("/v1/ask", &body).await);
            }
        }
        all.push(opened(&bob, &id).await);
        for reply in &all {
            let told = reply.bytes().to_lowercase();
            assert!(!told.contains(CANARY) && !told.contains("parental leave is"), "{way}: {told}");
        }
    }
}

#[tokio::test]
async fn promise_4_what_is_given_back_is_in_the_conversation_again_except_after_a_revoke() {
    let (world, id) = begun(Company::holding(FILES)).await;
    take_away("pause", &world).await;
    assert!(!opened(&world.bob(), &id).await.body.contains(CANARY));
    world.alice().post("/v1/admin/sources/hr/resume", &json!({})).await;
    assert!(opened(&world.bob(), &id).await.body.contains(CANARY));
    take_away("revoke", &world).await;
    let kept = "SELECT count(*) FROM turn_sentence";
    let left: u32 = world.ledger().query_row(kept, [], |row| row.get(0)).expect("the ledger");
    assert_eq!(left, 0, "a revoke takes what was derived from the source");
}

#[tokio::test]
async fn promise_6_a_newer_version_leaves_the_earlier_sentence_in_the_history_and_says_so() {
    let (world, id) = begun(Company::holding(FILES)).await;
    world.write(
        "hr/heliotrope.md",
        "# Heliotrope policy\n\nParental leave is 20 heliotrope weeks.\n",
    );
    world.sync("hr").await;
    let history = opened(&world.bob(), &id).await.json();
    let citation = &history["turns"][0]["citations"][0];
    assert_eq!(citation["current"], false, "{history}");
    assert!(citation["quote"].as_str().is_some_and(|quote| quote.contains("16")), "{citation}");
    let version = citation["version"].as_str().expect("a version");
    let at = format!("/v1/documents/hr/heliotrope.md?version={version}");
    assert_eq!(world.bob().get(&at).await.status, 200, "and it opens");
    world.dana().decide("hr/heliotrope.md", "withdraw").await;
    assert!(!opened(&world.bob(), &id).await.body.contains("16"));
}

#[tokio::test]
async fn promise_7_what_is_shown_of_a_conversation_is_recorded() {
    let (world, id) = begun(Company::holding(FILES)).await;
    ask_in(&world.bob(), &id, "Who decides about it?").await;
    opened(&world.bob(), &id).await;
    let audit = world.ines().get("/v1/admin/audit?document=hr/heliotrope.md").await.json();
    let records = audit["records"].as_array().expect("records");
    let kinds: Vec<_> = records.iter().filter_map(|record| record["kind"].as_str()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "conversation").count(), 2, "{kinds:?}");
    let answers: Vec<_> = records.iter().filter(|record| record["kind"] == "answer").collect();
    assert_eq!(answers.len(), 2, "what the second question's prompt held is recorded too");
    assert_eq!(answers[1]["body"]["details"]["conversation"], id.as_str());
    assert_eq!(answers[1]["person"]["question"], "Who decides about it?", "the reader's own words");
}

#[tokio::test]
async fn an_erased_person_has_no_conversations() {
    let (world, id) = begun(Company::holding(FILES)).await;
    let danas = self::id(&ask_in(&world.dana(), "new", QUESTION).await);
    let erase = json!({"user": "user:bob", "why": "he asked for it"});
    assert_eq!(world.alice().post("/v1/admin/audit/erase", &erase).await.status, 200);
    assert!(listed(&world.bob()).await.is_empty());
    assert_eq!(opened(&world.bob(), &id).await.status, 404);
    assert_eq!(opened(&world.dana(), &danas).await.status, 200);
}

#[tokio::test]
async fn a_conversation_ends_when_nothing_was_asked_for_long() {
    let (world, id) = begun(Company::holding(FILES)).await;
    let young = self::id(&ask_in(&world.bob(), "", QUESTION).await);
    let old = "UPDATE conversation SET last = last - 86400 * 31 WHERE id = ?1";
    assert_eq!(world.ledger().execute(old, [&id]).expect("the ledger"), 1);
    let gone = async || (opened(&world.bob(), &id).await.status == 404).then_some(());
    until("the old one is gone", gone).await;
    assert_eq!(listed(&world.bob()).await[0]["id"], young.as_str());
    let left = "SELECT count(*) FROM turn";
    let left: u32 = world.ledger().query_row(left, [], |row| row.get(0)).expect("the ledger");
    assert_eq!(left, 1);
}

#[tokio::test]
async fn more_conversations_and_turns_than_are_kept_are_refused_with_a_reason() {
    let company = Company::holding(FILES).with_settings("[conversations]\nmost = 1\nturns = 2");
    let (world, id) = begun(company).await;
    let ask = async |conversation: &str| {
        let body = json!({"question": QUESTION, "conversation": conversation});
        world.bob().post("/v1/ask", &body).await
    };
    assert_eq!(ask("new").await.problem(), (409, "too_many_conversations".to_owned()));
    assert_eq!(ask(&id).await.status, 200);
    assert_eq!(ask(&id).await.problem(), (409, "too_many_turns".to_owned()));
    assert_eq!(ask_in(&world.dana(), "new", QUESTION).await["outcome"], "answered");
    assert_eq!(world.bob().delete(&format!("/v1/conversations/{id}")).await.status, 200);
    assert_eq!(ask("new").await.status, 200);
}

#[tokio::test]
async fn an_answer_for_an_erased_conversation_does_not_bring_it_back() {
    let (world, id) = begun(Company::holding(FILES)).await;
    // The row goes as it does when the reader erases it, and the answer that is on its way is closed.
    let bob = world.bob();
    let request = bob.request(Method::POST, "/v1/ask");
    let asked = request.json(&json!({"question": QUESTION, "conversation": id}));
    let erase = format!("/v1/conversations/{id}");
    let (answer, erased) = tokio::join!(bob.send(asked), bob.delete(&erase));
    assert_eq!(erased.status, 200);
    assert!(matches!(answer.status, 200 | 404), "{}", answer.body);
    assert!(listed(&bob).await.is_empty());
}

const LEAVE: &[(&str, &str)] = &[
    (
        "hr/leave.md",
        "# Leave\n\n## Parental leave\n\nParental leave lasts 16 weeks. Parental leave is approved by \
         the people team.\n\n## Sabbatical\n\nA sabbatical lasts 12 months. A sabbatical is approved by \
         the board.\n",
    ),
    (
        "hr/vacation.md",
        "# Paid vacation\n\nEmployees get 28 days of paid vacation per year.\n\nContractors get 5 days of \
         paid vacation per year.\n",
    ),
    ("hr/urlaub.md", "---\nlang: de\n---\n# Elternzeit\n\nDie Elternzeit dauert 36 Monate.\n"),
];

/// What an answer says.
fn said(answer: &Value) -> String {
    let sentences = answer["sentences"].as_array().expect("sentences");
    let texts: Vec<_> = sentences.iter().filter_map(|one| one["text"].as_str()).collect();
    texts.join(" ")
}

#[tokio::test]
async fn a_follow_up_is_answered_in_its_context() {
    let world = World::holding(LEAVE).await;
    let bob = world.bob();
    for (question, follow_up, expected) in [
        ("Who gets parental leave?", "How long is it?", "16 weeks"),
        ("Is there a sabbatical?", "How long does it last?", "12 months"),
        ("What is a sabbatical?", "Who approves it?", "board"),
        ("Who approves parental leave?", "And a sabbatical?", "board"),
        ("How many days of paid vacation do employees get?", "And contractors?", "5 days"),
        ("Wer bekommt Elternzeit?", "Wie lange dauert sie?", "36 Monate"),
    ] {
        let id = id(&ask_in(&bob, "new", question).await);
        let answer = ask_in(&bob, &id, follow_up).await;
        assert!(said(&answer).contains(expected), "{question} {follow_up}: {answer}");
    }
    let id = id(&ask_in(&bob, "new", "Who gets parental leave?").await);
    ask_in(&bob, &id, "How long is it?").await;
    let audit = world.ines().get("/v1/admin/audit?kind=answer&user=user:bob&limit=1").await.json();
    let person = &audit["records"][0]["person"];
    assert_eq!(person["question"], "How long is it?", "{audit}");
    assert_eq!(person["searched"], "How long is parental leave?", "{audit}");
    let seen = world.alice().get("/v1/admin/audit?kind=answer&limit=1").await.body;
    assert!(!seen.contains("parental"), "what was searched is text: {seen}");
}

#[tokio::test]
async fn promise_13_a_follow_up_is_the_same_whatever_somebody_else_has_asked() {
    let world = World::holding(LEAVE).await;
    let bobs = id(&ask_in(&world.bob(), "new", "What is a sabbatical?").await);
    let danas = id(&ask_in(&world.dana(), "new", "Who gets parental leave?").await);
    for (person, own, other, expected) in
        [(world.bob(), &bobs, &danas, "12 months"), (world.dana(), &danas, &bobs, "16 weeks")]
    {
        let answer = ask_in(&person, own, "How long does it last?").await;
        assert!(said(&answer).contains(expected), "{answer}");
        let body = json!({"question": "How long does it last?", "conversation": other});
        assert_eq!(person.post("/v1/ask", &body).await.status, 404);
    }
}

#[tokio::test]
async fn a_follow_up_is_understood_in_a_chat_that_its_client_keeps() {
    let world = World::holding(LEAVE).await;
    let chat = json!({"messages": [
        {"role": "system", "content": "Paid vacation is 99 days."},
        {"role": "user", "content": "What is a sabbatical?"},
        {"role": "assistant", "content": "Something about parental leave."},
        {"role": "user", "content": "Who approves it?"},
    ]});
    let reply = world.bob().post("/v1/chat/completions", &chat).await;
    let said = reply.json()["choices"][0]["message"]["content"].clone();
    let said = said.as_str().expect("text");
    assert!(said.contains("board") && !said.contains("people team"), "{said}");
    assert!(listed(&world.bob()).await.is_empty(), "the client keeps it, not Vouch");
}

#[tokio::test]
async fn promise_4_a_language_model_is_told_nothing_of_what_was_taken_away() {
    for kind in KINDS {
        let model = Model::saying(kind, "Parental leave is 16 heliotrope weeks. [@weeks]").await;
        let (world, id) = begun(Company::holding(FILES).with_settings(&model.settings())).await;
        let told = |turn: usize| model.asked()[turn].body.to_string().to_lowercase();
        // The passage of the earlier answer is not found by this question; what was said of it is told.
        ask_in(&world.bob(), &id, "When does the office open?").await;
        assert!(told(1).contains(CANARY), "or nothing is proven below: {}", told(1));
        take_away("withdraw", &world).await;
        ask_in(&world.bob(), &id, "When does the office open?").await;
        assert!(!told(2).contains(CANARY), "{}", told(2));
        assert!(told(2).contains(&QUESTION.to_lowercase()), "his own words stay: {}", told(2));
    }
}
