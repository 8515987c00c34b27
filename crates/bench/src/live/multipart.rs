//! Parts of an endless answer: answer header, chunks, part headers.

use std::ops::Range;

use super::kind::{Part, Wire, WireError, check_status, parse_number, take_line};
use super::stamp::{self, Stamp};

/// How the bare loop answers.
pub(super) const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\
    Transfer-Encoding: chunked\r\n\r\n";

/// Layers: the answer's header, chunks where it has them, parts.
#[derive(Debug)]
pub(crate) struct Multipart {
    layer: Layer,
    chunked: bool,
    line: Vec<u8>,
    parts: Parts,
}

#[derive(Debug, Clone, Copy)]
enum Layer {
    Header,
    ChunkSize,
    /// Bytes left of a chunk; `usize::MAX` without chunks.
    Body(usize),
    /// The line end after a chunk.
    ChunkEnd,
    Ended,
}

#[derive(Debug, Default)]
struct Parts {
    header: Vec<u8>,
    /// Of the picture that is coming.
    bytes: usize,
    left: usize,
    start: Vec<u8>,
    keep: bool,
    jpeg: Vec<u8>,
}

impl Multipart {
    /// At the beginning of an answer. `keep`: whole pictures are handed out, not only counted.
    pub(crate) fn new(keep: bool) -> Self {
        let parts = Parts { keep, ..Parts::default() };
        Self { layer: Layer::Header, chunked: false, line: Vec::new(), parts }
    }

    /// A line, its end removed, is in `self.line`.
    fn parse_line(&mut self, line: Range<usize>) -> Result<Layer, WireError> {
        let line = &self.line[line];
        match self.layer {
            Layer::ChunkEnd if line.is_empty() => Ok(Layer::ChunkSize),
            Layer::ChunkEnd => Err(WireError::Malformed("chunk end")),
            Layer::ChunkSize => {
                let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
                let size = std::str::from_utf8(digits).ok().and_then(|s| usize::from_str_radix(s, 16).ok());
                match size {
                    None => Err(WireError::Malformed("chunk size")),
                    Some(0) => Ok(Layer::Ended),
                    Some(size) => Ok(Layer::Body(size)),
                }
            }
            _ => {
                check_status(line, 200)?;
                if line.is_empty() {
                    return Ok(if self.chunked { Layer::ChunkSize } else { Layer::Body(usize::MAX) });
                } else if line.to_ascii_lowercase().starts_with(b"transfer-encoding:") {
                    self.chunked = true;
                }
                Ok(Layer::Header)
            }
        }
    }
}

impl Wire for Multipart {
    fn feed(&mut self, mut bytes: &[u8], part: &mut dyn FnMut(Part)) -> Result<(), WireError> {
        while !bytes.is_empty() {
            match self.layer {
                Layer::Ended => return Err(WireError::Malformed("end")),
                Layer::Body(left) => {
                    let (now, later) = bytes.split_at(left.min(bytes.len()));
                    self.parts.feed(now, part)?;
                    bytes = later;
                    let left = if self.chunked { left - now.len() } else { left };
                    self.layer = if left == 0 { Layer::ChunkEnd } else { Layer::Body(left) };
                }
                Layer::Header | Layer::ChunkSize | Layer::ChunkEnd => {
                    let Some(line) = take_line(&mut self.line, &mut bytes)? else { return Ok(()) };
                    self.layer = self.parse_line(line)?;
                    self.line.clear();
                }
            }
        }
        Ok(())
    }

    fn has_ended(&self) -> bool {
        matches!(self.layer, Layer::Ended)
    }
}

