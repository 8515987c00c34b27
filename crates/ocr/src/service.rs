//! The threads that read text, for everyone.
//!
//! A picture's lines are found by one thread and then read by all that are free, so one picture is read by the whole
//! machine; lines of pictures under way go before new pictures, so never more pictures than threads are in memory.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sightwire_base::histogram::{Histogram, HistogramSnapshot};
use sightwire_frame::still::StillError;
use sightwire_frame::{Image, ResizeError};

use super::effort::{self, Effort};
use super::memory::Memory;
use super::page::{Buffers, Page};
use super::sessions::Sessions;
use super::{ReadModel, ReadOptions, Reading, Times, UnsuitedCorners};
use sightwire_engine::pool::{self, Panicked, Pool, Work};
use sightwire_engine::priority::Priority;
use sightwire_engine::quota;
use sightwire_engine::{Engine, EngineError, Plan};

/// How a service works.
#[derive(Clone, Debug)]
pub struct ServiceOptions {
    /// Threads; at least one is taken.
    pub threads: usize,
    /// Pictures that wait for a thread at most.
    pub queue: usize,
    /// Sessions that nobody used for this long are let go.
    pub idle_release: Duration,
    /// What sessions may take of memory.
    pub memory: Memory,
}

/// Too many pictures wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{waiting} pictures wait to be read already; try again in a moment")]
pub struct Busy {
    /// Requests that wait already.
    pub waiting: usize,
}

