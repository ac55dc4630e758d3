//! Groups that Vouch keeps, and how a credential's person becomes a reader.
//!
//! A group that is kept here counts from here alone; a group that only a token names counts from the
//! token. Groups may hold groups; a cycle is harmless, because the closure is a set.
//!
//! Users and groups enter through [`Ledger::change_group`] and [`Ledger::load_groups`] alone. That is
//! the seam for SCIM 2.0: a route that takes `/Groups` (`PUT`, `PATCH`) calls these two, one that takes
//! `/Users` with `active: false` calls [`Ledger::block_user`], and nothing below has to change.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;
use serde_json::json;

use super::widening::Groups;
use super::{Actor, Ledger, audit, bump_epoch, control, held, rfc3339};
use crate::access::{Hearers, Principal, Reader};
use crate::error::{Refusal, Result};

/// A group with its direct members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupInfo {
    /// The group's name, without `group:`.
    pub group: String,
    /// Its direct members.
    pub members: Vec<Principal>,
    /// Groups that wait for a second person before they are members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
}

/// A person whom Vouch knows, with all of their groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UserInfo {
    /// The principal.
    pub user: Principal,
    /// Groups that Vouch keeps, direct and through other groups.
    pub groups: Vec<String>,
    /// Since when an identity provider's subject stands for them, RFC 3339.
    pub signed_in_since: Option<String>,
    /// Why they are shut out, if they are.
    pub blocked: Option<control::Stopped>,
}

/// A person as they stand at this moment: what every call that is made for them begins with.
#[derive(Clone, Debug)]
pub struct Standing {
    /// What they may read as; nothing while they are blocked or the assistant is stopped.
    pub reader: Reader,
    /// Who they are, for roles and approvals. These go on while the assistant is stopped, or nobody
    /// could start it again; a blocked person has none.
    pub principals: BTreeSet<Principal>,
    /// Whether they are blocked.
    pub blocked: bool,
    /// Whether the assistant is stopped.
    pub stopped: bool,
}

