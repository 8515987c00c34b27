//! Batches: files that are read one after the other while nobody has to wait for them, and what came of each. They are on
//! disk, and the next server goes on with them.
//!
//! - [`upload`]: a batch as it arrives; [`archive`]: zips; [`spool`]: folders on disk; [`description`]: what is said there
//! - [`job`]: a batch and its files; `progress`: what became of these; `resume`: batches of servers that ran before
//! - [`results`]: what was read, on disk; [`export`]: all of it as one file
//! - [`events`]: what those are told who listen

pub mod archive;
pub mod description;
pub mod events;
pub mod export;
pub mod job;
mod progress;
pub mod results;
mod resume;
#[cfg(test)]
mod resume_tests;
pub mod spool;
#[cfg(test)]
mod tests;
mod tries;
pub mod upload;

use std::io;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::FutureExt as _;
use parking_lot::Mutex;
use sightwire_base::lines::{self, LogThrottle};
use sightwire_documents::patience::Patience;
use sightwire_frame::still::{StillError, Undrawn};
use sightwire_ocr::ReadOptions;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::display::Display;
use super::models::{Models, Ready};
use super::output::Document;
use super::permits::Permits;
use super::picture::{Picture, PictureError};
use super::picture_cache::PictureCache;
use super::work::{self, PermitSource, ReadRequest, WorkError};
use crate::options::Options;
use job::Job;
use sightwire_api::read::{FileState, JobState};
use spool::{Claim, Spool, Work};
use upload::{LoadError, Received, Upload, UploadError};

/// Batches that arrive at once.
const MAX_UPLOADS: usize = 8;
/// Between two looks for batches whose time is over.
const LOOK: Duration = Duration::from_secs(1);

/// The batches that arrive, are read, or have ended and are still kept.
pub struct Jobs {
    limits: Arc<Options>,
    permits: Arc<Permits>,
    /// The pictures that were read last.
    pub pictures: Arc<PictureCache>,
    display: Arc<Display>,
    spool: Spool,
    /// Those that began first are the first. Comes before the `progress` of a batch and the lock of `pictures`.
    entries: Mutex<Vec<Entry>>,
    /// Files in hand: being loaded, waiting for a thread, being read.
    hands: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
    more: Notify,
    begun: AtomicU64,
    failed: AtomicU64,
    /// Whether it has been seen what servers that ran before left.
    known: watch::Sender<bool>,
    /// Held while that is looked at. Comes before `entries`, to which what is found is added.
    opening: Mutex<()>,
    /// It is said now and then that another server has the folder.
    taken: LogThrottle,
}

struct Entry {
    job: Arc<Job>,
    /// The model, until the batch has ended; that of one that was gone on with comes later.
    ready: Option<Ready>,
    /// Somebody is bringing it.
    is_brought: bool,
}

/// Why there is no place for a batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPlace {
    /// Too many arrive.
    #[error("{MAX_UPLOADS} batches are arriving already")]
    Uploads,
    /// Too many run.
    #[error("{0} batches are being read already; wait for one to end, or cancel one")]
    Jobs(usize),
    /// The folder for them is another server's.
    #[error(
        "another server has the folder of batches, {}; send it there, or set reader.folder to another one here", .0.display()
    )]
    Elsewhere(PathBuf),
}

/// Why a file of a batch has no result.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Picture(#[from] PictureError),
    #[error(transparent)]
    Work(#[from] WorkError),
    /// A bug came to light with it.
    #[error("the server failed on this file")]
    Failed,
}

impl FileError {
    /// Whether it may be read another time.
    fn is_late(&self) -> bool {
        match self {
            Self::Work(WorkError::TooMuchWork(_) | WorkError::Late(_)) => true,
            Self::Work(WorkError::Broken(why)) | Self::Picture(PictureError::Broken(why)) => why.is_late(),
            _ => false,
        }
    }
}

/// A place for a batch that arrives.
#[derive(Debug)]
pub struct Arriving {
    /// Takes the files of the batch, one after the other.
    pub upload: Upload,
    _place: OwnedSemaphorePermit,
}

impl Jobs {
    /// Without batches; their folder is made with the first, and looked into by [`Jobs::run`].
    pub fn new(limits: Arc<Options>, permits: Arc<Permits>, display: Arc<Display>) -> Arc<Self> {
        Arc::new(Self {
            pictures: Arc::new(PictureCache::new(limits.keep_bytes)),
            spool: Spool::new(limits.folder.clone()),
            // One more than there are threads: it is loaded while they read.
            hands: Arc::new(Semaphore::new(permits.threads() + 1)),
            uploads: Arc::new(Semaphore::new(MAX_UPLOADS)),
            entries: Mutex::default(),
            more: Notify::new(),
            begun: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            known: watch::Sender::new(false),
            opening: Mutex::default(),
            taken: LogThrottle::new(),
            limits,
            permits,
            display,
        })
    }

