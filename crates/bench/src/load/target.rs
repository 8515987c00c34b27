//! Where the load goes: an `http://` address, and the guard that keeps it on this machine.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use thiserror::Error;

/// Why a `--url` was not accepted.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TargetError {
    /// Only plain HTTP is spoken: TLS would measure something else.
    #[error("`{0}`: the address must start with http:// (for example http://127.0.0.1:8000)")]
    Scheme(String),
    /// The part between `http://` and the path is not `host` or `host:port`.
    #[error("`{0}`: cannot read host and port from it")]
    Authority(String),
    /// The name does not resolve.
    #[error("`{0}`: the host name does not resolve to an address")]
    Unresolved(String),
    /// The address is not on this machine.
    #[error(
        "{0} is not a loopback address; a load test against another machine needs --allow-remote and its owner's leave"
    )]
    Remote(IpAddr),
}

/// One server to load, resolved once so that no name lookup runs during the measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `host:port` as it goes into the `Host` header.
    pub authority: String,
    /// The address that is connected to.
    pub address: SocketAddr,
}

impl Target {
    /// Reads `http://host[:port][/…]`; a path is ignored. Refuses other machines unless `allow_remote`.
    pub fn parse(url: &str, allow_remote: bool) -> Result<Self, TargetError> {
        let rest = url.strip_prefix("http://").ok_or_else(|| TargetError::Scheme(url.to_owned()))?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() || authority.contains(['@', ' ']) {
            return Err(TargetError::Authority(url.to_owned()));
        }
        let has_port =
            authority.rsplit_once(':').is_some_and(|(host, _)| !host.contains(':') || host.ends_with(']'));
        let authority = if has_port { authority.to_owned() } else { format!("{authority}:80") };
        let port_is_number = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        if !port_is_number {
            return Err(TargetError::Authority(url.to_owned()));
        }
        let address = authority
            .to_socket_addrs()
            .ok()
            .and_then(|mut addresses| addresses.next())
            .ok_or_else(|| TargetError::Unresolved(url.to_owned()))?;
        if !allow_remote && !address.ip().to_canonical().is_loopback() {
            return Err(TargetError::Remote(address.ip()));
        }
        Ok(Self { authority, address })
    }

    /// Whether the server runs on this machine, so that its process can be looked at.
    pub fn is_loopback(&self) -> bool {
        self.address.ip().to_canonical().is_loopback()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_address_is_accepted_with_and_without_path() {
        let target = Target::parse("http://127.0.0.1:8000/page?x=1", false).unwrap();
        assert_eq!(target.authority, "127.0.0.1:8000");
        assert_eq!(target.address.port(), 8000);
        assert!(target.is_loopback());
        assert_eq!(Target::parse("http://[::1]:8069", false).unwrap().address.port(), 8069);
        assert_eq!(Target::parse("http://127.0.0.1", false).unwrap().address.port(), 80);
    }

    #[test]
    fn another_machine_needs_leave() {
        assert!(matches!(Target::parse("http://192.0.2.7:8000", false), Err(TargetError::Remote(_))));
        assert!(Target::parse("http://192.0.2.7:8000", true).is_ok());
        assert!(matches!(Target::parse("http://0.0.0.0:8000", false), Err(TargetError::Remote(_))));
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(matches!(Target::parse("https://127.0.0.1", false), Err(TargetError::Scheme(_))));
        assert!(matches!(Target::parse("http://", false), Err(TargetError::Authority(_))));
        assert!(matches!(Target::parse("http://127.0.0.1:port", false), Err(TargetError::Authority(_))));
        assert!(matches!(Target::parse("http://user@127.0.0.1:1", false), Err(TargetError::Authority(_))));
    }
}
