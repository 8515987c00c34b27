//! Cameras: each is read once however many watch, analysed once however many want to see what is in it, and drawn once
//! for all who want to see the same.
//!
//! - [`registry`]: which cameras there are; [`viewers`]: who watches
//! - [`options`]: what can be chosen; [`source`]: where pictures come from
//! - [`relay`]: streams that are sent
//! - [`upstream`]: a camera that is being read
//! - [`detector`]: which model finds objects; [`analysis`]: objects in a camera's pictures
//! - [`view`]: an analysis drawn one way, encoded once
//! - [`watching`]: what one viewer watches, and at which quality
//! - [`pixels`]: the threads for decoding, drawing, encoding
//! - [`meter`], [`report`]: what can be seen of all this

#![forbid(unsafe_code)]

pub mod analysis;
pub mod detector;
pub mod meter;
pub mod options;
pub mod pixels;
pub mod registry;
pub mod relay;
mod report;
pub mod source;
pub mod upstream;
pub mod view;
pub mod viewers;
pub mod watching;

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sightwire_hub::on_demand::{Lease, OnDemand};
use sightwire_hub::source::web::Web;
use sightwire_hub::stream::{Condition, Producer};
use sightwire_infer::shared::SharedEngine;
use sightwire_measure::lines;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::source::CameraSource;
use analysis::{Analysis, AnalysisKey};
use detector::Detector;
use meter::{Meter, Sample, Totals};
use pixels::Pixels;
use registry::Registry;
use upstream::Upstream;
use view::{Basis, Look, View, ViewKey};
use viewers::{PerUse, Viewers};

pub use options::Options;

/// Single pictures that may wait for the model, beside those that it works on.
const STILLS_WAITING: usize = 2;

/// A camera that somebody watches.
pub type CameraLease = Lease<CameraSource, Upstream>;
/// An analysis that somebody needs.
pub type AnalysisLease = Lease<AnalysisKey, Analysis>;
/// A view that somebody watches.
pub type ViewLease = Lease<ViewKey, View>;

/// All cameras, and everything that runs for those who watch them.
#[derive(Debug)]
pub struct Cameras {
    /// Which there are.
    pub registry: Registry,
    /// Who watches.
    pub viewers: Arc<Viewers>,
    /// Finds objects.
    pub detector: Arc<Detector>,
    /// Threads for pixels.
    pub pixels: Arc<Pixels>,
    options: Arc<Options>,
    web: Web,
    upstreams: OnDemand<CameraSource, Upstream>,
    /// Streams that somebody sends; running as long as their streamers are.
    relayed: OnDemand<CameraSource, Upstream>,
    analyses: OnDemand<AnalysisKey, Analysis>,
    views: OnDemand<ViewKey, View>,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Over all cameras.
    pub totals: Arc<Totals>,
    /// Single pictures that may be analysed at once; streams come first.
    pub stills: Arc<Semaphore>,
    ids: RandomState,
    bytes_out: Meter<1, 0>,
    refused: AtomicU64,
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
    #[error("{0}")]
    Address(String),
    /// The name belongs to another stream.
    #[error("The name {0:?} belongs to a camera of this server. Please choose another.")]
    Taken(String),
    /// A limit.
    #[error("Too many active streams. Please try again.")]
    TooMany,
    /// No picture.
    #[error("{0}")]
    Unreachable(String),
}

