//! Lines of a request's head end with CR and LF. The HTTP library takes a bare LF as well, and a proxy in front may not: the
//! two would then see different requests. So a bare LF is made a byte that no request may hold, and is answered 400.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that are kept of each line: enough for the fields that say how long a body is.
const KEPT_BYTES: usize = 64;

/// Follows the requests of a connection, as its bytes come. What it does not understand is left to the HTTP library, which
/// ends the connection.
#[derive(Debug)]
pub struct Heads {
    part: Part,
    line: HeadLine,
    /// Of the request whose head this is.
    length: Length,
}

/// Where in a request the next byte belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Also the empty lines that may stand before it.
    RequestLine,
    Fields,
    /// This many bytes are to come.
    Body(u64),
    ChunkSize,
    /// Likewise, the end of its line included.
    Chunk(u64),
    Trailers,
    /// Another protocol, or nothing that could be understood.
    Unchecked,
}

/// How long the body is that follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Bytes(u64),
    Chunked,
    Unknown,
}

/// The line that is being read, without its end.
#[derive(Debug)]
struct HeadLine {
    kept: [u8; KEPT_BYTES],
    bytes: usize,
    last: Option<u8>,
}

impl HeadLine {
    const EMPTY: Self = Self { kept: [0; KEPT_BYTES], bytes: 0, last: None };

    fn push(&mut self, bytes: &[u8]) {
        if let Some(room) = self.kept.get_mut(self.bytes..) {
            let count = room.len().min(bytes.len());
            room[..count].copy_from_slice(&bytes[..count]);
        }
        self.bytes += bytes.len();
        self.last = bytes.last().copied().or(self.last);
    }

    /// Without the CR; whether it is all of the line.
    fn line_text(&self) -> (&[u8], bool) {
        let length = self.bytes.saturating_sub(1);
        (&self.kept[..length.min(KEPT_BYTES)], length <= KEPT_BYTES)
    }
}

impl Default for Heads {
    fn default() -> Self {
        Self { part: Part::RequestLine, line: HeadLine::EMPTY, length: Length::Bytes(0) }
    }
}

impl Heads {
    /// Follows what has come, and makes a bare LF in a line of HTTP a NUL.
    pub fn follow(&mut self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            match &mut self.part {
                Part::Unchecked => return,
                Part::Body(left) | Part::Chunk(left) => {
                    let count = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    *left -= count as u64;
                    bytes = &mut bytes[count..];
                    match self.part {
                        Part::Body(0) => self.part = Part::RequestLine,
                        Part::Chunk(0) => self.part = Part::ChunkSize,
                        _ => {}
                    }
                }
                Part::RequestLine | Part::Fields | Part::ChunkSize | Part::Trailers => {
                    let Some(end) = memchr::memchr(b'\n', bytes) else {
                        self.line.push(bytes);
                        return;
                    };
                    self.line.push(&bytes[..end]);
                    if self.line.last != Some(b'\r') {
                        bytes[end] = 0;
                        self.part = Part::Unchecked;
                        return;
                    }
                    self.part = self.after_line();
                    self.line = HeadLine::EMPTY;
                    bytes = &mut bytes[end + 1..];
                }
            }
        }
    }

    /// What comes after the line that has just ended.
    fn after_line(&mut self) -> Part {
        let (line, is_whole) = self.line.line_text();
        match self.part {
            Part::RequestLine if !line.is_empty() => {
                let is_tunnel = line.starts_with(b"CONNECT ");
                self.length = if is_tunnel { Length::Unknown } else { Length::Bytes(0) };
                Part::Fields
            }
            Part::Fields if !line.is_empty() => {
                self.length = length_after(line, is_whole, self.length);
                Part::Fields
            }
            Part::Fields => match self.length {
                Length::Bytes(0) => Part::RequestLine,
                Length::Bytes(length) => Part::Body(length),
                Length::Chunked => Part::ChunkSize,
                Length::Unknown => Part::Unchecked,
            },
            Part::ChunkSize => match chunk_size(line) {
                Some(0) => Part::Trailers,
                Some(size) => Part::Chunk(size.saturating_add(2)),
                None => Part::Unchecked,
            },
            Part::Trailers if line.is_empty() => Part::RequestLine,
            same => same,
        }
    }
}

/// What a line of the head says about the body, in the way of the HTTP library: chunks go before a length, and an encoding
/// that does not end with chunks is refused.
fn length_after(line: &[u8], is_whole: bool, before: Length) -> Length {
    let mut parts = line.splitn(2, |byte| *byte == b':');
    let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default().trim_ascii());
    if before == Length::Unknown || name.eq_ignore_ascii_case(b"upgrade") {
        Length::Unknown
    } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
        Length::Chunked
    } else if name.eq_ignore_ascii_case(b"content-length") && before != Length::Chunked {
        let digits = std::str::from_utf8(value).ok().filter(|_| is_whole);
        digits.and_then(|digits| digits.parse().ok()).map_or(Length::Unknown, Length::Bytes)
    } else {
        before
    }
}

/// The number that a line before a chunk begins with.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let end = line.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(line.len());
    u64::from_str_radix(std::str::from_utf8(&line[..end]).ok()?, 16).ok()
}

