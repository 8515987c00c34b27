//! What several processes of a cluster had in common last: `access.common.json`, beside the file with the keys and users. By it
//! each process knows what has changed since: with it, and with the others.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::record::{Records, VERSION};
use crate::store::{Alone, Store, StoreError, check};

/// Files that were set aside, at most; the last one is replaced then.
const MAX_ASIDE: u32 = 100;

/// The keys and users that all processes of a cluster had, as far as this one knows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Common {
    /// Of which cluster: another one has nothing in common with this.
    pub cluster: String,
    /// Where these versions began. Where they began anew they have nothing in common, whatever their numbers.
    pub origin: String,
    /// Which of them; 0: there was nothing, and nobody had any keys or users.
    pub version: u64,
    /// What was in it.
    pub records: Records,
}

impl Store {
    fn common_path(&self) -> PathBuf {
        self.folder().join("access.common.json")
    }
}

impl Alone<'_> {
    /// What was last in common; nothing if there was none, or if it cannot be read as it should be.
    pub fn common(&self) -> Result<Option<Common>, StoreError> {
        let path = self.store().common_path();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::Read { path, error }),
        };
        let read = serde_json::from_slice::<Common>(&text).map_err(|error| error.to_string());
        let fine = read.and_then(|common| {
            if common.records.version > VERSION {
                return Err("it was written by a newer Sightwire".to_owned());
            }
            check(&common.records).map_err(|error| error.to_string()).map(|()| common)
        });
        fine.map_or_else(
            |reason| {
                tracing::warn!("{} is passed over: {reason}", path.display());
                Ok(None)
            },
            |common| Ok(Some(common)),
        )
    }

    /// This is in common from now on.
    pub fn write_common(&self, common: &Common) -> Result<(), StoreError> {
        self.store().put(&self.store().common_path(), common)
    }

    /// Keeps what does not count any more, for people: `access.before-cluster.json`, or the first such name with a number that is
    /// free. Where it is.
    pub fn set_aside(&self, records: &Records) -> Result<PathBuf, StoreError> {
        let name = |number: u32| match number {
            1 => "access.before-cluster.json".to_owned(),
            number => format!("access.before-cluster.{number}.json"),
        };
        let mut paths = (1..=MAX_ASIDE).map(|number| self.store().folder().join(name(number)));
        let free = paths.find(|path| !path.exists());
        let path = free.unwrap_or_else(|| self.store().folder().join(name(MAX_ASIDE)));
        self.store().put(&path, records)?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::SystemTime;

    use super::*;
    use crate::record::NewKey;
    use crate::{Role, Scope};

    fn records() -> Records {
        let wanted = NewKey { name: None, role: Role::Viewer, scope: Scope::ALL, expires: None };
        let mut records = Records::default();
        records.add(&wanted, SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000)).unwrap();
        records
    }

    #[test]
    fn what_was_in_common_is_kept_for_its_owner_only() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::in_folder(&home.path().join("new"));
        let alone = store.alone().unwrap();
        assert_eq!(alone.common().unwrap(), None);
        let common = Common { cluster: "c".into(), origin: "o".into(), version: 7, records: records() };
        alone.write_common(&common).unwrap();
        assert_eq!(alone.common().unwrap(), Some(common));
        let mode = fs::metadata(store.common_path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(alone.load().unwrap(), Records::default(), "the file that counts is another one");
    }

    #[test]
    fn what_cannot_be_read_is_nothing_in_common() {
        let log = sightwire_measure::captured::log();
        let home = tempfile::tempdir().unwrap();
        let store = Store::in_folder(home.path());
        let alone = store.alone().unwrap();
        let newer = r#"{"cluster":"c","origin":"o","version":7,"records":{"version":99}}"#;
        let twice = r#"{"cluster":"c","origin":"o","version":7,"records":{"version":1,"users":[
            {"name":"a","role":"admin","created":"2026-01-01T00:00:00Z","password":"none"}]}}"#;
        for (number, text) in ["{", "", newer, twice].into_iter().enumerate() {
            fs::write(store.common_path(), text).unwrap();
            assert_eq!(alone.common().unwrap(), None, "{text}");
            assert_eq!(log.with("access.common.json is passed over").len(), number + 1);
        }
    }

    #[test]
    fn what_is_set_aside_replaces_nothing() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::in_folder(home.path());
        let alone = store.alone().unwrap();
        let first = alone.set_aside(&records()).unwrap();
        let second = alone.set_aside(&Records::default()).unwrap();
        assert!(first.ends_with("access.before-cluster.json"), "{first:?}");
        assert!(second.ends_with("access.before-cluster.2.json"), "{second:?}");
        let kept: Records = serde_json::from_slice(&fs::read(first).unwrap()).unwrap();
        assert_eq!(kept.keys.len(), 1);
    }
}
