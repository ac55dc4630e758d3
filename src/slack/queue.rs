//! From the request to the answer: what arrives is written down, acknowledged, and worked off later.
//!
//! One task writes down what has arrived, many requests in one transaction, so that a burst is
//! acknowledged as fast as a single one. Only as much is taken as there is room for: of the rest, some
//! are told to ask again, and whatever is beyond that is left to Slack, which sends it again later.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinSet;
use vouch_index::ledger::{SlackEvent, SlackRoom, SlackState, SlackTaken, now};

use super::answering::Desk;
use super::api::Trouble;
use super::events::{Job, Task};
use super::{Failure, Slack};
use crate::app::App;
use crate::http::ApiError;

/// Requests that are written down together.
const TOGETHER: usize = 256;
/// For each question that may wait, so many may be told to ask again.
const BUSY: usize = 4;
/// Who tells them.
const TELLERS: usize = 2;
/// How long what is over is remembered, in seconds. Slack repeats for a day at most.
const REMEMBERED: i64 = 2 * 24 * 3600;
/// How often what is older is forgotten.
const FORGET: Duration = Duration::from_secs(3600);
/// How long it is waited before something that failed is tried again.
const AGAIN: [Duration; 5] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(60),
];

/// Something that arrived, and whoever waits to acknowledge it.
pub(super) struct Arrival {
    job: Job,
    told_later: bool,
    taken: oneshot::Sender<SlackTaken>,
}

impl Slack {
    /// Writes a job down. When this returns it is on disk, or there was no room.
    pub(crate) async fn take(&self, job: Job) -> Result<SlackTaken, ApiError> {
        // Commands and clicks are told at once, in the answer to their request.
        let told_later = matches!(job.task, Task::InChannel { .. } | Task::Direct { .. });
        let (taken, answer) = oneshot::channel();
        if self.arrivals.try_send(Arrival { job, told_later, taken }).is_err() {
            return Ok(SlackTaken::Full);
        }
        answer.await.map_err(|_| anyhow::anyhow!("what Slack sent was not written down").into())
    }
}

/// Works off what arrives, as long as the server runs.
pub(crate) async fn run(app: Arc<App>) {
    let Some(slack) = app.slack.clone() else { return };
    let Some(arriving) = slack.arriving() else { return };
    let (answers, waiting) = mpsc::channel(slack.settings.queue);
    let (busy, refused) = mpsc::channel(slack.settings.queue.saturating_mul(BUSY));
    let mut tasks = JoinSet::new();
    // Before anything new is written down, which would be taken for something left.
    let left = unfinished(&app).await;
    tasks.spawn(go_on(Arc::clone(&app), Arc::clone(&slack), left));
    tasks.spawn(write_down(Arc::clone(&app), arriving, answers, busy));
    let (waiting, refused) = (Arc::new(Mutex::new(waiting)), Arc::new(Mutex::new(refused)));
    for _ in 0..slack.settings.workers {
        let (app, slack, waiting) = (Arc::clone(&app), Arc::clone(&slack), Arc::clone(&waiting));
        tasks.spawn(work_off(app, slack, waiting, SlackState::Waiting));
    }
    for _ in 0..TELLERS {
        let (app, slack, refused) = (Arc::clone(&app), Arc::clone(&slack), Arc::clone(&refused));
        tasks.spawn(work_off(app, slack, refused, SlackState::Busy));
    }
    tasks.spawn(forget(app));
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a task for Slack ended");
        }
    }
}

/// Writes down what arrives.
async fn write_down(
    app: Arc<App>,
    mut arriving: mpsc::Receiver<Arrival>,
    answers: mpsc::Sender<Job>,
    busy: mpsc::Sender<Job>,
) {
    let mut arrived = Vec::with_capacity(TOGETHER);
    while arriving.recv_many(&mut arrived, TOGETHER).await > 0 {
        // Nobody else sends into the two, so there will not be less room.
        let room = SlackRoom { answers: answers.capacity(), busy: busy.capacity() };
        let events: Vec<_> = arrived.iter().map(event).collect();
        let taken = app.blocking(move |app| anyhow::Ok(app.ledger.slack_take(&events, room)?));
        let taken = match taken.await {
            Ok(taken) => taken,
            Err(error) => {
                // Whoever waits learns it when this is dropped, and Slack sends it again.
                tracing::error!(%error, "what Slack sent can't be written down");
                arrived.clear();
                continue;
            }
        };
        for (Arrival { job, taken: acknowledge, .. }, taken) in arrived.drain(..).zip(taken) {
            let sent = match taken {
                SlackTaken::New => answers.try_send(job),
                SlackTaken::Busy => busy.try_send(job),
                SlackTaken::Known | SlackTaken::Full => Ok(()),
            };
            if sent.is_err() {
                tracing::error!(
                    "a queue is fuller than it was; the next start goes on with the rest"
                );
            }
            // Nobody may wait for it any more; it is written down all the same.
            let _gone = acknowledge.send(taken);
        }
    }
}