/// Why nothing can be said of one picture.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be decoded; as `load` said.
    #[error(transparent)]
    Picture(#[from] StillError),
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
    /// The corners that were given are not those of a page in this picture.
    #[error(transparent)]
    Corners(#[from] UnsuitedCorners),
    /// It took more work than it may.
    #[error("it takes more than {} s of work", .0.as_secs_f64())]
    TooMuchWork(Duration),
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
pub struct PageRequest {
    /// The networks it is read with.
    pub model: Arc<ReadModel>,
    /// Decodes it, on a thread of the service.
    pub load: Load,
    /// Thresholds and preprocessing.
    pub options: ReadOptions,
    /// Whether the picture is wanted afterwards, as it was before any preprocessing.
    pub keep: bool,
    /// Whether anybody still waits for it; asked before each step and each line.
    pub wanted: Box<dyn Fn() -> bool + Send + Sync>,
    /// What has been done for it, and what may be.
    pub effort: Arc<Effort>,
    /// Called once, on a thread of the service; must not block.
    pub done: Done,
}

/// Decodes the picture; may block.
pub type Load = Box<dyn FnOnce() -> Result<Image, StillError> + Send>;

/// What is to be done with a picture's text.
pub type Done = Box<dyn FnOnce(Result<Reading, ReadError>) + Send>;

/// Counters since the service began, and what is so now.
#[derive(Clone, Debug, Default)]
pub struct ServiceStats {
    /// Pictures whose text was read, lines or none.
    pub pictures: u64,
    /// Lines of text in these pictures.
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
    pool: Pool<Readers>,
}

/// What all readers share.
struct Readers {
    sessions: Sessions,
    options: ServiceOptions,
    counters: Counters,
    /// When sessions that nobody used were last let go.
    released: Mutex<Instant>,
}

#[derive(Default)]
struct Queue {
    /// Pictures that no thread has begun, and when each was handed in.
    jobs: VecDeque<(PageRequest, Instant)>,
    /// Pictures with lines that nobody has begun.
    pages: VecDeque<Arc<Active>>,
}

/// A picture whose lines are being read.
struct Active {
    page: Page,
    wanted: Box<dyn Fn() -> bool + Send + Sync>,
    effort: Arc<Effort>,
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
    Picture(Box<Begun>),
}

/// A picture whose turn has come.
struct Begun {
    model: Arc<ReadModel>,
    load: Option<Load>,
    options: ReadOptions,
    keep: bool,
    wanted: Box<dyn Fn() -> bool + Send + Sync>,
    effort: Arc<Effort>,
    done: Done,
    submitted: Instant,
}

/// What comes of a task.
enum Read {
    Line(Result<(), ReadError>),
    /// With its time in the queue.
    Picture(Result<Box<Page>, ReadError>, Duration),
}

impl ReadService {
    /// Starts the threads. Sessions are made when needed.
    pub fn start(engine: Arc<Engine>, options: ServiceOptions) -> std::io::Result<Self> {
        let threads = pool::Options {
            name: "read",
            threads: options.threads,
            priority: Priority::Batch,
            idle_release: options.idle_release,
        };
        let readers = Readers {
            sessions: Sessions::new(engine, options.threads, options.memory.clone()),
            options,
            counters: Counters::default(),
            released: Mutex::new(Instant::now()),
        };
        Ok(Self { pool: Pool::start(readers, Queue::default(), threads, None)? })
    }

    fn readers(&self) -> &Readers {
        self.pool.shared().work()
    }

    /// Hands a picture in; if too many wait, it is dropped and nothing is called.
    pub fn submit(&self, job: PageRequest) -> Result<(), Busy> {
        let most = self.readers().options.queue.max(1);
        let refused = self.pool.shared().with_queue(|queue| {
            let waiting = queue.jobs.len();
            if waiting < most {
                queue.jobs.push_back((job, Instant::now()));
                return None;
            }
            Some((waiting, job))
        });
        let Some((waiting, _job)) = refused else { return Ok(()) };
        self.readers().counters.refused.fetch_add(1, Ordering::Relaxed);
        Err(Busy { waiting })
    }

    /// What the networks of a model that find and that read lines are run with.
    pub fn plan(&self, model: &ReadModel) -> [Plan; 2] {
        model.plans(self.engine())
    }

    /// What it runs on.
    pub fn engine(&self) -> &Engine {
        self.readers().sessions.engine()
    }

    /// How many threads there are; all of them may read lines of one picture.
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// All counters, and the present values of what goes up and down.
    pub fn stats(&self) -> ServiceStats {
        let c = &self.readers().counters;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ServiceStats {
            pictures: get(&c.pictures),
            lines: get(&c.lines),
            unwanted: get(&c.unwanted),
            refused: get(&c.refused),
            failed: get(&c.failed),
            pending: self.pool.shared().inspect_queue(|queue| queue.jobs.len()),
            reading: c.reading.load(Ordering::Relaxed),
            sessions: self.readers().sessions.loaded(),
            wait: c.wait.snapshot(),
            took: c.took.snapshot(),
        }
    }
}

impl Drop for ReadService {
    /// Waits for the runs in flight; all pictures are answered with [`ReadError::Ended`].
    fn drop(&mut self) {
        let Queue { jobs, pages } = self.pool.end(std::mem::take);
        for (job, _) in jobs {
            send_answer(job.done, Err(ReadError::Ended));
        }
        for active in pages {
            active.give_up(ReadError::Ended, &self.readers().counters);
        }
    }
}

impl Work for Readers {
    type Queue = Queue;
    type Task = Task;
    type Tools = Buffers;
    type Outcome = Read;

    /// Lines of pictures under way go before new pictures.
    fn next(&self, queue: &mut Queue, _: Option<&Buffers>, _: usize) -> Option<Task> {
        while let Some(active) = queue.pages.front() {
            let claimed = active.page.claim_line();
            let active = active.clone();
            if active.page.is_claimed() {
                queue.pages.pop_front();
            }
            if let Some(index) = claimed {
                return Some(Task::Line(active, index));
            }
        }
        let (PageRequest { model, load, options, keep, wanted, effort, done }, submitted) =
            queue.jobs.pop_front()?;
        let begun = Begun { model, load: Some(load), options, keep, wanted, effort, done, submitted };
        Some(Task::Picture(Box::new(begun)))
    }

    fn count_waiting(&self, queue: &Queue) -> usize {
        let lines = if queue.pages.is_empty() { 0 } else { self.options.threads.max(1) };
        lines + queue.jobs.len()
    }

    fn run(&self, buffers: &mut Option<Buffers>, task: &mut Task) -> Read {
        let buffers = buffers.get_or_insert_default();
        self.release();
        quota::wait_for_quota(Priority::Batch);
        match task {
            Task::Line(active, index) => {
                let task = effort::start_task();
                let read = self.read_line(active, *index, buffers);
                active.effort.add(&task);
                Read::Line(read)
            }
            Task::Picture(begun) => {
                let wait = begun.submitted.elapsed();
                self.counters.wait.record(wait);
                self.counters.reading.fetch_add(1, Ordering::Relaxed);
                let task = effort::start_task();
                let page = self.prepare_page(begun, &task, buffers);
                begun.effort.add(&task);
                Read::Picture(page, wait)
            }
        }
    }

    fn finish_task(&self, pool: &pool::Shared<Self>, task: Task, outcome: Result<Read, Panicked>) {
        match (task, outcome) {
            (Task::Line(active, _), outcome) => {
                let read = if let Ok(Read::Line(read)) = outcome { read } else { Err(ReadError::Panicked) };
                self.line_done(pool, &active, read);
            }
            (Task::Picture(begun), Ok(Read::Picture(Ok(page), wait))) => {
                let Begun { wanted, effort, done, .. } = *begun;
                self.start_lines(pool, *page, wanted, effort, done, wait);
            }
            (Task::Picture(begun), Ok(Read::Picture(Err(error), _))) => {
                self.counters.finish_picture(begun.done, Err(error));
            }
            (Task::Picture(begun), _) => self.counters.finish_picture(begun.done, Err(ReadError::Panicked)),
        }
    }

    /// Sessions are let go by threads that have buffers.
    fn after_panic(&self) -> Option<Buffers> {
        Some(Buffers::default())
    }

    fn let_go(&self, buffers: Buffers) {
        drop(buffers);
        self.sessions.release(self.options.idle_release);
    }

    fn name(&self) -> &'static str {
        "text"
    }
}

impl Readers {
    /// Lets sessions go that nobody used for long: now and then, also while others are in use all the time.
    fn release(&self) {
        let unused = self.options.idle_release;
        if let Some(mut released) = self.released.try_lock()
            && released.elapsed() >= unused / 4
        {
            *released = Instant::now();
            self.sessions.release(unused);
        }
    }

    /// Finds the lines of a picture.
    fn prepare_page(
        &self,
        begun: &mut Begun,
        task: &effort::Task,
        buffers: &mut Buffers,
    ) -> Result<Box<Page>, ReadError> {
        let Begun { model, load, options, keep, wanted, effort, .. } = begun;
        let at = Instant::now();
        let load = load.take().filter(|_| wanted()).ok_or(ReadError::Unwanted)?;
        self.sessions.make_room(model);
        let image = load().map_err(ReadError::Picture)?;
        let times = Times { decode: at.elapsed(), ..Times::default() };
        if !wanted() {
            return Err(ReadError::Unwanted);
        }
        let sessions = &self.sessions;
        let goes_on = || wanted() && !effort.is_passed_with(task);
        let page =
            Page::find_lines(model.clone(), *options, (image, *keep), times, at, sessions, buffers, &goes_on);
        page.map(Box::new).map_err(|error| match error {
            ReadError::Unwanted if wanted() => {
                ReadError::TooMuchWork(effort.time_limit().unwrap_or_default())
            }
            error => error,
        })
    }

    /// All threads read the lines that were found.
    fn start_lines(
        &self,
        pool: &pool::Shared<Self>,
        page: Page,
        wanted: Box<dyn Fn() -> bool + Send + Sync>,
        effort: Arc<Effort>,
        done: Done,
        wait: Duration,
    ) {
        if page.is_blank() {
            return self.counters.finish_picture(done, build_reading(&page, wait));
        }
        let done = Mutex::new(Some(done));
        let active = Arc::new(Active { page, wanted, effort, done, wait, given_up: AtomicBool::new(false) });
        self.queue_page(pool, &active);
    }

    fn queue_page(&self, pool: &pool::Shared<Self>, active: &Arc<Active>) {
        let queued = pool.while_it_lasts(|queue| queue.pages.push_back(active.clone()));
        if queued.is_none() {
            active.give_up(ReadError::Ended, &self.counters);
        }
    }

    fn read_line(&self, active: &Active, index: usize, buffers: &mut Buffers) -> Result<(), ReadError> {
        if active.given_up.load(Ordering::Relaxed) {
            return Ok(());
        }
        if !(active.wanted)() {
            return Err(ReadError::Unwanted);
        }
        if let Some(most) = active.effort.passed_limit() {
            return Err(ReadError::TooMuchWork(most));
        }
        active.page.read_line(index, &self.sessions, buffers)?;
        self.counters.lines.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn line_done(&self, pool: &pool::Shared<Self>, active: &Arc<Active>, read: Result<(), ReadError>) {
        if let Err(error) = read {
            active.give_up(error, &self.counters);
        }
        if !active.page.finish_line() {
            return;
        }
        if !active.given_up.load(Ordering::Relaxed) && active.page.begin_again() {
            self.queue_page(pool, active);
        } else if let Some(done) = active.done.lock().take() {
            self.counters.finish_picture(done, build_reading(&active.page, active.wait));
        }
    }
}

impl Active {
    fn give_up(&self, error: ReadError, counters: &Counters) {
        self.given_up.store(true, Ordering::Relaxed);
        if let Some(done) = self.done.lock().take() {
            counters.finish_picture(done, Err(error));
        }
    }
}

impl Counters {
    /// Counts a picture and hands its text out.
    fn finish_picture(&self, done: Done, read: Result<Reading, ReadError>) {
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
        send_answer(done, read);
    }
}

fn build_reading(page: &Page, wait: Duration) -> Result<Reading, ReadError> {
    catch_unwind(AssertUnwindSafe(|| page.build_reading(wait))).map_err(|_| ReadError::Panicked)
}

/// A panic of the one who asked costs no thread.
fn send_answer(done: Done, read: Result<Reading, ReadError>) {
    if catch_unwind(AssertUnwindSafe(|| done(read))).is_err() {
        tracing::error!("whoever asked for the text of a picture failed to take it");
    }
}

impl fmt::Debug for ReadService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadService").field("threads", &self.pool.threads()).finish_non_exhaustive()
    }
}
