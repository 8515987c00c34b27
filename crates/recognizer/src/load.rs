//! Brings a model to work: from the store, by importing a file, in the place of another one.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use parking_lot::{Mutex, MutexGuard};
use sightwire_base::{clock, lines};
use sightwire_engine::Plan;
use sightwire_import::missing::{self, Missing};
use sightwire_import::{self, ImportError, Progress, Request};
use sightwire_infer::clip::model;
use sightwire_models::digest;
use sightwire_models::manifest::Manifest;
use sightwire_models::slot;
use sightwire_models::store::{Store, StoreError};

use super::{DUMMY_LABEL, Recognizer, State, Switch};
use crate::service::load_model;
use crate::{GESTURES, HANDS, ModelChoice, Service, has_hands};

/// What a client is expected to send.
const USUAL_FPS: f32 = 25.0;
/// `recognizer.max_clients` may exceed the capacity by this much before it is worth a warning.
const TOLERANCE: f32 = 1.1;
/// How long a replaced model may take to end what it has begun.
const LAST_WINDOWS: Duration = Duration::from_secs(1);

/// How long the model at work may take to be started anew, in a faster way, where another one waits to take its place.
const STARTED_ANEW: Duration = Duration::from_secs(30);

/// Why a model was not activated.
#[derive(Debug, thiserror::Error)]
pub enum ActivateError {
    /// There is none of that name.
    #[error(transparent)]
    Unknown(StoreError),
    /// Another model is on its way.
    #[error("The model {0} is being loaded. Please try again in a moment.")]
    Busy(String),
    /// It cannot be used; the present one stays.
    #[error("{0:#}")]
    Unusable(anyhow::Error),
    /// Every answer is the dummy's.
    #[error("This server runs without a model (USE_DUMMY_MODEL).")]
    Dummy,
}

/// A switch goes on until this is dropped.
struct Ends<'a>(&'a Mutex<Option<Switch>>);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}

impl Recognizer {
    /// Loads library and model, and imports the model first if that is needed; blocks. The state says how far it is and
    /// what came of it. `going_on` answers false when the server is to end.
    pub fn load_model(&self, going_on: &dyn Fn() -> bool) {
        if self.options.settings.dummy {
            tracing::warn!(
                "no model runs: every frame is answered with {DUMMY_LABEL:?} (recognizer.dummy, USE_DUMMY_MODEL)"
            );
        } else if self.model.begin_loading() {
            self.load_now(going_on);
        }
    }

    /// Begins to load the model again if it could not be had a while ago; for a caller with a client that wants it. Within an async
    /// runtime.
    pub fn try_again(self: &Arc<Self>) {
        // A user who puts another one to use, or gets the library, is not disturbed.
        let (switching, _active) = (self.switching.lock(), self.active.lock());
        if switching.is_some()
            || self.options.settings.dummy
            || !matches!(self.model.state(), slot::State::Failed(_))
        {
            return;
        }
        let this = self.clone();
        self.model.spawn_load(move |_| {
            this.load_now(&|| this.engine.going_on());
            this.measure_model();
            Ok(())
        });
    }

    /// The slot says already that it is being loaded.
    pub(super) fn load_now(&self, going_on: &dyn Fn() -> bool) {
        let mut watch = |progress: Progress| {
            if !progress.text.is_empty() {
                tracing::info!(
                    percent = progress.done.map(|done| (done * 100.0).round()),
                    "importing: {}",
                    progress.text
                );
                let text = format!("importing {}: {}", self.model(), progress.text);
                self.model.set_fetching(&text, progress.done);
            }
            going_on()
        };
        match self.prepare_model(&self.options.settings.model, &mut watch) {
            Ok(service) => {
                self.install_service(service);
            }
            Err(_) if !going_on() => {}
            Err(error) => {
                tracing::error!(
                    "the recogniser has no model, and refuses clients until it can be had or another is activated: {error:#}"
                );
                let missing = Missing::from_error(&error, &self.options.engine);
                if let Some(missing) = &missing {
                    let command = missing.command(self.store());
                    tracing::error!(
                        "get what is missing with `{command}`: it is taken when a client comes half a minute later"
                    );
                }
                if missing == Some(Missing::Runtime)
                    && let Some(other) = missing::other_home(self.store())
                {
                    tracing::warn!("{other}");
                }
                self.record_failure(&error, missing);
            }
        }
    }

