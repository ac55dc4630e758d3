//! Tokens of an identity provider: which count, which don't, and how its keys are looked after.

use std::fmt::Write as _;

use base64::Engine as _;
use jsonwebtoken::{Algorithm, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};
use vouch_index::ledger::now;

use crate::idp::{Idp, Key, base64url};
use crate::world::{Company, Person, Reply, World, until};

const FIRST: &str = "the-first-administrators-key-0123456789";

/// A company whose people sign in through this provider, with one source for everybody and one for
/// the group `hr`.
pub(crate) async fn company(idp: &Idp, lines: &str) -> World {
    let approver =
        json!({"owner": "user:olga@example.com", "approvers": ["user:dana@example.com"]});
    let mut private = approver.clone();
    private["access"] = json!({"allow": ["group:hr"]});
    let world = Company::holding(&[
        ("news/office.md", "# Office\n\nThe heliotrope opens at nine.\n"),
        ("hr/pay.md", "# Pay\n\nThe heliotrope is paid monthly.\n"),
    ])
    .with_source("news", &approver)
    .with_source("hr", &private)
    .with_settings(
        "[auth.roles]\nadministrators = [\"group:admins\"]\nauditors = [\"user:eve@example.com\"]",
    )
    .with_provider(FIRST, &idp.issuer, lines)
    .open()
    .await;
    let dana = world.alice().holding(&idp.token("dana"));
    for source in ["news", "hr"] {
        dana.approve(source).await;
    }
    world.settled().await;
    world
}

async fn search(person: &Person) -> Reply {
    person.post("/v1/search", &json!({"query": "heliotrope"})).await
}

#[tokio::test]
async fn a_sound_token_of_each_algorithm_is_a_reader_with_the_groups_that_it_names() {
    let idp = Idp::start().await;
    let world = company(&idp, "").await;
    for key in [&idp.rsa, &idp.ec, &idp.ed] {
        let plain = world.alice().holding(&key.token(&idp.claims("bob")));
        assert_eq!(plain.finds("heliotrope").await, ["news/office.md"], "{}", key.id);
        for groups in [json!(["hr", "x"]), json!("hr")] {
            let claims = idp.claims_but("bob", &json!({ "groups": groups }));
            let member = world.alice().holding(&key.token(&claims));
            assert_eq!(member.finds("heliotrope").await, ["hr/pay.md", "news/office.md"]);
        }
    }
    let several =
        idp.claims_but("bob", &json!({"aud": ["other", "vouch"], "email": "Bob@Example.COM"}));
    let bob = world.alice().holding(&idp.rsa.token(&several));
    assert_eq!(bob.finds("heliotrope").await, ["news/office.md"], "the same bob, in lower case");
    for typ in ["JWT", "application/at+jwt", "AT+JWT"] {
        let mut header = idp.rsa.header();
        header["typ"] = json!(typ);
        let token = idp.rsa.sign(&header, &idp.claims("bob"));
        assert_eq!(search(&world.alice().holding(&token)).await.status, 200, "{typ}");
    }
    assert_eq!(idp.behaviour().fetches, 1);
}

#[tokio::test]
async fn groups_of_another_type_are_no_groups_and_old_groups_do_not_count() {
    let idp = Idp::start().await;
    let world = company(&idp, "").await;
    let long = format!("x{}", "y".repeat(400));
    for (case, changes) in [
        ("a number among them", json!({"groups": ["hr", 1]})),
        ("an object", json!({"groups": {"hr": true}})),
        ("true", json!({"groups": true})),
        ("a text with commas is one group", json!({"groups": "hr,x"})),
        ("an empty name", json!({"groups": ["hr", ""]})),
        ("a name with a space around it", json!({"groups": ["hr", " hr"]})),
        ("a control character", json!({"groups": ["hr", "h\nr"]})),
        ("a name without end", json!({"groups": ["hr", long]})),
        ("in another claim", json!({"roles": ["hr"]})),
        ("issued sixteen minutes ago", json!({"groups": ["hr"], "iat": now() - 960})),
        ("issued nobody knows when", json!({"groups": ["hr"], "iat": null})),
    ] {
        let token = idp.rsa.token(&idp.claims_but("bob", &changes));
        let bob = world.alice().holding(&token);
        assert_eq!(bob.finds("heliotrope").await, ["news/office.md"], "{case}");
    }
    let fresh = idp.claims_but("bob", &json!({"groups": ["hr"], "iat": now() - 600}));
    let bob = world.alice().holding(&idp.rsa.token(&fresh));
    assert_eq!(bob.finds("heliotrope").await.len(), 2);
    // A group that Vouch keeps counts from the ledger alone, whatever a token says.
    let kept = json!({"group": "hr", "add": ["user:carla@example.com"], "remove": []});
    assert_eq!(world.alice().post("/v1/admin/groups", &kept).await.status, 200);
    assert_eq!(bob.finds("heliotrope").await, ["news/office.md"]);
    let carla = world.alice().holding(&idp.token("carla"));
    assert_eq!(carla.finds("heliotrope").await.len(), 2);
}

