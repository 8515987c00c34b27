//! How long ago it was known last that the keys and users here count elsewhere, too.

use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use sightwire_base::clock;

/// Until when it is believed that what is known here counts elsewhere, too.
#[derive(Debug)]
pub(crate) struct Confirmed {
    last: Mutex<Last>,
    max_age: Duration,
}

/// This long before that moment: what was before the machine began has no moment of its own.
#[derive(Clone, Copy, Debug)]
struct Last {
    at: Instant,
    before: Duration,
}

impl Last {
    fn age(self) -> Duration {
        clock::since(self.at).saturating_add(self.before)
    }
}

impl Confirmed {
    /// Confirmed at `last`, by the wall clock; what is not known or still to come counts as now.
    pub(crate) fn new(max_age: Duration, last: Option<SystemTime>) -> Self {
        let before = last.and_then(|last| SystemTime::now().duration_since(last).ok()).unwrap_or_default();
        Self { last: Mutex::new(Last { at: clock::now(), before }), max_age }
    }

    /// It was so then.
    pub(crate) fn confirm_at(&self, then: Instant) {
        let (mut last, new) = (self.last.lock(), Last { at: then, before: Duration::ZERO });
        if new.age() <= last.age() {
            *last = new;
        }
    }

    pub(crate) fn age(&self) -> Duration {
        self.last.lock().age()
    }

    /// How long ago it was, if that is too long.
    pub(crate) fn too_old(&self) -> Option<Duration> {
        Some(self.age()).filter(|age| *age > self.max_age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn what_was_confirmed_before_the_start_is_as_old_as_it_is() {
        let ago = |ago: Duration| Confirmed::new(HOUR, SystemTime::now().checked_sub(ago));
        let half = ago(HOUR / 2);
        assert!(half.too_old().is_none());
        tokio::time::sleep(HOUR / 2 + Duration::from_secs(1)).await;
        assert!(half.too_old().is_some());
        let long = ago(HOUR * 100_000);
        assert!(long.too_old().is_some_and(|age| age >= HOUR * 100_000));
        // Asked before it began, and answered after it.
        long.confirm_at(clock::now().checked_sub(Duration::from_secs(1)).unwrap());
        assert_eq!(long.age(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_still_to_come_or_not_known_counts_as_now() {
        for last in [None, Some(SystemTime::now() + 5 * HOUR)] {
            let confirmed = Confirmed::new(HOUR, last);
            tokio::time::sleep(HOUR).await;
            assert!(confirmed.too_old().is_none());
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(confirmed.too_old(), Some(HOUR + Duration::from_secs(1)));
        }
    }
}
