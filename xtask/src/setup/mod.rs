//! Setup: what the project needs on this machine, one file per thing.
//!
//! Each [`Part`] says in words what it would do, or that it is in place. The words of all parts
//! are printed before anything happens. A part that ended well leaves a stamp or a file that makes
//! it "in place" the next time; an interrupted one runs again from its start.

mod apt;
mod binaries;
mod deny;
mod importer;
mod npm;
mod page;
mod prerequisites;
mod python;
mod runtime;

use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::prelude::*;

pub(crate) use apt::missing as missing_programs;
pub(crate) use deny::program as cargo_deny;
pub(crate) use importer::python as importer;

use crate::progress::{End, Step};
use crate::project::Project;
use crate::unknown;

/// What the machine is set up for. Tests need all that the demo needs, and more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Demo,
    Test,
}

/// How a part ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done(String),
    /// It could not be had, and the rest works without it. Says why, and what is lost.
    Without(String),
}

/// One thing that setup brings.
pub(crate) trait Part {
    fn name(&self) -> &'static str;

    /// What would be done, as words that follow "will"; `None` when it is in place.
    fn wanted(&self, project: &Project) -> Result<Option<String>>;

    /// Whether it has to be asked every time, because only it knows what is stale.
    fn always(&self) -> bool {
        false
    }

    /// Does it. Called when it is wanted, or always.
    fn bring(&self, project: &Project, step: &mut Step) -> Result<Outcome>;
}

/// `cargo xtask setup`
pub(crate) fn command(mut args: lexopt::Parser) -> Result<ExitCode> {
    let mut purpose = Purpose::Test;
    let mut dry_run = false;
    while let Some(arg) = args.next()? {
        match arg {
            Long("for") => purpose = purpose_named(&args.value()?.to_string_lossy())?,
            Long("dry-run") => dry_run = true,
            _ => return Err(arg.unexpected().into()),
        }
    }
    let project = Project::here()?;
    if dry_run {
        prerequisites::check()?;
        let wanted = wanted(&project, &parts(purpose))?;
        if wanted.is_empty() {
            println!("Everything is in place; setup would do nothing.");
        }
        for words in wanted {
            println!("would {words}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    run(&project, purpose)?;
    Ok(ExitCode::SUCCESS)
}

/// Brings everything that `purpose` needs and that is not in place.
pub(crate) fn run(project: &Project, purpose: Purpose) -> Result<()> {
    let step = Step::start("prerequisites");
    let versions = prerequisites::check()?;
    step.end(End::Ok, &versions);

    let _lock = project.lock()?;
    let parts = parts(purpose);
    let wanted = wanted(project, &parts)?;
    if !wanted.is_empty() {
        eprintln!("This run will:");
        for words in wanted {
            eprintln!("           - {words}");
        }
    }
    for part in parts {
        let mut step = Step::start(part.name());
        // Asked again: an earlier part may have brought what this one looks at.
        if !part.always() && part.wanted(project)?.is_none() {
            step.end(End::Ok, "in place");
            continue;
        }
        match part.bring(project, &mut step) {
            Ok(Outcome::Done(words)) => step.end(End::Ok, &words),
            Ok(Outcome::Without(words)) => step.end(End::Skipped, &words),
            Err(error) => {
                step.end(End::of(&error), "");
                return Err(error);
            }
        }
    }
    Ok(())
}

/// The parts in the order in which they need each other.
fn parts(purpose: Purpose) -> Vec<Box<dyn Part>> {
    let mut parts: Vec<Box<dyn Part>> = vec![Box::new(apt::Packages { purpose })];
    parts.push(Box::new(npm::Packages { folder: "ui" }));
    parts.push(Box::new(npm::Packages { folder: "e2e" }));
    if purpose == Purpose::Test {
        parts.push(Box::new(npm::Packages { folder: "clients/js" }));
        parts.push(Box::new(python::Environment));
        parts.push(Box::new(deny::CargoDeny));
    }
    parts.push(Box::new(page::Page));
    parts.push(Box::new(binaries::Binaries { purpose }));
    parts.push(Box::new(runtime::OnnxRuntime));
    parts.push(Box::new(runtime::TextModel));
    parts.push(Box::new(runtime::Trials { purpose }));
    if purpose == Purpose::Test {
        parts.push(Box::new(importer::Importer));
    }
    parts
}

fn wanted(project: &Project, parts: &[Box<dyn Part>]) -> Result<Vec<String>> {
    parts.iter().filter_map(|part| part.wanted(project).transpose()).collect()
}

fn purpose_named(name: &str) -> Result<Purpose> {
    match name {
        "demo" => Ok(Purpose::Demo),
        "test" => Ok(Purpose::Test),
        other => bail!(unknown("purpose", other, &["demo", "test"])),
    }
}
