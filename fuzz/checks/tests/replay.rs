//! What the fuzzer has found worth keeping (`fuzz/corpus`) goes through the checks again, in every run of the tests.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, panic, thread};

use sightwire_fuzz_checks::{CHECKS, Check};

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Files of a folder, or folders, by name.
fn listed(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn each_check_has_a_target_and_a_corpus_and_nothing_else_has_one() {
    let checks: BTreeSet<String> = CHECKS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(checks.len(), CHECKS.len());
    assert_eq!(listed(&fuzz().join("corpus")), checks, "left: fuzz/corpus");
    let targets = listed(&fuzz().join("fuzz_targets"));
    assert_eq!(targets, checks.iter().map(|name| format!("{name}.rs")).collect(), "left: fuzz/fuzz_targets");
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for name in checks {
        assert!(
            manifest.contains(&format!("\nname = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"\n")),
            "{name}"
        );
        let target = fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(target.contains(&format!("sightwire_fuzz_checks::{name}(data)")), "{name}");
        assert!(!listed(&fuzz().join("corpus").join(&name)).is_empty(), "{name} has no corpus");
    }
}

#[test]
fn every_input_of_the_corpus_keeps_what_its_check_promises() {
    let mut broken = Vec::new();
    thread::scope(|scope| {
        let replays = CHECKS.iter().map(|(name, check)| scope.spawn(move || replay(name, *check)));
        let replays: Vec<_> = replays.collect();
        broken.extend(replays.into_iter().flat_map(|replay| replay.join().unwrap()));
    });
    assert!(broken.is_empty(), "cargo fuzz run TARGET FILE repeats each of these: {broken:#?}");
}

/// Files of a corpus that make the check panic.
fn replay(name: &str, check: Check) -> Vec<PathBuf> {
    let folder = fuzz().join("corpus").join(name);
    let files = listed(&folder).into_iter().map(|file| folder.join(file));
    let is_broken = |file: &PathBuf| {
        let bytes = fs::read(file).unwrap();
        panic::catch_unwind(|| check(&bytes)).is_err()
    };
    files.filter(is_broken).collect()
}
