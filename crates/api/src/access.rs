//! Who may do what: logging in, keys and users.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much somebody may do; each role may do all that those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
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

/// Body of `POST /api/v1/login`: a name and a password, or a key.
#[derive(Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// A key, instead of name and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// A user's name; upper and lower case are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// That user's password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_s: Option<u64>,
    /// What it is for, 1 to 64 characters; left out, its id is its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How much its owner may do.
    pub role: Role,
    /// Patterns of streams, in which `*` stands for any text; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<String>,
    /// Uses; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<Use>,
}

/// Answer to `POST /api/v1/keys`: the only time that the key is shown.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
pub struct MadeKey {
    /// As others see it from now on.
    pub about: Key,
    /// For its owner.
    pub key: String,
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
    pub name: String,
    /// At least 10 characters.
    pub password: String,
    /// How much they may do.
    pub role: Role,
    /// Patterns of streams, in which `*` stands for any text; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<String>,
    /// Uses; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<Use>,
}
