//! `vouch doctor`, the identity provider and Slack: each thing that can be wrong is said, with what to do.

use serde_json::{Value, json};

use crate::idp::{CLIENT, Idp, Key};
use crate::process::run;
use crate::world::Company;

const FIRST: &str = "the-first-administrators-key-0123456789";

/// What doctor finds of a provider, and how it ends.
async fn finds(company: &Company) -> (Option<i32>, Vec<Value>) {
    findings(company, &["provider", "clock"]).await
}

/// What doctor finds of these, and how it ends.
async fn findings(company: &Company, wanted: &[&str]) -> (Option<i32>, Vec<Value>) {
    let folder = company.folder().to_owned();
    std::fs::write(folder.join("vouch.toml"), company.toml()).expect("a settings file");
    // The provider lives in this thread; waiting for the command must not stop it.
    let done = tokio::task::spawn_blocking(move || {
        run(&folder, &["doctor", "--config", "vouch.toml", "--json"])
    });
    let (code, said) = done.await.expect("the command ends");
    let found: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("no JSON: {said}"));
    let findings = found["findings"].as_array().expect("findings").clone();
    let about = |finding: &Value| wanted.iter().any(|wanted| finding["what"] == *wanted);
    (code, findings.into_iter().filter(about).collect())
}

fn company(issuer: &str) -> Company {
    Company::holding(&[]).with_provider(FIRST, issuer, &format!("client_id = {CLIENT:?}"))
}

#[tokio::test]
async fn doctor_looks_at_the_identity_provider() {
    let idp = Idp::start().await;
    let company = company(&idp.issuer);
    let (code, found) = finds(&company).await;
    assert_eq!(code, Some(0), "{found:?}");
    assert!(found.len() == 2 && found.iter().all(|one| one["level"] == "ok"), "{found:?}");
    let detail = found[0]["detail"].as_str().unwrap();
    assert!(
        detail.contains(&idp.issuer) && detail.contains("3 keys (ES256, EdDSA, RS256)"),
        "{detail}"
    );

    idp.behaviour().ahead = 45;
    let (code, found) = finds(&company).await;
    assert_eq!((code, &found[1]["level"]), (Some(0), &json!("warn")), "{found:?}");
    for ahead in [90, -90] {
        idp.behaviour().ahead = ahead;
        let (code, found) = finds(&company).await;
        assert_eq!((code, &found[1]["level"]), (Some(1), &json!("fail")), "{found:?}");
        let side = if ahead > 0 { "behind" } else { "ahead of" };
        assert!(found[1]["detail"].as_str().unwrap().contains(side), "{found:?}");
        assert!(found[1]["remedy"].as_str().unwrap().contains("clock"), "{found:?}");
    }
}

#[tokio::test]
async fn doctor_says_what_is_wrong_with_an_identity_provider_and_what_to_do() {
    let idp = Idp::start().await;
    let company = company(&idp.issuer);
    let weak = Key::rsa("weak", 1024).public;
    let fails = async |detail: &str, remedy: &str| {
        let (code, found) = finds(&company).await;
        assert_eq!((code, found.len()), (Some(1), 1), "{found:?}");
        let said = |name: &str| found[0][name].as_str().expect("text").to_owned();
        assert!(said("detail").contains(detail), "{found:?}");
        assert!(said("remedy").contains(remedy), "{found:?}");
    };
    idp.behaviour().down = true;
    fails("503", "auth.oidc.issuer").await;
    idp.behaviour().down = false;
    idp.behaviour().named = format!("{}/", idp.issuer);
    fails("another issuer", "byte for byte").await;
    idp.behaviour().named = idp.issuer.clone();
    for keys in [vec![], vec![weak], vec![json!({"kty": "oct", "k": "c2VjcmV0"})]] {
        idp.behaviour().keys = keys;
        fails("no key that can check a signature", "RSA (2048").await;
    }
    idp.behaviour().padding = 2_000_000;
    fails("longer than", "keys").await;
}

#[tokio::test]
async fn doctor_says_that_no_provider_is_there() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let issuer = format!("http://{}", nobody.local_addr().expect("a bound port"));
    drop(nobody);
    let (code, found) = finds(&company(&issuer)).await;
    assert_eq!((code, found.len()), (Some(1), 1), "{found:?}");
    assert!(found[0]["detail"].as_str().unwrap().contains("discovery at"), "{found:?}");
    assert!(found[0]["remedy"].as_str().unwrap().contains("reaches the provider"), "{found:?}");
}

#[tokio::test]
async fn doctor_looks_at_slack() {
    let fake = crate::slack::Fake::start().await;
    for (settings, level, said) in [
        (fake.settings(""), "ok", "T0VOUCH"),
        (
            fake.settings("").replace("T0VOUCH", "T0OTHER"),
            "fail",
            "belongs to the workspace T0VOUCH",
        ),
        (fake.settings("").replace("CARGO_PKG_NAME", "CARGO_PKG_VERSION"), "fail", "invalid_auth"),
    ] {
        let company = Company::holding(&[]).with_settings(&settings);
        let found = findings(&company, &["slack"]).await.1;
        assert_eq!((found.len(), &found[0]["level"]), (1, &json!(level)), "{found:?}");
        assert!(found[0]["detail"].as_str().unwrap().contains(said), "{found:?}");
    }
    let all = "app_mentions:read,im:history,channels:history,groups:history,mpim:history,channels:read,\
               groups:read,mpim:read,users:read,users:read.email,chat:write,commands";
    let company = Company::holding(&[]).with_settings(&fake.settings(""));
    for (scopes, level, said) in [
        (all.to_owned(), "ok", "T0VOUCH"),
        (format!("{all},files:read"), "ok", "T0VOUCH"),
        (all.replace("users:read.email,", ""), "fail", "lacks the scopes users:read.email"),
        ("chat:write".to_owned(), "fail", "channels:read"),
    ] {
        fake.inside().scopes = Some(scopes);
        let found = findings(&company, &["slack"]).await.1;
        assert_eq!((found.len(), &found[0]["level"]), (1, &json!(level)), "{found:?}");
        assert!(found[0]["detail"].as_str().unwrap().contains(said), "{found:?}");
    }
}
