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
use std::sync::Arc;
use std::time::Duration;

use redis::{Script, Value};

use super::Redis;
use super::heard;
use super::scripts::{Answer, said, time, whole};
use crate::queue::{
    Added, Held, JobId, KEPT, MAX_ABOUT_BYTES, MAX_WORKERS, QUEUED_PER_WORKER, Queue, Taken, WORKER_TTL,
    Worker,
};
use crate::store::Asked;

/// A worker that has been silent for so long is no longer kept.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);
/// Longest name of a worker or of an entry.
const MAX_NAME_BYTES: usize = 128;

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
        self.ask_on(&asked.add, &asked.keys(Some(job)), args, |answer| {
            Some(Ok(match said(answer)? {
                ("queued", []) => Added::Queued,
                ("already", []) => Added::Already,
                ("full", []) => Added::Full,
                _ => return None,
            }))
        })
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
        self.ask_on(&asked.forget, &asked.keys(Some(job)), [], super::scripts::done)
    }

    fn leave<'a>(&'a self, worker: &'a str) -> Asked<'a, ()> {
        let asked = &self.queue;
        self.ask_on(&asked.leave, &asked.keys(None), [worker.to_owned()], super::scripts::done)
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
    super::scripts::ms(duration)
}

fn whether(answer: &[Value]) -> Answer<bool> {
    let ("ok", [was]) = said(answer)? else { return None };
    Some(Ok(whole(was)? == 1))
}

fn taken(job: &JobId, answer: &[Value]) -> Answer<Option<Taken>> {
    Some(Ok(match said(answer)? {
        ("none", []) => None,
        ("taken", [chunk, entry, deliveries]) => {
            let chunk = u32::try_from(whole(chunk)?).ok()?;
            let held = Held { job: job.clone(), chunk, entry: name(entry)? };
            Some(Taken { held, deliveries: whole(deliveries)? })
        }
        _ => return None,
    }))
}

fn lost(held: &[Held], answer: &[Value]) -> Answer<Vec<Held>> {
    let ("ok", [Value::Array(lost)]) = said(answer)? else { return None };
    let of = |number: &Value| held.get(usize::try_from(whole(number)?).ok()?).cloned();
    lost.iter().take(held.len()).map(of).collect::<Option<_>>().map(Ok)
}

/// What cannot be read of the list is passed over.
fn workers(answer: &[Value]) -> Answer<Vec<Worker>> {
    let ("ok", [Value::Array(list)]) = said(answer)? else { return None };
    let read = |of: &[Value]| {
        let [worker, about, until] = of else { return None };
        let about = heard::text(about).filter(|about| about.len() <= MAX_ABOUT_BYTES)?;
        Some(Worker { name: name(worker)?, about: about.into(), until: time(until)? })
    };
    let mut all: Vec<Worker> = list.chunks_exact(3).take(MAX_WORKERS).filter_map(read).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Some(Ok(all))
}

fn name(value: &Value) -> Option<Arc<str>> {
    let name = heard::text(value)?;
    let fits = (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.chars().any(char::is_control);
    fits.then(|| name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn job() -> JobId {
        JobId::parse("0123456789abcdef").unwrap()
    }

    #[test]
    fn what_is_no_answer_of_ours_is_none() {
        for answer in [
            vec![],
            vec![text("taken")],
            vec![text("taken"), text("-1"), text("1-1"), Value::Int(1)],
            vec![text("taken"), text("4294967296"), text("1-1"), Value::Int(1)],
            vec![text("taken"), text("7"), text(""), Value::Int(1)],
            vec![text("taken"), text("7"), text("1\n1"), Value::Int(1)],
        ] {
            assert!(taken(&job(), &answer).is_none(), "{answer:?}");
        }
        let answer = [text("taken"), text("7"), text("1-1"), Value::Int(3)];
        let taken = taken(&job(), &answer).unwrap().unwrap().unwrap();
        assert_eq!((taken.held.chunk, &*taken.held.entry, taken.deliveries), (7, "1-1", 3));
    }

    #[test]
    fn only_what_is_held_can_be_lost() {
        let held = [Held { job: job(), chunk: 7, entry: "1-1".into() }];
        let answer = |numbers: &[i64]| {
            [text("ok"), Value::Array(numbers.iter().map(|number| Value::Int(*number)).collect())]
        };
        assert_eq!(lost(&held, &answer(&[0])).unwrap().unwrap(), held);
        assert_eq!(lost(&held, &answer(&[])).unwrap().unwrap(), []);
        assert!(lost(&held, &answer(&[1])).is_none() && lost(&held, &answer(&[-1])).is_none());
    }

    #[test]
    fn workers_that_cannot_be_read_are_passed_over() {
        let long = "x".repeat(MAX_ABOUT_BYTES + 1);
        let list = ["b", "{}", "12", "", "{}", "12", "c", &long, "12", "a", "{}", "13", "d", "{}"];
        let answer = [text("ok"), Value::Array(list.map(text).into())];
        let names: Vec<_> =
            workers(&answer).unwrap().unwrap().into_iter().map(|worker| worker.name).collect();
        assert_eq!(names, ["a".into(), Arc::<str>::from("b")]);
    }
}
