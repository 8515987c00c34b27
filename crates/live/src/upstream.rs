//! A running stream: a camera that is being read over one connection, however many watch, or what somebody sends, here or to
//! another process.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use sightwire_annotate::{self as annotate, Edge, Tone};
use sightwire_base::meter::{Meter, Sample};
use sightwire_base::{clock, lines};
use sightwire_cluster::Cluster;
use sightwire_cluster::entry::Token;
use sightwire_cluster::pull::{PullOptions, What};
use sightwire_hub::multipart;
use sightwire_hub::on_demand::Lease;
use sightwire_hub::picture::{Picture, Pixels};
use sightwire_hub::reader::{ReaderOptions, read_source};
use sightwire_hub::source::Source;
use sightwire_hub::source::capture::{Capture, CaptureOptions};
use sightwire_hub::source::folder::Folder;
use sightwire_hub::source::mjpeg::{Mjpeg, MjpegOptions};
use sightwire_hub::source::scenery::Scenery;
use sightwire_hub::source::simulated::{Draw, Simulated};
use sightwire_hub::source::web::Web;
use sightwire_hub::stream::{Condition, Producer, State, Stream, Update};
use sightwire_synth::scene::Scene;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::dependencies::Dependencies;
use crate::origin::Origin;
use crate::pixels::{PixelPool, Tools};
use crate::sender::Sender;
use crate::shared::{SharedCamera, SourceLocation};
use crate::source::CameraSource;
use crate::totals::lost_percent;

/// How often viewers of a camera without pictures get a new banner.
const BANNER_EVERY: Duration = Duration::from_secs(1);
/// A line in the log for the first picture of a camera, and for one of this many after it.
const LOG_EVERY: u64 = 100;
/// A process that says nothing of a camera for this long is asked for it no more.
const GIVE_UP: Duration = Duration::from_secs(5);
/// Of banners; they need no better.
pub(crate) const BANNER_QUALITY: u8 = 80;
/// Each simulated camera shows the same.
const SCENE_SEED: u64 = 1;
/// Size of a banner before the first picture, px.
const PLACEHOLDER: (u32, u32) = (640, 480);

/// A stream that somebody needs.
pub type StreamLease = Lease<Origin, Upstream>;

/// A stream that runs: a camera that is being read, what somebody sends, or a stream that is pulled from another process.
#[derive(Debug)]
pub struct Upstream {
    /// The pictures as they come; views and analyses make theirs of them.
    pub stream: Arc<Stream>,
    /// Where they come from.
    pub origin: Origin,
    /// Who sends it, if it is sent.
    pub sender: Option<Arc<Sender>>,
    /// Pictures and bytes that came, bytes, pictures given to viewers, pictures missed; the age of those that were given.
    pub meter: Meter<5, 1>,
    /// When it was opened.
    pub since: Instant,
    /// The client that had it opened, where a client named it by its address.
    pub asked_by: OnceLock<IpAddr>,
    /// Has a token of each who waits for a single picture of it.
    pub single_pictures: TaskTracker,
    /// It was closed for all who watch it, on purpose.
    pub sent_off: AtomicBool,
    /// Where a camera's pictures come from that several processes know.
    pub place: Arc<SourceLocation>,
    stop: CancellationToken,
}

impl Upstream {
    /// Begins to read a camera, until `stop`; or, if it `is_shared` with other processes, one of them does.
    pub fn from_camera(
        id: &str,
        is_shared: bool,
        source: &CameraSource,
        reads: Box<dyn Source>,
        deps: &Dependencies,
        stop: CancellationToken,
    ) -> Self {
        let (stream, producer) = Stream::new(id, clock::now());
        let cameras = &deps.options.cameras;
        let options = ReaderOptions {
            stalled_after: cameras.stalled_after,
            every: source.fps().map(|fps| Duration::from_secs_f64(1.0 / fps)),
            // A folder may hold one picture; a camera's noise makes each another.
            frozen_after: cameras.frozen_after.filter(|_| source.url().is_some()),
            ..ReaderOptions::default()
        };
        let seed = fastrand::u64(..);
        tracing::info!(camera = id, "opening {}", lines::short_line(&source.shown_address()));
        let (token, name) = (stop.clone(), id.to_owned());
        let address = source.url().map(|url| format!("{:?} {url}", source.mode())).unwrap_or_default();
        let cluster = deps.options.cluster.clone().filter(|_| is_shared);
        let cluster = cluster.map(|cluster| (cluster.camera_mark(&address), cluster));
        let place = Arc::new(SourceLocation::with_mark(cluster.as_ref().map(|(mark, _)| mark.clone())));
        let pulls = PullOptions { max_picture: cameras.max_frame_bytes, give_up: Some(GIVE_UP) };
        let (shared_place, shared_id) = (place.clone(), Arc::from(id));
        deps.tasks.spawn(async move {
            let mut producer = producer;
            let reading = async {
                match cluster {
                    Some((mark, cluster)) => {
                        let (id, place) = (shared_id, shared_place);
                        let camera = SharedCamera {
                            id,
                            mark,
                            cluster,
                            place,
                            source: reads,
                            reads: options,
                            pulls,
                            seed,
                        };
                        camera.run(producer).await;
                    }
                    None => read_source(&*reads, &mut producer, options, seed).await,
                }
            };
            tokio::select! {
                () = token.cancelled() => {}
                () = reading => {}
            }
            tracing::info!(camera = name, "closed");
        });
        Self { place, ..Self::new(stream, source.clone().into(), None, deps, stop) }
    }

