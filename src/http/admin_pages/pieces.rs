//! The small things that every admin page says in the same way: names, numbers, times, states, links.
//!
//! Whatever came from elsewhere goes through [`say`], which leaves out characters that reorder the text
//! around them; maud escapes the rest.

use jiff::Timestamp;
use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use vouch_index::Layer;
use vouch_index::ledger::Flag;

use crate::app::App;
use crate::http::pages::short;
pub(super) use crate::http::pages::told;
use crate::http::viewer::readable;

/// What stands in a part of a path as it is.
const PART: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A text from elsewhere, to be read. It gets its direction from itself alone.
pub(super) fn say(text: &str) -> Markup {
    html! { bdi { (readable(text)) } }
}

/// A name that can be long, such as a document's id.
pub(super) fn id(text: &str) -> Markup {
    html! { span.id { (say(text)) } }
}

/// The address of something below `base`, whatever its name holds.
pub(super) fn address(base: &str, name: &str) -> String {
    let parts = name.split('/').map(|part| utf8_percent_encode(part, &PART).to_string());
    format!("{base}/{}", parts.collect::<Vec<_>>().join("/"))
}

/// A value in a query string.
pub(super) fn query(value: &str) -> String {
    utf8_percent_encode(value, &PART).to_string()
}

/// A link to a document's inspector.
pub(super) fn document(name: &str) -> Markup {
    html! { a.id href=(address("/admin/documents", name)) { (say(name)) } }
}

/// A link to a source's page.
pub(super) fn source(name: &str) -> Markup {
    html! { a href=(address("/admin/sources", name)) { (say(name)) } }
}

/// A count with its thousands apart.
pub(super) fn number(count: impl TryInto<i64>) -> String {
    let count = count.try_into().unwrap_or(i64::MAX);
    let digits = count.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if count < 0 { format!("-{text}") } else { text }
}

/// A count with its noun.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// How long ago a time is, with the time itself for whoever points at it.
pub(super) fn ago(time: &str) -> Markup {
    let Ok(at) = time.parse::<Timestamp>() else { return say(time) };
    html! { time datetime=(time) title=(exact(at)) { (distance(at)) } }
}

/// A time, with how long ago it is.
pub(super) fn when(time: &str) -> Markup {
    let Ok(at) = time.parse::<Timestamp>() else { return say(time) };
    html! { time datetime=(time) { (exact(at)) } " " span.soft { "(" (distance(at)) ")" } }
}

fn exact(at: Timestamp) -> String {
    at.strftime("%-d %b %Y, %H:%M UTC").to_string()
}

fn distance(at: Timestamp) -> String {
    let seconds = Timestamp::now().as_second() - at.as_second();
    let (count, unit) = match seconds.unsigned_abs() {
        0..=44 => return if seconds < 0 { "in a moment" } else { "just now" }.to_owned(),
        away @ 45..=3_569 => ((away + 30) / 60, "min"),
        away @ 3_570..=86_399 => ((away + 1_800) / 3_600, "h"),
        away @ 86_400..=63_071_999 => ((away + 43_200) / 86_400, "day"),
        away => (away / 31_536_000, "year"),
    };
    let plural = if count == 1 || unit == "min" || unit == "h" { "" } else { "s" };
    if seconds < 0 {
        format!("in {count} {unit}{plural}")
    } else {
        format!("{count} {unit}{plural} ago")
    }
}

/// A state, by a word and a colour.
pub(super) fn state(name: &str) -> Markup {
    let tone = match name {
        "active" | "live" | "approved" | "done" | "passes" | "right" => "good",
        "waiting" | "proposed" | "queued" | "running" | "building" | "paused" | "held"
        | "look at it" => "wait",
        "failed" | "revoked" | "rejected" | "withdrawn" | "expired" | "blocked" | "fails"
        | "wrong" => "bad",
        _ => "plain",
    };
    html! { span class={ "state " (tone) } { (name) } }
}

/// Whether a name holds what somebody looks for in a long list.
pub(super) fn fits(name: &str, find: &str) -> bool {
    name.to_lowercase().contains(&find.trim().to_lowercase())
}

/// The field that looks for a name in a list, where the list is long.
pub(super) fn finder(place: &str, label: &str, find: &str, long: bool) -> Markup {
    html! {
        @if long || !find.is_empty() {
            form.filters method="get" action=(place) {
                label { (label) input type="search" name="find" value=(readable(find)); }
                button { "Find" }
                @if !find.is_empty() { a.button href=(place) { "Show all" } }
            }
        }
    }
}

/// The name of a version, short, with the whole of it for whoever points at it.
pub(super) fn version(hash: &str) -> Markup {
    html! { code title=(hash) { (short(hash)) } }
}

/// How far something is. A bar that is full says so in words alone.
pub(super) fn progress(what: &str, done: i64, total: i64) -> Markup {
    html! {
        @if total > 0 && done < total {
            span.progress {
                progress value=(done) max=(total) aria-label=(what) {}
                span.numbers { (number(done)) " of " (number(total)) }
            }
        } @else {
            span.numbers { (number(done)) }
        }
    }
}

/// Whether nothing is found by meaning, since the generation that answers has no vectors.
pub(super) fn words_alone(app: &App) -> bool {
    app.live().generation.vectors.is_none()
}

/// How many of some chunks are found by meaning.
pub(super) fn meaning(words_alone: bool, embedded: i64, chunks: i64) -> Markup {
    html! {
        @if chunks == 0 { span.soft { "–" } }
        @else if embedded == chunks { "all" }
        @else if words_alone { span.soft { "words alone" } }
        @else { (progress("chunks found by meaning", embedded, chunks)) }
    }
}

/// A place that looks like instructions.
pub(super) fn flag(flag: &Flag) -> Markup {
    html! { "It " (flag.reason) ", bytes " (number(flag.start as u64)) " to " (number(flag.end as u64)) "." }
}

/// What one place says about who may read.
pub(super) fn layer(layer: &Layer) -> Markup {
    html! {
        @if let Some(why) = &layer.unreadable {
            strong { "unreadable, so nobody: " } (say(why))
        } @else {
            @match &layer.allow {
                Some(allow) if allow.is_empty() => { "allows nobody" }
                Some(allow) => {
                    "allows "
                    @for one in allow { span.who-may { (say(&one.to_string())) } " " }
                }
                None => { "restricts nobody" }
            }
            @if !layer.deny.is_empty() {
                " and denies "
                @for one in &layer.deny { span.who-may.no { (say(&one.to_string())) } " " }
            }
        }
    }
}

/// A box that says that there is nothing, and why that is fine.
pub(super) fn empty(text: &str) -> Markup {
    html! { p.empty { (told(text)) } }
}

/// What a form's field holds, if it was filled in.
pub(super) fn filled(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}
