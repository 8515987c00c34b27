//! Programs that come as sources: compiled once for all clones of this user, unless the machine has them.

use std::path::{Path, PathBuf};

use super::{Outcome, Part};
use crate::process;
use crate::programs::cargo;
use crate::project::{Project, on_path, remove};

/// A program in `~/.cache/sightwire/NAME-VERSION/bin`, or of that version on `PATH`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    name: &'static str,
    version: &'static str,
}

/// Checks the licences and sources of what we build on.
pub(crate) const DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };
/// Puts the list of crates into the program.
pub(crate) const AUDITABLE: Tool = Tool { name: "cargo-auditable", version: "0.7.7" };
/// Lists the program's components.
pub(crate) const CYCLONEDX: Tool = Tool { name: "cargo-cyclonedx", version: "0.5.9" };
/// Makes Debian packages.
pub(crate) const DEB: Tool = Tool { name: "cargo-deb", version: "3.8.0" };
/// Runs Rust tests, each in a process of its own.
pub(crate) const NEXTEST: Tool = Tool { name: "cargo-nextest", version: "0.9.143" };

impl Tool {
    /// Where it stands, whether or not it has been brought.
    pub(crate) fn program(self, project: &Project) -> PathBuf {
        self.of_machine().unwrap_or_else(|| self.own(project))
    }

    fn of_machine(self) -> Option<PathBuf> {
        on_path(self.name).filter(|program| self.is_at(program))
    }

    /// Of a folder that is named after the version.
    fn own(self, project: &Project) -> PathBuf {
        self.folder(project).join("bin").join(self.name)
    }

    fn folder(self, project: &Project) -> PathBuf {
        project.tool(&format!("{}-{}", self.name, self.version))
    }

    fn is_at(self, program: &Path) -> bool {
        // As cargo calls it.
        let subcommand = self.name.trim_start_matches("cargo-");
        process::ask(&program.to_string_lossy(), &[subcommand, "--version"])
            .is_some_and(|text| text.split_whitespace().any(|word| word == self.version))
    }

    pub(super) fn part(self) -> Part {
        let Self { name, version } = self;
        let wanted = move |project: &Project, _| {
            let will = format!("compile {name} {version} into your cache (~/.cache/sightwire; minutes)");
            (!self.own(project).is_file() && self.of_machine().is_none()).then_some(will)
        };
        Part::new(name, wanted, move |project, _, step| {
            let tools = self.folder(project);
            // Unoptimised: it has little to do, and compiles in half the time.
            let mut install = cargo(project, &["install", name, "--version", version, "--locked", "--debug"]);
            install.arg("--root").arg(&tools).arg("--target-dir").arg(tools.join("target"));
            process::must(project, step, name, &mut install)?;
            remove(&tools.join("target"))?;
            Ok(Outcome::Done(format!("{version} compiled")))
        })
    }
}
