//! Loads that servers are compared under, and what a run of one comes to.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{ask, stdout_of};
use crate::programs::sightwire_command;
use crate::project::Project;
use crate::server::Server;
use crate::setup::Purpose;

/// A scenario of the load generator, and the settings of its server.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// Of `sightwire-bench`, where it makes the load.
    pub(super) args: &'static str,
    pub(super) counts: Counts,
    pub(super) settings: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Counts {
    /// Milliseconds of CPU a second, with nothing to do: what it costs, alone.
    Idle,
    /// Seconds of CPU, where the rate is fixed.
    Cpu,
    /// Milliseconds of CPU a frame, from a report in JSON: past capacity the CPU is all used.
    Frame,
    /// Milliseconds of CPU a page that is read.
    Page,
}

/// What one run came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    /// As the load [`Counts`].
    pub(super) cpu: f64,
    /// Milliseconds of CPU for each picture; NaN where none are sent.
    pub(super) cpu_per_picture_ms: f64,
    /// Pictures a second: analysed, delivered or read.
    pub(super) rate: f64,
    /// How long the answer to a picture took, or how old the picture was; of 100 one took longer.
    pub(super) p99_ms: f64,
}

/// How long nothing is done.
const REST: Duration = Duration::from_secs(20);
/// Pages of a run: how many different ones, and how often each.
const PAGES: u32 = 3;
const ROUNDS: u32 = 4;

pub(super) const IDLE: Load = Load {
    name: "idle",
    title: "nothing to do: CPU ms a second",
    args: "",
    counts: Counts::Idle,
    settings: &["recognizer.dummy=true"],
};

pub(super) const SIGN: Load = Load {
    name: "sign",
    title: "sign recognition, 40 clients × 25 fps: CPU ms a frame analysed",
    args: "sign --clients 40 --seconds 10 --json",
    counts: Counts::Frame,
    settings: &["recognizer.max_clients=5000", "recognizer.model=gestures"],
};

pub(super) const RELAY: Load = Load {
    name: "relay",
    title: "relay, 16 streams × 16 viewers × 20 fps: CPU s",
    args: "relay --streams 16 --viewers 16 --fps 20 --seconds 10 --lossy --json",
    counts: Counts::Cpu,
    settings: &["relay.max_viewers=2000", "relay.lower_quality=false", "recognizer.dummy=true"],
};

pub(super) const FAN_OUT: Load = Load {
    name: "fan-out",
    title: "fan-out, one camera, 200 viewers × 30 fps: CPU s",
    args: "cameras fan-out --viewers 200 --seconds 10 --pairs 0",
    counts: Counts::Cpu,
    settings: &[
        "cameras.allow=127.0.0.0/8",
        "cameras.max_viewers=2000",
        "cameras.lower_quality=false",
        "recognizer.dummy=true",
    ],
};

pub(super) const VIEWS: Load = Load {
    name: "views",
    title: "one camera × 25 fps, an analysis, two views drawn and one of lower quality: CPU s",
    args: "cameras views --fps 25 --seconds 10",
    counts: Counts::Cpu,
    settings: &["cameras.allow=127.0.0.0/8", "detector.model=motion", "recognizer.dummy=true"],
};

pub(super) const PAGE: Load = Load {
    name: "page",
    title: "pages of text, one after the other: CPU ms a page",
    args: "",
    counts: Counts::Page,
    settings: &["recognizer.dummy=true"],
};

impl Load {
    /// What a server that has just started does under it; the generator is `sightwire-bench`.
    pub(super) fn run_load(&self, project: &Project, server: &Server, generator: &Path) -> Result<Figures> {
        match self.counts {
            Counts::Idle => {
                thread::sleep(Duration::from_secs(2)); // what is done once, at the start
                let before = cpu_s(server.pid())?;
                thread::sleep(REST);
                let cpu = 1e3 * (cpu_s(server.pid())? - before) / REST.as_secs_f64();
                Ok(Figures { cpu, cpu_per_picture_ms: f64::NAN, rate: 0.0, p99_ms: f64::NAN })
            }
            Counts::Page => read_pages(project, server),
            Counts::Cpu | Counts::Frame => {
                let before = cpu_s(server.pid())?;
                let mut command = Command::new(generator);
                let report = stdout_of(command.args(self.args.split(' ')).args(["--url", server.url()]))?;
                let used = cpu_s(server.pid())? - before;
                self.parse_figures(&report, used)
                    .with_context(|| format!("read the report of `{}`", self.args))
            }
        }
    }

