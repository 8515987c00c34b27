//! Messages of the relay to a viewer: pictures as text or binary, everything else as JSON.

use super::kind::{Part, Wire, WireError, check_status, take_line};
use super::stamp::{self, Stamp};
use super::websocket::{self, Frames, Message, Opcode};

/// Names of streams begin so; their number follows.
pub(crate) const STREAM: &str = "bench-";
/// Before the picture in base64.
const BASE64: &[u8] = b";base64,";
/// After the picture in base64.
const TEXT_END: &str = "\"}}";
/// Of a binary picture, before the name of its stream.
pub(crate) const BINARY_HEADER_BYTES: usize = 20;
/// A stamp in base64.
const STAMP_CHARS: usize = stamp::BYTES / 3 * 4;

/// What a viewer of the relay gets.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    /// Of the answer to the upgrade; none once it is over.
    line: Option<Vec<u8>>,
    upgraded: bool,
    frames: Frames,
    talk: Talk,
}

/// What is said beside the pictures.
#[derive(Debug, Default)]
struct Talk {
    replies: Vec<u8>,
    /// The server's last word.
    error: Option<String>,
}

impl Wire for Messages {
    fn feed(&mut self, mut bytes: &[u8], part: &mut dyn FnMut(Part)) -> Result<(), WireError> {
        while !self.upgraded {
            let text = self.line.get_or_insert_default();
            let Some(line) = take_line(text, &mut bytes)? else { return Ok(()) };
            check_status(&text[line.clone()], 101)?;
            self.upgraded = line.is_empty();
            text.clear();
        }
        self.line = None;
        let talk = &mut self.talk;
        self.frames.feed(bytes, |message| {
            match message.opcode {
                Opcode::Text if contains_bytes(message.start, b"\"live_frame\"") => part(text_part(message)),
                Opcode::Binary => part(binary_part(message)?),
                _ => talk.handle_message(message)?,
            }
            Ok(())
        })
    }

    fn take_replies(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.talk.replies)
    }
}

impl Talk {
    fn handle_message(&mut self, message: Message<'_>) -> Result<(), WireError> {
        let start = message.start;
        match message.opcode {
            Opcode::Ping => self.replies.extend(websocket::encode_masked(Opcode::Pong, start)),
            Opcode::Text if contains_bytes(start, b"\"ping\"") => {
                self.replies.extend(websocket::encode_masked(Opcode::Text, br#"{"type":"pong"}"#));
            }
            Opcode::Text if contains_bytes(start, b"\"error\"") => {
                self.error = Some(String::from_utf8_lossy(start).into_owned());
            }
            Opcode::Close => return Err(close_error(start, self.error.take())),
            _ => {}
        }
        Ok(())
    }
}

/// What a close frame says; rather the error before it, if there was one.
pub(crate) fn close_error(payload: &[u8], error: Option<String>) -> WireError {
    let code = payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
    let reason = || String::from_utf8_lossy(payload.get(2..).unwrap_or_default()).into_owned();
    WireError::Closed { code, reason: error.unwrap_or_else(reason) }
}

fn text_part(message: Message<'_>) -> Part {
    let Some(at) = find_bytes(message.start, BASE64).map(|at| at + BASE64.len()) else {
        return Part { stamp: None, bytes: message.bytes, whole: false, jpeg: Vec::new() };
    };
    let chars = message.start.get(at..at + STAMP_CHARS).unwrap_or_default();
    let start = base64_simd::STANDARD.decode_to_vec(chars).unwrap_or_default();
    let (stamp, bytes) = (Stamp::from_bytes(&start), message.bytes.saturating_sub(at + TEXT_END.len()));
    let whole = stamp.is_none_or(|stamp| {
        bytes == (stamp.bytes as usize).div_ceil(3) * 4
            && contains_bytes(&message.start[..at], format!("\"{STREAM}{}\"", stamp.source).as_bytes())
    });
    Part { stamp, bytes, whole, jpeg: Vec::new() }
}

fn binary_part(message: Message<'_>) -> Result<Part, WireError> {
    let malformed = WireError::Malformed("header of a binary picture");
    let name_bytes = match message.start {
        [1, name_bytes, 0, 0, ..] => usize::from(*name_bytes),
        _ => return Err(malformed),
    };
    let at = BINARY_HEADER_BYTES + name_bytes;
    let Some(jpeg) = message.start.get(at..) else { return Err(malformed) };
    let (stamp, bytes) = (Stamp::from_bytes(jpeg), message.bytes - at);
    let whole = stamp.is_none_or(|stamp| {
        let name = &message.start[BINARY_HEADER_BYTES..at];
        bytes == stamp.bytes as usize && name == format!("{STREAM}{}", stamp.source).as_bytes()
    });
    Ok(Part { stamp, bytes, whole, jpeg: Vec::new() })
}

/// A picture as the server sends it in text.
pub(super) fn encode_text(stamp: Stamp) -> Vec<u8> {
    let mut payload = format!(
        r#"{{"type":"live_frame","patient_id":"{STREAM}{}","data":{{"frame":"data:image/jpeg;base64,"#,
        stamp.source
    );
    payload += &base64_simd::STANDARD.encode_to_string(stamp.beginning());
    let chars = (stamp.bytes as usize).div_ceil(3) * 4;
    payload.extend(std::iter::repeat_n('V', chars - STAMP_CHARS));
    payload += TEXT_END;
    [websocket::encode_header(Opcode::Text, payload.len(), false), payload.into_bytes()].concat()
}

/// A picture as the server sends it in the binary mode.
pub(super) fn encode_binary(stamp: Stamp) -> Vec<u8> {
    let name = format!("{STREAM}{}", stamp.source);
    let mut payload = vec![1, name.len() as u8, 0, 0];
    payload.extend_from_slice(&stamp.sequence.to_be_bytes());
    payload.extend_from_slice(&(stamp.sent_ns / 1000).to_be_bytes());
    payload.extend_from_slice(name.as_bytes());
    payload.extend_from_slice(&stamp.beginning());
    payload.resize(BINARY_HEADER_BYTES + name.len() + stamp.bytes as usize, 0x55);
    [websocket::encode_header(Opcode::Binary, payload.len(), false), payload].concat()
}

pub(crate) fn contains_bytes(text: &[u8], part: &[u8]) -> bool {
    find_bytes(text, part).is_some()
}

fn find_bytes(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8], piece: usize) -> (Vec<Part>, Messages, Result<(), WireError>) {
        let (mut wire, mut parts) = (Messages::default(), Vec::new());
        let mut result = Ok(());
        for piece in bytes.chunks(piece) {
            result = wire.feed(piece, &mut |part| parts.push(part));
            if result.is_err() {
                break;
            }
        }
        (parts, wire, result)
    }

