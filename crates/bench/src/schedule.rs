//! When each frame is due. The schedule is fixed before the run and never waits for the server, so a
//! slow server is seen as late frames and long delays, not as a lower load (coordinated omission).

use std::time::{Duration, Instant};

/// The frame times of one client: `start + n / fps`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    start: Instant,
    fps: f64,
}

impl Schedule {
    /// Client `index` of `clients` starts its share of a frame interval later than client 0, so that the
    /// clients' frames are spread evenly and do not arrive in bursts.
    pub(crate) fn for_client(start: Instant, fps: f64, index: usize, clients: usize) -> Self {
        let share = index as f64 / clients.max(1) as f64;
        Self { start: start + Duration::from_secs_f64(share / fps), fps }
    }

    /// When frame `n` (from 0) is due. Computed from `n`, not added up, so it does not drift.
    pub(crate) fn due_at(&self, n: u64) -> Instant {
        self.start + Duration::from_secs_f64(n as f64 / self.fps)
    }
}

/// Which part of the run an instant belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Load runs, nothing is recorded.
    WarmUp,
    /// The steady clients alone, before churn or stuck clients start: what to compare with.
    Baseline,
    /// What the report is about.
    Measured,
}

/// The times of one run, the same for all clients.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// The first frame of the first client.
    pub(crate) start: Instant,
    /// End of the warm-up.
    pub(crate) baseline: Instant,
    /// End of the baseline.
    pub(crate) measure: Instant,
    /// No frame is due at or after this.
    pub(crate) end: Instant,
    /// Replies are awaited until then.
    pub(crate) give_up: Instant,
}

impl Plan {
    /// Lays the phases one after the other from `start`.
    pub(crate) fn new(
        start: Instant,
        warm_up: Duration,
        baseline: Duration,
        measured: Duration,
        drain: Duration,
    ) -> Self {
        let after_warm_up = start + warm_up;
        let measure = after_warm_up + baseline;
        let end = measure + measured;
        Self { start, baseline: after_warm_up, measure, end, give_up: end + drain }
    }

    /// The same plan, ended early.
    pub(crate) fn cut_short(self, now: Instant, drain: Duration) -> Self {
        let end = self.end.min(now);
        Self { end, give_up: end + drain, ..self }
    }

    /// The phase of a frame that is due at `due`.
    pub(crate) fn phase(&self, due: Instant) -> Phase {
        if due >= self.measure {
            Phase::Measured
        } else if due >= self.baseline {
            Phase::Baseline
        } else {
            Phase::WarmUp
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_due_at_exact_multiples_without_drift() {
        let start = Instant::now();
        let schedule = Schedule::for_client(start, 25.0, 0, 1);
        assert_eq!(schedule.due_at(0), start);
        assert_eq!(schedule.due_at(1) - start, Duration::from_millis(40));
        assert_eq!(schedule.due_at(25 * 3600) - start, Duration::from_hours(1));
    }

    #[test]
    fn clients_are_spread_over_one_interval() {
        let start = Instant::now();
        let offsets: Vec<_> =
            (0..4).map(|i| Schedule::for_client(start, 10.0, i, 4).due_at(0) - start).collect();
        assert_eq!(offsets, [0, 25, 50, 75].map(Duration::from_millis));
    }

    #[test]
    fn phases_follow_each_other_and_a_cut_ends_early() {
        let start = Instant::now();
        let s = Duration::from_secs;
        let plan = Plan::new(start, s(2), s(3), s(10), s(5));
        assert_eq!(plan.phase(start), Phase::WarmUp);
        assert_eq!(plan.phase(start + s(2)), Phase::Baseline);
        assert_eq!(plan.phase(start + s(5)), Phase::Measured);
        assert_eq!(plan.end - start, s(15));
        let cut = plan.cut_short(start + s(7), s(5));
        assert_eq!(cut.end - start, s(7));
        assert_eq!(cut.give_up - start, s(12));
        assert_eq!(plan.cut_short(start + s(99), s(5)).end, plan.end);
    }
}
