//! The errors of this crate: a refusal that a person can act on, or a failure of the machine.

/// Which kind of answer a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// Nothing of that name, or nothing that the caller may know of.
    Missing,
    /// The input can't be accepted as it is.
    Invalid,
    /// It does not fit the present state.
    Conflict,
    /// The caller may not do this.
    Forbidden,
}

/// A request that is turned down: what was wrong, and what to do.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{title}; {hint}")]
pub struct Refusal {
    /// Which kind of answer it is.
    pub kind: RefusalKind,
    /// A stable name for programs.
    pub code: &'static str,
    /// What was wrong.
    pub title: String,
    /// What to do.
    pub hint: String,
}

/// What can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is turned down.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The ledger failed.
    #[error("the ledger failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A stored value is not what it should be.
    #[error("a stored value could not be read: {0}")]
    Json(#[from] serde_json::Error),
    /// The text index failed.
    #[error("the text index failed: {0}")]
    Text(#[from] tantivy::TantivyError),
    /// Everything else, with its context.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Refusal {
    /// Nothing of that name, or nothing that the caller may know of.
    pub fn missing(code: &'static str, title: impl Into<String>, hint: impl Into<String>) -> Error {
        Self { kind: RefusalKind::Missing, code, title: title.into(), hint: hint.into() }.into()
    }

    /// The input can't be accepted as it is.
    pub fn invalid(code: &'static str, title: impl Into<String>, hint: impl Into<String>) -> Error {
        Self { kind: RefusalKind::Invalid, code, title: title.into(), hint: hint.into() }.into()
    }

    /// It does not fit the present state.
    pub fn conflict(
        code: &'static str,
        title: impl Into<String>,
        hint: impl Into<String>,
    ) -> Error {
        Self { kind: RefusalKind::Conflict, code, title: title.into(), hint: hint.into() }.into()
    }

    /// The caller may not do this.
    pub fn forbidden(
        code: &'static str,
        title: impl Into<String>,
        hint: impl Into<String>,
    ) -> Error {
        Self { kind: RefusalKind::Forbidden, code, title: title.into(), hint: hint.into() }.into()
    }
}
