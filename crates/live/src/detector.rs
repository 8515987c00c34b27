//! Which detection model is at work: found out when somebody first needs it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use sightwire_frame::Image;
use sightwire_infer::detect::{
    self, Chosen, DetectModel, DetectService, DetectorOptions, Found, ServiceOptions, choose,
};
use sightwire_infer::shared::SharedEngine;
use sightwire_models::fetch::Progress;
use tokio::sync::{oneshot, watch};

use crate::options::Options;

/// Threshold of every analysis; what viewers want to see is chosen among what is above.
pub const BASE_CONFIDENCE: f32 = 0.1;
/// Places for pictures that wait for a model thread, beside one for each analysis: more than single pictures may take.
const SPARE_PLACES: usize = 4;
/// When a model could not be had, it is tried again when it is needed after so long.
const TRY_AGAIN: Duration = Duration::from_secs(300);

/// What finds objects.
#[derive(Clone, Debug)]
pub enum Model {
    /// A network.
    Network(Arc<DetectService>),
    /// The background model, which needs no weights; each analysis has its own.
    Motion,
}

/// How far it is.
#[derive(Clone, Debug)]
pub enum Readiness {
    /// Nobody has needed it yet.
    Idle,
    /// It is being fetched or loaded.
    Fetching {
        /// 0–1, where it is known.
        done: Option<f32>,
    },
    /// It works.
    Ready {
        /// Which it is.
        model: Model,
        /// Why it is not the one asked for.
        note: Option<Arc<str>>,
        /// Since when.
        since: Instant,
    },
}

/// Finds objects in pictures, for all analyses.
#[derive(Debug)]
pub struct Detector {
    options: Arc<Options>,
    engine: Arc<SharedEngine>,
    readiness: watch::Sender<Readiness>,
}

impl Model {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Model::Network(service) => service.name(),
            Model::Motion => detect::MOTION,
        }
    }

    /// Its classes.
    pub fn labels(&self) -> &[String] {
        static MOTION: std::sync::LazyLock<Vec<String>> =
            std::sync::LazyLock::new(|| detect::motion::LABELS.iter().map(ToString::to_string).collect());
        match self {
            Model::Network(service) => service.labels(),
            Model::Motion => &MOTION,
        }
    }

    /// The class's name.
    pub fn label(&self, class: usize) -> &str {
        self.labels().get(class).map_or("?", String::as_str)
    }
}

/// Why there are no detections.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FindError {
    /// Too much waits for the model.
    #[error("too many pictures wait for the model")]
    Busy,
    /// The model says so.
    #[error("{0}")]
    Failed(String),
}

impl Detector {
    /// Nothing is loaded before it is needed.
    pub fn new(options: Arc<Options>, engine: Arc<SharedEngine>) -> Arc<Self> {
        Arc::new(Self { options, engine, readiness: watch::Sender::new(Readiness::Idle) })
    }

    /// How far it is.
    pub fn readiness(&self) -> Readiness {
        self.readiness.borrow().clone()
    }

    /// The model; found out, fetched and loaded if nobody needed one before.
    pub async fn model(self: &Arc<Self>) -> Model {
        let mut watch = self.readiness.subscribe();
        let begin = self.readiness.send_if_modified(|readiness| {
            let begin = match readiness {
                Readiness::Idle => true,
                Readiness::Ready { note: Some(_), since, .. } => since.elapsed() > TRY_AGAIN,
                Readiness::Ready { .. } | Readiness::Fetching { .. } => false,
            };
            if begin {
                *readiness = Readiness::Fetching { done: None };
            }
            begin
        });
        if begin {
            let this = self.clone();
            // Blocking, and longer than any one who waits for it may stay: a thread of its own.
            tokio::spawn(async move {
                let that = this.clone();
                if tokio::task::spawn_blocking(move || that.prepare()).await.is_err() {
                    let note =
                        "the detection model could not be loaded, so motion is used; the log says more";
                    this.ready(Model::Motion, Some(note.to_owned()));
                }
            });
        }
        loop {
            if let Readiness::Ready { model, .. } = &*watch.borrow_and_update() {
                return model.clone();
            }
            if watch.changed().await.is_err() {
                return Model::Motion;
            }
        }
    }

