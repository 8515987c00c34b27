//! Users whom a proxy has let in: it says their name with each request, and is believed because of where it is.

use std::net::IpAddr;

use ipnet::IpNet;
use sightwire_base::address::{Networks, NotANetwork};

use crate::Role;

/// Headers that say something else already.
const TAKEN: [&str; 9] = [
    "authorization",
    "cookie",
    "host",
    "origin",
    "referer",
    "x-csrf-token",
    "forwarded",
    "x-forwarded-for",
    "user-agent",
];

/// Which proxies are believed, and what users may do whom only they know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyLogin {
    header: Box<str>,
    networks: Networks,
    role: Option<Role>,
}

/// What a request says of whom a proxy has let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// The header came once, with this name.
    One(&'a str),
    /// Several names, or something that is not text.
    Unclear,
}

/// Why no proxy is believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// No request has such a header.
    #[error("it is not the name of a header; one is X-Forwarded-User, for example")]
    Header,
    /// Browsers or proxies send it for something else.
    #[error("this header says something else already; one for names is X-Forwarded-User, for example")]
    Taken,
    /// Everybody would be believed, or nobody.
    #[error("name the networks or addresses of the proxies whose header is believed, such as 10.0.0.2")]
    NoNetworks,
    /// It is not a network.
    #[error(transparent)]
    Network(#[from] NotANetwork),
    /// Anyone who reaches the server could claim to be anybody.
    #[error(
        "{0} is everybody: whoever reaches the server would be whom they say they are; name the proxies alone"
    )]
    Everybody(IpNet),
}

impl ProxyLogin {
    /// `header` is what it has the name in; upper and lower case are the same. `role` is for those who are not in the store; with none
    /// they are not let in.
    pub fn new(header: &str, networks: &[String], role: Option<Role>) -> Result<Self, ProxyError> {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if header.is_empty() || !header.bytes().all(is_letter) {
            return Err(ProxyError::Header);
        }
        let header = header.to_ascii_lowercase();
        if TAKEN.contains(&header.as_str()) {
            return Err(ProxyError::Taken);
        }
        if networks.is_empty() {
            return Err(ProxyError::NoNetworks);
        }
        let networks = Networks::parse(networks)?;
        if let Some(all) = networks.everybody() {
            return Err(ProxyError::Everybody(all));
        }
        Ok(Self { header: header.into(), networks, role })
    }

    /// The header's name, in small letters.
    pub fn header(&self) -> &str {
        &self.header
    }

    /// Whether what comes from there comes from a proxy that is believed.
    pub fn is_from(&self, peer: IpAddr) -> bool {
        self.networks.contains_address(peer)
    }

    /// Of those who are not in the store; `None`: they are not let in.
    pub fn role(&self) -> Option<Role> {
        self.role
    }

    /// The networks, for people.
    pub fn networks(&self) -> &Networks {
        &self.networks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(header: &str, networks: &[&str]) -> Result<ProxyLogin, ProxyError> {
        let networks: Vec<String> = networks.iter().map(ToString::to_string).collect();
        ProxyLogin::new(header, &networks, Some(Role::Viewer))
    }

    #[test]
    fn a_proxy_is_believed_by_where_it_is() {
        let proxy = proxy("X-Forwarded-User", &["10.0.0.0/24", "::1"]).unwrap();
        assert_eq!(proxy.header(), "x-forwarded-user");
        let is_from = |peer: &str| proxy.is_from(peer.parse().unwrap());
        assert!(is_from("10.0.0.7") && is_from("::ffff:10.0.0.7") && is_from("::1"));
        assert!(!is_from("10.0.1.7") && !is_from("127.0.0.1") && !is_from("::2"));
    }

    #[test]
    fn what_would_believe_everybody_or_nobody_is_refused() {
        for header in ["", "X Forwarded", "x:y", "käse", "a\r\nb"] {
            assert_eq!(proxy(header, &["10.0.0.1"]), Err(ProxyError::Header), "{header:?}");
        }
        assert_eq!(proxy("Authorization", &["10.0.0.1"]), Err(ProxyError::Taken));
        assert_eq!(proxy("Remote-User", &[]), Err(ProxyError::NoNetworks));
        assert_eq!(proxy("Remote-User", &["lan"]), Err(NotANetwork("lan".into()).into()));
        for all in ["0.0.0.0/0", "::/0"] {
            assert_eq!(proxy("Remote-User", &[all]), Err(ProxyError::Everybody(all.parse().unwrap())));
        }
    }
}
