//! What viewers got and what they were too slow for. A [`Subscriber`](crate::stream::Subscriber) adds each picture, once, to
//! every account that it was given: its stream's, its viewer's, the server's.

use std::sync::atomic::Ordering;
use std::time::Duration;

use sightwire_base::histogram::{Histogram, HistogramSnapshot};

use crate::sync::AtomicU64;

/// An account of deliveries. Its numbers only grow.
#[derive(Debug)]
pub struct Deliveries {
    /// Pictures that were taken to be sent.
    pub pictures: AtomicU64,
    /// Their bytes, in the form in which they went out.
    pub bytes: AtomicU64,
    /// Pictures that somebody was too slow for.
    pub missed: AtomicU64,
    ages: Option<Box<Histogram>>,
}

/// One picture that was taken to be sent, and how many were missed before it.
#[derive(Clone, Copy, Debug)]
pub struct Delivery {
    /// In the form in which it went out.
    pub bytes: usize,
    /// Pictures missed before it.
    pub missed: u64,
    /// Since its last byte came.
    pub age: Duration,
}

impl Default for Deliveries {
    fn default() -> Self {
        Self { ages: Some(Box::default()), ..Self::without_ages() }
    }
}

impl Deliveries {
    /// One that has no [`Self::ages`] and is small, where there is one for each of many.
    pub fn without_ages() -> Self {
        let none = || AtomicU64::new(0);
        Self { pictures: none(), bytes: none(), missed: none(), ages: None }
    }

    /// Adds one picture, those missed before it, and its age where ages are kept.
    pub fn add(&self, delivery: Delivery) {
        self.pictures.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(delivery.bytes as u64, Ordering::Relaxed);
        if delivery.missed > 0 {
            self.missed.fetch_add(delivery.missed, Ordering::Relaxed);
        }
        if let Some(ages) = &self.ages {
            ages.record(delivery.age);
        }
    }

    /// From the last byte of a picture to when it was taken to be sent. Empty in one [`Self::without_ages`].
    pub fn ages(&self) -> HistogramSnapshot {
        self.ages.as_ref().map(|ages| ages.snapshot()).unwrap_or_default()
    }

    /// Pictures, bytes, and pictures missed, so far.
    pub fn counts(&self) -> [u64; 3] {
        [&self.pictures, &self.bytes, &self.missed].map(|count| count.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_differ_in_ages_alone() {
        let all = [Deliveries::default(), Deliveries::without_ages()];
        for account in &all {
            account.add(Delivery { bytes: 10, missed: 2, age: Duration::from_millis(5) });
            assert_eq!(account.counts(), [1, 10, 2]);
        }
        assert_eq!(all.map(|account| account.ages().count()), [1, 0]);
    }
}
