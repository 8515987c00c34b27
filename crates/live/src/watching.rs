//! What one viewer watches: a stream or a view of it, at the quality that it can keep up with.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sightwire_base::clock;
use sightwire_hub::delivery::Deliveries;
use sightwire_hub::picture::Picture;
use sightwire_hub::stream::{Condition, Subscriber, Update};

use super::demand::MAX_SKIP;
use super::upstream::Upstream;
use super::view::ViewKey;
use super::viewers::{Admission, NewViewer, Viewer, Watch};
use crate::demand::Wish;
use crate::origin::Origin;
use crate::view::ViewLease;
use crate::{StreamLease, Streams, Unreachable, ViewRequest, WatchError};

/// JPEG quality of views.
pub const QUALITY: u8 = 85;
/// For viewers who cannot keep up.
pub const LOW_QUALITY: u8 = 70;
/// A viewer's losses are looked at over at least this long.
const WINDOW: Duration = Duration::from_secs(2);
/// A viewer who loses more than this share gets the lower quality.
const TOO_MANY_LOST: f64 = 0.2;
/// A viewer who loses no more than this share may get the better quality again.
const FEW_LOST: f64 = 0.02;
/// A viewer has to lose little for this long to get the better quality again, and twice as long each time that this was too
/// early.
const GOOD_FOR: Duration = Duration::from_secs(10);
/// No viewer has to lose little for longer than this to get the better quality again.
const GOOD_FOR_AT_MOST: Duration = Duration::from_secs(160);
/// Pictures of a window, below which its losses say nothing.
const LEAST_PICTURES: u64 = 5;

/// One viewer's pictures. Dropping it is leaving.
///
/// One task has it. It cannot be opened without a place among the viewers, so who finds none has opened nothing. [`Self::next`]
/// may be cancelled while it waits, and nothing is lost by that.
///
/// What the viewer is too slow for is missed, and counted when it takes the next picture: in its own account, in the stream's
/// and in the server's. (A viewer's report adds what it is behind by at that moment.) Banners that it is shown count as bytes of
/// the server alone, states not at all. Where the configuration lets it, one who loses too much and is no other process gets a
/// view of lower quality, and the better one again once it keeps up. The old feed goes on until the other one's first picture,
/// which is always newer than what was shown; where there is no room for another view, it stays as it is.
///
/// `None` means that there will be no more: the stream has ended or was closed. Who wants to see what takes its place opens
/// another. Until it is dropped it keeps its stream or view running and is a viewer of that stream; then it gives both back. A
/// view that nobody else needs ends at once; a camera and an analysis linger first.
///
/// It holds no lock across an await, and a picture costs it the slot's lock and a few atomic counters.
#[derive(Debug)]
pub struct Watching {
    streams: Arc<Streams>,
    request: ViewRequest,
    origin: Origin,
    feed: Feed,
    subscriber: Subscriber,
    /// Another quality, from its first picture on.
    next_feed: Option<Box<(Feed, Subscriber)>>,
    /// When the picture shown last was captured.
    shown: Option<Instant>,
    upstream: Arc<Upstream>,
    watch: Watch,
    tier: Tier,
    size: fn(&Picture) -> usize,
}

/// Kept running by this viewer, among others.
#[derive(Debug)]
enum Feed {
    Stream(Box<StreamLease>),
    View(Box<ViewLease>),
}

impl Watching {
    /// Opens what is wished for, and waits for the stream's first picture, or the reason why there is none. In the viewer's
    /// accounts a picture has the bytes that `size` says.
    pub async fn open_and_wait(
        streams: Arc<Streams>,
        origin: Origin,
        request: ViewRequest,
        arrival: NewViewer,
        size: fn(&Picture) -> usize,
    ) -> Result<Self, WatchError> {
        // Before anything is opened for it.
        let admission = streams.admit_viewer(arrival)?;
        let mut this = Self::open(streams, origin, request, &admission, size)?;
        drop(admission);
        if let Err(reason) = this.upstream.stream.first_picture().await {
            let (streams, upstream) = (this.streams.clone(), this.upstream.clone());
            this.viewer().set_end_reason("it got no picture");
            drop(this);
            streams.close_unseen(&upstream);
            let why = reason.map_or(Unreachable::Closed, Unreachable::Unwell);
            streams.gave_none(&upstream, &why);
            return Err(why.into());
        }
        this.tier.begin_window(clock::now());
        Ok(this)
    }

