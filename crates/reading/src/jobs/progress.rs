//! What became of the files of a batch, in memory.

use std::time::{Duration, Instant, SystemTime};

use sightwire_api::read::{FileState, JobState};

use super::results::Span;
use super::upload::{Arrived, Source};
use crate::output::Document;
use crate::record::Record;

/// The files of a batch, and sums over them.
pub(super) struct Progress {
    pub rows: Vec<Row>,
    /// Files in the order in which they ended.
    pub ended_files: Vec<u32>,
    /// The first that has not begun.
    pub next: usize,
    pub reading: usize,
    pub failed: usize,
    pub cancelled: usize,
    pub regions: u64,
    pub left_out: u64,
    pub characters: u64,
    pub confidence_sum: f64,
    pub state: JobState,
    pub ended: Option<Ended>,
    /// Until when no file begins, because what is read cannot be written down, and why.
    pub halted: Option<(Instant, Box<str>)>,
    /// Why there is no model to read with.
    pub lacks: Option<Box<str>>,
    /// Until when no file begins that has to be drawn, because the program for that is missing, and what is said of it.
    pub undrawn: Option<(Instant, Box<str>)>,
}

/// When a batch ended, and how long it was worked on.
#[derive(Clone, Copy)]
pub(super) struct Ended {
    pub at: SystemTime,
    pub spent: Duration,
}

/// What is known of a file; the rest stands in its result.
pub(super) struct Row {
    pub state: FileState,
    /// It came to light that it has to be drawn, when that could not be done.
    pub is_drawn: bool,
    /// It was not read in time once: it is tried again when no other waits.
    pub is_late: bool,
    pub pages: u32,
    pub width: u32,
    pub height: u32,
    pub found: Found,
    pub ms: f32,
    pub error: Option<Box<str>>,
    pub notes: Box<[String]>,
    pub result: Option<Span>,
}

/// What is counted of a result.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    pub regions: u32,
    pub left_out: u32,
    pub characters: u32,
    pub confidence_sum: f32,
}

impl Found {
    fn from_document(document: &Document) -> Self {
        let left_out = document.pages.iter().map(|page| page.left_out as u32).sum();
        let mut found = Self { left_out, ..Self::default() };
        for region in document.regions() {
            found.regions += 1;
            found.characters += region.text.chars().count() as u32;
            // As it is written down.
            found.confidence_sum += round_up(f64::from(region.confidence), 1e4) as f32;
        }
        found
    }

    pub(super) fn confidence(self) -> Option<f64> {
        (self.regions > 0).then(|| round_up(f64::from(self.confidence_sum) / f64::from(self.regions), 1e4))
    }
}

impl Progress {
    /// Nothing has begun; files that are not to be read have failed.
    pub(super) fn from_files(files: &[Arrived]) -> Self {
        let mut rows = Vec::with_capacity(files.len());
        let mut ended_files = Vec::new();
        for (index, file) in files.iter().enumerate() {
            let (state, error) = match &file.source {
                Source::Refused(reason) => (FileState::Failed, Some(reason.to_string().into())),
                Source::Part(_) | Source::Member { .. } => (FileState::Waiting, None),
            };
            if error.is_some() {
                ended_files.push(index as u32);
            }
            let found = Found::default();
            let (notes, result) = (Box::default(), None);
            let (is_drawn, is_late, pages, width, height) = (false, false, 0, 0, 0);
            rows.push(Row {
                state,
                is_drawn,
                is_late,
                pages,
                width,
                height,
                found,
                ms: 0.0,
                error,
                notes,
                result,
            });
        }
        Self {
            failed: ended_files.len(),
            rows,
            ended_files,
            next: 0,
            reading: 0,
            cancelled: 0,
            regions: 0,
            left_out: 0,
            characters: 0,
            confidence_sum: 0.0,
            state: JobState::Running,
            ended: None,
            halted: None,
            lacks: None,
            undrawn: None,
        }
    }

    /// A server that ran before wrote that down.
    pub(super) fn replay_record(&mut self, record: Record, span: Span) {
        match record.outcome {
            Ok(document) => self.mark_read(record.index, &document, span),
            Err(reason) => self.mark_failed(record.index, reason.into()),
        }
    }

    /// A file was read, or read again; its result stands there.
    pub(super) fn mark_read(&mut self, index: usize, document: &Document, result: Span) {
        let found = Found::from_document(document);
        let may = |row: &&mut Row| !matches!(row.state, FileState::Failed | FileState::Cancelled);
        let Some(row) = self.rows.get_mut(index).filter(may) else { return };
        // Read again, it is counted once.
        let before = std::mem::replace(&mut row.found, found);
        let first = document.pages.first();
        (row.width, row.height) = first.map(|page| (page.width, page.height)).unwrap_or_default();
        row.pages = document.pages.len() as u32;
        row.ms = document.times.total.as_secs_f32() * 1e3;
        row.notes = document.notes().into();
        row.result = Some(result);
        if row.is_drawn {
            self.undrawn = None;
        }
        self.regions = self.regions + u64::from(found.regions) - u64::from(before.regions);
        self.left_out = self.left_out + u64::from(found.left_out) - u64::from(before.left_out);
        self.characters = self.characters + u64::from(found.characters) - u64::from(before.characters);
        self.confidence_sum += f64::from(found.confidence_sum) - f64::from(before.confidence_sum);
        self.end_file(index, FileState::Done);
    }

