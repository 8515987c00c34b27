//! Checkouts of other commits, each built by itself as it sets itself up.

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::process;
use crate::programs::{cargo, shell};
use crate::progress::{End, Step};
use crate::project::{Project, remove};

/// The full name of a commit.
pub(super) fn commit(project: &Project, revision: &str) -> Result<String> {
    let name = format!("{revision}^{{commit}}");
    let found = project.git(&["rev-parse", "--verify", "--quiet", &name]);
    found.with_context(|| format!("git knows no commit '{revision}'; give one, such as HEAD~1 or a tag"))
}

/// A checkout of a commit in `.sightwire/bench/FOLDER`; what was built there stays, unless it is to be fresh.
pub(super) fn checkout(project: &Project, commit: &str, folder: &str, fresh: bool) -> Result<Project> {
    let folder = project.own("bench").join(folder);
    if fresh {
        remove(&folder)?;
    }
    if !folder.join(".git").exists() {
        fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        let mut clone = shell(project.root(), r#"git clone --quiet --shared --no-checkout . "$0""#);
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

/// Has it build its server by its own rules, which may be other ones than ours.
pub(super) fn build(other: &Project) -> Result<()> {
    let mut step = Step::start("build there");
    let mut setup = cargo(other, &["xtask", "setup", "--for", "demo"]);
    setup.env_remove("CARGO_TARGET_DIR");
    process::must(other, &mut step, "setup", &mut setup)?;
    step.end(End::Ok, &other.root().display().to_string());
    Ok(())
}
