//! `sightwire config`

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;
use sightwire_server::config::{keys, settings};

use crate::print::{Printer, out};

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print a configuration file with every key at its default, or write it.
    Init {
        /// Where to write it; an existing file is left alone.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Print the JSON Schema of a configuration file, for editors.
    Schema,
}

pub(super) fn run_config(command: &ConfigCommand, printer: &Printer) -> anyhow::Result<()> {
    let file = match command {
        ConfigCommand::Init { file } => file,
        ConfigCommand::Schema => {
            let schema = settings::json_schema(keys::SECTIONS);
            return Ok(printer.raw(&format!("{schema:#}\n"))?);
        }
    };
    let text = keys::commented_file();
    let Some(path) = file else {
        return Ok(printer.raw(&text)?);
    };
    let mut out = File::create_new(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            anyhow::anyhow!("{} is already there and was left alone; choose another name", path.display())
        }
        _ => anyhow::anyhow!("cannot write {}: {error}", path.display()),
    })?;
    out.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    out!(printer, "wrote {}; start with `sightwire serve --config {0}`", path.display())?;
    Ok(())
}
