//! `cargo xtask`: the project's own commands. This file reads the command line and calls.
//!
//! - [`setup`]: finds what is missing and brings it, into the project's own folder where it can
//! - [`demo`]: builds, starts the server, says what to try
//! - [`check`]: lints and tests of what has changed
//! - [`mod@test`]: every check and test, one line a suite, one sum
//! - [`mod@bench`]: measurements, written into the pages of `docs/benchmarks`
//! - [`shots`]: pictures of the pages, for README and docs
//! - [`soak`]: all uses at once for an hour; does anything grow?
//! - [`dist`]: packages, in `dist/`
//! - [`calibration`]: how fast this machine is
//! - [`lints`]: Clippy, by what a build has compiled
//! - [`project`], [`process`], [`programs`], [`progress`], [`server`]: what these share

#![forbid(unsafe_code)]

mod bench;
mod calibration;
mod check;
mod demo;
mod dist;
mod interrupt;
mod lints;
mod nginx;
mod process;
mod programs;
mod progress;
mod project;
mod redis;
mod server;
mod setup;
mod shots;
mod soak;
mod test;

use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::prelude::*;

const HELP: &str = "\
Sightwire's own commands, run from anywhere in the repository.

  cargo xtask demo              build, start the server, open the printed address
  cargo xtask check             lints and tests of what you have changed
  cargo xtask test              every check and test; the last line is the sum

Commands
  setup    bring what is missing; does nothing when all is there
             --for demo|bench|test|full
                                only what that command needs (default: test)
             --dry-run          say what would be done, do nothing
  demo     the server with its page, for a person with a browser
             --listen ADDR      default 127.0.0.1:8000; a port alone is one of 127.0.0.1, and port 0 picks a free one
             --model NAME       the recogniser's model (default: the built-in one)
             --once             no browser: play generated clips through a real client,
                                print the labels that came back, exit
             --cluster          three servers that act as one, of which one is killed before your
                                eyes; with --once: without a browser, and a table
  check    what differs from the last commit: format, lints, and the tests of the crates and
           files that it reaches; a minute or three
             --base REV         what differs from another commit
             -v, --verbose      show the output of all as it comes
  test     [NAME…]              what every change has to pass, or the suites whose name contains a NAME
             --full             also what takes minutes and guards one corner: TensorFlow, accuracy,
                                combinations of features, a soak, fuzzing (an hour)
             readme             only by name: the commands of README and docs/tour.md in a fresh clone (minutes)
             advisories         only by name: known weaknesses of what it is built on (asks GitHub and npm)
             --list             the suites, and what each checks
             --record           write what each suite took into docs/test-times.tsv, in units of a calibration loop
             -v, --verbose      show the suites' own output as it comes
  bench    attacks|batches|cameras|cluster|hands|kserve|neighbours|pages|read|relay|sign|telling|wlasl20
             [ARGS…]            load, delay, text; rewrites its tables in docs/benchmarks/
           pairs REV [sign|relay|fan-out|views|page|idle…] [--pairs N] [--busy]
                                this tree's server and that of another commit, in turn: CPU, rates, delays
           build                what each package takes to compile; writes docs/build-times.tsv
           first-page [REV…]    how long fresh clones take until the demo's first page answers
  shots    the pictures of README and docs, of the real pages with generated streams; writes docs/img/shots
  soak     all uses at once while clients come and go and faults are injected: memory, threads, descriptors,
           delays and log lines stay within bounds, or it fails; writes into .sightwire/soak
             --minutes N        default 60; at least 3
             --week             a week's comings and goings in half an hour
             --seed N           the same order of events again
  dist     what is given to users, in dist/: a Debian package and an archive with the program, the library that
           runs models and the model that reads text; lists of components, checksums
             --only deb|tar     one of the two
             --profile NAME     cargo's profile (default: dist, which takes longer and is smaller)
             --deb-version V    version of the Debian package

What setup brings: build-essential, cmake, nasm, chromium and ffmpeg from the system's packages; npm packages
into ui/, e2e/ and clients/js/; Python packages, nginx, HAProxy, Prometheus, Redis, ONNX Runtime and, for --full, TensorFlow into .sightwire/;
cargo-deny and cargo-nextest into ~/.cache/sightwire/, unless the machine has them. Your own settings of cargo, npm and pip (mirrors, proxies) hold. Logs are in .sightwire/logs.
";

fn main() -> ExitCode {
    if let Some(code) = lints::record_call() {
        return code;
    }
    match dispatch_command() {
        Ok(code) => code,
        Err(error) if error.is::<interrupt::Interrupted>() => {
            eprintln!("\nInterrupted. What was finished is kept; run the same command again to go on.");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch_command() -> Result<ExitCode> {
    interrupt::listen_signals()?;
    // After any command as well; what follows `bench sign` is the load generator's own.
    let asked =
        std::env::args().skip(1).take_while(|arg| arg != "sign").any(|arg| arg == "-h" || arg == "--help");
    let mut args = lexopt::Parser::from_env();
    let name = match args.next()? {
        Some(Value(name)) if !asked => name.string()?,
        Some(other) if !asked => return Err(other.unexpected().into()),
        _ => "help".to_owned(),
    };
    match name.as_str() {
        "setup" => setup::run_setup(args),
        "demo" => demo::run_demo(args),
        "check" => check::run_check(args),
        "test" => test::run_tests(args),
        "bench" => bench::run_bench(args),
        "shots" => shots::run_shots(args),
        "soak" => soak::run_soak(args),
        "dist" => dist::run_dist(args),
        // What the suite `rust-lints` runs.
        "lints" => lints::run_lints(),
        "help" => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        other => {
            bail!(unknown_word(
                "command",
                other,
                &["setup", "demo", "check", "test", "bench", "shots", "soak", "dist"]
            ))
        }
    }
}

/// The message for a word that is none of `known`, naming the nearest.
fn unknown_word(kind: &str, word: &str, known: &[&str]) -> String {
    let distance = |name: &&&str| strsim::levenshtein(word, name);
    let nearest = known.iter().min_by_key(distance).copied().unwrap_or_default();
    format!("no {kind} '{word}'; did you mean '{nearest}'? There are: {}", known.join(", "))
}
