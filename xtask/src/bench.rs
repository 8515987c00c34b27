//! `cargo xtask bench NAME`: load ladders against servers of their own, into `docs/benchmarks.md`.
//!
//! - `attacks`: floods, messages that never end, idle connections; the server on one core
//! - `sign`: the built-in model
//! - `cameras`: pictures of one camera to many viewers, and what is found in them
//! - `neighbours`: the sign recogniser beside programs that take all they can get, and within a quota
//! - `read`: text reading beside `RapidOCR`
//! - `relay`: pictures of streamers to viewers over WebSocket
//! - `wlasl20`: a model of the prototype's architecture with random weights, split and whole

mod attacks;
mod cameras;
mod neighbours;
mod read;
mod relay;
mod scenarios;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use crate::interrupt::{self, Interrupted};
use crate::process::{ask, stop, words};
use crate::programs::sightwire;
use crate::project::Project;
use crate::server::Server;
use crate::setup::{self, Purpose};
use crate::unknown;

const PAGE: &str = "docs/benchmarks.md";
const LADDER: &str = "1,10,25,50,75,100,150,200,300";

/// Runs `cargo xtask bench`: one suite, by its name.
pub(crate) fn command(mut args: lexopt::Parser) -> Result<ExitCode> {
    let mut rest = args.raw_args()?;
    let name = rest.next().map(|name| name.to_string_lossy().into_owned());
    match name.as_deref() {
        Some("attacks") => scenarios::command(&attacks::SUITE, &rest.collect::<Vec<OsString>>()),
        Some("sign") => sign(&rest.collect::<Vec<OsString>>()),
        Some("cameras") => scenarios::command(&cameras::SUITE, &rest.collect::<Vec<OsString>>()),
        Some("neighbours") => neighbours::command(&rest.collect::<Vec<OsString>>()),
        Some("read") => read::command(&rest.collect::<Vec<OsString>>()),
        Some("relay") => scenarios::command(&relay::SUITE, &rest.collect::<Vec<OsString>>()),
        Some("wlasl20") => wlasl20(&rest.collect::<Vec<OsString>>()),
        Some(other) => {
            bail!(unknown(
                "benchmark",
                other,
                &["attacks", "sign", "cameras", "neighbours", "read", "relay", "wlasl20"]
            ))
        }
        None => {
            bail!("say which: cargo xtask bench attacks, sign, cameras, neighbours, read, relay or wlasl20")
        }
    }
}

/// The recogniser's ladder. Arguments go to `sightwire-bench sign`, which has the defaults.
fn sign(args: &[OsString]) -> Result<ExitCode> {
    let project = Project::here()?;
    let page = project.at(PAGE);
    // Said now, not after a quarter of an hour of measuring.
    replaced(&page, "sign", "")?;
    setup::run(&project, Purpose::Demo)?;
    let table = ladder(&project, LADDER, &[], args)?;
    written(&page, "sign", &format!("{}\n\n{}", machine(&project), table.trim_end()))
}

/// The prototype's own architecture: what each precision holds, and what splitting gains.
fn wlasl20(args: &[OsString]) -> Result<ExitCode> {
    let project = Project::here()?;
    let page = project.at(PAGE);
    replaced(&page, "wlasl20", "")?;
    setup::run(&project, Purpose::Demo)?;
    stdout_of(&mut sightwire(&project, Purpose::Demo, &["models", "pull", "importer"]))?;
    let model = made_wlasl20(&project)?;
    let mut section = machine(&project);
    for (name, whole) in [("bench-split", false), ("bench-whole", true)] {
        let mut import = sightwire(&project, Purpose::Demo, &["models", "import"]);
        import.arg(&model).args(["--name", name]);
        if whole {
            import.arg("--whole");
        }
        stdout_of(&mut import)?;
    }
    for (title, name, precision, steps) in [
        ("Split, bf16", "bench-split", "bf16", "1,10,20,25,40,80"),
        ("Split, f32", "bench-split", "f32", "1,10,12,16,32,64"),
        ("Whole, bf16", "bench-whole", "bf16", "1,4,8,16"),
        ("Whole, f32", "bench-whole", "f32", "1,2,4,8"),
    ] {
        let setting = format!("engine.precision={precision}");
        let check = stdout_of(&mut sightwire(
            &project,
            Purpose::Demo,
            &["models", "check", name, "--set", setting.as_str()],
        ))?;
        let cost = check.lines().last().unwrap_or_default().to_owned();
        let settings = [format!("recognizer.model={name}"), setting];
        let table = ladder(&project, steps, &settings, args)?;
        // The words under a table say the same of each.
        let rows = table.lines().filter(|line| line.starts_with('|')).collect::<Vec<_>>().join("\n");
        let _ = write!(section, "\n\n**{title}.** `{cost}`\n\n{rows}");
    }
    written(&page, "wlasl20", &section)
}

