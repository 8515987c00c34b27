//! The cameras that are known: those of the configuration file, and those that clients have added, which are kept in a
//! file of their own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use sightwire_api::camera::CameraChange;
use sightwire_base::lines::{self, LogThrottle};
use sightwire_base::{clock, disk};
use sightwire_hub::source::address::CameraUrl;

use crate::source::{CameraError, CameraSource, CameraTable, LeadsTo, check_id};

/// Most cameras that clients may add.
const MAX_SAVED: usize = 1000;
/// Longest name, in characters.
const MAX_NAME: usize = 100;

/// A camera, and who may change it.
#[derive(Clone, Debug, PartialEq)]
pub struct Camera {
    /// Its id, its name, and where its pictures come from.
    pub table: CameraTable,
    /// It stands in the configuration file and can only be changed there.
    pub configured: bool,
    /// Where its address may lead to.
    pub leads_to: LeadsTo,
    /// When a client added it, and changed it last, where that is known.
    pub times: Option<Times>,
}

/// When a camera was added, and changed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Times {
    /// Seconds since 1970 (UTC).
    pub added: u64,
    /// Seconds since 1970 (UTC); the same as `added` until the first change.
    pub changed: u64,
}

/// The cameras that are known: those of the configuration, and those that clients added.
#[derive(Debug)]
pub struct Registry {
    /// Held for a look, or to replace all; no other lock is taken under it.
    cameras: RwLock<Vec<Camera>>,
    file: PathBuf,
    /// Held from the look at what there is until the file is written and `cameras` replaced, so that both hold what was changed
    /// last. It comes before the locks of [`Streams`](crate::Streams), which is asked meanwhile whether an address is allowed and
    /// whether a stream of that name is sent: whoever changes a camera must hold none of those.
    writing: parking_lot::Mutex<()>,
    /// Ids of cameras that are about to be there, from before the look whether streams of those names are sent until they are
    /// among `cameras`. No other lock is taken under it.
    reserved: Arc<parking_lot::Mutex<Vec<String>>>,
    not_kept: LogThrottle,
}

/// Ids of cameras that are about to be there: no stream begins by one of these names until it is dropped.
#[derive(Debug)]
struct Reserved {
    all: Arc<parking_lot::Mutex<Vec<String>>>,
    ids: Vec<String>,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        for id in &self.ids {
            // Another may have reserved the same one.
            if let Some(index) = all.iter().position(|one| one == id) {
                all.swap_remove(index);
            }
        }
    }
}

/// Cameras that are to be the configured ones. Until it is dropped no stream begins by the name of a new one.
#[derive(Debug)]
pub struct ConfiguredAnew {
    tables: Vec<CameraTable>,
    new: Reserved,
}

impl ConfiguredAnew {
    /// Those that no camera had before.
    pub fn new_ids(&self) -> impl Iterator<Item = &str> {
        self.new.ids.iter().map(String::as_str)
    }
}

/// Why a camera cannot be added or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// No such camera.
    #[error("There is no camera {0:?}.")]
    Unknown(String),
    /// It stands in the configuration file.
    #[error(
        "The camera {0:?} stands in the configuration file; change it there and reload the configuration."
    )]
    Configured(String),
    /// The id, or the user, has another one.
    #[error(transparent)]
    Taken(#[from] CameraConflict),
    /// What was said of it cannot be.
    #[error(transparent)]
    Invalid(#[from] CameraError),
    /// The file cannot be written.
    #[error("The cameras cannot be kept in {path}: {reason}. Nothing was changed.")]
    Write {
        /// File.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
}

/// Why the file with the cameras cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file {} with the cameras that were added cannot be used: {reason}; mend it, or move it away to begin anew", .path.display())]
pub struct LoadError {
    path: PathBuf,
    reason: String,
}

/// As in the file.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    id: String,
    name: String,
    url: String,
    mode: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fps: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(default)]
    default: bool,
    /// The client that named it might not have named an address in a private network.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    listed_only: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<Times>,
}

impl Camera {
    /// One of the configuration.
    pub fn from_table(table: CameraTable) -> Self {
        Self { table, configured: true, leads_to: LeadsTo::Private, times: None }
    }
}

