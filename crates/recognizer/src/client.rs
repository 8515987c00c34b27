//! A client that was admitted, its frames and its answers.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sightwire_base::clock;
use sightwire_base::lines::PREDICTION;
use sightwire_infer::landmarks;
use sightwire_infer::sender::{Frame, Prediction};

use super::lines::LineBudget;
use crate::replies::{self, Replies};
use crate::service::{Service, ServiceClient};

use sightwire_api::sign::{HandSight, SignModel};

use super::{DUMMY_LABEL, DUMMY_SCORE, Recognizer, State};

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

impl Answer {
    /// What was seen of hands, where the model knows hands.
    pub fn sight(&self) -> Option<HandSight> {
        self.prediction.as_ref()?.sight.as_deref().map(landmarks::HandSight::to_api)
    }
}

/// What becomes of a client's frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// The newest result known at this moment.
    Answer(Answer),
    /// The first answer since there is a model: now its facts can be told.
    First(Answer),
    /// There will be no answers: the model could not be loaded.
    Unavailable,
}

/// What a client may be told between frames.
#[derive(Debug)]
pub enum Event<'a> {
    /// From now on answers are of another model.
    Model(&'a SignModel),
    /// There is a new answer.
    Answer(&'a Answer),
}

/// Called on an inference thread, for a client once at a time; must not block, nor wait for another event or reply.
pub type OnEvent = Arc<dyn Fn(Event<'_>) + Send + Sync>;

/// A client that was admitted. Dropping it frees its place and everything of it.
///
/// Any thread may call it. Its frames are taken one at a time, in the order in which calls of [`Self::push_frame`] get the
/// lock; such a call hands the frame in, and does not wait for a result.
///
/// Each frame that is pushed has exactly one reply, in the order of frames:
///
/// - one that may wait, and whose prediction is about to come: with that prediction or a later one, or with the newest answer known
///   when `recognizer.reply_wait_s` have passed since it arrived;
/// - another one that may wait: with the newest answer known, after the replies before it;
/// - one that may not wait: with the newest answer known, at once; the replies that still wait are called first.
///
/// At most 32 wait; with one more, the first is answered with what is known. Only replies that wait when the client leaves are
/// dropped uncalled. What is dropped before it is pushed, such as a frame beyond `limits.frames_per_s`, has none. What gives way under load is the analysis: frames that a model does not take
/// are counted in its [`ServiceStats`](sightwire_infer::sender::ServiceStats), as skipped or in excess. Predictions of a model
/// that was replaced are dropped once the next one has made one; those of one that never came to answer, once it is replaced.
///
/// Replies are called with the client's lock held, on the thread that pushes a frame, on one of the model's, or in
/// [`Recognizer::send_overdue_replies`], and so are events, on one of the model's alone: they must neither block nor call the
/// client. [`Reply::Unavailable`] alone comes without the lock, so that the client can leave.
///
/// It ends with [`Self::leave`] or when it is dropped, whichever is first; its place is free at once. Frames that still come
/// are answered with `none`. An event that a thread of the model was about to tell may still come after that.
///
/// Locks, in the order in which they are taken: `announced`, `assignment`, then the recogniser's, then that of the model's
/// queue. That of `replies::Due` is taken under `announced`, and released before a client is asked to send what is overdue.
pub struct Client {
    recognizer: Arc<Recognizer>,
    name: String,
    on_event: Option<OnEvent>,
    announced: Arc<Mutex<Announced>>,
    /// Under it the recogniser's locks are taken, and that of the model's queue.
    assignment: Mutex<Assignment>,
    /// That the dummy answers it stands in the log.
    has_dummy_line: AtomicBool,
}

enum Assignment {
    /// There is no model yet that it could have a place at.
    Waiting,
    Assigned {
        model_client: ModelClient,
        /// At the model that was replaced: it answers until the new one has its first prediction.
        before: Option<ModelClient>,
    },
    Left,
}

/// A client's place at one model.
struct ModelClient {
    client: Box<dyn ServiceClient>,
    labels: Arc<Labels>,
    generation: u64,
}

/// Labels of a model, shared by all answers.
struct Labels {
    model: Arc<str>,
    names: Vec<Arc<str>>,
    none: Arc<str>,
    threshold: f32,
}

/// What a client has been told, by all its model clients. Locked while something is told, so that nothing of a model comes after
/// the facts of the next.
///
/// Its lock comes before that of [`Client::assignment`].
#[derive(Default)]
struct Announced {
    /// Generation and labels of the model that answers are of.
    model: Option<(u64, Arc<Labels>)>,
    /// Generation of the newest model client, which may replace that.
    newest_generation: u64,
    replies: Replies,
}

/// Tells a client of what a model makes of its frames.
struct Telling {
    name: String,
    lines: Arc<[LineBudget; 2]>,
    last_sign: Arc<Mutex<Option<LastSign>>>,
    on_event: Option<OnEvent>,
    announced: Arc<Mutex<Announced>>,
    generation: u64,
    labels: Arc<Labels>,
    facts: SignModel,
    /// Label of the last line, and whether its score was worth one.
    last_line: Mutex<(Arc<str>, bool)>,
}

/// What was recognised last, of anybody's frames.
#[derive(Clone, Debug)]
pub struct LastSign {
    /// Its name.
    pub label: Arc<str>,
    /// From 0 to 1.
    pub score: f32,
    /// When.
    pub at: Instant,
}

/// Nobody signs these.
const RESTS: [&str; 2] = ["none", "still"];

/// A score that passes this is worth a log line, and so is a new label.
const WORTH_A_LINE: f32 = 0.6;

impl Client {
    pub(super) fn new(recognizer: Arc<Recognizer>, name: String, on_event: Option<OnEvent>) -> Self {
        let (announced, assignment) = (Arc::default(), Mutex::new(Assignment::Waiting));
        Self { recognizer, name, on_event, announced, assignment, has_dummy_line: AtomicBool::new(false) }
    }

    /// Takes a frame and has `reply` called with the newest result, in the order of frames, never at the same time as an [`Event`]: at once
    /// or, where its own prediction is about to come and it `may_wait`, with that, or when the time for it is over.
    pub fn push_frame(&self, frame: Frame, may_wait: bool, reply: impl FnOnce(Reply) + Send + 'static) {
        // Let go of after the lock: whoever is the last to hold a model that was replaced waits for its threads, which tell.
        let mut service = None;
        let arrived = frame.arrived;
        let mut announced = self.announced.lock();
        let (answer, result_in) = match self.answer_frame(frame, &mut announced, &mut service) {
            (Reply::Answer(answer), result_in) if may_wait => (answer, result_in),
            (now, _) => {
                announced.replies.send_all();
                if matches!(now, Reply::Unavailable) {
                    drop(announced); // the client leaves
                }
                return reply(now);
            }
        };
        let deadline =
            replies::reply_deadline(arrived, self.recognizer.options.settings.reply_wait, result_in);
        match deadline {
            None if announced.replies.is_empty() => reply(Reply::Answer(answer)),
            // In its turn, after those that wait.
            None => announced.replies.add_waiting(arrived, arrived, answer, Box::new(reply)),
            Some(until) => {
                announced.replies.add_waiting(arrived, until, answer, Box::new(reply));
                let announced: Weak<Mutex<Announced>> = Arc::downgrade(&self.announced);
                self.recognizer.due.add_reply(until, announced);
            }
        }
    }

    fn answer_frame(
        &self,
        frame: Frame,
        announced: &mut Announced,
        held: &mut Option<Arc<dyn Service>>,
    ) -> (Reply, Option<Duration>) {
        let none = |label: &str, score| Answer { label: Arc::from(label), score, prediction: None };
        let mut assignment = self.assignment.lock();
        let generation = self.recognizer.generation.load(Ordering::Acquire);
        if let Assignment::Assigned { model_client, before } = &mut *assignment
            && model_client.generation == generation
        {
            let answer = model_client.newest_answer(before, announced);
            let result_in = model_client.client.push(frame);
            return (Reply::Answer(answer), result_in);
        }
        if matches!(*assignment, Assignment::Left) {
            return (Reply::Answer(none("none", 0.0)), None);
        }
        let (state, generation) = self.recognizer.state_and_generation();
        let reply = match state {
            State::Ready(service) => {
                let service = &**held.insert(service);
                let (before, answer) = match std::mem::replace(&mut *assignment, Assignment::Waiting) {
                    Assignment::Assigned { model_client, mut before } => {
                        let answer = model_client.newest_answer(&mut before, announced);
                        (Some(before.unwrap_or(model_client)), Some(answer))
                    }
                    _ => (None, None),
                };
                let model_client = self.join_model(service, generation, announced);
                model_client.client.push(frame);
                *assignment = Assignment::Assigned { model_client, before };
                answer.map_or_else(|| Reply::First(none("none", 0.0)), Reply::Answer)
            }
            State::Loading(_) => Reply::Answer(none("none", 0.0)),
            State::Dummy => {
                // Its label never changes, so one line is all there is to say.
                if !self.has_dummy_line.swap(true, Ordering::Relaxed) && self.recognizer.lines[0].take_line()
                {
                    log_prediction(&self.name, DUMMY_LABEL, DUMMY_SCORE);
                }
                Reply::Answer(none(DUMMY_LABEL, DUMMY_SCORE))
            }
            State::Failed { .. } => Reply::Unavailable,
        };
        (reply, None)
    }

    /// Frees the place now, though the client may still be held somewhere.
    pub fn leave(&self, reason: &str) {
        let left = std::mem::replace(&mut *self.assignment.lock(), Assignment::Left);
        // After that: no frame finds a place any more, and none waits.
        let waiting = self.announced.lock().replies.take_waiting();
        // Not under the lock: what a reply holds may be the last of this client.
        drop(waiting);
        if !matches!(left, Assignment::Left) {
            let clients = self.recognizer.clients.fetch_sub(1, Ordering::Relaxed) - 1;
            tracing::info!("DISCONNECT client={} reason={reason} clients={clients}", self.name);
        }
    }

    /// A place at a model. If it is not the first, the client is told of the model with its first prediction.
    fn join_model(&self, service: &dyn Service, generation: u64, announced: &mut Announced) -> ModelClient {
        let facts = service.facts(self.recognizer.options.settings.threshold);
        let labels = Arc::new(Labels {
            model: service.name().into(),
            names: facts.labels.iter().map(|label| Arc::from(label.as_str())).collect(),
            none: Arc::from("none"),
            threshold: facts.threshold,
        });
        announced.record_joined(generation, &labels);
        // Not the recogniser, which holds the service that calls this.
        let telling = Telling {
            name: self.name.clone(),
            lines: self.recognizer.lines.clone(),
            last_sign: self.recognizer.last_sign.clone(),
            on_event: self.on_event.clone(),
            announced: self.announced.clone(),
            generation,
            labels: labels.clone(),
            facts,
            last_line: Mutex::new((Arc::from(""), false)),
        };
        let client = service.join(Box::new(move |prediction| telling.publish_prediction(prediction)));
        ModelClient { client, labels, generation }
    }
}

impl replies::HasOverdue for Mutex<Announced> {
    fn send_overdue(&self, now: Instant) {
        self.lock().replies.send_overdue(now);
    }
}

impl Announced {
    fn record_joined(&mut self, generation: u64, labels: &Arc<Labels>) {
        self.newest_generation = generation;
        self.model.get_or_insert_with(|| (generation, labels.clone()));
    }

    /// Whether answers are of that model.
    fn is_generation(&self, generation: u64) -> bool {
        self.model.as_ref().is_some_and(|(model, _)| *model == generation)
    }
}

impl Telling {
    /// Passes a prediction on, unless a newer model has made one.
    fn publish_prediction(&self, prediction: &Arc<Prediction>) {
        let mut announced = self.announced.lock();
        if !announced.is_generation(self.generation) {
            if announced.newest_generation != self.generation {
                return;
            }
            let before = announced.model.replace((self.generation, self.labels.clone()));
            // The same model in a faster way is no news.
            let same = before.is_some_and(|(_, labels)| {
                labels.model == self.labels.model && labels.names == self.labels.names
            });
            if let Some(on_event) = self.on_event.as_ref().filter(|_| !same) {
                on_event(Event::Model(&self.facts));
            }
        }
        let answer = self.labels.answer_for(Some(prediction.clone()));
        announced.replies.send_predicted(prediction.arrived, &answer, clock::now());
        self.log_answer(&answer);
        if let Some(on_event) = &self.on_event {
            on_event(Event::Answer(&answer));
        }
    }

    fn log_answer(&self, answer: &Answer) {
        let line = (answer.label.clone(), answer.score > WORTH_A_LINE);
        if line.1 && !RESTS.contains(&&*line.0) {
            let sign = LastSign { label: line.0.clone(), score: answer.score, at: clock::now() };
            *self.last_sign.lock() = Some(sign);
        }
        let mut last = self.last_line.lock();
        let news = last.0 != line.0 || (line.1 && !last.1);
        if news && self.lines[0].take_line() {
            log_prediction(&self.name, &answer.label, answer.score);
            *last = line;
        } else if !line.1 {
            last.1 = false; // the score has to pass the mark again to be news
        }
    }
}

/// People search the log for this word.
fn log_prediction(name: &str, label: &str, score: f32) {
    tracing::info!(target: PREDICTION, "PREDICTION client={name} label={label} score={score:.2}");
}

impl Drop for Client {
    fn drop(&mut self) {
        self.leave("the connection ended");
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ModelClient {
    /// The newest answer: of this model or, until that has one, of the one before.
    fn newest_answer(&self, before: &mut Option<ModelClient>, announced: &Announced) -> Answer {
        if let Some(before) = before
            && !announced.is_generation(self.generation)
        {
            return before.labels.answer_for(before.client.newest());
        }
        *before = None;
        self.labels.answer_for(self.client.newest())
    }
}

impl Labels {
    fn answer_for(&self, prediction: Option<Arc<Prediction>>) -> Answer {
        let Some(prediction) = prediction else {
            return Answer { label: self.none.clone(), score: 0.0, prediction: None };
        };
        let label = if prediction.score < self.threshold || !prediction.meant {
            &self.none
        } else {
            &self.names[prediction.label]
        };
        Answer { label: label.clone(), score: prediction.score, prediction: Some(prediction) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;

    /// A place at the model of that name.
    fn telling(
        announced: &Arc<Mutex<Announced>>,
        generation: u64,
        model: &str,
        on_event: &OnEvent,
    ) -> Telling {
        let labels = Arc::new(Labels {
            model: model.into(),
            names: vec![model.into()],
            none: "none".into(),
            threshold: 0.5,
        });
        announced.lock().record_joined(generation, &labels);
        Telling {
            name: "client".into(),
            lines: Arc::new([LineBudget::new(), LineBudget::new()]),
            last_sign: Arc::default(),
            on_event: Some(on_event.clone()),
            announced: announced.clone(),
            generation,
            labels,
            facts: SignModel {
                name: model.into(),
                labels: vec![model.into()],
                window: 1,
                threshold: 0.5,
                arming: false,
                width: 1,
                height: 1,
            },
            last_line: Mutex::new(("".into(), false)),
        }
    }

    fn prediction() -> Arc<Prediction> {
        let (scores, now) = ([0.9].into(), Instant::now());
        Arc::new(Prediction {
            label: 0,
            score: 0.9,
            scores,
            seen: None,
            arrived: now,
            finished: now,
            meant: true,
            sight: None,
        })
    }

    fn words(event: &Event<'_>) -> String {
        match event {
            Event::Model(facts) => format!("facts of {}", facts.name),
            Event::Answer(answer) => answer.label.to_string(),
        }
    }

    #[test]
    fn after_a_models_facts_no_answer_is_of_the_model_before() {
        let (events, all) = mpsc::channel();
        let (begins, has_begun) = mpsc::channel();
        let on_event: OnEvent = Arc::new(move |event| {
            let words = words(&event);
            if words == "old" {
                begins.send(()).unwrap();
                // As a thread that loses its turn.
                thread::sleep(Duration::from_millis(100));
            }
            events.send(words).unwrap();
        });
        let announced = Arc::default();
        let (old, prediction) = (telling(&announced, 0, "old", &on_event), prediction());
        let new = telling(&announced, 1, "new", &on_event);
        thread::scope(|threads| {
            threads.spawn(|| old.publish_prediction(&prediction));
            has_begun.recv().unwrap();
            new.publish_prediction(&prediction);
        });
        old.publish_prediction(&prediction);
        drop((old, new, on_event));
        assert_eq!(all.into_iter().collect::<Vec<_>>(), ["old", "facts of new", "new"]);
    }

    #[test]
    fn of_many_models_in_a_row_a_client_is_told_what_differs_from_what_it_knows() {
        let (events, all) = mpsc::channel();
        let on_event: OnEvent = Arc::new(move |event| events.send(words(&event)).unwrap());
        let (announced, prediction) = (Arc::default(), prediction());
        let first = telling(&announced, 0, "first", &on_event);
        first.publish_prediction(&prediction);
        let second = telling(&announced, 1, "second", &on_event);
        let again = telling(&announced, 2, "first", &on_event);
        // Nobody waits for it any more.
        second.publish_prediction(&prediction);
        again.publish_prediction(&prediction);
        first.publish_prediction(&prediction);
        let third = telling(&announced, 3, "third", &on_event);
        again.publish_prediction(&prediction);
        third.publish_prediction(&prediction);
        drop((first, second, again, third, on_event));
        assert_eq!(
            all.into_iter().collect::<Vec<_>>(),
            ["first", "first", "first", "facts of third", "third"]
        );
    }
}
