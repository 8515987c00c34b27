//! Where model files lie, and whether they are the right ones.
//!
//! ```text
//! $SIGHTWIRE_HOME/models/<model>.toml           manifests of the user's own models
//! $SIGHTWIRE_HOME/models/<model>/<file>         their files, and fetched ones
//! $SIGHTWIRE_HOME/runtime/<package>/<library>   ONNX Runtime
//! ```
//!
//! What came with the program lies in `lib/sightwire` beside its `bin`, in folders of the same names, and is only read.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::manifest::{Digest, File, Manifest, ManifestError, Source, is_plain_name};
use crate::{builtin, digest};

/// The folders that models are looked for in.
#[derive(Clone, Debug)]
pub struct Store {
    home: PathBuf,
    installed: Option<PathBuf>,
    mirror: Option<PathBuf>,
}

/// What has to be done before a model can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Need {
    /// Its files are not here.
    Pull,
    /// Its file is here, in another format.
    Import,
}

/// What to do about a file that is another one than was meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// A pull replaces it.
    Pull,
    /// It was made by an import.
    Import,
    /// The program has its own.
    Delete,
}

impl Remedy {
    fn in_words(self, model: &str) -> String {
        match self {
            Self::Pull => format!("`sightwire models pull {model}` replaces it"),
            Self::Import => "import the model again".to_owned(),
            Self::Delete => "delete it: the program has its own".to_owned(),
        }
    }
}

/// Why a model's file cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No manifest of that name.
    #[error("no model is called {name:?}{hint}; `sightwire models list` shows all")]
    UnknownModel {
        /// The name that was asked for.
        name: String,
        /// The nearest name, if one is near.
        hint: String,
    },
    /// The manifest cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The file is not there.
    #[error(
        "{file} of the model {model} is not in the store; get it with `sightwire models pull {model}`, or put it at {path}"
    )]
    Missing {
        /// Model.
        model: String,
        /// File name.
        file: String,
        /// Path at which it is looked for.
        path: PathBuf,
    },
    /// The file is there but is another one.
    #[error(
        "{path} is not the file that the model {model} was made with (its hash begins with {found}, not {expected}); {}",
        remedy.in_words(model)
    )]
    Altered {
        /// Model.
        model: String,
        /// Path of the file.
        path: PathBuf,
        /// The beginning of the hash in the manifest.
        expected: String,
        /// The beginning of the file's hash.
        found: String,
        /// What to do.
        remedy: Remedy,
    },
    /// The file cannot be read.
    #[error("cannot read {path}: {error}")]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
}

/// The platform's data folder, or one beside the working folder where there is none.
pub fn default_home() -> PathBuf {
    let var = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    var("XDG_DATA_HOME")
        .or_else(|| var("HOME").map(|home| home.join(".local/share")))
        .map_or_else(|| PathBuf::from(".sightwire/home"), |data| data.join("sightwire"))
}

/// The folder of what came with `program`, if there is one: `lib/sightwire` beside the `bin` that it lies in.
pub fn installed_with(program: &Path) -> Option<PathBuf> {
    let folder = program.parent()?.parent()?.join("lib/sightwire");
    folder.is_dir().then_some(folder)
}

impl Store {
    /// A store at `home`; `mirror` is a folder with ready copies of files that are usually fetched.
    pub fn new(home: PathBuf, mirror: Option<PathBuf>) -> Self {
        Self { home, installed: None, mirror }
    }

    /// With the folder of what came with the program: what `home` lacks is taken from there.
    #[must_use]
    pub fn with_installed(self, installed: Option<PathBuf>) -> Self {
        Self { installed, ..self }
    }

    /// The folder of everything.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The mirror folder, if one is set.
    pub fn mirror(&self) -> Option<&Path> {
        self.mirror.as_deref()
    }

    /// The folder of models.
    pub fn models(&self) -> PathBuf {
        self.home.join("models")
    }

    /// Where a file of a model belongs.
    pub fn file_path(&self, model: &str, file: &str) -> PathBuf {
        self.models().join(model).join(file)
    }

