//! `cargo xtask check`: lints and tests of what differs from the last commit, in a minute or three.

mod changes;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::Result;
use lexopt::prelude::*;

use changes::Touched;

use crate::interrupt::Interrupted;
use crate::process;
use crate::programs::{
    cargo_build, clippy_command, deny_command, nextest_command, npm_command, npx_command, ruff_command,
    rust_format,
};
use crate::progress::{End, Step};
use crate::project::Project;

const DRAW: &str = "sightwire-draw";
/// Holds the table of crates and what no room may do; whatever crate changes.
const HOUSE: &str = "binary(house)";
const SCRIPTS: &[&str] = &[".ts", ".tsx", ".js", ".mjs"];

/// Runs `cargo xtask check`: lints and tests of what differs from a commit.
pub(crate) fn run_check(mut args: lexopt::Parser) -> Result<ExitCode> {
    let mut base = "HEAD".to_owned();
    let mut verbose = false;
    while let Some(arg) = args.next()? {
        match arg {
            Long("base") => base = args.value()?.string()?,
            Short('v') | Long("verbose") => verbose = true,
            _ => return Err(arg.unexpected().into()),
        }
    }
    let project = Project::here()?;
    let files = changes::changed_files(&project, &base)?;
    if files.is_empty() {
        println!("Nothing differs from {base}.");
        return Ok(ExitCode::SUCCESS);
    }
    let started = Instant::now();
    let crates = changes::workspace_crates(&project)?;
    let touched = Touched::from_files(&files, &crates);
    let steps = list_steps(&project, &touched);
    let (count, mut failed) = (steps.len(), Vec::new());
    for (name, command) in steps {
        if !run_step(&project, name, command, verbose)? {
            failed.push(name);
        }
    }
    for words in list_unchecked(&touched) {
        println!("not checked: {words}");
    }
    let sum = format!("{} of {count} passed", count - failed.len());
    let names = if failed.is_empty() { String::new() } else { format!("; failed: {}", failed.join(", ")) };
    println!("{sum}, in {} s{names}", started.elapsed().as_secs());
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is run, in this order, each with the name of the suite that it is a part of.
fn list_steps(project: &Project, touched: &Touched) -> Vec<(&'static str, Command)> {
    let mut steps = Vec::new();
    if !touched.crates.is_empty() {
        // Cargo knows itself which crates a change reaches.
        steps.push(("rust-format", rust_format(project)));
        steps.push(("rust-lints", clippy_command(project)));
        if touched.crates.iter().chain(&touched.users).any(|name| name == DRAW) {
            // What its tests start is an example, which nextest does not build.
            let child = ["build", "--workspace", "--example", "draw-test-child"];
            steps.push(("rust", cargo_build(project, &child)));
        }
        steps.push(("rust", nextest_command(project, &["--filterset", &test_filter(touched)])));
    }
    if touched.dependencies {
        steps.push(("rust-deny", deny_command(project)));
    }
    let there = |files: &[String], ends: &[&str]| -> Vec<PathBuf> {
        let wanted = files.iter().filter(|file| ends.iter().any(|end| file.ends_with(end)));
        wanted.map(|file| project.join_root(file)).filter(|path| path.exists()).collect()
    };
    let lints = |folder: &str, [lints, format]: [&'static str; 2], files: &[String]| {
        let mut eslint = npx_command(project.join_root(folder), "eslint");
        eslint
            .args(["--max-warnings", "0", "--no-warn-ignored", "--pass-on-no-patterns"])
            .args(there(files, SCRIPTS));
        let mut prettier = npx_command(project.join_root(folder), "prettier");
        prettier
            .args(["--check", "--ignore-unknown", "--no-error-on-unmatched-pattern", "package.json"])
            .args(there(files, &[""]));
        [(lints, eslint), (format, prettier)]
    };
    let types = |folder: &str| npm_command(project.join_root(folder), "typecheck");
    let vitest = |folder: &str, files: &[String]| {
        let mut vitest = npx_command(project.join_root(folder), "vitest");
        vitest.args(["related", "--run", "--passWithNoTests"]).args(there(files, SCRIPTS));
        vitest
    };
    if !touched.client_js.is_empty() {
        steps.push(("client-js-types", types("clients/js")));
        steps.extend(lints("clients/js", ["client-js-lints", "client-js-format"], &touched.client_js));
        steps.push(("client-js", vitest("clients/js", &touched.client_js)));
    }
    let is_made = |file: &String| file.ends_with("/api.ts") || file.ends_with("/paths.ts");
    let api = touched.messages || touched.client_js.iter().any(is_made);
    if api {
        steps.push(("client-js-api", npm_command(project.join_root("clients/js"), "api:check")));
    }
    // The page is made of the client's sources.
    let page = [touched.ui.as_slice(), &touched.client_js].concat();
    if !page.is_empty() {
        steps.push(("ui-types", types("ui")));
        steps.extend(lints("ui", ["ui-lints", "ui-format"], &touched.ui));
        steps.push(("ui-unit", vitest("ui", &page)));
    }
    if api || !touched.e2e.is_empty() {
        steps.push(("e2e-types", types("e2e")));
    }
    if !touched.e2e.is_empty() {
        steps.extend(lints("e2e", ["e2e-lints", "e2e-format"], &touched.e2e));
    }
    let python = there(&touched.python, &[".py"]);
    if !python.is_empty() {
        steps.push(("python-lints", ruff_command(project, python)));
    }
    steps
}

/// The tests of the crates that have changed and of those that use them, in nextest's words.
fn test_filter(touched: &Touched) -> String {
    let crates = touched.crates.iter().chain(&touched.users);
    crates.map(|name| format!("package(={name})")).chain([HOUSE.to_owned()]).collect::<Vec<_>>().join(" + ")
}

/// Runs a step and prints its line, and what it said if it failed; whether it passed.
fn run_step(project: &Project, name: &str, mut command: Command, verbose: bool) -> Result<bool> {
    let mut step = Step::start(name);
    let ended =
        match process::run_command(project, &mut step, &format!("check-{name}"), &mut command, verbose) {
            Ok(ended) => ended,
            Err(error) if error.is::<Interrupted>() => return Err(error),
            Err(error) => {
                step.end(End::Failed, &format!("{error:#}; `cargo xtask setup` brings what is missing"));
                return Ok(false);
            }
        };
    let passed = ended.status.success();
    step.end(if passed { End::Ok } else { End::Failed }, "");
    if !passed && !verbose {
        eprintln!("{}\n", ended.tail(120));
    }
    Ok(passed)
}

/// What these changes may have broken all the same, and what checks it.
fn list_unchecked(touched: &Touched) -> Vec<String> {
    let mut words = Vec::new();
    if !touched.crates.is_empty() {
        words.push("crates further up, beyond that they compile: cargo xtask test rust".to_owned());
    }
    if !(touched.crates.is_empty() && touched.ui.is_empty() && touched.client_js.is_empty()) {
        words.push("clients and browsers against the running server: cargo xtask test e2e".to_owned());
    }
    if !(touched.e2e.is_empty() && touched.python.is_empty()) {
        words.push("the tests in these files themselves: docs/testing.md says how to run one".to_owned());
    }
    if !touched.unknown.is_empty() {
        words.push(format!("{}, which nothing here looks at", touched.unknown.join(", ")));
    }
    words
}
