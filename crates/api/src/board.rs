//! What the pages of the camera prototype ask for, in that prototype's words.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::literal;

/// `GET /health`, for programs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct BoardHealth {
    /// `ok`.
    pub status: String,
    /// `smartparking-api`.
    pub service: String,
    /// The model that finds objects has been needed so far.
    pub models_loaded: bool,
    /// False.
    pub firebase_connected: bool,
    /// The default camera, without its host.
    pub esp32_url: Option<String>,
}

/// `GET /debug/streams`: what is open, however many watch.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct OpenStreams {
    /// How many there are.
    pub active_count: usize,
    /// Cameras that are being read, and streams that are sent.
    pub streams: Vec<OpenStream>,
}

/// A stream that is open.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct OpenStream {
    /// Its id.
    pub stream_id: String,
    /// It has neither stalled nor ended.
    pub is_alive: bool,
    /// Since it was opened.
    pub age_seconds: f64,
}

/// `GET /api/user/esp32-config`: a user's camera, if there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct BoardConfig {
    /// True.
    pub success: bool,
    /// Null where there is none.
    pub config: Option<Board>,
    /// That there is none, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A user's camera.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Board {
    /// Without `/stream`; name and password masked.
    pub esp32_url: String,
    /// For people.
    pub label: String,
    /// RFC 3339; null where it is not known, as what follows.
    pub created_at: Option<String>,
    /// RFC 3339.
    pub updated_at: Option<String>,
}

/// `POST /api/user/esp32-config`: a user's camera as the page sends it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct BoardChange {
    /// `http://` is put before it where no scheme stands.
    pub esp32_url: Option<String>,
    /// For people.
    pub label: Option<String>,
}

/// What was done with a user's camera.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct BoardSaved {
    /// True.
    pub success: bool,
    /// For people.
    pub message: Cow<'static, str>,
    /// As it is now; left out where it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub esp32_url: Option<String>,
    /// As it is now; left out where it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// What was done, or why not; the pages read `success`, whatever the status is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "{T}Answer")]
pub struct BoardAnswer<T> {
    /// Whether it was.
    pub success: bool,
    /// What came of it.
    #[serde(flatten)]
    pub what: Option<T>,
    /// Why not, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// In `GET /api/esp32/status`: what the board's own `/status` says.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct BoardStatus(pub Map<String, Value>);

/// In `GET /api/esp32/snapshot`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct BoardSnapshot {
    /// A JPEG as a data URL.
    #[serde(rename = "imageData")]
    pub image_data: String,
}

/// `GET /api/esp32/test`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct BoardTest {
    /// A picture came.
    pub connected: bool,
    /// Of the camera, masked.
    pub esp32_url: Option<String>,
    /// Until it came, or was given up.
    pub wait_ms: u64,
    /// Why none came, for people.
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

/// First on `/ws/viewer/detection`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct BoardInfo {
    /// `info`.
    #[serde(rename = "type")]
    pub kind: InfoType,
    /// For people.
    pub message: String,
    /// Of the camera.
    pub camera_id: String,
    /// Who watch it.
    pub viewer_count: usize,
}

/// A picture on `/ws/stream/detect` and `/ws/viewer/detection`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct BoardFrame {
    /// `frame`.
    #[serde(rename = "type")]
    pub kind: FrameType,
    /// Base64 of a JPEG.
    pub data: String,
    /// On `/ws/viewer/detection`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BoardMetadata>,
}

/// Of a picture on `/ws/viewer/detection`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct BoardMetadata {
    /// Of the camera.
    pub camera_id: String,
    /// Of the picture.
    pub frame_number: u64,
    /// When it came, seconds since 1970.
    pub timestamp: f64,
}

/// On `/ws/stream/detect`, after each 50 pictures.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct BoardStats {
    /// `stats`.
    #[serde(rename = "type")]
    pub kind: StatsType,
    /// Pictures that were sent, or that the viewer was too slow for.
    pub processed: u64,
    /// Pictures that were sent.
    pub sent: u64,
    /// Pictures that came from the camera.
    pub read: u64,
    /// Pictures per second, of the last 50.
    pub fps: f64,
    /// Age of the last picture.
    pub process_time_ms: f64,
    /// 0: nothing is queued.
    pub buffer_size: u64,
}

/// Why nothing can be shown, before the close.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct BoardProblem {
    /// `error`.
    #[serde(rename = "type")]
    pub kind: ErrorType,
    /// For people.
    pub message: String,
}
