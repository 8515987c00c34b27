//! Whether a request is meant for this server: by an address, or by a name that is known to be its own.
//!
//! A page from elsewhere can make its own name lead to this server's address (DNS rebinding). For the browser that page and
//! this server are then of one origin, and it may read everything. The name that it asks for gives it away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::Peer;
use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, Version};
use axum::response::Response;
use futures_util::future::{Either, Ready, ready};
use parking_lot::Mutex;
use sightwire_base::{clock, lines};
use tower::Service;

use crate::names::{self, HostNames, ends_with, is_name};
use crate::refusal::error_response;

/// Time between log lines of a name that is refused again and again.
const LOGGED_AGAIN_AFTER: Duration = Duration::from_secs(600);
/// Names that are logged within that time at most: a client that asks for made-up ones fills neither the log nor the memory.
const MAX_LOGGED: usize = 32;

/// The names that this server answers for. Addresses and `localhost` are always among them.
#[derive(Debug)]
pub struct Hosts {
    listed: HostNames,
    /// The machine's own name: in full, its first label, and that label with `.local`.
    own: Vec<Box<str>>,
    refused: AtomicU64,
    logged: Mutex<Logged>,
}

/// Why a request is not answered.
#[derive(Debug, PartialEq, Eq)]
enum Refusal<'a> {
    /// It breaks RFC 9112, section 3.2.
    Malformed(&'static str),
    /// It is for another server.
    Misdirected(&'a str),
}

impl Hosts {
    /// What is listed, and the machine's own name as it is now.
    pub fn new(listed: HostNames) -> Arc<Self> {
        Arc::new(Self::with_own(listed, names::of_this_machine()))
    }

    fn with_own(listed: HostNames, own: Vec<Box<str>>) -> Self {
        Self { listed, own, refused: AtomicU64::new(0), logged: Mutex::default() }
    }

    /// Requests refused so far because they were for another server.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Looks at the `Host`, and at the target's authority where it has one: proxies go by either.
    fn check_host<'a>(
        &self,
        version: Version,
        target: &'a Uri,
        headers: &'a HeaderMap,
    ) -> Result<(), Refusal<'a>> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = match (hosts.next(), hosts.next()) {
            (_, Some(_)) => return Err(Refusal::Malformed("This request has more than one Host header.")),
            (None, _) if version >= Version::HTTP_11 => {
                return Err(Refusal::Malformed("A request of HTTP/1.1 needs a Host header."));
            }
            (host, None) => host,
        };
        let authority = target.authority().map(|authority| authority.as_str().as_bytes());
        for given in authority.into_iter().chain(host.map(HeaderValue::as_bytes)) {
            match parse_host(given) {
                None => return Err(Refusal::Malformed("The Host of this request is invalid.")),
                Some(Named::Name(name)) if !self.answers_for(name.as_bytes()) => {
                    return Err(Refusal::Misdirected(name));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn answers_for(&self, name: &[u8]) -> bool {
        name.eq_ignore_ascii_case(b"localhost")
            || ends_with(name, b".localhost")
            || self.own.iter().any(|own| name.eq_ignore_ascii_case(own.as_bytes()))
            || self.listed.contains_name(name)
    }

    fn refuse_request(&self, refusal: &Refusal<'_>, peer: Option<&Peer>) -> Response {
        let name = match refusal {
            Refusal::Malformed(reason) => return error_response(StatusCode::BAD_REQUEST, reason),
            Refusal::Misdirected(name) => name,
        };
        self.refused.fetch_add(1, Ordering::Relaxed);
        if self.logged.lock().admit_line(name, clock::now()) {
            let peer = peer.map(|Peer(address)| tracing::field::display(address));
            tracing::warn!(
                peer,
                "refused a request for the host \"{}\" (421); if that is a name of this server, add it to server.hosts",
                lines::short_line(name),
            );
        }
        let detail = format!(
            "This server does not answer for {name:?}. If it should, set SIGHTWIRE_SERVER_HOSTS={name}, or hosts = [{name:?}] below [server] in sightwire.toml."
        );
        error_response(StatusCode::MISDIRECTED_REQUEST, &detail)
    }
}

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
enum Named<'a> {
    /// An address leads here whatever client says so: no page can make it lead elsewhere.
    Address,
    /// Without the port, and without the dot that may end it.
    Name(&'a str),
}

/// Reads `name`, `name:port`, `1.2.3.4:port` or `[::1]:port`; `None` for anything else.
fn parse_host(host: &[u8]) -> Option<Named<'_>> {
    let host = std::str::from_utf8(host).ok()?;
    let is_port = |port: &str| port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(rest) = host.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        // Link-local addresses may say which network is meant: `fe80::1%eth0`.
        let address = address.split_once('%').map_or(address, |(address, _)| address);
        address.parse::<std::net::Ipv6Addr>().ok()?;
        let valid = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return valid.then_some(Named::Address);
    }
    let (name, port) = host.split_once(':').unwrap_or((host, ""));
    let name = name.strip_suffix('.').unwrap_or(name);
    if !is_port(port) || !is_name(name.as_bytes()) {
        return None;
    }
    Some(if name.parse::<std::net::Ipv4Addr>().is_ok() { Named::Address } else { Named::Name(name) })
}

