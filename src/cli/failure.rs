//! How a command fails: a title, a hint, exit code 1.
//!
//! With `--json` the failure is the one JSON document on the standard output, in the form in which
//! the server states its problems, so that a script reads one shape wherever it went wrong.

use std::fmt;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::output;

/// Something that failed, with what to do about it.
#[derive(Debug)]
pub(super) struct Failure {
    /// The server's problem, or one of the same form that was made here.
    problem: Value,
}

impl Failure {
    pub(super) fn new(code: &str, title: impl Into<String>, hint: Option<&str>) -> Self {
        let mut problem = json!({ "code": code, "title": title.into() });
        if let Some(hint) = hint {
            problem["hint"] = hint.into();
        }
        Self { problem }
    }

    /// A problem as the server stated it. `None` when it is not one.
    pub(super) fn stated(problem: Value) -> Option<Self> {
        problem.get("title")?.as_str()?;
        Some(Self { problem })
    }

    /// The failure that an error is, wherever it stands in the chain.
    pub(super) fn of(error: &anyhow::Error) -> Self {
        match error.downcast_ref::<Self>() {
            Some(failure) => Self { problem: failure.problem.clone() },
            None => Self::new("failed", format!("{error:#}"), None),
        }
    }

    /// What to do about it.
    pub(super) fn hint(&self) -> Option<&str> {
        self.problem["hint"].as_str()
    }

    /// Tells people on the standard error, and programs on the standard output.
    pub(super) fn report(&self, json: bool) -> ExitCode {
        eprintln!("error: {self}");
        if let Some(hint) = self.hint() {
            eprintln!("hint: {}", output::safe(hint));
        }
        if json {
            // Nothing is left to be done when this can't be printed either.
            let _unprinted = output::print(&output::json(&self.problem));
        }
        ExitCode::FAILURE
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&output::safe_lines(self.problem["title"].as_str().unwrap_or("it failed")))
    }
}

impl std::error::Error for Failure {}
