//! A view: an analysis drawn one way, or a camera's pictures at a lower quality; encoded once for all who want the same.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use parking_lot::Mutex;
use sightwire_annotate::{Mark, Skeleton, TrailPoint as DrawnPoint};
use sightwire_base::clock;
use sightwire_base::meter::{Meter, Sample};
use sightwire_frame::Image;
use sightwire_hands::BONES;
use sightwire_hands::watch::WatchedHand as SeenHand;
use sightwire_hub::on_demand::Lease;
use sightwire_hub::picture::{Picture, PictureError, PicturePool as _, Pixels, Stamp};
use sightwire_hub::stream::{Condition, Producer, State, Stream, Update};
use sightwire_hub::thin::Thin;
use sightwire_models::slot;
use sightwire_track::{Track, TrailPoint};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::StreamLease;
use super::analysis::{Analysed, Analysis};
use super::analysis_lease::AnalysisLease;
use super::demand::{Rate, only_of};
use super::dependencies::Dependencies;
use super::hands::Sighted;
use super::pixels::Tools;
use super::shown::{Stats, ViewOptions};
use super::upstream::{BANNER_QUALITY, Upstream};
use crate::origin::Origin;

/// What makes one view another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ViewKey {
    /// The camera's pictures, encoded anew.
    Plain {
        /// The stream whose pictures are encoded.
        origin: Origin,
        /// JPEG quality, 1–100.
        quality: u8,
    },
    /// What is in its pictures, drawn.
    Drawn {
        /// The stream whose analysis is drawn.
        origin: Origin,
        /// Pictures a second at most, 1–30.
        fps: u8,
        /// What is drawn, and how.
        options: ViewOptions,
        /// JPEG quality, 1–100.
        quality: u8,
    },
}

impl ViewKey {
    /// The stream that it is a view of.
    pub fn origin(&self) -> &Origin {
        match self {
            ViewKey::Plain { origin, .. } | ViewKey::Drawn { origin, .. } => origin,
        }
    }

    /// JPEG quality of its pictures, 1–100.
    pub fn quality(&self) -> u8 {
        match self {
            ViewKey::Plain { quality, .. } | ViewKey::Drawn { quality, .. } => *quality,
        }
    }
}

/// Pictures made of a stream's, for all who want the same ones.
///
/// Who begins it spawns [`run_view`], once, and that task has the only producer of [`Self::stream`]: it draws and encodes each
/// picture once, however many watch. Those who watch subscribe there, from any task, and hold a [`ViewLease`]; with the last of
/// these it ends at once.
///
/// It takes the newest picture or result when it is ready for one. What came meanwhile is passed over and counted nowhere:
/// subscribers miss pictures of the view, not of the camera. A picture that cannot be decoded is left out. Where nothing can be
/// shown for a second though the stream runs, subscribers are told why, by a banner and the state `Stalled`.
///
/// The stream's states are the view's, except that while the stream runs the view is `Starting` until it has a picture of its
/// own. So are the stream's banners, once that has given a picture; the view shows some of its own beside them. It ends with its
/// stream or with its token: then the producer is dropped, and all who subscribe are told. Why it ended, only the stream itself
/// says for sure. Until it is dropped it keeps the stream, or the analysis that it draws, running.
///
/// `watched_from` is locked alone. The producer's lock is held for a moment, by futures of the one task, so nobody waits for
/// it; the slots of both streams are locked under it.
#[derive(Debug)]
pub struct View {
    /// What makes it another.
    pub key: ViewKey,
    /// The pictures that the view makes, in the place of the stream's own.
    pub stream: Arc<Stream>,
    /// Rate of the pictures that the view makes.
    pub meter: Meter<1, 0>,
    basis: Basis,
    /// Where those who watch come from. No other lock is taken under it.
    watched_from: Mutex<Vec<Option<IpAddr>>>,
    problem: watch::Sender<Option<Arc<str>>>,
}

/// A view that somebody watches.
#[derive(Debug)]
pub struct ViewLease {
    view: Lease<ViewKey, View>,
    from: Option<IpAddr>,
    /// Of who watches: the view itself wants pictures, and hardly any looks.
    _analysis: Option<AnalysisLease>,
}

impl ViewLease {
    /// From now on it is watched from there, too.
    pub fn new(view: Lease<ViewKey, View>, from: Option<IpAddr>, analysis: Option<AnalysisLease>) -> Self {
        view.watched_from.lock().push(from);
        Self { view, from, _analysis: analysis }
    }
}

