//! Which tests failed, read from what each runner prints, and the command that runs only those again.

use std::process::Command;

use super::counts::Runner;
use crate::process;

/// So many failures are no accident: they are not tried again.
const MOST: usize = 12;

/// A test that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// As its runner names it.
    pub(super) name: String,
    /// What it said, as far as the runner prints it under the name; a few lines.
    pub(super) reason: String,
    /// What selects it when the runner is called again.
    selector: String,
}

/// The tests that failed; none where the runner says no names.
pub(super) fn read(runner: Runner, output: &str) -> Vec<Failure> {
    let mut failures = match runner {
        Runner::Check | Runner::Vitest => Vec::new(),
        Runner::CargoTest => cargo_test(output),
        Runner::Node => node(output),
        Runner::Playwright => playwright(output),
        Runner::Pytest => pytest(output),
    };
    let mut seen = std::collections::HashSet::new();
    failures.retain(|failure| seen.insert(failure.name.clone()));
    failures
}

/// Whether every test had its turn. Where a program of tests died, what it did not come to has no name, and that the
/// named ones pass by themselves says nothing of it.
pub(super) fn is_whole(runner: Runner, output: &str) -> bool {
    let lines = |is: fn(&str) -> bool| output.lines().filter(|line| is(line)).count();
    match runner {
        Runner::CargoTest => {
            lines(|line| line.starts_with("running ") && line.trim_end_matches('s').ends_with(" test"))
                == lines(|line| line.starts_with("test result: "))
        }
        Runner::Playwright => {
            lines(|line| {
                line.contains(" not a part of any test") || line.trim_end().ends_with(" did not run")
            }) == 0
        }
        // A crash of these leaves no sum at all, or a failure with a name.
        Runner::Check | Runner::Node | Runner::Vitest | Runner::Pytest => true,
    }
}

/// A suite's command, cut down to the tests that failed; `None` where that is not possible or they are too many.
pub(super) fn again(runner: Runner, mut command: Command, failures: &[Failure]) -> Option<Command> {
    if failures.is_empty() || failures.len() > MOST {
        return None;
    }
    let mut selectors: Vec<&str> = failures.iter().map(|failure| failure.selector.as_str()).collect();
    selectors.sort_unstable();
    selectors.dedup();
    match runner {
        Runner::Check | Runner::Vitest => return None,
        Runner::CargoTest => {
            command.args(["--", "--exact"]).args(selectors);
        }
        Runner::Playwright => {
            command.args(selectors);
        }
        // These name their files, or the one folder, at the end of the command.
        Runner::Node => {
            let files = |args: &[&str]| args.iter().filter(|arg| arg.ends_with(".test.mjs")).count();
            command = in_place_of_the_last(&command, files, &selectors);
        }
        Runner::Pytest => command = in_place_of_the_last(&command, |_| 1, &selectors),
    }
    Some(command)
}

/// The same command with other words in place of the last ones; `count` says how many they are.
fn in_place_of_the_last(command: &Command, count: fn(&[&str]) -> usize, words: &[&str]) -> Command {
    let args: Vec<&str> = command.get_args().filter_map(|arg| arg.to_str()).collect();
    let args = &args[..args.len().saturating_sub(count(&args))];
    process::in_place_of(command, command.get_program(), args.iter().chain(words))
}

/// `---- NAME stdout ----`, then what the test printed.
fn cargo_test(output: &str) -> Vec<Failure> {
    let head = |line: &str| Some(line.strip_prefix("---- ")?.strip_suffix(" stdout ----")?.to_owned());
    let mut failures: Vec<Failure> =
        blocks(output, head, |line| line == "failures:" || line.starts_with("---- "));
    // A test that printed nothing has no such block.
    for line in output.lines() {
        let name = line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED"));
        if let Some(name) = name.filter(|name| failures.iter().all(|failure| failure.name != *name)) {
            failures.push(Failure {
                name: name.to_owned(),
                reason: String::new(),
                selector: name.to_owned(),
            });
        }
    }
    failures
}

