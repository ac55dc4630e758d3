//! Walks a folder source: which files it holds, and who may read each.
//!
//! Reads, never writes. Follows no link: a link in the folder could lead out of it, and the folder's
//! rules say nothing about what lies elsewhere. What can't be read is told apart from what is gone,
//! so that a folder that is unreadable today doesn't look like a hundred deleted documents.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};
use vouch_index::{FileKind, GivenLayer, Layer, Rule};
use walkdir::{DirEntry, WalkDir};

use crate::limits::{Limits, bytes};

/// The file that holds a folder's access layer.
pub const ACCESS_FILE: &str = ".access.toml";
/// The longest access file that is read.
const ACCESS_BYTES: u64 = 256 * 1024;
/// How deep folders may nest.
const DEPTH: usize = 64;

/// What a walk found.
#[derive(Debug, Default)]
pub struct Walk {
    /// The files of known formats, by path.
    pub files: Vec<Found>,
    /// What somebody should look at.
    pub problems: Vec<Problem>,
    /// What is there and could not be read, by its path inside the source. Documents at or below these
    /// paths are not gone, and nothing is known of the folders there.
    pub unread: Vec<String>,
    /// Every folder that was entered, by its path inside the source, with the layer that it has itself.
    /// The path of the source's own folder is empty.
    pub folders: BTreeMap<String, Option<Layer>>,
    /// How many files were passed over, by the ending that says that Vouch doesn't read them.
    pub skipped: BTreeMap<String, u64>,
}

impl Walk {
    /// Whether something could not be read at or above a path. Then what is known of a document there
    /// stays.
    #[must_use]
    pub fn unread_above(&self, path: &str) -> bool {
        self.unread.iter().any(|unread| {
            let rest = path.strip_prefix(unread.as_str());
            unread.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

/// One file that can become a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The path inside the source, with `/` between its parts.
    pub path: String,
    /// Where it lies.
    pub file: PathBuf,
    /// Its format, by its ending.
    pub kind: FileKind,
    /// Its size.
    pub bytes: u64,
    /// `sha256:` and the hash of its bytes.
    pub sha256: String,
    /// When it was last written, RFC 3339 in UTC.
    pub modified_at: String,
    /// The layers of the folders above it, outermost first.
    pub rule: Rule,
}

/// Something that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The path inside the source.
    pub path: String,
    /// What is wrong, and what to do.
    pub reason: String,
}

/// Walks a folder. Fails where the folder itself can't be read; everything else is a [`Problem`].
pub fn walk(root: &Path, limits: &Limits) -> anyhow::Result<Walk> {
    fs::read_dir(root).with_context(|| {
        format!(
            "the folder {} can't be read; does it exist, and may the user that runs vouch read it?",
            root.display()
        )
    })?;
    let mut walker = Walker { root, limits, walk: Walk::default(), rules: HashMap::new() };
    let visible = |entry: &DirEntry| {
        entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".")
    };
    let mut entries =
        WalkDir::new(root).follow_links(false).max_depth(DEPTH).sort_by_file_name().into_iter();
    while let Some(entry) = entries.next() {
        match entry {
            Ok(entry) if !visible(&entry) => {
                walker.hidden(&entry);
                if entry.file_type().is_dir() {
                    entries.skip_current_dir();
                }
            }
            Ok(entry) => {
                // For a file this call would skip its siblings.
                if !walker.visit(&entry) && entry.file_type().is_dir() {
                    entries.skip_current_dir();
                }
            }
            Err(error) => walker.failed(&error),
        }
    }
    let mut walk = walker.walk;
    walk.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(walk)
}

/// A walk under way.
struct Walker<'a> {
    root: &'a Path,
    limits: &'a Limits,
    walk: Walk,
    /// The rule of each folder entered so far.
    rules: HashMap<PathBuf, Rule>,
}

