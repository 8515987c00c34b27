//! The folders of a package: `bin`, `lib/sightwire`, `share`, and what Debian's has beside them. All packages are made from
//! these files, so they have the same ones.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::build::Programs;
use super::{FOLDER, notices, run_program};
use crate::progress::Step;
use crate::project::{Project, remove_path};

/// What comes along, besides the programs: the library that runs models, and the model that reads text.
const MODELS: [&str; 2] = ["runtime", "ppocr-v4"];

pub(super) fn fill_stage(project: &Project, step: &mut Step, programs: &Programs) -> Result<PathBuf> {
    let stage = project.join_root(FOLDER).join("stage");
    remove_path(&stage)?;
    let (bin, lib) = (make_folder(&stage, "bin")?, make_folder(&stage, "lib/sightwire")?);
    // No command for people: the server looks for it there.
    for (program, to) in
        [(&programs.server, bin.join("sightwire")), (&programs.draw, lib.join("sightwire-draw"))]
    {
        fs::copy(program, to).with_context(|| format!("copy {}", program.display()))?;
    }
    let program = &programs.server;
    fetch_library(project, step, program, &lib)?;
    shells_and_manual(project, step, program, &stage)?;
    copy_documents(project, &stage)?;
    notices::write_notices(project, step, &stage.join("share/doc/sightwire/THIRD-PARTY.txt"))?;
    Ok(stage)
}

fn make_folder(stage: &Path, folder: &str) -> Result<PathBuf> {
    let folder = stage.join(folder);
    fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    Ok(folder)
}

/// What the program itself fetches, by version and hash, into a store of its own that is kept for the next time.
fn fetch_library(project: &Project, step: &mut Step, program: &Path, target: &Path) -> Result<()> {
    let home = project.join_root(FOLDER).join("home");
    for model in MODELS {
        let mut pull = Command::new(program);
        pull.args(["models", "pull", model]).current_dir(project.root()).env("SIGHTWIRE_HOME", &home);
        run_program(project, step, "dist-models", &mut pull)?;
    }
    for folder in ["runtime", "models"] {
        copy_folder(&home.join(folder), &target.join(folder))?;
    }
    same_once(target)
}

/// Copies a folder with all that is in it.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("make {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("read {}", from.display()))? {
        let path = entry?.path();
        let target = to.join(path.file_name().context("a file has a name")?);
        if path.is_dir() {
            copy_folder(&path, &target)?;
        } else {
            fs::copy(&path, &target).with_context(|| format!("copy {}", path.display()))?;
        }
    }
    Ok(())
}

/// Libraries are there under their short name, too: of the same files one is kept, and the other becomes a link to it.
fn same_once(folder: &Path) -> Result<()> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { same_once(&path)? } else { paths.push(path) }
    }
    // The longest name first: that is the one with a version.
    paths.sort_by_key(|path| std::cmp::Reverse(path.as_os_str().len()));
    for (at, long) in paths.iter().enumerate() {
        for short in &paths[at + 1..] {
            let same_size = fs::symlink_metadata(short)?.len() == fs::symlink_metadata(long)?.len();
            if long.is_symlink() || short.is_symlink() || !same_size || fs::read(short)? != fs::read(long)? {
                continue;
            }
            remove_path(short)?;
            symlink(long.file_name().context("a file has a name")?, short)?;
        }
    }
    Ok(())
}

/// Where shells look for completions of programs that are installed, by what the program calls the shell.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "share/bash-completion/completions/sightwire"),
    ("zsh", "share/zsh/vendor-completions/_sightwire"),
    ("fish", "share/fish/vendor_completions.d/sightwire.fish"),
];

fn shells_and_manual(project: &Project, step: &mut Step, program: &Path, stage: &Path) -> Result<()> {
    for (shell, file) in COMPLETIONS {
        let said = run_program(
            project,
            step,
            "dist-completions",
            Command::new(program).args(["completions", shell]),
        )?;
        let file = stage.join(file);
        fs::create_dir_all(file.parent().context("a file lies in a folder")?)?;
        fs::write(file, said.output)?;
    }
    let manual = make_folder(stage, "share/man/man1")?;
    run_program(project, step, "dist-manual", Command::new(program).arg("manual").arg(&manual))?;
    let mut pack = Command::new("sh");
    pack.args(["-ec", "gzip -9n *.1"]).current_dir(manual);
    run_program(project, step, "dist-manual", &mut pack).map(drop)
}

/// What people read, and what that links to, each where it lies in the repository.
const DOCUMENTS: [&str; 14] = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "clients/js/README.md",
    "clients/python/README.md",
    "clients/python/examples",
    "crates/api/asyncapi.json",
    "crates/api/openapi.json",
    "deploy",
    "docs",
    "fuzz/README.md",
];

fn copy_documents(project: &Project, stage: &Path) -> Result<()> {
    let target = make_folder(stage, "share/doc/sightwire")?;
    for name in DOCUMENTS {
        let (from, to) = (project.join_root(name), target.join(name));
        if from.is_dir() {
            copy_folder(&from, &to)?;
        } else {
            fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
            fs::copy(from, to).with_context(|| format!("copy {name}"))?;
        }
    }
    fs::copy(project.join_root("deploy/debian/copyright"), target.join("COPYING"))?;
    // What is known of each model.
    copy_texts(&project.join_root("models"), &make_folder(&target, "models")?)
}

/// Copies the Markdown files of a folder.
fn copy_texts(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("read {}", from.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let name = path.file_name().context("a file has a name")?;
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                texts(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }

    #[test]
    fn documents_link_to_what_comes_with_them() {
        let project = Project::here().unwrap();
        let stage = project.target().join(format!("documents-{}", std::process::id()));
        copy_documents(&project, &stage).unwrap();
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        texts(&stage, &mut found);
        for path in &found {
            let text = fs::read_to_string(path).unwrap();
            for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next()) {
                let is_file = !link.is_empty() && !link.contains(':');
                if is_file && !path.parent().unwrap().join(link).exists() {
                    missing.push(format!("{}: {link}", path.strip_prefix(&stage).unwrap().display()));
                }
            }
        }
        remove_path(&stage).unwrap();
        assert!(found.len() > 20, "{found:?}");
        assert!(missing.is_empty(), "{missing:#?}");
    }
}
