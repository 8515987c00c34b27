//! What frames and predictions cost, as measured.

use std::time::{Duration, Instant};

use super::Outcome;

/// Smoothed, in seconds of wall time on one worker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Costs {
    frame: f32,
    /// Of a prediction beside that of its frames.
    prediction: f32,
    /// How many times longer these take than with a core for each worker.
    slowdown: f32,
    /// When a worker last ended a job.
    measured: Option<Instant>,
}

const SMOOTHING: f32 = 0.01;
/// Without work for this long, what others took of the cores is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(5);
/// One frame may be held up for long.
const MAX_SLOWDOWN: f32 = 20.0;

impl Costs {
    /// What they are until they have been measured.
    pub fn new(frame: Duration, prediction: Duration) -> Self {
        let frame = frame.as_secs_f32().max(1e-6);
        Self { frame, prediction: prediction.as_secs_f32(), slowdown: 1.0, measured: None }
    }

    /// Of a frame with its part of a prediction that this many share.
    pub fn of_a_frame(&self, stride: usize) -> f32 {
        self.frame + self.prediction / stride as f32
    }

    /// The same; some time after the last work without what others took of the cores, which nobody knows any more.
    pub fn of_a_frame_at(&self, now: Instant, stride: usize) -> f32 {
        let mut then = *self;
        then.forget(now);
        then.of_a_frame(stride)
    }

    /// A worker has ended a job of this many frames.
    pub fn add_measured<W>(&mut self, now: Instant, frames: usize, outcome: &Outcome<W>) {
        self.forget(now);
        self.measured = Some(now);
        let smooth = |mean: &mut f32, value: f32| *mean += SMOOTHING * (value - *mean);
        let wall = (outcome.spent + outcome.predicting.unwrap_or_default()).as_secs_f32();
        if outcome.undisturbed > Duration::ZERO {
            let slowdown = wall / outcome.undisturbed.as_secs_f32();
            smooth(&mut self.slowdown, slowdown.clamp(1.0, MAX_SLOWDOWN));
        }
        smooth(&mut self.frame, outcome.spent.as_secs_f32() / frames.max(1) as f32);
        if let Some(predicting) = outcome.predicting {
            smooth(&mut self.prediction, predicting.as_secs_f32());
        }
    }

    /// After a pause it is not known any more what others take of the cores.
    pub fn forget(&mut self, now: Instant) {
        if self.measured.is_some_and(|at| now.saturating_duration_since(at) >= FORGET_AFTER) {
            self.frame /= self.slowdown;
            self.prediction /= self.slowdown;
            self.slowdown = 1.0;
            self.measured = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(spent: u64, undisturbed: u64) -> Outcome<()> {
        let (spent, undisturbed) = (Duration::from_millis(spent), Duration::from_millis(undisturbed));
        Outcome { window: (), analysed: 1, spent, undisturbed, predicting: None, lost: false }
    }

    #[test]
    fn what_neighbours_take_counts_while_there_is_work_and_is_forgotten_after_it() {
        let mut costs = Costs::new(Duration::from_millis(2), Duration::ZERO);
        let begin = Instant::now();
        for _ in 0..1000 {
            costs.add_measured(begin, 1, &outcome(8, 2));
        }
        let us = |costs: f32| (costs * 1e6).round() as u32;
        assert_eq!(us(costs.of_a_frame(1)), 8_000);
        assert_eq!(us(costs.of_a_frame_at(begin + Duration::from_secs(4), 1)), 8_000);
        assert_eq!(us(costs.of_a_frame_at(begin + Duration::from_secs(5), 1)), 2_000);
        costs.add_measured(begin + Duration::from_secs(6), 1, &outcome(2, 2));
        assert_eq!(us(costs.of_a_frame(1)), 2_000, "for the next frames, too");
    }
}
