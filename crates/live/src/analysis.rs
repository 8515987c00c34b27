//! An analysis: the objects in a stream's pictures, found once for all who want to see them, whatever they want to see
//! of them, and as often as the fastest of them wants.
//!
//! Two stages overlap: while a network looks at one picture the next is being decoded, begun so late that it is still
//! fresh when the network is free.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sightwire_api::detect as api;
use sightwire_base::clock;
use sightwire_base::histogram::Histogram;
use sightwire_base::meter::{Meter, Sample};
use sightwire_frame::Image;
use sightwire_frame::boxes::Detection;
use sightwire_hub::forms::Forms;
use sightwire_hub::picture::{Picture, Pixels, Stamp};
use sightwire_hub::stream::Update;
use sightwire_hub::thin::Thin;
use sightwire_track::{Track, Tracker, TrackerOptions};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::bodies::{People, SeenBody, largest_person};
use super::detector::{BASE_CONFIDENCE, Model};
use super::hands::Sighted;
use super::looker::Looker;
use super::remote::FindError;

use super::shown::{ShownObjects, Stats, ViewOptions};
use super::upstream::Upstream;
use crate::StreamLease;
use crate::demand::{Analysing, Demand, Pace, Rate};
use crate::dependencies::Dependencies;

/// Most ways of showing it whose counts are kept. With one more, the way that was drawn longest ago is forgotten: it counts
/// from the beginning when it is drawn again.
const MOST_LOOKS: usize = 32;
/// Where the model took so long to be loaded, the picture that waited for it is not looked at.
const OLD: Duration = Duration::from_millis(500);
/// How often an analysis of another process is looked at for whether somebody asks for objects.
const ASK_AGAIN: Duration = Duration::from_millis(500);
/// How much of a detection a track has to cover to be it.
const SAME_IOU: f32 = 0.5;

/// Runs a model over the pictures of one stream, for all who want to know what is in them.
///
/// Who begins it spawns [`Self::run`], once, and only that task publishes results. Everything else may be called from any task,
/// any number at a time. Those who share it hold an [`AnalysisLease`](crate::analysis_lease::AnalysisLease) each, which says
/// how often they want pictures and looks; it goes as fast as the fastest of them.
///
/// Nothing queues: while one picture is looked at, at most one more is decoded, the newest there is when that begins. Pictures
/// that come meanwhile, or more often than anybody wants, are passed over and counted nowhere. One that cannot be decoded is
/// left out and counts as failed. One that the model fails on counts as failed, too, but is published all the same, as is one
/// for which the model has no time: with the objects where they are thought to be. (Where another process looks, up to 16
/// pictures wait for what it finds in them.) Only the newest result is kept: who is slow misses those between, and
/// [`Looks`](crate::analysis_lease::Looks) counts the looks among them. While nobody subscribes, nothing is decoded.
///
/// `run` ends with its stream or with its token. Receivers of results are not told of that: the last result stays, and those
/// who hold this hear of the end from the stream. It keeps the stream open, and lets go of it without lingering when it is
/// dropped, for it has lingered itself.
///
/// Its locks are held for a moment, never across an await and never while a picture is worked on: `seen` is taken alone, and
/// that of `demand` comes before the one of [`Analysing`].
#[derive(Debug)]
pub struct Analysis {
    /// How often those who share it want pictures and looks.
    pub demand: Demand,
    /// What views have shown of it, by what they show: the one that was drawn last is the last. At most [`MOST_LOOKS`].
    seen: Mutex<Vec<Shown>>,
    /// The stream that is analysed.
    pub upstream: Arc<Upstream>,
    /// Kept open for as long as this runs.
    lease: Option<StreamLease>,
    pub(crate) newest: watch::Sender<Option<Arc<Analysed>>>,
    /// Pictures that went through, that were looked at; and how old pictures were at each stage.
    pub counters: Counters,
    /// Rates of the counters.
    pub meter: Meter<2, 3>,
    pub(crate) problem: watch::Sender<Option<Arc<str>>>,
}