    /// Opens what is wished for, for a viewer that has a place. In its accounts a picture has the bytes that `size` says.
    pub fn open(
        streams: Arc<Streams>,
        origin: Origin,
        request: ViewRequest,
        admission: &Arc<Admission>,
        size: fn(&Picture) -> usize,
    ) -> Result<Self, WatchError> {
        let watch = admission.watch_stream(&Arc::from(streams.id_of(&origin)));
        let from = admission.viewer().shares_of();
        let may_be_served = !matches!(request, ViewRequest::Drawn { .. })
            || streams.has_room_to_analyse(&origin, Wish::Objects, from);
        if let Some(from) = from.filter(|_| may_be_served) {
            streams.make_way(&origin, from);
        }
        let feed = open_feed(&streams, &origin, &request, false, from)?;
        let upstream = match &feed {
            Feed::Stream(stream) => stream.value().clone(),
            Feed::View(view) => view.upstream().clone(),
        };
        if let Some(from) = from {
            let _ = upstream.asked_by.set(from);
        }
        // Of pictures that are chosen the others are not missed.
        if request == ViewRequest::Original {
            watch.expect_every_picture(upstream.stream.clone());
        }
        watch.set_quality(jpeg_quality(&request, false));
        let tier = Tier::new(clock::now());
        let accounts = viewer_accounts(&watch, &streams, &origin);
        let subscriber = feed.subscribe(&accounts, size).with_interval(picture_interval(&request));
        let (next_feed, shown) = (None, None);
        Ok(Self { streams, request, origin, feed, subscriber, next_feed, shown, upstream, watch, tier, size })
    }

    /// The next picture, as soon as there is one; `None` when there will be no more. Cancel-safe.
    pub async fn next(&mut self) -> Option<Update> {
        let update = self.next_update().await;
        if update.is_none() && self.viewer().ends_with_stream() {
            // Of a stream that was sent, or of a camera that was taken away.
            self.viewer().set_end_reason("the stream has ended");
        }
        update
    }

    async fn next_update(&mut self) -> Option<Update> {
        let update = loop {
            let Some(next) = &mut self.next_feed else { break self.subscriber.next().await? };
            let (_, subscriber) = &mut **next;
            // Whatever it begins with, time does not go back.
            subscriber.only_after(self.shown);
            tokio::select! {
                biased;
                update = subscriber.next() => match update {
                    Some(Update::Picture(picture)) => {
                        self.take_next_feed();
                        break Update::Picture(picture);
                    }
                    Some(_) => {}
                    None => self.next_feed = None,
                },
                update = self.subscriber.next() => break update?,
            }
        };
        match &update {
            Update::Picture(picture) => self.record_taken(picture),
            Update::Banner(banner) if self.viewer().sees_banners() => {
                self.streams.count_banner(&self.origin, (self.size)(banner));
            }
            Update::Banner(_) => {}
            Update::State(state) => {
                // What came while it paused was not for viewers.
                self.watch
                    .record_taken(self.upstream.stream.newest().map_or(0, |newest| newest.stamp().sequence));
                if state.condition != Condition::Running {
                    // What is lost while the stream pauses is not the viewer's fault.
                    self.tier.begin_window(clock::now());
                }
            }
        }
        Some(update)
    }

    /// The one who watches.
    #[inline]
    pub fn viewer(&self) -> &Arc<Viewer> {
        self.watch.viewer()
    }

    /// The stream itself, whatever is shown of it.
    pub fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    /// Name of the stream.
    pub fn id(&self) -> &Arc<str> {
        self.upstream.stream.id()
    }

    #[inline]
    fn record_taken(&mut self, picture: &Picture) {
        self.shown = Some(picture.captured());
        self.watch.record_taken(picture.stamp().sequence);
        let now = clock::now();
        let change = self.tier.record_picture(self.subscriber.missed(), now);
        // Another process's viewers have their own.
        let may = || {
            *self.streams.options().lower_quality().for_origin(&self.origin) && !self.viewer().is_process()
        };
        if let Some(change) = change.filter(|_| may()) {
            self.switch_quality(change == Change::Down, now);
        }
    }

