//! The build: for the demo the server and the load generator, optimised; for tests these and all tests, in the dev profile.

use anyhow::Result;

use super::{Outcome, Part, Purpose};
use crate::process;
use crate::programs::{build_tests, cargo_build, turbo};
use crate::progress::Step;
use crate::project::Project;

/// `sightwire` and `sightwire-bench` in `target/release`, or in `target/debug` with all tests. Only cargo knows what is stale.
pub(super) fn part() -> Part {
    let wanted = |project: &Project, purpose: Purpose| {
        let there = purpose.server(project).is_file();
        (!there).then(|| "compile the server (cargo build; some minutes the first time)".into())
    };
    Part::new("build", wanted, build).always()
}

fn build(project: &Project, purpose: Purpose, step: &mut Step) -> Result<Outcome> {
    let mut build = match purpose {
        Purpose::Demo => cargo_build(project, &["build", "--release"]),
        // Tests switch features of shared crates on: with them from the start, nothing is compiled twice.
        Purpose::Test | Purpose::Full => build_tests(project),
    };
    let ended = process::must(project, step, "build", &mut build)?;
    let compiled = ended.output.lines().filter(|line| line.trim_start().starts_with("Compiling ")).count();
    let words = match compiled {
        0 => "up to date".to_owned(),
        1 => "1 crate compiled".to_owned(),
        n => format!("{n} crates compiled"),
    };
    Ok(Outcome::Done(words + if turbo() { "" } else { ", without libjpeg-turbo (no cmake)" }))
}
