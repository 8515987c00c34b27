//! Where things are in this repository.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process::command_output;

/// The repository and the folder `.sightwire/` in it, which git ignores and setup fills.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    root: PathBuf,
    target: PathBuf,
}

impl Project {
    /// The repository that this program was built in.
    pub(crate) fn here() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the repository")?;
        let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        Self::with_target(root, root.join(target))
    }

    /// A clone of it elsewhere, with builds of its own.
    pub(crate) fn at_root(root: &Path) -> Result<Self> {
        Self::with_target(root, root.join("target"))
    }

    fn with_target(root: &Path, target: PathBuf) -> Result<Self> {
        let project = Self { root: root.to_owned(), target };
        for folder in ["logs", "stamps"].map(|name| project.own_path(name)) {
            fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        }
        Ok(project)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path below the root.
    pub(crate) fn join_root(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A path below `.sightwire/`.
    pub(crate) fn own_path(&self, path: &str) -> PathBuf {
        self.root.join(".sightwire").join(path)
    }

    /// Where a program's output is kept.
    pub(crate) fn log_path(&self, name: &str) -> PathBuf {
        self.own_path("logs").join(format!("{name}.log"))
    }

    /// Where a tool of a certain version is kept, which is compiled once for all clones of this user.
    pub(crate) fn tool_path(&self, name_and_version: &str) -> PathBuf {
        let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = var("XDG_CACHE_HOME").or_else(|| var("HOME").map(|home| home.join(".cache")));
        cache.map_or_else(|| self.own_path("tools"), |cache| cache.join("sightwire")).join(name_and_version)
    }

    /// The server's store of models and runtimes (`SIGHTWIRE_HOME`).
    pub(crate) fn home(&self) -> PathBuf {
        self.own_path("home")
    }

    /// What git says of it, or `None` when git fails.
    pub(crate) fn git(&self, args: &[&str]) -> Option<String> {
        command_output("git", &[&["-C", &self.root.to_string_lossy()], args].concat())
    }

    /// A program of the demo's build: what is shown and measured.
    pub(crate) fn program_path(&self, name: &str) -> PathBuf {
        self.target.join(self.profile()).join(name)
    }

    /// Cargo's profile of that build. Commits that have none of their own for it build with `release`.
    pub(crate) fn profile(&self) -> &'static str {
        let manifest = fs::read_to_string(self.join_root("Cargo.toml")).unwrap_or_default();
        if manifest.lines().any(|line| line.starts_with("[profile.demo]")) { "demo" } else { "release" }
    }

    /// A program of the dev build: what is tested.
    pub(crate) fn debug_program(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(name)
    }

    /// Cargo's folder of builds, wherever the user has it.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// A program of the project's Python environment.
    pub(crate) fn python_program(&self, program: &str) -> PathBuf {
        self.own_path("venv/bin").join(program)
    }

    /// Held while something is being installed or built, so that two runs do not do it at once.
    pub(crate) fn lock(&self) -> Result<File> {
        let path = self.own_path("lock");
        let file = File::create(&path).with_context(|| format!("make {}", path.display()))?;
        if file.try_lock().is_err() {
            eprintln!("Another cargo xtask is setting up in this repository; waiting for it.");
            while file.try_lock().is_err() {
                crate::interrupt::check_interrupt()?;
                std::thread::sleep(std::time::Duration::from_millis(200));
            }
        }
        Ok(file)
    }
}

/// Removes a file or folder; that it was not there is no error.
pub(crate) fn remove_path(path: &Path) -> Result<()> {
    let gone = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match gone {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// The full path of a program on `PATH`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
