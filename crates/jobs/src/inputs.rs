//! Which pictures are read: found one by one, so that a hundred thousand take no more memory than ten.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use globset::{GlobBuilder, GlobMatcher};
use sightwire_s3::Objects;
use sightwire_s3::address::{Address, AddressError};
use sightwire_s3::error::ObjectError;
use walkdir::{DirEntry, WalkDir};

use crate::left_out::LeftOut;
use crate::objects::ObjectWalk;

/// Names of pictures end so.
const EXTENSIONS: [&str; 17] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "tif", "tiff", "bmp", "dib", "gif", "apng", "pdf", "avif",
    "heic", "heif", "hif",
];

/// A picture to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// As it is shown: its path, or `-` for stdin.
    pub name: String,
    /// Where it is; `None` for stdin.
    pub path: Option<PathBuf>,
    /// Its name, and the folders between it and what was named: where its results go below the folder of `--out`.
    pub place: PathBuf,
    /// When an object was written; a file is asked itself.
    pub modified: Option<SystemTime>,
}

/// What cannot be read, and why.
#[derive(Debug)]
pub struct Unreadable {
    /// As it was named.
    pub name: String,
    /// What is wrong with it.
    pub reason: InputError,
}

/// Why there is nothing to be read of what was named.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// No file has the name.
    #[error("there is no such file")]
    Missing,
    /// No file matches the pattern.
    #[error("no file matches")]
    NoMatch,
    /// The folder holds no picture.
    #[error("there is no picture in it (.{})", EXTENSIONS.join(", ."))]
    NoPicture,
    /// Nothing came on stdin.
    #[error("there is nothing in it")]
    Empty,
    /// A folder, or something in one.
    #[error("it cannot be looked at: {}", of_system(.0))]
    Walk(#[source] walkdir::Error),
    /// An object, or some of a bucket.
    #[error(transparent)]
    Object(ObjectError),
}

/// Storage did not answer while it was listed, so nothing is known of what else is there.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StorageAway(String);

impl Unreadable {
    /// Whether it says nothing of a picture, but that storage is away.
    fn is_passing(&self) -> bool {
        matches!(&self.reason, InputError::Object(error) if error.is_passing())
    }
}

/// Storage that is away ends no list.
pub fn check_storage(found: &Result<Input, Unreadable>) -> Result<(), StorageAway> {
    match found {
        Err(unreadable) if unreadable.is_passing() => {
            Err(StorageAway(format!("{}: {}", unreadable.name, unreadable.reason)))
        }
        _ => Ok(()),
    }
}

/// What was named cannot be looked for.
#[derive(Debug, thiserror::Error)]
pub enum NamedError {
    /// It is one stream.
    #[error("- (stdin) can be read only once")]
    StdinTwice,
    /// It would match nothing that a file can be called.
    #[error("the pattern {text:?} is none: {}", .error.kind())]
    Pattern {
        /// As it was written.
        text: String,
        /// What is wrong with it.
        error: globset::Error,
    },
    /// An address in storage.
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// One argument, after a look at what it is on disk.
#[derive(Clone, Debug)]
enum Named {
    Stdin,
    File(PathBuf),
    Folder(PathBuf),
    Pattern(Pattern),
    Objects(Address),
    Missing(PathBuf),
}

/// Files below `base` whose path from there matches.
#[derive(Clone, Debug)]
struct Pattern {
    text: String,
    base: PathBuf,
    matcher: GlobMatcher,
    /// Deepest folder that can match; `None` for `**`.
    depth: Option<usize>,
    hidden: bool,
}

/// The pictures that were named, one after another.
pub struct Inputs {
    all: Vec<Named>,
    next: usize,
    walk: Option<Walk>,
    object_walk: Option<ObjectWalk>,
    objects: Option<Objects>,
    /// The folder of results, which is not read.
    out: Option<PathBuf>,
    /// What folders have beside pictures.
    left_out: LeftOut,
    /// As soon as somebody asks.
    places: OnceLock<Places>,
}

/// Where what was named really is: a shell may have named a hundred thousand files.
struct Places {
    files: HashSet<PathBuf>,
    /// Folders and patterns, which are few.
    others: Vec<Named>,
}

impl Places {
    fn from_named(all: &[Named]) -> Self {
        let (mut files, mut others) = (HashSet::new(), Vec::new());
        for named in all {
            match named {
                Named::File(path) => files.extend(path.canonicalize()),
                Named::Folder(_) | Named::Pattern(_) => others.push(named.clone()),
                Named::Stdin | Named::Objects(_) | Named::Missing(_) => {}
            }
        }
        Self { files, others }
    }
}

/// A folder or a pattern that is being walked.
struct Walk {
    entries: Box<dyn Iterator<Item = walkdir::Result<DirEntry>> + Send>,
    named: Named,
    found: bool,
    left_out: LeftOut,
}

impl Inputs {
    /// Looks at the arguments, not yet into folders. The error is a mistake of the command line.
    pub fn new(named: &[PathBuf], out: Option<&Path>) -> Result<Self, NamedError> {
        let all: Vec<Named> = named.iter().map(|path| Named::new(path)).collect::<Result<_, _>>()?;
        if all.iter().filter(|named| matches!(named, Named::Stdin)).count() > 1 {
            return Err(NamedError::StdinTwice);
        }
        Ok(Self::from_named(all, out.map(Path::to_owned)))
    }

