//! `reader.*`: text reading.

use std::path::PathBuf;

use sightwire_pages::{Launch, Pages};
use sightwire_reading::Options;
use sightwire_reading::options::MAX_KEEP;

use super::{ConfigError, DRAW, Values};

/// `engine_threads` where nothing else is said.
pub(super) fn read(r: &Values<'_>, engine_threads: usize) -> Result<Options, ConfigError> {
    let threads = match r.int("reader.threads", 0, 1024)? {
        0 => engine_threads,
        threads => threads,
    };
    // This very program, though its file may have been replaced since.
    let launch = Launch { program: "/proc/self/exe".into(), args: vec![DRAW.into()] };
    Ok(Options {
        model: r.text("reader.model"),
        pages: Pages::new(launch, threads),
        threads,
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
