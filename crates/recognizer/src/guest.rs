//! A client that was admitted, its frames and its answers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use sightwire_infer::clip::service::{ClipClient, ClipService, OnPrediction};
use sightwire_infer::clip::{Frame, Prediction};

use super::{DUMMY_LABEL, DUMMY_SCORE, ModelFacts, Recognizer, State};

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

/// What a guest may be told between frames.
#[derive(Debug)]
pub enum Event<'a> {
    /// From now on answers are of another model.
    Model(&'a ModelFacts),
    /// There is a new answer.
    Answer(&'a Answer),
}

/// Called on an inference thread; must not block.
pub type OnEvent = Arc<dyn Fn(Event<'_>) + Send + Sync>;

/// A client that was admitted. Dropping it frees its place and everything of it.
pub struct Guest {
    recognizer: Arc<Recognizer>,
    name: String,
    on_event: Option<OnEvent>,
    place: Mutex<Place>,
}

enum Place {
    /// No model yet.
    Standing,
    Seated {
        seat: Seat,
        /// At the model that was replaced: it answers until the new one has its first prediction.
        before: Option<Seat>,
    },
    Left,
}

/// A client's place at one model.
struct Seat {
    client: ClipClient,
    labels: Arc<Labels>,
    generation: u64,
}

/// Labels of a model, shared by all answers.
struct Labels {
    model: Arc<str>,
    names: Vec<Arc<str>>,
    none: Arc<str>,
    threshold: f32,
    /// The client has a seat at a newer model, and that has made a prediction: what this one makes is not news.
    replaced: AtomicBool,
    /// The client has been told of the model, so that answers may be of it.
    announced: AtomicBool,
}

/// A score that passes this is worth a log line, and so is a new label.
const WORTH_A_LINE: f32 = 0.6;

impl Guest {
    pub(super) fn new(recognizer: Arc<Recognizer>, name: String, on_event: Option<OnEvent>) -> Self {
        Self { recognizer, name, on_event, place: Mutex::new(Place::Standing) }
    }

    /// Takes a frame and answers with the newest result known at this moment; never waits for a prediction.
    pub fn frame(&self, frame: Frame) -> Reply {
        let none = |label: &str, score| Answer { label: Arc::from(label), score, prediction: None };
        let mut place = self.place.lock();
        let generation = self.recognizer.generation.load(Ordering::Acquire);
        if let Place::Seated { seat, before } = &mut *place
            && seat.generation == generation
        {
            let answer = seat.answer(before);
            seat.client.push(frame);
            return Reply::Answer(answer);
        }
        if matches!(*place, Place::Left) {
            return Reply::Answer(none("none", 0.0));
        }
        let (state, generation) = self.recognizer.state_and_generation();
        match state {
            State::Ready(service) => {
                let (before, answer) = match std::mem::replace(&mut *place, Place::Standing) {
                    Place::Seated { seat, mut before } => {
                        let answer = seat.answer(&mut before);
                        (Some(before.unwrap_or(seat)), Some(answer))
                    }
                    _ => (None, None),
                };
                let seat = self.sit(&service, generation, before.as_ref());
                seat.client.push(frame);
                *place = Place::Seated { seat, before };
                answer.map_or_else(|| Reply::First(none("none", 0.0)), Reply::Answer)
            }
            State::Loading(_) => Reply::Answer(none("none", 0.0)),
            State::Dummy => Reply::Answer(none(DUMMY_LABEL, DUMMY_SCORE)),
            State::Failed { .. } => Reply::Unavailable,
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

    /// A seat at a model. The guest is told of the model with its first prediction, if there was one `before`.
    fn sit(&self, service: &ClipService, generation: u64, before: Option<&Seat>) -> Seat {
        let clip = service.clip();
        let labels = Arc::new(Labels {
            model: service.name().into(),
            names: clip.labels.iter().map(|label| Arc::from(label.as_str())).collect(),
            none: Arc::from("none"),
            threshold: self.recognizer.options.threshold.unwrap_or(clip.threshold),
            replaced: AtomicBool::new(false),
            announced: AtomicBool::new(before.is_none()),
        });
        let announce = before.map(|seat| (seat.labels.clone(), self.recognizer.facts_of(service)));
        let client = service.join(self.on_prediction(labels.clone(), announce));
        Seat { client, labels, generation }
    }

    fn on_prediction(
        &self,
        labels: Arc<Labels>,
        announce: Option<(Arc<Labels>, ModelFacts)>,
    ) -> OnPrediction {
        // Not the recogniser, which holds the service that calls this.
        let (lines, name, on_event) =
            (self.recognizer.lines.clone(), self.name.clone(), self.on_event.clone());
        let last_line: Mutex<(Arc<str>, bool)> = Mutex::new((Arc::from(""), false));
        let announce = Mutex::new(announce);
        Box::new(move |prediction| {
            if labels.replaced.load(Ordering::Relaxed) {
                return;
            }
            if let Some((before, facts)) = announce.lock().take() {
                before.replaced.store(true, Ordering::Relaxed);
                // The same model in a faster way is no news.
                let same = before.model == labels.model && before.names == labels.names;
                if let Some(on_event) = on_event.as_ref().filter(|_| !same) {
                    on_event(Event::Model(&facts));
                }
                labels.announced.store(true, Ordering::Release);
            }
            let answer = labels.answer(Some(prediction.clone()));
            let line = (answer.label.clone(), answer.score > WORTH_A_LINE);
            let mut last = last_line.lock();
            let news = last.0 != line.0 || (line.1 && !last.1);
            if news && lines[0].take() {
                tracing::info!("PREDICTION client={name} label={} score={:.2}", answer.label, answer.score);
                *last = line;
            } else if !line.1 {
                last.1 = false; // the score has to pass the mark again to be news
            }
            drop(last);
            if let Some(on_event) = &on_event {
                on_event(Event::Answer(&answer));
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

impl Seat {
    /// The newest answer: of this model or, until that has one, of the one before.
    fn answer(&self, before: &mut Option<Seat>) -> Answer {
        match before {
            Some(before) if !self.labels.announced.load(Ordering::Acquire) => {
                before.labels.answer(before.client.newest())
            }
            _ => {
                *before = None;
                self.labels.answer(self.client.newest())
            }
        }
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
