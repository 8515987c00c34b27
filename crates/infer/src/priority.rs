//! Replies must stay prompt while every core is busy with inference, so inference threads step back; and work for which
//! somebody waits live goes before batches.

use rustix::process::setpriority_process;
use rustix::thread::gettid;

/// Which work a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// For clients that send and for viewers: late is as bad as never.
    Live,
    /// Whatever takes as long as it takes.
    Batch,
}

impl Priority {
    /// The kernel gives a thread of niceness 0 about nine times the share of one of 10, and that again about seven times the
    /// share of one of 19.
    fn niceness(self) -> i32 {
        match self {
            Self::Live => 10,
            Self::Batch => 19,
        }
    }
}

/// Sets that of the calling thread (and of the threads it will start). On Linux niceness belongs to a thread, and its
/// thread id names it. Where that fails the thread goes on as it was.
pub fn set_for_this_thread(priority: Priority) {
    if let Err(error) = setpriority_process(Some(gettid()), priority.niceness()) {
        tracing::debug!(%error, "inference threads keep the usual priority");
    }
}
