//! Frames of WebSocket (RFC 6455, section 5) as a client of many needs them: taken apart without keeping their payload,
//! and masked where they are sent.

use super::kind::WireError;

/// What is kept of a message.
const KEPT_BYTES: usize = 512;
/// Of every client here: what a server does with a mask does not depend on its value.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Header lines of an upgrade, with the extension that browsers offer.
pub(super) const REQUEST: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";
/// The same for the binary mode.
pub(super) const REQUEST_V1: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\
    Sec-WebSocket-Protocol: sightwire.v1\r\n";
/// How the bare loop answers.
pub(super) const ANSWER: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opcode {
    Text,
    Binary,
    /// The last frame of its sender.
    Close,
    /// To be answered with its own payload.
    Ping,
    /// The answer to a ping, with the same payload.
    Pong,
}

/// A message that has come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    pub(crate) opcode: Opcode,
    /// The first bytes of it: all, if it is short.
    pub(crate) start: &'a [u8],
    /// Bytes of the whole message.
    pub(crate) bytes: usize,
}

/// Frames of a server, put together to messages.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    header: Vec<u8>,
    /// Of the payload of the frame that is coming; none while its header is.
    left: Option<u64>,
    /// Of the message that is coming, which control frames may interrupt.
    data: Option<Opcode>,
    start: Vec<u8>,
    bytes: usize,
    control: Vec<u8>,
}

