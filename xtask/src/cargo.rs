//! Calls of cargo, all with the release profile so that everything is compiled once.

use std::process::Command;

use crate::project::{Project, on_path};

/// `cargo ARGS…` in the repository's root, without colours.
pub(crate) fn cargo(project: &Project, args: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(args).current_dir(project.root()).env("CARGO_TERM_COLOR", "never");
    command
}

/// Like [`cargo`], with the features that this machine can build.
pub(crate) fn cargo_build(project: &Project, args: &[&str]) -> Command {
    let mut command = cargo(project, args);
    if !turbo() {
        command.arg("--no-default-features");
    }
    command
}

/// Whether libjpeg-turbo can be built here: its sources come with the crate, cmake does not.
pub(crate) fn turbo() -> bool {
    on_path("cmake").is_some()
}
