//! One job, from who asks to what is posted.
//!
//! What is said aloud was looked up for everybody who hears it, and is decided once more at the last
//! moment, in the transaction that records who heard it. What only the asker may see goes to the asker
//! alone. Whatever happens, somebody who asked is told something: an answer, that there is none and
//! whom to ask, or the reason.
//!
//! A message in a channel can be looked for afterwards, a whisper can't. So the first is looked for
//! before it is sent again; the second is never sent again: whoever asked is told to ask anew.

use std::future::ready;
use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use vouch_index::ledger::SlackState;
use vouch_index::{DocumentId, Reader};

use super::api::{Place, Trouble};
use super::blocks::Message;
use super::channel::Hearing;
use super::events::{Job, Task};
use super::people::{Outsider, Standing, standings};
use super::{Failure, Slack};
use crate::answer::{Answer, Audience};
use crate::app::App;
use crate::http::{ApiError, Surface};
use crate::paths::ask::{self, Question};

const BUSY: &str = "I am busy: too many questions are waiting. Please ask again in a minute.";
const INTERRUPTED: &str =
    "I was interrupted while I answered you. If you see no answer, please ask again.";
const CHANGED: &str = "What may be shown here has changed while I was writing. Please ask again.";
const HELP: &str = "Ask me a question about our documents, and I will answer with the places where it \
    stands. What only you may read I show to you alone.";
const NOT_FOR_ALL: &str =
    "Only you can see this: not everybody in this channel may read where it stands.";
const NOT_ALL_READ: &str =
    "Only you can see this: somebody in this channel may not read our documents.";

/// Where a job lies while somebody works on it.
pub(super) struct Desk {
    pub(super) job: Job,
    /// How far it had come.
    pub(super) state: SlackState,
    /// Whether somebody may have worked on it before.
    pub(super) again: bool,
}

/// Those who ask and answer.
#[derive(Clone, Copy)]
struct With<'a> {
    app: &'a Arc<App>,
    slack: &'a Slack,
}

impl Desk {
    pub(super) fn new(job: Job) -> Self {
        Self { job, state: SlackState::Waiting, again: false }
    }

    /// Notes how far it has come.
    pub(super) async fn note(&mut self, app: &Arc<App>, state: SlackState) -> Result<(), ApiError> {
        let id = self.job.id.clone();
        app.blocking(move |app| Ok::<_, ApiError>(app.ledger.slack_set(&id, state)?)).await?;
        self.state = state;
        Ok(())
    }

    /// Does it.
    pub(super) async fn work(&mut self, app: &Arc<App>, slack: &Slack) -> Result<(), Failure> {
        let with = With { app, slack };
        if self.again && self.was_said(with).await? {
            return Ok(());
        }
        match self.state {
            SlackState::Done => return Ok(()),
            SlackState::Busy => return self.whisper(with, &Message::words(BUSY)).await,
            SlackState::Sending => {
                return self.whisper(with, &Message::words(INTERRUPTED)).await;
            }
            SlackState::Waiting => {}
        }
        let known = slack.people.known(&slack.api, &self.job.user).await?;
        let reader = match standings(app, vec![known]).await?.pop() {
            Some(Standing::Reader(reader)) => reader,
            Some(Standing::Outsider(why)) => {
                return self.whisper(with, &Message::words(&refusal(app, why))).await;
            }
            Some(Standing::Stopped) => {
                let words =
                    format!("The assistant is stopped. {}", ask_whom(app, "try again later"));
                return self.whisper(with, &Message::words(&words)).await;
            }
            Some(Standing::Nobody) | None => return Ok(()),
        };
        // Who asks in Slack takes a turn like everybody else, for as long as it is worked on.
        let _turn = match app.limits.turn(&reader.principal().to_string()) {
            Ok(turn) => turn,
            Err(error) => return self.whisper(with, &Message::words(&sorry(&error))).await,
        };
        match self.job.task.clone() {
            Task::Verdict { answer, right, .. } => {
                self.verdict(with, &reader, (answer, right)).await
            }
            Task::InChannel { question, .. } => self.in_channel(with, reader, &question).await,
            Task::Direct { question, .. } | Task::Command { question, .. } => {
                self.alone(with, &reader, (&question, None)).await
            }
        }
    }

