//! A stream: a slot with the newest picture, a state, counters; written by one producer, read by any number of
//! subscribers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use sightwire_base::clock;

use crate::delivery::{Deliveries, Delivery};
use crate::frozen::Slow;
use crate::picture::{Picture, Stamp};
use crate::source::Skipped;
use crate::sync::{AtomicU64, AtomicUsize, Mutex, watch};
use crate::thin::Thin;

/// What a stream is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// No picture has come yet.
    Starting,
    /// Pictures come as they should.
    Running,
    /// Pictures have stopped coming; it is being tried again.
    Stalled,
    /// Pictures come, but always the same one.
    Frozen,
    /// There will be no more.
    Ended,
}

impl Condition {
    /// As in answers: `starting`, `running`, `stalled`, `frozen`, `ended`.
    pub fn name(self) -> &'static str {
        match self {
            Condition::Starting => "starting",
            Condition::Running => "running",
            Condition::Stalled => "stalled",
            Condition::Frozen => "frozen",
            Condition::Ended => "ended",
        }
    }
}

/// What a stream is doing, why, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// What the stream is doing.
    pub condition: Condition,
    /// Why, for people, where there is something to say.
    pub reason: Option<Arc<str>>,
    /// Since when the condition is what it is. For one that has stalled or is frozen: since its last (new) picture.
    pub since: Instant,
}

impl State {
    /// A condition that begins now.
    pub fn new(condition: Condition, reason: Option<&str>, since: Instant) -> Self {
        Self { condition, reason: reason.map(Arc::from), since }
    }
}

/// Counters since the stream began.
#[derive(Debug, Default)]
pub struct Counters {
    /// Pictures that were published.
    pub pictures: AtomicU64,
    /// Bytes of pictures that were published, not those that went out to subscribers.
    pub bytes: AtomicU64,
    /// Bytes that the source sent, whatever was in them.
    pub received_bytes: AtomicU64,
    /// What was delivered, over all subscribers.
    pub delivered: Arc<Deliveries>,
    /// Subscribers that are there now; a [`Stream::tap`] is none.
    pub subscribers: AtomicUsize,
    /// Bytes of garbage and of broken pictures that the source gave.
    pub skipped_bytes: AtomicU64,
    /// Pictures of the source that were not whole.
    pub broken: AtomicU64,
    /// Lengths that the source said and that were wrong.
    pub wrong_lengths: AtomicU64,
    /// Connections to the source that were made or tried.
    pub connects: AtomicU64,
}

/// The slot that all share: the newest picture of one stream, its state, a banner, and counters.
///
/// It has exactly one [`Producer`], which alone writes pictures and states. Any thread or task may read it, show a banner and
/// subscribe, any number of them at a time. Only [`Stream::first_picture`] waits; everything else takes a lock for a moment at
/// most.
///
/// Only the newest picture, banner and state are kept, and publishing never waits for a subscriber: memory does not grow, and
/// what nobody has taken is overwritten. A picture that a [`Subscriber`] was too slow for is counted as missed in its accounts,
/// with the exceptions that are named there; banners and states that were overwritten are counted nowhere.
///
/// It ends when its producer ends it or is dropped, and does not begin again: its state stays [`Condition::Ended`], and its
/// newest picture stays what it was. Every subscriber is told of the end, also one that comes later, and gets no picture after
/// it; pictures that it had not taken by then are lost to it, and are not counted.
///
/// Publishing costs the same however large the picture is and however many subscribers there are, except that those who wait
/// have to be woken. All that they wait for is behind the lock of one `watch` channel. It is held while pointers are replaced
/// or cloned, never across an await, and no other lock is taken under it.
pub struct Stream {
    id: Arc<str>,
    // One channel for all of it: to wait on it is most of what a subscriber costs.
    now: watch::Sender<Now>,
    // Never held together with the lock of `now`.
    slow: Mutex<Option<Slow>>,
    counters: Counters,
}

/// What there is now, each with how often it has changed.
#[derive(Debug)]
struct Now {
    picture: Option<Picture>,
    pictures: u64,
    /// What is shown while no picture comes.
    banner: Option<Picture>,
    banners: u64,
    state: State,
    states: u64,
}

/// Writes a stream. Dropping it ends the stream.
pub struct Producer {
    stream: Arc<Stream>,
    sequence: u64,
}

