//! How long a thread's work would have taken, had it had a core of its own.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// A piece of work of the calling thread.
#[derive(Clone, Copy, Debug)]
pub struct CoreTime {
    began: Instant,
    /// Of the thread, when it began; `None` where something else than the CPU does the work.
    used: Option<Duration>,
}

impl CoreTime {
    /// The work begins. What a GPU does takes its time, whatever else is on the cores.
    pub fn start(on_cpu: bool) -> Self {
        Self { began: Instant::now(), used: on_cpu.then(thread_time) }
    }

    /// Since then: the time in which the thread had a core, or the whole time where the CPU does not do the work.
    pub fn elapsed(&self) -> Duration {
        let elapsed = self.began.elapsed();
        self.used.map_or(elapsed, |before| thread_time().saturating_sub(before).min(elapsed))
    }
}

/// Time for which the calling thread has had a core so far.
fn thread_time() -> Duration {
    read_clock(ClockId::ThreadCPUTime)
}

/// Time for which all threads of the process have had cores so far.
pub fn used_by_all() -> Duration {
    read_clock(ClockId::ProcessCPUTime)
}

fn read_clock(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_without_a_core_does_not_count_unless_something_else_works() {
        let (cpu, other) = (CoreTime::start(true), CoreTime::start(false));
        std::thread::sleep(Duration::from_millis(50));
        assert!(cpu.elapsed() < Duration::from_millis(25), "{:?}", cpu.elapsed());
        assert!(other.elapsed() >= Duration::from_millis(50), "{:?}", other.elapsed());
        let busy = Instant::now();
        let before = cpu.elapsed();
        while cpu.elapsed() < before + Duration::from_millis(5) {
            assert!(busy.elapsed() < Duration::from_secs(60), "work counts");
        }
    }
}