    fn parse_figures(&self, report: &str, used: f64) -> Result<Figures> {
        let json: Value = serde_json::from_str(report).unwrap_or_default();
        let number = |path: &str| json.pointer(path).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let (cpu, cpu_per_picture_ms, rate, p99_ms) = match self.name {
            "sign" => {
                let rate = number("/analysis/analysed_per_s");
                let cpu = 1e3 * number("/server/cores") / rate;
                (cpu, cpu, rate, number("/delay_ms/reply_from_due/p99"))
            }
            "relay" => {
                let pictures = number("/0/pictures");
                let each = 1e3 * number("/0/cpu_s/0") / pictures;
                (used, each, pictures / number("/0/seconds"), number("/0/age_ms/p99"))
            }
            _ => {
                let cell = |name| parse_cell(report, name).unwrap_or(f64::NAN);
                (used, 1e3 * used / (10.0 * cell("parts/s")), cell("parts/s"), cell("p99"))
            }
        };
        ensure!(rate > 0.0, "no rate in it: {report}");
        Ok(Figures { cpu, cpu_per_picture_ms, rate, p99_ms })
    }
}

/// A number of the first row of a Markdown table.
fn parse_cell(table: &str, column: &str) -> Option<f64> {
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let mut lines = table.lines().filter(|line| line.starts_with('|'));
    let at = cells(lines.next()?).iter().position(|name| name == column)?;
    cells(lines.nth(1)?).get(at)?.parse().ok()
}

/// Sends generated pages, each after the answer to the one before.
fn read_pages(project: &Project, server: &Server) -> Result<Figures> {
    let folder = project.own_path("bench/pages");
    let count = PAGES.to_string();
    let mut sample =
        sightwire_command(project, Purpose::Demo, &["sample", "page", "--frames", &count, "--out"]);
    stdout_of(sample.arg(&folder))?;
    let pages = (0..PAGES)
        .map(|page| folder.join(format!("{page:03}.jpg")))
        .map(|path| fs::read(&path).with_context(|| format!("read {}", path.display())))
        .collect::<Result<Vec<_>>>()?;
    // The first ones load the model, for each size of page.
    pages.iter().try_for_each(|page| read_page(server.url(), page).map(drop))?;
    let (before, begun) = (cpu_s(server.pid())?, Instant::now());
    let mut delays = Vec::new();
    for _ in 0..ROUNDS {
        for page in &pages {
            delays.push(read_page(server.url(), page)?.as_secs_f64() * 1e3);
        }
    }
    let read = delays.len() as f64;
    let cpu = 1e3 * (cpu_s(server.pid())? - before) / read;
    let p99_ms = delays.iter().copied().fold(0.0, f64::max);
    Ok(Figures { cpu, cpu_per_picture_ms: cpu, rate: read / begun.elapsed().as_secs_f64(), p99_ms })
}

/// Has a picture read; how long that took.
fn read_page(url: &str, picture: &[u8]) -> Result<Duration> {
    let begun = Instant::now();
    ask::post_jpeg(url, "/api/v1/read", picture)?;
    Ok(begun.elapsed())
}

/// CPU time of a process, of the threads that it has: finer than the ticks of `/proc/PID/stat`.
pub(super) fn cpu_s(pid: u32) -> Result<f64> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).context("the server is gone")?;
    let of_thread = |thread: fs::DirEntry| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    };
    Ok(threads.flatten().filter_map(of_thread).sum::<f64>() / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_as_a_table_is_read_by_the_names_of_its_columns() {
        let table = "30 pictures a second:\n\n| viewers | parts/s | p99 |\n| ---: | ---: | ---: |\n| 200 | 6000 | 3.5 |\n";
        assert_eq!(parse_cell(table, "parts/s"), Some(6000.0));
        assert_eq!(parse_cell(table, "p99"), Some(3.5));
        assert_eq!(parse_cell(table, "p95"), None);
        let figures = FAN_OUT.parse_figures(table, 6.0).unwrap();
        assert!((figures.cpu_per_picture_ms - 0.1).abs() < 1e-9, "{figures:?}");
        assert!(FAN_OUT.parse_figures("nothing", 6.0).is_err());
    }
}
