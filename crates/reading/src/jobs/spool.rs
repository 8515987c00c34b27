//! The folder of all batches, which one server has at a time, and the folders of single batches in it. They stay when the
//! server stops; a batch's goes when the batch is removed, or is given up before it was all there.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use sightwire_base::lines::LogThrottle;
use sightwire_base::{clock, disk};

/// A file that is locked while a server has the folder.
const LOCK: &str = "lock";
/// A batch without this file was not all there.
pub const DESCRIPTION: &str = "job.json";
/// What was sent, in a batch's folder.
const PARTS: &str = "parts";
/// Letters of a batch's name.
const NAME: usize = 16;
/// Pictures and what is read in them are for this user's eyes only.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// The folder of all batches.
#[derive(Debug)]
pub struct Spool {
    path: PathBuf,
    /// Locked while it is there.
    lock: Mutex<Option<File>>,
    trouble: Arc<Trouble>,
}

/// Whose the folder of batches is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// This server's, from now on.
    New,
    /// This server's already.
    Held,
    /// Another server's.
    Taken,
    /// There is none yet.
    Absent,
}

/// What cannot be done with files of batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Writing what was sent.
    Keep,
    /// Writing what was read in it.
    Result,
    /// Reading what was sent or its results back.
    Read,
    /// Removing what is no longer wanted.
    Remove,
}

/// Says what goes wrong with the disk, but not for each file.
#[derive(Debug)]
struct Trouble {
    said: [LogThrottle; 4],
}

/// A batch's folder. Unless it is kept, it is removed with its last clone, without holding up a thread of the network.
#[derive(Clone, Debug)]
pub struct Folder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    name: Box<str>,
    is_kept: AtomicBool,
    trouble: Arc<Trouble>,
}

impl Spool {
    /// At that place; nothing is made there before [`Spool::claim`] is to.
    pub fn new(path: PathBuf) -> Self {
        let trouble = Arc::new(Trouble { said: [const { LogThrottle::new() }; 4] });
        Self { path, lock: Mutex::default(), trouble }
    }

    /// The folder of the batch.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the folder for this server, as long as this value lives; blocks. It is made if it is to be.
    pub fn claim(&self, make: bool) -> io::Result<Claim> {
        let mut held = self.lock.lock();
        if held.is_some() {
            return Ok(Claim::Held);
        }
        if !make && !self.path.try_exists()? {
            return Ok(Claim::Absent);
        }
        match (make_folder(&self.path), self.path.parent()) {
            (Err(error), Some(above)) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(above)?;
                make_folder(&self.path)?;
            }
            (made, _) => made?,
        }
        let mut options = OpenOptions::new();
        let lock = options.write(true).create(true).truncate(false).mode(FILE_MODE);
        let lock = lock.open(self.path.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => *held = Some(lock),
            Err(TryLockError::WouldBlock) => return Ok(Claim::Taken),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(Claim::New)
    }

    /// Gives the folder back; who claims it next has to look into it.
    pub fn release(&self) {
        self.lock.lock().take();
    }

    /// Says that something cannot be done, where no batch has a folder yet.
    pub fn report_failure(&self, work: Work, error: &io::Error) {
        self.trouble.log_error(work, &self.path, error);
    }

    /// A new folder for a batch, which goes unless it is kept; blocks.
    pub fn create_folder(&self, name: &str) -> io::Result<Folder> {
        let folder = self.open_folder(name, false);
        make_folder(&folder.0.path)?;
        make_folder(&folder.file_path(PARTS))?;
        Ok(folder)
    }

    /// The folders that are there, in the order of their names: batches, and what is left of such that were not all there;
    /// blocks.
    pub fn list_folders(&self) -> io::Result<Vec<Folder>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            if let Some(name) = name.to_str().filter(|name| is_name(name))
                && is_ours(&self.path.join(name))
            {
                found.push(self.open_folder(name, true));
            }
        }
        found.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(found)
    }

    fn open_folder(&self, name: &str, is_kept: bool) -> Folder {
        let (path, trouble) = (self.path.join(name), self.trouble.clone());
        Folder(Arc::new(Inner { path, name: name.into(), is_kept: is_kept.into(), trouble }))
    }
}

/// Whether a batch may be called so: random digits, see [`new_name`].
fn is_name(name: &str) -> bool {
    name.len() == NAME && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A name that no other batch has.
pub fn new_name() -> String {
    format!("{:016x}", fastrand::u64(..))
}

/// Whether it is a folder of this user.
fn is_ours(path: &Path) -> bool {
    let user = rustix::process::getuid().as_raw();
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir() && meta.uid() == user)
}

fn make_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(FOLDER_MODE).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

/// A new file for its owner's eyes only, to be written and read; blocks.
pub fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(FILE_MODE).open(path)
}

impl Folder {
    /// What the batch is called.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// A file in it.
    pub fn file_path(&self, name: &str) -> PathBuf {
        self.0.path.join(name)
    }