    /// From the beginning, for a caller that wants to count them.
    #[must_use]
    pub fn again(&self) -> Self {
        Self::from_named(self.all.clone(), self.out.clone()).with_objects(self.objects.clone())
    }

    /// Objects are looked for there; else there are none.
    #[must_use]
    pub fn with_objects(self, objects: Option<Objects>) -> Self {
        Self { objects, ..self }
    }

    fn from_named(all: Vec<Named>, out: Option<PathBuf>) -> Self {
        let (left_out, places) = (LeftOut::default(), OnceLock::new());
        Self { all, next: 0, walk: None, object_walk: None, objects: None, out, left_out, places }
    }

    /// What is left out of folders: counted as they are walked.
    pub fn left_out(&self) -> LeftOut {
        self.left_out.clone()
    }

    /// Whether only one file was named.
    pub fn is_single(&self) -> bool {
        matches!(self.all[..], [Named::Stdin | Named::File(_) | Named::Missing(_)])
    }

    /// Whether a file, which exists, is among what is read.
    pub fn is_read(&self, file: &Path) -> bool {
        let Ok(file) = file.canonicalize() else { return false };
        let is_result = self.out.as_deref().is_some_and(|out| lies_in(&file, out));
        let places = self.places.get_or_init(|| Places::from_named(&self.all));
        places.files.contains(&file)
            || places.others.iter().any(|named| match named {
                // Folders of results inside of what is read are left out.
                Named::Folder(root) => {
                    is_picture(&file)
                        && lies_in(&file, root)
                        && !(is_result && self.out.as_deref().is_some_and(|out| is_inside(out, root)))
                }
                Named::Pattern(pattern) => pattern.covers(&file),
                Named::Stdin | Named::File(_) | Named::Objects(_) | Named::Missing(_) => false,
            })
    }

