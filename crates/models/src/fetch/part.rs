//! A file on its way into the store: `<name>.part` beside its place, in the hands of one process at a time.

use std::fs::{self, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The partial file. What an earlier process left is kept, to go on from.
#[derive(Debug)]
pub(super) struct Part {
    path: PathBuf,
    file: fs::File,
    len: u64,
}

impl Part {
    /// Takes the partial file; `None` where another process has it.
    pub(super) fn open(path: PathBuf) -> io::Result<Option<Self>> {
        loop {
            let mut file =
                fs::File::options().create(true).truncate(false).read(true).write(true).open(&path)?;
            match lock_part(&file, &path)? {
                Taken::Ours => {
                    let len = file.seek(SeekFrom::End(0))?;
                    return Ok(Some(Self { path, file, len }));
                }
                Taken::Theirs => return Ok(None),
                Taken::Gone => {}
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes in it.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Bytes free on its disk, where the system says.
    pub(super) fn free_bytes(&self) -> Option<u64> {
        let disk = rustix::fs::fstatvfs(&self.file).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.len = 0;
        Ok(())
    }

    /// Makes it a copy of another file.
    pub(super) fn copy_from(&mut self, mut from: impl io::Read) -> io::Result<()> {
        self.clear()?;
        self.len = io::copy(&mut from, &mut self.file)?;
        Ok(())
    }

    /// Puts it in its place, once it is verified.
    pub(super) fn move_to(self, target: &Path) -> io::Result<()> {
        // The name must not outlive a power cut that the content does not.
        self.file.sync_all()?;
        fs::rename(&self.path, target)
    }

    pub(super) fn discard(self) {
        let _ = fs::remove_file(&self.path);
    }

    /// Keeps what the next try can go on from.
    pub(super) fn leave(self) {
        if self.len == 0 {
            self.discard();
        }
    }
}

#[derive(Debug, PartialEq)]
enum Taken {
    Ours,
    /// Another process has it.
    Theirs,
    /// Another process had it and has moved it to its place, or away.
    Gone,
}

fn lock_part(file: &fs::File, path: &Path) -> io::Result<Taken> {
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Taken::Theirs),
        // Some file systems have no locks. Two processes may then write at once; the hash tells.
        Err(TryLockError::Error(error)) => tracing::debug!(%error, ?path, "cannot lock"),
    }
    let ours = file.metadata()?;
    let same = fs::metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino()));
    Ok(if same { Taken::Ours } else { Taken::Gone })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_file_is_in_the_hands_of_one_and_what_one_left_goes_to_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file.part");
        let mut first = Part::open(path.clone()).unwrap().unwrap();
        first.append(b"half").unwrap();
        assert!(Part::open(path.clone()).unwrap().is_none(), "it is taken");
        first.leave();
        let mut second = Part::open(path.clone()).unwrap().unwrap();
        assert_eq!(second.len(), 4);
        second.append(b" and half").unwrap();
        second.move_to(&dir.path().join("file")).unwrap();
        assert_eq!(fs::read(dir.path().join("file")).unwrap(), b"half and half");
        assert!(!path.exists());
    }

    #[test]
    fn nothing_is_left_of_a_try_that_got_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file.part");
        Part::open(path.clone()).unwrap().unwrap().leave();
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_was_finished_meanwhile_is_never_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file.part");
        let first = Part::open(path.clone()).unwrap().unwrap();
        // As a second process between opening and locking.
        let second = fs::File::options().write(true).open(&path).unwrap();
        assert_eq!(lock_part(&second, &path).unwrap(), Taken::Theirs);
        first.move_to(&dir.path().join("file")).unwrap();
        assert_eq!(lock_part(&second, &path).unwrap(), Taken::Gone);
        let third = Part::open(path.clone()).unwrap().unwrap();
        assert_eq!(lock_part(&second, &path).unwrap(), Taken::Gone, "the name is another file's now");
        third.discard();
    }
}