    /// A place for a batch that is about to arrive.
    pub async fn reserve_place(self: &Arc<Self>) -> Result<Result<Arriving, NoPlace>, UploadError> {
        let Ok(permit) = self.uploads.clone().try_acquire_owned() else {
            return Ok(Err(NoPlace::Uploads));
        };
        if let Some(full) = self.check_full() {
            return Ok(Err(full));
        }
        let this = self.clone();
        let made = tokio::task::spawn_blocking(move || match this.claim_folder(true)? {
            Claim::Taken => Ok(None),
            _ => this.spool.create_folder(&spool::new_name()).map(Some),
        });
        let made = made.await.unwrap_or_else(|lost| Err(io::Error::other(lost)));
        let folder = made.inspect_err(|error| self.spool.report_failure(Work::Keep, error))?;
        let Some(folder) = folder else {
            return Ok(Err(NoPlace::Elsewhere(self.spool.path().to_owned())));
        };
        Ok(Ok(Arriving { upload: Upload::new(folder, self.limits.clone()), _place: permit }))
    }

    fn check_full(&self) -> Option<NoPlace> {
        let entries = self.entries.lock();
        let running = entries.iter().filter(|entry| entry.job.ended_at().is_none()).count();
        (running >= self.limits.max_jobs).then_some(NoPlace::Jobs(self.limits.max_jobs))
    }

    /// A batch that has arrived begins. It is on the disk when this returns.
    pub async fn begin_job(
        &self,
        owner: Arc<str>,
        received: Received,
        ask: ReadRequest,
        keep: usize,
        ready: Ready,
    ) -> Result<Result<Arc<Job>, NoPlace>, UploadError> {
        if let Some(full) = self.check_full() {
            return Ok(Err(full));
        }
        let model = ready.model.clone();
        let begun = tokio::task::spawn_blocking(move || {
            let job = Job::new(owner, received, (ask, &model.digest()), keep);
            job.write().map(|()| Arc::new(job))
        });
        let job = begun.await.unwrap_or_else(|lost| Err(io::Error::other(lost)))?;
        let entry = Entry { job: job.clone(), ready: Some(ready), is_brought: false };
        let gone = {
            let mut entries = self.entries.lock();
            let gone = if entries.len() < self.limits.max_jobs {
                Ok(None)
            } else {
                let ended =
                    entries.iter().enumerate().filter_map(|(i, entry)| Some((entry.job.ended_at()?, i)));
                let first = ended.min().map(|(_, first)| entries.remove(first).job);
                first.map(Some).ok_or(NoPlace::Jobs(self.limits.max_jobs))
            };
            if gone.is_ok() {
                // Not before: a client that has left meanwhile ends this, and leaves nothing behind.
                job.received.folder.keep();
                entries.push(entry);
            }
            gone
        };
        match gone {
            Ok(None) => {}
            Ok(Some(gone)) => self.forget_job(&gone).await,
            Err(full) => {
                self.forget_job(&job).await;
                return Ok(Err(full));
            }
        }
        if job.ended_at().is_some() {
            // Nothing of it can be read.
            settle_job(&job).await;
        }
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.more.notify_one();
        tracing::info!(job = &*job.id, files = job.counts().0, "a batch begins");
        Ok(Ok(job))
    }

    /// The batch of that name; waits until those of servers that ran before are known.
    pub async fn get(&self, id: &str) -> Option<Arc<Job>> {
        self.wait_until_known().await;
        self.entries.lock().iter().find(|entry| &*entry.job.id == id).map(|entry| entry.job.clone())
    }

    /// All of them, the newest first; waits as [`Jobs::get`].
    pub async fn all_jobs(&self) -> Vec<Arc<Job>> {
        self.wait_until_known().await;
        self.current_jobs()
    }

    fn current_jobs(&self) -> Vec<Arc<Job>> {
        self.entries.lock().iter().rev().map(|entry| entry.job.clone()).collect()
    }

