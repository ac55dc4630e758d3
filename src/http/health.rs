//! Whether the process lives, and whether it can answer.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::ApiError;
use crate::app::App;

/// The process lives.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = Object)))]
pub(super) async fn healthz() -> Json<Value> {
    Json(json!({ "alive": true }))
}

/// Whether questions can be answered, and by what. 503 where the ledger can't be read. A server whose
/// assistant was stopped is ready all the same: a balancer that took it out would keep away those who
/// can start it.
#[utoipa::path(get, path = "/readyz",
    responses((status = 200, body = Object), (status = 503, body = Object)))]
pub(super) async fn readyz(State(app): State<Arc<App>>) -> (StatusCode, Json<Value>) {
    let looked = app.blocking(|app| Ok::<_, ApiError>((look(app), is_stopped(app)))).await;
    let ((ready, notes), stopped) =
        looked.unwrap_or_else(|error| ((false, vec![error.title]), false));
    let search = if notes.is_empty() { "words and meaning" } else { "words alone" };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({"ready": ready, "stopped": stopped, "search": search, "notes": notes});
    (status, Json(body))
}

/// Whether an administrator stopped the assistant. Why is not for everybody.
fn is_stopped(app: &App) -> bool {
    app.ledger.stopped().is_ok_and(|stopped| stopped.is_some())
}

/// Whether the ledger answers, and why words alone are searched, where that is so.
pub(super) fn look(app: &App) -> (bool, Vec<String>) {
    let live = app.live();
    let mut notes = Vec::new();
    notes.extend(live.note.clone());
    notes.extend(app.model_note().map(str::to_owned).filter(|_| live.note.is_some()));
    if let Some(Err(error)) = live.generation.vectors.as_ref().map(|vectors| vectors.check()) {
        notes.push(format!("the vector store does not answer: {error}"));
    }
    (app.ledger.last_change().is_ok(), notes)
}
