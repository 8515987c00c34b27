//! Messages of the relay's WebSockets: JSON texts. Frames may be binary messages instead; docs/protocol.md has their
//! header. `sightwire_scan` reads both.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::detect::Detection;
use crate::literal;
use crate::sign::HandSight;
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

/// The first message of a sender; without either field the mode is normal.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct SenderHello {
    /// How closely its frames are to be analysed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis_mode: Option<AnalysisMode>,
    /// What old senders say instead: a list that is not empty means `enhanced`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitoring_conditions: Option<Vec<Value>>,
}

/// A frame of a sender.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct SentFrame {
    /// Always `frame`.
    #[serde(rename = "type")]
    pub kind: FrameType,
    /// The frame, a JPEG as a data URL; viewers get it as it came.
    pub frame: String,
}

/// What a sender says.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum FromSender {
    /// A frame of the stream.
    Frame(SentFrame),
    /// Asks whether the server is there; it answers with a pong.
    Ping(ClientPing),
    /// Answers a ping of the server.
    Pong(ClientPong),
    /// The first message, before all others.
    Hello(SenderHello),
}

/// What a viewer may say.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum FromViewer {
    /// Asks whether the server is there; it answers with a pong.
    Ping(ClientPing),
    /// Answers a ping of the server.
    Pong(ClientPong),
}

/// Asks the server for a sign of life; it answers with a [`Pong`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ClientPing {
    /// Always `ping`.
    #[serde(rename = "type")]
    pub kind: PingType,
}

/// Answers a [`Ping`] of the server; welcome and not needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ClientPong {
    /// Always `pong`.
    #[serde(rename = "type")]
    pub kind: PongType,
}

/// What a sender is told.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ToSender {
    /// The first message: the sender may begin.
    Connected(Connected),
    /// Why its stream ends.
    Error(RelayError),
    /// What will happen unless something changes.
    Warning(Warning),
    /// Asks whether the sender is still there.
    Ping(Ping),
    /// Answers a ping of the sender.
    Pong(Pong),
    /// With `sightwire.v1`: what has become of its frames.
    Stats(StreamStats),
}

/// What a viewer is told.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ToViewer {
    /// The first message, as soon as it is connected.
    Connected(ViewerConnected),
    /// A frame of a stream that it watches.
    Frame(LiveFrame),
    /// What is in a frame: for who asks (`overlays=1`), and without `sightwire.v1` also for others, where the model `pose` is there.
    Overlay(OverlayData),
    /// With `sightwire.v1`: a stream is in another state now.
    State(StreamStateMessage),
    /// One of its streams is over.
    Ended(StreamEnded),
    /// Asks whether the viewer is still there.
    Ping(Ping),
    /// Answers a ping of the viewer.
    Pong(Pong),
    /// Why it is sent away.
    Error(RelayError),
}

/// Tells a sender that it may begin.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Connected {
    /// Always `connected`.
    #[serde(rename = "type")]
    pub kind: ConnectedType,
    /// Name of its stream, as in the path.
    pub patient_id: String,
    /// How closely its frames are analysed, where a viewer asks for that.
    pub analysis_mode: AnalysisMode,
    /// What the sender should know, for people; null where there is nothing.
    pub warning: Option<String>,
}

/// Why a stream ends, or a viewer is sent away; the close code follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct RelayError {
    /// Always `error`.
    #[serde(rename = "type")]
    pub kind: ErrorType,
    /// The reason in a sentence for people.
    pub message: String,
}

/// Tells a sender what will happen unless something changes, such as that it is sent away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Warning {
    /// Always `warning`.
    #[serde(rename = "type")]
    pub kind: WarningType,
    /// What will happen and why, in a sentence for people.
    pub message: String,
}

/// Asks for a sign of life, every `relay.ping_interval_s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Ping {
    /// Always `ping`.
    #[serde(rename = "type")]
    pub kind: PingType,
    /// The server's clock, seconds since 1970.
    pub timestamp: f64,
}

/// The server's answer to a [`ClientPing`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Pong {
    /// Always `pong`.
    #[serde(rename = "type")]
    pub kind: PongType,
    /// The server's clock, seconds since 1970.
    pub timestamp: f64,
}

/// What has become of a sender's frames: at most once per second, when it has changed. Counters begin at 0 with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct StreamStats {
    /// Messages that should have been frames and were none.
    pub bad: u64,
    /// Frames that were not passed on as they exceeded `relay.max_fps`.
    pub dropped: u64,
    /// Frames that came, the dropped ones included.
    pub received: u64,
    /// Always `stream_stats`.
    #[serde(rename = "type")]
    pub kind: StatsType,
    /// How many watch the stream now.
    pub viewers: usize,
}

/// Tells a viewer that has just connected what there is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct ViewerConnected {
    /// Always `viewer_connected`.
    #[serde(rename = "type")]
    pub kind: ViewerConnectedType,
    /// Names of the streams it asked for that are being sent now.
    pub active_streams: Vec<String>,
    /// The server's clock, seconds since 1970.
    pub timestamp: f64,
}

/// A frame of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct LiveFrame {
    /// Always `live_frame`.
    #[serde(rename = "type")]
    pub kind: LiveFrameType,
    /// Name of the stream, or id of the camera.
    pub patient_id: String,
    /// Wraps the frame, as the prototype did.
    pub data: LiveFrameData,
}

/// What holds the frame of a [`LiveFrame`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct LiveFrameData {
    /// The frame, a JPEG as a data URL.
    pub frame: String,
}

