//! The audit with filters, its verification, and what readers missed: questions that found nothing, and
//! feedback. Questions, sentences and comments are for auditors; administrators get counts and names.

use std::sync::Arc;

use axum::extract::State;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;
use vouch_index::ledger::{AuditRecord, Feedback, Unanswered};

use super::Frame;
use super::pieces::{ago, counted, empty, filled, id, number, query, say, state, when};
use crate::app::App;
use crate::auth::{AsAnybody, AsAuditor};
use crate::http::ApiError;
use crate::http::admin::{self, AuditParams, Head};
use crate::http::extract::Query;
use crate::http::viewer::readable;

/// Records on a page.
const RECORDS: u32 = 100;
/// Groups of questions, and pieces of feedback, on a page.
const LISTED: u32 = 200;

/// What the form above the records holds.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Filter {
    user: String,
    document: String,
    answer: String,
    kind: String,
    since: String,
    until: String,
    /// Records before this one.
    before: Option<i64>,
}

impl Filter {
    fn params(&self) -> AuditParams {
        let some = |text: &str| filled(Some(text.to_owned()));
        // A day begins at midnight, and the last day that is asked for counts whole.
        let day = |text: &str, clock: &str| {
            some(text).map(|day| if day.len() == 10 { format!("{day}T{clock}Z") } else { day })
        };
        AuditParams {
            user: some(&self.user),
            document: some(&self.document),
            answer: some(&self.answer),
            kind: some(&self.kind),
            since: day(&self.since, "00:00:00"),
            until: day(&self.until, "23:59:59.999999999"),
            before: self.before,
            limit: Some(RECORDS),
            export: None,
        }
    }

    /// The address of the records before this one, or of the newest, through the same filter.
    fn from(&self, before: Option<i64>) -> String {
        let before = before.map(|seq| seq.to_string()).unwrap_or_default();
        let given = [
            ("user", &self.user),
            ("document", &self.document),
            ("answer", &self.answer),
            ("kind", &self.kind),
            ("since", &self.since),
            ("until", &self.until),
            ("before", &before),
        ];
        let given = given.into_iter().filter(|(_, value)| !value.is_empty());
        let given: Vec<_> = given.map(|(name, value)| format!("{name}={}", query(value))).collect();
        format!("/admin/audit?{}", given.join("&"))
    }
}

/// Records, newest first.
pub(super) async fn records(
    State(app): State<Arc<App>>,
    auditor: AsAuditor,
    AsAnybody(caller): AsAnybody,
    Query(filter): Query<Filter>,
) -> Result<Markup, ApiError> {
    app.blocking(move |app| {
        let records = admin::records(app, &auditor, filter.params())?;
        let kinds = app.ledger.audit_kinds()?;
        let frame = Frame::of(app, &caller, "/admin/audit")?;
        let older = records.first().filter(|_| records.len() == RECORDS as usize);
        let body = html! {
            h1 { "Audit" }
            p.lead {
                "Who was shown what, and who changed what. "
                @if !auditor.sees_text { "Questions and sentences are for auditors." }
            }
            (form(&filter, &kinds))
            @if records.is_empty() { (empty("No record fits.")) }
            @else {
                p.soft {
                    (counted(records.len(), "record", "records")) ", newest first. "
                    @if older.is_some() { "All that there is comes from " code { "vouch audit --export" } "." }
                }
                ol.records { @for record in records.iter().rev() { (row(record)) } }
            }
            @if filter.before.is_some() || older.is_some() {
                p.buttons {
                    @if filter.before.is_some() { a.button href=(filter.from(None)) { "Newest" } }
                    @if let Some(oldest) = older { a.button href=(filter.from(Some(oldest.seq))) rel="next" { "Older" } }
                }
            }
        };
        Ok(frame.around("Audit", &body))
    })
    .await
}

