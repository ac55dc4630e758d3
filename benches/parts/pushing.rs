//! How olga brings documents to a server and asks it.

use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::RequestBuilder;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::server::Server;

/// A document to push.
pub(crate) struct Pushed {
    pub(crate) path: String,
    pub(crate) title: Option<String>,
    pub(crate) body: String,
}

impl Server {
    /// One request as olga.
    pub(crate) async fn call(&self, request: RequestBuilder) -> Result<Value> {
        let response = request.bearer_auth("demo:olga").send().await?;
        let status = response.status();
        let body: Value = response.json().await?;
        ensure!(status.is_success(), "{status}: {body}");
        Ok(body)
    }

    /// Pushes documents into a new source that everybody may read, and waits until words and vectors
    /// have caught up.
    pub(crate) async fn push(&self, source: &str, documents: &[Pushed]) -> Result<()> {
        let spec = json!({
            "id": source, "kind": "push", "owner": "user:olga", "purpose": "a benchmark",
            "approvers": ["user:olga"], "approval": "source", "access": {"allow": ["everyone"]},
        });
        let sources = format!("{}/v1/admin/sources", self.url);
        self.call(self.client.post(&sources).json(&spec)).await?;
        let pushes = documents.iter().map(|Pushed { path, title, body }| {
            let metadata = title.as_ref().map_or(json!({}), |title| json!({ "title": title }));
            let file = Part::text(body.clone()).file_name(path.clone());
            let form = Form::new().text("metadata", metadata.to_string()).part("file", file);
            self.call(
                self.client.put(format!("{sources}/{source}/documents/{path}")).multipart(form),
            )
        });
        stream::iter(pushes).buffer_unordered(2).try_collect::<Vec<_>>().await?;
        loop {
            let pushed = self.call(self.client.get(format!("{sources}/{source}"))).await?;
            let status = self.client.get(format!("{}/v1/admin/status", self.url));
            let status = self.call(status).await?;
            let followed =
                status["generation_behind"] == 0 && status["embedded"] == status["chunks"];
            if pushed["syncing"] == false && followed {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}
