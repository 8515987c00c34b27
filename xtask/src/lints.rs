//! Clippy over what a build has compiled, without compiling anything a second time.
//!
//! `cargo clippy` checks each dependency once more, hundreds of them, before it looks at a line of ours. So a build of tests
//! runs its compiler through this program ([`record_call`]), which writes down how each target of ours was compiled, and
//! [`replay_records`] has Clippy's own driver look at those targets in the same way, against the dependencies that the build has
//! made. What is not written down, or fails, is left to `cargo clippy`, which has the last word.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::process::command_output;
use crate::programs::{clippy_command, list_packages};
use crate::project::{Project, remove_path};

/// Names the folder of records to the program that cargo calls in the compiler's place.
const FOLDER: &str = "SIGHTWIRE_RECORD_COMPILER";
/// Cargo's own name for such a program.
const WRAPPER: &str = "RUSTC_WRAPPER";

/// Has a build write down how it compiles; not where the user names a program of
/// their own for the compiler's place; one that cargo's configuration names is left out of this build.
pub(crate) fn record_build(project: &Project, build: &mut Command) -> Result<()> {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|program| !program.is_empty());
    if [WRAPPER, "CARGO_BUILD_RUSTC_WRAPPER"].iter().any(is_set) {
        return Ok(());
    }
    let folder = records_folder(project);
    fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    // A copy, since the build replaces this very program.
    let recorder = project.own_path("recorder");
    let copy = project.own_path("recorder.new");
    // By this name it is there, too, where another build has put a new one in its place.
    fs::copy("/proc/self/exe", &copy).with_context(|| format!("copy this program to {}", copy.display()))?;
    fs::rename(&copy, &recorder).with_context(|| format!("make {}", recorder.display()))?;
    build.env(WRAPPER, recorder).env(FOLDER, folder);
    Ok(())
}

/// Where cargo has called this program in the compiler's place: writes that down and becomes the compiler. Returns where it
/// was called by somebody else, or could not become the compiler.
pub(crate) fn record_call() -> Option<ExitCode> {
    let folder = PathBuf::from(std::env::var_os(FOLDER)?);
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let (compiler, args) = args.split_first()?;
    // Cargo sets this for targets of the workspace. Without a record, the lints take longer; the build goes on in any case.
    if std::env::var_os("CARGO_PRIMARY_PACKAGE").is_some()
        && let Some((target, record)) = record_of(args)
    {
        let _ = fs::write(folder.join(file_name(&target)), record.to_string());
    }
    let error = Command::new(compiler).args(args).env_remove(FOLDER).env_remove(WRAPPER).exec();
    eprintln!("error: {} cannot be started: {error}", compiler.display());
    Some(ExitCode::FAILURE)
}

/// None where something of it is not text.
fn record_of(args: &[OsString]) -> Option<(Target, Value)> {
    let args: Vec<String> = args.iter().map(|arg| arg.to_str().map(str::to_owned)).collect::<Option<_>>()?;
    let text =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    let env: BTreeMap<String, String> =
        std::env::vars_os().filter_map(text).filter(|(name, _)| is_kept(name)).collect();
    let record = json!({ "args": args, "env": env, "cwd": std::env::current_dir().ok()? });
    Some((target_of(&args)?, record))
}

/// What cargo and our build scripts set for one target, and nothing of the user's own (proxies and registries have passwords), nor of
/// this run of cargo.
fn is_kept(variable: &str) -> bool {
    const NAMES: [&str; 6] = [
        "CARGO",
        "CARGO_CRATE_NAME",
        "CARGO_PRIMARY_PACKAGE",
        "CARGO_TARGET_TMPDIR",
        "OUT_DIR",
        "SIGHTWIRE_PAGES",
    ];
    const BEGINNINGS: [&str; 3] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];
    NAMES.contains(&variable) || BEGINNINGS.iter().any(|beginning| variable.starts_with(beginning))
}

