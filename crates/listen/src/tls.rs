//! TLS: the handshake of a connection, within a time of its own, and a limited number at once.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::http::header::{HOST, LOCATION};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use futures_util::future::OptionFuture;
use http::uri::PathAndQuery;
use parking_lot::Mutex;
use rustls::{AlertDescription, ServerConfig};
use sightwire_base::address::counted_address;
use sightwire_base::lines::{self, LogThrottle};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::refusal::error_response;
use crate::socket::Socket;

/// From the beginning of the connection to the last byte of the handshake.
const DEADLINE: Duration = Duration::from_secs(10);
/// Handshakes at once, of those who have said something, beside the [`OWN`] of each address; others wait for their turn.
const MAX_AT_ONCE: usize = 256;
/// Those of one address: a client that begins them and does not go on keeps only others of that address waiting.
const MAX_OF_ADDRESS: usize = 32;
/// How many of these wait for no other address: else a client with many addresses would keep everybody waiting.
const OWN: usize = 4;
/// What waits to be sent over a connection, encrypted, beside what the kernel has: about two records.
const UNSENT_BYTES: usize = 32 << 10;
/// The first byte of every handshake: the type of its record.
const HANDSHAKE: u8 = 22;
/// A client that hears why it gets no connection has this time for that.
const GOODBYE: Duration = Duration::from_millis(300);

/// An extension of requests that came over TLS.
#[derive(Clone, Copy, Debug)]
pub struct Secured;

/// Secures the connections of listeners.
pub struct Tls {
    config: Box<dyn Fn() -> Arc<ServerConfig> + Send + Sync>,
    turns: Semaphore,
    /// The turns of each address that has or waits for some.
    of_address: Mutex<HashMap<IpAddr, Arc<Semaphore>>>,
    handshakes: Arc<Handshakes>,
    failures_said: LogThrottle,
}

/// How many there were so far.
#[derive(Debug, Default)]
pub struct Handshakes {
    done: AtomicU64,
    failed: AtomicU64,
}

impl Handshakes {
    /// That were done, and that failed or were not done in time.
    pub fn counts(&self) -> [u64; 2] {
        [&self.done, &self.failed].map(|count| count.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("handshakes", &self.handshakes).finish_non_exhaustive()
    }
}

/// What has become of a connection.
#[derive(Debug)]
pub enum Opened {
    /// Its handshake is done.
    Secured(Socket),
    /// It speaks plain HTTP, or nothing at all.
    Plain(Socket),
}

impl Tls {
    /// Each connection is secured by what `config` gives when it begins, and counted in `handshakes`.
    pub fn new(
        config: impl Fn() -> Arc<ServerConfig> + Send + Sync + 'static,
        handshakes: Arc<Handshakes>,
    ) -> Arc<Self> {
        Arc::new(Self {
            config: Box::new(config),
            turns: Semaphore::new(MAX_AT_ONCE),
            of_address: Mutex::default(),
            handshakes,
            failures_said: LogThrottle::new(),
        })
    }

