//! What a push says of a document besides its bytes. Whatever a reader would see wrongly, or not at
//! all, is refused here, while somebody is there to mend it.

use serde::Deserialize;
use utoipa::ToSchema;
use vouch_index::{GivenLayer, Principal};
use vouch_ingest::normalise;

use super::ApiError;

/// The longest address of an original, in bytes.
const URI_BYTES: usize = 2048;

/// What a push says of a document besides its bytes.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Metadata {
    /// 300 characters at most.
    pub(super) title: Option<String>,
    /// Where people open the original.
    pub(super) uri: Option<String>,
    /// A principal.
    #[schema(value_type = Option<String>)]
    pub(super) owner: Option<Principal>,
    /// RFC 3339.
    pub(super) modified_at: Option<String>,
    /// A language tag, such as `de` or `de-AT`.
    pub(super) language: Option<String>,
    /// `allow` and `deny`; absent adds no layer.
    #[schema(value_type = Object)]
    pub(super) access: Option<GivenLayer>,
}

impl Metadata {
    /// Reads and checks the part `metadata`; a title is made plain like one from a file.
    pub(super) fn read(text: &str) -> Result<Self, ApiError> {
        let unread = |why: &str| {
            bad(
                format!("`metadata` can't be read: {why}"),
                "its keys are title, uri, owner, modified_at, language and access (allow, deny)",
            )
        };
        // serde would take lists for structs, by position: nobody means that.
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|error| unread(&error.to_string()))?;
        if !value.is_object() || value["access"].is_array() {
            return Err(unread("it and its `access` are objects"));
        }
        let mut metadata: Self =
            serde_json::from_str(text).map_err(|error| unread(&error.to_string()))?;
        metadata.title = metadata.title.map(|title| plain_title(&title)).transpose()?;
        metadata.language = metadata.language.map(|tag| language(&tag)).transpose()?;
        metadata.uri.as_deref().map(check_uri).transpose()?;
        metadata.modified_at.as_deref().map(check_time).transpose()?;
        Ok(metadata)
    }
}

fn plain_title(title: &str) -> Result<String, ApiError> {
    let (title, most) = (normalise::line(title), normalise::TITLE);
    let wrong = match title.chars().count() {
        0 => "`metadata.title` is empty".to_owned(),
        long if long > most => format!("`metadata.title` has {long} characters"),
        _ => return Ok(title),
    };
    Err(bad(wrong, &format!("write 1 to {most} characters, or leave the title out")))
}

/// The language of a well-formed tag: two or three letters, and whatever says more about it.
fn language(tag: &str) -> Result<String, ApiError> {
    let mut parts = tag.split(['-', '_']);
    let code = parts.next().unwrap_or_default();
    let letters = (2..=3).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphabetic());
    let more = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    if letters && parts.all(more) && tag.len() <= 35 {
        return Ok(code.to_ascii_lowercase());
    }
    Err(bad(
        "`metadata.language` is not a language tag".to_owned(),
        "write two or three letters, such as `de`, or a tag such as `de-AT`; or leave it out",
    ))
}

/// An address that a link may lead to.
fn check_uri(uri: &str) -> Result<(), ApiError> {
    let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
    let runs = ["javascript", "vbscript", "data", "blob"].contains(&scheme.as_str());
    let plain = normalise::line(uri) == uri && !uri.is_empty() && uri.len() <= URI_BYTES;
    if plain && !runs {
        return Ok(());
    }
    Err(bad(
        format!("`metadata.uri` is not an address of 1 to {URI_BYTES} bytes that may be linked to"),
        "write the address that people open, such as https://wiki.example.com/leave",
    ))
}

fn check_time(text: &str) -> Result<(), ApiError> {
    let wrong = match text.parse::<jiff::Timestamp>() {
        Err(error) => format!("`metadata.modified_at` is not a time: {error}"),
        Ok(time) if (1..=9999).contains(&time.to_zoned(jiff::tz::TimeZone::UTC).year()) => {
            return Ok(());
        }
        Ok(_) => "`metadata.modified_at` is not in the years 1 to 9999".to_owned(),
    };
    Err(bad(wrong, "write it as RFC 3339, such as 2026-01-31T00:00:00Z"))
}

fn bad(title: String, hint: &str) -> ApiError {
    ApiError::invalid("bad_metadata", title, hint)
}
