//! The command line: what `vouch` understands, and how it ends.
//!
//! Every command but `serve`, `doctor` and `completions` is one or a few calls of the server's own
//! routes, with the caller's own token: the command line can do nothing that the API refuses, and it
//! never opens the ledger.
//!
//! It prints for people, or exactly one JSON document with `--json`. It ends with 0 when done, 1 when
//! something failed, 2 when it was called wrongly.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, CommandFactory, Parser, Subcommand};

mod access;
mod approval;
mod ask;
mod audit;
mod client;
mod control;
mod doctor;
mod failure;
mod generation;
mod group;
mod key;
mod mcp;
mod output;
mod serve;
mod source;
mod status;
mod watch;

use client::Client;
use failure::Failure;

/// Answers questions from a company's own approved documents, and cites every sentence.
#[derive(Debug, Parser)]
#[command(name = "vouch", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage.")]
struct Cli {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

/// Which server, as whom, and how to print.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection and output")]
struct Connection {
    /// The server's address [default: http://127.0.0.1:8080]
    #[arg(long, env = "VOUCH_URL", global = true, hide_env_values = true)]
    url: Option<String>,
    /// Your key (`vk_…`), or `demo:NAME` where the server is in demo mode
    #[arg(long, env = "VOUCH_TOKEN", global = true, hide_env_values = true)]
    token: Option<String>,
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server
    Serve(serve::Serve),
    /// Ask a question and get an answer in which every sentence is cited
    Ask(ask::Ask),
    /// Find passages, best first, without an answer
    Search(ask::Search),
    /// Add sources and look after them
    #[command(subcommand)]
    Source(source::SourceCommand),
    /// List what waits for an approval
    Approvals(approval::Approvals),
    /// Approve a proposed source, or a version of a document
    Approve(approval::Approve),
    /// Refuse a version that waits for an approval
    Reject(approval::Reject),
    /// Take back the approval of a document; it is not found any more from the next question
    Withdraw(approval::Withdraw),
    /// Keep groups and their members
    #[command(subcommand)]
    Group(group::GroupCommand),
    /// List the people whom Vouch knows, shut somebody out, or let an account be bound anew
    #[command(subcommand)]
    User(control::UserCommand),
    /// Explain who sees a document and why; load groups and members
    #[command(subcommand)]
    Access(access::AccessCommand),
    /// Stop the whole assistant: nobody is shown anything from the next question
    Stop(control::Stop),
    /// Let the assistant answer again
    Start,
    /// Build the indexes anew, beside the ones that answer meanwhile
    Reindex(generation::Reindex),
    /// List the builds of the indexes
    Generations,
    /// Go back to an earlier build of the indexes, at once
    Rollback(generation::Rollback),
    /// Show what was shown to whom, or check that the record is whole
    Audit(audit::Audit),
    /// Create, list and revoke API keys
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Show how the server is doing
    Status,
    /// Serve an AI client over standard input and output (MCP), as the holder of --token
    Mcp,
    /// Look for what would keep Vouch from working, on this machine
    Doctor(doctor::Doctor),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Extract one file; started by the server for each file
    #[command(hide = true, disable_help_flag = true)]
    ExtractWorker { job: String },
}

/// A server to talk to, and the form in which to print what it says.
struct Session {
    client: Client,
    json: bool,
}

impl Session {
    fn open(connection: Connection) -> Result<Self> {
        let Connection { url, token, json } = connection;
        Ok(Self { client: Client::new(url.as_deref(), token)?, json })
    }

    /// Prints an answer of the server: as it is with `--json`, else in the form for people.
    fn show(
        &self,
        body: &serde_json::Value,
        people: impl FnOnce(&serde_json::Value) -> String,
    ) -> Result<()> {
        output::print(&if self.json { output::json(body) } else { people(body) })
    }

