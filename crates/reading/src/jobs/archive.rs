//! A zip that was sent: its files are unpacked one by one when their turn comes, each within the bounds of a picture.

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zip::ZipArchive;
use zip::read::{Config, ZipArchiveMetadata, ZipReadOptions};
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;

/// Most memory that the lists of files of a batch's zips may take, in bytes: names, comments, extra fields.
const MAX_LIST_BYTES: u64 = 16 << 20;
/// Entries that are looked at for each file that a batch may have: folders and what a Mac adds are entries, too.
const ENTRIES_PER_FILE: usize = 3;

/// Why a zip cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Broken, or no zip.
    #[error("it is not a zip that can be read: {0}")]
    Broken(#[source] io::Error),
    /// The zip cannot be read from the disk.
    #[error("it cannot be read: {0}")]
    Disk(#[from] io::Error),
    /// Too many entries.
    #[error("it lists {listed} files and folders, and the zips of the batch may list {left} more")]
    TooMany {
        /// Entries of this zip.
        listed: usize,
        /// What other zips have left.
        left: usize,
    },
    /// The list itself is too large.
    #[error("the lists of files of the batch's zips are larger than {} MiB", MAX_LIST_BYTES >> 20)]
    TooLong,
}

/// What the zips of a batch may list, all of them together.
#[derive(Debug)]
pub struct Budget {
    entries: usize,
    list_bytes: u64,
}

impl Budget {
    /// Of a batch that may have this many files.
    pub fn new(max_files: usize) -> Self {
        Self { entries: max_files.saturating_mul(ENTRIES_PER_FILE), list_bytes: MAX_LIST_BYTES }
    }
}

/// A zip on disk whose list of files has been read. It holds no file open: there may be many.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    list: Arc<ZipArchiveMetadata>,
}

/// Why a file in a zip is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemberError {
    /// Its entry in the list cannot be read.
    #[error("the zip is broken here")]
    Broken,
    /// It would be unpacked to wherever the zip says.
    #[error("its name leads out of the zip")]
    Outside,
    /// It leads to another file.
    #[error("it is a link")]
    Link,
    /// Nobody asks for passwords.
    #[error("it needs a password")]
    Encrypted,
    /// Zips within zips may grow without end.
    #[error("it is a zip within a zip, which is not unpacked")]
    Zip,
}

/// A file in a zip.
#[derive(Debug, PartialEq, Eq)]
pub struct Member {
    /// Its number in the zip.
    pub index: usize,
    /// Its name, for people.
    pub name: String,
    /// Unpacked, as the zip says.
    pub bytes: u64,
    /// Why it is not used.
    pub refused: Option<MemberError>,
}

impl Archive {
    /// Reads the list of files; blocks.
    pub fn open(path: PathBuf, budget: &mut Budget) -> Result<Self, ArchiveError> {
        *budget = check_budget(File::open(&path)?, budget)?;
        let list = ZipArchive::new(File::open(&path)?)?.metadata();
        Ok(Self { path, list })
    }

    /// Its files; folders, and what a Mac adds beside each file, are not among them.
    pub fn members(&self) -> Vec<Member> {
        (0..self.list.len()).filter_map(|index| self.member(index)).collect()
    }

    fn member(&self, index: usize) -> Option<Member> {
        let Ok(entry) = self.list.entry(index) else {
            let (name, refused) = (format!("entry {index}"), Some(MemberError::Broken));
            return Some(Member { index, name, bytes: 0, refused });
        };
        let name = match entry.name() {
            Ok(name) => name.into_owned(),
            Err(_) => String::from_utf8_lossy(entry.name_raw()).into_owned(),
        };
        if entry.is_dir() || name.ends_with(['/', '\\']) || is_mac_metadata(&name) {
            return None;
        }
        let refused = if !is_inside(&name) {
            Some(MemberError::Outside)
        } else if entry.is_symlink() {
            Some(MemberError::Link)
        } else if entry.encrypted() {
            Some(MemberError::Encrypted)
        } else if is_zip(&name) {
            Some(MemberError::Zip)
        } else {
            None
        };
        Some(Member { index, name, bytes: entry.size(), refused })
    }

    /// The content of a file; an error if it is larger than `max_bytes`, whatever the zip says; blocks.
    pub fn read(&self, index: usize, max_bytes: usize) -> io::Result<Vec<u8>> {
        let entry = self.list.entry(index).map_err(of_zip)?;
        let said = entry.size();
        // A file of its own, so that several threads can read.
        let mut file = File::open(&self.path)?;
        let content = entry.with_reader(&mut file, ZipReadOptions::new()).map_err(of_zip)?;
        let mut bytes = Vec::with_capacity(usize::try_from(said).unwrap_or(0).min(max_bytes).min(1 << 20));
        content.take(max_bytes as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > max_bytes {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        Ok(bytes)
    }
}

impl From<ZipError> for ArchiveError {
    fn from(error: ZipError) -> Self {
        match of_zip(error) {
            error if error.raw_os_error().is_some() => Self::Disk(error),
            error => Self::Broken(error),
        }
    }
}

/// One of the system stays one.
fn of_zip(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error) => error,
        error => io::Error::other(error),
    }
}

