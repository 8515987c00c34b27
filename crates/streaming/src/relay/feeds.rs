//! What a viewer watches: the newest picture of each stream, in turn, when there is room for one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream, SelectAll};
use sightwire_hub::picture::Picture;
use sightwire_hub::stream::{Condition, Update};
use tokio::time::{Sleep, sleep};

use sightwire_api::stream::AnalysisMode;
use sightwire_live::analysis::Analysed;
use sightwire_live::analysis_lease::Looks;
use sightwire_live::demand::{Rate, Wish};
use sightwire_live::origin::Origin;
use sightwire_live::relay::listed::{Listed, Listing};
use sightwire_live::viewers::Admission;
use sightwire_live::watching::Watching;
use sightwire_live::{Streams, ViewRequest, WatchError};

/// Something new about a stream.
pub struct Event {
    pub stream: Arc<Watched>,
    pub news: News,
}

pub enum News {
    Update(Update),
    Objects(Arc<Analysed>),
    Ended {
        /// Why, where that is known.
        reason: Option<Arc<str>>,
        /// It was closed for everyone, on purpose.
        sent_off: bool,
    },
}

/// How often an analysis is asked for again, where there was no room for one.
const AGAIN: Duration = Duration::from_secs(5);
/// Said to another process of a camera that is not read here any more.
const ELSEWHERE: &str = "another process reads it";
/// Said of a camera that was closed for everyone.
const SENT_OFF: &str = "it was closed by an administrator";

/// A stream that a viewer watches.
#[derive(Debug)]
pub struct Watched {
    pub id: Arc<str>,
    /// Of a stream that is sent; a camera has none.
    pub mode: Option<AnalysisMode>,
    /// That of its sender; a camera has none.
    number: Option<u64>,
}

/// All that a viewer watches.
pub struct Feeds {
    all: Arc<Streams>,
    admission: Arc<Admission>,
    /// What of the pictures it is told.
    overlays: Option<Wish>,
    /// Of a picture, as this viewer gets it.
    size: fn(&Picture) -> usize,
    streams: SelectAll<BoxStream<'static, Event>>,
    watched: BTreeMap<Arc<str>, Arc<Watched>>,
    /// Cameras that were closed on purpose; this viewer does not open them again.
    sent_off: BTreeSet<Arc<str>>,
}

/// One stream that the viewer gets.
struct Feed {
    streams: Arc<Streams>,
    stream: Arc<Watched>,
    watching: Watching,
    objects: Objects,
    /// A picture was the last thing told; so what was found goes before the next one.
    told_picture: bool,
}

/// What is found in the pictures of a stream.
enum Objects {
    NotWanted,
    /// There is no room for another analysis, or no model for it; it is asked for again then.
    NoRoom(Box<Wanted>, Pin<Box<Sleep>>),
    Found(Box<Looks>),
}

/// Which objects somebody wants to be told of.
#[derive(Clone)]
struct Wanted {
    origin: Origin,
    wish: Wish,
    rate: Rate,
    /// Who asks, where a client does.
    from: Option<IpAddr>,
}

impl Feeds {
    pub fn new(
        all: Arc<Streams>,
        admission: Arc<Admission>,
        overlays: Option<Wish>,
        size: fn(&Picture) -> usize,
    ) -> Self {
        let (watched, sent_off) = (BTreeMap::new(), BTreeSet::new());
        Self { all, admission, overlays, size, streams: SelectAll::new(), watched, sent_off }
    }

    /// Whether that stream is watched.
    pub fn is_watching(&self, id: &str) -> bool {
        self.watched.contains_key(id)
    }

    /// Watches those of the streams that it does not watch yet. One that began again is watched when its end has been told.
    pub fn join_streams(&mut self, live: &Listing, selected: impl Fn(&Listed) -> bool) {
        for listed in live.values().filter(|listed| selected(listed)) {
            if !listed.has_ended() && !self.is_watching(&listed.id) {
                let (id, mode, number) = (listed.id.clone(), Some(listed.mode), Some(listed.number));
                // It may have ended by now; then there is nothing to tell of it.
                let _ = self.add_feed(Watched { id, mode, number }, listed.origin());
            }
        }
    }

    /// Watches a camera, unless this viewer was sent off it before.
    pub fn join_camera(&mut self, id: &Arc<str>, camera: Origin) -> Result<(), WatchError> {
        if self.sent_off.contains(id) {
            return Ok(());
        }
        self.add_feed(Watched { id: id.clone(), mode: None, number: None }, camera)
    }

