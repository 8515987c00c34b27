//! `cargo xtask soak`: all uses at once for long, while clients come and go and faults are injected; does anything grow?
//! `e2e/soak/` plays it against the demo's build.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Result, ensure};
use lexopt::prelude::*;

use crate::process;
use crate::progress::{End, Step};
use crate::project::Project;
use crate::setup::{self, Purpose};

/// With less there is nothing to compare.
const LEAST_MINUTES: f64 = 3.0;

/// Sets up, plays it, and fails where a bound is broken.
pub(crate) fn run_soak(args: lexopt::Parser) -> Result<ExitCode> {
    let options = parse_options(args)?;
    let project = Project::here()?;
    setup::install_parts(&project, Purpose::Bench)?;
    let mut soak = Command::new("node");
    soak.arg("soak/run.mjs")
        .args(options)
        .current_dir(project.join_root("e2e"))
        .env("SIGHTWIRE_BIN", project.program_path("sightwire"))
        .env("SIGHTWIRE_HOME", project.home());
    let mut step = Step::start("soak");
    let ended = process::run_command(&project, &mut step, "soak", &mut soak, true)?;
    let holds = ended.status.success();
    let end = if holds { End::Ok } else { End::Failed };
    step.end(end, "samples, summary and the server's log are in .sightwire/soak");
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What `e2e/soak/run.mjs` is given; a mistake is told before anything is built.
fn parse_options(mut args: lexopt::Parser) -> Result<Vec<OsString>> {
    let mut options = Vec::new();
    while let Some(arg) = args.next()? {
        match arg {
            Long("week") => options.push("--week".into()),
            Long("minutes") => {
                let minutes: f64 = args.value()?.parse()?;
                ensure!(minutes >= LEAST_MINUTES, "--minutes is at least {LEAST_MINUTES}");
                options.extend(["--minutes".into(), minutes.to_string().into()]);
            }
            Long("seed") => {
                let seed: u32 = args.value()?.parse()?;
                options.extend(["--seed".into(), seed.to_string().into()]);
            }
            _ => return Err(arg.unexpected().into()),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_before_anything_is_built() {
        let parsed = |words: &str| parse_options(lexopt::Parser::from_args(words.split_whitespace()));
        assert_eq!(
            parsed("--week --seed 7 --minutes 10").unwrap(),
            ["--week", "--seed", "7", "--minutes", "10"]
        );
        assert_eq!(parsed("").unwrap(), Vec::<OsString>::new());
        for wrong in ["--minutes 2", "--minutes", "--minutes ten", "--seed -1", "--weak", "week"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
