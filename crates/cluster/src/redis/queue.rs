//! Work in common, in Redis: a stream for each job, whose entries are chunks, read by one consumer group. Below `{PREFIX}:jobs:`,
//!
//! | key | holds |
//! | --- | --- |
//! | `work:JOB` (stream) | entries with the field `c`, the number of a chunk: those that wait and those that are being worked on |
//! | `queued:JOB` (hash) | by chunk: its entry |
//! | `workers` (hash) | by name: JSON |
//! | `until` (sorted set) | by name: until when the last sign of life counts |
//!
//! Neither pictures nor results are ever there, and of files only what is wrong with one. Scripts see to it that a chunk is queued once, and that nobody takes back
//! what another carries on with.

use std::pin::Pin;
use std::time::Duration;

use redis::Script;

use super::{Redis, heard, scripts};
use crate::queue::{
    Added, ClaimedChunk, HeldChunk, JobId, KEPT, MAX_ABOUT_BYTES, MAX_WORKERS, QUEUED_PER_WORKER, Queue,
    WORKER_TTL, Worker,
};
use crate::store::Asked;
use answers::{read_added, read_bool, read_lost, read_taken, read_workers};

mod answers;

/// A worker that has been silent for this long is no longer kept.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

macro_rules! script {
    ($flags:literal, $name:literal) => {
        Script::new(concat!(
            "#!lua",
            $flags,
            "\n",
            include_str!("queue/prelude.lua"),
            include_str!(concat!("queue/", $name))
        ))
    };
}

/// All of them, and how all keys begin.
#[derive(Debug)]
pub(super) struct QueueScripts {
    add: Script,
    take: Script,
    beat: Script,
    done: Script,
    give_back: Script,
    forget: Script,
    leave: Script,
    workers: Script,
    prefix: String,
}

impl QueueScripts {
    /// `prefix` is how all keys of a cluster begin.
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            // Nothing new is begun where Redis has no room; what was begun is ended.
            add: script!("", "add.lua"),
            take: script!(" flags=allow-oom", "take.lua"),
            beat: script!(" flags=allow-oom", "beat.lua"),
            done: script!(" flags=allow-oom", "done.lua"),
            give_back: script!(" flags=allow-oom", "give_back.lua"),
            forget: script!(" flags=allow-oom", "forget.lua"),
            leave: script!(" flags=allow-oom", "leave.lua"),
            workers: script!(" flags=allow-oom", "workers.lua"),
            prefix: format!("{prefix}jobs:"),
        }
    }

    fn work_key(&self, job: &JobId) -> String {
        format!("{}work:{job}", self.prefix)
    }

    /// What all scripts get. Of no job in particular, the first two are used by none.
    fn script_keys(&self, job: Option<&JobId>) -> Vec<String> {
        let (of, prefix) = (job.map_or("", JobId::as_str), &self.prefix);
        ["work:", "queued:"]
            .map(|kind| format!("{prefix}{kind}{of}"))
            .into_iter()
            .chain(["workers", "until"].map(|name| format!("{prefix}{name}")))
            .collect()
    }
}

impl Queue for Redis {
    fn add_chunk<'a>(&'a self, job: &'a JobId, chunk: u32) -> Asked<'a, Added> {
        let args = [chunk.to_string(), QUEUED_PER_WORKER.to_string(), format_ms(KEPT)];
        let asked = &self.queue;
        self.ask_on(&asked.add, &asked.script_keys(Some(job)), args, read_added)
    }

    fn take_chunk<'a>(
        &'a self,
        job: &'a JobId,
        worker: &'a str,
        silent: Duration,
    ) -> Asked<'a, Option<ClaimedChunk>> {
        let asked = &self.queue;
        let args = [worker.to_owned(), format_ms(silent), format_ms(KEPT)];
        self.ask_on(&asked.take, &asked.script_keys(Some(job)), args, |answer| read_taken(job, answer))
    }

    fn beat_worker<'a>(
        &'a self,
        worker: &'a str,
        about: &'a str,
        held: &'a [HeldChunk],
    ) -> Asked<'a, Vec<HeldChunk>> {
        let asked = &self.queue;
        let mut keys = asked.script_keys(None);
        keys.extend(held.iter().map(|held| asked.work_key(&held.job)));
        let args = [worker.to_owned(), about.to_owned(), format_ms(WORKER_TTL), format_ms(FORGOTTEN_AFTER)];
        let args = args.into_iter().chain(held.iter().map(|held| held.entry.to_string()));
        self.ask_on(&asked.beat, &keys, args, |answer| read_lost(held, answer))
    }

    fn finish_chunk<'a>(&'a self, held: &'a HeldChunk) -> Asked<'a, bool> {
        let asked = &self.queue;
        let args = [held.entry.to_string(), held.chunk.to_string()];
        self.ask_on(&asked.done, &asked.script_keys(Some(&held.job)), args, read_bool)
    }

    fn give_back<'a>(&'a self, worker: &'a str, held: &'a HeldChunk) -> Asked<'a, bool> {
        let asked = &self.queue;
        let args = [worker.to_owned(), held.entry.to_string(), held.chunk.to_string()];
        self.ask_on(&asked.give_back, &asked.script_keys(Some(&held.job)), args, read_bool)
    }

    fn forget_job<'a>(&'a self, job: &'a JobId) -> Asked<'a, ()> {
        let asked = &self.queue;
        self.ask_on(&asked.forget, &asked.script_keys(Some(job)), [], scripts::read_done)
    }

    fn leave_worker<'a>(&'a self, worker: &'a str) -> Asked<'a, ()> {
        let asked = &self.queue;
        self.ask_on(&asked.leave, &asked.script_keys(None), [worker.to_owned()], scripts::read_done)
    }

    fn workers(&self) -> Asked<'_, Vec<Worker>> {
        let asked = &self.queue;
        let args = [MAX_WORKERS.to_string(), MAX_ABOUT_BYTES.to_string()];
        self.ask_on(&asked.workers, &asked.script_keys(None), args, read_workers)
    }

    fn wait_connected(&self, number: u64) -> Pin<Box<dyn Future<Output = u64> + Send + '_>> {
        Box::pin(Self::wait_connected(self, number))
    }
}

fn format_ms(duration: Duration) -> String {
    scripts::format_ms(duration)
}
