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
use sightwire_api::stream::AnalysisMode;
use sightwire_base::address::format_peer;
use sightwire_base::clock;
use sightwire_base::lines::is_deceptive;
use sightwire_base::memory::{OutOfMemory, Work};
use sightwire_cluster::lease::ClusterLease;
use sightwire_hub::picture::Picture;
use sightwire_hub::stream::{Condition, Producer, State, Stream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use self::gone::Gone;
use self::listed::{Listed, Listing, SenderLocation};
use crate::known::Known;
use crate::options::RelayOptions;
pub use crate::sender::{End, Sender};
use crate::totals::lost_percent;
use crate::{StreamLease, Streams, WatchError};

/// Senders that may be saying what they want at once, however few streams there may be: that may change.
const FEWEST_ARRIVALS: usize = 64;
/// How long the sender of a stream has to show that it is still there.
const CHALLENGE: Duration = Duration::from_secs(2);
/// A name that is about to be free, or to be taken, is tried again this many times.
const CLAIM_TRIES: u32 = 50;
/// Pause before a name that is about to be free, or to be taken, is tried again.
const CLAIM_AGAIN: Duration = Duration::from_millis(10);
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

/// Writes a stream. Dropping it ends the stream.
#[derive(Debug)]
pub struct Sending {
    /// What others may know of its sender.
    pub sender: Arc<Sender>,
    producer: Option<Producer>,
    lease: Option<StreamLease>,
    claim: Option<Claim>,
    /// Among all processes, where there are others. Given back when nobody here sees the stream any more.
    place: Option<ClusterLease>,
    relay: Arc<Relay>,
}

/// Why somebody may not send a stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is live, and its sender is there.
    #[error(
        "This patient already has an active stream. Please stop the other stream before starting a new one."
    )]
    Live,
    /// `relay.max_streams`, which this is, is reached.
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
    pub fn subscribe_live(&self) -> watch::Receiver<Listing> {
        self.live.subscribe()
    }

    /// What is being sent now, here or to other processes.
    pub fn current_listing(&self) -> Listing {
        self.live.borrow().clone()
    }

    /// Who sends to this process now.
    pub fn senders(&self) -> Vec<Arc<Sender>> {
        self.current_listing().values().filter_map(|listed| listed.local_sender().cloned()).collect()
    }

    /// Somebody wants to send a stream and has said no more than its name. A client that
    /// [`begin_stream`](Self::begin_stream) would refuse is refused now. For that, whoever sends the stream already is asked
    /// whether it is still there; if it does not answer in time, its stream is ended.
    pub async fn admit_arrival(&self, name: &str) -> Result<(), Refused> {
        let arrived = self.challenge_and_check(name).await;
        if arrived.is_err() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        arrived
    }

    /// Waits for a place among those that have come and not begun: what somebody with one says first may be long.
    pub async fn acquire_place(&self) -> Option<OwnedSemaphorePermit> {
        self.arrivals.clone().acquire_owned().await.ok()
    }

    async fn challenge_and_check(&self, name: &str) -> Result<(), Refused> {
        check_name(name)?;
        let listed = self.current_listing().get(name).cloned();
        if let Some(sender) = listed.as_ref().and_then(Listed::local_sender) {
            return self.challenge_sender(&sender.id).await;
        }
        if self.senders().len() >= self.options().max_streams {
            return Err(Refused::TooMany(self.options().max_streams));
        }
        if let Some(SenderLocation::Elsewhere(entry)) = listed.map(|listed| listed.place) {
            self.ask_elsewhere(&entry).await?;
        }
        Ok(self.streams.options().memory.admit_work(Work::Stream)?)
    }

    /// Begins a stream. If somebody sends it already, that one is asked whether it is still there.
    pub async fn begin_stream(
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
                None if tries < CLAIM_TRIES => self.challenge_sender(&id).await?,
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
        let from = peer.map(format_peer);
        let who = sender.who.as_ref().map(Known::words);
        tracing::info!(stream = name, mode = mode.name(), binary, from, who, "a stream begins");
        let (producer, lease, claim) = (Some(producer), Some(lease), Some(claim));
        Ok(Sending { sender, producer, lease, claim, place, relay: self.clone() })
    }

    /// The sender of the stream has to show that it is still there, or goes.
    async fn challenge_sender(&self, id: &Arc<str>) -> Result<(), Refused> {
        let mut live = self.subscribe_live();
        let Some(sender) = live.borrow().get(id).and_then(Listed::local_sender).cloned() else {
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
        for upstream in self.streams.pulled_streams() {
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
            viewers: self.streams.viewers.current_counts().relay,
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
            producer.set_state(State::new(Condition::Running, None, now));
        }
        let mut size = 0;
        producer.publish(|sequence| {
            let picture = make(sequence);
            size = picture.size();
            picture
        });
        producer.count_bytes(size);
        let totals = &self.relay.streams.totals.sent;
        totals.pictures.fetch_add(1, Ordering::Relaxed);
        totals.bytes.fetch_add(size as u64, Ordering::Relaxed);
    }

    /// No picture came for a while.
    pub fn mark_stalled(&self, now: Instant) {
        if let Some(producer) = &self.producer {
            tracing::warn!(stream = &*self.sender.id, "stalled: its sender sends no frames");
            let since = producer.stream().newest().map_or(now, |newest| newest.captured());
            producer.set_state(State::new(Condition::Stalled, Some("its sender sends no frames"), since));
        }
    }

    /// Something came that should have been a frame.
    pub fn count_bad(&self) {
        self.sender.bad.fetch_add(1, Ordering::Relaxed);
        self.relay.streams.totals.sent.bad.fetch_add(1, Ordering::Relaxed);
    }

    /// A picture came over the rate.
    pub fn count_dropped(&self) {
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
        let (from, who) = (self.sender.peer.map(format_peer), self.sender.who.as_ref().map(Known::words));
        tracing::info!(stream = &**id, from, who, bad, "the stream has ended: {}", why.reason());
        self.relay.gone.record_end(&self.sender, why);
        self.relay.ended.fetch_add(1, Ordering::Relaxed);
        if let Some(lease) = self.lease.take() {
            self.relay.streams.stop_stream(lease.key());
        }
        // The one that waits for it to be gone claims it next.
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
