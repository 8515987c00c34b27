//! The page (`ui/`), bundled into `ui/dist`, which the server's build embeds.

use std::process::Command;

use anyhow::Result;

use super::{Outcome, Part};
use crate::process;
use crate::progress::Step;
use crate::project::Project;
use crate::stamp::{Fingerprint, Stamp};

/// The bundled page, in `ui/dist`.
pub(super) struct Page;

impl Page {
    fn stamp(project: &Project) -> Result<Stamp> {
        let without = ["node_modules", "dist", "test-results", "coverage", ".vite"];
        // The page contains the JavaScript client's sources.
        let fingerprint = Fingerprint::default()
            .folder(&project.at("ui"), &without)?
            .folder(&project.at("clients/js/src"), &[])?;
        Ok(Stamp::new(project, "page", &fingerprint))
    }
}

impl Part for Page {
    fn name(&self) -> &'static str {
        "page"
    }

    fn wanted(&self, project: &Project) -> Result<Option<String>> {
        let done = project.at("ui/dist/index.html").is_file() && Self::stamp(project)?.matches();
        Ok((!done).then(|| "build the page into ui/dist (npm run build)".into()))
    }

    fn bring(&self, project: &Project, step: &mut Step) -> Result<Outcome> {
        let mut npm = Command::new("npm");
        npm.args(["run", "build"]).current_dir(project.at("ui"));
        Self::stamp(project)?.guard(|| process::must(project, step, "page", &mut npm))?;
        Ok(Outcome::Done("built".into()))
    }
}