    fn prepare(&self) {
        let options = &self.options;
        let mut progress = |progress: Progress<'_>| {
            let Progress::Bytes { bytes, of } = progress else { return };
            let done = of.filter(|of| *of > 0).map(|of| bytes as f32 / of as f32);
            self.readiness.send_replace(Readiness::Fetching { done });
        };
        let (model, note) = match choose(&options.store, &options.detector.model, &mut progress) {
            Chosen::Motion { note } => (Model::Motion, note),
            Chosen::Network(found) => {
                let name = found.name().to_owned();
                match self.start(found) {
                    Ok(service) => (Model::Network(Arc::new(service)), None),
                    Err(error) => (Model::Motion, Some(choose::note(&name, &format!("{error:#}")))),
                }
            }
        };
        if let Some(note) = &note {
            tracing::warn!("detection: {note}");
        } else {
            tracing::info!(model = model.name(), "detection is ready");
        }
        self.ready(model.clone(), note);
        if let Model::Network(service) = model
            && let Err(error) = self.measure(&service)
            && self.engine.going_on()
        {
            tracing::warn!("how the detector runs fastest was not measured: {error:#}");
        }
    }

    /// It works already; from here on in the fastest way.
    fn measure(&self, service: &DetectService) -> anyhow::Result<()> {
        let going_on = || self.engine.going_on();
        service.engine().measure(&service.subjects(), &going_on)?;
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
        if manifest.detect.is_none() || !store.has(&manifest) {
            return Ok(());
        }
        let subjects = DetectModel::load(store, &manifest)?.subjects();
        Ok(self.engine.get()?.measure(&subjects, &|| self.engine.going_on())?)
    }

    fn ready(&self, model: Model, note: Option<String>) {
        let (note, since) = (note.map(Arc::from), Instant::now());
        self.readiness.send_replace(Readiness::Ready { model, note, since });
    }

    fn start(&self, model: DetectModel) -> anyhow::Result<DetectService> {
        let options = &self.options;
        let engine = self.engine.get()?;
        engine.usable(&model.subjects(), &|| self.engine.going_on())?;
        let options = ServiceOptions {
            threads: engine.threads(),
            queue: options.cameras.max_analyses + engine.threads() + SPARE_PLACES,
            idle_release: options.idle_release,
            detector: DetectorOptions { iou: options.detector.iou, max_boxes: options.detector.max_boxes },
        };
        Ok(DetectService::start(model, engine, options)?)
    }

    /// As in `/api/v1/status`.
    pub fn report(&self) -> serde_json::Value {
        let mut report = json!({
            "model": self.options.detector.model,
            "state": "idle",
            "note": null,
            "progress": null,
            "provider": null,
            "precision": null,
            "threads": null,
            "labels": [],
            "confidence": self.options.detector.confidence,
            "runs": 0,
            "busy_s": 0.0,
        });
        match self.readiness() {
            Readiness::Idle => {}
            Readiness::Fetching { done } => {
                report["state"] = "fetching".into();
                report["progress"] = done.into();
            }
            Readiness::Ready { model, note, .. } => {
                report["state"] = "ready".into();
                report["note"] = note.as_deref().into();
                report["model"] = model.name().into();
                report["labels"] = model.labels().into();
                if let Model::Network(service) = &model {
                    let (plan, stats) = (service.plan(), service.stats());
                    report["provider"] = json!(plan.provider);
                    report["precision"] = json!(plan.precision);
                    report["threads"] = service.threads().into();
                    report["runs"] = stats.runs.into();
                    report["busy_s"] = (stats.took.sum_us as f64 / 1e6).into();
                }
            }
        }
        report
    }
}

/// Runs a network on one picture; what nobody waits for any more is not run.
pub async fn find(service: &DetectService, image: Arc<Image>, threshold: f32) -> Result<Found, FindError> {
    let (give, take) = oneshot::channel();
    let give = Arc::new(parking_lot::Mutex::new(Some(give)));
    let waits = give.clone();
    let wanted = move || waits.lock().as_ref().is_some_and(|give: &oneshot::Sender<_>| !give.is_closed());
    let done = move |found| {
        if let Some(give) = give.lock().take() {
            let _ = give.send(found);
        }
    };
    service.submit(image, threshold, wanted, done).map_err(|_| FindError::Busy)?;
    match take.await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(FindError::Failed(error.to_string())),
        Err(_) => Err(FindError::Failed("the model has ended".into())),
    }
}