fn form(filter: &Filter, kinds: &[String]) -> Markup {
    let field = |label: &str, name: &str, value: &str, hint: &str| {
        html! { label { (label) input name=(name) value=(readable(value)) placeholder=(hint); } }
    };
    html! {
        form.filters method="get" action="/admin/audit" {
            (field("User or actor", "user", &filter.user, "user:maria@example.com"))
            (field("Document", "document", &filter.document, "hr/leave.md"))
            (field("Answer", "answer", &filter.answer, "ans_…"))
            label {
                "Kind"
                input name="kind" value=(readable(&filter.kind)) placeholder="answer, source, source.pause, …" list="kinds";
            }
            datalist id="kinds" { @for kind in kinds { option value=(kind) {} } }
            label { "From" input type="date" name="since" value=(filter.since); }
            label { "To" input type="date" name="until" value=(filter.until); }
            button.main { "Filter" }
            a.button href="/admin/audit/verify" { "Verify the chain" }
        }
    }
}

fn row(record: &AuditRecord) -> Markup {
    let person = record.person.as_ref();
    let text = |key: &str| person.and_then(|person| person[key].as_str());
    let body = &record.body;
    html! {
        li {
            p.record-head {
                a.kind href={ "/admin/audit?kind=" (query(&record.kind)) } { (say(&record.kind)) } " "
                @if let Some(who) = text("user").or(text("actor")) { (id(who)) " " }
                span.soft { "#" (record.seq) " · " (when(&record.at)) }
            }
            @if let Some(question) = text("question") { p.said { (say(question)) } }
            @if let Some(sentence) = text("sentence") { p.said { (say(sentence)) } }
            @if record.withheld { p.soft { "Its text is for auditors." } }
            @if person.is_none() { p.soft { "The person’s part was erased." } }
            @if let Some(answer) = &record.answer {
                p { "Answer " a.id href={ "/admin/audit?answer=" (query(answer)) } { (say(answer)) } }
            }
            @if let Some(outcome) = body["outcome"].as_str() { p { "Ended as " (say(outcome)) } }
            (documents(body))
            (subject(&body["subject"], body["why"].as_str()))
        }
    }
}

/// The documents that were shown.
fn documents(body: &Value) -> Markup {
    let passages = body["passages"].as_array().or(body["citations"].as_array());
    let mut names: Vec<&str> =
        passages.into_iter().flatten().filter_map(|one| one["document"].as_str()).collect();
    names.dedup();
    html! {
        @if !names.is_empty() {
            details {
                summary { (counted(names.len(), "document", "documents")) }
                ul.rows { @for name in names { li { a.id href={ "/admin/audit?document=" (query(name)) } { (say(name)) } } } }
            }
        }
    }
}

/// What an act was about, with what was before and after.
fn subject(subject: &Value, why: Option<&str>) -> Markup {
    let mut parts: Vec<_> = subject.as_object().into_iter().flatten().collect();
    parts.retain(|(key, _)| *key != "passages");
    parts.sort_by_key(|(key, _)| ["before", "after"].iter().position(|late| late == key));
    html! {
        @if !parts.is_empty() || why.is_some() {
            dl.facts {
                @for (key, value) in parts { dt { (say(key)) } dd { (part(value)) } }
                @if let Some(why) = why { dt { "why" } dd { (say(why)) } }
            }
        }
    }
}

fn part(value: &Value) -> Markup {
    match value {
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => when(text),
        Value::String(text) => id(text),
        Value::Null => html! { span.soft { "none" } },
        Value::Bool(yes) => html! { @if *yes { "yes" } @else { "no" } },
        Value::Number(count) => html! { (count) },
        Value::Array(all) if all.is_empty() => html! { span.soft { "none" } },
        Value::Array(all) => html! { @for one in all { div { (part(one)) } } },
        Value::Object(all) => html! {
            @for (key, value) in all { span.pair { span.soft { (say(key)) } " " (part(value)) } " " }
        },
    }
}

