//! All that changes, once a second while somebody looks.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::camera::CameraTotals;
use crate::relay::RelayTotals;
use crate::stream::{Stream, Viewer};

/// A message of the WebSocket `/api/v1/live`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "LiveMessage")]
pub struct LiveMessage<T> {
    /// Everything, or what has changed since the message before: a JSON merge patch (RFC 7386).
    pub data: T,
    /// Which of the two.
    #[serde(rename = "type")]
    pub kind: LiveKind,
    /// Counts them; a patch is for the version before.
    pub version: u64,
}

/// What a message of `/api/v1/live` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LiveKind {
    /// Everything.
    Full,
    /// What has changed.
    Patch,
}

/// Everything that can be seen of a server. What would be null is left out, at all depths: in a merge patch null takes
/// away what was there.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Live {
    /// Sums over all cameras and their viewers.
    pub cameras: CameraTotals,
    /// Whether this client may end streams and viewers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub may_manage: Option<bool>,
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
