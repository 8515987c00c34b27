//! The names of `server.hosts`: `vision.example.org`, `*.example.org` for every name below it, `*` for all.

use std::net::IpAddr;

/// What is said where all names are allowed.
pub const ALL_WARNING: &str = "server.hosts has \"*\": a page from anywhere that makes its own name lead to this server \
    (DNS rebinding) may read everything and change everything; list the server's names instead";

/// Longest name in DNS.
const MAX_NAME_BYTES: usize = 253;

/// Names that the configuration lists. Addresses among them are left out, since every address is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostNames {
    all: bool,
    names: Vec<Box<str>>,
    /// Ends of names that are allowed, with their dot: `.example.org`.
    endings: Vec<Box<str>>,
}

/// An entry that is not the name of a host.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostNameError {
    /// With a scheme, a port or a path.
    #[error("{entry:?} is more than the name of a host; write {name:?}")]
    MoreThanAName {
        /// As written.
        entry: String,
        /// What was probably meant.
        name: String,
    },
    /// Not a name at all.
    #[error(
        "{0:?} is not the name of a host such as vision.example.org, nor *.example.org (every name below it), nor * (all names)"
    )]
    NotAName(String),
}

impl HostNames {
    /// Reads a list of entries; a dot at the end of a name does not matter.
    pub fn parse(entries: &[String]) -> Result<Self, HostNameError> {
        let mut hosts = Self::default();
        for entry in entries {
            let name = entry.strip_suffix('.').unwrap_or(entry);
            if name == "*" {
                hosts.all = true;
            } else if name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
                // Allowed without being listed.
            } else if let Some(parent) = name.strip_prefix("*.").filter(|parent| is_name(parent.as_bytes())) {
                hosts.endings.push(format!(".{parent}").into());
            } else if is_name(name.as_bytes()) {
                hosts.names.push(name.into());
            } else {
                return Err(entry_error(entry));
            }
        }
        Ok(hosts)
    }

    /// With that host, which others use for this server; an address is allowed anyway.
    #[must_use]
    pub fn with_host(mut self, host: &str) -> Self {
        if is_name(host.as_bytes()) {
            self.names.push(host.into());
        }
        self
    }

    /// Whether every name is allowed.
    pub fn are_all(&self) -> bool {
        self.all
    }

    /// Those that are listed, with `*.` before those that stand for every name below them; not `*`.
    pub fn listed(&self) -> impl Iterator<Item = String> {
        let endings = self.endings.iter().map(|ending| format!("*{ending}"));
        self.names.iter().map(ToString::to_string).chain(endings)
    }

    /// Whether a name is allowed, whatever its case. It has neither a port nor a dot at its end.
    pub fn contains_name(&self, name: &[u8]) -> bool {
        self.all
            || self.names.iter().any(|listed| name.eq_ignore_ascii_case(listed.as_bytes()))
            || self.endings.iter().any(|ending| ends_with(name, ending.as_bytes()))
    }
}

/// The machine's own names: in full, the first label, and that label with `.local`; none where it has no usable one.
pub fn of_this_machine() -> Vec<Box<str>> {
    of_machine(rustix::system::uname().nodename().to_str().unwrap_or_default())
}

/// As [`of_this_machine`], of one that is called so.
pub(crate) fn of_machine(node: &str) -> Vec<Box<str>> {
    let name = node.trim_end_matches('.');
    if !is_name(name.as_bytes()) {
        return Vec::new();
    }
    let label = name.split('.').next().unwrap_or(name);
    vec![name.into(), label.into(), format!("{label}.local").into()]
}

/// Whether a name ends so, whatever its case, and has something before that.
pub fn ends_with(name: &[u8], ending: &[u8]) -> bool {
    name.len()
        .checked_sub(ending.len())
        .is_some_and(|start| start > 0 && name[start..].eq_ignore_ascii_case(ending))
}

/// Whether it can be the name of a host: letters, digits, `-` and `_` between single dots.
pub fn is_name(name: &[u8]) -> bool {
    name.len() <= MAX_NAME_BYTES
        && name.split(|byte| *byte == b'.').all(|label| {
            !label.is_empty() && label.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
        })
}

/// Says what was probably meant.
fn entry_error(entry: &str) -> HostNameError {
    let rest = entry.split_once("://").map_or(entry, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_port = |port: &str| port == "*" || (!port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) => host,
        _ => authority,
    };
    // Some programs write `.example.org` for all names below it.
    let name = host.strip_prefix('.').map_or_else(|| host.to_owned(), |parent| format!("*.{parent}"));
    let is_valid = name == "*" || is_name(name.strip_prefix("*.").unwrap_or(&name).as_bytes());
    let entry = entry.to_owned();
    if is_valid { HostNameError::MoreThanAName { entry, name } } else { HostNameError::NotAName(entry) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(entries: &[&str]) -> Result<HostNames, HostNameError> {
        HostNames::parse(&entries.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn a_name_allows_itself_and_a_star_allows_what_is_below_but_not_the_name_itself() {
        let hosts =
            parse(&["vision.example.org", "*.Cam.example.", "xn--bcher-kva.example", "my_box"]).unwrap();
        for name in ["vision.example.org", "VISION.Example.org", "a.cam.example", "a.b.CAM.example", "my_box"]
        {
            assert!(hosts.contains_name(name.as_bytes()), "{name}");
        }
        for name in [
            "example.org",
            "a.vision.example.org",
            "evilvision.example.org",
            "cam.example",
            ".cam.example",
            "evilcam.example",
            "vision.example.org.evil.example",
            "",
        ] {
            assert!(!hosts.contains_name(name.as_bytes()), "{name}");
        }
        assert!(!hosts.are_all());
        let all = parse(&["a.example", "*"]).unwrap();
        assert!(all.are_all() && all.contains_name(b"evil.example"));
        assert_eq!(parse(&["192.168.1.2", "[::1]", "fe80::1"]).unwrap(), HostNames::default());
    }

    #[test]
    fn a_mistake_names_the_entry_and_what_to_write() {
        for (entry, name) in [
            ("https://vision.example.org", "vision.example.org"),
            ("https://vision.example.org:8443/page?x#y", "vision.example.org"),
            ("vision.example.org:8000", "vision.example.org"),
            ("vision.example.org:*", "vision.example.org"),
            ("vision.example.org/page", "vision.example.org"),
            ("http://*.example.org", "*.example.org"),
            (".example.org", "*.example.org"),
            ("http://*", "*"),
        ] {
            let error = parse(&["a.example", entry]).unwrap_err();
            assert_eq!(error, HostNameError::MoreThanAName { entry: entry.into(), name: name.into() });
        }
        let long = "a".repeat(254);
        for entry in [
            "a.example b.example",
            "",
            ".",
            "a..example",
            "*example.org",
            "a.*.example",
            "bücher.example",
            &long,
        ] {
            assert_eq!(parse(&[entry]).unwrap_err(), HostNameError::NotAName(entry.into()));
        }
    }
}
