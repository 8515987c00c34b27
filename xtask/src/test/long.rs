//! What takes minutes and guards one corner: combinations of features, the demo of several servers, and fuzzing.

use std::path::Path;
use std::process::Command;

use crate::process;
use crate::programs::shell;
use crate::project::Project;
use crate::setup::NEXTEST;

/// What machines build that have no cmake or no make, linted; and decoded pixels without libjpeg-turbo.
const FEATURES: &str = r#"
for features in "" turbo jemalloc; do
    cargo clippy --package sightwire --no-default-features --features "$features" -- -D warnings
done
cargo clippy --workspace --all-targets --no-default-features -- -D warnings
"$0" nextest run --package sightwire-frame --no-default-features --no-fail-fast
"#;

/// Each target for a minute, beginning with the tests' own pictures.
const FUZZ: &str = r"
for target in $(cargo fuzz list); do
    mkdir -p fuzz/corpus/$target
    case $target in
        decode_*|image_header) cp crates/frame/tests/vectors/*.jpg crates/frame/tests/vectors/*.png fuzz/corpus/$target ;;
    esac
    cargo fuzz run $target -- -max_total_time=60 -max_len=30000 -timeout=10
done
";

pub(super) fn features(project: &Project, _: &Path) -> Command {
    let mut shell = shell(project.root(), FEATURES);
    shell.arg(NEXTEST.program(project));
    shell
}

/// As users call it; it fails where somebody is without frames for too long.
pub(super) fn demo_cluster(project: &Project, _: &Path) -> Command {
    shell(project.root(), "cargo xtask demo --cluster --once")
}

pub(super) fn fuzz(project: &Project, _: &Path) -> Command {
    let mut shell = shell(project.root(), FUZZ);
    // AddressSanitizer is asked for with a flag that is not stable.
    shell.env("RUSTC_BOOTSTRAP", "1");
    shell
}

pub(super) fn without_fuzz(_: &Project) -> Option<&'static str> {
    let there = process::ask("cargo", &["fuzz", "--version"]).is_some();
    (!there).then_some("cargo-fuzz is not installed (fuzz/README.md)")
}
