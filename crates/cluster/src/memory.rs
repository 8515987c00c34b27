//! A store within one process: several servers in one process are one cluster by it. Its time is the runtime's, so that a
//! test may pause it, and it can be told to fail as others do.

mod queue;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sightwire_base::clock;
use tokio::sync::broadcast;

pub use self::queue::MemoryQueue;
use crate::entry::Token;
use crate::process::{Instance, Record};
use crate::store::{
    Asked, Beat, Change, Changed, Claim, Claimed, Heartbeat, Keep, Kept, Refusal, Shared, Snapshot, Store,
    StoreError, StoreTime,
};

/// Changes that a slow reader may be behind.
const CHANGES: usize = 256;
/// Where its time begins: a moment that no process takes for its own.
const BEGAN_AT: StoreTime = 1_700_000_000_000;
/// A process that has been silent for this long after its heartbeat lapsed is forgotten, with all it had.
pub(crate) const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);
/// Longest time that one takes which does not answer.
const ASKED: Duration = Duration::from_millis(500);

/// A store within one process.
#[derive(Debug)]
pub struct Memory {
    state: Mutex<State>,
    changes: broadcast::Sender<Change>,
    begun: Instant,
}

#[derive(Debug, Default)]
struct State {
    epoch: Arc<str>,
    check: Arc<str>,
    version: u64,
    fence: u64,
    processes: BTreeMap<Arc<str>, (Record, StoreTime)>,
    streams: BTreeMap<Arc<str>, Lease>,
    rights: Option<Shared>,
    trouble: Trouble,
    silenced: Vec<Instance>,
    deaf: bool,
}

#[derive(Clone, Debug)]
struct Lease {
    token: Token,
    name: Arc<str>,
    instance: Instance,
    about: Arc<str>,
}

/// What is wrong with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    #[default]
    None,
    /// It cannot be reached.
    Away,
    /// It takes what is asked and does not answer.
    Stalled,
    /// It does what is asked, and the answers are lost.
    Mute,
    /// It answers heartbeats, and is away for all else.
    OnlyBeats,
}

impl Lease {
    fn to_value(&self) -> Arc<str> {
        format!("{} {}/{} {}", self.token, self.instance, self.name, self.about).into()
    }
}

impl State {
    fn publish_change(&mut self, what: Changed, changes: &broadcast::Sender<Change>) {
        self.version += 1;
        // Nobody may be listening.
        if self.deaf {
            return;
        }
        let _ = changes.send(Change { version: self.version, what });
    }

    /// Until when it is known to live.
    fn lives_until(&self, name: &str, instance: Instance, now: StoreTime) -> Option<StoreTime> {
        let (record, until) = self.processes.get(name)?;
        (record.instance == instance && *until > now).then_some(*until)
    }

    fn forget_dead(&mut self, now: StoreTime, changes: &broadcast::Sender<Change>) {
        let long = FORGOTTEN_AFTER.as_millis() as u64;
        let dead: Vec<Arc<str>> = self
            .processes
            .iter()
            .filter(|(_, (_, until))| until + long <= now)
            .map(|(name, _)| name.clone())
            .collect();
        for name in dead {
            self.forget_process(&name, changes);
        }
    }

    fn forget_process(&mut self, name: &Arc<str>, changes: &broadcast::Sender<Change>) {
        let Some((record, _)) = self.processes.remove(name) else { return };
        let its = |lease: &Lease| lease.name == *name && lease.instance == record.instance;
        let streams: Vec<Arc<str>> =
            self.streams.iter().filter(|(_, lease)| its(lease)).map(|(stream, _)| stream.clone()).collect();
        for stream in streams {
            self.streams.remove(&stream);
            self.publish_change(Changed::Stream(stream, None), changes);
        }
        self.publish_change(Changed::Process(name.clone(), None), changes);
    }

    fn beat(
        &mut self,
        heartbeat: &Heartbeat,
        now: StoreTime,
        changes: &broadcast::Sender<Change>,
    ) -> Result<Beat, StoreError> {
        if self.epoch.is_empty() {
            self.epoch = heartbeat.epoch.clone();
            self.check = heartbeat.check.clone();
        }
        if self.check != heartbeat.check {
            let long = FORGOTTEN_AFTER.as_millis() as u64;
            if self.processes.values().any(|(_, until)| until + long > now) {
                return Err(Refusal::Secret.into());
            }
            // Nobody has gone by it for a while: it begins anew.
            (self.processes, self.streams, self.rights) = Default::default();
            (self.epoch, self.check) = (heartbeat.epoch.clone(), heartbeat.check.clone());
        }
        let record = &heartbeat.record;
        if let Some((other, _)) = self.processes.get(&record.name)
            && other.instance != record.instance
            && self.lives_until(&record.name, other.instance, now).is_some()
        {
            let (name, url) = (record.name.clone(), other.url.clone());
            if heartbeat.joined {
                return Err(Refusal::Replaced { name, url }.into());
            }
            if other.url != record.url {
                return Err(Refusal::Name { name, url }.into());
            }
        }
        self.forget_dead(now, changes);
        let lapsed = self.lives_until(&record.name, record.instance, now).is_none();
        let until = now + heartbeat.ttl.as_millis() as u64;
        // What another life of it had ended with that.
        if self.processes.get(&record.name).is_some_and(|(other, _)| other.instance != record.instance) {
            self.forget_process(&record.name, changes);
        }
        let before = self.processes.insert(record.name.clone(), (record.clone(), until));
        if before.is_none_or(|(before, _)| before != *record) {
            self.publish_change(Changed::Process(record.name.clone(), Some(record.clone())), changes);
        }
        let heard = self.processes.iter().map(|(name, (_, until))| (name.clone(), *until)).collect();
        let (epoch, version, rights) = (self.epoch.clone(), self.version, self.rights_version());
        let streams = self.streams.len();
        Ok(Beat { at: now, epoch, version, streams, lapsed, heard, rights })
    }