    /// To the lower quality, or back: from the other one's first picture on, which may never come.
    fn switch_quality(&mut self, low: bool, now: Instant) {
        match open_feed(&self.streams, &self.origin, &self.request, low, self.viewer().shares_of()) {
            Ok(feed) => {
                let accounts = viewer_accounts(&self.watch, &self.streams, &self.origin);
                let subscriber =
                    feed.subscribe(&accounts, self.size).with_interval(picture_interval(&self.request));
                self.next_feed = Some(Box::new((feed, subscriber)));
            }
            // Too many views: it stays as it is.
            Err(_) => self.tier.undo_change(now),
        }
    }

    fn take_next_feed(&mut self) {
        let Some(next) = self.next_feed.take() else { return };
        (self.feed, self.subscriber) = *next;
        let (id, low) = (self.viewer().id(), self.tier.low);
        tracing::debug!(viewer = id, stream = &**self.id(), low, "another quality");
        self.watch.set_quality(jpeg_quality(&self.request, low));
    }
}

/// 0: as the camera sent it.
fn jpeg_quality(request: &ViewRequest, low: bool) -> u8 {
    match (request, low) {
        (_, true) => LOW_QUALITY,
        (ViewRequest::Original | ViewRequest::Apart(_), false) => 0,
        (ViewRequest::Drawn { .. }, false) => QUALITY,
    }
}

/// How far apart its own pictures are to be.
fn picture_interval(request: &ViewRequest) -> Option<Duration> {
    match request {
        ViewRequest::Apart(interval) => Some(*interval),
        ViewRequest::Original | ViewRequest::Drawn { .. } => None,
    }
}

/// Where a viewer's pictures are counted, beside their own stream.
fn viewer_accounts(watch: &Watch, streams: &Streams, origin: &Origin) -> [Arc<Deliveries>; 2] {
    [watch.viewer().delivered().clone(), streams.totals.delivered.for_origin(origin).clone()]
}

fn open_feed(
    streams: &Streams,
    origin: &Origin,
    request: &ViewRequest,
    low: bool,
    from: Option<IpAddr>,
) -> Result<Feed, WatchError> {
    let origin = origin.clone();
    let (key, skip_frames) = match request {
        ViewRequest::Original | ViewRequest::Apart(_) if !low => {
            return streams.open_stream(&origin).map(|stream| Feed::Stream(Box::new(stream)));
        }
        ViewRequest::Original | ViewRequest::Apart(_) => {
            (ViewKey::Plain { origin, quality: LOW_QUALITY }, MAX_SKIP)
        }
        ViewRequest::Drawn { rate, options } => {
            let (options, quality) = (options.clone(), jpeg_quality(request, low));
            (ViewKey::Drawn { origin, fps: rate.fps, options, quality }, rate.skip_frames)
        }
    };
    streams.open_view(&key, skip_frames, from).map(|view| Feed::View(Box::new(view)))
}

impl Feed {
    /// What is seen of a view was seen of its stream.
    fn subscribe(&self, accounts: &[Arc<Deliveries>], size: fn(&Picture) -> usize) -> Subscriber {
        match self {
            Feed::Stream(stream) => stream.stream.subscribe().with_accounts(accounts, size),
            Feed::View(view) => {
                let seen = view.upstream().stream.counters().delivered.clone();
                view.stream.subscribe().with_accounts(accounts, size).with_accounts(&[seen], size)
            }
        }
    }
}

/// Decides when a viewer gets the lower quality and when it gets the better one back. Pure state; time is given.
#[derive(Debug)]
struct Tier {
    low: bool,
    /// Share lost in the last whole window.
    lost: f64,
    window: Instant,
    got: u64,
    missed: u64,
    /// Since when it has lost few, at the lower quality.
    good_since: Option<Instant>,
    good_for: Duration,
    raised: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Down,
    Up,
}