    pub(super) fn record_failure(&self, error: &anyhow::Error, missing: Option<Missing>) {
        let mut active = self.active.lock();
        if !self.model.is_ready() {
            active.missing = missing;
            self.model.set_failed(error);
        }
    }

    /// Puts another model of the store in the place of the present one, without dropping a client: windows that have
    /// begun end on the old one. Blocks for about a second, and before that for as long as the present one is being started anew in a
    /// faster way.
    pub fn activate_model(&self, name: &str) -> Result<Duration, ActivateError> {
        let took = self.switch_model(name, false)?;
        self.turned_down.store(name == GESTURES, Ordering::Relaxed);
        if name == HANDS {
            *self.instead.lock() = None;
            self.better.lock().forget_failure();
        }
        Ok(took)
    }

    /// Measures in which ways the model at work can be run here, and runs it in the fastest from then on, without dropping a
    /// client. Blocks for some seconds, once on each machine.
    pub fn measure_model(&self) {
        let Some(_only) = self.measuring.try_lock() else { return };
        // One that has taken its place meanwhile is measured, too.
        let mut measured = None;
        while measured.as_deref() != Some(&*self.model()) && self.engine.going_on() {
            measured = Some(self.model());
            self.measure_present();
        }
    }

    fn measure_present(&self) {
        let State::Ready(service) = self.state() else { return };
        let (name, plans) = (service.name().to_owned(), service.plans().to_vec());
        // The model that takes its place waits for all who hold it.
        drop(service);
        let is_another = || -> anyhow::Result<bool> {
            let engine = self.engine.get()?;
            let model = load_model(self.store(), &self.store().manifest(&name)?)?;
            model.measure_plans(&engine, &|| self.engine.going_on())?;
            let fastest = model.plans(&engine);
            // What the model at work does without is no reason.
            let is_other =
                |(role, plan): &(&str, Plan)| plans.iter().any(|(at, now)| at == role && now != plan);
            Ok(self.engine.going_on() && fastest.iter().any(is_other))
        };
        match is_another() {
            // What goes wrong is logged, and the model goes on as it is.
            Ok(true) => drop(self.switch_model(&name, true)),
            Ok(false) => {}
            Err(_) if !self.engine.going_on() => {}
            Err(error) => tracing::warn!("how the model {name} runs fastest was not measured: {error:#}"),
        }
    }

    fn is_at_work(&self, name: &str) -> bool {
        let active = self.active.lock();
        *active.model == *name && matches!(self.state_of(&active), State::Ready(_))
    }

    /// `again` starts the model that is at work anew, if it still is.
    fn switch_model(&self, name: &str, again: bool) -> Result<Duration, ActivateError> {
        let started = {
            let mut switching = self.switching.lock();
            // A user who wants another one is not told to come again because of what nobody asked for and takes a second, nor
            // because a switch that has just put its model to work has not ended yet.
            let until = clock::now() + STARTED_ANEW;
            let is_short = |switch: &Switch| switch.again || self.is_at_work(&switch.to);
            while switching.as_ref().is_some_and(is_short) && clock::now() < until && self.engine.going_on() {
                MutexGuard::unlocked(&mut switching, || std::thread::sleep(Duration::from_millis(20)));
            }
            if let Some(Switch { to, .. }) = &*switching {
                return Err(ActivateError::Busy(to.clone()));
            }
            let started = clock::now();
            let active = self.active.lock();
            match self.state_of(&active) {
                State::Dummy => return Err(ActivateError::Dummy),
                State::Loading(_) => return Err(ActivateError::Busy(active.model.to_string())),
                State::Ready(_) if (*active.model == *name) != again => return Ok(clock::since(started)),
                State::Ready(_) | State::Failed { .. } => {
                    *switching = Some(Switch { to: name.to_owned(), again });
                }
            }
            started
        };
        let done = {
            // Also after a panic, or nobody could ever switch again.
            let _ends = Ends(&self.switching);
            let manifest = self.store().manifest(name).map_err(anyhow::Error::new);
            manifest
                .and_then(|manifest| self.start_model(&manifest))
                .map(|service| self.install_service(service))
        };
        match done {
            Ok(()) => Ok(clock::since(started)),
            Err(error) => {
                let reason = format!("{error:#}");
                tracing::warn!(
                    "the model \"{}\" was not activated: {}",
                    lines::short_line(name),
                    lines::short_sentence(&reason)
                );
                if !matches!(error.downcast_ref(), Some(StoreError::UnknownModel { .. })) {
                    return Err(ActivateError::Unusable(error));
                }
                Err(error.downcast().map_or_else(ActivateError::Unusable, ActivateError::Unknown))
            }
        }
    }

