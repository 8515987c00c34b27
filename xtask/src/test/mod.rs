//! `cargo xtask test`: every suite, one line each, a table of times and one sum at the end.

mod again;
mod junit;
mod long;
mod suites;
mod times;

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use lexopt::prelude::*;

use junit::{Failure, Results, THE_RUN};
use suites::{Lane, Reports, SUITES, Suite, When};

use crate::calibration::Calibration;
use crate::process::{self, Ended};
use crate::programs::nextest_report;
use crate::progress::{End, Step};
use crate::project::{Project, remove_path};
use crate::setup::{self, Purpose};
use crate::{interrupt, unknown_word};

/// What the tests that run only with `--full` look for.
const FULL: &str = "SIGHTWIRE_FULL";

/// Runs `cargo xtask test`: all suites, or those that are named.
pub(crate) fn run_tests(mut args: lexopt::Parser) -> Result<ExitCode> {
    let mut names: Vec<String> = Vec::new();
    let (mut full, mut verbose, mut record) = (false, false, false);
    while let Some(arg) = args.next()? {
        match arg {
            Value(name) => names.push(name.string()?),
            Long("full") => full = true,
            Long("record") => record = true,
            Long("list") => {
                list_suites();
                return Ok(ExitCode::SUCCESS);
            }
            Short('v') | Long("verbose") => verbose = true,
            _ => return Err(arg.unexpected().into()),
        }
    }
    ensure!(
        !record || (names.is_empty() && !full),
        "--record is of what every change has to pass: no names, no --full"
    );
    let chosen = choose_suites(&names, full)?;
    let project = Project::here()?;
    setup::check_prerequisites()?;
    // Before anything else runs on this machine.
    let calibration = Calibration::measure()?;
    let started = Instant::now();
    let purpose =
        if chosen.iter().any(|suite| suite.when != When::Always) { Purpose::Full } else { Purpose::Test };
    setup::install_parts(&project, purpose)?;
    let results = Results { cpu: process::children_cpu()?, ..Results::default() };
    let mut ran = vec![Ran { suite: "setup", took: started.elapsed(), results }];
    let how = How { full, verbose };
    ran.extend(run_all(&project, &chosen, how)?);
    println!();
    let took = started.elapsed();
    let passed = sum_up(&project, &ran, took, calibration, how)?;
    if record && passed {
        times::write_suite_times(&project, &ran, took, calibration)?;
    }
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How suites are run.
#[derive(Clone, Copy, Debug)]
struct How {
    /// With the tests that guard a corner and take long.
    full: bool,
    /// All output is shown.
    verbose: bool,
}

/// A suite that has run.
#[derive(Debug)]
struct Ran {
    suite: &'static str,
    took: Duration,
    results: Results,
}

/// Prints and keeps how long each suite took, then what failed, then the sum; whether all passed.
fn sum_up(
    project: &Project,
    ran: &[Ran],
    took: Duration,
    calibration: Calibration,
    how: How,
) -> Result<bool> {
    let mut all = Results::default();
    println!("the slowest tests, in seconds:");
    for line in times::write_slowest(project, ran)? {
        println!("  {line}");
    }
    println!("\n{calibration}");
    for Ran { suite, took, results } in ran {
        let (seconds, cpu) = (took.as_secs_f64(), results.cpu.as_secs_f64());
        println!("{seconds:>8.1} s {cpu:>8.1} s CPU {:>6.1} loops  {suite}", calibration.loops(*took));
        all.cpu += results.cpu;
        times::append_times(project, suite, *took, results)?;
        all.passed.extend_from_slice(&results.passed);
        all.failures.extend_from_slice(&results.failures);
        all.unsteady.extend_from_slice(&results.unsteady);
    }
    let loops = calibration.loops(took);
    let (seconds, cpu) = (took.as_secs_f64(), all.cpu.as_secs_f64());
    println!("{seconds:>8.1} s {cpu:>8.1} s CPU {loops:>6.1} loops  all, some at the same time\n");
    // With `--full`, suites do more than was recorded.
    if !how.full {
        for words in times::slower_suites(project, ran, calibration) {
            println!("slower than before: {words}");
        }
    }
    times::append_times(project, "all", took, &all)?;
    for Ran { suite, results, .. } in ran {
        for name in &results.unsteady {
            println!("failed beside others, passed when it ran again: {suite}: {name}");
        }
    }
    for Ran { suite, results, .. } in ran {
        for failure in &results.failures {
            println!("failed: {suite}: {}", failure.name);
        }
    }
    println!("{all}");
    Ok(all.failures.is_empty())
}

/// How many of the suites that mostly wait run at a time: with three, browsers on a machine of two slow cores starve.
const WAITING: usize = 2;
/// How many of those that only compute.
const BESIDE: usize = 2;

/// Runs the suites of one [`Lane`] after the other: the first ones in turn, then [`WAITING`] at a time of those that mostly wait,
/// then in turn those that need the machine. Beside all but these last, [`BESIDE`] at a time of those that only compute have
/// what is left of the processor. What failed beside others runs once more without them.
fn run_all(project: &Project, chosen: &[&'static Suite], how: How) -> Result<Vec<Ran>> {
    let of = |lane| -> Mutex<VecDeque<&'static Suite>> {
        Mutex::new(chosen.iter().copied().filter(|suite| suite.lane == lane).collect())
    };
    let (first, waiting, beside) = (of(Lane::First), of(Lane::Waiting), of(Lane::Beside));
    let mut ran = std::thread::scope(|scope| {
        let begin = |lane| scope.spawn(move || in_turn(project, lane, how));
        let mut begun = vec![&beside; BESIDE].into_iter().map(begin).collect::<Vec<_>>();
        let mut ran = in_turn(project, &first, how)?;
        begun.extend(vec![&waiting; WAITING].into_iter().map(begin));
        for lane in begun {
            ran.extend(lane.join().map_err(|_| anyhow!("a suite's thread has panicked"))??);
        }
        anyhow::Ok(ran)
    })?;
    for ran in &mut ran {
        if let Some(suite) =
            chosen.iter().find(|suite| suite.name == ran.suite && suite.lane == Lane::Waiting)
        {
            rerun_failed(project, suite, ran, how)?;
        }
    }
    ran.extend(in_turn(project, &of(Lane::Alone), how)?);
    Ok(ran)
}

/// Runs one suite after the other until none is left.
fn in_turn(project: &Project, suites: &Mutex<VecDeque<&'static Suite>>, how: How) -> Result<Vec<Ran>> {
    let mut ran = Vec::new();
    loop {
        let next = suites.lock().map_err(|_| anyhow!("a suite's thread has panicked"))?.pop_front();
        let Some(suite) = next else { return Ok(ran) };
        let Some(mut one) = run_suite(project, suite, how)? else { continue };
        if suite.lane == Lane::Alone {
            rerun_failed(project, suite, &mut one, how)?;
        }
        ran.push(one);
    }
}

/// Runs what failed of a suite once more, where its runner can and it is little.
fn rerun_failed(project: &Project, suite: &Suite, ran: &mut Ran, how: How) -> Result<()> {
    if !again::worth_it(suite.again, &ran.results) {
        return Ok(());
    }
    let mut step = Step::start(&format!("{} again", suite.name));
    let started = Instant::now();
    let second = attempt_suite(project, suite, &mut step, how, &ran.results.failures)?;
    ran.results.second_try(&second);
    ran.took += started.elapsed();
    ran.results.cpu += second.cpu;
    let Results { failures, unsteady, .. } = &ran.results;
    let end = if failures.is_empty() { End::Ok } else { End::Failed };
    step.end(end, &format!("{} passed now, {} failed again", unsteady.len(), failures.len()));
    Ok(())
}

/// Runs one suite and prints its line, unless it cannot run here; only an interruption is an error.
fn run_suite(project: &Project, suite: &'static Suite, how: How) -> Result<Option<Ran>> {
    let mut step = Step::start(suite.name);
    if let Some(why) = (suite.skip)(project) {
        step.end(End::Skipped, why);
        return Ok(None);
    }
    let started = Instant::now();
    let results = attempt_suite(project, suite, &mut step, how, &[])?;
    step.end(if results.failures.is_empty() { End::Ok } else { End::Failed }, &results.to_string());
    for failure in &results.failures {
        eprintln!("failed: {}\n{}\n", failure.name, failure.reason);
    }
    Ok(Some(Ran { suite: suite.name, took: started.elapsed(), results }))
}

/// The results of a suite, or of those of its tests that have `failed` before; only an interruption is an error.
fn attempt_suite(
    project: &Project,
    suite: &Suite,
    step: &mut Step,
    how: How,
    failed: &[Failure],
) -> Result<Results> {
    match execute_suite(project, suite, step, how, failed) {
        Err(error) if !error.is::<interrupt::Interrupted>() => {
            Ok(Results::from_failure(THE_RUN, &format!("{error:#}")))
        }
        results => results,
    }
}

fn execute_suite(
    project: &Project,
    suite: &Suite,
    step: &mut Step,
    how: How,
    failed: &[Failure],
) -> Result<Results> {
    let log = format!("test-{}{}", suite.name, if failed.is_empty() { "" } else { "-again" });
    let file = project.log_path(&log).with_extension("xml");
    let mut command = (suite.command)(project, &file);
    suite.again.add_cache_args(&mut command, &project.own_path("pytest").join(suite.name));
    if !failed.is_empty() {
        suite.again.only_failed(&mut command, failed);
    }
    // Some of those that only a full run has are made of such tests alone; a user who names one wants them.
    if how.full || suite.when == When::Full {
        command.env(FULL, "1");
    }
    match suite.lane {
        Lane::Waiting => command = process::with_own_share(&command),
        Lane::Beside => command = process::at_idle_priority(&command),
        Lane::First | Lane::Alone => {}
    }
    let file = if suite.reports == Reports::Nextest { nextest_report(project) } else { file };
    remove_path(&file)?;
    let ended = process::run_command(project, step, &log, &mut command, how.verbose)?;
    interrupt::check_interrupt()?;
    let mut results = read_outcome(suite, &file, &ended, how)?;
    results.cpu = ended.cpu;
    Ok(results)
}

/// What became of a run, by its report in `file` or its exit code.
fn read_outcome(suite: &Suite, file: &Path, ended: &Ended, how: How) -> Result<Results> {
    let success = ended.status.success();
    if suite.reports == Reports::Nothing {
        let said = || if how.verbose { String::new() } else { ended.tail(120) };
        return Ok(if success {
            Results::one_passed(suite.name)
        } else {
            Results::from_failure(suite.name, &said())
        });
    }
    match fs::read_to_string(file) {
        Ok(text) => Results::of_run(success, &text).with_context(|| format!("read {}", file.display())),
        Err(_) => Ok(Results::from_failure(THE_RUN, &ended.tail(120))),
    }
}

/// The suites whose name contains one of the words; without words those of every change, or with `full` all but those
/// that have to be asked for.
fn choose_suites(words: &[String], full: bool) -> Result<Vec<&'static Suite>> {
    for word in words {
        if !SUITES.iter().any(|suite| suite.name.contains(word.as_str())) {
            let names: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
            bail!(unknown_word("suite", word, &names));
        }
    }
    let chosen = |suite: &&Suite| match suite.when {
        _ if !words.is_empty() => words.iter().any(|word| suite.name.contains(word.as_str())),
        When::Always => true,
        When::Full => full,
        When::Named => false,
    };
    Ok(SUITES.iter().filter(chosen).collect())
}

fn list_suites() {
    for suite in &SUITES {
        let when = match suite.when {
            When::Always => "",
            When::Full => " (--full)",
            When::Named => " (only by name)",
        };
        println!("{:<16} {}{when}", suite.name, suite.about);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &[&str], full: bool) -> Vec<&'static str> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        choose_suites(&words, full).unwrap().iter().map(|suite| suite.name).collect()
    }

    #[test]
    fn what_takes_long_runs_only_when_it_is_asked_for() {
        assert!(!names(&[], false).contains(&"soak") && names(&[], true).contains(&"soak"));
        assert!(names(&[], true).len() > names(&[], false).len());
        assert!(!names(&[], true).contains(&"readme"));
        assert_eq!(names(&["readme"], false), ["readme"]);
        assert_eq!(names(&["soak"], false), ["soak"]);
        assert_eq!(names(&["ui-types", "readme"], true), ["ui-types", "readme"]);
        assert!(choose_suites(&["redme".into()], false).is_err());
    }
}
