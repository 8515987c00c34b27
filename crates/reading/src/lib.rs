//! Text reading: pictures in, lines of text out, for everyone who asks.
//!
//! - [`options`]: what can be chosen
//! - `metrics`: what is counted, for `/metrics`
//! - [`models`]: which models are loaded, and the service that runs them
//! - [`permits`]: whose turn it is: single pictures go before batches
//! - [`picture`]: what a file's header says; [`work`]: reads its pages until nobody waits for them, [`remote`] first where
//!   that is asked for
//! - [`jobs`]: batches; [`picture_cache`]: their last pictures; [`display`]: copies of these for the screen
//! - [`decoding`]: one budget for the pixels of single pictures; [`drawing`]: whether that of PDF, AVIF and HEIC can be had
//! - [`output`]: results, and the formats they are given in; [`record`]: a file of them that outlives its writer;
//!   [`difference`]: two results of one picture, side by side

#![forbid(unsafe_code)]

pub mod decoding;
pub mod difference;
pub mod display;
pub mod drawing;
pub mod jobs;
mod metrics;
pub mod models;
pub mod options;
pub mod output;
pub mod permits;
pub mod picture;
pub mod picture_cache;
pub mod record;
pub mod remote;
pub mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fmt, io};

use sightwire_api::read::ReadPrecision;
use sightwire_api::status::{JobTotals, ModelState, ReadLimits, ReaderStatus};
use sightwire_engine::shared::SharedEngine;
use sightwire_models::slot::State;
use sightwire_models::store::Store;
pub use sightwire_ocr::options::{MAX_CANDIDATES, MIN_DETECTION_SIZES};
pub use sightwire_ocr::{Corners, NoCorners, ReadOptions};
use sightwire_ocr::{Memory, ServiceStats};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::decoding::DecodeMemory;
use display::Display;
use jobs::Jobs;
use models::Models;
pub use options::Options;
use permits::Permits;
pub use sightwire_documents::patience::Patience;

/// Single pictures that arrive at once.
const MAX_UPLOADS: usize = 64;
/// Single pictures that arrive or are read may take the memory of this many of the largest, as they are sent.
const LARGEST_PICTURES: usize = 4;
/// Single pictures that arrive or are read may take no more bytes than this: no more can be counted.
const MAX_MEMORY: usize = Semaphore::MAX_PERMITS;

/// Reads text for everyone. Nothing is loaded before somebody needs it.
pub struct TextReader {
    /// The limits, and what is done where nobody asks for anything else.
    pub limits: Arc<Options>,
    /// Which models are loaded.
    pub models: Arc<Models>,
    /// Whose turn it is.
    pub permits: Arc<Permits>,
    /// Batches of files, for which nobody waits with a request.
    pub jobs: Arc<Jobs>,
    /// Copies of their pictures.
    pub display: Arc<Display>,
    /// Places for single pictures that arrive.
    pub uploads: Arc<Semaphore>,
    /// Memory for single pictures that arrive or are read, in bytes.
    pub memory: Arc<Semaphore>,
    /// Cancelled when the server stops.
    pub stop: CancellationToken,
    /// What did not come to text, by reason.
    pub failures: Failures,
}

/// Single pictures that were not read, since the start.
#[derive(Debug, Default)]
pub struct Failures {
    /// Not a picture, broken, or too large.
    pub picture: AtomicU64,
    /// Not within the deadline.
    pub late: AtomicU64,
    /// The model failed, or was not there.
    pub model: AtomicU64,
    /// The program was not there that draws it.
    pub drawing: AtomicU64,
    /// What was read cannot be kept.
    pub disk: AtomicU64,
}

