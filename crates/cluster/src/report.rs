//! How it goes, for people and their monitoring: what is counted, and what is known of the other processes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use sightwire_api::cluster::{self as api, ClusterProcess, ClusterState, ClusterStatus};
use sightwire_base::{clock, lines};

use crate::cluster::{Cluster, Standing};
use crate::directory::{Book, Directory};
use crate::options::WhenDown;
use crate::peer::PeerError;
use crate::process::{Instance, Record};
use crate::store::StoreTime;

/// Said of a process whose heartbeats have lapsed.
const SILENT: &str = "nothing is heard of it: it has ended, stands still, or does not reach Redis";

/// Counters since the start of the process.
#[derive(Debug, Default)]
pub struct Counts {
    /// Streams that began here.
    pub granted: AtomicU64,
    /// Streams that began here while nobody could say whether they are live elsewhere.
    pub provisional: AtomicU64,
    /// Streams that did not begin, for they are live elsewhere.
    pub held: AtomicU64,
    /// Streams that did not begin, for nobody could say whether they are live elsewhere.
    pub refused: AtomicU64,
    /// Streams that another process has got.
    pub leases_lost: AtomicU64,
    /// Questions to the store that failed.
    pub store_failures: AtomicU64,
    /// Questions to other processes, and connections to them, that failed.
    pub unreachable: AtomicU64,
    /// Pictures that came from other processes.
    pub pulled_pictures: AtomicU64,
    /// Bytes of the pictures that came from other processes.
    pub pulled_bytes: AtomicU64,
    /// Connections to other processes for a stream that failed, or that ended before the stream.
    pub pull_failures: AtomicU64,
}

/// What is known of processes beside who lives.
#[derive(Debug, Default)]
pub(crate) struct PeerSightings {
    /// Until when the last heartbeat of each counts, or counted. Comes before `unreachable`.
    heard: Mutex<Vec<(Arc<Record>, StoreTime)>>,
    /// Why those could not be reached that were not when they were tried last.
    unreachable: Mutex<BTreeMap<Instance, String>>,
}

impl PeerSightings {
    /// All that are known, those that have lapsed among them.
    pub(crate) fn update_heard(&self, book: &Book) {
        let heard: Vec<_> = book.processes().map(|(record, until)| (record.clone(), until)).collect();
        let is_known = |instance: &Instance| heard.iter().any(|(record, _)| record.instance == *instance);
        self.unreachable.lock().retain(|instance, _| is_known(instance));
        *self.heard.lock() = heard;
    }
}

impl Cluster {
    /// Counters since the start of the process.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Another process was asked for something, or connected to, and that failed, or did not.
    pub(crate) fn record_contact(&self, process: &Record, failed: Option<&PeerError>) {
        let mut unreachable = self.seen.unreachable.lock();
        match failed {
            None => drop(unreachable.remove(&process.instance)),
            // That says nothing of the other one.
            Some(PeerError::NoTime) => {}
            Some(why) => {
                self.counts.unreachable.fetch_add(1, Ordering::Relaxed);
                let why = lines::short_sentence(&why.to_string()).to_string();
                let before = unreachable.insert(process.instance, why.clone());
                drop(unreachable);
                if before.is_none() {
                    let (name, url) = (&*process.name, &*process.url);
                    tracing::warn!(process = name, url, "another process cannot be reached: {why}");
                }
            }
        }
    }

    /// How many streams are sent now, to this process and to others.
    pub fn count_sent(&self) -> (usize, usize) {
        let here = self.held.lock().values().filter(|held| !held.about.is_camera()).count();
        let directory = self.current_directory();
        let elsewhere =
            directory.streams.values().filter(|entry| !self.is_mine(entry) && !entry.about.is_camera());
        (here, elsewhere.count())
    }

    /// How it stands with the others. What goes over the network is not counted here: `pulls` and the bytes are 0.
    pub fn status(&self) -> ClusterStatus {
        let (standing, since) = self.standing();
        let (state, reason) = match standing {
            Standing::Joining => (ClusterState::Joining, None),
            Standing::Connected => (ClusterState::Connected, None),
            Standing::Away(why) => (ClusterState::Away, Some(why.to_string())),
            Standing::Refused(refusal) => (ClusterState::Refused, Some(refusal.to_string())),
        };
        let (streams_here, streams_elsewhere) = self.count_sent();
        ClusterStatus {
            name: self.own_record().name.to_string(),
            processes: self.list_processes(&self.current_directory()),
            reason: reason.map(|reason| lines::short_sentence(&reason).to_string()),
            redis: self.store.address(),
            since_s: clock::since(since).as_secs_f64(),
            state,
            streams_elsewhere,
            streams_here,
            url: self.own_record().url.to_string(),
            when_down: match self.options().when_down {
                WhenDown::Accept => api::WhenDown::Accept,
                WhenDown::Refuse => api::WhenDown::Refuse,
            },
            ..ClusterStatus::default()
        }
    }

    /// By name, this one among them also before anybody has heard of it.
    fn list_processes(&self, directory: &Directory) -> Vec<ClusterProcess> {
        let (now, me) = (self.store_time(), self.own_record().instance);
        let (heard, unreachable) = (self.seen.heard.lock().clone(), self.seen.unreachable.lock().clone());
        let (ttl, trouble) = (self.options().ttl.as_millis() as u64, self.rights_status().trouble);
        let one = |record: &Record, until: Option<StoreTime>| {
            let is_self = record.instance == me;
            let lives = |known: &Arc<Record>| known.instance == record.instance;
            let reason = match directory.processes.get(&record.name) {
                _ if is_self => {
                    let why = trouble.as_deref();
                    why.map(|why| {
                        format!("keys and users here may not be those of the other processes: {why}")
                    })
                }
                Some(known) if lives(known) => {
                    let why = unreachable.get(&record.instance);
                    why.map(|why| format!("this process cannot reach it: {why}"))
                }
                _ => Some(SILENT.to_owned()),
            };
            let streams = directory.streams.values().filter(|entry| entry.instance == record.instance);
            let said = self.said_by(record);
            let age_ms = until.zip(now).map(|(until, now)| (now + ttl).saturating_sub(until));
            let (cameras, sent) = if is_self {
                let held = self.held.lock();
                let cameras = held.values().filter(|held| held.about.is_camera()).count();
                (cameras, held.len() - cameras)
            } else {
                let cameras = streams.clone().filter(|entry| entry.about.is_camera()).count();
                (cameras, streams.count() - cameras)
            };
            ClusterProcess {
                cameras,
                capacity: if is_self { self.said.lock().capacity } else { said.capacity },
                draining: if is_self { self.drain_token().is_cancelled() } else { said.draining },
                heard_s: age_ms.map(|ms| ms as f64 / 1e3),
                is_self,
                name: record.name.to_string(),
                reason,
                streams: sent,
                url: record.url.to_string(),
                version: said.version,
            }
        };
        let mut all: Vec<_> = heard.iter().map(|(record, until)| one(record, Some(*until))).collect();
        if !all.iter().any(|process| process.is_self) {
            all.push(one(self.own_record(), None));
        }
        all.sort_by(|a, b| (&a.name, !a.is_self).cmp(&(&b.name, !b.is_self)));
        all
    }
}