#[tokio::test]
async fn roles_come_from_the_settings() {
    let idp = Idp::start().await;
    let world = company(&idp, "").await;
    let admin = idp.claims_but("ann", &json!({"groups": ["admins"]}));
    let admin = world.alice().holding(&idp.rsa.token(&admin));
    let (ann, eve) = (idp.token("ann"), idp.token("eve"));
    let (ann, eve) = (world.alice().holding(&ann), world.alice().holding(&eve));
    assert_eq!(admin.get("/v1/admin/status").await.status, 200);
    assert_eq!(ann.get("/v1/admin/status").await.problem().0, 403);
    assert_eq!(eve.get("/v1/admin/audit").await.status, 200);
    assert_eq!(eve.get("/v1/admin/status").await.problem().0, 403);
    assert_eq!(admin.finds("heliotrope").await, ["news/office.md"], "no reader of everything");
}

#[tokio::test]
async fn a_subject_and_a_user_are_bound_when_first_seen_until_an_administrator_releases_them() {
    let idp = Idp::start().await;
    let world = company(&idp, "").await;
    let with =
        |changes: &Value| world.alice().holding(&idp.rsa.token(&idp.claims_but("bob", changes)));
    assert_eq!(search(&with(&json!({}))).await.status, 200);
    let successor = with(&json!({"sub": "subject-of-a-successor"}));
    let renamed = with(&json!({"email": "robert@example.com"}));
    assert_eq!(search(&successor).await.problem(), (403, "identity_taken".to_owned()));
    let reply = search(&renamed).await;
    assert_eq!(reply.problem(), (403, "identity_changed".to_owned()));
    assert!(reply.body.contains("vouch user release bob@example.com"), "{}", reply.body);
    assert_eq!(search(&with(&json!({}))).await.status, 200, "the first one is not disturbed");
    let audit = world.alice().get("/v1/admin/audit?user=bob@example.com").await.json();
    assert_eq!(audit["records"][0]["kind"], "user.recognise", "{audit}");
    let release = json!({"user": "bob@example.com", "act": "release", "why": "somebody new"});
    let without = json!({"user": "bob@example.com", "act": "release"});
    assert_eq!(world.alice().post("/v1/admin/users", &without).await.problem().0, 422);
    assert_eq!(world.alice().post("/v1/admin/users", &release).await.status, 200);
    assert_eq!(search(&successor).await.status, 200);
    assert_eq!(search(&with(&json!({}))).await.problem().1, "identity_taken");
    let audit = world.alice().get("/v1/admin/audit?user=key:bootstrap").await.json();
    let records = audit["records"].as_array().expect("records");
    assert!(records.iter().any(|record| record["kind"] == "user.release"), "{audit}");
    let nobody = json!({"user": "nobody@example.com", "act": "release", "why": "a test"});
    let reply = world.alice().post("/v1/admin/users", &nobody).await;
    assert_eq!(reply.problem(), (409, "not_bound".to_owned()));
}

