//! Who somebody in Slack is for Vouch.
//!
//! A person is a reader by the e-mail that Slack has confirmed, as a full member of the configured
//! workspace, and once Vouch knows that e-mail: from a sign-in, a kept group, a key or the demo's
//! people, or by its domain in the settings. Guests, people of other workspaces, and whoever is not
//! known are not readers. What Slack says is kept for a moment; how a person stands with Vouch (blocks,
//! groups) is looked up every time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use vouch_index::Reader;

use super::api::{Api, Trouble, User};
use super::lately::Lately;
use crate::app::App;
use crate::config::AuthMode;
use crate::http::ApiError;

/// The user that stands for Slack itself.
const SLACKBOT: &str = "USLACKBOT";
/// More people than this are not asked for one by one.
const ONE_BY_ONE: usize = 20;
/// The pages of a workspace's people that are read at once, of almost 1,000 each. Slack lets nobody
/// read many more in a minute.
const PAGES: usize = 11;
/// More people than this are forgotten rather than kept.
const KEPT: usize = 50_000;

/// What somebody is in Slack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// A full member, by a confirmed e-mail in lower case.
    Member(String),
    /// Why they can't be a reader.
    Outsider(Outsider),
    /// No person who reads: an app, or an account that was switched off.
    Nobody,
}

/// Why somebody is no reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outsider {
    /// A guest of the workspace.
    Guest,
    /// Of another workspace.
    Stranger,
    /// Without an e-mail that Slack has confirmed.
    NoMail,
    /// Vouch does not know the e-mail.
    Unknown,
    /// Blocked in Vouch.
    Blocked,
}

/// How somebody stands with Vouch.
pub(crate) enum Standing {
    /// They may ask.
    Reader(Reader),
    /// They may not.
    Outsider(Outsider),
    /// No person.
    Nobody,
    /// Nobody may ask now.
    Stopped,
}

/// What Slack said of people lately.
pub(crate) struct People {
    team: String,
    kept: Lately<Known>,
}

impl People {
    pub(crate) fn new(team: String, kept_for: Duration) -> Self {
        Self { team, kept: Lately::new(kept_for, KEPT) }
    }

    /// Asks anew for this person the next time.
    pub(crate) fn forget(&self, user: &str) {
        self.kept.forget(user);
    }

    /// What somebody is in Slack.
    pub(crate) async fn known(&self, api: &Api, id: &str) -> Result<Known, Trouble> {
        if let Some(known) = self.kept.get(id) {
            return Ok(known);
        }
        let began = self.kept.begin();
        if id == SLACKBOT {
            return Ok(Known::Nobody);
        }
        let known = match api.user(id).await {
            Ok(user) => self.judge(&user),
            // Of some people in shared channels a workspace may not know anything.
            Err(Trouble::Refused(why)) if why == "user_not_found" || why == "user_not_visible" => {
                Known::Outsider(Outsider::Stranger)
            }
            Err(trouble) => return Err(trouble),
        };
        self.kept.keep(began, id, known.clone());
        Ok(known)
    }

    /// What all of these are in Slack, in any order.
    pub(crate) async fn all_known(
        &self,
        api: &Api,
        ids: &BTreeSet<String>,
    ) -> Result<Vec<Known>, Trouble> {
        let missing = ids.iter().filter(|id| self.kept.get(id).is_none()).count();
        if missing > ONE_BY_ONE {
            let began = self.kept.begin();
            for user in api.users(PAGES).await? {
                let known = self.judge(&user);
                self.kept.keep(began, &user.id, known);
            }
        }
        let mut all = Vec::with_capacity(ids.len());
        for id in ids {
            all.push(self.known(api, id).await?);
        }
        Ok(all)
    }

    fn judge(&self, user: &User) -> Known {
        let here = user.team_id == self.team || user.enterprise_user.teams.contains(&self.team);
        if user.is_stranger || !here {
            return Known::Outsider(Outsider::Stranger);
        }
        if user.deleted || user.is_bot || user.id == SLACKBOT {
            return Known::Nobody;
        }
        if user.is_restricted || user.is_ultra_restricted {
            return Known::Outsider(Outsider::Guest);
        }
        let email = user.profile.email.as_deref().map(|email| email.trim().to_lowercase());
        let email = email.filter(|email| user.is_email_confirmed && is_an_address(email));
        email.map_or(Known::Outsider(Outsider::NoMail), Known::Member)
    }
}

/// One name at one domain, so that the domain is what follows the only `@`.
fn is_an_address(email: &str) -> bool {
    let parts: Vec<&str> = email.split('@').collect();
    parts.len() == 2
        && parts.iter().all(|part| !part.is_empty())
        && !email.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// How people stand with Vouch at this moment.
pub(crate) async fn standings(
    app: &Arc<App>,
    known: Vec<Known>,
) -> Result<Vec<Standing>, ApiError> {
    app.blocking(move |app| known.into_iter().map(|known| standing(app, known)).collect()).await
}

fn standing(app: &App, known: Known) -> Result<Standing, ApiError> {
    let email = match known {
        Known::Member(email) => email,
        Known::Outsider(why) => return Ok(Standing::Outsider(why)),
        Known::Nobody => return Ok(Standing::Nobody),
    };
    let Some(user) = user_of(app, email)? else {
        return Ok(Standing::Outsider(Outsider::Unknown));
    };
    let standing = app.ledger.standing(&user, &[])?;
    if standing.blocked {
        return Ok(Standing::Outsider(Outsider::Blocked));
    }
    if standing.stopped {
        return Ok(Standing::Stopped);
    }
    // With an identity provider groups come with a token, and nobody shows one in Slack.
    let by_tokens = app.config.auth.mode == AuthMode::Oidc;
    let reader = standing.reader;
    Ok(Standing::Reader(if by_tokens { reader.without_token() } else { reader }))
}

/// The user whose e-mail this is, if Vouch knows one.
fn user_of(app: &App, email: String) -> Result<Option<String>, ApiError> {
    if let Some(directory) = &app.directory {
        let people = directory.people(&app.ledger)?;
        let mut named = people.people.iter().filter(|one| one.email.to_lowercase() == email);
        // An e-mail that two people have is nobody's.
        let one = named.next().map(|one| one.user.clone());
        return Ok(one.filter(|_| named.next().is_none()));
    }
    let domain = email.split_once('@').map(|(_, domain)| domain).unwrap_or_default();
    let known = app.config.slack.domains.contains(domain) || app.ledger.knows(&email)?;
    Ok(known.then_some(email))
}
