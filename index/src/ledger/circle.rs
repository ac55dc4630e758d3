//! Everybody who must pass a layer before anything behind it is shown: the one who asks, and whoever
//! hears the answer.
//!
//! For a single reader this is the reader's principals and nothing more. In a channel it is everybody
//! there, and each of them has to pass every layer, as if they had asked.

use std::collections::BTreeSet;
use std::iter::once;
use std::sync::Arc;

use rusqlite::Transaction;

use super::people::principals;
use crate::access::{Hearers, Layer, Principal, Reader, Rule};
use crate::error::Result;

/// Everybody who must pass.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Circle {
    /// What each of them is. Equal ones count once.
    each: BTreeSet<Arc<BTreeSet<Principal>>>,
    /// Whether there are more, of whom nothing is known but that they are signed in.
    crowd: bool,
    /// The groups that Vouch keeps, where somebody's token was not seen: any other may be theirs.
    kept: Option<BTreeSet<String>>,
}

impl Circle {
    /// A reader with all who hear, as they are in this transaction.
    pub(super) fn now(tx: &Transaction<'_>, reader: &Reader) -> Result<Self> {
        Self::of(tx, reader, |one| Ok(principals(tx, &one.user, &one.token_groups)?.into()))
    }

    /// A reader with all who hear, each with the principals that `look_up` finds.
    pub(super) fn of(
        tx: &Transaction<'_>,
        reader: &Reader,
        look_up: impl Fn(&Reader) -> Result<Arc<BTreeSet<Principal>>>,
    ) -> Result<Self> {
        let others: &[Reader] = match &reader.hearers {
            Hearers::Each(others) => others,
            Hearers::Nobody | Hearers::Crowd(_) => &[],
        };
        let all = || once(reader).chain(others);
        let each = all().map(look_up).collect::<Result<_>>()?;
        let kept = if all().any(|one| one.without_token) { Some(kept_groups(tx)?) } else { None };
        Ok(Self { each, crowd: matches!(reader.hearers, Hearers::Crowd(_)), kept })
    }

    /// Whether all of them pass this layer.
    pub(super) fn passes(&self, layer: &Layer) -> bool {
        self.each.iter().all(|principals| layer.admits(principals))
            && (!self.crowd || is_for_everyone(layer))
            && self.kept.as_ref().is_none_or(|kept| denies_only(layer, kept))
    }

    /// Whether all of them pass every layer.
    pub(super) fn passes_all(&self, rule: &Rule) -> bool {
        rule.0.iter().all(|layer| self.passes(layer))
    }
}

/// Whether a layer opens to everyone and keeps out nobody.
fn is_for_everyone(layer: &Layer) -> bool {
    layer.unreadable.is_none()
        && layer.deny.is_empty()
        && layer.allow.as_ref().is_none_or(|allow| allow.contains(&Principal::Everyone))
}

/// Whether a layer denies no group but these.
fn denies_only(layer: &Layer, kept: &BTreeSet<String>) -> bool {
    layer.deny.iter().all(|denied| match denied {
        Principal::Group(group) => kept.contains(group),
        Principal::User(_) | Principal::Everyone => true,
    })
}

fn kept_groups(tx: &Transaction<'_>) -> Result<BTreeSet<String>> {
    let mut names = tx.prepare_cached("SELECT name FROM kept_group")?;
    Ok(names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circle(each: &[&[&str]], crowd: bool, kept: Option<&[&str]>) -> Circle {
        let set =
            |names: &&[&str]| Arc::new(names.iter().map(|one| one.parse().unwrap()).collect());
        let kept = kept.map(|names| names.iter().map(|&name| name.to_owned()).collect());
        Circle { each: each.iter().map(set).collect(), crowd, kept }
    }

    fn layer(text: &str) -> Layer {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn promise_2_one_who_does_not_pass_keeps_it_from_all() {
        let ann: &[&str] = &["user:ann", "group:hr", "everyone"];
        let bob: &[&str] = &["user:bob", "everyone"];
        let hr = layer(r#"{"allow":["group:hr"]}"#);
        assert!(circle(&[ann], false, None).passes(&hr));
        assert!(!circle(&[ann, bob], false, None).passes(&hr));
        let not_bob = layer(r#"{"allow":["everyone"],"deny":["user:bob"]}"#);
        assert!(!circle(&[ann, bob], false, None).passes(&not_bob));
        assert!(!circle(&[ann, &[]], false, None).passes(&layer(r#"{"allow":["everyone"]}"#)));
    }

    #[test]
    fn promise_2_a_crowd_sees_what_is_for_everyone_and_kept_from_nobody() {
        let ann: &[&str] = &["user:ann", "group:hr", "everyone"];
        for (text, passes) in [
            (r#"{"allow":["everyone"]}"#, true),
            (r#"{"allow":["group:hr","everyone"]}"#, true),
            ("{}", true),
            (r#"{"allow":["group:hr"]}"#, false),
            (r#"{"allow":["everyone"],"deny":["user:nobody"]}"#, false),
            (r#"{"allow":[]}"#, false),
            (r#"{"unreadable":"x"}"#, false),
        ] {
            assert_eq!(circle(&[ann], true, None).passes(&layer(text)), passes, "{text}");
        }
        assert!(!circle(&[&[]], true, None).passes(&layer(r#"{"allow":["everyone"]}"#)));
    }

    #[test]
    fn promise_2_an_unseen_token_may_name_any_group_that_is_denied() {
        let ann: &[&str] = &["user:ann", "everyone"];
        let known = circle(&[ann], false, Some(&["contractors"]));
        assert!(known.passes(&layer(r#"{"allow":["everyone"],"deny":["group:contractors"]}"#)));
        assert!(!known.passes(&layer(r#"{"allow":["everyone"],"deny":["group:visitors"]}"#)));
        assert!(known.passes(&layer(r#"{"allow":["everyone"],"deny":["user:bob"]}"#)));
    }
}
