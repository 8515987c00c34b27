//! `cargo xtask bench NAME`: load ladders against servers of their own, into the pages of `docs/benchmarks`.
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
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use crate::interrupt::{self, Interrupted};
use crate::process::{command_output, command_words, stop_process};
use crate::programs::{cargo_command, sightwire_command};
use crate::project::Project;
use crate::server::Server;
use crate::setup::{self, Purpose};
use crate::unknown_word;

/// The folder of the pages with figures.
const PAGES: &str = "docs/benchmarks";
const LADDER: &str = "1,10,25,50,75,100,150,200,300";

/// One benchmark, with what stands after its name on the command line.
type Benchmark = fn(&[String]) -> Result<ExitCode>;

const BENCHMARKS: [(&str, Benchmark); 16] = [
    ("attacks", |args| scenarios::run_scenarios(&suites::ATTACKS, args)),
    ("batches", batches::bench_batches),
    ("build", build::bench_build),
    ("sign", bench_sign),
    ("cameras", |args| scenarios::run_scenarios(&suites::CAMERAS, args)),
    ("cluster", cluster::bench_cluster),
    ("first-page", build::first_page),
    ("hands", bench_hands),
    ("kserve", kserve::bench_kserve),
    ("neighbours", neighbours::bench_neighbours),
    ("pages", pages::bench_pages),
    ("pairs", pairs::bench_pairs),
    ("read", read::bench_read),
    ("relay", |args| scenarios::run_scenarios(&suites::RELAY, args)),
    ("telling", telling::bench_telling),
    ("wlasl20", bench_wlasl20),
];

/// `cargo xtask bench`
pub(crate) fn run_bench(mut args: lexopt::Parser) -> Result<ExitCode> {
    let mut args = args.raw_args()?.map(|arg| arg.to_string_lossy().into_owned());
    let names = BENCHMARKS.map(|(name, _)| name);
    let [others @ .., last] = names;
    let Some(wanted) = args.next() else {
        bail!("say which: cargo xtask bench {} or {last}", others.join(", "));
    };
    match BENCHMARKS.iter().find(|(name, _)| *name == wanted) {
        Some((_, bench)) => bench(&args.collect::<Vec<_>>()),
        None => bail!(unknown_word("benchmark", &wanted, &names)),
    }
}

/// A section of a page, measured anew.
struct Section {
    project: Project,
    name: &'static str,
    text: String,
}

impl Section {
    /// Sets up, and says where it is measured.
    fn set_up(name: &'static str) -> Result<Self> {
        let project = Project::here()?;
        // That no page has a place for it is said now, not after a quarter of an hour of measuring.
        replace_in_page(&project, name, "")?;
        setup::install_parts(&project, Purpose::Bench)?;
        fs::create_dir_all(project.own_path("bench")).context("make a folder for benchmarks")?;
        let text = describe_machine(&project);
        Ok(Self { project, name, text })
    }

    fn add_text(&mut self, text: &str) {
        self.text.push_str("\n\n");
        self.text.push_str(text.trim());
    }