impl Walker<'_> {
    /// Takes one entry up. `false`: don't go into it.
    fn visit(&mut self, entry: &DirEntry) -> bool {
        let path = match self.name(entry.path()) {
            Ok(path) => path,
            Err(lossy) => {
                self.problem(
                    lossy,
                    "its name is not UTF-8, or holds a control character or a backslash; rename it",
                );
                return false;
            }
        };
        let kind = entry.file_type();
        if kind.is_symlink() {
            self.problem(path, "it is a link, and links are not followed; put the file itself here, or add a source for where it lies");
        } else if kind.is_dir() {
            self.enter(entry.path(), &path);
            if entry.depth() == DEPTH {
                self.unread(
                    path,
                    &format!("folders nest deeper than {DEPTH} here; what is below was not read"),
                );
                return false;
            }
        } else if kind.is_file() {
            self.file(entry.path(), path);
        } else {
            self.problem(path, "it is neither a file nor a folder");
        }
        true
    }

    /// Works out the rule of a folder: its parent's, and its own layer where it has one.
    fn enter(&mut self, folder: &Path, path: &str) {
        let mut rule = self.rule_above(folder);
        let layer = match access_layer(&folder.join(ACCESS_FILE)) {
            Ok(layer) => layer,
            Err(reason) => {
                let file = if path.is_empty() {
                    ACCESS_FILE.to_owned()
                } else {
                    format!("{path}/{ACCESS_FILE}")
                };
                self.problem(
                    file.clone(),
                    &format!("{reason}; nobody may read what is in this folder until it is mended"),
                );
                Some(Layer::unreadable(format!("{file}: {reason}")))
            }
        };
        rule.0.extend(layer.clone());
        self.walk.folders.insert(path.to_owned(), layer);
        self.rules.insert(folder.to_owned(), rule);
    }

    fn rule_above(&self, path: &Path) -> Rule {
        let above = if path == self.root { None } else { path.parent() };
        above.and_then(|above| self.rules.get(above)).cloned().unwrap_or_default()
    }

    fn file(&mut self, file: &Path, path: String) {
        let Some(kind) = FileKind::of(&path) else {
            self.skip(&path);
            return;
        };
        match self.read(file) {
            Ok((bytes, sha256, modified_at)) => {
                let rule = self.rule_above(file);
                self.walk.files.push(Found {
                    path,
                    file: file.to_owned(),
                    kind,
                    bytes,
                    sha256,
                    modified_at,
                    rule,
                });
            }
            Err(reason) => self.unread(path, &reason),
        }
    }

    /// Size, hash and date of one file, from one opening of it.
    fn read(&self, file: &Path) -> Result<(u64, String, String), String> {
        let told = |error: io::Error| advice(&error);
        let mut open = open_plain(file).map_err(told)?;
        let meta = open.metadata().map_err(told)?;
        let limit = self.limits.file_bytes;
        if meta.len() > limit {
            return Err(format!(
                "the file has {} and the limit is {}; split it, or raise `file_bytes`",
                bytes(meta.len()),
                bytes(limit)
            ));
        }
        let (size, sha256) = hash(&mut open).map_err(told)?;
        let modified = meta.modified().ok().and_then(|time| jiff::Timestamp::try_from(time).ok());
        let modified = modified
            .and_then(|time| jiff::Timestamp::from_second(time.as_second()).ok())
            .unwrap_or_default();
        Ok((size, sha256, modified.to_string()))
    }

    fn skip(&mut self, path: &str) {
        let name = path.rsplit('/').next().unwrap_or(path);
        if name.eq_ignore_ascii_case("access.toml") {
            self.problem(
                path.to_owned(),
                "it has no effect; the file with a folder's rule is named `.access.toml`",
            );
        }
        let ending =
            name.rsplit_once('.').map_or("(none)".to_owned(), |(_, ending)| ending.to_lowercase());
        *self.walk.skipped.entry(ending).or_default() += 1;
    }

    /// Hidden entries are passed over; a misspelt access file is worth a word.
    fn hidden(&mut self, entry: &DirEntry) {
        let name = entry.file_name().to_string_lossy();
        let known = name == ACCESS_FILE || name.ends_with('~') || name.ends_with(".swp");
        if name.to_lowercase().starts_with(".acces") && !known {
            let path = self.name(entry.path()).unwrap_or_else(|lossy| lossy);
            self.problem(
                path,
                "it has no effect; the file with a folder's rule is named `.access.toml`",
            );
        }
    }

    fn failed(&mut self, error: &walkdir::Error) {
        let path = error.path().unwrap_or(self.root);
        let name = self.name(path).unwrap_or_else(|lossy| lossy);
        let reason = error.io_error().map_or_else(|| error.to_string(), advice);
        self.walk.unread.push(name.clone());
        self.problem(name, &reason);
    }

    fn unread(&mut self, path: String, reason: &str) {
        self.walk.unread.push(path.clone());
        self.problem(path, reason);
    }

    fn problem(&mut self, path: String, reason: &str) {
        self.walk.problems.push(Problem { path, reason: reason.to_owned() });
    }

    /// The path inside the source; where it is no good as a document's id, a form fit for a list.
    fn name(&self, path: &Path) -> Result<String, String> {
        let inside = path.strip_prefix(self.root).unwrap_or(path);
        let lossy = || {
            inside
                .to_string_lossy()
                .chars()
                .map(|c| if c.is_control() { '\u{fffd}' } else { c })
                .collect()
        };
        match inside.to_str() {
            Some(name) if !name.contains(|c: char| c.is_control() || c == '\\') => {
                Ok(name.to_owned())
            }
            Some(_) | None => Err(lossy()),
        }
    }
}

