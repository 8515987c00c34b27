//! Delays and their percentiles.

use std::time::Duration;

use hdrhistogram::{CreationError, Histogram};
use parking_lot::Mutex;
use serde::Serialize;

/// Delays in microseconds, to three significant digits, from many clients.
pub struct Delays(Mutex<Histogram<u64>>);

/// The percentiles of a set of delays, in milliseconds. All zero where `count` is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Percentiles {
    /// How many delays were recorded.
    pub count: u64,
    /// Half of them are at most this.
    pub p50: f64,
    /// 95 of 100 are at most this.
    pub p95: f64,
    /// 99 of 100 are at most this.
    pub p99: f64,
    pub max: f64,
}

impl Delays {
    /// An empty set for delays up to ten minutes; longer ones count as ten minutes.
    pub fn new() -> Result<Self, CreationError> {
        Ok(Self(Mutex::new(Histogram::new_with_bounds(1, 600_000_000, 3)?)))
    }

    /// Counts one; from any thread.
    pub fn record(&self, delay: Duration) {
        self.0.lock().saturating_record(delay.as_micros() as u64);
    }

    /// The percentiles of what was recorded so far.
    pub fn percentiles(&self) -> Percentiles {
        histogram_percentiles(&self.0.lock())
    }
}

/// The percentiles of delays in microseconds.
pub fn histogram_percentiles(histogram: &Histogram<u64>) -> Percentiles {
    if histogram.is_empty() {
        return Percentiles::default();
    }
    let at = |quantile| round_digits(histogram.value_at_quantile(quantile) as f64 / 1e3, 3);
    Percentiles {
        count: histogram.len(),
        p50: at(0.5),
        p95: at(0.95),
        p99: at(0.99),
        max: round_digits(histogram.max() as f64 / 1e3, 3),
    }
}

/// Smallest, middle and largest of a small set, used to show how evenly clients are served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Spread {
    pub min: f64,
    /// The middle value (the mean of the two middle ones where their number is even).
    pub median: f64,
    pub max: f64,
}

impl Spread {
    /// `None` for an empty set.
    pub fn from_values(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (first, last) = (*values.first()?, *values.last()?);
        let upper = values.len() / 2;
        let lower = (values.len() - 1) / 2;
        let median = f64::midpoint(values[lower], values[upper]);
        Some(Self {
            min: round_digits(first, 3),
            median: round_digits(median, 3),
            max: round_digits(last, 3),
        })
    }
}

/// `value` rounded to `digits` decimals, so that reports hold no false precision.
pub fn round_digits(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}

/// `part / whole`, or `None` where there is no whole.
pub fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_a_known_set() {
        let delays = Delays::new().unwrap();
        for ms in 1..=1000 {
            delays.record(Duration::from_millis(ms));
        }
        let p = delays.percentiles();
        assert_eq!(p.count, 1000);
        for (got, want) in [(p.p50, 500.0), (p.p95, 950.0), (p.p99, 990.0), (p.max, 1000.0)] {
            assert!((got - want).abs() <= want * 0.001, "{got} for {want}");
        }
    }

    #[test]
    fn an_empty_set_is_all_zero_and_a_huge_delay_is_kept() {
        assert_eq!(Delays::new().unwrap().percentiles(), Percentiles::default());
        let delays = Delays::new().unwrap();
        delays.record(Duration::from_secs(100_000));
        assert!(delays.percentiles().max >= 599_000.0);
    }

    #[test]
    fn a_spread_has_the_middle_value() {
        assert_eq!(
            Spread::from_values(vec![3.0, 1.0, 2.0]),
            Some(Spread { min: 1.0, median: 2.0, max: 3.0 })
        );
        assert_eq!(Spread::from_values(vec![4.0, 1.0]), Some(Spread { min: 1.0, median: 2.5, max: 4.0 }));
        assert_eq!(Spread::from_values(Vec::new()), None);
    }
}