impl Deref for ViewLease {
    type Target = View;

    fn deref(&self) -> &View {
        &self.view
    }
}

impl Drop for ViewLease {
    fn drop(&mut self) {
        let mut all = self.view.watched_from.lock();
        if let Some(index) = all.iter().position(|from| *from == self.from) {
            all.swap_remove(index);
        }
    }
}

/// What it is made of, which is kept running as long as the view is.
#[derive(Debug)]
pub enum Basis {
    /// The stream's own pictures, which are encoded anew.
    Stream(StreamLease),
    /// An analysis, which is drawn.
    Analysis(AnalysisLease),
}

impl View {
    /// A view, and what writes its pictures.
    pub fn new(key: ViewKey, basis: Basis) -> (Self, Producer) {
        let upstream = match &basis {
            Basis::Stream(stream) => stream.value(),
            Basis::Analysis(analysis) => &analysis.upstream,
        };
        let (stream, producer) = Stream::new(upstream.stream.id(), clock::now());
        (
            Self {
                key,
                stream,
                meter: Meter::default(),
                basis,
                watched_from: Mutex::default(),
                problem: watch::Sender::new(None),
            },
            producer,
        )
    }

    /// The stream that it is a view of.
    pub fn upstream(&self) -> &Arc<Upstream> {
        match &self.basis {
            Basis::Stream(stream) => stream.value(),
            Basis::Analysis(analysis) => &analysis.upstream,
        }
    }

    /// Whether there is nothing more to show.
    pub fn is_over(&self) -> bool {
        self.upstream().is_over()
    }

    /// Whether all who watch, and there are some, come from that address.
    pub fn is_only_from(&self, from: IpAddr) -> bool {
        only_of(self.watched_from.lock().iter().copied(), from)
    }

    /// Why its pictures cannot be shown, while they cannot.
    fn problems(&self) -> watch::Receiver<Option<Arc<str>>> {
        match &self.basis {
            Basis::Stream(_) => self.problem.subscribe(),
            Basis::Analysis(analysis) => analysis.problem.subscribe(),
        }
    }

    /// Takes a sample of its counters.
    pub fn sample(&self, now: Instant) {
        let pictures = self.stream.counters().pictures.load(Ordering::Relaxed);
        self.meter.sample(Sample { at: now, counts: [pictures], ages: [] });
    }
}

