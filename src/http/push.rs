//! Pushing documents: the bytes go to disk, then the ledger takes note, then it is acknowledged.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use axum::Json;
use axum::extract::multipart::{Field, MultipartRejection};
use axum::extract::{DefaultBodyLimit, Multipart, Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use utoipa::ToSchema;
use vouch_index::ledger::Pushed;
use vouch_index::{DocumentId, FileKind, Layer};

use super::ApiError;
use super::extract::document_id;
use crate::app::App;
use crate::auth::AsAnybody;

/// What a push says of a document besides its bytes.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Metadata {
    title: Option<String>,
    uri: Option<String>,
    owner: Option<String>,
    /// RFC 3339.
    modified_at: Option<String>,
    /// Two letters.
    language: Option<String>,
    /// `allow` and `deny`; absent adds no layer.
    #[schema(value_type = Object)]
    access: Option<Layer>,
}

/// The parts of a push.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form for /openapi.json; the parts are read one by one")]
struct PushBody {
    /// JSON.
    metadata: Option<Metadata>,
    /// The file.
    #[schema(format = Binary, value_type = String)]
    file: String,
}

/// A file that lies in the folder of incoming files.
struct Landed {
    name: String,
    hash: String,
    kind: FileKind,
}

/// Push a document. It is durable when this answers; extraction follows.
#[utoipa::path(put, path = "/v1/admin/sources/{id}/documents/{*path}",
    params(("id" = String, Path), ("path" = String, Path)),
    request_body(content = PushBody, content_type = "multipart/form-data"),
    responses((status = 202, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn put(
    State(app): State<Arc<App>>,
    AsAnybody(caller): AsAnybody,
    Path((id, path)): Path<(String, String)>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let actor = caller.pusher(&id)?;
    let document = document_id(id, path)?;
    let form = form.map_err(|error| bad_form(&error.body_text()))?;
    let (metadata, landed) = receive(&app, &document, form).await?;
    let pushed = pushed(&document, metadata, &landed, &actor.name);
    let kept = app
        .blocking({
            let source = document.source.clone();
            move |app| app.ledger.push(&source, &pushed, &actor)
        })
        .await;
    if kept.is_err() {
        drop(tokio::fs::remove_file(app.incoming().join(&landed.name)).await);
    }
    kept?;
    let answer = json!({
        "document": document.to_string(), "version": landed.hash, "state": "queued",
    });
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

/// The body may be as large as the largest file; how large that is, `receive` counts.
pub(super) fn unlimited() -> DefaultBodyLimit {
    DefaultBodyLimit::disable()
}

/// Delete a pushed document. It is gone from the next query on.
#[utoipa::path(delete, path = "/v1/admin/sources/{id}/documents/{*path}",
    params(("id" = String, Path), ("path" = String, Path)),
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    AsAnybody(caller): AsAnybody,
    Path((id, path)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let actor = caller.pusher(&id)?;
    let document = document_id(id, path)?;
    let name = document.to_string();
    let deleted = app.blocking(move |app| app.ledger.delete_pushed(&document, &actor)).await?;
    if !deleted {
        return Err(ApiError::not_found());
    }
    Ok(Json(json!({"document": name, "state": "deleted"})))
}

/// Reads the form: the file streams to disk while it is hashed.
async fn receive(
    app: &Arc<App>,
    document: &DocumentId,
    mut form: Multipart,
) -> Result<(Metadata, Landed), ApiError> {
    let mut metadata = Metadata::default();
    let mut landed = None;
    while let Some(field) = form.next_field().await.map_err(|error| bad_form(&error.body_text()))? {
        match field.name() {
            Some("metadata") => {
                let text = field.text().await.map_err(|error| bad_form(&error.body_text()))?;
                metadata = read_metadata(&text)?;
            }
            Some("file") => landed = Some(land(app, document, field).await?),
            Some(_) | None => {}
        }
    }
    let landed = landed.ok_or_else(|| bad_form("there is no part `file`"))?;
    Ok((metadata, landed))
}

fn read_metadata(text: &str) -> Result<Metadata, ApiError> {
    let metadata: Metadata = serde_json::from_str(text).map_err(|error| {
        ApiError::invalid(
            "bad_metadata",
            format!("`metadata` can't be read: {error}"),
            "its keys are title, uri, owner, modified_at, language and access (allow, deny)",
        )
    })?;
    if let Some(time) = &metadata.modified_at {
        time.parse::<jiff::Timestamp>().map_err(|error| {
            ApiError::invalid(
                "bad_metadata",
                format!("`metadata.modified_at` is not a time: {error}"),
                "write it as RFC 3339, such as 2026-01-31T00:00:00Z",
            )
        })?;
    }
    Ok(metadata)
}

/// Writes a file into the folder of incoming files, on disk when this returns.
async fn land(
    app: &Arc<App>,
    document: &DocumentId,
    mut field: Field<'_>,
) -> Result<Landed, ApiError> {
    let plain = field.content_type().is_some_and(|kind| kind.starts_with("text/plain"));
    let kind = FileKind::of(&document.path)
        .or_else(|| FileKind::of(field.file_name()?))
        .or(plain.then_some(FileKind::Text))
        .ok_or_else(|| {
            ApiError::invalid(
                "unknown_format",
                format!("`{document}` has no ending that says its format"),
                "Vouch reads .md, .txt, .html, .pdf and .docx; end the path or the file name so",
            )
        })?;
    let name = ulid::Ulid::generate().to_string();
    let file = app.incoming().join(&name);
    match write(app, &file, &mut field).await {
        Ok(hash) => Ok(Landed { name, hash, kind }),
        Err(error) => {
            drop(tokio::fs::remove_file(&file).await);
            Err(error)
        }
    }
}

async fn write(app: &Arc<App>, path: &FilePath, field: &mut Field<'_>) -> Result<String, ApiError> {
    let limit = app.config.limits.upload_bytes;
    let mut file = tokio::fs::File::create(path).await.context("an incoming file can't be made")?;
    let (mut hash, mut size) = (Sha256::new(), 0u64);
    while let Some(bytes) = field.chunk().await.map_err(|error| bad_form(&error.body_text()))? {
        size += bytes.len() as u64;
        if size > limit {
            return Err(ApiError::too_large(
                "file_too_large",
                format!("the file has more than {limit} bytes"),
                "split it, or let an administrator raise limits.upload_bytes",
            ));
        }
        hash.update(&bytes);
        file.write_all(&bytes).await.context("an incoming file can't be written")?;
    }
    file.sync_all().await.context("an incoming file can't be written to disk")?;
    sync_folder(app.incoming()).await?;
    Ok(format!("sha256:{}", hex::encode(hash.finalize())))
}

/// A new file's name is on disk once its folder is.
async fn sync_folder(folder: PathBuf) -> anyhow::Result<()> {
    let folder =
        tokio::fs::File::open(&folder).await.context("the incoming folder can't be read")?;
    folder.sync_all().await.context("the incoming folder can't be written to disk")
}

fn pushed(document: &DocumentId, metadata: Metadata, landed: &Landed, by: &str) -> Pushed {
    Pushed {
        path: document.path.clone(),
        hash: landed.hash.clone(),
        kind: Some(landed.kind),
        title: metadata.title,
        uri: metadata.uri,
        owner: metadata.owner,
        modified_at: metadata.modified_at,
        language: metadata.language,
        access: metadata.access,
        brought_by: by.to_owned(),
        incoming: landed.name.clone(),
    }
}

fn bad_form(why: &str) -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "bad_form",
        format!("the form can't be read: {why}"),
        "send multipart/form-data with a part `file`, and a part `metadata` with JSON if you like",
    )
}
