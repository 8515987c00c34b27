//! One budget for all that has begun to arrive and is not whole: messages of sockets, and bodies of requests that are
//! held in memory. Where five eighths of it are used up, the connection that holds most is given up. So a message of at most that,
//! divided by the number of connections, always finds room, whatever others do.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::runtime::Handle;

use sightwire_base::lines::LogThrottle;

/// What each connection may hold without being counted: it is read in pieces of about this size.
pub const FREE_BYTES: usize = 16 << 10;

/// How long the allocator keeps memory that was freed.
const GIVEN_BACK: Duration = Duration::from_secs(1);
/// What may count of the limit. The rest is for what was given up and is still there, and for what libraries and the allocator
/// take on top.
const COUNTABLE_EIGHTHS: usize = 5;
/// With what was given up and is still there, this much of it at most before those that hold much wait.
const CROWDED_EIGHTHS: usize = 7;

/// Shared by all connections.
#[derive(Debug)]
pub struct Receiving {
    limit: usize,
    /// What may count of it.
    countable: usize,
    /// Who holds no more than this need not wait until what others held has been given back: half of what each could have, so
    /// that all of them together have few others given up.
    share: usize,
    timeout: Duration,
    used: AtomicUsize,
    /// Bytes of those that were given up and are still there.
    going: AtomicUsize,
    holders: Mutex<Holders>,
    /// Who waits until they are gone.
    waiting: Mutex<Vec<Waker>>,
    given_up: AtomicU64,
    timed_out: AtomicU64,
    said: LogThrottle,
}

#[derive(Debug, Default)]
struct Holders {
    next: u64,
    all: HashMap<u64, Arc<Holder>>,
}

#[derive(Debug, Default)]
struct Holder {
    bytes: AtomicUsize,
    /// What it held when it was given up.
    going: AtomicUsize,
    is_given_up: AtomicBool,
    waker: AtomicWaker,
}

/// There was no room, and the one that asks holds most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom;

impl Receiving {
    /// At most this many bytes at once, on this many connections, and each message or body whole within `timeout`.
    pub fn new(limit: usize, connections: usize, timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            limit,
            countable: limit / 8 * COUNTABLE_EIGHTHS,
            share: limit / 8 * COUNTABLE_EIGHTHS / 2 / connections.max(1),
            timeout,
            used: AtomicUsize::new(0),
            going: AtomicUsize::new(0),
            holders: Mutex::default(),
            waiting: Mutex::default(),
            given_up: AtomicU64::new(0),
            timed_out: AtomicU64::new(0),
            said: LogThrottle::new(),
        })
    }

    /// How long a message or a body may take to arrive whole.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Bytes that may be held at once.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes that count now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether half of what may count is there, or is still there after it was given up.
    pub fn is_half_used(&self) -> bool {
        self.used() + self.going_bytes() > self.countable / 2
    }

    /// Whether those that hold much wait.
    fn is_crowded(&self) -> bool {
        let going = self.going_bytes();
        going > 0 && going + self.used() > self.limit / 8 * CROWDED_EIGHTHS
    }

    fn going_bytes(&self) -> usize {
        self.going.load(Ordering::Acquire)
    }

    /// Messages and bodies that were given up so far because there was no room.
    pub fn given_up(&self) -> u64 {
        self.given_up.load(Ordering::Relaxed)
    }

    /// Messages and bodies that were given up so far because they did not arrive whole in time.
    pub fn timed_out(&self) -> u64 {
        self.timed_out.load(Ordering::Relaxed)
    }

    /// One did not arrive whole in time.
    pub fn count_timeout(&self) {
        self.timed_out.fetch_add(1, Ordering::Relaxed);
        tracing::info!(
            "a message or body did not arrive whole in time and was given up (server.receive_timeout_s)"
        );
    }

    /// What was given up is not there any more.
    fn release_bytes(&self, bytes: usize) {
        self.going.fetch_sub(bytes, Ordering::Release);
        let waiting = std::mem::take(&mut *self.waiting.lock());
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Says so, but not for each.
    fn warn_given_up(&self, bytes: usize) {
        if self.said.admit_line(Instant::now()).is_none() {
            return;
        }
        let (limit, all) = (self.limit >> 20, self.given_up());
        tracing::warn!(
            "messages and bodies of more than {limit} MiB are arriving at once: the longest ({bytes} bytes so far) was given up, \
             {all} since the start; server.receive_memory_mb"
        );
    }

    /// Gives up those that hold most, until there is room.
    fn make_room(&self) {
        let holders = self.holders.lock();
        while self.used() > self.countable {
            let largest = holders.all.values().max_by_key(|holder| holder.bytes.load(Ordering::Relaxed));
            let Some(holder) = largest else { return };
            let bytes = holder.bytes.swap(0, Ordering::Relaxed);
            if bytes == 0 {
                return;
            }
            holder.going.fetch_add(bytes, Ordering::Relaxed);
            self.going.fetch_add(bytes, Ordering::Relaxed);
            self.used.fetch_sub(bytes, Ordering::Relaxed);
            self.given_up.fetch_add(1, Ordering::Relaxed);
            holder.is_given_up.store(true, Ordering::Release);
            holder.waker.wake();
            self.warn_given_up(bytes);
        }
    }
}

/// What one connection, or one body, holds.
#[derive(Debug)]
pub struct Holding {
    receiving: Arc<Receiving>,
    /// There is one as soon as it has held more than is free.
    holder: Option<(u64, Arc<Holder>)>,
}

impl Holding {
    /// Holds nothing yet, and no place in the budget.
    pub fn new(receiving: Arc<Receiving>) -> Self {
        Self { receiving, holder: None }
    }

