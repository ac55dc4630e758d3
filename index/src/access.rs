//! Who may read what: principals, the layers of an access rule, and readers.
//!
//! A rule is a list of layers (source, then each folder, then document). All layers must pass.
//! In a layer a denied principal is out; then, where `allow` is given, only those it lists are in.
//! Whatever can't be understood lets nobody in: there is no way to write a rule here whose
//! misspelling opens a document.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Somebody or a set of people: `user:…`, `group:…`, or `everyone` (all who are signed in).
///
/// The kind ends at the first colon and the rest is compared byte for byte, so `group:a:b` is the
/// group `a:b` and `user:Ann` is not `user:ann`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Principal {
    /// Everybody who is signed in.
    Everyone,
    /// One person.
    User(String),
    /// A group, from a token or kept by Vouch.
    Group(String),
}

/// Why a text is not a principal.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a principal; write `user:NAME`, `group:NAME` or `everyone`")]
pub struct NotAPrincipal(String);

impl FromStr for Principal {
    type Err = NotAPrincipal;

    fn from_str(text: &str) -> Result<Self, NotAPrincipal> {
        match text.split_once(':') {
            None if text == "everyone" => Ok(Self::Everyone),
            Some(("user", name)) if !name.is_empty() => Ok(Self::User(name.to_owned())),
            Some(("group", name)) if !name.is_empty() => Ok(Self::Group(name.to_owned())),
            Some(_) | None => Err(NotAPrincipal(text.to_owned())),
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str("everyone"),
            Self::User(name) => write!(f, "user:{name}"),
            Self::Group(name) => write!(f, "group:{name}"),
        }
    }
}

impl Serialize for Principal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Principal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What one place (a source, a folder, a document) says about who may read.
///
/// An absent `allow` restricts nobody, `allow = []` is nobody. Unknown keys are refused: a
/// misspelt `deny` must not be an open door.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Who may read; absent means that this layer restricts nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<BTreeSet<Principal>>,
    /// Who may not, whatever `allow` says.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub deny: BTreeSet<Principal>,
    /// Set where the layer could not be read: the reason. It lets nobody in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

impl Layer {
    /// A layer that could not be read and therefore hides what is below it.
    #[must_use]
    pub fn unreadable(reason: impl Into<String>) -> Self {
        Self { unreadable: Some(reason.into()), ..Self::default() }
    }

    /// The principals that it names.
    pub(crate) fn named(&self) -> impl Iterator<Item = &Principal> {
        self.allow.iter().flatten().chain(&self.deny)
    }

    /// Whether these principals pass this layer.
    #[must_use]
    pub fn admits(&self, principals: &BTreeSet<Principal>) -> bool {
        self.unreadable.is_none()
            && self.deny.is_disjoint(principals)
            && self.allow.as_ref().is_none_or(|allow| !allow.is_disjoint(principals))
    }
}

/// A layer as people write it: in a source's description, a folder's `.access.toml`, or a push.
///
/// It is a form of its own, so that nobody outside can write, or is told of, the mark that Vouch sets
/// on a layer that it can't read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenLayer {
    #[serde(default)]
    allow: Option<BTreeSet<Principal>>,
    #[serde(default)]
    deny: BTreeSet<Principal>,
}

impl From<GivenLayer> for Layer {
    fn from(GivenLayer { allow, deny }: GivenLayer) -> Self {
        Self { allow, deny, unreadable: None }
    }
}

/// Reads a layer in the form that people write.
pub(crate) fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Layer, D::Error> {
    GivenLayer::deserialize(deserializer).map(Layer::from)
}

/// The layers between a source and one document, without the source's own.
///
/// Rules are interned by the ledger: a company has hundreds of them and not one per document. The
/// source's layer is kept with the source, so that changing it touches no document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rule(pub Vec<Layer>);

impl Rule {
    /// Whether these principals pass every layer.
    #[must_use]
    pub fn admits(&self, principals: &BTreeSet<Principal>) -> bool {
        self.0.iter().all(|layer| layer.admits(principals))
    }

