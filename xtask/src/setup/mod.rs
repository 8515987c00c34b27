//! Setup: what the project needs on this machine, one file for each place that it comes from.
//!
//! Each [`Part`] says in words what it would do, or that it is in place. The words of all parts
//! are printed before anything happens. A part that ended well leaves a stamp or a file that makes
//! it "in place" the next time; an interrupted one runs again from its start.

mod apt;
mod binaries;
mod building;
mod models;
mod npm;
mod prerequisites;
pub(crate) mod python;
mod stamp;
mod tools;
mod unpacked;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Error, Result, bail};
use lexopt::prelude::*;

pub(crate) use models::importer_python;
pub(crate) use tools::{AUDITABLE, CYCLONEDX, DEB, DENY, NEXTEST};

use crate::interrupt::Interrupted;
use crate::progress::{End, Step};
use crate::project::Project;
use crate::unknown_word;
use stamp::Stamp;

/// What the machine is set up for. Each needs of the system and its registries what those before it need, and more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// The server's first page, and nothing that it can do without.
    Demo,
    /// The same without a browser: a client plays clips.
    Once,
    /// Benchmarks: all that users run, and the load generator.
    Bench,
    Test,
    /// Also of what guards one corner.
    Full,
}

impl Purpose {
    /// The server that is built for it.
    pub(crate) fn server_program(self, project: &Project) -> PathBuf {
        match self {
            Self::Demo | Self::Once | Self::Bench => project.program_path("sightwire"),
            Self::Test | Self::Full => project.debug_program("sightwire"),
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

impl Outcome {
    pub(crate) fn done(words: &str) -> Self {
        Self::Done(words.to_owned())
    }

    /// Of what one can do without: only an interruption is an error.
    fn or_without(brought: Result<()>, done: &str, why: impl FnOnce(Error) -> String) -> Result<Self> {
        match brought {
            Ok(()) => Ok(Self::done(done)),
            Err(error) if error.is::<Interrupted>() => Err(error),
            Err(error) => Ok(Self::Without(why(error))),
        }
    }
}

/// One thing that setup brings.
struct Part {
    name: &'static str,
    wanted: Box<Wanted>,
    bring: Box<Bring>,
    always: bool,
    beside: bool,
}

/// What would be done, as words that follow "will"; `None` when it is in place.
type Wanted = dyn Fn(&Project, Purpose) -> Option<String> + Send + Sync;
/// Does it. Called when it is wanted, or always.
type Bring = dyn Fn(&Project, Purpose, &mut Step) -> Result<Outcome> + Send + Sync;

impl Part {
    fn new(
        name: &'static str,
        wanted: impl Fn(&Project, Purpose) -> Option<String> + Send + Sync + 'static,
        bring: impl Fn(&Project, Purpose, &mut Step) -> Result<Outcome> + Send + Sync + 'static,
    ) -> Self {
        Self { name, wanted: Box::new(wanted), bring: Box::new(bring), always: false, beside: false }
    }

    /// Something made from files: in place while `there` is and its stamp matches.
    fn from_files(
        name: &'static str,
        will: String,
        there: PathBuf,
        stamp: Stamp,
        make: impl Fn(&Project, &mut Step) -> Result<Outcome> + Send + Sync + 'static,
    ) -> Self {
        let guard = stamp.clone();
        let wanted = move |_: &Project, _| (!(there.exists() && stamp.matches())).then(|| will.clone());
        Self::new(name, wanted, move |project, _, step| guard.guard(|| make(project, step)))
    }

    /// It has to be asked every time, because only it knows what is stale.
    fn always(self) -> Self {
        Self { always: true, ..self }
    }

    /// Neither the build nor what comes after it needs it: it may be brought at the same time.
    fn beside(self) -> Self {
        Self { beside: true, ..self }
    }
}

/// Runs `cargo xtask setup`: brings what is missing for a purpose.
pub(crate) fn run_setup(mut args: lexopt::Parser) -> Result<ExitCode> {
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
        prerequisites::check_versions()?;
        let wanted = describe_wanted(&project, purpose, &list_parts(&project, purpose)?);
        if wanted.is_empty() {
            println!("Everything is in place; setup would do nothing.");
        }
        for words in wanted {
            println!("would {words}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    install_parts(&project, purpose)?;
    Ok(ExitCode::SUCCESS)
}

/// Brings everything that `purpose` needs and that is not in place.
pub(crate) fn install_parts(project: &Project, purpose: Purpose) -> Result<()> {
    let step = Step::start("prerequisites");
    let versions = prerequisites::check_versions()?;
    step.end(End::Ok, &versions);

    let _lock = project.lock()?;
    let mut parts = list_parts(project, purpose)?;
    let wanted = describe_wanted(project, purpose, &parts);
    if !wanted.is_empty() {
        eprintln!("This run will:");
        for words in wanted {
            eprintln!("           - {words}");
        }
    }
    bring_all(project, purpose, &[parts.remove(0)])?; // the system's packages, which all others need
    // What only waits for a network is brought while the build keeps the cores busy.
    let (beside, main): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| part.beside);
    std::thread::scope(|scope| {
        let beside = scope.spawn(|| bring_all(project, purpose, &beside));
        let brought = bring_all(project, purpose, &main);
        let joined = beside.join().unwrap_or_else(|_| bail!("a thread of setup has panicked"));
        brought.and(joined)
    })
}

/// Brings Redis, which a demo of several servers needs beside what every demo does.
pub(crate) fn install_redis(project: &Project) -> Result<()> {
    bring_all(project, Purpose::Test, &[unpacked::redis_part()])
}

/// Whether what nobody but the user can install is there.
pub(crate) fn check_prerequisites() -> Result<()> {
    prerequisites::check_versions().map(drop)
}

/// Brings what packages are made with: they have a build of their own.
pub(crate) fn install_dist(project: &Project) -> Result<()> {
    prerequisites::check_versions()?;
    let _lock = project.lock()?;
    let tools = [AUDITABLE, CYCLONEDX, DEB].map(tools::Tool::part);
    let page = [apt::apt_part(), npm::packages_part(project, "npm in ui/", "ui")?, npm::page_part(project)?];
    bring_all(project, Purpose::Demo, &page)?;
    bring_all(project, Purpose::Demo, &tools)
}

/// For how long [`compile_drawing`] will compile, in words; none where it has been compiled before.
pub(crate) fn drawing_takes(project: &Project) -> Option<String> {
    binaries::drawing_takes(project).map(building::format_left)
}

/// Compiles what draws pages of PDF, AVIF and HEIC, beside a server that runs already. Says so where there was something to do.
pub(crate) fn compile_drawing(project: &Project) -> Result<()> {
    let mut step = Step::start("build of drawing");
    match binaries::build_drawing(project, &mut step) {
        Ok(0) => step.clear_line(),
        Ok(_) => step.end(End::Ok, "PDF, AVIF and HEIC can be read now"),
        Err(error) => {
            step.end(End::from_error(&error), "");
            return Err(error);
        }
    }
    Ok(())
}

fn bring_all(project: &Project, purpose: Purpose, parts: &[Part]) -> Result<()> {
    for part in parts {
        let mut step = Step::start(part.name);
        // Asked again: an earlier part may have brought what this one looks at.
        if !part.always && (part.wanted)(project, purpose).is_none() {
            step.end(End::Ok, "in place");
            continue;
        }
        match (part.bring)(project, purpose, &mut step) {
            Ok(Outcome::Done(words)) => step.end(End::Ok, &words),
            Ok(Outcome::Without(words)) => step.end(End::Skipped, &words),
            Err(error) => {
                step.end(End::from_error(&error), "");
                return Err(error);
            }
        }
    }
    Ok(())
}

/// The parts in the order in which they need each other.
fn list_parts(project: &Project, purpose: Purpose) -> Result<Vec<Part>> {
    let mut parts =
        vec![apt::apt_part(), binaries::crates_part(), npm::packages_part(project, "npm in ui/", "ui")?];
    if purpose >= Purpose::Once {
        parts.push(npm::packages_part(project, "npm in e2e/", "e2e")?.beside());
    }
    if purpose >= Purpose::Test {
        parts.push(npm::packages_part(project, "npm in clients/js/", "clients/js")?.beside());
        let unpacked = [
            unpacked::nginx_part(),
            unpacked::haproxy_part(),
            unpacked::prometheus_part(),
            unpacked::redis_part(),
        ];
        parts.extend(unpacked.map(Part::beside));
        parts.push(python::packages_part(project)?.beside());
        parts.push(python::kserve_part(project)?.beside());
        parts.extend([DENY.part(), NEXTEST.part()].map(Part::beside));
    }
    parts.extend([npm::page_part(project)?, binaries::binaries_part()]);
    parts.extend([models::runtime_part(), models::text_model(), models::trials_part(purpose)]);
    if purpose == Purpose::Full {
        parts.push(models::importer_part(project)?);
    }
    Ok(parts)
}

fn describe_wanted(project: &Project, purpose: Purpose, parts: &[Part]) -> Vec<String> {
    parts.iter().filter_map(|part| (part.wanted)(project, purpose)).collect()
}

fn purpose_named(name: &str) -> Result<Purpose> {
    match name {
        "demo" => Ok(Purpose::Demo),
        "bench" => Ok(Purpose::Bench),
        "test" => Ok(Purpose::Test),
        "full" => Ok(Purpose::Full),
        other => bail!(unknown_word("purpose", other, &["demo", "bench", "test", "full"])),
    }
}
