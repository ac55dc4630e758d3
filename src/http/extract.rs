//! Bodies, queries, paths and times, with refusals that are problem documents.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use vouch_index::DocumentId;
use vouch_index::ledger::{now, seconds_of};

use super::ApiError;

/// A JSON body.
pub(super) struct Json<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let axum::Json(value) = axum::Json::<T>::from_request(request, state).await?;
        Ok(Self(value))
    }
}

/// What a form on a page sends.
pub(super) struct Form<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match axum::Form::<T>::from_request(request, state).await {
            Ok(axum::Form(value)) => Ok(Self(value)),
            Err(rejection) => Err(ApiError::new(
                rejection.status(),
                "bad_form",
                rejection.body_text(),
                "go back to the page and send its form again",
            )),
        }
    }
}

/// A query string.
pub(super) struct Query<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "bad_query",
                rejection.body_text(),
                "/openapi.json describes the parameters",
            )),
        }
    }
}

/// A point in time: RFC 3339, or a span from now on such as `2h` or `90d`.
pub(super) fn moment(name: &str, text: &str) -> Result<i64, ApiError> {
    let at = match text.parse::<jiff::Timestamp>() {
        Ok(time) => Some(time.as_second()),
        Err(_) => seconds_of(text).ok().and_then(|span| now().checked_add(span)),
    };
    at.filter(|at| jiff::Timestamp::from_second(*at).is_ok()).ok_or_else(|| {
        ApiError::invalid(
            "bad_time",
            format!("`{name}` is neither a time nor a span: `{text}`"),
            "write it as RFC 3339, such as 2026-01-31T00:00:00Z, or as a span such as 2h or 90d",
        )
    })
}

/// What an address names. An address that is no text names nothing.
pub(super) struct Path<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(_) => Err(ApiError::not_found()),
        }
    }
}

/// The id under which a document is pushed. A name that can't be opened later is refused now.
pub(super) fn new_document_id((source, path): (String, String)) -> Result<DocumentId, ApiError> {
    match DocumentId::wrong_with(&path) {
        None => Ok(DocumentId { source, path }),
        Some(wrong) => Err(bad_path(wrong)),
    }
}

/// A path that no document can be pushed to.
pub(super) fn bad_path(wrong: impl Into<String>) -> ApiError {
    ApiError::invalid("bad_path", wrong, "name the document like `2026/minutes.md`, in UTF-8")
}
