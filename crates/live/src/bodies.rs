//! Bodies in the pictures of streams, for overlays: the model, loaded when somebody first needs it, and where a body is looked
//! for from one picture to the next.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sightwire_api::status::StreamHands;
use sightwire_base::clock;
use sightwire_engine::shared::SharedEngine;
use sightwire_frame::Image;
use sightwire_frame::boxes::{Detection, Rect};
use sightwire_hands::pose::Pose;
use sightwire_hands::region::Region;
use sightwire_hub::picture::Pixels;
use sightwire_infer::landmarks::{BodyModel, BodyService, NotLooked};
use sightwire_models::slot::{ModelSlot, State};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use crate::detector::Model;
use crate::hands::report_state;
use crate::options::Options;

/// The picture is not waited for any longer: it is told of without a body, or with that of just before.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long a body is told of where it was seen last, while there is no time to look.
const RECENT: Duration = Duration::from_secs(1);
/// How many times a body that is not followed yet is looked for in one picture: each answer says better where and how large it is.
const LOOKS_AT_FIRST: u32 = 6;
/// The class of people, as models name it.
const PERSON: &str = "person";
/// Time between looks whether the store has the model.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

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
}

/// What was seen of a body in one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeenBody {
    /// `None` where nobody is.
    pub pose: Option<Pose>,
    /// Of the picture that was looked at, pixels.
    pub width: u32,
    /// Of the picture that was looked at, pixels.
    pub height: u32,
    /// Pixels of the frame as it was sent for each of these: more than one where it was decoded to a part of its sides.
    pub scale: f32,
}

/// The body of an analysis, looked for by a task of its own: what somebody has asked for waits neither for it nor for its model.
#[derive(Debug, Default)]
pub(crate) struct People {
    give: Option<mpsc::Sender<Asked>>,
    /// And when the picture was taken.
    looking: Option<(Instant, oneshot::Receiver<Option<SeenBody>>)>,
    newest: Option<(Instant, SeenBody)>,
}

/// A picture in which a body is to be looked for, and the person whom a detector has found.
#[derive(Debug)]
struct Asked {
    image: Arc<Image>,
    scale: f32,
    person: Option<Rect>,
    answer: oneshot::Sender<Option<SeenBody>>,
}

impl People {
    /// Has a body looked for in a picture, unless the last one is still being looked at.
    pub(crate) fn begin_look(
        &mut self,
        bodies: &Arc<Bodies>,
        tasks: &TaskTracker,
        pixels: &Pixels,
        captured: Instant,
        person: Option<Rect>,
    ) {
        if self.looking.is_some() || !bodies.are_found() {
            return;
        }
        let give = self.give.get_or_insert_with(|| {
            let (give, take) = mpsc::channel(1);
            tasks.spawn(look_for_bodies(bodies.clone(), take));
            give
        });
        let (answer, looking) = oneshot::channel();
        let (image, scale) = (pixels.image.clone(), pixels.scale());
        if give.try_send(Asked { image, scale, person, answer }).is_ok() {
            self.looking = Some((captured, looking));
        }
    }

    /// Whether it has become known since whether a body is there.
    pub(crate) fn has_looked(&mut self) -> bool {
        let Some((captured, looking)) = &mut self.looking else { return false };
        let captured = *captured;
        match looking.try_recv() {
            Err(oneshot::error::TryRecvError::Empty) => false,
            seen => self.record_body(seen.ok().flatten(), captured),
        }
    }

    /// The same, as soon as it is known; not where nothing is being looked at, or the model cannot be had.
    pub(crate) async fn wait_for_look(&mut self) -> bool {
        let Some((captured, looking)) = self.looking.take() else { return false };
        self.record_body(looking.await.ok().flatten(), captured)
    }

    /// The body that was seen last, unless that was long before a picture.
    pub(crate) fn recent_body(&self, captured: Instant) -> Option<SeenBody> {
        let (at, newest) = self.newest?;
        (captured.saturating_duration_since(at) <= RECENT).then_some(newest)
    }

    fn record_body(&mut self, seen: Option<SeenBody>, captured: Instant) -> bool {
        self.looking = None;
        let Some(seen) = seen else { return false };
        self.newest = Some((captured, seen));
        true
    }
}

/// Until nobody asks any more.
async fn look_for_bodies(bodies: Arc<Bodies>, mut take: mpsc::Receiver<Asked>) {
    let mut looker = None;
    while let Some(Asked { image, scale, person, answer }) = take.recv().await {
        if looker.is_none() {
            looker = bodies.new_looker().await;
        }
        let seen = match &mut looker {
            Some(looker) => looker.find_body(&image, scale, person).await,
            None => None,
        };
        let _ = answer.send(seen);
    }
}

