//! Whose picture is looked at next: pure state.
//!
//! Hands are followed from picture to picture, so past capacity everyone's pictures get rarer alike: each client has a slot
//! for its newest pictures, and the client that was served longest ago is next.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crate::allowance::Allowance;
use crate::clip::scheduler::Verdict;

/// Pictures of a client that may wait: one, and one that came in a burst.
const SLOT: usize = 2;
/// A picture that has waited for this long is not looked at if a newer one is there.
const STALE: Duration = Duration::from_millis(120);
/// What the newest picture counts in the mean cost of one.
const SMOOTHING: f32 = 0.05;

/// A client's number.
pub type Id = u64;

/// The clients, and their pictures. `F` is a picture, `W` what is kept of a client from one to the next.
#[derive(Debug)]
pub struct Turns<F, W> {
    clients: BTreeMap<Id, Slot<F, W>>,
    /// Clients with a picture that no thread is at work for, by when they were served.
    ready: BTreeSet<(u64, Id)>,
    last_id: Id,
    served: u64,
    busy: usize,
    threads: usize,
    max_fps: f32,
    /// Of a picture, seconds.
    cost: f32,
}

#[derive(Debug)]
struct Slot<F, W> {
    pictures: VecDeque<(Instant, F)>,
    /// `None` while a thread has it.
    kept: Option<W>,
    /// Of whose service its last was.
    turn: u64,
    allowance: Allowance,
}

/// A picture to be looked at.
#[derive(Debug)]
pub struct Turn<F, W> {
    /// The client that sent it.
    pub client: Id,
    /// When it came.
    pub arrived: Instant,
    /// The picture.
    pub picture: F,
    /// Older ones of the same client that were given up for it.
    pub given_up: u64,
    /// What is kept of its client; `None` once it has been taken out.
    pub kept: Option<W>,
}

impl<F, W> Turns<F, W> {
    /// Without clients. A picture is thought to cost `cost` until one has been measured.
    pub fn new(threads: usize, max_fps: f32, cost: Duration) -> Self {
        Self {
            clients: BTreeMap::new(),
            ready: BTreeSet::new(),
            last_id: 0,
            served: 0,
            busy: 0,
            threads: threads.max(1),
            max_fps,
            cost: cost.as_secs_f32().max(1e-5),
        }
    }

    /// A client has come.
    pub fn join(&mut self, kept: W) -> Id {
        self.last_id += 1;
        let allowance = Allowance::new(self.max_fps);
        // It is next, but not before those who have waited since they were served.
        let slot = Slot { pictures: VecDeque::new(), kept: Some(kept), turn: self.served, allowance };
        self.clients.insert(self.last_id, slot);
        self.last_id
    }

    /// A client has left: nothing of it stays.
    pub fn leave(&mut self, id: Id) {
        if let Some(slot) = self.clients.remove(&id) {
            self.ready.remove(&(slot.turn, id));
        }
    }

    /// Forgets all clients and their pictures.
    pub fn clear(&mut self) {
        self.clients.clear();
        self.ready.clear();
    }

    /// Takes a picture of a client. [`Verdict::Skipped`] says that the one before, which waited, gives way to it and is not looked at.
    pub fn push(&mut self, now: Instant, id: Id, picture: F) -> Verdict {
        let Some(slot) = self.clients.get_mut(&id) else { return Verdict::Skipped };
        if !slot.allowance.accept_frame(now) {
            return Verdict::Excess;
        }
        let full = slot.pictures.len() >= SLOT;
        if full {
            slot.pictures.pop_front();
        }
        slot.pictures.push_back((now, picture));
        if slot.kept.is_some() {
            self.ready.insert((slot.turn, id));
        }
        if full { Verdict::Skipped } else { Verdict::Queued }
    }

    /// The next picture to be looked at.
    pub fn take_turn(&mut self, now: Instant) -> Option<Turn<F, W>> {
        while let Some((_, client)) = self.ready.pop_first() {
            let Some(slot) = self.clients.get_mut(&client) else { continue };
            let stale = |slot: &Slot<F, W>| {
                let first = slot.pictures.front();
                first.is_some_and(|(arrived, _)| now.saturating_duration_since(*arrived) > STALE)
            };
            let mut given_up = 0;
            while slot.pictures.len() > 1 && stale(slot) {
                slot.pictures.pop_front();
                given_up += 1;
            }
            let Some((arrived, picture)) = slot.pictures.pop_front() else { continue };
            self.served += 1;
            self.busy += 1;
            slot.turn = self.served;
            return Some(Turn { client, arrived, picture, given_up, kept: slot.kept.take() });
        }
        None
    }

