//! Where cameras are, and how to change that.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stream::Stream;

/// How a camera is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CameraMode {
    /// As one answer without an end, `multipart/x-mixed-replace`.
    #[default]
    Stream,
    /// Picture by picture.
    Capture,
    /// Files of a folder, over and over.
    Folder,
}

impl CameraMode {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Capture => "capture",
            Self::Folder => "folder",
        }
    }
}

/// A camera that the server knows.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Camera {
    /// It is defined in the configuration, and can be changed there only.
    pub configured: bool,
    /// Used when no camera is named.
    pub default: bool,
    /// How often single pictures are asked for, per second; null where the camera decides.
    pub fps: Option<f64>,
    /// In paths.
    pub id: String,
    /// How it is read.
    pub mode: CameraMode,
    /// For people.
    pub name: String,
    /// Null while nobody watches, for then it is closed.
    pub stream: Option<Stream>,
    /// Its address, with name, password and query masked.
    pub url: String,
    /// Whose camera it is: chosen by the header `X-User-ID`.
    pub user: Option<String>,
}

/// `GET /api/v1/cameras`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Cameras {
    /// Those of the configuration first.
    pub cameras: Vec<Camera>,
    /// `cameras.max_upstreams`.
    pub max_upstreams: usize,
    /// Whether this client may add and change cameras.
    pub may_change: bool,
    /// Connections to known cameras now.
    pub upstreams: usize,
    /// Why this client may not, for people.
    pub why_not: Option<String>,
}

/// What a client says of a camera; what it leaves out stays as it is, or takes its default.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CameraChange {
    /// Of a new camera; made of its name where it is left out.
    pub id: Option<String>,
    /// For people.
    pub name: Option<String>,
    /// Address; with `***` for name and password they stay as they are.
    pub url: Option<String>,
    /// `stream` or `capture`.
    #[schemars(with = "Option<CameraMode>")]
    pub mode: Option<String>,
    /// Of a camera that is read picture by picture, per second.
    pub fps: Option<f64>,
    /// Empty: nobody's.
    pub user: Option<String>,
    /// Used when no camera is named, instead of the one before.
    pub default: Option<bool>,
}

/// What to try: an address, a camera, or a new address for a camera (whose password it may go on using).
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CameraTest {
    /// Of a known camera.
    pub id: Option<String>,
    /// Its address, or another one.
    pub url: Option<String>,
    /// `stream` or `capture`; left out: by the address.
    #[schemars(with = "Option<CameraMode>")]
    pub mode: Option<String>,
}

/// Sums over all cameras and their viewers, and what the configuration allows.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct CameraTotals {
    /// Streams that are analysed now.
    pub analyses: usize,
    /// From cameras.
    pub bytes_in_per_s: f64,
    /// To viewers of pictures.
    pub bytes_out_per_s: f64,
    /// Pictures per second from cameras.
    pub frames_per_s: f64,
    /// Cameras of the configuration, and those added since.
    pub known: usize,
    /// `cameras.max_analyses`.
    pub max_analyses: usize,
    /// `cameras.max_named`.
    pub max_named: usize,
    /// `cameras.max_upstreams`.
    pub max_upstreams: usize,
    /// `cameras.max_viewers`.
    pub max_viewers: usize,
    /// `cameras.max_views`.
    pub max_views: usize,
    /// Connections to cameras that only a viewer's address names.
    pub named: usize,
    /// Connections to known cameras now.
    pub upstreams: usize,
    /// Who watch, over HTTP or one stream over a WebSocket.
    pub viewers: usize,
    /// Different pictures that are drawn now.
    pub views: usize,
}
