//! The worker as a process of its own: what hostile files do to it, and what it can do to anybody.
//!
//! This test has no harness: run without arguments it is the tests, and run as `extract-worker` it
//! is the worker, so that they need no other program.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use vouch_index::{Extracted, FileKind};
use vouch_ingest::worker::{COMMAND, Input, extract, run_worker, sandbox_gaps};
use vouch_ingest::{ExtractError, Limits};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(COMMAND) {
        return run_worker(&arguments.next().unwrap_or_default());
    }
    let tries = Tries::new();
    tries.promise_9_the_worker_can_do_nothing_but_read_its_file();
    tries.a_file_becomes_a_text_with_a_title();
    tries.promise_9_bad_files_fail_by_themselves_with_a_reason();
    tries.promise_9_limits_hold();
    println!("worker: all passed");
    ExitCode::SUCCESS
}

struct Tries {
    program: PathBuf,
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Tries {
    fn new() -> Self {
        Self {
            program: std::env::current_exe().expect("a test has a path"),
            folder: tempfile::tempdir().expect("a temporary folder"),
            runtime: tokio::runtime::Runtime::new().expect("a runtime"),
        }
    }

    fn read(
        &self,
        file: &Path,
        kind: FileKind,
        limits: &Limits,
    ) -> Result<Extracted, ExtractError> {
        let name = file.to_string_lossy();
        let input = Input { kind, name: &name, file, sha256: None };
        self.runtime.block_on(extract(&self.program, &input, limits))
    }

    fn put(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("a temporary file");
        path
    }

    fn promise_9_the_worker_can_do_nothing_but_read_its_file(&self) {
        let gaps = self.runtime.block_on(sandbox_gaps(&self.program)).expect("a worker");
        for gap in &gaps {
            println!("worker: SANDBOX GAP: {gap}");
        }
        // A kernel without landlock is no failure; a worker that can do things is.
        assert!(!gaps.iter().any(|gap| gap.starts_with("the worker can")), "{gaps:?}");
    }

    fn a_file_becomes_a_text_with_a_title(&self) {
        let file = self.put("parental-leave.txt", b"Sixteen weeks for every parent.");
        let read = self.read(&file, FileKind::Text, &Limits::default()).expect("a text");
        assert_eq!(
            (read.title.as_str(), read.text.as_str()),
            ("Parental leave", "Sixteen weeks for every parent.")
        );
        let input =
            Input { kind: FileKind::Text, name: "x.txt", file: &file, sha256: Some("sha256:0") };
        let changed = self.runtime.block_on(extract(&self.program, &input, &Limits::default()));
        assert_eq!(changed, Err(ExtractError::Changed));
        let missing = self.read(Path::new("/nowhere"), FileKind::Text, &Limits::default());
        assert!(matches!(missing, Err(ExtractError::NotOpened(_))));
    }

    fn promise_9_bad_files_fail_by_themselves_with_a_reason(&self) {
        let nested = format!("%PDF-1.7\n1 0 obj\n{}\nendobj\n", "[".repeat(1_000_000));
        let deep = format!("<body>{}x", "<div>".repeat(20_000));
        let cases: [(&str, FileKind, &[u8]); 6] = [
            ("empty.pdf", FileKind::Pdf, b""),
            ("nested.pdf", FileKind::Pdf, nested.as_bytes()),
            ("not.docx", FileKind::Docx, b"PK\x03\x04 not really"),
            ("image.txt", FileKind::Text, &[7, 31, 139, 8, 2, 250, 17, 5].repeat(99)),
            ("deep.html", FileKind::Html, deep.as_bytes()),
            ("blank.md", FileKind::Markdown, b"\n\n"),
        ];
        for (name, kind, content) in cases {
            let file = self.put(name, content);
            match self.read(&file, kind, &Limits { seconds: 20, ..Limits::default() }) {
                Ok(read) => assert!(name == "deep.html" && read.text.contains('x'), "{name}"),
                Err(error) => {
                    println!("worker: {name}: {error}");
                    assert!(!error.worth_retrying(), "{name}: {error}");
                }
            }
        }
    }

    fn promise_9_limits_hold(&self) {
        let file = self.put("long.txt", &b"words and more words\n".repeat(200_000));
        let small = |limits: Limits| self.read(&file, FileKind::Text, &limits);
        let usual = Limits::default();
        assert!(matches!(
            small(Limits { file_bytes: 1000, ..usual }),
            Err(ExtractError::TooLarge { .. })
        ));
        assert!(matches!(
            small(Limits { text_bytes: 1000, ..usual }),
            Err(ExtractError::TooMuchText { .. })
        ));
        assert!(matches!(
            small(Limits { memory_bytes: 2_000_000, ..usual }),
            Err(ExtractError::Memory { .. })
        ));
        let before = Instant::now();
        assert!(matches!(small(Limits { seconds: 0, ..usual }), Err(ExtractError::Timeout { .. })));
        assert!(before.elapsed().as_secs() < 5);
    }
}
