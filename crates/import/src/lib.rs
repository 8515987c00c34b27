//! Makes a model that the engine can run out of a Keras file. Done once per file: the store keeps the result.
//!
//! The conversion itself is Python (`tools/import/import_model.py`), for only TensorFlow reads its own files; this side
//! gives it an environment, judges what it made with the engine that will run it, and writes the manifest.
//!
//! - [`foreign`]: files that it does not read, told before anything is started
//! - [`environment`]: a Python with pinned packages, made on first use
//! - [`tool`]: the child process
//! - [`labels`]: names of the outputs
//! - [`missing`]: what is not there yet, and how its user gets it
//! - `options`: how models are imported, as it is configured
//! - [`verify`]: compares original and import, and chooses the precision
#![forbid(unsafe_code)]

pub mod environment;
pub mod foreign;
pub mod labels;
pub mod missing;
mod options;
pub mod tool;
pub mod verify;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sightwire_engine::runtime::RuntimeError;
use sightwire_engine::shared::EngineSettings;
use sightwire_engine::{EngineError, EngineOptions, Preferred};
use sightwire_models::digest;
use sightwire_models::manifest::{
    Clip, Colour, File, Imported, Manifest, Precision, Source, Task, is_plain_name,
};
use sightwire_models::store::Store;

use environment::Environment;
use foreign::Foreign;
use labels::Labels;
pub use options::{IMPORT, ImportOptions};
use tool::Report;

/// Goes up when imports have to be done again.
pub const VERSION: u32 = 1;

/// Largest difference of a probability between Keras and the engine at f32.
pub const MAX_DIFFERENCE: f64 = 1e-3;

/// Of imported models that do not say another.
const USUAL_THRESHOLD: f32 = 0.5;
/// How names of folders begin in which an import is under way.
const SCRATCH: &str = ".import-";

/// What to import, and what is known of it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The Keras file to import, `.h5` or `.keras`.
    pub source: PathBuf,
    /// Name of the model; `None` takes the file's.
    pub name: Option<String>,
    /// For people; `None` makes one.
    pub title: Option<String>,
    /// SPDX expression, where it is known.
    pub licence: Option<String>,
    /// Who made it, where that is known.
    pub origin: Option<String>,
    /// File with the names of the outputs.
    pub labels_file: Option<PathBuf>,
    /// Names of the outputs, where they are known.
    pub labels: Option<Vec<String>>,
    /// Below this probability the answer is `none`; `None` takes the usual one.
    pub threshold: Option<f32>,
    /// Not to be split, though it could be.
    pub whole: bool,
    /// A Python to make the environment with; `None` looks for one.
    pub python: Option<PathBuf>,
    /// Provider to verify with, and the ONNX Runtime library.
    pub engine: EngineOptions,
    /// As in the configuration.
    pub library: Option<PathBuf>,
}

impl Request {
    /// Of a file, going by the manifest that it belongs to if there is one.
    pub fn from_source(
        source: &Path,
        manifest: Option<&Manifest>,
        python: Option<PathBuf>,
        engine: &EngineSettings,
    ) -> Self {
        let import = manifest.and_then(|m| m.import.as_ref());
        Self {
            source: source.to_owned(),
            name: manifest.map(|m| m.name.clone()),
            title: manifest.map(|m| m.title.clone()),
            licence: manifest.map(|m| m.licence.clone()),
            origin: manifest.map(|m| m.origin.clone()),
            labels_file: None,
            labels: import.map(|import| import.labels.clone()),
            threshold: import.map(|import| import.threshold),
            whole: false,
            python,
            engine: engine.options.clone(),
            library: engine.library.clone(),
        }
    }
}

/// What is being done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// A line for people that says which step it is.
    pub text: String,
    /// 0–1; `None` where it cannot be told.
    #[serde(rename = "progress")]
    pub done: Option<f32>,
}

/// Is told of progress; answers whether to go on.
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress) -> bool;

