//! `access.*`: who may do what; and what is read of who says so.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use sightwire_api::access::{Role, UnknownRole, UnknownUse};
use sightwire_settings::layers::Entry;
use sightwire_settings::{ConfigError, Effect, Field, Kind, Section, Table, Values, section};
use toml::Value;

use crate::guard::Mode;
use crate::legacy::{Legacy, LegacyError};
use crate::proxy::{ProxyError, ProxyLogin};
use crate::scope::ScopeError;
use crate::token::claims::Expected;
use crate::token::keys::VerifyingKey;
use crate::token::{self, Settings, Source};
use crate::{Scope, Use};

/// Bytes of a file with a key, at most.
const MAX_KEY_FILE: u64 = 64 << 10;

/// Who needs what to come in.
#[derive(Clone, Debug)]
pub struct Access {
    /// Who needs a key.
    pub mode: Mode,
    /// Clients that need no key.
    pub legacy: Vec<Legacy>,
    /// Which tokens of others are accepted.
    pub tokens: Option<Settings>,
    /// Which proxies say who asks.
    pub proxy: Option<ProxyLogin>,
}

section! {
    /// As it is configured.
    struct AccessKeys: "access" {
        /// Who needs a key: auto (everybody but those on this machine, who ask for `localhost` or a loopback address
        /// through no proxy), protected (everybody) or open (nobody). A proxy on this machine that adds no
        /// X-Forwarded-For cannot be told from somebody on it: use protected behind one.
        mode: Mode = key("mode", Word(&["auto", "protected", "open"]), "auto"), parse |mode: String| mode.parse::<Mode>();
        /// Secret, of at least 32 bytes, that tokens of others (JWT) are signed with by HS256. It is never shown;
        /// better keep it in a file (`access.jwt_secret_file`) or in the environment. With this key, or one of the next
        /// three, tokens count as keys do; without them, none does.
        jwt_secret: String = key("jwt_secret", Text, "").secret();
        /// File with that secret; spaces and line breaks at its end do not count. It is read at the start.
        jwt_secret_file: Option<PathBuf> = key("jwt_secret_file", Path, "");
        /// File with a public key in PEM form (`-----BEGIN PUBLIC KEY-----`): tokens are signed by RS256, ES256 or
        /// EdDSA with the private key that belongs to it, as its kind says. It is read at the start.
        jwt_key_file: Option<PathBuf> = key("jwt_key_file", Path, "");
        /// Address of the keys that the issuer of tokens publishes (JWKS): https, or http on this machine. They are
        /// fetched every hour, and when a token names one that is not among them, but not within 30 s. While the issuer
        /// cannot be reached, the last ones count.
        jwt_jwks: String = key("jwt_jwks", Text, "");
        /// Who issues tokens: what their claim `iss` has to be. Required as soon as tokens count.
        jwt_issuer: String = key("jwt_issuer", Text, "");
        /// What tokens are issued for: what their claim `aud` has to be, or has to have in its list. Required as soon
        /// as tokens count.
        jwt_audience: String = key("jwt_audience", Text, "");
        /// Seconds by which the clocks of the issuer and this server may differ: for so long a token still opens
        /// something after it has expired, and already before it counts. What it opened before it expired ends then.
        jwt_leeway: Duration = key("jwt_leeway_s", Seconds(0.0, 600.0), 60.0);
        /// Claim of tokens that has the role of its owner, or a list from which the highest role counts (what is no
        /// role is ignored). Dots lead into objects: `realm_access.roles`. A token without a role is refused.
        jwt_role_claim: String = key("jwt_role_claim", Text, "role");
        /// Header in which a reverse proxy that users log in at says their name, such as `X-Forwarded-User` or
        /// `Remote-User`. Empty: no proxy does. The proxy has to remove it from what others send.
        proxy_header: String = key("proxy_header", Text, "");
        /// Addresses or networks of the proxies whose `access.proxy_header` is believed; whoever else sends it is not.
        /// Required with it. Whoever comes from there without it needs a key, also on this machine.
        proxy_networks: Vec<String> = key("proxy_networks", List, []);
        /// Role of users whom such a proxy lets in and who are not in the store; with none they are not let in. Who is
        /// there (`sightwire users add NAME`) has the role and the scope from there, and the role here after being
        /// removed.
        proxy_role: Option<Role> = key("proxy_role", Word(&["none", "viewer", "streamer", "operator", "admin"]), "viewer"), parse |name: String| parse_role(&name);
    }
}

/// Clients that cannot send a key.
pub static LEGACY: Table = Table {
    name: "access.legacy",
    shown: "[[access.legacy]]",
    effect: Effect::Restart,
    example: r#"
# Clients that cannot send a key, by where they come from and what they ask for; as many such tables as are needed.
# `streams` and `uses` limit them as those of a key do.
# [[access.legacy]]
# paths = ["/socket.io/*"]
# networks = ["192.168.1.0/24"]
# role = "streamer"
"#,
    fields: &[
        Field::new("paths", Kind::List),
        Field::new("networks", Kind::List),
        Field::new("role", Kind::Text),
        Field::new("streams", Kind::List),
        Field::new("uses", Kind::List),
    ],
};

/// The keys of access, and its tables.
pub static ACCESS: Section = Section::new("access", AccessKeys::KEYS).with_tables(&[&LEGACY]);

impl Access {
    /// As these values say.
    pub fn read(values: Values<'_>) -> Result<Self, ConfigError> {
        let keys = AccessKeys::read(values)?;
        Ok(Self {
            mode: keys.mode,
            legacy: read_legacy(values)?,
            tokens: read_tokens(values, &keys)?,
            proxy: read_proxy(values, keys)?,
        })
    }
}

