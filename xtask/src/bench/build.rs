//! `cargo xtask bench build`: what each package takes to compile for the demo, into `docs/build-times.tsv`.
//! `cargo xtask bench first-page [REV…]`: how long a fresh clone takes until its first page answers, of several commits in turn.
//! Crates are downloaded before; npm packages, the library that runs models and the model that reads text are not.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use super::{ask, describe_machine, revision};
use crate::calibration::Calibration;
use crate::interrupt;
use crate::process::{self, stop_process};
use crate::programs::{cargo_build, cargo_command, list_packages};
use crate::progress::{End, Step};
use crate::project::{Project, remove_path};
use crate::setup::{self, Purpose};

/// Read by `setup` for how far a build is, and by a test.
const TABLE: &str = "docs/build-times.tsv";
/// What users and benchmarks run.
const PACKAGES: [&str; 3] = ["sightwire", "sightwire-draw", "sightwire-bench"];
/// The longest that a demo may take from nothing.
const PATIENCE: Duration = Duration::from_mins(120);

/// Compiles everything anew and writes the table.
pub(super) fn bench_build(args: &[String]) -> Result<ExitCode> {
    ensure!(args.is_empty(), "bench build takes no arguments");
    let project = Project::here()?;
    // The page has to be there, since the server embeds it.
    setup::install_parts(&project, Purpose::Bench)?;
    let calibration = Calibration::measure()?;
    let target = project.own_path("bench/build");
    remove_path(&target)?;
    let mut build =
        cargo_build(&project, &["build", "--profile", project.profile(), "--locked", "--timings"]);
    for package in PACKAGES {
        build.args(["--package", package]);
    }
    build.arg("--target-dir").arg(&target);
    let mut step = Step::start("build");
    process::run_required(&project, &mut step, "bench-build", &mut build)?;
    step.end(End::Ok, "all of it, anew");
    let report = fs::read_to_string(target.join("cargo-timings/cargo-timing.html"))
        .context("read cargo's report of times")?;
    let mut seconds = unit_seconds(&report).context("cargo's report of times has another form now")?;
    let all: f64 = seconds.values().sum();
    // What is for other systems, and what only tests use, has a row, too: that a package has none means that nobody looked.
    for package in list_packages(&project, &["--locked"])? {
        seconds.entry(package["name"].as_str().unwrap_or_default().to_owned()).or_insert(0.0);
    }
    let mut text = format!(
        "# Seconds of CPU that each package takes in the demo's build of {}; 0 where it is not compiled for it.\n\
         # `cargo xtask bench build` writes this file. {} {calibration}.\n",
        PACKAGES.join(", "),
        describe_machine(&project),
    );
    for (name, seconds) in &seconds {
        let _ = writeln!(text, "{name}\t{seconds:.1}");
    }
    fs::write(project.join_root(TABLE), text).with_context(|| format!("write {TABLE}"))?;
    remove_path(&target)?;
    let mut rows: Vec<_> = seconds.into_iter().collect();
    rows.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    println!("{calibration}; all {all:.0} s, {:.0} loops", calibration.loops(Duration::from_secs_f64(all)));
    for (name, seconds) in rows.iter().take(40) {
        println!("{seconds:>7.1} s {:>5.1} %  {name}", 100.0 * seconds / all);
    }
    Ok(ExitCode::SUCCESS)
}

/// Seconds by package in the report of `cargo build --timings`: of all its units, build scripts and their runs among them.
fn unit_seconds(report: &str) -> Option<BTreeMap<String, f64>> {
    let (_, rest) = report.split_once("const UNIT_DATA = ")?;
    let (units, _) = rest.split_once(";\n")?;
    let mut seconds = BTreeMap::new();
    for unit in serde_json::from_str::<Value>(units).ok()?.as_array()? {
        *seconds.entry(unit["name"].as_str()?.to_owned()).or_insert(0.0) += unit["duration"].as_f64()?;
    }
    Some(seconds)
}

