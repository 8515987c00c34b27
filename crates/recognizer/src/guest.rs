//! A client that was admitted, its frames and its answers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use sightwire_infer::clip::service::{ClipClient, ClipService};
use sightwire_infer::clip::{Frame, Prediction};

use super::lines::LineBudget;
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
    replaced: Mutex<bool>,
    /// The client has been told of the model, so that answers may be of it.
    announced: AtomicBool,
}

/// Tells a guest of what a model makes of its frames.
struct Telling {
    name: String,
    lines: Arc<[LineBudget; 2]>,
    on_event: Option<OnEvent>,
    labels: Arc<Labels>,
    /// What its first prediction takes the place of, and what the guest is told of the model then.
    announce: Mutex<Option<(Arc<Labels>, ModelFacts)>>,
    /// Label of the last line, and whether its score was worth one.
    last_line: Mutex<(Arc<str>, bool)>,
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
            replaced: Mutex::new(false),
            announced: AtomicBool::new(before.is_none()),
        });
        // Not the recogniser, which holds the service that calls this.
        let telling = Telling {
            name: self.name.clone(),
            lines: self.recognizer.lines.clone(),
            on_event: self.on_event.clone(),
            labels: labels.clone(),
            announce: Mutex::new(before.map(|seat| (seat.labels.clone(), self.recognizer.facts_of(service)))),
            last_line: Mutex::new((Arc::from(""), false)),
        };
        let client = service.join(Box::new(move |prediction| telling.tell(prediction)));
        Seat { client, labels, generation }
    }
}

impl Telling {
    /// Passes a prediction on, unless a newer model has made one.
    fn tell(&self, prediction: &Arc<Prediction>) {
        // Until all is said: what comes after a newer model's facts is of that model. Taken from newer to older only.
        let replaced = self.labels.replaced.lock();
        if *replaced {
            return;
        }
        if let Some((before, facts)) = self.announce.lock().take() {
            *before.replaced.lock() = true;
            // The same model in a faster way is no news.
            let same = before.model == self.labels.model && before.names == self.labels.names;
            if let Some(on_event) = self.on_event.as_ref().filter(|_| !same) {
                on_event(Event::Model(&facts));
            }
            self.labels.announced.store(true, Ordering::Release);
        }
        let answer = self.labels.answer(Some(prediction.clone()));
        self.log(&answer);
        if let Some(on_event) = &self.on_event {
            on_event(Event::Answer(&answer));
        }
    }

    fn log(&self, answer: &Answer) {
        let line = (answer.label.clone(), answer.score > WORTH_A_LINE);
        let mut last = self.last_line.lock();
        let news = last.0 != line.0 || (line.1 && !last.1);
        if news && self.lines[0].take() {
            let (name, Answer { label, score, .. }) = (&self.name, answer);
            tracing::info!("PREDICTION client={name} label={label} score={score:.2}");
            *last = line;
        } else if !line.1 {
            last.1 = false; // the score has to pass the mark again to be news
        }
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    fn labels(model: &str) -> Arc<Labels> {
        Arc::new(Labels {
            model: model.into(),
            names: vec![model.into()],
            none: "none".into(),
            threshold: 0.5,
            replaced: Mutex::new(false),
            announced: AtomicBool::new(false),
        })
    }

    fn telling(
        labels: &Arc<Labels>,
        announce: Option<(Arc<Labels>, ModelFacts)>,
        on_event: &OnEvent,
    ) -> Telling {
        Telling {
            name: "guest".into(),
            lines: Arc::new([LineBudget::new(), LineBudget::new()]),
            on_event: Some(on_event.clone()),
            labels: labels.clone(),
            announce: Mutex::new(announce),
            last_line: Mutex::new(("".into(), false)),
        }
    }

    #[test]
    fn after_a_models_facts_no_answer_is_of_the_model_before() {
        let now = Instant::now();
        let prediction = Arc::new(Prediction {
            label: 0,
            score: 0.9,
            scores: [0.9].into(),
            seen: None,
            arrived: now,
            finished: now,
        });
        let (told, all) = mpsc::channel();
        let (said, is_saying) = mpsc::channel();
        let (go_on, waits) = mpsc::channel::<()>();
        let waits = Mutex::new(waits);
        let on_event: OnEvent = Arc::new(move |event| {
            let word = match event {
                Event::Model(facts) => format!("facts of {}", facts.name),
                Event::Answer(answer) => answer.label.to_string(),
            };
            if word == "old" {
                said.send(()).unwrap();
                // As a thread that has lost its turn; whoever may pass it has time to.
                let _ = waits.lock().recv_timeout(Duration::from_millis(200));
            }
            told.send(word).unwrap();
        });
        let (old, new) = (labels("old"), labels("new"));
        let facts = ModelFacts {
            name: "new".into(),
            labels: vec!["new".into()],
            window: 1,
            threshold: 0.5,
            width: 1,
            height: 1,
        };
        let before = telling(&old, None, &on_event);
        let after = telling(&new, Some((old.clone(), facts)), &on_event);
        thread::scope(|threads| {
            let old = threads.spawn(|| before.tell(&prediction));
            is_saying.recv().unwrap();
            after.tell(&prediction);
            let _ = go_on.send(());
            old.join().unwrap();
        });
        before.tell(&prediction);
        drop((before, after, on_event));
        assert_eq!(all.into_iter().collect::<Vec<_>>(), ["old", "facts of new", "new"]);
    }
}
