//! Messages of the relay's WebSockets: JSON texts. Pictures may be binary messages instead; docs/protocol.md has their
//! header.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::detect::Detection;
use crate::literal;
use crate::stream::{AnalysisMode, StreamKind, StreamState};

literal! {
    /// The type of [`Connected`].
    ConnectedType = "connected"
}
literal! {
    /// The type of [`RelayError`].
    ErrorType = "error"
}
literal! {
    /// The type of [`Warning`].
    WarningType = "warning"
}
literal! {
    /// The type of [`Ping`].
    PingType = "ping"
}
literal! {
    /// The type of [`Pong`].
    PongType = "pong"
}
literal! {
    /// The type of [`StreamStats`].
    StatsType = "stream_stats"
}
literal! {
    /// The type of [`ViewerConnected`].
    ViewerConnectedType = "viewer_connected"
}
literal! {
    /// The type of [`LiveFrame`].
    LiveFrameType = "live_frame"
}
literal! {
    /// The type of [`StreamEnded`].
    EndedType = "stream_ended"
}
literal! {
    /// The type of [`StreamStateMessage`].
    StateType = "stream_state"
}
literal! {
    /// The type of [`OverlayData`].
    OverlayType = "overlay_data"
}
literal! {
    /// The type of [`SentFrame`].
    FrameType = "frame"
}

/// The first message of a sender. What says neither means normal.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct SenderHello {
    /// How closely its pictures are to be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis_mode: Option<AnalysisMode>,
    /// Of old senders: one that is not empty means enhanced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitoring_conditions: Option<Vec<Value>>,
}

/// A picture of a sender.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct SentFrame {
    /// `frame`.
    #[serde(rename = "type")]
    pub kind: FrameType,
    /// A data URL; it goes to viewers as it came.
    pub frame: String,
}

/// What a sender says.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum FromSender {
    /// A picture.
    Frame(SentFrame),
    /// Is the server there?
    Ping(ClientPing),
    /// It is.
    Pong(ClientPong),
    /// Before all else.
    Hello(SenderHello),
}

/// What a viewer may say.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum FromViewer {
    /// Is the server there?
    Ping(ClientPing),
    /// It is.
    Pong(ClientPong),
}

/// Asks the server for a sign of life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ClientPing {
    /// `ping`.
    #[serde(rename = "type")]
    pub kind: PingType,
}

/// Answers a ping of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ClientPong {
    /// `pong`.
    #[serde(rename = "type")]
    pub kind: PongType,
}

/// What a sender is told.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ToSender {
    /// It may begin.
    Connected(Connected),
    /// Why its stream ends.
    Error(RelayError),
    /// What will go wrong.
    Warning(Warning),
    /// Is it there?
    Ping(Ping),
    /// The server is.
    Pong(Pong),
    /// With `sightwire.v1`: what has become of its pictures.
    Stats(StreamStats),
}

/// What a viewer is told.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ToViewer {
    /// At once.
    Connected(ViewerConnected),
    /// A picture.
    Frame(LiveFrame),
    /// With `overlays=1`: what is in a picture.
    Overlay(OverlayData),
    /// With `sightwire.v1`: a stream is in another state now.
    State(StreamStateMessage),
    /// A stream is over.
    Ended(StreamEnded),
    /// Is it there?
    Ping(Ping),
    /// The server is.
    Pong(Pong),
    /// Why it is sent away.
    Error(RelayError),
}

/// A sender may begin.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Connected {
    /// `connected`.
    #[serde(rename = "type")]
    pub kind: ConnectedType,
    /// Name of its stream.
    pub patient_id: String,
    /// How closely its pictures are looked at.
    pub analysis_mode: AnalysisMode,
    /// What it should know, for people.
    pub warning: Option<String>,
}

/// Why a stream ends, or a viewer is sent away; the close code follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct RelayError {
    /// `error`.
    #[serde(rename = "type")]
    pub kind: ErrorType,
    /// For people.
    pub message: String,
}

/// What will go wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Warning {
    /// `warning`.
    #[serde(rename = "type")]
    pub kind: WarningType,
    /// For people.
    pub message: String,
}

/// Asks for a sign of life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Ping {
    /// `ping`.
    #[serde(rename = "type")]
    pub kind: PingType,
    /// The server's clock, seconds since 1970.
    pub timestamp: f64,
}

/// Answers a ping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Pong {
    /// `pong`.
    #[serde(rename = "type")]
    pub kind: PongType,
    /// The server's clock, seconds since 1970.
    pub timestamp: f64,
}

