//! Text reading beside `RapidOCR`: what is read on pages with known words, how fast, and with how much memory.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use super::neighbours::Busy;
use super::{Section, generator_path, measure_server, start_server, stdout_of};
use crate::programs::sightwire_command;
use crate::progress::{End, Step};
use crate::project::Project;
use crate::server::Server;
use crate::setup::{Outcome, Purpose, python};
use crate::unknown_word;

const TOOLS: &str = "tools/evaluate_text";
const PARTS: [&str; 4] = ["text", "speed", "memory", "mixed"];
const PRECISIONS: [&str; 2] = ["f32", "bf16"];
const MODEL: &str = "ppocr-v4";

/// `cargo xtask bench read [text] [speed] [memory] [mixed] [--quick]`: all parts, or those named.
pub(super) fn bench_read(args: &[String]) -> Result<ExitCode> {
    let quick = args.iter().any(|arg| arg == "--quick");
    let parts: Vec<&str> = args.iter().map(String::as_str).filter(|arg| *arg != "--quick").collect();
    if let Some(part) = parts.iter().find(|part| !PARTS.contains(*part)) {
        bail!(unknown_word("part", part, &PARTS));
    }
    let mut section = Section::set_up("read")?;
    let project = section.project.clone();
    let step = Step::start("model");
    stdout_of(&mut sightwire_command(&project, Purpose::Demo, &["models", "pull", MODEL]))?;
    step.end(End::Ok, MODEL);
    let python = python_environment(&project)?;
    for part in PARTS {
        if !parts.is_empty() && !parts.contains(&part) {
            continue;
        }
        eprintln!("{part}");
        section.add_text(&match part {
            "text" => measure_text(&project, &python, quick)?,
            "speed" => measure_speed(&project, &python, quick)?,
            "memory" => measure_memory(&project, &python, quick)?,
            _ => measure_mixed(&project, &python, quick)?,
        });
    }
    section.finish_page(parts.is_empty() && !quick)
}

/// `.sightwire/bench-venv`: `RapidOCR` and the faces that pages are set in. Nothing else needs it.
pub(super) fn python_environment(project: &Project) -> Result<PathBuf> {
    const REQUIREMENTS: &str = "tools/evaluate_text/requirements.txt";
    let python = project.own_path("bench-venv/bin/python");
    let stamp = python::environment_stamp(project, "bench-venv", REQUIREMENTS)?;
    if !(python.exists() && stamp.matches()) {
        let _lock = project.lock()?;
        let mut step = Step::start("rapidocr");
        stamp.guard(|| {
            python::install_environment(project, &mut step, "bench-venv", REQUIREMENTS)?;
            Ok(Outcome::done("installed"))
        })?;
        step.end(End::Ok, "installed into .sightwire/bench-venv");
    }
    Ok(python)
}

/// Pictures of one set, made again each time: what they are is in the script.
pub(super) fn make_pictures(project: &Project, python: &Path, set: &str, more: &[&str]) -> Result<PathBuf> {
    let folder = project.own_path("bench").join(format!("read-{set}"));
    // RapidOCR's answers are kept beside the pictures, by their content.
    fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    let mut make = Command::new(python);
    make.arg(project.join_root(TOOLS).join("pages.py")).args(["--set", set, "--out"]).arg(&folder).args(more);
    stdout_of(&mut make)?;
    Ok(folder)
}

/// What is read, at each precision, beside `RapidOCR`.
fn measure_text(project: &Project, python: &Path, quick: bool) -> Result<String> {
    let pages = make_pictures(project, python, "evaluation", if quick { &["--pages", "1"] } else { &[] })?;
    let mut evaluate = Command::new(python);
    evaluate.arg(project.join_root(TOOLS).join("evaluate.py")).arg("--pages").arg(pages).arg("--report-only");
    evaluate.env("SIGHTWIRE_HOME", project.home()).current_dir(project.root());
    let program = project.program_path("sightwire");
    for precision in PRECISIONS {
        let read = format!("{} read --format json --set engine.precision={precision}", program.display());
        evaluate.arg("--ours").arg(format!("{precision}={read}"));
    }
    Ok(format!("**What is read.** `evaluate.py`\n\n{}", stdout_of(&mut evaluate)?))
}

