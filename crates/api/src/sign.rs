//! Events of the sign recogniser over Socket.IO.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Events `status` (`ready`, once, on connect) and `error` (why a client is sent away).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct SignMessage<'a> {
    /// `ready` in the event `status`, else the reason in a sentence for people.
    #[serde(borrow)]
    pub message: Cow<'a, str>,
}

/// What a client may say when it connects to the namespace (`auth` of socket.io-client); old clients say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct SignConnect {
    /// Whether it wants more than the prototype's events: `model`, `result`, and more fields of `prediction`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extras: Option<bool>,
    /// A key, where none came with the handshake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Event `frame` of a client, where it is text; an attachment may stand in place of base64.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct SignFrame {
    /// A JPEG, PNG, WebP, BMP or TIFF as base64, with or without `data:image/…;base64,` before it.
    pub image: String,
    /// The client's own number for the frame; only clients that asked for `extras` get it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
}

/// Event `prediction`: one for each valid frame, with the newest result.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Prediction<'a> {
    /// `none` below the model's threshold, and before the first result.
    #[serde(borrow)]
    pub label: Cow<'a, str>,
    /// Probability of the likeliest label, from 0 to 1; 0 before the first result.
    pub score: f32,
}

/// Event `prediction` for a client that asked for `extras`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct DetailedPrediction<'a> {
    /// `none` below the model's threshold, and before the first result.
    #[serde(borrow)]
    pub label: Cow<'a, str>,
    /// Probability of the likeliest label, from 0 to 1; 0 before the first result.
    pub score: f32,
    /// The `id` of the frame that this answers; left out where the frame had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// The `id` of the newest frame that the result has seen; null without a result, or where that frame had none.
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
    /// Probability of the likeliest label, from 0 to 1.
    pub score: f32,
    /// The `id` of the newest frame that the result has seen; null where that frame had none.
    pub seen: Option<u64>,
    /// Probabilities in the order of the model's labels.
    pub scores: Cow<'a, [f32]>,
    /// Milliseconds from the arrival of the window's newest frame to this event.
    pub age_ms: f32,
    /// What was seen of hands, where the model knows hands; left out otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sight: Option<HandSight>,
}

/// Hands in a frame or picture.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct HandSight {
    /// Of the frame, in pixels.
    pub width: u32,
    /// Of the frame, in pixels.
    pub height: u32,
    /// The hands, the longest known first; at most as many as the server follows.
    pub hands: Vec<SeenHand>,
    /// Label of the motion that was made within the last second; null if none was.
    pub motion: Option<String>,
    /// What keeps hands from being seen well.
    pub hints: Vec<HandHint>,
    /// Of whoever shows the hands; null where they are not visible, or the server has no model `pose`.
    pub shoulders: Option<Shoulders>,
}

/// Where a person's shoulders were seen last: they are looked for a few times a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Shoulders {
    /// The left one, if the picture is not mirrored, as x, y in pixels of the frame.
    pub left: [f32; 2],
    /// The right one.
    pub right: [f32; 2],
}

/// A hand in a frame or picture.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct SeenHand {
    /// The same as long as the hand is followed.
    pub id: u64,
    /// Which hand of the person, if the picture is not mirrored.
    pub side: HandSide,
    /// How sure it is that this is a hand, from 0 to 1.
    pub presence: f32,
    /// 21 joints as x, y in pixels of the frame, and depth relative to the wrist, towards the camera negative: wrist, then thumb,
    /// index, middle, ring and little finger with four each, from the palm to the tip.
    pub points: Vec<[f32; 3]>,
    /// Label of the shape that it has held for 0.3 s; null if that is none of those known.
    pub shape: Option<String>,
    /// How much of the time is over for which an open palm has to be held so that the next motion counts, from 0 to 1.
    pub arming: f32,
    /// Milliseconds for which the next motion counts; 0 if it does not.
    pub armed_ms: u32,
}

/// A hand of a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HandSide {
    /// The left one.
    Left,
    /// The right one.
    #[default]
    Right,
}

/// What keeps hands from being seen well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HandHint {
    /// Fewer than 20 frames a second: motions are lost.
    #[default]
    Slow,
    /// The picture is dark, so the camera exposes for long and blurs what moves.
    Dark,
    /// A hand is so small that it will be lost.
    Far,
    /// Part of a hand is outside the frame.
    Cut,
    /// A hand has not moved for 20 s, as a picture of one: nothing is said of it until it does.
    Frozen,
    /// There are more hands than the server follows (`recognizer.hands`).
    Crowded,
    /// For 3 s something was taken for a palm, whose joints are not clear: a glove, a hand that is covered, or a face.
    Unclear,
}

/// Event `model` for a client that asked for `extras`: after `status`, and when another model takes its place.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct SignModel {
    /// Name of the model, as in `GET /api/v1/models`.
    pub name: String,
    /// Names of the classes, in the order of `scores`.
    pub labels: Vec<String>,
    /// How many frames a prediction is made of.
    pub window: usize,
    /// Below this score the label is `none`.
    pub threshold: f32,
    /// Whether motions count only once they are armed (`recognizer.arming`): others are `none`, whatever their score.
    pub arming: bool,
    /// Width of the network's input in pixels; the server scales every frame, or with hands a part of it, to it.
    pub width: u32,
    /// Height of the network's input in pixels.
    pub height: u32,
}

/// Why an Engine.IO request is refused, with status 400.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct EngineIoError {
    /// Error code as the Engine.IO protocol numbers them.
    pub code: u8,
    /// The reason in words, as Engine.IO has it.
    pub message: String,
}
