//! How long suites and tests take: run after run in `.sightwire/logs/times.tsv`, the slowest tests of the last run in
//! `.sightwire/logs/slowest.tsv`, and what suites may take in `docs/test-times.tsv`, in units of the calibration loop.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

use super::Ran;
use super::junit::Results;
use crate::calibration::Calibration;
use crate::project::Project;

const COLUMNS: &str = "unix_s\tcommit\tsuite\tseconds\tpassed\tfailed";

/// Appends a line: when, at which commit, what, how many seconds, tests passed and failed.
pub(super) fn append_times(project: &Project, suite: &str, took: Duration, results: &Results) -> Result<()> {
    let path = project.log_path("times").with_extension("tsv");
    let add = || -> std::io::Result<()> {
        let mut file = File::options().append(true).create(true).open(&path)?;
        if file.metadata()?.len() == 0 {
            writeln!(file, "{COLUMNS}")?;
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let commit = current_commit(project);
        let (seconds, passed, failed) = (took.as_secs_f64(), results.passed.len(), results.failures.len());
        // One call, so that suites which end together do not mix their lines.
        file.write_all(format!("{now}\t{commit}\t{suite}\t{seconds:.1}\t{passed}\t{failed}\n").as_bytes())
    };
    add().with_context(|| format!("write {}", path.display()))
}

/// What each suite took when that was recorded, in loops: `cargo xtask test --record` writes it.
const RECORDED: &str = "docs/test-times.tsv";
/// A suite has become slower that takes this much more of the loop, and this much longer.
const SHARE: f64 = 1.15;
const LONGER: Duration = Duration::from_secs(5);
/// How many of all tests are worth a look.
const SLOWEST: usize = 30;

/// Writes what each suite took.
pub(super) fn write_suite_times(
    project: &Project,
    ran: &[Ran],
    all: Duration,
    loop_: Calibration,
) -> Result<()> {
    let mut text = format!(
        "# What each suite takes, divided by the calibration loop; `cargo xtask test --record` in a fresh clone writes this file.\n\
         # {loop_}; commit {}\n",
        current_commit(project)
    );
    let rows = ran.iter().map(|ran| (ran.suite, ran.took)).chain([("all", all)]);
    for (suite, took) in rows {
        let _ = writeln!(text, "{suite}\t{:.1}", loop_.loops(took));
    }
    fs::write(project.join_root(RECORDED), text).with_context(|| format!("write {RECORDED}"))
}

/// The suites that have become slower than they were recorded, each in words.
pub(super) fn slower_suites(project: &Project, ran: &[Ran], loop_: Calibration) -> Vec<String> {
    let text = fs::read_to_string(project.join_root(RECORDED)).unwrap_or_default();
    let recorded = parse_loops(&text);
    let slower = |ran: &Ran| {
        let before = loop_.time(*recorded.get(ran.suite)?);
        is_slower(before, ran.took).then(|| {
            let (took, before) = (ran.took.as_secs_f64(), before.as_secs_f64());
            format!("{} took {took:.0} s; as it was recorded, it would take {before:.0} s here", ran.suite)
        })
    };
    ran.iter().filter_map(slower).collect()
}

fn is_slower(before: Duration, took: Duration) -> bool {
    took > before.mul_f64(SHARE) && took > before + LONGER
}

fn parse_loops(text: &str) -> BTreeMap<String, f64> {
    let rows = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'));
    rows.filter_map(|(suite, loops)| Some((suite.to_owned(), loops.parse().ok()?))).collect()
}

/// Writes what all tests took, the slowest first; the slowest of them as lines.
pub(super) fn write_slowest(project: &Project, ran: &[Ran]) -> Result<Vec<String>> {
    let mut tests: Vec<(f64, &str, &str)> = Vec::new();
    for ran in ran {
        tests.extend(ran.results.took.iter().map(|(name, seconds)| (*seconds, ran.suite, name.as_str())));
    }
    tests.sort_by(|(one, ..), (other, ..)| other.total_cmp(one));
    let path = project.log_path("slowest").with_extension("tsv");
    let lines: Vec<String> =
        tests.iter().map(|(seconds, suite, name)| format!("{seconds:.1}\t{suite}\t{name}")).collect();
    fs::write(&path, lines.join("\n") + "\n").with_context(|| format!("write {}", path.display()))?;
    Ok(lines.into_iter().take(SLOWEST).collect())
}

/// The commit that is checked out, with a `+` when files differ from it.
fn current_commit(project: &Project) -> String {
    let hash = project.git(&["rev-parse", "--short", "HEAD"]).unwrap_or_default();
    let changed = project.git(&["status", "--porcelain", "--untracked-files=no"]);
    if changed.is_some_and(|files| !files.is_empty()) { hash + "+" } else { hash }
}

#[cfg(test)]
mod tests {
    use super::super::suites::{SUITES, When};
    use super::*;

    #[test]
    fn a_suite_has_become_slower_by_a_share_and_by_seconds() {
        let seconds = Duration::from_secs;
        assert!(is_slower(seconds(100), seconds(116)));
        assert!(!is_slower(seconds(100), seconds(114)), "14 % more");
        assert!(!is_slower(seconds(10), seconds(14)), "4 s more");
    }

    #[test]
    fn every_suite_of_a_usual_run_was_recorded() {
        let recorded = parse_loops(include_str!("../../../docs/test-times.tsv"));
        let usual = SUITES.iter().filter(|suite| suite.when == When::Always).map(|suite| suite.name);
        let missing: Vec<_> =
            usual.chain(["setup", "all"]).filter(|name| !recorded.contains_key(*name)).collect();
        assert!(missing.is_empty(), "`cargo xtask test --record` in a fresh clone adds {missing:?}");
    }

    #[test]
    fn what_was_recorded_is_read_back() {
        let read = parse_loops("# words\nrust\t80.5\nall\t400.0\n");
        assert_eq!(
            read.into_iter().collect::<Vec<_>>(),
            [("all".to_owned(), 400.0), ("rust".to_owned(), 80.5)]
        );
    }
}