    /// Whether somebody is watching, so that a progress bar is of use.
    fn watched(&self) -> bool {
        !self.json && std::io::IsTerminal::is_terminal(&std::io::stderr())
    }
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.connection.json;
    match run(cli) {
        Ok(code) => code,
        Err(error) if output::reader_left(&error) => ExitCode::SUCCESS,
        Err(error) => Failure::of(&error).report(json),
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    // The worker gives up its rights to everything before it reads a byte, so it comes first: no
    // runtime, no thread, no TLS.
    if let Command::ExtractWorker { job } = cli.command {
        return Ok(vouch_ingest::worker::run_worker(&job));
    }
    if let Command::Completions { shell } = cli.command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "vouch", &mut script);
        return output::print(&String::from_utf8_lossy(&script)).map(|()| ExitCode::SUCCESS);
    }
    // Two providers may be linked in; without a choice rustls panics at the first connection.
    let _already_chosen = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(dispatch(cli.command, cli.connection))
}

async fn dispatch(command: Command, connection: Connection) -> Result<ExitCode> {
    if let Command::Serve(serve) = command {
        return serve.run().await.map(|()| ExitCode::SUCCESS);
    }
    if let Command::Doctor(doctor) = command {
        return doctor.run(connection).await;
    }
    let session = Session::open(connection)?;
    match command {
        Command::Ask(ask) => ask.run(&session).await?,
        Command::Search(search) => search.run(&session).await?,
        Command::Source(command) => command.run(&session).await?,
        Command::Approvals(approvals) => approvals.run(&session).await?,
        Command::Approve(approve) => approve.run(&session).await?,
        Command::Reject(reject) => reject.run(&session).await?,
        Command::Withdraw(withdraw) => withdraw.run(&session).await?,
        Command::Group(command) => command.run(&session).await?,
        Command::User(command) => command.run(&session).await?,
        Command::Access(command) => command.run(&session).await?,
        Command::Stop(stop) => stop.run(&session).await?,
        Command::Start => control::start(&session).await?,
        Command::Reindex(reindex) => reindex.run(&session).await?,
        Command::Generations => generation::list(&session).await?,
        Command::Rollback(rollback) => rollback.run(&session).await?,
        Command::Audit(audit) => return audit.run(&session).await,
        Command::Key(command) => command.run(&session).await?,
        Command::Status => status::run(&session).await?,
        Command::Mcp => mcp::run(session).await?,
        // Done above: these need no server.
        Command::Serve(_)
        | Command::Doctor(_)
        | Command::Completions { .. }
        | Command::ExtractWorker { .. } => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// The argument of every command that reads settings on this machine.
#[derive(Debug, Args)]
struct ConfigFile {
    /// The settings [default: ./vouch.toml where there is one, else the built-in ones]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_worker_is_started_by_the_name_that_is_understood() {
        assert!(Cli::command().find_subcommand(vouch_ingest::worker::COMMAND).is_some());
    }

    #[test]
    fn the_commands_of_the_contract_are_understood() {
        for line in [
            "serve --config vouch.toml",
            "ask How?",
            "search leave --limit 5 --mode words",
            "source add hr.toml",
            "source revoke hr --why old",
            "approve hr/leave.md --version sha256:00",
            "withdraw hr/leave.md --why wrong",
            "group add hr user:a group:b",
            "access load groups.jsonl",
            "access explain --user user:a --document hr/leave.md --group g --group h",
            "access explain --user user:a",
            "reindex --source hr --model models/x --dry-run",
            "rollback 2",
            "user block user:a --why left --until 2h",
            "user unblock a",
            "user release a --why renamed",
            "source pause hr --why broken --until 2099-01-01",
            "stop --why wrong --until 2h",
            "start",
            "key revoke k_1 --why leaked",
            "audit erase --user user:a",
            "approvals --source hr --history",
            "approvals show hr/leave.md --version sha256:00",
            "audit --user user:a --since 7d --export",
            "audit verify --head 00",
            "key create --name ci --role pusher --source hr --expires 90d",
            "--url http://x:1 --token t status --json",
            "status --url http://x:1",
            "mcp --url http://x:1",
            "extract-worker {}",
        ] {
            let words = std::iter::once("vouch").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
        for line in [
            "source pause hr",
            "reject hr/x",
            "group add hr",
            "search x --mode best",
            "key create --name x",
            "user block a",
            "user release a",
            "access explain --document hr/leave.md",
            "stop",
            "stop --why x --until 2001-01-01",
        ] {
            let words = std::iter::once("vouch").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_err(), "{line}");
        }
    }
}