    fn add_feed(&mut self, stream: Watched, origin: Origin) -> Result<(), WatchError> {
        let streams = self.all.clone();
        let watching = Watching::open(
            streams.clone(),
            origin.clone(),
            ViewRequest::Original,
            &self.admission,
            self.size,
        )?;
        if self.admission.viewer().is_process() {
            watching.upstream().place.want_here();
        }
        let objects = if let Some(wish) = self.overlays {
            // What nobody has asked for counts for nobody.
            let from = self.admission.viewer().shares_of().filter(|_| wish.wants_objects());
            let rate = analysis_rate(&streams, stream.mode);
            Objects::from_wanted(&streams, Wanted { origin, wish, rate, from })
        } else {
            Objects::NotWanted
        };
        let stream = Arc::new(stream);
        self.watched.insert(stream.id.clone(), stream.clone());
        let feed = Feed { streams, stream, watching, objects, told_picture: false };
        self.streams.push(stream::unfold(Some(feed), |feed| async { feed?.next().await }).boxed());
        Ok(())
    }

    /// The next that happens, of whichever stream has waited longest; never while nothing is watched.
    pub async fn next(&mut self) -> Event {
        let Some(event) = self.streams.next().await else { return std::future::pending().await };
        if let News::Ended { sent_off, .. } = event.news {
            if self.watched.get(&event.stream.id).is_some_and(|now| now.number == event.stream.number) {
                self.watched.remove(&event.stream.id);
            }
            if sent_off {
                self.sent_off.insert(event.stream.id.clone());
            }
        }
        event
    }
}

impl Feed {
    async fn next(mut self) -> Option<(Event, Option<Self>)> {
        let news = loop {
            if self.told_picture
                && let Some(analysed) = self.objects.take_newest()
            {
                break News::Objects(analysed);
            }
            tokio::select! {
                biased;
                update = self.watching.next() => match update {
                    // The end comes when there is nothing more.
                    Some(Update::State(state)) if state.condition == Condition::Ended => {}
                    // Of a stream without a picture its viewers are told with words.
                    Some(Update::Banner(_)) => {}
                    // Nothing goes from process to process to process.
                    Some(_) if self.watching.viewer().is_process() && self.watching.upstream().place.is_pulled() => {
                        break News::Ended { reason: Some(ELSEWHERE.into()), sent_off: false };
                    }
                    Some(update) => break News::Update(update),
                    None => break self.end_news(),
                },
                () = self.objects.wait_change(&self.streams) => if let Some(analysed) = self.objects.take_newest() {
                    break News::Objects(analysed);
                },
            }
        };
        self.told_picture = matches!(news, News::Update(Update::Picture(_)));
        let event = Event { stream: self.stream.clone(), news };
        let ended = matches!(event.news, News::Ended { .. });
        Some((event, (!ended).then_some(self)))
    }

    fn end_news(&self) -> News {
        let upstream = self.watching.upstream();
        let sent_off = upstream.sent_off.load(Ordering::Relaxed);
        let reason = if sent_off { Some(SENT_OFF.into()) } else { upstream.stream.state().reason };
        News::Ended { reason, sent_off }
    }
}

impl Objects {
    fn from_wanted(streams: &Streams, wanted: Wanted) -> Self {
        let Wanted { origin, wish, rate, from } = &wanted;
        let can = (wish.wants_objects() || streams.bodies.are_found())
            && streams.has_room_to_analyse(origin, *wish, *from);
        match can.then(|| streams.analyse_stream(origin, (*wish, *rate), *from).ok()).flatten() {
            Some(analysis) => Self::Found(Box::new(analysis.into_looks())),
            None => Self::NoRoom(Box::new(wanted), Box::pin(sleep(AGAIN))),
        }
    }

    /// Waits until there may be something new. Cancel-safe.
    async fn wait_change(&mut self, streams: &Streams) {
        match self {
            Self::Found(looks) => return looks.changed().await,
            Self::NoRoom(wanted, again) => {
                // Kept from picture to picture: to set a timer for each costs more than to look at one.
                again.as_mut().await;
                *self = Self::from_wanted(streams, Wanted::clone(wanted));
                return;
            }
            Self::NotWanted => {}
        }
        std::future::pending::<()>().await;
    }

    /// What was found and not told yet.
    fn take_newest(&mut self) -> Option<Arc<Analysed>> {
        let Self::Found(looks) = self else { return None };
        looks.take_look().map(|(analysed, _)| analysed)
    }
}

fn analysis_rate(streams: &Streams, mode: Option<AnalysisMode>) -> Rate {
    let relay = &streams.options().relay;
    let fps = if mode == Some(AnalysisMode::Enhanced) { relay.enhanced_fps } else { relay.normal_fps };
    Rate { fps, skip_frames: 1 }
}
