//! One batch: its files, what became of each, and who may know.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use sightwire_api::read::{self as api, FileState, JobFile, JobState};
use sightwire_base::clock;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::description::{self, Description, DescriptionError};
use super::progress::{Ended, Progress, round_up};
use super::results::{RESULTS, Results, Span};
use super::spool::{Folder, Work};
use super::tries;
use super::upload::Received;
use crate::options::Options;
use crate::output::{self, Document};
use crate::picture_cache::PictureCache;
use crate::work::ReadRequest;

/// After this time it is tried again to write down what is read.
const WRITE_AGAIN: Duration = Duration::from_secs(5);
/// After this time it is tried again to have a file drawn.
const DRAW_AGAIN: Duration = Duration::from_secs(5);

/// A batch from when it begins to be read until it is forgotten, whatever servers run meanwhile.
pub struct Job {
    /// Random, 16 hexadecimal digits, as its folder is called.
    pub id: Arc<str>,
    /// The sender, by the name that the server which took it uses; empty where nobody is told from anybody.
    pub owner: Arc<str>,
    /// How its files are to be read.
    pub ask: ReadRequest,
    /// Of the model that it began with, [`ReadModel::digest`](sightwire_ocr::ReadModel::digest): all of it is read with this.
    pub model_digest: Arc<str>,
    /// How many of its pictures are kept.
    pub keep: usize,
    /// Its files and results.
    pub received: Received,
    /// Cancelled when nobody wants the rest of it.
    pub cancel: CancellationToken,
    created: SystemTime,
    begun: Instant,
    /// How long servers that ran before have worked on it.
    spent_before: Duration,
    /// Held while something is written down and counted: a server that goes on with the batch counts in the order in which it
    /// was written. So it may be held for as long as a disk takes. It comes before `progress`, which is only held for a moment.
    order: Mutex<()>,
    progress: Mutex<Progress>,
    /// Goes up with each change that listeners are told of.
    changed: watch::Sender<u64>,
    /// This server has begun to read it.
    has_begun: AtomicBool,
}

impl Job {
    /// With files that are all there. `digest` is the model's.
    pub fn new(owner: Arc<str>, received: Received, (ask, digest): (ReadRequest, &str), keep: usize) -> Self {
        let progress = Progress::from_files(&received.files);
        let (terms, now) = ((owner, ask, digest.into(), keep), SystemTime::now());
        let job = Self::from_parts(terms, received, progress, (now, Duration::ZERO));
        job.update_progress(|_| ());
        job
    }

    fn from_parts(
        (owner, ask, model_digest, keep): (Arc<str>, ReadRequest, Arc<str>, usize),
        received: Received,
        progress: Progress,
        (created, spent_before): (SystemTime, Duration),
    ) -> Self {
        Self {
            id: received.folder.name().into(),
            owner,
            ask,
            model_digest,
            keep,
            received,
            cancel: CancellationToken::new(),
            created,
            begun: clock::now(),
            spent_before,
            order: Mutex::default(),
            progress: Mutex::new(progress),
            changed: watch::Sender::new(0),
            has_begun: AtomicBool::new(false),
        }
    }

