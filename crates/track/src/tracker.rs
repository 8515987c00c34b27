//! Two associations, and what becomes of tracks after them.

use std::cmp::Ordering;
use std::time::{Duration, Instant};

use sightwire_frame::boxes::{Detection, Rect};

use super::Track;
use super::assignment::{Costs, assign_pairs};
use super::object::{Object, Phase};
use super::options::TrackerOptions;
use super::trail::TrailPoint;

/// Coordinates beyond this belong to no picture.
const FARTHEST_PX: f32 = 100_000.0;
/// Of two heights, the share that the lower one has at least of the higher one where they may be of one object.
const LEAST_ALIKE: f32 = 0.65;
/// Most that a pair may cost of an object that was hidden and a detection: 1 − IoU of both boxes, grown.
const MOST_HIDDEN: f32 = 0.5;
/// What is hidden for longer comes out anywhere.
const HIDDEN: Duration = Duration::from_millis(800);
/// What is narrower or lower is nothing.
const LEAST_SIDE_PX: f32 = 1.0;

/// Follows the objects of one camera from analysis to analysis.
///
/// Pure state without a clock: each call is given `now`, which should be when the picture was captured. Bounded in
/// memory and in the work of a call, whatever the detections are. The same calls give the same tracks.
#[derive(Clone, Debug)]
pub struct Tracker {
    options: TrackerOptions,
    objects: Vec<Object>,
    /// Ids given so far; none is given twice.
    ids: u64,
    /// When the newest analysis was: all filters stand there.
    updated: Option<Instant>,
}

impl Tracker {
    /// A tracker that has seen nothing.
    pub fn new(options: TrackerOptions) -> Self {
        Self { options, objects: Vec::new(), ids: 0, updated: None }
    }

    /// Takes what an analysis found in the picture captured at `now`. Detections that are not a box (edges that are not
    /// numbers, turned round, less than a pixel apart, beyond any picture) are dropped.
    pub fn update(&mut self, now: Instant, detections: &[Detection]) {
        let options = self.options;
        let first = self.advance_to(now);
        let detections = filter_detections(detections, &options);
        let split = detections.partition_point(|detection| detection.confidence >= options.track_high);
        let (high, low) = detections.split_at(split);

        // First association: sure detections with all confirmed tracks, lost ones too.
        let confirmed = self.indexes_where(|object| object.phase != Phase::Unconfirmed);
        let all_high: Vec<usize> = (0..high.len()).collect();
        let (mut missed, high_left) =
            self.associate(now, &confirmed, high, &all_high, options.match_high, options.fuse_score);

        // Second: unsure detections with the tracks that were found last time and not now: most often somebody who is
        // partly hidden. For a track lost for longer, an unsure detection is too weak a reason to come back.
        let all_low: Vec<usize> = (0..low.len()).collect();
        let (recent, mut lost): (Vec<_>, Vec<_>) =
            missed.into_iter().partition(|&index| self.objects[index].phase == Phase::Found);
        (missed, _) = self.associate(now, &recent, low, &all_low, options.match_low, false);
        lost.extend(missed);

        // What is left of the sure ones: with tracks that are not confirmed yet.
        let unconfirmed = self.indexes_where(|object| object.phase == Phase::Unconfirmed);
        let (dropped, begin) = self.associate(
            now,
            &unconfirmed,
            high,
            &high_left,
            options.match_unconfirmed,
            options.fuse_score,
        );

        // What would begin a track: perhaps somebody comes out from behind something.
        let (lost, begin) = self.come_out(now, lost, high, begin);

        for &index in lost.iter().chain(&dropped) {
            self.objects[index].mark_missed();
        }
        self.objects.retain(|object| object.phase != Phase::Unconfirmed || object.misses == 0);
        for index in begin {
            if high[index].confidence >= options.track_new {
                self.begin_track(now, &high[index]);
            }
        }
        self.confirm_tracks(first);
        self.join_duplicates();
    }

    /// Confirmed tracks with their boxes at `now`, by id: those that the newest analysis found, and for a short while
    /// ([`TrackerOptions::coast`]) those that it did not. Changes nothing, so it may be asked for any picture between
    /// analyses. Boxes go on moving for at most [`TrackerOptions::lost_buffer`] past the newest analysis, then they stay.
    pub fn predict(&self, now: Instant) -> Vec<Track> {
        let Some(updated) = self.updated else {
            return Vec::new();
        };
        let steps = self.count_steps(now.saturating_duration_since(updated).min(self.options.lost_buffer));
        let mut tracks: Vec<Track> = self
            .objects
            .iter()
            .filter(|object| match object.phase {
                Phase::Unconfirmed => false,
                Phase::Found => true,
                Phase::Lost => now.saturating_duration_since(object.seen) <= self.options.coast,
            })
            .map(|object| self.build_track(object, now, steps))
            .collect();
        tracks.sort_unstable_by_key(|track| track.id);
        tracks
    }

