//! The file that keeps keys: `access.json` in the store's folder, for its owner's eyes only.
//!
//! It is written beside and put in its place, so a reader finds one whole version or the other; and a writer
//! holds a lock meanwhile, so that a command and a running server do not undo each other's changes.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sightwire_base::disk;

use crate::password;
use crate::record::{self, RecordError, Records, VERSION};

/// For its owner only.
const MODE: u32 = 0o600;
/// A file larger than all the keys that may be in it.
const MAX_BYTES: u64 = 16 << 20;

/// The file.
#[derive(Clone, Debug)]
pub struct Store {
    file: PathBuf,
}

/// The store while nobody else changes it: no command and no other server of this folder.
#[derive(Debug)]
pub struct Alone<'a> {
    store: &'a Store,
    _locked: File,
}

/// What tells one version of the file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

/// Why keys cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system does not let us.
    #[error("cannot read the keys in {path}: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The system does not let us.
    #[error("cannot write the keys to {path}: {error}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// Somebody has spoilt it.
    #[error(
        "{path} is not a file of keys: {reason}; restore it from a backup, or move it away to begin without any"
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// What is to be written is not right.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl Store {
    /// In the store's folder.
    pub fn in_folder(home: &Path) -> Self {
        Self { file: home.join("access.json") }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.file
    }

    /// Whether others than its owner can read or change the file, such as one that was restored from a backup.
    pub fn is_exposed(&self) -> bool {
        fs::metadata(&self.file).is_ok_and(|meta| meta.mode() & 0o077 != 0)
    }

    /// Of the file as it is now; `None` if there is none.
    pub fn file_stamp(&self) -> Result<Option<Stamp>, StoreError> {
        match fs::metadata(&self.file) {
            Ok(meta) => Ok(Some(Stamp {
                inode: meta.ino(),
                bytes: meta.len(),
                modified: (meta.mtime(), meta.mtime_nsec()),
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.read_error(error)),
        }
    }

    /// All that is in it; nothing if there is no file.
    pub fn load(&self) -> Result<Records, StoreError> {
        let text = match self.read_file() {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Records::default()),
            Err(error) => return Err(self.read_error(error)),
        };
        let records: Records =
            serde_json::from_slice(&text).map_err(|error| self.broken_error(error.to_string()))?;
        if records.version > VERSION {
            let reason = format!("it was written by a newer Sightwire (version {})", records.version);
            return Err(self.broken_error(reason));
        }
        check_records(&records).map_err(|error| self.broken_error(error.to_string()))?;
        Ok(records)
    }

    /// Changes what is in it. Nobody else does meanwhile. Blocks.
    pub fn update<T, E: From<StoreError>>(
        &self,
        change: impl FnOnce(&mut Records) -> Result<T, E>,
    ) -> Result<T, E> {
        let alone = self.lock_alone()?;
        let mut records = alone.load()?;
        let done = change(&mut records)?;
        alone.write_records(&records)?;
        Ok(done)
    }

    /// Nobody else changes anything here until it is dropped. What another has begun and not finished is so now. Blocks.
    pub fn lock_alone(&self) -> Result<Alone<'_>, StoreError> {
        let locked = self.lock_file().map_err(|error| write_error(&self.file, error))?;
        let alone = Alone { store: self, _locked: locked };
        alone.finish_takeover()?;
        Ok(alone)
    }

    fn read_file(&self) -> io::Result<Vec<u8>> {
        let bytes = fs::metadata(&self.file)?.len();
        if bytes > MAX_BYTES {
            return Err(io::Error::other(format!("it has {bytes} bytes")));
        }
        fs::read(&self.file)
    }

    /// A lock is on a file of its own: that of the keys is replaced by each change.
    fn lock_file(&self) -> io::Result<File> {
        let folder = self.folder();
        fs::create_dir_all(folder)?;
        let path = folder.join("access.lock");
        let file = match OpenOptions::new().write(true).create_new(true).mode(MODE).open(&path) {
            Ok(new) => self.give_to_owner(&new).map(|()| new)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                OpenOptions::new().write(true).open(&path)?
            }
            Err(error) => return Err(error),
        };
        file.lock()?;
        Ok(file)
    }

    /// Puts a whole file in the place of the one before.
    pub(crate) fn write_file(&self, path: &Path, what: &impl Serialize) -> Result<(), StoreError> {
        self.put_whole(path, what).map_err(|error| write_error(path, error))
    }

    fn put_whole(&self, path: &Path, what: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(what)?;
        let mut new = tempfile::NamedTempFile::new_in(self.folder())?;
        new.as_file().set_permissions(fs::Permissions::from_mode(MODE))?;
        self.give_to_owner(new.as_file())?;
        new.write_all(&text)?;
        new.write_all(b"\n")?;
        new.as_file().sync_all()?;
        new.persist(path)?;
        // The name is on the disk with its folder.
        File::open(self.folder())?.sync_all()
    }

    /// A new file that root writes into the folder of a server that runs as another user is that user's, who has to read it.
    fn give_to_owner(&self, file: &File) -> io::Result<()> {
        let (folder, written) = (fs::metadata(self.folder())?, file.metadata()?);
        if written.uid() == 0 && folder.uid() != 0 {
            fchown(file, Some(folder.uid()), Some(folder.gid()))?;
        }
        Ok(())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new("."))
    }

    fn read_error(&self, error: io::Error) -> StoreError {
        StoreError::Read { path: self.file.clone(), error }
    }

    fn broken_error(&self, reason: String) -> StoreError {
        StoreError::Broken { path: self.file.clone(), reason }
    }
}