    /// Answers for everybody in the channel to hear, as far as all of them may.
    async fn in_channel(
        &mut self,
        with: With<'_>,
        reader: Reader,
        question: &str,
    ) -> Result<(), Failure> {
        let Hearing::Readers(hearers) = self.hearing(with).await? else {
            return self.alone(with, &reader, (question, Some(NOT_ALL_READ))).await;
        };
        let aloud = reader.clone().heard_by(hearers);
        let answer = match answer(with, &aloud, question).await {
            Ok(answer) => answer,
            Err(why) => return self.whisper(with, &Message::words(&why)).await,
        };
        if answer.outcome != "answered" {
            return self.beyond(with, (reader, aloud), (question, &answer)).await;
        }
        // Somebody may have joined, or lost a right, while it was written.
        let Hearing::Readers(hearers) = self.hearing(with).await? else {
            return self.whisper(with, &Message::words(CHANGED)).await;
        };
        if !may_be_shown(with, &reader.heard_by(hearers), &answer).await? {
            return self.whisper(with, &Message::words(CHANGED)).await;
        }
        let message = Message::answer(&answer, &with.app.config.public_url(), None);
        self.say(with, &message).await
    }

    /// What the asker alone may see, where there is nothing for everybody.
    async fn beyond(
        &mut self,
        with: With<'_>,
        (reader, aloud): (Reader, Reader),
        (question, common): (&str, &Answer),
    ) -> Result<(), Failure> {
        let alone = reader.clone();
        let more = with.app.blocking(move |app| {
            let (own, all) = (app.ledger.clearance(&alone)?, app.ledger.clearance(&aloud)?);
            Ok::<_, ApiError>(own.len() > all.len())
        });
        if more.await?
            && let Ok(own) = answer(with, &reader, question).await
            && own.outcome == "answered"
        {
            return self.show(with, &reader, (&own, Some(NOT_FOR_ALL))).await;
        }
        let nothing = nothing(common, "everybody in this channel");
        self.say(with, &Message::words(&nothing)).await
    }

    /// Answers to the asker and nobody else.
    async fn alone(
        &mut self,
        with: With<'_>,
        reader: &Reader,
        (question, aside): (&str, Option<&str>),
    ) -> Result<(), Failure> {
        match answer(with, reader, question).await {
            Ok(answer) if answer.outcome == "answered" => {
                self.show(with, reader, (&answer, aside)).await
            }
            Ok(answer) => self.whisper(with, &Message::words(&nothing(&answer, "you"))).await,
            Err(why) => self.whisper(with, &Message::words(&why)).await,
        }
    }

    /// Shows an answer to the asker, if they may still see it.
    async fn show(
        &mut self,
        with: With<'_>,
        reader: &Reader,
        (answer, aside): (&Answer, Option<&str>),
    ) -> Result<(), Failure> {
        let message = if may_be_shown(with, reader, answer).await? {
            Message::answer(answer, &with.app.config.public_url(), aside)
        } else {
            Message::words(CHANGED)
        };
        self.whisper(with, &message).await
    }

    /// Keeps what the asker says of an answer.
    async fn verdict(
        &mut self,
        with: With<'_>,
        reader: &Reader,
        (answer, right): (String, bool),
    ) -> Result<(), Failure> {
        let user = reader.principal().to_string();
        let verdict = if right { "right" } else { "wrong" };
        let kept = with.app.blocking(move |app| {
            Ok::<_, ApiError>(app.ledger.feedback(&answer, &user, verdict, None)?)
        });
        let words = if kept.await? {
            "Thank you. It is kept with the answer."
        } else {
            "Only whoever asked can say whether the answer was right."
        };
        self.whisper(with, &Message::words(words)).await
    }

    /// Who hears what is said in the job's channel.
    async fn hearing(&self, With { app, slack }: With<'_>) -> Result<Hearing, Failure> {
        let asked = (&slack.api, &slack.people);
        match slack.channels.hearing(app, asked, &self.job.channel).await {
            Err(Failure::Slack(Trouble::Refused(why))) => {
                tracing::warn!(why, "Slack does not tell who is in a channel");
                Ok(Hearing::Others)
            }
            hearing => hearing,
        }
    }