    /// The model of the configuration, at work.
    fn prepare_model(
        &self,
        choice: &ModelChoice,
        watch: sightwire_import::OnProgress<'_>,
    ) -> anyhow::Result<Box<dyn Service>> {
        match choice {
            ModelChoice::Best => {
                if has_hands(self.store()) {
                    match self
                        .store()
                        .manifest(HANDS)
                        .map_err(Into::into)
                        .and_then(|hands| self.start_model(&hands))
                    {
                        Ok(service) => return Ok(service),
                        Err(error) => {
                            let reason = format!("{error:#}");
                            tracing::error!(
                                "the model {HANDS} cannot be used, and {GESTURES} takes its place: {reason}"
                            );
                            *self.instead.lock() = Some(reason);
                        }
                    }
                }
                self.start_model(&self.store().manifest(GESTURES)?)
            }
            ModelChoice::File(source) => {
                let mut request = self.import_request(source, None);
                let manifest = match import_file(self.store(), &request, watch) {
                    // The file was replaced since, or another one is called so: both are kept.
                    Err(error) if matches!(error.downcast_ref(), Some(ImportError::Taken { .. })) => {
                        let hash = digest::sha256_of(source)?;
                        request.name = Some(format!("{}-{}", sightwire_import::name_of(source), &hash[..8]));
                        import_file(self.store(), &request, watch)
                    }
                    done => done,
                }?;
                self.start_model(&manifest)
            }
            ModelChoice::Name(name) => {
                let manifest = self.store().manifest(name)?;
                let Some(file) = manifest.to_import() else {
                    return self.start_model(&manifest);
                };
                // It was pulled, or lies in the mirror, and was not imported yet.
                let source = self.store().verified_path(name, file)?;
                let manifest =
                    import_file(self.store(), &self.import_request(&source, Some(&manifest)), watch)?;
                self.start_model(&manifest)
            }
        }
    }

    fn import_request(&self, source: &Path, manifest: Option<&Manifest>) -> Request {
        Request::from_source(source, manifest, self.options.python.clone(), &self.options.engine)
    }

    /// A model at work, in a way that is known to be possible on this machine.
    fn start_model(&self, manifest: &Manifest) -> anyhow::Result<Box<dyn Service>> {
        let mut model = load_model(self.store(), manifest)?;
        let engine = self.engine.get()?;
        model.ensure_usable(&engine, &|| self.engine.going_on())?;
        model.start_service(engine, &self.options).context("the model does not run here")
    }

    /// From now on this model answers.
    fn install_service(&self, service: Box<dyn Service>) {
        let warning = too_many_clients(&*service, self.max_clients());
        if matches!(self.state(), State::Ready(_)) && *self.model() == *service.name() {
            let networks = model::in_words(service.plans());
            tracing::info!(model = service.name(), networks, "the model runs in its fastest way from now on");
        } else {
            log_loaded(&*service, warning.as_deref());
        }
        let old = {
            let mut active = self.active.lock();
            let another = *active.model != *service.name();
            active.model = service.name().into();
            active.missing = None;
            let old = self.model.set_ready(Arc::from(service));
            if let slot::State::Ready(old) = &old {
                // Before anyone can see the new model's counters. What the old one still does is not counted.
                self.before.lock().add_counters(&old.stats());
                self.generation.fetch_add(1, Ordering::Release);
                self.switches.fetch_add(u64::from(another), Ordering::Relaxed);
            }
            old
        };
        if let slot::State::Ready(old) = old {
            let until = clock::now() + LAST_WINDOWS;
            while old.stats().pending > 0 && clock::now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
            // Its last owner waits for its threads; that must not be a request that has just asked for its counters.
            while Arc::strong_count(&old) > 1 && clock::now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
            drop(old);
        }
    }
}

