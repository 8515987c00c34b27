//! The threads that detect objects, for all streams.
//!
//! One [`DetectService`] per model. Pictures are taken in the order in which they came; a caller that wants only the newest
//! picture of a stream hands in one at a time. Sessions are made when a thread first has work, and let go when it has
//! had none for long.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sightwire_base::histogram::{Histogram, HistogramSnapshot};
use sightwire_frame::Image;
use sightwire_frame::boxes::Detection;
use sightwire_models::manifest::Detect;

use super::model::{DetectError, DetectModel, DetectModelError, Detector, DetectorOptions};
use sightwire_engine::pool::{self, Panicked, Pool, Work};
use sightwire_engine::priority::Priority;
use sightwire_engine::quota;
use sightwire_engine::trial::Subject;
use sightwire_engine::{Engine, Plan};

/// How a service works.
#[derive(Clone, Copy, Debug)]
pub struct ServiceOptions {
    /// Threads, each with a session of its own; at least one is taken.
    pub threads: usize,
    /// Pictures that wait for a thread at most.
    pub queue: usize,
    /// A thread without work for this long lets its session go.
    pub idle_release: Duration,
    /// What to make of the boxes.
    pub detector: DetectorOptions,
}

/// What was found in a picture.
#[derive(Clone, Debug)]
pub struct Found {
    /// The surest first; see [`Detector::detect`].
    pub detections: Vec<Detection>,
    /// From handing in to the beginning of the work.
    pub wait: Duration,
    /// The work: preparing the picture, the network, and its boxes.
    pub took: Duration,
}

/// Too many pictures wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{waiting} pictures wait for the detector already; fewer streams, or fewer frames a second, are needed"
)]
pub struct Busy {
    /// Requests that wait already.
    pub waiting: usize,
}

/// Counters since the service began, and what is so now.
#[derive(Clone, Debug, Default)]
pub struct ServiceStats {
    /// Pictures that the network has looked at.
    pub runs: u64,
    /// Pictures whose turn came when nobody wanted to know any more.
    pub unwanted: u64,
    /// Pictures refused because too many waited.
    pub refused: u64,
    /// Pictures of which nothing could be said.
    pub failed: u64,
    /// Pictures that wait for a thread now.
    pub pending: usize,
    /// Threads that hold a session now.
    pub threads_with_sessions: usize,
    /// From handing in to the beginning of the work.
    pub wait: HistogramSnapshot,
    /// The work of a picture; its sum is how long threads were busy.
    pub took: HistogramSnapshot,
}

/// A detector at work. Dropping it ends its threads.
pub struct DetectService {
    pool: Pool<Detecting>,
}

/// The detector, whatever waits for it.
struct Detecting {
    model: DetectModel,
    engine: Arc<Engine>,
    options: ServiceOptions,
    counters: Counters,
    /// Goes up when threads are to take new sessions.
    generation: AtomicU64,
    /// New sessions that are ready to take the place of old ones.
    fresh: Mutex<Vec<Detector>>,
}

/// What a thread keeps: its session.
struct ThreadState {
    detector: Detector,
    generation: u64,
}

struct DetectRequest {
    image: Arc<Image>,
    threshold: f32,
    wanted: Box<dyn Fn() -> bool + Send>,
    done: Box<dyn FnOnce(Result<Found, DetectError>) + Send>,
    submitted: Instant,
}

#[derive(Default)]
struct Counters {
    runs: AtomicU64,
    unwanted: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    wait: Histogram,
    took: Histogram,
}

/// After a failure to make a session, so that a broken engine neither spins nor floods the log.
const FAILED_PAUSE: Duration = Duration::from_millis(500);

impl DetectService {
    /// Makes the first session, which proves that the model works here, and starts the threads. Blocks.
    pub fn start(
        model: DetectModel,
        engine: Arc<Engine>,
        options: ServiceOptions,
    ) -> Result<Self, DetectModelError> {
        let first = model.detector(&engine, options.detector)?;
        let work = Detecting {
            model,
            engine,
            options,
            counters: Counters::default(),
            generation: AtomicU64::new(0),
            fresh: Mutex::default(),
        };
        let threads = pool::Options {
            name: "detect",
            threads: options.threads,
            priority: Priority::Live,
            idle_release: options.idle_release,
        };
        let first = ThreadState { detector: first, generation: 0 };
        let pool =
            Pool::start(work, VecDeque::new(), threads, Some(first)).map_err(DetectModelError::Thread)?;
        Ok(Self { pool })
    }

    fn work(&self) -> &Detecting {
        self.pool.shared().work()
    }

    /// Hands a picture in. When its turn comes, `wanted` is asked whether anybody still waits for it. `done` is called
    /// once, on a thread of the service, and must not block; if too many pictures wait, it is dropped uncalled.
    pub fn submit(
        &self,
        image: Arc<Image>,
        threshold: f32,
        wanted: impl Fn() -> bool + Send + 'static,
        done: impl FnOnce(Result<Found, DetectError>) + Send + 'static,
    ) -> Result<(), Busy> {
        let (wanted, done) = (Box::new(wanted), Box::new(done));
        let job = DetectRequest { image, threshold, wanted, done, submitted: Instant::now() };
        let most = self.work().options.queue.max(1);
        let refused = self.pool.shared().with_queue(|jobs| {
            let waiting = jobs.len();
            if waiting < most {
                jobs.push_back(job);
                return None;
            }
            Some((waiting, job))
        });
        let Some((waiting, _job)) = refused else { return Ok(()) };
        self.work().counters.refused.fetch_add(1, Ordering::Relaxed);
        Err(Busy { waiting })
    }

