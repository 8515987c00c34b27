//! The camera: an endless answer of parts at a set rate, and a note of when it was opened and left.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use parking_lot::{Condvar, Mutex};

use crate::live::fanout::Source;
use crate::live::sender::{Pace, write_all};
use crate::live::stamp::Stamp;

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\
    Cache-Control: no-store\r\nConnection: close\r\n\r\n";
/// A reader that takes nothing for this long is given up.
const PATIENCE: Duration = Duration::from_secs(10);
/// Times of the last pictures that are known: more than are sent in one measurement.
const REMEMBERED: usize = 8192;

/// A camera of its own address. Its threads end with it.
pub(crate) struct Camera {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    pictures: Vec<Bytes>,
    /// Pictures a second, in thousandths; 0: as fast as they are taken.
    rate: AtomicU64,
    sent: AtomicU64,
    ended: AtomicBool,
    readers: Mutex<Readers>,
    changed: Condvar,
    /// When the picture of a number was sent, at its remainder.
    times: Vec<AtomicU64>,
}

#[derive(Default)]
struct Readers {
    now: usize,
    opened: u64,
    left: Option<Instant>,
}

impl Camera {
    /// Listens; sends `pictures` one after the other, again and again, each with a stamp of its own.
    pub(crate) fn start(pictures: Vec<Bytes>, fps: f64) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("opening the camera's port")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            pictures,
            rate: AtomicU64::new((fps * 1000.0) as u64),
            sent: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            readers: Mutex::default(),
            changed: Condvar::new(),
            times: (0..REMEMBERED).map(|_| AtomicU64::new(0)).collect(),
        });
        let accepting = shared.clone();
        thread::Builder::new().name("camera".to_owned()).spawn(move || {
            for stream in listener.incoming() {
                if accepting.ended.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let shared = accepting.clone();
                let serve = move || {
                    // How it ends is what is measured; why is all the same.
                    let _ = serve_reader(&shared, stream);
                };
                let _ = thread::Builder::new().name("camera-out".to_owned()).spawn(serve);
            }
        })?;
        Ok(Self { address, shared })
    }

    /// `http://ADDRESS:PORT/stream`
    pub(crate) fn url(&self) -> String {
        format!("http://{}/stream", self.address)
    }

    /// How often it was opened.
    pub(crate) fn open_count(&self) -> u64 {
        self.shared.readers.lock().opened
    }

    /// When the last reader left, once there is none.
    pub(crate) fn left_at(&self, within: Duration) -> Option<Instant> {
        let until = Instant::now() + within;
        let mut readers = self.shared.readers.lock();
        while readers.now > 0 {
            if self.shared.changed.wait_until(&mut readers, until).timed_out() {
                return None;
            }
        }
        readers.left
    }

    /// When the last picture before `ns` was sent whose number leaves `remainder` when divided by `of`.
    pub(crate) fn sent_before(&self, ns: u64, remainder: u64, of: u64) -> Option<u64> {
        let sent = self.sent_count();
        let oldest = sent.saturating_sub(REMEMBERED as u64);
        let time = |sequence: u64| self.shared.times[sequence as usize % REMEMBERED].load(Ordering::Relaxed);
        (oldest..sent).rev().filter(|sequence| sequence % of == remainder).map(time).find(|at| *at <= ns)
    }
}

impl Source for Camera {
    fn set_fps(&self, fps: f64) {
        self.shared.rate.store((fps * 1000.0) as u64, Ordering::Relaxed);
    }

