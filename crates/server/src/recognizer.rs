//! The sign recogniser's pipeline: clients' frames to a clip model, and its predictions back.
//!
//! Transports see a [`Recognizer`] that admits [`Guest`]s, and a guest that answers each frame. Whether a model is
//! still being loaded, has failed, or is a dummy, is decided here.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::Serialize;
use sightwire_infer::clip::model::ClipModel;
use sightwire_infer::clip::service::{ClipClient, ClipService, OnPrediction, ServiceOptions, ServiceStats};
use sightwire_infer::clip::{Frame, Prediction};
use sightwire_infer::engine::{Engine, Provider};
use sightwire_infer::runtime::Runtime;

use crate::config::Config;

/// Admits clients and answers their frames.
#[derive(Debug)]
pub struct Recognizer {
    state: Mutex<State>,
    model: String,
    threshold: Option<f32>,
    max_clients: usize,
    clients: AtomicUsize,
    admitted: AtomicU64,
    refused: AtomicU64,
    /// For predictions, and for refusals.
    lines: [Mutex<LineBudget>; 2],
}

/// What the recogniser can do now.
#[derive(Clone, Debug)]
pub enum State {
    /// The model is being loaded; frames are answered with `none`.
    Loading,
    /// It predicts.
    Ready(Arc<ClipService>),
    /// The model cannot be used; why.
    Failed(String),
    /// Every answer is "hello" 0.9.
    Dummy,
}

/// What a client needs to know of the model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelFacts {
    /// Name.
    pub name: String,
    /// In the order of the scores.
    pub labels: Vec<String>,
    /// Frames a prediction is made of.
    pub window: usize,
    /// Score below which the label is `none`.
    pub threshold: f32,
    /// Of the network's input, px.
    pub width: u32,
    /// Of the network's input, px.
    pub height: u32,
}

/// The answer to a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// `none` below the threshold and before the first prediction.
    pub label: Arc<str>,
    /// Of the likeliest label, 0–1.
    pub score: f32,
    /// The prediction behind it.
    pub prediction: Option<Arc<Prediction>>,
}

/// What becomes of a guest's frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// The newest result known at this moment.
    Answer(Answer),
    /// The first answer since there is a model: now its facts can be told.
    First(Answer),
    /// There will be no answers: the model could not be loaded.
    Unavailable,
}

/// Called with each new answer, on an inference thread; must not block.
pub type OnAnswer = Arc<dyn Fn(&Answer) + Send + Sync>;

/// A client that was admitted. Dropping it frees its place and everything of it.
pub struct Guest {
    recognizer: Arc<Recognizer>,
    name: String,
    on_answer: Option<OnAnswer>,
    place: Mutex<Place>,
}

enum Place {
    /// No model yet.
    Standing,
    Seated(ClipClient, Arc<Labels>),
    Left,
}

/// Labels of a model, shared by all answers.
struct Labels {
    names: Vec<Arc<str>>,
    none: Arc<str>,
    threshold: f32,
}

/// At most so many log lines a second tell of predictions.
const LINES_PER_S: f32 = 5.0;
/// A score that passes this is worth a log line, and so is a new label.
const WORTH_A_LINE: f32 = 0.6;
/// The answer of a server that tests the wiring.
pub const DUMMY_LABEL: &str = "hello";
const DUMMY_SCORE: f32 = 0.9;

impl Recognizer {
    /// A recogniser that has no model yet.
    pub fn new(config: &Config) -> Arc<Self> {
        let options = &config.recognizer;
        Arc::new(Self {
            state: Mutex::new(if options.dummy { State::Dummy } else { State::Loading }),
            model: if options.dummy { "dummy".into() } else { options.model.clone() },
            threshold: options.threshold,
            max_clients: options.max_clients,
            clients: AtomicUsize::new(0),
            admitted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            lines: std::array::from_fn(|_| Mutex::new(LineBudget { lines: LINES_PER_S, at: Instant::now() })),
        })
    }