/// A stream is over; if it begins again later, frames come again.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct StreamEnded {
    /// Always `stream_ended`.
    #[serde(rename = "type")]
    pub kind: EndedType,
    /// Name of the stream.
    pub patient_id: String,
    /// The server's clock, seconds since 1970.
    pub timestamp: f64,
    /// Why it is over, for people; only with `sightwire.v1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A stream has come into another state; one message for each stream stands at the beginning.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct StreamStateMessage {
    /// How closely its sender wants it to be analysed; null for cameras.
    pub analysis_mode: Option<AnalysisMode>,
    /// Whether the server reads it from a camera or a sender sends it.
    pub kind: StreamKind,
    /// Name of the stream, or id of the camera.
    pub patient_id: String,
    /// Why it is in this state, for people; null where there is nothing to say.
    pub reason: Option<String>,
    /// Seconds that it has been in this state.
    pub since_s: f64,
    /// The state that it is in now.
    pub state: StreamState,
    /// The server's clock, seconds since 1970.
    pub timestamp: f64,
    /// Always `stream_state`.
    #[serde(rename = "type")]
    pub message: StateType,
}

/// What is in a frame, for viewers who draw it themselves.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct OverlayData {
    /// What was found in the frame, to be drawn over it.
    pub data: Overlay,
    /// Number of the frame in its stream; binary frames have it in their header.
    pub frame_num: u64,
    /// Name of the stream, or id of the camera.
    pub patient_id: String,
    /// Always `overlay_data`.
    #[serde(rename = "type")]
    pub kind: OverlayType,
}

/// What to draw over a frame.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Overlay {
    /// Pairs of ids of landmarks that are joined by lines; empty where no model finds landmarks.
    pub connections: Vec<[u16; 2]>,
    /// Three lines from the nose; null where nose and shoulders are not seen.
    pub head_pose_axes: Option<HeadPoseAxes>,
    /// Points of people: with the model `pose` those of one body, and with `detector.hands` 21 for each hand; empty where nobody is
    /// seen, or no model finds landmarks.
    pub landmarks: Vec<Landmark>,
    /// What was found, and how; null where nobody has asked for it.
    pub metrics: Option<Box<OverlayMetrics>>,
}

/// Three lines from the nose of somebody, in pixels of the frame, as old viewers draw them.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct HeadPoseAxes {
    /// Where they begin: the nose.
    pub origin: PixelPoint,
    /// Ends at the right shoulder; red.
    pub x_axis: HeadPoseAxis,
    /// Ends above the nose, by 50 pixels in a frame 360 high; green.
    pub y_axis: HeadPoseAxis,
    /// Ends at the left shoulder; blue.
    pub z_axis: HeadPoseAxis,
}

/// The end of a line, in pixels of the frame.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct HeadPoseAxis {
    /// In which colour it is drawn: `red`, `green` or `blue`.
    pub color: String,
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

/// A place in a frame, in its pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct PixelPoint {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

/// A point of somebody, as old viewers draw it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Landmark {
    /// In which colour it is drawn: `green`, `cyan` or `red`.
    pub color: String,
    /// Which point, as in `MediaPipe`'s pose: 0 the nose, 2 and 5 the eyes, 11 and 12 the shoulders, 13 and 14 the elbows, 15 and 16
    /// the wrists, of each pair the left one first; from 100 on 21 for each hand, in the order of `hands` in `metrics`: the wrist,
    /// then four of each finger.
    pub id: u16,
    /// What it is: `nose`, `left_eye`, `left_shoulder`, `left_elbow`, `left_wrist`, the same on the right, or `hand`.
    #[serde(rename = "type")]
    pub kind: String,
    /// From the left, in shares of the frame (0 to 1).
    pub x: f64,
    /// From the top, in shares of the frame (0 to 1).
    pub y: f64,
}

/// What was found in a frame, by which model, and how fast.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct OverlayMetrics {
    /// Milliseconds from the frame's arrival to this message.
    pub delay_ms: f64,
    /// Objects in the frame, with boxes in its pixels.
    pub detections: Vec<Detection>,
    /// Hands in the frame, with `detector.hands`: shapes, and how far each is armed; left out where they are not looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hands: Option<HandSight>,
    /// Height of the frame in pixels.
    pub height: u32,
    /// Name of the model that analysed it.
    pub model: String,
    /// Width of the frame in pixels.
    pub width: u32,
}

/// Answer to `GET /streams/active`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct ActiveStreams {
    /// Names of streams that are sent.
    pub active_streams: Vec<String>,
    /// More about each of these streams, by name.
    pub stream_details: BTreeMap<String, ActiveStream>,
    /// How many streams are being sent.
    pub count: usize,
}

/// About a stream that is being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct ActiveStream {
    /// How closely its sender wants it to be analysed.
    pub analysis_mode: AnalysisMode,
}

/// Sums over all streams that are sent and over their viewers, and what the configuration allows.
/// Rates are over the last 3 s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct RelayTotals {
    /// Bytes of frames per second from senders.
    pub bytes_in_per_s: f64,
    /// Bytes of frames per second to viewers.
    pub bytes_out_per_s: f64,
    /// Frames per second from senders.
    pub frames_in_per_s: f64,
    /// Frames per second to viewers.
    pub frames_out_per_s: f64,
    /// Frames per hundred that viewers were too slow for, over the last 3 s.
    pub lost_percent: f64,
    /// The most streams at once: `relay.max_streams`.
    pub max_streams: usize,
    /// The most viewers of `/ws/view` at once: `relay.max_viewers`.
    pub max_viewers: usize,
    /// Streams that are being sent now.
    pub streams: usize,
    /// Viewers that are connected to `/ws/view` now.
    pub viewers: usize,
}
