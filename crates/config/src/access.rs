//! `access.*`: who may do what; and the older keys that say so of single actions.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use sightwire_access::Guard;
use sightwire_access::action::{Act as _, ChangeCameras, EndStreams, GetLibrary, OwnCamera, SwitchModel};
use sightwire_access::keyring::Keyring;
use sightwire_access::legacy::{Legacy, LegacyError};
use sightwire_access::principal::Rules;
use sightwire_access::proxy::{ProxyError, ProxyLogin};
use sightwire_access::scope::ScopeError;
use sightwire_access::store::{Store, StoreError};
use sightwire_access::token::claims::Expected;
use sightwire_access::token::keys::VerifyingKey;
use sightwire_access::token::{self, Settings, Source};
use sightwire_access::{Scope, Use};
use sightwire_api::access::{UnknownRole, UnknownUse};
use toml::Value;

use super::{Access, Config, ConfigError, Values, Who};

/// Bytes of a file with a key, at most.
const MAX_KEY_FILE: u64 = 64 << 10;
/// Keys that say what tokens are verified with; one of them is enough.
const TOKEN_KEYS: [&str; 4] =
    ["access.jwt_secret", "access.jwt_secret_file", "access.jwt_key_file", "access.jwt_jwks"];

pub(super) fn read(r: &Values<'_>) -> Result<Access, ConfigError> {
    let mode = r.text("access.mode").parse();
    let mode = mode.map_err(|wrong| r.invalid("access.mode", &format!("{wrong}")))?;
    Ok(Access { mode, legacy: r.0.legacy().to_vec(), tokens: tokens(r)?, proxy: proxy(r)? })
}

/// What tokens are accepted; none, where no key says what they are verified with.
fn tokens(r: &Values<'_>) -> Result<Option<Settings>, ConfigError> {
    let mut keys = TOKEN_KEYS.into_iter().filter(|key| !r.text(key).is_empty());
    let Some(key) = keys.next() else {
        let unused = ["access.jwt_issuer", "access.jwt_audience"];
        let Some(unused) = unused.into_iter().find(|key| !r.text(key).is_empty()) else { return Ok(None) };
        let reason = format!(
            "no tokens are accepted without a key to verify them; set one of {}",
            TOKEN_KEYS.join(", ")
        );
        return Err(r.invalid(unused, &reason));
    };
    if let Some(other) = keys.next() {
        return Err(r.invalid(
            other,
            &format!("{key} is set, too; tokens are verified with one of them, so take the other away"),
        ));
    }
    let required = |name| {
        let value = r.text(name);
        let reason = format!("tokens are accepted ({key} is set), so it has to say what stands in them");
        if value.is_empty() { Err(r.invalid(name, &reason)) } else { Ok(value) }
    };
    let expected = Expected {
        issuer: required("access.jwt_issuer")?,
        audience: required("access.jwt_audience")?,
        leeway: r.seconds("access.jwt_leeway_s", 0.0, 600.0)?,
        role_claim: required("access.jwt_role_claim")?,
    };
    let wrong = |reason: &dyn ToString| r.invalid(key, &reason.to_string());
    let value = r.text(key);
    let source = match key {
        "access.jwt_jwks" => token::published_at(&value).map_err(|why| wrong(&why))?,
        "access.jwt_secret" => {
            Source::Key(VerifyingKey::secret(value.as_bytes()).map_err(|why| wrong(&why))?)
        }
        _ => {
            let text =
                read_key(Path::new(&value)).map_err(|error| wrong(&format!("it cannot be read: {error}")))?;
            let verifying = if key == "access.jwt_secret_file" {
                VerifyingKey::secret(text.trim_ascii_end())
            } else {
                VerifyingKey::pem(&text)
            };
            Source::Key(verifying.map_err(|why| wrong(&why))?)
        }
    };
    Settings::new(source, expected).map(Some).map_err(|why| wrong(&why))
}

/// A file with a key or a secret.
pub(super) fn read_key(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_KEY_FILE + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_KEY_FILE {
        return Err(io::Error::other(format!("it has more than {MAX_KEY_FILE} bytes")));
    }
    Ok(text)
}

/// Which proxies are believed, if any are.
fn proxy(r: &Values<'_>) -> Result<Option<ProxyLogin>, ConfigError> {
    let (header, networks) = (r.text("access.proxy_header"), r.list("access.proxy_networks")?);
    let role = Some(r.text("access.proxy_role")).filter(|role| role != "none");
    let role = role.map(|role| role.parse()).transpose();
    let role =
        role.map_err(|wrong: UnknownRole| r.invalid("access.proxy_role", &format!("{wrong}, or none")))?;
    if header.is_empty() {
        if networks.is_empty() {
            return Ok(None);
        }
        let reason =
            "no proxy is believed without the header in which it names its users; set access.proxy_header";
        return Err(r.invalid("access.proxy_networks", reason));
    }
    ProxyLogin::new(&header, &networks, role).map(Some).map_err(|why| {
        let name = match &why {
            ProxyError::Header | ProxyError::Taken => "access.proxy_header",
            ProxyError::NoNetworks | ProxyError::Network(_) | ProxyError::Everybody(_) => {
                "access.proxy_networks"
            }
        };
        r.invalid(name, &why.to_string())
    })
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
        let Access { legacy, tokens, proxy, .. } = self.access.clone();
        Ok(guard.with_legacy(legacy).with_tokens(tokens).with_proxy(proxy))
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
