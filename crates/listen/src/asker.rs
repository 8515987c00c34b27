//! Who takes shares: whose a connection is, as its latest request says, how many of them there are, and how much comes over them.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use sightwire_base::clock;
use sightwire_base::shares::{Limit, Limited, Shares};

use super::counts::{Counted, Counts};

/// Bytes are counted in pieces, so that few are counted.
const PIECE: usize = 16 << 10;
const PIECES_PER_MIB: u32 = (1 << 20) / PIECE as u32;
/// This many seconds' worth may come at once.
const BURST_S: u32 = 2;

/// Who takes shares.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Asker {
    /// A key or a user, wherever they are; by their name with its kind, `key 3f9c`.
    Known(Arc<str>),
    /// Everybody without a key at this address, together.
    Address(IpAddr),
}

impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(name) => write!(f, "the {name}"),
            Self::Address(address) => write!(f, "the address {address}"),
        }
    }
}

/// A share for each of them: keys and users are not crowded out by addresses, of which somebody may have many.
#[derive(Debug)]
pub struct AskerShares {
    known: Shares<Arc<str>>,
    addresses: Shares<IpAddr>,
}

impl AskerShares {
    /// As [`Shares::new`].
    pub fn new(per_s: u32, burst: u32) -> Option<Self> {
        Some(Self { known: Shares::new(per_s, burst)?, addresses: Shares::new(per_s, burst)? })
    }

    /// As [`Shares::take_some`].
    pub fn take_some(&self, asker: &Asker, count: NonZeroU32) -> Result<(), Duration> {
        match asker {
            Asker::Known(name) => self.known.take_some(name, count),
            Asker::Address(address) => self.addresses.take_some(address, count),
        }
    }

    /// As [`Shares::take_one`].
    pub fn take_one(&self, asker: &Asker) -> Result<(), Duration> {
        self.take_some(asker, NonZeroU32::MIN)
    }
}

/// What each of them may take; 0 means no limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct PerAsker {
    /// Open connections of one key or user.
    pub connections: usize,
    /// MiB a second that come from one key, user or address. More waits to be read.
    pub mib_per_s: u32,
}

/// Counts what each of them takes.
#[derive(Debug)]
pub(super) struct Askers {
    /// Of each key and user.
    open: Arc<Counts<Arc<str>>>,
    allowed: RwLock<Allowed>,
    limited: Arc<Limited>,
}

#[derive(Debug)]
struct Allowed {
    options: PerAsker,
    pieces: Option<AskerShares>,
}

impl From<PerAsker> for Allowed {
    fn from(options: PerAsker) -> Self {
        let pieces = AskerShares::new(options.mib_per_s.saturating_mul(PIECES_PER_MIB), BURST_S);
        Self { options, pieces }
    }
}

/// An open connection of a key or user that is counted.
type Open = Counted<Arc<str>>;

/// Whose a connection is. An extension of its requests.
#[derive(Clone, Debug)]
pub struct Belonging(Arc<State>);

#[derive(Debug)]
struct State {
    askers: Arc<Askers>,
    /// Before `Askers::allowed`, where both are held: whoever has that to read and waits for this keeps a reload from writing it, and
    /// behind a reload that waits nobody gets it to read.
    to: Mutex<(Option<Asker>, Option<Open>)>,
}

/// A key or user has this many connections already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many connections with it: {0} at once (limits.{key})", key = Limit::ConnectionsPerKey.name())]
pub struct TooMany(pub usize);

impl Askers {
    pub fn new(options: PerAsker, limited: Arc<Limited>) -> Arc<Self> {
        Arc::new(Self { open: Counts::new(), allowed: RwLock::new(options.into()), limited })
    }

    /// From now on that is allowed. Connections that are open may stay.
    pub fn set_limits(&self, options: PerAsker) {
        *self.allowed.write() = options.into();
    }

    /// Open connections of one key or user, at most; 0: no limit.
    fn max_connections(&self) -> usize {
        self.allowed.read().options.connections
    }

    /// One more connection of a key or user.
    fn count_connection(&self, name: &Arc<str>) -> Result<Option<Open>, TooMany> {
        let most = self.max_connections();
        if most == 0 {
            return Ok(None);
        }
        self.open.add(name.clone(), most).map(Some).ok_or(TooMany(most))
    }
}

impl Belonging {
    /// To nobody yet.
    pub(super) fn new(askers: Arc<Askers>) -> Self {
        Self(Arc::new(State { askers, to: Mutex::default() }))
    }

    /// Its latest request is theirs; `None`: of somebody who is not limited. Where they have too many already it is theirs, too,
    /// and counts for nothing.
    pub fn assign_to(&self, asker: Option<&Asker>) -> Result<(), TooMany> {
        let State { askers, to } = &*self.0;
        let mut to = to.lock();
        if to.0.as_ref() == asker && (to.1.is_some() || askers.max_connections() == 0) {
            return Ok(());
        }
        *to = (asker.cloned(), None);
        if let Some(Asker::Known(name)) = asker {
            to.1 = askers.count_connection(name).inspect_err(|_| {
                if let Some(unsaid) = askers.limited.count(Limit::ConnectionsPerKey, clock::now()) {
                    let (key, most) = (Limit::ConnectionsPerKey.name(), askers.max_connections());
                    tracing::warn!(
                        unsaid,
                        "a connection with the {name} is refused: {most} are open (limits.{key})"
                    );
                }
            })?;
        }
        Ok(())
    }

