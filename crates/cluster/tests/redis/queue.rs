//! Work in common: Redis and the queue in memory answer alike, and a chunk is one worker's at a time, whatever happens.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sightwire_cluster::memory::MemoryQueue;
use sightwire_cluster::queue::Added::{self, Already, Full, Queued};
use sightwire_cluster::queue::{ClaimedChunk, HeldChunk, JobId, Queue};
use sightwire_cluster::store::StoreError;

use crate::server::{Server, StoreConnection};

const CASES: u32 = 60;
/// So long that nobody counts as silent.
const LONG: Duration = Duration::from_secs(600);

/// Something that is done with a queue, by one of few workers, with one of few jobs.
#[derive(Clone, Debug)]
enum Step {
    Add { job: u8, chunk: u32 },
    Take { job: u8, worker: u8, silent: bool },
    Beat { worker: u8, which: Vec<usize> },
    Done { which: usize },
    GiveBack { worker: u8, which: usize },
    Forget { job: u8 },
    Leave { worker: u8 },
    Workers,
}

/// What it has answered: an entry by when it was given, not by its name.
#[derive(Debug, PartialEq)]
enum Said {
    Added(Added),
    Taken(Option<(u32, u64)>),
    Lost(Vec<usize>),
    Was(bool),
    Nothing,
    Workers(Vec<(Arc<str>, Arc<str>)>),
}

struct Tried {
    queue: Arc<dyn Queue>,
    given: Vec<HeldChunk>,
}

fn job(number: u8) -> JobId {
    JobId::parse(&format!("{number:016x}")).unwrap()
}

fn worker(number: u8) -> String {
    format!("worker {number}")
}

impl Tried {
    fn held(&self, which: usize) -> Option<HeldChunk> {
        (!self.given.is_empty()).then(|| self.given[which % self.given.len()].clone())
    }

    async fn is_asked(&mut self, step: &Step) -> Result<Said, StoreError> {
        let queue = self.queue.clone();
        Ok(match step {
            Step::Add { job: of, chunk } => Said::Added(queue.add_chunk(&job(*of), *chunk).await?),
            Step::Take { job: of, worker: by, silent } => {
                let silent = if *silent { Duration::ZERO } else { LONG };
                let taken = queue.take_chunk(&job(*of), &worker(*by), silent).await?;
                Said::Taken(taken.map(|ClaimedChunk { held, deliveries }| {
                    let chunk = held.chunk;
                    self.given.push(held);
                    (chunk, deliveries)
                }))
            }
            Step::Beat { worker: by, which } => {
                let held: Vec<HeldChunk> = which.iter().filter_map(|which| self.held(*which)).collect();
                let lost = queue.beat_worker(&worker(*by), "{}", &held).await?;
                let place = |lost: &HeldChunk| self.given.iter().position(|given| given == lost).unwrap();
                Said::Lost(lost.iter().map(place).collect())
            }
            Step::Done { which } => match self.held(*which) {
                Some(held) => Said::Was(queue.finish_chunk(&held).await?),
                None => Said::Nothing,
            },
            Step::GiveBack { worker: by, which } => match self.held(*which) {
                Some(held) => Said::Was(queue.give_back(&worker(*by), &held).await?),
                None => Said::Nothing,
            },
            Step::Forget { job: of } => {
                queue.forget_job(&job(*of)).await?;
                Said::Nothing
            }
            Step::Leave { worker: by } => {
                queue.leave_worker(&worker(*by)).await?;
                Said::Nothing
            }
            Step::Workers => {
                Said::Workers(queue.workers().await?.into_iter().map(|w| (w.name, w.about)).collect())
            }
        })
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0u8..2, 0u32..6).prop_map(|(job, chunk)| Step::Add { job, chunk }),
        6 => (0u8..2, 0u8..3, any::<bool>())
            .prop_map(|(job, worker, silent)| Step::Take { job, worker, silent }),
        3 => (0u8..3, vec(any::<usize>(), 0..4)).prop_map(|(worker, which)| Step::Beat { worker, which }),
        3 => any::<usize>().prop_map(|which| Step::Done { which }),
        2 => (0u8..3, any::<usize>()).prop_map(|(worker, which)| Step::GiveBack { worker, which }),
        1 => (0u8..2).prop_map(|job| Step::Forget { job }),
        1 => (0u8..3).prop_map(|worker| Step::Leave { worker }),
        1 => Just(Step::Workers),
    ];
    vec(step, 1..40)
}

