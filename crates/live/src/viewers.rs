//! Who watches: admitted up to a limit for each use, each with its counters.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sightwire_api::stream::{self as api, PictureQuality, ViewerKind};
use sightwire_base::address::{counted_address, format_peer};
use sightwire_base::clock;
use sightwire_base::meter::{Meter, Sample};
use sightwire_hub::delivery::Deliveries;
use sightwire_hub::stream::{Condition, Stream};
use tokio_util::sync::CancellationToken;

use crate::known::Known;
use crate::totals::lost_percent;

/// All who watch now, and how many have come and been refused since the start.
#[derive(Debug)]
pub struct Viewers {
    max: PerUse<AtomicUsize>,
    next: AtomicU64,
    /// Comes before the list of streams of each viewer, which is looked through under it.
    now: Mutex<BTreeMap<u64, Arc<Viewer>>>,
    counts: PerUse<AtomicUsize>,
    /// Of those the ones that say that they only hear of what somebody sees; all are of cameras.
    listeners: AtomicUsize,
    /// Viewers of each stream that has any. Never held together with another of these.
    counts_by_stream: Mutex<HashMap<Arc<str>, usize>>,
    admitted: PerUse<AtomicU64>,
    refused: PerUse<AtomicU64>,
}

/// One for each use, since none may take another's places.
#[derive(Clone, Copy, Debug, Default)]
pub struct PerUse<T> {
    /// Viewers over HTTP: `/stream…` and detections.
    pub cameras: T,
    /// Viewers of `/ws/view`.
    pub relay: T,
    /// Other processes, each once for each stream that it pulls.
    pub processes: T,
}

/// One who watches, over one connection, whatever the number of streams.
#[derive(Debug)]
pub struct Viewer {
    id: u64,
    peer: Option<SocketAddr>,
    who: Option<Known>,
    shares_of: Option<IpAddr>,
    kind: ViewerKind,
    page: Option<Box<str>>,
    beside: bool,
    endpoint: &'static str,
    since: Instant,
    /// One for each time that it watches a stream. Comes before the lock of each stream's slot, of which the newest number is
    /// asked for.
    streams: Mutex<Vec<Arc<Watched>>>,
    delivered: Arc<Deliveries>,
    /// Rates of pictures that it got, their bytes, and pictures that it missed.
    meter: Meter<3, 0>,
    /// What its pictures take, where that is measured.
    timing: Mutex<Option<Timing>>,
    end: CancellationToken,
    connection: Option<CancellationToken>,
    /// The first stream that it watched, where it watches one alone.
    only: OnceLock<Arc<str>>,
    /// Pictures that it had not taken when it stopped watching a stream.
    untaken: AtomicU64,
    why: OnceLock<&'static str>,
}

/// How long things take to get to a viewer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// Round trip of its pings, smoothed; `None` before the first answer.
    pub rtt: Option<Duration>,
    /// To hand over a picture; usual.
    pub write: Duration,
    /// What one picture may take.
    pub deadline: Duration,
}

/// One of the permits for viewers of a use; given back when this is dropped.
#[derive(Debug)]
pub struct Admission {
    viewer: Arc<Viewer>,
    viewers: Arc<Viewers>,
}

/// It watches a stream, until this is dropped.
#[derive(Debug)]
pub struct Watch {
    admission: Arc<Admission>,
    watched: Arc<Watched>,
}

/// A stream that a viewer watches.
#[derive(Debug)]
struct Watched {
    id: Arc<str>,
    /// Of which it wants every picture.
    stream: OnceLock<Arc<Stream>>,
    /// Number of the last one that it got.
    taken: AtomicU64,
    /// JPEG quality; 0: as it came.
    quality: AtomicU8,
}

/// Who comes, and how.
#[derive(Clone, Debug)]
pub struct NewViewer {
    /// Address and port that it connects from, where known.
    pub peer: Option<SocketAddr>,
    /// Its key or user.
    pub who: Option<Known>,
    /// Whether many may come from there: through a proxy all have one address, of which no share can be told.
    pub proxied: bool,
    /// How it gets its pictures.
    pub kind: ViewerKind,
    /// What its page calls itself: all connections of a page have one name.
    pub page: Option<Box<str>>,
    /// Whether it hears of what its page sees over another connection, with which it is counted while that is there.
    pub beside: bool,
    /// What it asked for.
    pub endpoint: &'static str,
    /// Ends its connection when it is cancelled.
    pub connection: Option<CancellationToken>,
}

