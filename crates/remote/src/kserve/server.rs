//! A server: models of this process for others, within bounds.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prost::Message;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tonic::server::{Grpc, UnaryService};
use tonic::{Code, Response, Status};

use crate::kserve::codec::Proto;
use crate::kserve::messages::{
    Empty, InferRequest, InferResponse, Live, ModelMetadata, ModelRequest, Ready, ServerMetadata,
};
use crate::kserve::path;
use crate::kserve::places::{Places, RequestSlot};
use crate::kserve::tasks::Tasks;
use crate::kserve::tensor::{Tensor, choose_outputs};

/// For a handshake of TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A connection without a request for this long is closed.
const IDLE: Duration = Duration::from_secs(60);
/// Time that requests under way get when the server stops.
const LAST_ANSWER: Duration = Duration::from_secs(2);
/// Of one request, all headers.
const MAX_HEADER_BYTES: u32 = 16 << 10;
/// What a client may send of one request before it is read.
const WINDOW_BYTES: u32 = 1 << 20;
/// Of a message that asks for nothing to be looked at: most of them anybody may send.
const SMALL_BYTES: usize = 4 << 10;
/// Streams that a client gave up before they were looked at; more end its connection.
const MAX_RESETS: usize = 20;

/// Within which bounds others are served.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections at once; one more is closed.
    pub connections: usize,
    /// Of them, those of one address (IPv6: of one /64) other than this machine.
    pub of_one_address: usize,
    /// Requests at once over one connection.
    pub streams: u32,
    /// Requests at once over all connections that have a message; one more is told so.
    pub calls: usize,
    /// Of a message with inputs, at most.
    pub message_bytes: usize,
    /// For a message to arrive whole.
    pub arrival: Duration,
    /// For an answer, where the client does not want it sooner.
    pub answer: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 64,
            of_one_address: 16,
            streams: 8,
            calls: 16,
            message_bytes: 16 << 20,
            arrival: Duration::from_secs(10),
            answer: Duration::from_secs(60),
        }
    }
}

/// Who asks, as far as a connection and a request tell.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The other end of the connection.
    pub peer: SocketAddr,
    /// What came before the message; metadata are its headers.
    pub head: &'a Parts,
    /// Whether the connection is over TLS.
    pub is_secured: bool,
}

impl<'a> Asker<'a> {
    /// Came in the metadata `authorization`, after `Bearer`.
    pub fn bearer(&self) -> Option<&'a str> {
        let (scheme, token) = self.head.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }
}

/// Why something is not answered, in words for the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A key is needed, or that one does not count.
    #[error("{0}")]
    NoKey(String),
    /// Who asks may not.
    #[error("{0}")]
    NotAllowed(String),
    /// There is no such model.
    #[error("there is no model {0}")]
    NoModel(String),
    /// The inputs are not what the model takes.
    #[error("{0}")]
    Invalid(String),
    /// Too much is under way.
    #[error("{0}")]
    Busy(String),
    /// The model is not ready.
    #[error("{0}")]
    NotReady(String),
    /// It went wrong here.
    #[error("{0}")]
    Failed(String),
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let words = refusal.to_string();
        match refusal {
            Refusal::NoKey(_) => Self::unauthenticated(words),
            Refusal::NotAllowed(_) => Self::permission_denied(words),
            Refusal::NoModel(_) => Self::not_found(words),
            Refusal::Invalid(_) => Self::invalid_argument(words),
            Refusal::Busy(_) => Self::resource_exhausted(words),
            Refusal::NotReady(_) => Self::unavailable(words),
            Refusal::Failed(_) => Self::internal(words),
        }
    }
}

