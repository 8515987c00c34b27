//! What npm makes: packages, exactly as the lock files say (npm itself checks their hashes), and the page.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::stamp::Stamp;
use super::{Outcome, Part};
use crate::process;
use crate::project::Project;

/// The packages of one folder with a `package-lock.json`.
pub(super) fn packages_part(project: &Project, name: &'static str, folder: &str) -> Result<Part> {
    let log = format!("npm-{}", folder.replace('/', "-"));
    let at = project.join_root(folder);
    let stamp = Stamp::new(project, &log).with_file(&at.join("package.json"))?;
    let stamp = stamp.with_file(&at.join("package-lock.json"))?;
    let will = format!("install npm packages into {folder}/node_modules (npm ci)");
    Ok(Part::from_files(name, will, at.join("node_modules"), stamp, move |project, step| {
        let mut ci = npm_command(&["ci", "--prefer-offline"], at.clone());
        // The browser tests use the system's Chromium.
        ci.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
        process::run_required(project, step, &log, &mut ci)?;
        Ok(Outcome::done("installed"))
    }))
}

/// The page (`ui/`), bundled into `ui/dist`, which the server's build embeds.
pub(super) fn page_part(project: &Project) -> Result<Part> {
    let without = ["node_modules", "dist", "test-results", "coverage", ".vite"];
    // The page contains the JavaScript client's sources.
    let stamp = Stamp::new(project, "page").with_folder(&project.join_root("ui"), &without)?;
    let stamp = stamp.with_folder(&project.join_root("clients/js/src"), &[])?;
    let will = "build the page into ui/dist (npm run build)".to_owned();
    Ok(Part::from_files("page", will, project.join_root("ui/dist/index.html"), stamp, |project, step| {
        process::run_required(
            project,
            step,
            "page",
            &mut npm_command(&["run", "build"], project.join_root("ui")),
        )?;
        Ok(Outcome::done("built"))
    }))
}

fn npm_command(args: &[&str], folder: PathBuf) -> Command {
    let mut npm = Command::new("npm");
    npm.args(args).current_dir(folder);
    npm
}