    /// What somebody sends: the holder of the producer writes it; only its banners are made here, until `stop`.
    pub fn from_sender(
        id: &str,
        sender: impl FnOnce(&Arc<Stream>) -> Arc<Sender>,
        deps: &Dependencies,
        stop: CancellationToken,
    ) -> (Self, Producer) {
        let (stream, producer) = Stream::new(id, clock::now());
        let sender = sender(&stream);
        (Self::new(stream, Origin::Sent(id.into()), Some(sender), deps, stop), producer)
    }

    /// What somebody sends to another process: pulled from there until `stop`.
    pub fn from_process(
        origin: &Origin,
        name: &Arc<str>,
        token: Token,
        process: Arc<str>,
        cluster: Arc<Cluster>,
        deps: &Dependencies,
        stop: CancellationToken,
    ) -> Self {
        let (stream, producer) = Stream::new(name, clock::now());
        let relay = &deps.options.relay;
        // While the other process is known to have it, it stalls.
        let options = PullOptions { max_picture: relay.max_frame_bytes, give_up: None };
        let (until, id) = (stop.clone(), name.clone());
        deps.tasks.spawn(async move {
            tracing::debug!(stream = &*id, "pulled from another process");
            let mut producer = producer;
            let why = tokio::select! {
                () = until.cancelled() => None,
                why = cluster.pull_stream(&id, What::Sent(token), &mut producer, options) => Some(why),
            };
            if let Some(why) = why {
                producer.end(&why, clock::now());
            }
            tracing::debug!(stream = &*id, "not pulled any more");
        });
        let this = Self::new(stream, origin.clone(), None, deps, stop);
        Self { place: Arc::new(SourceLocation::with_process(process)), ..this }
    }

    fn new(
        stream: Arc<Stream>,
        origin: Origin,
        sender: Option<Arc<Sender>>,
        deps: &Dependencies,
        stop: CancellationToken,
    ) -> Self {
        // Of what is sent the relay tells, here or elsewhere.
        let told =
            if origin.camera().is_none() { Logged::default() } else { Logged::with_line_every(LOG_EVERY) };
        deps.tasks.spawn(show_banners(stream.clone(), deps.pixels.clone(), told, stop.clone()));
        Self {
            stream,
            stop,
            origin,
            sender,
            meter: Meter::default(),
            since: clock::now(),
            asked_by: OnceLock::new(),
            single_pictures: TaskTracker::new(),
            sent_off: AtomicBool::new(false),
            place: Arc::default(),
        }
    }

    /// Whether it gives no more pictures: it has ended, or was stopped and is about to.
    pub fn is_over(&self) -> bool {
        self.stop.is_cancelled() || self.stream.state().condition == Condition::Ended
    }

    /// Takes a sample of its counters.
    pub fn sample(&self, now: Instant) {
        let counters = self.stream.counters();
        let get = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let [delivered, bytes_out, missed] = counters.delivered.counts();
        self.meter.sample(Sample {
            at: now,
            counts: [get(&counters.pictures), get(&counters.bytes), bytes_out, delivered, missed],
            ages: [counters.delivered.ages()],
        });
    }

    /// The share of pictures that viewers were too slow for, of late.
    pub fn lost_percent(&self) -> f64 {
        let [_, _, _, delivered, missed] = self.meter.rates();
        lost_percent(delivered, missed)
    }

    /// Width and height of its newest picture, px.
    pub fn dimensions(&self) -> Option<(u32, u32)> {
        self.stream.newest()?.dimensions()
    }
}

/// What reads a camera; a picture of it has at most this many bytes.
pub fn build_source(source: &CameraSource, web: &Web, max_picture: usize) -> Box<dyn Source> {
    let limits = multipart::Limits { max_picture, ..multipart::Limits::default() };
    match source {
        CameraSource::Stream(url) => {
            let options = MjpegOptions { limits, ..MjpegOptions::default() };
            Box::new(Mjpeg::new(url.clone(), web.clone(), options))
        }
        CameraSource::Capture(url, every) => {
            let options = CaptureOptions { every: *every, limits, ..CaptureOptions::default() };
            Box::new(Capture::new(url.clone(), web.clone(), options))
        }
        CameraSource::Folder(path, every) => Box::new(Folder::new(path, *every, limits)),
        CameraSource::Simulated(scenery) => Box::new(Simulated::new(match scenery {
            Scenery::Street => street_scene,
            Scenery::CarPark => car_park,
        })),
    }
}

