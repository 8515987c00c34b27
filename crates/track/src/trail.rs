//! Where a track has been: points of the last seconds.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use sightwire_frame::boxes::Rect;

/// Which point of a box its trail follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Anchor {
    /// The middle of the lower edge: where people and cars touch the ground.
    #[default]
    Foot,
    /// The middle of the box.
    Centre,
}

impl Anchor {
    /// x and y of that point of `rect`, in pixels.
    pub fn anchor_point(self, rect: &Rect) -> (f32, f32) {
        let (x, y) = rect.centre();
        match self {
            Self::Foot => (x, rect.bottom),
            Self::Centre => (x, y),
        }
    }
}

/// One point of a trail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrailPoint {
    /// When the track was there.
    pub at: Instant,
    /// In pixels of the original picture.
    pub x: f32,
    /// In pixels of the original picture.
    pub y: f32,
}

/// Points of the last `length`, the oldest first, at most `max_points`: where more come, some are left out evenly.
#[derive(Clone, Debug)]
pub struct Trail {
    length: Duration,
    max_points: usize,
    points: VecDeque<TrailPoint>,
}

impl Trail {
    /// A trail without points.
    pub fn new(length: Duration, max_points: usize) -> Self {
        Self { length, max_points, points: VecDeque::new() }
    }

    /// Adds a point, and forgets those that have become too old.
    pub fn push(&mut self, point: TrailPoint) {
        while self.points.front().is_some_and(|first| self.is_old(first, point.at)) {
            self.points.pop_front();
        }
        if self.max_points == 0 {
            return;
        }
        // The newest point is always there. It is replaced as long as it is nearer to the one before than points need
        // to be for all of the length to fit.
        let spacing = self.length / u32::try_from(self.max_points).unwrap_or(u32::MAX);
        let crowded = self.points.len() >= 2 && {
            let before = self.points[self.points.len() - 2].at;
            let newest = self.points[self.points.len() - 1].at;
            newest.saturating_duration_since(before) < spacing
        };
        if crowded {
            self.points.pop_back();
        }
        while self.points.len() >= self.max_points {
            self.points.pop_front();
        }
        self.points.push_back(point);
    }

    /// Points that are not too old `now`, the oldest first.
    pub fn points(&self, now: Instant) -> impl Iterator<Item = TrailPoint> + '_ {
        self.points.iter().filter(move |point| !self.is_old(point, now)).copied()
    }

    fn is_old(&self, point: &TrailPoint, now: Instant) -> bool {
        now.saturating_duration_since(point.at) > self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_secs(3);

    fn walk(max_points: usize, interval: Duration, count: u32) -> (Trail, Instant) {
        let start = Instant::now();
        let mut trail = Trail::new(LENGTH, max_points);
        let mut now = start;
        for index in 0..count {
            now = start + interval * index;
            trail.push(TrailPoint { at: now, x: index as f32, y: 0.0 });
        }
        (trail, now)
    }

    #[test]
    fn points_older_than_the_trail_are_forgotten() {
        let (trail, now) = walk(64, Duration::from_millis(100), 100);
        let points: Vec<_> = trail.points(now).collect();
        assert_eq!(points.len(), 31);
        assert!((points[0].x - 69.0).abs() < 0.5 && (points[30].x - 99.0).abs() < 0.5);
        assert_eq!(trail.points(now + Duration::from_secs(1)).count(), 21);
        assert_eq!(trail.points(now + Duration::from_secs(60)).count(), 0);
    }

    #[test]
    fn a_fast_stream_fills_the_same_time_with_no_more_points() {
        let (trail, now) = walk(32, Duration::from_millis(4), 3000);
        let points: Vec<_> = trail.points(now).collect();
        assert!(trail.points.len() <= 32 && points.len() >= 28, "{}", points.len());
        assert!(now - points[0].at > LENGTH * 9 / 10, "the whole length is there");
        assert!((points[points.len() - 1].x - 2999.0).abs() < 0.5, "the newest point is there");
    }

    #[test]
    fn a_trail_of_no_points_stays_empty() {
        let (trail, now) = walk(0, Duration::from_millis(40), 10);
        assert_eq!(trail.points(now).count(), 0);
    }
}
