//! The names and addresses that a certificate is for.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

/// Addresses of one certificate: a machine with containers may have hundreds, and clients limit a certificate's length.
const MAX_ADDRESSES: usize = 64;

/// Of a machine, or in a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// In small letters; one may begin with `*.`, which stands for one label.
    pub dns: BTreeSet<String>,
    /// Without those of a link, which nobody opens without an interface's name.
    pub addresses: BTreeSet<IpAddr>,
}

impl Names {
    /// The names that can stand in a certificate, `localhost` and the loopback addresses among them.
    pub fn new(dns: impl IntoIterator<Item = String>, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let is_dns = |name: &String| {
            let plain = name.strip_prefix("*.").unwrap_or(name);
            let is_label = |label: &str| {
                !label.is_empty()
                    && label.len() <= 63
                    && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            };
            name.len() <= 253 && plain.split('.').all(is_label)
        };
        let dns = dns.into_iter().map(|name| name.to_ascii_lowercase()).filter(is_dns);
        let is_of_link = |ip: &IpAddr| matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local());
        let addresses = addresses.into_iter().map(|ip| ip.to_canonical());
        let addresses = addresses.filter(|ip| !ip.is_unspecified() && !is_of_link(ip));
        let addresses: BTreeSet<IpAddr> = addresses.collect();
        let own = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
        Self {
            dns: dns.chain(["localhost".to_owned()]).collect(),
            addresses: addresses.into_iter().take(MAX_ADDRESSES).chain(own).collect(),
        }
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses = self.addresses.iter().map(ToString::to_string);
        let all: Vec<String> = self.dns.iter().cloned().chain(addresses).collect();
        f.write_str(&all.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_stand_in_a_certificate_is_left_out() {
        let dns = ["Vision", "vision.local", "*.example.org", "", "a b", "x..y", "*", "ä.example"];
        let addresses = ["192.168.1.5", "::ffff:192.168.1.5", "0.0.0.0", "fe80::1", "fd00::5"];
        let names = Names::new(dns.map(str::to_owned), addresses.map(|address| address.parse().unwrap()));
        assert_eq!(
            names.to_string(),
            "*.example.org, localhost, vision, vision.local, 127.0.0.1, 192.168.1.5, ::1, fd00::5"
        );
    }

    #[test]
    fn a_machine_with_many_addresses_has_some_in_its_certificate() {
        let many = (0..500_u32).map(|i| IpAddr::from(std::net::Ipv4Addr::from(0x0a00_0000 + i)));
        assert_eq!(Names::new([], many).addresses.len(), MAX_ADDRESSES + 2);
    }
}
