//! Bodies, queries and paths, with refusals that are problem documents.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use vouch_index::DocumentId;

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

/// The id of a document from `{source}/{*path}`. Whatever can't be one is not found.
pub(super) fn document_id(source: String, path: String) -> Result<DocumentId, ApiError> {
    let plain = !path.is_empty() && path.len() <= 1024 && !path.chars().any(char::is_control);
    if source.is_empty() || !plain {
        return Err(ApiError::not_found());
    }
    Ok(DocumentId { source, path })
}
