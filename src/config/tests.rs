//! Settings and people as somebody would write them, right and wrong.

use super::*;

fn refused(text: &str) -> String {
    Config::parse(text).expect_err("it must be refused").to_string()
}

#[test]
fn the_default_file_gives_every_key_and_no_other() {
    // Every field is required and unknown ones are refused, so parsing shows that schema and file agree.
    let config = Config::parse("").unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.limits.upload_bytes, 100_000_000);
    assert_eq!(config.sources.sync_every.as_secs(), 900);
    assert_eq!(config.vectors.url, None);
    assert!(config.data_dir.is_absolute());
}

#[test]
fn the_default_file_explains_every_key() {
    let mut explained = false;
    for line in DEFAULTS.lines() {
        if line.starts_with('#') {
            explained = true;
        } else if line.contains(" = ") {
            assert!(explained, "no comment above: {line}");
            explained = false;
        } else {
            explained = false;
        }
    }
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_known_one() {
    let expect = [
        (
            "[server]\nlistne = 'x'",
            "unknown key `server.listne` in vouch.toml; did you mean `server.listen`?",
        ),
        ("[serve]\nlisten = 'x'", "unknown key `serve` in vouch.toml; did you mean `server`?"),
        ("listen = 'x'", "unknown key `listen` in vouch.toml; did you mean `server.listen`?"),
        ("[auth.dmeo]\nx = 1", "unknown key `auth.dmeo` in vouch.toml; did you mean `auth.demo`?"),
        (
            "[auth]\npeople = 'x'",
            "unknown key `auth.people` in vouch.toml; did you mean `auth.demo.people`?",
        ),
        ("zzz = 1", "unknown key `zzz` in vouch.toml"),
    ];
    for (text, message) in expect {
        assert_eq!(refused(text), message);
    }
    assert_eq!(refused("[log]\nlevle = 'x'\nfromat = 'x'").lines().count(), 2);
}

#[test]
fn a_wrong_type_or_value_is_named_with_what_is_expected() {
    let expect = [
        (
            "[server]\nlisten = 5",
            "`server.listen` in vouch.toml: found signed int `5`, expected a string",
        ),
        (
            "[server]\nlisten = 'localhost'",
            "`server.listen` in vouch.toml: `localhost` is not an address and a port",
        ),
        ("server = 5", "`server` in vouch.toml: found signed int `5`, expected a section"),
        (
            "[auth]\nmode = 'kyes'",
            "`auth.mode` in vouch.toml: `kyes` is not one of `keys`, `demo`, `oidc`; did you mean `keys`?",
        ),
        (
            "[sources]\nsync_every = 'soon'",
            "`sources.sync_every` in vouch.toml: `soon` is not a span such as",
        ),
        (
            "[limits]\nupload_bytes = '1 ton'",
            "`limits.upload_bytes` in vouch.toml: `1 ton` is not a size such as",
        ),
        ("[limits]\nupload_bytes = true", "`limits.upload_bytes` in vouch.toml: "),
        ("[answer]\npassages = 0", "`answer.passages` in vouch.toml: 0 is not from 1 to 50"),
        (
            "[search]\nmeaning_weight = 1.5",
            "`search.meaning_weight` in vouch.toml: 1.5 is not from 0.0 to 1.0",
        ),
        (
            "[search]\nlanguages = ['english']",
            "`search.languages` in vouch.toml: `english` is not a two-letter code",
        ),
        ("[vectors]\nstore = 'qdrant'", "`vectors.url` in vouch.toml is not set"),
        (
            "[server]\npublic_url = 'ask'",
            "`server.public_url` in vouch.toml: `ask` is not an address",
        ),
        (
            "[server]\norigins = ['https://a.example/']",
            "`server.origins` in vouch.toml: `https://a.example/` is not an origin",
        ),
        (
            "[sources]\ncontact = 'maria'",
            "`sources.contact` in vouch.toml: `maria` is not a principal",
        ),
        ("data_dir = ''", "`data_dir` in vouch.toml: the path is empty"),
        ("[log]\nlevel = 'a=b=c'", "`log.level` in vouch.toml: "),
    ];
    for (text, beginning) in expect {
        let message = refused(text);
        assert!(message.starts_with(beginning), "{text}\n  gave   {message}\n  wanted {beginning}");
    }
}

#[test]
fn demo_mode_stays_on_loopback() {
    let message = refused("[auth]\nmode = 'demo'\n[server]\nlisten = '0.0.0.0:8080'");
    assert!(message.contains("anybody can be anybody"), "{message}");
    Config::parse("[auth]\nmode = 'demo'\n[server]\nlisten = '[::1]:0'").unwrap();
}

#[test]
fn a_path_starts_at_the_folder_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vouch.toml");
    std::fs::write(
        &file,
        "data_dir = 'ours'\n[sources]\nroots = ['a/../docs', '/srv']\n[embedding]\nmodel = ''",
    )
    .unwrap();
    let config = Config::load(Some(&file)).unwrap();
    assert_eq!(config.data_dir, folder.path().join("ours"));
    assert_eq!(config.sources.roots, [folder.path().join("docs"), PathBuf::from("/srv")]);
    assert_eq!(config.head_file(), folder.path().join("ours/audit.head"));
    assert_eq!(config.embedding.model, None);
    // What the file doesn't give starts where Vouch was started.
    let here = std::env::current_dir().unwrap();
    assert_eq!(config.embedding.runtime, Some(here.join("models/libonnxruntime.so")));
    assert_eq!(config.file, Some(file));
    let missing = config.unreadable_roots();
    assert!(missing[0].1.starts_with("does not exist"), "{missing:?}");
}