    /// Loads library and model; blocks. The state says what came of it.
    pub fn load(&self, config: &Config) {
        if config.recognizer.dummy {
            return;
        }
        let started = Instant::now();
        let state = match Self::start(config) {
            Ok(service) => {
                let engine = service.engine();
                tracing::info!(
                    model = self.model,
                    provider = engine.provider().name(),
                    runtime = engine.runtime().version(),
                    precision = engine.precision(service.model().clip().precision).name(),
                    threads = engine.threads(),
                    jpeg = sightwire_frame::JPEG_BACKEND,
                    took_ms = started.elapsed().as_millis() as u64,
                    "model loaded"
                );
                if let Some(note) = engine.note() {
                    tracing::warn!("{note}");
                }
                State::Ready(Arc::new(service))
            }
            Err(error) => {
                let reason = format!("{error:#}");
                tracing::error!(
                    "the recogniser has no model, and refuses clients until the server is started again: {reason}"
                );
                State::Failed(reason)
            }
        };
        *self.state.lock() = state;
    }

    fn start(config: &Config) -> anyhow::Result<ClipService> {
        let engine = &config.engine;
        let manifest = config.store.manifest(&config.recognizer.model)?;
        let model = ClipModel::load(&config.store, &manifest)?;
        let wanted = engine.options.provider.map(Provider::name);
        let runtime = Runtime::load(&config.store, engine.library.as_deref(), wanted)?;
        let options = ServiceOptions {
            limits: config.images,
            max_fps: config.recognizer.max_fps,
            turn_gap: config.recognizer.turn_gap,
            idle_release: engine.idle_release,
        };
        Ok(ClipService::start(model, Arc::new(Engine::new(runtime, engine.options.clone())?), options)?)
    }

    /// What it can do now.
    pub fn state(&self) -> State {
        self.state.lock().clone()
    }

    /// Name of the model.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// What clients are told of the model; `None` while there is none.
    pub fn facts(&self) -> Option<ModelFacts> {
        match self.state() {
            State::Ready(service) => {
                let clip = service.model().clip();
                Some(ModelFacts {
                    name: self.model.clone(),
                    labels: clip.labels.clone(),
                    window: clip.window,
                    threshold: self.threshold.unwrap_or(clip.threshold),
                    width: clip.width,
                    height: clip.height,
                })
            }
            State::Dummy => Some(ModelFacts {
                name: self.model.clone(),
                labels: vec![DUMMY_LABEL.into()],
                window: 1,
                threshold: 0.5,
                width: 224,
                height: 224,
            }),
            State::Loading | State::Failed(_) => None,
        }
    }

    /// Clients now.
    pub fn clients(&self) -> usize {
        self.clients.load(Ordering::Relaxed)
    }

    /// Clients at most.
    pub fn max_clients(&self) -> usize {
        self.max_clients
    }

    /// Clients admitted and refused so far.
    pub fn admissions(&self) -> (u64, u64) {
        (self.admitted.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }

    /// The model's counters; zeros where there is none.
    pub fn stats(&self) -> ServiceStats {
        match self.state() {
            State::Ready(service) => service.stats(),
            _ => ServiceStats::default(),
        }
    }

    /// A place for a client, or `None` at capacity. `name` is for log lines; `on_answer` is called with each new
    /// answer as soon as it is known.
    pub fn admit(self: &Arc<Self>, name: String, on_answer: Option<OnAnswer>) -> Option<Guest> {
        let admitted = self
            .clients
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < self.max_clients).then_some(n + 1))
            .is_ok();
        if !admitted {
            let refused = self.refused.fetch_add(1, Ordering::Relaxed) + 1;
            if self.lines[1].lock().take() {
                tracing::warn!(
                    "ERROR client={name} refused: at capacity ({} clients); {refused} refused so far",
                    self.max_clients
                );
            }
            return None;
        }
        self.admitted.fetch_add(1, Ordering::Relaxed);
        tracing::info!("CONNECT client={name} clients={}", self.clients());
        Some(Guest { recognizer: self.clone(), name, on_answer, place: Mutex::new(Place::Standing) })
    }

    fn labels(&self, service: &ClipService) -> Arc<Labels> {
        let clip = service.model().clip();
        Arc::new(Labels {
            names: clip.labels.iter().map(|label| Arc::from(label.as_str())).collect(),
            none: Arc::from("none"),
            threshold: self.threshold.unwrap_or(clip.threshold),
        })
    }
}