    /// Name of the model.
    pub fn name(&self) -> &str {
        self.work().model.name()
    }

    /// Names of the classes, by the `class` of a detection.
    pub fn labels(&self) -> &[String] {
        self.work().model.labels()
    }

    /// What the model's manifest says.
    pub fn table(&self) -> &Detect {
        self.work().model.table()
    }

    /// What the network is run with.
    pub fn plan(&self) -> Plan {
        self.work().model.plan(self.engine())
    }

    /// What it runs on.
    pub fn engine(&self) -> &Engine {
        &self.work().engine
    }

    /// What is to be tried before the model is used.
    pub fn subjects(&self) -> Vec<Subject> {
        self.work().model.subjects()
    }

    /// Decides anew what the network is run with, by what has been measured meanwhile. Nobody waits for new sessions: they
    /// are made here, and each thread takes one before its next picture. Whether anything is another than before; blocks.
    pub fn decide_again(&self) -> Result<bool, DetectModelError> {
        let work = self.work();
        let (before, better) = (self.plan(), work.model.better_plan(&work.engine));
        if better == before {
            return Ok(false);
        }
        work.model.run_with(better);
        let made: Result<Vec<_>, _> = (0..self.pool.shared().count_equipped())
            .map(|_| work.model.detector(&work.engine, work.options.detector))
            .collect();
        *work.fresh.lock() = made.inspect_err(|_| work.model.run_with(before))?;
        work.generation.fetch_add(1, Ordering::Release);
        Ok(true)
    }

    /// How many threads there are; each takes one picture at a time.
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// All counters, and the present values of what goes up and down.
    pub fn stats(&self) -> ServiceStats {
        let c = &self.work().counters;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ServiceStats {
            runs: get(&c.runs),
            unwanted: get(&c.unwanted),
            refused: get(&c.refused),
            failed: get(&c.failed),
            pending: self.pool.shared().inspect_queue(VecDeque::len),
            threads_with_sessions: self.pool.shared().count_equipped(),
            wait: c.wait.snapshot(),
            took: c.took.snapshot(),
        }
    }
}

impl Drop for DetectService {
    /// Waits for the runs in flight; pictures that wait are answered with [`DetectError::Ended`].
    fn drop(&mut self) {
        for job in self.pool.end(std::mem::take) {
            send_answer(job.done, Err(DetectError::Ended));
        }
    }
}

impl fmt::Debug for DetectService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetectService").field("model", &self.name()).finish_non_exhaustive()
    }
}

impl Work for Detecting {
    type Queue = VecDeque<DetectRequest>;
    type Task = DetectRequest;
    type Tools = ThreadState;
    type Outcome = Result<Found, DetectError>;

    fn next(
        &self,
        jobs: &mut VecDeque<DetectRequest>,
        _: Option<&ThreadState>,
        _: usize,
    ) -> Option<DetectRequest> {
        jobs.pop_front()
    }

    fn count_waiting(&self, jobs: &VecDeque<DetectRequest>) -> usize {
        jobs.len()
    }

    fn run(&self, held: &mut Option<ThreadState>, job: &mut DetectRequest) -> Self::Outcome {
        if !(job.wanted)() {
            return Err(DetectError::Unwanted);
        }
        quota::wait_for_quota(Priority::Live);
        self.analyse_image(held, &job.image, job.threshold, job.submitted)
    }

    fn finish_task(
        &self,
        _: &pool::Shared<Self>,
        job: DetectRequest,
        outcome: Result<Self::Outcome, Panicked>,
    ) {
        let DetectRequest { image, wanted, done, .. } = job;
        let found = outcome.unwrap_or(Err(DetectError::Panicked));
        let counter = match &found {
            Ok(_) => &self.counters.runs,
            Err(DetectError::Unwanted) => &self.counters.unwanted,
            Err(_) => &self.counters.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        // The one that gets the answer may want the picture's memory for the next one.
        drop((image, wanted));
        done(found);
    }

    fn name(&self) -> &str {
        self.model.name()
    }
}

impl Detecting {
    fn analyse_image(
        &self,
        held: &mut Option<ThreadState>,
        image: &Image,
        threshold: f32,
        submitted: Instant,
    ) -> Result<Found, DetectError> {
        let generation = self.generation.load(Ordering::Acquire);
        if held.as_ref().is_none_or(|held| held.generation != generation) {
            let fresh = self.fresh.lock().pop();
            let made = match fresh {
                Some(fresh) => Ok(fresh),
                None => self.model.detector(&self.engine, self.options.detector),
            };
            match made {
                Ok(detector) => *held = Some(ThreadState { detector, generation }),
                Err(error) => {
                    tracing::error!(%error, "no session for a detector's thread");
                    std::thread::sleep(FAILED_PAUSE);
                    return Err(error.into());
                }
            }
        }
        let Some(ThreadState { detector, .. }) = held else { return Err(DetectError::Ended) };
        let begun = Instant::now();
        let wait = begun.saturating_duration_since(submitted);
        let detections = detector.detect(image, threshold)?;
        let took = begun.elapsed();
        self.counters.wait.record(wait);
        self.counters.took.record(took);
        Ok(Found { detections, wait, took })
    }
}

fn send_answer(done: Box<dyn FnOnce(Result<Found, DetectError>) + Send>, found: Result<Found, DetectError>) {
    if catch_unwind(AssertUnwindSafe(|| done(found))).is_err() {
        tracing::error!("whoever waited for detections panicked on them");
    }
}