/// What views of one confidence and some classes have shown.
#[derive(Debug)]
struct Shown {
    confidence: u8,
    classes: Vec<String>,
    seen: ShownObjects,
}

/// Since the analysis began.
#[derive(Debug, Default)]
pub struct Counters {
    /// Pictures that went through.
    pub pictures: AtomicU64,
    /// Pictures that a model looked at.
    pub analysed: AtomicU64,
    /// Pictures that could not be decoded, or of which the model could say nothing.
    pub failed: AtomicU64,
    /// Age of pictures once they were decoded, counted from their last byte as are the next two.
    pub decoded: Histogram,
    /// Age when its objects were known.
    pub inferred: Histogram,
    /// Age when drawn and encoded, by any view.
    pub encoded: Histogram,
}

/// A picture and what is in it.
#[derive(Debug)]
pub struct Analysed {
    /// Counts the pictures of the analysis, from 1.
    pub sequence: u64,
    /// Which picture of the stream, and when it came.
    pub stamp: Stamp,
    /// The decoded picture, in its full size.
    pub image: Arc<Image>,
    /// The model that looked.
    pub model: Model,
    /// Whether somebody had asked for objects: without, none were looked for.
    pub asked: bool,
    /// Whether a model looked at this picture, the detector or that of hands.
    pub looked: bool,
    /// Whether it is the first picture since a body was looked for.
    pub body_is_new: bool,
    /// How many were looked at so far.
    pub look: u64,
    /// What is in it.
    pub objects: Vec<Object>,
    /// Objects that keep their number.
    pub tracks: Vec<Track>,
    /// The hands in it, or, where nobody looked, those that were seen shortly before; `None` where hands are not looked for,
    /// or were not in time.
    pub hands: Option<Sighted>,
    /// Where somebody's joints are; `None` where bodies are not looked for, or nothing is known of them.
    pub body: Option<SeenBody>,
    /// As messages to those who draw it themselves.
    pub forms: Forms,
}

/// Something found, and which track it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Object {
    /// Box in pixels of the picture, class and confidence.
    pub detection: Detection,
    /// Id of the track that this detection belongs to; `None` where none does.
    pub track: Option<u64>,
}

impl Object {
    /// As in answers; the box is in pixels of the picture.
    pub fn report(&self, model: &Model) -> api::Detection {
        let (detection, rect) = (&self.detection, &self.detection.rect);
        let px = |value: f32| (f64::from(value) * 10.0).round() / 10.0;
        api::Detection {
            bounds: [px(rect.left), px(rect.top), px(rect.right), px(rect.bottom)],
            class: detection.class,
            confidence: (f64::from(detection.confidence) * 1e4).round() / 1e4,
            label: model.label(detection.class).to_owned(),
            track: self.track,
        }
    }
}

struct Decoded {
    picture: Picture,
    pixels: Pixels,
}

/// When the second stage is likely to be free.
#[derive(Debug, Default)]
struct Readiness {
    busy_since: Option<Instant>,
    look: Duration,
    decode: Duration,
}

impl Analysis {
    /// Of a stream that `lease` keeps open, for one who wants that rate.
    pub fn new(lease: StreamLease, rate: Rate, analysing: Arc<Analysing>) -> Self {
        Self {
            demand: Demand::new(rate, analysing),
            seen: Mutex::default(),
            upstream: lease.value().clone(),
            lease: Some(lease),
            newest: watch::Sender::new(None),
            counters: Counters::default(),
            meter: Meter::default(),
            problem: watch::Sender::new(None),
        }
    }

    /// Whether there is nothing more to analyse.
    pub fn is_over(&self) -> bool {
        self.upstream.is_over()
    }

