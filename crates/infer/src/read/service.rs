//! The threads that read text, for everyone.
//!
//! A picture's lines are found by one thread and then read by all that are free, so one picture is read by the whole
//! machine; lines of pictures under way go before new pictures, so never more pictures than threads are in memory.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use sightwire_frame::{Image, ResizeError};
use sightwire_measure::histogram::{Histogram, HistogramSnapshot};

use super::page::{Buffers, Page};
use super::sessions::Sessions;
use super::{ReadModel, ReadOptions, Reading, Times};
use crate::engine::{Engine, EngineError, Plan};
use crate::priority;

/// How a service works.
#[derive(Clone, Copy, Debug)]
pub struct ServiceOptions {
    /// Threads; at least one is taken.
    pub threads: usize,
    /// Pictures that wait for a thread at most.
    pub queue: usize,
    /// Sessions that nobody used for so long are let go.
    pub idle_release: Duration,
}

/// Too many pictures wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{waiting} pictures wait to be read already; try again in a moment")]
pub struct Busy {
    /// That wait.
    pub waiting: usize,
}

/// Why nothing can be said of one picture.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be decoded; as `load` said.
    #[error("{0}")]
    Picture(String),
    /// It cannot be scaled.
    #[error(transparent)]
    Size(#[from] ResizeError),
    /// A network failed, or cannot be loaded.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The network that finds lines is not one of its kind.
    #[error(
        "the detector of {model} gave {found} values instead of {expected}; its file is not one that finds text"
    )]
    Map {
        /// Name of the model.
        model: String,
        /// Values that came.
        found: usize,
        /// Values that were to come.
        expected: usize,
    },
    /// The network that reads lines knows other characters than its list.
    #[error(
        "the recogniser of {model} tells {found} characters apart, and its list has {expected}; the list is not that of this network"
    )]
    Alphabet {
        /// Name of the model.
        model: String,
        /// Classes of the network.
        found: i64,
        /// Characters of the list, with the one that stands for nothing.
        expected: usize,
    },
    /// Nobody wanted to know any more.
    #[error("nobody waits for the text of this picture any more")]
    Unwanted,
    /// A bug.
    #[error("the reader failed on this picture")]
    Panicked,
    /// The service was ended before its turn came.
    #[error("the reader has been ended")]
    Ended,
}

/// A picture to be read.
pub struct Job {
    /// With what.
    pub model: Arc<ReadModel>,
    /// Decodes it, on a thread of the service; the error is a sentence that names what is wrong.
    pub load: Box<dyn FnOnce() -> Result<Image, String> + Send>,
    /// How.
    pub options: ReadOptions,
    /// Whether anybody still waits for it; asked before each step and each line.
    pub wanted: Box<dyn Fn() -> bool + Send + Sync>,
    /// Called once, on a thread of the service; must not block.
    pub done: Done,
}

/// What is to be done with a picture's text.
pub type Done = Box<dyn FnOnce(Result<Reading, ReadError>) + Send>;

/// Counters since the service began, and what is so now.
#[derive(Clone, Debug, Default)]
pub struct ServiceStats {
    /// Pictures read.
    pub pictures: u64,
    /// Lines read.
    pub lines: u64,
    /// Pictures that nobody wanted to know of any more.
    pub unwanted: u64,
    /// Pictures refused because too many waited.
    pub refused: u64,
    /// Pictures of which nothing could be said.
    pub failed: u64,
    /// Pictures that wait for a thread now.
    pub pending: usize,
    /// Pictures that are being read now.
    pub reading: usize,
    /// Sessions that are loaded now.
    pub sessions: usize,
    /// From handing in to the beginning of the work.
    pub wait: HistogramSnapshot,
    /// The work of a picture.
    pub took: HistogramSnapshot,
}

/// Readers at work. Dropping it ends its threads.
pub struct ReadService {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    sessions: Sessions,
    options: ServiceOptions,
    queue: Mutex<Queue>,
    wake: Condvar,
    counters: Counters,
}

#[derive(Default)]
struct Queue {
    /// Pictures that wait.
    jobs: VecDeque<(Job, Instant)>,
    /// Pictures with lines that nobody has begun.
    pages: VecDeque<Arc<Active>>,
    /// Threads that have nothing to do.
    asleep: usize,
    /// When sessions that nobody used were last let go.
    released: Option<Instant>,
    ended: bool,
}

