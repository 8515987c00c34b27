//! The threads that analyse clips, and what clients see of them.
//!
//! One [`ClipService`] per model. Its worker threads take work from one [`Scheduler`]; each decodes, resizes and runs
//! the networks itself, so a frame's pixels stay in one core's cache and nothing queues between stages. Sessions are
//! made when a worker first has work, and let go when it has had none for long.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sightwire_frame::header::Limits;
use sightwire_models::Provider;
use sightwire_models::manifest::Clip;

use super::meant::Meant;
use super::model::{ClipModel, ClipModelError, Networks, Window};
use super::scheduler::{ClientId, Job, Options, Outcome, Scheduler, Verdict};
use crate::sender::{ClientState, Counters, Frame, OnPrediction, Prediction, ServiceStats};
use sightwire_engine::core_time::CoreTime;
use sightwire_engine::pool::{self, Panicked, Pool, Work};
use sightwire_engine::priority::Priority;
use sightwire_engine::quota;
use sightwire_engine::remote::Task;
use sightwire_engine::{Engine, EngineError, Plan};

/// How a service works.
#[derive(Clone, Copy, Debug)]
pub struct ServiceOptions {
    /// What a picture may be.
    pub limits: Limits,
    /// Frames a second of one client that are analysed at most.
    pub max_fps: f32,
    /// Past capacity, how long a client waits before another, who had its turn, has to give way.
    pub turn_gap: Duration,
    /// Past capacity, how long a client waits for its turn at most: turns are made shorter for it.
    pub turn_wait: Duration,
    /// A worker without work for this long lets its sessions go.
    pub idle_release: Duration,
    /// Below this probability nothing is predicted; `None` takes the model's.
    pub threshold: Option<f32>,
    /// Of a model of motions, only those count that follow on rest.
    pub arming: bool,
}

/// A clip model at work. Dropping it ends its threads.
pub struct ClipService {
    pool: Pool<Clips>,
}

/// A client of a [`ClipService`]. Dropping it is leaving: its frames and window are freed at once.
pub struct ClipClient {
    service: Arc<pool::Shared<Clips>>,
    id: ClientId,
    state: Arc<ClientState>,
}

/// The model, for all clients.
struct Clips {
    name: String,
    clip: Clip,
    is_split: bool,
    /// Whether all networks run on the CPU.
    on_cpu: bool,
    plans: Vec<(&'static str, Plan)>,
    /// `None` when the service has ended, though clients may still hold on to it: the files are large.
    model: Mutex<Option<Arc<ClipModel>>>,
    engine: Arc<Engine>,
    options: ServiceOptions,
    counters: Counters,
    /// Made at the start as a check, for the first worker that has work.
    spare: Mutex<Option<Networks>>,
}

/// What a worker made of a batch.
#[derive(Default)]
struct Done {
    /// Decoded and in the window.
    frames: usize,
    /// How long the networks took, where there was a prediction.
    predicting: Option<Duration>,
}

/// A frame and its client.
struct ClientFrame {
    frame: Frame,
    state: Arc<ClientState>,
}

/// Frames of the warm-up that estimate what one costs before real ones have been measured.
const WARM_UP_FRAMES: u32 = 5;
/// What decoding and resizing a 640×480 JPEG adds to the networks' time (docs/benchmarks.md), until it is measured.
const USUAL_DECODE: Duration = Duration::from_millis(1);
/// After a failure of the engine, so that a broken one neither spins nor floods the log.
const FAILED_PAUSE: Duration = Duration::from_millis(500);
/// Frames that a client may be behind for long once it had its first prediction.
const MAX_LAG: usize = 3;
/// Where a network takes whole windows, each is dear: past its capacity for every frame, this many frames share one. That
/// is a prediction every 120 ms at 25 frames a second.
const WHOLE_STRIDE: usize = 3;

impl ClipService {
    /// Makes the first sessions, which proves that the model works here, and starts the threads.
    pub fn start(
        model: ClipModel,
        engine: Arc<Engine>,
        options: ServiceOptions,
    ) -> Result<Self, ClipModelError> {
        let mut networks = model.networks(&engine, options.limits)?;
        let plans = model.plans(&engine);
        // Of what another machine does, this one's cores know nothing.
        let on_cpu = plans.iter().all(|(_, plan)| plan.provider != Provider::Cuda)
            && !engine.runs_remotely(Task::Signs);
        let cost = warm_up(&model, &mut networks, on_cpu)?;
        let is_split = model.is_split();
        let workers = engine.threads().max(1);
        let scheduler = Scheduler::new(Options {
            window: model.clip().window,
            workers,
            max_lag: MAX_LAG,
            turn_gap: options.turn_gap,
            turn_wait: options.turn_wait,
            max_fps: options.max_fps,
            stride: if is_split { 1 } else { WHOLE_STRIDE },
            frame_cost: if is_split { cost + USUAL_DECODE } else { USUAL_DECODE },
            prediction_cost: if is_split { Duration::ZERO } else { cost },
        });
        let clips = Clips {
            name: model.name().to_owned(),
            clip: model.clip().clone(),
            is_split,
            on_cpu,
            plans,
            model: Mutex::new(Some(Arc::new(model))),
            engine,
            options,
            counters: Counters::default(),
            spare: Mutex::new(Some(networks)),
        };
        let threads = pool::Options {
            name: "clip",
            threads: workers,
            priority: Priority::Live,
            idle_release: options.idle_release,
        };
        let name = clips.name.clone();
        let pool = Pool::start(clips, scheduler, threads, None)
            .map_err(|error| ClipModelError::Thread { model: name, error })?;
        Ok(Self { pool })
    }