impl Times {
    fn now() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { added: now, changed: now }
    }
}

/// What a camera cannot have, and who has it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CameraConflict {
    /// There is no place for one more.
    #[error("There are {MAX_SAVED} cameras already.")]
    Places,
    /// Another camera has the id.
    #[error("There is a camera {0:?} already.")]
    Id(String),
    /// A stream that is sent is called so.
    #[error("Somebody sends a stream {0:?} now.")]
    Name(String),
    /// The user has the camera of this id.
    #[error("This user has the camera {0:?} already.")]
    User(String),
    /// The camera of this id is the default one, which only the configuration file can change.
    #[error("The camera {0:?} of the configuration file is the default one.")]
    Default(String),
}

impl Registry {
    /// The configured cameras and those of the file. A file that cannot be used is left alone.
    pub fn load(configured: &[CameraTable], file: &Path) -> Result<Self, LoadError> {
        let fail = |reason: String| LoadError { path: file.to_owned(), reason };
        let saved: Vec<Saved> = match std::fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|e| fail(format!("line {}, column {} is not as expected", e.line(), e.column())))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(fail(error.to_string())),
        };
        let mut cameras: Vec<Camera> = configured.iter().cloned().map(Camera::from_table).collect();
        for saved in saved {
            let (id, times) = (saved.id.clone(), saved.times);
            let leads_to = if saved.listed_only { LeadsTo::Listed } else { LeadsTo::Private };
            let table = saved.into_table().map_err(|reason| fail(format!("camera {id:?}: {reason}")))?;
            if cameras.iter().any(|camera| camera.table.id == table.id) {
                tracing::warn!("the camera {id:?} of {} gives way to the configured one", file.display());
                continue;
            }
            cameras.push(Camera { table, configured: false, leads_to, times });
        }
        Ok(Self {
            cameras: RwLock::new(cameras),
            file: file.to_owned(),
            writing: parking_lot::Mutex::default(),
            reserved: Arc::default(),
            not_kept: LogThrottle::new(),
        })
    }

    /// Prepares that these cameras become the configured ones, which [`set_configured`](Self::set_configured) does. Nothing
    /// changes yet.
    pub fn configured_anew(&self, configured: &[CameraTable]) -> ConfiguredAnew {
        let before = self.all();
        let is_new = |id: &&String| !before.iter().any(|camera| camera.table.id == **id);
        let ids = configured.iter().map(|table| &table.id).filter(is_new).cloned().collect();
        ConfiguredAnew { tables: configured.to_vec(), new: self.reserve_ids(ids) }
    }

    fn reserve_ids(&self, ids: Vec<String>) -> Reserved {
        self.reserved.lock().extend(ids.iter().cloned());
        Reserved { all: self.reserved.clone(), ids }
    }

    /// From now on those are configured. Gives those that are gone, or have another id or source than before. One that a client
    /// added gives way to a configured one of its id.
    pub fn set_configured(&self, anew: ConfiguredAnew) -> Vec<Camera> {
        let _writing = self.writing.lock();
        let mut cameras = self.cameras.write();
        let stands = |camera: &Camera| anew.tables.iter().any(|table| table.id == camera.table.id);
        let added = cameras.iter().filter(|camera| !camera.configured && !stands(camera));
        let kept: Vec<Camera> = added.cloned().collect();
        let configured = anew.tables.into_iter().map(Camera::from_table);
        let before = std::mem::replace(&mut *cameras, configured.chain(kept).collect());
        let is_there = |was: &Camera| {
            cameras.iter().any(|now| now.table.id == was.table.id && now.table.source == was.table.source)
        };
        before.into_iter().filter(|camera| !is_there(camera)).collect()
    }

    /// All cameras, the configured ones first.
    pub fn all(&self) -> Vec<Camera> {
        self.cameras.read().clone()
    }

    /// The camera of that id.
    pub fn get(&self, id: &str) -> Option<Camera> {
        self.cameras.read().iter().find(|camera| camera.table.id == id).cloned()
    }

    /// Whether a camera has that id, or is about to.
    pub(crate) fn has_id(&self, id: &str) -> bool {
        // In this order: one that has come in between is found among the cameras.
        let is_reserved = self.reserved.lock().iter().any(|one| one == id);
        is_reserved || self.get(id).is_some()
    }

    /// The first camera with that source.
    pub fn with_source(&self, source: &CameraSource) -> Option<Camera> {
        self.cameras.read().iter().find(|camera| camera.table.source == *source).cloned()
    }

    /// The camera that a user has.
    pub fn of_user(&self, user: &str) -> Option<Camera> {
        self.cameras.read().iter().find(|camera| camera.table.user.as_deref() == Some(user)).cloned()
    }

    /// The camera of a user; without one, the default; without that, the only one there is.
    pub fn for_user(&self, user: Option<&str>) -> Option<Camera> {
        let cameras = self.cameras.read();
        let theirs =
            user.and_then(|user| cameras.iter().find(|camera| camera.table.user.as_deref() == Some(user)));
        let default = || cameras.iter().find(|camera| camera.table.default);
        let only = || match &cameras[..] {
            [only] if only.table.user.is_none() => Some(only),
            _ => None,
        };
        theirs.or_else(default).or_else(only).cloned()
    }

    /// Adds a camera. `allowed` says whether a client may name that address, `is_sent` whether a stream of that name is sent.
    pub fn add_camera(
        &self,
        change: CameraChange,
        allowed: impl FnOnce(&CameraSource) -> Result<LeadsTo, CameraError>,
        is_sent: impl Fn(&str) -> bool,
    ) -> Result<Camera, RegistryError> {
        let CameraChange { id, name, url, mode, fps, user, default } = change;
        let url = url.ok_or(CameraError::NoUrl)?;
        let source = CameraSource::from_address(&url, mode.as_deref(), fps)?;
        let leads_to = allowed(&source)?;
        let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        let _writing = self.writing.lock();
        let mut cameras = self.cameras.read().clone();
        if cameras.iter().filter(|camera| !camera.configured).count() >= MAX_SAVED {
            return Err(CameraConflict::Places.into());
        }
        let id = match id {
            Some(id) => id,
            None => free_id(&cameras, name.as_deref().unwrap_or("camera")),
        };
        check_id(&id)?;
        if cameras.iter().any(|camera| camera.table.id == id) {
            return Err(CameraConflict::Id(id).into());
        }
        let _reserved = self.reserve_ids(vec![id.clone()]);
        if is_sent(&id) {
            return Err(CameraConflict::Name(id).into());
        }
        let name = name.unwrap_or_else(|| id.clone());
        let table = CameraTable { id, name, source, user: None, default: false };
        cameras.push(Camera { table, configured: false, leads_to, times: Some(Times::now()) });
        let index = cameras.len() - 1;
        assign_camera(&mut cameras, index, user, default)?;
        self.replace_cameras(cameras, index)
    }

    /// Changes what `change` names of a camera; `allowed` is asked where that gives it another source.
    pub fn change_camera(
        &self,
        id: &str,
        change: CameraChange,
        allowed: impl FnOnce(&CameraSource) -> Result<LeadsTo, CameraError>,
    ) -> Result<Camera, RegistryError> {
        let _writing = self.writing.lock();
        let mut cameras = self.cameras.read().clone();
        let index = find_position(&cameras, id)?;
        let Camera { table, leads_to, .. } = &mut cameras[index];
        if change.id.as_deref().is_some_and(|new| new != id) {
            return Err(CameraError::FixedId.into());
        }
        if change.url.is_some() || change.mode.is_some() || change.fps.is_some() {
            let source = table.source.with_change(&change)?;
            if source != table.source {
                *leads_to = allowed(&source)?;
                table.source = source;
            }
        }
        if let Some(name) = change.name {
            name.trim().clone_into(&mut table.name);
        }
        assign_camera(&mut cameras, index, change.user, change.default)?;
        let now = Times::now();
        let added = cameras[index].times.map_or(now.added, |times| times.added);
        cameras[index].times = Some(Times { added, ..now });
        self.replace_cameras(cameras, index)
    }

    /// Takes a camera away, and says what it was.
    pub fn remove_camera(&self, id: &str) -> Result<Camera, RegistryError> {
        let _writing = self.writing.lock();
        let mut cameras = self.cameras.read().clone();
        let index = find_position(&cameras, id)?;
        let removed = cameras.remove(index);
        self.write_file(&cameras)?;
        *self.cameras.write() = cameras;
        Ok(removed)
    }

    fn replace_cameras(&self, cameras: Vec<Camera>, index: usize) -> Result<Camera, RegistryError> {
        self.write_file(&cameras)?;
        let kept = cameras[index].clone();
        *self.cameras.write() = cameras;
        Ok(kept)
    }

    /// Written beside the old file and then put in its place, so that there is always a whole one.
    fn write_file(&self, cameras: &[Camera]) -> Result<(), RegistryError> {
        let saved: Vec<Saved> =
            cameras.iter().filter(|camera| !camera.configured).map(Saved::from_camera).collect();
        let write = || -> std::io::Result<()> {
            let folder = self.file.parent().unwrap_or(Path::new("."));
            std::fs::create_dir_all(folder)?;
            // Addresses hold passwords: temporary files are readable by their owner alone.
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer_pretty(&mut file, &saved)?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(&self.file)?;
            Ok(())
        };
        write().map_err(|error| {
            disk::count_failure();
            if let Some(unsaid) = self.not_kept.admit_line(clock::now()) {
                let file = self.file.display();
                tracing::warn!(
                    %file,
                    unsaid,
                    "cameras that were added cannot be kept: {error}; see that this folder may be written to and has room (cameras.file)"
                );
            }
            RegistryError::Write { path: self.file.clone(), reason: error.to_string() }
        })
    }
}

