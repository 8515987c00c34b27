//! `cargo-deny`, which checks the licences and sources of what we build on.

use std::path::PathBuf;

use anyhow::Result;

use super::{Outcome, Part};
use crate::cargo::cargo;
use crate::process;
use crate::progress::Step;
use crate::project::Project;

const VERSION: &str = "0.20.2";

/// `~/.cache/sightwire/cargo-deny-VERSION/bin/cargo-deny`: it takes a minute to compile, and all clones share it.
pub(super) struct CargoDeny;

/// Where our copy stands, whether or not it has been brought.
pub(crate) fn program(project: &Project) -> Result<PathBuf> {
    Ok(folder(project)?.join("bin/cargo-deny"))
}

fn folder(project: &Project) -> Result<PathBuf> {
    project.tool(&format!("cargo-deny-{VERSION}"))
}

impl Part for CargoDeny {
    fn name(&self) -> &'static str {
        "cargo-deny"
    }

    fn wanted(&self, project: &Project) -> Result<Option<String>> {
        let version = process::ask(&program(project)?.to_string_lossy(), &["--version"]);
        let done = version.is_some_and(|text| text.ends_with(VERSION));
        Ok((!done).then(|| {
            format!("compile cargo-deny {VERSION} into your cache (~/.cache/sightwire; about a minute)")
        }))
    }

    fn bring(&self, project: &Project, step: &mut Step) -> Result<Outcome> {
        let tools = folder(project)?;
        // Unoptimised: it runs for a second and compiles in half the time.
        let mut install =
            cargo(project, &["install", "cargo-deny", "--version", VERSION, "--locked", "--debug"]);
        install.arg("--root").arg(&tools).arg("--target-dir").arg(tools.join("target"));
        process::must(project, step, "cargo-deny", &mut install)?;
        crate::project::remove(&tools.join("target"))?;
        Ok(Outcome::Done(format!("{VERSION} compiled")))
    }
}
