//! Writes to disks that failed, wherever in the process: each place says in the log which file, and what to do.

use std::sync::atomic::{AtomicU64, Ordering};

static FAILURES: AtomicU64 = AtomicU64::new(0);

/// One more failed.
pub fn failed() {
    FAILURES.fetch_add(1, Ordering::Relaxed);
}

/// How many have failed so far.
pub fn failures() -> u64 {
    FAILURES.load(Ordering::Relaxed)
}