    /// Shows it; a part of the tables is worth a look and not the page.
    fn finish_page(self, whole: bool) -> Result<ExitCode> {
        println!("\n{}", self.text);
        if whole {
            let (page, text) = replace_in_page(&self.project, self.name, &self.text)?;
            fs::write(self.project.join_root(&page), text).with_context(|| format!("write {page}"))?;
            eprintln!("\nwritten into {page}");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The recogniser's ladder. Arguments go to `sightwire-bench sign`, which has the defaults.
fn bench_sign(args: &[String]) -> Result<ExitCode> {
    let mut section = Section::set_up("sign")?;
    let table = measure_ladder(&section.project, LADDER, &[], args)?;
    section.add_text(&table);
    section.finish_page(true)
}

/// What finding hands costs for each picture, and how many clients can show one.
fn bench_hands(args: &[String]) -> Result<ExitCode> {
    let mut section = Section::set_up("hands")?;
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
    let pictures = stdout_of(cargo_command(&project, &pictures).env("SIGHTWIRE_HOME", &home))?;
    section.add_text(&format!("```text\n{}\n```", pictures.trim_end()));
    let settings = ["recognizer.model=hands".to_owned(), format!("store.home={}", home.display())];
    section.add_text(&measure_ladder(
        &project,
        "1,10,20,40,80",
        &settings,
        &[&["--hand".to_owned()], args].concat(),
    )?);
    section.finish_page(true)
}

/// A store of its own: where the model is, demo and tests would take it.
fn store_with(project: &Project, model: &str) -> Result<PathBuf> {
    let home = project.own_path("bench").join(model);
    fs::create_dir_all(&home).context("make a store for the benchmark")?;
    if !home.join("runtime").exists() {
        symlink(project.home().join("runtime"), home.join("runtime")).context("take the library along")?;
    }
    let mut pull = sightwire_command(project, Purpose::Demo, &["models", "pull", model]);
    stdout_of(pull.env("SIGHTWIRE_HOME", &home))?;
    Ok(home)
}

/// The prototype's own architecture: what each precision holds, and what splitting gains.
fn bench_wlasl20(args: &[String]) -> Result<ExitCode> {
    let mut section = Section::set_up("wlasl20")?;
    let project = section.project.clone();
    let sightwire = |args: &[&str]| stdout_of(&mut sightwire_command(&project, Purpose::Demo, args));
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
        let table = measure_ladder(&project, steps, &settings, args)?;
        // The words under a table say the same of each.
        let rows = table.lines().filter(|line| line.starts_with('|')).collect::<Vec<_>>().join("\n");
        section.add_text(&format!("**{title}.** `{cost}`\n\n{rows}"));
    }
    section.finish_page(true)
}

/// A Keras file of that architecture; the same weights each time.
fn made_wlasl20(project: &Project) -> Result<String> {
    let file = project.own_path("bench/wlasl20.h5");
    if !file.is_file() {
        let python = setup::importer_python(project).context("no importer on this machine")?;
        let mut make = Command::new(python);
        make.arg(project.join_root("tools/import/make_test_models.py"))
            .args(["--kind", "wlasl20", "--out"])
            .arg(&file);
        stdout_of(&mut make)?;
    }
    Ok(file.display().to_string())
}

/// The table of a ladder against a fresh server.
fn measure_ladder(project: &Project, steps: &str, settings: &[String], args: &[String]) -> Result<String> {
    // The ladder is there to find what gives way; the limit on clients must not be it.
    let settings = [&["recognizer.max_clients=5000".to_owned()], settings].concat();
    measure_server(project, "server-bench", &settings, |_| {
        let mut bench = Command::new(generator_path(project));
        bench.arg("sign").args(args);
        if !args.iter().any(|arg| arg.starts_with("--ladder")) {
            bench.args(["--ladder", steps]);
        }
        Ok(bench)
    })
}

/// What a load generator says of a fresh server.
fn measure_server<S: AsRef<str>>(
    project: &Project,
    log: &str,
    settings: &[S],
    generator: impl FnOnce(&Server) -> Result<Command>,
) -> Result<String> {
    let server = start_server(project, log, settings)?;
    let text = stdout_of(generator(&server)?.args(["--url", server.url()]))?;
    server.stop()?;
    Ok(text)
}

fn generator_path(project: &Project) -> PathBuf {
    project.program_path("sightwire-bench")
}

/// A server with `section.key=value` settings, on a free port.
fn start_server<S: AsRef<str>>(project: &Project, log: &str, settings: &[S]) -> Result<Server> {
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
        .with_context(|| format!("start `{}`", command_words(command)))?;
    let mut pipe = child.stdout.take().context("the benchmark's stdout")?;
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).map(|_| text)
    });
    let status = loop {
        if interrupt::is_stop_requested() {
            stop_process(&mut child, Signal::SIGINT)?;
            return Err(Interrupted.into());
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    if !status.success() {
        bail!("`{}` ended with {status}", command_words(command));
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
fn describe_machine(project: &Project) -> String {
    let line = |path: &str, key: &str| -> Option<String> {
        let text = fs::read_to_string(path).ok()?;
        let value = text.lines().find_map(|line| line.strip_prefix(key))?;
        Some(value.trim_start_matches([' ', '\t', ':', '=']).trim().trim_matches('"').to_owned())
    };
    let mut text = format!("Measured {}", command_output("date", &["-u", "+%F"]).unwrap_or_default());
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

/// The one page that has the markers for `name`, and its text with `section` between them.
fn replace_in_page(project: &Project, name: &str, section: &str) -> Result<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(project.join_root(PAGES)).with_context(|| format!("read {PAGES}"))? {
        let file = entry?.file_name();
        if Path::new(&file).extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let page = format!("{PAGES}/{}", file.to_string_lossy());
        let text = fs::read_to_string(project.join_root(&page)).with_context(|| format!("read {page}"))?;
        if let Some(text) = replace_between(&text, name, section) {
            found.push((page, text));
        }
    }
    let [begin, end] = section_markers(name);
    match found.pop() {
        None => bail!("a page in {PAGES} needs the lines `{begin}` and `{end}`"),
        Some(_) if !found.is_empty() => bail!("only one page in {PAGES} may have the line `{begin}`"),
        Some(page) => Ok(page),
    }
}

fn section_markers(name: &str) -> [String; 2] {
    [format!("<!-- bench:{name} -->"), format!("<!-- /bench:{name} -->")]
}

fn replace_between(text: &str, name: &str, section: &str) -> Option<String> {
    let [begin, end] = section_markers(name);
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
        let new = replace_between(page, "sign", "| new |").unwrap();
        assert_eq!(new, "# Figures\n<!-- bench:sign -->\n| new |\n<!-- /bench:sign -->\nwords\n");
        assert_eq!(replace_between(&new, "sign", "| new |").unwrap(), new);
        assert_eq!(replace_between(page, "relay", ""), None);
    }

    #[test]
    fn each_benchmark_with_a_section_has_its_place_on_one_page() {
        let project = Project::here().unwrap();
        for (name, _) in BENCHMARKS {
            // These write files of their own, or nothing.
            if !["build", "first-page", "pairs"].contains(&name) {
                let (page, text) = replace_in_page(&project, name, "| new |").unwrap();
                let old = fs::read_to_string(project.join_root(&page)).unwrap();
                let [begin, end] = section_markers(name);
                assert!(text.contains(&format!("{begin}\n| new |\n{end}\n")), "{name} in {page}");
                assert_eq!(old.split_once(&begin).unwrap().0, text.split_once(&begin).unwrap().0);
            }
        }
    }
}
