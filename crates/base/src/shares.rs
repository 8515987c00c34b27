//! How often each of many may do something: a number of times a second, and more at once now and then. Those who are counted are
//! bounded in number, and forgotten when they have been quiet.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{NotUntil, Quota, RateLimiter};
use parking_lot::Mutex;

use crate::metrics::{Collector, Metrics};

/// Those who are counted for themselves. While there are this many, all have one share together.
const MAX_COUNTED: usize = 10_000;
/// Those who have been quiet are looked for no oftener, since that takes a millisecond.
const SWEEP: Duration = Duration::from_secs(1);

/// A share for each.
#[derive(Debug)]
pub struct Shares<K: Hash + Eq + Clone, C: Clock = DefaultClock> {
    each: RateLimiter<K, HashMapStateStore<K>, C, NoOpMiddleware<C::Instant>>,
    others: RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    at_once: NonZeroU32,
    swept: Mutex<Option<C::Instant>>,
}

impl<K: Hash + Eq + Clone> Shares<K> {
    /// This many a second, and `burst` seconds' worth of them at once; `None` for 0, which means no limit.
    pub fn new(per_s: u32, burst: u32) -> Option<Self> {
        Self::with_clock(per_s, burst, DefaultClock::default())
    }
}

impl<K: Hash + Eq + Clone, C: Clock + Clone> Shares<K, C> {
    fn with_clock(per_s: u32, burst: u32, clock: C) -> Option<Self> {
        let per_s = NonZeroU32::new(per_s)?;
        let at_once = per_s.saturating_mul(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN));
        let quota = Quota::per_second(per_s).allow_burst(at_once);
        Some(Self {
            each: RateLimiter::new(quota, HashMapStateStore::default(), clock.clone()),
            others: RateLimiter::direct_with_clock(quota, clock.clone()),
            clock,
            at_once,
            swept: Mutex::new(None),
        })
    }

    /// Counts one more. An error says after how long there is room for it, which was not counted then.
    pub fn take_one(&self, key: &K) -> Result<(), Duration> {
        self.take_some(key, NonZeroU32::MIN)
    }

    /// As [`Self::take_one`], with this many at once. What is more than can ever come at once counts as that much.
    pub fn take_some(&self, key: &K, count: NonZeroU32) -> Result<(), Duration> {
        let count = count.min(self.at_once);
        let wait = |until: NotUntil<C::Instant>| until.wait_time_from(self.clock.now());
        let taken =
            if self.has_room() { self.each.check_key_n(key, count) } else { self.others.check_n(count) };
        // There is capacity for it: it is not more than may come at once.
        taken.map_or(Ok(()), |taken| taken.map_err(wait))
    }

    fn has_room(&self) -> bool {
        if self.each.len() < MAX_COUNTED {
            return true;
        }
        let now = self.clock.now();
        let mut swept = self.swept.lock();
        let is_due = swept
            .is_none_or(|at| Duration::from(governor::clock::Reference::duration_since(&now, at)) >= SWEEP);
        if is_due {
            *swept = Some(now);
            self.each.retain_recent();
        }
        self.each.len() < MAX_COUNTED
    }
}

/// What one address or key may take, as the configuration calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Connections at once.
    ConnectionsPerAddress,
    /// New connections a second.
    ConnectionRate,
    /// Open connections with one key or of one user.
    ConnectionsPerKey,
    /// Requests a second.
    RequestsPerS,
    /// MB a second that come.
    MbPerS,
    /// Frames of live streams.
    FramesPerS,
}

impl Limit {
    /// All there are.
    pub const ALL: [Self; 6] = [
        Self::ConnectionsPerAddress,
        Self::ConnectionRate,
        Self::ConnectionsPerKey,
        Self::RequestsPerS,
        Self::MbPerS,
        Self::FramesPerS,
    ];

    /// The last part of its key.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConnectionsPerAddress => "connections_per_address",
            Self::ConnectionRate => "connection_rate",
            Self::ConnectionsPerKey => "connections_per_key",
            Self::RequestsPerS => "requests_per_s",
            Self::MbPerS => "mb_per_s",
            Self::FramesPerS => "frames_per_s",
        }
    }
}

/// How often each limit was reached, so that something was refused, dropped or held back.
#[derive(Debug, Default)]
pub struct Limited([(AtomicU64, crate::lines::LogThrottle); Limit::ALL.len()]);

impl Limited {
    /// The limit was reached once more. If that is to be said in the log: how many times it was not said since it was said
    /// last.
    pub fn count(&self, limit: Limit, now: std::time::Instant) -> Option<u64> {
        let (count, said) = self.0.get(limit as usize)?;
        count.fetch_add(1, Ordering::Relaxed);
        said.admit_line(now)
    }

    /// How often that limit was reached since the start.
    pub fn limited_count(&self, limit: Limit) -> u64 {
        self.0.get(limit as usize).map_or(0, |(count, _)| count.load(Ordering::Relaxed))
    }
}

impl Collector for Limited {
    fn collect(&self, metrics: &mut Metrics) {
        metrics.counters(
            "limited",
            "Refused, dropped or held back because one address, key or user had taken what it may.",
            ["limit"],
            Limit::ALL.map(|limit| ([limit.name()], self.limited_count(limit))),
        );
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    #[test]
    fn each_may_so_many_a_second_and_some_at_once_whatever_others_do() {
        let clock = FakeRelativeClock::default();
        let shares = Shares::with_clock(10, 4, clock.clone()).unwrap();
        assert_eq!((0..100).filter(|_| shares.take_one(&1).is_ok()).count(), 40);
        let wait = shares.take_one(&1).unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_millis(100), "{wait:?}");
        assert_eq!(shares.take_one(&2), Ok(()), "somebody else");
        clock.advance(Duration::from_secs(1));
        assert_eq!((0..100).filter(|_| shares.take_one(&1).is_ok()).count(), 10);
        assert!(Shares::<u8>::new(0, 4).is_none(), "0 is no limit");
        clock.advance(Duration::from_secs(4));
        let of = |count| NonZeroU32::new(count).unwrap();
        assert_eq!(shares.take_some(&1, of(30)), Ok(()));
        assert_eq!(shares.take_some(&1, of(30)), Err(Duration::from_secs(2)));
        assert_eq!(shares.take_some(&1, of(10)), Ok(()), "what was refused was not counted");
        assert_eq!(
            shares.take_some(&1, of(1000)),
            Err(Duration::from_secs(4)),
            "and ever more is there never"
        );
    }

    #[test]
    fn those_who_are_counted_are_bounded_and_the_quiet_ones_forgotten() {
        let clock = FakeRelativeClock::default();
        let shares = Shares::with_clock(1, 1, clock.clone()).unwrap();
        assert!((0..MAX_COUNTED).all(|i| shares.take_one(&i).is_ok()));
        // On top of them all have one share.
        assert_eq!((MAX_COUNTED..MAX_COUNTED + 100).filter(|i| shares.take_one(i).is_ok()).count(), 1);
        assert!(shares.each.len() <= MAX_COUNTED);
        clock.advance(Duration::from_secs(3));
        assert_eq!((MAX_COUNTED..MAX_COUNTED + 100).filter(|i| shares.take_one(i).is_ok()).count(), 100);
        assert!(shares.each.len() <= 100);
    }
}
