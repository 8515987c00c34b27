//! Which detection model is at work: found out when somebody first needs it.

use std::sync::Arc;

use anyhow::{anyhow, bail};
use sightwire_api::status::{DetectorStatus, ModelState};
use sightwire_engine::shared::SharedEngine;
use sightwire_frame::Image;
use sightwire_infer::detect::{
    self, Chosen, DetectModel, DetectService, DetectorOptions, Found, ServiceOptions, choose, choose_model,
};
use sightwire_models::fetch::Progress;
use sightwire_models::slot::{ModelSlot, State};
use tokio::sync::oneshot;

use crate::options::Options;
use crate::remote::{FindError, ModelElsewhere, RemoteDetector};

/// Runs that say how fast the others will be.
const MEASURED_BY: u64 = 50;

/// Threshold of every analysis; what viewers want to see is chosen among what is above.
pub const BASE_CONFIDENCE: f32 = 0.1;
/// Places for pictures that wait for a model thread, beside one for each analysis: more than single pictures may take, those of
/// other servers and all others.
const SPARE_PLACES: usize = 8;

/// The model that finds objects in pictures.
#[derive(Clone, Debug)]
pub enum Model {
    /// A network; all analyses share its threads.
    Network(Arc<DetectService>),
    /// The background model, which needs no weights; each analysis has its own.
    Motion,
    /// That of a server of models elsewhere, which this process asks.
    Remote(Arc<ModelElsewhere>),
    /// That of another process, which looks for this one, too.
    Elsewhere(Arc<ModelElsewhere>),
}

/// Finds objects in pictures, for all analyses.
#[derive(Debug)]
pub struct Detector {
    options: Arc<Options>,
    engine: Arc<SharedEngine>,
    slot: ModelSlot<Model>,
    remote: Option<Arc<dyn RemoteDetector>>,
}

impl Model {
    /// As in the store, or `motion`.
    pub fn name(&self) -> &str {
        match self {
            Model::Network(service) => service.name(),
            Model::Motion => detect::MOTION,
            Model::Elsewhere(model) | Model::Remote(model) => &model.name,
        }
    }

    /// Names of the classes, by class number.
    pub fn labels(&self) -> &[String] {
        static MOTION: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| {
            sightwire_track::motion::LABELS.iter().map(ToString::to_string).collect()
        });
        match self {
            Model::Network(service) => service.labels(),
            Model::Motion => &MOTION,
            Model::Elsewhere(model) | Model::Remote(model) => &model.labels,
        }
    }

    /// Name of a class; `?` for a number that the model does not have.
    pub fn label(&self, class: usize) -> &str {
        self.labels().get(class).map_or("?", String::as_str)
    }
}

/// Why pictures of other servers are not looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotForOthers {
    /// Two servers might pass a picture on to each other for ever.
    #[error(
        "this server has pictures looked at elsewhere itself (engine.remote), and passes none on; ask that one"
    )]
    Elsewhere,
    /// It is on its way.
    #[error("the detection model is being loaded; try again in a moment")]
    Loading,
    /// It cannot be had, and why.
    #[error("there is no detection model: {0}")]
    NoModel(Arc<str>),
    /// Motion needs a video.
    #[error("detector.model is motion, which needs a video; set it to a network, such as yolox-nano")]
    Motion,
}

impl Detector {
    /// Nothing is loaded before it is needed.
    pub fn new(options: Arc<Options>, engine: Arc<SharedEngine>) -> Arc<Self> {
        let remote = options.remote.clone();
        Arc::new(Self { options, engine, slot: ModelSlot::default(), remote })
    }

    /// How far it is. Where it cannot be had, the background model is used, and the failure says why.
    pub fn state(&self) -> State<Model> {
        self.slot.state()
    }

    /// The model, if it works already.
    pub fn ready_model(&self) -> Option<Model> {
        match self.state() {
            State::Ready(model) => Some(model),
            State::Idle | State::Loading | State::Fetching { .. } | State::Failed(_) => None,
        }
    }

