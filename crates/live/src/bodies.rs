//! Bodies in the pictures of streams, for overlays: the model, loaded when somebody first needs it, and where a body is looked
//! for from one picture to the next.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sightwire_api::status::{ModelState, StreamHands};
use sightwire_engine::shared::SharedEngine;
use sightwire_frame::Image;
use sightwire_frame::boxes::Rect;
use sightwire_hands::pose::Pose;
use sightwire_hands::region::Region;
use sightwire_infer::landmarks::{BodyModel, BodyService, NotLooked};
use sightwire_measure::clock;
use sightwire_models::slot::{ModelSlot, State};

use crate::options::Options;

/// The picture is not waited for any longer: it is told of without a body, or with that of just before.
const PATIENCE: Duration = Duration::from_millis(500);
/// So long a body is told of where it was seen last, while there is no time to look.
const RECENT: Duration = Duration::from_secs(1);
/// A body that is not followed yet is looked for so often in one picture: each answer says better where and how large it is.
const LOOKS_AT_FIRST: u32 = 6;
/// So often it is looked whether the store has the model by now.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Finds bodies, for all analyses.
#[derive(Debug)]
pub struct Bodies {
    options: Arc<Options>,
    engine: Arc<SharedEngine>,
    slot: ModelSlot<Arc<BodyService>>,
    /// Whether the store has the model, and when that was so.
    there: Mutex<Option<(Instant, bool)>>,
}

/// The body of one stream, followed from picture to picture.
#[derive(Debug)]
pub struct BodyLooker {
    service: Arc<BodyService>,
    next: Option<Region>,
    newest: Option<(Instant, SeenBody)>,
}

/// What was seen of a body in one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeenBody {
    /// `None` where nobody is.
    pub pose: Option<Pose>,
    /// Of the picture, pixels.
    pub width: u32,
    /// Of the picture, pixels.
    pub height: u32,
}

impl Bodies {
    /// Nothing is loaded before it is needed.
    pub fn new(options: Arc<Options>, engine: Arc<SharedEngine>) -> Arc<Self> {
        Arc::new(Self { options, engine, slot: ModelSlot::default(), there: Mutex::default() })
    }

    /// Whether the store has the model, as of a few seconds ago.
    pub fn are_found(&self) -> bool {
        let now = clock::now();
        let mut there = self.there.lock();
        match *there {
            Some((at, is_there)) if now.saturating_duration_since(at) < LOOK_AGAIN => is_there,
            _ => {
                let store = &self.options.store;
                let is_there = store.manifest(BodyModel::NAME).is_ok_and(|manifest| store.has(&manifest));
                *there = Some((now, is_there));
                is_there
            }
        }
    }

    /// How far it is, as in `/api/v1/status`; `None` where the store does not have it.
    pub fn report(&self) -> Option<StreamHands> {
        let (state, note) = match self.slot.state() {
            State::Idle if !self.are_found() => return None,
            State::Idle => (ModelState::Idle, None),
            State::Loading => (ModelState::Loading, None),
            State::Fetching { .. } => (ModelState::Fetching, None),
            State::Ready(service) => (ModelState::Ready, failures(service.failed())),
            State::Failed(failure) => (ModelState::Failed, Some(failure.reason.to_string())),
        };
        Some(StreamHands { state, note })
    }

    /// For one more stream; `None` where the model cannot be had, which the log says once. It is tried again for a later stream.
    pub async fn looker(self: &Arc<Self>) -> Option<BodyLooker> {
        if !self.are_found() {
            return None;
        }
        let this = self.clone();
        self.slot.bring(move |slot| {
            let service = this.start().inspect_err(|error| tracing::warn!("bodies in streams: {error:#}"))?;
            slot.ready(Arc::new(service));
            Ok(())
        });
        let State::Ready(service) = self.slot.settled(true).await else { return None };
        Some(BodyLooker { service, next: None, newest: None })
    }

    fn start(&self) -> anyhow::Result<BodyService> {
        let model = BodyModel::load(&self.options.store)?
            .ok_or_else(|| anyhow::anyhow!("the model {} is not here any more", BodyModel::NAME))?;
        let engine = self.engine.get()?;
        engine.usable(&[model.subject()], &|| self.engine.going_on())?;
        Ok(BodyService::start(model, engine, self.options.idle_release)?)
    }
}

/// For people: that looking at pictures fails.
fn failures(count: u64) -> Option<String> {
    (count > 0).then(|| format!("bodies could not be looked for in {count} pictures; the log says why"))
}

impl BodyLooker {
    /// Whether a body is followed, or has to be looked for in the whole picture.
    pub fn follows(&self) -> bool {
        self.next.is_some()
    }

    /// The body in a picture that was taken then: where it is thought to be, else around `person`, whom a detector has found, else
    /// in the whole picture. Where the model has no time, what was seen shortly before; `None` where nothing was.
    pub async fn look(
        &mut self,
        image: &Arc<Image>,
        captured: Instant,
        person: Option<Rect>,
    ) -> Option<SeenBody> {
        let (width, height) = (image.width(), image.height());
        let can = |region: &Region| region.can_hold_a_body(width, height);
        let (mut region, mut looks) = if let Some(followed) = self.next.take().filter(can) {
            (followed, 1)
        } else {
            let around = person.map(|person| Region::around_person(&person)).filter(can);
            (around.unwrap_or_else(|| Region::whole(width, height)), LOOKS_AT_FIRST)
        };
        let finding = async {
            loop {
                let pose = self.service.find(image.clone(), region).await?;
                looks -= 1;
                match pose.map(|pose| pose.next).filter(can) {
                    Some(next) if looks > 0 => region = next,
                    _ => return Ok::<_, NotLooked>(pose),
                }
            }
        };
        let Ok(Ok(pose)) = tokio::time::timeout(PATIENCE, finding).await else {
            self.next = Some(region);
            let (at, newest) = self.newest?;
            return (captured.saturating_duration_since(at) <= RECENT).then_some(newest);
        };
        self.next = pose.map(|pose| pose.next).filter(can);
        let seen = SeenBody { pose, width, height };
        self.newest = Some((captured, seen));
        Some(seen)
    }
}
