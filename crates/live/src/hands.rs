//! Hands in the pictures of streams: the model, loaded when somebody first needs it, and what one analysis sees of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sightwire_api::sign as api;
use sightwire_api::status::{ModelState, StreamHands};
use sightwire_engine::shared::SharedEngine;
use sightwire_frame::Image;
use sightwire_infer::clip::scheduler::Verdict;
use sightwire_infer::landmarks::{HandClient, HandModel, HandService, HandServiceOptions, HandSight};
use sightwire_infer::sender::Prediction;
use sightwire_models::slot::{ModelSlot, State};
use tokio::sync::watch;

use crate::options::Options;

const MODEL: &str = "hands";
/// No stream gives more pictures a second.
const MOST_FPS: f32 = 120.0;
/// A picture is not waited for any longer: it is shown without hands.
const PATIENCE: Duration = Duration::from_millis(500);
/// After this many in a row that were waited for in vain, none is.
const GIVEN_UP: u32 = 3;
/// How long hands are shown where they were seen last, in pictures at which nobody looks.
const RECENT: Duration = Duration::from_millis(500);

/// Finds hands, for all analyses.
#[derive(Debug)]
pub struct Hands {
    options: Arc<Options>,
    engine: Arc<SharedEngine>,
    slot: ModelSlot<Arc<HandService>>,
}

/// The hands of one stream, followed from picture to picture.
#[derive(Debug)]
pub struct HandLooker {
    client: HandClient,
    newest: watch::Receiver<Option<Arc<Prediction>>>,
    /// Pictures in a row of which nothing was heard.
    unheard: u32,
}

/// What was seen of hands in one picture.
#[derive(Clone, Debug)]
pub enum Sighted {
    /// What this process has seen.
    Here(Arc<Prediction>),
    /// By another, as that tells of it.
    Elsewhere(Arc<api::HandSight>),
}

impl Sighted {
    /// The hands, and what they say; only what this process has seen.
    pub fn sight(&self) -> Option<&HandSight> {
        match self {
            Self::Here(seen) => seen.sight.as_deref(),
            Self::Elsewhere(_) => None,
        }
    }

    /// As it is told to viewers.
    pub fn to_api(&self) -> Option<api::HandSight> {
        match self {
            Self::Here(_) => self.sight().map(HandSight::to_api),
            Self::Elsewhere(told) => Some(api::HandSight::clone(told)),
        }
    }
}

impl Hands {
    /// Nothing is loaded before it is needed.
    pub fn new(options: Arc<Options>, engine: Arc<SharedEngine>) -> Arc<Self> {
        Arc::new(Self { options, engine, slot: ModelSlot::default() })
    }

    /// How far it is, as in `/api/v1/status`; `None` where nobody asked for hands in streams.
    pub fn report(&self) -> Option<StreamHands> {
        if !self.options.detector.hands {
            return None;
        }
        Some(report_state(self.slot.state(), "hands", |service| service.stats().failed))
    }

    /// For one more stream; `None` where nobody asked for hands, or the model cannot be had, which the log says once. It is
    /// tried again for a later stream.
    pub async fn new_looker(self: &Arc<Self>) -> Option<HandLooker> {
        if !self.options.detector.hands {
            return None;
        }
        let this = self.clone();
        self.slot.spawn_load(move |slot| {
            let service =
                this.start_service().inspect_err(|error| tracing::warn!("hands in streams: {error:#}"))?;
            slot.set_ready(Arc::new(service));
            Ok(())
        });
        let State::Ready(service) = self.slot.wait_settled(true).await else { return None };
        let (give, newest) = watch::channel(None);
        let client = service.join(Box::new(move |prediction| {
            give.send_replace(Some(prediction.clone()));
        }));
        Some(HandLooker { client, newest, unheard: 0 })
    }

    fn start_service(&self) -> anyhow::Result<HandService> {
        let (store, options) = (&self.options.store, &self.options);
        let mut model = HandModel::load(store, &store.manifest(MODEL)?)?;
        let engine = self.engine.get()?;
        model.ensure_usable(&engine, &|| self.engine.going_on())?;
        let options = HandServiceOptions {
            limits: options.pictures,
            max_fps: MOST_FPS,
            idle_release: options.idle_release,
            watch: options.detector.watch,
        };
        Ok(HandService::start(model, engine, options)?)
    }
}

/// How far a model of streams is; `failed` says in how many pictures its service could not look for `what`.
pub(crate) fn report_state<S>(
    state: State<Arc<S>>,
    what: &str,
    failed: impl FnOnce(&S) -> u64,
) -> StreamHands {
    let (state, note) = match state {
        State::Idle => (ModelState::Idle, None),
        State::Loading => (ModelState::Loading, None),
        State::Fetching { .. } => (ModelState::Fetching, None),
        State::Ready(service) => {
            let count = failed(&service);
            let note = format!("{what} could not be looked for in {count} pictures; the log says why");
            (ModelState::Ready, (count > 0).then_some(note))
        }
        State::Failed(failure) => (ModelState::Failed, Some(failure.reason.to_string())),
    };
    StreamHands { state, note }
}

impl HandLooker {
    /// The hands in a picture that was taken then; `None` where the model has no time for it.
    pub async fn find_hands(&mut self, image: Arc<Image>, captured: Instant) -> Option<Sighted> {
        if self.newest.has_changed().unwrap_or(false) {
            self.unheard = 0;
        }
        self.newest.mark_unchanged();
        if self.client.push_picture(image, captured) == Verdict::Excess {
            return None;
        }
        // A model that fails is not waited for at each picture: the detector's objects would wait, too.
        let patience = if self.unheard < GIVEN_UP { PATIENCE } else { Duration::ZERO };
        let this = |prediction: &Option<Arc<Prediction>>| {
            prediction.as_ref().is_some_and(|prediction| prediction.arrived == captured)
        };
        let heard = tokio::time::timeout(patience, self.newest.wait_for(this)).await;
        let found = heard.ok().and_then(Result::ok).and_then(|found| found.clone());
        self.unheard = if found.is_some() { 0 } else { self.unheard.saturating_add(1) };
        found.map(Sighted::Here)
    }

    /// The hands that were seen last, unless that was long before a picture.
    pub fn recent_hands(&self, captured: Instant) -> Option<Sighted> {
        let newest = self.newest.borrow().clone()?;
        (captured.saturating_duration_since(newest.arrived) <= RECENT).then_some(Sighted::Here(newest))
    }
}
