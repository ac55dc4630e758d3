//! Slack, as `vouch doctor` finds it: whether the bot's token counts, and in which workspace.

use super::{Finding, fail, ok};
use crate::config::Config;
use crate::slack::Slack;

const WHAT: &str = "slack";

/// What was found, where Vouch is in Slack.
pub(super) async fn findings(config: &Config) -> Vec<Finding> {
    let slack = match Slack::open(config) {
        Ok(Some(slack)) => slack,
        Ok(None) => return Vec::new(),
        Err(error) => {
            let remedy = "the server doesn't start before this is mended";
            return vec![fail(WHAT, format!("{error:#}"), remedy)];
        }
    };
    vec![match slack.look().await {
        Ok((team, bot)) if team == slack.team() => ok(
            WHAT,
            format!(
                "workspace {team}, as {bot}; whether Slack reaches {}/slack/events is \
                for Slack to say, where the address is entered",
                config.public_url()
            ),
        ),
        Ok((team, _)) => fail(
            WHAT,
            format!("the bot's token belongs to the workspace {team}, not to {}", slack.team()),
            "write the one into `slack.team`, or take the other one's token",
        ),
        Err(error) => fail(
            WHAT,
            error,
            "check the bot's token, `slack.api`, and that this machine reaches it; docs/slack.md",
        ),
    }]
}
