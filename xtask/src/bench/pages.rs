//! `cargo xtask bench pages [--pairs N] [--before DIR]`: what the pages cost a browser, and what the Wall of another build (its
//! `ui/dist`) costs it, in turn. `e2e/bench/pages.mjs` opens them.

use std::process::{Command, ExitCode};

use anyhow::Result;

use super::{Section, stdout_of};
use crate::setup::{self, Purpose};

/// Measures, and writes it into the page.
pub(super) fn command(args: &[String]) -> Result<ExitCode> {
    let mut section = Section::begin("pages")?;
    let project = section.project.clone();
    setup::run(&project, Purpose::Test)?;
    let mut pages = Command::new("node");
    pages
        .args(["bench/pages.mjs", "--dist"])
        .arg(project.at("ui/dist"))
        .args(args)
        .current_dir(project.at("e2e"))
        .env("SIGHTWIRE_BIN", project.release("sightwire"))
        .env("SIGHTWIRE_HOME", project.home());
    let text = stdout_of(&mut pages)?;
    section.add(&text);
    section.end(true)
}