    /// Tracks that are kept: confirmed or not, found or lost.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether no track is kept.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// How many objects have got an id so far, which is also the newest id.
    pub fn newest_id(&self) -> u64 {
        self.ids
    }

    /// Moves all filters on to `now` and ends what has been lost for too long. Says whether it all begins (again).
    fn advance_to(&mut self, now: Instant) -> bool {
        let options = self.options;
        let Some(updated) = self.updated else {
            self.updated = Some(now);
            return true;
        };
        let passed = now.saturating_duration_since(updated);
        self.updated = Some(now.max(updated));
        if passed > options.pause {
            self.objects.clear();
            return true;
        }
        let steps = self.count_steps(passed);
        self.objects.retain_mut(|object| {
            object.filter.predict(steps);
            let unseen = now.saturating_duration_since(object.seen);
            object.phase != Phase::Lost
                || unseen <= options.lost_buffer
                || object.misses <= options.lost_analyses
        });
        false
    }

    fn indexes_where(&self, wanted: impl Fn(&Object) -> bool) -> Vec<usize> {
        (0..self.objects.len()).filter(|&index| wanted(&self.objects[index])).collect()
    }

    /// Gives `objects` those of the `chosen` detections that suit them best, and returns which of both are left over.
    fn associate(
        &mut self,
        now: Instant,
        objects: &[usize],
        detections: &[Detection],
        chosen: &[usize],
        limit: f32,
        fuse_score: bool,
    ) -> (Vec<usize>, Vec<usize>) {
        let margins: Vec<f32> = objects.iter().map(|&index| self.margin(now, index)).collect();
        let rects: Vec<_> = objects
            .iter()
            .zip(&margins)
            .map(|(&index, &margin)| grow_rect(&self.objects[index].rect(), margin))
            .collect();
        let classes: Vec<_> = objects.iter().map(|&index| self.objects[index].classes.class()).collect();
        let costs = Costs::new(objects.len(), chosen.len(), |row, column| {
            let detection = &detections[chosen[column]];
            let alike = if classes[row] == detection.class { 1.0 } else { self.options.other_class };
            let score = if fuse_score { detection.confidence } else { 1.0 };
            1.0 - rects[row].iou(&grow_rect(&detection.rect, margins[row])) * alike * score
        });
        let mut objects_left = vec![true; objects.len()];
        let mut detections_left = vec![true; chosen.len()];
        for (row, column) in assign_pairs(&costs, limit) {
            self.objects[objects[row]].mark_found(now, &detections[chosen[column]], &self.options);
            objects_left[row] = false;
            detections_left[column] = false;
        }
        let left = |all: &[usize], left: &[bool]| {
            all.iter().zip(left).filter(|&(_, &left)| left).map(|(&index, _)| index).collect()
        };
        (left(objects, &objects_left), left(chosen, &detections_left))
    }

    /// Gives objects that nobody sees those of the `begin`ning detections that lie nearest to where they may be by now, and
    /// returns which of both are left over.
    fn come_out(
        &mut self,
        now: Instant,
        lost: Vec<usize>,
        detections: &[Detection],
        begin: Vec<usize>,
    ) -> (Vec<usize>, Vec<usize>) {
        let speed = self.options.hidden_speed;
        if speed <= 0.0 || begin.is_empty() || lost.is_empty() {
            return (lost, begin);
        }
        let costs = Costs::new(lost.len(), begin.len(), |row, column| {
            let (object, detection) = (&self.objects[lost[row]], &detections[begin[column]]);
            let (rect, seen) = (object.rect(), &detection.rect);
            let heights = seen.height() / rect.height().max(LEAST_SIDE_PX);
            let is_alike = (LEAST_ALIKE..=1.0 / LEAST_ALIKE).contains(&heights)
                && object.classes.class() == detection.class;
            let unseen = now.saturating_duration_since(object.seen);
            let margin = unseen.as_secs_f32() * speed * rect.height();
            if is_alike && unseen <= HIDDEN {
                1.0 - grow_rect(&rect, margin).iou(&grow_rect(seen, margin))
            } else {
                f32::INFINITY
            }
        });
        let (mut lost_left, mut begin_left) = (vec![true; lost.len()], vec![true; begin.len()]);
        for (row, column) in assign_pairs(&costs, MOST_HIDDEN) {
            self.objects[lost[row]].mark_found(now, &detections[begin[column]], &self.options);
            lost_left[row] = false;
            begin_left[column] = false;
        }
        let left = |all: Vec<usize>, left: Vec<bool>| {
            all.into_iter().zip(left).filter(|&(_, left)| left).map(|(index, _)| index).collect()
        };
        (left(lost, lost_left), left(begin, begin_left))
    }

