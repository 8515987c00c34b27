//! Timers that are exact to some ten microseconds. The runtime's own have steps of a millisecond and round
//! up, which would be the larger part of a short delay; so a thread of its own keeps the time here.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    io,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use parking_lot::{Condvar, Mutex};

/// Keeps the time for many timers; its thread ends with the last clone and timer.
#[derive(Clone)]
pub struct Clockwork(Arc<Handle>);

/// Fires once at the time it was set to, until it is set again.
pub struct Timer {
    clockwork: Clockwork,
    at: Instant,
    /// The alarm that stands in the queue: for when and for whom.
    alarm: Option<(Instant, Waker)>,
}

/// Ends the thread when nobody can set a timer any more.
struct Handle(Arc<Clock>);

/// What the thread and the timers share.
#[derive(Default)]
struct Clock {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    alarms: BinaryHeap<Reverse<Alarm>>,
    closed: bool,
}

struct Alarm {
    at: Instant,
    waker: Waker,
}

impl Clockwork {
    /// Starts the thread that keeps the time of all timers.
    pub fn start() -> io::Result<Self> {
        let clock = Arc::new(Clock::default());
        let thread_clock = clock.clone();
        std::thread::Builder::new().name("clockwork".to_owned()).spawn(move || thread_clock.run())?;
        Ok(Self(Arc::new(Handle(clock))))
    }

    /// A timer that has fired already.
    pub fn timer(&self) -> Timer {
        Timer { clockwork: self.clone(), at: Instant::now(), alarm: None }
    }
}

impl Timer {
    /// Sets the time. An alarm for the former time may still wake the task, to no effect.
    pub fn set(&mut self, at: Instant) {
        self.at = at;
    }

    /// Ready from the set time on.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.at {
            self.alarm = None;
            return Poll::Ready(());
        }
        let stands =
            self.alarm.as_ref().is_some_and(|(at, waker)| *at == self.at && waker.will_wake(cx.waker()));
        if !stands {
            self.alarm = Some((self.at, cx.waker().clone()));
            self.clockwork.0.0.push(Alarm { at: self.at, waker: cx.waker().clone() });
        }
        Poll::Pending
    }
}

impl Clock {
    fn push(&self, alarm: Alarm) {
        let mut state = self.state.lock();
        let is_next = state.alarms.peek().is_none_or(|Reverse(next)| alarm.at < next.at);
        state.alarms.push(Reverse(alarm));
        drop(state);
        if is_next {
            self.changed.notify_one();
        }
    }

    fn run(&self) {
        let mut state = self.state.lock();
        while !state.closed {
            match state.alarms.peek() {
                None => self.changed.wait(&mut state),
                Some(Reverse(next)) if next.at > Instant::now() => {
                    let at = next.at;
                    self.changed.wait_until(&mut state, at);
                }
                Some(_) => {
                    if let Some(Reverse(alarm)) = state.alarms.pop() {
                        alarm.waker.wake();
                    }
                }
            }
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.state.lock().closed = true;
        self.0.changed.notify_one();
    }
}

impl PartialEq for Alarm {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Alarm {}

impl PartialOrd for Alarm {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Alarm {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{future::poll_fn, time::Duration};

    async fn fires(timer: &mut Timer, within: Duration) -> bool {
        tokio::time::timeout(within, poll_fn(|cx| timer.poll(cx))).await.is_ok()
    }

    #[tokio::test]
    async fn a_timer_never_fires_early_and_can_be_set_again() {
        let mut timer = Clockwork::start().unwrap().timer();
        for step_us in [300, 5_000, 0, 1_100, 50] {
            let at = Instant::now() + Duration::from_micros(step_us);
            timer.set(at);
            assert!(fires(&mut timer, Duration::from_secs(5)).await && Instant::now() >= at, "{step_us} µs");
        }
    }

    #[tokio::test]
    async fn an_earlier_time_replaces_a_later_one() {
        let mut timer = Clockwork::start().unwrap().timer();
        timer.set(Instant::now() + Duration::from_mins(1));
        assert!(!fires(&mut timer, Duration::from_millis(5)).await);
        timer.set(Instant::now() + Duration::from_millis(5));
        assert!(fires(&mut timer, Duration::from_secs(5)).await);
    }

    #[test]
    fn the_thread_ends_with_its_last_user() {
        let clockwork = Clockwork::start().unwrap();
        let clock = Arc::downgrade(&clockwork.0.0);
        let timer = clockwork.timer();
        drop(clockwork);
        assert!(clock.upgrade().is_some());
        drop(timer);
        let until = Instant::now() + Duration::from_secs(5);
        while clock.upgrade().is_some() {
            assert!(Instant::now() < until, "the thread still runs");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
