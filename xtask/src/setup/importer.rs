//! What imports Keras files: TensorFlow in an environment of its own, made by the server itself. Only the full tests need it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::{Outcome, Part, Purpose};
use crate::process;
use crate::progress::Step;
use crate::project::Project;
use crate::stamp::{Fingerprint, Stamp};

/// Keras and TensorFlow for imports, in `.sightwire/home/tools`.
pub(super) struct Importer;

/// Its Python, the newest if there are several.
pub(crate) fn python(project: &Project) -> Option<PathBuf> {
    let entries = project.home().join("tools").read_dir().ok()?;
    let made = |folder: &PathBuf| folder.join("ready").metadata().and_then(|ready| ready.modified()).ok();
    let newest = entries.flatten().map(|entry| entry.path()).max_by_key(made);
    newest.filter(|folder| made(folder).is_some()).map(|folder| folder.join("bin/python"))
}

impl Importer {
    fn stamp(project: &Project) -> Result<Stamp> {
        let fingerprint = Fingerprint::default().file(&project.at("tools/import/requirements.txt"))?;
        Ok(Stamp::new(project, "importer", &fingerprint))
    }
}

impl Part for Importer {
    fn name(&self) -> &'static str {
        "keras importer"
    }

    fn wanted(&self, project: &Project) -> Result<Option<String>> {
        let done = project.home().join("tools").is_dir() && Self::stamp(project)?.matches();
        Ok((!done).then(|| {
            "install TensorFlow into .sightwire/home/tools (pip, hashes checked; 330 MB to download)".into()
        }))
    }

    fn bring(&self, project: &Project, step: &mut Step) -> Result<Outcome> {
        let mut pull = Command::new(Purpose::Full.server(project));
        pull.args(["models", "pull", "importer"])
            .current_dir(project.root())
            .env("SIGHTWIRE_HOME", project.home());
        let made = Self::stamp(project)?.guard(|| process::must(project, step, "importer", &mut pull));
        Ok(match made {
            Ok(_) => Outcome::Done("installed".into()),
            // A machine may have no Python that TensorFlow 2.15 is made for.
            Err(error) => Outcome::Without(format!("tests of imports are skipped: {error}")),
        })
    }
}
