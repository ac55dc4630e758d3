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
use super::earlier::{Whose, earlier};
use super::events::{Job, Task};
use super::people::{Standing, standings};
use super::{Failure, Slack, words};
use crate::answer::{Answer, Audience};
use crate::app::App;
use crate::http::{ApiError, Surface};
use crate::paths::ask::{self, Question};

/// Where a job lies while somebody works on it.
pub(super) struct Desk {
    pub(super) job: Job,
    /// How far it had come.
    pub(super) state: SlackState,
    /// Whether something may have been said for it where it can be found.
    pub(super) maybe_said: bool,
}

/// Who asks.
enum Asker {
    Reader(Reader),
    /// Nobody who is answered, and why.
    Refused(String),
    /// No person.
    Nobody,
}

/// Those who ask and answer.
#[derive(Clone, Copy)]
struct With<'a> {
    app: &'a Arc<App>,
    slack: &'a Slack,
}

impl Desk {
    pub(super) fn new(job: Job) -> Self {
        Self { job, state: SlackState::Waiting, maybe_said: false }
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
        if self.maybe_said {
            match self.was_said(with).await? {
                Some(true) => return Ok(()),
                Some(false) => {}
                None => self.state = SlackState::Sending,
            }
        }
        match self.state {
            SlackState::Done => return Ok(()),
            SlackState::Busy => return self.tell(with, words::BUSY).await,
            SlackState::Sending => return self.tell(with, words::INTERRUPTED).await,
            SlackState::Waiting => {}
        }
        let reader = match self.asker(with).await? {
            Asker::Reader(reader) => reader,
            Asker::Refused(why) => return self.tell(with, &why).await,
            Asker::Nobody => return Ok(()),
        };
        // Who asks in Slack takes a turn like everybody else, for as long as it is worked on.
        let _turn = match app.limits.turn(&reader.principal().to_string()) {
            Ok(turn) => turn,
            Err(error) => return self.tell(with, &words::sorry(&error)).await,
        };
        match self.job.task.clone() {
            Task::Verdict { answer, right, .. } => {
                self.verdict(with, &reader, (answer, right)).await
            }
            Task::InChannel { .. } => self.in_channel(with, reader).await,
            Task::Direct { .. } | Task::Command { .. } => self.alone(with, &reader, None).await,
        }
    }

    /// The last words for a job that could not be done, where nothing was said yet.
    pub(super) async fn give_up(&mut self, app: &Arc<App>, slack: &Slack, failure: &Failure) {
        let why = match failure {
            Failure::Slack(_) => words::given_up(app),
            Failure::Vouch(error) => words::sorry(error),
        };
        if self.state == SlackState::Waiting
            && !self.maybe_said
            && self.tell(With { app, slack }, &why).await.is_err()
        {
            tracing::warn!("whoever asked could not be told that there is no answer");
        }
    }

    /// Who asks, at this moment.
    async fn asker(&self, With { app, slack }: With<'_>) -> Result<Asker, Failure> {
        let known = slack.people.known(&slack.api, &self.job.user).await?;
        Ok(match standings(app, vec![known]).await?.pop() {
            Some(Standing::Reader(reader)) => Asker::Reader(reader),
            Some(Standing::Outsider(why)) => Asker::Refused(words::refusal(app, why)),
            Some(Standing::Stopped) => Asker::Refused(words::stopped(app)),
            Some(Standing::Nobody) | None => Asker::Nobody,
        })
    }

    /// Answers for everybody in the channel to hear, as far as all of them may.
    async fn in_channel(&mut self, with: With<'_>, reader: Reader) -> Result<(), Failure> {
        let hearers = match self.hearing(with).await? {
            Hearing::Readers(hearers) => hearers,
            Hearing::Others => return self.alone(with, &reader, Some(words::NOT_ALL_READ)).await,
            Hearing::Unknown => return self.alone(with, &reader, Some(words::NOT_ALL_KNOWN)).await,
        };
        let aloud = reader.clone().heard_by(hearers);
        let question = self.question(with, Whose::Everybodys).await?;
        let answer = match answer(with, &aloud, &question).await {
            Ok(answer) => answer,
            Err(why) => return self.tell(with, &why).await,
        };
        if let Some(why) = self.is_gone(with, &reader).await? {
            return self.tell(with, &why).await;
        }
        if answer.outcome != "answered" {
            return self.beyond(with, (reader, aloud), (&question, &answer)).await;
        }
        // Somebody may have joined, or lost a right, while it was written.
        let Hearing::Readers(hearers) = self.hearing(with).await? else {
            return self.tell(with, words::CHANGED).await;
        };
        if !may_be_shown(with, &reader.heard_by(hearers), &answer).await? {
            return self.tell(with, words::CHANGED).await;
        }
        let message = Message::answer(&answer, &with.app.config.public_url(), None);
        self.say(with, &message).await
    }

