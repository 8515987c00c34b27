//! The threads that look for hands, and what clients see of them.
//!
//! One [`HandService`] per model, shared by all clients. A thread decodes a picture, looks for hands in it, and tells the client;
//! what is kept of a client from one picture to the next ([`Watch`]) goes from thread to thread with its pictures.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sightwire_engine::priority::Priority;
use sightwire_engine::{Engine, EngineError, Plan, quota};
use sightwire_frame::Image;
use sightwire_frame::header::Limits;
use sightwire_hands::label::LABELS;
use sightwire_hands::region::Region;
use sightwire_hands::watch::{Networks as _, Watch, WatchOptions};

use super::HandSight;
use super::model::{HandModel, HandModelError, HandNetworks};
use super::turns::{Id, Turn, Turns};
use crate::clip::scheduler::Verdict;
use crate::sender::{ClientState, Counters, Decode, Frame, OnPrediction, Payload, Prediction, ServiceStats};
use sightwire_engine::pool::{self, Panicked, Pool, Work};

/// How a service works.
#[derive(Clone, Copy, Debug)]
pub struct HandServiceOptions {
    /// What a picture may be.
    pub limits: Limits,
    /// Frames a second of one client that are analysed at most.
    pub max_fps: f32,
    /// A thread without work for this long lets its sessions go.
    pub idle_release: Duration,
    /// How hands are watched, and when their motions count.
    pub watch: WatchOptions,
}

/// A model of hands at work. Dropping it ends its threads.
pub struct HandService {
    pool: Pool<Hands>,
}

/// A client of a [`HandService`]. Dropping it is leaving.
pub struct HandClient {
    service: Arc<pool::Shared<Hands>>,
    id: Id,
    state: Arc<ClientState>,
}

struct Hands {
    name: String,
    warning: Option<String>,
    plans: Vec<(&'static str, Plan)>,
    /// `None` when the service has ended, though clients may still hold on to it.
    model: Mutex<Option<Arc<HandModel>>>,
    engine: Arc<Engine>,
    options: HandServiceOptions,
    counters: Counters,
    started: Instant,
}

/// What a thread keeps.
struct Tools {
    decode: Decode,
    networks: HandNetworks,
}

struct ClientFrame {
    picture: Picture,
    id: Option<u64>,
    state: Arc<ClientState>,
}

enum Picture {
    Encoded(Payload),
    Decoded(Arc<Image>),
}

/// After a failure of the engine, so that a broken one neither spins nor floods the log.
const FAILED_PAUSE: Duration = Duration::from_millis(500);
/// What decoding a 640×480 JPEG adds to the networks' time (docs/benchmarks.md), until it is measured.
const USUAL_DECODE: Duration = Duration::from_millis(1);
/// Runs of the networks that tell what a picture costs before real ones have been measured.
const WARM_UP: u32 = 3;

impl HandService {
    /// Makes the first sessions, which proves that the model works here, and starts the threads. Blocks.
    pub fn start(
        mut model: HandModel,
        engine: Arc<Engine>,
        options: HandServiceOptions,
    ) -> Result<Self, HandModelError> {
        let name = model.name().to_owned();
        let wrap = |error| HandModelError::Engine { model: name.clone(), error };
        let mut networks = model.first_networks(&engine)?;
        let cost = warm_up(&mut networks).map_err(wrap)? + USUAL_DECODE;
        let decode = Decode::new(options.limits).map_err(wrap)?;
        let (plans, threads) = (model.plans(&engine), engine.threads().max(1));
        let warning = model.warning().inspect(|warning| tracing::warn!("{warning}"));
        let mut watch = options.watch;
        watch.tracker.begin = model.presence();
        let work = Hands {
            name: name.clone(),
            warning,
            plans,
            model: Mutex::new(Some(Arc::new(model))),
            engine,
            options: HandServiceOptions { watch, ..options },
            counters: Counters::default(),
            started: Instant::now(),
        };
        let pool_options = pool::Options {
            name: "hands",
            threads,
            priority: Priority::Live,
            idle_release: options.idle_release,
        };
        let turns = Turns::new(threads, options.max_fps, cost);
        let pool = Pool::start(work, turns, pool_options, Some(Tools { decode, networks }))
            .map_err(|error| HandModelError::Thread { model: name, error })?;
        Ok(Self { pool })
    }

