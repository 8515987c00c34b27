//! The project's Python environment: the official client and the linter, pinned with hashes.

use std::process::Command;

use anyhow::Result;

use super::{Outcome, Part};
use crate::process;
use crate::progress::Step;
use crate::project::Project;
use crate::stamp::{Fingerprint, Stamp};

const REQUIREMENTS: &str = "e2e/python/requirements.txt";
/// Faces that pages of text are set in: only files of these packages are used, not what they need to run.
const FONTS: &str = "tools/evaluate_text/fonts.txt";

/// The virtual environment of tests and tools, in `.sightwire/venv`.
pub(super) struct Environment;

impl Environment {
    fn stamp(project: &Project) -> Result<Stamp> {
        let mut fingerprint =
            Fingerprint::default().file(&project.at(REQUIREMENTS))?.file(&project.at(FONTS))?;
        // An environment is tied to the interpreter that made it.
        fingerprint = fingerprint.word(&process::ask("python3", &["--version"]).unwrap_or_default());
        Ok(Stamp::new(project, "python", &fingerprint))
    }
}

impl Part for Environment {
    fn name(&self) -> &'static str {
        "python packages"
    }

    fn wanted(&self, project: &Project) -> Result<Option<String>> {
        let done = project.python("python").exists() && Self::stamp(project)?.matches();
        Ok((!done).then(|| {
            "install Python packages into .sightwire/venv (pip, hashes checked; 400 MB on disk)".into()
        }))
    }

    fn is_beside(&self) -> bool {
        true
    }

    fn bring(&self, project: &Project, step: &mut Step) -> Result<Outcome> {
        if process::ask("python3", &["-c", "import ensurepip, venv"]).is_none() {
            return Ok(Outcome::Without("no python3-venv".into()));
        }
        let venv = project.own("venv");
        Self::stamp(project)?.guard(|| {
            let mut make = Command::new("python3");
            make.args(["-m", "venv", "--clear"]).arg(&venv);
            process::must(project, step, "venv", &mut make)?;
            for (file, more) in [(REQUIREMENTS, None), (FONTS, Some("--no-deps"))] {
                let mut pip = Command::new(project.python("python"));
                pip.args(["-m", "pip", "install", "--require-hashes", "--requirement", file])
                    .args(more)
                    .current_dir(project.root());
                process::must(project, step, "pip", &mut pip)?;
            }
            Ok(())
        })?;
        Ok(Outcome::Done("installed".into()))
    }
}
