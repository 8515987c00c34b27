use std::io::Write as _;
use std::path::{Component, Path};

use tempfile::NamedTempFile;

#[path = "../../../crates/reading/src/jobs/archive.rs"]
#[allow(dead_code, reason = "errors are only told from answers")]
mod list;

use list::{Archive, Budget};

/// Files that a batch may have; a zip may list three times as many entries.
const MAX_FILES: usize = 10;
/// Of a file that is unpacked.
const MAX_BYTES: usize = 64 << 10;

/// Zips of pictures: no panic, bounded lists and files, whatever the zip says, and no file whose name leads elsewhere.
pub fn archive(data: &[u8]) {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(data).expect("room for it");
    let Ok(archive) = Archive::open(file.path().to_owned(), &mut Budget::new(MAX_FILES)) else { return };
    let members = archive.members();
    assert!(members.len() <= 3 * MAX_FILES);
    for member in &members {
        let stays = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if member.refused.is_none() {
            assert!(Path::new(&member.name).components().all(stays), "{}", member.name);
            assert!(!member.name.contains(['\0']) && !list::is_zip(&member.name), "{}", member.name);
        }
        if let Ok(bytes) = archive.read(member.index, MAX_BYTES) {
            assert!(bytes.len() <= MAX_BYTES);
            assert_eq!(archive.read(member.index, bytes.len()).ok(), Some(bytes), "the limit itself is allowed");
        }
    }
    assert!(archive.read(members.len().max(3 * MAX_FILES), MAX_BYTES).is_err(), "there is no such entry");
}
