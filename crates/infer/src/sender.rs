//! What clients send frame by frame, and what they get for it, whichever model looks at the frames.

use std::str::Utf8Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use sightwire_base::histogram::{Histogram, HistogramSnapshot};
use sightwire_engine::EngineError;
use sightwire_frame::Image;
use sightwire_frame::header::Limits;
use sightwire_frame::sent::{self, FrameDecoder, SentError};

use crate::clip::meant::Meant;
use crate::clip::scheduler::Verdict;
use crate::landmarks::HandSight;

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

/// What the model makes of one window, or of one frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Index of the likeliest label.
    pub label: usize,
    /// Probability of that label, 0–1.
    pub score: f32,
    /// It is to be said: with arming, not every motion is.
    pub meant: bool,
    /// Probabilities of all labels, in the manifest's order.
    pub scores: Box<[f32]>,
    /// The client's number of the newest frame in the window.
    pub seen: Option<u64>,
    /// When the newest frame in the window arrived.
    pub arrived: Instant,
    /// When the prediction was ready.
    pub finished: Instant,
    /// What was seen of hands, where the model knows hands.
    pub sight: Option<Box<HandSight>>,
}

/// Called on a worker thread with each new prediction; must not block.
pub type OnPrediction = Box<dyn Fn(&Arc<Prediction>) + Send + Sync>;

/// Counters since the service began, and what is so now.
#[derive(Clone, Debug, Default)]
pub struct ServiceStats {
    /// Frames that clients handed in.
    pub frames: u64,
    /// Frames decoded and run through the backbone.
    pub analysed: u64,
    /// Frames not analysed because it was not their client's turn.
    pub skipped: u64,
    /// Frames not analysed because their client sent too many a second.
    pub excess: u64,
    /// Frames that could not be decoded.
    pub broken: u64,
    /// Runs of a network that failed.
    pub failed: u64,
    /// Predictions made of complete windows.
    pub predictions: u64,
    /// Clients that have joined and not left.
    pub clients: usize,
    /// Clients whose frames are being analysed now.
    pub running: usize,
    /// Frames that wait for a worker now.
    pub pending: usize,
    /// Workers that hold sessions now.
    pub workers_with_sessions: usize,
    /// Frames a second that the workers can analyse, as measured.
    pub capacity_fps: f32,
    /// How long the client that has waited longest for its turn has waited.
    pub longest_wait: Duration,
    /// Arrival of a window's newest frame to its prediction.
    pub delay: HistogramSnapshot,
    /// Decoding and resizing of a frame.
    pub decode: HistogramSnapshot,
    /// Backbone and, where a window is complete, head.
    pub infer: HistogramSnapshot,
}

impl ServiceStats {
    /// Adds the counters, not the gauges, of another service.
    pub fn add_counters(&mut self, other: &Self) {
        self.frames += other.frames;
        self.analysed += other.analysed;
        self.skipped += other.skipped;
        self.excess += other.excess;
        self.broken += other.broken;
        self.failed += other.failed;
        self.predictions += other.predictions;
        self.delay.add(&other.delay);
        self.decode.add(&other.decode);
        self.infer.add(&other.infer);
    }
}

#[derive(Default)]
pub(crate) struct Counters {
    pub frames: AtomicU64,
    pub analysed: AtomicU64,
    pub skipped: AtomicU64,
    pub excess: AtomicU64,
    pub broken: AtomicU64,
    pub failed: AtomicU64,
    pub predictions: AtomicU64,
    pub delay: Histogram,
    pub decode: Histogram,
    pub infer: Histogram,
}

impl Counters {
    /// All of them; what goes up and down is left at its default.
    pub fn stats(&self) -> ServiceStats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ServiceStats {
            frames: get(&self.frames),
            analysed: get(&self.analysed),
            skipped: get(&self.skipped),
            excess: get(&self.excess),
            broken: get(&self.broken),
            failed: get(&self.failed),
            predictions: get(&self.predictions),
            delay: self.delay.snapshot(),
            decode: self.decode.snapshot(),
            infer: self.infer.snapshot(),
            ..ServiceStats::default()
        }
    }

    /// A frame came, of which this was made.
    pub fn count_frame(&self, verdict: Verdict) {
        self.frames.fetch_add(1, Ordering::Relaxed);
        match verdict {
            Verdict::Queued => {}
            Verdict::Skipped => {
                self.skipped.fetch_add(1, Ordering::Relaxed);
            }
            Verdict::Excess => {
                self.excess.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// What a client and the worker on its frames share.
pub(crate) struct ClientState {
    newest: Mutex<Option<Arc<Prediction>>>,
    on_prediction: OnPrediction,
    left: AtomicBool,
    /// Tells which motions are meant, where that is asked for.
    meant: Option<Mutex<Meant>>,
}

impl ClientState {
    /// Of one that has just come.
    pub fn new(on_prediction: OnPrediction, meant: Option<Meant>) -> Arc<Self> {
        let (newest, left) = (Mutex::new(None), AtomicBool::new(false));
        Arc::new(Self { newest, on_prediction, left, meant: meant.map(Mutex::new) })
    }

    /// Nobody waits for its predictions any more.
    pub fn leave(&self) {
        self.left.store(true, Ordering::Relaxed);
    }

    /// Whether it has left.
    pub fn has_left(&self) -> bool {
        self.left.load(Ordering::Relaxed)
    }

    /// The newest prediction; `None` before the first.
    pub fn newest(&self) -> Option<Arc<Prediction>> {
        self.newest.lock().clone()
    }

    /// Counts a prediction, and tells the client.
    pub fn publish(&self, counters: &Counters, mut prediction: Prediction) {
        if let Some(meant) = &self.meant {
            prediction.meant =
                meant.lock().see_prediction(prediction.arrived, prediction.label, prediction.score);
        }
        counters.delay.record(prediction.finished.saturating_duration_since(prediction.arrived));
        counters.predictions.fetch_add(1, Ordering::Relaxed);
        if self.has_left() {
            return;
        }
        let prediction = Arc::new(prediction);
        *self.newest.lock() = Some(prediction.clone());
        (self.on_prediction)(&prediction);
    }
}

/// Why a frame is not a picture.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// Its base64 is not text.
    #[error(transparent)]
    Text(#[from] Utf8Error),
    /// Not the picture that its header promised.
    #[error(transparent)]
    Broken(#[from] SentError),
}

/// One thread's decoder of frames, and its buffers.
pub(crate) struct Decode {
    limits: Limits,
    decoder: FrameDecoder,
    encoded: Vec<u8>,
    /// The frame that was decoded last.
    pub image: Image,
}

impl Decode {
    /// For frames within these limits.
    pub fn new(limits: Limits) -> Result<Self, EngineError> {
        let decoder = FrameDecoder::new().map_err(|error| {
            let network = "the JPEG decoder".to_owned();
            EngineError::Run { network, reason: error.to_string() }
        })?;
        Ok(Self { limits, decoder, encoded: Vec::new(), image: Image::new(0, 0) })
    }

    /// Decodes a frame into the picture that this keeps.
    pub fn decode(&mut self, payload: &Payload) -> Result<&Image, PayloadError> {
        let bytes = match payload {
            Payload::Binary(bytes) => bytes.as_ref(),
            Payload::Base64(text) => {
                sent::decode_text(str::from_utf8(text)?, &mut self.encoded)?;
                self.encoded.as_slice()
            }
        };
        self.decoder.decode(bytes, &self.limits, &mut self.image)?;
        Ok(&self.image)
    }
}
