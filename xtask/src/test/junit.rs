//! What became of a suite's tests: read from `JUnit`'s XML, which every runner can write.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};
use roxmltree::{Document, Node};

/// How much of what a failed test said is shown; all of it is in the log.
const REASON_LINES: usize = 40;
/// What has failed where no test can be named.
pub(super) const THE_RUN: &str = "(the run itself)";

/// A suite's result. Tests that a runner skipped count as neither passed nor failed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Results {
    pub(super) passed: Vec<String>,
    pub(super) skipped: usize,
    pub(super) failures: Vec<Failure>,
    /// Tests that failed beside others and passed when they ran again.
    pub(super) unsteady: Vec<String>,
    /// What they took of the CPUs.
    pub(super) cpu: Duration,
    /// What each test took in seconds, where the runner says so.
    pub(super) took: Vec<(String, f64)>,
}

/// A test that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Failure {
    /// What it is in, where the runner says so, and its own name.
    pub(super) name: String,
    /// What it said, the first lines.
    pub(super) reason: String,
    /// Where it is, as far as Node's runner has told it: `js/a.test.mjs`.
    pub(super) file: Option<String>,
}

impl Results {
    /// Of something that passes or fails as one, and has passed.
    pub(super) fn one_passed(name: &str) -> Self {
        Self { passed: vec![name.to_owned()], ..Self::default() }
    }

    /// One failure, of something that is not a test, such as [`THE_RUN`].
    pub(super) fn from_failure(name: &str, reason: &str) -> Self {
        let failure = Failure { name: name.to_owned(), reason: reason.to_owned(), file: None };
        Self { failures: vec![failure], ..Self::default() }
    }

    /// The result of a run that wrote `text`. A run that ended badly never counts as free of failures, and one that
    /// ran no test never counts as a success.
    pub(super) fn of_run(success: bool, text: &str) -> Result<Self> {
        let mut results = parse_results(text)?;
        if results.failures.is_empty() && (!success || results.passed.is_empty()) {
            let reason = if success { "no test ran" } else { "it ended badly, though no test of it failed" };
            results.failures = Self::from_failure(THE_RUN, reason).failures;
        }
        Ok(results)
    }
}

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed.len(), self.failures.len())?;
        if !self.unsteady.is_empty() {
            write!(f, ", {} at the second try", self.unsteady.len())?;
        }
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

fn parse_results(text: &str) -> Result<Results> {
    // Some runners pass on the colours of what a test printed, which XML has no place for.
    let text: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    let document = Document::parse(&text).context("read JUnit's XML")?;
    let mut results = Results::default();
    for case in document.descendants().filter(|node| node.has_tag_name("testcase")) {
        let child =
            |names: &[&str]| case.children().find(|node| names.iter().any(|&name| node.has_tag_name(name)));
        // Looked at first: what is known not to work yet (`todo` of Node's runner) bears a failure as well.
        if child(&["skipped"]).is_some() {
            results.skipped += 1;
        } else if let Some(failure) = child(&["failure", "error"]) {
            let said = failure_text(failure);
            let (name, reason, file) = (case_name(case), first_lines(said), test_file(said));
            results.failures.push(Failure { name, reason, file });
        } else {
            results.passed.push(case_name(case));
        }
        if let Some(seconds) = case.attribute("time").and_then(|time| time.parse().ok()) {
            results.took.push((case_name(case), seconds));
        }
    }
    Ok(results)
}

fn case_name(case: Node<'_, '_>) -> String {
    let name = case.attribute("name").unwrap_or_default();
    match case.attribute("classname") {
        // Node's runner says this of every test.
        None | Some("test" | "") => name.to_owned(),
        Some(class) => format!("{class} {name}"),
    }
}

fn failure_text<'a>(failure: Node<'a, '_>) -> &'a str {
    let text = failure.text().map(str::trim).filter(|text| !text.is_empty());
    text.or_else(|| failure.attribute("message")).unwrap_or_default()
}

fn first_lines(text: &str) -> String {
    text.lines().take(REASON_LINES).collect::<Vec<_>>().join("\n")
}

/// The first file of tests that stands in a stack of Node.
fn test_file(text: &str) -> Option<String> {
    const END: &str = ".test.mjs";
    let (before, _) = text.split_once(END)?;
    let (_, name) = before.rsplit_once("/e2e/js/")?;
    (!name.contains(char::is_whitespace)).then(|| format!("js/{name}{END}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(results: &Results) -> Vec<(&str, &str)> {
        results.failures.iter().map(|failure| (failure.name.as_str(), failure.reason.as_str())).collect()
    }

    #[test]
    fn every_runners_file_is_understood() {
        let nextest = r#"<testsuites name="ci"><testsuite name="sightwire-hub" tests="2">
            <testcase name="slot::a" classname="sightwire-hub" time="0.01"></testcase>
            <testcase name="slot::b" classname="sightwire-hub"><failure message="left" type="test failure">left: 1
right: 2</failure><system-err>noise</system-err></testcase></testsuite></testsuites>"#;
        let results = Results::of_run(false, nextest).unwrap();
        assert_eq!(results.to_string(), "1 passed, 1 failed");
        assert_eq!(results.took, [("sightwire-hub slot::a".to_owned(), 0.01)]);
        assert_eq!(failed(&results), [("sightwire-hub slot::b", "left: 1\nright: 2")]);

        let node = "<testsuites><testcase name=\"good\" classname=\"test\"/>
            <testcase name=\"not yet\" classname=\"test\"><skipped type=\"todo\"/><failure message=\"x\"/></testcase>
            <testsuite name=\"nest\"><testcase name=\"in\" classname=\"test\">
            <failure type=\"testCodeFailure\" message=\"\u{1b}[31mred\"></failure></testcase></testsuite></testsuites>";
        let results = Results::of_run(false, node).unwrap();
        assert_eq!(results.to_string(), "1 passed, 1 failed, 1 skipped");
        assert_eq!(failed(&results), [("in", "[31mred")]);

        let pytest = r#"<testsuites><testsuite errors="1"><testcase classname="python.test_a" name="test_b[x]" />
            <testcase classname="python.test_a" name="test_c"><error message="at setup">why</error></testcase>
            </testsuite></testsuites>"#;
        assert_eq!(failed(&Results::of_run(false, pytest).unwrap()), [("python.test_a test_c", "why")]);
    }

    #[test]
    fn the_file_of_a_failure_is_the_one_in_its_stack() {
        let stack = "late\n at answered (file:///c/e2e/js/attacks.test.mjs:128:14)\n at (file:///c/e2e/js/b.test.mjs:1:1)";
        assert_eq!(test_file(stack).as_deref(), Some("js/attacks.test.mjs"));
        assert_eq!(test_file("js/a.test.mjs says nothing of where it is"), None);
        assert_eq!(test_file("not within 30000 ms"), None);
    }

    #[test]
    fn a_run_that_ended_badly_or_ran_nothing_is_a_failure() {
        let one = r#"<testsuites><testcase name="a"/></testsuites>"#;
        assert_eq!(Results::of_run(true, one).unwrap().failures, []);
        assert_eq!(Results::of_run(false, one).unwrap().failures.len(), 1);
        assert_eq!(Results::of_run(true, "<testsuites/>").unwrap().failures.len(), 1);
        assert!(Results::of_run(true, "<testsuites><testcase").is_err());
    }
}