    fn walk_named(&self, named: Named) -> Walk {
        let (root, depth, hidden) = match &named {
            Named::Pattern(pattern) => (pattern.root(), pattern.depth, pattern.hidden),
            Named::Folder(root) => (root.as_path(), None, false),
            Named::Stdin | Named::File(_) | Named::Objects(_) | Named::Missing(_) => {
                (Path::new(""), Some(0), false)
            }
        };
        let out = self.out.as_deref().and_then(|out| out.canonicalize().ok());
        let (in_folder, hidden_ones) = (matches!(named, Named::Folder(_)), self.left_out.clone());
        let entries = WalkDir::new(root)
            .follow_links(true)
            .min_depth(1)
            .max_depth(depth.unwrap_or(usize::MAX))
            .sort_by_file_name()
            .into_iter()
            .filter_entry(move |entry| {
                let is_out = || out.is_some() && entry.path().canonicalize().ok() == out;
                if entry.depth() == 0 {
                    return true;
                }
                if is_hidden(entry.file_name()) && !hidden {
                    if in_folder {
                        hidden_ones.count_hidden();
                    }
                    return false;
                }
                !(entry.file_type().is_dir() && is_out())
            });
        Walk { entries: Box::new(entries), named, found: false, left_out: self.left_out.clone() }
    }
}

impl Iterator for Inputs {
    type Item = Result<Input, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(walk) = &mut self.walk {
                if let Some(found) = walk.next() {
                    return Some(found);
                }
                self.walk = None;
            }
            if let Some(found) = self.object_walk.as_mut().and_then(Iterator::next) {
                return Some(found);
            }
            let named = self.all.get(self.next)?.clone();
            self.next += 1;
            match named {
                Named::Stdin => {
                    let (name, place) = ("-".into(), "stdin".into());
                    return Some(Ok(Input { name, path: None, place, modified: None }));
                }
                Named::File(path) => {
                    let place = path.file_name().map_or_else(|| PathBuf::from("picture"), PathBuf::from);
                    let name = path.display().to_string();
                    return Some(Ok(Input { name, path: Some(path), place, modified: None }));
                }
                Named::Objects(at) => {
                    self.object_walk =
                        Some(ObjectWalk::new(at, self.objects.as_ref(), self.left_out.clone()));
                }
                Named::Missing(path) => {
                    let name = path.display().to_string();
                    return Some(Err(Unreadable { name, reason: InputError::Missing }));
                }
                named @ (Named::Folder(_) | Named::Pattern(_)) => self.walk = Some(self.walk_named(named)),
            }
        }
    }
}

impl Walk {
    fn next(&mut self) -> Option<Result<Input, Unreadable>> {
        loop {
            let entry = match self.entries.next() {
                Some(Ok(entry)) => entry,
                // A link back to a folder that is being walked: everything in it comes anyway.
                Some(Err(error)) if error.loop_ancestor().is_some() => continue,
                Some(Err(error)) => {
                    self.found = true;
                    return Some(Err(unreadable_entry(error)));
                }
                None if self.found => return None,
                None => {
                    self.found = true;
                    return Some(Err(self.nothing_found()));
                }
            };
            if !entry.file_type().is_file() {
                if !entry.file_type().is_dir() && matches!(self.named, Named::Folder(_)) {
                    self.left_out.count_special();
                }
                continue;
            }
            let (path, place) = match &self.named {
                Named::Pattern(pattern) => {
                    let Ok(place) = entry.path().strip_prefix(pattern.root()) else { continue };
                    if !pattern.matcher.is_match(place) {
                        continue;
                    }
                    (pattern.base.join(place), place.to_owned())
                }
                Named::Folder(root) if is_picture(entry.path()) => {
                    let place = entry.path().strip_prefix(root).unwrap_or(entry.path());
                    (entry.path().to_owned(), place.to_owned())
                }
                Named::Folder(_) => {
                    self.left_out.count_other_kind(entry.path());
                    continue;
                }
                Named::Stdin | Named::File(_) | Named::Objects(_) | Named::Missing(_) => continue,
            };
            self.found = true;
            let name = path.display().to_string();
            return Some(Ok(Input { name, path: Some(path), place, modified: None }));
        }
    }

    /// What to say of a folder or a pattern that gave nothing.
    fn nothing_found(&self) -> Unreadable {
        match &self.named {
            Named::Pattern(pattern) => Unreadable { name: pattern.text.clone(), reason: InputError::NoMatch },
            Named::Folder(root) | Named::File(root) | Named::Missing(root) => {
                Unreadable { name: root.display().to_string(), reason: InputError::NoPicture }
            }
            Named::Stdin => Unreadable { name: "-".into(), reason: InputError::Empty },
            Named::Objects(at) => Unreadable { name: at.to_string(), reason: InputError::NoPicture },
        }
    }
}

