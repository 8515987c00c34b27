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
use sightwire_base::clock;
use sightwire_base::lines::{self, LogThrottle};
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::dial::Dial;
use crate::directory::{Book, Directory};
use crate::entry::{self, About, Entry, Token};
use crate::lease::HeldStream;
use crate::options::Options;
use crate::others::Others;
use crate::peer::{self, Peers};
use crate::process::{Instance, Record};
use crate::report::{Counts, PeerSightings};
use crate::rights::Board;
use crate::store::{Beat, Claim, Claimed, Heartbeat, Keep, Kept, Refusal, Store, StoreError, StoreTime};

/// Heartbeats that come while one counts: one every 1.67 s with the usual [`TTL`](crate::options::TTL), so that a single one
/// that is lost or late ends nothing.
const BEATS: u32 = 3;
/// While changes come without a pause, others see what comes of them so often.
const PUBLISHED: Duration = Duration::from_millis(50);
/// A heartbeat has certainly lapsed so long after that, by a clock which is known as well as questions take time.
const LAPSED: Duration = Duration::from_millis(20);
/// Longest wait for a heartbeat of this process before something that needs one.
const MAX_HEARTBEAT_WAIT: Duration = Duration::from_secs(1);
/// A store that refuses this process is asked again so much later.
const AGAIN: Duration = Duration::from_secs(5);
/// How long one that ends waits until the others know.
const LEAVING: Duration = Duration::from_millis(500);
/// Streams of which the store is told side by side.
const TOLD_IN_PARALLEL: usize = 16;
/// A process's clock has moved against the common one when it has by so much, in milliseconds.
const CLOCK_MS: u64 = 20;
/// Most streams that have ended and of which the store was not told yet. One that finds no place is found again as an orphan by
/// the heartbeats that follow ([`Cluster::give_up_orphans`]).
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
pub struct ProcessReport {
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
///
/// One task lives in [`Self::run`], once: it alone sends heartbeats and writes the directory and the common time. Everything
/// else may be called by any task, any number at a time. Each question to the store and to another process has a timeout of its
/// own; the directory and the standing are local copies, and reading them waits for nobody.
///
/// A [`ClusterLease`](crate::lease::ClusterLease) is this process's right to a stream for as long as it is held: a store that
/// forgot it is told again. It is lost where the store has another lease of that stream by then: a later one of another process
/// or, in a store that has lost what was written last, an older one. That is counted (`leases_lost`), and what was given last to
/// [`when_lost`](crate::lease::ClusterLease::when_lost) is called, once. One that begins while nobody can be asked
/// (`provisional`) is claimed when somebody can, and may then turn out to be another's, which counts as lost, too.
///
/// The directory lags. A change that was not heard of is made up for by the next heartbeat that succeeds; while changes come
/// without a pause it is published every 50 ms; while nothing comes from the store it stays as it was. The end of a stream is
/// told to the store until that has heard, also after an outage. Whatever the store fails at is counted in [`Counts`]. Only a
/// heartbeat or a claim that fails changes the standing; where a lease cannot be kept or given back, or what there is cannot be
/// read, that is said in the log and tried again with the next heartbeat, and the process is one of the others all the same.
///
/// It ends with the token given to `run`: the store is told, for half a second at most, and others may have its streams as soon
/// as it knows. Leases that are still held then hear nothing more. A process that dies keeps its streams until its last
/// heartbeat has lapsed. It loses one earlier to whoever claims that: when it cannot be reached and nothing was heard of it for
/// two seconds, or when it takes a question, does not answer, and nothing was heard of it for three and a half.
///
/// Its locks are held for a moment, never across an await. `held` is taken while the standing changes, and a stream's own state
/// under `held`; all others of this type are taken alone. Each publication builds the whole directory, so its cost grows with
/// the number of streams.
#[derive(Debug)]
pub struct Cluster {
    options: Options,
    pub(crate) store: Arc<dyn Store>,
    me: Record,
    pub(crate) said: Mutex<ProcessReport>,
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
    /// When it began the last heartbeat after which all that is here was still its own: one that came before another had lapsed,
    /// or after which all leases were kept.
    confirmed: RwLock<Option<Instant>>,
    /// Taken under the lock of `standing`, and before those of the streams in it. Never together with `releases`.
    pub(crate) held: Mutex<HashMap<Arc<str>, Arc<HeldStream>>>,
    releases: Mutex<BTreeMap<Arc<str>, Token>>,
    pub(crate) counts: Counts,
    half_answered: LogThrottle,
    joined: OnceLock<()>,
    pub(crate) seen: PeerSightings,
    pub(crate) rights: Board,
}

/// What the task knows that nobody else does.
#[derive(Debug, Default)]
struct Known {
    book: Book,
    epoch: Arc<str>,
    /// Until then others that were not heard of may only be late.
    believes_until: Option<Instant>,
    /// Whether the store may have lost entries that the book still has, since it knows fewer or is older; they count until
    /// `believes_until`.
    has_lost: bool,
    /// All has to be read.
    stale: bool,
    /// All leases have to be kept before they are this process's for certain.
    must_keep: bool,
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
        let said = ProcessReport { version, ..ProcessReport::default() };
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
            half_answered: LogThrottle::new(),
            joined: OnceLock::new(),
            seen: PeerSightings::default(),
            rights: Board::default(),
        })
    }

    /// As the others know it.
    pub fn own_record(&self) -> &Record {
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
    pub fn current_directory(&self) -> Arc<Directory> {
        self.directory.borrow().clone()
    }

    /// A stream that another process has.
    pub fn find_elsewhere(&self, stream: &str) -> Option<Arc<Entry>> {
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
    pub fn store_time(&self) -> Option<StoreTime> {
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
        let (mut known, mut changes) = (Known::default(), self.store.subscribe_changes());
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
                another = self.store.wait_connected(connection) => connection = another,
                change = changes.recv() => {
                    let told = match change {
                        Ok(change) => {
                            let until = self.store_time().unwrap_or_default() + self.options.ttl.as_millis() as u64;
                            let stream = change.what.stream().cloned();
                            let told = known.book.apply_change(change, until).is_ok();
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
                        self.refresh_book(&mut known).await;
                    }
                    // Of many at once all see only what comes of them, but not late.
                    if changes.is_empty() || clock::since(published) > PUBLISHED {
                        self.publish_directory(&known);
                        published = clock::now();
                    }
                    continue;
                }
            }
            self.beats.send_modify(|(begun, _)| *begun += 1);
            next = tokio::time::Instant::now();
            next += self.send_heartbeat(&mut known, every).await;
            self.beats.send_modify(|(begun, ended)| *ended = *begun);
        }
        let leaves = self.store.leave_process(&self.me.name, self.me.instance);
        let _ = timeout(LEAVING, leaves).await;
    }

    /// Says that this process is there, and keeps what it has; after how long the next one is due.
    async fn send_heartbeat(&self, known: &mut Known, every: Duration) -> Duration {
        let soon = every.min(Duration::from_secs(1));
        let about = self.signed_statement();
        let heartbeat = Heartbeat {
            record: Record { about, ..self.me.clone() },
            ttl: self.options.ttl,
            check: self.check.clone(),
            joined: self.joined.get().is_some(),
            epoch: Instance::random().to_string().into(),
        };
        let asked = clock::now();
        let beat = match self.store.beat_process(&heartbeat).await {
            Ok(beat) => beat,
            Err(wrong) => {
                self.record_store_error(&wrong);
                return if matches!(wrong, StoreError::Refused(_)) { AGAIN } else { soon };
            }
        };
        if let Err(wrong) = self.apply_heartbeat(known, &beat, asked).await {
            self.record_half_answer(&wrong);
            // The others know of this process all the same.
            self.mark_connected();
            return soon;
        }
        // At once, where one has lapsed by then: what it had ends, or is somebody else's.
        let lapses = known.lapses_in(self.store_time().unwrap_or_default());
        lapses.map_or(every, |lapse| every.min(lapse))
    }

    /// Keeps what this process has after a heartbeat that was sent at `asked`, and reads what others have.
    async fn apply_heartbeat(
        &self,
        known: &mut Known,
        beat: &Beat,
        asked: Instant,
    ) -> Result<(), StoreError> {
        let answered = clock::now();
        *self.time.write() = Some((beat.at, asked + (answered - asked) / 2));
        self.publish_clock_offset();
        let was_away = !matches!(self.standing.borrow().0, Standing::Connected);
        // It is told of that once: what is still missing afterwards has ended.
        let has_lost = known.believes_until.is_none() && known.book.has_more_than(beat);
        let anew = beat.lapsed || beat.epoch != known.epoch || was_away || has_lost;
        known.has_lost |= has_lost || known.book.is_older_than(beat);
        if anew {
            if self.joined.set(()).is_err() {
                // The others need as long to be heard of again, and to say again what they have.
                known.believes_until = Some(answered + self.options.ttl * 2 / BEATS + MAX_HEARTBEAT_WAIT / 2);
            }
            known.epoch = beat.epoch.clone();
            known.must_keep = true;
        }
        if !known.must_keep {
            // Nobody could take what is here, also if the rest of this fails.
            *self.confirmed.write() = Some(asked);
        }
        // First: what has ended is not to be kept for what began under its name.
        self.release_all().await?;
        if known.must_keep {
            self.keep_leases(|_| true).await?;
            (known.must_keep, known.stale) = (false, true);
        }
        if known.believes_until.is_some_and(|until| until <= answered) {
            (known.believes_until, known.has_lost) = (None, false);
            known.stale = true;
        }
        known.stale |= known.book.apply_beat(beat).is_err();
        self.refresh_book(known).await;
        // What is known now may lag behind what was read for it.
        let _ = known.book.apply_beat(beat);
        let is_unsaid =
            |held: &HeldStream| held.token() == Token::NONE || known.book.stream(&held.stream).is_none();
        self.keep_leases(is_unsaid).await?;
        *self.confirmed.write() = Some(asked);
        self.mark_connected();
        self.rights.record_version(beat.rights, asked);
        self.give_up_orphans(known);
        self.publish_directory(known);
        Ok(())
    }

    /// What it says of itself, so that nobody else can have said it.
    fn signed_statement(&self) -> Arc<str> {
        let mut said = self.said.lock().clone();
        said.mac = self.options.secret.mac("process", &peer::attested_text(&self.me, &said));
        serde_json::to_string(&said).unwrap_or_default().into()
    }

    /// What a process says of itself; nothing if somebody else has written that.
    pub(crate) fn said_by(&self, process: &Record) -> ProcessReport {
        self.peers.said_by(process).unwrap_or_default()
    }

    /// With that the others know how old its pictures are, whatever its clock says.
    fn publish_clock_offset(&self) {
        let Some(time) = self.store_time() else { return };
        let own = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
        let (ahead, mut said) = (time as i64 - own, self.said.lock());
        if said.ahead_ms.is_none_or(|before| before.abs_diff(ahead) > CLOCK_MS) {
            said.ahead_ms = Some(ahead);
            drop(said);
            // The others are to know before they show its first picture.
            self.wake.notify_one();
        }
    }

    /// Reads what there is, if something of it was missed; if that fails, it is tried again with the next heartbeat.
    async fn refresh_book(&self, known: &mut Known) {
        if !known.stale {
            return;
        }
        match self.store.read_snapshot().await {
            Ok(snapshot) => {
                known.book.apply_snapshot(snapshot, known.believes_until.is_some() && known.has_lost);
                known.stale = false;
            }
            Err(wrong) => self.record_half_answer(&wrong),
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
    fn give_way(&self, known: &Known, held: &Arc<HeldStream>) {
        let entry = known.book.stream(&held.stream);
        let others = entry.filter(|entry| !self.is_mine(entry) && entry.token > held.token());
        if others.is_some() && held.token() != Token::NONE {
            self.lose_lease(held);
        }
    }

    fn publish_directory(&self, known: &Known) {
        let (at, believes) = (self.store_time().unwrap_or_default(), known.believes_until.is_some());
        let held: Vec<Arc<HeldStream>> = self.held.lock().values().cloned().collect();
        for held in &held {
            self.give_way(known, held);
        }
        self.seen.update_heard(&known.book);
        let view = known.book.build_directory(at, believes);
        self.directory.send_if_modified(|directory| {
            let news = **directory != view;
            if news {
                *directory = Arc::new(view);
            }
            news
        });
    }

    fn mark_connected(&self) {
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

    /// The store answers heartbeats, and not all that is asked beside them.
    fn record_half_answer(&self, wrong: &StoreError) {
        self.counts.store_failures.fetch_add(1, Ordering::Relaxed);
        if let Some(unsaid) = self.half_answered.admit_line(clock::now()) {
            let why = wrong.to_string();
            let why = lines::short_sentence(&why);
            tracing::warn!(
                unsaid,
                "what coordinates the processes answers heartbeats, and not all else: {why}"
            );
        }
    }

    fn record_store_error(&self, wrong: &StoreError) {
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
                let why = lines::short_sentence(&why);
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
    async fn keep_leases(&self, which: impl Fn(&HeldStream) -> bool) -> Result<(), StoreError> {
        let all: Vec<Arc<HeldStream>> =
            self.held.lock().values().filter(|held| which(held)).cloned().collect();
        let all = stream::iter(all.into_iter().map(Ok));
        all.try_for_each_concurrent(TOLD_IN_PARALLEL, |held| async move { self.keep_one(&held).await }).await
    }

    async fn keep_one(&self, held: &Arc<HeldStream>) -> Result<(), StoreError> {
        let token = held.token();
        if token == Token::NONE {
            // It began while nobody answered: it may have been granted all the same.
            let claim = Claim { again: true, ..self.claim_of(&held.stream, &held.about, None) };
            match self.store.claim_stream(&claim).await? {
                Claimed::Granted(token) => held.set_token(token),
                Claimed::Held { .. } => self.lose_lease(held),
            }
            return Ok(());
        }
        let keep = Keep {
            stream: held.stream.clone(),
            name: self.me.name.clone(),
            instance: self.me.instance,
            token,
            about: entry::about_json(&held.about).into(),
        };
        if let Kept::Lost(_) = self.store.keep_stream(&keep).await? {
            self.lose_lease(held);
        }
        Ok(())
    }

    async fn release_all(&self) -> Result<(), StoreError> {
        loop {
            let next = self.releases.lock().first_key_value().map(|(stream, token)| (stream.clone(), *token));
            let Some((stream, token)) = next else { return Ok(()) };
            self.store.release_stream(&stream, token).await?;
            let mut releases = self.releases.lock();
            if releases.get(&stream) == Some(&token) {
                releases.remove(&stream);
            }
        }
    }

    fn lose_lease(&self, held: &Arc<HeldStream>) {
        let mut all = self.held.lock();
        if all.get(&held.stream).is_some_and(|now| Arc::ptr_eq(now, held)) {
            all.remove(&held.stream);
        }
        drop(all);
        self.counts.leases_lost.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(stream = &*held.stream, "another process has it now");
        held.mark_lost();
    }

    /// The stream has ended here.
    pub(crate) fn let_go(&self, held: &Arc<HeldStream>) {
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
            about: entry::about_json(about).into(),
            ttl: self.options.ttl,
            instead_of,
            again: false,
        }
    }

    /// Waits for a heartbeat that begins after now, as long as that may take.
    pub(crate) async fn wait_for_heartbeat(&self) {
        let mut beats = self.beats.subscribe();
        // One that is under way may have begun before what is to be told.
        let next = beats.borrow_and_update().0 + 1;
        self.wake.notify_one();
        let _ = timeout(MAX_HEARTBEAT_WAIT, beats.wait_for(|(_, ended)| *ended >= next)).await;
    }
}

impl Processes for Cluster {
    fn identify_process(&self, request: &Signed<'_>) -> Result<KnownProcess, ProcessFlaw> {
        let directory = Cluster::current_directory(self);
        let name_of = |from: u64| {
            let mut others = directory.processes.values();
            others.find(|process| u64::from(process.instance) == from).map(|process| process.name.clone())
        };
        let (me, now_ms) = (self.me.instance.into(), self.store_time().unwrap_or_default());
        Check { secret: &self.options.secret, me, now_ms, name_of: &name_of }.check_request(request)
    }
}

#[cfg(test)]
mod tests;
