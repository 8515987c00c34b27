//! Which models for text are loaded: each is fetched and loaded when somebody first asks for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sightwire_infer::read::{ReadModel, ReadModelError, ReadService, ServiceOptions};
use sightwire_infer::shared::SharedEngine;
use sightwire_measure::lines::{self, Seldom};
use sightwire_models::fetch::Progress;
use sightwire_models::manifest::Task;
use sightwire_models::store::{Store, StoreError};
use tokio::sync::watch;

use super::lanes::Lanes;
use crate::options::Options;

/// Models that stay loaded; of one more, the one that was used least lately is let go.
const MAX_LOADED: usize = 4;
/// A model that could not be had is tried again when it is asked for after so long.
pub const TRY_AGAIN: Duration = Duration::from_secs(30);
/// Pictures the service may hold beyond those that have places here: runs that nobody waits for any more.
const SPARE_PLACES: usize = 8;

/// A model at work.
#[derive(Clone)]
pub struct Ready {
    /// What runs it.
    pub service: Arc<ReadService>,
    /// Its networks.
    pub model: Arc<ReadModel>,
}

/// How far a model is.
#[derive(Clone)]
pub enum State {
    /// Nobody has asked for it yet.
    Idle,
    /// Its files are here and being read, or it is not known yet whether they are.
    Loading,
    /// Its files are being fetched.
    Fetching {
        /// 0–1, where it is known.
        done: Option<f32>,
    },
    /// It works.
    Ready(Ready),
    /// It cannot be had.
    Failed {
        /// Why, and what to do.
        reason: Arc<str>,
        /// Since when.
        since: Instant,
    },
}

/// Why a model is not at work.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NotReady {
    /// There is none of that name, or it does something else.
    #[error("{0}")]
    Unknown(String),
    /// It is being fetched.
    #[error("the model {name} is being fetched{}", percent(*.done))]
    Fetching {
        /// Name.
        name: String,
        /// 0–1, where it is known.
        done: Option<f32>,
    },
    /// It cannot be had.
    #[error("the model {name} cannot be used: {reason}")]
    Failed {
        /// Name.
        name: String,
        /// Why, and what to do.
        reason: String,
    },
}

fn percent(done: Option<f32>) -> String {
    done.map(|done| format!(" ({:.0} %)", done * 100.0)).unwrap_or_default()
}

/// The models, and the service that runs them, which is started with the first.
pub struct Models {
    options: Arc<Options>,
    store: Store,
    engine: Arc<SharedEngine>,
    lanes: Arc<Lanes>,
    service: Mutex<Option<Arc<ReadService>>>,
    /// The one used last is the last.
    slots: Mutex<Vec<Slot>>,
    unreadable: Seldom,
}

struct Slot {
    name: String,
    state: watch::Sender<State>,
}

impl Models {
    /// Nothing is loaded before it is needed.
    pub fn new(
        options: Arc<Options>,
        store: Store,
        engine: Arc<SharedEngine>,
        lanes: Arc<Lanes>,
    ) -> Arc<Self> {
        let (service, slots) = (Mutex::default(), Mutex::default());
        Arc::new(Self { options, store, engine, lanes, service, slots, unreadable: Seldom::new() })
    }

    /// The model of that name, as soon as it is loaded; one that has to be fetched is not waited for.
    pub async fn get(self: &Arc<Self>, name: &str) -> Result<Ready, NotReady> {
        if !self.is_listed(name) {
            let (this, name) = (self.clone(), name.to_owned());
            let known = tokio::task::spawn_blocking(move || this.check(&name)).await;
            known.unwrap_or_else(|_| Err(NotReady::Unknown("the models cannot be listed".into())))?;
        }
        let mut state = self.state(name);
        loop {
            match &*state.borrow_and_update() {
                State::Ready(ready) => return Ok(ready.clone()),
                State::Fetching { done } => {
                    return Err(NotReady::Fetching { name: name.to_owned(), done: *done });
                }
                State::Failed { reason, .. } => return Err(failed(name, reason)),
                State::Idle | State::Loading => {}
            }
            if state.changed().await.is_err() {
                return Err(failed(name, "the server stops"));
            }
        }
    }

