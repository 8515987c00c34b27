//! The suites: what each checks, how it is started, and when it cannot run.

use std::path::Path;
use std::process::Command;

use super::again::{Again, ONLY};
use super::long;
use crate::programs::{
    advisories_command, deny_command, lints_command, nextest_command, npm_command, ruff_command, rust_format,
    shell_command,
};
use crate::project::{Project, on_path};
use crate::setup;

/// A part of `cargo xtask test` that can be run by its name.
pub(super) struct Suite {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) lane: Lane,
    pub(super) when: When,
    pub(super) reports: Reports,
    pub(super) command: Start,
    pub(super) again: Again,
    /// Why it cannot run on this machine.
    pub(super) skip: Skip,
}

/// What runs a suite; the path is where one that [`Reports::Junit`] has to write to.
type Start = fn(&Project, &Path) -> Command;
type Skip = fn(&Project) -> Option<&'static str>;

/// In which runs a suite is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// In every run: `.ci/run` waits for it.
    Always,
    /// With `--full`: it takes more than a minute and guards one corner.
    Full,
    /// Only by name: it compiles for itself what the others have already.
    Named,
}

/// What may run at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// It comes before all others: it is cheap, or tells most. Only those beside it run at the same time.
    First,
    /// It waits more than it computes: two of these run at a time.
    Waiting,
    /// It computes and has no clock: two of these run beside the first ones and those that wait, and give way to them.
    Beside,
    /// It needs the machine for itself: it compiles much, or measures rates of frames. These come last.
    Alone,
}

/// Where a suite says what became of its tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reports {
    /// Nowhere: it passes or fails as one.
    Nothing,
    /// In `JUnit`'s XML, in the file that its command is given.
    Junit,
    /// The same, where nextest puts it.
    Nextest,
}

/// Something that passes or fails as one, in every run.
const fn check_suite(name: &'static str, lane: Lane, about: &'static str, command: Start) -> Suite {
    let (when, reports, again) = (When::Always, Reports::Nothing, Again::Never);
    Suite { name, about, lane, when, reports, command, again, skip: |_| None }
}

/// Tests that are counted, in every run.
const fn tests_suite(name: &'static str, lane: Lane, about: &'static str, command: Start) -> Suite {
    Suite { reports: Reports::Junit, ..check_suite(name, lane, about, command) }
}

impl Suite {
    const fn run_when(self, when: When) -> Self {
        Self { when, ..self }
    }

    const fn with_reports(self, reports: Reports) -> Self {
        Self { reports, ..self }
    }

    const fn with_again(self, again: Again) -> Self {
        Self { again, ..self }
    }

    const fn with_skip(self, skip: Skip) -> Self {
        Self { skip, ..self }
    }
}

/// Tests with suites of their own: they need TensorFlow, or read pages for minutes.
const IMPORTS: &str = "python/test_import.py";
const ACCURACY: &str = "python/test_read_accuracy.py";
/// Waits more than all others: for workers that were killed to be missed.
const WORKERS: &str = "python/test_read_cluster.py";

