//! How many documents a change of rules or of nested groups would let people newly see.
//!
//! Two states are compared, for everybody whom Vouch knows and for a stranger, each with whatever
//! groups a token might bring: what no combination of groups newly opens is not counted, and what one
//! does is. Nothing here changes anything.

use std::collections::{BTreeSet, HashMap};

use rusqlite::Transaction;

use super::people::known_users;
use crate::access::{Layer, Principal, Rule};
use crate::error::Result;

type Principals = BTreeSet<Principal>;

/// Documents with one rule before and after a change; both with their source's layer.
pub(super) struct Compared {
    pub(super) before: Rule,
    pub(super) after: Rule,
    pub(super) documents: i64,
}

/// The groups that Vouch keeps, and what each is a member of.
#[derive(Clone)]
pub(super) struct Groups {
    kept: BTreeSet<String>,
    holders: HashMap<Principal, Vec<String>>,
}

impl Groups {
    pub(super) fn read(tx: &Transaction<'_>) -> Result<Self> {
        let mut names = tx.prepare_cached("SELECT name FROM kept_group")?;
        let kept = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut groups = Self { kept, holders: HashMap::new() };
        let mut members = tx.prepare_cached("SELECT grp, member FROM membership")?;
        let mut rows = members.query([])?;
        while let Some(row) = rows.next()? {
            if let Ok(member) = row.get::<_, String>(1)?.parse() {
                groups.holders.entry(member).or_default().push(row.get(0)?);
            }
        }
        Ok(groups)
    }

    /// Puts members into a group, which is kept from then on.
    pub(super) fn add(&mut self, group: &str, members: &[Principal]) {
        self.kept.insert(group.to_owned());
        for member in members {
            self.holders.entry(member.clone()).or_default().push(group.to_owned());
        }
    }

    /// Everything that somebody who is this is as well.
    fn closure(&self, start: Principal) -> Principals {
        let mut found = BTreeSet::new();
        let mut open = vec![start];
        while let Some(principal) = open.pop() {
            if found.insert(principal.clone()) {
                let holders = self.holders.get(&principal).into_iter().flatten();
                open.extend(holders.cloned().map(Principal::Group));
            }
        }
        found
    }

    /// What a group that a token names makes of somebody: nothing where Vouch keeps that group.
    fn by_token(&self, group: &str) -> Principals {
        if self.kept.contains(group) {
            return Principals::new();
        }
        self.closure(Principal::Group(group.to_owned()))
    }
}

/// What a change opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gain {
    /// Whether somebody who has `everyone` alone passes what they did not pass before.
    pub(super) everyone: bool,
    /// Documents that somebody newly sees.
    pub(super) documents: i64,
    /// All documents.
    pub(super) of: i64,
}

impl Gain {
    /// Whether it is too much for one person to decide; exactly the limit is not.
    pub(super) fn exceeds(self, limit: f64) -> bool {
        // The share of a whole number is meant exactly, whatever a binary fraction makes of it.
        const ROUNDING: f64 = 1e-9;
        self.everyone || self.documents as f64 > limit * self.of as f64 + ROUNDING
    }

    /// The gain in words, without titles.
    pub(super) fn in_words(self) -> String {
        let share = if self.of == 0 { 0.0 } else { self.documents as f64 * 100.0 / self.of as f64 };
        let count = format!(
            "more people would see {} of {} documents ({share:.1} %)",
            self.documents, self.of
        );
        if self.everyone { format!("everyone would be let in, and {count}") } else { count }
    }
}

/// Compares two states.
pub(super) fn gain(
    tx: &Transaction<'_>,
    rules: &[Compared],
    (before, after): (&Groups, &Groups),
) -> Result<Gain> {
    let mentioned = mentioned(rules);
    let limit_to = |all: Principals| all.intersection(&mentioned).cloned().collect::<Principals>();
    let mut users: BTreeSet<Principal> =
        known_users(tx)?.into_iter().map(Principal::User).collect();
    users.extend(mentioned.iter().filter(|it| matches!(it, Principal::User(_))).cloned());
    // People who are alike in what the rules mention are looked at once.
    let person = |user: Option<&Principal>| {
        [before, after].map(|groups| {
            let mut all = user.map_or_else(Principals::new, |user| groups.closure(user.clone()));
            all.insert(Principal::Everyone);
            limit_to(all)
        })
    };
    let stranger = person(None);
    let mut people: BTreeSet<[Principals; 2]> =
        users.iter().map(|user| person(Some(user))).collect();
    people.insert(stranger.clone());
    let named = mentioned.iter().chain(before.holders.keys()).chain(after.holders.keys());
    let tokens: BTreeSet<[Principals; 2]> = named
        .filter_map(|principal| match principal {
            Principal::Group(name) => Some([before, after].map(|it| limit_to(it.by_token(name)))),
            Principal::User(_) | Principal::Everyone => None,
        })
        .filter(|sides| sides.iter().any(|side| !side.is_empty()))
        .collect();
    let mut gain = Gain { everyone: false, documents: 0, of: all_documents(tx)? };
    for rule in rules {
        gain.everyone |= rule.newly_passed(&stranger, &[]);
        let harmless: Vec<_> = tokens.iter().filter(|[_, now]| !denies(&rule.after, now)).collect();
        if rule.documents > 0 && people.iter().any(|person| rule.opens_to(person, &harmless)) {
            gain.documents += rule.documents;
        }
    }
    Ok(gain)
}

