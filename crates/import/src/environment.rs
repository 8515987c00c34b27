//! A Python with the packages that read Keras files, pinned, in a folder of the store. Made on first use.
//!
//! ```text
//! $SIGHTWIRE_HOME/tools/import-<hash of the requirements>-<Python's version>/   the environment
//! $SIGHTWIRE_HOME/tools/import-<hash of the requirements>-<…>/tool/            the scripts
//! $SIGHTWIRE_HOME/tools/import.lock                                            one import at a time
//! ```

use std::fs::{self, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sightwire_models::digest;
use sightwire_models::store::Store;

use super::tool::{self, ToolError};
use super::{OnProgress, Progress};

macro_rules! tool_file {
    ($name:literal) => {
        ($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/import/", $name)))
    };
}

/// The scripts, as this binary was built with them.
const SCRIPTS: &[(&str, &str)] = &[
    tool_file!("import_model.py"),
    tool_file!("clips.py"),
    tool_file!("comparison.py"),
    tool_file!("keras3.py"),
    tool_file!("keras_file.py"),
    tool_file!("network.py"),
    tool_file!("onnx_files.py"),
    tool_file!("refusal.py"),
    tool_file!("split.py"),
    tool_file!("trust.py"),
    tool_file!("requirements.txt"),
];

/// Versions of Python that TensorFlow 2.15 has packages for, the best first.
const MINORS: [u32; 3] = [11, 10, 9];
/// What the packages are, for people.
const SIZE: &str =
    "TensorFlow 2.15 for CPUs, tf2onnx and ONNX Runtime: about 330 MB to download, 1.4 GB on disk";
const INSTALL_DEADLINE: Duration = Duration::from_secs(3600);

/// The environment and the scripts in it. Holds the lock.
#[derive(Debug)]
pub struct Environment {
    folder: PathBuf,
    _lock: fs::File,
}

/// Why there is no environment.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// No Python that the packages are made for.
    #[error(
        "importing a Keras model needs Python 3.9, 3.10 or 3.11 (TensorFlow 2.15, which reads old and new files, is made for no other); found: {found}. Install one (Debian 12: `apt-get install python3 python3-venv`), or name one with import.python (SIGHTWIRE_IMPORT_PYTHON). Where none can be, as in a small container, import the model beforehand on another machine with `sightwire models import FILE` and copy the folder models/ of its store into this one ({store})"
    )]
    NoPython {
        /// The programs that were tried, and what they are.
        found: String,
        /// Folder of the store.
        store: PathBuf,
    },
    /// pip did not bring the packages.
    #[error(
        "the packages for the import could not be installed: {reason}. Without a network, make them once where there is one and copy {folder} here, or set PIP_INDEX_URL or PIP_FIND_LINKS to what can be reached"
    )]
    Install {
        /// pip's last words.
        reason: String,
        /// Folder of the environment.
        folder: PathBuf,
    },
    /// A folder cannot be written.
    #[error("cannot write {path}: {error}")]
    Write {
        /// Of the file or folder.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The child process did not do its work.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

/// A Python that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Python {
    program: PathBuf,
    minor: u32,
    /// It can make environments with pip in them.
    has_ensurepip: bool,
}

impl Environment {
    /// Waits for another import to end, and makes the environment if it is not there. `python` names one to use.
    pub fn make_ready(
        store: &Store,
        python: Option<&Path>,
        watch: OnProgress<'_>,
    ) -> Result<Self, EnvironmentError> {
        let tools = store.home().join("tools");
        create_dir(&tools)?;
        let lock = lock_file(&tools.join("import.lock"), watch)?;
        let requirements =
            SCRIPTS.iter().find(|(name, _)| *name == "requirements.txt").map_or("", |(_, t)| *t);
        let hash = digest::sha256_hex(requirements.as_bytes());
        let folder_of = |minor: u32| tools.join(format!("import-{}-3.{minor}", &hash[..12]));
        // One that is there needs no looking for a Python.
        let there = MINORS.iter().map(|minor| folder_of(*minor)).find(|folder| is_ready(folder));
        let folder = if let Some(folder) = there.filter(|_| python.is_none()) {
            folder
        } else {
            let python = find_python(store, python)?;
            let folder = folder_of(python.minor);
            if !is_ready(&folder) {
                make_environment(&folder, &python, requirements, watch)?;
            }
            folder
        };
        let environment = Self { folder, _lock: lock };
        // Each time, for a newer binary has newer scripts.
        for (name, text) in SCRIPTS {
            write_text(&environment.folder.join("tool").join(name), text)?;
        }
        Ok(environment)
    }

    /// The environment's Python interpreter.
    pub fn python(&self) -> PathBuf {
        interpreter_path(&self.folder)
    }

