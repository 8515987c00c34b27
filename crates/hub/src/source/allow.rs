//! Which addresses may be connected to on behalf of a client: a list of what is allowed, everything else is not.
//!
//! A client names a camera by its URL, and the server connects to it: without a check anyone who reaches the server reaches
//! all that the server does (server-side request forgery). So the address itself is checked, after the name has been
//! resolved and right where the connection is made; see [`super::web`].

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Host;

use super::address::CameraUrl;

/// Why an entry of the list is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{entry:?} is neither a network (192.168.1.0/24), an address (192.168.1.50) nor the name of a host (cam.example.org)"
)]
pub struct AllowError {
    /// The entry.
    pub entry: String,
}

/// What an address is, for those that are not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `127.0.0.0/8`, `::1`, and `0.0.0.0/8`, which leads there too.
    Loopback,
    /// `169.254.0.0/16`, `fe80::/10`: machines on the same cable, and the metadata of cloud machines.
    LinkLocal,
    /// Where clouds answer with their machines' secrets.
    Metadata,
    /// An IPv6 address that stands for an IPv4 one (NAT64, 6to4, Teredo).
    Translated,
    /// Multicast, broadcast and other addresses that belong to no machine.
    Reserved,
    /// A private network (RFC 1918, `fc00::/7`).
    Private,
    /// Any address that is none of the others.
    Public,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "a loopback address",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "an address with a cloud's metadata",
            Self::Translated => "an address that stands for another one",
            Self::Reserved => "a reserved address",
            Self::Private => "an address in a private network",
            Self::Public => "a public address",
        })
    }
}

impl Kind {
    /// What a host is, or leads to. Which address a name has is not said: the caller may not know it.
    pub(super) fn describe_host(self, host: &str) -> String {
        let verb = if Network::parse(host).is_some() { "is" } else { "leads to" };
        format!("{verb} {self}")
    }

    /// What has to be listed, so that this host may be connected to.
    pub(super) fn suggest_entry(self, host: &str) -> String {
        let is_address = Network::parse(host).is_some();
        let by_name = match self {
            Self::Private | Self::Public => true,
            Self::Loopback => plain_name(host) == "localhost",
            Self::LinkLocal | Self::Metadata | Self::Translated | Self::Reserved => false,
        };
        if is_address || by_name {
            return format!("cameras.allow = [\"{host}\"]");
        }
        let entry = "the address that this name leads to, or its network, in cameras.allow";
        let example = match self {
            Self::Loopback => " ([\"127.0.0.0/8\", \"::1\"] for this machine)",
            _ => "",
        };
        format!("{entry}{example}; the name itself is not enough there")
    }
}

/// A network: an address and how many of its bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits }
    }

    const fn v6(segments: [u16; 8], bits: u8) -> Self {
        let [a, b, c, d, e, f, g, h] = segments;
        Self { address: IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h)), bits }
    }

    fn parse(entry: &str) -> Option<Self> {
        let (address, bits) = match entry.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
            None => (entry, None),
        };
        let address: IpAddr = address.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        if bits > most {
            return None;
        }
        let canonical = address.to_canonical();
        if canonical.is_ipv4() && address.is_ipv6() {
            return Some(Self { address: canonical, bits: bits.checked_sub(96)? });
        }
        Some(Self { address, bits })
    }

    fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }

    fn is_within(&self, other: &Self) -> bool {
        self.bits >= other.bits && other.contains(self.address)
    }
}

/// Networks that are reached only where they, or a part of them, are named themselves. A wider network does not name them.
const SPECIAL: [(Network, Kind); 19] = [
    (Network::v4(0, 0, 0, 0, 8), Kind::Loopback),
    (Network::v4(127, 0, 0, 0, 8), Kind::Loopback),
    (Network::v4(169, 254, 0, 0, 16), Kind::LinkLocal),
    (Network::v4(100, 100, 100, 200, 32), Kind::Metadata),
    (Network::v4(192, 0, 0, 0, 24), Kind::Metadata),
    (Network::v4(168, 63, 129, 16, 32), Kind::Metadata),
    (Network::v4(224, 0, 0, 0, 4), Kind::Reserved),
    (Network::v4(240, 0, 0, 0, 4), Kind::Reserved),
    // `::`, `::1`, and the IPv4-compatible addresses that nobody uses any more.
    (Network::v6([0; 8], 96), Kind::Loopback),
    (Network::v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96), Kind::Translated),
    (Network::v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96), Kind::Translated),
    (Network::v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), Kind::Translated),
    (Network::v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), Kind::Translated),
    (Network::v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), Kind::Translated),
    // With the site-local addresses that were given up.
    (Network::v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 9), Kind::LinkLocal),
    (Network::v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), Kind::Reserved),
    (Network::v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), Kind::Reserved),
    (Network::v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0], 32), Kind::Metadata),
    (Network::v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0], 32), Kind::Metadata),
];

