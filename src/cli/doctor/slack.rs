//! Slack, as `vouch doctor` finds it: whether the bot's token counts, in which workspace, and for what.

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
        Ok(itself) if itself.team_id != slack.team() => fail(
            WHAT,
            format!(
                "the bot's token belongs to the workspace {}, not to {}",
                itself.team_id,
                slack.team()
            ),
            "write the one into `slack.team`, or take the other one's token",
        ),
        Ok(itself) if !itself.missing.is_empty() => fail(
            WHAT,
            format!("the bot's token lacks the scopes {}", itself.missing.join(", ")),
            "add them under OAuth & Permissions, as config/slack-manifest.yaml has them, and install \
             the app again",
        ),
        Ok(itself) => ok(
            WHAT,
            format!(
                "workspace {}, as {}; whether Slack reaches {}/slack/events is \
                for Slack to say, where the address is entered",
                itself.team_id,
                itself.user,
                config.public_url()
            ),
        ),
        Err(error) => fail(
            WHAT,
            error,
            "check the bot's token, `slack.api`, and that this machine reaches it; docs/slack.md",
        ),
    }]
}
