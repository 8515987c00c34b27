//! Calls of cargo, nextest, npm and the shell. Tests and lints share cargo's dev profile, and name the whole workspace,
//! so that features are the same and nothing is compiled twice.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::project::{Project, on_path};
use crate::setup::{DENY, NEXTEST, Purpose};

/// `cargo ARGS…` in the repository's root, without colours.
pub(crate) fn cargo_command(project: &Project, args: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(args).current_dir(project.root()).env("CARGO_TERM_COLOR", "never");
    command
}

/// Packages as `cargo metadata ARGS…` lists them.
pub(crate) fn list_packages(project: &Project, args: &[&str]) -> Result<Vec<Value>> {
    let output = cargo_command(project, &["metadata", "--format-version", "1"]).args(args).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`cargo metadata` ended with {}:\n{said}", output.status);
    let mut metadata: Value = serde_json::from_slice(&output.stdout).context("read `cargo metadata`")?;
    match metadata["packages"].take() {
        Value::Array(packages) => Ok(packages),
        _ => bail!("`cargo metadata` names no packages"),
    }
}

/// Like [`cargo_command`], with the features that this machine can build.
pub(crate) fn cargo_build(project: &Project, args: &[&str]) -> Command {
    let mut command = cargo_command(project, args);
    command.args(without_turbo());
    command
}

pub(crate) fn rust_format(project: &Project) -> Command {
    cargo_command(project, &["fmt", "--all", "--check", "--", "--color", "never"])
}

/// What all tests are made of.
pub(crate) fn build_tests(project: &Project) -> Command {
    let mut build = cargo_build(project, &["build", "--workspace"]);
    build.args(TARGETS).arg("--examples");
    build
}

pub(crate) fn clippy_command(project: &Project) -> Command {
    let mut clippy = cargo_build(project, &["clippy", "--workspace"]);
    clippy.args(TARGETS).args(["--examples", "--", "-D", "warnings"]);
    clippy
}

/// The same lints over what [`build_tests`] has compiled, without checking all dependencies once more.
pub(crate) fn lints_command(project: &Project) -> Command {
    // Not this very program: a build has put a new one in its place.
    let mut lints = Command::new(project.debug_program("xtask"));
    lints.arg("lints").current_dir(project.root()).env("CARGO_TERM_COLOR", "never");
    lints
}

const TARGETS: [&str; 3] = ["--lib", "--bins", "--tests"];

pub(crate) fn deny_command(project: &Project) -> Command {
    let mut deny = Command::new(DENY.program_path(project));
    deny.args(["--all-features", "check", "bans", "licenses", "sources"]).current_dir(project.root());
    deny
}

/// What became known of crates and of npm's packages since they were chosen. Its sources are not package registries, so no other
/// suite may need it.
pub(crate) fn advisories_command(project: &Project) -> Command {
    let mut shell = shell_command(
        project.root(),
        r#""$0" --all-features check advisories; npm --prefix ui audit --omit=dev"#,
    );
    shell.arg(DENY.program_path(project));
    shell
}

/// The tests of the whole workspace, as far as `args` choose, each in a process of its own. Half of their time they wait for
/// a clock or a socket, so two run on each core.
pub(crate) fn nextest_command(project: &Project, args: &[&str]) -> Command {
    let threads = 2 * std::thread::available_parallelism().map_or(2, usize::from);
    let mut command = Command::new(NEXTEST.program_path(project));
    command
        .args(["nextest", "run", "--workspace"])
        .args(TARGETS)
        .args(["--profile", "ci"])
        .arg(format!("--test-threads={threads}"));
    command.args(without_turbo()).args(args);
    command.current_dir(project.root()).env("CARGO_TERM_COLOR", "never");
    command
}

/// Where the profile `ci` of `.config/nextest.toml` has what became of the tests.
pub(crate) fn nextest_report(project: &Project) -> PathBuf {
    project.target().join("nextest/ci/junit.xml")
}

/// `sightwire ARGS…` as it is built for a purpose, with the project's own store.
pub(crate) fn sightwire_command<S: AsRef<OsStr>>(project: &Project, purpose: Purpose, args: &[S]) -> Command {
    let mut sightwire = Command::new(purpose.server_program(project));
    sightwire.args(args).current_dir(project.root()).env("SIGHTWIRE_HOME", project.home());
    sightwire
}

/// A script of a folder's `package.json`.
pub(crate) fn npm_command(folder: PathBuf, script: &str) -> Command {
    let mut npm = Command::new("npm");
    npm.args(["run", "--silent", script]).current_dir(folder).env("NO_COLOR", "1").env("CI", "1");
    npm
}

/// A program of a folder's npm packages.
pub(crate) fn npx_command(folder: PathBuf, program: &str) -> Command {
    let mut npx = Command::new(folder.join("node_modules/.bin").join(program));
    npx.current_dir(folder).env("NO_COLOR", "1").env("CI", "1");
    npx
}

/// A script of the shell that ends with the first command that fails; the command's arguments begin with `$0`.
pub(crate) fn shell_command(folder: &Path, script: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-ec", script]).current_dir(folder).env("NO_COLOR", "1").env("CI", "1");
    shell.env("CARGO_TERM_COLOR", "never");
    shell
}

/// Lints and format of Python files and folders.
pub(crate) fn ruff_command<S: AsRef<OsStr>>(
    project: &Project,
    paths: impl IntoIterator<Item = S>,
) -> Command {
    let mut ruff = shell_command(project.root(), r#""$0" check "$@"; "$0" format --check "$@""#);
    ruff.arg(project.python_program("ruff")).args(paths);
    ruff
}

/// What leaves out of a build what cannot be built here.
fn without_turbo() -> Option<&'static str> {
    (!can_build_turbo()).then_some("--no-default-features")
}

/// Whether libjpeg-turbo and the allocator can be built here: their sources come with the crates, cmake and make do not.
pub(crate) fn can_build_turbo() -> bool {
    on_path("cmake").is_some() && on_path("make").is_some()
}
