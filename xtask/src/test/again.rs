//! What failed beside others runs once more, alone: a machine that starves a test of a second says nothing of the server. What
//! passes then is told by name, since a race may hide in it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::junit::{Failure, Results, THE_RUN};

/// More failures than this are not an accident. A file whose tests wait side by side fails with a dozen of them when the machine
/// stands still.
const AT_MOST: usize = 24;

/// The variable that names the files that Node's runner takes instead of all.
pub(super) const ONLY: &str = "SIGHTWIRE_ONLY";

/// How a suite's runner is told to run only what failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    Never,
    /// Node's own: by names.
    Node,
    /// pytest: it remembers what failed in its last run.
    Pytest,
    /// Playwright: it remembers what failed in its last run.
    Playwright,
}

/// Whether a suite with such results gets a second try: a few tests failed, each with a name.
pub(super) fn worth_it(again: Again, results: &Results) -> bool {
    let of_tests = results.failures.iter().all(|failure| failure.name != THE_RUN);
    again != Again::Never && of_tests && (1..=AT_MOST).contains(&results.failures.len())
}

impl Again {
    /// What every run needs, so that the next one knows of it; `folder` is the suite's own.
    pub(super) fn add_cache_args(self, command: &mut Command, folder: &Path) {
        if self == Self::Pytest {
            command.arg("-o").arg(format!("cache_dir={}", folder.display()));
        }
    }

    /// Leaves all but those that failed out of a run.
    pub(super) fn only_failed(self, command: &mut Command, failures: &[Failure]) {
        match self {
            Self::Never => {}
            Self::Node => {
                let names: Vec<String> = failures.iter().map(|failure| escape_regex(&failure.name)).collect();
                command.arg(format!("--test-name-pattern=^({})$", names.join("|")));
                // A file none of whose tests run begins what all of them need, and may not end it.
                let files: Option<BTreeSet<_>> = failures.iter().map(|one| one.file.as_deref()).collect();
                if let Some(files) = files {
                    command.env(ONLY, files.into_iter().collect::<Vec<_>>().join(" "));
                }
            }
            Self::Pytest => {
                command.args(["--last-failed", "--last-failed-no-failures=none"]);
            }
            Self::Playwright => {
                // What failed may have been starved by the tests beside it.
                command.args(["--last-failed", "--workers=1"]);
            }
        }
    }
}

/// A regular expression of JavaScript for exactly this text.
fn escape_regex(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if r".*+?^${}()|[]\/".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

impl Results {
    /// Moves what has passed at its second try, and nowhere failed again, from the failures to the unsteady ones.
    pub(super) fn second_try(&mut self, second: &Results) {
        let failed = |name: &str| second.failures.iter().any(|failure| failure.name == name);
        if failed(THE_RUN) {
            return;
        }
        let (unsteady, failures): (Vec<_>, _) = std::mem::take(&mut self.failures)
            .into_iter()
            .partition(|failure| second.passed.contains(&failure.name) && !failed(&failure.name));
        self.failures = failures;
        for Failure { name, .. } in unsteady {
            self.passed.push(name.clone());
            self.unsteady.push(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    fn failed(names: &[&str]) -> Results {
        let failures =
            names.iter().map(|&name| Results::from_failure(name, "late").failures.remove(0)).collect();
        Results { passed: ["x", "y", "z"].map(str::to_owned).into(), failures, ..Results::default() }
    }

    #[test]
    fn a_few_tests_with_names_run_again() {
        assert!(worth_it(Again::Node, &failed(&["a"])));
        assert!(!worth_it(Again::Never, &failed(&["a"])));
        assert!(!worth_it(Again::Node, &failed(&[])));
        assert!(!worth_it(Again::Node, &failed(&["a", THE_RUN])));
        assert!(!worth_it(Again::Node, &failed(&["a"; AT_MOST + 1])));
    }

    #[test]
    fn what_passes_at_the_second_try_is_told_and_what_did_not_run_has_failed() {
        let mut results = failed(&["a", "b", "c"]);
        let second = |passed: &[&str], failures: &[&str]| Results {
            passed: passed.iter().map(|&name| name.to_owned()).collect(),
            ..failed(failures)
        };
        results.second_try(&second(&["b"], &[THE_RUN]));
        assert_eq!(results.to_string(), "3 passed, 3 failed", "such a run says nothing");
        // Two files have a test of the name `c`.
        results.second_try(&second(&["b", "c", "x"], &["c"]));
        assert_eq!(results.to_string(), "4 passed, 2 failed, 1 at the second try");
        assert_eq!(results.unsteady, ["b"]);
    }

    #[test]
    fn names_are_taken_to_the_letter() {
        let (mut command, mut failures) = (Command::new("node"), failed(&["stall (drawn)", "a/b"]).failures);
        Again::Node.only_failed(&mut command, &failures);
        assert_eq!(command.get_envs().count(), 0, "it may be any file");
        for failure in &mut failures {
            failure.file = Some("js/a.test.mjs".into());
        }
        let mut command = Command::new("node");
        Again::Node.only_failed(&mut command, &failures);
        let files = command.get_envs().next().and_then(|(_, files)| files);
        assert_eq!(files, Some(OsStr::new("js/a.test.mjs")));
        let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect();
        assert_eq!(args, [r"--test-name-pattern=^(stall \(drawn\)|a\/b)$"]);
    }
}
