//! An analysis of a stream that another process has: that one's model looks, once for all processes, and this one decodes the
//! frames and shows what was found.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sightwire_api::detect::{Detections, SharedLook, SharedTrack};
use sightwire_base::clock;
use sightwire_cluster::cluster::Cluster;
use sightwire_cluster::looks::Looks;
use sightwire_frame::boxes::{Detection, Rect};
use sightwire_hub::forms::Forms;
use sightwire_hub::picture::Picture;
use sightwire_hub::stream::{Subscriber, Update};
use sightwire_track::{Anchor, Track, TrackerOptions, TrailPoint};
use tokio::time::{MissedTickBehavior, interval};

use crate::analysis::{Analysed, Analysis, Object};
use crate::bodies::{People, largest_person};
use crate::demand::Pace;
use crate::dependencies::Dependencies;
use crate::detector::{BASE_CONFIDENCE, Model};
use crate::hands::Sighted;
use crate::remote::ModelElsewhere;

/// Frames that wait for what was found in them.
const KEPT: usize = 16;
/// What was found in a frame that did not come this far is shown in one that came this many later, at most.
const NEAR: u64 = 3;
/// How often it is looked whether those who watch want another rate.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Where the other process does not tell what it sees, this one looks itself for this long, and asks again.
const ALONE: Duration = Duration::from_secs(5);
/// From one connection to the next, at least.
const PAUSE: Duration = Duration::from_millis(300);
/// Labels that are kept of a model, at most.
const MAX_LABELS: usize = 10_000;

/// What is known of the analysis of another process.
struct Followed {
    model: Arc<ModelElsewhere>,
    trails: BTreeMap<u64, VecDeque<TrailPoint>>,
    /// Frames as they came, the oldest first.
    frames: VecDeque<Picture>,
    /// What was told of a frame that has not come yet.
    waits: Option<Detections>,
    options: TrackerOptions,
    people: People,
}

impl Analysis {
    /// Shows what that process sees, until the stream has ended.
    pub(crate) async fn follow_process(&self, deps: &Dependencies, process: &Arc<str>) {
        let Some(cluster) = deps.options.cluster.clone() else { return self.run_stages(deps, true).await };
        let confidence = deps.options.detector.confidence.max(BASE_CONFIDENCE);
        let mut followed = Followed {
            model: Arc::default(),
            trails: BTreeMap::new(),
            frames: VecDeque::new(),
            waits: None,
            options: TrackerOptions::for_confidence(confidence),
            people: People::default(),
        };
        let mut reader = self.upstream.stream.tap();
        let mut asked = None;
        loop {
            let pace = self.demand.pace();
            if asked.is_none() {
                asked = self.request_looks(&cluster, process, pace).await;
            }
            if let Some(looks) = asked.take() {
                self.clear_problem();
                let begun = clock::now();
                if self.show_all(deps, &mut followed, (looks, &mut reader), pace).await.is_none() {
                    return;
                }
                // One who ends each connection at once is not asked as fast as it can.
                tokio::time::sleep(PAUSE.saturating_sub(clock::since(begun))).await;
                continue;
            }
            let again = async {
                loop {
                    tokio::time::sleep(ALONE).await;
                    if let Some(looks) = self.request_looks(&cluster, process, self.demand.pace()).await {
                        break looks;
                    }
                }
            };
            // What was learned meanwhile is not thrown away before there is something better.
            tokio::select! {
                () = self.run_stages(deps, true) => return,
                looks = again => asked = Some(looks),
            }
        }
    }

    async fn request_looks(&self, cluster: &Cluster, process: &Arc<str>, pace: Pace) -> Option<Looks> {
        let stream = self.upstream.stream.id();
        let skip_frames = pace.skip_frames().clamp(1, u64::from(crate::demand::MAX_SKIP)) as u8;
        let asked = cluster.open_looks(process, stream, (pace.fps, skip_frames)).await;
        asked
            .inspect_err(|why| {
                let (stream, process) = (&**stream, &**process);
                tracing::debug!(
                    stream,
                    process,
                    "it does not tell what it sees, and this process looks itself: {why}"
                );
            })
            .ok()
    }