impl Ledger {
    /// How a person stands whose credential was checked, with the groups that the credential names
    /// and those that Vouch keeps, all from one state of the ledger.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn standing(&self, user: &str, token_groups: &[String]) -> Result<Standing> {
        let token_groups: BTreeSet<String> = token_groups.iter().cloned().collect();
        self.read(|tx| {
            let blocked = control::blocked(tx, user)?.is_some();
            let stopped = control::stopped(tx)?.is_some();
            let principals = if blocked {
                BTreeSet::new()
            } else {
                lineage(tx, user, &token_groups)?.into_keys().collect()
            };
            let readable = if stopped { BTreeSet::new() } else { principals.clone() };
            let reader = reader_of(user, token_groups, readable.into());
            Ok(Standing { reader, principals, blocked, stopped })
        })
    }

    /// The reader for a person whose credential was checked, with the groups that the credential
    /// names and those that Vouch keeps.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn reader(&self, user: &str, token_groups: &[String]) -> Result<Reader> {
        let token_groups: BTreeSet<String> = token_groups.iter().cloned().collect();
        self.read(|tx| {
            let principals = self.principals(tx, user, &token_groups)?;
            Ok(reader_of(user, token_groups, principals))
        })
    }

    /// Whether Vouch knows this user: as a member of a kept group, by a sign-in, a key or a block.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn knows(&self, user: &str) -> Result<bool> {
        self.read(|tx| Ok(known_users(tx)?.contains(user)))
    }

    /// Adds and removes direct members of a group, which is kept by Vouch from the first addition on.
    ///
    /// A person's membership counts at once. A group inside this one is held for a second person where
    /// it lets in too many; then `held` says so.
    ///
    /// A removal alone makes no group: a kept group counts from the ledger alone, so one that is
    /// empty would take everybody out of the group of that name in their tokens.
    ///
    /// # Errors
    /// A name that can't be a group, `everyone` as a member, or nothing to add to a group that is
    /// not kept.
    pub fn change_group(
        &self,
        group: &str,
        add: &[Principal],
        remove: &[Principal],
        actor: &Actor,
    ) -> Result<GroupInfo> {
        check_group(group, add)?;
        self.write(|tx| {
            if add.is_empty() && !is_kept(tx, group)? {
                return Err(Refusal::missing(
                    "no_group",
                    format!("Vouch keeps no group `{group}`"),
                    "`vouch group list` lists those it keeps; a group of a token is changed where \
                     the token comes from",
                ));
            }
            let before = members_if_kept(tx, group)?;
            let (nested, others) = new_nestings(before.as_deref(), add, remove);
            if !others.is_empty() || before.is_some() {
                nest(tx, group, &others)?;
            }
            for member in remove {
                tx.prepare_cached("DELETE FROM membership WHERE grp = ?1 AND member = ?2")?
                    .execute(params![group, member.to_string()])?;
            }
            held::replace_nestings(tx, actor, group, |member| remove.contains(member))?;
            let start = Groups::read(tx)?;
            let mut groups = start.clone();
            let wish = (group, nested.as_slice(), actor);
            let held = held::nesting(tx, self.widening_limit, (&start, &mut groups), wish)?;
            if held.is_none() {
                nest(tx, group, &nested)?;
            }
            bump_epoch(tx)?;
            let after = members(tx, group)?;
            if before != members_if_kept(tx, group)? || held.is_none() {
                let subject = json!({"group": group, "before": before, "after": after.members});
                audit::act(tx, actor, "group.change", subject, None)?;
            }
            Ok(GroupInfo { held: held.map(|held| held.notice()), ..after })
        })
    }

    /// Replaces the members of many groups at once, as a directory export gives them. Groups that
    /// become members of a group that was kept before are held where they let in too many; what is
    /// held comes back.
    ///
    /// # Errors
    /// A name that can't be a group; then nothing is changed.
    pub fn load_groups(
        &self,
        groups: &BTreeMap<String, Vec<Principal>>,
        actor: &Actor,
    ) -> Result<Vec<String>> {
        for (group, members) in groups {
            check_group(group, members)?;
        }
        self.write(|tx| {
            let mut loaded = Vec::new();
            for (group, members) in groups {
                let before = members_if_kept(tx, group)?;
                // A group's first load is like a source's first activation: what it holds counts.
                let (nested, others) = match &before {
                    Some(before) => new_nestings(Some(before), members, &[]),
                    None => (Vec::new(), members.clone()),
                };
                tx.prepare_cached("DELETE FROM membership WHERE grp = ?1")?.execute([group])?;
                nest(tx, group, &others)?;
                held::replace_nestings(tx, actor, group, |it| !members.contains(it))?;
                loaded.push((group, before, nested));
            }
            let start = Groups::read(tx)?;
            let (mut groups_now, mut waits, mut changed) = (start.clone(), Vec::new(), Vec::new());
            for (group, before, nested) in &loaded {
                let wish = (group.as_str(), nested.as_slice(), actor);
                let state = (&start, &mut groups_now);
                match held::nesting(tx, self.widening_limit, state, wish)? {
                    Some(held) => waits.push(held.notice()),
                    None => nest(tx, group, nested)?,
                }
                let after = Some(members(tx, group)?.members);
                if *before != after {
                    changed.push(json!({"group": group, "before": before, "after": after}));
                }
            }
            bump_epoch(tx)?;
            let members: usize = groups.values().map(Vec::len).sum();
            let subject = json!({
                "groups": groups.len(), "members": members, "changed": changed, "held": waits,
            });
            audit::act(tx, actor, "group.load", subject, None)?;
            Ok(waits)
        })
    }

    /// The groups that Vouch keeps, by name.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn groups(&self) -> Result<Vec<GroupInfo>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT name FROM kept_group ORDER BY name")?;
            let names: Vec<String> =
                statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            names.iter().map(|name| members(tx, name)).collect()
        })
    }

    /// The people whom Vouch knows: those whom a kept group names, who signed in, for whom a key
    /// stands or who are blocked, and `others`, whom somebody else knows.
    ///
    /// # Errors
    /// The ledger failed.
    pub fn users(&self, others: &[String]) -> Result<Vec<UserInfo>> {
        self.read(|tx| {
            let mut names = known_users(tx)?;
            names.extend(others.iter().cloned());
            let mut seen = tx.prepare_cached("SELECT first_seen FROM identity WHERE user = ?1")?;
            let mut user_of = |name: &String| -> Result<UserInfo> {
                let groups = kept_groups_of(tx, name, &BTreeSet::new())?;
                let since: Option<i64> = seen.query_row([name], |row| row.get(0)).optional()?;
                Ok(UserInfo {
                    user: Principal::User(name.clone()),
                    groups: groups.into_keys().collect(),
                    signed_in_since: since.map(rfc3339),
                    blocked: control::blocked(tx, name)?,
                })
            };
            names.iter().map(&mut user_of).collect()
        })
    }
}