    /// The script that converts, `import_model.py`; run by [`Self::python`].
    pub fn script(&self) -> PathBuf {
        self.folder.join("tool/import_model.py")
    }
}

fn interpreter_path(folder: &Path) -> PathBuf {
    folder.join("bin/python")
}

/// The last thing that is written of an environment.
fn is_ready(folder: &Path) -> bool {
    folder.join("ready").is_file() && interpreter_path(folder).exists()
}

fn lock_file(path: &Path, watch: OnProgress<'_>) -> Result<fs::File, EnvironmentError> {
    let failed = |error| EnvironmentError::Write { path: path.to_owned(), error };
    let file = fs::File::create(path).map_err(failed)?;
    // Said once; then it is only asked whether to go on.
    let mut text = "waiting for another import to end".to_owned();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                if !watch(Progress { text: std::mem::take(&mut text), done: None }) {
                    return Err(ToolError::Cancelled.into());
                }
                std::thread::sleep(Duration::from_millis(200));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
    }
}

fn make_environment(
    folder: &Path,
    python: &Python,
    requirements: &str,
    watch: OnProgress<'_>,
) -> Result<(), EnvironmentError> {
    let mut say = |text: String, done| {
        if watch(Progress { text, done }) { Ok(()) } else { Err(ToolError::Cancelled) }
    };
    say(format!("installing {SIZE}; once, into {}", folder.display()), Some(0.0))?;
    if folder.exists() {
        fs::remove_dir_all(folder)
            .map_err(|error| EnvironmentError::Write { path: folder.to_owned(), error })?;
    }
    create_dir(&folder.join("tool"))?;
    let file = folder.join("tool/requirements.txt");
    write_text(&file, requirements)?;
    let failed = |reason| EnvironmentError::Install { reason, folder: folder.to_owned() };
    let mut venv = Command::new(&python.program);
    venv.args(["-m", "venv"]);
    if !python.has_ensurepip {
        venv.arg("--without-pip");
    }
    venv.arg(folder);
    let ended = tool::run_child(venv, INSTALL_DEADLINE, &mut |_| say(String::new(), None).is_ok())?;
    if !ended.status.success() {
        return Err(failed(ended.said));
    }
    // Debian packs ensurepip apart; the machine's own pip can install into an environment without one.
    let mut pip =
        Command::new(if python.has_ensurepip { interpreter_path(folder) } else { python.program.clone() });
    pip.args(["-m", "pip"]);
    if !python.has_ensurepip {
        pip.arg("--python").arg(interpreter_path(folder));
    }
    pip.args(["install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"])
        .args(["--only-binary", ":all:", "--require-hashes", "--requirement"])
        .arg(&file);
    let count = requirements.lines().filter(|line| line.contains("==")).count().max(1);
    let mut collected = 0;
    let ended = tool::run_child(pip, INSTALL_DEADLINE, &mut |line| {
        let words = line.trim();
        if let Some(package) = words.strip_prefix("Collecting ") {
            collected += 1;
            let package = package.split(['=', ' ']).next().unwrap_or_default();
            let done = 0.7 * collected as f32 / count as f32;
            return say(format!("installing packages: {package}"), Some(done.min(0.7))).is_ok();
        }
        if words.starts_with("Installing collected") {
            return say("installing packages: unpacking".into(), Some(0.75)).is_ok();
        }
        say(String::new(), None).is_ok()
    })?;
    if !ended.status.success() {
        let _ = fs::remove_dir_all(folder);
        return Err(failed(ended.said));
    }
    write_text(&folder.join("ready"), "")
}

/// The Python that was named, or the best one that is there.
fn find_python(store: &Store, named: Option<&Path>) -> Result<Python, EnvironmentError> {
    let candidates = match named {
        Some(path) => vec![path.to_owned()],
        None => python_candidates(),
    };
    let mut found = Vec::new();
    let mut fitting: Vec<Python> = Vec::new();
    for program in candidates {
        match probe_python(&program) {
            Ok(python) if MINORS.contains(&python.minor) => fitting.push(python),
            Ok(python) => found.push(format!("{} is 3.{}", program.display(), python.minor)),
            Err(reason) => found.extend(reason.map(|reason| format!("{}: {reason}", program.display()))),
        }
    }
    let place = |python: &Python| (MINORS.iter().position(|m| *m == python.minor), !python.has_ensurepip);
    fitting.into_iter().min_by_key(place).ok_or_else(|| EnvironmentError::NoPython {
        found: if found.is_empty() { "none".into() } else { found.join(", ") },
        store: store.home().to_owned(),
    })
}