    fn said(text: &str) -> Vec<u8> {
        [&websocket::encode_header(Opcode::Text, text.len(), false), text.as_bytes()].concat()
    }

    #[test]
    fn pictures_are_the_same_however_the_bytes_are_split_and_the_rest_is_heard() {
        let stamps = [Stamp::now(12, 70_000, 5), Stamp::now(0, 71_001, 6)];
        let bytes = [
            websocket::ANSWER,
            &said(r#"{"type":"viewer_connected","active_streams":["live_frame-1"],"timestamp":1.5}"#),
            &encode_text(stamps[0]),
            &said(r#"{"type":"ping","timestamp":1.5}"#),
            &[0x89, 2, b'h', b'i'],
            &encode_binary(stamps[1]),
        ]
        .concat();
        for piece in [1, 2, 64, 1 << 16] {
            let (parts, mut wire, result) = parse(&bytes, piece);
            result.unwrap();
            assert_eq!(parts.iter().filter_map(|part| part.stamp).collect::<Vec<_>>(), stamps);
            assert!(parts.iter().all(|part| part.whole), "in pieces of {piece}: {parts:?}");
            assert_eq!(parts[1].bytes, stamps[1].bytes as usize);
            let pong = websocket::encode_masked(Opcode::Text, br#"{"type":"pong"}"#);
            assert_eq!(wire.take_replies(), [pong, websocket::encode_masked(Opcode::Pong, b"hi")].concat());
            assert!(wire.take_replies().is_empty());
        }
    }

    #[test]
    fn a_picture_cut_short_or_of_another_stream_is_not_whole() {
        let stamp = Stamp::now(3, 7_000, 1);
        for message in [encode_text(stamp), encode_binary(stamp)] {
            let name = find_bytes(&message, b"bench-3").unwrap();
            let mut other = message.clone();
            other[name + 6] = b'4';
            let mut short = message.clone();
            let size = u16::from_be_bytes([short[2], short[3]]) - 4;
            short[2..4].copy_from_slice(&size.to_be_bytes());
            short.truncate(short.len() - 4);
            for (bytes, whole) in [(message, true), (other, false), (short, false)] {
                let (parts, ..) = parse(&[websocket::ANSWER, &bytes].concat(), 1000);
                assert_eq!((parts.len(), parts[0].stamp, parts[0].whole), (1, Some(stamp), whole));
            }
        }
    }

    #[test]
    fn the_server_s_last_word_is_told() {
        let busy = said(r#"{"type":"error","message":"too many"}"#);
        let close = [&[0x88, 6][..], &1013_u16.to_be_bytes(), b"busy"].concat();
        let told = |bytes: &[u8]| parse(&[websocket::ANSWER, bytes].concat(), 9).2.unwrap_err().to_string();
        assert_eq!(told(&close), "the server closed it (1013): busy");
        assert!(told(&[busy, close].concat()).contains("too many"));
        let refused = parse(b"HTTP/1.1 403 Forbidden\r\n\r\n", 99).2;
        assert_eq!(refused, Err(WireError::Status(403)));
    }
}
