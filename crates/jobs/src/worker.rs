//! A process that reads what is in the queue: a chunk, and the next one as soon as it has nothing left to begin. Its own failures
//! cost nobody else anything: what it holds is given back, or taken over by others who hear nothing of it.

mod taking;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sightwire_cluster::queue::{HeldChunk, Queue, WORKER_TTL};
use sightwire_cluster::store::StoreError;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::taking::{ChunkClaim, TakeError, Taker, Took};
use crate::about::{About, Entry, Plan};
use crate::folder::{Job, JobError, Jobs};
use crate::hands::{Filled, Hands, Order};
use crate::part::{Finished, Part, Todo};

/// The chunk of a worker that has said nothing for this time is taken over.
pub const SILENT: Duration = Duration::from_secs(6);
/// Chunks that are held at a time: the next one, while the last files of one are read.
const HELD: usize = 2;
/// Until the queue is asked again when there was nothing.
const IDLE: Duration = Duration::from_millis(250);
/// Until something is tried again that failed: the first time, and at most.
const PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// What a worker shows of itself, at most: characters of what is wrong, and jobs that it does not read.
const MAX_WORDS: usize = 250;
const MAX_REFUSED: usize = 4;

/// Reads files. Called on several threads at once.
pub trait Reads: Send + Sync + 'static {
    /// The [record](sightwire_reading::record) of a file, by its number in its chunk; blocks.
    fn read_record(&self, index: usize, entry: &Entry) -> Result<String, Away>;
}

/// A file cannot be read for now, in words, and nothing is wrong with it: its chunk is given back, and read again after a while.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Away(pub String);

/// Prepares for a job.
pub trait Opens: Send + Sync + 'static {
    /// Loads what it is read with; blocks. `first` are the first files of the job: where none of them can be seen, this is not the
    /// place to read it.
    fn open_job(&self, job: &Job, about: &About, first: &[Entry]) -> Result<Opened, Unfit>;
}

/// What a job is read with.
pub struct Opened {
    /// In a form that others compare with theirs.
    pub plan: Plan,
    /// Reads the pictures of the job.
    pub reads: Arc<dyn Reads>,
}

/// A job cannot be read here for now, in words. It is tried again after a while.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub Arc<str>);

/// Who works, and how.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// No other has it: of letters, digits and `-`.
    pub name: Arc<str>,
    /// Files that are read at once.
    pub hands: usize,
    /// Whose silence is this long has lost its chunk.
    pub silent: Duration,
}

/// What a worker shows of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Version of its program.
    #[serde(default)]
    pub version: String,
    /// By job: how many files it has read of chunks that it has not ended.
    #[serde(default)]
    pub at: Vec<(String, usize)>,
    /// Jobs that it does not read, and why.
    #[serde(default)]
    pub refused: Vec<(String, String)>,
    /// What is wrong with it, if something is.
    #[serde(default)]
    pub note: String,
}

/// Reads chunks of jobs until it is stopped.
pub struct Worker {
    options: WorkerOptions,
    queue: Arc<dyn Queue>,
    version: String,
    tasks: JoinSet<Event>,
    hands: Hands,
    chunks: Vec<Chunk>,
    next_chunk: u64,
    in_flight: usize,
    /// A suspect is read: nothing else is begun.
    alone: bool,
    taker: Option<Taker>,
    beating: bool,
    /// A refusal since the last beat. Who waits for the job is to know at once: it may be over before the next.
    has_news: bool,
    rest_until: Instant,
    trouble: Trouble,
    refused: Vec<(String, String)>,
    counts: Counts,
}

/// What a worker has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files that were read, or could not be.
    pub files: u64,
    /// Chunks that were ended.
    pub chunks: u64,
    /// Chunks that others took over.
    pub lost: u64,
}

/// What is wrong, and how long it is waited for.
#[derive(Debug, Default)]
struct Trouble {
    said: String,
    pause: Duration,
    /// With what was read, which is over when something was ended; else with what is to be read.
    of_results: bool,
}