fn find_position(cameras: &[Camera], id: &str) -> Result<usize, RegistryError> {
    let index = cameras.iter().position(|camera| camera.table.id == id);
    match index {
        Some(index) if cameras[index].configured => Err(RegistryError::Configured(id.to_owned())),
        Some(index) => Ok(index),
        None => Err(RegistryError::Unknown(id.to_owned())),
    }
}

/// Sets whose it is; a user has one camera, and there is one default.
fn assign_camera(
    cameras: &mut [Camera],
    index: usize,
    user: Option<String>,
    default: Option<bool>,
) -> Result<(), RegistryError> {
    if let Some(user) = user.map(|user| user.trim().to_owned()) {
        let user = Some(user).filter(|user| !user.is_empty());
        let taken = |camera: &&Camera| user.is_some() && camera.table.user == user;
        if let Some((_, other)) = cameras.iter().enumerate().find(|(i, c)| *i != index && taken(c)) {
            return Err(CameraConflict::User(other.table.id.clone()).into());
        }
        cameras[index].table.user = user;
    }
    if let Some(default) = default {
        if default
            && let Some(other) = cameras.iter().find(|camera| camera.table.default && camera.configured)
        {
            return Err(CameraConflict::Default(other.table.id.clone()).into());
        }
        if default {
            for camera in cameras.iter_mut() {
                camera.table.default = false;
            }
        }
        cameras[index].table.default = default;
    }
    let name = &cameras[index].table.name;
    if name.is_empty() || name.chars().count() > MAX_NAME || name.contains(lines::is_deceptive) {
        return Err(CameraError::Name(MAX_NAME).into());
    }
    Ok(())
}