    fn sent_count(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve_reader(shared: &Arc<Shared>, mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = [0; 4096];
    if stream.read(&mut request)? == 0 {
        return Ok(());
    }
    {
        let mut readers = shared.readers.lock();
        readers.now += 1;
        readers.opened += 1;
    }
    let gone = Arc::new(AtomicBool::new(false));
    let result = watch_reader(shared, &stream, &gone).and_then(|()| {
        stream.write_all(HEAD)?;
        send_pictures(shared, &mut stream, &gone)
    });
    // The thread that watches sees the end, and says so.
    let _ = stream.shutdown(Shutdown::Both);
    result
}

/// Notices at once when the reader leaves, also between two pictures.
fn watch_reader(shared: &Arc<Shared>, stream: &TcpStream, gone: &Arc<AtomicBool>) -> io::Result<()> {
    let (mut stream, shared, gone) = (stream.try_clone()?, shared.clone(), gone.clone());
    thread::Builder::new().name("camera-watch".to_owned()).spawn(move || {
        let mut more = [0; 256];
        while matches!(stream.read(&mut more), Ok(1..)) {}
        gone.store(true, Ordering::Relaxed);
        let mut readers = shared.readers.lock();
        readers.now -= 1;
        readers.left = Some(Instant::now());
        shared.changed.notify_all();
    })?;
    Ok(())
}

fn send_pictures(shared: &Shared, stream: &mut TcpStream, gone: &AtomicBool) -> io::Result<()> {
    let mut pace = Pace::from(Instant::now());
    while !gone.load(Ordering::Relaxed) && !shared.ended.load(Ordering::Relaxed) {
        if !pace.wait_due(shared.rate.load(Ordering::Relaxed)) {
            continue;
        }
        let sequence = shared.sent.fetch_add(1, Ordering::Relaxed);
        let jpeg = &shared.pictures[sequence as usize % shared.pictures.len()];
        let stamp = Stamp::now(0, jpeg.len(), sequence);
        shared.times[sequence as usize % REMEMBERED].store(stamp.sent_ns, Ordering::Relaxed);
        write_part(stream, jpeg, stamp)?;
    }
    Ok(())
}

/// One part, in one call of the system where it takes all.
fn write_part(stream: &mut TcpStream, jpeg: &[u8], stamp: Stamp) -> io::Result<()> {
    let segment = stamp.segment();
    let head = format!(
        "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n",
        jpeg.len() + segment.len()
    );
    let mut slices = [
        IoSlice::new(head.as_bytes()),
        IoSlice::new(&jpeg[..2]),
        IoSlice::new(&segment),
        IoSlice::new(&jpeg[2..]),
        IoSlice::new(b"\r\n"),
    ];
    write_all(stream, &mut slices)
}

#[cfg(test)]
mod tests {
    use crate::live::kind::Wire as _;
    use crate::live::multipart::Multipart;

    use super::*;

    fn read_parts(camera: &Camera, count: usize) -> (Vec<u64>, TcpStream) {
        let mut stream = TcpStream::connect(camera.address).unwrap();
        stream.write_all(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let (mut wire, mut sequences, mut bytes) = (Multipart::new(false), Vec::new(), [0; 1000]);
        while sequences.len() < count {
            let read = stream.read(&mut bytes).unwrap();
            wire.feed(&bytes[..read], &mut |part| sequences.push(part.stamp.unwrap().sequence)).unwrap();
        }
        (sequences, stream)
    }

    #[test]
    fn pictures_are_numbered_and_it_is_known_at_once_when_the_reader_leaves() {
        let pictures = vec![Bytes::from_static(b"\xff\xd8one\xff\xd9"); 3];
        let camera = Camera::start(pictures, 100.0).unwrap();
        let (sequences, stream) = read_parts(&camera, 5);
        assert_eq!(sequences[..5], [0, 1, 2, 3, 4]);
        assert_eq!(camera.open_count(), 1);
        assert!(camera.left_at(Duration::from_millis(20)).is_none());
        let left = Instant::now();
        drop(stream);
        let seen = camera.left_at(Duration::from_secs(30)).unwrap();
        assert!(seen - left < Duration::from_secs(20));
        let (all, none) = (camera.sent_before(u64::MAX, 2, 3), camera.sent_before(1, 2, 3));
        assert!(all >= camera.sent_before(u64::MAX, 2, 30) && all.is_some() && none.is_none());
    }
}