fn parse_role(name: &str) -> Result<Option<Role>, String> {
    if name == "none" {
        return Ok(None);
    }
    name.parse().map(Some).map_err(|wrong: UnknownRole| format!("{wrong}, or none"))
}

/// What tokens are accepted; none, where no key says what they are verified with.
fn read_tokens(values: Values<'_>, keys: &AccessKeys) -> Result<Option<Settings>, ConfigError> {
    // One of them is enough.
    let verified_with = [
        ("access.jwt_secret", !keys.jwt_secret.is_empty()),
        ("access.jwt_secret_file", keys.jwt_secret_file.is_some()),
        ("access.jwt_key_file", keys.jwt_key_file.is_some()),
        ("access.jwt_jwks", !keys.jwt_jwks.is_empty()),
    ];
    let mut set = verified_with.iter().filter(|(_, is_set)| *is_set).map(|(name, _)| *name);
    let Some(key) = set.next() else {
        let unused = [("access.jwt_issuer", &keys.jwt_issuer), ("access.jwt_audience", &keys.jwt_audience)];
        let Some((unused, _)) = unused.into_iter().find(|(_, value)| !value.is_empty()) else {
            return Ok(None);
        };
        let reason = format!(
            "no tokens are accepted without a key to verify them; set one of {}",
            verified_with.map(|(name, _)| name).join(", ")
        );
        return Err(values.invalid(unused, &reason));
    };
    if let Some(other) = set.next() {
        return Err(values.invalid(
            other,
            &format!("{key} is set, too; tokens are verified with one of them, so take the other away"),
        ));
    }
    let required = |name, value: &str| {
        let reason = format!("tokens are accepted ({key} is set), so it has to say what stands in them");
        if value.is_empty() { Err(values.invalid(name, &reason)) } else { Ok(value.to_owned()) }
    };
    let expected = Expected {
        issuer: required("access.jwt_issuer", &keys.jwt_issuer)?,
        audience: required("access.jwt_audience", &keys.jwt_audience)?,
        leeway: keys.jwt_leeway,
        role_claim: required("access.jwt_role_claim", &keys.jwt_role_claim)?,
    };
    let wrong = |reason: &dyn ToString| values.invalid(key, &reason.to_string());
    let read = |path: &Path| read_key(path).map_err(|error| wrong(&format!("it cannot be read: {error}")));
    let verifying = |key: Result<VerifyingKey, _>| key.map(Source::Key).map_err(|why| wrong(&why));
    let source = match (&keys.jwt_secret_file, &keys.jwt_key_file) {
        (Some(file), _) => verifying(VerifyingKey::from_secret(read(file)?.trim_ascii_end()))?,
        (_, Some(file)) => verifying(VerifyingKey::from_pem(&read(file)?))?,
        _ if keys.jwt_jwks.is_empty() => verifying(VerifyingKey::from_secret(keys.jwt_secret.as_bytes()))?,
        _ => token::published_at(&keys.jwt_jwks).map_err(|why| wrong(&why))?,
    };
    Settings::new(source, expected).map(Some).map_err(|why| wrong(&why))
}

/// A file with a key or a secret, as it is; an error where it is long.
pub fn read_key(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_KEY_FILE + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_KEY_FILE {
        return Err(io::Error::other(format!("it has more than {MAX_KEY_FILE} bytes")));
    }
    Ok(text)
}

/// Which proxies are believed, if any are.
fn read_proxy(values: Values<'_>, keys: AccessKeys) -> Result<Option<ProxyLogin>, ConfigError> {
    let (header, networks) = (keys.proxy_header, keys.proxy_networks);
    if header.is_empty() {
        if networks.is_empty() {
            return Ok(None);
        }
        let reason =
            "no proxy is believed without the header in which it names its users; set access.proxy_header";
        return Err(values.invalid("access.proxy_networks", reason));
    }
    ProxyLogin::new(&header, &networks, keys.proxy_role).map(Some).map_err(|why| {
        let name = match &why {
            ProxyError::Header | ProxyError::Taken => "access.proxy_header",
            ProxyError::NoNetworks | ProxyError::Network(_) | ProxyError::Everybody(_) => {
                "access.proxy_networks"
            }
        };
        values.invalid(name, &why.to_string())
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
    /// A key is missing; the parser's message. Keys that there are not, and values of another type, are found before.
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

fn read_legacy(values: Values<'_>) -> Result<Vec<Legacy>, ConfigError> {
    let read = |entry: &Entry| {
        parse_legacy(entry.value.clone()).map_err(|reason| Values::invalid_table(&LEGACY, entry, &reason))
    };
    values.tables(&LEGACY).iter().map(read).collect()
}

fn parse_legacy(table: Value) -> Result<Legacy, LegacyTableError> {
    let table: LegacyTable = table
        .try_into()
        .map_err(|error: toml::de::Error| LegacyTableError::Keys(error.message().to_owned()))?;
    let uses = table.uses.iter().map(|name| name.parse()).collect::<Result<Vec<Use>, _>>()?;
    let scope = Scope::new(table.streams.iter().map(String::as_str), uses)?;
    Ok(Legacy::new(&table.paths, &table.networks, table.role.parse()?, scope)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_is_declared_is_read_and_no_other() {
        let other = Value::Table([("other".to_owned(), 1.into())].into_iter().collect());
        let read = other.try_into::<LegacyTable>().err().unwrap().message().to_owned();
        let names = LEGACY.fields.iter().map(|field| format!("`{}`", field.name)).collect::<Vec<_>>();
        assert_eq!(read, format!("unknown field `other`, expected one of {}", names.join(", ")));
    }
}