/// The box of the largest person.
pub(crate) fn largest_person(detections: &[Detection], model: &Model) -> Option<Rect> {
    let people = detections.iter().filter(|detection| model.label(detection.class) == PERSON);
    people.map(|detection| detection.rect).max_by(|a, b| a.area().total_cmp(&b.area()))
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
                let is_there =
                    store.manifest(BodyModel::NAME).is_ok_and(|manifest| store.has_files(&manifest));
                *there = Some((now, is_there));
                is_there
            }
        }
    }

    /// How far it is, as in `/api/v1/status`; `None` where the store does not have it.
    pub fn report(&self) -> Option<StreamHands> {
        let state = self.slot.state();
        let is_here = !matches!(state, State::Idle) || self.are_found();
        is_here.then(|| report_state(state, "bodies", BodyService::count_failed))
    }

    /// For one more stream; `None` where the model cannot be had, which the log says once. It is tried again for a later stream.
    pub async fn new_looker(self: &Arc<Self>) -> Option<BodyLooker> {
        if !self.are_found() {
            return None;
        }
        let this = self.clone();
        self.slot.spawn_load(move |slot| {
            let service =
                this.start_service().inspect_err(|error| tracing::warn!("bodies in streams: {error:#}"))?;
            slot.set_ready(Arc::new(service));
            Ok(())
        });
        let State::Ready(service) = self.slot.wait_settled(true).await else { return None };
        Some(BodyLooker { service, next: None })
    }

    fn start_service(&self) -> anyhow::Result<BodyService> {
        let model = BodyModel::load(&self.options.store)?
            .ok_or_else(|| anyhow::anyhow!("the model {} is not here any more", BodyModel::NAME))?;
        let engine = self.engine.get()?;
        engine.ensure_usable(&[model.subject()], &|| self.engine.going_on())?;
        Ok(BodyService::start(model, engine, self.options.idle_release)?)
    }
}

impl BodyLooker {
    /// The body in a picture: where it is thought to be, else around `person`, whom a detector has found, else in the whole
    /// picture; `scale` as in [`SeenBody`]. `None` where the model has no time.
    async fn find_body(&mut self, image: &Arc<Image>, scale: f32, person: Option<Rect>) -> Option<SeenBody> {
        let (width, height) = (image.width(), image.height());
        let can = |region: &Region| region.can_hold_a_body(width, height);
        let (mut region, mut looks) = if let Some(followed) = self.next.take().filter(can) {
            (followed, 1)
        } else {
            let around = person.map(|person| Region::around_person(&person)).filter(can);
            (around.unwrap_or_else(|| Region::whole_picture(width, height)), LOOKS_AT_FIRST)
        };
        let finding = async {
            loop {
                let pose = self.service.find_pose(image.clone(), region).await?;
                looks -= 1;
                match pose.map(|pose| pose.next).filter(can) {
                    Some(next) if looks > 0 => region = next,
                    _ => return Ok::<_, NotLooked>(pose),
                }
            }
        };
        let Ok(Ok(pose)) = tokio::time::timeout(PATIENCE, finding).await else {
            self.next = Some(region);
            return None;
        };
        self.next = pose.map(|pose| pose.next).filter(can);
        Some(SeenBody { pose, width, height, scale })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(width: u32) -> SeenBody {
        SeenBody { pose: None, width, height: 480, scale: 1.0 }
    }

    /// A look at a picture that was taken then, and where its answer is given.
    fn looking(people: &mut People, captured: Instant) -> oneshot::Sender<Option<SeenBody>> {
        let (answer, look) = oneshot::channel();
        people.looking = Some((captured, look));
        answer
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_told_of_for_a_second_after_the_picture_in_which_it_was_seen() {
        let (mut people, begun) = (People::default(), clock::now());
        assert!(!people.has_looked() && !people.wait_for_look().await && people.recent_body(begun).is_none());
        let answer = looking(&mut people, begun);
        assert!(!people.has_looked(), "nothing is known yet");
        answer.send(Some(seen(640))).unwrap();
        assert!(people.has_looked() && !people.has_looked(), "told once");
        assert_eq!(people.recent_body(begun + RECENT), Some(seen(640)));
        assert_eq!(people.recent_body(begun + RECENT + Duration::from_millis(1)), None);
        // While there is no time to look, and when the model has gone, that of before is told until it is too old.
        looking(&mut people, begun + RECENT / 2).send(None).unwrap();
        assert!(!people.wait_for_look().await);
        drop(looking(&mut people, begun + RECENT / 2));
        assert!(!people.has_looked());
        assert_eq!(people.recent_body(begun + RECENT), Some(seen(640)));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_is_told_as_soon_as_it_is_known() {
        let (mut people, begun) = (People::default(), clock::now());
        let answer = looking(&mut people, begun);
        let told = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            answer.send(Some(seen(320))).unwrap();
        };
        let (has, ()) = tokio::join!(people.wait_for_look(), told);
        assert!(has && clock::since(begun) < Duration::from_millis(400));
        assert_eq!(people.recent_body(clock::now()), Some(seen(320)));
    }
}
