//! Work for which somebody waits live goes before batches.
//!
//! Live work has the niceness that the server was started with: the kernel runs a network thread that wakes before a thread
//! that has calculated all the time, so replies are prompt all the same, and beside neighbours the server gets its share of
//! the cores (docs/benchmarks.md, "Beside neighbours").

use rustix::io::Result;
use rustix::process::{getpriority_process, setpriority_process};
use rustix::thread::gettid;

/// Which work a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// For clients that send and for viewers: late is as bad as never.
    Live,
    /// Whatever takes as long as it takes.
    Batch,
}

/// By so much batches are nicer: a thread of live work gets about three times the share of one of a batch.
const BATCH: i32 = 5;
/// Higher than that there is none.
const NICEST: i32 = 19;

/// Sets that of the calling thread (and of the threads it will start). On Linux niceness belongs to a thread, and its
/// thread id names it. Where that fails the thread goes on as it was.
pub fn set_for_this_thread(priority: Priority) {
    if priority == Priority::Batch
        && let Err(error) = nicer_by(BATCH)
    {
        tracing::debug!(%error, "threads of batches keep the usual priority");
    }
}

fn nicer_by(steps: i32) -> Result<()> {
    let thread = Some(gettid());
    let niceness = getpriority_process(thread)?;
    setpriority_process(thread, (niceness + steps).min(NICEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_work_is_no_nicer_than_the_server_and_a_batch_a_little() {
        let niceness = || getpriority_process(Some(gettid())).unwrap();
        let server = niceness();
        let of = |priority| {
            std::thread::spawn(move || {
                set_for_this_thread(priority);
                niceness()
            })
            .join()
            .unwrap()
        };
        assert_eq!(of(Priority::Live), server);
        assert_eq!(of(Priority::Batch), (server + BATCH).min(NICEST));
        assert_eq!(niceness(), server, "of its own thread alone");
    }
}
