//! What Vouch says in Slack besides answers: why there is none, whom to ask, and what to do instead.

use super::people::Outsider;
use crate::answer::{Answer, called};
use crate::app::App;
use crate::http::ApiError;

/// To whoever gave a command, until there is an answer.
pub(crate) const LOOKING: &str = "I am looking it up…";
/// There is no room for a question.
pub(crate) const BUSY: &str =
    "I am busy: too many questions are waiting. Please ask again in a minute.";
/// A command from another workspace.
pub(crate) const ELSEWHERE: &str =
    "I answer in another workspace. Please ask your administrator how to reach me.";
/// To whoever asks nothing.
pub(crate) const HELP: &str = "Ask me a question about our documents, and I will answer with the places \
    where it stands. In a channel, mention me; what only you may read I show to you alone.";
/// Something was being sent when Vouch ended, and nobody knows whether it arrived.
pub(super) const INTERRUPTED: &str =
    "I was interrupted while I answered you. If you see no answer, please ask again.";
/// A right, a version or a channel's members changed between the question and the answer.
pub(super) const CHANGED: &str =
    "What may be shown here has changed while I was writing. Please ask again.";
/// Above an answer for the asker, since others in the channel lack a right.
pub(super) const NOT_FOR_ALL: &str =
    "Only you can see this: not everybody in this channel may read where it stands.";
/// Above an answer for the asker, since somebody in the channel is no reader.
pub(super) const NOT_ALL_READ: &str =
    "Only you can see this: somebody in this channel may not read our documents.";
/// Above an answer for the asker, since nobody knows who hears it.
pub(super) const NOT_ALL_KNOWN: &str =
    "Only you can see this: I can't tell who is in this channel.";
/// A verdict on an answer is kept.
pub(super) const KEPT: &str = "Thank you. It is kept with the answer.";
/// A verdict of somebody who did not ask.
pub(super) const NOT_YOURS: &str = "Only whoever asked can say whether the answer was right.";

/// Whether somebody wants to know what can be asked, and asks nothing.
pub(crate) fn asks_for_help(question: &str) -> bool {
    question.is_empty() || question.eq_ignore_ascii_case("help")
}

/// Why there is no answer.
pub(super) fn sorry(error: &ApiError) -> String {
    format!("I could not answer: {error}.")
}

/// That Slack does not do what an answer needs.
pub(super) fn given_up(app: &App) -> String {
    let whom = ask_whom(app, "if it happens again");
    format!("I could not answer: Slack does not do what I need for it. {whom}")
}

/// That a question is too long.
pub(super) fn too_long(most: u64) -> String {
    format!("Your question is too long; {most} bytes are the most.")
}

/// That nobody is answered now.
pub(super) fn stopped(app: &App) -> String {
    format!("The assistant is stopped. {}", ask_whom(app, "when it goes on"))
}

/// That nothing was found, and whom to ask.
pub(super) fn nothing(answer: &Answer, who: &str) -> String {
    let contact = answer.contact.as_deref().map(called);
    let ask = contact.map(|contact| format!(" You could ask {contact}.")).unwrap_or_default();
    format!("I found nothing that {who} may read and that answers this.{ask}")
}

/// Why somebody gets no answer, and whom to ask.
pub(super) fn refusal(app: &App, why: Outsider) -> String {
    let reason = match why {
        Outsider::Guest => "I answer full members of this workspace alone, and you are its guest.",
        Outsider::Stranger => {
            "I answer members of this company's workspace alone, and you belong to another one."
        }
        Outsider::NoMail => {
            "I know people by the e-mail that they have confirmed in Slack, and see none of yours."
        }
        Outsider::Unknown => "I don't know you yet: nobody has given you access.",
        Outsider::Blocked => "You are blocked and can't ask.",
    };
    format!("{reason} {}", ask_whom(app, "if you need access"))
}

/// Whom to ask, in the words of the settings.
fn ask_whom(app: &App, when: &str) -> String {
    match app.config.sources.contact.as_deref().map(called) {
        Some(contact) => format!("Please ask {contact} {when}."),
        None => format!("Please ask an administrator of Vouch {when}."),
    }
}
