//! `sightwire keys`

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::{Args, Subcommand};
use sightwire_access::record::{NewKey, Records};
use sightwire_access::store::StoreError;
use sightwire_access::{Role, Scope, Use};

use super::{ConfigArgs, Mistake};
use crate::print::{Printer, note, out};

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  sightwire keys add phone --role viewer --streams 'gate-*' --uses cameras,relay --expires 30d
  sightwire keys list
  sightwire keys revoke 1a2b3c4d

A running server takes up changes within a second. Keys are kept in access.json in the store's folder, as hashes.")]
pub(super) enum KeysCommand {
    /// Make a key and print it, once.
    Add(AddArgs),
    /// List keys: what each may do, and until when.
    List(ConfigArgs),
    /// Take a key back; whatever it opened ends within a second.
    Revoke {
        /// Its id, the digits after sw_, or its name.
        #[arg(value_name = "ID|NAME")]
        key: String,
        #[command(flatten)]
        config: ConfigArgs,
    },
}

/// Longer than any machine runs.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// What it is for, in your words [default: its id].
    name: Option<String>,
    /// How much its owner may do: viewer, streamer, operator or admin.
    #[arg(long, value_name = "ROLE", value_parser = parse_role)]
    role: Role,
    #[command(flatten)]
    scope: ScopeArgs,
    /// When it stops to count, for example 12h, 30d or 1y [default: never].
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    expires: Option<Duration>,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Debug, Args)]
pub(super) struct ScopeArgs {
    /// Patterns of streams and cameras, separated by commas; `*` stands for any text [default: all].
    #[arg(long, value_name = "PATTERNS", value_delimiter = ',')]
    streams: Vec<String>,
    /// Only for these, separated by commas: cameras, reading, relay, signs [default: all].
    #[arg(long, value_name = "USES", value_delimiter = ',', value_parser = use_of)]
    uses: Vec<Use>,
}

impl ScopeArgs {
    pub(super) fn scope(&self) -> anyhow::Result<Scope> {
        let scope = Scope::new(self.streams.iter().map(String::as_str), self.uses.iter().copied());
        Ok(scope.map_err(|wrong| Mistake(wrong.into()))?)
    }
}

pub(super) fn parse_role(text: &str) -> anyhow::Result<Role> {
    Ok(text.parse()?)
}

fn use_of(text: &str) -> anyhow::Result<Use> {
    Ok(text.trim().parse()?)
}

fn parse_time(text: &str) -> anyhow::Result<Duration> {
    let time = humantime::parse_duration(text)
        .with_context(|| format!("{text:?} is not a time such as 12h, 30d or 1y"))?;
    ensure!(!time.is_zero(), "it would never count");
    ensure!(time <= LONGEST, "it can count for at most 100y; without --expires it counts for ever");
    Ok(time)
}

pub(super) fn run_keys(command: &KeysCommand, printer: &Printer) -> anyhow::Result<()> {
    match command {
        KeysCommand::Add(args) => add_key(args, printer),
        KeysCommand::List(config) => list_keys(config, printer),
        KeysCommand::Revoke { key, config } => revoke_key(key, config, printer),
    }
}

fn add_key(args: &AddArgs, printer: &Printer) -> anyhow::Result<()> {
    let store = args.config.load_and_say_whose(printer)?.access_store();
    let now = SystemTime::now();
    let expires = args.expires.map(|time| now + time);
    let scope = args.scope.scope()?;
    let wanted = NewKey { name: args.name.clone(), role: args.role, scope: scope.clone(), expires };
    let (key, record) = store.update(|records| Ok::<_, StoreError>(records.add_key(&wanted, now)?))?;
    out!(printer, "key: {}", key.reveal())?;
    note!(
        printer,
        "{} ({}) may {}. Keep the key: it is not shown again.",
        record.id,
        record.name,
        permission_text(record.role, &scope)
    );
    Ok(())
}

fn list_keys(config: &ConfigArgs, printer: &Printer) -> anyhow::Result<()> {
    let store = config.load_and_say_whose(printer)?.access_store();
    let (keys, now) = (store.load()?.keys, SystemTime::now());
    if keys.is_empty() {
        note!(printer, "there are no keys in {}; `sightwire keys add` makes one", store.path().display());
        return Ok(());
    }
    let width = keys.iter().map(|key| key.name.chars().count()).max().unwrap_or(0);
    for key in keys {
        let scope = key.scope().map_err(StoreError::from)?;
        let until = match key.expires {
            _ if key.has_expired(now) => "expired".to_owned(),
            Some(at) => format!("until {}", humantime::format_rfc3339_seconds(at)),
            None => "for ever".to_owned(),
        };
        out!(printer, "{}  {:width$}  {}, {until}", key.id, key.name, permission_text(key.role, &scope))?;
    }
    Ok(())
}

fn revoke_key(key: &str, config: &ConfigArgs, printer: &Printer) -> anyhow::Result<()> {
    let store = config.load_and_say_whose(printer)?.access_store();
    let record = store.update(|records| {
        let id = id_of(records, key)?;
        records.revoke_key(&id).ok_or_else(|| anyhow!("there is no key {id:?}"))
    })?;
    out!(printer, "revoked {} ({})", record.id, record.name)?;
    Ok(())
}

/// The id of the key that is meant: a user who has it at hand may give all of it, and one who named it may give its name, if no other
/// key has the same.
fn id_of(records: &Records, key: &str) -> anyhow::Result<String> {
    let id = key.strip_prefix("sw_").unwrap_or(key);
    let id = id.split_once('_').map_or(id, |(id, _)| id);
    if records.find_key(id).is_some() {
        return Ok(id.to_owned());
    }
    let ids: Vec<&str> =
        records.keys.iter().filter(|record| record.name == key).map(|record| record.id.as_str()).collect();
    match ids[..] {
        [id] => Ok(id.to_owned()),
        [] => {
            // All of a key is a secret, which an error does not repeat.
            let is_id = id.len() == 8 && id.bytes().all(|digit| digit.is_ascii_hexdigit());
            let shown = if is_id { id } else { key };
            bail!("there is no key {shown:?}; `sightwire keys list` shows all")
        }
        _ => bail!("{} keys have the name {key:?}; revoke one by its id: {}", ids.len(), ids.join(", ")),
    }
}

/// What follows "may".
pub(super) fn permission_text(role: Role, scope: &Scope) -> String {
    let role = match role {
        Role::Viewer => "view",
        Role::Streamer => "view and send",
        Role::Operator => "operate",
        Role::Admin => "administer",
    };
    format!("{role} {}, {}", scope.streams_in_words(), scope.uses_in_words())
}