    /// As a server that ran before left it; what had not ended waits. Blocks.
    pub fn from_description(
        folder: Folder,
        description: &Description,
        limits: &Options,
    ) -> Result<Self, DescriptionError> {
        let files = description::read_files(&folder, description.files)?;
        let mut progress = Progress::from_files(&files);
        let path = folder.file_path(RESULTS);
        let opened =
            Results::open(&path, limits.max_job_bytes, |record, span| progress.replay_record(record, span));
        let (results, found) =
            opened.map_err(|error| DescriptionError::Read { path: path.clone(), error })?;
        if found.broken > 0 {
            tracing::warn!(
                file = %path.display(),
                lines = found.broken,
                "some results of a batch are broken; their files are read again, if they are still there"
            );
        }
        if description.state == JobState::Cancelled {
            progress.cancel();
        }
        let created = time_from_millis(description.created_ms);
        let has_ended = progress.ended_files.len() == progress.rows.len();
        let spent = match description.ended_ms {
            Some(at) if has_ended => {
                let spent = Duration::from_micros(description.spent_us);
                progress.state = description.state;
                progress.ended = Some(Ended { at: time_from_millis(at), spent });
                spent
            }
            // Until something was written last.
            _ => {
                let last = path.metadata().and_then(|meta| meta.modified()).unwrap_or(created);
                last.duration_since(created).unwrap_or_default()
            }
        };
        let received = Received::from_description(folder, description, files, results, limits.max_job_files);
        if description.ended_ms.is_none() {
            // Their server may have been killed before it could take what was sent from the disk.
            progress.ended_files.iter().for_each(|index| received.mark_unsynced(*index as usize));
        }
        let (model, options) = (description.model.clone(), output::options_of(&description.options));
        let (owner, digest) = (description.owner.as_str().into(), description.model_digest.as_str().into());
        let terms = (owner, ReadRequest { model, options }, digest, description.keep);
        let job = Self::from_parts(terms, received, progress, (created, spent));
        job.update_progress(|_| ());
        Ok(job)
    }

    /// Puts all that it is on the disk; blocks. Unless its folder is kept then, or the server is killed, nothing of it stays.
    pub fn write(&self) -> io::Result<()> {
        let folder = &self.received.folder;
        let written = description::write_files(folder, &self.received.files)
            .and_then(|()| folder.sync())
            .and_then(|()| self.description().write(folder));
        written.inspect_err(|error| folder.report_failure(Work::Keep, error))
    }

    /// It has ended, and stays so; what was sent is taken from the disk. Blocks.
    pub fn settle(&self) {
        let _order = self.order.lock();
        let folder = &self.received.folder;
        // Without its results on the disk for good, what was sent stays.
        let is_synced = self.received.sync().is_ok();
        let mut written = self.description().write(folder);
        if is_synced {
            self.received.release_all();
            if written.is_err() {
                // There may be room now.
                written = self.description().write(folder);
            }
        }
        if let Err(error) = written {
            folder.report_failure(Work::Keep, &error);
        }
    }

    fn description(&self) -> Description {
        let (parts, zips) = self.received.parts();
        let (state, ended) = {
            let progress = self.progress.lock();
            (progress.state, progress.ended)
        };
        let options = output::exact_options(self.ask.options);
        let mut description =
            Description::new(&self.owner, (&self.ask.model, &self.model_digest), options, self.keep);
        description.created_ms = since_epoch(self.created);
        description.state = state;
        description.ended_ms = ended.map(|ended| since_epoch(ended.at));
        description.spent_us = ended.map_or(0, |ended| ended.spent.as_micros() as u64);
        description.files = self.received.files.len();
        (description.parts, description.zips) = (parts, zips.to_vec());
        description
    }

    /// Changes what is known, ends the batch where that was the last of it, and tells all who listen.
    fn update_progress<R>(&self, change: impl FnOnce(&mut Progress) -> R) -> R {
        let done = {
            let mut progress = self.progress.lock();
            let done = change(&mut progress);
            if progress.ended.is_none() && progress.ended_files.len() == progress.rows.len() {
                if progress.state == JobState::Running {
                    progress.state = JobState::Done;
                }
                progress.ended = Some(Ended { at: SystemTime::now(), spent: self.time_spent() });
            }
            done
        };
        self.changed.send_modify(|count| *count += 1);
        done
    }

    /// The next file to be read, which begins now.
    pub fn begin_next(&self) -> Option<usize> {
        self.update_progress(|progress| {
            let index = progress.first_waiting(clock::now())?;
            progress.begin_file(index);
            Some(index)
        })
    }

    /// A file is about to be decoded; blocks the first time. Should this server end by it, the next one knows.
    pub fn mark_begun(&self) {
        if !self.has_begun.swap(true, Ordering::Relaxed) {
            tries::begin_try(&self.received.folder, self.counts().1);
        }
    }

    /// Whether there is a file that could begin now.
    pub fn has_next(&self) -> bool {
        self.progress.lock().first_waiting(clock::now()).is_some()
    }