impl<T> PerUse<T> {
    fn for_kind(&self, kind: ViewerKind) -> &T {
        match kind {
            ViewerKind::Mjpeg | ViewerKind::Events | ViewerKind::Websocket => &self.cameras,
            ViewerKind::Relay | ViewerKind::RelayBinary => &self.relay,
            ViewerKind::Process => &self.processes,
        }
    }
}

/// Whether such a viewer watches one stream from its beginning to its end.
fn of_one_stream(kind: ViewerKind) -> bool {
    !matches!(kind, ViewerKind::Relay | ViewerKind::RelayBinary)
}

impl Viewers {
    /// At most this many at once.
    pub fn new(max: PerUse<usize>) -> Arc<Self> {
        Arc::new(Self {
            max: PerUse {
                cameras: max.cameras.into(),
                relay: max.relay.into(),
                processes: max.processes.into(),
            },
            next: AtomicU64::new(1),
            now: Mutex::default(),
            counts: PerUse::default(),
            listeners: AtomicUsize::new(0),
            counts_by_stream: Mutex::default(),
            admitted: PerUse::default(),
            refused: PerUse::default(),
        })
    }

    /// A place for one more; `None` if there are too many.
    pub fn admit(self: &Arc<Self>, arrival: NewViewer) -> Option<Arc<Admission>> {
        let NewViewer { peer, who, proxied, kind, page, beside, endpoint, connection } = arrival;
        let mut now = self.now.lock();
        let (count, most) = (self.counts.for_kind(kind), self.max.for_kind(kind).load(Ordering::Relaxed));
        if count.load(Ordering::Relaxed) >= most {
            self.refused.for_kind(kind).fetch_add(1, Ordering::Relaxed);
            let (from, who) = (peer.map(format_peer), who.as_ref().map(Known::words));
            tracing::warn!(endpoint, from, who, "a viewer is refused: {most} are there, and no more may be");
            return None;
        }
        count.fetch_add(1, Ordering::Relaxed);
        if beside {
            self.listeners.fetch_add(1, Ordering::Relaxed);
        }
        self.admitted.for_kind(kind).fetch_add(1, Ordering::Relaxed);
        let viewer = Arc::new(Viewer {
            id: self.next.fetch_add(1, Ordering::Relaxed),
            peer,
            who,
            shares_of: peer.filter(|_| !proxied).map(|peer| counted_address(peer.ip())),
            kind,
            page,
            beside,
            endpoint,
            since: clock::now(),
            streams: Mutex::default(),
            delivered: Arc::new(Deliveries::without_ages()),
            meter: Meter::default(),
            timing: Mutex::default(),
            end: CancellationToken::new(),
            connection,
            only: OnceLock::new(),
            untaken: AtomicU64::new(0),
            why: OnceLock::new(),
        });
        now.insert(viewer.id, viewer.clone());
        if !of_one_stream(kind) {
            viewer.log_arrival(count.load(Ordering::Relaxed));
        }
        Some(Arc::new(Admission { viewer, viewers: self.clone() }))
    }

    /// At most this many from now on. Those who are there may stay, also where there are more.
    pub fn set_max(&self, max: PerUse<usize>) {
        self.max.cameras.store(max.cameras, Ordering::Relaxed);
        self.max.relay.store(max.relay, Ordering::Relaxed);
        self.max.processes.store(max.processes, Ordering::Relaxed);
    }

    /// How many there are at the moment; one that also hears what they see counts as one.
    pub fn current_counts(&self) -> PerUse<usize> {
        let get = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        let listening = self.listening_ids(&self.now.lock()).len();
        PerUse {
            cameras: get(&self.counts.cameras).saturating_sub(listening),
            relay: get(&self.counts.relay),
            processes: get(&self.counts.processes),
        }
    }

    /// How many have been let in since the start.
    pub fn admitted_counts(&self) -> PerUse<u64> {
        load_totals(&self.admitted)
    }

    /// How many have been refused since the start because there was no place.
    pub fn refused_counts(&self) -> PerUse<u64> {
        load_totals(&self.refused)
    }