    /// The budget that this is a part of.
    pub fn receiving(&self) -> &Arc<Receiving> {
        &self.receiving
    }

    /// From now on it holds this many bytes.
    pub fn set_bytes(&mut self, bytes: usize) -> Result<(), NoRoom> {
        // What is read next needs room, too.
        let bytes = if bytes > FREE_BYTES { bytes + FREE_BYTES } else { 0 };
        if bytes == 0 && self.holder.is_none() {
            return Ok(());
        }
        let (_, holder) = self.holder.get_or_insert_with(|| {
            let mut holders = self.receiving.holders.lock();
            let (number, holder) = (holders.next, Arc::<Holder>::default());
            holders.next += 1;
            holders.all.insert(number, holder.clone());
            (number, holder)
        });
        if holder.is_given_up.load(Ordering::Acquire) {
            return Err(NoRoom);
        }
        // Counted before it can be given up and taken off again.
        let used = &self.receiving.used;
        used.fetch_add(bytes, Ordering::Relaxed);
        let before = holder.bytes.swap(bytes, Ordering::Relaxed);
        let all = used.fetch_sub(before, Ordering::Relaxed) - before;
        if bytes <= before {
            return Ok(());
        }
        if all > self.receiving.countable {
            self.receiving.make_room();
        }
        if holder.is_given_up.load(Ordering::Acquire) { Err(NoRoom) } else { Ok(()) }
    }

    /// Ready as soon as it is given up for somebody else. For one task at a time.
    pub fn poll_given_up(&self, cx: &mut Context<'_>) -> Poll<()> {
        let Some((_, holder)) = &self.holder else { return Poll::Pending };
        holder.waker.register(cx.waker());
        if holder.is_given_up.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Holding {
    /// Ready unless others that were given up for want of room are still there: a connection that holds much and went on reading would
    /// take what is not free yet.
    pub fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let held = self.holder.as_ref().map_or(0, |(_, holder)| holder.bytes.load(Ordering::Relaxed));
        if held <= self.receiving.share || !self.receiving.is_crowded() {
            return Poll::Ready(());
        }
        self.receiving.waiting.lock().push(cx.waker().clone());
        // They may have gone between the two.
        if self.receiving.is_crowded() { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        let Some((number, holder)) = self.holder.take() else { return };
        self.receiving.holders.lock().all.remove(&number);
        let bytes = holder.bytes.swap(0, Ordering::Relaxed);
        self.receiving.used.fetch_sub(bytes, Ordering::Relaxed);
        let going = holder.going.swap(0, Ordering::Relaxed);
        if going == 0 {
            return;
        }
        let receiving = self.receiving.clone();
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move {
                tokio::time::sleep(GIVEN_BACK).await;
                receiving.release_bytes(going);
            })),
            Err(_) => receiving.release_bytes(going),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KB: usize = 1000;

    fn receiving(limit: usize) -> Arc<Receiving> {
        Receiving::new(limit, 30, Duration::from_secs(60))
    }

    #[test]
    fn whoever_holds_most_is_given_up_when_there_is_no_room() {
        let receiving = receiving(14_400 * KB);
        let mut attackers: Vec<Holding> = (0..9).map(|_| Holding::new(receiving.clone())).collect();
        for attacker in &mut attackers {
            attacker.set_bytes(900 * KB).unwrap();
        }
        attackers[4].set_bytes(950 * KB).unwrap();
        let mut newcomer = Holding::new(receiving.clone());
        assert_eq!(newcomer.set_bytes(800 * KB), Ok(()));
        newcomer.set_bytes(900 * KB).unwrap();
        assert_eq!((receiving.given_up(), attackers[4].set_bytes(960 * KB)), (1, Err(NoRoom)));
        let mut greedy = Holding::new(receiving.clone());
        assert_eq!(greedy.set_bytes(6000 * KB), Err(NoRoom), "it holds most itself");
        assert!(receiving.used() <= 9000 * KB);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(attackers[0].poll_room(&mut cx).is_pending(), "both that were given up are still there");
        assert!(
            Holding::new(receiving.clone()).poll_room(&mut cx).is_ready(),
            "who holds nothing need not wait"
        );
        drop(greedy);
        drop(attackers.remove(4));
        assert!(attackers[0].poll_room(&mut cx).is_ready());
        assert_eq!(receiving.going.load(Ordering::Relaxed), 0);
        drop((attackers, newcomer));
        assert_eq!(receiving.used(), 0);
        assert!(receiving.holders.lock().all.is_empty());
    }

    #[test]
    fn small_messages_are_free_and_whole_ones_take_no_room() {
        let receiving = receiving(200 * KB);
        let mut holding = Holding::new(receiving.clone());
        holding.set_bytes(FREE_BYTES).unwrap();
        assert!(holding.holder.is_none());
        holding.set_bytes(50 * KB).unwrap();
        assert_eq!(receiving.used(), 50 * KB + FREE_BYTES);
        holding.set_bytes(0).unwrap();
        assert_eq!((receiving.used(), receiving.given_up()), (0, 0));
    }

    #[test]
    fn many_at_once_neither_lose_count_nor_pass_the_limit() {
        let receiving = receiving(500 * KB);
        std::thread::scope(|scope| {
            for seed in 0..4_usize {
                let receiving = receiving.clone();
                scope.spawn(move || {
                    for turn in 0..2000_usize {
                        let mut holding = Holding::new(receiving.clone());
                        for step in 0..10 {
                            let _ =
                                holding.set_bytes((seed * 7919 + turn * 104_729 + step * 1299) % (600 * KB));
                        }
                    }
                });
            }
        });
        assert_eq!((receiving.used(), receiving.going.load(Ordering::Relaxed)), (0, 0));
        assert!(receiving.given_up() > 0);
    }
}
