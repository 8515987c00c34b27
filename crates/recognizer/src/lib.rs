//! The sign recogniser's pipeline: clients' frames to a clip model, and its predictions back.
//!
//! Transports see a [`Recognizer`] that admits [`Client`]s, and a client that answers each frame. Whether a model is
//! still being loaded, has failed, or is a dummy, is decided here; whose frames are analysed when there are too many, by
//! `infer::clip`.
//!
//! - [`client`]: a client that was admitted, its frames and its answers
//! - [`load`]: brings a model to work: from the store, by importing a file, in the place of another one
//! - [`service`]: a model at work, of whichever kind, and the kinds that there are
//! - `better`: offers and gets the model that knows hands
//! - `runtime`: gets the library that runs networks, where it is missing
//! - `settings`: how signs are recognised, as it is configured
//! - `replies`: those that wait for the prediction of their own frame
//! - `lines`: how many log lines predictions may take
//! - `metrics`: what is counted, for `/metrics`

#![forbid(unsafe_code)]

mod better;
pub mod client;
mod lines;
pub mod load;
mod metrics;
mod replies;
mod runtime;
pub mod service;
mod settings;
#[cfg(test)]
mod stub;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sightwire_api::sign::SignModel;
use sightwire_base::memory::{Memory, Work};
use sightwire_engine::shared::EngineSettings;
use sightwire_engine::shared::SharedEngine;
use sightwire_frame::header::Limits;
use sightwire_import::Progress;
use sightwire_import::missing::Missing;
use sightwire_infer::sender::ServiceStats;
pub use sightwire_infer::sender::{Frame, Payload};
use sightwire_models::manifest::Task;
use sightwire_models::slot::{self, ModelSlot};
use sightwire_models::store::Store;

use better::Fetching;
pub use client::{Client, Event, LastSign, OnEvent, Reply};
use lines::LineBudget;
use replies::Due;
pub use service::{Service, built_in_labels, can_run};
pub use settings::{RECOGNIZER, RecognizerSettings};

/// How signs are recognised, and within which bounds: `recognizer.*` of the configuration, and what goes with it.
#[derive(Clone, Debug)]
pub struct Options {
    /// As it is configured.
    pub settings: RecognizerSettings,
    /// Bounds of a frame's bytes and pixels, checked before it is decoded.
    pub pictures: Limits,
    /// A thread without work for this long lets its sessions go.
    pub idle_release: Duration,
    /// A Python to import with; `None` looks for one.
    pub python: Option<PathBuf>,
    /// How networks are run, and the store.
    pub engine: EngineSettings,
    /// Of the whole server: without it no client comes in.
    pub memory: Arc<Memory>,
}

/// A model, as one may name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelChoice {
    /// The one that knows hands, if it is there, else the one that the binary brings along.
    Best,
    /// A model of the store.
    Name(String),
    /// A Keras file, imported at the start.
    File(PathBuf),
}

impl ModelChoice {
    /// What the model is called.
    pub fn name(&self, store: &Store) -> String {
        match self {
            ModelChoice::Best if has_hands(store) => HANDS.to_owned(),
            ModelChoice::Best => GESTURES.to_owned(),
            ModelChoice::Name(name) => name.clone(),
            ModelChoice::File(path) => sightwire_import::name_of(path),
        }
    }
}

/// The model that knows hands.
pub const HANDS: &str = "hands";
/// The one that the binary brings along, which knows only motion.
pub const GESTURES: &str = "gestures";

/// Whether the model that knows hands is there.
fn has_hands(store: &Store) -> bool {
    store.manifest(HANDS).is_ok_and(|manifest| store.has_files(&manifest))
}

/// Admits clients and answers their frames.
pub struct Recognizer {
    engine: Arc<SharedEngine>,
    /// Comes after `switching`, and before those of the slot, of the model's queue and of `before`.
    active: Mutex<Active>,
    model: ModelSlot<Arc<dyn Service>>,
    /// Goes up with each switch; clients compare it with that of their model client.
    generation: AtomicU64,
    /// Of them those to another model, and not to the same one in a faster way.
    switches: AtomicU64,
    options: Options,
    max_clients: AtomicUsize,
    clients: AtomicUsize,
    admitted: AtomicU64,
    refused: AtomicU64,
    /// What models counted that have been replaced.
    before: Mutex<ServiceStats>,
    /// Comes before `active`: who begins a switch looks first at what is at work.
    switching: Mutex<Option<Switch>>,
    /// Why the model that knows hands is not at work, though it is there.
    instead: Mutex<Option<String>>,
    /// How far its fetching is.
    better: Mutex<Fetching>,
    /// Somebody switched to the weaker one: the better one is not offered.
    turned_down: AtomicBool,
    /// Whoever measures the model at work is the only one. Nobody waits for this, and it comes before `switching`.
    measuring: Mutex<()>,
    /// For predictions, and for refusals.
    lines: Arc<[LineBudget; 2]>,
    last_sign: Arc<Mutex<Option<LastSign>>>,
    due: Due,
}

