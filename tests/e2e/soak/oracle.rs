//! What must be true, in plain maps. The oracle knows no SQL, no epochs, no caches, no interned rules,
//! no indexes and no HTTP, and shares no code with the product; it was written from RULES.md.
//!
//! Every page has a canary: a word that stands in it and nowhere else. Every path has one, too.

use std::collections::{BTreeMap, BTreeSet};

use super::house::canary;

pub(crate) type Names = BTreeSet<String>;

/// A document's name: its source and its path.
pub(crate) type Id = (String, String);

/// What one place says about who may read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) allow: Option<Names>,
    pub(crate) deny: Names,
    /// It can't be read, so it lets nobody in.
    pub(crate) broken: bool,
}

impl Said {
    pub(crate) fn admits(&self, who: &Names) -> bool {
        let denied = who.iter().any(|one| self.deny.contains(one));
        let allowed = match &self.allow {
            None => true,
            Some(allow) => who.iter().any(|one| allow.contains(one)),
        };
        allowed && !denied && !self.broken
    }

    /// Whether it says nothing at all.
    pub(crate) fn is_silent(&self) -> bool {
        *self == Self::default()
    }
}

/// What a file holds. The same page is the same bytes, and so the same version.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) canary: String,
    /// The access that it gives itself.
    pub(crate) own: Said,
    pub(crate) draft: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Waiting,
    Approved,
    Refused,
    Draft,
}

/// One version: the bytes of a page, with the access that it has by its own word. Where each version
/// waits, other access makes another version of the same page.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) page: usize,
    pub(crate) state: State,
    pub(crate) once_approved: bool,
    brought_by: Option<String>,
    /// What its page says of access, and what its push said.
    own: Vec<Said>,
}

/// What was seen of one path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Document {
    /// In the order in which they were seen first; `newest` and `live` are places in this list.
    pub(crate) versions: Vec<Version>,
    pub(crate) newest: Option<usize>,
    pub(crate) live: Option<usize>,
    /// The layers of its folders as the last sync saw them.
    place: Vec<Said>,
    /// Pages that were taken back, and not approved again since.
    withdrawn: BTreeSet<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Its documents are pushed, else they lie in a folder.
    pub(crate) pushed: bool,
    /// Each version waits for an approver.
    pub(crate) each: bool,
    pub(crate) said: Said,
    pub(crate) paused: bool,
    /// Documents expire after a day. What lies in folders is older than that, what is pushed is not.
    pub(crate) expires: bool,
}

/// Who approves a source's versions when the source was approved as a whole.
pub(crate) const ADDED_BY: &str = "user:alice";

#[derive(Clone, Debug, Default)]
pub(crate) struct Oracle {
    /// Groups and their direct members.
    pub(crate) members: BTreeSet<(String, String)>,
    /// The groups that the people file gives each person.
    pub(crate) people: BTreeMap<String, Names>,
    pub(crate) blocked: Names,
    pub(crate) stopped: bool,
    pub(crate) sources: BTreeMap<String, Source>,
    pub(crate) pages: Vec<Page>,
    /// How many paths there have been.
    pub(crate) paths: usize,
    /// What lies on the disk: it counts from the next sync on.
    pub(crate) files: BTreeMap<Id, usize>,
    pub(crate) rules: BTreeMap<Id, Said>,
    pub(crate) documents: BTreeMap<Id, Document>,
}

impl Oracle {
    /// Everything that somebody is.
    pub(crate) fn principals(&self, user: &str) -> Names {
        let me = format!("user:{user}");
        if self.stopped || self.blocked.contains(user) {
            return Names::new();
        }
        let mut all = Names::from([me, "everyone".to_owned()]);
        loop {
            let through = self.members.iter().filter(|(_, member)| all.contains(member));
            let more: Vec<_> = through.map(|(group, _)| format!("group:{group}")).collect();
            let before = all.len();
            all.extend(more);
            if all.len() == before {
                return all;
            }
        }
    }

    /// The page that somebody sees under a document's name now.
    pub(crate) fn sees(&self, who: &Names, id: &Id) -> Option<usize> {
        let document = self.documents.get(id)?;
        let source = self.sources.get(&id.0)?;
        let (live, newest) = (document.live?, document.newest?);
        let own = [live, newest].into_iter().flat_map(|at| &document.versions[at].own);
        let passes = !source.paused
            && (source.pushed || !source.expires)
            && !self.pages[document.versions[newest].page].draft
            && source.said.admits(who)
            && document.place.iter().chain(own).all(|said| said.admits(who));
        passes.then_some(document.versions[live].page)
    }

