//! The admin pages over HTTP: who finds what on them, what their forms do, and that nothing on them is
//! ever more than text. Who may open which page is in the matrix.

use std::collections::{BTreeSet, VecDeque};

use reqwest::Method;
use serde_json::json;

use crate::world::{Company, Person, Reply, World, until};

const TITLE: &str = "heliotrope-title";
const TEXT: &str = "heliotrope-text";
const QUESTION: &str = "heliotrope-question";

impl Person {
    /// Opens a page as a browser does.
    pub(crate) async fn page(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path).header("accept", "text/html")).await
    }

    /// Sends a form as a browser does, from a page of this server.
    async fn fill(&self, world: &World, path: &str, fields: &[(&str, &str)]) -> Reply {
        let form = self.request(Method::POST, path).header("accept", "text/html");
        self.send(form.header("origin", &world.base).form(fields)).await
    }

    /// Opens every admin page that can be reached by links from the first one.
    async fn walk(&self) -> Vec<(String, String)> {
        let (mut seen, mut next) = (BTreeSet::new(), VecDeque::from(["/admin".to_owned()]));
        let mut pages = Vec::new();
        while let Some(path) = next.pop_front() {
            if !seen.insert(path.clone()) {
                continue;
            }
            let page = self.page(&path).await;
            assert_eq!(page.status, 200, "{path}: {}", page.body);
            for link in page.body.split("href=\"").skip(1) {
                let link = link.split('"').next().unwrap_or_default().replace("&amp;", "&");
                if link.starts_with("/admin") {
                    next.push_back(link);
                }
            }
            pages.push((path, page.body));
        }
        pages
    }
}

/// Two versions of a document that Bob reads and Dana approves. Alice administers and may neither. Bob
/// has asked for something that nobody knows, and says what he thinks of his answer.
async fn company() -> World {
    let text = format!("# {TITLE}\n\nThe {TEXT} has 28 days of vacation per year.\n");
    let change = json!({
        "approval": "each-version", "approvers": ["user:dana"], "owner": "user:dana",
        "access": {"allow": ["user:bob"]},
    });
    let world = Company::holding(&[("hr/leave.md", &text), ("hr/broken.pdf", "no PDF at all")])
        .with_source("hr", &change)
        .open()
        .await;
    world.dana().approve("hr").await;
    world.settled().await;
    world.dana().approve("hr/leave.md").await;
    world.settled().await;
    let answer = world.bob().ask("How many days of vacation are there per year?").await;
    let feedback = json!({"answer": answer["id"], "verdict": "wrong", "comment": QUESTION});
    assert!(world.bob().post("/v1/feedback", &feedback).await.status < 300);
    for question in ["Who grows the {}?", "who grows the {}"] {
        let nothing = world.bob().ask(&question.replace("{}", QUESTION)).await;
        assert_eq!(nothing["outcome"], "not_found", "{nothing}");
    }
    world.write("hr/leave.md", &text.replace("28", "30"));
    world.sync("hr").await;
    world
}

#[tokio::test]
async fn promise_3_an_administrator_who_may_not_read_finds_no_title_and_no_text_on_any_page() {
    let world = company().await;
    let pages = world.alice().walk().await;
    assert!(pages.len() > 15, "{:?}", pages.iter().map(|(path, _)| path).collect::<Vec<_>>());
    for (path, page) in &pages {
        for canary in [TITLE, TEXT, QUESTION] {
            assert!(!page.contains(canary), "{path} holds {canary}");
        }
    }
    // They see that there is something, and the auditor and the approver see what.
    let text = |wanted: &str| {
        let found = pages.iter().find(|(path, _)| path == wanted);
        found.map(|(_, page)| page.clone()).unwrap_or_else(|| panic!("{wanted} is not linked"))
    };
    assert!(text("/admin").contains("broken.pdf"), "{}", text("/admin"));
    assert!(text("/admin/questions").contains("<td class=\"n\">2</td>"));
    let audited = world.ines().page("/admin/questions").await.body;
    assert!(audited.contains("0 right, 1 wrong."), "{audited}");
    assert_eq!(audited.matches(QUESTION).count(), 2, "one group, and one comment: {audited}");
    let waiting = world.dana().page("/admin/approvals/hr/leave.md").await.body;
    assert!(waiting.contains(TITLE) && waiting.contains(TEXT), "{waiting}");
    assert!(waiting.contains("<del>28</del><ins>30</ins>"), "{waiting}");
    for (path, page) in world.ines().walk().await {
        assert!(!page.contains(TITLE) || path.starts_with("/admin/audit"), "{path}");
    }
}