    /// Waits for the handshake; an error where there is none within its time.
    pub async fn open(&self, socket: Socket, peer: SocketAddr) -> io::Result<Opened> {
        let opened = tokio::time::timeout(DEADLINE, self.shake_hands(socket, peer.ip()))
            .await
            .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "it was not done within 10 s")));
        match &opened {
            Ok(Opened::Secured(_)) => drop(self.handshakes.done.fetch_add(1, Ordering::Relaxed)),
            Ok(Opened::Plain(_)) => {}
            Err(error) => self.record_failure(error, peer),
        }
        opened
    }

    /// One more of that address, until it is dropped.
    fn begin_handshake(&self, from: IpAddr) -> Begun<'_> {
        let from = counted_address(from);
        let new = || Arc::new(Semaphore::new(MAX_OF_ADDRESS));
        let turns = self.of_address.lock().entry(from).or_insert_with(new).clone();
        Begun { tls: self, from, turns }
    }

    async fn shake_hands(&self, mut socket: Socket, from: IpAddr) -> io::Result<Opened> {
        // A client that says nothing has the place of a connection, and no other.
        match socket.first_byte().await? {
            Some(HANDSHAKE) => {}
            // Load balancers that look whether somebody listens say nothing.
            Some(_) | None => return Ok(Opened::Plain(socket)),
        }
        let begun = self.begin_handshake(from);
        let _of_address = begun.turns.acquire().await.map_err(io::Error::other)?;
        let is_own = begun.turns.available_permits() >= MAX_OF_ADDRESS - OWN;
        let of_all = (!is_own).then(|| self.turns.acquire());
        let _of_all = OptionFuture::from(of_all).await.transpose().map_err(io::Error::other)?;
        let acceptor = TlsAcceptor::from((self.config)());
        let accept = acceptor.accept_with(socket, |session| session.set_buffer_limit(Some(UNSENT_BYTES)));
        match accept.into_fallible().await {
            Ok(stream) => Ok(Opened::Secured(Socket::from_tls(stream))),
            Err((error, mut socket)) => {
                // With what the client still sends unread, the alert would be lost.
                let _ = tokio::time::timeout(GOODBYE, async {
                    let _ = socket.shutdown().await;
                    let mut rest = [0; 1024];
                    while matches!(socket.read(&mut rest).await, Ok(1..)) {}
                })
                .await;
                Err(error)
            }
        }
    }

    fn record_failure(&self, error: &io::Error, peer: impl fmt::Display) {
        self.handshakes.failed.fetch_add(1, Ordering::Relaxed);
        if let Some(unsaid) = self.failures_said.admit_line(Instant::now()) {
            let why = lines::short_sentence(&error.to_string()).to_string();
            tracing::info!(
                "a TLS handshake with {peer} failed: {why}{} ({unsaid} more since this was last said)",
                suggest_cure(error)
            );
        }
    }
}

/// A handshake that is not done.
struct Begun<'a> {
    tls: &'a Tls,
    from: IpAddr,
    turns: Arc<Semaphore>,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        let mut of_address = self.tls.of_address.lock();
        // The table's own, and this one.
        if Arc::strong_count(&self.turns) == 2 {
            of_address.remove(&self.from);
        }
    }
}

/// What helps, where that is known.
fn suggest_cure(error: &io::Error) -> &'static str {
    let reason = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    match reason {
        Some(rustls::Error::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::DecryptError,
        )) => {
            "; the client does not trust the certificate: install its authority there (`sightwire tls show`), or accept it in the browser"
        }
        Some(rustls::Error::NoCertificatesPresented) => {
            "; the client has to show a certificate (tls.client_ca_file)"
        }
        Some(rustls::Error::InvalidCertificate(_)) => {
            "; the client's certificate is not of the authority in tls.client_ca_file"
        }
        _ => "",
    }
}

/// Answers every request with the address that is the same over TLS, at that port.
pub fn redirect_routes(port: u16) -> Router {
    Router::new().fallback(async move |request: Request| redirect_response(&request, port))
}

fn redirect_response(request: &Request, port: u16) -> Response {
    let given = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let target = secure_address(given, request.uri(), port);
    let Some(location) = target.and_then(|address| HeaderValue::from_str(&address).ok()) else {
        return error_response(
            StatusCode::BAD_REQUEST,
            "This server speaks HTTPS, and the Host of this request is invalid.",
        );
    };
    let mut response =
        error_response(StatusCode::PERMANENT_REDIRECT, "This server speaks HTTPS.").into_response();
    response.headers_mut().insert(LOCATION, location);
    response
}

fn secure_address(host: &str, target: &Uri, port: u16) -> Option<String> {
    // `[::1]:80` has colons of its own.
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    if name.is_empty() || !name.bytes().all(is_plain) {
        return None;
    }
    let path = target.path_and_query().map(PathAndQuery::as_str);
    let path = path.filter(|path| path.starts_with('/')).unwrap_or("/");
    Some(if port == 443 { format!("https://{name}{path}") } else { format!("https://{name}:{port}{path}") })
}

#[cfg(test)]
mod tests;