/// The size and hash of a file, without holding it in memory.
fn hash(file: &mut File) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let mut block = vec![0; 128 * 1024];
    let mut size = 0;
    loop {
        match file.read(&mut block)? {
            0 => return Ok((size, format!("sha256:{}", hex::encode(hash.finalize())))),
            read => {
                hash.update(&block[..read]);
                size += read as u64;
            }
        }
    }
}

/// Opens a plain file and nothing else: no link at its end, and no pipe that would never answer.
pub(crate) fn open_plain(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        libc::O_NOFOLLOW | libc::O_NONBLOCK,
    );
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file"));
    }
    Ok(file)
}

/// A folder's own layer. `Ok(None)`: it has none.
fn access_layer(file: &Path) -> Result<Option<Layer>, String> {
    let mut open = match open_plain(file) {
        Err(error)
            if error.kind() == io::ErrorKind::NotFound
                && fs::symlink_metadata(file)
                    .is_err_and(|error| error.kind() == io::ErrorKind::NotFound) =>
        {
            return Ok(None);
        }
        opened => opened.map_err(|error| advice(&error))?,
    };
    let mut text = String::new();
    let read = open
        .by_ref()
        .take(ACCESS_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| advice(&error))?;
    if read as u64 > ACCESS_BYTES {
        return Err(format!("it is longer than {}", bytes(ACCESS_BYTES)));
    }
    toml::from_str::<GivenLayer>(&text)
        .map(|given| Some(given.into()))
        .map_err(|error| format!("it can't be read: {}", error.message()))
}

fn advice(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::PermissionDenied {
        "permission denied; give the user that runs vouch read access".to_owned()
    } else if error.raw_os_error() == Some(libc::ELOOP) {
        "it is a link, and links are not followed".to_owned()
    } else {
        format!("it can't be read: {error}")
    }
}