#[tokio::test]
async fn promise_5_whoever_answers_for_nothing_finds_nothing_and_no_way_to_it() {
    let world = company().await;
    let pages = world.carla().walk().await;
    assert_eq!(pages.len(), 1, "{pages:?}");
    for name in ["hr", "leave.md", "broken.pdf", TITLE, "dana"] {
        assert!(!pages[0].1.contains(&format!(">{name}<")), "{name}");
    }
    let missing = world.carla().page("/admin/sources/nothing").await;
    assert_eq!(world.carla().page("/admin/sources/hr").await.bytes(), missing.bytes());
    assert_eq!(missing.status, 404);
    assert_eq!(missing.header("content-type"), Some("text/html; charset=utf-8"));
    let nobody = world.stranger().page("/admin").await;
    assert_eq!(nobody.status, 401, "{}", nobody.body);
    assert!(nobody.body.contains("choose on the first page who you are"), "{}", nobody.body);
}

#[tokio::test]
async fn promise_6_the_approved_version_answers_until_the_form_approves_the_new_one() {
    let world = company().await;
    let (dana, question) = (world.dana(), "How many days of vacation are there per year?");
    let answer = world.bob().ask(question).await.to_string();
    assert!(answer.contains("28 days"), "{answer}");
    let page = dana.page("/admin/approvals/hr/leave.md").await.body;
    let (_, rest) = page.split_once("name=\"version\" value=\"").expect("a form");
    let version = rest.split('"').next().expect("a version");
    let fields =
        [("target", "hr/leave.md"), ("version", version), ("act", "approve"), ("note", "")];
    let refused = world.alice().fill(&world, "/admin/approvals", &fields).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    let done = dana.fill(&world, "/admin/approvals", &fields).await;
    assert_eq!(
        (done.status, done.header("location")),
        (303, Some("/admin/approvals?done=approved"))
    );
    let answer = world.bob().ask(question).await.to_string();
    assert!(!answer.contains("28 days"), "{answer}");
    until("the new version answers", async || {
        world.bob().ask(question).await.to_string().contains("30 days").then_some(())
    })
    .await;
}

#[tokio::test]
async fn promise_4_a_source_that_a_form_pauses_is_gone_with_the_next_question() {
    let world = company().await;
    assert_eq!(world.bob().finds("vacation").await, ["hr/leave.md"]);
    let (alice, pause) = (world.alice(), "/admin/sources/hr/pause");
    let nothing = alice.fill(&world, pause, &[("why", " "), ("until", "")]).await;
    assert_eq!(nothing.status, 422);
    assert!(nothing.body.contains("the reason is empty"), "{}", nothing.body);
    let done = alice.fill(&world, pause, &[("why", "a mistake in it"), ("until", "")]).await;
    assert_eq!(done.header("location"), Some("/admin/sources/hr?done=paused"), "{}", done.body);
    assert!(world.bob().finds("vacation").await.is_empty());
    let page = alice.page("/admin/sources/hr").await.body;
    assert!(
        page.contains("a mistake in it") && page.contains("/admin/sources/hr/resume"),
        "{page}"
    );
    alice.fill(&world, "/admin/sources/hr/resume", &[]).await;
    assert_eq!(world.bob().finds("vacation").await, ["hr/leave.md"]);
}

