#[path = "../../../crates/listen/src/head.rs"]
#[allow(dead_code, reason = "only what follows requests is called")]
mod head;

use head::Heads;

/// Line ends of requests: of a connection at most one byte is changed, a bare LF into a NUL, and the same one however the requests
/// are split. The first byte chooses the pieces.
pub fn request_heads(data: &[u8]) {
    let Some((size, bytes)) = data.split_first() else { return };
    let size = usize::from(*size).max(1);
    let (mut whole, mut pieces) = (bytes.to_vec(), bytes.to_vec());
    Heads::default().follow(&mut whole);
    let mut heads = Heads::default();
    pieces.chunks_mut(size).for_each(|piece| heads.follow(piece));
    assert_eq!(whole, pieces);
    let changed: Vec<usize> = (0..bytes.len()).filter(|at| whole[*at] != bytes[*at]).collect();
    assert!(changed.len() <= 1);
    // What is before the first line after a body is not part of that line.
    let has_bodies = [&b"transfer"[..], b"length"].iter().any(|field| {
        bytes.windows(field.len()).any(|word| word.eq_ignore_ascii_case(field))
    });
    let is_bare_lf = |at: usize| bytes[at] == b'\n' && (at == 0 || bytes[at - 1] != b'\r' || has_bodies);
    assert!(changed.iter().all(|&at| is_bare_lf(at) && whole[at] == 0));
}