/// Makes the view's pictures until `stop`.
pub async fn run_view(view: Arc<View>, producer: Producer, deps: Dependencies, stop: CancellationToken) {
    // Pictures are written by one future and states by another, of one task: neither ever waits for the lock. It comes before
    // those of the slots.
    let producer = Mutex::new(producer);
    let work = async {
        tokio::select! {
            () = forward_state(&view, &producer) => {}
            () = wait_for_model(&view, &deps) => {}
            () = tell_problem(&view, &producer, &deps) => {}
            () = async { match &view.basis {
                Basis::Stream(stream) => encode_pictures(stream.value(), &view, &producer, &deps).await,
                Basis::Analysis(analysis) => draw_pictures(analysis.value(), &view, &producer, &deps).await,
            } } => {}
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

/// The camera's state and banners are the view's. Ends with the camera.
async fn forward_state(view: &View, producer: &Mutex<Producer>) {
    let mut reader = view.upstream().stream.tap();
    while let Some(update) = reader.next().await {
        match update {
            Update::State(state)
                if state.condition == Condition::Running && view.stream.newest().is_none() =>
            {
                // It runs when it has a picture of its own.
                let waits = State::new(Condition::Starting, None, state.since);
                producer.lock().set_state(waits);
            }
            Update::State(state) => producer.lock().set_state(state),
            // Viewers come when the camera has given a picture: what was shown before it, in another size, is not for them.
            Update::Banner(banner) if view.upstream().stream.newest().is_some() => {
                view.stream.show_banner(banner);
            }
            Update::Banner(_) | Update::Picture(_) => {}
        }
    }
}

/// While the model is being fetched, viewers see how far it is.
async fn wait_for_model(view: &View, deps: &Dependencies) {
    if matches!(view.basis, Basis::Analysis(_)) {
        loop {
            let done = match deps.detector.state() {
                slot::State::Ready(_) | slot::State::Failed(_) => break,
                slot::State::Idle | slot::State::Loading => None,
                slot::State::Fetching { done, .. } => done,
            };
            let text = match done {
                Some(done) => format!("The detection model is being fetched: {:.0} %", done * 100.0),
                None => "The detection model is being loaded".to_owned(),
            };
            show_placeholder(view, deps, "One moment", text).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
    std::future::pending::<()>().await;
}

/// A camera whose pictures come and cannot be shown has viewers, too: those who see none for a second are told why.
async fn tell_problem(view: &View, producer: &Mutex<Producer>, deps: &Dependencies) {
    let mut problems = view.problems();
    let count = || view.stream.counters().pictures.load(Ordering::Relaxed);
    // Its sender is the view's or its analysis's, and does not end before this.
    while problems.wait_for(Option::is_some).await.is_ok() {
        let before = count();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let runs = view.upstream().stream.state().condition == Condition::Running;
        let problem = problems.borrow().clone();
        let Some(problem) = problem.filter(|_| count() == before && runs) else { continue };
        let since = view.stream.newest().map_or(view.stream.state().since, |newest| newest.captured());
        producer.lock().set_state(State::new(Condition::Stalled, Some(&problem), since));
        show_placeholder(view, deps, "This picture cannot be shown", problem.to_string()).await;
    }
}

/// A picture of words, as large as the camera's.
async fn show_placeholder(view: &View, deps: &Dependencies, title: &'static str, text: String) {
    let Some((width, height)) = view.upstream().dimensions() else { return };
    let jpeg = deps.pixels.run(move |tools| {
        let image = tools.annotator.draw_placeholder(width, height, title, &text);
        tools.encode(&image, BANNER_QUALITY)
    });
    if let Ok(Some(jpeg)) = jpeg.await {
        view.stream.show_banner(Picture::new(jpeg, 0, clock::now(), SystemTime::now()));
    }
}

async fn encode_pictures(upstream: &Upstream, view: &View, producer: &Mutex<Producer>, deps: &Dependencies) {
    let mut reader = upstream.stream.tap();
    // The pixels of the last picture are held until the next one: an analysis that comes later has them without work.
    let mut held: Option<Pixels> = None;
    while let Some(update) = reader.next().await {
        let Update::Picture(picture) = update else { continue };
        // Never those of two pictures.
        drop(held.take());
        let pixels = match picture.pixels(&*deps.pixels).await {
            Ok(pixels) => held.insert(pixels),
            Err(PictureError::Decode(problem)) => {
                view.problem.send_replace(Some(problem.to_string().into()));
                continue;
            }
            Err(_) => continue,
        };
        if let Ok(jpeg) = deps.pixels.encode(pixels.image.clone(), view.key.quality()).await {
            publish_picture(view, producer, jpeg, picture.stamp());
        }
    }
}

async fn draw_pictures(analysis: &Analysis, view: &View, producer: &Mutex<Producer>, deps: &Dependencies) {
    let ViewKey::Drawn { options, quality, fps, .. } = &view.key else { return };
    let (options, quality) = (Arc::new(options.clone()), *quality);
    let (mut newest, mut thin) = (analysis.subscribe(), Thin::default());
    let own = Rate { fps: *fps, skip_frames: 1 };
    while newest.changed().await.is_ok() {
        let newest = newest.borrow_and_update().clone();
        let Some(analysed) = newest.filter(|analysed| analysed.asked) else { continue };
        let stamp = analysed.stamp;
        // Others may want more pictures of the same analysis.
        if *fps < analysis.demand.pace().fps && !thin.takes(stamp.captured, own.interval()) {
            continue;
        }
        let options = options.clone();
        let with_stats = options.tracking.is_some_and(|tracking| tracking.stats);
        let ids = shown_tracks(&analysed, &options).map(|(_, track)| track.id);
        let stats = with_stats.then(|| analysis.view_stats(&options, ids));
        let made = deps.pixels.run(move |tools| {
            let image = draw_objects(tools, &analysed, &options, stats);
            tools.encode(&image, quality)
        });
        if let Ok(Some(jpeg)) = made.await {
            publish_picture(view, producer, jpeg, stamp);
        }
        analysis.counters.encoded.record(clock::since(stamp.captured));
    }
}

fn publish_picture(view: &View, producer: &Mutex<Producer>, jpeg: Bytes, stamp: Stamp) {
    view.problem.send_if_modified(|problem| problem.take().is_some());
    let mut producer = producer.lock();
    let runs = view.upstream().stream.state().condition == Condition::Running;
    if runs && producer.stream().state().condition != Condition::Running {
        producer.set_state(State::new(Condition::Running, None, clock::now()));
    }
    producer.publish_derived(jpeg, stamp);
}

/// The tracks that are drawn, each with its place among all.
fn shown_tracks<'a>(
    analysed: &'a Analysed,
    options: &ViewOptions,
) -> impl Iterator<Item = (usize, &'a Track)> {
    analysed.tracks.iter().enumerate().filter(|(_, track)| {
        track.held_confidence >= options.confidence()
            && options.is_class_shown(analysed.model.label(track.class))
    })
}

/// A picture with what is in it.
fn draw_objects(
    tools: &mut Tools,
    analysed: &Analysed,
    options: &ViewOptions,
    stats: Option<Stats>,
) -> Image {
    let mut image = (*analysed.image).clone();
    let with_trails = options.tracking.is_some_and(|tracking| tracking.trails);
    let tracks = if with_trails { &analysed.tracks[..] } else { &[] };
    let trails: Vec<Vec<DrawnPoint>> =
        tracks.iter().map(|track| trail_points(&track.trail, analysed.stamp.captured)).collect();
    let model = &analysed.model;
    let mut marks: Vec<Mark<'_>> = if options.tracking.is_some() {
        shown_tracks(analysed, options)
            .map(|(i, track)| Mark {
                rect: track.rect,
                label: if options.labels { model.label(track.class) } else { "" },
                colour: track.id as usize,
                confidence: None,
                id: Some(track.id).filter(|_| options.labels),
                trail: trails.get(i).map(Vec::as_slice).unwrap_or_default(),
            })
            .collect()
    } else {
        let shown = analysed.objects.iter().map(|object| object.detection).filter(|detection| {
            detection.confidence >= options.confidence()
                && options.is_class_shown(model.label(detection.class))
        });
        shown
            .map(|detection| Mark {
                rect: detection.rect,
                label: if options.labels { model.label(detection.class) } else { "" },
                colour: detection.class,
                confidence: Some(detection.confidence).filter(|_| options.labels),
                id: None,
                trail: &[],
            })
            .collect()
    };
    // The nearest objects are usually the lowest, and lie on top.
    marks.sort_by(|a, b| b.rect.bottom.total_cmp(&a.rect.bottom));
    let hands: Vec<ShownHand> =
        analysed.hands.iter().flat_map(|sighted| shown_hands(sighted, options)).collect();
    let shoulders = analysed.hands.as_ref().and_then(|sighted| sighted.sight()?.sight.shoulders);
    let shoulders = shoulders.map(|shoulders| [shoulders.left, shoulders.right]);
    let mut skeletons: Vec<Skeleton<'_>> = hands.iter().map(ShownHand::skeleton).collect();
    if let Some((points, hand)) = shoulders.as_ref().zip(hands.first()) {
        let bones = &[(0, 1)];
        skeletons.insert(0, Skeleton { points, bones, label: "", colour: hand.id as usize });
    }
    tools.annotator.draw_scene(&mut image, &marks, &skeletons);
    if let Some(Stats { objects, unique }) = stats {
        let lines = [format!("Objects: {objects}"), format!("Unique IDs: {unique}")];
        tools.annotator.draw_facts(&mut image, &lines.each_ref().map(String::as_str));
    }
    image
}

/// A hand as it is drawn.
struct ShownHand {
    points: [[f32; 2]; 21],
    /// What its shape is called, where it holds one and names are shown.
    label: String,
    id: u64,
}

impl ShownHand {
    fn skeleton(&self) -> Skeleton<'_> {
        Skeleton { points: &self.points, bones: &BONES, label: &self.label, colour: self.id as usize }
    }
}

fn shown_hands(sighted: &Sighted, options: &ViewOptions) -> Vec<ShownHand> {
    let hands = sighted.sight().map(|sight| &sight.sight.hands[..]).unwrap_or_default();
    let shown = |seen: &SeenHand| ShownHand {
        points: seen.hand.points.map(|[x, y, _]| [x, y]),
        label: seen
            .shape
            .filter(|_| options.labels)
            .map(|shape| shape.name().replace('_', " "))
            .unwrap_or_default(),
        id: seen.hand.id,
    };
    hands.iter().map(shown).collect()
}

fn trail_points(trail: &[TrailPoint], now: Instant) -> Vec<DrawnPoint> {
    const LENGTH: f32 = 3.0;
    trail
        .iter()
        .map(|point| {
            let age = now.saturating_duration_since(point.at).as_secs_f32() / LENGTH;
            (point.x, point.y, age.min(1.0))
        })
        .collect()
}
