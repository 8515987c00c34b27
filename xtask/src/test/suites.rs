//! The suites: what each checks, how it is started, and when it cannot run.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::counts::Runner;
use crate::cargo::{cargo, cargo_build};
use crate::project::Project;
use crate::setup;

/// One suite.
pub(super) struct Suite {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) runner: Runner,
    pub(super) command: fn(&Project) -> Result<Command>,
    /// Why it cannot run on this machine.
    pub(super) skip: fn(&Project) -> Result<Option<String>>,
    pub(super) lane: Lane,
}

/// What may run at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// It needs the machine for itself: it compiles much, or measures rates of frames.
    Alone,
    /// It waits more than it computes: two of these run at a time.
    Waiting,
    /// It computes and has no clock: it runs beside those that wait, and gives way to them.
    Beside,
}

/// In this order: cheap and telling ones first, the whole system last.
pub(super) const SUITES: [Suite; 19] = [
    Suite {
        name: "rust-format",
        about: "cargo fmt",
        runner: Runner::Check,
        command: |project| Ok(cargo(project, &["fmt", "--all", "--check", "--", "--color", "never"])),
        skip: never,
        lane: Lane::Alone,
    },
    Suite {
        name: "rust-lints",
        about: "clippy, no warning allowed",
        runner: Runner::Check,
        command: |project| {
            let mut clippy = cargo_build(project, &["clippy", "--release", "--workspace", "--all-targets"]);
            clippy.args(["--", "-D", "warnings"]);
            Ok(clippy)
        },
        skip: never,
        lane: Lane::Alone,
    },
    Suite {
        name: "rust-deny",
        about: "licences, sources and duplicates (deny.toml); advisories need more than a registry",
        runner: Runner::Check,
        command: |project| {
            let mut deny = Command::new(setup::cargo_deny(project)?);
            deny.args(["--all-features", "check", "bans", "licenses", "sources"]).current_dir(project.root());
            Ok(deny)
        },
        skip: never,
        lane: Lane::Alone,
    },
    Suite {
        name: "rust",
        about: "unit, property and integration tests of every crate",
        runner: Runner::CargoTest,
        command: |project| {
            Ok(cargo_build(
                project,
                &["test", "--release", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"],
            ))
        },
        skip: never,
        lane: Lane::Alone,
    },
    Suite {
        name: "rust-portable",
        about: "the frame crate without libjpeg-turbo, as a plain machine builds it",
        runner: Runner::CargoTest,
        command: |project| {
            Ok(cargo(
                project,
                &[
                    "test",
                    "--release",
                    "--package",
                    "sightwire-frame",
                    "--no-default-features",
                    "--lib",
                    "--tests",
                ],
            ))
        },
        skip: never,
        lane: Lane::Beside,
    },
    Suite {
        name: "ui-types",
        about: "TypeScript, strict",
        runner: Runner::Check,
        command: |project| Ok(npm(project, "ui", "typecheck")),
        skip: never,
        lane: Lane::Beside,
    },
    Suite {
        name: "ui-lints",
        about: "eslint",
        runner: Runner::Check,
        command: |project| Ok(npm(project, "ui", "lint")),
        skip: never,
        lane: Lane::Beside,
    },
    Suite {
        name: "ui-format",
        about: "prettier",
        runner: Runner::Check,
        command: |project| Ok(npm(project, "ui", "format:check")),
        skip: never,
        lane: Lane::Beside,
    },
    Suite {
        name: "ui-unit",
        about: "the page's own tests (vitest)",
        runner: Runner::Vitest,
        command: |project| Ok(npm(project, "ui", "test")),
        skip: never,
        lane: Lane::Beside,
    },
    Suite {
        name: "client-js-lints",
        about: "TypeScript, eslint and prettier over clients/js",
        runner: Runner::Check,
        command: |project| {
            let mut sh = Command::new("sh");
            sh.args(["-c", "npm run -s typecheck && npm run -s lint && npm run -s format:check"])
                .current_dir(project.at("clients/js"))
                .env("NO_COLOR", "1")
                .env("CI", "1");
            Ok(sh)
        },
        skip: never,
        lane: Lane::Beside,
    },
    Suite {
        name: "client-js",
        about: "the JavaScript client's own tests (vitest)",
        runner: Runner::Vitest,
        command: |project| Ok(npm(project, "clients/js", "test")),
        skip: never,
        lane: Lane::Beside,
    },
    Suite {
        name: "e2e-lints",
        about: "eslint and prettier over e2e/",
        runner: Runner::Check,
        command: |project| Ok(npm(project, "e2e", "lint")),
        skip: never,
        lane: Lane::Beside,
    },
    Suite {
        name: "python-lints",
        about: "ruff: lints and format of every Python file",
        runner: Runner::Check,
        command: |project| {
            let mut sh = Command::new("sh");
            let folders = ["e2e/python", "e2e/load", "clients/python", "tools"]
                .into_iter()
                .filter(|folder| project.at(folder).is_dir());
            sh.args(["-c", "\"$0\" check \"$@\" && \"$0\" format --check \"$@\""])
                .arg(project.python("ruff")?)
                .args(folders)
                .current_dir(project.root());
            Ok(sh)
        },
        skip: without_python,
        lane: Lane::Beside,
    },
    Suite {
        name: "e2e-js",
        about: "the official JavaScript client, viewers and players of cameras against the real server",
        runner: Runner::Node,
        command: |project| {
            let mut node = Command::new("node");
            // A test that hangs must not hold the run; the slowest takes some twenty seconds.
            node.args(["--test", "--test-reporter=spec", "--test-timeout=120000"]);
            node.args(files(project, "e2e/js", ".test.mjs")?);
            against_the_server(project, node)
        },
        skip: never,
        lane: Lane::Waiting,
    },
    Suite {
        name: "e2e-python",
        about: "the official Python client and OpenCV against the real server",
        runner: Runner::Pytest,
        command: |project| {
            let mut pytest = Command::new(project.python("python")?);
            pytest.args(["-m", "pytest", "python"]);
            against_the_server(project, pytest)
        },
        skip: without_python,
        lane: Lane::Waiting,
    },
    Suite {
        name: "import-tool",
        about: "tools/import: Keras files of many kinds and ages, converted and compared with Keras",
        runner: Runner::Pytest,
        command: |project| {
            let mut pytest = Command::new(project.python("python")?);
            pytest.args(["-m", "pytest", "tools/import"]).current_dir(project.root());
            if let Some(python) = setup::importer(project)? {
                pytest.env("SIGHTWIRE_IMPORT_PYTHON", python);
            }
            Ok(pytest)
        },
        skip: |project| {
            let missing = setup::importer(project)?.is_none();
            Ok(missing
                .then(|| "no importer in the store (no Python that TensorFlow 2.15 is made for)".into()))
        },
        lane: Lane::Beside,
    },
    Suite {
        name: "client-python",
        about: "clients/python and its command against the real server, with mypy",
        runner: Runner::Pytest,
        command: |project| {
            let mut pytest = Command::new(project.python("python")?);
            pytest.args([
                "-m",
                "pytest",
                "-c",
                "../clients/python/pyproject.toml",
                "../clients/python/tests",
            ]);
            against_the_server(project, pytest)
        },
        skip: without_python,
        lane: Lane::Waiting,
    },
    Suite {
        name: "e2e-browser",
        about: "pages that recognise, in Chromium with a generated camera, one test at a time",
        runner: Runner::Playwright,
        command: |project| playwright(project, "alone"),
        skip: without_chromium,
        lane: Lane::Alone,
    },
    Suite {
        name: "e2e-pages",
        about: "all other pages in Chromium, two tests at a time",
        runner: Runner::Playwright,
        command: |project| playwright(project, "together"),
        skip: without_chromium,
        lane: Lane::Alone,
    },
];

/// Those that run only when they are asked for by name: they take minutes, and what they compile for themselves.
pub(super) const BY_NAME: [Suite; 1] = [Suite {
    name: "readme",
    about: "README's commands in their order, in a fresh clone of the last commit with an empty home",
    runner: Runner::Node,
    command: |project| {
        let mut node = Command::new("node");
        node.arg("readme/run.mjs").arg(project.own("readme")?).current_dir(project.at("e2e"));
        if let Some(python) = setup::importer(project)? {
            node.env("SIGHTWIRE_IMPORT_PYTHON", python);
        }
        Ok(node)
    },
    skip: |project| {
        let missing = setup::importer(project)?.is_none();
        Ok(missing.then(|| "no importer in the store to make a Keras model with".into()))
    },
    lane: Lane::Alone,
}];

/// One of the projects of `e2e/playwright.config.mjs`.
fn playwright(project: &Project, name: &str) -> Result<Command> {
    let mut playwright = Command::new("node");
    // With `=`: after a space it would take the names of files that may follow for projects.
    playwright.args(["node_modules/@playwright/test/cli.js", "test", &format!("--project={name}")]);
    against_the_server(project, playwright)
}

#[allow(clippy::unnecessary_wraps)] // the shape of `Suite::skip`
fn without_chromium(_: &Project) -> Result<Option<String>> {
    Ok(setup::missing_programs(&["chromium"]).map(|program| format!("{program} is not installed")))
}

#[allow(clippy::unnecessary_wraps)] // the shape of `Suite::skip`
fn never(_: &Project) -> Result<Option<String>> {
    Ok(None)
}

fn without_python(project: &Project) -> Result<Option<String>> {
    Ok((!project.python("python")?.exists())
        .then(|| "no Python environment (python3-venv is missing)".into()))
}

fn npm(project: &Project, folder: &str, script: &str) -> Command {
    let mut npm = Command::new("npm");
    npm.args(["run", "--silent", script]).current_dir(project.at(folder)).env("NO_COLOR", "1").env("CI", "1");
    npm
}

/// In `e2e/`, with the names under which the suites look for the server and its store.
fn against_the_server(project: &Project, mut command: Command) -> Result<Command> {
    command
        .current_dir(project.at("e2e"))
        .env("SIGHTWIRE_BIN", project.release("sightwire"))
        .env("SIGHTWIRE_HOME", project.home()?)
        .env("NO_COLOR", "1")
        .env_remove("FORCE_COLOR");
    Ok(command)
}

/// Test files by name, since a runner's own way of finding them differs between Node versions.
fn files(project: &Project, folder: &str, ending: &str) -> Result<Vec<PathBuf>> {
    let folder = project.at(folder);
    let entries = folder.read_dir().with_context(|| format!("read {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .filter(|path: &Result<PathBuf>| {
            path.as_ref().is_ok_and(|path| path.to_string_lossy().ends_with(ending))
        })
        .collect::<Result<_>>()?;
    if files.is_empty() {
        bail!("no {ending} in {}", folder.display());
    }
    files.sort();
    Ok(files)
}
