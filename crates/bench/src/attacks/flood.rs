//! Clients that send as fast as they can and hardly read.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use rustix::process::setpriority_process;
use rustix::thread::gettid;

use super::wire::{PING, Socket, TEXT, connect_stream, encode_event, encode_frame, send_request};

/// What a flooding client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Kind {
    /// Frames of 58 bytes: a picture that is nothing but a header
    Small,
    /// Frames of 20 kB
    Large,
    /// Pings of WebSocket, 100 bytes each
    Pings,
    /// POSTs of 1 MB with thousands of packets, and a poll now and then
    Polling,
}

/// What one write to the socket takes.
const BLOCK_BYTES: usize = 256 << 10;
/// Bytes that are read at a time, and the time between.
const SIP_BYTES: usize = 4000;
const SIP_INTERVAL: Duration = Duration::from_millis(50);

/// What honest clients measure is not to be their waiting for a core that attackers have.
const NICENESS: i32 = 19;

/// Floods until it is told to stop; comes back whenever the server ends its connection.
#[derive(Debug)]
pub(super) struct Flood {
    stop: Arc<AtomicBool>,
    pub(super) sent: Arc<AtomicU64>,
    pub(super) connections: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Flood {
    /// Starts a thread that floods the server in that way.
    pub(super) fn start(address: SocketAddr, kind: Kind) -> Self {
        let (stop, sent) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let connections = Arc::<AtomicU64>::default();
        let (over, bytes, count) = (stop.clone(), sent.clone(), connections.clone());
        let thread = spawn(move || {
            // Threads that it starts are as it is.
            let _ = setpriority_process(Some(gettid()), NICENESS);
            while !over.load(Ordering::Relaxed) {
                count.fetch_add(1, Ordering::Relaxed);
                let _ = match kind {
                    Kind::Polling => flood_polling(address, &over, &bytes),
                    _ => flood_websocket(address, kind, &over, &bytes),
                };
                sleep(Duration::from_millis(20));
            }
        });
        Self { stop, sent, connections, thread: Some(thread) }
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn build_block(kind: Kind) -> Vec<u8> {
    let one = match kind {
        // A marker, a header of a frame of 1 × 1, and nothing in it.
        Kind::Small | Kind::Polling => encode_frame(TEXT, &encode_event(&truncated_jpeg())),
        Kind::Large => {
            let mut picture = truncated_jpeg().to_vec();
            picture.resize(15_000, 0);
            encode_frame(TEXT, &encode_event(&picture))
        }
        Kind::Pings => encode_frame(PING, &[b'x'; 100]),
    };
    one.repeat(BLOCK_BYTES / one.len())
}

/// The first 21 bytes of a JPEG: too little to be one.
fn truncated_jpeg() -> [u8; 21] {
    let mut bytes = [0; 21];
    let start = [0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0, 1, 0, 1, 3, 1, 0x11, 0, 2, 0x11, 1, 3, 0x11, 1];
    bytes.copy_from_slice(&start);
    bytes
}

fn flood_websocket(address: SocketAddr, kind: Kind, over: &AtomicBool, sent: &AtomicU64) -> io::Result<()> {
    let socket = Socket::open_session(address)?;
    let mut stream = socket.stream;
    let mut reader = stream.try_clone()?;
    let done = Arc::<AtomicBool>::default();
    let finished = done.clone();
    let reading = spawn(move || {
        let mut some = [0; SIP_BYTES];
        while !finished.load(Ordering::Relaxed) && matches!(reader.read(&mut some), Ok(1..)) {
            sleep(SIP_INTERVAL);
        }
    });
    let block = build_block(kind);
    stream.set_write_timeout(Some(Duration::from_millis(500)))?;
    let alive = encode_frame(TEXT, b"3");
    let mut rest: &[u8] = &block;
    let outcome = loop {
        if over.load(Ordering::Relaxed) {
            break Ok(());
        }
        match stream.write(rest) {
            Ok(count) => {
                sent.fetch_add(count as u64, Ordering::Relaxed);
                rest = rest.get(count..).unwrap_or_default();
                if rest.is_empty() {
                    // A sign of life, so that the heartbeat does not end it.
                    let _ = stream.write(&alive);
                    rest = &block;
                }
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) => break Err(error),
        }
    };
    done.store(true, Ordering::Relaxed);
    let _ = stream.shutdown(std::net::Shutdown::Both);
    let _ = reading.join();
    outcome
}

fn flood_polling(address: SocketAddr, over: &AtomicBool, sent: &AtomicU64) -> io::Result<()> {
    let mut polls = connect_stream(address)?;
    let mut posts = connect_stream(address)?;
    let (_, opening) = send_request(&mut polls, "GET", "/socket.io/?EIO=4&transport=polling", b"")?;
    let text = String::from_utf8_lossy(&opening).into_owned();
    let id = text.split("\"sid\":\"").nth(1).and_then(|rest| rest.split('"').next());
    let id = id.ok_or_else(|| io::Error::other(text.clone()))?;
    let path = format!("/socket.io/?EIO=4&transport=polling&sid={id}");
    send_request(&mut posts, "POST", &path, b"40")?;
    send_request(&mut polls, "GET", &path, b"")?;
    let packet = [&encode_event(&truncated_jpeg())[..], b"\x1e"].concat();
    let mut body = packet.repeat((1 << 20) / packet.len());
    body.pop();
    while !over.load(Ordering::Relaxed) {
        let (head, _) = send_request(&mut posts, "POST", &path, &body)?;
        if !head.starts_with("HTTP/1.1 200") {
            return Err(io::Error::other(head));
        }
        sent.fetch_add(body.len() as u64, Ordering::Relaxed);
        send_request(&mut polls, "GET", &path, b"")?;
        send_request(&mut posts, "POST", &path, b"3")?;
    }
    Ok(())
}
