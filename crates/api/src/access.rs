//! Who may do what: logging in, keys and users.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

/// The name of a key or a user: no control characters, and something that is seen.
const NAME: &str =
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";
/// A pattern of streams.
const PATTERN: &str = r"\S";

/// How much somebody may do; each role may do all that those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees streams, what is found in them, and how the server is.
    Viewer,
    /// Sends frames, streams and pictures, and sees what comes of its own.
    Streamer,
    /// Changes cameras and models, ends streams and viewers, sees everybody's batches and the metrics.
    Operator,
    /// Decides who else may do something.
    Admin,
}

/// What the server is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Use {
    /// Cameras, their views, and what is found in them.
    Cameras,
    /// Text in pictures.
    Reading,
    /// Streams that are sent to the server.
    Relay,
    /// Signs and gestures in clients' frames.
    Signs,
}

impl Role {
    /// From the least on.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Streamer, Self::Operator, Self::Admin];

    /// As it is written everywhere.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Streamer => "streamer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// As it follows a verb: `a viewer`.
    pub fn with_article(self) -> &'static str {
        match self {
            Self::Viewer => "a viewer",
            Self::Streamer => "a streamer",
            Self::Operator => "an operator",
            Self::Admin => "an admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No role is called so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no role {0:?}; there are viewer, streamer, operator and admin")]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        let known = Self::ALL.into_iter().find(|role| role.name() == name);
        known.ok_or_else(|| UnknownRole(name.chars().take(40).collect()))
    }
}

impl Use {
    /// By name.
    pub const ALL: [Self; 4] = [Self::Cameras, Self::Reading, Self::Relay, Self::Signs];

    /// As it is written everywhere.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cameras => "cameras",
            Self::Reading => "reading",
            Self::Relay => "relay",
            Self::Signs => "signs",
        }
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No use is called so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no use {0:?}; there are cameras, reading, relay and signs")]
pub struct UnknownUse(String);

impl FromStr for Use {
    type Err = UnknownUse;

    fn from_str(name: &str) -> Result<Self, UnknownUse> {
        let known = Self::ALL.into_iter().find(|one| one.name() == name);
        known.ok_or_else(|| UnknownUse(name.chars().take(40).collect()))
    }
}

/// Body of `POST /api/v1/login`: a name and a password, a key, or what a link has in it.
#[derive(Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = login_ways()))]
pub struct Login {
    /// A key, instead of name and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What follows `#link=` in a link that logs in once, instead of name and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// A user's name; upper and lower case are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// That user's password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// The three ways of logging in: which fields hold a text then; the others are left out or null.
fn login_ways() -> Value {
    let way = |given: &[&str]| {
        let field = |name: &&str| {
            (name.to_string(), json!({ "type": if given.contains(name) { "string" } else { "null" } }))
        };
        let fields: Map<String, Value> = ["key", "link", "name", "password"].iter().map(field).collect();
        json!({ "properties": fields, "required": given })
    };
    json!([way(&["key"]), way(&["link"]), way(&["name", "password"])])
}

/// Answer to `GET /api/v1/session` and to logging in: who asks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Session {
    /// What a request that changes something sends as `X-CSRF-Token`; null without a session.
    pub csrf: Option<String>,
    /// Who that is, for people; null where nobody is known.
    pub name: Option<String>,
    /// How much may be done; null where nobody is known.
    pub role: Option<Role>,
    /// Whether the stream of the parameter `stream` may be watched; left out where none was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sees: Option<bool>,
    /// Patterns of the streams that may be seen; empty for all.
    pub streams: Vec<String>,
    /// What it is for; empty for all.
    pub uses: Vec<Use>,
}

/// A key, without what only its owner has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Key {
    /// When it was made, RFC 3339.
    pub created: String,
    /// Whether its time is over.
    pub expired: bool,
    /// When it expires, RFC 3339; null for never.
    pub expires: Option<String>,
    /// What it is revoked by.
    pub id: String,
    /// What it is for, in its maker's words.
    pub name: String,
    /// How much its owner may do.
    pub role: Role,
    /// Patterns of streams; empty for all.
    pub streams: Vec<String>,
    /// Uses; empty for all.
    pub uses: Vec<Use>,
}

/// Answer to `GET /api/v1/keys`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Keys {
    /// In the order in which they were made.
    pub keys: Vec<Key>,
}

