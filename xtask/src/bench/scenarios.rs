//! `cargo xtask bench attacks|cameras|relay [SCENARIO…] [--quick]`: scenarios of the load generator, each against a server of its own.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use super::{PAGE, machine, replaced, stdout_of, written};
use crate::project::Project;
use crate::server::Server;
use crate::setup::{self, Purpose};
use crate::unknown;

/// Where the load generator runs while the server has the first core: `taskset` leaves out those that are not there.
const OTHER_CORES: &str = "1-1023";

/// The scenarios of one subcommand of `sightwire-bench`.
pub(super) struct Suite {
    /// The subcommand, and its section of the page.
    pub(super) name: &'static str,
    /// Of all its servers.
    pub(super) settings: &'static [&'static str],
    /// Whether the server is to run on one core, and the load generator on the others.
    pub(super) one_core: bool,
    /// One after the other.
    pub(super) scenarios: &'static [Scenario],
}

/// One server and what is run against it.
pub(super) struct Scenario {
    /// What it is called on the command line.
    pub(super) name: &'static str,
    /// Its heading on the page of benchmarks.
    pub(super) title: &'static str,
    /// Keys of the configuration, as `--set` takes them; they come after those of the suite.
    pub(super) settings: &'static [&'static str],
    /// Of the load generator.
    pub(super) args: &'static [&'static str],
    /// In a quick run.
    pub(super) quick: &'static [&'static str],
}

/// Runs the scenarios named, or all; arguments that begin with dashes go to the load generator.
pub(super) fn command(suite: &Suite, args: &[OsString]) -> Result<ExitCode> {
    let (names, options) = split(suite, args)?;
    let project = Project::here()?;
    let page = project.at(PAGE);
    // Said now, not after half an hour of measuring.
    replaced(&page, suite.name, "")?;
    setup::run(&project, Purpose::Demo)?;
    let quick = options.iter().any(|option| option == "--quick");
    let options: Vec<&String> = options.iter().filter(|option| *option != "--quick").collect();
    let mut section = machine(&project);
    for scenario in suite.scenarios {
        if !names.is_empty() && !names.iter().any(|name| name == scenario.name) {
            continue;
        }
        eprintln!("{}", scenario.title);
        let text = run(&project, suite, scenario, quick, &options)?;
        let _ = write!(section, "\n\n**{}.** {}\n\n{}", scenario.title, shown(suite, scenario), text.trim());
    }
    // A part of the tables is worth a look and not the page.
    if quick || !names.is_empty() || !options.is_empty() {
        println!("\n{section}");
        return Ok(ExitCode::SUCCESS);
    }
    written(&page, suite.name, &section)
}

/// Scenarios, then what is not for us.
fn split(suite: &Suite, args: &[OsString]) -> Result<(Vec<String>, Vec<String>)> {
    let args: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let first_option = args.iter().position(|arg| arg.starts_with('-')).unwrap_or(args.len());
    let (names, options) = args.split_at(first_option);
    let mut known: Vec<&str> = suite.scenarios.iter().map(|scenario| scenario.name).collect();
    known.dedup();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        bail!(unknown("scenario", name, &known));
    }
    Ok((names.to_vec(), options.to_vec()))
}

fn run(
    project: &Project,
    suite: &Suite,
    scenario: &Scenario,
    quick: bool,
    options: &[&String],
) -> Result<String> {
    let folder = project.own("bench");
    fs::create_dir_all(&folder).context("make a folder for the server's cameras")?;
    let file = folder.join("cameras.json");
    let _ = fs::remove_file(&file);
    let mut settings = vec![format!("cameras.file={}", file.display())];
    settings.extend(suite.settings.iter().map(|setting| (*setting).to_owned()));
    settings.extend(scenario.settings.iter().map(|setting| (*setting).to_owned()));
    let server = Server::start(project, "server-bench", "127.0.0.1:0", &settings)?;
    let mut bench = if suite.one_core {
        pin(&server)?;
        let mut bench = Command::new("taskset");
        bench.args(["--cpu-list", OTHER_CORES]).arg(project.release("sightwire-bench"));
        bench
    } else {
        Command::new(project.release("sightwire-bench"))
    };
    bench.arg(suite.name).args(scenario.args).args(["--url", server.url()]);
    if quick {
        bench.args(scenario.quick);
    }
    bench.args(options);
    let text = stdout_of(&mut bench)?;
    server.stop()?;
    Ok(text)
}

/// All threads of the server on the first core.
fn pin(server: &Server) -> Result<()> {
    if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
        bail!("this needs a core for the server and one for the attackers");
    }
    let mut taskset = Command::new("taskset");
    stdout_of(taskset.args(["--all-tasks", "--cpu-list", "--pid", "0", &server.pid().to_string()]))?;
    Ok(())
}

/// The commands, for the page.
fn shown(suite: &Suite, scenario: &Scenario) -> String {
    let settings: Vec<String> = scenario.settings.iter().map(|setting| format!("--set {setting}")).collect();
    let core = if suite.one_core { "taskset -c 0 " } else { "" };
    format!(
        "`sightwire-bench {} {}` against `{core}sightwire serve … {}`",
        suite.name,
        scenario.args.join(" "),
        settings.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::super::{cameras, relay};
    use super::*;

    #[test]
    fn scenarios_are_named_first_and_the_rest_is_the_load_generators() {
        let args = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        for suite in [&cameras::SUITE, &relay::SUITE] {
            let (names, options) = split(suite, &args("slow churn --minutes 2")).unwrap();
            assert_eq!(
                (names, options),
                (vec!["slow".to_owned(), "churn".to_owned()], vec!["--minutes".to_owned(), "2".to_owned()])
            );
            assert!(split(suite, &args("slwo")).unwrap_err().to_string().contains("'slow'"));
        }
    }
}