/// Whether the chain holds.
pub(super) async fn verify(
    State(app): State<Arc<App>>,
    _auditor: AsAuditor,
    AsAnybody(caller): AsAnybody,
    Query(head): Query<Head>,
) -> Result<Markup, ApiError> {
    app.blocking(move |app| {
        let kept = filled(head.head);
        let found = app.ledger.audit_verify(kept.as_deref())?;
        let frame = Frame::of(app, &caller, "/admin/audit")?;
        let body = html! {
            p.crumbs { a href="/admin/audit" { "Audit" } " / Verify" }
            h1 { @if found.ok { "The chain holds" } @else { "The chain does not hold" } }
            @if let Some(problem) = &found.problem { div.notice.bad { p { (say(problem)) } } }
            @for note in &found.notes { div.notice { p { (say(note)) } } }
            dl.facts {
                dt { "Records" } dd { (number(found.records)) }
                dt { "Newest hash" } dd { code.id { (say(&found.head)) } }
            }
            p.soft { "Write the newest hash down somewhere else. Compared with it later, a cut-off end shows." }
            form.filters method="get" action="/admin/audit/verify" {
                label { "A hash that was written down" input name="head" value=(readable(kept.as_deref().unwrap_or(""))); }
                button.main { "Compare" }
            }
        };
        Ok(frame.around("Verify the audit", &body))
    })
    .await
}

/// What readers missed.
pub(super) async fn questions(
    State(app): State<Arc<App>>,
    auditor: AsAuditor,
    AsAnybody(caller): AsAnybody,
) -> Result<Markup, ApiError> {
    app.blocking(move |app| {
        let groups = app.ledger.unanswered()?;
        let feedback = app.ledger.feedback_given(LISTED)?;
        let verdicts = app.ledger.verdicts()?;
        let frame = Frame::of(app, &caller, "/admin/questions")?;
        let body = html! {
            h1 { "Questions" }
            p.lead {
                "What was asked and not found, those that say the same together, and what readers said of their answers. "
                @if !auditor.sees_text { "Their words are for auditors." }
            }
            section { h2 { "Found nothing" } (unanswered(&groups, auditor.sees_text)) }
            section { h2 { "Feedback" } (feedback_table(&feedback, verdicts, auditor.sees_text)) }
        };
        Ok(frame.around("Questions", &body))
    })
    .await
}

fn unanswered(groups: &[Unanswered], sees_text: bool) -> Markup {
    html! {
        @if groups.is_empty() { (empty("Every question found something so far.")) }
        @else {
            @if groups.len() > LISTED as usize {
                p.soft { "The " (LISTED) " most frequent of " (counted(groups.len(), "question", "questions")) "." }
            }
            div.wide tabindex="0" role="region" aria-label="Questions that found nothing" {
                table {
                    thead { tr {
                        th scope="col" { "Question" } th.n scope="col" { "Times" } th.n scope="col" { "People" } th scope="col" { "Last" }
                    } }
                    tbody {
                        @for group in groups.iter().take(LISTED as usize) {
                            tr {
                                th scope="row" {
                                    a.id href={ "/admin/audit?answer=" (query(&group.answer)) } {
                                        @if sees_text { (say(&group.question)) } @else { (say(&group.answer)) }
                                    }
                                }
                                td.n { (number(group.times as u64)) } td.n { (number(group.people as u64)) }
                                td { (ago(&group.last)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn feedback_table(feedback: &[Feedback], (right, wrong): (u64, u64), sees_text: bool) -> Markup {
    let listed = feedback.len() as u64;
    html! {
        @if feedback.is_empty() { (empty("Nobody said anything so far.")) }
        @else {
            p.soft {
                (number(right)) " right, " (number(wrong)) " wrong."
                @if listed < right + wrong { " The newest " (number(listed)) " are listed." }
            }
            div.wide tabindex="0" role="region" aria-label="Feedback" {
                table {
                    thead { tr {
                        th scope="col" { "Verdict" } th scope="col" { "Words" } th scope="col" { "Answer" } th scope="col" { "When" }
                    } }
                    tbody {
                        @for one in feedback {
                            tr {
                                td { (state(&one.verdict)) }
                                td.words {
                                    @match (&one.comment, sees_text) {
                                        (Some(words), true) => (say(words)),
                                        (Some(_), false) => span.soft { "for auditors" },
                                        (None, _) => span.soft { "–" },
                                    }
                                }
                                td {
                                    a.id href={ "/admin/audit?answer=" (query(&one.answer)) } { (say(&one.answer)) }
                                    br; span.soft { "to " (id(&one.user)) }
                                }
                                td { (ago(&one.at)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
