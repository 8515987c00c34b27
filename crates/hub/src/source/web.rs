//! One request to a camera: to checked addresses only, redirects followed by hand, every wait with a deadline.
//!
//! The check is where the connection is made: the client's resolver gives it addresses that have passed, and no name is
//! resolved a second time. The client asks no resolver for a host that is an address already, so that is checked before.
//! No proxy of the environment connects for us.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, COOKIE, LOCATION, SET_COOKIE, WWW_AUTHENTICATE,
};
use reqwest::{Client, Response, StatusCode};
use sightwire_http_client::cause::{find_error, root_cause};
use sightwire_http_client::trust::{self, Fingerprint, Shown, Trust};
use tokio::time::timeout;
use url::Host;

use super::SourceError;
use super::address::{AddressError, CameraUrl};
use super::allow::{Allow, Kind};

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 3;
/// Cookies of one camera that are kept while it sends on, and bytes of one.
const MAX_COOKIES: usize = 16;
const MAX_COOKIE_BYTES: usize = 4096;
/// How long a connection may take, from the name's resolution to the end of the TLS handshake.
pub const CONNECT: Duration = Duration::from_secs(5);

/// Without bytes for this long the other end is asked whether it is there, three times.
const KEEPALIVE: Duration = Duration::from_secs(5);

/// The addresses of a name.
pub type Addresses<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Finds the addresses of a name.
pub trait Resolve: Send + Sync {
    /// All addresses of `host`, in the order in which to try them.
    fn resolve<'a>(&'a self, host: &'a str) -> Addresses<'a>;
}

/// As the system does it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> Addresses<'a> {
        Box::pin(async move {
            Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
        })
    }
}

/// What requests need; one for all cameras.
#[derive(Clone)]
pub struct Web {
    allow: Arc<Allow>,
    resolver: Arc<dyn Resolve>,
    trust: Trust,
    connect: Duration,
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Web").field("allow", &self.allow).finish_non_exhaustive()
    }
}

impl Web {
    /// Requests to what `allow` allows, with the system's resolver and certificate authorities.
    pub fn new(allow: Arc<Allow>) -> Self {
        Self { allow, resolver: Arc::new(SystemResolver), trust: Trust::System, connect: CONNECT }
    }

    /// The same, which finds addresses of names with this resolver.
    #[must_use]
    pub fn with_resolver(mut self, resolver: Arc<dyn Resolve>) -> Self {
        self.resolver = resolver;
        self
    }

    /// With other certificate authorities.
    #[must_use]
    pub fn with_trust(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }

    /// With another limit than [`CONNECT`] on the time that a connection takes.
    #[must_use]
    pub fn with_connect_timeout(mut self, connect: Duration) -> Self {
        self.connect = connect;
        self
    }

    /// Whether a client may name this camera, as far as can be told without resolving its name.
    ///
    /// The check that counts is made again whenever a connection is made.
    pub fn check_camera(&self, camera: &CameraUrl) -> Result<(), AddressError> {
        let (host, port) = (camera.host(), camera.port());
        let address = match &host {
            Host::Ipv4(address) => IpAddr::V4(*address),
            Host::Ipv6(address) => IpAddr::V6(*address),
            Host::Domain(_) => return Ok(()),
        };
        self.check_connect(&host, port, address).map_err(|kind| AddressError::Forbidden {
            camera: camera.to_string(),
            host: host.to_string(),
            kind,
        })
    }

    /// What finds addresses of names.
    pub(super) fn resolver(&self) -> &dyn Resolve {
        &*self.resolver
    }

    /// How long a connection may take.
    pub(super) fn connect_timeout(&self) -> Duration {
        self.connect
    }

    /// Whether a connection to that address may be made for that host; if not, what the address is.
    pub(super) fn check_connect(&self, host: &Host<String>, port: u16, address: IpAddr) -> Result<(), Kind> {
        if self.allow.is_camera(host, port) {
            return Ok(());
        }
        let is_named = matches!(host, Host::Domain(name) if self.allow.is_named(name));
        self.allow.check_address(address, is_named)
    }

    /// A session with one camera, which keeps its connection where the camera does.
    pub(super) fn new_session(&self) -> CameraClient {
        CameraClient { web: self.clone(), open: None, shown: Shown::default(), cookies: Vec::new() }
    }

