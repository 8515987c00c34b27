//! `sightwire users`

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use sightwire_access::Role;
use sightwire_access::password;
use sightwire_access::record::NewUser;
use sightwire_access::store::StoreError;

use super::keys::{ScopeArgs, parse_role, permission_text};
use super::{ConfigArgs, Mistake, first_line, first_line_of};
use crate::print::{Printer, note, out};

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  sightwire users add anna --role operator
  sightwire users add wall --role viewer --streams 'gate-*' --password-file /run/secrets/wall
  sightwire users list
  sightwire users remove anna

A running server takes up changes within a second. Users are kept in access.json in the store's
folder, with hashes of their passwords.")]
pub(super) enum UsersCommand {
    /// Add somebody who logs in with a password.
    Add(AddArgs),
    /// List users and what each may do.
    List(ConfigArgs),
    /// Remove a user; whatever they opened ends within a second.
    Remove {
        /// Their name.
        name: String,
        #[command(flatten)]
        config: ConfigArgs,
    },
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// What they log in with.
    name: String,
    /// How much they may do: viewer, streamer, operator or admin.
    #[arg(long, value_name = "ROLE", value_parser = parse_role)]
    role: Role,
    #[command(flatten)]
    scope: ScopeArgs,
    /// File with the password in its first line [default: it is asked for].
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn run_users(command: &UsersCommand, printer: &Printer) -> anyhow::Result<()> {
    match command {
        UsersCommand::Add(args) => add_user(args, printer),
        UsersCommand::List(config) => list_users(config, printer),
        UsersCommand::Remove { name, config } => remove_user(name, config, printer),
    }
}

fn add_user(args: &AddArgs, printer: &Printer) -> anyhow::Result<()> {
    let store = args.config.load_and_say_whose(printer)?.access_store();
    let scope = args.scope.scope()?;
    let password = read_password(args)?;
    let password = password::hash(&password).map_err(|wrong| {
        let file = args.password_file.as_ref().map(|file| format!("{}: ", file.display()));
        Mistake(format!("{}{wrong}", file.unwrap_or_default()).into())
    })?;
    let wanted = NewUser { name: args.name.clone(), role: args.role, scope: scope.clone(), password };
    let name = store
        .update(|records| Ok::<_, StoreError>(records.add_user(wanted, SystemTime::now())?.name.clone()))?;
    out!(printer, "added {name}")?;
    note!(printer, "{name} may {}, and logs in at /login", permission_text(args.role, &scope));
    Ok(())
}

fn read_password(args: &AddArgs) -> anyhow::Result<String> {
    if let Some(file) = &args.password_file {
        return first_line_of(file);
    }
    if !io::stdin().is_terminal() {
        return Ok(first_line(&io::read_to_string(io::stdin()).context("cannot read the password")?));
    }
    let password = rpassword::prompt_password(format!("Password of {}: ", args.name));
    let password = password.context("cannot read the password")?;
    let again = rpassword::prompt_password("Once more: ").context("cannot read the password")?;
    if password != again {
        bail!("the two passwords are not the same");
    }
    Ok(password)
}

fn list_users(config: &ConfigArgs, printer: &Printer) -> anyhow::Result<()> {
    let store = config.load_and_say_whose(printer)?.access_store();
    let users = store.load()?.users;
    if users.is_empty() {
        note!(printer, "there are no users in {}; `sightwire users add` adds one", store.path().display());
        return Ok(());
    }
    let width = users.iter().map(|user| user.name.chars().count()).max().unwrap_or(0);
    for user in users {
        let scope = user.scope().map_err(StoreError::from)?;
        let since = humantime::format_rfc3339_seconds(user.created);
        out!(printer, "{:width$}  {}, since {since}", user.name, permission_text(user.role, &scope))?;
    }
    Ok(())
}

fn remove_user(name: &str, config: &ConfigArgs, printer: &Printer) -> anyhow::Result<()> {
    let store = config.load_and_say_whose(printer)?.access_store();
    let Some(user) = store.update(|records| Ok::<_, StoreError>(records.remove_user(name)))? else {
        bail!("there is no user {name:?}; `sightwire users list` shows all");
    };
    out!(printer, "removed {}", user.name)?;
    Ok(())
}