/// A street, seen from the roadside.
fn street_scene([width, height]: [u32; 2]) -> Draw {
    let scene = Scene::street(SCENE_SEED, width, height);
    Box::new(move |at, image| scene.frame_into(at, image))
}

/// A car park from above.
fn car_park([width, height]: [u32; 2]) -> Draw {
    let scene = Scene::new(SCENE_SEED, width, height);
    Box::new(move |at, image| scene.frame_into(at, image))
}

/// Viewers of a camera that gives no pictures are kept: they see what it was last, and why it is no more.
async fn show_banners(stream: Arc<Stream>, pool: Arc<PixelPool>, mut told: Logged, stop: CancellationToken) {
    let mut reader = stream.tap();
    let shown = async {
        loop {
            let state = stream.state();
            told.log_state(&stream, &state);
            match state.condition {
                Condition::Ended => return,
                Condition::Starting | Condition::Stalled | Condition::Frozen => {
                    let last = match stream.newest() {
                        Some(picture) => picture.pixels(&*pool).await.ok(),
                        None => None,
                    };
                    let now = clock::now();
                    let drawn = pool.run(move |tools| draw_banner(tools, last, &state, now)).await;
                    if let Ok(Some(jpeg)) = drawn {
                        stream.show_banner(Picture::new(jpeg, 0, now, SystemTime::now()));
                    }
                    tokio::time::sleep(BANNER_EVERY).await;
                }
                Condition::Running => {
                    while let Some(update) = reader.next().await {
                        match update {
                            Update::State(state) if state.condition != Condition::Running => break,
                            Update::Picture(picture) => told.log_picture(&stream, picture.sequence()),
                            Update::State(_) | Update::Banner(_) => {}
                        }
                    }
                }
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = shown => {}
    }
}

/// What the log was told of a camera, so that it is told only what is new.
#[derive(Default)]
struct Logged {
    /// Pictures between two lines.
    every: Option<u64>,
    lines: Option<u64>,
    trouble: Option<(Condition, Option<Arc<str>>, Instant)>,
}

impl Logged {
    /// A line for each multiple of this many pictures.
    fn with_line_every(pictures: u64) -> Self {
        Self { every: Some(pictures), ..Self::default() }
    }

    /// A line for the first picture, and for each whose number is a multiple of `every`.
    fn log_picture(&mut self, stream: &Stream, sequence: u64) {
        let Some(every) = self.every else { return };
        let lines = sequence / every;
        if self.lines.replace(lines) != Some(lines) {
            let broken = stream.counters().broken.load(Ordering::Relaxed);
            tracing::info!(camera = &**stream.id(), broken, "{sequence} pictures");
        }
    }

    /// A line for each thing that is wrong, and one when it is right again.
    fn log_state(&mut self, stream: &Stream, state: &State) {
        if self.every.is_none() {
            return; // others tell it
        }
        let id = &**stream.id();
        let (condition, reason) = (state.condition, state.reason.as_deref().unwrap_or_default());
        match condition {
            Condition::Running => {
                if let Some((_, _, since)) = self.trouble.take() {
                    tracing::info!(camera = id, "pictures again, after {} s", clock::since(since).as_secs());
                }
            }
            // It is being connected, or was closed by us.
            Condition::Starting if state.reason.is_none() => {}
            Condition::Ended => {}
            Condition::Starting | Condition::Stalled | Condition::Frozen => {
                let same = |(c, r, _): &(Condition, Option<Arc<str>>, Instant)| {
                    *c == condition && *r == state.reason
                };
                if !self.trouble.as_ref().is_some_and(same) {
                    tracing::warn!(camera = id, "{}: {}", condition.name(), lines::short_sentence(reason));
                    let since = self.trouble.take().map_or(state.since, |(_, _, since)| since);
                    self.trouble = Some((condition, state.reason.clone(), since));
                }
            }
        }
    }
}

/// The last picture, greyed, with what is wrong.
fn draw_banner(tools: &mut Tools, last: Option<Pixels>, state: &State, now: Instant) -> Option<Bytes> {
    let seconds = now.saturating_duration_since(state.since).as_secs();
    let reason = state.reason.as_deref().unwrap_or("waiting for the first picture");
    let image = if let Some(pixels) = last {
        let mut image = Arc::unwrap_or_clone(pixels.image);
        let (word, tone) = match state.condition {
            Condition::Frozen => ("Frozen", Tone::Warning),
            _ => ("No picture", Tone::Error),
        };
        annotate::dim_image(&mut image);
        let text = format!("{word} for {}: {reason}", format_duration(seconds));
        tools.annotator.draw_banner(&mut image, &text, tone, Edge::Bottom);
        image
    } else {
        let title = format!("Waiting for {}", format_duration(seconds));
        tools.annotator.draw_placeholder(PLACEHOLDER.0, PLACEHOLDER.1, &title, reason)
    };
    tools.encode(&image, BANNER_QUALITY)
}

fn format_duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}