/// A Keras file of that architecture; the same weights each time.
fn made_wlasl20(project: &Project) -> Result<PathBuf> {
    let file = project.own("bench").join("wlasl20.h5");
    if !file.is_file() {
        let python = setup::importer_python(project).context("no importer on this machine")?;
        fs::create_dir_all(project.own("bench")).context("make a folder for the model")?;
        let mut make = Command::new(python);
        make.arg(project.at("tools/import/make_test_models.py"))
            .args(["--kind", "wlasl20", "--out"])
            .arg(&file);
        stdout_of(&mut make)?;
    }
    Ok(file)
}

/// The table of a ladder against a fresh server.
fn ladder(project: &Project, steps: &str, settings: &[String], args: &[OsString]) -> Result<String> {
    // The ladder is there to find what gives way; the limit on clients must not be it.
    let mut all = vec!["recognizer.max_clients=5000".to_owned()];
    all.extend_from_slice(settings);
    let server = Server::start(project, "server-bench", "127.0.0.1:0", &all)?;
    let mut bench = Command::new(project.release("sightwire-bench"));
    bench.args(["sign", "--url", server.url()]);
    if !args.iter().any(|arg| arg.to_string_lossy().starts_with("--ladder")) {
        bench.args(["--ladder", steps]);
    }
    bench.args(args);
    let table = stdout_of(&mut bench)?;
    server.stop()?;
    Ok(table)
}

fn written(page: &Path, name: &str, section: &str) -> Result<ExitCode> {
    println!("\n{section}");
    let text = replaced(page, name, section)?;
    fs::write(page, text).with_context(|| format!("write {}", page.display()))?;
    eprintln!("\nwritten into {PAGE}");
    Ok(ExitCode::SUCCESS)
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

/// When, what and where, in one line.
fn machine(project: &Project) -> String {
    let line = |path: &str, key: &str| -> Option<String> {
        let text = fs::read_to_string(path).ok()?;
        let value = text.lines().find_map(|line| line.strip_prefix(key))?;
        Some(value.trim_start_matches([' ', '\t', ':', '=']).trim().trim_matches('"').to_owned())
    };
    let git = |args: &[&str]| {
        let root = project.root().to_string_lossy().into_owned();
        ask("git", &[&["-C", root.as_str()], args].concat())
    };
    let mut text = format!("Measured {}", ask("date", &["-u", "+%F"]).unwrap_or_default());
    if let Some(commit) = git(&["rev-parse", "--short=10", "HEAD"]) {
        let changed = git(&["status", "--porcelain"]).is_some_and(|changes| !changes.is_empty());
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
fn replaced(page: &Path, name: &str, section: &str) -> Result<String> {
    let text = fs::read_to_string(page).with_context(|| format!("read {}", page.display()))?;
    between(&text, name, section)
        .with_context(|| format!("{} needs the lines `{}` and `{}`", page.display(), begin(name), end(name)))
}

fn begin(name: &str) -> String {
    format!("<!-- bench:{name} -->")
}

fn end(name: &str) -> String {
    format!("<!-- /bench:{name} -->")
}

fn between(text: &str, name: &str, section: &str) -> Option<String> {
    let (before, rest) = text.split_once(&begin(name))?;
    let (_, after) = rest.split_once(&end(name))?;
    Some(format!("{before}{}\n{section}\n{}{after}", begin(name), end(name)))
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
