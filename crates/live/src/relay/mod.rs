//! Streams that clients send: who sends which, and what becomes of them. Each is a stream like a camera's, so that
//! whatever shows cameras shows these.
//!
//! - [`watchdog`]: when a sender is warned and sent away; how many of its pictures are passed on
//! - [`gone`]: what has ended
//! - [`pace`]: how long a viewer may take
//! - [`listed`]: what is sent, here or to other processes; `claims`: a name is one sender's among all processes

mod claims;
pub mod gone;
pub mod listed;
pub mod pace;
pub mod watchdog;

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sightwire_api::relay::RelayTotals;
use sightwire_api::stream::{self as api, AnalysisMode, RelayProtocol};
use sightwire_cluster::lease::ClusterLease;
use sightwire_hub::picture::Picture;
use sightwire_hub::stream::{Condition, Producer, State, Stream};
use sightwire_measure::address::shown;
use sightwire_measure::clock;
use sightwire_measure::lines::is_deceptive;
use sightwire_measure::memory::{OutOfMemory, Work};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use self::gone::Gone;
use self::listed::{Listed, Listing, Place};
use crate::known::Known;
use crate::options::RelayOptions;
use crate::totals::lost_percent;
use crate::{StreamLease, Streams, WatchError};

/// Senders that may be saying what they want at once, however few streams there may be: that may change.
const FEWEST_ARRIVALS: usize = 64;
/// How long whoever sends a stream already has to show that it is still there.
const CHALLENGE: Duration = Duration::from_secs(2);
/// A name that is about to be free, or to be taken, is tried so often again,
const CLAIM_TRIES: u32 = 50;
/// each time after so long.
const CLAIM_AGAIN: Duration = Duration::from_millis(10);
/// What comes so soon after it was asked was sent before.
const ON_ITS_WAY: Duration = Duration::from_millis(300);
/// How long one that was ended has to go.
const GOING: Duration = Duration::from_secs(2);
/// Longest name of a stream, in bytes.
pub const MAX_NAME: usize = 128;

/// All that are sent.
#[derive(Debug)]
pub struct Relay {
    /// Where their pictures go.
    streams: Arc<Streams>,
    /// What has ended lately.
    pub gone: Gone,
    /// Names of streams that begin or are live.
    claimed: Arc<Mutex<HashSet<Arc<str>>>>,
    live: watch::Sender<Listing>,
    next: AtomicU64,
    refused: AtomicU64,
    ended: AtomicU64,
    /// Viewers that were closed because they took nothing.
    dead: AtomicU64,
    /// For those that have come and not begun, as many as there may be streams.
    arrivals: Arc<Semaphore>,
}

/// A name that nobody else can begin a stream with until this is dropped.
#[derive(Debug)]
struct Claim {
    claimed: Arc<Mutex<HashSet<Arc<str>>>>,
    id: Arc<str>,
}

impl Claim {
    /// `None` where somebody has it.
    fn new(claimed: &Arc<Mutex<HashSet<Arc<str>>>>, id: &Arc<str>) -> Option<Self> {
        let free = claimed.lock().insert(id.clone());
        free.then(|| Self { claimed: claimed.clone(), id: id.clone() })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claimed.lock().remove(&self.id);
    }
}

/// Who sends a stream, for as long as the connection lasts.
#[derive(Debug)]
pub struct Sender {
    /// Name of the stream.
    pub id: Arc<str>,
    /// No other sender has it, before or after.
    pub number: u64,
    /// How closely the stream is looked at.
    pub mode: AnalysisMode,
    /// Whether pictures come as binary messages.
    pub binary: bool,
    /// Address and port that it connects from, where known.
    pub peer: Option<SocketAddr>,
    /// Its key or user.
    pub who: Option<Known>,
    /// Messages that should have been frames.
    pub bad: AtomicU64,
    /// Pictures over the rate.
    pub dropped: AtomicU64,
    /// Where its pictures go.
    pub stream: Arc<Stream>,
    /// Asks the sender whether it is still there.
    pub challenge: Notify,
    /// When its stream began.
    began: Instant,
    /// When it was asked last.
    challenged: Mutex<Option<Instant>>,
    heard: watch::Sender<u64>,
    end: Mutex<Option<End>>,
    ended: CancellationToken,
}

/// Writes a stream. Dropping it ends the stream.
#[derive(Debug)]
pub struct Sending {
    /// What others may know of whoever sends it.
    pub sender: Arc<Sender>,
    producer: Option<Producer>,
    lease: Option<StreamLease>,
    claim: Option<Claim>,
    /// Among all processes, where there are others. Given back when nobody here sees the stream any more.
    place: Option<ClusterLease>,
    relay: Arc<Relay>,
}