/// A stream whose requests are held to their lines.
#[derive(Debug)]
pub struct Strict<S> {
    stream: S,
    heads: Heads,
}

impl<S> Strict<S> {
    /// Of a connection that has just begun.
    pub fn new(stream: S) -> Self {
        Self { stream, heads: Heads::default() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Strict<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let result = Pin::new(&mut this.stream).poll_read(cx, buf);
        this.heads.follow(&mut buf.filled_mut()[before..]);
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Strict<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the bare LF is that was found, in pieces of each size.
    fn found(bytes: &[u8]) -> Option<usize> {
        let whole = found_in_pieces(bytes, bytes.len());
        for size in 1..bytes.len().min(20) {
            assert_eq!(found_in_pieces(bytes, size), whole, "in pieces of {size}");
        }
        whole
    }

    fn found_in_pieces(bytes: &[u8], size: usize) -> Option<usize> {
        let (mut heads, mut seen) = (Heads::default(), bytes.to_vec());
        for piece in seen.chunks_mut(size) {
            heads.follow(piece);
        }
        let changed: Vec<usize> = (0..bytes.len()).filter(|at| seen[*at] != bytes[*at]).collect();
        assert!(changed.len() <= 1 && changed.iter().all(|at| (bytes[*at], seen[*at]) == (b'\n', 0)));
        changed.first().copied()
    }

    /// The first of the places where `~` stands for a bare LF, and the bytes with it.
    fn bytes(text: &str) -> (Option<usize>, Vec<u8>) {
        let bytes = text.replace('|', "\r\n").into_bytes();
        let at = bytes.iter().position(|byte| *byte == b'~');
        (at, bytes.iter().map(|byte| if *byte == b'~' { b'\n' } else { *byte }).collect())
    }

    #[test]
    fn a_bare_lf_in_a_head_is_found_wherever_it_stands() {
        let long = format!("GET / HTTP/1.1|Host: a|X: {}~|", "x".repeat(1000));
        for text in [
            "GET / HTTP/1.1~Host: a||",
            "GET / HTTP/1.1|Host: a~|",
            "GET / HTTP/1.1|Host: a|~",
            "GET / HTTP/1.1|Host: a~~",
            "~GET / HTTP/1.1|Host: a||",
            "|~GET / HTTP/1.1|Host: a||",
            "GET / HTTP/1.1|Host: a|X: b~Y: c||",
            "GET / HTTP/1.1|Host: a||GET / HTTP/1.1~Host: a||",
            "POST / HTTP/1.1|Content-Length: 3||abcGET / HTTP/1.1~Host: a||",
            "POST / HTTP/1.1|CONTENT-LENGTH:3 ||abcGET / HTTP/1.1|Host: a~|",
            "POST / HTTP/1.1|Content-Length: 3||abc|~",
            "POST / HTTP/1.1|transfer-encoding: chunked||3;x=y|abc|0||GET / HTTP/1.1~",
            "POST / HTTP/1.1|Transfer-Encoding: chunked|Content-Length: 4||3|abc|0|T: x||GET / HTTP/1.1~",
            "POST / HTTP/1.1|Content-Length: 4|Transfer-Encoding: chunked||3~abc|0||",
            "POST / HTTP/1.1|Transfer-Encoding: chunked||3|abc|0|T: x~|",
            &long,
        ] {
            let (at, bytes) = bytes(text);
            assert!(at.is_some());
            assert_eq!(found(&bytes), at, "{text}");
        }
    }

    #[test]
    fn whole_lines_bodies_and_other_protocols_are_left_alone() {
        for text in [
            "GET / HTTP/1.1|Host: a||GET / HTTP/1.1|Host: a||",
            "||GET / HTTP/1.1|Host: a||||GET / HTTP/1.1|Host: a||",
            "POST / HTTP/1.1|Content-Length: 9||~a~b~~\u{0}|GET / HTTP/1.1|Host: a||",
            "POST / HTTP/1.1|Transfer-Encoding: chunked||9|~a~b~~\u{0}||00a;~",
            "POST / HTTP/1.1|Transfer-Encoding: chunked||A |~~~~~~~~~~|0||GET / HTTP/1.1|Host: a||",
            "GET /ws/view HTTP/1.1|Upgrade: websocket||~~~~",
            "CONNECT a:1 HTTP/1.1|Host: a||~~~~",
        ] {
            let (at, bytes) = bytes(text);
            let found = found(&bytes);
            let expected = text.ends_with("00a;~").then(|| bytes.len() - 1);
            assert_eq!(found, expected, "{text}, the first at {at:?}");
        }
    }

    #[test]
    fn what_says_no_length_that_can_be_understood_is_left_to_the_http_library() {
        let long = format!("POST / HTTP/1.1|Content-Length: {}3||~~~", " ".repeat(100));
        for text in [
            "POST / HTTP/1.1|Content-Length: x||~~~",
            "POST / HTTP/1.1|Content-Length: 99999999999999999999||~~~",
            "POST / HTTP/1.1|Transfer-Encoding: chunked||x|~~~",
            "POST / HTTP/1.1|Transfer-Encoding: chunked||fffffffffffffffff|~~~",
            &long,
        ] {
            assert_eq!(found(&bytes(text).1), None, "{text}");
        }
    }
}