    /// The whole answer at that address of a camera, which is short: at most this many bytes, within this time.
    pub async fn fetch(
        &self,
        camera: &CameraUrl,
        max_bytes: usize,
        patience: Duration,
    ) -> Result<Vec<u8>, SourceError> {
        let due = tokio::time::Instant::now() + patience;
        let late = || SourceError::NoAnswer { camera: camera.to_string(), after: patience };
        let broken = |reason| SourceError::Broken { camera: camera.to_string(), reason };
        // Where a redirect leads is not what was asked for.
        let asked =
            tokio::time::timeout_at(due, async { self.new_session().get_one(camera, patience).await });
        let mut response = check_status(camera, asked.await.map_err(|_| late())??)?;
        let mut answer = Vec::new();
        loop {
            match tokio::time::timeout_at(due, response.chunk()).await {
                Err(_) => return Err(late()),
                Ok(Err(error)) => return Err(broken(root_cause(&error))),
                Ok(Ok(None)) => return Ok(answer),
                Ok(Ok(Some(chunk))) if answer.len() + chunk.len() > max_bytes => {
                    return Err(broken(format!("the answer has more than {max_bytes} bytes")));
                }
                Ok(Ok(Some(chunk))) => answer.extend_from_slice(&chunk),
            }
        }
    }

    fn build_client(&self, camera: &CameraUrl, shown: &Shown) -> Result<Client, SourceError> {
        let resolver = Checked {
            web: self.clone(),
            host: camera.host(),
            port: camera.port(),
            camera: camera.to_string(),
        };
        let untrusted =
            |reason| SourceError::Untrusted { camera: camera.to_string(), reason, fingerprint: None };
        let trust = camera.fingerprint().map_or_else(|| self.trust.clone(), Trust::Fingerprint);
        let tls = if camera.is_https() { trust.tls_showing(shown) } else { Ok(trust::trust_nobody()) };
        let tls = tls.map_err(|error| untrusted(error.to_string()))?;
        sightwire_http_client::direct_builder(tls)
            // What boards send for a header is not always one.
            .http1_ignore_invalid_headers_in_responses(true)
            .http1_allow_spaces_after_header_name_in_responses(true)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .connect_timeout(self.connect)
            // A camera without power says nothing, and a slow one is waited for longer than this takes to tell.
            .tcp_keepalive(KEEPALIVE)
            .tcp_keepalive_interval(KEEPALIVE)
            .tcp_keepalive_retries(3)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(Duration::from_secs(30))
            .dns_resolver(resolver)
            .build()
            .map_err(|error| untrusted(root_cause(&error)))
    }
}

/// Requests to one camera, one at a time.
pub(super) struct CameraClient {
    web: Web,
    open: Option<(url::Origin, Client)>,
    /// The certificate that was shown last.
    shown: Shown,
    /// Of the camera's own host, as it has set them.
    cookies: Vec<(String, String)>,
}

