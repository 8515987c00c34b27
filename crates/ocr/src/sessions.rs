//! Sessions that threads share: each is taken by one at a time, made when none is free, and let go when it was not used
//! for long.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::ReadModel;
use super::line::WIDTHS;
use sightwire_engine::{Engine, EngineError, Session};

/// So many more detectors than threads are kept while nobody uses them, for pictures of other sizes: each holds 80 to
/// 200 MB.
const SPARE_DETECTORS: usize = 4;
/// Of the readers of lines, 65 MB each, those of this many widths for each thread, and of angles.
const READERS_EACH: usize = WIDTHS.len() + 1;

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To find lines in a picture of that size, with so many threads.
    Detect((u32, u32), usize),
    /// To tell whether a line stands on its head.
    Angle,
    /// To read a line of that width.
    Recognise(u32),
}

impl Purpose {
    fn is_detector(self) -> bool {
        matches!(self, Self::Detect(..))
    }
}

struct Idle {
    model: Arc<ReadModel>,
    purpose: Purpose,
    session: Session,
    since: Instant,
}

/// The sessions of all models in use.
pub(super) struct Sessions {
    engine: Arc<Engine>,
    threads: usize,
    /// The one that was used last is at the end.
    idle: Mutex<Vec<Idle>>,
    loaded: AtomicUsize,
}

impl Sessions {
    pub(super) fn new(engine: Arc<Engine>, threads: usize) -> Self {
        Self { engine, threads, idle: Mutex::default(), loaded: AtomicUsize::new(0) }
    }

    /// Sessions of this kind that are kept while nobody uses them.
    fn idle_at_most(&self, purpose: Purpose) -> usize {
        if purpose.is_detector() { self.threads + SPARE_DETECTORS } else { self.threads * READERS_EACH }
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// That are loaded, in use or not.
    pub(super) fn loaded(&self) -> usize {
        self.loaded.load(Ordering::Relaxed)
    }

    /// Uses a session. One that failed is used no more. `None` if the model has no such network.
    pub(super) fn with<T>(
        &self,
        model: &Arc<ReadModel>,
        purpose: Purpose,
        work: impl FnOnce(&mut Session) -> Result<T, EngineError>,
    ) -> Result<Option<T>, EngineError> {
        let mut used = if let Some(session) = self.take(model, purpose) {
            Used { session: Some(session), loaded: &self.loaded }
        } else {
            let made = match purpose {
                Purpose::Detect(size, threads) => Some(model.detector(&self.engine, size, threads)),
                Purpose::Angle => model.angle(&self.engine),
                Purpose::Recognise(width) => Some(model.recogniser(&self.engine, width)),
            };
            let Some(session) = made.transpose()? else { return Ok(None) };
            self.loaded.fetch_add(1, Ordering::Relaxed);
            Used { session: Some(session), loaded: &self.loaded }
        };
        let Some(session) = &mut used.session else { return Ok(None) };
        let done = work(session)?;
        if let Some(session) = used.session.take() {
            self.give_back(Idle { model: model.clone(), purpose, session, since: Instant::now() });
        }
        Ok(Some(done))
    }

    fn take(&self, model: &Arc<ReadModel>, purpose: Purpose) -> Option<Session> {
        let mut idle = self.idle.lock();
        let fits = |idle: &Idle| idle.purpose == purpose && Arc::ptr_eq(&idle.model, model);
        let at = idle.iter().rposition(fits)?;
        Some(idle.remove(at).session)
    }

    fn give_back(&self, used: Idle) {
        let mut idle = self.idle.lock();
        let alike = |idle: &Idle| idle.purpose.is_detector() == used.purpose.is_detector();
        let over = (idle.iter().filter(|idle| alike(idle)).count() + 1) > self.idle_at_most(used.purpose);
        let oldest = if over { idle.iter().position(alike).map(|at| idle.remove(at)) } else { None };
        idle.push(used);
        drop(idle);
        // Freeing takes a while, and nobody has to wait for it.
        if oldest.is_some() {
            self.loaded.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Lets go what was not used for so long.
    pub(super) fn release(&self, unused: Duration) {
        let mut idle = self.idle.lock();
        let count = idle.iter().take_while(|idle| idle.since.elapsed() >= unused).count();
        let old: Vec<_> = idle.drain(..count).collect();
        drop(idle);
        self.loaded.fetch_sub(old.len(), Ordering::Relaxed);
        if !old.is_empty() {
            tracing::debug!(sessions = old.len(), "sessions for text were not used for long and are let go");
        }
    }
}

/// Counts a session that is not given back, also if a panic ends its use.
struct Used<'a> {
    session: Option<Session>,
    loaded: &'a AtomicUsize,
}

impl Drop for Used<'_> {
    fn drop(&mut self) {
        if self.session.is_some() {
            self.loaded.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
