//! One budget of memory for all that the server begins: what goes over it is refused, what runs goes on.
//!
//! - [`budget`]: how much that is on this machine, and what of it is used; [`children`]: by processes that it has started

pub mod budget;
pub mod children;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::metrics::{Collector, Metrics, Unit};

/// Accepted again below this many percent of the budget, so that it does not change with every sample.
pub const AGAIN_PERCENT: u64 = 95;

/// A process that draws takes this much for most pages, whatever the budget is.
const SMALL_CHILD: u64 = 128 << 20;

/// What begins, and takes memory from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A stream that is sent.
    Stream,
    /// A camera that is not being read yet.
    Camera,
    /// Somebody who watches.
    Viewer,
    /// A client of the recogniser.
    Client,
    /// A single picture to be read or looked at.
    Picture,
    /// A batch of pictures.
    Batch,
}

impl Work {
    /// All there are.
    pub const ALL: [Self; 6] =
        [Self::Stream, Self::Camera, Self::Viewer, Self::Client, Self::Picture, Self::Batch];

    /// As metrics have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Camera => "camera",
            Self::Viewer => "viewer",
            Self::Client => "client",
            Self::Picture => "picture",
            Self::Batch => "batch",
        }
    }
}

/// Nothing new begins now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The server uses all of its memory (server.memory_mb). Please try again later.")]
pub struct OutOfMemory;

/// What the process may use, and what it used when it was last looked at. Asking costs two atomic reads.
#[derive(Debug, Default)]
pub struct Memory {
    budget: Option<u64>,
    used: AtomicU64,
    is_full: AtomicBool,
    refused: [AtomicU64; Work::ALL.len()],
}

impl Memory {
    /// With this many bytes; `None` refuses nothing.
    pub fn new(budget: Option<u64>) -> Self {
        Self { budget, ..Self::default() }
    }

    /// The process uses this many bytes now. Whether the budget is used up, if that has changed.
    pub fn record_usage(&self, used: u64) -> Option<bool> {
        self.used.store(used, Ordering::Relaxed);
        let budget = self.budget?;
        let was_full = self.is_full.load(Ordering::Relaxed);
        let is_full = if was_full { used >= budget / 100 * AGAIN_PERCENT } else { used > budget };
        self.is_full.store(is_full, Ordering::Relaxed);
        (is_full != was_full).then_some(is_full)
    }

    /// Whether something may begin; counted if not.
    pub fn admit_work(&self, work: Work) -> Result<(), OutOfMemory> {
        if !self.is_full() {
            return Ok(());
        }
        if let Some(count) = self.refused.get(work as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        Err(OutOfMemory)
    }

    /// Whether the budget is used up, so that nothing new begins.
    pub fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    /// In bytes; `None`: there is none.
    pub fn budget(&self) -> Option<u64> {
        self.budget
    }

    /// Whether a child that has this many bytes may have them: there is room in the budget, as it is now, or it is a small one.
    pub fn has_room_for_child(&self, bytes: u64) -> bool {
        let is_over = |budget| budget::used_memory().is_some_and(|used| used > budget);
        bytes <= SMALL_CHILD || !self.budget.is_some_and(is_over)
    }

    /// What a child may have at most: half of the budget, if that is enough for a small one.
    pub fn most_for_child(&self) -> u64 {
        self.budget.map_or(u64::MAX, |budget| (budget / 2).max(2 * SMALL_CHILD))
    }

    /// Bytes, when it was last looked at.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// How many were refused so far.
    pub fn refused(&self, work: Work) -> u64 {
        self.refused.get(work as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// How many of any kind were refused so far.
    pub fn all_refused(&self) -> u64 {
        Work::ALL.iter().map(|work| self.refused(*work)).sum()
    }
}

impl Collector for Memory {
    fn collect(&self, metrics: &mut Metrics) {
        metrics.gauge_in(
            Unit::Bytes,
            "memory_budget",
            "Above it nothing new begins; 0: there is none.",
            self.budget().unwrap_or_default(),
        );
        metrics.gauge_in(
            Unit::Bytes,
            "memory_used",
            "What the process has for itself, as the budget counts it.",
            self.used(),
        );
        metrics.counters(
            "memory_refused",
            "Refused because the memory that the server may use was used up.",
            ["what"],
            Work::ALL.map(|work| ([work.name()], self.refused(work))),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn above_the_budget_nothing_begins_until_a_twentieth_of_it_is_free_again() {
        let memory = Memory::new(Some(1000));
        for (used, changed, may) in [
            (0, None, true),
            (1000, None, true),
            (1001, Some(true), false),
            (5000, None, false),
            (999, None, false),
            (950, None, false),
            (949, Some(false), true),
            (1000, None, true),
            (1001, Some(true), false),
        ] {
            assert_eq!(memory.record_usage(used), changed, "{used}");
            assert_eq!((memory.admit_work(Work::Viewer).is_ok(), memory.used()), (may, used));
        }
        assert_eq!((memory.refused(Work::Viewer), memory.all_refused()), (5, 5));
    }

    #[test]
    fn each_kind_is_counted_for_itself() {
        let memory = Memory::new(Some(1));
        memory.record_usage(2);
        for (times, work) in Work::ALL.into_iter().enumerate() {
            for _ in 0..=times {
                assert_eq!(memory.admit_work(work), Err(OutOfMemory));
            }
        }
        assert_eq!(Work::ALL.map(|work| memory.refused(work)), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn without_a_budget_nothing_is_refused() {
        let memory = Memory::new(None);
        assert_eq!(memory.record_usage(u64::MAX), None);
        assert_eq!(memory.admit_work(Work::Batch), Ok(()));
    }
}