impl Guest {
    /// Takes a frame and answers with the newest result known at this moment; never waits for a prediction.
    pub fn frame(&self, frame: Frame) -> Reply {
        let none = |label: &str, score| Answer { label: Arc::from(label), score, prediction: None };
        let mut place = self.place.lock();
        if let Place::Seated(client, labels) = &*place {
            let answer = labels.answer(client.newest());
            client.push(frame);
            return Reply::Answer(answer);
        }
        match self.recognizer.state() {
            _ if matches!(*place, Place::Left) => Reply::Answer(none("none", 0.0)),
            State::Ready(service) => {
                let labels = self.recognizer.labels(&service);
                let client = service.join(self.on_prediction(labels.clone()));
                client.push(frame);
                *place = Place::Seated(client, labels);
                Reply::First(none("none", 0.0))
            }
            State::Loading => Reply::Answer(none("none", 0.0)),
            State::Dummy => Reply::Answer(none(DUMMY_LABEL, DUMMY_SCORE)),
            State::Failed(_) => Reply::Unavailable,
        }
    }

    /// Frees the place now, though the guest may still be held somewhere.
    pub fn leave(&self, reason: &str) {
        let left = std::mem::replace(&mut *self.place.lock(), Place::Left);
        if !matches!(left, Place::Left) {
            let clients = self.recognizer.clients.fetch_sub(1, Ordering::Relaxed) - 1;
            tracing::info!("DISCONNECT client={} reason={reason} clients={clients}", self.name);
        }
    }

    fn on_prediction(&self, labels: Arc<Labels>) -> OnPrediction {
        let (recognizer, name, on_answer) =
            (self.recognizer.clone(), self.name.clone(), self.on_answer.clone());
        let last_line: Mutex<(Arc<str>, bool)> = Mutex::new((Arc::from(""), false));
        Box::new(move |prediction| {
            let answer = labels.answer(Some(prediction.clone()));
            let line = (answer.label.clone(), answer.score > WORTH_A_LINE);
            let mut last = last_line.lock();
            let news = last.0 != line.0 || (line.1 && !last.1);
            if news && recognizer.lines[0].lock().take() {
                tracing::info!("PREDICTION client={name} label={} score={:.2}", answer.label, answer.score);
                *last = line;
            } else if !line.1 {
                last.1 = false; // the score has to pass the mark again to be news
            }
            drop(last);
            if let Some(on_answer) = &on_answer {
                on_answer(&answer);
            }
        })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.leave("the connection ended");
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Labels {
    fn answer(&self, prediction: Option<Arc<Prediction>>) -> Answer {
        let Some(prediction) = prediction else {
            return Answer { label: self.none.clone(), score: 0.0, prediction: None };
        };
        let label =
            if prediction.score < self.threshold { &self.none } else { &self.names[prediction.label] };
        Answer { label: label.clone(), score: prediction.score, prediction: Some(prediction) }
    }
}

/// A bucket that fills with [`LINES_PER_S`].
#[derive(Debug)]
struct LineBudget {
    lines: f32,
    at: Instant,
}

impl LineBudget {
    fn take(&mut self) -> bool {
        let now = Instant::now();
        let elapsed: Duration = now.saturating_duration_since(self.at);
        self.at = now;
        self.lines = (self.lines + elapsed.as_secs_f32() * LINES_PER_S).min(LINES_PER_S);
        let one = self.lines >= 1.0;
        self.lines -= f32::from(u8::from(one));
        one
    }
}
