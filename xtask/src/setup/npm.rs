//! What npm makes: packages, exactly as the lock files say (npm itself checks their hashes), and the page.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::stamp::Stamp;
use super::{Outcome, Part};
use crate::process;
use crate::project::Project;

/// The packages of one folder with a `package-lock.json`.
pub(super) fn packages(project: &Project, name: &'static str, folder: &str) -> Result<Part> {
    let log = format!("npm-{}", folder.replace('/', "-"));
    let at = project.at(folder);
    let stamp = Stamp::new(project, &log).file(&at.join("package.json"))?;
    let stamp = stamp.file(&at.join("package-lock.json"))?;
    let will = format!("install npm packages into {folder}/node_modules (npm ci)");
    Ok(Part::made(name, will, at.join("node_modules"), stamp, move |project, step| {
        let mut ci = npm(&["ci", "--prefer-offline"], at.clone());
        // The browser tests use the system's Chromium.
        ci.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
        process::must(project, step, &log, &mut ci)?;
        Ok(Outcome::done("installed"))
    }))
}

/// The page (`ui/`), bundled into `ui/dist`, which the server's build embeds.
pub(super) fn page(project: &Project) -> Result<Part> {
    let without = ["node_modules", "dist", "test-results", "coverage", ".vite"];
    // The page contains the JavaScript client's sources.
    let stamp = Stamp::new(project, "page").folder(&project.at("ui"), &without)?;
    let stamp = stamp.folder(&project.at("clients/js/src"), &[])?;
    let will = "build the page into ui/dist (npm run build)".to_owned();
    Ok(Part::made("page", will, project.at("ui/dist/index.html"), stamp, |project, step| {
        process::must(project, step, "page", &mut npm(&["run", "build"], project.at("ui")))?;
        Ok(Outcome::done("built"))
    }))
}

fn npm(args: &[&str], folder: PathBuf) -> Command {
    let mut npm = Command::new("npm");
    npm.args(args).current_dir(folder);
    npm
}