impl Opcode {
    fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    fn bits(self) -> u8 {
        match self {
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }
}

impl Frames {
    /// Takes bytes as they come; `message` is called for each message whose last byte is among them.
    pub(crate) fn feed<E: From<WireError>>(
        &mut self,
        mut bytes: &[u8],
        mut message: impl FnMut(Message<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            let left = match self.left {
                Some(left) => left,
                None => match self.take_header(&mut bytes)? {
                    Some(left) => left,
                    None => return Ok(()),
                },
            };
            let (now, later) = bytes.split_at(bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
            bytes = later;
            let control = self.header_opcode().filter(|opcode| opcode.is_control());
            let (kept, limit) =
                if control.is_some() { (&mut self.control, 125) } else { (&mut self.start, KEPT_BYTES) };
            kept.extend_from_slice(&now[..now.len().min(limit - kept.len())]);
            if control.is_none() {
                self.bytes += now.len();
            }
            let left = left - now.len() as u64;
            self.left = Some(left);
            if left > 0 {
                return Ok(());
            }
            self.left = None;
            let is_last = self.header[0] & 0x80 != 0;
            self.header.clear();
            if let Some(opcode) = control {
                message(Message { opcode, start: &self.control, bytes: self.control.len() })?;
                self.control.clear();
            } else if is_last {
                let opcode = self.data.take().ok_or(WireError::Malformed("continuation"))?;
                message(Message { opcode, start: &self.start, bytes: self.bytes })?;
                self.start.clear();
                self.bytes = 0;
            }
        }
    }

    /// Of the frame whose header is there; none for a continuation.
    fn header_opcode(&self) -> Option<Opcode> {
        match self.header[0] & 0x0f {
            1 => Some(Opcode::Text),
            2 => Some(Opcode::Binary),
            8 => Some(Opcode::Close),
            9 => Some(Opcode::Ping),
            10 => Some(Opcode::Pong),
            _ => None,
        }
    }

    /// The size of the payload, once the header is whole.
    fn take_header(&mut self, bytes: &mut &[u8]) -> Result<Option<u64>, WireError> {
        loop {
            let wanted = match self.header.get(1).map(|length| length & 0x7f) {
                Some(126) => 4,
                Some(127) => 10,
                _ => 2,
            };
            if self.header.len() == wanted {
                break;
            }
            let Some((byte, later)) = bytes.split_first() else { return Ok(None) };
            self.header.push(*byte);
            *bytes = later;
        }
        if self.header[0] & 0x70 != 0 || self.header[1] & 0x80 != 0 {
            return Err(WireError::Malformed("frame (masked, or of an extension)"));
        }
        let length = match self.header[2..] {
            [] => u64::from(self.header[1]),
            [a, b] => u64::from(u16::from_be_bytes([a, b])),
            [a, b, c, d, e, f, g, h] => u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            _ => return Err(WireError::Malformed("length")),
        };
        match self.header_opcode() {
            Some(opcode) if opcode.is_control() && length > 125 => Err(WireError::Malformed("control frame")),
            Some(opcode) if !opcode.is_control() => match self.data.replace(opcode) {
                None => Ok(Some(length)),
                Some(_) => Err(WireError::Malformed("message within a message")),
            },
            None if self.header[0] & 0x0f != 0 => Err(WireError::Malformed("opcode")),
            _ => Ok(Some(length)),
        }
    }
}

/// The header of a message in one frame; with a mask, for a server.
pub(crate) fn encode_header(opcode: Opcode, bytes: usize, masked: bool) -> Vec<u8> {
    let mut header = vec![0x80 | opcode.bits()];
    let mask = if masked { 0x80 } else { 0 };
    match bytes {
        0..=125 => header.push(mask + bytes as u8),
        126..=0xffff => {
            header.push(mask + 126);
            header.extend_from_slice(&(bytes as u16).to_be_bytes());
        }
        _ => {
            header.push(mask + 127);
            header.extend_from_slice(&(bytes as u64).to_be_bytes());
        }
    }
    if masked {
        header.extend_from_slice(&MASK);
    }
    header
}

/// Masks bytes that stand at `at` of a payload.
pub(crate) fn mask_payload(bytes: &mut [u8], at: usize) {
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte ^= MASK[(at + index) % MASK.len()];
    }
}

/// A whole message for a server.
pub(crate) fn encode_masked(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut message = encode_header(opcode, payload.len(), true);
    let at = message.len();
    message.extend_from_slice(payload);
    mask_payload(&mut message[at..], 0);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8], piece: usize) -> Result<Vec<(Opcode, Vec<u8>, usize)>, WireError> {
        let (mut frames, mut messages) = (Frames::default(), Vec::new());
        for piece in bytes.chunks(piece) {
            frames.feed(piece, |message| {
                messages.push((message.opcode, message.start.to_vec(), message.bytes));
                Ok::<_, WireError>(())
            })?;
        }
        Ok(messages)
    }

    fn framed(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
        [&encode_header(opcode, payload.len(), false), payload].concat()
    }

    #[test]
    fn messages_are_the_same_however_the_bytes_are_split_and_of_any_length() {
        let mut bytes = Vec::new();
        let lengths = [0, 1, 125, 126, 512, 513, 65_535, 65_536, 100_000];
        for length in lengths {
            bytes.extend(framed(Opcode::Text, &vec![b'x'; length]));
        }
        bytes.extend(framed(Opcode::Close, b""));
        for piece in [1, 7, 4096, usize::MAX] {
            let messages = parse(&bytes, piece.min(bytes.len())).unwrap();
            assert_eq!(messages.iter().map(|m| m.2).collect::<Vec<_>>(), [&lengths[..], &[0]].concat());
            assert!(messages.iter().all(|m| m.1.len() == m.2.min(KEPT_BYTES)));
            assert_eq!(messages[9].0, Opcode::Close);
        }
    }

    #[test]
    fn a_ping_may_stand_between_the_frames_of_a_message() {
        let bytes = [&[0x01, 2, b'a', b'b'][..], &[0x89, 1, b'!'], &[0x80, 1, b'c'], &[0x82, 0]].concat();
        let messages = parse(&bytes, 3).unwrap();
        let all: Vec<_> = messages.iter().map(|m| (m.0, m.1.as_slice())).collect();
        assert_eq!(all, [(Opcode::Ping, &b"!"[..]), (Opcode::Text, &b"abc"[..]), (Opcode::Binary, &b""[..])]);
    }

    #[test]
    fn what_a_server_may_not_send_is_told() {
        for bad in
            [&[0x80, 0][..], &[0x01, 0, 0x81, 0], &[0xc1, 0], &[0x81, 0x80], &[0x89, 126, 0, 200], &[0x83, 0]]
        {
            assert!(matches!(parse(bad, 1), Err(WireError::Malformed(_))), "{bad:?}");
        }
    }

    #[test]
    fn a_masked_message_is_itself_again_when_masked_again() {
        let mut message = encode_masked(Opcode::Text, b"hello, server");
        assert_eq!(message[..6], [0x81, 0x80 + 13, 0x37, 0xfa, 0x21, 0x3d]);
        mask_payload(&mut message[6..], 0);
        assert_eq!(&message[6..], b"hello, server");
        let mut halves = b"hello, server".to_vec();
        mask_payload(&mut halves[..5], 0);
        mask_payload(&mut halves[5..], 5);
        assert_eq!(halves, encode_masked(Opcode::Text, b"hello, server")[6..]);
    }
}
