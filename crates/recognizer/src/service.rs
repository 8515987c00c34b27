//! A model at work, of whichever kind: what the recogniser asks of one, and the kinds that there are.
//!
//! - `clips`: a classifier of clips
//! - `hands`: a finder of hands, and what their shapes and motions say

mod clips;
mod hands;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sightwire_api::sign::SignModel;
use sightwire_engine::trial::TrialError;
use sightwire_engine::{Engine, Plan};
use sightwire_infer::sender::{Frame, OnPrediction, Prediction, ServiceStats};
use sightwire_models::manifest::{Manifest, Task};
use sightwire_models::store::Store;

use crate::Options;

/// A model at work. Dropping it ends its threads.
pub trait Service: fmt::Debug + Send + Sync {
    /// Name of the model.
    fn name(&self) -> &str;

    /// For people: what it does without, and why.
    fn warning(&self) -> Option<&str> {
        None
    }

    /// What its model is for.
    fn task(&self) -> Task;

    /// What each network is run with, by role.
    fn plans(&self) -> &[(&'static str, Plan)];

    /// What it runs on.
    fn engine(&self) -> &Engine;

    /// All counters, and the present values of what goes up and down.
    fn stats(&self) -> ServiceStats;

    /// What clients are told of it; `threshold` takes the place of the model's.
    fn facts(&self, threshold: Option<f32>) -> SignModel;

    /// A client from now on. `on_prediction` is called on a thread of the model, for a client once at a time.
    fn join(&self, on_prediction: OnPrediction) -> Box<dyn ServiceClient>;
}

/// A client of a model. Dropping it is leaving.
pub trait ServiceClient: Send + Sync {
    /// Hands a frame in; in how long its prediction will be there, where that is known.
    fn push(&self, frame: Frame) -> Option<Duration>;

    /// The newest prediction; `None` before the first.
    fn newest(&self) -> Option<Arc<Prediction>>;
}

/// A model's files, read and verified.
pub(crate) trait Model {
    /// Returns when one way of running it is known to work here.
    fn ensure_usable(&mut self, engine: &Engine, going_on: &dyn Fn() -> bool) -> Result<(), TrialError>;

    /// Measures all ways of running it.
    fn measure_plans(&self, engine: &Engine, going_on: &dyn Fn() -> bool) -> Result<(), TrialError>;

    /// What each network is run with, by role.
    fn plans(&self, engine: &Engine) -> Vec<(&'static str, Plan)>;

    /// Puts it to work; blocks.
    fn start_service(
        self: Box<Self>,
        engine: Arc<Engine>,
        options: &Options,
    ) -> anyhow::Result<Box<dyn Service>>;
}

/// A kind of model that the recogniser can put to work.
struct Kind {
    task: Task,
    /// Whether a model of the task is one for the recogniser.
    can_run: fn(&Manifest) -> bool,
    /// What it tells apart, where that is the kind's own and stands in no manifest.
    labels: Option<fn() -> Vec<String>>,
    load: fn(&Store, &Manifest) -> anyhow::Result<Box<dyn Model>>,
}

impl Kind {
    fn for_manifest(manifest: &Manifest) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.task == manifest.task)
    }
}

/// All of them. A model of none is read as one of the first, which says why it is not.
static KINDS: [Kind; 2] = [clips::KIND, hands::KIND];

/// Whether a model is one for the recogniser.
pub fn can_run(manifest: &Manifest) -> bool {
    Kind::for_manifest(manifest).is_some_and(|kind| (kind.can_run)(manifest))
}

/// What a model tells apart, where its kind says so; `None` of models whose manifest does.
pub fn built_in_labels(manifest: &Manifest) -> Option<Vec<String>> {
    let kind = Kind::for_manifest(manifest).filter(|kind| (kind.can_run)(manifest))?;
    kind.labels.map(|labels| labels())
}

/// Reads a model's files, and verifies them.
pub(crate) fn load_model(store: &Store, manifest: &Manifest) -> anyhow::Result<Box<dyn Model>> {
    let kind = Kind::for_manifest(manifest).unwrap_or(&KINDS[0]);
    (kind.load)(store, manifest)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Instant;

    use bytes::Bytes;
    use parking_lot::Mutex;
    use sightwire_infer::sender::Payload;

    use super::*;
    use crate::client::{Event, OnEvent, Reply};
    use crate::stub::recognizer_without_a_model;

    /// Answers each frame at once, and knows one sign.
    #[derive(Debug)]
    struct Stub;

    struct StubClient {
        on_prediction: Arc<OnPrediction>,
        newest: Mutex<Option<Arc<Prediction>>>,
    }

    impl Service for Stub {
        fn name(&self) -> &'static str {
            "stub"
        }

        fn task(&self) -> Task {
            Task::ClipClassification
        }

        fn plans(&self) -> &[(&'static str, Plan)] {
            &[]
        }

        fn engine(&self) -> &Engine {
            unreachable!("it runs no network")
        }

        fn stats(&self) -> ServiceStats {
            ServiceStats::default()
        }

        fn facts(&self, threshold: Option<f32>) -> SignModel {
            SignModel {
                name: self.name().to_owned(),
                labels: vec!["wave".to_owned()],
                window: 1,
                threshold: threshold.unwrap_or(0.5),
                arming: false,
                width: 1,
                height: 1,
            }
        }

        fn join(&self, on_prediction: OnPrediction) -> Box<dyn ServiceClient> {
            Box::new(StubClient { on_prediction: Arc::new(on_prediction), newest: Mutex::default() })
        }
    }

    impl ServiceClient for StubClient {
        fn push(&self, frame: Frame) -> Option<Duration> {
            let prediction = Arc::new(Prediction {
                label: 0,
                score: 0.75,
                scores: [0.75].into(),
                seen: None,
                arrived: frame.arrived,
                finished: Instant::now(),
                meant: true,
                sight: None,
            });
            *self.newest.lock() = Some(prediction.clone());
            // As a model does, on another thread: what the client holds while it hands a frame in is locked.
            let on_prediction = self.on_prediction.clone();
            std::thread::spawn(move || on_prediction(&prediction));
            None
        }

        fn newest(&self) -> Option<Arc<Prediction>> {
            self.newest.lock().clone()
        }
    }

    #[test]
    fn a_model_of_another_kind_answers_clients_as_well() {
        let home = tempfile::tempdir().unwrap();
        let recognizer = recognizer_without_a_model(&Store::new(home.path().to_owned(), None));
        recognizer.load_model(&|| true);
        recognizer.model.set_ready(Arc::new(Stub));
        assert_eq!(recognizer.labels(), Some(vec!["wave".to_owned()]));
        let (events, told) = mpsc::channel();
        let on_event: OnEvent = Arc::new(move |event| {
            if let Event::Answer(answer) = event {
                events.send((answer.label.to_string(), answer.score)).unwrap();
            }
        });
        let client = recognizer.admit_client("a".to_owned(), Some(on_event)).unwrap();
        let frame = || Frame { payload: Payload::Binary(Bytes::new()), arrived: Instant::now(), id: None };
        let (replies, said) = mpsc::channel();
        let reply = |replies: &mpsc::Sender<Reply>| {
            let replies = replies.clone();
            move |reply| replies.send(reply).unwrap()
        };
        client.push_frame(frame(), false, reply(&replies));
        assert!(matches!(said.recv().unwrap(), Reply::First(_)), "there is a model since");
        assert_eq!(told.recv().unwrap(), ("wave".to_owned(), 0.75));
        client.push_frame(frame(), false, reply(&replies));
        let Reply::Answer(answer) = said.recv().unwrap() else { panic!("no answer") };
        assert_eq!((&*answer.label, answer.score), ("wave", 0.75));
    }
}
