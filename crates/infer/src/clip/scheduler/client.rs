//! What the scheduler knows of one client.

use std::collections::VecDeque;
use std::time::Instant;

use crate::allowance::{Allowance, SILENT};

const INTERVAL_SMOOTHING: f32 = 0.15;
/// Assumed of a client that has not sent two frames yet.
const USUAL_INTERVAL: f32 = 0.04;

#[derive(Debug)]
pub(super) enum Phase {
    Waiting {
        since: Instant,
        /// Since it last made another give way, or began to wait.
        patient_since: Instant,
    },
    Running {
        /// Since when it had waited.
        waited_since: Instant,
        /// Frames let in, analysed or not.
        accepted: usize,
        analysed: usize,
        /// A frame was missed after the window was complete: the run ends when that window is done.
        missed: bool,
    },
}

#[derive(Debug)]
pub(super) struct Client<F, W> {
    /// Predictions made so far, or credited so as not to be too far behind the others.
    pub served: u64,
    /// Order of service, the lowest first: `served`, as it was at most a `QUANTUM` ago.
    pub rank: u64,
    /// Its place in `Scheduler::ready`, where it is there.
    pub place: u64,
    /// Frames by which its turns so far were too short: the next one is as much longer.
    pub owed: usize,
    /// Predictions and frames of runs that were cut short, since its last turn.
    pub had: (usize, usize),
    pub phase: Phase,
    /// Number of this client's runs so far; work for an earlier run is not taken back.
    pub run: u64,
    pub pending: VecDeque<(Instant, F)>,
    /// `None` while waiting, and while a worker has it.
    pub window: Option<W>,
    /// A worker is at work on this client: there is never a second one.
    pub in_service: bool,
    pub allowance: Allowance,
    /// Smoothed time between frames, in seconds.
    pub interval: f32,
}

impl<F, W> Client<F, W> {
    /// One that has just come.
    pub fn new(now: Instant, max_fps: f32) -> Self {
        Self {
            served: 0,
            rank: 0,
            place: 0,
            owed: 0,
            had: (0, 0),
            phase: Phase::Waiting { since: now, patient_since: now },
            run: 0,
            pending: VecDeque::new(),
            window: None,
            in_service: false,
            allowance: Allowance::new(max_fps),
            interval: USUAL_INTERVAL,
        }
    }

    /// Notes a frame's arrival; false if the client is above its rate.
    pub fn note_arrival(&mut self, now: Instant, max_fps: f32) -> bool {
        if let Some(last) = self.allowance.last_frame() {
            let elapsed = now.saturating_duration_since(last).as_secs_f32();
            if elapsed < SILENT.as_secs_f32() {
                self.interval += INTERVAL_SMOOTHING * (elapsed.max(1.0 / max_fps) - self.interval);
            }
        }
        self.allowance.accept_frame(now)
    }

    pub fn fps(&self) -> f32 {
        1.0 / self.interval.max(1e-3)
    }

    /// Whether its run is as long as a turn of this many frames.
    pub fn had_its_turn(&self, turn: usize, predictions: impl Fn(usize) -> usize) -> bool {
        let full = predictions(turn + self.owed);
        matches!(self.phase, Phase::Running { analysed, .. } if self.had.0 + predictions(analysed) >= full)
    }

    pub fn is_active(&self, now: Instant) -> bool {
        self.allowance.is_active(now)
    }
}
