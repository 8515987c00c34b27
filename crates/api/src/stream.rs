//! Streams, what is analysed and shown of them, and who watches.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Quantiles, literal, null_too};

/// `GET /api/v1/streams`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Streams {
    /// Cameras that are being read, and streams that are sent.
    pub streams: Vec<Stream>,
}

/// What a stream does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StreamState {
    /// No picture has come yet.
    #[default]
    Starting,
    /// Pictures come.
    Running,
    /// No picture has come for several times the usual interval.
    Stalled,
    /// Pictures come, and they are all the same.
    Frozen,
    /// It is over.
    Ended,
    /// Of a newer server.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// Where a stream comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StreamKind {
    /// The server reads it.
    #[default]
    Camera,
    /// A sender brings it.
    Relay,
}

/// How closely the sender of a stream wants it to be looked at, where a viewer asks for that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AnalysisMode {
    /// A few pictures per second: `relay.normal_fps`.
    #[default]
    Normal,
    /// More of them: `relay.enhanced_fps`.
    Enhanced,
}

impl AnalysisMode {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Enhanced => "enhanced",
        }
    }
}

/// As what a sender's pictures come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RelayProtocol {
    /// JSON with a data URL.
    Text,
    /// A header and a JPEG.
    Binary,
}

/// A stream: a camera that is being read, or one that is sent.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Stream {
    /// What models look for in it; empty while nobody asks.
    pub analyses: Vec<Analysis>,
    /// Of a sender: messages that were no pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bad: Option<u64>,
    /// Pictures of a camera that could not be read.
    pub broken: u64,
    /// Of its pictures so far.
    pub bytes: u64,
    /// To all its viewers.
    pub bytes_out_per_s: f64,
    /// From its source.
    pub bytes_per_s: f64,
    /// How often the camera was connected to.
    pub connects: u64,
    /// From a picture's arrival to a viewer's socket; null without viewers.
    pub delay_ms: Option<Quantiles>,
    /// Pictures that its viewers got, so far.
    pub delivered: u64,
    /// Of a sender: pictures over `relay.max_fps`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
    /// Pictures per second that come.
    pub fps: f64,
    /// Pictures per second to all its viewers.
    pub fps_out: f64,
    /// Of its pictures, px.
    pub height: Option<u32>,
    /// In paths.
    pub id: String,
    /// Where it comes from.
    pub kind: StreamKind,
    /// Since the newest picture came.
    pub last_picture_age_s: Option<f64>,
    /// Pictures per hundred that its viewers were too slow for, over the last 2 s.
    pub lost_percent: f64,
    /// Pictures that its viewers were too slow for, so far.
    pub missed: u64,
    /// Of a sender: how closely it wants to be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<AnalysisMode>,
    /// For people.
    pub name: String,
    /// Of a sender: its address; null where a proxy did not give it.
    #[serde(default, deserialize_with = "null_too", skip_serializing_if = "Option::is_none")]
    pub peer: Option<Option<String>>,
    /// That came so far.
    pub pictures: u64,
    /// Of a sender: as what its pictures come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<RelayProtocol>,
    /// Why it is in this state, for people. While it is starting, one says that it has failed at least once.
    pub reason: Option<String>,
    /// All that came from its source, so far.
    pub received_bytes: u64,
    /// For how long it has been in this state.
    pub since_s: f64,
    /// Bytes of a camera that belonged to no picture.
    pub skipped_bytes: u64,
    /// Far fewer pictures come than usual.
    pub slow: Option<Slow>,
    /// What it does.
    pub state: StreamState,
    /// Of a camera, without its password.
    pub url: Option<String>,
    /// Who watches it; only where it is asked for on its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub viewer_list: Option<Vec<Viewer>>,
    /// How many watch it.
    pub viewers: usize,
    /// Of its pictures, px.
    pub width: Option<u32>,
    /// Parts of a camera whose length was not as announced.
    pub wrong_lengths: u64,
}

/// Far fewer pictures come than usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Slow {
    /// Pictures per second now.
    pub fps: f64,
    /// Pictures per second as a rule.
    pub usual_fps: f64,
}

