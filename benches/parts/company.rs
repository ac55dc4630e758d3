//! A company of one source, for benchmarks that write into the ledger themselves.

use std::collections::BTreeSet;

use anyhow::Result;
use vouch_index::ledger::{ApprovalPolicy, Seen, SourceKind, SourceSpec};
use vouch_index::{Actor, Extracted, Layer, Ledger, Rule, VersionNo};

/// Who does everything.
pub(crate) fn olga() -> Result<Actor> {
    let name = "user:olga";
    let principals = BTreeSet::from([name.parse().map_err(anyhow::Error::msg)?]);
    Ok(Actor { name: name.to_owned(), principals, administrator: true })
}

/// Her source, which everybody may read.
pub(crate) fn source() -> Result<SourceSpec> {
    let owner = olga()?;
    Ok(SourceSpec {
        id: "company".to_owned(),
        kind: SourceKind::Push,
        path: None,
        owner: owner.principals.first().cloned(),
        purpose: "a benchmark".to_owned(),
        approvers: owner.principals.into_iter().collect(),
        approval: ApprovalPolicy::Source,
        self_approval: false,
        review_every: None,
        expire_after: None,
        authority: 0,
        access: Layer {
            allow: Some(BTreeSet::from(["everyone".parse().map_err(anyhow::Error::msg)?])),
            ..Layer::default()
        },
    })
}

/// Brings a document of this text, and gives its version.
pub(crate) fn bring(
    ledger: &Ledger,
    (number, rule): (usize, &Rule),
    text: String,
) -> Result<VersionNo> {
    let extracted = Extracted { language: "en".to_owned(), text, ..Extracted::default() };
    let seen = Seen {
        path: &format!("document-{number}.md"),
        hash: &format!("sha256:{number:064x}"),
        extractor: 1,
        extracted: &extracted,
        place: rule,
        uri: None,
        modified_at: 1_700_000_000,
        push: None,
    };
    Ok(ledger.bring("company", &seen)?.0)
}
