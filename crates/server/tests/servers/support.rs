//! A server over pipes, and clients of it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sightwire_listen::socket::{Dialer, new_pipes};
use sightwire_server::Server;
use sightwire_server::config::Config;
use tokio::io::{AsyncWriteExt as _, DuplexStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_websockets::{ClientBuilder, MaybeTlsStream, WebSocketStream};

use crate::client::{self, Client, Manners};

/// Unread bytes that a pipe holds, about as many as a socket of the kernel.
const PIPE_BYTES: usize = 128 << 10;

/// A PNG of one pixel, in base64.
pub const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==";

/// A server that is ready. Ends with the test.
pub struct Running {
    dialer: Dialer,
    /// Of the next connection.
    port: AtomicU16,
    stop: CancellationToken,
    done: JoinHandle<anyhow::Result<()>>,
}

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

/// While it is there the paused clock goes ten times as fast as the real one, and not as fast as it can: for whatever sockets
/// of the kernel or threads have a part in.
#[derive(Debug)]
pub struct Tenfold(JoinHandle<()>);

impl Tenfold {
    pub fn begin() -> Self {
        Self(tokio::spawn(async {
            loop {
                // The clock stands still while such a task runs.
                let real = || std::thread::sleep(Duration::from_millis(2));
                tokio::task::spawn_blocking(real).await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }))
    }
}

impl Drop for Tenfold {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts a server without a model; `toml` is its configuration file.
pub async fn start(toml: &str) -> Running {
    start_as(toml, |server| server).await
}

/// As [`start`], with what a configuration cannot say.
pub async fn start_as(toml: &str, made: impl FnOnce(Server) -> Server) -> Running {
    start_at(8000, toml, made).await
}

/// As [`start_as`], by another port: for several servers at once.
pub async fn start_at(port: u16, toml: &str, made: impl FnOnce(Server) -> Server) -> Running {
    let config = Config::of_toml(&format!("recognizer.dummy = true\n{toml}")).unwrap();
    let (dialer, listener) = new_pipes(([127, 0, 0, 1], port).into(), PIPE_BYTES);
    let stop = CancellationToken::new();
    let (ready, is_ready) = oneshot::channel();
    let server = made(Server::new(config)).on_ready(|_| ready.send(()).unwrap());
    let done = tokio::spawn(server.run(vec![Box::new(listener)], stop.clone()));
    is_ready.await.expect("the server begins");
    Running { dialer, port: AtomicU16::new(50_000), stop, done }
}

impl Running {
    /// What connects to it.
    pub fn dialer(&self) -> Dialer {
        self.dialer.clone()
    }

    /// A connection from this machine.
    pub async fn connect(&self) -> DuplexStream {
        self.connect_from(self.peer()).await
    }

    /// An address of this machine that no other connection has.
    pub fn peer(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port.fetch_add(1, Ordering::Relaxed)).into()
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

    /// A key for some streams.
    pub async fn key(&self, role: &str, scope: &str) -> String {
        let body = format!(r#"{{"name":"some","role":"{role}",{scope}}}"#);
        let mut request = self.request("POST", "/api/v1/keys", body);
        request.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        let made = self.ask(request).await;
        made.json()["key"].as_str().unwrap_or_else(|| panic!("{}", made.text())).to_owned()
    }

    pub async fn with_key(&self, key: &str, method: Method, path: &str) -> Answer {
        let mut request = self.request(method.as_str(), path, "");
        request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {key}").parse().unwrap());
        self.ask(request).await
    }

    pub fn request(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
        let request = Request::builder().method(method).uri(path);
        request.header("host", self.dialer.address().to_string()).body(Full::new(body.into())).unwrap()
    }

    pub async fn websocket(&self, path: &str) -> WebSocketStream<MaybeTlsStream<DuplexStream>> {
        let uri = format!("ws://{}{path}", self.dialer.address());
        let builder = ClientBuilder::new().uri(&uri).unwrap();
        let stream = MaybeTlsStream::Plain(self.connect().await);
        let (socket, _) = builder.connect_on(stream).await.expect("a WebSocket");
        socket
    }

    /// Opens a WebSocket; the head of the answer where it is refused.
    pub async fn shake(&self, path: &str, manners: Manners) -> Result<Client, String> {
        self.shake_from(self.peer(), path, manners).await
    }

    /// As [`Self::shake`], from any address.
    pub async fn shake_from(&self, peer: SocketAddr, path: &str, manners: Manners) -> Result<Client, String> {
        let host = self.dialer.address().to_string();
        Client::shake(self.connect_from(peer).await, peer, (path, &host), manners).await
    }

    pub async fn client(&self, path: &str, manners: Manners) -> Client {
        self.shake(path, manners).await.unwrap()
    }

    /// A client that sends a stream, once it may begin.
    pub async fn sender(&self, name: &str, manners: Manners) -> Client {
        let mut sender = self.client(&format!("/ws/stream/{name}"), manners).await;
        sender.text(r#"{"analysis_mode":"normal"}"#).await;
        sender.next("connected").await;
        sender
    }

    /// A viewer, once it has been greeted.
    pub async fn viewer(&self, query: &str, manners: Manners) -> Client {
        let mut viewer = self.client(&format!("/ws/view{query}"), manners).await;
        viewer.next("viewer_connected").await;
        viewer
    }

    /// Writes what need be no request; the connection.
    pub async fn write(&self, bytes: &str) -> DuplexStream {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        stream
    }

    /// Writes what need be no request; the head of the answer.
    pub async fn head(&self, bytes: &str) -> String {
        client::head(&mut self.write(bytes).await).await.0
    }

    /// `/api/v1/status`
    pub async fn status(&self) -> Value {
        self.get("/api/v1/status").await.json()
    }

    /// What the server knows of a viewer of a stream.
    pub async fn known(&self, stream: &str, viewer: SocketAddr) -> Option<Value> {
        let stream = self.get(&format!("/api/v1/streams/{stream}")).await.json();
        let viewers = stream["viewer_list"].as_array()?;
        viewers.iter().find(|one| one["peer"] == viewer.to_string()).cloned()
    }

    /// The names of the streams that are sent now.
    pub async fn active(&self) -> Vec<String> {
        let active = self.get("/streams/active").await.json();
        let names = active["active_streams"].as_array().unwrap();
        names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    }

    /// Stops it, and waits until all of it has ended.
    pub async fn stop(self) {
        self.stop.cancel();
        self.done.await.unwrap().unwrap();
    }
}
