//! `/stream` and `/capture`, byte by byte.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::tcp::WriteHalf;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep, timeout};

use super::damage;
use super::faults::{Faults, Kind};
use super::shutter::Shot;
use super::simulator::Shared;

/// A client that takes nothing for this long is given up.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// Slow dripping: bytes at a time, and the time between.
const DROP_BYTES: usize = 200;
const DROP_EVERY: Duration = Duration::from_millis(100);
/// Bytes by which a wrong length is wrong.
const WRONG_BY: usize = 7;

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Another request may follow.
    KeepAlive,
    /// The connection is to be closed.
    Close,
    /// The connection is to be broken.
    Reset,
}

/// A client that gets pictures.
pub struct Out<'a> {
    writing: WriteHalf<'a>,
    shared: &'a Shared,
    opened: Instant,
    chunked: bool,
}

/// The client of a stream, counted while it is there.
struct Counted<'a>(&'a Shared);

impl<'a> Counted<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.counts.streams.fetch_add(1, Ordering::Relaxed);
        shared.counts.stream_clients.fetch_add(1, Ordering::Relaxed);
        Self(shared)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.counts.stream_clients.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<'a> Out<'a> {
    pub fn new(writing: WriteHalf<'a>, shared: &'a Shared, opened: Instant) -> Self {
        Self { writing, shared, opened, chunked: false }
    }

    /// Writes all of it, or as slowly as it is to be.
    async fn send_bytes(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let (faults, at) = self.shared.faults();
            let drips = faults.is_on(Kind::SlowDrip, at);
            let (now, later) = bytes.split_at(if drips { DROP_BYTES.min(bytes.len()) } else { bytes.len() });
            bytes = later;
            if self.chunked {
                let size = format!("{:x}\r\n", now.len());
                self.write_blocks(size.as_bytes()).await?;
                self.write_blocks(now).await?;
                self.write_blocks(b"\r\n").await?;
            } else {
                self.write_blocks(now).await?;
            }
            if drips {
                sleep(DROP_EVERY).await;
            }
        }
        Ok(())
    }

    /// Every block of it within the deadline.
    async fn write_blocks(&mut self, bytes: &[u8]) -> io::Result<()> {
        for block in bytes.chunks(64 << 10) {
            timeout(WRITE_DEADLINE, self.writing.write_all(block)).await??;
        }
        Ok(())
    }
}

/// The version that all answers have.
pub fn version(shared: &Shared) -> &'static str {
    if shared.options.http10 { "HTTP/1.0" } else { "HTTP/1.1" }
}

/// Sends pictures as long as there are any.
pub async fn stream_pictures(mut out: Out<'_>) -> io::Result<End> {
    let shared = out.shared;
    let _counted = Counted::new(shared);
    let mut shots = shared.shutter.subscribe();
    let (version, boundary) = (version(shared), &shared.options.boundary);
    let framing = match (shared.options.chunked, shared.options.http10) {
        (true, _) => "Transfer-Encoding: chunked\r\n",
        (false, true) => "",
        (false, false) => "Connection: close\r\n",
    };
    let head = format!(
        "{version} 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary={boundary}\r\n\
         Access-Control-Allow-Origin: *\r\nCache-Control: no-cache, no-store, must-revalidate\r\n{framing}\r\n"
    );
    out.write_blocks(head.as_bytes()).await?;
    out.chunked = shared.options.chunked;
    let (mut number, mut bytes) = (0, Vec::new());
    while let Some(shot) = next(&mut shots).await {
        let (faults, at) = shared.faults();
        let resets = faults.is_reset(shared.fault_time(out.opened), at);
        if !resets && (faults.is_on(Kind::Stall, at) || faults.is_on(Kind::Dead, at)) {
            continue;
        }
        number += 1;
        let picture = Picture::new(&shot, number, &faults, at, shared);
        bytes.clear();
        picture.write_part(boundary, &mut bytes);
        if resets {
            out.send_bytes(&bytes[..bytes.len() / 2]).await?;
            return Ok(End::Reset);
        }
        out.send_bytes(&bytes).await?;
    }
    Ok(End::Close)
}

