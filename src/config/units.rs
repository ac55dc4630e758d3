//! Spans of time, sizes, paths and other values that a plain TOML type can't hold.
//!
//! Each is read here, once, so that the rest of the program gets a `Duration`, a number of bytes or
//! an absolute path and never a text to interpret.

use std::net::SocketAddr;
use std::path::{Component, PathBuf};
use std::time::Duration;

use figment::value::magic::RelativePathBuf;
use reqwest::Url;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

const SPAN_EXPECTED: &str =
    "a span such as \"30s\", \"15m\", \"12h\", \"180d\", \"2w\" or \"1h30m\"";
const SIZE_EXPECTED: &str = "a size such as \"800KB\", \"100MB\" or \"1GiB\", or a number of bytes";

/// Reads a span, in the same grammar as the spans of a source.
///
/// A day is 24 hours and a week seven days. Months and years have no fixed length and are refused.
///
/// # Errors
/// With the text and what was expected.
pub fn span(text: &str) -> Result<Duration, String> {
    let fixed = |span: jiff::Span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours());
    let parsed = text.parse::<jiff::Span>().and_then(fixed);
    parsed
        .ok()
        .and_then(|span| Duration::try_from(span).ok())
        .ok_or_else(|| format!("`{text}` is not {SPAN_EXPECTED}"))
}

/// Reads a size in bytes: `KB`, `MB`, `GB` are thousands, `KiB`, `MiB`, `GiB` are 1,024s.
///
/// # Errors
/// With the text and what was expected.
pub fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not {SIZE_EXPECTED}");
    let trimmed = text.trim();
    let digits = trimmed.len() - trimmed.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let count: u64 = trimmed[..digits].parse().map_err(|_| wrong())?;
    let unit = match trimmed[digits..].trim_start() {
        "" | "B" => 1,
        "KB" | "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(wrong()),
    };
    count.checked_mul(unit).ok_or_else(wrong)
}

pub(super) fn read_span<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    span(&String::deserialize(from)?).map_err(D::Error::custom)
}

pub(super) fn read_span_if_given<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Duration>, D::Error> {
    read_span(from).map(Some)
}

/// A number, or an empty text for none.
pub(super) fn read_number_if_set<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<f64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a number, or \"\" for none")]
    enum Given {
        Number(f64),
        Text(String),
    }
    match Given::deserialize(from)? {
        Given::Number(number) => Ok(Some(number)),
        Given::Text(text) if text.is_empty() => Ok(None),
        Given::Text(text) => Err(D::Error::custom(format!("`{text}` is not a number"))),
    }
}

pub(super) fn read_size<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a size such as \"100MB\", or a number of bytes")]
    enum Given {
        Bytes(u64),
        Text(String),
    }
    match Given::deserialize(from)? {
        Given::Bytes(bytes) => Ok(bytes),
        Given::Text(text) => size(&text).map_err(D::Error::custom),
    }
}

pub(super) fn read_listen<'de, D: Deserializer<'de>>(from: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(|_| {
        D::Error::custom(format!(
            "`{text}` is not an address and a port such as \"127.0.0.1:8080\" or \"[::1]:8080\""
        ))
    })
}

/// An absolute path. A relative one starts at the folder of the file that gives it.
pub(super) fn read_path<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
    absolute(&RelativePathBuf::deserialize(from)?)
}

pub(super) fn read_paths<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<PathBuf>, D::Error> {
    Vec::<RelativePathBuf>::deserialize(from)?.iter().map(absolute).collect()
}

pub(super) fn read_path_if_set<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<PathBuf>, D::Error> {
    let given = RelativePathBuf::deserialize(from)?;
    if given.original().as_os_str().is_empty() { Ok(None) } else { absolute(&given).map(Some) }
}

fn absolute<E: Error>(given: &RelativePathBuf) -> Result<PathBuf, E> {
    if given.original().as_os_str().is_empty() {
        return Err(E::custom("the path is empty"));
    }
    let path = std::path::absolute(given.relative()).map_err(E::custom)?;
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    Ok(plain)
}

pub(super) fn read_text_if_set<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<String>, D::Error> {
    Ok(Some(String::deserialize(from)?).filter(|text| !text.is_empty()))
}

pub(crate) fn read_url_if_set<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Url>, D::Error> {
    let Some(text) = read_text_if_set(from)? else { return Ok(None) };
    let url = text.parse::<Url>().ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    match url {
        Some(url) if url.host().is_some() => Ok(Some(url)),
        Some(_) | None => Err(D::Error::custom(format!(
            "`{text}` is not an address such as \"https://ask.example.com\""
        ))),
    }
}
