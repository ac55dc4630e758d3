//! Texts that want to be more than text, in every place where the widget and the viewer show one: no
//! script runs, nobody else is called, and the page keeps its shape.

use serde_json::{Value, json};

use super::{Browser, company};
use crate::world::World;

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
    browser.goto(&world.base).await;
    browser.become_person("bob").await;
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
    browser.goto(&world.base).await;
    browser.become_person("bob").await;
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
