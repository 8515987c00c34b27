//! What can be chosen: `reader.*` of the configuration.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sightwire_ocr::Memory;
use sightwire_ocr::memory::TooLittle;
use sightwire_pages::Pages;

use crate::elsewhere::Elsewhere;

/// Pictures of a batch that can be kept at most.
pub const MAX_KEEP: usize = 20;
/// Longer side of a display copy, px.
pub const DISPLAY_SIDES: RangeInclusive<u32> = 64..=4096;

/// How text is read, and within which bounds.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name of the model where nobody asks for another.
    pub model: String,
    /// What opens files.
    pub pages: Pages,
    /// Threads that read; each reads one page at a time.
    pub threads: usize,
    /// Single pictures that may wait for a thread.
    pub queue: usize,
    /// For a single picture, or a page of a batch.
    pub deadline: Duration,
    /// Largest file that is read, in bytes.
    pub max_image_bytes: usize,
    /// Most pixels of one page.
    pub max_pixels: u64,
    /// Of a page, px.
    pub max_side: u32,
    /// Most pages of one file.
    pub max_pages: u32,
    /// Batches that are kept at once, those that have ended included; of these the first to have ended gives way.
    pub max_jobs: usize,
    /// Files of a batch at most.
    pub max_job_files: usize,
    /// Bytes of a batch at most.
    pub max_job_bytes: u64,
    /// Pictures of a batch that are kept, at most [`MAX_KEEP`].
    pub keep_pictures: usize,
    /// Bytes of all pictures that are kept. Their display copies take a quarter as much again.
    pub keep_bytes: usize,
    /// Longer side of a display copy at most, px.
    pub display_side: u32,
    /// Resident memory of a process that reads text and does nothing else, in bytes.
    pub memory_bytes: u64,
    /// How long a batch that has ended is kept.
    pub job_ttl: Duration,
    /// A thread without work for so long lets its sessions go.
    pub idle_release: Duration,
    /// Where batches are kept; nothing else should be there.
    pub folder: PathBuf,
    /// Who is asked to read pictures first.
    pub elsewhere: Option<Arc<dyn Elsewhere>>,
}

impl Options {
    /// What pictures that are kept take at most, with their display copies.
    pub fn kept_bytes(&self) -> u64 {
        self.keep_bytes as u64 + self.copies_bytes() as u64
    }

    /// Whether text can be read with so much memory at all; else why not.
    pub fn has_memory(&self) -> Result<(), TooLittle> {
        Memory::for_pictures(self.memory_bytes, self.kept_bytes()).map(drop)
    }

    pub(crate) fn copies_bytes(&self) -> usize {
        self.keep_bytes / 4
    }
}

#[cfg(test)]
impl Options {
    /// As configured where nobody chooses otherwise, with fewer threads.
    pub(crate) fn usual() -> Self {
        Self {
            model: "ppocr-v4".into(),
            pages: Pages::without_children(),
            threads: 2,
            queue: 8,
            deadline: Duration::from_secs(30),
            max_image_bytes: 64 << 20,
            max_pixels: 100_000_000,
            max_side: 65_535,
            max_pages: 500,
            max_jobs: 8,
            max_job_files: 2000,
            max_job_bytes: 2 << 30,
            keep_pictures: 5,
            keep_bytes: 64 << 20,
            display_side: 2048,
            memory_bytes: 1200 << 20,
            job_ttl: Duration::from_secs(3600),
            idle_release: Duration::from_secs(60),
            folder: "/nowhere".into(),
            elsewhere: None,
        }
    }
}
