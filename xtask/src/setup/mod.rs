//! Setup: what the project needs on this machine, one file per thing.
//!
//! Each [`Part`] says in words what it would do, or that it is in place. The words of all parts
//! are printed before anything happens. A part that ended well leaves a stamp or a file that makes
//! it "in place" the next time; an interrupted one runs again from its start.

mod apt;
mod binaries;
mod importer;
mod nginx;
mod npm;
mod page;
mod prerequisites;
mod python;
mod runtime;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::prelude::*;

pub(crate) use importer::python as importer;
pub(crate) use tools::{DENY, NEXTEST};

use crate::progress::{End, Step};
use crate::project::Project;
use crate::unknown;

/// What the machine is set up for. Tests need all that the demo needs, and more; the full tests all that tests need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    Demo,
    Test,
    Full,
}

impl Purpose {
    /// The server that is built for it.
    pub(crate) fn server(self, project: &Project) -> PathBuf {
        match self {
            Self::Demo => project.release("sightwire"),
            Self::Test | Self::Full => project.debug("sightwire"),
        }
    }
}

/// How a part ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done(String),
    /// It could not be had, and the rest works without it. Says why, and what is lost.
    Without(String),
}

/// One thing that setup brings.
pub(crate) trait Part: Send + Sync {
    fn name(&self) -> &'static str;

    /// What would be done, as words that follow "will"; `None` when it is in place.
    fn wanted(&self, project: &Project) -> Result<Option<String>>;

    /// Whether it has to be asked every time, because only it knows what is stale.
    fn always(&self) -> bool {
        false
    }

    /// Whether neither the build nor what comes after it needs it: it may be brought at the same time.
    fn is_beside(&self) -> bool {
        false
    }

    /// Does it. Called when it is wanted, or always.
    fn bring(&self, project: &Project, step: &mut Step) -> Result<Outcome>;
}

/// Runs `cargo xtask setup`: brings what is missing for a purpose.
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
    // What only waits for a network is brought while the build keeps the cores busy.
    let mut parts = parts;
    bring_all(project, &[parts.remove(0)])?; // the system's packages, which all others need
    let (beside, main): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| part.is_beside());
    std::thread::scope(|scope| {
        let beside = scope.spawn(|| bring_all(project, &beside));
        let brought = bring_all(project, &main);
        let joined = beside.join().unwrap_or_else(|_| bail!("a thread of setup has panicked"));
        brought.and(joined)
    })
}

fn bring_all(project: &Project, parts: &[Box<dyn Part>]) -> Result<()> {
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
    if purpose >= Purpose::Test {
        parts.push(Box::new(npm::Packages { folder: "clients/js" }));
        parts.push(Box::new(nginx::Nginx));
        parts.push(Box::new(python::Environment));
        parts.push(Box::new(DENY));
        parts.push(Box::new(NEXTEST));
    }
    parts.push(Box::new(page::Page));
    parts.push(Box::new(binaries::Binaries { purpose }));
    parts.push(Box::new(runtime::OnnxRuntime { purpose }));
    parts.push(Box::new(runtime::TextModel { purpose }));
    parts.push(Box::new(runtime::Trials { purpose }));
    if purpose == Purpose::Full {
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
        "full" => Ok(Purpose::Full),
        other => bail!(unknown("purpose", other, &["demo", "test", "full"])),
    }
}
