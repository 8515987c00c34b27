//! Which files differ from a commit, and what has to be checked for each.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::programs::list_packages;
use crate::project::Project;

/// The OpenAPI document, of which TypeScript is made.
const MESSAGES: &str = "crates/api/openapi.json";
/// Files outside of a crate that it compiles in, or that its tests read.
const READ_BY: [(&str, &[&str]); 6] = [
    ("crates/infer/tests/street.rs", &["xtask"]),
    ("docs/architecture.md", &["xtask"]),
    ("docs/benchmarks/", &["xtask"]),
    ("docs/config.md", &["sightwire-server"]),
    ("models/", &["sightwire", "sightwire-import", "sightwire-models"]),
    ("tools/import/", &["sightwire-import"]),
];
/// Files that all crates are built with.
const OF_ALL_CRATES: [&str; 6] =
    ["Cargo.toml", "Cargo.lock", "clippy.toml", "rustfmt.toml", ".cargo/config.toml", ".config/nextest.toml"];

/// A crate of the workspace.
#[derive(Debug)]
pub(super) struct Crate {
    pub(super) name: String,
    /// Of its `Cargo.toml`, from the root: `crates/hub/`.
    folder: String,
    /// The crates that it is made of, as far as they are ours.
    uses: Vec<String>,
}

/// What a set of changed files has to do with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Touched {
    pub(super) crates: BTreeSet<String>,
    /// Those that directly use them.
    pub(super) users: BTreeSet<String>,
    pub(super) ui: Vec<String>,
    pub(super) client_js: Vec<String>,
    pub(super) e2e: Vec<String>,
    pub(super) python: Vec<String>,
    /// What TypeScript is made of.
    pub(super) messages: bool,
    /// What we build on has changed, or what it may be.
    pub(super) dependencies: bool,
    /// Files that nothing here looks at.
    pub(super) unknown: Vec<String>,
}

/// The files that differ from `base`, those that are gone and those that git does not know yet among them.
pub(super) fn changed_files(project: &Project, base: &str) -> Result<Vec<String>> {
    let git = |args: &[&str]| project.git(args).with_context(|| format!("`git {}` failed", args.join(" ")));
    // Without renames a moved file is both: one that is gone and a new one.
    let changed = git(&["diff", "--name-only", "--no-renames", base, "--"])?;
    let new = git(&["ls-files", "--others", "--exclude-standard"])?;
    Ok(changed.lines().chain(new.lines()).map(str::to_owned).collect())
}

/// The crates of the workspace, as `cargo metadata` lists them.
pub(super) fn workspace_crates(project: &Project) -> Result<Vec<Crate>> {
    let packages = list_packages(project, &["--no-deps", "--offline"])?;
    let root = format!("{}/", project.root().display());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let crates = packages.iter().map(|package| Crate {
        name: text(&package["name"]),
        folder: text(&package["manifest_path"])
            .trim_start_matches(&root)
            .trim_end_matches("Cargo.toml")
            .to_owned(),
        uses: package["dependencies"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|dependency| dependency["path"].is_string())
            .map(|dependency| text(&dependency["name"]))
            .collect(),
    });
    Ok(crates.collect())
}

impl Touched {
    /// What these files have to do with.
    pub(super) fn from_files(files: &[String], crates: &[Crate]) -> Self {
        let mut touched = Self::default();
        for file in files {
            touched.add_file(file, crates);
        }
        let is_used = |other: &&Crate| other.uses.iter().any(|name| touched.crates.contains(name));
        let users = crates.iter().filter(is_used).map(|other| other.name.clone());
        touched.users = users.filter(|name| !touched.crates.contains(name)).collect();
        touched
    }

    fn add_file(&mut self, file: &str, crates: &[Crate]) {
        let ends = |ends: &[&str]| ends.iter().any(|end| file.ends_with(end));
        let mut known = true;
        self.messages |= file == MESSAGES;
        if let Some(home) = crates.iter().find(|home| file.starts_with(&home.folder)) {
            self.crates.insert(home.name.clone());
        } else if OF_ALL_CRATES.contains(&file) {
            self.crates.extend(crates.iter().map(|each| each.name.clone()));
        } else if file.starts_with("ui/") {
            self.ui.push(file.to_owned());
        } else if file.starts_with("clients/js/") {
            self.client_js.push(file.to_owned());
        } else if file.starts_with("e2e/") && ends(&[".mjs", ".ts", ".json", ".md"]) {
            self.e2e.push(file.to_owned());
        } else if ends(&[".py"]) {
            self.python.push(file.to_owned());
        } else {
            known = false;
        }
        for (path, readers) in READ_BY {
            if file.starts_with(path) {
                self.crates.extend(readers.iter().map(|&name| name.to_owned()));
                known = true;
            }
        }
        if ends(&["Cargo.lock", "Cargo.toml", "deny.toml"]) {
            self.dependencies = true;
            known = true;
        }
        if !known {
            self.unknown.push(file.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touched(files: &[&str]) -> Touched {
        let a_crate = |name: &str, folder: &str, uses: &[&str]| Crate {
            name: name.into(),
            folder: folder.into(),
            uses: uses.iter().map(|&name| name.to_owned()).collect(),
        };
        let crates = [
            a_crate("hub", "crates/hub/", &[]),
            a_crate("live", "crates/live/", &["hub"]),
            a_crate("server", "crates/server/", &["live"]),
            a_crate("xtask", "xtask/", &[]),
        ];
        let files: Vec<String> = files.iter().map(|&file| file.to_owned()).collect();
        Touched::from_files(&files, &crates)
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn a_file_of_a_crate_touches_it_and_those_that_use_it() {
        let one = touched(&["crates/hub/src/slot.rs"]);
        assert_eq!((one.crates, one.users), (set(&["hub"]), set(&["live"])));
        let two = touched(&["crates/hub/src/slot.rs", "crates/live/tests/a.rs"]);
        assert_eq!((two.crates, two.users), (set(&["hub", "live"]), set(&["server"])));
        let all = touched(&["Cargo.toml"]);
        assert_eq!((all.crates.len(), all.users, all.dependencies), (4, set(&[]), true));
    }

    #[test]
    fn files_outside_of_a_crate_touch_those_that_read_them() {
        let models = touched(&["models/head.onnx", "docs/architecture.md", "docs/config.md"]);
        assert!(models.crates.is_superset(&set(&["sightwire-models", "sightwire-server", "xtask"])));
        assert_eq!(models.unknown, [""; 0]);
        assert!(touched(&["crates/api/openapi.json"]).messages && !models.messages);
        let script = touched(&["tools/import/split.py"]);
        assert_eq!((script.crates, script.python.len()), (set(&["sightwire-import"]), 1));
    }

    #[test]
    fn each_language_has_its_own_list_and_what_is_in_none_is_named() {
        let rest =
            touched(&["ui/src/a.tsx", "clients/js/src/b.ts", "e2e/js/c.mjs", "e2e/python/d.py", "README.md"]);
        assert_eq!(
            (rest.ui, rest.client_js, rest.e2e),
            (
                vec!["ui/src/a.tsx".to_owned()],
                vec!["clients/js/src/b.ts".to_owned()],
                vec!["e2e/js/c.mjs".to_owned()],
            )
        );
        assert_eq!((rest.python.len(), rest.unknown), (1, vec!["README.md".to_owned()]));
    }
}