#[tokio::test]
async fn a_form_says_where_it_comes_from_and_a_page_loads_nothing_from_elsewhere() {
    let world = company().await;
    for (path, _) in world.alice().walk().await {
        let page = world.alice().page(&path).await;
        assert_eq!(page.header("referrer-policy"), Some("same-origin"), "{path}");
        let policy = page.header("content-security-policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{path}: {policy}");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
        assert!(!page.body.contains("style=\"") && !page.body.contains("<style"), "{path}");
    }
}

/// Texts that would like to be more than text, always the same ones.
struct Hostile(u64);

impl Hostile {
    fn text(&mut self, limit: usize) -> String {
        const PARTS: &[&str] = &[
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "\"><svg onload=alert(1)>",
            "' onmouseover='alert(1)",
            "</title><iframe src=//evil.example>",
            "<a href=\"javascript:alert(1)\">x</a>",
            "\u{202e}txt.exe",
            "\u{2066}\u{2069}",
            "]]><!--",
            "&lt;b&gt;",
            "{{7*7}}",
            "\u{1}\u{7f}",
            "ordinary words",
            "名前",
        ];
        let mut text = String::new();
        while text.len() < limit {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push_str(PARTS[(self.0 >> 33) as usize % PARTS.len()]);
        }
        text
    }
}

/// Checks that a page is made of Vouch's own elements and attributes alone.
fn is_plain(path: &str, page: &str) {
    for tag in page.split('<').skip(1) {
        let inside = tag.split('>').next().unwrap_or_default();
        let name: String = inside
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        let own = [
            "DOCTYPE", "a", "article", "bdi", "body", "br", "button", "code", "dd", "del",
            "datalist", "details", "div", "dl", "dt", "form", "h1", "h2", "h3", "head", "header",
            "html", "img", "input", "ins", "label", "li", "link", "main", "mark", "meta", "nav",
            "ol", "p", "option", "pre", "progress", "script", "section", "span", "strong",
            "summary", "table", "tbody", "td", "th", "thead", "time", "title", "tr", "ul",
        ];
        let own = own.contains(&name.as_str()) || inside.starts_with("!DOCTYPE");
        assert!(own, "{path}: <{inside}>");
        if name == "script" && !inside.starts_with('/') {
            assert_eq!(inside, "script type=\"module\" src=\"/static/admin.js\"", "{path}");
        }
        if name == "img" {
            assert!(inside.starts_with("img src=\"/static/favicon.svg\""), "{path}: {inside}");
        }
        // What stands between quotes is a value; what is left are the names of attributes.
        let names: String = inside.split('"').step_by(2).collect();
        assert!(!names.contains(" on") && !names.contains('\''), "{path}: <{inside}>");
    }
    // A form's hidden field holds a document's id as it is; nobody sees it.
    let shown = page.split("<input type=\"hidden\"").enumerate().map(|(at, piece)| {
        if at == 0 { piece } else { piece.split_once('>').map_or("", |(_, rest)| rest) }
    });
    let shown: String = shown.collect();
    for turn in ['\u{202e}', '\u{2066}', '\u{2069}', '\u{1}'] {
        assert!(!shown.contains(turn), "{path} holds {turn:?}");
    }
}

