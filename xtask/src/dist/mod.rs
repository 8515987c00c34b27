//! `cargo xtask dist`: what is given to users, in `dist/`.
//!
//! - [`build`]: the programs, in a profile of their own
//! - [`stage`]: the folders of a package, from which all of them are made
//! - [`notices`]: the terms of everything that is in them
//! - [`packages`]: a Debian package, an archive, lists of what is in them, checksums

mod build;
mod notices;
mod packages;
mod stage;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};
use lexopt::prelude::*;

use crate::progress::{End, Step};
use crate::project::{Project, remove_path};
use crate::setup;
use crate::{process, unknown_word};

/// Where packages are put, below the repository's root.
pub(crate) const FOLDER: &str = "dist";

#[derive(Debug)]
struct Options {
    /// Cargo's profile of the build.
    profile: String,
    /// Version of the Debian package: upgrades are tested with the same code.
    deb_version: Option<String>,
    deb: bool,
    archive: bool,
}

/// Runs `cargo xtask dist`.
pub(crate) fn run_dist(mut args: lexopt::Parser) -> Result<ExitCode> {
    let mut options =
        Options { profile: build::PROFILE.to_owned(), deb_version: None, deb: true, archive: true };
    while let Some(arg) = args.next()? {
        match arg {
            Long("profile") => options.profile = args.value()?.string()?,
            Long("deb-version") => options.deb_version = Some(args.value()?.string()?),
            Long("only") => match &*args.value()?.string()? {
                "deb" => options.archive = false,
                "tar" => options.deb = false,
                other => bail!(unknown_word("package", other, &["deb", "tar"])),
            },
            _ => return Err(arg.unexpected().into()),
        }
    }
    let project = Project::here()?;
    setup::install_dist(&project)?;
    let made = make_packages(&project, &options)?;
    eprintln!();
    for path in made {
        println!("{}", path.strip_prefix(project.root()).unwrap_or(&path).display());
    }
    Ok(ExitCode::SUCCESS)
}

fn make_packages(project: &Project, options: &Options) -> Result<Vec<PathBuf>> {
    let programs = run_step("build", |step| build::build_programs(project, step, &options.profile))?;
    let stage = run_step("files", |step| stage::fill_stage(project, step, &programs))?;
    // What an earlier version left would be taken for this one's.
    let kinds = [
        (options.deb, packages::DEB_END),
        (options.archive, packages::ARCHIVE_END),
        (true, packages::LIST_END),
    ];
    let again: Vec<&str> = kinds.into_iter().filter(|(is_made, _)| *is_made).map(|(_, end)| end).collect();
    for old in packages::list_made(project, &again)? {
        remove_path(&old)?;
    }
    let mut made = Vec::new();
    made.extend(run_step("components", |step| packages::write_components(project, step, &stage))?);
    if options.deb {
        made.push(run_step("deb", |step| packages::make_deb(project, step, options.deb_version.as_deref()))?);
    }
    if options.archive {
        made.push(run_step("tar", |step| packages::make_archive(project, step, &stage))?);
    }
    made.push(run_step("checksums", |step| packages::write_checksums(project, step))?);
    Ok(made)
}

/// One line for what is done.
fn run_step<T>(name: &'static str, work: impl FnOnce(&mut Step) -> Result<T>) -> Result<T> {
    let mut step = Step::start(name);
    let done = work(&mut step);
    step.end(done.as_ref().err().map_or(End::Ok, End::from_error), "");
    done
}

/// When the last commit was made, in seconds: files of packages are of that time, so that the same commit gives the same
/// packages.
fn made_at(project: &Project) -> String {
    project.git(&["log", "-1", "--format=%ct"]).unwrap_or_else(|| "0".to_owned())
}

/// Runs a program whose output is of interest only if it fails.
fn run_program(
    project: &Project,
    step: &mut Step,
    log: &str,
    command: &mut Command,
) -> Result<process::Ended> {
    command.env("SOURCE_DATE_EPOCH", made_at(project));
    process::run_required(project, step, log, command)
}
