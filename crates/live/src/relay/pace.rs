//! How long a viewer may take for a picture: what it usually takes, and room to spare. Pure state; time is given.

use std::time::Duration;

use crate::options::Deadline;

/// Deadlines without a byte after which a viewer is dead.
pub const MAX_STRIKES: u32 = 3;

/// What is known of a viewer's connection.
#[derive(Debug)]
pub struct Pace {
    bounds: Deadline,
    /// To hand over one picture, and how much that differs; as TCP estimates its round trips (RFC 6298).
    usual: Option<(Duration, Duration)>,
    rtt: Option<Duration>,
    strikes: u32,
}

impl Pace {
    /// A viewer of which nothing is known yet: it has [`Deadline::first`] for a picture.
    pub fn new(bounds: Deadline) -> Self {
        Self { bounds, usual: None, rtt: None, strikes: 0 }
    }

    /// A picture was handed over.
    #[inline]
    pub fn record_write(&mut self, took: Duration) {
        self.strikes = 0;
        self.usual = Some(match self.usual {
            None => (took, took / 2),
            Some((mean, deviation)) => {
                let off = mean.abs_diff(took);
                (mean.mul_f64(0.875) + took.mul_f64(0.125), deviation.mul_f64(0.75) + off.mul_f64(0.25))
            }
        });
    }

    /// A ping came back.
    pub fn record_rtt(&mut self, took: Duration) {
        self.rtt = Some(self.rtt.map_or(took, |mean| mean.mul_f64(0.875) + took.mul_f64(0.125)));
    }

    /// What the next picture may take. After a deadline that has passed it is twice the usual, or twice [`Deadline::first`] where
    /// that is longer, and after another one twice that, as TCP's own timer does: a receiver that reads slowly opens its window
    /// seldom.
    #[inline]
    pub fn deadline(&self) -> Duration {
        let Deadline { first, min, max } = self.bounds;
        let usual = self
            .usual
            .map_or(first, |(mean, deviation)| mean * 2 + deviation * 4 + self.rtt.unwrap_or_default());
        match self.strikes {
            0 => usual.clamp(min, max),
            strikes => (usual.max(first) * (1 << strikes.min(MAX_STRIKES))).clamp(min, max),
        }
    }

    /// A deadline has passed; `progress`: something was taken. Whether the viewer is dead.
    #[inline]
    pub fn record_miss(&mut self, progress: bool) -> bool {
        self.strikes = if progress { 0 } else { self.strikes + 1 };
        self.strikes >= MAX_STRIKES
    }

    /// To hand over a picture; and there and back.
    #[inline]
    pub fn measured(&self) -> (Duration, Option<Duration>) {
        (self.usual.map_or(Duration::ZERO, |(mean, _)| mean), self.rtt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const BOUNDS: Deadline = Deadline {
        first: MS.saturating_mul(1000),
        min: MS.saturating_mul(500),
        max: MS.saturating_mul(5000),
    };

    #[test]
    fn the_deadline_follows_what_the_viewer_takes_within_its_bounds() {
        let mut pace = Pace::new(BOUNDS);
        assert_eq!(pace.deadline(), MS * 1000);
        (0..50).for_each(|_| pace.record_write(MS));
        assert_eq!(pace.deadline(), MS * 500, "a fast one is noticed soon");
        (0..50).for_each(|_| pace.record_write(MS * 800));
        let slower = pace.deadline();
        assert!(slower > MS * 1500 && slower < MS * 2500, "{slower:?}");
        (0..50).for_each(|_| pace.record_write(MS * 60_000));
        assert_eq!(pace.deadline(), MS * 5000);
    }

    #[test]
    fn each_deadline_that_passes_doubles_the_next() {
        let mut pace = Pace::new(BOUNDS);
        (0..50).for_each(|_| pace.record_write(MS));
        assert_eq!(pace.deadline(), MS * 500);
        pace.record_miss(false);
        assert_eq!(pace.deadline(), MS * 2000);
        pace.record_miss(false);
        assert_eq!(pace.deadline(), MS * 4000);
        pace.record_write(MS);
        assert_eq!(pace.deadline(), MS * 500);
    }

    #[test]
    fn three_deadlines_without_a_byte_are_the_end_and_a_byte_begins_anew() {
        let mut pace = Pace::new(BOUNDS);
        assert!(!pace.record_miss(false) && !pace.record_miss(false) && !pace.record_miss(true));
        assert!(!pace.record_miss(false) && !pace.record_miss(false) && pace.record_miss(false));
    }
}