#[tokio::test]
async fn a_blocked_person_gets_403_everywhere_and_while_stopped_readers_get_503() {
    let idp = Idp::start().await;
    let world = company(&idp, "").await;
    let admin = idp.claims_but("ann", &json!({"groups": ["admins"]}));
    let ann = world.alice().holding(&idp.rsa.token(&admin));
    let key =
        json!({"name": "push", "role": "pusher", "source": "news", "user": "ann@example.com"});
    let key = world.alice().post("/v1/admin/keys", &key).await.json();
    let key = world.alice().holding(key["key"].as_str().unwrap());
    assert_eq!(search(&ann).await.status, 200);
    let ledger = world.ledger();
    ledger
        .execute(
            "INSERT INTO block VALUES ('ann@example.com', 'user:x', 'a secret reason', 0, NULL)",
            [],
        )
        .unwrap();
    for (person, path) in [
        (&ann, "/v1/admin/status"),
        (&ann, "/v1/documents/news/office.md"),
        (&key, "/v1/admin/keys"),
    ] {
        let reply = person.get(path).await;
        assert_eq!(reply.problem(), (403, "blocked".to_owned()), "{path}");
        assert!(!reply.body.contains("secret"), "{}", reply.body);
    }
    ledger.execute("DELETE FROM block", []).unwrap();
    ledger
        .execute("INSERT INTO stop VALUES (1, 'user:x', 'a secret reason', 0, NULL)", [])
        .unwrap();
    let reply = search(&ann).await;
    assert_eq!(reply.problem(), (503, "stopped".to_owned()));
    assert!(!reply.body.contains("secret"), "{}", reply.body);
    assert_eq!(ann.get("/v1/documents/news/office.md").await.problem().0, 503);
    assert_eq!(ann.get("/v1/admin/status").await.status, 200, "somebody must be able to start it");
    ledger.execute("DELETE FROM stop", []).unwrap();
    assert_eq!(search(&ann).await.status, 200);
}

