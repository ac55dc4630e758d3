//! Errors at HTTP: one type, RFC 9457 problem documents with a stable `code` and a hint.
//!
//! The rule: whatever can't be done is said with what was wrong and what to do; what went wrong
//! inside is logged once, here, and shown to nobody.

use std::fmt;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{BytesRejection, JsonRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use vouch_index::RefusalKind;

/// A problem document.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ApiError {
    /// Always `about:blank`; `code` tells problems apart.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The HTTP status.
    status: u16,
    /// A stable name for programs.
    pub code: String,
    /// What was wrong.
    pub title: String,
    /// What to do.
    pub hint: String,
    /// When it may be tried again; the header `Retry-After`.
    #[serde(skip)]
    retry_after: Option<Duration>,
}

impl ApiError {
    /// A problem with this status.
    pub fn new(
        status: StatusCode,
        code: &str,
        title: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            kind: "about:blank",
            status: status.as_u16(),
            code: code.to_owned(),
            title: title.into(),
            hint: hint.into(),
            retry_after: None,
        }
    }

    /// The same, with the time after which it may be tried again.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// No credential, or one that does not count.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "this needs a valid credential",
            "send `Authorization: Bearer …` with an API key, or sign in",
        )
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether another credential would help.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED.as_u16()
    }

    /// The one answer for what is missing and for what is forbidden.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "there is nothing here",
            "check the address; it may also be that you may not see it",
        )
    }

    /// The caller may not do this.
    #[must_use]
    pub fn forbidden(title: &str, hint: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", title, hint)
    }

    /// The input can't be accepted as it is.
    pub fn invalid(code: &str, title: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, title, hint)
    }

    /// It does not fit the present state.
    pub fn conflict(code: &str, title: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, title, hint)
    }

    /// More than is taken.
    pub fn too_large(code: &str, title: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, code, title, hint)
    }

    /// It can't be done at present.
    pub fn unavailable(code: &str, title: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, title, hint)
    }

    fn internal(error: &dyn fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "something went wrong inside Vouch",
            "try again; the server's log says what it was",
        )
    }
}

/// What was wrong and what to do, where words alone fit.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.title, self.hint)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self)).into_response();
        let headers = response.headers_mut();
        let problem = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem);
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = self.retry_after {
            // Whole seconds, and not a moment too early.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        // For the routes whose clients know another shape of errors.
        response.extensions_mut().insert(self);
        response
    }
}

impl From<vouch_index::Error> for ApiError {
    fn from(error: vouch_index::Error) -> Self {
        let vouch_index::Error::Refused(refusal) = error else {
            return Self::internal(&error);
        };
        let status = match refusal.kind {
            RefusalKind::Missing => StatusCode::NOT_FOUND,
            RefusalKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            RefusalKind::Conflict => StatusCode::CONFLICT,
            RefusalKind::Forbidden => StatusCode::FORBIDDEN,
        };
        Self::new(status, refusal.code, refusal.title, refusal.hint)
    }
}

impl From<anyhow::Error> for ApiError {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<vouch_index::Error>() {
            Ok(error) => error.into(),
            Err(error) => Self::internal(&format!("{error:#}")),
        }
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        let status = rejection.status();
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::too_large("too_large", "the request is too large", "send less at once");
        }
        Self::new(
            status,
            "bad_json",
            rejection.body_text(),
            "send a JSON object with `Content-Type: application/json`; /openapi.json describes it",
        )
    }
}

impl From<BytesRejection> for ApiError {
    fn from(rejection: BytesRejection) -> Self {
        Self::new(rejection.status(), "bad_body", rejection.body_text(), "send the request again")
    }
}
