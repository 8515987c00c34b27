//! The directory of streams: each is one, wherever its pictures come from and however many watch; it is analysed once however
//! many want to see what is in it, and drawn once for all who want to see the same.
//!
//! - [`origin`]: where a stream's frames come from: [`source`], a camera, or [`relay`], a sender
//! - `elsewhere`: streams of other processes; `places`: who may have a stream opened
//! - `shared`: a camera that several processes know
//! - [`relay`]: also when a silent sender is given up (`watchdog`), and how long a slow viewer may take for a frame (`pace`)
//! - `reconfigure`: what can be chosen anew while streams are watched
//! - [`private`]: cameras in private networks
//! - [`registry`]: which cameras there are; [`viewers`]: who watches
//! - [`options`]: what can be chosen
//! - [`upstream`]: a running stream
//! - [`detector`]: which model finds objects; [`remote`]: one elsewhere; `looker`: what looks; [`analysis`]: objects in a stream's pictures; `follow`: as another process sees them; [`demand`]: how often
//! - [`hands`], [`bodies`]: hands and bodies in the pictures; [`overlay`]: as old viewers draw them
//! - [`view`]: an analysis drawn one way, encoded once
//! - [`watching`]: what one viewer watches, and at which quality
//! - [`stills`]: what is in a single picture; `tries`: one picture of a camera, now; [`look`]: at a camera, without a server
//! - [`pixels`]: the threads for decoding, drawing, encoding
//! - [`totals`], [`report`]: what can be seen of all this

#![forbid(unsafe_code)]

pub mod analysis;
pub mod bodies;
pub mod demand;
pub mod detector;
mod elsewhere;
mod follow;
pub mod hands;
pub mod known;
pub mod look;
mod looker;
pub mod options;
pub mod origin;
pub mod overlay;
pub mod pixels;
mod places;
pub mod private;
mod reconfigure;
pub mod registry;
pub mod relay;
pub mod remote;
pub mod report;
mod shared;
pub mod source;
pub mod stills;
pub mod totals;
mod tries;
pub mod upstream;
pub mod view;
pub mod viewers;
pub mod watching;

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use parking_lot::{Mutex, RwLock};
use sightwire_engine::shared::SharedEngine;
use sightwire_hub::on_demand::{Lease, OnDemand};
use sightwire_hub::source::web::Web;
use sightwire_hub::stream::{Producer, Stream};
use sightwire_measure::address::counted;
use sightwire_measure::lines;
use sightwire_measure::memory::{OutOfMemory, Work};
use sightwire_measure::meter::{Meter, Sample};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::source::{CameraError, CameraSource};
use analysis::Analysis;
use bodies::Bodies;
use demand::{Analysing, AnalysisLease, Demand, MAX_SKIP, Rate, Wish};
use detector::Detector;
use hands::Hands;
use origin::Origin;
use pixels::Pixels;
use places::Running;
use private::{AskedFrom, LeadsTo, Reach};
use registry::Registry;
use relay::{End, Sender};
use stills::Stills;
use totals::Totals;
pub use tries::Unreachable;
use upstream::Upstream;
use view::{Basis, View, ViewKey, ViewLease, ViewOptions};
use viewers::{Admission, NewViewer, PerUse, Viewers};

pub use elsewhere::NotEnded;
pub use options::Options;

/// Other processes that may pull each stream.
const MAX_PROCESSES: usize = 64;
/// Limits, as the log names them.
const MAX_ANALYSES: &str = "cameras.max_analyses";
const MAX_VIEWS: &str = "cameras.max_views";

/// A stream that somebody needs.
pub type StreamLease = Lease<Origin, Upstream>;

/// What streams, analyses and views run with.
#[derive(Clone, Debug)]
pub struct Dependencies {
    /// The model that finds objects.
    pub(crate) detector: Arc<Detector>,
    /// The model that finds hands.
    pub(crate) hands: Arc<Hands>,
    /// The model that finds bodies.
    pub(crate) bodies: Arc<Bodies>,
    /// Threads that decode, draw and encode.
    pub(crate) pixels: Arc<Pixels>,
    /// As loaded at the start; none of them changes while the server runs.
    pub(crate) options: Arc<Options>,
    /// Over all of them.
    pub(crate) totals: Arc<Totals>,
    /// Whose tasks they are.
    pub(crate) tasks: TaskTracker,
}