impl Alone<'_> {
    /// As [`Store::load`], while nobody else changes the file.
    pub fn load(&self) -> Result<Records, StoreError> {
        self.store.load()
    }

    /// Puts all of that into the file.
    pub fn write_records(&self, records: &Records) -> Result<(), StoreError> {
        self.store.write_file(&self.store.file, records)
    }

    pub(crate) fn store(&self) -> &Store {
        self.store
    }
}

fn write_error(path: &Path, error: io::Error) -> StoreError {
    disk::count_failure();
    tracing::warn!(
        "keys and users cannot be kept: {}: {error}; see that this folder may be written to and has room (store.home)",
        path.display()
    );
    StoreError::Write { path: path.to_owned(), error }
}

/// Whether every record can be used: one that cannot is no reason to let somebody in, or to leave somebody out unsaid.
pub fn check_records(records: &Records) -> Result<(), RecordError> {
    let mut ids = HashSet::new();
    for key in &records.keys {
        key.hash()?;
        key.scope()?;
        if !ids.insert(&key.id) {
            return Err(RecordError::Twice(format!("the key {}", key.id)));
        }
    }
    let mut names = HashSet::new();
    for user in &records.users {
        user.scope()?;
        if !password::is_hash(&user.password) {
            return Err(RecordError::Password(user.name.clone()));
        }
        if !names.insert(record::fold_name(&user.name)) {
            return Err(RecordError::Twice(format!("the user {}", user.name)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::Role;
    use crate::record::NewKey;
    use crate::scope::Scope;

    fn add(store: &Store, name: &str) -> Result<String, StoreError> {
        let wanted = NewKey { name: Some(name.into()), role: Role::Admin, scope: Scope::ALL, expires: None };
        store.update(|records| Ok(records.add_key(&wanted, SystemTime::now())?.1.id))
    }

    #[test]
    fn keys_are_kept_for_their_owner_only_and_a_change_is_seen() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::in_folder(&home.path().join("new"));
        assert_eq!(store.load().unwrap(), Records::default());
        assert_eq!(store.file_stamp().unwrap(), None);
        let id = add(&store, "first").unwrap();
        let first = store.file_stamp().unwrap();
        assert_eq!(fs::metadata(store.path()).unwrap().permissions().mode() & 0o777, MODE);
        assert_eq!(store.load().unwrap().keys[0].id, id);
        add(&store, "other").unwrap();
        assert_ne!(store.file_stamp().unwrap(), first);
        assert_eq!(store.load().unwrap().keys.len(), 2);
    }

    #[test]
    fn what_cannot_be_kept_is_told_and_counted() {
        let (log, home) = (sightwire_base::captured::capture_log(), tempfile::tempdir().unwrap());
        let file = home.path().join("file");
        fs::write(&file, "").unwrap();
        let before = disk::failures();
        add(&Store::in_folder(&file.join("below")), "first").unwrap_err();
        assert!(disk::failures() > before);
        let said = log.lines_with("keys and users cannot be kept: ");
        assert!(said.len() == 1 && said[0].contains("below/access.json"), "{said:?}");
    }

    #[test]
    fn changes_at_the_same_time_do_not_undo_each_other() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::in_folder(home.path());
        std::thread::scope(|scope| {
            for name in ["a", "b", "c", "d"] {
                let store = &store;
                scope.spawn(move || (0..5).for_each(|_| drop(add(store, name).unwrap())));
            }
        });
        assert_eq!(store.load().unwrap().keys.len(), 20);
    }

    #[test]
    fn a_spoilt_file_is_named_and_left_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::in_folder(home.path());
        add(&store, "first").unwrap();
        let good = fs::read_to_string(store.path()).unwrap();
        let twice: serde_json::Value = serde_json::from_str(&good).unwrap();
        let key = &twice["keys"][0];
        let twice = serde_json::json!({ "version": 1, "keys": [key, key] }).to_string();
        for (text, reason) in [
            ("{", "EOF"),
            ("", "EOF"),
            (&*good.replace("\"version\": 1", "\"version\": 2"), "newer"),
            (&*good.replace("admin", "root"), "root"),
            (&*good.replace("\"sha256\": \"", "\"sha256\": \"x"), "SHA-256"),
            (&*twice, "stands there twice"),
        ] {
            fs::write(store.path(), text).unwrap();
            let error = store.load().unwrap_err().to_string();
            assert!(error.contains("access.json") && error.contains(reason), "{error}");
            assert!(add(&store, "second").is_err());
            assert_eq!(fs::read_to_string(store.path()).unwrap(), text);
        }
    }
}