/// A picture whose lines are being read.
struct Active {
    page: Page,
    wanted: Box<dyn Fn() -> bool + Send + Sync>,
    done: Mutex<Option<Done>>,
    wait: Duration,
    /// Its lines need not be read any more: one failed, or nobody waits.
    given_up: AtomicBool,
}

#[derive(Default)]
struct Counters {
    pictures: AtomicU64,
    lines: AtomicU64,
    unwanted: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    reading: AtomicUsize,
    wait: Histogram,
    took: Histogram,
}

enum Task {
    Line(Arc<Active>, usize),
    /// With the number of threads that may work on its map.
    Picture(Job, Instant, usize),
}

impl ReadService {
    /// Starts the threads. Sessions are made when needed.
    pub fn start(engine: Arc<Engine>, options: ServiceOptions) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            sessions: Sessions::new(engine, options.threads.max(1)),
            options,
            queue: Mutex::default(),
            wake: Condvar::new(),
            counters: Counters::default(),
        });
        let mut service = Self { shared: shared.clone(), threads: Vec::new() };
        for index in 0..options.threads.max(1) {
            let shared = shared.clone();
            let name = format!("read-{index}");
            // On an error the service is dropped, which ends those that run.
            service.threads.push(std::thread::Builder::new().name(name).spawn(move || shared.work())?);
        }
        Ok(service)
    }

    /// Hands a picture in; if too many wait, it is dropped and nothing is called.
    pub fn submit(&self, job: Job) -> Result<(), Busy> {
        let mut queue = self.shared.queue.lock();
        let waiting = queue.jobs.len();
        if waiting >= self.shared.options.queue.max(1) {
            drop(queue);
            self.shared.counters.refused.fetch_add(1, Ordering::Relaxed);
            return Err(Busy { waiting });
        }
        queue.jobs.push_back((job, Instant::now()));
        drop(queue);
        self.shared.wake.notify_one();
        Ok(())
    }

    /// What the networks of a model that find and that read lines are run with.
    pub fn plan(&self, model: &ReadModel) -> [Plan; 2] {
        model.plans(self.engine())
    }

    /// What it runs on.
    pub fn engine(&self) -> &Engine {
        self.shared.sessions.engine()
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
            pictures: get(&c.pictures),
            lines: get(&c.lines),
            unwanted: get(&c.unwanted),
            refused: get(&c.refused),
            failed: get(&c.failed),
            pending: self.shared.queue.lock().jobs.len(),
            reading: c.reading.load(Ordering::Relaxed),
            sessions: self.shared.sessions.loaded(),
            wait: c.wait.snapshot(),
            took: c.took.snapshot(),
        }
    }
}