    /// How far an object may be from where it is thought to be, on top of what overlap allows; see
    /// [`TrackerOptions::newcomer_speed`].
    fn margin(&self, now: Instant, index: usize) -> f32 {
        let object = &self.objects[index];
        // Those of the first analysis have their number at once.
        if object.phase != Phase::Unconfirmed && object.hits > 1 {
            return 0.0;
        }
        let nominal = 1.0 / self.options.nominal_fps;
        let longer = (now.saturating_duration_since(object.seen).as_secs_f32() - nominal).max(0.0);
        longer * self.options.newcomer_speed * object.rect().height()
    }

    /// A new track, if there is room or a lost one to make some.
    fn begin_track(&mut self, now: Instant, detection: &Detection) {
        if self.objects.len() >= self.options.max_tracks {
            let lost = self.indexes_where(|object| object.phase == Phase::Lost);
            let Some(oldest) = lost.into_iter().min_by_key(|&index| self.objects[index].seen) else {
                return;
            };
            self.objects.remove(oldest);
        }
        self.objects.push(Object::new(now, detection, &self.options));
    }

    /// Ids for those that have been found often enough.
    fn confirm_tracks(&mut self, first: bool) {
        for object in &mut self.objects {
            if object.phase == Phase::Unconfirmed && (first || object.hits >= self.options.confirm) {
                object.phase = Phase::Found;
                self.ids += 1;
                object.id = self.ids;
            }
        }
    }

    /// Where a lost track and another lie over each other, they are one object: the longer-lived goes on.
    fn join_duplicates(&mut self) {
        let lost = self.indexes_where(|object| object.phase == Phase::Lost);
        let found = self.indexes_where(|object| object.phase == Phase::Found);
        let mut over = vec![false; self.objects.len()];
        for &a in &lost {
            for &b in &found {
                let (old, new) = (&self.objects[a], &self.objects[b]);
                let same_class = old.classes.class() == new.classes.class();
                if over[a]
                    || over[b]
                    || (self.options.other_class <= 0.0 && !same_class)
                    || old.rect().iou(&new.rect()) <= self.options.duplicate_iou
                {
                    continue;
                }
                if old.life() > new.life() {
                    let new = new.clone();
                    self.objects[a].take_over(&new);
                    over[b] = true;
                    // It is no longer lost, so it is nobody else's duplicate.
                    break;
                }
                over[a] = true;
            }
        }
        let mut over = over.into_iter();
        self.objects.retain(|_| !over.next().unwrap_or(false));
    }

    fn build_track(&self, object: &Object, now: Instant, steps: f64) -> Track {
        let mut filter = object.filter;
        filter.predict(steps);
        let rect = filter.rect();
        let (x, y) = self.options.anchor.anchor_point(&rect);
        let mut trail: Vec<TrailPoint> = object.trail.points(now).collect();
        if self.options.trail_points > 0 && trail.last().is_none_or(|newest| newest.at < now) {
            trail.push(TrailPoint { at: now, x, y });
        }
        Track {
            id: object.id,
            rect,
            class: object.classes.class(),
            confidence: object.confidence,
            held_confidence: object.held_confidence,
            age: now.saturating_duration_since(object.born),
            unseen: now.saturating_duration_since(object.seen),
            trail,
        }
    }

    /// Nominal pictures in that time.
    fn count_steps(&self, time: Duration) -> f64 {
        time.as_secs_f64() * f64::from(self.options.nominal_fps)
    }
}

/// The detections that take part: real boxes, sure enough, the surest first and not too many.
fn filter_detections(detections: &[Detection], options: &TrackerOptions) -> Vec<Detection> {
    let mut indexes: Vec<usize> = (0..detections.len())
        .filter(|&index| is_box(&detections[index]) && detections[index].confidence >= options.track_low)
        .collect();
    let surest = |&a: &usize, &b: &usize| -> Ordering {
        detections[b].confidence.total_cmp(&detections[a].confidence).then(a.cmp(&b))
    };
    if indexes.len() > options.max_detections {
        indexes.select_nth_unstable_by(options.max_detections, surest);
        indexes.truncate(options.max_detections);
    }
    indexes.sort_unstable_by(surest);
    indexes
        .into_iter()
        .map(|index| Detection { confidence: detections[index].confidence.min(1.0), ..detections[index] })
        .collect()
}

fn grow_rect(rect: &Rect, margin: f32) -> Rect {
    Rect {
        left: rect.left - margin,
        top: rect.top - margin,
        right: rect.right + margin,
        bottom: rect.bottom + margin,
    }
}

fn is_box(detection: &Detection) -> bool {
    let rect = &detection.rect;
    // Comparisons with what is not a number are false.
    [rect.left, rect.top, rect.right, rect.bottom].iter().all(|edge| edge.abs() <= FARTHEST_PX)
        && rect.width() >= LEAST_SIDE_PX
        && rect.height() >= LEAST_SIDE_PX
        && detection.confidence.is_finite()
}

#[cfg(test)]
mod tests;
