//! Accepts connections: bounded in number, each with deadlines on its headers and on what it does not read.
//!
//! - [`asker`]: what one key, user or address may take over its connections
//! - [`connection`]: the stream of one connection, which ends itself
//! - [`counts`]: how many there are of each
//! - [`client`]: whose address a request comes from
//! - [`base`]: below which path of an address this server is
//! - [`body`]: bodies of requests; [`form`]: read piece by piece, and the files of a form
//! - [`frames`]: what is known of a WebSocket from the bytes that go by
//! - [`limits`]: what one address, key or user may take, as it is configured
//! - [`per_address`]: what one address may take
//! - [`receive`]: one budget for all that is not whole
//! - [`outbox`]: what waits to be sent
//! - `metrics`: what is counted, for `/metrics`
//! - [`head`]: refuses requests whose lines do not end as they have to
//! - [`host`]: whether a request is meant for this server; [`names`]: those that it answers for
//! - [`refusal`]: the JSON answer to a request that cannot be served
//! - [`websocket`]: the handshake, and goodbyes that arrive
//! - [`sessions`]: bounds and ends what Engine.IO itself would keep
//! - [`socket`]: TCP, and pipes in memory; [`tls`]: the handshake, where connections are encrypted

#![forbid(unsafe_code)]
// These panic when nobody reads.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod asker;
pub mod base;
pub mod body;
pub mod client;
pub mod connection;
mod counts;
pub mod form;
mod frames;
pub mod head;
pub mod host;
pub mod limits;
mod metrics;
pub mod names;
pub mod outbox;
pub mod per_address;
pub mod receive;
pub mod refusal;
pub mod sessions;
pub mod socket;
pub mod tls;
pub mod websocket;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use sightwire_base::address::counted_address;
use sightwire_base::clock;
use sightwire_base::lines::LogThrottle;
use sightwire_base::shares::Limited;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

pub use asker::PerAsker;
use asker::{Askers, Belonging};
use connection::{ConnectionHandle, Guarded};
use head::Strict;
use outbox::Outboxes;
pub use per_address::PerAddress;
use per_address::{Addresses, ConnectionSlot, Enough};
use receive::Receiving;
use socket::{Listener, Socket};
use tls::{Opened, Secured, Tls};

/// How long a request's header may take to arrive, and an idle connection to send one.
const HEADER_DEADLINE: Duration = Duration::from_secs(30);
/// Largest header of a request.
const MAX_HEADER_BYTES: usize = 32 << 10;
/// Connections that are being told at once that there are too many; more are just closed.
const MAX_REFUSING: usize = 64;

/// Within which bounds connections are served.
#[derive(Clone, Debug)]
pub struct Options {
    /// Connections that are open at once, at most; one more is told so and closed.
    pub max_connections: usize,
    /// For messages and bodies that are not whole.
    pub receive_memory_bytes: usize,
    /// Time for a message or a body to arrive whole.
    pub receive_timeout: Duration,
    /// For Socket.IO messages that wait to be sent.
    pub send_memory_bytes: usize,
    /// Requests that are being answered when the server stops get this time.
    pub last_answer: Duration,
    /// What one address may take.
    pub per_address: PerAddress,
    /// What one key, user or address may take over its connections.
    pub per_asker: PerAsker,
}

/// What the listeners on all addresses share: places, budgets and counters.
#[derive(Debug)]
pub struct Listening {
    places: Arc<Semaphore>,
    refusing: Arc<Semaphore>,
    max_connections: usize,
    /// What has begun to arrive and is not whole.
    pub receiving: Arc<Receiving>,
    /// What waits to be sent to clients of Socket.IO.
    pub outboxes: Arc<Outboxes>,
    accepted: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    failures_said: LogThrottle,
    last_answer: Duration,
    cut: AtomicU64,
    addresses: Arc<Addresses>,
    askers: Arc<Askers>,
    /// What was refused so that one address or key does not take all.
    pub limited: Arc<Limited>,
}

impl Listening {
    /// Within the limits of this configuration.
    pub fn new(options: &Options) -> Arc<Self> {
        let limited = Arc::<Limited>::default();
        Arc::new(Self {
            places: Arc::new(Semaphore::new(options.max_connections)),
            refusing: Arc::new(Semaphore::new(MAX_REFUSING)),
            max_connections: options.max_connections,
            receiving: Receiving::new(
                options.receive_memory_bytes,
                options.max_connections,
                options.receive_timeout,
            ),
            outboxes: Outboxes::new(options.send_memory_bytes),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            failures_said: LogThrottle::new(),
            last_answer: options.last_answer,
            cut: AtomicU64::new(0),
            addresses: Addresses::new(options.per_address.clone()),
            askers: Askers::new(options.per_asker, limited.clone()),
            limited,
        })
    }

