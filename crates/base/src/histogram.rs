//! Durations counted in fixed buckets, without a lock: cheap enough for every frame.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets in milliseconds; a last one takes what is longer.
pub const BOUNDS_MS: [f64; 22] = [
    0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 50.0, 75.0, 100.0,
    200.0, 500.0, 1000.0, 5000.0,
];

/// Counts durations since it was made.
#[derive(Debug, Default)]
pub struct Histogram {
    counts: [AtomicU64; BOUNDS_MS.len() + 1],
    sum_us: AtomicU64,
}

/// A [`Histogram`] at one moment. The difference of two tells of the time between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistogramSnapshot {
    /// Per bucket, not cumulated.
    pub counts: [u64; BOUNDS_MS.len() + 1],
    /// Of all durations, in microseconds.
    pub sum_us: u64,
}

impl Histogram {
    /// Counts a duration in its bucket, and adds it to the sum.
    pub fn record(&self, duration: Duration) {
        let ms = duration.as_secs_f64() * 1e3;
        let bucket = BOUNDS_MS.partition_point(|bound| *bound < ms);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(duration.as_micros() as u64, Ordering::Relaxed);
    }

    /// A copy to compare with a later one; durations that are counted meanwhile may be in it or not.
    pub fn snapshot(&self) -> HistogramSnapshot {
        HistogramSnapshot {
            counts: std::array::from_fn(|i| self.counts[i].load(Ordering::Relaxed)),
            sum_us: self.sum_us.load(Ordering::Relaxed),
        }
    }
}

impl HistogramSnapshot {
    /// Number of durations, over all buckets.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Counts what `other` has counted, too.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.sum_us += other.sum_us;
    }

    /// What was counted between `earlier` and now.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            counts: std::array::from_fn(|i| self.counts[i].saturating_sub(earlier.counts[i])),
            sum_us: self.sum_us.saturating_sub(earlier.sum_us),
        }
    }

    /// The duration in milliseconds that a share `q` (0–1) of all durations does not exceed, interpolated within its
    /// bucket; `None` if nothing was counted.
    pub fn quantile_ms(&self, q: f64) -> Option<f64> {
        let total = self.count();
        if total == 0 {
            return None;
        }
        let rank = q.clamp(0.0, 1.0) * total as f64;
        let mut below = 0.0;
        for (i, count) in self.counts.iter().enumerate() {
            let count = *count as f64;
            if count > 0.0 && below + count >= rank {
                let low = if i == 0 { 0.0 } else { BOUNDS_MS[i - 1] };
                let high = BOUNDS_MS.get(i).copied().unwrap_or(low);
                return Some(low + (high - low) * ((rank - below) / count).clamp(0.0, 1.0));
            }
            below += count;
        }
        BOUNDS_MS.last().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_fall_into_the_bucket_of_their_durations() {
        let histogram = Histogram::default();
        for ms in [1, 1, 1, 1, 1, 1, 1, 1, 1, 40] {
            histogram.record(Duration::from_millis(ms));
        }
        let snapshot = histogram.snapshot();
        assert_eq!(snapshot.count(), 10);
        assert_eq!(snapshot.sum_us, 49_000);
        let median = snapshot.quantile_ms(0.5).unwrap();
        assert!((0.75..=1.0).contains(&median), "{median}");
        let p99 = snapshot.quantile_ms(0.99).unwrap();
        assert!((30.0..=50.0).contains(&p99), "{p99}");
    }

    #[test]
    fn the_difference_of_two_snapshots_forgets_what_was_before() {
        let histogram = Histogram::default();
        histogram.record(Duration::from_secs(60));
        let earlier = histogram.snapshot();
        assert_eq!(histogram.snapshot().since(&earlier).quantile_ms(0.5), None);
        histogram.record(Duration::from_millis(3));
        assert!(histogram.snapshot().since(&earlier).quantile_ms(0.5).unwrap() <= 3.0);
    }
}
