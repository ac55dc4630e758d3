//! What a Markdown or text file says about itself between `---` (YAML) or `+++` (TOML) lines.
//!
//! Promises that nothing here opens a document by mistake: an `access` that can't be read, whole
//! front matter that can't be read but speaks of access, and a `draft` of unknown meaning all hide.

use std::collections::BTreeMap;

use serde_json::Value;
use vouch_index::{Extracted, GivenLayer, Layer};

use crate::{language, normalise};

/// The keys that Vouch knows; others belong to other programs and are passed over.
const KEYS: [&str; 8] = ["title", "owner", "date", "lastmod", "lang", "draft", "publish", "access"];
/// The keys that can hide a document. A block that can't be read and names one of them hides it.
const HIDING: [&str; 3] = ["access", "draft", "publish"];
/// How far an unclosed block is searched for hiding keys.
const UNCLOSED_LINES: usize = 100;

type Keys = BTreeMap<&'static str, Value>;

/// The language of a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Syntax {
    Yaml,
    Toml,
}

/// Takes the front matter off a plain text (see [`crate::normalise`]): what it said, with the rest
/// of the file as the text.
pub(crate) fn split(text: &str) -> Extracted {
    let Some((syntax, block, body)) = cut(text) else {
        return unclosed(text);
    };
    let whole = |access| Extracted { text: text.to_owned(), access, ..Extracted::default() };
    match keys(syntax, block) {
        Ok(Some(keys)) => said(keys, body),
        // A file that opens with a rule and has another one further down.
        Ok(None) => whole(hiding_line(block.lines())),
        Err(reason) => {
            let low = block.to_lowercase();
            let hides = HIDING.iter().any(|key| low.contains(key));
            let access = hides
                .then(|| Layer::unreadable(format!("the front matter can't be read: {reason}")));
            Extracted { text: body.to_owned(), access, ..Extracted::default() }
        }
    }
}

/// Where the block ends and the text begins.
fn cut(text: &str) -> Option<(Syntax, &str, &str)> {
    let mut lines = text.split_inclusive('\n');
    let (syntax, ends): (_, &[&str]) = match lines.next()?.trim_end() {
        "---" => (Syntax::Yaml, &["---", "..."]),
        "+++" => (Syntax::Toml, &["+++"]),
        _ => return None,
    };
    let start = text.find('\n')? + 1;
    let mut at = start;
    for line in lines {
        if ends.contains(&line.trim_end()) {
            return Some((syntax, &text[start..at], &text[at + line.len()..]));
        }
        at += line.len();
    }
    None
}

/// A text without front matter; or one whose first line opens a block that never ends, which hides
/// it when one of the next lines reads like a key that hides.
fn unclosed(text: &str) -> Extracted {
    let opens = text.lines().next().is_some_and(|line| matches!(line.trim_end(), "---" | "+++"));
    let access = opens.then(|| hiding_line(text.lines().skip(1).take(UNCLOSED_LINES))).flatten();
    Extracted { text: text.to_owned(), access, ..Extracted::default() }
}

/// A layer that hides, where a line reads like `access:` or `draft =`.
fn hiding_line<'a>(mut lines: impl Iterator<Item = &'a str>) -> Option<Layer> {
    let key = lines.find_map(|line| {
        let (key, _) = line.split_once([':', '='])?;
        let key = key.trim().trim_matches(['"', '\'']).to_lowercase();
        HIDING.into_iter().find(|hiding| *hiding == key)
    })?;
    Some(Layer::unreadable(format!("the front matter can't be read, and it sets `{key}`")))
}

/// The known keys of a block as JSON values. `None`: this is no front matter, but text.
fn keys(syntax: Syntax, block: &str) -> Result<Option<Keys>, String> {
    let mut found = Keys::new();
    // Two spellings of one key (`Access`, `access`) leave open which one was meant.
    let mut add = |name: &str, value: Value| match known(name) {
        Some(key) if found.insert(key, value).is_some() => Err(format!("`{key}` is set twice")),
        Some(_) | None => Ok(()),
    };
    match syntax {
        Syntax::Yaml => {
            use serde_norway::Value as Yaml;
            match serde_norway::from_str(block).map_err(|error| error.to_string())? {
                Yaml::Null => {}
                Yaml::Mapping(mapping) => {
                    for (name, value) in mapping {
                        let Yaml::String(name) = name else { continue };
                        // What JSON can't hold is a value that nobody can read: null.
                        add(&name, serde_json::to_value(value).unwrap_or_default())?;
                    }
                }
                Yaml::Bool(_)
                | Yaml::Number(_)
                | Yaml::String(_)
                | Yaml::Sequence(_)
                | Yaml::Tagged(_) => {
                    return Ok(None);
                }
            }
        }
        Syntax::Toml => {
            let table: toml::Table =
                toml::from_str(block).map_err(|error| error.message().to_owned())?;
            for (name, value) in table {
                let value = match value {
                    toml::Value::Datetime(date) => Value::String(date.to_string()),
                    other @ (toml::Value::String(_)
                    | toml::Value::Integer(_)
                    | toml::Value::Float(_)
                    | toml::Value::Boolean(_)
                    | toml::Value::Array(_)
                    | toml::Value::Table(_)) => serde_json::to_value(other).unwrap_or_default(),
                };
                add(&name, value)?;
            }
        }
    }
    Ok(Some(found))
}

