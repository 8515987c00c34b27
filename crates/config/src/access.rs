//! `access.*`: who may do what; and the older keys that say so of single actions.

use std::sync::Arc;

use serde::Deserialize;
use sightwire_access::Guard;
use sightwire_access::action::{Act as _, ChangeCameras, EndStreams, GetLibrary, OwnCamera, SwitchModel};
use sightwire_access::keyring::Keyring;
use sightwire_access::legacy::{Legacy, LegacyError};
use sightwire_access::principal::Rules;
use sightwire_access::scope::ScopeError;
use sightwire_access::store::{Store, StoreError};
use sightwire_access::{Scope, Use};
use sightwire_api::access::{UnknownRole, UnknownUse};
use toml::Value;

use super::{Access, Config, ConfigError, Values, Who};

pub(super) fn read(r: &Values<'_>) -> Result<Access, ConfigError> {
    let mode = r.text("access.mode").parse();
    let mode = mode.map_err(|wrong| r.invalid("access.mode", &format!("{wrong}")))?;
    Ok(Access { mode, legacy: r.0.legacy().to_vec() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LegacyTable {
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    networks: Vec<String>,
    role: String,
    #[serde(default)]
    streams: Vec<String>,
    #[serde(default)]
    uses: Vec<String>,
}

/// Why an `[[access.legacy]]` table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LegacyTableError {
    /// A table that is not one of a list.
    #[error("write [[access.legacy]] with two brackets: it is a list")]
    NoList,
    /// A key is missing, of the wrong type, or nothing is called so; the parser's message.
    #[error("{0}")]
    Keys(String),
    /// There is no such role.
    #[error(transparent)]
    Role(#[from] UnknownRole),
    /// There is no such use.
    #[error(transparent)]
    Use(#[from] UnknownUse),
    /// It covers nothing.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// It holds for nobody.
    #[error(transparent)]
    Legacy(#[from] LegacyError),
}

/// Reads the tables; an error comes with the number of its table, from 0.
pub(super) fn legacy(value: Value) -> Result<Vec<Legacy>, (usize, LegacyTableError)> {
    let Value::Array(tables) = value else { return Err((0, LegacyTableError::NoList)) };
    let tables = tables.into_iter().enumerate();
    tables.map(|(index, table)| one(table).map_err(|reason| (index, reason))).collect()
}

fn one(table: Value) -> Result<Legacy, LegacyTableError> {
    let table: LegacyTable = table
        .try_into()
        .map_err(|error: toml::de::Error| LegacyTableError::Keys(error.message().to_owned()))?;
    let uses = table.uses.iter().map(|name| name.parse()).collect::<Result<Vec<Use>, _>>()?;
    let scope = Scope::new(table.streams.iter().map(String::as_str), uses)?;
    Ok(Legacy::new(&table.paths, &table.networks, table.role.parse()?, scope)?)
}

impl Config {
    /// Where keys are kept.
    pub fn access_store(&self) -> Store {
        Store::in_folder(self.store.home())
    }

    /// What tells whose a request is. Reads the keys; an error where they cannot be read, since then nobody can be told from
    /// anybody.
    pub fn guard(&self) -> Result<Guard, StoreError> {
        let rules = Arc::new(self.access_rules());
        let keyring = Keyring::open(self.access_store(), rules.clone())?;
        let guard = Guard::new(self.access.mode, Arc::new(keyring), rules);
        Ok(guard.with_legacy(self.access.legacy.clone()))
    }

    /// What `server.managing`, `cameras.changing` and `recognizer.switching` say, whatever somebody's role is.
    pub fn access_rules(&self) -> Rules {
        let (managing, changing) = (self.server.managing, self.cameras.changing);
        let mut rules = Rules::default();
        for (who, action, key) in [
            (managing, EndStreams::ACTION, "server.managing"),
            (managing, GetLibrary::ACTION, "server.managing"),
            (changing, ChangeCameras::ACTION, "cameras.changing"),
            (changing, OwnCamera::ACTION, "cameras.changing"),
            (self.recognizer.switching, SwitchModel::ACTION, "recognizer.switching"),
        ] {
            match who {
                Who::Local => {}
                Who::Anyone => rules.everyone.push((action.name, key)),
                Who::Nobody => rules.nobody.push((action.name, key)),
            }
        }
        rules
    }
}
