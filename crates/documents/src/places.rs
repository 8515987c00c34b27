//! How many children there are at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// How soon it is noticed that nobody wants a place any more.
const TICK: Duration = Duration::from_millis(50);

/// A number of places.
pub(crate) struct Places {
    free: Mutex<usize>,
    freed: Condvar,
}

/// One of them; free again when it is dropped.
pub(crate) struct RenderSlot(Arc<Places>);

impl Places {
    pub(crate) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self { free: Mutex::new(count), freed: Condvar::new() })
    }

    /// Waits for a place. `None` if there is none in time, or if it is not wanted any more.
    pub(crate) fn wait_for_place(
        self: &Arc<Self>,
        by: Instant,
        wanted: &dyn Fn() -> bool,
    ) -> Option<RenderSlot> {
        let mut free = self.free.lock();
        while *free == 0 {
            let now = Instant::now();
            if now >= by || !wanted() {
                return None;
            }
            self.freed.wait_until(&mut free, by.min(now + TICK));
        }
        *free -= 1;
        Some(RenderSlot(self.clone()))
    }
}

impl Drop for RenderSlot {
    fn drop(&mut self) {
        *self.0.free.lock() += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_finds_no_place_waits_for_one_until_its_deadline() {
        let places = Places::new(1);
        let soon = || Instant::now() + Duration::from_millis(20);
        let first = places.wait_for_place(soon(), &|| true).unwrap();
        assert!(places.wait_for_place(soon(), &|| true).is_none());
        let later = Instant::now() + Duration::from_secs(60);
        assert!(places.wait_for_place(later, &|| false).is_none(), "nobody wants it");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| places.wait_for_place(later, &|| true).is_some());
            std::thread::sleep(Duration::from_millis(5));
            drop(first);
            assert!(waiting.join().unwrap());
        });
        assert!(places.wait_for_place(soon(), &|| true).is_some());
    }
}
