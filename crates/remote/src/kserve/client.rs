//! A client: one connection, made when it is needed, and calls with a deadline.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::PathAndQuery;
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::rt::Executor as _;
use hyper_util::rt::{TokioIo, TokioTimer};
use prost::Message;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use sightwire_base::lines;
pub use sightwire_http_client::trust::{Trust, TrustError};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::sync::DropGuard;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Code, Request, Status};
use tower_service::Service;

use crate::kserve::address::Address;
use crate::kserve::codec::Proto;
use crate::kserve::messages::{Empty, InferRequest, InferResponse, ModelMetadata, ModelRequest, Ready};
use crate::kserve::path;
use crate::kserve::tasks::Tasks;

/// What may be under way to either side: a picture is not to wait for leave after each 64 KiB.
const WINDOW_BYTES: u32 = 4 << 20;
/// Of an answer, where nobody says more or less: more than ten thousand boxes, and little enough that a list of empty tensors, of which
/// each takes a hundred times its bytes once it is read, does no harm.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// Of headers and trailers of an answer.
const MAX_HEADER_BYTES: u32 = 16 << 10;
/// A server that takes nothing for this long is gone.
const TAKES_NOTHING: Duration = Duration::from_secs(5);

/// Whom a client asks, and how.
#[derive(Clone)]
pub struct Options {
    /// The server that is asked.
    pub address: Address,
    /// Sent with each call; ASCII.
    pub key: Option<String>,
    /// Whose certificates are trusted; needed for an address that is secure.
    pub tls: Option<Arc<ClientConfig>>,
    /// Of an answer, at most.
    pub max_message_bytes: usize,
}

impl Options {
    /// Trusts these authorities where the address is secure; an error where there are none.
    pub fn new(address: Address, key: Option<String>, trust: &Trust) -> Result<Self, &'static TrustError> {
        let tls = if address.is_secure { Some(Arc::new(trust.tls()?)) } else { None };
        Ok(Self { address, key, tls, max_message_bytes: MAX_MESSAGE_BYTES })
    }
}

/// Without the key.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// There is no connection; in words that name the address.
    #[error("{0}")]
    NoWay(String),
    /// It did not answer within that.
    #[error("it does not answer within {} ms", .0.as_millis())]
    Late(Duration),
    /// The connection ended before its answer did, or what came is not gRPC.
    #[error("the connection to it was lost: {0}")]
    Lost(String),
    /// It answers that it will not or cannot, in its own words.
    #[error("it answers {code:?}: {words}")]
    Refused {
        /// The status code of gRPC.
        code: Code,
        /// At most a line.
        words: String,
    },
}

/// Asks one server, over one connection. Dropping a call's future resets its stream, so that the server can stop working on it.
pub struct Client {
    options: Options,
    authorization: Option<MetadataValue<Ascii>>,
    tasks: TaskTracker,
    connection: Mutex<Option<Connection>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("options", &self.options).finish_non_exhaustive()
    }
}

struct Connection {
    send: SendRequest<Body>,
    tasks: Tasks,
    /// Held by each request, too: one that the server closes once its requests have ended lives this long.
    alive: Arc<DropGuard>,
}

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

impl Client {
    /// Connects nowhere yet. A key that no header can have is left out.
    pub fn new(options: Options) -> Self {
        let authorization = options.key.as_ref().and_then(|key| format!("Bearer {key}").parse().ok());
        let authorization = authorization.map(|mut value: MetadataValue<Ascii>| {
            value.set_sensitive(true);
            value
        });
        Self { options, authorization, tasks: TaskTracker::new(), connection: Mutex::new(None) }
    }

    /// The server that it asks.
    pub fn address(&self) -> &Address {
        &self.options.address
    }

    /// Whether the server takes requests.
    pub async fn server_ready(&self, within: Duration) -> Result<bool, CallError> {
        let answer: Ready = self.call(path::SERVER_READY, Empty {}, within).await?;
        Ok(answer.ready)
    }

    /// Whether a model takes requests.
    pub async fn model_ready(&self, model: &str, within: Duration) -> Result<bool, CallError> {
        let answer: Ready = self.call(path::MODEL_READY, model_request(model), within).await?;
        Ok(answer.ready)
    }

    /// What a model takes and gives, as far as the server tells.
    pub async fn metadata(&self, model: &str, within: Duration) -> Result<ModelMetadata, CallError> {
        self.call(path::MODEL_METADATA, model_request(model), within).await
    }

