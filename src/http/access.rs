//! Why somebody may see a document, or may not: for administrators and auditors of everything, for
//! owners and approvers of their sources. For everybody else there is nothing here.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json as Out;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::IntoParams;
use vouch_index::DocumentId;
use vouch_index::ledger::{Explanation, Overview};

use super::ApiError;
use super::control::{bare_user, known};
use super::extract::Query;
use super::sources::answers_for;
use crate::app::App;
use crate::auth::{AsAnybody, Caller};

/// About whom and what.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct About {
    /// The user, with or without `user:`.
    user: String,
    /// The document; without it, how much of each source the user may see, in numbers.
    document: Option<String>,
    /// A group that only the user's token names. May be given several times.
    group: Vec<String>,
}

impl About {
    /// Reads the parameters; serde's form of a query knows none that come several times.
    fn read(pairs: Vec<(String, String)>) -> Result<Self, ApiError> {
        let refused = |title: String| {
            let hint = "give `user`, and perhaps `document` and `group`; /openapi.json says more";
            ApiError::new(StatusCode::BAD_REQUEST, "bad_query", title, hint)
        };
        let (mut user, mut document, mut group) = (None, None, Vec::new());
        for (key, value) in pairs {
            match key.as_str() {
                "user" if user.is_none() => user = Some(bare_user(&value)?),
                "document" if document.is_none() => document = Some(value),
                "group" => group.push(value.strip_prefix("group:").unwrap_or(&value).to_owned()),
                _ => return Err(refused(format!("`{key}` is unknown here, or given twice"))),
            }
        }
        let user = user.ok_or_else(|| refused("it does not say which user".to_owned()))?;
        Ok(Self { user, document, group })
    }
}

/// Say why a user may see a document, or may not: every condition with what would change it, and no
/// content. Without a document, how much of each source the user may see. It is audited.
#[utoipa::path(get, path = "/v1/admin/access/explain", params(About),
    responses((status = 200, body = Object), (status = "default", body = ApiError)))]
pub(super) async fn explain(
    State(app): State<Arc<App>>,
    AsAnybody(caller): AsAnybody,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Out<Value>, ApiError> {
    let explained = move |app: &App| Ok::<_, ApiError>(json!(explained(app, &caller, pairs)?));
    Ok(Out(app.blocking(explained).await?))
}

/// What can be said.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Explained {
    /// Of one document.
    Document(Explanation),
    /// Of each source, in numbers.
    Overview {
        /// The numbers.
        #[serde(flatten)]
        overview: Overview,
        /// Whether anybody is known under this name.
        known: bool,
    },
}

/// Explains what these parameters ask.
pub(super) fn explained(
    app: &App,
    caller: &Caller,
    pairs: Vec<(String, String)>,
) -> Result<Explained, ApiError> {
    let sources = overseen(app, caller)?;
    let about = About::read(pairs)?;
    if let Some(directory) = &app.directory {
        // An edit of the people file counts from the next query on, and from this one too.
        directory.people(&app.ledger)?;
    }
    let whom = (about.user.as_str(), about.group.as_slice());
    let Some(document) = &about.document else {
        let overview = app.ledger.explain_all(whom, sources.as_ref(), &caller.actor)?;
        let known = known(app)?.iter().any(|person| person.user == overview.user);
        return Ok(Explained::Overview { overview, known });
    };
    let id = DocumentId::parse(document).ok_or_else(ApiError::not_found)?;
    if sources.is_some_and(|sources| !sources.contains(&id.source)) {
        return Err(ApiError::not_found());
    }
    Ok(Explained::Document(app.ledger.explain(whom, &id, &caller.actor)?))
}

/// The sources that the caller answers for; none: all of them. For whoever answers for nothing this
/// address is missing.
pub(super) fn overseen(app: &App, caller: &Caller) -> Result<Option<BTreeSet<String>>, ApiError> {
    if caller.auditor || caller.actor.administrator {
        return Ok(None);
    }
    let own = app.ledger.sources()?.into_iter().filter(|source| answers_for(caller, source));
    let own: BTreeSet<String> = own.map(|source| source.spec.id).collect();
    if own.is_empty() { Err(ApiError::not_found()) } else { Ok(Some(own)) }
}