/// Why a file was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("cannot read {path}: {error}")]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// A folder, such as a `SavedModel`.
    #[error(
        "{path} is a folder; a SavedModel can hold any program, and is not imported: load it where it was made and save it as one file with `model.save(\"x.h5\")`"
    )]
    Folder {
        /// Path of the folder.
        path: PathBuf,
    },
    /// A model file of another kind.
    #[error("{path} is {foreign}, and {}", foreign.cure())]
    Foreign {
        /// Path of the file.
        path: PathBuf,
        /// The format that it has.
        foreign: Foreign,
    },
    /// The store cannot be written.
    #[error("cannot write {path}: {error}")]
    Write {
        /// Of the file or folder.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// No name for the model.
    #[error("{name:?} cannot be a model's name; give one with --name: letters, digits, `-`, `_` and `.`")]
    Name {
        /// The name that was asked for.
        name: String,
    },
    /// A model of that name is there, and is not this one.
    #[error(
        "there is a model called {name} already, made from another file; choose another name with --name"
    )]
    Taken {
        /// Name.
        name: String,
    },
    /// The names of the outputs.
    #[error(transparent)]
    Labels(#[from] labels::LabelsError),
    /// There is no environment to convert it in.
    #[error(transparent)]
    Environment(#[from] environment::EnvironmentError),
    /// The conversion did not do its work.
    #[error(transparent)]
    Tool(#[from] tool::ToolError),
    /// No library to verify it with.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The result cannot be run.
    #[error("the imported network cannot be used: {0}")]
    Engine(#[from] EngineError),
    /// The result is not the original.
    #[error(
        "the import of {source_file} gives other results than the original: probabilities differ by up to {difference:.5}, {MAX_DIFFERENCE} is allowed; it was not kept"
    )]
    Differs {
        /// File name.
        source_file: String,
        /// Largest difference of a probability.
        difference: f64,
    },
    /// Asked to end.
    #[error("the import was ended before it was done")]
    Cancelled,
}

/// The model's name for a file: its stem, with `-` for what a name cannot have.
pub fn name_of(source: &Path) -> String {
    let stem = source.file_stem().unwrap_or_default().to_string_lossy();
    let safe: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    safe.trim_start_matches('.').to_owned()
}

/// The manifest of an earlier import, if it is of this very file, of what is asked for now, and all of it is still there.
/// An error if the name is another model's.
fn find_manifest(
    store: &Store,
    request: &Request,
    name: &str,
    sha256: &str,
    labels: Option<&Labels>,
) -> Result<Option<Manifest>, ImportError> {
    // A manifest that cannot be used is written anew.
    let Ok(manifest) = store.manifest(name) else {
        return Ok(None);
    };
    let imported = manifest.imported.as_ref().filter(|imported| imported.sha256 == sha256);
    let (Some(imported), Some(clip)) = (imported, &manifest.clip) else {
        let is_waiting_for_it = manifest.to_import().is_some();
        let taken = || ImportError::Taken { name: name.to_owned() };
        return if is_waiting_for_it { Ok(None) } else { Err(taken()) };
    };
    let same = imported.version == VERSION
        && imported.asked_whole == request.whole
        && labels.is_none_or(|labels| clip.labels == labels.names)
        && request.threshold.is_none_or(|threshold| (clip.threshold - threshold).abs() < 1e-6)
        && request.licence.as_ref().is_none_or(|licence| *licence == manifest.licence)
        && manifest.files.iter().all(|file| store.verified_path(name, file).is_ok());
    Ok(Some(manifest).filter(|_| same))
}

/// Whether a file can be read and is of a kind that is imported, as far as its beginning and its name tell.
pub fn check_source(source: &Path) -> Result<(), ImportError> {
    let path = || source.to_owned();
    if source.is_dir() {
        return Err(ImportError::Folder { path: path() });
    }
    match Foreign::from_file(source) {
        Ok(None) => Ok(()),
        Ok(Some(foreign)) => Err(ImportError::Foreign { path: path(), foreign }),
        Err(error) => Err(ImportError::Read { path: path(), error }),
    }
}

/// Imports a file into the store, unless that has been done; returns the manifest. Blocks for about a minute, and for
/// some more the first time.
pub fn import_model(
    store: &Store,
    request: &Request,
    watch: OnProgress<'_>,
) -> Result<Manifest, ImportError> {
    check_source(&request.source)?;
    let name = model_name(request)?;
    let sha256 = hash(&request.source)?;
    let given = labels::given_labels(request)?;
    if let Some(manifest) = find_manifest(store, request, &name, &sha256, given.as_ref())? {
        return Ok(manifest);
    }
    let environment = Environment::make_ready(store, request.python.as_deref(), watch)?;
    // Another process may have done it while this one waited.
    if let Some(manifest) = find_manifest(store, request, &name, &sha256, given.as_ref())? {
        return Ok(manifest);
    }
    let models = store.models();
    fs::create_dir_all(&models).map_err(|error| ImportError::Write { path: models.clone(), error })?;
    remove_leftovers(&models);
    // Beside its place, and moved there when all is well.
    let scratch = tempfile::Builder::new()
        .prefix(SCRATCH)
        .tempdir_in(&models)
        .map_err(|error| ImportError::Write { path: models.clone(), error })?;
    let report = tool::convert_model(&environment, request, scratch.path(), watch)?;
    let labels = labels::choose_labels(given, &report, &request.source)?;
    let mut clip = Clip {
        window: report.window,
        width: report.width,
        height: report.height,
        colour: Colour::Bgr,
        divide_by: 255.0,
        features: report.features,
        batch_symbol: report.batch_symbol(),
        threshold: request.threshold.unwrap_or(USUAL_THRESHOLD),
        labels: labels.names,
        rest: None,
        precision: Precision::F32,
    };
    let verdict =
        verify::verify_networks(store, request, &name, &clip, scratch.path(), &report.loops, watch)?;
    clip.precision = verdict.precision;
    let file_name = request.source.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut notes = report.notes.clone();
    notes.extend(labels.note);
    notes.extend(verdict.note.clone());
    let imported = Imported {
        from: file_name.clone(),
        sha256,
        version: VERSION,
        asked_whole: request.whole,
        keras: report.keras_version.clone(),
        clips: verdict.clips,
        difference: verdict.difference,
        bf16_difference: verdict.bf16_difference,
        f32_ms: verdict.f32_ms,
        bf16_ms: verdict.bf16_ms,
        notes,
    };
    let files = clip
        .roles()
        .iter()
        .map(|role| describe_file(role, verdict.providers.get(role).copied(), scratch.path()))
        .collect::<Result<_, _>>()?;
    let manifest = Manifest {
        title: request.title.clone().unwrap_or_else(|| format!("{name} (imported from {file_name})")),
        name,
        task: Task::ClipClassification,
        licence: request.licence.clone().unwrap_or_else(|| "LicenseRef-unknown".into()),
        origin: request.origin.clone().unwrap_or_else(|| format!("imported from {file_name}")),
        files,
        clip: Some(clip),
        detect: None,
        read: None,
        landmarks: None,
        import: None,
        imported: Some(imported),
        runtime: None,
    };
    store_import(store, scratch.path(), &manifest, &report)?;
    Ok(manifest)
}

/// Removes what imports left that were killed. Only the one who holds the lock may.
fn remove_leftovers(models: &Path) {
    for entry in fs::read_dir(models).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(SCRATCH) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn model_name(request: &Request) -> Result<String, ImportError> {
    let name = request.name.clone().unwrap_or_else(|| name_of(&request.source));
    if is_plain_name(&name) { Ok(name) } else { Err(ImportError::Name { name }) }
}

fn hash(source: &Path) -> Result<String, ImportError> {
    digest::sha256_of(source).map_err(|error| ImportError::Read { path: source.to_owned(), error })
}

/// A file's entry in the manifest.
fn describe_file(role: &str, preferred: Option<Preferred>, folder: &Path) -> Result<File, ImportError> {
    let name = format!("{role}.onnx");
    let path = folder.join(&name);
    let read = |error| ImportError::Read { path: path.clone(), error };
    Ok(File {
        role: role.to_owned(),
        sha256: Some(digest::sha256_of(&path).map_err(read)?),
        git_blob: None,
        size_bytes: Some(fs::metadata(&path).map_err(read)?.len()),
        provider: preferred.map(|preferred| preferred.provider),
        provider_only: preferred.is_some_and(|preferred| preferred.only),
        source: Source::Imported,
        name,
    })
}

/// Moves files, card and manifest to their places; the manifest last, so that what it names is there.
fn store_import(store: &Store, from: &Path, manifest: &Manifest, report: &Report) -> Result<(), ImportError> {
    let write = |path: &Path| {
        let path = path.to_owned();
        move |error| ImportError::Write { path, error }
    };
    let folder = store.models().join(&manifest.name);
    fs::create_dir_all(&folder).map_err(write(&folder))?;
    for file in &manifest.files {
        let to = folder.join(&file.name);
        fs::rename(from.join(&file.name), &to).map_err(write(&to))?;
    }
    let card = store.card_path(&manifest.name);
    fs::write(&card, card_text(manifest, report)).map_err(write(&card))?;
    let path = store.manifest_path(&manifest.name);
    let part = from.join("manifest.toml");
    fs::write(&part, manifest.to_toml()).map_err(write(&part))?;
    fs::rename(&part, &path).map_err(write(&path))
}

fn card_text(manifest: &Manifest, report: &Report) -> String {
    use std::fmt::Write as _;
    let mut text = format!("# {}\n\n{}.\n", manifest.title, manifest.origin);
    let (Some(clip), Some(imported)) = (&manifest.clip, &manifest.imported) else {
        return text;
    };
    let _ = write!(
        text,
        "\n**Input.** {} frames of {}×{}, BGR, divided by {}.\n**Output.** A probability for each of {} labels: {}.\n",
        clip.window,
        clip.width,
        clip.height,
        clip.divide_by,
        clip.labels.len(),
        clip.labels.join(", "),
    );
    let kind = match clip.features {
        Some(features) => {
            format!(
                "split: each frame once through a backbone ({features} values), the window through a head"
            )
        }
        None => "whole: every prediction takes all frames of the window".to_owned(),
    };
    let _ = write!(
        text,
        "\n| | |\n| --- | --- |\n| Parameters | {} |\n| Runs | {kind} |\n| Saved by | {} |\n\
         | Difference to the original at f32 | {:.1e} over {} windows |\n| A prediction at f32 | {:.2} ms |\n",
        report.parameters,
        imported.keras.as_deref().map_or_else(|| "unknown".into(), |version| format!("Keras {version}")),
        imported.difference,
        imported.clips,
        imported.f32_ms,
    );
    if let (Some(difference), Some(ms)) = (imported.bf16_difference, imported.bf16_ms) {
        let _ = write!(
            text,
            "| Difference of bf16 to f32 | {difference:.4} |\n| A prediction at bf16 | {ms:.2} ms |\n"
        );
    }
    let _ = writeln!(text, "| Precision chosen | {} |", clip.precision.name());
    for note in &imported.notes {
        let _ = write!(text, "\n- {note}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_makes_a_safe_model_name() {
        for (file, name) in [
            ("WLASL20c_model.h5", "WLASL20c_model"),
            ("/a b/my model (2).keras", "my-model--2-"),
            (".hidden.h5", "hidden"),
            ("модель.h5", "------"),
        ] {
            let found = name_of(Path::new(file));
            assert_eq!(found, name);
            assert!(is_plain_name(&found), "{found}");
        }
    }
}
