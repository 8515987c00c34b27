//! All that changes, once a second while somebody looks.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;

use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::camera::CameraTotals;
use crate::literal;
use crate::relay::RelayTotals;
use crate::stream::{EndedStream, Stream, Viewer};

/// A message of the WebSocket `/api/v1/live`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum LiveMessage {
    /// The whole state: the first message, and the first after this client was too slow for a patch.
    Full(Box<LiveFull<Live>>),
    /// What has changed since the message before, once a second.
    Patch(LivePatch),
}

/// A message with the whole state of the server.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "LiveFull")]
pub struct LiveFull<T> {
    /// The state; fields that would be null are left out.
    pub data: T,
    /// Always `full`.
    #[serde(rename = "type")]
    pub kind: FullType,
    /// Number of this state; the next patch has the next number.
    pub version: u64,
}

/// What has changed since the message before.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct LivePatch {
    /// A JSON merge patch (RFC 7386) on the state of the version before.
    pub data: Value,
    /// Always `patch`.
    #[serde(rename = "type")]
    pub kind: PatchType,
    /// Number of the state that the patch leads to; it is for the version before.
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
    /// Streams that this process got and that have ended, by a number that no other one has; for an hour.
    pub ended: BTreeMap<String, EndedStream>,
    /// Whether this client may end streams and send viewers away.
    pub may_manage: bool,
    /// What the server's process takes of the machine.
    pub process: LiveProcess,
    /// Sums over all streams that are sent.
    pub relay: RelayTotals,
    /// Version and uptime of the server.
    pub server: LiveServer,
    /// Cameras that are being read and streams that are sent, by their ids; in a cluster, those of its other processes, too.
    #[schemars(with = "BTreeMap<String, WithoutNulls<Stream>>")]
    pub streams: BTreeMap<String, Stream>,
    /// The server's clock, seconds since 1970.
    pub time: f64,
    /// Everybody who watches a stream at this process now, by id.
    #[schemars(with = "BTreeMap<String, WithoutNulls<Viewer>>")]
    pub viewers: BTreeMap<String, Viewer>,
    /// Why this client may not manage streams and viewers, for people; left out where it may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
}

/// The schema of a type whose fields are left out where they would be null, at all depths.
struct WithoutNulls<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for WithoutNulls<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Live{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let settings = generator.settings().clone().with(|settings| settings.inline_subschemas = true);
        let mut schema = settings.into_generator().into_root_schema_for::<T>();
        schema.remove("title");
        RecursiveTransform(without_nulls).transform(&mut schema);
        schema
    }
}

/// Fields that may be null need not be there.
fn without_nulls(schema: &mut Schema) {
    let is_null = |schema: &Value| schema["type"] == "null";
    let may_be_null = |field: &Value| {
        let types = field["type"].as_array().is_some_and(|types| types.contains(&"null".into()));
        types || field["anyOf"].as_array().is_some_and(|choices| choices.iter().any(is_null))
    };
    let fields = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| {
            name.as_str().and_then(|name| fields.get(name)).is_none_or(|field| !may_be_null(field))
        });
    }
}

/// What the server's process takes of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct LiveProcess {
    /// Open connections on all listening addresses.
    pub connections: usize,
    /// CPU time over the last 3 s; 100 is one core used fully.
    pub cpu_percent: f64,
    /// The most connections at once: `server.max_connections`.
    pub max_connections: usize,
    /// Resident memory (RSS) in bytes.
    pub memory_bytes: u64,
    /// Threads that exist now.
    pub threads: u64,
}

/// Which version of the server runs, and for how long.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct LiveServer {
    /// Seconds since the server started, rounded to whole ones.
    pub uptime_s: f64,
    /// The server's version, such as `0.1.0`.
    pub version: String,
}