#[test]
fn both_queues_answer_alike() {
    let server = Server::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    runner
        .run(&steps(), |steps| {
            runtime.block_on(async {
                server.ask::<()>(&["FLUSHALL"]);
                let place = StoreConnection::open(&server, "p").await;
                let mut redis = Tried { queue: place.store.clone(), given: Vec::new() };
                let mut memory = Tried { queue: Arc::new(MemoryQueue::default()), given: Vec::new() };
                for step in &steps {
                    // One that is silent for no time at all is so one clock tick after it was given something.
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    let (one, other) = (redis.is_asked(step).await, memory.is_asked(step).await);
                    prop_assert_eq!(one, other, "{:?}", step);
                }
                place.end().await;
                Ok(())
            })
        })
        .unwrap();
}

#[tokio::test]
async fn whoever_stood_still_takes_nothing_back() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let (queue, job) = (place.store.clone(), job(1));
    queue.add_chunk(&job, 7).await.unwrap();
    let first = queue.take_chunk(&job, "slow", LONG).await.unwrap().unwrap();
    assert_eq!(queue.take_chunk(&job, "quick", LONG).await.unwrap(), None);
    tokio::time::sleep(Duration::from_millis(30)).await;
    let second = queue.take_chunk(&job, "quick", Duration::from_millis(20)).await.unwrap().unwrap();
    assert_eq!((second.held.chunk, first.deliveries, second.deliveries), (7, 1, 2));
    // The slow one wakes up.
    let held = [first.held.clone()];
    assert_eq!(queue.beat_worker("slow", "{}", &held).await.unwrap(), held);
    assert!(!queue.give_back("slow", &first.held).await.unwrap());
    assert_eq!(queue.beat_worker("quick", "{}", &held).await.unwrap(), []);
    // And has ended it meanwhile: then it is done.
    assert!(queue.finish_chunk(&first.held).await.unwrap());
    assert_eq!(queue.beat_worker("quick", "{}", &held).await.unwrap(), held);
    assert!(!queue.finish_chunk(&second.held).await.unwrap());
}

#[tokio::test]
async fn signs_of_life_keep_a_chunk() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let (queue, job) = (place.store.clone(), job(1));
    queue.add_chunk(&job, 7).await.unwrap();
    let taken = queue.take_chunk(&job, "busy", LONG).await.unwrap().unwrap();
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(queue.beat_worker("busy", "{}", std::slice::from_ref(&taken.held)).await.unwrap(), []);
        assert_eq!(queue.take_chunk(&job, "idle", Duration::from_millis(150)).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_chunk_of_a_silent_worker_is_found_behind_those_of_many_that_live() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let (queue, job) = (place.store.clone(), job(1));
    for worker in 0..20 {
        queue.beat_worker(&format!("w{worker}"), "{}", &[]).await.unwrap();
    }
    let mut held = Vec::new();
    for chunk in 0..31 {
        assert_eq!(queue.add_chunk(&job, chunk).await.unwrap(), Queued);
        held.push(queue.take_chunk(&job, "w0", LONG).await.unwrap().unwrap().held);
    }
    let silent = held.pop().unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(queue.beat_worker("w0", "{}", &held).await.unwrap(), []);
    let taken = queue.take_chunk(&job, "w1", Duration::from_millis(150)).await.unwrap().unwrap();
    assert_eq!((taken.held.entry, taken.deliveries), (silent.entry, 2));
}

#[tokio::test]
async fn no_more_is_queued_than_workers_need_and_each_chunk_once() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let (queue, job) = (place.store.clone(), job(1));
    for name in ["a", "b", "c"] {
        queue.beat_worker(name, "{}", &[]).await.unwrap();
    }
    let mut said = Vec::new();
    for chunk in [0, 0, 1, 2, 3, 4, 5, 6, 0] {
        said.push(queue.add_chunk(&job, chunk).await.unwrap());
    }
    assert_eq!(said, [Queued, Already, Queued, Queued, Queued, Queued, Queued, Full, Already]);
    assert_eq!(server.ask::<u64>(&["XLEN", "{p}:jobs:work:0000000000000001"]), 6);
    // A job more has room of its own; all that is kept ends by itself, if nobody asks for it any more.
    let other = JobId::parse("0000000000000002").unwrap();
    assert_eq!(queue.add_chunk(&other, 0).await.unwrap(), Queued);
    for kind in ["work", "queued"] {
        let left: i64 = server.ask(&["TTL", &format!("{{p}}:jobs:{kind}:0000000000000001")]);
        assert!((3600..=24 * 3600).contains(&left), "{kind}: {left}");
    }
}