    /// Whether pictures of other servers can be looked at: by a network of this one, and by nothing else.
    pub fn for_others(&self) -> Result<(), NotForOthers> {
        if self.remote.is_some() {
            return Err(NotForOthers::Elsewhere);
        }
        match self.state() {
            State::Ready(Model::Network(_)) => Ok(()),
            State::Ready(_) => Err(NotForOthers::Motion),
            State::Idle | State::Loading | State::Fetching { .. } => Err(NotForOthers::Loading),
            State::Failed(failure) => Err(NotForOthers::NoModel(failure.reason)),
        }
    }

    /// The one elsewhere, if there is to be one.
    pub fn remote(&self) -> Option<&Arc<dyn RemoteDetector>> {
        self.remote.as_ref()
    }

    /// The model elsewhere while it answers, otherwise the one here. Nobody waits for that one where there is one elsewhere: until it
    /// is here, motion looks.
    pub async fn at_work(self: &Arc<Self>) -> Model {
        let Some(remote) = &self.remote else { return self.load_model().await };
        if remote.is_here().await {
            return Model::Remote(remote.known_model());
        }
        self.start_loading();
        self.ready_model().unwrap_or(Model::Motion)
    }

    /// The model; found out, fetched and loaded if nobody needed one before.
    pub async fn load_model(self: &Arc<Self>) -> Model {
        self.start_loading();
        match self.slot.wait_settled(true).await {
            State::Ready(model) => model,
            State::Idle | State::Loading | State::Fetching { .. } | State::Failed(_) => Model::Motion,
        }
    }

    fn start_loading(self: &Arc<Self>) {
        let this = self.clone();
        self.slot.spawn_load(move |slot| {
            this.prepare_model(slot).inspect_err(|error| tracing::warn!("detection: {error:#}"))
        });
    }

