//! Python environments below `.sightwire/`, pinned with hashes.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::stamp::Stamp;
use super::{Outcome, Part};
use crate::process;
use crate::progress::Step;
use crate::project::Project;

/// Faces that pages of text are set in: only files of these packages are used, not what they need to run.
const FONTS: &str = "tools/evaluate_text/fonts.txt";

/// The one that the system's packages are made for.
const SYSTEM: &str = "/usr/bin/python3";

/// `.sightwire/venv`: the official client and the linter.
pub(super) fn packages_part(project: &Project) -> Result<Part> {
    const REQUIREMENTS: &str = "e2e/python/requirements.txt";
    let will =
        "install Python packages into .sightwire/venv (pip, hashes checked; 400 MB on disk)".to_owned();
    let (there, stamp) =
        (project.python_program("python"), environment_stamp(project, "python", REQUIREMENTS)?);
    Ok(Part::from_files("python packages", will, there, stamp, |project, step| {
        if !can_be_made("python3") {
            return Ok(Outcome::Without("no python3-venv".into()));
        }
        install_environment(project, step, "venv", REQUIREMENTS)?;
        Ok(Outcome::done("installed"))
    }))
}

/// `.sightwire/kserve-venv`: servers and a client of others that speak `KServe` v2.
pub(super) fn kserve_part(project: &Project) -> Result<Part> {
    const REQUIREMENTS: &str = "e2e/kserve/requirements.txt";
    let will = "install MLServer, Triton and its client into .sightwire/kserve-venv (pip, hashes checked; 500 MB on disk)";
    let there = project.own_path("kserve-venv/bin/python");
    let stamp = Stamp::new(project, "kserve").with_file(&project.join_root(REQUIREMENTS))?.with_word(SYSTEM);
    Ok(Part::from_files("kserve servers", will.to_owned(), there, stamp, |project, step| {
        // Triton brings a Python 3.11 of its own, which has to fit the library of the one that is here: Debian 12's does.
        if !process::command_output(SYSTEM, &["--version"])
            .is_some_and(|version| version.starts_with("Python 3.11."))
        {
            return Ok(Outcome::Without("no Python 3.11 of the system".into()));
        }
        if !can_be_made(SYSTEM) {
            return Ok(Outcome::Without("no python3-venv".into()));
        }
        install_all(project, step, "kserve-venv", SYSTEM, &[(REQUIREMENTS, None)])?;
        Ok(Outcome::done("installed"))
    }))
}

/// Whether all Pythons that make environments can: the one that is found first, and the system's.
pub(super) fn can_all_be_made() -> bool {
    can_be_made("python3") && (!Path::new(SYSTEM).exists() || can_be_made(SYSTEM))
}

/// Whether that Python can make environments: Debian packs apart what that takes.
fn can_be_made(python: &str) -> bool {
    process::command_output(python, &["-c", "import ensurepip, venv"]).is_some()
}

/// What an environment with these requirements and the fonts is made of.
pub(crate) fn environment_stamp(project: &Project, name: &str, requirements: &str) -> Result<Stamp> {
    let stamp = Stamp::new(project, name)
        .with_file(&project.join_root(requirements))?
        .with_file(&project.join_root(FONTS))?;
    // An environment is tied to the interpreter that made it.
    Ok(stamp.with_word(&process::command_output("python3", &["--version"]).unwrap_or_default()))
}

/// Makes the environment `folder` anew, with the fonts.
pub(crate) fn install_environment(
    project: &Project,
    step: &mut Step,
    folder: &str,
    requirements: &str,
) -> Result<()> {
    install_all(project, step, folder, "python3", &[(requirements, None), (FONTS, Some("--no-deps"))])
}

/// Makes the environment `folder` of a Python anew, with what is in these files, each with an option of pip's. Python compiles what is
/// imported, a tenth of what is there.
fn install_all(
    project: &Project,
    step: &mut Step,
    folder: &str,
    python: &str,
    files: &[(&str, Option<&str>)],
) -> Result<()> {
    let venv = project.own_path(folder);
    let mut make = Command::new(python);
    make.args(["-m", "venv", "--clear"]).arg(&venv);
    process::run_required(project, step, folder, &mut make)?;
    for &(file, more) in files {
        let mut pip = Command::new(venv.join("bin/python"));
        pip.args(["-m", "pip", "install", "--no-compile", "--require-hashes", "--requirement", file])
            .args(more)
            .current_dir(project.root());
        process::run_required(project, step, &folder.replace("venv", "pip"), &mut pip)?;
    }
    Ok(())
}
