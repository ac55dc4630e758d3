//! One process per file: starts it, feeds it, waits for it, and ends it.
//!
//! Whatever a file does to its parser (panic, endless loop, a terabyte of zeros, worse) happens in
//! a process that has no files, no network, no environment, and not long to live. The server sees
//! a text or a reason. [`extract`] is the server's half, [`run_worker`] the worker's.

use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use vouch_index::{Extracted, FileKind};

use crate::extract::{ExtractError, last_words, read};
use crate::folder::open_plain;
use crate::limits::Limits;
use crate::{normalise, sandbox};

/// The hidden command of the program that runs a worker; its one argument goes to [`run_worker`].
pub const COMMAND: &str = "extract-worker";
/// Stands before the worker's answer, since a parser may print. JSON never holds it.
const ANSWER: char = '\u{1e}';
/// How much of a worker's last words is kept.
const LAST_WORDS: usize = 4096;
/// What an answer may hold besides its text.
const OVERHEAD: u64 = 4 * 1024 * 1024;

/// A file to extract.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Its format.
    pub kind: FileKind,
    /// Its path inside the source: a title where the file has none.
    pub name: &'a str,
    /// Where it lies.
    pub file: &'a Path,
    /// The hash that it should have (`sha256:…`), where that was taken earlier.
    pub sha256: Option<&'a str>,
}

/// What a worker is told.
#[derive(Serialize, Deserialize)]
struct Job {
    /// None: try out the sandbox instead.
    kind: Option<FileKind>,
    sha256: Option<String>,
    limits: Limits,
}

/// What a worker tells.
#[derive(Serialize, Deserialize)]
enum Answer {
    Read(Box<Result<Extracted, ExtractError>>),
    Sandbox(Vec<String>),
}

/// Extracts one file in a process of its own. `program` is the absolute path of the program that
/// calls [`run_worker`] for [`COMMAND`], before it does anything else.
pub async fn extract(
    program: &Path,
    input: &Input<'_>,
    limits: &Limits,
) -> Result<Extracted, ExtractError> {
    let file =
        open_plain(input.file).map_err(|error| ExtractError::NotOpened(error.to_string()))?;
    let size = file.metadata().map_err(|error| ExtractError::NotOpened(error.to_string()))?.len();
    if size > limits.file_bytes {
        return Err(ExtractError::TooLarge { size, limit: limits.file_bytes });
    }
    let job =
        Job { kind: Some(input.kind), sha256: input.sha256.map(str::to_owned), limits: *limits };
    match run(program, &job, file.into()).await? {
        Answer::Read(read) => {
            let mut extracted = (*read)?;
            if extracted.title.is_empty() {
                extracted.title = title_of(input.name);
            }
            Ok(extracted)
        }
        Answer::Sandbox(_) => {
            Err(ExtractError::NoWorker("it answered another question".to_owned()))
        }
    }
}

/// Runs a worker that tries to break out. Returns what the system can't forbid it, for `doctor`;
/// empty where all is well.
pub async fn sandbox_gaps(program: &Path) -> Result<Vec<String>, ExtractError> {
    let job = Job { kind: None, sha256: None, limits: Limits { seconds: 5, ..Limits::default() } };
    match run(program, &job, Stdio::null()).await? {
        Answer::Sandbox(gaps) => Ok(gaps),
        Answer::Read(_) => Err(ExtractError::NoWorker("it answered another question".to_owned())),
    }
}

async fn run(program: &Path, job: &Job, stdin: Stdio) -> Result<Answer, ExtractError> {
    let no_worker =
        |error: io::Error| ExtractError::NoWorker(format!("{}: {error}", program.display()));
    let told =
        serde_json::to_string(job).map_err(|error| ExtractError::NoWorker(error.to_string()))?;
    let mut command = Command::new(program);
    command.arg(COMMAND).arg(told).env_clear().current_dir("/").kill_on_drop(true);
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Ctrl-C at the server's terminal is the server's to handle.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(no_worker)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let most = job.limits.text_bytes.saturating_mul(2).saturating_add(OVERHEAD);
    let talk = async { tokio::join!(all_of(stdout, most), first_of(stderr), child.wait()) };
    let timeout = Duration::from_secs(job.limits.seconds);
    let Ok((answer, words, status)) = tokio::time::timeout(timeout, talk).await else {
        child.kill().await.map_err(no_worker)?;
        return Err(ExtractError::Timeout { seconds: job.limits.seconds });
    };
    let answer = answer.map_err(no_worker)?;
    if answer.len() as u64 > most {
        return Err(ExtractError::TooMuchText { limit: job.limits.text_bytes });
    }
    verdict(&answer, &String::from_utf8_lossy(&words), status.map_err(no_worker)?, &job.limits)
}

/// Everything a pipe says, up to one byte more than `most`. After that nobody listens.
async fn all_of(pipe: Option<impl AsyncRead + Unpin>, most: u64) -> io::Result<Vec<u8>> {
    let mut said = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(most.saturating_add(1)).read_to_end(&mut said).await?;
    }
    Ok(said)
}