fn python_candidates() -> Vec<PathBuf> {
    let mut programs: Vec<PathBuf> =
        MINORS.iter().map(|minor| PathBuf::from(format!("python3.{minor}"))).collect();
    programs.push("python3".into());
    programs.push("python".into());
    // Where pyenv keeps those that are not switched on.
    let home = std::env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".pyenv")));
    let versions = home.and_then(|home| fs::read_dir(home.join("versions")).ok());
    programs.extend(versions.into_iter().flatten().flatten().map(|entry| entry.path().join("bin/python")));
    programs
}

/// What an interpreter is; `Err(None)` if there is none of that name.
fn probe_python(program: &Path) -> Result<Python, Option<String>> {
    const QUESTION: &str = "import sys, importlib.util as u; print(sys.implementation.name, *sys.version_info[:2], \
                            int(bool(u.find_spec('ensurepip') and u.find_spec('venv'))), int(bool(u.find_spec('pip'))))";
    let output = match Command::new(program).args(["-c", QUESTION]).output() {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(None),
        Err(error) => return Err(Some(error.to_string())),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["cpython", "3", minor, ensurepip, pip] => {
            let (has_ensurepip, has_pip) = (*ensurepip == "1", *pip == "1");
            if !has_ensurepip && !has_pip {
                return Err(Some(
                    "has neither venv with ensurepip nor pip (`apt-get install python3-venv`)".into(),
                ));
            }
            let minor = minor.parse().map_err(|_| Some(format!("says its version is 3.{minor}")))?;
            Ok(Python { program: program.to_owned(), minor, has_ensurepip })
        }
        [name, major, minor, ..] => Err(Some(format!("is {name} {major}.{minor}"))),
        // A stand-in for a version that is not switched on.
        _ => Err(None),
    }
}

fn create_dir(path: &Path) -> Result<(), EnvironmentError> {
    fs::create_dir_all(path).map_err(|error| EnvironmentError::Write { path: path.to_owned(), error })
}

fn write_text(path: &Path, text: &str) -> Result<(), EnvironmentError> {
    if let Some(folder) = path.parent() {
        create_dir(folder)?;
    }
    fs::write(path, text).map_err(|error| EnvironmentError::Write { path: path.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that answers as a Python of that version would.
    fn fake(dir: &Path, name: &str, answer: &str) -> PathBuf {
        let (text, path) = (dir.join(format!("{name}.sh")), dir.join(name));
        fs::write(&text, format!("#!/bin/sh\necho '{answer}'\n")).unwrap();
        // Not written by this process: a child that another test starts meanwhile would hold it open for writing, and what
        // is open for writing cannot be executed.
        let installed = Command::new("install").args(["-m", "755"]).args([&text, &path]).status().unwrap();
        assert!(installed.success());
        path
    }

    #[test]
    fn every_script_of_the_import_is_brought_along() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/import"));
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let for_tests = name.starts_with("test_") || name.starts_with("make_") || name == "old_keras.py";
            if path.extension().is_some_and(|end| end == "py") && !for_tests {
                assert!(SCRIPTS.iter().any(|(known, _)| *known == name), "{name} is missing from SCRIPTS");
            }
        }
    }

    #[test]
    fn a_python_too_new_or_too_old_is_named_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path().join("home"), None);
        for (answer, found) in
            [("cpython 3 13 1 1", "3.13"), ("cpython 3 8 1 1", "3.8"), ("pypy 3 10 1 1", "pypy 3.10")]
        {
            let python = fake(dir.path(), "python", answer);
            let error = find_python(&store, Some(&python)).unwrap_err().to_string();
            for part in [found, "3.11", "import.python", "models import FILE"] {
                assert!(error.contains(part), "{error} lacks {part}");
            }
        }
        let error = find_python(&store, Some(Path::new("/nowhere/python"))).unwrap_err().to_string();
        assert!(error.contains("found: none"), "{error}");
    }

    #[test]
    fn a_python_that_fits_is_taken_even_without_ensurepip() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path().join("home"), None);
        let python = fake(dir.path(), "python", "cpython 3 10 0 1");
        let found = find_python(&store, Some(&python)).unwrap();
        assert_eq!(found, Python { program: python, minor: 10, has_ensurepip: false });
    }

    #[test]
    fn a_second_import_waits_and_can_be_ended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("import.lock");
        let first = lock_file(&path, &mut |_| true).unwrap();
        let mut said = String::new();
        let second = lock_file(&path, &mut |progress| {
            said = progress.text;
            false
        });
        assert!(matches!(second, Err(EnvironmentError::Tool(ToolError::Cancelled))));
        assert!(said.contains("another import"));
        drop(first);
        lock_file(&path, &mut |_| true).unwrap();
    }
}
