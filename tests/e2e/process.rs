//! Vouch as a process of its own: for `kill -9`, for exit codes, and for what it says at its start.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::world::{Company, Person};

/// The program, without anything from the test's own environment that it would listen to.
pub(crate) fn vouch(arguments: &[&str]) -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_vouch"));
    command.args(arguments);
    command
}

fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.stdin(Stdio::null()).env("NO_COLOR", "1");
    for name in ["VOUCH_URL", "VOUCH_TOKEN", "VOUCH_ADMIN_KEY"] {
        command.env_remove(name);
    }
    command
}

/// Runs a command to its end, in a folder.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } =
        vouch(arguments).current_dir(folder).output().expect("the program runs");
    let said = [stdout, stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    (status.code(), said.concat())
}

/// A server that can be killed.
pub(crate) struct Server {
    child: Child,
    pub(crate) base: String,
}

impl Server {
    /// Starts a server with a company's settings and waits until it listens.
    pub(crate) fn start(company: &Company, environment: &[(&str, &str)]) -> Self {
        let mut command = vouch(&["serve", "--config"]);
        command.envs(environment.iter().copied());
        Self::started(company, command)
    }

    /// Starts a server that can write no file beyond so many blocks (of 512 bytes, or of 1,024 where
    /// the shell counts so): for this process the disk is full there, as the system itself says.
    pub(crate) fn start_on_a_small_disk(company: &Company, blocks: u32) -> Self {
        // Unless it is ignored, the signal ends the process before the write can fail.
        let limited =
            format!("trap '' XFSZ && ulimit -f {blocks} && exec \"$0\" serve --config \"$1\"");
        let mut command = program("sh");
        command.args(["-c", &limited, env!("CARGO_BIN_EXE_vouch")]);
        Self::started(company, command)
    }

    /// Runs a command that takes the settings' file as its last argument.
    fn started(company: &Company, mut command: Command) -> Self {
        let file = company.folder().join("vouch.toml");
        std::fs::write(&file, company.toml()).expect("a settings file");
        command.arg(&file).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut log = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut said = String::new();
        let base = loop {
            let mut line = String::new();
            let read = log.read_line(&mut line).expect("the log can be read");
            assert!(read > 0, "the server ended: {said}");
            said.push_str(&line);
            if let Some((_, address)) = line.split_once("address=") {
                break address.split_whitespace().next().unwrap_or_default().to_owned();
            }
        };
        // Somebody must go on reading, or the server would wait for room in the pipe.
        std::thread::spawn(move || std::io::copy(&mut log.take(u64::MAX), &mut std::io::sink()));
        Self { child, base }
    }

    /// Somebody of the people file.
    pub(crate) fn person(&self, name: &str) -> Person {
        Person::new(&self.base, Some(format!("demo:{name}")))
    }

    /// Kills it, as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it has ended");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ended = self.child.kill();
        let _gone = self.child.wait();
    }
}
