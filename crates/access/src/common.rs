//! What several processes of a cluster had in common last: `access.common.json`, beside the file with the keys and users. By it
//! each process knows what has changed since: with it, and with the others. When it was known last that this is so is in
//! `access.confirmed.json`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use base64_simd::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::record::{Records, VERSION};
use crate::store::{Alone, Store, StoreError, check_records};

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

/// As it stands in the file.
#[derive(Deserialize, Serialize)]
struct Kept<C> {
    #[serde(flatten)]
    common: C,
    /// [`records_digest`](Alone::records_digest) of the keys and users in whose place these are being put: while it stands here, that may not be done yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
}

/// When it was known last that what counts here counts in the whole cluster.
#[derive(Deserialize, Serialize)]
struct Confirmed {
    cluster: String,
    at: String,
}

impl Store {
    fn common_path(&self) -> PathBuf {
        self.folder().join("access.common.json")
    }

    fn confirmed_path(&self) -> PathBuf {
        self.folder().join("access.confirmed.json")
    }

    /// It is known that what was in common with that cluster then is what counts here.
    pub fn write_confirmed(&self, cluster: &str, at: SystemTime) -> Result<(), StoreError> {
        let at = humantime::format_rfc3339_seconds(at).to_string();
        self.write_file(&self.confirmed_path(), &Confirmed { cluster: cluster.to_owned(), at })
    }
}

impl Alone<'_> {
    /// What was last in common; nothing if there was none, or if it cannot be read as it should be.
    pub fn read_common(&self) -> Result<Option<Common>, StoreError> {
        Ok(passed_over(&self.store().common_path(), self.read_kept()?).map(|kept| kept.common))
    }

    /// When it was known last, by the wall clock, that what was in common with that cluster is what counts here; nothing if that
    /// was never so, or if it cannot be read.
    pub fn confirmed_at(&self, cluster: &str) -> Result<Option<SystemTime>, StoreError> {
        let path = self.store().confirmed_path();
        let read = read_json::<Confirmed>(&path)?.map(|read| {
            let Confirmed { cluster, at } = read?;
            humantime::parse_rfc3339(&at).map_err(|error| error.to_string()).map(|at| (cluster, at))
        });
        Ok(passed_over(&path, read).filter(|(its, _)| its == cluster).map(|(_, at)| at))
    }

    /// This is in common from now on, and is what counts here already.
    pub fn write_common(&self, common: &Common) -> Result<(), StoreError> {
        self.put_common(common, None)
    }

    /// This is in common from now on, and counts here instead of `ours`. Wherever that is cut off, all is as before, or the one that is
    /// [alone](Store::lock_alone) here next finishes it: else what others have taken away would seem to have been added here.
    pub fn take_over(&self, ours: &Records, common: &Common) -> Result<(), StoreError> {
        self.put_common(common, Some(self.records_digest(ours)?))?;
        self.write_records(&common.records)?;
        // Else somebody who restores what was before would find it replaced once more.
        self.put_common(common, None)
    }

    /// Finishes what [`Self::take_over`] has begun, unless something else stands here since.
    pub(crate) fn finish_takeover(&self) -> Result<(), StoreError> {
        let Some(Ok(Kept { common, replaces: Some(replaces) })) = self.read_kept()? else { return Ok(()) };
        if self.records_digest(&self.load()?)? == replaces {
            self.write_records(&common.records)?;
        }
        self.put_common(&common, None)
    }

    /// Of what cannot be used, why.
    fn read_kept(&self) -> Result<Option<Result<Kept<Common>, String>>, StoreError> {
        let read = read_json::<Kept<Common>>(&self.store().common_path())?;
        Ok(read.map(|read| {
            let kept = read?;
            if kept.common.records.version > VERSION {
                return Err("it was written by a newer Sightwire".to_owned());
            }
            check_records(&kept.common.records).map_err(|error| error.to_string()).map(|()| kept)
        }))
    }

    fn put_common(&self, common: &Common, replaces: Option<String>) -> Result<(), StoreError> {
        self.store().write_file(&self.store().common_path(), &Kept { common, replaces })
    }

    /// By which these keys and users are known from others, whatever their file looks like: SHA-256.
    fn records_digest(&self, records: &Records) -> Result<String, StoreError> {
        let text = serde_json::to_vec(&(&records.keys, &records.users));
        let path = || self.store().common_path();
        let text = text.map_err(|error| StoreError::Write { path: path(), error: error.into() })?;
        Ok(URL_SAFE_NO_PAD.encode_to_string(Sha256::digest(&text)))
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
        self.store().write_file(&path, records)?;
        Ok(path)
    }
}

