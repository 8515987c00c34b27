//! The directory of streams: each is one, wherever its pictures come from and however many watch; it is analysed once however
//! many want to see what is in it, and drawn once for all who want to see the same.
//!
//! - `elsewhere`: streams of other processes; `places`: who may have a stream opened
//! - `reconfigure`: what can be chosen anew while streams are watched
//! - [`stills`]: what is in a single picture; `tries`: one picture of a camera, now
//! - [`report`]: what can be seen of it

mod elsewhere;
mod places;
mod reconfigure;
pub mod report;
pub mod stills;
mod tries;

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use parking_lot::{Mutex, MutexGuard, RwLock};
use sightwire_base::address::counted_address;
use sightwire_base::lines;
use sightwire_base::memory::{OutOfMemory, Work};
use sightwire_base::meter::{Meter, Sample};
use sightwire_engine::shared::SharedEngine;
use sightwire_hub::on_demand::OnDemand;
use sightwire_hub::source::web::Web;
use sightwire_hub::stream::{Producer, Stream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::StreamLease;
use crate::analysis::Analysis;
use crate::analysis_lease::AnalysisLease;
use crate::bodies::Bodies;
use crate::demand::{Analysing, Demand, MAX_SKIP, Rate, Wanted, Wish};
use crate::dependencies::Dependencies;
use crate::detector::Detector;
use crate::hands::Hands;
use crate::origin::Origin;
use crate::pixels::PixelPool;
use crate::private::{AskedFrom, CameraReach};
use crate::registry::{Camera, Registry};
use crate::sender::{End, Sender};
use crate::shown::ViewOptions;
use crate::source::{CameraError, CameraSource, LeadsTo};
use crate::totals::Totals;
use crate::upstream::Upstream;
use crate::view::{self, Basis, View, ViewKey, ViewLease};
use crate::viewers::{Admission, NewViewer, PerUse, Viewers};
use places::Running;
use stills::Stills;
pub use tries::Unreachable;

use crate::options::Options;
pub use elsewhere::NotEnded;

/// Other processes that may pull a stream, on average: for all streams together there are `relay.max_streams` times as many
/// places, which viewers of cameras and of the relay cannot take.
const MAX_PROCESSES: usize = 64;
/// Limits, as the log names them.
const MAX_ANALYSES: &str = "cameras.max_analyses";
const MAX_VIEWS: &str = "cameras.max_views";

/// All streams, and everything that runs for those who watch them.
///
/// Any task or thread may call any method, any number of them at a time. What opens something spawns its tasks, so that has to
/// be called within the runtime. What is not `async` waits for locks alone, except that [`Self::new`] reads files, and that
/// [`Self::reconfigure`] waits for whoever is writing the file of cameras.
///
/// There is one stream and one analysis per origin, and one view per key, however many ask at once: who comes second joins. One
/// that is over gives way to the next under the same lock. A lease keeps its thing running until that ends by itself or
/// somebody ends it: whoever sends it, an administrator (`end_stream`, `end_camera_here`), whoever changes the camera or takes it
/// away (`close_camera`, `reconfigure`), or, since it is a camera that never gave a picture, one who waited for it in vain or
/// needs its place (`close_unseen`, `make_way`). Otherwise only what lingers makes room for a newcomer.
///
/// A stream, analysis, view or viewer beyond a limit, or beyond the share of one address, is refused at once, which is logged
/// and counted ([`Self::refused_count`]; senders are counted by the relay, and what memory is short for is counted there). A
/// limit that was lowered ends nothing that runs.
///
/// Streams, analyses and views end with the token that [`Self::new`] was given (what is sent here, when its sender lets go of
/// it), and what is begun afterwards is over at once. Those who hold a lease keep the last picture, and hear of the end from
/// their [`Subscriber`](sightwire_hub::stream::Subscriber).
///
/// Locks, in the order in which they are taken: `beginning`; those of `running`, that of cameras before the one of `analyses`;
/// `reach`; then those of `registry`'s cameras and of `options`, under which none is taken. That of `views` is taken alone, or
/// under `beginning`.
/// `Registry::writing` comes before all of these, and is never held together with `beginning`. None is held across an await.
/// To join a camera costs a few searches among those that are known; to open one costs two more per open camera.
#[derive(Debug)]
pub struct Streams {
    /// Which cameras there are.
    pub registry: Registry,
    /// All who watch, of cameras and of streams that are sent.
    pub viewers: Arc<Viewers>,
    /// The model that all analyses share.
    pub detector: Arc<Detector>,
    /// The model of hands that all analyses share.
    pub hands: Arc<Hands>,
    /// The model of bodies that all analyses share.
    pub bodies: Arc<Bodies>,
    /// Threads that decode, draw and encode for all streams.
    pub pixels: Arc<PixelPool>,
    /// Replaced as a whole; no other lock is taken under it.
    options: RwLock<Arc<Options>>,
    /// Held while the registry is asked for a camera, so it comes before that lock.
    reach: RwLock<CameraReach>,
    /// Cameras and what is sent elsewhere run while somebody needs them, and what is sent here as long as its sender is there.
    running: Running,
    /// One of each stream, however fast it is wanted.
    analyses: OnDemand<Origin, Analysis>,
    analysing: Arc<Analysing>,
    /// Held from the question whether there is room for an analysis or a view until it has its place, and counts as one of whoever
    /// asked. The camera is opened, and analysis and view are begun meanwhile, so it comes before all other locks that are taken
    /// for that.
    beginning: Mutex<()>,
    views: OnDemand<ViewKey, View>,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Counted over all streams since the start, those that have ended included.
    pub totals: Arc<Totals>,
    /// Single pictures that may be analysed at once; streams come first.
    pub stills: Stills,
    /// The same for single pictures of other servers.
    pub guests: Stills,
    /// Places for tries of cameras.
    tries: Semaphore,
    /// Places for questions to boards.
    asked: Semaphore,
    ids: RandomState,
    bytes_out: Meter<1, 0>,
    refused: AtomicU64,
    unreachable: AtomicU64,
}

/// Why something cannot be watched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// Nobody said which, and there is none that goes without saying.
    #[error(
        "No camera is configured. Add one on the Cameras page, set cameras.default_url, or name one with esp32_url, camera_url or camera."
    )]
    NoCamera,
    /// No such camera, nor a stream that is sent.
    #[error("There is no camera or stream {0:?} now.")]
    Unknown(String),
    /// The address is none, or nobody allowed it.
    #[error(transparent)]
    Address(#[from] CameraError),
    /// The name belongs to another stream.
    #[error("The name {0:?} belongs to a camera of this server. Please choose another.")]
    Taken(String),
    /// A limit.
    #[error("Too many active streams. Please try again.")]
    TooMany,
    /// Nothing new begins now.
    #[error(transparent)]
    Memory(#[from] OutOfMemory),
    /// No picture.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
}

/// For analyses that somebody asks for, and as many overlays that nobody has asked for beside them: these never take the last place.
fn analysis_places(max_analyses: usize) -> usize {
    max_analyses.saturating_mul(2)
}

fn most_viewers(options: &Options) -> PerUse<usize> {
    PerUse {
        cameras: options.cameras.max_viewers,
        relay: options.relay.max_viewers,
        // Each pulls a stream once.
        processes: options.relay.max_streams * MAX_PROCESSES,
    }
}

impl Streams {
    /// Nothing is read before somebody watches. All ends with `stop`.
    pub fn new(
        options: Options,
        engine: Arc<SharedEngine>,
        stop: &CancellationToken,
        tasks: &TaskTracker,
    ) -> anyhow::Result<Arc<Self>> {
        let options = Arc::new(options);
        let cameras = &options.cameras;
        let registry = Registry::load(&cameras.configured, &cameras.file)?;
        let reach = CameraReach::new(&cameras.allow, cameras.private);
        // What lingers is the camera and its analysis, each for itself; a view is made anew in a moment.
        let (linger, at_once) = (cameras.linger, Duration::ZERO);
        let running = Running::new(&options, tasks, stop);
        let analyses = OnDemand::new(
            analysis_places(cameras.max_analyses),
            linger,
            Analysis::is_over,
            tasks.clone(),
            stop.clone(),
        );
        let views = OnDemand::new(cameras.max_views, at_once, View::is_over, tasks.clone(), stop.clone());
        let pixels =
            Arc::new(PixelPool::start(options.threads, options.pictures).context("cannot start threads")?);
        let hands = Hands::new(options.clone(), engine.clone());
        let bodies = Bodies::new(options.clone(), engine.clone());
        let detector = Detector::new(options.clone(), engine);
        if let Some(remote) = detector.remote() {
            tasks.spawn(remote.clone().run(stop.child_token()));
        }
        let analysing = Analysing::new(options.detector.max_fps);
        let this = Arc::new(Self {
            registry,
            viewers: Viewers::new(most_viewers(&options)),
            detector,
            hands,
            bodies,
            pixels,
            reach: RwLock::new(reach),
            running,
            analyses,
            analysing,
            beginning: Mutex::default(),
            views,
            tasks: tasks.clone(),
            stop: stop.clone(),
            totals: Arc::default(),
            stills: Stills::new(options.threads),
            guests: Stills::new(options.threads),
            tries: Semaphore::new(tries::AT_ONCE),
            asked: Semaphore::new(tries::ASKED_AT_ONCE),
            ids: RandomState::new(),
            bytes_out: Meter::default(),
            refused: AtomicU64::new(0),
            unreachable: AtomicU64::new(0),
            options: RwLock::new(options),
        });
        let known = this.registry.all();
        if let Some(said) = this.closed_networks(&known) {
            tracing::info!("{said}");
        }
        for camera in known {
            if let Err(reason) = this.check_source(&camera.table.source, AskedFrom::Elsewhere) {
                let reason = reason.to_string();
                let reason = lines::short_sentence(&reason);
                tracing::warn!(camera = camera.table.id, "it was added when that was allowed: {reason}");
            }
        }
        Ok(this)
    }

    /// As loaded at the start, or [since](Self::reconfigure).
    pub fn options(&self) -> Arc<Options> {
        self.options.read().clone()
    }

    /// Whether that camera may be read for whoever asks from there, as far as can be told before its name is resolved.
    pub fn check_source(&self, source: &CameraSource, from: AskedFrom) -> Result<(), CameraError> {
        let reach = self.reach.read();
        match (self.registry.with_source(source), source.url()) {
            (Some(camera), _) if camera.configured => Ok(()),
            (Some(camera), Some(url)) => Ok(reach.web_for_known(camera.leads_to).check_camera(url)?),
            _ => reach.check_named(source, from),
        }
    }

    /// Whether that address may be kept as a camera by whoever asks from there; if so, where it may lead to.
    pub fn check_new(&self, source: &CameraSource, from: AskedFrom) -> Result<LeadsTo, CameraError> {
        self.check_source(source, from)?;
        Ok(self.reach.read().leads_to(from))
    }

    /// What that camera is connected to with.
    fn web_for_source(&self, source: &CameraSource, from: AskedFrom) -> Web {
        let reach = self.reach.read();
        let known = self.registry.with_source(source);
        known.map_or_else(|| reach.web_for_named(from), |camera| reach.web_for_known(camera.leads_to)).clone()
    }

    fn closed_networks(&self, known: &[Camera]) -> Option<String> {
        let options = self.options();
        options
            .cameras
            .private
            .closed_warning(&options.cameras.allow, known.iter().map(|camera| &camera.table.source))
    }

    /// Whether any page may name that address: only a camera that is known, or what the configuration lists.
    pub fn check_listed(&self, source: &CameraSource) -> Result<(), CameraError> {
        match source.url() {
            Some(url) if self.registry.with_source(source).is_none() => {
                let listed = self.options().cameras.allow.is_listed(url);
                if listed { Ok(()) } else { Err(CameraError::NotListed) }
            }
            _ => Ok(()),
        }
    }

    fn dependencies(&self) -> Dependencies {
        Dependencies {
            detector: self.detector.clone(),
            hands: self.hands.clone(),
            bodies: self.bodies.clone(),
            pixels: self.pixels.clone(),
            options: self.options(),
            totals: self.totals.clone(),
            tasks: self.tasks.clone(),
        }
    }

    /// Begins a stream that somebody sends. Who holds the lease ends it with [`Self::stop_stream`].
    pub(crate) fn begin_sent(
        &self,
        name: &str,
        sender: impl FnOnce(&Arc<Stream>) -> Arc<Sender>,
    ) -> Result<(StreamLease, Producer), WatchError> {
        let (origin, taken) = (Origin::Sent(name.into()), || WatchError::Taken(name.to_owned()));
        if self.has_camera(name) {
            return Err(taken());
        }
        // One that has ended and is not gone yet makes room for its successor.
        if let Some(before) = self.running.sent.peek(&origin).filter(|before| before.is_over()) {
            self.stop_this(&before);
        }
        let start = |stop| Upstream::from_sender(name, sender, &self.dependencies(), stop);
        let (lease, producer) = self.running.sent.get(&origin, start).map_err(|_| WatchError::TooMany)?;
        let producer = producer.ok_or_else(taken)?;
        // Whoever adds a camera names it first and then looks for a stream of that name; here it is the other way round, so that
        // at least one of the two sees the other.
        if self.has_camera(name) {
            self.stop_this(lease.value());
            return Err(taken());
        }
        Ok((lease, producer))
    }

    /// Whether a camera here has that name, or is about to.
    pub(crate) fn has_camera(&self, name: &str) -> bool {
        let cameras = self.running.cameras.all();
        self.registry.has_id(name) || cameras.iter().any(|(_, u)| **u.stream.id() == *name)
    }

    /// The id of a stream: that of a camera is its own if it is registered, else the secret parts of its address are not to
    /// be guessed from it.
    pub fn id_of(&self, origin: &Origin) -> String {
        match origin {
            Origin::Sent(name) | Origin::Elsewhere(name, ..) => name.to_string(),
            Origin::Camera(source, _) => match self.registry.with_source(source) {
                Some(camera) => camera.table.id,
                None => format!("url-{:016x}", self.ids.hash_one(source)),
            },
        }
    }

    /// For those who look at single pictures again and again: a camera stays open from one to the next, however short
    /// the linger time is.
    pub fn keep_a_moment(&self, camera: Arc<StreamLease>) {
        const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
        if self.options().cameras.linger < BETWEEN_LOOKS {
            let stop = self.stop.clone();
            self.tasks.spawn(async move {
                let _ = tokio::time::timeout(BETWEEN_LOOKS, stop.cancelled()).await;
                drop(camera);
            });
        }
    }

    /// The running stream of that id.
    pub fn find_stream(&self, id: &str) -> Option<Arc<Upstream>> {
        let named = [Some(Origin::Sent(id.into())), self.registered_origin(id)];
        let running = named.iter().flatten().find_map(|origin| self.running.for_origin(origin).peek(origin));
        running.or_else(|| self.upstreams().into_iter().find(|upstream| **upstream.stream.id() == *id))
    }

    /// The origin of a registered camera, of a running stream, or of one that another process has.
    pub fn find_origin(&self, id: &str) -> Option<Origin> {
        let here = self
            .registered_origin(id)
            .or_else(|| self.find_stream(id).map(|upstream| upstream.origin.clone()));
        here.or_else(|| self.find_elsewhere(id))
    }

    fn registered_origin(&self, id: &str) -> Option<Origin> {
        self.registry.get(id).map(|camera| camera.table.source.into())
    }

    /// Analyses a stream at that rate, or joins those who do; `from` is whoever asks.
    pub fn analyse_stream(
        &self,
        origin: &Origin,
        wanted: (Wish, Rate),
        from: Option<IpAddr>,
    ) -> Result<AnalysisLease, WatchError> {
        let one_by_one = self.beginning.lock();
        self.begin_analysis(origin, wanted, from.map(counted_address), &one_by_one)
    }

    fn begin_analysis(
        &self,
        origin: &Origin,
        (wish, rate): (Wish, Rate),
        from: Option<IpAddr>,
        _one_by_one: &MutexGuard<'_, ()>,
    ) -> Result<AnalysisLease, WatchError> {
        if !self.has_room_to_analyse(origin, wish, from) {
            return Err(self.too_many(MAX_ANALYSES, origin)); // before a camera is opened for it
        }
        let (stream, deps) = (self.open_stream(origin)?, self.dependencies());
        let start = |stop| (Analysis::new(stream, rate, self.analysing.clone()), stop);
        let begun = self.analyses.get(origin, start);
        let (lease, begun) = begun.map_err(|_| self.too_many(MAX_ANALYSES, origin))?;
        // It begins when it is known what is wanted.
        let lease = AnalysisLease::new(lease, Wanted { rate, wish, from });
        if let Some(stop) = begun {
            self.tasks.spawn(lease.value().clone().run(deps, stop));
        }
        Ok(lease)
    }

    /// Makes a view, or joins those who watch it; every `skip_frames`-th picture is looked at for whoever asks, `from`.
    pub fn open_view(
        &self,
        key: &ViewKey,
        skip_frames: u8,
        from: Option<IpAddr>,
    ) -> Result<ViewLease, WatchError> {
        let from = from.map(counted_address);
        // From the look at what there is until the view counts as one of this address.
        let one_by_one = self.beginning.lock();
        if !self.has_room_to_view(key, from) {
            return Err(self.too_many(MAX_VIEWS, key.origin()));
        }
        let (basis, analysis) = match key {
            ViewKey::Plain { origin, .. } => (Basis::Stream(self.open_stream(origin)?), None),
            ViewKey::Drawn { origin, fps, .. } => {
                let rate = |skip_frames| (Wish::Objects, Rate { fps: *fps, skip_frames });
                let begin = |rate, from| self.begin_analysis(origin, rate, from, &one_by_one);
                let of_viewer = begin(rate(skip_frames), from)?;
                (Basis::Analysis(begin(rate(MAX_SKIP), None)?), Some(of_viewer))
            }
        };
        let start = |stop| {
            let (view, producer) = View::new(key.clone(), basis);
            (view, (producer, stop))
        };
        let begun = self.views.get(key, start);
        let (view, begun) = begun.map_err(|_| self.too_many(MAX_VIEWS, key.origin()))?;
        if let Some((producer, stop)) = begun {
            self.tasks.spawn(view::run_view(view.value().clone(), producer, self.dependencies(), stop));
        }
        Ok(ViewLease::new(view, from, analysis))
    }

    /// A camera was changed or taken away: whoever watches it is sent off, unless it is known by another name, too.
    pub fn close_camera(&self, source: &CameraSource) {
        if self.registry.with_source(source).is_none() {
            self.stop_stream(&source.clone().into());
        }
    }

    /// A camera that never gave a picture is not kept for those who come back at once, unless others wait for it: a viewer, or who
    /// asked for a single picture. Who becomes a viewer at this very moment finds it closed.
    pub fn close_unseen(&self, upstream: &Upstream) {
        let is_awaited =
            self.viewers.watcher_count(upstream.stream.id()) > 0 || !upstream.single_pictures.is_empty();
        let is_camera = upstream.origin.camera().is_some();
        if is_camera && upstream.stream.newest().is_none() && !is_awaited {
            self.stop_this(upstream);
        }
    }

    /// Whether a stream of that name is sent, here or to another process.
    pub fn is_sent(&self, name: &str) -> bool {
        self.running.sent.is_running(&Origin::Sent(name.into())) || self.is_sent_elsewhere(name)
    }

    /// Whether that stream is analysed, or may be: one address has at most three quarters of the places for itself, so that
    /// others find one, too.
    pub fn has_room_to_analyse(&self, origin: &Origin, wish: Wish, from: Option<IpAddr>) -> bool {
        let is_alike = |demand: &Demand| {
            if wish.wants_objects() { demand.wants_objects() } else { demand.is_overlay() }
        };
        if self.analyses.peek(origin).is_some_and(|analysis| is_alike(&analysis.demand)) {
            return true;
        }
        let (all, max) = (self.analyses.all(), self.options().cameras.max_analyses);
        let alike = all.iter().filter(|(_, analysis)| is_alike(&analysis.demand)).count();
        let is_only_of = |from| all.iter().filter(|(_, a)| a.demand.is_only_from(from)).count();
        alike < max && self.analyses.has_room(origin) && has_a_share(from, max, is_only_of)
    }

    /// As [`Self::has_room_to_analyse`], of views.
    fn has_room_to_view(&self, key: &ViewKey, from: Option<IpAddr>) -> bool {
        let is_only_of = |from| self.views.all().iter().filter(|(_, view)| view.is_only_from(from)).count();
        self.views.is_running(key)
            || (self.views.has_room(key) && has_a_share(from, self.views.max(), is_only_of))
    }

    /// Ends the stream of that id for all who watch it; whether there was one.
    pub fn end_stream(&self, id: &str) -> bool {
        let upstream = self.find_stream(id);
        match upstream.as_ref().map(|upstream| (upstream, &upstream.sender)) {
            Some((_, Some(sender))) => sender.end(End::Administrator),
            Some((upstream, None)) => self.close_stream(upstream),
            None => {}
        }
        upstream.is_some()
    }

    /// Whoever watches is told that it was on purpose.
    fn close_stream(&self, upstream: &Upstream) {
        upstream.sent_off.store(true, Ordering::Relaxed);
        self.stop_this(upstream);
    }

    /// At once, with all that was made of it.
    pub(crate) fn stop_stream(&self, origin: &Origin) {
        self.running.for_origin(origin).stop(origin);
        self.stop_what_is_made_of(origin);
    }

    /// As [`Self::stop_stream`], unless another has taken its place.
    fn stop_this(&self, upstream: &Upstream) {
        let origin = &upstream.origin;
        if self.running.for_origin(origin).stop_if(origin, |now, _| std::ptr::eq(&raw const **now, upstream))
        {
            self.stop_what_is_made_of(origin);
        }
    }

    /// Of a stream that was stopped. What is made of its successor, for those who have come since, goes on.
    fn stop_what_is_made_of(&self, origin: &Origin) {
        self.views.stop_over(|key| key.origin() == origin);
        self.analyses.stop_over(|key| key == origin);
    }

    /// Bytes of a picture that said why there was none.
    pub(crate) fn count_banner(&self, origin: &Origin, bytes: usize) {
        self.totals.delivered.for_origin(origin).bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Requests refused because of a limit, so far.
    pub fn refused_count(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Somebody wanted to watch a stream that gives no picture.
    pub(crate) fn gave_none(&self, upstream: &Upstream, why: &Unreachable) {
        self.unreachable.fetch_add(1, Ordering::Relaxed);
        let (id, why) = (&**upstream.stream.id(), why.to_string());
        tracing::warn!(camera = id, "a viewer got no picture of it: {}", lines::short_sentence(&why));
    }

    /// How often somebody wanted to watch a stream that gave no picture.
    pub fn unreachable_count(&self) -> u64 {
        self.unreachable.load(Ordering::Relaxed)
    }

    /// All streams of this process: cameras that are being read, and what is sent here.
    pub fn upstreams(&self) -> Vec<Arc<Upstream>> {
        let all = [&self.running.cameras, &self.running.sent].into_iter().flat_map(OnDemand::all);
        all.map(|(_, upstream)| upstream).collect()
    }

    /// Streams of other processes that are pulled, since somebody here needs them.
    pub fn pulled_streams(&self) -> Vec<Arc<Upstream>> {
        self.running.elsewhere.all().into_iter().map(|(_, upstream)| upstream).collect()
    }

    /// All that are being analysed.
    pub fn analyses(&self) -> Vec<Arc<Analysis>> {
        self.analyses.all().into_iter().map(|(_, analysis)| analysis).collect()
    }

    /// How many views are running.
    pub fn view_count(&self) -> usize {
        self.views.len()
    }

    /// Somebody comes to watch.
    pub fn admit_viewer(&self, arrival: NewViewer) -> Result<Arc<Admission>, WatchError> {
        self.options().memory.admit_work(Work::Viewer)?;
        // Who is refused has a line there.
        self.viewers.admit(arrival).ok_or_else(|| self.refuse_request())
    }

    /// One more than a limit allows, of all or of one address, to get that stream.
    fn too_many(&self, limit: &str, origin: &Origin) -> WatchError {
        let stream = self.id_of(origin);
        tracing::warn!(stream, "it is not opened, analysed or drawn: as many are as may ({limit})");
        self.refuse_request()
    }

    fn refuse_request(&self) -> WatchError {
        self.refused.fetch_add(1, Ordering::Relaxed);
        WatchError::TooMany
    }

    /// Takes a sample of all counters.
    pub fn sample(&self, now: Instant) {
        self.upstreams().iter().chain(&self.pulled_streams()).for_each(|upstream| upstream.sample(now));
        self.viewers.sample(now);
        self.analyses.all().iter().for_each(|(_, analysis)| analysis.sample(now));
        self.views.all().iter().for_each(|(_, view)| view.sample(now));
        let [_, bytes, _] = self.totals.delivered.cameras.counts();
        self.bytes_out.sample(Sample { at: now, counts: [bytes], ages: [] });
        self.offer_capacity();
    }
}

/// Whether somebody may have one more of `max`, who has some for itself already.
fn has_a_share(from: Option<IpAddr>, max: usize, has: impl FnOnce(IpAddr) -> usize) -> bool {
    from.is_none_or(|from| has(from) < max - max / 4)
}

/// What a client asks to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViewRequest {
    /// The stream's own pictures.
    Original,
    /// Those, so far apart at least.
    Apart(Duration),
    /// With what is in them.
    Drawn {
        /// At most so many pictures a second, and looks of the model.
        rate: Rate,
        /// How it is drawn.
        options: ViewOptions,
    },
}