/// Where a source's `path` lies, if that is inside one of the configured roots. Relative paths are
/// taken from the first root.
pub fn inside_roots(path: &Path, roots: &[PathBuf]) -> anyhow::Result<PathBuf> {
    let Some(first) = roots.first() else {
        bail!(
            "no folder source is possible before `[sources] roots` names the folders that they may lie in"
        );
    };
    let wanted = first.join(path);
    let real = wanted.canonicalize().with_context(|| {
        format!(
            "the folder {} can't be opened; see that it is there and that Vouch may read it, or \
             change the source's `path` (what was found before goes on answering)",
            wanted.display()
        )
    })?;
    if !real.is_dir() {
        bail!("{} is a file; a folder source's `path` names a folder", wanted.display());
    }
    for root in roots {
        if root.canonicalize().is_ok_and(|root| real.starts_with(root)) {
            return Ok(real);
        }
    }
    let roots: Vec<_> = roots.iter().map(|root| root.display().to_string()).collect();
    bail!(
        "{} lies outside of `[sources] roots` ({}); add its folder there, or move it",
        wanted.display(),
        roots.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(root: &Path, path: &str, content: &str) {
        let file = root.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    fn paths(walk: &Walk) -> Vec<&str> {
        walk.files.iter().map(|found| found.path.as_str()).collect()
    }

    fn rule<'a>(walk: &'a Walk, path: &str) -> &'a Rule {
        &walk.files.iter().find(|found| found.path == path).unwrap().rule
    }

    #[test]
    fn a_walk_finds_files_with_the_layers_above_them() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        put(root, ".access.toml", "deny = [\"group:contractors\"]");
        put(root, "b.md", "# B");
        put(root, "a/deep/c.TXT", "c");
        put(root, "a/.access.toml", "allow = [\"group:hr\"]");
        put(root, "a-b.md", "x");
        put(root, ".git/d.md", "hidden");
        put(root, "a/.e.md", "hidden");
        put(root, "f.xlsx", "");
        put(root, "README", "");
        let walk = walk(root, &Limits::default()).unwrap();
        assert_eq!(paths(&walk), ["a-b.md", "a/deep/c.TXT", "b.md"]);
        assert_eq!(walk.problems, []);
        assert_eq!(rule(&walk, "b.md").0.len(), 1);
        let layers = &rule(&walk, "a/deep/c.TXT").0;
        assert_eq!(layers.len(), 2);
        let folders = ["", "a", "a/deep"].map(|path| walk.folders[path].as_ref());
        assert_eq!(folders, [Some(&layers[0]), Some(&layers[1]), None]);
        assert!(layers[0].allow.is_none() && layers[1].deny.is_empty());
        assert_eq!(walk.skipped.get("xlsx"), Some(&1));
        assert_eq!(walk.skipped.get("(none)"), Some(&1));
        let found = &walk.files[2];
        assert_eq!(found.sha256, format!("sha256:{}", hex::encode(Sha256::digest(b"# B"))));
        assert_eq!((found.kind, found.bytes), (FileKind::Markdown, 3));
        assert!(found.modified_at.ends_with('Z'), "{}", found.modified_at);
    }

    #[test]
    fn promise_2_an_access_file_that_cannot_be_read_hides_its_folder() {
        for bad in [
            "allow = \"group:hr\"",
            "alow = []",
            "allow = [\"hr\"]",
            "[",
            "allow = []\nunknown = 1",
            "\0",
        ] {
            let root = tempfile::tempdir().unwrap();
            put(root.path(), "a/.access.toml", bad);
            put(root.path(), "a/b/c.md", "x");
            let walk = walk(root.path(), &Limits::default()).unwrap();
            assert!(rule(&walk, "a/b/c.md").0[0].unreadable.is_some(), "{bad}");
            assert_eq!(walk.problems.len(), 1, "{bad}");
            assert_eq!(walk.problems[0].path, "a/.access.toml");
        }
        // A folder under that name can't be read as a file even by root.
        let root = tempfile::tempdir().unwrap();
        put(root.path(), ".access.toml/x", "");
        put(root.path(), "c.md", "x");
        let walk = walk(root.path(), &Limits::default()).unwrap();
        assert!(rule(&walk, "c.md").0[0].unreadable.is_some());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_refused_wherever_they_lead() {
        use std::os::unix::fs::symlink;
        let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        put(other.path(), "secret.md", "secret");
        put(root.path(), "real.md", "x");
        symlink(other.path(), root.path().join("out")).unwrap();
        symlink(other.path().join("secret.md"), root.path().join("out.md")).unwrap();
        symlink(root.path().join("real.md"), root.path().join("in.md")).unwrap();
        symlink("/nowhere", root.path().join("dangling.md")).unwrap();
        put(root.path(), "a/b.md", "x");
        symlink("/nowhere", root.path().join("a/.access.toml")).unwrap();
        let walk = walk(root.path(), &Limits::default()).unwrap();
        assert_eq!(paths(&walk), ["a/b.md", "real.md"]);
        assert!(rule(&walk, "a/b.md").0[0].unreadable.is_some());
        assert_eq!(walk.problems.len(), 5, "{:?}", walk.problems);
        assert!(open_plain(&root.path().join("in.md")).is_err());
    }

    #[test]
    fn what_cannot_be_read_is_not_gone() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "big.md", &"x".repeat(2000));
        put(root.path(), "small.md", "x");
        put(root.path(), ".access.toml", "allow = [\"group:hr\"]");
        let limits = Limits { file_bytes: 1000, ..Limits::default() };
        let walk = walk(root.path(), &limits).unwrap();
        assert_eq!(paths(&walk), ["small.md"]);
        assert!(
            walk.unread_above("big.md")
                && !walk.unread_above("big.md2")
                && !walk.unread_above("small.md")
        );
        assert!(walk.problems[0].reason.contains("limit"), "{:?}", walk.problems);
        let folder = Walk { unread: vec!["a".to_owned()], ..Walk::default() };
        assert!(folder.unread_above("a/b/c.md") && !folder.unread_above("ab.md"));
        let whole = Walk { unread: vec![String::new()], ..Walk::default() };
        assert!(whole.unread_above("a/b/c.md"));
    }

    #[cfg(unix)]
    #[test]
    fn an_unreadable_folder_is_reported_and_its_documents_stay() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "a/b.md", "x");
        put(root.path(), "c.md", "x");
        let shut = root.path().join("a");
        fs::set_permissions(&shut, fs::Permissions::from_mode(0o000)).unwrap();
        let walk = walk(root.path(), &Limits::default()).unwrap();
        let is_root = fs::read_dir(&shut).is_ok();
        fs::set_permissions(&shut, fs::Permissions::from_mode(0o755)).unwrap();
        if is_root {
            eprintln!("SKIPPED: root may read every folder");
            return;
        }
        assert_eq!(paths(&walk), ["c.md"]);
        assert!(walk.unread_above("a/b.md"));
        assert!(walk.problems.iter().any(|problem| problem.reason.contains("permission denied")));
    }

    #[test]
    fn odd_names_and_misspelt_access_files_are_reported() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "a\\b.md", "x");
        put(root.path(), "line\nbreak.md", "x");
        put(root.path(), ".acces.toml", "");
        put(root.path(), ".access.tml", "");
        put(root.path(), "access.toml", "");
        put(root.path(), "Grüße & co.md", "x");
        let walk = walk(root.path(), &Limits::default()).unwrap();
        assert_eq!(paths(&walk), ["Grüße & co.md"]);
        assert_eq!(walk.problems.len(), 5, "{:?}", walk.problems);
    }

    #[test]
    fn a_root_that_is_not_there_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "file", "");
        assert!(walk(&root.path().join("nowhere"), &Limits::default()).is_err());
        assert!(walk(&root.path().join("file"), &Limits::default()).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_source_lies_inside_a_root() {
        let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir_all(root.path().join("hr")).unwrap();
        std::os::unix::fs::symlink(other.path(), root.path().join("out")).unwrap();
        let roots = [root.path().to_owned()];
        assert!(inside_roots(Path::new("hr"), &roots).unwrap().ends_with("hr"));
        assert!(inside_roots(&root.path().join("hr"), &roots).is_ok());
        for bad in ["out", "..", "hr/../..", "nowhere", "/"] {
            assert!(inside_roots(Path::new(bad), &roots).is_err(), "{bad}");
        }
        assert!(inside_roots(other.path(), &[]).is_err());
        assert!(
            inside_roots(other.path(), &[root.path().to_owned(), other.path().to_owned()]).is_ok()
        );
    }
}
