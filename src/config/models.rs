//! The language models of the settings, each with all that it needs.

use std::time::Duration;

use anyhow::{Result, bail};
use reqwest::Url;

use super::{Config, Fallback, GeneratorKind, GeneratorSettings, secret};

/// A language model, as it is set.
#[derive(Clone, Debug)]
pub struct Model {
    /// What it speaks.
    pub kind: GeneratorKind,
    /// Where it is asked.
    pub url: Url,
    /// Its name there.
    pub model: String,
    /// Tokens that it takes in all.
    pub context_tokens: usize,
    /// Tokens that an answer may have.
    pub answer_tokens: usize,
    /// How long an answer may take, tries and pauses included.
    pub timeout: Duration,
    /// How long it may be silent.
    pub first_token_timeout: Duration,
    /// How often a request is repeated.
    pub retries: u32,
    /// How freely it chooses its words; none leaves it to the server.
    pub temperature: Option<f64>,
    api_key_env: Option<String>,
}

impl Model {
    /// Its key, where the file names a variable for it.
    ///
    /// # Errors
    /// When the variable that the file names is not set.
    pub fn api_key(&self) -> Result<Option<String>> {
        secret("generator.api_key_env", self.api_key_env.as_deref())
    }
}

impl GeneratorSettings {
    /// The language models in the order in which they are asked.
    #[must_use]
    pub fn models(&self) -> Vec<Model> {
        let first = (self.kind != GeneratorKind::Extractive).then(|| self.first());
        let others = self.fallback.iter().map(|fallback| self.further(fallback));
        first.into_iter().chain(others).flatten().collect()
    }

    fn first(&self) -> Option<Model> {
        Some(Model {
            kind: self.kind,
            url: self.url.clone()?,
            model: self.model.clone(),
            context_tokens: self.context_tokens,
            answer_tokens: self.answer_tokens,
            timeout: self.timeout,
            first_token_timeout: self.first_token_timeout,
            retries: self.retries,
            temperature: self.temperature,
            api_key_env: self.api_key_env.clone(),
        })
    }

    fn further(&self, fallback: &Fallback) -> Option<Model> {
        Some(Model {
            kind: fallback.kind,
            url: fallback.url.clone()?,
            model: fallback.model.clone(),
            context_tokens: fallback.context_tokens.unwrap_or(self.context_tokens),
            answer_tokens: fallback.answer_tokens.unwrap_or(self.answer_tokens),
            timeout: fallback.timeout.unwrap_or(self.timeout),
            first_token_timeout: fallback.first_token_timeout.unwrap_or(self.first_token_timeout),
            retries: fallback.retries.unwrap_or(self.retries),
            temperature: fallback.temperature,
            api_key_env: fallback.api_key_env.clone().filter(|name| !name.is_empty()),
        })
    }
}

impl Config {
    /// Refuses models that can't be asked.
    pub(super) fn validate_models(&self, file: &str) -> Result<()> {
        let generator = &self.generator;
        let needs = |section: &str, url: &Option<Url>, model: &str| {
            let example = "such as \"https://api.openai.com/v1\" or \"http://127.0.0.1:11434/v1\"";
            match url {
                None => bail!(
                    "`{section}.url` in {file} is not set; a language model needs its address, {example}"
                ),
                Some(url) if !url.username().is_empty() || url.password().is_some() => bail!(
                    "`{section}.url` in {file} holds a password; name an environment variable with \
                     the key as `{section}.api_key_env`"
                ),
                Some(_) if model.trim().is_empty() => bail!(
                    "`{section}.model` in {file} is not set; a language model needs the name that it \
                     has at its address"
                ),
                Some(_) => Ok(()),
            }
        };
        if generator.kind == GeneratorKind::Extractive {
            if !generator.fallback.is_empty() {
                bail!(
                    "`generator.fallback` in {file} names models, but `generator.kind` is \
                     \"extractive\", which never fails; give the first model as `[generator]`"
                );
            }
        } else {
            needs("generator", &generator.url, &generator.model)?;
        }
        for fallback in &generator.fallback {
            if fallback.kind == GeneratorKind::Extractive {
                bail!(
                    "`generator.fallback` in {file}: extractive is always asked last; take it out"
                );
            }
            needs("generator.fallback", &fallback.url, &fallback.model)?;
        }
        for model in generator.models() {
            let Model { context_tokens, answer_tokens, .. } = model;
            if !(512..=10_000_000).contains(&context_tokens) {
                bail!(
                    "`generator.context_tokens` in {file}: {context_tokens} is not from 512 to 10000000"
                );
            }
            if answer_tokens < 16 || answer_tokens > context_tokens / 2 {
                bail!(
                    "`generator.answer_tokens` in {file}: {answer_tokens} is not from 16 to half of \
                     `context_tokens`, {}",
                    context_tokens / 2
                );
            }
            if model.retries > 10 {
                bail!("`generator.retries` in {file}: {} is not from 0 to 10", model.retries);
            }
            if model.timeout.is_zero() || model.first_token_timeout.is_zero() {
                bail!("`generator.timeout` and `first_token_timeout` in {file} can't be zero");
            }
            if model.temperature.is_some_and(|warm| !(0.0..=2.0).contains(&warm)) {
                bail!("`generator.temperature` in {file} is not from 0.0 to 2.0");
            }
        }
        Ok(())
    }
}
