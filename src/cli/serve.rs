//! `vouch serve`: reads the settings, starts the log, and runs the server.

use anyhow::Result;
use clap::Args;
use tracing_subscriber::EnvFilter;

use super::ConfigFile;
use crate::config::{Config, Log, LogFormat};

/// `vouch serve`
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    settings: ConfigFile,
    /// Listen here instead of at `server.listen`
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<std::net::SocketAddr>,
}

impl Serve {
    /// Reads the settings, starts the log, and serves until the process is asked to end.
    pub(super) async fn run(self) -> Result<()> {
        let mut config = Config::load(self.settings.config.as_deref())?;
        if let Some(listen) = self.listen {
            config.listen_at(listen)?;
        }
        start_log(&config.log)?;
        config.check_roots()?;
        crate::server::serve(config).await
    }
}

/// Sends events to the standard error. The standard output stays free for what was asked for.
fn start_log(log: &Log) -> Result<()> {
    let filter = EnvFilter::try_new(&log.level)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("can't start the log: {error}"))
}