/// Why a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its sender closed the connection, or lost it.
    Left,
    /// Too many messages that were no frames.
    BadFrames,
    /// No frame for too long.
    Silent,
    /// A message longer than allowed.
    TooLong,
    /// Its sender did not answer when somebody else wanted to send it.
    Replaced,
    /// Somebody who manages the server ended it.
    Administrator,
    /// The server shuts down.
    Stopping,
}

/// Why somebody may not send a stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is live, and whoever sends it is there.
    #[error(
        "This patient already has an active stream. Please stop the other stream before starting a new one."
    )]
    Live,
    /// A limit.
    #[error(
        "Every place for a stream on this server is taken (relay.max_streams: {0}). Please try again later."
    )]
    TooMany(usize),
    /// Nothing new begins now.
    #[error(transparent)]
    Memory(#[from] OutOfMemory),
    /// Nobody can say whether it is live at another process.
    #[error(
        "A stream cannot begin now: this server's Redis does not answer (cluster.when_down = \"refuse\"). Please try again later."
    )]
    Away,
    /// The name cannot be one.
    #[error(
        "The name of a stream must have 1 to {MAX_NAME} bytes, no control characters, and not be *, . or .."
    )]
    Name,
    /// The name belongs to something else.
    #[error(transparent)]
    Taken(WatchError),
}

impl End {
    /// For viewers and for the log.
    pub fn reason(self) -> &'static str {
        match self {
            End::Left => "its sender has left",
            End::BadFrames => "its sender sent too many messages that are no frames",
            End::Silent => "its sender sent no frame for too long",
            End::TooLong => "its sender sent a message that is too long",
            End::Replaced => "its sender did not answer, and another took its place",
            End::Administrator => "it was ended by an administrator",
            End::Stopping => "the server stops",
        }
    }
}

/// Whether this can be the name of a stream.
pub fn check_name(name: &str) -> Result<(), Refused> {
    if name.is_empty()
        || name.len() > MAX_NAME
        || name.contains(is_deceptive)
        || ["*", ".", ".."].contains(&name)
    {
        return Err(Refused::Name);
    }
    Ok(())
}

impl Relay {
    /// A relay without any senders.
    pub fn new(streams: Arc<Streams>) -> Arc<Self> {
        let live = watch::Sender::new(Listing::default());
        let zero = || AtomicU64::new(0);
        let arrivals = Arc::new(Semaphore::new(streams.options().relay.max_streams.max(FEWEST_ARRIVALS)));
        let (next, refused, ended, dead) = (zero(), zero(), zero(), zero());
        let (gone, claimed) = (Gone::default(), Arc::default());
        Arc::new(Self { streams, gone, claimed, live, next, refused, ended, dead, arrivals })
    }

    /// As they are now.
    pub fn options(&self) -> RelayOptions {
        self.streams.options().relay.clone()
    }

    /// What is being sent, here or to other processes, and changes of it.
    pub fn live(&self) -> watch::Receiver<Listing> {
        self.live.subscribe()
    }

    /// What is being sent now, here or to other processes.
    pub fn now(&self) -> Listing {
        self.live.borrow().clone()
    }

    /// Who sends to this process now.
    pub fn senders(&self) -> Vec<Arc<Sender>> {
        self.now().values().filter_map(|listed| listed.here().cloned()).collect()
    }

    /// Somebody wants to send a stream and has said no more than its name. Whoever [`begin`](Self::begin) would refuse is
    /// refused now.
    pub async fn arrive(&self, name: &str) -> Result<(), Refused> {
        let arrived = self.check(name).await;
        if arrived.is_err() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        arrived
    }

