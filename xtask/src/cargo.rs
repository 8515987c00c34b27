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

/// Whether libjpeg-turbo and the allocator can be built here: their sources come with the crates, cmake and make do not.
pub(crate) fn turbo() -> bool {
    on_path("cmake").is_some() && on_path("make").is_some()
}