    /// This many bytes came. What is left of them is counted later; an error says after how long more may be read.
    pub(super) fn pay_bytes(&self, owed: &mut usize) -> Result<(), Duration> {
        let State { askers, to } = &*self.0;
        // Most reads bring less: nothing is locked for them.
        if *owed < PIECE {
            return Ok(());
        }
        let asker = to.lock().0.clone();
        let Allowed { options, pieces } = &*askers.allowed.read();
        let (Some(pieces), Some(asker)) = (pieces, asker) else {
            // What came without a limit is not owed when there is one.
            *owed = 0;
            return Ok(());
        };
        while let Some(count) = NonZeroU32::new((*owed / PIECE).min(PIECES_PER_MIB as usize) as u32) {
            pieces.take_some(&asker, count).inspect_err(|_| {
                if let Some(unsaid) = askers.limited.count(Limit::MbPerS, clock::now()) {
                    let (key, most) = (Limit::MbPerS.name(), options.mib_per_s);
                    tracing::warn!(
                        unsaid,
                        "what {asker} sends is read more slowly: more than {most} MiB a second (limits.{key})"
                    );
                }
            })?;
            *owed -= count.get() as usize * PIECE;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str) -> Asker {
        Asker::Known(name.into())
    }

    fn askers(connections: usize, mib_per_s: u32) -> Arc<Askers> {
        Askers::new(PerAsker { connections, mib_per_s }, Arc::default())
    }

    #[test]
    fn a_key_has_so_many_connections_at_once_by_the_latest_request_of_each() {
        let askers = askers(2, 0);
        let [first, second, third] = [(); 3].map(|()| Belonging::new(askers.clone()));
        let (gate, yard) = (known("key gate"), known("key yard"));
        assert_eq!(first.assign_to(Some(&gate)), Ok(()));
        assert_eq!(first.assign_to(Some(&gate)), Ok(()), "it is the same one");
        assert_eq!(second.assign_to(Some(&gate)), Ok(()));
        let refused = third.assign_to(Some(&gate)).unwrap_err();
        assert!(refused.to_string().contains("2 at once (limits.connections_per_key)"), "{refused}");
        assert!(third.assign_to(Some(&gate)).is_err(), "not at the second try either");
        assert_eq!(askers.limited.limited_count(Limit::ConnectionsPerKey), 2);
        assert_eq!(third.assign_to(Some(&yard)), Ok(()), "another key has its own");
        // A proxy's connection carries somebody else's request next.
        assert_eq!(second.assign_to(Some(&yard)), Ok(()));
        assert_eq!(third.assign_to(Some(&gate)), Ok(()));
        drop((first, second, third));
        assert!(askers.open.len() == 0, "whoever has left is forgotten");
    }

    #[test]
    fn addresses_and_whoever_is_not_limited_count_no_connections() {
        let askers = askers(1, 0);
        let all: Vec<Belonging> = (0..10).map(|_| Belonging::new(askers.clone())).collect();
        let address = Asker::Address([192, 0, 2, 7].into());
        assert!(all.iter().all(|one| one.assign_to(Some(&address)).is_ok() && one.assign_to(None).is_ok()));
    }

    #[test]
    fn what_came_without_a_limit_is_not_owed_when_there_is_one() {
        let askers = askers(0, 0);
        let (by, mut owed) = (Belonging::new(askers.clone()), 1 << 30);
        by.assign_to(Some(&known("key gate"))).unwrap();
        assert_eq!((by.pay_bytes(&mut owed), owed), (Ok(()), 0));
        askers.set_limits(PerAsker { connections: 0, mib_per_s: 1 });
        owed = PIECE;
        assert_eq!((by.pay_bytes(&mut owed), owed), (Ok(()), 0));
    }

    #[test]
    fn limits_that_change_while_a_connection_is_read_and_assigned_hold_up_neither() {
        let (askers, (give, take)) = (askers(4, 1), std::sync::mpsc::channel());
        let connection = Belonging::new(askers.clone());
        let each = |work: Box<dyn Fn(usize) + Send>| {
            let give = give.clone();
            std::thread::spawn(move || {
                (0..20_000).for_each(work);
                let _ = give.send(());
            });
        };
        let (reads, is_assigned) = (connection.clone(), connection);
        each(Box::new(move |_| {
            let _ = reads.pay_bytes(&mut { PIECE });
        }));
        each(Box::new(move |round| {
            let _ = is_assigned.assign_to(Some(&known(["gate", "yard"][round % 2])));
        }));
        each(Box::new(move |_| askers.set_limits(PerAsker { connections: 4, mib_per_s: 1 })));
        for _ in 0..3 {
            take.recv_timeout(Duration::from_secs(60)).expect("none of them waits for ever");
        }
    }

    #[test]
    fn what_comes_is_counted_for_whom_it_is_of_over_all_its_connections() {
        let askers = askers(0, 1);
        let [one, other, stranger] = [(); 3].map(|()| Belonging::new(askers.clone()));
        let gate = known("key gate");
        one.assign_to(Some(&gate)).unwrap();
        other.assign_to(Some(&gate)).unwrap();
        stranger.assign_to(Some(&known("key yard"))).unwrap();
        let sent = |by: &Belonging, mut owed: usize| by.pay_bytes(&mut owed).map(|()| owed);
        assert_eq!(sent(&one, PIECE - 1), Ok(PIECE - 1), "less than a piece is counted later");
        assert_eq!(sent(&one, 1 << 20), Ok(0));
        assert_eq!(sent(&other, 1 << 20), Ok(0), "two seconds' worth at once");
        let wait = sent(&one, 1 << 20).unwrap_err();
        assert!(wait > Duration::from_millis(500) && wait <= Duration::from_secs(1), "{wait:?}");
        assert!(sent(&other, PIECE).is_err());
        assert_eq!(sent(&stranger, 1 << 20), Ok(0));
        assert!(askers.limited.limited_count(Limit::MbPerS) >= 2);
        one.assign_to(None).unwrap();
        assert_eq!(sent(&one, 10 << 20), Ok(0), "a program on this machine");
    }
}
