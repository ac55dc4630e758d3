//! What the types can't say: values that are well-formed and still can't work.
//!
//! Every message names the key, the value, and what to write in its place.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};
use figment::error::Kind;
use vouch_index::Principal;

use super::{AuthMode, Config, VectorStore, did_you_mean};
use crate::auth::is_private;

/// A figment error in the words of this program: key, file, value, what was expected.
pub(super) fn explain(error: figment::Error, file: &str) -> anyhow::Error {
    let key = error.path.join(".");
    let reason = if let Kind::InvalidType(found, expected) = &error.kind {
        format!(
            "found {found}, expected {}",
            expected.replace("struct ", "a section of ").replace("a sequence", "a list")
        )
    } else if let Kind::UnknownVariant(found, known) = &error.kind {
        let choices: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        let choices = choices.join(", ");
        format!("`{found}` is not one of {choices}{}", did_you_mean(found, known))
    } else {
        error.kind.to_string()
    };
    anyhow!("`{key}` in {file}: {reason}")
}

impl Config {
    /// Refuses what can't work, before anything is opened.
    pub(super) fn validate(&self, file: &str) -> Result<()> {
        let listen = self.server.listen;
        if self.auth.mode == AuthMode::Oidc {
            self.validate_oidc(file)?;
        }
        if self.auth.mode == AuthMode::Demo && !listen.ip().is_loopback() {
            bail!(
                "`server.listen` in {file}: {listen} can be reached from other machines, and with \
                 `auth.mode = \"demo\"` anybody can be anybody; listen on 127.0.0.1, or use \
                 `auth.mode = \"keys\"`"
            );
        }
        if self.vectors.store == VectorStore::Qdrant && self.vectors.url.is_none() {
            bail!(
                "`vectors.url` in {file} is not set; `vectors.store = \"qdrant\"` needs Qdrant's gRPC \
                 address, such as \"http://127.0.0.1:6334\""
            );
        }
        if let Some(contact) = &self.sources.contact
            && let Err(error) = contact.parse::<Principal>()
        {
            bail!("`sources.contact` in {file}: {error}");
        }
        self.validate_models(file)?;
        if self.slack.team.is_some() {
            self.validate_slack(file)?;
        }
        self.validate_texts(file)?;
        self.validate_numbers(file)
    }

    /// Slack is believed by its signature alone, and people in it by their e-mail alone.
    fn validate_slack(&self, file: &str) -> Result<()> {
        let slack = &self.slack;
        if !slack.api.as_ref().is_some_and(is_private) {
            bail!("`slack.api` in {file} must be an address that begins with https://");
        }
        if self.auth.mode == AuthMode::Oidc && self.auth.oidc.user_claim != "email" {
            bail!(
                "`slack.team` in {file} is set, and `auth.oidc.user_claim` is `{}`: people in Slack are \
                 known by their e-mail, so users must be named by it",
                self.auth.oidc.user_claim
            );
        }
        for domain in &slack.domains {
            let lower = domain.to_lowercase() == *domain && !domain.contains('@');
            if !lower || domain.is_empty() || domain.starts_with('.') {
                bail!(
                    "`slack.domains` in {file}: `{domain}` is not a mail domain such as \"example.com\""
                );
            }
        }
        slack.bot_token()?;
        slack.signing_secret().map(drop)
    }

    /// Sign-in through a provider opens nothing unless it says whose tokens count, and for whom they
    /// must have been made.
    fn validate_oidc(&self, file: &str) -> Result<()> {
        let oidc = &self.auth.oidc;
        let needs = "`auth.mode = \"oidc\"` needs";
        match oidc.issuer() {
            Some(issuer) if is_private(&issuer) => {}
            _ if oidc.issuer.is_empty() => bail!(
                "`auth.oidc.issuer` in {file} is not set; {needs} the identity provider's address, \
                 as its tokens give it in `iss`"
            ),
            _ => bail!(
                "`auth.oidc.issuer` in {file}: `{}` is not an address that begins with https://",
                oidc.issuer
            ),
        }
        let texts = [
            ("audience", &oidc.audience, "what tokens for Vouch give in `aud`"),
            ("user_claim", &oidc.user_claim, "the claim that names the user, such as \"email\""),
            ("groups_claim", &oidc.groups_claim, "the claim that lists the groups"),
        ];
        for (key, text, meaning) in texts {
            if text.trim().is_empty() {
                bail!("`auth.oidc.{key}` in {file} is not set; {needs} {meaning}");
            }
        }
        for named in self.auth.roles.administrators.iter().chain(&self.auth.roles.auditors) {
            if *named == Principal::Everyone {
                bail!("`auth.roles` in {file}: `everyone` can't have a role; name users or groups");
            }
        }
        if oidc.client_id.is_empty() {
            return Ok(());
        }
        if !oidc.scopes.iter().any(|scope| scope == "openid") {
            bail!("`auth.oidc.scopes` in {file} must hold \"openid\", or nobody can sign in");
        }
        let public = self.public_url();
        if !public.parse().is_ok_and(|url| is_private(&url)) {
            bail!(
                "`server.public_url` in {file}: {public} is not https, and browsers take the cookie \
                 of a sign-in over https alone; put a TLS proxy in front and name its address, or \
                 unset `auth.oidc.client_id`"
            );
        }
        oidc.client_secret().map(drop)
    }