/// A reader whom nobody else hears, with what they are at this moment.
pub(super) fn reader_of(
    user: &str,
    token_groups: BTreeSet<String>,
    principals: Arc<BTreeSet<Principal>>,
) -> Reader {
    let user = user.to_owned();
    Reader { user, token_groups, principals, hearers: Hearers::Nobody, without_token: false }
}

/// The users whom the ledger knows: those whom a kept group names, who signed in, for whom a key
/// stands, who are blocked.
pub(super) fn known_users(tx: &Transaction<'_>) -> Result<BTreeSet<String>> {
    const KNOWN: &str = "SELECT substr(member, 6) FROM membership WHERE member LIKE 'user:%'
        UNION SELECT user FROM identity UNION SELECT user FROM block
        UNION SELECT user FROM api_key WHERE user IS NOT NULL AND revoked_at IS NULL";
    let mut statement = tx.prepare_cached(KNOWN)?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// Puts members into a group, which is kept from then on.
pub(super) fn nest(tx: &Transaction<'_>, group: &str, add: &[Principal]) -> Result<()> {
    tx.prepare_cached("INSERT OR IGNORE INTO kept_group VALUES (?1)")?.execute([group])?;
    for member in add {
        tx.prepare_cached("INSERT OR IGNORE INTO membership VALUES (?1, ?2)")?
            .execute(params![group, member.to_string()])?;
    }
    Ok(())
}

/// The groups among these members that were none before, and all other members.
fn new_nestings(
    before: Option<&[Principal]>,
    add: &[Principal],
    remove: &[Principal],
) -> (Vec<Principal>, Vec<Principal>) {
    let known = |member: &Principal| before.is_some_and(|before| before.contains(member));
    let wished = add.iter().filter(|member| !remove.contains(member)).cloned();
    let (mut nested, others): (Vec<_>, Vec<_>) =
        wished.partition(|member| matches!(member, Principal::Group(_)) && !known(member));
    // The same wish in another order is the same wish.
    nested.sort();
    nested.dedup();
    (nested, others)
}

/// Whether a group may be called so: not like another kind of principal, and nothing that can't be
/// read on a line.
#[must_use]
pub fn can_name_a_group(name: &str) -> bool {
    let looks_like_another =
        name == "everyone" || ["group:", "user:"].iter().any(|kind| name.starts_with(kind));
    !looks_like_another && !name.trim().is_empty() && !name.chars().any(char::is_control)
}

fn check_group(group: &str, members: &[Principal]) -> Result<()> {
    if !can_name_a_group(group) {
        return Err(Refusal::invalid(
            "bad_group",
            format!("`{group}` can't be the name of a group"),
            "give a name such as `hr`, which stands for the principal group:hr; no control \
             characters, not `everyone`, nothing that begins with `group:` or `user:`",
        ));
    }
    if members.contains(&Principal::Everyone) {
        return Err(Refusal::invalid(
            "bad_member",
            format!("`everyone` can't be a member of the group `{group}`"),
            "name users (user:…) and groups (group:…); a rule may allow `everyone` directly",
        ));
    }
    Ok(())
}

fn is_kept(tx: &Transaction<'_>, group: &str) -> Result<bool> {
    Ok(tx.prepare_cached("SELECT 1 FROM kept_group WHERE name = ?1")?.exists([group])?)
}

/// The direct members of a group that is kept; none where it is not.
fn members_if_kept(tx: &Transaction<'_>, group: &str) -> Result<Option<Vec<Principal>>> {
    if is_kept(tx, group)? { Ok(Some(members(tx, group)?.members)) } else { Ok(None) }
}

fn members(tx: &Transaction<'_>, group: &str) -> Result<GroupInfo> {
    let mut statement =
        tx.prepare_cached("SELECT member FROM membership WHERE grp = ?1 ORDER BY member")?;
    let texts: Vec<String> =
        statement.query_map([group], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let members = texts.iter().filter_map(|text| text.parse().ok()).collect();
    Ok(GroupInfo { group: group.to_owned(), members, held: None })
}

/// Every principal of a person at this moment; none at all for a blocked one, and for anybody while
/// the assistant is stopped. Every clearance and every check after a search begins here.
pub(super) fn principals(
    tx: &Transaction<'_>,
    user: &str,
    token_groups: &BTreeSet<String>,
) -> Result<BTreeSet<Principal>> {
    if control::blocked(tx, user)?.is_some() || control::stopped(tx)?.is_some() {
        return Ok(BTreeSet::new());
    }
    Ok(lineage(tx, user, token_groups)?.into_keys().collect())
}

/// Every principal of a person, with the one through which they are it: a group's member that they
/// are. The person alone has none.
pub(super) type Lineage = BTreeMap<Principal, Option<Principal>>;

/// What a person is if nobody were shut out. Nothing is shown on its word: [`principals`] decides.
pub(super) fn lineage(
    tx: &Transaction<'_>,
    user: &str,
    token_groups: &BTreeSet<String>,
) -> Result<Lineage> {
    let mut seeds = BTreeSet::new();
    for group in token_groups {
        if !is_kept(tx, group)? {
            seeds.insert(group.clone());
        }
    }
    let mut all: Lineage = kept_groups_of(tx, user, &seeds)?
        .into_iter()
        .map(|(group, member)| (Principal::Group(group), Some(member)))
        .collect();
    let person = Principal::User(user.to_owned());
    all.extend(seeds.into_iter().map(|group| (Principal::Group(group), Some(person.clone()))));
    all.insert(Principal::Everyone, Some(person.clone()));
    all.insert(person, None);
    Ok(all)
}

/// The kept groups that hold this user, or one of these groups, directly or through other groups;
/// each with the member that leads there the shortest way.
fn kept_groups_of(
    tx: &Transaction<'_>,
    user: &str,
    seeds: &BTreeSet<String>,
) -> Result<BTreeMap<String, Principal>> {
    let mut statement = tx.prepare_cached("SELECT grp FROM membership WHERE member = ?1")?;
    let mut open = VecDeque::from([Principal::User(user.to_owned())]);
    open.extend(seeds.iter().cloned().map(Principal::Group));
    let mut found = BTreeMap::new();
    while let Some(member) = open.pop_front() {
        let groups: Vec<String> = statement
            .query_map([member.to_string()], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for group in groups {
            if let Entry::Vacant(entry) = found.entry(group) {
                open.push_back(Principal::Group(entry.key().clone()));
                entry.insert(member.clone());
            }
        }
    }
    Ok(found)
}
