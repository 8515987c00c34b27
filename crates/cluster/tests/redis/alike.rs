//! All stores answer alike: whatever is done with two of them, they tell the same, but for the numbers that each counts itself.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sightwire_cluster::entry::Token;
use sightwire_cluster::memory::Memory;
use sightwire_cluster::process::Record;
use sightwire_cluster::store::{
    Beat, Change, Changed, Claim, Claimed, Heartbeat, Keep, Kept, Shared, Snapshot, Store, StoreError,
};
use tokio::sync::broadcast::Receiver;

use crate::server::{Server, StoreConnection};

const CASES: u32 = 100;
/// So long that nothing lapses by itself.
const TTL: Duration = Duration::from_secs(600);

/// One of few processes: two of them may have one name, or even one address.
#[derive(Clone, Copy, Debug)]
struct Who {
    name: u8,
    life: u8,
    url: u8,
}

/// Something that is done with a store.
#[derive(Clone, Debug)]
enum Step {
    Beat { who: Who, joined: bool, check: bool },
    Claim { who: Who, stream: u8, about: u8, instead_of: Option<(usize, bool)>, again: bool },
    Keep { who: Who, stream: u8, about: u8, lease: usize },
    Release { stream: u8, lease: usize },
    Leave { who: Who },
    SetRights { before: u8, new: u8 },
    Rights,
    Read,
}

/// What it has answered.
#[derive(Debug, PartialEq)]
enum Said {
    Beat(Result<Beat, StoreError>),
    Claimed(Result<Claimed, StoreError>),
    Kept(Result<Kept, StoreError>),
    Done(Result<(), StoreError>),
    WereSet(Result<bool, StoreError>),
    Rights(Result<Option<Shared>, StoreError>),
    Read(Result<Snapshot, StoreError>),
}

/// A store, and the leases that it granted so far: which one counts, not its number.
struct Tried {
    store: Arc<dyn Store>,
    changes: Receiver<Change>,
    granted: Vec<Token>,
}

impl Who {
    fn name(self) -> Arc<str> {
        format!("p{}", self.name).into()
    }

    fn instance(self) -> u64 {
        u64::from(self.name) * 10 + u64::from(self.life)
    }

    fn record(self) -> Record {
        let url = format!("http://h{}:8000", self.url).into();
        Record { name: self.name(), instance: self.instance().into(), url, about: "{}".into() }
    }
}

fn stream(number: u8) -> Arc<str> {
    format!("ward {number}").into()
}