impl CameraClient {
    /// Asks for `camera` and waits for the beginning of its answer, at most `patience` after the connection is there.
    ///
    /// Follows redirects; an answer other than success is an error.
    pub async fn get(&mut self, camera: &CameraUrl, patience: Duration) -> Result<Response, SourceError> {
        let mut at = camera.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.get_one(&at, patience).await?;
            let status = response.status();
            if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
                return check_status(&at, response);
            }
            self.keep_cookies(&response);
            let Some(location) = response.headers().get(LOCATION).and_then(|value| value.to_str().ok())
            else {
                break;
            };
            let next = at.resolve_redirect(location)?;
            if next.host() != at.host() {
                self.cookies.clear();
            }
            at = next;
        }
        Err(SourceError::Redirects { camera: camera.to_string() })
    }

    async fn get_one(&mut self, camera: &CameraUrl, patience: Duration) -> Result<Response, SourceError> {
        self.web.check_camera(camera)?;
        let origin = camera.url().origin();
        let client = match &self.open {
            Some((open, client)) if *open == origin => client.clone(),
            _ => {
                let client = self.web.build_client(camera, &self.shown)?;
                self.open = Some((origin, client.clone()));
                client
            }
        };
        let mut request = client
            .get(camera.url().clone())
            .header(ACCEPT, "multipart/x-mixed-replace, image/jpeg, */*;q=0.5")
            .header(ACCEPT_ENCODING, "identity");
        if !self.cookies.is_empty() {
            let pairs: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, pairs.join("; "));
        }
        if let Some(credentials) = camera.credentials() {
            request = request.basic_auth(&credentials.name, Some(&credentials.password));
        }
        // A connection alone may take no longer than `connect`, so all of it takes no longer than `patience`, as a rule.
        let patience = patience.max(self.web.connect);
        match timeout(patience, request.send()).await {
            Err(_) => Err(SourceError::NoAnswer { camera: camera.to_string(), after: patience }),
            Ok(Err(error)) => Err(request_error(camera, &error, self.shown.last())),
            Ok(Ok(response)) => Ok(response),
        }
    }

    /// For the next request of this session: some boards send a client without a cookie to the same address again.
    fn keep_cookies(&mut self, response: &Response) {
        let set = response.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        for (name, value) in set.filter_map(|set| set.split(';').next()?.split_once('=')) {
            let (name, value) = (name.trim(), value.trim());
            self.cookies.retain(|(known, _)| known != name);
            if !name.is_empty()
                && self.cookies.len() < MAX_COOKIES
                && name.len() + value.len() <= MAX_COOKIE_BYTES
            {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }
}

/// Resolves for the client, and lets through what is allowed.
struct Checked {
    web: Web,
    host: Host<String>,
    port: u16,
    camera: String,
}

impl reqwest::dns::Resolve for Checked {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let (web, host, port) = (self.web.clone(), self.host.clone(), self.port);
        let camera = self.camera.clone();
        Box::pin(async move {
            let mut addresses = web.resolver.resolve(name.as_str()).await?;
            let mut refused = None;
            addresses.retain(|address| match web.check_connect(&host, port, *address) {
                Ok(()) => true,
                Err(kind) => {
                    refused = refused.or(Some(kind));
                    false
                }
            });
            match refused {
                Some(kind) if addresses.is_empty() => {
                    let host = name.as_str().to_owned();
                    Err(AddressError::Forbidden { camera, host, kind }.into())
                }
                _ => {
                    Ok(Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0)))
                        as reqwest::dns::Addrs)
                }
            }
        })
    }
}

fn check_status(camera: &CameraUrl, response: Response) -> Result<Response, SourceError> {
    let status = response.status();
    let name = camera.to_string();
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        let offers = |scheme: &str| {
            let offered =
                response.headers().get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
            offered.flat_map(|value| value.split([',', ' '])).any(|word| word.eq_ignore_ascii_case(scheme))
        };
        return Err(SourceError::Unauthorized {
            camera: name,
            given: camera.credentials().is_some(),
            digest: offers("digest") && !offers("basic"),
        });
    }
    if status != StatusCode::OK {
        return Err(SourceError::Status { camera: name, status: status.as_u16() });
    }
    let encoding =
        response.headers().get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(encoding) = encoding.filter(|encoding| !matches!(*encoding, "" | "identity")) {
        // Of what others have a say in.
        let encoding = encoding.chars().filter(char::is_ascii_graphic).take(20).collect();
        return Err(SourceError::Packed { camera: name, encoding });
    }
    Ok(response)
}

fn request_error(
    camera: &CameraUrl,
    error: &reqwest::Error,
    fingerprint: Option<Fingerprint>,
) -> SourceError {
    if let Some(refused) = find_error::<AddressError>(error) {
        return SourceError::Refused(refused.clone());
    }
    if let Some(tls @ rustls::Error::InvalidCertificate(_)) = find_error(error) {
        return SourceError::Untrusted { camera: camera.to_string(), reason: tls.to_string(), fingerprint };
    }
    if find_error::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
        return SourceError::NoHttp { camera: camera.to_string(), reason: root_cause(error) };
    }
    let camera = camera.to_string();
    if error.is_connect() {
        let timed_out = error.is_timeout();
        let reason = if timed_out { "it does not answer".to_owned() } else { root_cause(error) };
        return SourceError::Unreachable { camera, reason };
    }
    SourceError::Broken { camera, reason: root_cause(error) }
}