    fn clips(&self) -> &Clips {
        self.pool.shared().work()
    }

    /// Name of the model.
    pub fn name(&self) -> &str {
        &self.clips().name
    }

    /// What the model's manifest says.
    pub fn clip(&self) -> &Clip {
        &self.clips().clip
    }

    /// What each network is run with, by role.
    pub fn plans(&self) -> &[(&'static str, Plan)] {
        &self.clips().plans
    }

    /// What it runs on.
    pub fn engine(&self) -> &Engine {
        &self.clips().engine
    }

    /// Whether motions count only once a rest has armed them.
    pub fn is_armed(&self) -> bool {
        self.clips().armed_by().is_some()
    }

    /// Adds a client; `on_prediction` is called on a worker's thread for each of its predictions.
    pub fn join(&self, on_prediction: OnPrediction) -> ClipClient {
        let id = self.pool.shared().with_queue(|scheduler| scheduler.join(Instant::now()));
        let clips = self.clips();
        let threshold = clips.options.threshold.unwrap_or(clips.clip.threshold);
        let meant = clips.armed_by().map(|rest| Meant::new(rest, threshold));
        ClipClient { service: self.pool.shared().clone(), id, state: ClientState::new(on_prediction, meant) }
    }

    /// All counters, and the present values of what goes up and down.
    pub fn stats(&self) -> ServiceStats {
        let now = Instant::now();
        let scheduler = self.pool.shared();
        let (clients, running, pending) =
            scheduler.inspect_queue(|s| (s.clients(), s.running(), s.pending()));
        let (capacity_fps, longest_wait) =
            scheduler.inspect_queue(|s| (s.capacity_fps_at(now), s.longest_wait(now)));
        ServiceStats {
            clients,
            running,
            pending,
            workers_with_sessions: self.pool.shared().count_equipped(),
            capacity_fps,
            longest_wait,
            ..self.clips().counters.stats()
        }
    }
}

impl Drop for ClipService {
    /// What is pending is given up; the runs in flight are waited for. Clients may hold on to the service, and the files
    /// are large.
    fn drop(&mut self) {
        self.pool.end(Scheduler::clear);
        self.pool.join();
        self.clips().model.lock().take();
        self.clips().spare.lock().take();
    }
}

impl ClipClient {
    /// Hands a frame in. Never blocks for longer than the scheduler's lock. Also says in how long its prediction will be there,
    /// where that is known.
    pub fn push(&self, frame: Frame) -> (Verdict, Option<Duration>) {
        let work = ClientFrame { state: self.state.clone(), frame };
        let now = work.frame.arrived;
        let (verdict, result_in) =
            self.service.with_queue(|scheduler| match scheduler.push(now, self.id, work) {
                Verdict::Queued => (Verdict::Queued, scheduler.result_in(now, self.id)),
                verdict => (verdict, None),
            });
        self.service.work().counters.count_frame(verdict);
        (verdict, result_in)
    }

