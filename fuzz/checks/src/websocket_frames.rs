#[path = "../../../crates/listen/src/frames.rs"]
#[allow(dead_code, reason = "only what follows frames is called")]
mod frames;

use frames::{Frames, Head};

/// What is known of a WebSocket from the bytes that go by: the same however they are split, and never more than came. The first
/// byte chooses the pieces.
pub fn websocket_frames(data: &[u8]) {
    let Some((size, bytes)) = data.split_first() else { return };
    let size = usize::from(*size).max(1);
    let (mut whole, mut pieces) = (Frames::default(), Frames::default());
    let payload = whole.pass(bytes);
    let passed: u64 = bytes.chunks(size).map(|piece| pieces.pass(piece)).sum();
    assert_eq!(payload, passed);
    let seen = |frames: &Frames| {
        (frames.held_bytes(), frames.bytes_left(), frames.announced_bytes(), frames.unit_count(), frames.is_within(), frames.is_within_frame())
    };
    assert_eq!(seen(&whole), seen(&pieces));
    assert!(payload <= bytes.len() as u64 && whole.held_bytes() <= payload && whole.held_bytes() <= whole.announced_bytes());
    assert!(whole.unit_count() <= bytes.len() as u64 / 2, "a frame has two bytes at least");

    let (mut whole, mut pieces) = (Head::default(), Head::default());
    let rest = whole.pass(bytes).len();
    let passed: usize = bytes.chunks(size).map(|piece| pieces.pass(piece).len()).sum();
    assert_eq!((rest, whole.is_over(), whole.is_all()), (passed, pieces.is_over(), pieces.is_all()));
}