/// One bad token: what is wrong with it, the code of the answer, the token.
type Bad = (String, &'static str, String);

#[tokio::test]
async fn every_bad_token_is_refused_for_its_reason() {
    let idp = Idp::start().await;
    let ours = Keys::added_to(&idp);
    let world = company(&idp, "").await;
    assert_eq!(search(&world.alice().holding(&idp.token("bob"))).await.status, 200);
    let mut table = wrong_claims(&idp);
    table.extend(wrong_types(&idp));
    table.extend(wrong_users(&idp));
    table.extend(wrong_algorithms(&idp, &ours));
    table.extend(wrong_headers(&idp, &ours));
    table.extend(wrong_signatures(&idp, &ours));
    table.extend(wrong_forms(&idp));
    assert!(table.len() >= 60, "{}", table.len());
    let mut wrong = String::new();
    for (case, code, token) in &table {
        let reply = search(&world.alice().holding(token)).await;
        let got = reply.problem();
        if got != (401, (*code).to_owned()) || reply.header("www-authenticate") != Some("Bearer") {
            writeln!(wrong, "{case}: {got:?} and not {code}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "of {} tokens:\n{wrong}", table.len());
    assert_eq!(idp.behaviour().fetches, 1, "no bad token makes the provider be asked");
    assert_eq!(search(&world.alice().holding(&idp.token("bob"))).await.status, 200);
}

/// Keys besides the three good ones.
struct Keys {
    /// In the set, for encryption.
    encrypts: Key,
    /// In the set, for operations other than checking.
    operates: Key,
    /// In the set, too short.
    weak: Key,
    /// In the set, on one curve and named for another.
    mixed: Key,
    /// Not in the set, with the names of those that are.
    strangers: [Key; 3],
}

impl Keys {
    fn added_to(idp: &Idp) -> Self {
        let keys = Self {
            encrypts: idp.rsa.described("encrypts", &json!({"use": "enc"})),
            operates: idp.rsa.described("operates", &json!({"key_ops": ["encrypt"]})),
            weak: Key::rsa("weak", 1024),
            mixed: idp.ec.described("mixed", &json!({"alg": "ES384"})),
            strangers: [Key::rsa("rsa", 2048), Key::ec("ec"), Key::ed("ed")],
        };
        let shared =
            json!({"kty": "oct", "kid": "shared", "alg": "HS256", "k": base64url("secret")});
        let short =
            json!({"kty": "OKP", "crv": "Ed25519", "kid": "short", "x": base64url("short")});
        let mut behaviour = idp.behaviour();
        for key in [&keys.encrypts, &keys.operates, &keys.weak, &keys.mixed] {
            behaviour.keys.push(key.public.clone());
        }
        behaviour.keys.extend([shared, short, json!(null), json!({"kty": "new"})]);
        drop(behaviour);
        keys
    }
}

fn row(case: &str, code: &'static str, token: String) -> Bad {
    (case.to_owned(), code, token)
}

fn wrong_claims(idp: &Idp) -> Vec<Bad> {
    let slash = format!("{}/", idp.issuer);
    let rows = [
        ("exp missing", "bad_token", json!({"exp": null})),
        ("expired an hour ago", "token_expired", json!({"exp": now() - 3600})),
        ("expired a second ago", "token_expired", json!({"exp": now() - 1})),
        ("expires now", "token_expired", json!({"exp": now()})),
        ("exp zero", "token_expired", json!({"exp": 0})),
        ("exp in a hundred years", "bad_token", json!({"exp": now() + 3_200_000_000_i64})),
        ("exp in milliseconds", "bad_token", json!({"exp": (now() + 300) * 1000})),
        ("exp at the end of numbers", "bad_token", json!({"exp": i64::MAX})),
        ("nbf in an hour", "bad_token", json!({"nbf": now() + 3600})),
        ("nbf at the end of numbers", "bad_token", json!({"nbf": i64::MAX})),
        ("iat in an hour", "bad_token", json!({"iat": now() + 3600})),
        ("iss missing", "bad_token", json!({"iss": null})),
        ("iss of another", "bad_token", json!({"iss": "https://idp.example.com"})),
        ("iss with a slash", "bad_token", json!({"iss": slash})),
        ("iss in capitals", "bad_token", json!({"iss": idp.issuer.to_uppercase()})),
        ("iss empty", "bad_token", json!({"iss": ""})),
        ("aud missing", "bad_token", json!({"aud": null})),
        ("aud of another", "bad_token", json!({"aud": "wiki"})),
        (
            "aud of another client",
            "bad_token",
            json!({"aud": "wiki", "azp": "vouch", "client_id": "vouch"}),
        ),
        ("aud of others", "bad_token", json!({"aud": ["wiki", "mail"]})),
        ("aud of nobody", "bad_token", json!({"aud": []})),
        ("aud empty", "bad_token", json!({"aud": ""})),
        ("aud that begins like ours", "bad_token", json!({"aud": "vouch2"})),
        ("aud in capitals", "bad_token", json!({"aud": "VOUCH"})),
        ("aud with spaces", "bad_token", json!({"aud": "wiki vouch"})),
        ("aud in a list in a list", "bad_token", json!({"aud": [["vouch"]]})),
        ("sub missing", "bad_token", json!({"sub": null})),
        ("sub empty", "bad_token", json!({"sub": ""})),
        ("sub with a control character", "bad_token", json!({"sub": "a\u{0}b"})),
        ("sub without end", "bad_token", json!({"sub": "s".repeat(400)})),
    ];
    rows.map(|(case, code, changes)| {
        row(case, code, idp.rsa.token(&idp.claims_but("bob", &changes)))
    })
    .to_vec()
}

fn wrong_types(idp: &Idp) -> Vec<Bad> {
    let soon = now() + 300;
    let changes = [
        ("exp as text", json!({"exp": soon.to_string()})),
        ("exp with a fraction", json!({"exp": 4_000_000_000.5})),
        ("exp negative", json!({"exp": -1})),
        ("exp true", json!({"exp": true})),
        ("exp in a list", json!({"exp": [soon]})),
        ("exp in an object", json!({"exp": {"at": soon}})),
        ("nbf as text", json!({"nbf": "0"})),
        ("nbf with a fraction", json!({"nbf": 1.5})),
        ("iat as text", json!({"iat": now().to_string()})),
        ("iss in a list", json!({"iss": [idp.issuer]})),
        ("iss as a number", json!({"iss": 1})),
        ("aud as a number", json!({"aud": 1})),
        ("aud in an object", json!({"aud": {"vouch": true}})),
        ("aud with a number beside ours", json!({"aud": ["vouch", 1]})),
        ("sub as a number", json!({"sub": 1})),
        ("sub in a list", json!({"sub": ["subject-bob"]})),
    ];
    let mut rows: Vec<Bad> = changes
        .map(|(case, changes)| {
            row(case, "bad_token", idp.rsa.token(&idp.claims_but("bob", &changes)))
        })
        .to_vec();
    let claims = idp.claims("bob").to_string();
    let exp = format!("\"exp\":{}", idp.claims("bob")["exp"]);
    let raw = |text: &str| {
        idp.rsa.sign_as(Algorithm::RS256, &idp.rsa.header().to_string(), text.as_bytes())
    };
    let instead = |text: &str| raw(&claims.replace(&exp, text));
    rows.extend([
        row("exp null", "bad_token", instead("\"exp\":null")),
        row("exp in powers of ten", "bad_token", instead("\"exp\":4e9")),
        row("exp beyond all numbers", "bad_token", instead("\"exp\":99999999999999999999")),
        row("exp twice", "bad_token", instead(&format!("\"exp\":1,{exp}"))),
        row("aud twice", "bad_token", raw(&claims.replace("\"aud\"", "\"aud\":\"wiki\",\"aud\""))),
        row("claims in a list", "bad_token", raw(&format!("[{claims}]"))),
        row("no claims", "bad_token", raw("{}")),
        row("empty claims", "bad_token", raw("")),
        row("claims cut off", "bad_token", raw(&claims[..claims.len() - 1])),
        row("claims with more behind them", "bad_token", raw(&format!("{claims}{claims}"))),
    ]);
    let header = idp.rsa.header().to_string();
    let broken = idp.rsa.sign_as(Algorithm::RS256, &header, b"{\"exp\":\"\xff\"}");
    rows.push(row("claims that are not UTF-8", "bad_token", broken));
    rows
}

fn wrong_users(idp: &Idp) -> Vec<Bad> {
    let long = format!("{}@example.com", "b".repeat(400));
    let rows = [
        ("no e-mail", "bad_token", json!({"email": null})),
        ("an empty e-mail", "bad_token", json!({"email": ""})),
        ("an e-mail as a number", "bad_token", json!({"email": 7})),
        ("e-mails in a list", "bad_token", json!({"email": ["bob@example.com"]})),
        ("an e-mail with a line end", "bad_token", json!({"email": "bob@example.com\n"})),
        ("an e-mail with NUL", "bad_token", json!({"email": "bob\u{0}@example.com"})),
        (
            "an e-mail with a zero-width space",
            "bad_token",
            json!({"email": "bob\u{200b}@example.com"}),
        ),
        ("an e-mail that turns round", "bad_token", json!({"email": "\u{202e}bob@example.com"})),
        ("an e-mail with a space before it", "bad_token", json!({"email": " bob@example.com"})),
        ("a name in place of an e-mail", "bad_token", json!({"email": "bob"})),
        ("an e-mail of nobody", "bad_token", json!({"email": "@example.com"})),
        ("an e-mail of nowhere", "bad_token", json!({"email": "bob@"})),
        ("an e-mail without end", "bad_token", json!({ "email": long })),
        ("an e-mail that is not verified", "email_unverified", json!({"email_verified": false})),
        ("an e-mail of which nothing is said", "email_unverified", json!({"email_verified": null})),
        ("verified as text", "email_unverified", json!({"email_verified": "true"})),
        ("verified as a number", "email_unverified", json!({"email_verified": 1})),
    ];
    rows.map(|(case, code, changes)| {
        row(case, code, idp.rsa.token(&idp.claims_but("bob", &changes)))
    })
    .to_vec()
}

fn wrong_algorithms(idp: &Idp, ours: &Keys) -> Vec<Bad> {
    let claims = idp.claims("bob").to_string();
    let message =
        |header: &Value| format!("{}.{}", base64url(header.to_string()), base64url(&claims));
    let unsigned = |alg: &str| format!("{}.", message(&json!({"alg": alg, "kid": "rsa"})));
    let shared = |kid: &str, secret: &[u8]| {
        let text = message(&json!({"alg": "HS256", "typ": "JWT", "kid": kid}));
        let key = EncodingKey::from_secret(secret);
        let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::HS256)
            .expect("a sound test");
        format!("{text}.{signature}")
    };
    let modulus = idp.rsa.public["n"].as_str().expect("a sound test");
    let raw =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(modulus).expect("a sound test");
    let as_other = |key: &Key, algorithm: Algorithm| {
        let header = json!({"alg": format!("{algorithm:?}"), "kid": key.id}).to_string();
        key.sign_as(algorithm, &header, claims.as_bytes())
    };
    let named = |key: &Key, alg: &str, kid: &str| {
        key.sign_as(key.algorithm, &json!({"alg": alg, "kid": kid}).to_string(), claims.as_bytes())
    };
    let set = json!({"keys": idp.behaviour().keys}).to_string();
    [
        ("none, unsigned", unsigned("none")),
        ("None, unsigned", unsigned("None")),
        ("nOnE, unsigned", unsigned("nOnE")),
        ("none, with a signature", named(&idp.rsa, "none", "rsa")),
        ("an empty algorithm", unsigned("")),
        ("RS256, unsigned", unsigned("RS256")),
        ("HS256 with the public key's JSON", shared("rsa", idp.rsa.public.to_string().as_bytes())),
        ("HS256 with the modulus", shared("rsa", &raw)),
        ("HS256 with the modulus as text", shared("rsa", modulus.as_bytes())),
        ("HS256 with the key set", shared("rsa", set.as_bytes())),
        ("HS256 with the id", shared("ec", b"ec")),
        ("HS256 with an empty secret", shared("ed", b"")),
        ("HS256 with a shared key of the set", shared("shared", b"secret")),
        ("RS384 of a key for RS256", as_other(&idp.rsa, Algorithm::RS384)),
        ("RS512 of a key for RS256", as_other(&idp.rsa, Algorithm::RS512)),
        ("PS256 of a key for RS256", as_other(&idp.rsa, Algorithm::PS256)),
        ("ES256 with the id of the RSA key", named(&idp.ec, "ES256", "rsa")),
        ("RS256 with the id of the P-256 key", named(&idp.rsa, "RS256", "ec")),
        ("EdDSA with the id of the P-256 key", named(&idp.ed, "EdDSA", "ec")),
        ("ES384 of a P-256 key", named(&ours.mixed, "ES384", "mixed")),
        ("ES256 of a key that is named for ES384", named(&ours.mixed, "ES256", "mixed")),
        ("RS256 signed by the P-256 key", named(&idp.ec, "RS256", "rsa")),
        ("an unknown algorithm", unsigned("RS257")),
    ]
    .map(|(case, token)| row(case, "bad_token", token))
    .to_vec()
}

fn wrong_headers(idp: &Idp, ours: &Keys) -> Vec<Bad> {
    let claims = idp.claims("bob");
    let with = |key: &Key, changes: Value| {
        let mut header = idp.rsa.header();
        for (name, value) in changes.as_object().expect("a sound test") {
            header[name] = value.clone();
        }
        key.sign(&header, &claims)
    };
    let raw = |text: &str| idp.rsa.sign_as(Algorithm::RS256, text, claims.to_string().as_bytes());
    let stranger = &ours.strangers[0];
    let no_kid = idp.rsa.sign(&json!({"alg": "RS256"}), &claims);
    [
        ("an unknown key", with(&idp.rsa, json!({"kid": "who"}))),
        ("no key named, and there are several", no_kid),
        ("an empty id", with(&idp.rsa, json!({"kid": ""}))),
        ("an id as a number", with(&idp.rsa, json!({"kid": 1}))),
        ("an id in capitals", with(&idp.rsa, json!({"kid": "RSA"}))),
        ("an id that is a path", with(&idp.rsa, json!({"kid": "../../dev/null"}))),
        ("an id that is SQL", with(&idp.rsa, json!({"kid": "x' UNION SELECT 'secret"}))),
        ("a key for encryption", ours.encrypts.token(&claims)),
        ("a key that may not check", ours.operates.token(&claims)),
        ("a key of 1,024 bits", ours.weak.token(&claims)),
        ("a key that is too short", with(&idp.ed, json!({"kid": "short", "alg": "EdDSA"}))),
        (
            "a key that it brings along",
            with(stranger, json!({"kid": "mine", "jwk": stranger.public})),
        ),
        (
            "a key that it brings along under a known id",
            with(stranger, json!({"jwk": stranger.public})),
        ),
        (
            "an address of keys",
            with(stranger, json!({"kid": "mine", "jku": format!("{}/keys", idp.issuer)})),
        ),
        (
            "an address of a certificate",
            with(stranger, json!({"kid": "mine", "x5u": "https://idp.example.com"})),
        ),
        ("something critical", with(&idp.rsa, json!({"crit": ["exp"]}))),
        ("something critical and unknown", with(&idp.rsa, json!({"crit": ["b64"], "b64": false}))),
        ("nothing critical", with(&idp.rsa, json!({"crit": []}))),
        ("critical as text", with(&idp.rsa, json!({"crit": "exp"}))),
        ("claims that are not encoded", with(&idp.rsa, json!({"b64": false}))),
        ("a logout token", with(&idp.rsa, json!({"typ": "logout+jwt"}))),
        ("a proof of possession", with(&idp.rsa, json!({"typ": "dpop+jwt"}))),
        ("a type as a number", with(&idp.rsa, json!({"typ": 1}))),
        ("a token in a token", with(&idp.rsa, json!({"cty": "JWT"}))),
        ("packed claims", with(&idp.rsa, json!({"zip": "DEF"}))),
        ("encrypted claims", with(&idp.rsa, json!({"enc": "A256GCM"}))),
        ("no algorithm", raw("{\"kid\":\"rsa\"}")),
        ("an algorithm as a number", raw("{\"alg\":256,\"kid\":\"rsa\"}")),
        ("two algorithms", raw("{\"alg\":\"none\",\"alg\":\"RS256\",\"kid\":\"rsa\"}")),
        ("two ids", raw("{\"alg\":\"RS256\",\"kid\":\"ec\",\"kid\":\"rsa\"}")),
        (
            "critical twice",
            raw("{\"alg\":\"RS256\",\"kid\":\"rsa\",\"crit\":[\"x\"],\"crit\":null}"),
        ),
        ("a header in a list", raw("[{\"alg\":\"RS256\"}]")),
        ("a header that is no JSON", raw("alg=RS256")),
        ("an empty header", raw("")),
    ]
    .map(|(case, token)| row(case, "bad_token", token))
    .to_vec()
}

fn wrong_signatures(idp: &Idp, ours: &Keys) -> Vec<Bad> {
    let claims = idp.claims("bob");
    let cut = |token: &str| {
        let (message, signature) = token.rsplit_once('.').expect("a sound test");
        (message.to_owned(), signature.to_owned())
    };
    let (message, signature) = cut(&idp.rsa.token(&claims));
    let (ec_message, _) = cut(&idp.ec.token(&claims));
    let (ed_message, ed_signature) = cut(&idp.ed.token(&claims));
    let (_, of_another) = cut(&idp.rsa.token(&idp.claims("carla")));
    let head = message.split('.').next().expect("a sound test");
    let richer = idp.claims_but("bob", &json!({"groups": ["hr"]}));
    let random = SystemRandom::new();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &idp.ec.der, &random)
        .expect("a sound test");
    let der = pair.sign(&random, ec_message.as_bytes()).expect("a sound test");
    let [rsa, ec, ed] = &ours.strangers;
    [
        ("another RSA key of the same name", rsa.token(&claims)),
        ("another P-256 key of the same name", ec.token(&claims)),
        ("another Ed25519 key of the same name", ed.token(&claims)),
        ("other claims", format!("{head}.{}.{signature}", base64url(richer.to_string()))),
        (
            "another header",
            format!(
                "{}.{}.{signature}",
                base64url("{\"alg\":\"RS256\",\"kid\":\"rsa\"}"),
                message.split('.').nth(1).expect("a sound test")
            ),
        ),
        ("the signature of another token", format!("{message}.{of_another}")),
        ("half of the signature", format!("{message}.{}", &signature[..signature.len() / 2])),
        ("no signature", format!("{message}.")),
        ("a signature with more behind it", format!("{message}.{signature}AAAA")),
        ("an RSA signature of zeros", format!("{message}.{}", base64url([0; 256]))),
        ("a P-256 signature of zeros", format!("{ec_message}.{}", base64url([0; 64]))),
        ("a P-256 signature as DER", format!("{ec_message}.{}", base64url(der.as_ref()))),
        ("an Ed25519 signature of zeros", format!("{ed_message}.{}", base64url([0; 64]))),
        ("half of an Ed25519 signature", format!("{ed_message}.{}", &ed_signature[..43])),
        ("an Ed25519 signature on the RSA message", format!("{message}.{ed_signature}")),
    ]
    .map(|(case, token)| row(case, "bad_token", token))
    .to_vec()
}

fn wrong_forms(idp: &Idp) -> Vec<Bad> {
    let token = idp.token("bob");
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = [parts[0], parts[1], parts[2]];
    let padded = |text: &str| format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4 + 1));
    let standard = base64::engine::general_purpose::STANDARD.encode(idp.claims("bob").to_string());
    [
        ("one part", header.to_owned()),
        ("two parts", format!("{header}.{claims}")),
        ("four parts", format!("{token}.{signature}")),
        ("five parts, as if encrypted", format!("{header}.{claims}.{signature}.AAAA.AAAA")),
        ("two dots", "..".to_owned()),
        ("a dot behind it", format!("{token}.")),
        ("a dot before it", format!(".{token}")),
        ("an empty middle", format!("{header}..{signature}")),
        ("padding", format!("{header}.{}.{signature}", padded(claims))),
        ("a padded header", format!("{}.{claims}.{signature}", padded(header))),
        ("the other alphabet", format!("{header}.{standard}=.{signature}")),
        ("a space in it", format!("{header}. {claims}.{signature}")),
        ("no base64", "!!!.???.***".to_owned()),
        ("a word", "secret".to_owned()),
        ("JSON", json!({"payload": claims, "signatures": [{"signature": signature}]}).to_string()),
        ("a scheme in a scheme", format!("Bearer {token}")),
        ("too long", format!("{header}.{}.{signature}", "A".repeat(70_000))),
        ("nothing", String::new()),
    ]
    .map(|(case, token)| {
        row(case, if case == "nothing" { "unauthorized" } else { "bad_token" }, token)
    })
    .to_vec()
}

