//! Objects in pictures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sign::HandSight;
use crate::stream::StreamState;

/// Something found in a frame of a stream.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Detection {
    /// Left, top, right, bottom in pixels of the frame, to a tenth.
    #[serde(rename = "box")]
    pub bounds: [f64; 4],
    /// Index of the label among the model's labels.
    pub class: usize,
    /// How sure the model is, from 0 to 1.
    pub confidence: f64,
    /// Name of the object's class, such as `car`.
    pub label: String,
    /// Number of the object, the same in following frames; null as long as it has none.
    pub track: Option<u64>,
}

/// Something found in a single picture.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct StillDetection {
    /// Left, top, right, bottom in pixels of the picture, to a hundredth.
    #[serde(rename = "box")]
    pub bounds: [f64; 4],
    /// How sure the model is, from 0 to 1.
    pub confidence: f64,
    /// Name of the object's class, such as `car`.
    pub label: String,
}

/// Answer to `POST /api/v1/detect`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct StillDetections {
    /// What was found, the surest first.
    pub detections: Vec<StillDetection>,
    /// Height of the picture in pixels.
    pub height: u32,
    /// Name of the model that analysed it.
    pub model: String,
    /// Milliseconds from the moment the picture had arrived to the answer.
    pub ms: f64,
    /// Sentences about parameters that are not known; left out where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Width of the picture in pixels.
    pub width: u32,
}

/// What is in a frame of a stream.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Detections {
    /// When the frame came, RFC 3339 in UTC.
    pub captured: String,
    /// Milliseconds from the frame's arrival to this message.
    pub delay_ms: f64,
    /// Objects in the frame that pass the listener's `conf` and `classes`.
    pub detections: Vec<Detection>,
    /// Hands in the frame, with `detector.hands`; left out where they are not looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hands: Option<HandSight>,
    /// Height of the frame in pixels.
    pub height: u32,
    /// Name of the model that analysed it.
    pub model: String,
    /// Number of the analysed frame, from 1; what lies between two was missed.
    pub sequence: u64,
    /// What another process of the cluster is told besides, to show the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub shared: Option<Box<SharedLook>>,
    /// Id of the stream.
    pub stream: String,
    /// Width of the frame in pixels.
    pub width: u32,
}

/// What a process of a cluster tells another of an analysed frame, beside what every listener is told.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct SharedLook {
    /// Number of the frame in its stream.
    pub frame: u64,
    /// Whether a model looked at this frame.
    pub looked: bool,
    /// Objects that keep their number.
    pub tracks: Vec<SharedTrack>,
}

/// An object that keeps its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct SharedTrack {
    /// Its number.
    pub id: u64,
    /// Left, top, right, bottom in pixels of the frame.
    #[serde(rename = "box")]
    pub bounds: [f32; 4],
    /// Index of its label.
    pub class: usize,
    /// Of the newest detection that was it.
    pub confidence: f32,
    /// The highest of late, sinking.
    pub held_confidence: f32,
    /// Milliseconds since it was first found,
    pub age_ms: u64,
    /// and since it was last found.
    pub unseen_ms: u64,
}

/// A stream has come into another state.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct StateChange {
    /// Why it is in this state, for people; null where there is nothing to say.
    pub reason: Option<String>,
    /// The state that it is in now.
    pub state: StreamState,
    /// Id of the stream.
    pub stream: String,
}

/// A message of `GET /api/v1/streams/{id}/detections` over a WebSocket. As Server-Sent Events the name is the event's, and
/// the rest its data.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum StreamEvent {
    /// What is in a frame.
    Detections(Detections),
    /// The stream has come into another state; the first message tells the present one.
    State(StateChange),
}