/// In this order: cheap and telling ones first, the whole system last.
pub(super) const SUITES: [Suite; 31] = [
    check_suite("rust-format", Lane::First, "cargo fmt", |project, _| rust_format(project)),
    check_suite(
        "rust-deny",
        Lane::First,
        "licences, sources and duplicates (deny.toml); advisories are a suite of their own",
        |project, _| deny_command(project),
    ),
    check_suite("rust-lints", Lane::Beside, "clippy: no warning allowed", |project, _| lints_command(project)),
    tests_suite("rust", Lane::First, "unit, property and integration tests of every crate (nextest)", |project, _| {
        nextest_command(project, &[])
    })
    .with_reports(Reports::Nextest),
    check_suite("ui-types", Lane::Beside, "TypeScript, strict", |project, _| npm_command(project.join_root("ui"), "typecheck")),
    check_suite("ui-lints", Lane::Beside, "eslint", |project, _| npm_command(project.join_root("ui"), "lint")),
    check_suite("ui-format", Lane::Beside, "prettier", |project, _| npm_command(project.join_root("ui"), "format:check")),
    tests_suite("ui-unit", Lane::Beside, "the page's own tests (vitest)", |project, report| {
        vitest_command(project, "ui", report)
    }),
    check_suite("client-js-lints", Lane::Beside, "TypeScript, eslint and prettier over clients/js", |project, _| {
        let all = "npm run -s typecheck; npm run -s lint; npm run -s format:check";
        shell_command(&project.join_root("clients/js"), all)
    }),
    tests_suite("client-js", Lane::Beside, "the JavaScript client's own tests (vitest)", |project, report| {
        vitest_command(project, "clients/js", report)
    }),
    check_suite("e2e-lints", Lane::Beside, "TypeScript, eslint and prettier over e2e/", |project, _| {
        npm_command(project.join_root("e2e"), "lint")
    }),
    check_suite("python-lints", Lane::Beside, "ruff: lints and format of every Python file", |project, _| ruff_command(project, PYTHON))
        .with_skip(without_python),
    // The longest first, so that none of them is alone at the end; pages, which compute most, come after `e2e-js`, which has clocks.
    tests_suite(
        "e2e-js",
        Lane::Waiting,
        "the official JavaScript client, viewers and players of cameras against the real server",
        |project, report| {
            let all_others = "--test-concurrency=2 $(ls js/*.test.mjs | grep -v /cluster-)";
            node_command(project, report, 1200, all_others)
        },
    )
    .with_again(Again::Node),
    tests_suite(
        "e2e-workers",
        Lane::Waiting,
        "text: one batch by several processes, some of which are killed, stopped, or have a full disk",
        |project, report| pytest_command(project, report, &[WORKERS]),
    )
    .with_again(Again::Pytest)
    .with_skip(without_python),
    tests_suite(
        "e2e-python",
        Lane::Waiting,
        "the official Python client and OpenCV against the real server",
        |project, report| {
            pytest_command(project, report, &["python", "--ignore-glob=python/test_read_*", &format!("--ignore={IMPORTS}")])
        },
    )
    .with_again(Again::Pytest)
    .with_skip(without_python),
    tests_suite(
        "e2e-cluster",
        Lane::Waiting,
        "several servers as one, over a real Redis, and behind nginx and HAProxy",
        |project, report| node_command(project, report, 1200, "js/cluster-*.test.mjs"),
    )
    .with_again(Again::Node),
    tests_suite(
        "e2e-read",
        Lane::Waiting,
        "text: by command, over HTTP, in batches and out of storage",
        |project, report| {
            let files = reading_tests(project);
            pytest_command(project, report, &files.iter().map(String::as_str).collect::<Vec<_>>())
        },
    )
    .with_again(Again::Pytest)
    .with_skip(without_python),
    tests_suite("e2e-pages", Lane::Waiting, "all other pages in Chromium, two tests at a time", |project, report| {
        playwright_command(project, report, "together")
    })
    .with_again(Again::Playwright)
    .with_skip(without_chromium),
    tests_suite(
        "client-python",
        Lane::Waiting,
        "clients/python and its command against the real server, with mypy",
        |project, report| {
            let all = ["-c", "../clients/python/pyproject.toml", "../clients/python/tests"];
            pytest_command(project, report, &all)
        },
    )
    .with_again(Again::Pytest)
    .with_skip(without_python),
    tests_suite(
        "e2e-kserve",
        Lane::Waiting,
        "MLServer and Triton find objects for the real server, and are away and come back",
        |project, report| {
            let mut pytest = Command::new(project.own_path("kserve-venv/bin/python"));
            pytest.args(["-m", "pytest", "-q", "--junitxml"]).arg(report).arg("kserve");
            against_the_server(project, pytest)
        },
    )
    .with_again(Again::Pytest)
    .with_skip(without_kserve),
    tests_suite(
        "e2e-browser",
        Lane::Alone,
        "pages whose rates are measured, in Chromium with a generated camera, one test at a time",
        |project, report| playwright_command(project, report, "alone"),
    )
    .with_again(Again::Playwright)
    .with_skip(without_chromium),
    tests_suite(
        "import-tool",
        Lane::Waiting,
        "tools/import: Keras files of many kinds and ages, converted and compared with Keras",
        |project, report| {
            let mut pytest = with_importer(project, pytest_command(project, report, &["tools/import"]));
            pytest.current_dir(project.root());
            pytest
        },
    )
    .run_when(When::Full)
    .with_skip(without_importer),
    tests_suite(
        "e2e-import",
        Lane::Waiting,
        "users' own Keras models: by command, at the server's start, from an address",
        |project, report| pytest_command(project, report, &[IMPORTS]),
    )
    .run_when(When::Full)
    .with_skip(without_importer),
    tests_suite(
        "e2e-accuracy",
        Lane::Alone,
        "how much of generated pages is read rightly",
        |project, report| pytest_command(project, report, &[ACCURACY]),
    )
    .run_when(When::Full)
    .with_skip(without_python),
    check_suite(
        "rust-features",
        Lane::Alone,
        "what a machine without cmake or make builds: the server and all lints without turbo and jemalloc, alone \
         and together; the frame crate's tests without turbo",
        long::features_command,
    )
    .run_when(When::Full),
    check_suite(
        "soak",
        Lane::Alone,
        "ten minutes of `cargo xtask soak`: all uses at once, clients that come and go, faults; nothing grows",
        |project, _| {
            let mut node = Command::new("node");
            node.args(["soak/run.mjs", "--minutes", "10"]);
            against_the_server(project, node)
        },
    )
    .run_when(When::Full),
    check_suite(
        "demo-cluster",
        Lane::Alone,
        "cargo xtask demo --cluster --once: three servers of the demo's build, one of which is killed",
        long::demo_cluster,
    )
    .run_when(When::Full),
    tests_suite(
        "packages",
        Lane::Alone,
        "the Debian package, the archive and the image: installed, used, upgraded, removed, on machines of their own",
        long::packages_command,
    )
    .run_when(When::Full)
    .with_skip(long::without_machines),
    check_suite("fuzz", Lane::Alone, "each target of fuzz/ for 20 s", long::fuzz_command)
        .run_when(When::Full)
        .with_skip(long::without_fuzz),
    check_suite(
        "readme",
        Lane::Alone,
        "commands of README and docs/tour.md in their order, in a fresh clone with an empty home",
        |project, _| {
            let mut node = Command::new("node");
            node.arg("readme/run.mjs").arg(project.own_path("readme")).current_dir(project.join_root("e2e"));
            with_importer(project, node)
        },
    )
    .run_when(When::Named)
    .with_skip(without_importer),
    check_suite(
        "advisories",
        Lane::Alone,
        "known weaknesses of crates (RustSec's database, from GitHub) and of what the page has from npm",
        |project, _| advisories_command(project),
    )
    .run_when(When::Named),
];