/// Reads a stream at its own pace: what it is too slow for, it misses.
///
/// One task has it, since [`Subscriber::next`] takes it mutably. That call may be cancelled while it waits, and nothing is lost
/// by that. However slow it is, it delays neither the producer nor other subscribers.
///
/// It is told of a new state first, then of the newest picture, then of a banner. Its first picture is the newest one there is,
/// however long that has been there, unless the stream is stalled or frozen, or that one is [too old](Self::only_after); each
/// later one has a higher number. The end is never lost: it is told of the state `Ended`, and then it gets `None`.
///
/// Pictures that were overwritten before it came back are counted as missed, in all its accounts, when it takes the next one.
/// Not counted are those before its first one and after its last one, and all that it has not taken when it finds the stream
/// stalled or frozen (it is shown a banner then), also those that came before that. With an [interval](Self::with_interval), a
/// picture that it sees too early is not missed, nor is what was overwritten before that one; what was overwritten before one
/// that it takes is missed, whether or not the interval would have left it out. States and banners that were overwritten are
/// lost without a count, and so are banners of a stream that runs.
///
/// It keeps the stream's slot alive, and not the producer. Until it is dropped it is one of [`Counters::subscribers`], unless
/// it is a [`Stream::tap`]. Each look at the slot takes its lock for reading; each picture adds to a few atomic counters per
/// account.
pub struct Subscriber {
    stream: Arc<Stream>,
    now: watch::Receiver<Now>,
    /// Changes that it knows of.
    pictures: u64,
    banners: u64,
    states: u64,
    last: u64,
    /// It is told of none that is not newer.
    after: Option<Instant>,
    /// Before the picture that it got last.
    missed: u64,
    /// Where its pictures are counted; nowhere for what reads along inside of the server.
    accounts: Vec<Arc<Deliveries>>,
    size: fn(&Picture) -> usize,
    /// It wants pictures so far apart, and misses nothing between them.
    apart: Option<(Duration, Thin)>,
}

/// What a subscriber is told.
#[derive(Clone, Debug)]
pub enum Update {
    /// A newer picture than the last one.
    Picture(Picture),
    /// A picture that says that there is none.
    Banner(Picture),
    /// What the stream is doing has changed, or why.
    State(State),
}

/// What a subscriber does not know yet.
enum News {
    Is(Update),
    No,
    End,
}

impl Stream {
    /// A stream that has no picture yet.
    pub fn new(id: &str, now: Instant) -> (Arc<Self>, Producer) {
        let state = State::new(Condition::Starting, None, now);
        let now = Now { picture: None, pictures: 0, banner: None, banners: 0, state, states: 1 };
        let stream = Arc::new(Self {
            id: id.into(),
            now: watch::Sender::new(now),
            slow: Mutex::default(),
            counters: Counters::default(),
        });
        let producer = Producer { stream: stream.clone(), sequence: 0 };
        (stream, producer)
    }

    /// Id of the camera, or name under which it is sent.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// What it is doing.
    pub fn state(&self) -> State {
        self.now.borrow().state.clone()
    }

    /// Whether far fewer pictures come than usual.
    pub fn slow(&self) -> Option<Slow> {
        *self.slow.lock()
    }

    /// The newest picture; `None` before the first. It stays when no more come.
    pub fn newest(&self) -> Option<Picture> {
        self.now.borrow().picture.clone()
    }

    /// Shows something while no picture comes; it is no picture of the stream.
    pub fn show_banner(&self, banner: Picture) {
        self.now.send_modify(|now| {
            now.banner = Some(banner);
            now.banners += 1;
        });
    }

    /// What was counted since the stream began.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Someone who watches; its first picture is the newest one there is.
    pub fn subscribe(self: &Arc<Self>) -> Subscriber {
        self.counters.subscribers.fetch_add(1, Ordering::Relaxed);
        self.new_subscriber(vec![self.counters.delivered.clone()])
    }

    /// A subscriber that is not counted: a part of the server that makes something else of the pictures.
    pub fn tap(self: &Arc<Self>) -> Subscriber {
        self.new_subscriber(Vec::new())
    }

    fn new_subscriber(self: &Arc<Self>, accounts: Vec<Arc<Deliveries>>) -> Subscriber {
        Subscriber {
            stream: self.clone(),
            now: self.now.subscribe(),
            pictures: 0,
            banners: 0,
            states: 0,
            last: 0,
            after: None,
            missed: 0,
            accounts,
            size: Picture::file_size,
            apart: None,
        }
    }

    /// Waits for the first picture, or for the reason why there is none.
    pub async fn first_picture(self: &Arc<Self>) -> Result<Picture, Option<Arc<str>>> {
        if let Some(newest) = self.newest() {
            return Ok(newest);
        }
        let mut reader = self.tap();
        let mut reason = None;
        while let Some(update) = reader.next().await {
            match update {
                Update::Picture(picture) => return Ok(picture),
                Update::State(state) if state.reason.is_some() => {
                    reason = state.reason;
                    if self.newest().is_none() {
                        break;
                    }
                }
                Update::State(_) | Update::Banner(_) => {}
            }
        }
        Err(reason)
    }
}

impl Producer {
    /// Writes a picture that came or was made now, in the place of the one before.
    pub fn publish_jpeg(&mut self, jpeg: Bytes, now: Instant) {
        self.publish(|sequence| Picture::new(jpeg, sequence, now, SystemTime::now()));
    }

    /// Writes a picture that was made of another one.
    pub fn publish_derived(&mut self, jpeg: Bytes, stamp: Stamp) {
        self.publish(|sequence| Picture::made_of(jpeg, sequence, stamp));
    }