/// Sends a picture that is taken now.
pub async fn send_capture(mut out: Out<'_>) -> io::Result<End> {
    let (shared, asked) = (out.shared, out.shared.time());
    let mut shots = shared.shutter.subscribe();
    while let Some(shot) = next(&mut shots).await {
        let (faults, at) = shared.faults();
        let resets = faults.is_reset(shared.fault_time(out.opened), at);
        let stalls = !resets && (faults.is_on(Kind::Stall, at) || faults.is_on(Kind::Dead, at));
        if stalls || shot.at < asked {
            continue;
        }
        // No more are needed, however long it takes to send this one.
        drop(shots);
        let number = shared.counts.captures.fetch_add(1, Ordering::Relaxed) + 1;
        let picture = Picture::new(&shot, number, &faults, at, shared);
        let mut bytes = format!("{} 200 OK\r\n", version(shared)).into_bytes();
        let is_sound = picture.write_answer(&mut bytes) && !shared.options.http10;
        if resets {
            out.send_bytes(&bytes[..bytes.len() / 2]).await?;
            return Ok(End::Reset);
        }
        out.send_bytes(&bytes).await?;
        return Ok(if is_sound { End::KeepAlive } else { End::Close });
    }
    Ok(End::Close)
}

/// The next picture; the newest ones if the client was too slow.
async fn next(shots: &mut Receiver<Shot>) -> Option<Shot> {
    loop {
        match shots.recv().await {
            Ok(shot) => return Some(shot),
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}

/// A picture as one client gets it.
struct Picture<'a> {
    garbage: Vec<u8>,
    jpeg: Cow<'a, [u8]>,
    trailer: &'static [u8],
    half: bool,
    /// Value of `Content-Length`, which may be wrong; `None` leaves the header out.
    length: Option<Cow<'static, str>>,
    at: Duration,
}

impl<'a> Picture<'a> {
    fn new(shot: &'a Shot, number: u64, faults: &Faults, at: Duration, shared: &Shared) -> Self {
        let hits = |kind| faults.is_hit(kind, at, number);
        let mut jpeg = Cow::Borrowed(&shot.jpeg[..]);
        if hits(Kind::FillBytes) {
            jpeg = Cow::Owned(damage::with_fill_bytes(&jpeg).into_owned());
        }
        if hits(Kind::StrayEoi) {
            jpeg = Cow::Owned(damage::with_stray_end(&jpeg).into_owned());
        }
        if hits(Kind::Thumbnail) {
            jpeg = Cow::Owned(damage::with_thumbnail(&jpeg, &shared.thumbnail).into_owned());
        }
        let garbage = if hits(Kind::Garbage) { damage::random_garbage(number) } else { Vec::new() };
        let bytes = jpeg.len();
        let length = if hits(Kind::NoLength) || !shared.options.lengths {
            None
        } else if hits(Kind::HugeLength) {
            Some(Cow::Borrowed("99999999999"))
        } else if hits(Kind::NegativeLength) {
            Some(Cow::Borrowed("-1"))
        } else if hits(Kind::WrongLength) {
            let wrong =
                if number.is_multiple_of(2) { bytes + WRONG_BY } else { bytes.saturating_sub(WRONG_BY) };
            Some(Cow::Owned(wrong.to_string()))
        } else {
            Some(Cow::Owned(bytes.to_string()))
        };
        let trailer = if hits(Kind::StrayEoi) { damage::STRAY_TRAILER } else { &[] };
        Self { garbage, jpeg, trailer, half: hits(Kind::HalfFrame), length, at: shot.at }
    }

    /// As a part of a stream.
    fn write_part(&self, boundary: &str, to: &mut Vec<u8>) {
        to.extend(&self.garbage);
        to.extend(format!("--{boundary}\r\n").as_bytes());
        self.write_header(to);
        self.write_body(to);
        to.extend(b"\r\n");
    }

    /// As the rest of an answer. Whether another answer can follow.
    fn write_answer(&self, to: &mut Vec<u8>) -> bool {
        let is_sound =
            !self.half && self.trailer.is_empty() && self.garbage.is_empty() && self.has_right_length();
        to.extend(b"Content-Disposition: inline; filename=capture.jpg\r\nAccess-Control-Allow-Origin: *\r\n");
        if !is_sound {
            to.extend(b"Connection: close\r\n");
        }
        self.write_header(to);
        to.extend(&self.garbage);
        self.write_body(to);
        is_sound
    }

    fn has_right_length(&self) -> bool {
        self.length.as_deref() == Some(self.jpeg.len().to_string().as_str())
    }

    fn write_header(&self, to: &mut Vec<u8>) {
        let mut header = "Content-Type: image/jpeg\r\n".to_owned();
        if let Some(length) = &self.length {
            // Writing to a text cannot fail.
            let _ = write!(header, "Content-Length: {length}\r\n");
        }
        let (seconds, micros) = (self.at.as_secs(), self.at.subsec_micros());
        let _ = write!(header, "X-Timestamp: {seconds}.{micros:06}\r\n\r\n");
        to.extend(header.as_bytes());
    }

    fn write_body(&self, to: &mut Vec<u8>) {
        let bytes = if self.half { self.jpeg.len() / 2 } else { self.jpeg.len() };
        to.extend(&self.jpeg[..bytes]);
        to.extend(self.trailer);
    }
}