/// Folders with Python files.
const PYTHON: [&str; 5] = ["e2e/kserve", "e2e/python", "e2e/load", "clients/python", "tools"];

/// Node's own runner over files in `e2e/`, which ends one that hangs after this many seconds. The shell finds them, since a
/// runner's own way differs between Node versions; [`ONLY`] takes their place.
fn node_command(project: &Project, report: &Path, timeout_s: u32, files: &str) -> Command {
    let mut node = Command::new("sh");
    // Such a variable in the user's environment does not leave tests out.
    node.env_remove(ONLY);
    node.args(["-c", &format!(r#"exec node "$@" ${{{ONLY}:-{files}}}"#), "node"])
        .args(["--test", &format!("--test-timeout={timeout_s}000")])
        .args(["--test-reporter=spec", "--test-reporter-destination=stdout"])
        .args(["--test-reporter=junit", &format!("--test-reporter-destination={}", report.display())]);
    against_the_server(project, node)
}

/// In `e2e/`.
fn pytest_command(project: &Project, report: &Path, args: &[&str]) -> Command {
    let mut pytest = Command::new(project.python_program("python"));
    pytest.args(["-m", "pytest", "--junitxml"]).arg(report).args(args);
    against_the_server(project, pytest)
}

/// The files of `e2e/python` whose tests read text, but for those with suites of their own.
fn reading_tests(project: &Project) -> Vec<String> {
    let files = std::fs::read_dir(project.join_root("e2e/python")).into_iter().flatten().flatten();
    let names = files.map(|file| format!("python/{}", file.file_name().to_string_lossy()));
    let mut names: Vec<String> = names
        .filter(|name| name.starts_with("python/test_read_") && name != ACCURACY && name != WORKERS)
        .collect();
    names.sort();
    names
}

/// One of the projects of `e2e/playwright.config.mjs`.
fn playwright_command(project: &Project, report: &Path, name: &str) -> Command {
    let mut playwright = Command::new("node");
    playwright
        .args(["node_modules/@playwright/test/cli.js", "test", "--reporter=list,junit", "--project", name])
        .env("PLAYWRIGHT_JUNIT_OUTPUT_FILE", report);
    against_the_server(project, playwright)
}

fn vitest_command(project: &Project, folder: &str, report: &Path) -> Command {
    let mut vitest = npm_command(project.join_root(folder), "test");
    vitest
        .args(["--", "--reporter=default", "--reporter=junit"])
        .arg(format!("--outputFile.junit={}", report.display()));
    vitest
}

fn without_chromium(_: &Project) -> Option<&'static str> {
    on_path("chromium").is_none().then_some("chromium is not installed")
}

fn without_python(project: &Project) -> Option<&'static str> {
    (!project.python_program("python").exists()).then_some("no Python environment (python3-venv is missing)")
}

fn without_kserve(project: &Project) -> Option<&'static str> {
    let missing = !project.own_path("kserve-venv/bin/pytest").exists();
    missing.then_some("no servers that speak KServe (no Python 3.11 of the system)")
}

fn without_importer(project: &Project) -> Option<&'static str> {
    let missing = setup::importer_python(project).is_none();
    missing.then_some("no importer in the store (no Python that TensorFlow 2.15 is made for)")
}

/// In `e2e/`, with the names under which the suites look for the server and its store.
fn against_the_server(project: &Project, mut command: Command) -> Command {
    command
        .current_dir(project.join_root("e2e"))
        .env("SIGHTWIRE_BIN", project.debug_program("sightwire"))
        .env("SIGHTWIRE_HOME", project.home())
        .env("NO_COLOR", "1")
        .env_remove("FORCE_COLOR");
    command
}

/// With the name under which tests look for a Python that has TensorFlow.
fn with_importer(project: &Project, mut command: Command) -> Command {
    command.envs(setup::importer_python(project).map(|python| ("SIGHTWIRE_IMPORT_PYTHON", python)));
    command
}
