//! What the widget needs besides asking: who is there.

use serde::Serialize;
use utoipa::ToSchema;

use super::ApiError;
use crate::auth::AsReader;

/// The person that a credential stands for.
#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    /// The principal, such as `user:ann@example.com`.
    user: String,
}

/// Say who is asking. A page that names this person in the header `Vouch-Reader`, percent-encoded,
/// gets 409 `another_person` instead of anything that belongs to somebody else.
#[utoipa::path(get, path = "/v1/me",
    responses((status = 200, body = Me), (status = "default", body = ApiError)))]
pub(super) async fn me(AsReader(reader): AsReader) -> axum::Json<Me> {
    axum::Json(Me { user: reader.principal().to_string() })
}