    fn check_heard(&self, instance: Instance) -> Result<(), StoreError> {
        if self.silenced.contains(&instance) {
            return Err(StoreError::Away("nothing of this process arrives".into()));
        }
        Ok(())
    }

    /// Which version there is.
    fn rights_version(&self) -> u64 {
        self.rights.as_ref().map_or(0, |rights| rights.version)
    }

    fn claim_stream(
        &mut self,
        claim: &Claim,
        now: StoreTime,
        changes: &broadcast::Sender<Change>,
    ) -> Result<Claimed, StoreError> {
        self.lives_until(&claim.name, claim.instance, now).ok_or(StoreError::Unknown)?;
        if let Some(lease) = self.streams.get(&claim.stream) {
            let own = lease.name == claim.name && lease.instance == claim.instance;
            if own && claim.again && lease.about == claim.about {
                return Ok(Claimed::Granted(lease.token));
            }
            let until = self.lives_until(&lease.name, lease.instance, now).filter(|_| !own);
            if let Some(until) = until {
                let heard = until.saturating_sub(claim.ttl.as_millis() as u64);
                let quiet = claim.instead_of.is_some_and(|(token, quiet)| {
                    token == lease.token && heard + quiet.as_millis() as u64 <= now
                });
                if !quiet {
                    let process = lease.name.clone();
                    return Ok(Claimed::Held { token: lease.token, process, heard });
                }
            }
        }
        self.fence = (self.fence + 1).max(now * 1000);
        let token = Token::from(self.fence);
        let (name, about) = (claim.name.clone(), claim.about.clone());
        let lease = Lease { token, name, instance: claim.instance, about };
        let value = lease.to_value();
        self.streams.insert(claim.stream.clone(), lease);
        self.publish_change(Changed::Stream(claim.stream.clone(), Some(value)), changes);
        Ok(Claimed::Granted(token))
    }

    fn keep_stream(
        &mut self,
        keep: &Keep,
        now: StoreTime,
        changes: &broadcast::Sender<Change>,
    ) -> Result<Kept, StoreError> {
        self.lives_until(&keep.name, keep.instance, now).ok_or(StoreError::Unknown)?;
        let (name, about) = (keep.name.clone(), keep.about.clone());
        let lease = Lease { token: keep.token, name, instance: keep.instance, about };
        let before = self.streams.get(&keep.stream);
        if let Some(before) = before.filter(|before| before.token != keep.token) {
            return Ok(Kept::Lost(before.token));
        }
        self.fence = self.fence.max(u64::from(keep.token));
        let value = lease.to_value();
        if before.is_none_or(|before| before.to_value() != value) {
            self.streams.insert(keep.stream.clone(), lease);
            self.publish_change(Changed::Stream(keep.stream.clone(), Some(value)), changes);
        }
        Ok(Kept::Kept)
    }
}

impl Memory {
    /// One that knows nothing.
    pub fn new() -> Arc<Self> {
        let (changes, _) = broadcast::channel(CHANGES);
        Arc::new(Self { state: Mutex::default(), changes, begun: clock::now() })
    }

    /// What is wrong with it from now on.
    pub fn set_trouble(&self, trouble: Trouble) {
        self.state.lock().trouble = trouble;
    }

    /// It forgets all that it knows, but not how it fails.
    pub fn flush(&self) {
        let mut state = self.state.lock();
        let (trouble, silenced) = (state.trouble, state.silenced.clone());
        *state = State { trouble, silenced, ..State::default() };
    }

    /// It forgets which streams there are, and nothing else, as if their key had been evicted.
    pub fn lose_streams(&self) {
        self.state.lock().streams.clear();
    }

    /// Nothing of that process arrives any more.
    pub fn silence_process(&self, instance: Instance) {
        self.state.lock().silenced.push(instance);
    }

    /// Nobody is told of changes any more, or everybody is again.
    pub fn set_deaf(&self, deaf: bool) {
        self.state.lock().deaf = deaf;
    }