    /// What was sent as the file of this number.
    pub fn part_path(&self, number: usize) -> PathBuf {
        self.0.path.join(PARTS).join(format!("{number:06}"))
    }

    /// Whether all of a batch was there.
    pub fn is_whole(&self) -> io::Result<bool> {
        self.file_path(DESCRIPTION).try_exists()
    }

    /// Returns when all names in it, and its own, are on the disk; blocks.
    pub fn sync(&self) -> io::Result<()> {
        File::open(self.file_path(PARTS))?.sync_all()?;
        self.sync_names()?;
        let above = self.0.path.parent().unwrap_or(&self.0.path);
        File::open(above)?.sync_all()
    }

    /// Returns when the names in it are on the disk; blocks.
    pub fn sync_names(&self) -> io::Result<()> {
        File::open(&self.0.path)?.sync_all()
    }

    /// It stays, whatever becomes of this server.
    pub fn keep(&self) {
        self.0.is_kept.store(true, Ordering::Relaxed);
    }

    /// It goes with its last clone; from now on it belongs to no batch, even if the server is killed before. Blocks.
    pub fn discard(&self) {
        if let Err(error) = fs::remove_file(self.file_path(DESCRIPTION))
            && error.kind() != io::ErrorKind::NotFound
        {
            self.report_failure(Work::Remove, &error);
        }
        self.0.is_kept.store(false, Ordering::Relaxed);
    }

    /// Says that something cannot be done with the files in it.
    pub fn report_failure(&self, work: Work, error: &io::Error) {
        self.0.trouble.log_error(work, &self.0.path, error);
    }
}

impl Trouble {
    fn log_error(&self, work: Work, folder: &Path, error: &io::Error) {
        let (said, what) = match work {
            Work::Keep => (&self.said[0], "files of batches cannot be kept"),
            Work::Result => (&self.said[3], "what was read in files of batches cannot be kept"),
            Work::Read => (&self.said[1], "what is kept of batches cannot be read"),
            Work::Remove => (&self.said[2], "what is kept of batches cannot be removed"),
        };
        disk::count_failure();
        if let Some(unsaid) = said.admit_line(clock::now()) {
            let folder = folder.display();
            tracing::warn!(
                %folder,
                unsaid,
                "{what}: {error}; see that reader.folder has room and may be written to"
            );
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if *self.is_kept.get_mut() {
            return;
        }
        let (path, trouble) = (std::mem::take(&mut self.path), self.trouble.clone());
        let remove = move || {
            // First of all, so that what is left of it is not taken for a batch.
            let _ = fs::remove_file(path.join(DESCRIPTION));
            if let Err(error) = fs::remove_dir_all(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                trouble.log_error(Work::Remove, &path, &error);
            }
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const ONE: &str = "0123456789abcdef";

    #[test]
    fn a_folder_goes_with_its_last_owner_unless_it_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let parent = dir.path().join("made/for/it");
        let spool = Spool::new(parent.clone());
        assert_eq!(spool.claim(false).unwrap(), Claim::Absent);
        assert!(!parent.exists());
        assert_eq!(spool.claim(true).unwrap(), Claim::New);
        let folder = spool.create_folder(ONE).unwrap();
        fs::write(folder.file_path("a"), "a").unwrap();
        let (path, other) = (folder.file_path("a"), folder.clone());
        drop(folder);
        assert!(path.exists());
        drop(other);
        assert!(!path.exists() && !path.parent().unwrap().exists());

        let kept = spool.create_folder(ONE).unwrap();
        kept.keep();
        drop(new_file(&kept.file_path(DESCRIPTION)).unwrap());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            [mode(&parent), mode(&kept.file_path("")), mode(&kept.file_path(DESCRIPTION))],
            [0o700, 0o700, 0o600]
        );
        drop(kept);
        let [again] = &spool.list_folders().unwrap()[..] else { panic!("one is there") };
        assert!(again.is_whole().unwrap());
        again.discard();
        assert!(!again.is_whole().unwrap());
        let path = again.file_path("");
        drop(spool.list_folders().unwrap());
        assert!(path.exists());
    }

    #[test]
    fn one_server_has_the_folder_and_another_one_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (Spool::new(dir.path().to_owned()), Spool::new(dir.path().to_owned()));
        assert_eq!((one.claim(false).unwrap(), one.claim(true).unwrap()), (Claim::New, Claim::Held));
        assert_eq!(other.claim(true).unwrap(), Claim::Taken);
        drop(one);
        assert_eq!(other.claim(true).unwrap(), Claim::New);
    }

    #[test]
    fn what_is_no_folder_of_a_batch_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::new(dir.path().to_owned());
        for name in ["notes", "0123456789ABCDEF", "0123456789abcdef0"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        fs::write(dir.path().join("1111111111111111"), "a file").unwrap();
        std::os::unix::fs::symlink("notes", dir.path().join("2222222222222222")).unwrap();
        assert!(spool.list_folders().unwrap().is_empty());
        assert!(is_name(&new_name()));
    }
}