/// What has become of a sender's pictures, at most once per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct StreamStats {
    /// Messages that were no pictures.
    pub bad: u64,
    /// Pictures over `relay.max_fps`.
    pub dropped: u64,
    /// Pictures that came.
    pub received: u64,
    /// `stream_stats`.
    #[serde(rename = "type")]
    pub kind: StatsType,
    /// Who watch it now.
    pub viewers: usize,
}

/// To a viewer that has come.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ViewerConnected {
    /// `viewer_connected`.
    #[serde(rename = "type")]
    pub kind: ViewerConnectedType,
    /// Those of its streams that are there.
    pub active_streams: Vec<String>,
    /// The server's clock, seconds since 1970.
    pub timestamp: f64,
}

/// A picture of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct LiveFrame {
    /// `live_frame`.
    #[serde(rename = "type")]
    pub kind: LiveFrameType,
    /// Name of the stream.
    pub patient_id: String,
    /// The picture.
    pub data: LiveFrameData,
}

/// The picture of a [`LiveFrame`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct LiveFrameData {
    /// A data URL.
    pub frame: String,
}

/// A stream is over. One that begins again sends pictures after that.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct StreamEnded {
    /// `stream_ended`.
    #[serde(rename = "type")]
    pub kind: EndedType,
    /// Name of the stream.
    pub patient_id: String,
    /// The server's clock, seconds since 1970.
    pub timestamp: f64,
    /// With `sightwire.v1`: why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A stream is in another state now.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct StreamStateMessage {
    /// Of a stream that is sent: how closely it is looked at.
    pub analysis_mode: Option<AnalysisMode>,
    /// Where it comes from.
    pub kind: StreamKind,
    /// Name of the stream, or id of the camera.
    pub patient_id: String,
    /// Why, for people.
    pub reason: Option<String>,
    /// For how long already.
    pub since_s: f64,
    /// What it does now.
    pub state: StreamState,
    /// The server's clock, seconds since 1970.
    pub timestamp: f64,
    /// `stream_state`.
    #[serde(rename = "type")]
    pub message: StateType,
}

/// What is in a picture, for viewers who draw it themselves.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct OverlayData {
    /// What to draw.
    pub data: Overlay,
    /// Number of the picture.
    pub frame_num: u64,
    /// Name of the stream, or id of the camera.
    pub patient_id: String,
    /// `overlay_data`.
    #[serde(rename = "type")]
    pub kind: OverlayType,
}

/// What to draw over a picture.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Overlay {
    /// Which landmarks are joined, as pairs of their indices.
    pub connections: Vec<[usize; 2]>,
    /// Always null; old viewers ask for it.
    pub head_pose_axes: (),
    /// Points, x and y in shares of the picture.
    pub landmarks: Vec<[f64; 2]>,
    /// What was found, and how.
    pub metrics: OverlayMetrics,
}

/// What was found in a picture, and how.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct OverlayMetrics {
    /// Since the picture came.
    pub delay_ms: f64,
    /// What is in it.
    pub detections: Vec<Detection>,
    /// Of the picture, px.
    pub height: u32,
    /// Name of the model.
    pub model: String,
    /// Of the picture, px.
    pub width: u32,
}

/// `GET /streams/active`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct ActiveStreams {
    /// Names of streams that are sent.
    pub active_streams: Vec<String>,
    /// By name.
    pub stream_details: BTreeMap<String, ActiveStream>,
    /// How many there are.
    pub count: usize,
}

/// A stream that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct ActiveStream {
    /// How closely it is looked at.
    pub analysis_mode: AnalysisMode,
}

/// Sums over all streams that are sent and their viewers, and what the configuration allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct RelayTotals {
    /// From senders.
    pub bytes_in_per_s: f64,
    /// To viewers.
    pub bytes_out_per_s: f64,
    /// Pictures per second from senders.
    pub frames_in_per_s: f64,
    /// Pictures per second to viewers.
    pub frames_out_per_s: f64,
    /// Pictures per hundred that viewers were too slow for, over the last 2 s.
    pub lost_percent: f64,
    /// `relay.max_streams`.
    pub max_streams: usize,
    /// `relay.max_viewers`.
    pub max_viewers: usize,
    /// That are sent now.
    pub streams: usize,
    /// Connected to `/ws/view` now.
    pub viewers: usize,
}
