//! Clients that cannot send a key: known by the network that they come from and the path that they ask for.

use std::net::IpAddr;

use sightwire_base::address::{Networks, NotANetwork};

use crate::Role;
use crate::scope::{Scope, matches_pattern};

/// Some paths, for some networks, without a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Legacy {
    paths: Vec<Box<str>>,
    networks: Networks,
    role: Role,
    scope: Scope,
}

/// Why a rule is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LegacyError {
    /// It would hold for none.
    #[error("it needs {0}")]
    Empty(&'static str),
    /// It could never match.
    #[error("the path {0:?} does not begin with /; write `/socket.io/*`, for example")]
    Path(String),
    /// It is not a network.
    #[error(transparent)]
    Network(#[from] NotANetwork),
    /// Nobody may decide who else may do something without being known.
    #[error("nobody is an admin without a key; the most is operator")]
    Admin,
}

impl Legacy {
    /// `*` in a path stands for any text.
    pub fn new(paths: &[String], networks: &[String], role: Role, scope: Scope) -> Result<Self, LegacyError> {
        if paths.is_empty() {
            return Err(LegacyError::Empty("paths"));
        }
        if networks.is_empty() {
            return Err(LegacyError::Empty("networks"));
        }
        if let Some(wrong) = paths.iter().find(|path| !path.starts_with('/')) {
            return Err(LegacyError::Path(wrong.clone()));
        }
        if role == Role::Admin {
            return Err(LegacyError::Admin);
        }
        let networks = Networks::parse(networks)?;
        Ok(Self { paths: paths.iter().map(|path| path.as_str().into()).collect(), networks, role, scope })
    }

    /// Whether it holds for that request.
    pub fn applies_to(&self, from: IpAddr, path: &str) -> bool {
        self.networks.contains_address(from)
            && self.paths.iter().any(|pattern| matches_pattern(pattern, path))
    }

    /// Whether somebody in one of these networks could be meant.
    pub fn overlaps(&self, networks: &Networks) -> bool {
        self.networks.overlap(networks)
    }

    /// How much they may do.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The streams and uses that it covers.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The networks, for people.
    pub fn networks(&self) -> &Networks {
        &self.networks
    }

    /// The paths, for people.
    pub fn paths(&self) -> String {
        self.paths.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn legacy(paths: &[&str], networks: &[&str], role: Role) -> Result<Legacy, LegacyError> {
        let [paths, networks] =
            [paths, networks].map(|list| list.iter().map(ToString::to_string).collect::<Vec<_>>());
        Legacy::new(&paths, &networks, role, Scope::ALL)
    }

    #[test]
    fn it_holds_for_its_paths_and_networks_and_nothing_else() {
        let of =
            legacy(&["/socket.io/*", "/stream"], &["192.168.1.0/24", "fd00::7"], Role::Streamer).unwrap();
        let holds = |from: &str, path: &str| of.applies_to(from.parse().unwrap(), path);
        assert!(holds("192.168.1.9", "/socket.io/") && holds("::ffff:192.168.1.9", "/stream"));
        assert!(holds("fd00::7", "/socket.io/x"));
        assert!(!holds("192.168.2.9", "/stream") && !holds("fd00::8", "/stream"));
        assert!(!holds("192.168.1.9", "/streams/active") && !holds("192.168.1.9", "/socket.io"));
    }

    #[test]
    fn what_is_no_rule_says_why() {
        let lan: &[&str] = &["192.168.0.0/16"];
        assert_eq!(legacy(&[], lan, Role::Viewer), Err(LegacyError::Empty("paths")));
        assert_eq!(legacy(&["/x"], &[], Role::Viewer), Err(LegacyError::Empty("networks")));
        assert_eq!(legacy(&["x"], lan, Role::Viewer), Err(LegacyError::Path("x".into())));
        assert_eq!(legacy(&["/x"], &["lan"], Role::Viewer), Err(NotANetwork("lan".into()).into()));
        assert_eq!(legacy(&["/x"], lan, Role::Admin), Err(LegacyError::Admin));
    }
}