    fn work(&self) -> &Hands {
        self.pool.shared().work()
    }

    /// Name of the model.
    pub fn name(&self) -> &str {
        &self.work().name
    }

    /// For people: what it does without, and why.
    pub fn warning(&self) -> Option<&str> {
        self.work().warning.as_deref()
    }

    /// The options that it was made with.
    pub fn options(&self) -> &HandServiceOptions {
        &self.work().options
    }

    /// What each network is run with, by role.
    pub fn plans(&self) -> &[(&'static str, Plan)] {
        &self.work().plans
    }

    /// What it runs on.
    pub fn engine(&self) -> &Engine {
        &self.work().engine
    }

    /// Adds a client; `on_prediction` is called on a thread of the service for each picture that was looked at, and must not
    /// block.
    pub fn join(&self, on_prediction: OnPrediction) -> HandClient {
        let watch = Box::new(Watch::new(self.work().options.watch));
        let id = self.pool.shared().with_queue(|turns| turns.join(watch));
        HandClient { service: self.pool.shared().clone(), id, state: ClientState::new(on_prediction, None) }
    }

    /// All counters, and the present values of what goes up and down.
    pub fn stats(&self) -> ServiceStats {
        let (now, shared) = (Instant::now(), self.pool.shared());
        let gauges =
            |turns: &Queue| (turns.clients(), turns.active(now), turns.pending(), turns.capacity_fps());
        let (clients, running, pending, capacity_fps) = shared.inspect_queue(gauges);
        let workers_with_sessions = shared.count_equipped();
        let counted = self.work().counters.stats();
        ServiceStats { clients, running, pending, workers_with_sessions, capacity_fps, ..counted }
    }
}

impl Drop for HandService {
    /// What is pending is given up; the runs in flight are waited for.
    fn drop(&mut self) {
        self.pool.end(Turns::clear);
        self.pool.join();
        self.work().model.lock().take();
    }
}

impl HandClient {
    /// Hands a frame in. Also says in how long its prediction will be there.
    pub fn push(&self, frame: Frame) -> (Verdict, Option<Duration>) {
        self.hand_in(frame.arrived, frame.id, Picture::Encoded(frame.payload))
    }

    /// As [`HandClient::push`], of a picture that is decoded.
    pub fn push_picture(&self, image: Arc<Image>, arrived: Instant) -> Verdict {
        self.hand_in(arrived, None, Picture::Decoded(image)).0
    }

    fn hand_in(&self, arrived: Instant, id: Option<u64>, picture: Picture) -> (Verdict, Option<Duration>) {
        let frame = ClientFrame { picture, id, state: self.state.clone() };
        let (verdict, result_in) = self.service.with_queue(|turns| {
            let verdict = turns.push(arrived, self.id, frame);
            (verdict, (verdict == Verdict::Queued).then(|| turns.result_in()))
        });
        self.service.work().counters.count_frame(verdict);
        (verdict, result_in)
    }

    /// The newest prediction; `None` before the first.
    pub fn newest(&self) -> Option<Arc<Prediction>> {
        self.state.newest()
    }
}

impl Drop for HandClient {
    fn drop(&mut self) {
        self.state.leave();
        self.service.with_queue(|turns| turns.leave(self.id));
    }
}

impl fmt::Debug for HandClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandClient").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for HandService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandService").field("model", &self.name()).finish_non_exhaustive()
    }
}

type Queue = Turns<ClientFrame, Box<Watch>>;

impl Work for Hands {
    type Queue = Queue;
    type Task = Turn<ClientFrame, Box<Watch>>;
    type Tools = Tools;
    /// How long the picture took; `None` if it could not be looked at.
    type Outcome = Option<Duration>;

    fn next(&self, turns: &mut Queue, _: Option<&Tools>, _: usize) -> Option<Self::Task> {
        let turn = turns.take_turn(Instant::now())?;
        self.counters.skipped.fetch_add(turn.given_up, Ordering::Relaxed);
        Some(turn)
    }

    fn count_waiting(&self, turns: &Queue) -> usize {
        turns.ready()
    }

