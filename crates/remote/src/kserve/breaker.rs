//! When a server of models is asked, and when it is left alone. Pure state; time and chance are given.

use std::time::{Duration, Instant};

/// Failures in a row after which nothing is asked.
pub const FAILURES: u32 = 3;
/// Time from the failure after which nothing is asked to the first probe.
const FIRST: Duration = Duration::from_secs(1);
/// Time from one probe to the next, at most.
const LONGEST: Duration = Duration::from_secs(30);

/// Closed while all is well; open after [`FAILURES`] in a row, until a probe succeeds; then one request is tried, and its end
/// counts for all. It begins open: a first probe is due at once.
#[derive(Clone, Debug)]
pub struct Breaker {
    state: State,
    pause: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    HalfOpen { tried: bool },
}

impl Breaker {
    /// Open, with a probe that is due now.
    pub fn new(now: Instant) -> Self {
        Self { state: State::Open { until: now }, pause: FIRST }
    }

    /// Whether a request may go out. The caller that gets a yes says how it went.
    pub fn may_ask(&mut self) -> bool {
        match &mut self.state {
            State::Closed { .. } => true,
            State::Open { .. } => false,
            State::HalfOpen { tried } => !std::mem::replace(tried, true),
        }
    }

    /// When the next probe is due; `None` while none is needed.
    pub fn probe_at(&self) -> Option<Instant> {
        match self.state {
            State::Open { until } => Some(until),
            State::Closed { .. } | State::HalfOpen { .. } => None,
        }
    }

    /// A probe, or a request, succeeded. True where nothing was asked for everybody before, and is now.
    pub fn mark_success(&mut self) -> bool {
        match self.state {
            State::Open { .. } => {
                self.state = State::HalfOpen { tried: false };
                false
            }
            State::HalfOpen { .. } => {
                *self = Self { state: State::Closed { failures: 0 }, pause: FIRST };
                true
            }
            State::Closed { .. } => {
                self.state = State::Closed { failures: 0 };
                false
            }
        }
    }

    /// A probe, or a request, failed. `chance` from 0 to 1 shortens the pause by up to a third, so that not all who wait come
    /// back at once. True where nothing is asked from now on.
    pub fn mark_failure(&mut self, now: Instant, chance: f64) -> bool {
        match &mut self.state {
            State::Closed { failures } if *failures + 1 < FAILURES => {
                *failures += 1;
                return false;
            }
            // One that was asked before does not put the next probe off.
            State::Open { until } if *until > now => return false,
            State::Closed { .. } | State::Open { .. } | State::HalfOpen { .. } => {}
        }
        let opened = !matches!(self.state, State::Open { .. });
        self.state = State::Open { until: now + self.pause.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 3.0) };
        self.pause = (self.pause * 2).min(LONGEST);
        opened
    }

    /// Nobody waits any more for the one that was asked: nothing is known of how it would have gone.
    pub fn mark_abandoned(&mut self) {
        if let State::HalfOpen { tried } = &mut self.state {
            *tried = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    fn closed(now: Instant) -> Breaker {
        let mut breaker = Breaker::new(now);
        assert!(!breaker.may_ask() && breaker.probe_at() == Some(now));
        assert!(!breaker.mark_success(), "only a probe");
        assert!(breaker.may_ask() && !breaker.may_ask(), "one is tried");
        assert!(breaker.mark_success());
        breaker
    }

    #[test]
    fn it_opens_after_three_failures_in_a_row() {
        let now = Instant::now();
        let mut breaker = closed(now);
        assert!(!breaker.mark_failure(now, 0.0) && !breaker.mark_failure(now, 0.0));
        breaker.mark_success();
        assert!(!breaker.mark_failure(now, 0.0) && !breaker.mark_failure(now, 0.0) && breaker.may_ask());
        assert!(breaker.mark_failure(now, 0.0) && !breaker.may_ask());
        assert_eq!(breaker.probe_at(), Some(now + S(1)));
    }

    #[test]
    fn probes_come_after_one_second_then_two_and_at_most_thirty() {
        let mut now = Instant::now();
        let mut breaker = closed(now);
        assert_eq!((0..3).filter(|_| breaker.mark_failure(now, 0.0)).count(), 1);
        let pauses = (0..7).map(|_| {
            let pause = breaker.probe_at().unwrap() - now;
            now += pause;
            assert!(!breaker.mark_failure(now, 0.0));
            pause.as_secs()
        });
        assert_eq!(pauses.collect::<Vec<_>>(), [1, 2, 4, 8, 16, 30, 30]);
        now = breaker.probe_at().unwrap();
        breaker.mark_failure(now, 1.0);
        assert_eq!(breaker.probe_at(), Some(now + S(20)), "a third less");
    }

    #[test]
    fn who_answers_a_probe_and_fails_at_work_is_left_alone_for_longer() {
        let now = Instant::now();
        let mut breaker = closed(now);
        assert_eq!((0..3).filter(|_| breaker.mark_failure(now, 0.0)).count(), 1);
        breaker.mark_success();
        assert!(breaker.may_ask() && breaker.mark_failure(now, 0.0));
        assert_eq!(breaker.probe_at(), Some(now + S(2)));
        // What was under way before changes nothing.
        assert!(!breaker.mark_failure(now, 0.0));
        assert_eq!(breaker.probe_at(), Some(now + S(2)));
    }

    #[test]
    fn a_try_that_nobody_waits_for_is_given_back() {
        let mut breaker = Breaker::new(Instant::now());
        breaker.mark_success();
        assert!(breaker.may_ask());
        breaker.mark_abandoned();
        assert!(breaker.may_ask());
    }
}
