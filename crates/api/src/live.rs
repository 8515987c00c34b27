//! All that changes, once a second while somebody looks.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::camera::CameraTotals;
use crate::literal;
use crate::relay::RelayTotals;
use crate::stream::{Stream, Viewer};

/// A message of the WebSocket `/api/v1/live`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum LiveMessage {
    /// At first, and after a pause.
    Full(Box<LiveFull<Live>>),
    /// Else, where something has changed.
    Patch(LivePatch),
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "LiveFull")]
pub struct LiveFull<T> {
    /// Without what would be null.
    pub data: T,
    /// `full`.
    #[serde(rename = "type")]
    pub kind: FullType,
    /// Counts messages.
    pub version: u64,
}

/// What has changed since the message before.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct LivePatch {
    /// A JSON merge patch (RFC 7386).
    pub data: Value,
    /// `patch`.
    #[serde(rename = "type")]
    pub kind: PatchType,
    /// Counts messages; it is for the version before.
    pub version: u64,
}

literal! {
    /// The type of [`LiveFull`].
    FullType = "full"
}
literal! {
    /// The type of [`LivePatch`].
    PatchType = "patch"
}

/// Everything that can be seen of a server. What would be null is left out, at all depths: in a merge patch null takes
/// away what was there.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Live {
    /// Sums over all cameras and their viewers.
    pub cameras: CameraTotals,
    /// Whether this client may end streams and viewers.
    pub may_manage: bool,
    /// Of the server.
    pub process: LiveProcess,
    /// Sums over all streams that are sent.
    pub relay: RelayTotals,
    /// Which server.
    pub server: LiveServer,
    /// By their ids.
    pub streams: BTreeMap<String, Stream>,
    /// The server's clock, seconds since 1970.
    pub time: f64,
    /// By their ids.
    pub viewers: BTreeMap<String, Viewer>,
    /// Why this client may not, for people; left out where it may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
}

/// Of the server's process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct LiveProcess {
    /// Connections now.
    pub connections: usize,
    /// 100 is one core.
    pub cpu_percent: f64,
    /// `server.max_connections`.
    pub max_connections: usize,
    /// Resident.
    pub memory_bytes: u64,
    /// Now.
    pub threads: u64,
}

/// Which server, and since when it runs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct LiveServer {
    /// Since it began, whole seconds.
    pub uptime_s: f64,
    /// Of the server.
    pub version: String,
}
