//! Texts that want to be more than text, in every place where the widget, the viewer and the admin pages
//! show one: no script runs, nobody else is called, and the page keeps its shape.

use serde_json::{Value, json};

use super::{Browser, company};
use crate::world::{Company, PEOPLE, World};

/// How many are shown.
const MANY: usize = 600;

/// What each is made of. A script that runs would set `window.ran` or call another address.
const PARTS: &[&str] = &[
    "<script>window.ran=1</script>",
    "<img src=x onerror=window.ran=1>",
    "<img src=//evil.example/p.png>",
    "\"><svg/onload=window.ran=1>",
    "</p></div></article><h1>",
    "<iframe srcdoc='<script>parent.ran=1</script>'>",
    "<style>*{display:none}</style>",
    "<vouch-chat></vouch-chat>",
    "<!--",
    "]]>",
    "&lt;script&gt;window.ran=1&lt;/script&gt;",
    "[a](javascript:window.ran=1)",
    "![b](https://evil.example/b.png)",
    "<a href=https://evil.example/ ping=https://evil.example/p>x</a>",
    "{{constructor.constructor('window.ran=1')()}}",
    "${window.ran=1}",
    "javascript:window.ran=1",
    "\u{202e}txt.exe\u{202d}",
    "\u{2066}\u{2067}\u{2068}",
    "\u{0}\u{1}\u{8}\u{1b}[31m\u{7f}\u{85}",
    "\u{e0041}\u{e0042}\u{fe0f}\u{200b}\u{feff}",
    "\u{5d0}\u{5d1}\u{5d2} \u{627}\u{644}\u{639}",
    "Z\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}\u{309}\u{30a}",
    "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww",
    "\u{fdfd}\u{fdfd}\u{fdfd}\u{fdfd}",
    "constructor",
    "__proto__",
    "\n\n# Heading\n\n| a | b |\n",
    "'\"`\\",
    "\u{1f469}\u{200d}\u{1f4bb}",
];

/// The same strings on every run: some parts, one after the other.
fn strings() -> Vec<String> {
    let mut seed = 0x2545_f491_u32;
    let mut next = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        seed as usize % below
    };
    let one = |_| (0..=next(3)).map(|_| PARTS[next(PARTS.len())]).collect::<Vec<_>>().join(" ");
    (0..MANY).map(one).map(|text: String| format!("{text} end")).collect()
}

#[tokio::test]
async fn promise_10_hostile_text_stays_text_in_the_widget() {
    let name = "promise_10_hostile_text_stays_text_in_the_widget";
    let Some(browser) = Browser::start(name).await else { return };
    let world = company().await;
    browser.home_as(&world, "bob").await;
    // Ten strings an answer, each in every place of its own citation and sentence.
    let answers: Vec<Value> = strings().chunks(10).map(answer).collect();
    let script = format!(
        "const answers = {}; const real = fetch;
        window.fetch = (address, options) => String(address).endsWith('/v1/ask')
            ? Promise.resolve(new Response(`event: done\\ndata: ${{JSON.stringify(answers[0])}}\\n\\n`))
            : real(address, options);
        chat.names = (principal) => principal;
        const wrong = [];
        return (async () => {{
            let shown = 0;
            while (answers.length) {{
                chat.fresh(false);
                await chat.ask(answers[0].citations[0].title.slice(0, 2000));
                const many = answers[0].sentences.length;
                const count = (css, expected) => {{
                    const found = root.querySelectorAll(css).length;
                    if (found !== expected) wrong.push(`${{css}}: ${{found}} instead of ${{expected}}`);
                }};
                count('.turn', 1); count('.sentence', many); count('.mark', many); count('.row', many);
                count('script, iframe, img, style, vouch-chat, h1, .turn a', 0);
                for (const mark of root.querySelectorAll('.mark')) {{
                    mark.click();
                    if (!chat.card.isOpen()) wrong.push('no card');
                    count('.card a', 1); count('.card blockquote', 1);
                    count('.card script, .card iframe, .card img, .card style', 0);
                    for (const one of [chat.card.element, chat.panel]) {{
                        if (one.scrollWidth > one.clientWidth + 1) wrong.push(`${{one.className}} overflows: ${{one.innerText}}`);
                    }}
                    shown += 1;
                    chat.card.close();
                }}
                if (document.documentElement.scrollWidth > innerWidth) wrong.push(`the page overflows: ${{chat.turns[0].question}}`);
                if (/[\\u202a-\\u202e\\u2066-\\u2069\\u0000-\\u0008\\u001b]/.test(chat.panel.textContent)) wrong.push('a disguise is shown');
                answers.shift();
            }}
            return {{ shown, wrong, ran: window.ran ?? null }};
        }})();",
        json!(answers)
    );
    for width in [1200, 360] {
        let size = json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false});
        browser.devtools("Emulation.setDeviceMetricsOverride", size).await;
        let found = browser.js(&script).await;
        assert_eq!(found["wrong"], json!([]), "{width}");
        assert_eq!(found["ran"], Value::Null);
        assert_eq!(found["shown"], MANY);
        browser.goto(&world.base).await;
        browser.holds("chat.state === 'ready'").await;
    }
    browser.only_called(&[&world.base]).await;
}

