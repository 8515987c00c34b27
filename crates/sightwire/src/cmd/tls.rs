//! `sightwire tls`

use std::time::SystemTime;

use anyhow::Context as _;
use clap::Subcommand;
use sightwire_server::config::Config;
use sightwire_server::reach;
use sightwire_tls::authority::Authority;

use super::ConfigArgs;
use crate::owner;
use crate::print::{Printer, note, out};

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  sightwire serve --tls self-signed
  sightwire tls show
  sightwire tls show --pem > sightwire-authority.pem

Whoever trusts the authority trusts this server, at every name and address that the machine has. Devices get its certificate
from https://ADDRESS/login/authority.crt; compare the fingerprint before you trust it.")]
pub(super) enum TlsCommand {
    /// Print the authority's fingerprint; it is made if there is none.
    Show {
        /// Print its certificate in PEM form instead.
        #[arg(long)]
        pem: bool,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Make another authority, for the names that the machine has now. Every device has to trust that one anew.
    Renew(ConfigArgs),
}

pub(super) fn run_tls(command: &TlsCommand, printer: &Printer) -> anyhow::Result<()> {
    match command {
        TlsCommand::Show { pem, config } => show_certificate(*pem, config, printer),
        TlsCommand::Renew(config) => {
            let config_now = config.load_and_say_whose(printer)?;
            owner::refuse_root(config_now.store.home())?;
            let folder = sightwire_tls::authority_folder(config_now.store.home());
            let removed = Authority::remove(&folder);
            removed.with_context(|| format!("cannot remove the authority in {}", folder.display()))?;
            show_certificate(false, config, printer)?;
            note!(printer, "A running server shows it within a second.");
            Ok(())
        }
    }
}

fn show_certificate(pem: bool, config: &ConfigArgs, printer: &Printer) -> anyhow::Result<()> {
    // Other processes may know it by a name of its own.
    let args = config;
    let config = Config::load(&args.flags(&[]))?;
    args.say_whose(&config, printer);
    let names = reach::names_now(&config, config.server.listen.clone())();
    let folder = sightwire_tls::authority_folder(config.store.home());
    // One that is there and holds is only read.
    let now = SystemTime::now();
    let holds =
        Authority::open_kept(&folder).ok().flatten().is_some_and(|kept| now < kept.validity().not_after);
    if !holds {
        owner::refuse_root(config.store.home())?;
    }
    let authority = Authority::open(&folder, &names, now)?;
    if pem {
        out!(printer, "{}", authority.pem().trim_end())?;
        return Ok(());
    }
    let until = humantime::format_rfc3339_seconds(authority.validity().not_after);
    out!(printer, "SHA-256 {}", authority.fingerprint())?;
    note!(printer, "until {until}, in {}", authority.path().display());
    Ok(())
}