/// A switch that goes on.
struct Switch {
    /// The model that is started.
    to: String,
    /// It is the one at work, in a faster way: nobody asked for that.
    again: bool,
}

/// Beside the slot; code that changes both holds this.
struct Active {
    model: Arc<str>,
    /// What would have to be there, if the model cannot be had.
    missing: Option<Missing>,
}

/// What the recogniser can do now.
#[derive(Clone, Debug)]
pub enum State {
    /// The model is being loaded or imported; frames are answered with `none`.
    Loading(Progress),
    /// The model is loaded and predicts.
    Ready(Arc<dyn Service>),
    /// The model cannot be used.
    Failed {
        /// Why it cannot be used, for people.
        reason: String,
        /// What would have to be there.
        missing: Option<Missing>,
    },
    /// Every answer is "hello" 0.9.
    Dummy,
}

/// The answer of a server that tests the wiring.
pub const DUMMY_LABEL: &str = "hello";
const DUMMY_SCORE: f32 = 0.9;

impl Recognizer {
    /// A recogniser that has no model yet.
    pub fn new(options: Options, engine: Arc<SharedEngine>) -> Arc<Self> {
        let name = if options.settings.dummy {
            "dummy".to_owned()
        } else {
            options.settings.model.name(&options.engine.store)
        };
        Arc::new(Self {
            engine,
            active: Mutex::new(Active { model: name.into(), missing: None }),
            model: ModelSlot::default(),
            generation: AtomicU64::new(0),
            switches: AtomicU64::new(0),
            max_clients: AtomicUsize::new(options.settings.max_clients),
            options,
            clients: AtomicUsize::new(0),
            admitted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            before: Mutex::default(),
            switching: Mutex::new(None),
            instead: Mutex::new(None),
            better: Mutex::default(),
            turned_down: AtomicBool::new(false),
            measuring: Mutex::default(),
            lines: Arc::new([LineBudget::new(), LineBudget::new()]),
            last_sign: Arc::default(),
            due: Due::default(),
        })
    }

    /// Sends replies that have waited for long enough; for as long as it is polled.
    pub async fn send_overdue_replies(&self) {
        self.due.send_when_due().await;
    }

    fn store(&self) -> &Store {
        &self.options.engine.store
    }

    /// What it can do now.
    pub fn state(&self) -> State {
        self.state_of(&self.active.lock())
    }

    fn state_of(&self, active: &Active) -> State {
        if self.options.settings.dummy {
            return State::Dummy;
        }
        match self.model.state() {
            slot::State::Idle | slot::State::Loading => {
                State::Loading(Progress { text: "the model is being loaded".to_owned(), done: None })
            }
            slot::State::Fetching { text, done } => State::Loading(Progress { text: text.to_string(), done }),
            slot::State::Ready(service) => State::Ready(service),
            slot::State::Failed(failure) => {
                State::Failed { reason: failure.reason.to_string(), missing: active.missing.clone() }
            }
        }
    }

    /// The state, and the generation of its model.
    fn state_and_generation(&self) -> (State, u64) {
        let active = self.active.lock();
        (self.state_of(&active), self.generation.load(Ordering::Acquire))
    }

    /// Name of the model.
    pub fn model(&self) -> Arc<str> {
        self.active.lock().model.clone()
    }

    /// What the model does.
    pub fn task(&self) -> Task {
        match self.state() {
            State::Ready(service) => service.task(),
            _ => self
                .store()
                .manifest(&self.model())
                .map_or(Task::ClipClassification, |manifest| manifest.task),
        }
    }

