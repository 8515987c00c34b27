//! When a source is too quiet: one rule for whatever gives pictures.

use std::time::{Duration, Instant};

/// How many of its usual intervals a source may be silent before that means something.
const PATIENCE: u32 = 3;
/// The share that the newest interval has in the mean.
const NEWEST: f64 = 0.1;
/// What is longer is not a rate.
const LONGEST_INTERVAL: Duration = Duration::from_secs(300);

/// How long a source has been silent, and how long it may be.
#[derive(Clone, Copy, Debug)]
pub struct Silence {
    at_least: Duration,
    /// Of a source that is asked: how often.
    every: Duration,
    last: Option<Instant>,
    /// Mean time between pictures, as of late.
    interval: Option<Duration>,
}

impl Silence {
    /// Of a source that has given nothing yet. Shorter silences than `at_least` never mean anything, nor do such that are
    /// shorter than three of its intervals: `every` where it is asked for each picture, else as they have been of late.
    pub fn new(at_least: Duration, every: Option<Duration>) -> Self {
        Self { at_least, every: every.unwrap_or_default(), last: None, interval: None }
    }

    /// A picture came. `running`: the source was there until now; the time of an outage tells nothing of its rate.
    pub fn record_picture(&mut self, now: Instant, running: bool) {
        let patience = self.patience();
        if let Some(last) = self.last.replace(now)
            && running
        {
            let this = now.saturating_duration_since(last).min(LONGEST_INTERVAL);
            let mean = |mean: Duration| mean.mul_f64(1.0 - NEWEST) + this.mul_f64(NEWEST);
            // A longer one than it is waited for is the first of a slower rate; if it was a pause, a few pictures make up for it.
            let is_slower = this > patience;
            self.interval = Some(self.interval.filter(|_| !is_slower).map_or(this, mean));
        }
    }

    /// When the last picture came.
    pub fn last_picture(&self) -> Option<Instant> {
        self.last
    }

    /// Whether it is known how often it gives pictures.
    pub fn knows_interval(&self) -> bool {
        self.interval.is_some()
    }

    /// Its rate is not what it was.
    pub fn forget_interval(&mut self) {
        self.interval = None;
    }

    /// How long it may be silent.
    pub fn patience(&self) -> Duration {
        self.at_least.max(self.every.max(self.interval.unwrap_or_default()) * PATIENCE)
    }

    /// From when on its silence means something; `None` before its first picture.
    pub fn end_time(&self) -> Option<Instant> {
        self.last.map(|last| last + self.patience())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_source_gets_three_of_its_usual_intervals_and_never_less_than_was_chosen() {
        let (start, mut silence) = (Instant::now(), Silence::new(3 * SECOND, None));
        assert_eq!(silence.end_time(), None);
        silence.record_picture(start, true);
        assert_eq!(silence.end_time(), Some(start + 3 * SECOND));
        silence.record_picture(start + 5 * SECOND, true);
        assert_eq!(silence.patience(), 15 * SECOND, "what is longer than its patience is its rate");
        for n in 2..60 {
            silence.record_picture(start + 5 * SECOND * n, true);
        }
        assert!((14 * SECOND..=15 * SECOND).contains(&silence.patience()), "{:?}", silence.patience());
        let start = start + 5 * SECOND * 60;
        for n in 0..100 {
            silence.record_picture(start + SECOND * n / 25, true);
        }
        assert_eq!(silence.patience(), 3 * SECOND);
        assert_eq!(Silence::new(3 * SECOND, Some(2 * SECOND)).patience(), 6 * SECOND);
    }

    #[test]
    fn the_time_of_an_outage_tells_nothing_of_the_rate() {
        let (start, mut silence) = (Instant::now(), Silence::new(SECOND, None));
        for n in 0..10 {
            silence.record_picture(start + SECOND * n / 10, true);
        }
        let before = silence.patience();
        silence.record_picture(start + 600 * SECOND, false);
        assert_eq!((silence.patience(), silence.last_picture()), (before, Some(start + 600 * SECOND)));
    }
}
