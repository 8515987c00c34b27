//! What takes minutes and guards one corner: combinations of features, the demo of several servers, and fuzzing.

use std::path::Path;
use std::process::Command;

use crate::process;
use crate::programs::shell_command;
use crate::project::{Project, on_path};
use crate::setup::NEXTEST;

/// What machines build that have no cmake or no make, linted; and decoded pixels without libjpeg-turbo.
const FEATURES: &str = r#"
for features in "" turbo jemalloc; do
    cargo clippy --package sightwire --no-default-features --features "$features" -- -D warnings
done
cargo clippy --workspace --all-targets --no-default-features -- -D warnings
"$0" nextest run --package sightwire-frame --no-default-features --no-fail-fast
"#;

/// Each target for 20 s, beginning with a copy of its corpus: what is found is not kept.
const FUZZ: &str = r#"
targets=$(cargo fuzz list)
test -n "$targets"
for target in $targets; do
    corpus=fuzz/target/corpus/$target
    rm -rf $corpus
    mkdir -p $corpus
    cp -R fuzz/corpus/$target/. $corpus
    cargo fuzz run $target $corpus -- -max_total_time=20 -max_len=8192 -timeout=10 -rss_limit_mb=2048
done
"#;

pub(super) fn features_command(project: &Project, _: &Path) -> Command {
    let mut shell = shell_command(project.root(), FEATURES);
    shell.arg(NEXTEST.program_path(project));
    shell
}

/// As users call it; it fails where somebody is without frames for too long.
pub(super) fn demo_cluster(project: &Project, _: &Path) -> Command {
    shell_command(project.root(), "cargo xtask demo --cluster --once")
}

/// The same code packed under two versions, and what is made of it: a machine that it is installed on, and an image.
const PACK: &str = r#"
cargo xtask dist --profile release --only deb --deb-version 99.0.0-1
rm -rf dist/newer
mkdir dist/newer
mv dist/sightwire_99.0.0-1_*.deb dist/newer/
cargo xtask dist --profile release
export SIGHTWIRE_ARCHIVE="$(ls "$PWD"/dist/*.tar.gz)"
export SIGHTWIRE_DEBS="$(ls "$PWD"/dist/sightwire_*.deb) $(ls "$PWD"/dist/newer/*.deb)"
cd e2e
exec unshare --mount --propagation private node --test --test-timeout=900000 --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=junit --test-reporter-destination="$0" packages/*.test.mjs
"#;

pub(super) fn packages_command(project: &Project, report: &Path) -> Command {
    let mut shell = shell_command(project.root(), PACK);
    shell.arg(report);
    shell
}

/// Why packages cannot be installed anywhere.
pub(super) fn without_machines(_: &Project) -> Option<&'static str> {
    if process::command_output("id", &["-u"]).as_deref() != Some("0") {
        return Some("only root can make another root");
    }
    on_path("mmdebstrap").is_none().then_some("mmdebstrap is not installed")
}

pub(super) fn fuzz_command(project: &Project, _: &Path) -> Command {
    let mut shell = shell_command(project.root(), FUZZ);
    // AddressSanitizer is asked for with a flag that is not stable.
    shell.env("RUSTC_BOOTSTRAP", "1");
    shell
}

pub(super) fn without_fuzz(_: &Project) -> Option<&'static str> {
    let there = process::command_output("cargo", &["fuzz", "--version"]).is_some();
    (!there).then_some("cargo-fuzz is not installed (fuzz/README.md)")
}
