//! ONNX Runtime, the models that tests and the demo need, and what imports Keras files: fetched by the server itself, which
//! knows versions and hashes.

use std::path::PathBuf;

use anyhow::Result;

use super::stamp::Stamp;
use super::{Outcome, Part, Purpose};
use crate::process;
use crate::programs::sightwire_command;
use crate::progress::Step;
use crate::project::Project;

/// `.sightwire/home/runtime`. The server looks whether what is there is the version it wants.
pub(super) fn runtime_part() -> Part {
    Part::new("onnx runtime", runtime_wanted, |project, purpose, step| {
        let there = runtime_wanted(project, purpose).is_none();
        let pulled = pull_model(project, purpose, step, "runtime", "runtime");
        needed_by(purpose, pulled, if there { "in place" } else { "fetched" })
    })
    .always()
}

fn runtime_wanted(project: &Project, _: Purpose) -> Option<String> {
    let there = project.home().join("runtime").read_dir().is_ok_and(|mut entries| entries.next().is_some());
    (!there).then(|| "fetch ONNX Runtime into .sightwire/home (pip, hash checked)".into())
}

/// Of a Python package, like the runtime.
const TEXT_MODEL: &str = "ppocr-v4";

/// `.sightwire/home/models/ppocr-v4`
pub(super) fn text_model() -> Part {
    let wanted = |project: &Project, _| {
        let there = project.home().join("models").join(TEXT_MODEL).is_dir();
        let will = "fetch the model that reads text into .sightwire/home (pip, hash checked; 15 MB)";
        (!there).then(|| will.into())
    };
    Part::new("text model", wanted, |project, purpose, step| {
        needed_by(purpose, pull_model(project, purpose, step, TEXT_MODEL, "text-model"), "fetched")
    })
}

/// `.sightwire/home/trials`: the server would measure at its first start, beside what it serves.
pub(super) fn trials_part(purpose: Purpose) -> Part {
    // Each of their networks is kept in a file.
    let (models, networks): (&[&str], _) = match purpose {
        Purpose::Demo | Purpose::Once => (&["gestures"], 2),
        Purpose::Bench | Purpose::Test | Purpose::Full => (&["gestures", TEXT_MODEL], 5),
    };
    let wanted = move |project: &Project, _| {
        let kept = project.home().join("trials").read_dir().map_or(0, Iterator::count);
        let will = "measure how models run fastest on this machine (a few seconds)";
        (kept < networks).then(|| will.into())
    };
    Part::new("trials", wanted, |project, purpose, step| {
        let measured = models.iter().try_for_each(|model| {
            let mut check = sightwire_command(project, purpose, &["models", "check", model]);
            process::run_required(project, step, "trials", &mut check).map(drop)
        });
        Outcome::or_without(measured, "measured", |error| {
            format!("not measured, so the server will do it: {error:#}")
        })
    })
}

/// `.sightwire/home/tools`: TensorFlow in an environment of its own. Only the full tests need it.
pub(super) fn importer_part(project: &Project) -> Result<Part> {
    let stamp =
        Stamp::new(project, "importer").with_file(&project.join_root("tools/import/requirements.txt"))?;
    let will =
        "install TensorFlow into .sightwire/home/tools (pip, hashes checked; 330 MB to download)".into();
    Ok(Part::from_files("keras importer", will, project.home().join("tools"), stamp, |project, step| {
        let made = pull_model(project, Purpose::Full, step, "importer", "importer");
        // A machine may have no Python that TensorFlow 2.15 is made for.
        Outcome::or_without(made, "installed", |error| format!("tests of imports are skipped: {error}"))
    }))
}

/// The importer's Python, the newest if there are several.
pub(crate) fn importer_python(project: &Project) -> Option<PathBuf> {
    let entries = project.home().join("tools").read_dir().ok()?;
    let made = |folder: &PathBuf| folder.join("ready").metadata().and_then(|ready| ready.modified()).ok();
    let newest = entries.flatten().map(|entry| entry.path()).max_by_key(made);
    newest.filter(|folder| made(folder).is_some()).map(|folder| folder.join("bin/python"))
}

/// A demo shows its pages without it, and they offer it again; measurements and tests need it.
fn needed_by(purpose: Purpose, pulled: Result<()>, done: &str) -> Result<Outcome> {
    if purpose > Purpose::Demo {
        return pulled.map(|()| Outcome::done(done));
    }
    Outcome::or_without(pulled, done, |error| {
        format!("not fetched; the page offers it ({})", process::last_words(&error))
    })
}

fn pull_model(project: &Project, purpose: Purpose, step: &mut Step, what: &str, log: &str) -> Result<()> {
    process::run_required(
        project,
        step,
        log,
        &mut sightwire_command(project, purpose, &["models", "pull", what]),
    )?;
    Ok(())
}