#[test]
fn the_sample_company_is_understood() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = Config::load(Some(&root.join("config/demo/vouch.toml"))).unwrap();
    assert_eq!(config.auth.mode, AuthMode::Demo);
    assert!(config.embedding.runtime.unwrap().ends_with("models/libonnxruntime.so"));
    assert!(config.sources.roots[0].ends_with("config/demo/documents"));
    assert!(People::read(&config.auth.demo.people).unwrap().people.len() >= 5);
}

#[test]
fn a_missing_or_broken_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vouch.toml");
    assert!(
        format!("{:#}", Config::load(Some(&file)).unwrap_err())
            .contains("can't read the configuration")
    );
    std::fs::write(&file, "data_dir = ").unwrap();
    assert!(Config::load(Some(&file)).unwrap_err().to_string().contains("is not valid TOML"));
}

#[test]
fn spans_and_sizes() {
    let seconds = |text| span(text).map(|span| span.as_secs());
    assert_eq!(seconds("0s"), Ok(0));
    assert_eq!(seconds("180d"), Ok(180 * 86_400));
    assert_eq!(seconds("1h30m"), Ok(5_400));
    assert_eq!(seconds("2w 1d"), Ok(15 * 86_400));
    for bad in ["", "5", "d", "-1d", "1y", "1mo", "99999999999999999999s", "9999999999999999999w"] {
        assert!(span(bad).is_err(), "{bad}");
    }
    assert_eq!(size("100MB"), Ok(100_000_000));
    assert_eq!(size("1 GiB"), Ok(1 << 30));
    assert_eq!(size("12"), Ok(12));
    for bad in ["", "MB", "-1", "1.5MB", "10 mb", "99999999999GB"] {
        assert!(size(bad).is_err(), "{bad}");
    }
}

#[test]
fn people_are_read_and_mistakes_refused() {
    let people = People::parse(
        "[[person]]\nuser = 'alice'\nname = 'Alice Moreau, HR'\ngroups = ['hr']\nroles = ['administrator']",
        "people.toml",
    )
    .unwrap();
    assert!(people.find("alice").unwrap().roles.contains(&Role::Administrator));
    assert_eq!(people.find("bob"), None);
    let expect = [
        ("", "people.toml names nobody"),
        ("[[person]]\nname = 'x'", "people.toml: missing field `user`"),
        ("[[person]]\nuser = 'a b'\nname = 'x'", "people.toml: `a b` can't be a user"),
        (
            "[[person]]\nuser = 'a'\nname = 'x'\n[[person]]\nuser = 'a'\nname = 'y'",
            "people.toml: the user `a` is there twice",
        ),
        (
            "[[person]]\nuser = 'a'\nname = 'x'\nrole = 'x'",
            "unknown key `role` in people.toml; did you mean `roles`?",
        ),
        (
            "[[person]]\nuser = 'a'\nname = 'x'\nroles = ['admin']",
            "people.toml: unknown role `admin`",
        ),
        (
            "[[person]]\nuser = 'a'\nname = 'x'\ngroups = ['group:hr']",
            "people.toml: `group:hr` of `a` is not a group's name",
        ),
        (
            "[[person]]\nuser = 'a'\nname = 'x'\ngroups = ['everyone']",
            "people.toml: `everyone` of `a` is not a group's name",
        ),
        ("[[people]]\nuser = 'a'", "unknown key `people` in people.toml"),
    ];
    for (text, beginning) in expect {
        let message = People::parse(text, "people.toml").unwrap_err().to_string();
        assert!(message.starts_with(beginning), "{text}\n  gave   {message}\n  wanted {beginning}");
    }
}

#[test]
fn the_readmes_settings_are_sound() {
    let readme = include_str!("../../README.md");
    let settings = readme.split("```toml\n").nth(1).and_then(|block| block.split("```").next());
    let config = Config::parse(settings.expect("the first TOML block")).unwrap();
    assert!(config.embedding.model.is_some() && config.embedding.runtime.is_some());
}

