//! How long each suite took, run after run: `.sightwire/logs/times.tsv`.

use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

use super::junit::Results;
use crate::project::Project;

const COLUMNS: &str = "unix_s\tcommit\tsuite\tseconds\tpassed\tfailed";

/// Appends a line: when, at which commit, what, how many seconds, tests passed and failed.
pub(super) fn keep(project: &Project, suite: &str, took: Duration, results: &Results) -> Result<()> {
    let path = project.log("times").with_extension("tsv");
    let add = || -> std::io::Result<()> {
        let mut file = File::options().append(true).create(true).open(&path)?;
        if file.metadata()?.len() == 0 {
            writeln!(file, "{COLUMNS}")?;
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let commit = commit(project);
        let (seconds, passed, failed) = (took.as_secs_f64(), results.passed.len(), results.failures.len());
        // One call, so that suites which end together do not mix their lines.
        file.write_all(format!("{now}\t{commit}\t{suite}\t{seconds:.1}\t{passed}\t{failed}\n").as_bytes())
    };
    add().with_context(|| format!("write {}", path.display()))
}

/// The commit that is checked out, with a `+` when files differ from it.
fn commit(project: &Project) -> String {
    let hash = project.git(&["rev-parse", "--short", "HEAD"]).unwrap_or_default();
    let changed = project.git(&["status", "--porcelain", "--untracked-files=no"]);
    if changed.is_some_and(|files| !files.is_empty()) { hash + "+" } else { hash }
}
