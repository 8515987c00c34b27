//! Disks that are written to, wherever in the process: how often that failed, and whether it does now. Each place says in the log
//! which file, and what to do.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::fs::statvfs;

use crate::clock;
use crate::metrics::{Collector, Metrics};

/// With less than that room nothing of use can be written.
const LEAST_ROOM: u64 = 1 << 20;
/// A failure counts as present for this long: whatever failed is tried again within that, as a rule.
const PRESENT: Duration = Duration::from_secs(60);

static FAILURES: AtomicU64 = AtomicU64::new(0);
static LAST: Mutex<Option<Instant>> = Mutex::new(None);

/// Counts one more failure of a disk, now.
pub fn count_failure() {
    FAILURES.fetch_add(1, Ordering::Relaxed);
    *LAST.lock() = Some(clock::now());
}

/// How many have failed so far.
pub fn failures() -> u64 {
    FAILURES.load(Ordering::Relaxed)
}

/// Whether one failed within the last minute.
pub fn fails_now() -> bool {
    LAST.lock().is_some_and(|last| clock::since(last) < PRESENT)
}

/// Whether the disk of that folder has room; one that cannot be asked is not said to have none.
pub fn has_room(folder: &Path) -> bool {
    let free = |disk: rustix::fs::StatVfs| disk.f_bavail.saturating_mul(disk.f_frsize);
    statvfs(folder).map_or(true, |disk| free(disk) >= LEAST_ROOM)
}

/// Gives the failures to `/metrics`.
#[derive(Debug)]
pub struct DiskMetrics;

impl Collector for DiskMetrics {
    fn collect(&self, metrics: &mut Metrics) {
        metrics.counter(
            "disk_failures",
            "Times that a file of the server could not be written, or one that it keeps could not be read.",
            failures(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_present_for_a_while_and_counted_for_ever() {
        let before = failures();
        count_failure();
        assert!(failures() > before && fails_now());
        assert!(has_room(Path::new("/nowhere")), "nothing is known of it");
        assert!(!has_room(Path::new("/proc")), "no room at all");
    }
}
