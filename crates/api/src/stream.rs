//! Streams, what is analysed and shown of them, and who watches.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Quantiles, literal, null_too};

/// Answer to `GET /api/v1/streams`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Streams {
    /// Cameras that are being read, and streams that are sent; in a cluster, those of its other processes, too.
    pub streams: Vec<Stream>,
}

/// Whether frames of a stream come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StreamState {
    /// No frame has come yet.
    #[default]
    Starting,
    /// Frames come as they should.
    Running,
    /// No frame has come for several times the usual interval.
    Stalled,
    /// Frames come, and they are all the same.
    Frozen,
    /// There will be no more frames.
    Ended,
    /// A state that only a newer server knows.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// Where a stream comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StreamKind {
    /// The server reads it from a camera.
    #[default]
    Camera,
    /// A sender sends it to `/ws/stream/{name}`.
    Relay,
}

/// How often models analyse a sender's frames, while a viewer asks for detections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AnalysisMode {
    /// A few frames per second: `relay.normal_fps`.
    #[default]
    Normal,
    /// More of them: `relay.enhanced_fps`.
    Enhanced,
}

impl AnalysisMode {
    /// The name as JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Enhanced => "enhanced",
        }
    }
}

/// In which form a sender's frames arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RelayProtocol {
    /// JSON messages with data URLs.
    Text,
    /// Binary messages (`sightwire.v1`): a header and a JPEG.
    Binary,
}

/// A camera that is being read, or a stream that is sent. Its counters begin at 0 with it; rates are over the last 3 s.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Stream {
    /// One for each model that looks for something in it; empty while nobody asks for that.
    pub analyses: Vec<Analysis>,
    /// Messages of the sender that should have been frames and were none; left out for cameras.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bad: Option<u64>,
    /// Frames of a camera that were incomplete or unreadable.
    pub broken: u64,
    /// Bytes of its frames, so far.
    pub bytes: u64,
    /// Bytes per second to all its viewers.
    pub bytes_out_per_s: f64,
    /// Bytes per second of frames that come from its source.
    pub bytes_per_s: f64,
    /// How often the camera was connected to, failed attempts included.
    pub connects: u64,
    /// Time from a frame's arrival to a viewer's socket; null where no viewer got one in the last 3 s.
    pub delay_ms: Option<Quantiles>,
    /// Frames that its viewers got, so far.
    pub delivered: u64,
    /// Frames of the sender that were not passed on as they exceeded `relay.max_fps`; left out for cameras.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
    /// Frames per second that come from its source.
    pub fps: f64,
    /// Frames per second to all its viewers together.
    pub fps_out: f64,
    /// Height of its newest frame in pixels; null before the first.
    pub height: Option<u32>,
    /// What names the stream in paths: the camera's id, or the name that its sender chose.
    pub id: String,
    /// Whether the server reads it or somebody sends it.
    pub kind: StreamKind,
    /// Seconds since the newest frame came; null before the first.
    pub last_picture_age_s: Option<f64>,
    /// Frames per hundred that its viewers were too slow for, over the last 3 s.
    pub lost_percent: f64,
    /// Frames that its viewers were too slow for, so far.
    pub missed: u64,
    /// How closely the sender wants it to be analysed; left out for cameras.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<AnalysisMode>,
    /// Name for people: of the camera, else the name that its sender chose.
    pub name: String,
    /// Address and port of the sender; null where a proxy did not tell it, left out for cameras.
    #[serde(default, deserialize_with = "null_too", skip_serializing_if = "Option::is_none")]
    pub peer: Option<Option<String>>,
    /// Frames that came from its source, so far.
    pub pictures: u64,
    /// Name of the process of the cluster that has it; left out where that is the one that answers. What is sent is counted by
    /// that process. A camera is counted by the one that answers, as it comes from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// In which form the sender's frames arrive; left out for cameras.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<RelayProtocol>,
    /// Why it is in this state, for people; while it is starting, a reason means that it has failed at least once.
    pub reason: Option<String>,
    /// All bytes that came from its source, so far, whatever was in them.
    pub received_bytes: u64,
    /// Seconds that it has been in this state.
    pub since_s: f64,
    /// Bytes from a camera that belonged to no complete frame.
    pub skipped_bytes: u64,
    /// Set while far fewer frames come than usual.
    pub slow: Option<Slow>,
    /// Whether frames come.
    pub state: StreamState,
    /// Address of the camera with its password masked; null for a stream that is sent.
    pub url: Option<String>,
    /// Everybody who watches it; only in `GET /api/v1/streams/{id}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub viewer_list: Option<Vec<Viewer>>,
    /// How many viewers watch it: of the process that has it, and of the one that answers. Any other process that watches it for
    /// viewers of its own is one.
    pub viewers: usize,
    /// Width of its newest frame in pixels; null before the first.
    pub width: Option<u32>,
    /// Parts of a camera's answer whose length was not as announced.
    pub wrong_lengths: u64,
}