/// A target: its main source file, and whether it is compiled with its tests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Target {
    source: String,
    tests: bool,
}

fn target_of(args: &[String]) -> Option<Target> {
    let source = args.iter().find(|arg| Path::new(arg).extension().is_some_and(|end| end == "rs"))?.clone();
    Some(Target { source, tests: args.iter().any(|arg| arg == "--test") })
}

fn file_name(target: &Target) -> String {
    let source: String = target.source.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    format!("{source}{}.json", if target.tests { "-tests" } else { "" })
}

fn records_folder(project: &Project) -> PathBuf {
    project.own_path("lints/records")
}

/// All targets of the workspace that a build of tests compiles, as cargo names their sources: from the workspace's root.
fn list_targets(project: &Project) -> Result<Vec<Target>> {
    let mut targets = Vec::new();
    for package in list_packages(project, &["--no-deps", "--offline"])? {
        for target in package["targets"].as_array().context("packages have targets")? {
            let path = Path::new(target["src_path"].as_str().unwrap_or_default());
            let source = path.strip_prefix(project.root()).unwrap_or(path).to_string_lossy().into_owned();
            let is =
                |kind: &str| target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|it| it == kind));
            if !is("test") && !is("bench") {
                targets.push(Target { source: source.clone(), tests: false });
            }
            if target["test"] == true && !is("example") && !is("bench") {
                targets.push(Target { source, tests: true });
            }
        }
    }
    Ok(targets)
}

/// `xtask lints`: Clippy over all targets, by the records where that is possible.
pub(crate) fn run_lints() -> Result<ExitCode> {
    let project = Project::here()?;
    match replay_records(&project) {
        Ok(count) => {
            println!("{count} targets looked at as the build compiled them: nothing found");
            Ok(ExitCode::SUCCESS)
        }
        Err(why) => {
            println!("{why:#}\nso `cargo clippy` looks at all of it:");
            let status = clippy_command(&project).status().context("start cargo clippy")?;
            Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

/// How many targets were looked at, without a warning.
fn replay_records(project: &Project) -> Result<usize> {
    let sysroot = command_output("rustc", &["--print", "sysroot"]).context("ask rustc where it is")?;
    let driver = Path::new(&sysroot).join("bin/clippy-driver");
    let targets = list_targets(project)?;
    let out = project.own_path("lints/out");
    remove_path(&out)?;
    let mut waiting = Vec::new();
    for target in &targets {
        let file = records_folder(project).join(file_name(target));
        let text = fs::read_to_string(&file)
            .with_context(|| format!("nobody has written down how {} is compiled", target.source))?;
        let record: Value =
            serde_json::from_str(&text).with_context(|| format!("read {}", file.display()))?;
        let folder = out.join(file_name(target));
        fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        waiting.push(
            driver_command(&driver, &record, &folder).with_context(|| format!("read {}", file.display()))?,
        );
    }
    let count = waiting.len();
    let (waiting, found) = (Mutex::new(waiting), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(mut driver) = waiting.lock().ok().and_then(|mut all| all.pop()) {
                    let said = driver
                        .output()
                        .map_or_else(|error| Some(error.to_string()), |output| find_problems(&output));
                    if let (Some(said), Ok(mut found)) = (said, found.lock()) {
                        found.push(said);
                    }
                }
            });
        }
    });
    remove_path(&out)?;
    let found = found.into_inner().unwrap_or_default();
    match found.first() {
        None => Ok(count),
        Some(first) => bail!("{first}\n({} of {count} targets)", found.len()),
    }
}

