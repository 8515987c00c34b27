//! What the tracker knows of one object.

use std::time::{Duration, Instant};

use sightwire_frame::boxes::{Detection, Rect};

use super::kalman::BoxFilter;
use super::options::TrackerOptions;
use super::trail::{Trail, TrailPoint};

/// Where a track stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not found often enough yet: it has no id, and ends when it is not found once.
    Unconfirmed,
    /// Found in the newest analysis.
    Found,
    /// Confirmed, and not found in the newest analysis.
    Lost,
}

/// One object that is being followed.
#[derive(Clone, Debug)]
pub(super) struct Object {
    /// Zero until the track is confirmed, then its number for good.
    pub id: u64,
    pub phase: Phase,
    /// As of the newest analysis.
    pub filter: BoxFilter,
    pub classes: ClassVotes,
    /// Of the newest detection that was its.
    pub confidence: f32,
    /// The highest of late: it sinks by half in [`HALF_LIFE`].
    pub held_confidence: f32,
    pub born: Instant,
    /// When it was found last.
    pub seen: Instant,
    /// Analyses in which it was found since it was born.
    pub hits: u32,
    /// Analyses in a row in which it was not.
    pub misses: u32,
    pub trail: Trail,
}

const HALF_LIFE: Duration = Duration::from_secs(1);

impl Object {
    pub fn new(now: Instant, detection: &Detection, options: &TrackerOptions) -> Self {
        let mut object = Self {
            id: 0,
            phase: Phase::Unconfirmed,
            filter: BoxFilter::new(&detection.rect, options.noise),
            classes: ClassVotes::default(),
            confidence: detection.confidence,
            held_confidence: detection.confidence,
            born: now,
            seen: now,
            hits: 1,
            misses: 0,
            trail: Trail::new(options.trail, options.trail_points),
        };
        object.classes.vote(detection.class, detection.confidence);
        object.add_trail_point(now, options);
        object
    }

    /// The detection is this object; its filter must have been moved on to `now`.
    pub fn mark_found(&mut self, now: Instant, detection: &Detection, options: &TrackerOptions) {
        let since = now.saturating_duration_since(self.seen);
        let faded = self.held_confidence * (-since.as_secs_f32() / HALF_LIFE.as_secs_f32()).exp2();
        self.filter.correct(&detection.rect);
        self.classes.vote(detection.class, detection.confidence);
        self.confidence = detection.confidence;
        self.held_confidence = faded.max(detection.confidence);
        self.seen = now;
        self.hits = self.hits.saturating_add(1);
        self.misses = 0;
        if self.phase == Phase::Lost {
            self.phase = Phase::Found;
        }
        self.add_trail_point(now, options);
    }

    /// No detection is this object.
    pub fn mark_missed(&mut self) {
        self.misses = self.misses.saturating_add(1);
        if self.phase == Phase::Found {
            self.phase = Phase::Lost;
            self.filter.hold_size();
        }
    }

    /// `other` turned out to be this object, found under another name.
    pub fn take_over(&mut self, other: &Self) {
        self.phase = other.phase;
        self.filter = other.filter;
        self.confidence = other.confidence;
        self.held_confidence = self.held_confidence.max(other.held_confidence);
        self.seen = other.seen;
        self.misses = 0;
    }

    /// From when it was first found until when it was last.
    pub fn life(&self) -> Duration {
        self.seen.saturating_duration_since(self.born)
    }

    pub fn rect(&self) -> Rect {
        self.filter.rect()
    }

    fn add_trail_point(&mut self, now: Instant, options: &TrackerOptions) {
        let (x, y) = options.anchor.anchor_point(&self.rect());
        self.trail.push(TrailPoint { at: now, x, y });
    }
}

/// Which class an object is of, where detections differ: a detector often takes a car for a truck now and then.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClassVotes {
    /// Classes and the confidence they were found with, older votes counting less.
    votes: [(usize, f32); 4],
}

/// What a vote is worth one analysis later.
const FADING: f32 = 0.9;

impl ClassVotes {
    fn vote(&mut self, class: usize, confidence: f32) {
        for (_, weight) in &mut self.votes {
            *weight *= FADING;
        }
        if let Some((_, weight)) =
            self.votes.iter_mut().find(|(known, weight)| *known == class && *weight > 0.0)
        {
            *weight += confidence;
        } else if let Some(least) = self.votes.iter_mut().min_by(|a, b| a.1.total_cmp(&b.1)) {
            *least = (class, confidence);
        }
        self.votes.sort_by(|a, b| b.1.total_cmp(&a.1));
    }

    /// The class with the most votes.
    pub fn class(&self) -> usize {
        self.votes[0].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_confidence_that_is_held_sinks_by_half_in_a_second_to_that_of_now() {
        let seen = |confidence| {
            let rect = Rect { left: 0.0, top: 0.0, right: 10.0, bottom: 10.0 };
            Detection { rect, class: 0, confidence }
        };
        let (start, options) = (Instant::now(), TrackerOptions::default());
        let mut object = Object::new(start, &seen(0.9), &options);
        let at = start + Duration::from_millis(1500);
        object.mark_found(at, &seen(0.1), &options);
        assert!(
            (object.held_confidence - 0.9 * 0.5_f32.powf(1.5)).abs() < 1e-6,
            "{}",
            object.held_confidence
        );
        object.mark_found(at, &seen(0.6), &options);
        assert_eq!((object.confidence, object.held_confidence), (0.6, 0.6));
    }

    #[test]
    fn a_class_that_flickers_does_not_change_the_objects_class() {
        let mut votes = ClassVotes::default();
        for index in 0..30 {
            votes.vote(if index % 3 == 2 { 7 } else { 2 }, 0.7);
            assert_eq!(votes.class(), 2, "after {index}");
        }
    }

    #[test]
    fn a_class_that_stays_changed_becomes_the_objects_class() {
        let mut votes = ClassVotes::default();
        for _ in 0..100 {
            votes.vote(2, 0.7);
        }
        for _ in 0..10 {
            votes.vote(7, 0.7);
        }
        assert_eq!(votes.class(), 7);
    }

    #[test]
    fn any_number_of_classes_is_counted_in_the_same_room() {
        let mut votes = ClassVotes::default();
        for class in 0..1000 {
            votes.vote(class, 0.5);
            votes.vote(3, 0.5);
        }
        assert_eq!(votes.class(), 3);
    }
}
