//! The official client libraries of OpenAI, of MCP and of Slack against a running server: programs that nobody
//! here wrote find in Vouch what they expect. `scripts/fetch-clients` brings them; without them these
//! tests say loudly that they did not run.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::world::{Company, World, loudly};

/// The Python that has the libraries.
pub(crate) fn python(test: &str) -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_BIN_EXE_vouch"));
    let target = program.ancestors().nth(2).expect("target/release/vouch");
    let clients = target.join("clients");
    if clients.join("installed.txt").exists() {
        return Some(clients.join("bin/python"));
    }
    loudly(&format!(
        "`{test}` DID NOT RUN: the client libraries are missing; scripts/fetch-clients brings them"
    ));
    None
}

async fn company() -> World {
    Company::holding(&[
        ("hr/leave.md", "# Leave policy\n\nParental leave is 16 weeks.\n"),
        ("board/plan.md", "# Plan\n\nThe heliotrope merger is in May.\n"),
    ])
    .with_source("board", &json!({"access": {"allow": ["group:hr"]}}))
    .open()
    .await
}

/// Runs one of the programs in `tests/clients` to its good end.
pub(crate) async fn drive(python: PathBuf, program: &str, arguments: Vec<String>) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(program);
    // The server lives in this thread; waiting for the program must not stop it.
    let done = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(python);
        for name in ["VOUCH_URL", "VOUCH_TOKEN", "OPENAI_API_KEY", "OPENAI_BASE_URL"] {
            command.env_remove(name);
        }
        command.env("NO_PROXY", "127.0.0.1").env("PYTHONDONTWRITEBYTECODE", "1");
        command.arg(file).args(arguments).output().expect("Python runs")
    });
    let done = done.await.expect("no panic");
    let said = [done.stdout, done.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    assert!(done.status.success() && said[0] == "done\n", "{program}: {}", said.concat());
}

#[tokio::test]
async fn openais_library_lists_asks_streams_and_cites_and_a_stranger_is_refused() {
    let Some(python) = python("openais_library_lists_asks_streams_and_cites") else { return };
    let world = company().await;
    drive(python, "openai_client.py", vec![world.base.clone(), "demo:bob".to_owned()]).await;
}

#[tokio::test]
async fn the_official_mcp_client_searches_fetches_and_asks_over_http() {
    let Some(python) = python("the_official_mcp_client_over_http") else { return };
    let world = company().await;
    let arguments = ["http", &world.base, "demo:bob"].map(str::to_owned);
    drive(python, "mcp_client.py", arguments.to_vec()).await;
}

#[tokio::test]
async fn the_official_mcp_client_does_so_over_standard_input() {
    let Some(python) = python("the_official_mcp_client_over_standard_input") else { return };
    let world = company().await;
    let arguments = ["stdio", &world.base, "demo:bob", env!("CARGO_BIN_EXE_vouch")];
    drive(python, "mcp_client.py", arguments.map(str::to_owned).to_vec()).await;
}