fn event(arrival: &Arrival) -> SlackEvent {
    let job = &arrival.job;
    SlackEvent {
        id: job.id.clone(),
        channel: job.channel.clone(),
        thread: job.task.thread().to_owned(),
        ts: job.ts.clone(),
        user: job.user.clone(),
        task: serde_json::to_string(job).unwrap_or_default(),
        told_later: arrival.told_later,
    }
}

/// What was not over when the server ended.
async fn unfinished(app: &Arc<App>) -> Vec<Desk> {
    let left = app.blocking(|app| anyhow::Ok(app.ledger.slack_unfinished()?)).await;
    let left = left.unwrap_or_else(|error| {
        tracing::error!(%error, "what Slack sent before can't be read");
        Vec::new()
    });
    let desk = |(event, state): (SlackEvent, SlackState)| {
        serde_json::from_str::<Job>(&event.task)
            .inspect_err(|error| tracing::error!(%error, "what Slack sent can't be understood"))
            .ok()
            .map(|job| Desk { state, maybe_said: true, ..Desk::new(job) })
    };
    left.into_iter().filter_map(desk).collect()
}

/// Goes on with it, as many at the same time as there are workers.
async fn go_on(app: Arc<App>, slack: Arc<Slack>, left: Vec<Desk>) {
    stream::iter(left)
        .for_each_concurrent(slack.settings.workers, |desk| by_itself(&app, &slack, desk))
        .await;
}

async fn work_off(
    app: Arc<App>,
    slack: Arc<Slack>,
    jobs: Arc<Mutex<mpsc::Receiver<Job>>>,
    state: SlackState,
) {
    loop {
        let next = jobs.lock().await.recv().await;
        let Some(job) = next else { return };
        by_itself(&app, &slack, Desk { state, ..Desk::new(job) }).await;
    }
}

/// Works on a job in a task of its own, so that one that panics takes no other along.
async fn by_itself(app: &Arc<App>, slack: &Arc<Slack>, desk: Desk) {
    let (app, slack) = (Arc::clone(app), Arc::clone(slack));
    let done = tokio::spawn(async move { see_to(&app, &slack, desk).await });
    if let Err(error) = done.await {
        tracing::error!(%error, "answering in Slack failed");
    }
}

/// Works on one job until it is over.
async fn see_to(app: &Arc<App>, slack: &Slack, mut desk: Desk) {
    for wait in AGAIN.map(Some).into_iter().chain([None]) {
        let failure = match desk.work(app, slack).await {
            Ok(()) => break,
            Err(failure) => failure,
        };
        let said = match &failure {
            Failure::Slack(trouble) => trouble.to_string(),
            Failure::Vouch(error) => error.title.clone(),
        };
        let refused = matches!(failure, Failure::Slack(Trouble::Refused(_)));
        if let Some(wait) = wait.filter(|_| !refused) {
            tracing::info!("answering in Slack is tried again: {said}");
            tokio::time::sleep(wait).await;
        } else {
            tracing::warn!("a question in Slack was given up: {said}");
            desk.give_up(app, slack, &failure).await;
            break;
        }
    }
    if let Err(error) = desk.note(app, SlackState::Done).await {
        tracing::error!(code = error.code, "that something in Slack is over can't be written down");
    }
}

/// Forgets what is over, when Slack won't repeat it any more.
async fn forget(app: Arc<App>) {
    let mut tick = tokio::time::interval(FORGET);
    loop {
        tick.tick().await;
        let before = now() - REMEMBERED;
        let forgotten = app.blocking(move |app| anyhow::Ok(app.ledger.slack_forget(before)?));
        if let Err(error) = forgotten.await {
            tracing::error!(%error, "what Slack sent long ago can't be forgotten");
        }
    }
}