/// By how much a stream is slower than usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Slow {
    /// Frames per second that come now.
    pub fps: f64,
    /// Frames per second that usually come.
    pub usual_fps: f64,
}

/// What a model makes of a stream, once for all who watch it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Analysis {
    /// Frames per second that the model really analyses.
    pub analysed_per_s: f64,
    /// Time from a frame's arrival to the end of each stage.
    pub delay_ms: StageDelays,
    /// Frames that could not be analysed, so far.
    pub failed: u64,
    /// Frames per second that the fastest of its viewers asks for.
    pub fps: u8,
    /// Frames per second that come out, analysed or not.
    pub frames_per_s: f64,
    /// Name of the model, as in `GET /api/v1/models`; `motion` where none is used.
    pub model: String,
    /// How many of each label are in the newest frame.
    pub objects: BTreeMap<String, usize>,
    /// Number format of the network, `f32` or `bf16`; null where no network runs.
    pub precision: Option<String>,
    /// Why nothing is found, for people; null while all is well.
    pub problem: Option<String>,
    /// Execution provider of the network: `cpu`, `openvino`, `cuda`; null where no network runs.
    pub provider: Option<String>,
    /// The model analyses one of this many frames.
    pub skip_frames: u64,
    /// The ways in which its results are drawn into frames now.
    pub views: Vec<View>,
}

/// From a frame's arrival to the end of each stage; null where no frame has passed it in the last 3 s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct StageDelays {
    /// The JPEG is decoded to pixels.
    pub decoded: Option<Quantiles>,
    /// The frame is a JPEG again, with what was found drawn in.
    pub encoded: Option<Quantiles>,
    /// The model has analysed the frame.
    pub inferred: Option<Quantiles>,
}

/// What is drawn into frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ViewKind {
    /// Boxes around objects.
    #[default]
    Detect,
    /// Boxes with track numbers, and optionally trails.
    Tracking,
}

/// Frames with boxes, drawn and encoded once for all who asked for the same.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct View {
    /// Labels that are drawn; null where all are.
    pub classes: Option<Vec<String>>,
    /// Objects below this confidence are not drawn; 0 to 1.
    pub confidence: f64,
    /// Frames per second that its viewers asked for.
    pub fps: u8,
    /// Frames per second that are really drawn.
    pub frames_per_s: f64,
    /// Whether boxes carry track numbers.
    pub kind: ViewKind,
    /// Whether boxes carry the names of their labels.
    pub labels: bool,
    /// Quality of its JPEGs, up to 100.
    pub quality: u8,
    /// Whether counts of objects are drawn in a corner.
    pub stats: bool,
    /// Whether the path of each object is drawn.
    pub trails: bool,
    /// How many viewers get these frames.
    pub viewers: usize,
}