fn import_file(
    store: &Store,
    request: &Request,
    watch: sightwire_import::OnProgress<'_>,
) -> anyhow::Result<Manifest> {
    sightwire_import::import_model(store, request, watch).map_err(|error| match error {
        // The tool names the file already.
        ImportError::Tool(_)
        | ImportError::Read { .. }
        | ImportError::Taken { .. }
        | ImportError::Foreign { .. } => anyhow::Error::new(error),
        error => anyhow::Error::new(error).context(format!("{} was not imported", request.source.display())),
    })
}

fn log_loaded(service: &dyn Service, warning: Option<&str>) {
    let engine = service.engine();
    tracing::info!(
        model = service.name(),
        networks = model::in_words(service.plans()),
        runtime = engine.runtime().version(),
        threads = engine.threads(),
        jpeg = sightwire_frame::JPEG_BACKEND,
        capacity_fps = service.stats().capacity_fps.round(),
        "model loaded"
    );
    if let Some(note) = engine.note() {
        tracing::warn!("{note}");
    }
    if let Some(warning) = warning {
        tracing::info!("{warning}");
    }
}

/// Whether this many clients are more than all frames can be analysed of.
pub(crate) fn exceeds_capacity(service: &dyn Service, clients: usize) -> bool {
    clients as f32 > service.stats().capacity_fps / USUAL_FPS * TOLERANCE
}

pub(crate) fn too_many_clients(service: &dyn Service, max_clients: usize) -> Option<String> {
    let clients = service.stats().capacity_fps / USUAL_FPS;
    exceeds_capacity(service, max_clients).then(|| {
        format!(
            "recognizer.max_clients is {max_clients}, but with the model {} this machine can analyse every frame of about {} clients at {USUAL_FPS} frames a second; with more, fewer frames of each are analysed",
            service.name(),
            clients.floor(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::recognizer_without_a_model;

    fn reason(recognizer: &Recognizer) -> Option<String> {
        match recognizer.state() {
            State::Failed { reason, .. } => Some(reason),
            _ => None,
        }
    }

    #[test]
    fn another_model_is_activated_after_the_present_one_was_started_anew() {
        let home = tempfile::tempdir().unwrap();
        let recognizer = recognizer_without_a_model(&Store::new(home.path().to_owned(), None));
        recognizer.load_model(&|| true);
        let switch = |again| Some(Switch { to: "mine".into(), again });
        *recognizer.switching.lock() = switch(false);
        let refused = recognizer.activate_model("yours").unwrap_err();
        assert!(matches!(refused, ActivateError::Busy(_)), "somebody asked for that: {refused}");
        *recognizer.switching.lock() = switch(true);
        let waits = std::thread::spawn({
            let recognizer = recognizer.clone();
            move || recognizer.activate_model("yours")
        });
        std::thread::sleep(Duration::from_millis(50));
        *recognizer.switching.lock() = None;
        let tried = waits.join().unwrap().unwrap_err();
        assert!(matches!(tried, ActivateError::Unknown(_)), "{tried}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_model_that_could_not_be_had_is_tried_again_when_a_client_comes_later() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::new(home.path().to_owned(), None);
        let recognizer = recognizer_without_a_model(&store);
        recognizer.load_model(&|| true);
        let missing = reason(&recognizer).unwrap();
        assert!(missing.contains("mine"), "{missing}");

        // By and by there is a file, though it is none that can be used.
        let manifest = store.file_path("mine", "x").parent().unwrap().with_extension("toml");
        std::fs::create_dir_all(manifest.parent().unwrap()).unwrap();
        std::fs::write(&manifest, "not a manifest").unwrap();
        recognizer.try_again();
        assert_eq!(reason(&recognizer).as_ref(), Some(&missing), "not at once");
        tokio::time::sleep(Duration::from_secs(31)).await;
        recognizer.try_again();
        let found = loop {
            if let Some(found) = reason(&recognizer).filter(|found| *found != missing) {
                break found;
            }
            tokio::task::yield_now().await;
        };
        assert!(found.contains("mine.toml"), "{found}");
    }
}