    /// Whether somebody may open one page of a document: today's, or an earlier one. None where the
    /// page has several versions and the youngest approval decides, which is not modelled.
    pub(crate) fn opens(&self, who: &Names, id: &Id, page: usize) -> Option<bool> {
        let Some(live) = self.sees(who, id) else { return Some(false) };
        let document = &self.documents[id];
        let stands = |version: &&Version| {
            let refused = matches!(version.state, State::Refused | State::Draft);
            version.page == page && version.once_approved && !refused
        };
        if page == live || document.withdrawn.contains(&page) {
            return Some(page == live);
        }
        let all: Vec<bool> = document
            .versions
            .iter()
            .filter(stands)
            .map(|version| version.own.iter().all(|said| said.admits(who)))
            .collect();
        let first = all.first().copied().unwrap_or(false);
        all.iter().all(|one| *one == first).then_some(first)
    }

    /// Every document that somebody sees, with the page.
    pub(crate) fn visible(&self, user: &str) -> BTreeMap<Id, usize> {
        let who = self.principals(user);
        let seen = |id: &Id| Some((id.clone(), self.sees(&who, id)?));
        self.documents.keys().filter_map(seen).collect()
    }

    /// The canaries that somebody may meet.
    pub(crate) fn permitted(&self, user: &str) -> Names {
        let visible = self.visible(user);
        visible.iter().flat_map(|(id, page)| self.canaries(id, *page)).collect()
    }

    /// The canaries of one page under one name.
    pub(crate) fn canaries(&self, (_, path): &Id, page: usize) -> [String; 2] {
        let name = path.rsplit('/').next().unwrap_or(path);
        [self.pages[page].canary.clone(), name.trim_end_matches(".md").to_owned()]
    }

    /// The canaries of all names that documents ever had: who administers may meet them.
    pub(crate) fn all_names(&self) -> Names {
        (1..=self.paths).map(|number| canary('p', number)).collect()
    }

    /// The layers of the folders above a path, as they lie on the disk.
    pub(crate) fn place_of(&self, (source, path): &Id) -> Vec<Said> {
        let mut folders = vec![String::new()];
        let ends = path.match_indices('/').map(|(at, _)| path[..at].to_owned());
        folders.extend(ends);
        let rule = |folder: String| self.rules.get(&(source.clone(), folder)).cloned();
        folders.into_iter().filter_map(rule).collect()
    }

    /// Brings a folder source up to date with the disk.
    pub(crate) fn sync(&mut self, source: &str, again: bool) {
        let files: BTreeMap<Id, usize> = self
            .files
            .iter()
            .filter(|(id, _)| id.0 == source)
            .map(|(id, page)| (id.clone(), *page))
            .collect();
        let known: BTreeMap<Id, usize> = self
            .documents
            .iter()
            .filter(|(id, _)| id.0 == source)
            .filter_map(|(id, document)| Some((id.clone(), document.newest_page()?)))
            .collect();
        for (id, page) in &files {
            let place = self.place_of(id);
            if let Some(document) = self.documents.get_mut(id) {
                document.place.clone_from(&place);
            }
            if again || known.get(id) != Some(page) {
                self.bring(id, *page, None);
                self.documents.entry(id.clone()).or_default().place = place;
            }
        }
        for (id, page) in known.iter().filter(|(id, _)| !files.contains_key(*id)) {
            let new = files.iter().filter(|(to, other)| *other == page && !known.contains_key(*to));
            for (to, _) in new {
                self.carry(id, to, *page);
            }
            self.delete(id);
        }
    }

    /// Takes a page in under a name. `push`: who pushed it, and the access that the push gave.
    pub(crate) fn bring(&mut self, id: &Id, page: usize, push: Option<(&str, Said)>) {
        let each = self.sources[&id.0].each;
        let refused = self.is_refused(&id.0, page);
        let Page { own, draft, .. } = self.pages[page].clone();
        let document = self.documents.entry(id.clone()).or_default();
        let by = push.as_ref().map(|(by, _)| (*by).to_owned());
        let own: Vec<Said> = std::iter::once(own).chain(push.map(|(_, said)| said)).collect();
        let known = |version: &Version| version.page == page && (!each || version.own == own);
        let at = match document.versions.iter().rposition(known) {
            Some(at) => {
                // Whoever brings back what was replaced meanwhile has brought it.
                if document.live != Some(at) && document.newest != Some(at) {
                    document.versions[at].brought_by = by;
                }
                at
            }
            None => {
                let (state, once_approved) = (State::Waiting, false);
                let own = Vec::new();
                document.versions.push(Version { page, state, once_approved, brought_by: by, own });
                document.versions.len() - 1
            }
        };
        document.newest = Some(at);
        let version = &mut document.versions[at];
        version.own = own;
        if draft {
            version.state = State::Draft;
        } else if document.live != Some(at) && version.state != State::Refused {
            version.state = State::Waiting;
            if !each && !refused {
                document.make_live(at);
            }
        }
    }

    /// Whether these bytes were rejected or withdrawn somewhere in this source.
    fn is_refused(&self, source: &str, page: usize) -> bool {
        let of_source = self.documents.iter().filter(|(id, _)| id.0 == source);
        of_source
            .flat_map(|(_, document)| &document.versions)
            .any(|version| version.page == page && version.state == State::Refused)
    }