    fn place(&self) -> Place<'_> {
        Place { channel: &self.job.channel, thread: self.job.task.thread() }
    }

    /// Whether Vouch has said something for this job that can be found.
    async fn was_said(&self, With { slack, .. }: With<'_>) -> Result<bool, Failure> {
        match self.job.task {
            Task::InChannel { .. } | Task::Direct { .. } => {
                match slack.api.has_said(self.place(), &self.job.ts, &self.job.id).await {
                    // Where nothing can be read nothing can be said either; then they are told alone.
                    Err(Trouble::Refused(_)) => Ok(false),
                    said => Ok(said?),
                }
            }
            Task::Command { .. } | Task::Verdict { .. } => Ok(false),
        }
    }

    /// Says something where it was asked.
    async fn say(&mut self, with: With<'_>, message: &Message) -> Result<(), Failure> {
        let api = &with.slack.api;
        match api.say(self.place(), message, &self.job.id).await {
            Err(Trouble::Refused(why)) => {
                tracing::warn!(why, "a channel takes no answer; the asker gets it");
                self.note(with.app, SlackState::Sending).await?;
                let direct = Place { channel: &self.job.user, thread: "" };
                Ok(api.say(direct, message, &self.job.id).await?)
            }
            said => Ok(said?),
        }
    }

    /// Tells the asker and nobody else.
    async fn whisper(&mut self, with: With<'_>, message: &Message) -> Result<(), Failure> {
        let api = &with.slack.api;
        if let Task::Direct { .. } = self.job.task {
            return self.say(with, message).await;
        }
        self.note(with.app, SlackState::Sending).await?;
        let told = match &self.job.task {
            Task::Command { response_url, .. } | Task::Verdict { response_url, .. } => {
                api.respond(response_url, message).await
            }
            Task::InChannel { .. } | Task::Direct { .. } => {
                api.whisper(self.place(), &self.job.user, message).await
            }
        };
        match told {
            Err(Trouble::Refused(why)) => {
                tracing::info!(why, "no whisper in a channel; the asker gets a direct message");
                let direct = Place { channel: &self.job.user, thread: "" };
                Ok(api.say(direct, message, &self.job.id).await?)
            }
            told => Ok(told?),
        }
    }
}

/// Makes an answer, or says why there is none.
async fn answer(
    With { app, .. }: With<'_>,
    reader: &Reader,
    question: &str,
) -> Result<Answer, String> {
    if question.trim().is_empty() {
        return Err(HELP.to_owned());
    }
    let most = app.config.limits.question_bytes;
    if question.len() as u64 > most {
        return Err(format!("Your question is too long; {most} bytes are the most."));
    }
    let (audience, heard) = Audience::new();
    let reader = reader.clone();
    let text = question.to_owned();
    let question = Question {
        text,
        sources: None,
        conversation: None,
        surface: Surface::Slack.name(),
        prompt: false,
    };
    let made = app.blocking(move |app| ask::ask(app, &reader, &question, &audience));
    let heard = ReceiverStream::new(heard).for_each(|_| ready(()));
    let (made, ()) = tokio::join!(made, heard);
    made.map_err(|error| sorry(&error))
}

/// Why there is no answer.
fn sorry(error: &ApiError) -> String {
    format!("I could not answer: {}; {}.", error.title, error.hint)
}

/// Decides for the last time whether an answer may be shown to its reader and all who hear, and
/// records it.
async fn may_be_shown(
    With { app, .. }: With<'_>,
    reader: &Reader,
    answer: &Answer,
) -> Result<bool, ApiError> {
    let (id, reader) = (answer.id.clone(), reader.clone());
    let documents: Option<Vec<DocumentId>> =
        answer.citations.iter().map(|citation| DocumentId::parse(&citation.document)).collect();
    let Some(documents) = documents else { return Ok(false) };
    app.blocking(move |app| Ok(app.ledger.show_to_all(&id, &reader, &documents)?)).await
}

/// That nothing was found, and whom to ask.
fn nothing(answer: &Answer, who: &str) -> String {
    let contact = answer.contact.as_deref().map(name);
    let ask = contact.map(|contact| format!(" You could ask {contact}.")).unwrap_or_default();
    format!("I found nothing that {who} may read and that answers this.{ask}")
}

/// Why somebody gets no answer, and whom to ask.
fn refusal(app: &App, why: Outsider) -> String {
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
    match app.config.sources.contact.as_deref().map(name) {
        Some(contact) => format!("Please ask {contact} {when}."),
        None => format!("Please ask an administrator of Vouch {when}."),
    }
}

/// A principal's name for people.
fn name(principal: &str) -> String {
    match principal.split_once(':') {
        Some(("group", name)) => format!("the group {name}"),
        Some((_, name)) => name.to_owned(),
        None => principal.to_owned(),
    }
}