/// All streams, and everything that runs for those who watch them.
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
    pub pixels: Arc<Pixels>,
    options: RwLock<Arc<Options>>,
    reach: RwLock<Reach>,
    /// Cameras and what is sent elsewhere run while somebody needs them, and what is sent here as long as its sender is there.
    running: Running,
    /// One of each stream, however fast it is wanted.
    analyses: OnDemand<Origin, Analysis>,
    analysing: Arc<Analysing>,
    /// Held from the question whether there is room for an analysis until it has its place.
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
fn places(max_analyses: usize) -> usize {
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
        let reach = Reach::new(&cameras.allow, cameras.private);
        // What lingers is the camera and its analysis, each for itself; a view is made anew in a moment.
        let (linger, at_once) = (cameras.linger, Duration::ZERO);
        let running = Running::new(&options, tasks, stop);
        let analyses = OnDemand::new(
            places(cameras.max_analyses),
            linger,
            Analysis::is_over,
            tasks.clone(),
            stop.clone(),
        );
        let views = OnDemand::new(cameras.max_views, at_once, View::is_over, tasks.clone(), stop.clone());
        let pixels = Arc::new(pixels::start(options.threads).context("cannot start threads")?);
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
            if let Err(reason) = this.check(&camera.table.source, AskedFrom::Elsewhere) {
                let reason = reason.to_string();
                let reason = lines::sentence(&reason);
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
    pub fn check(&self, source: &CameraSource, from: AskedFrom) -> Result<(), CameraError> {
        let reach = self.reach.read();
        match (self.registry.with_source(source), source.url()) {
            (Some(camera), _) if camera.configured => Ok(()),
            (Some(camera), Some(url)) => Ok(reach.known(camera.leads_to).check(url)?),
            _ => reach.check_named(source, from),
        }
    }

    /// Whether that address may be kept as a camera by whoever asks from there; if so, where it may lead to.
    pub fn check_new(&self, source: &CameraSource, from: AskedFrom) -> Result<LeadsTo, CameraError> {
        self.check(source, from)?;
        Ok(self.reach.read().leads_to(from))
    }

    /// What that camera is connected to with.
    fn web(&self, source: &CameraSource, from: AskedFrom) -> Web {
        let reach = self.reach.read();
        let known = self.registry.with_source(source);
        known.map_or_else(|| reach.named(from), |camera| reach.known(camera.leads_to)).clone()
    }

    fn closed_networks(&self, known: &[registry::Camera]) -> Option<String> {
        let options = self.options();
        options.cameras.private.closed(&options.cameras.allow, known)
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

    /// Begins a stream that somebody sends. Whoever holds the lease ends it with [`Self::stop`].
    fn begin_sent(
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
        let start = |stop| Upstream::sent(name, sender, &self.dependencies(), stop);
        let (lease, producer) = self.running.sent.get(&origin, start).map_err(|_| WatchError::TooMany)?;
        Ok((lease, producer.ok_or_else(taken)?))
    }

    /// Whether a camera here has that name.
    fn has_camera(&self, name: &str) -> bool {
        let cameras = self.running.cameras.all();
        self.registry.get(name).is_some() || cameras.iter().any(|(_, u)| **u.stream.id() == *name)
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
    pub fn find(&self, id: &str) -> Option<Arc<Upstream>> {
        let named = [Some(Origin::Sent(id.into())), self.registered(id)];
        let running = named.iter().flatten().find_map(|origin| self.running.of(origin).peek(origin));
        running.or_else(|| self.upstreams().into_iter().find(|upstream| **upstream.stream.id() == *id))
    }

    /// The origin of a registered camera, of a running stream, or of one that another process has.
    pub fn named(&self, id: &str) -> Option<Origin> {
        let here = self.registered(id).or_else(|| self.find(id).map(|upstream| upstream.origin.clone()));
        here.or_else(|| self.elsewhere(id))
    }

    fn registered(&self, id: &str) -> Option<Origin> {
        self.registry.get(id).map(|camera| camera.table.source.into())
    }

    /// Analyses a stream at that rate, or joins those who do; `from` is whoever asks.
    pub fn analyse(
        &self,
        origin: &Origin,
        (wish, rate): (Wish, Rate),
        from: Option<IpAddr>,
    ) -> Result<AnalysisLease, WatchError> {
        let from = from.map(counted);
        let _one_by_one = self.beginning.lock();
        if !self.has_room_to_analyse(origin, wish, from) {
            return Err(self.too_many(MAX_ANALYSES, origin)); // before a camera is opened for it
        }
        let (stream, deps) = (self.open(origin)?, self.dependencies());
        let start = |stop| (Analysis::new(stream, rate, self.analysing.clone()), stop);
        let begun = self.analyses.get(origin, start);
        let (lease, begun) = begun.map_err(|_| self.too_many(MAX_ANALYSES, origin))?;
        // It begins when it is known what is wanted.
        let lease = AnalysisLease::new(lease, (wish, rate), from);
        if let Some(stop) = begun {
            self.tasks.spawn(lease.value().clone().run(deps, stop));
        }
        Ok(lease)
    }

    /// Makes a view, or joins those who watch it; every `skip_frames`-th picture is looked at for whoever asks, `from`.
    pub fn view(
        &self,
        key: &ViewKey,
        skip_frames: u8,
        from: Option<IpAddr>,
    ) -> Result<ViewLease, WatchError> {
        let from = from.map(counted);
        if !self.has_room_to_view(key, from) {
            return Err(self.too_many(MAX_VIEWS, key.origin()));
        }
        let (basis, analysis) = match key {
            ViewKey::Plain { origin, .. } => (Basis::Stream(self.open(origin)?), None),
            ViewKey::Drawn { origin, fps, .. } => {
                let rate = |skip_frames| (Wish::Objects, Rate { fps: *fps, skip_frames });
                let of_viewer = self.analyse(origin, rate(skip_frames), from)?;
                (Basis::Analysis(self.analyse(origin, rate(MAX_SKIP), None)?), Some(of_viewer))
            }
        };
        let start = |stop| {
            let (view, producer) = View::new(key.clone(), basis);
            (view, (producer, stop))
        };
        let begun = self.views.get(key, start);
        let (view, begun) = begun.map_err(|_| self.too_many(MAX_VIEWS, key.origin()))?;
        if let Some((producer, stop)) = begun {
            self.tasks.spawn(view::run(view.value().clone(), producer, self.dependencies(), stop));
        }
        Ok(ViewLease::new(view, from, analysis))
    }

    /// A camera was changed or taken away: whoever watches it is sent off, unless it is known by another name, too.
    pub fn close_camera(&self, source: &CameraSource) {
        if self.registry.with_source(source).is_none() {
            self.stop(&source.clone().into());
        }
    }

    /// A camera that never gave a picture is not kept for those who come back at once, unless somebody waits for it.
    pub fn close_unseen(&self, upstream: &Upstream) {
        let is_camera = upstream.origin.camera().is_some();
        if is_camera && upstream.stream.newest().is_none() && self.viewers.count(upstream.stream.id()) == 0 {
            self.stop_this(upstream);
        }
    }

    /// Whether a stream of that name is sent, here or to another process.
    pub fn is_sent(&self, name: &str) -> bool {
        self.running.sent.has(&Origin::Sent(name.into())) || self.is_sent_elsewhere(name)
    }

    /// Whether that stream is analysed, or may be: one address has at most three quarters of the places for itself, so that
    /// others find one, too.
    pub fn has_room_to_analyse(&self, origin: &Origin, wish: Wish, from: Option<IpAddr>) -> bool {
        let is_alike = |demand: &Demand| {
            if wish.is_of_objects() { demand.is_of_objects() } else { demand.is_overlay() }
        };
        if self.analyses.peek(origin).is_some_and(|analysis| is_alike(&analysis.demand)) {
            return true;
        }
        let (all, max) = (self.analyses.all(), self.options().cameras.max_analyses);
        let alike = all.iter().filter(|(_, analysis)| is_alike(&analysis.demand)).count();
        let is_only_of = |from| all.iter().filter(|(_, a)| a.demand.is_only_of(from)).count();
        alike < max && self.analyses.has_room(origin) && has_a_share(from, max, is_only_of)
    }

    /// As [`Self::has_room_to_analyse`], of views.
    fn has_room_to_view(&self, key: &ViewKey, from: Option<IpAddr>) -> bool {
        let is_only_of = |from| self.views.all().iter().filter(|(_, view)| view.is_only_of(from)).count();
        self.views.has(key) || (self.views.has_room(key) && has_a_share(from, self.views.max(), is_only_of))
    }

    /// Ends the stream of that id for all who watch it; whether there was one.
    pub fn end(&self, id: &str) -> bool {
        let upstream = self.find(id);
        match upstream.as_ref().map(|upstream| (upstream, &upstream.sender)) {
            Some((_, Some(sender))) => sender.end(End::Administrator),
            Some((upstream, None)) => self.close(upstream),
            None => {}
        }
        upstream.is_some()
    }

    /// Whoever watches is told that it was on purpose.
    fn close(&self, upstream: &Upstream) {
        upstream.sent_off.store(true, Ordering::Relaxed);
        self.stop_this(upstream);
    }

    /// At once, with all that was made of it.
    fn stop(&self, origin: &Origin) {
        self.running.of(origin).stop(origin);
        self.stop_what_is_made_of(origin);
    }

    /// As [`Self::stop`], unless another has taken its place.
    fn stop_this(&self, upstream: &Upstream) {
        let origin = &upstream.origin;
        if self.running.of(origin).stop_if(origin, |now, _| std::ptr::eq(&raw const **now, upstream)) {
            self.stop_what_is_made_of(origin);
        }
    }

    /// Of a stream that was stopped. What is made of its successor, for those who have come since, goes on.
    fn stop_what_is_made_of(&self, origin: &Origin) {
        self.views.stop_over(|key| key.origin() == origin);
        self.analyses.stop_over(|key| key == origin);
    }

    /// Bytes of a picture that said why there was none.
    fn count_banner(&self, origin: &Origin, bytes: usize) {
        self.totals.delivered.of(origin).bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Requests refused because of a limit, so far.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Somebody wanted to watch a stream that gives no picture.
    fn gave_none(&self, upstream: &Upstream, why: &Unreachable) {
        self.unreachable.fetch_add(1, Ordering::Relaxed);
        let (id, why) = (&**upstream.stream.id(), why.to_string());
        tracing::warn!(camera = id, "a viewer got no picture of it: {}", lines::sentence(&why));
    }

    /// How often somebody wanted to watch a stream that gave no picture.
    pub fn unreachable(&self) -> u64 {
        self.unreachable.load(Ordering::Relaxed)
    }

    /// All streams of this process: cameras that are being read, and what is sent here.
    pub fn upstreams(&self) -> Vec<Arc<Upstream>> {
        let all = [&self.running.cameras, &self.running.sent].into_iter().flat_map(OnDemand::all);
        all.map(|(_, upstream)| upstream).collect()
    }

    /// Streams of other processes that are pulled, since somebody here needs them.
    pub fn pulled(&self) -> Vec<Arc<Upstream>> {
        self.running.elsewhere.all().into_iter().map(|(_, upstream)| upstream).collect()
    }

    /// All that are being analysed.
    pub fn analyses(&self) -> Vec<Arc<Analysis>> {
        self.analyses.all().into_iter().map(|(_, analysis)| analysis).collect()
    }

    /// How many views are running.
    pub fn views(&self) -> usize {
        self.views.len()
    }

    /// Somebody comes to watch.
    pub fn admit(&self, arrival: NewViewer) -> Result<Arc<Admission>, WatchError> {
        self.options().memory.admit(Work::Viewer)?;
        // Who is refused has a line there.
        self.viewers.admit(arrival).ok_or_else(|| self.refuse())
    }

    /// One more than a limit allows, of all or of one address, to get that stream.
    fn too_many(&self, limit: &str, origin: &Origin) -> WatchError {
        let stream = self.id_of(origin);
        tracing::warn!(stream, "it is not opened, analysed or drawn: as many are as may ({limit})");
        self.refuse()
    }

    fn refuse(&self) -> WatchError {
        self.refused.fetch_add(1, Ordering::Relaxed);
        WatchError::TooMany
    }

    /// Takes a sample of all counters.
    pub fn sample(&self, now: Instant) {
        self.upstreams().iter().chain(&self.pulled()).for_each(|upstream| upstream.sample(now));
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
