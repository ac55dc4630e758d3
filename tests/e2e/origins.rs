//! Pages of other sites: those that are listed may call the readers' routes, with a credential of
//! their own, and nobody else's browser hears a word of CORS.

use reqwest::Method;

use crate::world::{Company, Person, Reply};

const LISTED: &str = "https://intranet.example.com";

async fn call(person: &Person, (method, path): (Method, &str), origin: &str) -> Reply {
    let preflight = method == Method::OPTIONS;
    let mut request = person.request(method, path).header("origin", origin);
    if preflight {
        request = request
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type,vouch-surface");
    } else {
        request = request.header("content-type", "application/json").body("{\"query\": \"leave\"}");
    }
    person.send(request).await
}

fn silent(reply: &Reply) -> bool {
    !reply.headers.iter().any(|(name, _)| name.starts_with("access-control"))
}

#[tokio::test]
async fn a_listed_site_may_call_the_readers_routes_and_no_other_site_may() {
    let company = Company::holding(&[("hr/leave.md", "# Leave\n\nLeave is 16 weeks.\n")]);
    let world = company.with_origins(&[LISTED]).open().await;
    let (bob, stranger) = (world.bob(), world.stranger());
    let preflight = call(&stranger, (Method::OPTIONS, "/v1/search"), LISTED).await;
    assert_eq!(preflight.status, 200, "a preflight carries no credential: {preflight:?}");
    assert_eq!(preflight.header("access-control-allow-origin"), Some(LISTED));
    assert_eq!(
        preflight.header("access-control-allow-headers"),
        Some(
            "authorization,content-type,vouch-surface,vouch-reader,mcp-protocol-version,mcp-method,\
             mcp-name"
        )
    );
    let found = call(&bob, (Method::POST, "/v1/search"), LISTED).await;
    assert_eq!((found.status, found.header("access-control-allow-origin")), (200, Some(LISTED)));
    let refused = call(&stranger, (Method::POST, "/v1/search"), LISTED).await;
    assert_eq!(refused.status, 401, "a site is no credential");
    assert_eq!(refused.header("access-control-allow-origin"), Some(LISTED), "it may read why");
    for reply in [&preflight, &found, &refused] {
        assert_eq!(reply.header("access-control-allow-credentials"), None, "no cookies: {reply:?}");
    }
    for origin in ["https://evil.example", "https://intranet.example.com.evil.example", "null"] {
        assert!(
            silent(&call(&stranger, (Method::OPTIONS, "/v1/search"), origin).await),
            "{origin}"
        );
        assert!(silent(&call(&bob, (Method::POST, "/v1/search"), origin).await), "{origin}");
    }
    for path in ["/v1/admin/sources", "/", "/view/hr/leave.md", "/signin"] {
        assert!(silent(&call(&stranger, (Method::OPTIONS, path), LISTED).await), "{path}");
        assert!(silent(&call(&bob, (Method::GET, path), LISTED).await), "{path}");
    }
}

#[tokio::test]
async fn without_listed_sites_there_is_no_cors_at_all() {
    let world = Company::holding(&[]).open().await;
    let preflight = call(&world.stranger(), (Method::OPTIONS, "/v1/search"), LISTED).await;
    assert_eq!(preflight.problem(), (405, "method_not_allowed".to_owned()));
    assert!(silent(&preflight));
}
