//! How often somebody may try to log in: a few times at once and then now and then, from one address and for one name.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{NotUntil, Quota, RateLimiter};
use sightwire_measure::address::counted;

use crate::record::folded;

/// Tries at once; then one each [`EVERY`].
const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
/// From one try to the next, once the first are used up.
const EVERY: Duration = Duration::from_secs(6);
/// Addresses, and names, that are counted; whoever comes on top of so many within a minute is told to come later.
const MAX_COUNTED: usize = 10_000;

/// Counts tries.
#[derive(Debug)]
pub struct Attempts<C: Clock = DefaultClock> {
    addresses: Counted<IpAddr, C>,
    names: Counted<Box<str>, C>,
    clock: C,
}

type Counted<K, C> = RateLimiter<K, HashMapStateStore<K>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// Too many tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts to log in; try again in {} s", after.as_secs().max(1))]
pub struct TooMany {
    /// When the next is looked at.
    pub after: Duration,
}

impl Default for Attempts {
    fn default() -> Self {
        Self::new(DefaultClock::default())
    }
}

impl<C: Clock + Clone> Attempts<C> {
    fn new(clock: C) -> Self {
        let quota = Quota::with_period(EVERY).unwrap_or(Quota::per_minute(BURST)).allow_burst(BURST);
        Self {
            addresses: RateLimiter::new(quota, HashMapStateStore::default(), clock.clone()),
            names: RateLimiter::new(quota, HashMapStateStore::default(), clock.clone()),
            clock,
        }
    }

    /// Counts one more, of that address, for that name where it is one.
    pub fn count(&self, address: IpAddr, name: &str) -> Result<(), TooMany> {
        self.one(&self.addresses, &counted(address))?;
        folded(name).map_or(Ok(()), |name| self.one(&self.names, &name))
    }

    fn one<K: Hash + Eq + Clone>(&self, limiter: &Counted<K, C>, key: &K) -> Result<(), TooMany> {
        if limiter.len() >= MAX_COUNTED {
            limiter.retain_recent();
            if limiter.len() >= MAX_COUNTED {
                return Err(TooMany { after: EVERY });
            }
        }
        let wait = |until: NotUntil<C::Instant>| TooMany { after: until.wait_time_from(self.clock.now()) };
        limiter.check_key(key).map_err(wait)
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn tries_are_few_from_one_address_and_for_one_name() {
        let clock = FakeRelativeClock::default();
        let attempts = Attempts::new(clock.clone());
        for _ in 0..BURST.get() {
            assert_eq!(attempts.count(address("192.168.1.7"), ""), Ok(()));
        }
        let refused = attempts.count(address("::ffff:192.168.1.7"), "").unwrap_err();
        assert!(refused.after <= EVERY && refused.to_string().contains("try again in"), "{refused}");
        assert_eq!(attempts.count(address("192.168.1.8"), ""), Ok(()), "somebody else");
        clock.advance(EVERY);
        assert_eq!(attempts.count(address("192.168.1.7"), ""), Ok(()));
        // Whoever has many addresses tries one name no oftener.
        let tries =
            (0..20).filter(|i| attempts.count(address(&format!("fd00::{i}:0:0:0:1")), " Anna").is_ok());
        assert_eq!(tries.count(), BURST.get() as usize);
        assert!(attempts.count(address("192.168.1.9"), "anna ").is_err(), "the same name");
        let network = (0..20).filter(|i| attempts.count(address(&format!("fd01::{i}")), "").is_ok());
        assert_eq!(network.count(), BURST.get() as usize, "one network");
    }

    #[test]
    fn those_who_are_counted_are_bounded_and_forgotten() {
        let clock = FakeRelativeClock::default();
        let attempts = Attempts::new(clock.clone());
        let of = |i: u32| IpAddr::from(std::net::Ipv4Addr::from(i));
        assert!((0..MAX_COUNTED as u32).all(|i| attempts.count(of(i), "").is_ok()));
        assert!(attempts.count(of(u32::MAX), "").is_err());
        clock.advance(EVERY * 2);
        assert_eq!(attempts.count(of(u32::MAX), ""), Ok(()));
        assert!(attempts.addresses.len() <= 2);
    }
}