const PRIVATE: [Network; 4] = [
    Network::v4(10, 0, 0, 0, 8),
    Network::v4(172, 16, 0, 0, 12),
    Network::v4(192, 168, 0, 0, 16),
    Network::v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),
];

/// The list of what may be connected to. Empty by default: nothing may.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allow {
    networks: Vec<Network>,
    names: Vec<String>,
    cameras: Vec<(Host<String>, u16)>,
}

impl Allow {
    /// Reads the entries of `cameras.allow`.
    ///
    /// Each is a network (`192.168.1.0/24`), an address, or the name of a host, which may then have any address but
    /// those that have to be named themselves (loopback, link-local, metadata). `localhost` names the loopback networks.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, AllowError> {
        let mut allow = Self::default();
        for entry in entries.into_iter().map(str::trim) {
            if let Some(network) = Network::parse(entry) {
                allow.networks.push(network);
                continue;
            }
            match Host::parse(entry) {
                Ok(Host::Domain(name)) if plain_name(&name) == "localhost" => {
                    allow.networks.push(Network::v4(127, 0, 0, 0, 8));
                    allow.networks.push(Network::v6([0, 0, 0, 0, 0, 0, 0, 1], 128));
                }
                Ok(Host::Domain(name)) => allow.names.push(plain_name(&name).to_owned()),
                _ => return Err(AllowError { entry: entry.to_owned() }),
            }
        }
        Ok(allow)
    }

    /// Allows the private networks too, as a server that listens on loopback only does.
    #[must_use]
    pub fn with_private_networks(mut self) -> Self {
        self.networks.extend(PRIVATE);
        self
    }

    /// Whether any address in a private network is listed.
    pub fn lists_private(&self) -> bool {
        let overlap = |a: &Network, b: &Network| a.is_within(b) || b.is_within(a);
        self.networks.iter().any(|listed| PRIVATE.iter().any(|private| overlap(listed, private)))
    }

    /// Allows a camera that was configured: its host on its port, whatever its address.
    #[must_use]
    pub fn with_camera(mut self, camera: &CameraUrl) -> Self {
        self.cameras.push((camera.host(), camera.port()));
        self
    }

    /// Whether this camera may be connected to for certain: its name, or its address, is on the list. A name that only
    /// leads to an address on the list is not.
    pub fn is_listed(&self, camera: &CameraUrl) -> bool {
        let (host, port) = (camera.host(), camera.port());
        let listed = match &host {
            Host::Domain(name) => self.is_named(name),
            Host::Ipv4(address) => self.check_address((*address).into(), false).is_ok(),
            Host::Ipv6(address) => self.check_address((*address).into(), false).is_ok(),
        };
        listed || self.is_camera(&host, port)
    }

    /// Whether this is a camera that was configured.
    pub(super) fn is_camera(&self, host: &Host<String>, port: u16) -> bool {
        self.cameras.iter().any(|(camera, camera_port)| camera == host && *camera_port == port)
    }

    /// Whether this name is on the list.
    pub(super) fn is_named(&self, host: &str) -> bool {
        self.names.iter().any(|name| name == plain_name(host))
    }

    /// Whether the address may be connected to; if not, what it is. `is_named`: a name on the list led to it.
    pub fn check_address(&self, address: IpAddr, is_named: bool) -> Result<(), Kind> {
        let address = address.to_canonical();
        let special = SPECIAL.iter().find(|(network, _)| network.contains(address));
        if let Some((special, kind)) = special {
            let listed =
                self.networks.iter().any(|network| network.contains(address) && network.is_within(special));
            return if listed { Ok(()) } else { Err(*kind) };
        }
        if is_named || self.networks.iter().any(|network| network.contains(address)) {
            return Ok(());
        }
        let is_private = PRIVATE.iter().any(|network| network.contains(address));
        Err(if is_private { Kind::Private } else { Kind::Public })
    }
}

/// The private network around a host that is an address in one, as an entry of `cameras.allow`.
pub fn private_network(host: &Host<String>) -> Option<String> {
    let entry = match host {
        Host::Ipv4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Host::Ipv6(address) => {
            let network = Ipv6Addr::from_bits(address.to_bits() >> 64 << 64);
            format!("{network}/64")
        }
        Host::Domain(_) => return None,
    };
    let network = Network::parse(&entry)?;
    PRIVATE.iter().any(|private| network.is_within(private)).then_some(entry)
}

/// A name without the dot that may end it.
fn plain_name(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}
