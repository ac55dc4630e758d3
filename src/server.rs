//! The running server: one listener, and the tasks behind it.

use std::collections::BTreeSet;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use vouch_index::Actor;
use vouch_index::ledger::JobKind;

use crate::app::App;
use crate::config::{AuthMode, Config};
use crate::paths::{indexing, intake};

/// How often the clock is looked at.
const CLOCK: Duration = Duration::from_secs(1);
/// How often old parts of the audit are taken out.
const FORGET: Duration = Duration::from_secs(3600);

/// Serves as the settings say until the process is asked to end.
///
/// # Errors
/// The port is taken, or the data folder can't be used.
pub async fn serve(mut config: Config) -> Result<()> {
    let listen = config.server.listen;
    // The port first: whoever starts Vouch twice learns it before the ledger is touched.
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!(
            "can't listen on {listen}; is another program (or another vouch) using the port? \
             Stop it, or set server.listen to another one"
        )
    })?;
    let program = program().context("the path of this program is not known")?;
    // Port 0 takes any free one: what counts is the address that was taken.
    config.server.listen = listener.local_addr()?;
    let listen = config.server.listen;
    let app = tokio::task::spawn_blocking(move || App::open(config, program)).await??;
    announce(&app, listen);
    run(listener, app, asked_to_end()).await
}

/// Runs the server on this listener until `shutdown` is ready. Tests bind port 0.
///
/// # Errors
/// The ledger can't be read at start, or the listener fails.
pub async fn run(
    listener: TcpListener,
    app: Arc<App>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    std::fs::create_dir_all(app.incoming()).context("the incoming folder can't be made")?;
    // The tasks end with this set, whatever they are doing: every step of theirs is a transaction.
    let mut tasks = JoinSet::new();
    let requeued = app.blocking(|app| anyhow::Ok(app.ledger.requeue_jobs()?)).await?;
    if requeued > 0 {
        tracing::info!(requeued, "going on with what was cut off");
    }
    app.blocking(intake::sweep).await.context("the incoming folder can't be tidied")?;
    for kind in [JobKind::Sync, JobKind::Reindex] {
        tasks.spawn(intake::run(Arc::clone(&app), kind));
    }
    for _ in 0..app.config.extraction.workers.max(1) {
        tasks.spawn(intake::run(Arc::clone(&app), JobKind::Extract));
    }
    tasks.spawn(intake::schedule(Arc::clone(&app)));
    tasks.spawn(clock(Arc::clone(&app)));
    tasks.spawn(forget(Arc::clone(&app)));
    tasks.spawn(indexing::follow(Arc::clone(&app)));
    tasks.spawn(indexing::follow_vectors(Arc::clone(&app)));
    tasks.spawn(indexing::embed(Arc::clone(&app)));
    tasks.spawn(indexing::clean(Arc::clone(&app)));
    tasks.spawn(crate::slack::run(Arc::clone(&app)));
    let service = crate::http::router(app)?.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(shutdown)
        .await
        .context("the server failed")
}

/// Ends blocks, stops, pauses and conversations when their time has come, and forgets who asked long ago.
async fn clock(app: Arc<App>) {
    let mut tick = tokio::time::interval(CLOCK);
    loop {
        tick.tick().await;
        app.limits.tidy();
        let ended = app.blocking(|app| anyhow::Ok(app.ledger.end_what_is_over(&itself())?)).await;
        if let Err(error) = ended {
            tracing::error!(%error, "what is over can't be ended");
        }
        let keep = i64::try_from(app.config.conversations.keep.as_secs()).unwrap_or(i64::MAX);
        if keep == 0 {
            continue;
        }
        let expired =
            app.blocking(move |app| anyhow::Ok(app.ledger.expire_conversations(keep)?)).await;
        if let Err(error) = expired {
            tracing::error!(%error, "old conversations can't be erased");
        }
    }
}

/// Takes out of the audit what is older than the settings keep it.
async fn forget(app: Arc<App>) {
    let mut tick = tokio::time::interval(FORGET);
    loop {
        tick.tick().await;
        let retention = app.config.audit.retention.seconds();
        let expired =
            app.blocking(move |app| anyhow::Ok(app.ledger.audit_expire(&retention, &itself())?));
        if let Err(error) = expired.await {
            tracing::error!(%error, "old parts of the audit can't be taken out");
        }
    }
}

/// Who does what comes by time alone.
fn itself() -> Actor {
    Actor { name: "clock".to_owned(), principals: BTreeSet::new(), administrator: true }
}

/// This program, for the workers. On Linux by a name that holds when the file is replaced while the
/// server runs: an old server must not talk to a new worker.
fn program() -> std::io::Result<PathBuf> {
    let own = PathBuf::from("/proc/self/exe");
    if own.exists() { Ok(own) } else { std::env::current_exe() }
}

fn announce(app: &App, listen: SocketAddr) {
    tracing::info!(
        address = %format!("http://{listen}"),
        data = %app.config.data_dir.display(),
        generation = app.live().generation.number,
        "vouch is listening"
    );
    if let Some(note) = app.live().note.as_deref() {
        let why = app.model_note().unwrap_or(note);
        tracing::warn!("searching by words alone: {why}");
    }
    if app.config.auth.mode == AuthMode::Keys && app.bootstrap_key.is_none() {
        tracing::info!("no VOUCH_ADMIN_KEY is set; only the keys in the ledger count");
    }
}

async fn asked_to_end() {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
    tracing::info!("ending");
}
