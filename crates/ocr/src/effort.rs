//! How much work a picture has taken: time of cores, not time on the clock, and without what making sessions takes. So one who
//! waits for cores that others have is not late, and a bound on it is one on the picture.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sightwire_engine::core_time::CoreTime;

thread_local! {
    /// Time of this thread's core that went into sessions, of the task that it is at.
    static MAKING: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// What has been done for a picture, and what may be.
#[derive(Debug, Default)]
pub struct Effort {
    nanos: AtomicU64,
    most: Option<Duration>,
}

impl Effort {
    /// At most this much; it ends at the step at which that is passed.
    pub fn at_most(most: Duration) -> Self {
        Self { nanos: AtomicU64::new(0), most: Some(most) }
    }

    /// What has been done so far.
    pub fn time_spent(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed))
    }

    /// How much it may be; `None` if there is no bound.
    pub(super) fn time_limit(&self) -> Option<Duration> {
        self.most
    }

    /// The same where that is passed.
    pub(super) fn passed_limit(&self) -> Option<Duration> {
        self.most.filter(|most| self.time_spent() > *most)
    }

    /// Whether a task that has taken this long has passed it.
    pub(super) fn is_passed_with(&self, task: &Task) -> bool {
        self.most.is_some_and(|most| self.time_spent() + task.elapsed() > most)
    }

    /// Counts a task that has ended.
    pub(super) fn add(&self, task: &Task) {
        let nanos = u64::try_from(task.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }
}

/// A piece of work of the calling thread.
pub(super) struct Task(CoreTime);

/// Counts what the calling thread does from now on.
pub(super) fn start_task() -> Task {
    MAKING.set(Duration::ZERO);
    Task(CoreTime::start(true))
}

impl Task {
    fn elapsed(&self) -> Duration {
        self.0.elapsed().saturating_sub(MAKING.get())
    }
}

/// Makes something that others use after this picture, too: it is not that picture's work.
pub(super) fn make_shared<T>(make: impl FnOnce() -> T) -> T {
    let began = CoreTime::start(true);
    let made = make();
    MAKING.set(MAKING.get() + began.elapsed());
    made
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn work(until: impl Fn() -> bool) {
        let begun = Instant::now();
        while !until() {
            assert!(begun.elapsed() < Duration::from_secs(60), "work counts");
            std::hint::black_box((0..1000).sum::<u64>());
        }
    }

    #[test]
    fn waiting_and_making_sessions_are_no_work_of_the_picture() {
        let effort = Effort::at_most(Duration::from_millis(50));
        let task = start_task();
        std::thread::sleep(Duration::from_millis(80));
        assert!(!effort.is_passed_with(&task), "it waited");
        make_shared(|| {
            let began = CoreTime::start(true);
            work(|| began.elapsed() > Duration::from_millis(80));
        });
        assert!(!effort.is_passed_with(&task), "it made a session: {:?}", task.elapsed());
        work(|| effort.is_passed_with(&task));
        effort.add(&task);
        assert_eq!(effort.passed_limit(), Some(Duration::from_millis(50)));
        assert!(Effort::default().passed_limit().is_none());
    }
}
