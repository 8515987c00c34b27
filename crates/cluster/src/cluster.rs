//! This process's place among the others: it lives, has streams, and knows what the others have.
//!
//! - [`claim`]: a stream is to begin here

pub mod claim;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::stream::{self, TryStreamExt as _};
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use sightwire_access::process::{Check, KnownProcess, ProcessFlaw, Processes, Signed};
use sightwire_measure::clock;
use sightwire_measure::lines;
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::dial::Dial;
use crate::directory::{Book, Directory};
use crate::entry::{self, About, Entry, Token};
use crate::lease::Held;
use crate::options::Options;
use crate::others::Others;
use crate::peer::{self, Peers};
use crate::process::{Instance, Record};
use crate::report::{Counts, Seen};
use crate::rights::Board;
use crate::store::{Claim, Claimed, Heartbeat, Keep, Kept, Refusal, Store, StoreError, StoreTime};

/// Heartbeats that come while one counts.
const BEATS: u32 = 3;
/// While changes come without a pause, others see what comes of them so often.
const PUBLISHED: Duration = Duration::from_millis(50);
/// A heartbeat has certainly lapsed so long after that, by a clock which is known as well as questions take time.
const LAPSED: Duration = Duration::from_millis(20);
/// Longest wait for a heartbeat of this process before something that needs one.
const HEARD_AT_ONCE: Duration = Duration::from_secs(1);
/// A store that refuses this process is asked again so much later.
const AGAIN: Duration = Duration::from_secs(5);
/// How long one that ends waits until the others know.
const LEAVING: Duration = Duration::from_millis(500);
/// Streams of which the store is told at once.
const AT_ONCE: usize = 16;
/// A process's clock has moved against the common one when it has by so much, in milliseconds.
const CLOCK_MS: u64 = 20;
/// Streams that have ended and of which nobody was told yet, at most.
const MAX_RELEASES: usize = 10_000;
/// How this process stands with the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has not been heard of yet.
    Joining,
    /// It is one of them.
    Connected,
    /// What coordinates them does not answer.
    Away(Arc<str>),
    /// What coordinates them does not let this one take part.
    Refused(Refusal),
}

/// What a process says of itself beside its address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// Of the program.
    #[serde(default)]
    pub version: String,
    /// How far the common clock is ahead of its own, in milliseconds; before it was told that, nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead_ms: Option<i64>,
    /// Shows that whoever wrote the rest knows the secret.
    #[serde(default)]
    pub mac: String,
    /// How many pictures a second its models can look at; nothing where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<f64>,
    /// It gives its cameras to others, and takes none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub draining: bool,
}

/// This process's place among the others.
#[derive(Debug)]
pub struct Cluster {
    options: Options,
    pub(crate) store: Arc<dyn Store>,
    me: Record,
    pub(crate) said: Mutex<Said>,
    pub(crate) draining: CancellationToken,
    check: Arc<str>,
    pub(crate) peers: Peers,
    pub(crate) others: Others,
    directory: watch::Sender<Arc<Directory>>,
    standing: watch::Sender<(Standing, Instant)>,
    /// How many have begun, and how many of them have ended: so whoever waits for one knows.
    beats: watch::Sender<(u64, u64)>,
    pub(crate) wake: Notify,
    time: RwLock<Option<(StoreTime, Instant)>>,
    /// When it asked whether all that is here is still its own, and was told so.
    confirmed: RwLock<Option<Instant>>,
    pub(crate) held: Mutex<HashMap<Arc<str>, Arc<Held>>>,
    releases: Mutex<BTreeMap<Arc<str>, Token>>,
    pub(crate) counts: Counts,
    joined: OnceLock<()>,
    pub(crate) seen: Seen,
    pub(crate) rights: Board,
}