    fn is_listed(&self, name: &str) -> bool {
        self.slots.lock().iter().any(|slot| slot.name == name)
    }

    /// Only names of models for text get a slot, so there are never more slots than models.
    fn check(&self, name: &str) -> Result<(), NotReady> {
        let manifest = self.store.manifest(name).map_err(|error| match error {
            StoreError::UnknownModel { .. } => NotReady::Unknown(error.to_string()),
            error => {
                let reason = error.to_string();
                if let Some(unsaid) = self.unreadable.is_due(Instant::now()) {
                    let (name, reason) = (lines::short(name), lines::sentence(&reason));
                    tracing::warn!(unsaid, "text reading: the model {name} cannot be used: {reason}");
                }
                failed(name, &reason)
            }
        })?;
        if manifest.task != Task::TextReading {
            let error = ReadModelError::WrongTask { name: name.to_owned(), task: manifest.task.name() };
            return Err(NotReady::Unknown(error.to_string()));
        }
        Ok(())
    }

    /// What becomes of the model; begins to load it if nobody has yet, or if that failed a while ago.
    fn state(self: &Arc<Self>, name: &str) -> watch::Receiver<State> {
        let mut slots = self.slots.lock();
        let slot = match slots.iter().position(|slot| slot.name == name) {
            Some(position) => slots.remove(position),
            None => Slot { name: name.to_owned(), state: watch::Sender::new(State::Idle) },
        };
        let (state, receiver) = (slot.state.clone(), slot.state.subscribe());
        slots.push(slot);
        let begin = state.send_if_modified(|state| {
            let begin = match state {
                State::Idle => true,
                State::Failed { since, .. } => since.elapsed() > TRY_AGAIN,
                State::Loading | State::Fetching { .. } | State::Ready(_) => false,
            };
            if begin {
                *state = State::Loading;
            }
            begin
        });
        if begin {
            let surplus = slots.len().saturating_sub(MAX_LOADED);
            let mut unused = slots.iter().filter(|s| matches!(&*s.state.borrow(), State::Ready(_)));
            let unused: Vec<String> = unused.by_ref().take(surplus).map(|slot| slot.name.clone()).collect();
            slots.retain(|slot| !unused.contains(&slot.name));
            let (this, name) = (self.clone(), name.to_owned());
            // A thread of its own: it blocks, for longer than any one who asks for the model may stay.
            tokio::task::spawn_blocking(move || {
                if catch_unwind(AssertUnwindSafe(|| this.load(&name, &state))).is_err() {
                    let reason = "the server failed while it was loaded".into();
                    state.send_replace(State::Failed { reason, since: Instant::now() });
                }
            });
        }
        receiver
    }