    /// A file that moved takes its approval along where bytes and rule are the same.
    fn carry(&mut self, from: &Id, to: &Id, page: usize) {
        let (old, new) = (&self.documents[from], &self.documents[to]);
        let of_page = |document: &Document| {
            let at = document.versions.iter().rposition(|version| version.page == page);
            at.expect("both were seen with this page")
        };
        let (was, at) = (of_page(old), of_page(new));
        let approved = old.versions[was].state == State::Approved;
        let waits = new.versions[at].state == State::Waiting;
        if approved && waits && old.rule() == new.rule() && !self.is_refused(&to.0, page) {
            self.documents.get_mut(to).expect("it was just seen").make_live(at);
        }
    }

    pub(crate) fn delete(&mut self, id: &Id) {
        let document = self.documents.get_mut(id).expect("what is deleted was there");
        (document.live, document.newest) = (None, None);
    }

    /// A push: of other bytes, or of the same ones with another access. With the source's approval
    /// the version that answers gets the new access; elsewhere it waits like another text.
    pub(crate) fn push(&mut self, id: &Id, page: usize, by: &str, said: Said) {
        let (own, each) = (self.pages[page].own.clone(), self.sources[&id.0].each);
        if let Some(document) = self.documents.get_mut(id)
            && let Some(newest) = document.newest.filter(|_| document.newest_page() == Some(page))
        {
            let own = vec![own, said.clone()];
            let live = document.live == Some(newest);
            let version = &mut document.versions[newest];
            if version.own == own || (!each && live) {
                version.own = own;
                return;
            }
        }
        self.bring(id, page, Some((by, said)));
    }

    /// The version that a decision is about: the newest, or of those with a page the one that was seen
    /// last, else one that waits, else the youngest.
    fn candidate(&self, id: &Id, page: Option<usize>) -> Option<usize> {
        let document = self.documents.get(id)?;
        let newest = document.newest?;
        let Some(page) = page else { return Some(newest) };
        let of_page = |at: &usize| document.versions[*at].page == page;
        let all: Vec<usize> = (0..document.versions.len()).filter(of_page).collect();
        let waits = |at: &&usize| document.versions[**at].state == State::Waiting;
        let newest = Some(newest).filter(of_page);
        newest.or(all.iter().rfind(waits).copied()).or(all.last().copied())
    }

    /// Lets a version answer, if this person may: it is there and no draft, and somebody else brought
    /// it.
    pub(crate) fn approve(&mut self, id: &Id, page: Option<usize>, by: &str) -> bool {
        let Some(at) = self.candidate(id, page) else { return false };
        let document = self.documents.get_mut(id).expect("it has a candidate");
        let version = &document.versions[at];
        let may = version.state != State::Draft && version.brought_by.as_deref() != Some(by);
        if may {
            document.make_live(at);
        }
        may
    }

    /// Whether the newest version waits.
    pub(crate) fn waits(&self, id: &Id) -> bool {
        let document = &self.documents[id];
        document.newest.is_some_and(|at| document.versions[at].state == State::Waiting)
    }

    /// Refuses the newest version, if it waits.
    pub(crate) fn reject(&mut self, id: &Id) -> bool {
        let waits = self.waits(id);
        if let (true, Some(document)) = (waits, self.documents.get_mut(id)) {
            let newest = document.newest.expect("it waits");
            document.versions[newest].state = State::Refused;
        }
        waits
    }

    /// Takes back the version that answers, if there is one.
    pub(crate) fn withdraw(&mut self, id: &Id) -> bool {
        let document = self.documents.get_mut(id).expect("it is there");
        let Some(at) = document.live.take() else { return false };
        document.versions[at].state = State::Refused;
        document.withdrawn.insert(document.versions[at].page);
        true
    }
}

impl Document {
    pub(crate) fn newest_page(&self) -> Option<usize> {
        self.newest.map(|at| self.versions[at].page)
    }

    /// The pages that it ever held.
    pub(crate) fn pages(&self) -> Vec<usize> {
        self.versions.iter().map(|version| version.page).collect()
    }

    fn make_live(&mut self, at: usize) {
        let version = &mut self.versions[at];
        (version.state, version.once_approved) = (State::Approved, true);
        self.withdrawn.remove(&version.page);
        self.live = Some(at);
    }

    /// All layers below the source's: what a moved file must keep to keep its approval.
    fn rule(&self) -> Vec<Said> {
        let own = |at: Option<usize>| at.map(|at| self.versions[at].own.clone());
        let mut owns: Vec<_> = [own(self.live), own(self.newest)].into_iter().flatten().collect();
        owns.dedup();
        let mut rule = self.place.clone();
        rule.extend(owns.into_iter().flatten().filter(|said| !said.is_silent()));
        rule
    }
}
