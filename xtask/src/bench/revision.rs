//! Checkouts of other commits, each built by itself as it sets itself up.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process;
use crate::programs::{cargo_command, shell_command};
use crate::progress::{End, Step};
use crate::project::{Project, remove_path};

/// The full name of a commit.
pub(super) fn resolve_commit(project: &Project, revision: &str) -> Result<String> {
    let name = format!("{revision}^{{commit}}");
    let found = project.git(&["rev-parse", "--verify", "--quiet", &name]);
    found.with_context(|| format!("git knows no commit '{revision}'; give one, such as HEAD~1 or a tag"))
}

/// A checkout of a commit in `.sightwire/bench/FOLDER`; what was built there stays, unless it is to be fresh.
pub(super) fn checkout_commit(project: &Project, commit: &str, folder: &str, fresh: bool) -> Result<Project> {
    let folder = project.own_path("bench").join(folder);
    if fresh {
        remove_path(&folder)?;
    }
    if !folder.join(".git").exists() {
        fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        let mut clone = shell_command(project.root(), r#"git clone --quiet --shared --no-checkout . "$0""#);
        let ended = clone.arg(&folder).status().context("start git")?;
        if !ended.success() {
            bail!("`git clone` into {} ended with {ended}", folder.display());
        }
    }
    let other = Project::at_root(&folder)?;
    let step = Step::start("checkout");
    if other.git(&["checkout", "--quiet", "--force", "--detach", commit]).is_none() {
        bail!("git cannot check {commit} out in {}", folder.display());
    }
    step.end(End::Ok, &commit[..commit.len().min(10)]);
    Ok(other)
}

/// What cargo has set for this tree (`[env]` in `.cargo/config.toml`), and would not set anew for another one.
const OURS: [&str; 3] = ["JEMALLOC_SYS_WITH_MALLOC_CONF", "MAKEFLAGS", "CMAKE_TOOLCHAIN_FILE"];

/// Has a command in another tree build there, and by that tree's settings.
pub(super) fn without_our_settings(command: &mut Command) {
    for name in OURS.into_iter().chain(["CARGO_TARGET_DIR"]) {
        command.env_remove(name);
    }
}

/// Has it build its server by its own rules, which may be other ones than ours.
pub(super) fn build_server(other: &Project) -> Result<()> {
    let mut step = Step::start("build there");
    let mut setup = cargo_command(other, &["xtask", "setup", "--for", "demo"]);
    without_our_settings(&mut setup);
    process::run_required(other, &mut step, "setup", &mut setup)?;
    step.end(End::Ok, &other.root().display().to_string());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_cargo_has_set_for_this_tree_is_known() {
        let config = include_str!("../../../.cargo/config.toml");
        let (_, settings) = config.split_once("[env]\n").unwrap();
        let names: Vec<_> = settings.lines().filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
        assert_eq!(names, OURS);
    }
}
