//! `vouch mcp`: MCP over standard input and output, for AI clients that start their servers.
//!
//! It passes on what the client wants to the server's own `/mcp`, with the caller's token, so that the
//! server resolves the reader as for every other request. Nothing but the protocol is written to the
//! standard output.

use anyhow::Result;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ListToolsResult,
    PaginatedRequestParams, ResultType, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::transport::stdio;
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::Session;
use super::client::Client;
use super::failure::Failure;
use crate::http::introduction;

/// Serves until the client closes the standard input.
pub(super) async fn run(session: Session) -> Result<()> {
    let served = Relay(session.client).serve(stdio()).await?;
    served.waiting().await?;
    Ok(())
}

/// Passes requests on to a server.
struct Relay(Client);

impl Relay {
    async fn pass_on<T: DeserializeOwned>(
        &self,
        method: &str,
        params: &impl Serialize,
    ) -> Result<T, ErrorData> {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut reply = self.0.post(&["mcp"], &request).await.map_err(|error| said(&error))?;
        if let Ok(error) = serde_json::from_value(reply["error"].take()) {
            return Err(error);
        }
        serde_json::from_value(reply["result"].take())
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))
    }
}

impl ServerHandler for Relay {
    fn get_info(&self) -> ServerConfig {
        introduction()
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let listed: ListToolsResult = self.pass_on("tools/list", &json!({})).await?;
        Ok(ListToolsResult::with_all_items(listed.tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let wanted = json!({"name": request.name, "arguments": request.arguments});
        let mut result: CallToolResult = self.pass_on("tools/call", &wanted).await?;
        // The server leaves it out for the older protocol in which it is asked; it is for the library to
        // say what the client's own wants.
        result.result_type = Some(ResultType::COMPLETE);
        Ok(result.into())
    }
}

/// What kept a request from being answered, for the client's own log.
fn said(error: &anyhow::Error) -> ErrorData {
    let failure = Failure::of(error);
    let hint = failure.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
    ErrorData::internal_error(format!("{failure}{hint}"), None)
}
