//! A viewer of `multipart/x-mixed-replace`, and pictures for it.

use std::net::SocketAddr;

use bytes::{Buf as _, Bytes, BytesMut};
use sightwire_frame::Encoder;
use sightwire_frame::image::Image;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Duration, timeout};

use crate::client::{Reading, head, sip};
use crate::support::Running;

/// Who waits in vain fails after this time; the clock is paused.
const PATIENCE: Duration = Duration::from_secs(600);

/// One connection that asks for a stream. It is gone when it is dropped.
pub struct Mjpeg {
    pub peer: SocketAddr,
    reading: watch::Sender<Reading>,
    pictures: mpsc::UnboundedReceiver<Bytes>,
    reader: JoinHandle<()>,
}

impl Drop for Mjpeg {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Mjpeg {
    /// Opens a stream; the answer where there is none.
    pub async fn open(server: &Running, path: &str) -> Result<Self, String> {
        Self::open_from(server, server.peer(), path).await
    }

    /// The same, from an address.
    pub async fn open_from(server: &Running, peer: SocketAddr, path: &str) -> Result<Self, String> {
        let mut stream = server.connect_from(peer).await;
        // In HTTP 1.0 the parts come without any coding.
        let request = format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let (head, mut unread) = head(&mut stream).await;
        let (reading, mut how) = watch::channel(Reading::All);
        if !head.starts_with("HTTP/1.1 200 ") && !head.starts_with("HTTP/1.0 200 ") {
            while sip(&mut stream, &mut how, &mut unread).await {}
            return Err(head + &String::from_utf8_lossy(&unread));
        }
        let (shown, pictures) = mpsc::unbounded_channel();
        let reader = tokio::spawn(async move {
            while sip(&mut stream, &mut how, &mut unread).await {
                while let Some(picture) = part(&mut unread) {
                    let _ = shown.send(picture);
                }
            }
        });
        Ok(Self { peer, reading, pictures, reader })
    }

    pub async fn next(&mut self) -> Bytes {
        timeout(PATIENCE, self.pictures.recv()).await.expect("a picture").expect("the stream goes on")
    }

    /// The next picture of which that is true.
    pub async fn until(&mut self, is: impl Fn(&Bytes) -> bool) -> Bytes {
        let search = async {
            loop {
                let picture = self.next().await;
                if is(&picture) {
                    return picture;
                }
            }
        };
        timeout(PATIENCE, search).await.expect("such a picture")
    }

    /// Whatever has come by now.
    pub fn so_far(&mut self) -> Vec<Bytes> {
        std::iter::from_fn(|| self.pictures.try_recv().ok()).collect()
    }

    /// Reads at most this many bytes a second.
    pub fn throttle(&self, bytes: usize) {
        self.reading.send_replace(Reading::PerSecond(bytes));
    }

    /// Reads everything again.
    pub fn resume(&self) {
        self.reading.send_replace(Reading::All);
    }
}

/// The picture of the next part, if all of it is there.
fn part(unread: &mut BytesMut) -> Option<Bytes> {
    let end = unread.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&unread[..end]).unwrap();
    let (start, length) = head.split_once("Content-Length: ").expect("its length");
    assert_eq!(start, "--frame\r\nContent-Type: image/jpeg\r\n");
    let length: usize = length.trim_end().parse().unwrap();
    if unread.len() < end + length + 2 {
        return None;
    }
    unread.advance(end);
    let picture = unread.split_to(length).freeze();
    unread.advance(2);
    Some(picture)
}

/// The first step of a JPEG's brightness, which tells its quality.
pub fn step(jpeg: &[u8]) -> u8 {
    let table = jpeg.windows(2).position(|two| two == [0xff, 0xdb]).expect("a table");
    jpeg[table + 5]
}

/// That of what the server draws upon, and of what it makes smaller.
pub const STEP_85: u8 = 5;
pub const STEP_70: u8 = 10;

/// This many pictures of 320 × 240, each different, in better quality than the server makes any.
pub fn pictures(count: u32) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new().unwrap();
    let pixel = |x: u32, y: u32, i: u32| {
        let grain = (x.wrapping_mul(7919) ^ y.wrapping_mul(104_729)) % 48;
        let is_there = (x + 320 - i * 8 % 320) % 320 < 60 && (80..160).contains(&y);
        (if is_there { 200 } else { 40 } + grain) as u8
    };
    let picture = |i| {
        let (width, height) = (320, 240);
        let mut bgr = Vec::new();
        for y in 0..height {
            for x in 0..width {
                bgr.extend([pixel(x, y, i); 3]);
            }
        }
        let mut jpeg = Vec::new();
        encoder.encode(&Image::from_bgr(width, height, bgr).unwrap(), 95, &mut jpeg).unwrap();
        jpeg
    };
    (0..count).map(picture).collect()
}
