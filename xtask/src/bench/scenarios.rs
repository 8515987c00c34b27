//! `cargo xtask bench attacks|cameras|relay [SCENARIO…] [--quick]`: scenarios of the load generator, each against a server of its own.

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use super::{Section, generator_path, measure_server, stdout_of};
use crate::project::Project;
use crate::server::Server;
use crate::unknown_word;

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
    name: &'static str,
    title: &'static str,
    args: &'static str,
    quick: &'static str,
    settings: &'static [&'static str],
}

/// What it is called on the command line and on the page, with the load generator's arguments and those it has besides in a
/// quick run.
pub(super) const fn scenario(
    name: &'static str,
    title: &'static str,
    args: &'static str,
    quick: &'static str,
) -> Scenario {
    Scenario { name, title, args, quick, settings: &[] }
}

impl Scenario {
    /// With these settings of the server.
    pub(super) const fn with_settings(self, settings: &'static [&'static str]) -> Self {
        Self { settings, ..self }
    }
}

/// Runs the scenarios named, or all; arguments that begin with dashes go to the load generator.
pub(super) fn run_scenarios(suite: &Suite, args: &[String]) -> Result<ExitCode> {
    let (names, mut options) = split_args(suite, args)?;
    let mut section = Section::set_up(suite.name)?;
    let whole = names.is_empty() && options.is_empty();
    let quick = options.iter().any(|option| option == "--quick");
    options.retain(|option| option != "--quick");
    for scenario in suite.scenarios {
        if !names.is_empty() && !names.iter().any(|name| name == scenario.name) {
            continue;
        }
        eprintln!("{}", scenario.title);
        let text = run_scenario(&section.project, suite, scenario, quick, &options)?;
        section.add_text(&format!(
            "**{}.** {}\n\n{}",
            scenario.title,
            format_commands(suite, scenario),
            text.trim()
        ));
    }
    section.finish_page(whole)
}

/// Scenarios, then what is not for us.
fn split_args(suite: &Suite, args: &[String]) -> Result<(Vec<String>, Vec<String>)> {
    let first_option = args.iter().position(|arg| arg.starts_with('-')).unwrap_or(args.len());
    let (names, options) = args.split_at(first_option);
    let mut known: Vec<&str> = suite.scenarios.iter().map(|scenario| scenario.name).collect();
    known.dedup();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        bail!(unknown_word("scenario", name, &known));
    }
    Ok((names.to_vec(), options.to_vec()))
}

fn run_scenario(
    project: &Project,
    suite: &Suite,
    scenario: &Scenario,
    quick: bool,
    options: &[String],
) -> Result<String> {
    let cameras = project.own_path("bench/cameras.json");
    let _ = fs::remove_file(&cameras);
    let cameras = format!("cameras.file={}", cameras.display());
    let settings = [&[cameras.as_str()], suite.settings, scenario.settings].concat();
    measure_server(project, "server-bench", &settings, |server| {
        let mut bench = Command::new(generator_path(project));
        if suite.one_core {
            pin_server(server)?;
            bench = Command::new("taskset");
            bench.args(["--cpu-list", OTHER_CORES]).arg(generator_path(project));
        }
        bench.arg(suite.name).args(scenario.args.split(' '));
        if quick {
            bench.args(scenario.quick.split(' '));
        }
        bench.args(options);
        Ok(bench)
    })
}

/// All threads of the server on the first core.
fn pin_server(server: &Server) -> Result<()> {
    if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
        bail!("this needs a core for the server and one for the attackers");
    }
    let mut taskset = Command::new("taskset");
    stdout_of(taskset.args(["--all-tasks", "--cpu-list", "--pid", "0", &server.pid().to_string()]))?;
    Ok(())
}

/// The commands, for the page.
fn format_commands(suite: &Suite, scenario: &Scenario) -> String {
    let settings: Vec<String> = scenario.settings.iter().map(|setting| format!("--set {setting}")).collect();
    let core = if suite.one_core { "taskset -c 0 " } else { "" };
    format!(
        "`sightwire-bench {} {}` against `{core}sightwire serve … {}`",
        suite.name,
        scenario.args,
        settings.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::super::suites::{CAMERAS, RELAY};
    use super::*;

    #[test]
    fn scenarios_are_named_first_and_the_rest_is_the_load_generators() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for suite in [&CAMERAS, &RELAY] {
            let (names, options) = split_args(suite, &words("slow churn --minutes 2")).unwrap();
            assert_eq!((names, options), (words("slow churn"), words("--minutes 2")));
            assert!(split_args(suite, &words("slwo")).unwrap_err().to_string().contains("'slow'"));
        }
    }
}
