//! `reader.*`: text reading.

#![allow(missing_docs, reason = "a field is the key of its name; `keys` says what each does")]

use std::path::PathBuf;
use std::time::Duration;

use super::{ConfigError, Reader};

/// Pictures of a batch that can be kept at most.
pub const MAX_KEEP: usize = 20;

/// As loaded.
#[derive(Clone, Debug)]
pub struct TextReader {
    pub model: String,
    pub threads: usize,
    pub queue: usize,
    pub deadline: Duration,
    pub max_image_bytes: usize,
    pub max_pixels: u64,
    pub max_side: u32,
    pub max_pages: u32,
    pub max_jobs: usize,
    pub max_job_files: usize,
    pub max_job_bytes: u64,
    pub keep_pictures: usize,
    pub keep_bytes: usize,
    pub job_ttl: Duration,
    pub idle_release: Duration,
    /// `None` takes the system's folder for temporary files.
    pub folder: Option<PathBuf>,
}

impl TextReader {
    /// `engine_threads` where nothing else is said.
    pub(super) fn read(r: &Reader<'_>, engine_threads: usize) -> Result<Self, ConfigError> {
        Ok(Self {
            model: r.text("reader.model"),
            threads: match r.int("reader.threads", 0, 1024)? {
                0 => engine_threads,
                threads => threads,
            },
            queue: r.int("reader.queue", 0, 10_000)?,
            deadline: r.seconds("reader.deadline_s", 0.001, 3600.0)?,
            max_image_bytes: r.int("reader.max_image_mb", 1, 1024)? << 20,
            max_pixels: r.int("reader.max_pixels", 1, 1 << 32)? as u64,
            max_side: r.int("reader.max_side_px", 1, 1 << 20)? as u32,
            max_pages: r.int("reader.max_pages", 1, 100_000)? as u32,
            max_jobs: r.int("reader.max_jobs", 0, 1000)?,
            max_job_files: r.int("reader.max_job_files", 1, 100_000)?,
            max_job_bytes: (r.int("reader.max_job_mb", 1, 1 << 24)? as u64) << 20,
            keep_pictures: r.int("reader.keep_pictures", 0, MAX_KEEP)?,
            keep_bytes: r.int("reader.keep_mb", 0, 1 << 20)? << 20,
            job_ttl: r.seconds("reader.job_ttl_s", 0.0, 1e7)?,
            idle_release: r.seconds("reader.idle_release_s", 1.0, 1e7)?,
            folder: Some(r.text("reader.folder")).filter(|f| !f.is_empty()).map(PathBuf::from),
        })
    }
}
