//! One batch: its files, what became of each, and who may know.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use sightwire_api::read::{self as api, FileState, JobFile, JobState};
use sightwire_measure::clock;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::results::Span;
use super::upload::{Received, Source};
use crate::output::{self, Document};
use crate::picture_cache::PictureCache;
use crate::work::ReadRequest;

/// A batch from when it begins to be read until it is forgotten.
pub struct Job {
    /// Random, 16 hexadecimal digits.
    pub id: Arc<str>,
    /// Whoever sent it, as the one who took it calls them; empty where nobody is told from anybody.
    pub owner: Arc<str>,
    /// How its files are to be read.
    pub ask: ReadRequest,
    /// How many of its pictures are kept.
    pub keep: usize,
    /// Its files and results.
    pub received: Received,
    /// Cancelled when nobody wants the rest of it.
    pub cancel: CancellationToken,
    created_s: u64,
    begun: Instant,
    progress: Mutex<Progress>,
    /// Goes up with each change that listeners are told of.
    changed: watch::Sender<u64>,
}

struct Progress {
    rows: Vec<Row>,
    /// Files in the order in which they ended.
    ended: Vec<u32>,
    /// The first that has not begun.
    next: usize,
    reading: usize,
    failed: usize,
    cancelled: usize,
    regions: u64,
    left_out: u64,
    characters: u64,
    confidence_sum: f64,
    state: JobState,
    ended_at: Option<Instant>,
}

/// What is known of a file; the rest stands in its result.
struct Row {
    state: FileState,
    pages: u32,
    width: u32,
    height: u32,
    found: Found,
    ms: f32,
    error: Option<Box<str>>,
    notes: Box<[String]>,
    result: Option<Span>,
}

/// What is counted of a result.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    regions: u32,
    left_out: u32,
    characters: u32,
    confidence_sum: f32,
}

impl Found {
    fn of(document: &Document) -> Self {
        let left_out = document.pages.iter().map(|page| page.left_out as u32).sum();
        let mut found = Self { left_out, ..Self::default() };
        for region in document.regions() {
            found.regions += 1;
            found.characters += region.text.chars().count() as u32;
            found.confidence_sum += region.confidence;
        }
        found
    }

    fn confidence(self) -> Option<f64> {
        (self.regions > 0).then(|| rounded(f64::from(self.confidence_sum) / f64::from(self.regions), 1e4))
    }
}

impl Job {
    /// With files that are all there.
    pub fn new(owner: Arc<str>, received: Received, ask: ReadRequest, keep: usize) -> Self {
        let mut rows = Vec::with_capacity(received.files.len());
        let mut ended = Vec::new();
        for (index, file) in received.files.iter().enumerate() {
            let (state, error) = match &file.source {
                Source::Refused(reason) => (FileState::Failed, Some(reason.to_string().into())),
                Source::Part(_) | Source::Member { .. } => (FileState::Waiting, None),
            };
            if error.is_some() {
                ended.push(index as u32);
            }
            let found = Found::default();
            let (notes, result) = (Box::default(), None);
            rows.push(Row { state, pages: 0, width: 0, height: 0, found, ms: 0.0, error, notes, result });
        }
        let progress = Progress {
            failed: ended.len(),
            rows,
            ended,
            next: 0,
            reading: 0,
            cancelled: 0,
            regions: 0,
            left_out: 0,
            characters: 0,
            confidence_sum: 0.0,
            state: JobState::Running,
            ended_at: None,
        };
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let job = Self {
            id: format!("{:016x}", fastrand::u64(..)).into(),
            owner,
            ask,
            keep,
            received,
            cancel: CancellationToken::new(),
            created_s: since_epoch.as_secs(),
            begun: clock::now(),
            progress: Mutex::new(progress),
            changed: watch::Sender::new(0),
        };
        job.update(|_| ());
        job
    }

    /// Changes what is known, ends the batch where that was the last of it, and tells all who listen.
    fn update<R>(&self, change: impl FnOnce(&mut Progress) -> R) -> R {
        let done = {
            let mut progress = self.progress.lock();
            let done = change(&mut progress);
            if progress.ended_at.is_none() && progress.ended.len() == progress.rows.len() {
                if progress.state == JobState::Running {
                    progress.state = JobState::Done;
                }
                progress.ended_at = Some(clock::now());
            }
            done
        };
        self.changed.send_modify(|count| *count += 1);
        done
    }

    /// The next file to be read, which begins now.
    pub fn begin_next(&self) -> Option<usize> {
        self.update(|progress| {
            if progress.state != JobState::Running {
                return None;
            }
            let waits = |row: &Row| row.state == FileState::Waiting;
            let index = progress.next + progress.rows.get(progress.next..)?.iter().position(waits)?;
            progress.next = index + 1;
            progress.reading += 1;
            progress.rows.get_mut(index)?.state = FileState::Reading;
            Some(index)
        })
    }

    /// Whether there is a file that has not begun.
    pub fn has_next(&self) -> bool {
        let progress = self.progress.lock();
        progress.state == JobState::Running
            && progress.rows[progress.next..].iter().any(|row| row.state == FileState::Waiting)
    }