/// What is in a file; nothing if there is none, and why if it is something else.
fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<Result<T, String>>, StoreError> {
    match fs::read(path) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text).map_err(|error| error.to_string()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::Read { path: path.to_owned(), error }),
    }
}

fn passed_over<T>(path: &Path, read: Option<Result<T, String>>) -> Option<T> {
    let warn = |reason: &String| tracing::warn!("{} is passed over: {reason}", path.display());
    read?.inspect_err(warn).ok()
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
        records.add_key(&wanted, SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000)).unwrap();
        records
    }

    #[test]
    fn what_was_in_common_is_kept_for_its_owner_only() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::in_folder(&home.path().join("new"));
        let alone = store.lock_alone().unwrap();
        assert_eq!(alone.read_common().unwrap(), None);
        let common = Common { cluster: "c".into(), origin: "o".into(), version: 7, records: records() };
        alone.write_common(&common).unwrap();
        assert_eq!(alone.read_common().unwrap(), Some(common));
        let mode = fs::metadata(store.common_path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(alone.load().unwrap(), Records::default(), "the file that counts is another one");
    }

    #[test]
    fn what_cannot_be_read_is_nothing_in_common() {
        let log = sightwire_base::captured::capture_log();
        let home = tempfile::tempdir().unwrap();
        let store = Store::in_folder(home.path());
        let alone = store.lock_alone().unwrap();
        let newer = r#"{"cluster":"c","origin":"o","version":7,"records":{"version":99}}"#;
        let twice = r#"{"cluster":"c","origin":"o","version":7,"records":{"version":1,"users":[
            {"name":"a","role":"admin","created":"2026-01-01T00:00:00Z","password":"none"}]}}"#;
        for (number, text) in ["{", "", newer, twice].into_iter().enumerate() {
            fs::write(store.common_path(), text).unwrap();
            assert_eq!(alone.read_common().unwrap(), None, "{text}");
            assert_eq!(log.lines_with("access.common.json is passed over").len(), number + 1);
        }
    }

    fn common(records: &Records) -> Common {
        Common { cluster: "c".into(), origin: "o".into(), version: 7, records: records.clone() }
    }

    /// A folder where [`Alone::take_over`] was cut off after this many of its steps: `ours` was to become `common`.
    fn cut_off(ours: &Records, common: &Common, steps: u32) -> (tempfile::TempDir, Store) {
        let home = tempfile::tempdir().unwrap();
        let store = Store::in_folder(home.path());
        let alone = store.lock_alone().unwrap();
        alone.write_records(ours).unwrap();
        alone.write_common(&Common { version: 6, records: ours.clone(), ..common.clone() }).unwrap();
        match steps {
            0 => {}
            1 => alone.put_common(common, Some(alone.records_digest(ours).unwrap())).unwrap(),
            2 => {
                alone.put_common(common, Some(alone.records_digest(ours).unwrap())).unwrap();
                alone.write_records(&common.records).unwrap();
            }
            _ => alone.take_over(ours, common).unwrap(),
        }
        drop(alone);
        (home, store)
    }

    #[test]
    fn what_was_cut_off_anywhere_is_as_before_or_finished() {
        // The key is revoked.
        let (ours, theirs) = (records(), common(&Records::default()));
        for steps in 0..=3 {
            let (_home, store) = cut_off(&ours, &theirs, steps);
            let alone = store.lock_alone().unwrap();
            let kept = alone.read_kept().unwrap().unwrap().unwrap();
            let is_done = steps > 0;
            let expected = if is_done { &theirs.records } else { &ours };
            assert_eq!(alone.load().unwrap(), *expected, "{steps}");
            assert_eq!(kept.common.version, if is_done { 7 } else { 6 }, "{steps}");
            assert_eq!((&kept.common.records, kept.replaces), (expected, None), "{steps}");
        }
    }

    #[test]
    fn what_was_changed_after_it_was_cut_off_is_a_change_of_what_is_in_common() {
        let (ours, theirs) = (Records::default(), common(&records()));
        for steps in 1..=3 {
            // The key that others had added is revoked here: all is as it was before it came.
            let (_home, store) = cut_off(&ours, &theirs, steps);
            let id = theirs.records.keys[0].id.clone();
            store
                .update(|records| Ok::<_, StoreError>(records.revoke_key(&id)))
                .unwrap()
                .expect("it is there");
            let alone = store.lock_alone().unwrap();
            assert_eq!(alone.load().unwrap(), ours, "{steps}");
            assert_eq!(alone.read_common().unwrap(), Some(theirs.clone()));
        }
        // Somebody has restored a file: what was begun is not done to that.
        let (_home, store) = cut_off(&ours, &theirs, 1);
        let restored = records();
        fs::write(store.path(), serde_json::to_string(&restored).unwrap()).unwrap();
        let alone = store.lock_alone().unwrap();
        assert_eq!((alone.load().unwrap(), alone.read_common().unwrap()), (restored, Some(theirs.clone())));
        // And what is finished is not done twice.
        let (_home, store) = cut_off(&ours, &theirs, 3);
        fs::write(store.path(), serde_json::to_string(&ours).unwrap()).unwrap();
        assert_eq!(store.lock_alone().unwrap().load().unwrap(), ours);
    }

    #[test]
    fn what_cannot_be_put_into_its_place_is_put_there_later() {
        let (ours, theirs) = (records(), common(&Records::default()));
        let (_home, store) = cut_off(&ours, &theirs, 0);
        let alone = store.lock_alone().unwrap();
        // What counts here can be read, and nothing can be put in its place.
        let there = fs::read(store.path()).unwrap();
        fs::remove_file(store.path()).unwrap();
        fs::create_dir_all(store.path().join("in the way")).unwrap();
        alone.take_over(&ours, &theirs).unwrap_err();
        fs::remove_dir_all(store.path()).unwrap();
        fs::write(store.path(), there).unwrap();
        drop(alone);
        assert_eq!(store.lock_alone().unwrap().load().unwrap(), theirs.records);
    }

    #[test]
    fn when_it_was_confirmed_is_kept_for_its_owner_only_and_for_that_cluster() {
        let log = sightwire_base::captured::capture_log();
        let home = tempfile::tempdir().unwrap();
        let store = Store::in_folder(home.path());
        let alone = store.lock_alone().unwrap();
        assert_eq!(alone.confirmed_at("c").unwrap(), None);
        let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_800_000_000);
        store.write_confirmed("c", at).unwrap();
        assert_eq!((alone.confirmed_at("c").unwrap(), alone.confirmed_at("d").unwrap()), (Some(at), None));
        let mode = fs::metadata(store.confirmed_path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for text in ["{", r#"{"cluster":"c","at":"yesterday"}"#] {
            fs::write(store.confirmed_path(), text).unwrap();
            assert_eq!(alone.confirmed_at("c").unwrap(), None);
        }
        assert_eq!(log.lines_with("access.confirmed.json is passed over").len(), 2);
    }

    #[test]
    fn what_is_set_aside_replaces_nothing() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::in_folder(home.path());
        let alone = store.lock_alone().unwrap();
        let first = alone.set_aside(&records()).unwrap();
        let second = alone.set_aside(&Records::default()).unwrap();
        assert!(first.ends_with("access.before-cluster.json"), "{first:?}");
        assert!(second.ends_with("access.before-cluster.2.json"), "{second:?}");
        let kept: Records = serde_json::from_slice(&fs::read(first).unwrap()).unwrap();
        assert_eq!(kept.keys.len(), 1);
    }
}
