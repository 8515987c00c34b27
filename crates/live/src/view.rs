//! A view: an analysis drawn one way, or a camera's pictures at a lower quality; encoded once for all who want the same.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use parking_lot::Mutex;
use sightwire_frame::draw::{Mark, Skeleton, TrailPoint as DrawnPoint};
use sightwire_frame::{DecodeError, Image};
use sightwire_hands::BONES;
use sightwire_hands::watch::Seen as SeenHand;
use sightwire_hub::on_demand::Lease;
use sightwire_hub::picture::{Picture, Stamp};
use sightwire_hub::stream::{Condition, Producer, State, Stream, Update};
use sightwire_hub::thin::Thin;
use sightwire_measure::clock;
use sightwire_measure::meter::{Meter, Sample};
use sightwire_models::slot;
use sightwire_track::{Track, TrailPoint};
use tokio_util::sync::CancellationToken;

use super::analysis::{Analysed, Analysis};
use super::demand::{AnalysisLease, Rate, only_of};
use super::hands::Sighted;
use super::pixels::{Lost, Tools};
use super::upstream::{BANNER_QUALITY, Upstream};
use super::{Dependencies, StreamLease};
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

/// What of an analysis is shown, and how.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ViewOptions {
    /// Objects that keep their number, instead of what each picture shows.
    pub tracking: Option<Tracking>,
    /// Least confidence that is shown, in hundredths (25 is 0.25).
    pub confidence: u8,
    /// Names beside the boxes.
    pub labels: bool,
    /// Classes that are shown, sorted; empty: all.
    pub classes: Vec<String>,
}

/// What is shown of objects that keep their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tracking {
    /// Where they have been.
    pub trails: bool,
    /// How many there are and have been, in a corner.
    pub stats: bool,
}

impl ViewOptions {
    /// Least confidence that is shown, 0–1.
    pub fn confidence(&self) -> f32 {
        f32::from(self.confidence) / 100.0
    }

    /// Whether that class is shown.
    pub fn shows(&self, label: &str) -> bool {
        is_among(label, &self.classes)
    }
}

/// How many objects views show and have shown.
#[derive(Debug, Default)]
pub struct Seen {
    /// The newest of those that were shown.
    ids: BTreeSet<u64>,
    /// Of older ones it is not known any more whether they were, and they are not counted again.
    forgotten: u64,
    unique: u64,
}

impl Seen {
    const MOST_IDS: usize = 1024;

    /// These are shown now.
    pub fn see(&mut self, ids: impl Iterator<Item = u64>) -> Stats {
        let mut objects = 0;
        for id in ids {
            objects += 1;
            self.unique += u64::from(id > self.forgotten && self.ids.insert(id));
        }
        while self.ids.len() > Self::MOST_IDS {
            self.forgotten = self.ids.pop_first().unwrap_or(self.forgotten);
        }
        Stats { objects, unique: self.unique }
    }
}

/// What stands in the corner of a tracking picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Objects in this picture.
    pub objects: usize,
    /// Since the analysis began.
    pub unique: u64,
}

