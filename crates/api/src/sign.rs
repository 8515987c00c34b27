//! Events of the sign recogniser over Socket.IO.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Events `status` (`ready`, once, on connect) and `error` (why a client is sent away).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct SignMessage<'a> {
    /// For programs where it is `ready`, else for people.
    #[serde(borrow)]
    pub message: Cow<'a, str>,
}

/// Event `frame` of a client, where it is text; an attachment may stand in place of base64.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct SignFrame {
    /// A JPEG, PNG, WebP, BMP or TIFF as base64, with or without `data:image/…;base64,` before it.
    pub image: String,
    /// The client's own number for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
}

/// Event `prediction`: one for each valid frame, with the newest result.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Prediction<'a> {
    /// `none` below the model's threshold, and before the first result.
    #[serde(borrow)]
    pub label: Cow<'a, str>,
    /// 0 to 1.
    pub score: f32,
}

/// Event `prediction` for a client that asked for `extras`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct DetailedPrediction<'a> {
    /// `none` below the model's threshold, and before the first result.
    #[serde(borrow)]
    pub label: Cow<'a, str>,
    /// 0 to 1.
    pub score: f32,
    /// Of the frame, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// Id of the newest frame that the result has seen.
    pub seen: Option<u64>,
    /// Probabilities in the order of the model's labels; null before the first result.
    pub scores: Option<Cow<'a, [f32]>>,
}

/// Event `result` for a client that asked for `extras`: as soon as a prediction ends.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct SignResult<'a> {
    /// `none` below the model's threshold.
    #[serde(borrow)]
    pub label: Cow<'a, str>,
    /// 0 to 1.
    pub score: f32,
    /// Id of the newest frame that it has seen.
    pub seen: Option<u64>,
    /// Probabilities in the order of the model's labels.
    pub scores: Cow<'a, [f32]>,
    /// From the arrival of the window's newest frame to this.
    pub age_ms: f32,
}

/// Event `model` for a client that asked for `extras`: after `status`, and when another takes its place.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct SignModel {
    /// Its name.
    pub name: String,
    /// In the order of the scores.
    pub labels: Vec<String>,
    /// Frames that a prediction is made of.
    pub window: usize,
    /// Below this score the label is `none`.
    pub threshold: f32,
    /// Of the network's input, px; the server scales every frame to it.
    pub width: u32,
    /// Of the network's input, px.
    pub height: u32,
}

/// Why an Engine.IO request is refused, with status 400.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct EngineIoError {
    /// As in Engine.IO's own table.
    pub code: u8,
    /// For people.
    pub message: String,
}
