//! Who reaches the server: a warning where other machines do, and the addresses under which they do.

use std::net::{IpAddr, SocketAddr};

use sightwire_config::{Config, Who};

/// How networks of containers and virtual machines are called, which nobody else is in.
const INNER: [&str; 4] = ["docker", "br-", "veth", "virbr"];

/// For whoever runs the server; `None` where only this machine reaches it.
pub fn warning(config: &Config) -> Option<String> {
    let open: Vec<String> = config
        .server
        .listen
        .iter()
        .filter(|address| !is_loopback(address.ip()))
        .map(ToString::to_string)
        .collect();
    if open.is_empty() {
        return None;
    }
    let mut what = vec!["send streams"];
    what.extend(
        [
            (config.server.managing, "end those of others (server.managing)"),
            (config.cameras.changing, "change cameras (cameras.changing)"),
            (config.recognizer.switching, "switch the model (recognizer.switching)"),
        ]
        .iter()
        .filter(|(who, _)| *who == Who::Anyone)
        .map(|(_, what)| *what),
    );
    Some(format!(
        "other machines reach this server ({}), and there is no sign-in yet: whoever reaches it sees every camera and stream, and may {}",
        open.join(", "),
        what.join(", "),
    ))
}

/// Addresses to open on other machines, where the server listens on all of this machine's.
pub fn addresses_to_open(listen: &[SocketAddr]) -> Vec<SocketAddr> {
    // That they cannot be learned is no reason not to serve.
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let outer = interfaces.iter().filter(|one| !INNER.iter().any(|inner| one.name.starts_with(inner)));
    to_open(listen, &outer.map(if_addrs::Interface::ip).collect::<Vec<_>>())
}

fn to_open(listen: &[SocketAddr], own: &[IpAddr]) -> Vec<SocketAddr> {
    let mut found = Vec::new();
    for address in listen.iter().filter(|address| address.ip().is_unspecified()) {
        let reaches = |ip: &&IpAddr| match ip {
            IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
            // Those of a link cannot be opened without the interface's name.
            IpAddr::V6(v6) => address.is_ipv6() && !v6.is_loopback() && !v6.is_unicast_link_local(),
        };
        found.extend(own.iter().filter(reaches).map(|ip| SocketAddr::new(*ip, address.port())));
    }
    found.sort();
    found.dedup();
    found
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sightwire_config::Layers;

    fn warned(flags: &[&str]) -> Option<String> {
        let mut layers = Layers::defaults();
        for flag in flags {
            layers.add_flag(flag).unwrap();
        }
        warning(&Config::from_layers(&layers).unwrap())
    }

    #[test]
    fn a_server_that_others_reach_is_warned_of_and_what_they_may_is_said() {
        assert_eq!(warned(&[]), None);
        assert_eq!(warned(&["server.listen=127.0.0.2:1,[::1]:1,[::ffff:127.0.0.1]:1"]), None);
        for open in ["0.0.0.0:1", "[::]:1", "192.168.1.2:1", "[fd00::1]:1"] {
            let warning = warned(&[&format!("server.listen=127.0.0.1:1,{open}")]).unwrap();
            assert!(warning.contains(&format!("({open})")) && warning.contains("no sign-in"), "{warning}");
            assert!(!warning.contains("server.managing"), "{warning}");
        }
        let warning = warned(&["server.listen=0.0.0.0:1", "server.managing=anyone"]).unwrap();
        assert!(
            warning.ends_with("and may send streams, end those of others (server.managing)"),
            "{warning}"
        );
    }

    #[test]
    fn only_addresses_that_others_can_open_are_named() {
        let own = ["127.0.0.1", "192.168.1.5", "169.254.1.1", "fe80::1", "fd00::5", "::1"];
        let own: Vec<IpAddr> = own.iter().map(|ip| ip.parse().unwrap()).collect();
        let open = |listen: &[&str]| {
            let listen: Vec<SocketAddr> = listen.iter().map(|address| address.parse().unwrap()).collect();
            to_open(&listen, &own).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(open(&["0.0.0.0:80"]), ["192.168.1.5:80"]);
        assert_eq!(open(&["[::]:80"]), ["192.168.1.5:80", "[fd00::5]:80"]);
        assert_eq!(open(&["0.0.0.0:80", "[::]:80"]), ["192.168.1.5:80", "[fd00::5]:80"]);
        assert!(open(&["127.0.0.1:80", "192.168.1.5:80"]).is_empty());
    }
}
