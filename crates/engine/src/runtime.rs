//! Finds the ONNX Runtime library and loads it, once per process.

use std::path::{Path, PathBuf};

use ort::environment::Environment;
use parking_lot::Mutex;

use sightwire_models::Provider;
use sightwire_models::manifest::{Manifest, Task};
use sightwire_models::store::Store;

/// The library of this process.
pub struct Runtime {
    library: PathBuf,
    version: String,
    environment: Environment,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime")
            .field("library", &self.library)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// ONNX Runtime allows one environment in a process, so it is kept.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// Why there is no library to run models with.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// None was found.
    #[error(
        "the ONNX Runtime library is not installed (looked in {looked}); get it with `sightwire models pull runtime`, or name one with `engine.library`"
    )]
    Missing {
        /// Folder of the store.
        looked: PathBuf,
    },
    /// It is there but does not load.
    #[error(
        "the ONNX Runtime library {path} cannot be used: {reason}; version 1.24 or newer is needed: `sightwire models pull runtime` gets one that works"
    )]
    Unusable {
        /// Path of the library.
        path: PathBuf,
        /// What the loader says.
        reason: String,
    },
}

impl Runtime {
    /// Loads `library` if one is named, else the store's package for `provider` or, with none asked for, the best one
    /// that is there. A second call in a process gets the library of the first.
    pub fn load(
        store: &Store,
        library: Option<&Path>,
        provider: Option<Provider>,
    ) -> Result<Self, RuntimeError> {
        if let Some(path) = library {
            return Self::load_file(path);
        }
        let found = find_library(store, provider)
            .ok_or_else(|| RuntimeError::Missing { looked: store.home().join("runtime") })?;
        Self::load_file(&found)
    }

    /// Loads this very library.
    pub fn load_file(library: &Path) -> Result<Self, RuntimeError> {
        let library = library.to_owned();
        let unusable = |reason: String| RuntimeError::Unusable { path: library.clone(), reason };
        if !library.is_file() {
            return Err(unusable("there is no such file".into()));
        }
        let mut loaded = ENVIRONMENT.lock();
        let environment = if let Some(environment) = &*loaded {
            environment.clone()
        } else {
            let builder = ort::init_from(&library).map_err(|error| unusable(error.to_string()))?;
            let environment = builder
                .with_name("sightwire")
                .with_telemetry(false)
                .build()
                .map_err(|error| unusable(error.to_string()))?;
            environment.set_log_level(ort::logging::LogLevel::Error);
            loaded.insert(environment).clone()
        };
        let version = version_of(&library);
        Ok(Self { library, version, environment })
    }

    /// Path of the library.
    pub fn library(&self) -> &Path {
        &self.library
    }

    /// As in its file name, else what the library says of its build.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Which build it is, as it says itself.
    pub fn build(&self) -> &'static str {
        ort::info()
    }

    /// Whether the file `name` lies beside the library.
    pub fn has_beside(&self, name: &str) -> bool {
        self.library.parent().is_some_and(|folder| folder.join(name).is_file())
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }
}

/// Packages for this machine, the preferred one first.
pub fn runtime_packages(store: &Store) -> Vec<Manifest> {
    use Provider::{Cpu, Cuda, OpenVino};
    let order = |provider: Provider| {
        if has_nvidia_gpu() { [Cuda, OpenVino, Cpu] } else { [OpenVino, Cpu, Cuda] }
            .iter()
            .position(|p| *p == provider)
    };
    let mut packages: Vec<Manifest> = store
        .manifests()
        .0
        .into_iter()
        .filter(|m| m.task == Task::Runtime)
        .filter(|m| {
            m.runtime
                .as_ref()
                .is_some_and(|r| r.arch == std::env::consts::ARCH && r.os == std::env::consts::OS)
        })
        .collect();
    packages.sort_by_key(|m| m.runtime.as_ref().and_then(|r| order(r.provider)));
    packages
}

/// Whether an NVIDIA GPU and its driver are there.
pub fn has_nvidia_gpu() -> bool {
    Path::new("/dev/nvidia0").exists()
}

fn find_library(store: &Store, provider: Option<Provider>) -> Option<PathBuf> {
    let installed: Vec<(Provider, PathBuf)> = runtime_packages(store)
        .iter()
        .filter_map(|package| Some((package.runtime.as_ref()?.provider, store.runtime_library(package)?)))
        .collect();
    let wanted = installed.iter().find(|(p, _)| Some(*p) == provider);
    wanted.or_else(|| installed.first()).map(|(_, path)| path.clone())
}

fn version_of(library: &Path) -> String {
    let name = library.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    name.split_once(".so.").map_or_else(|| ort::info().to_owned(), |(_, version)| version.to_owned())
}
