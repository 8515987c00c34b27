//! Places for connections: a number in all, and a number of one address. A client that has not said who it is gives its place to a newcomer
//! when all are taken.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use sightwire_base::address::counted_address;
use tokio_util::sync::CancellationToken;

/// Places, and who has them.
#[derive(Debug)]
pub(crate) struct Places {
    all: usize,
    each: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Of each address that has some.
    each: HashMap<IpAddr, usize>,
    /// Of those who have not said who they are, the oldest first.
    unknown: BTreeMap<u64, CancellationToken>,
    next: u64,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(crate) struct RequestSlot {
    places: Arc<Places>,
    number: u64,
    gives_way: CancellationToken,
    /// This machine's is not counted.
    address: Option<IpAddr>,
}

impl Places {
    /// This many in all, and this many of one address; this machine may have them all.
    pub(crate) fn new(all: usize, each: usize) -> Arc<Self> {
        Arc::new(Self { all, each, taken: Mutex::default() })
    }

    /// One more of that address; `None` where it has enough, or all are taken by those who are known.
    pub(crate) fn take_place(self: &Arc<Self>, from: IpAddr) -> Option<RequestSlot> {
        let address = (!from.to_canonical().is_loopback()).then(|| counted_address(from));
        let mut taken = self.taken.lock();
        let has = address.and_then(|address| taken.each.get(&address)).copied().unwrap_or_default();
        if address.is_some() && has >= self.each {
            return None;
        }
        if taken.all >= self.all {
            // Its place is this one's from now on.
            taken.unknown.pop_first()?.1.cancel();
        } else {
            taken.all += 1;
        }
        let (number, gives_way) = (taken.next, CancellationToken::new());
        taken.next += 1;
        taken.unknown.insert(number, gives_way.clone());
        if let Some(address) = address {
            taken.each.insert(address, has + 1);
        }
        Some(RequestSlot { places: self.clone(), number, gives_way, address })
    }

    /// How many are taken.
    pub(crate) fn count_taken(&self) -> usize {
        self.taken.lock().all
    }
}

impl RequestSlot {
    /// The client that has it has said who it is, and keeps it.
    pub(crate) fn mark_known(&self) {
        let mut taken = self.places.taken.lock();
        taken.unknown.remove(&self.number);
    }

    /// Until another has it.
    pub(crate) async fn given_away(&self) {
        self.gives_way.cancelled().await;
    }
}

impl Drop for RequestSlot {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        taken.unknown.remove(&self.number);
        if !self.gives_way.is_cancelled() {
            taken.all -= 1;
        }
        let Some(address) = self.address else { return };
        let left = taken.each.get(&address).map_or(0, |has| has - 1);
        if left == 0 {
            taken.each.remove(&address);
        } else {
            taken.each.insert(address, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_connections_and_leaves_the_rest_to_others() {
        let places = Places::new(5, 2);
        let take = |from: &str| places.take_place(from.parse().unwrap()).inspect(RequestSlot::mark_known);
        let first = take("192.0.2.7").unwrap();
        let second = take("::ffff:192.0.2.7").unwrap();
        assert!(take("192.0.2.7").is_none() && take("192.0.2.8").is_some());
        drop(first);
        let again = take("192.0.2.7").unwrap();
        let network = [take("2001:db8::1").unwrap(), take("2001:db8::2").unwrap()];
        assert!(take("2001:db8::3").is_none(), "a /64 is one");
        let here = take("127.0.0.1").unwrap();
        assert!(take("192.0.2.8").is_none(), "all are taken");
        drop((network, second, again, here));
        let here: Vec<RequestSlot> = (0..5).map(|_| take("::1").unwrap()).collect();
        assert!(take("127.0.0.1").is_none() && places.count_taken() == 5, "this machine may have them all");
        drop(here);
        assert!(places.taken.lock().unknown.is_empty());
        assert!(
            places.count_taken() == 0 && places.taken.lock().each.is_empty(),
            "whoever has left is forgotten"
        );
    }

    #[test]
    fn whoever_has_not_said_who_it_is_gives_its_place_to_a_newcomer() {
        let places = Places::new(3, 3);
        let take = |from: &str| places.take_place(from.parse().unwrap());
        let known = take("192.0.2.7").unwrap();
        known.mark_known();
        let silent = [take("192.0.2.8").unwrap(), take("192.0.2.9").unwrap()];
        let newcomer = take("192.0.2.10").unwrap();
        newcomer.mark_known();
        let gone = |place: &RequestSlot| place.gives_way.is_cancelled();
        assert!(gone(&silent[0]) && !gone(&silent[1]) && !gone(&known), "the oldest that is silent");
        let _second = take("192.0.2.11").inspect(RequestSlot::mark_known).unwrap();
        assert!(gone(&silent[1]));
        assert!(take("192.0.2.12").is_none(), "all are known");
        drop(silent);
        assert_eq!(places.count_taken(), 3, "their places are others'");
        drop((known, newcomer));
        assert_eq!(places.count_taken(), 1);
    }
}
