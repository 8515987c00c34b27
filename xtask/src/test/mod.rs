//! `cargo xtask test`: every suite, one line each, one sum at the end.

mod counts;
mod failures;
mod suites;
mod times;

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Result, anyhow, bail};
use lexopt::prelude::*;

use counts::Counts;
use failures::Failure;
use suites::{BY_NAME, Lane, SUITES, Suite};

use crate::progress::{End, Step};
use crate::project::Project;
use crate::setup::{self, Purpose};
use crate::{interrupt, process, unknown};

/// `cargo xtask test`
pub(crate) fn command(mut args: lexopt::Parser) -> Result<ExitCode> {
    let mut names: Vec<String> = Vec::new();
    let mut verbose = false;
    while let Some(arg) = args.next()? {
        match arg {
            Value(name) => names.push(name.string()?),
            Long("list") => {
                list();
                return Ok(ExitCode::SUCCESS);
            }
            Short('v') | Long("verbose") => verbose = true,
            _ => return Err(arg.unexpected().into()),
        }
    }
    let chosen = choose(&names)?;
    let started = Instant::now();
    let project = Project::here()?;
    setup::run(&project, Purpose::Test)?;
    times::keep(&project, "setup", started.elapsed(), &Counts::default())?;
    let report = run_all(&project, &chosen, verbose)?;
    times::keep(&project, "all", started.elapsed(), &report.counts)?;
    let seconds = started.elapsed().as_secs();
    println!("\nin {} min {} s", seconds / 60, seconds % 60);
    for (suite, failure) in &report.failures {
        println!("failed: {suite}: {}", failure.name);
    }
    // A test that passes only by itself is a defect, of the test or of what it tests: it is named, and has to be mended.
    for (suite, failure) in &report.unsteady {
        println!("unsteady (failed, then passed when run again by itself): {suite}: {}", failure.name);
    }
    println!("{} passed, {} failed", report.counts.passed, report.counts.failed);
    Ok(if report.counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What became of the suites.
#[derive(Debug, Default)]
struct Report {
    counts: Counts,
    failures: Vec<Named>,
    unsteady: Vec<Named>,
}

/// A failure and the suite it is of.
type Named = (&'static str, Failure);

impl Report {
    fn add(&mut self, other: Self) {
        self.counts += other.counts;
        self.failures.extend(other.failures);
        self.unsteady.extend(other.unsteady);
    }
}

/// Runs the suites in their order; those that mostly wait run two at a time, beside them those that only compute. At
/// the end, what failed is run again by itself.
fn run_all(project: &Project, chosen: &[&'static Suite], verbose: bool) -> Result<Report> {
    let first = chosen.iter().position(|suite| suite.lane == Lane::Waiting).unwrap_or(chosen.len());
    let of = |suites: &[&'static Suite], lane| -> Vec<&'static Suite> {
        suites.iter().copied().filter(|suite| suite.lane == lane).collect()
    };
    let in_turn = |suites: Vec<&'static Suite>| in_turn(project, &Mutex::new(suites.into()), verbose);
    let mut sum = in_turn(of(&chosen[..first], Lane::Alone))?;
    let (waiting, beside) = (of(chosen, Lane::Waiting).into(), of(chosen, Lane::Beside));
    let waiting = Mutex::new(waiting);
    let reports = std::thread::scope(|scope| {
        let lanes = [
            scope.spawn(|| self::in_turn(project, &waiting, verbose)),
            scope.spawn(|| self::in_turn(project, &waiting, verbose)),
            scope.spawn(|| in_turn(beside)),
        ];
        lanes.map(std::thread::ScopedJoinHandle::join)
    });
    for report in reports {
        match report {
            Ok(report) => sum.add(report?),
            Err(_) => bail!("a suite's thread has panicked"),
        }
    }
    sum.add(in_turn(of(&chosen[first..], Lane::Alone))?);
    for suite in chosen {
        once_more(project, suite, &mut sum, verbose)?;
    }
    Ok(sum)
}

/// Runs one suite after the other until none is left.
fn in_turn(project: &Project, suites: &Mutex<VecDeque<&'static Suite>>, verbose: bool) -> Result<Report> {
    let mut sum = Report::default();
    loop {
        let next = suites.lock().map_err(|_| anyhow!("a suite's thread has panicked"))?.pop_front();
        match next {
            Some(suite) => sum.add(run(project, suite, verbose)?),
            None => return Ok(sum),
        }
    }
}

/// Runs what failed of a suite again, by itself: what passes now depends on what ran beside it, or on chance.
fn once_more(project: &Project, suite: &Suite, report: &mut Report, verbose: bool) -> Result<()> {
    let failures: Vec<Failure> = report
        .failures
        .iter()
        .filter(|(name, _)| *name == suite.name)
        .map(|(_, failure)| failure.clone())
        .collect();
    // Not even asked for where nothing failed: what was skipped may have no command here.
    if failures.is_empty() {
        return Ok(());
    }
    let Some(mut command) = failures::again(suite.runner, (suite.command)(project)?, &failures) else {
        return Ok(());
    };
    let tried = failures.len();
    let mut step = Step::start(suite.name);
    let log = format!("test-{}-again", suite.name);
    let ended = process::run(project, &mut step, &log, &mut command, verbose)?;
    interrupt::check()?;
    let still = failures::read(suite.runner, &ended.output);
    let counts = Counts::of_run(suite.runner, ended.status.success(), &ended.output);
    let ran = (counts.passed + counts.failed) as usize;
    if ran < tried || (counts.failed > 0 && still.is_empty()) {
        step.end(End::Failed, "again: it ended badly");
        return Ok(());
    }
    let (failures, mended): (Vec<Named>, Vec<Named>) =
        std::mem::take(&mut report.failures).into_iter().partition(|(name, failure)| {
            *name != suite.name || still.iter().any(|other| other.name == failure.name)
        });
    report.failures = failures;
    let passed = u32::try_from(mended.len())?.min(report.counts.failed);
    report.counts.failed -= passed;
    report.counts.passed += passed;
    let end = if still.is_empty() { End::Ok } else { End::Failed };
    step.end(end, &format!("again, by itself: {passed} of {tried} passed"));
    report.unsteady.extend(mended);
    Ok(())
}

/// The same command, which gives way to all others.
fn giving_way(command: &Command) -> Command {
    let before = [OsStr::new("-n"), OsStr::new("19"), command.get_program()];
    process::in_place_of(command, OsStr::new("nice"), before.into_iter().chain(command.get_args()))
}

/// Runs one suite and prints its line; only an interruption is an error here.
fn run(project: &Project, suite: &Suite, verbose: bool) -> Result<Report> {
    let mut step = Step::start(suite.name);
    if let Some(why) = (suite.skip)(project)? {
        step.end(End::Skipped, &why);
        return Ok(Report::default());
    }
    let started = Instant::now();
    let ended = (suite.command)(project).and_then(|mut command| {
        if suite.lane == Lane::Beside {
            command = giving_way(&command);
        }
        process::run(project, &mut step, &format!("test-{}", suite.name), &mut command, verbose)
    });
    interrupt::check()?;
    let ended = match ended {
        Ok(ended) => ended,
        Err(error) => {
            step.end(End::Failed, &format!("{error:#}"));
            return Ok(Report { counts: Counts::failed(), ..Report::default() });
        }
    };
    let counts = Counts::of_run(suite.runner, ended.status.success(), &ended.output);
    times::keep(project, suite.name, started.elapsed(), &counts)?;
    if counts.failed == 0 {
        step.end(End::Ok, &counts.to_string());
        return Ok(Report { counts, ..Report::default() });
    }
    step.end(End::Failed, &counts.to_string());
    let failures = failures::read(suite.runner, &ended.output);
    for failure in &failures {
        eprintln!("failed: {}\n{}\n", failure.name, failure.reason);
    }
    if !verbose {
        // Where the failures say it all, the rest is in the log.
        eprintln!("{}\n", ended.tail(if failures.is_empty() { 120 } else { 0 }));
    }
    let counts = if failures::is_whole(suite.runner, &ended.output) { counts } else { counts.broken_off() };
    let failures = failures.into_iter().map(|failure| (suite.name, failure)).collect();
    Ok(Report { counts, failures, unsteady: Vec::new() })
}

/// The suites whose name contains one of the words; without words all but those that have to be asked for.
fn choose(words: &[String]) -> Result<Vec<&'static Suite>> {
    let all = || SUITES.iter().chain(&BY_NAME);
    for word in words {
        if !all().any(|suite| suite.name.contains(word.as_str())) {
            let names: Vec<&str> = all().map(|suite| suite.name).collect();
            bail!(unknown("suite", word, &names));
        }
    }
    if words.is_empty() {
        return Ok(SUITES.iter().collect());
    }
    Ok(all().filter(|suite| words.iter().any(|word| suite.name.contains(word.as_str()))).collect())
}

fn list() {
    for suite in &SUITES {
        println!("{:<14} {}", suite.name, suite.about);
    }
    for suite in &BY_NAME {
        println!("{:<14} {} (only by name)", suite.name, suite.about);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_is_followed_only_by_name() {
        let names = |words: &[&str]| -> Vec<&str> {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            choose(&words).unwrap().iter().map(|suite| suite.name).collect()
        };
        assert_eq!(names(&[]).len(), SUITES.len());
        assert!(!names(&[]).contains(&"readme"));
        assert_eq!(names(&["readme"]), ["readme"]);
        assert_eq!(names(&["ui-types", "readme"]), ["ui-types", "readme"]);
        assert!(choose(&["redme".into()]).is_err());
    }
}
