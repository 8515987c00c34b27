//! `cargo xtask bench kserve [--pairs N] [ARGS…]`: what it costs that objects are found elsewhere. Single pictures at a server that looks by
//! itself (and has `engine.listen`), and at one that asks it over loopback (`engine.remote`), in turn: either way the same network looks. Once
//! a network that takes next to no time, so that nothing hides the way there and back, and once yolox-nano. Further arguments go to the load
//! generator.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::ask::{fetch_counter, get_json, wait_until};
use super::turns::{PAIRS, in_turn, parse_pairs};
use super::{Section, generator_path, median, start_server, stdout_of, store_with};
use crate::programs::sightwire_command;
use crate::project::Project;
use crate::redis::free_port;
use crate::server::Server;
use crate::setup::Purpose;

const MODEL: &str = "yolox-nano";
const TINY: &str = "tiny";
/// What the model of another server is called there.
const ELSEWHERE: &str = "detect";
const LOAD: &str = "detect --json";
/// The most that a picture may take longer, in milliseconds.
const TARGET_MS: f64 = 1.0;

/// What the load generator says of a run.
struct Measured {
    p50_ms: f64,
    p95_ms: f64,
    /// From the whole picture to its answer, by the server itself.
    server_ms: f64,
    pictures: u64,
    objects: u64,
    bytes: u64,
}

/// Measures it and writes it into the page.
pub(super) fn bench_kserve(args: &[String]) -> Result<ExitCode> {
    let (pairs, more) = parse_pairs(args)?;
    let mut section = Section::set_up("kserve")?;
    let project = section.project.clone();
    for (model, home) in [(TINY, tiny_store(&project)?), (MODEL, store_with(&project, MODEL)?)] {
        eprintln!("{model}:");
        let mut check = sightwire_command(&project, Purpose::Demo, &["models", "check", model]);
        let check = stdout_of(check.env("SIGHTWIRE_HOME", &home))?;
        let cost = check.lines().last().unwrap_or_default();
        let table = with_model(&project, (model, &home), pairs, more)?;
        section.add_text(&format!("**{model}.** `{cost}`\n\n{table}"));
    }
    section.finish_page(pairs >= PAIRS && more.is_empty())
}

/// A store with the network of the tests that tells colours, and takes next to no time for it.
fn tiny_store(project: &Project) -> Result<PathBuf> {
    let home = project.own_path("bench").join(TINY);
    // Its manifest is written last.
    if !home.join("models").join(TINY).with_extension("toml").exists() {
        let _ = fs::remove_dir_all(&home);
        let mut make = Command::new("python3");
        make.arg(project.join_root("e2e/kserve/tiny.py")).arg(&home);
        make.env("PYTHONPATH", project.join_root("e2e/python")).env("SIGHTWIRE_HOME", project.home());
        stdout_of(&mut make)?;
    }
    Ok(home)
}

/// Two servers, and the table of both.
fn with_model(
    project: &Project,
    (model, home): (&str, &Path),
    pairs: usize,
    more: &[String],
) -> Result<String> {
    let address = format!("127.0.0.1:{}", free_port()?);
    let begin = |name: &str, own: String| {
        let store = format!("store.home={}", home.display());
        let settings = [store, format!("detector.model={model}"), "recognizer.dummy=true".to_owned(), own];
        start_server(project, &format!("server-bench-{name}"), &settings)
    };
    let looks = begin("looks", format!("engine.listen={address}"))?;
    let asks = begin("asks", format!("engine.remote=grpc://{address}"))?;
    wait_until("the model to be loaded", || {
        let status = get_json(looks.url(), "/api/v1/status")?;
        Ok(status.pointer("/detector/state").is_some_and(|state| state == "ready"))
    })?;
    let table = compare_pairs(project, [&looks, &asks], model, (pairs, more))?;
    [looks, asks].into_iter().try_for_each(Server::stop)?;
    Ok(table)
}

/// The table of pairs, and what it comes to.
fn compare_pairs(
    project: &Project,
    [looks, asks]: [&Server; 2],
    model: &str,
    (pairs, more): (usize, &[String]),
) -> Result<String> {
    let load = [&[LOAD.to_owned()], more].concat().join(" ");
    let mut text = format!(
        "`sightwire-bench {load}`\n\n\
         | pair | looks itself: p50 ms | p95 | by its own account | asks: p50 ms | p95 | by its own account | p50, more ms | p95, more ms |\n\
         |{}",
        " ---: |".repeat(9)
    );
    let (mut p50, mut p95, mut ratio) = (Vec::new(), Vec::new(), Vec::new());
    let mut last = None;
    for pair in 0..pairs {
        let here = || measure_model(project, looks, model, more);
        let there = || {
            let answered = || fetch_counter(asks.url(), "sightwire_remote_answered_total");
            let before = answered()?;
            let measured = measure_model(project, asks, ELSEWHERE, more)?;
            let asked = answered()? - before;
            ensure!(asked >= measured.pictures as f64, "only {asked} pictures were looked at elsewhere");
            Ok(measured)
        };
        let [here, there] = in_turn((pair, pairs), ["looks itself", "asks the other"], here, there)?;
        ensure!(here.objects == there.objects, "{} objects here, {} elsewhere", here.objects, there.objects);
        let more_ms = [there.p50_ms - here.p50_ms, there.p95_ms - here.p95_ms];
        let _ = write!(text, "\n| {} |", pair + 1);
        for it in [&here, &there] {
            let _ = write!(text, " {:.2} | {:.2} | {:.1} |", it.p50_ms, it.p95_ms, it.server_ms);
        }
        let _ = write!(text, " {:.2} | {:.2} |", more_ms[0], more_ms[1]);
        p50.push(more_ms[0]);
        p95.push(more_ms[1]);
        ratio.push(there.p50_ms / here.p50_ms);
        last = Some(here);
    }
    let last = last.context("--pairs has to be 1 or more")?;
    let _ = write!(
        text,
        "\n\nMedians of pairs: asking adds {:.2} ms at p50 (target: at most {TARGET_MS} ms) and {:.2} ms at p95; a picture takes {:.3} times as long. \
         Pictures of {:.0} KB, {} objects in {} of them, the same either way.",
        median(&mut p50),
        median(&mut p95),
        median(&mut ratio),
        last.bytes as f64 / 1e3,
        last.objects,
        last.pictures,
    );
    Ok(text)
}

/// Has pictures looked at, which that model is to do.
fn measure_model(project: &Project, server: &Server, model: &str, more: &[String]) -> Result<Measured> {
    let mut generator = Command::new(generator_path(project));
    let report = stdout_of(generator.args(LOAD.split(' ')).args(["--url", server.url()]).args(more))?;
    let report: Value = serde_json::from_str(&report).context("read the load generator's report")?;
    let looked = report.pointer("/model").and_then(Value::as_str).unwrap_or("nobody");
    ensure!(
        looked == model,
        "{looked} looked at {}, and not {model}: see {}",
        server.url(),
        server.log().display()
    );
    let number = |path: &str| {
        let number = report.pointer(path).and_then(Value::as_f64);
        number.with_context(|| format!("the load generator's report has no {path}"))
    };
    Ok(Measured {
        p50_ms: number("/answer_ms/p50")?,
        p95_ms: number("/answer_ms/p95")?,
        server_ms: number("/server_ms/p50")?,
        pictures: number("/answer_ms/count")? as u64,
        objects: number("/objects")? as u64,
        bytes: number("/bytes")? as u64,
    })
}
