//! `cargo xtask bench pages [--pairs N] [--before DIR]`: what the pages cost a browser, and what the Wall of another build (its
//! `ui/dist`) costs it, in turn. `e2e/bench/pages.mjs` opens them.

use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use super::{Section, stdout_of};
use crate::setup::{self, Purpose};

/// Measures, and writes it into the page.
pub(super) fn bench_pages(args: &[String]) -> Result<ExitCode> {
    let mut section = Section::set_up("pages")?;
    let project = section.project.clone();
    setup::install_parts(&project, Purpose::Test)?;
    let mut pages = Command::new("node");
    pages
        .args(["bench/pages.mjs", "--dist"])
        .arg(project.join_root("ui/dist"))
        .args(absolute_folders(args)?)
        .current_dir(project.join_root("e2e"))
        .env("SIGHTWIRE_BIN", project.program_path("sightwire"))
        .env("SIGHTWIRE_HOME", project.home());
    let text = stdout_of(&mut pages)?;
    section.add_text(&text);
    section.finish_page(true)
}

/// With folders as they are from anywhere: the benchmark runs elsewhere.
fn absolute_folders(args: &[String]) -> Result<Vec<String>> {
    let one = |arg: &String| {
        if arg.starts_with('-') || arg.parse::<usize>().is_ok() {
            return Ok(arg.clone());
        }
        let folder = std::fs::canonicalize(arg).with_context(|| format!("there is no folder {arg}"))?;
        Ok(folder.to_string_lossy().into_owned())
    };
    args.iter().map(one).collect()
}
