//! `cargo xtask bench NAME`: load ladders against servers of their own, into `docs/benchmarks.md`.
//!
//! - `build`: what each package takes to compile, into `docs/build-times.tsv`
//! - `first-page`: how long a fresh clone takes until its first page answers
//! - `pairs`: this tree and another commit, in turn under the same load
//!
//! - `attacks`: floods, messages that never end, idle connections; the server on one core
//! - `batches`: a folder read by workers over Redis, and by one process
//! - `sign`: the built-in model
//! - `hands`: looking for hands in a picture, and clients of whom each shows one
//! - `cameras`: pictures of one camera to many viewers, and what is found in them
//! - `cluster`: senders at one process and viewers at another, over Redis
//! - `kserve`: single pictures at a server that looks by itself and at one that asks another
//! - `neighbours`: the sign recogniser beside programs that take all they can get, and within a quota
//! - `pages`: JavaScript, CPU of a browser, frames and interactions of the pages
//! - `read`: text reading beside `RapidOCR`
//! - `relay`: pictures of streamers to viewers over WebSocket
//! - `telling`: what metrics, logs and a collector cost
//! - `wlasl20`: a model of the prototype's architecture with random weights, split and whole

mod ask;
mod batches;
mod build;
mod cluster;
mod kserve;
mod loads;
mod neighbours;
mod pages;
mod pairs;
mod read;
mod revision;
mod scenarios;
mod suites;
mod telling;
mod turns;

use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use crate::interrupt::{self, Interrupted};
use crate::process::{ask, stop, words};
use crate::programs::{cargo, sightwire};
use crate::project::Project;
use crate::server::Server;
use crate::setup::{self, Purpose};
use crate::unknown;

const PAGE: &str = "docs/benchmarks.md";
const LADDER: &str = "1,10,25,50,75,100,150,200,300";

/// One benchmark, with what stands after its name on the command line.
type Benchmark = fn(&[String]) -> Result<ExitCode>;

const BENCHMARKS: [(&str, Benchmark); 16] = [
    ("attacks", |args| scenarios::command(&suites::ATTACKS, args)),
    ("batches", batches::command),
    ("build", build::times),
    ("sign", sign),
    ("cameras", |args| scenarios::command(&suites::CAMERAS, args)),
    ("cluster", cluster::command),
    ("first-page", build::first_page),
    ("hands", hands),
    ("kserve", kserve::command),
    ("neighbours", neighbours::command),
    ("pages", pages::command),
    ("pairs", pairs::command),
    ("read", read::command),
    ("relay", |args| scenarios::command(&suites::RELAY, args)),
    ("telling", telling::command),
    ("wlasl20", wlasl20),
];

/// `cargo xtask bench`
pub(crate) fn command(mut args: lexopt::Parser) -> Result<ExitCode> {
    let mut args = args.raw_args()?.map(|arg| arg.to_string_lossy().into_owned());
    let names = BENCHMARKS.map(|(name, _)| name);
    let [others @ .., last] = names;
    let Some(wanted) = args.next() else {
        bail!("say which: cargo xtask bench {} or {last}", others.join(", "));
    };
    match BENCHMARKS.iter().find(|(name, _)| *name == wanted) {
        Some((_, bench)) => bench(&args.collect::<Vec<_>>()),
        None => bail!(unknown("benchmark", &wanted, &names)),
    }
}

/// A section of the page, measured anew.
struct Section {
    project: Project,
    name: &'static str,
    text: String,
}

impl Section {
    /// Sets up, and says where it is measured.
    fn begin(name: &'static str) -> Result<Self> {
        let project = Project::here()?;
        // That the page has no place for it is said now, not after a quarter of an hour of measuring.
        replaced(&project, name, "")?;
        setup::run(&project, Purpose::Bench)?;
        fs::create_dir_all(project.own("bench")).context("make a folder for benchmarks")?;
        let text = machine(&project);
        Ok(Self { project, name, text })
    }

    fn add(&mut self, text: &str) {
        self.text.push_str("\n\n");
        self.text.push_str(text.trim());
    }