/// What is left of the budget. Goes through the list once, keeping nothing of it: how much memory it would take is known
/// only then.
fn check_budget(file: File, budget: &Budget) -> Result<Budget, ArchiveError> {
    let mut list = ZipIterable::try_new(BufReader::new(file), Config::default())?;
    let (listed, left) = (list.len(), budget.entries);
    let entries = left.checked_sub(listed).ok_or(ArchiveError::TooMany { listed, left })?;
    let (mut begin, mut list_bytes) = (None, budget.list_bytes);
    for entry in list.files()? {
        let at = entry?.central_header_start();
        let before = at.saturating_sub(*begin.get_or_insert(at));
        list_bytes = budget.list_bytes.checked_sub(before).ok_or(ArchiveError::TooLong)?;
    }
    Ok(Budget { entries, list_bytes })
}

/// Whether a name stays below the folder that a zip would be unpacked to, on any system.
fn is_inside(name: &str) -> bool {
    let mut parts = name.split(['/', '\\']);
    let drive = name.as_bytes().get(1) == Some(&b':');
    !drive && !name.contains('\0') && parts.all(|part| !part.is_empty() && part != "..")
}

/// Resource forks and folder settings that a Mac puts into a zip.
fn is_mac_metadata(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    name.starts_with("__MACOSX/") || last == ".DS_Store" || last.starts_with("._")
}

/// Whether a file of that name is a zip.
pub fn is_zip(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|end| end.eq_ignore_ascii_case("zip"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn zip_of(names: &[&str], content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.zip");
        let mut zip = ZipWriter::new(File::create(&path).unwrap());
        for name in names {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap();
        (dir, path)
    }

    fn open(path: PathBuf, max_files: usize) -> Result<Archive, ArchiveError> {
        Archive::open(path, &mut Budget::new(max_files))
    }

    #[test]
    fn names_that_lead_out_of_a_zip_are_refused_and_what_is_no_file_is_left_out() {
        let names = [
            "a.jpg",
            "deep/b.jpg",
            "../c.jpg",
            "x/../../d.jpg",
            "/etc/e.jpg",
            "C:\\f.jpg",
            "..\\g.jpg",
            "folder/",
            "__MACOSX/._a.jpg",
            "deep/.DS_Store",
            "inner.ZIP",
        ];
        let (_dir, path) = zip_of(&names, b"x");
        let members = open(path, 100).unwrap().members();
        let of = |refused: bool| -> Vec<&str> {
            members.iter().filter(|m| m.refused.is_some() == refused).map(|m| m.name.as_str()).collect()
        };
        assert_eq!(of(false), ["a.jpg", "deep/b.jpg"]);
        assert_eq!(
            of(true),
            ["../c.jpg", "x/../../d.jpg", "/etc/e.jpg", "C:\\f.jpg", "..\\g.jpg", "inner.ZIP"]
        );
    }

    #[test]
    fn what_is_unpacked_is_bounded_by_what_really_comes() {
        let (_dir, path) = zip_of(&["zeros"], &vec![0; 4 << 20]);
        let archive = open(path.clone(), 100).unwrap();
        assert_eq!(archive.read(0, 4 << 20).unwrap().len(), 4 << 20);
        let error = archive.read(0, (4 << 20) - 1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        // One that says it is small: 22 bytes before the end of the entry's header stands its size.
        let mut bytes = std::fs::read(&path).unwrap();
        let at = bytes.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap() + 24;
        bytes[at..at + 4].copy_from_slice(&10_u32.to_le_bytes());
        std::fs::write(&path, bytes).unwrap();
        let archive = open(path, 100).unwrap();
        assert_eq!(archive.members()[0].bytes, 10);
        assert!(archive.read(0, 1 << 20).is_err());
    }

    #[test]
    fn a_list_that_is_too_long_is_not_read() {
        let names: Vec<String> = (0..40).map(|n| format!("{n}.jpg")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (_dir, path) = zip_of(&names, b"");
        assert!(matches!(open(path.clone(), 10), Err(ArchiveError::TooMany { listed: 40, left: 30 })));
        let mut budget = Budget::new(20);
        Archive::open(path.clone(), &mut budget).unwrap();
        let second = Archive::open(path.clone(), &mut budget);
        assert!(matches!(second, Err(ArchiveError::TooMany { listed: 40, left: 20 })), "one budget for all");
        std::fs::write(&path, b"PK no zip").unwrap();
        assert!(matches!(open(path, 10), Err(ArchiveError::Broken(_))));
        // 400 names of 60,000 letters would take 24 MB.
        let long: Vec<String> = (0..400).map(|n| format!("{n}{}", "x".repeat(60_000))).collect();
        let long: Vec<&str> = long.iter().map(String::as_str).collect();
        let (_dir, path) = zip_of(&long, b"");
        assert!(matches!(open(path, 1000), Err(ArchiveError::TooLong)));
        // 150 take 9 MB, and another zip as many.
        let (_dir, path) = zip_of(&long[..150], b"");
        let mut budget = Budget::new(1000);
        Archive::open(path.clone(), &mut budget).unwrap();
        assert!(matches!(Archive::open(path, &mut budget), Err(ArchiveError::TooLong)), "one budget for all");
    }
}
