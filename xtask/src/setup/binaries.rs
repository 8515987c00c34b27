//! The build: for the demo the server, and what draws pages after it; for benchmarks the load generator, too; for
//! tests all of it and all tests, in the dev profile.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::building::{BuildProgress, build_times, tell_progress};
use super::{Outcome, Part, Purpose};
use crate::lints;
use crate::process;
use crate::programs::{build_tests, can_build_turbo, cargo_build, cargo_command};
use crate::progress::Step;
use crate::project::Project;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Built {
    /// `sightwire` in `target/demo`.
    Server,
    /// The same, and `sightwire-draw` beside it: the server asks it for pages of PDF, AVIF and HEIC.
    Drawing,
    /// All that users and benchmarks run.
    Programs,
    /// All tests and what they start, in `target/debug`.
    Tests,
}

impl Built {
    fn from_purpose(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Demo | Purpose::Once => Self::Server,
            Purpose::Bench => Self::Programs,
            Purpose::Test | Purpose::Full => Self::Tests,
        }
    }

    /// The packages that are named; none are the workspace's default members, or all.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Server => &["--package=sightwire"],
            // Named together, so that features are the same as those of the server that is there.
            Self::Drawing => &["--package=sightwire", "--package=sightwire-draw"],
            Self::Programs | Self::Tests => &[],
        }
    }
}

/// What is compiled, brought first: a build without a network then says so at once.
pub(super) fn crates_part() -> Part {
    let wanted = |_: &Project, _| None;
    Part::new("crates", wanted, |project, _, step| {
        // Nothing for other systems.
        let mut fetch = cargo_command(project, &["fetch", "--locked", "--target", &host_triple()?]);
        process::run_required(project, step, "fetch", &mut fetch).context(
            "fetch what Cargo.lock names; without a network, this works once all of it has been fetched",
        )?;
        Ok(Outcome::done("all there"))
    })
    .always()
}

/// The system that is built for.
fn host_triple() -> Result<String> {
    let said = process::command_output("rustc", &["-vV"]).unwrap_or_default();
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` names no host")
}

/// `sightwire` and what else a purpose needs. Only cargo knows what is stale.
pub(super) fn binaries_part() -> Part {
    let wanted = |project: &Project, purpose: Purpose| {
        let there = purpose.server_program(project).is_file();
        (!there).then(|| "compile the server (cargo build; some minutes the first time)".into())
    };
    Part::new("build", wanted, |project, purpose, step| {
        let compiled = build_binaries(project, Built::from_purpose(purpose), step, false)?;
        let words = match compiled {
            0 => "up to date".to_owned(),
            1 => "1 crate compiled".to_owned(),
            n => format!("{n} crates compiled"),
        };
        Ok(Outcome::Done(words + if can_build_turbo() { "" } else { ", without libjpeg-turbo (no cmake)" }))
    })
    .always()
}

/// Compiles what draws pages, while the server that will ask it runs already; gives way to it.
pub(super) fn build_drawing(project: &Project, step: &mut Step) -> Result<usize> {
    build_binaries(project, Built::Drawing, step, true)
}

/// For how long that will go on, where nothing of it is there yet.
pub(super) fn drawing_takes(project: &Project) -> Option<Duration> {
    let mut packages = compiled_for(project, Built::Drawing);
    let server = packages_of(project, Built::Server);
    packages.retain(|name| !server.contains(name));
    let times = build_times();
    let seconds: f64 = packages.iter().filter_map(|name| times.get(name.as_str())).sum();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (seconds > 0.0).then(|| Duration::from_secs_f64(seconds / cores as f64))
}

fn build_binaries(project: &Project, built: Built, step: &mut Step, quietly: bool) -> Result<usize> {
    let mut build = match built {
        // Tests switch features of shared crates on: with them from the start, nothing is compiled twice.
        Built::Tests => build_tests(project),
        _ => cargo_build(project, &["build", "--profile", project.profile(), "--locked"]),
    };
    build.args(built.packages());
    tell_progress(&mut build);
    if built == Built::Tests {
        lints::record_build(project, &mut build)?;
    }
    let log = if built == Built::Drawing { "build-drawing" } else { "build" };
    if quietly {
        build = process::at_idle_priority(&build);
    }
    let mut progress = BuildProgress::new(compiled_for(project, built));
    let ended = process::run_watched(project, step, log, &mut build, false, Some(&mut progress))?;
    if !ended.status.success() {
        match explain_failure(&ended.output) {
            Some(why) => bail!("{why}.\n{}", ended.tail(6)),
            None => return ended.require_success(&build).map(|_| 0),
        }
    }
    Ok(progress.compiled_count())
}

/// What is compiled where nothing is there yet; else nobody needs to know how long it takes.
fn compiled_for(project: &Project, built: Built) -> BTreeSet<String> {
    let there = match built {
        Built::Server | Built::Programs => project.program_path("sightwire"),
        Built::Drawing => project.program_path("sightwire-draw"),
        Built::Tests => project.debug_program("sightwire"),
    };
    if there.is_file() { BTreeSet::new() } else { packages_of(project, built) }
}

/// The packages that it is made of.
fn packages_of(project: &Project, built: Built) -> BTreeSet<String> {
    let mut tree = cargo_command(project, &["tree", "--locked", "--prefix=none", "--format={p}"]);
    match built {
        Built::Tests => tree.args(["--workspace", "--edges=all"]),
        _ => tree.arg("--edges=normal,build").args(built.packages()),
    };
    let Ok(output) = tree.output() else { return BTreeSet::new() };
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// What to do about a build that failed for want of something that is not in the code.
fn explain_failure(output: &str) -> Option<String> {
    if output.contains("No space left on device") || output.contains("os error 28") {
        return Some(
            "the disk is full: a build takes 2 GB, and one of all tests 12 GB. Free some, or name a folder on another disk \
             (CARGO_TARGET_DIR=/elsewhere), and run the same command again; what is compiled is kept"
                .into(),
        );
    }
    let was_killed =
        output.contains("signal: 9, SIGKILL") || output.contains("Killed signal terminated program");
    was_killed.then(|| {
        "a compiler was killed, most likely for want of memory (it takes up to 1.2 GB for each core). Close other \
         programs, or compile one crate at a time (CARGO_BUILD_JOBS=1), and run the same command again; what is \
         compiled is kept"
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_too_little_memory_say_what_to_do() {
        let full = "error: failed to write `/t/lib.rmeta`: No space left on device (os error 28)";
        assert!(explain_failure(full).unwrap().contains("CARGO_TARGET_DIR"));
        let killed = "error: could not compile `x` (lib)\n\nCaused by:\n  process didn't exit successfully: `rustc` (signal: 9, SIGKILL: kill)";
        assert!(explain_failure(killed).unwrap().contains("CARGO_BUILD_JOBS=1"));
        assert_eq!(explain_failure("error[E0425]: cannot find value `x` in this scope"), None);
    }
}