/// Body of `POST /api/v1/keys`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// Seconds after which it expires; left out for never.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3_153_600_000_u64))]
    pub expires_s: Option<u64>,
    /// What it is for, 1 to 64 characters; left out, its id is its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = NAME))]
    pub name: Option<String>,
    /// How much its owner may do.
    pub role: Role,
    /// Patterns of streams, in which `*` stands for any text; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 200), regex(pattern = PATTERN)))]
    pub streams: Vec<String>,
    /// Uses; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<Use>,
}

/// A whole number, however it is written: to JSON, 60 and 60.0 are one.
fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let number = Option::<f64>::deserialize(from)?;
    let whole = |number: f64| {
        let is_whole = number.fract() == 0.0 && (0.0..=1e15).contains(&number);
        if is_whole { Ok(number as u64) } else { Err(D::Error::custom("no whole number from 0 to 1e15")) }
    };
    number.map(whole).transpose()
}

/// Answer to `POST /api/v1/keys`: the only time that the key is shown.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
pub struct MadeKey {
    /// As others see it from now on.
    pub about: Key,
    /// For its owner.
    pub key: String,
}

/// Answer to `POST /api/v1/login-links`: a link that logs one device in, once.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
pub struct LoginLink {
    /// The key that the device is logged in with; it ends with this key.
    pub about: Key,
    /// Seconds for which the link works.
    pub expires_in_s: u64,
    /// The link as a QR code: an SVG document, dark on white.
    pub svg: String,
    /// The link.
    pub url: String,
    /// Whether other machines can open it: false where the server listens on this machine alone.
    pub others_reach_it: bool,
}

/// Answer to `GET /api/v1/tls`: how connections are encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Tls {
    /// The server's own authority; null where connections are not encrypted, or the certificate is somebody else's.
    pub authority: Option<Authority>,
    /// When the certificate expires, RFC 3339; null where connections are not encrypted.
    pub expires: Option<String>,
    /// How connections are encrypted.
    pub mode: TlsMode,
    /// Names and addresses in the certificate.
    pub names: Vec<String>,
}

/// How connections are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// They are not.
    Off,
    /// With a certificate of the server's own authority.
    SelfSigned,
    /// With a certificate from files.
    Files,
}

/// The server's own certificate authority.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Authority {
    /// Path of its certificate, for devices that are to trust it.
    pub download: String,
    /// When it expires, RFC 3339.
    pub expires: String,
    /// SHA-256 of its certificate, `AB:CD:…`.
    pub fingerprint: String,
}

/// Somebody who logs in with a password.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct User {
    /// When they were added, RFC 3339.
    pub created: String,
    /// What they log in with.
    pub name: String,
    /// How much they may do.
    pub role: Role,
    /// Patterns of streams; empty for all.
    pub streams: Vec<String>,
    /// Uses; empty for all.
    pub uses: Vec<Use>,
}

/// Answer to `GET /api/v1/users`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Users {
    /// In the order in which they were added.
    pub users: Vec<User>,
}

/// Body of `POST /api/v1/users`.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// What they log in with, 1 to 64 characters.
    #[schemars(length(min = 1, max = 64), regex(pattern = NAME))]
    pub name: String,
    /// At least 10 characters.
    #[schemars(length(min = 10, max = 1024))]
    pub password: String,
    /// How much they may do.
    pub role: Role,
    /// Patterns of streams, in which `*` stands for any text; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 200), regex(pattern = PATTERN)))]
    pub streams: Vec<String>,
    /// Uses; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<Use>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_is_above_those_before_it_and_a_wrong_name_is_said() {
        assert!(Role::ALL.is_sorted());
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
        }
        let error = "root".parse::<Role>().unwrap_err().to_string();
        assert!(error.contains("\"root\"") && error.contains("operator"), "{error}");
    }

    #[test]
    fn seconds_are_whole_however_they_are_written() {
        let read = |seconds: &str| {
            serde_json::from_str::<NewKey>(&format!(r#"{{"role":"viewer","expires_s":{seconds}}}"#))
        };
        for seconds in ["60", "60.0", "6e1"] {
            assert_eq!(read(seconds).unwrap().expires_s, Some(60), "{seconds}");
        }
        assert_eq!(read("null").unwrap().expires_s, None);
        for wrong in ["-1", "0.5", "1e300", "true", "\"60\""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn uses_are_read_as_they_are_written() {
        for one in Use::ALL {
            assert_eq!(one.name().parse(), Ok(one));
        }
        assert!("camera".parse::<Use>().unwrap_err().to_string().contains("\"camera\""));
    }
}