impl Compared {
    /// Whether this person, with some of these groups of tokens, passes now and did not before. None
    /// of the groups is denied now, so more of them only help now; that somebody did not pass before
    /// has a layer for its reason, and the groups that this layer let in are left out.
    fn opens_to(&self, person: &[Principals; 2], groups: &[&[Principals; 2]]) -> bool {
        let without = |allow: &Principals| -> Vec<_> {
            groups.iter().copied().filter(|[was, _]| was.is_disjoint(allow)).collect()
        };
        self.newly_passed(person, groups)
            || (!groups.is_empty()
                && self
                    .before
                    .0
                    .iter()
                    .filter_map(|layer| layer.allow.as_ref())
                    .any(|allow| self.newly_passed(person, &without(allow))))
    }

    fn newly_passed(&self, person: &[Principals; 2], groups: &[&[Principals; 2]]) -> bool {
        let all = |side: usize| -> Principals {
            groups.iter().flat_map(|group| &group[side]).chain(&person[side]).cloned().collect()
        };
        self.after.admits(&all(1)) && !self.before.admits(&all(0))
    }
}

fn denies(rule: &Rule, principals: &Principals) -> bool {
    rule.0.iter().any(|layer| !layer.deny.is_disjoint(principals))
}

/// Everything that one of these rules names.
fn mentioned(rules: &[Compared]) -> Principals {
    let layers = rules.iter().flat_map(|rule| rule.before.0.iter().chain(&rule.after.0));
    layers.flat_map(|layer| layer.allow.iter().flatten().chain(&layer.deny)).cloned().collect()
}

/// The rules that live documents have, each with its source's layer: as both states, for the caller to
/// change one.
pub(super) fn rules_in_force(tx: &Transaction<'_>, source: Option<&str>) -> Result<Vec<Compared>> {
    let mut statement = tx.prepare_cached(
        "SELECT s.layer, r.layers, count(*) FROM document d
         JOIN source s ON s.id = d.source JOIN rule r ON r.no = d.rule
         WHERE d.live IS NOT NULL AND d.hidden = 0 AND s.state IN ('active', 'paused')
           AND (?1 IS NULL OR s.id = ?1) GROUP BY r.no",
    )?;
    let rows = statement.query_map([source], |row| {
        let (layer, layers): (String, String) = (row.get(0)?, row.get(1)?);
        Ok((layer, layers, row.get(2)?))
    })?;
    let mut rules = Vec::new();
    for row in rows {
        let (layer, layers, documents) = row?;
        let mut rule = Rule(vec![super::gate::source_layer(&layer)]);
        rule.0.extend(Rule::from_stored(&layers).0);
        rules.push(Compared { before: rule.clone(), after: rule, documents });
    }
    Ok(rules)
}

fn all_documents(tx: &Transaction<'_>) -> Result<i64> {
    let mut statement = tx.prepare_cached(
        "SELECT count(*) FROM document d JOIN source s ON s.id = d.source
         WHERE d.live IS NOT NULL AND d.hidden = 0 AND s.state IN ('active', 'paused')",
    )?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// Whether a layer lets in nobody whom the other one keeps out, as it stands: for this no group needs
/// to be looked at.
pub(super) fn narrows(after: &Layer, before: &Layer) -> bool {
    let allowed = match (&after.allow, &before.allow) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(after), Some(before)) => after.is_subset(before),
    };
    after.unreadable.is_some()
        || (before.unreadable.is_none() && allowed && after.deny.is_superset(&before.deny))
}

/// Whether all that changes is one person, let in by name: what one person's membership would do, too.
pub(super) fn one_person(before: &Layer, after: &Layer) -> bool {
    let is_person = |who: &&Principal| matches!(who, Principal::User(_));
    if before.unreadable.is_some() || after.unreadable.is_some() {
        return false;
    }
    let undenied = before.deny.difference(&after.deny).collect::<Vec<_>>();
    match (&before.allow, &after.allow) {
        (Some(old), Some(new)) if before.deny == after.deny && old.is_subset(new) => {
            let added = new.difference(old).collect::<Vec<_>>();
            matches!(&*added, [who] if is_person(who))
        }
        (old, new) => {
            let one = matches!(&*undenied, [who] if is_person(who));
            old == new && one && after.deny.is_subset(&before.deny)
        }
    }
}
