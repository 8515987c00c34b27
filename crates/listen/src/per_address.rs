//! What one address may take: connections at once, and new ones.

use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::RwLock;
use sightwire_base::address::{Networks, counted_address};
use sightwire_base::shares::{Limit, Shares};
use tokio::sync::OwnedSemaphorePermit;

use super::counts::{Counted, Counts};

/// This many seconds' worth of new connections may come at once: a page opens several, and all tabs of a browser come back together.
const BURST_S: u32 = 4;

/// What one address may take; 0 means no limit.
#[derive(Clone, Debug, Default)]
pub struct PerAddress {
    /// Connections that are open at once.
    pub connections: usize,
    /// New ones a second.
    pub connection_rate: u32,
    /// Networks without a limit, beside this machine: proxies, behind which there are many.
    pub exempt: Networks,
}

/// Counts connections by address, as long as they are open.
#[derive(Debug)]
pub(super) struct Addresses {
    open: Arc<Counts<IpAddr>>,
    allowed: RwLock<Allowed>,
}

#[derive(Debug)]
struct Allowed {
    options: PerAddress,
    rate: Option<Shares<IpAddr>>,
}

impl From<PerAddress> for Allowed {
    fn from(options: PerAddress) -> Self {
        let rate = Shares::new(options.connection_rate, BURST_S);
        Self { options, rate }
    }
}

/// What a connection takes while it is open.
#[derive(Debug)]
pub struct ConnectionSlot {
    _permit: OwnedSemaphorePermit,
    _counted: Option<Counted<IpAddr>>,
}

impl From<OwnedSemaphorePermit> for ConnectionSlot {
    fn from(permit: OwnedSemaphorePermit) -> Self {
        Self { _permit: permit, _counted: None }
    }
}

/// An address has what it may have, until it has let go of some: this much of the limit of that key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Enough(pub Limit);

impl Addresses {
    pub fn new(options: PerAddress) -> Arc<Self> {
        Arc::new(Self { open: Counts::new(), allowed: RwLock::new(options.into()) })
    }

    /// From now on that is allowed; who is exempt stays so. Connections that are open may stay.
    pub fn set_limits(&self, &PerAddress { connections, connection_rate, .. }: &PerAddress) {
        let mut allowed = self.allowed.write();
        let exempt = allowed.options.exempt.clone();
        *allowed = PerAddress { connections, connection_rate, exempt }.into();
    }

    /// One more connection of that address, which has a place among all.
    pub fn admit_connection(
        self: &Arc<Self>,
        from: IpAddr,
        permit: OwnedSemaphorePermit,
    ) -> Result<ConnectionSlot, Enough> {
        // Local programs have one address, and so have all who come through a proxy that nobody named.
        let Allowed { options, rate } = &*self.allowed.read();
        if from.to_canonical().is_loopback() || options.exempt.contains_address(from) {
            return Ok(permit.into());
        }
        let address = counted_address(from);
        if rate.as_ref().is_some_and(|rate| rate.take_one(&address).is_err()) {
            return Err(Enough(Limit::ConnectionRate));
        }
        let most = Some(options.connections).filter(|most| *most > 0).unwrap_or(usize::MAX);
        let counted = self.open.add(address, most).ok_or(Enough(Limit::ConnectionsPerAddress))?;
        Ok(ConnectionSlot { _permit: permit, _counted: Some(counted) })
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;

    fn admit(
        addresses: &Arc<Addresses>,
        places: &Arc<Semaphore>,
        from: &str,
    ) -> Result<ConnectionSlot, Enough> {
        addresses.admit_connection(from.parse().unwrap(), places.clone().try_acquire_owned().unwrap())
    }

    #[test]
    fn an_address_has_so_many_connections_at_once_and_another_one_has_its_own() {
        let options = PerAddress { connections: 2, ..PerAddress::default() };
        let (addresses, places) = (Addresses::new(options), Arc::new(Semaphore::new(100)));
        let admit = |from: &str| admit(&addresses, &places, from);
        let first = admit("192.0.2.7").unwrap();
        let second = admit("::ffff:192.0.2.7").unwrap();
        assert_eq!(admit("192.0.2.7").unwrap_err(), Enough(Limit::ConnectionsPerAddress));
        let other = admit("192.0.2.8").unwrap();
        drop(first);
        let again = admit("192.0.2.7").unwrap();
        let network = [admit("2001:db8::1").unwrap(), admit("2001:db8::2").unwrap()];
        assert!(admit("2001:db8::3").is_err(), "a /64 is one");
        assert_eq!(addresses.open.len(), 3);
        drop((network, second, other, again));
        assert!(addresses.open.len() == 0, "whoever has left is forgotten");
        assert_eq!(places.available_permits(), 100, "and gives the place back, also where it was refused");
    }

    #[test]
    fn new_connections_of_an_address_come_at_its_rate() {
        let options = PerAddress { connection_rate: 5, ..PerAddress::default() };
        let (addresses, places) = (Addresses::new(options), Arc::new(Semaphore::new(1000)));
        let came = (0..200).filter(|_| admit(&addresses, &places, "192.0.2.7").is_ok()).count();
        assert!((20..30).contains(&came), "{came}");
        assert_eq!(admit(&addresses, &places, "192.0.2.7").unwrap_err(), Enough(Limit::ConnectionRate));
        assert!(admit(&addresses, &places, "192.0.2.8").is_ok());
    }

    #[test]
    fn this_machine_and_named_proxies_have_no_limit_and_neither_has_anybody_with_zero() {
        let exempt = Networks::parse(&["10.0.0.0/8".to_owned()]).unwrap();
        let options = PerAddress { connections: 1, connection_rate: 1, exempt };
        let (addresses, places) = (Addresses::new(options), Arc::new(Semaphore::new(1000)));
        for from in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.1.2.3"] {
            let all: Vec<ConnectionSlot> =
                (0..50).map(|_| admit(&addresses, &places, from).unwrap()).collect();
            assert_eq!(all.len(), 50, "{from}");
        }
        let unlimited = Addresses::new(PerAddress::default());
        let all: Vec<ConnectionSlot> =
            (0..500).map(|_| admit(&unlimited, &places, "192.0.2.7").unwrap()).collect();
        assert_eq!(all.len(), 500);
    }
}