    /// Where the manifest of a user's own model belongs.
    pub fn manifest_path(&self, model: &str) -> PathBuf {
        self.models().join(format!("{model}.toml"))
    }

    /// Where the model card of a user's own model belongs.
    pub fn card_path(&self, model: &str) -> PathBuf {
        self.models().join(format!("{model}.md"))
    }

    /// Where an ONNX Runtime package is unpacked.
    pub fn runtime_dir(&self, package: &str) -> PathBuf {
        self.home.join("runtime").join(package)
    }

    /// Where the library of an ONNX Runtime package lies, if it is here. `None` of other models, too.
    pub fn runtime_library(&self, package: &Manifest) -> Option<PathBuf> {
        let library = &package.runtime.as_ref()?.library;
        let installed = self.installed.iter().map(|folder| folder.join("runtime").join(&package.name));
        let mut folders = std::iter::once(self.runtime_dir(&package.name)).chain(installed);
        folders.find_map(|folder| Some(folder.join(library)).filter(|path| path.is_file()))
    }

    /// Where a file of a model would have come with the program.
    pub(crate) fn installed_path(&self, model: &str, file: &str) -> Option<PathBuf> {
        self.installed.as_ref().map(|folder| folder.join("models").join(model).join(file))
    }

    /// Built-in manifests and those in the store, by name; one in the store takes the place of a built-in one.
    /// Manifests that cannot be used are returned as errors beside the rest.
    pub fn manifests(&self) -> (Vec<Manifest>, Vec<ManifestError>) {
        let mut found = builtin::builtin_manifests();
        let mut errors = Vec::new();
        let listed = match fs::read_dir(self.models()) {
            Ok(listed) => Some(listed),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                errors.push(ManifestError::Read { path: self.models().display().to_string(), error });
                None
            }
        };
        let entries = listed.into_iter().flatten().flatten();
        for path in
            entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "toml"))
        {
            match Manifest::read(&path) {
                Ok(manifest) => {
                    found.retain(|m| m.name != manifest.name);
                    found.push(manifest);
                }
                Err(error) => errors.push(error),
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        (found, errors)
    }

    /// The manifest called `name`.
    pub fn manifest(&self, name: &str) -> Result<Manifest, StoreError> {
        let own = self.manifest_path(name);
        // A name is never a path: names come from requests, too.
        if is_plain_name(name) && own.is_file() {
            return Ok(Manifest::read(&own)?);
        }
        let (all, _) = self.manifests();
        let near = all
            .iter()
            .map(|m| (name_similarity(&m.name, name), m.name.clone()))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let hint = near
            .filter(|(s, _)| *s > 0.6)
            .map(|(_, n)| format!(" (did you mean {n:?}?)"))
            .unwrap_or_default();
        all.into_iter()
            .find(|m| m.name == name)
            .ok_or_else(|| StoreError::UnknownModel { name: name.to_owned(), hint })
    }

    /// The model card (Markdown) of a model, if it has one.
    pub fn card(&self, name: &str) -> Option<Cow<'static, str>> {
        is_plain_name(name)
            .then(|| fs::read_to_string(self.card_path(name)).ok())
            .flatten()
            .map(Cow::Owned)
            .or_else(|| builtin::model_card(name).map(Cow::Borrowed))
    }

    /// Whether every file of a model is there (not whether it is the right one).
    pub fn has_files(&self, manifest: &Manifest) -> bool {
        if manifest.runtime.is_some() {
            return self.runtime_library(manifest).is_some();
        }
        manifest.files.iter().all(|file| {
            (file.source == Source::Builtin && builtin::builtin_file(&file.name).is_some())
                || self.find_file(&manifest.name, file).is_some()
        })
    }

    /// Whether a file that is here and can be fetched has another size than its manifest says. Looks at no content.
    pub fn is_cut(&self, manifest: &Manifest) -> bool {
        let other = |file: &File| {
            let size = self.find_file(&manifest.name, file).and_then(|path| fs::metadata(path).ok());
            let size = size.map(|found| found.len()).zip(file.size_bytes);
            file.source.can_be_fetched() && size.is_some_and(|(found, said)| found != said)
        };
        manifest.runtime.is_none() && manifest.files.iter().any(other)
    }

    /// The verified content of a model's file: from the store, what came with the program, the mirror, or the binary itself.
    pub fn load_file(&self, model: &str, file: &File) -> Result<Cow<'static, [u8]>, StoreError> {
        for path in self.candidate_paths(model, file) {
            match fs::read(&path) {
                Ok(bytes) => {
                    let checked = digest::check_digest(file, bytes.len() as u64, &mut bytes.as_slice());
                    return match checked.map_err(|error| StoreError::Read { path: path.clone(), error })? {
                        Ok(()) => Ok(Cow::Owned(bytes)),
                        Err(found) => Err(altered_error(model, file, path, &found)),
                    };
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(StoreError::Read { path, error }),
            }
        }
        if file.source == Source::Builtin
            && let Some(bytes) = builtin::builtin_file(&file.name)
        {
            return Ok(Cow::Borrowed(bytes));
        }
        Err(self.missing_error(model, file))
    }

    /// Where a model's file lies, as [`Store::find_file`] says, after a look at whether it is the right one.
    pub fn verified_path(&self, model: &str, file: &File) -> Result<PathBuf, StoreError> {
        let path = self.find_file(model, file).ok_or_else(|| self.missing_error(model, file))?;
        match digest::check_path(file, &path) {
            Ok(Ok(())) => Ok(path),
            Ok(Err(found)) => Err(altered_error(model, file, path, &found)),
            Err(error) => Err(StoreError::Read { path, error }),
        }
    }

    fn missing_error(&self, model: &str, file: &File) -> StoreError {
        let path = self.file_path(model, &file.name);
        StoreError::Missing { model: model.to_owned(), file: file.name.clone(), path }
    }

    /// What has to be done before a model can be run.
    pub fn needs(&self, manifest: &Manifest) -> Option<Need> {
        if !self.has_files(manifest) {
            return Some(Need::Pull);
        }
        manifest.to_import().map(|_| Need::Import)
    }

    /// Where a file of a model is found, if it is: in the store, with the program, else in the mirror folder.
    pub fn find_file(&self, model: &str, file: &File) -> Option<PathBuf> {
        self.candidate_paths(model, file).into_iter().find(|path| path.is_file())
    }

    fn candidate_paths(&self, model: &str, file: &File) -> Vec<PathBuf> {
        let mut paths = vec![self.file_path(model, &file.name)];
        paths.extend(self.installed_path(model, &file.name));
        paths.extend(self.mirror.iter().map(|mirror| mirror.join(&file.name)));
        paths
    }
}

