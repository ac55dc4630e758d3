//! Who may call which route, declared where the route is registered.
//!
//! [`Routes`] is the only way to add a route, and takes a [`Policy`] with each: a route without one
//! does not compile (`clippy.toml` refuses axum's own way around it). The declaration goes into
//! `/openapi.json`, and [`declared`](super::declared) lists it for the test that calls every route as
//! every kind of caller. It lets nobody in and keeps nobody out: that is the handler's argument, and a
//! second door would only hide that the first one is open.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::MethodRouter;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, OpenApi};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::app::App;

/// The name of the security scheme in `/openapi.json`.
const BEARER: &str = "bearer";
/// Where a policy stands in `/openapi.json`.
const EXTENSION: &str = "x-policy";

/// Who may call a route. Without a valid credential everything but [`Policy::Open`],
/// [`Policy::Demo`] and [`Policy::SignIn`] answers 401, and so does [`Policy::Slack`] without a signature. The variants that begin with `Its` are about the thing that the
/// request names; for whoever has nothing to do with it, it is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Policy {
    /// Anybody, without a credential. Nothing of the company is shown or changed.
    Open,
    /// Anybody at this machine in demo mode; in every other mode the route is missing.
    Demo,
    /// A browser that signs in, or asks who has. In the demo, where people are played, the route is missing;
    /// the way back from an identity provider also where there is none.
    SignIn,
    /// Slack, by its signature over the body, whatever credential comes along; where Vouch is not in
    /// Slack, the route is missing.
    Slack,
    /// A person, for themselves: what comes back is what this person may see. A key that stands for
    /// nobody gets 403.
    Reader,
    /// A person who may see the thing that is named, or whose own it is. A key that stands for nobody
    /// gets 403, any other person the 404 of a missing thing.
    ItsReader,
    /// Any valid credential. What comes back is what the caller answers for, which may be nothing.
    Anybody,
    /// The source's owner, its approvers, and administrators. 404 for everybody else.
    ItsKeepers,
    /// The source's owner, its approvers, auditors and administrators. 404 for everybody else.
    ItsOverseers,
    /// The source's owner, and administrators. 403 for its approvers, 404 for everybody else.
    ItsOwner,
    /// The source's approvers. Administrators may take back here and let nothing in (403); 404 for
    /// everybody else.
    ItsApprover,
    /// The source's approvers. 404 for everybody else, administrators too.
    ItsApproverAlone,
    /// A key that names the source, and administrators. 403 for everybody else, whether or not there
    /// is such a source.
    ItsPusher,
    /// A key of role widget. 403 for everybody else.
    Lender,
    /// Auditors and administrators. 403 for everybody else.
    Auditor,
    /// Administrators. 403 for everybody else.
    Administrator,
}

impl Policy {
    /// The name in `/openapi.json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Demo => "demo",
            Self::SignIn => "sign-in",
            Self::Slack => "slack",
            Self::Reader => "reader",
            Self::ItsReader => "its reader",
            Self::Anybody => "anybody",
            Self::ItsKeepers => "its keepers",
            Self::ItsOverseers => "its overseers",
            Self::ItsOwner => "its owner",
            Self::ItsApprover => "its approver",
            Self::ItsApproverAlone => "its approver alone",
            Self::ItsPusher => "its pusher",
            Self::Lender => "lender",
            Self::Auditor => "auditor",
            Self::Administrator => "administrator",
        }
    }

    /// Whether a call needs a credential.
    #[must_use]
    pub fn needs_credential(self) -> bool {
        !matches!(self, Self::Open | Self::Demo | Self::SignIn | Self::Slack)
    }
}

/// A route of the running server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Declared {
    /// The path's pattern, as axum reads it.
    pub path: String,
    /// The method. A route that takes GET takes HEAD as well.
    pub method: Method,
    /// Who may call it.
    pub policy: Policy,
    /// Whether it is part of the API, and so of `/openapi.json`; pages for people are not.
    pub described: bool,
}

/// Routes with their policies.
pub(super) struct Routes {
    routes: OpenApiRouter<Arc<App>>,
    declared: Vec<Declared>,
}

impl Routes {
    /// No routes yet, below this head of the description.
    pub(super) fn new(head: OpenApi) -> Self {
        Self { routes: OpenApiRouter::with_openapi(head), declared: Vec::new() }
    }

    /// Adds routes of the API.
    #[expect(clippy::disallowed_methods, reason = "the policy is declared beside it")]
    pub(super) fn api(mut self, policy: Policy, routes: UtoipaMethodRouter<Arc<App>>) -> Self {
        let (schemas, mut paths, handlers) = routes;
        for (path, item) in &mut paths.paths {
            for (method, operation) in operations(item) {
                describe(operation, policy);
                let path = path.clone();
                self.declared.push(Declared { path, method, policy, described: true });
            }
        }
        Self { routes: self.routes.routes((schemas, paths, handlers)), ..self }
    }

    /// Adds something for people to open.
    pub(super) fn page<H, T>(self, policy: Policy, path: &str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.on(Method::GET, policy, path, axum::routing::get(handler))
    }

    /// Adds what a page sends.
    pub(super) fn form<H, T>(self, policy: Policy, path: &str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.on(Method::POST, policy, path, axum::routing::post(handler))
    }

    #[expect(clippy::disallowed_methods, reason = "the policy is declared beside it")]
    fn on(
        mut self,
        method: Method,
        policy: Policy,
        path: &str,
        handler: MethodRouter<Arc<App>>,
    ) -> Self {
        let path = path.to_owned();
        let routes = self.routes.route(&path, handler);
        self.declared.push(Declared { path, method, policy, described: false });
        Self { routes, ..self }
    }