/// Runs the demo of each commit in a fresh clone.
pub(super) fn first_page(args: &[String]) -> Result<ExitCode> {
    let project = Project::here()?;
    let usual = ["HEAD".to_owned()];
    let mut rows = String::new();
    for revision in if args.is_empty() { &usual } else { args } {
        let commit = revision::resolve_commit(&project, revision)?;
        let other = revision::checkout_commit(&project, &commit, "first-page", true)?;
        let calibration = Calibration::measure()?;
        let mut step = Step::start("cargo fetch");
        process::run_required(
            &other,
            &mut step,
            "fetch",
            &mut cargo_command(&other, &["fetch", "--locked"]),
        )?;
        step.end(End::Ok, "crates are downloaded before the clock starts");
        let first = measure_demo(&other)?;
        let row = format!(
            "| {} | {:.0} | {:.0} | {:.0} | {:.0} | {:.2} |",
            &commit[..10],
            first.page.as_secs_f64(),
            calibration.loops(first.page),
            first.cpu.as_secs_f64(),
            calibration.loops(first.cpu),
            calibration.time(1.0).as_secs_f64(),
        );
        eprintln!("{row}");
        let _ = write!(rows, "\n{row}");
    }
    println!(
        "\n{}\n\n| commit | first page s | in loops | CPU s, all that is built later included | in loops | the loop s |\n\
         | --- | ---: | ---: | ---: | ---: | ---: |{rows}",
        describe_machine(&project)
    );
    Ok(ExitCode::SUCCESS)
}

/// How long a demo took from nothing.
struct FirstPage {
    page: Duration,
    cpu: Duration,
}

fn measure_demo(other: &Project) -> Result<FirstPage> {
    let port = TcpListener::bind("127.0.0.1:0").context("find a free port")?.local_addr()?.port();
    let address = format!("127.0.0.1:{port}");
    let (before, begun) = (process::children_cpu()?, Instant::now());
    let mut demo = cargo_command(other, &["xtask", "demo", "--listen", &address]);
    revision::without_our_settings(&mut demo);
    demo.process_group(0).stdin(Stdio::null());
    let mut child = demo.spawn().context("start `cargo xtask demo`")?;
    let page = waited_for(&mut child, begun, || ask::get_text(&format!("http://{address}"), "/").is_ok());
    // What comes later is a part of the price.
    let later = page.is_ok().then(|| waited_for(&mut child, begun, || all_built(other)));
    stop_process(&mut child, Signal::SIGINT)?;
    later.transpose()?;
    Ok(FirstPage { page: page?, cpu: process::children_cpu()?.saturating_sub(before) })
}

fn waited_for(child: &mut Child, begun: Instant, is_there: impl Fn() -> bool) -> Result<Duration> {
    while !is_there() {
        interrupt::check_interrupt()?;
        if let Some(status) = child.try_wait()? {
            bail!("the demo ended with {status}");
        }
        ensure!(
            begun.elapsed() < PATIENCE,
            "the demo did not get there within {} min",
            PATIENCE.as_secs() / 60
        );
        sleep(Duration::from_millis(100));
    }
    Ok(begun.elapsed())
}

/// Commits before the drawing program was one of its own have nothing to wait for.
fn all_built(other: &Project) -> bool {
    !other.join_root("crates/draw").is_dir() || other.program_path("sightwire-draw").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_of_a_package_are_those_of_all_its_units() {
        let report = "x\nconst UNIT_DATA = [{\"name\":\"a\",\"duration\":1.5},{\"name\":\"b\",\"duration\":2.0},\
            {\"name\":\"a\",\"duration\":0.5}];\nconst CONCURRENCY_DATA = [];\n";
        let seconds = unit_seconds(report).unwrap();
        assert_eq!(seconds.into_iter().collect::<Vec<_>>(), [("a".to_owned(), 2.0), ("b".to_owned(), 2.0)]);
        assert_eq!(unit_seconds("<html>"), None);
    }
}