    /// A file was read, or read again: writes its result down, unless nobody waits for it any more; blocks. After an error
    /// nothing has changed.
    pub fn finish_file(&self, index: usize, document: &Document) -> io::Result<()> {
        let _order = self.order.lock();
        let is_done = matches!(self.file_outcome(index), Some((FileState::Done, ..)));
        if is_done || self.progress.lock().is_awaited(index) {
            let span = self.received.write_outcome(index, Ok(document))?;
            self.update_progress(|progress| {
                progress.mark_read(index, document, span);
                progress.halted = None;
            });
        }
        Ok(())
    }

    /// A file could not be read: writes that down, unless nobody waits for it any more; blocks. After an error nothing has
    /// changed.
    pub fn fail_file(&self, index: usize, reason: &str) -> io::Result<()> {
        let _order = self.order.lock();
        if self.progress.lock().is_awaited(index) {
            self.received.write_outcome(index, Err(reason))?;
            self.update_progress(|progress| progress.mark_failed(index, reason.into()));
        }
        Ok(())
    }

    /// What came of a file could not be written down: it is read again after a while, and nothing else before.
    pub fn halt_file(&self, index: usize, reason: &io::Error) {
        self.update_progress(|progress| {
            progress.put_back(index);
            progress.halted = Some((clock::now() + WRITE_AGAIN, reason.to_string().into()));
        });
    }

    /// A file was not read in time; whether it is tried again, after all others.
    pub fn try_again_last(&self, index: usize) -> bool {
        self.update_progress(|progress| progress.put_back_late(index))
    }

    /// The program is missing that draws a file: it is read again after a while, and meanwhile those that need no drawing.
    /// Returns whether the reason is new.
    pub fn wait_for_drawing(&self, index: usize, reason: &str) -> bool {
        self.update_progress(|progress| {
            let is_new = progress.undrawn.as_ref().is_none_or(|(_, before)| **before != *reason);
            progress.put_back_undrawn(index, clock::now() + DRAW_AGAIN, reason.into());
            is_new
        })
    }

    /// Whether there is a model to read with; else why not. Returns whether that is new.
    pub fn set_missing_model(&self, reason: Option<&str>) -> bool {
        let before =
            self.update_progress(|progress| std::mem::replace(&mut progress.lacks, reason.map(Into::into)));
        before.as_deref() != reason
    }

    /// Nobody wants the rest; whether there was a rest. Blocks while something is written down.
    pub fn cancel(&self) -> bool {
        let _order = self.order.lock();
        let cancelled = self.update_progress(|progress| {
            let is_running = progress.state == JobState::Running;
            if is_running {
                progress.cancel();
            }
            is_running
        });
        self.cancel.cancel();
        cancelled
    }

    /// What has become of it.
    pub fn state(&self) -> JobState {
        self.progress.lock().state
    }

    /// Since when it has ended.
    pub fn ended_at(&self) -> Option<SystemTime> {
        self.progress.lock().ended.map(|ended| ended.at)
    }

    /// When it began.
    pub fn created(&self) -> SystemTime {
        self.created
    }

    fn time_spent(&self) -> Duration {
        self.spent_before + clock::since(self.begun)
    }

    /// Files, and those of them that have ended.
    pub fn counts(&self) -> (usize, usize) {
        let progress = self.progress.lock();
        (progress.rows.len(), progress.ended_files.len())
    }

    /// What became of a file and where its result stands; `None` where there is no such file.
    pub fn file_outcome(&self, index: usize) -> Option<(FileState, Option<Box<str>>, Option<Span>)> {
        let progress = self.progress.lock();
        progress.rows.get(index).map(|row| (row.state, row.error.clone(), row.result))
    }

    /// Notices each change of a file or of the batch; the number itself means nothing.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// How many listen to the batch now.
    pub fn listeners(&self) -> usize {
        self.changed.receiver_count()
    }