    /// Waits for a place among those that have come and not begun: what somebody with one says first may be long.
    pub async fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.arrivals.clone().acquire_owned().await.ok()
    }

    async fn check(&self, name: &str) -> Result<(), Refused> {
        check_name(name)?;
        let listed = self.now().get(name).cloned();
        if let Some(sender) = listed.as_ref().and_then(Listed::here) {
            return self.challenge(&sender.id).await;
        }
        if self.senders().len() >= self.options().max_streams {
            return Err(Refused::TooMany(self.options().max_streams));
        }
        if let Some(Place::Elsewhere(entry)) = listed.map(|listed| listed.place) {
            self.ask_elsewhere(&entry).await?;
        }
        Ok(self.streams.options().memory.admit(Work::Stream)?)
    }

    /// Begins a stream. If somebody sends it already, that one is asked whether it is still there.
    pub async fn begin(
        self: &Arc<Self>,
        name: &str,
        mode: AnalysisMode,
        binary: bool,
        peer: Option<SocketAddr>,
        who: Option<Known>,
    ) -> Result<Sending, Refused> {
        let begun = self.claim_and_begin(name, mode, binary, peer, who).await;
        if begun.is_err() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        begun
    }

    async fn claim_and_begin(
        self: &Arc<Self>,
        name: &str,
        mode: AnalysisMode,
        binary: bool,
        peer: Option<SocketAddr>,
        who: Option<Known>,
    ) -> Result<Sending, Refused> {
        check_name(name)?;
        let id: Arc<str> = name.into();
        let mut tries = 0;
        let claim = loop {
            match Claim::new(&self.claimed, &id) {
                Some(claim) => break claim,
                None if tries < CLAIM_TRIES => self.challenge(&id).await?,
                None => return Err(Refused::Live),
            }
            tries += 1;
        };
        let place = self.claim_among_all(&id, mode, binary).await?;
        let sender = |stream: &Arc<Stream>| {
            Arc::new(Sender {
                id: id.clone(),
                number: self.next.fetch_add(1, Ordering::Relaxed),
                mode,
                binary,
                peer,
                who,
                bad: AtomicU64::new(0),
                dropped: AtomicU64::new(0),
                stream: stream.clone(),
                challenge: Notify::new(),
                began: clock::now(),
                challenged: Mutex::default(),
                heard: watch::Sender::new(0),
                end: Mutex::default(),
                ended: CancellationToken::new(),
            })
        };
        let (lease, producer) = self.streams.begin_sent(name, sender).map_err(|refused| match refused {
            WatchError::TooMany => Refused::TooMany(self.options().max_streams),
            other => Refused::Taken(other),
        })?;
        let Some(sender) = lease.sender.clone() else { return Err(Refused::Live) };
        self.live.send_modify(|live| {
            let mut all = BTreeMap::clone(live);
            all.insert(id, Listed::here_by(&sender));
            *live = Arc::new(all);
        });
        if let Some(place) = &place {
            let sender = Arc::downgrade(&sender);
            place.when_lost(move || {
                if let Some(sender) = sender.upgrade() {
                    sender.end(End::Replaced);
                }
            });
        }
        let from = peer.map(shown);
        let who = sender.who.as_ref().map(Known::words);
        tracing::info!(stream = name, mode = mode.name(), binary, from, who, "a stream begins");
        let (producer, lease, claim) = (Some(producer), Some(lease), Some(claim));
        Ok(Sending { sender, producer, lease, claim, place, relay: self.clone() })
    }

    /// Whoever sends the stream has to show that it is still there, or goes.
    async fn challenge(&self, id: &Arc<str>) -> Result<(), Refused> {
        let mut live = self.live();
        let Some(sender) = live.borrow().get(id).and_then(Listed::here).cloned() else {
            // It has gone in the meantime, or another has claimed it and is about to begin.
            tokio::time::sleep(CLAIM_AGAIN).await;
            return Ok(());
        };
        let mut heard = sender.heard.subscribe();
        *sender.challenged.lock() = Some(clock::now());
        sender.challenge.notify_one();
        let is_gone = |live: &Listing| live.get(id).is_none_or(|now| now.number != sender.number);
        tokio::select! {
            biased;
            _ = live.wait_for(is_gone) => return Ok(()), // it was about to leave
            heard = heard.changed() => if heard.is_ok() {
                return Err(Refused::Live);
            },
            () = tokio::time::sleep(CHALLENGE) => {}
        }
        tracing::warn!(stream = &**id, "its sender does not answer and gives way to a new one");
        sender.end(End::Replaced);
        match tokio::time::timeout(GOING, live.wait_for(is_gone)).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(Refused::Live),
        }
    }

    /// The `relay` part of `/api/v1/status`.
    pub fn report(&self) -> RelayTotals {
        let mut sums = [0.0; 5];
        for upstream in self.streams.upstreams().iter().filter(|upstream| upstream.sender.is_some()) {
            sums.iter_mut().zip(upstream.meter.rates()).for_each(|(sum, rate)| *sum += rate);
        }
        // Who watches a stream of another process here is a viewer of this one.
        for upstream in self.streams.pulled() {
            sums.iter_mut().zip(upstream.meter.rates()).skip(2).for_each(|(sum, rate)| *sum += rate);
        }
        let [pictures, bytes, bytes_out, delivered, missed] = sums;
        let rounded = |rate: f64| (rate * 10.0).round() / 10.0;
        RelayTotals {
            bytes_in_per_s: rounded(bytes),
            bytes_out_per_s: rounded(bytes_out),
            frames_in_per_s: rounded(pictures),
            frames_out_per_s: rounded(delivered),
            lost_percent: lost_percent(delivered, missed),
            max_streams: self.options().max_streams,
            max_viewers: self.options().max_viewers,
            streams: self.senders().len(),
            viewers: self.streams.viewers.now().relay,
        }
    }

    /// A viewer was closed because it took nothing.
    pub fn count_dead(&self) {
        self.dead.fetch_add(1, Ordering::Relaxed);
    }

    /// Senders refused, streams ended, and dead viewers closed, so far.
    pub fn counts(&self) -> [u64; 3] {
        [&self.refused, &self.ended, &self.dead].map(|count| count.load(Ordering::Relaxed))
    }
}