/// A chunk that is held.
struct Chunk {
    number: u64,
    held: HeldChunk,
    part: Arc<Part>,
    reads: Arc<dyn Reads>,
    fresh: VecDeque<usize>,
    suspects: VecDeque<usize>,
    in_flight: usize,
    done: usize,
    ending: bool,
    failed: bool,
}

enum Event {
    Took(Box<Taker>, Result<Option<ChunkClaim>, TakeError>),
    /// Chunks that are another's by now, or nobody's.
    Beat(Vec<HeldChunk>),
    /// A chunk is ended, or not.
    Ended(u64, Result<Finished, EndError>),
}

#[derive(Debug, thiserror::Error)]
enum EndError {
    #[error(transparent)]
    Job(#[from] JobError),
    #[error(transparent)]
    Queue(#[from] StoreError),
    #[error("this process ends")]
    Ending,
}

/// Ending it ends no file: what is in progress counts as not begun.
impl Drop for Worker {
    fn drop(&mut self) {
        for chunk in &self.chunks {
            chunk.part.let_go();
        }
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("name", &self.options.name).finish_non_exhaustive()
    }
}

impl Chunk {
    fn is_over(&self) -> bool {
        self.in_flight == 0 && self.fresh.is_empty() && self.suspects.is_empty()
    }

    /// Nothing more of it is begun.
    fn drop_rest(&mut self) {
        self.fresh.clear();
        self.suspects.clear();
        self.failed = true;
    }
}

impl Worker {
    /// Reads until `stop`, and then ends what is begun of files; the chunks are given back. The caller bounds how long that may take:
    /// dropping it loses nothing but the files in progress. The error is one of threads that cannot be started.
    pub async fn run(
        options: WorkerOptions,
        version: &str,
        queue: Arc<dyn Queue>,
        jobs: Jobs,
        opens: Arc<dyn Opens>,
        stop: CancellationToken,
    ) -> io::Result<Counts> {
        let (hands, mut filled) = Hands::start(options.hands)?;
        let taker = Taker::new(options.clone(), queue.clone(), jobs, opens);
        let mut worker = Self {
            options,
            queue,
            version: version.to_owned(),
            tasks: JoinSet::new(),
            hands,
            chunks: Vec::new(),
            next_chunk: 0,
            in_flight: 0,
            alone: false,
            taker: Some(taker),
            beating: false,
            has_news: false,
            rest_until: Instant::now(),
            trouble: Trouble::default(),
            refused: Vec::new(),
            counts: Counts::default(),
        };
        worker.work_until(&mut filled, &stop).await;
        worker.return_chunks().await;
        Ok(worker.counts)
    }

    async fn work_until(&mut self, filled: &mut mpsc::Receiver<Filled>, stop: &CancellationToken) {
        let mut beats = interval((self.options.silent / 4).min(WORKER_TTL / 3));
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stopping = false;
        loop {
            if !stopping {
                self.give_out();
                self.spawn_take();
            }
            self.end_chunks();
            if self.has_news {
                self.send_beat();
            }
            // What is being taken is given back, too.
            if stopping && self.chunks.is_empty() && self.taker.is_some() {
                return;
            }
            tokio::select! {
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    self.chunks.iter_mut().for_each(Chunk::drop_rest);
                }
                Some(file) = filled.recv() => self.handle_filled(file),
                Some(event) = self.tasks.join_next() => {
                    // They are never cancelled, and what panics is a bug that is told of elsewhere.
                    if let Ok(event) = event {
                        self.handle_event(event, stopping);
                    }
                }
                _ = beats.tick() => self.send_beat(),
                () = sleep_until(self.rest_until), if !stopping && self.wants_more() => {}
            }
        }
    }

    /// Files to as many hands as are free.
    fn give_out(&mut self) {
        while self.in_flight < self.options.hands && !self.alone {
            let fresh = self.chunks.iter_mut().find(|chunk| !chunk.fresh.is_empty());
            let is_calm = self.in_flight == 0;
            let (chunk, is_suspect) = match fresh {
                Some(chunk) => (chunk, false),
                None if is_calm => match self.chunks.iter_mut().find(|chunk| !chunk.suspects.is_empty()) {
                    Some(chunk) => (chunk, true),
                    None => return,
                },
                None => return,
            };
            let queue = if is_suspect { &mut chunk.suspects } else { &mut chunk.fresh };
            let Some(index) = queue.pop_front() else { return };
            chunk.in_flight += 1;
            self.in_flight += 1;
            self.alone = is_suspect;
            let (part, reads) = (chunk.part.clone(), chunk.reads.clone());
            self.hands.give_order(Order { chunk: chunk.number, part, index, reads });
        }
    }

    fn handle_filled(&mut self, file: Filled) {
        self.in_flight -= 1;
        self.alone = false;
        let Some(chunk) = self.chunks.iter_mut().find(|chunk| chunk.number == file.chunk) else { return };
        chunk.in_flight -= 1;
        match file.kept {
            Ok(()) => {
                chunk.done += 1;
                self.counts.files += 1;
            }
            Err(error) => {
                chunk.drop_rest();
                self.record_trouble(&error.to_string(), true);
            }
        }
    }

    fn wants_more(&self) -> bool {
        let waiting: usize = self.chunks.iter().map(|chunk| chunk.fresh.len() + chunk.suspects.len()).sum();
        self.taker.is_some() && self.chunks.len() < HELD && waiting < self.options.hands
    }

    fn spawn_take(&mut self) {
        if !self.wants_more() || Instant::now() < self.rest_until {
            return;
        }
        let Some(mut taker) = self.taker.take() else { return };
        let held: Vec<HeldChunk> = self.chunks.iter().map(|chunk| chunk.held.clone()).collect();
        self.tasks.spawn(async move {
            let took = taker.take_chunk(&held).await;
            Event::Took(Box::new(taker), took)
        });
    }

    /// What is read is ended, and what will not be is given back.
    fn end_chunks(&mut self) {
        for chunk in self.chunks.iter_mut().filter(|chunk| chunk.is_over() && !chunk.ending) {
            chunk.ending = true;
            let (queue, held, part) = (self.queue.clone(), chunk.held.clone(), chunk.part.clone());
            let (number, failed, name) = (chunk.number, chunk.failed, self.options.name.clone());
            self.tasks.spawn(async move {
                let end = async {
                    if failed {
                        let wanted = spawn_blocking(move || {
                            part.let_go();
                            part.job().is_wanted()
                        });
                        if wanted.await.map_err(|_| EndError::Ending)? {
                            queue.give_back(&name, &held).await?;
                        } else {
                            queue.finish_chunk(&held).await?;
                        }
                        return Ok(Finished::TakenOver);
                    }
                    let finished =
                        spawn_blocking(move || part.finish()).await.map_err(|_| EndError::Ending)??;
                    if finished == Finished::Read {
                        // Whether the queue hears of it or not: the chunk is read.
                        queue.finish_chunk(&held).await?;
                    }
                    Ok(finished)
                };
                Event::Ended(number, end.await)
            });
        }
    }

    fn send_beat(&mut self) {
        if std::mem::replace(&mut self.beating, true) {
            return;
        }
        self.has_news = false;
        let held: Vec<HeldChunk> = self.chunks.iter().map(|chunk| chunk.held.clone()).collect();
        let (queue, name, about) = (self.queue.clone(), self.options.name.clone(), self.shown_json());
        let parts: Vec<(HeldChunk, Arc<Part>)> =
            self.chunks.iter().map(|chunk| (chunk.held.clone(), chunk.part.clone())).collect();
        self.tasks.spawn(async move {
            let unwanted = spawn_blocking(move || {
                let unwanted = parts.into_iter().filter(|(_, part)| !part.job().is_wanted());
                unwanted.map(|(held, _)| held).collect::<Vec<_>>()
            });
            let beat = queue.beat_worker(&name, &about, &held).await;
            let unwanted = unwanted.await.unwrap_or_default();
            // Where the queue does not answer, so does taking, which says so.
            Event::Beat([beat.unwrap_or_default(), unwanted].concat())
        });
    }

    fn shown_json(&self) -> String {
        let at = self.chunks.iter().map(|chunk| (chunk.held.job.to_string(), chunk.done)).collect();
        let short = |text: &str| text.chars().take(MAX_WORDS).collect();
        let refused =
            self.refused.iter().take(MAX_REFUSED).map(|(job, why)| (job.clone(), short(why))).collect();
        let note = short(&self.trouble.said);
        serde_json::to_string(&Shown { version: self.version.clone(), at, refused, note }).unwrap_or_default()
    }

    fn handle_event(&mut self, event: Event, stopping: bool) {
        match event {
            Event::Took(taker, took) => {
                let refused = taker.refused_jobs();
                self.has_news |= refused.iter().any(|of| !self.refused.contains(of));
                self.refused = refused;
                self.taker = Some(*taker);
                if took.is_ok() {
                    self.clear_trouble(false);
                }
                match took {
                    Ok(Some(ChunkClaim::New(took))) => self.hold_chunk(*took, stopping),
                    Ok(Some(ChunkClaim::Again(held))) => {
                        let is_it = |chunk: &&mut Chunk| {
                            (&chunk.held.job, chunk.held.chunk) == (&held.job, held.chunk)
                        };
                        if let Some(chunk) = self.chunks.iter_mut().find(is_it) {
                            chunk.held = held;
                        }
                    }
                    Ok(None) => self.rest_until = self.rest_until.max(Instant::now() + IDLE),
                    Err(error) => self.record_trouble(&error.to_string(), false),
                }
            }
            Event::Beat(lost) => {
                self.beating = false;
                for chunk in
                    self.chunks.iter_mut().filter(|chunk| lost.contains(&chunk.held) && !chunk.ending)
                {
                    if !chunk.failed {
                        self.counts.lost += 1;
                        info!(
                            "chunk {} of job {} is no longer this worker's",
                            chunk.held.chunk, chunk.held.job
                        );
                    }
                    chunk.drop_rest();
                }
            }
            Event::Ended(number, ended) => {
                let was = self
                    .chunks
                    .iter()
                    .position(|chunk| chunk.number == number)
                    .map(|at| self.chunks.remove(at));
                match ended {
                    Ok(Finished::Read) => {
                        self.clear_trouble(true);
                        self.counts.chunks += 1;
                        self.rest_until = self.rest_until.min(Instant::now());
                    }
                    Ok(Finished::TakenOver) => {
                        self.counts.lost += u64::from(was.is_some_and(|chunk| !chunk.failed));
                    }
                    Err(error) => self.record_trouble(&format!("a chunk cannot be ended: {error}"), true),
                }
            }
        }
    }

    fn hold_chunk(&mut self, took: Took, stopping: bool) {
        let Took { held, part, todo, reads } = took;
        let Todo { fresh, suspects, dead } = todo;
        if !dead.is_empty() {
            warn!(
                "{} of chunk {} of job {} are given up: each ended its worker again and again",
                dead.len(),
                held.chunk,
                held.job
            );
        }
        let mut chunk = Chunk {
            number: self.next_chunk,
            held,
            reads,
            done: part.entries().len() - fresh.len() - suspects.len(),
            part: Arc::new(part),
            fresh: fresh.into(),
            suspects: suspects.into(),
            in_flight: 0,
            ending: false,
            failed: false,
        };
        self.next_chunk += 1;
        if stopping {
            chunk.drop_rest();
        }
        self.chunks.push(chunk);
    }

    fn record_trouble(&mut self, why: &str, with_results: bool) {
        let Trouble { said, pause, of_results } = &mut self.trouble;
        *of_results |= with_results;
        *pause = if pause.is_zero() { PAUSE } else { (*pause * 2).min(MAX_PAUSE) };
        self.rest_until = Instant::now() + pause.mul_f64(1.0 - fastrand::f64() / 3.0);
        if said != why {
            warn!("{why}; trying again");
            why.clone_into(said);
        }
    }

    fn clear_trouble(&mut self, has_ended: bool) {
        if self.trouble.of_results && !has_ended {
            return;
        }
        if !self.trouble.said.is_empty() {
            info!("it goes on");
        }
        self.trouble = Trouble::default();
    }

    async fn return_chunks(&mut self) {
        self.tasks.shutdown().await;
        let _ = self.queue.leave_worker(&self.options.name).await;
    }
}
