//! Who is shut out, and whether anybody is answered.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Redirect;
use maud::{Markup, html};
use serde::Deserialize;
use vouch_index::ledger::{Stopped, UserInfo};

use super::pieces::{ago, counted, empty, filled, finder, fits, id, query, say, state};
use super::{After, Done, Frame, then};
use crate::app::App;
use crate::auth::{AsAdministrator, AsAnybody};
use crate::http::ApiError;
use crate::http::control::{self, StopBody, UserAct, UserBody, known};
use crate::http::extract::{Form, Json, Query};

/// People on the page.
const LISTED: usize = 500;

/// Everybody whom Vouch knows.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    _administrator: AsAdministrator,
    AsAnybody(caller): AsAnybody,
    Query(after): Query<After>,
) -> Result<Markup, ApiError> {
    app.blocking(move |app| {
        let users = known(app)?;
        let stopped = app.ledger.stopped()?;
        let frame = Frame::of(app, &caller, "/admin/people")?.after(&after);
        let body = html! {
            h1 { "People" }
            p.lead { "Those whom a group names, who signed in, or who hold a key. A block counts from the next question." }
            section { h2 { "The whole assistant" } (whole(stopped.as_ref())) }
            section { h2 { "Block somebody" } (block()) }
            section { h2 { (counted(users.len(), "person", "people")) } (table(&users, &after.find)) }
        };
        Ok(frame.around("People", &body))
    })
    .await
}

fn whole(stopped: Option<&Stopped>) -> Markup {
    html! {
        @if let Some(stopped) = stopped {
            div.notice.bad {
                p { strong { "Stopped: " } (say(&stopped.why)) " " span.soft { "by " (id(&stopped.by)) ", " (ago(&stopped.at)) } }
                form method="post" action="/admin/start" { button { "Start it again" } }
            }
        } @else {
            details.act {
                summary { "Stop it for everybody" }
                form method="post" action="/admin/stop" {
                    p.soft { "From the next question on nobody is shown anything, until somebody starts it again." }
                    label { "Why" input name="why" required maxlength="500"; }
                    label { "Until, if it ends by itself" input name="until" placeholder="2h, 7d or empty" maxlength="40"; }
                    button.danger { "Stop the assistant" }
                }
            }
        }
    }
}

fn block() -> Markup {
    html! {
        form.filters method="post" action="/admin/users" {
            label { "User" input name="user" required placeholder="user:maria@example.com"; }
            label { "Why" input name="why" required maxlength="500"; }
            label { "Until, if it ends by itself" input name="until" placeholder="2h, 7d or empty" maxlength="40"; }
            button name="act" value="block" { "Block" }
        }
    }
}

fn table(users: &[UserInfo], find: &str) -> Markup {
    let found: Vec<_> = users.iter().filter(|user| fits(&user.user.to_string(), find)).collect();
    html! {
        (finder("/admin/people", "Part of a name", find, users.len() > LISTED))
        @if users.is_empty() { (empty("Nobody is known yet.")) }
        @else if found.is_empty() { (empty("No name holds that.")) }
        @else {
            div.wide tabindex="0" role="region" aria-label="People" {
                table {
                    thead { tr {
                        th scope="col" { "Person, with their groups" } th scope="col" { "What you can do" }
                    } }
                    tbody { @for user in found.iter().take(LISTED) { (row(user)) } }
                }
            }
        }
    }
}

fn row(user: &UserInfo) -> Markup {
    let name = user.user.to_string();
    html! {
        tr {
            th scope="row" {
                (id(&name))
                @if let Some(blocked) = &user.blocked {
                    " " (state("blocked"))
                    p { (say(&blocked.why)) " " span.soft { "by " (id(&blocked.by)) ", " (ago(&blocked.at)) } }
                }
                p { @for group in &user.groups { span.who-may { (say(group)) } " " } }
            }
            td {
                p.buttons {
                    a href={ "/admin/access?user=" (query(&name)) } { "What they see" span.unseen { ": " (say(&name)) } }
                    @if user.blocked.is_some() {
                        form method="post" action="/admin/users" {
                            input type="hidden" name="user" value=(name);
                            button name="act" value="unblock" { "Unblock" span.unseen { " " (say(&name)) } }
                        }
                    }
                }
            }
        }
    }
}

/// What the form says of a person.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    user: String,
    act: UserAct,
    why: Option<String>,
    until: Option<String>,
}

/// Blocks or unblocks somebody.
pub(super) async fn change(
    app: State<Arc<App>>,
    administrator: AsAdministrator,
    Form(change): Form<Change>,
) -> Result<Redirect, ApiError> {
    let Change { user, act, why, until } = change;
    let user = user.trim().to_owned();
    let body = UserBody { user, act, why: filled(why), until: filled(until) };
    let changed = control::change_user(app, administrator, Json(body)).await?;
    let done = match act {
        UserAct::Block if changed.0["known"] == false => Done::BlockedUnknown,
        UserAct::Block => Done::Blocked,
        UserAct::Unblock => Done::Unblocked,
        UserAct::Release => Done::Released,
    };
    then(Ok(()), "/admin/people", done)
}

/// Why, and until when.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stopping {
    why: String,
    until: Option<String>,
}

/// Stops the whole assistant.
pub(super) async fn stop(
    app: State<Arc<App>>,
    administrator: AsAdministrator,
    Form(stopping): Form<Stopping>,
) -> Result<Redirect, ApiError> {
    let body = StopBody { why: stopping.why, until: filled(stopping.until) };
    then(control::stop(app, administrator, Json(body)).await, "/admin/people", Done::Stopped)
}

/// Starts it again.
pub(super) async fn start(
    app: State<Arc<App>>,
    administrator: AsAdministrator,
) -> Result<Redirect, ApiError> {
    then(control::start(app, administrator).await, "/admin/people", Done::Started)
}