/// An answer that says these strings everywhere.
fn answer(texts: &[String]) -> Value {
    let citation = |(at, text): (usize, &String)| {
        json!({
            "number": at + 1, "document": format!("hr/{text}"), "title": text, "version": text,
            "quote": text, "start": 0, "end": 9, "page": null, "heading": format!("{text} > {text}"),
            "uri": format!("javascript:{text}"), "modified_at": text, "approved_at": "2026-01-01T00:00:00Z",
            "approved_by": format!("user:{text}"), "review_due": "2026-02-01T00:00:00Z", "stale": at % 2 == 0,
        })
    };
    let sentence = |(at, text): (usize, &String)| json!({"text": text, "citations": [at + 1]});
    json!({
        "id": texts[0], "outcome": "answered", "generator": texts[0], "contact": texts[0],
        "sentences": texts.iter().enumerate().map(sentence).collect::<Vec<_>>(),
        "citations": texts.iter().enumerate().map(citation).collect::<Vec<_>>(),
        "searched": {"passages": 1, "sources": 1}, "took_ms": 1, "notes": [texts[0]],
    })
}

#[tokio::test]
async fn promise_10_hostile_text_stays_text_in_the_viewer() {
    let name = "promise_10_hostile_text_stays_text_in_the_viewer";
    let Some(browser) = Browser::start(name).await else { return };
    let texts = strings();
    let markdown = format!("# {}\n\n{}", texts[0].replace('\n', " "), texts.join("\n\n"));
    let plain = texts.join("\n");
    let world = World::holding(&[("hr/a.md", &markdown), ("hr/b.txt", &plain)]).await;
    browser.home_as(&world, "bob").await;
    for width in [1200, 360] {
        let size = json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false});
        browser.devtools("Emulation.setDeviceMetricsOverride", size).await;
        for page in ["a.md?start=40&end=90", "b.txt?start=40&end=90"] {
            browser.goto(&format!("{}/view/hr/{page}", world.base)).await;
            assert!(browser.text("article").await.contains("window.ran=1"), "it is shown as text");
            assert_eq!(
                browser.count("article :is(script, iframe, img, style, svg, form)").await,
                0
            );
            let shape = "return [document.querySelectorAll('main').length, document.querySelectorAll('h1').length,
                document.documentElement.scrollWidth <= innerWidth, window.ran ?? null];";
            assert_eq!(browser.js(shape).await, json!([1, 1, true, null]), "{page} at {width}");
        }
    }
    browser.only_called(&[&world.base]).await;
}

/// A company whose names, titles, texts, reasons, questions and comments are all hostile: a document for
/// each of the first strings, one that holds hundreds, and people who are blocked for the rest.
async fn hostile_company(texts: &[String]) -> World {
    let change = json!({
        "approval": "each-version", "approvers": ["user:dana"], "owner": "user:dana", "purpose": texts[0],
    });
    let company = Company::holding(&[("hr/all.md", "# All\n\nNothing yet.\n")]);
    for (at, text) in texts[..120].iter().enumerate() {
        let name: String =
            text.replace(['/', '\0'], "_").chars().take(60).filter(|one| *one != '\n').collect();
        let content = format!("# {}\n\n## {text}\n\n{text}\n", text.replace('\n', " "));
        company.write(&format!("hr/{at} {name}.md"), content.as_bytes());
    }
    let world = company.with_source("hr", &change).open().await;
    let (alice, bob, dana) = (world.alice(), world.bob(), world.dana());
    let mut people = PEOPLE.to_vec();
    people.push(("eve", &["<img src=x onerror=window.ran=1>", "</td></table><script>"], &[]));
    world.people(&people);
    dana.approve("hr").await;
    world.settled().await;
    dana.approve("hr/all.md").await;
    world.settled().await;
    for (at, text) in texts[420..480].iter().enumerate() {
        // A name with control characters in it is refused.
        let user = format!("user:{at} {text}").replace(char::is_control, "");
        let body = json!({"user": user, "act": "block", "why": text});
        let done = alice.post("/v1/admin/users", &body).await;
        assert_eq!(done.status, 200, "{}", done.body);
        bob.ask(&format!("{at} {text}")).await;
    }
    for text in &texts[480..500] {
        let answer = bob.ask("What is there yet?").await;
        let body = json!({"answer": answer["id"], "verdict": "wrong", "comment": text});
        assert!(bob.post("/v1/feedback", &body).await.status < 300);
    }
    world.write("hr/all.md", &format!("# {}\n\n{}", texts[120], texts[120..420].join("\n\n")));
    world.sync("hr").await;
    let pause = json!({ "why": texts[501] });
    assert_eq!(alice.post("/v1/admin/sources/hr/pause", &pause).await.status, 200);
    world
}

