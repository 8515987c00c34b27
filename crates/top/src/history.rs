//! What a stream did in the last readings, for its small charts and its losses.

use std::collections::VecDeque;

use sightwire_api::stream::Stream;

/// As many as the widest screen shows.
const POINTS: usize = 240;

/// One stream's numbers, oldest first.
#[derive(Clone, Debug, Default)]
pub struct History {
    points: VecDeque<Point>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Point {
    fps: Option<f64>,
    delay_ms: Option<f64>,
    delivered_missed: Option<(u64, u64)>,
}

impl History {
    /// As it is now; a stream that began anew has no past.
    pub fn push(&mut self, stream: &Stream) {
        let point = Point {
            fps: Some(stream.fps),
            delay_ms: stream.delay_ms.map(|delay| delay.p50),
            delivered_missed: Some((stream.delivered, stream.missed)),
        };
        let before = self.points.iter().rev().find_map(|point| point.delivered_missed);
        if let (Some(before), Some(now)) = (before, point.delivered_missed)
            && (now.0 < before.0 || now.1 < before.1)
        {
            self.points.clear();
        }
        self.add_point(point);
    }

    /// Nothing was heard of it.
    pub fn push_gap(&mut self) {
        self.add_point(Point::default());
    }

    fn add_point(&mut self, point: Point) {
        if self.points.len() == POINTS {
            self.points.pop_front();
        }
        self.points.push_back(point);
    }

    /// The share of pictures that viewers were too slow for, over the last readings; `None` without two of them.
    pub fn lost_percent(&self, readings: usize) -> Option<f64> {
        let oldest = self.points.len().saturating_sub(readings + 1);
        let mut counted = self.points.iter().skip(oldest).filter_map(|point| point.delivered_missed);
        let (first, last) = (counted.next()?, counted.next_back()?);
        let (delivered, missed) = (last.0 - first.0, last.1 - first.1);
        let all = delivered + missed;
        Some(if all == 0 { 0.0 } else { missed as f64 / all as f64 * 100.0 })
    }

    /// Pictures a second, oldest first.
    pub fn fps(&self) -> impl DoubleEndedIterator<Item = Option<f64>> + '_ {
        self.points.iter().map(|point| point.fps)
    }

    /// Delay p50, oldest first.
    pub fn delay_ms(&self) -> impl DoubleEndedIterator<Item = Option<f64>> + '_ {
        self.points.iter().map(|point| point.delay_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(counters: &[(u64, u64)]) -> History {
        let mut history = History::default();
        for &(delivered, missed) in counters {
            history.push(&Stream { delivered, missed, ..Default::default() });
        }
        history
    }

    #[test]
    fn losses_are_those_of_the_last_readings_only() {
        assert_eq!(history(&[(100, 50)]).lost_percent(3), None);
        assert_eq!(history(&[(0, 500), (75, 525)]).lost_percent(3), Some(25.0));
        assert_eq!(history(&[(0, 0), (0, 50), (10, 50), (20, 50), (30, 50)]).lost_percent(3), Some(0.0));
        assert_eq!(history(&[(5, 5), (5, 5)]).lost_percent(3), Some(0.0));
        let mut gap = history(&[(0, 0)]);
        gap.push_gap();
        assert_eq!(gap.lost_percent(3), None);
    }

    #[test]
    fn a_stream_that_began_anew_has_no_past_and_the_past_is_bounded() {
        let anew = history(&[(100, 50), (3, 0)]);
        assert_eq!((anew.lost_percent(3), anew.fps().count()), (None, 1));
        let long = history(&vec![(1, 1); POINTS + 10]);
        assert_eq!(long.delay_ms().count(), POINTS);
    }
}