impl Drop for ReadService {
    /// Waits for the runs in flight; all pictures are answered with [`ReadError::Ended`].
    fn drop(&mut self) {
        let (jobs, pages) = {
            let mut queue = self.shared.queue.lock();
            queue.ended = true;
            (std::mem::take(&mut queue.jobs), std::mem::take(&mut queue.pages))
        };
        self.shared.wake.notify_all();
        for (job, _) in jobs {
            answer(job.done, Err(ReadError::Ended));
        }
        for active in pages {
            active.give_up(ReadError::Ended, &self.shared.counters);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn work(&self) {
        priority::lower_this_thread();
        let mut buffers = Buffers::default();
        while let Some(task) = self.next() {
            match task {
                Task::Line(active, index) => self.line(&active, index, &mut buffers),
                Task::Picture(job, submitted, threads) => self.picture(job, submitted, threads, &mut buffers),
            }
        }
    }

    /// Waits for something to do; `None` at the end.
    fn next(&self) -> Option<Task> {
        let mut queue = self.queue.lock();
        loop {
            if queue.ended {
                return None;
            }
            self.release(&mut queue);
            while let Some(active) = queue.pages.front() {
                let claimed = active.page.claim();
                let active = active.clone();
                if active.page.is_claimed() {
                    queue.pages.pop_front();
                }
                if let Some(index) = claimed {
                    return Some(Task::Line(active, index));
                }
            }
            if let Some((job, submitted)) = queue.jobs.pop_front() {
                // Where nobody else has anything to do, all work on this one. The map is the same either way.
                let alone = queue.jobs.is_empty() && queue.asleep + 1 >= self.options.threads;
                let threads = if alone { self.options.threads.max(1) } else { 1 };
                return Some(Task::Picture(job, submitted, threads));
            }
            self.sleep(&mut queue);
        }
    }

    fn sleep(&self, queue: &mut MutexGuard<'_, Queue>) {
        queue.asleep += 1;
        self.wake.wait_for(queue, self.options.idle_release);
        queue.asleep -= 1;
    }

    /// Lets sessions go that nobody used for long: now and then, also while others are in use all the time.
    fn release(&self, queue: &mut MutexGuard<'_, Queue>) {
        let unused = self.options.idle_release;
        let now = Instant::now();
        let due = *queue.released.get_or_insert(now) + unused / 4;
        if now >= due {
            queue.released = Some(now);
            MutexGuard::unlocked(queue, || self.sessions.release(unused));
        }
    }

    fn picture(&self, job: Job, submitted: Instant, threads: usize, buffers: &mut Buffers) {
        let Job { model, load, options, wanted, done } = job;
        let begun = Instant::now();
        let wait = begun - submitted;
        self.counters.wait.record(wait);
        self.counters.reading.fetch_add(1, Ordering::Relaxed);
        let found = catch_unwind(AssertUnwindSafe(|| {
            if !wanted() {
                return Err(ReadError::Unwanted);
            }
            let image = load().map_err(ReadError::Picture)?;
            let times = Times { decode: begun.elapsed(), ..Times::default() };
            if !wanted() {
                return Err(ReadError::Unwanted);
            }
            let sessions = &self.sessions;
            Page::find(model, options, image, times, begun, sessions, threads, buffers, &*wanted)
        }));
        let page = match found.unwrap_or(Err(ReadError::Panicked)) {
            Ok(page) => page,
            Err(error) => return self.counters.end(done, Err(error)),
        };
        if page.is_blank() {
            return self.counters.end(done, reading(&page, wait));
        }
        let done = Mutex::new(Some(done));
        let active = Arc::new(Active { page, wanted, done, wait, given_up: AtomicBool::new(false) });
        let mut queue = self.queue.lock();
        if queue.ended {
            drop(queue);
            return active.give_up(ReadError::Ended, &self.counters);
        }
        queue.pages.push_back(active);
        drop(queue);
        self.wake.notify_all();
    }

    fn line(&self, active: &Active, index: usize, buffers: &mut Buffers) {
        if !active.given_up.load(Ordering::Relaxed) {
            let read = catch_unwind(AssertUnwindSafe(|| {
                if !(active.wanted)() {
                    return Err(ReadError::Unwanted);
                }
                active.page.read(index, &self.sessions, buffers)
            }));
            match read.unwrap_or(Err(ReadError::Panicked)) {
                Ok(()) => {
                    self.counters.lines.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => active.give_up(error, &self.counters),
            }
        }
        if active.page.finish()
            && let Some(done) = active.done.lock().take()
        {
            self.counters.end(done, reading(&active.page, active.wait));
        }
    }
}

impl Active {
    fn give_up(&self, error: ReadError, counters: &Counters) {
        self.given_up.store(true, Ordering::Relaxed);
        if let Some(done) = self.done.lock().take() {
            counters.end(done, Err(error));
        }
    }
}

impl Counters {
    /// Counts a picture and hands its text out.
    fn end(&self, done: Done, read: Result<Reading, ReadError>) {
        self.reading.fetch_sub(1, Ordering::Relaxed);
        match &read {
            Ok(reading) => {
                self.pictures.fetch_add(1, Ordering::Relaxed);
                self.took.record(reading.times.total);
            }
            Err(ReadError::Unwanted | ReadError::Ended) => {
                self.unwanted.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
        answer(done, read);
    }
}

fn reading(page: &Page, wait: Duration) -> Result<Reading, ReadError> {
    catch_unwind(AssertUnwindSafe(|| page.reading(wait))).map_err(|_| ReadError::Panicked)
}

/// A panic of the one who asked costs no thread.
fn answer(done: Done, read: Result<Reading, ReadError>) {
    if catch_unwind(AssertUnwindSafe(|| done(read))).is_err() {
        tracing::error!("whoever asked for the text of a picture failed to take it");
    }
}

impl fmt::Debug for ReadService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadService").field("threads", &self.threads.len()).finish_non_exhaustive()
    }
}