/// An id made of a name: `Front door` becomes `front-door`, the second one `front-door-2`.
fn free_id(cameras: &[Camera], name: &str) -> String {
    let words: Vec<String> = name
        .to_lowercase()
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    let mut stem: String = words.join("-").chars().take(40).collect();
    if check_id(&stem).is_err() || stem == "url" {
        stem = "camera".into();
    }
    let is_free = |id: &str| cameras.iter().all(|camera| camera.table.id != id);
    let numbered = (2..).map(|number| format!("{stem}-{number}"));
    std::iter::once(stem.clone()).chain(numbered).find(|id| is_free(id)).unwrap_or(stem)
}

impl Saved {
    fn from_camera(camera: &Camera) -> Self {
        let table = &camera.table;
        Self {
            id: table.id.clone(),
            name: table.name.clone(),
            url: table.source.url().map_or_else(|| table.source.shown_address(), CameraUrl::secret_url),
            mode: table.source.mode().name().to_owned(),
            fps: table.source.fps(),
            user: table.user.clone(),
            default: table.default,
            listed_only: camera.leads_to == LeadsTo::Listed,
            times: camera.times,
        }
    }

    fn into_table(self) -> Result<CameraTable, CameraError> {
        check_id(&self.id)?;
        let source = CameraSource::from_address(&self.url, Some(&self.mode), self.fps)?;
        Ok(CameraTable { id: self.id, name: self.name, source, user: self.user, default: self.default })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sightwire_base::captured;

    fn change(text: &str) -> CameraChange {
        serde_json::from_str(text).unwrap()
    }

    fn open(folder: &tempfile::TempDir, configured: &[CameraTable]) -> Registry {
        Registry::load(configured, &folder.path().join("deep/cameras.json")).unwrap()
    }

    fn configured() -> Vec<CameraTable> {
        vec![CameraTable::default_camera("http://10.0.0.9").unwrap()]
    }

    #[test]
    fn what_was_added_is_there_after_a_restart_with_its_password() {
        let folder = tempfile::tempdir().unwrap();
        let registry = open(&folder, &configured());
        let add = r#"{"name":"Front door","url":"http://me:se%20cret@10.0.0.5","user":"eve"}"#;
        let added = registry.add_camera(change(add), |_| Ok(LeadsTo::Private), |_| false).unwrap();
        assert_eq!(added.table.id, "front-door");
        let second = registry.add_camera(
            change(r#"{"name":"Front door","url":"http://10.0.0.6","mode":"capture","fps":3}"#),
            |_| Ok(LeadsTo::Private),
            |_| false,
        );
        assert_eq!(second.unwrap().table.id, "front-door-2");
        let again = open(&folder, &configured());
        assert_eq!(again.all().len(), 3);
        let kept = again.get("front-door").unwrap();
        assert_eq!(kept, added);
        assert_eq!(kept.table.source.url().unwrap().credentials().unwrap().password, "se cret");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cameras.json");
        std::fs::write(&file, "[{\"id\": \"a\", \"url\": \"http://me:secret@b\"}]").unwrap();
        let error = Registry::load(&[], &file).unwrap_err().to_string();
        assert!(
            error.contains("cameras.json") && error.contains("line 1") && !error.contains("secret"),
            "{error}"
        );
        assert!(std::fs::read_to_string(&file).unwrap().contains("secret"));
    }

    #[test]
    fn a_masked_password_stays_as_it_was_but_never_goes_to_another_host() {
        let folder = tempfile::tempdir().unwrap();
        let registry = open(&folder, &[]);
        registry
            .add_camera(
                change(r#"{"id":"a","url":"http://me:secret@10.0.0.5"}"#),
                |_| Ok(LeadsTo::Private),
                |_| false,
            )
            .unwrap();
        let moved = registry
            .change_camera("a", change(r#"{"url":"http://***:***@10.0.0.5/other.mjpg"}"#), |_| {
                Ok(LeadsTo::Private)
            })
            .unwrap();
        assert_eq!(moved.table.source.url().unwrap().secret_url(), "http://me:secret@10.0.0.5/other.mjpg");
        let error = registry
            .change_camera("a", change(r#"{"url":"http://***:***@evil.example"}"#), |_| Ok(LeadsTo::Private))
            .unwrap_err();
        assert!(matches!(error, RegistryError::Invalid(CameraError::Hidden)));
        assert_eq!(registry.get("a").unwrap(), moved, "nothing was changed");
    }

    #[test]
    fn a_hidden_query_stays_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let registry = open(&folder, &[]);
        let added = registry
            .add_camera(
                change(r#"{"name":"Test","url":"http://10.0.0.5/v.mjpg?pw=secret"}"#),
                |_| Ok(LeadsTo::Private),
                |_| false,
            )
            .unwrap();
        assert_eq!(added.table.id, "camera", "the API has a path /cameras/test of its own");
        let shown = added.table.source.shown_address();
        assert_eq!(shown, "http://10.0.0.5/v.mjpg?…");
        let sent_back =
            CameraChange { url: Some(shown), name: Some("Yard".into()), ..CameraChange::default() };
        let changed = registry.change_camera("camera", sent_back, |_| Ok(LeadsTo::Private)).unwrap();
        assert_eq!(changed.table.source, added.table.source);
        let elsewhere = change(r#"{"url":"http://10.0.0.5/other?…"}"#);
        assert!(registry.change_camera("camera", elsewhere, |_| Ok(LeadsTo::Private)).is_err());
    }

    #[test]
    fn users_and_the_default_get_their_camera() {
        let folder = tempfile::tempdir().unwrap();
        let registry = open(&folder, &[]);
        assert!(registry.for_user(Some("eve")).is_none());
        registry
            .add_camera(change(r#"{"id":"a","url":"http://10.0.0.5"}"#), |_| Ok(LeadsTo::Private), |_| false)
            .unwrap();
        assert_eq!(registry.for_user(None).unwrap().table.id, "a", "the only one");
        registry
            .add_camera(
                change(r#"{"id":"b","url":"http://10.0.0.6","user":"eve"}"#),
                |_| Ok(LeadsTo::Private),
                |_| false,
            )
            .unwrap();
        assert!(registry.for_user(None).is_none(), "neither is the default");
        registry.change_camera("a", change(r#"{"default":true}"#), |_| Ok(LeadsTo::Private)).unwrap();
        let id = |user: Option<&str>| registry.for_user(user).unwrap().table.id;
        assert_eq!((id(None), id(Some("eve")), id(Some("bob"))), ("a".into(), "b".into(), "a".into()));
        let taken =
            registry.change_camera("a", change(r#"{"user":"eve"}"#), |_| Ok(LeadsTo::Private)).unwrap_err();
        assert!(matches!(taken, RegistryError::Taken(CameraConflict::User(_))));
        registry.change_camera("b", change(r#"{"default":true}"#), |_| Ok(LeadsTo::Private)).unwrap();
        assert_eq!(registry.all().iter().filter(|camera| camera.table.default).count(), 1);
    }

    #[test]
    fn configured_cameras_stay_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let registry = open(&folder, &configured());
        let error = registry
            .change_camera("default", change(r#"{"name":"x"}"#), |_| Ok(LeadsTo::Private))
            .unwrap_err();
        assert_eq!(error, RegistryError::Configured("default".into()));
        assert_eq!(registry.remove_camera("default").unwrap_err(), error);
        assert!(matches!(registry.remove_camera("other").unwrap_err(), RegistryError::Unknown(_)));
    }

    #[test]
    fn an_address_that_is_not_allowed_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let registry = open(&folder, &[]);
        let refuse = |_: &CameraSource| Err(CameraError::NotListed);
        assert!(registry.add_camera(change(r#"{"url":"http://127.0.0.1"}"#), refuse, |_| false).is_err());
        assert!(registry.all().is_empty());
    }

    #[test]
    fn a_folder_that_cannot_be_written_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("deep"), "a file where the folder should be").unwrap();
        let registry = Registry {
            cameras: RwLock::default(),
            file: folder.path().join("deep/cameras.json"),
            writing: parking_lot::Mutex::default(),
            reserved: Arc::default(),
            not_kept: LogThrottle::new(),
        };
        let log = captured::capture_log();
        for _ in 0..100 {
            let added = registry.add_camera(
                change(r#"{"url":"http://10.0.0.5"}"#),
                |_| Ok(LeadsTo::Private),
                |_| false,
            );
            let error = added.unwrap_err();
            assert!(error.to_string().contains("Nothing was changed"), "{error}");
        }
        assert!(registry.all().is_empty());
        let lines = log.lines_with("cannot be kept");
        assert_eq!(lines.len(), 1, "one line, however often it is tried: {lines:?}");
        assert!(lines[0].contains("WARN") && lines[0].contains("deep/cameras.json"), "{lines:?}");
    }
}
