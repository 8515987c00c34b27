//! `cargo xtask test`: every suite, one line each, one sum at the end.

mod counts;
mod suites;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};
use lexopt::prelude::*;

use counts::Counts;
use suites::{SUITES, Suite};

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
    let mut sum = Counts::default();
    for suite in chosen {
        sum += run(&project, suite, verbose)?;
    }
    let seconds = started.elapsed().as_secs();
    println!("\nin {} min {} s", seconds / 60, seconds % 60);
    println!("{} passed, {} failed", sum.passed, sum.failed);
    Ok(if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs one suite and prints its line; only an interruption is an error here.
fn run(project: &Project, suite: &Suite, verbose: bool) -> Result<Counts> {
    let mut step = Step::start(suite.name);
    if let Some(why) = (suite.skip)(project)? {
        step.end(End::Skipped, &why);
        return Ok(Counts::default());
    }
    let ended = (suite.command)(project).and_then(|mut command| {
        process::run(project, &mut step, &format!("test-{}", suite.name), &mut command, verbose)
    });
    interrupt::check()?;
    let ended = match ended {
        Ok(ended) => ended,
        Err(error) => {
            step.end(End::Failed, &format!("{error:#}"));
            return Ok(Counts::failed());
        }
    };
    let counts = Counts::of_run(suite.runner, ended.status.success(), &ended.output);
    if counts.failed == 0 {
        step.end(End::Ok, &counts.to_string());
    } else {
        step.end(End::Failed, &counts.to_string());
        if !verbose {
            eprintln!("{}\n", ended.tail(120));
        }
    }
    Ok(counts)
}

/// The suites whose name contains one of the words; all without words.
fn choose(words: &[String]) -> Result<Vec<&'static Suite>> {
    for word in words {
        if !SUITES.iter().any(|suite| suite.name.contains(word.as_str())) {
            let names: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
            bail!(unknown("suite", word, &names));
        }
    }
    let wanted =
        |suite: &&Suite| words.is_empty() || words.iter().any(|word| suite.name.contains(word.as_str()));
    Ok(SUITES.iter().filter(wanted).collect())
}

fn list() {
    for suite in &SUITES {
        println!("{:<14} {}", suite.name, suite.about);
    }
}
