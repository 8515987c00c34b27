//! How often somebody may try to log in: a few times at once and then now and then from one address, and more often for one name, so
//! that one address that guesses locks nobody out. A user who has logged in by a name from an address is not counted with those who
//! guess at that name elsewhere.

use std::collections::VecDeque;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{NotUntil, Quota, RateLimiter};
use parking_lot::Mutex;
use sightwire_base::address::counted_address;

use crate::record::fold_name;

/// Tries at once from one address; then one each [`EVERY`].
const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
/// From one try to the next, once the first are used up.
const EVERY: Duration = Duration::from_secs(6);
/// The same for one name, from all addresses together.
const BURST_OF_NAME: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);
const EVERY_OF_NAME: Duration = Duration::from_secs(1);
/// Addresses, and names, that are counted; one who comes on top of these within a minute is told to come later.
const MAX_COUNTED: usize = 10_000;

/// Counts tries to log in, by address and by name.
#[derive(Debug)]
pub struct Attempts<C: Clock = DefaultClock> {
    addresses: Counted<IpAddr, C>,
    names: Counted<Box<str>, C>,
    /// From where somebody has logged in, and by which name; the newest last.
    proven: Mutex<VecDeque<(IpAddr, Box<str>)>>,
    clock: C,
}

type Counted<K, C> = RateLimiter<K, HashMapStateStore<K>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// Too many tries: how long to wait before the next.
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
        let quota =
            |every, burst| Quota::with_period(every).unwrap_or(Quota::per_minute(burst)).allow_burst(burst);
        let of_name = quota(EVERY_OF_NAME, BURST_OF_NAME);
        Self {
            addresses: RateLimiter::new(quota(EVERY, BURST), HashMapStateStore::default(), clock.clone()),
            names: RateLimiter::new(of_name, HashMapStateStore::default(), clock.clone()),
            proven: Mutex::default(),
            clock,
        }
    }

    /// Counts one more, of that address, for that name where it is one.
    pub fn count_attempt(&self, address: IpAddr, name: &str) -> Result<(), TooMany> {
        let address = counted_address(address);
        self.count_one(&self.addresses, &address)?;
        let Some(name) = fold_name(name) else { return Ok(()) };
        let is_proven = self.proven.lock().iter().any(|(from, by)| *from == address && *by == name);
        if is_proven { Ok(()) } else { self.count_one(&self.names, &name) }
    }

    /// Somebody has logged in from there, by that name.
    pub fn record_success(&self, address: IpAddr, name: &str) {
        let Some(name) = fold_name(name) else { return };
        let pair = (counted_address(address), name);
        let mut proven = self.proven.lock();
        proven.retain(|other| *other != pair);
        proven.push_back(pair);
        if proven.len() > MAX_COUNTED {
            proven.pop_front();
        }
    }

    fn count_one<K: Hash + Eq + Clone>(&self, limiter: &Counted<K, C>, key: &K) -> Result<(), TooMany> {
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
            assert_eq!(attempts.count_attempt(address("192.168.1.7"), ""), Ok(()));
        }
        let refused = attempts.count_attempt(address("::ffff:192.168.1.7"), "").unwrap_err();
        assert!(refused.after <= EVERY && refused.to_string().contains("try again in"), "{refused}");
        assert_eq!(attempts.count_attempt(address("192.168.1.8"), ""), Ok(()), "somebody else");
        clock.advance(EVERY);
        assert_eq!(attempts.count_attempt(address("192.168.1.7"), ""), Ok(()));
        // A client with many addresses cannot try one name much more often.
        let tries = (0..200)
            .filter(|i| attempts.count_attempt(address(&format!("fd00::{i}:0:0:0:1")), " Anna").is_ok());
        assert_eq!(tries.count(), BURST_OF_NAME.get() as usize);
        assert!(attempts.count_attempt(address("192.168.1.9"), "anna ").is_err(), "the same name");
        let network = (0..20).filter(|i| attempts.count_attempt(address(&format!("fd01::{i}")), "").is_ok());
        assert_eq!(network.count(), BURST.get() as usize, "one network");
    }

    #[test]
    fn an_address_that_guesses_locks_nobody_out_and_many_not_whoever_was_there_before() {
        let clock = FakeRelativeClock::default();
        let attempts = Attempts::new(clock.clone());
        let (owner, attacker) = (address("192.168.1.7"), address("203.0.113.9"));
        assert!(
            (0..20).any(|_| attempts.count_attempt(attacker, "anna").is_err()),
            "it is told to come later"
        );
        assert_eq!(attempts.count_attempt(owner, "anna"), Ok(()));
        attempts.record_success(owner, "Anna");
        while attempts.names.check_key(&"anna".into()).is_ok() {}
        assert!(
            attempts.count_attempt(address("192.168.1.8"), "anna").is_err(),
            "a thousand addresses guess"
        );
        assert_eq!(attempts.count_attempt(owner, "anna"), Ok(()), "she was there before");
        assert!(
            (0..20).any(|_| attempts.count_attempt(owner, "anna").is_err()),
            "and guesses no oftener than others"
        );
    }

    #[test]
    fn those_who_are_counted_are_bounded_and_forgotten() {
        let clock = FakeRelativeClock::default();
        let attempts = Attempts::new(clock.clone());
        let of = |i: u32| IpAddr::from(std::net::Ipv4Addr::from(i));
        assert!((0..MAX_COUNTED as u32).all(|i| attempts.count_attempt(of(i), "").is_ok()));
        assert!(attempts.count_attempt(of(u32::MAX), "").is_err());
        clock.advance(EVERY * 2);
        assert_eq!(attempts.count_attempt(of(u32::MAX), ""), Ok(()));
        assert!(attempts.addresses.len() <= 2);
    }
}
