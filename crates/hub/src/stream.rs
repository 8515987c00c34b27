//! A stream: a slot with the newest picture, a state, counters; written by one producer, read by any number of
//! subscribers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use sightwire_measure::clock;

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
    /// Bytes of pictures written.
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

/// The shared part. Cheap to share; see [`Stream::new`] and [`Stream::subscribe`].
pub struct Stream {
    id: Arc<str>,
    // One channel for all of it: to wait on it is most of what a subscriber costs.
    now: watch::Sender<Now>,
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
    ended: bool,
}

/// Reads a stream at its own pace: what it is too slow for, it misses.
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
        let producer = Producer { stream: stream.clone(), sequence: 0, ended: false };
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
        self.reader(vec![self.counters.delivered.clone()])
    }

    /// A subscriber that is not counted: a part of the server that makes something else of the pictures.
    pub fn tap(self: &Arc<Self>) -> Subscriber {
        self.reader(Vec::new())
    }

    fn reader(self: &Arc<Self>, accounts: Vec<Arc<Deliveries>>) -> Subscriber {
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
    pub fn picture(&mut self, jpeg: Bytes, now: Instant) {
        self.publish(|sequence| Picture::new(jpeg, sequence, now, SystemTime::now()));
    }

    /// Writes a picture that was made of another one.
    pub fn derived(&mut self, jpeg: Bytes, stamp: Stamp) {
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

    /// Says what the stream is doing.
    pub fn state(&self, state: State) {
        self.stream.now.send_if_modified(|now| {
            let news = now.state != state;
            if news {
                now.state = state;
                now.states += 1;
            }
            news
        });
    }

    /// Says whether far fewer pictures come than usual.
    pub fn slow(&self, slow: Option<Slow>) {
        *self.stream.slow.lock() = slow;
    }

    /// Counts bytes that the source sent.
    pub fn received(&self, bytes: usize) {
        self.stream.counters.received_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts what the source gave that was no picture.
    pub fn skipped(&self, skipped: Skipped) {
        let counters = &self.stream.counters;
        counters.skipped_bytes.fetch_add(skipped.bytes, Ordering::Relaxed);
        counters.broken.fetch_add(skipped.broken, Ordering::Relaxed);
        counters.wrong_lengths.fetch_add(skipped.wrong_lengths, Ordering::Relaxed);
    }

    /// Ends the stream for a reason.
    pub fn end(mut self, reason: &str, now: Instant) {
        self.ended = true;
        self.state(State::new(Condition::Ended, Some(reason), now));
    }

    /// The stream that this writes.
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        if !self.ended {
            self.state(State::new(Condition::Ended, Some("it was closed"), clock::now()));
        }
    }
}

impl Subscriber {
    /// Waits for a newer picture or another state. Cancel-safe. `None` after the end.
    pub async fn next(&mut self) -> Option<Update> {
        loop {
            match self.news() {
                News::Is(Update::Picture(picture)) => {
                    if let Some((interval, thin)) = &mut self.apart
                        && !thin.takes(picture.captured(), *interval)
                    {
                        self.last = picture.sequence();
                        continue;
                    }
                    self.count(&picture);
                    return Some(Update::Picture(picture));
                }
                News::Is(update) => return Some(update),
                News::End => return None,
                News::No => self.now.changed().await.ok()?,
            }
        }
    }

    /// What it does not know yet, the most important first.
    fn news(&mut self) -> News {
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

    fn count(&mut self, picture: &Picture) {
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

    /// Its pictures are counted there as well, each with the bytes that `size` says.
    #[must_use]
    pub fn counted(mut self, accounts: &[Arc<Deliveries>], size: fn(&Picture) -> usize) -> Self {
        self.accounts.extend_from_slice(accounts);
        self.size = size;
        self
    }

    /// It is told of pictures that are so far apart at least, where that is given.
    #[must_use]
    pub fn apart(mut self, interval: Option<Duration>) -> Self {
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