#[tokio::test]
async fn what_redis_forgets_is_put_in_again() {
    let mut server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let (queue, job) = (place.store.clone(), job(1));
    queue.add_chunk(&job, 7).await.unwrap();
    let taken = queue.take_chunk(&job, "a", LONG).await.unwrap().unwrap();
    let held = [taken.held.clone()];
    server.kill();
    assert!(matches!(queue.beat_worker("a", "{}", &[]).await, Err(StoreError::Away(_))));
    server.start_again();
    place.comes_back().await;
    assert_eq!(queue.beat_worker("a", "{}", &held).await.unwrap(), held);
    assert_eq!(queue.take_chunk(&job, "a", LONG).await.unwrap(), None);
    assert!(!queue.finish_chunk(&taken.held).await.unwrap());
    assert_eq!(queue.add_chunk(&job, 7).await.unwrap(), Queued);
    assert_eq!(queue.take_chunk(&job, "b", LONG).await.unwrap().unwrap().held.chunk, 7);
}

#[tokio::test]
async fn a_redis_without_room_begins_nothing_and_ends_what_was_begun() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let (queue, job) = (place.store.clone(), job(1));
    queue.add_chunk(&job, 7).await.unwrap();
    let taken = queue.take_chunk(&job, "a", LONG).await.unwrap().unwrap();
    server.ask::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
    let refused = queue.add_chunk(&job, 8).await.unwrap_err().to_string();
    assert!(refused.contains("OOM"), "{refused}");
    assert_eq!(queue.beat_worker("a", "{}", std::slice::from_ref(&taken.held)).await.unwrap(), []);
    assert!(queue.finish_chunk(&taken.held).await.unwrap());
}

#[tokio::test]
async fn foreign_entries_are_dropped_and_foreign_keys_named() {
    let server = Server::start();
    let place = StoreConnection::open(&server, "p").await;
    let (queue, job) = (place.store.clone(), job(1));
    queue.add_chunk(&job, 7).await.unwrap();
    let work = "{p}:jobs:work:0000000000000001";
    server.ask::<()>(&["DEL", work]);
    for fields in [["x", "y"], ["c", "seven"], ["c", "-1"], ["c", "99999999999"]] {
        server.ask::<String>(&[&["XADD", work, "*"], &fields[..]].concat());
    }
    // What was queued before counts only while it is there.
    assert_eq!(queue.add_chunk(&job, 7).await.unwrap(), Full);
    assert_eq!(queue.take_chunk(&job, "a", LONG).await.unwrap(), None);
    assert_eq!(queue.add_chunk(&job, 7).await.unwrap(), Queued);
    server.ask::<()>(&["SET", "{p}:jobs:work:0000000000000002", "x"]);
    let other = JobId::parse("0000000000000002").unwrap();
    let refused = queue.take_chunk(&other, "a", LONG).await.unwrap_err().to_string();
    assert!(refused.contains("WRONGTYPE"), "{refused}");
}

#[tokio::test]
async fn ten_workers_at_once_never_have_one_chunk_twice() {
    let server = Server::start();
    let places = [StoreConnection::open(&server, "p").await, StoreConnection::open(&server, "p").await];
    let queues = places.each_ref().map(|place| place.store.clone());
    let job = job(1);
    for worker in 0..10 {
        queues[0].beat_worker(&format!("w{worker}"), "{}", &[]).await.unwrap();
    }
    for chunk in 0..20 {
        assert_eq!(queues[0].add_chunk(&job, chunk).await.unwrap(), Queued);
    }
    let takers = (0..10).map(|worker| {
        let (queue, job) = (queues[worker % 2].clone(), job.clone());
        tokio::spawn(async move {
            let mut chunks = Vec::new();
            while let Some(taken) = queue.take_chunk(&job, &format!("w{worker}"), LONG).await.unwrap() {
                chunks.push(taken.held.chunk);
                assert!(queue.finish_chunk(&taken.held).await.unwrap());
            }
            chunks
        })
    });
    let mut all = Vec::new();
    for taker in takers.collect::<Vec<_>>() {
        all.extend(taker.await.unwrap());
    }
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (20, 20));
    assert_eq!(server.ask::<u64>(&["XLEN", "{p}:jobs:work:0000000000000001"]), 0);
}
