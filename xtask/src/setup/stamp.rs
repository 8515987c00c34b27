//! Stamps: a file in `.sightwire/stamps` that holds a hash of what a step was made from.
//! A step whose stamp still matches need not run. Written only after the step has ended well,
//! so an interrupted step runs again.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Outcome;
use crate::project::{Project, remove_path};

/// One step's stamp: a hash over names and contents of files. It tells versions apart; it does not protect against anyone:
/// that is what the lock files' own hashes are for.
#[derive(Debug, Clone)]
pub(crate) struct Stamp {
    file: PathBuf,
    hash: DefaultHasher,
}

impl Stamp {
    /// The stamp `name` of a step that is made from nothing yet.
    pub(crate) fn new(project: &Project, name: &str) -> Self {
        Self { file: project.own_path("stamps").join(name), hash: DefaultHasher::new() }
    }

    /// Adds one file under its name.
    pub(crate) fn with_file(mut self, path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("read {}", path.display()))?;
        self.hash.write(path.to_string_lossy().as_bytes());
        self.hash.write_usize(bytes.len());
        self.hash.write(&bytes);
        Ok(self)
    }

    /// Adds any words that matter, such as a version.
    pub(crate) fn with_word(mut self, word: &str) -> Self {
        self.hash.write_usize(word.len());
        self.hash.write(word.as_bytes());
        self
    }

    /// Adds every file below a folder, but for the folders in `without`.
    pub(crate) fn with_folder(mut self, folder: &Path, without: &[&str]) -> Result<Self> {
        let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
        let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_file() {
                self = self.with_file(&path)?;
            } else if path.is_dir() && !without.contains(&name.as_ref()) {
                self = self.with_folder(&path, without)?;
            }
        }
        Ok(self)
    }

    /// Whether the step ended well with these same inputs.
    pub(crate) fn matches(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|text| text == self.text())
    }

    /// Runs the step; the old stamp goes first and the new one comes last, if it was done.
    pub(crate) fn guard(&self, step: impl FnOnce() -> Result<Outcome>) -> Result<Outcome> {
        remove_path(&self.file)?;
        let outcome = step()?;
        if let Outcome::Done(_) = outcome {
            fs::write(&self.file, self.text()).with_context(|| format!("write {}", self.file.display()))?;
        }
        Ok(outcome)
    }

    fn text(&self) -> String {
        format!("{:016x}\n", self.hash.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("xtask-{}-{name}", std::process::id()));
        fs::create_dir_all(folder.join("skipped")).unwrap();
        folder
    }

    fn stamp(folder: &Path) -> Stamp {
        Stamp { file: folder.join("stamp"), hash: DefaultHasher::new() }
    }

    #[test]
    fn a_changed_file_changes_the_stamp_and_a_skipped_folder_does_not() {
        let folder = scratch("files");
        let text = || stamp(&folder).with_folder(&folder, &["skipped"]).unwrap().text();
        fs::write(folder.join("a"), "1").unwrap();
        let before = text();
        fs::write(folder.join("skipped/b"), "1").unwrap();
        assert_eq!(text(), before);
        fs::write(folder.join("a"), "2").unwrap();
        assert_ne!(text(), before);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_step_that_failed_or_was_left_out_leaves_no_stamp() {
        let folder = scratch("stamp");
        let stamp = stamp(&folder);
        for undone in [|| Ok(Outcome::Without("no".into())), || anyhow::bail!("no")] {
            stamp.guard(|| Ok(Outcome::done("yes"))).unwrap();
            assert!(stamp.matches());
            let _ = stamp.guard(undone);
            assert!(!stamp.matches());
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