    fn validate_texts(&self, file: &str) -> Result<()> {
        for origin in &self.server.origins {
            let whole =
                origin.parse::<reqwest::Url>().ok().map(|url| url.origin().ascii_serialization());
            if whole.as_ref() != Some(origin) {
                bail!(
                    "`server.origins` in {file}: `{origin}` is not an origin such as \
                     \"https://intranet.example.com\" (no path, no slash at its end)"
                );
            }
        }
        for language in &self.search.languages {
            if language.len() != 2 || !language.bytes().all(|byte| byte.is_ascii_lowercase()) {
                bail!(
                    "`search.languages` in {file}: `{language}` is not a two-letter code such as \"en\""
                );
            }
        }
        let name = &self.vectors.collection;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || !name.chars().all(plain) {
            bail!("`vectors.collection` in {file}: `{name}` must be letters, digits, `-` and `_`");
        }
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&self.log.level) {
            bail!(
                "`log.level` in {file}: `{}` can't be understood ({error}); write error, warn, \
                 info, debug or trace",
                self.log.level
            );
        }
        Ok(())
    }

    fn validate_numbers(&self, file: &str) -> Result<()> {
        let whole = |key: &str, value: u64, range: RangeInclusive<u64>| {
            if range.contains(&value) {
                return Ok(());
            }
            Err(anyhow!(
                "`{key}` in {file}: {value} is not from {} to {}",
                range.start(),
                range.end()
            ))
        };
        let share = |key: &str, value: f64| {
            if (0.0..=1.0).contains(&value) {
                return Ok(());
            }
            Err(anyhow!("`{key}` in {file}: {value} is not from 0.0 to 1.0"))
        };
        let extraction = &self.extraction;
        share("access.widening_limit", self.access.widening_limit)?;
        share("search.meaning_weight", self.search.meaning_weight)?;
        share("answer.min_confidence", f64::from(self.answer.min_confidence))?;
        whole("answer.passages", self.answer.passages as u64, 1..=50)?;
        whole("chunking.characters", self.chunking.characters as u64, 200..=20_000)?;
        whole("embedding.threads", self.embedding.threads as u64, 0..=512)?;
        whole("extraction.workers", extraction.workers as u64, 1..=256)?;
        whole("extraction.seconds", extraction.seconds, 1..=3_600)?;
        whole("extraction.file_limit", extraction.file_limit, 1..=2_000_000_000)?;
        // Offsets into a version's text are 32 bits wide.
        whole("extraction.text_limit", extraction.text_limit, 1..=1_000_000_000)?;
        whole("extraction.memory_limit", extraction.memory_limit, 64 << 20..=64 << 30)?;
        let slack = &self.slack;
        whole("slack.channel_limit", slack.channel_limit as u64, 0..=10_000)?;
        whole("slack.members_for", slack.members_for.as_secs(), 0..=3_600)?;
        whole("slack.timeout", slack.timeout.as_secs(), 1..=120)?;
        whole("slack.workers", slack.workers as u64, 1..=64)?;
        whole("slack.queue", slack.queue as u64, 1..=100_000)?;
        whole("limits.question_bytes", self.limits.question_bytes, 1..=1_000_000)?;
        whole("limits.upload_bytes", self.limits.upload_bytes, 1..=2_000_000_000)?;
        let limits = &self.limits;
        whole("limits.requests_per_minute", limits.requests_per_minute.into(), 1..=1_000_000_000)?;
        // Each one that is worked on has a thread, and the runtime has 512 for such work.
        whole("limits.at_once", limits.at_once as u64, 1..=450)?;
        whole("limits.at_once_in_all", limits.at_once_in_all as u64, 1..=450)
    }

    /// What is wrong with the folders of `sources.roots`, one line each. Looked at when the server
    /// starts and not when the file is read: a disk that is not mounted is no mistake in the file.
    #[must_use]
    pub fn unreadable_roots(&self) -> Vec<(PathBuf, String)> {
        let wrong = |root: &PathBuf| {
            let reason = match std::fs::read_dir(root) {
                Ok(_) => return None,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    "does not exist; create it, or take it out of `sources.roots`".to_owned()
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
                    "is not a folder; `sources.roots` lists folders".to_owned()
                }
                Err(error) => format!("can't be read: {error}"),
            };
            Some((root.clone(), reason))
        };
        self.sources.roots.iter().filter_map(wrong).collect()
    }

    /// Refuses to go on when a root can't be read.
    ///
    /// # Errors
    /// Names every such root and what to do about it.
    pub fn check_roots(&self) -> Result<()> {
        let lines: Vec<String> = self
            .unreadable_roots()
            .into_iter()
            .map(|(root, reason)| format!("the source root {} {reason}", root.display()))
            .collect();
        if lines.is_empty() { Ok(()) } else { bail!("{}", lines.join("\n")) }
    }
}
