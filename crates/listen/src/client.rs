//! Whose address a request comes from: that of its connection or, where that is a proxy's whose word counts, of the client.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::FORWARDED;
use http::{Extensions, HeaderMap, HeaderName};
use sightwire_base::address::{Networks, counted_address, format_peer};

use super::Peer;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Proxies that a request may have come through. More were not set up by anybody.
const MAX_HOPS: usize = 32;

/// Whose it is. An extension of each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress {
    address: SocketAddr,
    known: Known,
}

/// How well it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// The connection's, and nobody says that it is not the client's.
    Direct,
    /// A proxy whose word counts has said it.
    Told,
    /// The connection's, through a proxy whose word does not count: many may be behind it.
    Proxied,
    /// The connection's, of a proxy whose word counts and that has said nothing that can be understood.
    Unclear,
}

/// The first layer of all.
pub async fn identify_client(State(trusted): State<Networks>, mut request: Request, next: Next) -> Response {
    if let Some(Peer(peer)) = request.extensions().get::<Peer>() {
        let address = ClientAddress::new(*peer, request.headers(), &trusted);
        request.extensions_mut().insert(address);
    }
    next.run(request).await
}

/// The client's address; `None` where there is no connection.
pub fn request_client(extensions: &Extensions) -> Option<ClientAddress> {
    extensions.get().copied()
}

impl ClientAddress {
    /// The client that has sent these headers; `trusted` are the proxies that are believed.
    pub fn new(peer: SocketAddr, headers: &HeaderMap, trusted: &Networks) -> Self {
        let proxied = is_proxied(headers);
        if !trusted.contains_address(peer.ip()) {
            let known = if proxied { Known::Proxied } else { Known::Direct };
            return Self { address: peer, known };
        }
        if !proxied {
            return Self { address: peer, known: Known::Direct };
        }
        // A proxy sets one of them and may pass on the other as the client has sent it: only what both say counts.
        let told = [
            forwarded_addresses(headers).map(|chain| client_of(chain, trusted)),
            x_forwarded_for(headers).map(|chain| client_of(chain, trusted)),
        ];
        match told {
            [Some(Some(ip)), None] | [None, Some(Some(ip))] => Self::from_proxy(ip),
            [Some(Some(one)), Some(Some(other))] if one == other => Self::from_proxy(one),
            _ => Self { address: peer, known: Known::Unclear },
        }
    }

    fn from_proxy(ip: IpAddr) -> Self {
        Self { address: SocketAddr::new(ip, 0), known: Known::Told }
    }

    /// For limits and for the log.
    pub fn ip(&self) -> IpAddr {
        self.address.ip()
    }

    /// Port 0 is not known.
    pub fn socket(&self) -> SocketAddr {
        self.address
    }

    /// Where a client that needs no key has to be; `None` where that cannot be told, though it should.
    pub fn place(&self) -> Option<IpAddr> {
        matches!(self.known, Known::Direct | Known::Told).then(|| self.ip())
    }

    /// Many may have it who have done nothing wrong: a proxy on this machine that nobody named passes them on. Whatever else says
    /// that it is a proxy, or what a named one does not say clearly, has one share.
    pub fn is_shared(&self) -> bool {
        self.known == Known::Proxied && self.ip().to_canonical().is_loopback()
    }

    /// Whose shares it takes, if it can be told.
    pub fn share_address(&self) -> Option<IpAddr> {
        (!self.is_shared()).then(|| counted_address(self.ip()))
    }

    /// By which requests are limited; `None` for programs on this machine.
    pub fn limit_address(&self) -> Option<IpAddr> {
        let is_local = self.known == Known::Direct && self.ip().to_canonical().is_loopback();
        (!is_local).then(|| counted_address(self.ip()))
    }
}

/// Whether a proxy passed it on and says so: then its address is the proxy's.
pub fn is_proxied(headers: &HeaderMap) -> bool {
    let says_so = |name: &HeaderName| {
        matches!(name.as_str(), "forwarded" | "x-real-ip" | "via")
            || name.as_str().starts_with("x-forwarded-")
    };
    headers.keys().any(says_so)
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_peer(self.address))
    }
}