fn altered_error(model: &str, file: &File, path: PathBuf, found: &str) -> StoreError {
    let (Digest::Sha256(expected) | Digest::GitBlob(expected)) = file.digest();
    let remedy = match &file.source {
        source if source.can_be_fetched() => Remedy::Pull,
        Source::Builtin => Remedy::Delete,
        _ => Remedy::Import,
    };
    // Enough to tell them apart.
    let short = |hash: &str| hash.chars().take(12).collect::<String>();
    let (expected, found) = (short(expected), short(found));
    StoreError::Altered { model: model.to_owned(), path, expected, found, remedy }
}

fn name_similarity(a: &str, b: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path().join("home"), Some(dir.path().join("mirror")));
        fs::create_dir_all(dir.path().join("mirror")).unwrap();
        (dir, store)
    }

    #[test]
    fn the_builtin_model_loads_and_its_hashes_hold() {
        let (_dir, store) = store();
        let manifest = store.manifest("gestures").unwrap();
        for file in &manifest.files {
            let bytes = store.load_file("gestures", file).unwrap();
            assert_eq!(Some(digest::sha256_hex(&bytes)), file.sha256);
            assert_eq!(Some(bytes.len() as u64), file.size_bytes);
        }
    }

    #[test]
    fn an_altered_file_is_refused_by_name() {
        let (_dir, store) = store();
        let manifest = store.manifest("gestures").unwrap();
        let path = store.file_path("gestures", "gestures_head.onnx");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, b"not a model").unwrap();
        let error = store.load_file("gestures", manifest.file("head").unwrap()).unwrap_err();
        assert!(matches!(error, StoreError::Altered { .. }));
        assert!(error.to_string().contains("gestures_head.onnx"));
    }

    #[test]
    fn the_mirror_serves_what_the_store_lacks() {
        let (dir, store) = store();
        let mut file = store.manifest("gestures").unwrap().file("head").unwrap().clone();
        file.name = "other.onnx".into();
        file.source = Source::Https { url: String::new() };
        assert!(matches!(store.load_file("m", &file), Err(StoreError::Missing { .. })));
        fs::write(dir.path().join("mirror/other.onnx"), builtin::builtin_file("gestures_head.onnx").unwrap())
            .unwrap();
        assert_eq!(store.load_file("m", &file).unwrap().len() as u64, file.size_bytes.unwrap());
    }

    #[test]
    fn what_came_with_the_program_is_used_until_the_store_has_its_own() {
        let (dir, store) = store();
        assert_eq!(installed_with(&dir.path().join("bin/sightwire")), None);
        let folder = dir.path().join("lib/sightwire");
        for part in ["models/m", "runtime/runtime-cpu-x86_64"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        let store = store.with_installed(installed_with(&dir.path().join("bin/sightwire")));
        let mut file = store.manifest("gestures").unwrap().file("head").unwrap().clone();
        file.name = "other.onnx".into();
        file.source = Source::Https { url: String::new() };
        assert_eq!(store.find_file("m", &file), None);
        fs::write(folder.join("models/m/other.onnx"), builtin::builtin_file("gestures_head.onnx").unwrap())
            .unwrap();
        assert_eq!(store.verified_path("m", &file).unwrap(), folder.join("models/m/other.onnx"));
        fs::create_dir_all(store.models().join("m")).unwrap();
        fs::copy(folder.join("models/m/other.onnx"), store.file_path("m", "other.onnx")).unwrap();
        assert_eq!(store.verified_path("m", &file).unwrap(), store.file_path("m", "other.onnx"));

        let package = store.manifest("runtime-cpu-x86_64").unwrap();
        assert_eq!(store.runtime_library(&package), None);
        let library =
            folder.join("runtime/runtime-cpu-x86_64").join(&package.runtime.as_ref().unwrap().library);
        fs::write(&library, "").unwrap();
        assert!(store.has_files(&package));
        assert_eq!(store.runtime_library(&package), Some(library));
    }

    #[test]
    fn a_name_never_leads_out_of_the_store() {
        let (dir, store) = store();
        let text = builtin::manifest_text("gestures").unwrap();
        fs::create_dir_all(dir.path().join("home/models")).unwrap();
        fs::write(dir.path().join("home/outside.toml"), text).unwrap();
        fs::write(dir.path().join("home/outside.md"), text).unwrap();
        assert!(matches!(store.manifest("../outside"), Err(StoreError::UnknownModel { .. })));
        assert_eq!(store.card("../outside"), None);
    }

    #[test]
    fn a_misspelt_model_gets_the_nearest_name() {
        let (_dir, store) = store();
        let error = store.manifest("gesture").unwrap_err().to_string();
        assert!(error.contains("did you mean \"gestures\""), "{error}");
    }

    #[test]
    fn a_folder_of_models_that_cannot_be_read_is_said_and_one_that_is_not_there_is_none() {
        let (dir, store) = store();
        assert!(store.manifests().1.is_empty());
        fs::create_dir_all(dir.path().join("home")).unwrap();
        fs::write(dir.path().join("home/models"), "a file where the folder should be").unwrap();
        let (found, errors) = store.manifests();
        assert!(!found.is_empty(), "what the binary has is there all the same");
        assert!(errors[0].to_string().contains("home/models: Not a directory"), "{errors:?}");
    }
}