impl Tier {
    fn new(now: Instant) -> Self {
        Self {
            low: false,
            lost: 0.0,
            window: now,
            got: 0,
            missed: 0,
            good_since: None,
            good_for: GOOD_FOR,
            raised: None,
        }
    }

    /// The change that was just decided could not be made.
    fn undo_change(&mut self, now: Instant) {
        self.low = !self.low;
        self.good_since = self.low.then_some(now);
    }

    /// Counts anew from `now` on what it got and missed.
    #[inline]
    fn begin_window(&mut self, now: Instant) {
        (self.window, self.got, self.missed) = (now, 0, 0);
    }

    /// It got a picture, having missed so many before it.
    #[inline]
    fn record_picture(&mut self, missed: u64, now: Instant) -> Option<Change> {
        self.got += 1;
        self.missed += missed;
        if now.saturating_duration_since(self.window) < WINDOW {
            return None;
        }
        let offered = self.got + self.missed;
        self.lost = self.missed as f64 / offered as f64;
        self.begin_window(now);
        if offered < LEAST_PICTURES {
            return None;
        }
        if !self.low {
            if self.lost <= TOO_MANY_LOST {
                return None;
            }
            let too_early =
                self.raised.is_some_and(|at| now.saturating_duration_since(at) < 2 * self.good_for);
            self.good_for = if too_early { (2 * self.good_for).min(GOOD_FOR_AT_MOST) } else { GOOD_FOR };
            (self.low, self.good_since) = (true, None);
            return Some(Change::Down);
        }
        if self.lost > FEW_LOST {
            self.good_since = None;
            return None;
        }
        let since = *self.good_since.get_or_insert(now);
        if now.saturating_duration_since(since) < self.good_for {
            return None;
        }
        (self.low, self.raised) = (false, Some(now));
        Some(Change::Up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures at 20 a second for so many seconds, each having cost so many others; what changed, and when.
    fn run(tier: &mut Tier, now: &mut Instant, seconds: u32, missed: u64) -> Vec<(u32, Change)> {
        let mut changes = Vec::new();
        for i in 0..seconds * 20 {
            *now += Duration::from_millis(50);
            if let Some(change) = tier.record_picture(missed, *now) {
                changes.push((i / 20, change));
            }
        }
        changes
    }

    #[test]
    fn who_loses_pictures_gets_the_lower_quality_within_seconds_and_the_better_one_back() {
        let mut now = Instant::now();
        let mut tier = Tier::new(now);
        assert_eq!(run(&mut tier, &mut now, 10, 0), []);
        assert_eq!(run(&mut tier, &mut now, 3, 1), [(1, Change::Down)]);
        let changes = run(&mut tier, &mut now, 20, 0);
        assert_eq!(changes.len(), 1);
        assert!((9..=14).contains(&changes[0].0) && changes[0].1 == Change::Up, "{changes:?}");
    }

    #[test]
    fn who_falls_back_again_waits_twice_as_long_and_never_flutters() {
        let mut now = Instant::now();
        let mut tier = Tier::new(now);
        let mut changes = 0;
        for _ in 0..60 {
            // Good at the lower quality, bad at the better one.
            let missed = u64::from(!tier.low);
            changes += run(&mut tier, &mut now, 10, missed).len();
        }
        assert!(changes <= 14, "{changes} in ten minutes");
    }

    #[test]
    fn a_change_that_could_not_be_made_is_tried_again_later() {
        let mut now = Instant::now();
        let mut tier = Tier::new(now);
        run(&mut tier, &mut now, 3, 1);
        assert!(tier.low);
        assert_eq!(run(&mut tier, &mut now, 15, 0).len(), 1);
        tier.undo_change(now);
        assert!(tier.low, "there was no room for the better one");
        assert_eq!(run(&mut tier, &mut now, 15, 0).len(), 1, "it is tried again");
    }

    #[test]
    fn a_loss_of_a_fifth_is_borne() {
        let mut now = Instant::now();
        let mut tier = Tier::new(now);
        for i in 0..400_u64 {
            now += Duration::from_millis(50);
            assert_eq!(tier.record_picture(u64::from(i % 5 == 0), now), None);
        }
    }
}