    /// A file was read; its result stands there.
    pub fn finished(&self, index: usize, document: &Document, result: Span) {
        let found = Found::of(document);
        self.update(|progress| {
            let to_come = |row: &&mut Row| matches!(row.state, FileState::Reading | FileState::Done);
            let Some(row) = progress.rows.get_mut(index).filter(to_come) else { return };
            // Read again, it is counted once.
            let before = std::mem::replace(&mut row.found, found);
            let first = document.pages.first();
            (row.width, row.height) = first.map(|page| (page.width, page.height)).unwrap_or_default();
            row.pages = document.pages.len() as u32;
            row.ms = document.times.total.as_secs_f32() * 1e3;
            row.notes = document.notes().into();
            row.result = Some(result);
            progress.regions = progress.regions + u64::from(found.regions) - u64::from(before.regions);
            progress.left_out = progress.left_out + u64::from(found.left_out) - u64::from(before.left_out);
            progress.characters =
                progress.characters + u64::from(found.characters) - u64::from(before.characters);
            progress.confidence_sum += f64::from(found.confidence_sum) - f64::from(before.confidence_sum);
            progress.end(index, FileState::Done);
        });
    }

    /// A file could not be read.
    pub fn failed(&self, index: usize, reason: String) {
        self.update(|progress| {
            if let Some(row) = progress.rows.get_mut(index).filter(|row| row.state == FileState::Reading) {
                row.error = Some(reason.into());
            }
            progress.end(index, FileState::Failed);
        });
    }

    /// Nobody wants the rest; whether there was a rest.
    pub fn cancel(&self) -> bool {
        let cancelled = self.update(|progress| {
            if progress.state != JobState::Running {
                return false;
            }
            progress.state = JobState::Cancelled;
            for index in 0..progress.rows.len() {
                progress.end(index, FileState::Cancelled);
            }
            true
        });
        self.cancel.cancel();
        cancelled
    }

    /// What has become of it.
    pub fn state(&self) -> JobState {
        self.progress.lock().state
    }

    /// Since when it has ended.
    pub fn ended_at(&self) -> Option<Instant> {
        self.progress.lock().ended_at
    }

    /// Files, and those of them that have ended.
    pub fn counts(&self) -> (usize, usize) {
        let progress = self.progress.lock();
        (progress.rows.len(), progress.ended.len())
    }

    /// What became of a file and where its result stands; `None` where there is no such file.
    pub fn outcome(&self, index: usize) -> Option<(FileState, Option<Box<str>>, Option<Span>)> {
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

    /// The files from `offset` on, at most so many.
    pub fn rows(&self, offset: usize, limit: usize, pictures: &PictureCache) -> Vec<JobFile> {
        let kept = pictures.indexes(&self.id);
        let progress = self.progress.lock();
        let end = offset.saturating_add(limit).min(progress.rows.len());
        (offset.min(end)..end).map(|index| self.row(&progress, index, &kept)).collect()
    }

    /// The files that ended as the `position`th and later, at most so many.
    pub fn ended_rows(&self, position: usize, limit: usize, pictures: &PictureCache) -> Vec<JobFile> {
        let kept = pictures.indexes(&self.id);
        let progress = self.progress.lock();
        let ended = progress.ended.iter().skip(position).take(limit);
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
            ms: done.then(|| rounded(f64::from(row.ms), 10.0)),
            picture: kept.contains(&index),
            notes: row.notes.to_vec(),
        }
    }

    /// All of it in short.
    pub fn summary(&self) -> api::Job {
        let progress = self.progress.lock();
        let (files, ended) = (progress.rows.len(), progress.ended.len());
        let done = ended - progress.failed - progress.cancelled;
        let elapsed = progress.ended_at.unwrap_or_else(Instant::now).saturating_duration_since(self.begun);
        // What fails does so at once, and says nothing of how long the rest will take.
        let rate = done as f64 / elapsed.as_secs_f64().max(1e-3);
        let left = match progress.state {
            JobState::Running if done > 0 => Some(rounded((files - ended) as f64 / rate, 10.0)),
            JobState::Running => None,
            JobState::Done | JobState::Cancelled => Some(0.0),
        };
        let mean =
            (progress.regions > 0).then(|| rounded(progress.confidence_sum / progress.regions as f64, 1e4));
        api::Job {
            cancelled: progress.cancelled,
            characters: progress.characters,
            created: self.created_s,
            done,
            failed: progress.failed,
            files,
            files_per_s: rounded(rate, 100.0),
            id: self.id.to_string(),
            keep: self.keep,
            left_s: left,
            mean_confidence: mean,
            ms: millis(elapsed),
            notes: Vec::new(),
            options: asked(&self.ask),
            reading: progress.reading,
            regions: progress.regions,
            left_out: progress.left_out,
            state: progress.state,
            waiting: files - ended - progress.reading,
        }
    }
}

fn asked(ask: &ReadRequest) -> api::JobOptions {
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
    } = output::options(ask.options);
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

impl Progress {
    /// A file has come to that end, unless it had come to one before.
    fn end(&mut self, index: usize, state: FileState) {
        let Some(row) = self.rows.get_mut(index) else { return };
        match row.state {
            FileState::Waiting => {}
            FileState::Reading => self.reading -= 1,
            FileState::Done | FileState::Failed | FileState::Cancelled => return,
        }
        row.state = state;
        self.ended.push(index as u32);
        match state {
            FileState::Failed => self.failed += 1,
            FileState::Cancelled => self.cancelled += 1,
            FileState::Waiting | FileState::Reading | FileState::Done => {}
        }
    }
}

fn millis(duration: Duration) -> f64 {
    rounded(duration.as_secs_f64() * 1e3, 10.0)
}

/// To the next part of so many in one.
fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

/// Memory that a file of a batch takes, beside its name.
#[cfg(test)]
pub const ROW_BYTES: usize = size_of::<Row>() + size_of::<super::upload::Arrived>();