/// What a model makes of a stream, once for all who watch it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Analysis {
    /// Pictures per second that the model looks at.
    pub analysed_per_s: f64,
    /// From a picture's arrival, by stage.
    pub delay_ms: StageDelays,
    /// Pictures that could not be analysed, so far.
    pub failed: u64,
    /// Pictures per second that are asked for.
    pub fps: u8,
    /// Pictures per second that come out, looked at or not.
    pub frames_per_s: f64,
    /// Name of the model.
    pub model: String,
    /// How many of each label are in the newest picture.
    pub objects: BTreeMap<String, usize>,
    /// Number format of the network.
    pub precision: Option<String>,
    /// Why it finds nothing, for people.
    pub problem: Option<String>,
    /// Execution provider of the network: `cpu`, `openvino`, `cuda`.
    pub provider: Option<String>,
    /// The model looks at one picture of so many.
    pub skip_frames: u64,
    /// Pictures that are drawn of it.
    pub views: Vec<View>,
}

/// From a picture's arrival to the end of each stage; null where that stage is not in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct StageDelays {
    /// Its pixels are there.
    pub decoded: Option<Quantiles>,
    /// It is a JPEG again, with what was found drawn in.
    pub encoded: Option<Quantiles>,
    /// The model has looked at it.
    pub inferred: Option<Quantiles>,
}

/// What is drawn into pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ViewKind {
    /// Boxes.
    #[default]
    Detect,
    /// Boxes that keep their number.
    Tracking,
}

/// Pictures with boxes, drawn and encoded once for all who asked for the same.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct View {
    /// The only labels that are drawn; null: all.
    pub classes: Option<Vec<String>>,
    /// What the model is less sure of is not drawn; 0 to 1.
    pub confidence: f64,
    /// Pictures per second that were asked for.
    pub fps: u8,
    /// Pictures per second that are drawn.
    pub frames_per_s: f64,
    /// What is drawn.
    pub kind: ViewKind,
    /// Names are drawn at the boxes.
    pub labels: bool,
    /// Of its JPEGs.
    pub quality: u8,
    /// Counts are drawn in a corner.
    pub stats: bool,
    /// Where objects came from is drawn.
    pub trails: bool,
    /// How many watch it.
    pub viewers: usize,
}

/// How a viewer gets what it watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ViewerKind {
    /// `multipart/x-mixed-replace`.
    #[default]
    Mjpeg,
    /// Detections as Server-Sent Events.
    Events,
    /// Detections, or pictures as text, over a WebSocket.
    Websocket,
    /// Many streams over a WebSocket, as text.
    Relay,
    /// Many streams over a WebSocket, as binary messages.
    RelayBinary,
}

literal! {
    /// Pictures go out as they came.
    OriginalQuality = "original"
}

/// As what a viewer gets its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum PictureQuality {
    /// As they came.
    Original(OriginalQuality),
    /// Encoded anew with this JPEG quality, since it was too slow; the lowest, where its streams differ.
    Jpeg(u8),
}

impl Default for PictureQuality {
    fn default() -> Self {
        Self::Original(OriginalQuality::OriginalQuality)
    }
}

/// Somebody who watches one stream or several.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Viewer {
    /// Of pictures that it got, so far.
    pub bytes: u64,
    /// Of pictures that it gets.
    pub bytes_per_s: f64,
    /// Over a WebSocket of the relay: it loses a picture that it does not take within this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<f64>,
    /// Pictures that it got, so far.
    pub delivered: u64,
    /// The path that it asked for.
    pub endpoint: String,
    /// Pictures per second that it gets.
    pub fps: f64,
    /// In `DELETE /api/v1/viewers/{id}`.
    pub id: u64,
    /// How it gets them.
    pub kind: ViewerKind,
    /// Pictures per hundred that it was too slow for, over the last 2 s.
    pub lost_percent: f64,
    /// Pictures that it was too slow for, so far.
    pub missed: u64,
    /// Its address; null where a proxy did not give it.
    pub peer: Option<String>,
    /// As what it gets its pictures.
    pub quality: PictureQuality,
    /// Over a WebSocket of the relay: from a ping to its pong; null before the first.
    #[serde(default, deserialize_with = "null_too", skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<Option<f64>>,
    /// Since it came.
    pub since_s: f64,
    /// Ids of the streams that it watches.
    pub streams: Vec<String>,
    /// Over a WebSocket of the relay: how long it takes to take a picture, smoothed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_ms: Option<f64>,
}

/// `GET /api/v1/viewers`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Viewers {
    /// All who watch.
    pub viewers: Vec<Viewer>,
}
