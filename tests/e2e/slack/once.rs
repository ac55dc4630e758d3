//! Each event is answered at most once, whatever Slack repeats and whatever fails. And whoever asked
//! is told something, as long as Slack lets anything through at all.

use super::fake::{Fake, Fault, Posted, open};
use super::sender::Sender;
use crate::world::{Company, World};

const QUESTION: &str = "How many weeks is parental leave?";

fn company() -> Company {
    Company::holding(&[("hr/leave.md", "# Leave\n\nParental leave is 16 weeks.\n")])
}

/// A workspace that Vouch waits for only briefly.
async fn impatient() -> (World, Fake, Sender) {
    let (world, fake, slack) = open(company(), "members_for = \"0s\"\ntimeout = \"1s\"").await;
    fake.channel("C1", &["bob"]);
    (world, fake, slack)
}

/// What was posted for the last question, once it is over.
async fn posted(world: &World, fake: &Fake) -> Vec<Posted> {
    super::over(world).await;
    fake.inside().faults.clear();
    std::mem::take(&mut fake.inside().posted)
}

#[tokio::test]
async fn promise_8_whatever_fails_at_slack_an_answer_is_posted_once() {
    let (world, fake, slack) = impatient().await;
    for (id, (method, fault)) in [
        ("users.info", Fault::too_soon(1)),
        ("users.info", Fault::NOT_DONE),
        ("users.info", Fault::HANGS),
        ("users.info", Fault::DRIPS),
        ("users.info", Fault::HTML),
        ("users.info", Fault::BROKEN),
        ("conversations.members", Fault::NOT_DONE),
        ("conversations.members", Fault::HANGS),
        ("conversations.members", Fault::refused("missing_scope")),
        ("conversations.members", Fault::refused("internal_error")),
        ("chat.postMessage", Fault::too_soon(1)),
        ("chat.postMessage", Fault::NOT_DONE),
        ("chat.postMessage", Fault::HANGS),
        ("chat.postMessage", Fault::AWAY.but_done()),
        ("chat.postMessage", Fault::HANGS.but_done()),
        ("chat.postMessage", Fault::DRIPS.but_done()),
        ("chat.postMessage", Fault::HTML.but_done()),
        ("chat.postMessage", Fault::BROKEN.but_done()),
        ("chat.postMessage", Fault::refused("is_archived")),
        ("chat.postMessage", Fault::refused("not_in_channel")),
        ("chat.postMessage", Fault::refused("channel_not_found")),
    ]
    .into_iter()
    .enumerate()
    {
        fake.fails(method, &[fault]);
        slack.mention(&format!("1{id}"), "bob", "C1", QUESTION).await;
        let posted = posted(&world, &fake).await;
        assert_eq!(posted.len(), 1, "{method} {fault:?}: {posted:?}");
        assert!(posted[0].shown().contains("16 weeks"), "{method} {fault:?}: {posted:?}");
    }
}

#[tokio::test]
async fn promise_8_what_can_not_be_looked_for_is_not_sent_twice_and_that_is_said() {
    let (world, fake, slack) = impatient().await;
    let guest = serde_json::json!({"is_restricted": true});
    fake.add("gus", guest);
    fake.channel("C2", &["bob", "gus"]);
    // Where its own messages can't be read, a lost one is not sent again.
    for (id, hidden) in ["missing_scope", "channel_not_found"].into_iter().enumerate() {
        fake.fails("chat.postMessage", &[Fault::NOT_DONE.but_done()]);
        fake.fails("conversations.replies", &[Fault::refused(hidden)]);
        slack.mention(&format!("1{id}"), "bob", "C1", QUESTION).await;
        let posted = posted(&world, &fake).await;
        assert_eq!(posted.len(), 2, "{posted:?}");
        assert!(posted[0].shown().contains("16 weeks") && posted[1].user == "UBOB", "{posted:?}");
        assert!(posted[1].shown().contains("interrupted"), "{posted:?}");
    }
    // A whisper is gone where nobody can look.
    for (id, (fault, answers)) in [
        (Fault::NOT_DONE, 0),
        (Fault::HANGS, 0),
        (Fault::NOT_DONE.but_done(), 1),
        (Fault::HANGS.but_done(), 1),
        (Fault::HTML.but_done(), 1),
    ]
    .into_iter()
    .enumerate()
    {
        for in_channel in [true, false] {
            let id = format!("2{id}{in_channel}");
            if in_channel {
                fake.fails("chat.postEphemeral", &[fault]);
                slack.mention(&id, "bob", "C2", QUESTION).await;
            } else if fault != Fault::HTML.but_done() {
                fake.fails("respond", &[fault]);
                slack.command(&fake, &id, "bob", QUESTION).await;
            } else {
                continue;
            }
            let posted = posted(&world, &fake).await;
            assert_eq!(posted.len(), answers + 1, "{fault:?}: {posted:?}");
            assert!(posted[answers].shown().contains("interrupted"), "{fault:?}: {posted:?}");
            assert!(posted[..answers].iter().all(|one| one.shown().contains("16 weeks")));
        }
    }
    // One that came too soon was not done, and is.
    fake.fails("chat.postEphemeral", &[Fault::too_soon(1)]);
    slack.mention("3", "bob", "C2", QUESTION).await;
    let posted = posted(&world, &fake).await;
    assert!(posted.len() == 1 && posted[0].shown().contains("16 weeks"), "{posted:?}");
}

#[tokio::test]
async fn where_slack_refuses_what_is_needed_the_asker_is_told() {
    let (world, fake, slack) = impatient().await;
    let refusals =
        ["missing_scope", "invalid_auth", "token_revoked", "account_inactive", "not_authed"];
    for (id, error) in refusals.into_iter().enumerate() {
        fake.fails("users.info", &[Fault::refused(error)]);
        slack.mention(&format!("1{id}"), "bob", "C1", QUESTION).await;
        let told = posted(&world, &fake).await;
        assert_eq!((told.len(), told[0].how), (1, "ephemeral"), "{error}: {told:?}");
        assert!(told[0].shown().contains("Please ask an administrator"), "{error}: {told:?}");
        // Of whom Slack says nothing, nobody knows what they may hear.
        fake.fails("users.info", &[Fault::refused(error)]);
        slack.command(&fake, &format!("2{id}"), "bob", QUESTION).await;
        let told = posted(&world, &fake).await;
        assert_eq!((told.len(), told[0].how), (1, "response"), "{error}: {told:?}");
        assert!(!told[0].shown().contains("16 weeks"), "{error}: {told:?}");
    }
    // Where nothing goes through it ends all the same, and the next question is answered.
    let calls = ["users.info", "chat.postEphemeral", "chat.postMessage"];
    for method in calls {
        fake.fails(method, &[Fault::refused("token_revoked"); 3]);
    }
    slack.mention("3", "bob", "C1", QUESTION).await;
    assert!(posted(&world, &fake).await.is_empty());
    slack.mention("4", "bob", "C1", QUESTION).await;
    assert_eq!(posted(&world, &fake).await.len(), 1);
}
