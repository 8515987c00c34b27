//! Whose turn it is: single pictures, for which somebody waits, go before those of batches.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::sleep;

/// While single pictures keep all threads busy, batches get on by one picture in this time.
const STARVED: Duration = Duration::from_secs(2);

/// The places of pictures that are being read or wait for it. A place is free again when its run has really ended, not
/// when its caller has gone: so nothing accumulates.
#[derive(Debug)]
pub struct Permits {
    threads: usize,
    max_singles: usize,
    taken: Mutex<Taken>,
    freed: Notify,
}

#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    singles: usize,
    batch: usize,
    refused: u64,
}

/// A place. It is free again when this is dropped.
#[derive(Debug)]
pub struct Permit {
    permits: Arc<Permits>,
    single: bool,
}

impl Permits {
    /// For this many threads; `queue` single pictures may wait for one.
    pub fn new(threads: usize, queue: usize) -> Arc<Self> {
        Arc::new(Self {
            threads,
            max_singles: threads + queue,
            taken: Mutex::default(),
            freed: Notify::new(),
        })
    }

    /// Threads that read, and so pictures that are read at once.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Single pictures that were refused for want of a place.
    pub fn refused(&self) -> u64 {
        self.taken.lock().refused
    }

    /// Single pictures and those of batches that have a place now.
    pub fn count_taken(&self) -> (usize, usize) {
        let taken = self.taken.lock();
        (taken.singles, taken.batch)
    }

    /// Whether there is no place for a single picture now.
    pub fn is_full(&self) -> bool {
        self.taken.lock().singles >= self.max_singles
    }

    /// Counts a single picture that was turned away before it asked for a place.
    pub fn refuse(&self) {
        self.taken.lock().refused += 1;
    }

    /// A place for a picture for which somebody waits; `None` where too many do.
    pub fn try_single(self: &Arc<Self>) -> Option<Permit> {
        let mut taken = self.taken.lock();
        if taken.singles >= self.max_singles {
            taken.refused += 1;
            return None;
        }
        taken.singles += 1;
        Some(Permit { permits: self.clone(), single: true })
    }

    /// A place for a picture of a batch: there is a thread for it, and no single picture needs that.
    pub async fn acquire_batch(self: &Arc<Self>) -> Permit {
        let patience = sleep(STARVED);
        tokio::pin!(patience);
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            // Before looking: what is freed between the two is not missed.
            freed.as_mut().enable();
            if let Some(permit) = self.try_batch(patience.is_elapsed()) {
                return permit;
            }
            tokio::select! {
                () = freed => {}
                () = &mut patience, if !patience.is_elapsed() => {}
            }
        }
    }

    fn try_batch(self: &Arc<Self>, starved: bool) -> Option<Permit> {
        let mut taken = self.taken.lock();
        let room = taken.singles + taken.batch < self.threads || (starved && taken.batch == 0);
        room.then(|| {
            taken.batch += 1;
            Permit { permits: self.clone(), single: false }
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        {
            let mut taken = self.permits.taken.lock();
            let count = if self.single { &mut taken.singles } else { &mut taken.batch };
            *count -= 1;
        }
        self.permits.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn soon<T>(future: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout(Duration::from_millis(100), future).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_gives_way_to_single_pictures_and_is_not_starved_by_them() {
        let permits = Permits::new(2, 1);
        let (first, second) =
            (soon(permits.acquire_batch()).await.unwrap(), soon(permits.acquire_batch()).await.unwrap());
        assert!(
            soon(permits.acquire_batch()).await.is_none(),
            "a batch has no more in hand than there are threads"
        );
        let single = permits.try_single().unwrap();
        drop(first);
        assert!(
            soon(permits.acquire_batch()).await.is_none(),
            "the thread that is free is for the single picture"
        );
        drop(single);
        let third = soon(permits.acquire_batch()).await.unwrap();
        drop((second, third));

        let _busy =
            [permits.try_single().unwrap(), permits.try_single().unwrap(), permits.try_single().unwrap()];
        assert!(soon(permits.acquire_batch()).await.is_none());
        let begun = tokio::time::Instant::now();
        let starved = permits.acquire_batch().await;
        assert!(begun.elapsed() >= STARVED);
        assert!(tokio::time::timeout(2 * STARVED, permits.acquire_batch()).await.is_err(), "one at a time");
        drop(starved);
    }

    #[tokio::test]
    async fn one_more_than_may_wait_is_refused() {
        let permits = Permits::new(1, 1);
        let places = [permits.try_single().unwrap(), permits.try_single().unwrap()];
        assert!(permits.is_full() && permits.try_single().is_none());
        assert_eq!(permits.refused(), 1);
        drop(places);
        assert!(permits.try_single().is_some());
    }
}
