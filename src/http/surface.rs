//! Where an answer appears, as the audit names it.
//!
//! It is what the caller says of itself: a description for whoever reads the audit later, and nothing
//! is decided by it. Whoever says nothing, or something else, is a program at the API. The surfaces
//! that have routes of their own are known by those, and can't be claimed.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

/// The header in which Vouch's own programs say what they are.
pub(crate) const SURFACE: &str = "vouch-surface";

/// Where an answer appears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// The widget on a page.
    Widget,
    /// A channel in Slack.
    Slack,
    /// A program.
    Api,
    /// An AI client, over MCP.
    Mcp,
    /// The command line.
    Cli,
    /// A document's page.
    Viewer,
}

impl Surface {
    /// The name in the audit.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Widget => "widget",
            Self::Slack => "slack",
            Self::Api => "api",
            Self::Mcp => "mcp",
            Self::Cli => "cli",
            Self::Viewer => "viewer",
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Surface {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let said = parts.headers.get(SURFACE).map(|value| value.as_bytes());
        let mut claimable = [Self::Widget, Self::Cli].into_iter();
        let known = claimable.find(|one| said == Some(one.name().as_bytes()));
        Ok(known.unwrap_or(Self::Api))
    }
}

/// How `/openapi.json` describes the header.
impl IntoParams for Surface {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let name = ObjectBuilder::new().schema_type(Type::String);
        let header = ParameterBuilder::new()
            .name("Vouch-Surface")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("`widget` or `cli`: where the answer appears, for the audit."))
            .schema(Some(name));
        vec![header.build()]
    }
}