/// The admin pages that show them, by who opens them, and how many texts at least each of them shows.
fn admin_pages(texts: &[String]) -> Vec<(&'static str, String, usize)> {
    let quoted = |text: &str| {
        let bytes = text.bytes().map(|byte| format!("%{byte:02X}"));
        bytes.collect::<String>()
    };
    let (user, document) = (quoted(&format!("user:{}", texts[502])), quoted("hr/all.md"));
    let echo = quoted(&texts[503]);
    vec![
        ("alice", "/admin".to_owned(), 5),
        ("alice", "/admin/sources/hr".to_owned(), 100),
        ("alice", "/admin/approvals".to_owned(), 100),
        ("alice", "/admin/people".to_owned(), 60),
        ("alice", format!("/admin/access?user={user}&document={document}"), 1),
        ("alice", format!("/admin/access?user={echo}"), 0),
        ("alice", format!("/admin/sources/{echo}"), 0),
        ("dana", "/admin/approvals/hr/all.md".to_owned(), 400),
        ("dana", "/admin/documents/hr/all.md".to_owned(), 0),
        ("ines", "/admin/questions".to_owned(), 60),
        ("ines", "/admin/audit".to_owned(), 20),
        ("ines", "/admin/audit?kind=user.block".to_owned(), 60),
        ("ines", format!("/admin/audit?user={echo}&document={echo}&answer={echo}&kind={echo}"), 0),
        ("ines", format!("/admin/audit/verify?head={echo}"), 0),
    ]
}

#[tokio::test]
async fn promise_10_hostile_text_stays_text_on_the_admin_pages() {
    let name = "promise_10_hostile_text_stays_text_on_the_admin_pages";
    let Some(browser) = Browser::start(name).await else { return };
    let texts = strings();
    let world = hostile_company(&texts).await;
    // The elements of Vouch's own pages, and nothing that a text brought along.
    let shape = r"const own = 'main,p,a,h1,h2,h3,section,article,div,span,bdi,strong,code,time,br,dl,dt,dd,ul,ol,li,table,thead,tbody,tr,th,td,form,label,input,button,details,summary,progress,pre,ins,del,mark,header,datalist,option'.split(',');
        const page = document.documentElement, foreign = new Set();
        for (const one of $$('main, main *')) {
            if (!own.includes(one.localName)) foreign.add(one.localName);
            for (const { name } of one.attributes) if (name.startsWith('on') || name === 'style') foreign.add(name);
            if (one.href && new URL(one.href).origin !== location.origin) foreign.add(one.href);
        }
        const disguise = /[\u202a-\u202e\u2066-\u2069\u0000-\u0008\u001b]/.test($('main').textContent);
        return { main: $$('main').length, h1: $$('h1').length, foreign: [...foreign], disguise,
            wide: Math.max(0, page.scrollWidth - page.clientWidth), ran: window.ran ?? null };";
    let expected =
        json!({"main": 1, "h1": 1, "foreign": [], "disguise": false, "wide": 0, "ran": null});
    let mut signed_in = "";
    for (who, path, at_least) in admin_pages(&texts) {
        if signed_in != who {
            browser.home_as(&world, who).await;
            signed_in = who;
        }
        browser.goto(&format!("{}{path}", world.base)).await;
        browser.js("for (const one of $$('details')) one.open = true;").await;
        for width in [1200, 360] {
            let size =
                json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false});
            browser.devtools("Emulation.setDeviceMetricsOverride", size).await;
            assert_eq!(browser.js(shape).await, expected, "{path} at {width}");
        }
        let shown = r"return $('main').innerText.split(/\bend\b|\.md\b/).length - 1;";
        let shown = browser.js(shown).await.as_u64().expect("a number");
        assert!(shown >= at_least as u64, "{path} shows {shown}");
    }
    browser.only_called(&[&world.base]).await;
}
