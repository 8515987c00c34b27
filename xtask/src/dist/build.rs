//! The programs as packages have them: cargo's profile `dist`, with the list of their crates inside (`cargo audit bin` reads it), and
//! without the paths of the machine that they were built on.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::run_program;
use crate::programs::{cargo_build, cargo_command};
use crate::progress::Step;
use crate::project::Project;
use crate::setup::AUDITABLE;

/// The profile of what is given to users.
pub(super) const PROFILE: &str = "dist";

/// What is installed: the server, and what draws pages for it.
#[derive(Debug)]
pub(super) struct Programs {
    pub(super) server: PathBuf,
    pub(super) draw: PathBuf,
}

/// The packages that they are built of, whose dependencies are therefore in them.
pub(super) const PACKAGES: [&str; 4] = ["--package", "sightwire", "--package", "sightwire-draw"];

/// In another profile they are the programs that this one builds anyway, which is enough to try packages with.
pub(super) fn build_programs(project: &Project, step: &mut Step, profile: &str) -> Result<Programs> {
    let folder = project.target().join(profile);
    let built = Programs { server: folder.join("sightwire"), draw: folder.join("sightwire-draw") };
    if profile != PROFILE {
        run_program(
            project,
            step,
            "dist-build",
            &mut cargo_build(project, &["build", "--locked", "--profile", profile]),
        )?;
        return Ok(built);
    }
    let mut build = cargo_command(project, &["auditable", "build", "--locked", "--profile", profile]);
    build.args(PACKAGES);
    let tools = AUDITABLE.program_path(project);
    let mut path = vec![tools.parent().context("a tool lies in a folder")?.to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    build
        .env("PATH", std::env::join_paths(path)?)
        .env("CARGO_ENCODED_RUSTFLAGS", without_paths(project).join("\u{1f}"));
    run_program(project, step, "dist-build", &mut build)?;
    Ok(built)
}

/// What messages of panics name instead of folders of this machine.
fn without_paths(project: &Project) -> Vec<String> {
    let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cargo = var("CARGO_HOME").or_else(|| var("HOME").map(|home| home.join(".cargo")));
    let mut named: Vec<(PathBuf, &str)> = vec![(project.root().to_owned(), "/sightwire")];
    if let Some(cargo) = cargo {
        // A registry's folder has the name of its host. Of several that fit, the last one counts.
        let registries = std::fs::read_dir(cargo.join("registry/src")).into_iter().flatten().flatten();
        named.push((cargo, "/cargo"));
        named.extend(registries.map(|registry| (registry.path(), "/crates")));
    }
    named
        .into_iter()
        .map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display()))
        .collect()
}
