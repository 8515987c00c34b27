use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http_body::Body as _;
use serde::de::IgnoredAny;
use socketioxide_core::packet::PacketData;
use socketioxide_core::parser::{Parse as _, ParseConfig, ParserState};
use socketioxide_core::{Str, Value};
use socketioxide_parser_common::CommonParser;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::pieces::split_pieces;

#[path = "../../../crates/listen/src/sessions/packets.rs"]
#[allow(dead_code, reason = "its users' constants")]
mod packets;

use packets::Packets;

const SEPARATOR: u8 = 0x1e;
/// After as many packets or bytes others have their turn.
const TURN_PACKETS: usize = 128;
const TURN_BYTES: usize = 16 << 10;

/// Has a clock, which nothing here waits for.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime"));

/// What polling clients of Engine.IO post: each frame has one packet at most, nothing is lost or added however the body is split,
/// none of it after the limit, others get their turn, and nothing follows a client's entering before it has entered. The first two bytes
/// choose the limit and the pieces. Packets of Socket.IO that are read mean the same when they are written again.
pub fn polling(data: &[u8]) {
    let Some((&[limit, seed], body)) = data.split_first_chunk::<2>() else { return };
    // No piece of a body is empty.
    if body.is_empty() {
        return;
    }
    let limit = usize::from(limit) * 256;
    let split: Vec<&[u8]> = split_pieces(body, seed).collect();
    for pieces in [&[body][..], &split] {
        let (passed, is_whole) = read_packets(pieces, limit);
        assert_eq!(is_whole, body.len() <= limit);
        assert!(body.starts_with(&passed) && passed.len() <= limit);
        assert!(!is_whole || passed == body);
    }
    for packet in body.split(|byte| *byte == SEPARATOR) {
        if let Some(text) = packet.strip_prefix(b"4").and_then(|packet| std::str::from_utf8(packet).ok()) {
            check_message(text);
        }
    }
}

/// What of a body was passed on, and whether that is all of it.
fn read_packets(pieces: &[&[u8]], limit: usize) -> (Vec<u8>, bool) {
    let _clock = RUNTIME.enter();
    let answered = CancellationToken::new();
    let pieces: Vec<_> = pieces.iter().map(|piece| Ok::<_, axum::Error>(Bytes::copy_from_slice(piece))).collect();
    let body = Body::from_stream(stream::iter(pieces));
    let mut packets = Packets::new(body, limit, answered.clone());
    let mut cx = Context::from_waker(Waker::noop());
    let (mut passed, mut packet) = (Vec::new(), Vec::new());
    let (mut frames, mut bytes) = (0, 0);
    loop {
        let enters = packet.starts_with(b"40") && packet.ends_with(&[SEPARATOR]) && !answered.is_cancelled();
        match Pin::new(&mut packets).poll_frame(&mut cx) {
            Poll::Ready(None) => return (passed, true),
            Poll::Ready(Some(Err(_))) => return (passed, false),
            Poll::Ready(Some(Ok(frame))) => {
                assert!(!enters, "the client has not entered");
                assert!(frames < TURN_PACKETS && bytes < TURN_BYTES, "others wait");
                let frame = frame.into_data().expect("bytes");
                let end = frame.iter().position(|byte| *byte == SEPARATOR);
                assert!(!frame.is_empty() && end.is_none_or(|at| at + 1 == frame.len()));
                passed.extend_from_slice(&frame);
                (frames, bytes) = (frames + 1, bytes + frame.len());
                if packet.last() == Some(&SEPARATOR) {
                    packet.clear();
                }
                packet.extend_from_slice(&frame);
            }
            Poll::Pending if enters => answered.cancel(),
            Poll::Pending => {
                assert!(frames >= TURN_PACKETS || bytes >= TURN_BYTES, "there is nothing to wait for");
                (frames, bytes) = (0, 0);
            }
        }
    }
}

fn check_message(text: &str) {
    let read = |text: &str| CommonParser.decode_str(&ParseConfig::default(), &ParserState::default(), Str::from(text.to_owned()));
    let Ok(packet) = read(text) else { return };
    // Whether what follows the head is JSON, the library leaves to others; and where the head ends follows from that.
    let PacketData::Event(Value::Str(event, _), _) = &packet.inner else { return };
    if serde_json::from_str::<Vec<IgnoredAny>>(event).is_err() {
        return;
    }
    let Value::Str(written, None) = CommonParser.encode(packet.clone()) else { return };
    assert_eq!(read(&written).as_ref().ok(), Some(&packet), "{written}");
}
