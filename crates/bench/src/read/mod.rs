//! `sightwire-bench read`: pictures with text, read by servers and by other programs in turn.
//!
//! - [`reader`]: what reads; [`served`]: a server; [`beside`]: another program
//! - [`compare`]: images a second, delays, CPU time, memory; [`memory`]: what a hundred large pages leave behind
//! - [`batch`]: how many files of one come to text

mod batch;
mod beside;
mod compare;
mod memory;
mod reader;
pub(crate) mod served;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use clap::Subcommand;

/// What `--help` says after the options.
pub(crate) const HELP: &str = "\
The pictures and the other reader come from tools/evaluate_text:
  python tools/evaluate_text/pages.py --set benchmark --out pictures
  sightwire-bench read --pictures pictures --server http://127.0.0.1:8000 \\
    --beside 'RapidOCR=python tools/evaluate_text/beside.py'

Readers take turns: each reads all pictures once, then the next one does, and so on, so that whatever else happens on
the machine happens to all. `cargo xtask bench read` starts the servers and does all of it.";

#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Args {
    #[command(flatten)]
    compare: Option<compare::Args>,
    #[command(subcommand)]
    scenario: Option<Scenario>,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// One large page again and again: does memory grow?
    Memory(memory::Args),
    /// One batch: how many of its files come to text?
    Batch(batch::Args),
}

/// A picture in its file format.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    path: PathBuf,
    bytes: Bytes,
}

/// Runs the scenario and prints its table.
pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    match (&args.scenario, &args.compare) {
        (Some(Scenario::Memory(args)), _) => memory::main(args)?,
        (Some(Scenario::Batch(args)), _) => batch::main(args)?,
        (None, Some(args)) => compare::main(args)?,
        (None, None) => bail!("say which pictures: --pictures FOLDER"),
    }
    Ok(ExitCode::SUCCESS)
}

/// All pictures of a folder, by name.
pub(crate) fn read_pictures(folder: &Path) -> Result<Vec<Picture>> {
    let entries = folder.read_dir().with_context(|| format!("look into {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "jpg" || end == "png"));
    paths.sort();
    if paths.is_empty() {
        bail!("no .jpg and no .png in {}", folder.display());
    }
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        Ok(Picture { path, bytes: bytes.into() })
    };
    paths.into_iter().map(read).collect()
}

/// `NAME=VALUE`, or a value that is its own name: an address or a command, which have marks that names have not.
fn split_name(text: &str) -> (&str, &str) {
    match text.split_once('=') {
        Some((name, value)) if !name.contains(['/', '.', '-']) => (name, value),
        _ => (text, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_have_names_and_those_without_are_called_what_they_are() {
        assert_eq!(split_name("Ours f32=http://127.0.0.1:1"), ("Ours f32", "http://127.0.0.1:1"));
        assert_eq!(
            split_name("Other, 2 threads=python x.py --a=b"),
            ("Other, 2 threads", "python x.py --a=b")
        );
        assert_eq!(
            split_name("http://127.0.0.1:1/?a=b"),
            ("http://127.0.0.1:1/?a=b", "http://127.0.0.1:1/?a=b")
        );
        assert_eq!(split_name("python x.py --a=b"), ("python x.py --a=b", "python x.py --a=b"));
    }
}