    /// From now on an address, and a key or user, may take that. Who has more than that keeps it.
    pub fn set_limits(&self, per_address: &PerAddress, per_asker: PerAsker) {
        self.addresses.set_limits(per_address);
        self.askers.set_limits(per_asker);
    }

    /// Connections that are open at the moment.
    pub fn open_count(&self) -> usize {
        self.max_connections - self.places.available_permits()
    }

    /// Connections that may be open at once; one more is told so and closed.
    pub fn max_connections(&self) -> usize {
        self.max_connections
    }

    /// Connections accepted so far.
    pub fn accepted_count(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Connections refused so far because there were too many.
    pub fn refused_count(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// How often the system could not give a connection that had come; it was tried again each time.
    pub fn accept_failures(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Requests that were not answered to their end when the server stopped.
    pub fn cut_requests(&self) -> u64 {
        self.cut.load(Ordering::Relaxed)
    }

    /// A place for a connection from there; otherwise why there is none, for the client.
    fn place_for(&self, from: IpAddr) -> Result<ConnectionSlot, &'static str> {
        let all_taken = |_| {
            self.refused.fetch_add(1, Ordering::Relaxed);
            let max = self.max_connections;
            tracing::warn!("a connection from {from} is refused: {max} are open (server.max_connections)");
            "Too many connections. Please try again later."
        };
        let permit = self.places.clone().try_acquire_owned().map_err(all_taken)?;
        self.addresses.admit_connection(from, permit).map_err(|Enough(limit)| {
            if let Some(unsaid) = self.limited.count(limit, clock::now()) {
                let (from, key) = (counted_address(from), limit.name());
                tracing::warn!(
                    unsaid,
                    "a connection from {from} is refused: too many from this address (limits.{key})"
                );
            }
            "Too many connections from your address. Please try again later."
        })
    }

    /// Counts it, and says so, but not each time.
    fn accept_failed(&self, error: &std::io::Error) {
        let all = self.failed.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(unsaid) = self.failures_said.admit_line(Instant::now()) {
            tracing::warn!(
                "cannot accept a connection: {error}; {unsaid} more times since this was last said, {all} times since the start{}",
                suggest_cure(error),
            );
        }
    }
}

/// What answers the connections of a listener.
#[derive(Clone, Debug)]
pub struct Served {
    /// Answers the requests.
    pub app: Router,
    /// Where they come encrypted.
    pub secure: Option<Secure>,
}

/// Connections have to be encrypted.
#[derive(Clone, Debug)]
pub struct Secure {
    /// Makes the handshakes, and limits them.
    pub tls: Arc<Tls>,
    /// Answers who speaks plain HTTP.
    pub plain: Router,
}

/// Accepts until `stop`; each connection is a task of `tasks` and ends by itself some time after `stop`.
///
/// Boxed, so that all that is done for a connection is compiled in this crate, with its optimisation, and not where this is
/// awaited.
pub fn run_listener(
    listener: Box<dyn Listener>,
    served: Served,
    listening: Arc<Listening>,
    stop: CancellationToken,
    tasks: TaskTracker,
) -> BoxFuture<'static, ()> {
    accept_connections(listener, served, listening, stop, tasks).boxed()
}

async fn accept_connections(
    mut listener: Box<dyn Listener>,
    served: Served,
    listening: Arc<Listening>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let (stream, peer) = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Usually no file descriptors are left: let some close, and do not spin.
                    listening.accept_failed(&error);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let place = match listening.place_for(peer.ip()) {
            Ok(place) => place,
            // What is not encrypted would only be taken for a broken handshake.
            Err(_) if served.secure.is_some() => continue,
            Err(detail) => {
                if let Ok(turn) = listening.refusing.clone().try_acquire_owned() {
                    tasks.spawn(async move {
                        let _ = tokio::time::timeout(
                            Duration::from_millis(300),
                            refuse_connection(stream, detail),
                        )
                        .await;
                        drop(turn);
                    });
                }
                continue;
            }
        };
        listening.accepted.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = stream.set_options() {
            tracing::debug!(%error, "a connection went before it began");
            continue;
        }
        // One of its own: it is asked at every step, and all connections would ask the same one.
        let stop = stop.child_token();
        let (served, listening) = (served.clone(), listening.clone());
        let belonging = Belonging::new(listening.askers.clone());
        tasks.spawn(async move {
            let opening = open_connection(stream, peer, served);
            let Some(Some((stream, app, is_secured))) = stop.run_until_cancelled(opening).await else {
                return;
            };
            let (stream, handle) = Guarded::new(stream, place, listening.receiving.clone(), stop.clone());
            let stream = stream.paid_by(belonging.clone());
            let connection = Connection { peer: Peer(peer), handle, belonging, is_secured };
            serve_connection(stream, connection, app, listening, stop).await;
        });
    }
}