fn unreadable_entry(error: walkdir::Error) -> Unreadable {
    let name = error.path().map_or_else(|| "a folder".to_owned(), |path| path.display().to_string());
    Unreadable { name, reason: InputError::Walk(error) }
}

/// Without the path, which is said already.
fn of_system(error: &walkdir::Error) -> String {
    error.io_error().map_or_else(|| error.to_string(), ToString::to_string)
}

impl Named {
    fn new(path: &Path) -> Result<Self, NamedError> {
        if path == Path::new("-") {
            return Ok(Self::Stdin);
        }
        if let Some(text) = path.to_str().filter(|text| Address::is_meant(text)) {
            return Ok(Self::Objects(text.parse()?));
        }
        match path.metadata() {
            Ok(metadata) if metadata.is_dir() => return Ok(Self::Folder(path.to_owned())),
            Ok(_) => return Ok(Self::File(path.to_owned())),
            Err(_) => {}
        }
        match path.to_str() {
            Some(text) if is_pattern(text) => Pattern::new(text).map(Self::Pattern),
            _ => Ok(Self::Missing(path.to_owned())),
        }
    }
}

impl Pattern {
    fn new(text: &str) -> Result<Self, NamedError> {
        let is_fixed = |part: &&str| !is_pattern(part);
        let parts: Vec<&str> = text.split('/').collect();
        let fixed = parts.iter().take_while(|part| is_fixed(part)).count();
        let (base, rest) = parts.split_at(fixed);
        let base = match base {
            [""] => PathBuf::from("/"),
            base => PathBuf::from(base.join("/")),
        };
        let matcher = GlobBuilder::new(&rest.join("/"))
            .literal_separator(true)
            .build()
            .map_err(|error| NamedError::Pattern { text: text.to_owned(), error })?
            .compile_matcher();
        Ok(Self {
            text: text.to_owned(),
            base,
            matcher,
            depth: (!rest.contains(&"**")).then_some(rest.len()),
            hidden: rest.iter().any(|part| part.starts_with('.')),
        })
    }

    /// The folder to walk.
    fn root(&self) -> &Path {
        if self.base.as_os_str().is_empty() { Path::new(".") } else { &self.base }
    }