/// The first words of a pipe. The rest is heard and forgotten, or the worker would wait for ever.
async fn first_of(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut said = Vec::new();
    if let Some(mut pipe) = pipe {
        // Last words are nice to have; without them the exit status speaks.
        let _ = (&mut pipe).take(LAST_WORDS as u64).read_to_end(&mut said).await;
        let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    }
    said
}

/// What became of a worker that has ended.
fn verdict(
    answer: &[u8],
    words: &str,
    status: ExitStatus,
    limits: &Limits,
) -> Result<Answer, ExtractError> {
    if status.success() {
        let text = String::from_utf8_lossy(answer);
        let json = text.rsplit(ANSWER).next().unwrap_or_default();
        return serde_json::from_str(json)
            .map_err(|error| ExtractError::NoWorker(error.to_string()));
    }
    if words.contains("memory allocation of") {
        return Err(ExtractError::Memory { limit: limits.memory_bytes });
    }
    if words.contains("overflowed its stack") {
        return Err(ExtractError::Crashed { how: "its parts are nested too deeply".to_owned() });
    }
    match signal(status) {
        Some(libc::SIGXCPU) => Err(ExtractError::Timeout { seconds: limits.seconds }),
        // Linux takes the largest process when the machine runs out of memory.
        Some(libc::SIGKILL) => Err(ExtractError::Crashed {
            how: "the system killed it, most likely for want of memory".to_owned(),
        }),
        Some(number) => Err(ExtractError::Crashed { how: format!("signal {number}") }),
        None => Err(ExtractError::NoWorker(format!("{status}: {}", words.trim()))),
    }
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<i32> {
    None
}

/// A file's name as a title: `hr/parental-leave_2024.md` is "Parental leave 2024".
fn title_of(name: &str) -> String {
    let file = name.rsplit('/').next().unwrap_or(name);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let words = normalise::line(&stem.replace(['-', '_'], " "));
    let mut chars = words.chars();
    chars
        .next()
        .map_or_else(|| file.to_owned(), |first| first.to_uppercase().chain(chars).collect())
}

/// The worker: reads one file from standard input and answers on standard output. `job` is the
/// argument after [`COMMAND`].
#[must_use]
pub fn run_worker(job: &str) -> ExitCode {
    let Ok(job) = serde_json::from_str::<Job>(job) else {
        eprintln!("this command is for vouch itself");
        return ExitCode::from(2);
    };
    if let Err(error) = sandbox::limit(&job.limits) {
        eprintln!("the limits can't be set: {error}");
        return ExitCode::FAILURE;
    }
    // What a parser says when it panics becomes the reason; nobody reads its backtrace.
    std::panic::set_hook(Box::new(|_| {}));
    match answer(job).and_then(|answer| say(&answer)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The thread with the large stack has to exist before threads are forbidden, and to wait until
/// they are.
fn answer(job: Job) -> io::Result<Answer> {
    let kind = job.kind;
    let (seal, sealed) = mpsc::channel();
    let parser = thread::Builder::new().stack_size(sandbox::STACK).spawn(move || {
        sealed.recv().map_err(io::Error::other)?;
        job.kind.map(|kind| parse(kind, &job)).transpose()
    })?;
    let mut gaps = sandbox::seal();
    seal.send(()).map_err(io::Error::other)?;
    match (parser.join(), kind) {
        (Ok(read), Some(_)) => {
            Ok(Answer::Read(Box::new(read?.unwrap_or(Err(ExtractError::Changed)))))
        }
        (Err(panic), Some(kind)) => {
            let reason = format!(
                "its parser gave up ({}); open the file and save it again",
                last_words(panic.as_ref())
            );
            Ok(Answer::Read(Box::new(Err(ExtractError::unreadable(&format!("{kind:?}"), reason)))))
        }
        (_, None) => {
            gaps.extend(sandbox::leaks());
            Ok(Answer::Sandbox(gaps))
        }
    }
}

fn parse(kind: FileKind, job: &Job) -> io::Result<Result<Extracted, ExtractError>> {
    let limit = job.limits.file_bytes;
    let mut content = Vec::new();
    match io::stdin().lock().take(limit.saturating_add(1)).read_to_end(&mut content) {
        Err(error) if error.kind() == io::ErrorKind::OutOfMemory => {
            return Ok(Err(ExtractError::Memory { limit: job.limits.memory_bytes }));
        }
        read => read?,
    };
    let size = content.len() as u64;
    if size > limit {
        return Ok(Err(ExtractError::TooLarge { size, limit }));
    }
    let hash = || format!("sha256:{}", hex::encode(Sha256::digest(&content)));
    if job.sha256.as_ref().is_some_and(|expected| *expected != hash()) {
        return Ok(Err(ExtractError::Changed));
    }
    Ok(read(kind, &content, &job.limits))
}

fn say(answer: &Answer) -> io::Result<()> {
    let json = serde_json::to_string(answer).map_err(io::Error::other)?;
    let mut out = io::stdout().lock();
    write!(out, "{ANSWER}{json}")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_make_titles() {
        assert_eq!(title_of("hr/parental-leave_2024.md"), "Parental leave 2024");
        assert_eq!(title_of("élan.v2.pdf"), "Élan.v2");
        assert_eq!(title_of("---.md"), "---.md");
    }
}
