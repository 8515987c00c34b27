//! The terms of everything that a package contains besides our own code: crates, and the page's npm packages. Each text
//! stands once, with what it belongs to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::build::PACKAGES;
use super::run_program;
use crate::programs::{cargo_command, list_packages};
use crate::progress::Step;
use crate::project::Project;

/// Files with terms begin so.
const NAMES: [&str; 6] = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE", "README.IJG"];
/// Crates with the source of somebody else in a folder of theirs, whose terms hold for it.
const WITHIN: [(&str, &str); 2] = [("turbojpeg-sys ", "libjpeg-turbo"), ("tikv-jemalloc-sys ", "jemalloc")];

/// One crate or npm package.
#[derive(Debug)]
struct Component {
    name: String,
    /// SPDX expression.
    terms: String,
    folder: PathBuf,
}

pub(super) fn write_notices(project: &Project, step: &mut Step, file: &Path) -> Result<()> {
    let mut components = list_crates(project, step)?;
    components.extend(npm_packages(project, step)?);
    ensure!(!components.is_empty(), "no components were found");
    // A text, and what it stands for.
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut without = String::new();
    for component in &components {
        let mut own = texts_of(&component.folder)?;
        for (_, folder) in WITHIN.iter().filter(|(name, _)| component.name.starts_with(name)) {
            let texts = texts_of(&component.folder.join(folder))?;
            ensure!(!texts.is_empty(), "{} has no terms in {folder} any more", component.name);
            own.extend(texts);
        }
        if own.is_empty() {
            writeln!(without, "{}: {}", component.name, component.terms)?;
        }
        for text in own {
            texts.entry(text).or_default().insert(format!("{} ({})", component.name, component.terms));
        }
    }
    let mut all = String::from(
        "What Sightwire contains of others, and under which terms. Of several that are to be chosen from (OR), any holds.\n",
    );
    if !without.is_empty() {
        write!(all, "\nThese name their terms and have no text of them:\n\n{without}")?;
    }
    for (text, names) in texts {
        let names: Vec<String> = names.into_iter().collect();
        write!(all, "\n{}\n{}\n\n{}\n", "-".repeat(80), names.join(", "), text.trim())?;
    }
    fs::write(file, all).with_context(|| format!("write {}", file.display()))
}

/// Files with terms in a folder, without differences that only spaces make.
fn texts_of(folder: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        if path.is_file() && NAMES.iter().any(|begin| name.starts_with(begin)) {
            let text = String::from_utf8_lossy(&fs::read(&path)?).replace('\r', "");
            texts.push(text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n"));
        }
    }
    Ok(texts)
}

/// What the programs are compiled from on this system, without what only builds or tests need.
fn list_crates(project: &Project, step: &mut Step) -> Result<Vec<Component>> {
    let mut tree = cargo_command(project, &["tree", "--locked"]);
    tree.args(PACKAGES).args(["--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    let tree = run_program(project, step, "dist-tree", &mut tree)?;
    let used: BTreeSet<(&str, &str)> = tree.output.lines().filter_map(name_and_version).collect();
    let packages = list_packages(project, &["--locked"])?;
    let of_others = packages.iter().filter(|package| !package["source"].is_null());
    let components = of_others.filter_map(|package| {
        let [name, version, manifest] =
            ["name", "version", "manifest_path"].map(|field| package[field].as_str());
        let (name, version) = (name?, version?);
        used.contains(&(name, version)).then(|| Component {
            name: format!("{name} {version}"),
            terms: package["license"].as_str().unwrap_or("see its text").to_owned(),
            folder: Path::new(manifest.unwrap_or_default()).parent().unwrap_or(Path::new("")).to_owned(),
        })
    });
    Ok(components.collect())
}

/// Of a line such as `bytes v1.11.0`, which may go on.
fn name_and_version(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace();
    Some((words.next()?, words.next()?.strip_prefix('v')?))
}

/// What the page is bundled from.
fn npm_packages(project: &Project, step: &mut Step) -> Result<Vec<Component>> {
    let mut list = Command::new("npm");
    list.args(["ls", "--all", "--omit=dev", "--parseable"]).current_dir(project.join_root("ui"));
    let list = run_program(project, step, "dist-npm", &mut list)?;
    let mut components = Vec::new();
    // The first one is the page itself.
    for folder in
        list.output.lines().skip(1).map(PathBuf::from).filter(|folder| folder.join("package.json").is_file())
    {
        let manifest: Value = serde_json::from_slice(&fs::read(folder.join("package.json"))?)?;
        let field = |name: &str| manifest[name].as_str().unwrap_or("unknown").to_owned();
        components.push(Component {
            name: format!("{} {}", field("name"), field("version")),
            terms: field("license"),
            folder,
        });
    }
    Ok(components)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_tree_name_a_crate_and_its_version() {
        assert_eq!(name_and_version("bytes v1.11.0"), Some(("bytes", "1.11.0")));
        assert_eq!(name_and_version("serde_derive v1.0.2 (proc-macro) (*)"), Some(("serde_derive", "1.0.2")));
        assert_eq!(name_and_version(""), None);
    }
}
