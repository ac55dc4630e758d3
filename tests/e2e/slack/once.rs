//! Each event is answered at most once, whatever Slack repeats and whatever fails.

use super::fake::{Fault, open};
use crate::world::Company;

const QUESTION: &str = "How many weeks is parental leave?";

fn company() -> Company {
    Company::holding(&[("hr/leave.md", "# Leave\n\nParental leave is 16 weeks.\n")])
}

#[tokio::test]
async fn promise_8_whatever_fails_at_slack_an_answer_is_posted_once() {
    let (world, fake, slack) = open(company(), "members_for = \"0s\"").await;
    fake.channel("C1", &["bob"]);
    for (id, method, fault) in [
        ("1", "users.info", Fault::TooSoon(1)),
        ("2", "users.info", Fault::NotDone),
        ("3", "conversations.members", Fault::NotDone),
        ("4", "chat.postMessage", Fault::NotDone),
        ("5", "chat.postMessage", Fault::Lost),
        ("6", "chat.postMessage", Fault::TooSoon(1)),
        ("7", "conversations.members", Fault::Refused("missing_scope")),
        ("8", "chat.postMessage", Fault::Refused("is_archived")),
    ] {
        fake.fails(method, &[fault]);
        slack.mention(id, "bob", "C1", QUESTION).await;
        let posted = fake.posted(1).await;
        assert!(posted[0].shown().contains("16 weeks"), "{id}: {posted:?}");
        crate::world::until("it is over", async || {
            let open = "SELECT count(*) FROM slack_event WHERE state <> 'done'";
            let open = world.ledger().query_row(open, [], |row| row.get::<_, i64>(0));
            (open == Ok(0)).then_some(())
        })
        .await;
        let again = std::mem::take(&mut fake.inside().posted);
        assert_eq!(again.len(), 1, "{id}: {again:?}");
    }
}