    /// Asks a model about tensors. Nothing of the answer has been checked.
    pub async fn infer(&self, request: InferRequest, within: Duration) -> Result<InferResponse, CallError> {
        self.call(path::MODEL_INFER, request, within).await
    }

    /// Lets the connection go, whatever is under way; the next call makes another.
    pub async fn disconnect(&self) {
        if let Some(connection) = self.connection.lock().await.take() {
            connection.tasks.stop();
        }
    }

    async fn call<Q, A>(&self, path: &'static str, message: Q, within: Duration) -> Result<A, CallError>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let answering = async {
            let (send, _alive) = self.get_connection().await?;
            let origin = self.options.address.origin().map_err(|error| self.no_way(&error))?;
            let mut grpc = Grpc::with_origin(Channel(send), origin)
                .max_decoding_message_size(self.options.max_message_bytes);
            grpc.ready().await.map_err(|error| lost_error(&error))?;
            let mut request = Request::new(message);
            request.set_timeout(within);
            if let Some(key) = &self.authorization {
                request.metadata_mut().insert("authorization", key.clone());
            }
            let codec = Proto::<Q, A>::default();
            let answer = grpc.unary(request, PathAndQuery::from_static(path), codec).await;
            answer.map(tonic::Response::into_inner).map_err(|status| CallError::from_status(&status))
        };
        match timeout(within, answering).await {
            Ok(answer) => answer,
            Err(_) => Err(CallError::Late(within)),
        }
    }

    /// A request that comes while a connection is being made waits for it, at most until its own deadline.
    async fn get_connection(&self) -> Result<(SendRequest<Body>, Arc<DropGuard>), CallError> {
        let mut connection = self.connection.lock().await;
        if let Some(open) = connection.as_ref().filter(|open| !open.send.is_closed()) {
            return Ok((open.send.clone(), open.alive.clone()));
        }
        let wire = self.open_wire().await.map_err(|error| self.no_way(&error))?;
        let (tasks, guard) = Tasks::new(self.tasks.clone());
        let handshake = Builder::new(tasks.clone())
            .timer(TokioTimer::new())
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .max_send_buf_size(WINDOW_BYTES as usize)
            .max_header_list_size(MAX_HEADER_BYTES)
            .handshake(TokioIo::new(wire))
            .await;
        let (send, driver) = handshake.map_err(|error| lost_error(&error))?;
        tasks.execute(driver);
        let alive = Arc::new(guard);
        *connection = Some(Connection { send: send.clone(), tasks, alive: alive.clone() });
        Ok((send, alive))
    }

    async fn open_wire(&self) -> io::Result<Box<dyn Wire>> {
        let Address { host, port, is_secure } = &self.options.address;
        let stream = TcpStream::connect((&**host, *port)).await?;
        stream.set_nodelay(true)?;
        let socket = SockRef::from(&stream);
        socket.set_tcp_user_timeout(Some(TAKES_NOTHING))?;
        socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(TAKES_NOTHING))?;
        if !is_secure {
            return Ok(Box::new(stream));
        }
        let tls = self.options.tls.as_deref().ok_or_else(|| io::Error::other("nobody is trusted there"))?;
        let mut tls = tls.clone();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
        Ok(Box::new(TlsConnector::from(Arc::new(tls)).connect(name, stream).await?))
    }

    fn no_way(&self, error: &dyn fmt::Display) -> CallError {
        CallError::NoWay(format!("no way to {}: {error}", self.options.address))
    }
}

impl CallError {
    fn from_status(status: &Status) -> Self {
        // What the server itself has said has no other cause.
        match status.source() {
            Some(cause) => lost_error(cause),
            None => {
                Self::Refused { code: status.code(), words: lines::short_line(status.message()).to_string() }
            }
        }
    }
}

fn lost_error(error: &(dyn std::error::Error + 'static)) -> CallError {
    let bottom = std::iter::successors(Some(error), |&error| error.source()).last();
    CallError::Lost(lines::short_line(&bottom.map(ToString::to_string).unwrap_or_default()).to_string())
}

fn model_request(model: &str) -> ModelRequest {
    ModelRequest { name: model.to_owned(), version: String::new() }
}

/// The connection, as calls want it.
struct Channel(SendRequest<Body>);

impl Service<http::Request<Body>> for Channel {
    type Response = http::Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, hyper::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}