    /// Writes the picture that `make` makes of its number.
    pub fn publish(&mut self, make: impl FnOnce(u64) -> Picture) {
        self.sequence += 1;
        let picture = make(self.sequence);
        let counters = &self.stream.counters;
        counters.pictures.fetch_add(1, Ordering::Relaxed);
        counters.bytes.fetch_add(picture.size() as u64, Ordering::Relaxed);
        let mut last = None;
        self.stream.now.send_modify(|now| {
            // Let go of when nobody has to wait for it.
            last = now.picture.replace(picture);
            now.pictures += 1;
        });
    }

    /// Says what the stream is doing. Nothing comes after [`Condition::Ended`], whose reason stays the one that was given first.
    pub fn set_state(&self, state: State) {
        self.stream.now.send_if_modified(|now| {
            let news = now.state != state && now.state.condition != Condition::Ended;
            if news {
                now.state = state;
                now.states += 1;
            }
            news
        });
    }

    /// Says whether far fewer pictures come than usual.
    pub fn set_slow(&self, slow: Option<Slow>) {
        *self.stream.slow.lock() = slow;
    }

    /// Counts bytes that the source sent.
    pub fn count_bytes(&self, bytes: usize) {
        self.stream.counters.received_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts what the source gave that was no picture.
    pub fn count_skipped(&self, skipped: Skipped) {
        let counters = &self.stream.counters;
        counters.skipped_bytes.fetch_add(skipped.bytes, Ordering::Relaxed);
        counters.broken.fetch_add(skipped.broken, Ordering::Relaxed);
        counters.wrong_lengths.fetch_add(skipped.wrong_lengths, Ordering::Relaxed);
    }

    /// Ends the stream for a reason.
    pub fn end(self, reason: &str, now: Instant) {
        self.set_state(State::new(Condition::Ended, Some(reason), now));
    }

    /// The stream that this writes.
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.set_state(State::new(Condition::Ended, Some("it was closed"), clock::now()));
    }
}

impl Subscriber {
    /// Waits for a newer picture or another state. Cancel-safe. `None` after the end.
    pub async fn next(&mut self) -> Option<Update> {
        loop {
            match self.next_news() {
                News::Is(Update::Picture(picture)) => {
                    if let Some((interval, thin)) = &mut self.apart
                        && !thin.takes(picture.captured(), *interval)
                    {
                        self.last = picture.sequence();
                        continue;
                    }
                    self.count_picture(&picture);
                    return Some(Update::Picture(picture));
                }
                News::Is(update) => return Some(update),
                News::End => return None,
                News::No => self.now.changed().await.ok()?,
            }
        }
    }

    /// What it does not know yet, the most important first.
    fn next_news(&mut self) -> News {
        let now = self.now.borrow_and_update();
        let condition = now.state.condition;
        if self.states != now.states {
            self.states = now.states;
            return News::Is(Update::State(now.state.clone()));
        }
        if condition == Condition::Ended {
            return News::End;
        }
        if self.pictures != now.pictures {
            self.pictures = now.pictures;
            // The picture of a camera that has stalled is old, and a frozen one goes on sending what its viewers have seen: they
            // get the banner instead, and miss nothing.
            let old = matches!(condition, Condition::Stalled | Condition::Frozen);
            match &now.picture {
                Some(picture) if old => self.last = picture.sequence(),
                Some(picture) if self.after.is_some_and(|after| picture.captured() <= after) => {}
                Some(picture) => return News::Is(Update::Picture(picture.clone())),
                None => {}
            }
        }
        if self.banners != now.banners {
            self.banners = now.banners;
            // One that is left from an earlier pause tells nothing about now.
            if let Some(banner) = &now.banner
                && condition != Condition::Running
            {
                return News::Is(Update::Banner(banner.clone()));
            }
        }
        News::No
    }

    fn count_picture(&mut self, picture: &Picture) {
        self.missed = match self.last {
            0 => 0,
            last => picture.sequence().saturating_sub(last + 1),
        };
        self.last = picture.sequence();
        if !self.accounts.is_empty() {
            let (bytes, age) = ((self.size)(picture), clock::since(picture.captured()));
            let delivery = Delivery { bytes, missed: self.missed, age };
            self.accounts.iter().for_each(|account| account.add(delivery));
        }
    }

    /// Its pictures are counted there as well, each with the bytes that `size` says. Not for a [`Stream::tap`]: whatever has
    /// accounts is taken off [`Counters::subscribers`] when it is dropped, and a tap was never added.
    #[must_use]
    pub fn with_accounts(mut self, accounts: &[Arc<Deliveries>], size: fn(&Picture) -> usize) -> Self {
        self.accounts.extend_from_slice(accounts);
        self.size = size;
        self
    }

    /// It is told of pictures that are so far apart at least, where that is given.
    #[must_use]
    pub fn with_interval(mut self, interval: Option<Duration>) -> Self {
        self.apart = interval.map(|interval| (interval, Thin::default()));
        self
    }

    /// From now on it is told only of pictures that were captured after that.
    pub fn only_after(&mut self, captured: Option<Instant>) {
        self.after = captured;
    }

    /// How many it was too slow for before the picture that it got last.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// The stream that this reads.
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        if !self.accounts.is_empty() {
            self.stream.counters.subscribers.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("id", &self.id).field("state", &self.state()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("stream", &self.stream).finish_non_exhaustive()
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").field("stream", &self.stream).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
