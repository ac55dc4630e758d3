//! The admin pages: what administrators, owners, approvers and auditors look at every day.
//!
//! Rendered here, complete without a script. A page decides nothing: it calls what the API's handler of
//! the same name calls, with the caller that the same extractor let in, so a page refuses what the API
//! refuses and shows no more. Identifiers, counts and reasons are all there is on them, but for two:
//! an approver opens the text of their source (`approvals.rs`), and auditors read questions and
//! sentences (`audit.rs`), both as the API does.

mod access;
mod approvals;
mod audit;
mod difference;
mod document;
mod generations;
mod overview;
mod people;
mod pieces;
mod source;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{DOCTYPE, Markup, html};
use serde::{Deserialize, Serialize};

use super::ApiError;
use super::approvals::Queue;
use super::pages;
use super::policy::{Policy, Routes};
use super::sources::answers_for;
use super::viewer::readable;
use crate::app::App;
use crate::auth::{Caller, signin};

/// Adds the admin pages and what their forms send.
pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .page(Policy::Anybody, "/admin", overview::overview)
        .page(Policy::Anybody, "/admin/sources", overview::sources)
        .page(Policy::ItsKeepers, "/admin/sources/{id}", source::show)
        .form(Policy::ItsOwner, "/admin/sources/{id}/sync", source::sync)
        .form(Policy::ItsOwner, "/admin/sources/{id}/pause", source::pause)
        .form(Policy::ItsOwner, "/admin/sources/{id}/resume", source::resume)
        .form(Policy::ItsOwner, "/admin/sources/{id}/revoke", source::revoke)
        .page(Policy::ItsKeepers, "/admin/documents/{source}/{*path}", document::inspect)
        .page(Policy::Anybody, "/admin/approvals", approvals::queue)
        .form(Policy::ItsApprover, "/admin/approvals", approvals::decide)
        .page(Policy::ItsApproverAlone, "/admin/approvals/{source}/{*path}", approvals::open)
        .page(Policy::ItsOverseers, "/admin/access", access::explain)
        .page(Policy::Auditor, "/admin/audit", audit::records)
        .page(Policy::Auditor, "/admin/audit/verify", audit::verify)
        .page(Policy::Auditor, "/admin/questions", audit::questions)
        .page(Policy::Administrator, "/admin/generations", generations::list)
        .form(Policy::Administrator, "/admin/reindex", generations::reindex)
        .form(Policy::Administrator, "/admin/rollback", generations::rollback)
        .page(Policy::Administrator, "/admin/people", people::list)
        .form(Policy::Administrator, "/admin/users", people::change)
        .form(Policy::Administrator, "/admin/stop", people::stop)
        .form(Policy::Administrator, "/admin/start", people::start)
}

/// Speaks to people: who opens an admin page in a browser gets a refusal in words, or is sent to sign in.
/// Programs get the problem document.
pub(super) async fn in_words(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if path != "/admin" && !path.starts_with("/admin/") {
        return next.run(request).await;
    }
    let accepts = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let person = accepts.is_some_and(|accept| accept.contains("text/html"));
    let here = request.uri().path_and_query().map_or("/admin", |here| here.as_str()).to_owned();
    let here = if request.method().is_safe() { here } else { "/admin".to_owned() };
    let mut response = next.run(request).await;
    if let Some(error) = response.extensions().get::<ApiError>().cloned().filter(|_| person) {
        response = if error.is_unauthorized() && signin::is_offered(&app) {
            Redirect::to(&signin::address(&here)).into_response()
        } else {
            let way = if error.is_unauthorized() {
                pages::FIRST_PAGE
            } else {
                ("/admin", "The admin pages")
            };
            pages::problem_page(&error, way)
        };
    }
    response
}

/// Where a browser goes once something is done: the page says what was done, and how it stands then.
fn then<T>(result: Result<T, ApiError>, place: &str, done: Done) -> Result<Redirect, ApiError> {
    let name = serde_json::to_value(done).unwrap_or_default();
    let name = name.as_str().unwrap_or_default();
    result.map(|_| Redirect::to(&format!("{place}?done={name}")))
}

/// What a form did. The next page's address names it, and the page says it, to ears as well.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Done {
    Approved,
    Rejected,
    Withdrawn,
    Reading,
    Paused,
    Resumed,
    Revoked,
    Blocked,
    BlockedUnknown,
    Unblocked,
    Released,
    Stopped,
    Started,
    Building,
    Back,
}