    /// The heartbeats of this process arrive again.
    pub fn hear_process(&self, instance: Instance) {
        self.state.lock().silenced.retain(|silenced| *silenced != instance);
    }

    fn store_time(&self) -> StoreTime {
        BEGAN_AT + clock::since(self.begun).as_millis() as u64
    }

    fn ask_of<'a, T: Send + 'a>(
        &'a self,
        instance: Instance,
        answer: impl FnOnce(&mut State, StoreTime, &broadcast::Sender<Change>) -> Result<T, StoreError>
        + Send
        + 'a,
    ) -> Asked<'a, T> {
        self.ask_state(move |state, now, changes| {
            state.check_heard(instance)?;
            answer(state, now, changes)
        })
    }

    fn ask_state<'a, T: Send + 'a>(
        &'a self,
        answer: impl FnOnce(&mut State, StoreTime, &broadcast::Sender<Change>) -> Result<T, StoreError>
        + Send
        + 'a,
    ) -> Asked<'a, T> {
        self.ask_beside(&[], answer)
    }

    /// As if nothing were wrong while it is one of these.
    fn ask_beside<'a, T: Send + 'a>(
        &'a self,
        harmless: &'static [Trouble],
        answer: impl FnOnce(&mut State, StoreTime, &broadcast::Sender<Change>) -> Result<T, StoreError>
        + Send
        + 'a,
    ) -> Asked<'a, T> {
        Box::pin(async move {
            let late = async || {
                tokio::time::sleep(ASKED).await;
                Err(StoreError::Away(format!("no answer within {} ms", ASKED.as_millis()).into()))
            };
            let trouble = self.state.lock().trouble;
            match trouble {
                _ if harmless.contains(&trouble) => {
                    answer(&mut self.state.lock(), self.store_time(), &self.changes)
                }
                Trouble::None => answer(&mut self.state.lock(), self.store_time(), &self.changes),
                Trouble::Mute => {
                    let _ = answer(&mut self.state.lock(), self.store_time(), &self.changes);
                    late().await
                }
                Trouble::Away | Trouble::OnlyBeats => Err(StoreError::Away("it is told to be away".into())),
                Trouble::Stalled => late().await,
            }
        })
    }
}

impl Store for Memory {
    fn beat_process<'a>(&'a self, heartbeat: &'a Heartbeat) -> Asked<'a, Beat> {
        self.ask_beside(&[Trouble::OnlyBeats], |state, now, changes| {
            state.check_heard(heartbeat.record.instance)?;
            state.beat(heartbeat, now, changes)
        })
    }

    fn claim_stream<'a>(&'a self, claim: &'a Claim) -> Asked<'a, Claimed> {
        self.ask_of(claim.instance, |state, now, changes| state.claim_stream(claim, now, changes))
    }

    fn keep_stream<'a>(&'a self, keep: &'a Keep) -> Asked<'a, Kept> {
        self.ask_of(keep.instance, |state, now, changes| state.keep_stream(keep, now, changes))
    }

    fn release_stream<'a>(&'a self, stream: &'a str, token: Token) -> Asked<'a, ()> {
        self.ask_state(move |state, _, changes| {
            if state.streams.get(stream).is_some_and(|lease| lease.token == token) {
                state.streams.remove(stream);
                state.publish_change(Changed::Stream(stream.into(), None), changes);
            }
            Ok(())
        })
    }

    fn leave_process<'a>(&'a self, name: &'a str, instance: Instance) -> Asked<'a, ()> {
        self.ask_state(move |state, _, changes| {
            if state.processes.get(name).is_some_and(|(record, _)| record.instance == instance) {
                state.forget_process(&name.into(), changes);
            }
            Ok(())
        })
    }

    fn read_snapshot(&self) -> Asked<'_, Snapshot> {
        self.ask_state(|state, at, _| {
            Ok(Snapshot {
                at,
                epoch: state.epoch.clone(),
                version: state.version,
                processes: state.processes.values().cloned().collect(),
                streams: state
                    .streams
                    .iter()
                    .map(|(stream, lease)| (stream.clone(), lease.to_value()))
                    .collect(),
            })
        })
    }

    fn read_rights(&self) -> Asked<'_, Option<Shared>> {
        self.ask_state(|state, _, _| Ok(state.rights.clone()))
    }

    fn set_rights<'a>(&'a self, before: u64, new: &'a Shared) -> Asked<'a, bool> {
        self.ask_state(move |state, _, changes| {
            let is_it = state.rights_version() == before;
            if is_it {
                state.rights = Some(new.clone());
                state.publish_change(Changed::Rights(new.version), changes);
            }
            Ok(is_it)
        })
    }

    fn wait_connected(&self, _: u64) -> Pin<Box<dyn Future<Output = u64> + Send + '_>> {
        Box::pin(std::future::pending())
    }

    fn subscribe_changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }
}

#[cfg(test)]
mod tests;