impl Parts {
    fn feed(&mut self, mut bytes: &[u8], part: &mut dyn FnMut(Part)) -> Result<(), WireError> {
        while !bytes.is_empty() {
            if self.left == 0 {
                let Some(line) = take_line(&mut self.header, &mut bytes)? else { return Ok(()) };
                let line = &self.header[line];
                if line.is_empty() && self.bytes > 0 {
                    self.left = self.bytes;
                } else if line.to_ascii_lowercase().starts_with(b"content-length:") {
                    let value = line["content-length:".len()..].trim_ascii();
                    self.bytes = parse_number(value).ok_or(WireError::Malformed("Content-Length"))?;
                }
                self.header.clear();
                continue;
            }
            let (now, later) = bytes.split_at(self.left.min(bytes.len()));
            bytes = later;
            self.left -= now.len();
            if self.keep {
                self.jpeg.extend_from_slice(now);
            }
            let wanted = stamp::BYTES.saturating_sub(self.start.len()).min(now.len());
            self.start.extend_from_slice(&now[..wanted]);
            if self.left == 0 {
                let jpeg = std::mem::take(&mut self.jpeg);
                let (stamp, bytes) = (Stamp::from_bytes(&self.start), self.bytes);
                part(Part {
                    stamp,
                    bytes,
                    whole: stamp.is_none_or(|stamp| stamp.bytes as usize == bytes),
                    jpeg,
                });
                self.bytes = 0;
                self.start.clear();
            }
        }
        Ok(())
    }
}

/// A part as the server sends it, in a chunk of its own.
pub(super) fn encode_part(stamp: Stamp) -> Vec<u8> {
    let bytes = stamp.bytes as usize;
    let head = format!("--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {bytes}\r\n\r\n");
    let mut chunk = format!("{:X}\r\n{head}", head.len() + bytes + 2).into_bytes();
    let end = chunk.len() + bytes;
    chunk.extend_from_slice(&stamp.beginning());
    chunk.resize(end, 0x55);
    chunk.extend_from_slice(b"\r\n\r\n");
    chunk
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n";

    fn part(jpeg: &[u8]) -> Vec<u8> {
        let mut part =
            format!("--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len())
                .into_bytes();
        part.extend_from_slice(jpeg);
        part.extend_from_slice(b"\r\n");
        part
    }

    fn chunk(bytes: &[u8]) -> Vec<u8> {
        [format!("{:X}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
    }

    fn parse(bytes: &[u8], piece: usize, keep: bool) -> Result<Vec<Part>, WireError> {
        let (mut wire, mut parts) = (Multipart::new(keep), Vec::new());
        for piece in bytes.chunks(piece) {
            wire.feed(piece, &mut |part| parts.push(part))?;
        }
        Ok(parts)
    }

    #[test]
    fn parts_are_the_same_however_the_bytes_are_split_in_chunks_or_not() {
        let stamp = Stamp::now(0, 302, 7);
        let mut first = stamp.beginning().to_vec();
        first.extend_from_slice(&[0x0a; 300]);
        let second = vec![b'-'; 10];
        let plain = [HEAD.as_bytes(), b"\r\n", &part(&first), &part(&second)].concat();
        let mut chunked = [HEAD.as_bytes(), b"transfer-encoding: chunked\r\n\r\n"].concat();
        let body = [part(&first), part(&second)].concat();
        body.chunks(97).for_each(|piece| chunked.extend(chunk(piece)));
        for bytes in [plain, chunked] {
            for piece in [1, 2, 3, 64, 1 << 16] {
                let parts = parse(&bytes, piece, true).unwrap();
                assert_eq!(parts.len(), 2, "in pieces of {piece}");
                assert_eq!(
                    (parts[0].stamp, parts[0].bytes, parts[0].whole),
                    (Some(stamp), first.len(), true)
                );
                assert_eq!(parts[0].jpeg, first);
                assert_eq!((parts[1].stamp, &parts[1].jpeg), (None, &second));
                assert!(parse(&bytes, piece, false).unwrap()[0].jpeg.is_empty());
            }
        }
    }

    #[test]
    fn refusals_and_nonsense_are_told_apart() {
        assert_eq!(parse(b"HTTP/1.1 503 Busy\r\n\r\n", 5, false), Err(WireError::Status(503)));
        assert!(matches!(parse(b"SSH-2.0\r\nx\r\n\r\nzzz\r\n", 50, false), Ok(parts) if parts.is_empty()));
        let bad = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\nxyz\r\n");
        assert_eq!(parse(bad.as_bytes(), 9, false), Err(WireError::Malformed("chunk size")));
        assert_eq!(parse(&[b'a'; 5000], 999, false), Err(WireError::Malformed("header")));
    }
}
