//! Work in common within one process.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sightwire_base::clock;

use super::BEGAN_AT;
use crate::queue::{Added, ClaimedChunk, HeldChunk, JobId, QUEUED_PER_WORKER, Queue, WORKER_TTL, Worker};
use crate::store::{Asked, StoreError};

/// A queue within one process. Its time is the runtime's, so that a test may pause it, and it can be told to forget or to be away.
#[derive(Debug)]
pub struct MemoryQueue {
    state: Mutex<State>,
    begun: Instant,
}

#[derive(Debug, Default)]
struct State {
    jobs: BTreeMap<JobId, BTreeMap<u64, Entry>>,
    workers: BTreeMap<Arc<str>, (Arc<str>, Instant)>,
    entries: u64,
    is_away: bool,
}

#[derive(Debug)]
struct Entry {
    chunk: u32,
    given: Option<Given>,
}

#[derive(Debug)]
struct Given {
    worker: Arc<str>,
    heard: Instant,
    deliveries: u64,
}

impl Default for MemoryQueue {
    fn default() -> Self {
        Self { state: Mutex::default(), begun: clock::now() }
    }
}

impl State {
    fn put_chunk(&mut self, job: &JobId, chunk: u32) {
        self.entries += 1;
        self.jobs.entry(job.clone()).or_default().insert(self.entries, Entry { chunk, given: None });
    }

    fn entry_mut(&mut self, held: &HeldChunk) -> Option<&mut Entry> {
        self.jobs.get_mut(&held.job)?.get_mut(&held.entry.parse().ok()?)
    }

    fn remove_entry(&mut self, held: &HeldChunk) -> bool {
        let Ok(number) = held.entry.parse() else { return false };
        self.jobs.get_mut(&held.job).is_some_and(|entries| entries.remove(&number).is_some())
    }

    fn count_alive(&self, now: Instant) -> usize {
        self.workers.values().filter(|(_, until)| *until > now).count()
    }
}

impl MemoryQueue {
    /// Loses all that it knows, as a Redis does that keeps nothing on disk.
    pub fn flush(&self) {
        let mut state = self.state.lock();
        state.jobs.clear();
        state.workers.clear();
    }

    /// Whether it cannot be reached, from now on.
    pub fn set_away(&self, is_away: bool) {
        self.state.lock().is_away = is_away;
    }

    /// How many chunks of a job are there, no matter who has them.
    pub fn queued_chunks(&self, job: &JobId) -> usize {
        self.state.lock().jobs.get(job).map_or(0, BTreeMap::len)
    }

    fn ask_state<T: Send + 'static>(&self, step: impl FnOnce(&mut State) -> T) -> Asked<'_, T> {
        let mut state = self.state.lock();
        let answer =
            if state.is_away { Err(StoreError::Away("it is away".into())) } else { Ok(step(&mut state)) };
        Box::pin(std::future::ready(answer))
    }
}

impl Queue for MemoryQueue {
    fn add_chunk<'a>(&'a self, job: &'a JobId, chunk: u32) -> Asked<'a, Added> {
        self.ask_state(|state| {
            let most = QUEUED_PER_WORKER * state.count_alive(clock::now()).max(1);
            let entries = state.jobs.get(job);
            if entries.is_some_and(|entries| entries.values().any(|entry| entry.chunk == chunk)) {
                return Added::Already;
            }
            if entries.is_some_and(|entries| entries.len() >= most) {
                return Added::Full;
            }
            state.put_chunk(job, chunk);
            Added::Queued
        })
    }

    fn take_chunk<'a>(
        &'a self,
        job: &'a JobId,
        worker: &'a str,
        silent: Duration,
    ) -> Asked<'a, Option<ClaimedChunk>> {
        self.ask_state(|state| {
            let now = clock::now();
            let entries = state.jobs.get_mut(job)?;
            let is_silent = |entry: &Entry| {
                entry.given.as_ref().is_some_and(|given| now.duration_since(given.heard) >= silent)
            };
            let number = entries.iter().find(|(_, entry)| is_silent(entry));
            let number = number.or_else(|| entries.iter().find(|(_, entry)| entry.given.is_none()));
            let number = *number?.0;
            let entry = entries.get_mut(&number)?;
            let deliveries = 1 + entry.given.as_ref().map_or(0, |given| given.deliveries);
            entry.given = Some(Given { worker: worker.into(), heard: now, deliveries });
            let held = HeldChunk { job: job.clone(), chunk: entry.chunk, entry: number.to_string().into() };
            Some(ClaimedChunk { held, deliveries })
        })
    }

    fn beat_worker<'a>(
        &'a self,
        worker: &'a str,
        about: &'a str,
        held: &'a [HeldChunk],
    ) -> Asked<'a, Vec<HeldChunk>> {
        self.ask_state(|state| {
            let now = clock::now();
            state.workers.insert(worker.into(), (about.into(), now + WORKER_TTL));
            let mut is_lost = |held: &&HeldChunk| {
                let given = state.entry_mut(held).and_then(|entry| entry.given.as_mut());
                let Some(given) = given.filter(|given| *given.worker == *worker) else { return true };
                given.heard = now;
                false
            };
            held.iter().filter(|held| is_lost(held)).cloned().collect()
        })
    }

    fn finish_chunk<'a>(&'a self, held: &'a HeldChunk) -> Asked<'a, bool> {
        self.ask_state(|state| state.remove_entry(held))
    }

    fn give_back<'a>(&'a self, worker: &'a str, held: &'a HeldChunk) -> Asked<'a, bool> {
        self.ask_state(|state| {
            let given = state.entry_mut(held).and_then(|entry| entry.given.as_ref());
            let has = given.is_some_and(|given| *given.worker == *worker);
            if has {
                state.remove_entry(held);
                state.put_chunk(&held.job, held.chunk);
            }
            has
        })
    }

    fn forget_job<'a>(&'a self, job: &'a JobId) -> Asked<'a, ()> {
        self.ask_state(|state| drop(state.jobs.remove(job)))
    }

    fn leave_worker<'a>(&'a self, worker: &'a str) -> Asked<'a, ()> {
        self.ask_state(|state| drop(state.workers.remove(worker)))
    }

    fn workers(&self) -> Asked<'_, Vec<Worker>> {
        self.ask_state(|state| {
            let now = clock::now();
            let alive = state.workers.iter().filter(|(_, (_, until))| *until > now);
            alive
                .map(|(name, (about, until))| Worker {
                    name: name.clone(),
                    about: about.clone(),
                    until: BEGAN_AT + until.duration_since(self.begun).as_millis() as u64,
                })
                .collect()
        })
    }

    fn wait_connected(&self, number: u64) -> Pin<Box<dyn Future<Output = u64> + Send + '_>> {
        if number == 0 { Box::pin(std::future::ready(1)) } else { Box::pin(std::future::pending()) }
    }
}