    /// The newest prediction; `None` before the first.
    pub fn newest(&self) -> Option<Arc<Prediction>> {
        self.state.newest()
    }
}

impl Drop for ClipClient {
    fn drop(&mut self) {
        self.state.leave();
        self.service.with_queue(|scheduler| scheduler.leave(self.id));
    }
}

impl fmt::Debug for ClipClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClipClient").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for ClipService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClipService").field("model", &self.clips().name).finish_non_exhaustive()
    }
}

impl Work for Clips {
    type Queue = Scheduler<ClientFrame, Window>;
    type Task = Job<ClientFrame, Window>;
    type Tools = Networks;
    type Outcome = Outcome<Window>;

    fn next(&self, scheduler: &mut Self::Queue, networks: Option<&Networks>, _: usize) -> Option<Self::Task> {
        scheduler.take_job(networks.map_or(1, Networks::batch))
    }

    fn count_waiting(&self, scheduler: &Self::Queue) -> usize {
        scheduler.ready()
    }

    fn run(&self, networks: &mut Option<Networks>, job: &mut Self::Task) -> Self::Outcome {
        self.analyse_job(networks, job)
    }

    fn finish_task(
        &self,
        pool: &pool::Shared<Self>,
        job: Self::Task,
        outcome: Result<Self::Outcome, Panicked>,
    ) {
        let outcome = outcome.unwrap_or_else(|Panicked| {
            self.counters.failed.fetch_add(1, Ordering::Relaxed);
            Outcome::lost()
        });
        pool.with_queue(|scheduler| scheduler.finish_job(Instant::now(), job.id(), outcome));
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Clips {
    /// Index of the label of the rest that arms motions; `None` if each counts.
    fn armed_by(&self) -> Option<usize> {
        let rest = self.clip.labels.iter().position(|label| Some(label) == self.clip.rest.as_ref());
        rest.filter(|_| self.options.arming)
    }

    /// Adds the job's frames to its window, and publishes what the model makes of it.
    fn analyse_job(
        &self,
        networks: &mut Option<Networks>,
        job: &mut Job<ClientFrame, Window>,
    ) -> Outcome<Window> {
        let mut window = std::mem::take(&mut job.window);
        let nets = match networks {
            Some(networks) => networks,
            None => match self.make_networks() {
                Ok(made) => networks.insert(made),
                Err(error) => {
                    tracing::error!(%error, "no sessions for a worker");
                    self.counters.failed.fetch_add(1, Ordering::Relaxed);
                    // A worker that cannot work must not spin on everyone's frames.
                    std::thread::sleep(FAILED_PAUSE);
                    return Outcome::lost();
                }
            },
        };
        let clock = CoreTime::start(self.on_cpu);
        let (mut analysed, mut spent, mut predicting) = (0, Duration::ZERO, None);
        let mut waited = Duration::ZERO;
        for batch in job.frames.chunks(nets.batch()) {
            let start = Instant::now();
            waited += quota::wait_for_quota(Priority::Live);
            match self.analyse_batch(nets, batch, &mut window) {
                Ok(done) => {
                    analysed += done.frames;
                    // Over whole windows, the prediction is what costs; else it is a small part of every frame's cost.
                    let apart = if self.is_split { None } else { done.predicting };
                    predicting = apart.or(predicting);
                    spent += start.elapsed().saturating_sub(apart.unwrap_or_default());
                }
                Err(error) => {
                    self.counters.failed.fetch_add(1, Ordering::Relaxed);
                    tracing::error!(%error, "frames could not be analysed");
                    std::thread::sleep(FAILED_PAUSE);
                    return Outcome { spent: spent + start.elapsed(), ..Outcome::lost() };
                }
            }
        }
        // A quota is there after a pause as it was before, other than neighbours.
        let undisturbed = clock.elapsed() + waited;
        Outcome { window, analysed, spent, undisturbed, predicting, lost: false }
    }

    fn make_networks(&self) -> Result<Networks, ClipModelError> {
        if let Some(spare) = self.spare.lock().take() {
            return Ok(spare);
        }
        let model = self.model.lock().clone();
        let ended =
            || EngineError::Run { network: self.name.clone(), reason: "the service has ended".into() };
        let model =
            model.ok_or_else(|| ClipModelError::Engine { model: self.name.clone(), error: ended() })?;
        model.networks(&self.engine, self.options.limits)
    }

    /// At most a batch of one client's frames: decode each, add them to the window, and predict once it is complete.
    fn analyse_batch(
        &self,
        nets: &mut Networks,
        works: &[ClientFrame],
        window: &mut Window,
    ) -> Result<Done, EngineError> {
        let counters = &self.counters;
        let mut newest = None;
        let mut prepared = 0;
        for work in works {
            if work.state.has_left() {
                return Ok(Done::default());
            }
            let start = Instant::now();
            match nets.prepare_frame(prepared, &work.frame.payload) {
                Ok(()) => {
                    prepared += 1;
                    newest = Some(work);
                    counters.decode.record(start.elapsed());
                }
                Err(error) => {
                    counters.broken.fetch_add(1, Ordering::Relaxed);
                    tracing::debug!(%error, "a frame could not be decoded and leaves the window");
                }
            }
        }
        let Some(newest) = newest else { return Ok(Done::default()) };
        let start = Instant::now();
        nets.extend(window, prepared)?;
        counters.analysed.fetch_add(prepared as u64, Ordering::Relaxed);
        let scores: Option<Box<[f32]>> = nets.predict(window)?.map(Into::into);
        let took = start.elapsed();
        counters.infer.record(took);
        let predicting = scores.is_some().then_some(took);
        if let Some(scores) = scores {
            self.publish(newest, scores);
        }
        Ok(Done { frames: prepared, predicting })
    }

    fn publish(&self, work: &ClientFrame, scores: Box<[f32]>) {
        let best = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let Some((label, score)) = best.map(|(label, score)| (label, *score)) else {
            return;
        };
        if !score.is_finite() {
            // A network that has run out of its numbers has predicted nothing.
            self.counters.failed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let Frame { id, arrived, .. } = work.frame;
        let finished = Instant::now();
        let prediction =
            Prediction { label, score, scores, seen: id, arrived, finished, meant: true, sight: None };
        work.state.publish(&self.counters, prediction);
    }
}

/// Fills a window and predicts a few times; returns the median time of what is done for a prediction when one is made at
/// every frame, with a core of its own.
fn warm_up(model: &ClipModel, networks: &mut Networks, on_cpu: bool) -> Result<Duration, ClipModelError> {
    let failed = |error| ClipModelError::Engine { model: model.name().to_owned(), error };
    let mut window = Window::default();
    let mut times = Vec::new();
    for _ in 0..model.clip().window.div_ceil(networks.batch()) {
        networks.extend(&mut window, networks.batch()).map_err(failed)?;
    }
    for _ in 0..WARM_UP_FRAMES {
        let start = CoreTime::start(on_cpu);
        networks.extend(&mut window, 1).map_err(failed)?;
        networks.predict(&window).map_err(failed)?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}