    /// All of them, the oldest first; each once, whatever it hears beside.
    pub fn all(&self) -> Vec<Arc<Viewer>> {
        let now = self.now.lock();
        let listening = self.listening_ids(&now);
        now.values().filter(|viewer| !listening.contains(&viewer.id)).cloned().collect()
    }

    /// Those that are counted with another connection of their page: it is there, and sees what they hear of.
    fn listening_ids(&self, now: &BTreeMap<u64, Arc<Viewer>>) -> HashSet<u64> {
        if self.listeners.load(Ordering::Relaxed) == 0 {
            return HashSet::new();
        }
        let seeing: HashSet<_> =
            now.values().filter(|viewer| !viewer.beside).filter_map(|viewer| viewer.sight()).collect();
        let is_one = |viewer: &&Arc<Viewer>| {
            viewer.beside && viewer.sight().is_some_and(|sight| seeing.contains(&sight))
        };
        now.values().filter(is_one).map(|viewer| viewer.id).collect()
    }

    /// Those of a stream.
    pub fn stream_viewers(&self, stream: &str) -> Vec<Arc<Viewer>> {
        let now = self.now.lock();
        let listening = self.listening_ids(&now);
        let is_of = |viewer: &&Arc<Viewer>| !listening.contains(&viewer.id) && viewer.is_watching(stream);
        now.values().filter(is_of).cloned().collect()
    }

    /// Ends the connection of a viewer, and those over which its page hears of the same stream; `None` if there is none of that id.
    pub fn send_away(&self, id: u64) -> Option<Arc<Viewer>> {
        let now = self.now.lock();
        let gone = now.get(&id)?.clone();
        let is_theirs = |viewer: &&Arc<Viewer>| {
            viewer.beside && viewer.sight().is_some() && viewer.sight() == gone.sight()
        };
        let beside: Vec<_> = now.values().filter(is_theirs).cloned().collect();
        drop(now);
        beside.iter().chain([&gone]).for_each(|viewer| viewer.send_away());
        Some(gone)
    }

    /// The one of that id.
    pub fn get(&self, id: u64) -> Option<Arc<Viewer>> {
        self.now.lock().get(&id).cloned()
    }

    /// What those of them watch who are known as that, each stream as often as it is watched.
    pub fn watched_by(&self, who: &str) -> Vec<Arc<str>> {
        self.all()
            .iter()
            .filter(|viewer| viewer.is_known_as(who))
            .flat_map(|viewer| viewer.streams())
            .collect()
    }

    /// How many watch a stream.
    pub fn watcher_count(&self, stream: &str) -> usize {
        let now = self.now.lock();
        let listening = self.listening_ids(&now);
        let of_it =
            listening.iter().filter(|id| now.get(id).is_some_and(|viewer| viewer.is_watching(stream)));
        let beside = of_it.count();
        drop(now);
        let all = self.counts_by_stream.lock().get(stream).copied().unwrap_or_default();
        all.saturating_sub(beside)
    }

    /// Takes a sample of everyone's counters.
    pub fn sample(&self, now: Instant) {
        let now_there: Vec<_> = self.now.lock().values().cloned().collect();
        for viewer in now_there {
            viewer.meter.sample(Sample { at: now, counts: viewer.counts(), ages: [] });
        }
    }
}

fn load_totals(of: &PerUse<AtomicU64>) -> PerUse<u64> {
    let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
    PerUse { cameras: get(&of.cameras), relay: get(&of.relay), processes: get(&of.processes) }
}

impl Admission {
    /// It watches that stream from now on.
    pub fn watch_stream(self: &Arc<Self>, id: &Arc<str>) -> Watch {
        let watched = Arc::new(Watched {
            id: id.clone(),
            stream: OnceLock::new(),
            taken: AtomicU64::new(0),
            quality: AtomicU8::new(0),
        });
        let mut counts = self.viewers.counts_by_stream.lock();
        let count = counts.entry(id.clone()).or_default();
        *count += 1;
        if of_one_stream(self.viewer.kind) && self.viewer.only.set(id.clone()).is_ok() {
            self.viewer.log_arrival(*count);
        }
        drop(counts);
        self.viewer.streams.lock().push(watched.clone());
        Watch { admission: self.clone(), watched }
    }

