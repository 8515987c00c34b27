//! How far a build is: how many crates of how many, and for how long it will go on.
//!
//! Crates take between a tenth of a second and minutes, so what is left is estimated by what each took when it was
//! measured (`docs/build-times.tsv`), at the speed at which this build has come so far.

use std::collections::{HashMap, HashSet};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::process::{OutputLine, Watch};

/// What each package of `Cargo.lock` takes of CPU in seconds in the demo's build: `cargo xtask bench build` writes it.
const TIMES: &str = include_str!("../../../docs/build-times.tsv");
/// Before this share of the work is done, nobody can say when it ends.
const ENOUGH: f64 = 0.04;
/// What a package takes that has no row.
const USUAL_S: f64 = 1.0;

/// Seconds of CPU by package.
pub(crate) fn build_times() -> HashMap<&'static str, f64> {
    let rows = TIMES.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|row| {
        let mut cells = row.split('\t');
        Some((cells.next()?, cells.next()?.parse().ok()?))
    })
    .collect()
}

/// Has cargo tell what a build compiles while it does.
pub(crate) fn tell_progress(build: &mut Command) {
    build.arg("--message-format=json-render-diagnostics");
    build.env("CARGO_TERM_PROGRESS_WHEN", "always").env("CARGO_TERM_PROGRESS_WIDTH", "120");
}

/// What a build that [tells its progress](tell_progress) has said so far.
#[derive(Debug)]
pub(crate) struct BuildProgress {
    begun: Instant,
    times: HashMap<&'static str, f64>,
    /// Packages of which something was compiled, and those of which something was there already.
    compiled: HashSet<String>,
    fresh: HashSet<String>,
    /// Units that are done, and that there are: a package has several.
    units: (u32, u32),
    /// Seconds of CPU of what is done, and of all that is to be compiled.
    done_s: f64,
    all_s: f64,
}

impl BuildProgress {
    /// Of a build of these packages; those that are fresh count as soon as cargo says so.
    pub(crate) fn new(packages: impl IntoIterator<Item = String>) -> Self {
        let times = build_times();
        let packages: HashSet<String> = packages.into_iter().collect();
        let all_s = packages.iter().map(|name| usual_seconds(&times, name)).sum();
        Self {
            begun: Instant::now(),
            times,
            compiled: HashSet::new(),
            fresh: HashSet::new(),
            units: (0, 0),
            done_s: 0.0,
            all_s,
        }
    }

    /// How many packages were compiled.
    pub(crate) fn compiled_count(&self) -> usize {
        self.compiled.len()
    }

    /// `Building [=====>   ] 45/477: frame, hub`
    fn read_bar(&mut self, line: &str) -> Option<()> {
        let (_, rest) = line.trim_start().strip_prefix("Building [")?.split_once("] ")?;
        let (done, all) = rest.split(':').next()?.split_once('/')?;
        self.units = (done.trim().parse().ok()?, all.trim().parse().ok()?);
        Some(())
    }

    fn read_message(&mut self, line: &str) -> Option<()> {
        let message: Value = serde_json::from_str(line).ok()?;
        let kinds = message["target"]["kind"].as_array()?;
        if message["reason"] != "compiler-artifact" || kinds.iter().any(|kind| kind == "custom-build") {
            return Some(());
        }
        let name = package_name(message["package_id"].as_str()?);
        let takes = usual_seconds(&self.times, name);
        if message["fresh"] == true {
            if !self.compiled.contains(name) && self.fresh.insert(name.to_owned()) {
                self.all_s -= takes;
            }
        } else if self.compiled.insert(name.to_owned()) {
            self.done_s += takes;
            // Its library was there, and its tests were not.
            if self.fresh.remove(name) {
                self.all_s += takes;
            }
        }
        Some(())
    }

    fn time_left(&self) -> Option<Duration> {
        let share = self.done_share();
        let so_far = self.begun.elapsed().as_secs_f64();
        (share > ENOUGH && share < 1.0).then(|| Duration::from_secs_f64(so_far * (1.0 - share) / share))
    }
}