    /// A thread has looked at a picture for this long, and gives back what is kept of its client.
    pub fn finish_turn(&mut self, client: Id, kept: W, took: Option<Duration>) {
        self.busy = self.busy.saturating_sub(1);
        if let Some(took) = took {
            self.cost += SMOOTHING * (took.as_secs_f32() - self.cost);
        }
        let Some(slot) = self.clients.get_mut(&client) else { return };
        slot.kept = Some(kept);
        if !slot.pictures.is_empty() {
            self.ready.insert((slot.turn, client));
        }
    }

    /// In how long a picture that came now will have been looked at.
    pub fn result_in(&self) -> Duration {
        let before = self.busy + self.ready.len().saturating_sub(1);
        Duration::from_secs_f32(self.cost * (before / self.threads + 1) as f32)
    }

    /// Clients that have joined and not left.
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    /// How many pictures wait, of all clients.
    pub fn pending(&self) -> usize {
        self.clients.values().map(|slot| slot.pictures.len()).sum()
    }

    /// Pictures that could be looked at now.
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Clients that sent a picture within the last half second.
    pub fn active(&self, now: Instant) -> usize {
        self.clients.values().filter(|slot| slot.allowance.is_active(now)).count()
    }

    /// Pictures a second that can be looked at.
    pub fn capacity_fps(&self) -> f32 {
        self.threads as f32 / self.cost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COST: Duration = Duration::from_millis(10);

    /// One thread, and clients that send 25 pictures a second for ten seconds: what was looked at of each.
    fn simulate(clients: usize, cost: Duration) -> Vec<usize> {
        let start = Instant::now();
        let mut turns = Turns::new(1, 30.0, cost);
        let ids: Vec<Id> = (0..clients).map(|_| turns.join(0_usize)).collect();
        let (mut at, mut free) = (Duration::ZERO, Duration::ZERO);
        let mut looked = vec![0; clients];
        while at < Duration::from_secs(10) {
            for (index, id) in ids.iter().enumerate() {
                let phase = 40 * index as u128 / clients as u128;
                if (at.as_millis() + 40 - phase).is_multiple_of(40) {
                    turns.push(start + at, *id, ());
                }
            }
            while free <= at
                && let Some(turn) = turns.take_turn(start + at)
            {
                let client = turn.client;
                looked[ids.iter().position(|id| *id == client).unwrap()] += 1;
                turns.finish_turn(client, turn.kept.unwrap() + 1, Some(cost));
                free = at + cost;
            }
            at += Duration::from_millis(1);
        }
        assert!(turns.pending() <= 2 * clients);
        looked
    }

    #[test]
    fn up_to_capacity_every_picture_is_looked_at() {
        let looked = simulate(3, COST);
        assert!(looked.iter().all(|count| *count >= 249), "{looked:?}");
    }

    #[test]
    fn past_capacity_everyones_pictures_get_rarer_alike() {
        let looked = simulate(12, COST);
        let (least, most) = (looked.iter().min().unwrap(), looked.iter().max().unwrap());
        assert!(*least >= 75 && most - least <= 8, "{looked:?}");
    }

    #[test]
    fn a_slot_holds_the_newest_and_whoever_leaves_has_none() {
        let now = Instant::now();
        let mut turns = Turns::new(2, 1000.0, COST);
        let id = turns.join(());
        for (number, verdict) in [(1, Verdict::Queued), (2, Verdict::Queued), (3, Verdict::Skipped)] {
            assert_eq!(turns.push(now, id, number), verdict);
        }
        let turn = turns.take_turn(now).unwrap();
        assert_eq!(turn.picture, 2);
        assert!(turns.take_turn(now).is_none(), "a client's pictures are looked at one after the other");
        turns.push(now, id, 4);
        turns.finish_turn(id, (), Some(COST));
        // What has waited for too long is not looked at, as there is a newer one.
        let turn = turns.take_turn(now + Duration::from_secs(1)).unwrap();
        assert_eq!((turn.picture, turn.given_up), (4, 1));
        turns.leave(id);
        turns.finish_turn(id, (), Some(COST));
        assert_eq!((turns.clients(), turns.pending(), turns.ready()), (0, 0, 0));
        assert_eq!(turns.push(now, id, 5), Verdict::Skipped);
    }

    #[test]
    fn whoever_sends_too_many_is_told() {
        let now = Instant::now();
        let mut turns = Turns::new(1, 30.0, COST);
        let id = turns.join(());
        let verdicts: Vec<Verdict> = (0..40).map(|_| turns.push(now, id, ())).collect();
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Excess).count(), 25);
        assert_ne!(turns.push(now + Duration::from_millis(40), id, ()), Verdict::Excess);
    }
}