/// How a viewer gets what it watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ViewerKind {
    /// MJPEG over HTTP (`multipart/x-mixed-replace`).
    #[default]
    Mjpeg,
    /// Detections as Server-Sent Events.
    Events,
    /// Detections, or frames as text, over a WebSocket.
    Websocket,
    /// Any number of streams over `/ws/view`, frames as JSON messages.
    Relay,
    /// Any number of streams over `/ws/view`, frames as binary messages.
    RelayBinary,
    /// Another process of the cluster, for its own viewers.
    Process,
}

literal! {
    /// Frames go out as they came.
    OriginalQuality = "original"
}

/// In which quality a viewer gets its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum PictureQuality {
    /// As they came, not encoded anew.
    Original(OriginalQuality),
    /// Encoded anew with this JPEG quality, since it was too slow; the lowest, where that of its streams differs.
    Jpeg(u8),
}

impl Default for PictureQuality {
    fn default() -> Self {
        Self::Original(OriginalQuality::OriginalQuality)
    }
}

/// Somebody who watches one stream or several. Counters begin at 0 when it comes; rates are over the last 3 s.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Viewer {
    /// The name of the key or user that it came with; left out where none was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Bytes that it got, so far.
    pub bytes: u64,
    /// Bytes per second that it gets.
    pub bytes_per_s: f64,
    /// Milliseconds that writing a frame may take before it is given up; left out unless it uses `/ws/view`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<f64>,
    /// Frames that it got, so far.
    pub delivered: u64,
    /// Route of the request with which it watches, such as `/stream/detect`.
    pub endpoint: String,
    /// Frames per second that it gets.
    pub fps: f64,
    /// Number for `DELETE /api/v1/viewers/{id}`; never used twice.
    pub id: u64,
    /// In which way it gets what it watches.
    pub kind: ViewerKind,
    /// Frames per hundred that it was too slow for, over the last 3 s.
    pub lost_percent: f64,
    /// Frames that it was too slow for, so far.
    pub missed: u64,
    /// Its address and port; null where a proxy did not tell it.
    pub peer: Option<String>,
    /// Name of the process of the cluster that it is connected to, where its id counts; left out where that is the one that
    /// answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// In which quality it gets its frames.
    pub quality: PictureQuality,
    /// Milliseconds from a ping to its pong; null before the first, left out unless it uses `/ws/view`.
    #[serde(default, deserialize_with = "null_too", skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<Option<f64>>,
    /// Seconds since it began to watch.
    pub since_s: f64,
    /// Ids of the streams that it watches; one that it watches several times stands there as often.
    pub streams: Vec<String>,
    /// Milliseconds that writing a frame usually takes; left out unless it uses `/ws/view`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_ms: Option<f64>,
}

/// Answer to `GET /api/v1/viewers`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Viewers {
    /// Everybody who watches at this process, the longest watching first.
    pub viewers: Vec<Viewer>,
}

/// A stream that somebody sent and that is over. It is remembered for an hour, of the newest 200.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct EndedStream {
    /// When it began, seconds since 1970 (UTC).
    pub began: f64,
    /// The name of the key or user that sent it; left out where none was needed, and for whoever may not see who sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When it ended, seconds since 1970 (UTC).
    pub ended: f64,
    /// The name that its sender chose.
    pub id: String,
    /// Address and port of its sender; left out where a proxy did not tell it, and for whoever may not see who sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// Frames that came, in all.
    pub pictures: u64,
    /// Why it is over, for people.
    pub reason: String,
}

/// Answer to `POST /api/v1/streams/{id}/links`: a link with which others watch one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct ViewersLink {
    /// When the link stops working, RFC 3339; null where nobody needs a key to watch, and it works for ever.
    pub expires: Option<String>,
    /// Id of its key, for `DELETE /api/v1/keys/{id}`; null where nobody needs one.
    pub key: Option<String>,
    /// Scheme, host and port where other machines reach this server; null where it listens on this machine alone.
    pub origin: Option<String>,
    /// What follows the address of this server. A key is in its fragment (`#key=`), which no server logs.
    pub path: String,
}
