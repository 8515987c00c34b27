//! The threads that detect objects, for all streams.
//!
//! One [`DetectService`] per model. Pictures are taken in the order in which they came; whoever wants only the newest
//! picture of a stream hands in one at a time. Sessions are made when a thread first has work, and let go when it has
//! had none for long.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use sightwire_frame::Image;
use sightwire_frame::boxes::Detection;
use sightwire_measure::histogram::{Histogram, HistogramSnapshot};
use sightwire_models::manifest::Detect;

use super::model::{DetectError, DetectModel, DetectModelError, Detector, DetectorOptions};
use crate::engine::{Engine, Plan};
use crate::priority;
use crate::trial::Subject;

/// How a service works.
#[derive(Clone, Copy, Debug)]
pub struct ServiceOptions {
    /// Threads, each with a session of its own; at least one is taken.
    pub threads: usize,
    /// Pictures that wait for a thread at most.
    pub queue: usize,
    /// A thread without work for so long lets its session go.
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
    /// That wait.
    pub waiting: usize,
}

/// Counters since the service began, and what is so now.
#[derive(Clone, Debug, Default)]
pub struct ServiceStats {
    /// Pictures analysed.
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
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    model: DetectModel,
    engine: Arc<Engine>,
    options: ServiceOptions,
    queue: Mutex<Queue>,
    /// One for each thread, so that the one that was last at work is woken: under light load the others stay asleep, and
    /// neither make sessions nor keep them.
    wake: Vec<Condvar>,
    counters: Counters,
    /// Goes up when sessions are to be made anew,
    generation: AtomicU64,
    /// and these are ready to take the place of old ones.
    fresh: Mutex<Vec<Detector>>,
}

/// A thread's session.
struct Held {
    detector: Detector,
    generation: u64,
}

struct Queue {
    jobs: VecDeque<Job>,
    /// Threads that sleep, the one to wake first at the end.
    asleep: Vec<usize>,
    /// Threads that were woken, or hand out an answer, and will look for work in a moment. No other one is woken for
    /// pictures that these will take: it would make a session for nothing.
    coming: usize,
    ended: bool,
}

struct Job {
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
    with_sessions: AtomicUsize,
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
        let mut first = Some(Held { detector: first, generation: 0 });
        let count = options.threads.max(1);
        // The first thread has a session, and looks for work in a moment.
        let queue =
            Queue { jobs: VecDeque::new(), asleep: Vec::with_capacity(count), coming: 1, ended: false };
        let shared = Arc::new(Shared {
            model,
            engine,
            options,
            queue: Mutex::new(queue),
            wake: (0..count).map(|_| Condvar::new()).collect(),
            counters: Counters { with_sessions: AtomicUsize::new(1), ..Counters::default() },
            generation: AtomicU64::new(0),
            fresh: Mutex::default(),
        });
        let mut threads = Vec::new();
        for index in 0..count {
            let (shared, first) = (shared.clone(), first.take());
            let name = format!("detect-{index}");
            let spawned = std::thread::Builder::new().name(name).spawn(move || shared.work(index, first));
            match spawned {
                Ok(thread) => threads.push(thread),
                Err(error) if index == 0 => return Err(DetectModelError::Thread(error)),
                Err(error) => tracing::error!(%error, "a detector has one thread less than it should"),
            }
        }
        Ok(Self { shared, threads })
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
        let job = Job { image, threshold, wanted, done, submitted: Instant::now() };
        let mut queue = self.shared.queue.lock();
        let waiting = queue.jobs.len();
        if waiting >= self.shared.options.queue.max(1) {
            drop(queue);
            self.shared.counters.refused.fetch_add(1, Ordering::Relaxed);
            return Err(Busy { waiting });
        }
        queue.jobs.push_back(job);
        let woken = if queue.jobs.len() > queue.coming { queue.asleep.pop() } else { None };
        queue.coming += usize::from(woken.is_some());
        drop(queue);
        if let Some(thread) = woken {
            self.shared.wake[thread].notify_one();
        }
        Ok(())
    }

    /// Name of the model.
    pub fn name(&self) -> &str {
        self.shared.model.name()
    }

    /// Its classes.
    pub fn labels(&self) -> &[String] {
        self.shared.model.labels()
    }

    /// What the model's manifest says.
    pub fn table(&self) -> &Detect {
        self.shared.model.table()
    }

    /// What the network is run with.
    pub fn plan(&self) -> Plan {
        self.shared.model.plan(&self.shared.engine)
    }

    /// What it runs on.
    pub fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    /// What is to be tried before the model is used.
    pub fn subjects(&self) -> Vec<Subject> {
        self.shared.model.subjects()
    }

    /// Decides anew what the network is run with, by what has been measured meanwhile. Nobody waits for new sessions: they
    /// are made here, and each thread takes one before its next picture. Whether anything is another than before; blocks.
    pub fn decide_again(&self) -> Result<bool, DetectModelError> {
        let shared = &self.shared;
        let (before, better) = (self.plan(), shared.model.better_plan(&shared.engine));
        if better == before {
            return Ok(false);
        }
        shared.model.run_with(better);
        let count = shared.counters.with_sessions.load(Ordering::Relaxed);
        let made: Result<Vec<_>, _> =
            (0..count).map(|_| shared.model.detector(&shared.engine, shared.options.detector)).collect();
        *shared.fresh.lock() = made.inspect_err(|_| shared.model.run_with(before))?;
        shared.generation.fetch_add(1, Ordering::Release);
        Ok(true)
    }

    /// Threads that work.
    pub fn threads(&self) -> usize {
        self.threads.len()
    }

    /// Counters and gauges.
    pub fn stats(&self) -> ServiceStats {
        let c = &self.shared.counters;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ServiceStats {
            runs: get(&c.runs),
            unwanted: get(&c.unwanted),
            refused: get(&c.refused),
            failed: get(&c.failed),
            pending: self.shared.queue.lock().jobs.len(),
            threads_with_sessions: c.with_sessions.load(Ordering::Relaxed),
            wait: c.wait.snapshot(),
            took: c.took.snapshot(),
        }
    }
}

