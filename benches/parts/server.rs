//! A server of this build in demo mode, with one administrator: olga.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, Result};

/// A server's process; it ends when this is dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        // What it acknowledged is on disk.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Writes a server's configuration into a folder, with these settings besides, and says where it will
/// listen.
pub(crate) fn configure(folder: &Path, settings: &str) -> Result<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let person = "[[person]]\nuser = \"olga\"\nname = \"Olga\"\nroles = [\"administrator\"]\n";
    std::fs::write(folder.join("people.toml"), person)?;
    let model = root.join("models/all-minilm-l6-v2");
    let runtime = root.join("models/libonnxruntime.so");
    let config = format!(
        "data_dir = \"data\"\n[server]\nlisten = \"{address}\"\n[auth]\nmode = \"demo\"\n\
         [auth.demo]\npeople = \"people.toml\"\n[embedding]\nmodel = {model:?}\n\
         runtime = {runtime:?}\n[log]\nlevel = \"warn\"\n{settings}"
    );
    let file = folder.join("vouch.toml");
    std::fs::write(&file, config)?;
    Ok((file, address))
}

impl Server {
    /// Starts it and waits until it is ready.
    pub(crate) async fn start((config, address): &(PathBuf, String)) -> Result<Self> {
        let process = Command::new(env!("CARGO_BIN_EXE_vouch"))
            .args(["serve", "--config"])
            .arg(config)
            .spawn()
            .context("the server can't be started")?;
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder().no_proxy().build()?;
        let server = Self { process, url: format!("http://{address}"), client };
        for _ in 0..1200 {
            let ready = server.client.get(format!("{}/readyz", server.url)).send().await;
            if ready.is_ok_and(|ready| ready.status().is_success()) {
                return Ok(server);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("the server was not ready within two minutes")
    }
}