#[test]
fn sign_in_through_a_provider_needs_an_issuer_and_an_audience() {
    let expect = [
        (
            "[auth]\nmode = 'oidc'",
            "`auth.oidc.issuer` in vouch.toml is not set; `auth.mode = \"oidc\"` needs",
        ),
        (
            "[auth]\nmode = 'oidc'\n[auth.oidc]\nissuer = 'https://idp.example.com'",
            "`auth.oidc.audience` in vouch.toml is not set; `auth.mode = \"oidc\"` needs",
        ),
        (
            "[auth]\nmode = 'oidc'\n[auth.oidc]\naudience = 'vouch'\nissuer = 'http://idp.example.com'",
            "`auth.oidc.issuer` in vouch.toml: `http://idp.example.com` is not an address that begins",
        ),
        (
            "[auth]\nmode = 'oidc'\n[auth.roles]\nauditors = ['everyone']\n[auth.oidc]\naudience = 'vouch'\nissuer = 'https://idp.example.com'",
            "`auth.roles` in vouch.toml: `everyone` can't have a role",
        ),
        (
            "[server]\npublic_url = 'http://ask.example.com'\n[auth]\nmode = 'oidc'\n[auth.oidc]\naudience = 'vouch'\nclient_id = 'vouch'\nissuer = 'https://idp.example.com'",
            "`server.public_url` in vouch.toml: http://ask.example.com is not https",
        ),
    ];
    for (text, message) in expect {
        let said = refused(text);
        assert!(said.starts_with(message), "{text}: {said}");
    }
    let sound = "[auth]\nmode = 'oidc'\n[auth.oidc]\naudience = 'vouch'\nissuer = 'https://idp.example.com'";
    assert_eq!(Config::parse(sound).unwrap().auth.oidc.issuer, "https://idp.example.com");
}

#[test]
fn a_language_model_needs_an_address_and_a_name() {
    const MODEL: &str =
        "[generator]\nkind = 'openai'\nurl = 'http://127.0.0.1:1/v1'\nmodel = 'm'\n";
    let model = |more: &str| format!("{MODEL}{more}");
    let further = |more: &str| format!("{MODEL}[[generator.fallback]]\n{more}");
    let expect = [
        ("[generator]\nkind = 'openai'".to_owned(), "`generator.url` in vouch.toml is not set"),
        (
            "[generator]\nkind = 'anthropic'\nurl = 'https://a.example/v1'".to_owned(),
            "`generator.model` in vouch.toml is not set",
        ),
        (
            "[generator]\nkind = 'openai'\nmodel = 'm'\nurl = 'https://a:b@c.example'".to_owned(),
            "`generator.url` in vouch.toml holds a password",
        ),
        (
            "[[generator.fallback]]\nkind = 'openai'\nurl = 'https://a.example'\nmodel = 'm'"
                .to_owned(),
            "`generator.fallback` in vouch.toml names models, but `generator.kind` is",
        ),
        (
            further("kind = 'extractive'\nmodel = ''\nurl = ''"),
            "`generator.fallback` in vouch.toml: extractive",
        ),
        (
            further("kind = 'openai'\nmodel = 'm'\nurl = ''"),
            "`generator.fallback.url` in vouch.toml",
        ),
        (model("context_tokens = 100"), "`generator.context_tokens` in vouch.toml: 100 is not"),
        (model("answer_tokens = 9000"), "`generator.answer_tokens` in vouch.toml: 9000 is not"),
        (model("temperature = 3.0"), "`generator.temperature` in vouch.toml"),
        (
            model("temperature = 'warm'"),
            "`generator.temperature` in vouch.toml: `warm` is not a number",
        ),
        (model("retries = 11"), "`generator.retries` in vouch.toml: 11 is not"),
        (model("timeout = '0s'"), "`generator.timeout`"),
    ];
    for (text, beginning) in expect {
        let message = refused(&text);
        assert!(message.starts_with(beginning), "{text}\n  gave   {message}\n  wanted {beginning}");
    }
    let mistyped =
        refused(&further("kind = 'openai'\nmodel = 'm'\nurl = 'https://a.example'\nmodle = 'x'"));
    assert!(mistyped.contains("modle"), "{mistyped}");
}

#[test]
fn a_further_model_takes_over_limits_and_never_a_key() {
    let config = Config::parse(
        "[generator]\nkind = 'anthropic'\nurl = 'https://a.example/v1'\nmodel = 'a'\n\
         api_key_env = 'VOUCH_TEST_NO_SUCH_KEY'\ntemperature = 0.5\ncontext_tokens = 4000\n\
         [[generator.fallback]]\nkind = 'openai'\nurl = 'https://b.example/v1'\nmodel = 'b'\n\
         timeout = '5s'",
    )
    .unwrap();
    let [first, second] = &config.generator.models()[..] else { panic!("two models") };
    assert!(first.api_key().unwrap_err().to_string().contains("VOUCH_TEST_NO_SUCH_KEY"));
    assert_eq!(second.api_key().unwrap(), None);
    assert_eq!((first.temperature, second.temperature), (Some(0.5), None));
    assert_eq!((first.context_tokens, second.context_tokens), (4_000, 4_000));
    assert_eq!((first.timeout.as_secs(), second.timeout.as_secs()), (60, 5));
    assert!(Config::parse("").unwrap().generator.models().is_empty());
}
