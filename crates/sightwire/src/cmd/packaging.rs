//! What packages have beside the program: completions for shells, and manual pages.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Command, CommandFactory as _};
use clap_complete::Shell;

use super::Cli;
use crate::print::Printer;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sightwire completions bash > ~/.local/share/bash-completion/completions/sightwire
  sightwire completions fish > ~/.config/fish/completions/sightwire.fish

Packages of Debian have put them in place already.")]
pub(super) struct CompletionsArgs {
    /// Which shell: bash, elvish, fish, powershell or zsh.
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManualArgs {
    /// Folder for the pages; it has to be there.
    folder: PathBuf,
}

pub(super) fn write_completions(args: &CompletionsArgs, printer: &Printer) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "sightwire", &mut script);
    Ok(printer.raw(&String::from_utf8_lossy(&script))?)
}

/// A page for the program and one for each of its commands, as `sightwire-keys-add.1`.
pub(super) fn write_manual(args: &ManualArgs) -> anyhow::Result<()> {
    let mut cli = Cli::command().disable_help_subcommand(true);
    // Names commands of commands in full.
    cli.build();
    write_pages(&cli, "sightwire", &args.folder)
}

fn write_pages(command: &Command, name: &str, folder: &Path) -> anyhow::Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).title(name).render(&mut page).context("a page cannot be made")?;
    let path = folder.join(format!("{name}.1"));
    fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
    let visible = command.get_subcommands().filter(|command| !command.is_hide_set());
    visible
        .into_iter()
        .try_for_each(|command| write_pages(command, &format!("{name}-{}", command.get_name()), folder))
}