    /// Shows it; a part of the tables is worth a look and not the page.
    fn end(self, whole: bool) -> Result<ExitCode> {
        println!("\n{}", self.text);
        if whole {
            let text = replaced(&self.project, self.name, &self.text)?;
            fs::write(self.project.at(PAGE), text).with_context(|| format!("write {PAGE}"))?;
            eprintln!("\nwritten into {PAGE}");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The recogniser's ladder. Arguments go to `sightwire-bench sign`, which has the defaults.
fn sign(args: &[String]) -> Result<ExitCode> {
    let mut section = Section::begin("sign")?;
    let table = ladder(&section.project, LADDER, &[], args)?;
    section.add(&table);
    section.end(true)
}

/// What finding hands costs for each picture, and how many clients can show one.
fn hands(args: &[String]) -> Result<ExitCode> {
    let mut section = Section::begin("hands")?;
    let project = section.project.clone();
    let home = store_with(&project, "hands")?;
    let pictures = [
        "run",
        "--quiet",
        "--profile",
        project.profile(),
        "-p",
        "sightwire-infer",
        "--example",
        "hands_bench",
    ];
    let pictures = stdout_of(cargo(&project, &pictures).env("SIGHTWIRE_HOME", &home))?;
    section.add(&format!("```text\n{}\n```", pictures.trim_end()));
    let settings = ["recognizer.model=hands".to_owned(), format!("store.home={}", home.display())];
    section.add(&ladder(&project, "1,10,20,40,80", &settings, &[&["--hand".to_owned()], args].concat())?);
    section.end(true)
}

/// A store of its own: where the model is, demo and tests would take it.
fn store_with(project: &Project, model: &str) -> Result<PathBuf> {
    let home = project.own("bench").join(model);
    fs::create_dir_all(&home).context("make a store for the benchmark")?;
    if !home.join("runtime").exists() {
        symlink(project.home().join("runtime"), home.join("runtime")).context("take the library along")?;
    }
    let mut pull = sightwire(project, Purpose::Demo, &["models", "pull", model]);
    stdout_of(pull.env("SIGHTWIRE_HOME", &home))?;
    Ok(home)
}

/// The prototype's own architecture: what each precision holds, and what splitting gains.
fn wlasl20(args: &[String]) -> Result<ExitCode> {
    let mut section = Section::begin("wlasl20")?;
    let project = section.project.clone();
    let sightwire = |args: &[&str]| stdout_of(&mut sightwire(&project, Purpose::Demo, args));
    sightwire(&["models", "pull", "importer"])?;
    let model = made_wlasl20(&project)?;
    sightwire(&["models", "import", &model, "--name", "bench-split"])?;
    sightwire(&["models", "import", &model, "--name", "bench-whole", "--whole"])?;
    for (title, name, precision, steps) in [
        ("Split, bf16", "bench-split", "bf16", "1,10,20,25,40,80"),
        ("Split, f32", "bench-split", "f32", "1,10,12,16,32,64"),
        ("Whole, bf16", "bench-whole", "bf16", "1,4,8,16"),
        ("Whole, f32", "bench-whole", "f32", "1,2,4,8"),
    ] {
        let settings = [format!("recognizer.model={name}"), format!("engine.precision={precision}")];
        let check = sightwire(&["models", "check", name, "--set", &settings[1]])?;
        let cost = check.lines().last().unwrap_or_default();
        let table = ladder(&project, steps, &settings, args)?;
        // The words under a table say the same of each.
        let rows = table.lines().filter(|line| line.starts_with('|')).collect::<Vec<_>>().join("\n");
        section.add(&format!("**{title}.** `{cost}`\n\n{rows}"));
    }
    section.end(true)
}

/// A Keras file of that architecture; the same weights each time.
fn made_wlasl20(project: &Project) -> Result<String> {
    let file = project.own("bench/wlasl20.h5");
    if !file.is_file() {
        let python = setup::importer_python(project).context("no importer on this machine")?;
        let mut make = Command::new(python);
        make.arg(project.at("tools/import/make_test_models.py"))
            .args(["--kind", "wlasl20", "--out"])
            .arg(&file);
        stdout_of(&mut make)?;
    }
    Ok(file.display().to_string())
}

/// The table of a ladder against a fresh server.
fn ladder(project: &Project, steps: &str, settings: &[String], args: &[String]) -> Result<String> {
    // The ladder is there to find what gives way; the limit on clients must not be it.
    let settings = [&["recognizer.max_clients=5000".to_owned()], settings].concat();
    against(project, "server-bench", &settings, |_| {
        let mut bench = Command::new(generator(project));
        bench.arg("sign").args(args);
        if !args.iter().any(|arg| arg.starts_with("--ladder")) {
            bench.args(["--ladder", steps]);
        }
        Ok(bench)
    })
}

/// What a load generator says of a fresh server.
fn against<S: AsRef<str>>(
    project: &Project,
    log: &str,
    settings: &[S],
    generator: impl FnOnce(&Server) -> Result<Command>,
) -> Result<String> {
    let server = start(project, log, settings)?;
    let text = stdout_of(generator(&server)?.args(["--url", server.url()]))?;
    server.stop()?;
    Ok(text)
}

fn generator(project: &Project) -> PathBuf {
    project.program("sightwire-bench")
}

/// A server with `section.key=value` settings, on a free port.
fn start<S: AsRef<str>>(project: &Project, log: &str, settings: &[S]) -> Result<Server> {
    let settings = settings.iter().flat_map(|setting| ["--set", setting.as_ref()]);
    let args: Vec<&str> = ["serve", "--listen", "127.0.0.1:0"].into_iter().chain(settings).collect();
    Server::start(project, log, &args)
}

/// What the program prints on stdout; its progress goes to our stderr.
fn stdout_of(command: &mut Command) -> Result<String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .with_context(|| format!("start `{}`", words(command)))?;
    let mut pipe = child.stdout.take().context("the benchmark's stdout")?;
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).map(|_| text)
    });
    let status = loop {
        if interrupt::asked() {
            stop(&mut child, Signal::SIGINT)?;
            return Err(Interrupted.into());
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    if !status.success() {
        bail!("`{}` ended with {status}", words(command));
    }
    let text = reading.join().ok().context("read the benchmark's stdout")??;
    Ok(text)
}

/// The middle one of an odd number.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// When, what and where, in one line.
fn machine(project: &Project) -> String {
    let line = |path: &str, key: &str| -> Option<String> {
        let text = fs::read_to_string(path).ok()?;
        let value = text.lines().find_map(|line| line.strip_prefix(key))?;
        Some(value.trim_start_matches([' ', '\t', ':', '=']).trim().trim_matches('"').to_owned())
    };
    let mut text = format!("Measured {}", ask("date", &["-u", "+%F"]).unwrap_or_default());
    if let Some(commit) = project.git(&["rev-parse", "--short=10", "HEAD"]) {
        let changed = project.git(&["status", "--porcelain"]).is_some_and(|changes| !changes.is_empty());
        let _ = write!(text, " at commit {commit}{}", if changed { " with changes on top" } else { "" });
    }
    let cpu = line("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let _ = write!(text, " on {cpus} CPUs ({cpu})");
    let kib = line("/proc/meminfo", "MemTotal").and_then(|it| it.split(' ').next()?.parse::<u64>().ok());
    if let Some(kib) = kib {
        let _ = write!(text, ", {} GB of memory", kib / 1_000_000);
    }
    if let Some(system) = line("/etc/os-release", "PRETTY_NAME") {
        let _ = write!(text, ", {system}");
    }
    text.push('.');
    text
}

/// The page's text with `section` between its markers for `name`.
fn replaced(project: &Project, name: &str, section: &str) -> Result<String> {
    let text = fs::read_to_string(project.at(PAGE)).with_context(|| format!("read {PAGE}"))?;
    let [begin, end] = markers(name);
    between(&text, name, section).with_context(|| format!("{PAGE} needs the lines `{begin}` and `{end}`"))
}

fn markers(name: &str) -> [String; 2] {
    [format!("<!-- bench:{name} -->"), format!("<!-- /bench:{name} -->")]
}

fn between(text: &str, name: &str, section: &str) -> Option<String> {
    let [begin, end] = markers(name);
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{section}\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_markers_is_replaced() {
        let page = "# Figures\n<!-- bench:sign -->\nold\n<!-- /bench:sign -->\nwords\n";
        let new = between(page, "sign", "| new |").unwrap();
        assert_eq!(new, "# Figures\n<!-- bench:sign -->\n| new |\n<!-- /bench:sign -->\nwords\n");
        assert_eq!(between(&new, "sign", "| new |").unwrap(), new);
        assert_eq!(between(page, "relay", ""), None);
    }
}
