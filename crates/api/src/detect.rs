//! Objects in pictures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stream::StreamState;

/// Something found in a picture of a stream.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Detection {
    /// Left, top, right, bottom in pixels of the picture, to a tenth.
    #[serde(rename = "box")]
    pub bounds: [f64; 4],
    /// Index of the label.
    pub class: usize,
    /// 0 to 1.
    pub confidence: f64,
    /// What it is.
    pub label: String,
    /// Number of the object, the same in following pictures; null where it has none yet.
    pub track: Option<u64>,
}

/// Something found in a single picture.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct StillDetection {
    /// Left, top, right, bottom in pixels of the picture, to a hundredth.
    #[serde(rename = "box")]
    pub bounds: [f64; 4],
    /// 0 to 1.
    pub confidence: f64,
    /// What it is.
    pub label: String,
}

/// `POST /api/v1/detect`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct StillDetections {
    /// The surest first.
    pub detections: Vec<StillDetection>,
    /// Of the picture, px.
    pub height: u32,
    /// Name of the model.
    pub model: String,
    /// From the picture's arrival to the answer.
    pub ms: f64,
    /// What was asked for and is not known, in words; left out where there is nothing to say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Of the picture, px.
    pub width: u32,
}

/// What is in a picture of a stream.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Detections {
    /// When the picture came, RFC 3339.
    pub captured: String,
    /// Since then.
    pub delay_ms: f64,
    /// What is in it.
    pub detections: Vec<Detection>,
    /// Of the picture, px.
    pub height: u32,
    /// Name of the model.
    pub model: String,
    /// Counts analysed pictures, from 1.
    pub sequence: u64,
    /// Id of the stream.
    pub stream: String,
    /// Of the picture, px.
    pub width: u32,
}

/// A stream is in another state now.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct StateChange {
    /// Why, for people.
    pub reason: Option<String>,
    /// What it does now.
    pub state: StreamState,
    /// Id of the stream.
    pub stream: String,
}

/// A message of `GET /api/v1/streams/{id}/detections` over a WebSocket. As Server-Sent Events the name is the event's, and
/// the rest its data.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum StreamEvent {
    /// What is in a picture.
    Detections(Detections),
    /// The stream is in another state now.
    State(StateChange),
}
