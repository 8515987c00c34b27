//! What waits to be sent to clients that are told things they did not ask for at that moment: counted for each of them, and
//! for all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// What may wait for one client.
const MAX_BYTES: usize = 1 << 20;
/// What may wait for each client though all together have reached their limit.
const SHARE_BYTES: usize = 16 << 10;

/// Shared by all outboxes.
#[derive(Debug)]
pub struct Outboxes {
    limit: usize,
    waiting: AtomicUsize,
    refused: AtomicU64,
}

impl Outboxes {
    /// At most this many bytes at once, and a small share for each client beyond that.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, waiting: AtomicUsize::new(0), refused: AtomicU64::new(0) })
    }

    /// Bytes that may wait at once.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes that wait now.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Messages that were left out so far because too much waited.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

/// What waits to be sent to one client.
#[derive(Debug)]
pub struct Outbox {
    all: Arc<Outboxes>,
    waiting: AtomicUsize,
}

impl Outbox {
    /// Of a client for which nothing waits yet.
    pub fn new(all: Arc<Outboxes>) -> Arc<Self> {
        Arc::new(Self { all, waiting: AtomicUsize::new(0) })
    }

    /// Takes room for a message of this many bytes; whether there was room.
    pub fn take_room(&self, bytes: usize) -> bool {
        // Counted before it can be sent and taken off again.
        let all = self.all.waiting.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let limit = if all > self.all.limit { SHARE_BYTES } else { MAX_BYTES };
        // The first may be larger than a share: else a client with long messages would get none.
        let fits = |waiting: usize| waiting == 0 || waiting + bytes <= limit;
        let taken = self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
            fits(waiting).then_some(waiting + bytes)
        });
        if taken.is_err() {
            self.all.waiting.fetch_sub(bytes, Ordering::Relaxed);
            self.all.refused.fetch_add(1, Ordering::Relaxed);
        }
        taken.is_ok()
    }

    /// This many bytes are on their way. What was not counted when it was sent (the protocol's own messages) may be among them.
    pub fn record_sent(&self, bytes: usize) {
        let Ok(before) = self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
            Some(waiting.saturating_sub(bytes))
        }) else {
            return;
        };
        self.all.waiting.fetch_sub(bytes.min(before), Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.all.waiting.fetch_sub(*self.waiting.get_mut(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_has_its_limit_and_all_have_theirs() {
        let all = Outboxes::new(2 * MAX_BYTES);
        let greedy: Vec<_> = (0..4).map(|_| Outbox::new(all.clone())).collect();
        let taken: Vec<usize> =
            greedy.iter().map(|outbox| (0..3000).filter(|_| outbox.take_room(1000)).count()).collect();
        assert_eq!(taken, [1048, 1048, 16, 16], "the later ones have a share each");
        assert_eq!(all.refused(), 4 * 3000 - 2 * 1048 - 2 * 16);
        let other = Outbox::new(all.clone());
        assert!(other.take_room(100_000), "one message, however long");
        assert!(!other.take_room(1));
        other.record_sent(100_000);
        assert!(other.take_room(10_000) && other.take_room(6_000));
        drop(greedy);
        assert_eq!((all.waiting(), other.waiting()), (16_000, 16_000));
    }

    #[test]
    fn what_was_never_counted_takes_nothing_from_others() {
        let all = Outboxes::new(MAX_BYTES);
        let (one, other) = (Outbox::new(all.clone()), Outbox::new(all.clone()));
        assert!(one.take_room(10) && other.take_room(10));
        one.record_sent(25);
        assert_eq!((one.waiting(), all.waiting()), (0, 10));
    }
}
