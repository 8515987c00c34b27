//! Replies must stay prompt while every core is busy with inference, so inference threads step back.

use rustix::process::setpriority_process;
use rustix::thread::gettid;

/// Niceness of inference threads: the kernel gives a thread at 0 about nine times their share.
const NICENESS: i32 = 10;

/// Lowers the calling thread (and the threads it will start). On Linux niceness belongs to a thread, and its
/// thread id names it. Where that fails the thread goes on as it was.
pub fn lower_this_thread() {
    if let Err(error) = setpriority_process(Some(gettid()), NICENESS) {
        tracing::debug!(%error, "inference threads keep the usual priority");
    }
}