    /// The newest picture, and those to come; not one in which nobody has looked for objects.
    pub fn subscribe(&self) -> watch::Receiver<Option<Arc<Analysed>>> {
        let mut receiver = self.newest.subscribe();
        if self.newest.borrow().as_ref().is_none_or(|newest| newest.asked) {
            receiver.mark_changed();
        }
        receiver
    }

    /// The newest picture that went through; `None` before the first.
    pub fn newest(&self) -> Option<Arc<Analysed>> {
        self.newest.borrow().clone()
    }

    /// What keeps it from working, for people.
    pub fn problem(&self) -> Option<Arc<str>> {
        self.problem.borrow().clone()
    }

    /// It works.
    pub(crate) fn clear_problem(&self) {
        self.problem.send_if_modified(|problem| problem.take().is_some());
    }

    /// How many of each class there are, at the usual threshold.
    pub fn count_objects(&self, confidence: f32) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        if let Some(newest) = self.newest() {
            for object in newest.objects.iter().filter(|o| o.detection.confidence >= confidence) {
                *counts.entry(newest.model.label(object.detection.class).to_owned()).or_default() += 1;
            }
        }
        counts
    }

    /// How many objects a view shows and any like it has shown, of tracks with these numbers.
    pub fn view_stats(&self, options: &ViewOptions, ids: impl Iterator<Item = u64>) -> Stats {
        let mut all = self.seen.lock();
        let is_same =
            |shown: &Shown| shown.confidence == options.confidence && shown.classes == options.classes;
        let mut shown = match all.iter().position(is_same) {
            Some(index) => all.remove(index),
            None => Shown {
                confidence: options.confidence,
                classes: options.classes.clone(),
                seen: ShownObjects::default(),
            },
        };
        let stats = shown.seen.count_shown(ids);
        if all.len() >= MOST_LOOKS {
            all.remove(0);
        }
        all.push(shown);
        stats
    }

    /// Takes a sample of its counters.
    pub fn sample(&self, now: Instant) {
        let counters = &self.counters;
        self.meter.sample(Sample {
            at: now,
            counts: [counters.pictures.load(Ordering::Relaxed), counters.analysed.load(Ordering::Relaxed)],
            ages: [counters.decoded.snapshot(), counters.inferred.snapshot(), counters.encoded.snapshot()],
        });
    }

    /// Decodes and analyses pictures until `stop`.
    pub async fn run(self: Arc<Self>, deps: Dependencies, stop: CancellationToken) {
        let mut place = self.upstream.place.from();
        loop {
            let from = place.borrow_and_update().clone();
            // Where bodies are each process sees for itself.
            let asked = self.demand.wants_objects();
            let analysing = async {
                match &from {
                    Some(process) if asked => self.follow_process(&deps, process).await,
                    Some(_) => self.run_stages(&deps, false).await,
                    None => self.run_stages(&deps, true).await,
                }
            };
            let asked_otherwise = async {
                loop {
                    tokio::time::sleep(ASK_AGAIN).await;
                    if self.demand.is_any() && self.demand.wants_objects() != asked {
                        break;
                    }
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = analysing => return,
                () = asked_otherwise, if from.is_some() => {}
                changed = place.changed() => if changed.is_err() {
                    return;
                },
            }
        }
    }

    /// Until the stream has ended; without a detector where another process has that.
    pub(crate) async fn run_stages(&self, deps: &Dependencies, detects: bool) {
        let (give, take) = mpsc::channel(1);
        let pace = Mutex::new(Readiness::default());
        tokio::join!(
            self.decode_pictures(deps, give, &pace),
            self.detect_objects(deps, detects, take, &pace)
        );
    }

    /// First stage: the newest picture, decoded, when the second is about to be free.
    async fn decode_pictures(
        &self,
        deps: &Dependencies,
        give: mpsc::Sender<Decoded>,
        pace: &Mutex<Readiness>,
    ) {
        let mut reader = self.upstream.stream.tap();
        let mut thin = Thin::default();
        while let Ok(place) = give.reserve().await {
            let wait = pace.lock().wait_time(clock::now());
            tokio::time::sleep(wait).await;
            let picture = loop {
                match reader.next().await {
                    Some(Update::Picture(picture))
                        if thin.takes(picture.captured(), self.demand.pace().interval()) =>
                    {
                        break picture;
                    }
                    Some(_) => {}
                    None => return,
                }
            };
            if self.newest.receiver_count() == 0 {
                continue; // nobody looks, though it is kept for those who come back at once
            }
            let captured = picture.captured();
            let begun = clock::now();
            match picture.pixels(&*deps.pixels).await {
                Ok(pixels) => {
                    let mut pace = pace.lock();
                    pace.decode = smooth_mean(pace.decode, clock::since(begun));
                    self.counters.decoded.record(clock::since(captured));
                    place.send(Decoded { picture, pixels });
                }
                Err(error) => self.record_failure(&error),
            }
        }
    }

    /// Second stage: what is in it.
    async fn detect_objects(
        &self,
        deps: &Dependencies,
        may_detect: bool,
        mut take: mpsc::Receiver<Decoded>,
        pace: &Mutex<Readiness>,
    ) {
        // Nobody waits for a detector in whose objects nobody is interested.
        let mut looker = None;
        let mut people = People::default();
        let options = TrackerOptions::for_confidence(deps.options.detector.confidence.max(BASE_CONFIDENCE));
        let mut tracker = Tracker::new(options);
        let mut hand_looker = deps.hands.new_looker().await;
        let (mut turns, mut body_turns, mut last) = (Turns::default(), Thin::default(), Vec::new());
        while let Some(Decoded { picture, pixels }) = take.recv().await {
            let image = pixels.image.clone();
            let asked = may_detect && self.demand.wants_objects();
            if asked && looker.is_none() {
                let begun = clock::now();
                looker = Some(Looker::new(deps).await);
                // What was decoded before or while the model was being loaded is old by now.
                if clock::since(begun) > OLD {
                    let _ = take.try_recv();
                    continue;
                }
            }
            if !asked {
                last.clear();
            }
            let mut looker = looker.as_mut().filter(|_| asked);
            let (captured, begun) = (picture.captured(), clock::now());
            let mut hands = hand_looker.as_ref().and_then(|looker| looker.recent_hands(captured));
            let due = turns.admit_picture(self.demand.pace(), self.demand.between_looks(), captured);
            // Whether a detector looks; hands are looked for while its gate is closed, too.
            let mut detects = due && asked;
            let mut body_is_new = people.has_looked();
            if let Some(between) = self.demand.between_bodies()
                && body_turns.takes_early(captured, between, self.demand.pace().interval() / 2)
            {
                let person = looker.as_ref().and_then(|looker| largest_person(&last, looker.model()));
                people.begin_look(&deps.bodies, &deps.tasks, &pixels, captured, person);
                if !asked {
                    // Nobody waits for anything else.
                    body_is_new = people.wait_for_look().await;
                }
            }
            if due {
                if let Some(looker) = &mut looker
                    && looker.takes_another(deps).await
                {
                    (tracker, last) = (Tracker::new(options), Vec::new());
                }
                pace.lock().busy_since = Some(begun);
                let of_hands = async {
                    let looker = hand_looker.as_mut()?;
                    looker.find_hands(image.clone(), captured).await
                };
                let within = self.demand.pace().interval() * 2;
                let looking = async {
                    let Some(looker) = &mut looker else { return Ok(None) };
                    looker.find_objects(deps, &picture, &image, within).await
                };
                let (seen, sighted) = tokio::join!(looking, of_hands);
                hands = sighted;
                {
                    let mut pace = pace.lock();
                    pace.busy_since = None;
                    pace.look = smooth_mean(pace.look, clock::since(begun));
                }
                match seen {
                    Ok(Some(seen)) => {
                        tracker.update(captured, &seen);
                        last = seen;
                        self.clear_problem();
                    }
                    Ok(None) if !asked => {
                        self.clear_problem();
                    }
                    Ok(None) => {
                        // Nothing moves: all is where it was, though nobody looked.
                        tracker.update(captured, &last);
                        detects = false;
                    }
                    // The picture is shown all the same, with what is thought to be in it.
                    Err(FindError::Busy) => detects = false,
                    Err(error) => {
                        detects = false;
                        self.record_failure(&error);
                    }
                }
            }
            let looked = detects || (due && hands.is_some());
            self.counters.analysed.fetch_add(u64::from(looked), Ordering::Relaxed);
            let tracks = tracker.predict(captured);
            let objects =
                if detects { match_tracks(&last, &tracks) } else { predict_objects(&last, &tracks) };
            self.counters.inferred.record(clock::since(captured));
            deps.totals.inferred_age.record(clock::since(captured));
            let sequence = self.counters.pictures.fetch_add(1, Ordering::Relaxed) + 1;
            let model = looker.as_ref().map_or(Model::Motion, |looker| looker.model().clone());
            let (stamp, forms) = (picture.stamp(), Forms::default());
            let look = self.counters.analysed.load(Ordering::Relaxed);
            let analysed = Analysed {
                sequence,
                stamp,
                image,
                model,
                asked,
                looked,
                look,
                objects,
                tracks,
                hands,
                body: people.recent_body(captured),
                body_is_new,
                forms,
            };
            self.newest.send_replace(Some(Arc::new(analysed)));
        }
    }

    fn record_failure(&self, error: &dyn Error) {
        let reason = error.to_string();
        self.counters.failed.fetch_add(1, Ordering::Relaxed);
        self.problem.send_if_modified(|problem| {
            let is_new = problem.as_deref() != Some(&*reason);
            if is_new {
                tracing::warn!(camera = &**self.upstream.stream.id(), "a picture was not analysed: {reason}");
                *problem = Some(reason.into());
            }
            is_new
        });
    }
}