/// Whether a class was asked for; without any names all are.
pub fn is_among(label: &str, classes: &[String]) -> bool {
    classes.is_empty() || classes.iter().any(|class| class.eq_ignore_ascii_case(label))
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
#[derive(Debug)]
pub struct View {
    /// What makes it another.
    pub key: ViewKey,
    /// The pictures that the view makes, in the place of the stream's own.
    pub stream: Arc<Stream>,
    /// Rate of the pictures that the view makes.
    pub meter: Meter<1, 0>,
    basis: Basis,
    /// Where those who watch come from.
    watched_from: Mutex<Vec<Option<IpAddr>>>,
    problem: Mutex<Option<Arc<str>>>,
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
                problem: Mutex::default(),
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
    pub fn is_only_of(&self, from: IpAddr) -> bool {
        only_of(self.watched_from.lock().iter().copied(), from)
    }

    /// Why its pictures cannot be shown, if they cannot.
    fn problem(&self) -> Option<Arc<str>> {
        let own = self.problem.lock().clone();
        own.or_else(|| match &self.basis {
            Basis::Stream(_) => None,
            Basis::Analysis(analysis) => analysis.problem(),
        })
    }

    /// Takes a sample of its counters.
    pub fn sample(&self, now: Instant) {
        let pictures = self.stream.counters().pictures.load(Ordering::Relaxed);
        self.meter.sample(Sample { at: now, counts: [pictures], ages: [] });
    }
}

/// Makes the view's pictures until `stop`.
pub async fn run(view: Arc<View>, producer: Producer, deps: Dependencies, stop: CancellationToken) {
    // Pictures are written by one future and states by another.
    let producer = Mutex::new(producer);
    let work = async {
        tokio::select! {
            () = forward(&view, &producer) => {}
            () = wait_for_model(&view, &deps) => {}
            () = tell_problem(&view, &producer, &deps) => {}
            () = async { match &view.basis {
                Basis::Stream(stream) => encode(stream.value(), &view, &producer, &deps).await,
                Basis::Analysis(analysis) => draw(analysis.value(), &view, &producer, &deps).await,
            } } => {}
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

/// The camera's state and banners are the view's. Ends with the camera.
async fn forward(view: &View, producer: &Mutex<Producer>) {
    let mut reader = view.upstream().stream.tap();
    while let Some(update) = reader.next().await {
        match update {
            Update::State(state)
                if state.condition == Condition::Running && view.stream.newest().is_none() =>
            {
                // It runs when it has a picture of its own.
                let waits = State::new(Condition::Starting, None, state.since);
                producer.lock().state(waits);
            }
            Update::State(state) => producer.lock().state(state),
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
            placeholder(view, deps, "One moment", text).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
    std::future::pending::<()>().await;
}

/// A camera whose pictures come and cannot be shown has viewers, too.
async fn tell_problem(view: &View, producer: &Mutex<Producer>, deps: &Dependencies) {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut before = 0;
    loop {
        second.tick().await;
        let pictures = view.stream.counters().pictures.load(Ordering::Relaxed);
        let none_came = std::mem::replace(&mut before, pictures) == pictures;
        let runs = view.upstream().stream.state().condition == Condition::Running;
        let Some(problem) = view.problem().filter(|_| none_came && runs) else { continue };
        let since = view.stream.newest().map_or(view.stream.state().since, |newest| newest.captured());
        producer.lock().state(State::new(Condition::Stalled, Some(&problem), since));
        placeholder(view, deps, "This picture cannot be shown", problem.to_string()).await;
    }
}

/// A picture of words, as large as the camera's.
async fn placeholder(view: &View, deps: &Dependencies, title: &'static str, text: String) {
    let Some((width, height)) = view.upstream().size() else { return };
    let jpeg = deps.pixels.run(move |tools| {
        let image = tools.annotator.placeholder(width, height, title, &text);
        tools.encode(&image, BANNER_QUALITY)
    });
    if let Ok(Some(jpeg)) = jpeg.await {
        view.stream.show_banner(Picture::new(jpeg, 0, clock::now(), SystemTime::now()));
    }
}

async fn encode(upstream: &Upstream, view: &View, producer: &Mutex<Producer>, deps: &Dependencies) {
    let mut reader = upstream.stream.tap();
    let (limits, quality) = (deps.options.pictures, view.key.quality());
    while let Some(update) = reader.next().await {
        let Update::Picture(picture) = update else { continue };
        let jpeg = picture.jpeg().clone();
        let made = deps.pixels.run(move |tools| {
            let image = tools.decode_to_fit(&jpeg, &limits)?;
            Ok::<_, DecodeError>(tools.encode(&image, quality))
        });
        let made = match made.await {
            Ok(Ok(made)) => Ok(made),
            Ok(Err(problem)) => {
                *view.problem.lock() = Some(problem.to_string().into());
                continue;
            }
            Err(lost) => Err(lost),
        };
        give(view, producer, made, picture.stamp());
    }
}

async fn draw(analysis: &Analysis, view: &View, producer: &Mutex<Producer>, deps: &Dependencies) {
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
        let stats = with_stats.then(|| analysis.stats(&options, ids));
        let made = deps.pixels.run(move |tools| {
            let image = drawn(tools, &analysed, &options, stats);
            tools.encode(&image, quality)
        });
        give(view, producer, made.await, stamp);
        analysis.counters.encoded.record(clock::since(stamp.captured));
    }
}

fn give(view: &View, producer: &Mutex<Producer>, made: Result<Option<Bytes>, Lost>, stamp: Stamp) {
    let Ok(Some(jpeg)) = made else { return };
    view.problem.lock().take();
    let mut producer = producer.lock();
    let runs = view.upstream().stream.state().condition == Condition::Running;
    if runs && producer.stream().state().condition != Condition::Running {
        producer.state(State::new(Condition::Running, None, clock::now()));
    }
    producer.derived(jpeg, stamp);
}

/// The tracks that are drawn, each with its place among all.
fn shown_tracks<'a>(
    analysed: &'a Analysed,
    options: &ViewOptions,
) -> impl Iterator<Item = (usize, &'a Track)> {
    analysed.tracks.iter().enumerate().filter(|(_, track)| {
        track.held_confidence >= options.confidence() && options.shows(analysed.model.label(track.class))
    })
}

/// A picture with what is in it.
fn drawn(tools: &mut Tools, analysed: &Analysed, options: &ViewOptions, stats: Option<Stats>) -> Image {
    let mut image = (*analysed.image).clone();
    let with_trails = options.tracking.is_some_and(|tracking| tracking.trails);
    let tracks = if with_trails { &analysed.tracks[..] } else { &[] };
    let trails: Vec<Vec<DrawnPoint>> =
        tracks.iter().map(|track| points(&track.trail, analysed.stamp.captured)).collect();
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
            detection.confidence >= options.confidence() && options.shows(model.label(detection.class))
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
    tools.annotator.scene(&mut image, &marks, &skeletons);
    if let Some(Stats { objects, unique }) = stats {
        let lines = [format!("Objects: {objects}"), format!("Unique IDs: {unique}")];
        tools.annotator.facts(&mut image, &lines.each_ref().map(String::as_str));
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

fn points(trail: &[TrailPoint], now: Instant) -> Vec<DrawnPoint> {
    const LENGTH: f32 = 3.0;
    trail
        .iter()
        .map(|point| {
            let age = now.saturating_duration_since(point.at).as_secs_f32() / LENGTH;
            (point.x, point.y, age.min(1.0))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_shown_again_is_not_counted_again_and_nothing_grows() {
        let mut seen = Seen::default();
        let mut see = |ids: &[u64]| {
            let Stats { objects, unique } = seen.see(ids.iter().copied());
            (objects, unique)
        };
        assert_eq!(see(&[]), (0, 0));
        assert_eq!(see(&[1, 2]), (2, 2));
        assert_eq!(see(&[2]), (1, 2));
        assert_eq!(see(&[1, 2, 5]), (3, 3), "one came back, one is new");
        let many: Vec<u64> = (10..5010).collect();
        assert_eq!(see(&many), (5000, 5003));
        assert_eq!(see(&[5009]), (1, 5003));
        assert_eq!(see(&[2, 5009]), (2, 5003), "a parked car is not counted with each picture");
        assert_eq!(see(&[2, 5010]), (2, 5004));
        assert_eq!(seen.ids.len(), Seen::MOST_IDS);
    }
}
