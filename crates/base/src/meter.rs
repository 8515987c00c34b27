//! Rates and delays of the last seconds, from counters that only grow.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::Serialize;

use crate::histogram::HistogramSnapshot;

/// How often samples are taken, while there is something to sample.
pub const INTERVAL: Duration = Duration::from_millis(500);
/// Rates are over this many samples.
const SAMPLES: usize = 6;

/// Counters at some moments of the last three seconds.
#[derive(Debug)]
pub struct Meter<const COUNTS: usize, const AGES: usize> {
    samples: Mutex<VecDeque<Sample<COUNTS, AGES>>>,
}

/// Counters and histograms at one moment.
#[derive(Clone, Debug)]
pub struct Sample<const COUNTS: usize, const AGES: usize> {
    /// When the counters had these values.
    pub at: Instant,
    /// Values of counters that only grow.
    pub counts: [u64; COUNTS],
    /// Histograms since the start, of which the newest part makes the delays.
    pub ages: [HistogramSnapshot; AGES],
}

/// Percentiles of a time, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Delay {
    /// The median: half of the values are below it.
    pub p50: f64,
    /// 95 of 100 are below.
    pub p95: f64,
    /// 99 of 100 are below.
    pub p99: f64,
}

impl<const COUNTS: usize, const AGES: usize> Default for Meter<COUNTS, AGES> {
    fn default() -> Self {
        Self { samples: Mutex::default() }
    }
}

impl<const COUNTS: usize, const AGES: usize> Meter<COUNTS, AGES> {
    /// Adds a sample; only those of the last three seconds are kept.
    pub fn sample(&self, sample: Sample<COUNTS, AGES>) {
        let mut samples = self.samples.lock();
        if samples.len() > SAMPLES {
            samples.pop_front();
        }
        samples.push_back(sample);
    }

    /// How much each counter grows per second, with one decimal.
    pub fn rates(&self) -> [f64; COUNTS] {
        self.growth().map(|rate| (rate * 10.0).round() / 10.0)
    }

    /// How much each counter grows per second.
    pub fn growth(&self) -> [f64; COUNTS] {
        let samples = self.samples.lock();
        let (Some(first), Some(last)) = (samples.front(), samples.back()) else { return [0.0; COUNTS] };
        let seconds = last.at.saturating_duration_since(first.at).as_secs_f64();
        if seconds <= 0.0 {
            return [0.0; COUNTS];
        }
        std::array::from_fn(|i| last.counts[i].saturating_sub(first.counts[i]) as f64 / seconds)
    }

    /// Delays of the last seconds; `None` where there was nothing.
    pub fn delays(&self) -> [Option<Delay>; AGES] {
        let samples = self.samples.lock();
        let (Some(first), Some(last)) = (samples.front(), samples.back()) else { return [None; AGES] };
        std::array::from_fn(|i| {
            let recent = last.ages[i].since(&first.ages[i]);
            let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|q| recent.quantile_ms(q));
            Some(Delay { p50: p50?, p95: p95?, p99: p99? })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_the_last_three_seconds() {
        let (meter, start) = (Meter::<1, 0>::default(), Instant::now());
        assert!(meter.rates()[0].abs() < 1e-9);
        for i in 0..20_u32 {
            // 40 a second at first, 10 a second later.
            let count = if i < 10 { 20 * i } else { 180 + 5 * (i - 9) };
            meter.sample(Sample { at: start + INTERVAL * i, counts: [count.into()], ages: [] });
        }
        assert!((meter.rates()[0] - 10.0).abs() < 1e-9);
    }
}