impl Watch for BuildProgress {
    fn read_line(&mut self, line: &str) -> OutputLine {
        if line.starts_with('{') {
            self.read_message(line);
            return OutputLine::Drop;
        }
        if self.read_bar(line).is_some() { OutputLine::Drop } else { OutputLine::Keep }
    }

    fn progress_words(&self) -> Option<String> {
        let (done, all) = self.units;
        let left = self.time_left().map(|left| format!(", {} left", format_left(left))).unwrap_or_default();
        (all > 0).then(|| format!("{done} of {all} crates{left}"))
    }

    fn done_share(&self) -> f64 {
        if self.all_s > 0.0 { (self.done_s / self.all_s).min(1.0) } else { 0.0 }
    }
}

/// "about 3 min", "less than a minute"
pub(crate) fn format_left(left: Duration) -> String {
    match left.as_secs().div_ceil(60) {
        0 | 1 => "less than a minute".into(),
        minutes => format!("about {minutes} min"),
    }
}

fn usual_seconds(times: &HashMap<&'static str, f64>, name: &str) -> f64 {
    times.get(name).copied().unwrap_or(USUAL_S)
}

/// Of `registry+https://…#serde@1.0.228`, `path+file:///…/crates/hub#sightwire-hub@0.1.0`, or `path+file:///…/xtask#0.1.0`.
fn package_name(id: &str) -> &str {
    let (source, name) = id.rsplit_once('#').unwrap_or(("", id));
    match name.split_once('@') {
        Some((name, _)) => name,
        None => source.rsplit('/').next().unwrap_or(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(name: &str, fresh: bool) -> String {
        format!(
            r#"{{"reason":"compiler-artifact","package_id":"registry+x#{name}@1.0.0","target":{{"kind":["lib"]}},"fresh":{fresh}}}"#
        )
    }

    #[test]
    fn a_build_says_how_many_crates_of_how_many_and_what_is_left() {
        let mut build = BuildProgress::new(["made-up-a", "made-up-b", "made-up-c"].map(str::to_owned));
        assert_eq!(build.progress_words(), None, "cargo has said nothing yet");
        assert_eq!(build.read_line("   Compiling made-up-a v1.0.0"), OutputLine::Keep);
        assert_eq!(
            build.read_line("    Building [==>      ] 1/4: made-up-a, made-up-b(build.rs)"),
            OutputLine::Drop
        );
        assert_eq!(build.progress_words().unwrap(), "1 of 4 crates");
        assert_eq!(build.read_line(&artifact("made-up-c", true)), OutputLine::Drop);
        assert_eq!(build.read_line(&artifact("made-up-a", false)), OutputLine::Drop);
        assert_eq!((build.compiled_count(), build.done_share()), (1, 0.5), "one was there already");
        build.read_line(&artifact("made-up-c", false));
        assert_eq!((build.compiled_count(), build.done_share()), (2, 2.0 / 3.0), "its tests were not");
        build.read_line(&artifact("made-up-c", true));
        assert_eq!((build.compiled_count(), build.done_share()), (2, 2.0 / 3.0));
        build.begun = Instant::now().checked_sub(Duration::from_secs(100)).unwrap();
        assert_eq!(build.progress_words().unwrap(), "1 of 4 crates, less than a minute left");
    }

    /// What a new dependency costs is looked at when it comes.
    #[test]
    fn every_package_has_a_row_of_what_it_takes_to_compile() {
        let lock = include_str!("../../../Cargo.lock");
        let names = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
        let times = build_times();
        let missing: Vec<&str> = names.filter(|name| !times.contains_key(name)).collect();
        assert_eq!(missing, [""; 0], "`cargo xtask bench build` writes docs/build-times.tsv");
    }

    #[test]
    fn packages_are_named_as_in_the_lock_file() {
        assert_eq!(package_name("registry+https://h/i#serde@1.0.228"), "serde");
        assert_eq!(package_name("path+file:///w/crates/hub#sightwire-hub@0.1.0"), "sightwire-hub");
        assert_eq!(package_name("path+file:///w/xtask#0.1.0"), "xtask");
    }
}