    /// Every route with its policy, sorted by path.
    pub(super) fn declared(mut self) -> Vec<Declared> {
        self.declared.sort();
        self.declared
    }

    /// The router, and the description of its API.
    ///
    /// # Errors
    /// Description and declarations do not agree.
    pub(super) fn split(self) -> Result<(Router<Arc<App>>, OpenApi)> {
        let (routes, mut described) = self.routes.split_for_parts();
        check(&self.declared, &mut described)?;
        let components = described.components.get_or_insert_with(Components::new);
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
        // axum marks the parameter that takes the rest of a path with a star; OpenAPI knows no such.
        let paths = std::mem::take(&mut described.paths.paths);
        described.paths.paths =
            paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
        Ok((routes, described))
    }
}

/// What an operation's description says of its policy.
fn describe(operation: &mut Operation, policy: Policy) {
    let extension = ExtensionsBuilder::new().add(EXTENSION, policy.name()).build();
    operation.extensions.get_or_insert_default().merge(extension);
    let needed = SecurityRequirement::new(BEARER, Vec::<String>::new());
    operation.security = Some(if policy.needs_credential() { vec![needed] } else { Vec::new() });
}

/// The operations of a path, by method.
fn operations(item: &mut PathItem) -> Vec<(Method, &mut Operation)> {
    let all = [
        (Method::GET, &mut item.get),
        (Method::PUT, &mut item.put),
        (Method::POST, &mut item.post),
        (Method::DELETE, &mut item.delete),
        (Method::OPTIONS, &mut item.options),
        (Method::HEAD, &mut item.head),
        (Method::PATCH, &mut item.patch),
        (Method::TRACE, &mut item.trace),
    ];
    all.into_iter().filter_map(|(method, one)| Some((method, one.as_mut()?))).collect()
}

/// Refuses a description that says something else than was declared.
fn check(declared: &[Declared], described: &mut OpenApi) -> Result<()> {
    let mut expected = BTreeMap::new();
    for one in declared.iter().filter(|one| one.described) {
        let before = expected.insert((one.path.clone(), one.method.to_string()), one.policy);
        ensure!(before.is_none(), "{} {} is declared twice", one.method, one.path);
    }
    for (path, item) in &mut described.paths.paths {
        for (method, operation) in operations(item) {
            let Some(policy) = expected.remove(&(path.clone(), method.to_string())) else {
                bail!("{method} {path} is described, and no policy is declared for it");
            };
            let said = operation.extensions.as_ref().and_then(|all| all.get(EXTENSION));
            ensure!(
                said.and_then(|said| said.as_str()) == Some(policy.name()),
                "{method} {path} is declared for `{}`, and its description says {said:?}",
                policy.name()
            );
            let secured = operation.security.as_ref().is_some_and(|needed| !needed.is_empty());
            ensure!(
                secured == policy.needs_credential(),
                "{method} {path}: the description is wrong on whether a credential is needed"
            );
        }
    }
    match expected.into_keys().next() {
        Some((path, method)) => bail!("{method} {path} is declared, and not described"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[utoipa::path(get, path = "/thing", responses((status = 200)))]
    async fn thing() {}

    #[utoipa::path(get, path = "/other", responses((status = 200)))]
    async fn other() {}

    fn routes() -> Routes {
        Routes::new(OpenApi::default()).api(Policy::Reader, utoipa_axum::routes!(thing)).page(
            Policy::Open,
            "/page",
            other,
        )
    }

    #[test]
    fn a_declared_route_is_described_with_its_policy() {
        let (_, described) = routes().split().unwrap();
        let described = serde_json::to_value(described).unwrap();
        let operation = &described["paths"]["/thing"]["get"];
        assert_eq!(operation[EXTENSION], "reader");
        assert_eq!(operation["security"], serde_json::json!([{ BEARER: [] }]));
        assert!(described["paths"]["/page"].is_null(), "{described}");
        let policies: Vec<_> =
            routes().declared().into_iter().map(|one| (one.path, one.policy)).collect();
        let page = ("/page".to_owned(), Policy::Open);
        assert_eq!(policies, [page, ("/thing".to_owned(), Policy::Reader)]);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "what is undeclared must be refused")]
    fn a_description_that_says_something_else_refuses_to_start() {
        let mut undeclared = routes();
        undeclared.routes = undeclared.routes.routes(utoipa_axum::routes!(other));
        let mut changed = routes();
        let paths = &mut changed.routes.get_openapi_mut().paths.paths;
        describe(paths.get_mut("/thing").unwrap().get.as_mut().unwrap(), Policy::Open);
        let mut unsecured = routes();
        let paths = &mut unsecured.routes.get_openapi_mut().paths.paths;
        paths.get_mut("/thing").unwrap().get.as_mut().unwrap().security = None;
        let mut forgotten = routes();
        forgotten.routes.get_openapi_mut().paths.paths.clear();
        let mut twice = routes();
        twice.declared.extend(routes().declared());
        for (routes, why) in [
            (undeclared, "no policy is declared"),
            (changed, "its description says"),
            (unsecured, "whether a credential is needed"),
            (forgotten, "not described"),
            (twice, "declared twice"),
        ] {
            let refused = routes.split().err().map(|error| error.to_string()).unwrap_or_default();
            assert!(refused.contains(why), "{why}: {refused}");
        }
    }
}