    /// The form in which the ledger stores and compares rules.
    pub(crate) fn canonical(&self) -> String {
        serde_json::to_string(self).expect("a rule is made of strings alone")
    }

    /// Reads a stored rule. What can't be read becomes a rule that nobody passes.
    pub(crate) fn from_stored(text: &str) -> Self {
        serde_json::from_str(text)
            .unwrap_or_else(|error| Self(vec![Layer::unreadable(error.to_string())]))
    }
}

/// The authenticated person a request is made for, with all of their principals.
///
/// Made by [`crate::Ledger::reader`] alone, which adds the groups that Vouch keeps. A blocked user,
/// and anybody while the assistant is stopped, is a reader without any principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    pub(crate) user: String,
    pub(crate) token_groups: BTreeSet<String>,
    pub(crate) principals: Arc<BTreeSet<Principal>>,
    pub(crate) hearers: Hearers,
    pub(crate) without_token: bool,
}

/// Who hears an answer besides the one who asks, as in a channel. What is shown must be for each of
/// them: they are part of the reader, so every check of a reader is a check of them, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Hearers {
    /// Nobody.
    #[default]
    Nobody,
    /// These people.
    Each(Arc<[Reader]>),
    /// So many people that they are not looked up one by one. What they may see is what every layer
    /// opens to `everyone` and keeps from nobody.
    Crowd(usize),
}

impl Reader {
    /// The same person, asking so that others hear the answer.
    #[must_use]
    pub fn heard_by(self, hearers: Hearers) -> Self {
        Self { hearers, ..self }
    }

    /// The same person, known without a token: which groups a token would name can't be told. So a
    /// layer that denies a group which Vouch does not keep does not let them pass.
    #[must_use]
    pub fn without_token(self) -> Self {
        Self { without_token: true, ..self }
    }

    /// Who hears the answer besides this reader.
    #[must_use]
    pub fn hearers(&self) -> &Hearers {
        &self.hearers
    }

    /// The person's principal.
    #[must_use]
    pub fn principal(&self) -> Principal {
        Principal::User(self.user.clone())
    }

    /// Everything this reader is: the user, the groups, and everyone.
    #[must_use]
    pub fn principals(&self) -> &BTreeSet<Principal> {
        &self.principals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<Principal> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn promise_2_deny_wins_empty_and_unknown_mean_nobody() {
        let ann = set(&["user:ann", "group:hr", "everyone"]);
        let layer = |text: &str| toml_like(text);
        assert!(layer(r#"{"allow":["group:hr"]}"#).admits(&ann));
        assert!(!layer(r#"{"allow":["group:hr"],"deny":["user:ann"]}"#).admits(&ann));
        assert!(!layer(r#"{"allow":[]}"#).admits(&ann));
        assert!(layer("{}").admits(&ann));
        assert!(!Layer::unreadable("garbled").admits(&ann));
        assert!(!Rule::from_stored("[{\"alow\":[]}]").admits(&ann));
    }

    #[test]
    fn a_principal_ends_its_kind_at_the_first_colon() {
        assert_eq!("group:a:b".parse(), Ok(Principal::Group("a:b".into())));
        for bad in ["", "user:", "group", "Everyone", "role:x", ":a", "user"] {
            assert!(bad.parse::<Principal>().is_err(), "{bad}");
        }
    }

    #[test]
    fn promise_2_the_mark_of_an_unreadable_layer_is_not_for_people() {
        let error = serde_json::from_str::<GivenLayer>(r#"{"unreadable":"x"}"#).unwrap_err();
        assert!(error.to_string().contains("expected `allow` or `deny`"), "{error}");
        let error = serde_json::from_str::<GivenLayer>(r#"{"alow":[]}"#).unwrap_err();
        assert!(!error.to_string().contains("unreadable"), "{error}");
    }

    fn toml_like(text: &str) -> Layer {
        serde_json::from_str(text).unwrap()
    }
}