    fn run(&self, tools: &mut Option<Tools>, turn: &mut Self::Task) -> Option<Duration> {
        if turn.picture.state.has_left() {
            return None;
        }
        let tools = match tools {
            Some(tools) => tools,
            None => match self.make_tools() {
                Ok(made) => tools.insert(made),
                Err(error) => {
                    tracing::error!(%error, "no sessions for a worker");
                    self.counters.failed.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(FAILED_PAUSE);
                    return None;
                }
            },
        };
        let start = Instant::now();
        let waited = quota::wait_for_quota(Priority::Live);
        match self.analyse_picture(tools, turn) {
            Ok(()) => Some(start.elapsed().saturating_sub(waited)),
            Err(error) => {
                self.counters.failed.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%error, "a picture could not be looked at");
                std::thread::sleep(FAILED_PAUSE);
                None
            }
        }
    }

    fn finish_task(
        &self,
        pool: &pool::Shared<Self>,
        turn: Self::Task,
        outcome: Result<Option<Duration>, Panicked>,
    ) {
        let took = outcome.unwrap_or_else(|Panicked| {
            self.counters.failed.fetch_add(1, Ordering::Relaxed);
            None
        });
        // What a panic left of it is not to be trusted.
        let kept = turn.kept.unwrap_or_else(|| Box::new(Watch::new(self.options.watch)));
        pool.with_queue(|turns| turns.finish_turn(turn.client, kept, took));
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Hands {
    fn make_tools(&self) -> Result<Tools, HandModelError> {
        let wrap = |error| HandModelError::Engine { model: self.name.clone(), error };
        let ended =
            || EngineError::Run { network: self.name.clone(), reason: "the service has ended".into() };
        let model = self.model.lock().clone().ok_or_else(|| wrap(ended()))?;
        let networks = model.networks(&self.engine)?;
        Ok(Tools { decode: Decode::new(self.options.limits).map_err(wrap)?, networks })
    }

    /// Looks at a picture, and tells its client. A frame that is not a picture is counted, and changes nothing.
    fn analyse_picture(
        &self,
        tools: &mut Tools,
        turn: &mut Turn<ClientFrame, Box<Watch>>,
    ) -> Result<(), EngineError> {
        let (counters, begun) = (&self.counters, Instant::now());
        let image: &Image = match &turn.picture.picture {
            Picture::Decoded(image) => image,
            Picture::Encoded(payload) => match tools.decode.decode(payload) {
                Ok(image) => image,
                Err(error) => {
                    counters.broken.fetch_add(1, Ordering::Relaxed);
                    tracing::debug!(%error, "a frame could not be decoded");
                    return Ok(());
                }
            },
        };
        let decoded = Instant::now();
        counters.decode.record(decoded.saturating_duration_since(begun));
        // Taken out while it may be left half done by a panic.
        let Some(mut watch) = turn.kept.take() else { return Ok(()) };
        let time = turn.arrived.saturating_duration_since(self.started);
        let sight = watch.see_picture(time, image, &mut tools.networks);
        let (width, height) = (image.width(), image.height());
        let hints = watch.hints([width, height]);
        turn.kept = Some(watch);
        let sight = HandSight { width, height, sight: sight?, hints };
        let finished = Instant::now();
        counters.infer.record(finished.saturating_duration_since(decoded));
        counters.analysed.fetch_add(1, Ordering::Relaxed);
        let mut scores: Box<[f32]> = vec![0.0; LABELS].into();
        let (label, score) = sight.sight.said.map_or((0, 0.0), |said| (said.label.index(), said.score));
        scores[label] = score;
        let ClientFrame { id, ref state, .. } = turn.picture;
        let arrived = turn.arrived;
        let sight = Some(Box::new(sight));
        state.publish(
            counters,
            Prediction { label, score, scores, seen: id, arrived, finished, meant: true, sight },
        );
        Ok(())
    }
}

/// Runs both networks a few times; the median time of the one that is run for each picture with a hand.
fn warm_up(networks: &mut HandNetworks) -> Result<Duration, EngineError> {
    let image = Image::new(640, 480);
    let region = Region { x: 320.0, y: 240.0, side: 200.0, turn: 0.1 };
    networks.palms(&image)?;
    let mut times = Vec::new();
    for _ in 0..WARM_UP {
        let start = Instant::now();
        networks.landmarks(&image, &region)?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}