impl Cameras {
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
        let web = Web::new(Arc::new(cameras.allow.clone()));
        // What lingers is the camera and its analysis, each for itself; a view is made anew in a moment.
        let (linger, at_once) = (cameras.linger, Duration::ZERO);
        let upstreams = OnDemand::new(cameras.max_upstreams, linger, tasks.clone(), stop.clone());
        let relayed = OnDemand::new(options.relay.max_streams, at_once, tasks.clone(), stop.clone());
        let analyses = OnDemand::new(cameras.max_analyses, linger, tasks.clone(), stop.clone());
        let views = OnDemand::new(cameras.max_views, at_once, tasks.clone(), stop.clone());
        let pixels = Arc::new(Pixels::new(options.threads).context("cannot start threads")?);
        let detector = Detector::new(options.clone(), engine);
        let this = Arc::new(Self {
            registry,
            viewers: Viewers::new(PerUse { cameras: cameras.max_viewers, relay: options.relay.max_viewers }),
            detector,
            pixels,
            web,
            upstreams,
            relayed,
            analyses,
            views,
            tasks: tasks.clone(),
            stop: stop.clone(),
            totals: Arc::default(),
            stills: Arc::new(Semaphore::new(options.threads + STILLS_WAITING)),
            ids: RandomState::new(),
            bytes_out: Meter::default(),
            refused: AtomicU64::new(0),
            options,
        });
        for camera in this.registry.all() {
            if let Err(reason) = this.check(&camera.table.source) {
                let reason = lines::sentence(&reason);
                tracing::warn!(camera = camera.table.id, "it was added when that was allowed: {reason}");
            }
        }
        tasks.spawn(this.clone().sample(stop.clone()));
        Ok(this)
    }

    /// As loaded.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Whether a client may name that address, as far as can be told before its name is resolved.
    pub fn check(&self, source: &CameraSource) -> Result<(), String> {
        let configured = self.registry.with_source(source).is_some_and(|camera| camera.configured);
        match source.url() {
            Some(url) if !configured => self.web.check(url).map_err(|error| error.to_string()),
            _ => Ok(()),
        }
    }

    /// Whether any page may name that address: only a camera that is known, or what the configuration lists.
    pub fn check_listed(&self, source: &CameraSource) -> Result<(), String> {
        match source.url() {
            Some(url) if self.registry.with_source(source).is_none() => {
                let listed = self.options.cameras.listed.is_listed(url);
                let reason = "pages from elsewhere may only name cameras that are known, or addresses in cameras.allow";
                if listed { Ok(()) } else { Err(reason.to_owned()) }
            }
            _ => Ok(()),
        }
    }

    /// What a source is opened with; for a try of one, too.
    pub fn means(&self) -> upstream::Means {
        upstream::Means {
            web: self.web.clone(),
            pixels: self.pixels.clone(),
            options: self.options.clone(),
            tasks: self.tasks.clone(),
        }
    }

    /// Opens a camera, or joins those who watch it.
    pub fn open(&self, source: &CameraSource) -> Result<CameraLease, WatchError> {
        if matches!(source, CameraSource::Relay(_)) {
            return self.relayed.join(source).ok_or_else(|| WatchError::Unknown(source.shown()));
        }
        self.check(source).map_err(WatchError::Address)?;
        let id = self.id_of(source);
        let start = |stop| Upstream::start(&id, source, &self.means(), stop);
        if !self.upstreams.has_room(source) {
            self.drop_idle();
        }
        self.upstreams.get(source, start).map_err(|_| self.too_many())
    }

    /// Begins a stream that somebody sends. Whoever holds the lease ends it with [`Self::close`].
    pub fn begin_relay(&self, name: &str) -> Result<(CameraLease, Producer), WatchError> {
        let source = CameraSource::Relay(name.into());
        if self.registry.get(name).is_some()
            || self.upstreams.all().iter().any(|(_, u)| **u.stream.id() == *name)
        {
            return Err(WatchError::Taken(name.to_owned()));
        }
        // One that has ended and is not gone yet makes room for its successor.
        if self.relayed.peek(&source).is_some_and(|u| u.stream.state().condition == Condition::Ended) {
            self.stop(&source);
        }
        let mut begun = None;
        let start = |stop| {
            let (upstream, producer) = Upstream::relay(name, &self.means(), stop);
            begun = Some(producer);
            upstream
        };
        let lease = self.relayed.get(&source, start).map_err(|_| WatchError::TooMany)?;
        begun.map(|producer| (lease, producer)).ok_or_else(|| WatchError::Taken(name.to_owned()))
    }

    /// The stream id of a camera: its own if it is registered. The secret parts of an address are not to be guessed from it.
    pub fn id_of(&self, source: &CameraSource) -> String {
        match (source, self.registry.with_source(source)) {
            (CameraSource::Relay(name), _) => name.to_string(),
            (_, Some(camera)) => camera.table.id,
            (_, None) => format!("url-{:016x}", self.ids.hash_one(source)),
        }
    }

    /// Whether a camera runs, or may be opened without closing another.
    pub fn has_room(&self, source: &CameraSource) -> bool {
        matches!(source, CameraSource::Relay(_))
            || self.upstreams.peek(source).is_some()
            || self.upstreams.len() < self.upstreams.max()
    }

    /// For those who look at single pictures again and again: a camera stays open from one to the next, however short
    /// the linger time is.
    pub fn keep_a_moment(&self, camera: Arc<CameraLease>) {
        const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
        if self.options.cameras.linger < BETWEEN_LOOKS {
            let stop = self.stop.clone();
            self.tasks.spawn(async move {
                let _ = tokio::time::timeout(BETWEEN_LOOKS, stop.cancelled()).await;
                drop(camera);
            });
        }
    }

    /// Closes a camera that is only kept by analyses which linger.
    fn drop_idle(&self) {
        for (_, upstream) in self.upstreams.all() {
            let source = &upstream.source;
            let of_it: Vec<AnalysisKey> = self
                .analyses
                .all()
                .into_iter()
                .map(|(key, _)| key)
                .filter(|key| key.source == *source)
                .collect();
            let idle = of_it.iter().all(|key| self.analyses.leases(key) == 0);
            if idle && self.upstreams.leases(source) <= of_it.len() {
                for key in &of_it {
                    self.analyses.stop(key);
                }
                self.upstreams.stop(source);
                return;
            }
        }
    }

    /// The running stream of that id.
    pub fn find(&self, id: &str) -> Option<Arc<Upstream>> {
        if let Some(relayed) = self.relayed.peek(&CameraSource::Relay(id.into())) {
            return Some(relayed);
        }
        let source = self.registry.get(id).map(|camera| camera.table.source);
        let by_source = source.and_then(|source| self.upstreams.peek(&source));
        by_source.or_else(|| {
            self.upstreams.all().into_iter().map(|(_, upstream)| upstream).find(|u| &**u.stream.id() == id)
        })
    }

    /// Analyses a camera, or joins those who do.
    pub fn analyse(&self, key: &AnalysisKey) -> Result<AnalysisLease, WatchError> {
        if !self.analyses.has_room(key) {
            return Err(self.too_many()); // before a camera is opened for it
        }
        // One whose camera was closed under it gives nothing any more.
        let is_over = |a: Arc<Analysis>| a.upstream.stream.state().condition == Condition::Ended;
        if self.analyses.peek(key).is_some_and(is_over) {
            self.analyses.stop(key);
        }
        let camera = self.open(&key.source)?;
        let (stop_now, means) = (std::cell::RefCell::new(None), self.analysis_means());
        let lease = self
            .analyses
            .get(key, |stop| {
                *stop_now.borrow_mut() = Some(stop);
                Analysis::new(key.clone(), camera)
            })
            .map_err(|_| self.too_many())?;
        if let Some(stop) = stop_now.into_inner() {
            self.tasks.spawn(lease.value().clone().run(means, stop));
        }
        Ok(lease)
    }

    /// Makes a view, or joins those who watch it.
    pub fn view(&self, key: &ViewKey) -> Result<ViewLease, WatchError> {
        if !self.views.has_room(key) {
            return Err(self.too_many());
        }
        if self.views.peek(key).is_some_and(|v| v.upstream().stream.state().condition == Condition::Ended) {
            self.views.stop(key);
        }
        let basis = match key {
            ViewKey::Plain { source, .. } => Basis::Camera(self.open(source)?),
            ViewKey::Drawn { analysis, .. } => Basis::Analysis(self.analyse(analysis)?),
        };
        let begun = std::cell::RefCell::new(None);
        let lease = self
            .views
            .get(key, |stop| {
                let (view, producer) = View::new(key.clone(), basis);
                *begun.borrow_mut() = Some((producer, stop));
                view
            })
            .map_err(|_| self.too_many())?;
        if let Some((producer, stop)) = begun.into_inner() {
            let means = view::Means {
                pixels: self.pixels.clone(),
                detector: self.detector.clone(),
                limits: self.options.pictures,
            };
            self.tasks.spawn(view::run(lease.value().clone(), producer, means, stop));
        }
        Ok(lease)
    }

    /// A camera was changed or taken away: whoever watches it is sent off, unless it is known by another name, too.
    pub fn close(&self, source: &CameraSource) {
        if self.registry.with_source(source).is_none() {
            self.stop(source);
        }
    }

    /// A camera that never gave a picture is not kept for those who come back at once, unless somebody waits for it.
    pub fn close_unseen(&self, upstream: &Upstream) {
        let is_camera = !matches!(upstream.source, CameraSource::Relay(_));
        if is_camera && upstream.stream.newest().is_none() && self.viewers.count(upstream.stream.id()) == 0 {
            self.stop(&upstream.source);
        }
    }

    /// Whether a stream of that name is sent.
    pub fn is_sent(&self, name: &str) -> bool {
        self.relayed.peek(&CameraSource::Relay(name.into())).is_some()
    }

    /// Whether another analysis like that may run.
    pub fn has_room_to_analyse(&self, key: &AnalysisKey) -> bool {
        self.analyses.has_room(key)
    }

    /// Closes the camera of that stream id for all who watch it; whether it was open.
    pub fn end(&self, id: &str) -> bool {
        let upstream = self.find(id);
        if let Some(upstream) = &upstream {
            upstream.sent_off.store(true, Ordering::Relaxed);
            self.stop(&upstream.source);
        }
        upstream.is_some()
    }

    /// Cameras that are being read.
    pub fn open_cameras(&self) -> usize {
        self.upstreams.len()
    }

    fn stop(&self, source: &CameraSource) {
        for (key, _) in self.views.all().iter().filter(|(key, _)| key.source() == source) {
            self.views.stop(key);
        }
        for (key, _) in self.analyses.all().iter().filter(|(key, _)| key.source == *source) {
            self.analyses.stop(key);
        }
        self.upstreams.stop(source);
        self.relayed.stop(source);
    }

    /// Bytes of pictures given to viewers.
    pub fn count_delivery(&self, bytes: usize) {
        self.totals.delivered_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Bytes given to viewers, and requests refused because of a limit, so far.
    pub fn counts(&self) -> (u64, u64) {
        (self.totals.delivered_bytes.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }

    /// All streams: cameras that are being read, and what is sent.
    pub fn upstreams(&self) -> Vec<Arc<Upstream>> {
        let all = self.upstreams.all().into_iter().chain(self.relayed.all());
        all.map(|(_, upstream)| upstream).collect()
    }

    /// All that are being analysed.
    pub fn analyses(&self) -> Vec<Arc<Analysis>> {
        self.analyses.all().into_iter().map(|(_, analysis)| analysis).collect()
    }

    /// Views now.
    pub fn views(&self) -> usize {
        self.views.len()
    }

    /// One more than a limit allows.
    pub fn too_many(&self) -> WatchError {
        self.refused.fetch_add(1, Ordering::Relaxed);
        WatchError::TooMany
    }

    fn analysis_means(&self) -> analysis::Means {
        analysis::Means {
            detector: self.detector.clone(),
            pixels: self.pixels.clone(),
            options: self.options.clone(),
            totals: self.totals.clone(),
        }
    }

    async fn sample(self: Arc<Self>, stop: CancellationToken) {
        let mut interval = tokio::time::interval(meter::INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = interval.tick() => {}
            }
            let now = Instant::now();
            self.upstreams().iter().for_each(|upstream| upstream.sample(now));
            self.viewers.sample(now);
            self.analyses.all().iter().for_each(|(_, analysis)| analysis.sample(now));
            self.views.all().iter().for_each(|(_, view)| view.sample(now));
            let bytes = self.totals.delivered_bytes.load(Ordering::Relaxed);
            self.bytes_out.sample(Sample { at: now, counts: [bytes], ages: [] });
        }
    }
}

/// What a client asks to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The camera's own pictures.
    Original,
    /// With what is in them.
    Drawn {
        /// Pictures a second at most, 1–30.
        fps: u8,
        /// Every so-many-th picture is looked at.
        skip_frames: u8,
        /// How it is drawn.
        look: Look,
    },
}