impl Drop for DetectService {
    /// Waits for the runs in flight; pictures that wait are answered with [`DetectError::Ended`].
    fn drop(&mut self) {
        let left = {
            let mut queue = self.shared.queue.lock();
            queue.ended = true;
            std::mem::take(&mut queue.jobs)
        };
        for thread in &self.shared.wake {
            thread.notify_one();
        }
        for job in left {
            answer(job.done, Err(DetectError::Ended));
        }
        for thread in self.threads.drain(..) {
            // The last owner may let go within an answer, on one of the threads themselves.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

impl fmt::Debug for DetectService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetectService").field("model", &self.name()).finish_non_exhaustive()
    }
}

impl Shared {
    /// A thread's life.
    fn work(&self, index: usize, mut detector: Option<Held>) {
        priority::lower_this_thread();
        let mut coming = detector.is_some();
        while let Some(job) = self.next_job(index, &mut detector, coming) {
            let Job { image, threshold, wanted, done, submitted } = job;
            // A bug must not take the thread with it, and with it everyone's detections.
            let found = catch_unwind(AssertUnwindSafe(|| {
                if wanted() {
                    self.analyse(&mut detector, &image, threshold, submitted)
                } else {
                    Err(DetectError::Unwanted)
                }
            }));
            let found = found.unwrap_or_else(|_| {
                tracing::error!("a detector panicked on a picture; its session is made anew");
                self.let_go(&mut detector);
                Err(DetectError::Panicked)
            });
            let counter = match &found {
                Ok(_) => &self.counters.runs,
                Err(DetectError::Unwanted) => &self.counters.unwanted,
                Err(_) => &self.counters.failed,
            };
            counter.fetch_add(1, Ordering::Relaxed);
            // Whoever gets the answer may want the picture's memory for the next one.
            drop((image, wanted));
            self.queue.lock().coming += 1;
            coming = true;
            answer(done, found);
        }
        self.let_go(&mut detector);
    }

    fn let_go(&self, detector: &mut Option<Held>) {
        if detector.take().is_some() {
            self.counters.with_sessions.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Waits for work; `None` when the service ends. `coming` if the thread is counted as such.
    fn next_job(&self, index: usize, detector: &mut Option<Held>, mut coming: bool) -> Option<Job> {
        let mut queue = self.queue.lock();
        loop {
            queue.coming -= usize::from(coming);
            if queue.ended {
                return None;
            }
            if (detector.is_some() || queue.jobs.len() > queue.coming)
                && let Some(job) = queue.jobs.pop_front()
            {
                return Some(job);
            }
            if detector.is_some() {
                queue.asleep.push(index);
            } else {
                queue.asleep.insert(0, index);
            }
            let release = detector.is_some().then_some(self.options.idle_release);
            let timed_out = if let Some(after) = release {
                self.wake[index].wait_for(&mut queue, after).timed_out()
            } else {
                self.wake[index].wait(&mut queue);
                false
            };
            // It may have been woken in the moment in which its time was over.
            coming = !queue.asleep.contains(&index);
            queue.asleep.retain(|thread| *thread != index);
            if timed_out && !coming && queue.jobs.is_empty() && !queue.ended {
                MutexGuard::unlocked(&mut queue, || {
                    tracing::info!(model = self.model.name(), "a session let go: no work for long");
                    self.let_go(detector);
                });
            }
        }
    }

    fn analyse(
        &self,
        held: &mut Option<Held>,
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
                Ok(detector) => {
                    self.let_go(held);
                    *held = Some(Held { detector, generation });
                    self.counters.with_sessions.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => {
                    tracing::error!(%error, "no session for a detector's thread");
                    std::thread::sleep(FAILED_PAUSE);
                    return Err(error.into());
                }
            }
        }
        let Some(Held { detector, .. }) = held else { return Err(DetectError::Ended) };
        let begun = Instant::now();
        let wait = begun.saturating_duration_since(submitted);
        let detections = detector.detect(image, threshold)?;
        let took = begun.elapsed();
        self.counters.wait.record(wait);
        self.counters.took.record(took);
        Ok(Found { detections, wait, took })
    }
}

fn answer(done: Box<dyn FnOnce(Result<Found, DetectError>) + Send>, found: Result<Found, DetectError>) {
    if catch_unwind(AssertUnwindSafe(|| done(found))).is_err() {
        tracing::error!("whoever waited for detections panicked on them");
    }
}