/// The key that a name means, whatever its case.
fn known(name: &str) -> Option<&'static str> {
    let name = name.trim().to_lowercase();
    KEYS.into_iter().find(|key| *key == name)
}

fn said(mut keys: Keys, body: &str) -> Extracted {
    let mut word = |key: &str| keys.remove(key).and_then(|value| scalar(&value));
    let title = word("title").map(|title| normalise::line(&title)).unwrap_or_default();
    let owner =
        word("owner").map(|owner| normalise::line(&owner)).filter(|owner| !owner.is_empty());
    let language = word("lang").and_then(|code| language::declared(&code)).unwrap_or_default();
    let (lastmod, date) = (word("lastmod"), word("date"));
    let modified_at =
        lastmod.as_deref().and_then(moment).or_else(|| date.as_deref().and_then(moment));
    let draft = keys.get("draft").is_some_and(|value| switch(value) != Some(false));
    let withheld = keys
        .get("publish")
        .is_some_and(|value| switch(value) == Some(false) || switch(value).is_none());
    Extracted {
        text: body.to_owned(),
        title,
        language,
        owner,
        modified_at,
        hidden: draft || withheld,
        access: keys.remove("access").map(access),
        ..Extracted::default()
    }
}

/// The document's own layer. An `allow` without a value is a list that somebody forgot to write,
/// and must not mean "everybody".
fn access(value: Value) -> Layer {
    let unreadable = |reason: &str| Layer::unreadable(format!("`access` can't be read: {reason}"));
    let Some(parts) = value.as_object() else {
        return unreadable("write `allow` and `deny`, each with a list");
    };
    if parts.values().any(Value::is_null) {
        return unreadable("`allow` or `deny` has no value; write a list");
    }
    serde_json::from_value::<GivenLayer>(value)
        .map_or_else(|error| unreadable(&error.to_string()), Layer::from)
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Yes or no in the ways people write it. `None`: it can't be told.
fn switch(value: &Value) -> Option<bool> {
    let text = match value {
        Value::Bool(yes) => return Some(*yes),
        Value::String(text) => text.trim().to_lowercase(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    match text.as_str() {
        "true" | "yes" | "on" | "y" | "1" => Some(true),
        "false" | "no" | "off" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// A date in one of the usual forms, as RFC 3339. A time without a zone is taken as UTC.
pub(crate) fn moment(text: &str) -> Option<String> {
    use jiff::civil::{Date, DateTime};
    use jiff::{Timestamp, tz::TimeZone};
    let text = text.trim();
    let utc = |date: DateTime| date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let with_zone = ["%Y-%m-%d %H:%M:%S %z", "%Y-%m-%dT%H:%M:%S%z", "%a, %d %b %Y %H:%M:%S %z"];
    let days = ["%d.%m.%Y", "%Y/%m/%d", "%B %d, %Y", "%b %d, %Y", "%d %B %Y", "%d %b %Y"];
    let minutes = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
    let stamp = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| with_zone.iter().find_map(|form| Timestamp::strptime(form, text).ok()))
        .or_else(|| text.parse::<DateTime>().ok().and_then(utc))
        .or_else(|| {
            minutes.iter().find_map(|form| DateTime::strptime(form, text).ok()).and_then(utc)
        })
        .or_else(|| {
            days.iter()
                .find_map(|form| Date::strptime(form, text).ok())
                .and_then(|date| utc(date.into()))
        })?;
    // What is written with a sign or with six digits is a slip, and other programs can't read it.
    (1..=9999).contains(&stamp.to_zoned(TimeZone::UTC).year()).then(|| stamp.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hides(text: &str) -> bool {
        let said = split(text);
        said.hidden || said.access.is_some_and(|layer| layer.unreadable.is_some())
    }

    #[test]
    fn yaml_and_toml_say_the_same() {
        let yaml = "---\ntitle: \"Leave: policy\"\nowner: user:maria@example.com\ndate: 2024-03-01\nlastmod: 2024-05-02T10:00:00+02:00\nlang: de-AT\nweight: 3\naccess:\n  allow: [group:hr]\n  deny: [\"user:bob\"]\n---\n# Text\n";
        let toml = "+++\ntitle = \"Leave: policy\"\nowner = \"user:maria@example.com\"\ndate = 2024-03-01\nlastmod = 2024-05-02T10:00:00+02:00\nlang = \"de\"\n[access]\nallow = [\"group:hr\"]\ndeny = [\"user:bob\"]\n+++\n# Text\n";
        let said = split(yaml);
        assert_eq!(said, split(toml));
        assert_eq!(said.text, "# Text\n");
        assert_eq!(said.title, "Leave: policy");
        assert_eq!(said.language, "de");
        assert_eq!(said.modified_at.as_deref(), Some("2024-05-02T08:00:00Z"));
        let layer = said.access.unwrap();
        assert_eq!(layer.allow.unwrap().len(), 1);
        assert_eq!(layer.deny.len(), 1);
        assert!(layer.unreadable.is_none());
    }

    #[test]
    fn promise_2_an_access_that_cannot_be_read_hides() {
        let bad = [
            "access: everyone",
            "access: [group:hr]",
            "access:",
            "access: null",
            "access: 7",
            "access:\n  allow: group:hr",
            "access:\n  allow:",
            "access:\n  allow: [hr]",
            "access:\n  alow: [group:hr]",
            "access:\n  unreadable: x",
            "access:\n  allow: [group:hr]\n  deny:",
            "access:\n  allow:\n    - group: hr",
            "access:\n  allow: [group:hr",
            "access: !x {}",
            "Access: everyone",
            "ACCESS:\n  allow: [everyone]\naccess:\n  allow: [group:hr]",
            "access:\n  1: x",
            "title: a: b\naccess:\n  allow: [group:hr]",
            "\taccess: {}",
            "access:\n  allow: [group:hr]\naccess:\n  allow: [everyone]",
            "\"access\" : x",
        ];
        for block in bad {
            assert!(hides(&format!("---\n{block}\n---\ntext")), "{block}");
            assert!(hides(&format!("---\n{block}\n\ntext without an end")), "unclosed {block}");
        }
        for block in ["access = 1", "[access]\nallow = \"x\"", "access = [", "[access]\nallwo = []"]
        {
            assert!(hides(&format!("+++\n{block}\n+++\ntext")), "{block}");
        }
        // An empty list is readable, and is nobody.
        let nobody = split("---\naccess: {allow: []}\n---\n").access.unwrap();
        assert_eq!(nobody.allow.unwrap().len(), 0);
    }

    #[test]
    fn drafts_are_hidden_and_so_is_doubt() {
        for block in [
            "draft: true",
            "draft: yes",
            "draft: \"true\"",
            "Draft: 1",
            "draft: maybe",
            "publish: false",
            "publish: \"no\"",
            "publish: off",
            "draft: [",
            "publish: later",
        ] {
            assert!(hides(&format!("---\n{block}\n---\ntext")), "{block}");
        }
        for block in [
            "draft: false",
            "draft: \"no\"",
            "publish: true",
            "publish: yes",
            "published: false",
            "title: x",
        ] {
            assert!(!hides(&format!("---\n{block}\n---\ntext")), "{block}");
        }
    }

    #[test]
    fn broken_front_matter_is_cut_and_plain_rules_are_not() {
        let broken = split("---\ntitle: a: b: [\n---\nThe text.\n");
        assert_eq!((broken.text.as_str(), broken.access), ("The text.\n", None));
        let rule = "---\nJust a paragraph between rules.\n---\nMore.\n";
        assert_eq!(split(rule).text, rule);
        assert_eq!(split("---\n---\nText").text, "Text");
        assert_eq!(split("No front matter\n---\n").text, "No front matter\n---\n");
        assert_eq!(split("").text, "");
    }

    #[test]
    fn dates_in_their_usual_forms() {
        for text in [
            "2024-03-01",
            "2024-03-01T00:00:00Z",
            "2024-03-01 00:00:00",
            "2024-03-01 01:00:00 +0100",
            "2024/03/01",
            "01.03.2024",
            "March 1, 2024",
            "1 Mar 2024",
            "2024-03-01 00:00",
            "20240301",
        ] {
            assert_eq!(moment(text).as_deref(), Some("2024-03-01T00:00:00Z"), "{text}");
        }
        for text in ["", "soon", "2024", "2024-13-01", "99999-01-01", "-000001-01-01T00:00:00Z"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }
}
