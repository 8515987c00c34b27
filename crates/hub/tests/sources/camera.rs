//! A camera to read from, and a sink to read into.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use sightwire_hub::source::address::CameraUrl;
use sightwire_hub::source::allow::Allow;
use sightwire_hub::source::web::Web;
use sightwire_hub::source::{Sink, Skipped, Source, SourceError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than any machine takes.
pub const LONG: Duration = Duration::from_secs(60);

pub fn vector(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../frame/tests/vectors").join(name)).unwrap()
}

/// Three pictures that differ.
pub fn pictures() -> Vec<Vec<u8>> {
    ["420.jpg", "progressive.jpg", "restart.jpg"].map(vector).to_vec()
}

pub const MULTIPART: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n";

pub fn part(picture: &[u8]) -> Vec<u8> {
    [b"--frame\r\nContent-Type: image/jpeg\r\n\r\n", picture, b"\r\n"].concat()
}

pub fn parts(pictures: &[Vec<u8>]) -> Vec<u8> {
    pictures.iter().flat_map(|picture| part(picture)).collect()
}

/// A camera that gives each connection's request to `answer`, which writes what it likes.
pub struct Camera {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    accepting: JoinHandle<()>,
}

impl Camera {
    pub async fn start<F>(answer: impl Fn(TcpStream, String) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::start_at("127.0.0.1:0", answer).await
    }

    pub async fn start_at<F>(
        address: &str,
        answer: impl Fn(TcpStream, String) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        let accepting = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = head(&mut stream).await;
                seen.lock().unwrap().push(request.clone());
                tokio::spawn(answer(stream, request));
            }
        });
        Self { address, requests, accepting }
    }

    /// A camera that sends `bytes` to everyone, and closes.
    pub async fn sending(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = Arc::new(bytes.into());
        Self::start(move |mut stream, _| {
            let bytes = bytes.clone();
            async move {
                // A client that has heard enough closes first.
                stream.write_all(&bytes).await.ok();
            }
        })
        .await
    }

    pub fn url(&self) -> String {
        format!("http://{}/stream", self.address)
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// The head of a request, as far as the empty line.
pub async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// May connect to the whole loopback network.
pub fn web() -> Web {
    allowing(&["127.0.0.0/8"])
}

pub fn allowing(entries: &[&str]) -> Web {
    Web::new(Arc::new(Allow::parse(entries.iter().copied()).unwrap()))
}

pub fn url(text: &str) -> CameraUrl {
    CameraUrl::parse(text).unwrap()
}

/// What a source gave.
#[derive(Default)]
pub struct Got {
    pub pictures: Vec<Bytes>,
    pub times: Vec<Instant>,
    pub bytes: usize,
    pub skipped: Skipped,
    pub downs: Vec<(SourceError, Duration, Instant)>,
    told: Option<mpsc::UnboundedSender<()>>,
}

impl Got {
    /// Tells of each picture.
    pub fn telling() -> (Self, mpsc::UnboundedReceiver<()>) {
        let (told, tell) = mpsc::unbounded_channel();
        (Self { told: Some(told), ..Self::default() }, tell)
    }
}

impl Sink for Got {
    fn on_picture(&mut self, jpeg: Bytes, now: Instant) {
        self.pictures.push(jpeg);
        self.times.push(now);
        if let Some(told) = &self.told {
            told.send(()).ok();
        }
    }

    fn on_bytes(&mut self, count: usize, _: Instant) {
        self.bytes += count;
    }

    fn on_skipped(&mut self, skipped: Skipped, _: Instant) {
        self.skipped.bytes += skipped.bytes;
        self.skipped.broken += skipped.broken;
        self.skipped.wrong_lengths += skipped.wrong_lengths;
    }

    fn on_down(&mut self, error: &SourceError, pause: Duration, now: Instant) {
        self.downs.push((error.clone(), pause, now));
    }
}

/// Runs a source to its end.
pub async fn run(source: &dyn Source) -> (Got, SourceError) {
    let mut got = Got::default();
    let error = timeout(LONG, source.run(&mut got)).await.expect("the source ends");
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("secret"), "{shown}");
    (got, error)
}

/// Runs a source until it has given `count` pictures.
pub async fn take_pictures(source: &dyn Source, count: usize) -> Got {
    let (mut got, mut tell) = Got::telling();
    let ended = tokio::select! {
        biased;
        () = pictures_of(&mut tell, count) => None,
        error = source.run(&mut got) => Some(error),
    };
    if let Some(error) = ended {
        assert!(got.pictures.len() >= count, "the source ended: {error}");
    }
    got
}

/// Waits for this many pictures.
pub async fn pictures_of(tell: &mut mpsc::UnboundedReceiver<()>, count: usize) {
    for _ in 0..count {
        timeout(LONG, tell.recv()).await.expect("a picture comes").unwrap();
    }
}