    fn covers(&self, file: &Path) -> bool {
        let root = self.root().canonicalize();
        root.is_ok_and(|root| file.strip_prefix(root).is_ok_and(|rest| self.matcher.is_match(rest)))
    }
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

pub(crate) fn is_picture(path: &Path) -> bool {
    path.extension().is_some_and(|end| EXTENSIONS.iter().any(|known| end.eq_ignore_ascii_case(known)))
}

/// Whether a canonical path lies somewhere below a folder.
fn lies_in(file: &Path, folder: &Path) -> bool {
    folder.canonicalize().is_ok_and(|folder| file.starts_with(folder))
}

/// Whether a folder lies below another and is not that one.
fn is_inside(folder: &Path, root: &Path) -> bool {
    match (folder.canonicalize(), root.canonicalize()) {
        (Ok(folder), Ok(root)) => folder
            .strip_prefix(root)
            .is_ok_and(|rest| rest.components().any(|c| matches!(c, Component::Normal(_)))),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(root: &Path, named: &[&str], out: Option<&str>) -> Vec<String> {
        let named: Vec<_> = named.iter().map(|name| root.join(name)).collect();
        let out = out.map(|out| root.join(out));
        let strip =
            |name: &str| name.strip_prefix(&format!("{}/", root.display())).unwrap_or(name).to_owned();
        let inputs = Inputs::new(&named, out.as_deref()).unwrap();
        inputs
            .map(|found| match found {
                Ok(input) => format!("{} -> {}", strip(&input.name), input.place.display()),
                Err(unreadable) => format!("{}: {}", strip(&unreadable.name), unreadable.reason),
            })
            .collect()
    }

    fn tree() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for folder in ["in/sub/deep", "in/.hidden", "in/results", "empty"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        for file in [
            "in/b.JPG",
            "in/a.png",
            "in/notes.txt",
            "in/.secret.png",
            "in/.hidden/x.png",
            "in/sub/c.tiff",
            "in/sub/deep/d.webp",
            "in/results/a.png",
        ] {
            fs::write(root.path().join(file), b"").unwrap();
        }
        symlink("..", root.path().join("in/sub/back")).unwrap();
        root
    }

    #[test]
    fn a_folder_gives_its_pictures_in_order_and_no_link_leads_in_circles() {
        let root = tree();
        let found = names(root.path(), &["in"], Some("in/results"));
        assert_eq!(
            found,
            [
                "in/a.png -> a.png",
                "in/b.JPG -> b.JPG",
                "in/sub/c.tiff -> sub/c.tiff",
                "in/sub/deep/d.webp -> sub/deep/d.webp"
            ]
        );
    }

    #[test]
    fn every_file_of_a_folder_is_read_or_counted() {
        let root = tree();
        fs::write(root.path().join("in/sub/clip.mp4"), b"").unwrap();
        let mut inputs =
            Inputs::new(&[root.path().join("in")], Some(&root.path().join("in/results"))).unwrap();
        let left_out = inputs.left_out();
        assert_eq!(inputs.again().count(), 4, "whoever only counts pictures counts nothing else");
        assert_eq!(left_out.in_words(), None);
        assert_eq!(inputs.by_ref().count(), 4);
        assert_eq!(left_out.in_words().unwrap(), "4 files were left out: 2 hidden, 1 .mp4, 1 .txt");
        let mut pattern = Inputs::new(&[root.path().join("in/*.png")], None).unwrap();
        assert_eq!(pattern.by_ref().count(), 1);
        assert_eq!(pattern.left_out().in_words(), None, "a pattern says itself what it is of");
    }

    #[test]
    fn patterns_match_as_in_a_shell() {
        let root = tree();
        assert_eq!(names(root.path(), &["in/*.{png,JPG}"], None), ["in/a.png -> a.png", "in/b.JPG -> b.JPG"]);
        assert_eq!(
            names(root.path(), &["in/**/?.[tw]*"], None),
            ["in/sub/c.tiff -> sub/c.tiff", "in/sub/deep/d.webp -> sub/deep/d.webp"]
        );
        assert_eq!(names(root.path(), &["in/.s*"], None), ["in/.secret.png -> .secret.png"]);
        assert_eq!(names(root.path(), &["in/*.gif"], None).len(), 1);
        let error = Inputs::new(&["a[".into()], None).err().unwrap().to_string();
        assert!(error.contains("a["), "{error}");
    }

    #[test]
    fn what_is_named_is_read_whatever_it_is_called() {
        let root = tree();
        assert_eq!(
            names(root.path(), &["in/notes.txt", "in/.secret.png", "gone.png", "empty"], None)[..3],
            ["in/notes.txt -> notes.txt", "in/.secret.png -> .secret.png", "gone.png: there is no such file"]
        );
        assert!(names(root.path(), &["empty"], None)[0].starts_with("empty: there is no picture in it"));
        assert!(Inputs::new(&["-".into(), "-".into()], None).is_err());
    }

    #[test]
    fn what_is_read_is_known_and_results_below_it_are_not() {
        let root = tree();
        let at = |name: &str| root.path().join(name);
        let inputs = Inputs::new(&[at("in"), at("empty/x.txt")], Some(&at("in/results"))).unwrap();
        assert!(inputs.is_read(&at("in/sub/../a.png")));
        assert!(!inputs.is_read(&at("in/results/a.png")));
        assert!(!inputs.is_read(&at("in/notes.txt")));
        let inputs = Inputs::new(&[at("in")], Some(&at("in"))).unwrap();
        assert!(inputs.is_read(&at("in/a.png")));
        let inputs = Inputs::new(&[at("in/*.png")], Some(&at("in"))).unwrap();
        assert!(inputs.is_read(&at("in/a.png")) && !inputs.is_read(&at("in/b.JPG")));
    }
}
