//! Pushing documents: the bytes go to disk, then the ledger takes note, then it is acknowledged.

use std::io::ErrorKind;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use axum::Json;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::http::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use utoipa::ToSchema;
use vouch_index::ledger::Pushed;
use vouch_index::{DocumentId, FileKind, Layer};

use super::ApiError;
use super::extract::{Path, bad_path, new_document_id};
use super::metadata::Metadata;
use crate::app::App;
use crate::auth::AsAnybody;

/// The longest metadata, in bytes.
const METADATA_BYTES: usize = 64 * 1024;
/// What a form may hold besides its file and metadata: its boundaries and headers.
const FORM_BYTES: usize = 64 * 1024;

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

/// A file that lies in the folder of incoming files. It is removed again, however the request ends,
/// unless a job that waits for it keeps it.
struct Landed {
    folder: PathBuf,
    name: String,
    hash: String,
    kind: FileKind,
    kept: bool,
}

impl Landed {
    fn file(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for Landed {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        match std::fs::remove_file(self.file()) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(%error, file = %self.file().display(), "a refused file can't be removed");
            }
            Ok(()) | Err(_) => {}
        }
    }
}

/// Push a document. It is durable when this answers; extraction follows.
#[utoipa::path(put, path = "/v1/admin/sources/{id}/documents/{*path}",
    params(("id" = String, Path), ("path" = String, Path)),
    request_body(content = PushBody, content_type = "multipart/form-data"),
    responses((status = 202, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn put(
    State(app): State<Arc<App>>,
    AsAnybody(caller): AsAnybody,
    path: Result<Path<(String, String)>, ApiError>,
    mut request: Request,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let Path((id, path)) = path.map_err(|_| bad_path("the path is not UTF-8"))?;
    let actor = caller.pusher(&id)?;
    let document = new_document_id((id, path))?;
    largest(&app).apply(&mut request);
    let form = Multipart::from_request(request, &app).await;
    let form = form.map_err(|error| bad_form(&error.body_text()))?;
    let (metadata, mut landed) = receive(&app, &document, form).await?;
    let answer = json!({
        "document": document.to_string(), "version": landed.hash, "state": "queued",
    });
    // The file goes along: whoever hangs up now must not take it away from a job that is written.
    app.blocking(move |app| {
        let pushed = pushed(&document, metadata, &landed, &actor.name);
        app.ledger.push(&document.source, &pushed, &actor)?;
        landed.keep();
        Ok::<_, ApiError>(())
    })
    .await?;
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

/// The body is not limited like that of other routes; [`largest`] limits it.
pub(super) fn unlimited() -> DefaultBodyLimit {
    DefaultBodyLimit::disable()
}

/// The body may be as large as the largest file with its metadata.
fn largest(app: &App) -> DefaultBodyLimit {
    let file = usize::try_from(app.config.limits.upload_bytes).unwrap_or(usize::MAX);
    DefaultBodyLimit::max(file.saturating_add(METADATA_BYTES + FORM_BYTES))
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
    // Whatever it is called: a document that got a bad name once can be deleted under it.
    let document = DocumentId { source: id, path };
    let name = document.to_string();
    let deleted = app
        .blocking(move |app| {
            let deleted = app.ledger.delete_pushed(&document, &actor)?;
            for name in app.ledger.forsaken_files(&document)? {
                // Most are gone already. One that stays is removed at the next start.
                drop(std::fs::remove_file(app.incoming().join(name)));
            }
            Ok::<_, ApiError>(deleted)
        })
        .await?;
    if !deleted {
        return Err(ApiError::not_found());
    }
    Ok(Json(json!({"document": name, "state": "deleted"})))
}

/// Reads the form: the file streams to disk while it is hashed. Nothing else may be large.
async fn receive(
    app: &Arc<App>,
    document: &DocumentId,
    mut form: Multipart,
) -> Result<(Metadata, Landed), ApiError> {
    let (mut metadata, mut landed) = (None, None);
    while let Some(field) = form.next_field().await.map_err(|error| unread(app, &error))? {
        match field.name() {
            Some("metadata") if metadata.is_none() => {
                metadata = Some(Metadata::read(&short(app, field).await?)?);
            }
            Some("file") if landed.is_none() => landed = Some(land(app, document, field).await?),
            Some(name @ ("metadata" | "file")) => {
                return Err(bad_form(&format!("it has more than one part `{name}`")));
            }
            Some(_) | None => return Err(bad_form("it has a part that is neither of the two")),
        }
    }
    let landed = landed.ok_or_else(|| bad_form("there is no part `file`"))?;
    Ok((metadata.unwrap_or_default(), landed))
}

/// The text of a part that must be short.
async fn short(app: &App, mut field: Field<'_>) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(more) = field.chunk().await.map_err(|error| unread(app, &error))? {
        if bytes.len() + more.len() > METADATA_BYTES {
            return Err(ApiError::too_large(
                "metadata_too_large",
                format!("`metadata` has more than {METADATA_BYTES} bytes"),
                "it is for a title and a few facts; the text belongs into the file",
            ));
        }
        bytes.extend_from_slice(&more);
    }
    String::from_utf8(bytes).map_err(|_| bad_form("`metadata` is not UTF-8"))
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
    let hash = String::new();
    let mut landed = Landed { folder: app.incoming(), name, hash, kind, kept: false };
    landed.hash = write(app, &landed.file(), &mut field).await?;
    Ok(landed)
}

async fn write(app: &App, path: &FilePath, field: &mut Field<'_>) -> Result<String, ApiError> {
    let limit = app.config.limits.upload_bytes;
    let mut file = tokio::fs::File::create(path).await.context("an incoming file can't be made")?;
    let (mut hash, mut size) = (Sha256::new(), 0u64);
    while let Some(bytes) = field.chunk().await.map_err(|error| unread(app, &error))? {
        size += bytes.len() as u64;
        if size > limit {
            return Err(file_too_large(app));
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
        owner: metadata.owner.map(|owner| owner.to_string()),
        modified_at: metadata.modified_at,
        language: metadata.language,
        access: metadata.access.map(Layer::from),
        brought_by: by.to_owned(),
        incoming: landed.name.clone(),
    }
}

fn file_too_large(app: &App) -> ApiError {
    ApiError::too_large(
        "file_too_large",
        format!("the file has more than {} bytes", app.config.limits.upload_bytes),
        "split it, or let an administrator raise limits.upload_bytes",
    )
}

/// The form ended early, or is larger than the largest file allows.
fn unread(app: &App, error: &MultipartError) -> ApiError {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => file_too_large(app),
        _ => bad_form(&error.body_text()),
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
