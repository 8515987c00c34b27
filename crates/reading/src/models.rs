//! Which models for text are loaded: each is fetched and loaded when somebody first asks for it.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sightwire_base::clock;
use sightwire_base::lines::{self, LogThrottle};
use sightwire_engine::shared::SharedEngine;
use sightwire_models::fetch::Progress;
use sightwire_models::manifest::Task;
use sightwire_models::slot::{ModelSlot, State};
use sightwire_models::store::{Store, StoreError};
use sightwire_ocr::{Memory, ReadModel, ReadModelError, ReadService, ServiceOptions};

use super::permits::Permits;
use crate::options::Options;

/// Models that stay loaded; of one more, the one that was used least lately is let go.
const MAX_LOADED: usize = 4;
/// After this time a manifest that could not be read may have been mended.
const UNREADABLE: Duration = Duration::from_secs(30);
/// Pictures the service may hold beyond those that have places here: runs that nobody waits for any more.
const SPARE_PLACES: usize = 8;

/// A model at work.
#[derive(Clone)]
pub struct Ready {
    /// The service of all models, whose threads read.
    pub service: Arc<ReadService>,
    /// The model that it is to read with.
    pub model: Arc<ReadModel>,
}

/// Why a model is not at work.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// There is none of that name.
    #[error(transparent)]
    Unknown(StoreError),
    /// It does something else.
    #[error(transparent)]
    WrongTask(ReadModelError),
    /// A bug came to light with the manifests.
    #[error("the models cannot be listed")]
    Unlisted,
    /// It is being fetched.
    #[error("the model {name} is being fetched{}", format_percent(*.done))]
    Fetching {
        /// Name.
        name: String,
        /// 0–1, where it is known.
        done: Option<f32>,
    },
    /// It is there, and being loaded.
    #[error("the model {name} is being loaded")]
    Loading {
        /// Name.
        name: String,
    },
    /// It cannot be had.
    #[error("the model {name} cannot be used: {reason}")]
    Failed {
        /// Name.
        name: String,
        /// Why, and what to do.
        reason: String,
        /// It is worth asking again after this time.
        after: Duration,
    },
}

fn format_percent(done: Option<f32>) -> String {
    done.map(|done| format!(" ({:.0} %)", done * 100.0)).unwrap_or_default()
}

/// The models, and the service that runs them, which is started with the first.
pub struct Models {
    options: Arc<Options>,
    store: Store,
    engine: Arc<SharedEngine>,
    permits: Arc<Permits>,
    memory: Memory,
    /// Held while it is started, which takes a while. Comes before the lock of the engine.
    service: Mutex<Option<Arc<ReadService>>>,
    /// The one used last is the last.
    slots: Mutex<Vec<Slot>>,
    unreadable: LogThrottle,
}

struct Slot {
    name: String,
    model: ModelSlot<Ready>,
}

impl Models {
    /// Nothing is loaded before it is needed.
    pub fn new(
        options: Arc<Options>,
        store: Store,
        engine: Arc<SharedEngine>,
        permits: Arc<Permits>,
        memory: Memory,
    ) -> Arc<Self> {
        let (service, slots, unreadable) = (Mutex::default(), Mutex::default(), LogThrottle::new());
        Arc::new(Self { options, store, engine, permits, memory, service, slots, unreadable })
    }

    /// The model of that name, as soon as it is loaded; one that has to be fetched is not waited for.
    pub async fn get(self: &Arc<Self>, name: &str) -> Result<Ready, NotReady> {
        if !self.is_listed(name) {
            let (this, name) = (self.clone(), name.to_owned());
            let known = tokio::task::spawn_blocking(move || this.check_name(&name)).await;
            known.unwrap_or(Err(NotReady::Unlisted))?;
        }
        match self.slot(name).wait_settled(false).await {
            State::Ready(ready) => Ok(ready),
            State::Failed(failure) => {
                let after = failure.again_after.saturating_sub(failure.since.elapsed());
                Err(NotReady::Failed { name: name.to_owned(), reason: failure.reason.to_string(), after })
            }
            State::Fetching { done, .. } => Err(NotReady::Fetching { name: name.to_owned(), done }),
            State::Idle | State::Loading => Err(NotReady::Loading { name: name.to_owned() }),
        }
    }

    fn is_listed(&self, name: &str) -> bool {
        self.slots.lock().iter().any(|slot| slot.name == name)
    }

    /// Only names of models for text get a slot, so there are never more slots than models.
    fn check_name(&self, name: &str) -> Result<(), NotReady> {
        let manifest = self.store.manifest(name).map_err(|error| match error {
            StoreError::UnknownModel { .. } => NotReady::Unknown(error),
            error => {
                let reason = error.to_string();
                if let Some(unsaid) = self.unreadable.admit_line(clock::now()) {
                    let (name, reason) = (lines::short_line(name), lines::short_sentence(&reason));
                    tracing::warn!(unsaid, "text reading: the model {name} cannot be used: {reason}");
                }
                NotReady::Failed { name: name.to_owned(), reason, after: UNREADABLE }
            }
        })?;
        if manifest.task != Task::TextReading {
            let error = ReadModelError::WrongTask { name: name.to_owned(), task: manifest.task.name() };
            return Err(NotReady::WrongTask(error));
        }
        Ok(())
    }