    /// A file could not be read.
    pub(super) fn mark_failed(&mut self, index: usize, reason: Box<str>) {
        let to_come = |row: &&mut Row| matches!(row.state, FileState::Waiting | FileState::Reading);
        if let Some(row) = self.rows.get_mut(index).filter(to_come) {
            row.error = Some(reason);
            if row.is_drawn {
                self.undrawn = None;
            }
        }
        self.end_file(index, FileState::Failed);
    }

    /// Whether what comes of the file is still waited for.
    pub(super) fn is_awaited(&self, index: usize) -> bool {
        self.rows.get(index).is_some_and(|row| row.state == FileState::Reading)
    }

    /// A file that is being read has to be read once more.
    pub(super) fn put_back(&mut self, index: usize) {
        if self.is_awaited(index) {
            self.rows[index].state = FileState::Waiting;
            self.reading -= 1;
            self.next = self.next.min(index);
        }
    }

    /// A file that is being read was not read in time; whether it is tried again, after all others, which is once.
    pub(super) fn put_back_late(&mut self, index: usize) -> bool {
        let is_first = self.is_awaited(index) && !self.rows[index].is_late;
        if is_first {
            self.put_back(index);
            self.rows[index].is_late = true;
        }
        is_first
    }

    /// A file that is being read cannot be drawn before `until`, nor can others that have to be; all others go on.
    pub(super) fn put_back_undrawn(&mut self, index: usize, until: Instant, reason: Box<str>) {
        if self.is_awaited(index) {
            self.put_back(index);
            self.rows[index].is_drawn = true;
            self.undrawn = Some((until, reason));
        }
    }

    /// The first file that waits, if one may begin at `now`; those that were late come last.
    pub(super) fn first_waiting(&self, now: Instant) -> Option<usize> {
        let is_over =
            |wait: &Option<(Instant, Box<str>)>| wait.as_ref().is_none_or(|(until, _)| now >= *until);
        if self.state != JobState::Running || !is_over(&self.halted) {
            return None;
        }
        let may_draw = is_over(&self.undrawn);
        let may_begin = |row: &Row| row.state == FileState::Waiting && (may_draw || !row.is_drawn);
        let mut rest = self.rows.get(self.next..)?.iter();
        let is_late = |row: &Row| may_begin(row) && row.is_late;
        let in_time = rest.clone().position(|row| may_begin(row) && !row.is_late);
        Some(self.next + in_time.or_else(|| rest.position(is_late))?)
    }

    /// A file that waits is read now.
    pub(super) fn begin_file(&mut self, index: usize) {
        let Some(row) = self.rows.get_mut(index) else { return };
        row.state = FileState::Reading;
        self.reading += 1;
        // Those before it may have to wait longer.
        let rest = self.rows.get(self.next..).unwrap_or_default();
        self.next += rest.iter().position(|row| row.state == FileState::Waiting).unwrap_or(rest.len());
    }

    /// Nobody wants the rest.
    pub(super) fn cancel(&mut self) {
        self.state = JobState::Cancelled;
        for index in 0..self.rows.len() {
            self.end_file(index, FileState::Cancelled);
        }
    }

    /// A file has come to that end, unless it had come to one before.
    fn end_file(&mut self, index: usize, state: FileState) {
        let Some(row) = self.rows.get_mut(index) else { return };
        match row.state {
            FileState::Waiting => {}
            FileState::Reading => self.reading -= 1,
            FileState::Done | FileState::Failed | FileState::Cancelled => return,
        }
        row.state = state;
        self.ended_files.push(index as u32);
        match state {
            FileState::Failed => self.failed += 1,
            FileState::Cancelled => self.cancelled += 1,
            FileState::Waiting | FileState::Reading | FileState::Done => {}
        }
    }

    /// What should be known of how it goes.
    pub(super) fn notes(&self) -> Vec<String> {
        let halted = self.halted.as_ref().map(|(_, reason)| {
            format!(
                "What is read cannot be kept in reader.folder ({reason}). The batch goes on when it can be."
            )
        });
        let lacks = self.lacks.as_ref().map(|reason| format!("The batch waits for its model: {reason}."));
        let undrawn = self.undrawn.as_ref().map(|(_, reason)| {
            format!("Files of PDF, AVIF and HEIC wait, and are read once they can be drawn: {reason}.")
        });
        let running = self.state == JobState::Running;
        halted.into_iter().chain(lacks).chain(undrawn).filter(|_| running).collect()
    }
}

/// To the next of this many parts of one.
pub(super) fn round_up(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}