impl Sender {
    /// The sender has sent something, or answered. What was on its way before it was asked shows nothing: a goodbye may come
    /// after it.
    pub fn heard(&self, answered: bool) {
        let asked = *self.challenged.lock();
        if answered || asked.is_some_and(|asked| clock::since(asked) >= ON_ITS_WAY) {
            self.heard.send_modify(|count| *count += 1);
        }
    }

    /// Ends it, for the first reason that anybody has.
    pub fn end(&self, why: End) {
        self.end.lock().get_or_insert(why);
        self.ended.cancel();
    }

    /// Cancelled when it has to end.
    pub fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// Why it ends, if it does.
    pub fn why(&self) -> Option<End> {
        *self.end.lock()
    }

    /// What is known of the sender, into the report of its stream.
    pub(crate) fn report_in(&self, stream: &mut api::Stream) {
        stream.mode = Some(self.mode);
        stream.protocol = Some(if self.binary { RelayProtocol::Binary } else { RelayProtocol::Text });
        stream.peer = Some(self.peer.map(shown));
        stream.bad = Some(self.bad.load(Ordering::Relaxed));
        stream.dropped = Some(self.dropped.load(Ordering::Relaxed));
    }
}

impl Sending {
    /// Publishes a picture that has just come; a stream that had stalled runs again.
    pub fn publish(&mut self, now: Instant, make: impl FnOnce(u64) -> Picture) {
        let Some(producer) = &mut self.producer else { return };
        // It may be old, and the stream another's.
        if self.place.as_ref().is_some_and(ClusterLease::may_be_lost) {
            return;
        }
        let before = producer.stream().state();
        if before.condition != Condition::Running {
            if before.condition == Condition::Stalled {
                let seconds = now.saturating_duration_since(before.since).as_secs();
                tracing::info!(stream = &*self.sender.id, "frames again, after {seconds} s");
            }
            producer.state(State::new(Condition::Running, None, now));
        }
        let mut size = 0;
        producer.publish(|sequence| {
            let picture = make(sequence);
            size = picture.size();
            picture
        });
        producer.received(size);
        let totals = &self.relay.streams.totals.sent;
        totals.pictures.fetch_add(1, Ordering::Relaxed);
        totals.bytes.fetch_add(size as u64, Ordering::Relaxed);
    }

    /// No picture came for a while.
    pub fn stalled(&self, now: Instant) {
        if let Some(producer) = &self.producer {
            tracing::warn!(stream = &*self.sender.id, "stalled: its sender sends no frames");
            let since = producer.stream().newest().map_or(now, |newest| newest.captured());
            producer.state(State::new(Condition::Stalled, Some("its sender sends no frames"), since));
        }
    }

    /// Something came that should have been a frame.
    pub fn bad(&self) {
        self.sender.bad.fetch_add(1, Ordering::Relaxed);
        self.relay.streams.totals.sent.bad.fetch_add(1, Ordering::Relaxed);
    }

    /// A picture came over the rate.
    pub fn dropped(&self) {
        self.sender.dropped.fetch_add(1, Ordering::Relaxed);
        self.relay.streams.totals.sent.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        let why = *self.sender.end.lock().get_or_insert(End::Left);
        if let Some(producer) = self.producer.take() {
            producer.end(why.reason(), clock::now());
        }
        let id = &self.sender.id;
        let bad = Some(self.sender.bad.load(Ordering::Relaxed)).filter(|bad| *bad > 0);
        let (from, who) = (self.sender.peer.map(shown), self.sender.who.as_ref().map(Known::words));
        tracing::info!(stream = &**id, from, who, bad, "the stream has ended: {}", why.reason());
        self.relay.gone.note(&self.sender, why);
        self.relay.ended.fetch_add(1, Ordering::Relaxed);
        if let Some(lease) = self.lease.take() {
            self.relay.streams.stop(lease.key());
        }
        // Whoever waits for it to be gone claims it next.
        drop((self.claim.take(), self.place.take()));
        self.relay.live.send_modify(|live| {
            // Its successor may stand there by now.
            if live.get(id).is_some_and(|now| now.number == self.sender.number) {
                let mut all = BTreeMap::clone(live);
                all.remove(id);
                self.relay.list_elsewhere(&mut all);
                *live = Arc::new(all);
            }
        });
    }
}
