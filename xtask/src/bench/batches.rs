//! `cargo xtask bench batches [--pairs N] [--pages N]`: what it costs that workers read a folder. One `sightwire read` with a thread for each of
//! them, and `sightwire read --cluster` with workers of one thread each over a Redis of their own, in turn.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;

use super::read::{make_pictures, python_environment};
use super::turns::{PAIRS, in_turn, parse_pairs};
use super::{Section, median, stdout_of};
use crate::process;
use crate::programs::sightwire_command;
use crate::project::{Project, remove_path};
use crate::redis::Redis;
use crate::setup::Purpose;

/// Of one thread each.
const WORKERS: usize = 2;
/// Pictures in the folder, unless others are asked for; the page takes no fewer.
const PAGES: usize = 100;
/// The least that workers may read for each picture of one process.
const TARGET: f64 = 0.95;
/// For a worker to find Redis.
const START: Duration = Duration::from_secs(20);

/// What is read, and what workers have in common.
struct Batch {
    project: Project,
    folder: PathBuf,
    pages: usize,
    /// Of workers and of the command that has them read.
    shared: Vec<String>,
}

/// `sightwire worker`; stopped at the latest when this is dropped.
struct Worker {
    child: Child,
    log: PathBuf,
}

/// Measures it and writes it into the page.
pub(super) fn bench_batches(args: &[String]) -> Result<ExitCode> {
    let (pairs, more) = parse_pairs(args)?;
    let pages = match more {
        [] => PAGES,
        [name, pages] if name == "--pages" => pages.parse().context("--pages takes a number")?,
        _ => anyhow::bail!("after `--pairs N` only `--pages N` may follow"),
    };
    ensure!(pairs > 0 && pages > 1, "at least one pair and two pages are needed");
    let mut section = Section::set_up("batches")?;
    let project = section.project.clone();
    let redis = Redis::start(&project)?;
    let batch = Batch::with_pages(&project, &redis, pages)?;
    let workers: Vec<Worker> = (0..WORKERS).map(|index| batch.start_worker(index)).collect::<Result<_>>()?;
    let table = batch.compare_pairs(pairs)?;
    section.add_text(&table);
    let read = workers.into_iter().map(Worker::stop).collect::<Result<Vec<_>>>()?;
    let read: Vec<String> = read.iter().map(u64::to_string).collect();
    section.add_text(&format!("Pictures that each of the workers read in all: {}.", read.join(" and ")));
    section.finish_page(pairs >= PAIRS && pages >= PAGES)
}

impl Batch {
    /// Fills the folder with the pictures of `bench read`, again and again.
    fn with_pages(project: &Project, redis: &Redis, pages: usize) -> Result<Self> {
        let made = make_pictures(project, &python_environment(project)?, "benchmark", &[])?;
        let mut files: Vec<PathBuf> =
            fs::read_dir(&made)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        files.retain(|file| file.extension().is_some_and(|end| end == "jpg" || end == "png"));
        files.sort();
        let [folder, jobs] = ["pages", "jobs"].map(|name| project.own_path("bench/batches").join(name));
        for folder in [&folder, &jobs] {
            remove_path(folder)?;
            fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        }
        for (number, file) in files.iter().cycle().take(pages).enumerate() {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            fs::copy(file, folder.join(format!("{number:05}-{name}")))
                .with_context(|| format!("copy {}", file.display()))?;
        }
        let shared = vec![
            format!("cluster.redis_url={}", redis.url()),
            format!("cluster.folders=[\"{}\"]", folder.display()),
            format!("cluster.jobs_folder={}", jobs.display()),
        ];
        Ok(Self { project: project.clone(), folder, pages, shared })
    }

    fn start_worker(&self, index: usize) -> Result<Worker> {
        let name = format!("bench-worker-{index}");
        let log = self.project.log_path(&name);
        let mut command =
            sightwire_command(&self.project, Purpose::Demo, &["worker", "--set", "engine.threads=1"]);
        command.args(self.shared.iter().flat_map(|setting| ["--set", setting]));
        let is_there = || fs::read_to_string(&log).is_ok_and(|said| said.contains("jobs in "));
        let child = process::start_process(&name, &mut command, &log, START, is_there)?;
        Ok(Worker { child, log })
    }