/// Images a second, delays, CPU time, memory.
fn measure_speed(project: &Project, python: &Path, quick: bool) -> Result<String> {
    let folder = make_pictures(project, python, "benchmark", &[])?;
    let beside = format!("{} {}", python.display(), project.join_root(TOOLS).join("beside.py").display());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut more = vec![
        "--beside".to_owned(),
        format!("RapidOCR={beside}"),
        "--beside".to_owned(),
        format!("RapidOCR, {threads} threads={beside} --threads {threads}"),
        "--beside-in-batches".to_owned(),
        format!("RapidOCR, {threads} processes={beside} --threads 1"),
    ];
    if quick {
        more.extend(["--rounds", "2", "--batches", "1", "--repeat", "1"].map(str::to_owned));
    }
    let text = of_each_precision(project, &["read"], &folder, &more)?;
    Ok(format!("**How fast.** `sightwire-bench read`\n\n{text}"))
}

/// A page of 20 megapixels, a hundred times.
fn measure_memory(project: &Project, python: &Path, quick: bool) -> Result<String> {
    let folder = make_pictures(project, python, "scan", &[])?;
    let more: &[&str] = if quick { &["--runs", "12"] } else { &[] };
    let text = of_each_precision(project, &["read", "memory"], &folder, more)?;
    Ok(format!("**Memory.** `sightwire-bench read memory`, a page of 20 megapixels with 85 lines\n\n{text}"))
}

/// What live work keeps of its rate while such a page is read again and again.
fn measure_mixed(project: &Project, python: &Path, quick: bool) -> Result<String> {
    let folder = make_pictures(project, python, "scan", &[])?;
    let text = measure_server(project, "server-bench-mixed", &["cameras.allow=127.0.0.0/8"], |_| {
        let mut bench = Command::new(generator_path(project));
        bench.args(["mixed", "--seconds", "20", "--settle", "0.5", "--pages"]).arg(&folder);
        bench.args(["--rounds", if quick { "1" } else { "7" }]);
        Ok(bench)
    })?;
    let batch = beside_loops(project, &folder, quick)?;
    let text = format!(
        "{text}\n**A batch beside two busy loops** of usual priority, from a server that has just started: `sightwire-bench read batch`\n\n{batch}"
    );
    Ok(format!(
        "**Live work beside a batch.** `sightwire-bench mixed`: 10 clients of the sign recogniser and the objects of a camera, alone and while a batch of pages of 20 megapixels is read\n\n{text}"
    ))
}

/// How many pages of a batch come to text while others have the cores.
fn beside_loops(project: &Project, pages: &Path, quick: bool) -> Result<String> {
    const LOOPS: usize = 2;
    let _neighbours = Busy::start_loops(LOOPS)?;
    let server = start_server(project, "server-bench-busy", &["recognizer.dummy=true"])?;
    let mut bench = Command::new(generator_path(project));
    bench.args(["read", "batch", "--files", if quick { "4" } else { "50" }, "--pictures"]).arg(pages);
    let text = stdout_of(bench.args(["--server", &format!("Sightwire={}", server.url())]))?;
    server.stop()?;
    Ok(text)
}

/// What the load generator says of servers of each precision; they do nothing while nobody asks them.
fn of_each_precision<S: AsRef<OsStr>>(
    project: &Project,
    words: &[&str],
    pictures: &Path,
    more: &[S],
) -> Result<String> {
    let (mut bench, mut servers) = (Command::new(generator_path(project)), Vec::new());
    bench.args(words).arg("--pictures").arg(pictures);
    for precision in PRECISIONS {
        let settings = [&format!("engine.precision={precision}"), "recognizer.dummy=true"];
        let server = start_server(project, &format!("server-bench-{precision}"), &settings)?;
        bench.arg("--server").arg(format!("Sightwire {precision}={}", server.url()));
        servers.push(server);
    }
    let text = stdout_of(bench.args(more))?;
    servers.into_iter().try_for_each(Server::stop)?;
    Ok(text)
}