    /// The viewer that holds the permit.
    #[inline]
    pub fn viewer(&self) -> &Arc<Viewer> {
        &self.viewer
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.viewers.now.lock().remove(&self.viewer.id);
        if self.viewer.beside {
            self.viewers.listeners.fetch_sub(1, Ordering::Relaxed);
        }
        let all = self.viewers.counts.for_kind(self.viewer.kind).fetch_sub(1, Ordering::Relaxed) - 1;
        match self.viewer.only.get() {
            Some(stream) => self.viewer.log_departure(self.viewers.watcher_count(stream)),
            // It has not come further than the door.
            None if of_one_stream(self.viewer.kind) => {}
            None => self.viewer.log_departure(all),
        }
    }
}

impl Watch {
    /// The viewer that watches.
    #[inline]
    pub fn viewer(&self) -> &Arc<Viewer> {
        &self.admission.viewer
    }

    /// It wants every picture of that stream from now on: what it does not take meanwhile counts as missed at once.
    pub fn expect_every_picture(&self, stream: Arc<Stream>) {
        self.record_taken(newest_sequence(&stream));
        let _ = self.watched.stream.set(stream);
    }

    /// The JPEG quality that it gets; 0: as it came.
    pub fn set_quality(&self, quality: u8) {
        self.watched.quality.store(quality, Ordering::Relaxed);
    }

    /// It got the picture of that number.
    #[inline]
    pub fn record_taken(&self, sequence: u64) {
        self.watched.taken.store(sequence, Ordering::Relaxed);
    }
}

impl Watched {
    /// Pictures that have come since the one that it got last, but for one that may be on its way.
    fn pictures_behind(&self) -> u64 {
        let running = |stream: &&Arc<Stream>| stream.state().condition == Condition::Running;
        let newest = self.stream.get().filter(running).map_or(0, |stream| newest_sequence(stream));
        newest.saturating_sub(self.taken.load(Ordering::Relaxed) + 1)
    }
}

fn newest_sequence(stream: &Stream) -> u64 {
    // Of a stream that is pulled its owner's numbers count, with what was lost on the way.
    stream.newest().map_or(0, |picture| picture.stamp().sequence)
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.admission.viewer.untaken.fetch_add(self.watched.pictures_behind(), Ordering::Relaxed);
        let mut streams = self.admission.viewer.streams.lock();
        if let Some(index) = streams.iter().position(|watched| Arc::ptr_eq(watched, &self.watched)) {
            streams.swap_remove(index);
        }
        drop(streams);
        let mut counts = self.admission.viewers.counts_by_stream.lock();
        if let Some(count) = counts.get_mut(&self.watched.id) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.watched.id);
            }
        }
    }
}

impl Viewer {
    /// Which page of whom sees which stream; `None` where its page has no name.
    fn sight(&self) -> Option<(&str, Option<&str>, &str)> {
        Some((self.page.as_deref()?, self.known_as(), self.only.get()?))
    }

    /// Whether it is another process, which has viewers of its own.
    #[inline]
    pub fn is_process(&self) -> bool {
        self.kind == ViewerKind::Process
    }

    /// Whether it is known as that: its key, its user, or the process that it is.
    pub fn is_known_as(&self, who: &str) -> bool {
        self.known_as() == Some(who)
    }

    fn known_as(&self) -> Option<&str> {
        self.who.as_ref().map(Known::words)
    }

    /// Where it comes from.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// The address whose shares it takes, if that is known.
    pub fn shares_of(&self) -> Option<IpAddr> {
        self.shares_of
    }

    /// Whether it is shown the pictures that say why there is no other; those of the relay are told in words.
    pub fn sees_banners(&self) -> bool {
        of_one_stream(self.kind) && !self.is_process()
    }

    /// Whether it ends with its stream; those of the relay watch others, or wait for the next.
    pub fn ends_with_stream(&self) -> bool {
        of_one_stream(self.kind)
    }

    /// What it got and missed.
    pub fn delivered(&self) -> &Arc<Deliveries> {
        &self.delivered
    }

    /// What its pictures take.
    #[inline]
    pub fn set_timing(&self, timing: Timing) {
        *self.timing.lock() = Some(timing);
    }