/// After `failing tests:`, for each `test at FILE:LINE:COLUMN` and then `✖ NAME (12ms)`.
fn node(output: &str) -> Vec<Failure> {
    let Some((_, list)) = output.split_once("failing tests:") else {
        return Vec::new();
    };
    let head = |line: &str| line.strip_prefix("test at ").map(str::to_owned);
    let mut failures = blocks(list, head, |line| line.starts_with("test at "));
    // What is known not to work yet (`todo`) stands in the list as well, `✖ NAME (12ms) # REASON`, and fails no run.
    failures.retain(|failure| !failure.reason.lines().next().is_some_and(|line| line.contains("ms) # ")));
    for failure in &mut failures {
        failure.selector = failure.selector.split(':').next().unwrap_or_default().to_owned();
    }
    failures
}

/// `  1) [project] › browser/a.spec.mjs:3:1 › NAME ────`, then the error.
fn playwright(output: &str) -> Vec<Failure> {
    let head = |line: &str| {
        let (number, rest) = line.trim_start().split_once(") [")?;
        number.parse::<u32>().ok()?;
        let (_, test) = rest.split_once("] › ")?;
        Some(test.trim_end_matches(['─', ' ']).to_owned())
    };
    let mut failures = blocks(output, head, |line| {
        line.trim_start().split_once(") [").is_some_and(|(number, _)| number.parse::<u32>().is_ok())
    });
    for failure in &mut failures {
        // FILE:LINE:COLUMN; the column is not part of the selector.
        let place = failure.selector.split(" › ").next().unwrap_or_default().to_owned();
        let mut parts = place.split(':');
        failure.selector =
            format!("{}:{}", parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    }
    failures
}

/// `FAILED python/test_a.py::test_b - AssertionError: …` in the short summary.
fn pytest(output: &str) -> Vec<Failure> {
    let failure = |line: &str| {
        let rest = line.strip_prefix("FAILED ").or_else(|| line.strip_prefix("ERROR "))?;
        // A parameter may have a dash in it, too.
        let dash = match rest.split_once(" - ") {
            Some((name, _)) if name.contains('[') && !name.ends_with(']') => {
                rest.find("] - ").map(|at| at + 1)
            }
            Some((name, _)) => Some(name.len()),
            None => None,
        };
        let (name, reason) = rest.split_at(dash.unwrap_or(rest.len()));
        let name = name.trim().to_owned();
        let reason = reason.trim_start_matches(" - ");
        name.contains("::").then(|| Failure { selector: name.clone(), name, reason: reason.to_owned() })
    };
    output.lines().filter_map(failure).collect()
}

/// One failure for each line with a name in it; the lines below it, up to `ends`, are its reason.
fn blocks(output: &str, head: impl Fn(&str) -> Option<String>, ends: impl Fn(&str) -> bool) -> Vec<Failure> {
    let lines: Vec<&str> = output.lines().collect();
    let mut failures = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(name) = head(line) else { continue };
        let reason: Vec<&str> = lines[index + 1..]
            .iter()
            .take_while(|line| !ends(line))
            .filter(|line| !line.trim().is_empty())
            .take(16)
            .copied()
            .collect();
        failures.push(Failure { selector: name.clone(), name, reason: reason.join("\n") });
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &Command) -> Vec<String> {
        command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect()
    }

    fn names(runner: Runner, output: &str) -> Vec<String> {
        read(runner, output).into_iter().map(|failure| failure.name).collect()
    }

    #[test]
    fn cargo_names_what_failed_and_why() {
        let output = "test a::b ... ok\ntest a::c ... FAILED\ntest a::silent ... FAILED\n\nfailures:\n\n\
                      ---- a::c stdout ----\n\nthread 'a::c' panicked at src/a.rs:3:5:\nleft: 1\n\n\
                      failures:\n    a::c\n    a::silent\n\ntest result: FAILED. 1 passed; 2 failed;\n";
        let failures = read(Runner::CargoTest, output);
        assert_eq!(failures[0].name, "a::c");
        assert_eq!(failures[0].reason, "thread 'a::c' panicked at src/a.rs:3:5:\nleft: 1");
        assert_eq!(failures[1].name, "a::silent");
        let mut cargo = Command::new("cargo");
        cargo.args(["test", "--release"]);
        let command = again(Runner::CargoTest, cargo, &failures).unwrap();
        assert_eq!(words(&command), ["test", "--release", "--", "--exact", "a::c", "a::silent"]);
    }

    #[test]
    fn node_runs_the_files_of_what_failed() {
        let output = "✔ good (3ms)\n✖ bad (2ms)\nℹ fail 2\n\n✖ failing tests:\n\n\
                      test at js/a.test.mjs:12:1\n✖ bad (2ms)\n  AssertionError: no\n\n\
                      test at js/c.test.mjs:7:1\n✖ not yet (2ms) # the library cannot\n\n\
                      test at js/a.test.mjs:40:1\n✖ worse (2ms)\n";
        let failures = read(Runner::Node, output);
        assert_eq!(failures.len(), 2);
        assert_eq!(failures[0].reason, "✖ bad (2ms)\n  AssertionError: no");
        let mut node = Command::new("node");
        node.args(["--test", "/x/js/a.test.mjs", "/x/js/b.test.mjs"]).env("A", "1");
        let command = again(Runner::Node, node, &failures).unwrap();
        assert_eq!(words(&command), ["--test", "js/a.test.mjs"]);
        assert_eq!(command.get_envs().count(), 1);
    }

    #[test]
    fn playwright_runs_the_line_of_what_failed() {
        let output = "  ✓  1 [together] › browser/a.spec.mjs:3:1 › fine (1.2s)\n  1) [together] › \
                      browser/b.spec.mjs:31:3 › group › not fine ─────\n\n    Error: expect(x)\n\n  1 failed\n    \
                      [together] › browser/b.spec.mjs:31:3 › group › not fine ────\n  12 passed (5.2s)\n";
        let failures = read(Runner::Playwright, output);
        assert_eq!(failures.len(), 1);
        assert_eq!(failures[0].name, "browser/b.spec.mjs:31:3 › group › not fine");
        assert!(failures[0].reason.starts_with("    Error: expect(x)"));
        let mut playwright = Command::new("node");
        playwright.args(["cli.js", "test", "--project=together"]);
        let command = again(Runner::Playwright, playwright, &failures).unwrap();
        assert_eq!(words(&command)[3..], ["browser/b.spec.mjs:31"]);
    }

    #[test]
    fn pytest_runs_what_its_summary_names() {
        let output = "FAILED python/test_a.py::test_b[x - y] - AssertionError: 1\nERROR python/test_a.py::test_c\n\
                      ===== 2 failed, 11 passed in 3.21s =====\n";
        assert_eq!(
            names(Runner::Pytest, output),
            ["python/test_a.py::test_b[x - y]", "python/test_a.py::test_c"]
        );
        let failures = read(Runner::Pytest, "FAILED python/test_a.py::test_b - AssertionError: 1 - 2\n");
        assert_eq!(failures[0].reason, "AssertionError: 1 - 2");
        let mut pytest = Command::new("python");
        pytest.args(["-m", "pytest", "-c", "conf.toml", "python"]);
        let command = again(Runner::Pytest, pytest, &failures).unwrap();
        assert_eq!(words(&command), ["-m", "pytest", "-c", "conf.toml", "python/test_a.py::test_b"]);
    }

    #[test]
    fn a_run_that_broke_off_is_not_whole() {
        let cargo = "running 2 tests\ntest a ... FAILED\ntest result: FAILED. 1 passed; 1 failed;\n\nrunning 1 test\n";
        assert!(!is_whole(Runner::CargoTest, cargo));
        assert!(is_whole(Runner::CargoTest, &format!("{cargo}test result: ok. 1 passed; 0 failed;\n")));
        assert!(is_whole(Runner::Playwright, "  1 failed\n  3 passed (2s)\n"));
        assert!(!is_whole(Runner::Playwright, "  1 failed\n  2 did not run\n  3 passed (2s)\n"));
        assert!(!is_whole(
            Runner::Playwright,
            "  1 error was not a part of any test, see above\n  3 passed\n"
        ));
    }

    #[test]
    fn too_many_failures_are_not_tried_again() {
        let failure = Failure { name: "a".into(), reason: String::new(), selector: "a".into() };
        assert!(again(Runner::Pytest, Command::new("python"), &vec![failure; MOST + 1]).is_none());
        assert!(again(Runner::Vitest, Command::new("npm"), &[]).is_none());
    }
}
