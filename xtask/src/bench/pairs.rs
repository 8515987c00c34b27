//! `cargo xtask bench pairs REV [NAME…] [--pairs N] [--busy]`: the demo's server of this tree and that of another commit, in turn under
//! the same load: what a picture costs, how many there are, and how late the latest of a hundred is (of pages: of all twelve).

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, ensure};

use super::loads::{self, Figures, Load};
use super::neighbours::Busy;
use super::turns::{in_turn, parse_pairs};
use super::{describe_machine, generator_path, median, revision, start_server, stdout_of};
use crate::calibration::Calibration;
use crate::programs::sightwire_command;
use crate::project::Project;
use crate::setup::{self, Purpose};
use crate::unknown_word;

const LOADS: [Load; 6] = [loads::SIGN, loads::RELAY, loads::FAN_OUT, loads::VIEWS, loads::PAGE, loads::IDLE];
/// Read text, and measure it, before the clock runs.
const TEXT_MODEL: &str = "ppocr-v4";

/// Builds both and compares them.
pub(super) fn bench_pairs(args: &[String]) -> Result<ExitCode> {
    let busy = args.iter().any(|arg| arg == "--busy");
    let args: Vec<String> = args.iter().filter(|arg| *arg != "--busy").cloned().collect();
    let Some((revision, rest)) = args.split_first().filter(|(first, _)| !first.starts_with('-')) else {
        anyhow::bail!("say with which commit: cargo xtask bench pairs REV [NAME…] [--pairs N] [--busy]");
    };
    let at = rest.iter().position(|arg| arg == "--pairs").unwrap_or(rest.len());
    let (names, options) = rest.split_at(at);
    let (pairs, more) = parse_pairs(options)?;
    let names: Vec<&String> = names.iter().chain(more).collect();
    let known = LOADS.each_ref().map(|load| load.name);
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        anyhow::bail!(unknown_word("load", name, &known));
    }
    ensure!(pairs > 0, "--pairs takes at least 1");
    let project = Project::here()?;
    let commit = revision::resolve_commit(&project, revision)?;
    let other = revision::checkout_commit(&project, &commit, &format!("revisions/{}", &commit[..10]), false)?;
    setup::install_parts(&project, Purpose::Bench)?;
    revision::build_server(&other)?;
    for side in [&other, &project] {
        stdout_of(&mut sightwire_command(side, Purpose::Bench, &["models", "pull", TEXT_MODEL]))?;
        stdout_of(&mut sightwire_command(side, Purpose::Bench, &["models", "check", TEXT_MODEL]))?;
    }
    let mut text = format!(
        "{} {}. {pairs} pairs{}; `before` is {}.\n\n\
         | load | CPU ms a picture before | now | ratio (median of pairs) | all pairs | pictures/s before | now | p99 ms before | now |\n\
         | --- | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: |",
        describe_machine(&project),
        Calibration::measure()?,
        if busy { " beside two busy loops" } else { "" },
        &commit[..10],
    );
    for load in LOADS {
        // Where nothing is sent there is nothing to be had for a picture: only by name.
        let is_wanted =
            if names.is_empty() { load.name != "idle" } else { names.iter().any(|name| *name == load.name) };
        if is_wanted {
            let row = measure_row(&load, [&other, &project], &generator_path(&project), pairs, busy)?;
            eprintln!("{row}");
            let _ = write!(text, "\n{row}");
        }
    }
    println!("\n{text}");
    Ok(ExitCode::SUCCESS)
}

fn measure_row(
    load: &Load,
    sides: [&Project; 2],
    generator: &Path,
    pairs: usize,
    busy: bool,
) -> Result<String> {
    let once = |side: &Project| -> Result<Figures> {
        let server = start_server(side, "server-bench", load.settings)?;
        let _neighbours = if busy { Busy::start_loops(2)? } else { Vec::new() };
        let figures = load.run_load(side, &server, generator)?;
        server.stop()?;
        Ok(figures)
    };
    let [mut before, mut now] = [Vec::new(), Vec::new()];
    for pair in 0..pairs {
        let [one, other] = in_turn((pair, pairs), ["before", "now"], || once(sides[0]), || once(sides[1]))?;
        before.push(one);
        now.push(other);
    }
    // Nothing is sent when idle: what a second costs counts there.
    let cost = |figures: &Figures| {
        if figures.cpu_per_picture_ms.is_nan() { figures.cpu } else { figures.cpu_per_picture_ms }
    };
    let mut ratios: Vec<f64> =
        now.iter().zip(&before).map(|(now, before)| cost(now) / cost(before)).collect();
    let all = ratios.iter().map(|ratio| format!("{ratio:.3}")).collect::<Vec<_>>().join(" ");
    let middle = |figures: &[Figures], of: &dyn Fn(&Figures) -> f64| {
        median(&mut figures.iter().map(of).collect::<Vec<_>>())
    };
    Ok(format!(
        "| {} | {:.4} | {:.4} | {:.3} | {all} | {:.1} | {:.1} | {:.2} | {:.2} |",
        load.name,
        middle(&before, &cost),
        middle(&now, &cost),
        median(&mut ratios),
        middle(&before, &|figures| figures.rate),
        middle(&now, &|figures| figures.rate),
        middle(&before, &|figures| figures.p99_ms),
        middle(&now, &|figures| figures.p99_ms),
    ))
}