    /// Batches, and files of batches that could not be read, since the start.
    pub fn totals(&self) -> (u64, u64) {
        (self.begun.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }

    /// Cancels a batch that runs, removes one that has ended; it stays so, whatever becomes of this server then.
    pub async fn end_job(&self, job: &Arc<Job>) {
        let ended = job.clone();
        let cancelled = tokio::task::spawn_blocking(move || {
            let cancelled = ended.cancel();
            if cancelled {
                ended.settle();
            }
            cancelled
        });
        if cancelled.await.unwrap_or(true) {
            tracing::info!(job = &*job.id, "the batch was cancelled");
            return;
        }
        self.entries.lock().retain(|entry| entry.job.id != job.id);
        self.forget_job(job).await;
    }

    async fn forget_job(&self, job: &Arc<Job>) {
        self.pictures.forget_job(&job.id);
        self.display.forget_job(&job.id);
        let job = job.clone();
        let _ = tokio::task::spawn_blocking(move || job.received.folder.discard()).await;
    }

    /// Removes batches that ended so long ago that nobody is to find them at `now`.
    async fn expire_jobs(&self, now: SystemTime) {
        let mut gone = Vec::new();
        self.entries.lock().retain_mut(|entry| {
            let Some(ended) = entry.job.ended_at() else { return true };
            entry.ready = None;
            // The system's time may have been set back.
            let over = now.duration_since(ended).is_ok_and(|ago| ago >= self.limits.job_ttl);
            if over {
                gone.push(entry.job.clone());
            }
            !over
        });
        for job in gone {
            tracing::info!(job = &*job.id, "the batch's time is over, and it is removed");
            self.forget_job(&job).await;
        }
    }

    /// Goes on with what servers that ran before left, and has files read until the server stops, one of each batch in turn.
    /// What has not been read then stays for the next server.
    pub async fn run(self: Arc<Self>, models: Arc<Models>, stop: CancellationToken, tasks: TaskTracker) {
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut last = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = look.tick() => self.run_maintenance(&models, &stop, &tasks).await,
                hand = self.acquire_hand() => {
                    if let Some((job, index, ready)) = self.next(&mut last) {
                        let (this, stop) = (self.clone(), stop.clone());
                        tasks.spawn(async move {
                            let read = AssertUnwindSafe(this.read_file(&job, index, &ready)).catch_unwind();
                            // What comes to an end because the server stops is not a result.
                            let read = stop.run_until_cancelled(read).await;
                            if matches!(read, Some(Err(_))) {
                                this.report_failure(&job, index, FileError::Failed).await;
                            }
                            drop(hand);
                            this.more.notify_one();
                        });
                    }
                }
            }
        }
    }

    /// A free hand, when there is something for it to do.
    async fn acquire_hand(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            let more = self.more.notified();
            if self.entries.lock().iter().any(|entry| entry.ready.is_some() && entry.job.has_next()) {
                return self.hands.clone().acquire_owned().await.ok();
            }
            more.await;
        }
    }

    /// The next file, of the batch after the one that was served last.
    fn next(&self, last: &mut Option<Arc<str>>) -> Option<(Arc<Job>, usize, Ready)> {
        let entries = self.entries.lock();
        let after = last.as_ref().and_then(|last| entries.iter().position(|entry| entry.job.id == *last));
        let begin = after.map_or(0, |position| position + 1);
        for entry in entries.iter().cycle().skip(begin).take(entries.len()) {
            if let (Some(ready), Some(index)) = (&entry.ready, entry.job.begin_next()) {
                *last = Some(entry.job.id.clone());
                return Some((entry.job.clone(), index, ready.clone()));
            }
        }
        None
    }

    async fn read_file(self: &Arc<Self>, job: &Arc<Job>, index: usize, ready: &Ready) {
        let work = async {
            let picture = self.load_picture(job, index).await?;
            let turn = PermitSource::Batch(self.permits.clone());
            self.read_picture(job, index, &picture, ready, job.ask.options, &turn).await?;
            Ok::<_, FileError>(())
        };
        let ended = tokio::select! {
            ended = work => ended,
            () = job.cancel.cancelled() => return,
        };
        if let Err(reason) = ended {
            self.report_failure(job, index, reason).await;
        }
        if job.ended_at().is_some() {
            settle_job(job).await;
        }
    }

    /// Says why a file of a batch has no text: to the sender, and to the operator. A file whose text cannot
    /// be written down is none of these, nor is one that cannot be drawn yet: both are tried again.
    async fn report_failure(&self, job: &Arc<Job>, index: usize, reason: FileError) {
        match &reason {
            FileError::Work(WorkError::Disk(error)) => return job.halt_file(index, error),
            FileError::Picture(PictureError::NotYet(why)) => return wait_for_drawing(job, index, why),
            FileError::Work(WorkError::Broken(why)) if why.waits_for_drawing() => {
                return wait_for_drawing(job, index, why);
            }
            _ => {}
        }
        let file = lines::short_line(job.received.files.get(index).map_or("", |file| &file.name));
        if reason.is_late() && job.try_again_last(index) {
            let said = reason.to_string();
            let said = lines::short_sentence(&said);
            tracing::info!(job = &*job.id, %file, "a file of a batch is tried again after the others: {said}");
            return;
        }
        let (reason, kept_job) = (reason.to_string(), job.clone());
        let said = lines::short_sentence(&reason);
        tracing::warn!(job = &*job.id, %file, "a file of a batch was not read: {said}");
        let written = tokio::task::spawn_blocking(move || kept_job.fail_file(index, &reason)).await;
        match written.unwrap_or_else(|lost| Err(io::Error::other(lost))) {
            Ok(()) => drop(self.failed.fetch_add(1, Ordering::Relaxed)),
            Err(error) => {
                job.received.folder.report_failure(Work::Result, &error);
                job.halt_file(index, &error);
            }
        }
    }

    async fn load_picture(&self, job: &Arc<Job>, index: usize) -> Result<Picture, FileError> {
        let (job, limits, decoding) = (job.clone(), self.limits.clone(), self.display.reading.clone());
        let loaded = tokio::task::spawn_blocking(move || {
            job.mark_begun();
            let bytes = job.received.load_file(index, limits.max_image_bytes)?;
            Ok(Picture::probe(bytes, &limits, &decoding, Patience::Work)?)
        });
        loaded.await.unwrap_or(Err(FileError::Failed))
    }

    /// Reads a picture of a batch, writes its result down, and keeps it to be looked at.
    pub async fn read_picture(
        self: &Arc<Self>,
        job: &Arc<Job>,
        index: usize,
        picture: &Picture,
        ready: &Ready,
        options: ReadOptions,
        turn: &PermitSource,
    ) -> Result<Document, WorkError> {
        let name = job.received.files.get(index).map(|file| file.name.to_string());
        let read = work::read_picture(ready, name, picture, options, turn, &self.limits, None);
        let (document, _) = read.await?;
        let (this, kept_job, bytes) = (self.clone(), job.clone(), picture.bytes.clone());
        let written = tokio::task::spawn_blocking(move || {
            this.keep_picture(&kept_job, index, bytes);
            kept_job.finish_file(index, &document)?;
            Ok(document)
        });
        let written = written.await.unwrap_or_else(|lost| Err(io::Error::other(lost)));
        written.map_err(|error| self.not_kept(job, error))
    }

    /// What is said of a file whose result could not be kept.
    fn not_kept(&self, job: &Job, error: io::Error) -> WorkError {
        match error.kind() {
            // Not the system's limit but ours, which is the business of the batch's sender.
            io::ErrorKind::FileTooLarge if error.raw_os_error().is_none() => {
                WorkError::ResultsTooLarge(self.limits.max_job_bytes)
            }
            _ => {
                job.received.folder.report_failure(Work::Result, &error);
                WorkError::Disk(error)
            }
        }
    }

    /// Keeps a picture of a batch that has neither been removed nor given that file up.
    fn keep_picture(&self, job: &Arc<Job>, index: usize, bytes: Bytes) {
        // Under this lock, so that it is forgotten with the batch.
        let entries = self.entries.lock();
        let wanted = matches!(job.file_outcome(index), Some((FileState::Reading | FileState::Done, ..)));
        if wanted && entries.iter().any(|entry| Arc::ptr_eq(&entry.job, job)) {
            self.pictures.insert(&job.id, index, bytes, job.keep);
        }
    }

    /// Numbers of batches that run and that have ended, and of files that wait.
    pub fn counts(&self) -> (usize, usize, usize) {
        let entries = self.entries.lock();
        let running = entries.iter().filter(|entry| entry.job.state() == JobState::Running);
        let (mut count, mut waiting) = (0, 0);
        for entry in running {
            let (files, ended) = entry.job.counts();
            count += 1;
            waiting += files - ended;
        }
        (count, entries.len() - count, waiting)
    }

    /// Puts everything on the disk for good, for the next server; blocks.
    pub fn close(&self) {
        for job in self.current_jobs() {
            // What went wrong was said.
            let _ = job.received.sync();
            tries::end_try(&job.received.folder);
        }
    }
}

fn wait_for_drawing(job: &Job, index: usize, why: &StillError) {
    // Without the format: files of several may wait for the same.
    let reason = match why {
        StillError::Undrawn { why: Undrawn::NoProgram(reason), .. } => reason.clone(),
        StillError::Undrawn { why: Undrawn::NoMemory, .. } => {
            "the server uses all of its memory (server.memory_mb)".to_owned()
        }
        _ => return,
    };
    if job.wait_for_drawing(index, &reason) {
        tracing::warn!(job = &*job.id, "files of a batch wait to be drawn: {reason}");
    }
}

async fn settle_job(job: &Arc<Job>) {
    let job = job.clone();
    let _ = tokio::task::spawn_blocking(move || job.settle()).await;
}
