//! The settings: `vouch.toml` over `config/default.toml`, which is compiled in.
//!
//! The default file is the list of keys: it gives a value for every key there is, so a key that it
//! doesn't hold is unknown and refused, with the nearest known one. Whatever is wrong is said with
//! its key, its value and what was expected, before anything is opened or started.
//!
//! No secret is ever read from a file. A file names the environment variable that holds one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use figment::Figment;
use figment::providers::{Format, Toml};
use figment::value::{Dict, Value};
use reqwest::Url;

mod check;
mod keys;
mod models;
mod people;
mod sections;
mod units;

pub(crate) use keys::{did_you_mean, unknown_keys};
pub use models::Model;
pub use people::{People, Person, Role};
pub use sections::{
    Answer, Audit, Auth, AuthMode, Chunking, Config, Conversations, Demo, Embedding, Extraction,
    Fallback, GeneratorKind, GeneratorSettings, Limits, Log, LogFormat, Oidc, Retention, Roles,
    Search, Server, Slack, Sources, VectorStore, Vectors,
};
pub(crate) use units::read_url_if_set;
pub use units::{size, span};

/// Every key with its default and what it means.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

impl Config {
    /// Reads the settings: from `file`, else from `vouch.toml` in the current folder where there is
    /// one, else the defaults alone.
    ///
    /// # Errors
    /// When the file can't be read, a key is unknown, or a value is not what its key expects. The
    /// message names all unknown keys, or the first bad value.
    pub fn load(file: Option<&Path>) -> Result<Self> {
        let here = Path::new("vouch.toml");
        match file {
            Some(file) => Self::read(file),
            None if here.is_file() => Self::read(here),
            None => Self::over_defaults(Figment::new(), "the defaults"),
        }
    }

    fn read(file: &Path) -> Result<Self> {
        let name = file.display().to_string();
        // Reading it here tells a missing file from a broken one; figment takes both for empty.
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("can't read the configuration {name}"))?;
        if let Err(error) = text.parse::<toml::Table>() {
            bail!("{name} is not valid TOML\n{}", error.to_string().trim_end());
        }
        // Paths in the file start at its folder, which is named without links so that `..` is plain.
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).canonicalize()?;
        let placed = folder.join(file.file_name().unwrap_or_default());
        let mut config = Self::over_defaults(Figment::from(Toml::file_exact(placed)), &name)?;
        config.file = Some(file.to_owned());
        Ok(config)
    }

    /// The settings that a piece of TOML makes, as if it stood in a file of the current folder.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str) -> Result<Self> {
        Self::over_defaults(Figment::from(Toml::string(text)), "vouch.toml")
    }

    fn over_defaults(given: Figment, name: &str) -> Result<Self> {
        let defaults = Figment::from(Toml::string(DEFAULTS));
        let known = dotted(&defaults.extract::<Dict>()?);
        let given_keys = given.extract::<Dict>().map(|dict| dotted(&dict))?;
        let unknown = unknown_keys(&given_keys, &known, name);
        if !unknown.is_empty() {
            bail!("{}", unknown.join("\n"));
        }
        let config: Self =
            defaults.merge(given).extract().map_err(|error| check::explain(error, name))?;
        config.validate(name)?;
        Ok(config)
    }

    /// Listens somewhere else, under the same conditions.
    ///
    /// # Errors
    /// Demo mode on an address that other machines reach.
    pub fn listen_at(&mut self, listen: std::net::SocketAddr) -> Result<()> {
        self.server.listen = listen;
        self.validate("--listen")
    }

    /// The address that people reach the server under, without a slash at its end.
    #[must_use]
    pub fn public_url(&self) -> String {
        match &self.server.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{}", self.server.listen),
        }
    }

    /// The file that holds the audit's newest hash.
    #[must_use]
    pub fn head_file(&self) -> PathBuf {
        self.audit.head_file.clone().unwrap_or_else(|| self.data_dir.join("audit.head"))
    }
}

impl Retention {
    /// In seconds, as the ledger takes it.
    #[must_use]
    pub fn seconds(&self) -> vouch_index::ledger::Retention {
        let kept = |span: Duration| {
            (!span.is_zero()).then(|| i64::try_from(span.as_secs()).unwrap_or(i64::MAX))
        };
        vouch_index::ledger::Retention {
            answers: kept(self.answers),
            searches: kept(self.searches),
            documents: kept(self.documents),
            acts: kept(self.acts),
        }
    }
}

impl Vectors {
    /// Qdrant's API key, where the file names a variable for it.
    ///
    /// # Errors
    /// When the variable that the file names is not set.
    pub fn api_key(&self) -> Result<Option<String>> {
        secret("vectors.api_key_env", self.api_key_env.as_deref())
    }
}

impl Oidc {
    /// The issuer as an address.
    #[must_use]
    pub fn issuer(&self) -> Option<Url> {
        self.issuer.parse().ok()
    }

    /// The client's secret at the provider, where the file names a variable for it.
    ///
    /// # Errors
    /// When the variable that the file names is not set.
    pub fn client_secret(&self) -> Result<Option<String>> {
        secret("auth.oidc.client_secret_env", self.client_secret_env.as_deref())
    }
}

impl Slack {
    /// The bot's token.
    ///
    /// # Errors
    /// It is not set.
    pub fn bot_token(&self) -> Result<String> {
        needed("slack.bot_token_env", self.bot_token_env.as_deref())
    }

    /// What Slack signs its requests with.
    ///
    /// # Errors
    /// It is not set.
    pub fn signing_secret(&self) -> Result<String> {
        needed("slack.signing_secret_env", self.signing_secret_env.as_deref())
    }
}

fn needed(key: &str, variable: Option<&str>) -> Result<String> {
    let value = secret(key, variable)?.filter(|value| !value.trim().is_empty());
    value.with_context(|| format!("`{key}` must name an environment variable that is not empty"))
}

fn secret(key: &str, variable: Option<&str>) -> Result<Option<String>> {
    let Some(variable) = variable else { return Ok(None) };
    let value = std::env::var(variable).with_context(|| {
        format!("`{key}` names the environment variable {variable}, which is not set")
    })?;
    Ok(Some(value))
}

/// The keys of a tree of tables, each as `section.key`. A table that is empty is a key itself.
fn dotted(dict: &Dict) -> Vec<String> {
    let mut keys = Vec::new();
    for (key, value) in dict {
        match value {
            Value::Dict(_, inner) if !inner.is_empty() => {
                keys.extend(dotted(inner).into_iter().map(|below| format!("{key}.{below}")));
            }
            Value::Dict(..)
            | Value::String(..)
            | Value::Char(..)
            | Value::Bool(..)
            | Value::Num(..)
            | Value::Empty(..)
            | Value::Array(..) => keys.push(key.clone()),
        }
    }
    keys
}

#[cfg(test)]
mod tests;
