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
    Added, Held, JobId, KEPT, MAX_ABOUT_BYTES, MAX_WORKERS, QUEUED_PER_WORKER, Queue, Taken, WORKER_TTL,
    Worker,
};
use crate::store::Asked;
use answers::{added, lost, taken, whether, workers};

mod answers;

/// A worker that has been silent for so long is no longer kept.
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

    fn work(&self, job: &JobId) -> String {
        format!("{}work:{job}", self.prefix)
    }

    /// What all scripts get. Of no job in particular, the first two are used by none.
    fn keys(&self, job: Option<&JobId>) -> Vec<String> {
        let (of, prefix) = (job.map_or("", JobId::as_str), &self.prefix);
        ["work:", "queued:"]
            .map(|kind| format!("{prefix}{kind}{of}"))
            .into_iter()
            .chain(["workers", "until"].map(|name| format!("{prefix}{name}")))
            .collect()
    }
}

impl Queue for Redis {
    fn add<'a>(&'a self, job: &'a JobId, chunk: u32) -> Asked<'a, Added> {
        let args = [chunk.to_string(), QUEUED_PER_WORKER.to_string(), ms(KEPT)];
        let asked = &self.queue;
        self.ask_on(&asked.add, &asked.keys(Some(job)), args, added)
    }

    fn take<'a>(&'a self, job: &'a JobId, worker: &'a str, silent: Duration) -> Asked<'a, Option<Taken>> {
        let asked = &self.queue;
        let args = [worker.to_owned(), ms(silent), ms(KEPT)];
        self.ask_on(&asked.take, &asked.keys(Some(job)), args, |answer| taken(job, answer))
    }

    fn beat<'a>(&'a self, worker: &'a str, about: &'a str, held: &'a [Held]) -> Asked<'a, Vec<Held>> {
        let asked = &self.queue;
        let mut keys = asked.keys(None);
        keys.extend(held.iter().map(|held| asked.work(&held.job)));
        let args = [worker.to_owned(), about.to_owned(), ms(WORKER_TTL), ms(FORGOTTEN_AFTER)];
        let args = args.into_iter().chain(held.iter().map(|held| held.entry.to_string()));
        self.ask_on(&asked.beat, &keys, args, |answer| lost(held, answer))
    }

    fn done<'a>(&'a self, held: &'a Held) -> Asked<'a, bool> {
        let asked = &self.queue;
        let args = [held.entry.to_string(), held.chunk.to_string()];
        self.ask_on(&asked.done, &asked.keys(Some(&held.job)), args, whether)
    }

    fn give_back<'a>(&'a self, worker: &'a str, held: &'a Held) -> Asked<'a, bool> {
        let asked = &self.queue;
        let args = [worker.to_owned(), held.entry.to_string(), held.chunk.to_string()];
        self.ask_on(&asked.give_back, &asked.keys(Some(&held.job)), args, whether)
    }

    fn forget<'a>(&'a self, job: &'a JobId) -> Asked<'a, ()> {
        let asked = &self.queue;
        self.ask_on(&asked.forget, &asked.keys(Some(job)), [], scripts::done)
    }

    fn leave<'a>(&'a self, worker: &'a str) -> Asked<'a, ()> {
        let asked = &self.queue;
        self.ask_on(&asked.leave, &asked.keys(None), [worker.to_owned()], scripts::done)
    }

    fn workers(&self) -> Asked<'_, Vec<Worker>> {
        let asked = &self.queue;
        let args = [MAX_WORKERS.to_string(), MAX_ABOUT_BYTES.to_string()];
        self.ask_on(&asked.workers, &asked.keys(None), args, workers)
    }

    fn connected(&self, number: u64) -> Pin<Box<dyn Future<Output = u64> + Send + '_>> {
        Box::pin(Self::connected(self, number))
    }
}

fn ms(duration: Duration) -> String {
    scripts::ms(duration)
}
