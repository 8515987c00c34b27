//! Folders of batches on disk: gone when the batch is, at the latest at the next start of a server.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sightwire_measure::lines::LogThrottle;
use sightwire_measure::{clock, disk};

/// Begin of the name of a server's folder.
const PREFIX: &str = "sightwire-reading-";
/// A file in it that is locked while the server runs.
const LOCK: &str = "lock";

/// How often it is tried to remove all of it, and the pause between.
const CLOSE_TRIES: usize = 20;
const CLOSE_PAUSE: Duration = Duration::from_millis(20);

/// Makes folders within one that belongs to this server alone.
#[derive(Debug)]
pub struct Spool {
    parent: PathBuf,
    root: Mutex<Option<Root>>,
    trouble: Arc<Trouble>,
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

#[derive(Debug)]
struct Root {
    folder: tempfile::TempDir,
    _lock: File,
}

/// A batch's folder. It is removed with the last clone, without holding up a thread of the network.
#[derive(Clone, Debug)]
pub struct Folder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    trouble: Arc<Trouble>,
}

impl Spool {
    /// In that folder, or in the system's for temporary files.
    pub fn new(parent: Option<PathBuf>) -> Self {
        let trouble = Arc::new(Trouble { said: [const { LogThrottle::new() }; 4] });
        Self { parent: parent.unwrap_or_else(std::env::temp_dir), root: Mutex::default(), trouble }
    }

    /// Says that something cannot be done, where no batch has a folder yet.
    pub fn failed(&self, work: Work, error: &io::Error) {
        self.trouble.say(work, &self.parent, error);
    }

    /// A new folder; blocks.
    pub fn folder(&self, name: &str) -> io::Result<Folder> {
        let mut root = self.root.lock();
        let path = match &*root {
            Some(root) => root.folder.path().join(name),
            None => root.insert(Root::new(&self.parent)?).folder.path().join(name),
        };
        fs::create_dir(&path)?;
        Ok(Folder(Arc::new(Inner { path, trouble: self.trouble.clone() })))
    }

    /// Removes what servers left that were killed; blocks.
    pub fn sweep(&self) {
        let listed = fs::read_dir(&self.parent).inspect_err(|error| {
            // It is made with the first batch.
            if error.kind() != io::ErrorKind::NotFound {
                self.failed(Work::Read, error);
            }
        });
        let entries = listed.into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with(PREFIX) && is_abandoned(&path) {
                match fs::remove_dir_all(&path) {
                    Ok(()) => tracing::info!(folder = %path.display(), "removed what a server left"),
                    Err(error) => self.trouble.say(Work::Remove, &path, &error),
                }
            }
        }
    }

    /// Removes everything; blocks. A later batch would begin anew.
    pub fn close(&self) {
        let Some(root) = self.root.lock().take() else { return };
        let path = root.folder.keep();
        // Folders of batches may be going at the same time.
        let mut last = None;
        for _ in 0..CLOSE_TRIES {
            match fs::remove_dir_all(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => last = Some(error),
                _ => return,
            }
            std::thread::sleep(CLOSE_PAUSE);
        }
        if let Some(error) = last {
            tracing::warn!(folder = %path.display(), "the folder of batches cannot be removed: {error}");
        }
    }
}

impl Root {
    fn new(parent: &Path) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
        // Under its name there is never one that is not locked: another server would take the folder for abandoned.
        let unlocked = folder.path().join("unlocked");
        let lock = File::create(&unlocked)?;
        lock.lock()?;
        fs::rename(&unlocked, folder.path().join(LOCK))?;
        Ok(Self { folder, _lock: lock })
    }
}

/// Whether the server that made the folder has gone. Only folders of this user are, whatever their name.
fn is_abandoned(folder: &Path) -> bool {
    let ours = fs::symlink_metadata(folder)
        .is_ok_and(|meta| meta.is_dir() && meta.uid() == rustix::process::getuid().as_raw());
    ours && File::open(folder.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok())
}

impl Folder {
    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path.join(name)
    }

    /// Says that something cannot be done with the files in it.
    pub fn failed(&self, work: Work, error: &io::Error) {
        self.0.trouble.say(work, &self.0.path, error);
    }
}

impl Trouble {
    fn say(&self, work: Work, folder: &Path, error: &io::Error) {
        let (said, what) = match work {
            Work::Keep => (&self.said[0], "files of batches cannot be kept"),
            Work::Result => (&self.said[3], "what was read in files of batches cannot be kept"),
            Work::Read => (&self.said[1], "what is kept of batches cannot be read"),
            Work::Remove => (&self.said[2], "what is kept of batches cannot be removed"),
        };
        disk::failed();
        if let Some(unsaid) = said.is_due(clock::now()) {
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
        let (path, trouble) = (std::mem::take(&mut self.path), self.trouble.clone());
        let remove = move || {
            if let Err(error) = fs::remove_dir_all(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                trouble.say(Work::Remove, &path, &error);
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
    use super::*;

    #[test]
    fn a_folder_goes_with_its_last_owner_and_all_with_the_server() {
        let dir = tempfile::tempdir().unwrap();
        let parent = dir.path().join("made/for/it");
        let spool = Spool::new(Some(parent.clone()));
        let folder = spool.folder("job").unwrap();
        fs::write(folder.file("a"), "a").unwrap();
        let (path, other) = (folder.file("a"), folder.clone());
        drop(folder);
        assert!(path.exists());
        drop(other);
        assert!(!path.exists() && !path.parent().unwrap().exists());
        let _late = spool.folder("job").unwrap();
        spool.close();
        assert_eq!(fs::read_dir(parent).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_server_left_is_removed_and_a_running_ones_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::new(Some(dir.path().to_owned()));
        let running = spool.folder("job").unwrap();
        let left = dir.path().join("sightwire-reading-left");
        fs::create_dir(&left).unwrap();
        fs::write(left.join(LOCK), "").unwrap();
        let (strange, begun) = (dir.path().join("notes"), dir.path().join("sightwire-reading-begun"));
        fs::create_dir(&strange).unwrap();
        fs::write(strange.join(LOCK), "").unwrap();
        fs::create_dir(&begun).unwrap();
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(LOCK), "").unwrap();
        std::os::unix::fs::symlink(home.path(), dir.path().join("sightwire-reading-link")).unwrap();
        Spool::new(Some(dir.path().to_owned())).sweep();
        assert!(!left.exists());
        assert!(strange.exists() && begun.exists() && home.path().join(LOCK).exists());
        assert!(running.file("").exists());
    }
}
