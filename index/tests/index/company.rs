//! A small company: a ledger with sources, documents cut into chunks, and vectors made by hand.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use vouch_index::ledger::{
    About, ApprovalPolicy, Brought, Seen, Settings, SourceKind, SourceSpec, VersionContent,
};
use vouch_index::search::{Found, Generation, Mode, Query, search};
use vouch_index::text::TextIndex;
use vouch_index::vectors::{Quantized, Store, Vectors};
use vouch_index::{
    Actor, Clearance, DocumentId, Extracted, Layer, Ledger, Place, Principal, Rule, Span, VersionNo,
};

/// How many numbers a vector has here.
pub(crate) const DIMENSIONS: usize = 32;

/// One chunk: its text and the vectors of its windows.
#[derive(Clone)]
pub(crate) struct Piece {
    pub(crate) text: String,
    pub(crate) windows: Vec<Vec<f32>>,
}

/// A chunk whose windows lie at these angles; a question lies at 0, so the smallest one is nearest.
pub(crate) fn piece(text: &str, degrees: &[f32]) -> Piece {
    Piece { text: text.to_owned(), windows: degrees.iter().map(|at| direction(*at)).collect() }
}

/// The unit vector at an angle.
pub(crate) fn direction(degrees: f32) -> Vec<f32> {
    let mut vector = vec![0.0; DIMENSIONS];
    (vector[0], vector[1]) = (degrees.to_radians().cos(), degrees.to_radians().sin());
    vector
}

/// Numbers that look random and are always the same.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % sides
    }
}

/// The unit vector that belongs to a seed.
pub(crate) fn scattered(seed: u64) -> Vec<f32> {
    let mut dice = Dice::new(seed);
    let mut vector: Vec<f32> =
        (0..DIMENSIONS).map(|_| dice.roll(1 << 20) as f32 / (1 << 20) as f32 - 0.5).collect();
    let length = vector.iter().map(|it| it * it).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|it| *it /= length);
    vector
}

pub(crate) struct Company {
    pub(crate) ledger: Ledger,
    pub(crate) generation: u32,
    settings: Settings,
    folder: TempDir,
    owner: Actor,
    spans: RefCell<BTreeMap<VersionNo, Vec<Span>>>,
}