fn about(number: u8) -> Arc<str> {
    format!(r#"{{"m":"normal","b":{}}}"#, number == 1).into()
}

impl Tried {
    fn new(store: &Arc<dyn Store>) -> Self {
        Self { changes: store.subscribe_changes(), store: store.clone(), granted: Vec::new() }
    }

    fn lease(&self, number: usize) -> Token {
        let granted = self.granted.len();
        if granted == 0 { Token::from(5) } else { self.granted[number % granted] }
    }

    /// In the place of a token: how many were granted before it.
    fn rank(&self, token: Token) -> Token {
        let rank = self.granted.iter().position(|granted| *granted == token);
        rank.map_or(token, |rank| Token::from(rank as u64))
    }

    fn value(&self, value: &str) -> Arc<str> {
        let (token, rest) = value.split_once(' ').unwrap();
        format!("{} {rest}", self.rank(Token::from(token.parse::<u64>().unwrap()))).into()
    }

    async fn step(&mut self, step: &Step) -> Said {
        let store = self.store.clone();
        match step.clone() {
            Step::Beat { who, joined, check } => {
                let check = if check { "same" } else { "other" }.into();
                let epoch = format!("epoch-{}", who.instance()).into();
                let beat = store
                    .beat_process(&Heartbeat { record: who.record(), ttl: TTL, check, joined, epoch })
                    .await;
                // Its clock is its own.
                Said::Beat(beat.map(|beat| Beat {
                    at: 0,
                    heard: beat.heard.into_iter().map(|(name, until)| (name, until - beat.at)).collect(),
                    ..beat
                }))
            }
            Step::Claim { who, stream: number, about: what, instead_of, again } => {
                let quiet = |asap| if asap { Duration::ZERO } else { TTL };
                let instead_of = instead_of.map(|(lease, asap)| (self.lease(lease), quiet(asap)));
                let claim = Claim {
                    stream: stream(number),
                    name: who.name(),
                    instance: who.instance().into(),
                    about: about(what),
                    ttl: TTL,
                    instead_of,
                    again,
                };
                let claimed = store.claim_stream(&claim).await;
                if let Ok(Claimed::Granted(token)) = claimed {
                    let is_new = self.granted.iter().all(|before| *before < token);
                    // What it has already may even be what it was told to keep.
                    assert!(is_new || again);
                    self.granted.extend(is_new.then_some(token));
                }
                Said::Claimed(claimed.map(|claimed| match claimed {
                    Claimed::Granted(token) => Claimed::Granted(self.rank(token)),
                    Claimed::Held { token, process, .. } => {
                        Claimed::Held { token: self.rank(token), process, heard: 0 }
                    }
                }))
            }
            Step::Keep { who, stream: number, about: what, lease } => {
                let (name, instance) = (who.name(), who.instance().into());
                let (stream, about, token) = (stream(number), about(what), self.lease(lease));
                let kept = store.keep_stream(&Keep { stream, name, instance, token, about }).await;
                Said::Kept(kept.map(|kept| match kept {
                    Kept::Kept => Kept::Kept,
                    Kept::Lost(token) => Kept::Lost(self.rank(token)),
                }))
            }
            Step::Release { stream: number, lease } => {
                Said::Done(store.release_stream(&stream(number), self.lease(lease)).await)
            }
            Step::Leave { who } => Said::Done(store.leave_process(&who.name(), who.instance().into()).await),
            Step::SetRights { before, new } => {
                let new = Shared { version: new.into(), value: format!("of {new}, in\nlines").into() };
                Said::WereSet(store.set_rights(before.into(), &new).await)
            }
            Step::Rights => Said::Rights(store.read_rights().await),
            Step::Read => Said::Read(store.read_snapshot().await.map(|snapshot| {
                let Snapshot { at, epoch, version, processes, streams } = snapshot;
                let processes = processes.into_iter().map(|(record, until)| (record, until - at)).collect();
                let streams = streams.into_iter().map(|(name, value)| (name, self.value(&value))).collect();
                Snapshot { at: 0, epoch, version, processes, streams }
            })),
        }
    }

    /// All that was told up to a version.
    async fn told(&mut self, last: u64) -> Vec<Change> {
        let mut told = Vec::new();
        while told.len() < last as usize {
            let change = tokio::time::timeout(Duration::from_secs(5), self.changes.recv()).await;
            let Change { version, what } = change.expect("changes are told").unwrap();
            let what = match what {
                Changed::Stream(name, value) => Changed::Stream(name, value.map(|value| self.value(&value))),
                other @ (Changed::Process(..) | Changed::Rights(_)) => other,
            };
            told.push(Change { version, what });
        }
        told
    }
}

/// Times differ by what passes between two steps.
fn about_the_same(one: Said, other: Said) -> (Said, Said) {
    const SLACK_MS: u64 = 60_000;
    let rough = |until: u64| until.next_multiple_of(SLACK_MS);
    let mut both = [one, other];
    for said in &mut both {
        match said {
            Said::Beat(Ok(beat)) => {
                for (_, until) in &mut beat.heard {
                    *until = rough(*until);
                }
            }
            Said::Read(Ok(snapshot)) => {
                for (_, until) in &mut snapshot.processes {
                    *until = rough(*until);
                }
            }
            _ => {}
        }
    }
    both.into()
}

/// Does the same with two stores that know nothing; where they differ, if they do.
async fn alike(one: &Arc<dyn Store>, other: &Arc<dyn Store>, steps: &[Step]) -> Result<(), String> {
    let (mut one, mut other) = (Tried::new(one), Tried::new(other));
    for (number, step) in steps.iter().chain([&Step::Read]).enumerate() {
        let (first, second) = (one.step(step).await, other.step(step).await);
        let (first, second) = about_the_same(first, second);
        if first != second {
            return Err(format!("step {number}, one: {first:#?}\nthe other: {second:#?}"));
        }
    }
    let version = one.store.read_snapshot().await.unwrap().version;
    let (first, second) = (one.told(version).await, other.told(version).await);
    if first == second { Ok(()) } else { Err(format!("one tells: {first:#?}\nthe other: {second:#?}")) }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = || {
        (0..3_u8, 0..2_u8, 0..4_u8).prop_map(|(name, life, url)| {
            // Mostly its own address, seldom another's.
            Who { name, life, url: if url == 3 { 3 } else { name } }
        })
    };
    let beat = (who(), any::<bool>(), prop::bool::weighted(0.95))
        .prop_map(|(who, joined, check)| Step::Beat { who, joined, check });
    let instead_of = prop::option::of((0..8_usize, any::<bool>()));
    let claim = (who(), 0..3_u8, 0..2_u8, instead_of, any::<bool>()).prop_map(
        |(who, stream, about, instead_of, again)| Step::Claim { who, stream, about, instead_of, again },
    );
    let keep = (who(), 0..3_u8, 0..2_u8, 0..8_usize).prop_map(|(who, stream, about, lease)| Step::Keep {
        who,
        stream,
        about,
        lease,
    });
    let release = (0..3_u8, 0..8_usize).prop_map(|(stream, lease)| Step::Release { stream, lease });
    let leave = who().prop_map(|who| Step::Leave { who });
    let set_rights = (0..3_u8, 1..3_u8).prop_map(|(before, new)| Step::SetRights { before, new });
    let rights = prop_oneof![2 => set_rights, 1 => Just(Step::Rights)];
    let step = prop_oneof![4 => beat, 6 => claim, 3 => keep, 2 => release, 1 => leave, 1 => rights, 1 => Just(Step::Read)];
    vec(step, 1..=30)
}

#[test]
fn the_store_in_memory_and_that_in_redis_answer_alike() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = Server::start();
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let cases = Cell::new(0);
    TestRunner::new(config)
        .run(&steps(), |steps| {
            cases.set(cases.get() + 1);
            let alike = runtime.block_on(async {
                let place = StoreConnection::open(&server, &format!("p{}", cases.get())).await;
                let (memory, redis): (Arc<dyn Store>, Arc<dyn Store>) = (Memory::new(), place.store.clone());
                let alike = alike(&memory, &redis, &steps).await;
                place.end().await;
                alike
            });
            alike.map_err(TestCaseError::fail)
        })
        .unwrap();
}
