//! Addresses, as far as shares and limits are counted by them.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;

/// What counts as one address: one of IPv6 has 2^64 addresses to choose from.
pub fn counted_address(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// For people: without a port where none is known, which is 0 then.
pub fn format_peer(peer: SocketAddr) -> String {
    if peer.port() == 0 { peer.ip().to_string() } else { peer.to_string() }
}

/// Networks that an address may be in; cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Arc<[IpNet]>);

/// A text that is not a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a network such as 10.0.0.0/8, nor an address")]
pub struct NotANetwork(pub String);

impl Networks {
    /// Networks and single addresses.
    pub fn parse(texts: &[String]) -> Result<Self, NotANetwork> {
        let network = |text: &String| {
            let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            network.map_err(|_| NotANetwork(text.clone()))
        };
        Ok(Self(texts.iter().map(network).collect::<Result<_, _>>()?))
    }

    /// Whether it is in one of them.
    pub fn contains_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// One of them that is everybody, if there is such a one.
    pub fn everybody(&self) -> Option<IpNet> {
        self.0.iter().find(|network| network.prefix_len() == 0).copied()
    }

    /// Whether some address is in one of them and in one of those.
    pub fn overlap(&self, others: &Self) -> bool {
        let overlap =
            |one: &IpNet, other: &IpNet| one.contains(&other.network()) || other.contains(&one.network());
        self.0.iter().any(|network| others.0.iter().any(|other| overlap(network, other)))
    }

    /// Whether it has no networks.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// For people: with commas.
impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(i, network)| {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{network}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let counted = |text: &str| counted_address(text.parse().unwrap()).to_string();
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(counted("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(counted("192.0.2.7"), "192.0.2.7");
    }

    #[test]
    fn an_address_is_in_a_network_however_it_is_written() {
        let networks = ["10.0.0.0/8", "192.168.1.7", "fd00::/8"].map(str::to_owned);
        let networks = Networks::parse(&networks).unwrap();
        let contain = |text: &str| networks.contains_address(text.parse().unwrap());
        assert!(
            contain("10.1.2.3") && contain("::ffff:10.1.2.3") && contain("192.168.1.7") && contain("fd12::1")
        );
        assert!(!contain("11.0.0.1") && !contain("192.168.1.8") && !contain("fe80::1"));
        assert!(!Networks::default().contains_address(IpAddr::from([10, 0, 0, 1])));
        let overlap = |text: &str| networks.overlap(&Networks::parse(&[text.to_owned()]).unwrap());
        assert_eq!(networks.to_string(), "10.0.0.0/8, 192.168.1.7/32, fd00::/8");
        assert!(overlap("10.9.0.0/16") && overlap("192.168.0.0/16") && overlap("0.0.0.0/0"));
        assert!(!overlap("11.0.0.0/8") && !overlap("192.168.1.8/32") && !overlap("fe80::/10"));
        assert_eq!(networks.everybody(), None);
        assert!(Networks::parse(&["::/0".to_owned()]).unwrap().everybody().is_some());
        let wrong = Networks::parse(&["10.0.0.0/33".to_owned()]).unwrap_err();
        assert!(wrong.to_string().contains("\"10.0.0.0/33\" is not a network"), "{wrong}");
    }

    #[test]
    fn a_port_is_shown_where_it_is_known() {
        assert_eq!(format_peer("192.0.2.7:80".parse().unwrap()), "192.0.2.7:80");
        assert_eq!(format_peer("192.0.2.7:0".parse().unwrap()), "192.0.2.7");
        assert_eq!(format_peer("[fd00::1]:0".parse().unwrap()), "fd00::1");
    }
}