/// The nearest address that is not a trusted proxy's; if all are, the farthest. `None` where one up to there is not an address: the proxy
/// that wrote it may have had a reason.
fn client_of<'a>(chain: impl DoubleEndedIterator<Item = &'a str>, trusted: &Networks) -> Option<IpAddr> {
    let mut farthest = None;
    for (hop, text) in chain.rev().enumerate() {
        let address = parse_address(text).filter(|_| hop < MAX_HOPS)?;
        if !trusted.contains_address(address) {
            return Some(address);
        }
        farthest = Some(address);
    }
    farthest
}

/// The entries of `X-Forwarded-For`, the client's first; what is not text is not an address either.
fn x_forwarded_for(headers: &HeaderMap) -> Option<impl DoubleEndedIterator<Item = &str>> {
    let lines = headers.contains_key(X_FORWARDED_FOR).then(|| headers.get_all(X_FORWARDED_FOR).iter())?;
    Some(lines.flat_map(|line| line.to_str().unwrap_or("?").split(',')).map(str::trim))
}

/// The same of `Forwarded` (RFC 7239): one for each proxy, also for one that does not say `for`.
fn forwarded_addresses(headers: &HeaderMap) -> Option<impl DoubleEndedIterator<Item = &str>> {
    let lines = headers.contains_key(FORWARDED).then(|| headers.get_all(FORWARDED).iter())?;
    // Text in quotes that has a comma in it is not an address, and neither is any part of it.
    Some(lines.flat_map(|line| line.to_str().unwrap_or("?").split(',')).map(|element| {
        let mut named = element.split(';').filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            name.trim().eq_ignore_ascii_case("for").then(|| value.trim())
        });
        let (one, another) = (named.next(), named.next());
        let value = one.filter(|_| another.is_none()).unwrap_or("?");
        value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
    }))
}