#[tokio::test]
async fn promise_10_hostile_names_titles_and_reasons_stay_text_on_every_page() {
    let mut hostile = Hostile(7);
    let mut company = Company::holding(&[("hr/leave.md", "# Leave\n\nNothing.\n")]);
    let mut written = 0;
    for at in 0..120 {
        let name = hostile.text(30).replace(['/', '\\', '\u{1}', '\u{7f}'], "_");
        let (title, text) = (hostile.text(60).replace('\n', " "), hostile.text(200));
        company.write(&format!("hr/{at} {name}.md"), format!("# {title}\n\n{text}\n").as_bytes());
        written += 3;
    }
    let purpose = hostile.text(80).replace(['\u{1}', '\u{7f}'], "");
    let change =
        json!({"approval": "each-version", "approvers": ["user:dana"], "purpose": purpose});
    company = company.with_source("hr", &change);
    let world = company.open().await;
    world.dana().approve("hr").await;
    world.settled().await;
    for at in 0..80 {
        let why = hostile.text(60);
        let body = json!({"user": format!("nobody{at} <b>{at}"), "act": "block", "why": why});
        assert_eq!(world.alice().post("/v1/admin/users", &body).await.status, 200);
        let question = format!("{at} {}", hostile.text(60));
        world.bob().ask(&question).await;
        written += 3;
    }
    assert!(written >= 500, "{written}");
    let mut shown = 0;
    for path in
        ["/admin", "/admin/sources", "/admin/sources/hr", "/admin/approvals", "/admin/people"]
    {
        let page = world.alice().page(path).await;
        assert_eq!(page.status, 200, "{path}");
        is_plain(path, &page.body);
        shown += page.body.matches("&lt;").count();
    }
    for path in ["/admin/audit", "/admin/questions", "/admin/audit?kind=user.block"] {
        is_plain(path, &world.ines().page(path).await.body);
    }
    let queue = world.dana().page("/admin/approvals").await.body;
    let mut opened = 0;
    for link in queue.split("href=\"").skip(1) {
        let link = link.split('"').next().unwrap_or_default().replace("&amp;", "&");
        if link.starts_with("/admin/approvals/") || link.starts_with("/admin/documents/") {
            let page = world.dana().page(&link).await;
            assert_eq!(page.status, 200, "{link}: {}", page.body);
            is_plain(&link, &page.body);
            opened += 1;
        }
    }
    assert!(opened >= 240 && shown > 200, "{opened} pages, {shown} escaped");
}

#[tokio::test]
async fn a_name_that_nobody_has_is_blocked_with_a_word_about_it() {
    let world = company().await;
    let block = async |user: &str| {
        let fields = [("user", user), ("act", "block"), ("why", "a test"), ("until", "")];
        let done = world.alice().fill(&world, "/admin/users", &fields).await;
        let place = done.header("location").expect("a place").to_owned();
        world.alice().page(&place).await.body
    };
    assert!(block("caral").await.contains("nobody was known under this name yet"));
    assert!(block("carla").await.contains("Blocked. It counts"));
}

#[tokio::test]
async fn the_audit_goes_back_page_by_page_and_by_kinds_that_begin_alike() {
    let world = company().await;
    for number in 0..130 {
        world.bob().finds(&format!("vacation {number}")).await;
    }
    let ines = world.ines();
    let numbers = |page: &str| -> Vec<u64> {
        let after = page.split("<span class=\"soft\">#").skip(1);
        after.filter_map(|rest| rest.split(' ').next()?.parse().ok()).collect()
    };
    let first = ines.page("/admin/audit").await.body;
    let older = first.split("href=\"").find(|rest| rest.contains(">Older<")).expect("a way on");
    let older = older.split('"').next().expect("an address").replace("&amp;", "&");
    let second = ines.page(&older).await.body;
    let (first, second) = (numbers(&first), numbers(&second));
    assert_eq!(first.len(), 100);
    assert_eq!(second.first(), first.last().map(|seq| seq - 1).as_ref(), "{second:?}");
    let sources = ines.get("/v1/admin/audit?kind=source").await.json();
    let kinds = sources["records"].as_array().expect("records");
    assert!(!kinds.is_empty());
    assert!(kinds.iter().all(|one| one["kind"].as_str().unwrap().starts_with("source.")));
    let one = ines.get("/v1/admin/audit?kind=source.add").await.json();
    assert!(one["records"].as_array().is_some_and(|found| !found.is_empty()), "{one}");
}