/// Models that others may ask. Nothing of a model is told or done for somebody who was not identified, which is done before anything
/// of a request is read beside its head.
pub trait Serves: Send + Sync + 'static {
    /// Somebody who was identified.
    type Who: Send + Sync + 'static;

    /// Who asks; a refusal for those who may ask nothing.
    fn identify(&self, asker: &Asker<'_>) -> Result<Self::Who, Refusal>;

    /// Whether requests are taken. For everybody.
    fn is_ready(&self) -> bool;

    /// Whether a model takes requests.
    fn model_ready(&self, who: &Self::Who, model: &str)
    -> impl Future<Output = Result<bool, Refusal>> + Send;

    /// What a model takes and gives.
    fn metadata(
        &self,
        who: &Self::Who,
        model: &str,
    ) -> impl Future<Output = Result<ModelMetadata, Refusal>> + Send;

    /// What a model, in this version of it unless that is empty, says about tensors. Dropped when nobody waits for the answer any
    /// more.
    fn infer(
        &self,
        who: &Self::Who,
        model: (&str, &str),
        inputs: Vec<Tensor>,
    ) -> impl Future<Output = Result<Vec<Tensor>, Refusal>> + Send;
}

/// How connections are encrypted: by what this gives when one begins.
pub type Tls = Arc<dyn Fn() -> Arc<ServerConfig> + Send + Sync>;

/// Why requests were refused, by the names of gRPC's codes; whatever else there may be is counted as the last.
pub const REASONS: [(&str, Code); 9] = [
    ("unauthenticated", Code::Unauthenticated),
    ("permission_denied", Code::PermissionDenied),
    ("not_found", Code::NotFound),
    ("invalid_argument", Code::InvalidArgument),
    ("resource_exhausted", Code::ResourceExhausted),
    ("unavailable", Code::Unavailable),
    ("deadline_exceeded", Code::DeadlineExceeded),
    ("internal", Code::Internal),
    ("other", Code::Unknown),
];

/// What became of connections and requests.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections that were closed at once, because there were too many.
    pub turned_away: AtomicU64,
    /// Requests with inputs that were answered.
    pub answered: AtomicU64,
    /// Requests that were refused, as [`REASONS`] has them.
    pub refused: [AtomicU64; REASONS.len()],
}

impl Counters {
    fn count_answer(&self, path: &str, answer: &http::Response<Body>) {
        // One that says OK says so after its message.
        let Some(status) = answer.headers().get("grpc-status") else {
            if path == path::MODEL_INFER {
                self.answered.fetch_add(1, Ordering::Relaxed);
            }
            return;
        };
        let code = Code::from_bytes(status.as_bytes());
        let reason = REASONS.iter().position(|(_, reason)| *reason == code).unwrap_or(REASONS.len() - 1);
        self.refused[reason].fetch_add(1, Ordering::Relaxed);
    }
}

/// Serves models, over any number of listeners within the same bounds.
pub struct Server<S> {
    serves: S,
    tls: Option<Tls>,
    bounds: Bounds,
    calls: Semaphore,
    places: Arc<Places>,
    /// What became of connections and requests.
    pub counters: Counters,
}

impl<S> fmt::Debug for Server<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

impl<S: Serves> Server<S> {
    /// Encrypts connections if it is told how.
    pub fn new(serves: S, tls: Option<Tls>, bounds: Bounds) -> Arc<Self> {
        let places = Places::new(bounds.connections, bounds.of_one_address);
        let (calls, counters) = (Semaphore::new(bounds.calls), Counters::default());
        Arc::new(Self { serves, tls, bounds, calls, places, counters })
    }

    /// What is served.
    pub fn serves(&self) -> &S {
        &self.serves
    }

    /// How many connections there are now.
    pub fn connections(&self) -> usize {
        self.places.count_taken()
    }

    /// Accepts until `stop`; each connection is a task of `tasks` and ends some time after that.
    pub async fn run(self: Arc<Self>, listener: TcpListener, stop: CancellationToken, tasks: TaskTracker) {
        accept_connections(&self, &listener, &stop, &tasks).await;
    }
}