/// `192.0.2.7`, `192.0.2.7:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn parse_address(text: &str) -> Option<IpAddr> {
    let bare = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || {
        let inner = text.strip_prefix('[')?.strip_suffix(']')?;
        inner.parse::<Ipv6Addr>().ok().map(IpAddr::from)
    };
    let found = bare.or_else(with_port).or_else(in_brackets)?.to_canonical();
    (!found.is_unspecified()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(peer: &str, given: &[(&'static str, &str)]) -> ClientAddress {
        let trusted = ["10.0.0.0/8", "127.0.0.1", "fd00::1"].map(str::to_owned);
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, value.parse().unwrap());
        }
        ClientAddress::new(
            SocketAddr::new(peer.parse().unwrap(), 9),
            &headers,
            &Networks::parse(&trusted).unwrap(),
        )
    }

    fn place(peer: &str, given: &[(&'static str, &str)]) -> Option<String> {
        of(peer, given).place().map(|ip| ip.to_string())
    }

    #[test]
    fn the_last_address_that_is_no_proxys_counts_and_never_what_the_client_wrote_before_it() {
        for (header, value, expected) in [
            ("x-forwarded-for", "192.0.2.7", "192.0.2.7"),
            ("x-forwarded-for", "6.6.6.6, 192.0.2.7", "192.0.2.7"),
            ("x-forwarded-for", "6.6.6.6, 192.0.2.7, 10.1.1.1", "192.0.2.7"),
            ("x-forwarded-for", "nonsense, 192.0.2.7", "192.0.2.7"),
            ("x-forwarded-for", "127.0.0.1,192.0.2.7:4711 ,10.1.1.1", "192.0.2.7"),
            ("x-forwarded-for", "2001:db8::1", "2001:db8::1"),
            ("x-forwarded-for", "::ffff:192.0.2.7", "192.0.2.7"),
            ("x-forwarded-for", "10.3.3.3, 10.2.2.2", "10.3.3.3"),
            ("forwarded", "for=192.0.2.7", "192.0.2.7"),
            ("forwarded", "For=\"[2001:db8::1]:80\";proto=https;by=10.0.0.1", "2001:db8::1"),
            ("forwarded", "for=6.6.6.6, proto=https;for=\"192.0.2.7:80\", for=10.1.1.1", "192.0.2.7"),
        ] {
            let found = of("10.0.0.1", &[(header, value)]);
            assert_eq!((found.ip().to_string().as_str(), found.known), (expected, Known::Told), "{value}");
            assert_eq!(
                (found.place(), found.limit_address().is_some(), found.share_address().is_some()),
                (Some(found.ip()), true, true)
            );
        }
        let lines = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.7")];
        assert_eq!(place("fd00::1", &lines).as_deref(), Some("192.0.2.7"));
    }

    #[test]
    fn what_cannot_be_understood_lets_nobody_in_and_is_counted_with_the_proxy() {
        for given in [
            &[("x-forwarded-for", "192.0.2.7, unknown")][..],
            &[("x-forwarded-for", "192.0.2.7, ")],
            &[("x-forwarded-for", "")],
            &[("x-forwarded-for", "192.0.2.7, 999.0.0.1, 10.1.1.1")],
            &[("x-forwarded-for", "0.0.0.0")],
            &[("forwarded", "for=unknown")],
            &[("forwarded", "for=_hidden")],
            &[("forwarded", "proto=https")],
            &[("forwarded", "for=192.0.2.7;for=192.0.2.8")],
            &[("forwarded", "for=\"192.0.2.7")],
            // The proxy has set one of them, and the client the other.
            &[("forwarded", "for=6.6.6.6"), ("x-forwarded-for", "192.0.2.7")],
            &[("forwarded", "for=192.0.2.7"), ("x-forwarded-for", "nonsense")],
            &[("x-real-ip", "192.0.2.7")],
            &[("via", "1.1 proxy")],
        ] {
            let found = of("10.0.0.1", given);
            assert_eq!(
                (found.ip().to_string().as_str(), found.place(), found.share_address()),
                ("10.0.0.1", None, Some(found.ip())),
                "{given:?}"
            );
            assert_eq!(
                of("127.0.0.1", given).limit_address(),
                Some(IpAddr::from([127, 0, 0, 1])),
                "{given:?}"
            );
        }
        let many = vec!["10.1.1.1"; MAX_HOPS + 1].join(",");
        assert_eq!(place("10.0.0.1", &[("x-forwarded-for", &many)]), None);
        let both = [("forwarded", "for=192.0.2.7"), ("x-forwarded-for", "192.0.2.7")];
        assert_eq!(place("10.0.0.1", &both).as_deref(), Some("192.0.2.7"));
    }

    #[test]
    fn nobody_else_is_believed() {
        let found = of("192.0.2.1", &[("x-forwarded-for", "127.0.0.1")]);
        assert_eq!(
            (found.ip().to_string().as_str(), found.known, found.share_address()),
            ("192.0.2.1", Known::Proxied, Some(found.ip()))
        );
        let nobody_named = ClientAddress::new(
            "127.0.0.1:9".parse().unwrap(),
            &HeaderMap::from_iter([(X_FORWARDED_FOR, "192.0.2.7".parse().unwrap())]),
            &Networks::default(),
        );
        assert_eq!(nobody_named.share_address(), None, "many come through it");
        assert_eq!(
            found.limit_address(),
            Some(IpAddr::from([192, 0, 2, 1])),
            "no header frees anybody from limits"
        );
        let direct = of("192.0.2.1", &[]);
        assert_eq!((direct.place(), direct.limit_address()), (Some(direct.ip()), Some(direct.ip())));
    }

    #[test]
    fn only_programs_of_this_machine_that_come_through_no_proxy_have_no_limit() {
        assert_eq!(of("127.0.0.1", &[]).limit_address(), None);
        assert_eq!(of("::1", &[]).limit_address(), None);
        assert!(of("::1", &[("x-forwarded-for", "192.0.2.7")]).limit_address().is_some());
        assert!(of("127.0.0.1", &[("x-forwarded-for", "127.0.0.1")]).limit_address().is_some());
    }
}
