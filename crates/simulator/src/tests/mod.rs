//! The simulator against raw sockets and the parser that reads real boards.

mod damage;
mod limits;
mod pages;
mod pictures;
mod streams;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use sightwire_hub::multipart::{Counts, Limits, Parser};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::controls::Size;
use super::faults::Faults;
use super::simulator::{Options, Simulator};
use super::source::Origin;

/// Longer than any machine takes.
const LONG: Duration = Duration::from_secs(60);
/// Long enough for something to happen that must not.
const SHORT: Duration = Duration::from_millis(300);

/// A small car park, fast, and without faults.
fn options() -> Options {
    Options {
        origin: Origin::Scene,
        faults: Faults::default(),
        fps: 50.0,
        size: Size { width: 64, height: 48 },
        quality: 80,
        seed: 1,
        max_clients: 4,
        user: None,
        boundary: "frame".to_owned(),
        lengths: true,
        http10: false,
        chunked: false,
        request_deadline: LONG,
    }
}

fn with_faults(faults: &str) -> Options {
    Options { faults: faults.parse().unwrap(), ..options() }
}

async fn start(options: Options) -> Simulator {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Simulator::start(listener, options).unwrap()
}

fn vector(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../frame/tests/vectors").join(name)).unwrap()
}

/// Three pictures that differ, of other software.
fn three() -> Vec<Vec<u8>> {
    ["420.jpg", "progressive.jpg", "restart.jpg"].map(vector).to_vec()
}

/// A file with [`three`] pictures, one after the other.
fn three_in_a_file() -> (tempfile::TempDir, Origin) {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("three.mjpeg");
    std::fs::write(&path, three().concat()).unwrap();
    (folder, Origin::Path(path))
}

/// A connection to the camera.
struct Client {
    stream: TcpStream,
    /// What came and was not looked at.
    rest: Vec<u8>,
}

impl Client {
    async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), rest: Vec::new() }
    }

    /// Asks for a page and reads the head of the answer.
    async fn get(address: SocketAddr, target: &str) -> (Self, String) {
        let mut client = Self::connect(address).await;
        let head = client.ask(target).await;
        (client, head)
    }

    async fn ask(&mut self, target: &str) -> String {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: camera\r\n\r\n").as_bytes()).await;
        self.head().await
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The head of an answer. Empty, if the connection ends instead.
    async fn head(&mut self) -> String {
        loop {
            if let Some(at) = self.rest.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = self.rest.drain(..at + 4).collect();
                return String::from_utf8(head).unwrap();
            }
            if self.more().await == 0 {
                return String::new();
            }
        }
    }

    /// Reads what there is. 0: the connection has ended.
    async fn more(&mut self) -> usize {
        timeout(LONG, self.stream.read_buf(&mut self.rest)).await.expect("something comes").unwrap()
    }

    /// This many bytes of the body.
    async fn body(&mut self, bytes: usize) -> Vec<u8> {
        while self.rest.len() < bytes {
            assert!(self.more().await > 0, "the body ends after {} of {bytes} bytes", self.rest.len());
        }
        self.rest.drain(..bytes).collect()
    }

    /// Everything until the connection ends.
    async fn rest_of_it(&mut self) -> Vec<u8> {
        while self.more().await > 0 {}
        std::mem::take(&mut self.rest)
    }

    /// This many whole pictures of a stream, all that was sent until then, and what the parser says of it.
    async fn pictures(&mut self, count: usize) -> (Vec<Bytes>, Vec<u8>, Counts) {
        let (mut parser, mut pictures, mut raw) = (Parser::new(Limits::default()), Vec::new(), Vec::new());
        let reading = async {
            loop {
                raw.extend_from_slice(&self.rest);
                parser.feed(&std::mem::take(&mut self.rest), |picture| pictures.push(picture));
                if pictures.len() >= count {
                    break;
                }
                assert!(self.more().await > 0, "the stream ends after {} pictures", pictures.len());
            }
        };
        timeout(LONG, reading).await.expect("enough pictures come");
        (pictures, raw, parser.counts())
    }
}

/// The line of a head that begins so.
fn line<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// A page with a body of a known length: status line and body.
async fn page(address: SocketAddr, target: &str) -> (String, String) {
    let (mut client, head) = Client::get(address, target).await;
    let length = line(&head, "Content-Length").expect("a length").parse().unwrap();
    let body = client.body(length).await;
    (head.lines().next().unwrap().to_owned(), String::from_utf8(body).unwrap())
}

async fn json(address: SocketAddr, target: &str) -> Value {
    let (status, body) = page(address, target).await;
    assert_eq!(status, "HTTP/1.1 200 OK", "{body}");
    serde_json::from_str(&body).unwrap()
}

/// Asks until `/status` says what it should.
async fn until(address: SocketAddr, what: &str, value: u64) {
    let waiting = async {
        while json(address, "/status").await[what] != value {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, waiting).await.unwrap_or_else(|_| panic!("{what} becomes {value}"));
}

async fn set_faults(address: SocketAddr, faults: &str) {
    let (status, body) = page(address, &format!("/control?var=fault&val={faults}")).await;
    assert!(status.contains("200"), "{body}");
}

fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
