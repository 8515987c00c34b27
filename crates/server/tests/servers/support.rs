//! A server over pipes, and clients of it.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sightwire_listen::socket::{Dialer, pipes};
use sightwire_server::Server;
use sightwire_server::config::Config;
use tokio::io::DuplexStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_websockets::{ClientBuilder, MaybeTlsStream, WebSocketStream};

/// Unread bytes that a pipe holds, about as many as a socket of the kernel.
const PIPE_BYTES: usize = 128 << 10;

/// A server that is ready. Ends with the test.
pub struct Running {
    dialer: Dialer,
    stop: CancellationToken,
    done: JoinHandle<anyhow::Result<()>>,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.text()))
    }
}

/// Starts a server without a model; `toml` is its configuration file.
pub async fn start(toml: &str) -> Running {
    let config = Config::of_toml(&format!("recognizer.dummy = true\n{toml}")).unwrap();
    let (dialer, listener) = pipes(([127, 0, 0, 1], 8000).into(), PIPE_BYTES);
    let stop = CancellationToken::new();
    let (ready, is_ready) = oneshot::channel();
    let server = Server::new(config).on_ready(|| ready.send(()).unwrap());
    let done = tokio::spawn(server.run(vec![Box::new(listener)], stop.clone()));
    is_ready.await.expect("the server begins");
    Running { dialer, stop, done }
}

impl Running {
    /// A connection from this machine.
    pub async fn connect(&self) -> DuplexStream {
        self.connect_from(([127, 0, 0, 1], 50_000).into()).await
    }

    pub async fn connect_from(&self, peer: SocketAddr) -> DuplexStream {
        self.dialer.connect(peer).await.unwrap()
    }

    /// Sends a request on a connection of its own; the answer's body may go on for ever.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> http::Response<Incoming> {
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(self.connect().await)).await.expect("a connection");
        tokio::spawn(connection);
        sender.send_request(request).await.expect("an answer")
    }

    /// Sends a request, and takes the whole answer.
    pub async fn ask(&self, request: Request<Full<Bytes>>) -> Answer {
        let (parts, body) = self.send(request).await.into_parts();
        let body = body.collect().await.expect("the whole answer").to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(self.request("GET", path, Bytes::new())).await
    }

    pub fn request(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
        let request = Request::builder().method(method).uri(path);
        request.header("host", self.dialer.address().to_string()).body(Full::new(body.into())).unwrap()
    }

    /// Opens a WebSocket.
    pub async fn websocket(&self, path: &str) -> WebSocketStream<MaybeTlsStream<DuplexStream>> {
        let uri = format!("ws://{}{path}", self.dialer.address());
        let builder = ClientBuilder::new().uri(&uri).unwrap();
        let stream = MaybeTlsStream::Plain(self.connect().await);
        let (socket, _) = builder.connect_on(stream).await.expect("a WebSocket");
        socket
    }

    /// Stops it, and waits until all of it has ended.
    pub async fn stop(self) {
        self.stop.cancel();
        self.done.await.unwrap().unwrap();
    }
}