    /// Where the model stands; begins to load it if nobody has yet, or if that failed a while ago.
    fn slot(self: &Arc<Self>, name: &str) -> ModelSlot<Ready> {
        let mut slots = self.slots.lock();
        let slot = match slots.iter().position(|slot| slot.name == name) {
            Some(position) => slots.remove(position),
            None => Slot { name: name.to_owned(), model: ModelSlot::default() },
        };
        let model = slot.model.clone();
        slots.push(slot);
        let (this, owned) = (self.clone(), name.to_owned());
        let begun = model.spawn_load(move |slot| {
            this.load_model(&owned, slot).inspect_err(|error| {
                tracing::warn!("text reading: the model {owned} cannot be used: {error:#}");
            })
        });
        if begun {
            let surplus = slots.len().saturating_sub(MAX_LOADED);
            let unused = slots.iter().filter(|slot| slot.model.is_ready()).take(surplus);
            let unused: Vec<String> = unused.map(|slot| slot.name.clone()).collect();
            slots.retain(|slot| !unused.contains(&slot.name));
        }
        model
    }

    fn load_model(&self, name: &str, slot: &ModelSlot<Ready>) -> anyhow::Result<()> {
        let mut progress = |progress: Progress<'_>| match progress {
            Progress::Fetching(..) => slot.set_fetching("", None),
            Progress::Bytes { bytes, of } => {
                slot.set_fetching("", of.filter(|of| *of > 0).map(|of| bytes as f32 / of as f32));
            }
            Progress::Present(_) | Progress::Retry { .. } | Progress::Done(_) => {}
        };
        let model = ReadModel::load_or_fetch(&self.store, name, &mut progress)?;
        slot.set_loading();
        let service = self.start_service()?;
        let engine = service.engine();
        engine.ensure_usable(&model.subjects(engine)?, &|| self.engine.going_on())?;
        let ready = Ready { service: service.clone(), model: Arc::new(model) };
        self.log_ready(&ready);
        slot.set_ready(ready.clone());
        if let Err(error) = self.measure_model(&ready, slot)
            && self.engine.going_on()
        {
            tracing::warn!("how the model {name} runs fastest was not measured: {error:#}");
        }
        Ok(())
    }

    fn log_ready(&self, ready: &Ready) {
        let [detection, recognition] = ready.service.plan(&ready.model);
        tracing::info!(
            model = ready.model.name(),
            detection = detection.to_string(),
            recognition = recognition.to_string(),
            threads = self.permits.threads(),
            "text reading is ready"
        );
    }

    /// The model works already. Who comes when it has been measured has it in the fastest way; a request that has begun ends as it
    /// was, so that all pictures of a batch are read with the same arithmetic.
    fn measure_model(&self, ready: &Ready, slot: &ModelSlot<Ready>) -> anyhow::Result<()> {
        let engine = ready.service.engine();
        engine.measure_ways(&ready.model.subjects(engine)?, &|| self.engine.going_on())?;
        if !self.engine.going_on() || ready.model.runs_best(engine) {
            return Ok(());
        }
        let manifest = self.store.manifest(ready.model.name())?;
        let model = Arc::new(ReadModel::load(&self.store, &manifest)?);
        let better = Ready { service: ready.service.clone(), model };
        if slot.replace(|now| Arc::ptr_eq(&now.model, &ready.model), better.clone()) {
            self.log_ready(&better);
        }
        Ok(())
    }

    /// Measures the configured model, if it is here and was not measured yet, before somebody needs it; blocks.
    pub fn measure_ahead(&self) -> anyhow::Result<()> {
        let (store, name) = (&self.store, &self.options.model);
        let manifest = store.manifest(name)?;
        if manifest.task != Task::TextReading || !store.has_files(&manifest) {
            return Ok(());
        }
        let (model, engine) = (ReadModel::load(store, &manifest)?, self.engine.get()?);
        if !model.is_measured(&engine) {
            engine.measure_ways(&model.subjects(&engine)?, &|| self.engine.going_on())?;
        }
        Ok(())
    }

    /// The one service, started if it was not yet; blocks.
    fn start_service(&self) -> anyhow::Result<Arc<ReadService>> {
        let mut started = self.service.lock();
        if let Some(service) = &*started {
            return Ok(service.clone());
        }
        let reader = &self.options;
        let options = ServiceOptions {
            threads: reader.threads,
            queue: reader.queue + 2 * reader.threads + SPARE_PLACES,
            idle_release: reader.idle_release,
            memory: self.memory.clone(),
        };
        let service = Arc::new(ReadService::start(self.engine.get()?, options)?);
        *started = Some(service.clone());
        Ok(service)
    }

    /// The service, if it was started.
    pub fn running_service(&self) -> Option<Arc<ReadService>> {
        // The thread that starts it holds the lock for a while; then it is not running.
        self.service.try_lock().and_then(|service| service.clone())
    }

    /// All that anybody has asked for, the one used last at the end.
    pub fn states(&self) -> Vec<(String, State<Ready>)> {
        self.slots.lock().iter().map(|slot| (slot.name.clone(), slot.model.state())).collect()
    }

    /// Lets everything go; waits for what runs. Nothing is to be asked for afterwards.
    pub fn close(&self) {
        self.slots.lock().clear();
        let service = self.service.lock().take();
        drop(service);
    }
}
