//! `cargo xtask bench neighbours [MODEL…]`: the sign recogniser beside programs that take all they can get, and within a quota.
//!
//! What is fair is measured in the same place: a plain program with as many busy threads as the server has workers.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::{available_parallelism, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{Section, generator_path, start_server, stdout_of};
use crate::project::Project;

const SECONDS: u32 = 10;
const CLIENTS: &str = "10";
/// Clock ticks a second, in which `/proc/PID/stat` counts CPU time.
const TICKS: f64 = 100.0;
/// Where the neighbour that builds does so.
const BUILD: &str = "bench-build";
const LOOP: &str = "while :; do :; done";

/// Where the server runs.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Alone,
    SameSession,
    OtherSession,
    /// A build with a job for each CPU, in the same session.
    Build,
    /// Half a core of CPU quota.
    Quota,
}

/// Measures all places and writes them into the page.
pub(super) fn bench_neighbours(args: &[String]) -> Result<ExitCode> {
    let usual = ["gestures".to_owned()];
    let models = if args.is_empty() { &usual } else { args };
    let mut section = Section::set_up("neighbours")?;
    let project = section.project.clone();
    let _ = write!(
        section.text,
        " {CLIENTS} clients × 25 fps, {SECONDS} s each; fair is what as many busy threads get there.\n\n\
         | model | where | predictions/s | frames analysed/s | replies p50 ms | p99 | max | server cores | fair cores | share |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    let places = [
        (Place::Alone, "alone"),
        (Place::SameSession, "two busy loops in the same session"),
        (Place::OtherSession, "two busy loops in another session"),
        (Place::Build, "a build in the same session"),
        (Place::Quota, "half a core (CFS quota)"),
    ];
    for model in models {
        for (place, title) in places {
            eprintln!("{model}, {title}");
            section.text.push_str(&measure_row(&project, place, title, model)?);
        }
    }
    let _ = fs::remove_dir_all(project.own_path(BUILD));
    section.finish_page(true)
}

fn measure_row(project: &Project, place: Place, title: &str, model: &str) -> Result<String> {
    let _quota = if place == Place::Quota { Some(Quota::enter()?) } else { None };
    let settings = [&format!("recognizer.model={model}"), "recognizer.max_clients=5000"];
    let server = start_server(project, "server-bench", &settings)?;
    if place == Place::Quota {
        Quota::step_out()?;
    }
    let neighbours = start_neighbours(project, place)?;
    let mut load = Command::new("setsid");
    load.arg("--wait").arg(generator_path(project));
    load.args(["sign", "--url", server.url(), "--json", "--clients", CLIENTS]);
    load.args(["--seconds", &SECONDS.to_string()]);
    let report = stdout_of(&mut load)?;
    drop(neighbours);
    server.stop()?;
    let report: Value = serde_json::from_str(&report).context("read the load generator's report")?;
    let number = |path: &str| report.pointer(path).and_then(Value::as_f64).unwrap_or(f64::NAN);
    let used = number("/server/cores");
    let fair = measure_fair_share(project, place)?;
    let shares =
        if place == Place::Alone { "—".to_owned() } else { format!("{:.0} %", 100.0 * used / fair) };
    Ok(format!(
        "\n| {model} | {title} | {:.0} | {:.0} | {:.1} | {:.1} | {:.0} | {used:.2} | {fair:.2} | {shares} |",
        number("/analysis/predictions_per_s"),
        number("/analysis/analysed_per_s"),
        number("/delay_ms/reply_from_due/p50"),
        number("/delay_ms/reply_from_due/p99"),
        number("/delay_ms/reply_from_due/max"),
    ))
}

/// Cores that a plain program with a busy thread for each CPU gets in that place.
fn measure_fair_share(project: &Project, place: Place) -> Result<f64> {
    let _quota = if place == Place::Quota { Some(Quota::enter()?) } else { None };
    let threads =
        available_parallelism().map_or(1, usize::from).max(if place == Place::Quota { 2 } else { 1 });
    let plain = Busy::start_loops(threads)?;
    if place == Place::Quota {
        Quota::step_out()?;
    }
    let _neighbours = start_neighbours(project, place)?;
    let used = || plain.iter().map(|busy| cpu_ticks(busy.0.id())).sum::<f64>();
    let (before, begun) = (used(), Instant::now());
    sleep(Duration::from_secs(5));
    Ok((used() - before) / TICKS / begun.elapsed().as_secs_f64())
}

fn start_neighbours(project: &Project, place: Place) -> Result<Vec<Busy>> {
    match place {
        Place::Alone | Place::Quota => Ok(Vec::new()),
        Place::SameSession => Busy::start_loops(2),
        // `setsid` becomes the loop itself, since it leads no group.
        Place::OtherSession => (0..2).map(|_| Busy::start("setsid", &["sh", "-c", LOOP])).collect(),
        Place::Build => {
            let folder = project.own_path(BUILD);
            let build = format!(
                "while :; do rm -rf {0:?}; cargo build -q --offline -p sightwire-track --target-dir {0:?}; done",
                folder.display().to_string()
            );
            // It ends all that it has started.
            let limit = (4 * SECONDS).to_string();
            Ok(vec![Busy::start("timeout", &[&limit, "sh", "-c", &build])?])
        }
    }
}

/// A program that takes all it can get. Ends with this.
pub(super) struct Busy(Child);

impl Busy {
    /// So many that each fill a core.
    pub(super) fn start_loops(count: usize) -> Result<Vec<Self>> {
        (0..count).map(|_| Self::start("sh", &["-c", LOOP])).collect()
    }

    fn start(program: &str, args: &[&str]) -> Result<Self> {
        let child = Command::new(program).args(args).stdin(Stdio::null()).spawn();
        Ok(Self(child.with_context(|| format!("start {program}"))?))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

fn cpu_ticks(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|field| field.parse::<f64>().ok()).sum()
}

/// A control group of half a core, for as long as this lives.
struct Quota(PathBuf);

impl Quota {
    /// What is started from now on is in it, until [`Quota::step_out`].
    fn enter() -> Result<Self> {
        let (root, files) = cgroup_hierarchy();
        let group = root.join("sightwire-bench");
        fs::create_dir_all(&group).with_context(|| format!("make the control group {}", group.display()))?;
        for (file, value) in files {
            fs::write(group.join(file), value)
                .with_context(|| format!("write {file} of {}", group.display()))?;
        }
        fs::write(group.join("cgroup.procs"), "0").context("enter the control group")?;
        Ok(Self(group))
    }

    fn step_out() -> Result<()> {
        fs::write(cgroup_hierarchy().0.join("cgroup.procs"), "0").context("leave the control group")
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        let _ = Self::step_out();
        let _ = fs::remove_dir(&self.0);
    }
}

/// Of control groups: version 1 where its controller is there, else version 2.
fn cgroup_hierarchy() -> (&'static Path, &'static [(&'static str, &'static str)]) {
    let first = Path::new("/sys/fs/cgroup/cpu");
    if first.is_dir() {
        (first, &[("cpu.cfs_period_us", "100000"), ("cpu.cfs_quota_us", "50000")])
    } else {
        (Path::new("/sys/fs/cgroup"), &[("cpu.max", "50000 100000")])
    }
}