/// What the task knows that nobody else does.
#[derive(Debug, Default)]
struct Known {
    book: Book,
    epoch: Arc<str>,
    /// Until then those who were not heard of may only be late,
    believes_until: Option<Instant>,
    /// and what the store does not know it may have lost.
    has_lost: bool,
    /// All has to be read.
    stale: bool,
    /// What others take for this process's and it does not have, by the heartbeat before.
    orphans: BTreeMap<Arc<str>, Token>,
}

impl Known {
    /// How long it is until the next heartbeat counts no longer, of those that count.
    fn lapses_in(&self, now: StoreTime) -> Option<Duration> {
        let left = self.book.processes().filter_map(|(_, until)| until.checked_sub(now));
        left.filter(|left| *left > 0).min().map(|left| Duration::from_millis(left) + LAPSED)
    }
}

impl Cluster {
    /// A process that nobody knows before it [runs](Self::run).
    pub fn new(options: Options, store: Arc<dyn Store>, dial: Arc<dyn Dial>) -> Arc<Self> {
        let instance = Instance::random();
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let said = Said { version, ..Said::default() };
        let (name, url) = (options.name.clone(), options.url.clone());
        let me = Record { name, instance, url, about: "{}".into() };
        let check = options.secret.mac("store", "format 1").into();
        let peers = Peers::new(options.secret.clone(), instance, dial);
        Arc::new(Self {
            options,
            store,
            me,
            said: Mutex::new(said),
            draining: CancellationToken::new(),
            check,
            peers,
            others: Others::default(),
            directory: watch::Sender::new(Arc::default()),
            standing: watch::Sender::new((Standing::Joining, clock::now())),
            beats: watch::Sender::new((0, 0)),
            wake: Notify::new(),
            time: RwLock::default(),
            confirmed: RwLock::default(),
            held: Mutex::default(),
            releases: Mutex::default(),
            counts: Counts::default(),
            joined: OnceLock::new(),
            seen: Seen::default(),
            rights: Board::default(),
        })
    }

    /// As the others know it.
    pub fn me(&self) -> &Record {
        &self.me
    }

    /// As loaded at the start.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Who lives and what is live, and changes of that.
    pub fn directory(&self) -> watch::Receiver<Arc<Directory>> {
        self.directory.subscribe()
    }

    /// Who lives and what is live, as far as is known now.
    pub fn known(&self) -> Arc<Directory> {
        self.directory.borrow().clone()
    }

    /// A stream that another process has.
    pub fn elsewhere(&self, stream: &str) -> Option<Arc<Entry>> {
        self.directory.borrow().streams.get(stream).filter(|entry| !self.is_mine(entry)).cloned()
    }

    /// Whether a stream is this process's, as the others see it.
    pub fn is_mine(&self, entry: &Entry) -> bool {
        entry.instance == self.me.instance
    }

    /// How it stands with the others, and since when.
    pub fn standing(&self) -> (Standing, Instant) {
        self.standing.borrow().clone()
    }

    /// Now, by the clock that all share; `None` before it was told.
    pub fn time(&self) -> Option<StoreTime> {
        let (told, at) = (*self.time.read())?;
        Some(told + clock::since(at).as_millis() as u64)
    }

    /// Whether its heartbeats have lapsed without its having noticed: it was stopped, or had no CPU.
    pub(crate) fn has_slept(&self) -> bool {
        let told = self.confirmed.read().is_some_and(|at| clock::since(at) > self.options.ttl);
        told && self.standing.borrow().0 == Standing::Connected
    }