impl Drop for Analysis {
    fn drop(&mut self) {
        // It has lingered itself: the camera closes at once if nobody else watches it.
        if let Some(lease) = self.lease.take() {
            lease.release_now();
        }
    }
}

impl Readiness {
    /// How long the first stage may wait so that its picture is ready just when the second is.
    fn wait_time(&self, now: Instant) -> Duration {
        let Some(since) = self.busy_since else { return Duration::ZERO };
        let left = self.look.saturating_sub(now.saturating_duration_since(since));
        left.saturating_sub(self.decode.mul_f64(1.5) + Duration::from_millis(2))
    }
}

/// Which pictures are looked at. Pure state; time is given.
#[derive(Debug, Default)]
struct Turns {
    thin: Thin,
    /// Pictures since the last look, that one included; 0 before the first.
    since: u64,
}

impl Turns {
    /// Whether it is this picture's turn; `at_least` is what the limit leaves from one look to the next.
    fn admit_picture(&mut self, pace: Pace, at_least: Duration, captured: Instant) -> bool {
        let between = pace.between_looks.max(at_least);
        let turn = (self.since == 0 || self.since >= u64::from(pace.least_skip))
            && self.thin.takes_early(captured, between, pace.interval() / 2);
        self.since = if turn { 1 } else { self.since + 1 };
        turn
    }
}

