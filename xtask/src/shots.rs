//! `cargo xtask shots`: the pictures of README and docs, taken of the real pages with generated streams. `e2e/shots/` takes them
//! of the demo's build.

use std::process::{Command, ExitCode};

use anyhow::{Result, ensure};

use crate::process;
use crate::progress::{End, Step};
use crate::project::Project;
use crate::setup::{self, Purpose};

/// Sets up, takes them, and says where they are.
pub(crate) fn run_shots(mut args: lexopt::Parser) -> Result<ExitCode> {
    if let Some(arg) = args.next()? {
        return Err(arg.unexpected().into());
    }
    let project = Project::here()?;
    setup::install_parts(&project, Purpose::Test)?;
    setup::install_parts(&project, Purpose::Bench)?;
    let mut shots = Command::new("node");
    shots
        .arg("shots/take.mjs")
        .current_dir(project.join_root("e2e"))
        .env("SIGHTWIRE_BIN", project.program_path("sightwire"))
        .env("SIGHTWIRE_HOME", project.home());
    let mut step = Step::start("shots");
    let ended = process::run_command(&project, &mut step, "shots", &mut shots, true)?;
    let taken = ended.status.success();
    step.end(if taken { End::Ok } else { End::Failed }, "docs/img/shots, and e2e/shots/structure.json");
    ensure!(taken, "not all pictures were taken; the log says why");
    Ok(ExitCode::SUCCESS)
}