    /// Cancelled when somebody sends it away.
    pub fn end_token(&self) -> &CancellationToken {
        &self.end
    }

    /// The streams that it watches now.
    pub fn streams(&self) -> Vec<Arc<str>> {
        self.streams.lock().iter().map(|watched| watched.id.clone()).collect()
    }

    /// Why it will have gone, for the log; the first reason counts.
    pub fn set_end_reason(&self, why: &'static str) {
        let _ = self.why.set(why);
    }

    /// Says so, and how many there are with it: of its stream, or of those that watch many.
    fn log_arrival(&self, viewers: usize) {
        let (stream, from) = (self.only.get().map(|id| &**id), self.peer.map(format_peer));
        tracing::info!(
            viewer = self.id,
            stream,
            endpoint = self.endpoint,
            from,
            who = self.known_as(),
            viewers,
            "a viewer has come"
        );
    }

    /// Says so, why, and how many remain.
    fn log_departure(&self, viewers: usize) {
        let [pictures, _, missed] = self.delivered.counts();
        let missed = missed + self.untaken.load(Ordering::Relaxed);
        let (stream, from) = (self.only.get().map(|id| &**id), self.peer.map(format_peer));
        let seconds = clock::since(self.since).as_secs();
        let sent_away = self.end.is_cancelled().then_some("it was sent away");
        let why = sent_away.or_else(|| self.why.get().copied()).unwrap_or("it has left");
        tracing::info!(
            viewer = self.id,
            stream,
            endpoint = self.endpoint,
            from,
            who = self.known_as(),
            seconds,
            pictures,
            missed,
            viewers,
            "a viewer has gone: {why}"
        );
    }

    /// Ends its connection.
    pub fn send_away(&self) {
        self.end.cancel();
        // One over a WebSocket is told why; of the others nobody may be asking for more.
        if let (ViewerKind::Mjpeg | ViewerKind::Events, Some(connection)) = (self.kind, &self.connection) {
            connection.cancel();
        }
    }

    fn is_watching(&self, stream: &str) -> bool {
        self.streams.lock().iter().any(|watched| *watched.id == *stream)
    }

    /// Pictures that it got, their bytes, and pictures that it was too slow for; also those of a moment ago, of one that
    /// has got none since.
    fn counts(&self) -> [u64; 3] {
        let behind: u64 = self.streams.lock().iter().map(|watched| watched.pictures_behind()).sum();
        let [pictures, bytes, missed] = self.delivered.counts();
        [pictures, bytes, missed + behind]
    }

    /// This viewer as in answers; `now` ends the time that it has been there.
    pub fn report(&self, now: Instant) -> api::Viewer {
        let [delivered, bytes, missed] = self.counts();
        // The lowest, where streams differ.
        let streams = self.streams.lock();
        let lowered =
            streams.iter().map(|watched| watched.quality.load(Ordering::Relaxed)).filter(|q| *q > 0);
        let quality = lowered.min().map_or(PictureQuality::default(), PictureQuality::Jpeg);
        let names = streams.iter().map(|watched| watched.id.to_string()).collect();
        drop(streams);
        let [fps, bytes_per_s, missed_per_s] = self.meter.rates();
        let timing = *self.timing.lock();
        let ms = |time: Duration| (time.as_secs_f64() * 1e4).round() / 10.0;
        api::Viewer {
            by: self.who.as_ref().map(|who| who.name().to_owned()),
            bytes,
            bytes_per_s,
            deadline_ms: timing.map(|timing| ms(timing.deadline)),
            delivered,
            endpoint: self.endpoint.to_owned(),
            fps,
            id: self.id,
            kind: self.kind,
            lost_percent: lost_percent(fps, missed_per_s),
            missed,
            peer: self.peer.map(format_peer),
            process: None,
            quality,
            rtt_ms: timing.map(|timing| timing.rtt.map(ms)),
            since_s: now.saturating_duration_since(self.since).as_secs_f64(),
            streams: names,
            write_ms: timing.map(|timing| ms(timing.write)),
        }
    }

    /// Pictures that it got.
    pub fn picture_count(&self) -> u64 {
        self.delivered.counts()[0]
    }

    /// Number of the viewer, from 1, as in answers and log lines.
    pub fn id(&self) -> u64 {
        self.id
    }
}

#[cfg(test)]
mod tests;