#[tokio::test]
async fn a_thousand_unknown_keys_make_one_fetch() {
    let idp = Idp::start().await;
    let world = company(&idp, "").await;
    assert_eq!(idp.behaviour().fetches, 1, "for the approver's token");
    for number in 0..1_000 {
        let header = json!({"alg": "RS256", "kid": format!("unknown-{number}")});
        let token = idp.rsa.sign(&header, &idp.claims("bob"));
        assert_eq!(search(&world.alice().holding(&token)).await.status, 401);
    }
    assert!(idp.behaviour().fetches <= 1 + 1, "{}", idp.behaviour().fetches);
    assert_eq!(search(&world.alice().holding(&idp.token("bob"))).await.status, 200);
}

#[tokio::test]
async fn a_new_key_counts_after_the_cool_down_and_one_that_was_taken_away_no_longer() {
    let idp = Idp::start().await;
    let world = company(&idp, "keys_cooldown = \"1s\"\nkeys_max_age = \"2s\"").await;
    let bob = world.alice().holding(&idp.token("bob"));
    let new = Key::ec("new");
    let with_new = world.alice().holding(&new.token(&idp.claims("bob")));
    idp.behaviour().keys = vec![new.public.clone()];
    until("the new key counts", async || (search(&with_new).await.status == 200).then_some(()))
        .await;
    until("the old one does not", async || (search(&bob).await.status == 401).then_some(())).await;
    // With a single key a token need not name it.
    let unnamed = new.sign(&json!({"alg": "ES256"}), &idp.claims("bob"));
    assert_eq!(search(&world.alice().holding(&unnamed)).await.status, 200);
}