fn smooth_mean(mean: Duration, this: Duration) -> Duration {
    if mean.is_zero() { this } else { mean.mul_f64(0.8) + this.mul_f64(0.2) }
}

/// Each detection with its track.
fn match_tracks(detections: &[Detection], tracks: &[Track]) -> Vec<Object> {
    let best = |detection: &Detection| {
        tracks
            .iter()
            .filter(|track| track.unseen.is_zero())
            .map(|track| (track.rect.iou(&detection.rect), track.id))
            .filter(|(iou, _)| *iou >= SAME_IOU)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, id)| id)
    };
    detections.iter().map(|detection| Object { detection: *detection, track: best(detection) }).collect()
}

/// Where the detections of an earlier picture are thought to be now: where their tracks are, else where they were.
fn predict_objects(last: &[Detection], tracks: &[Track]) -> Vec<Object> {
    let moved: Vec<Object> = tracks
        .iter()
        .map(|track| Object {
            detection: Detection { rect: track.rect, class: track.class, confidence: track.confidence },
            track: Some(track.id),
        })
        .collect();
    let covered = |detection: &Detection| tracks.iter().any(|t| t.rect.iou(&detection.rect) >= 0.3);
    let rest = last.iter().filter(|d| !covered(d)).map(|d| Object { detection: *d, track: None });
    moved.iter().copied().chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use sightwire_frame::boxes::Rect;

    use super::*;

    fn detection(left: f32) -> Detection {
        let rect = Rect { left, top: 0.0, right: left + 40.0, bottom: 40.0 };
        Detection { rect, class: 2, confidence: 0.9 }
    }

    #[test]
    fn between_analyses_boxes_move_on_with_their_tracks() {
        let start = Instant::now();
        let at = |i: u32| start + Duration::from_millis(100) * i;
        let mut tracker = Tracker::new(TrackerOptions::for_confidence(0.25));
        for i in 0..6 {
            tracker.update(at(i), &[detection(10.0 * i as f32)]);
        }
        let last = [detection(50.0), detection(400.0)];
        let objects = predict_objects(&last, &tracker.predict(at(5) + Duration::from_millis(50)));
        assert_eq!(objects.len(), 2, "the moved one, and the one without a track where it was");
        assert!((53.0..58.0).contains(&objects[0].detection.rect.left), "{:?}", objects[0]);
        assert_eq!(objects[0].track, Some(1));
        assert_eq!((objects[1].detection.rect.left, objects[1].track), (400.0, None));
    }

    /// Which of a camera's pictures are looked at, the first one and so many more.
    fn looked_at(camera_fps: u32, rates: Rate, at_least: Duration) -> Vec<u32> {
        let (start, mut turns) = (Instant::now(), Turns::default());
        let pace = Demand::new(rates, Analysing::new(240.0)).pace();
        let captured = |i| start + Duration::from_secs(1) * i / camera_fps;
        (0..30).filter(|i| turns.admit_picture(pace, at_least, captured(*i))).collect()
    }

    #[test]
    fn every_so_many_th_picture_is_looked_at_however_many_a_camera_gives() {
        let every = |n: u32| (0..30).step_by(n as usize).collect::<Vec<_>>();
        let rate = |fps, skip_frames| Rate { fps, skip_frames };
        assert_eq!(looked_at(10, rate(10, 2), Duration::ZERO), every(2));
        assert_eq!(looked_at(10, rate(10, 1), Duration::ZERO), every(1));
        assert_eq!(looked_at(5, rate(10, 2), Duration::ZERO), every(2), "half as many looks of half as many");
        assert_eq!(looked_at(30, rate(30, 10), Duration::ZERO), every(10));
        let limited = looked_at(10, rate(10, 1), Duration::from_millis(300));
        assert_eq!(limited, every(3), "an equal share of what all may cost");
    }

    #[test]
    fn the_next_picture_is_decoded_so_late_that_it_is_fresh() {
        let now = Instant::now();
        let ms = Duration::from_millis;
        let mut pace = Readiness { busy_since: None, look: ms(100), decode: ms(10) };
        assert_eq!(pace.wait_time(now), Duration::ZERO, "the model is free");
        pace.busy_since = Some(now);
        assert_eq!(pace.wait_time(now), ms(83));
        assert_eq!(pace.wait_time(now + ms(90)), Duration::ZERO);
    }
}
