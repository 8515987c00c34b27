//! Where cameras are, and how to change that.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stream::Stream;

/// What an address begins with.
const ADDRESS: &str = "^[Hh][Tt][Tt][Pp][Ss]?://";
/// An id of letters, digits, `-` and `_` that is not taken for something else.
const ID: &str = "^(?!test$)(?!url-)[0-9A-Za-z_-]{1,64}$";

/// How a camera is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CameraMode {
    /// One endless answer (MJPEG, `multipart/x-mixed-replace`).
    #[default]
    Stream,
    /// One request for each frame.
    Capture,
    /// Files of a folder on the server, over and over.
    Folder,
    /// A generated scene.
    Simulated,
}

impl CameraMode {
    /// The name as JSON and the configuration have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Capture => "capture",
            Self::Folder => "folder",
            Self::Simulated => "simulated",
        }
    }
}

/// A camera that the server knows.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Camera {
    /// Whether it is defined in the configuration and can be changed only there.
    pub configured: bool,
    /// Whether it is the one used where no camera is named.
    pub default: bool,
    /// Frames per second that are asked for or read from a folder; null for `stream`, where the camera decides.
    pub fps: Option<f64>,
    /// What names the camera in paths and in `camera=`.
    pub id: String,
    /// How it is read.
    pub mode: CameraMode,
    /// The name shown to people.
    pub name: String,
    /// Its stream; null while nobody watches, since the camera is not read then.
    pub stream: Option<Stream>,
    /// Its address, with name, password and query masked by `***`; of a folder its last part.
    pub url: String,
    /// The user whose camera it is: chosen by the header `X-User-ID`; null where it is nobody's.
    pub user: Option<String>,
}

/// Answer to `GET /api/v1/cameras`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Cameras {
    /// All cameras, those of the configuration first.
    pub cameras: Vec<Camera>,
    /// The most connections to known cameras at once: `cameras.max_upstreams`.
    pub max_upstreams: usize,
    /// Whether this client may add, change and remove cameras.
    pub may_change: bool,
    /// Connections to known cameras now.
    pub upstreams: usize,
    /// Why this client may not change cameras, for people; null where it may.
    pub why_not: Option<String>,
}

/// Body of `POST /api/v1/cameras`: what is left out has its default.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCamera {
    /// What names it in paths; made of its name where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = ID))]
    pub id: Option<String>,
    /// The name shown to people; its id where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The camera's address, needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(required, regex(pattern = ADDRESS))]
    pub url: Option<String>,
    /// How it is read: `stream` or `capture`; guessed from the address where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<CameraMode>", extend("not" = { "const": "folder" }))]
    pub mode: Option<String>,
    /// How often single frames are asked for, per second; for `capture` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.01, max = 60.0))]
    pub fps: Option<f64>,
    /// Whose camera it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Makes it the camera that is used where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
}

impl From<NewCamera> for CameraChange {
    fn from(new: NewCamera) -> Self {
        let NewCamera { id, name, url, mode, fps, user, default } = new;
        Self { id, name, url, mode, fps, user, default }
    }
}

/// Body of `PATCH /api/v1/cameras/{id}`: what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CameraChange {
    /// The id that it has: it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name shown to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The camera's address; `***` in place of name and password keeps the known ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How it is read: `stream` or `capture`; a folder can only be configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<CameraMode>", extend("not" = { "const": "folder" }))]
    pub mode: Option<String>,
    /// How often single frames are asked for, per second; for `capture` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.01, max = 60.0))]
    pub fps: Option<f64>,
    /// Whose camera it is; an empty text makes it nobody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Makes it the camera that is used where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
}

/// Body of `POST /api/v1/cameras/test`: an address, a camera, or a new address for a camera, with its old password.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CameraTest {
    /// Id of a known camera.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Address to try; left out for a known camera's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How it is read: `stream` or `capture`; guessed from the address where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<CameraMode>", extend("not" = { "const": "folder" }))]
    pub mode: Option<String>,
}

/// Sums over all cameras and their viewers, and what the configuration allows.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct CameraTotals {
    /// Streams that are analysed now.
    pub analyses: usize,
    /// Bytes per second from cameras.
    pub bytes_in_per_s: f64,
    /// Bytes per second of frames to viewers.
    pub bytes_out_per_s: f64,
    /// Frames per second from cameras.
    pub frames_per_s: f64,
    /// Cameras of the configuration, and those added since.
    pub known: usize,
    /// The most analyses at once: `cameras.max_analyses`.
    pub max_analyses: usize,
    /// The most connections to cameras that are not known: `cameras.max_named`.
    pub max_named: usize,
    /// The most connections to known cameras at once: `cameras.max_upstreams`.
    pub max_upstreams: usize,
    /// The most viewers at once: `cameras.max_viewers`.
    pub max_viewers: usize,
    /// The most views at once: `cameras.max_views`.
    pub max_views: usize,
    /// Connections to cameras that are not known: a viewer gave their address.
    pub named: usize,
    /// Connections to known cameras now.
    pub upstreams: usize,
    /// Viewers over HTTP, and those of one stream over a WebSocket.
    pub viewers: usize,
    /// Views that are drawn and encoded now.
    pub views: usize,
}