async fn accept_connections<S: Serves>(
    shared: &Arc<Server<S>>,
    listener: &TcpListener,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Usually no file descriptors are left: let some close, and do not spin.
                tracing::debug!(%error, "cannot accept a connection that asks for inference");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Some(place) = shared.places.take_place(peer.ip()) else {
            shared.counters.turned_away.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let (shared, stop, tracker) = (shared.clone(), stop.clone(), tasks.clone());
        tasks.spawn(async move {
            let place = Arc::new(place);
            let (given_away, given_to) = (place.clone(), shared.clone());
            let served = async {
                match &shared.tls {
                    None => serve_connection(stream, peer, &place, false, shared, &stop, tracker).await,
                    Some(tls) => {
                        let mut config = ServerConfig::clone(&tls());
                        config.alpn_protocols = vec![b"h2".to_vec()];
                        let handshake = TlsAcceptor::from(Arc::new(config)).accept(stream);
                        let handshake = stop.run_until_cancelled(timeout(HANDSHAKE, handshake)).await;
                        if let Some(Ok(Ok(stream))) = handshake {
                            serve_connection(stream, peer, &place, true, shared, &stop, tracker).await;
                        }
                    }
                }
            };
            tokio::select! {
                () = served => {}
                () = given_away.given_away() => {
                    given_to.counters.turned_away.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
}

/// Requests of a connection: how many there were, and are.
#[derive(Default)]
struct Traffic {
    begun: AtomicU64,
    open: AtomicUsize,
}

async fn serve_connection<S: Serves>(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: SocketAddr,
    place: &Arc<RequestSlot>,
    is_secured: bool,
    shared: Arc<Server<S>>,
    stop: &CancellationToken,
    tracker: TaskTracker,
) {
    let (tasks, _until_it_ends) = Tasks::new(tracker);
    let traffic = Arc::new(Traffic::default());
    let counted = traffic.clone();
    let bounds = shared.bounds;
    let service = service_fn(move |request: http::Request<Incoming>| {
        let (shared, counted, place) = (shared.clone(), Counted::new(&counted), place.clone());
        async move {
            let answer = answer_request(&shared, peer, &place, is_secured, request).await;
            drop(counted);
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = Builder::new(tasks)
        .timer(TokioTimer::new())
        .max_concurrent_streams(bounds.streams)
        .max_header_list_size(MAX_HEADER_BYTES)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES * 2)
        .max_pending_accept_reset_streams(MAX_RESETS)
        .max_local_error_reset_streams(MAX_RESETS)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10))
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let idle = async {
        let mut before = u64::MAX;
        loop {
            tokio::time::sleep(IDLE).await;
            let begun = traffic.begun.load(Ordering::Relaxed);
            if (begun == before || begun == 0) && traffic.open.load(Ordering::Relaxed) == 0 {
                return;
            }
            before = begun;
        }
    };
    let ended = tokio::select! {
        ended = &mut connection => Some(ended),
        () = idle => None,
        () = stop.cancelled() => None,
    };
    if ended.is_none() {
        connection.as_mut().graceful_shutdown();
        let _ = timeout(LAST_ANSWER, connection).await;
    }
}

struct Counted(Arc<Traffic>);

impl Counted {
    fn new(traffic: &Arc<Traffic>) -> Self {
        traffic.begun.fetch_add(1, Ordering::Relaxed);
        traffic.open.fetch_add(1, Ordering::Relaxed);
        Self(traffic.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn answer_request<S: Serves>(
    shared: &Arc<Server<S>>,
    peer: SocketAddr,
    place: &RequestSlot,
    is_secured: bool,
    request: http::Request<Incoming>,
) -> http::Response<Body> {
    let within = asked_within(request.headers()).unwrap_or(shared.bounds.answer).min(shared.bounds.answer);
    let late = |_| Status::deadline_exceeded("there is no answer in the time allowed").into_http();
    let path = request.uri().path().to_owned();
    let answer =
        timeout(within, route_request(shared, peer, place, is_secured, request)).await.unwrap_or_else(late);
    shared.counters.count_answer(&path, &answer);
    answer
}

async fn route_request<S: Serves>(
    shared: &Arc<Server<S>>,
    peer: SocketAddr,
    place: &RequestSlot,
    is_secured: bool,
    request: http::Request<Incoming>,
) -> http::Response<Body> {
    let path = request.uri().path().to_owned();
    // What only asks is short, also of those who were identified.
    let small = Bounds { message_bytes: SMALL_BYTES, ..shared.bounds };
    match &*path {
        path::SERVER_LIVE => {
            return answer_unary(small, request, async |_: Empty| Ok(Live { live: true })).await;
        }
        path::SERVER_READY => {
            let ready = shared.serves.is_ready();
            return answer_unary(small, request, async move |_: Empty| Ok(Ready { ready })).await;
        }
        path::SERVER_METADATA | path::MODEL_READY | path::MODEL_METADATA | path::MODEL_INFER => {}
        _ => return Status::unimplemented("there is no such method").into_http(),
    }
    let (head, body) = request.into_parts();
    let who = match shared.serves.identify(&Asker { peer, head: &head, is_secured }) {
        Ok(who) => who,
        Err(refusal) => return Status::from(refusal).into_http(),
    };
    place.mark_known();
    let request = http::Request::from_parts(head, body);
    let Ok(_turn) = shared.calls.try_acquire() else {
        return Status::resource_exhausted("too many requests are under way").into_http();
    };
    let (shared, bounds) = (shared.clone(), shared.bounds);
    match &*path {
        path::SERVER_METADATA => answer_unary(small, request, async |_: Empty| Ok(server_metadata())).await,
        path::MODEL_READY => {
            let ready = async move |asked: ModelRequest| {
                Ok(Ready { ready: shared.serves.model_ready(&who, &asked.name).await? })
            };
            answer_unary(small, request, ready).await
        }
        path::MODEL_METADATA => {
            let metadata =
                async move |asked: ModelRequest| Ok(shared.serves.metadata(&who, &asked.name).await?);
            answer_unary(small, request, metadata).await
        }
        _ => {
            let infer = async move |asked: InferRequest| {
                let inputs = asked.tensors().map_err(|error| Refusal::Invalid(error.to_string()))?;
                let model = (&*asked.model_name, &*asked.model_version);
                let outputs = shared.serves.infer(&who, model, inputs).await?;
                let outputs =
                    choose_outputs(&asked, outputs).map_err(|error| Refusal::Invalid(error.to_string()))?;
                Ok(InferResponse::from_outputs(&asked, &outputs))
            };
            answer_unary(bounds, request, infer).await
        }
    }
}

fn server_metadata() -> ServerMetadata {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    ServerMetadata { name: "sightwire".to_owned(), version, extensions: Vec::new() }
}

/// By when the client wants its answer: `grpc-timeout`, up to eight digits and a unit.
fn asked_within(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

async fn answer_unary<Q, A, F, U>(
    bounds: Bounds,
    request: http::Request<Incoming>,
    answer: F,
) -> http::Response<Body>
where
    Q: Message + Default + 'static,
    A: Message + 'static,
    F: FnOnce(Q) -> U,
    U: Future<Output = Result<A, Status>> + Send,
{
    let request = request.map(|body| Timed::new(body, bounds.arrival));
    let mut grpc = Grpc::new(Proto::<A, Q>::default()).max_decoding_message_size(bounds.message_bytes);
    grpc.unary(Handler(Some(answer)), request).await
}

struct Handler<F>(Option<F>);

impl<F, Q, A, U> UnaryService<Q> for Handler<F>
where
    F: FnOnce(Q) -> U,
    U: Future<Output = Result<A, Status>> + Send,
{
    type Response = A;
    type Future = Answering<U>;

    fn call(&mut self, request: tonic::Request<Q>) -> Self::Future {
        Answering(self.0.take().map(|answer| Box::pin(answer(request.into_inner()))))
    }
}

/// An answer on its way.
struct Answering<U>(Option<Pin<Box<U>>>);

impl<A, U: Future<Output = Result<A, Status>>> Future for Answering<U> {
    type Output = Result<Response<A>, Status>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Some(answer) => answer.as_mut().poll(cx).map_ok(Response::new),
            None => Poll::Ready(Err(Status::internal("it was answered already"))),
        }
    }
}

/// A body that has to be there in time.
struct Timed {
    body: Incoming,
    deadline: Pin<Box<Sleep>>,
}

impl Timed {
    fn new(body: Incoming, within: Duration) -> Self {
        Self { body, deadline: Box::pin(tokio::time::sleep_until(Instant::now() + within)) }
    }
}

impl http_body::Body for Timed {
    type Data = bytes::Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        let ended = |error: hyper::Error| Status::cancelled(error.to_string());
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(ended)));
        }
        let late = |()| Some(Err(Status::deadline_exceeded("the message was not whole in the time allowed")));
        self.deadline.as_mut().poll(cx).map(late)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