#[tokio::test]
async fn known_keys_go_on_while_the_provider_is_down_and_then_nothing_counts() {
    let idp = Idp::start().await;
    let world = company(&idp, "keys_cooldown = \"1s\"\nkeys_max_age = \"3s\"").await;
    idp.behaviour().down = true;
    let bob = world.alice().holding(&idp.token("bob"));
    assert_eq!(search(&bob).await.status, 200);
    until("the keys are too old", async || {
        let reply = search(&bob).await;
        (reply.status != 200)
            .then(|| assert_eq!(reply.problem(), (503, "no_identity_provider".to_owned())))
    })
    .await;
    assert_eq!(world.alice().get("/v1/admin/status").await.status, 200, "keys go on");
    idp.behaviour().down = false;
    until("it is back", async || (search(&bob).await.status == 200).then_some(())).await;
}

#[tokio::test]
async fn a_provider_that_lies_or_overflows_is_not_believed() {
    for (case, spoil) in [
        (
            "another issuer",
            (|b| b.named = "https://idp.example.com".to_owned()) as fn(&mut crate::idp::Behaviour),
        ),
        ("its issuer with a slash", |b| b.named.push('/')),
        ("a key set without end", |b| b.padding = 2_000_000),
        ("no keys", |b| b.keys.clear()),
        ("errors", |b| b.down = true),
    ] {
        let idp = Idp::start().await;
        spoil(&mut idp.behaviour());
        let company = Company::holding(&[]).with_provider(FIRST, &idp.issuer, "");
        let world = company.open().await;
        let bob = world.alice().holding(&idp.token("bob"));
        for _ in 0..3 {
            assert_eq!(
                search(&bob).await.problem(),
                (503, "no_identity_provider".to_owned()),
                "{case}"
            );
        }
        assert!(idp.behaviour().fetches <= 1, "{case}");
    }
}

#[tokio::test]
async fn all_who_wait_share_one_fetch_and_hanging_up_does_not_spoil_it() {
    let idp = Idp::start().await;
    let world = Company::holding(&[]).with_provider(FIRST, &idp.issuer, "").open().await;
    let closed = idp.gate.lock().await;
    let bob = world.alice().holding(&idp.token("bob"));
    let impatient = tokio::spawn({
        let bob = bob.clone();
        async move { search(&bob).await }
    });
    until("the provider is asked", async || (idp.behaviour().fetches == 1).then_some(())).await;
    impatient.abort();
    let waiting: Vec<_> = (0..40)
        .map(|_| {
            let bob = bob.clone();
            tokio::spawn(async move { search(&bob).await.status })
        })
        .collect();
    drop(closed);
    for one in waiting {
        assert_eq!(one.await.unwrap(), 200);
    }
    assert_eq!(idp.behaviour().fetches, 1);
}