    /// What the operator should know of model and machine, as it is now.
    pub fn warning(&self) -> Option<String> {
        match self.state() {
            State::Ready(service) => {
                let broken = self.instead.lock().clone().filter(|_| service.name() == GESTURES);
                let broken = broken.map(|reason| {
                    format!("The model {HANDS} cannot be used, so the weaker one answers: {reason}")
                });
                // It says only what is so: nobody has to mind a limit that is far away.
                let crowded = || {
                    let crowded = load::exceeds_capacity(&*service, self.client_count());
                    crowded.then(|| load::too_many_clients(&*service, self.max_clients())).flatten()
                };
                broken.or_else(|| service.warning().map(str::to_owned)).or_else(crowded)
            }
            _ => None,
        }
    }

    /// Name of the model that is about to take the place of the present one.
    pub fn switching_to(&self) -> Option<String> {
        self.switching.lock().as_ref().map(|switch| switch.to.clone())
    }

    /// What clients are told of the model; `None` while there is none.
    pub fn model_facts(&self) -> Option<SignModel> {
        match self.state() {
            State::Ready(service) => Some(service.facts(self.options.settings.threshold)),
            State::Dummy => Some(SignModel {
                name: self.model().to_string(),
                labels: vec![DUMMY_LABEL.into()],
                window: 1,
                threshold: 0.5,
                arming: false,
                width: 224,
                height: 224,
            }),
            State::Loading(_) | State::Failed { .. } => None,
        }
    }

    /// The labels of the model, in the order of its scores: of its manifest, while it is not loaded; `None` if they are not known.
    pub fn labels(&self) -> Option<Vec<String>> {
        if let Some(facts) = self.model_facts() {
            return Some(facts.labels);
        }
        let manifest = self.store().manifest(&self.model()).ok()?;
        manifest.labels().map(<[String]>::to_vec)
    }

    /// What was recognised last, and is not a rest.
    pub fn last_sign(&self) -> Option<LastSign> {
        self.last_sign.lock().clone()
    }

    /// How many clients have a place now.
    pub fn client_count(&self) -> usize {
        self.clients.load(Ordering::Relaxed)
    }

    /// How many clients may have a place at once.
    pub fn max_clients(&self) -> usize {
        self.max_clients.load(Ordering::Relaxed)
    }

    /// At most this many from now on. Those who are there stay, also where there are more.
    pub fn set_max_clients(&self, max: usize) {
        self.max_clients.store(max, Ordering::Relaxed);
    }

    /// Clients admitted and refused so far.
    pub fn admissions(&self) -> (u64, u64) {
        (self.admitted.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }

    /// How often another model took the place of the one before.
    pub fn switch_count(&self) -> u64 {
        self.switches.load(Ordering::Relaxed)
    }

    /// The counters of all models since the start, and the gauges of the present one.
    pub fn stats(&self) -> ServiceStats {
        // Under the lock: a switch counts the old model's only once.
        let active = self.active.lock();
        let mut stats = match self.state_of(&active) {
            State::Ready(service) => service.stats(),
            _ => ServiceStats::default(),
        };
        stats.add_counters(&self.before.lock());
        stats
    }

    /// A place for a client, or `None` at capacity and while the memory is used up. `name` is for log lines; `on_event` is called with each new answer
    /// as soon as it is known.
    pub fn admit_client(self: &Arc<Self>, name: String, on_event: Option<OnEvent>) -> Option<Client> {
        if let Err(full) = self.options.memory.admit_work(Work::Client) {
            let refused = self.refused.fetch_add(1, Ordering::Relaxed) + 1;
            if self.lines[1].take_line() {
                tracing::warn!("ERROR client={name} refused: {full} {refused} refused so far");
            }
            return None;
        }
        let admitted = self
            .clients
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < self.max_clients()).then_some(n + 1))
            .is_ok();
        if !admitted {
            let refused = self.refused.fetch_add(1, Ordering::Relaxed) + 1;
            if self.lines[1].take_line() {
                tracing::warn!(
                    "ERROR client={name} refused: at capacity ({} clients); {refused} refused so far",
                    self.max_clients()
                );
            }
            return None;
        }
        self.admitted.fetch_add(1, Ordering::Relaxed);
        tracing::info!("CONNECT client={name} clients={}", self.client_count());
        Some(Client::new(self.clone(), name, on_event))
    }
}

impl fmt::Debug for Recognizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recognizer").field("model", &self.model()).finish_non_exhaustive()
    }
}