    /// Lives until `stop`: to be awaited once.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let (mut known, mut changes) = (Known::default(), self.store.changes());
        let every = self.options.ttl / BEATS;
        let mut next = tokio::time::Instant::now();
        let (mut connection, mut published) = (0, clock::now());
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                // First: whatever changes, and however often, it has to be heard of.
                () = sleep_until(next) => {}
                () = self.wake.notified() => {}
                another = self.store.connected(connection) => connection = another,
                change = changes.recv() => {
                    let told = match change {
                        Ok(change) => {
                            let until = self.time().unwrap_or_default() + self.options.ttl.as_millis() as u64;
                            let stream = change.what.stream().cloned();
                            let told = known.book.change(change, until).is_ok();
                            let held = stream.and_then(|stream| self.held.lock().get(&stream).cloned());
                            if let Some(held) = held {
                                self.give_way(&known, &held);
                            }
                            told
                        }
                        Err(broadcast::error::RecvError::Lagged(_)) => false,
                        Err(broadcast::error::RecvError::Closed) => return,
                    };
                    if !told {
                        known.stale = true;
                        self.refresh(&mut known).await;
                    }
                    // Of many at once all see only what comes of them, but not late.
                    if changes.is_empty() || clock::since(published) > PUBLISHED {
                        self.publish(&known);
                        published = clock::now();
                    }
                    continue;
                }
            }
            self.beats.send_modify(|(begun, _)| *begun += 1);
            next = tokio::time::Instant::now();
            next += match self.beat(&mut known).await {
                // At once, where one has lapsed by then: what it had ends, or is somebody else's.
                Ok(()) => {
                    known.lapses_in(self.time().unwrap_or_default()).map_or(every, |lapse| every.min(lapse))
                }
                Err(StoreError::Refused(_)) => AGAIN,
                Err(StoreError::Away(_) | StoreError::Unknown) => every.min(Duration::from_secs(1)),
            };
            self.beats.send_modify(|(begun, ended)| *ended = *begun);
        }
        let leaves = self.store.leave(&self.me.name, self.me.instance);
        let _ = timeout(LEAVING, leaves).await;
    }

    async fn beat(&self, known: &mut Known) -> Result<(), StoreError> {
        let about = self.signed();
        let heartbeat = Heartbeat {
            record: Record { about, ..self.me.clone() },
            ttl: self.options.ttl,
            check: self.check.clone(),
            joined: self.joined.get().is_some(),
            epoch: Instance::random().to_string().into(),
        };
        let asked = clock::now();
        let beat = match self.store.beat(&heartbeat).await {
            Ok(beat) => beat,
            Err(wrong) => {
                self.stands_badly(&wrong);
                return Err(wrong);
            }
        };
        let answered = clock::now();
        *self.time.write() = Some((beat.at, asked + (answered - asked) / 2));
        self.says_how_far_ahead();
        let was_away = !matches!(self.standing.borrow().0, Standing::Connected);
        // It is told of that once: what is still missing afterwards has ended.
        let has_lost = known.believes_until.is_none() && known.book.has_more_than(&beat);
        let anew = beat.lapsed || beat.epoch != known.epoch || was_away || has_lost;
        known.has_lost |= has_lost || known.book.is_older_than(&beat);
        if anew {
            if self.joined.set(()).is_err() {
                // The others need as long to be heard of again, and to say again what they have.
                known.believes_until = Some(answered + self.options.ttl * 2 / BEATS + HEARD_AT_ONCE / 2);
            }
            known.epoch = beat.epoch.clone();
        }
        // First: what has ended is not to be kept for what began under its name.
        self.release_all().await?;
        if anew {
            self.keep(|_| true).await?;
            known.stale = true;
        }
        if known.believes_until.is_some_and(|until| until <= answered) {
            (known.believes_until, known.has_lost) = (None, false);
            known.stale = true;
        }
        known.stale |= known.book.heard(&beat).is_err();
        self.refresh(known).await;
        // What is known now may lag behind what was read for it.
        let _ = known.book.heard(&beat);
        let is_unsaid =
            |held: &Held| held.token() == Token::NONE || known.book.stream(&held.stream).is_none();
        self.keep(is_unsaid).await?;
        *self.confirmed.write() = Some(asked);
        self.stands_well();
        self.rights.heard(beat.rights, asked);
        self.give_up_orphans(known);
        self.publish(known);
        Ok(())
    }

    /// What it says of itself, so that nobody else can have said it.
    fn signed(&self) -> Arc<str> {
        let mut said = self.said.lock().clone();
        said.mac = self.options.secret.mac("process", &peer::attested(&self.me, &said));
        serde_json::to_string(&said).unwrap_or_default().into()
    }

    /// What a process says of itself; nothing if somebody else has written that.
    pub(crate) fn said_by(&self, process: &Record) -> Said {
        self.peers.said_by(process).unwrap_or_default()
    }

    /// With that the others know how old its pictures are, whatever its clock says.
    fn says_how_far_ahead(&self) {
        let Some(time) = self.time() else { return };
        let own = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
        let (ahead, mut said) = (time as i64 - own, self.said.lock());
        if said.ahead_ms.is_none_or(|before| before.abs_diff(ahead) > CLOCK_MS) {
            said.ahead_ms = Some(ahead);
            drop(said);
            // The others are to know before they show its first picture.
            self.wake.notify_one();
        }
    }

    async fn refresh(&self, known: &mut Known) {
        if !known.stale {
            return;
        }
        match self.store.read().await {
            Ok(snapshot) => {
                known.book.read(snapshot, known.believes_until.is_some() && known.has_lost);
                known.stale = false;
            }
            Err(wrong) => self.stands_badly(&wrong),
        }
    }

    /// A claim whose answer was lost was granted all the same, and nobody here has it.
    fn give_up_orphans(&self, known: &mut Known) {
        let mine = known.book.streams_of(self.me.instance);
        let held = self.held.lock();
        let orphans: BTreeMap<_, _> = mine.filter(|(stream, _)| !held.contains_key(stream)).collect();
        drop(held);
        let mut releases = self.releases.lock();
        for (stream, token) in &orphans {
            if known.orphans.get(stream) == Some(token) && releases.len() < MAX_RELEASES {
                releases.entry(stream.clone()).or_insert(*token);
            }
        }
        known.orphans = orphans;
    }

    /// A stream that another process has by a later lease is no more this one's.
    fn give_way(&self, known: &Known, held: &Arc<Held>) {
        let entry = known.book.stream(&held.stream);
        let others = entry.filter(|entry| !self.is_mine(entry) && entry.token > held.token());
        if others.is_some() && held.token() != Token::NONE {
            self.lose(held);
        }
    }

    fn publish(&self, known: &Known) {
        let (at, believes) = (self.time().unwrap_or_default(), known.believes_until.is_some());
        let held: Vec<Arc<Held>> = self.held.lock().values().cloned().collect();
        for held in &held {
            self.give_way(known, held);
        }
        self.seen.heard(&known.book);
        let view = known.book.view(at, believes);
        self.directory.send_if_modified(|directory| {
            let news = **directory != view;
            if news {
                *directory = Arc::new(view);
            }
            news
        });
    }

    fn stands_well(&self) {
        self.standing.send_if_modified(|(standing, since)| {
            if *standing == Standing::Connected {
                return false;
            }
            let (url, streams) = (&*self.me.url, self.held.lock().len());
            tracing::info!(process = &*self.me.name, url, streams, "it is one of the processes now");
            (*standing, *since) = (Standing::Connected, clock::now());
            true
        });
    }

    fn stands_badly(&self, wrong: &StoreError) {
        self.counts.store_failures.fetch_add(1, Ordering::Relaxed);
        let now = match wrong {
            StoreError::Refused(refusal) => Standing::Refused(refusal.clone()),
            StoreError::Away(why) => Standing::Away(why.clone()),
            StoreError::Unknown => return,
        };
        self.standing.send_if_modified(|(standing, since)| {
            if *standing == now {
                return false;
            }
            let same = matches!((&*standing, &now), (Standing::Away(_), Standing::Away(_)));
            if !same {
                *since = clock::now();
                let why = wrong.to_string();
                let why = lines::sentence(&why);
                if let Standing::Refused(_) = now {
                    tracing::error!("it cannot be one of the processes: {why}");
                } else {
                    tracing::warn!("what coordinates the processes is away: {why}");
                }
            }
            *standing = now;
            true
        });
    }

    /// Tells the store of what is here: it may have forgotten, or others may have taken it.
    async fn keep(&self, which: impl Fn(&Held) -> bool) -> Result<(), StoreError> {
        let all: Vec<Arc<Held>> = self.held.lock().values().filter(|held| which(held)).cloned().collect();
        let all = stream::iter(all.into_iter().map(Ok));
        all.try_for_each_concurrent(AT_ONCE, |held| async move { self.keep_one(&held).await }).await
    }

    async fn keep_one(&self, held: &Arc<Held>) -> Result<(), StoreError> {
        let token = held.token();
        if token == Token::NONE {
            // It began while nobody answered: it may have been granted all the same.
            let claim = Claim { again: true, ..self.claim_of(&held.stream, &held.about, None) };
            match self.store.claim(&claim).await? {
                Claimed::Granted(token) => held.granted(token),
                Claimed::Held { .. } => self.lose(held),
            }
            return Ok(());
        }
        let keep = Keep {
            stream: held.stream.clone(),
            name: self.me.name.clone(),
            instance: self.me.instance,
            token,
            about: entry::written(&held.about).into(),
        };
        if let Kept::Lost(_) = self.store.keep(&keep).await? {
            self.lose(held);
        }
        Ok(())
    }

    async fn release_all(&self) -> Result<(), StoreError> {
        loop {
            let next = self.releases.lock().first_key_value().map(|(stream, token)| (stream.clone(), *token));
            let Some((stream, token)) = next else { return Ok(()) };
            self.store.release(&stream, token).await?;
            let mut releases = self.releases.lock();
            if releases.get(&stream) == Some(&token) {
                releases.remove(&stream);
            }
        }
    }

    fn lose(&self, held: &Arc<Held>) {
        let mut all = self.held.lock();
        if all.get(&held.stream).is_some_and(|now| Arc::ptr_eq(now, held)) {
            all.remove(&held.stream);
        }
        drop(all);
        self.counts.leases_lost.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(stream = &*held.stream, "another process has it now");
        held.lost();
    }

    /// The stream has ended here.
    pub(crate) fn let_go(&self, held: &Arc<Held>) {
        let mut all = self.held.lock();
        if !all.get(&held.stream).is_some_and(|now| Arc::ptr_eq(now, held)) {
            return; // it is another's by now
        }
        all.remove(&held.stream);
        drop(all);
        let token = held.token();
        let mut releases = self.releases.lock();
        if token != Token::NONE && releases.len() < MAX_RELEASES {
            releases.insert(held.stream.clone(), token);
            drop(releases);
            self.wake.notify_one();
        }
    }

    fn claim_of(&self, stream: &Arc<str>, about: &About, instead_of: Option<(Token, Duration)>) -> Claim {
        Claim {
            stream: stream.clone(),
            name: self.me.name.clone(),
            instance: self.me.instance,
            about: entry::written(about).into(),
            ttl: self.options.ttl,
            instead_of,
            again: false,
        }
    }

    /// Waits for a heartbeat that begins after now, as long as that may take.
    pub(crate) async fn is_heard(&self) {
        let mut beats = self.beats.subscribe();
        // One that is under way may have begun before what is to be told.
        let next = beats.borrow_and_update().0 + 1;
        self.wake.notify_one();
        let _ = timeout(HEARD_AT_ONCE, beats.wait_for(|(_, ended)| *ended >= next)).await;
    }
}

impl Processes for Cluster {
    fn known(&self, request: &Signed<'_>) -> Result<KnownProcess, ProcessFlaw> {
        let directory = Cluster::known(self);
        let name_of = |from: u64| {
            let mut others = directory.processes.values();
            others.find(|process| u64::from(process.instance) == from).map(|process| process.name.clone())
        };
        let (me, now_ms) = (self.me.instance.into(), self.time().unwrap_or_default());
        Check { secret: &self.options.secret, me, now_ms, name_of: &name_of }.check(request)
    }
}

#[cfg(test)]
mod tests;