/// Which names were logged lately.
#[derive(Debug, Default)]
struct Logged(Vec<(Box<str>, Instant)>);

impl Logged {
    /// Whether a refused name is to be logged now; if so, it is remembered.
    fn admit_line(&mut self, name: &str, now: Instant) -> bool {
        self.0.retain(|(_, at)| now.saturating_duration_since(*at) < LOGGED_AGAIN_AFTER);
        let is_due =
            self.0.len() < MAX_LOGGED && !self.0.iter().any(|(logged, _)| logged.eq_ignore_ascii_case(name));
        if is_due {
            self.0.push((name.into(), now));
        }
        is_due
    }
}

/// Passes on the requests that are meant for this server, and refuses the others.
#[derive(Clone, Debug)]
pub struct OwnHosts<S> {
    hosts: Arc<Hosts>,
    inner: S,
}

impl<S> OwnHosts<S> {
    /// In front of `inner`.
    pub fn new(hosts: Arc<Hosts>, inner: S) -> Self {
        Self { hosts, inner }
    }
}

impl<S: Service<Request, Response = Response>> Service<Request> for OwnHosts<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if let Err(refusal) = self.hosts.check_host(request.version(), request.uri(), request.headers()) {
            return Either::Right(ready(Ok(self.hosts.refuse_request(&refusal, request.extensions().get()))));
        }
        Either::Left(self.inner.call(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(listed: &[&str]) -> Hosts {
        let listed: Vec<String> = listed.iter().map(ToString::to_string).collect();
        Hosts::with_own(HostNames::parse(&listed).unwrap(), names::of_machine("Gate.lan.example.net"))
    }

    /// 200, 400 or 421.
    fn status(hosts: &Hosts, version: Version, target: &str, given: &[&[u8]]) -> u16 {
        let mut headers = HeaderMap::new();
        for host in given {
            headers.append(HOST, HeaderValue::from_bytes(host).unwrap());
        }
        match hosts.check_host(version, &target.parse().unwrap(), &headers) {
            Ok(()) => 200,
            Err(refusal) => hosts.refuse_request(&refusal, None).status().as_u16(),
        }
    }

    fn of_host(hosts: &Hosts, host: &str) -> u16 {
        status(hosts, Version::HTTP_11, "/livez", &[host.as_bytes()])
    }

    #[test]
    fn addresses_localhost_and_the_machines_own_name_are_answered() {
        let hosts = hosts(&[]);
        for host in [
            "127.0.0.1",
            "127.0.0.1:8000",
            "192.168.1.2:8000",
            "203.0.113.9",
            "127.0.0.1.",
            "[::1]",
            "[::1]:8000",
            "[2001:db8::1]:",
            "[::ffff:127.0.0.1]:8000",
            "[fe80::1%eth0]:8000",
            "[fe80::1%25eth0]",
            "localhost",
            "LocalHost:8000",
            "localhost.",
            "app.localhost:3000",
            "a.b.localhost.",
            "gate",
            "GATE:8000",
            "gate.",
            "gate.local",
            "Gate.Local.:8000",
            "gate.lan.example.net",
            "gate.lan.example.net.:8000",
        ] {
            assert_eq!(of_host(&hosts, host), 200, "{host}");
        }
        assert_eq!(hosts.refused(), 0);
    }

    #[test]
    fn other_names_are_misdirected_and_what_is_no_name_is_malformed() {
        let hosts = hosts(&[]);
        for host in [
            "evil.example",
            "evil.example:8000",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "evillocalhost",
            "gate.evil.example",
            "gate.local.evil.example",
            "lan.example.net",
            "xgate",
            "127.0.0.1.nip.io",
            "2130706433",
            "0x7f.1",
            "local",
            "my_service:8000",
        ] {
            assert_eq!(of_host(&hosts, host), 421, "{host}");
        }
        assert_eq!(hosts.refused(), 14);
        let long = "a".repeat(254);
        for host in [
            "",
            ":8000",
            ".",
            ".localhost",
            "a..localhost",
            "me@localhost",
            "evil.example@127.0.0.1",
            "127.0.0.1:8000:8000",
            "127.0.0.1:80x",
            "127.0.0.1:800000",
            "127.0.0.1, evil.example",
            "localhost evil.example",
            "localhost/x",
            "http://localhost",
            "::1",
            "[::1",
            "[::1]8000",
            "[::1]:x",
            "[evil.example]",
            "\"quoted\"",
            "<b>",
            &long,
        ] {
            assert_eq!(of_host(&hosts, host), 400, "{host}");
        }
        assert_eq!(status(&hosts, Version::HTTP_11, "/", &[b"\xc3\xbcber.example"]), 400);
        assert_eq!(status(&hosts, Version::HTTP_11, "/", &[b"\xff"]), 400);
        assert_eq!(hosts.refused(), 14);
    }

    #[test]
    fn a_machine_without_a_name_answers_for_no_name() {
        for machine in ["", "(none)", "."] {
            assert!(names::of_machine(machine).is_empty());
        }
    }

    #[test]
    fn listed_names_are_answered() {
        let hosts = hosts(&["vision.example.org", "*.cams.example"]);
        for (host, expected) in [
            ("vision.example.org", 200),
            ("Vision.Example.Org.:443", 200),
            ("a.b.cams.example", 200),
            ("cams.example", 421),
            ("evil.example", 421),
        ] {
            assert_eq!(of_host(&hosts, host), expected, "{host}");
        }
    }

    #[test]
    fn all_names_are_answered_where_the_configuration_says_so_but_a_malformed_host_is_not() {
        let hosts = hosts(&["*"]);
        assert_eq!(of_host(&hosts, "evil.example"), 200);
        assert_eq!(of_host(&hosts, "a b"), 400);
        assert_eq!(status(&hosts, Version::HTTP_11, "/", &[]), 400);
    }

    #[test]
    fn one_host_is_needed_from_http_1_1_on() {
        let hosts = hosts(&[]);
        let both: [&[u8]; 2] = [b"localhost", b"localhost"];
        assert_eq!(status(&hosts, Version::HTTP_11, "/", &both), 400);
        assert_eq!(status(&hosts, Version::HTTP_10, "/", &both), 400);
        assert_eq!(status(&hosts, Version::HTTP_11, "/", &[]), 400);
        assert_eq!(status(&hosts, Version::HTTP_10, "/", &[]), 200);
        assert_eq!(status(&hosts, Version::HTTP_10, "/", &[b"evil.example"]), 421);
    }

    #[test]
    fn the_authority_of_the_target_is_held_to_the_same_rule() {
        let hosts = hosts(&[]);
        let local: &[&[u8]] = &[b"localhost"];
        assert_eq!(status(&hosts, Version::HTTP_11, "http://localhost/livez", local), 200);
        assert_eq!(status(&hosts, Version::HTTP_11, "http://127.0.0.1:8000/livez", local), 200);
        assert_eq!(status(&hosts, Version::HTTP_11, "http://evil.example/livez", local), 421);
        assert_eq!(status(&hosts, Version::HTTP_11, "http://localhost@evil.example/livez", local), 400);
        assert_eq!(status(&hosts, Version::HTTP_11, "http://localhost/livez", &[b"evil.example"]), 421);
        assert_eq!(status(&hosts, Version::HTTP_10, "http://evil.example/livez", &[]), 421);
        assert_eq!(status(&hosts, Version::HTTP_11, "evil.example:443", local), 421, "CONNECT");
    }

    #[test]
    fn a_name_is_logged_once_in_a_while_and_only_so_many_are() {
        let (mut logged, start) = (Logged::default(), Instant::now());
        assert!(logged.admit_line("evil.example", start));
        assert!(!logged.admit_line("Evil.example", start + LOGGED_AGAIN_AFTER / 2));
        assert!(logged.admit_line("evil.example", start + LOGGED_AGAIN_AFTER));
        let later = start + 3 * LOGGED_AGAIN_AFTER;
        let lines = (0..1000).filter(|n| logged.admit_line(&format!("{n}.example"), later)).count();
        assert_eq!((lines, logged.0.len()), (MAX_LOGGED, MAX_LOGGED));
        assert!(logged.admit_line("1000.example", later + LOGGED_AGAIN_AFTER));
    }
}