    /// What the asker alone may see, where there is nothing for everybody.
    async fn beyond(
        &mut self,
        with: With<'_>,
        (reader, aloud): (Reader, Reader),
        (question, common): (&Question, &Answer),
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
            return self.show(with, &reader, (&own, Some(words::NOT_FOR_ALL))).await;
        }
        let nothing = words::nothing(common, "everybody in this channel");
        self.say(with, &Message::words(&nothing)).await
    }

    /// Answers to the asker and nobody else.
    async fn alone(
        &mut self,
        with: With<'_>,
        reader: &Reader,
        aside: Option<&str>,
    ) -> Result<(), Failure> {
        let question = self.question(with, Whose::Askers).await?;
        let answer = match answer(with, reader, &question).await {
            Ok(answer) => answer,
            Err(why) => return self.tell(with, &why).await,
        };
        if let Some(why) = self.is_gone(with, reader).await? {
            return self.tell(with, &why).await;
        }
        match answer.outcome {
            "answered" => self.show(with, reader, (&answer, aside)).await,
            _ => self.tell(with, &words::nothing(&answer, "you")).await,
        }
    }

    /// Why whoever asked is not the same reader any more, if that is so.
    async fn is_gone(&self, with: With<'_>, reader: &Reader) -> Result<Option<String>, Failure> {
        Ok(match self.asker(with).await? {
            Asker::Reader(now) if now.principal() == reader.principal() => None,
            Asker::Refused(why) => Some(why),
            Asker::Reader(_) | Asker::Nobody => Some(words::CHANGED.to_owned()),
        })
    }

    /// Shows an answer to the asker, if they may still see it.
    async fn show(
        &mut self,
        with: With<'_>,
        reader: &Reader,
        (answer, aside): (&Answer, Option<&str>),
    ) -> Result<(), Failure> {
        if !may_be_shown(with, reader, answer).await? {
            return self.tell(with, words::CHANGED).await;
        }
        self.whisper(with, &Message::answer(answer, &with.app.config.public_url(), aside)).await
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
        let words = if kept.await? { words::KEPT } else { words::NOT_YOURS };
        self.tell(with, words).await
    }

    /// The question, with what was asked before it.
    async fn question(
        &self,
        With { app, slack }: With<'_>,
        whose: Whose,
    ) -> Result<Question, Failure> {
        Ok(Question {
            text: self.job.task.question().to_owned(),
            sources: None,
            conversation: earlier(app, &slack.api, (&self.job, whose)).await?,
            surface: Surface::Slack.name(),
            prompt: false,
        })
    }

    /// Who hears what is said in the job's channel.
    async fn hearing(&self, With { app, slack }: With<'_>) -> Result<Hearing, Failure> {
        let asked = (&slack.api, &slack.people);
        match slack.channels.hearing(app, asked, &self.job.channel).await {
            Err(Failure::Slack(Trouble::Refused(why))) => {
                tracing::warn!(why, "Slack does not tell who is in a channel");
                Ok(Hearing::Unknown)
            }
            hearing => hearing,
        }
    }

    fn place(&self) -> Place<'_> {
        Place { channel: &self.job.channel, thread: self.job.task.thread() }
    }

    /// Whether Vouch has said something for this job that can be found; nothing where Slack does not
    /// let it look.
    async fn was_said(&self, With { slack, .. }: With<'_>) -> Result<Option<bool>, Failure> {
        match self.job.task {
            Task::InChannel { .. } | Task::Direct { .. } => {
                match slack.api.has_said(self.place(), &self.job.ts, &self.job.id).await {
                    Err(Trouble::Refused(why)) => {
                        tracing::warn!(why, "Slack does not tell what was said in a channel");
                        Ok(None)
                    }
                    said => Ok(Some(said?)),
                }
            }
            Task::Command { .. } | Task::Verdict { .. } => Ok(Some(false)),
        }
    }

    /// Says something where it was asked.
    async fn say(&mut self, with: With<'_>, message: &Message) -> Result<(), Failure> {
        self.maybe_said = true;
        match with.slack.api.say(self.place(), message, &self.job.id).await {
            Err(Trouble::Refused(why)) => {
                tracing::warn!(why, "a channel takes no answer; the asker gets it");
                self.maybe_said = false;
                self.note(with.app, SlackState::Sending).await?;
                self.say_directly(with, message).await
            }
            said => Ok(said?),
        }
    }

    /// Says something to the asker in a direct message.
    async fn say_directly(&self, with: With<'_>, message: &Message) -> Result<(), Failure> {
        let direct = Place { channel: &self.job.user, thread: "" };
        Ok(with.slack.api.say(direct, message, &self.job.id).await?)
    }

    /// Tells the asker a few words.
    async fn tell(&mut self, with: With<'_>, words: &str) -> Result<(), Failure> {
        self.whisper(with, &Message::words(words)).await
    }

    /// Shows something to the asker and nobody else.
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
                self.say_directly(with, message).await
            }
            Err(unsent @ Trouble::Unsent(_)) => {
                // It can be made and sent again.
                self.note(with.app, SlackState::Waiting).await?;
                Err(unsent.into())
            }
            told => Ok(told?),
        }
    }
}

/// Makes an answer, or says why there is none.
async fn answer(
    With { app, .. }: With<'_>,
    reader: &Reader,
    question: &Question,
) -> Result<Answer, String> {
    if words::asks_for_help(&question.text) {
        return Err(words::HELP.to_owned());
    }
    let most = app.config.limits.question_bytes;
    if question.text.len() as u64 > most {
        return Err(words::too_long(most));
    }
    let (audience, heard) = Audience::new();
    let (reader, question) = (reader.clone(), question.clone());
    let made = app.blocking(move |app| ask::ask(app, &reader, &question, &audience));
    let heard = ReceiverStream::new(heard).for_each(|_| ready(()));
    let (made, ()) = tokio::join!(made, heard);
    made.map_err(|error| words::sorry(&error))
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
