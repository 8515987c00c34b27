//! Work for which somebody waits live goes before batches.
//!
//! Live work is but one step nicer than the server: the kernel runs a network thread that wakes before a thread that has
//! calculated all the time, so replies are prompt, and beside neighbours the server gets nearly its share of the cores
//! (docs/benchmarks.md, "Beside neighbours").

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

/// Higher than that there is none.
const NICEST: i32 = 19;

impl Priority {
    /// How much nicer it is than the server. The kernel gives a thread four fifths of the share of one that is a step less
    /// nice: beside another program live work gets 45 % of a core, and three times as much as a batch.
    fn steps(self) -> i32 {
        match self {
            Self::Live => 1,
            Self::Batch => 6,
        }
    }
}

/// Sets that of the calling thread (and of the threads it will start). On Linux niceness belongs to a thread, and its
/// thread id names it. Where that fails the thread goes on as it was.
pub fn set_for_this_thread(priority: Priority) {
    if let Err(error) = nicer_by(priority.steps()) {
        tracing::debug!(%error, "inference threads keep the usual priority");
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
    fn live_work_is_hardly_nicer_than_the_server_and_a_batch_a_little() {
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
        assert_eq!(of(Priority::Live), (server + 1).min(NICEST));
        assert_eq!(of(Priority::Batch), (server + 6).min(NICEST));
        assert_eq!(niceness(), server, "of its own thread alone");
    }
}