/// What is on the other side of the handshake, if there is one; `None` if it failed.
async fn open_connection(stream: Socket, peer: SocketAddr, served: Served) -> Option<(Socket, Router, bool)> {
    let Some(Secure { tls, plain }) = served.secure else { return Some((stream, served.app, false)) };
    match tls.open(stream, peer).await.ok()? {
        Opened::Secured(stream) => Some((stream, served.app, true)),
        Opened::Plain(stream) => Some((stream, plain, false)),
    }
}

/// What is known of a connection, for its requests.
struct Connection {
    peer: Peer,
    handle: ConnectionHandle,
    belonging: Belonging,
    is_secured: bool,
}

/// Who is at the other end of the connection. An extension of its requests.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

async fn serve_connection(
    stream: Guarded,
    Connection { peer, handle, belonging, is_secured }: Connection,
    app: Router,
    listening: Arc<Listening>,
    stop: CancellationToken,
) {
    let (cut, receiving) = (handle.cut_token(), listening.receiving.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let (parts, body) = request.into_parts();
        let (body, taking) = body::receive_body(body, &receiving);
        let mut request = Request::from_parts(parts, body);
        request.extensions_mut().insert(handle.clone());
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(belonging.clone());
        if is_secured {
            request.extensions_mut().insert(Secured);
        }
        if let Some(taking) = &taking {
            request.extensions_mut().insert(taking.clone());
        }
        let (answer, handle) = (app.clone().oneshot(request), handle.clone());
        async move {
            let response = answer.await?;
            Ok::<_, Infallible>(match taking {
                Some(taking) => {
                    if taking.is_given_up() {
                        handle.enable_lingering_close();
                    }
                    taking.choose_answer(response)
                }
                None => response,
            })
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_buf_size(MAX_HEADER_BYTES)
        .header_read_timeout(HEADER_DEADLINE)
        .serve_connection(TokioIo::new(Strict::new(stream)), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = cut.cancelled() => return,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let Ok(ended) = tokio::time::timeout(listening.last_answer, connection).await else {
                listening.cut.fetch_add(1, Ordering::Relaxed);
                return;
            };
            ended
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "a connection ended");
    }
}

fn suggest_cure(error: &std::io::Error) -> &'static str {
    let full = [rustix::io::Errno::MFILE.raw_os_error(), rustix::io::Errno::NFILE.raw_os_error()];
    let is_full = error.raw_os_error().is_some_and(|code| full.contains(&code));
    if is_full { ". Raise the limit of open files (`ulimit -n`, LimitNOFILE= for systemd)" } else { "" }
}

async fn refuse_connection(mut stream: Socket, detail: &str) {
    let body = format!(r#"{{"detail":"{detail}"}}"#);
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Type: application/json\r\n\
        Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    // Closing with the request unread would reset the connection, and the answer with it.
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
    let mut rest = [0; 4096];
    for _ in 0..8 {
        if !matches!(stream.read(&mut rest).await, Ok(1..)) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use socket2::{Domain, Type};
    use tokio::net::TcpListener;

    use super::*;
    use sightwire_base::captured;

    #[tokio::test]
    async fn connections_that_cannot_be_accepted_are_counted_and_take_one_line() {
        let log = captured::capture_log();
        // A socket that does not listen gives none.
        let socket = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(socket.into()).unwrap();
        let options = Options {
            max_connections: 10,
            receive_memory_bytes: 1 << 20,
            receive_timeout: Duration::from_secs(30),
            send_memory_bytes: 1 << 20,
            last_answer: Duration::from_secs(1),
            per_address: PerAddress::default(),
            per_asker: PerAsker::default(),
        };
        let (listening, stop) = (Listening::new(&options), CancellationToken::new());
        let served = Served { app: Router::new(), secure: None };
        let running =
            run_listener(Box::new(listener), served, listening.clone(), stop.clone(), TaskTracker::new());
        let failing = async {
            while listening.accept_failures() < 4 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            stop.cancel();
        };
        tokio::join!(running, failing);
        let lines = log.lines_with("cannot accept a connection");
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("WARN") && lines[0].contains("1 times since the start"), "{lines:?}");
    }

    #[test]
    fn where_no_file_can_be_opened_any_more_the_cure_is_said() {
        let (full, other) = (std::io::Error::from_raw_os_error(24), std::io::Error::from_raw_os_error(103));
        assert!(suggest_cure(&full).contains("ulimit -n") && suggest_cure(&other).is_empty());
    }
}