    /// The files from `offset` on, at most this many.
    pub fn rows(&self, offset: usize, limit: usize, pictures: &PictureCache) -> Vec<JobFile> {
        let kept = pictures.indexes(&self.id);
        let progress = self.progress.lock();
        let end = offset.saturating_add(limit).min(progress.rows.len());
        (offset.min(end)..end).map(|index| self.row(&progress, index, &kept)).collect()
    }

    /// The files that ended as the `position`th and later, at most this many.
    pub fn ended_rows(&self, position: usize, limit: usize, pictures: &PictureCache) -> Vec<JobFile> {
        let kept = pictures.indexes(&self.id);
        let progress = self.progress.lock();
        let ended = progress.ended_files.iter().skip(position).take(limit);
        ended.map(|index| self.row(&progress, *index as usize, &kept)).collect()
    }

    fn row(&self, progress: &Progress, index: usize, kept: &[usize]) -> JobFile {
        let (row, file) = (&progress.rows[index], &self.received.files[index]);
        let done = row.state == FileState::Done;
        JobFile {
            index,
            name: file.name.clone(),
            bytes: file.bytes,
            state: row.state,
            error: row.error.clone(),
            pages: done.then_some(row.pages),
            width: done.then_some(row.width),
            height: done.then_some(row.height),
            regions: done.then_some(row.found.regions),
            left_out: done.then_some(row.found.left_out),
            confidence: row.found.confidence(),
            ms: done.then(|| round_up(f64::from(row.ms), 10.0)),
            picture: kept.contains(&index),
            notes: row.notes.to_vec(),
        }
    }

    /// All of it in short.
    pub fn summary(&self) -> api::Job {
        let progress = self.progress.lock();
        let (files, ended) = (progress.rows.len(), progress.ended_files.len());
        let done = ended - progress.failed - progress.cancelled;
        let elapsed = progress.ended.map_or_else(|| self.time_spent(), |ended| ended.spent);
        // What fails does so at once, and says nothing of how long the rest will take.
        let rate = done as f64 / elapsed.as_secs_f64().max(1e-3);
        let left = match progress.state {
            JobState::Running if done > 0 => Some(round_up((files - ended) as f64 / rate, 10.0)),
            JobState::Running => None,
            JobState::Done | JobState::Cancelled => Some(0.0),
        };
        let mean =
            (progress.regions > 0).then(|| round_up(progress.confidence_sum / progress.regions as f64, 1e4));
        api::Job {
            cancelled: progress.cancelled,
            characters: progress.characters,
            created: since_epoch(self.created) / 1000,
            done,
            failed: progress.failed,
            files,
            files_per_s: round_up(rate, 100.0),
            id: self.id.to_string(),
            keep: self.keep,
            left_s: left,
            mean_confidence: mean,
            ms: to_millis(elapsed),
            notes: progress.notes(),
            options: job_options(&self.ask),
            reading: progress.reading,
            regions: progress.regions,
            left_out: progress.left_out,
            state: progress.state,
            waiting: files - ended - progress.reading,
        }
    }
}

fn job_options(ask: &ReadRequest) -> api::JobOptions {
    let api::ReadOptions {
        threshold,
        box_threshold,
        unclip,
        max_side,
        max_candidates,
        min_detection_size,
        min_confidence,
        angle,
        deskew,
        contrast,
        denoise,
        perspective,
        corners,
    } = output::to_api_options(ask.options);
    api::JobOptions {
        angle,
        box_threshold,
        contrast,
        corners,
        denoise,
        deskew,
        max_candidates,
        max_side,
        min_confidence,
        min_detection_size,
        model: ask.model.clone(),
        perspective,
        threshold,
        unclip,
    }
}

fn since_epoch(moment: SystemTime) -> u64 {
    moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

fn time_from_millis(ms: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(ms)).unwrap_or(UNIX_EPOCH)
}

fn to_millis(duration: Duration) -> f64 {
    round_up(duration.as_secs_f64() * 1e3, 10.0)
}

/// Memory that a file of a batch takes, beside its name.
#[cfg(test)]
pub const ROW_BYTES: usize = size_of::<super::progress::Row>() + size_of::<super::upload::Arrived>();