    /// Until another rate is wanted, or the other process tells nothing more; `None` at the end of the stream.
    async fn show_all(
        &self,
        deps: &Dependencies,
        followed: &mut Followed,
        (mut looks, reader): (Looks, &mut Subscriber),
        pace: Pace,
    ) -> Option<()> {
        let mut tick = interval(LOOK_AGAIN);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                update = reader.next() => if let Update::Picture(picture) = update? {
                    followed.add_picture(picture);
                },
                told = looks.next() => match told {
                    Some(told) => followed.waits = Some(told),
                    None => return Some(()),
                },
                _ = tick.tick() => if self.demand.pace() != pace {
                    return Some(());
                },
            }
            if let Some((told, picture)) = followed.next() {
                self.show_detections(deps, followed, told, picture).await;
            }
        }
    }

    async fn show_detections(
        &self,
        deps: &Dependencies,
        followed: &mut Followed,
        told: Detections,
        picture: Picture,
    ) {
        if self.newest.receiver_count() == 0 {
            return; // nobody looks
        }
        let captured = picture.captured();
        let Ok(pixels) = picture.pixels(&*deps.pixels).await else {
            self.counters.failed.fetch_add(1, Ordering::Relaxed);
            return;
        };
        self.counters.decoded.record(clock::since(captured));
        let shared = told.shared.map(|shared| *shared).unwrap_or_default();
        self.counters.analysed.fetch_add(u64::from(shared.looked), Ordering::Relaxed);
        let look = self.counters.analysed.load(Ordering::Relaxed);
        let sequence = self.counters.pictures.fetch_add(1, Ordering::Relaxed) + 1;
        followed.learn_labels(&told.model, &told.detections);
        let objects: Vec<Object> = told.detections.iter().map(object_from_detection).collect();
        let tracks = followed.tracks(&shared.tracks, captured);
        self.counters.inferred.record(clock::since(captured));
        deps.totals.inferred_age.record(clock::since(captured));
        let (stamp, looked) = (picture.stamp(), shared.looked);
        let body_is_new = followed.people.has_looked();
        if looked && self.demand.wants_bodies() {
            let detections: Vec<Detection> = objects.iter().map(|object| object.detection).collect();
            let person = largest_person(&detections, &Model::Elsewhere(followed.model.clone()));
            followed.people.begin_look(&deps.bodies, &deps.tasks, &pixels, captured, person);
        }
        let body = followed.people.recent_body(captured);
        let hands = told.hands.map(|told| Sighted::Elsewhere(Arc::new(told)));
        let (model, forms) = (Model::Elsewhere(followed.model.clone()), Forms::default());
        let analysed = Analysed {
            sequence,
            stamp,
            image: pixels.image,
            model,
            asked: true,
            looked,
            look,
            objects,
            tracks,
            hands,
            body,
            body_is_new,
            forms,
        };
        self.newest.send_replace(Some(Arc::new(analysed)));
    }
}

impl Followed {
    fn add_picture(&mut self, picture: Picture) {
        if self.frames.len() >= KEPT {
            self.frames.pop_front();
        }
        self.frames.push_back(picture);
    }

    /// What is to be shown now, in its frame, or in one that came shortly after it.
    fn next(&mut self) -> Option<(Detections, Picture)> {
        let frame = self.waits.as_ref()?.shared.as_ref().map_or(0, |shared| shared.frame);
        let at_or_after = |picture: &&Picture| picture.stamp().sequence >= frame;
        let picture = self.frames.iter().find(at_or_after)?.clone();
        let told = self.waits.take()?;
        (picture.stamp().sequence <= frame + NEAR).then_some((told, picture))
    }

    fn learn_labels(&mut self, name: &str, detections: &[sightwire_api::detect::Detection]) {
        let knows = |d: &sightwire_api::detect::Detection| {
            d.class >= MAX_LABELS || self.model.labels.get(d.class) == Some(&d.label)
        };
        if self.model.name == name && detections.iter().all(knows) {
            return;
        }
        let mut model = ModelElsewhere::clone(&self.model);
        if model.name != name {
            model = ModelElsewhere { name: name.to_owned(), labels: Vec::new() };
        }
        for detection in detections.iter().filter(|d| d.class < MAX_LABELS) {
            if model.labels.len() <= detection.class {
                model.labels.resize(detection.class + 1, "?".to_owned());
            }
            model.labels[detection.class].clone_from(&detection.label);
        }
        self.model = Arc::new(model);
    }

    /// With where they have been, as far as that was told.
    fn tracks(&mut self, shared: &[SharedTrack], captured: Instant) -> Vec<Track> {
        self.trails.retain(|id, _| shared.iter().any(|track| track.id == *id));
        let tracks = shared.iter().map(|track| {
            let rect = rect_from_corners(track.bounds);
            let (x, y) = Anchor::default().anchor_point(&rect);
            let trail = self.trails.entry(track.id).or_default();
            while trail.len() >= self.options.trail_points.max(1)
                || trail
                    .front()
                    .is_some_and(|first| captured.saturating_duration_since(first.at) > self.options.trail)
            {
                trail.pop_front();
            }
            trail.push_back(TrailPoint { at: captured, x, y });
            Track {
                id: track.id,
                rect,
                class: track.class,
                confidence: track.confidence,
                held_confidence: track.held_confidence,
                age: Duration::from_millis(track.age_ms),
                unseen: Duration::from_millis(track.unseen_ms),
                trail: trail.iter().copied().collect(),
            }
        });
        tracks.collect()
    }
}

fn object_from_detection(told: &sightwire_api::detect::Detection) -> Object {
    let rect = rect_from_corners(told.bounds.map(|side| side as f32));
    let detection = Detection { rect, class: told.class, confidence: told.confidence as f32 };
    Object { detection, track: told.track }
}

fn rect_from_corners([left, top, right, bottom]: [f32; 4]) -> Rect {
    Rect { left, top, right, bottom }
}

impl Analysed {
    /// What another process needs to show the same.
    pub fn shared_look(&self) -> SharedLook {
        let tracks = self.tracks.iter().map(|track| SharedTrack {
            id: track.id,
            bounds: [track.rect.left, track.rect.top, track.rect.right, track.rect.bottom],
            class: track.class,
            confidence: track.confidence,
            held_confidence: track.held_confidence,
            age_ms: track.age.as_millis() as u64,
            unseen_ms: track.unseen.as_millis() as u64,
        });
        SharedLook { frame: self.stamp.sequence, looked: self.looked, tracks: tracks.collect() }
    }
}
