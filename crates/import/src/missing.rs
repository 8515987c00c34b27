//! What is not there on a machine yet, and how its user gets it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sightwire_engine::runtime::{self, RuntimeError};
use sightwire_engine::shared::{EngineSettings, OpenError};
use sightwire_models::manifest::Manifest;
use sightwire_models::store::{Remedy, Store, StoreError, default_home};

use crate::ImportError;

/// What can be pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The library that runs networks.
    Runtime,
    /// A model of that name.
    Model(String),
}

impl Missing {
    /// What an error says is missing, if pulling it would help.
    pub fn from_error(error: &anyhow::Error, engine: &EngineSettings) -> Option<Self> {
        let is_missing = |error: &RuntimeError| matches!(error, RuntimeError::Missing { .. });
        if let Some(
            StoreError::Missing { model, .. } | StoreError::Altered { model, remedy: Remedy::Pull, .. },
        ) = error.downcast_ref()
        {
            return Some(Missing::Model(model.clone()));
        }
        let of_import = match error.downcast_ref() {
            Some(ImportError::Runtime(error)) => Some(error),
            _ => None,
        };
        let of_engine = match error.downcast_ref() {
            Some(OpenError::Runtime(error)) => Some(error),
            _ => None,
        };
        let runtime = error.downcast_ref().or(of_engine).or(of_import).is_some_and(is_missing);
        (runtime && engine.library.is_none()).then_some(Missing::Runtime)
    }

    /// The one command that gets it, as it can be pasted into a shell.
    pub fn command(&self, store: &Store) -> String {
        let name = match self {
            Missing::Runtime => "runtime",
            Missing::Model(name) => name,
        };
        let home = store.home();
        let usual = same_folder(home, &default_home());
        let home = if usual { String::new() } else { format!("SIGHTWIRE_HOME={} ", quote_path(home)) };
        format!("{home}sightwire models pull {name}")
    }
}

/// The package with the library that fits this machine best.
pub fn runtime_package(store: &Store) -> anyhow::Result<Manifest> {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    runtime::runtime_packages(store).into_iter().next().with_context(|| {
        format!("there is no ONNX Runtime package for {os} on {arch}; build one and set engine.library")
    })
}

/// For people, where the library is missing in this store: another one on this machine that has it, as `cargo xtask demo`
/// leaves one.
pub fn other_home(store: &Store) -> Option<String> {
    let here = [std::env::current_dir().ok(), std::env::current_exe().ok()];
    let own = here.iter().flatten().flat_map(|path| path.ancestors()).map(|up| up.join(".sightwire/home"));
    let other = other_with_runtime(store, std::iter::once(default_home()).chain(own))?;
    Some(format!(
        "the store in use is {}; the one at {} has the library: SIGHTWIRE_HOME={} takes it",
        store.home().display(),
        other.display(),
        quote_path(&other)
    ))
}

fn other_with_runtime(store: &Store, homes: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    let has_runtime = |home: &Path| {
        let other = Store::new(home.to_owned(), None);
        runtime::runtime_packages(&other).iter().any(|package| other.has_files(package))
    };
    homes.into_iter().find(|home| home.is_dir() && !same_folder(home, store.home()) && has_runtime(home))
}

fn same_folder(a: &Path, b: &Path) -> bool {
    let full = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path)).ok();
    full(a) == full(b)
}

/// As a word of a shell's command; not relative, since the shell may be elsewhere.
fn quote_path(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
    if path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_runtime(home: &Path) {
        let store = Store::new(home.to_owned(), None);
        let package = runtime::runtime_packages(&store).remove(0);
        let folder = store.runtime_dir(&package.name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(package.runtime.unwrap().library), "").unwrap();
    }

    #[test]
    fn another_home_is_named_only_if_it_has_the_library() {
        let folder = tempfile::tempdir().unwrap();
        let [own, empty, full] = ["own", "empty", "full"].map(|name| folder.path().join(name));
        for home in [&own, &empty, &full] {
            std::fs::create_dir(home).unwrap();
        }
        with_runtime(&full);
        let find = |home: &Path, among: &[&PathBuf]| {
            other_with_runtime(&Store::new(home.to_owned(), None), among.iter().copied().cloned())
        };
        assert_eq!(find(&own, &[&own, &empty, &full]), Some(full.clone()));
        assert_eq!(find(&own, &[&empty]), None);
        assert_eq!(find(&full, &[&full]), None, "the one in use is no other");
    }

    #[test]
    fn the_command_goes_to_the_store_in_use() {
        let command = |home: &str| Missing::Runtime.command(&Store::new(home.into(), None));
        assert_eq!(command("/a/b"), "SIGHTWIRE_HOME=/a/b sightwire models pull runtime");
        assert_eq!(command("/it's/b"), "SIGHTWIRE_HOME='/it'\\''s/b' sightwire models pull runtime");
        let usual = Store::new(default_home(), None);
        assert_eq!(Missing::Model("wlasl20".into()).command(&usual), "sightwire models pull wlasl20");
    }
}