    fn prepare_model(&self, slot: &ModelSlot<Model>) -> anyhow::Result<()> {
        let options = &self.options;
        let mut progress = |progress: Progress<'_>| {
            let Progress::Bytes { bytes, of } = progress else { return };
            slot.set_fetching("", of.filter(|of| *of > 0).map(|of| bytes as f32 / of as f32));
        };
        let found = match choose_model(&options.store, &options.detector.model, &mut progress) {
            Chosen::Motion { note: None } => {
                tracing::info!(model = Model::Motion.name(), "detection is ready");
                slot.set_ready(Model::Motion);
                return Ok(());
            }
            Chosen::Motion { note: Some(note) } => bail!(note),
            Chosen::Network(found) => found,
        };
        let name = found.name().to_owned();
        let service = self
            .start_service(found)
            .map_err(|error| anyhow!(choose::fallback_note(&name, &format!("{error:#}"))))?;
        let service = Arc::new(service);
        tracing::info!(model = name, "detection is ready");
        slot.set_ready(Model::Network(service.clone()));
        if let Err(error) = self.measure_service(&service)
            && self.engine.going_on()
        {
            tracing::warn!("how the detector runs fastest was not measured: {error:#}");
        }
        Ok(())
    }

    /// It works already; from here on in the fastest way.
    fn measure_service(&self, service: &DetectService) -> anyhow::Result<()> {
        let going_on = || self.engine.going_on();
        service.engine().measure_ways(&service.subjects(), &going_on)?;
        if going_on() && service.decide_again()? {
            tracing::info!(model = service.name(), "detection runs with {} from now on", service.plan());
        }
        Ok(())
    }

    /// Measures the model that would be used, if it is here and was not measured yet, before somebody needs it; blocks.
    pub fn measure_ahead(&self) -> anyhow::Result<()> {
        let store = &self.options.store;
        let name = match &*self.options.detector.model {
            detect::AUTO => detect::DEFAULT_MODEL,
            name => name,
        };
        let manifest = store.manifest(name)?;
        if manifest.detect.is_none() || !store.has_files(&manifest) {
            return Ok(());
        }
        let subjects = DetectModel::load(store, &manifest)?.subjects();
        Ok(self.engine.get()?.measure_ways(&subjects, &|| self.engine.going_on())?)
    }

    fn start_service(&self, model: DetectModel) -> anyhow::Result<DetectService> {
        let options = &self.options;
        let engine = self.engine.get()?;
        engine.ensure_usable(&model.subjects(), &|| self.engine.going_on())?;
        let options = ServiceOptions {
            threads: engine.threads(),
            queue: options.cameras.max_analyses + 2 * engine.threads() + SPARE_PLACES,
            idle_release: options.idle_release,
            detector: DetectorOptions { iou: options.detector.iou, max_boxes: options.detector.max_boxes },
        };
        Ok(DetectService::start(model, engine, options)?)
    }

    /// Why the model at work is not the one asked for.
    pub fn fallback_note(&self) -> Option<Arc<str>> {
        match self.state() {
            State::Failed(failure) => Some(failure.reason),
            State::Idle | State::Loading | State::Fetching { .. } | State::Ready(_) => None,
        }
    }

    /// Pictures a second that its threads look at together, where enough were looked at to know.
    pub fn capacity(&self) -> Option<f64> {
        if self.remote.as_ref().is_some_and(|remote| remote.is_answering()) {
            return None;
        }
        let State::Ready(Model::Network(service)) = self.state() else { return None };
        let stats = service.stats();
        let busy = stats.took.sum_us as f64 / 1e6;
        (stats.runs >= MEASURED_BY).then(|| stats.runs as f64 / busy * service.threads() as f64)
    }

    /// The `detector` part of `/api/v1/status`.
    pub fn report(&self) -> DetectorStatus {
        let Some(remote) = &self.remote else { return self.report_here() };
        remote.report(self.report_here())
    }

    fn report_here(&self) -> DetectorStatus {
        let options = &self.options.detector;
        let mut report = DetectorStatus {
            confidence: options.confidence.into(),
            model: options.model.clone(),
            ..DetectorStatus::default()
        };
        let model = match self.state() {
            State::Idle => return report,
            State::Loading => {
                report.state = ModelState::Fetching;
                return report;
            }
            State::Fetching { done, .. } => {
                report.state = ModelState::Fetching;
                report.progress = done.map(f64::from);
                return report;
            }
            State::Failed(failure) => {
                report.note = Some(failure.reason.to_string());
                Model::Motion
            }
            State::Ready(model) => model,
        };
        let mut report = DetectorStatus {
            labels: model.labels().to_vec(),
            model: model.name().to_owned(),
            state: ModelState::Ready,
            ..report
        };
        if let Model::Network(service) = &model {
            let (plan, stats) = (service.plan(), service.stats());
            report.provider = Some(plan.provider.name().to_owned());
            report.precision = Some(plan.precision.name().to_owned());
            report.threads = Some(service.threads());
            report.runs = stats.runs;
            report.busy_s = stats.took.sum_us as f64 / 1e6;
        }
        report
    }
}

/// Runs a network on one picture; what nobody waits for any more is not run. `place` is held until the network has let go of
/// the picture, though the one who asked may have gone.
pub async fn find_objects(
    service: &DetectService,
    image: Arc<Image>,
    threshold: f32,
    place: impl Send + 'static,
) -> Result<Found, FindError> {
    let (give, take) = oneshot::channel();
    let give = Arc::new(parking_lot::Mutex::new(Some(give)));
    let waits = give.clone();
    let wanted = move || waits.lock().as_ref().is_some_and(|give: &oneshot::Sender<_>| !give.is_closed());
    let done = move |found| {
        if let Some(give) = give.lock().take() {
            let _ = give.send(found);
        }
        drop(place);
    };
    service.submit(image, threshold, wanted, done).map_err(|_| FindError::Busy)?;
    match take.await {
        Ok(found) => Ok(found?),
        Err(_) => Err(FindError::Ended),
    }
}