    fn load(&self, name: &str, state: &watch::Sender<State>) {
        let mut progress = |progress: Progress<'_>| match progress {
            Progress::Fetching(..) => {
                state.send_replace(State::Fetching { done: None });
            }
            Progress::Bytes { bytes, of } => {
                let done = of.filter(|of| *of > 0).map(|of| bytes as f32 / of as f32);
                state.send_replace(State::Fetching { done });
            }
            Progress::Present(_) | Progress::Retry { .. } | Progress::Done(_) => {}
        };
        let loaded = ReadModel::get(&self.store, name, &mut progress).map_err(anyhow::Error::new);
        let ready = loaded.and_then(|model| {
            state.send_replace(State::Loading);
            let service = self.service()?;
            let engine = service.engine();
            engine.usable(&model.subjects(engine)?, &|| self.engine.going_on())?;
            Ok(Ready { service, model: Arc::new(model) })
        });
        match ready {
            Ok(ready) => {
                self.say(&ready);
                state.send_replace(State::Ready(ready.clone()));
                if let Err(error) = self.measure(&ready, state)
                    && self.engine.going_on()
                {
                    tracing::warn!("how the model {name} runs fastest was not measured: {error:#}");
                }
            }
            Err(error) => {
                let reason = format!("{error:#}");
                tracing::warn!("text reading: the model {name} cannot be used: {reason}");
                state.send_replace(State::Failed { reason: reason.into(), since: Instant::now() });
            }
        }
    }

    fn say(&self, ready: &Ready) {
        let [detection, recognition] = ready.service.plan(&ready.model);
        tracing::info!(
            model = ready.model.name(),
            detection = detection.to_string(),
            recognition = recognition.to_string(),
            threads = self.lanes.threads(),
            "text reading is ready"
        );
    }

    /// The model works already. Who comes when it has been measured has it in the fastest way; whoever has begun ends as it
    /// was, so that all pictures of a batch are read with the same arithmetic.
    fn measure(&self, ready: &Ready, state: &watch::Sender<State>) -> anyhow::Result<()> {
        let engine = ready.service.engine();
        engine.measure(&ready.model.subjects(engine)?, &|| self.engine.going_on())?;
        if !self.engine.going_on() || ready.model.runs_best(engine) {
            return Ok(());
        }
        let manifest = self.store.manifest(ready.model.name())?;
        let model = Arc::new(ReadModel::load(&self.store, &manifest)?);
        let better = Ready { service: ready.service.clone(), model };
        let taken = state.send_if_modified(|state| {
            let same = matches!(state, State::Ready(now) if Arc::ptr_eq(&now.model, &ready.model));
            if same {
                *state = State::Ready(better.clone());
            }
            same
        });
        if taken {
            self.say(&better);
        }
        Ok(())
    }

    /// Measures the configured model, if it is here and was not measured yet, before somebody needs it; blocks.
    pub fn measure_ahead(&self) -> anyhow::Result<()> {
        let (store, name) = (&self.store, &self.options.model);
        let manifest = store.manifest(name)?;
        if manifest.task != Task::TextReading || !store.has(&manifest) {
            return Ok(());
        }
        let (model, engine) = (ReadModel::load(store, &manifest)?, self.engine.get()?);
        if !model.is_measured(&engine) {
            engine.measure(&model.subjects(&engine)?, &|| self.engine.going_on())?;
        }
        Ok(())
    }

    /// The one service, started if it was not yet; blocks.
    fn service(&self) -> anyhow::Result<Arc<ReadService>> {
        let mut started = self.service.lock();
        if let Some(service) = &*started {
            return Ok(service.clone());
        }
        let reader = &self.options;
        let options = ServiceOptions {
            threads: reader.threads,
            queue: reader.queue + 2 * reader.threads + SPARE_PLACES,
            idle_release: reader.idle_release,
        };
        let service = Arc::new(ReadService::start(self.engine.get()?, options)?);
        *started = Some(service.clone());
        Ok(service)
    }

    /// The service, if it was started.
    pub fn running(&self) -> Option<Arc<ReadService>> {
        // Whoever starts it holds the lock for a while; then it is not running.
        self.service.try_lock().and_then(|service| service.clone())
    }

    /// All that anybody has asked for, the one used last at the end.
    pub fn states(&self) -> Vec<(String, State)> {
        self.slots.lock().iter().map(|slot| (slot.name.clone(), slot.state.borrow().clone())).collect()
    }

    /// Lets everything go; waits for what runs. Nothing is to be asked for afterwards.
    pub fn close(&self) {
        self.slots.lock().clear();
        let service = self.service.lock().take();
        drop(service);
    }
}

fn failed(name: &str, reason: &str) -> NotReady {
    NotReady::Failed { name: name.to_owned(), reason: reason.to_owned() }
}