impl Company {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let head = folder.path().join("audit.head");
        let ledger = Ledger::open(&folder.path().join("ledger"), &head).unwrap();
        let settings = Settings {
            chunk_characters: 1600,
            chunker: 1,
            languages: vec!["en".to_owned()],
            model: Some("angles".to_owned()),
            model_dir: None,
            dimensions: DIMENSIONS,
        };
        let (generation, settings) = ledger.live_generation(&settings).unwrap();
        let owner = Actor {
            name: "user:olga".to_owned(),
            principals: principals(&["user:olga", "everyone"]),
            administrator: true,
        };
        let company =
            Self { ledger, generation, settings, folder, owner, spans: RefCell::default() };
        company.source("handbook");
        company
    }

    /// Adds a source that everybody may read, as far as its documents' own rules let them.
    pub(crate) fn source(&self, id: &str) {
        let spec = SourceSpec {
            id: id.to_owned(),
            kind: SourceKind::Push,
            path: None,
            owner: Some("user:olga".parse().unwrap()),
            purpose: "tests".to_owned(),
            approvers: vec!["user:olga".parse().unwrap()],
            approval: ApprovalPolicy::Source,
            self_approval: false,
            review_every: None,
            expire_after: None,
            authority: 0,
            access: allow(&["everyone"]),
        };
        self.ledger.add_source(&spec, &self.owner).unwrap();
    }

    /// Brings a document in, cut and with its vectors.
    pub(crate) fn document(&self, id: &str, who: &[&str], pieces: &[Piece]) -> VersionNo {
        let version = self.words(id, who, pieces);
        self.embed(version, pieces);
        version
    }

    /// Brings a document in without vectors, as it is right after its approval.
    pub(crate) fn words(&self, id: &str, who: &[&str], pieces: &[Piece]) -> VersionNo {
        let id = DocumentId::parse(id).unwrap();
        let mut text = String::new();
        let mut spans = Vec::new();
        for piece in pieces {
            let start = text.len() as u32;
            text.push_str(&piece.text);
            spans.push(Span {
                start,
                end: text.len() as u32,
                page: None,
                heading: String::new(),
                sections: Vec::new(),
            });
            text.push_str("\n\n");
        }
        let extracted = Extracted {
            title: format!("About {}", id.path),
            language: "en".to_owned(),
            text,
            ..Extracted::default()
        };
        let hash = format!("sha256:{}", hex::encode(Sha256::digest(&extracted.text)));
        let seen = Seen {
            path: &id.path,
            hash: &hash,
            extractor: 1,
            extracted: &extracted,
            place: &Rule(vec![allow(who)]),
            uri: None,
            modified_at: 1_700_000_000,
            push: None,
        };
        let (version, brought) = self.ledger.bring(&id.source, &seen).unwrap();
        assert_eq!(brought, Brought::Live);
        self.ledger.put_chunks(self.generation, &[(version, spans.clone())]).unwrap();
        self.spans.borrow_mut().insert(version, spans);
        version
    }

    /// Stores the vectors of a version's chunks.
    pub(crate) fn embed(&self, version: VersionNo, pieces: &[Piece]) {
        let embedded: Vec<(Place, Vec<u8>)> = (0..)
            .zip(pieces)
            .map(|(chunk, piece)| {
                let windows = piece
                    .windows
                    .iter()
                    .flat_map(|window| Quantized::from_vector(window).to_bytes())
                    .collect();
                (Place { version, chunk }, windows)
            })
            .collect();
        self.ledger.put_embeddings(self.generation, &embedded).unwrap();
    }

    pub(crate) fn delete(&self, id: &str) {
        let id = DocumentId::parse(id).unwrap();
        assert!(self.ledger.delete_document(&id, &self.owner).unwrap());
    }

    pub(crate) fn withdraw(&self, id: &str) {
        let id = DocumentId::parse(id).unwrap();
        self.ledger.withdraw(&id, About::default(), &self.owner, "a test").unwrap();
    }

    pub(crate) fn approve(&self, id: &str, hash: &str) {
        let id = DocumentId::parse(id).unwrap();
        self.ledger
            .approve(&id, About { version: Some(hash), answered: None }, &self.owner, None)
            .unwrap();
    }

    /// Changes who may read a document; nothing is cut or embedded again.
    pub(crate) fn allow(&self, id: &str, who: &[&str]) {
        let id = DocumentId::parse(id).unwrap();
        let rule = Rule(vec![allow(who)]);
        self.ledger.set_place(&id.source, &id.path, &rule).unwrap();
    }

    pub(crate) fn join(&self, group: &str, user: &str) {
        let user = [user.parse().unwrap()];
        self.ledger.change_group(group, &user, &[], &self.owner).unwrap();
    }

    pub(crate) fn leave(&self, group: &str, user: &str) {
        let user = [user.parse().unwrap()];
        self.ledger.change_group(group, &[], &user, &self.owner).unwrap();
    }

    /// Opens the generation with this vector store, as a start of the server does.
    pub(crate) fn open(&self, store: Store) -> Generation {
        let folder = self.folder.path().join("text");
        Generation {
            number: self.generation,
            settings: self.settings.clone(),
            text: TextIndex::open(&folder, &self.settings.languages).unwrap(),
            vectors: Some(Vectors::open(&self.ledger, self.generation, store).unwrap()),
        }
    }

    /// Brings both indexes up to the ledger. Returns how many chunks' vectors were taken in.
    pub(crate) fn follow(&self, generation: &Generation) -> usize {
        self.follow_words(generation, usize::MAX);
        let vectors = generation.vectors.as_ref().unwrap();
        vectors.follow(&self.ledger).unwrap()
    }

    /// Brings the text index up to the ledger, with one commit for so many changes.
    pub(crate) fn follow_words(&self, generation: &Generation, at_once: usize) {
        let at_once = at_once.min(10_000);
        loop {
            let seq = generation.text.seq();
            let changes = self.ledger.changes_after(seq, at_once).unwrap();
            let Some(last) = changes.last() else { return };
            let versions: BTreeSet<_> = changes.iter().map(|change| change.version).collect();
            let (mut add, mut remove) = (Vec::<(VersionContent, Vec<Span>)>::new(), Vec::new());
            for version in versions {
                match self.ledger.live_content(version).unwrap() {
                    Some(content) => add.push((content, self.spans.borrow()[&version].clone())),
                    None => remove.push(version),
                }
            }
            generation.text.apply(&add, &remove, last.seq).unwrap();
            self.ledger.drop_chunks(self.generation, &remove).unwrap();
        }
    }

    pub(crate) fn clearance(&self, user: &str) -> Clearance {
        let reader = self.ledger.reader(user, &[]).unwrap();
        self.ledger.clearance(&reader).unwrap()
    }

    /// A search for somebody, with a question at angle 0.
    pub(crate) fn ask(&self, generation: &Generation, user: &str, ask: Ask<'_>) -> Found {
        let query = Query {
            text: ask.text,
            vector: Some(&direction(0.0)),
            mode: ask.mode,
            limit: ask.limit,
            meaning_weight: 0.5,
        };
        let clearance = self.clearance(user);
        search(&self.ledger, generation, &clearance, &query).unwrap()
    }
}

/// What somebody looks for.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) text: &'a str,
    pub(crate) mode: Mode,
    pub(crate) limit: usize,
}

/// Looks by meaning alone.
pub(crate) fn meaning(limit: usize) -> Ask<'static> {
    Ask { text: "anything", mode: Mode::Meaning, limit }
}

/// What was found, as `path#chunk`.
pub(crate) fn places(found: &Found) -> Vec<String> {
    found
        .passages
        .iter()
        .map(|passage| format!("{}#{}", passage.document.path, passage.place.chunk))
        .collect()
}

fn allow(who: &[&str]) -> Layer {
    Layer { allow: Some(principals(who)), ..Layer::default() }
}

fn principals(who: &[&str]) -> BTreeSet<Principal> {
    who.iter().map(|who| who.parse().unwrap()).collect()
}
