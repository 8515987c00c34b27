//! How pictures come to viewers: as parts of an endless answer, or as messages of a WebSocket.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::ops::Range;

use bytes::Bytes;
use thiserror::Error;

use super::messages::{self, Messages};
use super::multipart::{self, Multipart};
use super::stamp::{self, Stamp};
use super::websocket;

/// A header larger than this is none.
const MAX_HEADER_BYTES: usize = 4 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// `multipart/x-mixed-replace`, as browsers show it.
    Multipart,
    /// Text messages with a data URL.
    Text,
    /// Binary messages with a small header (`sightwire.v1`).
    Binary,
}

/// What a viewer gets, taken apart without being looked at. Pure; of a picture's bytes only the first few are seen.
pub(crate) trait Wire: Send {
    /// Takes bytes as they come; `part` is called for each picture whose last byte is among them.
    fn feed(&mut self, bytes: &[u8], part: &mut dyn FnMut(Part)) -> Result<(), WireError>;

    /// Whether the answer has come to its own end.
    fn has_ended(&self) -> bool {
        false
    }

    /// What has to be answered, since the last time.
    fn take_replies(&mut self) -> Vec<u8> {
        Vec::new()
    }
}

/// What the answer turned out to be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum WireError {
    /// Not the status that was asked for.
    #[error("the answer has the status {0}")]
    Status(u16),
    /// Not as HTTP, multipart or WebSocket have it.
    #[error("the answer has a malformed {0}")]
    Malformed(&'static str),
    /// The server said goodbye, and why.
    #[error("the server closed it ({code}): {reason}")]
    Closed {
        /// Of the close frame.
        code: u16,
        /// Of the close frame, or of the error message before it.
        reason: String,
    },
}

/// A picture that has come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// What was written into it as it was sent; absent where the server drew it anew.
    pub(crate) stamp: Option<Stamp>,
    /// Of the picture as it came: in base64 where it came as text.
    pub(crate) bytes: usize,
    /// Whether size and stream are those of the stamp.
    pub(crate) whole: bool,
    /// The picture, where the parser keeps them.
    pub(crate) jpeg: Vec<u8>,
}

impl Kind {
    /// The kind of the relay's messages, text or binary.
    pub(crate) fn for_messages(binary: bool) -> Self {
        if binary { Self::Binary } else { Self::Text }
    }

    /// At the beginning of an answer. `keep`: whole pictures are handed out, not only counted (multipart only).
    pub(crate) fn make_wire(self, keep: bool) -> Box<dyn Wire> {
        match self {
            Self::Multipart => Box::new(Multipart::new(keep)),
            Self::Text | Self::Binary => Box::new(Messages::default()),
        }
    }

    /// A request for pictures.
    pub(crate) fn format_request(self, path: &str, address: SocketAddr) -> String {
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n");
        let more = match self {
            Self::Multipart => "Accept: */*\r\n",
            Self::Text => websocket::REQUEST,
            Self::Binary => websocket::REQUEST_V1,
        };
        let _ = write!(request, "{more}\r\n");
        request
    }

    /// How the answer begins (of the bare loop).
    pub(crate) fn answer_head(self) -> &'static [u8] {
        match self {
            Self::Multipart => multipart::ANSWER,
            Self::Text | Self::Binary => websocket::ANSWER,
        }
    }

    /// A picture of `bytes` and of the size of its stamp, as the server sends it (of the bare loop).
    pub(crate) fn encode_picture(self, bytes: usize, sequence: u64) -> Bytes {
        let stamp = Stamp::now(0, bytes.max(stamp::BYTES) - stamp::SEGMENT_BYTES, sequence);
        match self {
            Self::Multipart => multipart::encode_part(stamp),
            Self::Text => messages::encode_text(stamp),
            Self::Binary => messages::encode_binary(stamp),
        }
        .into()
    }
}

/// Moves bytes to `line` up to the end of the line. Where in `line` it stands, if it is whole.
pub(crate) fn take_line(line: &mut Vec<u8>, bytes: &mut &[u8]) -> Result<Option<Range<usize>>, WireError> {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let (now, later) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
    line.extend_from_slice(now);
    *bytes = later;
    if line.len() > MAX_HEADER_BYTES {
        return Err(WireError::Malformed("header"));
    }
    Ok(end.map(|_| 0..line.len() - if line.ends_with(b"\r\n") { 2 } else { 1 }))
}

/// Checks the line if it is one with a status.
pub(crate) fn check_status(line: &[u8], wanted: u16) -> Result<(), WireError> {
    let Some(rest) = line.strip_prefix(b"HTTP/1.") else { return Ok(()) };
    let status = rest.get(2..5).and_then(parse_number).ok_or(WireError::Malformed("status"))? as u16;
    if status == wanted { Ok(()) } else { Err(WireError::Status(status)) }
}

pub(super) fn parse_number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