impl Done {
    fn says(self) -> &'static str {
        match self {
            Self::Approved => "Approved. It counts from the next question on.",
            Self::Rejected => "Rejected. What counted before goes on counting.",
            Self::Withdrawn => "Withdrawn. From the next question on it is not found.",
            Self::Reading => "The folder is being read.",
            Self::Paused => "Paused. From the next question on nothing of it is found.",
            Self::Resumed => "It answers again, from the next question on.",
            Self::Revoked => "Revoked, for good. Nothing of it is found any more.",
            Self::Blocked => "Blocked. It counts from the next question on.",
            Self::BlockedUnknown => {
                "Blocked, but nobody was known under this name yet. Look whether it is written as it should be."
            }
            Self::Unblocked => "No longer blocked.",
            Self::Released => "Released. The next sign-in under this name counts.",
            Self::Stopped => "The assistant is stopped. Nobody is shown anything.",
            Self::Started => "The assistant answers again.",
            Self::Building => {
                "Another generation is being built. It takes over when it is complete."
            }
            Self::Back => "The earlier generation answers.",
        }
    }
}

/// What the address of a page says besides its place.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct After {
    /// What a form has just done.
    done: Option<Done>,
    /// What is looked for in a long list.
    #[serde(default)]
    find: String,
}

/// What is around every admin page: who looks, what they may open, and where they are.
pub(super) struct Frame {
    /// Who looks, as the server knows them: the script compares it.
    person: String,
    who: String,
    here: &'static str,
    keeps: bool,
    audits: bool,
    administers: bool,
    /// What waits for them.
    queue: Queue,
    done: Option<Done>,
}

impl Frame {
    /// The frame of a page for this caller.
    fn of(app: &App, caller: &Caller, here: &'static str) -> Result<Self, ApiError> {
        let administers = caller.actor.administrator;
        let sources = app.ledger.sources()?;
        let keeps = administers || sources.iter().any(|source| answers_for(caller, source));
        Ok(Self {
            person: caller.actor.name.clone(),
            who: readable(&pages::name(app, &caller.actor.name)?),
            here,
            keeps,
            audits: caller.auditor || administers,
            administers,
            queue: super::approvals::queue(app, caller, None)?,
            done: None,
        })
    }

    /// The same, with what was just done.
    fn after(self, after: &After) -> Self {
        Self { done: after.done, ..self }
    }

    /// The places that this caller may open.
    fn places(&self) -> Vec<(&'static str, &'static str)> {
        let all = [
            (true, "/admin", "Overview"),
            (self.keeps, "/admin/sources", "Sources"),
            (self.keeps, "/admin/approvals", "Approvals"),
            (self.keeps || self.audits, "/admin/access", "Access"),
            (self.audits, "/admin/audit", "Audit"),
            (self.audits, "/admin/questions", "Questions"),
            (self.administers, "/admin/generations", "Index"),
            (self.administers, "/admin/people", "People"),
        ];
        let open = all.into_iter().filter(|(open, _, _)| *open);
        open.map(|(_, place, name)| (place, name)).collect()
    }

    /// The whole page.
    fn around(&self, title: &str, body: &Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                (pages::head(&readable(title), "admin"))
                body data-person=(self.person) {
                    a.skip href="#main" { "Go to the content" }
                    header.bar {
                        div.bar-inner {
                            a.brand href="/admin" {
                                img src="/static/favicon.svg" width="26" height="26" alt="";
                                span { "Vouch " span.soft { "Admin" } }
                            }
                            p.who {
                                span { "You are " strong { (self.who) } }
                                a href="/" { "Ask" }
                                a href="/signout" { "Sign out" }
                            }
                        }
                        nav aria-label="Admin pages" {
                            ul {
                                @for (place, name) in self.places() {
                                    li {
                                        a href=(place) aria-current=[(place == self.here).then_some("page")] {
                                            (name)
                                            @if place == "/admin/approvals" && self.queue.len() > 0 {
                                                " " span.count { (self.queue.len()) span.unseen { " waiting" } }
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                    main #main tabindex="-1" {
                        @if let Some(done) = self.done {
                            p.notice.good #done role="status" tabindex="-1" autofocus { (done.says()) }
                        }
                        (body)
                    }
                }
            }
        }
    }
}