    /// Seconds that one process takes with a thread for each worker, and what it reads.
    fn read_alone(&self, what: &Path) -> Result<(f64, String)> {
        self.run_read(what, &["--set".to_owned(), format!("engine.threads={WORKERS}")])
    }

    /// Seconds that workers take, and what they read.
    fn read_shared(&self, what: &Path) -> Result<(f64, String)> {
        let settings = self.shared.iter().flat_map(|setting| ["--set".to_owned(), setting.clone()]);
        self.run_read(what, &["--cluster".to_owned()].into_iter().chain(settings).collect::<Vec<_>>())
    }

    fn run_read(&self, what: &Path, more: &[String]) -> Result<(f64, String)> {
        let mut command =
            sightwire_command(&self.project, Purpose::Demo, &["read", "--format", "json", "--no-times"]);
        command.arg(what).args(more);
        let begun = Instant::now();
        let text = stdout_of(&mut command)?;
        Ok((begun.elapsed().as_secs_f64(), text))
    }

    /// The table of pairs, and what it comes to.
    fn compare_pairs(&self, pairs: usize) -> Result<String> {
        eprintln!("a first time, which does not count");
        self.read_shared(&self.folder)?;
        self.read_alone(&self.folder)?;
        let mut text = format!(
            "`sightwire read` of {} pictures, {WORKERS} threads, and `sightwire read --cluster` with {WORKERS} workers of one thread\n\n\
             | pair | one process: s | pictures/s | {WORKERS} workers: s | pictures/s | ratio | one picture, one process: s | one picture, workers: s | ratio of the rest |\n\
             |{}",
            self.pages,
            " ---: |".repeat(9)
        );
        let one_file = self.first_picture()?;
        let (mut ratios, mut of_rest) = (Vec::new(), Vec::new());
        for pair in 0..pairs {
            let both = |what: &Path| {
                let names = ["one process", "workers"];
                let [alone, shared] =
                    in_turn((pair, pairs), names, || self.read_alone(what), || self.read_shared(what))?;
                ensure!(
                    alone.1 == shared.1,
                    "what workers read of {} is not what one process reads",
                    what.display()
                );
                Ok([alone.0, shared.0])
            };
            let [alone_first, shared_first] = both(&one_file)?;
            let [alone, shared] = both(&self.folder)?;
            let ratio = alone / shared;
            let rest = (alone - alone_first) / (shared - shared_first);
            let rate = |seconds: f64| self.pages as f64 / seconds;
            let _ = write!(
                text,
                "\n| {} | {alone:.2} | {:.2} | {shared:.2} | {:.2} | {ratio:.3} | {alone_first:.2} | {shared_first:.2} | {rest:.3} |",
                pair + 1,
                rate(alone),
                rate(shared),
            );
            ratios.push(ratio);
            of_rest.push(rest);
        }
        let _ = write!(
            text,
            "\n\nMedians of pairs: workers read {:.3} times as many pictures a second as one process (target: at least {TARGET}), and {:.3} times without what \
             a single picture takes.",
            median(&mut ratios),
            median(&mut of_rest),
        );
        Ok(text)
    }

    /// A picture of the folder.
    fn first_picture(&self) -> Result<PathBuf> {
        let mut files: Vec<PathBuf> =
            fs::read_dir(&self.folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        files.sort();
        files.into_iter().next().context("the folder is empty")
    }
}

impl Worker {
    /// Ends it; how many pictures it has read.
    fn stop(mut self) -> Result<u64> {
        process::stop_process(&mut self.child, Signal::SIGTERM)?;
        let said = fs::read_to_string(&self.log).with_context(|| format!("read {}", self.log.display()))?;
        files_read(&said)
            .with_context(|| format!("{} does not say how many files were read", self.log.display()))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = process::stop_process(&mut self.child, Signal::SIGTERM);
    }
}

/// Of a worker's last words.
fn files_read(said: &str) -> Option<u64> {
    said.lines().rev().find_map(|line| line.split_once(" files read, ")?.0.rsplit(' ').next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_says_last_how_much_it_has_read() {
        let said = "worker bench-1: jobs in /jobs, Redis at 127.0.0.1:1\n412 files read, 103 chunks ended\n";
        assert_eq!(files_read(said), Some(412));
        assert_eq!(files_read("stopped before that: others read what was in progress\n"), None);
    }
}