impl TextReader {
    /// Its tasks run until `stop`.
    pub fn new(
        options: Options,
        store: Store,
        engine: Arc<SharedEngine>,
        decoding: Arc<DecodeMemory>,
        stop: &CancellationToken,
        tasks: &TaskTracker,
    ) -> io::Result<Arc<Self>> {
        let limits = Arc::new(options);
        let permits = Permits::new(limits.threads, limits.queue);
        let display = Display::new(limits.clone(), decoding)?;
        let jobs = Jobs::new(limits.clone(), permits.clone(), display.clone());
        let (shown, kept) = (display.clone(), jobs.pictures.clone());
        let of_others = move || shown.decoding.used() + (kept.usage().1 + shown.kept_bytes()) as u64;
        let sessions = Memory::new(limits.memory_bytes, limits.kept_bytes(), Arc::new(of_others));
        let models = Models::new(limits.clone(), store, engine, permits.clone(), sessions);
        tasks.spawn(jobs.clone().run(models.clone(), stop.clone(), tasks.clone()));
        let (stop, failures) = (stop.clone(), Failures::default());
        let uploads = Arc::new(Semaphore::new(MAX_UPLOADS));
        let memory = Arc::new(Semaphore::new((LARGEST_PICTURES * limits.max_image_bytes).min(MAX_MEMORY)));
        Ok(Arc::new(Self { limits, models, permits, jobs, display, uploads, memory, stop, failures }))
    }

    /// Counters of the service; zeros while nobody has needed it.
    pub fn stats(&self) -> ServiceStats {
        self.models.running_service().map(|service| service.stats()).unwrap_or_default()
    }

    /// Batches are on the disk for the next server, and the threads that read end; blocks until what they are at has ended.
    pub fn close(&self) {
        self.jobs.close();
        self.models.close();
    }

    /// The `reader` part of `/api/v1/status`.
    pub fn reader_status(&self) -> ReaderStatus {
        let (stats, limits) = (self.stats(), &self.limits);
        let states = self.models.states();
        let of_default = states.iter().find(|(name, _)| *name == limits.model);
        let shown = of_default.or(states.last());
        let loaded = states.iter().filter(|(_, state)| matches!(state, State::Ready(_)));
        let (running, ended, waiting) = self.jobs.counts();
        let (kept, kept_bytes) = self.jobs.pictures.usage();
        let mut report = ReaderStatus {
            drawing: drawing::drawing_status(&limits.pages),
            failed: stats.failed,
            jobs: JobTotals { ended, kept, kept_bytes, running, waiting },
            limits: ReadLimits {
                deadline_s: limits.deadline.as_secs_f64(),
                job_ttl_s: limits.job_ttl.as_secs_f64(),
                display_size: limits.display_side,
                keep_pictures: limits.keep_pictures,
                max_image_mb: limits.max_image_bytes >> 20,
                max_job_files: limits.max_job_files,
                max_job_mb: limits.max_job_bytes >> 20,
                max_jobs: limits.max_jobs,
                max_pages: limits.max_pages,
                max_pixels: limits.max_pixels,
                max_side_px: limits.max_side,
            },
            lines: stats.lines,
            model: shown.map_or(&limits.model, |(name, _)| name).clone(),
            models: loaded.map(|(name, _)| name.clone()).collect(),
            pictures: stats.pictures,
            reading: stats.reading,
            refused: self.permits.refused(),
            sessions: stats.sessions,
            threads: limits.threads,
            waiting: stats.pending,
            ..ReaderStatus::default()
        };
        match shown.map(|(_, state)| state) {
            None | Some(State::Idle) => {}
            Some(State::Loading) => report.state = ModelState::Loading,
            Some(State::Fetching { done, .. }) => {
                report.state = ModelState::Fetching;
                report.progress = done.map(f64::from);
            }
            Some(State::Failed(failure)) => {
                report.state = ModelState::Failed;
                report.error = Some(failure.reason.to_string());
            }
            Some(State::Ready(ready)) => {
                let [detection, recognition] = ready.service.plan(&ready.model);
                report.state = ModelState::Ready;
                report.provider = Some(detection.provider.name().to_owned());
                report.precision = Some(ReadPrecision {
                    detection: detection.precision.name().to_owned(),
                    recognition: recognition.precision.name().to_owned(),
                });
            }
        }
        report
    }
}

impl Failures {
    /// Adds one to a counter of these.
    pub fn add_one(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for TextReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextReader").field("model", &self.limits.model).finish_non_exhaustive()
    }
}
