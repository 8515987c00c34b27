//! npm packages, exactly as the lock file says; npm itself checks their hashes.

use std::process::Command;

use anyhow::Result;

use super::{Outcome, Part};
use crate::process;
use crate::progress::Step;
use crate::project::Project;
use crate::stamp::{Fingerprint, Stamp};

/// The packages of one folder with a `package-lock.json`.
pub(super) struct Packages {
    pub(super) folder: &'static str,
}

impl Packages {
    fn stamp(&self, project: &Project) -> Result<Stamp> {
        let folder = project.at(self.folder);
        let fingerprint = Fingerprint::default()
            .file(&folder.join("package.json"))?
            .file(&folder.join("package-lock.json"))?;
        Ok(Stamp::new(project, &self.log(), &fingerprint))
    }

    fn log(&self) -> String {
        format!("npm-{}", self.folder.replace('/', "-"))
    }
}

impl Part for Packages {
    fn name(&self) -> &'static str {
        match self.folder {
            "ui" => "npm in ui/",
            "e2e" => "npm in e2e/",
            _ => "npm in clients/js/",
        }
    }

    fn wanted(&self, project: &Project) -> Result<Option<String>> {
        let there = project.at(self.folder).join("node_modules").is_dir();
        let done = there && self.stamp(project)?.matches();
        Ok((!done).then(|| format!("install npm packages into {}/node_modules (npm ci)", self.folder)))
    }

    fn is_beside(&self) -> bool {
        // The page is in the server.
        self.folder != "ui"
    }

    fn bring(&self, project: &Project, step: &mut Step) -> Result<Outcome> {
        let mut npm = Command::new("npm");
        // The browser tests use the system's Chromium.
        npm.arg("ci").current_dir(project.at(self.folder)).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
        self.stamp(project)?.guard(|| process::must(project, step, &self.log(), &mut npm))?;
        Ok(Outcome::Done("installed".into()))
    }
}
