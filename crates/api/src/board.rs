//! What the pages of the camera prototype ask for, in that prototype's words.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::literal;

/// Answer to `GET /health`, for programs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct BoardHealth {
    /// Always `ok`.
    pub status: String,
    /// Always `smartparking-api`, the name of the prototype's server.
    pub service: String,
    /// Whether what finds objects has been needed and is ready; `motion` counts where the model cannot be had.
    pub models_loaded: bool,
    /// Always false: there is no Firebase here.
    pub firebase_connected: bool,
    /// Address of the default camera with the host masked; null without one.
    pub esp32_url: Option<String>,
}

/// `GET /debug/streams`: what is open, however many watch.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct OpenStreams {
    /// Length of `streams`.
    pub active_count: usize,
    /// Cameras that are being read, and streams that are sent.
    pub streams: Vec<OpenStream>,
}

/// A stream that is open.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct OpenStream {
    /// Id of the stream, as in `GET /api/v1/streams`.
    pub stream_id: String,
    /// Whether it has neither stalled nor ended.
    pub is_alive: bool,
    /// Seconds since it was opened, to a tenth.
    pub age_seconds: f64,
}

/// `GET /api/user/esp32-config`: a user's camera, if there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct BoardConfig {
    /// Always true.
    pub success: bool,
    /// The user's camera; null where there is none.
    pub config: Option<Board>,
    /// Says that there is no camera, for people; left out where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A user's camera as the prototype's page shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Board {
    /// Address without `/stream`, with name and password masked.
    pub esp32_url: String,
    /// The camera's name, for people.
    pub label: String,
    /// When it was added, RFC 3339; null where that is not known, as with configured cameras.
    pub created_at: Option<String>,
    /// When it was last changed, RFC 3339; null where that is not known.
    pub updated_at: Option<String>,
}

/// `POST /api/user/esp32-config`: a user's camera as the page sends it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct BoardChange {
    /// The camera's address, needed; `http://` is put before it where it has no scheme.
    #[schemars(required, length(min = 1))]
    pub esp32_url: Option<String>,
    /// The camera's name, for people; left out or empty: `ESP32-CAM`, or what it was.
    pub label: Option<String>,
}

/// What was done with a user's camera.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct BoardSaved {
    /// Always true; failures are error answers.
    pub success: bool,
    /// What was done, in a sentence for people.
    pub message: Cow<'static, str>,
    /// Its address as it is now; left out after `DELETE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub esp32_url: Option<String>,
    /// Its name as it is now; left out after `DELETE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// What was done, or why not; the pages read `success`, whatever the status is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "{T}Answer")]
pub struct BoardAnswer<T> {
    /// Whether it was done.
    pub success: bool,
    /// The fields of the result; none where it failed.
    #[serde(flatten)]
    pub what: Option<T>,
    /// Why it failed, for people; left out where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Result of `GET /api/esp32/status`: what the board's own `/status` says.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct BoardStatus(pub Map<String, Value>);

/// Result of `GET /api/esp32/snapshot`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct BoardSnapshot {
    /// The camera's next frame, a JPEG as a data URL.
    #[serde(rename = "imageData")]
    pub image_data: String,
}

/// Answer to `GET /api/esp32/test`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct BoardTest {
    /// Whether a frame came within 15 s.
    pub connected: bool,
    /// Address of the camera, masked; null where none is known.
    pub esp32_url: Option<String>,
    /// Milliseconds until the frame came or the attempt was given up.
    pub wait_ms: u64,
    /// Why no frame came, for people; null where one did.
    pub error: Option<String>,
}

literal! {
    /// The type of [`BoardInfo`].
    InfoType = "info"
}
literal! {
    /// The type of [`BoardStats`].
    StatsType = "stats"
}
literal! {
    /// The type of [`BoardProblem`].
    ErrorType = "error"
}
literal! {
    /// The type of [`BoardFrame`].
    FrameType = "frame"
}

/// The first message on `/ws/viewer/detection`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct BoardInfo {
    /// Always `info`.
    #[serde(rename = "type")]
    pub kind: InfoType,
    /// Which camera this is and how many watch it, for people.
    pub message: String,
    /// Id of the camera, as in `GET /api/v1/cameras`.
    pub camera_id: String,
    /// How many watch the camera, this viewer included.
    pub viewer_count: usize,
}

/// A frame on `/ws/stream/detect` and `/ws/viewer/detection`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct BoardFrame {
    /// Always `frame`.
    #[serde(rename = "type")]
    pub kind: FrameType,
    /// The frame, a JPEG as base64.
    pub data: String,
    /// About the frame; left out on `/ws/stream/detect`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BoardMetadata>,
}

/// About a frame on `/ws/viewer/detection`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct BoardMetadata {
    /// Id of the camera, as in `GET /api/v1/cameras`.
    pub camera_id: String,
    /// Number of the frame in its stream; what lies between two was missed.
    pub frame_number: u64,
    /// When the frame came, seconds since 1970.
    pub timestamp: f64,
}

/// Sent on `/ws/stream/detect` after every 50 frames.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct BoardStats {
    /// Always `stats`.
    #[serde(rename = "type")]
    pub kind: StatsType,
    /// Frames that were made for this viewer: sent, or missed as it was too slow.
    pub processed: u64,
    /// Frames that were sent to this viewer.
    pub sent: u64,
    /// Frames that came from the camera since it was opened.
    pub read: u64,
    /// Frames per second that were sent, over the last 50.
    pub fps: f64,
    /// Age of the last frame in milliseconds, from its arrival.
    pub process_time_ms: f64,
    /// Always 0: nothing is queued.
    pub buffer_size: u64,
}

/// Why nothing can be shown; the socket is closed after it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct BoardProblem {
    /// Always `error`.
    #[serde(rename = "type")]
    pub kind: ErrorType,
    /// The reason in a sentence for people.
    pub message: String,
}
