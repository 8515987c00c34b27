//! How many tests passed and failed, read from each runner's closing lines.

use std::fmt;
use std::ops::AddAssign;

/// Who prints the closing lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runner {
    /// Not a test runner: the whole check passes or fails as one.
    Check,
    CargoTest,
    /// `node --test`
    Node,
    Vitest,
    Playwright,
    Pytest,
}

/// A suite's result. Tests that a runner skipped count as neither.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: u32,
    pub(super) failed: u32,
    pub(super) skipped: u32,
}

impl Counts {
    /// A suite that could not run.
    pub(super) fn failed() -> Self {
        Self { failed: 1, ..Self::default() }
    }

    /// With what had no turn as one failure more, which no second run of the others takes back.
    pub(super) fn broken_off(self) -> Self {
        Self { failed: self.failed + 1, ..self }
    }

    /// The result of a run. A run that ended badly never counts as free of failures, and one that
    /// ran no test never counts as a success.
    pub(super) fn of_run(runner: Runner, success: bool, output: &str) -> Self {
        let mut counts = match runner {
            Runner::Check => Self { passed: u32::from(success), ..Self::default() },
            Runner::CargoTest => cargo_test(output),
            Runner::Node => node(output),
            Runner::Vitest => words(output, |line| line.trim_start().starts_with("Tests ")),
            Runner::Playwright => playwright(output),
            Runner::Pytest => words(output, |line| {
                // After a minute it adds minutes: `in 202.28s (0:03:22)`.
                let line = line.trim_end_matches(['=', ' ']);
                let line =
                    line.rsplit_once(" (").filter(|_| line.ends_with(')')).map_or(line, |(line, _)| line);
                line.contains(" in ") && line.ends_with('s')
            }),
        };
        if (!success && counts.failed == 0) || counts.passed + counts.failed == 0 {
            counts.failed += 1;
        }
        counts
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// `test result: ok. 12 passed; 0 failed; 1 ignored; …`, once per binary.
fn cargo_test(output: &str) -> Counts {
    let mut sum = Counts::default();
    for line in output.lines().filter(|line| line.starts_with("test result: ")) {
        sum += Counts {
            passed: before(line, "passed"),
            failed: before(line, "failed"),
            skipped: before(line, "ignored"),
        };
    }
    sum
}

/// `# pass 12` (TAP) or `ℹ pass 12`.
fn node(output: &str) -> Counts {
    let after = |word: &str| {
        output
            .lines()
            .filter_map(|line| {
                line.trim_start_matches(['#', 'ℹ', ' ']).strip_prefix(word)?.trim().parse::<u32>().ok()
            })
            .next_back()
            .unwrap_or_default()
    };
    Counts {
        passed: after("pass "),
        failed: after("fail ") + after("cancelled "),
        skipped: after("skipped ") + after("todo "),
    }
}

/// Lines of their own: `  12 passed (3.4s)`, `  1 failed`, `  1 flaky`, `  2 skipped`.
fn playwright(output: &str) -> Counts {
    let mut counts = Counts::default();
    for line in output.lines() {
        let mut parts = line.split_whitespace();
        let (Some(Ok(number)), Some(word)) = (parts.next().map(str::parse::<u32>), parts.next()) else {
            continue;
        };
        let ends = parts.next().is_none_or(|rest| rest.starts_with('('));
        match word {
            "passed" if ends => counts.passed = number,
            // A test that passes only on a second try is a defect here.
            "failed" | "interrupted" | "flaky" if ends => counts.failed += number,
            "skipped" if ends => counts.skipped = number,
            _ => {}
        }
    }
    counts
}

/// The last line that `is_sum` accepts and that has `12 passed`, `1 failed`, … in it.
fn words(output: &str, is_sum: fn(&str) -> bool) -> Counts {
    let sum = |line: &&str| is_sum(line) && (line.contains("passed") || line.contains("failed"));
    let Some(line) = output.lines().rev().find(sum) else {
        return Counts::default();
    };
    Counts {
        passed: before(line, "passed"),
        failed: before(line, "failed") + before(line, "error") + before(line, "errors"),
        skipped: before(line, "skipped") + before(line, "todo"),
    }
}

/// The number in front of a word: 12 in `12 passed;`.
fn before(line: &str, word: &str) -> u32 {
    let parts: Vec<&str> = line.split_whitespace().collect();
    parts
        .windows(2)
        .filter(|pair| pair[1].trim_end_matches([',', ';', '|']) == word)
        .find_map(|pair| pair[0].parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u32, failed: u32, skipped: u32) -> Counts {
        Counts { passed, failed, skipped }
    }

    #[test]
    fn every_runners_closing_lines_are_understood() {
        let cargo = "running 2 tests\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured\n\
                     test result: FAILED. 3 passed; 1 failed; 1 ignored; 0 measured; finished in 0.1s\n";
        assert_eq!(Counts::of_run(Runner::CargoTest, false, cargo), counts(5, 1, 1));
        let tap = "# tests 4\n# suites 0\n# pass 3\n# fail 0\n# cancelled 1\n# skipped 0\n# todo 0\n";
        assert_eq!(Counts::of_run(Runner::Node, false, tap), counts(3, 1, 0));
        let spec = "ℹ tests 3\nℹ pass 3\nℹ fail 0\nℹ cancelled 0\nℹ skipped 0\n";
        assert_eq!(Counts::of_run(Runner::Node, true, spec), counts(3, 0, 0));
        let vitest = " Test Files  1 failed | 2 passed (3)\n      Tests  1 failed | 12 passed (13)\n";
        assert_eq!(Counts::of_run(Runner::Vitest, false, vitest), counts(12, 1, 0));
        let playwright =
            "  ✓  1 a.spec.mjs:3:1 › x (1.2s)\n  1 failed\n    a › y\n  2 skipped\n  12 passed (5.2s)\n";
        assert_eq!(Counts::of_run(Runner::Playwright, false, playwright), counts(12, 1, 2));
        let pytest = "....\n===== 1 failed, 11 passed, 1 skipped in 3.21s =====\n";
        assert_eq!(Counts::of_run(Runner::Pytest, false, pytest), counts(11, 1, 1));
        assert_eq!(Counts::of_run(Runner::Pytest, true, "9 passed in 0.42s\n"), counts(9, 0, 0));
        let long = "35 passed in 202.28s (0:03:22)\n";
        assert_eq!(Counts::of_run(Runner::Pytest, true, long), counts(35, 0, 0));
    }

    #[test]
    fn a_run_that_ended_badly_or_ran_nothing_is_a_failure() {
        for runner in [Runner::CargoTest, Runner::Node, Runner::Vitest, Runner::Playwright, Runner::Pytest] {
            assert_eq!(Counts::of_run(runner, true, "").failed, 1, "{runner:?}");
        }
        assert_eq!(Counts::of_run(Runner::Node, false, "ℹ pass 3\nℹ fail 0\n"), counts(3, 1, 0));
        assert_eq!(Counts::of_run(Runner::Check, true, ""), counts(1, 0, 0));
        assert_eq!(Counts::of_run(Runner::Check, false, ""), counts(0, 1, 0));
    }
}
