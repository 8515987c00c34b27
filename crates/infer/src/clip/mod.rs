//! Clip classification: a window of a sender's last N frames in, a label out.
//!
//! - [`scheduler`]: whose frames are analysed
//! - [`service`]: the threads that do it, and what clients see of it
//! - [`model`]: the networks: a backbone over each frame once, a head over each window

pub mod model;
pub mod scheduler;
pub mod service;

use std::time::Instant;

use bytes::Bytes;

/// A frame as it came from a client: not decoded yet, and perhaps never.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The encoded picture, decoded when a worker takes the frame.
    pub payload: Payload,
    /// When it arrived at the server: delays and the order of replies count from here.
    pub arrived: Instant,
    /// The client's own number for it.
    pub id: Option<u64>,
}

/// An encoded picture. Shares its bytes with the message it came in.
#[derive(Clone)]
pub enum Payload {
    /// A picture in base64, with or without a `data:` prefix, as [`sightwire_frame::sent`] reads it.
    Base64(Bytes),
    /// JPEG, PNG, WebP, BMP or TIFF.
    Binary(Bytes),
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Payload::Base64(bytes) => write!(f, "Base64({} bytes)", bytes.len()),
            Payload::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
        }
    }
}

/// What the model makes of one window.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Index of the likeliest label.
    pub label: usize,
    /// Probability of that label, 0–1.
    pub score: f32,
    /// Probabilities of all labels, in the manifest's order.
    pub scores: Box<[f32]>,
    /// The client's number of the newest frame in the window.
    pub seen: Option<u64>,
    /// When the newest frame in the window arrived.
    pub arrived: Instant,
    /// When the prediction was ready.
    pub finished: Instant,
}