/// Clippy's driver, called as the compiler was, with nothing but a check as its result.
fn driver_command(driver: &Path, record: &Value, out: &Path) -> Option<Command> {
    let mut command = Command::new(driver);
    let mut args = record["args"].as_array()?.iter().filter_map(Value::as_str);
    while let Some(arg) = args.next() {
        match arg {
            "--out-dir" => drop(args.next()),
            "-C" => {
                let option = args.next()?;
                if !option.starts_with("incremental=") {
                    command.args(["-C", option]);
                }
            }
            _ if ["--error-format=", "--json=", "--emit=", "--diagnostic-width="]
                .iter()
                .any(|known| arg.starts_with(known)) => {}
            _ => drop(command.arg(arg)),
        }
    }
    command.args(["--emit=metadata", "--color=never", "-D", "warnings", "--out-dir"]).arg(out);
    for (name, value) in record["env"].as_object()? {
        command.env(name, value.as_str()?);
    }
    command.env_remove(WRAPPER).current_dir(record["cwd"].as_str()?);
    Some(command)
}

fn find_problems(output: &Output) -> Option<String> {
    let said = String::from_utf8_lossy(&output.stderr);
    (!output.status.success() || said.contains("warning")).then(|| said.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_target_is_its_source_and_whether_its_tests_are_compiled() {
        let library = target_of(&words("--crate-name hub crates/hub/src/lib.rs --emit=link")).unwrap();
        assert_eq!(file_name(&library), "crates-hub-src-lib-rs.json");
        let tests = target_of(&words("--crate-name hub crates/hub/src/lib.rs --test")).unwrap();
        assert_eq!(file_name(&tests), "crates-hub-src-lib-rs-tests.json");
        assert_eq!(target_of(&words("-vV")), None);
        assert!(is_kept("CARGO") && is_kept("CARGO_PKG_NAME") && is_kept("OUT_DIR") && !is_kept("HOME"));
        assert!(!is_kept("CARGO_MAKEFLAGS"), "its pipes are closed by then");
        assert!(!is_kept("CARGO_REGISTRY_TOKEN") && !is_kept("CARGO_HTTP_PROXY") && !is_kept("CARGO_HOME"));
    }

    #[test]
    fn what_is_no_text_is_not_written_down() {
        use std::os::unix::ffi::OsStringExt as _;
        let args = |last: &[u8]| {
            [b"--crate-name".to_vec(), b"src/lib.rs".to_vec(), last.to_vec()].map(OsString::from_vec)
        };
        assert!(record_of(&args(b"-C")).is_some());
        assert!(record_of(&args(b"-L/\xff")).is_none());
    }

    #[test]
    fn clippy_is_called_as_the_compiler_was_and_makes_nothing() {
        let record = json!({
            "args": words("--crate-name hub crates/hub/src/lib.rs --error-format=json --json=artifacts --emit=dep-info,metadata,link \
                           -C opt-level=1 -C incremental=/t/i --out-dir /t/deps -L dependency=/t/deps --extern serde=/t/libserde.rlib"),
            "env": { "CARGO_MANIFEST_DIR": "/c/hub" },
            "cwd": "/c",
        });
        let command = driver_command(Path::new("/bin/clippy-driver"), &record, Path::new("/o")).unwrap();
        let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect();
        assert_eq!(
            args.join(" "),
            "--crate-name hub crates/hub/src/lib.rs -C opt-level=1 -L dependency=/t/deps --extern serde=/t/libserde.rlib \
             --emit=metadata --color=never -D warnings --out-dir /o"
        );
        assert!(command.get_envs().any(|(name, _)| name == "CARGO_MANIFEST_DIR"));
    }

    #[test]
    fn a_warning_is_a_problem_though_it_does_not_end_the_driver() {
        use std::os::unix::process::ExitStatusExt as _;
        let output = |code, said: &str| Output {
            status: std::process::ExitStatus::from_raw(code),
            stdout: Vec::new(),
            stderr: said.into(),
        };
        assert_eq!(find_problems(&output(0, "")), None);
        assert!(find_problems(&output(0, "warning: unused")).is_some());
        assert!(find_problems(&output(256, "")).is_some());
    }
}
